"""What a student hands in, before and after the sandbox: names, files, texts, pictures, answers."""

import io
import json
import os
import time
import zipfile

import nbformat
import numpy as np
import pytest
from coursework.sets import cells, own_course, solved
from grading import course, form, grade, plain, release, rewriting, sandbox, saving

needs_sandbox = pytest.mark.skipif(
    not sandbox.available(), reason="bubblewrap does not work here, and nothing is run without it"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of its database
PIXEL = "iVBORw0KGgo="


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    with own_course(tmp_path_factory.mktemp("form")) as place:
        yield place


def markdown(source, attachments=None):
    cell = {"cell_type": "markdown", "metadata": {}, "source": source}
    return cell if attachments is None else cell | {"attachments": attachments}


def cleaned(*cells):
    """The cells as they go on, and what was noticed."""
    notes = []
    notebook = rewriting.clean(list(cells), nbformat.v4.new_notebook(), notes)
    nbformat.validate(notebook)
    json.dumps(notebook).encode()
    return notebook.cells, [note for note in notes if "does not look like" not in note]


# ---- names and files ---------------------------------------------------------------------------


def test_a_safe_name_stays_with_its_folder_whatever_else_comes(tmp_path):
    names = ["ada", " ada", "(bob)", "bob", "a_b", "a b", "अदिति", "अदीता", "x" * 240, "é" * 120]
    for name in names:
        (tmp_path / name).mkdir()
    found = {place.name: student for student, place in form.find(tmp_path, "ps1")}
    assert len(set(found.values())) == len(names)
    assert all(found[name] == name for name in ("ada", "bob", "a_b", "अदिति", "अदीता"))
    assert max(len(name.encode()) for name in found.values()) <= form.LONGEST
    (tmp_path / "((bob").mkdir()
    again = {place.name: student for student, place in form.find(tmp_path, "ps1")}
    assert {name: again[name] for name in names} == found


def test_a_folder_of_the_sets_name_counts_if_the_notebook_is_in_it(tmp_path):
    for path in ("ada/ps1.ipynb", "ada/ps1/notes.txt", "bob/ps1/ps1.ipynb", "bob/draft.ipynb"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
    (tmp_path / "__MACOSX").mkdir()
    assert form.find(tmp_path, "ps1") == [
        ("ada", tmp_path / "ada"),
        ("bob", tmp_path / "bob" / "ps1"),
    ]


def test_a_notebook_is_found_by_its_ending(tmp_path):
    nbformat.write(solved("ps1"), tmp_path / "PS1.IPYNB")
    (tmp_path / "._PS1.IPYNB").write_bytes(b"of a Mac")
    read = form.read("ada", tmp_path, "ps1", solved("ps1"), {})
    assert read.notes == ["The notebook is named PS1.IPYNB instead of ps1.ipynb."]


def test_a_name_with_signs_that_cannot_be_shown(tmp_path):
    (tmp_path / "x`\n\n<img src=q>.ipynb").write_text("{")
    notes = form.read("ada", tmp_path, "ps1", solved("ps1"), {}).notes
    assert notes and not [note for note in notes if "\n" in note]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_a_note(tmp_path):
    (tmp_path / "ada").mkdir(mode=0)
    ((student, place),) = form.find(tmp_path, "ps1")
    assert form.read(student, place, "ps1", solved("ps1"), {}).notes == [
        "The folder cannot be read."
    ]


# ---- texts and pictures ------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_fault():
    data = b"\xef\xbb\xbf" + json.dumps(solved("ps1")).encode()
    assert len(rewriting.parse(data)) == len(solved("ps1").cells)


def test_a_heading_of_an_old_notebook_has_a_level_from_1_to_6():
    sheet = {"cells": [{"cell_type": "heading", "level": 10**9, "source": "a", "metadata": {}}]}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet]}
    (cell,) = rewriting.parse(json.dumps(old).encode())
    assert cell["source"] == "###### a"


@pytest.mark.parametrize("name", ["a.png", "Screenshot 2026-03-01.png", "a (1).png", "ä.png"])
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("data", [PIXEL, [PIXEL[:4], PIXEL[4:]]])
def test_a_picture_is_kept_whatever_its_name(name, quoted, data):
    from urllib.parse import quote

    shown = quote(name, safe="()") if quoted or " " in name else name
    source = f"![x](attachment:{shown}) and text"
    (cell,), notes = cleaned(markdown(source, {name: {"image/png": data}}))
    assert cell.source == "![x](attachment:picture-1.png) and text" and not notes
    assert cell.attachments == {"picture-1.png": {"image/png": PIXEL}}


@pytest.mark.parametrize(
    "attachments",
    [
        None,
        {},
        {"b.png": {"image/png": PIXEL}},
        {"a.png": {"image/svg+xml": "<svg/>"}},
        {"a.png": 3},
    ],
)
def test_a_picture_that_is_not_there_is_a_note(attachments):
    (cell,), notes = cleaned(markdown("![x](attachment:a.png)", attachments))
    assert cell.source == "![x](not-attached:)" and "attachments" not in cell
    assert notes == ["The picture 'a.png' of a written answer is not in the notebook."]


def test_what_was_written_anew_is_written_the_same_again():
    pictures = {name: {"image/png": PIXEL} for name in ("a.png", "b.png", "picture-1.png")}
    source = "![](attachment:b.png) <b> ![](attachment:picture-1.png) ![](attachment:c.png)"
    (once,), notes = cleaned(markdown(source, pictures))
    (twice,), again = cleaned(once)
    assert once == twice and len(notes) == 1 and not again


def test_half_a_letter_is_replaced_wherever_it_stands():
    half = "\ud800"
    cleaned(markdown(f"{half} ![x](attachment:{half})", {half: {"image/png": half}}))


@pytest.mark.parametrize(
    "source", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <!-- b", "<?x ?>"]
)
def test_html_of_a_written_answer_is_text(source):
    from nbconvert.filters import markdown2html

    (cell,), _ = cleaned(markdown(f"**bold** $a<b$ {source}\n\n{source}"))
    page = markdown2html(cell.source)
    assert "<strong>bold</strong>" in page
    assert not [tag for tag in ("<script", "<img", "<!--", "<?") if tag in page]


def test_names_of_pictures_are_found_in_linear_time():
    begin = time.process_time()
    cleaned(markdown("attachment:(" * 50_000), markdown("<" * 500_000))
    assert time.process_time() - begin < 10


# ---- answers from the sandbox ------------------------------------------------------------------


def forged(tree, compression=zipfile.ZIP_STORED, **arrays):
    """An answer's file that `plain.write` would not write."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        tree = np.frombuffer(json.dumps(tree).encode(), np.uint8)
        for name, array in {"tree": tree, **arrays}.items():
            entry = io.BytesIO()
            np.save(entry, array)
            archive.writestr(f"{name}.npy", entry.getvalue())
    return file.getvalue()


def encrypted(archive):
    """The same file, whose directory says that its entries are encrypted."""
    place = archive.index(b"PK\x01\x02") + 8
    return archive[:place] + b"\x01" + archive[place + 1 :]


FORGED = {
    "no node": forged([]),
    "a number": forged(3),
    "a list for a dict": forged({"dict": []}),
    "an infinite index": forged({"array": float("inf")}),
    "a float that is none": forged({"float": [1]}),
    "a very long integer": forged({"value": 10**400}),
    "no such array": forged({"array": 7}),
    "deflated": forged({"value": 1}, zipfile.ZIP_DEFLATED),
    "bz2": forged({"array": 0}, zipfile.ZIP_BZIP2, a0=np.zeros(10**6)),
    "lzma": forged({"array": 0}, zipfile.ZIP_LZMA, a0=np.zeros(10**6)),
    "cut off": forged({"value": 1})[:-30],
    "encrypted": encrypted(forged({"value": 1})),
    "a damaged header": forged({"value": 1}).replace(b"'descr'", b"'desc(("),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_a_forged_answer_is_no_answer(tmp_path, content):
    (tmp_path / "1.npz").write_bytes(content)
    with pytest.raises(ValueError, match="not the arrays|not an array|larger than"):
        plain.read(tmp_path / "1.npz", 10**6)


# ---- through nbgrader --------------------------------------------------------------------------


def hand_in(root, students):
    for student, notebook in students.items():
        (root / "in" / student).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, root / "in" / student / "ps1.ipynb")


def with_answer(source, attachments=None):
    notebook = solved("ps1")
    written = [c for c in cells(notebook).values() if c.metadata.nbgrader.solution]
    answer = next(cell for cell in written if cell.cell_type == "markdown")
    answer.source = source
    if attachments:
        answer["attachments"] = attachments
    return notebook


@needs_sandbox
def test_an_answer_on_which_nbconvert_works_for_hours_costs_no_mark(root, monkeypatch, capsys):
    monkeypatch.setattr(saving, "PATIENCE", 5)
    release.build("ps1")
    hand_in(root, {"eve": with_answer("\\begin{a} " * 40_000), "ada": with_answer("short")})
    assert grade.grade("ps1", root / "in", 1) == 0
    assert "eve: a plain page of feedback" in capsys.readouterr().out
    page = (root / "feedback" / "eve" / "ps1" / "ps1.html").read_text()
    assert "ps1-step:" in page and "begin{a}" not in page
    lines = (root / "results" / "ps1" / "grades.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["ada", "ps1", "20.0"],
        ["eve", "ps1", "20.0"],
    ]


@needs_sandbox
def test_a_new_picture_in_the_same_answer_is_shown(root):
    release.build("ps1")
    for data in (PIXEL, "iVBORw0KGgoAAAA="):
        picture = {"a b.png": {"image/png": data}}
        hand_in(root, {"pia": with_answer("![x](attachment:a%20b.png)", picture)})
        assert grade.grade("ps1", root / "in", 1) == 0
        assert data in (root / "feedback" / "pia" / "ps1" / "ps1.html").read_text()
    assert (root / course.CHECKED / "pia" / "ps1" / "ps1.ipynb").exists()

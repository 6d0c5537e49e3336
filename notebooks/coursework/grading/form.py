"""The form of a submission: is it a notebook of this set, and if not quite, what can be saved?

A submission is a folder that a student made. Nothing in it is trusted: links are not followed,
sizes are bounded, and what goes on to the sandbox and to nbgrader is a notebook written anew from
the submitted cells' types and texts. A cell keeps its place in nbgrader's books by its grade_id;
where the id is known, the rest of the metadata is the released one. Every departure from the form
becomes a sentence, and none stops the run.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading import plain

LARGEST = 20_000_000
CELLS = 2_000
PICTURES = ("image/png", "image/jpeg", "image/gif")


@dataclass
class Submission:
    """What a student handed in, in a form that the rest can rely on.

    Parameters
    ----------
    student : str
        A name that is safe as a folder's name.
    folder : Path
        Where it was found.
    notebook : NotebookNode
        The cells; the released ones where there is nothing to grade.
    digest : str
        Hash of the notebook and the files: what the marks depend on.
    files : dict of str to bytes
        The other files that the set allows.
    timestamp : str or None
        When it was handed in.
    notes : list of str
        Departures from the form, each a sentence.
    private : str
        What the instructor alone is told.
    """

    student: str
    folder: Path
    notebook: NotebookNode
    digest: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    timestamp: str | None = None
    notes: list[str] = field(default_factory=list)
    private: str = ""


def find(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return each student's name and the folder of the submission, sorted.

    Both ``folder/STUDENT/psN.ipynb`` and nbgrader's ``folder/STUDENT/psN/psN.ipynb`` are known.
    Names that differ in capitals or in how their letters are encoded only are told apart.

    Raises
    ------
    ValueError
        If there is no such folder, or no submission in it.
    """
    if not folder.is_dir():
        raise ValueError(f"SUBMISSIONS={folder}: no such folder")
    found, taken = [], set()
    for place in sorted(folder.iterdir()):
        if place.name.startswith(".") or place.is_symlink() or not place.is_dir():
            continue
        student = re.sub(r"[^\w.@-]", "_", unicodedata.normalize("NFC", place.name)).strip("._")
        unique, k = student or "unnamed", 2
        while unique.casefold() in taken:
            unique, k = f"{student or 'unnamed'}_{k}", k + 1
        taken.add(unique.casefold())
        inner = place / name
        found.append((unique, inner if inner.is_dir() and not inner.is_symlink() else place))
    if not found:
        raise ValueError(f"SUBMISSIONS={folder}: no folder of a student in it")
    return found


def read(
    student: str, folder: Path, name: str, released: NotebookNode, allowed: Mapping[str, int]
) -> Submission:
    """Read one submission; whatever is wrong with it becomes a note.

    Parameters
    ----------
    student, folder
        As `find` returned them.
    name : str
        The set.
    released : NotebookNode
        The set's student version.
    allowed : dict of str to int
        Files that may lie beside the notebook, and their largest sizes.
    """
    this = Submission(student, folder, released)
    this.timestamp = _timestamp(this)
    path = _notebook(this, name)
    if path is not None:
        try:
            data = plain.read_bytes(path, LARGEST)
            this.notebook = clean(_parse(data), released, this.notes)
        except (OSError, ValueError) as error:
            reason = error if isinstance(error, ValueError) else "it cannot be read"
            this.notes.append(f"{path.name} is no notebook: {reason}.")
    for file, most in sorted(allowed.items()):
        try:
            this.files[file] = plain.read_bytes(folder / file, most)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            this.notes.append(f"The file {file} was left out: {error}.")
    this.digest = digest(this.notebook, this.files)
    return this


def digest(notebook: NotebookNode, files: Mapping[str, bytes]) -> str:
    """Return the hash of what counts: cells in their order, and files."""
    cells = [[cell.cell_type, grade_id(cell), cell.source] for cell in notebook.cells]
    hashed = hashlib.sha256(json.dumps(cells).encode())
    for file, content in files.items():
        hashed.update(f"\0{file}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()


def _notebook(this: Submission, name: str) -> Path | None:
    """Find the notebook among the files of a submission."""
    paths = sorted(path for path in this.folder.iterdir() if path.suffix == ".ipynb")
    wanted = this.folder / f"{name}.ipynb"
    others = [path for path in paths if path != wanted]
    if wanted in paths:
        for path in others:
            this.notes.append(f"The extra notebook {_shown(path)} was not looked at.")
        return wanted
    if len(others) == 1:
        this.notes.append(f"The notebook is named {_shown(others[0])} instead of {wanted.name}.")
        return others[0]
    if others:
        this.notes.append(f"None of the {len(others)} notebooks is named {wanted.name}.")
    else:
        this.notes.append(f"There is no notebook {wanted.name}.")
    return None


def _shown(path: Path) -> str:
    return path.name.encode("utf-8", "replace").decode()[:80]


def _parse(data: bytes) -> NotebookNode:
    if not data.strip():
        raise ValueError("the file is empty")
    try:
        raw = json.loads(data.decode("utf-8"))
        if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
            raise ValueError("it has no notebook format")
        if raw["nbformat"] < 4:
            raw = nbformat.convert(nbformat.from_dict(raw), 4)
        cells = raw["cells"]
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (line {error.lineno})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError:
        raise
    except Exception as error:
        raise ValueError("it has no cells") from error
    if not isinstance(cells, list) or len(cells) > CELLS:
        raise ValueError("it has no list of cells, or too long a one")
    return cells


def clean(cells: list, released: NotebookNode, notes: list[str]) -> NotebookNode:
    """Write a notebook anew from submitted cells: their types, texts and known grade_ids."""
    known = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in released.cells
        if "nbgrader" in cell.metadata
    }
    kept, seen = [], set()
    for number, cell in enumerate(cells):
        made = _cell(cell, f"cell-{number}")
        if made is None:
            notes.append(f"Cell {number + 1} is malformed and was left out.")
            continue
        name = grade_id(cell)
        if name in seen:
            notes.append(f"The cell {name} is there twice; the first one counts.")
        elif name in known:
            seen.add(name)
            original = known[name]
            if made.cell_type != original.cell_type:
                made = _cell({"cell_type": original.cell_type, "source": made.source}, made.id)
            made.metadata = nbformat.from_dict(dict(original.metadata))
            # Locked cells are the released ones; nbgrader compares them once more.
            if original.metadata.nbgrader.locked:
                made.source = original.source
        elif name is not None:
            notes.append(f"The cell id {name!r} is not one of this set.")
        kept.append(made)
    gone = [name for name in known if name not in seen]
    if gone:
        notes.append(f"These cells were deleted or renamed: {', '.join(gone)}.")
    if len(gone) == len(known):
        notes.append("This does not look like a notebook of this set.")
    return new_notebook(cells=_restored(kept, known, gone), metadata=dict(released.metadata))


def _restored(kept: list, known: dict[str, NotebookNode], gone: list[str]) -> list[NotebookNode]:
    """Put lost cells back after those that they follow in the released notebook.

    nbgrader puts back grade cells alone, and not where prose stands before them. A lost solution
    stays lost.
    """
    names, cells = list(known), list(kept)
    for name in gone:
        flags = known[name].metadata.nbgrader
        if flags.locked or flags.grade:
            before = names[: names.index(name)]
            places = [k for k, cell in enumerate(cells) if grade_id(cell) in before]
            cells.insert(max(places, default=-1) + 1, known[name])
    return cells


def is_grade(cell: NotebookNode) -> bool:
    """Whether points hang on a cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def grade_id(cell: dict) -> str | None:
    """Return the grade_id that a cell claims to have."""
    try:
        name = cell["metadata"]["nbgrader"]["grade_id"]
    except (KeyError, TypeError):
        return None
    return _text(name)[:80] if isinstance(name, str) else None


def _cell(cell: object, identity: str) -> NotebookNode | None:
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    makers = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
    maker = makers.get(cell.get("cell_type")) if isinstance(cell.get("cell_type"), str) else None
    if not isinstance(source, str) or maker is None:
        return None
    made = maker(_text(source), id=identity)
    if maker is new_markdown_cell and (pictures := _pictures(cell.get("attachments"))):
        made["attachments"] = pictures
    return made


def _pictures(attached: object) -> dict:
    """Keep the pictures of a written answer."""
    kept = {}
    for name, forms in attached.items() if isinstance(attached, dict) else ():
        if isinstance(forms, dict):
            forms = {k: v for k, v in forms.items() if k in PICTURES and isinstance(v, str)}
            kept[_text(str(name))] = forms
    return kept


def _text(text: str) -> str:
    """Replace what cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _timestamp(this: Submission) -> str | None:
    """Read when the exchange took the submission, if that is known."""
    try:
        text = plain.read_bytes(this.folder / "timestamp.txt", 200).decode().strip()
        from nbgrader.utils import parse_utc  # seconds, and only here

        moment = parse_utc(text)
        if not isinstance(moment, datetime):
            raise ValueError
    except FileNotFoundError:
        return None
    except Exception:
        this.notes.append("The time in timestamp.txt cannot be read and was left out.")
        return None
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

"""Source map, errata and glossary are complete, and every section they name exists."""

import json
import re
from pathlib import Path

import models_page
import pytest

ROOT = Path(__file__).parents[1]
# The sections of the five texts that the course follows.
SECTIONS = """
A0 A1 A2 A3 A3.1 A3.2 A3.3 A3.4 A3.5 A4 A5 A6 A7 A8 A9
B1 B2 B3 B4 B5 B6 B7 C1 C2 C3 C4 C5
D1 D1.1 D1.2 D1.2.1 D1.2.2 D1.3.1 D1.3.2 D1.3.3 D1.3.4 D1.4 D1.5 D1.5.1 D1.5.2 D1.6 D1.7.1 D1.7.2
E1 E2 E3 E4 E5 E6 E7 E8
""".split()
ERRATA = range(1, 24)
PAGES = ("source_map", "errata", "glossary", "history", "models")
# Words of a glossary term that its section need not repeat.
GENERIC = "and connection function gradient graph matrix model net network neural of operation "
GENERIC = set((GENERIC + "recurrent representation to training unit units vector").split())
# Terms that the linked section defines under another name, which is given here.
NAMED_OTHERWISE = {
    "Clockwork RNN": "the net; its name is the title of the lecture",
    "computational graph": "the graph",
    "context units": "no units: the hidden state goes back; Elman's name, and that of a source",
    "finite differences": "central differences",
    "image captioning": "to caption a picture",
    "log-mel features": "the logarithm of the energy in mel bands",
    "non-normal matrix": "a matrix that has no reason to be normal",
    "optimiser": "rule for a step",
    "receptive field": "the field of a cell",
    "regularisation": "what helps against overfitting",
    "sequence to sequence": "encoder and decoder",
    "Turing completeness": "a net that does what a Turing machine does",
    "universal approximation": "approximation, with the theorem",
}


def page(name):
    return (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")


def sections():
    """By label, the heading and the text up to the next label or the next heading as high."""
    found = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        for part in re.split(r"^(?=\(sec-)", text, flags=re.M)[1:]:
            label, marks, body = re.match(r"\((sec-[\w-]+)\)=\n+(#+)(.*)", part, re.S).groups()
            found[label] = re.split(rf"^#{{2,{len(marks)}}} ", body, flags=re.M)[0]
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_section_that_a_page_names_exists(name):
    named = set(re.findall(r"\]\((sec-[\w-]+)\)", page(name)))
    assert named and named <= set(sections())


@pytest.mark.parametrize("name", PAGES[:4])
def test_every_link_stands_behind_the_number_of_its_lecture(name):
    links = re.findall(r"(.{3})\[\]\(sec-(\d\d)", page(name))
    assert links and all(before == f"{lecture} " for before, lecture in links)


def test_the_source_map_has_every_section_once_and_says_where_it_is_covered():
    rows = re.findall(r"^\| ([A-E][\d.]+) \|[^|]+\|(.+)\|$", page("source_map"), re.M)
    assert [name for name, _ in rows] == SECTIONS
    for name, where in rows:
        assert "](sec-" in where or "lecture" in where.lower(), name


def test_the_errata_have_every_entry_once_with_what_shows_it():
    text = page("errata")
    entries = re.split(r"^\*\*(\d+) · ", text, flags=re.M)
    numbers, bodies = entries[1::2], entries[2::2]
    assert sorted(map(int, numbers)) == list(ERRATA)
    for number, body in zip(numbers, bodies, strict=True):
        assert "\n: " in body, number
        assert "](sec-" in body or "](notation.md)" in body or "ecture 18" in body, number


def test_the_glossary_has_both_languages_and_no_term_twice():
    entry = r'^(.+) · <span lang="zh">(.+)</span>\n: .+\]\(sec-'
    rows = re.findall(entry, page("glossary"), re.M)
    terms = [term for term, _ in rows]
    assert len(terms) == page("glossary").count("\n: ") > 100
    assert len({term.lower() for term in terms}) == len(terms)
    assert all(re.search("[\u4e00-\u9fff]", chinese) for _, chinese in rows)


def letters(term):
    """The term without brackets, as a dictionary sorts it."""
    return re.sub("[^a-z]", "", re.sub(r"\(.*?\)", "", term).lower())


def head_words(term):
    """The abbreviation in brackets if there is one, and the words that are not GENERIC."""
    words = re.findall(r"[\w-]+", re.sub(r"\(.*?\)|'s\b", "", term).lower())
    own = [w for w in words if w not in GENERIC]
    return re.findall(r"\(([A-Z]{2,})\)", term), own or words[-1:]


def stands_in(word, text):
    """Is the word there, in any form (plural, verb) and with or without its hyphens?"""
    stem = word.lower().replace("-", "")
    stem = stem[: max(6, len(stem) - 3)]
    return re.search(r"\b" + r"\W?".join(stem), text, re.I)


def test_the_glossary_is_in_alphabetical_order():
    terms = re.findall(r'^(.+) · <span lang="zh">', page("glossary"), re.M)
    assert terms == sorted(terms, key=letters)
    found = re.findall(r"^## (\w)$|^(\w).* · <span", page("glossary"), re.M)
    under = ""
    for heading, first in found:
        under = heading or under
        assert heading or first.upper() == under


def test_the_section_of_a_glossary_entry_uses_the_term():
    text, missing = sections(), set()
    for term, body in re.findall(r"^(.+) · <span.+\n: (.+)$", page("glossary"), re.M):
        linked = " ".join(text[label] for label in re.findall(r"\]\((sec-[\w-]+)\)", body))
        linked = re.sub(r"\]\([^)]*\)|\((?:eq|sec|ex)-[\w-]+\)|`eq-.+?`", "", linked)
        short, words = head_words(term)
        if not any(stands_in(w, linked) for w in short):
            if not all(stands_in(w, linked) for w in words):
                missing.add(term)
    assert missing == set(NAMED_OTHERWISE)


def test_the_models_page_holds_what_the_package_counts():
    assert models_page.filled(page("models")) == page("models")
    for entry in models_page.ENTRIES:
        if "layers" not in entry.formula and "twice" not in entry.formula:
            formula = entry.formula.strip("$").replace(r"\tfrac{H + k}{2}", "(H + k) / 2")
            formula = re.sub(r"(\d)?([HO])\(", lambda m: f"{m[1] or 1} * {m[2]} * (", formula)
            sizes = {"I": 128, "H": 128, "O": 128, "k": 32}
            assert eval(formula, sizes) == sum(models_page.count_parameters(entry.model).values())

"""Freeze the book's own prose as a text to train on: ``python book/programs/freeze_text.py``.

Lectures read ``rnncore/data/book.txt``, and what they store depends on every character of it.  So
it is written once and kept: run this only to change the text on purpose, then execute again the
lectures that read it.  Sentences with mathematics, citations or other markup are left out, for
without it they are none; what remains is plain ASCII prose, filled to lines of one width.
"""

import ast
import re
import textwrap

import nbformat
from table import ROOT, replace

TEXT = ROOT / "rnncore" / "data" / "book.txt"
WIDTH = 78
SHORT = 40
BLOCK = re.compile(r"^(```|~~~|:::+|\$\$)", re.M)
MARKUP = re.compile(r"[$`{}<>|\\\[\]#*_=^~&@]|https?:|\d{4}\)")
PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "}
)


def pages() -> list[str]:
    """Return the Markdown of every page and lecture, then the docstrings of the package."""
    found = [path.read_text("utf-8") for path in sorted((ROOT / "book").glob("*.md"))]
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        found += [cell.source for cell in cells if cell.cell_type == "markdown"]
    for path in sorted((ROOT / "rnncore").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        nodes = (ast.Module, ast.FunctionDef, ast.ClassDef)
        texts = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, nodes))
        found += [text.split("\nParameters\n---")[0] for text in texts if text]
    return found


def without_blocks(page: str) -> str:
    """Drop fenced code, directives and displayed mathematics."""
    kept, fence = [], None
    for line in page.splitlines():
        mark = BLOCK.match(line)
        if (
            fence is None
            and mark
            and not (mark[1] == "$$" and line.rstrip().endswith("$$") and len(line) > 4)
        ):
            fence = mark[1]
        elif fence is not None:
            fence = None if line.startswith(fence) else fence
        elif mark is None:
            kept.append(line)
    return "\n".join(kept)


def sentences(paragraph: str) -> list[str]:
    """Split a paragraph and keep the sentences that are plain prose."""
    text = re.sub(r"`([\w.() ]+)`", r"\1", paragraph)
    text = re.sub(r"\*+([^*]+)\*+", r"\1", text)
    text = re.sub(r"(?<!\w)_([^_]+)_(?!\w)", r"\1", text)
    text = re.sub(r"^\s*(-|\d+\.) ", "", text)
    text = " ".join(text.translate(PLAIN).split())
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)
    return [
        p for p in parts if p.isascii() and p.endswith((".", "!", "?")) and not MARKUP.search(p)
    ]


def prose() -> str:
    """Return the text: paragraphs of plain sentences, each only once."""
    seen, paragraphs = set(), []
    for page in pages():
        for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:-|\d+\.) )", without_blocks(page)):
            new = [s for s in sentences(paragraph) if s not in seen]
            seen.update(new)
            if sum(map(len, new)) >= SHORT:
                paragraphs.append(textwrap.fill(" ".join(new), WIDTH))
    return "\n\n".join(paragraphs) + "\n"


def main() -> None:
    """Write the text and say how long it is."""
    text = prose()
    TEXT.touch(exist_ok=True)
    replace(TEXT, text)
    print(f"{TEXT.name}: {len(text):,} characters, {len(set(text))} of them different")


if __name__ == "__main__":
    main()

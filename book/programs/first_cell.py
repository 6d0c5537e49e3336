"""Write into the first cell of each lecture how to get what it needs.

``python book/programs/first_cell.py`` puts one line at the end of the first cell of every lecture,
and renews it where it stands: with the repository's address, which ``_config.yml`` holds, once that
is set. A notebook that is right is left alone.
"""

import re
import sys
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[2]
LECTURES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
EXTRAS = "book,torch"
LINE = re.compile(r"\n\n\*To run this lecture[^\n]*\*$")


def line(address: str) -> str:
    """Return the line: what to install, from the repository or from a copy of it."""
    address = address.strip().rstrip("/")
    if address:
        command = f'pip install "rnncore[{EXTRAS}] @ git+{address}"'
        return f"*To run this lecture: `{command}`; in a hosted notebook, `%{command}` in a cell.*"
    command = f'pip install ".[{EXTRAS}]"'
    return f"*To run this lecture: `{command}` in a copy of the book's repository.*"


def said(source: str, address: str) -> str:
    """Return a first cell with the line at its end, whatever the line was before."""
    return LINE.sub("", source.rstrip()) + "\n\n" + line(address)


def address_of_the_repository() -> str:
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return settings["repository"]["url"] or ""


def renew(path: Path, address: str) -> bool:
    """Renew the line of one notebook and say whether anything changed."""
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0]
    before, first.source = first.source, said(first.source, address)
    if first.source == before:
        return False
    nbformat.write(notebook, path)
    return True


def main() -> None:
    address = address_of_the_repository()
    for path in [Path(name) for name in sys.argv[1:]] or LECTURES:
        if renew(path, address):
            print(path)


if __name__ == "__main__":
    main()

"""The student version of a set, and a zip with all that a student needs: ``make release PS=ps1``.

nbgrader takes the solutions out and locks the cells. The zip holds the notebook, a page that says
how to begin, and the package `rnncore`, so that ``pip install .`` in the unpacked folder is all.
"""

import argparse
import re
import sys
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grading import course, task

REPOSITORY = course.HERE.parents[1]
PACKAGE = ("pyproject.toml", "README.md", "LICENSE")
MOMENT = (2026, 1, 1, 0, 0, 0)
START = """\
# {title}

1. Python 3.11 or newer; unpack this folder and, in it, `pip install . notebook`.
2. `jupyter notebook {name}.ipynb`, and work through it from the top.
3. Keep the file's name, and do not delete or rename cells. Hand in `{name}.ipynb`{files}.

On Colab: upload the zip, then in a cell `!unzip -q {name}.zip && pip install -q ./{name}`.
"""


class ReleaseError(RuntimeError):
    """nbgrader could not make the student version."""


def build(name: str) -> Path:
    """Make the student version of a set, and return its folder.

    Raises
    ------
    ReleaseError
        If nbgrader refuses the source, with its log.
    """
    task.load(name)
    done = course.api().generate_assignment(name)
    if not done["success"]:
        raise ReleaseError(f"{name}: nbgrader made no student version.\n{done.get('log', '')}")
    folder = course.root() / "release" / name
    text = (folder / f"{name}.ipynb").read_text(encoding="utf-8")
    if re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)", text):
        raise ReleaseError(f"{name}: a solution is left in the student version.")
    return folder


def released(name: str) -> NotebookNode:
    """Read the student version of a set; make it where it is missing or old."""
    path = course.root() / "release" / name / f"{name}.ipynb"
    source = course.SOURCE / name / f"{name}.ipynb"
    if not path.exists() or path.stat().st_mtime < source.stat().st_mtime:
        build(name)
    return nbformat.read(path, as_version=4)


def pack(name: str, folder: Path) -> Path:
    """Write the zip: the same bytes for the same contents."""
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    more = "".join(f" and `{file}`" for file in task.load(name).files)
    members = {
        f"{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    members["START.md"] = START.format(title=title, name=name, files=more).encode()
    package = [REPOSITORY / file for file in PACKAGE]
    package += sorted(
        path
        for path in (REPOSITORY / "rnncore").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    members |= {str(path.relative_to(REPOSITORY)): path.read_bytes() for path in package}
    target = folder.parent / f"{name}.zip"
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in sorted(members.items()):
            info = zipfile.ZipInfo(f"{name}/{member}", MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    partial.replace(target)
    return target


def main() -> int:
    """Make the student version and the zip of the set that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=task.names(), metavar="PS")
    name = parser.parse_args().name
    try:
        folder = build(name)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Student version: {folder / name}.ipynb")
    print(f"To hand out:     {pack(name, folder)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

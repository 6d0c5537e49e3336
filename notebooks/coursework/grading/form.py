"""The form of a submission: is it a notebook of this set, and if not quite, what can be saved?

A submission is a folder that a student made. Nothing in it is trusted: links are not followed,
sizes are bounded, and what goes on to the sandbox and to nbgrader is written anew. Every departure
from the form becomes a sentence, and none stops the run.
"""

import hashlib
import json
import os
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode

from grading import plain, rewriting

LARGEST = 20_000_000
LONGEST = 100  # bytes of a student's name


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
    secret : str
        By what nbgrader's exchange finds the student's feedback, if it came from there.
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
    secret: str = ""
    notes: list[str] = field(default_factory=list)
    private: str = ""


def find(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return each student's name and the folder of the submission, sorted.

    Both ``folder/STUDENT/psN.ipynb`` and nbgrader's ``folder/STUDENT/psN/psN.ipynb`` are known.
    A folder whose name is safe keeps it, whatever else is there; the others get a safe one, with
    a part that depends on the folder's name alone where two would be the same.

    Raises
    ------
    ValueError
        If there is no such folder, or no submission in it.
    """
    if not folder.is_dir():
        raise ValueError(f"SUBMISSIONS={folder}: no such folder")
    places = [p for p in sorted(folder.iterdir()) if _is_folder(p) and p.name[0] != "."]
    places = [place for place in places if place.name != "__MACOSX"]
    found, taken = [], set()
    for place in sorted(places, key=lambda place: _safe(place.name) != place.name):
        student = _safe(place.name)
        if student.casefold() in taken:
            student += "_" + hashlib.sha256(os.fsencode(place.name)).hexdigest()[:6]
        taken.add(student.casefold())
        inner = place / name
        own = _is_folder(inner) and (_notebooks(inner) or not _notebooks(place))
        found.append((student, inner if own else place))
    if not found:
        raise ValueError(f"SUBMISSIONS={folder}: no folder of a student in it")
    return sorted(found)


def _safe(name: str) -> str:
    """Return a folder's name as one that any system and nbgrader take."""
    letters = unicodedata.normalize("NFC", name)
    kept = (c if c.isalnum() or c in "_.@-" or _is_mark(c) else "_" for c in letters)
    safe = "".join(kept).strip("._") or "unnamed"
    if len(safe.encode()) > LONGEST:
        digest = hashlib.sha256(safe.encode()).hexdigest()[:6]
        safe = safe.encode()[: LONGEST - 7].decode(errors="ignore") + "_" + digest
    return safe


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")  # vowel signs, for instance of Hindi


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink()
    except OSError:
        return False


def _notebooks(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [p for p in paths if p.suffix.lower() == ".ipynb" and not p.name.startswith(".")]


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
    if not os.access(folder, os.R_OK | os.X_OK):
        this.notes.append("The folder cannot be read.")
        this.digest = digest(released, {})
        return this
    this.timestamp = _timestamp(this)
    with suppress(OSError, ValueError):
        this.secret = plain.read_bytes(folder / "submission_secret.txt", 200).decode()
    path = _notebook(this, name)
    if path is not None:
        try:
            data = plain.read_bytes(path, LARGEST)
            this.notebook = rewriting.clean(rewriting.parse(data), released, this.notes)
        except (OSError, ValueError) as error:
            reason = error if isinstance(error, ValueError) else "it cannot be read"
            this.notes.append(f"{_shown(path)} is no notebook: {reason}.")
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
    kept = [[cell.cell_type, rewriting.grade_id(cell), cell.source] for cell in notebook.cells]
    hashed = hashlib.sha256(json.dumps(kept).encode())
    for file, content in files.items():
        hashed.update(f"\0{file}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()


def _notebook(this: Submission, name: str) -> Path | None:
    """Find the notebook among the files of a submission."""
    paths = _notebooks(this.folder)
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
    name = path.name.encode("utf-8", "replace").decode()[:80]
    return "".join(letter if letter.isprintable() else "?" for letter in name)


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

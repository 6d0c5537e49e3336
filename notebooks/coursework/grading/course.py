"""Where the coursework is: the tracked sources, and one folder for what is made of them."""

import contextlib
import os
import secrets
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config, PyFileConfigLoader

if TYPE_CHECKING:
    from nbgrader.api import Gradebook
    from nbgrader.apps.api import NbGraderAPI

HERE = Path(__file__).resolve().parents[1]
SOURCE = HERE / "source"
CHECKED = "checked"  # submissions written anew; nbgrader's ``submitted`` keeps what came


def root() -> Path:
    """Return the folder of submissions, gradebook and feedback: this one, or ``COURSE_ROOT``."""
    place = Path(os.environ.get("COURSE_ROOT", HERE)).resolve()
    place.mkdir(parents=True, exist_ok=True)
    return place


def source_of(name: str) -> NotebookNode:
    """Read the tracked notebook of a set."""
    return nbformat.read(SOURCE / name / f"{name}.ipynb", as_version=4)


def settings() -> Config:
    """Read ``nbgrader_config.py``."""
    tools = str(Path(sys.executable).parent)
    if tools not in os.environ["PATH"].split(os.pathsep):
        # A new gradebook asks the command `alembic` for its version.
        os.environ["PATH"] = os.pathsep.join((tools, os.environ["PATH"]))
    return PyFileConfigLoader("nbgrader_config.py", path=str(HERE)).load_config()


def api(submitted: str = CHECKED) -> "NbGraderAPI":
    """Return nbgrader, set up for this course and a folder of submissions in it."""
    # Imported where it is used: it takes seconds, and marking does without it.
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    # Its database says on every save that objects are not yet in the session.
    warnings.filterwarnings("ignore", module=r"nbgrader\.api")
    root()
    config = settings()
    config.CourseDirectory.submitted_directory = submitted
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def gradebook() -> "Gradebook":
    """Open nbgrader's gradebook of this course."""
    from nbgrader.api import Gradebook

    config = settings()
    return Gradebook(config.CourseDirectory.db_url, config.CourseDirectory.course_id)


def seed() -> str:
    """Return the course's secret seed of the hidden inputs; the first call draws it.

    It is kept in ``seed.txt``, so that grading twice gives the same marks, and nobody can compute
    the inputs beforehand.
    """
    path = root() / "seed.txt"
    if not path.exists():
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix="seed", suffix=".partial")
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(16) + "\n")
        # Whoever comes first has drawn it.
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
        os.unlink(partial)
    return path.read_text().strip()

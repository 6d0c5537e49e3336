"""What the tests of the coursework share: sets, wrong answers, notebooks as submissions."""

import copy
import re
import runpy
from contextlib import contextmanager
from pathlib import Path

import pytest
from grading import course, form, task
from grading.form import Submission

HERE = Path(__file__).parent
NAMES = task.names()
REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION", re.M | re.S)


@contextmanager
def own_course(place):
    """A course in this folder, with a fixed seed, for as long as it lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_ROOT", str(place))
        (place / "seed.txt").write_text("tests\n")
        yield place


def wrong_answers(name):
    """The typical wrong answers of a set."""
    path = HERE / f"{name}_wrong.py"
    return runpy.run_path(path)["WRONG"] if path.exists() else ()


def submission(name, notebook, student="someone"):
    """A notebook as it is after the check of its form."""
    this = Submission(student, Path("nowhere"), copy.deepcopy(notebook))
    this.digest = form.digest(this.notebook, {})
    return this


def cells(notebook, **flags):
    """The cells of a notebook with these nbgrader flags, by grade_id."""
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
        and all(cell.metadata.nbgrader.get(key) == value for key, value in flags.items())
    }


def solved(name):
    """The source notebook, of which everything but the solutions is released."""
    return course.source_of(name)


def solutions(name):
    """Each solution of a set: its lines, without what they are indented by."""
    for cell in solved(name).cells:
        for region in REGION.finditer(cell.source):
            yield [line.strip() for line in region[0].splitlines()[1:-1]]


def changed(name, wrong, released):
    """The solved notebook with one wrong answer in it."""
    notebook = solved(name)
    by_id, ps = cells(notebook), task.load(name)
    cell = by_id[wrong["cell"]]
    if "source" in wrong:
        cell.source = wrong["source"]
    else:
        assert wrong["old"] in cell.source, f"{wrong['name']}: the solution has changed"
        cell.source = cell.source.replace(wrong["old"], wrong["new"])
    if "only" in wrong:
        stubs = cells(released)
        for group, graded in ps.choice.groups.items():
            for name in graded if group != wrong["only"] else ():
                by_id[f"{name}-code"].source = stubs[f"{name}-code"].source
    return notebook

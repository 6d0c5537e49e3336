"""Every problem set keeps its promises: one battery for all, a set is added by its three files."""

import dataclasses
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import threadpoolctl
import yaml
from coursework.sets import (
    NAMES,
    REGION,
    cells,
    changed,
    own_course,
    solutions,
    solved,
    submission,
    wrong_answers,
)
from grading import course, marking, release, sandbox, task

ROOT = Path(__file__).parents[1]
STUB = 'raise NotImplementedError("Write this, then run the check below.")'
WRONG = [(name, wrong) for name in NAMES for wrong in wrong_answers(name)]

needs_sandbox = pytest.mark.skipif(
    not sandbox.available(), reason="bubblewrap does not work here, and nothing is run without it"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of its database


@pytest.fixture(scope="module", autouse=True)
def root(tmp_path_factory):
    """A course of its own, with a fixed seed."""
    with own_course(tmp_path_factory.mktemp("course")) as place:
        yield place


@pytest.fixture(scope="module")
def version(root):
    """The student version of a set, made once."""
    return lambda name: release.released(name)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def ps(name):
    return task.load(name)


def mark(name, notebooks, tasks=None):
    """The marks of some notebooks, from one sandbox."""
    ps = task.load(name)
    ps = dataclasses.replace(ps, tasks=ps.tasks if tasks is None else tasks)
    return marking.fresh(ps, [submission(name, notebook) for notebook in notebooks])


# ---- what a set says ---------------------------------------------------------------------------


def test_each_check_has_its_task_and_its_points(ps):
    checks = cells(solved(ps.name), grade=True, solution=False)
    told = {one.cell: one.points for one in ps.tasks}
    chosen = [cell for group in ps.choice.groups.values() for cell in group] if ps.choice else []
    if ps.choice:
        totals = [sum(told[c] for c in group) for group in ps.choice.groups.values()]
        assert len(set(totals)) == 1, "each choice is worth as much"
        told |= dict.fromkeys(chosen, 0) | {ps.choice.cell: ps.choice.best * totals[0]}
    assert {name: cell.metadata.nbgrader.points for name, cell in checks.items()} == told
    assert all(cell.cell_type == "code" for cell in checks.values())


def test_each_written_answer_has_a_rubric_of_its_points(ps):
    written = cells(solved(ps.name), grade=True, solution=True)
    assert written and all(cell.cell_type == "markdown" for cell in written.values())
    points = {cell: sum(part for _, part in parts) for cell, parts in ps.rubric.items()}
    assert points == {name: cell.metadata.nbgrader.points for name, cell in written.items()}


def test_the_first_cell_tells_goals_time_and_points(ps):
    notebook = solved(ps.name)
    first = notebook.cells[0].source
    total = sum(c.metadata.nbgrader.points for c in cells(notebook, grade=True).values())
    assert first.startswith("# ") and re.search(r"\bhours?\b", first)
    assert re.search(rf"\b{total:g}\b", first), f"the set has {total:g} points"
    assert f"{ps.name}.ipynb" in first


def test_the_guide_tells_its_points_and_hours(ps):
    notebook, page = solved(ps.name), (ROOT / "book" / "instructors.md").read_text()
    graded = cells(notebook, grade=True)
    total = sum(cell.metadata.nbgrader.points for cell in graded.values())
    by_hand = sum(points for parts in ps.rubric.values() for _, points in parts)
    row = re.search(rf"^\| `{ps.name}` \|.*\| (\d+), (\d+) \| (\d+) \|$", page, re.M)
    assert row, f"book/instructors.md: expected a row of {ps.name} in the table of sets, got none"
    assert [int(row[1]), int(row[2])] == [total, by_hand]
    assert re.search(rf"\b{row[3]} hours", notebook.cells[0].source)


def test_the_source_has_ids_no_outputs_and_no_hidden_tests(name):
    notebook = solved(name)
    ids = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(rf"{name}-[a-z0-9-]+", one) for one in ids)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        assert "HIDDEN TESTS" not in cell.source and "MARK SCHEME" not in cell.source


def test_the_solution_passes_the_checks_that_students_see(name):
    run(solved(name), all_of_it=True)


@threadpoolctl.threadpool_limits.wrap(limits=1)
def run(notebook, all_of_it):
    """Execute a notebook as the sandbox does; return what its check cells raised, by grade_id."""
    names, raised = {"__name__": "__main__"}, {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            graded = cell.metadata.get("nbgrader", {}).get("grade")
            try:
                exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
            except (AssertionError, NotImplementedError) as error:
                if all_of_it or not graded:
                    raise AssertionError(f"{cell.id}: {error}") from error
                raised[cell.metadata.nbgrader.grade_id] = error
    return raised


# ---- the student version -----------------------------------------------------------------------


def test_a_stub_is_the_solution_with_its_blanks_removed(name, version):
    source, student = solved(name), version(name)
    assert len(source.cells) == len(student.cells)
    for ours, theirs in zip(source.cells, student.cells):
        stub = STUB if ours.cell_type == "code" else "*Your answer here.*"
        expected = REGION.sub(lambda found: found[1] + stub, ours.source)  # noqa: B023
        assert theirs.source == expected
        solution = ours.metadata.get("nbgrader", {}).get("solution", False)
        assert solution == (expected != ours.source), f"{ours.id}: a region in each solution cell"


def test_the_student_version_runs_up_to_the_checks(name, version):
    notebook, ps = version(name), task.load(name)
    raised = run(notebook, all_of_it=False)
    for one in ps.tasks:
        assert isinstance(raised[one.cell], NotImplementedError), one.cell


def test_nothing_hidden_is_in_the_student_version_or_the_zip(name, ps, version):
    student = version(name)
    shown = "\n".join(cell.source for cell in student.cells)
    for text in secrets(name, ps):
        assert text not in shown
    archive = zipfile.ZipFile(release.pack(name, course.root() / "release" / name))
    names = archive.namelist()
    assert f"{name}/{name}.ipynb" in names and f"{name}/pyproject.toml" in names
    assert f"{name}/rnncore/__init__.py" in names
    assert [n for n in names if n.endswith(".ipynb")] == [f"{name}/{name}.ipynb"]
    assert not [n for n in names if "grading" in n or "tests" in n or "_wrong" in n]


def secrets(name, ps):
    """Lines of the solutions, and the rubric: whatever stands nowhere else in the source."""
    source = solved(name)
    outside = "\n".join(REGION.sub("", cell.source) for cell in source.cells)
    for lines in solutions(name):
        yield from (line for line in lines if len(line) > 15 and line not in outside)
    for parts in ps.rubric.values():
        yield from (text for text, _ in parts)
    yield from ("BEGIN SOLUTION", "END SOLUTION", "RUBRIC", "grading.task")


def test_the_wheel_has_the_package_and_nothing_else(tmp_path):
    pytest.importorskip("setuptools")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("rnncore", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    build = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"
    (tmp_path / "wheels").mkdir()
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, check=True)
    (wheel,) = (tmp_path / "wheels").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert "rnncore/models.py" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"rnncore"}
    assert not [name for name in names if name.endswith(".ipynb") or "grading" in name]


def test_neither_the_site_nor_the_wheel_is_told_of_coursework():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert "notebooks/coursework" in config["exclude_patterns"] and config["only_build_toc_files"]
    assert "notebooks/coursework" not in (ROOT / "_toc.yml").read_text()
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    include = packages["packages"]["find"]["include"]
    modules = [p.parent.relative_to(ROOT) for p in (ROOT / "notebooks").rglob("__init__.py")]
    for module in map(str, modules):
        assert not any(fnmatch.fnmatch(module.replace("/", "."), one) for one in include)


# ---- the marks ---------------------------------------------------------------------------------


@needs_sandbox
def test_the_solution_gets_all_points_and_the_untouched_version_none(name, ps, version):
    full, none = mark(name, [solved(name), version(name)])
    told = {one.cell: float(one.points) for one in ps.tasks}
    assert {cell: full["cells"][cell][0] for cell in told} == told, full
    assert not full["errors"] and not none["errors"]
    for one in ps.tasks:
        points, sentence = none["cells"][one.cell]
        assert points == 0 and f"{one.function} is not written yet" in sentence
    if ps.choice:
        most = cells(solved(name))[ps.choice.cell].metadata.nbgrader.points
        assert full["cells"][ps.choice.cell][0] == most and not none["cells"][ps.choice.cell][0]


@pytest.fixture(scope="module")
def wrong_marks(version):
    """The marks of all wrong answers of a set, those that need the same tasks in one sandbox."""
    done = {}

    def of(name, which):
        if name not in done:
            done[name], groups = {}, {}
            ps = task.load(name)
            for wrong in wrong_answers(name):
                tasks = tuple(t for t in ps.tasks if not t.slow or t.cell in wrong["loses"])
                groups.setdefault(tasks, []).append(wrong)
            for tasks, group in groups.items():
                notebooks = [changed(name, wrong, version(name)) for wrong in group]
                for wrong, marks in zip(group, mark(name, notebooks, tasks)):
                    done[name][wrong["name"], wrong["cell"]] = {t.cell: t for t in tasks}, marks
        return done[name][which]

    return of


@needs_sandbox
@pytest.mark.parametrize("name, wrong", WRONG, ids=lambda v: v if isinstance(v, str) else v["name"])
def test_a_typical_wrong_answer_loses_its_points_and_no_others(name, wrong, wrong_marks):
    tasks, marks = wrong_marks(name, (wrong["name"], wrong["cell"]))
    ps = task.load(name)
    skipped = set()
    if "only" in wrong:
        groups = ps.choice.groups.items()
        skipped = {cell for group, graded in groups if group != wrong["only"] for cell in graded}
    lost = {cell for cell in tasks if marks["cells"][cell][0] < tasks[cell].points} - skipped
    zero = {cell for cell in tasks if marks["cells"][cell][0] == 0} - skipped
    wanted = {cell for cell in wrong["loses"] if cell in tasks}
    assert lost == wanted, {cell: marks["cells"][cell] for cell in lost ^ wanted}
    assert zero == wanted or wrong.get("partly"), "some points are left"
    for cell in wanted:
        assert len(marks["cells"][cell][1]) > 20


@pytest.mark.parametrize("name", NAMES)
def test_each_task_has_two_typical_wrong_answers(name):
    costs = [cell for wrong in wrong_answers(name) for cell in wrong["loses"]]
    for one in task.load(name).tasks:
        assert costs.count(one.cell) >= 2, one.cell

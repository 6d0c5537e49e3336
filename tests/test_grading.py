"""Grading as an instructor does it: whatever is handed in ends with a score and a sentence."""

import csv
import dataclasses
import html
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from coursework.hostile import FULL, cases
from grading import course, grade, sandbox, task

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "notebooks" / "coursework"

needs_sandbox = pytest.mark.skipif(
    not sandbox.available(), reason="bubblewrap does not work here, and nothing is run without it"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of its database

CASES = cases(0, "nowhere")


def rows(root, name="ps1"):
    with open(root / "results" / name / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def feedback(root, student, name="ps1"):
    page = (root / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def graded(tmp_path_factory, patch):
    """One run of the grader over all of them; returns the course and who is who."""
    root = tmp_path_factory.mktemp("hostile")
    patch.setenv("COURSE_ROOT", str(root))
    (root / "seed.txt").write_text("tests\n")
    original = task.load

    def quick(name):
        ps = original(name)
        limits = dataclasses.replace(
            ps.limits, seconds=3.0, cell_seconds=1.0, memory_mb=1024, output_mb=8, slack=6.0
        )
        tasks = tuple(dataclasses.replace(one, seconds=1.0) for one in ps.tasks)
        return dataclasses.replace(ps, limits=limits, tasks=tasks)

    patch.setattr(task, "load", quick)
    folder, who, touched = root / "in", {}, []
    owned = root / "gradebook.db"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            while True:
                try:
                    server.accept()
                except OSError:
                    return
                touched.append(1)

        threading.Thread(target=listen, daemon=True).start()
        for number, (name, case) in enumerate(cases(server.getsockname()[1], owned).items()):
            student = case.student or f"s{number:02} {name}".replace(".", "")
            (folder / student).mkdir(parents=True)
            case.write(folder / student)
            who[name] = student
        released = course.root() / "release"
        assert not released.exists()
        failed = grade.grade("ps1", folder, 2)
        server.shutdown(socket.SHUT_RDWR) if touched else None
    return root, who, failed, touched


def known_as(table, student):
    """The row of a student, whose folder may have had to be renamed."""
    safe = re.sub(r"[^\w.@-]", "_", student).strip("._")
    return table[safe]


@needs_sandbox
def test_the_run_ends_and_loses_nobody(graded):
    root, who, failed, touched = graded
    table = rows(root)
    assert failed == 0 and len(table) == len(who)
    assert not touched, "somebody reached the network"
    assert all(row["for_the_instructor"].startswith(("", "same as")) for row in table.values())
    assert "NOT GRADED" not in (root / "results/ps1/grades.csv").read_text()
    assert sqlite3.connect(root / "gradebook.db").execute("pragma integrity_check").fetchone() == (
        "ok",
    )


@needs_sandbox
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_or_broken_submission_ends_with_a_score_and_a_sentence(graded, name):
    root, who, _, _ = graded
    case = CASES[name]
    row = known_as(rows(root), who[name])
    allowed = case.points if isinstance(case.points, tuple) else (case.points,)
    page = html.unescape(re.sub(r"<[^>]+>", "", feedback(root, row["student"])))
    score = float(row["score"])
    about = [line for line in page.splitlines() if "one_step" in line]
    assert case.points is None or score in allowed, (score, about)
    says = case.says if isinstance(case.says, tuple) else (case.says,)
    assert any(part in page for part in says), about
    if score < FULL:
        assert re.search(r"one_step|no notebook|The run|notebooks is named|not look like", page)
    assert float(row["max_score"]) == 25


@needs_sandbox
def test_feedback_shows_no_secret_and_no_live_markup(graded):
    root = graded[0]
    for student in {row["student"] for row in rows(root).values()}:
        page = feedback(root, student)
        for parts in task.load("ps1").rubric.values():
            assert not [text for text, _ in parts if text in page]
        assert "<script>alert(1)" not in page and "grading.task" not in page
        if "gradebook" not in student:  # that one wrote the path itself
            assert str(ROOT) not in page and str(root) not in page


@needs_sandbox
def test_notes_for_the_instructor_name_equal_submissions_and_late_ones(graded):
    root, who, _, _ = graded
    table = rows(root)
    assert (
        who["extra notebook"].replace(" ", "_")
        in table[who["wrong name"].replace(" ", "_")]["for_the_instructor"]
    )
    assert "same as" not in known_as(table, who["empty file"])["for_the_instructor"]
    assert "handed in as" in known_as(table, who["empty file"])["for_the_instructor"]
    assert known_as(table, who["late"])["seconds_late"] == "0"  # no due date is set


# ---- twice, and killed half-way ----------------------------------------------------------------


def few(folder):
    """Some submissions, two of them slow."""
    for name in ("endless loop", "NaN", "wrong name", "not JSON", "sys.exit", "deleted check"):
        (folder / name).mkdir(parents=True)
        CASES[name].write(folder / name)
    return folder


def command(root, folder, **kwargs):
    env = {**os.environ, "COURSE_ROOT": str(root), "PYTHONPATH": str(COURSE)}
    program = [sys.executable, "-W", "ignore", "-m", "grading.grade", "ps1", str(folder)]
    return subprocess.Popen(
        [*program, "--workers", "1"],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kwargs,
    )


@needs_sandbox
def test_killed_half_way_and_started_again_it_ends_as_if_it_had_not_been(tmp_path):
    folder, roots = few(tmp_path / "in"), [tmp_path / "a", tmp_path / "b"]
    for root in roots:
        root.mkdir()
        (root / "seed.txt").write_text("the same\n")
    whole = command(roots[0], folder)
    said, errors = whole.communicate()
    assert whole.returncode == 0, errors
    # Killed among the marks, then among the grades: each after its third line.
    for word in ("automatic points", "/6  "):
        process = command(roots[1], folder)
        seen = 0
        for line in process.stdout:
            past = word == "automatic points" or "automatic points" not in line
            seen += word in line and past
            if seen == 3:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (roots[1] / "results" / "ps1" / "grades.csv").exists()
    again = command(roots[1], folder)
    again.communicate()
    assert again.returncode == 0
    tables = [(root / "results" / "ps1" / "grades.csv").read_text() for root in roots]
    assert tables[0] == tables[1]
    assert set(rows(roots[0])) == {p.name.replace(" ", "_") for p in folder.iterdir()}
    pages = [feedback(root, "NaN") for root in roots]
    assert pages[0] == pages[1]
    assert "6 submissions" in said


@needs_sandbox
def test_the_second_time_nothing_is_done_and_nothing_changes(graded, monkeypatch):
    root = graded[0]
    before = (root / "results/ps1/grades.csv").read_bytes()
    moments = {path: path.stat().st_mtime_ns for path in (root / "feedback").rglob("*.html")}

    def fail(*args, **kwargs):
        raise AssertionError("a sandbox was started again")

    monkeypatch.setattr(sandbox, "run", fail)
    assert grade.grade("ps1", root / "in", 2) == 0
    assert (root / "results/ps1/grades.csv").read_bytes() == before
    assert {p: p.stat().st_mtime_ns for p in (root / "feedback").rglob("*.html")} == moments


@needs_sandbox
def test_marks_given_by_hand_are_kept_and_reach_the_feedback(graded):
    root, who, _, _ = graded
    student = rows(root) and who["late"].replace(" ", "_")
    with course.gradebook() as gb:
        mark = gb.find_grade("ps1-sharing", "ps1", "ps1", student)
        mark.manual_score, mark.needs_manual_grade = 1.5, False
        gb.find_comment("ps1-sharing", "ps1", "ps1", student).manual_comment = "Which length?"
        gb.db.commit()
    assert grade.grade("ps1", root / "in", 2) == 0
    row = rows(root)[student]
    assert float(row["score"]) == FULL + 1.5 and row["to_mark_by_hand"] == "1"
    assert "Which length?" in feedback(root, student)


# ---- without a sandbox -------------------------------------------------------------------------


def test_without_a_sandbox_it_refuses_unless_told_in_so_many_words(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(sandbox.UNSAFE, raising=False)
    monkeypatch.setattr(sys, "argv", ["grade", "ps1", str(tmp_path)])
    assert grade.main() == 2
    said = capsys.readouterr().err
    assert "bubblewrap" in said and f"{sandbox.UNSAFE}={sandbox.CONSENT}" in said
    for value, allowed in (("1", False), (sandbox.CONSENT, True)):
        monkeypatch.setenv(sandbox.UNSAFE, value)
        if allowed:
            assert sandbox.check() is False
        else:
            with pytest.raises(sandbox.NoSandboxError):
                sandbox.check()

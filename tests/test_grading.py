"""Grading as an instructor does it: whatever is handed in ends with a score and a sentence."""

import csv
import dataclasses
import html
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from coursework.hostile import FULL, cases
from coursework.sets import solved
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
    assert score in allowed, (score, [line for line in page.splitlines() if "one_step" in line])
    assert case.says in page
    if score < FULL:
        assert re.search(r"one_step|no notebook|The run|notebooks is named|not look like", page)
    assert float(row["max_score"]) == 25


@needs_sandbox
def test_feedback_shows_no_secret_and_no_live_markup(graded):
    root, who, _, _ = graded
    for student in {row["student"] for row in rows(root).values()}:
        page = feedback(root, student)
        assert "RUBRIC" not in page and "BEGIN HIDDEN" not in page
        assert "names" not in page or "(a) tagging (many to many" not in page
        assert "<script>alert(1)" not in page
        assert str(ROOT) not in page and str(root) not in page

"""Grade a folder of submissions: ``make grade PS=ps1 SUBMISSIONS=folder``.

First the submissions are marked side by side, each in a sandbox of its own. Then this one process
hands them to nbgrader, which writes the gradebook and the feedback. What is done already for the
same submission, set and seed is not done again, so a run that was stopped goes on where it was,
and a second one changes nothing. Marks given by hand in the formgrader are kept.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import queue
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry

from grading import course, form, marking, release, rewriting, sandbox, task
from grading.form import Submission
from grading.task import Set


def collect(ps: Set, folder: Path) -> list[Submission]:
    """Read the submissions of a folder, and write them anew in one of ours; change none."""
    if folder.resolve() == course.root() / course.CHECKED:
        raise ValueError(f"SUBMISSIONS={folder}: expected another folder, this one is written anew")
    version = release.released(ps.name)
    empty = form.digest(version, {})
    submissions = []
    for student, place in form.find(folder, ps.name):
        submission = form.read(student, place, ps.name, version, ps.files)
        submissions.append(submission)
    count = Counter(s.digest for s in submissions if s.digest != empty)
    for submission in submissions:
        if count[submission.digest] > 1:
            others = [s.student for s in submissions if s.digest == submission.digest]
            others.remove(submission.student)
            submission.private = f"same as that of {', '.join(others)}"
        _stage(ps, submission)
    return submissions


def _stage(ps: Set, submission: Submission) -> None:
    """Write a clean copy of a submission, and what was noticed about its form."""
    place = course.root() / course.CHECKED / submission.student / ps.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    nbformat.write(submission.notebook, place / f"{ps.name}.ipynb")
    for name, content in submission.files.items():
        (place / name).write_bytes(content)
    if submission.timestamp:
        (place / "timestamp.txt").write_text(submission.timestamp)
    if submission.secret:
        (place / "submission_secret.txt").write_text(submission.secret)
    notes = {"digest": submission.digest, "notes": submission.notes}
    _record(ps, "students", submission.student, json.dumps(notes))


def _record(ps: Set, kind: str, student: str, text: str) -> None:
    path = course.root() / "results" / ps.name / kind / f"{student}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    marking.replace(path, text)


def _recorded(ps: Set, kind: str, student: str) -> str:
    with suppress(FileNotFoundError):
        return (course.root() / "results" / ps.name / kind / f"{student}.json").read_text()
    return ""


def mark_all(ps: Set, submissions: list[Submission], workers: int) -> list[dict]:
    """Mark submissions side by side; one that fails does not stop the others."""
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(workers):
        slots.put(slot)
    done = 0

    def one(submission: Submission) -> dict:
        nonlocal done
        slot = slots.get()
        try:
            marks = marking.mark(ps, submission, slot)
        except Exception as error:  # the grader's own mistake must not cost the others' marks
            marks = {"failed": f"{type(error).__name__}: {error}"}
        finally:
            slots.put(slot)
        done += 1
        chosen = ps.choice.groups.values() if ps.choice else ()
        elsewhere = {cell for group in chosen for cell in group}
        cells = marks.get("cells", {}).items()
        earned = sum(points for cell, (points, _) in cells if cell not in elsewhere)
        result = marks.get("failed") or f"{earned:g} automatic points"
        print(f"  {done:4}/{len(submissions)}  {submission.student}: {result}", flush=True)
        return marks

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, submissions))


def save_grades(ps: Set, submission: Submission) -> str | None:
    """Let nbgrader write one submission into the gradebook and its feedback; say what failed."""
    student, api = submission.student, course.api()
    state = f"{marking.key(ps, submission)} {submission.timestamp} {submission.notes}"
    graded = course.root() / "autograded" / student / ps.name / f"{ps.name}.ipynb"
    if _recorded(ps, "saved", student) != state or not graded.exists():
        done = api.autograde(ps.name, student)
        if not done["success"]:
            return f"nbgrader could not save the grades: {_last(done)}"
        _record(ps, "saved", student, state)
    now = hashlib.sha256(f"{state} {_given(ps, student)}".encode()).hexdigest()
    page = course.root() / "feedback" / student / ps.name / f"{ps.name}.html"
    if _recorded(ps, "feedback", student) != now or not page.exists():
        done = api.generate_feedback(ps.name, student)
        if not done["success"]:
            return f"nbgrader could not write the feedback: {_last(done)}"
        _record(ps, "feedback", student, now)
    return None


def _last(done: dict) -> str:
    lines = (done.get("error") or done.get("log") or "no reason given").strip().splitlines()
    return lines[-1][:300]


def _given(ps: Set, student: str) -> list:
    """Return the points and comments of a submission as the gradebook has them."""
    with course.gradebook() as gb:
        notebook = gb.find_submission_notebook(ps.name, ps.name, student)
        grades = sorted((g.name, g.score, g.auto_score, g.manual_score) for g in notebook.grades)
        return [*grades, *sorted((c.name, c.comment or "") for c in notebook.comments)]


def table(ps: Set, submissions: list[Submission], marks: list[dict]) -> str:
    """Return ``grades.csv``: a row for each student, a column for each grade cell."""
    cells = [c for c in course.source_of(ps.name).cells if rewriting.is_grade(c)]
    names = [cell.metadata.nbgrader.grade_id for cell in cells]
    head = ["student", "set", "score", "max_score", "to_mark_by_hand", "seconds_late"]
    rows = [[*head, *names, "notes", "for_the_instructor"]]
    for submission, mark in zip(submissions, marks):
        student, private = submission.student, submission.private
        notes = [*submission.notes, *filter(None, [mark.get("stopped")])]
        if "failed" in mark:
            private = f"NOT GRADED: {mark['failed']}"
        try:
            with course.gradebook() as gb:
                entry = gb.find_submission(ps.name, student)
                notebook = entry.notebooks[0]
                scores = {grade.name: grade.score for grade in notebook.grades}
                left = sum(grade.needs_manual_grade for grade in notebook.grades)
                facts = [entry.score, entry.max_score, left, round(entry.total_seconds_late)]
        except MissingEntry:
            scores, facts = {}, [0.0, "", "", ""]
        points = [scores.get(name, 0.0) for name in names]
        rows.append([student, ps.name, *facts, *points, " ".join(notes), private])
    return _csv(rows)


def leaderboard(ps: Set, submissions: list[Submission], marks: list[dict]) -> str:
    """Return the leaderboard of a set: for each of its metrics the best first."""
    rows = [["metric", "place", "student", "value"]]
    for metric in (t.metric for t in ps.tasks if t.metric):
        sign = -1 if metric.higher else 1
        there = sorted(
            (sign * mark["metrics"][metric.name], submission.student)
            for submission, mark in zip(submissions, marks)
            if metric.name in mark.get("metrics", {})
        )
        rows += [[metric.name, k, who, f"{sign * v:.6g}"] for k, (v, who) in enumerate(there, 1)]
    return _csv(rows)


def rubric(ps: Set) -> str:
    """Return the page with which the written answers are marked."""
    lines = [f"# Rubric of {ps.name}: for the instructor alone", ""]
    for cell, parts in ps.rubric.items():
        lines += [f"## {cell} ({sum(points for _, points in parts):g} points)", ""]
        lines += [*(f"- {points:g}: {what}" for what, points in parts), ""]
    return "\n".join(lines)


def _csv(rows: list[list]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([[_cell(v) for v in row] for row in rows])
    return file.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a student's text for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def grade(name: str, folder: Path, workers: int) -> int:
    """Grade a folder of submissions; return how many could not be graded."""
    sandbox.check()
    ps = task.load(name)
    submissions = collect(ps, folder)
    print(f"{len(submissions)} submissions of {name}, {workers} side by side")
    marks = mark_all(ps, submissions, workers)
    print("Gradebook and feedback:")
    for k, (submission, mark) in enumerate(zip(submissions, marks), 1):
        if "failed" not in mark:
            try:
                failed = save_grades(ps, submission)
            except Exception as error:
                failed = f"{type(error).__name__}: {error}"
            if failed:
                mark["failed"] = failed
        print(f"  {k:4}/{len(submissions)}  {mark.get('failed', submission.student)}", flush=True)
    place = course.root() / "results" / name
    marking.replace(place / "grades.csv", table(ps, submissions, marks))
    marking.replace(place / "rubric.md", rubric(ps))
    print(f"Marks:    {place / 'grades.csv'}")
    if any(t.metric for t in ps.tasks):
        marking.replace(place / "leaderboard.csv", leaderboard(ps, submissions, marks))
        print(f"Board:    {place / 'leaderboard.csv'}")
    print(f"By hand:  {place / 'rubric.md'} and nbgrader's formgrader")
    print(f"Feedback: {course.root() / 'feedback'}/STUDENT/{name}/{name}.html")
    return sum("failed" in mark for mark in marks)


def main() -> int:
    """Grade what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=task.names(), metavar="PS")
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    try:
        failed = grade(options.name, options.submissions, options.workers)
    except (sandbox.NoSandboxError, ValueError, release.ReleaseError) as error:
        print(error, file=sys.stderr)
        return 2
    if failed:
        print(f"{failed} submissions could not be graded: see grades.csv", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

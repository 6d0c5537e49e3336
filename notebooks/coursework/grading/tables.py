"""The tables of a graded set: ``grades.csv``, ``leaderboard.csv`` and ``rubric.md``."""

import csv
import io

from nbgrader.api import MissingEntry

from grading import course, rewriting
from grading.form import Submission
from grading.task import Set


def grades(ps: Set, submissions: list[Submission], marks: list[dict]) -> str:
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
    return text_of(rows)


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
    return text_of(rows)


def rubric(ps: Set) -> str:
    """Return the page with which the written answers are marked."""
    lines = [f"# Rubric of {ps.name}: for the instructor alone", ""]
    for cell, parts in ps.rubric.items():
        lines += [f"## {cell} ({sum(points for _, points in parts):g} points)", ""]
        lines += [*(f"- {points:g}: {what}" for what, points in parts), ""]
    return "\n".join(lines)


def text_of(rows: list[list]) -> str:
    """Return rows as CSV."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([[safe(v) for v in row] for row in rows])
    return file.getvalue()


def safe(value: object) -> object:
    """Keep a spreadsheet from taking a student's text for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value

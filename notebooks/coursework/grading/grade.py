"""Grade a folder of submissions: ``make grade PS=ps1 SUBMISSIONS=folder``.

First the submissions are marked side by side, each in a sandbox of its own. Then this one process
hands them to nbgrader, which writes the gradebook and the feedback. What is done already for the
same submission, set and seed is not done again, so a run that was stopped goes on where it was,
and a second one changes nothing. Marks given by hand in the formgrader are kept.
"""

import argparse
import json
import os
import queue
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from grading import course, form, marking, release, sandbox, saving, tables, task
from grading.form import Submission
from grading.task import Set


def collect(ps: Set, folder: Path) -> list[Submission]:
    """Read the submissions of a folder, and write them anew in one of ours; change none."""
    if folder.resolve() == course.root() / course.CHECKED:
        raise ValueError(f"SUBMISSIONS={folder}: expected another folder, this one is written anew")
    version = release.released(ps.name)
    empty = form.digest(version, {})
    submissions = []
    found = form.find(folder, ps.name)
    owns = {student: place.relative_to(folder).parts[0] for student, place in found}
    for path in sorted(folder.iterdir()):
        if path.name not in owns.values():
            print(f"  left out, no student's folder: {path.name!r}")
    for student, place in found:
        try:
            submission = form.read(student, place, ps.name, version, ps.files)
        except Exception as error:  # one that we did not foresee must not stop the others
            submission = Submission(student, place, version, empty)
            submission.notes.append(f"It could not be read: {type(error).__name__}.")
        if owns[student] != student:
            submission.private = f"handed in as {owns[student]!r}"
        submissions.append(submission)
    count = Counter(s.digest for s in submissions if s.digest != empty)
    for submission in submissions:
        if count[submission.digest] > 1:
            others = [s.student for s in submissions if s.digest == submission.digest]
            others.remove(submission.student)
            same = f"same as that of {', '.join(others)}"
            submission.private = "; ".join(filter(None, [submission.private, same]))
        _stage(ps, submission)
    return submissions


def _stage(ps: Set, submission: Submission) -> None:
    """Write a clean copy of a submission, and what was noticed about its form."""
    final = course.root() / course.CHECKED / submission.student / ps.name
    place = final.with_name(f".{ps.name}.partial")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    nbformat.write(submission.notebook, place / f"{ps.name}.ipynb")
    for name, content in submission.files.items():
        (place / name).write_bytes(content)
    if submission.timestamp:
        (place / "timestamp.txt").write_text(submission.timestamp)
    if submission.secret:
        (place / "submission_secret.txt").write_text(submission.secret)
    shutil.rmtree(final, ignore_errors=True)
    place.rename(final)
    notes = {"digest": submission.digest, "notes": submission.notes}
    saving.record(ps, "students", submission.student, json.dumps(notes))


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
                failed = saving.save_grades(ps, submission)
            except Exception as error:
                failed = f"{type(error).__name__}: {error}"
            if failed:
                mark["failed"] = failed
        print(f"  {k:4}/{len(submissions)}  {mark.get('failed', submission.student)}", flush=True)
    place = course.root() / "results" / name
    marking.replace(place / "grades.csv", tables.grades(ps, submissions, marks))
    marking.replace(place / "rubric.md", tables.rubric(ps))
    print(f"Marks:    {place / 'grades.csv'}")
    if any(t.metric for t in ps.tasks):
        marking.replace(place / "leaderboard.csv", tables.leaderboard(ps, submissions, marks))
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

"""What nbgrader does with one submission: the gradebook's entry and the page of feedback.

Each is done once for the same submission, set, seed and marks, and stopped if it takes too long.
"""

import hashlib
import html
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import nbformat

from grading import course, marking, rewriting
from grading.form import Submission
from grading.task import Set

PATIENCE = 60  # seconds for one submission; it takes less than one


def save_grades(ps: Set, submission: Submission) -> str | None:
    """Let nbgrader write one submission into the gradebook and its feedback; say what failed."""
    student, api = submission.student, course.api()
    pictures = [cell.get("attachments") for cell in submission.notebook.cells]
    seen = hashlib.sha256(json.dumps(pictures).encode()).hexdigest()
    state = f"{marking.key(ps, submission)} {submission.timestamp} {submission.notes} {seen}"
    graded = course.root() / "autograded" / student / ps.name / f"{ps.name}.ipynb"
    if _recorded(ps, "saved", student) != state or not graded.exists():
        with at_most(PATIENCE):
            done = api.autograde(ps.name, student)
        if not done["success"]:
            return f"nbgrader could not save the grades: {_last(done)}"
        record(ps, "saved", student, state)
    now = hashlib.sha256(f"{state} {_given(ps, student)}".encode()).hexdigest()
    page = course.root() / "feedback" / student / ps.name / f"{ps.name}.html"
    if _recorded(ps, "feedback", student) != now or not page.exists():
        with at_most(PATIENCE):
            done = api.generate_feedback(ps.name, student)
        if not done["success"]:
            print(f"  {student}: a plain page of feedback, as nbgrader stopped: {_last(done)}")
            page.parent.mkdir(parents=True, exist_ok=True)
            marking.replace(page, plain_page(ps, nbformat.read(graded, as_version=4)))
        record(ps, "feedback", student, now)
    return None


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Stop what takes too long: a text can be made on which nbconvert works for hours."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"stopped after {seconds:g} s")

    if threading.current_thread() is not threading.main_thread():  # no signals there
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def plain_page(ps: Set, graded: nbformat.NotebookNode) -> str:
    """Return feedback without the student's text, for a notebook that nbconvert cannot show."""
    lines = []
    for cell in graded.cells:
        said = [
            out.get("text", out.get("data", {}).get("text/plain"))
            for out in cell.get("outputs", ())
        ]
        if rewriting.is_grade(cell) and said:
            lines += [f"{rewriting.grade_id(cell)}: {' '.join(map(str, said))}"]
    body = html.escape("\n".join(lines))
    head = f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>{ps.name}</title>"
    return f"{head}<h1>{ps.name}</h1><p>The notebook cannot be shown.</p><pre>{body}</pre></html>\n"


def _last(done: dict) -> str:
    lines = (done.get("error") or done.get("log") or "no reason given").strip().splitlines()
    return lines[-1][:300]


def _given(ps: Set, student: str) -> list:
    """Return the points and comments of a submission as the gradebook has them."""
    with course.gradebook() as gb:
        notebook = gb.find_submission_notebook(ps.name, ps.name, student)
        grades = sorted((g.name, g.score, g.auto_score, g.manual_score) for g in notebook.grades)
        return [*grades, *sorted((c.name, c.comment or "") for c in notebook.comments)]


def record(ps: Set, kind: str, student: str, text: str) -> None:
    """Keep a text about a submission, to be found by the next run."""
    path = course.root() / "results" / ps.name / kind / f"{student}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    marking.replace(path, text)


def _recorded(ps: Set, kind: str, student: str) -> str:
    with suppress(FileNotFoundError):
        return (course.root() / "results" / ps.name / kind / f"{student}.json").read_text()
    return ""

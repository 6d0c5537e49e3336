"""How long grading takes: a hundred synthetic submissions of problem set 1 in one run.

Each is the solution with some functions left as stubs, so that no two are alike. The times are
those of the clock, as an instructor waits for them: first the sandboxes, side by side, then the
one process that lets nbgrader write the gradebook and the feedback.
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import nbformat
from table import ROOT, write_table

sys.path.insert(0, str(ROOT / "notebooks" / "coursework"))

SET, COUNT = "ps1", 100


def submissions(folder: Path) -> None:
    """Write the folders of the students."""
    from grading import course, release

    stubs = {cell.id: cell.source for cell in release.released(SET).cells}
    for number in range(COUNT):
        notebook = course.source_of(SET)
        blanks = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]
        for k, cell in enumerate(blanks):
            if number >> (k % 7) & 1:
                cell.source = stubs[cell.id]
        notebook.cells.append(nbformat.v4.new_markdown_cell(f"Submission {number}."))
        place = folder / f"student{number:03}"
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{SET}.ipynb")


def main() -> None:
    warnings.simplefilter("ignore")  # nbgrader's own, of its database
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as root:
        os.environ["COURSE_ROOT"] = root
        from grading import grade, saving, tables, task

        folder = Path(root, "in")
        submissions(folder)
        begin = time.perf_counter()
        ps = task.load(SET)
        collected = grade.collect(ps, folder)
        marks = grade.mark_all(ps, collected, workers)
        between = time.perf_counter()
        failed = [saving.save_grades(ps, one) for one in collected]
        text = tables.grades(ps, collected, marks)
        end = time.perf_counter()
    if any(failed) or any("failed" in mark for mark in marks) or len(text.splitlines()) != 101:
        raise RuntimeError("not all submissions were graded")
    seconds = between - begin, end - between, end - begin
    write_table(
        "grading",
        ["set", "submissions", "side by side", "sandbox and judge", "gradebook, feedback", "both"],
        [[SET, COUNT, workers, *(f"{s / COUNT:.2f}" for s in seconds)]],
        command="make record TABLES=grading",
        seeds="the course's, drawn anew; one run",
        note="The last three columns are seconds on the clock for each submission.",
    )


if __name__ == "__main__":
    main()

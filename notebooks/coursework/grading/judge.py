"""The judge inside nbgrader: takes the place of `Execute` among the autograde preprocessors.

nbgrader would give full points to a test cell without output, and none for any line on stderr.
So nothing is left to it: every automatically graded cell gets its points and a sentence as output.
Saving grades, late penalties and everything by hand stay nbgrader's.
"""

import json

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from grading import course, form, marking, release, task


class Judge(NbGraderPreprocessor):
    """Write an explicit outcome into every grade cell of a notebook."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Mark the submission (or look its marks up) and write them into the cells."""
        name, student = (resources["nbgrader"][key] for key in ("assignment", "student"))
        ps = task.load(name)
        where = self.config.CourseDirectory.get("submitted_directory", "submitted")
        folder = course.root() / where / student / name
        submission = form.read(student, folder, name, release.released(name), ps.files)
        marks = marking.mark(ps, submission)
        raised = dict(marks["errors"])
        worth = {one.cell: one.points for one in ps.tasks}
        for number, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            cell.outputs, cell.execution_count = [], None
            if is_grade(cell) and not is_solution(cell):
                grade_id, most = (cell.metadata.nbgrader[key] for key in ("grade_id", "points"))
                points, sentence = marks["cells"].get(grade_id, (0.0, "No task of this name."))
                if most == 0 and grade_id in worth:
                    sentence += f" This earns {points:g} of the {worth[grade_id]:g} points here."
                # A grade above the cell's points would be an error of nbgrader's.
                write(cell, min(points, most), sentence)
            elif error := raised.get(marking.name_of(cell, number)):
                cell.outputs.append(stream(f"When graded, this cell raised {error}"))
        notes = notes_of(student, name, submission) + (
            [marks["stopped"]] if marks["stopped"] else []
        )
        if notes:
            lines = "\n".join(f"- `{note.replace('`', ' ')}`" for note in notes)
            nb.cells.insert(0, new_markdown_cell(f"**What the grader noticed**\n\n{lines}"))
        return nb, resources


def write(cell: NotebookNode, points: float, sentence: str) -> None:
    """Write points and a sentence in the form that nbgrader's `determine_grade` reads."""
    cell.outputs = [
        stream(sentence),
        new_output("execute_result", {"text/plain": repr(float(points))}, execution_count=None),
    ]


def stream(text: str) -> NotebookNode:
    """Return an output that prints a text."""
    return new_output("stream", name="stdout", text=text + "\n")


def notes_of(student: str, name: str, submission: form.Submission) -> list[str]:
    """Return the notes of when the submission came in; what was written anew has none."""
    path = course.root() / "results" / name / "students" / f"{student}.json"
    try:
        stored = json.loads(path.read_text())
        if stored["digest"] == submission.digest:
            return stored["notes"]
    except (FileNotFoundError, ValueError, KeyError):
        pass
    return submission.notes

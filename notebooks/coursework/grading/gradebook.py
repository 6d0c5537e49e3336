"""All marks of the course in one table, and what is left to mark by hand: ``make gradebook``.

nbgrader's gradebook is the only place where marks are kept. This reads it: it writes
``gradebook.csv`` with a row for each student and set, and lists the written answers that wait for
the formgrader.
"""

import sys

from nbgrader.api import MissingEntry

from grading import course, marking, tables, task

HEAD = ["student", "set", "score", "max_score", "written_score", "to_mark_by_hand", "seconds_late"]


def rows() -> list[list]:
    """Return the marks of every student in every set that has been graded."""
    found = []
    with course.gradebook() as gb:
        sets = [assignment.name for assignment in gb.assignments]
        for student in sorted(gb.students, key=lambda student: student.id):
            for name in sorted(sets):
                try:
                    entry = gb.find_submission(name, student.id)
                except MissingEntry:
                    continue
                left = sum(g.needs_manual_grade for book in entry.notebooks for g in book.grades)
                late = round(entry.total_seconds_late)
                marks = [entry.score, entry.max_score, entry.written_score, left, late]
                found.append([student.id, name, *marks])
    return found


def main() -> int:
    """Write the table and say what is left."""
    if not (course.root() / "gradebook.db").exists():
        print("There is no gradebook yet: make grade PS=... SUBMISSIONS=... writes one.")
        return 1
    found = rows()
    path = course.root() / "gradebook.csv"
    marking.replace(path, tables.text_of([HEAD, *found]))
    print(f"{len(found)} submissions: {path}")
    for name in dict.fromkeys(row[1] for row in found):
        left = [row[0] for row in found if row[1] == name and row[5]]
        rubric = course.root() / "results" / name / "rubric.md"
        if left:
            print(f"{name}: submissions with written answers to mark: {len(left)} ({rubric})")
    sets = task.names()
    print(f"Mark them in the formgrader ('jupyter lab' in {course.HERE}); sets: {', '.join(sets)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

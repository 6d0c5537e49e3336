"""nbgrader's settings for this course: read by `make`, by `nbgrader` and by the formgrader.

The judge takes the place of nbgrader's own `Execute`: no code of a student ever runs in nbgrader.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

c = get_config()  # noqa: F821

root = os.environ.get("COURSE_ROOT", str(HERE))
c.CourseDirectory.course_id = "rnn"
c.CourseDirectory.root = root
c.CourseDirectory.source_directory = str(HERE / "source")
c.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db"

c.Exchange.root = os.environ.get("COURSE_EXCHANGE", "/srv/rnn/exchange")

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("Write this, then run the check below.")'
}
c.ClearSolutions.text_stub = "*Your answer here.*"

c.OverwriteCells.add_missing_cells = True
c.Autograde.autograde_preprocessors = [
    "grading.judge.Judge",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

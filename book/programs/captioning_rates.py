"""Choose the learning rates of lecture 21: ``make record TABLES=captioning-rates``.

Runs the lecture's own cells down to the one that defines `validate`, so that nets, scenes and
measure are those of the page.  Each of the two nets is trained with the same three rates and the
same three seeds, none of which the lecture reports, and asked for the captions of the validation
scenes.  The lecture takes each net's rate with the highest median from this table.
"""

import os
from statistics import median

os.environ["MPLBACKEND"] = "Agg"

import nbformat
from table import ROOT, write_table
from tqdm import tqdm

LECTURE = ROOT / "notebooks" / "21_captioning.ipynb"
RATES, SEEDS = (0.003, 0.01, 0.03), (3, 4, 5)
HEAD = ["net", "rate", *(f"seed {seed}" for seed in SEEDS), "median"]


def lecture(last):
    """Run a lecture's code down to the cell that holds a text; returns its names."""
    space = {}
    for cell in nbformat.read(LECTURE, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, LECTURE.name, "exec"), space)
            if last in cell.source:
                return space
    raise ValueError(f"{LECTURE.name}: expected a cell with {last!r}, found none")


def main():
    """Train the nets on the lessons, caption the validation scenes, and write the table."""
    space = lecture("def validate(")
    rows = []
    for name, make in space["makes"].items():
        for rate in tqdm(RATES, desc=name):
            found = [space["validate"](make, rate, seed) for seed in SEEDS]
            rows.append([name, rate, *(f"{v:.1f}" for v in (*found, median(found)))])
    content = write_table(
        "captioning-rates",
        HEAD,
        rows,
        command='make record TABLES="captioning-rates"',
        seeds="as the columns say",
        note="Exact match in per cent on 500 validation scenes, after six epochs over the lessons.",
    )
    print(content)


if __name__ == "__main__":
    main()

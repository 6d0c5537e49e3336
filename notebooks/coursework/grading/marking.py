"""One submission from its cells to its marks: inputs, sandbox, comparison; and a cache of it.

The marks of a submission depend on its digest, the set and the course's seed, and on nothing else.
They are stored under the hash of these, in one step, so that a run that was killed goes on where
it stopped, and one that is repeated ends alike.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from grading import course, plain, rewriting, sandbox, verdict
from grading.form import Submission
from grading.task import Call, Set

HERE = Path(__file__).resolve().parent


def mark(ps: Set, submission: Submission, slot: int = 0) -> dict[str, Any]:
    """Return the marks of a submission, from the cache if they are there.

    Parameters
    ----------
    ps : Set
        The problem set.
    submission : Submission
        As `form.read` returned it.
    slot : int
        A number that no other sandbox has which runs at the same time.

    Returns
    -------
    dict
        ``cells``: grade cell -> [points, sentence]; ``errors``: [cell, what it raised] pairs;
        ``metrics``: leaderboard's column -> number; ``stopped``: a sentence or None.
    """
    path = course.root() / "results" / ps.name / f"{key(ps, submission)}.json"
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        pass
    (marks,) = fresh(ps, [submission], slot)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, json.dumps(marks, indent=1, sort_keys=True))
    return marks


def replace(path: Path, text: str) -> None:
    """Write a file in one step."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)


def key(ps: Set, submission: Submission) -> str:
    """Return the hash of all that the marks depend on."""
    digest = hashlib.sha256(f"{course.seed()}\0{submission.digest}\0{ps.limits}".encode())
    for path in code(ps.name):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def code(name: str) -> list[Path]:
    """Return the files of which a set and its grading consist."""
    inside = ("confined", "harness", "magics", "plain", "surroundings")
    paths = [HERE / f"{part}.py" for part in (*inside, "compare", "marking", "task", "verdict")]
    return [*paths, HERE / "tasks" / f"{name}.py", course.SOURCE / name / f"{name}.ipynb"]


def fresh(ps: Set, submissions: Sequence[Submission], slot: int = 0) -> list[dict[str, Any]]:
    """Run submissions in one sandbox, each in a process of its own, and mark them.

    Grading gives each submission a sandbox of its own; the tests try many answers in one.
    """
    folder = Path(tempfile.mkdtemp(prefix="grading"))
    try:
        jobs, out = folder / "in", folder / "out"
        calls = []
        alone = len(submissions) == 1
        out.mkdir()
        for number, submission in enumerate(submissions):
            calls.append(prepare(ps, submission, jobs / f"{number:04}", slot, alone))
        stopped = sandbox.run(jobs, out, ps.limits, len(submissions))
        return [
            verdict.judge(ps, out / f"{number:04}", given, stopped)
            for number, given in enumerate(calls)
        ]
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, into which a process that is being killed may write for a moment longer."""
    for _ in range(100):
        for place, folders, _ in os.walk(folder):
            for inner in (os.path.join(place, name) for name in folders):
                with suppress(OSError):  # without a sandbox, a student's code may have closed it
                    os.path.islink(inner) or os.chmod(inner, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def prepare(ps: Set, submission: Submission, job: Path, slot: int, alone: bool) -> list[list[Call]]:
    """Write what the harness needs: cells, files and inputs. Return the inputs."""
    (job / "files").mkdir(parents=True)
    for name, content in submission.files.items():
        (job / "files" / name).write_bytes(content)
    cells = submission.notebook.cells
    calls, tasks = [], []
    for number, task in enumerate(ps.tasks):
        whose = "all" if task.shared else submission.digest
        words = f"{course.seed()}/{ps.name}/{task.cell}/{whose}".encode()
        rng = np.random.default_rng(list(hashlib.sha256(words).digest()))
        calls.append(task.calls(rng))
        inputs = [{"args": list(c.args), "kwargs": c.kwargs} for c in calls[-1]]
        plain.write(job / f"{number}.npz", inputs)
        names = ("function", "without", "pure", "seconds", "wrap")
        tasks.append({"number": number, "largest": ps.limits.output_mb * 2**18})
        tasks[-1] |= {name: getattr(task, name) for name in names}
    limits = ps.limits
    description = {
        "cells": [
            {"name": name_of(cell, k), "source": cell.source}
            for k, cell in enumerate(cells)
            if cell.cell_type == "code" and not rewriting.is_grade(cell)
        ],
        "tasks": tasks,
        "without": sorted({name for task in ps.tasks for name in task.without}),
        "uid": sandbox.uid(slot),
        "sweep": alone and sandbox.check(),
        "seconds": limits.seconds,
        "cell_seconds": limits.cell_seconds,
        "memory_mb": limits.memory_mb,
        "output_mb": limits.output_mb,
        "processes": limits.processes,
    }
    (job / "job.json").write_text(json.dumps(description))
    return calls


def name_of(cell: Any, number: int) -> str:
    """Return what a cell is called in messages."""
    return cell.metadata.get("nbgrader", {}).get("grade_id") or f"number {number + 1}"

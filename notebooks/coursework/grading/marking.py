"""One submission from its cells to its marks: inputs, sandbox, comparison; and a cache of it.

The marks of a submission depend on its digest, the set and the course's seed, and on nothing else.
They are stored under the hash of these, in one step, so that a run that was killed goes on where
it stopped, and one that is repeated ends alike.
"""

import copy
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grading import compare, course, form, plain, sandbox
from grading.form import Submission
from grading.task import Call, Choice, Set, Task

HERE = Path(__file__).resolve().parent
SENTENCE = 600
INPUTS = 1 << 30


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
    grader = ("plain", "compare", "harness", "task", "marking")
    paths = [HERE / f"{part}.py" for part in grader]
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
        for number, submission in enumerate(submissions):
            calls.append(prepare(ps, submission, jobs / f"{number:04}", slot, alone))
            place = out / f"{number:04}"
            place.mkdir(parents=True)
            place.chmod(0o777)
        stopped = sandbox.run(jobs, out, ps.limits, len(submissions))
        return [
            judge(ps, out / f"{number:04}", given, stopped) for number, given in enumerate(calls)
        ]
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, into which a process that is being killed may write for a moment longer."""
    for _ in range(100):
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
            {"name": name_of(cell, k), "source": _runnable(cell.source)}
            for k, cell in enumerate(cells)
            if cell.cell_type == "code" and not form.is_grade(cell)
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


def _runnable(source: str) -> str:
    """Leave out what only a notebook understands: magics and shell commands."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M)


def judge(ps: Set, out: Path, calls: list[list[Call]], stopped: str | None) -> dict[str, Any]:
    """Compare the answers of one submission with the references."""
    most = ps.limits.output_mb * 2**20
    report = _report(out / "cells.json")
    died = report["running"]
    if died and stopped is None:
        stopped = f"The run ended in the middle of the cell {died}."
    marks = {"cells": {}, "errors": report["errors"], "metrics": {}, "stopped": stopped}
    for number, (task, given) in enumerate(zip(ps.tasks, calls)):
        try:
            if stopped == sandbox.TOO_MUCH:
                raise FileNotFoundError
            answers = _answers(out / f"{number}.npz", most)
        except FileNotFoundError:
            verdict = 0.0, stopped or "There is no answer: the run ended before it."
        except (OSError, ValueError) as error:
            verdict = 0.0, f"The answer is malformed: {error}."
        else:
            verdict = _verdict(task, given, answers, marks["metrics"])
        marks["cells"][task.cell] = [verdict[0], printable(verdict[1])]
    if ps.choice:
        marks["cells"][ps.choice.cell] = _chosen(ps.choice, marks["cells"])
    return marks


def _report(path: Path) -> dict[str, Any]:
    """Read what the harness said about the cells; believe its form only after a look."""
    try:
        report = json.loads(plain.read_bytes(path, 1 << 22))
        errors = [[printable(str(a)), printable(str(b))] for a, b in report["errors"]][:200]
        running = report["running"]
        return {"running": printable(str(running)) if running else None, "errors": errors}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {"running": None, "errors": []}


def printable(text: str) -> str:
    """Return a text of bounded length without control characters."""
    return "".join(c if c.isprintable() else " " for c in text[:SENTENCE])


def _answers(path: Path, most: int) -> dict | list:
    value = plain.read(path, most)
    if isinstance(value, dict) and set(value) == {"ended"}:
        return str(value["ended"])
    if isinstance(value, dict) and isinstance(value.get("answers"), list):
        return value["answers"]
    raise ValueError("not the arrays that were asked for")


def _verdict(task: Task, calls: list[Call], answers: Any, metrics: dict) -> tuple[float, str]:
    """Return the points of one task and a sentence."""
    name = task.function
    if isinstance(answers, str):
        if answers == "missing":
            return 0.0, f"There is no function {name}."
        return 0.0, f"{name} {answers}."
    for number in range(len(calls)):
        answer = answers[number] if number < len(answers) else None
        if not isinstance(answer, dict):
            return 0.0, f"{name}: an answer is missing."
        if "raised" in answer:
            raised = str(answer["raised"])
            if raised.startswith("NotImplementedError"):
                return 0.0, f"{name} is not written yet ({raised})."
            return 0.0, f"{name} failed on a hidden input. {raised}."
        if answer.get("changed") is not False:
            return 0.0, f"{name} changed one of its arguments in place; work on a copy."
    values = [answer.get("answer") for answer in answers[: len(calls)]]
    if task.metric:
        return _measured(task, calls, values, metrics)
    for given, answer in zip(calls, values):
        expected = task.reference(*copy.deepcopy(given.args), **copy.deepcopy(given.kwargs))
        if task.compare:
            sentence = task.compare(given, answer, expected)
        else:
            sentence = compare.difference(answer, expected, task.rtol, task.atol)
        if sentence:
            return 0.0, f"{name}, on a hidden input: {sentence}. {task.message}".strip()
    return float(task.points), f"{name} is right on all {len(calls)} hidden inputs."


def _measured(task: Task, calls: list, values: list, metrics: dict) -> tuple[float, str]:
    metric = task.metric
    try:
        value = float(metric.score(calls, values))
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        return 0.0, f"{task.function}: no {metric.name} can be computed: {error}. {task.message}"
    metrics[metric.name] = value
    earned = compare.points(value, metric.zero, metric.full, task.points)
    return earned, f"{metric.name} on held-out data: {value:.4g}."


def _chosen(choice: Choice, cells: dict[str, list]) -> list:
    """Return points and sentence of the groups that count."""
    earned = {
        name: sum(cells[cell][0] for cell in group if cell in cells)
        for name, group in choice.groups.items()
    }
    ranked = sorted(earned, key=lambda name: -earned[name])
    counted = ranked[: choice.best]
    left = [f"{name} {earned[name]:g}" for name in ranked]
    sentence = f"Counted: {', '.join(counted)}. Points of each: {', '.join(left)}."
    return [sum(earned[name] for name in counted), sentence]

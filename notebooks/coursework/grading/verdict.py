"""The verdict on one submission: what came out of the sandbox, compared with the references.

Everything that is read here was written where a student's code ran. It is looked at before it is
believed: sizes are bounded, nothing is unpickled, what is missing or malformed is zero points and a
sentence.
"""

import copy
import json
from pathlib import Path
from typing import Any

from grading import compare, plain, sandbox
from grading.task import Call, Choice, Set, Task

SENTENCE = 600
TOO_MANY = "returned a value of too many parts to be looked at: return an array"


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
        except OSError as error:  # without its path
            verdict = 0.0, f"The answer is malformed: {error.strerror}."
        except ValueError as error:
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
        if isinstance(answer, plain.Other):
            return 0.0, f"{name} {TOO_MANY}."
        if not isinstance(answer, dict):
            return 0.0, f"{name}: an answer is missing."
        if "raised" in answer:
            raised = str(answer["raised"])
            if raised.startswith("NotImplementedError"):
                return 0.0, f"{name} is not written yet ({raised})."
            return 0.0, f"{name} failed on a hidden input. {raised}."
        if not isinstance(answer.get("changed"), bool):
            return 0.0, f"{name} {TOO_MANY}."
        if answer["changed"]:
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

"""Runs inside the sandbox: executes a notebook's cells, calls its functions, writes plain arrays.

    python harness.py IN OUT

``IN`` holds a folder for each job (one in real grading, many in the tests), with ``job.json`` and
the inputs of each task. Nothing in here decides about points: whatever a student's code does to
this process, it can only spoil what is written to ``OUT``, and the judge outside treats missing
and malformed answers as wrong ones. Each task runs in a process of its own, so that one that
crashes costs its own points alone.
"""

import functools
import inspect
import json
import os
import shutil
import socket
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace

import magics
import numpy as np
import plain
from confined import TimeUp, alone, confine, limited, sweep
from surroundings import Shell, Sink, active, display, guard, same_draws

LONGEST = 400


def main() -> None:
    """Run every job."""
    jobs, out = Path(sys.argv[1]), Path(sys.argv[2])
    names = sorted(path.name for path in jobs.iterdir())
    for name in names:
        first = name == names[0]
        if len(names) == 1:
            run(jobs / name, out, first)
        else:
            alone(run, 600, jobs / name, out, first)


def run(job_folder: Path, shared: Path, first: bool) -> None:
    """Execute the cells of one notebook, then answer its tasks."""
    job = json.loads((job_folder / "job.json").read_text())
    confine(job)
    out = shared / job_folder.name
    out.mkdir()
    home = out / "home"
    shutil.copytree(job_folder / "files", home)
    os.chdir(home)
    student = ModuleType("__main__")
    student.display, student.get_ipython = display, Shell
    sys.modules["__main__"] = student
    guard(job["without"])
    same_draws()
    if first:
        hand_over(shared)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stdout = sys.stderr = Sink()
    report = {"running": None, "errors": []}
    began, all_of_them = time.process_time(), job["seconds"]
    for cell in job["cells"]:
        report["running"] = cell["name"]
        save(out / "cells.json", report)
        left = all_of_them - (time.process_time() - began)
        error = f"not run: the {all_of_them:g} seconds of processor time for all cells are over"
        if left > 0.01:
            why = ", the rest of that for all cells," if left < job["cell_seconds"] else ""
            error = execute(cell, student, min(job["cell_seconds"], left), why)
        if error:
            report["errors"].append([cell["name"], error])
    report["running"] = None
    save(out / "cells.json", report)
    for task in job["tasks"]:
        sweep(job["sweep"])
        how = ask(job_folder, out, task, student)
        path = out / f"{task['number']}.npz"
        if how and not path.exists():
            plain.write(path, {"ended": how})


def hand_over(folder: Path) -> None:
    """Give a handle of the folder to the outside, which waits for it and reads the answers by it.

    So far nothing but our own code has run.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(fileno=os.dup(0)) as outside:
        socket.send_fds(outside, [b"started\n"], [handle])
    os.close(handle)


def ask(job_folder: Path, out: Path, task: dict, student: ModuleType) -> str | None:
    """Have one task answered in a process of its own; say how it ended, if not well."""
    threads, hint = len(os.listdir("/proc/self/task")) - 1, ""
    if threads:
        hint = (
            f" (your cells left {threads} threads running, of which your functions have no use: "
            "end them in their cell, as in `with ThreadPoolExecutor() as pool:`)"
        )
    try:
        wall = 4 * task["seconds"] + 5
        how = alone(answer, wall, job_folder, out, task | {"hint": hint}, student)
    except OSError:  # there is no process left to fork
        how = "could not be called"
    return how and how + hint


def execute(cell: dict, student: ModuleType, seconds: float, why: str) -> str | None:
    """Run one cell; return what it raised, or that its seconds were over, and why so few."""
    try:
        with limited(seconds):
            code = magics.compiled(cell["source"], f"<cell {cell['name']}>")
            value = eval(code, student.__dict__)
            if inspect.iscoroutine(value):  # it awaits something outside of any function
                import asyncio  # not above: few need it, and it takes time

                asyncio.run(value)
    except TimeUp:
        return f"used more than {seconds:.3g} seconds of processor time{why} and was stopped"
    except BaseException as error:
        return describe(error)
    return None


def answer(job_folder: Path, out: Path, task: dict, student: ModuleType) -> None:
    """Call the function of one task with all its inputs, and write the answers."""
    same_draws()
    active.update(task["without"])
    path = out / f"{task['number']}.npz"
    function = find(task, student)
    if function is None:
        plain.write(path, {"ended": "missing"})
        return
    calls, originals = (plain.read(job_folder / path.name, 1 << 30) for _ in range(2))
    answers, size = [], 0
    try:
        with limited(task["seconds"]):
            for inputs, given in zip(calls, originals):
                value = function(*inputs["args"], **inputs["kwargs"])
                changed = task["pure"] and not same(inputs, given)
                size += plain.size(value)
                if size > task["largest"]:
                    break
                # The long part last: what is too long ends with it.
                answers.append({"changed": changed, "answer": kept(value, [plain.NODES])})
    except TimeUp:
        answers.append({"raised": f"used more than {task['seconds']:g} seconds of processor time"})
    except Exception as error:
        answers.append({"raised": describe(error) + task["hint"]})
    if size > task["largest"]:
        plain.write(path, {"ended": f"returned more than {task['largest'] >> 20} MB"})
    else:
        plain.write(path, {"answers": answers})


def kept(value, left: list[int], depth: int = plain.DEPTH):
    """Copy the arrays of an answer: the next call may write into the same ones."""
    left[0] -= 1
    if isinstance(value, np.ndarray):
        return np.array(value, subok=False)
    if depth and left[0] > 0 and type(value) in (list, tuple):
        return type(value)(kept(item, left, depth - 1) for item in value)
    if depth and left[0] > 0 and type(value) is dict:
        return {key: kept(item, left, depth - 1) for key, item in value.items()}
    return value


def find(task: dict, student: ModuleType):
    """Return the student's function, or the task's own wrapping of it."""
    function = student.__dict__.get(task["function"])
    if not callable(function):
        return None
    if not task["wrap"]:
        return function
    names = {"np": np}
    exec(task["wrap"], names)
    return functools.partial(names["answer"], SimpleNamespace(**student.__dict__))


def same(a, b) -> bool:
    """Whether two plain values are equal bit by bit."""
    if isinstance(a, np.ndarray):
        if not isinstance(b, np.ndarray) or a.shape != b.shape or a.dtype != b.dtype:
            return False
        return a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


def describe(error: BaseException) -> str:
    """Say in one line what was raised, and where in the notebook."""
    try:
        text = " ".join(str(error).split())[:LONGEST]
    except BaseException:
        text = ""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("<cell "):
            place = f" (line {frame.lineno} of the cell {frame.filename[6:-1]})"
    return (
        f"{type(error).__name__[:80]}: {text}{place}" if text else type(error).__name__[:80] + place
    )


def save(path: Path, value) -> None:
    """Write JSON in one step."""
    partial = Path(f"{path}.partial")
    partial.write_text(json.dumps(value))
    partial.replace(path)


if __name__ == "__main__":
    main()

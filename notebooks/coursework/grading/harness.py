"""Runs inside the sandbox: executes a notebook's cells, calls its functions, writes plain arrays.

    python harness.py IN OUT

``IN`` holds a folder for each job (one in real grading, many in the tests), with ``job.json`` and
the inputs of each task. Nothing in here decides about points: whatever a student's code does to
this process, it can only spoil what is written to ``OUT``, and the judge outside treats missing
and malformed answers as wrong ones. Each task runs in a process of its own, so that one that
crashes costs its own points alone.
"""

import contextlib
import functools
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import plain

LONGEST = 400
RESERVE = 64 << 20  # bytes that student's code does not get: we say with them that it used the rest
active: set[str] = set()


class TimeUp(BaseException):
    """A cell or a task used its processor seconds. `except Exception` does not catch it."""


class Sink:
    """Swallows what is printed, however much it is."""

    encoding = "utf-8"

    def write(self, text):
        """Pretend to have written it."""
        return len(text)

    def flush(self):
        """Do nothing."""

    def isatty(self):
        """Say no."""
        return False


def main() -> None:
    """Run every job."""
    jobs, out = Path(sys.argv[1]), Path(sys.argv[2])
    names = sorted(path.name for path in jobs.iterdir())
    for name in names:
        if len(names) == 1:
            run(jobs / name, out / name)
        else:
            alone(run, 600, jobs / name, out / name)


def run(job_folder: Path, out: Path) -> None:
    """Execute the cells of one notebook, then answer its tasks."""
    job = json.loads((job_folder / "job.json").read_text())
    confine(job)
    home = out / "home"
    shutil.copytree(job_folder / "files", home)
    os.chdir(home)
    student = ModuleType("__main__")
    student.display = print
    sys.modules["__main__"] = student
    guard(job["without"])
    same_draws()
    # The word for which the outside waits: so far nothing but our own code has run.
    os.write(2, b"started\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stdout = sys.stderr = Sink()
    report = {"running": None, "errors": []}
    for cell in job["cells"]:
        report["running"] = cell["name"]
        save(out / "cells.json", report)
        error = execute(cell, student, job["cell_seconds"])
        if error:
            report["errors"].append([cell["name"], error])
    report["running"] = None
    save(out / "cells.json", report)
    for task in job["tasks"]:
        sweep(job["sweep"])
        wall = 4 * task["seconds"] + 5
        how = alone(answer, wall, job_folder, out, task, student)
        path = out / f"{task['number']}.npz"
        if how and not path.exists():
            plain.write(path, {"ended": how})


def confine(job: dict) -> None:
    """Give up every right that is not needed, before any code of the student runs."""
    if job["uid"] is not None:
        os.setgroups([])
        os.setresgid(job["uid"], job["uid"], job["uid"])
        os.setresuid(job["uid"], job["uid"], job["uid"])
    megabyte = 1 << 20
    for kind, most in (
        (resource.RLIMIT_AS, job["memory_mb"] * megabyte + RESERVE),
        (resource.RLIMIT_FSIZE, job["output_mb"] * megabyte),
        (resource.RLIMIT_CPU, int(job["seconds"]) + 1),
        (resource.RLIMIT_NPROC, job["processes"]),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def alone(function, wall, *args) -> str | None:
    """Call a function in a process of its own; say how it ended, if not well."""
    child = fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            function(*args)
            os._exit(0)
        os._exit(1)
    end = time.monotonic() + wall
    pause = 0.002
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if os.WIFSIGNALED(status):
                late = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
                return "used up its time" if late else "crashed"
            return "ended the process" if os.WEXITSTATUS(status) else "ended without an answer"
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "used up its time"


def fork() -> int:
    """Fork, after a while if what was killed still counts against the limit."""
    for _ in range(200):
        with contextlib.suppress(BlockingIOError):
            return os.fork()
        time.sleep(0.02)
    return os.fork()


def sweep(allowed: bool) -> None:
    """Kill whatever a cell or a task left running, so that it takes no time from the next.

    "All processes" are those of this sandbox. It is not allowed where there is none, and where
    several jobs share one.
    """
    if allowed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def execute(cell: dict, student: ModuleType, seconds: float) -> str | None:
    """Run one cell; return what it raised."""
    try:
        with limited(seconds):
            code = compile(cell["source"], f"<cell {cell['name']}>", "exec", dont_inherit=True)
            exec(code, student.__dict__)
    except TimeUp:
        return f"used more than {seconds:g} seconds of processor time and was stopped"
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
    answers = []
    try:
        with limited(task["seconds"]):
            for inputs, given in zip(calls, originals):
                value = function(*inputs["args"], **inputs["kwargs"])
                changed = task["pure"] and not same(inputs, given)
                answers.append({"answer": value, "changed": changed})
    except TimeUp:
        answers.append({"raised": f"used more than {task['seconds']:g} seconds of processor time"})
    except Exception as error:
        answers.append({"raised": describe(error)})
    if plain.size(answers) > task["largest"]:
        plain.write(path, {"ended": f"returned more than {task['largest'] >> 20} MB"})
    else:
        plain.write(path, {"answers": answers})


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


def guard(names: list[str]) -> None:
    """Make functions of rnncore refuse while a task is to do without them."""
    import rnncore

    for name in names:
        original = getattr(rnncore, name)
        module = sys.modules[original.__module__]

        def guarded(*args, _name=name, _original=original, **kwargs):
            if _name in active:
                raise RuntimeError(f"rnncore.{_name} is not allowed here: write this one yourself")
            return _original(*args, **kwargs)

        replacement = functools.wraps(original)(guarded)
        for place in (rnncore, module):
            if getattr(place, name, None) is original:
                setattr(place, name, replacement)


@contextlib.contextmanager
def limited(seconds: float):
    """Keep the reserve of memory back, and raise `TimeUp` after so many seconds.

    Of processor time, which is the same on a busy machine.
    """

    def stop(signum, frame):
        raise TimeUp

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most - RESERVE, most))
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


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


def same_draws() -> None:
    """Seed the global generators, for those who draw from them against all advice."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002


def save(path: Path, value) -> None:
    """Write JSON in one step."""
    partial = Path(f"{path}.partial")
    partial.write_text(json.dumps(value))
    partial.replace(path)


if __name__ == "__main__":
    main()

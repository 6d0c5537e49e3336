"""What a problem set says about its tasks: which function is asked, on which inputs, against what.

A set `psN` is a notebook in ``source/psN`` and a module ``tasks/psN.py`` with

``TASKS``    a tuple of `Task`, one for each automatically graded cell;
``RUBRIC``   for each written answer its grade cell and ``((what earns points, points), …)``;
``LIMITS``   optional `Limits`, where a set needs more time or memory than usual;
``FILES``    optional, names and largest sizes of files that may lie beside the notebook;
``CHOICE``   optional `Choice`, for a set of which students choose a part.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from grading.course import SOURCE, source_of


class Call(NamedTuple):
    """The arguments of one call of a student's function, and what stays outside."""

    args: tuple
    kwargs: dict[str, Any]
    hidden: Any = None


def call(*args: Any, hidden: Any = None, **kwargs: Any) -> Call:
    """Write the arguments of a call as one writes a call; `hidden` never enters the sandbox."""
    return Call(args, kwargs, hidden)


@dataclass(frozen=True)
class Metric:
    """A number on a leaderboard, and the points it earns.

    Parameters
    ----------
    name : str
        Column of the leaderboard.
    score : callable
        ``score(calls, answers)``, both lists, returns the number; a `ValueError` is a sentence to
        the student.
    higher : bool
        Whether more is better.
    zero, full : float
        Where the points begin, and where they are complete; linear in between, in half points.
    """

    name: str
    score: Callable[[Sequence[Call], Sequence[Any]], float]
    higher: bool = True
    zero: float = 0.0
    full: float = 1.0


@dataclass(frozen=True)
class Task:
    """One automatically graded task; `book/instructors.md` explains each field."""

    cell: str
    points: float
    function: str
    calls: Callable[[np.random.Generator], list[Call]]
    reference: Callable[..., Any] | None = None
    message: str = ""
    rtol: float = 1e-7
    atol: float = 1e-9
    without: tuple[str, ...] = ()
    pure: bool = True
    seconds: float = 10.0
    compare: Callable[[Call, Any, Any], str | None] | None = None
    wrap: str = ""
    shared: bool = False
    metric: Metric | None = None
    slow: bool = False


@dataclass(frozen=True)
class Choice:
    """A set of which students choose a part: the best groups of tasks count, in one grade cell."""

    cell: str
    groups: Mapping[str, tuple[str, ...]]
    best: int = 1


@dataclass(frozen=True)
class Limits:
    """What one submission may use: processor seconds, memory and files."""

    seconds: float = 60.0
    cell_seconds: float = 20.0
    memory_mb: int = 2048
    output_mb: int = 32
    processes: int = 6
    slack: float = 20.0

    @property
    def wall_seconds(self) -> float:
        """Seconds on the clock: generous, since other sandboxes share the processor."""
        return 4 * self.seconds + self.slack


@dataclass(frozen=True)
class Set:
    """A problem set as the grader sees it."""

    name: str
    tasks: tuple[Task, ...]
    rubric: Mapping[str, tuple[tuple[str, float], ...]]
    limits: Limits = field(default_factory=Limits)
    files: Mapping[str, int] = field(default_factory=dict)
    choice: Choice | None = None


def load(name: str) -> Set:
    """Read the tasks of a set.

    Raises
    ------
    ValueError
        If there is no such set.
    """
    if not (SOURCE / name / f"{name}.ipynb").is_file():
        raise ValueError(f"no set {name!r}; there are {', '.join(names())}")
    module = importlib.import_module(f"grading.tasks.{name}")
    return Set(
        name,
        tuple(module.TASKS),
        dict(getattr(module, "RUBRIC", {})),
        getattr(module, "LIMITS", Limits()),
        dict(getattr(module, "FILES", {})),
        getattr(module, "CHOICE", None),
    )


def names() -> list[str]:
    """Return the sets for which both the notebook and the tasks exist."""
    found = (path.stem for path in SOURCE.glob("*/*.ipynb") if path.stem == path.parent.name)
    tasks = SOURCE.parent / "grading" / "tasks"
    return sorted(name for name in found if (tasks / f"{name}.py").is_file())


def solution(name: str, function: str) -> Callable[..., Any]:
    """Return a function of a set's own solution, for want of an independent reference.

    The notebook is run when the function is first called.
    """

    def reference(*args: Any, **kwargs: Any) -> Any:
        return getattr(_solved(name), function)(*args, **kwargs)

    return reference


@cache
def _solved(name: str) -> ModuleType:
    module = ModuleType(f"solution_{name}")
    for cell in source_of(name).cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            exec(compile(cell.source, f"<{cell.id}>", "exec"), module.__dict__)
    return module

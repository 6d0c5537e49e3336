"""Two plain values, compared; the difference in a sentence that helps and gives nothing away."""

import math
from typing import Any

import numpy as np

from grading.plain import Other


def difference(answer: Any, expected: Any, rtol: float, atol: float) -> str | None:
    """Say how an answer differs from what was expected, or return None.

    Parameters
    ----------
    answer : plain value
        As `plain.read` returned it: base types alone, whatever the student made.
    expected : plain value
        From the reference.
    rtol, atol : float
        Relative and absolute tolerance of numbers.
    """
    if isinstance(answer, Other):
        return f"expected {_kind(expected)}, got an object of another kind ({answer.kind})"
    if isinstance(expected, dict):
        return _dicts(answer, expected, rtol, atol)
    if isinstance(expected, list | tuple):
        return _lists(answer, expected, rtol, atol)
    if expected is None or isinstance(expected, str):
        if type(answer) is not type(expected):
            return f"expected {_kind(expected)}, got {_kind(answer)}"
        return None if answer == expected else "another text was expected"
    return _numbers(answer, np.asarray(expected), rtol, atol)


def _numbers(answer: Any, expected: np.ndarray, rtol: float, atol: float) -> str | None:
    number = isinstance(answer, bool | int | float | np.ndarray)
    if not number or (expected.ndim and not isinstance(answer, np.ndarray)):
        return f"expected {_kind(expected)}, got {_kind(answer)}"
    answer = np.asarray(answer)
    if answer.shape != expected.shape:
        return f"expected {_kind(expected)}, got {_kind(answer)}"
    if expected.dtype.kind in "iub" and answer.dtype.kind in "iub":
        wrong = int(np.count_nonzero(answer != expected))
        return _count(wrong, expected.size)
    if answer.dtype.kind in "biu":
        answer = answer.astype(np.float64)
    bad = np.count_nonzero(~np.isfinite(answer) & np.isfinite(expected))
    if bad:
        return f"{bad} of {expected.size} numbers are NaN or infinite"
    right = np.isclose(answer, expected, rtol=rtol, atol=atol, equal_nan=True)
    if right.all():
        return None
    if np.allclose(-answer, expected, rtol=rtol, atol=atol, equal_nan=True):
        return "the numbers have the wrong sign"
    sentence = _count(int(np.count_nonzero(~right)), expected.size)
    if answer.dtype == np.float32 and np.allclose(answer, expected, rtol=1e-4, atol=1e-5):
        sentence += ", by the rounding of float32: keep the dtype of the inputs"
    return sentence


def _count(wrong: int, size: int) -> str | None:
    if wrong == 0:
        return None
    return "the number is wrong" if size == 1 else f"{wrong} of {size} numbers are wrong"


def _lists(answer: Any, expected: list | tuple, rtol: float, atol: float) -> str | None:
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = answer.tolist()
    if not isinstance(answer, list | tuple):
        return f"expected {_kind(expected)}, got {_kind(answer)}"
    if len(answer) != len(expected):
        return f"expected {len(expected)} parts, got {len(answer)}"
    for number, (a, e) in enumerate(zip(answer, expected), 1):
        sentence = difference(a, e, rtol, atol)
        if sentence:
            return sentence if len(expected) == 1 else f"part {number}: {sentence}"
    return None


def _dicts(answer: Any, expected: dict, rtol: float, atol: float) -> str | None:
    if not isinstance(answer, dict):
        return f"expected {_kind(expected)}, got {_kind(answer)}"
    if answer.keys() != expected.keys():
        return f"expected the keys {', '.join(expected)}, got {', '.join(answer)[:200] or 'none'}"
    for key, e in expected.items():
        sentence = difference(answer[key], e, rtol, atol)
        if sentence:
            return f"{key}: {sentence}"
    return None


def _kind(value: Any) -> str:
    if isinstance(value, Other):
        return f"an object of another kind ({value.kind})"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    if value is None:
        return "None (is there a return?)"
    if isinstance(value, bool):
        return "True or False"
    names = {int: "a number", float: "a number", str: "a text", list: "a list", tuple: "a tuple"}
    return names.get(type(value), "a dict")


def points(value: float, zero: float, full: float, most: float) -> float:
    """Return the points of a leaderboard's number: linear, in half points."""
    if not math.isfinite(value):
        return 0.0
    share = min(max((value - zero) / (full - zero), 0.0), 1.0)
    return math.floor(2 * most * share + 1e-9) / 2

"""Checks that say what is wrong: for the problem sets, and for your own derivations.

    expect_shape("hs", hs, (4, 2, 5))
    expect_close("hs[0]", hs[0], by_hand, hint="Is the bias there?")
    expect_gradients(loss, params, grads)
    expect_unchanged("params", before, params)

A bare ``assert`` tells that something is wrong. These raise an `AssertionError` whose sentence
says what was expected, what came, and where the two part. They never change their arguments.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.gradients import numerical_gradient

__all__ = ["expect_close", "expect_gradients", "expect_shape", "expect_unchanged"]


def expect_shape(name: str, got: Any, shape: tuple[int, ...], hint: str = "") -> None:
    """Check that something is an array of a shape.

    Parameters
    ----------
    name : str
        What to call it in the message.
    got : ndarray
        What came.
    shape : tuple of int
        What was expected.
    hint : str, optional
        A sentence for the end of the message.

    Raises
    ------
    AssertionError
        If `got` is no array, or of another shape.
    """
    if not isinstance(got, np.ndarray):
        _fail(f"{name}: expected an array of shape {shape}, got {_kind(got)}", hint)
    if got.shape == shape:
        return
    sentence = f"{name}: expected shape {shape}, got {got.shape}"
    if got.ndim == len(shape) and sorted(got.shape) == sorted(shape):
        sentence += "; the axes are in another order"
    elif got.size == np.prod(shape, dtype=int):
        sentence += "; the numbers are as many, arranged otherwise"
    _fail(sentence, hint)


def expect_close(
    name: str, got: Any, expected: Any, hint: str = "", rtol: float = 1e-6, atol: float = 1e-9
) -> None:
    """Check that numbers are those expected, up to rounding.

    Parameters
    ----------
    name : str
        What to call them in the message.
    got, expected : number, str, None, array, or list, tuple or dict of them
        What came, and what was expected; shapes have to be equal.
    hint : str, optional
        A sentence for the end of the message.
    rtol, atol : float, optional
        Relative and absolute tolerance.

    Raises
    ------
    AssertionError
        If they differ. The message names the entry that is furthest off, and says so when all is
        right but for the sign, one factor or a transposition.
    """
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping):
            _fail(f"{name}: expected a dict, got {_kind(got)}", hint)
        if got.keys() != expected.keys():
            wanted, there = ", ".join(map(str, expected)), ", ".join(map(str, got)) or "none"
            _fail(f"{name}: expected the keys {wanted}, got {there}", hint)
        for key in expected:
            expect_close(f"{name}[{key!r}]", got[key], expected[key], hint, rtol, atol)
    elif isinstance(expected, list | tuple) and not isinstance(got, np.ndarray):
        if not isinstance(got, list | tuple):
            _fail(f"{name}: expected a list or tuple, got {_kind(got)}", hint)
        if len(got) != len(expected):
            _fail(f"{name}: expected {len(expected)} parts, got {len(got)}", hint)
        for k, (g, e) in enumerate(zip(got, expected)):
            expect_close(f"{name}[{k}]", g, e, hint, rtol, atol)
    elif expected is None or isinstance(expected, str):
        if type(got) is not type(expected) or got != expected:
            _fail(f"{name}: expected {expected!r}, got {got!r}", hint)
    else:
        _numbers(name, got, np.asarray(expected), hint, rtol, atol)


def _numbers(name: str, got: Any, expected: NDArray, hint: str, rtol: float, atol: float) -> None:
    if expected.ndim:
        expect_shape(name, got, expected.shape, hint)
    elif not isinstance(got, bool | int | float | complex | np.generic | np.ndarray):
        _fail(f"{name}: expected a number, got {_kind(got)}", hint)
    got = np.asarray(got)
    if got.dtype.kind not in "biufc":
        _fail(f"{name}: expected numbers, got an array of {got.dtype}", hint)
    expect_shape(name, got, expected.shape, hint)
    if not np.isfinite(got).all() and np.isfinite(expected).all():
        _fail(
            f"{name}: {np.sum(~np.isfinite(got))} of {got.size} entries are NaN or infinite", hint
        )
    if np.allclose(got, expected, rtol=rtol, atol=atol, equal_nan=True):
        return
    got, expected = (a.astype(np.float64) if a.dtype.kind in "biu" else a for a in (got, expected))
    with np.errstate(invalid="ignore"):
        gaps = np.nan_to_num(np.abs(got - expected), nan=np.inf)
    same = np.isclose(got, expected, rtol=0, atol=0, equal_nan=True)
    gaps = np.where(same, 0, gaps)
    worst = np.unravel_index(np.argmax(gaps), got.shape)
    place = f"[{', '.join(map(str, worst))}]" if worst else ""
    sentence = f"{name}{place}: expected {expected[worst]:.6g}, got {got[worst]:.6g}"
    _fail(sentence + _pattern(got, expected, rtol, atol), hint)


def _pattern(got: NDArray, expected: NDArray, rtol: float, atol: float) -> str:
    """Say what would make all of it right, if something simple would."""

    def fits(value: NDArray) -> bool:
        return np.allclose(value, expected, rtol=max(rtol, 1e-6), atol=atol)

    if fits(-got):
        return "; all is right but for the sign"
    if got.ndim == 2 and got.shape[0] == got.shape[1] > 1 and fits(got.T):
        return "; it is the transpose"
    size = np.vdot(got, got)
    factor = np.vdot(got, expected) / size if size > 0 else 0
    if got.size > 1 and factor != 0 and fits(factor * got):
        return f"; all is right but for a factor {1 / factor:.4g}"
    return ""


def expect_gradients(
    loss: Callable[[Any], float],
    params: NDArray | dict[str, NDArray],
    grads: NDArray | dict[str, NDArray],
    hint: str = "",
    tol: float = 1e-6,
) -> None:
    """Check gradients against central differences, entry by entry.

    Parameters
    ----------
    loss : callable
        Takes what `params` is, returns one number.
    params : ndarray or dict of str to ndarray
        Where to differentiate, float64. Small ones: every entry costs two evaluations.
    grads : ndarray or dict of str to ndarray
        The gradients to check; names and shapes of `params`.
    hint : str, optional
        A sentence for the end of the message.
    tol : float, optional
        Largest error, relative to the largest entry of the same array (or to 1e-2).

    Raises
    ------
    AssertionError
        If a gradient is missing, of another shape, or wrong.
    """
    if isinstance(params, Mapping):
        if not isinstance(grads, Mapping) or grads.keys() != params.keys():
            there = ", ".join(map(str, grads)) if isinstance(grads, Mapping) else _kind(grads)
            _fail(f"gradients: expected one for each of {', '.join(params)}, got {there}", hint)
        for key in params:
            _gradient(
                f"gradient of {key}",
                lambda value, key=key: loss({**params, key: value}),
                params[key],
                grads[key],
                hint,
                tol,
            )
    else:
        _gradient("gradient", loss, params, grads, hint, tol)


def _gradient(name: str, loss: Callable, value: NDArray, got: Any, hint: str, tol: float) -> None:
    expect_shape(name, got, value.shape, hint)
    expected = numerical_gradient(loss, value)
    scale = np.abs(expected).max(initial=1e-2)
    _numbers(name + " (against central differences)", got, expected, hint, 0.0, tol * scale)


def expect_unchanged(name: str, before: Any, after: Any, hint: str = "") -> None:
    """Check that a function left its argument as it was.

    Parameters
    ----------
    name : str
        What to call it in the message.
    before : plain value
        A copy made before the call, for instance by ``copy.deepcopy``.
    after : plain value
        The argument after the call.
    hint : str, optional
        A sentence for the end of the message.

    Raises
    ------
    AssertionError
        If they differ in any bit.
    """
    try:
        expect_close(name, after, before, rtol=0.0, atol=0.0)
    except AssertionError as error:
        _fail(f"{name} was changed in place ({error}); work on a copy", hint)


def _kind(value: Any) -> str:
    if value is None:
        return "None (is there a return?)"
    return (
        f"an array of shape {value.shape}"
        if isinstance(value, np.ndarray)
        else type(value).__name__
    )


def _fail(sentence: str, hint: str) -> None:
    raise AssertionError(f"{sentence}. {hint}".rstrip())

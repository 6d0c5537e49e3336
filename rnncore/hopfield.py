"""Hopfield's network: a memory that is read by its content.

N units are each +1 or -1. Together they are the state s, which is all there is: no input comes
after the start. A unit looks at its field, the weighted sum of the others, and takes the field's
sign. Hebb's rule makes the weights from the patterns that are to be remembered; each pattern then
sits in a valley of the energy, and a state that starts nearby rolls down into it.

With symmetric weights and a diagonal of zeros, units that change one at a time (asynchronously)
lower the energy with each flip, so the state settles. Units that change all at once
(synchronously) settle too, or else swing between two states for ever.

Nothing is hidden and nothing is changed in place: patterns and weights go in, states come out. A
state is a row of N numbers, each +1 or -1, of any dtype; several rows are a batch.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncore._check import generator, positive_int

__all__ = ["Recall", "corrupt", "energy", "hebb", "overlap", "recall", "update"]

# A field this small beside the weights that make it up is zero but for rounding. Without it, ties
# would be broken by the order in which a processor adds, and a unit could flip to and fro for ever.
TIE = 1e-12


class Recall(NamedTuple):
    """What a network came to.

    Attributes
    ----------
    states : ndarray
        Last states, in the shape and dtype of those that were given.
    energies : ndarray of float64
        Shape (K + 1,) for a single state, (K + 1, B) for a batch: before, and after each of the K
        sweeps (asynchronous) or steps (synchronous).
    period : int or ndarray of int64
        1 where the state is a fixed point, 2 where it swings between two states, 0 where
        `max_sweeps` came first. Shape (B,) for a batch.
    """

    states: NDArray
    energies: NDArray[np.float64]
    period: int | NDArray[np.int64]


def _signs(name: str, value: ArrayLike, axes: tuple[int, ...], units: int | None = None) -> NDArray:
    """Return `value` as an array of +1 and -1 with so many axes, the last of length `units`."""
    array = np.asarray(value)
    if array.dtype.kind not in "if":
        raise TypeError(f"{name}: expected an array of +1 and -1, got dtype {array.dtype}")
    if array.ndim not in axes or array.size == 0:
        want = " or ".join({1: "(N,)", 2: "(B, N)"}[n] for n in axes)
        raise ValueError(f"{name}: expected shape {want}, not empty, got {array.shape}")
    if units is not None and array.shape[-1] != units:
        raise ValueError(f"{name}: expected {units} units on the last axis, got {array.shape[-1]}")
    if not (np.abs(array) == 1).all():
        raise ValueError(f"{name}: expected +1 and -1 only, got {array[np.abs(array) != 1][0]}")
    return array


def _weights(value: ArrayLike) -> NDArray[np.float64]:
    """Return `value` as a square matrix of finite float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "if":
        raise TypeError(f"weights: expected numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(f"weights: expected shape (N, N), not empty, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("weights: expected finite numbers, got NaN or infinity")
    return array.astype(np.float64)


def hebb(patterns: ArrayLike) -> NDArray[np.float64]:
    r"""Make weights from patterns by Hebb's rule: units that agree are joined positively.

    .. math:: w_{ij} = \frac{1}{N} \sum_{\mu=1}^{P} \xi_i^\mu \xi_j^\mu \quad (i \ne j),
        \qquad w_{ii} = 0

    Parameters
    ----------
    patterns : array_like
        Shape (P, N), entries +1 and -1.

    Returns
    -------
    ndarray of float64
        Shape (N, N), symmetric, with a diagonal of zeros.

    Raises
    ------
    TypeError, ValueError
        If `patterns` are not P rows of +1 and -1.

    References
    ----------
    Hopfield (1982), Neural networks and physical systems with emergent collective computational
    abilities.
    """
    rows = _signs("patterns", patterns, (2,)).astype(np.float64)
    weights = rows.T @ rows / rows.shape[1]
    np.fill_diagonal(weights, 0.0)
    return weights


def energy(weights: ArrayLike, states: ArrayLike) -> NDArray[np.float64]:
    r"""Give the energy of states.

    .. math:: E(s) = -\tfrac12 \sum_{i,j} w_{ij} s_i s_j

    Parameters
    ----------
    weights : array_like
        Shape (N, N).
    states : array_like
        Shape (N,) or (B, N), entries +1 and -1.

    Returns
    -------
    ndarray of float64
        Shape () or (B,).

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or `states` hold anything but +1 and -1.
    """
    w = _weights(weights)
    s = _signs("states", states, (1, 2), len(w)).astype(np.float64)
    return -0.5 * ((s @ w) * s).sum(axis=-1)


def update(weights: ArrayLike, states: ArrayLike) -> NDArray:
    r"""Let all units take the sign of their field at once; a field of zero changes nothing.

    .. math:: s_i \leftarrow \operatorname{sign}\Bigl(\sum_j w_{ij} s_j\Bigr)

    Parameters
    ----------
    weights : array_like
        Shape (N, N).
    states : array_like
        Shape (N,) or (B, N), entries +1 and -1.

    Returns
    -------
    ndarray
        New states, in the shape and dtype of `states`. Where they equal `states`, these are fixed
        points of either kind of recall.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or `states` hold anything but +1 and -1.
    """
    w = _weights(weights)
    s = _signs("states", states, (1, 2), len(w))
    return _aligned(s.astype(np.float64) @ w.T, s, TIE * np.abs(w).sum(axis=1)).astype(s.dtype)


def _aligned(fields: NDArray, states: NDArray, ties: NDArray) -> NDArray:
    return np.where(np.abs(fields) <= ties, states, np.sign(fields))


def recall(
    weights: ArrayLike,
    states: ArrayLike,
    mode: str = "asynchronous",
    *,
    rng: np.random.Generator | None = None,
    max_sweeps: int = 100,
) -> Recall:
    """Let states run until they settle.

    Asynchronously, units change one after the other, each seeing what those before it have become.
    A sweep visits every unit once, in a new random order that all rows of a batch share.
    Synchronously, all units change at once, see `update`.

    Parameters
    ----------
    weights : array_like
        Shape (N, N). That asynchronous recall settles, and synchronous recall has period 1 or 2,
        is certain for symmetric weights with a diagonal of zeros; others are allowed.
    states : array_like
        Where to start, shape (N,) or (B, N), entries +1 and -1.
    mode : {"asynchronous", "synchronous"}
        Which.
    rng : numpy.random.Generator, optional
        Draws the orders of asynchronous sweeps. Without one, every sweep goes from the first unit
        to the last.
    max_sweeps : int
        When to give up: sweeps, or synchronous steps.

    Returns
    -------
    Recall
        The states, their energies on the way, and their period.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, `states` hold anything but +1 and -1, or `mode` is unknown.

    References
    ----------
    Hopfield (1982) for the asynchronous, Little (1974) for the synchronous network.
    """
    w = _weights(weights)
    given = _signs("states", states, (1, 2), len(w))
    if mode not in ("asynchronous", "synchronous"):
        raise ValueError(f"mode: expected 'asynchronous' or 'synchronous', got {mode!r}")
    if rng is not None:
        generator(rng)
    positive_int("max_sweeps", max_sweeps)
    advance = _sweep if mode == "asynchronous" else _step
    before = now = np.atleast_2d(given).astype(np.float64)
    ties, energies, period = TIE * np.abs(w).sum(axis=1), [energy(w, now)], np.zeros(len(now), int)
    for _ in range(max_sweeps):
        after = advance(w, now, ties, rng)
        energies.append(energy(w, after))
        fixed = (after == now).all(axis=1)
        swings = (after == before).all(axis=1) & (mode == "synchronous")
        period = np.where(fixed, 1, np.where(swings, 2, 0))
        before, now = now, after
        if period.all():
            break
    trace = np.array(energies)
    if given.ndim == 1:
        return Recall(now[0].astype(given.dtype), trace[:, 0], int(period[0]))
    return Recall(now.astype(given.dtype), trace, period)


def _step(w: NDArray, states: NDArray, ties: NDArray, rng: object) -> NDArray:
    return _aligned(states @ w.T, states, ties)


def _sweep(w: NDArray, states: NDArray, ties: NDArray, rng: np.random.Generator | None) -> NDArray:
    states = states.copy()
    for i in range(len(w)) if rng is None else rng.permutation(len(w)):
        states[:, i] = _aligned(states @ w[i], states[:, i], ties[i])
    return states


def corrupt(patterns: ArrayLike, fraction: float, rng: np.random.Generator) -> NDArray:
    """Flip a fraction of the bits of each pattern, at places drawn at random.

    Parameters
    ----------
    patterns : array_like
        Shape (N,) or (P, N), entries +1 and -1.
    fraction : float
        From 0 to 1. Exactly ``round(fraction * N)`` bits of each pattern are flipped.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray
        A new array of the shape and dtype of `patterns`.

    Raises
    ------
    TypeError, ValueError
        If `patterns` hold anything but +1 and -1, `fraction` is outside [0, 1], or `rng` is no
        generator.
    """
    rows = _signs("patterns", patterns, (1, 2))
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction: expected a number from 0 to 1, got {fraction}")
    count = round(fraction * rows.shape[-1])
    places = generator(rng).random(rows.shape).argsort(axis=-1)
    return np.where(places < count, -rows, rows).astype(rows.dtype)


def overlap(patterns: ArrayLike, states: ArrayLike) -> NDArray[np.float64]:
    r"""Measure how much states agree with patterns: 1 if equal, 0 by chance, -1 if reversed.

    .. math:: m^\mu = \frac{1}{N} \sum_{i=1}^{N} \xi_i^\mu s_i

    Parameters
    ----------
    patterns : array_like
        Shape (P, N), entries +1 and -1.
    states : array_like
        Shape (N,) or (B, N), entries +1 and -1.

    Returns
    -------
    ndarray of float64
        Shape (P,) or (B, P). A share :math:`(1 - m)/2` of the bits differs.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or there is anything but +1 and -1.
    """
    rows = _signs("patterns", patterns, (2,)).astype(np.float64)
    s = _signs("states", states, (1, 2), rows.shape[1]).astype(np.float64)
    return s @ rows.T / rows.shape[1]

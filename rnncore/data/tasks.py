"""Toy tasks that measure memory: how far back a net remembers, and how much.

Each function draws a fresh batch from the generator it is given. Inputs are floats, time-major and
ready for `scan`, (T, B, I); where they are symbols they are one-hot. Targets are floats for a
regression and integers for a classification, (T, B) where there is one at every step and (B,) or
(B, 1) where only the last step counts. Each task states what a net without memory can reach at
best, since a loss means nothing without it.
"""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore._check import float_dtype, generator, positive_int
from rnncore.data.text import one_hot

Batch = tuple[NDArray, NDArray]


def adding_problem(
    rng: np.random.Generator, steps: int, batch_size: int, dtype: DTypeLike = np.float32
) -> Batch:
    r"""Draw the adding problem: sum the two marked numbers of a long list.

    .. math:: y = v_i + v_j, \qquad v_t \sim U(0, 1)

    Channel 0 holds the numbers, channel 1 is 1 at two steps, one in the first half and one in the
    second, and 0 elsewhere. Always answering 1 has the mean squared error 1/6, the variance of the
    sum: `squared_error`, which halves it, then gives 1/12.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    steps, batch_size : int
        T, at least 2, and B.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    inputs : ndarray
        Shape (T, B, 2).
    targets : ndarray
        Shape (B, 1), same dtype.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory, section 5.4; with numbers and
    markers as in Le, Jaitly and Hinton (2015).
    """
    T, B = _sizes(rng, steps, batch_size, at_least=2)
    inputs = np.zeros((T, B, 2), float_dtype("dtype", dtype))
    inputs[:, :, 0] = rng.random((T, B))
    rows = np.arange(B)
    first, second = rng.integers(T // 2, size=B), rng.integers(T // 2, T, size=B)
    inputs[first, rows, 1] = inputs[second, rows, 1] = 1
    return inputs, inputs[first, rows, :1] + inputs[second, rows, :1]


def copy_memory(
    rng: np.random.Generator,
    delay: int,
    batch_size: int,
    symbols: int = 8,
    length: int = 10,
    dtype: DTypeLike = np.float32,
) -> Batch:
    r"""Draw the copying task: repeat a short list after a long silence.

    .. math:: T = \text{delay} + 2 \cdot \text{length}

    Symbol 0 is the blank, 1 to S are the symbols, S + 1 says "now". The input is ``length``
    symbols, ``delay`` - 1 blanks, "now", ``length`` blanks; the target is blank until the end and
    then the symbols in their order. Knowing when to answer but not what has the cross-entropy
    length · ln S / T per step: with the usual sizes, 10 ln 8 / (delay + 20).

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    delay, batch_size : int
        Steps from the last symbol to "now", and B.
    symbols, length : int, optional
        S, 8 by default, and the length of the list, 10 by default.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    inputs : ndarray
        One-hot, shape (T, B, S + 2).
    targets : ndarray of int64
        Shape (T, B), 0 to S: S + 1 classes.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    References
    ----------
    Arjovsky, Shah and Bengio (2016), Unitary evolution recurrent neural networks; after Hochreiter
    and Schmidhuber (1997).
    """
    delay, B = _sizes(rng, delay, batch_size, name="delay")
    S, n = positive_int("symbols", symbols), positive_int("length", length)
    tokens = np.zeros((delay + 2 * n, B), np.int64)
    targets = np.zeros_like(tokens)
    tokens[:n] = targets[-n:] = rng.integers(1, S + 1, size=(n, B))
    tokens[n + delay - 1] = S + 1
    return one_hot(tokens, S + 2, dtype), targets


def temporal_order(
    rng: np.random.Generator, steps: int, batch_size: int, dtype: DTypeLike = np.float32
) -> Batch:
    r"""Draw the temporal order problem: tell which of X and Y came first and which second.

    .. math:: y = 2 [s_i = Y] + [s_j = Y], \qquad s_i, s_j \in \{X, Y\}

    Eight symbols: 0 begins, 1 ends, 2 is X, 3 is Y, and 4 to 7 are noise everywhere else. One X or
    Y stands between T/10 and 2T/10, another between 5T/10 and 6T/10. The four classes XX, XY, YX,
    YY are equally frequent: guessing costs ln 4 = 1.386 nats.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    steps, batch_size : int
        T, at least 10, and B.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    inputs : ndarray
        One-hot, shape (T, B, 8).
    targets : ndarray of int64
        Shape (B,), 0 to 3 for XX, XY, YX, YY.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory, section 5.6, task 6a; for any length
    as in Pascanu, Mikolov and Bengio (2013).
    """
    T, B = _sizes(rng, steps, batch_size, at_least=10)
    tokens, rows = rng.integers(4, 8, size=(T, B)), np.arange(B)
    tokens[0], tokens[-1] = 0, 1
    first = rng.integers(T // 10, 2 * T // 10 + 1, size=B)
    second = rng.integers(5 * T // 10, 6 * T // 10 + 1, size=B)
    is_y = rng.integers(2, size=(2, B))
    tokens[first, rows], tokens[second, rows] = 2 + is_y
    return one_hot(tokens, 8, dtype), 2 * is_y[0] + is_y[1]


def two_lag(
    rng: np.random.Generator,
    steps: int,
    batch_size: int,
    lags: tuple[int, int] = (3, 8),
    dtype: DTypeLike = np.float32,
) -> Batch:
    r"""Draw bits that depend by chance on two earlier ones, so that the best loss is known.

    .. math:: P(y_t = 1) = \tfrac12 + \tfrac12 x_{t-a} - \tfrac14 x_{t-b}, \qquad
              x_t \text{ fair bits}

    What `two_lag_entropy` says can be reached is 0.454 nats for a memory of both lags, 0.519 for
    the first alone, 0.628 for the second alone and 0.662 for none. Bits before the first step are
    drawn too but not shown, so that the first b steps cannot be predicted as well: cut one long
    sequence into stretches and carry the state, or leave those steps out.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    steps, batch_size : int
        T and B.
    lags : tuple of int, optional
        a and b, two different positive integers.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    inputs : ndarray
        Shape (T, B, 1), 0 or 1.
    targets : ndarray of int64
        Shape (T, B), 0 or 1.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """
    T, B = _sizes(rng, steps, batch_size)
    a, b = (positive_int("lags", lag) for lag in lags)
    if a == b:
        raise ValueError(f"lags: expected two different ones, got {lags}")
    past = max(a, b)
    x = rng.integers(2, size=(past + T, B))
    p = 0.5 + 0.5 * x[past - a : past - a + T] - 0.25 * x[past - b : past - b + T]
    y = (rng.random((T, B)) < p).astype(np.int64)
    return x[past:, :, None].astype(float_dtype("dtype", dtype)), y


def two_lag_entropy(first: bool = True, second: bool = True) -> float:
    r"""Return the best mean cross-entropy on `two_lag` of a net that knows none, one or both lags.

    .. math:: H = \mathbb{E}\big[ H_2(P(y = 1 \mid \text{known bits})) \big], \qquad
              H_2(p) = -p \ln p - (1 - p) \ln (1 - p)

    A bit that is not known counts with its mean, 1/2. Both: (0 + H_2(1/4) + H_2(3/4) + ln 2) / 4.

    Parameters
    ----------
    first, second : bool, optional
        Whether :math:`x_{t-a}` and :math:`x_{t-b}` are known.

    Returns
    -------
    float
        Nats per step.
    """
    bits = np.array([0.0, 1.0])
    x_a = bits[:, None] if first else np.full((2, 1), 0.5)
    x_b = bits[None, :] if second else np.full((1, 2), 0.5)
    p = 0.5 + 0.5 * x_a - 0.25 * x_b
    both = np.stack([p, 1 - p])
    return float(-np.mean(np.sum(both * np.log(np.where(both > 0, both, 1)), axis=0)))


def parity(
    rng: np.random.Generator, steps: int, batch_size: int, dtype: DTypeLike = np.float32
) -> Batch:
    r"""Draw bits and, at each step, whether an odd number of ones has been seen so far.

    .. math:: y_t = y_{t-1} \oplus x_t

    One bit of memory is enough, but it must be right at every step. Guessing costs ln 2 = 0.693
    nats, with any finite window as without one: every bit matters, the oldest as much as the last.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    steps, batch_size : int
        T and B.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    inputs : ndarray
        Shape (T, B, 1), 0 or 1.
    targets : ndarray of int64
        Shape (T, B), 0 or 1; the last row is the parity of all.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """
    T, B = _sizes(rng, steps, batch_size)
    x = rng.integers(2, size=(T, B))
    return x[:, :, None].astype(float_dtype("dtype", dtype)), np.cumsum(x, axis=0) % 2


def delayed_recall(
    rng: np.random.Generator,
    steps: int,
    batch_size: int,
    lag: int,
    symbols: int = 2,
    dtype: DTypeLike = np.float32,
) -> Batch:
    r"""Draw symbols that are to be repeated a fixed number of steps later.

    .. math:: y_t = x_{t-k}

    For the first k steps there is nothing to repeat; their targets are -100, to be masked by
    ``mask=targets >= 0``. Without a memory of k steps the loss is ln S, with one it is 0. At every
    step the last k symbols must be held at once: k log2 S bits.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    steps, batch_size : int
        T, more than `lag`, and B.
    lag : int
        k.
    symbols : int, optional
        S, 2 by default.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    inputs : ndarray
        One-hot, shape (T, B, S).
    targets : ndarray of int64
        Shape (T, B), 0 to S - 1, and -100 for the first k steps.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """
    lag = positive_int("lag", lag)
    T, B = _sizes(rng, steps, batch_size, at_least=lag + 1)
    tokens = rng.integers(positive_int("symbols", symbols), size=(T, B))
    targets = np.full((T, B), -100)
    targets[lag:] = tokens[:-lag]
    return one_hot(tokens, symbols, dtype), targets


def _sizes(
    rng: np.random.Generator, steps: int, batch_size: int, at_least: int = 1, name: str = "steps"
) -> tuple[int, int]:
    generator(rng)
    if positive_int(name, steps) < at_least:
        raise ValueError(f"{name}: expected at least {at_least}, got {steps}")
    return int(steps), positive_int("batch_size", batch_size)

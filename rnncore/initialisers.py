"""Where the weights start.

A recurrent net multiplies its state by the same matrix at every step, so what matters of that
matrix is what its powers do. Uniform weights (torch's default) shrink a signal, Glorot's scaling
keeps its variance through one layer, an orthogonal matrix keeps its length through any number of
steps, and the identity keeps the signal itself. The LSTM carries its own identity, the cell state,
and opens it by the bias of the forget gate.

Every function takes its random generator explicitly and returns a new array.
"""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore._check import float_dtype, generator, number, positive_int

_BIAS = re.compile(r"(?:^|\.)bias_(?P<side>ih|hh)(?:_l\d+)?(?:_reverse)*$")


def _check_number(name: str, x: float) -> float:
    x = number(name, x)
    if not np.isfinite(x):
        raise ValueError(f"{name}: expected a finite number, got {x}")
    return x


def _check_matrix(shape: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(shape, tuple | list):
        raise TypeError(f"shape: expected (rows, columns), got {shape!r}")
    if len(shape) != 2:
        raise ValueError(f"shape: expected (rows, columns), got {shape}")
    return positive_int("rows", shape[0]), positive_int("columns", shape[1])


def uniform(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    bound: float,
    dtype: DTypeLike = np.float32,
) -> NDArray:
    r"""Draw weights evenly from an interval around zero.

    .. math:: w \sim U(-b, b)

    torch's recurrent layers use :math:`b = 1/\sqrt{H}` and its linear layer
    :math:`b = 1/\sqrt{I}`, biases included.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        Shape of the result, of any rank.
    bound : float
        Half the width of the interval, not negative.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    ndarray
        Array of the given shape and dtype.

    Raises
    ------
    TypeError
        If `rng` is no generator or `bound` is no number.
    ValueError
        If `bound` is negative or not finite, or `dtype` is no float32 or float64.
    """
    bound = _check_number("bound", bound)
    if bound < 0:
        raise ValueError(f"bound: expected a number of at least 0, got {bound}")
    dtype = float_dtype("dtype", dtype)
    return generator(rng).uniform(-bound, bound, shape).astype(dtype)


def glorot(
    rng: np.random.Generator, shape: tuple[int, int], dtype: DTypeLike = np.float32
) -> NDArray:
    r"""Draw weights that keep a signal's variance, forwards and backwards, through one layer.

    .. math:: w \sim U(-b, b), \qquad b = \sqrt{6 / (\text{rows} + \text{columns})}

    For stacked gates (G·H rows) the rows of all gates count, as they do in torch.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        (rows, columns) = (outputs, inputs).
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    ndarray
        Matrix of the given shape and dtype.

    Raises
    ------
    TypeError
        If `rng` is no generator or `shape` no tuple.
    ValueError
        If `shape` is not two positive integers, or `dtype` is no float32 or float64.

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural
    networks.
    """
    rows, columns = _check_matrix(shape)
    return uniform(rng, (rows, columns), np.sqrt(6 / (rows + columns)), dtype)


def orthogonal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    gain: float = 1.0,
    dtype: DTypeLike = np.float32,
) -> NDArray:
    r"""Draw a matrix that turns vectors but keeps their length, evenly among all of them.

    .. math:: A = Q R, \quad a_{ij} \sim N(0, 1), \qquad
              W = \text{gain} \cdot Q \, \mathrm{diag}(\mathrm{sign}(r_{jj}))

    The signs make the draw uniform (Haar) over the orthogonal group; without them the QR
    routine's own convention would favour some matrices. A wide matrix has orthonormal rows, a tall
    one orthonormal columns.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        (rows, columns).
    gain : float, optional
        All singular values of the result, 1 by default.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    ndarray
        Matrix of the given shape and dtype.

    Raises
    ------
    TypeError
        If `rng` is no generator, `shape` no tuple or `gain` no number.
    ValueError
        If `shape` is not two positive integers, `gain` is not finite, or `dtype` is no float32 or
        float64.

    References
    ----------
    Mezzadri (2007), How to generate random matrices from the classical compact groups;
    Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks.
    """
    rows, columns = _check_matrix(shape)
    gain, dtype = _check_number("gain", gain), float_dtype("dtype", dtype)
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(generator(rng).standard_normal(tall))
    q *= np.sign(np.diag(r))
    return (gain * (q if rows >= columns else q.T)).astype(dtype, order="C")


def identity(shape: tuple[int, int], scale: float = 1.0, dtype: DTypeLike = np.float32) -> NDArray:
    r"""Return a recurrent matrix that copies the state from step to step.

    .. math:: W = \text{scale} \cdot I

    Parameters
    ----------
    shape : tuple of int
        (rows, columns); ones stand on the main diagonal where the two differ.
    scale : float, optional
        The diagonal's value, 1 by default.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    ndarray
        Matrix of the given shape and dtype.

    Raises
    ------
    TypeError
        If `shape` is no tuple or `scale` no number.
    ValueError
        If `shape` is not two positive integers, `scale` is not finite, or `dtype` is no float32
        or float64.

    References
    ----------
    Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of rectified linear
    units.
    """
    rows, columns = _check_matrix(shape)
    return _check_number("scale", scale) * np.eye(rows, columns, dtype=float_dtype("dtype", dtype))


def forget_bias(params: dict[str, NDArray], value: float = 1.0) -> dict[str, NDArray]:
    r"""Set the bias of every LSTM forget gate, so that the cell remembers from the start.

    .. math:: b_f = b_{ih,f} + b_{hh,f} = \text{value} + 0

    torch (and this package) adds two biases to each gate. The whole value goes into ``bias_ih``
    and zero into ``bias_hh``; setting both would count it twice. Gates are stacked in torch's
    order i f g o, so the forget gate's block is rows H to 2H.

    Parameters
    ----------
    params : dict of str to ndarray
        Parameters of an LSTM, or of a model whose recurrent cells are all LSTMs: keys may carry a
        layer's suffix (``bias_ih_l0_reverse``) and a prefix with dots (``encoder.bias_ih``).
    value : float, optional
        Effective bias of the forget gate, 1 by default.

    Returns
    -------
    dict of str to ndarray
        The parameters with new bias arrays; all other arrays are the ones passed in.

    Raises
    ------
    TypeError
        If `params` is no dict or `value` no number.
    ValueError
        If `value` is not finite, no recurrent bias is found, or a cell is no LSTM.

    References
    ----------
    Gers, Schmidhuber and Cummins (2000), Learning to forget; Jozefowicz, Zaremba and Sutskever
    (2015), An empirical exploration of recurrent network architectures.
    """
    if not isinstance(params, Mapping):
        raise TypeError(f"params: expected a dict of arrays, got {type(params).__name__}")
    value, new = _check_number("value", value), dict(params)
    found = {key: match["side"] for key in params if (match := _BIAS.search(key))}
    if not found:
        raise ValueError(f"params: expected keys such as bias_ih and bias_hh, got {sorted(params)}")
    for key, side in found.items():
        weight = params.get(key.replace(f"bias_{side}", "weight_hh"))
        if weight is None or weight.ndim != 2 or weight.shape[0] != 4 * weight.shape[1]:
            got = "no recurrent weight" if weight is None else f"a weight_hh of {weight.shape}"
            raise ValueError(f"{key}: expected an LSTM with weight_hh (4*H, H), got {got}")
        H = weight.shape[1]
        new[key] = params[key].copy()
        new[key][H : 2 * H] = value if side == "ih" else 0
    return new

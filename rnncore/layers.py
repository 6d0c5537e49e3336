"""The two layers around a recurrent net: an embedding below it and a linear readout above.

Each is three functions, `init`, forward and backward, over a plain dict of parameters with torch's
names and layout.  Any number of leading axes will do, so outputs (T, B, H) go in as they are.
"""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore._check import float_dtype, floats, generator, integers, parameters, positive_int
from rnncore.initialisers import uniform

Params = dict[str, NDArray]


def init_linear(
    rng: np.random.Generator, inputs: int, outputs: int, dtype: DTypeLike = np.float32
) -> Params:
    r"""Draw the parameters of `linear` as torch.nn.Linear does.

    .. math:: V, c \sim U(-1/\sqrt{I}, 1/\sqrt{I})

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    inputs, outputs : int
        Sizes I and O.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    dict
        ``weight`` (O, I) and ``bias`` (O,).

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `rng` no generator, or `dtype` no float.
    """
    I, O = positive_int("inputs", inputs), positive_int("outputs", outputs)
    bound = 1 / np.sqrt(I)
    return {
        "weight": uniform(rng, (O, I), bound, dtype),
        "bias": uniform(rng, (O,), bound, dtype),
    }


def linear(params: Params, x: NDArray) -> NDArray:
    r"""Apply one affine map to every row: the readout of a recurrent net.

    .. math:: y = x V^\top + c

    Parameters
    ----------
    params : dict
        ``weight`` V (O, I) and ``bias`` c (O,).
    x : ndarray
        Shape (..., I), the dtype of the parameters.

    Returns
    -------
    ndarray
        y, shape (..., O).

    Raises
    ------
    TypeError, ValueError
        If a key, shape or dtype does not fit, x is empty, or a parameter is not finite.
    """
    V, c, x = _check_linear(params, x)
    # One product for all rows: matmul over leading axes would make one small product per step.
    y = x.reshape(-1, x.shape[-1]) @ V.T + c
    return y.reshape(*x.shape[:-1], len(c))


def linear_backward(params: Params, x: NDArray, dy: NDArray) -> tuple[NDArray, Params]:
    r"""Return the gradients of `linear`.

    .. math:: dx = dy \, V, \qquad dV = \sum_n dy_n x_n^\top, \qquad dc = \sum_n dy_n

    Parameters
    ----------
    params : dict
        ``weight`` V (O, I) and ``bias`` c (O,).
    x : ndarray
        The input of the forward, shape (..., I).
    dy : ndarray
        Gradient of the output, shape (..., O).

    Returns
    -------
    dx : ndarray
        Shape (..., I).
    grads : dict
        ``weight`` (O, I) and ``bias`` (O,).

    Raises
    ------
    TypeError, ValueError
        If a key, shape or dtype does not fit, x is empty, or a parameter is not finite.
    """
    V, c, x = _check_linear(params, x)
    dy = floats("dy", dy, like=V)
    if dy.shape != (*x.shape[:-1], len(c)):
        raise ValueError(f"dy: expected shape {(*x.shape[:-1], len(c))}, got {dy.shape}")
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, len(c))
    return (drows @ V).reshape(x.shape), {"weight": drows.T @ rows, "bias": drows.sum(axis=0)}


def _check_linear(params: Params, x: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    parameters({"weight": ("O", "I"), "bias": ("O",)}, params)
    V, c = params["weight"], params["bias"]
    x = floats("x", x, like=V)
    if c.shape != V.shape[:1]:
        raise ValueError(f"bias: expected shape {V.shape[:1]}, got {c.shape}")
    if x.ndim == 0 or x.shape[-1] != V.shape[1] or x.size == 0:
        raise ValueError(f"x: expected shape (..., {V.shape[1]}), not empty, got {x.shape}")
    return V, c, x


def init_embedding(
    rng: np.random.Generator, tokens: int, size: int, dtype: DTypeLike = np.float32
) -> Params:
    r"""Draw one vector per token as torch.nn.Embedding does.

    .. math:: E \sim N(0, 1)

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    tokens, size : int
        Number of tokens V and length of a vector E.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    dict
        ``weight`` (V, E).

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `rng` no generator, or `dtype` no float.
    """
    shape = positive_int("tokens", tokens), positive_int("size", size)
    dtype = float_dtype("dtype", dtype)
    return {"weight": generator(rng).standard_normal(shape).astype(dtype)}


def embedding(params: Params, tokens: NDArray) -> NDArray:
    r"""Look up the vector of every token: a one-hot times a matrix, without the product.

    .. math:: y_n = E_{\text{token}_n}

    Parameters
    ----------
    params : dict
        ``weight`` E (V, E).
    tokens : ndarray
        Integers in [0, V), any shape.

    Returns
    -------
    ndarray
        Shape (..., E).

    Raises
    ------
    TypeError, ValueError
        If a token is out of range or no integer, there is none, or the parameters do not fit.
    """
    E, tokens = _check_embedding(params, tokens)
    return E[tokens]


def embedding_backward(params: Params, tokens: NDArray, dy: NDArray) -> Params:
    r"""Return the gradient of `embedding`: every vector collects from all places of its token.

    .. math:: dE_v = \sum_{n : \text{token}_n = v} dy_n

    Parameters
    ----------
    params : dict
        ``weight`` E (V, E).
    tokens : ndarray
        The input of the forward.
    dy : ndarray
        Gradient of the output, shape (..., E).

    Returns
    -------
    dict
        ``weight`` (V, E).

    Raises
    ------
    TypeError, ValueError
        If a token is out of range or no integer, there is none, or an array does not fit.
    """
    E, tokens = _check_embedding(params, tokens)
    dy = floats("dy", dy, like=E)
    if dy.shape != (*tokens.shape, E.shape[1]):
        raise ValueError(f"dy: expected shape {(*tokens.shape, E.shape[1])}, got {dy.shape}")
    # dE[tokens] += dy would count a repeated token once; sorting makes each token one run to sum.
    order = np.argsort(tokens, axis=None, kind="stable")
    seen, first = np.unique(tokens.reshape(-1)[order], return_index=True)
    dE = np.zeros_like(E)
    dE[seen] = np.add.reduceat(dy.reshape(-1, E.shape[1])[order], first, axis=0)
    return {"weight": dE}


def _check_embedding(params: Params, tokens: NDArray) -> tuple[NDArray, NDArray]:
    parameters({"weight": ("V", "E")}, params)
    E = params["weight"]
    tokens = integers("tokens", tokens, len(E))
    if tokens.size == 0:
        raise ValueError(f"tokens: expected at least one, got shape {tokens.shape}")
    return E, tokens

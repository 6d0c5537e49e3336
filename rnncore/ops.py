"""Elementwise functions and the two layers around a recurrent net, each beside its backward.

Two rules keep the elementwise functions safe for every finite input. An exponential is only ever
taken of a number that is not positive, so it may underflow to an exact zero but never overflows;
and softmax subtracts the maximum first, which changes nothing, for the factor cancels.

Each backward takes the OUTPUT y of its forward, not the input: the derivatives of sigmoid, tanh,
ReLU and softmax are all cheaper in terms of y, and y is what a recurrent net keeps anyway. Here
``dy`` is always the gradient of the loss with respect to y. float32 stays float32.
"""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore._check import float_dtype, generator, parameters, positive_int
from rnncore.initialisers import uniform

Params = dict[str, NDArray]


def floats(name: str, x: object, like: NDArray | None = None) -> NDArray:
    """Return `x` as a float32 or float64 array, of the dtype of `like` if that is given."""
    x = np.asarray(x)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected an array of floats, got dtype {x.dtype}")
    if x.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: expected dtype float32 or float64, got {x.dtype}")
    if like is not None and x.dtype != like.dtype:
        raise ValueError(f"{name}: expected dtype {like.dtype} as the others, got {x.dtype}")
    return x


def integers(name: str, x: object, size: int | None = None) -> NDArray:
    """Return `x` as an array of integers, all of them in [0, size) if `size` is given."""
    x = np.asarray(x)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected an array of integers, got dtype {x.dtype}")
    if x.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected an array of integers, got dtype {x.dtype}")
    if size is not None and x.size and (x.min() < 0 or x.max() >= size):
        where = tuple(int(n) for n in np.argwhere((x < 0) | (x >= size))[0])
        raise ValueError(f"{name}: expected integers in [0, {size}), got {x[where]} at {where}")
    return x


def _same(dy: object, y: object) -> tuple[NDArray, NDArray]:
    y = floats("y", y)
    dy = floats("dy", dy, like=y)
    if dy.shape != y.shape:
        raise ValueError(f"dy: expected the shape {y.shape} of y, got {dy.shape}")
    return dy, y


def sigmoid(x: NDArray) -> NDArray:
    r"""Squash any number into (0, 1).

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}} = \frac{e^{\min(x, 0)}}{1 + e^{-|x|}}

    The second form takes no exponential of a positive number, so it cannot overflow.

    Parameters
    ----------
    x : ndarray
        Any shape, float32 or float64.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of numbers, or of another dtype.
    """
    x = floats("x", x)
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def sigmoid_backward(dy: NDArray, y: NDArray) -> NDArray:
    r"""Return the gradient with respect to the input of `sigmoid`.

    .. math:: dx = dy \odot y \odot (1 - y)

    Parameters
    ----------
    dy, y : ndarray
        Gradient of the output, and the output; same shape and dtype.

    Returns
    -------
    ndarray
        dx, same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If the two are no float arrays of one dtype and shape.
    """
    dy, y = _same(dy, y)
    return dy * y * (1 - y)


def tanh_backward(dy: NDArray, y: NDArray) -> NDArray:
    r"""Return the gradient with respect to the input of ``numpy.tanh``.

    .. math:: dx = dy \odot (1 - y^2) = dy \odot (1 - y) \odot (1 + y)

    Parameters
    ----------
    dy, y : ndarray
        Gradient of the output, and the output; same shape and dtype.

    Returns
    -------
    ndarray
        dx, same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If the two are no float arrays of one dtype and shape.
    """
    dy, y = _same(dy, y)
    return dy * (1 - y * y)


def relu(x: NDArray) -> NDArray:
    r"""Keep what is positive.

    .. math:: y = \max(x, 0)

    Parameters
    ----------
    x : ndarray
        Any shape, float32 or float64.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of numbers, or of another dtype.
    """
    return np.maximum(floats("x", x), 0)


def relu_backward(dy: NDArray, y: NDArray) -> NDArray:
    r"""Return the gradient with respect to the input of `relu`; at the kink it is 0, as in torch.

    .. math:: dx = dy \odot [y > 0]

    Parameters
    ----------
    dy, y : ndarray
        Gradient of the output, and the output; same shape and dtype.

    Returns
    -------
    ndarray
        dx, same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If the two are no float arrays of one dtype and shape.
    """
    dy, y = _same(dy, y)
    return dy * (y > 0)


def _shifted(x: NDArray, axis: int) -> NDArray:
    x = floats("x", x)
    if x.ndim == 0 or x.size == 0:
        raise ValueError(f"x: expected at least one number along the axis, got shape {x.shape}")
    # The difference of two huge numbers may leave the dtype's range; -inf is then the right limit.
    with np.errstate(over="ignore"):
        return x - np.max(x, axis=axis, keepdims=True)


def softmax(x: NDArray, axis: int = -1) -> NDArray:
    r"""Turn scores into probabilities.

    .. math:: y_i = \frac{e^{x_i - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j

    Parameters
    ----------
    x : ndarray
        Scores, any shape with at least one axis, float32 or float64. A score of -inf gets
        probability 0.
    axis : int, optional
        The axis that sums to one, by default the last.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If `x` is no float array, is empty, or has no such axis.
    """
    e = np.exp(_shifted(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(dy: NDArray, y: NDArray, axis: int = -1) -> NDArray:
    r"""Return the gradient with respect to the input of `softmax`.

    .. math:: dx_i = y_i \Big(dy_i - \sum_j dy_j \, y_j\Big)

    Parameters
    ----------
    dy, y : ndarray
        Gradient of the output, and the output; same shape and dtype.
    axis : int, optional
        The axis that sums to one, by default the last.

    Returns
    -------
    ndarray
        dx, same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If the two are no float arrays of one dtype and shape.
    """
    dy, y = _same(dy, y)
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def log_softmax(x: NDArray, axis: int = -1) -> NDArray:
    r"""Return the logarithm of `softmax`, exact where the probability itself would underflow.

    .. math:: y_i = (x_i - m) - \ln \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Parameters
    ----------
    x : ndarray
        Scores, any shape with at least one axis, float32 or float64.
    axis : int, optional
        The axis whose probabilities sum to one, by default the last.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If `x` is no float array, is empty, or has no such axis.
    """
    z = _shifted(x, axis)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def log_softmax_backward(dy: NDArray, y: NDArray, axis: int = -1) -> NDArray:
    r"""Return the gradient with respect to the input of `log_softmax`.

    .. math:: dx_i = dy_i - e^{y_i} \sum_j dy_j

    Parameters
    ----------
    dy, y : ndarray
        Gradient of the output, and the output; same shape and dtype.
    axis : int, optional
        The axis whose probabilities sum to one, by default the last.

    Returns
    -------
    ndarray
        dx, same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If the two are no float arrays of one dtype and shape.
    """
    dy, y = _same(dy, y)
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


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

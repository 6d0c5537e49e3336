"""Elementwise functions, each beside its backward.

Two rules keep the elementwise functions safe for every finite input. An exponential is only ever
taken of a number that is not positive, so it may underflow to an exact zero but never overflows;
and softmax subtracts the maximum first, which changes nothing, for the factor cancels.

Each backward takes the OUTPUT y of its forward, not the input: the derivatives of sigmoid, tanh,
ReLU and softmax are all cheaper in terms of y, and y is what a recurrent net keeps anyway. Here
``dy`` is always the gradient of the loss with respect to y. float32 stays float32.
"""

import numpy as np
from numpy.typing import NDArray

from rnncore._check import floats


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

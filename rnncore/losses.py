"""What a net is judged by: two losses, each returned together with its gradient.

A sequence's loss is a sum over its steps, so both functions take any number of leading axes,
(T, B, ·) as well as (B, ·), and a mask that says which of these places count: the padding of
shorter sequences does not, nor does the time in which a net is only listening. A place outside
the mask is never read, so its target may be anything, and its gradient is exactly zero.

Both gradients have the same form, output minus target, divided by the number of places.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncore._check import floats, integers
from rnncore.ops import log_softmax

Reduction = Literal["mean", "sum"]


def cross_entropy(
    logits: NDArray,
    targets: NDArray,
    mask: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> tuple[float, NDArray]:
    r"""Return the surprise, in nats, at the right classes, and its gradient.

    .. math::
        L = \frac{1}{N} \sum_n m_n \Big(\ln \sum_j e^{z_{nj}} - z_{n y_n}\Big), \qquad
        dz_n = \frac{m_n}{N} \big(\mathrm{softmax}(z_n) - \mathrm{onehot}(y_n)\big)

    with :math:`N = \sum_n m_n`, the number of unmasked targets, or N = 1 for ``"sum"``. Softmax
    and logarithm are one function, so that a probability that underflows still has its logarithm.

    Parameters
    ----------
    logits : ndarray
        Scores z before softmax, shape (..., V), float32 or float64.
    targets : ndarray
        Integers in [0, V), shape (...). Where the mask is zero, any integer.
    mask : array_like, optional
        Shape (...), bool, or numbers that weigh the places; none below zero, not all zero.
    reduction : {"mean", "sum"}, optional
        Whether to divide by the number of unmasked targets.

    Returns
    -------
    loss : float
        L, summed in float64.
    dlogits : ndarray
        Shape and dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        If a shape or dtype does not fit, an unmasked target is out of range, nothing is
        unmasked, or `reduction` is unknown.
    """
    logits = floats("logits", logits)
    if logits.ndim == 0 or logits.size == 0:
        raise ValueError(f"logits: expected shape (..., V), not empty, got {logits.shape}")
    targets = integers("targets", targets)
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets: expected shape {logits.shape[:-1]}, got {targets.shape}")
    live, weight = _weigh(logits, mask, reduction)

    y = integers("targets", targets[live], logits.shape[-1])[:, None]
    log_p = log_softmax(logits[live])
    loss = 0.0 - np.sum(weight * np.take_along_axis(log_p, y, -1), dtype=np.float64)

    dz = np.exp(log_p)
    np.put_along_axis(dz, y, np.take_along_axis(dz, y, -1) - 1, -1)
    return float(loss), _spread(logits, live, weight * dz)


def squared_error(
    outputs: NDArray,
    targets: NDArray,
    mask: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> tuple[float, NDArray]:
    r"""Return half the squared distance between outputs and targets, and its gradient.

    .. math::
        L = \frac{1}{N} \sum_n \frac{m_n}{2} \sum_i (y_{ni} - t_{ni})^2, \qquad
        dy_n = \frac{m_n}{N} (y_n - t_n)

    with :math:`N = \sum_n m_n`, the number of unmasked places, or N = 1 for ``"sum"``. Mind the
    factor 1/2 and that features are summed: for F features the mean is F/2 times torch's
    ``mse_loss``.

    Parameters
    ----------
    outputs : ndarray
        y, shape (..., F), float32 or float64.
    targets : ndarray
        t, same shape and dtype. Where the mask is zero, anything.
    mask : array_like, optional
        Shape (...), bool, or numbers that weigh the places; none below zero, not all zero.
    reduction : {"mean", "sum"}, optional
        Whether to divide by the number of unmasked places.

    Returns
    -------
    loss : float
        L, summed in float64.
    doutputs : ndarray
        Shape and dtype of `outputs`.

    Raises
    ------
    TypeError, ValueError
        If a shape or dtype does not fit, nothing is unmasked, or `reduction` is unknown.
    """
    outputs = floats("outputs", outputs)
    if outputs.ndim == 0 or outputs.size == 0:
        raise ValueError(f"outputs: expected shape (..., F), not empty, got {outputs.shape}")
    targets = floats("targets", targets, like=outputs)
    if targets.shape != outputs.shape:
        raise ValueError(f"targets: expected shape {outputs.shape}, got {targets.shape}")
    live, weight = _weigh(outputs, mask, reduction)

    error = outputs[live] - targets[live]
    loss = np.sum(weight * error * error, dtype=np.float64) / 2
    return float(loss), _spread(outputs, live, weight * error)


def _weigh(x: NDArray, mask: ArrayLike | None, reduction: str) -> tuple[NDArray, NDArray]:
    """Return which places count, bool (...), and what each is multiplied by, (N, 1)."""
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction: expected 'mean' or 'sum', got {reduction!r}")
    mask = np.ones(x.shape[:-1], bool) if mask is None else np.asarray(mask)
    if mask.dtype.kind not in "biuf":
        raise TypeError(f"mask: expected bool or numbers, got dtype {mask.dtype}")
    if mask.shape != x.shape[:-1]:
        raise ValueError(f"mask: expected shape {x.shape[:-1]}, got {mask.shape}")
    if not (np.isfinite(mask).all() and (mask >= 0).all() and mask.any()):
        raise ValueError("mask: expected finite numbers of at least 0, not all of them 0")
    live = mask.astype(bool)
    weight = mask[live].astype(np.float64)
    if reduction == "mean":
        weight /= weight.sum()
    return live, weight.astype(x.dtype)[:, None]


def _spread(x: NDArray, live: NDArray, rows: NDArray) -> NDArray:
    """Return an array like `x` that is `rows` at the places that count, zero elsewhere."""
    dx = np.zeros_like(x)
    dx[live] = rows
    return dx

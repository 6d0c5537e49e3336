"""Gradients cut down to size before they are used: by their common norm, or entry by entry.

Clipping changes the gradient, never the weights.  By the norm it keeps the direction and shortens
the step; by value it bounds every entry alone and turns the direction.
"""

import numpy as np
from numpy.typing import NDArray

from rnncore._check import float_arrays, number

Params = dict[str, NDArray]


def clip_by_global_norm(grads: Params, max_norm: float) -> tuple[Params, float]:
    r"""Shorten the gradient as one long vector, keeping its direction.

    .. math:: g \leftarrow g \cdot \min\Big(1, \frac{c}{\|g\| + 10^{-6}}\Big), \qquad
              \|g\| = \sqrt{\textstyle\sum_k \sum_i g_{ki}^2}

    The norm is taken after division by the largest entry, so that squares cannot overflow.

    Parameters
    ----------
    grads : dict of str to ndarray
        Gradients, float32 or float64.
    max_norm : float
        c, positive; infinity only measures.

    Returns
    -------
    grads : dict of str to ndarray
        The shortened gradients; the arrays themselves where nothing had to be done.
    norm : float
        The norm before.

    Raises
    ------
    FloatingPointError
        If the norm is not finite; names the worst key.
    TypeError, ValueError
        If `grads` is no dict of float arrays or `max_norm` is not positive.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks;
    constants as in ``torch.nn.utils.clip_grad_norm_``.
    """
    float_arrays("grads", grads)
    max_norm = number("max_norm", max_norm)
    if not max_norm > 0:
        raise ValueError(f"max_norm: expected a positive number, got {max_norm}")
    peaks = {key: float(np.abs(g).max(initial=0.0)) for key, g in grads.items()}
    norm, scale = np.inf, max(peaks.values(), default=0.0)
    if np.isfinite(list(peaks.values())).all():
        squares = (np.sum((g / (scale or 1.0)) ** 2, dtype=np.float64) for g in grads.values())
        norm = scale * float(sum(squares)) ** 0.5
    if not np.isfinite(norm):
        bad = {key: int(g.size - np.isfinite(g).sum()) for key, g in grads.items()}
        worst = max(bad, key=lambda key: (bad[key], peaks[key]))
        raise FloatingPointError(
            f"gradient norm is not finite; worst is {worst!r}, where {bad[worst]} of "
            f"{grads[worst].size} entries are NaN or infinite"
        )
    factor = max_norm / (norm + 1e-6)
    if factor >= 1:
        return dict(grads), norm
    # A product of an array without axes is a scalar; a gradient has to stay an array.
    return {key: np.asarray(factor * g) for key, g in grads.items()}, norm


def clip_by_value(grads: Params, limit: float) -> Params:
    r"""Cut every entry to an interval around zero; the direction may change.

    .. math:: g_i \leftarrow \min(c, \max(-c, g_i))

    Parameters
    ----------
    grads : dict of str to ndarray
        Gradients, float32 or float64. NaN stays NaN.
    limit : float
        c, positive.

    Returns
    -------
    dict of str to ndarray
        New gradients.

    Raises
    ------
    TypeError, ValueError
        If `grads` is no dict of float arrays or `limit` is not positive.

    References
    ----------
    Mikolov (2012), Statistical language models based on neural networks.
    """
    float_arrays("grads", grads)
    limit = number("limit", limit)
    if not limit > 0:
        raise ValueError(f"limit: expected a positive number, got {limit}")
    return {key: np.asarray(np.clip(g, -limit, limit)) for key, g in grads.items()}

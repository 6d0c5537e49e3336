"""The independent twin of every backward pass: nudge a number and see what the loss does.

    df/dx_i ≈ (f(x + ε e_i) − f(x − ε e_i)) / 2ε

A central difference needs no derivation and so cannot share a mistake with one. It costs two
evaluations per number; for large parameters the same test along a few random directions costs two
per direction and still catches any wrong entry with probability one.

Two errors pull ε apart: the formula's own shrinks as ε², rounding grows as 1/ε. In float64 the
best lies near 1e-6 to 1e-5 and leaves about nine right digits; in float32 it would leave three,
too few to tell right from wrong, so only float64 is accepted.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rnncore._check import generator, positive_int

Tree = NDArray | dict[str, NDArray]


def numerical_gradient(f: Callable[[NDArray], float], x: NDArray, eps: float = 1e-6) -> NDArray:
    r"""Return the gradient of a function by central differences.

    .. math:: \frac{\partial f}{\partial x_i} \approx
              \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}{2 \varepsilon}

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns one number.
    x : ndarray
        Where to differentiate, any shape, float64. It is not changed.
    eps : float, optional
        The step.

    Returns
    -------
    ndarray
        Shape of `x`, float64.

    Raises
    ------
    TypeError
        If `x` is no array or `f` does not return one number.
    ValueError
        If `x` is not float64 or `eps` is not positive.

    References
    ----------
    Press et al. (2007), Numerical Recipes, section 5.7.
    """
    _check_setting("eps", eps)
    _check_array("x", x)
    x = x.copy()
    dx = np.empty_like(x)
    for i in np.ndindex(x.shape):
        here = x[i]
        x[i] = here + eps
        above = _value(f(x))
        x[i] = here - eps
        below = _value(f(x))
        x[i] = here
        dx[i] = (above - below) / (2 * eps)
    return dx


def gradcheck(
    f: Callable[[Tree], float],
    params: Tree,
    grads: Tree,
    rng: np.random.Generator | None = None,
    eps: float = 1e-6,
    tol: float = 1e-7,
    directions: int | None = None,
) -> float:
    r"""Compare gradients with central differences, and fail loudly where they differ.

    .. math:: \text{error}_i = \frac{|g_i - \hat g_i|}
              {\max(\|g\|_\infty, \|\hat g\|_\infty, 0.01 \max(1, |f|))}

    for the entries of each array, or for the derivatives :math:`g \cdot v` along random unit
    vectors v. The last term of the scale is there because rounding alone makes a central
    difference uncertain by some :math:`10^{-10} |f|`; smaller gradients are compared absolutely.

    Parameters
    ----------
    f : callable
        Takes what `params` is, returns one number.
    params : ndarray or dict of str to ndarray
        Where to differentiate, float64. Not changed.
    grads : ndarray or dict of str to ndarray
        The gradients to check, same keys and shapes.
    rng : numpy.random.Generator, optional
        Source of the random directions; by default a generator with seed 0.
    eps : float, optional
        The step.
    tol : float, optional
        The largest error that passes.
    directions : int, optional
        How many random directions to try per array. By default every entry is checked, which
        costs two evaluations each.

    Returns
    -------
    float
        The worst relative error found.

    Raises
    ------
    AssertionError
        If the worst error exceeds `tol` or is NaN; names the key and the index (or direction).
    TypeError
        If an argument is of the wrong type or `f` does not return one number.
    ValueError
        If an array is not float64, keys or shapes differ, or a setting is not positive.

    Notes
    -----
    The check along random directions follows HIPS/autograd's ``check_grads``.
    """
    bare = not isinstance(params, dict)
    params = {"params": params} if bare else params
    grads = {"params": grads} if bare else grads
    if not isinstance(grads, dict) or set(params) != set(grads):
        got = sorted(grads) if isinstance(grads, dict) else type(grads).__name__
        raise ValueError(f"grads: expected the keys {sorted(params)}, got {got}")
    _check_setting("eps", eps)
    _check_setting("tol", tol)
    for key, x in params.items():
        _check_array(f"params[{key!r}]", x)
        _check_array(f"grads[{key!r}]", grads[key])
        if grads[key].shape != x.shape:
            raise ValueError(f"grads[{key!r}]: expected shape {x.shape}, got {grads[key].shape}")
    if directions is not None:
        directions = positive_int("directions", directions)
    rng = np.random.default_rng(0) if rng is None else generator(rng)

    def at(key: str, x: NDArray) -> float:
        return _value(f(x if bare else {**params, key: x}))

    def along(key: str, v: NDArray) -> float:
        x = params[key]
        return (at(key, x + eps * v) - at(key, x - eps * v)) / (2 * eps)

    f_here = _value(f(params["params"] if bare else {k: x.copy() for k, x in params.items()}))
    floor = 0.01 * max(1.0, abs(f_here))
    worst, where = 0.0, ""
    for key, x in params.items():
        if x.size == 0:
            continue
        if directions is None:
            g, g_hat = grads[key], numerical_gradient(lambda x, key=key: at(key, x), x, eps)
        else:
            vs = rng.standard_normal((directions, *x.shape))
            vs = [v / np.linalg.norm(v) for v in vs]
            g = np.array([np.sum(grads[key] * v) for v in vs])
            g_hat = np.array([along(key, v) for v in vs])
        error = np.abs(g - g_hat) / max(np.abs(g).max(), np.abs(g_hat).max(), floor)
        i = np.unravel_index(np.argmax(error), error.shape)  # argmax stops at a NaN, as it should
        if not error[i] <= worst:
            worst = float(error[i])
            place = "" if bare else f" of {key!r}"
            kind = f"index {tuple(map(int, i))}" if directions is None else f"direction {i[0]}"
            where = f"{kind}{place}: got {g[i]:.9g}, central differences say {g_hat[i]:.9g}"
        if np.isnan(worst):
            break
    if not worst <= tol:
        raise AssertionError(f"gradient is wrong at {where} (error {worst:.2g} > {tol:.2g})")
    return worst


def _value(y: object) -> float:
    if np.ndim(y) != 0 or not np.isrealobj(y):
        raise TypeError(f"f: expected to return one number, got {type(y).__name__} {np.shape(y)}")
    return float(y)


def _check_setting(name: str, x: float) -> None:
    if not x > 0:
        raise ValueError(f"{name}: expected a positive number, got {x}")


def _check_array(name: str, x: object) -> None:
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(x).__name__}")
    if x.dtype != np.float64:
        raise ValueError(f"{name}: expected float64 for differences, got {x.dtype}")

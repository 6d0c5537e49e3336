"""Running a recurrent model forwards and backwards: `scan`, `step` and `bptt`.

These three take any model of the package.  They check their arguments, then hand over to the
functions `forward`, `backward` and `advance`, of which each kind of model registers its own:
cells in `rnncore.loop`, stacks and bidirectional nets in `rnncore.models`, and so on.

Parameters are data, models are sizes, caches are return values: nothing is kept between calls and
nothing is mutated, so two scans before a backward, or scans in several threads, do not disturb
each other.
"""

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore import _check

Params = dict[str, NDArray]
BLOCK = 128


@singledispatch
def forward(model: Any, params: Params, xs: NDArray, state: Any, lengths: Any) -> Any:
    """Outputs, final state and cache of checked arguments; one version for each kind of model."""
    raise TypeError(f"model: expected a cell or a model of rnncore, got {type(model).__name__}")


@singledispatch
def backward(model: Any, params: Params, dhs: NDArray, cache: Any, dstate: Any) -> Any:
    """Gradients of checked arguments; one version for each kind of model."""
    raise TypeError(f"model: expected a cell or a model of rnncore, got {type(model).__name__}")


@singledispatch
def advance(model: Any, params: Params, x: NDArray, state: Any) -> Any:
    """One step of checked arguments; one version for each kind of model."""
    raise TypeError(f"model: expected a cell or a model of rnncore, got {type(model).__name__}")


def known(model: Any) -> None:
    """Refuse what is not a model before its attributes are used."""
    if forward.dispatch(type(model)) is forward.dispatch(object):
        forward(model, {}, None, None, None)


def scan(
    model: Any,
    params: Params,
    xs: NDArray,
    state: Any = None,
    lengths: Any = None,
    keep: bool = True,
) -> tuple[NDArray, Any, Any]:
    r"""Run a model over a batch of sequences.

    .. math:: h_t = \text{cell}(x_t, h_{t-1}), \qquad t = 1, \dots, T.

    Parameters
    ----------
    model : cell or model
        Sizes: `RNN`, `LSTM`, `GRU`, `Stack`, `Bidirectional`, `Clockwork` or `Jordan`.
    params : dict of str to ndarray
        The model's parameters, float32 or float64.
    xs : ndarray (T, B, I)
        Inputs, time first, of the parameters' dtype.  The cache refers to them: leave them
        unchanged until `bptt` has run.
    state : nested tuple of ndarray, optional
        Initial state, ``(h,)`` or ``(h, c)`` with (B, H) each for a cell; None means zeros.
    lengths : sequence of int (B,), optional
        Length of each sequence, 1 to T, in any order.  A sequence's state stops at its own end;
        outputs beyond it are zero, and what stands in the padding does not matter.
    keep : bool
        Whether to keep what `bptt` needs.  Without it the cache is None and, unless the model is
        bidirectional, the memory used beside the outputs does not grow with T.

    Returns
    -------
    hs : ndarray (T, B, H)
        Outputs.  Read-only where they are part of the cache.
    state : nested tuple of ndarray
        State after the last step; hand it to the next call to go on.
    cache : Cache or None
        For `bptt`.

    Raises
    ------
    TypeError
        If `model` is no model, or an argument is not an array.
    ValueError
        If a shape, dtype, length or parameter does not fit; the message says what was expected.
    """
    known(model)
    state = _check.inputs(model, params, xs, state, ("T", "B"))
    lengths = _check.lengths(lengths, *xs.shape[:2])
    if keep or not model.causal:
        xs = zero_padded(xs, lengths)
        hs, state, cache = forward(model, params, xs, state, lengths)
        return hs, state, cache if keep else None
    return (*in_blocks(model, params, xs, state, lengths), None)


def zero_padded(xs: NDArray, lengths: NDArray | None) -> NDArray:
    """Contiguous inputs with zeros in the padding."""
    xs = np.ascontiguousarray(xs)
    return xs if lengths is None else np.where(valid(lengths, len(xs)), xs, xs.dtype.type(0))


def in_blocks(
    model: Any, params: Params, xs: NDArray, state: Any, lengths: NDArray | None
) -> tuple[NDArray, Any]:
    """Scan some steps at a time and forget what they saved."""
    T, B, _ = xs.shape
    hs = np.empty((T, B, model.output_size), xs.dtype)
    for start in range(0, T, BLOCK):
        block = slice(start, min(start + BLOCK, T))
        left = None if lengths is None else np.clip(lengths - start, 0, block.stop - start)
        hs[block], state, _ = forward(model, params, zero_padded(xs[block], left), state, left)
    return hs, state


def step(model: Any, params: Params, x: NDArray, state: Any = None) -> tuple[NDArray, Any]:
    r"""Run a model for one step, as generation does.

    .. math:: h_t = \text{cell}(x_t, h_{t-1}).

    Parameters
    ----------
    model : cell or model
        As for `scan`, but not bidirectional: the future is not known.
    params : dict of str to ndarray
        The model's parameters, float32 or float64.
    x : ndarray (B, I)
        One input for each sequence of the batch.
    state : nested tuple of ndarray, optional
        State before the step; None means zeros.

    Returns
    -------
    y : ndarray (B, H)
        Output.
    state : nested tuple of ndarray
        State after the step.

    Raises
    ------
    TypeError
        If `model` is no model or cannot be stepped.
    ValueError
        If a shape, dtype or parameter does not fit.
    """
    known(model)
    state = _check.inputs(model, params, x, state, ("B",))
    y, state = advance(model, params, x, state)
    return y.copy(), state  # a cell's output is its state, and the caller may change the output


def bptt(
    model: Any, params: Params, dhs: NDArray, cache: Any, dstate: Any = None
) -> tuple[NDArray, Any, Params]:
    r"""Backpropagate through time: from gradients of the outputs to those of everything else.

    With :math:`\delta_t = \partial L / \partial z_t` and :math:`\mathrm{d}h_t` the loss's gradient
    with respect to the output of step t,

    .. math::
        \delta_t = f'(z_t) \odot (\mathrm{d}h_t + W^\top \delta_{t+1}), \qquad
        \mathrm{d}U = \sum_t \delta_t x_t^\top, \qquad
        \mathrm{d}W = \sum_t \delta_t h_{t-1}^\top .

    Parameters
    ----------
    model : cell or model
        The model of the scan.
    params : dict of str to ndarray
        The parameters of the scan.
    dhs : ndarray (T, B, H)
        Gradient of the loss with respect to the outputs.  What stands in the padding is ignored.
    cache : Cache
        What `scan` returned.
    dstate : nested tuple of ndarray, optional
        Gradient with respect to the final state; None means zeros.

    Returns
    -------
    dxs : ndarray (T, B, I)
        Gradient with respect to the inputs; zero in the padding.
    dstate0 : nested tuple of ndarray
        Gradient with respect to the initial state.
    grads : dict of str to ndarray
        Gradient with respect to the parameters: the same keys and shapes.

    Raises
    ------
    TypeError
        If `cache` does not come from `scan`, for instance one with ``keep=False``.
    ValueError
        If the cache is another model's, or a shape or dtype does not fit.

    References
    ----------
    Werbos (1990), Backpropagation through time: what it does and how to do it.
    """
    known(model)
    if not (hasattr(cache, "model") and hasattr(cache, "xs")):
        raise TypeError(f"cache: expected what scan(keep=True) returns, got {type(cache).__name__}")
    if cache.model != model:
        raise ValueError(f"cache: expected one of {model}, got one of {cache.model}")
    dtype = _check.parameters(model.shapes, params, finite=False)
    _check.array("dhs", dhs, (*cache.xs.shape[:2], model.output_size), dtype)
    if cache.xs.dtype != dtype:
        raise ValueError(f"cache: expected one of {dtype}, got one of {cache.xs.dtype}")
    spec = _check.arrays_only(model.state_spec(dhs.shape[1]))
    zeros = dstate is None
    dstate = _check.zeros(spec, dtype) if zeros else _check.state("dstate", spec, dstate, dtype)
    if cache.lengths is not None:
        dhs = np.where(valid(cache.lengths, len(dhs)), dhs, dtype.type(0))
    return backward(model, params, dhs, cache, dstate)


def valid(lengths: NDArray, steps: int) -> NDArray[np.bool_]:
    """Mask (T, B, 1) of what is not padding."""
    return (np.arange(steps)[:, None] < lengths)[..., None]


def count_parameters(model: Any) -> dict[str, int]:
    """Count the parameters that a model can learn, array by array.

    Parameters
    ----------
    model : cell or model
        Any model of the package.

    Returns
    -------
    dict of str to int
        Entries of each array.  Of a `Clockwork` net's ``weight_hh`` only the live blocks count.

    Raises
    ------
    TypeError
        If `model` is no model.
    """
    known(model)
    dead = getattr(model, "dead_entries", {})
    return {key: int(np.prod(shape)) - dead.get(key, 0) for key, shape in model.shapes.items()}

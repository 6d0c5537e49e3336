"""Real-time recurrent learning: the gradient carried forwards with the state.

RTRL keeps the influence of every parameter on the state, ``M = d state / d params``, and moves it
on with the state,

    M_t = J_t M_{t-1} + (immediate influence of the parameters on step t),

so a gradient is known at every step, without going back.  For an elementwise cell no new derivative
is needed: pulling a one through the cell, one part of the state at a time, gives
``diag = d state / d z`` for every unit at once, and

    J = (path around W) + diag(d state / d z) W.

The immediate influence of a row of ``W`` or ``U`` touches that row's own unit and no other.  The
structured form uses this: one batched product with ``J``, then an addition on a diagonal.  The
plain form builds the same tensor in full, as the formula is written.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore import _check
from rnncore.cell import Cell
from rnncore.cells import GRU
from rnncore.loop import by_block, by_row, single
from rnncore.running import Params, backward, forward, known

FORMS = ("structured", "plain", "diagonal")


def rtrl(
    cell: Any,
    params: Params,
    xs: NDArray,
    dhs: NDArray,
    state: Any = None,
    form: str = "structured",
) -> Params:
    r"""Compute the gradient of the parameters by real-time recurrent learning.

    .. math::
        M_t = J_t M_{t-1} + \frac{\partial^+ s_t}{\partial \theta}, \qquad
        \frac{\partial L}{\partial \theta} = \sum_t \mathrm{d}h_t^\top M_t^{(h)} .

    Parameters
    ----------
    cell : cell or model
        `RNN`, `LSTM` and `GRU` have the structured form.  Any other model that is not
        bidirectional is taken through one unit vector at a time: exact, and slow.
    params : dict of str to ndarray
        The parameters.
    xs : ndarray (T, B, I)
        Inputs.
    dhs : ndarray (T, B, H)
        Gradient of the loss with respect to each output, not counting later steps.
    state : tuple of ndarray, optional
        Initial state; None means zeros.
    form : {"structured", "plain", "diagonal"}
        Exact and fast, exact and as written, or the approximation that keeps only each
        parameter's influence on its own unit.

    Returns
    -------
    dict of str to ndarray
        Gradients; those of `bptt`, but for the diagonal form.

    Raises
    ------
    TypeError
        If `cell` is no model, is bidirectional, or is not an elementwise cell and `form` is not
        "structured".
    ValueError
        If a shape, dtype or form does not fit.

    Notes
    -----
    Memory is that of the influence, O(B S H · G H (I + H)) for S parts of the state, whatever T.

    References
    ----------
    Williams and Zipser (1989), A learning algorithm for continually running fully recurrent
    neural networks.
    """
    known(cell)
    if form not in FORMS:
        raise ValueError(f"form: expected one of {', '.join(FORMS)}, got {form!r}")
    if not cell.causal:
        raise TypeError(f"cell: expected a model that reads forwards only, got {cell}")
    state = _check.inputs(cell, params, xs, state, ("T", "B"))
    _check.array("dhs", dhs, (*xs.shape[:2], cell.output_size), xs.dtype)
    elementwise = isinstance(cell, Cell) and not (isinstance(cell, GRU) and not cell.reset_after)
    if elementwise:
        return influence(cell, params, xs, dhs, state, form)
    if form != "structured":
        raise TypeError(f"form: {form!r} is for elementwise cells only, got {cell}")
    return unit_by_unit(cell, params, xs, dhs, state)


def local(cell: Cell, params: Params, x: NDArray, state: Any) -> tuple[Any, NDArray, NDArray]:
    """Take one step; return its state, diag (S, D, B, H) of ds/dz, around (S, S, B, H)."""
    new, saved = single(cell, params, x, state)
    slopes = [s[0] for s in cell.slopes(saved[:, None], state[0][None], new[0][None])]
    S, shape = len(state), x.shape[:1] + (cell.hidden_size,)
    diag, around = np.empty((S, cell.D, *shape), x.dtype), np.zeros((S, S, *shape), x.dtype)
    for s in range(S):
        d = [np.full(shape, float(s == k), x.dtype) for k in range(S)]
        cell.pull(d, slopes, [diag[s][v] for v in cell.dz_views])
        around[s] = d
        if not cell.bypass:
            around[s, 0] = 0
    return new, diag, around


def influence(cell: Cell, params: Params, xs, dhs, state, form: str) -> Params:
    """RTRL of an elementwise cell, a batch at a time."""
    B, H, G, S = xs.shape[1], cell.hidden_size, cell.G, len(state)
    W = by_block(params["weight_hh"], cell.dh_gates)
    move = {"structured": move_structured, "plain": move_plain, "diagonal": move_diagonal}[form]
    units = () if form == "diagonal" else (H,)
    widths = (cell.input_size + 1, H + 1)
    Ms = [np.zeros((S, B, *units, G, H, n), xs.dtype) for n in widths]
    spare = [np.empty_like(M) for M in Ms]
    grads = [np.zeros((G, H, n), xs.dtype) for n in widths]
    one = np.ones((B, 1), xs.dtype)
    for x, dh in zip(xs, dhs, strict=True):
        inputs = np.concatenate([x, one], 1), np.concatenate([state[0], one], 1)
        state, diag, around = local(cell, params, x, state)
        J = np.einsum("sgbi,gij->sbij", diag[:, cell.h], W)
        np.einsum("sbii->sbi", J)[...] += around[:, 0]
        for k, part in enumerate((cell.x, cell.h)):
            move(Ms[k], J, around[:, 1:], diag[:, part], inputs[k], spare[k])
            Ms[k], spare[k] = spare[k], Ms[k]
            if form == "diagonal":
                grads[k] += np.einsum("bj,bgjn->gjn", dh, Ms[k][0])
            else:
                flat = Ms[k][0].reshape(B * H, -1)
                grads[k] += (dh.reshape(-1) @ flat).reshape(grads[k].shape)
    (dU, db), (dW, dc) = (np.split(g, [-1], axis=2) for g in grads)
    x, h = cell.dx_gates, cell.dh_gates
    return {
        "weight_ih": by_row(dU, x),
        "weight_hh": by_row(dW, h),
        "bias_ih": by_row(db[..., 0], x),
        "bias_hh": by_row(dc[..., 0], h),
    }


def move_structured(M, J, rest, diag, v, new):
    """J M by one batched product, the path from c by scaling, the immediate on a diagonal."""
    S, B, H = M.shape[:3]
    np.matmul(J, M[0].reshape(B, H, -1), out=new.reshape(S, B, H, -1))
    for k in range(rest.shape[1]):
        new += rest[:, k][..., None, None, None] * M[k + 1]
    own = np.einsum("sbigin->sbign", new)
    own += np.einsum("sgbi,bn->sbign", diag, v)


def move_plain(M, J, rest, diag, v, new):
    """J M and the immediate influence as written: one einsum each, all entries, zeros too."""
    eye = np.eye(M.shape[2], dtype=M.dtype)
    full = np.concatenate([J[:, None], np.einsum("skbi,ij->skbij", rest, eye)], axis=1)
    immediate = np.einsum("sgbi,ij,bn->sbigjn", diag, eye, v)
    np.add(np.einsum("skbij,kbjgmn->sbigmn", full, M), immediate, out=new)


def move_diagonal(M, J, rest, diag, v, new):
    """Keep each parameter's influence on its own unit: J shrinks to its diagonal."""
    own = np.concatenate([np.einsum("sbii->sbi", J)[:, None], rest], axis=1)
    np.einsum("skbj,kbgjn->sbgjn", own, M, out=new)
    new += np.einsum("sgbj,bn->sbgjn", diag, v)


def unit_by_unit(model: Any, params: Params, xs, dhs, state) -> Params:
    """RTRL of any model: the rows of the step's Jacobian by backpropagating unit vectors."""
    total = {key: np.zeros_like(value) for key, value in params.items()}
    for b in range(xs.shape[1]):
        now, M = each(state, lambda s, b=b: s[b : b + 1] if isinstance(s, np.ndarray) else s), None
        for x, dh in zip(xs[:, b : b + 1], dhs[:, b], strict=True):
            _, after, cache = forward(model, params, x[None], now, None)
            zero_out, zero = np.zeros_like(dh)[None, None], zeros_like(after)
            outputs = [
                backward(model, params, e[None, None], cache, zero)
                for e in np.eye(len(dh), dtype=x.dtype)
            ]
            states = [backward(model, params, zero_out, cache, e) for e in units(zero)]
            rows = [step_row(r, M) for r in outputs]
            M = {k: np.stack([step_row(r, M)[k] for r in states]) for k in params}
            for k in params:
                total[k] += np.tensordot(dh, np.stack([r[k] for r in rows]), 1)
            now = after
    return total


def each(state: Any, f: Any) -> Any:
    """Apply a function to every leaf of a state."""
    return tuple(each(s, f) for s in state) if isinstance(state, tuple) else f(state)


def zeros_like(state: Any) -> Any:
    """Build the zero gradient of a state: its integers have none."""
    if isinstance(state, tuple):
        return tuple(zeros_like(s) for s in state if not isinstance(s, int))
    return np.zeros_like(state)


def leaves(state: Any) -> list[NDArray]:
    """List the arrays of a state's gradient."""
    return [a for s in state for a in leaves(s)] if isinstance(state, tuple) else [state]


def units(zero: Any) -> list:
    """List all unit vectors of a state's gradient."""
    found = []
    for k, leaf in enumerate(leaves(zero)):
        for i in range(leaf.size):
            copy = each(zero, np.copy)
            leaves(copy)[k].flat[i] = 1
            found.append(copy)
    return found


def step_row(result: tuple, M: Params | None) -> Params:
    """One row of J M plus its immediate influence, from one backpropagated unit vector."""
    _, dstate, grads = result
    if M is None:
        return grads
    row = np.concatenate([leaf.ravel() for leaf in leaves(dstate)])
    return {k: g + np.tensordot(row, M[k], 1) for k, g in grads.items()}

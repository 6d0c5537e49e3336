"""The loop over time: where the matrix products of a cell are.

Forward, every product that does not wait for the state is taken out of the loop: ``U x`` for a run
of steps at once, the biases with it.  What must stay inside is one product with ``W`` and the
cell's `gates`.  Backward is the same the other way round: all the derivative factors of a run of
steps at once (`slopes`), then the linear recurrence (one `pull` and one product with ``W`` a step),
then one product each for ``dx``, ``dU`` and ``dW``.

Steps are taken in runs that fit in the processor's cache.  All arrays are made once a call; the
loop writes into views of them.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncore.cell import Cell
from rnncore.running import Params, advance, backward, forward, valid

RUN_BYTES = 1 << 20


class Cache(NamedTuple):
    """What `scan` keeps for `bptt`: inputs (T, B, I), states (T+1, B, H), saved (T+1, K, B, H)."""

    model: Any
    xs: NDArray
    hs: NDArray
    saved: NDArray
    lengths: NDArray | None


def run_length(cell: Cell, blocks: int, hs: NDArray) -> int:
    """Number of steps whose `blocks` blocks of (B, H) fit in the cache, at least one."""
    return int(np.clip(RUN_BYTES // (blocks * hs[0].nbytes), 1, len(hs) - 1))


def by_block(weight: NDArray, order: tuple[int, ...]) -> NDArray:
    """Rows in torch's gate order, (G·H, …), to blocks in the cell's, (G, H, …); a copy."""
    return weight.reshape(len(order), -1, *weight.shape[1:])[list(order)]


def by_row(blocks: NDArray, order: tuple[int, ...]) -> NDArray:
    """Undo `by_block`."""
    out = np.empty_like(blocks)
    out[list(order)] = blocks
    return out.reshape(-1, *blocks.shape[2:])


def halve(cell: Cell, blocks: NDArray, order: tuple[int, ...]) -> NDArray:
    """Halve the blocks of the sigmoid gates: sigma(z) = (1 + tanh(z / 2)) / 2."""
    factor = np.where(np.isin(order, cell.sigmoids), 0.5, 1).astype(blocks.dtype)
    return blocks * factor.reshape(-1, *(1,) * (blocks.ndim - 1))


def prepare(cell: Cell, params: Params) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return U and W as (G, inputs, H), and the biases before and inside the loop, (G, 1, H)."""
    wx, bx = (
        halve(cell, by_block(params[k], cell.x_gates), cell.x_gates)
        for k in ("weight_ih", "bias_ih")
    )
    wh, bh = (
        halve(cell, by_block(params[k], cell.h_gates), cell.h_gates)
        for k in ("weight_hh", "bias_hh")
    )
    early = bh.copy()
    early[cell.late] = 0
    bx = bx + early[[cell.h_gates.index(g) for g in cell.x_gates]]
    wx, wh = (np.ascontiguousarray(w.swapaxes(1, 2)) for w in (wx, wh))
    return wx, wh, bx[:, None], bh[cell.late][:, None]


def columns(blocks: slice, size: int) -> slice:
    """Columns of (D·H) that some of the D blocks take."""
    start, stop = blocks.start, blocks.stop
    return slice(start and start * size, stop and stop * size)


def enders(lengths: NDArray | None, steps: int) -> Iterator[NDArray | None]:
    """Yield for each step which sequences of the batch end with it."""
    if lengths is None:
        return repeat(None, steps)
    return (np.flatnonzero(lengths == t + 1) for t in range(steps))


def ending(
    model: Any, xs: NDArray, hs: NDArray, saved: NDArray, lengths: NDArray | None, keep: bool
) -> tuple[NDArray, tuple[NDArray], Cache | None]:
    """Outputs, last ``(h,)`` of each sequence and cache, when all states (T+1, B, H) are known."""
    if lengths is None:
        h = hs[-1].copy()
    else:
        h = hs[lengths, np.arange(len(lengths))]
        np.copyto(hs[1:], 0, where=~valid(lengths, len(xs)))
    out = hs[1:]
    out.flags.writeable = not keep
    return out, (h,), Cache(model, xs, hs, saved, lengths) if keep else None


@forward.register
def forward_cell(cell: Cell, params, xs, state, lengths, keep):
    """Scan a cell; see the module's docstring."""
    (T, B, I), H, C = xs.shape, cell.hidden_size, cell.carried
    wx, wh, b_early, b_late = prepare(cell, params)
    hs = np.empty((T + 1, B, H), xs.dtype)
    n = run_length(cell, cell.G, hs)
    saved = np.empty(((T if keep else n) + 1, cell.K, B, H), xs.dtype)
    hs[0] = h = state[0]
    if C is not None:
        saved[0, C] = state[1]
    zx = np.empty((cell.G, n, B, H), xs.dtype)
    zh = np.empty((cell.G, B, H), xs.dtype)
    zh_late = zh[cell.late]
    b_late = np.ascontiguousarray(np.broadcast_to(b_late, zh_late.shape))
    ends, final = enders(lengths, T), tuple(s.copy() for s in state)
    matmul, add, gates = np.matmul, np.add, cell.gates
    for start in range(0, T, n):
        m = min(n, T - start)
        first = start if keep else 0
        run = zx[:, :m]
        matmul(
            xs[start : start + m].reshape(m * B, I), wx, out=zx.reshape(-1, n * B, H)[:, : m * B]
        )
        add(run, b_early[:, None], out=run)
        parts = [hs[start + 1 : start + m + 1]]
        if C is not None:
            parts.append(saved[first + 1 : first + m + 1, C])
        views = [saved[first : first + m, v] for v in cell.saved_views]
        for zx_t, new, kept, who in zip(
            run.swapaxes(0, 1), zip(*parts), zip(*views) if views else repeat(()), ends
        ):
            matmul(h, wh, zh)
            if b_late.size:
                add(zh_late, b_late, zh_late)
            gates(zx_t, zh, h, new, kept)
            h = new[0]
            if who is not None:
                for last, now in zip(final, new):
                    last[who] = now[who]
        if not keep and C is not None:
            saved[0, C] = saved[m, C]
    if lengths is None:
        final = tuple(now.copy() for now in new)
    out, last, cache = ending(cell, xs, hs, saved, lengths, keep)
    return out, last + final[1:], cache


@backward.register
def backward_cell(cell: Cell, params, dhs, cache, dstate):
    """Backpropagate through a scanned cell; see the module's docstring."""
    xs, hs, saved = cache.xs, cache.hs, cache.saved
    (T, B, I), H, D = xs.shape, cell.hidden_size, cell.D
    wx = by_block(params["weight_ih"], cell.x_gates).reshape(-1, I)
    wh = by_block(params["weight_hh"], cell.h_gates).reshape(-1, H)
    n = run_length(cell, D + cell.K, hs)
    dz = np.empty((n, B, D, H), xs.dtype)
    dzx, dzh = (dz.reshape(n, B, D * H)[..., columns(part, H)] for part in (cell.x, cell.h))
    dxs = np.empty_like(xs)
    grads = {key: np.zeros(shape, xs.dtype) for key, shape in cell.shapes.items()}
    ends = enders(cache.lengths, T)
    if cache.lengths is None:
        d = tuple(s.copy() for s in dstate)
    else:
        ends, d = list(ends), tuple(np.zeros_like(s) for s in dstate)
    dh, around = d[0], np.empty((B, H), xs.dtype)
    matmul, add, pull = np.matmul, np.add, cell.pull
    for stop in range(T, 0, -n):
        start = max(0, stop - n)
        m = stop - start
        slopes = cell.slopes(
            saved[start:stop].swapaxes(0, 1), hs[start:stop], hs[start + 1 : stop + 1]
        )
        views = [dz[:m].swapaxes(1, 2)[::-1, v] for v in cell.dz_views]
        for slope, dz_t, dzh_t, dy, who in zip(
            zip(*(s[::-1] for s in slopes)),
            zip(*views),
            dzh[:m][::-1],
            dhs[start:stop][::-1],
            repeat(None) if cache.lengths is None else ends[start:stop][::-1],
        ):
            if who is not None:
                for k, last in enumerate(dstate):
                    d[k][who] += last[who]
            add(dh, dy, dh)
            pull(d, slope, dz_t)
            if cell.bypass:
                matmul(dzh_t, wh, around)
                add(dh, around, dh)
            else:
                matmul(dzh_t, wh, dh)
        k = m * B
        x, h = xs[start:stop].reshape(k, I), hs[start:stop].reshape(k, H)
        zx_k, zh_k = (a[:m].reshape(k, -1) for a in (dzx, dzh))
        matmul(zx_k, wx, out=dxs[start:stop].reshape(k, I))
        grads["weight_ih"] += zx_k.T @ x
        grads["weight_hh"] += zh_k.T @ h
        grads["bias_ih"] += zx_k.sum(0)
        grads["bias_hh"] += zh_k.sum(0)
    for key, order in zip(grads, (cell.x_gates, cell.h_gates) * 2):
        grads[key] = by_row(grads[key].reshape(cell.G, H, *grads[key].shape[1:]), order)
    return dxs, d, grads


@advance.register
def advance_cell(cell: Cell, params, x, state):
    """One step: the textbook form, with the same `gates`."""
    zx = (x @ params["weight_ih"].T + params["bias_ih"]).reshape(len(x), cell.G, -1)
    zh = (state[0] @ params["weight_hh"].T + params["bias_hh"]).reshape(len(x), cell.G, -1)
    zx, zh = (
        halve(cell, z.swapaxes(0, 1)[list(order)], order)
        for z, order in ((zx, cell.x_gates), (zh, cell.h_gates))
    )
    saved = np.empty((cell.K, *state[0].shape), x.dtype)
    if cell.carried is not None:
        saved[cell.carried] = state[1]
    new = tuple(np.empty_like(s) for s in state)
    cell.gates(zx, zh, state[0], new, [saved[v] for v in cell.saved_views])
    return new[0], new

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
from functools import cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncore.cell import Cell, Views
from rnncore.running import Params, advance, backward, forward, valid

RUN_BYTES = 1 << 20
SAME = (0, 1, 2, 3)


class Cache(NamedTuple):
    """What `scan` keeps for `bptt`: inputs (T, B, I), states (T+1, B, H) and what a model saved.

    A cell's ``saved`` is (T+1, K, B, H).
    """

    model: Any
    xs: NDArray
    hs: NDArray
    saved: Any
    lengths: NDArray | None


def run_length(blocks: int, hs: NDArray) -> int:
    """Number of steps whose `blocks` blocks of (B, H) fit in the cache, at least one."""
    return min(max(1, RUN_BYTES // (blocks * hs[0].nbytes)), len(hs) - 1)


@cache
def permutation(order: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """Return an order as an index, and the one that undoes it."""
    return np.array(order), np.argsort(order)


def by_block(array: NDArray, order: tuple[int, ...]) -> NDArray:
    """Rows in torch's gate order, (G·H, …), to blocks in the cell's, (G, H, …)."""
    blocks = array.reshape(len(order), -1, *array.shape[1:])
    return blocks if order == SAME[: len(order)] else blocks.take(permutation(order)[0], 0)


def by_row(blocks: NDArray, order: tuple[int, ...]) -> NDArray:
    """Undo `by_block`."""
    if order != SAME[: len(order)]:
        blocks = blocks.take(permutation(order)[1], 0)
    return blocks.reshape(-1, *blocks.shape[2:])


@cache
def halves(sigmoids: tuple[int, ...], order: tuple[int, ...], dtype: np.dtype) -> NDArray:
    """One half for each sigmoid gate and 1 for each other, in the cell's order, (G, 1)."""
    return np.array([0.5 if gate in sigmoids else 1.0 for gate in order], dtype)[:, None]


def halved(cell: Cell, array: NDArray, order: tuple[int, ...]) -> NDArray:
    """`by_block` with the sigmoid gates halved: sigma(z) = (1 + tanh(z / 2)) / 2."""
    blocks = by_block(array, order)
    if not cell.sigmoids:
        return blocks
    scale = halves(cell.sigmoids, order, array.dtype)
    return blocks * (scale if blocks.ndim == 2 else scale[..., None])


def prepare(cell: Cell, params: Params, apart: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return U, W (apart, inputs, ·) and the biases before (apart, 1, ·) and inside the loop.

    `apart` is G, for a product gate by gate, or 1, for one product with all gates side by side.
    """
    U, W = (
        np.ascontiguousarray(
            halved(cell, params[key], order).reshape(apart, -1, params[key].shape[1]).swapaxes(1, 2)
        )
        for key, order in (("weight_ih", cell.x_gates), ("weight_hh", cell.h_gates))
    )
    bias = params["bias_ih"] + params["bias_hh"]
    late = by_block(params["bias_hh"], cell.h_gates)[cell.late]
    for gate in cell.h_gates[cell.late]:
        rows = slice(gate * cell.hidden_size, (gate + 1) * cell.hidden_size)
        bias[rows] = params["bias_ih"][rows]
    return U, W, halved(cell, bias, cell.x_gates).reshape(apart, 1, -1), late[:, None]


def cut(blocks: NDArray, views: Views) -> Iterator[tuple[NDArray, ...]]:
    """Yield for each step the named pieces of blocks (n, blocks, B, H)."""
    return zip(*(blocks[:, v] for v in views)) if views else repeat(())


def columns(blocks: slice, size: int) -> slice:
    """Columns of (D·H) that some of the D blocks take."""
    start, stop = blocks.start, blocks.stop
    return slice(start and start * size, stop and stop * size)


def enders(
    lengths: NDArray | None, steps: int, backwards: bool = False
) -> Iterator[NDArray | None]:
    """Yield for each step which sequences of the batch end with it."""
    if lengths is None:
        return repeat(None)
    times = range(steps, 0, -1) if backwards else range(1, steps + 1)
    return (np.flatnonzero(lengths == t) for t in times)


def ending(
    model: Any, xs: NDArray, hs: NDArray, saved: Any, lengths: NDArray | None
) -> tuple[NDArray, tuple[NDArray], Cache]:
    """Outputs, last ``(h,)`` of each sequence and cache, when all states (T+1, B, H) are known."""
    if lengths is None:
        h = hs[-1].copy()
    else:
        h = hs[lengths, np.arange(len(lengths))]
        np.copyto(hs[1:], 0, where=~valid(lengths, len(xs)))
    outputs = hs[1:]
    outputs.flags.writeable = False
    return outputs, (h,), Cache(model, xs, hs, saved, lengths)


@forward.register
def forward_cell(cell: Cell, params, xs, state, lengths):
    """Scan a cell; see the module's docstring."""
    (T, B, I), G, H, C = xs.shape, cell.G, cell.hidden_size, cell.carried
    # For one sequence the gates stand side by side: what a step adds to its products is one long
    # row then, and `dot` (as a method: the function first looks for other kinds of array) is twice
    # as fast as `matmul`.  For more, a product for each gate leaves every gate contiguous.
    apart = G if B > 1 else 1
    U, W, b, b_late = prepare(cell, params, apart)
    hs = np.empty((T + 1, B, H), xs.dtype)
    n = run_length(G, hs)
    saved = np.empty((T + 1, cell.K, B, H), xs.dtype)
    hs[0] = h = state[0]
    if C is not None:
        saved[0, C] = state[1]
    zx, zh = np.empty((apart, n * B, G * H // apart), xs.dtype), np.empty((G, B, H), xs.dtype)
    zh_pieces, zh_late = [zh[v] for v in cell.zh_views], zh[cell.late]
    product, W, out = (np.matmul, W, zh) if B > 1 else (np.ndarray.dot, W[0], zh.reshape(1, -1))
    late = np.broadcast_to(b_late, zh_late.shape).copy() if b_late.size else None
    ends, final = enders(lengths, T), [part.copy() for part in state]
    add, gates = np.add, cell.gates
    for start in range(0, T, n):
        stop = min(start + n, T)
        m = stop - start
        run = zx[:, : m * B]
        np.matmul(xs[start:stop].reshape(m * B, I), U, out=run)
        add(run, b, out=run)
        new_h = hs[start + 1 : stop + 1]
        # c_t is written where the next step keeps its c_{t-1}: nothing is copied.
        news = zip(new_h) if C is None else zip(new_h, saved[start + 1 : stop + 1, C])
        steps = run.reshape(apart, m, B, -1).swapaxes(0, 1)
        zxs = cut(steps.reshape(m, G, B, H), cell.zx_views)
        kept = cut(saved[start:stop], cell.saved_views)
        for zx_t, new, saved_t, who in zip(zxs, news, kept, ends):
            product(h, W, out)
            if late is not None:
                add(zh_late, late, zh_late)
            gates(zx_t, zh_pieces, h, new, saved_t)
            h = new[0]
            if who is not None:
                for last, now in zip(final, new):
                    last[who] = now[who]
    outputs, last, cache = ending(cell, xs, hs, saved, lengths)
    rest = final[1:] if lengths is not None else [part.copy() for part in new[1:]]
    return outputs, (*last, *rest), cache


@backward.register
def backward_cell(cell: Cell, params, dhs, cache, dstate):
    """Backpropagate through a scanned cell; see the module's docstring."""
    xs, hs, saved, lengths = cache.xs, cache.hs, cache.saved, cache.lengths
    (T, B, I), H, D = xs.shape, cell.hidden_size, cell.D
    # The gates of one sequence stand side by side here, not in blocks: so dz is one long row in
    # the product with W, and dU and dW come out in torch's layout.
    U = by_block(params["weight_ih"], cell.dx_gates).reshape(-1, I)
    W = by_block(params["weight_hh"], cell.dh_gates).reshape(-1, H)
    n = run_length(D + cell.K, hs)
    dz = np.empty((n, B, D * H), xs.dtype)
    dzx, dzh = dz[..., columns(cell.x, H)], dz[..., columns(cell.h, H)]
    dxs = np.empty_like(xs)
    sums = None
    d = [np.zeros_like(part) if lengths is not None else part.copy() for part in dstate]
    ends, dh, around = enders(lengths, T, backwards=True), d[0], np.empty((B, H), xs.dtype)
    product, add, pull = np.ndarray.dot if B == 1 else np.matmul, np.add, cell.pull
    bypass = cell.bypass
    for stop in range(T, 0, -n):
        start = max(0, stop - n)
        m = stop - start
        slopes = cell.slopes(
            saved[start:stop].swapaxes(0, 1), hs[start:stop], hs[start + 1 : stop + 1]
        )
        slopes = zip(*(s[::-1] for s in slopes))
        dzs = cut(dz[m - 1 :: -1].reshape(m, B, D, H).swapaxes(1, 2), cell.dz_views)
        dys = dhs[start:stop][::-1]
        for slopes_t, dz_t, dzh_t, dy, who in zip(slopes, dzs, dzh[m - 1 :: -1], dys, ends):
            if who is not None:
                for part, last in zip(d, dstate):
                    part[who] += last[who]
            add(dh, dy, dh)
            pull(d, slopes_t, dz_t)
            if bypass:
                product(dzh_t, W, around)
                add(dh, around, dh)
            else:
                product(dzh_t, W, dh)
        k = m * B
        x, h = xs[start:stop].reshape(k, I), hs[start:stop].reshape(k, H)
        zx, zh = dzx[:m].reshape(k, -1), dzh[:m].reshape(k, -1)
        np.matmul(zx, U, out=dxs[start:stop].reshape(k, I))
        db = np.add.reduce(zx)
        run = zx.T @ x, zh.T @ h, db, db.copy() if cell.x == cell.h else np.add.reduce(zh)
        sums = run if sums is None else [np.add(a, b, out=a) for a, b in zip(sums, run)]
    grads = {
        key: by_row(grad.reshape(cell.G, H, *grad.shape[1:]), order)
        for key, grad, order in zip(cell.shapes, sums, (cell.dx_gates, cell.dh_gates) * 2)
    }
    return dxs, (dh, *(part.copy() for part in d[1:])), grads


def single(cell: Cell, params: Params, x: NDArray, state: tuple) -> tuple[tuple, NDArray]:
    """Take one step as a textbook writes it, with the same `gates`; return the saved arrays too."""
    products = (
        (x @ params["weight_ih"].T + params["bias_ih"], cell.x_gates, cell.zx_views),
        (state[0] @ params["weight_hh"].T + params["bias_hh"], cell.h_gates, cell.zh_views),
    )
    pieces = []
    for z, order, views in products:
        blocks = np.ascontiguousarray(halved(cell, z.T, order).swapaxes(1, 2))
        pieces.append([blocks[v] for v in views])
    saved = np.empty((cell.K, *state[0].shape), x.dtype)
    if cell.carried is not None:
        saved[cell.carried] = state[1]
    new = tuple(np.empty_like(part) for part in state)
    cell.gates(*pieces, state[0], new, [saved[v] for v in cell.saved_views])
    return new, saved


@advance.register
def advance_cell(cell: Cell, params, x, state):
    """One step of a cell."""
    new, _ = single(cell, params, x, state)
    return new[0], new

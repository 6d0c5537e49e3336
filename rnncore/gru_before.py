"""The GRU of Cho et al., whose reset gate acts before the recurrent product.

``W_n (r ∘ h)`` puts a matrix product *inside* the cell, so the cell is not elementwise, two
products follow each other at every step, and none of the sharing in `rnncore.loop` applies: it
needs a loop of its own.  That is the price of the published form, and the reason why libraries
moved the reset gate behind the product.
"""

import numpy as np

from rnncore.cells import GRU
from rnncore.loop import advance_cell, backward_cell, ending, forward_cell
from rnncore.ops import sigmoid
from rnncore.running import advance, backward, forward


@forward.register
def forward_gru(cell: GRU, params, xs, state, lengths):
    """Scan; with r before the product, r, z and n are saved."""
    if cell.reset_after:
        return forward_cell(cell, params, xs, state, lengths)
    (T, B, _), H = xs.shape, cell.hidden_size
    W_rz, W_n = np.split(params["weight_hh"], [2 * H])
    b = params["bias_ih"] + params["bias_hh"]
    hs = np.empty((T + 1, B, H), xs.dtype)
    saved = np.empty((T, 3, B, H), xs.dtype)
    hs[0] = state[0]
    for t in range(T):
        r, z, n = saved[t]
        h, zx = hs[t], xs[t] @ params["weight_ih"].T + b
        r[:], z[:] = np.split(sigmoid(zx[:, : 2 * H] + h @ W_rz.T), 2, axis=1)
        np.tanh(zx[:, 2 * H :] + (r * h) @ W_n.T, n)
        np.add(n, z * (h - n), hs[t + 1])
    return ending(cell, xs, hs, saved, lengths)


@backward.register
def backward_gru(cell: GRU, params, dhs, cache, dstate):
    """Backpropagate; before the product, the gradient of r comes from behind W_n."""
    if cell.reset_after:
        return backward_cell(cell, params, dhs, cache, dstate)
    xs, hs, saved = cache.xs, cache.hs, cache.saved
    (T, B, inputs), H = xs.shape, cell.hidden_size
    W_rz, W_n = np.split(params["weight_hh"], [2 * H])
    dzs = np.empty((T, B, 3, H), xs.dtype)
    dh = np.zeros((B, H), xs.dtype)
    ends = np.full(B, T) if cache.lengths is None else cache.lengths
    for t in reversed(range(T)):
        r, z, n = saved[t]
        h = hs[t]
        dh = dh + dhs[t] + np.where((ends == t + 1)[:, None], dstate[0], 0)
        dr, dz, dn = dzs[t].swapaxes(0, 1)
        np.multiply(dh, (1 - z) * (1 - n * n), dn)
        np.multiply(dh, (h - n) * z * (1 - z), dz)
        drh = dn @ W_n
        np.multiply(drh, h * r * (1 - r), dr)
        dh = dh * z + drh * r + dzs[t, :, :2].reshape(B, 2 * H) @ W_rz
    flat, h, rh = dzs.reshape(T * B, 3 * H), hs[:-1].reshape(T * B, H), hs[:-1] * saved[:, 0]
    rz, n = np.split(flat, [2 * H], axis=1)
    db = flat.sum(0)
    grads = {
        "weight_ih": flat.T @ xs.reshape(T * B, inputs),
        "weight_hh": np.concatenate([rz.T @ h, n.T @ rh.reshape(T * B, H)]),
        "bias_ih": db,
        "bias_hh": db.copy(),
    }
    return (flat @ params["weight_ih"]).reshape(xs.shape), (dh,), grads


@advance.register
def advance_gru(cell: GRU, params, x, state):
    """One step of either variant."""
    if cell.reset_after:
        return advance_cell(cell, params, x, state)
    hs, last, _ = forward_gru(cell, params, x[None], state, None)
    return hs[0], last

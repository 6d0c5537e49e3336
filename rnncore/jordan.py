"""The Jordan net: what comes back at the next step is the output, not the hidden state.

The state is the output ``o``, so everything the net remembers has to pass through it.  Each step
has two products, hidden to output and output to hidden; the other three are taken out of the loop.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnncore import _check
from rnncore.cell import Drawn
from rnncore.loop import ending
from rnncore.running import advance, backward, forward


@dataclass(frozen=True)
class Jordan(Drawn):
    r"""Simple recurrent net with output recurrence.

    .. math:: h_t = \tanh(U x_t + W o_{t-1} + b), \qquad o_t = V h_t + c .

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Sizes I, H and O.  The outputs of `scan` and the state are o, (B, O).

    Raises
    ------
    TypeError
        If a size is not an integer.
    ValueError
        If a size is not positive.

    References
    ----------
    Jordan (1986), Serial order: a parallel distributed processing approach.
    """

    input_size: int
    hidden_size: int
    output_size: int

    causal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check.settle_sizes(self, "input_size", "hidden_size", "output_size")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter: U, W, V, b and c."""
        inputs, H, outputs = self.input_size, self.hidden_size, self.output_size
        return {
            "weight_ih": (H, inputs),
            "weight_oh": (H, outputs),
            "weight_ho": (outputs, H),
            "bias_h": (H,),
            "bias_o": (outputs,),
        }

    def state_spec(self, batch: int) -> tuple:
        """Shape of the state (o,)."""
        return (_check.Shape((batch, self.output_size)),)


@forward.register
def forward_jordan(model: Jordan, params, xs, state, lengths):
    """Scan; the hidden states h are saved."""
    T, B, _ = xs.shape
    W, V = params["weight_oh"].T, params["weight_ho"].T
    os = np.empty((T + 1, B, model.output_size), xs.dtype)
    os[0] = state[0]
    saved = xs @ params["weight_ih"].T + params["bias_h"]
    for h, o, new in zip(saved, os, os[1:]):
        np.tanh(h + o @ W, h)
        np.add(h @ V, params["bias_o"], new)
    return ending(model, xs, os, saved, lengths)


@backward.register
def backward_jordan(model: Jordan, params, dhs, cache, dstate):
    """Backpropagate through output, hidden state and the output before."""
    xs, os, hs = cache.xs, cache.hs, cache.saved
    (T, B, _), H = xs.shape, model.hidden_size
    ends = np.full(B, T) if cache.lengths is None else cache.lengths
    dos, dzs = np.empty_like(os[1:]), np.empty_like(hs)
    do = np.zeros_like(os[0])
    for t in reversed(range(T)):
        np.add(do, dhs[t], dos[t])
        dos[t] += np.where((ends == t + 1)[:, None], dstate[0], 0)
        np.multiply(dos[t] @ params["weight_ho"], 1 - hs[t] * hs[t], dzs[t])
        do = dzs[t] @ params["weight_oh"]
    dz, do_all = dzs.reshape(T * B, H), dos.reshape(T * B, -1)
    grads = {
        "weight_ih": dz.T @ xs.reshape(T * B, -1),
        "weight_oh": dz.T @ os[:-1].reshape(T * B, -1),
        "weight_ho": do_all.T @ hs.reshape(T * B, H),
        "bias_h": dz.sum(0),
        "bias_o": do_all.sum(0),
    }
    return (dz @ params["weight_ih"]).reshape(xs.shape), (do,), grads


@advance.register
def advance_jordan(model: Jordan, params, x: NDArray, state):
    """One step."""
    os, last, _ = forward_jordan(model, params, x[None], state, None)
    return os[0], last

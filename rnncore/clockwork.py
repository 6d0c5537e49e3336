"""Clockwork RNN: modules that run on clocks of their own.

The hidden state is cut into modules of equal size, each with a period, the fastest first.  A module
listens to itself and to slower ones, so ``weight_hh`` is block upper-triangular.  At step t only
the modules whose period divides t compute; the others keep their state.

So each module has a time of its own: a first state, and one more for every tick of its clock.
What a module says to itself and to faster ones is one product, worked out when it changes and used
for as long as it does not.  Backwards it is the same: what comes back to a state from all the steps
at which it was heard is added up, and goes through one product when its own tick is reached.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore import _check
from rnncore.cell import Drawn
from rnncore.loop import ending
from rnncore.running import Params, advance, backward, forward


@dataclass(frozen=True)
class Clockwork(Drawn):
    r"""Simple recurrent net whose modules are updated at periods of their own.

    .. math::
        h_t^{(i)} = \begin{cases}
            \tanh\bigl(U_i x_t + b_i + \sum_{j \ge i} W_{ij} h_{t-1}^{(j)} + b'_i\bigr)
            & \text{if } T_i \text{ divides } t,\\
            h_{t-1}^{(i)} & \text{otherwise.} \end{cases}

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes I and H; H a multiple of the number of modules.
    periods : tuple of int
        Periods :math:`T_i`, strictly increasing.  Time counts from 0, when all modules run.

    Raises
    ------
    TypeError
        If a size or period is not an integer, or `periods` is not a tuple.
    ValueError
        If a size or period is not positive, the periods do not increase, or their number does
        not divide H.

    Notes
    -----
    The state is ``(h, t)`` with one integer t, the number of the next step; its gradient is
    ``(dh,)``.

    References
    ----------
    Koutník, Greff, Gomez and Schmidhuber (2014), A clockwork RNN.
    """

    input_size: int
    hidden_size: int
    periods: tuple[int, ...] = (1, 2, 4, 8)

    causal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check.settle_sizes(self, "input_size", "hidden_size")
        if not isinstance(self.periods, tuple):
            raise TypeError(f"periods: expected a tuple, got {type(self.periods).__name__}")
        if not self.periods:
            raise ValueError("periods: expected at least one, got none")
        periods = tuple(_check.positive_int("periods", period) for period in self.periods)
        object.__setattr__(self, "periods", periods)
        if any(a >= b for a, b in zip(self.periods, self.periods[1:], strict=False)):
            raise ValueError(f"periods: expected strictly increasing numbers, got {self.periods}")
        if self.hidden_size % len(self.periods):
            raise ValueError(
                f"hidden_size: expected a multiple of {len(self.periods)}, the number of periods, "
                f"got {self.hidden_size}"
            )

    @property
    def output_size(self) -> int:
        """Width of one output, `hidden_size`."""
        return self.hidden_size

    @property
    def module_size(self) -> int:
        """Units in one module."""
        return self.hidden_size // len(self.periods)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter: torch's keys and layout."""
        H = self.hidden_size
        return {
            "weight_ih": (H, self.input_size),
            "weight_hh": (H, H),
            "bias_ih": (H,),
            "bias_hh": (H,),
        }

    @property
    def live(self) -> NDArray[np.bool_]:
        """Mask (H, H) of the block upper triangle: a module hears itself and slower ones."""
        module = np.arange(self.hidden_size) // self.module_size
        return module[:, None] <= module

    @property
    def dead_entries(self) -> dict[str, int]:
        """Entries of ``weight_hh`` that are not parameters: n²/2 - nk/2 for n units in g of k."""
        H = self.hidden_size
        return {"weight_hh": (H * H - H * self.module_size) // 2}

    def check_params(self, params: Params) -> None:
        """Refuse connections from faster to slower modules."""
        if params["weight_hh"][~self.live].any():
            raise ValueError(
                "params['weight_hh']: expected zeros below the block diagonal (no connection from "
                "a faster to a slower module), got other numbers"
            )

    def state_spec(self, batch: int) -> tuple:
        """Shapes of the state (h, t)."""
        return (_check.Shape((batch, self.hidden_size)), int)

    def steps(self, clock: int, steps: int) -> list[slice]:
        """For each module, which of some steps from `clock` on it runs at."""
        return [slice(min(-clock % period, steps), None, period) for period in self.periods]

    def blocks(self) -> list[slice]:
        """Units of each module."""
        k = self.module_size
        return [slice(i, i + k) for i in range(0, self.hidden_size, k)]

    def init(self, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Params:
        """Draw parameters as a cell does, with zeros below the block diagonal."""
        params = super().init(rng, dtype)
        return params | {"weight_hh": params["weight_hh"] * self.live}


def active(at: list[slice], steps: int) -> list[list[int]]:
    """Modules that run at each step, the fastest first."""
    found = [[] for _ in range(steps)]
    for i, times in enumerate(at):
        for modules in found[times]:
            modules.append(i)
    return found


@forward.register
def forward_clockwork(model: Clockwork, params, xs, state, lengths):
    """Scan every module in its own time; saves the clock and all states of each module."""
    (T, B, inputs), (h, clock), k = xs.shape, state, model.module_size
    U, W = params["weight_ih"], params["weight_hh"]
    b = params["bias_ih"] + params["bias_hh"]
    steps, own, said, weights = model.steps(clock, T), [], [], []
    for at, rows in zip(steps, model.blocks()):
        x = xs[at].reshape(-1, inputs)
        states = np.empty((len(x) // B + 1, B, k), xs.dtype)
        states[0] = h[:, rows]
        z = states[1:].reshape(-1, k)
        np.matmul(x, U[rows].T, out=z)
        np.add(z, b[rows], out=z)
        own.append(states)
        weights.append(np.ascontiguousarray(W[: rows.stop, rows].reshape(-1, k, k).swapaxes(1, 2)))
        said.append(np.matmul(states[0], weights[-1]))
    coming = [iter(states[1:]) for states in own]
    for modules in active(steps, T):
        for i in modules:
            z = next(coming[i])
            for slower in said[i:]:
                np.add(z, slower[i], z)
            np.tanh(z, z)
            np.matmul(z, weights[i], said[i])
    hs = np.empty((T + 1, B, model.hidden_size), xs.dtype)
    hs[0] = h
    for at, rows, states in zip(steps, model.blocks(), own):
        hs[1 : at.start + 1, :, rows] = states[0]
        for later in range(at.step):
            held = hs[at.start + 1 + later :: at.step, :, rows]
            held[...] = states[1 : len(held) + 1]
    outputs, last, cache = ending(model, xs, hs, (clock, own), lengths)
    return outputs, (*last, clock + T), cache


def owed(dhs: NDArray, first: int, period: int) -> NDArray:
    """Sum dhs (T, B, k) over the steps at which each state of a module was its output."""
    whole = (len(dhs) - first) // period
    end = first + whole * period
    total = np.empty((whole + 1 + (end < len(dhs)), *dhs.shape[1:]), dhs.dtype)
    np.add.reduce(dhs[:first], 0, out=total[0])
    parts = dhs[first:end].reshape(whole, period, *dhs.shape[1:])
    np.add.reduce(parts, 1, out=total[1 : whole + 1])
    if end < len(dhs):
        np.add.reduce(dhs[end:], 0, out=total[-1])
    return total


def hearers(at: list[slice], steps: int) -> list[list[list[int]]]:
    """Bounds, for modules j < i, of j's ticks between one tick of i and the next, that included.

    At these ticks j hears one and the same state of i.  Counted from 1, as a module's states are.
    """
    ticks = [np.arange(steps)[times] for times in at]
    return [
        [[1, *(1 + np.searchsorted(own, times, side="right")), 1 + len(own)] for own in ticks[:i]]
        for i, times in enumerate(ticks)
    ]


@backward.register
def backward_clockwork(model: Clockwork, params, dhs, cache, dstate):
    """Backpropagate: what is sent to a state is added up when the state's own tick is reached.

    ``sent[i][j, n]`` is what module j < i sends to the n-th state of module i.  What a module sends
    to itself is its gradient of one tick later.
    """
    xs, (clock, own) = cache.xs, cache.saved
    (T, B, inputs), blocks, k = xs.shape, model.blocks(), model.module_size
    U, W = params["weight_ih"], params["weight_hh"]
    steps, add, matmul = model.steps(clock, T), np.add, np.matmul
    if cache.lengths is not None:
        dhs = dhs.copy()
        dhs[cache.lengths - 1, np.arange(B)] += dstate[0]
    dzs = [owed(dhs[..., r], at.start, at.step) for r, at in zip(blocks, steps)]
    if cache.lengths is None:
        for dz, rows in zip(dzs, blocks):
            dz[-1] += dstate[0][:, rows]
    slopes = [1 - states * states for states in own]
    sent = [np.empty((i, len(states), B, k), xs.dtype) for i, states in enumerate(own)]
    back = [np.ascontiguousarray(W[: rows.stop, rows]).reshape(-1, k, k) for rows in blocks]
    terms, heard = np.empty((len(own), B, k), xs.dtype), hearers(steps, T)

    def gather(i: int, n: int) -> NDArray:
        """Add what comes back to the n-th state of module i from all ticks at which it is heard."""
        dz = dzs[i][n]
        if n + 1 < len(dzs[i]):
            matmul(dzs[i][n + 1], back[i][i], terms[0])
            add(dz, terms[0], dz)
        if i:
            for j, bounds in enumerate(heard[i]):
                add.reduce(dzs[j][bounds[n] : bounds[n + 1]], 0, out=sent[i][j, n])
            matmul(sent[i][:, n], back[i][:i], terms[:i])
            for term in terms[:i]:
                add(dz, term, dz)
        return dz

    now = [len(states) - 1 for states in own]
    for modules in reversed(active(steps, T)):
        for i in modules:
            dz = gather(i, now[i])
            np.multiply(dz, slopes[i][now[i]], dz)
            now[i] -= 1
    dxs, dh = np.zeros_like(xs), np.empty_like(dstate[0])
    grads = {key: np.zeros(shape, xs.dtype) for key, shape in model.shapes.items()}
    for i, rows in enumerate(blocks):
        dh[:, rows] = gather(i, 0)
        dz, states = dzs[i][1:].reshape(-1, k), own[i].reshape(-1, k)
        x, dx = xs[steps[i]].reshape(-1, inputs), dxs[steps[i]]
        dx += (dz @ U[rows]).reshape(dx.shape)
        grads["weight_ih"][rows] = dz.T @ x
        grads["weight_hh"][rows, rows] = dz.T @ states[:-B]
        dW = matmul(sent[i].reshape(i, len(states), k).swapaxes(1, 2), states)
        grads["weight_hh"][: rows.start, rows] = dW.reshape(-1, k)
        grads["bias_ih"][rows] = dz.sum(0)
    grads["bias_hh"] = grads["bias_ih"].copy()
    return dxs, (dh,), grads


@advance.register
def advance_clockwork(model: Clockwork, params, x, state):
    """One step, at the time that the state carries."""
    hs, last, _ = forward_clockwork(model, params, x[None], state, None)
    return hs[0], last

"""Clockwork RNN: modules that run on clocks of their own.

The hidden state is cut into modules of equal size, each with a period, the fastest first.  A module
listens to itself and to slower ones, so ``weight_hh`` is block upper-triangular.  At step t only
the modules whose period divides t compute; the others keep their state.

Steps with the same set of active modules form a group.  A group's inputs go through one product,
and so do its gradients; inside the loop only the active block rows are multiplied.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore import _check
from rnncore.cell import draw
from rnncore.loop import ending
from rnncore.running import Params, advance, backward, forward

RUN = 256


@dataclass(frozen=True)
class Clockwork:
    r"""Simple recurrent net whose modules are updated at periods of their own.

    .. math::
        h_t^{(i)} = \begin{cases}
            \tanh\bigl(U_i x_t + b_i + \sum_{j \ge i} W_{ij} h_{t-1}^{(j)} + c_i\bigr)
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

    def __post_init__(self) -> None:
        _check.positive_int("input_size", self.input_size)
        _check.positive_int("hidden_size", self.hidden_size)
        if not isinstance(self.periods, tuple):
            raise TypeError(f"periods: expected a tuple, got {type(self.periods).__name__}")
        if not self.periods:
            raise ValueError("periods: expected at least one, got none")
        for period in self.periods:
            _check.positive_int("periods", period)
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

    def active(self, t: int) -> tuple[int, ...]:
        """Modules that run at step t."""
        return tuple(i for i, period in enumerate(self.periods) if t % period == 0)

    def init(self, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Params:
        """Draw parameters uniformly between plus and minus ``1 / sqrt(hidden_size)``.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        dtype : {float32, float64}
            Type of the parameters.

        Returns
        -------
        dict of str to ndarray
            ``weight_ih`` (H, I), ``weight_hh`` (H, H) with zeros below the block diagonal,
            ``bias_ih`` and ``bias_hh`` (H,).

        Raises
        ------
        TypeError
            If `rng` is no generator.
        ValueError
            If `dtype` is neither float32 nor float64.
        """
        params = draw(rng, self.shapes, self.hidden_size, dtype)
        return params | {"weight_hh": params["weight_hh"] * self.live}


class Group(NamedTuple):
    """Steps with the same active modules: which steps, which rows, and these rows' weights."""

    steps: NDArray[np.intp]
    rows: slice | NDArray[np.intp]
    U: NDArray
    W: NDArray
    b: NDArray


def group_steps(model: Clockwork, params: Params, clock: int, steps: int) -> list[Group]:
    """Group steps by their active modules; a slice of rows wherever these are neighbours."""
    k, members = model.module_size, {}
    for t in range(steps):
        members.setdefault(model.active(clock + t), []).append(t)
    groups = []
    for modules, ts in members.items():
        rows = (np.array(modules, np.intp)[:, None] * k + np.arange(k)).ravel()
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
            rows = slice(int(rows[0]), int(rows[-1]) + 1)
        U, W = params["weight_ih"][rows], params["weight_hh"][rows]
        groups.append(
            Group(np.array(ts), rows, U, W, params["bias_ih"][rows] + params["bias_hh"][rows])
        )
    return groups


def in_order(groups: list[Group], per_group: list) -> list:
    """Deal what the groups hold for their steps back into the order of time."""
    dealt = [None] * sum(len(group.steps) for group in groups)
    for group, items in zip(groups, per_group, strict=True):
        for t, item in zip(group.steps, items, strict=True):
            dealt[t] = (group.rows, *item)
    return dealt


@forward.register
def forward_clockwork(model: Clockwork, params, xs, state, lengths, keep):
    """Scan; only active block rows are multiplied."""
    (T, B, _), H, clock = xs.shape, model.hidden_size, state[1]
    hs = np.empty((T + 1, B, H), xs.dtype)
    hs[0] = h = state[0]
    z = np.empty(B * H, xs.dtype)
    for start in range(0, T, RUN):
        run = xs[start : start + RUN]
        groups = group_steps(model, params, clock + start, len(run))
        parts = []
        for g in groups:
            W, zh = np.ascontiguousarray(g.W.T), z[: B * len(g.W)].reshape(B, len(g.W))
            parts.append([(W, zh, zx) for zx in run[g.steps] @ g.U.T + g.b])
        for (rows, W, zh, zx), new in zip(in_order(groups, parts), hs[start + 1 :], strict=False):
            np.copyto(new, h)
            np.matmul(h, W, zh)
            np.add(zh, zx, zh)
            new[:, rows] = np.tanh(zh, zh)
            h = new
    out, last, cache = ending(model, xs, hs, np.array(clock), lengths, keep)
    return out, (*last, clock + T), cache


@backward.register
def backward_clockwork(model: Clockwork, params, dhs, cache, dstate):
    """Backpropagate: the active rows' gradient goes through W, the others' goes past it."""
    xs, hs, clock = cache.xs, cache.hs, int(cache.saved)
    T, B, inputs = xs.shape
    if cache.lengths is not None:
        dhs = dhs.copy()
        dhs[cache.lengths - 1, np.arange(B)] += dstate[0]
    dh = np.zeros_like(dstate[0]) if cache.lengths is not None else dstate[0].copy()
    around = np.empty_like(dh)
    dxs = np.empty_like(xs)
    grads = {key: np.zeros(shape, xs.dtype) for key, shape in model.shapes.items()}
    for start in reversed(range(0, T, RUN)):
        run = slice(start, min(start + RUN, T))
        groups = group_steps(model, params, clock + start, run.stop - start)
        dzs = []
        for g in groups:
            h = hs[1:][run][g.steps][:, :, g.rows]
            dzs.append(1 - h * h)
        parts = [[(g.W, dz) for dz in dz_g] for g, dz_g in zip(groups, dzs, strict=True)]
        for (rows, W, dz), dy in zip(
            reversed(in_order(groups, parts)), dhs[run][::-1], strict=True
        ):
            np.add(dh, dy, dh)
            np.multiply(dz, dh[:, rows], dz)
            np.matmul(dz, W, around)
            dh[:, rows] = 0
            np.add(dh, around, dh)
        for g, dz in zip(groups, dzs, strict=True):
            dz = dz.reshape(len(g.steps) * B, len(g.W))
            x, h = (a[run][g.steps].reshape(len(dz), -1) for a in (xs, hs))
            dxs[run][g.steps] = (dz @ g.U).reshape(-1, B, inputs)
            grads["weight_ih"][g.rows] += dz.T @ x
            grads["weight_hh"][g.rows] += dz.T @ h
            grads["bias_ih"][g.rows] += dz.sum(0)
    grads["weight_hh"] *= model.live
    grads["bias_hh"] = grads["bias_ih"].copy()
    return dxs, (dh,), grads


@advance.register
def advance_clockwork(model: Clockwork, params, x, state):
    """One step, at the time that the state carries."""
    hs, last, _ = forward_clockwork(model, params, x[None], state, None, False)
    return hs[0], last

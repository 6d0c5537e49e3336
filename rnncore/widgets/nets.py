"""Figures of whole nets: one that unrolls, one that trains in the page, one with clocks."""

from itertools import pairwise
from typing import Any

import numpy as np
import traitlets

from rnncore.cells import RNN
from rnncore.clockwork import Clockwork
from rnncore.layers import init_linear
from rnncore.running import scan
from rnncore.widgets.base import Figure, drawing, numbers, source


class Unrolling(Figure):
    """A net of one unit, unrolled one copy at a time.

    Parameters
    ----------
    weights : dict of str to float, optional
        U, W, V, b and c, each from -2 to 2; those left out keep their start values.
    inputs : sequence of int
        Six inputs, each -1, 0 or 1.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else.
    """

    _esm = source("unrolling")
    alt = (
        "A recurrent net drawn twice: folded, with a loop from the state h onto itself, and "
        "unrolled over six time steps, with the same weights U, W and V at every copy."
    )

    weights = traitlets.Dict().tag(sync=True)
    inputs = traitlets.List().tag(sync=True)

    def __init__(self, weights: dict | None = None, inputs: Any = (1, 0, 0, 0, 0, 0)) -> None:
        start = {"U": 1.0, "W": 0.8, "V": 1.0, "b": 0.0, "c": 0.0}
        super().__init__(weights=start | (weights or {}), inputs=list(inputs))

    @traitlets.validate("weights")
    def _five(self, proposal: Any) -> dict:
        given = proposal["value"]
        if set(given) != set("UWVbc"):
            raise traitlets.TraitError(f"weights: expected U, W, V, b and c, got {sorted(given)}")
        values = numbers("weights", list(given.values()), (5,))
        if np.abs(values).max() > 2:
            raise traitlets.TraitError(f"weights: expected numbers from -2 to 2, got {given}")
        return dict(zip(given, values))

    @traitlets.validate("inputs")
    def _six(self, proposal: Any) -> list:
        values = numbers("inputs", proposal["value"], (6,))
        if not set(values) <= {-1.0, 0.0, 1.0}:
            raise traitlets.TraitError(f"inputs: expected -1, 0 or 1, got {proposal['value']}")
        return [int(value) for value in values]

    def figure(self) -> Any:
        """Draw the net folded and unrolled with matplotlib; returns the Figure."""
        from rnncore.plotting import draw_folded_rnn, draw_unrolled_rnn

        fig, (left, right) = drawing(1, 2, (8, 2.6), width_ratios=(1, 3.4))
        draw_folded_rnn(left)
        draw_unrolled_rnn(right, 6)
        return fig


class TinyRNN(Figure):
    r"""A tiny RNN that trains in the page, one small step at a time.

    Forward, loss, backward, update: each press of a button is one of them at one time step. Bars
    show the gradient :math:`\partial L / \partial h_t` that reaches each step.

    Parameters
    ----------
    task : {"recall", "wave"}
        Say at the end what came first, or predict the next value of a wave.
    length : int
        Steps in a sequence, 2 to 12.
    learning_rate : float
        Of gradient descent, 0.02 to 1.
    hidden_size : int
        Units, 1 to 4.
    seed : int
        Draws the parameters and the noise in the inputs.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else.
    """

    _esm = source("tiny_rnn")
    alt = (
        "A recurrent net unrolled over the time steps of one sequence: inputs below, the hidden "
        "states as bars above them, and on top red bars for the size of the gradient that reaches "
        "each state, the largest at the last step."
    )

    task = traitlets.Enum(("recall", "wave"), "recall").tag(sync=True)
    length = traitlets.Int(6, min=2, max=12).tag(sync=True)
    learning_rate = traitlets.Float(0.2, min=0.02, max=1.0).tag(sync=True)
    hidden_size = traitlets.Int(3, min=1, max=4)
    seed = traitlets.Int(0, min=0)
    params = traitlets.Dict(read_only=True).tag(sync=True)
    noise = traitlets.List(read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        rng, H = np.random.default_rng(self.seed), self.hidden_size
        drawn = {
            "cell": RNN(1, H).init(rng, np.float64),
            "readout": init_linear(rng, H, 1, dtype=np.float64),
        }
        self.set_trait(
            "params",
            {a: {b: v.round(3).tolist() for b, v in p.items()} for a, p in drawn.items()},
        )
        self.set_trait("noise", rng.uniform(-0.2, 0.2, 61).round(2).tolist())

    def data(self, k: int = 0) -> tuple[np.ndarray, list[float | None]]:
        """Return sequence k: inputs (T, 1) and each step's target, None where there is none."""
        T = self.length
        if self.task == "wave":
            xs = 0.8 * np.sin(0.9 * np.arange(T + 1) + 1.7 * (k % 4))
            return xs[:T, None], [None if t < T / 2 - 1 else float(xs[t + 1]) for t in range(T)]
        sign = -1.0 if k % 2 else 1.0
        noise = [self.noise[(k * 5 + t) % len(self.noise)] for t in range(T)]
        return np.array([sign, *noise[1:]])[:, None], [None] * (T - 1) + [0.8 * sign]

    def gradients(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return states (T, H), outputs (T,) and dL/dh (T, H) for the first sequence."""
        cell = {key: np.array(value) for key, value in self.params["cell"].items()}
        V, d = (np.array(self.params["readout"][key]) for key in ("weight", "bias"))
        xs, targets = self.data()
        hs = scan(RNN(1, self.hidden_size), cell, xs[:, None])[0][:, 0]
        ys = hs @ V[0] + d[0]
        wanted = [target is not None for target in targets]
        dys = [(y - t) / sum(wanted) if w else 0.0 for y, t, w in zip(ys, targets, wanted)]
        dhs = np.outer(dys, V[0])
        for t in range(len(hs) - 1, 0, -1):
            dhs[t - 1] += cell["weight_hh"].T @ (dhs[t] * (1 - hs[t] ** 2))
        return hs, ys, dhs

    def figure(self) -> Any:
        """Draw one forward and one backward pass with matplotlib; returns the Figure."""
        from rnncore.plotting.style import COLOURS

        hs, _, dhs = self.gradients()
        steps = np.arange(1, len(hs) + 1)
        fig, axes = drawing(3, 1, (6.4, 4.2), sharex=True)
        sizes = np.linalg.norm(dhs, axis=1)
        axes[0].bar(steps, sizes, 0.5, color=COLOURS["gradient"])
        axes[0].set(ylabel="‖∂L/∂h‖", title="The gradient that reaches each time step")
        for unit, values in enumerate(hs.T):
            place = steps + 0.18 * (unit - (hs.shape[1] - 1) / 2)
            axes[1].bar(place, values, 0.15, color=COLOURS["hidden"])
        axes[1].set(ylabel="h", ylim=(-1, 1))
        axes[2].bar(steps, self.data()[0][:, 0], 0.3, color=COLOURS["input"])
        axes[2].set(xlabel="time step", ylabel="x", ylim=(-1.1, 1.1), xticks=steps)
        return fig


class ClockworkActivity(Figure):
    """A Clockwork RNN: who runs at which step, what that costs, what the others hold.

    Parameters
    ----------
    periods : sequence of int
        Strictly increasing, at most six, from 1 to 64.
    steps : int
        How many time steps, 8 to 64.
    seed : int
        Draws the weights.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else.
    """

    _esm = source("clockwork_activity")
    alt = (
        "A grid with one row for each module of a Clockwork RNN and one column for each time step; "
        "a square marks a module that runs. With periods 1, 2, 4 and 8 the rows thin out by halves."
    )

    periods = traitlets.List(traitlets.Int(min=1, max=64), minlen=1, maxlen=6).tag(sync=True)
    steps = traitlets.Int(33, min=8, max=64).tag(sync=True)
    seed = traitlets.Int(2, min=0)
    params = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, periods: Any = (1, 2, 4, 8), **settings: Any) -> None:
        super().__init__(periods=list(periods), **settings)
        cell = Clockwork(1, 6, (1, 2, 4, 8, 16, 32))
        drawn = cell.init(np.random.default_rng(self.seed), np.float64)
        # Larger than drawn: what the modules do should be seen.
        params = {key: (2 * value).round(2).tolist() for key, value in drawn.items()}
        self.set_trait("params", params)

    @traitlets.validate("periods")
    def _increasing(self, proposal: Any) -> list:
        given = proposal["value"]
        if any(a >= b for a, b in pairwise(given)):
            raise traitlets.TraitError(f"periods: expected increasing numbers, got {given}")
        return given

    def figure(self) -> Any:
        """Draw the activity pattern with matplotlib; returns the Figure."""
        from rnncore.plotting.style import COLOURS

        fig, ax = drawing(1, 1, (7, 0.8 + 0.35 * len(self.periods)))
        for row, period in enumerate(self.periods):
            times = np.arange(0, self.steps, period)
            ax.plot(times, np.full(len(times), row), "s", color=COLOURS["hidden"])
        ax.set_yticks(
            range(len(self.periods)), [f"T{i + 1} = {p}" for i, p in enumerate(self.periods)]
        )
        ax.set(xlabel="step t", ylim=(len(self.periods) - 0.5, -0.5))
        return fig

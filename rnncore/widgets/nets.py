"""Figures of whole nets: a tiny one that trains in the page."""

from typing import Any

import numpy as np
import traitlets

from rnncore.cells import RNN
from rnncore.layers import init_linear
from rnncore.running import scan
from rnncore.widgets.base import Figure, source


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
        import matplotlib.pyplot as plt

        from rnncore.plotting.style import COLOURS

        hs, _, dhs = self.gradients()
        steps = np.arange(1, len(hs) + 1)
        fig, axes = plt.subplots(3, 1, figsize=(6.4, 4.2), sharex=True, layout="constrained")
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

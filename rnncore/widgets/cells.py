"""Figures of gated cells whose gates the reader sets."""

from typing import Any, ClassVar

import numpy as np
import traitlets

from rnncore.widgets.base import Figure, drawing, numbers, source

NOISY = (0.3, 0.8, -0.5, 0.6, -0.9, 0.4, -0.7, 0.5)


class Gated(Figure):
    """A cell with one unit, a sequence that comes in, and the steps that the reader has made."""

    sequence: ClassVar[str]
    write_at = traitlets.Int(2, min=1, max=11).tag(sync=True)
    read_at = traitlets.Int(8, min=2, max=12).tag(sync=True)
    history = traitlets.List(read_only=True).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        steps = len(getattr(self, self.sequence))
        if not self.write_at < self.read_at <= steps:
            raise traitlets.TraitError(
                f"write_at, read_at: expected the first to be smaller and both within {steps} "
                f"steps, got {self.write_at} and {self.read_at}"
            )

    def _sequence(self, proposal: Any) -> list:
        values = numbers(self.sequence, proposal["value"], (None,))
        if not 3 <= len(values) <= 12 or np.abs(values).max() > 1:
            raise traitlets.TraitError(
                f"{self.sequence}: expected 3 to 12 numbers from -1 to 1, got {values}"
            )
        return values

    def rows(self) -> dict[str, tuple[str, np.ndarray]]:
        """Return what the picture shows: the name of a row, its colour's name, a value a step."""
        raise NotImplementedError

    def figure(self) -> Any:
        """Draw a run that meets the goal with matplotlib; returns the Figure."""
        from rnncore.plotting.style import COLOURS

        rows = self.rows()
        fig, axes = drawing(len(rows), 1, (6.4, 0.6 + 0.8 * len(rows)), sharex=True)
        for ax, (name, (colour, values)) in zip(axes, rows.items()):
            steps = np.arange(1, len(values) + 1)
            ax.axhline(0, color=COLOURS["neutral"], linewidth=0.6)
            ax.bar(steps, values, 0.5, color=COLOURS[colour])
            ax.set(ylim=(-1.05, 1.05), yticks=[-1, 0, 1], xticks=steps)
            ax.set_ylabel(name, rotation=0, ha="right", va="center")
        axes[-1].set_xlabel("step")
        return fig


class LSTMCell(Gated):
    """An LSTM cell of one unit whose gates you set, step by step.

    The goal: write the candidate of one step, keep it, and let it out at another.

    Parameters
    ----------
    candidates : sequence of float
        The candidate g of each step, 3 to 12 numbers from -1 to 1.
    write_at, read_at : int
        Steps of the goal, counted from 1.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else.
    """

    _esm = source("lstm_cell")
    sequence = "candidates"
    alt = (
        "Eight steps of an LSTM cell: the candidate is noise but for step 2, the input gate opens "
        "there alone, the forget gate stays at one, the cell holds 0.8 to the end, and the output "
        "gate lets it out at step 8."
    )

    candidates = traitlets.List().tag(sync=True)

    def __init__(self, candidates: Any = NOISY, **settings: Any) -> None:
        super().__init__(candidates=candidates, **settings)

    @traitlets.validate("candidates")
    def _candidates(self, proposal: Any) -> list:
        return self._sequence(proposal)

    def rows(self) -> dict[str, tuple[str, np.ndarray]]:
        """Return the run that meets the goal: f = 1, and i and o open once."""
        g = np.array(self.candidates)
        steps = np.arange(1, len(g) + 1)
        i, o = (steps == self.write_at) * 1.0, (steps == self.read_at) * 1.0
        c = np.cumsum(i * g)
        return {
            "g": ("neutral", g),
            "i": ("gate", i),
            "f": ("gate", np.ones(len(g))),
            "o": ("gate", o),
            "c": ("cell", c),
            "h": ("hidden", o * np.tanh(c)),
        }


class GRUCell(Gated):
    """A GRU cell of one unit whose gates z and r you set, step by step.

    The goal: catch the candidate of one step and carry it to another.

    Parameters
    ----------
    inputs : sequence of float
        The input x of each step, 3 to 12 numbers from -1 to 1.
    weights : dict of str to float, optional
        Of the candidate: U, W, b and c in tanh(U x + b + r (W h + c)).
    write_at, read_at : int
        Steps of the goal, counted from 1.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else.
    """

    _esm = source("gru_cell")
    sequence = "inputs"
    alt = (
        "Eight steps of a GRU cell: the update gate z is 1 but at step 2, where the state takes "
        "the candidate; from there on it holds it against the noise of the inputs."
    )

    inputs = traitlets.List().tag(sync=True)
    weights = traitlets.Dict().tag(sync=True)

    def __init__(
        self, inputs: Any = NOISY, weights: dict[str, float] | None = None, **settings: Any
    ) -> None:
        start = {"U": 1.5, "W": 1.0, "b": 0.0, "c": 0.0}
        super().__init__(inputs=inputs, weights=start | (weights or {}), **settings)

    @traitlets.validate("inputs")
    def _inputs(self, proposal: Any) -> list:
        return self._sequence(proposal)

    @traitlets.validate("weights")
    def _four(self, proposal: Any) -> dict:
        given = proposal["value"]
        if set(given) != set("UWbc"):
            raise traitlets.TraitError(f"weights: expected U, W, b and c, got {sorted(given)}")
        return dict(zip(given, numbers("weights", list(given.values()), (4,))))

    def rows(self) -> dict[str, tuple[str, np.ndarray]]:
        """Return a run that meets the goal: z = 0 at the step to catch, 1 elsewhere, r = 1."""
        x, w, h = np.array(self.inputs), self.weights, 0.0
        z = (np.arange(1, len(x) + 1) != self.write_at) * 1.0
        ns, hs = [], []
        for keep, value in zip(z, x):
            ns.append(np.tanh(w["U"] * value + w["b"] + w["W"] * h + w["c"]))
            h = keep * h + (1 - keep) * ns[-1]
            hs.append(h)
        return {
            "x": ("input", x),
            "z": ("gate", z),
            "n": ("output", np.array(ns)),
            "h": ("hidden", np.array(hs)),
        }

"""Figures of dynamics: powers of a matrix, and a net that recalls."""

from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from rnncore import hopfield
from rnncore.widgets.base import Figure, drawing, numbers, source
from rnncore.widgets.texts import said


class Powers(Figure):
    r"""Powers of a 2 × 2 matrix, and what they do to a gradient that is carried back.

    The gradient of a linear net after k steps back is :math:`(\gamma W^\top)^k g`, with
    :math:`\gamma` for the slope of the activation.

    Parameters
    ----------
    matrix : array_like
        W, shape (2, 2), entries from -1.5 to 1.5.
    slope : float
        :math:`\gamma`, from 0.1 to 1.
    angle : int
        Direction of g in degrees, 0 to 180.
    steps : int
        Largest k, 5 to 60.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else.
    """

    _esm = source("powers")
    alt = (
        "Left, the unit circle and the ellipse that five steps back make of it, with the gradient "
        "as an arrow. Right, the gradient's size against the number of steps back, on a scale of "
        "powers of ten, beside the line of the spectral radius."
    )

    matrix = traitlets.List().tag(sync=True)
    slope = traitlets.Float(1.0, min=0.1, max=1.0).tag(sync=True)
    angle = traitlets.Int(60, min=0, max=180).tag(sync=True)
    steps = traitlets.Int(30, min=5, max=60).tag(sync=True)

    def __init__(self, matrix: ArrayLike = ((0.9, 0.2), (0.0, 0.7)), **settings: Any) -> None:
        super().__init__(matrix=numbers("matrix", matrix, (2, 2)), **settings)

    @traitlets.validate("matrix")
    def _entries(self, proposal: Any) -> list:
        rows = numbers("matrix", proposal["value"], (2, 2))
        if np.abs(rows).max() > 1.5:
            raise traitlets.TraitError(f"matrix: expected entries from -1.5 to 1.5, got {rows}")
        return rows

    def carried(self) -> np.ndarray:
        """Return the gradient after 0 … `steps` steps back, shape (steps + 1, 2)."""
        back, turn = self.slope * np.array(self.matrix).T, np.deg2rad(self.angle)
        path = [np.array([np.cos(turn), np.sin(turn)])]
        for _ in range(self.steps):
            path.append(back @ path[-1])
        return np.array(path)

    def figure(self) -> Any:
        """Draw five steps back with matplotlib; returns the Figure."""
        from rnncore.plotting.style import COLOURS

        fig, (left, right) = drawing(1, 2, (7, 3.2))
        turn, path = np.linspace(0, 2 * np.pi, 73), self.carried()
        ring = np.array([np.cos(turn), np.sin(turn)])
        after = np.linalg.matrix_power(self.slope * np.array(self.matrix).T, 5) @ ring
        left.plot(*ring, ":", color=COLOURS["neutral"])
        left.plot(*after, color=COLOURS["hidden"])
        left.plot(*path[:6].T, ".", color=COLOURS["gradient"])
        left.annotate("", path[5], (0, 0), arrowprops={"color": COLOURS["gradient"], "width": 1})
        left.set(aspect="equal", title="k = 5 steps back")
        steps = np.arange(len(path))
        radius = self.slope * np.abs(np.linalg.eigvals(np.array(self.matrix))).max()
        right.semilogy(steps, np.linalg.norm(path, axis=1), ".-", color=COLOURS["gradient"])
        right.semilogy(steps, radius**steps, "--", color=COLOURS["target"])
        right.set(xlabel="k, steps back", title="size of the gradient; dashed, (γρ)ᵏ")
        return fig


# Letters on a field of 8 by 8: a blank is -1, a mark +1.
_LETTERS = {
    "T": "######## ######## ...##... ...##... ...##... ...##... ...##... ...##...",
    "X": "##....## .##..##. ..####.. ...##... ...##... ..####.. .##..##. ##....##",
    "L": "##...... ##...... ##...... ##...... ##...... ##...... ######## ########",
    "O": ".######. ##....## ##....## ##....## ##....## ##....## ##....## .######.",
    "Z": "######## ######## ....##.. ...##... ..##.... .##..... ######## ########",
    "N": "##....## ###...## ####..## ##.##.## ##.##.## ##..#### ##...### ##....##",
}


def letters() -> np.ndarray:
    """Return T, X, L, O, Z and N as rows of 64 numbers, +1 for ink."""
    drawn = [rows.replace(" ", "") for rows in _LETTERS.values()]
    return np.array([[1 if mark == "#" else -1 for mark in row] for row in drawn])


class HopfieldRecall(Figure):
    """Hopfield's net: draw a picture, let the net recall, watch the energy fall.

    Parameters
    ----------
    patterns : array_like, optional
        Pictures to store, shape (P, rows · columns), entries +1 and -1. Six letters without it.
    names : sequence of str, optional
        What they are called.
    shape : tuple of int
        Rows and columns, at most 12 of each.
    stored : int
        How many of the pictures are stored at the start.
    state : array_like, optional
        Where to start, shape (rows · columns,). Without it, the first picture, spoilt.
    seed : int
        Draws the order of the units and the noise.

    Raises
    ------
    traitlets.TraitError
        If one of these is something else, or lengths do not fit.
    """

    _esm = source("hopfield_recall")
    alt = (
        "Left, the stored pictures; in the middle, a spoilt picture and what the net recalls from "
        "it; right, the energy, which falls with each flip of a unit until the picture is settled."
    )

    patterns = traitlets.List().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shape = traitlets.List(traitlets.Int(min=2, max=12), minlen=2, maxlen=2).tag(sync=True)
    stored = traitlets.Int(3, min=1).tag(sync=True)
    state = traitlets.List().tag(sync=True)
    seed = traitlets.Int(1, min=0).tag(sync=True)

    def __init__(
        self,
        patterns: ArrayLike | None = None,
        names: Any = None,
        shape: tuple[int, int] = (8, 8),
        state: ArrayLike | None = None,
        **settings: Any,
    ) -> None:
        if patterns is None:
            patterns, names = (
                letters(),
                names or [said("the letter {0}").format(name) for name in _LETTERS],
            )
        N = int(np.prod(shape))
        rows = _signs("patterns", patterns, (None, N))
        names = list(names or [said("picture {0}").format(n + 1) for n in range(len(rows))])
        if len(names) != len(rows):
            raise traitlets.TraitError(f"names: expected {len(rows)} of them, got {len(names)}")
        if state is None:
            seed = abs(settings.get("seed", 1))  # what is wrong with it is said below
            state = hopfield.corrupt(np.array(rows[0]), 0.2, rng=np.random.default_rng(seed))
        super().__init__(
            patterns=rows,
            names=names,
            shape=list(shape),
            state=_signs("state", state, (N,)),
            **settings,
        )

    def figure(self) -> Any:
        """Draw a recall from the start state with matplotlib; returns the Figure."""
        from rnncore.plotting.style import COLOURS

        kept = np.array(self.patterns)[: self.stored]
        weights, state = hopfield.hebb(kept), np.array(self.state)
        energies, end = [hopfield.energy(weights, state)], state.copy()
        for unit in np.tile(np.random.default_rng(self.seed).permutation(len(state)), 20):
            new = hopfield.update(weights, end)[unit]
            if new != end[unit]:
                end[unit] = new
                energies.append(hopfield.energy(weights, end))
        shown = [*kept[:3], state, end]
        titles = [*["stored"] * len(kept[:3]), "start", "recalled"]
        widths = [1] * len(shown) + [1.8]
        fig, axes = drawing(1, len(shown) + 1, (8, 2), width_ratios=widths)
        for ax, picture, title in zip(axes, shown, titles):
            grid = picture.reshape(self.shape)
            ax.imshow(grid, cmap="Blues", vmin=-1, vmax=1.4, interpolation="none")
            ax.set(title=title, xticks=[], yticks=[])
        axes[-1].plot(energies, ".-", color=COLOURS["hidden"])
        axes[-1].set(title="energy", xlabel="flips")
        return fig


def _signs(name: str, value: Any, shape: tuple[int | None, ...]) -> list:
    rows = np.array(numbers(name, value, shape))
    if not (np.abs(rows) == 1).all():
        raise traitlets.TraitError(f"{name}: expected +1 and -1 only")
    return rows.astype(int).tolist()

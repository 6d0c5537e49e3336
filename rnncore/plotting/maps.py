"""Pictures of what a net does: heat maps of matrices, paths of two-dimensional states.

Each function takes an ``ax``, draws on it and returns it.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, TwoSlopeNorm
from numpy.typing import ArrayLike

from rnncore.plotting.style import colour_of


def plot_heat(
    ax: Axes,
    values: ArrayLike,
    *,
    label: str,
    xlabel: str = "",
    ylabel: str = "",
    xticks: Sequence[object] | None = None,
    yticks: Sequence[object] | None = None,
    log: bool = False,
    centre: float | None = None,
) -> Axes:
    """Show a matrix as a heat map with a labelled colour bar; row 0 is on top.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    values : array_like, shape (rows, columns)
        NaN entries are left light grey; with `log`, so are entries that are not positive.
    label : str
        What the colour stands for, units included.
    xlabel, ylabel : str
        Labels of the axes.
    xticks, yticks : sequence, optional
        One tick label for each column, for each row.
    log : bool
        Whether the colour scale is logarithmic.
    centre : float, optional
        Use a two-sided colour map whose neutral colour stands for this value.

    Returns
    -------
    Axes
        The same `ax`.

    Raises
    ------
    ValueError
        If `values` is not a matrix, the number of tick labels is wrong, or both `log` and
        `centre` are given.
    """
    matrix = np.ma.masked_invalid(np.asarray(values, dtype=float))
    if matrix.ndim != 2:
        raise ValueError(f"values: expected a matrix, got shape {matrix.shape}")
    if log and centre is not None:
        raise ValueError("log and centre: expected at most one of them, got both")
    norm = None
    if log:
        matrix = np.ma.masked_less_equal(matrix, 0)
        norm = LogNorm()
    elif centre is not None:
        reach = float(np.abs(matrix - centre).max()) or 1.0
        norm = TwoSlopeNorm(centre, centre - reach, centre + reach)
    ax.set_facecolor("#E6E6E6")
    image = ax.imshow(
        matrix, norm=norm, cmap="cividis" if centre is None else "PuOr_r", aspect="auto"
    )
    ax.figure.colorbar(image, ax=ax, label=label)
    ax.grid(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    for axis, ticks, size in (
        (ax.xaxis, xticks, matrix.shape[1]),
        (ax.yaxis, yticks, matrix.shape[0]),
    ):
        if ticks is None:
            axis.get_major_locator().set_params(integer=True)
        elif len(ticks) != size:
            raise ValueError(f"tick labels: expected {size}, got {len(ticks)}")
        else:
            axis.set_ticks(range(size), [str(tick) for tick in ticks])
    return ax


def path_2d(
    ax: Axes,
    states: ArrayLike,
    *,
    names: Sequence[object] | None = None,
    concept: str = "hidden",
    xlabel: str = "$h_1$",
    ylabel: str = "$h_2$",
) -> Axes:
    """Draw the path of a two-dimensional state, with an arrow for each step.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    states : array_like, shape (T, 2)
        The state after each step. The first is drawn hollow, the last filled.
    names : sequence, optional
        T labels written beside the points, for instance the time or the letter read.
        Default: the first and the last time.
    concept : str
        Colour of the path, a name in `COLOURS`.
    xlabel, ylabel : str
        Labels of the axes.

    Returns
    -------
    Axes
        The same `ax`.

    Raises
    ------
    ValueError
        If `states` is not (T, 2), or there are not T names.
    """
    path = np.asarray(states, dtype=float)
    if path.ndim != 2 or path.shape[1] != 2 or len(path) == 0:
        raise ValueError(f"states: expected shape (T, 2) with T >= 1, got {path.shape}")
    if names is None:
        names = ["$t=0$"] + [""] * (len(path) - 2) + [f"$t={len(path) - 1}$"] * (len(path) > 1)
    if len(names) != len(path):
        raise ValueError(f"names: expected {len(path)}, got {len(names)}")
    colour = colour_of(concept)
    ax.plot(*path.T, color=colour, linestyle="none", marker="o", markersize=5)
    ax.plot(
        *path[0], color=colour, linestyle="none", marker="o", markersize=9, markerfacecolor="white"
    )
    ax.plot(*path[-1], color=colour, linestyle="none", marker="o", markersize=9)
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.3, "shrinkA": 4, "shrinkB": 4}
    for start, end in pairwise(path):
        ax.annotate("", end, start, arrowprops=look)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(0.14)
    ax.locator_params(nbins=6)
    ax.autoscale_view()
    for name, point, (right, up) in zip(
        names, path, _outward(ax.transData.transform(path)), strict=True
    ):
        look = {
            "ha": "left" if right > 0.3 else "right" if right < -0.3 else "center",
            "va": "center",
        }
        ax.annotate(str(name), point, (9 * right, 11 * up), textcoords="offset points", **look)
    return ax


def _outward(points: np.ndarray) -> np.ndarray:
    """Give for each point of a path the direction that leads away from its neighbours."""
    padded = np.vstack([points[:1], points, points[-1:]])
    away = 2 * points - padded[:-2] - padded[2:]
    length = np.hypot(*away.T)[:, None]
    return np.where(length > 1e-9, away / np.maximum(length, 1e-9), np.array([0.8, 0.6]))

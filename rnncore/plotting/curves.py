"""Learning curves with their spread over seeds, labelled at the line instead of in a legend.

Each function takes an ``ax``, draws on it and returns it. None of them calls ``show`` or makes
a figure, so that they can be put side by side and driven by a slider.
"""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from rnncore.plotting.style import COLOURS, MODELS, STYLES


def label_ends(ax: Axes, pad: float = 6.0) -> Axes:
    """Write each line's label at its right end, in place of a legend.

    Labels that would overlap are pushed apart. Call it last, when the limits are settled.

    Parameters
    ----------
    ax : Axes
        Holds the lines; lines without a label, with one that starts with ``_``, or without a
        finite point are left out. A line that ends in NaN is labelled at its last finite point.
    pad : float
        Points between the end of the line and its label.

    Returns
    -------
    Axes
        The same `ax`.
    """
    ax.autoscale_view()
    lines, ends = [], []
    for line in ax.get_lines():
        points = np.asarray(line.get_xydata(), dtype=float)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) and not str(line.get_label()).startswith("_"):
            lines.append(line)
            ends.append(points[-1])
    pixels = [line.get_transform().transform(end)[1] for line, end in zip(lines, ends, strict=True)]
    heights = np.array(pixels) * 72.0 / ax.figure.dpi
    order = np.argsort(heights)
    shifted = _spread(heights[order], 1.25 * ax.xaxis.label.get_size())
    for index, height in zip(order, shifted, strict=True):
        ax.annotate(
            str(lines[index].get_label()),
            ends[index],
            (pad, height - heights[index]),
            xycoords=lines[index].get_transform(),
            textcoords="offset points",
            va="center_baseline",
            color=lines[index].get_color(),
            annotation_clip=False,
        )
    return ax


def _spread(heights: np.ndarray, gap: float) -> np.ndarray:
    """Push sorted heights at least `gap` apart, each group around its own mean."""
    groups: list[tuple[float, int]] = []
    for height in heights:
        groups.append((float(height), 1))
        while len(groups) > 1:
            (low, many), (high, few) = groups[-2:]
            if high - low >= gap * (many + few) / 2:
                break
            groups[-2:] = [((low * many + high * few) / (many + few), many + few)]
    return np.concatenate(
        [mean + gap * (np.arange(count) - (count - 1) / 2) for mean, count in groups] or [heights]
    )


def plot_baselines(ax: Axes, baselines: Mapping[str, float]) -> Axes:
    """Draw horizontal lines that a model has to beat, each labelled at the right end.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    baselines : mapping of str to float
        Label and height of each line.

    Returns
    -------
    Axes
        The same `ax`.
    """
    for name, value in baselines.items():
        ax.axhline(value, color=COLOURS["baseline"], linestyle=":", linewidth=1.4, label=name)
    return ax


def plot_curves(
    ax: Axes,
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    baselines: Mapping[str, float] | None = None,
    xlabel: str = "update",
    ylabel: str = "loss",
    log: bool = False,
) -> Axes:
    """Plot curves with their spread over seeds: median line, band from minimum to maximum.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array_like, shape (N,)
        Horizontal positions, for instance update numbers.
    curves : mapping of str to array_like, each (N,) or (S, N)
        One curve, or one row for each of S seeds. A name that is in `STYLES` (case does not
        matter) gets that colour and line style, other names get those that are left over.
    baselines : mapping of str to float, optional
        Horizontal lines, see `plot_baselines`.
    xlabel, ylabel : str
        Labels of the axes, units included.
    log : bool
        Whether the vertical axis is logarithmic.

    Returns
    -------
    Axes
        The same `ax`.

    Raises
    ------
    ValueError
        If a curve's last axis does not have the length of `x`.
    """
    x = np.asarray(x)
    taken = [STYLES[name.lower()]["color"] for name in curves if name.lower() in STYLES]
    spare = cycle([STYLES[model] for model in MODELS if COLOURS[model] not in taken])
    for name, values in curves.items():
        runs = np.atleast_2d(np.asarray(values, dtype=float))
        if runs.ndim != 2 or runs.shape[1] != len(x):
            raise ValueError(f"curves[{name!r}]: expected (S, {len(x)}), got {np.shape(values)}")
        style = STYLES[name.lower()] if name.lower() in STYLES else next(spare)
        (line,) = ax.plot(x, np.median(runs, axis=0), label=name, **style)
        if len(runs) > 1:
            band = {"color": line.get_color(), "alpha": 0.18, "linewidth": 0}
            ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), **band)
    plot_baselines(ax, baselines or {})
    if log:
        ax.set_yscale("log")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0)
    ax.autoscale_view()
    return label_ends(ax)

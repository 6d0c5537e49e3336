"""Arrows and brackets between the shapes of a diagram.

An arrow begins and ends exactly on the borders of its shapes. Its head is a triangle of its
own, so that the tip touches the border and a dashed line keeps a solid head.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path

from rnncore.plotting.shapes import LINE, Point, Shape, label, unit
from rnncore.plotting.style import COLOURS, colour_of

HEAD = 0.2


def arrow(
    ax: Axes,
    start: Shape | Point,
    end: Shape | Point,
    text: str = "",
    *,
    concept: str = "target",
    via: tuple[Point, ...] = (),
    bend: float = 0.0,
    dashed: bool = False,
    head: bool = True,
    side: int = 1,
    text_concept: str | None = None,
) -> Axes:
    """Draw an arrow from border to border, straight, along corners or as an arc.

    Parameters
    ----------
    ax : Axes
        A canvas.
    start, end : Shape or (float, float)
        A shape is left and entered at the border; a point is taken as it is.
    text : str
        Label beside the middle of the arrow.
    concept : str
        Colour, a name in `COLOURS`.
    via : tuple of points
        Corners on the way, which are rounded.
    bend : float
        Curvature of an arc, positive to the right of the way; not together with `via`.
    dashed : bool
        Draw a dashed line.
    head : bool
        Draw the arrow's head.
    side : {1, -1}
        Whether the text stands to the left of the way or to the right of it.
    text_concept : str, optional
        Colour of the text, if it is not the arrow's.

    Returns
    -------
    Axes
        The same `ax`.
    """
    a = start.towards(via[0] if via else _centre(end)) if isinstance(start, Shape) else start
    b = end.towards(via[-1] if via else _centre(start)) if isinstance(end, Shape) else end
    points = np.array([a, *via, b], dtype=float)
    if bend:
        across = points[1] - points[0]
        control = points.mean(axis=0) + bend * np.array([across[1], -across[0]])
        points = np.insert(points, 1, control, axis=0)
    into = (points[-1] - points[-2]) / np.hypot(*(points[-1] - points[-2]))
    aside = np.array([-into[1], into[0]])
    colour = colour_of(concept)
    if head:
        back = b - HEAD * into
        triangle = [b, back + 0.36 * HEAD * aside, back - 0.36 * HEAD * aside]
        ax.add_patch(Polygon(triangle, color=colour, linewidth=0, zorder=2))
        points[-1] -= 0.8 * HEAD * into
    path = Path(points, [Path.MOVETO, Path.CURVE3, Path.CURVE3]) if bend else _rounded(points)
    style = (0, (3, 1.6)) if dashed else "-"
    look = {
        "edgecolor": colour,
        "facecolor": "none",
        "capstyle": "butt",
        "snap": False,
        "zorder": 2,
    }
    ax.add_patch(PathPatch(path, linewidth=LINE * unit(ax), linestyle=style, **look))
    if text:
        _beside(ax, points, bend, text, side, text_concept or concept)
    return ax


def _centre(end: Shape | Point) -> Point:
    return (end.x, end.y) if isinstance(end, Shape) else end


def _beside(ax: Axes, points: np.ndarray, bend: float, text: str, side: int, concept: str) -> None:
    """Write text beside the middle of the longest stretch."""
    if bend:
        middle = np.array([0.25, 0.5, 0.25]) @ points
        along = points[2] - points[0]
    else:
        longest = np.hypot(*np.diff(points, axis=0).T).argmax()
        middle = points[longest : longest + 2].mean(axis=0)
        along = points[longest + 1] - points[longest]
    left = np.array([-along[1], along[0]]) / np.hypot(*along)
    label(ax, tuple(middle + side * np.hypot(0.26 * left[0], 0.21 * left[1]) * left), text, concept)


def _rounded(points: np.ndarray, radius: float = 0.15) -> Path:
    """Join points by straight lines whose corners are rounded."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points[:-2], points[1:-1], points[2:], strict=True):
        into, out = before - corner, after - corner
        near = min(radius, np.hypot(*into) / 2, np.hypot(*out) / 2)
        entry, leave = (near * way / np.hypot(*way) for way in (into, out))
        vertices += [corner + entry, corner, corner + leave]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])


def bracket(ax: Axes, start: Point, end: Point, text: str = "", *, depth: float = 0.15) -> Axes:
    """Draw a square bracket from point to point, with a label outside.

    Parameters
    ----------
    ax : Axes
        A canvas.
    start, end : (float, float)
        Ends of the bracket.
    text : str
        Label at its middle.
    depth : float
        How far it reaches to the left of the way from `start` to `end`; negative: to the right.

    Returns
    -------
    Axes
        The same `ax`.
    """
    a, b = np.array(start, dtype=float), np.array(end, dtype=float)
    left = np.array([-(b - a)[1], (b - a)[0]]) / np.hypot(*(b - a))
    corners = np.array([a, a + depth * left, b + depth * left, b])
    ax.plot(
        *corners.T,
        color=COLOURS["target"],
        linewidth=LINE * unit(ax),
        linestyle="-",
        solid_joinstyle="miter",
    )
    beyond = (a + b) / 2 + (depth + np.copysign(0.22, depth)) * left
    align = (
        "center" if abs(left[0]) < 0.5 else ("left" if beyond[0] > corners[:, 0].max() else "right")
    )
    label(ax, tuple(beyond), text, align=align)
    return ax

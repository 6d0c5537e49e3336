"""Shapes for diagrams: nodes, boxes, dots and labels; `arrows` joins them.

A diagram is measured in its own units: a node is about 0.8 units wide, and steps of an
unrolled net are 2 units apart. `canvas` fits so many units into an ``ax``; text, lines and
arrow heads then scale with the unit, so that a diagram looks the same at any size. Text is as
large as the page's when a diagram 10 units wide fills a figure 7 inches wide.

A shape that is drawn returns a `Shape`, whose sides are where arrows begin and end::

    canvas(ax, 4, 1.2)
    x = node(ax, (0.6, 0.6), "$x_t$", "input")
    h = box(ax, (3.0, 0.6), "tanh", "hidden")
    arrow(ax, x, h, "$U$")
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.text import Text

from rnncore.plotting.style import colour_of, tint

TEXT, LINE, RADIUS = 0.25, 0.028, 0.4

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """Where a drawn shape sits: its centre, its size and whether it is a circle."""

    x: float
    y: float
    width: float
    height: float
    is_round: bool = False

    @property
    def top(self) -> Point:
        """Middle of the upper side."""
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> Point:
        """Middle of the lower side."""
        return self.x, self.y - self.height / 2

    @property
    def left(self) -> Point:
        """Middle of the left side."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        """Middle of the right side."""
        return self.x + self.width / 2, self.y

    def towards(self, point: Point) -> Point:
        """Give the point of the border on the straight way from the centre to `point`."""
        dx, dy = point[0] - self.x, point[1] - self.y
        if dx == dy == 0:
            return self.x, self.y
        if self.is_round:
            share = self.width / 2 / np.hypot(dx, dy)
        else:
            share = 0.5 / max(abs(dx) / self.width, abs(dy) / self.height)
        return self.x + share * dx, self.y + share * dy


def canvas(ax: Axes, width: float, height: float, origin: Point = (0.0, 0.0)) -> Axes:
    """Turn `ax` into an empty drawing area of so many units, without axes.

    Parameters
    ----------
    ax : Axes
        Is cleared.
    width, height : float
        Size in units.
    origin : (float, float)
        Lower left corner.

    Returns
    -------
    Axes
        The same `ax`.
    """
    ax.clear()
    ax.set_axis_off()
    ax.set(xlim=(origin[0], origin[0] + width), ylim=(origin[1], origin[1] + height))
    ax.set_aspect("equal")
    if (engine := ax.figure.get_layout_engine()) is not None:
        engine.execute(ax.figure)
    ax.apply_aspect()
    return ax


def unit(ax: Axes) -> float:
    """Give the length of one unit of the canvas in points, the unit of text sizes."""
    return float(np.ptp(ax.transData.transform([(0, 0), (1, 0)])[:, 0])) * 72 / ax.figure.dpi


def label(
    ax: Axes,
    at: Point,
    text: str,
    concept: str = "target",
    *,
    size: float = 1.0,
    align: str = "center",
) -> Text:
    """Write text, centred at a point.

    Parameters
    ----------
    ax : Axes
        A canvas.
    at : (float, float)
        Where the text is centred; with `align`, where it begins or ends.
    text : str
        What to write. Letters between ``$`` are set as the page sets mathematics.
    concept : str
        Colour, a name in `COLOURS`.
    size : float
        Size as a multiple of the usual one.
    align : {"center", "left", "right"}
        Which part of the text stands at `at`.

    Returns
    -------
    Text
        The drawn text.
    """
    scale = size * TEXT * (1.12 if "$" in text else 1.0)
    return ax.text(
        at[0],
        at[1] - 0.3 * scale,
        text,
        color=colour_of(concept),
        fontsize=scale * unit(ax),
        ha=align,
        va="baseline",
        zorder=5,
    )


def node(
    ax: Axes, at: Point, text: str = "", concept: str = "hidden", radius: float = RADIUS
) -> Shape:
    """Draw a circle with text in it; a small one makes an operation, such as a product.

    Parameters
    ----------
    ax : Axes
        A canvas.
    at : (float, float)
        Centre.
    text : str
        What stands in it.
    concept : str
        Colour, a name in `COLOURS`.
    radius : float
        In units.

    Returns
    -------
    Shape
        For `arrow` to begin or end at.
    """
    ax.add_patch(Circle(at, radius, zorder=3, **_look(ax, concept)))
    label(ax, at, text)
    return Shape(*at, 2 * radius, 2 * radius, is_round=True)


def box(
    ax: Axes,
    at: Point,
    text: str = "",
    concept: str = "neutral",
    *,
    width: float = 0.9,
    height: float = 0.6,
    dashed: bool = False,
) -> Shape:
    """Draw a rectangle with rounded corners and text in it.

    Parameters
    ----------
    ax : Axes
        A canvas.
    at : (float, float)
        Centre.
    text : str
        What stands in it.
    concept : str
        Colour, a name in `COLOURS`.
    width, height : float
        In units.
    dashed : bool
        Draw a dashed border around an empty inside, to frame a group of shapes. It lies
        behind everything else.

    Returns
    -------
    Shape
        For `arrow` to begin or end at.
    """
    corner, look = (at[0] - width / 2, at[1] - height / 2), _look(ax, concept)
    if dashed:
        look |= {"facecolor": "none", "linestyle": (0, (4, 3)), "zorder": 1}
    rounding = f"round,pad=0,rounding_size={min(0.1, height / 3)}"
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=rounding, **({"zorder": 3} | look)))
    label(ax, at, text)
    return Shape(*at, width, height)


def _look(ax: Axes, concept: str) -> dict:
    colour = colour_of(concept)
    return {"facecolor": tint(colour), "edgecolor": colour, "linewidth": 1.2 * LINE * unit(ax)}


def dot(ax: Axes, at: Point, concept: str = "target") -> Shape:
    """Draw a small filled dot where a line branches.

    Parameters
    ----------
    ax : Axes
        A canvas.
    at : (float, float)
        Centre.
    concept : str
        Colour, a name in `COLOURS`.

    Returns
    -------
    Shape
        For `arrow` to begin or end at.
    """
    ax.add_patch(Circle(at, 0.055, color=colour_of(concept), linewidth=0, zorder=3))
    return Shape(*at, 0, 0, is_round=True)

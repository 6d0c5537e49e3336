"""Figures of the book: one style, curves and heat maps, diagrams of nets.

This is the only part of rnncore that needs matplotlib; ``import rnncore`` does not load it.
"""

from rnncore.plotting.arrows import arrow, bracket
from rnncore.plotting.curves import label_ends, plot_baselines, plot_curves
from rnncore.plotting.diagrams import draw_folded_rnn, draw_unrolled_rnn
from rnncore.plotting.maps import path_2d, plot_heat
from rnncore.plotting.shapes import Shape, box, canvas, dot, label, node
from rnncore.plotting.style import COLOURS, STYLES, tint, use_style
from rnncore.plotting.tables import table

__all__ = [
    "COLOURS",
    "STYLES",
    "Shape",
    "arrow",
    "box",
    "bracket",
    "canvas",
    "dot",
    "draw_folded_rnn",
    "draw_unrolled_rnn",
    "label",
    "label_ends",
    "node",
    "path_2d",
    "plot_baselines",
    "plot_curves",
    "plot_heat",
    "table",
    "tint",
    "use_style",
]

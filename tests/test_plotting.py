"""The figures: each function draws what it says, and the colours can be told apart."""

import subprocess
import sys
from itertools import combinations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rnncore import plotting
from rnncore.plotting.style import CONCEPTS, MODELS

# Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of
# Color Vision Deficiency", matrices for complete deficiency, on linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
SRGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.072175],
        [0.0193339, 0.119192, 0.9503041],
    ]
)


@pytest.fixture(autouse=True)
def book_style():
    """Draw in the book's style and leave no figure and no setting behind."""
    with matplotlib.rc_context():
        plotting.use_style()
        yield
    plt.close("all")


@pytest.fixture
def ax():
    """One empty axes."""
    return plt.subplots()[1]


def linear(colour):
    part = np.array(matplotlib.colors.to_rgb(colour))
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    white = SRGB_TO_XYZ @ np.ones(3)
    ratio = SRGB_TO_XYZ @ np.clip(rgb, 0, 1) / white
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", plotting.COLOURS)
def test_colour_contrasts_with_white(name):
    luminance = SRGB_TO_XYZ[1] @ linear(plotting.COLOURS[name])
    assert 1.05 / (luminance + 0.05) >= 3


@pytest.mark.parametrize("names", [CONCEPTS, MODELS], ids=["concepts", "models"])
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stay_apart(sight, names):
    seen = {name: lab(SIGHT[sight] @ linear(plotting.COLOURS[name])) for name in names}
    nearest = min((np.linalg.norm(seen[a] - seen[b]), a, b) for a, b in combinations(names, 2))
    assert nearest[0] > 15, nearest


@pytest.mark.parametrize("names", [CONCEPTS, MODELS], ids=["concepts", "models"])
def test_styles_differ_without_colour(names):
    looks = {(str(plotting.STYLES[n]["linestyle"]), plotting.STYLES[n]["marker"]) for n in names}
    assert len(looks) == len(names)


def test_text_is_as_large_as_the_page():
    shown = 700 / 7 / 72
    sizes = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    assert all(plt.rcParams[size] * shown >= 15 for size in sizes)


def test_importing_rnncore_leaves_matplotlib_alone():
    code = "import rnncore, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


STATES = np.array([[0.0, 0.0], [0.5, 0.4], [0.2, 0.9], [0.2, 0.9]])
DRAWINGS = {
    "curves": (
        plotting.plot_curves,
        ([1, 2], {"LSTM": [[2, 1], [3, 1]], "mine": [3, 2]}),
        {},
        "LSTM mine",
    ),
    "curves, log": (
        plotting.plot_curves,
        ([1, 2], {"GRU": [2, 1]}),
        {"log": True, "baselines": {"bigram": 0.5}},
        "GRU bigram",
    ),
    "baselines": (plotting.plot_baselines, ({"chance": 0.1},), {}, ""),
    "heat": (
        plotting.plot_heat,
        (np.eye(2),),
        {"label": "norm", "xticks": "ab", "ylabel": "unit"},
        "a b unit",
    ),
    "heat, log": (plotting.plot_heat, (np.eye(2),), {"label": "norm", "log": True}, ""),
    "heat, two-sided": (
        plotting.plot_heat,
        (np.zeros((2, 3)),),
        {"label": "state", "centre": 0},
        "",
    ),
    "path": (plotting.path_2d, (STATES,), {}, "$h_1$ $h_2$ $t=0$ $t=3$"),
    "path, named": (plotting.path_2d, (STATES,), {"names": "wxyz", "concept": "cell"}, "w x y z"),
    "folded": (plotting.draw_folded_rnn, (), {}, "$x_t$ $h_t$ $o_t$ $U$ $V$ $W$ $h_{t-1}$"),
    "folded, Jordan": (plotting.draw_folded_rnn, (), {"jordan": True}, "$o_{t-1}$ $W$"),
    "unrolled": (plotting.draw_unrolled_rnn, (), {}, "$h_0$ $x_{1}$ $h_{4}$ $o_{4}$ $U$ $V$ $W$"),
    "one to one": (plotting.draw_unrolled_rnn, (1,), {}, "$x_{1}$ $o_{1}$"),
    "one to many": (
        plotting.draw_unrolled_rnn,
        (3,),
        {"inputs": {1}, "autoregressive": True},
        "$o_{3}$",
    ),
    "many to one": (plotting.draw_unrolled_rnn, (3,), {"outputs": {3}}, "$x_{3}$ $o_{3}$"),
    "states alone": (plotting.draw_unrolled_rnn, (2,), {"inputs": (), "outputs": ()}, "$h_{2}$"),
    "Jordan": (
        plotting.draw_unrolled_rnn,
        (2,),
        {"jordan": True, "times": ("t-1", "t")},
        "$o_{t-1}$",
    ),
    "losses": (plotting.draw_unrolled_rnn, (2,), {"losses": True, "weights": False}, "$L_{2}$"),
    "backward": (
        plotting.draw_unrolled_rnn,
        (3,),
        {"backward": 3},
        r"$L_{3}$ $\delta_{3,3}$ $\delta_{3,1}$",
    ),
    "backward, all": (
        plotting.draw_unrolled_rnn,
        (2,),
        {"backward": "all"},
        r"$\delta_{2}$ $\delta_{1}$",
    ),
}


@pytest.mark.parametrize("draw, args, options, labels", DRAWINGS.values(), ids=DRAWINGS)
@pytest.mark.filterwarnings("error")
def test_draws_its_labels_and_returns_its_axes(ax, draw, args, options, labels):
    assert draw(ax, *args, **options) is ax
    ax.figure.canvas.draw()
    written = {text.get_text() for text in ax.figure.findobj(matplotlib.text.Text)}
    assert set(labels.split()) <= written
    assert plt.get_fignums() == [ax.figure.number]


@pytest.mark.parametrize("draw, args, options, labels", DRAWINGS.values(), ids=DRAWINGS)
def test_draws_the_same_file_twice(tmp_path, draw, args, options, labels):
    for name in ("one.png", "two.png"):
        fig, ax = plt.subplots()
        draw(ax, *args, **options)
        fig.savefig(tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_labels_at_the_ends_do_not_overlap(ax):
    for height in (1.0, 1.0, 1.001, 3.0):
        ax.plot([0, 1], [0, height], label=f"to {height}")
    plotting.label_ends(ax)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_a_curve_that_ends_in_nan_is_labelled_where_it_stops(ax):
    plotting.plot_curves(ax, np.arange(3), {"a": [1.0, 2.0, np.nan], "b": [1.0, 1.0, 1.0]})
    ax.plot([0, 1], [np.nan, np.nan], label="nowhere")
    for text in list(ax.texts):
        text.remove()
    plotting.label_ends(ax)
    assert {text.get_text(): text.xy for text in ax.texts} == {"a": (1, 2), "b": (2, 1)}
    assert np.isfinite([text.get_position() for text in ax.texts]).all()


def test_arrows_touch_the_borders(ax):
    plotting.canvas(ax, 4, 4)
    round_one = plotting.node(ax, (1, 1), "a")
    square = plotting.box(ax, (3, 3), "b", width=0.8, height=0.4)
    assert np.hypot(*np.subtract(round_one.towards((3, 3)), (1, 1))) == pytest.approx(0.4)
    assert square.towards((1, 1)) == pytest.approx((2.8, 2.8))
    assert plotting.arrow(ax, round_one, square, "go", bend=0.2) is ax
    assert plotting.bracket(ax, (1, 2), (3, 2), "both") is ax
    (head,) = [patch for patch in ax.patches if isinstance(patch, matplotlib.patches.Polygon)]
    assert np.allclose(head.get_xy()[0], square.towards((1, 1)))
    assert {"a", "b", "go", "both"} <= {text.get_text() for text in ax.texts}


MISTAKES = {
    "colour": (lambda ax: plotting.node(ax, (0, 0), "a", "hiden"), "hiden"),
    "tint": (lambda ax: plotting.tint("hidden", 2.0), "0 to 1, got 2.0"),
    "curve length": (lambda ax: plotting.plot_curves(ax, [1, 2, 3], {"RNN": [1, 2]}), r"\(S, 3\)"),
    "not a matrix": (lambda ax: plotting.plot_heat(ax, [1, 2], label="x"), r"got shape \(2,\)"),
    "log and centre": (
        lambda ax: plotting.plot_heat(ax, [[1]], label="x", log=True, centre=0),
        "both",
    ),
    "tick labels": (
        lambda ax: plotting.plot_heat(ax, [[1, 2]], label="x", xticks="a"),
        "expected 2, got 1",
    ),
    "path": (lambda ax: plotting.path_2d(ax, [[1, 2, 3]]), r"\(T, 2\)"),
    "path names": (lambda ax: plotting.path_2d(ax, [[1, 2]], names="ab"), "expected 1, got 2"),
    "no steps": (lambda ax: plotting.draw_unrolled_rnn(ax, 0), "at least 1"),
    "step outside": (lambda ax: plotting.draw_unrolled_rnn(ax, 2, outputs={3}), "1 to 2"),
    "times": (lambda ax: plotting.draw_unrolled_rnn(ax, 2, times=["t"]), "2 subscripts, got 1"),
    "Jordan": (lambda ax: plotting.draw_unrolled_rnn(ax, 2, jordan=True, outputs={2}), "jordan"),
    "backward": (lambda ax: plotting.draw_unrolled_rnn(ax, 2, backward=3), "backward"),
}


@pytest.mark.parametrize("call, message", MISTAKES.values(), ids=MISTAKES)
def test_refuses(ax, call, message):
    with pytest.raises(ValueError, match=message):
        call(ax)


def test_table_is_markdown_and_refuses_ragged_rows():
    shown = plotting.table(["$T$", "loss"], [[10, "0.5"], (20, 0.25)])
    assert shown.data == "| $T$ | loss |\n| --- | --- |\n| 10 | 0.5 |\n| 20 | 0.25 |"
    with pytest.raises(ValueError, match=r"rows: expected 2 cells in each, got 1: \[10\]"):
        plotting.table(["$T$", "loss"], [[10]])

"""One look for the whole book.

A concept keeps its colour from the first lecture to the last: the hidden state is blue,
gradients are red, targets are black. There are eight colours. Each has a contrast of at
least 3 to 1 against white, and any two stay apart for readers who do not see red or green
(``tests/test_plotting.py`` checks both). Colour never carries a meaning alone: every concept
has its own line style and marker as well. Draw a curve with both::

    ax.plot(steps, norms, label="gradient", **STYLES["gradient"])

Lectures that compare models use the same eight colours under the models' names.
"""

from importlib.resources import as_file, files
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb

from rnncore.plotting.language import speak_the_readers_language

_BLUE, _TEAL, _OCHRE, _RED = "#1F77D4", "#006A6E", "#C28800", "#E0103C"
_VIOLET, _BROWN, _GREY, _BLACK = "#4A1FA8", "#5E3A00", "#8E8E8E", "#1A1A1A"

CONCEPTS = ("hidden", "cell", "gate", "gradient", "target", "input", "output", "neutral")
"""Names of the concepts, in the order of the palette."""

MODELS = ("rnn", "lstm", "gru", "linear", "baseline", "clockwork", "irnn", "echo")
"""Names of the models, in the order of the palette."""

_PALETTE = (_BLUE, _TEAL, _OCHRE, _RED, _BLACK, _VIOLET, _BROWN, _GREY)
_LINES: tuple[Any, ...] = (
    "-",
    "-.",
    "--",
    ":",
    "-",
    (0, (7, 2, 1, 2, 1, 2)),
    (0, (3, 1)),
    (0, (1, 1)),
)
_MARKERS = ("o", "s", "^", "v", "x", "D", "P", ".")

COLOURS: dict[str, str] = {
    name: colour
    for names in (CONCEPTS, MODELS)
    for name, colour in zip(names, _PALETTE, strict=True)
}
"""Colour of each concept and each model, as ``#RRGGBB``."""

STYLES: dict[str, dict[str, Any]] = {
    name: {"color": COLOURS[name], "linestyle": line, "marker": marker, "markevery": 0.15}
    for names in (CONCEPTS, MODELS)
    for name, line, marker in zip(names, _LINES, _MARKERS, strict=True)
}
"""Keyword arguments of ``ax.plot`` for each concept and each model."""


def use_style() -> None:
    """Load the book's matplotlib style into ``plt.rcParams``.

    Call it once, in a lecture's setup cell. Text comes out at the size of the page's text
    when a figure is 7 inches wide. The variable ``RNNCORE_FIGURES`` may name a file of
    translations for the words in figures; see `rnncore.plotting.language`.
    """
    speak_the_readers_language()
    with as_file(files(__package__) / "rnncore.mplstyle") as path:
        plt.style.use(path)


def tint(colour: str, strength: float = 0.16) -> tuple[float, float, float]:
    """Mix a colour with white, for fills behind dark text.

    Parameters
    ----------
    colour : str
        A name in `COLOURS`, or ``#RRGGBB``.
    strength : float
        Share of the colour, from 0 (white) to 1 (the colour itself).

    Returns
    -------
    tuple of float
        Red, green and blue, each in [0, 1].

    Raises
    ------
    ValueError
        If `strength` lies outside [0, 1] or the colour is unknown.
    """
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"strength: expected a number from 0 to 1, got {strength}")
    red, green, blue = to_rgb(colour_of(colour))
    return tuple(1.0 - strength * (1.0 - part) for part in (red, green, blue))


def colour_of(name: str) -> str:
    """Look a colour up by the name of its concept or model.

    Parameters
    ----------
    name : str
        A name in `COLOURS`, or ``#RRGGBB``, which is returned as it is.

    Returns
    -------
    str
        The colour as ``#RRGGBB``.

    Raises
    ------
    ValueError
        If there is no such name.
    """
    if name.startswith("#"):
        return name
    if name not in COLOURS:
        raise ValueError(f"colour: expected one of {sorted(COLOURS)}, got {name!r}")
    return COLOURS[name]

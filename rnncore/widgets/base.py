"""What the figures share: their JavaScript, their look, a picture for pages without JavaScript."""

import re
from html import escape
from importlib.resources import files
from io import StringIO
from typing import Any, ClassVar
from urllib.parse import quote

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from rnncore.widgets.texts import dictionary, said


def source(name: str) -> str:
    """Join the browser's side of one figure: the formulas, the page's parts, the figure itself."""
    parts = (files(__package__) / "js" / f"{part}.js" for part in ("core", "page", name))
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def style() -> str:
    """Read the look of all figures."""
    return (files(__package__) / "widgets.css").read_text(encoding="utf-8")


class Figure(anywidget.AnyWidget):
    """An interactive figure that computes in the page, with no kernel and no network.

    A subclass names its JavaScript (``_esm``), its start state (traits that are sent to the page)
    and a text that says what its picture shows (``alt``).  ``words`` holds the texts of the
    JavaScript that have a translation.
    """

    alt: ClassVar[str] = ""
    words = traitlets.Dict().tag(sync=True)
    _css = style()

    def __init__(self, **settings: Any) -> None:
        super().__init__(words=dictionary(self._esm), **settings)
        self.add_class("anywidget")  # by which the page's styles and scripts find it

    def __repr__(self) -> str:
        """Name the figure, the same in every run."""
        return f"{type(self).__name__}()"

    def figure(self) -> Any:
        """Draw the start state with matplotlib.

        Returns
        -------
        matplotlib.figure.Figure
            What a page shows where JavaScript is off.
        """
        raise NotImplementedError

    def picture(self) -> str:
        """Return that drawing as an ``<img>`` element with its text alternative.

        The SVG is written with few digits and without a date, so that it is the same everywhere.
        """
        import matplotlib

        own = {"svg.hashsalt": type(self).__name__, "svg.fonttype": "none", "font.size": 11.0}
        theirs = ("backend", "interactive")
        usual = {key: v for key, v in matplotlib.rcParamsDefault.items() if key not in theirs}
        with matplotlib.rc_context(usual | own):
            file = StringIO()
            nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
            self.figure().savefig(file, format="svg", metadata=nothing)
        svg = re.sub(r"^.*?(?=<svg )|\s*<metadata>.*?</metadata>", "", file.getvalue(), flags=re.S)
        svg = re.sub(r"<[^>]*>", _shorter, svg)
        width, height = (
            round(float(size) * 4 / 3) for size in re.findall(r'="([\d.]+)pt"', svg)[:2]
        )
        svg = quote(re.sub(r"\s*\n\s*", " ", svg).replace('"', "'"), safe=" =:/;,'()!*")
        return (
            f'<img alt="{escape(said(self.alt))}" width="{width}" height="{height}" '
            'style="max-width: 100%; height: auto; background: #fff" '
            f'src="data:image/svg+xml,{svg}">'
        )


def _shorter(tag: re.Match) -> str:
    return re.sub(r"-?\d+\.\d+", _short, tag[0].replace("'", ""))


def _short(number: re.Match) -> str:
    short = f"{float(number[0]):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def show(figure: Figure) -> None:
    """Display a figure, and its picture for pages that are read without JavaScript.

    Parameters
    ----------
    figure : Figure
        One of the figures of this module.

    Raises
    ------
    TypeError
        If it is something else.
    """
    from IPython.display import HTML, display

    if not isinstance(figure, Figure):
        raise TypeError(f"figure: expected a figure of rnncore.widgets, got {figure!r}")
    display(HTML(f"<noscript>{figure.picture()}</noscript>"))
    display(figure)


def drawing(rows: int, columns: int, size: tuple[float, float], **settings: Any) -> tuple:
    """Return a Figure and its axes, made without pyplot, so that no reader's notebook shows it."""
    from matplotlib.figure import Figure as Drawing

    figure = Drawing(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, **settings)


def numbers(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> list:
    """Return nested lists of finite numbers in a shape, or refuse; None stands for any length."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise traitlets.TraitError(f"{name}: expected numbers, got {value!r}") from None
    fits = array.ndim == len(shape) and all(w in (None, n) for w, n in zip(shape, array.shape))
    if not fits or array.size == 0:
        want = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise traitlets.TraitError(f"{name}: expected shape {want}, got {array.shape}")
    if not np.isfinite(array).all():
        raise traitlets.TraitError(f"{name}: expected finite numbers, got NaN or infinity")
    return array.tolist()

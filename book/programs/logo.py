"""Draw the book's logo, the icon of its pages and the card that shows when a page is shared.

``python book/programs/logo.py`` writes ``logo.svg``, ``favicon.svg`` and ``card.png`` in
``book/_static``. All three show a unit that feeds itself: unrolled in the logo and on the card,
with its loop in the icon.
"""

from pathlib import Path

STATIC = Path(__file__).resolve().parents[1] / "_static"
TITLE = "Recurrent Neural Networks,\nEquation by Equation"
# Colours that show on a light and on a dark page.
STATE, TIME = "#3f86c6", "#e08a1e"
GROUND, LOOP = "#12406b", "#ffb454"
RADIUS, GAP, MIDDLE = 18, 78, 42
CENTRES = [MIDDLE + GAP * step for step in range(3)]


def group(inner: str, **style: str) -> str:
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f"<g{attributes}>{inner}</g>"


def arrow(x: float, y: float, dx: float, dy: float, head: float) -> str:
    """Return the path of an arrow from (x, y) along one axis, with its head at the end."""
    if dx:
        return f"M{x} {y}h{dx}m{-head} {-head + 2}l{head} {head - 2}l{-head} {head - 2}"
    return f"M{x} {y}v{dy}m{-head + 1} {head + 1}l{head - 1} {-head - 1}l{head - 1} {head + 1}"


def circle(x: float, y: float, radius: float) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}"/>'


def path(line: str, **style: str) -> str:
    attributes = "".join(f' {name}="{value}"' for name, value in style.items())
    return f'<path d="{line}"{attributes}/>'


def svg(width: int, height: int, inner: str, attributes: str) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {attributes}>'
    return f"{head}\n{inner}\n</svg>\n"


ROUND = {"stroke_linecap": "round", "stroke_linejoin": "round", "stroke_width": "4"}


def logo() -> str:
    """Return a net unrolled over three steps: inputs below, outputs above, time to the right."""
    across = [arrow(x + RADIUS + 4, MIDDLE, GAP - 2 * RADIUS - 8, 0, 9) for x in CENTRES[:-1]]
    up = [f"M{x} {2 * MIDDLE - 4}V{MIDDLE + RADIUS + 4}" for x in CENTRES]
    up += [arrow(x, MIDDLE - RADIUS - 4, 0, -16, 6) for x in CENTRES]
    units = "".join(circle(x, MIDDLE, RADIUS) for x in CENTRES) + path("".join(up))
    drawn = group(path("".join(across)), stroke=TIME) + "\n" + group(units, stroke=STATE)
    size = 'width="240" height="84"'
    return svg(240, 84, group(f"\n{drawn}\n", fill="none", **ROUND), size)


def favicon() -> str:
    """Return one unit with its loop, on a dark ground that shows in any browser's tab."""
    ground = f'<rect width="64" height="64" rx="14" fill="{GROUND}"/>'
    unit = circle(30, 36, 12) + path("M32 60V50" + arrow(32, 22, 0, -12, 6))
    loop = path("M42 26c12-12 18 14 3 14M50 35l-6 5 6 5", stroke=LOOP)
    drawn = group(f"\n{unit}\n{loop}\n", fill="none", stroke="#fff", **ROUND)
    return svg(64, 64, f"{ground}\n{drawn}", 'role="img" aria-label="A recurrent unit"')


def card(file) -> None:
    """Draw the card, 1200 by 630 points as most sites show it: the logo, and the title below."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle, FancyArrowPatch

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1200), ylim=(0, 630))
    axes.set_axis_off()
    size, y = 3.2, 430

    def line(start, stop, colour):
        style = {"arrowstyle": "-|>", "mutation_scale": 34, "linewidth": 9, "color": colour}
        axes.add_patch(FancyArrowPatch(start, stop, shrinkA=0, shrinkB=0, **style))

    xs = [600 + size * (x - CENTRES[1]) for x in CENTRES]
    for x in xs:
        radius = size * RADIUS
        axes.add_patch(Circle((x, y), radius, fill=False, edgecolor=STATE, linewidth=9))
        line((x, y - radius - 62), (x, y - radius - 8), STATE)
        line((x, y + radius + 8), (x, y + radius + 72), STATE)
    for x in xs[:-1]:
        line((x + size * (RADIUS + 5), y), (x + size * (GAP - RADIUS - 4), y), TIME)
    style = {"ha": "center", "va": "center", "color": GROUND, "linespacing": 1.3}
    axes.text(600, 165, TITLE, fontsize=44, fontweight="bold", **style)
    figure.savefig(file, format="png", metadata={"Software": None})


def main() -> None:
    (STATIC / "logo.svg").write_text(logo(), encoding="utf-8")
    (STATIC / "favicon.svg").write_text(favicon(), encoding="utf-8")
    card(STATIC / "card.png")


if __name__ == "__main__":
    main()

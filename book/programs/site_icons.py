"""Leave in the site's icon script the icons that the site shows: a Sphinx extension.

The theme loads two thousand icons, a third of the bytes of a page, before a page may show; the site
uses twenty. Icons are looked for by name (``fa-list``) in the pages and in the theme's scripts.
"""

import re
from pathlib import Path

SCRIPT = Path("scripts", "fontawesome.js")
ICON = re.compile(
    r'(?:"(?P<quoted>[\w-]+)"|(?P<plain>[\w$]+)):'
    r'\[\d+,\d+,\[(?P<aliases>[^\]]*)\],"[0-9a-f]+","[^"]*"\],?'
)
NAME = re.compile(r"\bfa-([a-z0-9-]+)")


def subset(script: str, names: set[str]) -> str:
    """Return the script without the icons that are called by none of the names."""

    def kept(icon: re.Match) -> str:
        called = {icon["quoted"] or icon["plain"], *re.findall(r'"([\w-]+)"', icon["aliases"])}
        return icon[0] if called & names else ""

    return ICON.sub(kept, script)


def names_in(site: Path) -> set[str]:
    """Return the names of icons in the pages, and in the scripts beside the icons'."""
    files = [*site.rglob("*.html"), *site.glob("_static/scripts/*.js"), *site.glob("_static/*.js")]
    texts = (path.read_text(encoding="utf-8") for path in files if path.name != SCRIPT.name)
    return {name for text in texts for name in NAME.findall(text)}


def _reduce(app, exception):
    if exception or app.builder.format != "html":
        return
    # From the theme itself: what an earlier build left may lack what a new page shows.
    whole = (Path(folder, "static", SCRIPT) for folder in app.builder.theme.get_theme_dirs())
    script = next(path for path in whole if path.exists()).read_text(encoding="utf-8")
    site = Path(app.outdir)
    (site / "_static" / SCRIPT).write_text(subset(script, names_in(site)), encoding="utf-8")


def setup(app):
    # After the pages and the files of the theme are written.
    app.connect("build-finished", _reduce, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

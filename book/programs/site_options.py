"""The part of the site's configuration that has to be computed: a Sphinx extension.

The repository's address stands in ``_config.yml`` alone. The theme's buttons that lead there
(repository, issues, edit this page) and those that run a lecture elsewhere would point nowhere
while it is empty, and Jupyter Book refuses to build with them, so they are switched on here, and
only when there is an address. What needs the site's own address (canonical links, the site map, the
picture of a shared page) is treated alike: see ``site_pages.py``.
"""

import os
import re
from pathlib import Path

import yaml

REPOSITORY_BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")
BINDER = {"notebook_interface": "jupyterlab", "binderhub_url": "https://mybinder.org"}
COLAB = {"colab_url": "https://colab.research.google.com"}
GITHUB = re.compile(r"https://github\.com/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/?")
CITATION = Path(__file__).resolve().parents[2] / "CITATION.cff"
# The book in one file, which `make pdf` puts beside the pages; its link stands in this place.
PDF = "recurrent-neural-networks.pdf"
PDF_PLACE = "<!-- pdf -->"


def theme_options(options: dict) -> dict:
    """Return the theme options with the repository's buttons on if its address is set."""
    address = (options.get("repository_url") or "").strip()
    kept = {k: v for k, v in options.items() if k not in ("repository_url", "launch_buttons")}
    if not address:
        return kept | dict.fromkeys(REPOSITORY_BUTTONS, False)
    launch = BINDER | (COLAB if GITHUB.fullmatch(address) else {})
    buttons = dict.fromkeys(REPOSITORY_BUTTONS, True)
    return kept | buttons | {"repository_url": address, "launch_buttons": launch}


def site_address(given: str | None, repository: str | None) -> str:
    """Return the site's address: the one given, or that of the repository's GitHub Pages, or ""."""
    address = (given or "").strip()
    if not address and (found := GITHUB.fullmatch((repository or "").strip())):
        address = f"https://{found['owner'].lower()}.github.io/{found['name']}"
    return address.rstrip("/") + "/" if address else ""


def about() -> str:
    """Return what the book is, in a sentence, from ``CITATION.cff``."""
    return yaml.safe_load(CITATION.read_text(encoding="utf-8"))["abstract"]


def citation() -> str:
    """Return how to cite the book, in HTML, from ``CITATION.cff``."""
    cited = yaml.safe_load(CITATION.read_text(encoding="utf-8"))
    authors = ", ".join(author["name"] for author in cited["authors"])
    year = str(cited["date-released"])[:4]
    return f"{authors}. <cite>{cited['title']}</cite>. Version {cited['version']}, {year}."


def _apply(app, config):
    options = config.html_theme_options
    config.html_baseurl = site_address(config.html_baseurl, options.get("repository_url"))
    footer = f"{options.get('extra_footer', '')}\n<p>Cite as: {citation()}</p>\n{PDF_PLACE}"
    config.html_theme_options = theme_options(options) | {"extra_footer": footer}
    config.ogp_site_url = config.html_baseurl
    # Another edition is built from the same configuration.
    config.language = os.environ.get("BOOK_LANGUAGE", config.language)


def setup(app):
    # Before the theme's own listeners, which read these options.
    app.connect("config-inited", _apply, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

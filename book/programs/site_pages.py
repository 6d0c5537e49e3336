"""What each page of the site gets beside its text: a Sphinx extension.

A description and, for who shares the page, its picture; the size of every picture, so that nothing
moves when it arrives; scripts that let the page show before they run; the link to the book as one
PDF if there is one; and, when the site's address is known, a map of the site for search engines.
"""

import html
import re
from pathlib import Path
from xml.sax.saxutils import escape

from docutils import nodes
from imagesize import get as size_of
from site_options import PDF, PDF_PLACE, about

LONGEST = 200
MADE = {
    "genindex": "Index of the functions, the classes and the terms.",
    "prf-prf": "Index of the definitions, the theorems and the algorithms.",
    "search": "Search the book.",
}
# Scripts inside the pages need this one at once.
AT_ONCE = "documentation_options.js"
IMAGE = re.compile(r'<img\b(?![^>]*\bwidth=)[^>]*\bsrc="(?P<source>[^"]+)"[^>]*?(?=\s*/?>)')
NEEDS_ADDRESS = re.compile(r'<meta property="og:(?:url|image|image:alt)"[^>]*>\n?')


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut a text at a sentence if one ends in time, else at a word."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    sentence = text[: longest + 1].rpartition(". ")[0]
    if len(sentence) > longest / 3:
        return sentence + "."
    return text[: longest - 1].rpartition(" ")[0].rstrip(",;:") + " …"


def description(document: nodes.document | None) -> str:
    """Return what a page says of itself first: its first paragraph, formulas left as written."""
    for paragraph in document.findall(nodes.paragraph) if document else ():
        if paragraph.astext().strip():
            return shortened(paragraph.astext())
    return ""


def sized(body: str, sizes) -> str:
    """Give each picture without a width its size in pixels; ``sizes`` knows it by the file."""

    def measured(image: re.Match) -> str:
        size = sizes(image["source"].rsplit("/", 1)[-1])
        if not size:
            return image[0]
        return f'{image[0]} width="{size[0]}" height="{size[1]}"'

    return IMAGE.sub(measured, body)


def deferred(scripts) -> list:
    """Return scripts that the browser runs, in the same order, after it has read the page."""
    result = []
    for script in scripts:
        name, attributes = str(script.filename or ""), dict(script.attributes)
        if name and not name.endswith(AT_ONCE) and "async" not in attributes:
            attributes["defer"] = "defer"
        result.append(type(script)(script.filename, priority=script.priority, **attributes))
    return result


def pdf_link(address: str) -> str:
    return f'<p><a href="{html.escape(address)}">The whole book as one PDF</a></p>'


def site_map(base: str, pages: list[str]) -> str:
    """Return the site map: every page's address.

    Of all pages each time, where sphinx-sitemap lists only those that the last build wrote.
    """
    lines = [f"<url><loc>{escape(base + page)}</loc></url>" for page in pages]
    head = '<?xml version="1.0" encoding="utf-8"?>'
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    return "\n".join([head, f"<urlset {space}>", *lines, "</urlset>", ""])


def _describe(app, pagename, templatename, context, doctree):
    """Before sphinxext-opengraph, which takes the description from here."""
    said = about() if pagename == app.config.root_doc else MADE.get(pagename, "")
    said = html.escape(said or description(doctree), quote=True)
    described = f'<meta name="description" content="{said}" />\n'
    context["metatags"] = context.get("metatags", "") + described
    context["meta"] = dict(context.get("meta") or {}) | {"og:description": said}


def _complete(app, pagename, templatename, context, doctree):
    """After the theme and sphinxext-opengraph."""
    if not app.config.html_baseurl:
        context["metatags"] = NEEDS_ADDRESS.sub("", context["metatags"])
    if "body" in context:
        # Where two pictures have the same name, one gets another; the builder knows which is which.
        sources = {name: Path(app.srcdir) / path for path, name in app.builder.images.items()}
        context["body"] = sized(
            context["body"], lambda name: size_of(sources[name]) if name in sources else None
        )
    if pagename != "search":  # whose template has scripts that need the others
        context["script_files"] = deferred(context["script_files"])
    if (Path(app.outdir) / PDF).exists():
        footer = context.get("theme_extra_footer", "")
        link = pdf_link(context["pathto"](PDF, 1))
        context["theme_extra_footer"] = footer.replace(PDF_PLACE, link)


def _finish(app, exception):
    if exception or not app.config.html_baseurl or app.builder.format != "html":
        return
    pages = [app.builder.get_target_uri(page) for page in sorted(app.env.found_docs)]
    site = site_map(app.config.html_baseurl, pages)
    (Path(app.outdir) / "sitemap.xml").write_text(site, encoding="utf-8")


def setup(app):
    app.connect("html-page-context", _describe, priority=400)
    app.connect("html-page-context", _complete, priority=900)
    app.connect("build-finished", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Print the built site into one PDF, with contents, page numbers and working links: ``make pdf``.

Chromium prints the pages one by one, in the order of the contents, each counting on from the one
before; pypdf puts them together. While one page is printed, the next is loaded and typeset. At the
end each page of the site gets a link to the PDF, in the place that ``site_options`` left for it.
"""

import argparse
import asyncio
import functools
import html
import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from bs4 import BeautifulSoup
from playwright.async_api import async_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject, NumberObject
from site_options import PDF, PDF_PLACE, citation
from site_pages import pdf_link

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCALE = 0.75
# The width of the text, 174 mm, in the pixels of a page printed at this scale.
WIDTH = {"width": round(174 / 25.4 * 96 / SCALE), "height": 1400}
PRINT = {"prefer_css_page_size": True, "print_background": True, "scale": SCALE}


class Chapter(NamedTuple):
    """A page of the site: the part it is in, its file's name, its title."""

    part: str
    name: str
    title: str


@functools.cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def chapters(site: Path) -> list[Chapter]:
    """Return the pages in the order of the contents, as the first page's navigation lists them."""
    first = unquote(soup(site / "index.html").select_one("meta[http-equiv]")["content"])
    first = first.partition("url=")[2]
    page = soup(site / first)
    found = [Chapter("", first, page.select_one("article h1").contents[0].get_text())]
    part = ""
    for entry in page.select("nav.bd-links .caption-text, nav.bd-links a.reference.internal"):
        if "caption-text" in entry.get("class", ()):
            part = entry.get_text()
        elif entry["href"] != "#":
            name = urlsplit(urljoin(first, unquote(entry["href"]))).path
            found.append(Chapter(part, name, " ".join(entry.get_text().split())))
    return found


def targets(site: Path, pages: list[Chapter]) -> dict[str, set[str]]:
    """Return, for each page, the places in it that a link of any page leads to."""
    wanted = {page.name: set() for page in pages}
    for page in pages:
        for link in soup(site / page.name).select("article a[href*='#']"):
            place = urlsplit(urljoin(page.name, link["href"]))
            if not place.netloc and place.path in wanted:
                wanted[place.path].add(unquote(place.fragment))
    return wanted


def sections(site: Path, name: str) -> list[tuple[str, str]]:
    """Return the place and the title of each section of a page."""
    found = soup(site / name).select("article section > h2")
    for sign in (sign for title in found for sign in title.select("a.headerlink")):
        sign.extract()
    return [(title.parent["id"], " ".join(title.get_text().split())) for title in found]


async def load(browser, address: str, places: list[str]):
    """Open a page, typeset it, and make it ready to be printed."""
    page = await browser.new_page(viewport=WIDTH, color_scheme="light")
    await page.emulate_media(media="print", color_scheme="light")
    await page.goto(address, wait_until="load")
    await page.add_style_tag(path=HERE / "pdf.css")
    await page.evaluate("async () => { await window.MathJax?.startup?.promise }")
    await page.evaluate((HERE / "pdf.js").read_text(encoding="utf-8"), places)
    return page


async def print_page(page, title: str, start: int) -> bytes:
    """Print a page whose first sheet has the number ``start``, with its title at the head."""
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    head = f'@page {{ @top-center {{ content: "{quoted}"; }} }}' if title else ""
    await page.add_style_tag(content=f"html {{ counter-reset: page {start - 1}; }} {head}")
    printed = await page.pdf(**PRINT)
    await page.close()
    return printed


def front(pages: list[Chapter], starts: list[int], site: Path) -> str:
    """Return the title page and the contents, in HTML."""
    rows, part = [], ""
    for page, start in zip(pages, starts):
        if page.part != part:
            part = page.part
            rows.append(f"<h2>{html.escape(part)}</h2>")
        link = f'<a href="{(site / page.name).as_uri()}">{html.escape(page.title)}</a>'
        rows.append(f"<p>{link}<span></span>{start}</p>")
    logo = (ROOT / "book" / "_static" / "logo.svg").read_text(encoding="utf-8")
    title = html.escape(pages[0].title)
    style = (HERE / "pdf.css").read_text(encoding="utf-8")
    return (
        f"<!doctype html><html lang=en><title>{title}</title><style>{style}</style>"
        f'<body class="front"><header>{logo}<h1>{title}</h1><p>{citation()}</p>'
        "<p>Text and figures: CC BY 4.0. Code: MIT licence.</p>"
        "<p>Printed from the site. Code that only draws a figure is left out; the notebooks have "
        "it, and in them the sliders move.</p></header>"
        f"<main><h1>Contents</h1>{''.join(rows)}</main></body></html>"
    )


def warn_of_missing_letters() -> None:
    """The glossary's Chinese words need a font, which a bare machine has not."""
    if shutil.which("fc-list"):
        fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True).stdout
        if not fonts.strip():
            print("No Chinese font is installed (Debian, Ubuntu: fonts-noto-cjk): boxes instead.")


async def print_all(site: Path, pages: list[Chapter]) -> list[bytes]:
    """Return the front matter and every page, each as a PDF."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        sys.exit("make pdf needs Chromium or Chrome.")
    wanted = targets(site, pages)
    printed, starts, total = [], [], 0

    def ready(page):
        places = sorted(wanted[page.name] | {place for place, _ in sections(site, page.name)})
        return asyncio.create_task(load(browser, (site / page.name).as_uri(), places))

    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
        browser = await playwright.chromium.launch(executable_path=found, args=options)
        following = ready(pages[0])
        for k, page in enumerate(pages):
            loaded = await following
            if k + 1 < len(pages):
                following = ready(pages[k + 1])
            starts.append(total + 1)
            printed.append(await print_page(loaded, page.title, total + 1))
            total += len(PdfReader(io.BytesIO(printed[-1])).pages)
            print(f"{page.name}: {starts[-1]}–{total}", flush=True)
        page = await browser.new_page()
        await page.set_content(front(pages, starts, site))
        printed.insert(0, await page.pdf(**PRINT))
        await browser.close()
    return printed


def join(site: Path, pages: list[Chapter], printed: list[bytes]) -> PdfWriter:
    """Put the parts together: sheets, links between them, outline, numbers, title."""
    writer = PdfWriter()
    places, firsts = {}, {}
    for name, content in zip(["", *(page.name for page in pages)], printed):
        reader = PdfReader(io.BytesIO(content))
        first = len(writer.pages)
        writer.append_pages_from_reader(reader)
        firsts[name] = first
        for place, there in reader.named_destinations.items():
            sheet = first + reader.get_destination_page_number(there)
            places[name, unquote(place.lstrip("/"))] = (sheet, there.top)
    sheets = list(writer.pages)
    bounds = [*firsts.values(), len(sheets)]
    for name, first, last in zip(firsts, bounds, bounds[1:]):
        for sheet in range(first, last):
            mend_links(sheets, sheets[sheet], name, site, firsts, places)
    outline(writer, site, pages, firsts, places)
    front_sheets = bounds[1]
    writer.set_page_label(0, front_sheets - 1, style="/r")
    writer.set_page_label(front_sheets, len(sheets) - 1, style="/D", start=1)
    writer.add_metadata({"/Title": pages[0].title, "/Author": "The rnncore contributors"})
    writer.page_mode = "/UseOutlines"
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    return writer


def mend_links(sheets, sheet, name: str, site: Path, firsts: dict, places: dict) -> None:
    """Let the links of a sheet lead to sheets of this PDF where they led to the site."""
    for reference in sheet.get("/Annots", ()):
        link = reference.get_object()
        if link.get("/Subtype") != "/Link":
            continue
        there, base = (name, ""), f"{site.as_uri()}/"
        if "/Dest" in link:
            there = (name, unquote(str(link["/Dest"]).lstrip("/")))
        elif (address := str(link.get("/A", {}).get("/URI", ""))).startswith(base):
            path, _, fragment = address.removeprefix(base).partition("#")
            there = (unquote(path), unquote(fragment))
        else:
            continue
        if there[0] in firsts:
            number, top = places.get(there, (firsts[there[0]], None))
            at = [sheets[number].indirect_reference, NameObject("/XYZ"), NumberObject(0)]
            top = NumberObject(round(top)) if top is not None else NumberObject(842)
            link.pop("/A", None)
            link[NameObject("/Dest")] = ArrayObject([*at, top, NumberObject(0)])


def outline(writer, site: Path, pages: list[Chapter], firsts: dict, places: dict) -> None:
    """Write the outline that a reader's program shows beside the sheets."""
    parts = {"": None}
    for page in pages:
        first, part = firsts[page.name], page.part
        if part not in parts:
            parts[part] = writer.add_outline_item(title=part, page_number=first)
        entry = {"title": page.title, "page_number": first, "parent": parts[part]}
        chapter = writer.add_outline_item(**entry)
        for place, title in sections(site, page.name):
            if (page.name, place) in places:
                sheet = places[page.name, place][0]
                writer.add_outline_item(title=title, page_number=sheet, parent=chapter)


def link_from_pages(site: Path) -> None:
    """Put the link to the PDF into every page that has the place for it."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if PDF_PLACE in text:
            up = "../" * (len(path.relative_to(site).parts) - 1)
            path.write_text(text.replace(PDF_PLACE, pdf_link(up + PDF)), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", nargs="?", type=Path, default=SITE, help="the built site")
    parser.add_argument("--only", nargs="*", help="names of pages; all, if none is given")
    options = parser.parse_args()
    site = options.site.resolve()
    begin = time.monotonic()
    warn_of_missing_letters()
    pages = [page for page in chapters(site) if not options.only or page.name in options.only]
    book = join(site, pages, asyncio.run(print_all(site, pages)))
    partial = site / f"{PDF}.partial"
    book.write(partial)
    os.replace(partial, site / PDF)
    link_from_pages(site)
    size, took = (site / PDF).stat().st_size / 1e6, time.monotonic() - begin
    print(f"{site / PDF}: {len(book.pages)} sheets, {size:.1f} MB, {took:.0f} s")


if __name__ == "__main__":
    main()

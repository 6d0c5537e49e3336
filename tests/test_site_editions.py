"""The site's settings on a small book: with an address, in another language, with a PDF."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import logo
import nbformat
import pdf
import pytest
import site_icons
import site_options
import site_pages
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STATIC = ROOT / "book" / "_static"
PAGE = "notebooks/01_small.html"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEklEQVR4nGP8z8DAwMDAxAADACQHAQ/YzF/OAAAA"
    "AElFTkSuQmCC"
)


def small_book(folder, repository="", base=""):
    """Write a book of two pages with the settings of the real one."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    settings["repository"]["url"], settings["html"]["baseurl"] = repository, base
    (folder / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    chapters = [{"file": "notebooks/01_small"}]
    parts = [{"caption": "I · One", "numbered": 1, "chapters": chapters}]
    contents = {"format": "jb-book", "root": "book/intro", "parts": parts}
    (folder / "_toc.yml").write_text(yaml.safe_dump(contents), encoding="utf-8")
    (folder / "book").mkdir()
    (folder / "notebooks").mkdir()
    for name in ("_static", "programs", "references.bib"):
        (folder / "book" / name).symlink_to(ROOT / "book" / name)
    intro = "# A small book\n\nTwo pages: [see there](../notebooks/01_small.ipynb#a-section).\n"
    (folder / "book" / "intro.md").write_text(intro, encoding="utf-8")
    title = "# A small lecture\n\nYou learn that $h_t = \\tanh(W h_{t-1})$. A second sentence."
    title += "\n\n## A section\n\n$$c_t = f c_{t-1} + i g_t$$"
    shown = {"image/png": PIXEL, "text/plain": "<Figure>"}
    picture = nbformat.v4.new_output("display_data", data=shown)
    cell = nbformat.v4.new_code_cell("draw()", execution_count=1, outputs=[picture])
    cell.metadata["mystnb"] = {"image": {"alt": "Two pixels by three"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(title), cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(notebook, folder / "notebooks" / "01_small.ipynb")


def build(folder, *options, **environment):
    command = [BIN / "jupyter-book", "build", ".", "-W", "--keep-going", *options]
    settings = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build"


def page(site, name=PAGE):
    return BeautifulSoup((site / "html" / name).read_text(encoding="utf-8"), "html.parser")


def meta(soup, name):
    found = soup.select_one(f'meta[property="{name}"], meta[name="{name}"]')
    return found and found["content"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    small_book(folder)
    return build(folder)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    small_book(folder, repository="https://github.com/Someone/rnns")
    return build(folder)


# ---- the address ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "repository", "address"),
    [
        ("", "", ""),
        (None, None, ""),
        ("https://rnns.example/", "", "https://rnns.example/"),
        ("https://rnns.example", "https://github.com/a/b", "https://rnns.example/"),
        ("", "https://github.com/Ada/rnns", "https://ada.github.io/rnns/"),
        ("", "https://github.com/Ada/rnns.git", "https://ada.github.io/rnns/"),
        ("", "https://gitlab.com/ada/rnns", ""),
    ],
)
def test_the_site_has_the_address_given_or_that_of_its_repository(given, repository, address):
    assert site_options.site_address(given, repository) == address


def test_colab_is_offered_for_github_alone():
    at = [
        site_options.theme_options({"repository_url": f"https://{host}/ada/rnns"})
        for host in ("github.com", "gitlab.com")
    ]
    assert ["colab_url" in options["launch_buttons"] for options in at] == [True, False]
    assert all("binderhub_url" in options["launch_buttons"] for options in at)


@pytest.mark.site
def test_without_an_address_the_site_is_whole(plain):
    soup = page(plain)
    assert meta(soup, "description") == "You learn that h_t = \\tanh(W h_{t-1}). A second sentence."
    assert meta(soup, "og:description") == meta(soup, "description")
    assert meta(soup, "og:title") == "1. A small lecture"
    for needs_address in ("og:url", "og:image"):
        assert meta(soup, needs_address) is None
    assert soup.select_one('link[rel="canonical"]') is None
    assert not (plain / "html" / "sitemap.xml").exists()
    links = [link["href"] for link in soup.select("a[href]")]
    assert not [link for link in links if re.search(r"github|mybinder|colab", link)]


@pytest.mark.site
def test_with_an_address_its_buttons_and_links_appear(published):
    soup = page(published)
    base = "https://someone.github.io/rnns/"
    assert soup.select_one('link[rel="canonical"]')["href"] == base + PAGE
    assert meta(soup, "og:url") == base + PAGE
    assert meta(soup, "og:image") == base + "_static/card.png"
    assert (published / "html" / "_static" / "card.png").exists()
    listed = ElementTree.parse(published / "html" / "sitemap.xml").getroot()
    assert [place.text for place in listed.findall(".//{*}loc")] == [
        base + "book/intro.html",
        base + PAGE,
    ]
    links = {link["href"] for link in soup.select("a[href]")}
    lecture = "notebooks/01_small.ipynb"
    assert links >= {
        "https://github.com/Someone/rnns",
        f"https://github.com/Someone/rnns/edit/main/{lecture}",
        f"https://mybinder.org/v2/gh/Someone/rnns/main?urlpath=lab/tree/{lecture}",
        f"https://colab.research.google.com/github/Someone/rnns/blob/main/{lecture}",
    }


# ---- what each page gets -------------------------------------------------------------------------


@pytest.mark.site
def test_the_foot_of_a_page_has_licence_and_citation(plain):
    foot = page(plain).select_one(".footer-article, footer.bd-footer-content, .bd-footer-content")
    text = " ".join(foot.get_text().split())
    assert "CC BY 4.0" in text and "MIT licence" in text
    assert "Cite as: The rnncore contributors. Recurrent Neural Networks" in text


@pytest.mark.site
def test_a_picture_has_its_size(plain):
    picture = page(plain).select_one("article .cell_output img")
    assert (picture["width"], picture["height"]) == ("2", "3")


@pytest.mark.site
def test_the_icon_script_holds_the_icons_in_use(plain, published):
    scripts = [
        (folder / "html" / "_static" / site_icons.SCRIPT).read_text(encoding="utf-8")
        for folder in (plain, published)
    ]
    assert all(len(script) < 120_000 for script in scripts)
    assert all(f'"{name}":[' in script for script in scripts for name in ("arrow-up", "file-pdf"))
    assert ["github:[" in script for script in scripts] == [False, True]


def test_an_icon_is_kept_by_its_name_or_another():
    script = 'var a={bars:[4,5,["navicon"],"f0","M0"],"x-y":[4,5,[1,"z"],"f1","M1"]};go(a)'
    assert site_icons.subset(script, {"navicon", "z"}) == script
    assert site_icons.subset(script, {"x-y"}) == 'var a={"x-y":[4,5,[1,"z"],"f1","M1"]};go(a)'
    assert site_icons.subset(script, {"bars"}) == 'var a={bars:[4,5,["navicon"],"f0","M0"],};go(a)'


def test_a_size_that_is_given_stays():
    body = (
        '<img src="../_images/a.png" alt="A &gt; B" /><img width="9" src="a.png"><img src="b.png">'
    )
    out = site_pages.sized(body, {"a.png": (4, 5)}.get)
    assert out == body.replace('alt="A &gt; B"', 'alt="A &gt; B" width="4" height="5"')


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("One  line\nhere.", "One line here."),
        ("First. " + "word " * 60, ("First. " + "word " * 60)[:198].rpartition(" ")[0] + " …"),
        ("A sentence. " * 20, ("A sentence. " * 16).strip()),
    ],
)
def test_a_description_ends_with_a_sentence_or_a_word(text, short):
    assert site_pages.shortened(text) == short
    assert len(short) <= site_pages.LONGEST


@pytest.mark.site
def test_a_page_shows_before_its_scripts_run(plain):
    scripts = page(plain).select("head script[src]")
    assert len(scripts) > 5
    at_once = {Path(s["src"].partition("?")[0]).name for s in scripts if not s.has_attr("defer")}
    assert at_once == {site_pages.AT_ONCE, "fontawesome.js"}


@pytest.mark.site
def test_the_link_to_the_pdf_is_there_with_the_pdf(plain, tmp_path):
    shown = str(page(plain))
    assert site_options.PDF_PLACE in shown and site_options.PDF not in shown
    folder = tmp_path / "book"
    shutil.copytree(plain.parent, folder, symlinks=True)
    (folder / "_build" / "html" / site_options.PDF).write_bytes(b"%PDF")
    lecture = folder / "notebooks" / "01_small.ipynb"
    lecture.write_text(lecture.read_text().replace("second", "third"))
    links = page(build(folder)).select(f'a[href="../{site_options.PDF}"]')
    assert [link.get_text() for link in links] == ["The whole book as one PDF"]


@pytest.mark.site
def test_the_site_is_printed_with_contents_numbers_and_links(plain, tmp_path):
    browser = next(filter(None, map(shutil.which, pdf.BROWSERS)), None)
    if not browser:
        assert not os.environ.get("CI"), "no browser"
        pytest.skip("no browser")
    site = tmp_path / "html"
    shutil.copytree(plain / "html", site)
    command = [sys.executable, ROOT / "book" / "programs" / "pdf.py", site]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    book = PdfReader(site / site_options.PDF)
    assert book.page_labels == ["i", "ii", "1", "2"]
    words = [" ".join(sheet.extract_text().split()) for sheet in book.pages]
    assert "A small book" in words[0] and "CC BY 4.0" in words[0]
    assert "I · One 1. A small lecture" in words[1]
    assert "You learn that" in words[3]
    titles = [item.title for item in book.outline if not isinstance(item, list)]
    assert titles == ["A small book", "I · One"]
    assert "A section" in str(book.outline)
    # A formula is text, not a picture.
    assert "tanh" in words[3]
    leads = {
        book.get_page_number(note.get_object()["/Dest"][0].get_object())
        for note in book.pages[2]["/Annots"]
        if "/Dest" in note.get_object()
    }
    assert 3 in leads
    assert not [note for sheet in book.pages for note in addresses(sheet) if "file:" in note]
    link = BeautifulSoup((site / PAGE).read_text(encoding="utf-8"), "html.parser")
    assert link.select(f'a[href="../{site_options.PDF}"]')


def addresses(sheet):
    notes = (note.get_object() for note in sheet.get("/Annots", ()))
    return [str(note["/A"]["/URI"]) for note in notes if "/A" in note]


# ---- the pictures of the site --------------------------------------------------------------------


def test_logo_icon_and_card_are_what_the_program_draws(tmp_path):
    assert (STATIC / "logo.svg").read_text() == logo.logo()
    assert (STATIC / "favicon.svg").read_text() == logo.favicon()
    from matplotlib.image import imread

    logo.card(tmp_path / "card.png")
    drawn, kept = imread(tmp_path / "card.png"), imread(STATIC / "card.png")
    assert drawn.shape == kept.shape == (630, 1200, 4)
    assert abs(drawn - kept).mean() < 0.01
    for name in ("logo.svg", "favicon.svg"):
        assert ElementTree.parse(STATIC / name).getroot().tag.endswith("svg")


# ---- another language ----------------------------------------------------------------------------


@pytest.mark.site
def test_texts_are_extracted_and_an_edition_in_chinese_is_built(tmp_path):
    small_book(tmp_path)
    build(tmp_path, "--builder", "custom", "--custom-builder", "gettext")
    locale = tmp_path / "book" / "locale"
    command = [BIN / "sphinx-intl", "update", "-l", "zh_CN"]
    command += ["-p", tmp_path / "_build" / "gettext", "-d", locale]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    messages = locale / "zh_CN" / "LC_MESSAGES" / "notebooks" / "01_small.po"
    text = messages.read_text(encoding="utf-8")
    assert 'msgid "A small lecture"\nmsgstr ""' in text
    translated = text.replace('lecture"\nmsgstr ""', 'lecture"\nmsgstr "一小讲"')
    messages.write_text(translated, encoding="utf-8")
    soup = page(build(tmp_path, "--all", BOOK_LANGUAGE="zh_CN"))
    assert soup.html["lang"] in ("zh-CN", "zh_CN")
    assert soup.select_one("article h1").get_text().startswith("1. 一小讲")
    assert soup.select_one("article .math")

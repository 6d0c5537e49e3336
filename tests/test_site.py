"""The built site in a browser, from a server and from files: what a reader meets on every page.

Needs `make book` and Chromium or Chrome. Without them the tests are skipped; where CI is set they
have to run. `RNNCORE_SITE` names another site than that of `make book`.
"""

import copy
import functools
import gzip
import http.server
import json
import os
import re
import shutil
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
SITE = Path(os.environ.get("RNNCORE_SITE") or ROOT / "_build" / "html").resolve()
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
PAGE_LIMIT = 1_500_000
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
SCHEMES = ("http", "file")

PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if not {"_static", "_sources"} & set(path.relative_to(SITE).parts)
)
WRITTEN = [page for page in PAGES if page.startswith(("book/", "notebooks/"))]

pytestmark = pytest.mark.site


def unavailable(why):
    if os.environ.get("CI"):
        pytest.fail(f"{why} These tests have to run here, because CI is set.")
    pytest.skip(why)


@pytest.fixture(scope="session")
def site():
    if not (SITE / ".complete").exists():
        unavailable("The site is not built: run `make book` first.")
    return SITE


@pytest.fixture(scope="session")
def browser(site):
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        unavailable(f"No browser: none of {', '.join(BROWSERS)} is installed.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def roots(site):
    """Return the site's address under each scheme; the server shows it under a sub-path."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def translate_path(self, path):
            return super().translate_path(path.removeprefix("/book-of/rnns"))

        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/book-of/rnns/"
    yield {"http": address, "file": f"{site.as_uri()}/"}
    server.shutdown()
    server.server_close()
    thread.join()


class Visit:
    """One page in a window of its own, with everything that it asked for and complained about."""

    def __init__(self, browser, root, size=DESK, colours="light"):
        self.root = root
        self.requests, self.complaints = [], []
        self.context = browser.new_context(viewport=size, color_scheme=colours)
        self.context.route(lambda url: not self.is_ours(url), lambda route: route.abort())
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self.answered)
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def is_ours(self, url):
        return url.startswith((self.root, "data:", "blob:", "about:"))

    def heard(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def answered(self, response):
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def open(self, name):
        """Go to a page and wait until its mathematics and its widgets are there."""
        self.page.goto(self.root + name, wait_until="load")
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("async () => { await window.MathJax?.startup?.promise }")
        views = self.page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
        if views:
            self.page.wait_for_function(
                "n => document.querySelectorAll('.jupyter-widgets, .anywidget').length >= n",
                arg=views,
            )
        return self.page


@functools.cache
def weight(name):
    """Return the bytes of a file as a server sends it: text compressed, pictures and fonts not."""
    content = (SITE / name).read_bytes()
    packed = name.endswith((".png", ".jpg", ".woff2"))
    return len(content if packed else gzip.compress(content, 6))


@functools.cache
def soup(page):
    from bs4 import BeautifulSoup

    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


# ---- every page, from a server and from files ----------------------------------------------------


def test_the_site_has_pages(site):
    assert len(WRITTEN) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_page_loads_whole_and_asks_no_other_host(browser, roots, name, scheme):
    with Visit(browser, roots[scheme]) as visit:
        page = visit.open(name)
        assert [url for url in visit.requests if not visit.is_ours(url)] == []
        assert visit.complaints == []
        if scheme == "http":
            asked = {unquote(urlsplit(url).path) for url in visit.requests if "://" in url}
            files = {path.removeprefix("/book-of/rnns/") for path in asked}
            own = [file for file in files if not file.startswith("_static/vendor/")]
            assert sum(map(weight, own)) < PAGE_LIMIT
        formulas = page.locator(".math").count()
        assert page.locator(".math:has(mjx-container)").count() == formulas
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(browser, roots, name):
    with Visit(browser, roots["http"], PHONE) as visit:
        page = visit.open(name)
        wide = page.evaluate(
            """() => document.documentElement.scrollWidth <= innerWidth ? [] :
               [...document.querySelectorAll('.bd-article *')]
                 .filter(e => e.getBoundingClientRect().right > innerWidth)
                 .map(e => e.outerHTML.slice(0, 120)).slice(0, 5)
                 .concat(document.documentElement.scrollWidth)"""
        )
        assert wide == []


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_barrier_that_axe_knows(browser, roots, name):
    with Visit(browser, roots["file"], colours="light") as visit:
        page = visit.open(name)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        # Icons and slider labels are drawn by scripts that go on after the page has loaded.
        page.wait_for_timeout(300)
        barriers = axe(page, {"type": "tag", "values": WCAG})
        # Nothing but the colours differs in the dark; the theme fades from one to the other.
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.wait_for_timeout(500)
        assert barriers + axe(page, ["color-contrast"]) == []


def axe(page, rules):
    """What axe-core finds on a page: the rule, the place, the beginning of the element."""
    run = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
    return [
        (rule["id"], node["target"], node["html"][:120])
        for rule in page.evaluate(run, rules)["violations"]
        for node in rule["nodes"][:3]
    ]


@pytest.mark.parametrize("name", WRITTEN)
def test_widgets_show_their_stored_state(browser, roots, name):
    views = soup(name).select('script[type="application/vnd.jupyter.widget-view+json"]')
    if not views:
        return
    with Visit(browser, roots["file"]) as visit:
        page = visit.open(name)
        shown = page.locator(".cell_output .jupyter-widgets, .cell_output .anywidget")
        assert shown.count() >= len(views)
        assert shown.first.bounding_box()["height"] > 10
        assert visit.complaints == []


@pytest.mark.parametrize("name", WRITTEN)
def test_folded_solutions_open(browser, roots, name):
    solutions = len(soup(name).select("div.solution.dropdown, div.solution.toggle"))
    if not solutions:
        return
    with Visit(browser, roots["http"]) as visit:
        page = visit.open(name)
        folded = page.locator("div.solution.toggle-hidden")
        assert folded.count() == solutions
        body = page.locator("div.solution > section").first
        assert not body.is_visible()
        for button in page.locator("div.solution button.toggle-button").all():
            button.click()
        assert folded.count() == 0
        assert body.is_visible()


# ---- every page, as it is written ----------------------------------------------------------------


@pytest.mark.parametrize("name", WRITTEN)
def test_pictures_have_a_text_alternative(site, name):
    for picture in soup(name).select("article img"):
        alt = picture.get("alt", "").strip()
        assert len(alt) > 10, picture
        assert not re.search(r"\.(png|svg|jpe?g)$", alt), picture


@pytest.mark.parametrize("name", WRITTEN)
def test_pictures_have_a_size_so_that_nothing_moves_when_they_arrive(site, name):
    for picture in soup(name).select("article img"):
        assert int(picture["width"]) > 0 and int(picture["height"]) > 0, picture["src"]


@pytest.mark.parametrize("name", WRITTEN)
def test_page_says_what_it_is(site, name):
    page = soup(name)
    said = {
        tag.get("property", tag.get("name")): tag["content"]
        for tag in page.select("meta[property], meta[name]")
    }
    assert 30 < len(said["description"]) <= 200
    assert said["og:description"] == said["description"]
    assert said["og:title"] in page.title.get_text()
    assert said["og:type"] and said["og:site_name"]
    assert page.select_one('link[rel="icon"][href$="favicon.svg"]')
    foot = page.select_one("footer.bd-footer-content").get_text()
    assert "CC BY 4.0" in foot and "MIT" in foot and "Cite as" in foot


@pytest.mark.parametrize("name", [name for name in WRITTEN if name.startswith("notebooks/")])
def test_notebook_can_be_downloaded(site, name):
    link = soup(name).select_one('.dropdown-download-buttons a[href$=".ipynb"]')
    given = (SITE / name).parent / link["href"]
    assert json.loads(given.read_text(encoding="utf-8"))["nbformat"] == 4


@pytest.mark.parametrize("name", [name for name in WRITTEN if name.startswith("notebooks/")])
def test_exercise_and_solution_lead_to_each_other(site, name):
    page = soup(name)
    exercises = {box["id"] for box in page.select("div.exercise[id]")}
    solved = [link["href"] for link in page.select("div.solution > p.admonition-title a[href]")]
    assert {href.partition("#")[2] for href in solved} == exercises


@pytest.mark.parametrize("name", WRITTEN)
def test_prose_shows_no_markup(site, name):
    for paragraph in map(copy.copy, soup(name).select("article p, article li, article td")):
        for code in paragraph.select("code, .math, pre"):
            code.extract()
        shown = paragraph.get_text()
        assert not re.search(r"\|\s*[-—]+\s*\||\$[^$]+\$|\{\w+\}`|```|:label:", shown), shown


@pytest.mark.parametrize("name", PAGES)
def test_links_inside_the_site_lead_somewhere(site, name):
    dead = []
    for link in soup(name).select("a[href]"):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc:
            continue
        target = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
        if not target.is_file():
            dead.append(link["href"])
        elif parts.fragment and target.suffix == ".html":
            there = soup(target.resolve().relative_to(SITE.resolve()).as_posix())
            if parts.fragment != "" and not there.find(id=unquote(parts.fragment)):
                dead.append(link["href"])
    assert dead == []


def test_no_page_has_a_solution_of_the_coursework(site):
    from coursework.sets import NAMES, solutions

    assert not [path for path in site.rglob("*") if "coursework" in path.as_posix()]
    pages = {name: " ".join(soup(name).get_text().split()) for name in PAGES}
    whole = {" ".join(" ".join(lines).split()) for name in NAMES for lines in solutions(name)}
    assert len(whole) > 30
    # A shorter one is a formula, such as one step of a simple net, that the lectures teach.
    for solution in filter(lambda text: len(text) > 200, whole):
        assert not [name for name, text in pages.items() if solution in text], solution


# ---- what a reader does --------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_search_finds_a_page_by_its_words(browser, roots, scheme):
    name = WRITTEN[-1]
    words = re.findall(r"\w{4,}", soup(name).select_one("article h1").get_text())
    with Visit(browser, roots[scheme]) as visit:
        page = visit.open("search.html?q=" + "+".join(words))
        page.wait_for_selector("#search-results .search li a")
        page.wait_for_function("document.querySelector('.search-summary, #search-results p')")
        found = [link.get_attribute("href") for link in page.locator(".search li a").all()]
        assert any(urlsplit(href).path.endswith(name) for href in found)
        assert [url for url in visit.requests if not visit.is_ours(url)] == []


def test_search_box_opens_from_the_keyboard(browser, roots):
    with Visit(browser, roots["http"]) as visit:
        page = visit.open(WRITTEN[0])
        page.keyboard.press("Control+k")
        box = page.locator("input[type=search]:visible").first
        box.fill("recurrent")
        box.press("Enter")
        page.wait_for_selector("#search-results .search li a")
        assert "q=recurrent" in page.url


@pytest.mark.parametrize("scheme", SCHEMES)
def test_theme_switches_and_is_remembered(browser, roots, scheme):
    ground = "() => getComputedStyle(document.body).backgroundColor"
    with Visit(browser, roots[scheme], colours="light") as visit:
        page = visit.open(WRITTEN[0])
        light = page.evaluate(ground)
        theme = page.locator("html")
        for _ in range(3):
            if theme.get_attribute("data-theme") == "dark":
                break
            page.locator("button.theme-switch-button:visible").first.click()
        assert theme.get_attribute("data-theme") == "dark"
        deadline = time.monotonic() + 5
        while page.evaluate(ground) == light and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert page.evaluate(ground) != light
        visit.open(WRITTEN[-1])
        assert theme.get_attribute("data-theme") == "dark"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_search_finds_vanishing_gradients_where_they_are_taught(browser, roots, scheme):
    with Visit(browser, roots[scheme]) as visit:
        page = visit.open("search.html?q=vanishing+gradient")
        page.wait_for_selector('.search li a[href*="08_long_term_dependencies.html"]')
        page.wait_for_function("document.querySelector('.search-summary, #search-results p')")
        assert visit.complaints == []


def test_code_is_copied_by_its_button(browser, roots):
    name = "notebooks/03_simple_rnn.html"
    with Visit(browser, roots["http"]) as visit:
        visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visit.open(name)
        cell = page.locator("div.cell_input div.highlight").first
        cell.hover()
        cell.locator("button.copybtn").click()
        page.wait_for_function("navigator.clipboard.readText().then(text => text.length > 0)")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_next_leads_through_the_whole_book_and_previous_back(site):
    def neighbour(name, which):
        link = soup(name).select_one(f"a.{which}")
        there = link and (SITE / name).parent / unquote(link["href"])
        return there and there.resolve().relative_to(SITE).as_posix()

    name, came, seen = "book/intro.html", None, []
    while name:
        assert neighbour(name, "left-prev") == came
        seen.append(name)
        name, came = neighbour(name, "right-next"), name
    assert sorted(seen) == WRITTEN


def test_next_and_previous_are_followed(browser, roots):
    with Visit(browser, roots["http"]) as visit:
        page = visit.open("index.html")
        page.wait_for_url("**/book/intro.html")
        page.locator("a.right-next").click()
        page.wait_for_url("**/notebooks/*.html")
        page.locator("a.left-prev").click()
        page.wait_for_url("**/book/intro.html")

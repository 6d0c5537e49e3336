"""Measure how soon a page of the built site shows, and write the table into ``book/record.md``.

Each page is opened three times in Chromium, from a server on this machine, with the processor
slowed down four times and nothing in the cache.
"""

import functools
import gzip
import http.server
import shutil
import statistics
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright
from table import ROOT, summary, write_table

SITE = ROOT / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SLOWDOWN, TIMES = 4, 3
WATCH = """() => {
  window.seen = {paint: 0, moved: 0};
  const watch = (type, take) => new PerformanceObserver(
    list => list.getEntries().forEach(take)).observe({type, buffered: true});
  watch("largest-contentful-paint", entry => { seen.paint = entry.startTime; });
  watch("layout-shift", entry => { seen.moved += entry.value; });
}"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """A server that keeps connections and its mouth shut."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):  # noqa: D102
        pass


def measure(browser, address: str) -> tuple[float, float, set[str]]:
    """Return the largest contentful paint in seconds, the layout shift, and what was asked for."""
    asked = set()
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.on("request", lambda request: asked.add(unquote(urlsplit(request.url).path)))
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.add_init_script(f"({WATCH})()")
    page.goto(address, wait_until="load", timeout=120_000)
    page.wait_for_load_state("networkidle", timeout=120_000)
    page.evaluate("async () => { await window.MathJax?.startup?.promise }")
    page.wait_for_timeout(500)
    seen = page.evaluate("seen")
    page.context.close()
    return seen["paint"] / 1000, seen["moved"], asked


def weight(site: Path, asked: set[str]) -> float:
    """Return the megabytes sent for a page, text compressed, vendored libraries left out."""
    total = 0
    for name in asked:
        file = site / name.lstrip("/")
        if file.is_file() and "/_static/vendor/" not in name:
            content = file.read_bytes()
            packed = file.suffix in (".png", ".woff2")
            total += len(content if packed else gzip.compress(content, 6))
    return total / 1e6


def main() -> None:
    site = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else SITE
    pages = sorted(path.relative_to(site).as_posix() for path in site.glob("[bn]o*/*.html"))
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not pages or not found:
        sys.exit("This needs the built site (make book) and Chromium or Chrome.")
    handler = functools.partial(Handler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name in pages:
            address = f"http://127.0.0.1:{server.server_port}/{name}"
            paints, moves, asked = zip(*(measure(browser, address) for _ in range(TIMES)))
            row = [name, summary(paints), f"{statistics.median(moves):.3f}"]
            rows.append([*row, f"{weight(site, asked[0]):.2f}"])
            print(*rows[-1], sep="\t", flush=True)
        version = browser.version
        browser.close()
    server.shutdown()
    note = (
        "Largest contentful paint in seconds, the layout shift (0 is none), and the compressed "
        f"size in MB without the vendored libraries. Chromium {version} on the same machine, "
        f"its processor slowed down {SLOWDOWN} times, nothing cached, {TIMES} loads a page."
    )
    if "--try" not in sys.argv:
        write_table(
            "site-speed",
            ["page", "paint, s", "shift", "MB"],
            rows,
            command="make record TABLES=site-speed",
            seeds="none",
            note=note,
        )


if __name__ == "__main__":
    main()

"""The figures that compute in the page: the same formulas as the package, from mouse and keyboard.

The browser's part needs Chromium or Chrome. Without one it is skipped; where CI is set it has to
run.
"""

import json
import os
import re
import shutil
from html import unescape
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.testing import assert_allclose
from traitlets import TraitError

from rnncore import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Clockwork,
    bptt,
    hopfield,
    init_linear,
    linear,
    linear_backward,
    scan,
    squared_error,
    widgets,
)
from rnncore.widgets import (
    ClockworkActivity,
    GRUCell,
    HopfieldRecall,
    LSTMCell,
    Powers,
    TinyRNN,
    Unrolling,
    show,
)
from rnncore.widgets.dynamics import letters
from rnncore.widgets.texts import texts

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "book" / "_static"
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FIGURES = [getattr(widgets, name) for name in widgets.__all__ if name != "show"]
LARGEST = 40_000
SEEDS = range(3)


@pytest.fixture(params=FIGURES, ids=lambda figure: figure.__name__)
def figure(request):
    return request.param()


# ---- Python's side -------------------------------------------------------------------------------


def test_there_are_seven_figures():
    assert len(FIGURES) == 7


def test_source_is_small_and_asks_no_other_host(figure):
    assert len(figure._esm.encode()) < LARGEST
    addresses = set(re.findall(r"https?://[^\"'\s)]*", figure._esm + figure._css))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "import " not in re.sub(r"//.*", "", figure._esm)
    assert "</" not in figure._esm


def test_docstring_names_every_setting(figure):
    made_here = {"params", "noise", "state", "history", "words"}
    own = {
        name
        for kind in type(figure).__mro__[:4]
        for name in vars(kind)
        if figure.has_trait(name) and not name.startswith("_")
    }
    # traitlets makes a class of its own for each instance; its parent is the one we wrote
    parameters = type(figure).__mro__[1].__doc__.partition("Parameters")[2].partition("Raises")[0]
    for name in own - made_here:
        assert re.search(rf"\b{name}\b", parameters), name


def test_picture_has_a_text_alternative_and_is_the_same_each_time(figure):
    assert figure.picture() == type(figure)().picture()
    assert len(figure.alt) > 40 and figure.alt in unescape(figure.picture())
    svg = unquote(re.search(r'src="data:image/svg\+xml,([^"]*)"', figure.picture())[1])
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "<dc:date>" not in svg
    assert len(figure.picture()) < 60_000


def test_picture_changes_nothing_of_the_readers_matplotlib():
    import matplotlib.pyplot as plt

    with plt.rc_context({"font.size": 7.0, "interactive": True}):
        before, open_before = dict(plt.rcParams), plt.get_fignums()
        Powers().picture()
        assert dict(plt.rcParams) == before and plt.get_fignums() == open_before


def test_show_displays_the_picture_and_the_figure(figure, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show(figure)
    picture, last = shown
    assert last is figure
    assert re.fullmatch(r"<noscript><img alt=[^<]*></noscript>", picture.data)


def test_representation_is_the_same_in_every_run(figure):
    assert repr(figure) == f"{type(figure).__name__}()"
    assert figure._repr_mimebundle_()[0]["text/plain"] == repr(figure)


def test_show_refuses_what_is_no_figure():
    with pytest.raises(TypeError, match="figure of rnncore.widgets"):
        show("TinyRNN")


def test_texts_are_found_with_holes_for_what_is_computed():
    source = """
        // say`not this`, it is a comment
        a(say`Step ${[1].map((x) => { return x; })} of
          ${say`inner ${b ? say`one` : `${c}`}`}`, say`Step ${d} of ${e}`);"""
    assert texts(source) == ["Step {0} of {1}", "inner {0}", "one"]


def test_a_figure_says_each_text_once_and_in_one_way(figure):
    found = texts(figure._esm)
    assert len(found) > 20 and figure.words == {}
    assert not [text for text in found if "\\" in text or text != text.strip()]


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (TinyRNN, {"task": "sums"}, "task"),
        (TinyRNN, {"length": 1}, "length"),
        (TinyRNN, {"length": 13}, "length"),
        (TinyRNN, {"learning_rate": 0}, "learning_rate"),
        (TinyRNN, {"hidden_size": 5}, "hidden_size"),
        (TinyRNN, {"params": {}}, "params"),
        (Powers, {"matrix": [[1, 2, 3]]}, "shape"),
        (Powers, {"matrix": [[1, 2], [0, 1]]}, "from -1.5"),
        (Powers, {"matrix": [[1, np.nan], [0, 1]]}, "finite"),
        (Powers, {"matrix": "one"}, "numbers"),
        (Powers, {"slope": 2.0}, "slope"),
        (HopfieldRecall, {"patterns": np.zeros((2, 64))}, "[+]1 and -1"),
        (HopfieldRecall, {"patterns": np.ones((2, 63))}, "shape"),
        (HopfieldRecall, {"state": np.ones(3)}, "shape"),
        (HopfieldRecall, {"patterns": np.ones((2, 64)), "names": ["one"]}, "names"),
        (HopfieldRecall, {"seed": -1}, "seed"),
        (Unrolling, {"weights": {"Q": 1}}, "weights"),
        (Unrolling, {"weights": {"U": 3}}, "weights"),
        (Unrolling, {"inputs": [1, 0]}, "shape"),
        (Unrolling, {"inputs": [2, 0, 0, 0, 0, 0]}, "-1, 0 or 1"),
        (LSTMCell, {"candidates": [1, 0]}, "3 to 12"),
        (LSTMCell, {"candidates": [0, 2, 0]}, "from -1 to 1"),
        (LSTMCell, {"write_at": 8, "read_at": 3}, "smaller"),
        (LSTMCell, {"read_at": 9}, "within 8"),
        (GRUCell, {"inputs": [[0, 1]]}, "shape"),
        (GRUCell, {"weights": {"V": 1}}, "weights"),
        (ClockworkActivity, {"periods": (2, 1)}, "increasing"),
        (ClockworkActivity, {"periods": ()}, "periods"),
        (ClockworkActivity, {"periods": (0, 1)}, "periods"),
        (ClockworkActivity, {"steps": 7}, "steps"),
    ],
)
def test_bad_settings_are_refused(kind, settings, message):
    with pytest.raises(TraitError, match=message):
        kind(**settings)


def test_the_readers_own_pictures_can_be_stored():
    mine = HopfieldRecall(np.array([[1, -1, 1, -1]]), shape=(2, 2), stored=1)
    assert mine.names == ["picture 1"]
    assert mine.figure() is not None
    assert len(set(map(tuple, letters()))) == 6


@pytest.mark.parametrize("task", ["recall", "wave"])
def test_tiny_nets_gradients_are_those_of_bptt(task):
    tiny = TinyRNN(task=task, length=7, hidden_size=2)
    hs, ys, dhs = tiny.gradients()
    cell = {key: np.array(value) for key, value in tiny.params["cell"].items()}
    readout = {key: np.array(value) for key, value in tiny.params["readout"].items()}
    xs, targets = tiny.data(0)
    expected, _, cache = scan(RNN(1, 2), cell, xs[:, None])
    assert_allclose(hs, expected[:, 0])
    mask = np.array([target is not None for target in targets])
    wanted = np.array([target or 0.0 for target in targets])
    _, dys = squared_error(ys[:, None], wanted[:, None], mask=mask)
    own, _ = linear_backward(readout, hs, dys)
    _, (dh0,), grads = bptt(RNN(1, 2), cell, own[:, None], cache)
    dz = dhs * (1 - hs**2)
    assert_allclose(dz.sum(axis=0), grads["bias_ih"])
    assert_allclose(dz[0] @ cell["weight_hh"], dh0[0])


# ---- the formulas, in a browser ------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        why = f"No browser: none of {', '.join(BROWSERS)} is installed."
        if os.environ.get("CI"):
            pytest.fail(f"{why} These tests have to run here, because CI is set.")
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def core(browser):
    """Return a function that calls one of core.js with Python's numbers."""
    page = browser.new_page()
    page.add_script_tag(content=(files("rnncore.widgets") / "js" / "core.js").read_text("utf-8"))

    def call(expression, **given):
        plain = json.loads(json.dumps(given, default=lambda array: array.tolist()))
        names = ", ".join(given)
        return page.evaluate(f"({{{names}}}) => ({expression})", plain)

    yield call
    page.close()


def close(found, expected):
    assert_allclose(np.array(found, dtype=float), expected, rtol=1e-9, atol=1e-9)


def same_tree(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        close(found[key], value)


@pytest.mark.parametrize("seed", SEEDS)
def test_simple_net_forward_and_backward(core, seed):
    rng = np.random.default_rng(seed)
    cell = RNN(2, 4)
    params = cell.init(rng, np.float64)
    xs, dhs, h0 = rng.normal(size=(6, 2)), rng.normal(size=(6, 4)), rng.normal(size=4)
    hs, _, cache = scan(cell, params, xs[:, None], (h0[None],))
    dxs, (dh0,), grads = bptt(cell, params, dhs[:, None], cache)
    found = core("rnnForward(p, xs, h0)", p=params, xs=xs, h0=h0)
    close(found, np.concatenate([h0[None], hs[:, 0]]))
    back = core("rnnBackward(p, xs, rnnForward(p, xs, h0), dhs)", p=params, xs=xs, h0=h0, dhs=dhs)
    close(back["dxs"], dxs[:, 0])
    close(back["totals"][0], dh0[0])
    close(np.array(back["dzs"]).sum(axis=0), grads["bias_ih"])
    same_tree(back["grads"], grads)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_that_reaches_each_step(core, seed):
    """`totals[t]` against differences of the loss, taken at the state of step t itself."""
    rng = np.random.default_rng(seed)
    cell = RNN(1, 3)
    params, xs, dhs = cell.init(rng, np.float64), rng.normal(size=(5, 1)), rng.normal(size=(5, 3))
    hs = scan(cell, params, xs[:, None])[0][:, 0]
    back = core("rnnBackward(p, xs, rnnForward(p, xs, [0, 0, 0]), dhs)", p=params, xs=xs, dhs=dhs)
    for t in range(1, 5):
        _, _, cache = scan(cell, params, xs[t:, None], (hs[None, t - 1],))
        _, (later,), _ = bptt(cell, params, dhs[t:, None], cache)
        close(back["totals"][t], dhs[t - 1] + later[0])


@pytest.mark.parametrize("wanted", [(4,), (1, 2, 4), (0, 1, 2, 3, 4)])
def test_tiny_net_loss_gradients_and_update(core, wanted):
    rng = np.random.default_rng(len(wanted))
    cell = RNN(1, 3)
    p = {
        "cell": cell.init(rng, np.float64),
        "readout": init_linear(rng, 3, 1, dtype=np.float64),
    }
    xs, targets = rng.normal(size=(5, 1)), rng.normal(size=5)
    mask = np.isin(np.arange(5), wanted)
    hs, _, cache = scan(cell, p["cell"], xs[:, None])
    ys = linear(p["readout"], hs)
    loss, dys = squared_error(ys, targets[:, None, None], mask=mask[:, None])
    dhs, readout = linear_backward(p["readout"], hs, dys)
    grads = {"cell": bptt(cell, p["cell"], dhs, cache)[2], "readout": readout}
    given = [target if there else None for target, there in zip(targets, mask)]
    found = core("tinyPass(p, xs, targets)", p=p, xs=xs, targets=given)
    close(found["loss"], loss)
    close(found["ys"], ys[:, 0, 0])
    for part, expected in grads.items():
        same_tree(found["grads"][part], expected)
    new = core("descend(p, tinyPass(p, xs, targets).grads, 0.3)", p=p, xs=xs, targets=given)
    for part, expected in grads.items():
        rule = SGD(0.3)
        same_tree(new[part], rule.update(p[part], expected, rule.init(p[part]))[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_lstm(core, seed):
    rng = np.random.default_rng(seed)
    cell = LSTM(2, 3)
    p, xs = cell.init(rng, np.float64), 3 * rng.normal(size=(5, 2))
    hs, (_, c), _ = scan(cell, p, xs[:, None])
    found = core(
        "xs.reduce((s, x) => lstmStep(p, x, s.h, s.c), {h: [0, 0, 0], c: [0, 0, 0]})", p=p, xs=xs
    )
    close(found["h"], hs[-1, 0])
    close(found["c"], c[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_gru(core, seed):
    rng = np.random.default_rng(seed)
    cell = GRU(2, 3)
    p, xs = cell.init(rng, np.float64), 3 * rng.normal(size=(5, 2))
    hs, _, _ = scan(cell, p, xs[:, None])
    close(core("xs.reduce((h, x) => gruStep(p, x, h), [0, 0, 0])", p=p, xs=xs), hs[-1, 0])


@pytest.mark.parametrize("periods", [(1, 2, 4), (2, 3, 5), (1,)])
def test_clockwork(core, periods):
    rng = np.random.default_rng(len(periods))
    cell = Clockwork(2, 6, periods)
    p, xs = cell.init(rng, np.float64), rng.normal(size=(9, 2))
    hs, _, _ = scan(cell, p, xs[:, None])
    found = core(
        "xs.reduce((hs, x, t) => [...hs, clockworkStep(p, periods, x, hs[t], t)], [[0,0,0,0,0,0]])",
        p=p,
        xs=xs,
        periods=periods,
    )
    close(found[1:], hs[:, 0])


@pytest.mark.parametrize("seed", SEEDS)
def test_hopfield(core, seed):
    rng = np.random.default_rng(seed)
    patterns = rng.choice([-1, 1], size=(4, 20))
    state, weights = rng.choice([-1, 1], size=20), hopfield.hebb(patterns)
    given = {"patterns": patterns, "s": state}
    close(core("hebb(patterns)", patterns=patterns), weights)
    close(core("hopfieldEnergy(hebb(patterns), s)", **given), hopfield.energy(weights, state))
    close(core("hopfieldUpdate(hebb(patterns), s)", **given), hopfield.update(weights, state))
    close(core("patterns.map((p) => overlap(p, s))", **given), hopfield.overlap(patterns, state))
    swept = hopfield.recall(weights, state, max_sweeps=1).states
    close(core("hopfieldSweep(hebb(patterns), s, [...s.keys()])", **given), swept)


@pytest.mark.parametrize("seed", range(6))
def test_powers_of_a_matrix(core, seed):
    rng = np.random.default_rng(seed)
    W, g = rng.uniform(-1.5, 1.5, (2, 2)), rng.normal(size=2)
    close(core("power(W, 7)", W=W), np.linalg.matrix_power(W, 7))
    close(core("power(W, 0)", W=W), np.eye(2))
    found = np.array(core("eigenvalues2(W)", W=W)) @ [1, 1j]
    assert_allclose(np.sort_complex(found), np.sort_complex(np.linalg.eigvals(W)), rtol=1e-9)
    close(core("radius2(W)", W=W), np.abs(np.linalg.eigvals(W)).max())
    close(core("norm2(W)", W=W), np.linalg.norm(W, 2))
    chosen = Powers(W, slope=0.7, angle=40, steps=9)
    g = chosen.carried()[0]
    close(core("carriedBack(W, 0.7, g, 9)", W=W, g=g), chosen.carried())


# ---- the figures, in a page with the vendored widget manager -------------------------------------


class Stage:
    """A page that shows figures from their stored state alone, as the book's pages do."""

    def __init__(self, browser, folder, figures, theme="light", width=900, **settings):
        from ipywidgets.embed import embed_data

        data = embed_data(views=figures, drop_defaults=False)
        state = json.dumps(data["manager_state"]).replace("</", "<\\/")
        kind = "application/vnd.jupyter.widget"
        views = "".join(
            f'<script type="{kind}-view+json">{json.dumps(view)}</script>'
            for view in data["view_specs"]
        )
        off = not settings.get("java_script_enabled", True)
        pictures = f"<noscript>{figures[0].picture()}</noscript>" if off else ""
        html = f"""<!DOCTYPE html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
            <title>Figures</title><meta name="viewport" content="width=device-width">
            <script src="{(STATIC / "vendor/requirejs/require.js").as_uri()}"></script>
            <script src="{(STATIC / "widgets.js").as_uri()}"></script>
            <script data-jupyter-widgets-cdn="offline:"
              src="{(STATIC / "vendor/html-manager/embed-amd.js").as_uri()}"></script></head>
            <body><main><h1>Figures</h1>{views}{pictures}</main>
            <script type="{kind}-state+json">{state}</script></body></html>"""
        place = folder / "page.html"
        place.write_text(html, encoding="utf-8")
        self.complaints, self.requests = [], []
        size = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=size, **settings)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.goto(place.as_uri())

    def __enter__(self):
        self.page.wait_for_selector(".rnnfig svg text")
        return self

    def __exit__(self, *_):
        self.context.close()

    def press(self, name, times=1):
        for _ in range(times):
            self.page.get_by_role("button", name=name, exact=True).click()

    def slide(self, label, value):
        self.page.get_by_label(label, exact=True).fill(str(value))

    @property
    def says(self):
        return self.page.locator(".rnnfig-status").inner_text()


@pytest.fixture
def stage(browser, tmp_path):
    def open_page(*figures, **settings):
        return Stage(browser, tmp_path, list(figures), **settings)

    return open_page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figure_shows_without_kernel_and_without_barrier(stage, figure, theme):
    with stage(figure, theme=theme) as on:
        on.page.evaluate(AXE.read_text(encoding="utf-8"))
        run = "axe.run(document.querySelector('.rnnfig'), {resultTypes: ['violations']})"
        found = on.page.evaluate(f"async () => (await {run}).violations")
        assert [(rule["id"], rule["nodes"][0]["html"][:90]) for rule in found] == []
        assert on.complaints == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in on.requests)
        drawings = on.page.locator("svg[role=img]")
        labels = drawings.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
        assert labels and all(len(label) > 10 and "NaN" not in label for label in labels)
        ground = on.page.locator(".rnnfig").evaluate("e => getComputedStyle(e).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 600) == (theme == "light")


def test_figure_follows_the_systems_theme_where_the_page_has_none(stage):
    with stage(Powers(), theme="", color_scheme="dark") as on:
        ground = on.page.locator(".rnnfig").evaluate("e => getComputedStyle(e).backgroundColor")
        assert sum(map(int, re.findall(r"\d+", ground)[:3])) < 200


def test_figure_fits_a_phone(stage, figure):
    # 390 pixels, less the margins that the book's page has around a figure
    with stage(figure, width=340) as on:
        assert on.page.evaluate("document.documentElement.scrollWidth") <= 340
        beyond = """all => all.filter(e => e.getBoundingClientRect().right >
           e.closest('.rnnfig').getBoundingClientRect().right).map(e => e.outerHTML.slice(0, 70))"""
        assert on.page.locator(".rnnfig *:not(svg *)").evaluate_all(beyond) == []


def test_figure_answers_to_the_keyboard_and_undoes_it(stage, figure):
    with stage(figure) as on:
        before = on.page.locator(".rnnfig").inner_html()
        main = on.page.locator("button.rnnfig-main")
        said, undo = on.says, on.page.get_by_role("button", name="Undo")
        main.focus()
        assert main.evaluate("e => e.matches(':focus-visible')")
        slider = on.page.locator("input[type=range]").first
        if isinstance(figure, HopfieldRecall):
            on.page.get_by_role("button", name="One flip").focus()
        elif isinstance(figure, Powers):
            slider.focus()
        on.page.keyboard.press("ArrowRight" if isinstance(figure, Powers) else "Enter")
        assert on.says != said
        undo.focus()
        on.page.keyboard.press("Enter")
        assert on.says == said
        on.press("Reset")
        assert on.page.locator(".rnnfig").inner_html() == before
        assert on.complaints == []


WORDS_SHOWN = """all => all.flatMap(e => [
    ...[...e.childNodes].filter(node => node.nodeType === 3).map(node => node.data),
    e.getAttribute('aria-label'), e.getAttribute('aria-valuetext')])"""


def test_every_word_can_be_translated(stage, figure):
    figure.words = {text: f"⟪{text}⟫" for text in texts(figure._esm)}
    shown = set()
    with stage(figure) as on:

        def look():
            shown.update(on.page.locator(".rnnfig, .rnnfig *").evaluate_all(WORDS_SHOWN))

        look()
        main = on.page.locator("button.rnnfig-main")
        for _ in range(9):
            if main.is_enabled():
                main.click()
                look()
        for button in on.page.locator(".rnnfig button:not(.rnnfig-dot)").all():
            if button.is_enabled():
                button.click()
                look()
        assert on.complaints == []
    left = " ".join(filter(None, shown))
    while (bare := re.sub(r"⟪[^⟪⟫]*⟫", "", left)) != left:
        left = bare
    assert set(re.findall("[a-zA-Z]{2,}", left)) <= {"tanh"}


def test_every_slider_answers_to_the_arrow_keys(stage, figure):
    with stage(figure) as on:
        for slider in on.page.locator("input[type=range]").all():
            value = slider.input_value()
            slider.focus()
            on.page.keyboard.press("ArrowLeft")
            on.page.keyboard.press("ArrowRight")
            on.page.keyboard.press("ArrowRight")
            assert slider.get_attribute("aria-valuetext")
            last = slider.get_attribute("max") == value
            assert last or slider.input_value() != value or isinstance(figure, TinyRNN)
        assert on.complaints == []


def test_pages_scripts_find_the_figure(stage, figure):
    with stage(figure) as on:
        assert on.page.locator(".anywidget .rnnfig").count() == 1


def test_two_figures_of_one_kind_do_not_disturb_each_other(stage):
    with stage(Unrolling(), Unrolling(weights={"W": -1.0})) as on:
        on.page.wait_for_function("document.querySelectorAll('.rnnfig').length === 2")
        on.page.get_by_role("button", name="Unroll one step").first.click()
        one, two = on.page.locator(".rnnfig-status").all_inner_texts()
        assert one.startswith("1 copy") and two.startswith("Folded")


def test_without_javascript_there_is_a_picture(browser, tmp_path, figure):
    stage = Stage(browser, tmp_path, [figure], java_script_enabled=False)
    picture = stage.page.get_by_alt_text(figure.alt)
    picture.wait_for()
    box = picture.bounding_box()
    assert box["width"] > 200 and box["height"] > 50
    assert stage.page.locator(".rnnfig").count() == 0
    stage.context.close()


# ---- what a student does with them ---------------------------------------------------------------


def test_tiny_rnn_step_by_step(stage):
    tiny = TinyRNN(length=4)
    _, ys, dhs = tiny.gradients()
    with stage(tiny) as on:
        on.press("Next step", 4)
        assert on.says.startswith("Forward, step 4")
        on.press("Next step")
        assert f"Loss {(ys[-1] - 0.8) ** 2 / 2:.2f}" in on.says
        on.press("Next step", 4)
        ratio = np.linalg.norm(dhs[0]) / np.linalg.norm(dhs[-1])
        assert f"{ratio:.2f} times the gradient of the last" in on.says
        on.press("Next step")
        assert on.says.startswith("Update 1 made")
        on.press("Undo", 10)
        assert on.says.startswith("Update 1: nothing")


@pytest.mark.parametrize("task", ["recall", "wave"])
def test_tiny_rnn_learns(stage, task):
    with stage(TinyRNN(task=task)) as on:
        on.press("Train 100 updates", 3)
        label = on.page.locator("svg[aria-label^='Loss after 300']").get_attribute("aria-label")
        loss = re.search(r": ([\d.]+)(?:·10⁻(\S))?", label)
        assert loss[2] or float(loss[1]) < 0.01


def test_short_memory_shows_as_a_vanishing_gradient(stage):
    with stage(TinyRNN(length=12)) as on:
        on.slide("W at the start ×, the recurrent weights", 0.3)
        on.press("Finish this sweep")
        assert re.search(r"gets [\d.]+·10⁻\S+ times the gradient", on.says)


def test_hopfield_recalls_what_was_spoilt(stage):
    with stage(HopfieldRecall(), reduced_motion="reduce") as on:
        on.press("Recall")
        assert "Settled: this is the letter T." in on.says
        on.press("Reverse")
        assert "the letter T reversed" in on.says
        on.press("load the letter Z")
        on.press("Recall")
        assert "Settled: this is the letter Z." not in on.says


def test_hopfield_recall_goes_step_by_step_and_stops(stage):
    with stage(HopfieldRecall()) as on:
        on.press("Recall")
        on.press("Stop")
        on.press("Recall")
        on.page.wait_for_function(
            "document.querySelector('.rnnfig-status').textContent.includes('Settled')"
        )
        on.press("Undo", 2)
        assert "after 0 flips" in on.says


def test_hopfield_is_drawn_by_mouse_and_by_keyboard(stage):
    with stage(HopfieldRecall()) as on:
        on.press("Clear")
        units = on.page.locator(".rnnfig-dot[aria-pressed=true]")
        assert units.count() == 0
        first, last = (on.page.get_by_label(f"row 4, column {c}", exact=True) for c in (2, 7))
        a, b = first.bounding_box(), last.bounding_box()
        on.page.mouse.move(a["x"] + 9, a["y"] + 9)
        on.page.mouse.down()
        on.page.mouse.move(b["x"] + 9, b["y"] + 9, steps=20)
        on.page.mouse.up()
        assert units.count() == 6
        on.press("Undo")
        assert units.count() == 0
        on.page.get_by_label("row 1, column 1", exact=True).focus()
        for key in ("ArrowRight", "ArrowDown", "Space"):
            on.page.keyboard.press(key)
        assert units.count() == 1
        assert units.first.get_attribute("aria-label") == "row 2, column 2"
        on.press("Store this drawing")
        assert on.says.startswith("4 of 7 pictures stored")


def test_powers_tell_radius_from_norm(stage):
    with stage(Powers(), reduced_motion="reduce") as on:
        on.press("grows, then vanishes")
        assert "vanishes" in on.says and "On the way it grows" in on.says
        on.press("rotates")
        assert "On the edge" in on.says
        on.press("grows")
        assert "explodes" in on.says
        on.slide("γ, slope of tanh", 0.5)
        assert "vanishes" in on.says
        on.press("Walk back")
        assert "After k = 30" in on.says


@pytest.mark.parametrize("press", ["Reset", "Undo", "One step", "grows"])
def test_a_walk_ends_where_the_reader_takes_over(stage, press):
    with stage(Powers(steps=30)) as on:
        on.press("shrinks")
        on.press("Walk back")
        on.page.get_by_role("button", name="Stop").wait_for()
        on.press(press)
        on.page.get_by_role("button", name="Walk back").wait_for()
        said = on.says
        on.page.wait_for_timeout(800)
        assert on.says == said


def test_lstm_puzzle_can_be_solved(stage):
    with stage(LSTMCell()) as on:
        on.press("shut")
        for step in range(1, 9):
            on.press("overwrite" if step == 2 else "hold")
            if step == 8:
                on.press("open")
            on.press("Make this step")
        assert on.says.startswith("Done") and "step 2 is 1.00" in on.says


@pytest.mark.parametrize("other", [False, True])
def test_gru_puzzle_can_be_solved_in_either_convention(stage, other):
    with stage(GRUCell()) as on:
        if other:
            on.page.get_by_label("the other convention for z").check()
        for step in range(1, 9):
            on.slide("z, update gate", int((step != 2) != other))
            on.press("Make this step")
        assert "Carried" in on.says and "1.00 of the gradient" in on.says


def test_clockwork_says_who_runs(stage):
    with stage(ClockworkActivity()) as on:
        assert "All run." in on.says
        on.press("One step", 2)
        assert on.says.startswith("Step 2: modules 1, 2 run")
        assert "7 of 16 blocks" in on.says
        on.press("2, 3, 5, 7")
        on.slide("step t", 1)
        assert "Nothing runs" in on.says
        box = on.page.get_by_role("textbox")
        box.fill("4, 2")
        box.press("Enter")
        assert "larger" in on.page.get_by_role("alert").inner_text()
        assert box.get_attribute("aria-invalid") == "true"
        box.fill("1, 5")
        box.press("Enter")
        assert "T₂ = 5" in on.page.locator(".rnnfig").inner_text()


def test_unrolling_shares_its_weights(stage):
    with stage(Unrolling()) as on:
        on.press("Unroll one step", 6)
        assert on.says.startswith("6 copies of the net, and still five parameters")
        assert "nothing is left" in on.says
        assert on.page.get_by_role("button", name="Unroll one step").is_disabled()
        on.slide("W, weight", 1.5)
        assert "the state is still" in on.says
        on.press("Undo")
        assert "nothing is left" in on.says

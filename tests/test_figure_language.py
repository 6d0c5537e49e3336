"""All text in figures passes through one function, which can put another in its place."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")

from rnncore.plotting import language

DRAW = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from rnncore.plotting import box, canvas, use_style
use_style()
use_style()
fig, ax = plt.subplots()
ax.plot([0, 1], label="loss")
ax.set(xlabel="update", ylabel="$h_t$", title="Two curves")
ax.legend()
ax.annotate("here", (0, 0))
box(canvas(plt.subplots()[1], 4, 2), (1, 1), "state")
fig.canvas.draw()
print([ax.get_xlabel(), ax.get_title("left"), ax.get_legend().get_texts()[0].get_text()])
"""


def draw(catalogue=None, program=DRAW):
    variable = {language.VARIABLE: str(catalogue)} if catalogue else {}
    command = [sys.executable, "-c", program]
    env = {k: v for k, v in os.environ.items() if k != language.VARIABLE} | variable
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_figure_is_drawn_with_the_words_of_the_catalogue_and_adds_those_it_lacks(tmp_path):
    catalogue = tmp_path / "figures.json"
    catalogue.write_text('{"update": "更新", "an older text": "旧", "Two curves": ""}', "utf-8")
    done = draw(catalogue)
    assert done.stdout.strip() == "['更新', 'Two curves', 'loss']", done.stderr
    found = json.loads(catalogue.read_text("utf-8"))
    assert found["update"] == "更新" and found["an older text"] == "旧"
    assert found["loss"] == found["here"] == found["Two curves"] == ""
    assert not [text for text in found if not language.has_words(text)]
    assert list(tmp_path.iterdir()) == [catalogue]


def test_an_interactive_figure_takes_its_words_from_the_catalogue_as_well(tmp_path):
    pytest.importorskip("anywidget")
    catalogue = tmp_path / "figures.json"
    catalogue.write_text('{"Undo": "撤销", "the letter {0}": "字母 {0}"}', "utf-8")
    make = "from rnncore.widgets import HopfieldRecall as H; h = H(); print(h.words, h.names[0])"
    done = draw(catalogue, make)
    assert done.stdout.strip() == "{'Undo': '撤销'} 字母 T", done.stderr
    found = json.loads(catalogue.read_text("utf-8"))
    assert found["{0} of {1} pictures stored in {2} units. Energy {3} after {4} flips."] == ""


def test_without_a_catalogue_nothing_changes():
    assert draw().stdout.strip() == "['update', 'Two curves', 'loss']"


@pytest.mark.parametrize(("text", "has"), [("$W_{hh} x$", False), ("−0.5", False), ("t=3", False)])
def test_numbers_and_formulas_need_no_translation(text, has):
    assert language.has_words(text) is has
    assert language.has_words(f"loss {text}") and language.has_words("损失")


@pytest.mark.parametrize("content", ["[1]", '{"a": 1}', "no json"])
def test_a_damaged_catalogue_is_refused(tmp_path, content):
    path = tmp_path / "figures.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"RNNCORE_FIGURES=.*expected"):
        language.load(path)
    assert path.read_text() == content

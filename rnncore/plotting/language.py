"""Words in figures, in the reader's language.

Every text that a figure shows is set by one function of matplotlib, ``Text.set_text``.  When the
variable ``RNNCORE_FIGURES`` names a file, `use_style` lets that function ask `say` first; the
interactive figures of `rnncore.widgets` ask it as well, for the texts of their JavaScript.
The file is a JSON object from each text, as the lectures write it, to what is to stand in the
figure.  Texts that it lacks are shown as they are, and added to it with nothing behind them when
the program ends: so running a lecture extracts its words, and running it again, once somebody has
filled them in, draws its figures in another language.
"""

import atexit
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from matplotlib.text import Text

from rnncore.storage import replacing

VARIABLE = "RNNCORE_FIGURES"
MATH = re.compile(r"\$[^$]*\$")
WORD = re.compile(r"[^\W\d_]{2,}")


def translated(text: str, catalogue: Mapping[str, str]) -> str:
    """Return what stands in a figure for a text: its translation, or itself.

    Parameters
    ----------
    text : str
        As a lecture writes it.
    catalogue : mapping of str to str
        From texts to translations; nothing behind a text means that there is none yet.

    Returns
    -------
    str
        The translation if there is one, else `text`.
    """
    return catalogue.get(text) or text


def has_words(text: str) -> bool:
    """Whether there is a word outside of mathematics: numbers and symbols need no translation."""
    return WORD.search(MATH.sub("", text)) is not None


def load(path: Path) -> dict[str, str]:
    """Read a catalogue; a file that is not there is an empty one.

    Raises
    ------
    ValueError
        If the file holds anything but a JSON object from texts to texts.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{VARIABLE}={path}: expected JSON, got {error}") from error
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise ValueError(f"{VARIABLE}={path}: expected an object from texts to texts")
    return found


def save(path: Path, seen: Mapping[str, str]) -> None:
    """Add the texts that were seen to a catalogue, in one step; what it had is kept."""
    merged = dict(sorted((dict(seen) | load(path)).items()))
    with replacing(path) as file:
        file.write(f"{json.dumps(merged, ensure_ascii=False, indent=1)}\n".encode())


@cache
def catalogue() -> dict[str, str] | None:
    """Return the catalogue that ``RNNCORE_FIGURES`` names, if it names one.

    When the program ends, the file gets what was added to it here.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    path = Path(name).resolve()
    found = load(path)
    atexit.register(save, path, found)
    return found


def say(text: str) -> str:
    """Return a text in the reader's language, and note it in the catalogue if it is not there."""
    known = catalogue()
    if known is None or not has_words(text):
        return text
    known.setdefault(text, "")
    return translated(text, known)


def speak_the_readers_language() -> None:
    """Let every text that matplotlib draws ask the catalogue, if there is one."""
    if catalogue() is None or hasattr(Text.set_text, "original"):
        return
    original = Text.set_text

    def set_text(self: Text, s: object) -> None:
        original(self, say(s) if isinstance(s, str) else s)

    set_text.original = original
    Text.set_text = set_text

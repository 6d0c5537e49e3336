"""Words in figures, in the reader's language.

Every text that a figure shows is set by one function of matplotlib, ``Text.set_text``.  When the
variable ``RNNCORE_FIGURES`` names a file, `use_style` lets that function ask `translated` first.
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


def speak_the_readers_language() -> None:
    """Let every figure ask the catalogue that ``RNNCORE_FIGURES`` names, if it names one."""
    name = os.environ.get(VARIABLE)
    if not name or hasattr(Text.set_text, "original"):
        return
    path = Path(name).resolve()
    catalogue, original = load(path), Text.set_text

    def set_text(self: Text, s: object) -> None:
        if isinstance(s, str) and has_words(s):
            catalogue.setdefault(s, "")
            s = translated(s, catalogue)
        original(self, s)

    set_text.original = original
    Text.set_text = set_text
    atexit.register(save, path, catalogue)

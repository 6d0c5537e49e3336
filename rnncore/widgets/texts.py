"""The words of the figures, in the reader's language.

The JavaScript writes each text behind one word, ``say``, with holes for what it computes.  Here
these texts are found in the source and looked up in the catalogue of `rnncore.plotting.language`;
a figure carries to the page what has a translation.
"""

import os
import re


def texts(source: str) -> list[str]:
    """Return what a source says: say`Step ${t} of ${T}` is "Step {0} of {1}"."""
    code = re.sub(r"^\s*//.*$", "", source, flags=re.M)
    found = (_template(code, start.end())[0] for start in re.finditer(r"\bsay`", code))
    return list(dict.fromkeys(re.sub(r"\s+", " ", text) for text in found))


def said(text: str) -> str:
    """Return a text in the reader's language, if ``RNNCORE_FIGURES`` names a catalogue."""
    if not os.environ.get("RNNCORE_FIGURES"):
        return text
    from rnncore.plotting.language import say  # loads matplotlib

    return say(text)


def dictionary(source: str) -> dict[str, str]:
    """Return the translations that there are for what a source says."""
    return {text: words for text in texts(source) if (words := said(text)) != text}


def _template(code: str, at: int) -> tuple[str, int]:
    """Read on from a backtick to the one that ends the template: its text, and where it ends."""
    text, holes = "", 0
    while code[at] != "`":
        if code.startswith("${", at):
            text, at, holes = f"{text}{{{holes}}}", _expression(code, at + 2), holes + 1
        else:
            text, at = text + code[at], at + 1
    return text, at + 1


def _expression(code: str, at: int) -> int:
    """Read on from a brace to the one that ends the expression: where it ends."""
    while code[at] != "}":
        if code[at] == "`":
            at = _template(code, at + 1)[1]
        elif code[at] == "{":
            at = _expression(code, at + 1)
        else:
            at += 1
    return at + 1

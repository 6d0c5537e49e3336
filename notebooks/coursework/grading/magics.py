"""What only a notebook understands, left out of a cell so that Python can run the rest.

Runs inside the sandbox. A cell that is Python as it stands is never touched: a line that begins
with ``%`` may go on with an expression, or stand in a text. Line numbers stay what they were.
"""

import ast
import re
import textwrap
from types import CodeType

# What each line becomes. `[^\S\n]` is a blank that ends no line: `\s` would make it quadratic.
LINES = (
    (re.compile(r"^([^\S\n]*)[%!?].*"), r"\1pass"),  # %magic, !command, ?help
    (re.compile(r"^([^\S\n]*[\w.,\[\]'\" ]+=[^\S\n]*)[%!].*"), r"\1None"),  # x = !command
    (re.compile(r"^([^\S\n]*)[\w.\[\]'\"]+\?{1,2}[^\S\n]*$"), r"\1pass"),  # np.tanh?
)
CELL = re.compile(r"\s*%%(\w*)")
PYTHON = ("time", "timeit", "capture", "prun")  # the cell magics after which Python follows
ATTEMPTS = 50
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def compiled(source: str, name: str) -> CodeType:
    """Compile a cell as it is; only where that fails, without what a notebook alone understands.

    Raises
    ------
    SyntaxError
        The last one, where nothing helps.
    """
    try:
        return _compile(source, name)
    except SyntaxError as error:
        failed = error
    cell = CELL.match(source)
    if cell and cell[1] not in PYTHON:
        return _compile("", name)  # another language
    lines = _indented(source, failed).split("\n")
    for _ in range(ATTEMPTS):
        # Only the line that Python stumbles over: others may be good Python.
        if not _without(lines, (failed.lineno or 0) - 1):
            break
        try:
            return _compile("\n".join(lines), name)
        except SyntaxError as error:
            failed = error
    for number in range(len(lines)):
        _without(lines, number)
    return _compile("\n".join(lines), name)


def _compile(source: str, name: str) -> CodeType:
    return compile(source, name, "exec", flags=FLAGS, dont_inherit=True)


def _indented(source: str, failed: SyntaxError) -> str:
    """Take out the indent of a cell that has one in all its lines, as a notebook does."""
    return textwrap.dedent(source) if isinstance(failed, IndentationError) else source


def _without(lines: list[str], number: int) -> bool:
    """Replace one line, and those that continue it; say whether there was anything to replace."""
    if not 0 <= number < len(lines):
        return False
    line = lines[number]
    for pattern, instead in LINES:
        new = pattern.sub(instead, line)
        if new != line:
            lines[number] = new
            while line.endswith("\\") and number + 1 < len(lines):
                number += 1
                line, lines[number] = lines[number], ""
            return True
    return False

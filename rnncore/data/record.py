"""The book's tables of measured figures, for lectures that show or draw them.

They stand on the page ``book/record.md``, where programs write them. The package carries the same
cells as ``record.json``, so that a lecture finds them wherever it runs.
"""

import json
from functools import cache
from importlib import resources
from typing import NamedTuple


class Recorded(NamedTuple):
    """A table of the page of measured figures.

    Attributes
    ----------
    head : list of str
        Titles of the columns.
    rows : list of list of str
        Cells, as they are printed.
    facts : str
        Command, date, seeds and machine.
    """

    head: list[str]
    rows: list[list[str]]
    facts: str


@cache
def _tables() -> dict[str, dict]:
    """Read the file once."""
    file = resources.files("rnncore.data") / "record.json"
    return json.loads(file.read_text(encoding="utf-8"))


def recorded(name: str) -> Recorded:
    """Return a table of the page of measured figures.

    Parameters
    ----------
    name : str
        The name that its markers have in ``book/record.md``, for instance ``"mnist-rows"``.

    Returns
    -------
    Recorded
        Titles, rows and facts.  They are the caller's own: changing them changes nothing else.

    Raises
    ------
    ValueError
        If there is no such table; the message lists those that there are.
    """
    tables = _tables()
    if name not in tables:
        raise ValueError(f"name: expected one of {', '.join(sorted(tables))}, got {name!r}")
    found = tables[name]
    return Recorded(list(found["head"]), [list(row) for row in found["rows"]], found["facts"])

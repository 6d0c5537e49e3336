"""Tables that programs write into ``book/record.md``.

Each table stands between two markers that name it and the program that writes it::

    <!-- begin table: NAME program: book/programs/PROGRAM.py -->
    <!-- end table: NAME -->

The program calls `write_table`, which replaces what stands between them. The markers are written by
hand, once, where the table belongs in the text. The same cells go into ``rnncore/data/record.json``
for lectures that show them; ``python book/programs/table.py`` writes that file anew.
"""

import json
import os
import platform
import re
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "book" / "record.md"
DATA = ROOT / "rnncore" / "data" / "record.json"
BEGIN = re.compile(r"^<!-- begin table: (?P<name>\S+) program: (?P<program>\S+) -->$", re.M)
END = "<!-- end table: {} -->"


class Place(NamedTuple):
    """Where a table stands in the text: its names, and what is between its markers."""

    name: str
    program: str
    start: int
    stop: int


def places(text: str) -> list[Place]:
    """Find the tables of a page by their markers.

    Raises
    ------
    ValueError
        If a begin marker has no end marker of its own, a name comes twice, or an end is left over.
    """
    found = []
    for begin in BEGIN.finditer(text):
        name = begin["name"]
        stop = text.find(END.format(name), begin.end())
        following = BEGIN.search(text, begin.end())
        if stop < 0 or (following and following.start() < stop):
            raise ValueError(f"table {name}: no end marker {END.format(name)}")
        found.append(Place(name, begin["program"], begin.end(), stop))
    names = [place.name for place in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"table {name}: the name comes {names.count(name)} times")
    ends = re.findall(r"^<!-- end table: (\S+) -->$", text, re.M)
    if sorted(ends) != sorted(names):
        raise ValueError(f"end markers {sorted(ends)} do not fit the tables {sorted(names)}")
    return found


def summary(values: Iterable[float], digits: int = 2) -> str:
    """Write repeated measurements as a median and, in brackets, the smallest and the largest."""
    values = sorted(values)
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({values[0]:.{digits}f}–{values[-1]:.{digits}f})"


def machine() -> str:
    """Say on what a program runs: processor, cores, Python, NumPy and its BLAS."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M)
        model = found[1].strip() if found else model
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    system = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return f"{model}, {system}, NumPy {np.__version__} with {blas['name']} {blas['version']}"


def render(
    header: Sequence[str], rows: Sequence[Sequence], *, command: str, seeds: str, note: str = ""
) -> str:
    """Return a Markdown table, and below it how, when and on what it was measured."""
    width = len(header)
    for row in rows:
        if len(row) != width:
            raise ValueError(f"expected {width} cells in each row, got {len(row)}: {row}")
    if not rows:
        raise ValueError("expected at least one row, got none")
    lines = [header, ["---"] * width, *rows]
    table = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    threads = os.environ.get("OMP_NUM_THREADS")
    bound = f", {threads} thread{'s' * (threads != '1')}" if threads else ""
    facts = f"*Measured by `{command}` on {date.today():%d %B %Y}. Seeds: {seeds}. "
    facts += f"Machine: {machine()}{bound}.*"
    return "\n\n".join(part for part in (table, note.strip(), facts) if part)


def replace(path: Path, text: str) -> None:
    """Replace a file in one step, so that an interrupted program leaves the old one."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, path.stat().st_mode & 0o777)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def write_table(
    name: str,
    header: Sequence[str],
    rows: Sequence[Sequence],
    *,
    command: str,
    seeds: str,
    note: str = "",
    record: Path = RECORD,
) -> str:
    """Put a table between its markers in ``book/record.md`` and return what was written.

    Parameters
    ----------
    name : str
        The name in the markers.
    header, rows
        Cells, as strings or as what `str` writes well; see `summary` for repeated measurements.
    command : str
        What a reader types to measure it again.
    seeds : str
        The seeds, or how often it was repeated.
    note : str, optional
        A paragraph under the table: what the columns are.
    record : Path, optional
        The page.

    Raises
    ------
    ValueError
        If the page has no markers for `name`, or a row does not fit the header.
    """
    text = record.read_text(encoding="utf-8")
    content = render(header, rows, command=command, seeds=seeds, note=note)
    for place in places(text):
        if place.name == name:
            replace(record, f"{text[: place.start]}\n\n{content}\n\n{text[place.stop :]}")
            if record == RECORD:
                replace(DATA, as_data(record.read_text(encoding="utf-8")))
            return content
    raise ValueError(f"{record.name} has no markers for the table {name}")


def as_data(text: str) -> str:
    """Return the tables of a page as JSON: titles, rows and facts of each."""
    found = {}
    for place in places(text):
        content = text[place.start : place.stop]
        lines = re.findall(r"^\| (.*) \|$", content, re.M)
        if not lines:  # its program has not run yet
            continue
        head, _, *rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
        facts = re.search(r"^\*(Measured by .*)\*$", content, re.M)[1]
        found[place.name] = {"head": head, "rows": rows, "facts": facts}
    lines = (json.dumps({name: table}, ensure_ascii=False)[1:-1] for name, table in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    replace(DATA, as_data(RECORD.read_text(encoding="utf-8")))

"""Rows of numbers as a table of the page."""

from collections.abc import Iterable, Sequence

from IPython.display import Markdown


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Markdown:
    """Return rows as a Markdown table, for Jupyter to display.

    The cell that shows it has ``"mystnb": {"markdown_format": "myst"}`` in its metadata.

    Parameters
    ----------
    head : sequence
        Titles of the columns, written by `str`; Markdown and mathematics are typeset.
    rows : iterable of sequences
        Cells, row by row, as many as there are titles.

    Returns
    -------
    IPython.display.Markdown
        The table.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are titles.
    """
    lines = [head, ["---"] * len(head)]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"rows: expected {len(head)} cells in each, got {len(row)}: {row}")
        lines.append(row)
    return Markdown("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))

"""Sentences and their translations."""

from rnncore.data.files import FILES, data_path, read_checked

PAIRS = "fra-eng/fra.txt.gz"


def load_pairs() -> list[tuple[str, str]]:
    """Read 167,130 English sentences and their French translations, the shortest first.

    The file is read from the folder that ``RNNCORE_DATA`` names.  An English sentence comes once
    for each of its translations.

    Returns
    -------
    list of (str, str)
        English and French, as they are in the file.

    Raises
    ------
    FileNotFoundError
        If the file is not there; says where to put it.
    ValueError
        If the file is damaged.

    References
    ----------
    tatoeba.org and www.manythings.org/anki, under CC BY 2.0 FR.
    """
    known = FILES[PAIRS]
    text = read_checked(data_path(PAIRS), known.size, known.sha256).decode("utf-8")
    pairs = [tuple(line.split("\t")) for line in text.splitlines()]
    return [(english, french) for english, french in pairs]

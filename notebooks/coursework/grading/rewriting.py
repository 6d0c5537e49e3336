"""A notebook written anew from what a student handed in: cell types, texts and known grade_ids.

A cell keeps its place in nbgrader's books by its grade_id; where the id is known, the rest of the
metadata is the released one. Locked cells are the released ones, and come back if they were
deleted.
"""

import json
import re
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

MOST = 2_000
PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}
# How Markdown and HTML name an attached picture; brackets may stand in a name in pairs.
ATTACHED = re.compile(r"attachment:((?:[^()\s\"'<>]|\([^()\s]*\))*)")
TAG = re.compile(r"<(?=[A-Za-z/!?])")


def parse(data: bytes) -> list:
    """Return the cells of a notebook's file, or say in a `ValueError` why it is none."""
    if not data.strip():
        raise ValueError("the file is empty")
    try:
        raw = json.loads(data.decode("utf-8-sig"))
        if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
            raise ValueError("it has no notebook format")
        if raw["nbformat"] < 4:
            raw = nbformat.convert(nbformat.from_dict(_tame(raw)), 4)
        cells = raw["cells"]
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (line {error.lineno})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError:
        raise
    except Exception as error:
        raise ValueError("it has no cells") from error
    if not isinstance(cells, list) or len(cells) > MOST:
        raise ValueError("it has no list of cells, or too long a one")
    return cells


def clean(cells: list, released: NotebookNode, notes: list[str]) -> NotebookNode:
    """Write a notebook anew from submitted cells: their types, texts and known grade_ids."""
    known = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in released.cells
        if "nbgrader" in cell.metadata
    }
    kept, seen = [], set()
    for number, cell in enumerate(cells):
        made = _cell(cell, f"cell-{number}", notes)
        if made is None:
            notes.append(f"Cell {number + 1} is malformed and was left out.")
            continue
        name = grade_id(cell)
        if name in seen:
            notes.append(f"The cell {name} is there twice; the first one counts.")
        elif name in known:
            seen.add(name)
            original = known[name]
            if made.cell_type != original.cell_type:
                made = _cell({**made, "cell_type": original.cell_type}, made.id, notes)
            made.metadata = nbformat.from_dict(dict(original.metadata))
            # Locked cells are the released ones; nbgrader compares them once more.
            if original.metadata.nbgrader.locked:
                made.source = original.source
        elif name is not None:
            notes.append(f"The cell id {name!r} is not one of this set.")
        kept.append(made)
    gone = [name for name in known if name not in seen]
    if gone:
        notes.append(f"These cells were deleted or renamed: {', '.join(gone)}.")
    if len(gone) == len(known):
        notes.append("This does not look like a notebook of this set.")
    return new_notebook(cells=_restored(kept, known, gone), metadata=dict(released.metadata))


def _restored(kept: list, known: dict[str, NotebookNode], gone: list[str]) -> list[NotebookNode]:
    """Put lost cells back after those that they follow in the released notebook.

    nbgrader puts back grade cells alone, and not where prose stands before them. A lost solution
    stays lost.
    """
    names, cells = list(known), list(kept)
    for name in gone:
        flags = known[name].metadata.nbgrader
        if flags.locked or flags.grade:
            before = names[: names.index(name)]
            places = [k for k, cell in enumerate(cells) if grade_id(cell) in before]
            cells.insert(max(places, default=-1) + 1, known[name])
    return cells


def is_grade(cell: NotebookNode) -> bool:
    """Whether points hang on a cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def grade_id(cell: dict) -> str | None:
    """Return the grade_id that a cell claims to have."""
    try:
        name = cell["metadata"]["nbgrader"]["grade_id"]
    except (KeyError, TypeError):
        return None
    return text(name)[:80] if isinstance(name, str) else None


def _tame(raw: dict) -> dict:
    """Bound the levels of headings of an old notebook: each becomes that many signs."""
    for sheet in raw.get("worksheets", []):
        for cell in sheet.get("cells", []):
            level = cell.get("level", 1)
            cell["level"] = min(max(level, 1), 6) if isinstance(level, int) else 1
    return raw


def _cell(cell: object, identity: str, notes: list[str]) -> NotebookNode | None:
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    makers = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
    maker = makers.get(cell.get("cell_type")) if isinstance(cell.get("cell_type"), str) else None
    if not isinstance(source, str) or maker is None:
        return None
    made = maker(text(source), id=identity)
    if maker is new_markdown_cell:
        # In the formgrader a student's HTML would be part of the instructor's page.
        made.source = TAG.sub("< ", made.source)
        made.source, pictures = _pictures(made.source, cell.get("attachments"), notes)
        if pictures:
            made["attachments"] = pictures
    return made


def _pictures(source: str, attached: object, notes: list[str]) -> tuple[str, dict]:
    """Keep the pictures of a written answer that it shows, under names that need no quoting.

    nbconvert stops at a picture that is not there, and at one whose name holds a space.
    """
    there, short, kept = {}, {}, {}
    for name, forms in attached.items() if isinstance(attached, dict) else ():
        for kind, data in forms.items() if isinstance(forms, dict) else ():
            data = "".join(map(str, data)) if isinstance(data, list) else data
            if kind in PICTURES and isinstance(data, str):
                there[text(str(name))] = (kind, text(data))

    def renamed(found: re.Match) -> str:
        name = next((n for n in (found[1], unquote(found[1])) if n in there), None)
        if name is None:
            shown = text(unquote(found[1]))[:80]
            notes.append(f"The picture {shown!r} of a written answer is not in the notebook.")
            return "not-attached:"
        kind, data = there[name]
        short.setdefault(name, f"picture-{len(short) + 1}.{PICTURES[kind]}")
        kept[short[name]] = {kind: data}
        return f"attachment:{short[name]}"

    return ATTACHED.sub(renamed, source), kept


def text(text: str) -> str:
    """Replace what cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()

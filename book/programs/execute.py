"""Run notebooks and store their outputs: ``make execute NB="notebooks/NAME.ipynb ..."``.

This is the only program that writes notebooks. Each one is run twice, from the top, in a fresh
kernel; if the text of the two runs differs nothing is stored, because a reader could not get it
again either (cells tagged ``nbval-ignore-output`` may differ). What is stored depends on the
notebook's content alone: no times, no random widget ids, no paths or addresses of this machine,
and the old picture wherever the new one has the same pixels. A diff shows what really changed.

Progress bars are for the one who waits: ``make execute`` and the comparison in ``make test`` switch
tqdm off (``TQDM_DISABLE``), so none is stored.
"""

import argparse
import base64
import copy
import difflib
import hashlib
import io
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.output_widget import OutputWidget
from PIL import Image
from table import replace

ROOT = Path(__file__).resolve().parents[2]
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
IGNORED = "nbval-ignore-output"
SECONDS_WANTED = 45

# Left behind by editors and runs; says nothing about the lecture.
CELL_LITTER = ("execution", "ExecuteTime", "collapsed", "scrolled", "vscode", "colab", "pycharm")
NOTEBOOK_LITTER = ("vscode", "colab", "toc", "varInspector", "signature", "widgets")

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.11",
}


# ---- one run -----------------------------------------------------------------------------------


def stripped(notebook):
    """Return a copy without outputs, counts and litter: what a run starts from."""
    notebook = copy.deepcopy(notebook)
    for key in NOTEBOOK_LITTER:
        notebook.metadata.pop(key, None)
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["language_info"] = copy.deepcopy(LANGUAGE_INFO)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = set()
    for number, cell in enumerate(notebook.cells):
        for key in CELL_LITTER:
            cell.metadata.pop(key, None)
        if not cell.get("id") or cell.id in seen:
            name = f"{number} {cell.source}".encode()
            cell["id"] = hashlib.sha256(name).hexdigest()[:12]
        seen.add(cell.id)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def run(notebook, folder: Path, timeout: int):
    """Execute a copy of ``notebook`` from the top in ``folder`` and return it with its outputs."""
    notebook = stripped(notebook)
    # The client would tell the kernel what an `interact` cell shows while it waits for the kernel's
    # own reply on the same socket, and now and then both wait for ever. Nobody reads the message.
    OutputWidget.sync_state = lambda self: None
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=timeout,
        record_timing=False,
        store_widget_state=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook.metadata["language_info"] = copy.deepcopy(LANGUAGE_INFO)
    return notebook


# ---- what is stored depends on the content alone -----------------------------------------------


def last_lines(text: str) -> str:
    """Keep of each line what a terminal would show: the part after its last carriage return."""
    return re.sub(r"[^\n]*\r(?=[^\n])", "", text.replace("\r\n", "\n")).rstrip("\r")


def merged_streams(outputs: list) -> list:
    """Join the pieces written to the same stream: where they are cut depends on the timing."""
    kept, streams = [], {}
    for output in outputs:
        if output["output_type"] != "stream":
            kept.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = output
            kept.append(output)
    for stream in streams.values():
        stream["text"] = last_lines(stream["text"])
    return [out for out in kept if out["output_type"] != "stream" or out["text"]]


def without_places(text: str, root: Path = ROOT, home: Path | None = None) -> str:
    """Write this machine's paths relative to the repository, and blank addresses in its memory."""
    home = home or Path.home()
    places = [f"{root}/"]
    if root.is_relative_to(home):
        places.append(f"~/{root.relative_to(home)}/")
    for place in places:
        text = text.replace(place, "")
    text = re.sub(r"\bat 0x[0-9a-f]{6,}", "at 0x000000000000", text)
    if "/ipykernel_" not in text:  # the search below is slow in a picture's single long word
        return text
    return re.sub(r"\S*/ipykernel_\d+/\d+\.py", "a cell", text)


def mapped(value, change):
    """Apply ``change`` to every string inside nested lists and dictionaries, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return type(value)((mapped(k, change), mapped(v, change)) for k, v in value.items())
    return value


def with_fixed_ids(notebook, name: str):
    """Give the widgets ids that follow from the notebook's name and their order of creation."""
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    shown = [
        output["data"][WIDGET_VIEW]["model_id"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if WIDGET_VIEW in output.get("data", {})
    ]
    new = {
        old: hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:32]
        for number, old in enumerate(dict.fromkeys([*state, *shown]))
    }
    if not new:
        return notebook
    pattern = re.compile("|".join(map(re.escape, new)))

    def rename(text):
        return text if len(text) > 10_000 else pattern.sub(lambda found: new[found[0]], text)

    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = mapped(cell.outputs, rename)
    if state:
        state = mapped(state, rename)
        for model in state.values():  # the id of a message: random, and meaningless once stored
            if "msg_id" in model.get("state", {}):
                model["state"]["msg_id"] = ""
        notebook.metadata["widgets"][WIDGET_STATE]["state"] = state
    return notebook


def pixels(png: str) -> str:
    """Return a digest of what a base64-encoded PNG shows: its size and its pixels."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()


def pictures(value):
    """Yield every dictionary inside ``value`` that holds a PNG: output data, widget state."""
    if isinstance(value, dict):
        if isinstance(value.get("image/png"), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from pictures(item)


def slim(png: str) -> str:
    """Return a PNG with a palette of 256 colours, a third of the size, the same to the eye.

    No channel of any pixel of the book's figures moves by more than 12 in 255. A picture with
    transparent places, or with a palette already, stays as it is.
    """
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "P" or (image.mode == "RGBA" and image.getextrema()[3][0] < 255):
        return png
    small = image.convert("RGB").quantize(
        256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
    )
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return min(png, base64.b64encode(file.getvalue()).decode(), key=len)


def keep_old_pictures(new, old) -> int:
    """Put the old bytes back where the pixels are the same; return how many pictures did change."""
    known = {pixels(data["image/png"]): data["image/png"] for data in pictures(old)}
    changed = 0
    for data in pictures(new):
        shown = pixels(data["image/png"])
        changed += shown not in known
        data["image/png"] = known.get(shown, data["image/png"])
    return changed


def tidied(notebook, name: str):
    """Return an executed notebook without anything that depends on time or place."""
    for cell in notebook.cells:
        for key in CELL_LITTER:
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [
                nbformat.from_dict(mapped(output, without_places))
                for output in merged_streams(cell.outputs)
            ]
    for data in pictures(notebook):
        data["image/png"] = slim(data["image/png"])
    return with_fixed_ids(notebook, name)


# ---- may it be stored? -------------------------------------------------------------------------


def sanitizers(path: Path = SANITIZE) -> list[tuple[str, str]]:
    """Read the substitutions that ``make test`` makes before it compares outputs."""
    return re.findall(r"^regex: (.*)$\n^replace: (.*)$", path.read_text(), flags=re.MULTILINE)


def texts(cell, rules) -> list[str]:
    """Return the text that a cell put out, in the form in which two runs are compared."""
    found = []
    for output in cell.outputs:
        if output["output_type"] == "stream":
            found.append(f"{output['name']}: {output['text']}")
        elif output["output_type"] == "error":
            found.append(f"{output['ename']}: {output['evalue']}")
        else:
            for kind, value in sorted(output["data"].items()):
                if kind not in ("image/png", "image/jpeg", WIDGET_VIEW):
                    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
                    found.append(f"{kind}: {text}")
    for regex, replacement in rules:
        found = [re.sub(regex, replacement, text) for text in found]
    return found


def differences(first, second, rules=None) -> list[str]:
    """Describe where the text of two runs differs, cell by cell."""
    rules = sanitizers() if rules is None else rules
    found = []
    for number, (one, two) in enumerate(zip(first.cells, second.cells, strict=True)):
        if one.cell_type != "code" or IGNORED in one.metadata.get("tags", []):
            continue
        a, b = "\n".join(texts(one, rules)), "\n".join(texts(two, rules))
        if a != b:
            lines = difflib.unified_diff(
                a.splitlines(), b.splitlines(), "first run", "second run", lineterm="", n=1
            )
            found.append(f"cell {number} puts out different text:\n" + "\n".join(lines))
    return found


def faults(notebook) -> list[str]:
    """Name what must not be stored: warnings and other stderr, paths of this machine."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream" and output["name"] == "stderr":
                found.append(f"cell {number} writes to stderr: {output['text'].strip()[:300]}")
            local = re.search(
                rf"{re.escape(str(Path.home()))}/\S*|/tmp/\S+", json.dumps(texts(cell, []))
            )
            if local:
                found.append(f"cell {number} shows a path of this machine: {local[0][:100]}")
    return found


# ---- the command -------------------------------------------------------------------------------


def execute(path: Path, timeout: int) -> list[str]:
    """Run one notebook twice and store it; return what stands against storing it."""
    before = path.read_text(encoding="utf-8")
    old = nbformat.reads(before, as_version=4)
    runs = []
    for which in ("first", "second"):
        print(f"{path}: {which} run ... ", end="", flush=True)
        start = time.perf_counter()
        try:
            runs.append(tidied(run(old, path.parent, timeout), path.stem))
        except CellExecutionError as error:
            print("failed", flush=True)
            return [str(error)]
        seconds = time.perf_counter() - start
        slow = f", more than the {SECONDS_WANTED} s wanted" if seconds > SECONDS_WANTED else ""
        print(f"{seconds:.0f} s{slow}", flush=True)
    found = differences(*runs) + faults(runs[1])
    if found:
        return found
    new = runs[1]
    changed = keep_old_pictures(new, old)
    nbformat.validate(new)
    after = nbformat.writes(new) + "\n"
    if after == before:
        print(f"{path}: nothing has changed", flush=True)
    else:
        replace(path, after)
        total = sum(1 for _ in pictures(new))
        print(f"{path}: stored, {changed} of {total} pictures changed", flush=True)
    return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take")
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1" or os.environ.get("TQDM_DISABLE") != "1":
        parser.error("stored outputs depend on settings that the Makefile makes: use make execute")
    for path in arguments.notebooks:
        if not path.is_file() or path.suffix != ".ipynb":
            parser.error(f"{path} is not a notebook")
    failed = 0
    with tempfile.TemporaryDirectory() as profile:
        os.environ["IPYTHONDIR"] = profile  # no start-up files of the one who runs it
        for path in arguments.notebooks:
            found = execute(path, arguments.timeout)
            for fault in found:
                print(f"{path}: {fault}", file=sys.stderr)
            if found:
                print(f"{path}: not stored", file=sys.stderr)
            failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

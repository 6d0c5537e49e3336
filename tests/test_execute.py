"""What `make execute` stores depends on a notebook's content alone."""

import base64
import io
from pathlib import Path

import execute
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

ONE, TWO = "1f" * 16, "2e" * 16


def png(value, compression=6):
    file = io.BytesIO()
    image = Image.fromarray(np.full((4, 5, 3), value, np.uint8))
    image.save(file, "PNG", compress_level=compression)
    return base64.b64encode(file.getvalue()).decode()


def cell(*outputs, tags=()):
    return new_code_cell("x", outputs=list(outputs), metadata={"tags": list(tags)})


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(**data):
    return new_output("display_data", {key.replace("_", "/"): v for key, v in data.items()})


def with_widgets():
    view = new_output("display_data", {execute.WIDGET_VIEW: {"model_id": TWO}})
    notebook = new_notebook(cells=[cell(view)])
    state = {
        ONE: {"model_name": "OutputModel", "state": {"msg_id": "random", "outputs": []}},
        TWO: {"model_name": "VBoxModel", "state": {"children": [f"IPY_MODEL_{ONE}"]}},
    }
    notebook.metadata["widgets"] = {execute.WIDGET_STATE: {"state": state}}
    return notebook


def test_stripped_leaves_the_original_and_gives_every_cell_one_id():
    notebook = new_notebook(cells=[cell(printed("a")), new_markdown_cell("b"), new_code_cell("c")])
    notebook.cells[2]["id"] = notebook.cells[0]["id"]
    notebook.cells[0].metadata["execution"] = {"iopub.execute_input": "2020"}
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.99"}
    bare = execute.stripped(notebook)
    assert bare.cells[0].outputs == [] and notebook.cells[0].outputs
    assert "execution" not in bare.cells[0].metadata
    assert bare.cells[0].id == notebook.cells[0].id
    assert len({c.id for c in bare.cells}) == 3
    assert execute.stripped(notebook).cells[2].id == bare.cells[2].id
    assert bare.metadata.language_info.version == "3.11"
    assert bare.metadata.kernelspec == execute.KERNELSPEC
    nbformat.validate(bare)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1%\r50%\r100%\nend\n", "100%\nend\n"),
        ("a\r\nb\n", "a\nb\n"),
        ("gone\r", "gone"),
        ("plain", "plain"),
    ],
)
def test_only_the_last_state_of_a_line_is_kept(text, kept):
    assert execute.last_lines(text) == kept


def test_streams_are_joined_wherever_they_were_cut():
    pieces = [printed("a"), printed("warn", "stderr"), shown(text_plain="1"), printed("b\n")]
    kept = execute.merged_streams(pieces)
    assert [out["output_type"] for out in kept] == ["stream", "stream", "display_data"]
    assert kept[0]["text"] == "ab\n"


def test_paths_and_addresses_of_this_machine_are_not_stored():
    root, home = Path("/home/ada/book"), Path("/home/ada")
    text = "File ~/book/rnncore/ops.py, /home/ada/book/x.py, <A object at 0x7f01deadbeef>"
    stored = execute.without_places(text, root, home)
    assert stored == "File rnncore/ops.py, x.py, <A object at 0x000000000000>"
    assert execute.without_places("/tmp/ipykernel_12/34.py:1", root, home) == "a cell:1"


def test_widget_ids_follow_from_the_name_and_the_order():
    one = execute.with_fixed_ids(with_widgets(), "lecture")
    two = execute.with_fixed_ids(with_widgets(), "lecture")
    state = one.metadata.widgets[execute.WIDGET_STATE]["state"]
    first, second = state
    assert (one.metadata, one.cells[0].outputs) == (two.metadata, two.cells[0].outputs)
    assert not {ONE, TWO} & set(state)
    assert state[second]["state"]["children"] == [f"IPY_MODEL_{first}"]
    assert state[first]["state"]["msg_id"] == ""
    assert one.cells[0].outputs[0].data[execute.WIDGET_VIEW]["model_id"] == second
    other = execute.with_fixed_ids(with_widgets(), "another")
    assert not set(other.metadata.widgets[execute.WIDGET_STATE]["state"]) & set(state)


def test_a_picture_is_stored_small_and_looks_the_same():
    y, x = np.mgrid[:200, :300]
    wave = np.sin(x / 30) * np.cos(y / 20) + np.random.default_rng(0).normal(0, 0.02, x.shape)
    colours = (128 + np.stack([60 * wave, 30 * wave, -60 * wave], axis=2)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "PNG")
    old = base64.b64encode(file.getvalue()).decode()
    new = execute.slim(old)
    shown = Image.open(io.BytesIO(base64.b64decode(new))).convert("RGB")
    assert len(new) < len(old)
    assert shown.size == (300, 200)
    assert np.abs(np.asarray(shown).astype(int) - colours).max() < 32
    assert execute.slim(new) == new
    clear = io.BytesIO()
    Image.new("RGBA", (4, 5), (1, 2, 3, 0)).save(clear, "PNG")
    clear = base64.b64encode(clear.getvalue()).decode()
    assert execute.slim(clear) == clear


def test_a_picture_with_the_same_pixels_keeps_its_old_bytes():
    old, same, other = png(7, 1), png(7, 9), png(8)
    assert old != same
    before = new_notebook(cells=[cell(shown(image_png=old))])
    after = new_notebook(cells=[cell(shown(image_png=same)), cell(shown(image_png=other))])
    state = {ONE: {"state": {"outputs": [{"data": {"image/png": same}}]}}}
    after.metadata["widgets"] = {execute.WIDGET_STATE: {"state": state}}
    assert execute.keep_old_pictures(after, before) == 1
    assert after.cells[0].outputs[0].data["image/png"] == old
    assert after.cells[1].outputs[0].data["image/png"] == other
    state = after.metadata.widgets[execute.WIDGET_STATE]["state"]
    assert state[ONE]["state"]["outputs"][0]["data"]["image/png"] == old


@pytest.mark.parametrize(
    ("one", "two", "tags", "differ"),
    [
        (printed("0.12"), printed("0.13"), (), True),
        (printed("0.12"), printed("0.13"), [execute.IGNORED], False),
        (printed("took 1.2 s"), printed("took 1.4 s"), (), False),
        (shown(image_png="a"), shown(image_png="b"), (), False),
        (shown(text_html="a"), shown(text_html="b"), (), True),
        (printed("a"), printed("a", "stderr"), (), True),
    ],
)
def test_two_runs_have_to_say_the_same(one, two, tags, differ):
    first, second = (new_notebook(cells=[cell(output, tags=tags)]) for output in (one, two))
    found = execute.differences(first, second)
    assert bool(found) == differ
    assert all("cell 0" in line for line in found)


def test_warnings_and_local_paths_are_refused():
    notebook = new_notebook(
        cells=[
            cell(printed("UserWarning: x", "stderr")),
            cell(printed(f"saved {Path.home()}/a")),
            cell(printed("fine")),
        ]
    )
    assert [fault.split()[1] for fault in execute.faults(notebook)] == ["0", "1"]


def notebook_file(folder, source):
    path = folder / "trial.ipynb"
    notebook = new_notebook(cells=[new_markdown_cell("# Trial"), new_code_cell(source)])
    path.write_text(nbformat.writes(notebook))
    return path


def test_a_notebook_is_stored_once_and_left_alone_the_second_time(tmp_path):
    path = notebook_file(tmp_path, "print(1 + 1)")
    assert execute.execute(path, 60) == []
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[1].outputs[0].text == "2\n"
    assert stored.cells[1].execution_count == 1
    before = path.read_text(), path.stat().st_mtime_ns
    assert execute.execute(path, 60) == []
    assert (path.read_text(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os; print(os.urandom(8).hex())", "different text"),
        ("raise SystemError('no')", "SystemError"),
        ("import warnings; warnings.warn('hm')", "stderr"),
    ],
)
def test_a_notebook_that_cannot_be_repeated_is_not_stored(tmp_path, source, message):
    path = notebook_file(tmp_path, source)
    before = path.read_text()
    assert message in "\n".join(execute.execute(path, 60))
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]

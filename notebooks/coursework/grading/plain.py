"""Plain values that cross the border: numbers, strings, arrays, and lists and dicts of them.

Both sides use this module and NumPy alone. A file is an ``.npz`` of number arrays, one of which
(``tree``) is JSON text that says how the others hang together. Nothing is ever unpickled, and
`read` looks at the declared sizes before it makes room for anything.
"""

import io
import json
import math
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DEPTH, NODES, TEXT, HEADER, LARGEST = 8, 20_000, 100_000, 4_096, 2**63

REASONS = ("larger than allowed", "not an array of numbers")


@dataclass(frozen=True)
class Other:
    """Something that is not plain: all we know is what it calls itself."""

    kind: str


def write(path: Path, value: Any) -> None:
    """Write a value in one step: the file is there in full or not at all."""
    arrays: list[np.ndarray] = []
    tree = json.dumps(_flatten(value, arrays, DEPTH, [NODES])).encode()
    named = {f"a{k}": array for k, array in enumerate(arrays)}
    partial = f"{path}.partial"
    with open(partial, "wb") as file:
        np.savez(file, tree=np.frombuffer(tree, np.uint8), **named)
    os.replace(partial, path)


def size(value: Any, depth: int = DEPTH) -> int:
    """Return the number of bytes in the arrays of a value."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if depth and isinstance(value, dict):
        return sum(size(item, depth - 1) for item in value.values())
    if depth and isinstance(value, list | tuple):
        return sum(size(item, depth - 1) for item in value)
    return 0


def _flatten(value: Any, arrays: list, depth: int, left: list[int]) -> Any:
    """Describe a value in JSON, and set its arrays aside."""
    left[0] -= 1
    if depth == 0 or left[0] < 0:
        return {"other": "value nested too deeply or of too many parts"}
    if value is None or isinstance(value, bool | str):
        return {"value": str(value)[:TEXT] if isinstance(value, str) else value}
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        value = value.item()
        if isinstance(value, bool | str):
            return {"value": value}
    if isinstance(value, int) and abs(value) < LARGEST:
        return {"value": int(value)}
    if isinstance(value, float):
        return {"float": repr(float(value))}
    if isinstance(value, complex | np.ndarray | np.generic):
        array = np.array(value, subok=False)
        if array.dtype.kind in "biufc":
            if array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
                array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
            arrays.append(array)
            return {"array": len(arrays) - 1}
        if array.dtype.kind == "U":
            return _flatten(array.tolist(), arrays, depth, left)
        return {"other": f"array of {array.dtype}"}
    if isinstance(value, list | tuple):
        parts = [_flatten(item, arrays, depth - 1, left) for item in value]
        return {"tuple" if isinstance(value, tuple) else "list": parts}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        items = value.items()
        return {"dict": {str(k)[:TEXT]: _flatten(v, arrays, depth - 1, left) for k, v in items}}
    return {"other": type(value).__name__[:80]}


def read(path: Path, most: int) -> Any:
    """Read a value of at most so many bytes.

    Raises
    ------
    OSError
        If there is no regular file.
    ValueError
        If it is not such a file, or a larger one.
    """
    data = read_bytes(path, most)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > NODES or sum(entry.file_size for entry in entries) > most:
                raise ValueError(REASONS[0])
            arrays = {entry.filename: _array(archive, entry) for entry in entries}
        return _build(json.loads(arrays["tree.npy"].tobytes()), arrays)
    except Exception as error:  # a forged file may break any part of the readers
        known = type(error) is ValueError and str(error) in REASONS
        raise ValueError(str(error) if known else "not the arrays that were asked for") from error


def read_bytes(path: Path, most: int) -> bytes:
    """Read a regular file, never through a link, of at most so many bytes."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("not a regular file")
        # Room is made for what is there, not for what is allowed.
        data = file.read(min(facts.st_size, most) + 1)
    if len(data) > most:
        raise ValueError(f"larger than the {most:,} bytes allowed")
    return data


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """Read one array after its header has been checked against the size of what is there."""
    # Compressed entries could be of any size: `size` says what they claim, not what they hold.
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise ValueError(REASONS[1])
    data = io.BytesIO(archive.read(entry))
    version = np.lib.format.read_magic(data)
    reader = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, _, dtype = reader(data, max_header_size=HEADER)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "biufc" or dtype.hasobject or size != entry.file_size - data.tell():
        raise ValueError(REASONS[1])
    data.seek(0)
    return np.load(data, allow_pickle=False)


def _build(node: dict, arrays: dict[str, np.ndarray]) -> Any:
    ((kind, content),) = node.items()
    if kind == "value" and (content is None or type(content) in (bool, str)):
        return content
    if kind == "value" and type(content) is int and abs(content) < LARGEST:
        return content
    if kind == "float":
        return float(content)
    if kind == "array":
        return arrays[f"a{int(content)}.npy"]
    if kind in ("list", "tuple"):
        parts = [_build(item, arrays) for item in content]
        return tuple(parts) if kind == "tuple" else parts
    if kind == "dict":
        return {str(key): _build(item, arrays) for key, item in content.items()}
    if kind == "other":
        return Other(str(content)[:80])
    raise ValueError(f"unknown kind of value {kind!r}")

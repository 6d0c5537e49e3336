"""Parameters on disk: the .npz format, with two promises added.

*Never half a file.* What is saved is first written under a temporary name in the same folder, then
moved over the old file in one step that the operating system does not divide. Whoever stops the
program in between, the old file is still there, whole.

*Never code.* An .npz file is a zip archive of arrays; pickled objects, which can run anything when
they are read, are neither written nor read. A file that is damaged gets an error that names it.
"""

import io
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

PathLike = str | os.PathLike[str]


@contextmanager
def replacing(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of `path` only when it is complete.

    Parameters
    ----------
    path : path-like
        The file to replace or create, in a folder that exists. A link is followed.

    Yields
    ------
    file
        Open for writing bytes. If the block raises, it is removed and `path` left as it was.

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to, or the disk is full.
    """
    path = Path(os.path.realpath(path))
    # The same folder, since a move between two disks would be a copy; a name that nobody else has.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name on empty content
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Makes the move itself survive a power cut. Not every system can; the file is whole anyway.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def save(path: PathLike, params: dict[str, NDArray]) -> None:
    """Save a flat dict of arrays, such as parameters or an optimiser's state.

    Parameters
    ----------
    path : path-like
        Name of the file, ending in ``.npz``; nothing is added to it. An existing file is replaced,
        at once and only when the new one is complete.
    params : dict of str to ndarray
        Any keys, shapes and dtypes except objects.

    Raises
    ------
    TypeError
        If `params` is no dict, or has a key that is no string or a value that is no array.
    ValueError
        If `path` does not end in .npz, or an array holds objects.
    OSError
        If the file cannot be written; the old file is then as it was.
    """
    path = _checked(path)
    if not isinstance(params, dict):
        raise TypeError(f"params: expected a dict of arrays, got {type(params).__name__}")
    for key, x in params.items():
        if not isinstance(key, str) or "\0" in key:
            raise TypeError(f"params: expected keys that are plain strings, got {key!r}")
        if not isinstance(x, np.ndarray | np.generic):
            raise TypeError(f"params[{key!r}]: expected an array, got {type(x).__name__}")
        if x.dtype.hasobject:
            raise ValueError(f"params[{key!r}]: expected numbers or text, got dtype {x.dtype}")
    # Not np.savez: it takes keys as its own keyword arguments, so that "file" would not be one.
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for key, x in params.items():
            # ZipInfo's fixed date makes equal parameters equal files.
            with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(x), allow_pickle=False)


def load(path: PathLike) -> dict[str, NDArray]:
    """Load what `save` (or ``numpy.savez``) has written.

    Parameters
    ----------
    path : path-like
        Name of the file, ending in ``.npz``.

    Returns
    -------
    dict of str to ndarray
        Keys in the order in which they were saved, with their shapes and dtypes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If `path` does not end in .npz, or the file is truncated, damaged, no archive of arrays, or
        holds objects; names the file.
    """
    path = _checked(path)
    params = {}
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                # zipfile leaves out what a damaged directory hides; the file's end has the number.
                file.seek(-12 - len(archive.comment), os.SEEK_END)
                if int.from_bytes(file.read(2), "little") not in (len(entries), 0xFFFF):
                    raise ValueError("its directory is damaged")
                for info in entries:
                    name = info.filename
                    entry = io.BytesIO(archive.read(info))  # read whole, so that its CRC is checked
                    x = np.lib.format.read_array(entry, allow_pickle=False)
                    if not name.endswith(".npy") or entry.read(1):
                        raise ValueError(f"the entry {name!r} is not one array")
                    params[name.removesuffix(".npy")] = x
        except Exception as error:  # what a damaged header makes of NumPy and zipfile has no end
            raise ValueError(
                f"{path}: expected an .npz file of arrays without objects, got a damaged or "
                f"foreign one ({error})"
            ) from error
    return params


def _checked(path: PathLike) -> Path:
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"path: expected a name that ends in .npz, got {str(path)!r}")
    return path

"""MNIST and its file format, IDX.

An IDX file is a header and the numbers: two zero bytes, one byte for the type of the numbers, one
for how many axes, four bytes (big-endian) for the length of each axis, then the entries in C order.
The header says exactly how long the file must be, so every way of being wrong can be told apart.
"""

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files import FILES, check_sha256, data_path, opened, read_up_to

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str], sha256: str | None = None) -> NDArray:
    """Read an array from an IDX file, gzipped or not.

    Parameters
    ----------
    path : path-like
        The file.
    sha256 : str, optional
        SHA-256 that the uncompressed content must have, in hexadecimal digits.

    Returns
    -------
    ndarray
        Shape and dtype as the header says, in the machine's byte order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file does not begin as an IDX file does, has an unknown type of numbers, is
        truncated or too long, or its checksum is wrong; each with its own message.

    References
    ----------
    LeCun, Cortes and Burges, The MNIST database of handwritten digits: file formats.
    """
    path = Path(path)
    with opened(path) as file:
        magic = read_up_to(file, 4)
        if len(magic) < 4:
            raise ValueError(f"{path}: truncated, expected a header, got {len(magic)} bytes")
        if magic[:2] != b"\0\0":
            raise ValueError(
                f"{path}: not an IDX file, expected two zero bytes first, got {magic[:2].hex()}"
            )
        if magic[2] not in DTYPES:
            codes = ", ".join(f"{code:#04x}" for code in DTYPES)
            raise ValueError(f"{path}: unknown type, expected one of {codes}, got {magic[2]:#04x}")
        axes = read_up_to(file, 4 * magic[3])
        if len(axes) < 4 * magic[3]:
            raise ValueError(f"{path}: truncated, the header ends before its {magic[3]} lengths")
        dtype, shape = np.dtype(DTYPES[magic[2]]), tuple(np.frombuffer(axes, ">u4").tolist())
        size = dtype.itemsize * math.prod(shape)
        data = read_up_to(file, size + 1)
    if len(data) < size:
        raise ValueError(f"{path}: truncated, expected {size} bytes for {shape}, got {len(data)}")
    if len(data) > size:
        raise ValueError(f"{path}: too long, expected {size} bytes for {shape}, got more")
    if sha256 is not None:
        check_sha256(path, sha256, magic, axes, data)
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def load_mnist(split: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read the handwritten digits of MNIST from the folder that ``RNNCORE_DATA`` names.

    Only the two files of the split are read. Images stay bytes, a quarter of their size as floats;
    `image_rows` turns a batch of them into sequences.

    Parameters
    ----------
    split : {"train", "test"}, optional
        60,000 or 10,000 digits.

    Returns
    -------
    images : ndarray of uint8
        Shape (N, 28, 28), 0 is the background.
    labels : ndarray of int64
        Shape (N,), 0 to 9.

    Raises
    ------
    FileNotFoundError
        If the files are not there; says where to put them.
    ValueError
        If `split` is another one, or a file is damaged.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document
    recognition.
    """
    prefixes = {"train": "train", "test": "t10k"}
    if split not in prefixes:
        raise ValueError(f"split: expected 'train' or 'test', got {split!r}")
    names = [f"mnist/{prefixes[split]}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    images, labels = (read_idx(data_path(name), FILES[name].sha256) for name in names)
    return images, labels.astype(np.int64)

"""Real data sets, by the reader's own choice.

Nothing is downloaded unasked. Each set is looked for in the folder that the environment variable
``RNNCORE_DATA`` names; who has not got it can put it there, or call `download`. Every file is known
by the size and the SHA-256 of its UNCOMPRESSED content, so that it does not matter who compressed
it, nor whether it still is.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rnncore.storage import replacing

CHUNK = 1 << 20
FOLDER = "RNNCORE_DATA"


@dataclass(frozen=True)
class Known:
    """A file: its address, and the size and SHA-256 of its uncompressed content.

    A file without an address of its own has none that `download` could use, but an `origin`.
    """

    url: str | None
    size: int
    sha256: str
    origin: str = ""


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
# Where the file belongs below the folder, and what is known of it.
FILES = {
    "timemachine/timemachine.txt": Known(
        "https://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt",
        178_979,
        "8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516",
    ),
    "tinyshakespeare/input.txt": Known(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        1_115_394,
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
    "mnist/train-images-idx3-ubyte.gz": Known(
        f"{_MNIST}/train-images-idx3-ubyte.gz",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "mnist/train-labels-idx1-ubyte.gz": Known(
        f"{_MNIST}/train-labels-idx1-ubyte.gz",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "mnist/t10k-images-idx3-ubyte.gz": Known(
        f"{_MNIST}/t10k-images-idx3-ubyte.gz",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "mnist/t10k-labels-idx1-ubyte.gz": Known(
        f"{_MNIST}/t10k-labels-idx1-ubyte.gz",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fra-eng/fra.txt.gz": Known(
        None,
        11_669_748,
        "0bb85dbaa1c896844649094d7eaf2e34bee34e84fe362b26ce7e8f2e12aae104",
        "fra.txt of fra-eng.zip from www.manythings.org/anki, as of 7 April 2019",
    ),
}


def data_path(name: str) -> Path:
    """Find a file below the folder that ``RNNCORE_DATA`` names.

    Parameters
    ----------
    name : str
        Path of the file inside the folder, such as ``"tinyshakespeare/input.txt"``. A file
        ``x.gz`` may also lie there uncompressed as ``x``.

    Returns
    -------
    Path
        The file, which exists.

    Raises
    ------
    FileNotFoundError
        If the variable is not set or the file is not there; says where to put which file.
    """
    folder = os.environ.get(FOLDER)
    if folder:
        for path in (Path(folder, name), Path(folder, name.removesuffix(".gz"))):
            if path.is_file():
                return path
    where = f"not found in {folder}" if folder else f"{FOLDER} is not set"
    message = f"{name}: {where}. Set {FOLDER} to a folder and put the file there as {name}"
    if known := FILES.get(name):
        message += (
            f", or call rnncore.data.download({name.partition('/')[0]!r}), which fetches it from "
            f"{known.url}"
            if known.url
            else f": {known.origin}"
        )
        message += f". SHA-256 of its uncompressed content: {known.sha256}"
    raise FileNotFoundError(message)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file that may be gzipped, told by its first bytes, for reading its content.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    file
        Open for reading uncompressed bytes.

    Raises
    ------
    ValueError
        If the compressed data is truncated or damaged; names the file.
    """
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            yield gzip.GzipFile(fileobj=raw) if zipped else raw
        except EOFError as error:
            raise ValueError(f"{path}: truncated, the compressed data ends too early") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: damaged compressed data ({error})") from error


def read_up_to(file: BinaryIO, size: int) -> bytearray:
    """Read `size` bytes, or fewer at the end, without trusting `size` with memory beforehand."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(CHUNK, size - len(content)))):
        content += chunk
    return content


def check_sha256(path: Path, sha256: str, *contents: bytes | bytearray) -> None:
    """Raise ValueError unless the contents, one after the other, have this SHA-256."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    if digest.hexdigest() != sha256:
        raise ValueError(
            f"{path}: wrong checksum, expected SHA-256 {sha256}, got {digest.hexdigest()} "
            "(of the uncompressed content)"
        )


def read_checked(path: Path, size: int, sha256: str) -> bytearray:
    """Read a file whose content is known beforehand.

    Parameters
    ----------
    path : path-like
        The file, gzipped or not.
    size : int
        Size of its uncompressed content in bytes.
    sha256 : str
        SHA-256 of its uncompressed content, in hexadecimal digits.

    Returns
    -------
    bytearray
        The uncompressed content.

    Raises
    ------
    ValueError
        If the file is truncated, too long, damaged or another one; names it.
    """
    with opened(path) as file:
        content = read_up_to(file, size + 1)
    if len(content) < size:
        raise ValueError(f"{path}: truncated, expected {size} bytes, got {len(content)}")
    if len(content) > size:
        raise ValueError(f"{path}: too long, expected {size} bytes, got more")
    check_sha256(path, sha256, content)
    return content


def download(name: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Download a data set; what is there already and right is kept.

    Each file is written under a temporary name, checked, and only then put in its place.

    Parameters
    ----------
    name : {"timemachine", "tinyshakespeare", "mnist"}
        The data set.
    folder : path-like, optional
        Where to put it, in a folder of its own; by default what ``RNNCORE_DATA`` names.

    Returns
    -------
    Path
        The folder of this data set.

    Raises
    ------
    ValueError
        If there is no such set, no folder is given, or what came is not the file expected; in the
        last case nothing is left behind.
    OSError
        If a file cannot be fetched or written.
    """
    from urllib.request import urlopen

    addressed = {path: known for path, known in FILES.items() if known.url}
    wanted = {path: known for path, known in addressed.items() if path.startswith(f"{name}/")}
    if not wanted:
        sets = sorted({path.partition("/")[0] for path in addressed})
        raise ValueError(f"name: expected one of {sets}, got {name!r}")
    folder = folder or os.environ.get(FOLDER)
    if not folder:
        raise ValueError(f"folder: expected one, or the environment variable {FOLDER}, got neither")
    for path, known in wanted.items():
        target = Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            try:
                read_checked(target, known.size, known.sha256)
                continue
            except ValueError:
                pass  # damaged: fetch it again
        with replacing(target) as file, urlopen(known.url, timeout=60) as response:
            # Compressed files are smaller than their content; nothing much larger is right.
            file.write(read_up_to(response, known.size + CHUNK))
            file.flush()
            try:
                read_checked(Path(file.name), known.size, known.sha256)
            except ValueError as error:
                raise ValueError(f"{known.url}: not the file expected ({error})") from error
    return Path(folder, name)

"""Digits that people spoke: the Free Spoken Digit Dataset, by the reader's own choice."""

import hashlib
import io
import os
import re
import tarfile
import wave
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files import FOLDER

ARCHIVE, RECORDINGS = "fsdd/fsdd_takes0-9.tar.gz", "fsdd/recordings"
NAME = re.compile(r"(?:recordings/)?(\d)_([a-z]+)_(\d)\.wav")
COUNT, LARGEST, RATE = 600, 1 << 18, 8000
SHA256 = "3f8a613e2dd2eacee346b52d93e2958393efb8e0393dd3c335d1858242b46450"


class Recording(NamedTuple):
    """One spoken digit.

    Attributes
    ----------
    samples : ndarray of float32
        Sound pressure between -1 and 1, 8,000 samples a second.
    digit : int
        What is said, 0 to 9.
    speaker : str
        Who says it.
    take : int
        Which of the speaker's takes of this digit, 0 to 9.
    """

    samples: NDArray[np.float32]
    digit: int
    speaker: str
    take: int


def load_spoken_digits() -> list[Recording]:
    """Read takes 0 to 9 of ten digits by six speakers, 600 recordings.

    They lie in the folder that ``RNNCORE_DATA`` names, as ``fsdd/fsdd_takes0-9.tar.gz`` or as the
    data set's own folder ``fsdd/recordings``; of the latter other takes are passed over.  By the
    custom of the data set takes 0 to 4 are for testing.

    Returns
    -------
    list of Recording
        In the order of digit, speaker and take.

    Raises
    ------
    FileNotFoundError
        If neither is there; says what to put where.
    ValueError
        If a recording is missing, damaged or another one.

    References
    ----------
    Z. Jackson et al., Free Spoken Digit Dataset, CC BY-SA 4.0.
    """
    files, where = _contents()
    if len(files) != COUNT:
        raise ValueError(f"{where}: expected {COUNT} recordings, takes 0 to 9, got {len(files)}")
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + content)
    if digest.hexdigest() != SHA256:
        raise ValueError(
            f"{where}: wrong checksum, expected SHA-256 {SHA256} over names and contents of takes "
            f"0 to 9, got {digest.hexdigest()}"
        )
    return [_parse(name, content) for name, content in sorted(files.items())]


def _contents() -> tuple[dict[str, bytes], Path]:
    """Return the recordings by their names, and where they were found."""
    folder = os.environ.get(FOLDER)
    if folder and (path := Path(folder, ARCHIVE)).is_file():
        return _from_archive(path), path
    if folder and (path := Path(folder, RECORDINGS)).is_dir():
        found = (file for file in path.iterdir() if NAME.fullmatch(file.name))
        return {file.name: file.read_bytes() for file in found}, path
    where = f"not found in {folder}" if folder else f"{FOLDER} is not set"
    raise FileNotFoundError(
        f"{ARCHIVE}: {where}. Set {FOLDER} to a folder and put there, as {RECORDINGS}, the folder "
        "'recordings' of the Free Spoken Digit Dataset (github.com/Jakobovski)"
    )


def _from_archive(path: Path) -> dict[str, bytes]:
    files = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and NAME.fullmatch(member.name) and member.size <= LARGEST:
                    name = member.name.rpartition("/")[2]
                    files[name] = archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: truncated or damaged archive ({error})") from error
    return files


def _parse(name: str, content: bytes) -> Recording:
    digit, speaker, take = NAME.fullmatch(name).groups()
    with wave.open(io.BytesIO(content)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    return Recording(samples.astype(np.float32) / 2**15, int(digit), speaker, int(take))

"""Translations and spoken digits: read from the reader's folder, and each damage named."""

import gzip
import hashlib
import io
import os
import tarfile
import wave

import numpy as np
import pytest

from rnncore import data
from rnncore.data import files, pairs, spoken

real = pytest.mark.skipif(
    not os.environ.get("RNNCORE_DATA"),
    reason="RNNCORE_DATA is not set: without the real files there is nothing to read",
)
SENTENCES = b"Go.\tVa !\nRun!\tCours !\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def few_pairs(monkeypatch):
    known = files.Known(None, len(SENTENCES), hashlib.sha256(SENTENCES).hexdigest(), "a site")
    for module in (files, pairs):
        monkeypatch.setattr(module, "FILES", {pairs.PAIRS: known})


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_pairs(few_pairs, folder, pack):
    (folder / "fra-eng").mkdir()
    (folder / "fra-eng" / "fra.txt.gz").write_bytes(pack(SENTENCES))
    assert data.load_pairs() == [("Go.", "Va !"), ("Run!", "Cours !")]


def test_missing_pairs_name_their_origin(few_pairs, folder):
    with pytest.raises(FileNotFoundError, match=r"fra-eng/fra.txt.gz: not found in .*: a site\."):
        data.load_pairs()
    with pytest.raises(ValueError, match="name: expected one of"):
        data.download("fra-eng")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SENTENCES[:-3], "truncated, expected"),
        (SENTENCES + b"x", "too long"),
        (SENTENCES.replace(b"Go", b"No"), "wrong checksum"),
        (gzip.compress(SENTENCES)[:-9], "truncated"),
    ],
)
def test_damaged_pairs(few_pairs, folder, content, message):
    (folder / "fra-eng").mkdir()
    (folder / "fra-eng" / "fra.txt.gz").write_bytes(content)
    with pytest.raises(ValueError, match=f"fra.txt.gz: {message}"):
        data.load_pairs()


def sound(samples):
    """A WAV file of these 16-bit samples."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken.RATE)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return out.getvalue()


@pytest.fixture
def recordings(monkeypatch):
    few = {"3_ann_0.wav": sound([0, 2**14, -(2**15)]), "7_bob_5.wav": sound([1, 2, 3, 4])}
    digest = hashlib.sha256(b"".join(name.encode() + few[name] for name in sorted(few)))
    monkeypatch.setattr(spoken, "COUNT", len(few))
    monkeypatch.setattr(spoken, "SHA256", digest.hexdigest())
    return few


def pack(recordings, path):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"README.md": b"words", **recordings}.items():
            member = tarfile.TarInfo(f"recordings/{name}" if name.endswith("wav") else name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def unpack(recordings, path):
    path.mkdir(parents=True)
    for name, content in recordings.items():
        (path / name).write_bytes(content)


def check(found):
    assert [(r.digit, r.speaker, r.take) for r in found] == [(3, "ann", 0), (7, "bob", 5)]
    np.testing.assert_array_equal(found[0].samples, np.array([0, 0.5, -1], np.float32))


def test_spoken_digits_from_the_archive(recordings, folder):
    pack(recordings, folder / spoken.ARCHIVE)
    check(data.load_spoken_digits())


def test_spoken_digits_from_the_folder_pass_over_other_takes(recordings, folder):
    unpack(recordings | {"3_ann_12.wav": sound([9])}, folder / spoken.RECORDINGS)
    check(data.load_spoken_digits())


def test_missing_recordings(folder, monkeypatch):
    with pytest.raises(FileNotFoundError, match="fsdd_takes0-9.tar.gz: not found in .* put there"):
        data.load_spoken_digits()
    monkeypatch.delenv("RNNCORE_DATA")
    with pytest.raises(FileNotFoundError, match="RNNCORE_DATA is not set"):
        data.load_spoken_digits()


def test_damaged_recordings(recordings, folder):
    archive = folder / spoken.ARCHIVE
    pack(dict(list(recordings.items())[:1]), archive)
    with pytest.raises(ValueError, match="expected 2 recordings, takes 0 to 9, got 1"):
        data.load_spoken_digits()
    pack(recordings | {"7_bob_5.wav": sound([1, 2, 3, 5])}, archive)
    with pytest.raises(ValueError, match="wrong checksum"):
        data.load_spoken_digits()
    archive.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="truncated or damaged archive"):
        data.load_spoken_digits()
    pack(recordings, archive)
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(ValueError, match="truncated or damaged archive|got 1"):
        data.load_spoken_digits()


@real
def test_real_pairs():
    found = data.load_pairs()
    assert len(found) == 167_130 and found[0] == ("Go.", "Va !")


@real
def test_real_spoken_digits():
    found = data.load_spoken_digits()
    assert len(found) == 600 and len({r.speaker for r in found}) == 6
    assert {r.digit for r in found} == {r.take for r in found} == set(range(10))
    assert all(np.abs(r.samples).max() <= 1 and len(r.samples) > 1000 for r in found)

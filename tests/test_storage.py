"""Saving and loading: everything survives, a killed save harms nothing, damage is named."""

import os
import stat
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncore.storage import load, save

PARAMS = {
    "rnn.weight_ih_l0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "step": np.array(7),
    "file": np.zeros((0, 3)),
    "big/endian": np.array([1, 2], ">i4"),
    "tall": np.asfortranarray(np.random.default_rng(0).standard_normal((4, 3))),
    "Ümläut.npy": np.array([True, False]),
    "words": np.array(["ein", "zwei"]),
    "not finite": np.array([np.nan, np.inf, -0.0]),
}


def assert_same(a, b):
    assert list(a) == list(b)
    for key in a:
        assert a[key].dtype == b[key].dtype and a[key].shape == b[key].shape
        np.testing.assert_array_equal(a[key], b[key])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_everything_survives(tmp_path):
    save(tmp_path / "a.npz", PARAMS)
    assert_same(load(tmp_path / "a.npz"), PARAMS)
    save(str(tmp_path / "b.npz"), {})
    assert load(str(tmp_path / "b.npz")) == {}
    assert names(tmp_path) == ["a.npz", "b.npz"]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    params=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        ),
        max_size=4,
    )
)
def test_any_dict_of_arrays_survives(tmp_path_factory, params):
    path = tmp_path_factory.mktemp("any") / "a.npz"
    save(path, params)
    assert_same(load(path), params)


def test_it_is_numpys_format_and_equal_params_make_equal_files(tmp_path):
    plain = {key: PARAMS[key] for key in ("rnn.weight_ih_l0", "step", "tall")}
    save(tmp_path / "ours.npz", plain)
    with np.load(tmp_path / "ours.npz") as archive:
        assert_same(dict(archive), plain)
    np.savez_compressed(tmp_path / "theirs.npz", **plain)
    assert_same(load(tmp_path / "theirs.npz"), plain)
    save(tmp_path / "again.npz", plain)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "ours.npz").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="links and permissions are those of POSIX")
def test_a_link_is_followed_and_permissions_are_ordinary(tmp_path):
    (tmp_path / "real").mkdir()
    save(tmp_path / "real" / "a.npz", {})
    (tmp_path / "link.npz").symlink_to(tmp_path / "real" / "a.npz")
    save(tmp_path / "link.npz", PARAMS)
    assert (tmp_path / "link.npz").is_symlink()
    assert_same(load(tmp_path / "real" / "a.npz"), PARAMS)
    (tmp_path / "plain").write_text("")
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "plain", tmp_path / "link.npz")
    ]
    assert modes[0] == modes[1]


# A save that is stopped half-way


class Killed(BaseException):
    """What a keyboard interrupt or a full disk would be."""


def kill(*args, **kwargs):
    raise Killed


@pytest.mark.parametrize("there_before", [True, False])
@pytest.mark.parametrize("moment", ["second array", "archive", "sync", "move"])
def test_a_stopped_save_leaves_the_old_file_and_nothing_else(
    monkeypatch, tmp_path, moment, there_before
):
    path, old = tmp_path / "a.npz", {"a": np.ones(3)}
    if there_before:
        save(path, old)
    if moment == "second array":
        write, written = np.lib.format.write_array, []

        def write_once(*args, **kwargs):
            if written:
                kill()
            written.append(write(*args, **kwargs))

        monkeypatch.setattr(np.lib.format, "write_array", write_once)
    else:
        owner, name = {
            "archive": (zipfile.ZipFile, "_write_end_record"),
            "sync": (os, "fsync"),
            "move": (os, "replace"),
        }[moment]
        monkeypatch.setattr(owner, name, kill)
    with pytest.raises(Killed):
        save(path, PARAMS)
    monkeypatch.undo()
    assert names(tmp_path) == (["a.npz"] if there_before else [])
    if there_before:
        assert_same(load(path), old)


def test_a_killed_process_leaves_the_old_file(tmp_path):
    path, old = tmp_path / "a.npz", {"a": np.ones(3)}
    save(path, old)
    program = (
        "import os, sys, numpy\n"
        "from rnncore.storage import save\n"
        "os.replace = lambda *args: os._exit(9)\n"
        "save(sys.argv[1], {'a': numpy.zeros(100000)})\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == 9
    assert_same(load(path), old)
    save(path, PARAMS)  # what the dead process left is in nobody's way
    assert_same(load(path), PARAMS)


def test_errors_of_the_system_pass_through(tmp_path):
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "no folder" / "a.npz", PARAMS)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.npz")


def test_folders_that_cannot_be_synced_do_no_harm(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    save(tmp_path / "a.npz", {"a": np.ones(1)})
    assert list(load(tmp_path / "a.npz")) == ["a"]


# Damage


def saved_bytes(tmp_path):
    save(tmp_path / "good.npz", PARAMS)
    return (tmp_path / "good.npz").read_bytes()


def assert_named(path):
    with pytest.raises(ValueError, match=r"bad\.npz: expected an \.npz file of arrays") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_truncated_file_is_named_wherever_it_ends(tmp_path):
    content, path = saved_bytes(tmp_path), tmp_path / "bad.npz"
    for size in {0, 1, 10, len(content) // 2, len(content) - 1, *range(0, len(content), 97)}:
        path.write_bytes(content[:size])
        assert_named(path)


def test_a_flipped_bit_never_passes_unnoticed(tmp_path):
    content, path = saved_bytes(tmp_path), tmp_path / "bad.npz"
    noticed = 0
    for place in range(0, len(content), 7):
        spoilt = bytearray(content)
        spoilt[place] ^= 0x10
        path.write_bytes(spoilt)
        try:
            found = load(path)
        except ValueError as error:
            noticed += "bad.npz: expected an .npz file" in str(error)
        else:  # the zip directory holds dates and comments too; the arrays are guarded by a CRC
            assert len(found) == len(PARAMS)  # a name may be damaged, an entry may not be lost
            for key in set(found) & set(PARAMS):
                assert found[key].tobytes() == PARAMS[key].tobytes()
    assert noticed > 20


def test_no_bit_of_the_directory_hides_an_array(tmp_path):
    content, path = saved_bytes(tmp_path), tmp_path / "bad.npz"
    for place in range(content.index(b"PK\x01\x02"), len(content)):
        for bit in (1, 64):
            spoilt = bytearray(content)
            spoilt[place] ^= bit
            path.write_bytes(spoilt)
            try:
                assert len(load(path)) == len(PARAMS)
            except ValueError as error:
                assert "bad.npz: expected an .npz file" in str(error)


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"PK\x03\x04" + bytes(200)])
def test_garbage_is_named(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    assert_named(tmp_path / "bad.npz")


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, a=np.ones(2), b=np.array([print, {}], object))
    assert_named(path)


@pytest.mark.parametrize(
    "name, content",
    [
        ("notes.txt", b"hello"),
        ("a.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'}"),
        ("a.npy", None),
        (
            "a.npy",
            b"\x93NUMPY\x01\x00\x4f\x00"
            + b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999,)}".ljust(78)
            + b"\n",
        ),
    ],
)
def test_foreign_archives_are_named(tmp_path, name, content):
    path = tmp_path / "bad.npz"
    if content is None:  # one array with something behind it
        save(path, {"a": np.ones(2)})
        with zipfile.ZipFile(path) as archive:
            content = archive.read("a.npy") + b"more"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    assert_named(path)


@pytest.mark.parametrize(
    "path, params, error, message",
    [
        ("a", PARAMS, ValueError, r"path: expected a name that ends in \.npz, got 'a'"),
        ("a.npy", PARAMS, ValueError, r"ends in \.npz, got 'a\.npy'"),
        ("a.npz", [np.ones(2)], TypeError, "params: expected a dict of arrays, got list"),
        ("a.npz", {1: np.ones(2)}, TypeError, "keys that are plain strings, got 1"),
        ("a.npz", {"a\0b": np.ones(2)}, TypeError, "plain strings"),
        ("a.npz", {"a": [1.0]}, TypeError, r"params\['a'\]: expected an array, got list"),
        ("a.npz", {"a": np.array([{}])}, ValueError, "expected numbers or text, got dtype object"),
    ],
)
def test_save_refuses(monkeypatch, tmp_path, path, params, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        save(path, params)
    assert names(tmp_path) == []


def test_load_refuses_another_suffix():
    with pytest.raises(ValueError, match=r"ends in \.npz"):
        load("params.pt")

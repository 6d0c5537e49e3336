"""Data: what it promises on the page, and one clear message for each way a file can be wrong."""

import gzip
import hashlib
import io
import itertools
import os
import struct
import urllib.request

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore import data
from rnncore.data import files, idx, text
from rnncore.losses import cross_entropy, squared_error

reproducible = settings(deadline=None, derandomize=True, max_examples=50)
real = pytest.mark.skipif(
    not os.environ.get("RNNCORE_DATA"),
    reason="RNNCORE_DATA is not set: without the real files there is nothing to read",
)


def rng(seed=0):
    return np.random.default_rng(seed)


# Text


@reproducible
@given(st.text(min_size=1))
def test_encoding_and_decoding_are_inverses(sample):
    vocabulary = data.Vocabulary.from_text(sample)
    tokens = vocabulary.encode(sample)
    assert vocabulary.decode(tokens) == sample
    assert tokens.dtype == np.int64 and tokens.shape == (len(sample),)
    assert len(vocabulary) == len(set(sample)) == tokens.max() + 1
    assert vocabulary.decode(range(len(vocabulary))) == vocabulary.characters


def test_vocabulary_is_sorted_and_frozen():
    vocabulary = data.Vocabulary.from_text("hello world")
    assert vocabulary == data.Vocabulary(" dehlorw") and vocabulary.characters == " dehlorw"
    assert vocabulary.encode("hello").tolist() == [3, 2, 4, 4, 5]
    assert vocabulary.decode(np.array([[]]).reshape(-1)) == vocabulary.decode([]) == ""
    assert vocabulary.decode(np.int64(3)) == vocabulary.decode(3) == "h"
    assert vocabulary.encode("").shape == (0,)
    with pytest.raises(AttributeError):
        vocabulary.characters = "x"


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda v: v.encode("abxc"), ValueError, "got 'x' at position 2"),
        (lambda v: v.encode("ab\U0001f600"), ValueError, "got '\U0001f600' at position 2"),
        (lambda v: v.encode("a\ud800"), ValueError, "at position 1"),
        (lambda v: v.encode(["a"]), TypeError, "text: expected a string, got list"),
        (lambda v: v.decode([0, 3]), ValueError, r"in \[0, 3\), got 3 at \(1,\)"),
        (lambda v: v.decode([-1]), ValueError, "got -1"),
        (lambda v: v.decode([0.5]), ValueError, "tokens: expected an array of integers"),
        (lambda v: v.decode([[0]]), ValueError, r"one sequence \(T,\), got shape \(1, 1\)"),
        (lambda v: data.Vocabulary.from_text(""), ValueError, "at least one character"),
        (lambda v: data.Vocabulary.from_text(b"a"), TypeError, "expected a string, got bytes"),
        (lambda v: data.Vocabulary("ba"), ValueError, "sorted, each once"),
        (lambda v: data.Vocabulary("aab"), ValueError, "sorted, each once"),
        (lambda v: data.Vocabulary(""), ValueError, "at least one"),
        (lambda v: data.Vocabulary(("a", "b")), TypeError, "expected a string, got tuple"),
    ],
)
def test_vocabulary_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call(data.Vocabulary("abc"))


@reproducible
@given(shape=st.lists(st.integers(0, 3), max_size=3), size=st.integers(1, 5))
def test_one_hot(shape, size):
    tokens = rng().integers(size, size=shape)
    x = data.one_hot(tokens, size)
    assert x.shape == (*shape, size) and x.dtype == np.float32
    np.testing.assert_array_equal(x, np.eye(size)[tokens])
    assert data.one_hot(tokens, size, np.float64).dtype == np.float64


def test_one_hot_refuses():
    with pytest.raises(ValueError, match=r"tokens: expected integers in \[0, 2\), got 2"):
        data.one_hot([0, 2], 2)
    with pytest.raises(ValueError, match="size: expected a positive integer"):
        data.one_hot([0], 0)
    with pytest.raises(ValueError, match="dtype: expected float32 or float64"):
        data.one_hot([0], 2, int)


@reproducible
@given(length=st.integers(2, 200), batch_size=st.integers(1, 6), steps=st.integers(1, 20))
def test_stream_batches_continue_row_by_row(length, batch_size, steps):
    tokens = rng().integers(50, size=length)
    row = (length - 1) // batch_size
    if row < steps:
        with pytest.raises(ValueError, match=f"= {batch_size * steps + 1}, got {length}"):
            data.stream_batches(tokens, batch_size, steps)
        return
    batches = list(data.stream_batches(tokens, batch_size, steps))
    assert len(batches) == row // steps
    for inputs, targets in batches:
        assert inputs.shape == targets.shape == (steps, batch_size)
        assert inputs.flags.c_contiguous and targets.dtype == tokens.dtype
    inputs, targets = (np.concatenate(side) for side in zip(*batches, strict=True))
    for b in range(batch_size):
        used = len(batches) * steps
        np.testing.assert_array_equal(inputs[:, b], tokens[b * row : b * row + used])
        np.testing.assert_array_equal(targets[:, b], tokens[b * row + 1 : b * row + used + 1])


def test_stream_batches_of_the_docstring():
    tokens = data.Vocabulary.from_text("abcdefghijklm").encode("abcdefghijklm")
    (x, y), (x2, _) = data.stream_batches(tokens, 2, 3)
    assert x.tolist() == [[0, 6], [1, 7], [2, 8]] and y.tolist() == [[1, 7], [2, 8], [3, 9]]
    assert x2.tolist() == [[3, 9], [4, 10], [5, 11]]
    x[:] = 99  # a batch is the caller's own
    assert tokens.max() == 12


def test_stream_batches_refuse():
    for args, error, message in [
        ((np.zeros((3, 4), int), 1, 1), ValueError, r"one sequence \(N,\), got shape \(3, 4\)"),
        (([0.5], 1, 1), ValueError, "expected an array of integers"),
        ((range(9), 0, 1), ValueError, "batch_size: expected a positive integer, got 0"),
        ((range(9), 1, 1.5), TypeError, r"steps: expected a positive integer, got 1\.5"),
        (([], 1, 1), ValueError, "expected"),
    ]:
        with pytest.raises(error, match=message):
            data.stream_batches(*args)


def test_alphabet_toy():
    assert data.alphabet_toy() == ["abc", "bcd", "cdef", "fgh", "a", "bc", "abcdef"]
    data.alphabet_toy().append("changed")
    assert len(data.alphabet_toy()) == 7


# Memory tasks

TASKS = {
    "adding": lambda r, B, dtype: data.adding_problem(r, 12, B, dtype),
    "copy": lambda r, B, dtype: data.copy_memory(r, 5, B, dtype=dtype),
    "order": lambda r, B, dtype: data.temporal_order(r, 20, B, dtype),
    "two lags": lambda r, B, dtype: data.two_lag(r, 20, B, dtype=dtype),
    "parity": lambda r, B, dtype: data.parity(r, 12, B, dtype),
    "recall": lambda r, B, dtype: data.delayed_recall(r, 12, B, 3, dtype=dtype),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("task", TASKS)
def test_tasks_are_time_major_and_reproducible(task, dtype):
    inputs, targets = TASKS[task](rng(3), 7, dtype)
    assert inputs.ndim == 3 and inputs.shape[1] == 7 and inputs.dtype == dtype
    assert targets.shape in [(7, 1), (7,), inputs.shape[:2]]
    assert targets.dtype == (dtype if task == "adding" else np.int64)
    again = TASKS[task](rng(3), 7, dtype)
    other = TASKS[task](rng(4), 7, dtype)
    np.testing.assert_array_equal(inputs, again[0])
    np.testing.assert_array_equal(targets, again[1])
    assert not np.array_equal(inputs, other[0])


@pytest.mark.parametrize("task", TASKS)
def test_tasks_refuse(task):
    with pytest.raises(TypeError, match="rng: expected"):
        TASKS[task](0, 7, np.float32)
    with pytest.raises(ValueError, match="batch_size: expected a positive integer, got 0"):
        TASKS[task](rng(), 0, np.float32)
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got int64"):
        TASKS[task](rng(), 7, np.int64)


def test_tasks_refuse_sizes_that_are_too_small():
    for call, message in [
        (lambda: data.adding_problem(rng(), 1, 2), "steps: expected at least 2, got 1"),
        (lambda: data.temporal_order(rng(), 9, 2), "steps: expected at least 10, got 9"),
        (lambda: data.delayed_recall(rng(), 4, 2, 4), "steps: expected at least 5, got 4"),
        (lambda: data.copy_memory(rng(), 0, 2), "delay: expected a positive integer, got 0"),
        (lambda: data.two_lag(rng(), 9, 2, lags=(3, 3)), "lags: expected two different ones"),
        (lambda: data.two_lag(rng(), 9, 2, lags=(0, 3)), "lags: expected a positive integer"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


@reproducible
@given(steps=st.integers(2, 15), seed=st.integers(0, 99))
def test_adding_problem(steps, seed):
    inputs, targets = data.adding_problem(rng(seed), steps, 5, np.float64)
    values, markers = inputs[..., 0], inputs[..., 1]
    assert ((values >= 0) & (values <= 1)).all() and np.isin(markers, [0, 1]).all()
    np.testing.assert_array_equal(markers[: steps // 2].sum(axis=0), 1)
    np.testing.assert_array_equal(markers[steps // 2 :].sum(axis=0), 1)
    np.testing.assert_allclose(targets[:, 0], (values * markers).sum(axis=0))


def test_adding_problem_baseline():
    _, targets = data.adding_problem(rng(), 10, 50_000)
    assert squared_error(np.ones_like(targets), targets)[0] == pytest.approx(1 / 12, rel=0.02)


@reproducible
@given(delay=st.integers(1, 9), symbols=st.integers(1, 4), length=st.integers(1, 4))
def test_copy_memory(delay, symbols, length):
    inputs, targets = data.copy_memory(rng(), delay, 3, symbols, length)
    tokens = inputs.argmax(axis=-1)
    T = delay + 2 * length
    assert inputs.shape == (T, 3, symbols + 2) and (inputs.sum(axis=-1) == 1).all()
    np.testing.assert_array_equal(tokens[:length], targets[-length:])
    assert (tokens[:length] >= 1).all() and (tokens[:length] <= symbols).all()
    expected = [0] * (delay - 1) + [symbols + 1] + [0] * length
    np.testing.assert_array_equal(tokens[length:], np.array(expected)[:, None].repeat(3, 1))
    assert not targets[:-length].any()


def test_copy_memory_baseline():
    _, targets = data.copy_memory(rng(), 30, 4)
    logits = np.full((50, 4, 9), -1e4)
    logits[:-10, :, 0] = logits[-10:, :, 1:] = 0
    assert cross_entropy(logits, targets)[0] == pytest.approx(10 * np.log(8) / 50)


@reproducible
@given(steps=st.integers(10, 60), seed=st.integers(0, 99))
def test_temporal_order(steps, seed):
    inputs, targets = data.temporal_order(rng(seed), steps, 4)
    tokens = inputs.argmax(axis=-1)
    assert inputs.shape == (steps, 4, 8) and (inputs.sum(axis=-1) == 1).all()
    assert (tokens[0] == 0).all() and (tokens[-1] == 1).all()
    for b in range(4):
        places = np.flatnonzero(np.isin(tokens[:, b], [2, 3]))
        assert len(places) == 2
        assert steps // 10 <= places[0] <= steps // 5 and steps // 2 <= places[1] <= 6 * steps // 10
        first, second = tokens[places, b] == 3
        assert targets[b] == 2 * first + second
        assert (np.delete(tokens[1:-1, b], places - 1) >= 4).all()


def test_temporal_order_has_four_equal_classes():
    _, targets = data.temporal_order(rng(), 10, 8000)
    assert np.abs(np.bincount(targets, minlength=4) - 2000).max() < 4 * np.sqrt(8000 * 3 / 16)


@pytest.mark.parametrize("lags", [(3, 8), (5, 2)])
def test_two_lag_has_the_entropy_it_promises(lags):
    inputs, y = data.two_lag(rng(), 40_000, 5, lags, np.float64)
    start, x = max(lags), inputs[..., 0]
    x_a, x_b = (x[start - lag : len(x) - lag] for lag in lags)
    y = y[start:]
    for p, knows in [
        (0.5 + 0.5 * x_a - 0.25 * x_b, (True, True)),
        (0.375 + 0.5 * x_a, (True, False)),
        (0.75 - 0.25 * x_b, (False, True)),
        (np.full_like(x_a, 0.625), (False, False)),
    ]:
        surprise = -np.log(np.where(y == 1, p, 1 - p)).mean()
        assert surprise == pytest.approx(data.two_lag_entropy(*knows), abs=0.004)


def test_two_lag_entropy_in_closed_form():
    def h(p):
        return -p * np.log(p) - (1 - p) * np.log(1 - p)

    assert data.two_lag_entropy() == pytest.approx((np.log(2) + h(0.25) + h(0.75)) / 4)
    assert data.two_lag_entropy(second=False) == pytest.approx((h(0.375) + h(0.875)) / 2)
    assert data.two_lag_entropy(first=False) == pytest.approx((h(0.75) + h(0.5)) / 2)
    assert data.two_lag_entropy(False, False) == pytest.approx(h(0.625))
    rounded = [
        round(data.two_lag_entropy(*k), 3) for k in itertools.product([True, False], repeat=2)
    ]
    assert rounded == [0.454, 0.519, 0.628, 0.662]


def test_parity():
    inputs, targets = data.parity(rng(), 30, 6)
    state = np.zeros(6, int)
    for x, y in zip(inputs[..., 0], targets, strict=True):
        state ^= x.astype(int)
        np.testing.assert_array_equal(y, state)


@reproducible
@given(lag=st.integers(1, 5), more=st.integers(1, 5), symbols=st.integers(1, 4))
def test_delayed_recall(lag, more, symbols):
    inputs, targets = data.delayed_recall(rng(), lag + more, 3, lag, symbols)
    assert inputs.shape == (lag + more, 3, symbols)
    assert (targets[:lag] == -100).all()
    np.testing.assert_array_equal(targets[lag:], inputs.argmax(axis=-1)[:-lag])
    perfect = 1e4 * np.roll(inputs, lag, axis=0)
    assert cross_entropy(perfect, targets, mask=targets >= 0)[0] == 0


# Digits


def test_digits_are_split_evenly_and_always_alike():
    digits = data.load_digits_rows()
    assert digits.train_rows.shape == (8, 1442, 8) and digits.test_rows.shape == (8, 355, 8)
    assert digits.train_rows.dtype == np.float32 and digits.test_labels.dtype == np.int64
    for rows in (digits.train_rows, digits.test_rows):
        assert rows.min() == 0 and rows.max() == 1 and rows.flags.c_contiguous
    assert np.bincount(digits.test_labels).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    again = data.load_digits_rows(dtype=np.float64)
    for a, b in zip(digits, again, strict=True):
        np.testing.assert_array_equal(a, b)
    content = np.ascontiguousarray(again.test_rows * 16, np.uint8).tobytes()
    assert hashlib.sha256(content).hexdigest() == DIGITS_SHA256


DIGITS_SHA256 = "771a38e83023c4e5a9735ca3dafd8929907f86bb31fd640c3d47145484aae089"


def test_digits_are_the_rows_of_the_images():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    digits = data.load_digits_rows(dtype=np.float64)
    place = np.flatnonzero(labels == 7)[4]  # the fifth seven is for testing
    i = np.flatnonzero(digits.test_labels == 7)[0]
    np.testing.assert_array_equal(digits.test_rows[:, i].reshape(-1) * 16, images[place])


def test_digits_split_by_a_generator():
    a, b = data.load_digits_rows(rng(1)), data.load_digits_rows(rng(2))
    assert [x.shape for x in a] == [x.shape for x in data.load_digits_rows()]
    np.testing.assert_array_equal(np.bincount(a.test_labels), np.bincount(b.test_labels))
    assert not np.array_equal(a.test_rows, b.test_rows)
    np.testing.assert_array_equal(a.test_rows, data.load_digits_rows(rng(1)).test_rows)
    with pytest.raises(TypeError, match="rng: expected"):
        data.load_digits_rows(7)


def test_image_rows():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    rows = data.image_rows(images, 24, np.float64)
    assert rows.shape == (3, 2, 4) and rows.flags.c_contiguous
    np.testing.assert_allclose(rows[1, 0], images[0, 1] / 24)
    for bad, error, message in [
        (images[0], ValueError, r"expected shape \(N, T, I\), not empty, got \(3, 4\)"),
        (images[:0], ValueError, "not empty"),
        (images * 1.5, ValueError, r"from 0 to 24, got 0\.0 to 34\.5"),
        (images - 1.0, ValueError, "got -1"),
        (images * np.nan, ValueError, "got nan"),
        (images.astype(str), TypeError, "images: expected numbers"),
    ]:
        with pytest.raises(error, match=message):
            data.image_rows(bad, 24)
    for largest, error in [(0, ValueError), (np.inf, ValueError), ("24", TypeError)]:
        with pytest.raises(error, match="largest: expected a"):
            data.image_rows(np.zeros((1, 2, 2)), largest)


@pytest.mark.parametrize("shape", [(1, 3, 4), (3, 1, 4), (2, 3, 4)])
def test_image_rows_leave_the_images_alone(shape):
    images = np.ones(shape, np.float32)
    images.flags.writeable = False
    assert data.image_rows(images, 2).max() == 0.5 and images.max() == 1


# Files

ARRAYS = {
    0x08: np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    0x09: np.array([-1, 2], np.int8),
    0x0B: np.array([[-300], [2]], np.int16),
    0x0C: np.array([70000, -1], np.int32),
    0x0D: np.array([0.5, -np.inf], np.float32),
    0x0E: np.array(np.pi),
}


def idx_bytes(x, code):
    header = bytes([0, 0, code, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape)
    return header + x.astype(x.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("code", ARRAYS)
def test_idx_of_every_type(tmp_path, code, zipped):
    x = ARRAYS[code]
    content = idx_bytes(x, code)
    path = tmp_path / "any-name"
    path.write_bytes(gzip.compress(content) if zipped else content)
    for found in (
        data.read_idx(path),
        data.read_idx(str(path), hashlib.sha256(content).hexdigest()),
    ):
        assert found.dtype == x.dtype and found.shape == x.shape and found.flags.writeable
        np.testing.assert_array_equal(found, x)


def test_an_empty_idx_file_has_no_entries(tmp_path):
    (tmp_path / "a").write_bytes(idx_bytes(np.zeros((0, 3), np.uint8), 8))
    assert data.read_idx(tmp_path / "a").shape == (0, 3)


GOOD = idx_bytes(ARRAYS[8], 8)
ZIPPED = gzip.compress(GOOD, mtime=0)
HUGE = bytes([0, 0, 14, 3]) + b"\xff" * 12  # more numbers than there is memory in the world


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "truncated, expected a header, got 0 bytes"),
        (GOOD[:3], "truncated, expected a header, got 3 bytes"),
        (GOOD[:10], "truncated, the header ends before its 3 lengths"),
        (GOOD[:-1], r"truncated, expected 24 bytes for \(2, 3, 4\), got 23"),
        (HUGE, "truncated, expected .* got 0"),
        (GOOD + b"x", r"too long, expected 24 bytes for \(2, 3, 4\), got more"),
        (b"\1" + GOOD[1:], "not an IDX file, expected two zero bytes first, got 0100"),
        (b"<html>", "not an IDX file, expected two zero bytes first, got 3c68"),
        (GOOD[:2] + b"\x0a" + GOOD[3:], "unknown type, expected one of 0x08, .* got 0x0a"),
        (GOOD[:-1] + b"\0", "wrong checksum, expected SHA-256 .*, got "),
        (ZIPPED[:-12], "truncated, the compressed data ends too early"),
        (ZIPPED[:5], "truncated, the compressed data ends too early"),
        (ZIPPED[:-6] + b"\0" + ZIPPED[-5:], "damaged compressed data"),
        (ZIPPED[:12] + b"\xff" * 8 + ZIPPED[20:], "damaged compressed data"),
        (gzip.compress(GOOD + b"x"), "too long"),
        (gzip.compress(GOOD[:-1]), "truncated, expected 24 bytes"),
    ],
)
def test_each_damage_has_its_message(tmp_path, content, message):
    path = tmp_path / "spoilt-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"spoilt-idx3-ubyte: {message}") as caught:
        data.read_idx(path, hashlib.sha256(GOOD).hexdigest())
    assert str(path) in str(caught.value)


def test_a_missing_idx_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        data.read_idx(tmp_path / "nothing")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder of data, with small files in the places of the large ones."""
    images, labels = ARRAYS[8], np.array([3, 7], np.uint8)
    contents = {
        "timemachine/timemachine.txt": b"The Time Traveller\n",
        "tinyshakespeare/input.txt": "First Citizen: naïve\n".encode(),
        "mnist/t10k-images-idx3-ubyte.gz": idx_bytes(images, 8),
        "mnist/t10k-labels-idx1-ubyte.gz": idx_bytes(labels, 8),
    }
    known = {
        name: files.Known(
            f"https://example.org/{name}", len(content), hashlib.sha256(content).hexdigest()
        )
        for name, content in contents.items()
    }
    for module in (files, idx, text):
        monkeypatch.setattr(module, "FILES", known)
    monkeypatch.setenv("RNNCORE_DATA", str(tmp_path / "data"))
    return {
        name: gzip.compress(content) if name.endswith(".gz") else content
        for name, content in contents.items()
    }


def put(contents, folder):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_texts_and_mnist_are_read_from_the_folder(tiny, tmp_path):
    put(tiny, tmp_path / "data")
    assert data.load_text("timemachine") == "The Time Traveller\n"
    assert data.load_text("tinyshakespeare") == "First Citizen: naïve\n"
    images, labels = data.load_mnist("test")
    np.testing.assert_array_equal(images, ARRAYS[8])
    assert labels.tolist() == [3, 7] and labels.dtype == np.int64


def test_an_uncompressed_copy_will_do(tiny, tmp_path):
    put({name.removesuffix(".gz"): c for name, c in tiny.items()}, tmp_path / "data")
    for path in (tmp_path / "data" / "mnist").iterdir():
        path.write_bytes(gzip.decompress(path.read_bytes()))
    assert data.load_mnist("test")[1].tolist() == [3, 7]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c[:-1], "truncated, expected 19 bytes, got 18"),
        (lambda c: c + b"x", "too long, expected 19 bytes, got more"),
        (lambda c: c.replace(b"Time", b"Tame"), "wrong checksum, expected SHA-256"),
    ],
)
def test_a_spoilt_text_is_named(tiny, tmp_path, change, message):
    name = "timemachine/timemachine.txt"
    put({name: change(tiny[name])}, tmp_path / "data")
    with pytest.raises(ValueError, match=rf"timemachine\.txt: {message}"):
        data.load_text("timemachine")


def test_a_missing_file_says_how_to_get_it(tiny, monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        data.load_mnist("test")
    for part in ("mnist/t10k-images-idx3-ubyte.gz: not found in", "rnncore.data.download('mnist')"):
        assert part in str(caught.value)
    assert files.FILES["mnist/t10k-images-idx3-ubyte.gz"].sha256 in str(caught.value)
    monkeypatch.delenv("RNNCORE_DATA")
    with pytest.raises(FileNotFoundError, match=r"RNNCORE_DATA is not set\. Set RNNCORE_DATA"):
        data.load_text("tinyshakespeare")
    with pytest.raises(FileNotFoundError, match=r"put the file there as other/own\.txt$"):
        data.data_path("other/own.txt")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"name: expected one of \['book', .* got 'bible'"):
        data.load_text("bible")
    with pytest.raises(ValueError, match="split: expected 'train' or 'test', got 'dev'"):
        data.load_mnist("dev")


def test_the_book_is_in_the_package_or_its_place_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(text.resources, "files", lambda package: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"rnncore/data/book\.txt: expected in the package"):
        data.load_text()
    (tmp_path / "book.txt").write_text("Prose – ours.\n", encoding="utf-8")
    assert data.load_text("book") == "Prose – ours.\n"


# Downloads, without a network


@pytest.fixture
def web(tiny, monkeypatch):
    """Answers in the place of the network, and the list of what was asked for."""
    answers = {f"https://example.org/{name}": content for name, content in tiny.items()}
    asked = []

    def urlopen(url, timeout):
        assert timeout > 0
        asked.append(url)
        answer = answers[url]
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return answers, asked


def test_download_puts_checked_files_in_their_place(web, tiny, tmp_path):
    _, asked = web
    assert data.download("mnist") == tmp_path / "data" / "mnist"
    assert data.load_mnist("test")[1].tolist() == [3, 7]
    assert len(asked) == 2 and len(list((tmp_path / "data" / "mnist").iterdir())) == 2
    data.download("mnist")
    assert len(asked) == 2  # what is right is kept
    next((tmp_path / "data" / "mnist").iterdir()).write_bytes(b"spoilt")
    data.download("mnist")
    assert len(asked) == 3  # what is not is fetched again
    data.download("timemachine", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "timemachine" / "timemachine.txt").exists()


@pytest.mark.parametrize(
    "change, error, message",
    [
        (lambda c: c[:-1], ValueError, "not the file expected .*truncated"),
        (lambda c: c + b"x" * 9, ValueError, "not the file expected .*too long"),
        (lambda c: b"<html>" + c[6:], ValueError, "not the file expected .*wrong checksum"),
        (lambda c: OSError("no route"), OSError, "no route"),
    ],
)
@pytest.mark.parametrize("there_before", [False, True])
def test_a_failed_download_leaves_nothing(web, tmp_path, change, error, message, there_before):
    answers, _ = web
    url = "https://example.org/timemachine/timemachine.txt"
    answers[url] = change(answers[url])
    path = tmp_path / "data" / "timemachine" / "timemachine.txt"
    if there_before:
        put({"timemachine/timemachine.txt": b"an old one"}, tmp_path / "data")
    with pytest.raises(error, match=message):
        data.download("timemachine")
    assert list(path.parent.iterdir()) == ([path] if there_before else [])


def test_download_refuses(web, monkeypatch):
    with pytest.raises(ValueError, match=r"name: expected one of \['mnist', .* got 'cifar'"):
        data.download("cifar")
    monkeypatch.delenv("RNNCORE_DATA")
    with pytest.raises(ValueError, match=r"folder: expected one, or .* got neither"):
        data.download("mnist")


def test_real_addresses_are_secure_and_checksums_whole():
    for name, known in files.FILES.items():
        address = known.url or known.origin
        assert not known.url or address.startswith("https://")
        assert not known.url or address.endswith(name.rpartition("/")[2])
        assert address
        assert len(known.sha256) == 64 and known.size > 10_000


# The real files


@real
@pytest.mark.parametrize("split, count", [("train", 60_000), ("test", 10_000)])
def test_real_mnist(split, count):
    images, labels = data.load_mnist(split)
    assert images.shape == (count, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (count,) and set(labels) == set(range(10))
    assert data.image_rows(images[:5], 255).max() == 1


@real
@pytest.mark.parametrize(
    "name, characters, begin",
    [("timemachine", 178_979, "The Time Machine"), ("tinyshakespeare", 1_115_394, "First Citizen")],
)
def test_real_texts(name, characters, begin):
    sample = data.load_text(name)
    assert len(sample) == characters and sample.startswith(begin)
    vocabulary = data.Vocabulary.from_text(sample)
    assert vocabulary.decode(vocabulary.encode(sample)) == sample

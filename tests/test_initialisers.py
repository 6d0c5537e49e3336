"""Initial weights: exact where they are exact, statistical with fixed seeds where they are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.initialisers import forget_bias, glorot, identity, orthogonal, uniform

reproducible = settings(deadline=None, derandomize=True, max_examples=30)
FLOATS = (np.float32, np.float64)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "draw",
    [
        lambda dtype: uniform(rng(), (5, 3), 0.1, dtype),
        lambda dtype: glorot(rng(), (5, 3), dtype),
        lambda dtype: orthogonal(rng(), (5, 3), 1.5, dtype),
        lambda dtype: orthogonal(rng(), (3, 5), dtype=dtype).T,
        lambda dtype: identity((5, 3), 0.5, dtype),
    ],
)
def test_shape_dtype_and_reproducibility(draw, dtype):
    w = draw(dtype)
    assert w.shape == (5, 3) and w.dtype == dtype and w.flags.writeable
    np.testing.assert_array_equal(w, draw(dtype))
    np.testing.assert_allclose(w, draw(np.float64), atol=1e-6)


def test_uniform_fills_its_interval_evenly():
    w = uniform(rng(), (20, 10, 50), 0.3, np.float64)
    assert np.abs(w).max() <= 0.3
    counts, _ = np.histogram(w, bins=10, range=(-0.3, 0.3))
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(1000 * 0.9)  # four standard deviations
    assert not uniform(rng(), (3,), 0).any()


@pytest.mark.parametrize("shape", [(200, 300), (400, 100)])
def test_glorot_has_the_variance_it_promises(shape):
    w = glorot(rng(), shape, np.float64)
    assert np.var(w) == pytest.approx(2 / sum(shape), rel=0.02)
    assert abs(np.mean(w)) < 4 * np.sqrt(2 / sum(shape) / w.size)


@reproducible
@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 99))
def test_orthogonal_has_all_singular_values_at_the_gain(rows, columns, seed):
    w = orthogonal(rng(seed), (rows, columns), 2.0, np.float64)
    gram = w.T @ w if rows >= columns else w @ w.T
    np.testing.assert_allclose(gram, 4 * np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_keeps_a_length_through_many_steps():
    w, h = orthogonal(rng(), (32, 32), dtype=np.float64), rng(1).standard_normal(32)
    length = np.linalg.norm(h)
    for _ in range(1000):
        h = w @ h
    assert np.linalg.norm(h) == pytest.approx(length, rel=1e-10)


def test_orthogonal_is_drawn_evenly():
    # Under Haar measure the trace has mean 0 and variance 1, and half the matrices are rotations;
    # QR without the sign fix fails on both (its diagonal has a preferred sign).
    g = rng()
    ws = np.array([orthogonal(g, (4, 4), dtype=np.float64) for _ in range(4000)])
    traces = np.trace(ws, axis1=1, axis2=2)
    assert abs(traces.mean()) < 0.06 and traces.var() == pytest.approx(1, abs=0.1)
    assert np.mean(np.linalg.det(ws) > 0) == pytest.approx(0.5, abs=0.03)
    assert np.mean(ws[:, 0, 0] > 0) == pytest.approx(0.5, abs=0.03)


def test_identity():
    np.testing.assert_array_equal(identity((2, 3), 0.5), [[0.5, 0, 0], [0, 0.5, 0]])


@pytest.mark.parametrize("name", ["", "_l0", "_l1_reverse", "_l0_reverse_reverse"])
@pytest.mark.parametrize("prefix", ["", "rnn.", "model.encoder."])
def test_forget_bias_sets_one_block_only(name, prefix):
    H = 3
    params = {
        f"{prefix}{kind}{name}": uniform(rng(), shape, 1.0)
        for kind, shape in {
            "weight_ih": (4 * H, 2),
            "weight_hh": (4 * H, H),
            "bias_ih": (4 * H,),
            "bias_hh": (4 * H,),
        }.items()
    } | {"out.weight": np.ones((2, H)), "out.bias": np.ones(2)}
    before = {key: w.copy() for key, w in params.items()}
    new = forget_bias(params, 2.0)
    assert list(new) == list(params)
    for key, w in params.items():
        np.testing.assert_array_equal(w, before[key])
        changed = np.flatnonzero((new[key] != w).reshape(-1)).tolist()
        assert changed == ([3, 4, 5] if "bias_" in key else [])
        assert new[key].dtype == w.dtype
    np.testing.assert_array_equal(new[f"{prefix}bias_ih{name}"][H : 2 * H], 2)
    np.testing.assert_array_equal(new[f"{prefix}bias_hh{name}"][H : 2 * H], 0)


def test_forget_bias_refuses_other_cells():
    gru = {"weight_hh": np.ones((9, 3)), "bias_ih": np.ones(9), "bias_hh": np.ones(9)}
    with pytest.raises(ValueError, match=r"expected an LSTM .* got a weight_hh of \(9, 3\)"):
        forget_bias(gru)
    with pytest.raises(ValueError, match="got no recurrent weight"):
        forget_bias({"bias_ih": np.ones(8)})
    with pytest.raises(ValueError, match=r"expected keys such as bias_ih .* got \['bias'\]"):
        forget_bias({"bias": np.ones(8)})
    with pytest.raises(ValueError, match="value: expected a finite number"):
        forget_bias(gru, np.inf)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: uniform(0, (2,), 1.0), TypeError, "rng: expected a numpy.random.Generator"),
        (lambda: uniform(rng(), (2,), -1.0), ValueError, "bound: expected a number of at least 0"),
        (lambda: uniform(rng(), (2,), np.nan), ValueError, "bound: expected a finite number"),
        (lambda: uniform(rng(), (2,), "1"), TypeError, "bound: expected a number, got str"),
        (lambda: uniform(rng(), (2,), 1.0, int), ValueError, "float32 or float64, got int64"),
        (lambda: glorot(rng(), 3), TypeError, r"shape: expected \(rows, columns\), got 3"),
        (lambda: identity(3), TypeError, r"shape: expected \(rows, columns\), got 3"),
        (lambda: forget_bias(None), TypeError, "params: expected a dict of arrays, got NoneType"),
        (lambda: glorot(rng(), (2,)), ValueError, r"shape: expected \(rows, columns\), got \(2,\)"),
        (
            lambda: orthogonal(rng(), (2, 0)),
            ValueError,
            "columns: expected a positive integer, got 0",
        ),
        (lambda: identity((2.0, 1)), TypeError, "rows: expected a positive integer, got 2.0"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()

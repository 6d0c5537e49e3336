"""Bad input: an error that names the argument, what was expected and what came."""

import numpy as np
import pytest
from models import CAUSAL, MODELS

import rnncore
from rnncore import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Clockwork,
    Jordan,
    Stack,
    bptt,
    count_parameters,
    rtrl,
    scan,
    step,
)

CELL = LSTM(3, 4)


@pytest.fixture
def params():
    return CELL.init(np.random.default_rng(0))


def xs(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RNN(0, 4), ValueError, "input_size: expected a positive integer, got 0"),
        (lambda: LSTM(3, -1), ValueError, "hidden_size: expected a positive integer, got -1"),
        (lambda: GRU(3, 2.0), TypeError, r"hidden_size: expected a positive integer, got 2\.0"),
        (lambda: RNN(3, True), TypeError, "hidden_size: expected a positive integer, got True"),
        (lambda: RNN(3, 4, nonlinearity="sin"), ValueError, "expected 'tanh' or 'relu', got 'sin'"),
        (lambda: GRU(3, 4, reset_after=1), TypeError, "reset_after: expected True or False, got 1"),
        (lambda: Jordan(3, 4, 0), ValueError, "output_size: expected a positive integer, got 0"),
        (lambda: Clockwork(3, 6), ValueError, "hidden_size: expected a multiple of 4, .* got 6"),
        (lambda: Clockwork(3, 4, (2, 2)), ValueError, r"strictly increasing numbers, got \(2, 2\)"),
        (lambda: Clockwork(3, 4, ()), ValueError, "periods: expected at least one, got none"),
        (lambda: Clockwork(3, 4, [1, 2]), TypeError, "periods: expected a tuple, got list"),
        (
            lambda: Clockwork(3, 4, (0, 2)),
            ValueError,
            "periods: expected a positive integer, got 0",
        ),
        (lambda: Stack(()), ValueError, "layers: expected at least one, got none"),
        (lambda: Stack([CELL]), TypeError, "layers: expected a tuple, got list"),
        (lambda: Stack((CELL, 3)), TypeError, "model: expected a cell or a model .*, got int"),
        (
            lambda: Stack((CELL, GRU(3, 4))),
            ValueError,
            r"layers\[1\]: expected input size 4, .* got 3",
        ),
        (lambda: Bidirectional("lstm"), TypeError, "model: expected a cell or a model .*, got str"),
        (lambda: CELL.init(0), TypeError, "rng: expected a numpy.random.Generator, got int"),
        (
            lambda: CELL.init(np.random.default_rng(0), np.float16),
            ValueError,
            "dtype: expected float32 or float64, got float16",
        ),
        (
            lambda: CELL.init(np.random.default_rng(0), "float33"),
            ValueError,
            "dtype: expected float32 or float64, got 'float33'",
        ),
        (lambda: count_parameters(3), TypeError, "model: expected a cell or a model .*, got int"),
    ],
)
def test_sizes(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"xs": xs(5, 3)}, ValueError, r"xs: expected shape \(T, B, 3\), got \(5, 3\)"),
        ({"xs": xs(5, 2, 4)}, ValueError, r"xs: expected shape \(T, B, 3\), got \(5, 2, 4\)"),
        ({"xs": xs(0, 2, 3)}, ValueError, r"xs: expected at least one entry .*, got \(0, 2, 3\)"),
        ({"xs": xs(5, 0, 3)}, ValueError, r"xs: expected at least one entry .*, got \(5, 0, 3\)"),
        ({"xs": xs(5, 2, 3, dtype=np.float64)}, ValueError, "xs: expected float32, got float64"),
        ({"xs": xs(5, 2, 3, dtype=np.int64)}, ValueError, "xs: expected float32, got int64"),
        ({"xs": [[[1.0]]]}, TypeError, "xs: expected a NumPy array, got list"),
        ({"model": "lstm"}, TypeError, "model: expected a cell or a model of rnncore, got str"),
        ({"state": xs(2, 4)}, ValueError, "state: expected a tuple of 2, got ndarray"),
        ({"state": (xs(2, 4),)}, ValueError, "state: expected a tuple of 2, got 1 parts"),
        (
            {"state": (xs(2, 4), xs(2, 5))},
            ValueError,
            r"state\[1\]: expected shape \(2, 4\), got \(2, 5\)",
        ),
        (
            {"state": (xs(2, 4), xs(2, 4, dtype=np.float64))},
            ValueError,
            r"state\[1\]: expected float32, got float64",
        ),
        ({"lengths": [5]}, ValueError, r"lengths: expected 2 integers, got int64 of shape \(1,\)"),
        ({"lengths": [[5], [2, 1]]}, ValueError, r"lengths: expected an array, got \[\[5\], \["),
        ({"lengths": [5.0, 2.0]}, ValueError, "lengths: expected 2 integers, got float64"),
        ({"lengths": [5, 0]}, ValueError, "lengths: expected values from 1 to 5, got 0 to 5"),
        ({"lengths": [6, 1]}, ValueError, "lengths: expected values from 1 to 5, got 1 to 6"),
        ({"params": [1]}, TypeError, "params: expected a dict of arrays, got list"),
    ],
)
def test_scan(params, given, error, message):
    arguments = {"model": CELL, "params": params, "xs": xs(5, 2, 3)} | given
    with pytest.raises(error, match=message):
        scan(**arguments)


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("weight_ih", lambda w: w[:4], r"\['weight_ih'\]: expected shape \(16, 3\), got \(4, 3\)"),
        ("bias_hh", lambda w: w[:, None], r"\['bias_hh'\]: expected shape \(16,\), got \(16, 1\)"),
        ("bias_ih", lambda w: w.astype(np.float64), r"expected float32, got float64"),
        ("weight_hh", lambda w: w.astype(np.float16), r"expected float32, got float16"),
        (
            "weight_hh",
            lambda w: np.where(w == w[0, 0], np.nan, w),
            "finite numbers, got NaN or inf",
        ),
        ("bias_hh", lambda w: w + np.float32(np.inf), "expected finite numbers, got NaN or inf"),
    ],
)
def test_parameters(params, key, change, message):
    with pytest.raises(ValueError, match=message):
        scan(CELL, params | {key: change(params[key])}, xs(5, 2, 3))


def test_names_of_parameters(params):
    renamed = {"weights": params.pop("weight_ih"), **params}
    with pytest.raises(ValueError, match="missing weight_ih, unknown weights"):
        scan(CELL, renamed, xs(5, 2, 3))
    with pytest.raises(TypeError, match=r"params\['bias_hh'\]: expected a NumPy array, got list"):
        scan(GRU(3, 4), GRU(3, 4).init(np.random.default_rng(0)) | {"bias_hh": []}, xs(5, 2, 3))


def test_dead_blocks_of_a_clockwork_net():
    model = Clockwork(3, 4, (1, 2))
    params = model.init(np.random.default_rng(0))
    params["weight_hh"] = params["weight_hh"] + np.float32(1)
    for wrong, weights in (
        (model, params),
        (Stack((model,)), {f"{k}_l0": v for k, v in params.items()}),
    ):
        with pytest.raises(ValueError, match="expected zeros below the block diagonal"):
            scan(wrong, weights, xs(5, 2, 3))
    with pytest.raises(ValueError, match=r"state\[1\]: expected a step number, 0 or more, got -1"):
        scan(model, model.init(np.random.default_rng(0)), xs(5, 2, 3), (xs(2, 4), -1))


def test_step(params):
    with pytest.raises(ValueError, match=r"x: expected shape \(B, 3\), got \(1, 2, 3\)"):
        step(CELL, params, xs(1, 2, 3))
    both = Bidirectional(CELL)
    with pytest.raises(TypeError, match="bidirectional net cannot be stepped"):
        step(both, both.init(np.random.default_rng(0)), xs(2, 3))


def test_bptt(params):
    hs, _, cache = scan(CELL, params, xs(5, 2, 3))
    with pytest.raises(
        TypeError, match=r"cache: expected what scan\(keep=True\) returns, got None"
    ):
        bptt(CELL, params, hs, None)
    with pytest.raises(ValueError, match=r"dhs: expected shape \(5, 2, 4\), got \(4, 2, 4\)"):
        bptt(CELL, params, hs[:4], cache)
    with pytest.raises(ValueError, match="dhs: expected float32, got float64"):
        bptt(CELL, params, hs.astype(np.float64), cache)
    with pytest.raises(ValueError, match="dstate: expected a tuple of 2, got 1 parts"):
        bptt(CELL, params, hs, cache, (hs[0],))
    with pytest.raises(ValueError, match=r"cache: expected one of GRU\(.*, got one of LSTM"):
        bptt(GRU(3, 4), params, hs, cache)
    with pytest.raises(TypeError, match="cache: expected what scan.* got Bidirectional"):
        bptt(CELL, params, hs, Bidirectional(CELL))
    wide = {key: value.astype(np.float64) for key, value in params.items()}
    with pytest.raises(ValueError, match="cache: expected one of float64, got one of float32"):
        bptt(CELL, wide, hs.astype(np.float64), cache)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: LSTM(n(3), n(200)),
        lambda n: Clockwork(n(3), n(200), (n(1), n(100))),
        lambda n: Jordan(n(3), n(200), n(200)),
    ],
)
def test_sizes_of_a_small_integer_type_do_not_overflow(make):
    assert make(np.uint8).shapes == make(int).shapes
    assert count_parameters(make(np.uint8)) == count_parameters(make(int))


@pytest.mark.parametrize("name", CAUSAL)
def test_an_output_of_a_step_is_not_the_state(name):
    model = CAUSAL[name](3, 4)
    weights = model.init(np.random.default_rng(0))
    y, state = step(model, weights, xs(2, 3))
    again = step(model, weights, xs(2, 3), state)[0]
    y[...] = 9
    np.testing.assert_array_equal(step(model, weights, xs(2, 3), state)[0], again)


def test_outputs_that_belong_to_the_cache_are_read_only(params):
    hs, _, _ = scan(CELL, params, xs(5, 2, 3))
    with pytest.raises(ValueError, match="read-only"):
        hs[0] = 1
    scan(CELL, params, xs(5, 2, 3), keep=False)[0][0] = 1


def test_rtrl(params):
    dhs = xs(5, 2, 4)
    with pytest.raises(
        ValueError, match="form: expected one of structured, plain, diagonal, got 'x'"
    ):
        rtrl(CELL, params, xs(5, 2, 3), dhs, form="x")
    with pytest.raises(ValueError, match=r"dhs: expected shape \(5, 2, 4\)"):
        rtrl(CELL, params, xs(5, 2, 3), dhs[:, :1])
    before = GRU(3, 4, reset_after=False)
    weights = before.init(np.random.default_rng(0))
    with pytest.raises(TypeError, match="'plain' is for elementwise cells only"):
        rtrl(before, weights, xs(5, 2, 3), dhs, form="plain")
    both = Bidirectional(CELL)
    with pytest.raises(TypeError, match="expected a model that reads forwards only"):
        rtrl(both, both.init(np.random.default_rng(0)), xs(5, 2, 3), xs(5, 2, 8))


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_errors_leave_every_argument_alone(make):
    model = make(3, 2)
    params = model.init(np.random.default_rng(0))
    before = {k: v.copy() for k, v in params.items()}
    with pytest.raises(ValueError, match="lengths"):
        scan(model, params, xs(4, 2, 3), lengths=[9, 9])
    for key, value in before.items():
        np.testing.assert_array_equal(params[key], value)


def test_unknown_names():
    with pytest.raises(AttributeError, match="has no attribute 'LTSM'"):
        _ = rnncore.LTSM

"""The judge of all gradients has to be judged itself: it must pass the right and fail the wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.gradients import gradcheck, numerical_gradient

reproducible = settings(deadline=None, derandomize=True, max_examples=30)


def f(params):
    return np.sum(np.tanh(params["a"])) * np.sum(params["b"] ** 2)


def f_grads(params):
    return {
        "a": (1 - np.tanh(params["a"]) ** 2) * np.sum(params["b"] ** 2),
        "b": 2 * params["b"] * np.sum(np.tanh(params["a"])),
    }


@pytest.fixture
def params():
    rng = np.random.default_rng(0)
    return {"a": rng.standard_normal((3, 2)), "b": rng.standard_normal(4)}


@reproducible
@given(shape=st.lists(st.integers(0, 4), max_size=3))
def test_numerical_gradient_of_a_cubic(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    before = x.copy()
    dx = numerical_gradient(lambda x: np.sum(x**3), x)
    assert dx.shape == x.shape and dx.dtype == np.float64
    np.testing.assert_allclose(dx, 3 * x**2, atol=1e-8)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("directions", [None, 1, 5])
def test_right_gradients_pass(params, directions):
    before = {key: x.copy() for key, x in params.items()}
    worst = gradcheck(f, params, f_grads(params), directions=directions)
    assert 0 <= worst < 1e-8
    for key in params:
        np.testing.assert_array_equal(params[key], before[key])


def test_a_single_array_will_do():
    x = np.arange(3.0)
    gradcheck(np.sum, x, np.ones(3))
    with pytest.raises(AssertionError, match=r"wrong at index \(1,\): got 2, central"):
        gradcheck(np.sum, x, np.array([1.0, 2.0, 1.0]))


WRONGS = {
    "one entry": lambda g: g | {"b": g["b"] + np.array([0, 0, 1e-4, 0])},
    "a factor": lambda g: g | {"b": 1.001 * g["b"]},
    "a sign": lambda g: g | {"b": -g["b"]},
    "zero": lambda g: g | {"b": 0 * g["b"]},
    "infinity": lambda g: g | {"b": g["b"] + np.array([0, 0, np.inf, 0])},
    "nan": lambda g: g | {"b": g["b"] * np.nan},
}


@pytest.mark.parametrize("wrong", WRONGS)
@pytest.mark.parametrize("directions", [None, 3])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_wrong_gradients_fail_and_are_named(params, wrong, directions):
    grads = WRONGS[wrong](f_grads(params))
    place = r"index \(\d,\)" if directions is None else r"direction \d"
    with pytest.raises(AssertionError, match=f"wrong at {place} of 'b': got "):
        gradcheck(f, params, grads, directions=directions)


def test_the_index_is_that_of_the_worst_entry(params):
    grads = f_grads(params)
    grads["a"][2, 1] += 1e-3
    grads["a"][0, 0] += 1e-5
    with pytest.raises(AssertionError, match=r"index \(2, 1\) of 'a'"):
        gradcheck(f, params, grads)


def test_a_small_gradient_in_a_large_loss_is_not_blamed_on_rounding():
    x = np.full(3, 1e-4)
    gradcheck(lambda x: 50 + np.sum(x**2), x, 2 * x)


def test_empty_arrays_are_passed_over(params):
    params["none"] = np.zeros((0, 3))
    assert gradcheck(f, params, f_grads(params) | {"none": np.zeros((0, 3))}) < 1e-8


def test_tolerance_and_generator_are_the_callers(params):
    grads = WRONGS["a factor"](f_grads(params))
    assert 5e-4 < gradcheck(f, params, grads, tol=1e-2) < 2e-3
    a, b = (
        gradcheck(f, params, grads, np.random.default_rng(s), tol=1, directions=1) for s in (1, 2)
    )
    assert a != b


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"grads": {"a": np.ones((3, 2))}}, ValueError, r"keys \['a', 'b'\], got \['a'\]"),
        ({"grads": np.ones(3)}, ValueError, "got ndarray"),
        ({"grads": {"a": np.ones(3), "b": np.ones(4)}}, ValueError, r"expected shape \(3, 2\)"),
        (
            {"grads": {"a": np.ones((3, 2)), "b": [1.0]}},
            TypeError,
            "expected a NumPy array, got list",
        ),
        ({"params": {"a": np.ones((3, 2), np.float32), "b": np.ones(4)}}, ValueError, "float64"),
        ({"eps": 0.0}, ValueError, "eps: expected a positive number"),
        ({"tol": -1.0}, ValueError, "tol: expected a positive number"),
        ({"directions": 0}, ValueError, "directions: expected a positive integer, got 0"),
        ({"f": lambda p: p["b"]}, TypeError, r"f: expected to return one number, got ndarray \(4,"),
        ({"f": lambda p: 1j}, TypeError, "one number, got complex"),
    ],
)
def test_gradcheck_refuses(params, change, error, message):
    kwargs = {"f": f, "params": params, "grads": f_grads(params)} | change
    with pytest.raises(error, match=message):
        gradcheck(**kwargs)


def test_numerical_gradient_refuses():
    with pytest.raises(ValueError, match="x: expected float64 for differences, got float32"):
        numerical_gradient(np.sum, np.ones(2, np.float32))
    with pytest.raises(TypeError, match="x: expected a NumPy array, got list"):
        numerical_gradient(np.sum, [1.0])
    with pytest.raises(ValueError, match="eps"):
        numerical_gradient(np.sum, np.ones(2), eps=np.nan)

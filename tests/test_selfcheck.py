"""The checks of the problem sets say what is wrong, and let pass what is right."""

import copy
import re

import numpy as np
import pytest

from rnncore.selfcheck import expect_close, expect_gradients, expect_shape, expect_unchanged

SQUARE = np.arange(1.0, 5.0).reshape(2, 2)
NUMBERS = np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    "got, message",
    [
        (None, "expected an array of shape (2, 3), got None (is there a return?)"),
        ([1, 2], "got list"),
        (np.zeros((3, 2)), "got (3, 2); the axes are in another order"),
        (np.zeros(6), "got (6,); the numbers are as many, arranged otherwise"),
        (np.zeros((2, 4)), "expected shape (2, 3), got (2, 4). Look."),
    ],
)
def test_a_wrong_shape(got, message):
    expect_shape("hs", np.zeros((2, 3)), (2, 3))
    with pytest.raises(AssertionError, match=re.escape(message)):
        expect_shape("hs", got, (2, 3), hint="Look.")


@pytest.mark.parametrize(
    "got, expected, message",
    [
        (NUMBERS + [0, 0, 0.5], NUMBERS, "x[2]: expected 4, got 4.5"),
        (-NUMBERS, NUMBERS, "all is right but for the sign"),
        (3 * NUMBERS, NUMBERS, "all is right but for a factor 3"),
        (SQUARE.T, SQUARE, "it is the transpose"),
        (NUMBERS * [1, np.nan, np.inf], NUMBERS, "2 of 3 entries are NaN or infinite"),
        (np.array([np.nan, 1]), np.array([np.nan, 2]), "x[1]: expected 2, got 1"),
        (2.0, 3.0, "x: expected 3, got 2"),
        (7, 8, "x: expected 8, got 7"),
        (None, 3.0, "expected a number, got None"),
        (np.zeros(1), 3.0, "expected shape (), got (1,)"),
        (np.array(["a"]), np.ones(1), "expected numbers, got an array of <U1"),
        (np.zeros(3), NUMBERS, "expected 4, got 0"),
        ("a", "b", "expected 'b', got 'a'"),
        (3, None, "expected None, got 3"),
        ([1, 2], [1, 2, 3], "expected 3 parts, got 2"),
        ([1, 2], (1, 3), "x[1]: expected 3, got 2"),
        (3, (1, 3), "expected a list or tuple, got int"),
        (np.array([1, 2]), [1, 3], "x[1]: expected 3, got 2"),
        ({"a": 1}, {"b": 1}, "expected the keys b, got a"),
        ({"a": 1}, {"a": 2}, "x['a']: expected 2, got 1"),
        (NUMBERS, {"a": 2}, "expected a dict, got an array of shape (3,)"),
    ],
)
def test_what_differs(got, expected, message):
    expect_close("x", copy.deepcopy(expected), expected)
    with pytest.raises(AssertionError, match=re.escape(message)):
        expect_close("x", got, expected)


def loss(params):
    return float((params["W"] ** 2).sum() + 3 * params["b"].sum())


def test_gradients():
    params = {"W": np.array([[1.0, -2.0, 3.0]]), "b": np.zeros(2)}
    right = {"W": 2 * params["W"], "b": np.full(2, 3.0)}
    expect_gradients(loss, params, right)
    expect_gradients(lambda x: float((x**2).sum()), NUMBERS, 2 * NUMBERS)
    expect_gradients(lambda x: float(x.sum()), np.zeros((0, 2)), np.zeros((0, 2)))
    for wrong, message in (
        ({**right, "W": -right["W"]}, "gradient of W (against central differences)[0, 2]"),
        ({**right, "W": -right["W"]}, "but for the sign"),
        ({**right, "b": np.full(2, 3.1)}, "gradient of b"),
        ({**right, "b": np.zeros((1, 2))}, "gradient of b: expected shape (2,)"),
        ({"W": right["W"]}, "expected one for each of W, b, got W"),
        (None, "got None"),
    ):
        with pytest.raises(AssertionError, match=re.escape(message)):
            expect_gradients(loss, params, wrong)


def test_changed_in_place():
    before = {"h": NUMBERS.copy()}
    expect_unchanged("state", before, {"h": NUMBERS.copy()})
    with pytest.raises(AssertionError, match="state was changed in place .*h.*work on a copy"):
        expect_unchanged("state", before, {"h": NUMBERS + 1e-12})

"""Elementwise functions and layers: stable, exact, and checked against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.gradients import gradcheck
from rnncore.layers import (
    embedding,
    embedding_backward,
    init_embedding,
    init_linear,
    linear,
    linear_backward,
)
from rnncore.ops import (
    log_softmax,
    log_softmax_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
    tanh_backward,
)

reproducible = settings(deadline=None, derandomize=True, max_examples=30)
FLOATS = (np.float32, np.float64)

# name: forward, backward, torch's twin
ELEMENTWISE = {
    "sigmoid": (sigmoid, sigmoid_backward, torch.sigmoid),
    "tanh": (np.tanh, tanh_backward, torch.tanh),
    "relu": (relu, relu_backward, torch.relu),
    "softmax": (softmax, softmax_backward, lambda x: torch.softmax(x, -1)),
    "log_softmax": (log_softmax, log_softmax_backward, lambda x: torch.log_softmax(x, -1)),
}
BACKWARDS = [backward for _, backward, _ in ELEMENTWISE.values()]
ours = pytest.mark.parametrize("name", ELEMENTWISE)


@ours
@reproducible
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_values_and_gradients_agree_with_torch(name, shape, seed):
    forward, backward, twin = ELEMENTWISE[name]
    rng = np.random.default_rng(seed)
    x, dy = 3 * rng.standard_normal((2, *shape))
    leaf = torch.tensor(x, requires_grad=True)
    expected = twin(leaf)
    expected.backward(torch.tensor(dy))

    y = forward(x)
    np.testing.assert_allclose(y, expected.detach().numpy(), atol=1e-12, rtol=1e-12)
    np.testing.assert_allclose(backward(dy, y), leaf.grad.numpy(), atol=1e-12, rtol=1e-12)
    gradcheck(lambda x: np.sum(dy * forward(x)), x, backward(dy, y))


@pytest.mark.parametrize("forward, backward", [f[:2] for f in ELEMENTWISE.values()][3:])
def test_softmax_along_another_axis(forward, backward):
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    y = forward(x, axis=1)
    np.testing.assert_allclose(y, forward(x.swapaxes(1, 2)).swapaxes(1, 2), atol=1e-15)
    gradcheck(lambda x: np.sum(dy * forward(x, axis=1)), x, backward(dy, y, axis=1))


@ours
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [1e4, 1e30, "largest"])
def test_extremes_stay_finite_without_a_warning(name, dtype, size):
    forward, backward, _ = ELEMENTWISE[name]
    size = np.finfo(dtype).max if size == "largest" else size
    x = np.array([[-size, 0, size], [size, size, size], [-size, -size, -size]], dtype)
    with np.errstate(all="raise", under="ignore"):
        y = forward(x)
        dx = backward(np.ones_like(y), y)
    assert y.dtype == dx.dtype == dtype
    if (name, size) == ("log_softmax", np.finfo(dtype).max):
        assert y[0, 0] == -np.inf  # twice the largest number has no other rounding
        y[0, 0] = 0
    assert np.isfinite(y).all() and np.isfinite(dx).all()


def test_known_values():
    assert sigmoid(np.array([0.0])) == 0.5
    np.testing.assert_array_equal(sigmoid(np.array([-1e4, 1e4])), [0, 1])
    assert sigmoid(np.array(-700.0)) == pytest.approx(np.exp(-700.0), rel=1e-12)
    np.testing.assert_array_equal(softmax(np.array([-np.inf, 0.0, 0.0])), [0, 0.5, 0.5])
    np.testing.assert_allclose(log_softmax(np.array([0.0, -1e4])), [0, -1e4])
    np.testing.assert_array_equal(
        relu_backward(np.ones(3), relu(np.array([-1.0, 0, 2]))), [0, 0, 1]
    )


@ours
def test_inputs_are_not_changed(name):
    forward, backward, _ = ELEMENTWISE[name]
    x = np.random.default_rng(0).standard_normal((3, 4))
    x.flags.writeable = False
    y = forward(x)
    y.flags.writeable = False
    backward(x, y)


@pytest.mark.parametrize("forward", [sigmoid, relu, softmax, log_softmax])
def test_forward_refuses_what_is_no_float_array(forward):
    with pytest.raises(ValueError, match="x: expected dtype float32 or float64, got int64"):
        forward(np.array([1, 2]))
    with pytest.raises(ValueError, match="float16"):
        forward(np.ones(2, np.float16))
    with pytest.raises(TypeError, match="x: expected an array of floats, got dtype"):
        forward("text")


@pytest.mark.parametrize("forward", [softmax, log_softmax])
def test_softmax_refuses_nothing(forward):
    for x in (np.array(1.0), np.ones((2, 0))):
        with pytest.raises(ValueError, match="at least one number"):
            forward(x)


@pytest.mark.parametrize("backward", BACKWARDS)
def test_backward_refuses_arrays_that_do_not_fit(backward):
    with pytest.raises(ValueError, match=r"dy: expected the shape \(3,\) of y, got \(2,\)"):
        backward(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="dy: expected dtype float64 as the others, got float32"):
        backward(np.ones(2, np.float32), np.ones(2))


# Layers


@reproducible
@given(
    lead=st.lists(st.integers(1, 4), max_size=2),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_linear_agrees_with_torch(lead, sizes):
    rng = np.random.default_rng(0)
    params = init_linear(rng, *sizes, dtype=np.float64)
    x, dy = rng.standard_normal((*lead, sizes[0])), rng.standard_normal((*lead, sizes[1]))
    twin = torch.nn.Linear(*sizes, dtype=torch.float64)
    twin.load_state_dict({key: torch.tensor(w) for key, w in params.items()})
    leaf = torch.tensor(x, requires_grad=True)
    twin(leaf).backward(torch.tensor(dy))

    y = linear(params, x)
    dx, grads = linear_backward(params, x, dy)
    np.testing.assert_allclose(y, twin(leaf).detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), atol=1e-12)
    assert set(grads) == set(params)
    for key, w in twin.named_parameters():
        np.testing.assert_allclose(grads[key], w.grad.numpy(), atol=1e-12)
    gradcheck(lambda p: np.sum(dy * linear(p, x)), params, grads)
    gradcheck(lambda x: np.sum(dy * linear(params, x)), x, dx)


@reproducible
@given(lead=st.lists(st.integers(1, 5), max_size=3), V=st.integers(1, 5), E=st.integers(1, 3))
def test_embedding_agrees_with_torch(lead, V, E):
    rng = np.random.default_rng(0)
    params = init_embedding(rng, V, E, dtype=np.float64)
    tokens, dy = rng.integers(V, size=lead), rng.standard_normal((*lead, E))
    twin = torch.nn.Embedding(V, E, _weight=torch.tensor(params["weight"]))
    y = twin(torch.tensor(tokens))
    y.backward(torch.tensor(dy))

    np.testing.assert_array_equal(embedding(params, tokens), y.detach().numpy())
    grads = embedding_backward(params, tokens, dy)
    np.testing.assert_allclose(grads["weight"], twin.weight.grad.numpy(), atol=1e-12)
    gradcheck(lambda p: np.sum(dy * embedding(p, tokens)), params, grads)


def test_embedding_is_a_product_with_one_hot():
    rng = np.random.default_rng(1)
    params, tokens = init_embedding(rng, 6, 3), rng.integers(6, size=(4, 2))
    one_hot = np.eye(6, dtype=np.float32)[tokens]
    np.testing.assert_array_equal(embedding(params, tokens), one_hot @ params["weight"])


@pytest.mark.parametrize("dtype", FLOATS)
def test_layers_keep_the_dtype(dtype):
    rng = np.random.default_rng(0)
    params, table = init_linear(rng, 3, 2, dtype), init_embedding(rng, 4, 3, dtype)
    x = embedding(table, np.array([[0, 1], [1, 3]]))
    y = linear(params, x)
    dx, grads = linear_backward(params, x, y)
    grads |= {"table": embedding_backward(table, np.array([[0, 1], [1, 3]]), dx)["weight"]}
    assert {a.dtype for a in (x, y, dx, *grads.values())} == {np.dtype(dtype)}


def test_initial_layers_are_as_torch_draws_them():
    rng = np.random.default_rng(0)
    params = init_linear(rng, 400, 300)
    for w in params.values():
        assert w.dtype == np.float32 and np.abs(w).max() <= 1 / 20
        assert np.std(w) == pytest.approx(1 / 20 / np.sqrt(3), rel=0.1)
    assert params["weight"].shape == (300, 400) and params["bias"].shape == (300,)
    E = init_embedding(rng, 200, 100)["weight"]
    assert E.shape == (200, 100) and np.std(E) == pytest.approx(1, rel=0.02)


W, B, X = np.ones((2, 3)), np.ones(2), np.ones((5, 3))
FINE = {"weight": W, "bias": B}


@pytest.mark.parametrize(
    "params, x, message",
    [
        ({"weight": W}, X, "params: expected the keys weight, bias; missing bias"),
        ({"weight": W, "bias": np.ones(3)}, X, r"bias: expected shape \(2,\), got \(3,\)"),
        ({"weight": B, "bias": B}, X, r"weight'\]: expected shape \(O, I\), got \(2,\)"),
        ({"weight": W * np.nan, "bias": B}, X, "weight'\\]: expected finite numbers"),
        ({"weight": W, "bias": B * np.inf}, X, "bias'\\]: expected finite numbers"),
        ({"weight": W, "bias": B.astype(np.float32)}, X, "bias'\\]: expected float64, got float32"),
        (FINE, X.astype(np.float32), "x: expected dtype float64 as the others, got float32"),
        (FINE, X.T, r"x: expected shape \(\.\.\., 3\), not empty, got \(3, 5\)"),
        (FINE, X[:0], "not empty"),
        (FINE, np.array(1.0), "x: expected shape"),
    ],
)
def test_linear_refuses(params, x, message):
    for call in (lambda: linear(params, x), lambda: linear_backward(params, x, np.ones((5, 2)))):
        with pytest.raises(ValueError, match=message):
            call()


def test_layers_refuse_gradients_that_do_not_fit():
    with pytest.raises(ValueError, match=r"dy: expected shape \(5, 2\), got \(5, 3\)"):
        linear_backward(FINE, X, X)
    with pytest.raises(ValueError, match=r"dy: expected shape \(4, 3\), got \(5, 3\)"):
        embedding_backward({"weight": W}, np.zeros(4, int), X)
    with pytest.raises(TypeError, match="params: expected a dict of arrays, got ndarray"):
        linear(W, X)


@pytest.mark.parametrize(
    "tokens, error, message",
    [
        ([0, 2], ValueError, r"tokens: expected integers in \[0, 2\), got 2 at \(1,\)"),
        ([[0], [-1]], ValueError, r"got -1 at \(1, 0\)"),
        ([0.0, 1.0], ValueError, "tokens: expected an array of integers, got dtype float64"),
        ([True], ValueError, "dtype bool"),
        ("ab", TypeError, "tokens: expected an array of integers"),
        (np.zeros((0, 2), int), ValueError, r"at least one, got shape \(0, 2\)"),
    ],
)
def test_embedding_refuses(tokens, error, message):
    with pytest.raises(error, match=message):
        embedding({"weight": W}, tokens)


@pytest.mark.parametrize("init", [init_linear, init_embedding])
def test_initialisation_refuses(init):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="expected a positive integer, got 0"):
        init(rng, 3, 0)
    with pytest.raises(TypeError, match=r"expected a positive integer, got 2\.5"):
        init(rng, 2.5, 3)
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator"):
        init(0, 2, 3)
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got int64"):
        init(rng, 2, 3, np.int64)

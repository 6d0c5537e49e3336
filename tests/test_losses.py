"""Losses: value and gradient against torch, finite differences, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.gradients import gradcheck
from rnncore.losses import cross_entropy, squared_error

reproducible = settings(deadline=None, derandomize=True, max_examples=40)
REDUCTIONS = ("mean", "sum")


def example(loss, lead=(4, 3), size=5, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    outputs = 2 * rng.standard_normal((*lead, size)).astype(dtype)
    if loss is cross_entropy:
        return outputs, rng.integers(size, size=lead), rng.random(lead) < 0.6
    return outputs, rng.standard_normal(outputs.shape).astype(dtype), rng.random(lead) < 0.6


def torch_loss(loss, outputs, targets, mask, reduction):
    targets = torch.tensor(targets)
    if loss is cross_entropy:
        logits = outputs.reshape(-1, outputs.shape[-1])
        each = torch.nn.functional.cross_entropy(logits, targets.reshape(-1), reduction="none")
    else:
        each = torch.nn.functional.mse_loss(outputs, targets, reduction="none").sum(-1) / 2
    mask = torch.tensor(np.asarray(mask, float)).reshape(-1)
    total = (each.reshape(-1) * mask).sum()
    return total / mask.sum() if reduction == "mean" else total


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", [cross_entropy, squared_error])
@pytest.mark.parametrize("masked", ["none", "bool", "weights"])
@reproducible
@given(
    lead=st.lists(st.integers(1, 4), max_size=2), size=st.integers(1, 5), seed=st.integers(0, 99)
)
def test_agrees_with_torch(loss, reduction, masked, lead, size, seed):
    outputs, targets, mask = example(loss, tuple(lead), size, seed)
    mask = np.array(mask if masked == "bool" else mask * 0.25)
    mask.flat[0] = 1
    leaf = torch.tensor(outputs, requires_grad=True)
    whole = np.ones(lead) if masked == "none" else mask
    expected = torch_loss(loss, leaf, targets, whole, reduction)
    expected.backward()

    mask = None if masked == "none" else mask
    value, grad = loss(outputs, targets, mask, reduction)
    assert type(value) is float and value == pytest.approx(expected.item(), rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), atol=1e-10)
    gradcheck(lambda y: loss(y, targets, mask, reduction)[0], outputs, grad)


def test_cross_entropy_is_torchs_with_ignore_index():
    logits, targets, mask = example(cross_entropy)
    targets = np.where(mask, targets, -100)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(logits).reshape(-1, 5), torch.tensor(targets).reshape(-1)
    )
    assert cross_entropy(logits, targets, mask)[0] == pytest.approx(expected.item(), abs=1e-12)


def test_known_values():
    loss, dz = cross_entropy(np.zeros((2, 4)), np.array([0, 3]))
    assert loss == pytest.approx(np.log(4))
    np.testing.assert_allclose(dz, [[-0.375, 0.125, 0.125, 0.125], [0.125, 0.125, 0.125, -0.375]])
    loss, _ = cross_entropy(np.array([[99.0, -999.0]]), np.array([0]))
    assert loss == 0 and not np.signbit(loss)
    loss, dy = squared_error(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    assert loss == 2.5
    np.testing.assert_array_equal(dy, [[1, 2]])


@pytest.mark.parametrize("loss", [cross_entropy, squared_error])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_what_is_masked_is_never_read(loss, reduction):
    outputs, targets, mask = example(loss)
    expected, grad = loss(outputs, targets, mask, reduction)
    outputs[~mask] = np.nan
    targets[~mask] = -100 if loss is cross_entropy else np.inf
    with np.errstate(all="raise"):
        value, again = loss(outputs, targets, mask, reduction)
    assert value == expected
    np.testing.assert_array_equal(again, grad)
    assert (again[~mask] == 0).all() and (again[mask] != 0).any()


def test_masked_entries_do_not_count_in_the_mean():
    logits, targets, mask = example(cross_entropy)
    mean, total = (cross_entropy(logits, targets, mask, r)[0] for r in REDUCTIONS)
    assert mean == pytest.approx(total / mask.sum())
    assert cross_entropy(logits, targets, mask.astype(int))[0] == mean
    np.testing.assert_allclose(cross_entropy(logits[mask], targets[mask])[0], mean)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_extreme_logits(dtype, size):
    logits = np.array([[size, -size, 0], [-size, size, 0]], dtype)
    with np.errstate(all="raise", under="ignore"):
        loss, dz = cross_entropy(logits, np.array([0, 0]))
    assert loss == pytest.approx(float(dtype(size)))  # one right for nothing, one 2·size wrong
    np.testing.assert_array_equal(dz, np.array([[0, 0, 0], [-0.5, 0.5, 0]]))
    assert dz.dtype == dtype


@pytest.mark.parametrize("loss", [cross_entropy, squared_error])
def test_dtype_is_kept_and_nothing_is_changed(loss):
    outputs, targets, mask = example(loss, dtype=np.float32)
    for x in (outputs, targets, mask):
        x.flags.writeable = False
    value, grad = loss(outputs, targets, mask.astype(np.float64))
    assert type(value) is float and grad.dtype == np.float32 and grad.shape == outputs.shape
    swapped = loss(outputs.swapaxes(0, 1), targets.swapaxes(0, 1), mask.T)
    np.testing.assert_allclose(swapped[1].swapaxes(0, 1), grad, rtol=1e-6)


Z, Y = np.zeros((4, 3, 5)), np.zeros((4, 3), int)


@pytest.mark.parametrize(
    "args, error, message",
    [
        ((Z, Y[:3]), ValueError, r"targets: expected shape \(4, 3\), got \(3, 3\)"),
        ((Z, Y + 5), ValueError, r"targets: expected integers in \[0, 5\), got 5"),
        ((Z, Y - 1), ValueError, "got -1"),
        ((Z, Y + 0.5), ValueError, "targets: expected an array of integers, got dtype float64"),
        ((Z[..., :0], Y), ValueError, "not empty"),
        ((Z[:0], Y[:0]), ValueError, "not empty"),
        ((Z.astype(int), Y), ValueError, "logits: expected dtype float32 or float64"),
        ((Z, Y, Y), ValueError, "not all of them 0"),
        ((Z, Y, Y - 1.0), ValueError, "at least 0"),
        ((Z, Y, Y + np.nan), ValueError, "finite"),
        ((Z, Y, Y[0] == 0), ValueError, r"mask: expected shape \(4, 3\), got \(3,\)"),
        ((Z, Y, np.full((4, 3), "a")), TypeError, "mask: expected bool or numbers"),
        ((Z, Y, None, "avg"), ValueError, "reduction: expected 'mean' or 'sum', got 'avg'"),
    ],
)
def test_cross_entropy_refuses(args, error, message):
    with pytest.raises(error, match=message):
        cross_entropy(*args)


@pytest.mark.parametrize(
    "args, message",
    [
        ((Z, Z[..., :2]), r"targets: expected shape \(4, 3, 5\), got \(4, 3, 2\)"),
        ((Z, Z.astype(np.float32)), "targets: expected dtype float64 as the others"),
        ((Z[:0], Z[:0]), "not empty"),
        ((Z, Z, Y), "not all of them 0"),
        ((Z, Z, None, None), "reduction"),
    ],
)
def test_squared_error_refuses(args, message):
    with pytest.raises(ValueError, match=message):
        squared_error(*args)

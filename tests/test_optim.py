"""Every optimiser against torch.optim over fifty steps, and what torch cannot say."""

import dataclasses

import numpy as np
import pytest
import torch

from rnncore.clipping import clip_by_global_norm, clip_by_value
from rnncore.optim import SGD, Adam, AdamW, RMSProp, decay

BATTERY = {
    "sgd": (SGD(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    "momentum": (SGD(0.05, momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    "sgd, l2": (
        SGD(0.05, 0.5, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.5, weight_decay=0.1),
    ),
    "rmsprop": (RMSProp(), lambda p: torch.optim.RMSprop(p)),
    "rmsprop, all": (
        RMSProp(0.02, alpha=0.9, eps=1e-6, momentum=0.8, weight_decay=0.1),
        lambda p: torch.optim.RMSprop(p, 0.02, 0.9, 1e-6, weight_decay=0.1, momentum=0.8),
    ),
    "adam": (Adam(), lambda p: torch.optim.Adam(p)),
    "adam, all": (
        Adam(0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.99), 1e-6, weight_decay=0.1),
    ),
    "adamw": (AdamW(), lambda p: torch.optim.AdamW(p)),
    "adamw, all": (
        AdamW(0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, 0.01, (0.8, 0.99), 1e-6, weight_decay=0.3),
    ),
}
everyone = pytest.mark.parametrize("name", BATTERY)


def some_params(dtype=np.float64):
    rng = np.random.default_rng(0)
    return {"w": rng.standard_normal((4, 3)).astype(dtype), "b": np.zeros(4, dtype)}


def some_grads(params, step):
    """A noisy bowl that is steep in some directions and flat in others."""
    rng = np.random.default_rng(step)
    return {
        key: (np.linspace(0.01, 3, w.size).reshape(w.shape) * (w - 1)).astype(w.dtype)
        + rng.standard_normal(w.shape).astype(w.dtype)
        for key, w in params.items()
    }


def run(optimiser, params, steps=50):
    state = optimiser.init(params)
    for step in range(steps):
        params, state = optimiser.update(params, some_grads(params, step), state)
    return params, state


def run_torch(make, params, schedule=None, l1=0.0, steps=50):
    leaves = {key: torch.nn.Parameter(torch.tensor(w)) for key, w in params.items()}
    twin = make(list(leaves.values()))
    plan = torch.optim.lr_scheduler.LambdaLR(twin, schedule or (lambda step: 1.0))
    for step in range(steps):
        now = {key: w.detach().numpy().copy() for key, w in leaves.items()}
        for key, g in some_grads(now, step).items():
            leaves[key].grad = torch.tensor(g + l1 * np.sign(now[key]))
        twin.step()
        plan.step()
    return {key: w.detach().numpy() for key, w in leaves.items()}


@everyone
@pytest.mark.parametrize("l1", [0.0, 0.2])
def test_fifty_steps_agree_with_torch(name, l1):
    optimiser, make = BATTERY[name]
    params, _ = run(dataclasses.replace(optimiser, l1=l1), some_params())
    for key, w in run_torch(make, some_params(), l1=l1).items():
        np.testing.assert_allclose(params[key], w, rtol=0, atol=1e-10)


@everyone
def test_a_schedule_agrees_with_torch(name):
    optimiser, make = BATTERY[name]
    seen = []

    def schedule(step):
        seen.append(step)
        return np.float64(optimiser.lr / (1 + step))

    params, _ = run(dataclasses.replace(optimiser, lr=schedule), some_params())
    assert seen == list(range(50))
    for key, w in run_torch(make, some_params(), lambda step: 1 / (1 + step)).items():
        np.testing.assert_allclose(params[key], w, rtol=0, atol=1e-10)


@everyone
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_shapes_are_kept_and_nothing_is_changed(name, dtype):
    optimiser, _ = BATTERY[name]
    optimiser = dataclasses.replace(optimiser, lr=lambda step: np.float64(0.01))
    params = some_params(dtype) | {"scalar": np.full((), 2, dtype)}
    state = optimiser.init(params)
    grads = {key: np.ones_like(w) for key, w in params.items()}
    for _ in range(2):
        for x in (*params.values(), *state.values(), *grads.values()):
            x.flags.writeable = False
        new, new_state = optimiser.update(params, grads, state)
        assert list(new) == list(params) and set(new_state) == set(state)
        for old, now in ((params, new), (state, new_state)):
            for key in old:
                assert isinstance(now[key], np.ndarray)
                assert (now[key].dtype, now[key].shape) == (old[key].dtype, old[key].shape)
        params, state = new, new_state


def test_settings_may_be_numpy_numbers():
    params = {"w": np.ones(3, np.float32)}
    half, one = np.float64(0.5), np.int64(1)
    for optimiser in (
        SGD(half, momentum=half, weight_decay=half, l1=half),
        RMSProp(half, alpha=half, eps=half, momentum=half),
        Adam(half, betas=(half, half), eps=one, l1=half),
        AdamW(half, betas=(half, half), weight_decay=half),
    ):
        new, state = optimiser.update(params, params, optimiser.init(params))
        assert {x.dtype for k, x in {**new, **state}.items() if k != "step"} == {params["w"].dtype}
    assert decay(params, params, half, half)["w"].dtype == np.float32
    assert clip_by_global_norm(params, half)[0]["w"].dtype == np.float32
    assert clip_by_value(params, half)["w"].dtype == np.float32


@everyone
def test_it_goes_downhill(name):
    optimiser = dataclasses.replace(BATTERY[name][0], lr=0.05, weight_decay=0.0)
    params = {"w": np.array([3.0, -2.0])}
    state = optimiser.init(params)
    for _ in range(400):
        params, state = optimiser.update(params, {"w": params["w"] - 1}, state)
    np.testing.assert_allclose(params["w"], 1, atol=0.1)
    assert state["step"] == 400


def test_settings_are_frozen_and_checked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SGD(0.1).lr = 0.2
    for make, message in [
        (lambda: SGD(-0.1), r"lr: expected a number in \[0, inf\), got -0.1"),
        (lambda: SGD(np.nan), "lr: expected"),
        (lambda: SGD(0.1, momentum=1.0), r"momentum: expected a number in \[0, 1\), got 1.0"),
        (lambda: RMSProp(alpha=2), "alpha"),
        (lambda: Adam(betas=(0.9, 1.0)), r"betas: expected two numbers in \[0, 1\)"),
        (lambda: AdamW(weight_decay=-1), "weight_decay"),
        (lambda: decay(P, P, weight_decay=np.nan), r"weight_decay: expected .* in \[0, inf\)"),
        (lambda: decay(P, P, l1=-2), r"l1: expected a number in \[0, inf\), got -2"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
    for make in (lambda: SGD("0.1"), lambda: SGD(True), lambda: SGD(0.1, momentum=lambda k: 0.9)):
        with pytest.raises(TypeError, match=r"expected a number, got (str|bool|function)"):
            make()
    for betas in (0.9, None, {0.9: 1, 0.99: 2}):
        with pytest.raises(TypeError, match=r"betas: expected two numbers in \[0, 1\)"):
            Adam(betas=betas)


P = {"w": np.ones((2, 3))}


@pytest.mark.parametrize(
    "params, grads, error, message",
    [
        (P, {"v": P["w"]}, ValueError, r"grads: expected the keys \['w'\], got \['v'\]"),
        (P, {"w": np.ones(3)}, ValueError, r"expected \(2, 3\) float64, got \(3,\) float64"),
        (P, {"w": np.ones((2, 3), np.float32)}, ValueError, r"got \(2, 3\) float32"),
        ({"w": np.full((2, 3), np.nan)}, P, ValueError, r"params\['w'\]: expected finite numbers"),
        ({"w": np.ones((2, 3), int)}, P, ValueError, "expected float32 or float64, got int64"),
        ({"w": [1.0]}, P, TypeError, r"params\['w'\]: expected a NumPy array, got list"),
        (np.ones(2), P, TypeError, "params: expected a dict of arrays, got ndarray"),
    ],
)
def test_update_refuses(params, grads, error, message):
    optimiser = Adam()
    with pytest.raises(error, match=message):
        optimiser.update(params, grads, optimiser.init(P))


def test_update_refuses_a_strange_state_or_schedule():
    with pytest.raises(ValueError, match="state: expected the keys"):
        Adam().update(P, P, SGD(0.1).init(P))
    with pytest.raises(ValueError, match=r"lr: expected a schedule of numbers .* got -1\.0 at 0"):
        SGD(lambda step: -1.0).update(P, P, SGD(0.1).init(P))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"mean.w": np.ones((4, 3))}, ValueError, r"state\['mean.w'\]: expected \(2, 3\) float64"),
        ({"square.w": np.ones((2, 3), np.float32)}, ValueError, r"got \(2, 3\) float32"),
        ({"mean.w": [[1.0] * 3] * 2}, TypeError, "expected a NumPy array, got list"),
        ({"step": np.array(-1)}, ValueError, r"state\['step'\]: expected an integer from 0"),
        ({"step": "3"}, ValueError, r"state\['step'\]: expected an integer from 0, got '3'"),
    ],
)
def test_update_refuses_a_state_that_does_not_fit(change, error, message):
    with pytest.raises(error, match=message):
        Adam().update(P, P, Adam().init(P) | change)
    with pytest.raises(TypeError, match="state: expected a dict of arrays, got NoneType"):
        Adam().update(P, P, None)


def test_decay_is_the_gradient_of_its_penalties():
    params, zeros = {"w": np.array([2.0, 0.0, -3.0])}, {"w": np.zeros(3)}
    np.testing.assert_allclose(decay(params, zeros, 0.1, 0.5)["w"], [0.7, 0, -0.8])
    assert decay(params, zeros)["w"] is zeros["w"]


# Clipping


@pytest.mark.parametrize("max_norm", [0.1, 1.0, 5.0, 100.0])
def test_global_norm_agrees_with_torch(max_norm):
    grads = some_grads(some_params(), 0)
    leaves = [torch.nn.Parameter(torch.tensor(g)) for g in grads.values()]
    for leaf in leaves:
        leaf.grad = leaf.detach().clone()
    expected = torch.nn.utils.clip_grad_norm_(leaves, max_norm)
    clipped, norm = clip_by_global_norm(grads, max_norm)
    assert norm == pytest.approx(expected.item(), rel=1e-12)
    for ours, leaf in zip(clipped.values(), leaves, strict=True):
        np.testing.assert_allclose(ours, leaf.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("dtype, size", [(np.float32, 1e38), (np.float64, 1e300)])
def test_global_norm_does_not_overflow(dtype, size):
    grads = {"a": np.full(4, size, dtype), "b": np.zeros(2, dtype)}
    with np.errstate(all="raise", under="ignore"):
        clipped, norm = clip_by_global_norm(grads, 1.0)
        assert norm == pytest.approx(2 * size, rel=1e-6)
        assert clip_by_global_norm(clipped, np.inf)[1] == pytest.approx(1, rel=1e-6)
    assert clipped["a"].dtype == dtype
    tiny = {"a": np.full(4, 1e-200)}
    assert clip_by_global_norm(tiny, 1.0)[1] == pytest.approx(2e-200)


def test_global_norm_of_nothing_is_zero():
    for grads in ({}, {"a": np.zeros(3)}, {"a": np.zeros(0)}):
        clipped, norm = clip_by_global_norm(grads, 1.0)
        assert norm == 0 and set(clipped) == set(grads)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"b": [np.nan, 0.0]}, "worst is 'b', where 1 of 2 entries"),
        ({"b": [np.inf, 0.0], "c": [np.nan, np.nan]}, "worst is 'c', where 2 of 2"),
        ({"b": [1e308, 1e308], "c": [1.7e308, 1.7e308]}, "worst is 'c', where 0 of 2"),
    ],
)
def test_a_norm_that_is_not_finite_names_the_worst_key(bad, message):
    grads = {"a": np.zeros(2)} | {key: np.array(g) for key, g in bad.items()}
    with pytest.raises(FloatingPointError, match=message):
        clip_by_global_norm(grads, 1.0)


@pytest.mark.parametrize(
    "clip", [lambda g: clip_by_global_norm(g, 1.0)[0], lambda g: clip_by_value(g, 1.0)]
)
def test_clipping_leaves_an_array_without_axes_an_array(clip):
    clipped = clip({"s": np.array(30.0, np.float32)})["s"]
    assert isinstance(clipped, np.ndarray) and clipped.dtype == np.float32
    assert clipped == pytest.approx(1)


def test_value_clipping():
    g = np.array([-3.0, 0.5, 2.0], np.float32)
    clipped = clip_by_value({"a": g}, 1.0)["a"]
    np.testing.assert_array_equal(clipped, np.array([-1, 0.5, 1], np.float32))
    assert clipped.dtype == np.float32 and g[0] == -3


@pytest.mark.parametrize("clip", [clip_by_global_norm, clip_by_value])
def test_clipping_refuses(clip):
    for limit in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="expected a positive number"):
            clip({"a": np.ones(2)}, limit)
    for limit in (None, "1"):
        with pytest.raises(TypeError, match="(max_norm|limit): expected a number, got"):
            clip({"a": np.ones(2)}, limit)
    with pytest.raises(ValueError, match="expected float32 or float64"):
        clip({"a": np.ones(2, int)}, 1.0)
    with pytest.raises(TypeError, match="grads: expected a dict"):
        clip([np.ones(2)], 1.0)

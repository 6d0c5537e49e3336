"""The training loop: its order of work, its errors, and that stopping loses nothing."""

import itertools

import numpy as np
import pytest

from rnncore.layers import (
    embedding,
    embedding_backward,
    init_embedding,
    init_linear,
    linear,
    linear_backward,
)
from rnncore.losses import cross_entropy
from rnncore.optim import SGD, Adam, AdamW, RMSProp
from rnncore.storage import load, save
from rnncore.training import Update, join, part, train


def model(dtype=np.float32):
    rng = np.random.default_rng(0)
    return join(enter=init_embedding(rng, 5, 4, dtype), out=init_linear(rng, 4, 5, dtype))


def loss_and_grads(params, batch, carry):
    """A net whose memory is a decaying sum over batches, carried along as in truncated BPTT."""
    tokens, targets = batch
    enter, out = part(params, "enter"), part(params, "out")
    carry = 0 if carry is None else carry
    h = np.tanh(embedding(enter, tokens) + carry)
    loss, dy = cross_entropy(linear(out, h), targets)
    dh, dout = linear_backward(out, h, dy)
    grads = join(enter=embedding_backward(enter, tokens, dh * (1 - h * h)), out=dout)
    return loss, grads, h / 2


def batches(start=0):
    for seed in itertools.count(start):
        tokens = np.random.default_rng(seed).integers(5, size=6)
        yield tokens, (tokens + 1) % 5


def run(optimiser, count, begin=0, **kwargs):
    params = kwargs.pop("params", None) or model()
    updates = train(loss_and_grads, params, batches(begin), optimiser, **kwargs)
    return list(itertools.islice(updates, count))


def assert_same_bits(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert a[key].dtype == b[key].dtype and np.asarray(a[key]).tobytes() == b[key].tobytes()


OPTIMISERS = [
    SGD(lambda step: 0.5 / (1 + step), momentum=0.9),
    RMSProp(momentum=0.5),
    Adam(lambda step: 0.1 * 0.9**step, weight_decay=0.01),
    AdamW(0.05, l1=0.001),
]


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("stop", [1, 7])
@pytest.mark.parametrize("on_disk", [False, True])
def test_stopping_and_going_on_gives_the_same_bits(optimiser, stop, on_disk, tmp_path):
    whole = run(optimiser, 12, clip=0.5)
    now = run(optimiser, stop, clip=0.5)[-1]
    params, state = now.params, now.optimiser_state
    if on_disk:
        save(tmp_path / "run.npz", join(params=params, optimiser=state))
        saved = load(tmp_path / "run.npz")
        params, state = part(saved, "params"), part(saved, "optimiser")
    later = run(
        optimiser,
        12 - stop,
        begin=now.step + 1,
        params=params,
        clip=0.5,
        carry=now.carry,
        optimiser_state=state,
        start=now.step + 1,
    )
    for a, b in zip(whole[stop:], later, strict=True):
        assert (a.step, a.loss, a.grad_norm) == (b.step, b.loss, b.grad_norm)
    assert_same_bits(whole[-1].params, later[-1].params)
    assert_same_bits(whole[-1].optimiser_state, later[-1].optimiser_state)
    assert whole[-1].carry.tobytes() == later[-1].carry.tobytes()


def test_it_learns_and_leaves_the_first_params_alone():
    params = model()
    before = {key: w.copy() for key, w in params.items()}
    for w in params.values():
        w.flags.writeable = False
    updates = run(Adam(0.05), 200, params=params)
    assert updates[-1].loss < 0.1 < updates[0].loss
    assert_same_bits(params, before)


def test_each_update_is_one_step_of_the_optimiser():
    params, batch, optimiser = model(), next(batches()), SGD(0.1)
    loss, grads, carry = loss_and_grads(params, batch, None)
    (now,) = train(loss_and_grads, params, [batch], optimiser, start=5)
    assert isinstance(now, Update) and now.step == 5 and now.loss == loss
    assert now.grad_norm == pytest.approx(
        np.sqrt(sum(float(np.sum(g.astype(float) ** 2)) for g in grads.values()))
    )
    assert_same_bits(now.params, optimiser.update(params, grads, optimiser.init(params))[0])
    np.testing.assert_array_equal(now.carry, carry)


def test_clipping_bounds_the_step():
    (now,) = run(SGD(1.0), 1, clip=0.01)
    moved = np.sqrt(sum(np.sum((now.params[k] - w) ** 2) for k, w in model().items()))
    assert now.grad_norm > 0.1 and moved == pytest.approx(0.01, rel=1e-3)


def test_finite_batches_end_the_training():
    params = model()
    assert list(train(loss_and_grads, params, [], SGD(0.1))) == []
    assert len(list(train(loss_and_grads, params, itertools.islice(batches(), 3), SGD(0.1)))) == 3


def spoilt(at, loss=None, grad=None):
    def f(params, batch, carry):
        value, grads, carry = loss_and_grads(params, batch, carry)
        if np.array_equal(batch[0], next(batches(at))[0]):
            value = value if loss is None else loss
            grads = grads if grad is None else grads | {"out.bias": np.full(5, grad, np.float32)}
        return value, grads, carry

    return f


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"loss": np.nan}, "loss is nan at step 3"),
        ({"loss": np.inf}, "loss is inf at step 3"),
        ({"grad": np.nan}, r"worst is 'out\.bias', where 5 of 5 .* \(step 3, loss"),
    ],
)
def test_what_is_not_finite_stops_it(clip, kwargs, message):
    updates = train(spoilt(3, **kwargs), model(), batches(), SGD(0.1), clip=clip)
    seen = []
    with pytest.raises(FloatingPointError, match=message):
        for now in updates:
            seen.append(now.step)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"loss_and_grads": 3}, TypeError, "loss_and_grads: expected a function, got int"),
        ({"optimiser": Adam}, TypeError, r"optimiser: expected one such as Adam\(1e-3\), got type"),
        ({"clip": 0.0}, ValueError, r"clip: expected None or a positive number, got 0\.0"),
        ({"params": {"a": np.array([np.nan])}}, ValueError, "expected finite numbers"),
        ({"params": [1.0]}, TypeError, "params: expected a dict"),
        ({"batches": 3}, TypeError, "not iterable"),
        ({"clip": "1"}, TypeError, "clip: expected a number, got str"),
        ({"optimiser_state": {}}, ValueError, "state: expected the keys"),
    ],
)
def test_arguments_are_checked_at_the_call(change, error, message):
    kwargs = {
        "loss_and_grads": loss_and_grads,
        "params": model(),
        "batches": [],
        "optimiser": SGD(0.1),
    }
    with pytest.raises(error, match=message):
        train(**(kwargs | change))


def test_join_and_part_are_inverses():
    a, b = {"weight_ih": np.ones(2), "x.y": np.zeros(1)}, {"weight": np.ones(3)}
    whole = join(rnn=a, out=b)
    assert list(whole) == ["rnn.weight_ih", "rnn.x.y", "out.weight"]
    assert whole["out.weight"] is b["weight"]
    assert part(whole, "rnn") == a and part(whole, "out") == b
    assert list(part(join(model=whole), "model.rnn")) == list(a)
    assert join() == {} and join(empty={}) == {}


def test_join_and_part_refuse():
    with pytest.raises(ValueError, match=r"expected one of the parts \['out', 'rnn'\], got 'rn'"):
        part({"rnn.a": 1, "out.b": 2, "bare": 3}, "rn")
    with pytest.raises(TypeError, match="rnn: expected a dict of arrays, got ndarray"):
        join(rnn=np.ones(2))
    with pytest.raises(TypeError, match="params: expected a dict of arrays, got list"):
        part([], "rnn")
    with pytest.raises(ValueError, match=r"a\.b\.c: expected one entry"):
        join(**{"a": {"b.c": np.ones(1)}, "a.b": {"c": np.ones(1)}})

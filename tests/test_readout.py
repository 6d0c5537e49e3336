"""A net with a readout: its gradients for every model, what it reads, and what it refuses."""

import numpy as np
import pytest
from models import CAUSAL, MODELS

from rnncore import (
    GRU,
    LSTM,
    RNN,
    Adam,
    Bidirectional,
    Readout,
    Stack,
    count_parameters,
    cross_entropy,
    gradcheck,
    linear,
    part,
    scan,
    squared_error,
    train,
)

T, B, I, H, O = 4, 3, 2, 3, 2
LENGTHS = np.array([4, 1, 3])


def setting(make, last, seed=0):
    rng = np.random.default_rng(seed)
    net = Readout(make(I, H), O, last=last)
    ys = rng.normal(size=(B, O) if last else (T, B, O))
    return net, net.init(rng, np.float64), rng.normal(size=(T, B, I)), ys


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("make", CAUSAL.values(), ids=CAUSAL)
def test_gradients(make, last):
    net, params, xs, ys = setting(make, last)
    f = net.loss_and_grads(squared_error)
    value, grads, state = f(params, (xs, ys))
    assert value == squared_error(net.outputs(params, xs)[0], ys)[0] and state is None
    # What is no parameter (a Clockwork net's dead blocks) stays at zero when numbers are nudged.
    live = {key: value != 0 for key, value in params.items()}
    gradcheck(lambda p: f({k: v * live[k] for k, v in p.items()}, (xs, ys))[0], params, grads)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_counts_what_init_draws(make):
    net, params, *_ = setting(make, False)
    dead = sum(v.size for v in part(params, "rnn").values())
    dead -= sum(count_parameters(net.model).values())
    assert net.count() == sum(v.size for v in params.values()) - dead


@pytest.mark.parametrize("last", [False, True])
def test_padding_is_not_read(last):
    net, params, xs, ys = setting(GRU, last)
    mask = np.arange(T)[:, None] < LENGTHS
    loss = squared_error if last else lambda os, ys: squared_error(os, ys, mask)
    f = net.loss_and_grads(loss, padded=True)
    value, grads, _ = f(params, (xs, LENGTHS, ys))
    noisy = np.where(mask[..., None], xs, 9.0)
    again, same, _ = f(params, (noisy, LENGTHS, ys))
    assert value == again and all((grads[k] == same[k]).all() for k in grads)
    gradcheck(lambda p: f(p, (xs, LENGTHS, ys))[0], params, grads, directions=3)


def test_last_reads_each_sequence_at_its_own_end():
    net, params, xs, _ = setting(LSTM, True)
    hs, _, _ = scan(net.model, part(params, "rnn"), xs)
    own = hs[LENGTHS - 1, np.arange(B)]
    os, _ = net.outputs(params, xs, lengths=LENGTHS)
    np.testing.assert_allclose(os, linear(part(params, "out"), own), atol=1e-12)


def test_state_goes_on_only_when_asked():
    net, params, xs, ys = setting(RNN, False)
    whole, state = net.outputs(params, xs)
    f = net.loss_and_grads(squared_error, stateful=True)
    first = f(params, (xs[:2], ys[:2]))
    second = f(params, (xs[2:], ys[2:]), first[2])
    assert np.isclose(first[0] + second[0], 2 * squared_error(whole, ys)[0])
    np.testing.assert_allclose(second[2][0], state[0], atol=1e-12)


def test_targets_may_bring_a_mask_and_training_learns():
    rng = np.random.default_rng(1)
    net = Readout(LSTM(3, 8), 3)
    tokens = rng.integers(3, size=(6, 16))
    xs, mask = np.eye(3, dtype=np.float32)[tokens], np.ones((6, 16))
    mask[0] = 0
    batch = (xs, np.roll(tokens, 1, axis=0), mask)
    f = net.loss_and_grads(cross_entropy)
    losses = [now.loss for now in train(f, net.init(rng), [batch] * 150, Adam(0.03))]
    assert losses[-1] < 0.05 < np.log(3) - 0.2 < losses[0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("LSTM", 1), TypeError, "expected a cell or a model"),
        ((LSTM(2, 3), 0), ValueError, "output_size: expected a positive integer, got 0"),
        ((LSTM(2, 3), 1.5), TypeError, "output_size: expected a positive integer, got 1.5"),
        ((LSTM(2, 3), 1, 1), TypeError, "last: expected True or False, got 1"),
        ((Bidirectional(RNN(2, 3)), 1, True), ValueError, "last: .* reads both ways"),
        ((Stack((Bidirectional(RNN(2, 3)),)), 1, True), ValueError, "last: .* reads both ways"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        Readout(*arguments)


def test_refuses_a_loss_that_is_no_function():
    with pytest.raises(TypeError, match="loss: expected a function, got str"):
        Readout(RNN(2, 3), 1).loss_and_grads("mse")


def test_sizes_are_kept_as_integers_that_do_not_overflow():
    assert type(Readout(LSTM(3, 2), np.uint8(200)).output_size) is int

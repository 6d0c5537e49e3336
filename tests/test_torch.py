"""Agreement with torch in float64 to 1e-10: outputs, final states and every gradient."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Clockwork,
    Jordan,
    Stack,
    bptt,
    from_torch,
    scan,
    step,
    to_torch,
)

KINDS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
battery = settings(max_examples=10, deadline=None, derandomize=True)


def nested(flat, layers, both):
    """Torch's states, each (layers · directions, B, H), as the model's nested tuple."""
    directions = [tuple(part[n] for part in flat) for n in range(len(flat[0]))]
    if not both:
        return tuple(directions)
    return tuple((directions[2 * n], directions[2 * n + 1]) for n in range(layers))


def leaves(state):
    return [a for part in state for a in leaves(part)] if isinstance(state, tuple) else [state]


def close(ours, theirs):
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("kind", KINDS)
@battery
@given(size=st.tuples(*(st.integers(1, n) for n in (6, 4, 4, 4, 3))), seed=st.integers(0, 99))
def test_agreement(kind, both, padded, size, seed):
    (T, B, inputs, hidden, layers), rng = size, np.random.default_rng(seed)
    torch.manual_seed(seed)
    module = KINDS[kind](inputs, hidden, layers, bidirectional=both).double()
    xs, rows = rng.normal(size=(T, B, inputs)), layers * (1 + both)
    parts = 2 if kind == "lstm" else 1
    states = [rng.normal(size=(rows, B, hidden)) for _ in range(parts)]
    dhs, dlast = (
        rng.normal(size=(T, B, hidden * (1 + both))),
        [rng.normal(size=(rows, B, hidden)) for _ in range(parts)],
    )
    lengths = rng.integers(1, T + 1, size=B) if padded else np.full(B, T)

    x = torch.tensor(xs, requires_grad=True)
    s = [torch.tensor(a, requires_grad=True) for a in states]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    out, last = module(packed, tuple(s) if parts == 2 else s[0])
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    last = last if parts == 2 else (last,)
    loss = (out * torch.tensor(dhs)).sum()
    for a, d in zip(last, dlast, strict=True):
        loss = loss + (a * torch.tensor(d)).sum()
    loss.backward()

    model, params = from_torch(module)
    state = nested(states, layers, both)
    hs, end, cache = scan(model, params, xs, state, lengths if padded else None)
    dxs, dstate0, grads = bptt(model, params, dhs, cache, nested(dlast, layers, both))
    close(hs, out)
    close(dxs, x.grad)
    for ours, theirs in ((end, last), (dstate0, [a.grad for a in s])):
        for a, b in zip(leaves(ours), leaves(nested(theirs, layers, both)), strict=True):
            close(a, b)
    assert grads.keys() == dict(module.named_parameters()).keys()
    for key, value in module.named_parameters():
        close(grads[key], value.grad)


@battery
@given(size=st.tuples(*(st.integers(1, n) for n in (6, 3, 4, 4))), seed=st.integers(0, 99))
def test_reset_before_against_autograd(size, seed):
    """Cho et al.'s cell written out in torch, with matrices of its own, differentiated by torch."""
    (T, B, inputs, H), rng = size, np.random.default_rng(seed)
    cell = GRU(inputs, H, reset_after=False)
    params = cell.init(rng, np.float64)
    xs, h0, dhs = (rng.normal(size=s) for s in ((T, B, inputs), (B, H), (T, B, H)))
    p = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    x, start = torch.tensor(xs, requires_grad=True), torch.tensor(h0, requires_grad=True)
    U, W, b, c = (p[k].chunk(3) for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h, outputs = start, []
    for t in range(T):
        r, z = (torch.sigmoid(x[t] @ U[k].T + b[k] + h @ W[k].T + c[k]) for k in (0, 1))
        n = torch.tanh(x[t] @ U[2].T + b[2] + (r * h) @ W[2].T + c[2])
        h = z * h + (1 - z) * n
        outputs.append(h)
    out = torch.stack(outputs)
    (out * torch.tensor(dhs)).sum().backward()
    hs, _, cache = scan(cell, params, xs, (h0,))
    dxs, (dh0,), grads = bptt(cell, params, dhs, cache)
    close(hs, out)
    close(dxs, x.grad)
    close(dh0, start.grad)
    for key, value in p.items():
        close(grads[key], value.grad)


def test_clockwork_is_a_masked_dense_net():
    rng = np.random.default_rng(0)
    model = Clockwork(3, 8, (1, 2, 4, 8))
    params = model.init(rng, np.float64)
    xs, dhs = rng.normal(size=(20, 2, 3)), rng.normal(size=(20, 2, 8))
    p = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    period = np.repeat(model.periods, 2)
    h, outputs = torch.zeros(2, 8, dtype=torch.float64), []
    for t in range(20):
        z = torch.tensor(xs[t]) @ p["weight_ih"].T + p["bias_ih"] + h @ p["weight_hh"].T
        h = torch.where(torch.tensor(t % period == 0), torch.tanh(z + p["bias_hh"]), h)
        outputs.append(h)
    out = torch.stack(outputs)
    (out * torch.tensor(dhs)).sum().backward()
    hs, (_, t), cache = scan(model, params, xs)
    assert t == 20
    close(hs, out)
    grads = bptt(model, params, dhs, cache)[2]
    live = torch.tensor(model.live)
    for key, value in p.items():
        close(grads[key], value.grad * live if key == "weight_hh" else value.grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "model",
    [
        RNN(3, 4, nonlinearity="relu"),
        LSTM(3, 4),
        GRU(3, 4),
        Bidirectional(GRU(3, 4)),
        Stack((RNN(3, 4), RNN(4, 4))),
        Stack((Bidirectional(LSTM(3, 4)), Bidirectional(LSTM(8, 4)))),
    ],
    ids=str,
)
def test_weights_cross_both_ways(model, dtype):
    rng = np.random.default_rng(0)
    params, xs = model.init(rng, dtype), rng.normal(size=(5, 2, 3)).astype(dtype)
    module = to_torch(model, params)
    hs = scan(model, params, xs)[0]
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(module(torch.tensor(xs))[0].detach().numpy(), hs, atol=tolerance)
    back, again = from_torch(module)
    np.testing.assert_array_equal(scan(back, again, xs)[0], hs)
    for value in again.values():
        value += 1
    np.testing.assert_allclose(module(torch.tensor(xs))[0].detach().numpy(), hs, atol=tolerance)


def test_the_bridge_takes_any_layout_and_leaves_torchs_randomness_alone():
    model = LSTM(3, 4)
    params = {
        key: value[::-1] for key, value in model.init(np.random.default_rng(0), np.float64).items()
    }
    torch.manual_seed(0)
    wanted = torch.rand(1)
    torch.manual_seed(0)
    again = from_torch(to_torch(model, params))[1]
    assert torch.rand(1) == wanted
    for key, value in params.items():
        np.testing.assert_array_equal(again[key + "_l0"], value)


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_torch_cells(kind):
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(3, 4).double()
    cell, params = from_torch(module)
    x = np.random.default_rng(0).normal(size=(2, 3))
    out = module(torch.tensor(x))
    close(step(cell, params, x)[0], out[0] if kind == "LSTMCell" else out)


@pytest.mark.parametrize(
    "model",
    [
        Clockwork(3, 4, (1, 2)),
        Jordan(3, 4, 2),
        GRU(3, 4, reset_after=False),
        Stack((LSTM(3, 4), GRU(4, 4))),
        Stack((LSTM(3, 4), LSTM(4, 5))),
        Stack((RNN(3, 4), RNN(4, 4, nonlinearity="relu"))),
        Stack((Bidirectional(LSTM(3, 4)), LSTM(8, 4))),
        Bidirectional(Stack((LSTM(3, 4), LSTM(4, 4)))),
    ],
    ids=str,
)
def test_what_torch_has_not_is_refused(model):
    with pytest.raises(TypeError, match="torch"):
        to_torch(model, model.init(np.random.default_rng(0)))


def test_what_the_package_has_not_is_refused():
    with pytest.raises(TypeError, match="expected a torch.nn RNN, LSTM or GRU, got Linear"):
        from_torch(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="expected biases and no projections"):
        from_torch(torch.nn.LSTM(3, 4, proj_size=2))
    with pytest.raises(ValueError, match="expected biases and no projections"):
        from_torch(torch.nn.GRU(3, 4, bias=False))
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.raises(ValueError, match="module: expected float32 or float64, got torch"):
            from_torch(torch.nn.GRU(3, 4).to(dtype))


def test_importing_the_package_leaves_torch_and_matplotlib_alone():
    code = "import rnncore, sys; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_bridge_says_when_torch_is_missing():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import rnncore\n"
        "try: rnncore.to_torch\n"
        "except ImportError as error: sys.exit('pip install torch' not in str(error))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

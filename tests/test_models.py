"""One battery over all models: gradients, chunks, steps, lengths, extremes, threads, layout."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import CAUSAL, CELLS, MODELS

from rnncore import GRU, bptt, count_parameters, rtrl, scan, step
from rnncore._check import Shape, arrays_only

every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
every_causal = pytest.mark.parametrize("make", CAUSAL.values(), ids=CAUSAL.keys())
every_cell = pytest.mark.parametrize("make", CELLS.values(), ids=CELLS.keys())
sizes = st.tuples(*(st.integers(1, n) for n in (7, 3, 4, 4)))
battery = settings(max_examples=12, deadline=None, derandomize=True)


def leaves(state):
    """Arrays of a nested state, in order."""
    if isinstance(state, tuple):
        return [a for part in state for a in leaves(part)]
    return [state] if isinstance(state, np.ndarray) else []


def draw(spec, rng, dtype=np.float64):
    """Draw a random state of this specification."""
    if isinstance(spec, Shape):
        return (0.5 * rng.normal(size=spec.sizes)).astype(dtype)
    return 2 if spec is int else tuple(draw(part, rng, dtype) for part in spec)


class Case:
    """A model with random parameters, inputs, states and gradients."""

    def __init__(self, make, size, seed=0, dtype=np.float64):
        T, B, inputs, hidden = size
        rng = np.random.default_rng(seed)
        self.model = make(inputs, hidden)
        self.params = self.model.init(rng, dtype)
        spec = self.model.state_spec(B)
        self.state = draw(spec, rng, dtype)
        self.dstate = draw(arrays_only(spec), rng, dtype)
        self.xs = rng.normal(size=(T, B, inputs)).astype(dtype)
        self.dhs = rng.normal(size=(T, B, self.model.output_size)).astype(dtype)
        self.lengths = rng.integers(1, T + 1, size=B)

    def run(self, lengths=None, params=None, xs=None, state=None):
        return scan(
            self.model,
            params or self.params,
            self.xs if xs is None else xs,
            self.state if state is None else state,
            lengths,
        )

    def gradients(self, cache, dhs=None):
        return bptt(self.model, self.params, self.dhs if dhs is None else dhs, cache, self.dstate)

    def loss(self, lengths, **changed):
        hs, last, _ = self.run(lengths, **changed)
        ends = zip(leaves(last), leaves(self.dstate), strict=True)
        return np.sum(hs * self.dhs) + sum(np.sum(a * b) for a, b in ends)


def same(a, b, tolerance=0.0):
    """Assert that two nested results agree."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        a, b = tuple(a.values()), tuple(b.values())
    a, b = leaves(a), leaves(b)
    assert len(a) == len(b)
    for left, right in zip(a, b, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)


def slope(case, lengths, rng, **directions):
    """Central difference of the loss in one random direction of the named arguments."""
    ahead, back = {}, {}
    for name, direction in directions.items():
        ahead[name] = moved(getattr(case, name), direction, 1e-5)
        back[name] = moved(getattr(case, name), direction, -1e-5)
    return (case.loss(lengths, **ahead) - case.loss(lengths, **back)) / 2e-5


def moved(value, direction, by):
    """Add a multiple of a direction to an array, a dict or a nested state."""
    if isinstance(value, dict):
        return {key: moved(value[key], direction[key], by) for key in value}
    if isinstance(value, tuple):
        arrays = iter(direction)
        return tuple(v if isinstance(v, int) else moved(v, next(arrays), by) for v in value)
    return value + by * direction


@every_model
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@battery
@given(size=sizes, seed=st.integers(0, 99))
def test_gradients_by_finite_differences(make, padded, size, seed):
    case, rng = Case(make, size, seed), np.random.default_rng(seed)
    lengths = case.lengths if padded else None
    dxs, dstate0, grads = case.gradients(case.run(lengths)[2])
    weights = {k: rng.normal(size=v.shape) * (v != 0) for k, v in case.params.items()}
    expected = sum(np.sum(grads[k] * w) for k, w in weights.items())
    assert slope(case, lengths, rng, params=weights) == pytest.approx(expected, rel=1e-5, abs=1e-7)
    along = rng.normal(size=dxs.shape)
    found = slope(case, lengths, rng, xs=along)
    assert found == pytest.approx(np.sum(dxs * along), rel=1e-5, abs=1e-7)
    spec = arrays_only(case.model.state_spec(case.xs.shape[1]))
    along = draw(spec, rng)
    expected = sum(np.sum(a * b) for a, b in zip(leaves(dstate0), leaves(along), strict=True))
    assert slope(case, lengths, rng, state=along) == pytest.approx(expected, rel=1e-5, abs=1e-7)


@every_causal
@battery
@given(size=sizes, cut=st.integers(0, 7))
def test_chunks_are_the_whole(make, size, cut):
    case = Case(make, size)
    cut = min(cut, size[0])
    hs, last, cache = case.run()
    whole = case.gradients(cache)
    pieces, state, caches = [], case.state, []
    for xs in (case.xs[:cut], case.xs[cut:]):
        if len(xs):
            out, state, kept = case.run(xs=xs, state=state)
            pieces.append(out)
            caches.append((kept, len(xs)))
    same(np.concatenate(pieces), hs, 1e-14)
    same(state, last, 1e-14)
    dstate, dxs, grads, end = case.dstate, [], [], size[0]
    for kept, n in reversed(caches):
        dx, dstate, g = bptt(case.model, case.params, case.dhs[end - n : end], kept, dstate)
        dxs.insert(0, dx)
        grads.append(g)
        end -= n
    same(np.concatenate(dxs), whole[0], 1e-12)
    same(dstate, whole[1], 1e-12)
    same({k: sum(g[k] for g in grads) for k in case.params}, whole[2], 1e-12)


@every_causal
@battery
@given(size=sizes)
def test_steps_are_the_scan(make, size):
    case = Case(make, size)
    hs, last, _ = case.run()
    state = case.state
    for x, h in zip(case.xs, hs, strict=True):
        y, state = step(case.model, case.params, x, state)
        same(y, h, 1e-14)
    same(state, last, 1e-14)


@every_cell
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@pytest.mark.parametrize("run_bytes", [1, 600])
def test_runs_of_any_length_give_the_same(make, padded, run_bytes, monkeypatch):
    case = Case(make, (9, 2, 3, 4))
    lengths = case.lengths if padded else None
    hs, last, cache = case.run(lengths)
    grads = case.gradients(cache)
    monkeypatch.setattr("rnncore.loop.RUN_BYTES", run_bytes)
    out, end, cache = case.run(lengths)
    same(out, hs, 1e-14)
    same(end, last, 1e-14)
    found = case.gradients(cache)
    same(found[:2], grads[:2], 1e-13)
    same(found[2], grads[2], 1e-13)


@every_model
@battery
@given(size=sizes, seed=st.integers(0, 99), padded=st.booleans())
def test_single_precision_follows_double(make, size, seed, padded):
    case = Case(make, size, seed)
    lengths = case.lengths if padded else None
    hs, last, cache = case.run(lengths)
    exact = case.gradients(cache)
    for name in ("params", "xs", "state", "dhs", "dstate"):
        setattr(case, name, single(getattr(case, name)))
    hs32, last32, cache = case.run(lengths)
    found = case.gradients(cache)
    for a in (hs32, *leaves(last32), *leaves(found[:2]), *found[2].values()):
        assert a.dtype == np.float32
    same(hs32, hs, 1e-4)
    same(last32, last, 1e-4)
    same(found[:2], exact[:2], 1e-3)
    same(found[2], exact[2], 1e-3)


def single(value):
    """Round an array, a dict or a nested state to float32."""
    if isinstance(value, dict):
        return {key: single(array) for key, array in value.items()}
    if isinstance(value, tuple):
        return tuple(single(part) for part in value)
    return value.astype(np.float32) if isinstance(value, np.ndarray) else value


@every_model
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
def test_without_a_cache_the_outputs_are_the_same(make, padded):
    case = Case(make, (150, 3, 2, 3))
    lengths = case.lengths if padded else None
    hs, last, _ = case.run(lengths)
    out = scan(case.model, case.params, case.xs, case.state, lengths, keep=False)
    assert out[2] is None
    same(out[0], hs, 1e-14)
    same(out[1], last, 1e-14)


@pytest.mark.parametrize(
    "hand", [lambda xs: xs, lambda xs: xs.swapaxes(0, 1).copy().swapaxes(0, 1)]
)
@pytest.mark.parametrize("padded", [False, True])
def test_without_a_cache_nothing_is_kept_but_the_outputs(hand, padded):
    model = GRU(64, 8)
    params = model.init(np.random.default_rng(0))
    beside = []
    for T in (1_000, 4_000):
        xs = hand(np.zeros((T, 4, 64), np.float32))
        lengths = [T, T, T - 1, 1] if padded else None
        tracemalloc.start()
        hs = scan(model, params, xs, lengths=lengths, keep=False)[0]
        beside.append(tracemalloc.get_traced_memory()[1] - hs.nbytes)
        tracemalloc.stop()
    assert beside[1] < 1.1 * beside[0] < 1_000_000


@every_model
@battery
@given(size=sizes, seed=st.integers(0, 99))
def test_padding_is_never_read(make, size, seed):
    case = Case(make, size, seed)
    padding = np.arange(size[0])[:, None] >= case.lengths
    hs, last, cache = case.run(case.lengths)
    grads = case.gradients(cache)
    noise = np.where(padding[..., None], np.nan, case.xs)
    dnoise = np.where(padding[..., None], np.inf, case.dhs)
    hs2, last2, cache2 = case.run(case.lengths, xs=noise)
    same(hs2, hs)
    same(last2, last)
    same(case.gradients(cache2, dnoise), grads)
    assert not hs[padding].any()
    assert not grads[0][padding].any()


@every_model
def test_lengths_are_the_sequences_alone(make):
    case = Case(make, (6, 3, 2, 3))
    hs, last, _ = case.run(np.array([4, 6, 1]))
    for b, n in enumerate([4, 6, 1]):
        alone = Case(make, (6, 3, 2, 3))
        state = picked(case.state, b)
        out, end, _ = scan(alone.model, alone.params, case.xs[:n, b : b + 1], state)
        same(out[:, 0], hs[:n, b], 1e-14)
        same([a[0] for a in leaves(end)], [a[b] for a in leaves(last)], 1e-14)


def picked(state, b):
    """One sequence's state."""
    if isinstance(state, tuple):
        return tuple(picked(part, b) for part in state)
    return state[b : b + 1] if isinstance(state, np.ndarray) else state


@every_model
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (1, 3, 2, 2), (5, 1, 2, 1)], ids=str)
def test_extreme_inputs_stay_finite(make, dtype, size):
    case = Case(make, size, dtype=dtype)
    big = 1e4 * np.sign(case.xs)
    with np.errstate(all="raise", under="ignore"):
        hs, last, cache = case.run(xs=big)
        results = case.gradients(cache)
    for a in (hs, *leaves(last), *leaves(results[:2]), *results[2].values()):
        assert a.dtype == dtype
        assert np.isfinite(a).all()


@every_model
def test_nothing_is_mutated_and_results_repeat(make):
    case, twin = Case(make, (6, 3, 2, 3)), Case(make, (6, 3, 2, 3))
    for a in (case.xs, case.dhs, *case.params.values(), *leaves(case.state), *leaves(case.dstate)):
        a.flags.writeable = False
    first = case.run()
    second = case.run(case.lengths)
    grads = case.gradients(first[2])
    case.gradients(second[2])
    same(case.gradients(first[2]), grads)
    same(case.run()[:2], first[:2])
    same((case.xs, case.dhs, case.state, case.dstate), (twin.xs, twin.dhs, twin.state, twin.dstate))
    same(case.params, twin.params)
    kept = [a.copy() for a in leaves(first[:2])]
    for a in leaves(grads[:2]):
        a += 1
    same(tuple(leaves(first[:2])), tuple(kept))


@every_model
def test_threads_do_not_disturb_each_other(make):
    cases = [Case(make, (20, 3, 2, 3), seed) for seed in range(8)]
    alone = [case.gradients(case.run()[2]) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda case: case.gradients(case.run()[2]), cases * 4))
    for k, result in enumerate(together):
        same(result[:2], alone[k % 8][:2])
        same(result[2], alone[k % 8][2])


@every_model
def test_memory_layout_does_not_matter(make):
    case = Case(make, (5, 4, 3, 2))
    hs, last, cache = case.run()
    grads = case.gradients(cache)
    wide = np.zeros((10, 4, 6))
    wide[::2, :, ::2] = case.xs
    views = {
        "batch first": np.ascontiguousarray(case.xs.swapaxes(0, 1)).swapaxes(0, 1),
        "Fortran": np.asfortranarray(case.xs),
        "strided": wide[::2, :, ::2],
        "reversed": np.ascontiguousarray(case.xs[::-1])[::-1],
    }
    params = {k: np.asfortranarray(v) for k, v in case.params.items()}
    for xs in views.values():
        out, end, kept = case.run(xs=xs, params=params)
        same(out, hs)
        same(end, last)
        found = bptt(case.model, params, np.asfortranarray(case.dhs), kept, case.dstate)
        same(found[:2], grads[:2])
        same(found[2], grads[2])


@every_causal
@battery
@given(size=st.tuples(*(st.integers(1, n) for n in (5, 2, 3, 3))))
def test_rtrl_is_bptt(make, size):
    case = Case(make, size)
    grads = bptt(case.model, case.params, case.dhs, case.run()[2])[2]
    same(rtrl(case.model, case.params, case.xs, case.dhs, case.state), grads, 1e-12)


@pytest.mark.parametrize("name", ["rnn", "rnn-relu", "lstm", "gru"])
def test_forms_of_rtrl(name):
    case = Case(CELLS[name], (5, 2, 3, 4))
    args = case.model, case.params, case.xs, case.dhs, case.state
    same(rtrl(*args, form="plain"), rtrl(*args), 1e-12)
    one_unit = Case(CELLS[name], (5, 2, 3, 1))
    args = one_unit.model, one_unit.params, one_unit.xs, one_unit.dhs, one_unit.state
    same(rtrl(*args, form="diagonal"), rtrl(*args), 1e-12)


def test_diagonal_rtrl_is_exact_for_a_diagonal_net():
    case = Case(CELLS["rnn"], (6, 2, 3, 4))
    case.params["weight_hh"] = np.diag(np.diag(case.params["weight_hh"]))
    args = case.model, case.params, case.xs, case.dhs, case.state
    exact, diagonal = rtrl(*args), rtrl(*args, form="diagonal")
    same(diagonal["weight_ih"], exact["weight_ih"], 1e-12)
    case.params["weight_hh"] += 0.5
    exact, diagonal = rtrl(*args), rtrl(*args, form="diagonal")
    assert np.abs(diagonal["weight_ih"] - exact["weight_ih"]).max() > 1e-3


@every_model
def test_parameters_are_counted(make):
    case = Case(make, (2, 2, 3, 4))
    drawn = {key: np.count_nonzero(value) for key, value in case.params.items()}
    assert count_parameters(case.model) == drawn

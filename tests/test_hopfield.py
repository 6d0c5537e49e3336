"""Hopfield's network: the theorems hold for every net that is drawn."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.hopfield import corrupt, energy, hebb, overlap, recall, update

reproducible = settings(deadline=None, derandomize=True, max_examples=60)


def signs(rng, *shape, dtype=np.float64):
    return rng.choice([-1, 1], shape).astype(dtype)


@st.composite
def nets(draw):
    """Symmetric weights without a diagonal, either Hebb's (many ties) or drawn, and some states."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    N = draw(st.integers(2, 24))
    if draw(st.booleans()):
        weights = hebb(signs(rng, draw(st.integers(1, 12)), N))
    else:
        weights = rng.normal(size=(N, N))
        weights = weights + weights.T
        np.fill_diagonal(weights, 0)
    return weights, signs(rng, draw(st.integers(1, 6)), N), rng


def test_hebb_is_the_mean_of_outer_products_without_a_diagonal():
    patterns = signs(np.random.default_rng(0), 3, 7)
    by_hand = [
        [(i != j) * (patterns[:, i] @ patterns[:, j]) / 7 for j in range(7)] for i in range(7)
    ]
    weights = hebb(patterns.astype(np.int8))
    np.testing.assert_allclose(weights, by_hand, rtol=0, atol=1e-15)
    assert weights.dtype == np.float64 and not weights.diagonal().any()


@reproducible
@given(net=nets())
def test_energy_is_the_double_sum_and_does_not_see_a_reversal(net):
    weights, states, _ = net
    double = [-0.5 * sum(np.outer(s, s)[i] @ weights[i] for i in range(len(s))) for s in states]
    np.testing.assert_allclose(energy(weights, states), double, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(energy(weights, -states), energy(weights, states))
    assert energy(weights, states[0]).shape == ()


@reproducible
@given(net=nets())
def test_one_unit_at_a_time_lowers_the_energy_until_nothing_moves(net):
    weights, states, rng = net
    end, energies, period = recall(weights, states, rng=rng, max_sweeps=1000)
    assert (period == 1).all()
    assert (np.diff(energies, axis=0) <= 1e-9).all()
    np.testing.assert_allclose(energies[-1], energy(weights, end), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(update(weights, end), end)


@reproducible
@given(net=nets())
def test_a_flip_changes_the_energy_by_twice_the_field(net):
    weights, (s, *_), rng = net
    i = rng.integers(len(s))
    flipped = np.where(np.arange(len(s)) == i, -s, s)
    change = energy(weights, flipped) - energy(weights, s)
    assert change == pytest.approx(2 * s[i] * (weights[i] @ s), abs=1e-10)


@reproducible
@given(net=nets())
def test_a_fixed_point_stays_in_either_mode(net):
    weights, states, rng = net
    end = recall(weights, states, rng=rng, max_sweeps=1000).states
    for mode in ("asynchronous", "synchronous"):
        again = recall(weights, end, mode, rng=rng)
        np.testing.assert_array_equal(again.states, end)
        assert (again.period == 1).all() and len(again.energies) == 2


@reproducible
@given(net=nets())
def test_all_units_at_once_end_in_a_period_of_one_or_two(net):
    weights, states, _ = net
    end, energies, period = recall(weights, states, "synchronous", max_sweeps=2000)
    assert np.isin(period, (1, 2)).all()
    once = update(weights, end)
    np.testing.assert_array_equal(update(weights, once), end)
    np.testing.assert_array_equal((once == end).all(axis=1), period == 1)
    assert energies.shape[1:] == (len(states),)


@reproducible
@given(net=nets())
def test_the_function_that_falls_when_all_change_at_once(net):
    weights, states, _ = net
    path = [states]
    for _ in range(8):
        path.append(update(weights, path[-1]))
    pairs = [-((a @ weights) * b).sum(axis=1) for a, b in pairwise(path)]
    assert (np.diff(pairs, axis=0) <= 1e-9).all()


@reproducible
@given(net=nets())
def test_a_batch_is_its_rows(net):
    weights, states, _ = net
    for mode in ("asynchronous", "synchronous"):
        together = recall(weights, states, mode, max_sweeps=1000)
        for b, state in enumerate(states):
            alone = recall(weights, state, mode, max_sweeps=1000)
            if together.period[b] == 1:
                np.testing.assert_array_equal(alone.states, together.states[b])
            assert alone.period == together.period[b] and isinstance(alone.period, int)
            assert alone.states.shape == state.shape and alone.energies.ndim == 1


def test_two_units_swing_when_they_change_at_once_and_settle_one_by_one():
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    swinging = recall(weights, np.array([1, -1]), "synchronous")
    assert swinging.period == 2 and list(swinging.states) == [1, -1]
    assert recall(weights, np.array([1, -1])).states.tolist() in ([1, 1], [-1, -1])


def test_weights_that_are_not_symmetric_can_run_in_longer_circles():
    weights = np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert recall(weights, np.array([1.0, 1.0]), "synchronous", max_sweeps=50).period == 0
    assert recall(weights, np.array([1.0, 1.0]), max_sweeps=50).period == 0
    four = np.array([1.0, 1.0])
    for _ in range(4):
        four = update(weights, four)
    assert four.tolist() == [1, 1]


def test_a_single_pattern_comes_back_from_less_than_half_wrong_and_its_reverse_from_more():
    rng = np.random.default_rng(1)
    pattern = signs(rng, 1, 101)
    weights = hebb(pattern)
    for fraction, sign in ((0.45, 1), (0.55, -1)):
        end = recall(weights, corrupt(pattern, fraction, rng), rng=rng).states
        np.testing.assert_array_equal(end, sign * pattern)


def test_a_mixture_of_three_is_a_spurious_fixed_point():
    patterns = signs(np.random.default_rng(2), 3, 1000)
    mixture = np.sign(patterns.sum(axis=0))
    np.testing.assert_array_equal(update(hebb(patterns), mixture), mixture)
    assert np.abs(overlap(patterns, mixture) - 0.5).max() < 0.06


def test_a_field_of_zero_changes_nothing():
    weights = hebb(np.array([[1, 1, 1], [1, 1, -1]]))
    state = np.array([1, 1, -1], np.int8)
    assert weights[2].tolist() == [0, 0, 0]
    assert update(weights, state).tolist() == [1, 1, -1]
    assert update(np.array([[0, 0.1, 0.2, -0.3]] + 3 * [4 * [0]]), np.array([-1, 1, 1, 1]))[0] == -1


def test_inputs_are_left_alone_and_dtypes_kept():
    rng = np.random.default_rng(3)
    patterns = signs(rng, 4, 30, dtype=np.int8)
    weights, before = hebb(patterns), patterns.copy()
    kept = weights.copy()
    damaged = corrupt(patterns, 0.2, rng)
    for mode in ("asynchronous", "synchronous"):
        assert recall(weights, damaged, mode, rng=rng).states.dtype == np.int8
    assert update(weights, damaged.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(patterns, before)
    np.testing.assert_array_equal(weights, kept)


def test_the_same_generator_gives_the_same_recall():
    rng = np.random.default_rng(4)
    patterns = signs(rng, 12, 40)
    starts = signs(rng, 8, 40)
    runs = [recall(hebb(patterns), starts, rng=np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].states, runs[1].states)
    np.testing.assert_array_equal(runs[0].energies, runs[1].energies)


def test_recall_gives_up():
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    given = recall(weights, np.array([1, -1]), "synchronous", max_sweeps=1)
    assert given.period == 0 and given.energies.shape == (2,)


@reproducible
@given(N=st.integers(1, 40), fraction=st.floats(0, 1), seed=st.integers(0, 99))
def test_corrupt_flips_so_many_bits_of_each_pattern(N, fraction, seed):
    rng = np.random.default_rng(seed)
    patterns = signs(rng, 3, N)
    damaged = corrupt(patterns, fraction, rng)
    assert ((damaged != patterns).sum(axis=1) == round(fraction * N)).all()
    share = (1 - overlap(patterns, damaged).diagonal()) / 2
    np.testing.assert_allclose(share, round(fraction * N) / N, atol=1e-12)
    assert corrupt(patterns[0], fraction, rng).shape == (N,)


def test_overlap():
    patterns = np.array([[1, 1, 1, 1], [1, -1, 1, -1]])
    np.testing.assert_array_equal(overlap(patterns, patterns), np.eye(2))
    np.testing.assert_array_equal(overlap(patterns, -patterns[0]), [-1, 0])


GOOD = np.ones((2, 3))
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: hebb(np.ones(3)), ValueError, r"patterns: expected shape \(B, N\).* got \(3,\)"),
        (lambda: hebb(np.ones((0, 3))), ValueError, "not empty"),
        (lambda: hebb([[1, 0, -1]]), ValueError, "patterns: expected .1 and -1 only, got 0"),
        (lambda: hebb([[1.0, np.nan]]), ValueError, "got nan"),
        (lambda: hebb([["a", "b"]]), TypeError, "patterns: expected an array"),
        (lambda: hebb(np.ones((2, 3), bool)), TypeError, "got dtype bool"),
        (lambda: energy(np.eye(4), GOOD), ValueError, "states: expected 4 units .* got 3"),
        (lambda: energy(np.ones((3, 2)), GOOD), ValueError, r"weights: expected shape \(N, N\)"),
        (lambda: energy(np.full((3, 3), np.inf), GOOD), ValueError, "weights: expected finite"),
        (lambda: energy([["a"]], GOOD), TypeError, "weights: expected numbers"),
        (lambda: update(np.eye(3), np.ones((1, 1, 3))), ValueError, r"\(N,\) or \(B, N\)"),
        (lambda: recall(np.eye(3), GOOD, "both"), ValueError, "mode: expected .* got 'both'"),
        (lambda: recall(np.eye(3), GOOD, rng=0), TypeError, "rng: expected"),
        (lambda: recall(np.eye(3), GOOD, max_sweeps=0), ValueError, "max_sweeps: expected"),
        (lambda: corrupt(GOOD, 1.5, RNG), ValueError, "fraction: expected .* got 1.5"),
        (lambda: corrupt(GOOD, 0.5, None), TypeError, "rng: expected"),
        (lambda: overlap(GOOD, np.ones(4)), ValueError, "states: expected 3 units .* got 4"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()

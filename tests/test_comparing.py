"""Fair comparisons: the largest net within a budget, a choice on other seeds than the report."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore import GRU, LSTM, RNN, Clockwork, Readout, size_within, tune


@given(budget=st.integers(100, 5000), kind=st.sampled_from([RNN, LSTM, GRU]))
def test_the_largest_that_fits(budget, kind):
    def make(H):
        return Readout(kind(3, H), 2)

    net = size_within(budget, make)
    assert net.count() <= budget < make(net.model.hidden_size + 1).count()


def test_in_steps():
    net = size_within(3000, lambda H: Readout(Clockwork(3, H), 2), step=4)
    assert net.model.hidden_size % 4 == 0
    assert net.count() <= 3000 < Readout(Clockwork(3, net.model.hidden_size + 4), 2).count()


def test_a_budget_too_small():
    least = Readout(LSTM(3, 1), 2).count()
    assert size_within(least, lambda H: Readout(LSTM(3, H), 2)).model.hidden_size == 1
    with pytest.raises(ValueError, match=f"budget: expected at least {least}, .* got {least - 1}"):
        size_within(least - 1, lambda H: Readout(LSTM(3, H), 2))
    with pytest.raises(TypeError, match="budget: expected a positive integer"):
        size_within(10.5, lambda H: Readout(LSTM(3, H), 2))
    with pytest.raises(ValueError, match="step: expected a positive integer, got 0"):
        size_within(100, lambda H: Readout(LSTM(3, H), 2), step=0)


def test_tune_chooses_by_the_median_and_reports_other_seeds():
    asked = []
    scores = {0.1: (1.0, 9.0, 2.0), 0.2: (3.0, 3.0, 3.0), 0.3: (np.nan, np.nan, 0.0)}

    def run(rate, seed):
        asked.append((rate, seed))
        return scores[rate][seed] if seed < 3 else 10 * rate + seed

    rate, reported = tune(run, (0.1, 0.2, 0.3), tuning=(0, 1, 2), seeds=(7, 8))
    assert rate == 0.1
    np.testing.assert_allclose(reported, [8.0, 9.0])
    assert asked == [(r, s) for r in scores for s in range(3)] + [(0.1, 7), (0.1, 8)]


@pytest.mark.parametrize(
    ("rates", "tuning", "seeds", "message"),
    [
        ((), (0,), (1,), "at least one of each, got 0, 1 and 1"),
        ((0.1,), (), (1,), "at least one of each, got 1, 0 and 1"),
        ((0.1,), (0,), (), "at least one of each, got 1, 1 and 0"),
        ((0.1,), (0, 1), (1, 2), r"seeds: expected none of those for tuning, got \[1\] twice"),
    ],
)
def test_tune_refuses(rates, tuning, seeds, message):
    with pytest.raises(ValueError, match=message):
        tune(lambda rate, seed: 0.0, rates, tuning, seeds)

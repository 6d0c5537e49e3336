"""What a fair comparison of nets needs: equal parameter counts and an equal tuning budget.

net = size_within(5_000, lambda H: Readout(LSTM(2, H), 1))
best, scores = tune(run, rates=(0.001, 0.003, 0.01), tuning=(0,), seeds=(1, 2, 3))

Both are plain loops: a lecture shows what they return, not how long they took.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore import _check


def size_within(budget: int, make: Callable[[int], Any], step: int = 1) -> Any:
    r"""Build the largest net whose parameters fit a budget.

    .. math:: H^* = \max \{ H = \text{step}, 2\,\text{step}, \dots : N(H) \le \text{budget} \}

    Parameters
    ----------
    budget : int
        Largest number of parameters.
    make : callable
        ``make(H)`` builds the net, and its ``count()`` says how many parameters it has; the count
        grows with H.
    step : int, optional
        What H has to be a multiple of, for instance the number of a Clockwork net's periods.

    Returns
    -------
    object
        ``make(H)`` for the largest H that fits.

    Raises
    ------
    TypeError
        If `budget` or `step` is no integer.
    ValueError
        If not even ``make(step)`` fits.
    """
    budget, step = _check.positive_int("budget", budget), _check.positive_int("step", step)
    low, high = 0, 1
    while make(high * step).count() <= budget:
        low, high = high, 2 * high
    if low == 0:
        smallest = make(step).count()
        raise ValueError(
            f"budget: expected at least {smallest}, what H = {step} takes, got {budget}"
        )
    while high - low > 1:
        middle = (low + high) // 2
        if make(middle * step).count() <= budget:
            low = middle
        else:
            high = middle
    return make(low * step)


def tune(
    run: Callable[[float, int], float],
    rates: Sequence[float],
    tuning: Iterable[int],
    seeds: Iterable[int],
) -> tuple[float, NDArray[np.float64]]:
    r"""Choose a learning rate on some seeds, then measure it on others.

    .. math:: \eta^* = \arg\min_\eta \operatorname{median}_{s \in \text{tuning}} \text{run}(\eta, s)

    The seeds that choose are not those that are reported, so the choice flatters nobody; give
    every contestant the same rates and seeds.

    Parameters
    ----------
    run : callable
        ``run(rate, seed)`` trains once and returns what to minimise.  NaN counts as the worst.
    rates : sequence of float
        Learning rates to try.
    tuning, seeds : iterable of int
        Seeds for the choice, and seeds for the report, none in common.

    Returns
    -------
    rate : float
        The rate chosen.
    scores : ndarray (len(seeds),)
        What `run` returned at this rate for each of `seeds`.

    Raises
    ------
    ValueError
        If there is no rate or no seed, or a seed serves for both.
    """
    tuning, seeds = tuple(tuning), tuple(seeds)
    if not len(rates) or not tuning or not seeds:
        raise ValueError(
            "rates, tuning, seeds: expected at least one of each, "
            f"got {len(rates)}, {len(tuning)} and {len(seeds)}"
        )
    if shared := sorted({*tuning} & {*seeds}):
        raise ValueError(f"seeds: expected none of those for tuning, got {shared} twice")
    medians = [np.median([np.nan_to_num(run(r, s), nan=np.inf) for s in tuning]) for r in rates]
    rate = rates[int(np.argmin(medians))]
    return rate, np.array([run(rate, seed) for seed in seeds], float)

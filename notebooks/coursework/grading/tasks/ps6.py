"""Problem set 6: hidden tests and rubric.

Three parts, of which the best counts.  The references are twins: windows of steps in place of
rounds, a triangle of weights for the smoothing layer, a power series for the uneven steps; sums
over listed paths where there are few, another recurrence where there are many; plain loops for the
forecasts.
"""

import math

import numpy as np

from grading.task import Choice, Task, call
from rnncore import log_softmax, softmax
from rnncore.ctc import collapse


def _sizes(rng, n, low=2, high=7):
    """Draw n different sizes, so that a transposed shape is noticed."""
    return [int(k) for k in rng.permutation(np.arange(low, high + 1))[:n]]


# A1: after_rounds
def _rounds_calls(rng):
    calls = []
    for rounds in (0, 1, 2, 3, 6):
        T, H = int(rng.integers(9, 20)), int(rng.integers(2, 6))
        calls.append(call(rng.normal(size=(T, H)), rng.normal(size=(T, H)), rounds))
    return calls


def _rounds(a, b, rounds):
    """Each entry is the combination of the last 2^rounds steps, or of all."""
    A, B = np.ones_like(a), np.zeros_like(b)
    for t in range(len(a)):
        for k in range(max(0, t + 1 - 2**rounds), t + 1):
            A[t], B[t] = a[k] * A[t], a[k] * B[t] + b[k]
    return A, B


# A2: smooth_backward
def _smooth_calls(rng):
    calls = []
    for _ in range(3):
        T, B, H = _sizes(rng, 3)
        a, xs = rng.uniform(0.1, 0.95, H), rng.normal(size=(T, B, H))
        hs, h0 = np.empty_like(xs), rng.normal(size=(B, H))
        for t in range(T):
            hs[t] = a * (hs[t - 1] if t else h0) + (1 - a) * xs[t]
        calls.append(call(a, xs, hs, h0, rng.normal(size=(T, B, H))))
    return calls


def _smooth(a, xs, hs, h0, dhs):
    """By the triangle of weights a^(t-k) and its derivative."""
    steps = np.arange(len(xs))
    age = np.tril(steps[:, None] - steps)[..., None]
    weights = np.where(age >= 0, a**age, 0) * np.tri(len(xs))[..., None]
    slopes = age * a ** np.maximum(age - 1, 0) * np.tri(len(xs))[..., None]
    came = np.einsum("tkh,tbh->kbh", weights, dhs)
    da = np.einsum("tkh,kbh,tbh->h", (1 - a) * slopes - weights, xs, dhs)
    powers = (steps + 1)[:, None, None]
    da = da + (powers * a ** (powers - 1) * h0 * dhs).sum(axis=(0, 1))
    return (1 - a) * came, da, (a**powers * dhs).sum(axis=0)


# A3: uneven
def _uneven_calls(rng):
    calls = []
    for _ in range(3):
        T, H = _sizes(rng, 2, 3, 7)
        lam = -rng.uniform(0.1, 2, H) + 1j * rng.uniform(-2, 2, H)
        lam[rng.integers(H)] = 0
        u, h0 = rng.normal(size=(2, H)) + 1j * rng.normal(size=(2, H))
        calls.append(call(lam, u, rng.uniform(0.1, 2, T), rng.normal(size=T), h0))
    return calls


def _uneven(lam, u, gaps, xs, h0):
    """With the input weight as a power series, which has no special case."""
    hs, h = [], h0
    for gap, x in zip(gaps, xs):
        term, series = np.ones_like(lam), np.zeros_like(lam)
        for k in range(1, 60):
            series = series + term / k
            term = term * lam * gap / k
        h = np.exp(lam * gap) * h + gap * series * u * x
        hs.append(h)
    return np.array(hs)


# B1: best_string
def _string_calls(rng):
    """Some drawn at random, and some in which the likeliest path spells something else."""
    calls = []
    while len(calls) < 5:
        T, V = (int(rng.integers(3, 6)), 3) if rng.random() < 0.7 else (3, 5)
        p, blank = softmax(1.5 * rng.normal(size=(T, V))), int(rng.integers(len(calls) < 2, V))
        greedy = collapse([int(k) for k in p.argmax(axis=1)], blank)
        if len(calls) > 1 or greedy != _string(p, blank)[0]:
            calls.append(call(p, blank))
    return calls


def _string(p, blank):
    """All strings with their probabilities, step by step, as (spelt so far, last symbol)."""
    now = {((), None): 1.0}
    for row in p:
        new = {}
        for (spelt, last), probability in now.items():
            for k, factor in enumerate(row):
                longer = spelt if k in (blank, last) else (*spelt, k)
                new[longer, k] = new.get((longer, k), 0.0) + probability * factor
        now = new
    total = {}
    for (spelt, _), probability in now.items():
        total[spelt] = total.get(spelt, 0.0) + probability
    best = max(total, key=total.get)
    return list(best), float(total[best])


# B2: log_beginning
def _target(rng, labels, count):
    """Labels of which two neighbours are equal, where there are two."""
    target = [int(k) for k in rng.choice(labels, count)]
    if count > 1:
        target[1] = target[0]
    return target


def _beginning_calls(rng):
    calls = []
    for T, count in ((6, 0), (9, 1), (8, 2), (12, 4), (5, 5), (400, 3)):
        V = int(rng.integers(3, 6))
        blank = int(rng.integers(1, V))
        labels = [k for k in range(V) if k != blank]
        logits = rng.normal(size=(T, V))
        if T == 400:  # each step all but excludes the labels
            logits[:, labels] -= 9
        calls.append(call(logits, _target(rng, labels, count), blank))
    return calls


def _beginning(logits, target, blank):
    """Logarithm of the sum over states (labels of the target said, last symbol)."""
    if not target:
        return 0.0
    target, log_p = list(target), log_softmax(logits)
    now, done = {(0, blank): 0.0}, -np.inf
    for row in log_p:
        new = {}
        for (said, last), log in now.items():
            for k, more in enumerate(row):
                if k in (blank, last):
                    new[said, k] = np.logaddexp(new.get((said, k), -np.inf), log + more)
                elif k == target[said]:
                    if said + 1 == len(target):
                        done = np.logaddexp(done, log + more)
                    else:
                        key = (said + 1, k)
                        new[key] = np.logaddexp(new.get(key, -np.inf), log + more)
        now = new
    return float(done)


# B3: align
def _align_calls(rng):
    calls = []
    for T, count in ((5, 0), (7, 1), (8, 3), (13, 4), (30, 5), (4, 4)):
        V = int(rng.integers(3, 6))
        blank = int(rng.integers(1, V))
        labels = [k for k in range(V) if k != blank]
        logits, target = 2 * rng.normal(size=(T, V)), _target(rng, labels, count)
        if count in (1, 4):  # one ends on its last label, one on the blank behind it
            logits[-1, target[-1] if T == 7 else blank] += 9
        calls.append(call(logits, target, blank))
    return calls


def _align(logits, target, blank):
    """The best path to each state (labels said, last symbol), with the path itself."""
    now = {(0, blank): (0.0, [])}
    for row in log_softmax(logits):
        new = {}
        for (said, last), (log, path) in now.items():
            for k, more in enumerate(row):
                grown = said + (k not in (blank, last))
                if grown > said and (grown > len(target) or target[said] != k):
                    continue
                if (grown, k) not in new or new[grown, k][0] < log + more:
                    new[grown, k] = log + more, [*path, k]
        now = new
    ended = [found for (said, _), found in now.items() if said == len(target)]
    return max(ended)[1] if ended else []


# C1: mase
def _mase_calls(rng):
    calls = []
    for m in (1, 4, 12):
        fit_end = int(rng.integers(30, 40))
        start, N = fit_end + int(rng.integers(0, 9)), fit_end + int(rng.integers(15, 30))
        y = rng.normal(size=N).cumsum() + np.r_[np.zeros(fit_end), rng.normal(size=N - fit_end) * 5]
        calls.append(call(y, y + rng.normal(size=N), fit_end, start, m))
    return calls


def _mase(y, forecast, fit_end, start, m):
    differences = [abs(y[t] - y[t - m]) for t in range(m, fit_end)]
    errors = [abs(y[t] - forecast[t]) for t in range(start, len(y))]
    return (sum(errors) / len(errors)) / (sum(differences) / len(differences))


# C2: honest
def _honest_calls(rng):
    calls = []
    for ridge in (0.3, 1.0, 4.0):
        N = int(rng.integers(60, 90))
        y = rng.normal(size=N).cumsum() + rng.normal()
        y[1:][rng.random(N - 1) < 0.15] = np.nan
        start = int(rng.integers(30, 45))
        y[start - 1] = np.nan  # the last value before the test is a gap
        calls.append(call(y, start, ridge))
    return calls


def _honest(y, start, ridge=1.0):
    """Walk forward with what is known, one origin at a time."""
    forecasts, weights = [], None
    for origin in range(start, len(y)):
        known = []
        for value in y[:origin]:
            known.append(known[-1] if np.isnan(value) else value)
        known = np.array(known)
        middle, scale = known[:start].mean(), known[:start].std()
        z = [0.0, 0.0, *((known - middle) / scale)]
        rows = np.array([[z[t], (z[t] + z[t - 1] + z[t - 2]) / 3] for t in range(2, len(z))])
        if weights is None:
            left = rows[:-1].T @ rows[:-1] + ridge * np.eye(2)
            weights = np.linalg.inv(left) @ rows[:-1].T @ np.array(z[3:])
        forecasts.append(middle + scale * float(rows[-1] @ weights))
    return np.array(forecasts)


# C3: intervals
def _interval_calls(rng):
    calls = []
    for level, start in ((0.5, 3), (0.8, 6), (0.9, 5)):
        N = int(rng.integers(30, 50))
        calls.append(call(rng.normal(0.4, 1, N) * np.linspace(1, 2, N), level, start))
    return calls


def _intervals(errors, level, start):
    past = sorted(abs(float(e)) for e in errors[:start])
    widths, hits = [], 0
    for e in errors[start:]:
        k = math.ceil((len(past) + 1) * level)
        widths.append(past[k - 1] if k <= len(past) else math.inf)
        hits += abs(float(e)) <= widths[-1]
        past = sorted([*past, abs(float(e))])
    return np.array(widths), hits / len(widths)


TASKS = (
    Task(
        cell="ps6-rounds",
        points=4,
        function="after_rounds",
        calls=_rounds_calls,
        reference=_rounds,
        message="After r rounds an entry stands for the last 2^r steps, or for all there are. The "
        "earlier pair comes first in the combination, and both numbers of a pair are old ones.",
    ),
    Task(
        cell="ps6-smooth",
        points=5,
        function="smooth_backward",
        calls=_smooth_calls,
        reference=_smooth,
        message="The decay is used at every step, by every sequence, and twice each time: before "
        "the old state, and in 1 - a before the input.",
    ),
    Task(
        cell="ps6-uneven",
        points=5,
        function="uneven",
        calls=_uneven_calls,
        reference=_uneven,
        message="During a gap the input is the one at its end; the solution over the gap is exact, "
        "and for a component with lambda = 0 it is a sum.",
    ),
    Task(
        cell="ps6-best-string",
        points=4,
        function="best_string",
        calls=_string_calls,
        reference=_string,
        message="Sum over all paths that spell a string before you compare strings; the blank is "
        "the one you are given.",
    ),
    Task(
        cell="ps6-beginning",
        points=5,
        function="log_beginning",
        calls=_beginning_calls,
        reference=_beginning,
        message="Every path counts once, at the step at which it first arrives at the last label; "
        "between two equal labels it has to pass the blank.",
    ),
    Task(
        cell="ps6-align",
        points=5,
        function="align",
        calls=_align_calls,
        reference=_align,
        message="The path has to spell the target, may end on the last label or on the blank "
        "behind it, and is the likeliest as a whole, not step by step.",
    ),
    Task(
        cell="ps6-mase",
        points=4,
        function="mase",
        calls=_mase_calls,
        reference=_mase,
        message="The errors are those of the test period; the scale is that of the fitting period "
        "alone, at a distance of m steps.",
    ),
    Task(
        cell="ps6-honest",
        points=5,
        function="honest",
        calls=_honest_calls,
        reference=_honest,
        message="There are three leaks: in the filling, in the standardising, in the mean of "
        "three. Compare with the three rules of the task.",
    ),
    Task(
        cell="ps6-intervals",
        points=5,
        function="intervals",
        calls=_interval_calls,
        reference=_intervals,
        message="At step t there are t absolute errors, none of them that of step t; the rank is "
        "that among t + 1.",
    ),
)

CHOICE = Choice(
    cell="ps6-choice",
    groups={
        "A, linear recurrences": ("ps6-rounds", "ps6-smooth", "ps6-uneven"),
        "B, CTC": ("ps6-best-string", "ps6-beginning", "ps6-align"),
        "C, honest forecasting": ("ps6-mase", "ps6-honest", "ps6-intervals"),
    },
    best=1,
)


def _marks(**parts):
    """One question as each part asks it: what earns full, half and no points."""
    lines = ["as the chosen part asks it"]
    for name, (full, half, none) in parts.items():
        lines += [f"  - {name}", f"    - 2: {full}", f"    - 1: {half}", f"    - 0: {none}"]
    return "\n".join(lines)


RUBRIC = {
    "ps6-explain": (
        (
            "question 1, "
            + _marks(
                A1=(
                    "a prediction with its reason for both decays, right or wrong; and the printed "
                    "numbers explained: the last term passes 2^128 at step 128 and, for 0.9, 842; "
                    "the cell prints 127 and 821 since the sum overflows first, being 2 and 10 "
                    "times its last term (1 and 22 steps)",
                    "one of the two: a reasoned prediction, or 127 and 821 explained by the sum",
                    "numbers without a reason, or the printed ones repeated",
                ),
                B1=(
                    "what is learned first and what the greedy answer is, with a reason from the "
                    "loss (blanks stand in every string, at S + 1 of 2S + 1 places: blank, empty "
                    "answer); another prediction with a reason from the loss is worth the same",
                    "the blank without a reason, or a reason and nothing about the greedy answer",
                    "no prediction, or only what the cell prints",
                ),
                C1=(
                    "steps are independent of the past, so from the past alone the expected error "
                    "is at least 1, their standard deviation; 0.76, 0.92 and 0.72 are too low: "
                    "0.76 and 0.72 by more than three times what chance does (0.07), or all three "
                    "against 1.04, 1.15 and 1.06 of persistence",
                    "the bound without the numbers, or 'better than persistence, hence suspicious' "
                    "without the independence",
                    "only that there are leaks, which is question 2",
                ),
            ),
            2,
        ),
        (
            "question 2, "
            + _marks(
                A2=(
                    "the scan multiplies and adds but never divides; and a product that underflows "
                    "to 0 is harmless there, since it is a weight that is as good as 0",
                    "no division, without what becomes of the small products",
                    "only that the scan is more stable, or takes fewer rounds",
                ),
                B2=(
                    "gamma summed over the blanks, S + 1 of 2S + 1 places, is q(blank), above "
                    "p = 1/6 at every step (0.51 on average at the start), and the gradient is "
                    "p - q; it stops at 0.90 and 0.02, since 5 * 0.02 * 40 = 4 labels, as in the "
                    "strings",
                    "one of the two: why the blank rises, by places and gamma; or why it stops "
                    "where it does",
                    "the numbers described, or 'blanks are frequent' without gamma or places",
                ),
                C2=(
                    "three lines, each with what it should not read: np.interp, the value after a "
                    "gap; mean and standard deviation, all values from start on; the centred mean "
                    "at t - 1, y_t itself",
                    "two of the three, or all three lines without the values",
                    "one or none",
                ),
            ),
            2,
        ),
        (
            "question 3, "
            + _marks(
                A3=(
                    "0.999^1000 = 0.37 is kept, each input comes in with weight 1 - a = 0.001; a "
                    "gate of minGRU depends on the input, so a_t is near 1 while nothing matters "
                    "and near 0 at the input that does",
                    "both numbers without the gate, or the gate with one number or none",
                    "one number alone, or neither",
                ),
                B3=(
                    "the loss is a sum over all paths of a string, the greedy answer the top "
                    "symbol of each step, which stays the blank; and the blanks of l leave open "
                    "when a label is said, where cross-entropy has a label for every step",
                    "one of the two: the sum against the top symbol, or what the blanks of l do",
                    "only that the net is not trained enough, or that it is too small",
                ),
                C3=(
                    "the centred mean, by errors with one leak repaired or put back at a time (put "
                    "back alone: 0.73, 0.88, 0.73 where honest has 1.06, 1.55, 1.07); and coverage "
                    "66 % in place of 80 %, since growing errors are not exchangeable, which moved "
                    "does not see: nothing reads the future",
                    "one of the two: the centred mean with numbers; or 66 %, exchangeability and "
                    "moved",
                    "the centred mean without a number, and no assumption named",
                ),
            ),
            2,
        ),
    ),
}

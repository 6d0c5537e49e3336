"""The exam: ten functions on hidden inputs, and four answers in words."""

import numpy as np

from grading.task import Task, call
from rnncore import GRU, RNN, Clockwork, Readout, bptt, count_parameters, scan
from rnncore.ctc import collapse


def _sizes(rng, count, low, high):
    """Sizes that are all different."""
    return rng.choice(np.arange(low, high), size=count, replace=False).tolist()


def _count_calls(rng):
    return [call(*_sizes(rng, 2, 5, 300), biases) for biases in (1, 2, 1)]


def _count(inputs, hidden, biases):
    gates = [(hidden, inputs), (hidden, hidden), *[(hidden,)] * biases]
    return sum(4 * int(np.prod(shape)) for shape in gates)


def _budget_calls(rng):
    calls = []
    for _ in range(3):
        inputs, outputs, hidden = _sizes(rng, 3, 4, 60)
        exact = Readout(GRU(inputs, hidden), outputs).count()
        calls += [call(inputs, outputs, exact + more) for more in (-1, 0, 7)]
    return calls


def _budget(inputs, outputs, budget):
    fits = (H for H in range(1, 2000) if Readout(GRU(inputs, H), outputs).count() > budget)
    return next(fits) - 1


def _gradient_calls(rng):
    return [
        call(*rng.normal(size=2).tolist(), rng.normal(size=T), float(rng.normal()))
        for T in (1, 5, 8)
    ]


def _gradient(w, u, xs, y):
    params = {
        "weight_ih": np.full((1, 1), u),
        "weight_hh": np.full((1, 1), w),
        "bias_ih": np.zeros(1),
        "bias_hh": np.zeros(1),
    }
    hs, _, cache = scan(RNN(1, 1), params, xs[:, None, None])
    dhs = np.zeros_like(hs)
    dhs[-1] = hs[-1] - y
    grads = bptt(RNN(1, 1), params, dhs, cache)[2]
    return float(grads["weight_hh"][0, 0]), float(grads["weight_ih"][0, 0])


def _connections_calls(rng):
    k = int(rng.integers(4, 9))
    T = int(rng.integers(40, 60))
    return [call(5 * k, k), call(T - T % k + 3, k), call(T, 1), call(k, 3 * k)]


def _connections(T, k):
    return sum(s // k == t // k for t in range(T) for s in range(t + 1))


def _forgotten_calls(rng):
    calls = []
    for coupling, H in ((0.1, 5), (0.5, 4), (1.0, 3)):
        basis = np.linalg.qr(rng.normal(size=(H, H)))[0]
        core = np.diag(rng.uniform(0.5, 0.8, size=H))
        core += coupling * np.triu(rng.choice([-1.0, 1.0], size=(H, H)), 1)
        calls.append(call(basis @ core @ basis.T, float(rng.uniform(0.002, 0.02))))
    return calls


def _forgotten(W, eps):
    return next(
        k
        for k in range(1, 10_000)
        if np.linalg.svd(np.linalg.matrix_power(W, k), compute_uv=False)[0] <= eps
    )


def _convert_calls(rng):
    calls = []
    for _ in range(2):
        inputs, hidden = _sizes(rng, 2, 2, 7)
        params = GRU(inputs, hidden).init(rng, np.float64)
        calls.append(call({key: rng.normal(size=value.shape) for key, value in params.items()}))
    return calls


def _convert(params):
    H = params["weight_hh"].shape[1]
    order = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
    sign = np.where(np.arange(3 * H) // H == 1, -1.0, 1.0)
    return {key: (value[order].T * sign).T for key, value in params.items()}


def _summary_calls(rng):
    calls = []
    for _ in range(2):
        T, B, H = _sizes(rng, 3, 3, 8)
        lengths = rng.integers(1, T, size=B)
        lengths[:2] = 1, T
        calls.append(call(rng.normal(size=(T, B, 2 * H)), lengths))
    return calls


def _summary(hs, lengths):
    H = hs.shape[2] // 2
    return np.array([[*hs[n - 1, b, :H], *hs[0, b, H:]] for b, n in enumerate(lengths)])


def _clockwork_calls(rng):
    calls = []
    for periods in ((1, 2, 4), (1, 3, 5, 10), (2, 3)):
        k, T = _sizes(rng, 2, 2, 20)
        calls.append(call(k * len(periods), periods, T + 7))
    return calls


def _clockwork(hidden, periods, T):
    live = count_parameters(Clockwork(3, hidden, tuple(periods)))["weight_hh"]
    g = len(periods)
    blocks = sum(g - i for t in range(T) for i, period in enumerate(periods) if t % period == 0)
    return live, (hidden // g) ** 2 * blocks


def _ctc_calls(rng):
    cases = ((5, 3, [1, 1]), (4, 4, [2, 3, 1]), (6, 3, [1, 2]), (3, 3, []), (2, 3, [1, 2, 1]))
    return [call(rng.dirichlet(np.ones(K), size=T), labels) for T, K, labels in cases]


def _spells(p, labels):
    found = 0.0
    for number in range(p.shape[1] ** len(p)):
        path = [number // p.shape[1] ** t % p.shape[1] for t in range(len(p))]
        if collapse(path) == list(labels):
            found += np.exp(sum(np.log(p[t, k]) for t, k in enumerate(path)))
    return float(found)


def _between_calls(rng):
    calls = []
    for _ in range(2):
        T, H = _sizes(rng, 2, 4, 9)
        a = rng.uniform(0.4, 1.6, size=(T, H)) * rng.choice([-1, 1], size=(T, H))
        b, s = rng.normal(size=(T, H)), T // 2
        calls.append(call(*_prefix(a[:s], b[:s]), *_prefix(a, b), hidden=(a[s:], b[s:])))
    return calls


def _prefix(a, b):
    A, B = np.ones_like(a[0]), np.zeros_like(b[0])
    for decay, add in zip(a, b, strict=True):
        A, B = decay * A, decay * B + add
    return A, B


def _between(A_s, B_s, A_t, B_t):
    # Two states at time s, followed to time t, fix the affine map between them.
    zero, one = (A_t * h0 + B_t for h0 in (-B_s / A_s, (1 - B_s) / A_s))
    return one - zero, zero


TASKS = (
    Task(
        cell="exam-lstm-count",
        points=6,
        function="lstm_parameters",
        calls=_count_calls,
        reference=_count,
        without=("count_parameters",),
        message="Each of four blocks has hidden rows, with a weight for each input and unit.",
    ),
    Task(
        cell="exam-budget",
        points=5,
        function="largest_gru",
        calls=_budget_calls,
        reference=_budget,
        without=("count_parameters", "size_within"),
        message="Count three blocks, two biases each, and the readout; the budget itself fits.",
    ),
    Task(
        cell="exam-gradient",
        points=8,
        function="gradient",
        calls=_gradient_calls,
        reference=_gradient,
        without=("scan", "bptt", "rtrl", "numerical_gradient"),
        message="Sum over all steps; each step has its slope, and the state of the step before.",
    ),
    Task(
        cell="exam-connections",
        points=5,
        function="connections",
        calls=_connections_calls,
        reference=_connections,
        message="Each chunk by itself is a small full BPTT, the last one too.",
    ),
    Task(
        cell="exam-forgotten",
        points=7,
        function="forgotten",
        calls=_forgotten_calls,
        reference=_forgotten,
        message="Neither the eigenvalues nor the norm of W itself give the norm of a power.",
    ),
    Task(
        cell="exam-convert",
        points=6,
        function="convert",
        calls=_convert_calls,
        reference=_convert,
        message="Change the order of the blocks and the sign of z's, in all four arrays.",
    ),
    Task(
        cell="exam-summary",
        points=6,
        function="summary",
        calls=_summary_calls,
        reference=_summary,
        message="Where has each direction read everything, and nothing behind the end?",
    ),
    Task(
        cell="exam-clockwork",
        points=6,
        function="clockwork",
        calls=_clockwork_calls,
        reference=_clockwork,
        without=("count_parameters",),
        message="The diagonal blocks are alive, and time begins at 0.",
    ),
    Task(
        cell="exam-ctc",
        points=7,
        function="spells",
        calls=_ctc_calls,
        reference=_spells,
        message="First merge repetitions, then remove blanks; add up all paths.",
    ),
    Task(
        cell="exam-between",
        points=4,
        function="between",
        calls=_between_calls,
        reference=_between,
        message="Put h_s = A_s h_0 + B_s into the step you look for, and compare with h_t.",
    ),
)

RUBRIC = {
    "exam-cells": (
        ("LSTM: equation of the memory, three gates, two states, keeping and writing are free", 2),
        ("GRU: equation with its convention, two gates, one state, keeping and writing coupled", 2),
        ("additive path instead of overwriting; the gates are learned from input and state", 2),
        ("direct path: product of f, or of z; no weight matrix; near 1 as long as needed", 2),
        ("limits: the product still decays, other paths can explode, fixed size", 1),
        ("(a) LSTM, since its memory is not bounded and the GRU's is", 1),
        ("(b) equal parameters mean more units for the GRU; measure, there is no winner", 2),
    ),
    "exam-claims": (
        ("claim 1: tanh'(0) = 1, and the Jacobian has the factor W", 2),
        ("claim 2: a bound, not the size; necessary for explosion, not sufficient", 2),
        ("claim 3: only shortens; the parts keep their proportion, so vanishing is not cured", 2),
        ("claim 4: strictly between 0 and 1, a product of them decays", 2),
        ("claim 5: RTRL holds about H^3 numbers; less than BPTT only for T above about H^2", 2),
    ),
    "exam-report": (
        (
            "five different faults, a point each: overlapping windows split at random, epoch "
            "chosen on the test set, unequal tuning, one seed, no baseline, unequal numbers of "
            "parameters, scaling that has seen the test, too wide a conclusion",
            5,
        ),
        ("for each of the five: why it matters, and what to do instead", 5),
    ),
    "exam-device": (
        ("RTRL: 10.5 MB and 3.4e10 multiplications a second; neither fits", 2),
        ("full BPTT: about 5.5 GB, 5.7e6 multiplications a second; memory does not fit", 2),
        ("truncated: 128 kB and 5.7e6 multiplications a second; fits", 2),
        ("biased: no lag above 200 steps is learned; the state is carried and may remember", 2),
    ),
}

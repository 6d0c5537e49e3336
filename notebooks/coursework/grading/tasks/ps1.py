"""Problem set 1: forward pass, shapes, generation, wirings."""

import numpy as np

from grading.task import Task, call
from rnncore import RNN, init_linear, linear, log_softmax, scan, step

OWN = ("scan", "step", "log_softmax", "softmax", "cross_entropy", "count_parameters")


def _sizes(rng, count, low=2, high=8):
    """Sizes that are all different, so that no transposed shape fits by chance."""
    return rng.choice(np.arange(low, high), size=count, replace=False).tolist()


def _cell(rng, inputs, hidden):
    """Parameters large enough to tell the two biases and the transposed weights apart."""
    params = RNN(inputs, hidden).init(rng, np.float64)
    return {name: value + 0.3 * rng.normal(size=value.shape) for name, value in params.items()}


def _step_calls(rng):
    calls = []
    for _ in range(3):
        B, I, H = _sizes(rng, 3)
        calls.append(call(_cell(rng, I, H), rng.normal(size=(B, I)), rng.normal(size=(B, H))))
    return calls


def _step(params, x, h):
    return step(RNN(x.shape[1], h.shape[1]), params, x, (h,))[0]


def _forward_calls(rng):
    calls = []
    for _ in range(3):
        T, B, I, H = _sizes(rng, 4)
        calls.append(call(_cell(rng, I, H), rng.normal(size=(T, B, I)), rng.normal(size=(B, H))))
    return calls


def _forward(params, xs, h0):
    return scan(RNN(xs.shape[2], h0.shape[1]), params, xs, (h0,))[0]


def _count_calls(rng):
    return [call(*_sizes(rng, 3, 2, 60)) for _ in range(4)]


def _count(inputs, hidden, outputs):
    cell = RNN(inputs, hidden).init(np.random.default_rng(0))
    readout = init_linear(np.random.default_rng(0), hidden, outputs)
    return sum(array.size for array in [*cell.values(), *readout.values()])


def _scores(rng):
    a, b, c = _sizes(rng, 3)
    moderate = rng.normal(size=(a, b, c))
    far_apart = rng.normal(size=(a, b)) + 900 * rng.choice([-1.0, 1.0], size=(a, 1))
    return [call(moderate), call(far_apart), call(np.array([*rng.normal(size=c), -800.0]))]


def _last_calls(rng):
    calls = []
    for _ in range(3):
        T, B, H = _sizes(rng, 3, 3, 8)
        lengths = rng.integers(1, T + 1, size=B)
        lengths[:2] = 1, T
        calls.append(call(rng.normal(size=(T, B, H)), rng.permutation(lengths)))
    return calls


def _last_states(hs, lengths):
    return np.array([hs[n - 1, b] for b, n in enumerate(lengths)])


def _mean_calls(rng):
    calls = []
    for _ in range(3):
        T, B = _sizes(rng, 2, 3, 9)
        lengths = rng.integers(1, T, size=B)
        lengths[:2] = 1, T
        losses = rng.exponential(size=(T, B))
        losses[np.arange(T)[:, None] >= lengths] = rng.choice([50.0, np.nan])
        calls.append(call(losses, lengths))
    return calls


def _mean_loss(losses, lengths):
    return sum(losses[:n, b].sum() for b, n in enumerate(lengths)) / sum(lengths.tolist())


def _generate_calls(rng):
    calls = []
    for _ in range(3):
        K, H, B, steps = _sizes(rng, 4, 4, 10)
        params = {name: 3 * value for name, value in _cell(rng, K, H).items()}
        readout = init_linear(rng, H, K, dtype=np.float64)
        readout = {name: 3 * value for name, value in readout.items()}
        calls.append(call(params, readout, rng.integers(0, K, size=B), steps + 10))
    return calls


def _generate(params, readout, start, steps):
    letters, hidden = readout["weight"].shape
    written = [start]
    state = None
    for _ in range(steps):
        x = (np.arange(letters) == written[-1][:, None]).astype(np.float64)
        h, state = step(RNN(letters, hidden), params, x, state)
        written.append(linear(readout, h).argmax(axis=-1))
    return np.array(written[1:])


TASKS = (
    Task(
        cell="ps1-step",
        points=2,
        function="one_step",
        calls=_step_calls,
        reference=_step,
        without=OWN,
        message="Check the transposes with B, I and H all different; both biases act.",
    ),
    Task(
        cell="ps1-forward",
        points=4,
        function="forward",
        calls=_forward_calls,
        reference=_forward,
        without=OWN,
        message="Try an initial state that is not zero; the first row is the state after one step.",
    ),
    Task(
        cell="ps1-count",
        points=2,
        function="count",
        calls=_count_calls,
        reference=_count,
        without=OWN,
        message="List every array with its shape, as lecture 3 does, and count both biases.",
    ),
    Task(
        cell="ps1-logsoftmax",
        points=3,
        function="log_probabilities",
        calls=_scores,
        reference=log_softmax,
        without=OWN,
        message="Each row is shifted by its own maximum, along the last axis.",
    ),
    Task(
        cell="ps1-last",
        points=3,
        function="last_states",
        calls=_last_calls,
        reference=_last_states,
        without=OWN,
        message="A sequence of length n ends at index n - 1, each at its own.",
    ),
    Task(
        cell="ps1-mean",
        points=2,
        function="mean_loss",
        calls=_mean_calls,
        reference=_mean_loss,
        without=OWN,
        message="Sum the valid losses of the whole batch, divide once by their number.",
    ),
    Task(
        cell="ps1-generate",
        points=4,
        function="generate",
        calls=_generate_calls,
        reference=_generate,
        message="The state goes from step to step, and the letter chosen is the next input.",
    ),
)

RUBRIC = {
    "ps1-wirings": (
        ("(a) tagging (many to many, equal length), because there is an answer at every step", 1),
        ("(b) many to one, because one answer belongs to the whole input", 1),
        ("(c) encoder and decoder, because lengths (or word order) differ", 1),
    ),
    "ps1-sharing": (
        ("50 times the cell's parameters (or 50 times U, W and b; the readout apart)", 1),
        ("any length, or what is learned at one step serves at every step", 1),
    ),
}

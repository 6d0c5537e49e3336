"""Measure who remembers how far, the long run of lecture 15: ``make record TABLES=memory-adding``.

Four tasks, three or four lengths each.  Every net has at most as many numbers as `BUDGET` says,
tries every setting once on a tuning seed (two learning rates, or two spectral radii for an
echo-state net) and is then trained afresh on three other seeds.  Reported is the share of what a
net can gain at all: 0 for the best answer without a net, 1 for the best answer there is.

The functions from `adding_score` to `echo` are those of the lecture, which compares their text.
"""

from functools import partial
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from table import summary, write_table
from tqdm import tqdm

from rnncore import (
    GRU,
    LSTM,
    RNN,
    Adam,
    Clockwork,
    Readout,
    cross_entropy,
    identity,
    orthogonal,
    scan,
    size_within,
    squared_error,
    train,
    tune,
)
from rnncore.data import adding_problem, copy_memory, temporal_order, two_lag, two_lag_entropy

BUDGET, BATCH, UPDATES = 3000, 32, 800
LENGTHS = (10, 20, 50, 100)
BACK = (8, 16, 32)
RATES, RADII = (0.003, 0.01), (0.9, 1.0)
TUNING, SEEDS = (0,), (1, 2, 3)
COMMAND = "make record TABLES=memory-adding"


class Task(NamedTuple):
    """A benchmark: how to draw it, its sizes, its loss, when it is solved, how it is judged."""

    draw: Any
    inputs: int
    outputs: int
    last: bool
    loss: Any
    solved: float
    score: Any


def adding_score(os, ys):
    """Share of the variance of the sum, 1/6, that is explained."""
    return 1 - 6 * np.mean((os - ys) ** 2)


def above_chance(right, classes):
    """Accuracy, rescaled to 0 for guessing and 1 for always right."""
    return (np.mean(right) - 1 / classes) / (1 - 1 / classes)


def order_score(os, ys):
    return above_chance(os.argmax(-1) == ys, 4)


def copying_score(os, ys):
    """Which of the eight symbols, in the last ten steps; the blank is no answer."""
    return above_chance(os[-10:, :, 1:].argmax(-1) + 1 == ys[-10:], 8)


def two_lag_score(os, ys, known):
    """Share of the way from the entropy of no memory to that of both lags."""
    worst, best = two_lag_entropy(False, False), two_lag_entropy()
    return (worst - cross_entropy(os, ys, known)[0]) / (worst - best)


def draw_two_lag(rng, b, B):
    """Lags 3b/8 and b; the first b of 2b steps are not judged."""
    xs, ys = two_lag(rng, 2 * b, B, (3 * b // 8, b))
    return xs, ys, np.arange(2 * b)[:, None] >= np.full(B, b)


def build(name, task, budget):
    """The largest net of a kind that the budget allows."""
    periods = (1, 2, 4, 8, 16, 32)
    cells = {"IRNN": partial(RNN, nonlinearity="relu"), "GRU": GRU}
    cells |= {"LSTM": LSTM, "LSTM, slow": LSTM}
    cells["Clockwork"] = partial(Clockwork, periods=periods)
    cell = cells.get(name, RNN)

    def make(H):
        return Readout(cell(task.inputs, H), task.outputs, task.last)

    return size_within(budget, make, len(periods) if name == "Clockwork" else 1)


def start(name, net, rng, T):
    """Initial parameters: the package's, but for the four kinds of net below."""
    params, H = net.init(rng), net.model.output_size
    if name in ("IRNN", "LSTM", "LSTM, slow", "GRU"):
        params |= {key: 0 * params[key] for key in ("rnn.bias_ih", "rnn.bias_hh")}
    if name == "IRNN":
        U = 0.1 * rng.standard_normal((H, net.model.input_size), np.float32)
        params |= {"rnn.weight_ih": U, "rnn.weight_hh": identity((H, H))}
    elif name == "LSTM, slow":
        slow = np.log(rng.uniform(1, T, H)).astype(np.float32)
        params["rnn.bias_ih"][: 2 * H] = np.concatenate([-slow, slow])
    elif name in ("LSTM", "GRU"):
        params["rnn.bias_ih"][H : 2 * H] = 1
    return params


def learn(name, task, T, rate, seed, budget, updates):
    """Train a net until the task is solved; return score, parameters, losses."""
    rng, losses = np.random.default_rng(seed), []
    net = build(name, task, budget)
    params, f = start(name, net, rng, T), net.loss_and_grads(task.loss)
    batches = (task.draw(rng, T, BATCH) for _ in range(updates))
    try:
        for now in train(f, params, batches, Adam(rate), clip=1.0):
            params = now.params
            losses.append(now.loss)
            if len(losses) >= 50 and np.mean(losses[-50:]) < task.solved:
                break
    except FloatingPointError:
        losses.append(np.nan)
    xs, *ys = task.draw(rng, T, 500)
    return task.score(net.outputs(params, xs)[0], *ys), params, losses


def reservoir(rng, inputs, H, radius, scale=0.01):
    """Parameters of an RNN that is never trained: W is orthogonal times `radius`."""
    U = scale * rng.choice([-1.0, 1.0], (H, inputs))
    W, zero = radius * orthogonal(rng, (H, H), dtype=float), np.zeros(H)
    return {"weight_ih": U, "weight_hh": W, "bias_ih": zero, "bias_hh": zero}


def states(params, xs, last):
    """States with a 1 appended: all of them, or those of the last step."""
    H, inputs = params["weight_ih"].shape
    hs = scan(RNN(inputs, H), params, xs.astype(float), keep=False)[0]
    hs = np.concatenate([hs, np.ones_like(hs[..., :1])], axis=2)
    return hs[-1] if last else hs


def fit(params, task, T, rng, batches=20, penalty=1e-9):
    """The readout by ridge regression, from sums over batches of 100."""
    FF, FY = 0.0, 0.0
    for _ in range(batches):
        xs, ys, *known = task.draw(rng, T, 100)
        where = known[0] if known else ...
        F = states(params, xs, task.last)[where]
        Y = ys if task.outputs == 1 else np.eye(task.outputs)[ys[where]]
        F, Y = F.reshape(-1, F.shape[-1]), Y.reshape(-1, task.outputs)
        FF, FY = FF + F.T @ F, FY + F.T @ Y
    r = penalty * np.trace(FF) / len(FF)
    return np.linalg.solve(FF + r * np.eye(len(FF)), FY)


def echo(task, T, H, radius, seed):
    """Score of an echo-state net: a reservoir and a fitted readout."""
    rng = np.random.default_rng(seed)
    params = reservoir(rng, task.inputs, H, radius)
    V = fit(params, task, T, rng)
    xs, *ys = task.draw(rng, T, 500)
    os = states(params, xs, task.last) @ V
    if task.outputs > 1:
        os = np.log(np.clip(os, 1e-3, 1))
    return task.score(os, *ys)


TASKS = {
    "adding": Task(adding_problem, 2, 1, True, squared_error, 0.02 / 12, adding_score),
    "order": Task(temporal_order, 8, 4, True, cross_entropy, 0.02 * np.log(4), order_score),
    "copying": Task(copy_memory, 10, 9, False, cross_entropy, 0.002, copying_score),
    "two-lag": Task(draw_two_lag, 1, 2, False, cross_entropy, 0.458, two_lag_score),
}
TABLES = {
    "adding": "memory-adding",
    "order": "memory-order",
    "copying": "memory-copying",
    "two-lag": "memory-two-lag",
}
NETS = ("RNN", "IRNN", "LSTM", "LSTM, slow", "GRU", "Clockwork")


def trained(name, task, T):
    """One cell of a table: scores of a trained net, and its rate."""

    def run(rate, seed):
        return 1 - learn(name, task, T, rate, seed, BUDGET, UPDATES)[0]

    rate, errors = tune(run, RATES, TUNING, SEEDS)
    return f"{summary(1 - errors)}, {rate}"


def untrained(task, T, H):
    """The same for an echo-state net, and its spectral radius."""

    def run(radius, seed):
        return 1 - echo(task, T, H, radius, seed)

    radius, errors = tune(run, RADII, TUNING, SEEDS)
    return f"{summary(1 - errors)}, {radius}"


def rows(task, lengths, bar):
    """All nets on one task."""
    for name in NETS:
        net = build(name, task, BUDGET)
        row = [name, net.model.output_size, f"{net.count():,}"]
        for T in lengths:
            row.append(trained(name, task, T))
            bar.update()
        yield row
    for H in (build("RNN", task, BUDGET).model.output_size, 300):
        row = [f"Echo, {H} units", H, f"{(H + 1) * task.outputs:,}"]
        for T in lengths:
            row.append(untrained(task, T, H))
            bar.update()
        yield row


def main():
    """Write the four tables."""
    lengths_of = {name: BACK if name == "two-lag" else LENGTHS for name in TASKS}
    bar = tqdm(total=sum(map(len, lengths_of.values())) * (len(NETS) + 2))
    for name, task in TASKS.items():
        bar.set_description(name)
        begin, lengths = process_time(), lengths_of[name]
        found = list(rows(task, lengths, bar))
        letter = {"two-lag": "b", "copying": "delay"}.get(name, "T")
        print(
            write_table(
                TABLES[name],
                ["net", "units", "numbers trained", *(f"{letter} = {T}" for T in lengths)],
                found,
                command=COMMAND,
                seeds="0 for tuning, 1 to 3 for the report",
                note="Share of the possible gain, 0 to 1: median of three seeds "
                "(smallest–largest), then the learning rate (echo: the spectral radius) "
                f"chosen of two. At most {UPDATES} updates of {BATCH} sequences. "
                "The whole table took "
                f"{process_time() - begin:.0f} s.",
            )
        )


if __name__ == "__main__":
    main()

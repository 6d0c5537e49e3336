"""Problem set 4: hidden tests and rubric.

Two directions, several layers, several clocks, and a classifier that reads its states at the wrong
step.  References are twins where there is one: `rnncore`'s bidirectional net and Clockwork net, a
stack for the deep gradient, and for the repaired classifier the final states that `scan` hands out.
"""

import numpy as np

from grading.task import Task, call
from rnncore import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Clockwork,
    Stack,
    bptt,
    count_parameters,
    cross_entropy,
    init_linear,
    join,
    linear,
    linear_backward,
    part,
    scan,
)


def _sizes(rng, n=4, low=2, high=7):
    """Draw n different sizes, so that a transposed shape is noticed."""
    return [int(k) for k in rng.permutation(np.arange(low, high + 1))[:n]]


def _lengths(rng, T, B):
    """Draw lengths from 1 to T: one of them T, one shorter."""
    lengths = rng.integers(1, T + 1, B)
    lengths[0], lengths[-1] = T, rng.integers(1, T)
    return rng.permutation(lengths)


# Task 1: turn
def _turn_calls(rng):
    calls = []
    for _ in range(4):
        T, B, features = _sizes(rng, 3)
        calls.append(call(rng.normal(size=(T, B, features)), _lengths(rng, T, B)))
    return calls


def _turn(xs, lengths):
    turned = xs.copy()
    for b, n in enumerate(lengths):
        turned[:n, b] = xs[:n, b][::-1]
    return turned


# Task 2: read_both
def _reader(rng, inputs, units):
    shapes = {"U": (units, inputs), "W": (units, units), "b": (units,)}
    return {key: rng.normal(size=shape) for key, shape in shapes.items()}


def _read_calls(rng):
    calls = []
    for _ in range(3):
        T, B, inputs, units = _sizes(rng)
        readers = _reader(rng, inputs, units), _reader(rng, inputs, units)
        calls.append(call(*readers, rng.normal(size=(T, B, inputs)), _lengths(rng, T, B)))
    return calls


def _read(ahead, back, xs, lengths):
    """Outputs and final states, by rnncore."""
    units, inputs = ahead["U"].shape
    params = {}
    for side, P in (("", ahead), ("_reverse", back)):
        params |= {f"weight_ih_l0{side}": P["U"], f"weight_hh_l0{side}": P["W"]}
        params |= {f"bias_ih_l0{side}": P["b"], f"bias_hh_l0{side}": np.zeros(units)}
    model = Bidirectional(RNN(inputs, units))
    ys, ((first,), (second,)), _ = scan(model, params, xs, lengths=lengths)
    return ys, np.concatenate([first, second], axis=1)


def _one_of_two(k):
    return (
        "def answer(student, *args):\n"
        "    both = student.read_both(*args)\n"
        "    if not isinstance(both, (tuple, list)) or len(both) != 2:\n"
        "        raise TypeError('read_both should return two arrays, ys and r')\n"
        f"    return both[{k}]\n"
    )


# Task 3: count
CELLS = {1: RNN, 3: GRU, 4: LSTM}


def _count_calls(rng):
    calls = []
    for directions in (1, 2):
        for gates in CELLS:
            inputs, units = _sizes(rng, 2, 3, 40)
            calls.append(call(inputs, units, int(rng.integers(2, 6)), gates, directions))
    return calls


def _count(inputs, units, layers, gates, directions):
    widths = [inputs, *[directions * units] * (layers - 1)]
    cells = [CELLS[gates](width, units) for width in widths]
    nets = [cell if directions == 1 else Bidirectional(cell) for cell in cells]
    return sum(count_parameters(Stack(tuple(nets))).values())


# Task 4: two_layers_backward
def _deep_calls(rng):
    calls = []
    for _ in range(3):
        T, B, inputs, first, second, outputs = _sizes(rng, 6)
        shapes = {"U1": (first, inputs), "W1": (first, first), "b1": (first,)}
        shapes |= {"U2": (second, first), "W2": (second, second), "b2": (second,)}
        shapes |= {"V1": (outputs, first), "V2": (outputs, second), "c": (outputs,)}
        P = {key: rng.normal(size=shape) / 2 for key, shape in shapes.items()}
        xs, dos = rng.normal(size=(T, B, inputs)), rng.normal(size=(T, B, outputs))
        hs1 = _states(P, xs, "1")
        hs2 = _states(P, hs1[1:], "2")
        calls.append(call(P, xs, hs1, hs2, dos))
    return calls


def _layer(P, layer):
    """Cell and parameters of one of the layers."""
    units, inputs = P[f"U{layer}"].shape
    params = {"weight_ih": P[f"U{layer}"], "weight_hh": P[f"W{layer}"]}
    return RNN(inputs, units), params | {
        "bias_ih": P[f"b{layer}"],
        "bias_hh": np.zeros(units),
    }


def _states(P, xs, layer):
    hs, _, _ = scan(*_layer(P, layer), xs)
    return np.concatenate([np.zeros_like(hs[:1]), hs])


def _deep(P, xs, hs1, hs2, dos):
    """The two layers one after the other, by rnncore."""
    grads = {"c": dos.sum((0, 1))}
    for layer, hs in (("1", hs1), ("2", hs2)):
        grads[f"V{layer}"] = np.tensordot(dos, hs[1:], ((0, 1), (0, 1)))
    from_above = 0.0
    for layer, below in (("2", hs1[1:]), ("1", xs)):
        cell, params = _layer(P, layer)
        _, _, cache = scan(cell, params, np.ascontiguousarray(below))
        from_above, _, g = bptt(cell, params, dos @ P[f"V{layer}"] + from_above, cache)
        grads |= {f"U{layer}": g["weight_ih"], f"W{layer}": g["weight_hh"]}
        grads[f"b{layer}"] = g["bias_ih"]
    return from_above, grads


# Task 5: clockwork
def _clockwork_calls(rng):
    calls = []
    for periods in ((1, 2, 4), (1, 3), (2, 3, 5)):
        T, B, inputs, k = (*_sizes(rng, 2, 6, 9), *_sizes(rng, 2, 2, 4))
        n = k * len(periods)
        P = {"U": rng.normal(size=(n, inputs)), "W": rng.normal(size=(n, n))}
        P["b"] = rng.normal(size=n)
        start = int(rng.integers(0, 4)) * 4 + 3
        xs, h = rng.normal(size=(T, B, inputs)), np.tanh(rng.normal(size=(B, n)))
        calls.append(call(P, xs, h, periods, start))
        calls.append(call(P, xs, h, periods, 0))
    return calls


def _clockwork(P, xs, h, periods, start=0):
    model = Clockwork(xs.shape[2], h.shape[1], tuple(periods))
    params = {"weight_ih": P["U"], "weight_hh": P["W"] * model.live, "bias_ih": P["b"]}
    params["bias_hh"] = np.zeros_like(P["b"])
    hs, _, _ = scan(model, params, xs, (h, start))
    return np.concatenate([h[None], hs])


# Task 6: heard
def _heard_calls(rng):
    periods = [(1, 2, 4, 8), (2, 3, 5), (3, 4, 6, 7)]
    periods.append(tuple(int(p) for p in np.sort(rng.permutation(np.arange(1, 10))[:4])))
    return [call(p, int(rng.integers(15, 30))) for p in periods] + [call((2, 5), 6)]


def _heard(periods, T):
    """Follow what every module knows, step by step."""
    known = np.zeros((len(periods), T), bool)
    for t in range(T):
        before = known.copy()
        for i, period in enumerate(periods):
            if t % period == 0:
                known[i] = before[i:].any(axis=0)
                known[i, t] = True
    return known


# Task 7: repaired
SYMBOLS, UNITS, CLASSES = 6, 8, 4


def _classifier_calls(equal):
    def calls(rng):
        made = []
        for _ in range(3):
            T, B = _sizes(rng, 2, 4, 9)
            net = Bidirectional(RNN(SYMBOLS, UNITS)).init(rng, np.float64)
            params = join(rnn=net, out=init_linear(rng, 2 * UNITS, CLASSES, np.float64))
            lengths = np.full(B, T) if equal else _lengths(rng, T, B)
            xs = np.eye(SYMBOLS)[rng.integers(0, SYMBOLS, (T, B))]
            xs = xs * (np.arange(T)[:, None] < lengths)[..., None]
            made.append(call(params, xs, lengths, rng.integers(0, CLASSES, B)))
        return made

    return calls


def _classifier(params, xs, lengths, labels):
    """Read the final states that scan returns, and send their gradient back as such."""
    net, rnn, out = Bidirectional(RNN(SYMBOLS, UNITS)), part(params, "rnn"), part(params, "out")
    ys, ((first,), (second,)), cache = scan(net, rnn, xs, lengths=lengths)
    r = np.concatenate([first, second], axis=1)
    loss, dlogits = cross_entropy(linear(out, r), labels)
    dr, dout = linear_backward(out, r, dlogits)
    dstate = tuple((np.ascontiguousarray(d),) for d in np.split(dr, 2, axis=1))
    _, _, drnn = bptt(net, rnn, np.zeros_like(ys), cache, dstate)
    return loss, join(rnn=drnn, out=dout)


def _loss_or_grads(k):
    return (
        "def answer(student, *args):\n"
        "    both = student.repaired(*args)\n"
        "    if not isinstance(both, (tuple, list)) or len(both) != 2:\n"
        "        raise TypeError('repaired should return the loss and a dict of gradients')\n"
        f"    return both[{k}]\n"
    )


TASKS = (
    Task(
        cell="ps4-turn",
        points=2,
        function="turn",
        calls=_turn_calls,
        reference=_turn,
        message="Step t of a sequence of length n goes to place n - 1 - t; the padding stays where "
        "it is, and the argument stays as it was.",
    ),
    Task(
        cell="ps4-read-both",
        points=2,
        function="read_both",
        calls=_read_calls,
        reference=lambda *args: _read(*args)[0],
        wrap=_one_of_two(0),
        without=("scan", "step"),
        message="Look at a sequence that is shorter than the batch: the second reader must start "
        "from zero at its last valid step, and outputs in the padding are zero.",
    ),
    Task(
        cell="ps4-final-states",
        points=1,
        function="read_both",
        calls=_read_calls,
        reference=lambda *args: _read(*args)[1],
        wrap=_one_of_two(1),
        without=("scan", "step"),
        message="Each reader's final state stands where this reader has read everything: the first "
        "one's at the last valid step, the second one's at the first step.",
    ),
    Task(
        cell="ps4-count",
        points=2,
        function="count",
        calls=_count_calls,
        reference=_count,
        without=("count_parameters",),
        message="Each direction of each layer has an input matrix as wide as what it reads, a "
        "square recurrent matrix and two biases, once for every gate.",
    ),
    Task(
        cell="ps4-two-layers-backward",
        points=5,
        function="two_layers_backward",
        calls=_deep_calls,
        reference=_deep,
        without=("bptt", "rtrl"),
        message="A state of the first layer is used in its output, in the second layer and in its "
        "own next step; a parameter is used at every step, by every sequence.",
    ),
    Task(
        cell="ps4-clockwork",
        points=3,
        function="clockwork",
        calls=_clockwork_calls,
        reference=_clockwork,
        without=("scan", "step", "Clockwork"),
        message="Count steps from start; a module that runs reads its own and slower modules "
        "before the step; one that rests keeps its state.",
    ),
    Task(
        cell="ps4-heard",
        points=3,
        function="heard",
        calls=_heard_calls,
        reference=_heard,
        without=("scan", "bptt", "Clockwork", "rtrl"),
        message="An input enters the modules that run at its step. From there it can go to faster "
        "ones, if these run once more before the end.",
    ),
    Task(
        cell="ps4-equal-lengths",
        points=2,
        function="repaired",
        calls=_classifier_calls(equal=True),
        reference=lambda *args: _classifier(*args)[0],
        wrap=_loss_or_grads(0),
        message="With one of the readers silent, does the loss notice every step?",
    ),
    Task(
        cell="ps4-unequal-lengths",
        points=2,
        function="repaired",
        calls=_classifier_calls(equal=False),
        reference=lambda *args: _classifier(*args)[0],
        wrap=_loss_or_grads(0),
        message="The loss of a batch should be the mean of the losses of its sequences run alone.",
    ),
    Task(
        cell="ps4-repaired-gradients",
        points=2,
        function="repaired",
        calls=_classifier_calls(equal=False),
        reference=lambda *args: _classifier(*args)[1],
        wrap=_loss_or_grads(1),
        message="The gradient has to go back to the places from which the answer was read.",
    ),
)

RUBRIC = {
    "ps4-explain": (
        ("1: in a full sequence the backward half has read the last symbol only", 1),
        ("1: in a shorter one the last row is padding, zeros; most are shorter, hence guessing", 1),
        ("2: loss and gradient agree with each other; both belong to the wrong loss", 1),
        ("2: a test that fails: alone against in the batch, or a reader silenced", 1),
        ("3: the forward half is repaired; the last of two bits is known, hence one half", 1),
        ("3: short sequences fit into the forward memory; the second direction adds nothing", 1),
    ),
}

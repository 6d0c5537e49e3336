"""Write the tables of ``book/models.md``: every cell and model at a glance, counted by ``rnncore``.

Run it after a change of the package: ``python book/programs/models_page.py``.  A test compares the
page with what this program would write.
"""

import re
from typing import Any, NamedTuple

import numpy as np
from table import ROOT, replace

from rnncore import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Clockwork,
    Jordan,
    Stack,
    count_parameters,
    scan,
)

PAGE = ROOT / "book" / "models.md"
I = H = 128
T, B = 8, 2


class Entry(NamedTuple):
    """A row: the model at I = H = 128, its equation, its lecture and what it is for."""

    name: str
    model: Any
    lecture: str
    equation: str
    formula: str
    use: str


ENTRIES = (
    Entry(
        "RNN",
        RNN(I, H),
        "[3](sec-03-equations)",
        r"$h = \tanh(U x + W h' + b)$",
        "$H(I + H + 2)$",
        "lags are short, or as the baseline that every other net has to beat",
    ),
    Entry(
        "RNN, ReLU",
        RNN(I, H, nonlinearity="relu"),
        "[8](sec-08-init)",
        r"$h = \max(0, U x + W h' + b)$, $W$ started at the identity",
        "$H(I + H + 2)$",
        "something has to be counted or summed over many steps, and you clip gradients",
    ),
    Entry(
        "Jordan",
        Jordan(I, H, H),
        "[3](sec-03-jordan)",
        r"$h = \tanh(U x + W o' + b)$, $o = V h + c$",
        "$H(I + O + 1) + O(H + 1)$",
        "the outputs of the steps before are all that matters; it remembers nothing else",
    ),
    Entry(
        "LSTM",
        LSTM(I, H),
        "[10](sec-10-equations)",
        r"$c = f \odot c' + i \odot g$, $h = o \odot \tanh c$",
        "$4H(I + H + 2)$",
        "lags are long and you can choose the forget bias for them",
    ),
    Entry(
        "GRU",
        GRU(I, H),
        "[11](sec-11-equations)",
        r"$h = z \odot h' + (1 - z) \odot n$, $n$ sees $r \odot (W_n h' + b'_n)$",
        "$3H(I + H + 2)$",
        "you want gates without tuning; often the safest first choice",
    ),
    Entry(
        "GRU, reset before",
        GRU(I, H, reset_after=False),
        "[11](sec-11-sides)",
        r"the same, $n$ sees $W_n (r \odot h') + b'_n$",
        "$3H(I + H + 2)$",
        "weights come from a library that resets before the product",
    ),
    Entry(
        "Clockwork",
        Clockwork(I, H),
        "[14](sec-14-equations)",
        r"module $i$ is a simple RNN that runs when $T_i$ divides $t$",
        "$H(I + \\tfrac{H + k}{2} + 2)$",
        "a signal has several known time scales, and H is large",
    ),
    Entry(
        "Stack of two LSTMs",
        Stack((LSTM(I, H), LSTM(H, H))),
        "[13](sec-13-stack)",
        r"$h^{(l)} = \mathrm{cell}^{(l)}(h^{(l-1)}, h'^{(l)})$",
        "the sum over layers",
        "one layer has been tuned and more of the same does not help",
    ),
    Entry(
        "Bidirectional LSTM",
        Bidirectional(LSTM(I, H)),
        "[12](sec-12-net)",
        r"$y = [\overrightarrow h, \overleftarrow h]$",
        "twice the model's",
        "the whole sequence is there before the answer is due; never to forecast",
    ),
)


def arrays(tree: Any) -> list[np.ndarray]:
    """List the different arrays in a cache."""
    if isinstance(tree, np.ndarray):
        return [tree]
    if isinstance(tree, tuple | list):
        return [array for part in tree for array in arrays(part)]
    return []


def kept(model: Any) -> float:
    """Floats kept for the way back, inputs not counted, in units of T·B·H (for long sequences)."""
    sizes = []
    for steps in (T, 2 * T):
        xs = np.ones((steps, B, I), np.float32)
        _, _, cache = scan(model, model.init(np.random.default_rng(0)), xs)
        bases = {}
        for array in arrays(cache):
            base = array if array.base is None else array.base
            bases[id(base)] = 0 if np.shares_memory(base, xs) else base.size
        sizes.append(sum(bases.values()))
    return (sizes[1] - sizes[0]) / (T * B * H)


def active(model: Any) -> int:
    """Multiplications by weights in a step of one sequence: one for each live entry of a matrix.

    Of a Clockwork net, on average over its period: a module's rows of U when it runs, and its
    columns of W when its state changes.
    """
    counts = count_parameters(model)
    matrices = sum(n for key, n in counts.items() if key.startswith("weight"))
    if not isinstance(model, Clockwork):
        return matrices
    rate = 1 / np.repeat(model.periods, model.module_size)
    return round(float(rate @ (model.input_size + model.live.sum(axis=0))))


def state_size(model: Any) -> int:
    """Numbers in the state of one sequence."""

    def size(spec):
        if hasattr(spec, "sizes"):
            return int(np.prod(spec.sizes))
        return 0 if spec is int else sum(map(size, spec))

    return size(model.state_spec(1))


def tables() -> dict[str, str]:
    """Return both tables by name."""
    equations = ["| model | lecture | equation | use it when |", "|---|---|---|---|"]
    costs = [
        "| model | parameters | at $I = H = 128$ | multiplications a step | state | kept |",
        "|---|---|---|---|---|---|",
    ]
    for entry in ENTRIES:
        count = sum(count_parameters(entry.model).values())
        equations.append(f"| {entry.name} | {entry.lecture} | {entry.equation} | {entry.use} |")
        costs.append(
            f"| {entry.name} | {entry.formula} | {count:,} | {active(entry.model):,} "
            f"| {state_size(entry.model)} | {kept(entry.model):.0f} |"
        )
    return {"equations": "\n".join(equations), "costs": "\n".join(costs)}


def filled(text: str) -> str:
    """Put the tables between their markers."""
    for name, content in tables().items():
        pattern = rf"(<!-- begin {name} -->\n\n).*?(\n\n<!-- end {name} -->)"
        text, found = re.subn(pattern, lambda m, c=content: m[1] + c + m[2], text, flags=re.S)
        if found != 1:
            raise ValueError(f"{PAGE.name}: expected one pair of markers for {name}, got {found}")
    return text


if __name__ == "__main__":
    replace(PAGE, filled(PAGE.read_text(encoding="utf-8")))

"""Time the package against torch and against the products it cannot do without: ``make bench``.

One thread, float32, forward and backward pass, buffers made afresh in every call.  The contestants
of a row take turns in one process, so that whatever slows the machine slows all of them, and the
medians are compared.  ``limit`` is a row's matrix products alone, in the shapes and the order of
the loop, with one tanh of the pre-activations: no NumPy code of this form can fall below it.

OpenBLAS chooses its kernels by the processor, and so do torch's libraries.  Both are left to do
so: an ``OPENBLAS_CORETYPE`` that the machine sets is taken away.  The ratios are then measured once
more with the narrower kernels of older processors, while torch keeps its own.
"""

import os
import subprocess
import sys
import tracemalloc
from time import perf_counter
from timeit import repeat, timeit

import numpy as np
import torch
from table import summary, write_table
from threadpoolctl import threadpool_info
from tqdm import tqdm

from rnncore import GRU, LSTM, RNN, Clockwork, bptt, rtrl, scan, to_torch

SIZES = (
    (28, 100, 28, 128),
    (100, 32, 64, 64),
    (100, 32, 128, 256),
    (400, 16, 32, 64),
    (50, 1, 16, 32),
    (35, 20, 200, 200),
)
LOOPS = {LSTM: torch.nn.LSTMCell, GRU: torch.nn.GRUCell, RNN: torch.nn.RNNCell}
SECONDS = 2.0
TURN = 0.005
NARROW = "Haswell"
CHOICES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
COMMAND = "make bench"


def take_turns(*contestants, seconds=SECONDS):
    """Return the times of a call of functions that run in turns, one row for each function.

    A turn is as many calls as fill `TURN` seconds, at least one.
    """
    times, calls = [[] for _ in contestants], []
    for run in contestants:
        run()
        calls.append(1 + int(TURN / min(repeat(run, number=1, repeat=3))))
    end = perf_counter() + seconds
    while perf_counter() < end or len(times[0]) < 5:
        for run, number, spent in zip(contestants, calls, times, strict=True):
            spent.append(timeit(run, number=number) / number)
    return np.array(times)


def ratio(ours, theirs, digits=2):
    """Ratio of the medians, and in brackets the middle half of the ratios turn by turn."""
    low, high = np.quantile(ours / theirs, (0.25, 0.75))
    middle = np.median(ours) / np.median(theirs)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ours(model, params, xs, dhs):
    """Forward and backward pass of the package."""

    def run():
        _, _, cache = scan(model, params, xs)
        bptt(model, params, dhs, cache)

    return run


def limit(cell, xs, dhs):
    """The matrix products of a cell's forward and backward pass, and one tanh."""
    (T, B, inputs), H, G = xs.shape, cell.hidden_size, cell.G
    rng = np.random.default_rng(0)
    U, W = (rng.normal(size=(G, n, H)).astype(np.float32) for n in (inputs, H))
    back_U, back_W = U.reshape(G * H, -1).copy(), W.reshape(G * H, H).copy()
    zh, dz = np.empty((G, B, H), np.float32), rng.normal(size=(T, B, G * H)).astype(np.float32)

    def run():
        np.tanh(np.matmul(xs.reshape(T * B, inputs), U))
        for h in dhs:
            np.matmul(h, W, zh)
        dh = np.empty((B, H), np.float32)
        for step in dz:
            np.matmul(step, back_W, dh)
        flat = dz.reshape(T * B, -1)
        return flat @ back_U, flat.T @ xs.reshape(T * B, inputs), flat.T @ dhs.reshape(T * B, H)

    return run


def torch_module(module, xs, dhs):
    """Forward and backward pass of a torch.nn module."""
    x, dy = torch.tensor(xs, requires_grad=True), torch.tensor(dhs)

    def run():
        module.zero_grad()
        x.grad = None
        module(x)[0].backward(dy)

    return run


def torch_loop(cell, params, xs, dhs):
    """Forward and backward pass of a loop over a torch cell."""
    module = LOOPS[type(cell)](cell.input_size, cell.hidden_size)
    module.load_state_dict({key: torch.tensor(value) for key, value in params.items()})
    x, dy = torch.tensor(xs, requires_grad=True), torch.tensor(dhs)

    def run():
        module.zero_grad()
        x.grad = None
        state, outputs = None, []
        for t in x:
            state = module(t, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        torch.stack(outputs).backward(dy)

    return run


def data(size, seed=0):
    """Inputs and output gradients of a size (T, B, I, H)."""
    (T, B, inputs, H), rng = size, np.random.default_rng(seed)
    return (rng.normal(size=(T, B, n)).astype(np.float32) for n in (inputs, H))


def cells():
    """Ratios of every cell at every size."""
    rows = []
    for kind in tqdm((LSTM, GRU, RNN), desc=kernel()):
        ratios = {"torch.nn": [], "cell loop": [], "limit": []}
        for size in tqdm(SIZES, desc=kind.__name__, leave=False):
            xs, dhs = data(size)
            cell = kind(*size[2:])
            params = cell.init(np.random.default_rng(0))
            mine, *others = take_turns(
                ours(cell, params, xs, dhs),
                torch_module(to_torch(cell, params), xs, dhs),
                torch_loop(cell, params, xs, dhs),
                limit(cell, xs, dhs),
            )
            for name, other in zip(ratios, others, strict=True):
                ratios[name].append(ratio(mine, other))
        rows += [(kind.__name__, f"to {name}", *values) for name, values in ratios.items()]
    return rows


def clockwork():
    """Ratio of a Clockwork net to a dense RNN of the package, at equal sizes."""
    rows = []
    for size in tqdm(
        ((100, 32, 64, 256), (100, 64, 64, 256), (100, 32, 64, 512)), desc="clockwork"
    ):
        xs, dhs = data(size)
        models = RNN(*size[2:]), Clockwork(*size[2:])
        params = [model.init(np.random.default_rng(0)) for model in models]
        runs = [ours(m, p, xs, dhs) for m, p in zip(models, params, strict=True)]
        dense, clocked = take_turns(*runs)
        rows.append(
            (
                str(size),
                f"{1e3 * np.median(dense):.1f}",
                f"{1e3 * np.median(clocked):.1f}",
                ratio(clocked, dense),
            )
        )
    return rows


def influence():
    """Ratio of RTRL's plain form to the structured one."""
    rows = []
    for kind, size in tqdm([(k, (20, 2, 8, 32)) for k in (RNN, LSTM, GRU)], desc="rtrl"):
        xs, dhs = data(size)
        cell = kind(*size[2:])
        args = cell, cell.init(np.random.default_rng(0)), xs, dhs
        fast, plain = take_turns(
            lambda args=args: rtrl(*args), lambda args=args: rtrl(*args, form="plain"), seconds=2
        )
        rows.append((kind.__name__, str(size), ratio(plain, fast, 1)))
    return rows


def length():
    """Time and memory per step as the sequence grows."""
    rows, cell = [], LSTM(16, 32)
    params = cell.init(np.random.default_rng(0))
    for T in tqdm((100, 1_000, 10_000), desc="length"):
        xs, dhs = data((T, 8, 16, 32))
        (times,) = take_turns(ours(cell, params, xs, dhs), seconds=1)
        tracemalloc.start()
        hs, _, cache = scan(cell, params, xs)
        kept = (cache.hs.nbytes + cache.saved.nbytes) / (hs.size * 4)
        del hs, cache
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        hs = scan(cell, params, xs, keep=False)[0]
        beside = (tracemalloc.get_traced_memory()[1] - before - hs.nbytes) / 1024
        tracemalloc.stop()
        rows.append((f"{T:,}", summary(1e6 * times / T, 1), f"{kept:.2f}", f"{beside:.0f}"))
    return rows


def kernel():
    """Name of OpenBLAS's kernels in use."""
    return next(i["architecture"] for i in threadpool_info() if i["internal_api"] == "openblas")


def measure_cells(name):
    """Write the table of ratios for the kernels in use."""
    print(
        write_table(
            name,
            ["cell", "ratio", *(str(size) for size in SIZES)],
            cells(),
            command=COMMAND,
            seeds=f"one, medians over {SECONDS:.0f} s of turns",
            note=f"Columns are (T, B, I, H); kernels of OpenBLAS: {kernel()}. Below 1 is faster. "
            "In brackets: the middle half of the ratios turn by turn.",
        )
    )


def measure():
    """Write every table for the kernels that OpenBLAS chooses by itself."""
    measure_cells("speed")
    tables = {
        "clockwork-speed": (["(T, B, I, H)", "dense RNN, ms", "Clockwork, ms", "ratio"], clockwork),
        "rtrl-speed": (["cell", "(T, B, I, H)", "plain einsum / structured"], influence),
        "length": (
            [
                "T",
                "µs a step",
                "floats kept for the way back / TBH",
                "KiB beside the outputs, keep=False",
            ],
            length,
        ),
    }
    for name, (header, rows) in tables.items():
        print(write_table(name, header, rows(), command=COMMAND, seeds="one, medians of turns"))


def main():
    """Measure in processes of their own, for OpenBLAS reads its settings when it is loaded."""
    torch.set_num_threads(1)
    if sys.argv[1:] == ["own"]:
        measure()
    elif sys.argv[1:] == ["narrow"]:
        measure_cells("speed-narrow-kernels")
    else:
        plain = {key: value for key, value in os.environ.items() if key not in CHOICES}
        for part, settings in (("own", {}), ("narrow", {CHOICES[0]: NARROW})):
            subprocess.run([sys.executable, __file__, part], env=plain | settings, check=True)


if __name__ == "__main__":
    main()

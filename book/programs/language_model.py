"""Character language models at full size, for lecture 17: ``RNNCORE_DATA=... make record``.

Four tables.  `language-models`: bits per character of the tables and of a NumPy LSTM on two books.
`language-kneser-ney`: Kneser and Ney's table of counts on the same texts.  `language-d2l`:
perplexity at the settings of Dive into Deep Learning, beside tables counted on the same text.
`language-distributed`: the loss curve of one process and of two, which torchrun starts.

A text is cut by position: the first 80 % to train on, then 10 % to choose by, the last 10 % to
report on.  Order and discount of the tables, and the update at which an LSTM is kept, are chosen on
the middle part; the last part is read once.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path
from time import perf_counter

import distributed_language_model as distributed
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from table import summary, write_table
from tqdm import tqdm

from rnncore import LSTM, RNN, SGD, Adam, Readout, cross_entropy, forget_bias, join, part, train
from rnncore.data import Vocabulary, load_text, one_hot, stream_batches

HIDDEN, BATCH, STEPS, RATE = 128, 8, 50, 0.01
TEXTS = {"timemachine": ("The Time Machine", 6), "tinyshakespeare": ("Tiny Shakespeare", 3)}
SEEDS = {"timemachine": (0, 1, 2), "tinyshakespeare": (0, 1)}
COMMAND = 'RNNCORE_DATA=... make record TABLES="language-models"'


def numbers(tokens, K, n):
    """Every stretch of n tokens, read as a number in base K."""
    return sliding_window_view(tokens, n) @ K ** np.arange(n)[::-1]


def fit_ngrams(tokens, K, order, distinct=False):
    """For n = 1 … order: n-grams and counts; contexts, totals and followers.

    With `distinct`, as Kneser and Ney count below the highest order: in how many contexts.
    """
    levels = []
    for n in range(1, order + 1):
        found = numbers(tokens, K, n)
        if distinct and n < order:
            found = np.unique(numbers(tokens, K, n + 1)) % K**n
        grams, counts = np.unique(found, return_counts=True)
        contexts, first = np.unique(grams // K, return_index=True)
        totals = np.add.reduceat(counts, first)
        followers = np.diff(first, append=len(grams))
        levels.append(((grams, counts), (contexts, totals), (contexts, followers)))
    return levels


def lookup(pair, wanted):
    """Values of the keys that are wanted; 0 where a key is missing."""
    keys, values = pair
    i = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[i] == wanted, values[i], 0)


def ngram_probability(levels, K, windows, discount=None):
    """P(last token | those before) of each row; None is Witten-Bell."""
    p = np.full(len(windows), 1 / K)
    for n, (grams, contexts, followers) in enumerate(levels, 1):
        gram = windows[:, -n:] @ K ** np.arange(n)[::-1]
        count, total = lookup(grams, gram), lookup(contexts, gram // K)
        kinds = lookup(followers, gram // K)
        if discount is None:
            taken, spread, whole = count, kinds, total + kinds
        else:
            taken = np.maximum(count - discount, 0)
            spread, whole = discount * kinds, total
        p = np.where(total > 0, (taken + spread * p) / np.maximum(whole, 1), p)
    return p


def ngram_bits(levels, K, tokens, discount):
    """Bits per character of a text, from its second character on."""
    order = len(levels)
    padded = np.concatenate([np.zeros(order - 1, int), tokens])
    windows = sliding_window_view(padded, order)[1:]
    return -np.log2(ngram_probability(levels, K, windows, discount)).mean()


def smoothed(known, check, held, K, order):
    """Bits on both held-out parts, and the discount that is best on the first."""
    levels = fit_ngrams(known, K, order)
    tried = {d: ngram_bits(levels, K, check, d) for d in (None, 0.5, 0.6, 0.7, 0.8, 0.9)}
    best = min(tried, key=tried.get)
    return tried[best], ngram_bits(levels, K, held, best), best


def bits(net, params, tokens):
    """Bits per character of a text, read in one go from a zero state."""
    total, state = 0.0, None
    for at in range(0, len(tokens) - 1, 5000):
        piece = tokens[at : at + 5001, None]
        scores, state = net.outputs(params, one_hot(piece[:-1], net.output_size), state)
        total += cross_entropy(scores, piece[1:], reduction="sum")[0]
    return total / np.log(2) / (len(tokens) - 1)


def open_gates(params):
    """An LSTM that starts with open forget gates."""
    return join(rnn=forget_bias(part(params, "rnn"), 1.0), out=part(params, "out"))


def learn(net, known, check, epochs, seed):
    """Train, and keep the parameters that are best on the text to choose by."""
    updates = epochs * ((len(known) - 1) // BATCH // STEPS)
    streams = chain.from_iterable(stream_batches(known, BATCH, STEPS) for _ in range(epochs))
    fed = ((one_hot(x, net.output_size), y) for x, y in streams)
    run = train(
        net.loss_and_grads(cross_entropy, stateful=True),
        open_gates(net.init(np.random.default_rng(seed))),
        fed,
        Adam(lambda n: RATE * (1 - n / (updates + 1))),
        clip=1.0,
    )
    kept, best, losses = None, np.inf, []
    for now in tqdm(run, total=updates):
        losses.append(now.loss)
        if (now.step + 1) % (updates // (2 * epochs)) == 0:
            found = bits(net, now.params, check)
            if found < best:
                kept, best = now.params, found
    return kept, best, np.mean(losses[-50:]) / np.log(2)


def three_parts(name):
    """Number of characters, and a text as numbers to count on, to choose by, to report on."""
    text = load_text(name)
    vocabulary = Vocabulary.from_text(text)
    tokens = vocabulary.encode(text)
    return len(vocabulary), np.split(tokens, [len(tokens) * 8 // 10, len(tokens) * 9 // 10])


def measure_texts():
    """Write the table of two books."""
    rows = []
    for name, (title, epochs) in TEXTS.items():
        K, (known, check, held) = three_parts(name)
        facts = f"{len(known) + len(check) + len(held):,} characters, {K} different"
        rows.append([title, "uniform", facts, f"{np.log2(K):.2f}", f"{np.log2(K):.2f}"])
        for order, label in ((1, "unigram"), (2, "bigram"), (5, "5-gram"), (None, "best n-gram")):
            tried = {
                n: smoothed(known, check, held, K, n)
                for n in ([order] if order else (3, 4, 5, 6, 7, 8))
            }
            n = min(tried, key=tried.get)
            at, on, discount = tried[n]
            how = "Witten–Bell" if discount is None else f"discount {discount}"
            rows.append([title, label, f"order {n}, {how}", f"{at:.3f}", f"{on:.3f}"])
        net, found, chosen, spent = Readout(LSTM(K, HIDDEN), K), [], [], []
        for seed in SEEDS[name]:
            start = perf_counter()
            params, at, _ = learn(net, known, check, epochs, seed)
            spent.append(perf_counter() - start)
            chosen.append(at)
            found.append(bits(net, params, held))
        facts = f"{net.count():,} numbers, {epochs} passes, {len(found)} seeds, "
        facts += f"{np.median(spent):.0f} s a run"
        rows.append([title, f"LSTM, {HIDDEN} units", facts, summary(chosen, 3), summary(found, 3)])
    note = (
        "Bits per character. Order, smoothing and the update at which an LSTM is kept were chosen "
    )
    note += f"on the validation text. LSTM: batches of {BATCH} rows and {STEPS} steps, the state "
    note += f"carried, forget gates opened at the start, Adam from {RATE} to 0 on a straight "
    note += "line, gradients clipped at 1."
    write_table(
        "language-models",
        ["text", "model", "size", "validation", "test"],
        rows,
        command=COMMAND,
        seeds="0 to 2 for The Time Machine, 0 and 1 for Tiny Shakespeare; median and range",
        note=note,
    )


def measure_kneser_ney():
    """Write the table of Kneser and Ney's counts on the two books."""
    rows, orders, discounts = [], (5, 6, 7, 8), (0.7, 0.8, 0.9, 0.95, 0.98)
    for name, (title, _) in TEXTS.items():
        K, (known, check, held) = three_parts(name)
        fitted = {n: fit_ngrams(known, K, n, distinct=True) for n in orders}
        tried = {
            (n, d): ngram_bits(levels, K, check, d)
            for n, levels in fitted.items()
            for d in discounts
        }
        n, d = min(tried, key=tried.get)
        found = tried[n, d], ngram_bits(fitted[n], K, held, d)
        rows.append([title, f"{len(known):,}", n, d, *(f"{x:.3f}" for x in found)])
    write_table(
        "language-kneser-ney",
        ["text", "characters to count", "order", "discount", "validation", "test"],
        rows,
        command=COMMAND,
        seeds="none, counting draws nothing",
        note="Bits per character, on the same three parts of each text. Order (5 to 8) and "
        "discount (0.7, 0.8, 0.9, 0.95, 0.98) were chosen on the validation text.",
    )


def windows_of(tokens, first, count, steps):
    """Overlapping windows of steps + 1 characters that begin at count places in a row."""
    return sliding_window_view(tokens, steps + 1)[first : first + count]


def perplexity(net, params, windows):
    """Exp of the mean loss over all steps of all windows, each read from a zero state."""
    xs = one_hot(windows[:, :-1].T, net.output_size)
    return np.exp(cross_entropy(net.outputs(params, xs)[0], windows[:, 1:].T)[0])


def ngram_perplexity(levels, K, windows):
    """The same for a table, whose context as well is what the window has shown so far."""
    logs = []
    for t in range(1, windows.shape[1]):
        n = min(len(levels), t + 1)
        logs.append(np.log(ngram_probability(levels[:n], K, windows[:, t + 1 - n : t + 1])))
    return np.exp(-np.mean(logs))


def learn_windows(net, windows, rate, epochs, seed):
    """Plain gradient descent on shuffled windows in batches of 1024, clipped at 1."""
    rng = np.random.default_rng(seed)
    params, K = net.init(rng), net.output_size
    orders = chain.from_iterable(
        np.array_split(rng.permutation(len(windows)), np.arange(1024, len(windows), 1024))
        for _ in range(epochs)
    )
    fed = ((one_hot(windows[i, :-1].T, K), windows[i, 1:].T) for i in orders)
    run = train(net.loss_and_grads(cross_entropy), params, fed, SGD(rate), clip=1.0)
    for now in tqdm(run, total=epochs * -(-len(windows) // 1024)):
        params = now.params
    return params


def measure_d2l():
    """Write the table of perplexities at another book's settings."""
    text = re.sub("[^A-Za-z]+", " ", load_text("timemachine")).lower()
    vocabulary = Vocabulary.from_text(text)
    K, tokens, rows = len(vocabulary), vocabulary.encode(text), []
    fit, val = windows_of(tokens, 0, 10_000, 32), windows_of(tokens, 10_000, 5_000, 32)
    known, held = tokens[:10_032], tokens[10_032:15_032]
    for n in (1, 2, 3, 4, 5):
        levels = fit_ngrams(known, K, n)
        found = [ngram_perplexity(levels, K, piece) for piece in (fit, val)]
        found.append(2 ** ngram_bits(levels, K, held, None))
        rows.append([f"{n}-gram, Witten–Bell", "–", *(f"{x:.2f}" for x in found)])
    for name, cell, rate, epochs in (("RNN", RNN, 1.0, 100), ("LSTM", LSTM, 4.0, 50)):
        net, found = Readout(cell(K, 32), K), []
        for seed in range(5):
            params = learn_windows(net, fit, rate, epochs, seed)
            found.append([perplexity(net, params, piece) for piece in (fit, val)])
            found[-1].append(2 ** bits(net, params, held))
        how = f"{net.count():,}, rate {rate:g}, {epochs} epochs"
        rows.append([f"{name}, 32 units", how, *(summary(x) for x in zip(*found, strict=True))])
    note = (
        "Perplexity by character over 27 characters: lower-case letters and the space. Nets learn "
        "from the 10,000 windows of 32 steps that begin at the first 10,000 characters, each read "
        "from a zero state, in batches of 1,024 by plain gradient descent, clipped at 1. Nets and "
        "tables are judged on these windows, on the next 5,000 windows, and, in the last column, "
        "on the 5,000 characters that follow the training text, read on from the first to the "
        "last. In a window a net starts from a zero state, and a table has for its context what "
        "the window has shown so far."
    )
    write_table(
        "language-d2l",
        ["model", "numbers and settings", "training", "validation", "validation, read on"],
        rows,
        command=COMMAND,
        seeds="0 to 4; median and range",
        note=note,
    )


def by_processes(count, folder, dtype="float64", *options):
    """Run the distributed program by one process, or by several under torchrun."""
    out = Path(folder) / f"{count}-{dtype}.json"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", f"--nproc_per_node={count}"]
    launch += ["--master_addr=127.0.0.1", f"--master_port={port}"]
    program = [distributed.__file__, "--dtype", dtype, "--out", str(out), *options]
    command = [sys.executable, *(launch if count > 1 else []), *program]
    subprocess.run(command, check=True, timeout=600)
    return json.loads(out.read_text(encoding="utf-8"))


def numpy_curve(options):
    """The same training by rnncore."""
    tokens, net, params = distributed.start(options)
    fed = distributed.batches(tokens, options)
    fed = ((one_hot(x, net.output_size, np.float64), y) for x, y in fed)
    function, start = net.loss_and_grads(cross_entropy, stateful=True), perf_counter()
    run = train(function, params, fed, Adam(options.rate), clip=options.clip)
    losses = [now.loss for now in run]
    return {"losses": losses, "seconds": perf_counter() - start}


def measure_distributed():
    """Write the table of loss curves by one process and by two."""
    options, rows, curves = distributed.parser().parse_args([]), [], {}
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("float64", "float32"):
            for count in (1, 2):
                curves[f"torch, {dtype}, {count} process{'es' * (count > 1)}"] = by_processes(
                    count, folder, dtype
                )
    curves["NumPy, float64, 1 process"] = numpy_curve(options)
    one = np.array(curves["torch, float64, 1 process"]["losses"])
    for name, found in curves.items():
        losses = np.array(found["losses"])
        rows.append(
            [name, f"{losses[0]:.4f}", f"{losses[-1]:.4f}", f"{np.abs(losses - one).max():.0e}"]
        )
    two = np.array(curves["torch, float64, 2 processes"]["losses"])
    assert np.abs(two - one).max() < 1e-9
    note = f"Loss in nats over {options.updates} updates of an LSTM with {options.hidden} units on "
    note += (
        f"The Time Machine; {options.batch} rows of {options.steps} steps, the state carried; two "
    )
    note += "processes have half of the rows each. Last column: largest distance of the loss curve "
    note += "from that of one process in float64."
    write_table(
        "language-distributed",
        ["run", "first loss", "last loss", "largest difference"],
        rows,
        command=COMMAND,
        seeds="one",
        note=note,
    )


def main():
    """Measure all four."""
    measure_distributed()
    measure_texts()
    measure_kneser_ney()
    measure_d2l()


if __name__ == "__main__":
    main()

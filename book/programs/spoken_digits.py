"""Recognise digits that people spoke, for lecture 20: ``make record TABLES=spoken-digits``.

600 recordings of the Free Spoken Digit Dataset, six speakers: once with takes 0 to 4 for testing
and the others for training, once with each speaker left out in turn, and once as strings of three
to five digits, recordings of one speaker joined with short silences, read with CTC.  Nets of equal
size.  The learning rate of each is chosen anew for each training set, on its takes 8 and 9 after
training on its other takes: a speaker who is left out has no part in the choice either.  Baselines
need no net: the nearest of ten mean templates, and the nearest training recording after time
warping; for strings, the latter for each piece after a cut at the silences.
"""

import numpy as np
from scipy import fft, signal
from table import write_table
from tqdm import tqdm

from rnncore import GRU, LSTM, Adam, Bidirectional, Readout, cross_entropy, size_within, train
from rnncore.ctc import ctc_loss, edit_distance, greedy_decode
from rnncore.data import load_spoken_digits

RATE, SIZE, HOP, BANDS = 8000, 256, 128, 20
BUDGET, RATES, SEEDS = 10_000, (0.003, 0.01), (1, 2, 3)
CELLS = {"GRU": GRU, "LSTM": LSTM}
UPDATES, BATCH = 300, 32
TAKES = range(5), range(5, 8), range(8, 10)  # for the strings: test, train and choose
HEAD = ["test", "model", "parameters", "error, % (range)", "seed by seed"]


def filters():
    """Triangles between points that lie evenly on the mel scale, (bands, frequencies)."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    f = fft.rfftfreq(SIZE, 1 / RATE)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((f - low) / (mid - low), (high - f) / (high - mid)))


def features(samples, bank=filters()):  # noqa: B008
    """Log-mel features (frames, bands), without their mean over time."""
    samples = np.pad(samples, (0, max(0, SIZE - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples / np.abs(samples).max(), SIZE)[::HOP]
    power = np.abs(fft.rfft(frames * signal.get_window("hann", SIZE))) ** 2
    e = np.log(power @ bank.T + 0.01)
    return ((e - e.mean(0)) / 3).astype(np.float32)


def padded(rows):
    """Features side by side (T, B, bands), and their lengths."""
    lengths = np.array([len(x) for x in rows])
    xs = np.zeros((lengths.max(), len(rows), BANDS), np.float32)
    for i, x in enumerate(rows):
        xs[: len(x), i] = x
    return xs, lengths


def stretched(x, steps=12):
    """Features at a fixed number of moments, one after another."""
    at = np.linspace(0, len(x) - 1, steps)
    low = np.minimum(at.astype(int), len(x) - 2)
    return (x[low] + (at - low)[:, None] * (x[low + 1] - x[low])).ravel()


def mean_templates(known, new):
    """Guess by the nearest of ten means."""
    rows, labels = np.array([stretched(x) for x, _ in known]), np.array([y for _, y in known])
    means = np.array([rows[labels == d].mean(0) for d in range(10)])
    return np.array([((means - stretched(x)) ** 2).sum(1).argmin() for x, _ in new])


def warped(known, new):
    """Guess by the nearest recording, after warping time: one sweep over all recordings at once."""
    xs, lengths = padded([x for x, _ in known])
    labels, found, rows = np.array([y for _, y in known]), [], np.arange(len(known))
    for x, _ in new:
        squares = (
            (x**2).sum(1)[:, None, None]
            + (xs**2).sum(2)
            - 2 * np.einsum("ik,jbk->ijb", x, xs, optimize=True)
        )
        cost = np.sqrt(np.maximum(squares, 0))
        before = np.full((len(xs) + 1, len(known)), np.inf)
        before[0] = 0
        for distances in cost:
            now = np.full_like(before, np.inf)
            reach = np.minimum(before[1:], before[:-1])
            for j, d in enumerate(distances):
                now[j + 1] = d + np.minimum(reach[j], now[j])
            before = now
        found.append(labels[(before[lengths, rows] / (len(x) + lengths)).argmin()])
    return np.array(found)


def learn(net, known, seed, rate):
    """Train a classifier that answers after the last frame."""
    rng = np.random.default_rng(seed)

    def batches():
        for _ in range(UPDATES):
            chosen = [known[i] for i in rng.integers(len(known), size=BATCH)]
            yield *padded([x for x, _ in chosen]), np.array([y for _, y in chosen])

    step = net.loss_and_grads(cross_entropy, padded=True)
    for now in train(step, net.init(rng), batches(), Adam(rate), clip=1.0):
        params = now.params
    return params


def error(net, params, new):
    """Share of wrong answers."""
    xs, lengths = padded([x for x, _ in new])
    guess = net.outputs(params, xs, lengths=lengths)[0].argmax(1)
    return 100 * np.mean(guess != [y for _, y in new])


def strings(recordings, count, rng):
    """Draw strings of three to five digits by one speaker: samples and labels."""
    speakers = sorted({r.speaker for r in recordings})
    by_speaker = {s: [r for r in recordings if r.speaker == s] for s in speakers}
    found = []
    for _ in range(count):
        chosen = by_speaker[speakers[rng.integers(len(speakers))]]
        parts, labels = [], []
        for i in rng.integers(len(chosen), size=rng.integers(3, 6)):
            sound = chosen[i].samples / np.abs(chosen[i].samples).max()
            parts += [sound, np.zeros(int(RATE * rng.uniform(0.04, 0.12)), np.float32)]
            labels.append(chosen[i].digit)
        found.append((np.concatenate(parts), labels))
    return found


def heard(drawn):
    """Strings as a net gets them: features and labels."""
    return [(features(samples), labels) for samples, labels in drawn]


def pieces(samples, least=int(0.04 * RATE)):
    """Cut where at least 40 ms are exactly zero, as between the joined recordings."""
    sound = np.flatnonzero(samples)
    parts = np.split(sound, np.flatnonzero(np.diff(sound) > least) + 1)
    return [samples[part[0] : part[-1] + 1] for part in parts]


def edits(said, new):
    """Edits for each true label, in per cent."""
    total = sum(edit_distance(guess, y) for guess, (_, y) in zip(said, new, strict=True))
    return 100 * total / sum(len(y) for _, y in new)


def cut_up(known, drawn):
    """Label error rate without a net: each piece by the nearest recording after warping time."""
    cut = [[(features(piece), 0) for piece in pieces(samples)] for samples, _ in drawn]
    assert all(len(parts) == len(y) for parts, (_, y) in zip(cut, drawn, strict=True))
    guesses = iter(warped(known, [piece for parts in cut for piece in parts]))
    return edits([[next(guesses) for _ in parts] for parts in cut], drawn)


def learn_strings(net, known, seed, rate, updates):
    """Train a net with CTC."""
    rng = np.random.default_rng(seed)

    def batches():
        for _ in range(updates):
            chosen = [known[i] for i in rng.integers(len(known), size=16)]
            xs, lengths = padded([x for x, _ in chosen])
            counts = np.array([len(y) for _, y in chosen])
            targets = np.ones((16, counts.max()), int)
            for row, (_, y) in zip(targets, chosen, strict=True):
                row[: len(y)] = np.array(y) + 1
            yield xs, lengths, targets, lengths, counts

    step = net.loss_and_grads(ctc_loss, padded=True)
    for now in train(step, net.init(rng), batches(), Adam(rate), clip=5.0):
        params = now.params
    return params


def label_errors(net, params, new):
    """Label error rate of the greedy answers."""
    xs, lengths = padded([x for x, _ in new])
    said = greedy_decode(net.outputs(params, xs, lengths=lengths)[0], lengths)
    return edits([[k - 1 for k in guess] for guess in said], new)


def split(data, left):
    """Pairs to train on and to test on, and to choose a rate: those to train on, split by take."""
    known, new = [[d for r, d in data if left(r) == out] for out in (False, True)]
    early, late = [
        [d for r, d in data if not left(r) and (r.take > 7) == last] for last in (False, True)
    ]
    return known, new, early, late


def written(test, model, count, values):
    """Row of the table."""
    if len(values) == 1:
        return test, model, count, f"{values[0]:.1f}", ""
    middle = f"{np.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"
    return test, model, count, middle, " ".join(f"{v:.1f}" for v in values)


def measure_words(data, test, tests):
    """Rows of the table for single digits: the mean over some splits."""
    splits, rows = [split(data, left) for left in tests], []
    for name, guess in (("nearest mean", mean_templates), ("nearest, warped", warped)):
        wrong = [100 * np.mean(guess(a, b) != [y for _, y in b]) for a, b, *_ in tqdm(splits)]
        rows.append(written(test, name, "–", [np.mean(wrong)]))
        print(rows[-1], np.round(wrong, 1), flush=True)
    for name, cell in CELLS.items():
        net = size_within(BUDGET, lambda H, cell=cell: Readout(cell(BANDS, H), 10, last=True))
        rates, found = [], []
        for _, _, early, late in tqdm(splits):
            tried = {rate: error(net, learn(net, early, 0, rate), late) for rate in RATES}
            rates.append(min(RATES, key=tried.get))
        for seed in tqdm(SEEDS):
            pairs = zip(splits, rates, strict=True)
            wrong = [error(net, learn(net, s[0], seed, rate), s[1]) for s, rate in pairs]
            found.append(np.mean(wrong))
            print(test, name, rates, np.round(wrong, 1), flush=True)
        chosen = " or ".join(f"{rate}" for rate in sorted(set(rates)))
        rows.append(written(test, f"{name}, Adam {chosen}", f"{net.count():,}", found))
    return rows


def measure_strings(data, recordings, test="strings, takes 0 to 4: label errors"):
    """Rows of the table for strings of digits."""
    net = size_within(BUDGET, lambda H: Readout(Bidirectional(GRU(BANDS, H)), 11))
    new, *early_and_late = [[r for r in recordings if r.take in t] for t in TAKES]
    rng = np.random.default_rng(100)
    early, late = (
        heard(strings(some, count, rng))
        for some, count in zip(early_and_late, (1000, 100), strict=True)
    )
    tried = {}
    for rate in tqdm(RATES):
        tried[rate] = label_errors(net, learn_strings(net, early, 0, rate, 700), late)
    print("strings", tried, flush=True)
    rate, cut, found = min(RATES, key=tried.get), [], []
    for seed in tqdm(SEEDS):
        rng = np.random.default_rng(100 + seed)
        known = heard(strings([r for some in early_and_late for r in some], 1000, rng))
        exam = strings(new, 200, rng)
        cut.append(cut_up([d for r, d in data if r.take > 4], exam))
        params = learn_strings(net, known, seed, rate, 700)
        found.append(label_errors(net, params, heard(exam)))
        print("strings", cut, found, flush=True)
    name = f"bidirectional GRU and CTC, Adam {rate}"
    return [
        written(test, "cut at the silences, nearest, warped", "–", cut),
        written(test, name, f"{net.count():,}", found),
    ]


def main():
    """Measure everything once, and write the table."""
    recordings = load_spoken_digits()
    data = [(r, (features(r.samples), r.digit)) for r in recordings]
    speakers = sorted({r.speaker for r in recordings})
    rows = measure_words(data, "takes 0 to 4", [lambda r: r.take < 5])
    folds = [lambda r, s=s: r.speaker == s for s in speakers]
    rows += measure_words(data, "a speaker left out", folds)
    rows += measure_strings(data, recordings)
    content = write_table(
        "spoken-digits",
        HEAD,
        rows,
        command='RNNCORE_DATA=... make record TABLES="spoken-digits"',
        seeds="0 to choose the rate, 1 to 3 for the report; median and range",
        note="600 recordings, 8,000 samples a second, as 20 log-mel features every 16 ms. Takes 0 "
        "to 4: 300 recordings to train on, 300 to test on. A speaker left out: the mean over six "
        f"trainings, each without one speaker, who is the test. {UPDATES} updates of {BATCH} "
        "recordings; for the strings 700 updates of 16. The rate, 0.003 or 0.01, is chosen for "
        "each training set on its takes 8 and 9, after training on its other takes. The cut of "
        "the strings knows that the silences are exactly zero.",
    )
    print(content)


if __name__ == "__main__":
    main()

"""Problem set 5: five tools, and a project that is measured on data of the grader's own."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from grading.task import Choice, Limits, Metric, Task, call, solution

CONTEXTS, HELD = 1600, 500


def _bits_calls(rng):
    calls = []
    for size in (1.0, 3.0, 2000.0):
        T, B, K = rng.permutation([4, 5, 7])
        mask = np.arange(T)[:, None] < rng.integers(1, T + 1, size=B)
        mask[:, 0], mask[1:, 1] = True, False
        scores = size * rng.normal(size=(T, B, K))
        calls.append(call(scores, rng.integers(K, size=(T, B)), mask.astype(float)))
    return calls


def _bits(scores, targets, mask):
    total = 0.0
    for t, b in zip(*np.nonzero(mask), strict=True):
        row = scores[t, b]
        total += np.logaddexp.reduce(row) - row[targets[t, b]]
    return total / mask.sum() / np.log(2)


def _split_calls(rng):
    calls = []
    for share in (0.2, 0.35, 0.5):
        days = [f"day {k}" for k in rng.choice(1000, size=30, replace=False)]
        pairs = [(f"{day} {rng.choice([*'abcdefg'])}", day) for day in days for _ in range(4)]
        pairs = [pairs[i] for i in rng.permutation(len(pairs))]
        # One writing for several answers: the split goes by the answer, not by what is written.
        pairs[:9] = [("unreadable", day) for _, day in pairs[:9]]
        seed = int(rng.integers(2**31))
        calls.append(call([*pairs, *pairs[:5]], share, seed))
    return calls


_SPLIT = """
import numpy
def answer(student, pairs, share, seed):
    pairs = [tuple(pair) for pair in pairs]
    first = student.split(pairs, share, numpy.random.default_rng(seed))
    return first, student.split(pairs, share, numpy.random.default_rng(seed + 1))
"""


def _split_right(call, answer, expected):
    """Whether two splits of the same pairs are honest, complete and random."""
    pairs = [tuple(pair) for pair in call.args[0]]
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        return "expected two lists of pairs"
    held = []
    for parts in answer:
        try:
            training, validation = ([(str(a), str(b)) for a, b in part] for part in parts)
        except (TypeError, ValueError):
            return "expected two lists of pairs of strings"
        held.append({day for _, day in validation})
        if held[-1] & {day for _, day in training}:
            return "an answer occurs in both parts"
        if training != [pair for pair in pairs if pair[1] not in held[-1]]:
            return "the training part is not all pairs of its answers in their order"
        if validation != [pair for pair in pairs if pair[1] in held[-1]]:
            return "the validation part is not all pairs of its answers in their order"
        days = {day for _, day in pairs}
        if len(held[-1]) != round(call.args[1] * len(days)):
            return "the share of the answers that go to validation is another one"
    return "two generators with different seeds give the same split" if held[0] == held[1] else None


def _text_calls(rng):
    calls = []
    for _ in range(3):
        K = int(rng.integers(7, 12))
        tokens = rng.choice(K - 2, size=80, p=rng.dirichlet(np.ones(K - 2)))
        # The last character stands at the end only; one never occurs.
        calls.append(call(np.append(tokens, K - 2), K))
    return calls


def _witten_bell(tokens, K):
    tokens = tokens.tolist()
    single, after = Counter(tokens), defaultdict(Counter)
    for u, c in pairwise(tokens):
        after[u][c] += 1
    P = np.empty((K, K))
    for u in range(K):
        for c in range(K):
            P1 = (single[c] + len(single) / K) / (len(tokens) + len(single))
            P[u, c] = (after[u][c] + len(after[u]) * P1) / max(after[u].total() + len(after[u]), 1)
            P[u, c] = P[u, c] if after[u] else P1
    return P


def _draw_calls(rng):
    B, K = rng.choice(np.arange(40, 60), size=2, replace=False)
    calls = [call(rng.normal(size=(B, K)), float(t), rng.random(B)) for t in (0.4, 1.0, 2.5)]
    K = int(rng.integers(5, 9))
    return [*calls, call(400 * rng.normal(size=(60, K)), 0.01, rng.random(60))]


def _draw(scores, temperature, u):
    chosen = []
    for row, v in zip(scores / temperature, u, strict=True):
        log_p = row - np.logaddexp.reduce(row)
        chosen.append(next(k for k in range(len(row)) if np.exp(log_p[: k + 1]).sum() > v))
    return np.array(chosen)


def _beam_calls(rng):
    calls = []
    for width in (1, 2, 3, 40):
        while True:
            T, K = rng.choice(np.arange(4, 9), size=2, replace=False)
            raw = 2 * rng.normal(size=(int(T), int(K), int(K)))
            log_p = raw - np.logaddexp.reduce(raw, axis=-1, keepdims=True)
            given = log_p[0, 0], log_p[1:]
            greedy, found, wide = (_beam(*given, w)[0] for w in (1, width, 200))
            # Narrow beams that miss the best, and wider ones that do better than greedy.
            if (width == 40 or found != wide) and (width == 1 or found != greedy):
                break
        calls.append(call(*given, width))
    return calls


def _beam(first, table, width):
    K = len(first)
    best = np.argsort(-first)[:width]
    signs, scores = best[:, None], first[best]
    for step in table:
        grown = (scores[:, None] + step[signs[:, -1]]).ravel()
        best = np.argsort(-grown)[:width]
        signs, scores = np.column_stack([signs[best // K], best % K]), grown[best]
    return signs[0].tolist(), float(scores[0])


def _language_calls(rng):
    language = solution("ps5", "draw_language")(rng)
    text, _ = solution("ps5", "speak")(language, rng, 1200)
    contexts, following, floor = solution("ps5", "questions")(language, rng, CONTEXTS)
    return [call(text, contexts, hidden=(following, floor))]


def _above_floor(calls, answers):
    """Mean surprise in bits, minus that of a reader who knows the language."""
    text, (following, floor) = calls[0].args[0], calls[0].hidden
    letters = "".join(sorted(set(text)))
    log_p = np.asarray(answers[0])
    if log_p.shape != (CONTEXTS, len(letters)) or log_p.dtype.kind != "f":
        raise ValueError(f"expected an array of shape {CONTEXTS, len(letters)}")
    sums = np.exp(np.minimum(log_p.astype(float), 1)).sum(axis=1)
    if not np.all(np.abs(sums - 1) < 1e-3):
        raise ValueError("each row has to be the logarithms of probabilities that sum to one")
    rows = np.arange(CONTEXTS), [letters.index(character) for character in following]
    return float(np.mean(-log_p[rows] / np.log(2) - floor))


def _dates_calls(rng):
    calendar = solution("ps5", "draw_calendar")(rng)
    pairs, held = solution("ps5", "draw_dates")(calendar, rng, 600, HELD)
    return [call(pairs, [written for written, _ in held], hidden=[day for _, day in held])]


def _exact(calls, answers):
    """Share of the answers that are right from the first sign to the last."""
    said = answers[0]
    if not isinstance(said, list | tuple) or len(said) != HELD:
        raise ValueError(f"expected a list of {HELD} strings")
    right = zip(said, calls[0].hidden, strict=True)
    return float(np.mean([isinstance(a, str) and a == day for a, day in right]))


TASKS = (
    Task(
        cell="ps5-bits",
        points=3,
        function="bits_per_character",
        calls=_bits_calls,
        reference=_bits,
        without=("cross_entropy",),
        message="Sum over the characters that are there, divide by their number, use base 2.",
    ),
    Task(
        cell="ps5-split",
        points=3,
        function="split",
        calls=_split_calls,
        compare=_split_right,
        reference=lambda pairs, share, seed: None,
        wrap=_SPLIT,
        message="Choose answers with rng; every pair goes where its answer goes.",
    ),
    Task(
        cell="ps5-baseline",
        points=3,
        function="witten_bell",
        calls=_text_calls,
        reference=_witten_bell,
        message="Look at F(u), at the characters that never occur, and at contexts never followed.",
    ),
    Task(
        cell="ps5-draw",
        points=3,
        function="draw",
        calls=_draw_calls,
        reference=_draw,
        message="Divide the scores by the temperature; subtract the largest before exp.",
    ),
    Task(
        cell="ps5-beam",
        points=4,
        function="beam",
        calls=_beam_calls,
        reference=_beam,
        message="Each beginning keeps its own sum; keep the best of all extensions together.",
    ),
    Task(
        cell="ps5-language",
        points=12,
        function="language_model",
        calls=_language_calls,
        metric=Metric("bits above the floor", _above_floor, higher=False, zero=0.3, full=0.1),
        seconds=150,
        shared=True,
        slow=True,
    ),
    Task(
        cell="ps5-dates",
        points=12,
        function="translate",
        calls=_dates_calls,
        metric=Metric("exact match", _exact, zero=0.15, full=0.3),
        seconds=150,
        shared=True,
        slow=True,
    ),
)

CHOICE = Choice("ps5-project", {"language": ("ps5-language",), "dates": ("ps5-dates",)}, best=1)

RUBRIC = {
    "ps5-plan": (
        ("names track, net, size and a baseline without a net", 1),
        ("one prediction with a number and a reason that uses the course; right or wrong", 2),
        ("says what is chosen on validation data and what is read once", 1),
    ),
    "ps5-report": (
        ("result beside the baseline, at least three seeds, spread shown", 2),
        ("an ablation that changes one thing, judged against the spread", 2),
        ("twenty mistakes sorted into kinds, the most frequent explained", 2),
        ("compares with the prediction and says why it was right or wrong", 1),
        ("what was tried in vain, what comes next, where borrowed code is from", 1),
    ),
}

# Students are told 60 seconds a function. A crowded machine counts two or three times as many.
LIMITS = Limits(seconds=400, memory_mb=3072)

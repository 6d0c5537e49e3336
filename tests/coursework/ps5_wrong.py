"""Typical wrong answers of problem set 5, and the grade cells that they cost."""

_SHARED_LEAK = """
def split(pairs, share, rng):
    order = rng.permutation(len(pairs))
    held = set(order[: round(share * len(pairs))].tolist())
    training = [pair for i, pair in enumerate(pairs) if i not in held]
    return training, [pair for i, pair in enumerate(pairs) if i in held]
"""

_VITERBI = """
def beam(first, table, width):
    score, back = first, []
    for step in table:
        grown = score[:, None] + step
        back.append(grown.argmax(axis=0))
        score = grown.max(axis=0)
    signs = [int(score.argmax())]
    for come_from in back[::-1]:
        signs.append(int(come_from[signs[-1]]))
    return signs[::-1], float(score.max())
"""

_UNIFORM = """
def language_model(text, contexts):
    K = len(set(text))
    return np.full((len(contexts), K), -np.log(K))
"""

_NOT_LOGARITHMS = """
def language_model(text, contexts):
    K = len(set(text))
    return np.full((len(contexts), K), 1 / K)
"""

_COPIED = """
def translate(pairs, sources):
    digits = ["".join(c for c in source if c.isdigit())[:8].ljust(8, "0") for source in sources]
    return [f"{d[4:]}-{d[2:4]}-{d[:2]}" for d in digits]
"""

_NEAREST = """
def translate(pairs, sources):
    def common(a, b):
        return len({*zip(a, a[1:])} & {*zip(b, b[1:])}) / len(b)
    return [max(pairs, key=lambda pair: common(source, pair[0]))[1] for source in sources]
"""

WRONG = (
    {
        "name": "nats for bits",
        "cell": "ps5-bits-code",
        "old": " * np.log(2)",
        "new": "",
        "loses": ("ps5-bits",),
    },
    {
        "name": "padding counted",
        "cell": "ps5-bits-code",
        "old": "mask.sum()",
        "new": "mask.size",
        "loses": ("ps5-bits",),
    },
    {
        "name": "mean of the means",
        "cell": "ps5-bits-code",
        "old": "return -(mask * said).sum() / (mask.sum() * np.log(2))",
        "new": "return -np.mean((mask * said).sum(axis=0) / mask.sum(axis=0)) / np.log(2)",
        "loses": ("ps5-bits",),
    },
    {
        "name": "softmax that overflows",
        "cell": "ps5-bits-code",
        "old": "log_softmax(scores)",
        "new": "np.log(np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True))",
        "loses": ("ps5-bits",),
    },
    {
        "name": "pairs split, not answers",
        "cell": "ps5-split-code",
        "source": _SHARED_LEAK,
        "loses": ("ps5-split",),
    },
    {
        "name": "split by what is written",
        "cell": "ps5-split-code",
        "old": "pair[1]",
        "new": "pair[0]",
        "loses": ("ps5-split",),
    },
    {
        "name": "always the same answers",
        "cell": "ps5-split-code",
        "old": "rng.permutation(len(answers))",
        "new": "np.arange(len(answers))",
        "loses": ("ps5-split",),
    },
    {
        "name": "pairs once only",
        "cell": "ps5-split-code",
        "old": "for pair in pairs if",
        "new": "for pair in sorted(set(pairs)) if",
        "loses": ("ps5-split",),
    },
    {
        "name": "all characters for those that followed",
        "cell": "ps5-baseline-code",
        "old": "followers = (pairs > 0).sum(axis=1, keepdims=True)",
        "new": "followers = K",
        "loses": ("ps5-baseline",),
    },
    {
        "name": "unigram not smoothed",
        "cell": "ps5-baseline-code",
        "old": "(single + kinds / K) / (len(tokens) + kinds)",
        "new": "single / len(tokens)",
        "loses": ("ps5-baseline",),
    },
    {
        "name": "pairs counted once",
        "cell": "ps5-baseline-code",
        "old": "np.add.at(pairs, (tokens[:-1], tokens[1:]), 1)",
        "new": "pairs[tokens[:-1], tokens[1:]] += 1",
        "loses": ("ps5-baseline",),
    },
    {
        "name": "nothing for contexts never seen",
        "cell": "ps5-baseline-code",
        "old": "np.where(total > 0, known, P1)",
        "new": "known",
        "loses": ("ps5-baseline",),
    },
    {
        "name": "temperature multiplied",
        "cell": "ps5-draw-code",
        "old": "scores / temperature",
        "new": "scores * temperature",
        "loses": ("ps5-draw",),
    },
    {
        "name": "temperature after the softmax",
        "cell": "ps5-draw-code",
        "source": "def draw(scores, temperature, u):\n    p = softmax(scores) / temperature\n"
        "    return (np.cumsum(p, axis=1)[:, :-1] <= u[:, None]).sum(axis=1)\n",
        "loses": ("ps5-draw",),
    },
    {
        "name": "the likeliest",
        "cell": "ps5-draw-code",
        "source": "def draw(scores, temperature, u):\n    return scores.argmax(axis=1)\n",
        "loses": ("ps5-draw",),
    },
    {
        "name": "one too far",
        "cell": "ps5-draw-code",
        "old": ".sum(axis=1)\n    ### END",
        "new": ".sum(axis=1) + 1\n    ### END",
        "loses": ("ps5-draw",),
    },
    {
        "name": "greedy",
        "cell": "ps5-beam-code",
        "old": "[:width]",
        "new": "[:1]",
        "loses": ("ps5-beam",),
    },
    {
        "name": "score of the beginning forgotten",
        "cell": "ps5-beam-code",
        "old": "score + more",
        "new": "more",
        "loses": ("ps5-beam",),
    },
    {
        "name": "Viterbi",
        "cell": "ps5-beam-code",
        "source": _VITERBI,
        "loses": ("ps5-beam",),
    },
    {
        "name": "a language of noise",
        "cell": "ps5-language-code",
        "source": _UNIFORM,
        "only": "language",
        "loses": ("ps5-project", "ps5-language"),
    },
    {
        "name": "probabilities for their logarithms",
        "cell": "ps5-language-code",
        "source": _NOT_LOGARITHMS,
        "only": "language",
        "loses": ("ps5-project", "ps5-language"),
    },
    {
        "name": "digits copied",
        "cell": "ps5-dates-code",
        "source": _COPIED,
        "only": "dates",
        "loses": ("ps5-project", "ps5-dates"),
    },
    {
        "name": "nearest neighbour",
        "cell": "ps5-dates-code",
        "source": _NEAREST,
        "only": "dates",
        "loses": ("ps5-project", "ps5-dates"),
    },
)

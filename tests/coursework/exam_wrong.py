"""Typical wrong answers of the exam, and the grade cells that they cost."""

_OVERWRITTEN = """
def convert(params):
    H = len(params["bias_ih"]) // 3
    for value in params.values():
        z, r = value[:H].copy(), value[H : 2 * H].copy()
        value[:H], value[H : 2 * H] = r, -z
    return params
"""

_BLANKS_FIRST = """
def spells(p, labels):
    total = 0.0
    for path in np.ndindex(*[p.shape[1]] * len(p)):
        said = [k for k in path if k != 0]
        merged = [k for i, k in enumerate(said) if i == 0 or k != said[i - 1]]
        if merged == list(labels):
            total += np.prod(p[np.arange(len(p)), path])
    return float(total)
"""

_RADIUS = """
def forgotten(W, eps):
    return int(np.ceil(np.log(eps) / np.log(np.abs(np.linalg.eigvals(W)).max())))
"""

_BOUND = """
def forgotten(W, eps):
    norm = np.linalg.norm(W, 2)
    return int(np.ceil(np.log(eps) / np.log(norm))) if norm < 1 else 0
"""


def _wrong(question, name, old, new):
    """A change of the solution that costs one question."""
    cell = f"exam-{question}"
    return {"name": name, "cell": f"{cell}-code", "old": old, "new": new, "loses": (cell,)}


def _instead(question, name, source):
    """Another answer to one question, which costs it."""
    cell = f"exam-{question}"
    return {"name": name, "cell": f"{cell}-code", "source": source, "loses": (cell,)}


WRONG = (
    _wrong(
        "lstm-count",
        "the sources' formula",
        "4 * hidden_size * (input_size + hidden_size + biases)",
        "4 * ((input_size + hidden_size) * input_size + biases * input_size)",
    ),
    _wrong("lstm-count", "three gates, no candidate", "4 *", "3 *"),
    _wrong("lstm-count", "always one bias", "+ biases)", "+ 1)"),
    _wrong("budget", "four blocks", "3 * H", "4 * H"),
    _wrong("budget", "budget not allowed", "<= budget", "< budget"),
    _wrong("budget", "readout forgotten", " + output_size * (H + 1)", ""),
    _wrong("budget", "one bias", "input_size + H + 2", "input_size + H + 1"),
    _wrong(
        "gradient", "last step only", "range(len(xs), 0, -1)", "range(len(xs), len(xs) - 1, -1)"
    ),
    _wrong("gradient", "state of the step itself", "dz * hs[t - 1]", "dz * hs[t]"),
    _wrong("gradient", "no slope", "dh * (1 - hs[t] ** 2)", "dh"),
    _wrong("gradient", "wrong sign", "hs[-1] - y", "y - hs[-1]"),
    _wrong("connections", "rest forgotten", " + rest * (rest + 1) // 2", ""),
    _wrong("connections", "without the own step", "k * (k + 1) // 2", "k * (k - 1) // 2"),
    _wrong("connections", "rest with whole rows", "rest * (rest + 1) // 2", "rest * k"),
    _instead("forgotten", "spectral radius", _RADIUS),
    _instead("forgotten", "powers of the norm", _BOUND),
    _wrong("forgotten", "one step too many", "return k", "return k + 1"),
    _wrong("convert", "order only", "-z", "z"),
    _wrong("convert", "one minus the weights", "-z", "1 - z"),
    _wrong("convert", "sign of the reset gate", "[r, -z, n]", "[-r, z, n]"),
    _instead("convert", "writes into what it is given", _OVERWRITTEN),
    _wrong("summary", "last step of both", "hs[0, :, H:]", "hs[lengths - 1, rows, H:]"),
    _wrong("summary", "last row, padded or not", "hs[lengths - 1, rows, :H]", "hs[-1, :, :H]"),
    _wrong("clockwork", "no diagonal", "(hidden - i * k)", "(hidden - (i + 1) * k)"),
    _wrong("clockwork", "time begins at 1", "range(T)", "range(1, T + 1)"),
    _wrong("clockwork", "all modules at every step", " if t % p == 0", " if t % p >= 0"),
    _instead("ctc", "blanks removed first", _BLANKS_FIRST),
    _wrong("ctc", "repetitions kept", " if i == 0 or k != path[i - 1]", ""),
    _wrong(
        "ctc",
        "likeliest path only",
        "total += np.prod(p[np.arange(T), path])",
        "total = max(total, np.prod(p[np.arange(T), path]))",
    ),
    _wrong("between", "difference", "B_t - A * B_s", "B_t - B_s"),
    _wrong("between", "upside down", "A_t / A_s", "A_s / A_t"),
    _wrong("between", "difference of the decays", "A_t / A_s", "A_t - A_s"),
)

"""Typical wrong answers of problem set 6, and what they lose."""

A, B, C = "A, linear recurrences", "B, CTC", "C, honest forecasting"
_SCALE = "y[m:fit_end] - y[: fit_end - m]"


def _wrong(only, cell, name, old, new):
    loses = ("ps6-choice", f"ps6-{cell}")
    return {
        "name": name,
        "only": only,
        "cell": f"ps6-{cell}-code",
        "old": old,
        "new": new,
        "loses": loses,
    }


WRONG = (
    _wrong(
        A,
        "rounds",
        "combined in the wrong order",
        "late * b[:-span] + b[span:]",
        "a[:-span] * b[span:] + b[:-span]",
    ),
    _wrong(
        A,
        "rounds",
        "the new decay in place of the old one",
        "        b[span:] = late * b[:-span] + b[span:]\n        a[span:] = late * a[:-span]\n",
        "        a[span:] = late * a[:-span]\n        b[span:] = a[span:] * b[:-span] + b[span:]\n",
    ),
    _wrong(A, "rounds", "one round too many", "range(rounds)", "range(rounds + 1)"),
    _wrong(A, "rounds", "works in place", "a, b = a.copy(), b.copy()", "pass"),
    _wrong(A, "smooth", "the input's share of da forgotten", "(before - xs)", "before"),
    _wrong(A, "smooth", "sum over the batch alone", ".sum(axis=(0, 1))", "[-1].sum(axis=0)"),
    _wrong(A, "smooth", "the state after the step", "(before - xs)", "(hs - xs)"),
    _wrong(A, "smooth", "one decay too few on the way to h0", "a * gs[0]", "gs[0]"),
    _wrong(
        A,
        "uneven",
        "Euler's method",
        "h = a * h + np.where(integrates, gap, (a - 1) / divisor) * u * x",
        "h = (1 + lam * gap) * h + gap * u * x",
    ),
    _wrong(A, "uneven", "nothing for lambda = 0", "np.where(integrates, gap, ", "(0 + "),
    _wrong(A, "uneven", "the input before the gap", "zip(gaps, xs)", "zip(gaps, [0.0, *xs[:-1]])"),
    _wrong(
        B,
        "best-string",
        "the likeliest path",
        "total.get(spelt, 0.0) + np.prod([p[t, k] for t, k in enumerate(path)])",
        "max(total.get(spelt, 0.0), np.prod([p[t, k] for t, k in enumerate(path)]))",
    ),
    _wrong(
        B,
        "best-string",
        "blanks removed before repetitions are merged",
        "tuple(collapse(path, blank))",
        "tuple(collapse([k for k in path if k != blank], -1))",
    ),
    _wrong(B, "best-string", "0 taken for the blank", "collapse(path, blank)", "collapse(path, 0)"),
    _wrong(
        B,
        "beginning",
        "the blank skipped between equal labels",
        " and ell[s] != ell[s - 2]:",
        ":",
    ),
    _wrong(
        B,
        "beginning",
        "paths counted at every step",
        "log_p[ell[s]] + enter)",
        "new[s])",
    ),
    _wrong(
        B,
        "beginning",
        "the string itself, at the last step",
        "total = np.logaddexp(total, log_p[ell[s]] + enter)",
        "total = new[s]",
    ),
    _wrong(B, "align", "the blank skipped between equal labels", "ell[s] != ell[s - 2]", "True"),
    _wrong(
        B,
        "align",
        "must end on the blank",
        "s = max(range(max(len(ell) - 2, 0), len(ell)), key=lambda s: score[s])",
        "s = len(ell) - 1",
    ),
    _wrong(
        B,
        "align",
        "the likeliest symbol at each step",
        "    ell = [blank]\n",
        "    return logits.argmax(axis=1).tolist()\n    ell = [blank]\n",
    ),
    _wrong(C, "mase", "scale of the whole series", _SCALE, "y[m:] - y[:-m]"),
    _wrong(C, "mase", "scale at a distance of 1", _SCALE, "np.diff(y[:fit_end])"),
    _wrong(C, "mase", "errors of all periods", "[start:]", ""),
    _wrong(C, "mase", "upside down", ".mean() / scale", ".mean() ** -1 * scale"),
    _wrong(
        C,
        "honest",
        "gaps still filled by a line",
        "filled = fill_forward(y)",
        "good = np.flatnonzero(~np.isnan(y))\n"
        "    filled = np.interp(np.arange(len(y)), good, y[good])",
    ),
    _wrong(
        C,
        "honest",
        "standardised with the whole series",
        "filled[:start].mean(), filled[:start].std()",
        "filled.mean(), filled.std()",
    ),
    _wrong(C, "honest", "mean still centred", "np.r_[0.0, 0.0, z]", "np.r_[0.0, z, 0.0]"),
    _wrong(C, "intervals", "the error of the step itself", "size[:t]", "size[: t + 1]"),
    _wrong(C, "intervals", "all errors", "np.sort(size[:t])", "np.sort(size)"),
    _wrong(C, "intervals", "rank among t", "(t + 1) * level", "t * level"),
    _wrong(C, "intervals", "signs kept", "size, widths = np.abs(errors)", "size, widths = errors"),
)

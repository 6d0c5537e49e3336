"""Typical wrong answers of problem set 2, and what they lose."""


def edit(name, cell, old, new):
    """Change the text of a solution; the points of its check are lost, and no others."""
    return {
        "name": name,
        "cell": f"ps2-{cell}-code",
        "old": old,
        "new": new,
        "loses": (f"ps2-{cell}",),
    }


WRONG = (
    edit("first copy of w forgotten", "two-steps", "dz2 * h1 + dz1 * h0", "dz2 * h1"),
    edit("first loss forgotten", "two-steps", "(h1 - y1) + w * dz2", "w * dz2"),
    edit("target minus prediction", "two-steps", "(h2 - y2)", "(y2 - h2)"),
    edit("leak forgotten on the way back", "leaky-errors", "(1 - alpha) * dh + dzs", "dzs"),
    edit("alpha missing in the slope", "leaky-errors", "alpha * (1 - fs", "(1 - fs"),
    edit("future forgotten", "leaky-errors", "dh = dh + dhs[t]", "dh = dhs[t]"),
    edit("W not transposed", "leaky-errors", '@ P["W"]', '@ P["W"].T'),
    edit(
        "dhs overwritten in place",
        "leaky-errors",
        "dh = dh + dhs[t]",
        "dhs[t] += dh\n        dh = dhs[t]",
    ),
    edit("state of the same step", "leaky-grads", "hs[:-1]", "hs[1:]"),
    edit("mean over the batch", "leaky-grads", "rows.sum(axis=0)", "dzs.sum(0).mean(0)"),
    edit(
        "no sum over time",
        "leaky-grads",
        "rows = dzs",
        "dzs = dzs * (np.arange(len(dzs)) == len(dzs) - 1)[:, None, None]\n    rows = dzs",
    ),
    edit(
        "first step left out",
        "leaky-grads",
        "rows = dzs",
        "dzs = np.concatenate([0 * dzs[:1], dzs[1:]])\n    rows = dzs",
    ),
    edit(
        "one-sided difference",
        "numeric",
        "(up - down) / (2 * eps)",
        "(up - net_loss(P, xs, h0, ys)) / eps",
    ),
    edit("divided by eps", "numeric", "(2 * eps)", "eps"),
    edit(
        "nudges pile up in P",
        "numeric",
        "above, below = value.copy(), value.copy()",
        "above, below = value, value.copy()",
    ),
    edit(
        "initial state zero",
        "problem",
        "    return problem",
        '    problem["h0"] *= 0\n    return problem',
    ),
    edit("two steps only", "problem", "= 3, 2, 2, 3, 2", "= 2, 2, 2, 3, 2"),
    edit("one sequence", "problem", "= 3, 2, 2, 3, 2", "= 3, 1, 2, 3, 2"),
    edit("one unit", "problem", "= 3, 2, 2, 3, 2", "= 3, 2, 2, 1, 2"),
    edit(
        "symmetric W",
        "problem",
        "    return problem",
        '    problem["W"] = np.eye(3) / 2\n    return problem',
    ),
    edit("over budget", "problem", "= 3, 2, 2, 3, 2", "= 4, 3, 2, 5, 6"),
    edit("state reset", "chunks", "xs[t : t + k], state)", "xs[t : t + k], (h0,))"),
    edit("short chunk dropped", "chunks", "range(0, len(xs), k)", "range(0, len(xs) - k + 1, k)"),
    edit(
        "mean over the chunks",
        "chunks",
        "    return total",
        "    return {key: g / -(-len(xs) // k) for key, g in total.items()}",
    ),
    edit("not truncated", "chunks", "    state, total", "    k = len(xs)\n    state, total"),
    edit("leak forgotten in J", "influence", "(1 - alpha) * np.eye(H) + slope", "slope"),
    edit(
        "alpha missing in the immediate influence",
        "influence",
        "+= slope[:, None] * v",
        "+= (1 - f**2)[:, None] * v",
    ),
    edit(
        "new state in v",
        "influence",
        "new[range(H)",
        "v = np.concatenate([(1 - alpha) * h + alpha * f, x, [1.0]])\n    new[range(H)",
    ),
    edit("J transposed", "influence", '"ml,lij->mij"', '"lm,lij->mij"'),
    edit(
        "influence changed in place",
        "influence",
        "    return (1 - alpha)",
        "    M[:] = new\n    return (1 - alpha)",
    ),
    edit("bias forgotten", "break-even", "(H + I + 1)", "(H + I)"),
    edit(
        "as few, not fewer",
        "break-even",
        "(influence - H) // (I + H) + 1",
        "-((H - influence) // (I + H))",
    ),
)

"""Typical wrong answers of problem set 3, and what they lose."""


def edit(name, cell, old, new):
    """Change the text of a solution; the points of its check are lost, and no others."""
    return {
        "name": name,
        "cell": f"ps3-{cell}-code",
        "old": old,
        "new": new,
        "loses": (f"ps3-{cell}",),
    }


WRONG = (
    edit(
        "factors in the wrong order",
        "jacobian",
        "(1 - hs[s] ** 2)[:, None] * W @ product",
        "product @ ((1 - hs[s] ** 2)[:, None] * W)",
    ),
    edit("slopes of the step before", "jacobian", "hs[s] ** 2", "hs[s - 1] ** 2"),
    edit("one factor too many", "jacobian", "range(k + 1, t + 1)", "range(k, t + 1)"),
    edit("slopes on the columns", "jacobian", "[:, None] * W", "* W"),
    edit(
        "each array by its own norm",
        "clip",
        "    return {key: scale * g for key, g",
        "    def one(g):\n        return g * min(1, limit / max(np.linalg.norm(g), 1e-9))\n\n"
        "    return {key: one(g) for key, g",
    ),
    edit("short gradients lengthened", "clip", "if norm > limit else 1.0", "if norm > 0 else 1.0"),
    edit(
        "in place",
        "clip",
        "    return {",
        "    for g in grads.values():\n        g *= scale\n    return grads\n    return {",
    ),
    edit("clipped by value", "clip", "{key: scale * g for", "{key: np.clip(g, -limit, limit) for"),
    edit("gates i and f swapped", "projected", "i, f, g, o = np.split", "f, i, g, o = np.split"),
    edit("bias forgotten", "projected", ' + params["bias"]', ""),
    edit("no tanh on the cell state", "projected", "o * np.tanh(c)", "o * c"),
    edit(
        "shows the old cell state",
        "projected",
        "    c = f * c + i * g\n    m = o * np.tanh(c)",
        "    m = o * np.tanh(c)\n    c = f * c + i * g",
    ),
    edit("error from the next step forgotten", "gates-back", "dc = dc + dm", "dc = dm"),
    edit(
        "error through h forgotten",
        "gates-back",
        "dc = dc + dm * o * (1 - tanh_c**2)",
        "dc = dc.copy()",
    ),
    edit("new c for the forget gate", "gates-back", "dc * c_before * f", "dc * c * f"),
    edit("forget gate missing on the way back", "gates-back", "axis=-1), dc * f", "axis=-1), dc"),
    edit("blocks i and f swapped", "gates-back", "[dzi, dzf, dzg, dzo]", "[dzf, dzi, dzg, dzo]"),
    edit(
        "dc changed in place",
        "gates-back",
        "    dc = dc + dm * o * (1 - tanh_c**2)",
        "    dc += dm * o * (1 - tanh_c**2)",
    ),
    edit("mean over the batch", "collect", "dz.sum(axis=0)", "dz.mean(axis=0)"),
    edit(
        "projection's gradient transposed",
        "collect",
        '"weight_hr": dh.T @ m',
        '"weight_hr": m.T @ dh',
    ),
    edit(
        "wrong sign on the way to h",
        "collect",
        'dz @ params["weight_hh"], grads',
        '-dz @ params["weight_hh"], grads',
    ),
    edit("keeps with z", "gru-step", "(1 - z) * h + z * n", "z * h + (1 - z) * n"),
    edit("reset after the product", "gru-step", "(r * h) @ Wn.T", "r * (h @ Wn.T)"),
    edit(
        "blocks in the order z r n",
        "gru-step",
        "(Ur, Uz, Un), (Wr, Wz, Wn), (br, bz, bn)",
        "(Uz, Ur, Un), (Wz, Wr, Wn), (bz, br, bn)",
    ),
    edit("bias of the candidate forgotten", "gru-step", "@ Wn.T + bn", "@ Wn.T"),
    edit("update gate with the lecture's sign", "gru-back", "(n - h_before)", "(h_before - n)"),
    edit("straight path forgotten", "gru-back", "(1 - z) * dh + daz", "daz"),
    edit("reset gate missing in dW", "gru-back", "dan.T @ (r * h_before)", "dan.T @ h_before"),
    edit("reset inside the product", "gru-back", "r * ds,", "(r * dan) @ Wn,"),
    edit(
        "blocks not reordered",
        "stranger",
        "np.r_[H : 2 * H, 0:H, 2 * H : 3 * H]",
        "np.arange(3 * H)",
    ),
    edit("biases not reordered", "stranger", "bias[0, order]", "bias[0]"),
    edit(
        "biases exchanged",
        "stranger",
        '"bias_ih": bias[0, order],\n        "bias_hh": bias[1, order]',
        '"bias_ih": bias[1, order],\n        "bias_hh": bias[0, order]',
    ),
    edit("not transposed", "stranger", "kernel.T[order]", "kernel[:, order]"),
    edit("rows of the input size", "count", "4 * H * (I + R + 1)", "4 * I * (I + R + 1)"),
    edit("recurrent matrix without projection", "count", "(I + R + 1)", "(I + H + 1)"),
    edit("two biases", "count", "(I + R + 1)", "(I + R + 2)"),
    edit("two biases for each block", "units", "(I + H + 2)", "(I + H + 3)"),
    edit("budget not used up", "units", "<= budget", "< budget"),
    edit("one unit too many", "units", "return H", "return H + 1"),
    edit(
        "approximate time constant",
        "bias",
        "f = share ** (1 / n)",
        "f = 1 - 1 / max(-n / np.log(share), 1.0001)",
    ),
    edit("without the logit", "bias", "np.log(f / (1 - f))", "np.log(f)"),
    edit("off by one step", "bias", "(1 / n)", "(1 / (n + 1))"),
)

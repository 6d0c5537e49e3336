"""Problem set 3: hidden tests and rubric.

References are `rnncore`'s cells where they can be brought into the form of the task, and complex
steps of the forward pass elsewhere: Im f(x + iε)/ε is exact to rounding.
"""

import numpy as np

from grading.task import Task, call
from rnncore import GRU, LSTM, RNN, bptt, count_parameters, scan, step

STEP = 1e-30


def slopes(f, x):
    """Gradient of a real function by complex steps; f takes arrays shaped like x."""
    found = np.empty(np.shape(x))
    for i in np.ndindex(found.shape):
        moved = np.array(x, complex)
        moved[i] += 1j * STEP
        found[i] = np.imag(f(moved)) / STEP
    return found


def sizes(rng, *names):
    """Sizes that are all different, 2 and up."""
    return dict(zip(names, (int(n) for n in 2 + rng.permutation(len(names))), strict=True))


def _squash(z):
    return 1 / (1 + np.exp(-z))


# Task 1


def _jacobian_calls(rng):
    calls = []
    for k, t in ((0, 6), (2, 5), (4, 4), (5, 6)):
        H = int(rng.integers(2, 6))
        W, hs = rng.normal(size=(H, H)) / H**0.5, [rng.uniform(-0.9, 0.9, H)]
        for _ in range(6):
            hs.append(np.tanh(W @ hs[-1] + rng.normal(size=H) / 2))
        calls.append(call(W, np.array(hs), k, t))
    return calls


def _state_jacobian(W, hs, k, t):
    def run(h, i):
        for s in range(k + 1, t + 1):
            # what was added to W h at step s follows from the states
            h = np.tanh(W @ h + np.arctanh(hs[s]) - W @ hs[s - 1])
        return h[i]

    return np.array([slopes(lambda h, i=i: run(h, i), hs[k]) for i in range(len(W))])


# Task 2


def _clip_calls(rng):
    calls = []
    for length, limit in ((7.0, 1.0), (0.5, 1.0), (3.0, 0.25), (0.0, 1.0)):
        shapes = {"weight": (4, 3), "bias": (5,), "zero": (2,)}
        grads = {key: rng.normal(size=shape) for key, shape in shapes.items()}
        grads["zero"][:] = 0
        norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
        calls.append(call({key: length / norm * g for key, g in grads.items()}, limit))
    return calls


def _clip(grads, limit):
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]))
    return {key: min(1, limit / max(norm, 1e-12)) * g for key, g in grads.items()}


# Tasks 3 and 4


def _draw_projected(rng, I, H, R):
    shapes = {"weight_ih": (4 * H, I), "weight_hh": (4 * H, R), "bias": (4 * H,)}
    shapes |= {"weight_hr": (R, H)}
    return {key: rng.normal(size=shape) / 2 for key, shape in shapes.items()}


def _projected_calls(rng):
    calls = []
    for _ in range(3):
        n = sizes(rng, "B", "I", "H", "R")
        params = _draw_projected(rng, n["I"], n["H"], n["R"])
        x, h, c = (rng.normal(size=(n["B"], n[k])) for k in "IRH")
        calls.append(call(params, x, h, c))
    return calls


def _projected_step(params, x, h, c):
    # an ordinary LSTM that reads x and h side by side and has no recurrent weights of its own
    H, cell = c.shape[1], LSTM(x.shape[1] + h.shape[1], c.shape[1])
    plain = {
        "weight_ih": np.hstack([params["weight_ih"], params["weight_hh"]]),
        "weight_hh": np.zeros((4 * H, H)),
        "bias_ih": params["bias"],
        "bias_hh": np.zeros(4 * H),
    }
    m, (_, c) = step(cell, plain, np.hstack([x, h]), (np.zeros_like(c), c))
    return m @ params["weight_hr"].T, c


def _gates_of(z):
    i, f, g, o = np.split(z, 4, axis=-1)
    return np.array([_squash(i), _squash(f), np.tanh(g), _squash(o)])


def _gates_back_calls(rng):
    calls = []
    for _ in range(3):
        n = sizes(rng, "B", "H", "R")
        B, H, R = n["B"], n["H"], n["R"]
        gates, c_before = _gates_of(rng.normal(size=(B, 4 * H))), rng.normal(size=(B, H))
        c = gates[1] * c_before + gates[0] * gates[2]
        weight_hr, dh = rng.normal(size=(R, H)), rng.normal(size=(B, R))
        calls.append(call(weight_hr, dh, rng.normal(size=(B, H)), gates, c_before, c))
    return calls


def _gates_back(weight_hr, dh, dc, gates, c_before, _):
    i, f, g, o = gates
    logits = [np.log(gate / (1 - gate)) for gate in (i, f, o)]
    z = np.hstack([logits[0], logits[1], np.arctanh(g), logits[2]])

    def loss(z, c_before):
        i, f, g, o = _gates_of(z)
        c = f * c_before + i * g
        return (o * np.tanh(c) @ weight_hr.T * dh).sum() + (c * dc).sum()

    return slopes(lambda z: loss(z, c_before), z), slopes(lambda c: loss(z, c), c_before)


def _collect_calls(rng):
    calls = []
    for _ in range(3):
        n = sizes(rng, "B", "I", "H", "R")
        B, H = n["B"], n["H"]
        params = _draw_projected(rng, n["I"], H, n["R"])
        x, h, m, dh = (rng.normal(size=(B, n[k])) for k in "IRHR")
        calls.append(call(params, x, h, m, dh, rng.normal(size=(B, 4 * H))))
    return calls


def _collect(params, x, h_before, m, dh, dz):
    grads = {
        "weight_ih": np.einsum("bz,bi->zi", dz, x),
        "weight_hh": np.einsum("bz,br->zr", dz, h_before),
        "bias": np.einsum("bz->z", dz),
        "weight_hr": np.einsum("br,bh->rh", dh, m),
    }
    dx = np.einsum("bz,zi->bi", dz, params["weight_ih"])
    return dx, np.einsum("bz,zr->br", dz, params["weight_hh"]), grads


# Task 5


def _gru_case(rng):
    n = sizes(rng, "B", "I", "H")
    B, I, H = n["B"], n["I"], n["H"]
    P = {"U": rng.normal(size=(3 * H, I)), "W": rng.normal(size=(3 * H, H))}
    P["b"] = rng.normal(size=3 * H)
    return P, rng.normal(size=(B, I)), rng.normal(size=(B, H))


def as_package(P):
    """The same GRU in the package: the update gate's signs changed."""
    H = P["W"].shape[1]
    flip = np.repeat([1.0, -1.0, 1.0], H)
    params = {"weight_ih": flip[:, None] * P["U"], "weight_hh": flip[:, None] * P["W"]}
    params |= {"bias_ih": flip * P["b"], "bias_hh": np.zeros(3 * H)}
    return GRU(P["U"].shape[1], H, reset_after=False), params, flip


def _gru_step_calls(rng):
    return [call(*_gru_case(rng)) for _ in range(3)]


def _gru_step(P, x, h):
    cell, params, _ = as_package(P)
    H = h.shape[1]
    a = x @ P["U"].T + P["b"]
    r, z = (_squash(a[:, k : k + H] + h @ P["W"][k : k + H].T) for k in (0, H))
    n = np.tanh(a[:, 2 * H :] + (r * h) @ P["W"][2 * H :].T)
    return step(cell, params, x, (h,))[0], np.array([r, z, n])


def _gru_back_calls(rng):
    calls = []
    for _ in range(3):
        P, x, h = _gru_case(rng)
        calls.append(call(P, x, h, _gru_step(P, x, h)[1], rng.normal(size=h.shape)))
    return calls


def _gru_back(P, x, h_before, _, dh):
    cell, params, flip = as_package(P)
    _, _, cache = scan(cell, params, x[None], (h_before,))
    dxs, (dh_before,), grads = bptt(cell, params, dh[None], cache)
    return {
        "U": flip[:, None] * grads["weight_ih"],
        "W": flip[:, None] * grads["weight_hh"],
        "b": flip * grads["bias_ih"],
        "x": dxs[0],
        "h_before": dh_before,
    }


# Task 6


def _convert_calls(rng):
    calls = []
    for _ in range(2):
        n = sizes(rng, "I", "H", "other")
        I, H = n["I"], n["H"]
        shapes = (I, 3 * H), (H, 3 * H), (2, 3 * H)
        calls.append(call(*(rng.normal(size=shape) for shape in shapes)))
    return calls


def _convert(kernel, recurrent_kernel, bias):
    def rows(a):
        z, r, h = np.split(a, 3)
        return np.concatenate([r, z, h])

    return {
        "weight_ih": rows(kernel.T),
        "weight_hh": rows(recurrent_kernel.T),
        "bias_ih": rows(bias[0]),
        "bias_hh": rows(bias[1]),
    }


# Task 7


def _count_calls(rng):
    return [call(*(int(n) for n in rng.choice(200, 3, replace=False) + 1)) for _ in range(5)]


def _count_projected(I, H, R):
    return sum(np.prod(s) for s in ((4 * H, I), (4 * H, R), (4 * H,), (R, H)))


def _one_bias(kind, I, H):
    cell = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}[kind](I, H)
    counts = count_parameters(cell)
    return sum(counts.values()) - counts["bias_hh"]


def _units_calls(rng):
    calls = [call("LSTM", 50, 10), call("RNN", 4, int(rng.integers(1000, 30_000)))]
    for kind in ("RNN", "GRU", "LSTM"):
        I, H = (int(n) for n in rng.integers(3, 90, 2))
        exact = int(_one_bias(kind, I, H))
        calls += [call(kind, I, exact), call(kind, I, exact - 1)]
    return calls


def _units_within(kind, I, budget):
    H = 0
    while _one_bias(kind, I, H + 1) <= budget:
        H += 1
    return H


# Task 8


def _bias_calls(rng):
    pairs = [
        (0.5, 1),
        *((float(rng.uniform(0.05, 0.95)), int(rng.integers(2, 200))) for _ in "1234"),
    ]
    return [call(*pair) for pair in pairs]


def _bias_for(share, n):
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _squash(middle) ** n < share else (low, middle)
    return low


TASKS = (
    Task(
        cell="ps3-jacobian",
        points=3,
        function="state_jacobian",
        calls=_jacobian_calls,
        reference=_state_jacobian,
        message="The latest Jacobian stands on the left, and step s has the slopes of h_s.",
    ),
    Task(
        cell="ps3-clip",
        points=3,
        function="clip",
        calls=_clip_calls,
        reference=_clip,
        without=("clip_by_global_norm", "clip_by_value"),
        rtol=1e-5,
        message="One factor for all arrays, none for a short gradient, no division by zero.",
    ),
    Task(
        cell="ps3-projected",
        points=4,
        function="projected_step",
        calls=_projected_calls,
        reference=_projected_step,
        without=("scan", "step"),
        message="Blocks in the order i f g o; h = P (o tanh c) with the new c.",
    ),
    Task(
        cell="ps3-gates-back",
        points=5,
        function="gates_back",
        calls=_gates_back_calls,
        reference=_gates_back,
        message="c is used in m and in the next c; f meets the old c; the projection comes first.",
    ),
    Task(
        cell="ps3-collect",
        points=4,
        function="collect",
        calls=_collect_calls,
        reference=_collect,
        message="A product y = A x gives dA = dy x^T, summed over the batch, and dx = A^T dy.",
    ),
    Task(
        cell="ps3-gru-step",
        points=3,
        function="gru_step",
        calls=_gru_step_calls,
        reference=_gru_step,
        without=("scan", "step"),
        message="z is the share of the new, and r scales the state before the product.",
    ),
    Task(
        cell="ps3-gru-back",
        points=5,
        function="gru_back",
        calls=_gru_back_calls,
        reference=_gru_back,
        without=("scan", "step", "bptt", "rtrl"),
        message="The old state is used in four places; dz has the difference n - h; "
        "W_n multiplied r h.",
    ),
    Task(
        cell="ps3-stranger",
        points=3,
        function="convert",
        calls=_convert_calls,
        reference=_convert,
        message="Transpose, and change z r h into r z n, in both biases too.",
    ),
    Task(
        cell="ps3-count",
        points=1,
        function="count_projected",
        calls=_count_calls,
        reference=_count_projected,
        message="Four blocks of H rows, with I + R + 1 numbers each, and a projection.",
    ),
    Task(
        cell="ps3-units",
        points=2,
        function="units_within",
        calls=_units_calls,
        reference=_units_within,
        without=("size_within",),
        message="One bias for each block; a budget may be used up; nothing may fit.",
    ),
    Task(
        cell="ps3-bias",
        points=2,
        function="bias_for",
        calls=_bias_calls,
        reference=_bias_for,
        message="Solve f^n = s for f, then f = sigmoid(b) for b.",
    ),
)

RUBRIC = {
    "ps3-memory": (
        ("predicts numbers, compares, and says that x and h move the gates around their bias", 1),
        ("names the paths through h and the gates, and why they need two steps", 1),
        ("sees the growth with n at bias 4: detours can explode, clipping is needed", 1),
        ("a long memory comes from the bias, not from the cell as such: bias 0 vanishes", 1),
        ("raises the forget bias to a number from 8a, with the share that it keeps", 1),
    ),
}

"""Problem set 2: hidden tests and rubric.

Gradients are compared with complex steps of the forward pass: Im f(x + iε)/ε is exact to rounding
and shares no derivation with the answer.
"""

import numpy as np

from grading.task import Task, call
from rnncore import RNN

STEP = 1e-30


def slopes(f, x):
    """Gradient of a real function by complex steps; f takes arrays shaped like x."""
    found = np.empty(np.shape(x))
    for i in np.ndindex(found.shape):
        moved = np.array(x, complex)
        moved[i] += 1j * STEP
        found[i] = np.imag(f(moved)) / STEP
    return found


# Task 1


def _two_steps_calls(rng):
    return [call(*(float(v) for v in rng.uniform(-1.5, 1.5, 7))) for _ in range(5)]


def _two_steps(w, u, h0, x1, x2, y1, y2):
    def loss(v):
        h1 = np.tanh(v[0] * v[2] + v[1] * x1)
        h2 = np.tanh(v[0] * h1 + v[1] * x2)
        return ((h1 - y1) ** 2 + (h2 - y2) ** 2) / 2

    return [float(d) for d in slopes(loss, [w, u, h0])]


# Task 2


def leaky(P, alpha, xs, h0, nudge):
    """Slopes' view of the leaky net: fs and hs with a nudge on every pre-activation."""
    fs, hs = [], [h0]
    for x, n in zip(xs, nudge, strict=True):
        fs.append(np.tanh(x @ P["U"].T + hs[-1] @ P["W"].T + P["b"] + n))
        hs.append((1 - alpha) * hs[-1] + alpha * fs[-1])
    return np.array(fs), np.array(hs)


def _leaky_case(rng):
    T, B, I, H = (int(n) for n in rng.permutation([2, 3, 4, 5]))
    P = {"U": rng.normal(size=(H, I)), "W": rng.normal(size=(H, H)), "b": rng.normal(size=H)}
    P = {key: 0.6 * value for key, value in P.items()}  # arctanh below wants unsaturated units
    xs, h0 = rng.normal(size=(T, B, I)), rng.normal(size=(B, H))
    return P, float(rng.uniform(0.2, 0.8)), xs, h0, rng.normal(size=(T, B, H))


def _leaky_errors_calls(rng):
    calls = []
    for _ in range(3):
        P, alpha, xs, h0, dhs = _leaky_case(rng)
        fs, _ = leaky(P, alpha, xs, h0, np.zeros_like(dhs))
        calls.append(call(P, alpha, fs, dhs))
    return calls


def _leaky_errors(P, alpha, fs, dhs):
    # the inputs and the initial state are not given: h0 = 0 and b chosen to give the same fs
    h0, push = np.zeros_like(fs[0]), []
    h = h0
    for f in fs:
        push.append(np.arctanh(f) - h @ P["W"].T)
        h = (1 - alpha) * h + alpha * f
    push = np.array(push)

    def loss(nudge, h):
        # a nudge of the first state reaches z_1 through W, as it does in the net
        first = [h]
        for p, n in zip(push, nudge, strict=True):
            z = p + first[-1] @ P["W"].T + n
            first.append((1 - alpha) * first[-1] + alpha * np.tanh(z))
        return (np.array(first[1:]) * dhs).sum()

    still = np.zeros_like(fs)
    return slopes(lambda n: loss(n, h0), still), slopes(lambda h: loss(still, h), h0)


def _leaky_grads_calls(rng):
    calls = []
    for _ in range(3):
        P, alpha, xs, h0, dzs = _leaky_case(rng)
        calls.append(call(xs, leaky(P, alpha, xs, h0, np.zeros_like(dzs))[1], dzs))
    return calls


def _leaky_grads(xs, hs, dzs):
    return {
        "U": np.einsum("tbh,tbi->hi", dzs, xs),
        "W": np.einsum("tbh,tbi->hi", dzs, hs[:-1]),
        "b": np.einsum("tbh->h", dzs),
    }


# Tasks 3 and 4


def _net(P, xs, h0):
    hs = [h0]
    for x in xs:
        hs.append(np.tanh(x @ P["U"].T + hs[-1] @ P["W"].T + P["b"]))
    hs = np.array(hs)
    return hs, hs[1:] @ P["V"].T + P["c"]


def _numeric_calls(rng):
    calls = []
    for eps in (1e-5, 0.03, 0.2):
        T, B, I, H, O = (int(n) for n in rng.permutation([2, 3, 4, 5, 6]))
        shapes = {"U": (H, I), "W": (H, H), "b": (H,), "V": (O, H), "c": (O,)}
        P = {key: rng.normal(size=shape) / H**0.5 for key, shape in shapes.items()}
        xs, h0, ys = (rng.normal(size=s) for s in ((T, B, I), (B, H), (T, B, O)))
        calls.append(call(P, xs, h0, ys, eps))
    return calls


def _numeric(P, xs, h0, ys, eps):
    def loss(P):
        return ((_net(P, xs, h0)[1] - ys) ** 2).sum() / 2

    grads = {}
    for key, value in P.items():
        flat = []
        for i in range(value.size):
            nudge = eps * np.eye(value.size)[i].reshape(value.shape)
            up, down = (loss({**P, key: value + sign * nudge}) for sign in (1, -1))
            flat.append((up - down) / (2 * eps))
        grads[key] = np.reshape(flat, value.shape)
    return grads


FLAWS = {
    1: "the error of the next step is dropped",
    2: "the error travels one step back and no further",
    3: "only the loss of the last step is used",
    4: "dW has the term of the last step alone",
    5: "the sum for dW starts at the second step",
    6: "dW uses h_t in place of h_{t-1}",
    7: "the slope is that of the step before",
    8: "W takes the place of its transpose",
    9: "db is a mean over the batch",
    10: "dV is transposed and then reshaped",
    11: "the slope is left out at the first step",
}


def flawed(Q, flaw=0):
    """Backward pass of the net with flaw 1 to 11, or 0 for none."""
    xs, (hs, os) = Q["xs"], _net(Q, Q["xs"], Q["h0"])
    dos = os - Q["ys"]
    if flaw == 3:
        dos[:-1] = 0
    own, T = dos @ Q["V"], len(xs)
    slope = 1 - (hs[:-1] if flaw == 7 else hs[1:]) ** 2
    if flaw == 11:
        slope[0] = 1
    dzs, carried, W = np.empty_like(own), 0.0, Q["W"].T if flaw == 8 else Q["W"]
    for t in reversed(range(T)):
        dzs[t] = slope[t] * (own[t] + (0 if flaw == 1 else carried))
        carried = (slope[t] * own[t] if flaw == 2 else dzs[t]) @ W
    past = hs[1:] if flaw == 6 else hs[:-1]
    terms = {4: slice(T - 1, T), 5: slice(1, T)}.get(flaw, slice(0, T))
    dV = np.einsum("tbo,tbh->oh", dos, hs[1:])
    return {
        "U": np.einsum("tbh,tbi->hi", dzs, xs),
        "W": np.einsum("tbh,tbi->hi", dzs[terms], past[terms]),
        "b": dzs.sum(0).mean(0) if flaw == 9 else dzs.sum((0, 1)),
        "V": dV.T.reshape(dV.shape) if flaw == 10 else dV,
        "c": dos.sum((0, 1)),
    }


def malformed(Q):
    """Say what is wrong with the form of a problem, or None."""
    axes = {"U": 2, "W": 2, "b": 1, "V": 2, "c": 1, "xs": 3, "h0": 2, "ys": 3}
    if not isinstance(Q, dict) or set(Q) != set(axes):
        return f"The problem has to be a dict with the keys {', '.join(axes)}."
    for key, n in axes.items():
        a = Q[key]
        if not isinstance(a, np.ndarray) or a.dtype != np.float64 or a.ndim != n or not a.size:
            return f"{key} has to be a float64 array with {n} axes, and not empty."
        if not (np.abs(a) <= 3).all():
            return f"The numbers in {key} have to lie between -3 and 3."
    (T, B, I), H, O = Q["xs"].shape, len(Q["b"]), len(Q["c"])
    shapes = {"U": (H, I), "W": (H, H), "V": (O, H), "h0": (B, H), "ys": (T, B, O)}
    for key, shape in shapes.items():
        if Q[key].shape != shape:
            return (
                f"{key} has the shape {Q[key].shape}; with the other arrays it should be {shape}."
            )
    size = sum(a.size for a in Q.values())
    return f"The problem holds {size} numbers; 80 are allowed." if size > 80 else None


def blunt(_, answer, __):
    """Which mistake does not show on the problem?"""
    problem = malformed(answer)
    if problem:
        return problem
    right = flawed(answer)
    top = max(np.abs(g).max() for g in right.values())
    for flaw, words in FLAWS.items():
        wrong = flawed(answer, flaw)
        if not max(np.abs(wrong[key] - right[key]).max() for key in right) > 1e-5 * top:
            return f"On your problem mistake {flaw} does not show: {words}."
    return None


def _problem_calls(rng):
    return [call(int(seed)) for seed in rng.integers(1000, size=5)]


# Task 5


def _chunks_calls(rng):
    calls = []
    for k in (1, 3, 4, 20):
        T, B, I, H = 11, *(int(n) for n in rng.permutation([2, 3, 4]))
        params = RNN(I, H).init(rng, np.float64)
        xs, h0, dhs = (rng.normal(size=s) for s in ((T, B, I), (B, H), (T, B, H)))
        calls.append(call(params, xs, h0, dhs, k))
    return calls


def _chunked_gradient(params, xs, h0, dhs, k):
    U, W = params["weight_ih"], params["weight_hh"]
    hs = [h0]
    for x in xs:
        hs.append(np.tanh(x @ U.T + hs[-1] @ W.T + params["bias_ih"] + params["bias_hh"]))
    hs, dzs, dh = np.array(hs), np.empty_like(dhs), 0.0
    for t in reversed(range(len(xs))):
        border = (t + 1) % k == 0
        dzs[t] = (dhs[t] + (0.0 if border else dh)) * (1 - hs[t + 1] ** 2)
        dh = dzs[t] @ W
    grads = _leaky_grads(xs, hs, dzs)
    return {
        "weight_ih": grads["U"],
        "weight_hh": grads["W"],
        "bias_ih": grads["b"],
        "bias_hh": grads["b"],
    }


# Task 7


def _influence_calls(rng):
    calls = []
    for _ in range(3):
        I, H = (int(n) for n in rng.permutation([2, 3, 5])[:2])
        theta, h = rng.normal(size=(H, H + I + 1)), rng.normal(size=H)
        M = rng.normal(size=(H, *theta.shape))
        calls.append(call(theta, float(rng.uniform(0.2, 0.8)), h, M, rng.normal(size=I)))
    return calls


def _influence(theta, alpha, h, M, x):
    def step(th, old):
        z = th @ np.concatenate([old, x, [1.0]])
        return (1 - alpha) * old + alpha * np.tanh(z)

    new = np.empty_like(M)
    for i, j in np.ndindex(theta.shape):
        # the weight moves, and with it the old state, by M
        moved = theta.astype(complex)
        moved[i, j] += 1j * STEP
        new[:, i, j] = np.imag(step(moved, h + 1j * STEP * M[:, i, j])) / STEP
    return step(theta, h), new


# Task 8


def _break_even_calls(rng):
    sizes = [(int(I), int(H)) for I, H in rng.integers(1, 300, size=(6, 2))]
    # where the quotient is a whole number, "fewer" and "as few" differ
    return [call(*pair) for pair in [*sizes, (4, 6), (1, 9), (5, 21)]]


def _break_even(I, H):
    T = 1
    while H * H * (H + I + 1) >= T * I + (T + 1) * H:
        T += max(1, (H * H * (H + I + 1) - T * I - (T + 1) * H) // (I + H))
    return T


TASKS = (
    Task(
        cell="ps2-two-steps",
        points=3,
        function="two_steps",
        calls=_two_steps_calls,
        reference=_two_steps,
        message="Each weight has two copies, and h_1 is used in two places.",
    ),
    Task(
        cell="ps2-leaky-errors",
        points=4,
        function="leaky_errors",
        calls=_leaky_errors_calls,
        reference=_leaky_errors,
        message="The state is used in three places: the output, the leak and W. "
        "The slope has the factor alpha.",
    ),
    Task(
        cell="ps2-leaky-grads",
        points=3,
        function="leaky_grads",
        calls=_leaky_grads_calls,
        reference=_leaky_grads,
        message="Sum over all steps and all sequences; W multiplies the state of the step before.",
    ),
    Task(
        cell="ps2-numeric",
        points=4,
        function="numeric",
        calls=_numeric_calls,
        reference=_numeric,
        without=("numerical_gradient", "gradcheck"),
        rtol=1e-6,
        atol=1e-8,
        message="Move each entry up and down by eps, the others staying as they were.",
    ),
    Task(
        cell="ps2-problem",
        points=4,
        function="sharp_problem",
        calls=_problem_calls,
        reference=lambda seed: seed,
        compare=blunt,
        message="On your problem one of the eleven mistakes does not show.",
    ),
    Task(
        cell="ps2-chunks",
        points=4,
        function="chunked_gradient",
        calls=_chunks_calls,
        reference=_chunked_gradient,
        message="Carry the state, drop its gradient, add up all chunks, the short one too.",
    ),
    Task(
        cell="ps2-influence",
        points=5,
        function="leaky_influence",
        calls=_influence_calls,
        reference=_influence,
        message="The old influence goes on through the leak and through W; "
        "the immediate one has the factor alpha and the old state.",
    ),
    Task(
        cell="ps2-break-even",
        points=2,
        function="break_even",
        calls=_break_even_calls,
        reference=_break_even,
        message="The influence has H times H (H + I + 1) numbers, BPTT holds T I + (T + 1) H.",
    ),
)

RUBRIC = {
    "ps2-exact": (
        ("states four predictions and compares each with the table", 1),
        ("radius 0, and the product of six Jacobians is zero, that of five is not", 1),
        ("says that slopes only scale entries, so tanh does not matter", 1),
        ("sees that early losses of a chunk go back too few steps; one loss in six is complete", 1),
        ("chooses by the numbers of the table and names the price in backward steps", 1),
    ),
}

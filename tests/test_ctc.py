"""CTC: equal to torch's loss, to a sum over all paths, and to itself under every convention."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore import gradcheck, log_softmax
from rnncore.ctc import beam_decode, collapse, ctc_loss, edit_distance, greedy_decode

reproducible = settings(deadline=None, derandomize=True, max_examples=40)


def by_enumeration(logits, blank=0):
    """Probability of every labelling of one sequence (T, V), path by path."""
    T, V = logits.shape
    log_p, found = log_softmax(logits), {}
    for path in itertools.product(range(V), repeat=T):
        labels = tuple(collapse(path, blank))
        found[labels] = found.get(labels, 0) + np.exp(sum(log_p[range(T), path]))
    return found


@st.composite
def problems(draw):
    T, B, V, S = (draw(st.integers(low, high)) for low, high in ((1, 9), (1, 4), (2, 5), (0, 5)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    blank = draw(st.integers(0, V - 1))
    labels = [k for k in range(V) if k != blank]
    targets = rng.choice(labels, size=(B, S)) if S else np.zeros((B, 0), int)
    lengths, counts = rng.integers(1, T + 1, size=B), rng.integers(0, S + 1, size=B)
    return 3 * rng.normal(size=(T, B, V)), targets, lengths, counts, blank


@given(problem=problems(), reduction=st.sampled_from(["mean", "sum"]), zero=st.booleans())
@reproducible
def test_equals_torch(problem, reduction, zero):
    torch = pytest.importorskip("torch")
    logits, targets, lengths, counts, blank = problem
    z = torch.tensor(logits, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        z.log_softmax(2),
        *map(torch.tensor, (targets, lengths, counts)),
        blank=blank,
        reduction=reduction,
        zero_infinity=zero,
    )
    options = {"blank": blank, "reduction": reduction, "zero_infinity": zero}
    loss, dlogits = ctc_loss(logits, targets, lengths, counts, **options)
    assert loss == pytest.approx(theirs.item(), abs=1e-10)
    if np.isfinite(loss):
        theirs.backward()
        np.testing.assert_allclose(dlogits, z.grad.numpy(), atol=1e-10)


def test_equals_the_sum_over_all_paths():
    logits = np.random.default_rng(0).normal(size=(5, 1, 3))
    found = by_enumeration(logits[:, 0])
    assert sum(found.values()) == pytest.approx(1)
    for labels, p in found.items():
        loss, _ = ctc_loss(logits, np.array([labels], int).reshape(1, -1), reduction="sum")
        assert loss == pytest.approx(-np.log(p), abs=1e-12)


def test_gradient_with_repeated_labels_padding_and_an_impossible_target():
    rng = np.random.default_rng(1)
    z = {"z": rng.normal(size=(6, 4, 4))}
    targets = np.array([[1, 1, 2], [3, 3, 3], [2, 1, 2], [1, 2, 3]])
    lengths, counts = np.array([6, 5, 4, 2]), np.array([3, 3, 2, 3])

    def f(p):
        return ctc_loss(p["z"], targets, lengths, counts, zero_infinity=True)

    grad = f(z)[1]
    gradcheck(lambda p: f(p)[0], z, {"z": grad})
    assert not grad[:, 3].any() and not grad[4:, 2].any() and grad[:, 1].any()
    loss, grad = ctc_loss(z["z"], targets, lengths, counts)
    assert loss == np.inf and np.isfinite(grad).all()


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_a_net_that_is_broken_does_not_look_perfect(zero_infinity):
    z = np.zeros((4, 1, 3))
    z[2, 0, 1] = np.nan
    with np.errstate(invalid="ignore"):
        loss, grad = ctc_loss(z, np.array([[1, 2]]), zero_infinity=zero_infinity)
    assert np.isnan(loss) and np.isnan(grad).any()


def test_a_repeated_label_needs_a_blank_between():
    z = np.zeros((2, 1, 3))
    assert ctc_loss(z, np.array([[1, 1]]))[0] == np.inf
    assert np.isfinite(ctc_loss(z, np.array([[1, 2]]))[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_sequences_do_not_underflow(dtype):
    rng = np.random.default_rng(2)
    z = (20 * rng.normal(size=(2000, 2, 6))).astype(dtype)
    loss, grad = ctc_loss(z, rng.integers(1, 6, size=(2, 300)))
    assert np.isfinite(loss) and np.isfinite(grad).all() and grad.dtype == dtype
    np.testing.assert_allclose(grad.sum(axis=2), 0, atol=1e-5)


def test_padding_is_not_read():
    rng = np.random.default_rng(3)
    z, targets = rng.normal(size=(6, 2, 4)), np.array([[1, 2, 3], [2, 0, 0]])
    args = np.array([6, 3]), np.array([3, 1])
    loss, grad = ctc_loss(z, targets, *args)
    z[3:, 1] = 1e3
    again, same = ctc_loss(z, np.array([[1, 2, 3], [2, 3, 99]]), *args)
    assert loss == again and (grad == same).all()


@pytest.mark.parametrize(
    ("path", "labels"),
    [([], []), ([0, 0], []), ([1, 1, 0, 1], [1, 1]), ([0, 2, 2, 1, 0, 1, 1], [2, 1, 1])],
)
def test_collapse(path, labels):
    assert collapse(path) == labels
    assert collapse([k + 1 for k in path], blank=1) == [k + 1 for k in labels]


def test_greedy_follows_the_likeliest_path_within_its_length():
    z = np.full((5, 2, 3), -5.0)
    for t, (a, b) in enumerate([(1, 2), (1, 2), (0, 1), (1, 0), (2, 0)]):
        z[t, 0, a] = z[t, 1, b] = 5
    assert greedy_decode(z) == [[1, 1, 2], [2, 1]]
    assert greedy_decode(z, [2, 2]) == [[1], [2]]


@given(seed=st.integers(0, 99), blank=st.integers(0, 2))
@reproducible
def test_a_wide_beam_finds_all_labellings_and_their_probabilities(seed, blank):
    logits = 2 * np.random.default_rng(seed).normal(size=(4, 3))
    found = by_enumeration(logits, blank)
    beams = beam_decode(logits, width=10_000, blank=blank)
    assert {tuple(labels) for labels, _ in beams} == set(found)
    for labels, log_p in beams:
        assert np.exp(log_p) == pytest.approx(found[tuple(labels)])
    assert [log_p for _, log_p in beams] == sorted((log_p for _, log_p in beams), reverse=True)


def test_beam_beats_greedy_where_paths_add_up():
    logits = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert greedy_decode(logits[:, None]) == [[]]
    best, log_p = beam_decode(logits, width=4)[0]
    assert best == [1] and np.exp(log_p) == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ([1, 2, 3], [1, 3], 1),
        ("ab", "ba", 2),
    ],
)
def test_edit_distance(a, b, edits):
    assert edit_distance(a, b) == edit_distance(b, a) == edits


Z, Y = np.zeros((4, 2, 3)), np.ones((2, 2), int)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((Z[0], Y), {}, ValueError, r"logits: expected shape \(T, B, V\), got \(2, 3\)"),
        ((Z.tolist(), Y), {}, TypeError, "logits: expected a NumPy array, got list"),
        ((Z, Y[:1]), {}, ValueError, r"targets: expected shape \(2, S\), got \(1, 2\)"),
        ((Z, Y * 0.5), {}, ValueError, "targets: expected an array of integers"),
        ((Z, Y * 0), {}, ValueError, r"targets: expected labels in \[0, 3\) without the blank 0"),
        ((Z, Y * 3), {}, ValueError, r"targets: expected labels in \[0, 3\)"),
        ((Z, Y, [4, 5]), {}, ValueError, "lengths: expected values from 1 to 4, got 4 to 5"),
        ((Z, Y, [4, 0]), {}, ValueError, "lengths: expected values from 1 to 4, got 0 to 4"),
        ((Z, Y, None, [1, 3]), {}, ValueError, "target_lengths: expected values from 0 to 2"),
        ((Z, Y, None, [1.0, 2.0]), {}, ValueError, "target_lengths: expected 2 integers"),
        ((Z, Y), {"blank": 3}, ValueError, r"blank: expected a number in \[0, 3\), got 3"),
        ((Z, Y), {"blank": 0.0}, TypeError, "blank: expected an integer, got 0.0"),
        ((Z, Y), {"reduction": "none"}, ValueError, "reduction: expected 'mean' or 'sum'"),
    ],
)
def test_refuses(arguments, options, error, message):
    with pytest.raises(error, match=message):
        ctc_loss(*arguments, **options)


def test_decoders_refuse():
    with pytest.raises(ValueError, match="path: expected an array of integers, got dtype float64"):
        collapse([1.5, 1.0])
    with pytest.raises(ValueError, match="logits: expected shape"):
        beam_decode(Z)
    with pytest.raises(ValueError, match="width: expected a positive integer, got 0"):
        beam_decode(Z[:, 0], width=0)
    with pytest.raises(ValueError, match="lengths"):
        greedy_decode(Z, [9, 9])

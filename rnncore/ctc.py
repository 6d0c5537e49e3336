r"""Connectionist temporal classification: learning a sequence of labels without its timing.

A net says at each of T steps one of V symbols, one of which is the *blank*.  A path of T symbols
stands for the labels that are left when repetitions are merged and then blanks removed, so "aa-ab"
and "-a-ab" both spell "aab".  The loss is minus the logarithm of the sum over all paths that
spell the target.  There are exponentially many; dynamic programming over the target with a blank
before, between and after its labels sums them in O(T S).

Everything is done with logarithms, since the probability of a path is a product of T factors.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncore import _check
from rnncore.ops import log_softmax

__all__ = ["beam_decode", "collapse", "ctc_loss", "edit_distance", "greedy_decode"]

NEVER = -np.inf


def ctc_loss(
    logits: NDArray,
    targets: NDArray,
    lengths: ArrayLike | None = None,
    target_lengths: ArrayLike | None = None,
    *,
    blank: int = 0,
    reduction: Literal["mean", "sum"] = "mean",
    zero_infinity: bool = False,
) -> tuple[float, NDArray]:
    r"""Return the CTC loss and its gradient, by the forward-backward algorithm.

    .. math::
        L = -\ln \sum_{\pi \text{ spells } y} \prod_t p_t(\pi_t), \qquad
        \frac{\partial L}{\partial z_{tk}} = p_t(k) - \sum_{s : \ell_s = k} \gamma_t(s),

    where :math:`\ell` is the target with blanks around its labels and :math:`\gamma_t(s)` the
    probability, given the target, that the path is at its place s at step t.

    Parameters
    ----------
    logits : ndarray (T, B, V)
        Scores z before softmax, float32 or float64.
    targets : ndarray (B, S)
        Labels, integers in [0, V) without the blank; what stands behind a target's length is
        ignored.
    lengths : array_like (B,), optional
        Steps of each sequence, from 1 to T; all T by default.
    target_lengths : array_like (B,), optional
        Labels of each target, from 0 to S; all S by default.
    blank : int, optional
        Number of the blank.
    reduction : {"mean", "sum"}, optional
        As in torch: the mean over the batch of each loss divided by its number of labels (by 1
        for an empty target), or the sum of the losses.
    zero_infinity : bool, optional
        Whether an impossible target, one that needs more steps than there are, counts as 0.
        Otherwise the loss is infinite.  The gradient of such a sequence is zero either way.

    Returns
    -------
    loss : float
        L, summed in float64.
    dlogits : ndarray (T, B, V)
        Gradient, dtype of `logits`; zero in the padding.

    Raises
    ------
    TypeError, ValueError
        If a shape, dtype, length or label does not fit, or `reduction` is unknown.

    References
    ----------
    Graves, Fernández, Gomez and Schmidhuber (2006), Connectionist temporal classification.
    """
    _check.array("logits", logits, ("T", "B", "V"))
    T, B, V = logits.shape
    targets, lengths, counts = _check_targets(targets, lengths, target_lengths, blank, (T, B, V))
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction: expected 'mean' or 'sum', got {reduction!r}")
    labels = interleave(targets, counts, blank)
    log_p = log_softmax(logits.astype(np.float64))
    emit = np.take_along_axis(log_p, np.broadcast_to(labels, (T, *labels.shape)), axis=2)
    alpha, beta = passes(emit, skips(labels, blank), lengths, 2 * counts + 1)
    rows = np.arange(B)
    ends = alpha[lengths - 1, rows]
    total = np.logaddexp(
        ends[rows, 2 * counts], np.where(counts, ends[rows, 2 * counts - 1], NEVER)
    )
    possible = total != NEVER  # NaN is no impossible target
    gamma = np.exp(alpha + beta - np.where(possible, total, 0)[:, None])
    dz = np.exp(log_p)
    for s in range(labels.shape[1]):
        dz[:, rows, labels[:, s]] -= gamma[:, :, s]
    live = (np.arange(T)[:, None] < lengths) & possible
    weight = 1 / (B * np.maximum(counts, 1)) if reduction == "mean" else np.ones(B)
    losses = np.where(possible, -total, 0 if zero_infinity else np.inf)
    dz = np.where(live[..., None], dz * weight[:, None], 0)
    return float(losses @ weight), dz.astype(logits.dtype)


def interleave(targets: NDArray, counts: NDArray, blank: int) -> NDArray:
    """Targets (B, S) with a blank before, between and after their labels, (B, 2S + 1)."""
    labels = np.full((len(targets), 2 * targets.shape[1] + 1), blank)
    valid = np.arange(targets.shape[1]) < counts[:, None]
    labels[:, 1::2] = np.where(valid, targets, blank)
    return labels


def skips(labels: NDArray, blank: int) -> NDArray:
    """Logarithm of 1 where a path may come from two places before: between unequal labels."""
    allowed = np.zeros(labels.shape, bool)
    allowed[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return np.where(allowed, 0.0, NEVER)


def shifted(rows: NDArray, by: int) -> NDArray:
    """Columns moved by some places to the right, or the left; nothing comes in."""
    out = np.full_like(rows, NEVER)
    if by > 0:
        out[:, by:] = rows[:, :-by]
    else:
        out[:, :by] = rows[:, -by:]
    return out


def passes(
    emit: NDArray, skip: NDArray, lengths: NDArray, places: NDArray
) -> tuple[NDArray, NDArray]:
    """Run forward and backward over emit (T, B, P); alpha has the emission of its step, beta not.

    alpha_t(s) sums the paths that begin anywhere and are at s after step t, beta_t(s) those that
    go on from there to an end; a path ends on the last label or on the blank behind it.
    """
    T, B, P = emit.shape
    alpha, beta = np.full((2, T, B, P), NEVER)
    alpha[0, :, :2] = emit[0, :, :2]
    for t in range(1, T):
        now = np.logaddexp(alpha[t - 1], shifted(alpha[t - 1], 1))
        alpha[t] = emit[t] + np.logaddexp(now, shifted(alpha[t - 1], 2) + skip)
    last = np.arange(P) >= places[:, None] - 2
    final = np.where(last & (np.arange(P) < places[:, None]), 0.0, NEVER)
    beta[T - 1] = np.where(lengths[:, None] == T, final, NEVER)
    for t in range(T - 2, -1, -1):
        ahead = beta[t + 1] + emit[t + 1]
        now = np.logaddexp(ahead, shifted(ahead, -1))
        now = np.logaddexp(now, shifted(ahead + skip, -2))
        beta[t] = np.where(lengths[:, None] == t + 1, final, now)
    return alpha, beta


def collapse(path: Sequence[int] | NDArray, blank: int = 0) -> list[int]:
    """Merge repetitions, then remove blanks: what a path spells.

    Parameters
    ----------
    path : sequence of int
        One symbol a step.
    blank : int, optional
        Number of the blank.

    Returns
    -------
    list of int
        The labels.

    Raises
    ------
    TypeError, ValueError
        If the path holds anything but integers.
    """
    path = _check.integers("path", path).tolist() if len(path) else []
    merged = [k for k, before in zip(path, [None, *path], strict=False) if k != before]
    return [k for k in merged if k != blank]


def greedy_decode(
    logits: NDArray, lengths: ArrayLike | None = None, blank: int = 0
) -> list[list[int]]:
    r"""Return what the likeliest path of each sequence spells; not always the likeliest labels.

    .. math:: \hat y = \mathrm{collapse}(\arg\max_k z_{1k}, \dots, \arg\max_k z_{Tk})

    Parameters
    ----------
    logits : ndarray (T, B, V)
        Scores.
    lengths : array_like (B,), optional
        Steps of each sequence; all T by default.
    blank : int, optional
        Number of the blank.

    Returns
    -------
    list of list of int
        The labels of each sequence.

    Raises
    ------
    TypeError, ValueError
        If a shape, dtype or length does not fit.
    """
    _check.array("logits", logits, ("T", "B", "V"))
    T, B, V = logits.shape
    _check_blank(blank, V)
    lengths = _check.lengths(lengths, T, B)
    lengths = np.full(B, T) if lengths is None else lengths
    paths = logits.argmax(axis=2).T
    return [collapse(path[:n], blank) for path, n in zip(paths, lengths, strict=True)]


def beam_decode(logits: NDArray, width: int = 10, blank: int = 0) -> list[tuple[list[int], float]]:
    r"""Search the likeliest labels of one sequence, keeping `width` prefixes at each step.

    For each prefix two sums are kept, of the paths that end on a blank and of those that do not:
    only from the former can its last label be said again.

    Parameters
    ----------
    logits : ndarray (T, V)
        Scores of one sequence.
    width : int, optional
        Number of prefixes.
    blank : int, optional
        Number of the blank.

    Returns
    -------
    list of (list of int, float)
        Labels and the logarithm of their probability (of the paths that were kept), the best
        first.

    Raises
    ------
    TypeError, ValueError
        If a shape or dtype does not fit, or `width` is not positive.

    References
    ----------
    Hannun, Maas, Jurafsky and Ng (2014), First-pass large vocabulary continuous speech recognition
    using bi-directional recurrent DNNs.
    """
    _check.array("logits", logits, ("T", "V"))
    _check.positive_int("width", width)
    _check_blank(blank, logits.shape[1])
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, NEVER)}
    for log_p in log_softmax(logits.astype(np.float64)).tolist():
        new: dict[tuple[int, ...], list[float]] = {}
        for prefix, (on_blank, on_label) in beams.items():
            both = float(np.logaddexp(on_blank, on_label))
            for k, log_pk in enumerate(log_p):
                if k == blank:
                    _put(new, prefix, 0, both + log_pk)
                elif prefix and k == prefix[-1]:
                    _put(new, prefix, 1, on_label + log_pk)
                    _put(new, (*prefix, k), 1, on_blank + log_pk)
                else:
                    _put(new, (*prefix, k), 1, both + log_pk)
        best = sorted(new.items(), key=lambda item: -np.logaddexp(*item[1]))[:width]
        beams = {prefix: (sums[0], sums[1]) for prefix, sums in best}
    return [(list(prefix), float(np.logaddexp(*sums))) for prefix, sums in beams.items()]


def _put(beams: dict, prefix: tuple[int, ...], which: int, log_p: float) -> None:
    if log_p == NEVER:
        return
    sums = beams.setdefault(prefix, [NEVER, NEVER])
    sums[which] = float(np.logaddexp(sums[which], log_p))


def edit_distance(a: Sequence, b: Sequence) -> int:
    """Count the insertions, deletions and substitutions that turn one sequence into another.

    The label error rate is the sum of these counts over the sum of the targets' lengths.

    Parameters
    ----------
    a, b : sequence
        Labels, or the characters of a string.

    Returns
    -------
    int
        The smallest number of edits.

    References
    ----------
    Levenshtein (1966), Binary codes capable of correcting deletions, insertions, and reversals.
    """
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


def _check_blank(blank: int, symbols: int) -> None:
    if isinstance(blank, bool) or not isinstance(blank, int | np.integer):
        raise TypeError(f"blank: expected an integer, got {blank!r}")
    if not 0 <= blank < symbols:
        raise ValueError(f"blank: expected a number in [0, {symbols}), got {blank}")


def _check_targets(targets, lengths, target_lengths, blank, sizes):
    T, B, V = sizes
    _check_blank(blank, V)
    targets = _check.integers("targets", targets)
    if targets.ndim != 2 or len(targets) != B:
        raise ValueError(f"targets: expected shape ({B}, S), got {targets.shape}")
    S = targets.shape[1]
    lengths = _check.lengths(lengths, T, B)
    lengths = np.full(B, T) if lengths is None else lengths
    counts = np.full(B, S) if target_lengths is None else np.asarray(target_lengths)
    if counts.dtype.kind not in "iu" or counts.shape != (B,):
        raise ValueError(
            f"target_lengths: expected {B} integers, got {counts.dtype} of shape {counts.shape}"
        )
    if counts.min() < 0 or counts.max() > S:
        raise ValueError(
            f"target_lengths: expected values from 0 to {S}, got {counts.min()} to {counts.max()}"
        )
    used = targets[np.arange(S) < counts[:, None]]
    if used.size and (used.min() < 0 or used.max() >= V or (used == blank).any()):
        raise ValueError(f"targets: expected labels in [0, {V}) without the blank {blank}")
    return targets, lengths, counts.astype(np.intp)

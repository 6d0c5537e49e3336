"""The training loop: loss and gradients, clip, update, and hand over what is known.

`train` is a generator. Who calls it decides how long it runs, what is printed and when to stop:

    for now in tqdm(train(loss_and_grads, params, batches, Adam()), total=1000):
        losses.append(now.loss)

It keeps nothing to itself. Every `Update` holds all that the next step depends on, so training that
stops at one and starts again from it ends at the same bits as training that never stopped:

    train(loss_and_grads, now.params, batches_from_here, optimiser, carry=now.carry,
          optimiser_state=now.optimiser_state, start=now.step + 1)

A model of several parts has its parameters in one flat dict, with the name of the part and a dot in
front, as in torch; `join` and `part` put it together and take it apart.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncore._check import number
from rnncore.clipping import clip_by_global_norm
from rnncore.optim import Optimiser

Params = dict[str, NDArray]


class Update(NamedTuple):
    """What `train` knows after one update; never changed later.

    Attributes
    ----------
    step : int
        Number of the batch, counted from `start`.
    loss : float
        Loss of this batch before the update.
    grad_norm : float
        Global norm of its gradient before clipping.
    params : dict of str to ndarray
        Parameters after the update.
    optimiser_state : dict of str to ndarray
        The optimiser's state after the update.
    carry : object
        What `loss_and_grads` handed on: in truncated BPTT, the state of the net.
    """

    step: int
    loss: float
    grad_norm: float
    params: Params
    optimiser_state: Params
    carry: Any


def train(
    loss_and_grads: Callable[[Params, Any, Any], tuple[float, Params, Any]],
    params: Params,
    batches: Iterable,
    optimiser: Optimiser,
    *,
    clip: float | None = None,
    carry: Any = None,
    optimiser_state: Params | None = None,
    start: int = 0,
) -> Iterator[Update]:
    r"""Train, one batch at a time, and yield after every update.

    .. math:: \theta_{k+1} = \text{update}\big(\theta_k, \nabla L_k(\theta_k)\big)

    Parameters
    ----------
    loss_and_grads : callable
        ``loss_and_grads(params, batch, carry) -> (loss, grads, carry)``, the gradients with the
        keys of the parameters.
    params : dict of str to ndarray
        Initial parameters. They are not changed.
    batches : iterable
        What to train on; it may be endless.
    optimiser : Optimiser
        For example ``Adam(1e-3)``.
    clip : float, optional
        Longest gradient allowed, by `clip_by_global_norm`; None leaves gradients as they are.
    carry : object, optional
        What the first call of `loss_and_grads` gets; later calls get what the last one returned.
    optimiser_state : dict of str to ndarray, optional
        Where the optimiser goes on; by default it starts afresh.
    start : int, optional
        Number of the first batch, for a run that goes on.

    Yields
    ------
    Update
        Step, loss, gradient norm, and all that is needed to go on from here.

    Raises
    ------
    FloatingPointError
        If a loss or a gradient is NaN or infinite; names the step, and the key of the gradient.
    TypeError, ValueError
        If an argument does not fit. These checks run at the call, not at the first step.
    """
    if not callable(loss_and_grads):
        got = type(loss_and_grads).__name__
        raise TypeError(f"loss_and_grads: expected a function, got {got}")
    if not isinstance(optimiser, Optimiser):
        got = type(optimiser).__name__
        raise TypeError(f"optimiser: expected one such as Adam(1e-3), got {got}")
    if clip is not None and not number("clip", clip) > 0:
        raise ValueError(f"clip: expected None or a positive number, got {clip}")
    state = optimiser.init(params)
    if optimiser_state is not None:
        optimiser.checked(params, optimiser_state)
        state = optimiser_state
    limit = np.inf if clip is None else clip
    return _steps(loss_and_grads, params, iter(batches), optimiser, limit, carry, state, start)


def _steps(
    loss_and_grads: Callable,
    params: Params,
    batches: Iterator,
    optimiser: Optimiser,
    limit: float,
    carry: Any,
    state: Params,
    start: int,
) -> Iterator[Update]:
    for step, batch in enumerate(batches, start):
        loss, grads, carry = loss_and_grads(params, batch, carry)
        if not np.isfinite(loss):
            raise FloatingPointError(f"loss is {loss} at step {step}")
        try:
            grads, norm = clip_by_global_norm(grads, limit)
        except FloatingPointError as error:
            raise FloatingPointError(f"{error} (step {step}, loss {loss:.6g})") from None
        params, state = optimiser.update(params, grads, state)
        yield Update(step, float(loss), norm, params, state, carry)


def join(**parts: Params) -> Params:
    """Put the parameters of several parts into one flat dict.

    ``join(rnn=a, out=b)`` has the keys ``rnn.weight_ih``, ..., ``out.weight``, ``out.bias``: what
    a ``state_dict()`` of a torch module with these two submodules has.

    Parameters
    ----------
    **parts : dict of str to ndarray
        Parameters, or anything else that is a flat dict, by the name of their part.

    Returns
    -------
    dict of str to ndarray
        A new dict; the arrays are shared.

    Raises
    ------
    TypeError
        If a part is no dict.
    ValueError
        If two entries get the same key, which takes a part whose name contains a dot.
    """
    whole: Params = {}
    for name, params in parts.items():
        if not isinstance(params, dict):
            raise TypeError(f"{name}: expected a dict of arrays, got {type(params).__name__}")
        for key, x in params.items():
            if f"{name}.{key}" in whole:
                raise ValueError(f"{name}.{key}: expected one entry of this key, got two")
            whole[f"{name}.{key}"] = x
    return whole


def part(params: Params, name: str) -> Params:
    """Take one part's parameters out of a joined dict, under their own names again.

    Parameters
    ----------
    params : dict of str to ndarray
        Parameters (or gradients) from `join`.
    name : str
        The part's name; ``"encoder.rnn"`` reaches a part of a part.

    Returns
    -------
    dict of str to ndarray
        A new dict; the arrays are shared.

    Raises
    ------
    TypeError
        If `params` is no dict.
    ValueError
        If there is no such part.
    """
    if not isinstance(params, dict):
        raise TypeError(f"params: expected a dict of arrays, got {type(params).__name__}")
    found = {
        key.removeprefix(f"{name}."): x for key, x in params.items() if key.startswith(f"{name}.")
    }
    if not found:
        there = sorted({key.partition(".")[0] for key in params if "." in key})
        raise ValueError(f"name: expected one of the parts {there}, got {name!r}")
    return found

"""From gradients to better parameters.

An optimiser here is its settings and nothing else: a frozen dataclass. What it remembers between
steps (a step counter, running means) is a flat dict of arrays that `init` makes and `update`
returns anew, so that parameters and memory can be kept, compared, saved and put back:

    optimiser = Adam(lr=1e-3)
    state = optimiser.init(params)
    params, state = optimiser.update(params, grads, state)

Gradients share the keys of the parameters; nothing is changed in place. Each rule is its class's
`_move`: w is a parameter, g its gradient, t counts updates from 1. The formulas, down to where eps
goes, are torch's. A learning rate may be a number or a schedule, a function of the update's number
counted from 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnncore._check import float_arrays, number

Params = dict[str, NDArray]
Schedule = float | Callable[[int], float]


class Optimiser:
    """What all rules share: the loop over parameters, decay, the schedule and the checks."""

    slots: ClassVar[tuple[str, ...]] = ()
    lr: Schedule
    weight_decay: float
    l1: float

    def __post_init__(self) -> None:
        for name, low, high in self._limits():
            x = getattr(self, name)
            if name == "lr" and callable(x):
                continue
            if not low <= number(name, x) < high:
                raise ValueError(f"{name}: expected a number in [{low}, {high}), got {x}")

    def _limits(self) -> list[tuple[str, float, float]]:
        return [(name, 0, np.inf) for name in ("lr", "weight_decay", "l1")]

    def init(self, params: Params) -> Params:
        """Return the state before the first update: a counter, and zeros for each running mean.

        Parameters
        ----------
        params : dict of str to ndarray
            The parameters, float32 or float64.

        Returns
        -------
        dict of str to ndarray
            ``step`` and one array ``<slot>.<key>`` for each running mean and parameter: flat, so
            that it can be saved like parameters.

        Raises
        ------
        TypeError, ValueError
            If `params` is no dict of finite float arrays.
        """
        _check(params, params)
        state = {"step": np.array(0)}
        for slot in self.slots:
            state.update({f"{slot}.{key}": np.zeros_like(w) for key, w in params.items()})
        return state

    def update(self, params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
        """Take one step against the gradient.

        Parameters
        ----------
        params, grads : dict of str to ndarray
            Parameters and their gradients: same keys, shapes and dtypes.
        state : dict of str to ndarray
            What `init` or the last `update` returned.

        Returns
        -------
        params, state : dict of str to ndarray
            New dicts of new arrays, with the dtypes of the old ones.

        Raises
        ------
        TypeError, ValueError
            If `params` is no dict of finite float arrays, or gradients or state do not fit it.
        """
        _check(params, grads)
        grads, step = self._decayed(params, grads), self.checked(params, state)
        lr = float(self.lr(step) if callable(self.lr) else self.lr)
        if not 0 <= lr < np.inf:
            raise ValueError(f"lr: expected a schedule of numbers in [0, inf), got {lr} at {step}")
        new, new_state = {}, {"step": np.array(step + 1)}
        for key, w in params.items():
            memory = [state[f"{slot}.{key}"] for slot in self.slots]
            moved, *memory = self._move(w, grads[key], lr, step + 1, *memory)
            # A setting that is a NumPy float64 must not turn float32 parameters into float64.
            new[key] = np.asarray(moved, w.dtype)
            for slot, m in zip(self.slots, memory, strict=True):
                new_state[f"{slot}.{key}"] = np.asarray(m, w.dtype)
        return new, new_state

    def checked(self, params: Params, state: Params) -> int:
        """Return the number of the next update, if a state fits the parameters.

        Parameters
        ----------
        params : dict of str to ndarray
            The parameters.
        state : dict of str to ndarray
            What `init` or `update` returned.

        Returns
        -------
        int
            How many updates were made before.

        Raises
        ------
        TypeError, ValueError
            If a key, a shape or a dtype does not fit.
        """
        if not isinstance(state, dict):
            raise TypeError(f"state: expected a dict of arrays, got {type(state).__name__}")
        wanted = {f"{slot}.{key}": w for slot in self.slots for key, w in params.items()}
        if state.keys() != {"step", *wanted}:
            expected, got = sorted({"step", *wanted}), sorted(map(str, state))
            raise ValueError(f"state: expected the keys {expected}, got {got}")
        for key, w in wanted.items():
            _same_kind(f"state[{key!r}]", state[key], w)
        step = np.asarray(state["step"])
        if step.dtype.kind not in "iu" or step.ndim or step < 0:
            raise ValueError(f"state['step']: expected an integer from 0, got {state['step']!r}")
        return int(step)

    def _decayed(self, params: Params, grads: Params) -> Params:
        return decay(params, grads, self.weight_decay, self.l1)

    def _move(self, w: NDArray, g: NDArray, lr: float, t: int, *memory: NDArray) -> tuple:
        raise NotImplementedError


@dataclass(frozen=True)
class SGD(Optimiser):
    r"""Gradient descent, with momentum if asked for.

    .. math:: v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v

    Parameters
    ----------
    lr : float or callable
        Learning rate :math:`\eta`, or a function of the update's number.
    momentum : float, optional
        :math:`\mu`; 0 is plain gradient descent.
    weight_decay, l1 : float, optional
        See `decay`.

    Raises
    ------
    TypeError, ValueError
        If a setting is no number, or not in its range.

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods; in the form of
    Sutskever et al. (2013), On the importance of initialization and momentum in deep learning,
    with torch's place for the learning rate.
    """

    lr: Schedule
    momentum: float = 0.0
    weight_decay: float = 0.0
    l1: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def _limits(self) -> list[tuple[str, float, float]]:
        return [*super()._limits(), ("momentum", 0, 1)]

    def _move(self, w: NDArray, g: NDArray, lr: float, t: int, v: NDArray) -> tuple:
        v = self.momentum * v + g
        return w - lr * v, v


@dataclass(frozen=True)
class RMSProp(Optimiser):
    r"""Gradient descent whose step is measured in typical gradients of each parameter.

    .. math:: s \leftarrow \alpha s + (1 - \alpha) g^2, \qquad
              v \leftarrow \mu v + \frac{g}{\sqrt{s} + \epsilon}, \qquad w \leftarrow w - \eta v

    Parameters
    ----------
    lr : float or callable, optional
        Learning rate :math:`\eta`, or a function of the update's number.
    alpha : float, optional
        How much of the running mean of squares is kept.
    eps : float, optional
        :math:`\epsilon`, added after the square root.
    momentum : float, optional
        :math:`\mu`.
    weight_decay, l1 : float, optional
        See `decay`.

    Raises
    ------
    TypeError, ValueError
        If a setting is no number, or not in its range.

    References
    ----------
    Tieleman and Hinton (2012), Neural Networks for Machine Learning, lecture 6.5.
    """

    lr: Schedule = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    weight_decay: float = 0.0
    l1: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("square", "velocity")

    def _limits(self) -> list[tuple[str, float, float]]:
        own = [("alpha", 0, 1), ("eps", 0, np.inf), ("momentum", 0, 1)]
        return [*super()._limits(), *own]

    def _move(self, w: NDArray, g: NDArray, lr: float, t: int, s: NDArray, v: NDArray) -> tuple:
        s = self.alpha * s + (1 - self.alpha) * g * g
        v = self.momentum * v + g / (np.sqrt(s) + self.eps)
        return w - lr * v, s, v


@dataclass(frozen=True)
class Adam(Optimiser):
    r"""Momentum divided by typical gradients, both corrected for having started at zero.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
              s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \qquad
              w \leftarrow w - \eta \frac{m / (1 - \beta_1^t)}
                                         {\sqrt{s / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float or callable, optional
        Learning rate :math:`\eta`, or a function of the update's number.
    betas : tuple of float, optional
        How much of the running means of g and of its square is kept.
    eps : float, optional
        :math:`\epsilon`, added after the square root.
    weight_decay, l1 : float, optional
        See `decay`.

    Raises
    ------
    TypeError, ValueError
        If a setting is no number, or not in its range.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization.
    """

    lr: Schedule = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    l1: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.betas, tuple | list):
            raise TypeError(f"betas: expected two numbers in [0, 1), got {self.betas!r}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: expected two numbers in [0, 1), got {self.betas}")

    def _limits(self) -> list[tuple[str, float, float]]:
        return [*super()._limits(), ("eps", 0, np.inf)]

    def _move(self, w: NDArray, g: NDArray, lr: float, t: int, m: NDArray, s: NDArray) -> tuple:
        b1, b2 = self.betas
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g * g
        return w - lr / (1 - b1**t) * m / (np.sqrt(s / (1 - b2**t)) + self.eps), m, s


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with the decay taken out of the gradient, so that all weights shrink at one rate.

    .. math:: w \leftarrow (1 - \eta \lambda) w, \qquad \text{then as Adam without decay}

    Parameters
    ----------
    lr, betas, eps : optional
        As for `Adam`.
    weight_decay : float, optional
        :math:`\lambda`, 0.01 by default as in torch.
    l1 : float, optional
        As for `Adam`: added to the gradient.

    Raises
    ------
    TypeError, ValueError
        If a setting is no number, or not in its range.

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization.
    """

    weight_decay: float = 1e-2

    def _decayed(self, params: Params, grads: Params) -> Params:
        return decay(params, grads, 0.0, self.l1)

    def _move(self, w: NDArray, g: NDArray, lr: float, t: int, *memory: NDArray) -> tuple:
        return super()._move((1 - lr * self.weight_decay) * w, g, lr, t, *memory)


def decay(params: Params, grads: Params, weight_decay: float = 0.0, l1: float = 0.0) -> Params:
    r"""Add the gradients of an L2 and an L1 penalty.

    .. math:: g + \lambda w + \lambda_1 \, \mathrm{sign}(w)
              \quad \text{from} \quad L + \tfrac{\lambda}{2} \|w\|_2^2 + \lambda_1 \|w\|_1

    Parameters
    ----------
    params, grads : dict of str to ndarray
        Parameters and their gradients: same keys, shapes and dtypes.
    weight_decay : float, optional
        :math:`\lambda`, as in torch coupled to the gradient.
    l1 : float, optional
        :math:`\lambda_1`; at w = 0 the subgradient 0 is taken.

    Returns
    -------
    dict of str to ndarray
        New gradients; the arrays themselves where both penalties are 0.

    Raises
    ------
    TypeError, ValueError
        If `params` is no dict of finite float arrays, or the gradients do not fit it, or a factor
        is not in [0, inf).
    """
    for name, factor in (("weight_decay", weight_decay), ("l1", l1)):
        if not 0 <= number(name, factor) < np.inf:
            raise ValueError(f"{name}: expected a number in [0, inf), got {factor}")
    _check(params, grads)
    grads = dict(grads)
    for key, w in params.items():
        if weight_decay:
            grads[key] = grads[key] + float(weight_decay) * w
        if l1:
            grads[key] = grads[key] + float(l1) * np.sign(w)
    return grads


def _check(params: Params, grads: Params) -> None:
    float_arrays("params", params)
    float_arrays("grads", grads)
    if set(params) != set(grads):
        raise ValueError(f"grads: expected the keys {sorted(params)}, got {sorted(grads)}")
    for key, w in params.items():
        _same_kind(f"grads[{key!r}]", grads[key], w)
        if not np.isfinite(w).all():
            raise ValueError(f"params[{key!r}]: expected finite numbers, got NaN or infinity")


def _same_kind(name: str, x: Any, like: NDArray) -> None:
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(x).__name__}")
    if x.shape != like.shape or x.dtype != like.dtype:
        expected, got = f"{like.shape} {like.dtype}", f"{x.shape} {x.dtype}"
        raise ValueError(f"{name}: expected {expected}, got {got}")

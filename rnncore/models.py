"""Nets made of nets: `Stack` puts models on top of each other, `Bidirectional` runs one both ways.

Neither knows what it holds: a cell, a `Clockwork` net, or one of these two again.  Each renames
its parts' parameters with the suffixes of `torch.nn.LSTM` (``_l0``, ``_l1``, …, ``_reverse``),
hands them their share and puts the results together, so the ``state_dict()`` of a torch module is
the params dict of the model that mirrors it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore.running import Params, advance, backward, forward, known

LAYER = re.compile(r"_l(\d+)((?:_reverse)*)$")


class Cache(NamedTuple):
    """What `scan` keeps of a net made of nets: the inputs and the parts' caches."""

    model: Any
    xs: NDArray
    parts: tuple
    lengths: NDArray | None


class Part(NamedTuple):
    """One part of a model and the names its parameters have in the whole."""

    model: Any
    names: dict[str, str]

    def pick(self, params: Params) -> Params:
        """Return the part's share of the parameters under the part's own names."""
        return {key: params[name] for key, name in self.names.items()}

    def put(self, grads: Params) -> Params:
        """Undo `pick`."""
        return {name: grads[key] for key, name in self.names.items()}


def on_layer(key: str, layer: int) -> str:
    """Name of a part's parameter when the part begins at this layer."""
    found = LAYER.search(key)
    if found is None:
        return f"{key}_l{layer}"
    return f"{key[: found.start()]}_l{int(found[1]) + layer}{found[2]}"


def depth(model: Any) -> int:
    """Number of layers."""
    if isinstance(model, Stack):
        return sum(map(depth, model.layers))
    return depth(model.model) if isinstance(model, Bidirectional) else 1


def nesting(model: Any) -> int:
    """Number of `Bidirectional` models inside one another."""
    if isinstance(model, Stack):
        return max(map(nesting, model.layers))
    return 1 + nesting(model.model) if isinstance(model, Bidirectional) else 0


class Composite:
    """What follows from a model's `parts` alone."""

    parts: tuple[Part, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        return {part.names[k]: s for part in self.parts for k, s in part.model.shapes.items()}

    @property
    def dead_entries(self) -> dict[str, int]:
        """Entries that are not parameters, by name."""
        dead = ((part, getattr(part.model, "dead_entries", {})) for part in self.parts)
        return {part.names[k]: n for part, counts in dead for k, n in counts.items()}

    def check_params(self, params: Params) -> None:
        """Let the parts check what is special to them."""
        for part in self.parts:
            if hasattr(part.model, "check_params"):
                part.model.check_params(part.pick(params))

    def state_spec(self, batch: int) -> tuple:
        """Shapes of the state: a tuple of the parts' states."""
        return tuple(part.model.state_spec(batch) for part in self.parts)

    def init(self, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Params:
        """Draw parameters part by part.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        dtype : {float32, float64}
            Type of the parameters.

        Returns
        -------
        dict of str to ndarray
            Names as in `torch.nn.LSTM`: ``weight_ih_l0``, ``weight_hh_l0_reverse``, ….

        Raises
        ------
        TypeError
            If `rng` is no generator.
        ValueError
            If `dtype` is neither float32 nor float64.
        """
        drawn = [part.put(part.model.init(rng, dtype)) for part in self.parts]
        return {key: array for params in drawn for key, array in params.items()}


@dataclass(frozen=True)
class Stack(Composite):
    r"""Layers on top of each other: the outputs of one are the inputs of the next.

    .. math:: h_t^{(l)} = \text{cell}^{(l)}(h_t^{(l-1)}, h_{t-1}^{(l)}), \qquad h_t^{(0)} = x_t .

    Parameters
    ----------
    layers : tuple of models
        The lowest first; each one's input size is the output size of the one below.

    Raises
    ------
    TypeError
        If `layers` is not a tuple of models.
    ValueError
        If it is empty or two sizes do not fit.

    Notes
    -----
    The state is a tuple of the layers' states.

    References
    ----------
    Graves, Mohamed and Hinton (2013), Speech recognition with deep recurrent neural networks.
    """

    layers: tuple

    def __post_init__(self) -> None:
        if not isinstance(self.layers, tuple):
            raise TypeError(f"layers: expected a tuple, got {type(self.layers).__name__}")
        if not self.layers:
            raise ValueError("layers: expected at least one, got none")
        for layer in self.layers:
            known(layer)
        for k, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if below.output_size != above.input_size:
                raise ValueError(
                    f"layers[{k + 1}]: expected input size {below.output_size}, "
                    f"the output size of the layer below, got {above.input_size}"
                )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The layers and their names, numbered from 0."""
        parts, layer = [], 0
        for model in self.layers:
            parts.append(Part(model, {key: on_layer(key, layer) for key in model.shapes}))
            layer += depth(model)
        return tuple(parts)

    @property
    def causal(self) -> bool:
        """Whether no output depends on a later input."""
        return all(layer.causal for layer in self.layers)

    @property
    def input_size(self) -> int:
        """Width of one input."""
        return self.layers[0].input_size

    @property
    def output_size(self) -> int:
        """Width of one output."""
        return self.layers[-1].output_size


@dataclass(frozen=True)
class Bidirectional(Composite):
    r"""Two nets of the same kind, one reading forwards and one backwards.

    .. math::
        \overrightarrow h_t = \text{cell}(x_t, \overrightarrow h_{t-1}), \qquad
        \overleftarrow h_t = \text{cell}'(x_t, \overleftarrow h_{t+1}), \qquad
        y_t = [\overrightarrow h_t, \overleftarrow h_t] .

    Parameters
    ----------
    model : cell or model
        What runs in each direction, with parameters of its own.

    Raises
    ------
    TypeError
        If `model` is no model.

    Notes
    -----
    The state is a pair (forward, reverse).  The reverse part's final state is the one after
    reading the first step.  Parameters of the reverse part end in ``_reverse``, as torch's; where
    `model` is bidirectional itself, in so many more of it that no two names are equal.

    References
    ----------
    Schuster and Paliwal (1997), Bidirectional recurrent neural networks.
    """

    model: Any

    causal: ClassVar[bool] = False

    def __post_init__(self) -> None:
        known(self.model)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The two directions and their names."""
        names = {key: on_layer(key, 0) for key in self.model.shapes}
        # The keys of a bidirectional model inside carry the suffix already, so one is not enough.
        reverse = {key: name + "_reverse" * 2 ** nesting(self.model) for key, name in names.items()}
        return Part(self.model, names), Part(self.model, reverse)

    @property
    def input_size(self) -> int:
        """Width of one input."""
        return self.model.input_size

    @property
    def output_size(self) -> int:
        """Width of one output, both directions side by side."""
        return 2 * self.model.output_size


def reverser(lengths: NDArray | None, steps: int) -> Callable[[NDArray], NDArray]:
    """Return the function that turns round the valid part of each sequence."""
    if lengths is None:
        return lambda a: np.ascontiguousarray(a[::-1])
    t = np.arange(steps)[:, None]
    index = np.where(t < lengths, lengths - 1 - t, t)
    return lambda a: a[index, np.arange(len(lengths))]


@forward.register
def forward_stack(model: Stack, params, xs, state, lengths):
    """Run the layers one after the other."""
    hs, runs = xs, []
    for part, s in zip(model.parts, state, strict=True):
        hs, *run = forward(part.model, part.pick(params), hs, s, lengths)
        runs.append(run)
    states, caches = zip(*runs, strict=True)
    return hs, states, Cache(model, xs, caches, lengths)


@backward.register
def backward_stack(model: Stack, params, dhs, cache, dstate):
    """Go down through the layers."""
    dstates, grads = [], {}
    for part, kept, d in zip(model.parts[::-1], cache.parts[::-1], dstate[::-1], strict=True):
        dhs, d, g = backward(part.model, part.pick(params), dhs, kept, d)
        dstates.append(d)
        grads.update(part.put(g))
    return dhs, tuple(dstates[::-1]), {key: grads[key] for key in model.shapes}


@advance.register
def advance_stack(model: Stack, params, x, state):
    """One step of every layer."""
    states = []
    for part, s in zip(model.parts, state, strict=True):
        x, s = advance(part.model, part.pick(params), x, s)
        states.append(s)
    return x, tuple(states)


@forward.register
def forward_both(model: Bidirectional, params, xs, state, lengths):
    """Run forwards, run on the sequences turned round, turn the second result back."""
    turn = reverser(lengths, len(xs))
    (ahead, back), weights = model.parts, [part.pick(params) for part in model.parts]
    right, s, kept = forward(ahead.model, weights[0], xs, state[0], lengths)
    left, r, kept_r = forward(back.model, weights[1], turn(xs), state[1], lengths)
    hs = np.concatenate([right, turn(left)], axis=2)
    return hs, (s, r), Cache(model, xs, (kept, kept_r), lengths)


@backward.register
def backward_both(model: Bidirectional, params, dhs, cache, dstate):
    """Backpropagate through both directions and add what reaches the inputs."""
    turn = reverser(cache.lengths, len(dhs))
    dright, dleft = np.split(dhs, 2, axis=2)
    (ahead, back), (kept, kept_r) = model.parts, cache.parts
    dxs, d, g = backward(ahead.model, ahead.pick(params), dright, kept, dstate[0])
    dxs_r, r, g_r = backward(back.model, back.pick(params), turn(dleft), kept_r, dstate[1])
    return dxs + turn(dxs_r), (d, r), ahead.put(g) | back.put(g_r)


@advance.register
def advance_both(model: Bidirectional, params, x, state):
    """Refuse: the reverse direction begins at the end."""
    raise TypeError("model: a bidirectional net cannot be stepped, its reverse part needs the end")

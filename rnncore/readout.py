"""A recurrent net that says something: a model with a linear layer on its outputs.

Lectures 3, 4 and 6 put the two together by hand.  From then on this is the net that learns:

    net = Readout(LSTM(I, H), O)
    params = net.init(rng)
    updates = train(net.loss_and_grads(cross_entropy), params, batches, Adam())

Its parameters are those of the model under ``rnn.`` and those of `linear` under ``out.``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore import _check
from rnncore.layers import init_linear, linear, linear_backward
from rnncore.running import bptt, count_parameters, known, scan
from rnncore.training import join, part

Params = dict[str, NDArray]


@dataclass(frozen=True)
class Readout:
    r"""A model and a linear readout of its outputs, at every step or at the last one.

    .. math:: o_t = V h_t + c, \qquad t = 1, \dots, T \quad\text{or } t = T \text{ alone.}

    Parameters
    ----------
    model : cell or model
        Any model of the package, with H outputs a step.
    output_size : int
        Number O of outputs.
    last : bool
        Whether the net answers once, after the last step of each sequence.

    Raises
    ------
    TypeError
        If `model` is no model, `output_size` no integer or `last` no bool.
    ValueError
        If `output_size` is not positive, or `last` goes with a model that reads both ways: at the
        last step its reverse half has read that step alone (lecture 12).
    """

    model: Any
    output_size: int
    last: bool = False

    def __post_init__(self) -> None:
        known(self.model)
        _check.settle_sizes(self, "output_size")
        if not isinstance(self.last, bool):
            raise TypeError(f"last: expected True or False, got {self.last!r}")
        if self.last and not self.model.causal:
            raise ValueError("last: expected False, since the model reads both ways, got True")

    def init(self, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Params:
        """Draw the parameters of the model, then those of the readout.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        dtype : {float32, float64}
            Type of the parameters.

        Returns
        -------
        dict of str to ndarray
            ``rnn.weight_ih``, …, ``out.weight`` (O, H) and ``out.bias`` (O,).

        Raises
        ------
        TypeError, ValueError
            If `rng` is no generator or `dtype` no float.
        """
        out = (self.model.output_size, self.output_size)
        return join(rnn=self.model.init(rng, dtype), out=init_linear(rng, *out, dtype))

    def count(self) -> int:
        """Count the parameters that can learn, those of the readout included."""
        recurrent = sum(count_parameters(self.model).values())
        return recurrent + (self.model.output_size + 1) * self.output_size

    def outputs(
        self, params: Params, xs: NDArray, state: Any = None, lengths: NDArray | None = None
    ) -> tuple[NDArray, Any]:
        """Run the net forwards and keep nothing.

        Parameters
        ----------
        params : dict of str to ndarray
            From `init`.
        xs : ndarray (T, B, I)
            Inputs.
        state : nested tuple of ndarray, optional
            Initial state; None means zeros.
        lengths : ndarray (B,), optional
            Lengths of the sequences.

        Returns
        -------
        os : ndarray (T, B, O), or (B, O) with `last`
            Outputs.
        state : nested tuple of ndarray
            State after the last step.

        Raises
        ------
        TypeError, ValueError
            As `scan` and `linear`.
        """
        hs, state, _ = scan(self.model, part(params, "rnn"), xs, state, lengths, keep=False)
        return linear(part(params, "out"), hs[self._where(hs, lengths)]), state

    def loss_and_grads(
        self,
        loss: Callable[..., tuple[float, NDArray]],
        *,
        stateful: bool = False,
        padded: bool = False,
    ) -> Callable[[Params, tuple, Any], tuple[float, Params, Any]]:
        """Return the function that `train` asks for.

        Parameters
        ----------
        loss : callable
            ``loss(os, *targets) -> (value, dos)``, for instance `cross_entropy`.
        stateful : bool, optional
            Whether the state goes on from batch to batch, as in truncated BPTT; its gradient
            does not.
        padded : bool, optional
            Whether a batch brings the lengths of its sequences.

        Returns
        -------
        callable
            ``f(params, batch, state) -> (value, grads, state)``.  A batch is ``(xs, *targets)``,
            if padded ``(xs, lengths, *targets)``.

        Raises
        ------
        TypeError
            If `loss` is not a function.
        """
        if not callable(loss):
            raise TypeError(f"loss: expected a function, got {type(loss).__name__}")

        def run(params: Params, batch: tuple, state: Any = None) -> tuple[float, Params, Any]:
            xs, lengths, *targets = batch if padded else (batch[0], None, *batch[1:])
            rnn, out = part(params, "rnn"), part(params, "out")
            hs, after, cache = scan(self.model, rnn, xs, state, lengths)
            where = self._where(hs, lengths)
            value, dos = loss(linear(out, hs[where]), *targets)
            dread, dout = linear_backward(out, hs[where], dos)
            dhs = np.zeros_like(hs)
            dhs[where] = dread
            _, _, drnn = bptt(self.model, rnn, dhs, cache)
            return value, join(rnn=drnn, out=dout), after if stateful else None

        return run

    def _where(self, hs: NDArray, lengths: NDArray | None) -> Any:
        """Index of the outputs that are read."""
        if not self.last:
            return ...
        if lengths is None:
            return -1
        return np.asarray(lengths) - 1, np.arange(hs.shape[1])

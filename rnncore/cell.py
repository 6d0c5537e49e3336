"""What all cells share: sizes, parameters and the form in which a cell describes itself."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore import _check

ALL = slice(None)
NONE = slice(0)
Views = tuple[int | slice, ...]


class Drawn:
    """A model whose parameters are drawn from one range, that of its `hidden_size`."""

    hidden_size: int
    shapes: dict[str, tuple[int, ...]]

    def init(self, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> dict[str, NDArray]:
        """Draw parameters as torch does: uniform between plus and minus ``1 / sqrt(hidden_size)``.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        dtype : {float32, float64}
            Type of the parameters.

        Returns
        -------
        dict of str to ndarray
            One array for each name and shape in `shapes`.

        Raises
        ------
        TypeError
            If `rng` is no generator.
        ValueError
            If `dtype` is neither float32 nor float64.
        """
        _check.generator(rng)
        dtype = _check.float_dtype("dtype", dtype)
        k = 1 / np.sqrt(self.hidden_size)
        return {key: rng.uniform(-k, k, size).astype(dtype) for key, size in self.shapes.items()}


@dataclass(frozen=True)
class Cell(Drawn):
    """What all cells share: two sizes, parameters named and laid out as in torch's cells.

    Attributes
    ----------
    causal : bool
        Whether no output depends on a later input.
    G, K, D : int
        Numbers of gates, of saved arrays, and of blocks that `pull` writes.
    x_gates, h_gates : tuple of int
        Which of torch's gate blocks each block of ``zx`` and of ``zh`` is.
    dx_gates, dh_gates : tuple of int
        The same for the blocks of ``dz`` that are their gradients.
    sigmoids : tuple of int
        The sigmoid gates, by torch's numbers.
    x, h : slice
        The blocks of ``dz`` that are the gradients of ``zx`` and of ``zh``.
    late : slice
        The blocks of ``zh`` that are not simply added to ``zx``.
    carried : int or None
        The saved array that is the second part of the previous state.
    bypass : bool
        Whether ``h_{t-1}`` reaches ``h_t`` by a path around ``W``.
    zx_views, zh_views, saved_views, dz_views : tuple of int or slice
        The pieces in which `gates` takes ``zx``, ``zh`` and ``saved``, and `pull` takes ``dz``.
    """

    input_size: int
    hidden_size: int

    causal: ClassVar[bool] = True
    G: ClassVar[int]
    K: ClassVar[int]
    D: ClassVar[int]
    x_gates: ClassVar[tuple[int, ...]]
    h_gates: ClassVar[tuple[int, ...]]
    dx_gates: ClassVar[tuple[int, ...]]
    dh_gates: ClassVar[tuple[int, ...]]
    sigmoids: ClassVar[tuple[int, ...]] = ()
    x: ClassVar[slice] = ALL
    h: ClassVar[slice] = ALL
    late: ClassVar[slice] = NONE
    carried: ClassVar[int | None] = None
    bypass: ClassVar[bool] = False
    zx_views: ClassVar[Views] = (ALL,)
    zh_views: ClassVar[Views] = (ALL,)
    saved_views: ClassVar[Views] = ()
    dz_views: ClassVar[Views] = (ALL,)

    def __post_init__(self) -> None:
        _check.settle_sizes(self, "input_size", "hidden_size")

    @property
    def output_size(self) -> int:
        """Width of one output, `hidden_size`."""
        return self.hidden_size

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter: torch's keys, torch's layout."""
        rows = self.G * self.hidden_size
        return {
            "weight_ih": (rows, self.input_size),
            "weight_hh": (rows, self.hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }

    def state_spec(self, batch: int) -> tuple:
        """Shapes of the state's parts."""
        return (_check.Shape((batch, self.hidden_size)),) * (1 if self.carried is None else 2)

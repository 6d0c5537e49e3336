"""Recurrent cells: the elementwise part of a recurrent network, and nothing else.

A cell never multiplies matrices.  `rnncore.loop` hands it the two products

    zx = U x_t + b          zh = W h_{t-1} + b'

gate by gate, *not summed*, and three elementwise functions say all that tells one cell from
another:

``gates(zx, zh, h_prev, new, saved)``
    the forward step: writes the new state and saves what the way back needs.
``slopes(saved, h_prev, h_new)``
    the derivative factors of many steps at once, time first.  All of them are known when the
    forward pass has ended: there is no recurrence in here.
``pull(dstate, slopes, dz)``
    one step backwards, **linear** in the incoming gradient: multiplies it by the slopes, writes
    the gradient of each pre-activation into ``dz`` and leaves in ``dstate`` what reaches the
    state before by a path around ``W``.

Read together they say what backpropagation through time is: the forward pass is a non-linear
recurrence, the backward pass a linear one whose coefficients are known beforehand.

Arrays have the gate axis first, ``(G, B, H)``, so that one gate is one contiguous block.  A cell
keeps its gates in an order of its own, in which gates that are computed alike are neighbours and
take one call; it is handed its arrays in the pieces it names (`zx_views` and its like), cut once
and not at every step.  Sigmoid gates arrive halved, for sigma(z) = (1 + tanh(z / 2)) / 2: it
cannot overflow, and one tanh serves all gates.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy import add, copyto, maximum, multiply, subtract, tanh
from numpy.typing import NDArray

from rnncore.cell import ALL, Cell, Views

# An array without axes: NumPy takes twice as long over a Python number.
HALF = {np.dtype(kind): np.array(0.5, kind) for kind in (np.float32, np.float64)}


@dataclass(frozen=True)
class RNN(Cell):
    r"""The simple (Elman) recurrent cell.

    .. math:: h_t = f(U x_t + b + W h_{t-1} + b'), \qquad f = \tanh \text{ or } \mathrm{ReLU}.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes I and H.
    nonlinearity : {"tanh", "relu"}
        The activation f.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ValueError
        If a size is not positive or the nonlinearity is unknown.

    References
    ----------
    Elman (1990), Finding structure in time.
    """

    nonlinearity: str = "tanh"

    G: ClassVar[int] = 1
    K: ClassVar[int] = 0
    D: ClassVar[int] = 1
    x_gates: ClassVar[tuple[int, ...]] = (0,)
    h_gates: ClassVar[tuple[int, ...]] = (0,)
    dx_gates: ClassVar[tuple[int, ...]] = (0,)
    dh_gates: ClassVar[tuple[int, ...]] = (0,)
    zx_views: ClassVar[Views] = (0,)
    zh_views: ClassVar[Views] = (0,)
    dz_views: ClassVar[Views] = (0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity: expected 'tanh' or 'relu', got {self.nonlinearity!r}")

    def gates(self, zx, zh, h_prev, new, saved) -> None:
        """h = f(zx + zh)."""
        (h,) = new
        add(zx[0], zh[0], h)
        if self.nonlinearity == "tanh":
            tanh(h, h)
        else:
            maximum(h, 0, out=h)

    def slopes(self, saved, h_prev, h_new) -> tuple[NDArray, ...]:
        """f'(z) in terms of h: 1 - h² for tanh, 1 where h > 0 for ReLU."""
        if self.nonlinearity == "tanh":
            return (1 - h_new * h_new,)
        return ((h_new > 0).astype(h_new.dtype),)

    def pull(self, dstate, slopes, dz) -> None:
        """dz = dh f'(z)."""
        multiply(dstate[0], slopes[0], dz[0])


@dataclass(frozen=True)
class LSTM(Cell):
    r"""Long short-term memory with a forget gate.

    .. math::
        i, f, o &= \sigma(U_* x_t + b_* + W_* h_{t-1} + b'_*), \qquad
        g = \tanh(U_g x_t + b_g + W_g h_{t-1} + b'_g), \\
        c_t &= f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh c_t .

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes I and H.  Rows of the parameters are in torch's order i, f, g, o.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ValueError
        If a size is not positive.

    Notes
    -----
    Saved are o, i, f, g, c_{t-1} and tanh c_t.  The blocks of ``dz`` are dc_{t-1}, then i, f, g,
    then o, then what dh adds to dc: all that dc is multiplied by is one block.

    References
    ----------
    Hochreiter and Schmidhuber (1997); Gers, Schmidhuber and Cummins (2000) for the forget gate.
    """

    G: ClassVar[int] = 4
    K: ClassVar[int] = 6
    D: ClassVar[int] = 6
    x_gates: ClassVar[tuple[int, ...]] = (3, 0, 1, 2)
    h_gates: ClassVar[tuple[int, ...]] = (3, 0, 1, 2)
    dx_gates: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)
    dh_gates: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)
    sigmoids: ClassVar[tuple[int, ...]] = (0, 1, 3)
    x: ClassVar[slice] = slice(1, 5)
    h: ClassVar[slice] = slice(1, 5)
    carried: ClassVar[int | None] = 4
    zh_views: ClassVar[Views] = (ALL, slice(2), 0, 1)
    saved_views: ClassVar[Views] = (slice(4), slice(3), slice(1, 3), slice(3, 5), 0, 5)
    dz_views: ClassVar[Views] = (4, 5, slice(4), 0)

    def gates(self, zx, zh, h_prev, new, saved) -> None:
        """c = f c_prev + i g and h = o tanh c; both terms of c are one product, written over zh."""
        h, c = new
        oifg, oif, i_f, g_c, o, tanh_c = saved
        zh, terms, ig, fc = zh
        half = HALF[c.dtype]
        add(zx[0], zh, oifg)
        tanh(oifg, oifg)
        multiply(oif, half, oif)
        add(oif, half, oif)
        multiply(i_f, g_c, terms)
        add(ig, fc, c)
        tanh(c, tanh_c)
        multiply(o, tanh_c, h)

    def slopes(self, saved, h_prev, h_new) -> tuple[NDArray, ...]:
        """Per unit of dh: dz_o and dc; per unit of dc: dc_prev, dz_i, dz_f and dz_g."""
        o, i, f, g, _, tanh_c = saved
        i_f, g_c = saved[1:3], saved[3:5]
        s = np.empty_like(saved)
        s_if, s_g, s_o, s_c = s[1:3], s[3], s[4], s[5]
        multiply(h_new, tanh_c, s_c)
        subtract(o, s_c, s_c)
        subtract(1, o, s_o)
        multiply(s_o, h_new, s_o)
        subtract(1, i_f, s_if)
        multiply(s_if, i_f, s_if)
        multiply(s_if, g_c, s_if)
        multiply(g, g, s_g)
        subtract(1, s_g, s_g)
        multiply(s_g, i, s_g)
        copyto(s[0], f)
        s = s.swapaxes(0, 1)
        return s[:, 4], s[:, 5], s[:, :4]

    def pull(self, dstate, slopes, dz) -> None:
        """dc += dh o (1 - tanh² c); every gate's gradient is dh or dc times its slope."""
        dh, dc = dstate
        of_o, of_c, of_dc = slopes
        dz_o, to_dc, from_dc, dc_prev = dz
        multiply(dh, of_o, dz_o)
        multiply(dh, of_c, to_dc)
        add(dc, to_dc, dc)
        multiply(dc, of_dc, from_dc)
        dstate[1] = dc_prev


@dataclass(frozen=True)
class GRU(Cell):
    r"""Gated recurrent unit, with the reset gate after or before the recurrent product.

    .. math::
        r, z &= \sigma(U_* x_t + b_* + W_* h_{t-1} + b'_*), \\
        n &= \tanh(U_n x_t + b_n + r \odot (W_n h_{t-1} + b'_n)) \quad\text{(after, as torch)}, \\
        n &= \tanh(U_n x_t + b_n + W_n (r \odot h_{t-1}) + b'_n) \quad\text{(before)}, \\
        h_t &= z \odot h_{t-1} + (1 - z) \odot n .

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes I and H.  Rows of the parameters are in torch's order r, z, n.
    reset_after : bool
        Whether r scales the recurrent product (torch, cuDNN, Keras by default) or the state that
        enters it (Cho et al. as published).  Before the product, the cell is no longer
        elementwise: `rnncore.gru_before` runs it, and the functions below do not apply.

    Raises
    ------
    TypeError
        If a size is not an integer or `reset_after` not a bool.
    ValueError
        If a size is not positive.

    Notes
    -----
    Saved are n, r, z and the recurrent part of n, in this order.

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.
    """

    reset_after: bool = True

    G: ClassVar[int] = 3
    K: ClassVar[int] = 4
    D: ClassVar[int] = 4
    x_gates: ClassVar[tuple[int, ...]] = (2, 0, 1)
    h_gates: ClassVar[tuple[int, ...]] = (0, 1, 2)
    dx_gates: ClassVar[tuple[int, ...]] = (2, 0, 1)
    dh_gates: ClassVar[tuple[int, ...]] = (0, 1, 2)
    sigmoids: ClassVar[tuple[int, ...]] = (0, 1)
    x: ClassVar[slice] = slice(0, 3)
    h: ClassVar[slice] = slice(1, 4)
    late: ClassVar[slice] = slice(2, 3)
    bypass: ClassVar[bool] = True
    zx_views: ClassVar[Views] = (0, slice(1, 3))
    zh_views: ClassVar[Views] = (slice(2), 2)
    saved_views: ClassVar[Views] = (0, slice(1, 3), 1, 2, 3)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.reset_after, bool):
            raise TypeError(f"reset_after: expected True or False, got {self.reset_after!r}")

    def gates(self, zx, zh, h_prev, new, saved) -> None:
        """n = tanh(zx_n + r zh_n) and h = n + z (h_prev - n); zx is (n, r, z), zh is (r, z, n)."""
        (h,) = new
        n, rz, r, z, hn = saved
        (zx_n, zx_rz), (zh_rz, zh_n) = zx, zh
        half = HALF[h.dtype]
        add(zx_rz, zh_rz, rz)
        tanh(rz, rz)
        multiply(rz, half, rz)
        add(rz, half, rz)
        copyto(hn, zh_n)
        multiply(r, hn, n)
        add(n, zx_n, n)
        tanh(n, n)
        subtract(h_prev, n, h)
        multiply(h, z, h)
        add(h, n, h)

    def slopes(self, saved, h_prev, h_new) -> tuple[NDArray, ...]:
        """Per unit of dh: the gradients of zx_n, r, z and zh_n; then z, the way around W."""
        n, r, z, hn = saved
        s = np.empty_like(saved)
        s_n, s_r, s_z, s_hn = s
        multiply(n, n, s_n)
        subtract(1, s_n, s_n)
        subtract(1, z, s_z)
        multiply(s_n, s_z, s_n)
        multiply(s_n, r, s_hn)
        subtract(1, r, s_r)
        multiply(s_r, hn, s_r)
        multiply(s_r, s_hn, s_r)
        multiply(s_z, h_new - n, s_z)
        return s.swapaxes(0, 1), z

    def pull(self, dstate, slopes, dz) -> None:
        """Every gradient is dh times its slope; z dh goes on to the step before."""
        (dh,) = dstate
        multiply(dh, slopes[0], dz[0])
        multiply(dh, slopes[1], dh)

"""Recurrent cells: the elementwise part of a recurrent network, and nothing else.

A cell never multiplies matrices.  `rnncore.loop` hands it the two products

    zx = U x_t + b          zh = W h_{t-1} + c

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
take one call.  Sigmoid gates arrive halved, for sigma(z) = (1 + tanh(z / 2)) / 2: it cannot
overflow, and one tanh serves all gates.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnncore.cell import Cell


@dataclass(frozen=True)
class RNN(Cell):
    r"""The simple (Elman) recurrent cell.

    .. math:: h_t = f(U x_t + b + W h_{t-1} + c), \qquad f = \tanh \text{ or } \mathrm{ReLU}.

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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity: expected 'tanh' or 'relu', got {self.nonlinearity!r}")

    def gates(self, zx, zh, h_prev, new, saved) -> None:
        """h = f(zx + zh)."""
        (h,) = new
        np.add(zx[0], zh[0], h)
        if self.nonlinearity == "tanh":
            np.tanh(h, h)
        else:
            np.maximum(h, 0, out=h)

    def slopes(self, saved, h_prev, h_new) -> tuple[NDArray, ...]:
        """f'(z) in terms of h: 1 - h² for tanh, 1 where h > 0 for ReLU."""
        if self.nonlinearity == "tanh":
            return (1 - h_new * h_new,)
        return ((h_new > 0).astype(h_new.dtype),)

    def pull(self, dstate, slopes, dz) -> None:
        """dz = dh f'(z)."""
        np.multiply(dstate[0], slopes[0], dz[0][0])


@dataclass(frozen=True)
class LSTM(Cell):
    r"""Long short-term memory with a forget gate.

    .. math::
        i, f, o &= \sigma(U_* x_t + b_* + W_* h_{t-1} + c_*), \qquad
        g = \tanh(U_g x_t + b_g + W_g h_{t-1} + c_g), \\
        c_t &= f \circ c_{t-1} + i \circ g, \qquad h_t = o \circ \tanh c_t .

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
    Saved are o, i, f, g, c_{t-1} and tanh c_t, in this order.

    References
    ----------
    Hochreiter and Schmidhuber (1997); Gers, Schmidhuber and Cummins (2000) for the forget gate.
    """

    G: ClassVar[int] = 4
    K: ClassVar[int] = 6
    D: ClassVar[int] = 4
    x_gates: ClassVar[tuple[int, ...]] = (3, 0, 1, 2)
    h_gates: ClassVar[tuple[int, ...]] = (3, 0, 1, 2)
    sigmoids: ClassVar[tuple[int, ...]] = (0, 1, 3)
    carried: ClassVar[int | None] = 4
    saved_views: ClassVar[tuple[int | slice, ...]] = (slice(4), slice(3), 0, 1, 2, 3, 4, 5)
    dz_views: ClassVar[tuple[int | slice, ...]] = (0, slice(1, 4))

    def gates(self, zx, zh, h_prev, new, saved) -> None:
        """c = f c_prev + i g and h = o tanh c."""
        h, c = new
        oifg, oif, o, i, f, g, c_prev, tanh_c = saved
        np.add(zx, zh, oifg)
        np.tanh(oifg, oifg)
        np.multiply(oif, 0.5, oif)
        np.add(oif, 0.5, oif)
        np.multiply(i, g, c)
        np.multiply(f, c_prev, tanh_c)
        np.add(c, tanh_c, c)
        np.tanh(c, tanh_c)
        np.multiply(o, tanh_c, h)

    def slopes(self, saved, h_prev, h_new) -> tuple[NDArray, ...]:
        """Per unit of dh: dz_o and dc; per unit of dc: dz_i, dz_f, dz_g and dc_prev."""
        o, i, f, g, _, tanh_c = saved
        i_f, g_c = saved[1:3], saved[3:5]
        s = np.empty_like(saved[:5])
        s_o, s_c, s_if, s_g = s[0], s[1], s[2:4], s[4]
        np.subtract(1, o, s_o)
        np.multiply(s_o, h_new, s_o)
        np.multiply(h_new, tanh_c, s_c)
        np.subtract(o, s_c, s_c)
        np.subtract(1, i_f, s_if)
        np.multiply(s_if, i_f, s_if)
        np.multiply(s_if, g_c, s_if)
        np.multiply(g, g, s_g)
        np.subtract(1, s_g, s_g)
        np.multiply(s_g, i, s_g)
        return s_o, s_c, s[2:].swapaxes(0, 1), f

    def pull(self, dstate, slopes, dz) -> None:
        """dc += dh o (1 - tanh² c), then every gate is one product."""
        dh, dc = dstate
        s_o, s_c, s_ifg, f = slopes
        dz_o, dz_ifg = dz
        np.multiply(dh, s_o, dz_o)
        np.multiply(dh, s_c, dh)
        np.add(dc, dh, dc)
        np.multiply(dc, s_ifg, dz_ifg)
        np.multiply(dc, f, dc)


@dataclass(frozen=True)
class GRU(Cell):
    r"""Gated recurrent unit, with the reset gate after or before the recurrent product.

    .. math::
        r, z &= \sigma(U_* x_t + b_* + W_* h_{t-1} + c_*), \\
        n &= \tanh(U_n x_t + b_n + r \circ (W_n h_{t-1} + c_n)) \quad\text{(after, as torch)}, \\
        n &= \tanh(U_n x_t + b_n + W_n (r \circ h_{t-1}) + c_n) \quad\text{(before)}, \\
        h_t &= z \circ h_{t-1} + (1 - z) \circ n .

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
    sigmoids: ClassVar[tuple[int, ...]] = (0, 1)
    x: ClassVar[slice] = slice(0, 3)
    h: ClassVar[slice] = slice(1, 4)
    late: ClassVar[slice] = slice(2, 3)
    bypass: ClassVar[bool] = True
    saved_views: ClassVar[tuple[int | slice, ...]] = (0, slice(1, 3), 1, 2, 3)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.reset_after, bool):
            raise TypeError(f"reset_after: expected True or False, got {self.reset_after!r}")

    def gates(self, zx, zh, h_prev, new, saved) -> None:
        """n = tanh(zx_n + r zh_n) and h = n + z (h_prev - n); zx is (n, r, z), zh is (r, z, n)."""
        (h,) = new
        n, rz, r, z, hn = saved
        np.add(zx[1:], zh[:2], rz)
        np.tanh(rz, rz)
        np.multiply(rz, 0.5, rz)
        np.add(rz, 0.5, rz)
        np.copyto(hn, zh[2])
        np.multiply(r, hn, n)
        np.add(n, zx[0], n)
        np.tanh(n, n)
        np.subtract(h_prev, n, h)
        np.multiply(h, z, h)
        np.add(h, n, h)

    def slopes(self, saved, h_prev, h_new) -> tuple[NDArray, ...]:
        """Per unit of dh: the gradients of zx_n, r, z and zh_n; then z, the way around W."""
        n, r, z, hn = saved
        s = np.empty_like(saved)
        s_n, s_r, s_z, s_hn = s
        np.multiply(n, n, s_n)
        np.subtract(1, s_n, s_n)
        np.subtract(1, z, s_z)
        np.multiply(s_n, s_z, s_n)
        np.multiply(s_n, r, s_hn)
        np.subtract(1, r, s_r)
        np.multiply(s_r, hn, s_r)
        np.multiply(s_r, s_hn, s_r)
        np.multiply(s_z, h_new - n, s_z)
        return s.swapaxes(0, 1), z

    def pull(self, dstate, slopes, dz) -> None:
        """Every gradient is dh times its slope; z dh goes on to the step before."""
        (dh,) = dstate
        np.multiply(dh, slopes[0], dz[0])
        np.multiply(dh, slopes[1], dh)

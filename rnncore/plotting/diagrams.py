"""Diagrams of recurrent nets, folded and unrolled, drawn from `shapes` and `arrows`.

Letters are the book's: ``U`` input, ``W`` recurrent and ``V`` output weights; inputs ``x``,
hidden states ``h``, outputs ``o``, losses ``L``, backpropagated errors ``δ``. Inputs are at
the bottom, outputs on top, time runs to the right.
"""

from collections.abc import Collection, Sequence

from matplotlib.axes import Axes

from rnncore.plotting.arrows import arrow
from rnncore.plotting.shapes import RADIUS, Point, Shape, box, canvas, label, node

STEP, RISE = 2.0, 1.5


def draw_folded_rnn(ax: Axes, *, jordan: bool = False) -> Axes:
    """Draw a recurrent net folded: one node each for input, state and output, and the loop.

    The square on the loop delays by one step. Suits an ``ax`` about as wide as it is high.

    Parameters
    ----------
    ax : Axes
        Is cleared.
    jordan : bool
        Feed the output back in place of the hidden state.

    Returns
    -------
    Axes
        The same `ax`.
    """
    canvas(ax, 3.6, 2 * RISE + 1.4, (-1.2, -0.7))
    x = node(ax, (0, 0), "$x_t$", "input")
    h = node(ax, (0, RISE), "$h_t$", "hidden")
    o = node(ax, (0, 2 * RISE), "$o_t$", "output")
    arrow(ax, x, h, "$U$")
    arrow(ax, h, o, "$V$")
    source, far = (o, "$o_{t-1}$") if jordan else (h, "$h_{t-1}$")
    top = source.y if jordan else h.y + 0.68
    low = h.y if jordan else h.y - 0.68
    delay = box(ax, (1.25, (top + low) / 2), "", "neutral", width=0.26, height=0.26)
    if jordan:
        arrow(ax, o, delay.top, via=((1.25, top),), head=False)
        arrow(ax, delay.bottom, h, via=((1.25, low),))
        label(ax, (0.75, low - 0.2), "$W$")
    else:
        leave, enter = h.towards((0.3, h.y + 0.3)), h.towards((0.3, h.y - 0.3))
        arrow(ax, leave, delay.top, via=((leave[0], top), (1.25, top)), head=False)
        arrow(ax, delay.bottom, enter, via=((1.25, low), (enter[0], low)))
        label(ax, (0.75, low - 0.2), "$W$")
    label(ax, (1.48, delay.y), far, align="left")
    return ax


def draw_unrolled_rnn(
    ax: Axes,
    steps: int = 4,
    *,
    times: Sequence[str] | None = None,
    inputs: Collection[int] | None = None,
    outputs: Collection[int] | None = None,
    losses: bool = False,
    jordan: bool = False,
    autoregressive: bool = False,
    backward: int | str | None = None,
    weights: bool = True,
) -> Axes:
    r"""Draw a recurrent net unrolled over time.

    Each step reads :math:`x_t`, keeps :math:`h_t` and says :math:`o_t`. What is present at
    which step is chosen by step number, from 1, so that one function draws every wiring::

        draw_unrolled_rnn(ax, 1)                                          one to one
        draw_unrolled_rnn(ax, 4, inputs={1}, autoregressive=True)         one to many
        draw_unrolled_rnn(ax, 4, outputs={4})                             many to one
        draw_unrolled_rnn(ax, 4)                                          tagging
        draw_unrolled_rnn(ax, 5, inputs={1, 2, 3}, outputs={3, 4, 5},
                          autoregressive=True)                            encoder-decoder

    A figure 7 inches wide holds up to five steps with text as large as the page's.

    Parameters
    ----------
    ax : Axes
        Is cleared.
    steps : int
        Number of steps.
    times : sequence of str, optional
        Subscripts of the steps, such as ``("t-1", "t", "t+1")``. The net then goes on beyond
        both ends. Default: 1 to `steps`, beginning with :math:`h_0`.
    inputs, outputs : collection of int, optional
        Steps that have an input, an output. Default: all.
    losses : bool
        Draw a loss on top of each output.
    jordan : bool
        Feed back the output :math:`o_{t-1}` in place of the hidden state :math:`h_{t-1}`.
        Every step must then have an output.
    autoregressive : bool
        A step without an input reads the output of the step before it (dashed).
    backward : int or "all", optional
        Step whose loss is followed backwards, in the colour of gradients:
        :math:`\delta_{t,k}` stands at each state that it reaches. ``"all"`` follows all losses
        at once, :math:`\delta_k` being their sum. Implies `losses`; not with `jordan`.
    weights : bool
        Write U, V and W at the arrows.

    Returns
    -------
    Axes
        The same `ax`.

    Raises
    ------
    ValueError
        If a step number is outside 1 to `steps`, the number of `times` is wrong, or the
        options exclude each other.
    """
    every = range(1, steps + 1)
    inputs, outputs = (
        set(every if inputs is None else inputs),
        set(every if outputs is None else outputs),
    )
    _check(steps, times, inputs, outputs, jordan, backward)
    losses = losses or backward is not None
    names = [str(t) for t in every] if times is None else [*times]
    fed = {t for t in every if autoregressive and t not in inputs and t - 1 in outputs}
    low = 0.0 if inputs or fed else RISE
    high = (3 if losses else 2 if outputs else 1) * RISE
    ends = 0.0 if times is None else 0.9
    canvas(ax, STEP * (steps - 1) + 2.6 + ends, high - low + 1.1, (-2.0, low - 0.55))
    U, W, V = ("$U$", "$W$", "$V$") if weights else ("", "", "")
    hidden = [
        node(ax, (STEP * k, RISE), f"$h_{{{name}}}$", "hidden") for k, name in enumerate(names)
    ]
    output = {
        t: node(ax, (STEP * (t - 1), 2 * RISE), f"$o_{{{names[t - 1]}}}$", "output")
        for t in outputs
    }
    for t, h in zip(every, hidden, strict=True):
        if t in inputs:
            arrow(ax, node(ax, (h.x, 0), f"$x_{{{names[t - 1]}}}$", "input"), h, U)
        if t in outputs:
            arrow(ax, h, output[t], V, side=-1)
        if t in outputs and losses:
            arrow(ax, output[t], node(ax, (h.x, 3 * RISE), f"$L_{{{names[t - 1]}}}$", "gradient"))
        if t in fed:
            turn = h.x - STEP + 0.68
            arrow(ax, output[t - 1], h, via=((turn, 2 * RISE), (turn, 0), (h.x, 0)), dashed=True)
            label(ax, (h.x - 0.24, RISE / 2 - 0.1), U)
    row = [output[t] for t in every] if jordan else hidden
    _recur(ax, row, hidden, "o" if jordan else "h", W, open_ended=times is not None)
    if backward is not None:
        last = {steps} if backward == "all" else {backward}
        _trace_back(ax, hidden, every if backward == "all" else last, backward, names)
    return ax


def _check(steps, times, inputs, outputs, jordan, backward) -> None:
    """Refuse combinations that cannot be drawn."""
    if steps < 1:
        raise ValueError(f"steps: expected at least 1, got {steps}")
    if times is not None and len(times) != steps:
        raise ValueError(f"times: expected {steps} subscripts, got {len(times)}")
    for name, chosen in (("inputs", inputs), ("outputs", outputs)):
        if not chosen <= set(range(1, steps + 1)):
            raise ValueError(f"{name}: expected steps from 1 to {steps}, got {sorted(chosen)}")
    if jordan and (len(outputs) < steps or backward is not None):
        raise ValueError("jordan: expected an output at every step and no backward path")
    if backward not in (None, "all") and backward not in outputs:
        raise ValueError(f"backward: expected 'all' or a step with an output, got {backward!r}")


def _recur(
    ax, source: list[Shape], hidden: list[Shape], letter: str, text: str, open_ended: bool
) -> None:
    """Join each step to the next: from `source` at one step to `hidden` at the next."""
    y = source[0].y
    if open_ended:
        before: Shape | Point = (hidden[0].x - 1.4, y)
        label(ax, (hidden[0].x - 1.65, y), r"$\cdots$")
        label(ax, (hidden[-1].x + 1.65, y), r"$\cdots$")
        arrow(ax, source[-1], (hidden[-1].x + 1.4, y))
    else:
        before = node(ax, (hidden[0].x - 1.5, y), f"${letter}_0$", "neutral")
    for start, end in zip([before, *source[:-1]], hidden, strict=True):
        if y == end.y:
            arrow(ax, start, end, text)
        else:
            turn = end.x - 0.8
            arrow(ax, start, end, via=((turn, y), (turn, end.y)))
            label(ax, (turn - 0.25, (y + end.y) / 2), text)


def _trace_back(
    ax, hidden: list[Shape], starts: Collection[int], backward: int | str, names
) -> None:
    """Draw the way of the error beside the forward arrows, from losses to earlier states."""
    aside = 0.17
    edge = (RADIUS**2 - aside**2) ** 0.5
    look = {"concept": "gradient", "dashed": True}
    for t in starts:
        x = hidden[t - 1].x - aside
        for low in (1, 2):
            arrow(ax, (x, (low + 1) * RISE - edge), (x, low * RISE + edge), **look)
    for k in range(max(starts), 0, -1):
        h = hidden[k - 1]
        if k > 1:
            arrow(ax, (h.x - edge, h.y - aside), (hidden[k - 2].x + edge, h.y - aside), **look)
        indices = names[k - 1] if backward == "all" else f"{names[backward - 1]},{names[k - 1]}"
        label(ax, (h.x + 0.16, h.y - 0.56), rf"$\delta_{{{indices}}}$", "gradient", align="left")

"""Interactive figures that compute in the page, with no kernel and no network.

    from rnncore.widgets import TinyRNN, show
    show(TinyRNN())

Plain JavaScript, by anywidget. `show` adds a picture for pages that are read without JavaScript.
`import rnncore` does not import this module, which needs anywidget, and for pictures matplotlib.
"""

from rnncore.widgets.base import show
from rnncore.widgets.cells import GRUCell, LSTMCell
from rnncore.widgets.dynamics import HopfieldRecall, Powers
from rnncore.widgets.nets import ClockworkActivity, TinyRNN, Unrolling

__all__ = [
    "ClockworkActivity",
    "GRUCell",
    "HopfieldRecall",
    "LSTMCell",
    "Powers",
    "TinyRNN",
    "Unrolling",
    "show",
]

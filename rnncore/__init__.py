"""Recurrent cells and backpropagation through time, in NumPy.

    cell = LSTM(input_size, hidden_size)
    params = cell.init(rng)
    hs, state, cache = scan(cell, params, xs)
    dxs, dstate0, grads = bptt(cell, params, dhs, cache)

Models are sizes, parameters are plain dicts with torch's names, caches are return values.
NumPy alone is needed; torch only for `to_torch` and `from_torch`, matplotlib only for
`rnncore.plotting`.
"""

from typing import Any

from rnncore import data
from rnncore import gru_before as _gru_before  # noqa: F401  (registers the GRU's two variants)
from rnncore.cells import GRU, LSTM, RNN
from rnncore.clipping import clip_by_global_norm, clip_by_value
from rnncore.clockwork import Clockwork
from rnncore.comparing import size_within, tune
from rnncore.gradients import gradcheck, numerical_gradient
from rnncore.influence import rtrl
from rnncore.initialisers import forget_bias, glorot, identity, orthogonal, uniform
from rnncore.jordan import Jordan
from rnncore.layers import (
    embedding,
    embedding_backward,
    init_embedding,
    init_linear,
    linear,
    linear_backward,
)
from rnncore.losses import cross_entropy, squared_error
from rnncore.models import Bidirectional, Stack
from rnncore.ops import (
    log_softmax,
    log_softmax_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
    tanh_backward,
)
from rnncore.optim import SGD, Adam, AdamW, RMSProp, decay
from rnncore.readout import Readout
from rnncore.running import bptt, count_parameters, scan, step
from rnncore.storage import load, save
from rnncore.training import Update, join, part, train

__version__ = "0.1.0"

_TORCH = ("to_torch", "from_torch")

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Adam",
    "AdamW",
    "Bidirectional",
    "Clockwork",
    "Jordan",
    "RMSProp",
    "Readout",
    "Stack",
    "Update",
    "bptt",
    "clip_by_global_norm",
    "clip_by_value",
    "count_parameters",
    "cross_entropy",
    "data",
    "decay",
    "embedding",
    "embedding_backward",
    "forget_bias",
    "from_torch",
    "glorot",
    "gradcheck",
    "identity",
    "init_embedding",
    "init_linear",
    "join",
    "linear",
    "linear_backward",
    "load",
    "log_softmax",
    "log_softmax_backward",
    "numerical_gradient",
    "orthogonal",
    "part",
    "relu",
    "relu_backward",
    "rtrl",
    "save",
    "scan",
    "sigmoid",
    "sigmoid_backward",
    "size_within",
    "softmax",
    "softmax_backward",
    "squared_error",
    "step",
    "tanh_backward",
    "to_torch",
    "train",
    "tune",
    "uniform",
]


def __getattr__(name: str) -> Any:
    """Import the bridge to torch when it is first asked for: torch stays optional."""
    if name not in _TORCH:
        raise AttributeError(f"module 'rnncore' has no attribute {name!r}")
    try:
        from rnncore import torch_bridge
    except ImportError as error:
        raise ImportError(f"rnncore.{name} needs torch: pip install torch") from error
    return getattr(torch_bridge, name)

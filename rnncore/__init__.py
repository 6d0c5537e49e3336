"""Recurrent cells and backpropagation through time, in NumPy.

    cell = LSTM(input_size, hidden_size)
    params = cell.init(rng)
    hs, state, cache = scan(cell, params, xs)
    dxs, dstate0, grads = bptt(cell, params, dhs, cache)

Models are sizes, parameters are plain dicts with torch's names, caches are return values.
NumPy alone is needed; torch only for `to_torch` and `from_torch`, matplotlib only for
`rnncore.plotting`.
"""

from rnncore import loop as _loop  # noqa: F401  (registers the cells with scan, bptt and step)
from rnncore.cells import GRU, LSTM, RNN
from rnncore.gradients import gradcheck, numerical_gradient
from rnncore.initialisers import forget_bias, glorot, identity, orthogonal, uniform
from rnncore.losses import cross_entropy, squared_error
from rnncore.ops import (
    embedding,
    embedding_backward,
    init_embedding,
    init_linear,
    linear,
    linear_backward,
    log_softmax,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
    tanh_backward,
)
from rnncore.optim import SGD, Adam, AdamW, RMSProp, clip_by_global_norm, clip_by_value
from rnncore.running import bptt, count_parameters, scan, step

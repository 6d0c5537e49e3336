"""Weights across to torch and back: the two libraries check each other.

A torch recurrent module's ``state_dict()`` *is* the params dict of the model that mirrors it, so
nothing has to be renamed or permuted: what is in here decides which model mirrors which module.
This is the one module of the package that needs torch.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from rnncore import _check
from rnncore.cell import Cell
from rnncore.cells import GRU, LSTM, RNN
from rnncore.models import Bidirectional, Stack
from rnncore.running import Params, known

MODULES = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}
CELLS = {RNN: nn.RNNCell, LSTM: nn.LSTMCell, GRU: nn.GRUCell}


def to_torch(model: Any, params: Params) -> nn.Module:
    """Build the torch module that computes what a model computes.

    Parameters
    ----------
    model : cell, Stack or Bidirectional
        A bare cell becomes a ``torch.nn.LSTM`` (or RNN, GRU) with one layer; a stack of equal
        layers, each bidirectional or none, one with ``num_layers``.
    params : dict of str to ndarray
        The model's parameters, float32 or float64.

    Returns
    -------
    torch.nn.RNN, torch.nn.LSTM or torch.nn.GRU
        Time first, with copies of the parameters.

    Raises
    ------
    TypeError
        If torch has no such module: `Clockwork`, `Jordan`, a GRU that resets before the product,
        a stack of unequal layers, a bidirectional stack.
    ValueError
        If the parameters do not fit the model.
    """
    known(model)
    dtype = _check.parameters(model.shapes, params)
    layers = model.layers if isinstance(model, Stack) else (model,)
    both = isinstance(layers[0], Bidirectional)
    cells = [layer.model if isinstance(layer, Bidirectional) else layer for layer in layers]
    for layer, cell in zip(layers, cells, strict=True):
        if not isinstance(cell, Cell) or isinstance(layer, Bidirectional) != both:
            raise TypeError(f"model: torch has no module for {model}")
        if isinstance(cell, GRU) and not cell.reset_after:
            raise TypeError("model: torch's GRU resets after the product, got reset_after=False")
    for below, above in pairwise(cells):
        alike = type(below) is type(above) and below.hidden_size == above.hidden_size
        if not alike or getattr(below, "nonlinearity", 0) != getattr(above, "nonlinearity", 0):
            raise TypeError(f"model: torch stacks equal layers only, got {below} below {above}")
    first = cells[0]
    options = {"nonlinearity": first.nonlinearity} if isinstance(first, RNN) else {}
    with torch.random.fork_rng(devices=[]):  # the weights that torch draws are not kept
        module = MODULES[type(first)](
            first.input_size, first.hidden_size, len(cells), bidirectional=both, **options
        ).to(torch.float64 if dtype == np.float64 else torch.float32)
    suffix = "" if model.shapes.keys() == module.state_dict().keys() else "_l0"
    module.load_state_dict({k + suffix: torch.tensor(np.array(v)) for k, v in params.items()})
    return module


def from_torch(module: nn.Module) -> tuple[Any, Params]:
    """Read a torch recurrent module into a model and its parameters.

    Parameters
    ----------
    module : torch.nn.RNN, LSTM, GRU, RNNCell, LSTMCell or GRUCell
        With biases, without projections; ``batch_first`` and ``dropout`` do not matter here.

    Returns
    -------
    model : cell, Stack or Bidirectional
        A cell for a torch cell, for one layer without suffix in its names; else what mirrors the
        module.
    params : dict of str to ndarray
        Copies of the parameters.

    Raises
    ------
    TypeError
        If the module is none of these.
    ValueError
        If it has no biases, or has projections, or its parameters are not float32 or float64.
    """
    kinds = {torch_kind: kind for kinds in (MODULES, CELLS) for kind, torch_kind in kinds.items()}
    if type(module) not in kinds:
        raise TypeError(
            f"module: expected a torch.nn RNN, LSTM or GRU, got {type(module).__name__}"
        )
    if not module.bias or getattr(module, "proj_size", 0):
        raise ValueError("module: expected biases and no projections, got another configuration")
    for key, value in module.state_dict().items():
        if value.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"module: expected float32 or float64, got {value.dtype} of {key!r}")
    params = {k: v.detach().cpu().numpy().copy() for k, v in module.state_dict().items()}
    kind, H = kinds[type(module)], module.hidden_size
    options = {"nonlinearity": module.nonlinearity} if kind is RNN else {}
    if type(module) in CELLS.values():
        return kind(module.input_size, H, **options), params
    both = module.bidirectional
    widths = [module.input_size] + [H * (1 + both)] * (module.num_layers - 1)
    layers = [kind(width, H, **options) for width in widths]
    return Stack(tuple(Bidirectional(cell) if both else cell for cell in layers)), params

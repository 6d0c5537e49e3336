"""Train the character LSTM of lecture 17 in torch, by one process or by several.

One process:       ``python distributed_language_model.py --out one.json``
Two processes:     ``torchrun --nproc_per_node=2 distributed_language_model.py --out two.json``

All start from the weights that rnncore draws.  Each process trains on its share of the rows of each
batch and carries the state of those rows; DistributedDataParallel averages the gradients.  The
shares being equal, the average is the gradient of the whole batch, the curve that of one process.
"""

import argparse
import json
import os
from itertools import chain, islice, repeat
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from rnncore import LSTM, Readout, part, to_torch
from rnncore.data import Vocabulary, load_text, stream_batches


class CharacterLSTM(nn.Module):
    """One-hot characters to scores, with the weights of a `Readout`."""

    def __init__(self, net, params):
        super().__init__()
        self.rnn = to_torch(net.model, part(params, "rnn"))
        out = part(params, "out")
        self.out = nn.Linear(*out["weight"].shape[::-1], dtype=torch.float64)
        self.out.load_state_dict({key: torch.tensor(value) for key, value in out.items()})

    def forward(self, tokens, state):
        """Scores of the next characters, and the state to go on from."""
        size = self.rnn.input_size
        xs = nn.functional.one_hot(tokens, size).to(self.out.weight.dtype)
        hs, state = self.rnn(xs, state)
        return self.out(hs), tuple(s.detach() for s in state)


def start(options):
    """The text as tokens, the net, and the parameters that rnncore draws."""
    text = load_text(options.text)
    vocabulary = Vocabulary.from_text(text)
    size = len(vocabulary)
    net = Readout(LSTM(size, options.hidden), size)
    params = net.init(np.random.default_rng(options.seed), np.float64)
    tokens = vocabulary.encode(text[: int(0.8 * len(text))])
    return tokens, net, params


def batches(tokens, options):
    """As many batches as there are updates, from as many passes as it takes."""
    passes = (stream_batches(tokens, options.batch, options.steps) for _ in repeat(None))
    return islice(chain.from_iterable(passes), options.updates)


def learn(options, rank, world):
    """Train this process's share; return losses of the whole batch, gradient norms, seconds."""
    tokens, net, params = start(options)
    model = CharacterLSTM(net, params).to(getattr(torch, options.dtype))
    trained = DistributedDataParallel(model) if world > 1 else model
    optimiser = torch.optim.Adam(model.parameters(), options.rate)
    mine = slice(rank * options.batch // world, (rank + 1) * options.batch // world)
    losses, norms, state, began = [], [], None, perf_counter()
    for inputs, targets in batches(tokens, options):
        scores, state = trained(torch.tensor(inputs[:, mine]), state)
        right = torch.tensor(targets[:, mine])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), right.flatten())
        optimiser.zero_grad()
        loss.backward()
        grads = [p.grad for p in model.parameters()]
        norm = torch.sqrt(sum((g**2).sum() for g in grads))
        for grad in grads:
            grad *= min(1.0, options.clip / norm.item())
        optimiser.step()
        whole = loss.detach() / world
        if world > 1:
            dist.all_reduce(whole)
        losses.append(whole.item())
        norms.append(norm.item())
    return losses, norms, perf_counter() - began


def parser():
    """The settings, with those of the record's table as defaults."""
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--text", default="timemachine")
    found.add_argument("--dtype", default="float64", choices=("float32", "float64"))
    for name, value in {"hidden": 64, "batch": 32, "steps": 32, "updates": 150, "seed": 0}.items():
        found.add_argument(f"--{name}", type=int, default=value)
    found.add_argument("--rate", type=float, default=0.004)
    found.add_argument("--clip", type=float, default=1.0)
    found.add_argument("--out", type=Path)
    return found


def main():
    """Train, and let the first process write what was found."""
    torch.set_num_threads(1)
    options = parser().parse_args()
    rank, world = (int(os.environ.get(key, d)) for key, d in (("RANK", 0), ("WORLD_SIZE", 1)))
    if options.batch % world:
        raise SystemExit(f"--batch: expected a multiple of {world} processes, got {options.batch}")
    if world > 1:
        dist.init_process_group("gloo")
    losses, norms, seconds = learn(options, rank, world)
    if rank == 0:
        found = {"world": world, "losses": losses, "norms": norms, "seconds": seconds}
        options.out.write_text(json.dumps(found), encoding="utf-8")
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()

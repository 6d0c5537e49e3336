"""Compare four schedules on MNIST, for lecture 18: ``make record TABLES=mnist-schedule``.

How the schedule of our own in `mnist_rows.py` stands among others: the net that reads one way, two
epochs of 55,000 training images, and its accuracy on the other 5,000.  One seed each, so small
differences say nothing.  The test images have no part in it.
"""

import os

import torch
from mnist_rows import accuracy, learn, load
from table import write_table
from tqdm import tqdm

HELD, SEED = 5_000, 10
SCHEDULES = {
    "Adam 0.006": {"rate": 0.006},
    "one cycle to 0.003": {"rate": 0.003, "cycle": True},
    "one cycle to 0.006": {"rate": 0.006, "cycle": True},
    "one cycle to 0.012": {"rate": 0.012, "cycle": True},
}


def main():
    """Train once with each schedule, and write the table."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    images, labels = load("train")
    part, held = (images[:-HELD], labels[:-HELD]), (images[-HELD:], labels[-HELD:])
    rows = []
    for name, options in tqdm(SCHEDULES.items()):
        net = learn(part, SEED, **options)
        rows.append((name, f"{accuracy(net, held):.2f}"))
        print(rows[-1], flush=True)
    content = write_table(
        "mnist-schedule",
        ["schedule", "accuracy on held-out images, %"],
        rows,
        command='RNNCORE_DATA=... make record TABLES="mnist-schedule"',
        seeds=f"{SEED} alone",
        note="LSTM of two layers of 128 units that reads one way, two epochs of 55,000 training "
        "images in batches of 100; accuracy on the other 5,000. One cycle: up in the first tenth "
        "and down, gradients clipped at norm 1. Adam 0.006: constant, not clipped.",
    )
    print(content)


if __name__ == "__main__":
    main()

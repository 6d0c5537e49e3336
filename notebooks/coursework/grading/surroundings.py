"""What a student's code finds around it in the sandbox, where a notebook has more or a task less.

No output is kept, the notebook's own functions do nothing, and some functions of `rnncore` refuse.
"""

import functools
import random
import sys

import numpy as np

active: set[str] = set()  # names that refuse during this task


class Sink:
    """Swallows what is printed, however much it is."""

    encoding = "utf-8"

    def write(self, text):
        """Pretend to have written it."""
        return len(text)

    def writelines(self, lines):
        """Pretend to have written them."""

    def flush(self):
        """Do nothing."""

    def isatty(self):
        """Say no."""
        return False


class Shell:
    """What `get_ipython()` returns here: it takes every call and does nothing."""

    def __getattr__(self, name):
        """Return a function that returns None."""
        return lambda *args, **kwargs: None


def display(*values, **options):
    """Stand in for the notebook's function: nobody looks."""


def guard(names: list[str]) -> None:
    """Make functions of rnncore refuse while a task is to do without them."""
    import rnncore

    modules = [m for key, m in sys.modules.items() if key.split(".")[0] == "rnncore"]
    for name in names:
        original = getattr(rnncore, name)
        replacement = refusing(name, original)
        # Everywhere, or `from rnncore.readout import scan` would be a way around.
        for module in modules:
            for key, value in list(vars(module).items()):
                if value is original:
                    setattr(module, key, replacement)


def refusing(name: str, original):
    """Return a function that does as the original, except while it is forbidden."""

    @functools.wraps(original)
    def guarded(*args, **kwargs):
        if name in active:
            raise RuntimeError(f"rnncore.{name} is not allowed here: write this one yourself")
        return original(*args, **kwargs)

    del guarded.__wrapped__
    return guarded


def same_draws() -> None:
    """Seed the global generators, for those who draw from them against all advice."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002

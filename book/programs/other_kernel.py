"""Print the name of a BLAS kernel other than the one in use here, for ``make portable``.

OpenBLAS picks its kernels by the processor, and kernels differ in the order in which they add.  To
see whether stored outputs hold on another machine, run them with another kernel: Haswell's where
it is not the one in use anyway, else an older one that every processor with Haswell's has.
"""

import numpy  # noqa: F401  (loads the OpenBLAS that is asked for its kernel)
from threadpoolctl import threadpool_info


def other(in_use: str) -> str:
    """Name a kernel whose sums differ from those of the one in use.

    >>> other("SkylakeX"), other("Haswell"), other("Zen")
    ('Haswell', 'Nehalem', 'Nehalem')
    """
    return "Nehalem" if in_use in ("Haswell", "Zen") else "Haswell"


if __name__ == "__main__":
    names = [
        info["architecture"] for info in threadpool_info() if info["internal_api"] == "openblas"
    ]
    print(other(names[0]) if names else "Haswell")

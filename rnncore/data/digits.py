"""Images read row by row: a picture of T rows and I columns is a sequence of T steps."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore._check import float_dtype, generator, number


class DigitRows(NamedTuple):
    """Handwritten digits as sequences of rows, split in two.

    Attributes
    ----------
    train_rows, test_rows : ndarray
        Shape (T, N, I) = (8, N, 8), from 0 (paper) to 1 (ink).
    train_labels, test_labels : ndarray of int64
        Shape (N,), 0 to 9.
    """

    train_rows: NDArray
    train_labels: NDArray[np.int64]
    test_rows: NDArray
    test_labels: NDArray[np.int64]


def image_rows(images: NDArray, largest: float, dtype: DTypeLike = np.float32) -> NDArray:
    r"""Turn images into sequences of rows.

    .. math:: x_{t,n} = \text{row } t \text{ of image } n \, / \, \text{largest}

    Parameters
    ----------
    images : ndarray
        Shape (N, T, I), numbers from 0 to `largest`.
    largest : float
        What becomes 1, positive: 255 for bytes, 16 for scikit-learn's digits.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    ndarray
        Shape (T, N, I), contiguous.

    Raises
    ------
    TypeError, ValueError
        If `images` is no array of three axes, or holds numbers outside [0, largest], or `largest`
        is not positive.
    """
    images, dtype = np.asarray(images), float_dtype("dtype", dtype)
    if not (number("largest", largest) > 0 and np.isfinite(largest)):
        raise ValueError(f"largest: expected a positive number, got {largest}")
    if images.dtype.kind not in "uif":
        raise TypeError(f"images: expected numbers, got dtype {images.dtype}")
    if images.ndim != 3 or images.size == 0:
        raise ValueError(f"images: expected shape (N, T, I), not empty, got {images.shape}")
    if not (images.min() >= 0 and images.max() <= largest):
        raise ValueError(
            f"images: expected numbers from 0 to {largest}, got {images.min()} to {images.max()}"
        )
    # A copy even where only one axis is longer than 1 and nothing has to move.
    rows = np.array(images.swapaxes(0, 1), dtype, order="C")
    rows /= largest
    return rows


def load_digits_rows(
    rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
) -> DigitRows:
    """Return scikit-learn's 1,797 digits of 8 rows and 8 columns, split into train and test.

    The split is stratified: of each class, every fifth image is for testing (the 5th, 10th, ... in
    the order of the data set), which makes 1,442 and 355. It is the same on every machine and with
    every version of NumPy. With a generator, each class is shuffled first, for another split of
    the same sizes.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        By default the fixed split.
    dtype : dtype, optional
        Of the rows, float32 (default) or float64.

    Returns
    -------
    DigitRows
        train_rows (8, 1442, 8), train_labels, test_rows (8, 355, 8), test_labels.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn, which holds the images, is not installed.
    TypeError, ValueError
        If `rng` is no generator or `dtype` no float.

    References
    ----------
    Alpaydin and Kaynak (1998), Optical recognition of handwritten digits, UCI repository.
    """
    from sklearn.datasets import load_digits  # here, since it takes seconds and NumPy is enough

    images, labels = load_digits().images, load_digits().target.astype(np.int64)
    test = np.zeros(len(labels), bool)
    for digit in range(10):
        places = np.flatnonzero(labels == digit)
        if rng is not None:
            places = generator(rng).permutation(places)
        test[places[4::5]] = True
    rows = image_rows(images, 16, dtype)
    return DigitRows(rows[:, ~test].copy(), labels[~test], rows[:, test].copy(), labels[test])

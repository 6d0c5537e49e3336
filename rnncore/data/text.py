"""Text as numbers: a vocabulary of characters, and batches for training on one long stream.

For truncated BPTT a text is cut into B parallel rows, and each batch is the next stretch of all of
them. Row b of one batch goes on where row b of the last one ended, so the state of the net can be
carried from batch to batch:

    text      a b c d e f g h i j k l m            B = 2 rows, stretches of 3 steps
    row 0     a b c | d e f                        inputs (T, B) = [[a, g], [b, h], [c, i]]
    row 1     g h i | j k l                        targets       = [[b, h], [c, i], [d, j]]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnncore._check import float_dtype, integers, positive_int
from rnncore.data.files import FILES, data_path, read_checked

_TEXTS = {
    "timemachine": "timemachine/timemachine.txt",
    "tinyshakespeare": "tinyshakespeare/input.txt",
}


@dataclass(frozen=True)
class Vocabulary:
    """The characters of a text, numbered in sorted order.

    Parameters
    ----------
    characters : str
        Each character once, sorted by code point; character k has token k.

    Raises
    ------
    TypeError
        If `characters` is no string.
    ValueError
        If it is empty, or not sorted without repetition.
    """

    characters: str

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str):
            got = type(self.characters).__name__
            raise TypeError(f"characters: expected a string, got {got}")
        if not self.characters or list(self.characters) != sorted(set(self.characters)):
            raise ValueError(
                "characters: expected at least one, sorted, each once (as Vocabulary.from_text "
                f"gives them), got {self.characters[:40]!r}"
            )

    @classmethod
    def from_text(cls, text: str) -> "Vocabulary":
        """Return the vocabulary of all characters that occur in a text.

        Parameters
        ----------
        text : str
            At least one character.

        Returns
        -------
        Vocabulary
            Its characters, sorted.

        Raises
        ------
        TypeError, ValueError
            If `text` is no string, or empty.
        """
        if not isinstance(text, str):
            raise TypeError(f"text: expected a string, got {type(text).__name__}")
        if not text:
            raise ValueError("text: expected at least one character, got an empty string")
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int64]:
        """Turn characters into tokens.

        Parameters
        ----------
        text : str
            Characters of the vocabulary.

        Returns
        -------
        ndarray of int64
            Tokens in [0, len(self)), shape (len(text),).

        Raises
        ------
        TypeError
            If `text` is no string.
        ValueError
            If a character is not in the vocabulary; names it and its position.
        """
        if not isinstance(text, str):
            raise TypeError(f"text: expected a string, got {type(text).__name__}")
        known, codes = _code_points(self.characters), _code_points(text)
        tokens = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        strange = known[tokens] != codes
        if strange.any():
            i = int(np.argmax(strange))
            raise ValueError(
                f"text: expected characters of the vocabulary, got {text[i]!r} at position {i}"
            )
        return tokens.astype(np.int64)

    def decode(self, tokens: NDArray) -> str:
        """Turn tokens into characters.

        Parameters
        ----------
        tokens : array_like of int
            One token, or a sequence of them, in [0, len(self)).

        Returns
        -------
        str
            The text.

        Raises
        ------
        TypeError, ValueError
            If the tokens are no integers, more than a sequence, or outside the vocabulary.
        """
        tokens = np.asarray(tokens)
        tokens = tokens.astype(np.int64) if tokens.size == 0 else tokens
        if tokens.ndim > 1:
            raise ValueError(f"tokens: expected one sequence (T,), got shape {tokens.shape}")
        return "".join(self.characters[k] for k in integers("tokens", tokens, len(self)).flat)


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def one_hot(tokens: NDArray, size: int, dtype: DTypeLike = np.float32) -> NDArray:
    r"""Turn each token into a vector that is 1 at the token's place and 0 elsewhere.

    .. math:: x_{n,k} = [k = \text{token}_n]

    Parameters
    ----------
    tokens : array_like of int
        Tokens in [0, size), any shape.
    size : int
        Length of the vectors.
    dtype : dtype, optional
        float32 (default) or float64.

    Returns
    -------
    ndarray
        Shape (..., size).

    Raises
    ------
    TypeError, ValueError
        If a token is no integer or out of range, `size` is not positive, or `dtype` no float.
    """
    tokens = integers("tokens", tokens, positive_int("size", size))
    x = np.zeros((*tokens.shape, size), float_dtype("dtype", dtype))
    np.put_along_axis(x, tokens[..., None], 1, axis=-1)
    return x


def stream_batches(
    tokens: NDArray, batch_size: int, steps: int
) -> Iterator[tuple[NDArray, NDArray]]:
    """Cut one long sequence into batches that continue one another; once through.

    Parameters
    ----------
    tokens : array_like of int
        The sequence, shape (N,).
    batch_size : int
        Number of rows B; each is (N - 1) // B tokens long.
    steps : int
        Steps T of each batch. What is left of the rows after the last whole batch is not used.

    Returns
    -------
    iterator of (inputs, targets)
        Integers, shape (T, B) each. Targets are the inputs shifted by one; row b of the next batch
        goes on where row b of this one ends.

    Raises
    ------
    TypeError, ValueError
        If `tokens` is no sequence of integers or too short for one batch, or a size is not
        positive. These checks run at the call, not at the first batch.
    """
    tokens = integers("tokens", tokens)
    B, T = positive_int("batch_size", batch_size), positive_int("steps", steps)
    if tokens.ndim != 1:
        raise ValueError(f"tokens: expected one sequence (N,), got shape {tokens.shape}")
    length = (len(tokens) - 1) // B
    if length < T:
        raise ValueError(
            f"tokens: expected at least batch_size * steps + 1 = {B * T + 1}, got {len(tokens)}"
        )
    inputs = tokens[: B * length].reshape(B, length).T
    targets = tokens[1 : B * length + 1].reshape(B, length).T
    starts = range(0, length - T + 1, T)
    return ((inputs[t : t + T].copy(), targets[t : t + T].copy()) for t in starts)


def alphabet_toy() -> list[str]:
    """Return seven little words of letters in alphabetical order, to learn the next letter from.

    Returns
    -------
    list of str
        ``abc bcd cdef fgh a bc abcdef``, as a list.
    """
    return ["abc", "bcd", "cdef", "fgh", "a", "bc", "abcdef"]


def load_text(name: str = "book") -> str:
    """Return a text to train a language model on.

    Parameters
    ----------
    name : {"book", "timemachine", "tinyshakespeare"}, optional
        This book's own prose, always there; H. G. Wells, The Time Machine (1898); or a million
        characters of Shakespeare's plays. The latter two are read from the folder that
        ``RNNCORE_DATA`` names.

    Returns
    -------
    str
        The text, as it is in the file.

    Raises
    ------
    FileNotFoundError
        If the file is not there; says where to put it.
    ValueError
        If there is no such text, or its file is damaged.
    """
    if name == "book":
        book = resources.files("rnncore.data").joinpath("book.txt")
        if not book.is_file():
            raise FileNotFoundError("rnncore/data/book.txt: expected in the package, got no file")
        return book.read_text(encoding="utf-8")
    if name not in _TEXTS:
        raise ValueError(f"name: expected one of {['book', *_TEXTS]}, got {name!r}")
    known = FILES[_TEXTS[name]]
    return read_checked(data_path(_TEXTS[name]), known.size, known.sha256).decode("utf-8")

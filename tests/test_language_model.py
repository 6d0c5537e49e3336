"""Two processes under torchrun train the language model of lecture 17 as one process does."""

import pytest

pytest.importorskip("torch")

import distributed_language_model as distributed
import language_model
import numpy as np

from rnncore.data import Vocabulary, load_text

TINY = ("--text", "book", "--hidden", "6", "--batch", "4", "--steps", "5", "--updates", "6")


def test_two_processes_give_the_curve_of_one_and_of_numpy(tmp_path):
    one, two = (language_model.by_processes(n, tmp_path, "float64", *TINY) for n in (1, 2))
    assert (one["world"], two["world"]) == (1, 2)
    ours = language_model.numpy_curve(distributed.parser().parse_args(TINY))
    for found in (two, ours):
        np.testing.assert_allclose(found["losses"], one["losses"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(two["norms"], one["norms"], rtol=0, atol=1e-10)


@pytest.mark.parametrize("discount", [None, 0.5, 0.9])
@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_of_an_ngram_sum_to_one(order, discount):
    text = load_text("book")
    vocabulary = Vocabulary.from_text(text)
    K, tokens = len(vocabulary), vocabulary.encode(text[:20_000])
    levels = language_model.fit_ngrams(tokens, K, order)
    windows = np.tile(tokens[7 : 7 + order], (K, 1))
    windows[:, -1] = np.arange(K)
    p = language_model.ngram_probability(levels, K, windows, discount)
    assert p.min() > 0
    assert p.sum() == pytest.approx(1, abs=1e-12)

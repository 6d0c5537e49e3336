"""The synthesiser: what it says is where it says it is, and its vowels ring where they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.data import PHONES, PRONUNCIATIONS, VOICES, Voice, speak
from rnncore.data.speech import FOURTH, RATE, resonance

TENOR = VOICES["tenor"]


def rng(seed=0):
    return np.random.default_rng(seed)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    st.sampled_from(sorted(VOICES)),
    st.integers(0, 2**32 - 1),
)
def test_an_utterance_is_finite_scaled_and_in_order(digits, name, seed):
    sound = speak(digits, VOICES[name], rng(seed))
    assert sound.samples.dtype == np.float32 and sound.samples.ndim == 1
    assert np.abs(sound.samples).max() == pytest.approx(0.9)
    assert sound.starts.shape == sound.ends.shape == (len(digits),)
    times = np.stack([sound.starts, sound.ends], axis=1).ravel()
    assert (np.diff(times) > 0).all() and 0 < times[0] and times[-1] < len(sound.samples) / RATE


def test_the_same_generator_says_the_same_and_another_does_not():
    one, two, three = (speak([4, 2], TENOR, rng(seed)).samples for seed in (7, 7, 8))
    assert np.array_equal(one, two)
    assert len(one) != len(three) or not np.array_equal(one, three)


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_louder_than_the_silence_around_it(digit):
    sound = speak([digit], TENOR, rng(), noise=0.01)
    inside = slice(int(sound.starts[0] * RATE), int(sound.ends[0] * RATE))
    before = sound.samples[: int(0.5 * sound.starts[0] * RATE)]
    assert sound.samples[inside].std() > 10 * before.std()


@pytest.mark.parametrize("name", ["iy", "a", "u", "eh"])
@pytest.mark.parametrize("tract", [0.9, 1.0, 1.2])
def test_the_cascade_rings_at_its_formants(name, tract):
    formants = tract * np.array([*PHONES[name].formants, FOURTH])
    f = np.arange(0.0, 4000.0, 5.0)
    height = np.abs(resonance(formants[None], f))[0]
    assert height[0] == pytest.approx(1)
    peaks = f[1:-1][(height[1:-1] > height[:-2]) & (height[1:-1] > height[2:])]
    assert np.abs(peaks - formants[0]).min() < 40


@pytest.mark.parametrize("voice", sorted(VOICES))
def test_the_vowel_of_three_is_no_whistle(voice):
    sound = speak([3], VOICES[voice], rng(), noise=0, variation=0)
    middle, end = (RATE * np.array([sound.starts + sound.ends, 2 * sound.ends]) / 2).astype(int)
    power = np.abs(np.fft.rfft(sound.samples[middle[0] : end[0]])) ** 2
    f = np.fft.rfftfreq(end[0] - middle[0], 1 / RATE)
    assert power[f > 3400].sum() < 0.5 * power[f < 1500].sum()


def test_a_formant_leaves_the_band_without_a_click():
    f = np.arange(0.0, 4000.0, 5.0)
    tracks = np.full((101, 4), 5000.0)
    tracks[:, 2] = np.linspace(3400, 4400, 101)
    height = 20 * np.log10(np.abs(resonance(tracks, f)))
    assert np.array_equal(height[60:], np.zeros_like(height[60:]))
    assert np.abs(np.diff(height, axis=0)).max() < 4


def test_a_shorter_tract_moves_the_spectrum_up():
    def centroid(tract):
        sound = speak([0] * 3, Voice(120, tract), rng(), noise=0, variation=0).samples
        power = np.abs(np.fft.rfft(sound)) ** 2
        f = np.fft.rfftfreq(len(sound), 1 / RATE)
        low = f < 3000
        return (power * f)[low].sum() / power[low].sum()

    assert centroid(0.9) < centroid(1.1) < centroid(1.3)


def test_without_variation_lengths_are_those_of_the_table():
    sound = speak([8], TENOR, rng(), variation=0)
    seconds = sum(PHONES[name].duration for name in PRONUNCIATIONS[8]) / TENOR.tempo
    assert sound.ends[0] - sound.starts[0] == pytest.approx(seconds, abs=0.02)


def test_every_digit_has_its_sounds():
    assert len(PRONUNCIATIONS) == len(set(PRONUNCIATIONS)) == 10
    assert {name for word in PRONUNCIATIONS for name in word} <= set(PHONES)


@pytest.mark.parametrize(
    ("error", "change", "message"),
    [
        (ValueError, {"digits": []}, "digits"),
        (ValueError, {"digits": [10]}, "digits"),
        (TypeError, {"digits": [True]}, "digits"),
        (TypeError, {"digits": "12"}, "digits"),
        (TypeError, {"voice": "alto"}, "voice"),
        (ValueError, {"voice": Voice(10)}, "pitch"),
        (ValueError, {"voice": Voice(100, 2.0)}, "tract"),
        (ValueError, {"voice": Voice(100, tempo=0)}, "tempo"),
        (ValueError, {"voice": Voice(100, breath=1.5)}, "breath"),
        (ValueError, {"pause": -1}, "pause"),
        (ValueError, {"noise": float("nan")}, "noise"),
        (ValueError, {"variation": 9}, "variation"),
        (TypeError, {"rng": 0}, "rng"),
    ],
)
def test_bad_arguments_are_refused(error, change, message):
    fine = {"digits": [1], "voice": TENOR, "rng": rng()}
    keywords = {k: v for k, v in (fine | change).items() if k not in fine}
    first = [(fine | change)[k] for k in fine]
    with pytest.raises(error, match=message):
        speak(*first, **keywords)

r"""A small formant synthesiser that speaks digits: speech whose every cause is known.

A source is filtered.  The source is a train of pulses at the pitch of the voice, or noise, or
both; the filter is a cascade of resonators at the *formants* of the sound that is being said.
A phone is a row of a table: how long it lasts, its formants, how loud the pulses and the noise
are and where the noise lies.  A digit is a list of phones, and a track that runs smoothly from one
phone's values to the next one's makes them one word.  A voice scales: pitch, tempo, and all
formants at once, as a longer or shorter vocal tract does.

    sound = speak([3, 1, 4], VOICES["alto"], rng)
    sound.samples, sound.starts, sound.ends

The frequency response of the resonators is multiplied onto short overlapping frames of the source,
since recursions over samples are slow in Python.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncore._check import generator

RATE, HOP, FRAME, FFT = 8000, 40, 160, 512
BANDWIDTHS = (70.0, 100.0, 160.0, 250.0)
FOURTH, FADE = 3500.0, 400.0


class Phone(NamedTuple):
    """What one sound is made of; its duration in seconds, all frequencies in hertz.

    Attributes
    ----------
    duration : float
        How long it lasts in a voice of tempo 1.
    formants : tuple of float
        The lowest three resonances of the vocal tract, for a voice of tract 1.
    voice, noise : float
        Amplitudes of the pulses, which pass through the formants, and of the noise.
    centre, width : float
        Where the noise lies.
    """

    duration: float
    formants: tuple[float, float, float]
    voice: float = 1.0
    noise: float = 0.0
    centre: float = 2500.0
    width: float = 1500.0


PHONES: dict[str, Phone] = {
    "iy": Phone(0.16, (270, 2290, 3010)),
    "ih": Phone(0.10, (390, 1990, 2550)),
    "e": Phone(0.12, (480, 1900, 2520)),
    "eh": Phone(0.12, (530, 1840, 2480)),
    "a": Phone(0.13, (730, 1150, 2440)),
    "uh": Phone(0.12, (640, 1190, 2390)),
    "ao": Phone(0.15, (570, 840, 2410)),
    "o": Phone(0.10, (500, 900, 2380)),
    "u": Phone(0.15, (310, 880, 2240)),
    "w": Phone(0.06, (300, 610, 2200), 0.6),
    "r": Phone(0.08, (420, 1250, 1600), 0.7),
    "n": Phone(0.09, (260, 1400, 2400), 0.35),
    "v": Phone(0.07, (280, 1100, 2300), 0.35, 0.05, 2000, 1500),
    "z": Phone(0.09, (280, 1600, 2500), 0.25, 0.25, 3600, 500),
    "s": Phone(0.12, (320, 1600, 2500), 0.0, 0.45, 3700, 450),
    "f": Phone(0.11, (320, 1100, 2300), 0.0, 0.12, 2200, 1800),
    "th": Phone(0.11, (320, 1400, 2500), 0.0, 0.10, 3000, 1200),
    "gap": Phone(0.05, (320, 1700, 2500), 0.0),
    "t": Phone(0.03, (320, 1700, 2600), 0.0, 0.60, 3300, 700),
    "k": Phone(0.03, (320, 1900, 2400), 0.0, 0.50, 1900, 400),
}
"""The sounds, by their names."""

PRONUNCIATIONS: tuple[tuple[str, ...], ...] = (
    ("z", "ih", "r", "o", "u"),
    ("w", "uh", "n"),
    ("t", "u", "u"),
    ("th", "r", "iy"),
    ("f", "ao", "r"),
    ("f", "a", "ih", "v"),
    ("s", "ih", "gap", "k", "s"),
    ("s", "eh", "v", "uh", "n"),
    ("e", "ih", "gap", "t"),
    ("n", "a", "ih", "n"),
)
"""For each digit from zero to nine, its sounds."""


class Voice(NamedTuple):
    """Who speaks.

    Attributes
    ----------
    pitch : float
        Mean pitch, from 40 to 500 hertz.
    tract : float
        Factor on all formants: above 1 for a short vocal tract; from 0.7 to 1.5.
    tempo : float
        Factor on the speed, from 0.5 to 2.
    breath : float
        Noise that is mixed into the pulses, from 0 to 1; at 1 it is a whisper.
    """

    pitch: float
    tract: float = 1.0
    tempo: float = 1.0
    breath: float = 0.05


VOICES: dict[str, Voice] = {
    "bass": Voice(90, 0.90, 0.90),
    "baritone": Voice(110, 0.96, 1.05),
    "tenor": Voice(135, 1.00, 1.10, 0.08),
    "alto": Voice(185, 1.10, 0.95, 0.10),
    "soprano": Voice(230, 1.16, 1.00),
    "child": Voice(290, 1.28, 0.90, 0.08),
}
"""Six voices, from low to high."""


class Spoken(NamedTuple):
    """An utterance, and where its digits lie.

    Attributes
    ----------
    samples : ndarray of float32
        Sound pressure between -1 and 1, 8,000 samples a second.
    starts, ends : ndarray of float64
        For each digit, seconds from the beginning.
    """

    samples: NDArray[np.float32]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]


def speak(
    digits: Sequence[int],
    voice: Voice,
    rng: np.random.Generator,
    *,
    pause: float = 0.08,
    noise: float = 0.05,
    variation: float = 1.0,
) -> Spoken:
    r"""Speak some digits, never twice alike.

    A resonator at F hertz with bandwidth B answers a frequency f with

    .. math::
        H(f) = \frac{1 - b - c}{1 - b\,e^{-\mathrm{i}\omega} - c\,e^{-2\mathrm{i}\omega}}, \qquad
        b = 2 e^{-\pi B / R} \cos(2 \pi F / R), \quad c = -e^{-2 \pi B / R},

    with R samples a second and :math:`\omega = 2 \pi f / R`.  Samples carry frequencies up to R/2,
    4,000 hertz: a formant above has no resonator, and one between 3,600 and 4,000 hertz a damped
    one, so that a formant that moves out of the band fades without a click.

    Parameters
    ----------
    digits : sequence of int
        What to say, each from 0 to 9; at least one.
    voice : Voice
        Who says it; one of `VOICES`, or another one.
    rng : numpy.random.Generator
        Source of the pulses' and phones' irregularities and of the noise.
    pause : float, optional
        Mean silence between digits, in seconds; half of it to one and a half times it is drawn.
    noise : float, optional
        White noise over all, as a ratio to the speech's root mean square.
    variation : float, optional
        Size of what differs from one time to the next: at 1, durations by about 15 %, pitch by
        8 %, formants by 4 %; at 0 nothing but the noise.

    Returns
    -------
    Spoken
        Samples, with the loudest at 0.9, and the digits' places.

    Raises
    ------
    TypeError
        If `voice` or `rng` is something else, or a digit no integer.
    ValueError
        If there is no digit, or a value lies outside its range.

    References
    ----------
    Klatt (1980), Software for a cascade/parallel formant synthesizer; Peterson and Barney (1952)
    for the formants of the vowels.
    """
    generator(rng)
    _check(digits, voice, pause, noise, variation)
    silence = PHONES["gap"]
    rows, count, where = [], [], []

    def put(phone: Phone, seconds: float) -> None:
        vary = np.exp(0.04 * variation * rng.normal(size=3))
        rows.append((*voice.tract * vary * phone.formants, *phone[2:]))
        count.append(max(1, round(seconds * RATE / HOP)))

    def rest() -> float:
        return 0.02 + pause * (1 + variation * rng.uniform(-0.5, 0.5))

    put(silence, rest())
    for digit in digits:
        start = sum(count)
        for name in PRONUNCIATIONS[digit]:
            vary = np.exp(0.15 * variation * rng.normal())
            put(PHONES[name], PHONES[name].duration * vary / voice.tempo)
        where.append((start, sum(count)))
        put(silence, rest())
    tracks = np.repeat(rows, count, axis=0)
    sound = _filtered(_smooth(tracks, 13), _smooth(tracks, 5), voice, rng, variation)
    sound += noise * np.sqrt(np.mean(sound**2)) * rng.normal(size=len(sound))
    samples = (0.9 * sound / np.abs(sound).max()).astype(np.float32)
    starts, ends = np.array(where).T * HOP / RATE
    return Spoken(samples, starts, ends)


def _check(digits, voice, pause, noise, variation) -> None:
    for digit in digits:
        if isinstance(digit, bool) or not isinstance(digit, int | np.integer):
            raise TypeError(f"digits: expected integers, got {digit!r}")
        if not 0 <= digit <= 9:
            raise ValueError(f"digits: expected values from 0 to 9, got {digit}")
    if len(digits) == 0:
        raise ValueError("digits: expected at least one, got none")
    if not isinstance(voice, Voice):
        raise TypeError(f"voice: expected a Voice, got {type(voice).__name__}")
    ranges = {
        **{"pitch": (40, 500), "tract": (0.7, 1.5), "tempo": (0.5, 2), "breath": (0, 1)},
        **{"pause": (0, 2), "noise": (0, 10), "variation": (0, 3)},
    }
    given = voice._asdict() | {"pause": pause, "noise": noise, "variation": variation}
    for name, (low, high) in ranges.items():
        if not low <= given[name] <= high:
            raise ValueError(f"{name}: expected a number from {low} to {high}, got {given[name]}")


def _smooth(tracks: NDArray, width: int) -> NDArray:
    """Tracks (steps, columns) without corners: a weighted mean over `width` steps."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(tracks, ((width // 2, width // 2), (0, 0)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)
    return views @ (window / window.sum())


def _filtered(slow: NDArray, fast: NDArray, voice: Voice, rng, variation: float) -> NDArray:
    """Sound of tracks of formants (slow) and of amplitudes and noise bands (fast)."""
    steps = len(slow)
    size = steps * HOP
    fall = 1.08 - 0.16 * np.arange(size) / size
    wobble = np.exp(0.08 * variation * rng.normal())
    flutter = 1 + 0.02 * variation * np.repeat(_smooth(rng.normal(size=(steps, 1)), 9)[:, 0], HOP)
    phase = np.cumsum(voice.pitch * wobble * fall * flutter / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0) * np.sqrt(RATE / voice.pitch)
    hiss = rng.normal(size=size)
    source = np.sqrt(1 - voice.breath) * pulses + np.sqrt(voice.breath) * rng.normal(size=size)
    f = np.fft.rfftfreq(FFT, 1 / RATE)
    tilt = 1 / (1 + f / 600)
    centre, width = fast[:, 5, None], fast[:, 6, None]
    band = np.exp(-(((f - centre) / width) ** 2))
    fourth = np.full((steps, 1), FOURTH * voice.tract)
    formants = np.concatenate([slow[:, :3], fourth], axis=1)
    spectrum = _spectra(source) * (fast[:, 3, None] * tilt * resonance(formants, f))
    spectrum += _spectra(hiss) * (3 * fast[:, 4, None] * band)
    frames = np.fft.irfft(spectrum, FFT)
    sound = np.zeros(size + FFT)
    for t, frame in enumerate(frames):
        sound[t * HOP : t * HOP + FFT] += frame
    return sound[FRAME // 2 : FRAME // 2 + size]


def resonance(formants: NDArray, frequencies: NDArray) -> NDArray:
    """Frequency response (steps, frequencies) of the cascade of resonators, formants (steps, 4).

    A resonator close to half the sampling rate would meet its own mirror image and ring far too
    loudly.  So over the last `FADE` hertz its poles shrink towards zero, where its response is 1.
    """
    back = np.exp(-2j * np.pi * frequencies / RATE)
    response = np.ones((len(formants), len(frequencies)), complex)
    for F, width in zip(formants.T, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * width / RATE) * np.clip((RATE / 2 - F) / FADE, 0, 1)[:, None]
        b, c = 2 * radius * np.cos(2 * np.pi * F / RATE)[:, None], -(radius**2)
        response *= (1 - b - c) / (1 - b * back - c * back**2)
    return response


def _spectra(source: NDArray) -> NDArray:
    """Spectra of overlapping frames, one a step; the windows add up to 1."""
    window = np.hanning(FRAME + 1)[:-1] * (2 * HOP / FRAME)
    padded = np.pad(source, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][: len(source) // HOP]
    return np.fft.rfft(frames * window, FFT)

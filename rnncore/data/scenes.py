"""Scenes of coloured shapes and the one sentence that describes each: a small captioning task.

    [picture]   ->   "a small red circle above a large blue cross"

A scene has one to three things in a grid of three rows and three columns, each with a size, a
colour and a shape, at most one in a place. The grid itself is not drawn: a thing stands near the
middle of its place. The caption is *canonical*, so that exactly one is right for each picture:

    caption  = thing place | thing relation thing | thing relation thing relation thing
    thing    = "a" size colour shape
    relation = "left of" | "above"
    place    = "in the middle" | "on the left" | "at the top right" | …

Things are named as one reads, row by row and from left to right. A relation tells how a thing lies
to the next one that is named: in the same row it is "left of", else it is "above". A thing that is
alone has no relation, so its place is named instead. Shapes of one size have the same area, so that
area tells the size and nothing else.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncore._check import generator, positive_int

SIDE, GRID, MOST = 32, 3, 3

_AREAS = {"small": 24.0, "large": 50.0}
_RGB = {
    "red": (0.85, 0.15, 0.15),
    "green": (0.15, 0.70, 0.20),
    "blue": (0.15, 0.25, 0.90),
    "yellow": (0.90, 0.80, 0.15),
}
_SHAPES = ("circle", "square", "triangle", "cross")
_PLACES = (
    *("at the top left", "at the top", "at the top right"),
    *("on the left", "in the middle", "on the right"),
    *("at the bottom left", "at the bottom", "at the bottom right"),
)
_RELATIONS = ("left of", "above")

SCENE_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "size": tuple(_AREAS),
    "colour": tuple(_RGB),
    "shape": _SHAPES,
}
"""The attributes of a thing, and the words for each."""

CAPTION_WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        word
        for part in ("a", *_AREAS, *_RGB, *_SHAPES, *_RELATIONS, *_PLACES)
        for word in part.split()
    )
)
"""All words of the captions."""


class Thing(NamedTuple):
    """One thing of a scene.

    Attributes
    ----------
    size, colour, shape : str
        Words of `SCENE_ATTRIBUTES`.
    row, column : int
        Its place, from 0 to 2, counted from the top left.
    """

    size: str
    colour: str
    shape: str
    row: int
    column: int


class Scenes(NamedTuple):
    """Scenes with their captions.

    Attributes
    ----------
    pictures : ndarray of float32, shape (N, 32, 32, 3)
        Rows, columns, and red, green, blue between 0 and 1.
    captions : list of str
        One for each picture.
    things : list of tuple of Thing
        What was drawn, in the order of the caption.
    """

    pictures: NDArray[np.float32]
    captions: list[str]
    things: list[tuple[Thing, ...]]


class Caption(NamedTuple):
    """What a caption says, thing by thing.

    Attributes
    ----------
    size, colour, shape : tuple of str
        One word for each thing.
    relation : tuple of str
        One for each thing but the last.
    place : tuple of str
        The place of a thing that is alone, else empty.
    """

    size: tuple[str, ...]
    colour: tuple[str, ...]
    shape: tuple[str, ...]
    relation: tuple[str, ...]
    place: tuple[str, ...]


def write_caption(things: Sequence[Thing]) -> str:
    """Describe a scene.

    Parameters
    ----------
    things : sequence of Thing
        One to three, in any order, no two in one place.

    Returns
    -------
    str
        The canonical caption, in lower case.

    Raises
    ------
    TypeError, ValueError
        If the things are no scene.
    """
    things = _checked(things)
    words = [f"a {t.size} {t.colour} {t.shape}" for t in things]
    if len(things) == 1:
        return f"{words[0]} {_PLACES[GRID * things[0].row + things[0].column]}"
    text = words[0]
    for before, after, said in zip(things, things[1:], words[1:], strict=False):
        text += f" {_RELATIONS[before.row != after.row]} {said}"
    return text


def read_caption(text: str) -> Caption:
    """Take a caption apart: the inverse of `write_caption`, up to places that it does not tell.

    Parameters
    ----------
    text : str
        A sentence of the grammar.

    Returns
    -------
    Caption
        Its attributes.

    Raises
    ------
    TypeError
        If `text` is no string.
    ValueError
        If the grammar has no such sentence.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected a string, got {type(text).__name__}")
    words, said, relations, place = text.split(), [], [], []
    while len(said) <= len(relations) and words[:1] == ["a"]:
        said.append(words[1:4])
        words = words[4:]
        for relation in _RELATIONS:
            if words[: len(relation.split())] == relation.split():
                relations.append(relation)
                words = words[len(relation.split()) :]
    if len(said) == 1 and not relations:
        place, words = [" ".join(words)], []
    known = all(
        len(thing) == 3
        and all(w in allowed for w, allowed in zip(thing, SCENE_ATTRIBUTES.values(), strict=True))
        for thing in said
    )
    whole = 1 <= len(said) <= MOST and len(said) == len(relations) + 1 and not words
    if not (whole and known and set(place) <= set(_PLACES)):
        raise ValueError(f"text: expected a sentence of the grammar, got {text!r}")
    return Caption(*zip(*said, strict=True), tuple(relations), tuple(place))


def draw_scene(
    things: Sequence[Thing], rng: np.random.Generator, *, noise: float = 0.03
) -> NDArray[np.float32]:
    """Draw a scene on a grey ground, never twice alike.

    Parameters
    ----------
    things : sequence of Thing
        One to three, in any order, no two in one place.
    rng : numpy.random.Generator
        Source of the grey of the ground (0.35 to 0.65), of each thing's offset from the middle of
        its place (up to 0.6 pixels), of its area (24 or 50 pixels, by up to 10 %) and of its colour
        (by up to 0.08), and of the noise. The same state draws the same picture.
    noise : float, optional
        Standard deviation of the noise on each number, from 0 to 1.

    Returns
    -------
    ndarray of float32, shape (32, 32, 3)
        Rows, columns, and red, green, blue between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """
    things = _checked(things)
    generator(rng)
    if not 0 <= noise <= 1:
        raise ValueError(f"noise: expected a number from 0 to 1, got {noise}")
    picture = np.full((SIDE, SIDE, 3), rng.uniform(0.35, 0.65))
    pixel = np.arange(SIDE) + 0.5
    for t in things:
        y, x = (np.array([t.row, t.column]) + 0.5) * SIDE / GRID + rng.uniform(-0.6, 0.6, 2)
        area = _AREAS[t.size] * rng.uniform(0.9, 1.1)
        outside = _distance(t.shape, area, pixel - x, (pixel - y)[:, None])
        cover = np.clip(0.5 - outside, 0, 1)[..., None]
        colour = np.array(_RGB[t.colour]) + rng.uniform(-0.08, 0.08, 3)
        picture += cover * (colour - picture)
    picture += noise * rng.normal(size=picture.shape)
    return np.clip(picture, 0, 1).astype(np.float32)


def scenes(
    rng: np.random.Generator,
    count: int,
    *,
    pairs: Collection[tuple[str, str]] | None = None,
    including: Collection[tuple[str, str]] | None = None,
    noise: float = 0.03,
) -> Scenes:
    """Draw scenes with their captions.

    A scene has one, two or three things, equally often. Each thing gets a size and a pair of
    colour and shape, equally often, and the things get places at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    count : int
        How many scenes.
    pairs : collection of (str, str), optional
        Pairs of colour and shape that may occur; by default all sixteen. To hold out
        combinations, leave them out here.
    including : collection of (str, str), optional
        Pairs of which every scene has at least one; by default nothing is demanded.
    noise : float, optional
        Standard deviation of the noise on the pictures.

    Returns
    -------
    Scenes
        Pictures, captions and what was drawn.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """
    generator(rng)
    count = positive_int("count", count)
    every = [(c, s) for c in SCENE_ATTRIBUTES["colour"] for s in SCENE_ATTRIBUTES["shape"]]
    pairs = _known_pairs("pairs", every if pairs is None else pairs, every)
    wanted = None if including is None else _known_pairs("including", including, pairs)
    sizes, drawn = SCENE_ATTRIBUTES["size"], []
    for _ in range(count):
        places = rng.permutation(GRID**2)[: rng.integers(1, MOST + 1)]
        chosen = [pairs[k] for k in rng.integers(len(pairs), size=len(places))]
        if wanted is not None and not set(chosen) & set(wanted):
            chosen[rng.integers(len(chosen))] = wanted[rng.integers(len(wanted))]
        big = rng.integers(2, size=len(places))
        drawn.append(
            _checked(
                [
                    Thing(sizes[b], *pair, *divmod(int(place), GRID))
                    for b, pair, place in zip(big, chosen, places, strict=True)
                ]
            )
        )
    pictures = np.stack([draw_scene(things, rng, noise=noise) for things in drawn])
    return Scenes(pictures, [write_caption(things) for things in drawn], drawn)


def _distance(shape: str, area: float, dx: NDArray, dy: NDArray) -> NDArray:
    """Signed distance in pixels from the edge of a shape of this area: negative inside."""
    across, down = np.abs(dx), np.abs(dy)
    if shape == "circle":
        return np.hypot(dx, dy) - np.sqrt(area / np.pi)
    if shape == "square":
        return np.maximum(across, down) - np.sqrt(area) / 2
    if shape == "cross":
        arm = np.sqrt(9 * area / 20)
        bars = np.maximum(across - arm, down - arm / 3), np.maximum(across - arm / 3, down - arm)
        return np.minimum(*bars)
    side = np.sqrt(2 * area)
    slanted = (2 * across - dy - side / 2) / np.sqrt(5)
    return np.maximum(dy - side / 2, slanted)


def _checked(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """Things in the order of the caption, if they are a scene."""
    for t in things:
        if not isinstance(t, Thing):
            raise TypeError(f"things: expected Things, got {type(t).__name__}")
        for name, allowed in SCENE_ATTRIBUTES.items():
            if getattr(t, name) not in allowed:
                got = getattr(t, name)
                raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {got!r}")
        if t.row not in range(GRID) or t.column not in range(GRID):
            raise ValueError(f"row, column: expected 0, 1 or 2, got {t.row}, {t.column}")
    places = {(t.row, t.column) for t in things}
    if not 1 <= len(things) <= MOST or len(places) < len(things):
        raise ValueError(f"things: expected 1 to {MOST} in places of their own, got {things}")
    return tuple(sorted(things, key=lambda t: (t.row, t.column)))


def _known_pairs(name: str, pairs: Collection, allowed: Collection) -> list[tuple[str, str]]:
    """Pairs without repetition in the order of `allowed`, if all of them are there."""
    unknown = [p for p in pairs if p not in allowed]
    if unknown or not len(pairs):
        got = f"also {unknown[0]}" if unknown else "none"
        raise ValueError(f"{name}: expected some of {len(allowed)} pairs, got {got}")
    return [p for p in allowed if p in pairs]

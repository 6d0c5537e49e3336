"""Scenes: one caption each that says what was drawn, and pictures that show it."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.data import (
    CAPTION_WORDS,
    SCENE_ATTRIBUTES,
    Thing,
    draw_scene,
    read_caption,
    scenes,
    write_caption,
)

PAIRS = [*itertools.product(SCENE_ATTRIBUTES["colour"], SCENE_ATTRIBUTES["shape"])]
DOT = Thing("small", "red", "circle", 0, 0)
PLACES = st.tuples(st.integers(0, 2), st.integers(0, 2))
LOOKS = st.tuples(*(st.sampled_from(words) for words in SCENE_ATTRIBUTES.values()))


@st.composite
def drawn(draw):
    places = draw(st.lists(PLACES, min_size=1, max_size=3, unique=True))
    return [Thing(*draw(LOOKS), *place) for place in places]


def rng(seed=0):
    return np.random.default_rng(seed)


def thing(row, column, size="small", colour="red", shape="circle"):
    return Thing(size, colour, shape, row, column)


@pytest.mark.parametrize(
    ("things", "text"),
    [
        ([thing(1, 1)], "a small red circle in the middle"),
        ([thing(1, 0)], "a small red circle on the left"),
        ([thing(2, 2, "large", "blue", "cross")], "a large blue cross at the bottom right"),
        ([thing(2, 1)], "a small red circle at the bottom"),
        (
            [thing(2, 0), thing(0, 2, colour="blue")],
            "a small blue circle above a small red circle",
        ),
        (
            [thing(1, 2), thing(1, 0, shape="square"), thing(2, 0, size="large")],
            "a small red square left of a small red circle above a large red circle",
        ),
    ],
)
def test_captions_are_what_the_grammar_says(things, text):
    assert write_caption(things) == text


@given(drawn())
def test_a_caption_does_not_depend_on_the_order_and_reads_back(things):
    text = write_caption(things)
    assert text == write_caption(things[::-1])
    ordered = sorted(things, key=lambda t: (t.row, t.column))
    said = read_caption(text)
    for name in SCENE_ATTRIBUTES:
        assert getattr(said, name) == tuple(getattr(t, name) for t in ordered)
    assert len(said.relation) == len(things) - 1
    assert len(said.place) == (len(things) == 1)
    assert set(text.split()) <= set(CAPTION_WORDS)


def test_all_words_are_used_and_none_twice():
    used = {word for text in scenes(rng(), 400).captions for word in text.split()}
    assert used == set(CAPTION_WORDS) and len(used) == len(CAPTION_WORDS) == 22


def test_nine_places_have_nine_names():
    said = {read_caption(write_caption([thing(r, c)])).place for r in range(3) for c in range(3)}
    assert len(said) == 9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a small red circle",
        "a small red circle at the",
        "a red small circle in the middle",
        "a small red circle left of",
        "a small red circle left a large red circle",
        "a small red circle above a small red circle in the middle",
        "a small red circle above a small red circle a small red circle",
        "small red circle in the middle",
        "a small red circle above" + 3 * " a small red circle above" + " a small red circle",
        "a small red circle at the middle",
    ],
)
def test_what_is_no_sentence_is_refused(text):
    with pytest.raises(ValueError, match="grammar"):
        read_caption(text)


@given(drawn(), st.integers(0, 2**32 - 1))
def test_a_picture_is_finite_and_repeats(things, seed):
    picture = draw_scene(things, rng(seed))
    assert picture.shape == (32, 32, 3) and picture.dtype == np.float32
    assert 0 <= picture.min() and picture.max() <= 1
    assert np.array_equal(picture, draw_scene(things[::-1], rng(seed)))


@pytest.mark.parametrize("shape", SCENE_ATTRIBUTES["shape"])
@pytest.mark.parametrize(("size", "area"), [("small", 24), ("large", 50)])
def test_the_area_tells_the_size_whatever_the_shape(size, area, shape):
    measured = []
    for seed in range(40):
        picture = draw_scene([Thing(size, "blue", shape, 1, 1)], rng(seed), noise=0)
        blue = picture[..., 2] - picture[..., 0]
        measured.append(blue.sum() / blue.max())
    assert np.mean(measured) == pytest.approx(area, rel=0.06)


@pytest.mark.parametrize("place", [*itertools.product(range(3), repeat=2)])
def test_a_thing_stands_in_its_place_and_has_its_colour(place):
    picture = draw_scene([Thing("large", "green", "cross", *place)], rng(1), noise=0)
    green = picture[..., 1] - picture[..., 0]
    rows, columns = np.nonzero(green > 0.3)
    centre = (np.array([rows.mean(), columns.mean()]) + 0.5) * 3 / 32
    assert (np.floor(centre) == place).all()


def test_scenes_are_consistent_and_repeat():
    some = scenes(rng(5), 30)
    again = scenes(rng(5), 30)
    assert some.pictures.shape == (30, 32, 32, 3) and some.pictures.dtype == np.float32
    assert some.captions == [write_caption(things) for things in some.things]
    assert np.array_equal(some.pictures, again.pictures) and some.captions == again.captions


def test_pairs_can_be_held_out_and_demanded():
    held = [("red", "triangle"), ("blue", "cross")]
    rest = [p for p in PAIRS if p not in held]
    drawn = scenes(rng(), 300, pairs=rest).things
    assert {(t.colour, t.shape) for things in drawn for t in things} == set(rest)
    drawn = scenes(rng(), 300, including=held).things
    assert all(any((t.colour, t.shape) in held for t in things) for things in drawn)


def test_numbers_of_things_are_equally_often():
    counts = np.bincount([len(things) for things in scenes(rng(), 1500).things])
    assert counts[0] == 0 and (abs(counts[1:] - 500) < 80).all()


@pytest.mark.parametrize(
    ("error", "things", "message"),
    [
        (TypeError, [("small", "red", "circle", 0, 0)], "Things"),
        (ValueError, [], "1 to 3"),
        (ValueError, [DOT, DOT], "places of their own"),
        (ValueError, [thing(0, c) for c in range(3)] + [thing(1, 1)], "1 to 3"),
        (ValueError, [thing(0, 3)], "row, column"),
        (ValueError, [thing(0, 0, size="tiny")], "size"),
        (ValueError, [thing(0, 0, colour="pink")], "colour"),
        (ValueError, [thing(0, 0, shape="star")], "shape"),
    ],
)
def test_what_is_no_scene_is_refused(error, things, message):
    with pytest.raises(error, match=message):
        write_caption(things)
    with pytest.raises(error, match=message):
        draw_scene(things, rng())


@pytest.mark.parametrize(
    ("error", "change", "message"),
    [
        (TypeError, {"rng": 0}, "rng"),
        (ValueError, {"count": 0}, "count"),
        (ValueError, {"pairs": []}, "pairs"),
        (ValueError, {"pairs": [("red", "star")]}, "pairs"),
        (ValueError, {"including": []}, "including"),
        (ValueError, {"pairs": PAIRS[1:], "including": PAIRS[:1]}, "including"),
        (ValueError, {"noise": 2}, "noise"),
    ],
)
def test_bad_draws_are_refused(error, change, message):
    with pytest.raises(error, match=message):
        scenes(**{"rng": rng(), "count": 1} | change)


@pytest.mark.parametrize(("error", "noise"), [(ValueError, -0.1), (ValueError, float("nan"))])
def test_bad_noise_is_refused(error, noise):
    with pytest.raises(error, match="noise"):
        draw_scene([DOT], rng(), noise=noise)


def test_only_strings_are_read():
    with pytest.raises(TypeError, match="text"):
        read_caption(3)

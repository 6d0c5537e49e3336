"""Dates: every form says what it should, and no two days share a writing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.data import DATE_FORMS, dates, write_date

FIFTH = np.datetime64("2024-03-05")
OFFSETS = st.integers(0, 36_524)


def day(offset):
    return np.datetime64("1950-01-01") + offset


@pytest.mark.parametrize("form", DATE_FORMS)
def test_a_form_is_named_by_what_it_makes_of_one_day(form):
    assert write_date(FIFTH, form) == form


def test_there_are_at_least_ten_forms():
    assert len(DATE_FORMS) >= 10


@pytest.mark.parametrize(
    ("iso", "form", "written"),
    [
        ("1999-11-12", "5/3/24", "12/11/99"),
        ("2049-01-31", "5.3.24", "31.1.49"),
        ("1950-01-01", "5-Mar-24", "1-Jan-50"),
        ("2000-02-22", "March 5th '24", "February 22nd '00"),
        ("2011-05-11", "5th March 2024", "11th May 2011"),
        ("2023-09-21", "5th March 2024", "21st September 2023"),
        ("2023-09-03", "Tue 05 Mar 2024", "Sun 03 Sep 2023"),
        ("1987-12-30", "20240305", "19871230"),
    ],
)
def test_days_are_written(iso, form, written):
    assert write_date(np.datetime64(iso), form) == written


@given(OFFSETS, OFFSETS, st.sampled_from(DATE_FORMS), st.sampled_from(DATE_FORMS))
def test_no_two_days_share_a_writing(a, b, form, other):
    if a != b:
        assert write_date(day(a), form) != write_date(day(b), other)


def test_the_short_numeric_forms_tell_all_days_apart():
    days = np.arange("1950-01-01", "2050-01-01", dtype="datetime64[D]")
    for form in ("5/3/24", "5.3.24", "20240305"):
        assert len({write_date(d, form) for d in days}) == len(days)


@given(st.integers(0, 2**32 - 1))
def test_drawn_pairs_are_writings_of_their_day(seed):
    for written, iso in dates(np.random.default_rng(seed), 5):
        assert written in {write_date(np.datetime64(iso), form) for form in DATE_FORMS}


def test_days_can_be_held_out_and_draws_repeat():
    days = np.array(["1999-09-08", "2024-03-05"], "datetime64[D]")
    drawn = dates(np.random.default_rng(0), 200, days)
    assert {iso for _, iso in drawn} == {*map(str, days)}
    assert drawn == dates(np.random.default_rng(0), 200, days)
    assert len({written for written, _ in drawn}) == 2 * len(DATE_FORMS)


@pytest.mark.parametrize(
    ("error", "change", "message"),
    [
        (TypeError, {"rng": 0}, "rng"),
        (ValueError, {"count": 0}, "count"),
        (TypeError, {"days": ["2024-03-05"]}, "days"),
        (ValueError, {"days": np.array([], "datetime64[D]")}, "days"),
        (ValueError, {"days": np.array(["2050-01-01"], "datetime64[D]")}, "day"),
    ],
)
def test_bad_draws_are_refused(error, change, message):
    fine = {"rng": np.random.default_rng(0), "count": 1}
    with pytest.raises(error, match=message):
        dates(**fine | change)


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        (TypeError, ("2024-03-05", "5/3/24"), "day"),
        (ValueError, (np.datetime64("1949-12-31"), "5/3/24"), "day"),
        (ValueError, (FIFTH, "3/5/24"), "form"),
    ],
)
def test_bad_writings_are_refused(error, arguments, message):
    with pytest.raises(error, match=message):
        write_date(*arguments)

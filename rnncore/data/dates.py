"""Dates in many written forms, and the one form that a program wants: a small translation task.

    "5th March 2024", "Mar 5, 2024", "5/3/24", "Tue 05 Mar 2024", …   ->   "2024-03-05"

A written date can be ambiguous, so the task states one convention. Numbers with slashes or dots are
day, month, year, as in most of the world; a year of two digits from 50 to 99 lies in the 1900s,
from 00 to 49 in the 2000s. The days from 1950 to 2049 can therefore be written in every form, and
no two days share a writing. A day is drawn first and written afterwards, so the answer is known
without a parser; to hold out whole days, split the days and draw from each part.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from rnncore._check import generator, positive_int

FIRST, LAST = np.datetime64("1950-01-01"), np.datetime64("2049-12-31")

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _ordinal(day: int) -> str:
    """1st, 2nd, 3rd, 4th, …, 11th, …, 21st."""
    if 11 <= day <= 13:
        return f"{day}th"
    return f"{day}{({1: 'st', 2: 'nd', 3: 'rd'}).get(day % 10, 'th')}"


def _month(d: date) -> str:
    return _MONTHS[d.month - 1]


_WRITE: dict[str, Callable[[date], str]] = {
    "5/3/2024": lambda d: f"{d.day}/{d.month}/{d.year}",
    "05/03/2024": lambda d: f"{d:%d/%m/}{d.year}",
    "5/3/24": lambda d: f"{d.day}/{d.month}/{d:%y}",
    "05.03.2024": lambda d: f"{d:%d.%m.}{d.year}",
    "5.3.24": lambda d: f"{d.day}.{d.month}.{d:%y}",
    "2024/03/05": lambda d: f"{d.year}/{d:%m/%d}",
    "20240305": lambda d: f"{d.year}{d:%m%d}",
    "5 March 2024": lambda d: f"{d.day} {_month(d)} {d.year}",
    "5th March 2024": lambda d: f"{_ordinal(d.day)} {_month(d)} {d.year}",
    "March 5, 2024": lambda d: f"{_month(d)} {d.day}, {d.year}",
    "Mar 5, 2024": lambda d: f"{_month(d)[:3]} {d.day}, {d.year}",
    "5-Mar-24": lambda d: f"{d.day}-{_month(d)[:3]}-{d:%y}",
    "Tue 05 Mar 2024": lambda d: f"{_WEEKDAYS[d.weekday()]} {d:%d} {_month(d)[:3]} {d.year}",
    "March 5th '24": lambda d: f"{_month(d)} {_ordinal(d.day)} '{d:%y}",
}

DATE_FORMS: tuple[str, ...] = tuple(_WRITE)
"""The forms, each by what it makes of 5 March 2024."""


def write_date(day: np.datetime64, form: str) -> str:
    """Write a day in one of the forms.

    Parameters
    ----------
    day : numpy.datetime64
        From 1950-01-01 to 2049-12-31.
    form : str
        One of `DATE_FORMS`.

    Returns
    -------
    str
        The day as people write it. In all forms that have only numbers and slashes or dots the
        day comes before the month, unless the year comes first.

    Raises
    ------
    TypeError
        If `day` is no datetime64.
    ValueError
        If the day lies outside the range or `form` is unknown.
    """
    if not isinstance(day, np.datetime64):
        raise TypeError(f"day: expected a numpy.datetime64, got {type(day).__name__}")
    if not FIRST <= day <= LAST:
        raise ValueError(f"day: expected a day from {FIRST} to {LAST}, got {day}")
    if form not in _WRITE:
        raise ValueError(f"form: expected one of {', '.join(DATE_FORMS)}; got {form!r}")
    return _WRITE[form](day.astype("datetime64[D]").item())


def dates(
    rng: np.random.Generator, count: int, days: NDArray[np.datetime64] | None = None
) -> list[tuple[str, str]]:
    """Draw dates, each in a form drawn for it, with their ISO forms.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    count : int
        How many pairs.
    days : ndarray of datetime64, optional
        What to draw from, with replacement; by default every day from 1950 to 2049.

    Returns
    -------
    list of (str, str)
        The written date, and the same day as ``YYYY-MM-DD``.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    """
    generator(rng)
    count = positive_int("count", count)
    if days is None:
        days = np.arange(FIRST, LAST + 1)
    if not isinstance(days, np.ndarray) or days.dtype.kind != "M":
        got = getattr(days, "dtype", type(days).__name__)
        raise TypeError(f"days: expected an array of datetime64, got {got}")
    if days.ndim != 1 or not len(days):
        raise ValueError(f"days: expected at least one day in one axis, got shape {days.shape}")
    chosen = days[rng.integers(len(days), size=count)].astype("datetime64[D]")
    forms = rng.integers(len(DATE_FORMS), size=count)
    return [(write_date(d, DATE_FORMS[f]), str(d)) for d, f in zip(chosen, forms, strict=True)]

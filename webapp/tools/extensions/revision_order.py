"""Which of two revisions of a drawing was issued later: by their marks, and by their dates.

Marks go on within one series: 0, 1, 2, 2A; A, B … Z, AA; P01, P02. Between series there are
customs: letters before issue for construction and numbers after it, P before C in BS EN ISO 19650.
Offices break them, so a custom counts only where the dates say the same. Where marks and dates
disagree, or neither tells, nobody but a person knows.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

_NUMBER = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?([A-Z]?)")
_LETTERS = re.compile(r"[A-Z]{1,2}")
_LETTER_AND_NUMBER = re.compile(r"([A-Z]{1,3})[ .-]?(\d{1,4})(?:\.(\d{1,4}))?")
# BS EN ISO 19650: preliminary revisions come before contractual ones.
_CUSTOM = {"P": 0, "T": 1, "C": 2}


class Order(Enum):
    """How one revision stands to another."""

    EARLIER = "earlier"
    SAME = "same"
    LATER = "later"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Issue:
    """What a revision says of when it was issued."""

    mark: str
    dated_on: date | None = None


@dataclass(frozen=True)
class _Mark:
    """A mark read: its series, the series' place by custom, and its place within the series."""

    series: str
    custom: int | None
    place: tuple[int, int, str]


def order(one: Issue, other: Issue) -> Order:
    """Return whether one revision was issued earlier or later than another, or that is unclear."""
    first, second = _read(one.mark), _read(other.mark)
    by_date = _by_date(one.dated_on, other.dated_on)
    if is_same_mark(one.mark, other.mark):
        return Order.SAME
    if first is None or second is None:
        return by_date
    if first.series == second.series:
        by_mark = Order.EARLIER if first.place < second.place else Order.LATER
        return by_mark if by_date in {by_mark, Order.UNCLEAR} else Order.UNCLEAR
    if first.custom is None or second.custom is None or first.custom == second.custom:
        return by_date
    by_custom = Order.EARLIER if first.custom < second.custom else Order.LATER
    return by_custom if by_date is by_custom else Order.UNCLEAR


def is_same_mark(one: str, other: str) -> bool:
    """Tell whether two marks are the same, however they are written: 2 and 02, b and B."""
    first, second = _read(one), _read(other)
    if first is None or second is None:
        return _plain(one) == _plain(other)
    return (first.series, first.place) == (second.series, second.place)


def _by_date(one: date | None, other: date | None) -> Order:
    if one is None or other is None or one == other:
        return Order.UNCLEAR
    return Order.EARLIER if one < other else Order.LATER


def _plain(mark: str) -> str:
    return " ".join(mark.split()).upper()


def _read(mark: str) -> _Mark | None:
    text = _plain(mark)
    if number := _NUMBER.fullmatch(text):
        whole, part, letter = number.groups()
        return _Mark("numbers", 4, (int(whole), int(part or 0), letter))
    if _LETTERS.fullmatch(text):
        # As columns of a sheet are counted: Z, then AA.
        return _Mark("letters", 3, (len(text), 0, text))
    if both := _LETTER_AND_NUMBER.fullmatch(text):
        letters, whole, part = both.groups()
        return _Mark(letters, _CUSTOM.get(letters), (int(whole), int(part or 0), ""))
    return None

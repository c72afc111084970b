"""Which of two revisions was issued later, by the marks and dates that offices use."""

from datetime import date

import pytest

from webapp.tools.extensions.revision_order import Issue, Order, is_same_mark, order

AUGUST, OCTOBER = date(2025, 8, 1), date(2025, 10, 1)
SERIES = (
    ("0", "1", "2", "2A", "2B", "3", "10", "11.1", "11.2"),
    ("A", "B", "Y", "Z", "AA", "AB"),
    ("P01", "P02", "P02.1", "P10"),
    ("C1", "C02", "C03"),
)


@pytest.mark.parametrize("series", SERIES)
def test_marks_of_one_series_follow_each_other_with_and_without_dates(
    series: tuple[str, ...],
) -> None:
    for place, mark in enumerate(series):
        for later in series[place + 1 :]:
            assert order(Issue(mark), Issue(later)) is Order.EARLIER
            assert order(Issue(later, AUGUST), Issue(mark, AUGUST)) is Order.LATER
            assert order(Issue(mark, AUGUST), Issue(later, OCTOBER)) is Order.EARLIER


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Issue("2", AUGUST), Issue("1", OCTOBER)),
        (Issue("A"), Issue("0")),
        (Issue("A", OCTOBER), Issue("0", AUGUST)),
        (Issue("P02"), Issue("C01")),
        (Issue("IFC"), Issue("1")),
        (Issue("IFC", AUGUST), Issue("ASI 2", AUGUST)),
    ],
)
def test_what_marks_and_dates_do_not_tell_together_is_unclear(one: Issue, other: Issue) -> None:
    assert order(one, other) is Order.UNCLEAR
    assert order(other, one) is Order.UNCLEAR


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("B", "0"), ("P03", "C01"), ("IFC", "2"), ("ASI 2", "BULLETIN")],
)
def test_where_the_dates_agree_a_custom_counts(earlier: str, later: str) -> None:
    assert order(Issue(earlier, AUGUST), Issue(later, OCTOBER)) is Order.EARLIER
    assert order(Issue(later, OCTOBER), Issue(earlier, AUGUST)) is Order.LATER


@pytest.mark.parametrize(
    ("one", "other"), [("2", "02"), ("b", "B"), ("P1", "p-01"), ("ifc", " IFC ")]
)
def test_the_same_mark_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert is_same_mark(one, other)
    assert order(Issue(one, AUGUST), Issue(other, OCTOBER)) is Order.SAME

"""Numbers as people write and paste them, in both languages, and what is no number."""

from decimal import Decimal

import pytest
from babel import Locale
from flask import Flask

from webapp.core.formats import money
from webapp.core.languages import LOCALES
from webapp.core.numbers import LONGEST, Unreadable, as_whole, read_number
from webapp.core.text import in_language, locale

ENGLISH, SPANISH = (Locale.parse(LOCALES[key]) for key in ("en", "es"))
IN_BOTH = {
    "1234.56": "1234.56",
    "$1,234.56": "1234.56",
    "1.234,56": "1234.56",
    "USD 1,000": "1000",
    "1,000 usd": "1000",
    "US$ 5": "5",
    "1\u00a0234.56": "1234.56",
    "1\u202f234\u202f567,89": "1234567.89",
    "1'234.50": "1234.50",
    "1.234.567": "1234567",
    "(500.00)": "-500",
    "($500)": "-500",
    "\u2212500": "-500",
    "-$5.25": "-5.25",
    "$-5": "-5",
    "500-": "-500",
    "+5": "5",
    "-0": "0",
    ".5": "0.5",
    "1.001": "1.001",
    "\uff11\uff12\uff0c\uff13\uff14\uff15": "12345",
    "\u200e$1,250.00\u200f": "1250",
}
IN_NEITHER = (
    *("", " ", "-", "$", "(", "()", "--5", "(-5)", "-5-", "$5$", "5 5", "12 34", "1,23,456"),
    *("1e30", "1E5", "Infinity", "-inf", "NaN", "sNaN", "1e999999999", "0x10", "1_000"),
    *("1,2345", "1234,567", "1,234 567", "1..2", "1,2,3.4.5", "9" * (LONGEST + 1), "9" * 5_000),
    *("\u0661\u0662", "\u00bd", "\u2167", "EUR 5", "\u20ac5", "5 million", "=1+1"),
)


@pytest.mark.parametrize("text", IN_BOTH)
def test_what_people_type_and_paste_is_read_in_both_languages(text: str) -> None:
    for language in (ENGLISH, SPANISH):
        assert read_number(text, language) == Decimal(IN_BOTH[text])


@pytest.mark.parametrize("text", IN_NEITHER)
def test_what_is_no_number_or_could_be_two_is_not_read(text: str) -> None:
    for language in (ENGLISH, SPANISH):
        with pytest.raises(Unreadable):
            read_number(text, language)


def test_a_comma_before_the_cents_is_read_where_the_language_writes_it() -> None:
    assert read_number("1234,5", SPANISH) == Decimal("1234.5")
    with pytest.raises(Unreadable):
        read_number("1234,5", ENGLISH)


def test_what_a_page_prints_is_read_again(app: Flask) -> None:
    cents = (0, 1, 99, 100, 123456, 99_999_999, 100_000_000, 10**14)
    with app.test_request_context():
        for language in LOCALES:
            with in_language(language):
                for amount in (Decimal(sign * n).scaleb(-2) for n in cents for sign in (1, -1)):
                    assert read_number(money(amount), locale()) == amount


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("07", 7), ("99", 99), ("100", None), ("", None), (None, None)]
    + [(text, None) for text in ("-1", "+1", " 1", "1.0", "1_0", "\u0661", "\uff11", "9" * 5_000)],
)
def test_a_whole_number_in_a_form_or_address_is_digits_and_nothing_else(
    text: str | None, number: int | None
) -> None:
    assert as_whole(text, 99) == number

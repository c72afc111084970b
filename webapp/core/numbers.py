"""Reading numbers: as people write and paste them, and as forms and addresses of ours carry them.

What is read here is what `formats.money` prints, what Excel and mails hold, and what both languages
are used to: $1,234.56, 1.234,56, 1 234.56, USD 1,000, (500.00), −500, 500-. Where the same
characters mean two things, "1.234", the reader's language decides; where it does not either,
nothing is read rather than something wrong. Full-width digits are those of an input method and
count as digits; digits of other scripts are not guessed at.
"""

import re
import unicodedata
from decimal import Decimal

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol

# Nobody writes an amount longer than this; a million digits cost seconds to read.
LONGEST = 40
_MINUS = re.compile("[\u2010-\u2015\u2212\ufe63]")
_GROUPERS = re.compile("['\u2019\u02bc]")
_CURRENCY = re.compile(r"(?:US)?\$|USD", re.IGNORECASE)
_NUMBER = re.compile(r"\d[\d., ]*|[.,]\d+", re.ASCII)
_GROUPED = {
    mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+", re.ASCII) for mark in "., "
}
# Languages in which some countries put a comma before the cents although others put a point.
_COMMA_TOO = {"es"}


class Unreadable(ValueError):
    """What somebody wrote is no number, or could be two."""


def read_number(text: str, locale: Locale, *, unit: str = "") -> Decimal:
    """Return the number somebody wrote, with or without a currency or `unit`; else Unreadable."""
    text = _plain(text)
    if unit:
        text = text.removesuffix(unit).strip()
    text, is_negative = _sign(text)
    if not _NUMBER.fullmatch(text):
        raise Unreadable
    whole, fraction = _parts(text, locale)
    found = Decimal(f"{whole or '0'}.{fraction or '0'}")
    # Not minus: arithmetic would round what is longer than its context.
    return found.copy_negate() if is_negative and found else found


def as_whole(text: str | None, most: int) -> int | None:
    """Return a whole number from 0 that a form or an address of ours carries, None when it is none.

    Digits of ASCII and nothing else: `int` would take other scripts, spaces, signs and underscores,
    and refuse a long one with an error of its own.
    """
    if not text or len(text) > len(str(most)) or not (text.isascii() and text.isdigit()):
        return None
    return int(text) if int(text) <= most else None


def _plain(text: str) -> str:
    """Return a text with one kind of each character that looks like another."""
    if len(text) > LONGEST:
        raise Unreadable
    text = unicodedata.normalize("NFKC", text)
    text = _GROUPERS.sub(" ", _MINUS.sub("-", text))
    visible = (c for c in text if unicodedata.category(c) not in {"Cf", "Cc"} or c.isspace())
    return " ".join("".join(visible).split())


def _sign(text: str) -> tuple[str, bool]:
    """Return a number without its currency and sign, and whether it is below zero.

    Accountants put a credit in brackets, and some programs the minus behind.
    """
    signs = 0
    is_bracketed = text.startswith("(") and text.endswith(")")
    if is_bracketed:
        text, signs = text[1:-1].strip(), 1
    text, currencies = _CURRENCY.subn(" ", text)
    text = text.strip()
    signs += text.startswith("-") + text.endswith("-")
    if currencies > 1 or signs > 1:
        raise Unreadable
    text = text.removeprefix("-").removesuffix("-").strip()
    return text.removeprefix("+").strip(), bool(signs)


def _parts(text: str, locale: Locale) -> tuple[str, str]:
    """Return the digits before and after the decimal mark."""
    mark = _decimal_mark(text, locale)
    whole, _mark, fraction = text.rpartition(mark) if mark else (text, "", "")
    if not fraction.isdigit() and fraction:
        raise Unreadable
    separators = {c for c in whole if not c.isdigit()}
    if separators and not (len(separators) == 1 and _GROUPED[separators.pop()].fullmatch(whole)):
        raise Unreadable
    return re.sub(r"\D", "", whole), fraction


def _decimal_mark(text: str, locale: Locale) -> str:
    """Return the character before the cents, "" where there are none."""
    marks = [c for c in text if c in ".,"]
    if not marks:
        return ""
    last = marks[-1]
    if marks.count(last) > 1:
        return ""
    if len(set(marks)) == 2 or " " in text:
        return last
    fraction = text.rpartition(last)[2]
    if last == str(get_decimal_symbol(locale)):
        return last
    if last == str(get_group_symbol(locale)) and _GROUPED[last].fullmatch(text):
        return ""
    if locale.language in _COMMA_TOO and 1 <= len(fraction) <= 2:
        return last
    raise Unreadable

"""What the name of a drawing's file says: its number, title, revision, set and date.

Offices name their sheets in many ways; what is read here is a proposal that a person corrects
before anything is published. Rather nothing than something wrong: "ASI-02 Stair 2.pdf" is no sheet
A-SI. Letters of disciplines follow the United States National CAD Standard, as far as sheets of
buildings use them.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

DISCIPLINES = {
    "A": "architectural",
    "C": "civil",
    "D": "demolition",
    "E": "electrical",
    "F": "fire_protection",
    "G": "general",
    "I": "interiors",
    "L": "landscape",
    "M": "mechanical",
    "P": "plumbing",
    "Q": "equipment",
    "S": "structural",
    "T": "telecommunications",
    "V": "survey",
}
# Where two letters are not simply the first one's discipline.
OF_TWO = {
    "AD": "demolition",
    "FS": "equipment",
    "ID": "interiors",
    "LV": "telecommunications",
    "LS": "general",
    "TS": "general",
    "CS": "general",
}
# Letters and digits that name other papers, not sheets.
OTHER_PAPERS = frozenset(
    "ADD ASI BP BUL CCD CD CO COP DD DWG EX FIG IFB IFC IMG LVL NO PCO PG PR REV RFI RFP SD SI SK "
    "SUB TR V VE WO".split()
)
NUMBER_MAX_LENGTH = 24

_DASHES = re.compile("[\u2010-\u2015\u2212]")
_COPY = re.compile(r"\s*(?:-\s*copy(?:\s*\(\d+\))?|\(\d{1,2}\))\s*$|^copy of\s+", re.IGNORECASE)
_DATE = re.compile(r"\b(20\d{2})[-. ]?(0[1-9]|1[0-2])[-. ]?(0[1-9]|[12]\d|3[01])\b")
_REVISION = re.compile(
    r"""[(\[{]?\s*(?<![A-Za-z0-9])
    (?: (?:revision|rev|delta)\s*[.:#]?\s*-?\s*(?P<word>\d{1,3}|[A-Z]\d?)
      | r(?:v)?\s?[.-]?\s?(?P<short>\d{1,2})
      | v(?P<version>\d{1,2})
      | \u0394\s*(?P<delta>\d{1,2})
    )
    (?![A-Za-z0-9])\s*[)\]}]?""",
    re.IGNORECASE | re.VERBOSE,
)
_BRACKETED = re.compile(r"\[\s*(\d{1,2}|[A-Z])\s*\]")
_SET_WORDS = (
    r"asi|addendum|bulletin|ccd|bid set|permit set|ifc(?: set)?|ifb(?: set)?|conformed set|"
    r"construction set|record set|as[- ]built|issued for [a-z]+|\d{2,3}\s?% ?(?:sd|dd|cd)s?"
)
_SET = re.compile(
    rf"[(\[]\s*((?:{_SET_WORDS})[\s.#-]*(?:no\.?\s*)?\d{{0,3}}[A-Z]?)\s*[)\]]"
    r"|(?<![A-Za-z0-9])((?:asi|addendum|bulletin|ccd)[\s.#-]*\d{1,3})\s*$",
    re.IGNORECASE,
)
_PARTS = r"(?P<letters>[A-Z]{1,2})(?P<dash>\s?-\s?|\s)?(?P<digits>\d{1,4}(?:\.\d{1,3})?)"
_REST = r"(?P<more>-\d{1,2}(?![\d.]))?(?P<suffix>[A-Z]\d?)?(?![A-Za-z0-9.])"
_AT_START = re.compile(rf"^(?:\d{{2,6}}(?:\.\d{{1,3}})?[\s_-]+)?{_PARTS}{_REST}", re.IGNORECASE)
_ANYWHERE = re.compile(
    r"(?<![A-Za-z0-9-])(?P<letters>[A-Z]{1,2})(?P<dash>-)?(?P<digits>\d{3,4}|\d{1,2}\.\d{1,3})"
    + _REST
)
_EDGES = " -_.,;:#"


@dataclass(frozen=True)
class SheetName:
    """What a file's name says about the sheet in it; "" and None where it says nothing."""

    number: str = ""
    title: str = ""
    revision: str = ""
    sheet_set: str = ""
    dated_on: date | None = None

    @property
    def discipline(self) -> str:
        return discipline_of(self.number)


def read_sheet_name(file_name: str) -> SheetName:
    """Return what a file's name says about its sheet."""
    text = _plain(file_name)
    text, dated_on = _take_date(text)
    text, sheet_set = _take_set(text)
    text, revision = _take_revision(text)
    text, number = _take_number(text)
    title = re.sub(r"\s+", " ", re.sub(r"[(\[{]\s*[)\]}]", " ", text)).strip(_EDGES)
    return SheetName(number, title, revision, sheet_set, dated_on)


def discipline_of(number: str) -> str:
    """Return the discipline that a number's letters stand for, "" when they stand for none."""
    found = re.match(r"[A-Z]+", number.upper())
    if found is None:
        return ""
    letters = found.group()
    return OF_TWO.get(letters) or DISCIPLINES.get(letters[0], "")


def tidy_number(number: str) -> str:
    """Return a number as it is written on a sheet: capitals, one hyphen after the letters."""
    number = _DASHES.sub("-", unicodedata.normalize("NFKC", number)).upper()
    number = re.sub(r"\s*-\s*", "-", re.sub(r"\s+", " ", number)).strip(" -")
    return re.sub(r"^([A-Z]{1,2}) ?(\d{3,4}(?:-\d{1,2})?[A-Z]?\d?)$", r"\1-\2", number)


def sorting_key(number: str) -> str:
    """Return a text by which numbers sort as people count, the same for A-101 and A101 alone."""
    plain = re.sub(r"[\s-]", "", tidy_number(number))
    return f"{re.sub(r'[0-9]+', lambda digits: digits.group().zfill(6), plain)} {plain}"


def next_revision(revision: str) -> str:
    """Return the revision after another: 3 after 2, C after B; "" where that is not clear."""
    if revision.isascii() and revision.isdigit() and len(revision) <= 3:
        return str(int(revision) + 1)
    if re.fullmatch(r"[A-Ya-y]", revision):
        return chr(ord(revision) + 1)
    return ""


def _plain(file_name: str) -> str:
    """Return a name without its extension and without what only separates its words."""
    stem = re.sub(r"\.pdf$", "", file_name.strip(), flags=re.IGNORECASE)
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", stem)).replace("_", " ")
    text = text.replace("+", " ").replace("%20", " ")
    return _COPY.sub("", re.sub(r"\s+", " ", text)).strip()


def _take_date(text: str) -> tuple[str, date | None]:
    found = _DATE.search(text)
    if found is None:
        return text, None
    try:
        dated_on = date(*(int(part) for part in found.groups()))
    except ValueError:
        return text, None
    return _without(text, found), dated_on


def _take_set(text: str) -> tuple[str, str]:
    found = _SET.search(text)
    if found is None or not found.start():
        # A name that begins with it is the bulletin's own paper, not a sheet of it.
        return text, ""
    said = " ".join((found.group(1) or found.group(2)).split()).strip(_EDGES)
    numbered = re.fullmatch(r"(asi|ccd)[\s.#-]*(\d+)", said, re.IGNORECASE)
    if numbered:
        said = f"{numbered.group(1).upper()}-{numbered.group(2)}"
    return _without(text, found), said


def _take_revision(text: str) -> tuple[str, str]:
    found = list(_REVISION.finditer(text))
    if found:
        last = found[-1]
        said = next(group for group in last.groups() if group)
    else:
        bracketed = _BRACKETED.search(text)
        if bracketed is None:
            return text, ""
        last, said = bracketed, bracketed.group(1)
    said = str(int(said)) if said.isascii() and said.isdigit() else said.upper()
    return _without(text, last), said


def _take_number(text: str) -> tuple[str, str]:
    text = text.strip(_EDGES)
    found = _AT_START.match(text)
    if found is None or not _is_sheet(found, text):
        found = next((m for m in _ANYWHERE.finditer(text) if _is_sheet(m, text)), None)
    if found is None:
        return text, ""
    letters, digits = found.group("letters").upper(), found.group("digits")
    is_hyphened = bool((found.group("dash") or "").strip()) or "." not in digits
    number = f"{letters}{'-' if is_hyphened else ''}{digits}"
    number += (found.group("more") or "") + (found.group("suffix") or "").upper()
    return _without(text, found), number


def _is_sheet(found: re.Match[str], text: str) -> bool:
    letters = found.group("letters").upper()
    if letters in OTHER_PAPERS or not discipline_of(letters):
        return False
    is_joined = (found.group("dash") or "").strip() == "-" or not found.group("dash")
    # "A 101" is a number; "P 2 of 5" and "E 4th floor" are words.
    return is_joined or len(found.group("digits")) >= 3


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()].rstrip(' -_,')} {text[found.end() :].lstrip(' -_,')}".strip()

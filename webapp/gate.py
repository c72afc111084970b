"""The one gate for text: whatever comes in passes it before it is stored, shown or sent on.

It takes away what nobody types and nobody sees: NUL, which PostgreSQL refuses, the other control
characters, lone surrogates, noncharacters, and the invisible characters that make two names look
alike or turn the direction of what stands beside them. There are two strengths: `lines` for text of
several lines, `line` for names, titles, search words and headers. The doors call it (the request,
Box's JSON, mail), so that no view has to.
Source: Unicode 15, sections 23.2 to 23.9; UTS 39, "Unicode Security Mechanisms".
"""

import re
import unicodedata
from typing import Any

_NONCHARACTERS = "".join(
    chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_BREAKS = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_RARE_BREAKS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
_NONCHARACTERS = "".join(
    chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
# The flags of England, Scotland and Wales are a black flag and letters that nobody sees.
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007f]+)|[\U000e0000-\U000e007f]+")
_JOINERS = re.compile("[\u200c\u200d]")
_JOINED = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "So", "Sk"})
_EMOJI_FROM = 0x1F000
# Invisible, but at home within words of some scripts and in emoji; nowhere in an extension.
_IGNORABLE = re.compile(
    "[\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0000-\U000e0fff]"
)


def lines(text: str) -> str:
    """Return text of several lines without what nobody sees; every kind of line break stays one."""
    if text.isascii() and text.isprintable():
        return text
    return _without_unseen(_RARE_BREAKS.sub("\n", text))


def line(text: str) -> str:
    """Return text of one line without what nobody sees; a line break or a tab becomes a space."""
    if text.isascii() and text.isprintable():
        return text
    return _without_unseen(_BREAKS.sub(" ", text))


def header(text: str) -> str:
    """Return a header's value: printable ASCII, "?" for the rest (RFC 9110, section 5.5)."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(r"[^\x20-\x7e]", "?", line(text))


def without_ignorable(text: str) -> str:
    """Return text without the invisible characters that some scripts need within their words."""
    return text if text.isascii() else _IGNORABLE.sub("", text)


def cleaned(value: Any) -> Any:
    """Return what was decoded from JSON with every text in it, keys too, as one line."""
    if isinstance(value, str):
        return line(value)
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    if isinstance(value, dict):
        return {line(key): cleaned(one) for key, one in value.items()}
    return value


def is_clean(text: str) -> bool:
    """True when nothing in a text would be taken away."""
    return lines(text) == text


def _without_unseen(text: str) -> str:
    text = _TAGS.sub(r"\1", _UNSEEN.sub("", text))
    if _JOINERS.search(text):
        text = "".join(
            char for at, char in enumerate(text) if char not in "\u200c\u200d" or _joins(text, at)
        )
    return text


def _joins(text: str, at: int) -> bool:
    """True for a joiner between two letters or emoji, as Persian, Hindi and families need it."""
    return 0 < at < len(text) - 1 and _is_joined(text[at - 1]) and _is_joined(text[at + 1])


def _is_joined(char: str) -> bool:
    if char.isascii():
        return False
    return ord(char) >= _EMOJI_FROM or unicodedata.category(char) in _JOINED

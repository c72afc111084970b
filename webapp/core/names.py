"""File names from outside, made safe to show, to store and to send as a download's name."""

import re
import unicodedata
from collections.abc import Sequence

from webapp import gate

# What the tables hold, and what every file system of today counts: characters, or nearly so.
NAME_MAX = 255
# What Linux holds, less the room for a number behind a name that is there twice.
NAME_MAX_BYTES = 255 - len(" (10000)")
EXTENSION_MAX = 20
SHORT_FOLDER_LENGTH = 24
# What "strict file upload" refuses elsewhere in the field: programs and scripts.
BLOCKED_EXTENSIONS = frozenset(
    "ade adp apk app bat chm cmd com cpl dll dmg exe gadget hta inf ins isp jar js jse lnk mde "
    "msc msi msp mst pif ps1 reg scr sct sh sys vb vbe vbs wsc wsf wsh".split()
)
# Dots and spaces of every kind, which Windows drops from the end of a name.
_TRAILING = re.compile(r"[\s.]+$")
# Names that Windows refuses, whatever follows the first dot (Microsoft, "Naming Files").
_RESERVED = re.compile(
    r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = "[\U0001f1e6-\U0001f1ff]"
_HALF_A_FLAG = re.compile(f"(?<!{_FLAG_LETTERS})(?:{_FLAG_LETTERS}{{2}})*{_FLAG_LETTERS}$")
_VIRAMA = 9


def clean_name(raw: str, *, fallback: str) -> str:
    """Return `raw` as a name every system can hold, in any script, at most NAME_MAX characters.

    Separators become "_", what nobody sees goes, the extension survives a cut. `fallback` is used
    when nothing is left.
    """
    name = unicodedata.normalize("NFC", gate.line(raw)).replace("/", "_").replace("\\", "_")
    name = _TRAILING.sub("", _plain_extension(name.strip()))
    if not gate.without_ignorable(name) or set(name) <= {".", " ", "_"}:
        return fallback
    if _RESERVED.match(name):
        name = f"_{name}"
    return cut(name, NAME_MAX)


def _plain_extension(name: str) -> str:
    """Return a name whose extension holds nothing that is not seen: "setup.exe" looks like it."""
    stem, dot, extension = name.rpartition(".")
    return stem + dot + gate.without_ignorable(extension) if dot else name


def numbered(name: str, number: int) -> str:
    """Return "name (2).pdf" for one more file of a name, no longer than a name may be."""
    stem, extension = _parts(name)
    tail = f" ({number}){extension}"
    return _cut_stem(stem, NAME_MAX - len(tail)).rstrip(". ") + tail


def name_with_way(way: Sequence[str], name: str) -> str:
    """Return "12 Photos, 2025-06, IMG_0001.jpg": a file's name behind the folders it lies in.

    Where that would be too long the folders' names are shortened first, then those in the middle
    left out; the file's own name goes last.
    """
    most = SHORT_FOLDER_LENGTH
    short = [folder if len(folder) <= most else folder[: most - 1] + "…" for folder in way]
    for folders in (way, short, [*short[:1], "…", *short[-1:]], short[-1:]):
        whole = ", ".join([*folders, name])
        if len(whole) <= NAME_MAX:
            return clean_name(whole, fallback=name)
    return clean_name(name, fallback=name)


def cut(name: str, most: int) -> str:
    """Return a name of at most so many characters; its stem is cut, its extension kept."""
    stem, extension = _parts(name)
    if len(name) <= most:
        return name
    return _cut_stem(stem, most - len(extension)).rstrip() + extension


def cut_to_bytes(name: str) -> str:
    """Return a name of at most NAME_MAX_BYTES bytes of UTF-8, for what counts in those."""
    most = len(name)
    while len(name.encode()) > NAME_MAX_BYTES:
        most -= 1
        name = cut(name, most)
    return name


def _parts(name: str) -> tuple[str, str]:
    """Return a name's stem, and its extension with the dot, "" when it has none to keep."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem and len(extension) <= EXTENSION_MAX else (name, "")


def _cut_stem(stem: str, most: int) -> str:
    """Return the beginning of a text, which ends between two characters as people see them."""
    end = min(len(stem), max(most, 0))
    while 0 < end < len(stem) and _belongs(stem[:end], stem[end]):
        end -= 1
    return stem[:end]


def _belongs(before: str, char: str) -> bool:
    """True when a character is part of the one before it: an accent, a skin tone, half a flag."""
    last = before[-1]
    if _JOINER in (last, char) or ord(char) in _SKIN_TONES:
        return True
    if re.match(_FLAG_LETTERS, char) and _HALF_A_FLAG.search(before):
        return True
    is_conjunct = unicodedata.combining(last) == _VIRAMA and unicodedata.category(char) == "Lo"
    return is_conjunct or unicodedata.category(char).startswith("M")


def extension_of(name: str) -> str:
    """Return the lower-case extension without its dot, or "" when there is none.

    What follows a colon is no part of it: Windows takes "setup.exe::$DATA" for "setup.exe".
    """
    _stem, dot, ending = name.rpartition(".")
    extension = ending.partition(":")[0]
    return extension.lower() if dot and 0 < len(extension) <= 10 else ""

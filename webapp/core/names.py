"""File names from outside, made safe to show, to store and to send as a download's name."""

import re
import unicodedata
from collections.abc import Sequence

NAME_MAX_BYTES = 200
SHORT_FOLDER_LENGTH = 24
# What "strict file upload" refuses elsewhere in the field: programs and scripts.
BLOCKED_EXTENSIONS = frozenset(
    "ade adp apk app bat chm cmd com cpl dll dmg exe gadget hta inf ins isp jar js jse lnk mde "
    "msc msi msp mst pif ps1 reg scr sct sh sys vb vbe vbs wsc wsf wsh".split()
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\r\n\t]+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Names that Windows refuses, whatever follows the first dot (Microsoft, "Naming Files").
_RESERVED = re.compile(
    r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)


def clean_name(raw: str, *, fallback: str) -> str:
    """Return `raw` as a name every system can hold, in any script, at most 200 bytes of UTF-8.

    Separators become "_", control and direction-changing characters go, the extension survives a
    cut. `fallback` is used when nothing is left.
    """
    name = _CONTROL.sub("", _LINE_BREAKS.sub(" ", raw))
    name = _BIDI.sub("", name)
    name = unicodedata.normalize("NFC", name).replace("/", "_").replace("\\", "_")
    name = name.strip(" ").rstrip(". ")
    if not name or set(name) <= {".", " ", "_"}:
        return fallback
    if _RESERVED.match(name):
        name = f"_{name}"
    return _cut(name)


def numbered(name: str, number: int) -> str:
    """Return "name (2).pdf" for one more file of a name, no longer than a name may be."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 20:
        stem, dot, extension = name, "", ""
    tail = f" ({number}){dot}{extension}"
    room = NAME_MAX_BYTES - len(tail.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + tail


def name_with_way(way: Sequence[str], name: str) -> str:
    """Return "12 Photos, 2025-06, IMG_0001.jpg": a file's name behind the folders it lies in.

    Where that would be too long the folders' names are shortened first, then those in the middle
    left out; the file's own name goes last.
    """
    most = SHORT_FOLDER_LENGTH
    short = [folder if len(folder) <= most else folder[: most - 1] + "…" for folder in way]
    for folders in (way, short, [*short[:1], "…", *short[-1:]], short[-1:]):
        whole = ", ".join([*folders, name])
        if len(whole.encode()) <= NAME_MAX_BYTES:
            return clean_name(whole, fallback=name)
    return clean_name(name, fallback=name)


def _cut(name: str) -> str:
    if len(name.encode()) <= NAME_MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > 20:
        stem, dot, extension = name, "", ""
    room = NAME_MAX_BYTES - len(extension.encode()) - len(dot)
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + dot + extension


def extension_of(name: str) -> str:
    """Return the lower-case extension without its dot, or "" when there is none."""
    _stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and 0 < len(extension) <= 10 else ""

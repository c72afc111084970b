"""Which bytes a file holds: chosen by its extension, made on demand, a few kept for reuse."""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from box_sandbox.content import archives, images, pdf, texts
from box_sandbox.content.body import Body, TooSmall, padded
from box_sandbox.content.drawing import Drawing, draw

# A whole MiB of tail at most each, so this keeps tens of megabytes, not gigabytes.
BODIES_KEPT = 48


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a content depends on; `edition` tells the versions of one file apart."""

    name: str
    size: int
    edition: int = 1
    literal: bytes | None = None


@lru_cache(maxsize=BODIES_KEPT)
def body_of(recipe: Recipe) -> Body:
    """Return the content, always of exactly the recipe's size."""
    if recipe.literal is not None:
        return Body(recipe.literal)
    maker = _MAKERS.get(_extension(recipe.name), _plain)
    try:
        return maker(recipe)
    except TooSmall:
        return _cut(recipe)


def _extension(name: str) -> str:
    if name.lower().endswith(".tar.gz"):
        return "tar.gz"
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""


def _seed(recipe: Recipe) -> int:
    text = f"{recipe.name}\0{recipe.size}\0{recipe.edition}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def _cut(recipe: Recipe) -> Body:
    """Return what fits of a note that names the file: too small for its own format."""
    note = f"{recipe.name} {recipe.edition}\n".encode()
    return Body((note * (recipe.size // len(note) + 1))[: recipe.size])


def _plain(recipe: Recipe) -> Body:
    return texts.plain(recipe.name, _seed(recipe), recipe.size)


def _pdf(recipe: Recipe) -> Body:
    note = f"{recipe.size} bytes, version {recipe.edition}"
    return pdf.pdf(recipe.name, note, recipe.size)


def drawing_of(recipe: Recipe) -> Drawing:
    """Return what a picture shows, and what stands for any other file in a preview."""
    shown = recipe.name if recipe.edition == 1 else f"{recipe.edition} {recipe.name}"
    return draw(shown, _seed(recipe))


def _drawn(encode: Callable[[Drawing, int], Body], recipe: Recipe) -> Body:
    return encode(drawing_of(recipe), recipe.size)


def _named(make: Callable[[str, int, int], Body], recipe: Recipe) -> Body:
    return make(recipe.name, _seed(recipe) + recipe.edition, recipe.size)


def _signed(start: bytes, recipe: Recipe) -> Body:
    """Return filler behind a format's first bytes and this content's own seed."""
    return padded(start + struct.pack(">Q", _seed(recipe)), b"", recipe.size)


def _boxes(brand: bytes, recipe: Recipe) -> Body:
    """Return an ISO base media file without tracks (ISO 14496-12): a brand, then opaque data."""
    brands = brand + b"\x00\x00\x02\x00" + brand + b"isom"
    start = struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands
    room = recipe.size - len(start)
    if room < 16:
        raise TooSmall
    return _signed(start + struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", room), recipe)


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_MAKERS: dict[str, Callable[[Recipe], Body]] = {
    "pdf": _pdf,
    "jpg": partial(_drawn, images.jpeg),
    "jpeg": partial(_drawn, images.jpeg),
    "png": partial(_drawn, images.png),
    "tif": partial(_drawn, images.tiff),
    "csv": partial(_named, texts.csv),
    "html": partial(_named, texts.html),
    "xml": partial(_named, texts.xml),
    "svg": partial(_named, texts.svg),
    "vcf": partial(_named, texts.vcard),
    "boxnote": partial(_named, texts.boxnote),
    "stp": partial(_named, texts.step),
    "ifc": partial(_named, texts.step),
    "zip": partial(_named, archives.zipped),
    "docx": partial(_named, archives.word),
    "xlsx": partial(_named, archives.workbook),
    "xlsm": partial(_named, archives.workbook),
    "pptx": partial(_named, archives.slides),
    "tar.gz": partial(_named, archives.tar_gz),
    "heic": partial(_boxes, b"heic"),
    "mp4": partial(_boxes, b"isom"),
    "mov": partial(_boxes, b"qt  "),
    "m4a": partial(_boxes, b"M4A "),
    "dwg": partial(_signed, b"AC1032"),
    "las": partial(_signed, b"LASF"),
    "rvt": partial(_signed, _OLE),
    "mpp": partial(_signed, _OLE),
    "msg": partial(_signed, _OLE),
    "nwd": partial(_signed, b"NWD "),
}

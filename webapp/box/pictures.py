"""Pictures of files: what Box draws of them, small and large, and where it keeps them.

Source: Box API reference "Get file thumbnail"; guide "Representations".
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from webapp.box.errors import BoxItemGone, BoxOdd

SMALL = {"min_width": "94", "min_height": "94"}
LARGE_HINT = "[jpg?dimensions=1024x1024]"
# What a browser may show; SVG and the like are none of it.
MIMETYPES = frozenset({"image/jpeg", "image/png"})
PICTURE_MAX_BYTES = 8 * 1024 * 1024
ASSET = "{+asset_path}"

_TYPE = re.compile(r"\s*([a-z]+/[a-z]+)\s*(?:;.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """A picture's bytes and what they are."""

    content: bytes
    mimetype: str


class _Url(msgspec.Struct):
    url: str = ""
    url_template: str = ""


class _Status(msgspec.Struct):
    state: str = "none"


class Representation(msgspec.Struct):
    """One form of a file: where it is made, how far that is, and where it will be."""

    representation: str = ""
    properties: dict[str, Any] = {}
    info: _Url = msgspec.field(default_factory=_Url)
    content: _Url = msgspec.field(default_factory=_Url)
    status: _Status = msgspec.field(default_factory=_Status)

    @property
    def is_ready(self) -> bool:
        return self.status.state in ("success", "viewable")

    @property
    def is_begun(self) -> bool:
        return self.status.state != "none"

    @property
    def address(self) -> str:
        """Return where the picture, or the first of its pages, is."""
        is_paged = str(self.properties.get("paged", "false")).lower() == "true"
        asset = f"1.{self.representation}" if is_paged else ""
        return self.content.url_template.replace(ASSET, asset)


class _Representations(msgspec.Struct):
    entries: tuple[Representation, ...] = ()


class _FileReply(msgspec.Struct):
    representations: _Representations = msgspec.field(default_factory=_Representations)


_file = msgspec.json.Decoder(_FileReply)


def large(body: bytes) -> Representation:
    """Return the form that was hinted at; BoxItemGone when Box makes none of this file."""
    try:
        entries = _file.decode(body).representations.entries
    except msgspec.MsgspecError as error:
        raise BoxOdd(f"unexpected JSON: {error}") from None
    found = next((one for one in entries if one.content.url_template), None)
    if found is None or found.status.state == "error":
        raise BoxItemGone("no preview")
    return found


def picture(content: bytes, content_type: str) -> Picture:
    """Return what may be shown; BoxOdd for anything that is no picture a browser knows."""
    named = _TYPE.fullmatch(content_type)
    mimetype = named[1].lower() if named else ""
    if mimetype not in MIMETYPES:
        raise BoxOdd("a preview that is no picture")
    return Picture(content, mimetype)

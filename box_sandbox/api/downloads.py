"""The download origin: bytes for whoever holds a link. No token, no CORS, no ETag.

Source: Box API reference "Download file"; RFC 9110 section 14. Ranges from the end (`bytes=-N`) are
not supported at Box (rclone's Box backend avoids them); here they are ignored. That a range beyond
the end answers 416 is a choice, Box documents no status for this host.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from box_sandbox.api import representations, zip_downloads
from box_sandbox.box import Box
from box_sandbox.content.body import Body
from box_sandbox.content.recipes import body_of
from box_sandbox.faults import Action
from box_sandbox.messages import Reply, Request, Stretch, disposition
from box_sandbox.world import Item

SLOW_BYTES_PER_SECOND = 256 * 1024

_PATH = re.compile(r"/d/1/([^/]+)/download")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_STRICT = ("Strict-Transport-Security", "max-age=31536000")

TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "heic": "image/heic",
    "tif": "image/tiff",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "m4a": "audio/mp4",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "csv": "text/csv",
    "txt": "text/plain",
    "html": "text/html",
    "xml": "application/xml",
    "vcf": "text/vcard",
    "msg": "application/vnd.ms-outlook",
    "zip": "application/zip",
    "gz": "application/gzip",
    "boxnote": "application/json",
    "dwg": "image/vnd.dwg",
    "ifc": "application/x-step",
    "stp": "model/step",
    "las": "application/vnd.las",
    "mpp": "application/vnd.ms-project",
}


def download(box: Box, request: Request) -> Reply:
    """Answer GET on the download origin."""
    found = _PATH.fullmatch(request.path)
    if not found:
        if request.path.startswith("/2.0/"):
            return zip_downloads.download(box, request)
        return representations.download(box, request)
    if request.method not in {"GET", "HEAD"}:
        return Reply(405, (_STRICT, ("Allow", "GET, HEAD")))
    link = box.links.find(found.group(1), now=box.clock.now())
    file = box.tree.item(link.file_id) if link else None
    if link is None or file is None or file.status == "deleted":
        return Reply(404, (_STRICT,))
    version = next((v for v in file.versions if v.id == link.version_id), None)
    if version is None:
        return Reply(404, (_STRICT,))
    return _content(file, body_of(version.recipe), request.headers.get("range", ""))


def link_owner(box: Box, request: Request) -> str | None:
    """Return whose link a request uses, also when it no longer works."""
    found = _PATH.fullmatch(request.path)
    return box.links.owner(found.group(1)) if found else zip_downloads.owner(box, request)


def _content(file: Item, content: Body, wanted: str) -> Reply:
    headers = (
        ("Content-Type", content_type(file.name)),
        ("Content-Disposition", disposition(file.name)),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "private"),
        ("X-Content-Type-Options", "nosniff"),
        _STRICT,
    )
    size = content.size
    asked = byte_range(wanted, size)
    if asked is None:
        return Reply(200, headers, Stretch(content, 0, size), manner=_manner(file, size))
    if asked.start >= size:
        return Reply(416, (*headers[3:], ("Content-Range", f"bytes */{size}")))
    shown = f"bytes {asked.start}-{asked.stop - 1}/{size}"
    part = Stretch(content, asked.start, asked.stop)
    length = asked.stop - asked.start
    return Reply(206, (*headers, ("Content-Range", shown)), part, manner=_manner(file, length))


@dataclass(frozen=True)
class ByteRange:
    start: int
    stop: int


def byte_range(header: str, size: int) -> ByteRange | None:
    """Return the one range asked for, or None for all of it: no header, or one not understood."""
    found = _RANGE.fullmatch(header.strip())
    if not found:
        return None
    start, last = int(found.group(1)), found.group(2)
    stop = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return ByteRange(start, stop)


def _manner(file: Item, length: int) -> Action | None:
    if "slow" in file.traits:
        return Action(drip=SLOW_BYTES_PER_SECOND)
    if "short" in file.traits:
        return Action(truncate_after=length // 2)
    return None


def content_type(name: str) -> str:
    return TYPES.get(PurePosixPath(name).suffix[1:].lower(), "application/octet-stream")

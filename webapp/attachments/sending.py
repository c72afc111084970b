"""Sending files: the only place that does, but for the archive of a whole record.

A download is octets, as an attachment, in a sandbox of its own, whatever the file claims to be.
What opens in the browser is a PDF or a picture that is one by its first bytes too, and it gets a
sandbox as well: no script, nothing loaded from anywhere, an origin of its own.
"""

import logging
import re
from typing import Literal

from flask import Response, request, send_file
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header, is_resource_modified

from webapp.attachments.kinds import HEAD_BYTES, is_really, shown_as
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.problems import Problem
from webapp.core.text import _

log = logging.getLogger(__name__)

OCTETS = "application/octet-stream"
DOWNLOAD_POLICY = "sandbox; default-src 'none'"
# The browser's own viewer brings its styles and the picture itself; nothing else may be loaded.
VIEW_POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ContentsMissing(Problem):
    """The row is there and its object is not, or not whole: nothing the person can repair."""

    status = 500

    def default_title(self) -> str:
        return _("This file's contents are missing")


def download(found: Attachment) -> Response:
    """Return the file for saving; ranges and resuming work on every storage."""
    return _sent(found, OCTETS, "attachment", DOWNLOAD_POLICY)


def view(found: Attachment) -> Response:
    """Return the file for looking at where that is safe, for saving where it is not."""
    kind = shown_as(found.name)
    if kind is None:
        return download(found)
    _require_contents(found)
    if not is_really(kind, b"".join(blobs().read(found.blob_key, 0, HEAD_BYTES))):
        return download(found)
    return _sent(found, kind, "inline", VIEW_POLICY)


def made(content: bytes, kind: str, name: str) -> Response:
    """Return what was made just now for whoever asked, for saving."""
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _require_contents(found: Attachment) -> None:
    if blobs().size(found.blob_key) != found.size_bytes:
        raise missing(found)


def missing(found: Attachment) -> ContentsMissing:
    """Return what to raise for a file that is listed and cannot be read, and note it."""
    log.error("attachment.contents_missing", extra={"attachment": found.public_id})
    return ContentsMissing(
        _("Plumbline lists it but cannot read it. The people who run Plumbline can restore it.")
    )


def _sent(
    found: Attachment, kind: str, how: Literal["attachment", "inline"], policy: str
) -> Response:
    _require_contents(found)
    path = blobs().path(found.blob_key)
    if path is not None:
        response = send_file(path, mimetype=kind, conditional=True, etag=found.sha256)
    else:
        response = _streamed(found)
    response.headers["Content-Disposition"] = disposition(found.name, how)
    response.headers["Content-Type"] = kind
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "private, no-store"
    return response


def disposition(name: str, how: Literal["attachment", "inline"] = "attachment") -> str:
    """Return the header that saves a file under any script's name (RFC 6266, section 4.3)."""
    plain = re.sub(r"[^\x20-\x7e]|[\"\\%]", "_", name)
    options = {"filename": plain}
    header = dump_options_header(how, options)
    if plain == name:
        return header
    encoded = "".join(
        char if char.isascii() and (char.isalnum() or char in "-._~") else _percent(char)
        for char in name
    )
    return f"{header}; filename*=UTF-8''{encoded}"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def _streamed(found: Attachment) -> Response:
    """Send an object that is not a local file, answering as `send_file` does for one that is."""
    size = found.size_bytes
    if not is_resource_modified(request.environ, etag=found.sha256):
        response = Response(status=304)
    elif (span := _asked_range(found)) is not None:
        start, stop = span
        response = Response(blobs().read(found.blob_key, start, stop), 206)
        response.headers["Content-Length"] = str(stop - start)
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    else:
        response = Response(blobs().read(found.blob_key))
        response.headers["Content-Length"] = str(size)
    response.headers["Accept-Ranges"] = "bytes"
    response.set_etag(found.sha256)
    return response


def _asked_range(found: Attachment) -> tuple[int, int] | None:
    """Return the one range that was asked for, None for the whole file.

    Who resumes a download sends the ETag of its beginning along (RFC 9110, section 13.1.5); should
    that be another file's, the whole of this one is the answer.
    """
    asked = request.range
    is_stale = "If-Range" in request.headers and is_resource_modified(
        request.environ, etag=found.sha256, ignore_if_range=False
    )
    if asked is None or is_stale:
        return None
    span = asked.range_for_length(found.size_bytes)
    if span is None:
        raise RequestedRangeNotSatisfiable(found.size_bytes)
    return span

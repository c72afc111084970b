"""Large files from the computer, in parts that can be resumed: the server's half of tus 1.0.

https://tus.io/protocols/resumable-upload, with the extensions creation, expiration, termination
and checksum. The addresses hang under the dialog's own, so that its target, its guard and the check
of the CSRF token hold for every request. What a part becomes is the host's business.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from http import HTTPStatus

from flask import Blueprint, Response, abort, make_response, request, url_for
from werkzeug.exceptions import BadRequest, ClientDisconnected, MethodNotAllowed
from werkzeug.http import http_date

from webapp.core.formats import filesize
from webapp.core.numbers import as_whole
from webapp.core.problems import Invalid, Problem
from webapp.core.text import _
from webapp.picker.frame import opened_host, opened_target
from webapp.picker.host import PartialUpload

VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
ALGORITHMS = ("sha1", "sha256")
ENDPOINTS = ("parts", "part")
BLOCK_BYTES = 1 << 20
NUMBER_MAX = 10**15 - 1


class TooLarge(Invalid):
    """More bytes than one file may have, or than were announced."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class WrongChecksum(Problem):
    """The bytes of a part are not those that were sent; the status is the protocol's own."""

    status = 460


def add_routes(bp: Blueprint) -> None:
    """Add the two addresses of the protocol to the dialog's."""
    all_, one = (["OPTIONS", "POST"], ["OPTIONS", "HEAD", "PATCH", "DELETE", "POST"])
    for path, name, methods in (("", "parts", all_), ("/<upload_id>", "part", one)):
        bp.add_url_rule(
            f"/computer/parts{path}",
            name,
            _answer,
            methods=methods,
            provide_automatic_options=False,
        )
    bp.after_request(_name_version)


def _name_version(response: Response) -> Response:
    if (request.endpoint or "").rpartition(".")[2] in ENDPOINTS:
        response.headers["Tus-Resumable"] = VERSION
    return response


def _answer(**which: str) -> Response:
    method = request.method
    if method == "POST":
        # Only a POST may stand for something else: its CSRF token has been looked at.
        method = request.headers.get("X-HTTP-Method-Override", method)
    if method == "OPTIONS":
        return _abilities()
    if request.headers.get("Tus-Resumable") != VERSION:
        return _empty(HTTPStatus.PRECONDITION_FAILED, {"Tus-Version": VERSION})
    views: dict[str, Callable[..., Response]] = {"POST": _create}
    if which:
        views = {"HEAD": _tell, "PATCH": _add, "DELETE": _abandon}
    if method not in views:
        raise MethodNotAllowed(["OPTIONS", *views])
    return views[method](**which)


def _abilities() -> Response:
    headers = {
        "Tus-Version": VERSION,
        "Tus-Max-Size": str(opened_target().file_max_bytes),
        "Tus-Extension": "creation,expiration,termination,checksum",
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return _empty(HTTPStatus.NO_CONTENT, headers)


def _create() -> Response:
    """Begin an upload whose size and name are known; nothing of it is sent yet."""
    size, most = _number("Upload-Length"), opened_target().file_max_bytes
    if size > most:
        raise TooLarge(_("Over the %(limit)s limit for one file.", limit=filesize(most)))
    begun = opened_host().begin_upload(opened_target(), _file_name(), size)
    location = url_for(".part", upload_id=begun.upload_id)
    return _empty(HTTPStatus.CREATED, {"Location": location, **_state(begun)})


def _tell(upload_id: str) -> Response:
    """Say how far an upload has come."""
    found = opened_host().partial_upload(opened_target(), upload_id)
    return _empty(HTTPStatus.OK, {"Upload-Length": str(found.size_bytes), **_state(found)})


def _add(upload_id: str) -> Response:
    """Take the bytes that follow; of a request that breaks off, what has come is kept."""
    if request.mimetype != PART_TYPE:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    offset = _number("Upload-Offset")
    found = opened_host().partial_upload(opened_target(), upload_id)
    if offset + (request.content_length or 0) > found.size_bytes:
        raise TooLarge(_("More was sent than this file is long. Choose it again."))
    blocks = _checked(_body(found.size_bytes - offset))
    found = opened_host().add_part(opened_target(), upload_id, offset, blocks)
    return _empty(HTTPStatus.NO_CONTENT, _state(found))


def _abandon(upload_id: str) -> Response:
    opened_host().abandon_upload(opened_target(), upload_id)
    return _empty(HTTPStatus.NO_CONTENT, {})


def _body(left: int) -> Iterator[bytes]:
    """Yield at most `left` bytes of the request, as far as the connection brings them."""
    stream = request.stream
    while left > 0:
        try:
            block = stream.read(min(BLOCK_BYTES, left))
        except (ClientDisconnected, OSError):
            return
        if not block:
            return
        left -= len(block)
        yield block


def _checked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Return the blocks; with a checksum, taking the last one raises when it does not match."""
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return blocks
    name, _space, encoded = header.partition(" ")
    if name not in ALGORITHMS:
        raise BadRequest
    return _comparing(blocks, name, _decoded(encoded))


def _comparing(blocks: Iterator[bytes], name: str, expected: bytes) -> Iterator[bytes]:
    digest = hashlib.new(name, usedforsecurity=False)
    for block in blocks:
        digest.update(block)
        yield block
    if digest.digest() != expected:
        raise WrongChecksum(_("A part of the file arrived damaged. It is sent again."))


def _number(header: str) -> int:
    found = as_whole(request.headers.get(header), NUMBER_MAX)
    if found is None:
        raise BadRequest
    return found


def _file_name() -> str:
    """Return the name in `Upload-Metadata`: keys, each with its value in base64."""
    header = request.headers.get("Upload-Metadata", "")
    pairs = (pair.strip().partition(" ") for pair in header.split(","))
    encoded = {key: value for key, _space, value in pairs}
    return _decoded(encoded.get("filename", "")).decode("utf-8", "replace")


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise BadRequest from None


def _state(upload: PartialUpload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Expires": http_date(upload.expires_at),
    }


def _empty(status: int, headers: dict[str, str]) -> Response:
    response = make_response("", status)
    response.headers.extend(headers)
    return response

"""Downloading a file and removing it. The only place that sends stored bytes to anyone.

Nothing is ever shown inline from this origin, whatever a file claims to be: octet-stream, as an
attachment, in a sandbox of its own.
"""

import logging
import re
from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file
from sqlalchemy import select, update
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header, is_resource_modified
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.attachments.models import Attachment
from webapp.core import audit, htmx
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db, release, rows_changed, writing
from webapp.core.problems import Forbidden, NotFound, Problem
from webapp.core.text import _
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly

log = logging.getLogger(__name__)

OCTETS = "application/octet-stream"


class ContentsMissing(Problem):
    """The row is there and its object is not, or not whole: nothing the person can repair."""

    status = 500

    def default_title(self) -> str:
        return _("This file's contents are missing")


def create_blueprint(
    may_remove: Callable[[int, Attachment], bool], page_of: Callable[[Attachment], str]
) -> Blueprint:
    """Return the views; the tools above know who may remove and where a file's page is."""
    bp = Blueprint("attachments", __name__, url_prefix="/attachments")

    @bp.get("/<token:public_id>")
    def download(public_id: str) -> Response:
        """The file under its own name; asks the record's visibility every time."""
        found = _visible(public_id)
        release()
        return _sent(found)

    @bp.get("/<token:public_id>/remove")
    def ask_remove(public_id: str) -> str:
        found = _visible(public_id)
        if not may_remove(me().id, found):
            raise Forbidden(_("You may not remove this file."))
        return render_template("attachments/remove.html", attachment=found, page_url=page_of(found))

    @bp.post("/<token:public_id>/remove")
    def remove(public_id: str) -> BaseResponse:
        """Take the file off its record; it is kept for thirty days, Box is not touched."""
        with writing() as session:
            found = _visible(public_id)
            if not may_remove(me().id, found):
                raise Forbidden(_("You may not remove this file."))
            done = session.execute(
                update(Attachment)
                .where(Attachment.id == found.id, Attachment.removed_at.is_(None))
                .values(removed_at=utcnow(), removed_by_id=me().id)
            )
            if rows_changed(done) == 1:
                audit.note(
                    session,
                    "file.removed",
                    person_id=me().id,
                    project_id=found.project_id,
                    record_id=found.record_id,
                    name=found.name,
                    row=found.row_id,
                )
            page_url = page_of(found)
        if htmx.wants_partial():
            return htmx.announce(make_response("", 204), "files-changed")
        return redirect(page_url, 303)

    return bp


def _visible(public_id: str) -> Attachment:
    """Return a file this person sees; absent, removed and forbidden are one NotFound."""
    found = db.session.scalar(
        select(Attachment)
        .join(Record, Record.id == Attachment.record_id)
        .where(
            Attachment.public_id == public_id,
            Attachment.removed_at.is_(None),
            hangs_visibly(me().id, Attachment.row_id),
        )
    )
    if found is None:
        raise NotFound
    return found


def _sent(found: Attachment) -> Response:
    if blobs().size(found.blob_key) != found.size_bytes:
        log.error("attachment.contents_missing", extra={"attachment": found.public_id})
        raise ContentsMissing(
            _("Plumbline lists it but cannot read it. The people who run Plumbline can restore it.")
        )
    path = blobs().path(found.blob_key)
    if path is not None:
        response = send_file(path, mimetype=OCTETS, conditional=True, etag=found.sha256)
    else:
        response = _streamed(found)
    response.headers["Content-Disposition"] = disposition(found.name)
    response.headers["Content-Type"] = OCTETS
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def disposition(name: str) -> str:
    """Return the header that saves a file under any script's name (RFC 6266, section 4.3)."""
    plain = re.sub(r"[^\x20-\x7e]|[\"\\%]", "_", name)
    options = {"filename": plain}
    header = dump_options_header("attachment", options)
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

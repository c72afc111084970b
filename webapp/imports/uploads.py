"""Large files from the computer while they come in parts: begun, continued, done, or forgotten.

Nothing is locked while bytes arrive. A part becomes part of the file by one conditional update that
names the offset it follows, so that of two requests for the same place one counts and the other
learns that the upload has moved on.
"""

import logging
import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, writing
from webapp.core.problems import Conflict
from webapp.core.text import _
from webapp.imports.models import PartialUpload
from webapp.records.visibility import Target

log = logging.getLogger(__name__)

PREFIX = "parts/"
PARTS_LIVE = timedelta(days=1)


def new_part_key(token: str) -> str:
    """Return a fresh key for a part; it tells whose part it is."""
    return f"{PREFIX}{token[:2]}/{token}-{secrets.token_hex(4)}"


def moved_on() -> Conflict:
    """Return what somebody reads whose part is not the one that follows."""
    return Conflict(_("This upload has come to another place meanwhile. Try again."))


def begin(person_id: int, target: Target, name: str, size_bytes: int) -> PartialUpload:
    """Return a new upload of which nothing has arrived."""
    upload = PartialUpload(
        person_id=person_id,
        project_id=target.project_id,
        record_id=target.record_id,
        row_key=target.row_id or 0,
        name=name,
        size_bytes=size_bytes,
        expires_at=utcnow() + PARTS_LIVE,
    )
    with writing() as session:
        session.add(upload)
    return upload


def find(person_id: int, target: Target, token: str) -> PartialUpload | None:
    """Return an upload of this person's for this target; an expired one is none."""
    if not token.isprintable():
        # PostgreSQL refuses NUL.
        return None
    return db.session.scalar(
        select(PartialUpload).where(
            PartialUpload.token == token,
            PartialUpload.person_id == person_id,
            PartialUpload.record_id == target.record_id,
            PartialUpload.row_key == (target.row_id or 0),
            PartialUpload.expires_at > utcnow(),
        )
    )


def unfinished(person_id: int, target: Target) -> list[PartialUpload]:
    """Return what this person has begun to send to this target and not finished, oldest first."""
    return list(
        db.session.scalars(
            select(PartialUpload)
            .where(
                PartialUpload.person_id == person_id,
                PartialUpload.record_id == target.record_id,
                PartialUpload.row_key == (target.row_id or 0),
                PartialUpload.expires_at > utcnow(),
                PartialUpload.is_done.is_(False),
            )
            .order_by(PartialUpload.id)
        )
    )


def keep(upload: PartialUpload, key: str, size_bytes: int) -> None:
    """Add a stored part to what has arrived; raises Conflict when it does not follow any more."""
    with writing() as session:
        _change(
            session,
            upload,
            offset_bytes=upload.offset_bytes + size_bytes,
            parts=[*upload.parts, key],
        )


def finish(upload: PartialUpload, session: Session) -> None:
    """Note that the file is whole and in the tray; raises Conflict when somebody else has."""
    _change(session, upload, offset_bytes=upload.size_bytes, parts=[], is_done=True)


def _change(session: Session, upload: PartialUpload, **values: object) -> None:
    changed = session.execute(
        update(PartialUpload)
        .where(
            PartialUpload.id == upload.id,
            PartialUpload.offset_bytes == upload.offset_bytes,
            PartialUpload.is_done.is_(False),
        )
        .values(expires_at=utcnow() + PARTS_LIVE, **values)
    )
    if rows_changed(changed) != 1:
        raise moved_on()


def forget(upload: PartialUpload) -> None:
    """End an upload and delete what has arrived of it."""
    with writing() as session:
        session.execute(delete(PartialUpload).where(PartialUpload.id == upload.id))
    for key in upload.parts:
        blobs().delete(key)


def sweep() -> int:
    """Forget uploads nobody has continued for a day, and delete parts that belong to none."""
    now = utcnow()
    with writing() as session:
        session.execute(delete(PartialUpload).where(PartialUpload.expires_at < now))
    swept = 0
    for stored in blobs().stored(PREFIX):
        if stored.stored_at < now - PARTS_LIVE and not _is_alive(stored.key):
            blobs().delete(stored.key)
            swept += 1
    if swept:
        log.info("parts.swept", extra={"objects": swept})
    return swept


def _is_alive(key: str) -> bool:
    token = key.rpartition("/")[2].partition("-")[0]
    found = db.session.scalar(select(PartialUpload.id).where(PartialUpload.token == token))
    db.session.rollback()
    return found is not None

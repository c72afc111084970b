"""Discarding what was begun: for good where nothing is in it, else for thirty days.

A discarded record is saved no longer, so no list, count or sum knows it, and nobody sees it any
more; its files and rows stay with it until the chores delete it for good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.models import Attachment
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Conflict, Forbidden, NotFound
from webapp.core.text import _
from webapp.imports import claims, walks
from webapp.imports.models import UNFINISHED, ImportItem, Tray, TrayItem
from webapp.imports.walk_models import FolderWalk
from webapp.records.models import Record, RecordRow
from webapp.tools.lifecycle import UNSAVED_KEY, restrict
from webapp.tools.parts import Standing
from webapp.tools.registry import Part, Tool

UNSAVED_LIVES = timedelta(days=1)
WAS_SAVED = "was_saved"


def may_discard(standing: Standing) -> bool:
    """May this person discard it? It is theirs, and never saved or a draft without a number."""
    record = standing.record
    is_draft = standing.tool.status(record.status).is_draft and record.number is None
    is_begun = record.saved_at is None
    return (is_draft or is_begun) and Part.CREATOR in standing.parts


def discard(session: Session, standing: Standing) -> None:
    """Take a draft away; only its creator can. What holds nothing is deleted at once."""
    record = standing.record
    if not may_discard(standing):
        raise Forbidden(_("Only an unnumbered draft can be discarded, and only by its creator."))
    if is_empty(session, record):
        session.delete(record)
        session.flush()
    else:
        record.details = {**record.details, WAS_SAVED: record.saved_at is not None}
        record.saved_at, record.discarded_at = None, utcnow()
        _stop(session, record)
        _note(session, standing, "record.discarded")
        session.flush()
    standing.tool.extension.discarded(session, standing)


def is_empty(session: Session, record: Record) -> bool:
    """Tell whether nothing would be lost with a record: never saved, and nothing in it."""
    if record.saved_at is not None or record.details.get(UNSAVED_KEY):
        return False
    holds = (
        select(Attachment.id).where(Attachment.record_id == record.id),
        select(RecordRow.id).where(RecordRow.record_id == record.id),
        select(ImportItem.id).where(
            ImportItem.record_id == record.id, ImportItem.state.in_(UNFINISHED)
        ),
        select(TrayItem.id)
        .join(Tray, Tray.id == TrayItem.tray_id)
        .where(Tray.record_id == record.id, Tray.is_open.is_(True)),
    )
    return not any(session.execute(query.limit(1)).first() for query in holds)


def _stop(session: Session, record: Record) -> None:
    """Forget what was chosen for the record, and end the copies that are on their way to it."""
    claims.cancel(session, ImportItem.record_id == record.id, reason="cancelled")
    theirs = select(Tray.id).where(Tray.record_id == record.id)
    walks.stop_all(session, FolderWalk.tray_id.in_(theirs), reason="cancelled")
    session.execute(delete(Tray).where(Tray.record_id == record.id))


def restore(session: Session, tool: Tool, project_id: int, record_id: int, person_id: int) -> None:
    """Bring a discarded record back as it was; Conflict when its thirty days are over."""
    record = session.scalar(
        select(Record)
        .where(
            Record.id == record_id,
            Record.project_id == project_id,
            Record.tool_key == tool.key,
            Record.created_by_id == person_id,
            Record.saved_at.is_(None),
        )
        .with_for_update(key_share=True)
    )
    if record is None:
        raise NotFound
    if record.discarded_at is None or record.discarded_at < utcnow() - REMOVED_LIVES:
        raise Conflict(_("It was not discarded, or was discarded more than 30 days ago."))
    details = dict(record.details)
    was_saved = details.pop(WAS_SAVED, False)
    record.details, record.discarded_at = details, None
    record.saved_at = utcnow() if was_saved else None
    record.updated_at = utcnow()
    session.flush()
    standing = Standing(tool, record, person_id, frozenset())
    if was_saved:
        tool.extension.saved(session, standing)
    restrict(session, tool, record)
    _note(session, standing, "record.brought_back")


@dataclass(frozen=True)
class Left:
    """A record that its creator left behind, with the number of its files."""

    record: Record
    files: int

    @property
    def kept_until(self) -> datetime | None:
        """Until when it can be brought back; None for one that was never discarded."""
        at = self.record.discarded_at
        return at + REMOVED_LIVES if at else None


def left_by(session: Session, tool: Tool, project_id: int, person_id: int) -> list[Left]:
    """Return what this person has discarded and can bring back, and began and never saved.

    What was begun and holds nothing is not worth a word.
    """
    found = session.scalars(
        select(Record)
        .where(
            Record.project_id == project_id,
            Record.tool_key == tool.key,
            Record.created_by_id == person_id,
            Record.saved_at.is_(None),
            or_(Record.discarded_at.is_(None), Record.discarded_at > utcnow() - REMOVED_LIVES),
        )
        .order_by(Record.updated_at.desc())
        .limit(20)
    ).all()
    kept = [record for record in found if record.discarded_at or not is_empty(session, record)]
    counted = (
        select(Attachment.record_id, func.count(Attachment.id))
        .where(Attachment.record_id.in_([r.id for r in kept]), Attachment.removed_at.is_(None))
        .group_by(Attachment.record_id)
    )
    files = dict(session.execute(counted).all()) if kept else {}
    return [Left(record, files.get(record.id, 0)) for record in kept]


def overdue(now: datetime) -> tuple[Delete, ...]:
    """Return what deletes records and rows whose time to be brought back is over."""
    gone = now - REMOVED_LIVES
    begun = and_(Record.discarded_at.is_(None), Record.updated_at < now - UNSAVED_LIVES)
    return (
        delete(Record).where(Record.saved_at.is_(None), or_(begun, Record.discarded_at < gone)),
        delete(RecordRow).where(RecordRow.removed_at < gone),
    )


def _note(session: Session, standing: Standing, event: str, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=standing.person_id,
        project_id=standing.record.project_id,
        record_id=standing.record.id,
        **facts,
    )

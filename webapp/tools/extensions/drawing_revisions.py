"""The revisions of one drawing: which of them is current, and which are superseded."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.text import N_
from webapp.records.models import Record
from webapp.tools.registry import Tool

SHEET = ("unpublished", "published", "superseded", "obsolete")
# What a reader of the tool has been shown: of these the newest is current, the others superseded.
SHOWN = ("published", "superseded", "obsolete")
NEWEST_CHANGED = N_("Newest revision changed")


def same_number(record: Record) -> list[ColumnElement[bool]]:
    """Return SQL for all revisions of a drawing."""
    return [
        Record.project_id == record.project_id,
        Record.tool_key == record.tool_key,
        Record.scope == record.scope,
        Record.status.in_(SHEET),
    ]


def settle_current(session: Session, tool: Tool, record: Record, *, person_id: int) -> None:
    """Make the newest published revision of a drawing the current one, and no other."""
    session.flush()
    revisions = session.scalars(
        select(Record)
        .where(*same_number(record), Record.status.in_(SHOWN))
        .order_by(Record.revision.desc())
    ).all()
    for place, one in enumerate(revisions):
        if place == 0 and one.status == "superseded":
            _turn(session, tool, one, "published", person_id)
        elif place > 0 and one.status != "superseded":
            _turn(session, tool, one, "superseded", person_id)


def _turn(session: Session, tool: Tool, record: Record, status: str, person_id: int) -> None:
    before = tool.status(record.status).label
    record.status = status
    record.is_open = tool.status(status).is_open
    record.closed_at = None if record.is_open else utcnow()
    record.version += 1
    record.updated_at = utcnow()
    audit.note(
        session,
        "record.moved",
        person_id=person_id,
        project_id=record.project_id,
        record_id=record.id,
        step=NEWEST_CHANGED,
        before=before,
        after=tool.status(status).label,
    )

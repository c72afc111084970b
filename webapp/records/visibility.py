"""Which records a person sees: the one rule, in SQL, for lists, pages, downloads and the worker.

- Nobody sees another person's unsaved draft.
- Everybody else needs at least Read Only in the record's tool.
- A restricted record (private, or a draft) shows itself to its viewers and the tool's admins only.
- An unsent row shows itself to its author only, a bid to whoever it names and the tool's admins;
  everything else on a record follows the record.
"""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    false,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from webapp.companies.access import level_expression
from webapp.companies.models import Level
from webapp.core.database import db
from webapp.core.problems import NotFound
from webapp.records.models import Record, RecordRow, RecordViewer


@dataclass(frozen=True)
class Target:
    """What files hang on: a record, or one row of it."""

    project_id: int
    tool_key: str
    record_id: int
    row_id: int | None = None


def may_see(person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL that is true for the records this person sees; `records` must be selected from."""
    level = level_expression(person_id, Record.project_id.expression, Record.tool_key.expression)
    viewer = (
        select(RecordViewer.person_id)
        .where(RecordViewer.record_id == Record.id, RecordViewer.person_id == person_id)
        .exists()
    )
    return and_(
        or_(Record.saved_at.is_not(None), Record.created_by_id == person_id),
        level >= int(Level.READ),
        or_(Record.restricted.is_(False), level >= int(Level.ADMIN), viewer),
    )


def may_see_at(person_id: int, level: Level) -> ColumnElement[bool]:
    """Return the same as `may_see` for one tool of one project, where the level is known.

    Asked of thousands of records at once, a level worked out for each costs more than the rest.
    """
    if level < Level.READ:
        return false()
    viewer = (
        select(RecordViewer.person_id)
        .where(RecordViewer.record_id == Record.id, RecordViewer.person_id == person_id)
        .exists()
    )
    saved = or_(Record.saved_at.is_not(None), Record.created_by_id == person_id)
    return saved if level >= Level.ADMIN else and_(saved, or_(Record.restricted.is_(False), viewer))


def may_see_row(person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL that is true for rows this person sees on a record they see."""
    level = level_expression(
        person_id, RecordRow.project_id.expression, RecordRow.tool_key.expression
    )
    is_mine = or_(RecordRow.author_id == person_id, RecordRow.person_id == person_id)
    return and_(
        or_(RecordRow.sent_at.is_not(None), RecordRow.author_id == person_id),
        or_(RecordRow.is_own.is_(False), is_mine, level >= int(Level.ADMIN)),
    )


def hangs_visibly(
    person_id: int | ColumnElement[int], row_id: InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """Return SQL for something joined to `records`, and to a row of it or to none."""
    own_row = select(RecordRow.id).where(RecordRow.id == row_id, may_see_row(person_id)).exists()
    return and_(may_see(person_id), or_(row_id.is_(None), own_row))


def record_for(person_id: int, *, project_id: int, tool_key: str, record_id: int) -> Record:
    """Return a record at its address when this person sees it; NotFound otherwise."""
    found = db.session.scalar(
        _record_at_address(),
        {
            "person_id": person_id,
            "project_id": project_id,
            "tool_key": tool_key,
            "record_id": record_id,
        },
    )
    if found is None:
        raise NotFound
    return found


@cache
def _record_at_address() -> Select[Record]:
    """Return the query of `record_for`, made once: making it costs five times its execution."""
    return select(Record).where(
        Record.id == bindparam("record_id", type_=Integer),
        Record.project_id == bindparam("project_id", type_=Integer),
        Record.tool_key == bindparam("tool_key", type_=String),
        may_see(bindparam("person_id", type_=Integer)),
    )


def row_for(person_id: int, record: Record, row_id: int) -> RecordRow:
    """Return a row of a record that was loaded for this person; NotFound otherwise."""
    found = db.session.scalar(
        select(RecordRow).where(
            RecordRow.id == row_id, RecordRow.record_id == record.id, may_see_row(person_id)
        )
    )
    if found is None:
        raise NotFound
    return found

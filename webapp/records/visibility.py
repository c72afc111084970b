"""Which records a person sees: the one rule, in SQL, for lists, pages, downloads and the worker.

- Nobody sees another person's unsaved draft, nor anything that was discarded or removed.
- Everybody else needs at least Read Only in the record's tool.
- A restricted record (private, or a draft) shows itself to its viewers and the tool's admins only.
- An unsent row shows itself to its author only, a bid to whoever it names and the tool's admins, a
  row of a table that is for admins to nobody else; every other row follows the record.
- What a row holds (files, copies on their way, sealed fields) follows the row, and while the row is
  sealed it shows itself to nobody but whom the row names, admins included.

Every query for records, rows, files or copies that somebody will look at passes through one of the
functions below; `tests/structure/test_seeing.py` reads the code and says which does not.
"""

from collections.abc import Callable, Iterable
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
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

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
        Record.discarded_at.is_(None),
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


@dataclass(frozen=True)
class TableRule:
    """What a tool declares of one of its tables for this rule.

    `shown_if` is the yes-no field of the record without which its rows are for admins. While the
    field `sealed_if` says yes and the status is one of `sealed_in`, what a row holds is sealed.
    """

    tool_key: str
    section: str
    shown_if: str = ""
    sealed_if: str = ""
    sealed_in: tuple[str, ...] = ()


TableRules = Callable[[], Iterable[TableRule]]
_declared: list[TableRules] = []


def add_tables(rules: TableRules) -> TableRules:
    """Let a room above say which of its tables have rules of their own; asked for every query."""
    _declared.append(rules)
    return rules


def _tables() -> Iterable[TableRule]:
    return (rule for rules in _declared for rule in rules())


def may_see_row(person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL that is true for rows this person sees on a record they see."""
    level = level_expression(
        person_id, RecordRow.project_id.expression, RecordRow.tool_key.expression
    )
    is_admin = level >= int(Level.ADMIN)
    return and_(
        RecordRow.removed_at.is_(None),
        or_(RecordRow.sent_at.is_not(None), RecordRow.author_id == person_id),
        or_(RecordRow.is_own.is_(False), RecordRow.person_id == person_id, is_admin),
        *(
            or_(_is_elsewhere(table), is_admin, _record_says(table.shown_if))
            for table in _tables()
            if table.shown_if
        ),
    )


def may_see_in_row(person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL that is true for rows of which this person sees also what they hold.

    That is what hangs on them, and what their sealed fields say.
    """
    return and_(
        may_see_row(person_id),
        *(
            or_(
                _is_elsewhere(table),
                RecordRow.person_id == person_id,
                not_(_record_says(table.sealed_if, table.sealed_in)),
            )
            for table in _tables()
            if table.sealed_if
        ),
    )


@cache
def _is_elsewhere(table: TableRule) -> ColumnElement[bool]:
    return or_(RecordRow.tool_key != table.tool_key, RecordRow.section != table.section)


@cache
def _record_says(field: str, statuses: tuple[str, ...] = ()) -> ColumnElement[bool]:
    """Return SQL that is true where a yes-no field of the row's record says yes, made once."""
    record = aliased(Record)
    query = select(record.id).where(
        record.id == RecordRow.record_id,
        func.coalesce(record.details[field].as_boolean(), false()),
    )
    return (query.where(record.status.in_(statuses)) if statuses else query).exists()


def hangs_visibly(
    person_id: int | ColumnElement[int], row_id: InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """Return SQL for something joined to `records`, and to a row of it or to none."""
    return and_(may_see(person_id), hangs_on_seen(person_id, row_id))


def hangs_on_seen(
    person_id: int | ColumnElement[int], row_id: InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """Return SQL for what hangs on records this person is known to see, or on rows of those."""
    row = (
        select(RecordRow.id)
        .where(RecordRow.id == row_id, may_see_in_row(person_id))
        # A query that has joined rows itself still means the row that this one hangs on.
        .correlate_except(RecordRow)
        .exists()
    )
    return or_(row_id.is_(None), row)


def sees_into(person_id: int, row: RecordRow) -> bool:
    """Tell whether somebody who sees a row sees what it holds, too."""
    query = select(RecordRow.id).where(RecordRow.id == row.id, may_see_in_row(person_id))
    return db.session.scalar(query) is not None


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

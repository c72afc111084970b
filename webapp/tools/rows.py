"""The rows of a table that belongs to a record: lines of money, agenda items, workflow steps.

Each function takes a writing session in which the caller has loaded the record anew. Whoever fills
the table changes a row; whom a row names fills in its answer. Every change is in the history.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.models import Attachment
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.formats import money
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound
from webapp.core.text import _, kept_text
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import may_see_in_row, may_see_row, sees_into
from webapp.tools.lifecycle import after_change, hold
from webapp.tools.parts import Standing
from webapp.tools.registry import Field, Kind, Section
from webapp.tools.telling import tell_of_answer, tell_of_row
from webapp.tools.values import (
    Values,
    changes_between,
    cut,
    people_in_row,
    read_row,
    set_people,
    write_row,
)

# Before the name of the section that a removed row was in.
REMOVED = "removed:"


@dataclass(frozen=True)
class SeenRow:
    """A row as one person sees it: `sealed` are the fields that tell them nothing for now."""

    row: RecordRow
    sealed: frozenset[str] = frozenset()


# Far above what anybody builds, and far below what either database can hold in cents.
TOTAL_MAX = Decimal(10**15)


def rows_of(session: Session, record_id: int, section: Section) -> list[RecordRow]:
    """Return all rows of a table in their order, for what is worked out and shown to nobody."""
    return list(
        session.scalars(
            select(RecordRow)
            .where(RecordRow.record_id == record_id, RecordRow.section == section.key)
            .options(joinedload(RecordRow.person), joinedload(RecordRow.vendor))
            .order_by(RecordRow.position, RecordRow.id)
        )
    )


def seen_rows(session: Session, standing: Standing, section: Section) -> list[SeenRow]:
    """Return the rows of a table that this person sees, in their order."""
    found = session.execute(
        select(RecordRow, may_see_in_row(standing.person_id))
        .where(
            RecordRow.record_id == standing.record.id,
            RecordRow.section == section.key,
            may_see_row(standing.person_id),
        )
        .options(joinedload(RecordRow.person), joinedload(RecordRow.vendor))
        .order_by(RecordRow.position, RecordRow.id)
    )
    return [
        SeenRow(row, frozenset() if is_open else frozenset(section.sealed))
        for row, is_open in found
    ]


def add(session: Session, standing: Standing, section: Section, values: Values) -> RecordRow:
    """Put a row at the end of the table."""
    _require_writer(standing, section)
    standing.tool.extension.row_changing(session, standing, None, values)
    row = insert(session, standing.record, section, values, author_id=standing.person_id)
    _changed(session, standing, section, "row.added", row)
    _tell_named(session, standing, section, row, set())
    return row


def insert(
    session: Session, record: Record, section: Section, values: Values, *, author_id: int
) -> RecordRow:
    """Add a row without a word in the history, for whoever writes that word themselves."""
    last = session.scalar(
        select(func.max(RecordRow.position)).where(
            RecordRow.record_id == record.id, RecordRow.section == section.key
        )
    )
    row = RecordRow(
        record_id=record.id,
        project_id=record.project_id,
        tool_key=record.tool_key,
        section=section.key,
        author_id=author_id,
        sent_at=utcnow(),
        is_own=section.own_rows,
        position=(last or 0) + 1,
        details={},
    )
    write_row(section, row, values)
    session.add(row)
    session.flush()
    return row


def change(
    session: Session, standing: Standing, row: RecordRow, values: Values, *, version: int
) -> None:
    """Change a row; Conflict when somebody else has changed it since this form was opened."""
    section = _section_of(standing, row)
    _hold(session, standing, row)
    _require_movable(standing, row)
    allowed = {field.key for field in changeable(standing, section, row)}
    if not allowed:
        raise Forbidden(_("You may not change this, or not any more."))
    if row.version != version:
        raise Conflict(_("This row was changed while you were editing."))
    values = {key: value for key, value in values.items() if key in allowed}
    standing.tool.extension.row_changing(session, standing, row, values)
    before, named = read_row(section, row), named_by(section, row)
    write_row(section, row, values)
    row.version += 1
    session.flush()
    after = read_row(section, row)
    if after != before:
        told = [f for f in section.fields if not _is_sealed(standing, section, f)]
        changes = changes_between(session, told, before, after)
        _changed(session, standing, section, "row.changed", row, changes=changes)
        _tell_named(session, standing, section, row, named)
        is_theirs = row.person_id == standing.person_id
        if is_theirs and any(after[key] != before[key] for key in section.answers):
            tell_of_answer(session, standing, row)


def named_by(section: Section, row: RecordRow) -> set[int]:
    """Return whom a row names, in a field of one person or of several."""
    several = next((f.key for f in section.fields if f.kind is Kind.PEOPLE), "")
    people = set(people_in_row(several, row)) if several else set()
    return people | ({row.person_id} if row.person_id else set())


def _words_of(section: Section, row: RecordRow) -> str:
    """Return what was written in a row first."""
    written = read_row(section, row)
    kinds = {Kind.TEXT, Kind.LONG_TEXT}
    said = (written[f.key] for f in section.fields if f.kind in kinds and not f.is_derived)
    return cut(next((str(text) for text in said if text), ""))


def _tell_named(
    session: Session, standing: Standing, section: Section, row: RecordRow, before: set[int]
) -> None:
    # A table whose people have a part in the record tells them of that.
    if not section.part:
        item = _words_of(section, row) or kept_text(section.row_label)
        tell_of_row(session, standing, row, named_by(section, row) - before, item=item)


def changeable(standing: Standing, section: Section, row: RecordRow) -> tuple[Field, ...]:
    """Return the fields of a row that this person may change now."""
    is_open = not section.sealed or sees_into(standing.person_id, row)
    open_fields = [
        field
        for field in section.fields
        if not field.is_derived and (is_open or field.key not in section.sealed)
    ]
    if standing.may_write_in(section):
        waits = not standing.may_write_answer(section, row)
        return tuple(f for f in open_fields if not (waits and f.key in section.answers))
    if standing.may_answer(section, row):
        return tuple(field for field in open_fields if field.key in section.answers)
    return ()


def _is_sealed(standing: Standing, section: Section, field: Field) -> bool:
    """Is this a field whose values the history must not tell, because they are sealed now?"""
    record = standing.record
    is_shut = bool(section.sealed_if) and bool(record.details.get(section.sealed_if))
    return field.key in section.sealed and is_shut and record.status in section.sealed_in


def fields_to_fill(section: Section) -> tuple[Field, ...]:
    """Return the fields of a new row's form; answers follow from whom the row names."""
    is_answered_later = bool(section.turns) or section.own_rows
    return tuple(
        field
        for field in section.fields
        if not (field.is_derived or (is_answered_later and field.key in section.answers))
    )


def removable(session: Session, standing: Standing, row: RecordRow) -> Section:
    """Return the table that a row can be taken out of; a problem when it cannot."""
    section = _section_of(standing, row)
    _require_movable(standing, row)
    _require_writer(standing, section)
    standing.tool.extension.row_removing(session, standing, row)
    has_files = session.scalar(
        select(Attachment.id)
        .where(Attachment.row_id == row.id, Attachment.removed_at.is_(None))
        .limit(1)
    )
    if has_files is not None:
        raise Conflict(_("It carries files. Remove those first."))
    return section


def remove(session: Session, standing: Standing, row: RecordRow) -> None:
    """Take a row away for thirty days; one that carries files keeps them, and stays."""
    _hold(session, standing, row)
    section = removable(session, standing, row)
    name = said_in(section, row)
    row.removed_at, row.removed_by_id = utcnow(), standing.person_id
    row.section = f"{REMOVED}{section.key}"
    session.flush()
    _changed(session, standing, section, "row.removed", None, name=name)


def removed_rows(session: Session, standing: Standing, section: Section) -> list[RecordRow]:
    """Return the removed rows of a table that this person can put back, the last one first."""
    if not section.is_table or not standing.may_write_in(section):
        return []
    return list(
        session.scalars(
            select(RecordRow)
            .where(
                RecordRow.record_id == standing.record.id,
                RecordRow.section == f"{REMOVED}{section.key}",
                RecordRow.removed_at > utcnow() - REMOVED_LIVES,
            )
            .options(joinedload(RecordRow.person), joinedload(RecordRow.vendor))
            .options(joinedload(RecordRow.removed_by))
            .order_by(RecordRow.removed_at.desc(), RecordRow.id.desc())
        )
    )


def restore(session: Session, standing: Standing, row_id: int) -> tuple[Section, RecordRow]:
    """Put a removed row back into its table; NotFound when there is none to put back."""
    tables = (section for section in standing.tool.sections if section.is_table)
    found = ((s, row) for s in tables for row in removed_rows(session, standing, s))
    section, row = next(((s, row) for s, row in found if row.id == row_id), (None, None))
    if section is None or row is None:
        raise NotFound
    hold(session, standing.record)
    standing.tool.extension.row_changing(session, standing, None, read_row(section, row))
    row.section, row.removed_at, row.removed_by_id = section.key, None, None
    session.flush()
    _changed(session, standing, section, "row.restored", row)
    return section, row


def _hold(session: Session, standing: Standing, row: RecordRow) -> None:
    """Read a row anew and keep it, so that nobody else changes what is decided over it."""
    hold(session, standing.record)
    session.refresh(row, with_for_update=True)


def _section_of(standing: Standing, row: RecordRow) -> Section:
    section = standing.tool.section(row.section)
    if section is None or not section.is_table:
        raise Forbidden(_("You may not change this, or not any more."))
    return section


def _require_writer(standing: Standing, section: Section) -> None:
    if not section.is_table or not standing.may_write_in(section):
        raise Forbidden(_("You may not change this, or not any more."))


def _require_movable(standing: Standing, row: RecordRow) -> None:
    if words := standing.tool.extension.row_rests(standing, row):
        raise Forbidden(words)


def settle(session: Session, record: Record, section: Section) -> None:
    """Work out what follows from a table: the record's amount, and what its people are to it."""
    if section.sums:
        record.amount = total(session, record, section)
        if abs(record.amount) > TOTAL_MAX:
            raise Invalid(_("Its lines come to more than %(num)s.", num=money(TOTAL_MAX)))
    if section.part:
        rows = rows_of(session, record.id, section)
        set_people(session, record.id, section.key, [r.person_id for r in rows if r.person_id])


def total(session: Session, record: Record, section: Section) -> Decimal:
    """Return the sum of a table's money, exactly."""
    if section.sums == "amount":
        found = session.scalar(
            select(func.sum(RecordRow.amount)).where(
                RecordRow.record_id == record.id, RecordRow.section == section.key
            )
        )
        return Decimal(found or 0)
    rows = rows_of(session, record.id, section)
    return sum((read_row(section, row).get(section.sums) or Decimal(0) for row in rows), Decimal(0))


def _changed(
    session: Session,
    standing: Standing,
    section: Section,
    event: str,
    row: RecordRow | None,
    **facts: Any,
) -> None:
    hold(session, standing.record)
    settle(session, standing.record, section)
    standing.tool.extension.saved(session, standing)
    after_change(session, standing)
    if row is not None:
        facts |= {"row": row.id, "name": said_in(section, row)}
    audit.note(
        session,
        event,
        person_id=standing.person_id,
        project_id=standing.record.project_id,
        record_id=standing.record.id,
        section=section.key,
        row_label=section.row_label,
        **facts,
    )


def title_of(section: Section, row: RecordRow) -> str:
    """Return what a row is called in a sentence: its first name or words, else what it is."""
    return said_in(section, row) or _(section.row_label)


def said_in(section: Section, row: RecordRow) -> str:
    """Return a row's first name or words, "" when it has none."""
    values = read_row(section, row)
    for field in section.fields:
        if field.key == "person" and row.person is not None:
            return row.person.name
        if field.key == "vendor" and row.vendor is not None:
            return row.vendor.name
        if field.kind in {Kind.TEXT, Kind.LONG_TEXT} and values[field.key]:
            return cut(str(values[field.key]))
    return ""


def unanswered(section: Section, rows: Iterable[RecordRow], field: str) -> list[RecordRow]:
    """Return the rows whose answer is still missing."""
    return [row for row in rows if not read_row(section, row).get(field)]

"""What dates do by themselves: the morning of a day, the morning after it, a moment to the second.

Every date of a declaration says in its `promise` what it does; the clock is the project's. Pages
and refusals judge by the moment itself and wait for nothing here. This sweep tells people and takes
the steps nobody needs to click: once for each date (`ActedMoment`), whoever sweeps and how often,
and after a standstill it catches up with the last days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.accounts.notices import add_texts
from webapp.companies import access
from webapp.companies.models import Project
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.formats import clock, short_day
from webapp.core.text import N_, kept_text
from webapp.records.models import ActedMoment, Record, RecordPerson, RecordRow
from webapp.tools import lifecycle, rows
from webapp.tools.parts import BALL_ROLE
from webapp.tools.registry import TOOLS, Field, Promise, Section, Tool
from webapp.tools.telling import leave
from webapp.tools.values import COLUMNS, ROW_COLUMNS

add_texts(
    {
        "overdue": N_("%(record)s was due %(day)s: %(title)s"),
        "row_overdue": N_("Your part in %(record)s was due %(day)s: %(title)s"),
        "passed": N_("%(field)s of %(record)s was %(day)s: %(title)s"),
        "today": N_("%(field)s of %(record)s is today: %(title)s"),
        "today_at": N_("%(field)s of %(record)s is today at %(time)s: %(title)s"),
        "expires": N_("%(field)s of %(record)s is only until %(day)s: %(title)s"),
        "expired": N_("%(field)s of %(record)s was only until %(day)s: %(title)s"),
    }
)

# Nobody is told of a day in the middle of the night that begins it.
MORNING = time(6)
# How far back a sweep looks for what a standstill has left undone.
CATCH_UP = timedelta(days=7)
# What a promise leaves behind, and how many days after its date.
KINDS = {
    Promise.DUE: (("overdue", 1),),
    Promise.PASSES: (("passed", 1),),
    Promise.ON_DAY: (("today", 0),),
    Promise.EXPIRES: (("expired", 1),),
}


@dataclass(frozen=True)
class Dated:
    """A date field of a tool, or of a table of its records, with one thing it does."""

    tool: Tool
    section: Section | None
    field: Field
    kind: str
    days_after: int

    @property
    def mark(self) -> str:
        """What it is remembered by, once for a record or row and a date."""
        where = f"{self.section.key}." if self.section else ""
        return f"{where}{self.field.key}:{self.kind}"[:40]


def dated_fields() -> Iterator[Dated]:
    """Return everything that a date of any tool does on a morning."""
    for tool in TOOLS:
        tables = [(None, tool.fields), *((s, s.fields) for s in tool.sections)]
        for section, fields in tables:
            for field in fields:
                for kind, days_after in _kinds(field):
                    yield Dated(tool, section, field, kind, days_after)


def _kinds(field: Field) -> tuple[tuple[str, int], ...]:
    found: tuple[tuple[str, int], ...] = KINDS.get(field.promise, ())
    is_ending = field.promise is Promise.EXPIRES
    return (("expires", -field.warn_days), *found) if is_ending else found


def sweep() -> int:
    """Act on every date whose moment has come and was not acted on yet; return how many."""
    done = 0
    for project in db.session.scalars(select(Project).order_by(Project.id)).all():
        local = utcnow().astimezone(project.zone)
        # Before the morning it is still yesterday for whoever would be told.
        today = local.date() - timedelta(days=local.time() < MORNING)
        for dated in dated_fields():
            last = today - timedelta(days=dated.days_after)
            for record_id, row_id, day in _come(db.session(), project.id, dated, last):
                done += _act(dated, record_id, row_id, day)
    return done


def _come(
    session: Session, project_id: int, dated: Dated, last: date
) -> list[tuple[int, int, date]]:
    """Return the records, rows and dates whose moment has come within the days caught up with."""
    model: Any = RecordRow if dated.section else Record
    columns = ROW_COLUMNS if dated.section else COLUMNS
    is_column = dated.field.key in columns
    day: ColumnElement[Any] = (
        getattr(model, columns[dated.field.key])
        if is_column
        else model.details[dated.field.key].as_string()
    )
    # What is said ahead is still said later, until the day itself.
    first = last + timedelta(days=min(dated.days_after, 0)) - CATCH_UP
    ends = (first, last) if is_column else (first.isoformat(), last.isoformat())
    query = select(Record.id, model.id, day).where(
        Record.project_id == project_id,
        Record.tool_key == dated.tool.key,
        Record.saved_at.is_not(None),
        Record.discarded_at.is_(None),
        day > ends[0],
        day <= ends[1],
    )
    if dated.section:
        query = query.join(RecordRow, RecordRow.record_id == Record.id).where(
            RecordRow.section == dated.section.key
        )
    acted = {
        (record_id, row_id, acted_day)
        for record_id, row_id, acted_day in session.execute(
            select(ActedMoment.record_id, ActedMoment.row_id, ActedMoment.day).where(
                ActedMoment.field == dated.mark, ActedMoment.day > first, ActedMoment.day <= last
            )
        )
    }
    found = [
        (record_id, row_id if dated.section else 0, date.fromisoformat(str(text)))
        for record_id, row_id, text in session.execute(query)
    ]
    return [one for one in found if one not in acted]


def _act(dated: Dated, record_id: int, row_id: int, day: date) -> bool:
    """Tell whom a date concerns; False when somebody has, or the date has changed meanwhile."""
    with writing() as session:
        record = session.get(Record, record_id)
        if record is None:
            return False
        lifecycle.hold(session, record)
        row = session.get(RecordRow, row_id) if row_id else None
        key = {"record_id": record_id, "row_id": row_id, "field": dated.mark, "day": day}
        if session.get(ActedMoment, key) or (row_id and row is None):
            return False
        session.add(ActedMoment(**key))
        if not dated.tool.extension.still_counts(record, row, dated.field):
            return False
        at = record.details.get(dated.field.at)
        kind = {"overdue": "row_overdue"}.get(dated.kind, dated.kind) if row else dated.kind
        leave(
            session,
            dated.tool,
            record,
            _concerned(session, dated, record, row),
            "today_at" if kind == "today" and at else kind,
            by_id=None,
            facts=lambda: {
                "day": short_day(day),
                "field": kept_text(dated.field.label),
                "time": clock(time.fromisoformat(at)) if at else "",
            },
        )
    return True


def _concerned(session: Session, dated: Dated, record: Record, row: RecordRow | None) -> set[int]:
    """Return whom a date concerns: whose turn it is or whom it names, and who leads."""
    leads = {record.manager_id or record.created_by_id}
    if dated.field.promise is Promise.EXPIRES:
        return access.admins_in(record.project_id, record.tool_key)
    if row is not None:
        return leads | rows.named_by(dated.section, row) if dated.section else leads
    if dated.field.promise is Promise.PASSES:
        return leads
    roles = {BALL_ROLE}
    if dated.field.promise is Promise.ON_DAY:
        roles |= set(dated.tool.parts_by_role)
    named = select(RecordPerson.person_id).where(
        RecordPerson.record_id == record.id, RecordPerson.role.in_(roles)
    )
    return set(session.scalars(named)) | leads


def close_due() -> int:
    """Take the step that follows by itself from a moment that has come; return how many."""
    done = 0
    for tool in TOOLS:
        for field in tool.fields:
            step = tool.transition(field.step) if field.promise is Promise.CLOSES else None
            if step is None:
                continue
            tomorrow = utcnow().date() + timedelta(days=1)
            candidates = select(Record.id).where(
                Record.tool_key == tool.key,
                Record.status.in_(step.before),
                Record.due_on <= tomorrow,
            )
            for record_id in db.session.scalars(candidates).all():
                with writing() as session:
                    record = session.get_one(Record, record_id)
                    lifecycle.hold(session, record)
                    if tool.extension.has_come(record, field) and record.status in step.before:
                        lifecycle.move_by_itself(session, tool, record, step)
                        done += 1
    return done

"""Reminding others of what is overdue: one press, and each person once a day for a record."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from webapp.accounts.models import Person
from webapp.accounts.notices import add_texts
from webapp.companies import access
from webapp.companies.models import Level, Project
from webapp.core import audit
from webapp.core.formats import short_day
from webapp.core.text import N_
from webapp.records.models import Record, RecordPerson, Reminder
from webapp.records.visibility import may_see
from webapp.tools.lists import holds_ball, is_overdue
from webapp.tools.parts import BALL_ROLE
from webapp.tools.registry import TOOLS
from webapp.tools.telling import leave

add_texts({"reminder": N_("%(by)s reminds you: %(record)s was due %(day)s: %(title)s")})

# More than a page of them is a matter for a meeting, not for letters.
AT_ONCE = 100


@dataclass(frozen=True)
class Due:
    """Somebody who can be reminded of a record today."""

    record: Record
    person_id: int


def due(session: Session, project: Project, person_id: int) -> list[Due]:
    """Return whom this person may remind of what, today.

    They administer the record's tool, began the record or manage it.
    """
    levels = access.levels(project.id, person_id)
    today, holder = project.today(), aliased(RecordPerson)
    found = session.execute(
        select(Record, holder.person_id)
        .join(holder, holder.record_id == Record.id)
        .join(Person, Person.id == holder.person_id)
        .outerjoin(
            Reminder,
            (Reminder.record_id == Record.id)
            & (Reminder.person_id == holder.person_id)
            & (Reminder.day == today),
        )
        .where(
            Record.project_id == project.id,
            is_overdue(today),
            ~holds_ball(person_id),
            may_see(person_id),
            holder.role == BALL_ROLE,
            Person.is_active,
            Reminder.record_id.is_(None),
        )
        .order_by(Record.due_on, Record.id, holder.position)
        .limit(AT_ONCE)
    ).all()
    return [
        Due(record, held_by)
        for record, held_by in found
        if levels.get(record.tool_key, levels["*"]) >= Level.ADMIN
        or person_id in {record.created_by_id, record.manager_id}
    ]


def count_of_people(session: Session, project: Project, person_id: int) -> int:
    """Return how many people one press reminds."""
    return len({one.person_id for one in due(session, project, person_id)})


def remind(session: Session, project: Project, person_id: int) -> int:
    """Remind everybody who can be; return how many people were told."""
    people: set[int] = set()
    for record, holders in _by_record(due(session, project, person_id)).items():
        people |= _remind_of(session, record, holders, person_id, project.today())
    return len(people)


def _by_record(found: list[Due]) -> dict[Record, set[int]]:
    together: dict[Record, set[int]] = {}
    for one in found:
        together.setdefault(one.record, set()).add(one.person_id)
    return together


def _remind_of(
    session: Session, record: Record, holders: set[int], person_id: int, today: date
) -> set[int]:
    """Tell the holders of one record unless somebody else has just done so."""
    session.refresh(record, with_for_update={"key_share": True})
    done = select(Reminder.person_id).where(
        Reminder.record_id == record.id, Reminder.day == today, Reminder.person_id.in_(holders)
    )
    holders -= set(session.scalars(done))
    tool, due_on = TOOLS.get(record.tool_key), record.due_on
    assert tool is not None
    assert due_on is not None
    told = leave(
        session,
        tool,
        record,
        holders,
        "reminder",
        by_id=person_id,
        facts=lambda: {"day": short_day(due_on)},
    )
    session.add_all([Reminder(record_id=record.id, person_id=one, day=today) for one in told])
    if told:
        names = select(Person.name).where(Person.id.in_(told)).order_by(Person.name)
        audit.note(
            session,
            "record.reminded",
            person_id=person_id,
            project_id=record.project_id,
            record_id=record.id,
            names=", ".join(session.scalars(names)),
        )
    return told

"""The daily log beyond the mechanism: a page per day, and whose notes need an admin's approval.

A note is approved at once when an admin of the tool writes it; whoever is Standard writes one that
is pending until an admin approves it, and may edit it and attach to it until then. The level says
that, not the employer: outside collaborators are given Standard, and somebody of ours who is given
no more is looked after in the same way.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.notices import add_texts
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.clock import utcnow
from webapp.core.text import N_, local_date
from webapp.records.models import Record
from webapp.records.visibility import may_see
from webapp.tools.files import FileList, file_lists
from webapp.tools.parts import Standing, people_of, standing
from webapp.tools.registry import TOOLS, Extension, Listing, Part, Transition
from webapp.tools.telling import tell

add_texts({"note_pending": N_("%(by)s wrote a note that waits for approval: %(title)s")})

KEY = "daily_log"
FIRST_DAY, LAST_DAY = date(1900, 2, 1), date(2199, 12, 1)
WEEK = 7


@dataclass(frozen=True)
class Note:
    """One note of a day, with what this person may do to it."""

    record: Record
    standing: Standing
    at: time | None
    is_issue: bool
    comments: str
    files: FileList
    moves: tuple[Transition, ...]


@dataclass(frozen=True)
class Square:
    """One day of the calendar: how many notes it has, and how many of them are issues."""

    day: date
    notes: int
    issues: int
    is_shown: bool
    is_today: bool
    is_in_month: bool


class DailyLog(Extension):
    def created(self, session: Session, standing: Standing) -> None:
        """A note is about now until it says otherwise."""
        record = standing.record
        now = utcnow().astimezone(record.project.zone)
        record.dated_on = record.dated_on or now.date()
        record.details = {"time": f"{now:%H:%M}", **record.details}

    def saved(self, session: Session, standing: Standing) -> None:
        record = standing.record
        if record.opened_at is None:
            record.opened_at = utcnow()
            is_approved = Part.ADMIN in standing.parts
            record.status = "approved" if is_approved else "pending"
            record.is_open = standing.tool.status(record.status).is_open
            if not is_approved:
                admins = access.admins_in(record.project_id, KEY)
                tell(session, standing, admins, "note_pending")

    def listing(
        self,
        session: Session,
        *,
        project_id: int,
        person_id: int,
        level: Level,
        asked: dict[str, str],
    ) -> Listing:
        today = local_date(utcnow())
        day = day_asked(asked.get("day", ""), today)
        context = {
            "day": day,
            "before": day - timedelta(days=1),
            "after": day + timedelta(days=1),
            "notes": notes_of(
                session, day, project_id=project_id, person_id=person_id, level=level
            ),
            "weeks": _weeks(session, day, today, project_id=project_id, person_id=person_id),
            "month_before": day.replace(day=1) - timedelta(days=1),
            "month_after": _month_after(day),
            "today": today,
        }
        return Listing(context, partial="tools/daily_log/_day.html")


def day_asked(text: str, today: date) -> date:
    """Return the day that an address or a form names, today when it names none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if FIRST_DAY <= day <= LAST_DAY else today


def notes_of(
    session: Session, day: date, *, project_id: int, person_id: int, level: Level
) -> list[Note]:
    """Return a day's notes in the order of their times."""
    records = session.scalars(
        select(Record)
        .where(*_notes(project_id, person_id), Record.dated_on == day)
        .options(joinedload(Record.created_by), joinedload(Record.vendor))
    ).all()
    notes = [_note(session, record, person_id, level) for record in records]
    return sorted(notes, key=lambda note: (note.at or time.min, note.record.id))


def _notes(project_id: int, person_id: int) -> list[ColumnElement[bool]]:
    return [
        Record.project_id == project_id,
        Record.tool_key == KEY,
        Record.status != "withdrawn",
        Record.saved_at.is_not(None),
        may_see(person_id),
    ]


def _note(session: Session, record: Record, person_id: int, level: Level) -> Note:
    tool = TOOLS.get(KEY)
    assert tool is not None
    people = people_of(session, record.id)
    found = standing(tool, record, people, person_id=person_id, level=level)
    at = record.details.get("time")
    return Note(
        record,
        found,
        time.fromisoformat(at) if at else None,
        bool(record.details.get("is_issue")),
        str(record.details.get("comments") or ""),
        file_lists(session, found)[None],
        tuple(step for step in found.transitions(with_response=False) if step.is_main)
        if record.saved_at
        else (),
    )


def _weeks(
    session: Session, day: date, today: date, *, project_id: int, person_id: int
) -> list[list[Square]]:
    """Return the month around a day in weeks that begin on Sunday."""
    first = day.replace(day=1)
    start = first - timedelta(days=(first.weekday() + 1) % WEEK)
    end = _month_after(day)
    counted = _counts(session, start, end + timedelta(days=WEEK), project_id, person_id)
    weeks: list[list[Square]] = []
    while start < end:
        days = [start + timedelta(days=number) for number in range(WEEK)]
        weeks.append(
            [
                Square(
                    one,
                    *counted.get(one, (0, 0)),
                    is_shown=one == day,
                    is_today=one == today,
                    is_in_month=one.month == day.month,
                )
                for one in days
            ]
        )
        start += timedelta(days=WEEK)
    return weeks


def _counts(
    session: Session, first: date, end: date, project_id: int, person_id: int
) -> dict[date, tuple[int, int]]:
    issue: Any = Record.details["is_issue"].as_boolean()
    rows = session.execute(
        select(Record.dated_on, issue).where(
            *_notes(project_id, person_id),
            Record.dated_on >= first,
            Record.dated_on < end,
            Record.saved_at.is_not(None),
        )
    )
    found: dict[date, tuple[int, int]] = {}
    for day, is_issue in rows:
        notes, issues = found.get(day, (0, 0))
        found[day] = (notes + 1, issues + bool(is_issue))
    return found


def _month_after(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)

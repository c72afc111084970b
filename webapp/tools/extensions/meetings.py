"""Meetings: numbers of items, the next meeting of a series, and telling the attendees."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.notices import add_texts
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Conflict, Invalid
from webapp.core.text import N_, _
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import may_see
from webapp.tools import lifecycle, rows
from webapp.tools.blueprint import address
from webapp.tools.distributing import distribute, sent_out
from webapp.tools.parts import Standing, people_of
from webapp.tools.registry import (
    Action,
    Ball,
    Extension,
    Field,
    Foretold,
    Panel,
    Part,
    Section,
    Transition,
)
from webapp.tools.values import people_in_row, read_values, set_people, write_values

add_texts(
    {
        "meeting_today": N_("%(record)s is today."),
        "meeting_today_at": N_("%(record)s is today at %(time)s."),
    }
)

ATTENDEES, ITEMS = "attendees", "items"
NEXT = Action("next", N_("Next meeting"))
DISTRIBUTE = Action("distribute", N_("Distribute"), asks=True)
CORRECT = Action("correct", N_("Open for correction"), thaws=True)
USUAL_INTERVAL = timedelta(days=7)
# What belongs to one meeting alone; the next one of the series begins without it.
OF_ONE_MEETING = frozenset({"overview", "conclusion", "dated_on"})


class Meetings(Extension):
    """What a series needs beyond single records: its numbers, its follow-ups, whose turn it is."""

    def created(self, session: Session, standing: Standing) -> None:
        standing.record.dated_on = standing.record.project.today()

    def saved(self, session: Session, standing: Standing) -> None:
        record = standing.record
        _check_times(session, standing)
        _check_attendees(_rows(session, record, ATTENDEES))
        _number_items(session, record)
        _sum_up(session, standing)
        _pass_balls(session, standing)

    def new_row(self, session: Session, standing: Standing, section: Section) -> dict[str, Any]:
        return {"status": "open"} if section.key == ITEMS else {}

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        if transition.key == "convert":
            _open_again(session, standing)
        _pass_balls(session, standing)

    def still_counts(self, record: Record, row: RecordRow | None, field: Field) -> bool:
        """An item counts until it is closed or carried on, a meeting until it has been held."""
        if row is not None:
            return record.status != "draft" and row.status == "open" and row.record_id == record.id
        return record.status == "agenda"

    def told(self, record: Record, kind: str) -> tuple[str, dict[str, Any]] | None:
        return {"today": "meeting_today", "today_at": "meeting_today_at"}.get(kind, kind), {}

    def holders(self, session: Session, record: Record) -> list[int]:
        if record.status == "draft":
            return [record.created_by_id]
        if any(later.status != "draft" for later in _later(session, record)):
            return []
        items = _rows(session, record, ITEMS)
        return [one for item in items if item.status == "open" for one in _assignees(item)]

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        record = standing.record
        seen = select(Record).where(_in_series(record), may_see(standing.person_id))
        count, own = Record.number_sort, record.number_sort or 0
        before = session.scalar(seen.where(count < own).order_by(count.desc()).limit(1))
        after = session.scalar(seen.where(count > own).order_by(count).limit(1))
        link = str(record.details.get("video_link") or "")
        context = {
            "before": before,
            "after": after,
            "link": link if link.startswith(("https://", "http://")) else "",
        }
        return [Panel("tools/meetings/_series.html", context)] if any(context.values()) else []

    def actions(self, session: Session, standing: Standing) -> list[Action]:
        record = standing.record
        if record.status == "draft" or Part.ADMIN not in standing.parts:
            return []
        first = CORRECT if standing.is_frozen else DISTRIBUTE
        return [first] if _later(session, record) else [first, NEXT]

    def foretold_action(self, session: Session, standing: Standing, key: str) -> Foretold:
        attendees = _attending(session, standing.record)
        return Foretold(lines=sent_out(session, standing, attendees))

    def act(self, session: Session, standing: Standing, key: str) -> str:
        if key == DISTRIBUTE.key:
            _distribute(session, standing)
            return ""
        if key == CORRECT.key:
            _open_again(session, standing)
            lifecycle.after_change(session, standing)
            _note(session, standing, "record.acted", step=CORRECT.label)
            return ""
        record = standing.record
        lifecycle.count_alone(session, record.project_id)
        if _later(session, record):
            raise Conflict(_("The next meeting has been made already."))
        new = _next_meeting(session, standing)
        self.saved(session, new)
        lifecycle.after_change(session, new)
        _note(session, new, "record.created", changes=[])
        _note(session, standing, "record.acted", step=NEXT.label)
        return address("edit", standing.tool, record.project_id, new.record.id)


def _rows(session: Session, record: Record, section: str) -> list[RecordRow]:
    return list(
        session.scalars(
            select(RecordRow)
            .where(RecordRow.record_id == record.id, RecordRow.section == section)
            .order_by(RecordRow.position, RecordRow.id)
        )
    )


def _attending(session: Session, record: Record) -> list[int]:
    return [row.person_id for row in _rows(session, record, ATTENDEES) if row.person_id]


def _assignees(item: RecordRow) -> list[int]:
    return people_in_row("assignees", item)


def _in_series(record: Record) -> Any:
    """Return SQL for the saved meetings of a record's series."""
    return (
        (Record.project_id == record.project_id)
        & (Record.tool_key == record.tool_key)
        & (Record.scope == record.scope)
        & Record.number_sort.is_not(None)
    )


def _later(session: Session, record: Record) -> list[Record]:
    own = record.number_sort or 0
    query = select(Record).where(_in_series(record), Record.number_sort > own)
    return list(session.scalars(query))


def _before(session: Session, record: Record) -> Record | None:
    """Return the meeting of the series before this one."""
    return session.scalar(
        select(Record)
        .where(_in_series(record), Record.number_sort < (record.number_sort or 0))
        .order_by(Record.number_sort.desc())
        .limit(1)
    )


def _check_times(session: Session, standing: Standing) -> None:
    record = standing.record
    values = read_values(standing.tool, record, people_of(session, record.id))
    if values["starts_at"] and values["ends_at"] and values["ends_at"] < values["starts_at"]:
        raise Invalid(_("The meeting ends before it starts. Correct one of the two times."))


def _check_attendees(attendees: list[RecordRow]) -> None:
    seen: set[int | None] = set()
    for row in attendees:
        if row.person_id in seen and row.person is not None:
            raise Invalid(_("%(name)s is among the attendees already.", name=row.person.name))
        seen.add(row.person_id)


def _number_items(session: Session, record: Record) -> None:
    """Number what has no number yet; a number that was taken away is not given again."""
    if record.number_sort is None:
        return
    items = _rows(session, record, ITEMS)
    taken = {item.details.get("number") for item in items}
    last = int(record.details.get("items_numbered") or 0)
    for item in items:
        if not item.details.get("number"):
            last += 1
            while f"{record.number_sort}.{last}" in taken:
                last += 1
            business = item.details.get("business") or "new"
            number = f"{record.number_sort}.{last}"
            item.details = {**item.details, "number": number, "business": business}
    own = (str(n).removeprefix(f"{record.number_sort}.") for n in taken if n)
    last = max([last, *(int(count) for count in own if count.isdigit())])
    record.details = {**record.details, "items_numbered": last}


def _sum_up(session: Session, standing: Standing) -> None:
    """Work out what the list says of the items, and whose clock the times follow."""
    record = standing.record
    items = _rows(session, record, ITEMS)
    assignees = [one for item in items for one in _assignees(item)]
    set_people(session, record.id, "assignees", assignees)
    zone = str(record.project.zone)
    write_values(session, standing.tool, record, {"item_count": len(items), "time_zone": zone})


def _pass_balls(session: Session, standing: Standing) -> None:
    """Give the ball to whom open items name, and take it from the meeting they came from."""
    tool, record = standing.tool, standing.record
    lifecycle.pass_ball(session, tool, record, Ball.STEPS)
    before = _before(session, record)
    if before is not None:
        lifecycle.pass_ball(session, tool, before, Ball.STEPS)


def _next_meeting(session: Session, standing: Standing) -> Standing:
    """Return the follow-up as a draft: the same people, and every item that is not closed."""
    tool, old = standing.tool, standing.record
    new = lifecycle.create(session, tool, old.project_id, standing.person_id)
    values = read_values(tool, old, people_of(session, old.id))
    own = {field.key for field in tool.fields if field.is_derived} | OF_ONE_MEETING
    write_values(session, tool, new, {k: v for k, v in values.items() if k not in own})
    new.saved_at, new.dated_on = utcnow(), _next_day(session, old)
    lifecycle.number(session, tool, new)
    for attendee in _rows(session, old, ATTENDEES):
        copy = _copy(session, standing, new, attendee)
        copy.details = {}
    for item in _rows(session, old, ITEMS):
        if item.status != "closed":
            copy = _copy(session, standing, new, item)
            copy.details = {**item.details, "minutes": "", "business": "old"}
    for section in tool.sections:
        rows.settle(session, new, section)
    return Standing(tool, new, standing.person_id, standing.parts)


def _copy(session: Session, standing: Standing, new: Record, row: RecordRow) -> RecordRow:
    section = standing.tool.section(row.section)
    assert section is not None
    copy = rows.insert(session, new, section, {}, author_id=standing.person_id)
    copy.person_id, copy.due_on, copy.status = row.person_id, row.due_on, row.status
    return copy


def _next_day(session: Session, record: Record) -> date:
    """Return the day that follows in the series: as long after this as this after the last."""
    day = record.dated_on or record.project.today()
    before = _before(session, record)
    interval = day - before.dated_on if before and before.dated_on else USUAL_INTERVAL
    return day + (interval if interval > timedelta(0) else USUAL_INTERVAL)


def _distribute(session: Session, standing: Standing) -> None:
    """Tell the attendees, and keep who did it and when."""
    tool, record = standing.tool, standing.record
    distribute(session, standing, _attending(session, record), "meeting_distributed")
    distributed = {"distributed_at": utcnow(), "distributed_by": standing.person_id}
    write_values(session, tool, record, distributed)
    lifecycle.after_change(session, standing)
    _note(session, standing, "record.acted", step=DISTRIBUTE.label)


def _open_again(session: Session, standing: Standing) -> None:
    """Let it be changed; what went out is kept, and the next distribution is a new version."""
    write_values(
        session,
        standing.tool,
        standing.record,
        {"distributed_at": None, "distributed_by": None},
    )


def _note(session: Session, standing: Standing, event: str, **facts: Any) -> None:
    record = standing.record
    audit.note(
        session,
        event,
        person_id=standing.person_id,
        project_id=record.project_id,
        record_id=record.id,
        **facts,
    )

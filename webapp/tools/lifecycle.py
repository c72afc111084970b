"""How a record comes to be, changes and moves on: the writes behind every tool.

Each function takes a writing session in which the caller has loaded the record anew and worked out
the person's standing, so that a permission is checked in the transaction that uses it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.companies import access
from webapp.companies.models import Project
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Conflict, Forbidden, Invalid
from webapp.core.text import _
from webapp.records.models import Record, RecordViewer
from webapp.tools import way_back
from webapp.tools.distribution import expanded
from webapp.tools.parts import BALL_ROLE, Standing, people_of
from webapp.tools.registry import TOOLS, Ball, Field, Kind, Part, Status, Tool, Transition
from webapp.tools.telling import tell, tell_of_parts, tell_of_step
from webapp.tools.values import (
    Values,
    changes_between,
    is_filled,
    read_values,
    set_people,
    write_values,
)
from webapp.tools.way_back import WayBack

UNSAVED_KEY = "unsaved"
REASON_MAX_LENGTH = 500


class ChangedMeanwhile(Conflict):
    """Somebody else saved the record since this form was opened."""


def create(session: Session, tool: Tool, project_id: int, person_id: int) -> Record:
    """Add a draft that only its creator sees: files have a target before a word is typed."""
    record = Record(
        project_id=project_id,
        tool_key=tool.key,
        status=tool.first_status,
        created_by_id=person_id,
        restricted=True,
    )
    session.add(record)
    session.flush()
    session.add(RecordViewer(record_id=record.id, person_id=person_id))
    set_people(session, record.id, BALL_ROLE, [person_id] if tool.has_ball else [])
    maker = Standing(tool, record, person_id, frozenset({Part.CREATOR, Part.STANDARD}))
    tool.extension.created(session, maker)
    session.flush()
    return record


def save(
    session: Session, standing: Standing, values: Values, *, version: int, fields: Iterable[Field]
) -> None:
    """Store a form's values; ChangedMeanwhile when they were made over an older record."""
    record, tool = standing.record, standing.tool
    hold(session, record)
    if not standing.may_edit:
        raise Forbidden(_("You may not edit this record, or not any more."))
    if record.version != version:
        raise ChangedMeanwhile(_("This was changed while you were editing."))
    changeable = {
        field.key
        for field in fields
        if standing.may_edit_field(field.editable_by)
        and not field.is_derived
        and not standing.is_fixed(field)
    }
    kept = {key: value for key, value in values.items() if key in changeable or key == "title"}
    before = read_values(tool, record, people_of(session, record.id))
    kept = expanded(session, tool, record, kept)
    tool.extension.record_changing(session, standing, kept)
    write_values(session, tool, record, kept)
    _require_fitting(session, standing, kept)
    _keep_for(standing, None)
    is_first = record.saved_at is None
    record.saved_at = record.saved_at or utcnow()
    tool.extension.saved(session, standing)
    _keep_number(session, standing)
    after_change(session, standing)
    if record.manager_id not in {None, before.get("manager")}:
        _tell_manager(session, standing)
    changes = _changes(session, tool, before, kept)
    event = "record.created" if is_first else "record.changed"
    if is_first or changes:
        hidden = {declared.label for declared in tool.fields if declared.seen_by}
        told = [change for change in changes if change["label"] not in hidden]
        _note(session, standing, event, changes=[] if is_first else told)


def _tell_manager(session: Session, standing: Standing) -> None:
    record = standing.record
    if record.manager_id and not standing.tool.status(record.status).is_draft:
        tell(session, standing, [record.manager_id], "manages")


def hold(session: Session, record: Record) -> None:
    """Read a record anew and keep it from others until this transaction is over.

    Whoever saves, answers or takes a step at the same moment works out what follows from it in
    turn, not from the same old state. What hangs on the record can still be added meanwhile.
    """
    session.flush()
    tool = TOOLS.get(record.tool_key)
    if tool is not None:
        tool.extension.holding(session, record)
    session.refresh(record, with_for_update={"key_share": True})


def _require_fitting(session: Session, standing: Standing, kept: Values) -> None:
    """Raise Invalid when a record's new values do not go together."""
    record, tool = standing.record, standing.tool
    if not standing.can_be(record.status):
        raise Invalid(
            _(
                "%(field)s cannot be changed to that while the status is %(status)s.",
                field=_(tool.field(tool.varies_by).label),
                status=_(tool.status(record.status).label),
            )
        )
    for field in tool.fields:
        if field.employed_by and field.key in kept:
            _require_employed(session, standing, field)


def _require_employed(session: Session, standing: Standing, field: Field) -> None:
    values = read_values(standing.tool, standing.record, people_of(session, standing.record.id))
    chosen = values[field.key] if field.kind is Kind.PEOPLE else [values[field.key]]
    vendor = values[field.employed_by]
    theirs = access.employees_of(standing.record.project_id, vendor) if vendor else set()
    if set(chosen) - theirs - {None}:
        raise Invalid(
            _(
                "%(field)s: choose people who work for what stands under %(company)s.",
                field=_(field.label),
                company=_(standing.tool.field(field.employed_by).label),
            )
        )


def keep_typed(session: Session, standing: Standing, typed: dict[str, Any]) -> None:
    """Keep what a form holds just as it was typed, checked or not, until it is saved properly."""
    if not standing.may_edit:
        raise Forbidden(_("You may not edit this record, or not any more."))
    _keep_for(standing, typed)


def _keep_for(standing: Standing, typed: dict[str, Any] | None) -> None:
    record = standing.record
    unsaved = dict(record.details.get(UNSAVED_KEY, {}))
    unsaved.pop(str(standing.person_id), None)
    if typed is not None:
        unsaved[str(standing.person_id)] = typed
    record.details = {**record.details, UNSAVED_KEY: unsaved}


def require_step(session: Session, standing: Standing, transition: Transition) -> None:
    """Raise why a step cannot be taken now: Conflict, Forbidden, or Invalid."""
    record, tool = standing.record, standing.tool
    if record.status not in transition.before:
        raise Conflict(_("The status has changed since this page was opened."))
    if not standing.can_be(transition.after) or not standing.is_there(transition):
        raise Invalid(_("There is no such step."))
    if not standing.may_take(transition):
        raise Forbidden(_("This step is not yours to take."))
    _require_filled(session, tool, record, transition)
    if refusal := tool.extension.refusal(session, standing, transition):
        raise Invalid(refusal)


def move(session: Session, standing: Standing, transition: Transition, reason: str = "") -> None:
    """Take a step; Forbidden when it is not this person's, Invalid when something is missing."""
    record, tool = standing.record, standing.tool
    hold(session, record)
    require_step(session, standing, transition)
    if transition.needs_reason and not reason:
        raise Invalid(_("Say why this is done now."), title=_("A reason is missing"))
    old = record.status
    way_back.keep(record, _way_back(session, standing, transition) if transition.undo else None)
    record.status = transition.after
    record.is_open = tool.status(record.status).is_open
    record.saved_at = record.saved_at or utcnow()
    if transition.numbers and record.number is None:
        number(session, tool, record)
    _date(tool, record)
    tool.extension.moved(session, standing, transition)
    pass_ball(session, tool, record, transition.ball)
    after_change(session, standing)
    tell_of_step(session, standing, tool.status(old))
    _note(
        session,
        standing,
        "record.moved",
        step=transition.label,
        before=tool.status(old).label,
        after=tool.status(record.status).label,
        **({"given": reason[:REASON_MAX_LENGTH]} if reason else {}),
    )


def _way_back(session: Session, standing: Standing, transition: Transition) -> WayBack:
    """Return how a record gets back from a step that it is about to take."""
    record, tool = standing.record, standing.tool
    people = people_of(session, record.id)
    return WayBack(
        step=transition.key,
        taken_at=utcnow().isoformat(),
        before=record.status,
        after=transition.after,
        ball=[person.id for person in people.get(BALL_ROLE, ())],
        fixed=way_back.fixed_values(tool, record.status, read_values(tool, record, people)),
    )


def undo(session: Session, standing: Standing) -> None:
    """Undo the step that a record was brought to its status with: all is as it was before.

    Raises Conflict when there is nothing to undo any more, Forbidden when it is not this person's,
    Invalid when what has happened since contradicts it.
    """
    record, tool = standing.record, standing.tool
    hold(session, record)
    way = way_back.way_back_of(record)
    if way is None or way.leader is not None:
        raise Conflict(_("There is nothing to undo here, or its 30 days are over."))
    if way_back.undoable(standing) is None:
        raise Forbidden(_("This step is not yours to take."))
    bring_back(session, standing, way)
    tool.extension.undone(session, standing, way)
    after_change(session, standing)
    tell_of_step(session, standing, tool.status(way.after))


def bring_back(session: Session, standing: Standing, way: WayBack) -> None:
    """Give a record the status and the ball it had; Invalid when what rested then has changed."""
    record, tool = standing.record, standing.tool
    values = read_values(tool, record, people_of(session, record.id))
    if changed := way_back.changed_since(tool, way, values):
        raise Invalid(
            _(
                "%(record)s was changed since: %(fields)s. Change this back first.",
                record=record.number or _(tool.record_name),
                fields=changed,
            )
        )
    step = tool.transition(way.step)
    way_back.keep(record, None)
    record.status = way.before
    record.is_open = tool.status(record.status).is_open
    _date(tool, record)
    if tool.has_ball:
        set_people(session, record.id, BALL_ROLE, way.ball)
    _note(
        session,
        standing,
        "record.undone",
        step=step.label if step is not None else way.step,
        before=tool.status(way.after).label,
        after=tool.status(way.before).label,
    )


def move_by_itself(session: Session, tool: Tool, record: Record, transition: Transition) -> None:
    """Take the step that a moment brings about, for a record that is held; nobody took it."""
    before = tool.status(record.status)
    nobody = Standing(tool, record, 0, frozenset())
    way_back.keep(record, None)
    record.status = transition.after
    record.is_open = tool.status(record.status).is_open
    _date(tool, record)
    tool.extension.moved(session, nobody, transition)
    pass_ball(session, tool, record, transition.ball)
    after_change(session, nobody)
    tell_of_step(session, nobody, before)
    audit.note(
        session,
        "record.moved",
        person_id=None,
        project_id=record.project_id,
        record_id=record.id,
        step=transition.label,
        before=before.label,
        after=tool.status(record.status).label,
    )


def _keep_number(session: Session, standing: Standing) -> None:
    """Number a record as soon as it can be, and anew when it moves to where others are counted."""
    record, tool = standing.record, standing.tool
    scope = scope_of(session, tool, record)
    is_known = bool(scope) or not tool.numbering.within
    if record.number is None:
        if tool.numbering.at_first_save and is_known:
            number(session, tool, record)
    elif not is_known:
        label = tool.field(tool.numbering.within).label
        raise Invalid(_("Its number is counted within: %(field)s. Choose one.", field=_(label)))
    elif tool.numbering.within and scope != record.scope:
        if len(revisions_of(session, record)) > 1:
            raise Invalid(_("Its other revisions share this number. Start a new record instead."))
        old = record.number
        number(session, tool, record)
        _note(session, standing, "record.renumbered", before=old, after=record.number)


def revisions_of(session: Session, record: Record) -> list[Record]:
    """Return every revision of a numbered record, this one too, the newest first."""
    return list(
        session.scalars(
            select(Record)
            .where(
                Record.project_id == record.project_id,
                Record.tool_key == record.tool_key,
                Record.number == record.number,
            )
            .order_by(Record.revision.desc())
        )
    )


def count_alone(session: Session, project_id: int) -> None:
    """Make others who count in this project wait until this transaction is over."""
    # Whoever holds the project's row counts alone (SQLite's writer is alone anyway).
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update())


def follow(session: Session, standing: Standing, leader: Record) -> None:
    """Bring a record to the status of the one it is part of, whoever may take which step."""
    record, tool = standing.record, standing.tool
    if record.status == leader.status:
        return
    old = record.status
    way_back.keep(record, _led_back(session, standing, leader))
    record.status, record.is_open = leader.status, leader.is_open
    if record.number is None:
        number(session, tool, record)
    _date(tool, record)
    pass_ball(session, tool, record, Ball.REVIEWER if record.is_open else Ball.NOBODY)
    after_change(session, standing)
    tell_of_step(session, standing, tool.status(old))
    _note(
        session,
        standing,
        "record.followed",
        leader=leader.number,
        before=tool.status(old).label,
        after=tool.status(record.status).label,
    )


def _led_back(session: Session, standing: Standing, leader: Record) -> WayBack | None:
    """Return how a record gets back from where its leader takes it; it does so with the leader."""
    way = way_back.way_back_of(leader)
    step = standing.tool.transition(way.step) if way is not None else None
    if way is None or step is None:
        return None
    own = _way_back(session, standing, step)
    return replace(own, taken_at=way.taken_at, leader=leader.id)


def number(session: Session, tool: Tool, record: Record) -> None:
    """Give a record the next number of its tool and project, or of what numbers are counted in."""
    count_alone(session, record.project_id)
    record.scope = scope_of(session, tool, record)
    last = session.scalar(
        select(func.max(Record.number_sort)).where(
            Record.project_id == record.project_id,
            Record.tool_key == tool.key,
            Record.scope == record.scope,
            Record.id != record.id,
        )
    )
    record.number_sort = (last or 0) + 1
    record.number = number_text(tool, record)


def scope_of(session: Session, tool: Tool, record: Record) -> str:
    """Return the value that the record's number is counted within, "" where there is none."""
    if not tool.numbering.within:
        return ""
    values = read_values(tool, record, people_of(session, record.id))
    return str(values.get(tool.numbering.within) or "")[:120]


def number_text(tool: Tool, record: Record) -> str:
    """Return a record's number as it is written, from what it is counted within."""
    assert record.number_sort is not None
    return tool.numbering.text(
        record.number_sort, value=record.scope, project=record.project.number
    )


def renumber(session: Session, standing: Standing, wanted: int) -> None:
    """Give a record another number; Invalid when it is taken. Admins only."""
    if Part.ADMIN not in standing.parts:
        raise Forbidden(_("Only the tool's admins change numbers."))
    record = standing.record
    if standing.is_frozen:
        raise Forbidden(_("It is closed or has gone out, and its number stays."))
    if record.number is not None and record.number_sort is None:
        raise Invalid(_("This number is written by hand, not counted."))
    old = record.number
    try:
        with session.begin_nested():
            for revision in revisions_of(session, record) if old else [record]:
                revision.number_sort = wanted
                revision.number = number_text(standing.tool, revision)
            session.flush()
    except IntegrityError:
        raise Invalid(_("That number is taken.")) from None
    after_change(session, standing)
    _note(session, standing, "record.renumbered", before=old, after=record.number)


def _require_filled(session: Session, tool: Tool, record: Record, transition: Transition) -> None:
    values = read_values(tool, record, people_of(session, record.id))
    missing = [key for key in transition.needs if not is_filled(values.get(key))]
    if missing:
        labels = [tool.title_label if key == "title" else tool.field(key).label for key in missing]
        raise Invalid(
            _("First fill in: %(fields)s.", fields=", ".join(_(label) for label in labels))
        )


def _date(tool: Tool, record: Record) -> None:
    """Set what follows from the status: opened, closed, and a due date in working days."""
    status = tool.status(record.status)
    if not status.is_draft and record.opened_at is None:
        record.opened_at = utcnow()
        days = record.project.details.get(tool.due_days_setting) if tool.due_days_setting else None
        if days and record.due_on is None:
            record.due_on = working_days_after(record.project.today(), int(days))
    record.closed_at = None if status.is_open else (record.closed_at or utcnow())


def working_days_after(start: date, days: int) -> date:
    """Return the date so many Mondays-to-Fridays later."""
    found = start
    while days > 0:
        found += timedelta(days=1)
        days -= found.weekday() < 5
    return found


def pass_ball(session: Session, tool: Tool, record: Record, ball: Ball) -> None:
    """Put the ball where a step sends it."""
    people = people_of(session, record.id)
    holders: dict[Ball, list[int]] = {
        Ball.CREATOR: [record.created_by_id],
        Ball.MANAGER: [record.manager_id] if record.manager_id else [record.created_by_id],
        Ball.ASSIGNEES: [person.id for person in people.get("assignees", ())],
        Ball.APPROVER: [p.id for p in people.get("approver", ())] or [record.created_by_id],
        Ball.REVIEWER: [p.id for p in people.get("reviewer", ())] or [record.created_by_id],
        Ball.NOBODY: [],
    }
    if ball is Ball.STEPS:
        set_people(session, record.id, BALL_ROLE, tool.extension.holders(session, record))
    elif ball in holders:
        set_people(session, record.id, BALL_ROLE, holders[ball])


def after_change(session: Session, standing: Standing) -> None:
    """Count the change, work out anew who sees the record, and tell whom it has come to."""
    record = standing.record
    record.version += 1
    record.updated_at = utcnow()
    session.flush()
    restrict(session, standing.tool, record)
    tell_of_parts(session, standing)


def restrict(session: Session, tool: Tool, record: Record) -> None:
    """Work out who sees the record while not everybody does."""
    viewers = audience_in(session, tool, record, tool.status(record.status))
    record.restricted = viewers is not None
    session.execute(delete(RecordViewer).where(RecordViewer.record_id == record.id))
    for person_id in viewers or ():
        session.add(RecordViewer(record_id=record.id, person_id=person_id))
    session.flush()


def audience_in(session: Session, tool: Tool, record: Record, status: Status) -> set[int] | None:
    """Return who besides the tool's admins sees a record in this status; None for every reader."""
    audience = tool.extension.audience(session, record)
    if audience is not None:
        return audience
    if status.for_admins:
        return set()
    if not (status.is_draft or record.is_private or tool.listed_only):
        return None
    parts = tool.draft_to if status.is_draft else tool.private_to
    return _who(session, tool, record, parts)


def _who(session: Session, tool: Tool, record: Record, parts: tuple[Part, ...]) -> set[int]:
    people = people_of(session, record.id)
    found = {
        person.id
        for role, part in tool.parts_by_role.items()
        if part in parts
        for person in people.get(role, ())
    }
    if Part.MANAGER in parts and record.manager_id:
        found.add(record.manager_id)
    if Part.CREATOR in parts:
        found.add(record.created_by_id)
    return found


def _changes(session: Session, tool: Tool, before: Values, after: Values) -> list[dict[str, str]]:
    """Return what an edit changed, the title first."""
    title = {"label": tool.title_label, "before": before["title"], "after": after.get("title")}
    changes = [title] if title["after"] not in (None, before["title"]) else []
    return changes + changes_between(session, tool.fields, before, after)


def _note(session: Session, standing: Standing, event: str, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=standing.person_id,
        project_id=standing.record.project_id,
        record_id=standing.record.id,
        **facts,
    )

"""Submittals: whose turn it is, the revisions of one number, closing and distributing."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Conflict
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
from webapp.tools.telling import tell_of_step
from webapp.tools.values import read_values, set_people, write_values

WORKFLOW = "workflow"
WAITING, CURRENT, ANSWERED = "waiting", "current", "answered"
UNANSWERED = (None, "", "pending")
LEADS = {Part.MANAGER, Part.ADMIN}
REVISE = Action("revise", N_("Revise and resubmit"), asks=True)
# What an answer adds to a step; a new revision begins without it.
OF_ANSWERS = ("response", "comment", "returned_on")


class Submittals(Extension):
    """What the workflow decides: turns, the ball, and the life of a number over its revisions."""

    def created(self, session: Session, standing: Standing) -> None:
        standing.record.manager_id = standing.person_id

    def saved(self, session: Session, standing: Standing) -> None:
        _fill_in(session, standing)
        _settle(session, standing)
        lifecycle.pass_ball(session, standing.tool, standing.record, Ball.STEPS)

    def new_row(self, session: Session, standing: Standing, section: Section) -> dict[str, Any]:
        steps = _steps(session, standing.record)
        return {
            "role": "approver" if steps else "submitter",
            "step": max((_place(step) for step in steps), default=0) + 1,
            "is_required": True,
        }

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        if transition.key == "close":
            record = standing.record
            record.details = {**record.details, "distributed_at": utcnow().isoformat()}
            distribute(session, standing, _listed(session, record), "submittal_distributed")
        _settle(session, standing)

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        if transition.key != "close":
            return Foretold()
        listed = _listed(session, standing.record)
        return Foretold(lines=sent_out(session, standing, listed))

    def foretold_action(self, session: Session, standing: Standing, key: str) -> Foretold:
        number = standing.record.revision + 1
        return Foretold(
            lines=(
                _(
                    "Revision %(num)s begins as a draft, with the same fields and steps.",
                    num=number,
                ),
                _("This revision is closed; its answers and files stay as they are."),
            )
        )

    def still_counts(self, record: Record, row: RecordRow | None, field: Field) -> bool:
        """A step counts while its answer is awaited, the day to submit by until it is submitted."""
        if row is not None:
            return record.status == "open" and row.status == CURRENT
        if field.key == "submit_by":
            return record.is_open and not record.details.get("received_on")
        return record.is_open

    def holders(self, session: Session, record: Record) -> list[int]:
        manager = record.manager_id or record.created_by_id
        if not record.is_open:
            return []
        awaited = _awaited(_steps(session, record)) if record.status == "open" else []
        return [step.person_id for step in awaited if step.person_id] or [manager]

    def refusal(self, session: Session, standing: Standing, transition: Transition) -> str:
        record = standing.record
        if transition.key == "close":
            names = [step.person.name for step in _missing(_steps(session, record)) if step.person]
            if names:
                return _("These have not answered yet: %(names)s.", names=", ".join(names))
        if transition.key == "reopen" and _newest(session, record) is not record:
            return _("A newer revision has taken its place. Open that one instead.")
        return ""

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        record = standing.record
        if record.number is None:
            return []
        seen = session.scalars(
            select(Record)
            .where(
                Record.project_id == record.project_id,
                Record.tool_key == record.tool_key,
                Record.number == record.number,
                Record.id != record.id,
                may_see(standing.person_id),
            )
            .order_by(Record.revision.desc())
        ).all()
        return [Panel("tools/submittals/_revisions.html", {"others": seen})] if seen else []

    def actions(self, session: Session, standing: Standing) -> list[Action]:
        record = standing.record
        is_draft = standing.tool.status(record.status).is_draft
        if is_draft or record.number is None or not standing.parts & LEADS:
            return []
        return [REVISE] if _newest(session, record) is record else []

    def act(self, session: Session, standing: Standing, key: str) -> str:
        """Begin the next revision and close this one."""
        record = standing.record
        lifecycle.count_alone(session, record.project_id)
        if _newest(session, record) is not record:
            raise Conflict(_("The next revision has been begun already."))
        new = _next_revision(session, standing)
        _close(session, standing)
        self.saved(session, new)
        lifecycle.after_change(session, new)
        _note(session, new, "record.created", changes=[])
        return address("record", standing.tool, record.project_id, new.record.id)


def _listed(session: Session, record: Record) -> list[int]:
    """Return whom a submittal is distributed to: the list, and who answered it."""
    people = people_of(session, record.id)
    return [p.id for p in (*people.get("distribution", ()), *people.get(WORKFLOW, ()))]


def _steps(session: Session, record: Record) -> list[RecordRow]:
    """Return the workflow's steps, those that answer first first."""
    found = session.scalars(
        select(RecordRow).where(RecordRow.record_id == record.id, RecordRow.section == WORKFLOW)
    )
    return sorted(found, key=lambda step: (_place(step), step.position, step.id))


def _place(step: RecordRow) -> int:
    """Return a step's place in the order; those with the same one answer side by side."""
    return int(step.details.get("step") or 0)


def _is_answered(step: RecordRow) -> bool:
    return step.details.get("response") not in UNANSWERED


def _missing(steps: list[RecordRow]) -> list[RecordRow]:
    """Return the steps without which the submittal cannot be closed."""
    return [step for step in steps if step.details.get("is_required") and not _is_answered(step)]


def _awaited(steps: list[RecordRow]) -> list[RecordRow]:
    """Return the required steps whose turn it is."""
    missing = _missing(steps)
    return [step for step in missing if _place(step) == _place(missing[0])]


def _settle(session: Session, standing: Standing) -> None:
    """Work out each step's turn, who approves, and which revision counts."""
    record = standing.record
    steps = _steps(session, record)
    missing = _missing(steps)
    for position, step in enumerate(steps, 1):
        is_next = not missing or _place(step) <= _place(missing[0])
        step.position = position
        step.status = WAITING
        if _is_answered(step):
            step.status = ANSWERED
        elif record.status == "open" and is_next:
            step.status = CURRENT
        _date_return(step, record.project.today())
    approvers = [s.person_id for s in steps if s.person_id and s.details.get("role") == "approver"]
    set_people(session, record.id, "approvers", approvers)
    _mark_revisions(session, standing)


def _date_return(step: RecordRow, today: date) -> None:
    returned = step.details.get("returned_on")
    if _is_answered(step) and not returned:
        step.details = {**step.details, "returned_on": today.isoformat()}
    elif returned and not _is_answered(step):
        step.details = {**step.details, "returned_on": None}


def _mark_revisions(session: Session, standing: Standing) -> None:
    """Say of every revision whether it still counts; a draft replaces nothing yet."""
    if standing.record.number is None:
        return
    newest = None
    for revision in lifecycle.revisions_of(session, standing.record):
        state = "superseded" if newest else "current"
        if not standing.tool.status(revision.status).is_draft:
            newest = newest or revision
        if revision.details.get("revision_state") != state:
            revision.details = {**revision.details, "revision_state": state}


def _newest(session: Session, record: Record) -> Record:
    return lifecycle.revisions_of(session, record)[0]


def _fill_in(session: Session, standing: Standing) -> None:
    """Work out what follows from the fields: the division, and dates that were left empty."""
    tool, record = standing.tool, standing.record
    values = read_values(tool, record, people_of(session, record.id))
    lead, review = values["lead_time"] or 0, values["review_time"] or 0
    followed: dict[str, Any] = {"division": _division(tool.field("division").choices, values)}
    if values["submit_by"] is None and values["on_site_on"] and lead + review:
        followed["submit_by"] = values["on_site_on"] - timedelta(days=lead + review)
    if values["due_on"] is None and values["received_on"] and review:
        followed["due_on"] = values["received_on"] + timedelta(days=review)
    write_values(session, tool, record, followed)


def _division(divisions: tuple[tuple[str, str], ...], values: dict[str, Any]) -> str | None:
    first = str(values["spec_section"] or "")[:2]
    return first if first in dict(divisions) else None


def _next_revision(session: Session, standing: Standing) -> Standing:
    """Return the next revision as a draft: the same number, fields and workflow, no answers."""
    tool, old = standing.tool, standing.record
    new = lifecycle.create(session, tool, old.project_id, standing.person_id)
    new.number, new.number_sort, new.scope = old.number, old.number_sort, old.scope
    new.revision, new.saved_at = old.revision + 1, utcnow()
    values = read_values(tool, old, people_of(session, old.id))
    derived = {field.key for field in tool.fields if field.is_derived}
    write_values(session, tool, new, {k: v for k, v in values.items() if k not in derived})
    section = tool.section(WORKFLOW)
    assert section is not None
    for step in _steps(session, old):
        copy = rows.insert(session, new, section, {}, author_id=standing.person_id)
        copy.person_id, copy.due_on = step.person_id, step.due_on
        copy.details = {k: v for k, v in step.details.items() if k not in OF_ANSWERS}
    rows.settle(session, new, section)
    return Standing(tool, new, standing.person_id, standing.parts)


def _close(session: Session, standing: Standing) -> None:
    """Close the revision that another one replaces; it stays as it was answered."""
    tool, record = standing.tool, standing.record
    before = tool.status(record.status)
    record.status, record.is_open = "closed", False
    record.closed_at = record.closed_at or utcnow()
    lifecycle.pass_ball(session, tool, record, Ball.NOBODY)
    _settle(session, standing)
    lifecycle.after_change(session, standing)
    tell_of_step(session, standing, before)
    after = tool.status(record.status)
    step = {"step": REVISE.label, "before": before.label, "after": after.label}
    _note(session, standing, "record.moved", **step)


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

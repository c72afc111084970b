"""How a company's grant and switch change: asked, granted, declined, withdrawn, turned.

Two people, always: a company's admin asks, Plumbline's Implementation Manager decides. Nothing is
granted that nobody asked for, and the switch is the admins' alone. A withdrawal holds until the
next grant: asking again, taking that back and being declined lead back to it. Every step is a
conditional change (what is on the page may be old) and leaves an audit entry.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blinker import Namespace
from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from webapp.accounts.identity import SignedIn
from webapp.accounts.models import Person, notify
from webapp.companies import access
from webapp.companies.file_rules import changes_in_words
from webapp.companies.models import BoxRequest, Company, CompanyMember, Grant
from webapp.core import audit
from webapp.core.audit import AuditEntry
from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, writing
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound
from webapp.core.text import N_, _

NOTE_MAX_LENGTH = 500
STEPS = {
    "box.asked": N_("Asked for"),
    "box.taken_back": N_("Request taken back"),
    "box.granted": N_("Granted"),
    "box.declined": N_("Declined"),
    "box.withdrawn": N_("Withdrawn"),
    "box.switched_on": N_("Switched on"),
    "box.switched_off": N_("Switched off"),
    "box.rules_changed": N_("Rules for files changed"),
}

# Sent inside the transaction that shuts Box for a company, so that queued copies stop with it and
# say the `reason`: an administrator's switch, or Plumbline.
box_shut = Namespace().signal("box-shut")


def ask(company: Company, me: SignedIn, note: str) -> None:
    """Send a company's request for Box; Conflict when one is under way or Box is granted."""
    with writing() as session:
        access.administered_company(company.id, me.id)
        _move(session, company.id, (Grant.NONE, Grant.DECLINED, Grant.WITHDRAWN), Grant.REQUESTED)
        session.add(BoxRequest(company_id=company.id, note=_limited(note), asked_by_id=me.id))
        audit.note(session, "box.asked", person_id=me.id, company_id=company.id, note=note)
        for manager_id in _implementation_managers(session):
            notify(session, manager_id, "box_requested", path="/box-requests", company=company.name)


def take_back(company: Company, me: SignedIn) -> None:
    """Take back a request that nobody has answered yet."""
    with writing() as session:
        access.administered_company(company.id, me.id)
        _end_request(session, company.id, Grant.NONE)
        _close_request(session, company.id, me, "taken back", "")
        audit.note(session, "box.taken_back", person_id=me.id, company_id=company.id)


def grant(company: Company, me: SignedIn) -> None:
    """Grant Box to a company that asked for it; whether it is on there stays its admins' choice.

    Raises Conflict when no request is open, Forbidden when it is one's own.
    """
    with writing() as session:
        _require_manager(session, me)
        _require_somebody_else(session, company.id, me)
        _move(session, company.id, (Grant.REQUESTED,), Grant.GRANTED, box_withdrawn=False)
        _close_request(session, company.id, me, "granted", "")
        audit.note(session, "box.granted", person_id=me.id, company_id=company.id)
        is_off = session.scalar(select(Company.box_switched_off).where(Company.id == company.id))
        _tell_admins(session, company, "box_granted_off" if is_off else "box_granted")


def decline(company: Company, me: SignedIn, reason: str) -> None:
    """Decline a company's request, with the reason its admins will read."""
    reason = _needed(reason)
    with writing() as session:
        _require_manager(session, me)
        _require_somebody_else(session, company.id, me)
        _end_request(session, company.id, Grant.DECLINED)
        _close_request(session, company.id, me, "declined", reason)
        audit.note(session, "box.declined", person_id=me.id, company_id=company.id, reason=reason)
        _tell_admins(session, company, "box_declined", reason=reason)


def withdraw(company: Company, me: SignedIn, reason: str) -> None:
    """Take a grant away; copies of this company's people into it stop and say why."""
    reason = _needed(reason)
    with writing() as session:
        _require_manager(session, me)
        _move(session, company.id, (Grant.GRANTED,), Grant.WITHDRAWN, box_withdrawn=True)
        audit.note(session, "box.withdrawn", person_id=me.id, company_id=company.id, reason=reason)
        _tell_admins(session, company, "box_withdrawn", reason=reason)
        box_shut.send(company, reason="withdrawn", session=session)


def turn(company: Company, me: SignedIn, *, on: bool) -> None:
    """Switch Box on or off for a company; any company's admin may switch it off."""
    with writing() as session:
        access.administered_company(company.id, me.id)
        done = session.execute(
            update(Company)
            .where(Company.id == company.id, Company.box_switched_off.is_(on))
            .values(box_switched_off=not on)
        )
        if rows_changed(done) != 1:
            raise Conflict(_("This has been switched already. Load the page again."))
        event = "box.switched_on" if on else "box.switched_off"
        people = linked_people(session, company.id)
        audit.note(session, event, person_id=me.id, company_id=company.id, people=people)
        if not on:
            box_shut.send(company, reason="switched_off", session=session)


def _move(
    session: Session, company_id: int, before: tuple[Grant, ...], after: Grant, **values: bool
) -> None:
    done = session.execute(
        update(Company)
        .where(Company.id == company_id, Company.box_grant.in_(before))
        .values(box_grant=after, **values)
    )
    if rows_changed(done) != 1:
        raise Conflict(_("This has been decided already. Load the page again."))


def _end_request(session: Session, company_id: int, after: Grant) -> None:
    """Let a request come to nothing: to `after`, or back to the withdrawal before it."""
    done = session.execute(
        update(Company)
        .where(Company.id == company_id, Company.box_grant == Grant.REQUESTED)
        .values(box_grant=case((Company.box_withdrawn, Grant.WITHDRAWN.value), else_=after.value))
    )
    if rows_changed(done) != 1:
        raise Conflict(_("This has been decided already. Load the page again."))


def _require_manager(session: Session, me: SignedIn) -> None:
    if me.id not in _implementation_managers(session):
        raise NotFound


def _require_somebody_else(session: Session, company_id: int, me: SignedIn) -> None:
    query = select(BoxRequest.id).where(
        BoxRequest.company_id == company_id,
        BoxRequest.outcome.is_(None),
        BoxRequest.asked_by_id == me.id,
    )
    if session.scalar(query) is not None:
        raise Forbidden(_("This request is your own. Another Implementation Manager decides it."))


def _close_request(
    session: Session, company_id: int, me: SignedIn, outcome: str, reason: str
) -> None:
    done = session.execute(
        update(BoxRequest)
        .where(BoxRequest.company_id == company_id, BoxRequest.outcome.is_(None))
        .values(outcome=outcome, decided_by_id=me.id, decided_at=utcnow(), reason=reason)
    )
    if rows_changed(done) != 1:
        raise Conflict(_("No request of this company is open. Load the page again."))


def _limited(note: str) -> str:
    if len(note) > NOTE_MAX_LENGTH:
        raise Invalid(_("Write at most %(num)s characters.", num=NOTE_MAX_LENGTH))
    return note


def _needed(reason: str) -> str:
    if not reason.strip():
        raise Invalid(_("Write a reason, so that the company knows what to change."))
    return _limited(reason.strip())


def _implementation_managers(session: Session) -> list[int]:
    return list(session.scalars(select(Person.id).where(Person.is_implementation_manager)))


def _tell_admins(session: Session, company: Company, kind: str, **facts: str) -> None:
    admins = session.scalars(
        select(CompanyMember.person_id).where(
            CompanyMember.company_id == company.id, CompanyMember.is_admin.is_(True)
        )
    )
    for person_id in admins.all():
        path = f"/companies/{company.id}/settings/box"
        notify(session, person_id, kind, path=path, company=company.name, **facts)


def linked_people(session: Session, company_id: int) -> int:
    """Return how many of a company's people have a Box link: whom its switch touches."""
    # The links live in a room above this one; their table is all that is needed here.
    links = Company.metadata.tables["box_links"]
    return (
        session.scalar(
            select(func.count(links.c.id))
            .join(CompanyMember, CompanyMember.person_id == links.c.person_id)
            .where(CompanyMember.company_id == company_id)
        )
        or 0
    )


def people_in(session: Session, company_id: int) -> int:
    return (
        session.scalar(
            select(func.count(CompanyMember.person_id)).where(
                CompanyMember.company_id == company_id
            )
        )
        or 0
    )


@dataclass(frozen=True)
class Step:
    """One line of a company's Box history."""

    event: str
    by: str
    at: datetime
    facts: dict[str, Any]

    @property
    def changes(self) -> list[str]:
        """What became of the rules for files, where this is about them."""
        return changes_in_words(self.facts) if self.event == "box.rules_changed" else []


def history(company_id: int) -> list[Step]:
    """Return what has happened to a company's Box, oldest first."""
    rows = db.session.execute(
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.company_id == company_id, AuditEntry.event.startswith("box."))
        .order_by(AuditEntry.id)
    )
    return [Step(entry.event, name or "", entry.at, entry.facts) for entry, name in rows]


def step_text(step: Step) -> str:
    return _(STEPS[step.event])

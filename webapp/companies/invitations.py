"""Invitations: an address is asked into a company, and its owner says yes or no.

Inviting reads nothing of accounts, so it tells nothing about them: it leaves a row and a letter
whoever the address belongs to. Membership begins with the owner's yes. Whoever has no account makes
it with the link, which proves the address when it came by letter; whoever has one signs in.

A link is worked out from a row's nonce and the application's secret. The table, which holds only
its hash, opens nothing. Where a mail server is set up nobody but the letter's reader sees a link.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts import mailing
from webapp.accounts.mailing import LetterText, OwnLetter
from webapp.accounts.models import Person, notify
from webapp.companies.models import (
    Company,
    CompanyMember,
    FormerMember,
    Invitation,
    InvitedPlace,
    PermissionTemplate,
    Project,
    ProjectMember,
)
from webapp.companies.permissions import levels_of_template, set_template_levels, write_levels
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import rows_changed
from webapp.core.problems import Conflict, Invalid, NotFound
from webapp.core.sessions import hashed
from webapp.core.settings import settings
from webapp.core.text import N_, _

GOOD_FOR = timedelta(days=7)
LETTER = "invitation"


@dataclass(frozen=True)
class Newcomer:
    """What an inviter says about somebody; whether they have an account is not looked at."""

    name: str
    email: str
    title: str
    vendor_id: int | None = None


# ---- inviting


def invite(
    session: Session,
    company_id: int,
    newcomer: Newcomer,
    *,
    by_id: int,
    is_to_company: bool = False,
    is_admin: bool = False,
) -> Invitation:
    """Return the invitation of an address to a company, made and sent now if there was none."""
    found = of_address(session, company_id, newcomer.email)
    if found is not None:
        found.is_to_company = found.is_to_company or is_to_company
        return found
    made = Invitation(
        company_id=company_id,
        email=newcomer.email,
        name=newcomer.name,
        title=newcomer.title,
        vendor_id=newcomer.vendor_id,
        is_to_company=is_to_company,
        is_admin=is_admin,
        invited_by_id=by_id,
    )
    _make_link(made)
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:
        raise Conflict(_("This address has just been invited. Try again.")) from None
    _leave_letter(session, made)
    return made


def add_place(
    session: Session, invitation: Invitation, project_id: int, template: PermissionTemplate
) -> None:
    """Let an invitation lead to one more project, with a template's levels there."""
    place = InvitedPlace(project_id=project_id, template_id=template.id)
    set_template_levels(place, levels_of_template(template))
    invitation.places.append(place)
    session.flush()


def send_again(session: Session, invitation: Invitation) -> None:
    """Make a new link and send it; the one before ends."""
    _make_link(invitation)
    session.flush()
    _leave_letter(session, invitation)


def _make_link(invitation: Invitation) -> None:
    now = utcnow()
    invitation.nonce = secrets.token_urlsafe(16)
    invitation.token_hash = hashed(_token(invitation.nonce))
    invitation.sent_at, invitation.expires_at = now, now + GOOD_FOR
    invitation.is_by_letter = mailing.are_delivered()


def _leave_letter(session: Session, invitation: Invitation) -> None:
    invitation.letter_id = None
    if invitation.is_by_letter:
        by = session.get_one(Person, invitation.invited_by_id)
        company = session.get_one(Company, invitation.company_id)
        letter = mailing.enqueue(
            session,
            to=invitation.email,
            person_id=None,
            kind=LETTER,
            facts={"invitation": invitation.id, "by": by.name, "company": company.name},
        )
        invitation.letter_id = letter.id
    session.flush()


def withdraw(session: Session, invitation: Invitation, *, project_id: int | None = None) -> None:
    """Take an invitation back: whole, or only its place on one project."""
    if project_id is not None:
        session.execute(
            delete(InvitedPlace).where(
                InvitedPlace.invitation_id == invitation.id, InvitedPlace.project_id == project_id
            )
        )
        session.refresh(invitation)
        if invitation.places or invitation.is_to_company or invitation.is_admin:
            return
    session.delete(invitation)
    session.flush()


# ---- links and letters


def token_of(invitation: Invitation) -> str:
    """Return the secret part of the link, "" when the application's secret has changed since."""
    token = _token(invitation.nonce)
    return token if hmac.compare_digest(hashed(token), invitation.token_hash) else ""


def link_of(invitation: Invitation) -> str:
    """Return the address by which an invitation is answered, "" when it is not good."""
    token = token_of(invitation)
    if not token or invitation.expires_at <= utcnow():
        return ""
    return f"{settings().public_url}/invitations/{token}"


def shown_link(invitation: Invitation) -> str:
    """Return the link for whoever invited, "" where it is for the letter's reader alone."""
    return "" if invitation.is_by_letter or mailing.are_delivered() else link_of(invitation)


def _token(nonce: str) -> str:
    key = hashlib.sha256(f"invitation|{settings().secret_key}".encode()).digest()
    digest = hmac.digest(key, nonce.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _link_in(session: Session, letter: OwnLetter) -> str | None:
    """Return the link for a letter, None once a newer letter or an answer has ended it."""
    found = session.get(Invitation, letter.facts["invitation"])
    is_current = found is not None and found.letter_id == letter.id
    return (link_of(found) or None) if found is not None and is_current else None


mailing.add_letters(
    {
        LETTER: LetterText(
            N_("%(by)s invited you to %(company)s on Plumbline"),
            N_(
                "%(by)s invited you to join %(company)s on Plumbline.\n\nAccept or decline here. "
                "The link works for seven days:\n%(link)s\n\nIf you don't know %(company)s, "
                "ignore this message. Nothing happens unless you accept."
            ),
            _link_in,
        )
    }
)


# ---- finding


def of_address(session: Session, company_id: int, email: str) -> Invitation | None:
    """Return an address's invitation to a company."""
    return session.scalar(
        select(Invitation).where(Invitation.company_id == company_id, Invitation.email == email)
    )


def of_company(session: Session, company_id: int) -> list[Invitation]:
    """Return a company's open invitations, by the names the inviters typed."""
    return list(
        session.scalars(
            select(Invitation)
            .where(Invitation.company_id == company_id)
            .options(joinedload(Invitation.letter), selectinload(Invitation.places))
            .order_by(Invitation.name, Invitation.id)
        )
    )


def of_project(session: Session, project_id: int) -> list[Invitation]:
    """Return the open invitations that lead to a project."""
    return list(
        session.scalars(
            select(Invitation)
            .join(InvitedPlace, InvitedPlace.invitation_id == Invitation.id)
            .where(InvitedPlace.project_id == project_id)
            .options(joinedload(Invitation.letter))
            .order_by(Invitation.name, Invitation.id)
        )
    )


def in_company(session: Session, company_id: int, invitation_id: int) -> Invitation:
    """Return one of a company's open invitations; NotFound when there is none of that id."""
    found = session.get(Invitation, invitation_id)
    if found is None or found.company_id != company_id:
        raise NotFound
    return found


def on_project(session: Session, project_id: int, invitation_id: int) -> Invitation:
    """Return an open invitation that leads to a project; NotFound when none of that id does."""
    found = session.get(Invitation, invitation_id)
    if found is None or project_id not in {place.project_id for place in found.places}:
        raise NotFound
    return found


def opened(session: Session, token: str) -> Invitation:
    """Return the invitation behind a link; NotFound when it was answered, ended, or never was."""
    found = session.scalar(
        select(Invitation)
        .where(Invitation.token_hash == hashed(token), Invitation.expires_at > utcnow())
        .options(joinedload(Invitation.company), joinedload(Invitation.invited_by))
    )
    if found is None:
        raise _over()
    return found


def _over() -> NotFound:
    return NotFound(
        _("Ask whoever invited you to send it again. If you have accepted already, sign in."),
        title=_("This link is not good any more"),
    )


def has_account(session: Session, email: str) -> bool:
    """True when somebody has made an address's account theirs by giving it a password."""
    query = select(Person.id).where(Person.email == email, Person.password_hash != "")
    return session.scalar(query) is not None


def are_for(person_id: int, link: str | None) -> ColumnElement[bool]:
    """Return SQL for the invitations that an account may answer.

    All to its address once that is proved; otherwise the one whose link, by its hash, was opened in
    this browser. Not by its id: SQLite gives the id of a row that is gone to the next.
    """
    mine = select(Person.email).where(Person.id == person_id).scalar_subquery()
    is_proved = (
        select(Person.id).where(Person.id == person_id, Person.proved_at.is_not(None)).exists()
    )
    return and_(
        Invitation.email == mine,
        Invitation.expires_at > utcnow(),
        or_(is_proved, Invitation.token_hash == (link or "")),
    )


def waiting_for(session: Session, person_id: int, link: str | None) -> list[Invitation]:
    """Return the invitations that an account may answer, oldest first."""
    return list(
        session.scalars(
            select(Invitation)
            .where(are_for(person_id, link))
            .options(joinedload(Invitation.company), joinedload(Invitation.invited_by))
            .order_by(Invitation.id)
        )
    )


def count_for(person_id: int) -> ColumnElement[int]:
    """Return SQL for how many invitations wait for an account whose address is proved."""
    return select(func.count(Invitation.id)).where(are_for(person_id, None)).scalar_subquery()


# ---- answering


def accept_as_new(session: Session, token: str, name: str, password_hash: str) -> Person:
    """Make the account of the link's reader and let it join; the link is used up by that.

    Raises NotFound when the link is over, and Conflict when the account exists by now.
    """
    invitation = opened(session, token)
    person = session.scalar(select(Person).where(Person.email == invitation.email))
    if person is None:
        person = _new_person(session, invitation)
    given = session.execute(
        update(Person)
        .where(Person.id == person.id, Person.password_hash == "", Person.is_active.is_(True))
        .values(
            name=name,
            password_hash=password_hash,
            proved_at=utcnow() if invitation.is_by_letter else None,
        )
    )
    if rows_changed(given) != 1:
        raise Conflict(_("This address has an account already. Sign in to join."))
    session.refresh(person)
    _join(session, invitation, person)
    return person


def _new_person(session: Session, invitation: Invitation) -> Person:
    person = Person(
        email=invitation.email, name=invitation.name, title=invitation.title, password_hash=""
    )
    try:
        with session.begin_nested():
            session.add(person)
            session.flush()
    except IntegrityError:
        raise Conflict(_("This address has an account already. Sign in to join.")) from None
    return person


def accept(session: Session, invitation_id: int, person_id: int, *, link: str | None) -> Company:
    """Let an account join by its owner's yes; returns the company. NotFound when it is over."""
    invitation = _answerable(session, invitation_id, person_id, link)
    person = session.get_one(Person, person_id)
    if invitation.is_by_letter and link == invitation.token_hash and person.proved_at is None:
        person.proved_at = utcnow()
    company = session.get_one(Company, invitation.company_id)
    _join(session, invitation, person)
    return company


def decline(session: Session, invitation_id: int, person_id: int, *, link: str | None) -> None:
    """Say no to an invitation; whoever invited is told. NotFound when it is over."""
    invitation = _answerable(session, invitation_id, person_id, link)
    _use_up(session, invitation)
    audit.note(
        session,
        "people.declined",
        person_id=None,
        company_id=invitation.company_id,
        name=invitation.name,
    )
    _tell_inviter(session, invitation, "invitation_declined", invitation.name)


def _answerable(
    session: Session, invitation_id: int, person_id: int, link: str | None
) -> Invitation:
    found = session.scalar(
        select(Invitation).where(Invitation.id == invitation_id, are_for(person_id, link))
    )
    if found is None:
        raise _over()
    return found


def _use_up(session: Session, invitation: Invitation) -> None:
    """Take the row away; of two answers at once one finds it gone."""
    session.expunge(invitation)
    gone = session.execute(delete(Invitation).where(Invitation.id == invitation.id))
    if rows_changed(gone) != 1:
        raise _over()


def _join(session: Session, invitation: Invitation, person: Person) -> None:
    """Put somebody into the company and on the projects they were invited to."""
    if person.is_implementation_manager:
        raise Invalid(_("An Implementation Manager's account joins no company."))
    if session.get(FormerMember, (invitation.company_id, person.id)) is not None:
        raise Invalid(_("This company has deactivated you. Its administrators can change that."))
    places = [
        (place.project_id, place.template_id, levels_of_template(place))
        for place in invitation.places
    ]
    _use_up(session, invitation)
    if session.get(CompanyMember, (invitation.company_id, person.id)) is None:
        session.add(
            CompanyMember(
                company_id=invitation.company_id,
                person_id=person.id,
                is_admin=invitation.is_admin,
                vendor_id=invitation.vendor_id,
            )
        )
        session.flush()
    for project_id, template_id, levels in places:
        if session.get(ProjectMember, (project_id, person.id)) is not None:
            continue
        member = ProjectMember(
            project_id=project_id, person_id=person.id, level=0, template_id=template_id
        )
        session.add(member)
        session.flush()
        write_levels(session, member, levels)
    _note_joined(session, invitation, person, [project_id for project_id, *_rest in places])
    _tell_inviter(session, invitation, "invitation_accepted", person.name)


def _note_joined(
    session: Session, invitation: Invitation, person: Person, project_ids: list[int]
) -> None:
    for project_id in (None, *project_ids):
        audit.note(
            session,
            "people.accepted",
            person_id=person.id,
            company_id=invitation.company_id if project_id is None else None,
            project_id=project_id,
            about=person.id,
            name=person.name,
        )


def _tell_inviter(session: Session, invitation: Invitation, kind: str, name: str) -> None:
    company = session.get_one(Company, invitation.company_id)
    notify(session, invitation.invited_by_id, kind, name=name, company=company.name)


def projects_of(session: Session, invitation: Invitation) -> list[tuple[Project, str]]:
    """Return the projects an invitation leads to, each with the template's name, "" without."""
    rows = session.execute(
        select(Project, PermissionTemplate.name)
        .join(InvitedPlace, InvitedPlace.project_id == Project.id)
        .outerjoin(PermissionTemplate, PermissionTemplate.id == InvitedPlace.template_id)
        .where(InvitedPlace.invitation_id == invitation.id)
        .order_by(Project.number)
    )
    return [(project, name or "") for project, name in rows]

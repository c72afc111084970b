"""The link by which somebody new sets their password: once, within seven days.

A link is worked out from a row's nonce and the application's secret, so that whoever invited can
see it again until it is used, and the table, which holds only its hash, opens nothing.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

from flask import url_for
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Person
from webapp.companies.models import CompanyMember, FormerMember, Invitation
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import rows_changed
from webapp.core.problems import NotFound
from webapp.core.sessions import hashed
from webapp.core.settings import settings
from webapp.core.text import _

GOOD_FOR = timedelta(days=7)


def is_pending(person: Person) -> bool:
    """True for somebody who was invited and has not set a password yet."""
    return not person.password_hash


def make(session: Session, person: Person, company_id: int, *, by_id: int) -> Invitation:
    """Return a new invitation; any earlier link of this person ends with it."""
    end_open(session, person.id)
    nonce = secrets.token_urlsafe(16)
    invitation = Invitation(
        person_id=person.id,
        company_id=company_id,
        invited_by_id=by_id,
        nonce=nonce,
        token_hash=hashed(_token(nonce)),
        expires_at=utcnow() + GOOD_FOR,
    )
    session.add(invitation)
    session.flush()
    return invitation


def token_of(invitation: Invitation) -> str:
    """Return the secret part of the link, "" when the application's secret has changed since."""
    token = _token(invitation.nonce)
    return token if hmac.compare_digest(hashed(token), invitation.token_hash) else ""


def link_of(invitation: Invitation) -> str:
    """Return the whole address by which an invitation is accepted, "" when it cannot be told."""
    token = token_of(invitation)
    if not token:
        return ""
    path = url_for("companies.invitation", invitation=token)
    return f"{settings().public_url}{path}"


def good_link(session: Session, person_id: int, company_id: int) -> tuple[Invitation | None, str]:
    """Return the invitation somebody has not used yet, and its link while that is good."""
    found = latest(session, person_id, company_id)
    is_good = found is not None and found.expires_at > utcnow()
    return found, link_of(found) if found is not None and is_good else ""


def _token(nonce: str) -> str:
    key = hashlib.sha256(f"invitation|{settings().secret_key}".encode()).digest()
    digest = hmac.digest(key, nonce.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def end_open(session: Session, person_id: int, *, company_id: int | None = None) -> None:
    """End the links of a person that were not used, or only those into one company."""
    condition = [] if company_id is None else [Invitation.company_id == company_id]
    session.execute(
        delete(Invitation).where(
            Invitation.person_id == person_id, Invitation.used_at.is_(None), *condition
        )
    )


def latest(session: Session, person_id: int, company_id: int) -> Invitation | None:
    """Return the invitation that a person has not used yet, good or expired."""
    return session.scalar(
        select(Invitation)
        .where(
            Invitation.person_id == person_id,
            Invitation.company_id == company_id,
            Invitation.used_at.is_(None),
        )
        .options(joinedload(Invitation.invited_by))
        .order_by(Invitation.id.desc())
        .limit(1)
    )


def is_ours_alone(session: Session, person_id: int, company_id: int) -> bool:
    """True when no other company has this person: only then may this one hand out their link."""
    elsewhere = (
        select(CompanyMember.company_id).where(
            CompanyMember.person_id == person_id, CompanyMember.company_id != company_id
        ),
        select(FormerMember.company_id).where(
            FormerMember.person_id == person_id, FormerMember.company_id != company_id
        ),
    )
    return not any(session.execute(query.limit(1)).first() for query in elsewhere)


def opened(session: Session, token: str) -> Invitation:
    """Return the invitation behind a link; NotFound when it was used, has ended, or never was."""
    found = session.scalar(
        select(Invitation)
        .join(Person, Person.id == Invitation.person_id)
        .where(
            Invitation.token_hash == hashed(token),
            Invitation.used_at.is_(None),
            Invitation.expires_at > utcnow(),
            Person.is_active.is_(True),
            Person.password_hash == "",
        )
        .options(
            joinedload(Invitation.person),
            joinedload(Invitation.company),
            joinedload(Invitation.invited_by),
        )
    )
    if found is None:
        raise NotFound(
            _("Ask whoever invited you for a new link. If you have used it already, sign in."),
            title=_("This link is not good any more"),
        )
    return found


def accept(session: Session, token: str, password_hash: str) -> None:
    """Give the invited person their password; the link is used up by that."""
    invitation = opened(session, token)
    used = session.execute(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
        .values(used_at=utcnow())
    )
    # Whoever has a password already keeps it, whatever links are still about.
    given = session.execute(
        update(Person)
        .where(Person.id == invitation.person_id, Person.password_hash == "")
        .values(password_hash=password_hash)
    )
    if rows_changed(used) != 1 or rows_changed(given) != 1:
        raise NotFound(
            _("Ask whoever invited you for a new link. If you have used it already, sign in."),
            title=_("This link is not good any more"),
        )
    audit.note(
        session,
        "people.accepted",
        person_id=invitation.person_id,
        company_id=invitation.company_id,
        about=invitation.person_id,
    )

"""What ends when a password changes or an account is shut: every such change goes through here."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.accounts import mailing
from webapp.accounts.mailing import LetterText, OwnLetter
from webapp.accounts.models import Person
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import Base, rows_changed
from webapp.core.problems import NotFound
from webapp.core.sessions import SessionRow, hashed
from webapp.core.settings import settings
from webapp.core.text import N_, _

RESET_GOOD_FOR = timedelta(hours=1)
RESET = "password_reset"


class PasswordReset(Base):
    """A link by which the reader of a letter sets a new password, once, within an hour.

    It is made for an address without looking whether anybody has it; the letter is written only to
    somebody with an account. The link is worked out from `nonce`; its hash alone is stored.
    """

    __tablename__ = "password_resets"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    nonce: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_password_resets_email", "email"),)


# ---- passwords


def change_password(
    session: Session,
    person: Person,
    password_hash: str,
    *,
    but_session: str = "",
    is_proved: bool = False,
) -> None:
    """Give somebody a new password; sessions but one and all reset links end, and a letter goes."""
    person.password_hash = password_hash
    if is_proved and person.proved_at is None:
        person.proved_at = utcnow()
    session.execute(
        delete(SessionRow).where(
            SessionRow.person_id == person.id,
            SessionRow.kind == "browser",
            SessionRow.id_hash != but_session,
        )
    )
    session.execute(delete(PasswordReset).where(PasswordReset.email == person.email))
    mailing.enqueue(
        session,
        to=person.email,
        person_id=person.id,
        kind="password_changed",
        facts={},
        path="/forgot-password",
        language=person.language,
    )


# ---- forgotten passwords


def ask_for_reset(session: Session, email: str) -> None:
    """Leave a letter with a reset link for an address, whoever has it or nobody."""
    nonce = secrets.token_urlsafe(16)
    reset = PasswordReset(
        email=email,
        nonce=nonce,
        token_hash=hashed(_token(nonce)),
        expires_at=utcnow() + RESET_GOOD_FOR,
    )
    session.add(reset)
    session.flush()
    facts = {"reset": reset.token_hash}
    mailing.enqueue(session, to=email, person_id=None, kind=RESET, facts=facts)


def reset_email(session: Session, token: str) -> str:
    """Return whose password a link sets; NotFound when it was used, has ended, or never was."""
    email = session.scalar(
        select(PasswordReset.email)
        .join(Person, Person.email == PasswordReset.email)
        .where(PasswordReset.token_hash == hashed(token), *_is_good())
    )
    if email is None:
        raise NotFound(
            _("Ask for a new one on the sign-in page."), title=_("This link is not good any more")
        )
    return email


def reset_password(session: Session, token: str, password_hash: str) -> None:
    """Set the password of a link's reader, once; NotFound for the second of two at once."""
    email = reset_email(session, token)
    used = session.execute(delete(PasswordReset).where(PasswordReset.token_hash == hashed(token)))
    if rows_changed(used) != 1:
        raise NotFound
    person = session.scalars(select(Person).where(Person.email == email)).one()
    change_password(session, person, password_hash, is_proved=True)
    audit.note(session, "people.password_reset", person_id=person.id, about=person.id)


def _is_good() -> tuple[ColumnElement[bool], ...]:
    return (
        PasswordReset.expires_at > utcnow(),
        Person.is_active.is_(True),
        Person.password_hash != "",
    )


def _token(nonce: str) -> str:
    key = hashlib.sha256(f"password reset|{settings().secret_key}".encode()).digest()
    digest = hmac.digest(key, nonce.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _link_in(session: Session, letter: OwnLetter) -> str | None:
    """Return the link for a letter; None when it has ended or nobody has the address."""
    nonce = session.scalar(
        select(PasswordReset.nonce)
        .join(Person, Person.email == PasswordReset.email)
        .where(PasswordReset.token_hash == letter.facts["reset"], *_is_good())
    )
    return f"{settings().public_url}/reset-password/{_token(nonce)}" if nonce else None


mailing.add_letters(
    {
        RESET: LetterText(
            N_("Set a new Plumbline password"),
            N_(
                "Somebody, most likely you, asked for a new password for your Plumbline account. "
                "Set it here. The link works once, for an hour:\n%(link)s\n\nIf it was not you, "
                "ignore this message. Your password stays as it is."
            ),
            _link_in,
        )
    }
)


def forget_resets(session: Session) -> None:
    """Delete links that have ended."""
    session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= utcnow()))


# ---- accounts that are shut


def disable(session: Session, person: Person) -> None:
    """Shut an account: nobody signs in to it, and everything that was signed in ends for good."""
    person.is_active = False
    end_sessions_of_disabled(session)
    session.execute(delete(PasswordReset).where(PasswordReset.email == person.email))
    audit.note(session, "people.disabled", person_id=None, about=person.id)


def enable(session: Session, person: Person) -> None:
    """Open a shut account again; its owner has to sign in."""
    end_sessions_of_disabled(session)
    person.is_active = True
    audit.note(session, "people.enabled", person_id=None, about=person.id)


def end_sessions_of_disabled(session: Session) -> None:
    """Delete every session of people whose account is shut, those of their copies among them."""
    session.flush()
    shut = select(Person.id).where(Person.is_active.is_(False))
    session.execute(delete(SessionRow).where(SessionRow.person_id.in_(shut)))

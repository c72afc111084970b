"""Plumbline's own letters: what it writes by e-mail to somebody, and the queue they wait in.

A room leaves a letter with `enqueue`, in the transaction that makes it necessary; a worker delivers
it (`webapp/wiring/own_letters.py`). The row holds a kind and its facts. The sentences are chosen
and translated, and the link is worked out, when the letter is written out: no secret is stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from blinker import Namespace
from flask import Flask, current_app
from sqlalchemy import JSON, ForeignKey, Index, String, event
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.core.clock import utcnow
from webapp.core.database import Base
from webapp.core.languages import AUTOMATIC
from webapp.core.settings import settings
from webapp.core.text import N_, _, in_language, said

# Sent once a transaction that left letters has been committed.
letters_queued = Namespace().signal("letters-queued")
_KEY = "plumbline.letters"


class LetterState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    # Nobody needs it any more, or there is no mail server to take it.
    DROPPED = "dropped"


class OwnLetter(Base):
    """One letter to one address; the row is the truth about its way out.

    `person_id` is whose account it is about, None for somebody who has none. Leases and fences are
    as those of copies: whoever holds an older fence can change nothing any more.
    """

    __tablename__ = "own_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    to: Mapped[str] = mapped_column(String(254))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(8), default=AUTOMATIC)
    kind: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    path: Mapped[str] = mapped_column(String(500), default="")
    state: Mapped[str] = mapped_column(String(12), default=LetterState.QUEUED)
    tries: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    leased_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(40))
    said: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_own_letters_claim", "state", "run_after", "id"),
        Index("ix_own_letters_person", "person_id"),
    )


LinkOf = Callable[[Session, OwnLetter], str | None]


def _path_link(_session: Session, letter: OwnLetter) -> str | None:
    return f"{settings().public_url}{letter.path}" if letter.path else ""


@dataclass(frozen=True)
class LetterText:
    """The sentences of one kind of letter, in English, with the facts' names in them.

    `body` may say %(link)s. `link` returns what stands there: the page at the letter's path unless
    a kind has a function of its own. None means that the letter is not needed any more.
    """

    subject: str
    body: str
    link: LinkOf = _path_link


TEXTS = {
    "password_changed": LetterText(
        N_("Your Plumbline password was changed"),
        N_(
            "The password of your Plumbline account was changed, and you were signed out "
            "everywhere else.\n\nIf that was not you, set a new one now:\n%(link)s"
        ),
    ),
}


def install(app: Flask, are_delivered: Callable[[], bool]) -> None:
    """Tell an application's rooms whether a mail server takes its letters."""
    app.extensions[_KEY] = are_delivered


def are_delivered() -> bool:
    """True when a mail server is set up; without one no letter reaches anybody."""
    return bool(current_app.extensions[_KEY]())


def add_letters(texts: Mapping[str, LetterText]) -> None:
    """Teach the letters the sentences of a room."""
    TEXTS.update(texts)


def enqueue(
    session: Session,
    *,
    to: str,
    person_id: int | None,
    kind: str,
    facts: Mapping[str, Any],
    path: str = "",
    language: str = AUTOMATIC,
) -> OwnLetter:
    """Leave a letter in the transaction under way and return it; workers are woken afterwards.

    `facts` are kept as JSON and must hold no secret; one may be a `kept_text`.
    """
    letter = OwnLetter(
        to=to, person_id=person_id, kind=kind, facts=dict(facts), path=path, language=language
    )
    session.add(letter)
    session.flush()

    @event.listens_for(session, "after_commit", once=True)
    def wake(_session: Session) -> None:
        letters_queued.send(None)

    return letter


@dataclass(frozen=True)
class Written:
    """A letter's words as its reader gets them."""

    subject: str
    text: str


def write(session: Session, letter: OwnLetter) -> Written | None:
    """Return a letter in its reader's language; None when it is not needed any more."""
    texts = TEXTS[letter.kind]
    link = texts.link(session, letter)
    if link is None:
        return None
    with in_language(letter.language):
        facts = {key: said(fact) for key, fact in letter.facts.items()}
        return Written(_(texts.subject, **facts), _(texts.body, **facts, link=link))

"""How Plumbline's own letters leave: claimed by a worker, handed to the mail server, concluded.

As with what people send (`outgoing.py` of Emails), a worker that dies lets its lease run out and
another tries again. The letter then may arrive twice, under the same Message-ID.
"""

import logging
import threading
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from webapp.accounts import mailing
from webapp.accounts.mailing import LetterState, OwnLetter, Written, letters_queued
from webapp.accounts.models import Person
from webapp.core.clock import utcnow
from webapp.core.database import db, release, rows_changed, write_connection, writing
from webapp.core.settings import settings
from webapp.imports.tasks import Errand, queue
from webapp.mail.addresses import Mailbox, on_the_wire
from webapp.mail.letters import Letter, written_out
from webapp.mail.transports import (
    DELIVER_SECONDS,
    MailDelayed,
    MailProblem,
    MailRefused,
    Outcome,
    transport,
)

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=DELIVER_SECONDS + 60)
TRIES = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0
# How long a finished letter's row, which names an address, is of use to whoever looks for it.
KEPT_FOR = timedelta(days=30)


def _is_due() -> ColumnElement[bool]:
    now = utcnow()
    is_queued = and_(
        OwnLetter.state == LetterState.QUEUED,
        or_(OwnLetter.run_after.is_(None), OwnLetter.run_after <= now),
    )
    return or_(
        is_queued, and_(OwnLetter.state == LetterState.SENDING, OwnLetter.leased_until <= now)
    )


def count_due(at_most: int) -> int:
    """Return how many letters can be sent now, up to `at_most`."""
    query = select(OwnLetter.id).where(_is_due()).limit(at_most)
    with db.engine.connect() as connection:
        return len(connection.execute(query).all())


def run_next(worker: str, stopping: threading.Event) -> bool:
    """Send the next letter; False when there is none."""
    if stopping.is_set():
        return False
    query = select(OwnLetter.id).where(_is_due()).order_by(OwnLetter.id).limit(1)
    with db.engine.connect() as connection:
        letter_id = connection.execute(query).scalar()
    if letter_id is None:
        return False
    if _take(letter_id, worker):
        _deliver(db.session().get_one(OwnLetter, letter_id))
    return True


ERRAND = Errand("own letters", count_due, run_next)


def _take(letter_id: int, worker: str) -> bool:
    with write_connection() as connection:
        taken = connection.execute(
            update(OwnLetter)
            .where(OwnLetter.id == letter_id, _is_due())
            .values(
                state=LetterState.SENDING,
                leased_by=worker,
                leased_until=utcnow() + LEASE,
                fence=OwnLetter.fence + 1,
                tries=OwnLetter.tries + 1,
            )
        )
    return rows_changed(taken) == 1


def _deliver(letter: OwnLetter) -> None:
    """Hand a letter to the mail server, and write down what became of it."""
    way_out = transport()
    if letter.tries > TRIES:
        # We stumbled over it ourselves, every time.
        _conclude(letter, LetterState.FAILED, "internal")
        return
    words = mailing.write(db.session(), letter)
    if words is None:
        _conclude(letter, LetterState.DROPPED, "not_needed")
        return
    if way_out.is_outbox:
        _conclude(letter, LetterState.DROPPED, "no_server")
        return
    sender = way_out.sender or f"noreply@{settings().mail_domain}"
    try:
        message = written_out(_letter(letter, words, sender))
        to = on_the_wire(letter.to)
        release()
        _settle(letter, way_out.deliver(sender, [to], message))
    except ValueError:
        _conclude(letter, LetterState.FAILED, "no_address")
    except MailProblem as problem:
        _not_delivered(letter, problem)


def _letter(letter: OwnLetter, words: Written, sender: str) -> Letter:
    name = None
    if letter.person_id is not None:
        name = db.session.scalar(select(Person.name).where(Person.id == letter.person_id))
    from_us = Mailbox("Plumbline", sender)
    return Letter(
        message_id=f"<own-{letter.id}-{letter.created_at:%Y%m%d%H%M%S%f}@{settings().mail_domain}>",
        sender=from_us,
        reply_to=from_us,
        to=(Mailbox(name or "", letter.to),),
        cc=(),
        subject=words.subject,
        text=words.text,
        written_at=letter.created_at,
        auto_submitted="auto-generated",
    )


def _settle(letter: OwnLetter, outcome: Outcome) -> None:
    for answers, problem in ((outcome.refused, MailRefused), (outcome.delayed, MailDelayed)):
        if answers:
            _not_delivered(letter, problem("refused", next(iter(answers.values()))))
            return
    log.info("letter.delivered", extra={"letter": letter.id, "kind": letter.kind})
    _conclude(letter, LetterState.SENT, None)


def _not_delivered(letter: OwnLetter, problem: MailProblem) -> None:
    is_over = not isinstance(problem, MailDelayed) or letter.tries >= TRIES
    log.warning(
        "letter.not_delivered",
        extra={"letter": letter.id, "reason": problem.code, "tries": letter.tries},
    )
    state = LetterState.FAILED if is_over else LetterState.QUEUED
    _conclude(letter, state, problem.code, said=problem.said)


def _conclude(letter: OwnLetter, state: LetterState, reason: str | None, *, said: str = "") -> None:
    """Put a letter where a try has brought it, unless somebody else holds it by now."""
    values: dict[str, Any] = {"finished_at": utcnow(), "run_after": None}
    if state == LetterState.QUEUED:
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (letter.tries - 1))
        values = {"run_after": utcnow() + timedelta(seconds=wait_s)}
    with writing() as session:
        session.execute(
            update(OwnLetter)
            .where(
                OwnLetter.id == letter.id,
                OwnLetter.fence == letter.fence,
                OwnLetter.state == LetterState.SENDING,
            )
            .values(
                state=state, reason=reason, said=said, leased_by=None, leased_until=None, **values
            )
        )


def sweep() -> int:
    """Delete letters that were finished long ago; returns how many."""
    with writing() as session:
        return rows_changed(
            session.execute(delete(OwnLetter).where(OwnLetter.finished_at < utcnow() - KEPT_FOR))
        )


def connect(app: Flask) -> None:
    """Say whether letters leave, and wake a worker for new ones; called once, at start."""
    mailing.install(app, lambda: not transport().is_outbox)
    letters_queued.connect(_wake)


def _wake(_sender: Any) -> None:
    queue().wake(1)

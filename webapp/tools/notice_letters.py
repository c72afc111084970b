"""Notices that go by e-mail: one letter for what somebody was told in a quarter of an hour.

A notice is taken for a letter by one conditional update, in the transaction that queues the letter:
however many workers look at the same moment, it goes out once. What was read under the bell
meanwhile, what its reader no longer sees, and what they no longer want by e-mail stays out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from webapp.accounts import mailing
from webapp.accounts.mailing import LetterText
from webapp.accounts.models import Notice, NoticeChoice, Person, Way
from webapp.accounts.notices import notice_text
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.settings import settings
from webapp.core.text import N_, in_language
from webapp.records.models import Record
from webapp.records.visibility import may_see

GATHERED_FOR = timedelta(minutes=15)
# What could not be mailed for so long, because no server was set up, is old news.
TOO_OLD = timedelta(days=1)

_BODY = N_("%(lines)s\n\nChoose what Plumbline writes to you about:\n%(link)s")
mailing.add_letters(
    {
        "notice": LetterText(N_("Plumbline: %(first)s"), _BODY),
        "notices": LetterText(N_("Plumbline: %(count)s notices for you"), _BODY),
    }
)


def send_due() -> int:
    """Queue a letter for everybody whose quarter of an hour is over; return how many."""
    if not mailing.are_delivered():
        return 0
    now = utcnow()
    due = db.session.scalars(
        select(Notice.person_id)
        .where(_waits(now))
        .group_by(Notice.person_id)
        .having(func.min(Notice.at) <= now - GATHERED_FOR)
    ).all()
    sent = 0
    for person_id in due:
        with writing() as session:
            sent += _gather(session, person_id, now)
    return sent


def _waits(now: datetime) -> ColumnElement[bool]:
    return (
        Notice.is_mailed.is_(True)
        & Notice.mailed_at.is_(None)
        & Notice.read_at.is_(None)
        & (Notice.at > now - TOO_OLD)
    )


def _gather(session: Session, person_id: int, now: datetime) -> bool:
    """Take what waits for somebody and queue one letter of it; False when nothing is left of it."""
    taken = session.scalars(
        update(Notice)
        .where(Notice.person_id == person_id, _waits(now))
        .values(mailed_at=now)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    ).all()
    person = session.get_one(Person, person_id)
    if not (taken and person.is_active and person.mails_notices):
        return False
    notices = session.scalars(_still_wanted(taken, person_id)).all()
    if not notices:
        return False
    with in_language(person.language):
        sentences = [(notice_text(notice), notice.path) for notice in notices]
    site = settings().public_url
    facts = {
        "first": sentences[0][0],
        "count": len(sentences),
        "lines": "\n\n".join(f"{text}\n{site}{path}" for text, path in sentences),
    }
    mailing.enqueue(
        session,
        to=person.email,
        person_id=person_id,
        kind="notice" if len(sentences) == 1 else "notices",
        facts=facts,
        path="/settings/notifications",
        language=person.language,
    )
    return True


def _still_wanted(ids: Sequence[int], person_id: int) -> Select[Notice]:
    """Return the query for those of these notices that their reader may see and wants by e-mail."""
    chosen = select(NoticeChoice.way).where(
        NoticeChoice.person_id == person_id, NoticeChoice.tool_key == Notice.tool_key
    )
    return (
        select(Notice)
        .join(Record, Record.id == Notice.record_id)
        .where(
            Notice.id.in_(ids),
            may_see(person_id),
            func.coalesce(chosen.scalar_subquery(), Way.MAIL.value) == Way.MAIL.value,
        )
        .order_by(Notice.id)
    )

"""A message among others: its project's address, its ids, its thread, who is on it."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment, with_successors
from webapp.companies.models import Project
from webapp.core.settings import settings
from webapp.mail.addresses import split_addresses
from webapp.mail.letters import message_ids
from webapp.mail.models import MailId
from webapp.records.models import Record
from webapp.records.visibility import may_see
from webapp.tools.naming import creator_of
from webapp.tools.parts import people_of
from webapp.tools.registry import TOOLS, Tool

KEY = "emails"
SENT, RECEIVED, DRAFT = "sent", "received", "draft"
WAITING, SENDING, FAILED = "waiting", "sending", "failed"
ARRIVED = (SENT, RECEIVED)
OUTGOING, INBOUND = "out", "in"
INBOX, ARCHIVE, SPAM, BIN = "inbox", "archive", "spam", "bin"
OUT_OF_SIGHT = (SPAM, BIN)
ABOUT_SHOWN = 50
REFERENCES_MAX = 20
# Files go along up to here, all together; beyond it the message carries links to them.
FILES_MAX_BYTES = 20 * 10**6
# How much of a project's name its address begins with.
NAME_MAX = 30
TOKEN = re.compile(r"-([a-z0-9]{10})@")


def email_tool() -> Tool:
    found = TOOLS.get(KEY)
    assert found is not None
    return found


def project_address(project: Project) -> str:
    """Return the address at which a project takes e-mail in."""
    plain = unicodedata.normalize("NFKD", project.name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(words) > NAME_MAX:
        words = words[:NAME_MAX].rpartition("-")[0] or words[:NAME_MAX]
    return f"{words or 'project'}-{project.mail_token}@{settings().mail_domain}"


def token_of(address: str) -> str:
    """Return what an address says about its project, "" when it is no address of one."""
    found = TOKEN.search(address.lower())
    return found.group(1) if found else ""


def mail_id(session: Session, record: Record) -> MailId:
    """Return the message's id, making one for a message that leaves for the first time."""
    found = session.get(MailId, record.id)
    if found is None:
        answered = _id_of(session, record.details.get("answers_record"))
        chain = message_ids(f"{answered.chain} {answered.message_id}") if answered else []
        found = MailId(
            record_id=record.id,
            project_id=record.project_id,
            message_id=f"<{secrets.token_urlsafe(18)}@{settings().mail_domain}>",
            answers=answered.message_id if answered else "",
            chain=" ".join(chain[-REFERENCES_MAX:]),
        )
        session.add(found)
        session.flush()
    return found


def _id_of(session: Session, record_id: int | None) -> MailId | None:
    return session.get(MailId, record_id) if record_id else None


def thread_of(session: Session, record: Record, person_id: int) -> list[Record]:
    """Return the messages of a thread that this person sees, oldest first; of drafts their own."""
    root_id = record.parent_id or record.id
    found = session.scalars(
        select(Record)
        .where(
            Record.project_id == record.project_id,
            or_(Record.id == root_id, Record.parent_id == root_id),
            may_see(person_id),
        )
        .order_by(Record.id)
    ).all()
    is_draft = email_tool().status
    shown = [
        one
        for one in found
        if one.id == record.id
        or not is_draft(one.status).is_draft
        or one.created_by_id == person_id
    ]
    return sorted(shown, key=lambda one: (moment_of(one), one.id))


def set_about(message: Record, about: Record) -> None:
    """Say which record a message is about; the column is one that an index finds it by."""
    message.grouping = str(about.id)


def about_of(session: Session, message: Record, person_id: int) -> Record | None:
    """Return the record that a message is about, None where there is none this person sees."""
    if not message.grouping:
        return None
    return session.scalar(
        select(Record).where(
            Record.id == int(message.grouping),
            Record.project_id == message.project_id,
            # The id of a deleted record can be given again: that is not what was written about.
            Record.created_at <= message.created_at,
            may_see(person_id),
        )
    )


def messages_about(session: Session, record: Record, person_id: int) -> list[Record]:
    """Return the messages about a record that this person sees; of drafts their own."""
    folder = Record.details["folder"].as_string()
    found = session.scalars(
        select(Record)
        .where(
            Record.project_id == record.project_id,
            Record.tool_key == KEY,
            Record.grouping == str(record.id),
            Record.created_at >= record.created_at,
            Record.saved_at.is_not(None),
            or_(folder.is_(None), folder.not_in(OUT_OF_SIGHT)),
            or_(Record.status.in_(ARRIVED), Record.created_by_id == person_id),
            may_see(person_id),
        )
        .options(joinedload(Record.created_by))
        .order_by(Record.id.desc())
        .limit(ABOUT_SHOWN)
    )
    return sorted(found, key=lambda one: (moment_of(one), one.id), reverse=True)


def moment_of(record: Record) -> datetime:
    """Return when a message was sent or came in; of a draft, when it was begun."""
    return record.opened_at or record.created_at


def local_day(record: Record, moment: datetime) -> date:
    """Return the calendar day of a moment where the project is."""
    return moment.astimezone(record.project.zone).date()


@dataclass(frozen=True)
class People:
    """Who is on a message. `hidden` is for its sender's eyes and for envelopes only."""

    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    hidden: tuple[Person, ...]
    outside: tuple[str, ...]

    @property
    def named(self) -> tuple[Person, ...]:
        return (*self.to, *self.cc)

    @property
    def everybody(self) -> tuple[Person, ...]:
        return (*self.to, *self.cc, *self.hidden)


def people_on_message(session: Session, record: Record) -> People:
    people = people_of(session, record.id)
    to, cc = tuple(people.get("to", ())), tuple(people.get("cc", ()))
    named = {person.email.lower() for person in (*to, *cc)}
    typed = split_addresses(str(record.details.get("outside") or ""))
    outside = tuple(address for address in typed if address.lower() not in named)
    return People(to, cc, tuple(people.get("bcc", ())), outside)


def sender_text(record: Record) -> str:
    """Return whom a message is from, as a page shows it."""
    return creator_of(record)


def sender_address(record: Record) -> str:
    """Return the address of a sender who is nobody of the project, "" otherwise."""
    return str(record.details.get("outside_sender") or "")


def own_files(session: Session, record_id: int) -> list[Attachment]:
    """Return the files that go along with a message, in the order they were attached.

    Not those whose place a newer version has taken: they are kept here, and sent to nobody.
    """
    found = session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id == record_id,
            Attachment.row_id.is_(None),
            Attachment.removed_at.is_(None),
        )
        .options(with_successors())
        .order_by(Attachment.id)
    )
    return [file for file in found if file.superseded_by is None]

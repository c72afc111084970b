"""What arrives at a project's address becomes its record: once, in its thread, with its files."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment, Source
from webapp.companies.models import CompanyMember, Project, ProjectMember
from webapp.core import audit
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db, release, writing
from webapp.core.digests import Digesting, Digests
from webapp.core.formats import filesize
from webapp.core.names import BLOCKED_EXTENSIONS, clean_name, extension_of
from webapp.core.settings import settings
from webapp.core.text import N_, Said, _, kept_text
from webapp.imports.models import new_blob_key
from webapp.mail.addresses import Mailbox
from webapp.mail.inbound import InboundFile, InboundMessage, read_message
from webapp.mail.models import MailId
from webapp.records.models import Record
from webapp.tools.extensions.emails import messages
from webapp.tools.extensions.emails.outgoing import tell_recipients
from webapp.tools.forms import ADDRESSES_MAX_LENGTH, LONG_TEXT_MAX_LENGTH
from webapp.tools.lifecycle import restrict
from webapp.tools.naming import CLAIMED
from webapp.tools.values import write_values

log = logging.getLogger(__name__)

MESSAGE_MAX_BYTES = 50 * 10**6
PROJECTS_MAX = 5
# The author of what comes from outside; signs in nowhere and is on no project.
OUTSIDE_EMAIL = "outside-sender@plumbline.invalid"
OUTSIDE_NAME = N_("Outside sender")
NO_PASSWORD = "-"  # noqa: S105  # the hash of none
MESSAGE_TEXT_NAME = "message.txt"
READ_BYTES = 1 << 20


class NoSuchAddress(Exception):
    """None of the recipients is the address of a project."""


@dataclass(frozen=True)
class Received:
    """What became of a message in one project; `record_id` is None where it was known already."""

    project_id: int
    record_id: int | None


@dataclass(frozen=True)
class _Stored:
    """A file of a message, stored and digested; nothing points at it yet."""

    name: str
    original_name: str
    digests: Digests
    blob_key: str


@dataclass
class _Files:
    stored: list[_Stored] = field(default_factory=list)
    refused: list[Said] = field(default_factory=list)


def receive(raw: bytes, recipients: Iterable[str] = ()) -> list[Received]:
    """Take a message in wherever it is addressed to; raises NoSuchAddress when that is nowhere.

    `recipients` are those of the envelope, where the mail server told them.
    """
    message = read_message(raw)
    found = _projects(message, recipients)
    if not found:
        raise NoSuchAddress
    return [Received(project.id, _take_in(project, message)) for project in found]


def _projects(message: InboundMessage, recipients: Iterable[str]) -> list[Project]:
    """Return the projects a message is for: by its envelope, else by its headers."""
    named = [*recipients, *message.envelope]
    named += [box.address for box in (*message.to, *message.cc)]
    tokens = [token for token in map(messages.token_of, named) if token]
    query = select(Project).where(Project.mail_token.in_(tokens)).order_by(Project.id)
    return list(db.session.scalars(query.limit(PROJECTS_MAX)))


def _take_in(project: Project, message: InboundMessage) -> int | None:
    """Return the record of a message; None when the project has it already."""
    project_id = project.id
    if _is_known(db.session(), project_id, message.message_id):
        release()
        return None
    release()
    files = _store(message)
    try:
        record_id = _written(project_id, message, files)
    except IntegrityError:
        # It came in twice at the same moment, or with the first outsider's; the second look tells.
        record_id = _written(project_id, message, files)
    if record_id is None:
        _drop(files)
    else:
        log.info("mail.received", extra={"record": record_id, "files": len(files.stored)})
    return record_id


def _written(project_id: int, message: InboundMessage, files: _Files) -> int | None:
    with writing() as session:
        if _is_known(session, project_id, message.message_id):
            return None
        record = _file(session, session.get_one(Project, project_id), message, files)
        return record.id


def _is_known(session: Session, project_id: int, message_id: str) -> bool:
    query = select(MailId.record_id).where(
        MailId.project_id == project_id, MailId.message_id == message_id[:255]
    )
    return session.scalar(query) is not None


def _store(message: InboundMessage) -> _Files:
    """Store what may be kept of a message's files; the others are named."""
    files = _Files()
    files.refused += [
        kept_text(N_("%(name)s: too many files"), name=name[:200]) for name in message.left_out
    ]
    incoming = list(message.files)
    if len(message.text) > LONG_TEXT_MAX_LENGTH:
        # The record holds the beginning; the whole of it hangs there as a file.
        incoming.append(InboundFile(MESSAGE_TEXT_NAME, message.text.encode()))
    for file in incoming:
        name = clean_name(file.name, fallback=_("unnamed"))
        extension = extension_of(name)
        if extension in BLOCKED_EXTENSIONS:
            why = N_("%(name)s: .%(extension)s files are not accepted")
            files.refused.append(kept_text(why, name=name, extension=extension))
        elif len(file.content) > settings().file_max_bytes:
            limit = filesize(settings().file_max_bytes)
            why = N_("%(name)s: over the limit of %(limit)s")
            files.refused.append(kept_text(why, name=name, limit=limit))
        else:
            files.stored.append(_stored(name, file))
    return files


def _stored(name: str, file: InboundFile) -> _Stored:
    key = new_blob_key()
    blocks = (
        file.content[start : start + READ_BYTES]
        for start in range(0, max(1, len(file.content)), READ_BYTES)
    )
    with Digesting(len(file.content)) as digesting:
        blobs().put(key, digesting.through(blocks))
        return _Stored(name, file.name[:1000], digesting.digests(), key)


def _drop(files: _Files) -> None:
    for file in files.stored:
        blobs().delete(file.blob_key)


def _file(session: Session, project: Project, message: InboundMessage, files: _Files) -> Record:
    """Add the record of a message with everything that belongs to it."""
    answered = _answered(session, project.id, message)
    root = _root(session, answered)
    sender = _member(session, project.id, message.sender.address)
    author = sender or _outside_author(session)
    now = utcnow()
    record = Record(
        project_id=project.id,
        tool_key=messages.KEY,
        title=message.subject or _("(no subject)"),
        status=messages.RECEIVED,
        is_open=False,
        is_private=bool(root and root.is_private) or bool(answered and answered.is_private),
        parent_id=root.id if root else None,
        grouping=answered.grouping if answered else None,
        created_by_id=author.id,
        created_at=now,
        updated_at=now,
        saved_at=now,
        opened_at=now,
        closed_at=now,
        details=_details(message, files, sender),
    )
    session.add(record)
    session.flush()
    record.dated_on = messages.local_day(record, now)
    session.add(
        MailId(
            record_id=record.id,
            project_id=project.id,
            message_id=message.message_id[:255],
            answers=message.answers[:255],
            chain=" ".join(message.references[-messages.REFERENCES_MAX :]),
        )
    )
    to = _recipients(session, record, message, answered)
    # Nobody of the project has shown that they attached these.
    _attach(session, record, files, _outside_author(session).id)
    restrict(session, messages.email_tool(), record)
    _gather(session, record, message)
    audit.note(
        session,
        "email.received",
        person_id=None,
        project_id=project.id,
        record_id=record.id,
        refused=files.refused,
    )
    tell_recipients(session, record, to)
    return record


def _details(message: InboundMessage, files: _Files, sender: Person | None) -> dict[str, object]:
    shown = f"{sender.name} <{sender.email}>" if sender else str(message.sender)
    shown = shown or _(OUTSIDE_NAME)
    return {
        "message": message.text[:LONG_TEXT_MAX_LENGTH],
        "sender": shown[:300],
        # A From line is a claim: pages say so where it names one of us.
        CLAIMED: sender is not None,
        "outside_sender": "" if sender else message.sender.address,
        "direction": messages.INBOUND,
        "folder": messages.INBOX,
        "not_kept": files.refused[:200],
    }


def _answered(session: Session, project_id: int, message: InboundMessage) -> Record | None:
    """Return the message of this project that one answers, by the nearest id that is known."""
    wanted = [message.answers, *reversed(message.references)]
    ids = [one[:255] for one in dict.fromkeys(wanted) if one][: messages.REFERENCES_MAX]
    query = select(MailId.message_id, MailId.record_id).where(
        MailId.project_id == project_id, MailId.message_id.in_(ids)
    )
    known = dict(session.execute(query).all())
    found = next((known[one] for one in ids if one in known), None)
    return session.get(Record, found) if found else None


def _root(session: Session, answered: Record | None) -> Record | None:
    if answered is None or answered.parent_id is None:
        return answered
    return session.get(Record, answered.parent_id) or answered


def _gather(session: Session, record: Record, message: InboundMessage) -> None:
    """Bring answers into the thread that arrived before what they answer."""
    early = session.scalars(
        select(MailId.record_id).where(
            MailId.project_id == record.project_id, MailId.answers == message.message_id[:255]
        )
    ).all()
    root_id = record.parent_id or record.id
    early = [one for one in early if one not in {record.id, root_id}]
    session.execute(
        update(Record)
        .where(
            or_(
                (Record.id.in_(early)) & Record.parent_id.is_(None),
                Record.parent_id.in_(early),
            )
        )
        .values(parent_id=root_id)
    )


def _is_on(project_id: int) -> ColumnElement[bool]:
    """Return SQL for people who may enter a project."""
    members = select(ProjectMember.person_id).where(ProjectMember.project_id == project_id)
    admins = (
        select(CompanyMember.person_id)
        .join(Project, Project.company_id == CompanyMember.company_id)
        .where(Project.id == project_id, CompanyMember.is_admin.is_(True))
    )
    return or_(Person.id.in_(members), Person.id.in_(admins)) & Person.is_active


def _member(session: Session, project_id: int, address: str) -> Person | None:
    """Return who on the project has this address; a From line is a claim, not a proof."""
    if not address:
        return None
    query = select(Person).where(func.lower(Person.email) == address, _is_on(project_id))
    return session.scalar(query.limit(1))


def _outside_author(session: Session) -> Person:
    found = session.scalar(select(Person).where(Person.email == OUTSIDE_EMAIL))
    if found is None:
        found = Person(
            email=OUTSIDE_EMAIL, name=OUTSIDE_NAME, password_hash=NO_PASSWORD, is_active=False
        )
        session.add(found)
        session.flush()
    return found


def _recipients(
    session: Session, record: Record, message: InboundMessage, answered: Record | None
) -> list[int]:
    """Write down who it is to; returns those who are people of the project."""
    to = _people_among(session, record.project_id, message.to)
    cc = _people_among(session, record.project_id, message.cc)
    # Mail programs answer to the project's address, which stands for who wrote from there.
    writer = answered.created_by_id if answered and not messages.sender_address(answered) else None
    ids = [person.id for person in to.values()]
    if writer is not None and writer != record.created_by_id:
        ids.append(writer)
    copies = [person.id for person in cc.values() if person.id not in ids]
    known = {*to, *cc}
    outside = [
        box.address
        for box in (*message.to, *message.cc)
        if box.address not in known and not messages.token_of(box.address)
    ]
    values = {"to": ids, "cc": copies, "outside": _fitting(outside)}
    write_values(session, messages.email_tool(), record, values)
    return [*dict.fromkeys([*ids, *copies])]


def _fitting(addresses: list[str]) -> str:
    """Return as many addresses as their field holds."""
    text = ", ".join(dict.fromkeys(addresses))
    return (
        text
        if len(text) <= ADDRESSES_MAX_LENGTH
        else text[:ADDRESSES_MAX_LENGTH].rpartition(", ")[0]
    )


def _people_among(session: Session, project_id: int, boxes: Iterable[Mailbox]) -> dict[str, Person]:
    addresses = [box.address for box in boxes]
    query = select(Person).where(func.lower(Person.email).in_(addresses), _is_on(project_id))
    found = {person.email.lower(): person for person in session.scalars(query)}
    return {address: found[address] for address in addresses if address in found}


def _attach(session: Session, record: Record, files: _Files, author_id: int) -> None:
    for file in files.stored:
        session.add(
            Attachment(
                project_id=record.project_id,
                tool_key=record.tool_key,
                record_id=record.id,
                name=file.name,
                original_name=file.original_name,
                size_bytes=file.digests.size_bytes,
                sha1=file.digests.sha1,
                sha256=file.digests.sha256,
                blob_key=file.blob_key,
                source=Source.EMAIL,
                attached_by_id=author_id,
            )
        )
    session.flush()

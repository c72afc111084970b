"""The way out: a message waits for its files, is queued, handed to the mail server, and concluded.

Every step is one conditional change of the row in `outgoing_mails`. A worker that dies lets its
lease run out and another tries again: a message can then arrive twice, with the same Message-ID, by
which mail programs know it for the same. It never gets lost, and it never leaves without a file
that it was sent with.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from obstore.exceptions import BaseError as StorageError
from sqlalchemy import ColumnElement, and_, delete, event, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from webapp.accounts.models import Person, notify
from webapp.attachments.models import Attachment
from webapp.companies import access
from webapp.companies.access import level_expression
from webapp.companies.models import Level
from webapp.core import audit
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db, release, rows_changed, write_connection, writing
from webapp.core.formats import filesize
from webapp.core.languages import SOURCE
from webapp.core.settings import settings
from webapp.core.text import N_, _, in_language
from webapp.imports.models import UNFINISHED, ImportItem, ItemState
from webapp.imports.tasks import Errand, queue
from webapp.mail.addresses import Mailbox, on_the_wire
from webapp.mail.letters import Enclosure, Letter, message_ids, written_out
from webapp.mail.models import (
    UNFINISHED_MAIL,
    MailState,
    OutgoingMail,
    OutgoingWait,
)
from webapp.mail.transports import (
    DELIVER_SECONDS,
    MailDelayed,
    MailProblem,
    MailRefused,
    Outcome,
    transport,
)
from webapp.records.models import Record
from webapp.records.visibility import may_see
from webapp.tools.extensions.emails import messages
from webapp.tools.lifecycle import restrict
from webapp.tools.telling import leave

log = logging.getLogger(__name__)

ARRIVED = "email_received"
LEASE = timedelta(seconds=DELIVER_SECONDS + 60)
AT_ONCE = 2
TRIES = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0


def prepare(session: Session, record: Record) -> bool:
    """Put a message on its way, in the transaction that sends it; True when it must wait."""
    session.execute(delete(OutgoingMail).where(OutgoingMail.record_id == record.id))
    messages.mail_id(session, record)
    mail = OutgoingMail(project_id=record.project_id, record_id=record.id)
    session.add(mail)
    session.flush()
    items = session.scalars(_awaited(record.id)).all()
    for item in items:
        session.add(OutgoingWait(mail_id=mail.id, item_id=item.id))
    session.flush()
    _wake_after(session)
    return bool(items)


def _awaited(record_id: int) -> Any:
    """Return the query for copies that the page shows as coming or as not having arrived."""
    stopped = and_(
        ImportItem.state.in_((ItemState.FAILED, ItemState.CANCELLED)),
        ImportItem.reason != "cancelled",
    )
    return select(ImportItem).where(
        ImportItem.record_id == record_id,
        ImportItem.row_id.is_(None),
        or_(ImportItem.state.in_(UNFINISHED), stopped),
    )


def take_back(session: Session, record: Record) -> None:
    """Take a message off its way before it has left."""
    session.execute(
        delete(OutgoingMail).where(
            OutgoingMail.record_id == record.id, OutgoingMail.state == MailState.WAITING
        )
    )


@dataclass(frozen=True)
class Wait:
    """What a message still waits for: copies on their way, and those that will not come."""

    coming: tuple[ImportItem, ...]
    missing: tuple[ImportItem, ...]


def wait_of(session: Session, record_id: int) -> Wait:
    """Return what a message waits for."""
    awaited = session.scalars(
        select(ImportItem)
        .join(OutgoingWait, OutgoingWait.item_id == ImportItem.id)
        .join(OutgoingMail, OutgoingMail.id == OutgoingWait.mail_id)
        .where(OutgoingMail.record_id == record_id, OutgoingMail.state == MailState.WAITING)
    ).all()
    later = session.scalars(
        select(ImportItem).where(
            ImportItem.record_id == record_id,
            ImportItem.row_id.is_(None),
            ImportItem.state.in_(UNFINISHED),
        )
    ).all()
    found = {item.id: item for item in (*awaited, *later)}.values()
    return Wait(
        coming=tuple(item for item in found if item.state in UNFINISHED),
        missing=tuple(
            item for item in found if item.state in {ItemState.FAILED, ItemState.CANCELLED}
        ),
    )


def go_without(session: Session, record: Record) -> None:
    """Let a message leave without the copies that did not arrive."""
    lost = select(ImportItem.id).where(
        ImportItem.record_id == record.id,
        ImportItem.state.in_((ItemState.FAILED, ItemState.CANCELLED)),
    )
    mails = select(OutgoingMail.id).where(OutgoingMail.record_id == record.id)
    session.execute(
        delete(OutgoingWait).where(OutgoingWait.mail_id.in_(mails), OutgoingWait.item_id.in_(lost))
    )
    _wake_after(session)


def _wake_after(session: Session) -> None:
    """Wake a worker once the transaction under way is done; without it the sweep would."""
    engine = queue()

    @event.listens_for(session, "after_commit", once=True)
    def wake(_session: Session) -> None:
        engine.wake(1)


# ---- what is due, and who takes it


def _is_ready() -> ColumnElement[bool]:
    """Return SQL for messages whose files have all arrived."""
    missing = (
        select(OutgoingWait.item_id)
        .join(ImportItem, ImportItem.id == OutgoingWait.item_id)
        .where(OutgoingWait.mail_id == OutgoingMail.id, ImportItem.state != ItemState.ATTACHED)
        .exists()
    )
    coming = (
        select(ImportItem.id)
        .where(ImportItem.record_id == OutgoingMail.record_id, ImportItem.state.in_(UNFINISHED))
        .exists()
    )
    return and_(OutgoingMail.state == MailState.WAITING, ~missing, ~coming)


def _is_deliverable() -> ColumnElement[bool]:
    now = utcnow()
    busy = aliased(OutgoingMail)
    under_way = (
        select(func.count(busy.id))
        .where(busy.state == MailState.SENDING, busy.leased_until > now)
        .scalar_subquery()
    )
    is_queued = and_(
        OutgoingMail.state == MailState.QUEUED,
        or_(OutgoingMail.run_after.is_(None), OutgoingMail.run_after <= now),
    )
    is_left = and_(OutgoingMail.state == MailState.SENDING, OutgoingMail.leased_until <= now)
    return and_(or_(is_queued, is_left), under_way < AT_ONCE)


def _due() -> Any:
    return select(OutgoingMail.id, OutgoingMail.state).where(or_(_is_ready(), _is_deliverable()))


def count_due(at_most: int) -> int:
    """Return how many messages can make a step now, up to `at_most`."""
    with db.engine.connect() as connection:
        return len(connection.execute(_due().limit(at_most)).all())


def run_next(worker: str, stopping: threading.Event) -> bool:
    """Bring the next message one step further; False when there is nothing to do."""
    if stopping.is_set():
        return False
    with db.engine.connect() as connection:
        row = connection.execute(_due().order_by(OutgoingMail.id).limit(1)).first()
    if row is None:
        return False
    if row.state == MailState.WAITING:
        _release(row.id)
        return True
    taken = _take(row.id, worker)
    if taken is not None:
        _deliver(taken)
    return True


ERRAND = Errand("mail", count_due, run_next)


@dataclass(frozen=True)
class _Taken:
    """A message in the hands of one worker."""

    id: int
    fence: int
    record_id: int
    recipients: tuple[str, ...]
    attachment_ids: tuple[int, ...]
    is_linked: bool
    may_open: bool
    tries: int


def _take(mail_id: int, worker: str) -> _Taken | None:
    with write_connection() as connection:
        row = connection.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == mail_id, _is_deliverable())
            .values(
                state=MailState.SENDING,
                leased_by=worker,
                leased_until=utcnow() + LEASE,
                fence=OutgoingMail.fence + 1,
                tries=OutgoingMail.tries + 1,
            )
            .returning(OutgoingMail)
        ).first()
    if row is None:
        return None
    return _Taken(
        id=row.id,
        fence=row.fence,
        record_id=row.record_id,
        recipients=tuple(row.recipients),
        attachment_ids=tuple(row.attachment_ids),
        is_linked=row.is_linked,
        may_open=row.may_open,
        tries=row.tries,
    )


# ---- from waiting to queued


def _release(mail_id: int) -> None:
    """Settle who gets a message and what goes along, once its files are all there."""
    with writing() as session:
        mail = session.scalar(
            select(OutgoingMail)
            .where(OutgoingMail.id == mail_id, _is_ready())
            .with_for_update(skip_locked=True)
        )
        if mail is None:
            return
        record = session.get_one(Record, mail.record_id)
        if not _may_send(session, record):
            mail.state, mail.reason, mail.finished_at = MailState.FAILED, "no_access", utcnow()
            _conclude(session, record)
            return
        files = messages.own_files(session, record.id)
        mail.attachment_ids = [file.id for file in files]
        mail.is_linked = sum(file.size_bytes for file in files) > messages.FILES_MAX_BYTES
        _address(session, mail, record)
        if mail.state == MailState.WAITING:
            mail.state, mail.reason, mail.finished_at = MailState.FAILED, "nobody", utcnow()
            _conclude(session, record)
            return
        record.status = messages.SENDING
        record.is_open = True
        restrict(session, messages.email_tool(), record)


def _may_send(session: Session, record: Record) -> bool:
    """True while the sender may still write e-mail in this project."""
    author = record.created_by_id
    level = session.scalar(
        select(
            level_expression(author, Record.project_id.expression, Record.tool_key.expression)
        ).where(Record.id == record.id)
    )
    is_active = session.scalar(select(Person.is_active).where(Person.id == author))
    return bool(is_active) and (level or 0) >= Level.STANDARD


def _address(session: Session, mail: OutgoingMail, record: Record) -> None:
    """Write down the recipients; who cannot open the files' addresses gets a letter without."""
    people = messages.people_on_message(session, record)
    present = {person.id for person in access.people_on(record.project_id)}
    openers = _who_can_open(session, record, [person.id for person in people.everybody])
    with_links = [p.email for p in people.everybody if p.id in openers & present]
    without = [p.email for p in people.everybody if p.id in present - openers]
    without += people.outside
    if not mail.is_linked:
        with_links, without = [*with_links, *without], []
    for may_open, addresses in ((True, with_links), (False, without)):
        if not addresses:
            continue
        fits, refused = _on_the_wire(addresses)
        letter = mail if not mail.recipients and not mail.refused else _another(session, mail)
        letter.recipients, letter.refused = fits, refused
        letter.may_open = may_open and mail.is_linked
        letter.state = MailState.QUEUED
    gone = [person.email for person in people.everybody if person.id not in present]
    mail.refused = {**mail.refused, **dict.fromkeys(gone, N_("Not on the project any more."))}


def _another(session: Session, mail: OutgoingMail) -> OutgoingMail:
    found = OutgoingMail(
        project_id=mail.project_id,
        record_id=mail.record_id,
        attachment_ids=mail.attachment_ids,
        is_linked=mail.is_linked,
    )
    session.add(found)
    return found


def _on_the_wire(addresses: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    fits: dict[str, None] = {}
    refused = {}
    for address in addresses:
        try:
            fits[on_the_wire(address)] = None
        except ValueError:
            refused[address] = N_("This address cannot be written in e-mail.")
    return list(fits), refused


def _who_can_open(session: Session, record: Record, ids: list[int]) -> set[int]:
    sees = select(Record.id).where(Record.id == record.id, may_see(Person.id.expression)).exists()
    found = session.scalars(select(Person.id).where(Person.id.in_(ids), sees))
    return set(found)


# ---- from queued to the mail server


def _deliver(taken: _Taken) -> None:
    """Hand a message to the mail server, and write down what it said."""
    if taken.tries > TRIES:
        # We stumbled over it ourselves, every time.
        _not_delivered(taken, MailRefused("internal"))
        return
    letter = _letter(taken)
    if letter is None:
        return
    project_sender = letter.reply_to.address
    way_out = transport()
    try:
        message = written_out(letter)
        release()
        outcome = Outcome()
        if taken.recipients:
            sender = way_out.sender or project_sender
            outcome = way_out.deliver(sender, taken.recipients, message)
    except MailProblem as problem:
        _not_delivered(taken, problem)
    except (StorageError, OSError) as error:
        log.warning("mail.unreadable", extra={"mail": taken.id, "kind": type(error).__name__})
        _not_delivered(taken, MailDelayed("storage_down"))
    else:
        kept = _kept(letter) if way_out.is_outbox else None
        _delivered(taken, outcome, kept)


def _letter(taken: _Taken) -> Letter | None:
    """Return the letter of a message, None when the message is gone."""
    session = db.session()
    record = session.get(Record, taken.record_id)
    if record is None:
        return None
    ids = messages.mail_id(session, record)
    people = messages.people_on_message(session, record)
    files = _files_of(session, taken)
    project = Mailbox(record.project.name, messages.project_address(record.project))
    text = str(record.details.get("message") or "")
    with in_language(_language_of(session, taken.recipients)):
        if taken.is_linked:
            text = f"{text}\n\n{_link_text(files, may_open=taken.may_open)}"
        name = _("%(name)s via Plumbline", name=record.created_by.name)
    return Letter(
        message_id=ids.message_id,
        sender=Mailbox(name, transport().sender or project.address),
        reply_to=project,
        to=(
            *_mailboxes(people.to),
            *_mailboxes_of(people.outside),
        ),
        cc=_mailboxes(people.cc),
        subject=record.title,
        text=text,
        written_at=messages.moment_of(record),
        in_reply_to=ids.answers,
        references=tuple(message_ids(ids.chain)),
        enclosures=() if taken.is_linked else tuple(_enclosure(file) for file in files),
    )


def _language_of(session: Session, addresses: Sequence[str]) -> str:
    """Return the language that everybody at these addresses chose, English where there is none."""
    query = select(Person.language).where(Person.email.in_([a.lower() for a in addresses]))
    chosen = list(session.scalars(query))
    is_shared = len(chosen) == len(addresses) and len(set(chosen)) == 1
    return chosen[0] if is_shared else SOURCE


def _mailboxes(people: Sequence[Person]) -> tuple[Mailbox, ...]:
    names = {person.email: person.name for person in people}
    return tuple(Mailbox(names[box.address], box.address) for box in _mailboxes_of(list(names)))


def _mailboxes_of(addresses: Sequence[str]) -> tuple[Mailbox, ...]:
    """Return mailboxes for addresses that can stand in a header."""
    fits = [address for address in addresses if not _on_the_wire([address])[1]]
    return tuple(Mailbox("", address) for address in fits)


def _files_of(session: Session, taken: _Taken) -> list[Attachment]:
    query = select(Attachment).where(Attachment.id.in_(taken.attachment_ids))
    return list(session.scalars(query.order_by(Attachment.id)))


def _enclosure(file: Attachment) -> Enclosure:
    key = file.blob_key
    store = blobs()
    return Enclosure(file.name, file.size_bytes, lambda: store.read(key))


def _link_text(files: Sequence[Attachment], *, may_open: bool) -> str:
    """Return what stands in a letter instead of files that are too large for it."""
    limit = filesize(messages.FILES_MAX_BYTES)
    if not may_open:
        head = _(
            "The attachments are over %(limit)s together and did not go along. Ask the sender for:",
            limit=limit,
        )
        return "\n".join([head, *(f"- {f.name} ({filesize(f.size_bytes)})" for f in files)])
    head = _(
        "The attachments are over %(limit)s together. Sign in to Plumbline to open them:",
        limit=limit,
    )
    base = settings().public_url
    lines = [
        f"- {f.name} ({filesize(f.size_bytes)})\n  {base}/attachments/{f.public_id}" for f in files
    ]
    return "\n".join([head, *lines])


def _kept(letter: Letter) -> dict[str, Any]:
    """Return what the outbox shows of a letter: all that stands in it, and no hidden copies."""
    return {
        "from": str(letter.sender),
        "reply_to": str(letter.reply_to),
        "to": [str(box) for box in letter.to],
        "cc": [str(box) for box in letter.cc],
        "subject": letter.subject,
        "message_id": letter.message_id,
        "text": letter.text,
        "files": [[file.name, file.size_bytes] for file in letter.enclosures],
    }


def _held(taken: _Taken) -> ColumnElement[bool]:
    return and_(
        OutgoingMail.id == taken.id,
        OutgoingMail.fence == taken.fence,
        OutgoingMail.state == MailState.SENDING,
    )


def _delivered(taken: _Taken, outcome: Outcome, kept: dict[str, Any] | None) -> None:
    refused = dict(outcome.refused)
    later = dict(outcome.delayed)
    if taken.tries >= TRIES:
        refused, later = refused | later, {}
    accepted = len(taken.recipients) - len(outcome.refused) - len(outcome.delayed)
    log.info("mail.delivered", extra={"mail": taken.id, "recipients": accepted})
    _step(
        taken,
        accepted=accepted,
        refused=refused,
        state=MailState.QUEUED if later else MailState.SENT,
        recipients=list(later),
        run_after=_next_try(taken) if later else None,
        reason="busy" if later else None,
        said=next(iter(later.values()), ""),
        kept=kept,
    )


def _not_delivered(taken: _Taken, problem: MailProblem) -> None:
    is_over = not isinstance(problem, MailDelayed) or taken.tries >= TRIES
    log.warning(
        "mail.not_delivered",
        extra={"mail": taken.id, "reason": problem.code, "tries": taken.tries},
    )
    _step(
        taken,
        refused={},
        state=MailState.FAILED if is_over else MailState.QUEUED,
        recipients=list(taken.recipients),
        run_after=None if is_over else _next_try(taken),
        reason=problem.code,
        said=problem.said,
        kept=None,
    )


def _next_try(taken: _Taken) -> Any:
    return utcnow() + timedelta(seconds=min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (taken.tries - 1)))


def _step(taken: _Taken, *, refused: dict[str, str], accepted: int = 0, **values: Any) -> None:
    """Put a message where a try has brought it, unless somebody else holds it by now."""
    with writing() as session:
        if values["state"] != MailState.QUEUED:
            values["finished_at"] = utcnow()
        done = session.execute(
            update(OutgoingMail)
            .where(_held(taken))
            .values(
                leased_by=None,
                leased_until=None,
                delivered=OutgoingMail.delivered + accepted,
                **values,
            )
        )
        if rows_changed(done) != 1:
            return
        mail = session.get_one(OutgoingMail, taken.id, populate_existing=True)
        mail.refused = {**mail.refused, **refused}
        if mail.state == MailState.SENT and not mail.delivered:
            mail.state, mail.reason = MailState.FAILED, "all_refused"
            mail.said = next(iter(mail.refused.values()), "")
        session.flush()
        _conclude(session, session.get_one(Record, taken.record_id))


# ---- and its end


def _conclude(session: Session, record: Record) -> None:
    """Settle what a message is once nothing of it is on its way any more, and tell its people."""
    mails = session.scalars(
        select(OutgoingMail).where(OutgoingMail.record_id == record.id).order_by(OutgoingMail.id)
    ).all()
    if any(mail.state in UNFINISHED_MAIL for mail in mails):
        return
    tool = messages.email_tool()
    went_out = any(mail.delivered for mail in mails)
    record.status = messages.SENT if went_out else messages.FAILED
    record.is_open = tool.status(record.status).is_open
    record.updated_at = utcnow()
    if went_out:
        record.opened_at = record.closed_at = utcnow()
        record.dated_on = messages.local_day(record, record.opened_at)
    session.flush()
    restrict(session, tool, record)
    audit.note(
        session,
        "email.went_out" if went_out else "email.not_sent",
        person_id=None,
        project_id=record.project_id,
        record_id=record.id,
    )
    _tell(session, record, went_out=went_out, is_whole=not any(mail.refused for mail in mails))


def _tell(session: Session, record: Record, *, went_out: bool, is_whole: bool) -> None:
    path = path_of(record)
    if not went_out or not is_whole:
        kind = "email_refused" if went_out else "email_failed"
        notify(session, record.created_by_id, kind, path=path, subject=record.title)
    if went_out:
        people = messages.people_on_message(session, record).everybody
        tell_recipients(session, record, [person.id for person in people])


def tell_recipients(session: Session, record: Record, ids: Sequence[int]) -> None:
    """Leave a notice for those who can open the message."""
    leave(session, messages.email_tool(), record, ids, ARRIVED, by_id=record.created_by_id)


def path_of(record: Record) -> str:
    return f"/projects/{record.project_id}/{messages.email_tool().slug}/{record.id}"

"""What Emails does beyond the mechanism: it sends, answers and forwards, and shows threads."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment, with_successors
from webapp.companies import access
from webapp.companies.models import Level, Project
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Invalid
from webapp.core.settings import settings
from webapp.core.text import N_, NC_, _, ngettext
from webapp.imports.models import ImportItem
from webapp.mail.models import MailState, OutgoingMail
from webapp.records.models import Record
from webapp.tools import asking
from webapp.tools.extensions.emails import drafting, messages, outgoing
from webapp.tools.parts import Standing
from webapp.tools.registry import (
    TOOLS,
    Action,
    Beside,
    Extension,
    Foretold,
    Panel,
    Part,
    Transition,
)

RECIPIENTS_MAX = 100
FOLDERS = {
    messages.ARCHIVE: NC_("step", "Archive"),
    messages.SPAM: N_("Mark as spam"),
    messages.BIN: N_("Move to the recycle bin"),
    messages.INBOX: N_("Move to the inbox"),
}
FOLDER_NAMES = {
    messages.INBOX: N_("Inbox"),
    messages.ARCHIVE: N_("Archive"),
    messages.SPAM: N_("Spam"),
    messages.BIN: N_("Recycle bin"),
}

# Why a message has not left (yet), in words.
REASONS = {
    "unreachable": N_("The mail server does not answer, or broke off."),
    "busy": N_("The mail server asks us to wait."),
    "refused": N_("The mail server did not take the message."),
    "all_refused": N_("None of the addresses took it."),
    "login_refused": N_("The mail server does not accept Plumbline's sign-in."),
    "not_secure": N_("The mail server offers no safe way to sign in."),
    "storage_down": N_("Plumbline could not read the files that go along."),
    "no_access": N_("Its sender may no longer write e-mail in this project."),
    "internal": N_("Plumbline made a mistake while sending. It has been noted."),
    "nobody": N_("None of its recipients can be written to any more."),
}


@dataclass(frozen=True)
class ShownMessage:
    """One message of a thread as a page shows it."""

    record: Record
    sender: str
    to: str
    cc: str
    text: str
    files: tuple[Attachment, ...]
    is_current: bool


@dataclass(frozen=True)
class Progress:
    """Where a message is on its way out; the details are for its sender."""

    coming: tuple[ImportItem, ...] = ()
    missing: tuple[ImportItem, ...] = ()
    reason: str = ""
    said: str = ""
    tries: int = 0
    run_after: Any = None
    refused: tuple[tuple[str, str], ...] = ()
    is_linked: bool = False


class Emails(Extension):
    """The extension of the Emails tool."""

    def saved(self, session: Session, standing: Standing) -> None:
        record = standing.record
        details = dict(record.details)
        details.setdefault("folder", messages.INBOX)
        details.setdefault("direction", messages.OUTGOING)
        if not details.get("sender"):
            details["sender"] = record.created_by.name
        record.details = details
        if record.dated_on is None or record.status == messages.DRAFT:
            moment = utcnow() if record.status == messages.DRAFT else messages.moment_of(record)
            record.dated_on = messages.local_day(record, moment)
        if record.status in messages.ARRIVED:
            messages.mail_id(session, record)

    def told(self, record: Record, kind: str) -> tuple[str, dict[str, Any]] | None:
        """Recipients are told when the message has gone out or come in, and of nothing before."""
        if kind != outgoing.ARRIVED:
            return None
        return kind, {"sender": messages.sender_text(record), "subject": record.title}

    def refusal(self, session: Session, standing: Standing, transition: Transition) -> str:
        if transition.after != messages.SENDING:
            return ""
        people = messages.people_on_message(session, standing.record)
        count = len(people.everybody) + len(people.outside)
        if not count:
            return _("Say to whom it goes: choose somebody, or write an address.")
        if count > RECIPIENTS_MAX:
            return ngettext(
                "A message goes to at most %(num)s recipient.",
                "A message goes to at most %(num)s recipients.",
                RECIPIENTS_MAX,
            )
        return ""

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        record = standing.record
        if transition.after == messages.SENDING:
            record.dated_on = messages.local_day(record, utcnow())
            if outgoing.prepare(session, record):
                record.status = messages.WAITING
        elif transition.after == messages.DRAFT:
            outgoing.take_back(session, record)

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        """Say how many people get the message, and what goes along."""
        if transition.after != messages.SENDING:
            return Foretold()
        people = messages.people_on_message(session, standing.record)
        count = len(people.everybody) + len(people.outside)
        title = ngettext("Send to %(num)s recipient?", "Send to %(num)s recipients?", count)
        lines = []
        if outside := len(people.outside):
            lines.append(
                ngettext(
                    "%(num)s address is outside the project.",
                    "%(num)s addresses are outside the project.",
                    outside,
                )
            )
        files, size = asking.sizes(session, standing)
        if files:
            lines.append(_("With %(files)s.", files=asking.files_text(files, size)))
        return Foretold(title, tuple(lines))

    def foretold_action(self, session: Session, standing: Standing, key: str) -> Foretold:
        wait = outgoing.wait_of(session, standing.record.id)
        names = ", ".join(item.name for item in wait.missing)
        return Foretold(lines=(_("These do not go along: %(names)s.", names=names),))

    def beside(self, session: Session, standing: Standing) -> Beside:
        record, person_id = standing.record, standing.person_id
        level = access.level_in(record.project_id, person_id, messages.KEY)
        if level < Level.READ:
            return Beside()
        found = messages.messages_about(session, record, person_id)
        tool = messages.email_tool()
        context = {"messages": found, "emails": tool, "most": messages.ABOUT_SHOWN}
        may_write = level >= Level.STANDARD and drafting.may_be_written_about(standing)
        path = url_for(
            "tools.email_about",
            project_id=record.project_id,
            tool=standing.tool,
            record_id=record.id,
        )
        write = Action("email", N_("Email this"), path=path, icon="mail")
        return Beside(
            panels=(Panel("tools/emails/_about.html", context),) if found else (),
            actions=(write,) if may_write else (),
        )

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        about = messages.about_of(session, standing.record, standing.person_id)
        about_tool = TOOLS.get(about.tool_key) if about else None
        what = {"about": about, "about_tool": about_tool}
        return [
            *([Panel("tools/emails/_what.html", what)] if about_tool else []),
            Panel(
                "tools/emails/_state.html",
                {"progress": progress_of(session, standing)},
                "tools/pdf/_letter.html",
            ),
            Panel("tools/emails/_thread.html", {"thread": thread(session, standing)}),
        ]

    def above_list(self, session: Session, project: Project, level: Level) -> list[Panel]:
        is_shown = level >= Level.ADMIN and settings().mail_url.startswith("outbox")
        context = {
            "address": messages.project_address(project),
            "folders": tuple((key, _(label)) for key, label in FOLDER_NAMES.items()),
            "shows_outbox": is_shown,
        }
        return [Panel("tools/emails/_mailbox.html", context)]

    def narrowed(self, chosen: dict[str, str]) -> list[ColumnElement[bool]]:
        if chosen.get("folder"):
            return []
        folder = Record.details["folder"].as_string()
        return [or_(folder.is_(None), folder.not_in(messages.OUT_OF_SIGHT))]

    def actions(self, session: Session, standing: Standing) -> list[Action]:
        record = standing.record
        if Part.STANDARD not in standing.parts:
            return []
        if record.status == messages.WAITING and Part.CREATOR in standing.parts:
            return _without(outgoing.wait_of(session, record.id))
        if record.status not in messages.ARRIVED:
            return []
        found = [
            Action("reply", N_("Reply"), is_main=True),
            Action("reply_all", N_("Reply to all")),
            Action("forward", N_("Forward")),
        ]
        if Part.ADMIN in standing.parts:
            now = record.details.get("folder", messages.INBOX)
            found += [Action(key, label) for key, label in FOLDERS.items() if key != now]
        return found

    def act(self, session: Session, standing: Standing, key: str) -> str:
        record = standing.record
        if key in FOLDERS:
            record.details = {**record.details, "folder": key}
            _note(session, standing, "email.filed", folder=FOLDER_NAMES[key])
            return ""
        if key == "without":
            _send_without(session, standing)
            return ""
        if key == "forward":
            draft = drafting.forward(session, standing)
        elif key in {"reply", "reply_all"}:
            draft = drafting.reply(session, standing, to_all=key == "reply_all")
        else:
            raise LookupError(key)
        session.flush()
        return f"{outgoing.path_of(draft)}/edit"


def _without(wait: outgoing.Wait) -> list[Action]:
    if not wait.missing:
        return []
    label = N_("Send without it") if len(wait.missing) == 1 else N_("Send without them")
    return [Action("without", label, is_main=True, asks=True)]


def _send_without(session: Session, standing: Standing) -> None:
    record = standing.record
    wait = outgoing.wait_of(session, record.id)
    if not wait.missing:
        raise Invalid(_("Every file has arrived, or is on its way."))
    outgoing.go_without(session, record)
    if not wait.coming:
        record.status = messages.SENDING
    names = [item.name for item in wait.missing]
    _note(session, standing, "email.without", names=names)


def _note(session: Session, standing: Standing, event: str, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=standing.person_id,
        project_id=standing.record.project_id,
        record_id=standing.record.id,
        **facts,
    )


def progress_of(session: Session, standing: Standing) -> Progress:
    """Return where a message is on its way; who was refused, to its sender alone."""
    record = standing.record
    mails = session.scalars(
        select(OutgoingMail).where(OutgoingMail.record_id == record.id).order_by(OutgoingMail.id)
    ).all()
    wait = outgoing.wait_of(session, record.id)
    is_sender = Part.CREATOR in standing.parts
    troubled = next((m for m in mails if m.reason and m.state != MailState.SENT), None)
    # Ours are translated; what a mail server said stays as it said it.
    refused = {address: _(said) for mail in mails for address, said in mail.refused.items()}
    return Progress(
        coming=wait.coming,
        missing=wait.missing,
        reason=_(REASONS[troubled.reason]) if troubled and troubled.reason else "",
        said=_(troubled.said) if troubled and troubled.said and is_sender else "",
        tries=troubled.tries if troubled else 0,
        run_after=troubled.run_after if troubled else None,
        refused=tuple(sorted(refused.items())) if is_sender else (),
        is_linked=any(mail.is_linked for mail in mails),
    )


def thread(session: Session, standing: Standing) -> tuple[ShownMessage, ...]:
    """Return the thread of a message as this person sees it, oldest first."""
    found = messages.thread_of(session, standing.record, standing.person_id)
    ids = [record.id for record in found]
    carried = _carried(session, ids)
    files: dict[int, list[Attachment]] = {}
    rows = session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id.in_(ids),
            Attachment.row_id.is_(None),
            Attachment.removed_at.is_(None),
        )
        .options(with_successors())
        .order_by(Attachment.id)
    )
    for file in rows:
        if file.record_id not in carried or file.id in carried[file.record_id]:
            files.setdefault(file.record_id, []).append(file)
    return tuple(_shown(session, standing, record, files.get(record.id, [])) for record in found)


def _carried(session: Session, record_ids: list[int]) -> dict[int, set[int]]:
    """Return which files the messages that have gone out carried, by the record of each."""
    mails = session.execute(
        select(OutgoingMail.record_id, OutgoingMail.attachment_ids).where(
            OutgoingMail.record_id.in_(record_ids), OutgoingMail.state == MailState.SENT
        )
    )
    found: dict[int, set[int]] = {}
    for record_id, attachment_ids in mails:
        found.setdefault(record_id, set()).update(attachment_ids)
    return found


def _shown(
    session: Session, standing: Standing, record: Record, files: list[Attachment]
) -> ShownMessage:
    people = messages.people_on_message(session, record)
    return ShownMessage(
        record=record,
        sender=messages.sender_text(record),
        to=", ".join([*(person.name for person in people.to), *people.outside]),
        cc=", ".join(person.name for person in people.cc),
        text=str(record.details.get("message") or ""),
        files=tuple(files),
        is_current=record.id == standing.record.id,
    )

"""Replies, forwards and messages about a record: drafts that begin with what they speak of."""

import re

from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment
from webapp.core import audit
from webapp.core.formats import moment
from webapp.core.settings import settings
from webapp.core.text import _
from webapp.records.models import Record
from webapp.tools import lifecycle
from webapp.tools.blueprint import address
from webapp.tools.extensions.emails import messages
from webapp.tools.naming import name_of
from webapp.tools.parts import Standing
from webapp.tools.values import write_values

QUOTED_MAX = 20_000
_REPLY = re.compile(r"(re|aw|sv|rv)(\[\d+\])?:", re.IGNORECASE)
_FORWARD = re.compile(r"(fw|fwd|wg|rv):", re.IGNORECASE)


def reply(session: Session, standing: Standing, *, to_all: bool) -> Record:
    """Return a draft that answers a message, in its thread, as private as that is."""
    original = standing.record
    draft = _begin(session, standing, _subject(standing, "RE", original.title, _REPLY))
    people = messages.people_on_message(session, original)
    outside_sender = messages.sender_address(original)
    is_mine = original.created_by_id == standing.person_id and not outside_sender
    # Whoever answers their own message writes to those it went to.
    first = [] if outside_sender or is_mine else [original.created_by_id]
    others = [person.id for person in people.to] if to_all or is_mine else []
    copies = [person.id for person in people.cc] if to_all else []
    outside = [outside_sender] if outside_sender else []
    if to_all or is_mine:
        outside += [address for address in people.outside if address != outside_sender]
    to = [i for i in dict.fromkeys([*first, *others]) if i != standing.person_id]
    values = {
        "to": to,
        "cc": [i for i in copies if i != standing.person_id and i not in to],
        "outside": ", ".join(outside),
        "message": "\n\n" + _quoted(original),
    }
    write_values(session, standing.tool, draft, values)
    draft.details = {**draft.details, "answers_record": original.id}
    return draft


def forward(session: Session, standing: Standing) -> Record:
    """Return a draft that carries a message and its files on; the files are not copied."""
    original = standing.record
    draft = _begin(session, standing, _subject(standing, "FW", original.title, _FORWARD))
    write_values(session, standing.tool, draft, {"message": "\n\n" + _carried(session, original)})
    for file in messages.own_files(session, original.id):
        session.add(_shared(file, draft, standing.person_id))
    audit.note(
        session,
        "email.forwarded",
        person_id=standing.person_id,
        project_id=original.project_id,
        record_id=original.id,
    )
    return draft


def may_be_written_about(standing: Standing) -> bool:
    """Is this another tool's record, and one that is there for good?"""
    tool, record = standing.tool, standing.record
    is_begun = record.saved_at is None or tool.status(record.status).is_draft
    return tool.key != messages.KEY and not is_begun


def about(session: Session, standing: Standing) -> Record:
    """Return a draft about a record of another tool, private where not everybody sees that."""
    record, tool = standing.record, messages.email_tool()
    draft = lifecycle.create(session, tool, record.project_id, standing.person_id)
    name = name_of(standing.tool, record)
    subject = name if name.endswith(record.title) else f"{name}: {record.title}"
    draft.title = subject[: tool.title_max_length]
    draft.is_private = record.restricted
    messages.set_about(draft, record)
    link = address("record", standing.tool, record.project_id, record.id)
    text = f"{subject}\n{settings().public_url}{link}"
    write_values(session, tool, draft, {"message": text})
    return draft


def _begin(session: Session, standing: Standing, subject: str) -> Record:
    original = standing.record
    draft = lifecycle.create(session, standing.tool, original.project_id, standing.person_id)
    draft.title = subject
    draft.parent_id = original.parent_id or original.id
    draft.grouping = original.grouping
    draft.is_private = original.is_private
    write_values(session, standing.tool, draft, {"tags": original.details.get("tags") or None})
    return draft


def _subject(standing: Standing, prefix: str, subject: str, already: re.Pattern[str]) -> str:
    text = subject if already.match(subject) else f"{prefix}: {subject}"
    return text[: standing.tool.title_max_length]


def _quoted(original: Record) -> str:
    when, who = moment(messages.moment_of(original)), messages.sender_text(original)
    text = str(original.details.get("message") or "")[:QUOTED_MAX]
    lines = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return _("%(when)s, %(who)s wrote:", when=when, who=who) + "\n" + lines


def _carried(session: Session, original: Record) -> str:
    """Return the message as it stands in its forward; hidden copies stay hidden."""
    people = messages.people_on_message(session, original)
    to = ", ".join([*(person.name for person in people.to), *people.outside])
    head = [
        _("Forwarded message"),
        _("From: %(who)s", who=messages.sender_text(original)),
        _("Date: %(when)s", when=moment(messages.moment_of(original))),
        _("Subject: %(subject)s", subject=original.title),
        _("To: %(names)s", names=to),
    ]
    if people.cc:
        head.append(_("Cc: %(names)s", names=", ".join(person.name for person in people.cc)))
    return "\n".join([*head, "", str(original.details.get("message") or "")[:QUOTED_MAX]])


def _shared(file: Attachment, draft: Record, person_id: int) -> Attachment:
    """Return another attachment of the same stored object, with the same provenance."""
    return Attachment(
        project_id=draft.project_id,
        tool_key=draft.tool_key,
        record_id=draft.id,
        name=file.name,
        original_name=file.original_name,
        size_bytes=file.size_bytes,
        sha1=file.sha1,
        sha256=file.sha256,
        is_verified=file.is_verified,
        blob_key=file.blob_key,
        source=file.source,
        attached_by_id=person_id,
        box_file_id=file.box_file_id,
        box_version_id=file.box_version_id,
        box_version_number=file.box_version_number,
        box_path=file.box_path,
        box_owner=file.box_owner,
        box_login=file.box_login,
        newer_in_box=file.newer_in_box,
    )

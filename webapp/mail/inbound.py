"""Any message that arrives, read without trusting a byte of it.

`read_message` takes whatever an MTA pipes in and always returns something: a header that cannot be
decoded reads as well as it can, a structure that cannot be walked becomes one file, the message
itself. Python's newer policy parses headers strictly and can fail on hostile ones, so the old one
is used, whose headers are plain text.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from webapp.core.text import tidy, tidy_line
from webapp.mail.addresses import Mailbox
from webapp.mail.html_text import text_of_html
from webapp.mail.letters import message_ids

# Everything Python's parser has been seen to raise on a message made to hurt it.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)
HEADER_MAX = 20_000
SUBJECT_MAX = 300
PARTS_MAX = 500
FILES_MAX = 100
MAILBOXES_MAX = 200
TEXT_MAX_BYTES = 2_000_000
RECIPIENT_HEADERS = ("To", "Cc", "Resent-To", "Resent-Cc")
# Where delivery agents write whom a message is really for.
ENVELOPE_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")


@dataclass(frozen=True)
class InboundFile:
    """A file that came along, under the name its sender gave it, which may be anything."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class InboundMessage:
    """A message as far as it could be read; every text is free of control characters."""

    message_id: str
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    envelope: tuple[str, ...]
    subject: str
    text: str
    answers: str = ""
    references: tuple[str, ...] = ()
    files: tuple[InboundFile, ...] = ()
    left_out: tuple[str, ...] = ()


def read_message(raw: bytes) -> InboundMessage:
    """Return the message; one whose structure cannot be read comes as a file of its own."""
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        text, files, left_out = _contents(message)
    except UNREADABLE:
        message = BytesHeaderParser(policy=policy.compat32).parsebytes(raw[: 16 * HEADER_MAX])
        text, files, left_out = "", [InboundFile("message.eml", raw)], []
    references = message_ids(_header(message, "References"))
    answers = (message_ids(_header(message, "In-Reply-To")) or references[-1:] or [""])[0]
    senders = _mailboxes(message, "From") or _mailboxes(message, "Sender")
    ids = message_ids(_header(message, "Message-ID"))
    return InboundMessage(
        message_id=ids[0] if ids else f"<{hashlib.sha256(raw).hexdigest()}@without-id.invalid>",
        sender=senders[0] if senders else Mailbox("", ""),
        to=tuple(_mailboxes(message, "To") + _mailboxes(message, "Resent-To")),
        cc=tuple(_mailboxes(message, "Cc") + _mailboxes(message, "Resent-Cc")),
        envelope=tuple(m.address for name in ENVELOPE_HEADERS for m in _mailboxes(message, name)),
        subject=_decoded(_header(message, "Subject"))[:SUBJECT_MAX],
        text=text,
        answers=answers,
        references=tuple(references),
        files=tuple(files),
        left_out=tuple(left_out),
    )


def _header(message: "Message[str, str]", name: str) -> str:
    values = message.get_all(name) or []
    return ", ".join(str(value) for value in values[:20])[:HEADER_MAX]


def _decoded(raw: str) -> str:
    """Return a header's encoded words as text; what cannot be decoded stays as it came."""
    try:
        parts = decode_header(raw)
        text = "".join(
            part if isinstance(part, str) else as_text(part, charset or "utf-8")
            for part, charset in parts
        )
    except UNREADABLE:
        text = raw
    return " ".join(tidy_line(text).split())


def _mailboxes(message: "Message[str, str]", name: str) -> list[Mailbox]:
    try:
        pairs = getaddresses([_header(message, name).replace("\r", " ").replace("\n", " ")])
    except UNREADABLE:
        return []
    found: dict[str, Mailbox] = {}
    for shown, address in pairs[:MAILBOXES_MAX]:
        clean = tidy_line(address).lower()
        if "@" in clean and " " not in clean and len(clean) <= 254:
            found.setdefault(clean, Mailbox(_decoded(shown)[:200], clean))
    return list(found.values())


def as_text(content: bytes, charset: str) -> str:
    """Return bytes as text in the charset they claim, or in the one they are more likely in."""
    for name in (charset, "utf-8", "windows-1252"):
        try:
            return content.decode(name)
        except (ValueError, LookupError):
            continue
    return content.decode("utf-8", "replace")


def _contents(message: "Message[str, str]") -> tuple[str, list[InboundFile], list[str]]:
    """Return the text, the files, and the names of files beyond what is taken."""
    plain: list[str] = []
    html: list[str] = []
    files: list[InboundFile] = []
    left_out: list[str] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        name = _file_name(part)
        is_body = not name and part.get_content_disposition() != "attachment"
        if is_body and kind == "text/plain":
            plain.append(as_text(_payload(part)[:TEXT_MAX_BYTES], _charset(part)))
        elif is_body and kind == "text/html":
            html.append(as_text(_payload(part)[:TEXT_MAX_BYTES], _charset(part)))
        elif len(files) < FILES_MAX:
            files.append(InboundFile(name or _default_name(kind, len(files)), _payload(part)))
        else:
            left_out.append(name or kind)
    texts = plain if any(text.strip() for text in plain) else [text_of_html(t) for t in html]
    text = "\n\n".join(tidy(_unix(one)) for one in texts if one.strip())
    return text, files, left_out


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _leaves(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """Yield the parts that hold something; a message within the message is one of them."""
    waiting = [message]
    seen = 0
    while waiting and seen < PARTS_MAX:
        part = waiting.pop(0)
        seen += 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting = [*payload, *waiting]
        else:
            yield part


def _payload(part: "Message[str, str]") -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list):
        return b"".join(one.as_bytes() for one in inner if isinstance(one, Message))
    decoded = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""


def _charset(part: "Message[str, str]") -> str:
    try:
        return str(part.get_content_charset() or "utf-8")
    except UNREADABLE:
        return "utf-8"


def _file_name(part: "Message[str, str]") -> str:
    try:
        return _decoded(str(part.get_filename() or ""))
    except UNREADABLE:
        return "unnamed"


def _default_name(kind: str, index: int) -> str:
    if kind == "message/rfc822":
        return f"message-{index + 1}.eml"
    extension = re.sub(r"[^a-z0-9]", "", kind.rpartition("/")[2])[:8] or "bin"
    return f"part-{index + 1}.{extension}"

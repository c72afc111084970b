"""A letter as bytes for a mail server: RFC 5322 headers, MIME parts, any script.

The headers are folded and encoded here: Python's own folding can split an address list at a comma
inside an encoded name (CPython issue 100884) and writes long message ids as encoded words.
"""

import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime

from webapp import gate
from webapp.mail.addresses import Mailbox, on_the_wire

LINE = 76
NAME_MAX = 100
CRLF = "\r\n"
_POLICY = policy.SMTP.clone(cte_type="7bit")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")


@dataclass(frozen=True)
class Enclosure:
    """A file that goes along; `read` yields its bytes when the letter is written out."""

    name: str
    size_bytes: int
    read: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Letter:
    """One message; who gets it without being named stands in no field of this."""

    message_id: str
    sender: Mailbox
    reply_to: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    subject: str
    text: str
    written_at: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    # RFC 3834: what a machine wrote says so, and no machine answers it.
    auto_submitted: str = ""


def written_out(letter: Letter) -> bytes:
    """Return the letter as a server takes it: seven bits, lines of CRLF, no Bcc."""
    head = "".join(f"{name}: {value}{CRLF}" for name, value in headers_of(letter))
    return head.encode("ascii") + _body(letter)


def headers_of(letter: Letter) -> list[tuple[str, str]]:
    """Return the headers, encoded and folded."""
    found = [
        ("Date", format_datetime(letter.written_at)),
        ("From", _mailboxes([letter.sender])),
        ("Reply-To", _mailboxes([letter.reply_to])),
        ("To", _mailboxes(letter.to) or "undisclosed-recipients:;"),
        ("Cc", _mailboxes(letter.cc)),
        ("Subject", _unstructured(letter.subject, "Subject")),
        ("Message-ID", one_line(letter.message_id)),
        ("In-Reply-To", one_line(letter.in_reply_to)),
        ("References", f"{CRLF} ".join(one_line(ref) for ref in letter.references)),
        ("Auto-Submitted", letter.auto_submitted),
    ]
    return [(name, value) for name, value in found if value]


def one_line(text: str) -> str:
    """Return text that cannot end a header and begin another."""
    return gate.line(text).strip()


def message_ids(text: str) -> list[str]:
    """Return the well-formed message ids in a header, in order, each once."""
    return list(dict.fromkeys(_MESSAGE_ID.findall(text)))


def _mailboxes(people: Iterable[Mailbox]) -> str:
    return f",{CRLF} ".join(_mailbox(one) for one in people)


def _mailbox(one: Mailbox) -> str:
    address, name = on_the_wire(one.address), one_line(one.name)[:NAME_MAX]
    if not name:
        return address
    if name.isascii():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{_encoded(name, 10)}{CRLF} <{address}>"


def _unstructured(text: str, name: str) -> str:
    plain = one_line(text)
    is_short = len(name) + len(plain) < LINE
    # What looks like an encoded word would be read as one.
    if plain.isascii() and is_short and "=?" not in plain:
        return plain
    return _encoded(plain, len(name) + 2)


def _encoded(text: str, taken: int) -> str:
    """Return text as encoded words (RFC 2047), the first line shorter by what is `taken`."""
    header = Header(text, "utf-8", maxlinelen=LINE, header_name="x" * taken, continuation_ws=" ")
    return header.encode(linesep=CRLF)


def _body(letter: Letter) -> bytes:
    message = EmailMessage(policy=_POLICY)
    message.set_content(_lines(letter.text), charset="utf-8")
    for enclosure in letter.enclosures:
        kind, _encoding = mimetypes.guess_type(enclosure.name)
        maintype, _slash, subtype = (kind or "application/octet-stream").partition("/")
        if maintype in {"message", "multipart"}:
            # Those would have to be parsed and written anew; the bytes shall stay what they are.
            maintype, subtype = "application", "octet-stream"
        message.add_attachment(
            b"".join(enclosure.read()),
            maintype=maintype,
            subtype=subtype,
            filename=one_line(enclosure.name),
        )
    return message.as_bytes()


def _lines(text: str) -> str:
    return gate.lines(text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"

"""How a letter leaves: through a mail server, or into the outbox that Plumbline itself shows.

One call is one try, and no call lasts longer than DELIVER_SECONDS: every socket has a time limit,
and a server that keeps answering a byte at a time is cut off. Retrying is for the caller.

Delivery failures, from the top:
- MailProblem: not delivered to anybody
  - MailDelayed: the same try may succeed later
  - MailRefused: it never will
"""

import contextlib
import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from flask import Flask, current_app

log = logging.getLogger(__name__)

CALL_SECONDS = 20.0
DELIVER_SECONDS = 180.0
SAID_MAX = 200
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_KEY = "plumbline.mail"


class MailProblem(Exception):
    """Nobody got it. `code` is the reason, `said` what the server answered."""

    def __init__(self, code: str, said: str = "") -> None:
        super().__init__(f"{code}: {said}")
        self.code = code
        self.said = said


class MailDelayed(MailProblem):
    """The server is away, slow, busy, or does not know us: try again later."""


class MailRefused(MailProblem):
    """The server does not take this message."""


@dataclass(frozen=True)
class Outcome:
    """What became of each recipient that did not get it: refused for good, or for now."""

    refused: dict[str, str] = field(default_factory=dict)
    delayed: dict[str, str] = field(default_factory=dict)


class Transport(Protocol):
    @property
    def sender(self) -> str:
        """The address everything is sent from, "" for that of the project."""

    @property
    def is_outbox(self) -> bool:
        """True where nothing really leaves."""

    def deliver(self, sender: str, recipients: Sequence[str], message: bytes) -> Outcome:
        """Hand a message over; raises MailDelayed or MailRefused when nobody gets it."""


@dataclass(frozen=True)
class Outbox:
    """Takes everything and sends nothing: what left is shown on a page of the project."""

    sender: str = ""
    is_outbox: bool = True

    def deliver(self, sender: str, recipients: Sequence[str], message: bytes) -> Outcome:
        return Outcome()


@dataclass(frozen=True)
class SmtpServer:
    """A mail server; TLS from the start with smtps, whenever it offers it with smtp."""

    host: str
    port: int
    is_tls: bool
    sender: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    own_name: str = "localhost"
    call_seconds: float = CALL_SECONDS
    deliver_seconds: float = DELIVER_SECONDS
    is_outbox: bool = False

    def deliver(self, sender: str, recipients: Sequence[str], message: bytes) -> Outcome:
        try:
            with self._conversation() as smtp:
                return _hand_over(smtp, sender, recipients, message, self.deliver_seconds)
        except smtplib.SMTPResponseException as error:
            if isinstance(error.smtp_error, str):
                # smtplib's own words for an answer that is none.
                raise MailDelayed("unreachable", _text(error.smtp_error)) from None
            raise _problem(error.smtp_code, error.smtp_error) from None
        except (OSError, ValueError) as error:
            # smtplib's own exceptions are OSErrors, and so are TLS's.
            raise MailDelayed("unreachable", _text(str(error))) from None

    @contextlib.contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        smtp = self._connected()
        watch = threading.Timer(self.deliver_seconds, _cut, [smtp])
        watch.daemon = True
        watch.start()
        try:
            smtp.ehlo_or_helo_if_needed()
            if not self.is_tls and smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            if self.user:
                self._log_in(smtp)
            yield smtp
            # Whatever happens from here on, the server has the message.
            with contextlib.suppress(OSError):
                smtp.quit()
        finally:
            watch.cancel()
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        # Its own name is given, or smtplib would ask the resolver, which has no time limit.
        if self.is_tls:
            return smtplib.SMTP_SSL(
                self.host,
                self.port,
                self.own_name,
                timeout=self.call_seconds,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(self.host, self.port, self.own_name, timeout=self.call_seconds)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        is_safe = isinstance(smtp.sock, ssl.SSLSocket) or self.host in LOOPBACK
        if not is_safe:
            raise MailDelayed("not_secure")
        try:
            smtp.login(self.user, self.password)
        except smtplib.SMTPException:
            # The answer may repeat what was sent.
            log.error("mail.login_refused", extra={"host": self.host})
            raise MailDelayed("login_refused") from None


def _cut(smtp: smtplib.SMTP) -> None:
    """End a conversation from another thread: its next read or write fails."""
    with contextlib.suppress(OSError):
        if smtp.sock is not None:
            smtp.sock.shutdown(socket.SHUT_RDWR)


def _hand_over(
    smtp: smtplib.SMTP, sender: str, recipients: Sequence[str], message: bytes, seconds: float
) -> Outcome:
    sizes = [f"size={len(message)}"] if smtp.has_extn("size") else []
    _expect(smtp.mail(sender, sizes))
    outcome = Outcome()
    for recipient in recipients:
        code, said = smtp.rcpt(recipient)
        if code in {250, 251, 252}:
            continue
        told = outcome.refused if 500 <= code < 600 else outcome.delayed
        told[recipient] = f"{code} {_text(said)}".strip()
        if code == 421:
            raise MailDelayed("busy", _text(said))
    if len(outcome.refused) + len(outcome.delayed) == len(recipients):
        return outcome
    # One limit holds for all of the data, however long it takes to be sent.
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)
    _expect(smtp.data(message))
    return outcome


def _expect(answer: tuple[int, bytes]) -> None:
    code, said = answer
    if not 200 <= code < 300:
        raise _problem(code, said)


def _problem(code: int, said: bytes | str) -> MailProblem:
    text = f"{code} {_text(said)}".strip()
    return MailRefused("refused", text) if 500 <= code < 600 else MailDelayed("busy", text)


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:SAID_MAX]


def make_transport(url: str, *, own_name: str) -> Transport:
    """Return what `outbox:`, `smtp://user:password@host:port?from=…` or `smtps://…` names."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"}:
        return Outbox()
    is_tls = parts.scheme == "smtps"
    default_port = 465 if is_tls else 587 if parts.username else 25
    return SmtpServer(
        host=parts.hostname or "",
        port=parts.port or default_port,
        is_tls=is_tls,
        sender=parse_qs(parts.query).get("from", [""])[0],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        own_name=own_name,
    )


def install(app: Flask, transport: Transport) -> None:
    app.extensions[_KEY] = transport


def transport() -> Transport:
    """Return the way out of the application in whose context we are."""
    found: Transport = current_app.extensions[_KEY]
    return found

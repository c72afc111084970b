"""A mail server of the tests' own, over real sockets, and people who write e-mail."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy import select, update

from tests.support.copying import run_worker
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.mail import transports
from webapp.mail.models import OutgoingMail
from webapp.mail.transports import SmtpServer
from webapp.records.models import Record

MailSession, MailEnvelope = Session, Envelope


@dataclass
class Delivery:
    """What the server took: the envelope and the message."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")

    @property
    def files(self) -> dict[str, bytes]:
        return {
            str(part.get_filename()): part.get_payload(decode=True) or b""  # type: ignore[misc]
            for part in self.message.iter_attachments()
        }


@dataclass
class Server:
    """aiosmtpd's handler: takes everything until it is told to be difficult.

    `answers` are what it says to recipients and, under "data", to the next messages in turn.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answers: list[str] = field(default_factory=list)
    drops: int = 0
    delay_s: float = 0
    port: int = 0

    async def handle_RCPT(
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:
        await asyncio.sleep(self.delay_s)
        if self.drops:
            self.drops -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "451 dropped"
        if self.data_answers:
            return self.data_answers.pop(0)
        self.deliveries.append(
            Delivery(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content)
        )
        return "250 taken"

    def only(self) -> Delivery:
        """Return the one message there is."""
        (found,) = self.deliveries
        return found


@contextmanager
def smtp_server(**options: Any) -> Iterator[Server]:
    """Give a server that listens on a port of its own."""
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=0, ready_timeout=10, **options)
    # aiosmtpd asks the port it was told to, which is none: it is told the one it got.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()


@contextmanager
def raw_server(*pieces: bytes, pause_s: float = 0.0) -> Iterator[int]:
    """Give the port of a server that says just this to whoever connects, then nothing more."""
    ended = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _address = listening.accept()
            with connection:
                for piece in pieces:
                    if ended.wait(pause_s):
                        return
                    connection.sendall(piece)
                ended.wait(30)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        ended.set()
        listening.close()


@contextmanager
def sending_through(app: Flask, port: int, **options: Any) -> Iterator[None]:
    """Have an application send through a server on this machine."""
    before = app.extensions[transports._KEY]
    options = {"sender": "", "call_seconds": 5.0, **options}
    transports.install(app, SmtpServer("127.0.0.1", port, is_tls=False, **options))
    try:
        yield
    finally:
        transports.install(app, before)


def emails_of(world: World) -> str:
    return f"/projects/{world.tower}/emails"


def begin(visitor: Visitor, world: World) -> str:
    """Begin a message and return its address."""
    page = visitor.post(emails_of(world))
    return str(page.response.request.path).removesuffix("/edit")


def write(visitor: Visitor, here: str, *, move: str = "send", **values: Any) -> Page:
    """Fill a draft in and press its button; `move=""` saves it only."""
    given: dict[str, Any] = {"title": "Crane on Thursday", "message": "Clear the gate.", **values}
    if move:
        given["move"] = move
    return visitor.submit(visitor.get(f"{here}/edit"), "/edit", **given)


def compose(visitor: Visitor, world: World, **values: Any) -> str:
    """Write and send a message; returns its address."""
    here = begin(visitor, world)
    write(visitor, here, **values)
    return here


def ids(world: World, *names: str) -> list[str]:
    return [str(world.people[name]) for name in names]


def record_at(app: Flask, here: str) -> Record:
    with app.app_context():
        record = db.session.get_one(Record, int(here.rpartition("/")[2]))
        db.session.expunge_all()
        db.session.remove()
    return record


def mails(app: Flask) -> list[OutgoingMail]:
    with app.app_context():
        found = list(db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))
        db.session.expunge_all()
        db.session.remove()
    return found


def later(app: Flask) -> None:
    """Let every pause be over and work again."""
    with app.app_context():
        db.session.execute(update(OutgoingMail).values(run_after=None))
        db.session.commit()
        db.session.remove()
    run_worker(app)

"""Mail servers as they are: they refuse, they break off, they are slow, they want TLS."""

import datetime
import ipaddress
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.mailing import raw_server, smtp_server
from webapp.mail.transports import (
    MailDelayed,
    MailRefused,
    Outbox,
    SmtpServer,
    make_transport,
)

pytestmark = pytest.mark.wide

MESSAGE = b"Subject: x\r\n\r\nHello\r\n.\r\nend\r\n"
TO = ["a@example.test", "b@example.test"]


def at(port: int, **options: object) -> SmtpServer:
    given: dict[str, object] = {"call_seconds": 2.0, "is_tls": False, **options}
    return SmtpServer("127.0.0.1", port, **given)  # type: ignore[arg-type]


def test_a_message_arrives_byte_by_byte_in_its_envelope() -> None:
    with smtp_server() as server:
        outcome = at(server.port).deliver("me@example.test", TO, MESSAGE)
    assert (outcome.refused, outcome.delayed) == ({}, {})
    assert server.only().raw == MESSAGE
    assert (server.only().sender, server.only().recipients) == ("me@example.test", TO)


def test_recipients_are_refused_one_by_one() -> None:
    with smtp_server() as server:
        server.answers = {TO[0]: "550 no such\tuser", "c@example.test": "450 try later"}
        outcome = at(server.port).deliver("me@example.test", [*TO, "c@example.test"], MESSAGE)
    assert outcome.refused == {TO[0]: "550 no such user"}
    assert outcome.delayed == {"c@example.test": "450 try later"}
    assert server.only().recipients == [TO[1]]


def test_with_no_recipient_left_nothing_is_sent() -> None:
    with smtp_server() as server:
        server.answers = dict.fromkeys(TO, "550 no")
        outcome = at(server.port).deliver("me@example.test", TO, MESSAGE)
    assert set(outcome.refused) == set(TO)
    assert server.deliveries == []


@pytest.mark.parametrize(
    ("answer", "kind"), [("554 spam", MailRefused), ("451 greylisted", MailDelayed)]
)
def test_a_refusal_of_the_message_is_for_good_or_for_now(
    answer: str, kind: type[Exception]
) -> None:
    with smtp_server() as server:
        server.data_answers = [answer]
        with pytest.raises(kind) as refused:
            at(server.port).deliver("me@example.test", TO, MESSAGE)
    assert answer in str(refused.value)


def test_a_message_the_server_finds_too_large_is_refused_before_it_is_sent() -> None:
    with smtp_server(data_size_limit=1000) as server, pytest.raises(MailRefused, match="552"):
        at(server.port).deliver("me@example.test", TO, b"x" * 2000)


def test_a_broken_connection_is_tried_again() -> None:
    with smtp_server() as server:
        server.drops = 1
        with pytest.raises(MailDelayed) as delayed:
            at(server.port).deliver("me@example.test", TO, MESSAGE)
        assert delayed.value.code == "unreachable"
        at(server.port).deliver("me@example.test", TO, MESSAGE)
    assert len(server.deliveries) == 1


def test_nobody_listening_is_tried_again() -> None:
    with raw_server() as port:
        pass
    with pytest.raises(MailDelayed):
        at(port).deliver("me@example.test", TO, MESSAGE)


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    began = time.monotonic()
    with raw_server() as port, pytest.raises(MailDelayed):
        at(port, call_seconds=0.5).deliver("me@example.test", TO, MESSAGE)
    assert time.monotonic() - began < 5


def test_a_server_that_trickles_is_cut_off_in_time() -> None:
    began = time.monotonic()
    pieces = [b"220 hello\r\n", *([b"2"] * 100)]
    with raw_server(*pieces, pause_s=0.1) as port, pytest.raises(MailDelayed):
        at(port, call_seconds=2.0, deliver_seconds=1.0).deliver("me@example.test", TO, MESSAGE)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "said", [b"\xff\xfe\x00\r\n", b"220\r\n" * 2, b"x" * 100_000, b"999 what\r\n", b"\r\n"]
)
def test_a_server_that_talks_nonsense_is_a_delay(said: bytes) -> None:
    with raw_server(said) as port, pytest.raises(MailDelayed):
        at(port, call_seconds=0.5).deliver("me@example.test", TO, MESSAGE)


def test_a_password_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.mail.transports.LOOPBACK", frozenset())
    with smtp_server() as server, pytest.raises(MailDelayed, match="not_secure"):
        at(server.port, user="u", password="p").deliver("me@example.test", TO, MESSAGE)


def test_a_wrong_password_is_told_without_repeating_it() -> None:
    with smtp_server() as server, pytest.raises(MailDelayed) as refused:
        at(server.port, user="u", password="hunter2").deliver("me@example.test", TO, MESSAGE)
    assert refused.value.code == "login_refused"
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(at(1, user="u", password="hunter2"))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    today = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - day)
        .not_valid_after(today + day)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_tls_is_used_where_it_is_offered(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with smtp_server(tls_context=context, require_starttls=True) as server:
        with pytest.raises(MailDelayed):
            # Signed by nobody we know.
            at(server.port).deliver("me@example.test", TO, MESSAGE)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        at(server.port).deliver("me@example.test", TO, MESSAGE)
    assert len(server.deliveries) == 1


def test_addresses_of_servers_are_read_whole() -> None:
    found = make_transport("smtps://me%40x:p%2Fw@mail.example?from=a@b.example", own_name="here")
    assert isinstance(found, SmtpServer)
    assert (found.host, found.port, found.is_tls) == ("mail.example", 465, True)
    assert (found.user, found.password, found.sender) == ("me@x", "p/w", "a@b.example")
    plain = make_transport("smtp://mail.example:2525", own_name="here")
    assert isinstance(plain, SmtpServer)
    assert (plain.port, plain.is_tls, plain.own_name) == (2525, False, "here")
    assert isinstance(make_transport("outbox:", own_name="here"), Outbox)

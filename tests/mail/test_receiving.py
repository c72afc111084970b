"""What mail servers pipe in: filed once, in its thread, with its files, whatever it looks like."""

import base64
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.copying import attachments, run_worker
from tests.support.mailing import Server, compose, emails_of, ids, record_at
from tests.support.pages import Visitor
from tests.support.uploading import stored_keys
from tests.support.world import World
from webapp.accounts.models import Person
from webapp.commands import mail as mail_command
from webapp.companies.models import Project
from webapp.core.blobs import blobs
from webapp.core.database import db
from webapp.core.settings import settings
from webapp.records.models import Record
from webapp.tools.extensions.emails import receiving
from webapp.tools.extensions.emails.messages import project_address

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
ED = "Ed Inspector <ed@inspector.example>"


@pytest.fixture
def address(app: Flask, world: World) -> str:
    return address_of(app, world.tower)


def address_of(app: Flask, project_id: int) -> str:
    with app.app_context():
        found = project_address(db.session.get_one(Project, project_id))
        db.session.remove()
    return found


def receive(app: Flask, raw: bytes, *, expect: int = 0, to: str = "") -> str:
    options = ["--to", to] if to else []
    done = app.test_cli_runner().invoke(args=["mail", "receive", *options], input=BytesIO(raw))
    assert done.exit_code == expect, (done.output, done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def message(to: str, **headers: str) -> EmailMessage:
    found = EmailMessage()
    given = {"From": ED, "Subject": "Inspection", "Message-ID": "<1@inspector.example>"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    found["To"] = to
    for name, value in given.items():
        if value:
            found[name] = value
    found.set_content("Passed.\nEd")
    return found


def received(app: Flask) -> list[Record]:
    with app.app_context():
        query = select(Record).where(Record.status == "received").order_by(Record.id)
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        db.session.remove()
    return found


def only(app: Flask) -> Record:
    (found,) = received(app)
    return found


def page_of(visitor: Visitor, world: World, record: Record) -> str:
    return visitor.get(f"{emails_of(world)}/{record.id}").text


# ---- who, where, once


def test_somebody_outside_writes_to_the_project(
    app: Flask, alice: Visitor, world: World, address: str
) -> None:
    shown = alice.get(emails_of(world)).text
    assert address in shown
    found = message(f"Tower <{address}>, bob@example.test", Cc="carol@inspector.example")
    found.add_attachment(
        b"%PDF card", maintype="application", subtype="pdf", filename="Card «1».pdf"
    )
    receive(app, found.as_bytes())
    record = only(app)
    page = alice.get(f"{emails_of(world)}/{record.id}")
    assert page.h1 == "Inspection"
    for text in (
        "Ed Inspector <ed@inspector.example>",
        "Passed. Ed",
        "From outside the project.",
        "who wrote it is what the message says",
        "Bob Test",
        "carol@inspector.example",
        "Received by e-mail",
    ):
        assert text in page.text, text
    (file,) = attachments(app)
    assert (file.name, file.source) == ("Card «1».pdf", "email")
    with app.app_context():
        assert b"".join(blobs().read(file.blob_key)) == b"%PDF card"
    assert "Ed Inspector" in alice.get(emails_of(world)).text
    assert "From an e-mail" in page.text


def test_people_of_the_project_are_known_and_told(
    app: Flask, world: World, address: str, signed_in: SignIn
) -> None:
    receive(
        app, message(f"{address}, BOB@example.test", From="Rita <Rita@Example.test>").as_bytes()
    )
    record = only(app)
    assert record.created_by_id == world.people["rita"]
    bob = signed_in("bob")
    said = "Rita Test <rita@example.test> (not verified)"
    assert f"{said} sent you an e-mail: Inspection" in bob.get("/notices").text
    page = page_of(bob, world, record)
    assert "From outside" not in page
    assert f"Created by {said}" in page


def test_what_only_claims_to_be_from_a_colleague_is_nowhere_said_to_be_theirs(
    app: Flask, world: World, address: str, alice: Visitor
) -> None:
    spoofed = message(f"{address}, bob@example.test", From="Rita Test <rita@example.test>")
    spoofed.add_attachment(b"%PDF pay", maintype="application", subtype="pdf", filename="Pay.pdf")
    receive(app, spoofed.as_bytes())
    here = f"{emails_of(world)}/{only(app).id}"
    for path in (here, emails_of(world)):
        text = alice.get(path).text
        for claimed in text.split("Rita Test")[1:]:
            assert claimed.startswith(" <rita@example.test>"), (path, claimed[:60])
    assert "Pay.pdf 8 bytes" in (files := alice.get(f"/projects/{world.tower}/files").text)
    assert "Outside sender" in files
    text = alice.get(here).text
    assert "Created by Rita Test <rita@example.test> (not verified)" in text
    assert "who wrote it is what the message says, not something Plumbline has checked" in text


def test_people_of_other_companies_are_outsiders_here(
    app: Flask, world: World, address: str, charlie: Visitor
) -> None:
    receive(
        app, message(f"{address}, charlie@example.test", From="charlie@example.test").as_bytes()
    )
    record = only(app)
    assert record.created_by_id != world.people["charlie"]
    charlie.get(f"{emails_of(world)}/{record.id}", expect=404)
    assert "sent you an e-mail" not in charlie.get("/notices").text


def test_the_same_message_is_filed_once(app: Flask, world: World, address: str) -> None:
    raw = message(address).as_bytes()
    assert "record" in receive(app, raw)
    assert "known already" in receive(app, raw)
    assert "known already" in receive(app, raw + b"\nchanged on the way\n")
    assert len(received(app)) == 1


def test_without_an_id_the_same_bytes_are_filed_once(
    app: Flask, world: World, address: str
) -> None:
    raw = message(address, Message_ID="").as_bytes()
    receive(app, raw)
    receive(app, raw)
    receive(app, raw.replace(b"Passed", b"Failed"))
    assert len(received(app)) == 2


def test_each_project_has_its_own_copy(app: Flask, world: World, address: str) -> None:
    other = address_of(app, world.bridge)
    assert other != address
    found = message(f"{address}, {other}")
    found.add_attachment(b"x", maintype="text", subtype="plain", filename="x.txt")
    receive(app, found.as_bytes())
    assert {record.project_id for record in received(app)} == {world.tower, world.bridge}
    assert len(attachments(app)) == 2


def test_the_envelope_counts_where_headers_are_silent(
    app: Flask, world: World, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(app, message("list@inspector.example").as_bytes(), expect=67)
    receive(app, message("list@inspector.example").as_bytes(), to=address.upper())
    delivered = message("list@inspector.example", Message_ID="<2@x>", Delivered_To=address)
    receive(app, delivered.as_bytes())
    monkeypatch.setenv("ORIGINAL_RECIPIENT", address)
    receive(app, message("list@inspector.example", Message_ID="<3@x>").as_bytes())
    assert len(received(app)) == 3


def test_nobodys_address_is_refused_for_good(app: Flask, world: World, address: str) -> None:
    token = address.partition("@")[0].rpartition("-")[2]
    wrong = address.replace(token, token[::-1])
    for raw in (message(wrong).as_bytes(), b"no headers at all", b"\0" * 500):
        receive(app, raw, expect=67)
    receive(app, b"", expect=65)
    assert received(app) == []


def test_a_message_over_the_limit_is_refused_whole(
    app: Flask, world: World, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_command, "MESSAGE_MAX_BYTES", 5000)
    found = message(address)
    found.add_attachment(b"x" * 9000, maintype="text", subtype="plain", filename="x.txt")
    assert "over" in receive(app, found.as_bytes(), expect=65)
    assert received(app) == []


def test_the_outside_sender_signs_in_nowhere(app: Flask, world: World, address: str) -> None:
    receive(app, message(address).as_bytes())
    receive(app, message(address, Message_ID="<2@x>").as_bytes())
    with app.app_context():
        query = select(Person).where(Person.email == "outside-sender@plumbline.invalid")
        (found,) = db.session.scalars(query)
        assert not found.is_active
        db.session.remove()
    page = Visitor(app).get("/sign-in")
    Visitor(app).submit(
        page, "/sign-in", email="outside-sender@plumbline.invalid", password="-", expect=None
    )
    assert Visitor(app).get("/notices").h1 == "Plumbline"


# ---- threads


def test_an_answer_joins_the_thread_and_reaches_who_wrote(
    app: Flask, alice: Visitor, world: World, server: Server, address: str
) -> None:
    here = compose(alice, world, outside="ed@inspector.example")
    run_worker(app)
    sent = server.only().message
    answer = message(
        str(sent["Reply-To"].addresses[0].addr_spec),
        Subject="Re: Crane on Thursday",
        In_Reply_To=sent["Message-ID"],
        References=sent["Message-ID"],
    )
    receive(app, answer.as_bytes())
    record = only(app)
    assert record.parent_id == record_at(app, here).id
    page = alice.get(here)
    assert "Conversation 2 messages" in page.text
    assert page.text.index("Clear the gate.") < page.text.index("Passed. Ed")
    assert "Ed Inspector <ed@inspector.example> sent you an e-mail" in alice.get("/notices").text


def test_an_answer_goes_out_with_the_ids_of_its_thread(
    app: Flask, alice: Visitor, world: World, server: Server, address: str
) -> None:
    receive(app, message(address, References="<0@inspector.example>").as_bytes())
    here = f"{emails_of(world)}/{only(app).id}"
    page = alice.post(f"{here}/act", {"action": "reply"})
    alice.submit(page, "/edit", move="send")
    run_worker(app)
    sent = server.only()
    assert sent.recipients == ["ed@inspector.example"]
    assert sent.message["In-Reply-To"] == "<1@inspector.example>"
    assert sent.message["References"] == "<0@inspector.example> <1@inspector.example>"
    assert sent.message["Subject"] == "RE: Inspection"
    assert "> Passed." in sent.text


def test_an_answer_that_came_before_what_it_answers_finds_its_thread(
    app: Flask, world: World, address: str
) -> None:
    third = message(address, Message_ID="<3@x>", In_Reply_To="<2@x>", References="<1@x> <2@x>")
    second = message(address, Message_ID="<2@x>", In_Reply_To="<1@x>", References="<1@x>")
    first = message(address, Message_ID="<1@x>")
    for one in (third, second, first):
        receive(app, one.as_bytes())
    by_id = {record.id: record for record in received(app)}
    root = max(by_id)
    assert {record.parent_id for number, record in by_id.items() if number != root} == {root}
    assert by_id[root].parent_id is None


def test_ids_of_other_projects_lead_nowhere(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    compose(alice, world, to=ids(world, "bob"))
    run_worker(app)
    known = server.only().message["Message-ID"]
    bridge = address_of(app, world.bridge)
    receive(app, message(bridge, In_Reply_To=known, References=known).as_bytes())
    assert only(app).parent_id is None
    assert only(app).project_id == world.bridge


def test_an_answer_to_a_private_message_is_private(
    app: Flask, alice: Visitor, world: World, server: Server, signed_in: SignIn, bob: Visitor
) -> None:
    compose(bob, world, outside="ed@inspector.example", is_private="y")
    run_worker(app)
    sent = server.only().message
    answer = message(
        f"{sent['Reply-To'].addresses[0].addr_spec}, dora@example.test",
        In_Reply_To=sent["Message-ID"],
    )
    answer.add_attachment(b"secret", maintype="text", subtype="plain", filename="s.txt")
    receive(app, answer.as_bytes())
    record = only(app)
    assert record.is_private
    here = f"{emails_of(world)}/{record.id}"
    (file,) = attachments(app)
    for name in ("bob", "dora", "alice"):
        signed_in(name).get(here)
        signed_in(name).get(f"/attachments/{file.public_id}").response.close()
    for name in ("rita", "nell", "charlie"):
        signed_in(name).get(here, expect=404)
        signed_in(name).get(f"/attachments/{file.public_id}", expect=404)
    # Dora is on the answer alone: of the thread she sees no more than that.
    assert "Clear the gate." not in signed_in("dora").get(here).text
    assert "Clear the gate." in bob.get(here).text


# ---- files


def test_programs_are_refused_and_named(
    app: Flask, alice: Visitor, world: World, address: str
) -> None:
    found = message(address)
    names = ["setup.exe", "invoice.pdf.js", "quiet.scr ", "\u202efdp.exe", "plan.pdf"]
    for name in names:
        found.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename=name)
    receive(app, found.as_bytes())
    assert [file.name for file in attachments(app)] == ["plan.pdf"]
    text = page_of(alice, world, only(app))
    assert "Not kept:" in text
    assert "setup.exe: .exe files are not accepted" in text
    assert "invoice.pdf.js: .js files are not accepted" in text
    assert "quiet.scr: .scr files are not accepted" in text
    assert len(stored_keys(alice)) == 1


def test_names_of_files_are_made_safe(app: Flask, world: World, address: str) -> None:
    found = message(address)
    names = ["../../etc/passwd", "C:\\x\\y.txt", "CON", "a\0b.txt", "x" * 500 + ".pdf", "..", " "]
    for name in names:
        part = EmailMessage()
        part.set_content(b"x", maintype="application", subtype="octet-stream")
        encoded = base64.b64encode(name.encode()).decode()
        part["Content-Disposition"] = "attachment"
        part.replace_header("Content-Disposition", f'attachment; filename="=?utf-8?b?{encoded}?="')
        if found.get_content_maintype() != "multipart":
            found.make_mixed()
        found.attach(part)
    receive(app, found.as_bytes())
    stored = [file.name for file in attachments(app)]
    assert len(stored) == len(names)
    for name in stored:
        assert name
        assert len(name) <= 255
        assert not set(name) & set("/\\\0")
        assert name not in {"..", "CON"}


def test_a_file_over_the_limit_is_named(
    app: Flask, alice: Visitor, world: World, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        small = replace(settings(), file_max_bytes=10)
    monkeypatch.setattr(receiving, "settings", lambda: small)
    found = message(address)
    found.add_attachment(b"x" * 11, maintype="text", subtype="csv", filename="big.csv")
    receive(app, found.as_bytes())
    assert "big.csv: over the limit of 10 bytes" in page_of(alice, world, only(app))
    assert attachments(app) == []


def test_a_text_without_end_is_cut_and_kept_whole_as_a_file(
    app: Flask, alice: Visitor, world: World, address: str
) -> None:
    found = message(address)
    found.set_content("word " * 40_000)
    receive(app, found.as_bytes())
    assert len(str(only(app).details["message"])) == 50_000
    (file,) = attachments(app)
    assert file.name == "message.txt"
    assert file.size_bytes >= 199_000
    page_of(alice, world, only(app))


def test_html_is_read_as_words(app: Flask, alice: Visitor, world: World, address: str) -> None:
    found = message(address)
    markup = (
        "<html><head><title>no</title><style>p{}</style></head><body><p>Dear&nbsp;all,</p>"
        "<script>alert(1)</script><ul><li>one<li>two</ul><img src=x onerror=alert(2)>"
        "&lt;b&gt; kept</body></html>"
    )
    found.set_content(markup, subtype="html")
    receive(app, found.as_bytes())
    text = str(only(app).details["message"])
    assert text == "Dear all,\n\n• one\n• two\n<b> kept"
    page_of(alice, world, only(app))


# ---- what nobody should send


def hostile(address: str) -> dict[str, bytes]:
    """Return messages that were made, or broken, to hurt whoever reads them."""
    head = f"From: {ED}\r\nTo: {address}\r\n".encode()
    deep = b"".join(
        f'Content-Type: multipart/mixed; boundary="b{i}"\r\n\r\n--b{i}\r\n'.encode()
        for i in range(3000)
    )
    return {
        "nothing but headers": head,
        "no headers for itself": head + b"Subject\r\n\r\nx",
        "broken base64": head
        + b"Content-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: base64\r\n"
        b"\r\n!!!!\xff\xfeAAA=A==\r\n",
        "an unknown charset": head + b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla\xff",
        "a charset with a NUL": head + b'Content-Type: text/plain; charset="u\0tf"\r\n\r\nx\0y\xff',
        "the wrong charset": head + b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xfc\xdfe",
        "raw bytes in headers": head + b"Subject: Gr\xfc\xdfe \xff\xfe\0\r\n\r\nx",
        "encoded words gone wrong": head
        + b"Subject: =?utf-8?b?////?= =?nope?q?x?= =?utf-8?b?a?=\r\n\r\nx",
        "a name in an odd charset": head
        + b"Content-Type: application/pdf\r\nContent-Disposition: attachment; "
        b"filename*=klingon'x'%FF%00; filename*0*=a'b; filename*2=c\r\n\r\nx",
        "nested without end": head + deep + b"x",
        "a boundary that never comes": head
        + b'Content-Type: multipart/mixed; boundary="never"\r\n\r\nx',
        "no boundary": head + b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\ny",
        "very many parts": head
        + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n" * 3000,
        "a message in a message": head
        + b"Content-Type: message/rfc822\r\n\r\nSubject: inner \xff\r\n\r\nhello \xff",
        "a bounce": head
        + b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n\r\nfailed\r\n--b\r\n'
        b"Content-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n\r\nX: y\r\n--b--",
        "winmail": head + b"Content-Type: application/ms-tnef; name=winmail.dat\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\neJ8+IgAA\r\n",
        "a long header": head + b"Subject: " + b"x" * 500_000 + b"\r\n\r\nx",
        "many recipients": head + b"Cc: " + b"a@b.example, " * 20_000 + b"\r\n\r\nx",
        "addresses of nonsense": head + b'Cc: ((((<<<>>>"\\ @@,;:[]\r\nBcc: x\r\n\r\nx',
        "ids of nonsense": head
        + b"Message-ID: <a b\0c>\r\nReferences: "
        + b"<" * 10_000
        + b"\r\nIn-Reply-To: <"
        + b"x" * 400
        + b"@y>\r\n\r\nx",
        "html of nonsense": head
        + b"Content-Type: text/html\r\n\r\n<![if <!-- <p <<<a href='\">&#x110000;&#0; "
        + b"<div>" * 50_000,
        "html declarations": head
        + b"Content-Type: text/html\r\n\r\n<![foo[ x ]]><!DOCTYPE [<!ENTITY a 'b'>]>x",
        "lone surrogates": head + b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA- +3/8-",
        "uuencode": head
        + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n!!!\r\nend\r\n",
        "no sender": f"To: {address}\r\n\r\nx".encode(),
        "two senders": f"From: a@b.example, c@d.example\r\nTo: {address}\r\n\r\nx".encode(),
        "folded for ever": head + b"Subject: x" + b"\r\n y" * 50_000 + b"\r\n\r\nz",
    }


@pytest.mark.parametrize("kind", sorted(hostile("")))
def test_whatever_comes_is_filed_and_shown(
    app: Flask, alice: Visitor, world: World, address: str, kind: str
) -> None:
    receive(app, hostile(address)[kind], to=address)
    record = only(app)
    page = alice.get(f"{emails_of(world)}/{record.id}")
    assert "Received by e-mail" in page.text
    alice.get(emails_of(world))
    for file in attachments(app):
        with app.app_context():
            content = b"".join(blobs().read(file.blob_key))
        assert len(content) == file.size_bytes
    receive(app, hostile(address)[kind], to=address)
    with app.app_context():
        count = db.session.scalar(select(func.count(Record.id)).where(Record.status == "received"))
        db.session.remove()
    assert count == 1


def test_a_message_that_cannot_be_walked_is_kept_as_a_file(
    app: Flask, world: World, address: str
) -> None:
    raw = hostile(address)["nested without end"]
    receive(app, raw, to=address)
    (file,) = attachments(app)
    assert file.name == "message.eml"
    with app.app_context():
        assert b"".join(blobs().read(file.blob_key)) == raw

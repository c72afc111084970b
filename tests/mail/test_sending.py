"""Messages on their way out: through a real mail server, once, to everybody it takes them for."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from tests.support.copying import run_worker
from tests.support.mailing import (
    Server,
    begin,
    compose,
    emails_of,
    ids,
    later,
    mails,
    record_at,
    sending_through,
    write,
)
from tests.support.pages import Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.accounts.models import Person
from webapp.companies.models import Level, ProjectMember, ToolLevel
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.mail.models import MailState, OutgoingMail
from webapp.mail.transports import MailDelayed
from webapp.records.models import Record
from webapp.tools.extensions.emails import messages, outgoing

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


def test_a_message_goes_to_people_and_addresses_under_its_own_id(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    here = begin(alice, world)
    attach_upload(alice, f"{here}/attach/", ("Pick plan «süd» 図.pdf", b"%PDF plan"))
    page = write(
        alice,
        here,
        title="Kran am Donnerstag – Achse 7/B",
        message="Grüße\n\n.\nAlice",
        to=ids(world, "bob"),
        cc=ids(world, "rita"),
        outside="ed@inspector.example",
    )
    assert "On its way." in page.text
    run_worker(app)
    sent = server.only()
    assert sent.recipients == ["bob@example.test", "rita@example.test", "ed@inspector.example"]
    message = sent.message
    assert message["Subject"] == "Kran am Donnerstag – Achse 7/B"
    assert [a.addr_spec for a in message["To"].addresses] == [
        "bob@example.test",
        "ed@inspector.example",
    ]
    assert [a.addr_spec for a in message["Cc"].addresses] == ["rita@example.test"]
    (sender,) = message["From"].addresses
    (answers_to,) = message["Reply-To"].addresses
    assert sender.display_name == "Alice Test via Plumbline"
    assert sender.addr_spec == answers_to.addr_spec == sent.sender
    assert answers_to.domain == "localhost"
    assert sent.text == "Grüße\n\n.\nAlice\n"
    assert sent.files == {"Pick plan «süd» 図.pdf": b"%PDF plan"}
    assert record_at(app, here).status == "sent"
    page = alice.get(here)
    assert "Sent" in page.text
    assert "The message went out." in page.text


def test_working_again_sends_nothing_again(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    compose(alice, world, to=ids(world, "bob"))
    run_worker(app)
    later(app)
    assert len(server.deliveries) == 1


def test_hidden_copies_are_in_the_envelope_and_nowhere_else(
    app: Flask, alice: Visitor, world: World, server: Server, signed_in: SignIn
) -> None:
    here = compose(alice, world, to=ids(world, "bob"), bcc=ids(world, "rita"))
    run_worker(app)
    sent = server.only()
    assert sent.recipients == ["bob@example.test", "rita@example.test"]
    assert b"rita" not in sent.raw.lower()
    assert b"bcc" not in sent.raw.lower()
    assert "Rita Test" in alice.get(here).text
    for name in ("bob", "dora"):
        page = signed_in(name).get(here)
        assert "Bcc" not in page.text
        assert "Rita" not in page.text
    assert "Bcc" not in signed_in("rita").get(here).text


def test_hidden_copies_alone_are_no_secret_between_headers(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    compose(alice, world, bcc=ids(world, "bob"))
    run_worker(app)
    assert server.only().message["To"] == "undisclosed-recipients:;"


def test_a_change_of_hidden_copies_leaves_no_name_in_the_history(
    app: Flask, alice: Visitor, world: World, server: Server, bob: Visitor
) -> None:
    here = begin(alice, world)
    write(alice, here, move="", to=ids(world, "bob"))
    write(alice, here, bcc=ids(world, "rita"))
    run_worker(app)
    text = bob.get(here).text
    assert "changed this" in text
    assert "Rita" not in text


def test_one_who_is_refused_does_not_keep_it_from_the_others(
    app: Flask, alice: Visitor, world: World, server: Server, bob: Visitor
) -> None:
    server.answers = {"gone@inspector.example": "550 no such user"}
    here = compose(alice, world, to=ids(world, "bob"), outside="gone@inspector.example")
    run_worker(app)
    later(app)
    assert server.only().recipients == ["bob@example.test"]
    assert record_at(app, here).status == "sent"
    page = alice.get(here)
    assert "It did not reach everybody." in page.text
    assert "gone@inspector.example: 550 no such user" in page.text
    assert "did not reach everybody" not in bob.get(here).text
    assert "Your e-mail did not reach everybody" in alice.get("/notices").text


def test_who_is_told_to_wait_gets_it_later_and_the_others_not_twice(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    server.answers = {"ed@inspector.example": "450 greylisted"}
    here = compose(alice, world, to=ids(world, "bob"), outside="ed@inspector.example")
    run_worker(app)
    assert record_at(app, here).status == "sending"
    assert "450 greylisted" in alice.get(here).text
    run_worker(app)
    assert len(server.deliveries) == 1
    server.answers = {}
    later(app)
    assert [d.recipients for d in server.deliveries] == [
        ["bob@example.test"],
        ["ed@inspector.example"],
    ]
    first, second = (d.message["Message-ID"] for d in server.deliveries)
    assert first == second
    assert record_at(app, here).status == "sent"


def test_nobody_takes_it_so_it_says_why_and_can_be_sent_again(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    server.data_answers = ["554 we do not like this"]
    here = compose(alice, world, to=ids(world, "bob"))
    run_worker(app)
    assert record_at(app, here).status == "failed"
    page = alice.get(here)
    assert "This did not go out." in page.text
    assert "554 we do not like this" in page.text
    assert "Your e-mail did not go out" in alice.get("/notices").text
    alice.post(f"{here}/move", {"move": "send_again"})
    run_worker(app)
    assert record_at(app, here).status == "sent"
    assert server.only().recipients == ["bob@example.test"]


def test_a_failed_message_is_still_nobody_elses(
    app: Flask, alice: Visitor, world: World, server: Server, bob: Visitor
) -> None:
    server.data_answers = ["554 no"]
    here = compose(alice, world, to=ids(world, "bob"))
    run_worker(app)
    bob.get(here, expect=404)
    page = alice.post(f"{here}/move", {"move": "take_back"})
    assert "Draft" in page.text
    write(alice, here, message="Milder words.")
    run_worker(app)
    assert "Milder words." in server.only().text
    assert "Milder words." in bob.get(here).text


def test_a_broken_connection_is_tried_again_later_each_time_later(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    server.drops = 2
    here = compose(alice, world, to=ids(world, "bob"))
    run_worker(app)
    first = mails(app)[0]
    assert (first.state, first.tries) == (MailState.QUEUED, 1)
    assert first.run_after is not None
    assert timedelta(seconds=20) < first.run_after - utcnow() < timedelta(seconds=31)
    assert "We try again, not before" in alice.get(here).text
    run_worker(app)
    assert mails(app)[0].tries == 1
    later(app)
    second = mails(app)[0]
    assert second.run_after is not None
    assert second.run_after - utcnow() > timedelta(seconds=50)
    later(app)
    assert record_at(app, here).status == "sent"
    assert len(server.deliveries) == 1


def test_trying_ends(app: Flask, alice: Visitor, world: World, server: Server) -> None:
    server.data_answers = ["451 later"] * 50
    here = compose(alice, world, to=ids(world, "bob"))
    for _try in range(outgoing.TRIES + 3):
        later(app)
    assert mails(app)[0].tries == outgoing.TRIES
    assert record_at(app, here).status == "failed"
    assert len(server.data_answers) == 50 - outgoing.TRIES


def test_a_slow_server_is_waited_for_and_one_that_is_too_slow_is_not(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    server.delay_s = 0.5
    compose(alice, world, to=ids(world, "bob"))
    run_worker(app)
    assert len(server.deliveries) == 1
    server.delay_s = 3
    with sending_through(app, server.port, call_seconds=0.5, deliver_seconds=1.0):
        here = compose(alice, world, to=ids(world, "bob"))
        run_worker(app)
    assert record_at(app, here).status == "sending"
    assert mails(app)[-1].reason == "unreachable"


def test_a_worker_that_died_is_followed_by_another_when_its_lease_is_over(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    here = compose(alice, world, to=ids(world, "bob"))
    with app.app_context():
        outgoing.run_next("released", threading.Event())
        due = db.session.scalar(select(OutgoingMail.id))
        assert due is not None
        dead = outgoing._take(due, "dead")
        assert dead is not None
        db.session.remove()
    run_worker(app)
    assert server.deliveries == []
    with app.app_context():
        db.session.execute(update(OutgoingMail).values(leased_until=utcnow()))
        db.session.commit()
        db.session.remove()
    run_worker(app)
    assert len(server.deliveries) == 1
    with app.app_context():
        # The dead one comes back and finds that it holds nothing any more.
        outgoing._not_delivered(dead, MailDelayed("busy"))
        db.session.remove()
    assert mails(app)[0].state == MailState.SENT
    assert record_at(app, here).status == "sent"


def test_a_sender_who_may_no_longer_write_sends_nothing(
    app: Flask, bob: Visitor, alice: Visitor, world: World, server: Server
) -> None:
    here = compose(bob, world, to=ids(world, "alice"))
    with app.app_context():
        db.session.execute(
            update(ProjectMember)
            .where(ProjectMember.person_id == world.people["bob"])
            .values(level=int(Level.READ))
        )
        db.session.commit()
        db.session.remove()
    run_worker(app)
    assert server.deliveries == []
    assert record_at(app, here).status == "failed"
    assert "may no longer write e-mail" in alice.get(here).text


def test_files_over_the_limit_go_as_links_to_those_who_can_open_them(
    app: Flask,
    alice: Visitor,
    world: World,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    signed_in: SignIn,
) -> None:
    monkeypatch.setattr(messages, "FILES_MAX_BYTES", 1000)
    with app.app_context():
        db.session.add(
            ToolLevel(
                project_id=world.tower, person_id=world.people["nell"], tool_key="emails", level=0
            )
        )
        db.session.commit()
        db.session.remove()
    here = begin(alice, world)
    (file,) = attach_upload(alice, f"{here}/attach/", ("Model.ifc", b"x" * 2000))
    write(
        alice,
        here,
        to=ids(world, "bob", "nell"),
        outside="ed@inspector.example",
        is_private="y",
    )
    run_worker(app)
    linked, plain = server.deliveries
    assert linked.recipients == ["bob@example.test"]
    assert plain.recipients == ["nell@example.test", "ed@inspector.example"]
    address = f"/attachments/{file.public_id}"
    assert f"http://127.0.0.1:8000{address}" in linked.text
    assert "http" not in plain.text
    assert "Model.ifc" in plain.text
    assert linked.message["Message-ID"] == plain.message["Message-ID"]
    assert not linked.files
    assert not plain.files
    signed_in("bob").get(address).response.close()
    for name in ("nell", "dora", "charlie"):
        signed_in(name).get(address, expect=404)
    assert "carries links to them instead" in alice.get(here).text
    assert record_at(app, here).status == "sent"


def test_people_are_told_in_plumbline_if_they_can_open_it(
    app: Flask, alice: Visitor, world: World, server: Server, signed_in: SignIn
) -> None:
    with app.app_context():
        db.session.add(
            ToolLevel(
                project_id=world.tower, person_id=world.people["nell"], tool_key="emails", level=0
            )
        )
        db.session.commit()
        db.session.remove()
    here = compose(alice, world, to=ids(world, "bob", "nell"), bcc=ids(world, "rita"))
    run_worker(app)
    for name in ("bob", "rita"):
        page = signed_in(name).get("/notices")
        assert "Alice Test sent you an e-mail: Crane on Thursday" in page.text
        assert here in page.html
    assert "nell@example.test" in server.only().recipients
    for name in ("nell", "dora", "alice"):
        assert "sent you an e-mail" not in signed_in(name).get("/notices").text
    nell = signed_in("nell")
    nell.get(here, expect=404)
    nell.get(emails_of(world), expect=404)


def test_a_message_whose_recipients_are_gone_says_so(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    here = compose(alice, world, to=ids(world, "bob"))
    with app.app_context():
        db.session.execute(
            update(Person).where(Person.id == world.people["bob"]).values(is_active=False)
        )
        db.session.commit()
        db.session.remove()
    run_worker(app)
    assert server.deliveries == []
    assert "None of its recipients can be written to" in alice.get(here).text


def test_a_message_that_is_gone_stops_nothing(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    here = compose(alice, world, to=ids(world, "bob"))
    compose(alice, world, title="Second", to=ids(world, "bob"))
    with app.app_context():
        db.session.execute(delete(Record).where(Record.id == int(here.rpartition("/")[2])))
        db.session.commit()
        db.session.remove()
    run_worker(app)
    assert server.only().message["Subject"] == "Second"


def test_the_address_of_the_settings_writes_and_the_projects_address_is_answered(
    app: Flask, alice: Visitor, world: World, server: Server
) -> None:
    with sending_through(app, server.port, sender="mail@plumbline.example"):
        compose(alice, world, to=ids(world, "bob"))
        run_worker(app)
    sent = server.only()
    assert sent.sender == "mail@plumbline.example"
    assert sent.message["From"].addresses[0].addr_spec == "mail@plumbline.example"
    assert sent.message["Reply-To"].addresses[0].addr_spec.startswith("tower-")

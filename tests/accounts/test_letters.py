"""Plumbline's own letters: through a real mail server, once, in their reader's language."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.copying import run_worker
from tests.support.mailing import Server, sending_through, smtp_server
from tests.support.pages import PASSWORD, Visitor
from tests.support.world import World
from webapp.accounts import mailing
from webapp.accounts.mailing import OwnLetter
from webapp.accounts.models import Person
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.wiring import own_letters

NEW = "another long password"


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    with smtp_server() as found, sending_through(app, found.port):
        yield found


def change_password(visitor: Visitor) -> None:
    page = visitor.get("/settings/security")
    visitor.submit(page, "/settings/security", current=PASSWORD, new=NEW, again=NEW)


def letters(app: Flask) -> list[OwnLetter]:
    with app.app_context():
        found = list(db.session.scalars(select(OwnLetter).order_by(OwnLetter.id)))
        db.session.expunge_all()
    return found


def hour_later(app: Flask) -> None:
    """Let whatever waits be due, and work."""
    with app.app_context():
        past = utcnow() - timedelta(seconds=1)
        db.session.execute(update(OwnLetter).values(run_after=past, leased_until=past))
        db.session.commit()
        db.session.remove()
    run_worker(app)


def test_a_letter_is_delivered_once_and_says_that_a_machine_wrote_it(
    app: Flask, alice: Visitor, server: Server
) -> None:
    change_password(alice)
    run_worker(app)
    hour_later(app)
    sent = server.only()
    assert sent.recipients == ["alice@example.test"]
    assert sent.sender == "noreply@localhost"
    assert sent.message["Auto-Submitted"] == "auto-generated"
    assert sent.message["Subject"] == "Your Plumbline password was changed"
    assert sent.message["From"].addresses[0].display_name == "Plumbline"
    assert "http://127.0.0.1:8000/forgot-password" in sent.text


def test_a_letter_is_written_in_the_language_of_its_reader(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    with app.app_context():
        db.session.execute(
            update(Person).where(Person.id == world.people["alice"]).values(language="es")
        )
        db.session.commit()
    change_password(alice)
    run_worker(app)
    assert "contraseña" in server.only().message["Subject"]


def test_a_server_that_is_busy_is_tried_again_and_keeps_the_message_id(
    app: Flask, alice: Visitor, server: Server
) -> None:
    server.data_answers = ["451 later"]
    change_password(alice)
    run_worker(app)
    (waiting,) = letters(app)
    assert (waiting.state, waiting.reason, waiting.tries) == ("queued", "busy", 1)
    assert waiting.run_after is not None
    assert waiting.run_after > utcnow()
    hour_later(app)
    assert letters(app)[0].state == "sent"
    assert len(server.deliveries) == 1


def test_a_letter_is_given_up_after_so_many_tries_with_the_reason(
    app: Flask, alice: Visitor, server: Server
) -> None:
    server.data_answers = ["451 later"] * 20
    change_password(alice)
    run_worker(app)
    for _try in range(own_letters.TRIES + 2):
        hour_later(app)
    (given_up,) = letters(app)
    assert (given_up.state, given_up.reason) == ("failed", "busy")
    assert given_up.tries == own_letters.TRIES
    assert not server.deliveries


def test_an_address_that_the_server_refuses_is_not_tried_again(
    app: Flask, alice: Visitor, server: Server
) -> None:
    server.answers = {"alice@example.test": "550 no such person"}
    change_password(alice)
    run_worker(app)
    (refused,) = letters(app)
    assert (refused.state, refused.reason) == ("failed", "refused")
    assert "no such person" in refused.said


def test_without_a_mail_server_nothing_is_sent_and_the_row_says_so(
    app: Flask, alice: Visitor
) -> None:
    change_password(alice)
    run_worker(app)
    (kept,) = letters(app)
    assert (kept.state, kept.reason) == ("dropped", "no_server")
    with app.app_context():
        assert not mailing.are_delivered()


def test_two_workers_take_one_letter_once(app: Flask, alice: Visitor, server: Server) -> None:
    server.delay_s = 0.2
    change_password(alice)
    workers = [threading.Thread(target=run_worker, args=(app,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert len(server.deliveries) == 1


def test_a_letter_whose_worker_died_is_sent_by_another(
    app: Flask, alice: Visitor, server: Server
) -> None:
    change_password(alice)
    with app.app_context():
        (letter,) = db.session.scalars(select(OwnLetter)).all()
        db.session.rollback()
        assert own_letters._take(letter.id, "dead")
        db.session.remove()
    run_worker(app)
    assert not server.deliveries
    hour_later(app)
    assert len(server.deliveries) == 1


def test_a_transaction_that_is_rolled_back_leaves_no_letter(app: Flask, visitor: Visitor) -> None:
    with app.app_context():
        mailing.enqueue(
            db.session(), to="a@b.example", person_id=None, kind="password_changed", facts={}
        )
        db.session.rollback()
    assert letters(app) == []


def test_letters_finished_long_ago_are_forgotten(
    app: Flask, alice: Visitor, server: Server
) -> None:
    change_password(alice)
    run_worker(app)
    with app.app_context():
        db.session.execute(update(OwnLetter).values(finished_at=utcnow() - timedelta(days=31)))
        db.session.commit()
        assert own_letters.sweep() == 1

"""Notices by e-mail, as each person chose, and reminders of what is overdue."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Visitor
from tests.support.world import World
from tests.tools.test_notices import database, told
from webapp.accounts import mailing
from webapp.accounts.mailing import OwnLetter
from webapp.accounts.models import Notice, Person
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools import notice_letters

NOON = datetime(2030, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def delivered(app: Flask) -> Any:
    """A mail server is set up; the letters stay in their queue, where the test reads them."""
    before = app.extensions["plumbline.letters"]
    mailing.install(app, lambda: True)
    yield
    app.extensions["plumbline.letters"] = before


def letters(app: Flask) -> list[OwnLetter]:
    with app.app_context():
        found = list(db.session.scalars(select(OwnLetter).order_by(OwnLetter.id)))
        db.session.remove()
    return found


def sent(app: Flask) -> int:
    with app.app_context():
        count = notice_letters.send_due()
        db.session.remove()
    return count


def respond(app: Flask, world: World, *texts: str) -> None:
    bob = Visitor(app).sign_in(world.email("bob"))
    for text in texts:
        bob.post(f"/projects/{world.tower}/rfis/{world.rfi}/sections/responses", {"text": text})


@pytest.mark.usefixtures("delivered")
def test_a_quarter_of_an_hour_comes_in_one_letter_once(app: Flask, world: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        respond(app, world, "One.")
        clock.shift(timedelta(minutes=10))
        respond(app, world, "Two.")
        assert sent(app) == 0
        clock.shift(timedelta(minutes=6))
        assert [sent(app), sent(app)] == [1, 0]
    (letter,) = letters(app)
    assert letter.to == "alice@example.test"
    assert letter.facts["count"] == 2
    assert letter.facts["lines"].count("Bob Test answered RFI-001: Stair 2 slab edge") == 2
    assert f"/projects/{world.tower}/rfis/{world.rfi}#row-" in letter.facts["lines"]


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize("why", ["read", "inactive", "off", "bell", "unseen"])
def test_no_letter_goes_to_whom_it_is_no_news(app: Flask, world: World, why: str) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        respond(app, world, "One.")
        alice = Visitor(app).sign_in(world.email("alice"))
        if why == "read":
            alice.post("/notices/read")
        elif why in {"off", "bell"}:
            page = alice.get("/settings/notifications")
            form = page.form("/settings/notifications").values
            assert form["mails"] == ["yes"]
            changed: dict[str, Any] = {"mails": []} if why == "off" else {"way-rfis": "bell"}
            page = alice.post("/settings/notifications", {**form, **changed}, csrf=False)
            assert "Saved." in page.text
        else:
            with database(app) as session:
                if why == "inactive":
                    session.get_one(Person, world.people["alice"]).is_active = False
                else:
                    session.delete(session.get_one(Record, world.rfi))
        clock.shift(timedelta(minutes=16))
        assert sent(app) == 0
    assert letters(app) == []


def test_each_tool_tells_as_its_reader_chose(app: Flask, world: World, alice: Visitor) -> None:
    page = alice.get("/settings/notifications")
    assert "No mail server is set up here" in page.text
    form = page.form("/settings/notifications").values
    assert (form["way-rfis"], form["way-documents"]) == (["mail"], ["bell"])
    alice.post("/settings/notifications", {**form, "way-rfis": "none"}, csrf=False)
    respond(app, world, "One.")
    assert told(app, world, "alice") == []
    alice.post("/settings/notifications", {**form, "way-rfis": "nonsense"}, csrf=False)
    respond(app, world, "Two.")
    assert len(told(app, world, "alice")) == 1
    with app.app_context():
        assert db.session.scalar(select(Notice.is_mailed))


def test_one_press_reminds_each_once_a_day_and_says_so_in_the_history(
    app: Flask, world: World
) -> None:
    home = f"/projects/{world.tower}"
    with database(app) as session:
        session.get_one(Record, world.rfi).due_on = date(2030, 3, 1)
    with time_machine.travel(NOON, tick=False) as clock:
        alice = Visitor(app).sign_in(world.email("alice"))
        page = alice.get(home)
        assert "1 person Send reminders" in page.text
        page = alice.submit(page, "/reminders")
        assert "1 person was reminded." in page.text
        assert "Send reminders" not in page.text
        alice.post(f"{home}/reminders")
        sentence = "Alice Test reminds you: RFI-001 was due Mar 1, 2030: Stair 2 slab edge"
        assert told(app, world, "bob") == [sentence]
        assert "reminded Bob Test" in alice.get(f"{home}/rfis/{world.rfi}").text
        clock.shift(timedelta(days=1))
        alice = Visitor(app).sign_in(world.email("alice"))
        alice.submit(alice.get(home), "/reminders")
        assert told(app, world, "bob") == [sentence] * 2
    # Dora neither leads it nor administers the tool.
    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        dora = Visitor(app).sign_in(world.email("dora"))
        assert "Send reminders" not in dora.get(home).text
        dora.post(f"{home}/reminders")
    assert told(app, world, "bob") == [sentence] * 2

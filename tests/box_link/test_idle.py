"""A link that nobody uses: its person hears of it two weeks before Box ends it, once."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import Visitor
from webapp.accounts.mailing import OwnLetter, write
from webapp.accounts.models import Person
from webapp.box_link.idle import warn_idle
from webapp.box_link.models import BoxLink, LinkState
from webapp.core.clock import utcnow
from webapp.core.database import db

SENTENCE = "You have not used Box here for 46 days."


@pytest.fixture
def linked(alice: Visitor, sandbox: SandboxProcess) -> Visitor:
    link(alice, sandbox)
    return alice


def rest(app: Flask, days: float, **values: object) -> int:
    """Let all links have rested for so many days, sweep, and return how many people were told."""
    with app.app_context():
        when = utcnow() - timedelta(days=days)
        db.session.execute(update(BoxLink).values(refreshed_at=when, **values))
        db.session.commit()
        return warn_idle(utcnow())


def again(app: Flask) -> int:
    with app.app_context():
        return warn_idle(utcnow())


def letters(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        session = db.session()
        found = session.scalars(select(OwnLetter).where(OwnLetter.kind == "link_idle"))
        written = [write(session, letter) for letter in found]
        db.session.remove()
    return [(one.subject, one.text) for one in written if one]


def test_two_weeks_before_the_end_the_bell_and_a_letter_say_so_once(
    app: Flask, linked: Visitor
) -> None:
    assert rest(app, 45.9) == 0
    assert rest(app, 46.1) == 1
    assert again(app) == 0
    assert linked.get("/notices").text.count(SENTENCE) == 1
    ((subject, text),) = letters(app)
    assert subject == "Your Box link ends soon"
    assert "devon.achterberg@boxmail.example in Plumbline for 46 days" in text
    assert "/settings/box" in text


def test_a_link_that_was_used_and_rests_again_is_told_of_again(app: Flask, linked: Visitor) -> None:
    assert rest(app, 46.1) == 1
    with app.app_context():
        later = utcnow() + timedelta(days=47)
        db.session.execute(update(BoxLink).values(refreshed_at=utcnow() + timedelta(minutes=1)))
        db.session.commit()
        assert warn_idle(later) == 1


@pytest.mark.parametrize("state", ["ended", "over", "disabled"])
def test_nobody_is_told_of_a_link_that_has_ended_or_is_not_theirs_to_keep(
    app: Flask, linked: Visitor, state: str
) -> None:
    with app.app_context():
        if state == "disabled":
            db.session.execute(update(Person).values(is_active=False))
            db.session.commit()
    ended = {"state": LinkState.RELINK_NEEDED} if state == "ended" else {}
    assert rest(app, 61 if state == "over" else 50, **ended) == 0
    assert letters(app) == []

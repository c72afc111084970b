"""Somebody who loses a right while their request is under way does not use it any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.orm import Session

from tests.support.pages import Page, Visitor
from tests.support.world import World, add_record
from webapp.companies.models import Company, CompanyMember, Level, ProjectMember
from webapp.core.database import db
from webapp.records.models import Record, RecordRow

SignIn = Callable[[str], Visitor]
Send = Callable[[], Page]


def take_away(app: Flask, person: int, loss: str) -> None:
    """Make somebody no administrator any more, take them off the project, or let them read only."""
    member, on = CompanyMember.person_id == person, ProjectMember.person_id == person
    with app.app_context(), db.engine.execution_options(write=True).begin() as connection:
        if loss in {"admin", "project"}:
            connection.execute(update(CompanyMember).where(member).values(is_admin=False))
        if loss == "project":
            connection.execute(delete(ProjectMember).where(on))
        else:
            connection.execute(update(ProjectMember).where(on).values(level=int(Level.READ)))


@contextmanager
def before_the_next_write(act: Callable[[], None]) -> Iterator[None]:
    """Do something once, when a request that has asked for everything begins to write."""
    connect, waiting = Session.connection, [act]

    def connection(session: Session, *given: Any, **how: Any) -> Connection:
        if waiting and (how.get("execution_options") or {}).get("write"):
            waiting.pop()()
        return connect(session, *given, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "connection", connection)
        yield
    assert not waiting, "nothing was written"


def edit(visitor: Visitor, here: str) -> Send:
    form = visitor.get(f"{here}/edit").form("/edit")
    return lambda: visitor.post(form.action, {**form.values, "title": "Changed"}, expect=None)


def answer(visitor: Visitor, here: str) -> Send:
    form = visitor.get(here).form("/responses")
    return lambda: visitor.post(form.action, {**form.values, "text": "Said"}, expect=None)


def begin(visitor: Visitor, here: str) -> Send:
    address = here.rpartition("/")[0]
    form = visitor.get(address).form("/rfis")
    return lambda: visitor.post(form.action, form.values, expect=None)


def renumber(visitor: Visitor, here: str) -> Send:
    visitor.get(here)
    return lambda: visitor.post(f"{here}/number", {"number": "977"}, expect=None)


def switch(visitor: Visitor, here: str) -> Send:
    address = "/companies/1/settings/box"
    form = visitor.get(address).form(address)
    return lambda: visitor.post(form.action, {**form.values, "action": "off"}, expect=None)


def rules(visitor: Visitor, here: str) -> Send:
    form = visitor.get("/companies/1/settings/box").form("/rules")
    return lambda: visitor.post(
        form.action, {**form.values, "outside": "block", "ours": "acme.test"}, expect=None
    )


DOORS = {
    "edit": edit,
    "answer": answer,
    "begin": begin,
    "renumber": renumber,
    "switch": switch,
    "rules": rules,
}
# Alice administers the company and is Standard on the project, Bob is Standard there.
CASES = [
    ("alice", "admin", "edit"),
    ("alice", "project", "edit"),
    ("alice", "admin", "renumber"),
    ("alice", "admin", "switch"),
    ("alice", "admin", "rules"),
    ("bob", "level", "answer"),
    ("bob", "project", "answer"),
    ("bob", "level", "begin"),
    ("bob", "project", "begin"),
]


def held(app: Flask) -> tuple[list[tuple[str, str, str]], int, tuple[object, ...]]:
    """Return all records' titles, numbers and statuses, how many rows, and the company's Box."""
    with app.app_context():
        company = db.session.get_one(Company, 1)
        records = db.session.scalars(select(Record).order_by(Record.id))
        found = [(one.title, str(one.number), one.status) for one in records]
        rows = db.session.scalar(select(func.count()).select_from(RecordRow)) or 0
        box = (company.box_switched_off, str(company.box_rules))
        db.session.remove()
    return found, rows, box


@pytest.mark.parametrize(("name", "loss", "door"), CASES)
@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "kept"])
def test_a_right_that_is_lost_before_the_change_begins_does_not_count_any_more(
    app: Flask,
    world: World,
    signed_in: SignIn,
    name: str,
    loss: str,
    door: str,
    is_lost: bool,
) -> None:
    with app.app_context():
        db.session.execute(
            update(ProjectMember)
            .where(ProjectMember.person_id == world.people["alice"])
            .values(level=int(Level.READ))
        )
        record = add_record(db.session(), world, "rfis", "Which door?", status="open", by="nell")
        db.session.commit()
        db.session.remove()
    visitor = signed_in(name)
    send = DOORS[door](visitor, f"/projects/{world.tower}/rfis/{record}")
    before = held(app)
    if is_lost:
        person = world.people[name]
        with before_the_next_write(lambda: take_away(app, person, loss)):
            assert send().status in {403, 404}
        assert held(app) == before
    else:
        assert send().status in {200, 303}
        assert held(app) != before

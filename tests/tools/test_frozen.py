"""What has gone out, or is closed, stays as it went: by every door, for admins too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.copying import run_worker
from tests.support.mailing import compose, ids, record_at
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload, upload
from tests.support.world import World, add_record
from webapp.attachments.models import Attachment
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record, RecordIssue, RecordRow
from webapp.tools import lifecycle
from webapp.tools.registry import TOOLS, Tool
from webapp.tools.rows import insert
from webapp.wiring import chores

PDF = b"%PDF-1.4 a page"
FROZEN = [(tool.key, s.key) for tool in TOOLS for s in tool.statuses if s.frozen]
# What is closed and may yet be changed: a company is only marked, and the bin has rules of its own.
NOT_FROZEN = {("directory", "inactive"), ("documents", "binned")}
KEPT = [(tool.key, s.key) for tool in TOOLS for s in tool.statuses if s.keeps_files]


def declared(key: str) -> Tool:
    tool = TOOLS.get(key)
    assert tool is not None
    return tool


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_every_closed_status_is_frozen_or_keeps_its_files(tool: Tool) -> None:
    closed = {(tool.key, status.key) for status in tool.statuses if not status.is_open}
    frozen = {
        (tool.key, status.key) for status in tool.statuses if status.frozen or status.keeps_files
    }
    assert closed - frozen <= NOT_FROZEN


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_a_step_leads_back_from_what_is_frozen(tool: Tool) -> None:
    """But for what others hold by now: a message, a batch that became drawings."""
    for status in (s for s in tool.statuses if s.frozen):
        steps = [t for t in tool.transitions if status.key in t.before and t.after != status.key]
        is_for_good = tool.key == "emails" or (tool.key, status.key) == ("drawings", "reviewed")
        assert bool(steps) is not is_for_good, status.key


@pytest.fixture
def frozen(app: Flask, world: World, alice: Visitor) -> Callable[[str, str], tuple[str, str]]:
    """Return a maker of records with a file and a row, brought to a status; their addresses."""

    def make(key: str, status: str) -> tuple[str, str]:
        tool = declared(key)
        with app.app_context():
            session = db.session()
            record_id = add_record(session, world, key, "It went out", status=tool.first_status)
            record = session.get_one(Record, record_id)
            for section in (s for s in tool.sections if s.is_table):
                insert(session, record, section, {}, author_id=world.people["alice"])
            session.commit()
            db.session.remove()
        here = f"/projects/{world.tower}/{tool.slug}/{record_id}"
        (file,) = attach_upload(alice, f"{here}/attach/", ("Sent.pdf", PDF))
        upload(alice, f"{here}/attach/", ("Late.pdf", PDF))
        with app.app_context():
            session = db.session()
            record = session.get_one(Record, record_id)
            record.status, record.is_open = status, tool.status(status).is_open
            lifecycle.restrict(session, tool, record)
            session.commit()
            db.session.remove()
        return here, f"/attachments/{file.public_id}"

    return make


def facts(app: Flask, here: str) -> tuple[Any, ...]:
    """Return all that a record holds, to be compared before and after."""
    record = record_at(app, here)
    with app.app_context():
        rows = db.session.execute(
            select(RecordRow.id, RecordRow.version, RecordRow.details)
            .where(RecordRow.record_id == record.id)
            .order_by(RecordRow.id)
        ).all()
        files = db.session.execute(
            select(Attachment.id, Attachment.name, Attachment.description, Attachment.removed_at)
            .where(Attachment.record_id == record.id)
            .order_by(Attachment.id)
        ).all()
        db.session.remove()
    return record.title, record.number, record.version, record.details, rows, files


@pytest.mark.parametrize(("key", "status"), FROZEN)
def test_nobody_changes_what_is_frozen(
    app: Flask,
    alice: Visitor,
    frozen: Callable[[str, str], tuple[str, str]],
    key: str,
    status: str,
) -> None:
    here, file = frozen(key, status)
    before = facts(app, here)
    alice.get(f"{here}/edit", expect=403)
    # A form that is wrong as well says that first; what counts is that nothing is kept.
    changed = alice.post(f"{here}/edit", {"title": "Changed", "version": "1"}, expect=None)
    assert changed.status in {403, 422}
    alice.post(f"{here}/keep", {"title": "Changed", "version": "1"}, expect=403)
    alice.post(f"{here}/number", {"number": "77"}, expect=403)
    alice.post(f"{here}/discard", expect=403)
    takes_files = declared(key).status(status).takes_files
    if not takes_files:
        alice.get(f"{here}/attach/", expect=403)
        alice.post(f"{here}/attach/send", {"key": "x"}, expect=403)
        alice.post(f"{here}/attach/computer/parts", headers={"Tus-Resumable": "1.0.0"}, expect=403)
        upload(alice, f"{here}/attach/", ("Later.pdf", PDF), expect=403)
    for door in ("edit", "remove"):
        alice.get(f"{file}/{door}", expect=403)
        alice.post(f"{file}/{door}", {"name": "Other", "description": "x"}, expect=403)
    alice.post(f"{file}/restore", expect=403)
    for section in (s for s in declared(key).sections if s.is_table):
        alice.post(f"{here}/sections/{section.key}/add", expect=403)
    for row_id, _version, _details in before[4]:
        alice.post(f"{here}/rows/{row_id}/edit", {"version": "1"}, expect=403)
        alice.post(f"{here}/rows/{row_id}/remove", expect=403)
        alice.get(f"{here}/rows/{row_id}/attach/", expect=403)
    assert facts(app, here) == before
    offered = {f"{here}/edit", f"{file}/edit", f"{file}/remove"}
    if not takes_files:
        offered.add(f"{here}/attach/")
    assert not offered & set(alice.get(here).links().values())


@pytest.mark.parametrize(("key", "status"), KEPT)
def test_files_stay_where_only_they_do(
    alice: Visitor, frozen: Callable[[str, str], tuple[str, str]], key: str, status: str
) -> None:
    here, file = frozen(key, status)
    alice.get(f"{here}/attach/", expect=403)
    alice.post(f"{here}/attach/send", {"key": "x"}, expect=403)
    for door in ("edit", "remove", "restore"):
        alice.post(f"{file}/{door}", {"name": "Other", "description": "x"}, expect=403)
    assert file in alice.get(here).links().values()


def test_a_closed_record_says_how_it_is_changed_and_is_then(
    alice: Visitor, frozen: Callable[[str, str], tuple[str, str]]
) -> None:
    here, file = frozen("rfis", "closed")
    assert "Closed: its text and files stay as they are." in alice.get(here).text
    alice.post(f"{here}/move", {"move": "reopen"})
    alice.get(f"{file}/edit")
    alice.submit(alice.get(f"{here}/edit"), "/edit", title="Asked anew")
    assert "Open again" in alice.get(here).text


# ---- mail


def test_a_sent_message_shows_the_files_it_carried_and_takes_no_others(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = compose(bob, world, move="", to=ids(world, "alice"))
    (carried,) = attach_upload(bob, f"{here}/attach/", ("Carried.pdf", PDF))
    bob.post(f"{here}/move", {"move": "send"})
    run_worker(app)
    assert record_at(app, here).status == "sent"
    alice.get(f"{here}/attach/", expect=403)
    alice.post(f"/attachments/{carried.public_id}/remove", expect=403)
    with app.app_context():
        # As one could be added and removed before this was refused.
        session = db.session()
        late = session.get_one(Attachment, carried.id)
        session.expunge(late)
        copy = {c.key: getattr(late, c.key) for c in Attachment.__table__.columns}
        for key in ("id", "public_id", "import_item_id"):
            copy.pop(key)
        session.add(Attachment(**{**copy, "name": "Never sent.pdf"}))
        session.commit()
        db.session.remove()
    (thread,) = (s for s in alice.get(here).all("section", id="emails-thread"))
    words = " ".join(thread.itertext())
    assert "Carried.pdf" in words
    assert "Never sent.pdf" not in words


# ---- responses and versions


def test_the_files_of_a_response_that_was_sent_stay(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    bob.post(f"{here}/sections/responses", {"text": "See the sketch", "attach": "yes"}, expect=303)
    with app.app_context():
        row_id = db.session.scalars(select(RecordRow.id)).one()
        db.session.remove()
    (file,) = attach_upload(bob, f"{here}/rows/{row_id}/attach/", ("Sketch.pdf", PDF))
    bob.get(f"/attachments/{file.public_id}/edit")
    upload(bob, f"{here}/rows/{row_id}/attach/", ("Late.pdf", PDF))
    tray = bob.get(f"{here}/rows/{row_id}/attach/?source=computer")
    bob.submit(bob.get(here), "/sections/responses", text="See the sketch")
    for visitor in (alice, bob):
        for door in ("edit", "remove"):
            visitor.post(f"/attachments/{file.public_id}/{door}", {"name": "x"}, expect=403)
    # Chosen before it was sent, and not yet attached: too late.
    bob.submit(tray, "/send", expect=403)


# ---- distributions


def distributed(app: Flask, here: str) -> list[RecordIssue]:
    record = record_at(app, here)
    with app.app_context():
        query = select(RecordIssue).where(RecordIssue.record_id == record.id)
        found = list(db.session.scalars(query.order_by(RecordIssue.number)))
        db.session.expunge_all()
        db.session.remove()
    return found


@pytest.fixture
def minutes(app: Flask, alice: Visitor, world: World) -> str:
    page = alice.post(f"/projects/{world.tower}/meetings")
    page = alice.submit(page, "/edit", title="Weekly", overview="As agreed")
    here = str(page.response.request.path)
    for name in ("bob", "rita"):
        form = alice.get(f"{here}/sections/attendees/add")
        alice.submit(form, "/add", person=str(world.people[name]))
    form = alice.get(f"{here}/sections/items/add")
    alice.submit(form, "/add", title="Crane", minutes="Comes on Thursday", status="open")
    alice.post(f"{here}/move", {"move": "publish"})
    alice.post(f"{here}/move", {"move": "convert"})
    return here


def act(visitor: Visitor, here: str, key: str) -> Page:
    return visitor.post(f"{here}/act", {"action": key})


def test_distributed_minutes_stay_as_they_went_and_a_correction_is_a_new_version(
    app: Flask, alice: Visitor, minutes: str
) -> None:
    (file,) = attach_upload(alice, f"{minutes}/attach/", ("Sign-in.pdf", PDF))
    act(alice, minutes, "distribute")
    (first,) = distributed(app, minutes)
    assert first.told == ["Bob Test", "Rita Test"]
    assert [f["name"] for f in first.facts["files"]] == ["Sign-in.pdf"]
    assert ["Minutes", "Comes on Thursday"] in first.facts["sections"][1]["rows"][0]
    alice.get(f"{minutes}/edit", expect=403)
    alice.get(f"{minutes}/sections/items/add", expect=403)
    alice.get(f"{minutes}/attach/", expect=403)

    act(alice, minutes, "correct")
    form = alice.get(f"{minutes}/edit")
    alice.submit(form, "/edit", overview="As nobody agreed")
    # The file that went out is there for whoever got it, for good.
    alice.post(f"/attachments/{file.public_id}/remove", expect=403)
    act(alice, minutes, "distribute")
    again, second = distributed(app, minutes)
    assert again.facts == first.facts
    assert ["Overview", "As nobody agreed"] in second.facts["cells"]
    page = alice.get(minutes)
    assert "As agreed" in page.text
    assert "Version 2" in page.text
    assert "Open for correction" in page.text


def test_a_comment_is_added_to_distributed_minutes_and_changes_nothing(
    app: Flask, alice: Visitor, bob: Visitor, minutes: str
) -> None:
    act(alice, minutes, "distribute")
    bob.submit(bob.get(minutes), "/sections/comments", text="I was there")
    assert "I was there" in alice.get(minutes).text
    (issue,) = distributed(app, minutes)
    assert "I was there" not in str(issue.facts)


def test_a_distribution_outlives_a_removed_files_thirty_days(
    app: Flask, alice: Visitor, minutes: str
) -> None:
    (file,) = attach_upload(alice, f"{minutes}/attach/", ("Sign-in.pdf", PDF))
    act(alice, minutes, "distribute")
    with time_machine.travel(utcnow() + timedelta(days=40)), app.app_context():
        chores.sweep_storage()
    with app.app_context():
        assert db.session.get(Attachment, file.id) is not None
        db.session.remove()

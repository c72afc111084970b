"""Removing a file from its record: who may, what is asked, and what stays."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.pages import Visitor
from tests.support.uploading import attach_upload, stored_keys
from tests.support.world import World, add_record
from webapp.attachments.models import Attachment
from webapp.core.database import db
from webapp.records.models import Record

SignIn = Callable[[str], Visitor]


def record_of(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}"


def attached_by(visitor: Visitor, world: World) -> Attachment:
    (attachment,) = attach_upload(visitor, f"{record_of(world)}/attach/", ("A & B.pdf", b"bytes"))
    return attachment


@pytest.fixture
def bobs(app: Flask, bob: Visitor, world: World) -> tuple[str, Attachment]:
    """Bob's own question, to which he attached a file: the address and the file."""
    with app.app_context():
        record = add_record(db.session(), world, "rfis", "Bob asks", status="open", by="bob")
        db.session.commit()
    here = f"/projects/{world.tower}/rfis/{record}"
    (attachment,) = attach_upload(bob, f"{here}/attach/", ("A & B.pdf", b"bytes"))
    return here, attachment


def address(attachment: Attachment) -> str:
    return f"/attachments/{attachment.public_id}"


def test_removing_asks_first_and_names_the_file(alice: Visitor, world: World) -> None:
    attachment = attached_by(alice, world)
    asked = alice.get(f"{address(attachment)}/remove")
    assert asked.h1 == "Remove A & B.pdf?"
    assert "Box is not touched" in asked.text
    assert asked.links()["Keep it"] == record_of(world)
    assert "A & B.pdf" in alice.get(record_of(world)).links()


def test_a_removed_file_is_gone_for_everybody_and_kept_for_restoring(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    attachment = attached_by(alice, world)
    page = alice.submit(alice.get(f"{address(attachment)}/remove"), "/remove")
    assert page.response.request.path == record_of(world)
    assert "A & B.pdf" not in page.links()
    assert "removed A & B.pdf" in page.text
    for name in ("alice", "bob", "rita"):
        signed_in(name).get(address(attachment), expect=404)
    assert attachment.blob_key in stored_keys(alice)


def test_removing_twice_removes_once(alice: Visitor, world: World) -> None:
    attachment = attached_by(alice, world)
    alice.post(f"{address(attachment)}/remove")
    alice.post(f"{address(attachment)}/remove", expect=404)
    assert alice.get(record_of(world)).text.count("removed A & B.pdf") == 1


def test_htmx_is_told_that_the_files_changed(alice: Visitor, world: World) -> None:
    attachment = attached_by(alice, world)
    answer = alice.post(f"{address(attachment)}/remove", htmx=True, expect=204)
    assert "files-changed" in answer.response.headers["HX-Trigger"]


@pytest.mark.parametrize(
    ("name", "may"), [("rita", False), ("dora", False), ("bob", True), ("alice", True)]
)
def test_only_who_attached_it_and_the_tools_admins_remove_it(
    signed_in: SignIn, bobs: tuple[str, Attachment], name: str, may: bool
) -> None:
    here, attachment = bobs
    visitor = signed_in(name)
    links = [a.get("href") for a in visitor.get(here).all("a")]
    assert (f"{address(attachment)}/remove" in links) is may
    visitor.get(f"{address(attachment)}/remove", expect=200 if may else 403)
    visitor.post(f"{address(attachment)}/remove", expect=303 if may else 403)
    assert ("A & B.pdf" in visitor.get(here).links()) is not may


def test_once_a_record_is_closed_nobody_removes_from_it(
    app: Flask, alice: Visitor, bob: Visitor, bobs: tuple[str, Attachment]
) -> None:
    _here, attachment = bobs
    with app.app_context():
        closed = update(Record).where(Record.id == attachment.record_id)
        db.session.execute(closed.values(status="closed", is_open=False))
        db.session.commit()
    bob.post(f"{address(attachment)}/remove", expect=403)
    alice.post(f"{address(attachment)}/remove", expect=403)


def test_removing_needs_the_token_of_the_session(alice: Visitor, world: World) -> None:
    attachment = attached_by(alice, world)
    alice.post(f"{address(attachment)}/remove", csrf=False, expect=400)
    assert "A & B.pdf" in alice.get(record_of(world)).links()

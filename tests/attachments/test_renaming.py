"""Another name and a description for a file: who may, what is kept, what the history says."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.copying import attachments
from tests.support.pages import Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World, add_record
from webapp.attachments.models import Attachment
from webapp.core.database import db
from webapp.records.models import Record

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


def record_of(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}"


@pytest.fixture
def found(alice: Visitor, world: World) -> Attachment:
    (attachment,) = attach_upload(alice, f"{record_of(world)}/attach/", ("IMG_0412.JPG", b"bytes"))
    return attachment


def edit_of(attachment: Attachment) -> str:
    return f"/attachments/{attachment.public_id}/edit"


def renamed(visitor: Visitor, attachment: Attachment, name: str, description: str = "") -> str:
    form = visitor.get(edit_of(attachment))
    visitor.submit(form, "/edit", name=name, description=description)
    return next(a.name for a in attachments(visitor.app) if a.id == attachment.id)


def test_a_new_name_is_shown_everywhere_and_the_old_one_stays_known(
    app: Flask, alice: Visitor, world: World, found: Attachment
) -> None:
    page = alice.submit(
        alice.get(edit_of(found)), "/edit", name="North wall", description="Before the pour."
    )
    assert page.response.request.path == record_of(world)
    assert "North wall.JPG" in page.links()
    assert "Before the pour." in page.text
    assert "renamed IMG_0412.JPG to North wall.JPG" in page.text
    assert "described North wall.JPG" in page.text
    assert "Description: empty → Before the pour." in page.text
    assert "where it was called IMG_0412.JPG" in page.text
    (now,) = attachments(app)
    assert (now.name, now.original_name) == ("North wall.JPG", "IMG_0412.JPG")
    assert (now.sha256, now.blob_key) == (found.sha256, found.blob_key)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("North wall.jpg", "North wall.JPG"),
        ("North wall.exe", "North wall.exe.JPG"),
        ("Wand Süd – Übersicht", "Wand Süd – Übersicht.JPG"),
        ("北の壁", "北の壁.JPG"),
        ("../../etc/passwd", ".._.._etc_passwd.JPG"),
        ("evil\u202egpj", "evilgpj.JPG"),
        ("CON", "_CON.JPG"),
        ("two\r\nlines", "two lines.JPG"),
        ("<b>&amp;\"'", "<b>&amp;\"'.JPG"),
        ("100% %(name)s", "100% %(name)s.JPG"),
        ("x" * 400, "x" * 251 + ".JPG"),
    ],
)
def test_a_name_keeps_its_extension_and_harms_nobody(
    alice: Visitor, world: World, found: Attachment, typed: str, kept: str
) -> None:
    assert renamed(alice, found, typed) == kept
    assert kept in alice.get(record_of(world)).links()


@pytest.mark.parametrize("typed", ["", "   ", "...", ".jpg", "x" * 1001])
def test_no_name_is_no_name(alice: Visitor, found: Attachment, typed: str) -> None:
    page = alice.submit(alice.get(edit_of(found)), "/edit", name=typed, expect=422)
    assert next(page.all("input", name="name")).get("aria-invalid") == "true"
    assert [a.name for a in attachments(alice.app)] == ["IMG_0412.JPG"]


def test_a_file_without_extension_gets_none_by_another_name(alice: Visitor, world: World) -> None:
    (found,) = attach_upload(alice, f"{record_of(world)}/attach/", ("setup", b"MZ"))
    page = alice.submit(alice.get(edit_of(found)), "/edit", name="setup.exe", expect=422)
    assert "a name cannot give it one" in page.text
    assert renamed(alice, found, "Minutes v1.2") == "Minutes v1.2"


def test_a_description_has_an_end(alice: Visitor, found: Attachment) -> None:
    form = alice.get(edit_of(found))
    page = alice.submit(form, "/edit", description="ü" * 501, expect=422)
    assert "at most 500 characters" in page.text
    page = alice.submit(form, "/edit", description="ü" * 500)
    assert "ü" * 500 in page.text


def test_saving_without_a_change_leaves_no_trace(
    alice: Visitor, world: World, found: Attachment
) -> None:
    page = alice.submit(alice.get(edit_of(found)), "/edit")
    assert page.response.request.path == record_of(world)
    assert "renamed" not in page.text
    assert "described" not in page.text


@pytest.mark.parametrize(
    ("name", "may"), [("rita", 403), ("dora", 403), ("bob", 200), ("alice", 200), ("charlie", 404)]
)
def test_who_may_remove_may_rename(
    app: Flask, bob: Visitor, signed_in: SignIn, world: World, name: str, may: int
) -> None:
    with app.app_context():
        record = add_record(db.session(), world, "rfis", "Bob asks", status="open", by="bob")
        db.session.commit()
    here = f"/projects/{world.tower}/rfis/{record}"
    (found,) = attach_upload(bob, f"{here}/attach/", ("Bob's.pdf", b"bytes"))
    visitor = signed_in(name)
    visitor.get(edit_of(found), expect=may)
    sent = {"name": "Mine now", "description": ""}
    visitor.post(edit_of(found), sent, expect=303 if may == 200 else may)
    (now,) = attachments(app)
    assert now.name == ("Mine now.pdf" if may == 200 else "Bob's.pdf")


def test_once_a_record_is_closed_nobody_renames(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    with app.app_context():
        record = add_record(db.session(), world, "rfis", "Bob asks", status="open", by="bob")
        db.session.commit()
    here = f"/projects/{world.tower}/rfis/{record}"
    (found,) = attach_upload(bob, f"{here}/attach/", ("Bob's.pdf", b"bytes"))
    with app.app_context():
        closed = update(Record).where(Record.id == record)
        db.session.execute(closed.values(status="closed", is_open=False))
        db.session.commit()
    for visitor in (alice, bob):
        visitor.post(edit_of(found), {"name": "x", "description": ""}, expect=403)


def test_a_removed_file_is_renamed_by_nobody(alice: Visitor, found: Attachment) -> None:
    alice.post(f"/attachments/{found.public_id}/remove")
    alice.get(edit_of(found), expect=404)
    alice.post(edit_of(found), {"name": "x", "description": ""}, expect=404)

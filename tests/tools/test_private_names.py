"""A name in Documents tells nobody of a private document, and rights end with the level."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World, add_record
from webapp.companies.models import Level, ToolLevel
from webapp.core.database import db
from webapp.records.models import Record

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
TAKEN = "exists in this folder already"


def test_a_private_name_is_confirmed_to_nobody_who_does_not_see_it(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    documents = f"/projects/{world.tower}/documents"
    folder = alice.post(documents, {"name": "Contracts"}).response.request.path
    for name in ("Settlement", "Claims"):
        page = alice.post(f"{folder}/folders", {"name": name})
        edit = page.response.request.path + "/edit"
        alice.submit(alice.get(edit), "/edit", is_private="y")
    attach_upload(alice, f"{folder}/attach/", ("Offer.pdf", b"private"))
    with app.app_context():
        offer = db.session.scalar(select(Record.id).where(Record.title == "Offer.pdf"))
        db.session.remove()
    alice.submit(alice.get(f"{documents}/{offer}/edit"), "/edit", is_private="y")
    # Making, renaming, moving and uploading: each goes as if nothing were there.
    made = bob.post(f"{folder}/folders", {"name": "settlement"}).response.request.path
    bob.submit(bob.get(f"{made}/edit"), "/edit", title="Claims")
    top = bob.post(documents, {"name": "Settlement"}).response.request.path
    bob.post(f"{top}/move-to", {"folder": folder.rpartition("/")[2]})
    attach_upload(bob, f"{folder}/attach/", ("Offer.pdf", b"public"))
    theirs = bob.get(folder).text
    assert theirs.count("Offer.pdf") == 1
    assert theirs.count("Claims") == 1
    # Of what somebody sees they are still told, and an admin can work with both.
    assert TAKEN in bob.post(f"{folder}/folders", {"name": "CLAIMS"}, expect=422).text
    assert alice.get(folder).text.count("Offer.pdf") >= 2
    alice.submit(alice.get(f"{documents}/{offer}/edit"), "/edit", description="Still private")
    answer = alice.get(f"{documents}/{offer}/edit")
    values = {**answer.form("/edit").values}
    values.pop("is_private")
    assert TAKEN in alice.post(f"{documents}/{offer}/edit", values, expect=422).text


def test_whoever_is_read_only_by_now_changes_nothing_of_their_own(
    app: Flask, bob: Visitor, world: World
) -> None:
    with app.app_context():
        record = add_record(db.session(), world, "rfis", "Bob asks", status="open", by="bob")
        db.session.commit()
        db.session.remove()
    here = f"/projects/{world.tower}/rfis/{record}"
    kept, gone = attach_upload(bob, f"{here}/attach/", ("a.pdf", b"a"), ("b.pdf", b"b"))
    bob.post(f"/attachments/{gone.public_id}/remove")
    draft = bob.post(f"/projects/{world.tower}/rfis").response.request.path.removesuffix("/edit")
    with app.app_context():
        level = ToolLevel(
            project_id=world.tower,
            person_id=world.people["bob"],
            tool_key="rfis",
            level=Level.READ,
        )
        db.session.add(level)
        db.session.commit()
        db.session.remove()
    form = {"name": "x", "description": "x"}
    bob.get(f"/attachments/{kept.public_id}/edit", expect=403)
    bob.post(f"/attachments/{kept.public_id}/edit", form, expect=403)
    bob.post(f"/attachments/{kept.public_id}/remove", expect=403)
    bob.post(f"/attachments/{gone.public_id}/restore", expect=403)
    bob.post(f"{draft}/discard", expect=403)
    page = bob.get(here)
    assert "a.pdf" in page.text
    assert f"/attachments/{kept.public_id}/edit" not in page.html
    assert f"/attachments/{gone.public_id}/restore" not in page.html

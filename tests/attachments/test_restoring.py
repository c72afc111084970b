"""Removed files: who sees them, how long they are kept, and bringing one back."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.pages import HOST, Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World, add_record
from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.models import Attachment
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.catalog.rfis import TOOL as RFIS
from webapp.tools.registry import TOOLS, Field, Kind, Part, Section

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


@pytest.fixture
def removed(app: Flask, bob: Visitor, world: World) -> tuple[str, Attachment]:
    """What Bob attached to his own question and removed again: the record and the file."""
    with app.app_context():
        record = add_record(db.session(), world, "rfis", "Bob asks", status="open", by="bob")
        db.session.commit()
    here = f"/projects/{world.tower}/rfis/{record}"
    (found,) = attach_upload(bob, f"{here}/attach/", ("A & B.pdf", b"bytes"))
    bob.post(f"/attachments/{found.public_id}/remove")
    return here, found


def restore(visitor: Visitor, found: Attachment, *, expect: int = 303) -> Page:
    return visitor.post(f"/attachments/{found.public_id}/restore", expect=expect)


def removed_ago(app: Flask, found: Attachment, ago: timedelta) -> None:
    with app.app_context():
        change = update(Attachment).where(Attachment.id == found.id)
        db.session.execute(change.values(removed_at=utcnow() - ago))
        db.session.commit()


def test_a_removed_file_comes_back_as_it_was(
    alice: Visitor, removed: tuple[str, Attachment]
) -> None:
    here, found = removed
    page = alice.get(here)
    assert "A & B.pdf" not in page.links()
    assert "Removed files 1" in page.text
    assert "Removed by Bob Test, today" in page.text
    assert "Kept until" in page.text
    page = alice.submit(page, "/restore")
    assert page.response.request.path == here
    assert "A & B.pdf" in page.links()
    assert "restored A & B.pdf" in page.text
    assert "Removed files" not in page.text
    address = f"/attachments/{found.public_id}"
    answer = alice.client.get(address, headers={"Host": HOST}, buffered=True)
    assert answer.get_data() == b"bytes"


def test_restoring_twice_restores_once(alice: Visitor, removed: tuple[str, Attachment]) -> None:
    here, found = removed
    restore(alice, found)
    page = restore(alice, found, expect=409)
    assert "again already" in page.text
    assert alice.get(here).text.count("restored A & B.pdf") == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("rita", 403), ("dora", 403), ("bob", 303), ("alice", 303), ("charlie", 404), ("nell", 404)],
)
def test_who_may_remove_may_restore(
    signed_in: SignIn, removed: tuple[str, Attachment], name: str, status: int
) -> None:
    here, found = removed
    visitor = signed_in(name)
    if status != 404:
        assert ("Removed files" in visitor.get(here).text) is (status == 303)
    restore(visitor, found, expect=status)
    assert ("A & B.pdf" in signed_in("alice").get(here).links()) is (status == 303)


def test_after_thirty_days_it_is_gone_for_good(
    app: Flask, alice: Visitor, removed: tuple[str, Attachment]
) -> None:
    here, found = removed
    removed_ago(app, found, REMOVED_LIVES - timedelta(minutes=5))
    assert "Removed files 1" in alice.get(here).text
    removed_ago(app, found, REMOVED_LIVES + timedelta(seconds=1))
    assert "Removed files" not in alice.get(here).text
    page = restore(alice, found, expect=409)
    assert "more than 30 days ago" in page.text
    assert "A & B.pdf" not in alice.get(here).links()


def test_once_the_record_is_closed_nobody_restores(
    app: Flask, alice: Visitor, bob: Visitor, removed: tuple[str, Attachment]
) -> None:
    here, found = removed
    with app.app_context():
        closed = update(Record).where(Record.id == found.record_id)
        db.session.execute(closed.values(status="closed", is_open=False))
        db.session.commit()
    assert "Removed files" not in bob.get(here).text
    restore(bob, found, expect=403)
    restore(alice, found, expect=403)


def test_a_private_records_removed_files_stay_its_own(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.private_rfi}"
    (found,) = attach_upload(alice, f"{here}/attach/", ("secret.pdf", b"bytes"))
    alice.post(f"/attachments/{found.public_id}/remove")
    restore(signed_in("rita"), found, expect=404)
    assert "secret.pdf" not in signed_in("bob").get(here).text.partition("Change history")[0]


@pytest.fixture
def lines() -> Iterator[None]:
    """RFIs with a table of lines, as some tools have one."""
    table = Section(
        "lines",
        "Lines",
        "Line",
        "Add line",
        who=(Part.ADMIN,),
        statuses=("open",),
        fields=(Field("what", "What", Kind.TEXT),),
    )
    TOOLS._tools["rfis"] = replace(RFIS, sections=(*RFIS.sections, table))
    yield
    TOOLS._tools["rfis"] = RFIS


def test_what_was_removed_from_a_row_comes_back_with_the_row(
    alice: Visitor, world: World, lines: None
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    page = alice.submit(alice.get(f"{here}/sections/lines/add"), "/add", what="Shore up")
    row = next(link for link in page.links().values() if "/rows/" in link).partition("/edit")[0]
    row = row.partition("/attach/")[0]
    (found,) = attach_upload(alice, f"{row}/attach/", ("Quote.pdf", b"%PDF-1.7"))
    assert zip_of(alice, here) == {"manifest.csv", "Line 1 – Shore up/Quote.pdf"}
    alice.post(f"{row}/remove", expect=409)
    alice.post(f"/attachments/{found.public_id}/remove")
    alice.post(f"{row}/remove")
    assert "Removed files" not in alice.get(here).text
    alice.post(f"{row}/restore")
    assert "Removed files 1" in alice.get(here).text
    restore(alice, found)
    assert zip_of(alice, here) == {"manifest.csv", "Line 1 – Shore up/Quote.pdf"}


def zip_of(visitor: Visitor, here: str) -> set[str]:
    answer = visitor.client.get(f"{here}/files/zip", headers={"Host": HOST}, buffered=True)
    with zipfile.ZipFile(BytesIO(answer.get_data())) as found:
        return set(found.namelist())

"""Documents: folders, versions, privacy that passes down, the bin; and never any Box."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.pages import HOST, Page, Visitor
from tests.support.uploading import attach_upload, stored_keys, upload
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.companies.models import Level, ToolLevel
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record, RecordRow
from webapp.wiring.chores import delete_overdue

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
PERMIT = b"%PDF-1.7 permit"


@pytest.fixture
def documents(app: Flask, world: World) -> str:
    """The tool's address in Tower, where Bob and Dora may write and Rita may read."""
    with app.app_context():
        levels = {"bob": Level.STANDARD, "dora": Level.STANDARD, "rita": Level.READ}
        for name, level in levels.items():
            db.session.add(
                ToolLevel(
                    project_id=world.tower,
                    person_id=world.people[name],
                    tool_key="documents",
                    level=level,
                )
            )
        db.session.commit()
        db.session.remove()
    return f"/projects/{world.tower}/documents"


def folder(visitor: Visitor, where: str, name: str) -> str:
    """Make a folder at the top or in another one, and return its address."""
    page = visitor.post(_new_folder(where), {"name": name})
    assert page.h1 == name
    return page.response.request.path


def _new_folder(where: str) -> str:
    return where if where.endswith("/documents") else f"{where}/folders"


def put(visitor: Visitor, where: str, name: str, content: bytes = PERMIT) -> str:
    """Upload a file into a folder and return the address of the file."""
    attach_upload(visitor, f"{where}/attach/", (name, content))
    return visitor.get(where).links()[name]


def _download(visitor: Visitor, where: str, name: str) -> str:
    links = visitor.get(where).all("a", aria_label=f"Download {name}")
    return next(links).get("href", "")


def _content(visitor: Visitor, address: str) -> bytes:
    answer = visitor.client.get(address, headers={"Host": HOST}, buffered=True)
    assert answer.status_code == 200
    return bytes(answer.data)


def _versions(app: Flask, address: str) -> list[tuple[int, str]]:
    record_id = int(address.rsplit("/", 1)[1])
    with app.app_context():
        rows = db.session.execute(
            select(RecordRow.position, Attachment.name)
            .join(Attachment, Attachment.row_id == RecordRow.id)
            .where(RecordRow.record_id == record_id)
            .order_by(RecordRow.position)
        ).all()
        db.session.remove()
    return [(number, name) for number, name in rows]


def test_a_file_goes_into_a_folder_and_comes_back_out(
    alice: Visitor, bob_visits: Visitor, documents: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    page = bob_visits.get(file)
    assert page.h1 == "Permit.pdf"
    assert "Permits" in page.links()
    download = _download(bob_visits, permits, "Permit.pdf")
    assert _content(bob_visits, download) == PERMIT


@pytest.fixture
def bob_visits(signed_in: SignIn) -> Visitor:
    return signed_in("bob")


def test_a_file_of_the_same_name_is_the_next_version(
    app: Flask, alice: Visitor, bob_visits: Visitor, documents: str
) -> None:
    schedule = folder(alice, documents, "Schedule")
    file = put(alice, schedule, "Baseline.pdf", b"one")
    attach_upload(bob_visits, f"{schedule}/attach/", ("BASELINE.pdf", b"two"))
    attach_upload(alice, f"{file}/attach/", ("Baseline of May.pdf", b"three"))
    assert _versions(app, file) == [
        (1, "Baseline.pdf"),
        (2, "BASELINE.pdf"),
        (3, "Baseline of May.pdf"),
    ]
    newest = _download(alice, schedule, "Baseline.pdf")
    assert _content(alice, newest) == b"three"
    assert "added version 3: Baseline of May.pdf" in alice.get(file).text


def test_no_box_is_offered_and_none_is_taken(alice: Visitor, documents: str) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    for record in (permits, file):
        dialog = alice.get(f"{record}/attach/")
        assert "My computer" in dialog.links()
        assert "Box" not in dialog.links()
        for path in ("box/", "box/folders/0", "box/search?q=x"):
            alice.get(f"{record}/attach/{path}", expect=404)
        alice.post(f"{record}/attach/box/choose", {"choice": "1/0/1/x"}, expect=404)
        alice.get(f"{record}/attach/?source=box", expect=404)


def test_private_passes_down_however_deep(
    alice: Visitor, bob_visits: Visitor, signed_in: SignIn, world: World, documents: str
) -> None:
    contracts = folder(alice, documents, "Contracts")
    deep = folder(alice, contracts, "Signed")
    file = put(alice, deep, "Contract.pdf")
    download = _download(alice, deep, "Contract.pdf")
    assert "Contracts" in bob_visits.get(documents).links()
    bob_visits.get(file)
    values: dict[str, Any] = {"is_private": "yes", "visible_to": [str(world.people["dora"])]}
    alice.submit(alice.get(f"{contracts}/edit"), "/edit", **values)
    for address in (contracts, deep, file, download):
        bob_visits.get(address, expect=404)
    assert "Contracts" not in bob_visits.get(documents).links()
    assert "Contract.pdf" not in bob_visits.get(f"{documents}?q=contract").links()
    dora = signed_in("dora")
    assert dora.get(file).h1 == "Contract.pdf"
    later = put(dora, deep, "Annex.pdf")
    bob_visits.get(later, expect=404)


def test_moving_takes_on_the_privacy_of_where_it_goes(
    alice: Visitor, bob_visits: Visitor, documents: str
) -> None:
    contracts = folder(alice, documents, "Contracts")
    alice.submit(alice.get(f"{contracts}/edit"), "/edit", is_private="yes")
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    bob_visits.get(file)
    page = _move(alice, permits, contracts)
    assert "Contracts" in page.links()
    bob_visits.get(file, expect=404)
    page = alice.submit(alice.get(f"{permits}/move-to"), "/move-to", folder="top")
    assert bob_visits.get(file).h1 == "Permit.pdf"


def _move(visitor: Visitor, what: str, where: str) -> Page:
    page = visitor.get(f"{what}/move-to")
    return visitor.submit(page, "/move-to", folder=where.rsplit("/", 1)[1])


def test_a_folder_never_goes_into_itself(alice: Visitor, documents: str) -> None:
    above = folder(alice, documents, "Above")
    below = folder(alice, above, "Below")
    offered = [option.text for option in alice.get(f"{above}/move-to").all("option")]
    assert not any("Below" in (text or "") for text in offered)
    for target in (above, below):
        form = alice.get(f"{above}/move-to").form("/move-to")
        sent = {**form.values, "folder": target.rsplit("/", 1)[1]}
        page = alice.post(f"{above}/move-to", sent, expect=422)
        assert "cannot be moved into itself" in page.text


def test_a_file_cannot_lie_at_the_top_nor_in_a_file(alice: Visitor, documents: str) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    other = put(alice, permits, "Other.pdf")
    for target in ("top", other.rsplit("/", 1)[1], "", "9" * 30):
        alice.post(f"{file}/move-to", {"folder": target}, expect=422)


def test_a_name_is_there_once_in_a_folder(alice: Visitor, documents: str) -> None:
    permits = folder(alice, documents, "Permits")
    folder(alice, permits, "City")
    page = alice.post(f"{permits}/folders", {"name": "CITY"}, expect=422)
    assert "exists in this folder already" in page.text
    alice.post(f"{permits}/folders", {"name": "  "}, expect=422)
    file = put(alice, permits, "Permit.pdf")
    page = alice.submit(alice.get(f"{file}/edit"), "/edit", title="City", expect=422)
    assert "exists in this folder already" in page.text
    assert _new_name_of(alice, file) == "Permit.pdf"


def _new_name_of(visitor: Visitor, file: str) -> str:
    return visitor.get(file).h1


def test_a_name_that_only_others_see_is_free(
    app: Flask, alice: Visitor, bob_visits: Visitor, documents: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    alice.submit(alice.get(f"{file}/edit"), "/edit", is_private="yes")
    upload(bob_visits, f"{permits}/attach/", ("Permit.pdf", b"bob's"))
    dialog = bob_visits.get(f"{permits}/attach/?source=computer")
    bob_visits.submit(dialog, "/send")
    assert _versions(app, file) == [(1, "Permit.pdf")]
    assert "Permit.pdf" in bob_visits.get(permits).links()


def test_the_bin_takes_all_and_gives_all_back(
    alice: Visitor, bob_visits: Visitor, documents: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    old = put(alice, permits, "Old.pdf")
    alice.submit(alice.get(old), "/move", move="bin")
    alice.submit(alice.get(permits), "/move", move="bin")
    assert "Permits" not in alice.get(documents).links()
    in_bin = bob_visits.get(f"{documents}/bin").links()
    assert {"Permits", "Old.pdf"} <= set(in_bin)
    assert "Permit.pdf" not in in_bin
    page = alice.submit(alice.get(old), "/move", move="restore", expect=422)
    assert "Restore that first" in page.text
    alice.submit(alice.get(permits), "/move", move="restore")
    links = alice.get(permits).links()
    assert "Permit.pdf" in links
    assert "Old.pdf" not in links
    assert alice.get(file).status == 200
    alice.submit(alice.get(old), "/move", move="restore")
    assert "Old.pdf" in alice.get(permits).links()


def test_what_is_in_the_bin_takes_no_files(alice: Visitor, documents: str) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    alice.submit(alice.get(permits), "/move", move="bin")
    for record in (permits, file):
        alice.get(f"{record}/attach/", expect=403)
    alice.post(f"{permits}/folders", {"name": "More"}, expect=403)


def test_only_its_creator_and_admins_remove_a_document(
    alice: Visitor, bob_visits: Visitor, signed_in: SignIn, documents: str
) -> None:
    permits = folder(bob_visits, documents, "Permits")
    signed_in("dora").post(f"{permits}/move", {"move": "bin"}, expect=403)
    alice.submit(alice.get(permits), "/move", move="bin")
    bob_visits.submit(bob_visits.get(permits), "/move", move="restore")


@pytest.mark.parametrize(("days", "stays"), [(29, True), (31, False)])
def test_the_bin_is_emptied_after_thirty_days(
    app: Flask, alice: Visitor, documents: str, days: int, stays: bool
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    kept = put(alice, folder(alice, documents, "Kept"), "Kept.pdf")
    alice.submit(alice.get(permits), "/move", move="bin")
    with app.app_context():
        db.session.execute(
            update(Record)
            .where(Record.status == "binned")
            .values(closed_at=utcnow() - timedelta(days=days))
        )
        db.session.commit()
        delete_overdue()
        db.session.remove()
    expected = 200 if stays else 404
    alice.get(permits, expect=expected)
    alice.get(file, expect=expected)
    assert alice.get(kept).h1 == "Kept.pdf"


def test_read_only_makes_and_moves_nothing(
    alice: Visitor, signed_in: SignIn, documents: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    rita = signed_in("rita")
    assert rita.get(file).h1 == "Permit.pdf"
    rita.post(documents, {"name": "Mine"}, expect=404)
    rita.post(f"{permits}/folders", {"name": "Mine"}, expect=403)
    rita.get(f"{permits}/attach/", expect=403)
    rita.get(f"{file}/move-to", expect=403)
    rita.post(f"{file}/move-to", {"folder": "top"}, expect=403)


def test_another_projects_folder_is_none(
    alice: Visitor, signed_in: SignIn, world: World, documents: str
) -> None:
    permits = folder(alice, documents, "Permits")
    theirs = folder(signed_in("charlie"), f"/projects/{world.bridge}/documents", "Theirs")
    there = theirs.rsplit("/", 1)[1]
    alice.get(f"{documents}/{there}", expect=404)
    alice.post(f"{documents}/{there}/folders", {"name": "Mine"}, expect=404)
    alice.post(f"{permits}/move-to", {"folder": there}, expect=404)


def test_search_finds_a_file_in_every_folder(alice: Visitor, documents: str) -> None:
    deep = folder(alice, folder(alice, documents, "Reports"), "Soil")
    file = put(alice, deep, "Geotechnical report.pdf")
    found = alice.get(f"{documents}?q=geotech").links()
    assert found["Geotechnical report.pdf"] == file
    assert len(stored_keys(alice)) == 1

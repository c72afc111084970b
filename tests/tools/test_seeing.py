"""What hangs on a row is seen by whoever sees the row, by every door that tells of it."""

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from tests.tools.test_bidding import bid, bidding, invite, package
from webapp.companies.models import Level, ToolLevel
from webapp.core.database import db

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
__all__ = ["bidding"]


def zipped(visitor: Visitor, record: str) -> list[str]:
    """Return the names in the zip of a record's files, those of its list too; [] without one."""
    answer = visitor.client.get(f"{record}/files/zip", headers={"Host": HOST}, buffered=True)
    if answer.status_code != 200:
        return []
    archive = zipfile.ZipFile(BytesIO(answer.data))
    return [*archive.namelist(), archive.read("manifest.csv").decode()]


@pytest.fixture
def bids(alice: Visitor, bob: Visitor, signed_in: SignIn, bidding: str, world: World) -> str:
    """A package with a drawing of its own, two bids with a file each, and Rita in its CC group."""
    record = package(alice, bidding, distribution=[str(world.people["rita"])])
    attach_upload(alice, f"{record}/attach/", ("Drawing.pdf", b"package"))
    for visitor, name, company in (
        (bob, "bob", "Northfold"),
        (signed_in("dora"), "dora", "Hatchet"),
    ):
        row = invite(alice, record, company, world.people[name])
        bid(visitor, record, row, amount="10")
        attach_upload(visitor, f"{record}/rows/{row}/attach/", (f"{company}.pdf", b"bid"))
    return record


SEEN = {
    "alice": {"Drawing", "Northfold", "Hatchet"},
    "bob": {"Drawing", "Northfold"},
    "dora": {"Drawing", "Hatchet"},
    "rita": {"Drawing"},
}


def test_the_files_of_bids_are_told_to_nobody_else_by_any_door(
    signed_in: SignIn, bids: str, bidding: str, world: World
) -> None:
    project = f"/projects/{world.tower}"
    for name, seen in SEEN.items():
        visitor, hidden = signed_in(name), {"Northfold", "Hatchet"} - seen
        names = zipped(visitor, bids)
        for told in (
            " ".join(names),
            visitor.get(bids).html,
            visitor.get(f"{bids}/files").html,
            visitor.get(f"{bids}/sections/bidders/table").html,
            visitor.get(project).html,
            visitor.get(f"{project}/files").html,
            visitor.client.get(f"{project}/files.csv", headers={"Host": HOST}).text,
        ):
            assert not any(company in told for company in hidden), name
        assert all(any(part in told for told in names) for part in seen), name
        (count,) = visitor.get(bidding).all("td", class_="num c-hide")
        assert count.text == str(len(seen)), name


def test_a_file_of_an_answer_that_is_being_written_is_not_in_the_history(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    dialog = bob.submit(bob.get(here), "/sections/responses", text="See.", attach="yes")
    target = dialog.response.request.path.partition("/attach/")[0] + "/attach/"
    attach_upload(bob, target, ("Draft answer.pdf", b"bytes"))
    assert "Draft answer.pdf" in bob.get(here).text
    assert "Draft answer.pdf" not in alice.get(here).text
    bob.submit(bob.get(here), "/sections/responses", text="See.")
    assert "attached Draft answer.pdf" in alice.get(here).text


def test_whoever_invited_the_bidders_and_is_no_admin_any_more_sees_no_bid(
    app: Flask, alice: Visitor, bids: str, world: World, signed_in: SignIn
) -> None:
    """The rule asks what somebody is today, not who wrote the row."""
    with app.app_context():
        level = ToolLevel(
            project_id=world.tower,
            person_id=world.people["nell"],
            tool_key="bidding",
            level=Level.ADMIN,
        )
        db.session.add(level)
        db.session.commit()
        db.session.remove()
    nell = signed_in("nell")
    record = package(nell, bids.rpartition("/")[0], title="Roof", manager=str(world.people["nell"]))
    row = invite(nell, record, "Northfold", world.people["bob"])
    bid(signed_in("bob"), record, row, amount="4321")
    assert "4,321" in nell.get(record).text
    with app.app_context():
        hers = update(ToolLevel).where(
            ToolLevel.person_id == world.people["nell"], ToolLevel.tool_key == "bidding"
        )
        db.session.execute(hers.values(level=int(Level.STANDARD)))
        db.session.commit()
        db.session.remove()
    page = nell.get(record)
    assert "4,321" not in page.text
    assert "Northfold" not in page.text

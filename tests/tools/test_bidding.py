"""Bidding: each bidder sees their own bid and nothing of the others', until one is awarded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.companies.models import Level, ToolLevel, Vendor
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.registry import TOOLS

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
TODAY = utcnow().date()
TEXTS: dict[str, Any] = {"invitation": "Please bid.", "instructions": "Lump sum."}


@pytest.fixture
def bidding(app: Flask, world: World) -> str:
    """The tool's address in Tower, where Bob and Dora may bid and two companies are known."""
    with app.app_context():
        for name in ("Northfold", "Hatchet"):
            db.session.add(Vendor(company_id=world.acme, name=name, trade="Concrete"))
        for name in ("bob", "dora"):
            db.session.add(
                ToolLevel(
                    project_id=world.tower,
                    person_id=world.people[name],
                    tool_key="bidding",
                    level=Level.STANDARD,
                )
            )
        db.session.commit()
        db.session.remove()
    return f"/projects/{world.tower}/bidding"


def package(alice: Visitor, bidding: str, **values: Any) -> str:
    """Make an open package and return its address."""
    page = alice.post(bidding)
    given: dict[str, Any] = {"title": "Curtain wall", **TEXTS, "accounting": "amount", **values}
    page = alice.submit(page, "/edit", **given, move="open")
    return page.response.request.path


def invite(alice: Visitor, record: str, vendor: str, person: int | None = None) -> int:
    """Invite a company and return the id of its row."""
    page = alice.get(f"{record}/sections/bidders/add")
    offered = {option.text: option.get("value", "") for option in page.all("option")}
    page = alice.submit(page, "/add", vendor=offered[vendor], person=str(person or ""))
    ids = [tr.get("id", "") for tr in page.all("tr")]
    return max(int(found.removeprefix("row-")) for found in ids if found.startswith("row-"))


def bid(visitor: Visitor, record: str, row: int, *, expect: int = 200, **values: Any) -> Page:
    page = visitor.get(f"{record}/rows/{row}/edit")
    given = {"intent": "will_bid", "is_submitted": "y", **values}
    return visitor.submit(page, "/edit", expect=expect, **given)


@pytest.fixture
def invited(alice: Visitor, bidding: str, world: World) -> tuple[str, int, int]:
    """An open package with Bob bidding for Northfold and Dora for Hatchet."""
    record = package(alice, bidding)
    bobs = invite(alice, record, "Northfold", world.people["bob"])
    doras = invite(alice, record, "Hatchet", world.people["dora"])
    return record, bobs, doras


def test_a_package_is_numbered_and_needs_its_texts_to_be_opened(
    alice: Visitor, bidding: str
) -> None:
    page = alice.post(bidding)
    answer = alice.submit(page, "/edit", title="Steel", move="open", expect=422)
    assert "First fill in: Invitation message, Bidding instructions." in answer.text
    record = package(alice, bidding)
    assert "BP-0" in alice.get(record).text


def test_a_bidder_sees_their_own_bid_and_no_trace_of_the_others(
    alice: Visitor, bob: Visitor, signed_in: SignIn, invited: tuple[str, int, int]
) -> None:
    record, bobs, doras = invited
    alice.post(f"{record}/rows/{invite(alice, record, 'Northfold')}/remove")
    dora = signed_in("dora")
    bid(bob, record, bobs, amount="612400.00", comments="Traffic control excluded")
    attach_upload(bob, f"{record}/rows/{bobs}/attach/", ("bid.txt", b"our bid"))
    page = bob.get(record)
    assert "$612,400.00" in page.text
    assert "Hatchet" not in page.text
    theirs = dora.get(record)
    for hidden in ("612,400", "Northfold", "Traffic control", "bid.txt", "changed Bidder"):
        assert hidden not in theirs.text
    dora.get(f"{record}/rows/{bobs}/edit", expect=404)
    dora.get(f"{record}/rows/{bobs}/attach/", expect=404)
    bob.post(f"{record}/rows/{doras}/edit", {"amount": "1"}, expect=404)
    admin = alice.get(record)
    assert "Northfold" in admin.text
    assert "bid.txt" in admin.text


def test_a_bids_file_is_for_its_bidder_and_the_admins(
    alice: Visitor, bob: Visitor, signed_in: SignIn, invited: tuple[str, int, int]
) -> None:
    record, bobs, _doras = invited
    (file,) = attach_upload(bob, f"{record}/rows/{bobs}/attach/", ("bid.txt", b"our bid"))
    for visitor, status in ((alice, 200), (bob, 200), (signed_in("dora"), 404)):
        answer = visitor.client.get(
            f"/attachments/{file.public_id}", headers={"Host": "127.0.0.1:8000"}
        )
        assert answer.status_code == status
        answer.close()


def test_only_those_who_are_listed_see_a_package(
    alice: Visitor, signed_in: SignIn, invited: tuple[str, int, int], world: World
) -> None:
    record, _bobs, _doras = invited
    rita = signed_in("rita")
    rita.get(record, expect=404)
    assert "Curtain wall" not in rita.get(record.rpartition("/")[0]).text
    page = alice.get(f"{record}/edit")
    alice.submit(page, "/edit", distribution=[str(world.people["rita"])])
    seen = rita.get(record)
    assert "Please bid." in seen.text
    assert "Northfold" not in seen.text


def test_a_bidder_reads_their_own_bid_once_bidding_is_closed(
    alice: Visitor, bob: Visitor, invited: tuple[str, int, int]
) -> None:
    record, bobs, _doras = invited
    bid(bob, record, bobs, amount="10")
    alice.post(f"{record}/move", {"move": "close"})
    closed = bob.get(record)
    assert "$10.00" in closed.text
    assert "Hatchet" not in closed.text
    bob.post(f"{record}/rows/{bobs}/edit", {"amount": "1"}, expect=403)
    alice.post(f"{record}/move", {"move": "reopen"})
    assert "$10.00" in bob.get(record).text


def test_a_bid_is_no_bid_without_its_amount(bob: Visitor, invited: tuple[str, int, int]) -> None:
    record, bobs, _doras = invited
    page = bid(bob, record, bobs, expect=422)
    assert "Write the lump sum before you submit the bid." in page.text
    assert page.form("/edit").values["is_submitted"] == ["y"]


@pytest.mark.parametrize(("takes_late", "status"), [("", 422), ("y", 200)])
def test_a_late_bid_is_taken_where_the_package_says_so(
    alice: Visitor, bob: Visitor, bidding: str, world: World, takes_late: str, status: int
) -> None:
    due = (TODAY - timedelta(days=2)).isoformat()
    late: dict[str, Any] = {"takes_late": takes_late} if takes_late else {}
    record = package(alice, bidding, due_on=due, **late)
    row = invite(alice, record, "Northfold", world.people["bob"])
    answer = bid(bob, record, row, amount="10", expect=status)
    assert ("late bids are not accepted" in answer.text) is (status == 422)


def test_blind_bids_stay_hidden_from_admins_until_bidding_is_closed(
    alice: Visitor, bob: Visitor, bidding: str, world: World
) -> None:
    record = package(alice, bidding, is_blind="y")
    row = invite(alice, record, "Northfold", world.people["bob"])
    bid(bob, record, row, amount="777.00", comments="as agreed")
    assert "$777.00" in bob.get(record).text
    page = alice.get(record)
    assert "hidden for now" in page.text
    assert "777" not in page.text
    assert "as agreed" not in page.text
    assert "amount" not in alice.get(f"{record}/rows/{row}/edit").form("/edit").values
    page = alice.post(f"{record}/move", {"move": "close"})
    assert "$777.00" in page.text


def test_bids_are_levelled_and_one_is_awarded_once(
    app: Flask, alice: Visitor, bob: Visitor, signed_in: SignIn, invited: tuple[str, int, int]
) -> None:
    record, bobs, doras = invited
    bid(bob, record, bobs, amount="1000.00")
    bid(signed_in("dora"), record, doras, amount="900.50")
    assert "Award" not in [b.text for b in alice.get(record).all("button")]
    page = alice.post(f"{record}/move", {"move": "close"})
    leveling = page.text[page.text.index("Leveling") :]
    assert leveling.index("$900.50") < leveling.index("$1,000.00")
    assert "$99.50" in leveling
    if TOOLS.get("commitments") is None:
        answer = alice.post(f"{record}/act", {"action": f"award-{doras}"}, expect=422)
        assert "no tool for commitments" in answer.text
        return
    page = alice.post(f"{record}/act", {"action": f"award-{doras}"})
    assert page.form("/edit").values["title"] == ["Curtain wall"]
    assert "$900.50" in alice.get(f"{record.rpartition('/bidding')[0]}/commitments").text
    with app.app_context():
        (made,) = db.session.scalars(select(Record).where(Record.tool_key == "commitments"))
        assert str(made.amount) == "900.50"
        assert made.vendor is not None
        assert made.vendor.name == "Hatchet"
        db.session.remove()
    page = alice.get(record)
    assert "Awarded" in page.text
    assert "awarded the bid of" in page.text
    alice.post(f"{record}/act", {"action": f"award-{bobs}"}, expect=422)
    # What was compared and chosen stays as it was.
    assert "Edit" not in alice.get(record).text[page.text.index("Bidders") :]
    for row in (bobs, doras):
        alice.get(f"{record}/rows/{row}/edit", expect=403)
        answer = alice.post(f"{record}/rows/{row}/remove", expect=403)
        assert "The package is awarded; its bids stay as they are." in answer.text
    alice.get(f"{record}/sections/bidders/add", expect=403)
    answer = alice.post(f"{record}/move", {"move": "reopen"}, expect=422)
    assert "The package is awarded" in answer.text
    assert "$900.50" in answer.text


def test_a_bid_on_unit_prices_is_levelled_and_can_be_awarded(
    app: Flask, alice: Visitor, bob: Visitor, signed_in: SignIn, bidding: str, world: World
) -> None:
    record = package(alice, bidding, accounting="unit")
    bobs = invite(alice, record, "Northfold", world.people["bob"])
    doras = invite(alice, record, "Hatchet", world.people["dora"])
    bid(bob, record, bobs, comments="Tree 24 in. box: $410 each")
    bid(signed_in("dora"), record, doras, amount="900.50")
    page = alice.post(f"{record}/move", {"move": "close"})
    leveling = page.text[page.text.index("Leveling") :]
    # The one that can be compared comes first; the other says what it is and what it offers.
    assert leveling.index("$900.50") < leveling.index("Northfold") < leveling.index("Unit prices")
    assert "Tree 24 in. box: $410 each" in leveling
    asked = alice.get(f"{record}/ask?action=award-{bobs}")
    assert asked.h1 == "Award to Northfold on unit prices?"
    assert "Add its lines before you approve it." in asked.text
    alice.post(f"{record}/act", {"action": f"award-{bobs}"})
    with app.app_context():
        (made,) = db.session.scalars(select(Record).where(Record.tool_key == "commitments"))
        assert made.vendor is not None
        assert (made.vendor.name, str(made.amount)) == ("Northfold", "0.00")
        db.session.remove()
    assert "Awarded" in alice.get(record).text


def test_bidders_are_told_that_they_are_invited(
    alice: Visitor, bob: Visitor, bidding: str, world: World
) -> None:
    page = alice.post(bidding)
    record = alice.submit(page, "/edit", **{"title": "Steel", **TEXTS}).response.request.path
    invite(alice, record, "Northfold", world.people["bob"])
    bob.get(record, expect=404)
    alice.post(f"{record}/move", {"move": "open"})
    assert "You are invited to bid on BP-01: Steel" in bob.get("/notices").text
    assert "Please bid." in bob.get(record).text

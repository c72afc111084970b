"""Sealed bids stay sealed until bidding is closed, and bidders learn of everything."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from tests.tools.test_bidding import TODAY, bid, bidding, invite, package
from tests.tools.test_seeing import zipped
from webapp.companies.models import Company
from webapp.core.clock import utcnow
from webapp.core.database import db

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
__all__ = ["bidding"]
LATER = (TODAY + timedelta(days=3)).isoformat()
SECRETS = ("777.00", "as agreed", "secret bid")


@pytest.fixture
def sealed(alice: Visitor, bob: Visitor, bidding: str, world: World) -> tuple[str, int, str]:
    """A blind package that is due in three days, with Bob's bid, its row and its file."""
    record = package(alice, bidding, is_blind="y", due_on=LATER, due_at="14:00")
    row = invite(alice, record, "Northfold", world.people["bob"])
    bid(bob, record, row, amount="777.00", comments="as agreed")
    (file,) = attach_upload(bob, f"{record}/rows/{row}/attach/", ("secret bid.txt", b"bid"))
    return record, row, file.public_id


def doors(visitor: Visitor, record: str, row: int) -> str:
    """Return all that is told of a package by whichever door."""
    project = record.rpartition("/bidding")[0]
    plain = [f"{project}/files.csv"]
    return " ".join(
        [
            *zipped(visitor, record),
            visitor.get(record).html,
            visitor.get(f"{record}/files").html,
            visitor.get(f"{record}/sections/bidders/table").html,
            visitor.get(f"{record}/rows/{row}/edit", expect=None).html,
            visitor.get(f"{project}/files").html,
            visitor.get(project).html,
            visitor.get("/notices").html,
            *(
                visitor.client.get(path, headers={"Host": HOST}).data.decode("latin-1")
                for path in plain
            ),
        ]
    )


def is_shut(visitor: Visitor, sealed: tuple[str, int, str]) -> bool:
    record, row, file = sealed
    answer = visitor.client.get(f"/attachments/{file}", headers={"Host": HOST})
    answer.close()
    told = doors(visitor, record, row)
    assert not [secret for secret in SECRETS if secret in told]
    return bool(answer.status_code == 404)


def test_no_door_tells_an_admin_what_a_sealed_bid_holds(
    alice: Visitor, bob: Visitor, sealed: tuple[str, int, str], world: World
) -> None:
    record, row, file = sealed
    assert is_shut(alice, sealed)
    assert all(secret in doors(bob, record, row) for secret in SECRETS)
    # Nor does a row that names somebody else, or a package that is said not to be blind.
    form = {"vendor": "", "person": str(world.people["alice"]), "intent": "will_bid"}
    page = alice.get(f"{record}/rows/{row}/edit")
    answer = alice.submit(page, "/edit", **{**form, **_vendor(page)}, expect=422)
    assert "so its company and its contact stay" in answer.text
    alice.post(f"{record}/rows/{row}/remove", expect=409)
    page = alice.get(f"{record}/edit")
    assert "is_blind" not in page.form("/edit").values
    alice.submit(page, "/edit", is_blind="")
    assert is_shut(alice, sealed)
    for path in (f"/attachments/{file}/edit", f"/attachments/{file}/remove"):
        alice.get(path, expect=404)
    alice.get(f"{record}/rows/{row}/attach/", expect=403)


def _vendor(page: Any) -> dict[str, str]:
    return {"vendor": page.form("/edit").values["vendor"][0]}


def test_bids_are_due_no_earlier_than_the_bidders_were_told(
    app: Flask,
    alice: Visitor,
    bob: Visitor,
    signed_in: SignIn,
    sealed: tuple[str, int, str],
) -> None:
    record, _row, _file = sealed
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    for wrong in ({"due_on": yesterday}, {"due_at": "13:00"}):
        answer = alice.submit(alice.get(f"{record}/edit"), "/edit", **wrong, expect=422)
        assert "stay sealed until" in answer.text
    assert "The due date for bids on" not in bob.get("/notices").text
    alice.submit(alice.get(f"{record}/edit"), "/edit", is_due_tbd="y")
    assert "The due date for bids on" in bob.get("/notices").text
    form = alice.get(f"{record}/edit")
    values = {**form.form("/edit").values, "due_at": "13:00"}
    values.pop("is_due_tbd")
    assert "stay sealed until" in alice.post(f"{record}/edit", values, expect=422).text
    # Nor does a date that is to be determined, or a clock on the other side of the world.
    refused = alice.post(f"{record}/move", {"move": "close"}, expect=422)
    assert "The bids are sealed until" in refused.text
    with app.app_context():
        db.session.execute(update(Company).values(timezone="Pacific/Kiritimati"))
        db.session.commit()
        db.session.remove()
    with time_machine.travel(f"{LATER}T06:00:00Z", tick=False):
        later = signed_in("alice")
        later.post(f"{record}/move", {"move": "close"}, expect=422)
        assert is_shut(later, sealed)


def test_bids_are_opened_early_with_a_reason_that_all_bidders_read(
    alice: Visitor, bob: Visitor, sealed: tuple[str, int, str]
) -> None:
    record, row, _file = sealed
    refused = alice.post(f"{record}/move", {"move": "close"}, expect=422)
    assert "The bids are sealed until" in refused.text
    refused = alice.post(f"{record}/move", {"move": "open_early", "reason": " "}, expect=422)
    assert "Say why" in refused.text
    assert is_shut(alice, sealed)
    page = alice.post(f"{record}/move", {"move": "open_early", "reason": "The owner stops"})
    assert "$777.00" in page.text
    assert "Open bids early" in page.text
    assert "Reason given: The owner stops" in page.text
    assert "were opened early" in bob.get("/notices").text
    assert "Reason given: The owner stops" in bob.get(record).text
    answer = alice.post(f"{record}/move", {"move": "reopen"}, expect=422)
    assert "have been opened" in answer.text
    bob.get(f"{record}/rows/{row}/edit", expect=403)


def test_once_bids_are_due_bidding_is_closed_and_opened(
    signed_in: SignIn, sealed: tuple[str, int, str]
) -> None:
    record, row, file = sealed
    with time_machine.travel(utcnow() + timedelta(days=4), tick=False):
        alice, bob = signed_in("alice"), signed_in("bob")
        page = bob.get(f"{record}/rows/{row}/edit")
        answer = bob.submit(page, "/edit", amount="1", expect=422)
        assert "late bids are not accepted" in answer.text
        bob.get(f"{record}/rows/{row}/attach/", expect=403)
        bob.get(f"/attachments/{file}/edit", expect=403)
        page = alice.post(f"{record}/move", {"move": "close"})
        assert "$777.00" in page.text
        assert "secret bid.txt" in page.text
        assert "to Closed" in bob.get("/notices").text
        theirs = bob.get(record)
        assert "$777.00" in theirs.text
        assert "No bid has been chosen yet" in theirs.text
        alice.post(f"/attachments/{file}/remove", expect=403)


def test_an_open_package_has_no_bids_to_open_early(alice: Visitor, bidding: str) -> None:
    record = package(alice, bidding, due_on=LATER)
    assert "Open bids early" not in alice.get(record).text
    alice.post(f"{record}/move", {"move": "open_early", "reason": "x"}, expect=422)


def test_bidders_stand_in_the_form_that_invites_them(
    alice: Visitor, bob: Visitor, bidding: str, world: World
) -> None:
    page = alice.post(bidding)
    values = page.form("/edit").values
    (northfold,) = [
        option.get("value", "") for option in page.all("option") if option.text == "Northfold"
    ][:1]
    assert "bidders-1-vendor" in values
    given: dict[str, Any] = {
        "title": "Steel",
        "invitation": "Please bid.",
        "instructions": "Lump sum.",
        "bidders-1-vendor": northfold,
        "bidders-1-person": str(world.people["rita"]),
        "move": "open",
    }
    answer = alice.submit(page, "/edit", **given, expect=422)
    assert "Rita Test cannot bid yet. Give them Standard in Bidding first" in answer.text
    assert answer.form("/edit").values["bidders-1-vendor"] == [northfold]
    given["bidders-1-person"] = str(world.people["bob"])
    page = alice.submit(answer, "/edit", **given)
    assert "Northfold" in page.text
    assert "You are invited to bid on BP-01: Steel" in bob.get("/notices").text


def test_whoever_is_invited_later_is_told_once(
    alice: Visitor, bob: Visitor, bidding: str, world: World
) -> None:
    record = package(alice, bidding)
    invite(alice, record, "Northfold", world.people["bob"])
    invite(alice, record, "Hatchet", world.people["dora"])
    assert bob.get("/notices").text.count("You are invited to bid") == 1


def test_a_bidder_reads_what_has_become_of_their_bid(
    app: Flask, alice: Visitor, bob: Visitor, signed_in: SignIn, bidding: str, world: World
) -> None:
    record, dora = package(alice, bidding), signed_in("dora")
    rows = {}
    for visitor, name, company, amount in (
        (bob, "bob", "Northfold", "900"),
        (dora, "dora", "Hatchet", "1000"),
    ):
        rows[name] = invite(alice, record, company, world.people[name])
        bid(visitor, record, rows[name], amount=amount)
    page = alice.get(f"{record}/rows/{rows['bob']}/edit")
    assert "amount" not in page.form("/edit").values
    alice.post(f"{record}/move", {"move": "close"})
    alice.post(f"{record}/act", {"action": f"award-{rows['bob']}"})
    assert "Your bid was chosen" in bob.get(record).text
    assert "was awarded: Curtain wall" in bob.get("/notices").text
    theirs = dora.get(record)
    assert "Another bid was chosen" in theirs.text
    assert "was awarded to somebody else" in dora.get("/notices").text
    for hidden in ("Northfold", "900", "Bob"):
        assert hidden not in theirs.text

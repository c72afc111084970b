"""Before confirming: what the chosen files meet where they are going, and who will see them."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.imports.conftest import CARDS, W9, Bench
from tests.picker.dialog import (
    address_of,
    lines,
    marks,
    tick,
    upload,
)
from tests.sandbox.process import SandboxProcess
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.companies.models import CompanyMember, Vendor
from webapp.core.database import db
from webapp.records.models import RecordRow

W9_NAME, CARDS_NAME = "Fennimore - W-9.pdf", "Contact cards.vcf"


@pytest.fixture
def bench(app: Flask, linked: Visitor, sandbox: SandboxProcess, world: World) -> Bench:
    return Bench(app, sandbox, linked, f"/projects/{world.tower}/rfis/{world.rfi}")


def tray(bench: Bench) -> Page:
    return bench.person.get(f"{bench.target}tray")


def test_a_file_that_meets_nothing_is_said_nothing_of(bench: Bench) -> None:
    bench.choose(W9, CARDS)
    assert marks(tray(bench)) == {W9_NAME: [], CARDS_NAME: []}


def test_a_newer_version_of_an_attached_file_says_so(bench: Bench) -> None:
    bench.attach(W9)
    bench.work()
    bench.sandbox.change("new_version", W9, size=1234)
    bench.choose(W9, CARDS)
    said = marks(tray(bench))
    assert said == {W9_NAME: ["Newer than the attached version 1"], CARDS_NAME: []}


def test_an_older_version_and_one_of_no_number_say_what_they_are(bench: Bench) -> None:
    bench.choose(W9)
    older = chosen_token(bench, W9)
    bench.sandbox.change("new_version", W9, size=1234)
    bench.attach(W9)
    bench.work()
    tick(bench.person, bench.target, older)
    assert marks(tray(bench)) == {W9_NAME: ["Older than the attached version 2"]}


def chosen_token(bench: Bench, path: str) -> str:
    folder = address_of(bench.sandbox, bench.target, path.rpartition("/")[0])
    rows = lines(bench.person.get(folder))
    return next(row.token for row in rows if row.name == path.rpartition("/")[2])


def test_a_version_that_a_colleague_attached_meanwhile_says_so(
    bench: Bench, app: Flask, world: World
) -> None:
    bench.attach(W9)
    file = bench.sandbox.world(W9)
    bench.choose(CARDS)
    bench.work()
    with app.app_context():
        row = "UPDATE tray_items SET box_file_id = :file, box_version_id = :version"
        db.session.execute(db.text(row), {"file": file["id"], "version": file["version_id"]})
        db.session.commit()
        db.session.remove()
    assert marks(tray(bench)) == {CARDS_NAME: ["This version is attached here already"]}


def test_another_file_of_the_same_name_says_that_both_stay(bench: Bench) -> None:
    attach_upload(bench.person, bench.target, (CARDS_NAME.upper(), b"others"))
    bench.choose(W9, CARDS)
    said = marks(tray(bench))
    assert said == {
        W9_NAME: [],
        CARDS_NAME: ["Same name as a file attached here, kept beside it"],
    }


def test_two_chosen_files_of_one_name_say_so_whatever_they_come_from(bench: Bench) -> None:
    bench.choose(W9, CARDS)
    upload(bench.person, bench.target, "contact CARDS.vcf")
    said = marks(tray(bench))
    twice = ["Same name as another chosen file, both are kept"]
    assert said == {W9_NAME: [], CARDS_NAME: twice, "contact CARDS.vcf": twice}
    page = tray(bench)
    item = next(
        b.get("value", "")
        for b in page.all("button")
        if b.get("aria-label") == f"Remove {CARDS_NAME}"
    )
    bench.person.post(f"{bench.target}tray", {"item": item}, htmx=True)
    assert marks(tray(bench)) == {W9_NAME: [], "contact CARDS.vcf": []}


def test_a_removed_file_meets_nobody(bench: Bench) -> None:
    (file,) = attach_upload(bench.person, bench.target, (CARDS_NAME, b"others"))
    bench.person.post(f"/attachments/{file.public_id}/remove")
    bench.choose(CARDS)
    assert marks(tray(bench)) == {CARDS_NAME: []}


def test_what_hangs_on_another_record_is_not_met(bench: Bench, world: World) -> None:
    attach_upload(bench.person, bench.target, (CARDS_NAME, b"others"))
    other = f"/projects/{world.tower}/rfis/{world.private_rfi}/attach/"
    page = bench.person.get(address_of(bench.sandbox, other, CARDS.rpartition("/")[0]))
    token = next(row.token for row in lines(page) if row.name == CARDS_NAME)
    assert marks(tick(bench.person, other, token)) == {CARDS_NAME: []}


# ---- who will see them


@pytest.fixture
def employers(app: Flask, world: World) -> dict[str, int]:
    """Bob works for a glazier, Dora for a steel erector, Rita for Acme itself."""
    jobs = {"bob": "Greyfold Glazing", "dora": "Halvorsen Steel", "rita": "Acme Builders"}
    found: dict[str, int] = {}
    with app.app_context():
        for person, name in jobs.items():
            query = select(Vendor).where(Vendor.name == name, Vendor.company_id == world.acme)
            vendor = db.session.scalar(query) or Vendor(company_id=world.acme, name=name)
            db.session.add(vendor)
            db.session.flush()
            found[person] = vendor.id
            employ(world, person, vendor.id)
        db.session.commit()
        db.session.remove()
    return found


def employ(world: World, person: str, vendor_id: int | None) -> None:
    db.session.execute(
        update(CompanyMember)
        .where(
            CompanyMember.company_id == world.acme,
            CompanyMember.person_id == world.people[person],
        )
        .values(vendor_id=vendor_id)
    )


def who_sees(visitor: Visitor, record: str) -> str:
    page = visitor.get(f"{record}/attach/tray")
    paragraphs = (p for p in page.all("p") if "who-sees" in (p.get("class") or ""))
    return " ".join("".join(next(paragraphs).itertext()).split())


def test_it_says_how_many_people_see_the_record(alice: Visitor, world: World) -> None:
    # Alice, Bob, Rita and Dora; Nell has no access to RFIs.
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    assert who_sees(alice, record) == "Visible to 4 people, none of them from other companies."


def test_it_names_up_to_two_other_companies(
    alice: Visitor, app: Flask, world: World, employers: dict[str, int]
) -> None:
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    assert who_sees(alice, record) == (
        "Visible to 4 people, 2 of them from Greyfold Glazing and Halvorsen Steel."
    )
    with app.app_context():
        employ(world, "dora", employers["bob"])
        db.session.commit()
        db.session.remove()
    assert who_sees(alice, record) == "Visible to 4 people, 2 of them from Greyfold Glazing."


def test_it_says_when_there_are_more_companies(
    alice: Visitor, app: Flask, world: World, employers: dict[str, int]
) -> None:
    with app.app_context():
        other = Vendor(company_id=world.acme, name="Zenith Paving")
        db.session.add(other)
        db.session.flush()
        employ(world, "rita", other.id)
        db.session.commit()
        db.session.remove()
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    assert who_sees(alice, record) == (
        "Visible to 4 people, 3 of them from Greyfold Glazing, Halvorsen Steel and others."
    )


@pytest.mark.usefixtures("employers")
def test_a_private_record_counts_its_own_people(alice: Visitor, world: World) -> None:
    record = f"/projects/{world.tower}/rfis/{world.private_rfi}"
    assert who_sees(alice, record) == (
        "This is private. Visible to 2 people, 1 of them from Greyfold Glazing."
    )


@pytest.mark.usefixtures("employers")
def test_a_draft_says_who_sees_it_later(alice: Visitor, world: World) -> None:
    record = f"/projects/{world.tower}/rfis/{world.draft_rfi}"
    assert who_sees(alice, record) == (
        "This is a draft, others see it later. "
        "Visible to 1 person, to nobody from other companies. "
        "After “Open” visible to 4 people, 2 of them from Greyfold Glazing and Halvorsen Steel."
    )
    made = alice.post(f"/projects/{world.tower}/rfis", follow_redirects=True)
    unsaved = made.response.request.path.removesuffix("/edit")
    assert who_sees(alice, unsaved) == "Only you see this draft and its files for now."


@pytest.mark.usefixtures("employers")
def test_a_bid_is_for_its_bidder_and_the_admins(
    alice: Visitor, bob: Visitor, app: Flask, world: World
) -> None:
    record, row = bid_of_bob(alice, app, world)
    whole = who_sees(alice, record)
    assert "from Greyfold Glazing" in whole
    assert who_sees(bob, f"{record}/rows/{row}") == (
        "A bid is shown to its bidder and the tool's admins only. "
        "Visible to 2 people, 1 of them from Greyfold Glazing."
    )


def test_a_draft_that_stays_among_the_same_people_promises_nobody_else(
    alice: Visitor, world: World
) -> None:
    made = alice.post(f"/projects/{world.tower}/rfis")
    mine = str(world.people["alice"])
    page = alice.submit(made, "/edit", title="Ours", manager=mine, is_private="y")
    record = str(page.response.request.path)
    assert who_sees(alice, record) == (
        "This is private. Visible to 1 person, to nobody from other companies."
    )


@pytest.mark.usefixtures("employers")
def test_the_draft_of_a_bid_package_names_who_is_invited(
    alice: Visitor, app: Flask, world: World
) -> None:
    record = package(alice, world)
    now = "Visible to 1 person, to nobody from other companies."
    assert who_sees(alice, record) == f"This is a draft. {now}"
    invite(alice, world, record, "bob", "Greyfold Glazing")
    assert who_sees(alice, record) == (
        f"This is a draft, others see it later. {now} "
        "After “Invite the bidders” visible to 2 people, 1 of them from Greyfold Glazing."
    )
    # Whoever bids for a company comes from it, though the project's list does not say so.
    with app.app_context():
        db.session.execute(update(CompanyMember).values(vendor_id=None))
        db.session.commit()
        db.session.remove()
    invite(alice, world, record, "dora", "Halvorsen Steel")
    later = "visible to 3 people, 2 of them from Greyfold Glazing and Halvorsen Steel."
    assert who_sees(alice, record).endswith(f"After “Invite the bidders” {later}")
    alice.post(f"{record}/move", {"move": "open"})
    few = "Only those who are named here and the tool's admins see this."
    assert who_sees(alice, record) == f"{few} V{later[1:]}"


@pytest.mark.usefixtures("employers")
def test_nobody_hangs_files_on_a_bid_for_its_bidder(
    alice: Visitor, app: Flask, world: World
) -> None:
    record = package(alice, world)
    row = invite(alice, world, record, "bob", "Greyfold Glazing")
    alice.get(f"{record}/rows/{row}/attach/tray", expect=403)


@pytest.mark.usefixtures("employers")
def test_a_response_is_its_authors_until_it_is_sent(alice: Visitor, world: World) -> None:
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    page = alice.submit(alice.get(record), "/sections/responses", text="So far", attach="yes")
    place = str(page.response.request.path).partition("/attach/")[0]
    assert who_sees(alice, place) == (
        "Only you see this until you send it. After “Send response” visible to 4 people, "
        "2 of them from Greyfold Glazing and Halvorsen Steel."
    )


@pytest.mark.usefixtures("employers")
def test_drawings_that_are_looked_through_are_the_admins(alice: Visitor, world: World) -> None:
    page = alice.post(f"/projects/{world.tower}/drawings")
    page = alice.submit(page, "/edit", title="Sheets", set="IFC Set")
    assert who_sees(alice, str(page.response.request.path)) == (
        "Only the tool's admins see this for now. "
        "Visible to 1 person, to nobody from other companies."
    )


@pytest.mark.usefixtures("employers")
def test_a_message_says_how_many_addresses_outside_it_goes_to(alice: Visitor, world: World) -> None:
    page = alice.post(f"/projects/{world.tower}/emails")
    page = alice.submit(
        page,
        "/edit",
        title="Crane",
        message="Thursday",
        to=str(world.people["bob"]),
        is_private="y",
        outside="ed@b.example, flo@c.example",
    )
    assert who_sees(alice, str(page.response.request.path)) == (
        "This is private. Visible to 1 person, to nobody from other companies. "
        "After “Send” visible to 2 people, 1 of them from Greyfold Glazing. "
        "They go to 2 addresses outside this project, too."
    )


def package(alice: Visitor, world: World) -> str:
    """Save the draft of a bid package, and return its address."""
    page = alice.post(f"/projects/{world.tower}/bidding")
    given: dict[str, Any] = {
        "title": "Curtain wall",
        "invitation": "Please bid.",
        "instructions": "Lump sum.",
        "accounting": "amount",
    }
    return str(alice.submit(page, "/edit", **given).response.request.path)


def invite(alice: Visitor, world: World, record: str, person: str, vendor: str) -> int:
    """Invite a company with somebody who bids for it; return the row's id."""
    page = alice.get(f"{record}/sections/bidders/add")
    offered = {option.text: option.get("value", "") for option in page.all("option")}
    alice.submit(page, "/add", vendor=offered[vendor], person=str(world.people[person]))
    with alice.app.app_context():
        row = db.session.scalars(select(RecordRow.id).order_by(RecordRow.id.desc())).first()
        db.session.remove()
    assert row is not None
    return row


def bid_of_bob(alice: Visitor, app: Flask, world: World) -> tuple[str, int]:
    """Make an open bid package with Bob's company invited; return its address and his row."""
    record = package(alice, world)
    alice.post(f"{record}/move", {"move": "open"})
    return record, invite(alice, world, record, "bob", "Greyfold Glazing")

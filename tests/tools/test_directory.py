"""The directory's companies: what is kept of them, their insurance, whom they stand for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.pages import XHTML, Page, Visitor
from tests.support.world import World
from webapp.companies.models import Project, ProjectMember, Vendor
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.registry import TOOLS

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


def directory(project_id: int) -> str:
    return f"/projects/{project_id}/directory"


def new_company(visitor: Visitor, project_id: int, name: str, **values: Any) -> Page:
    page = visitor.post(directory(project_id))
    return visitor.submit(page, "/edit", title=name, **values)


def address(page: Page) -> str:
    return str(page.response.request.path)


def insure(visitor: Visitor, here: str, kind: str, days: int, **values: Any) -> Page:
    page = visitor.get(f"{here}/sections/insurance/add")
    expires = (utcnow() + timedelta(days=days)).date().isoformat()
    given = {"type": kind, "provider": "Harrow Mutual", "due_on": expires, **values}
    return visitor.submit(page, "/sections/insurance/add", **given)


def vendors(app: Flask, company_id: int) -> dict[str, str]:
    """Return the trades of a company's vendors by their names."""
    with app.app_context():
        query = select(Vendor.name, Vendor.trade).where(Vendor.company_id == company_id)
        found = dict(db.session.execute(query).all())
        db.session.remove()
    return found


@pytest.fixture
def annex(app: Flask, world: World) -> int:
    """A second project of Acme, on which Bob is Admin."""
    with app.app_context():
        project = Project(company_id=world.acme, number="T-2", name="Annex")
        db.session.add(project)
        db.session.flush()
        db.session.add(ProjectMember(project_id=project.id, person_id=world.people["bob"], level=3))
        db.session.commit()
        found = project.id
        db.session.remove()
    return found


def test_a_company_is_kept_with_everything_it_says(alice: Visitor, world: World) -> None:
    page = new_company(
        alice,
        world.tower,
        "Northfold Concrete",
        abbreviation="NFC",
        trades="Concrete",
        phone="970-555-0144",
        email="office@northfold.example",
        address="1 Quarry Road, Dellwick",
        website="northfold.example",
        license="C8-5521",
        contact=str(world.people["bob"]),
        is_bidder="y",
        is_prequalified="y",
    )
    assert page.h1 == "Northfold Concrete"
    for words in (
        "Abbreviated name NFC",
        "Trades Concrete",
        "Phone 970-555-0144",
        "E-mail office@northfold.example",
        "Address 1 Quarry Road, Dellwick",
        "Website northfold.example",
        "Licence number C8-5521",
        "Primary contact Bob Test",
        "Authorized bidder Yes",
        "Prequalified Yes",
        "Active",
        "No insurance is on file.",
    ):
        assert words in page.text, words
    assert "Ball in court" not in page.text
    listed = alice.get(directory(world.tower))
    for words in ("Northfold Concrete", "NFC", "Concrete", "970-555-0144"):
        assert words in listed.text, words


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("title", "", "Write a few words."),
        ("abbreviation", "x" * 11, "at most 10 characters"),
        ("phone", "x" * 61, "at most 60 characters"),
        ("contact", "999999", "Choose one of these."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    alice: Visitor, world: World, field: str, value: str, complaint: str
) -> None:
    page = alice.post(directory(world.tower))
    answer = alice.submit(page, "/edit", **{"title": "Xylo", field: value}, expect=422)
    assert complaint in answer.text
    assert "Xylo" not in alice.get(directory(world.tower)).links()


# ---- vendors


def test_a_new_company_is_offered_by_the_vendor_fields_of_all_tools(
    app: Flask, alice: Visitor, world: World
) -> None:
    new_company(alice, world.tower, "Northfold Concrete", trades="Concrete")
    assert vendors(app, world.acme)["Northfold Concrete"] == "Concrete"
    form = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit")
    assert "Northfold Concrete" in form.text


def test_a_company_that_is_there_already_is_not_doubled(
    app: Flask, alice: Visitor, world: World
) -> None:
    new_company(alice, world.tower, "greyfold glazing", trades="Curtain wall")
    assert vendors(app, world.acme) == {"greyfold glazing": "Curtain wall"}
    # Names need not be unique: a second one of the same name is another company.
    new_company(alice, world.tower, "greyfold glazing")
    with app.app_context():
        names = db.session.scalars(select(Vendor.name)).all()
        ids = db.session.scalars(
            select(Record.vendor_id).where(Record.tool_key == "directory")
        ).all()
        db.session.remove()
    assert names == ["greyfold glazing", "greyfold glazing"]
    assert len(set(ids)) == 2


def test_changing_a_company_changes_its_vendor(app: Flask, alice: Visitor, world: World) -> None:
    page = new_company(alice, world.tower, "Northfold", trades="Concrete")
    edit = alice.get(f"{address(page)}/edit")
    alice.submit(edit, "/edit", title="Northfold Concrete Co.", trades="Paving")
    found = vendors(app, world.acme)
    assert found["Northfold Concrete Co."] == "Paving"
    assert "Northfold" not in found


def test_a_new_name_reaches_the_companys_other_projects_and_says_who(
    alice: Visitor, world: World, annex: int
) -> None:
    first = address(new_company(alice, world.tower, "Northfold"))
    second = address(new_company(alice, annex, "Northfold"))
    alice.submit(alice.get(f"{first}/edit"), "/edit", title="Northfold Concrete")
    page = alice.get(second)
    assert page.h1 == "Northfold Concrete"
    assert "Alice Test changed this Name: Northfold → Northfold Concrete" in page.text


def test_another_tenants_vendor_of_the_same_name_is_left_alone(
    app: Flask, alice: Visitor, charlie: Visitor, world: World
) -> None:
    new_company(alice, world.tower, "Northfold", trades="Concrete")
    page = new_company(charlie, world.bridge, "Northfold", trades="Earthwork")
    charlie.submit(charlie.get(f"{address(page)}/edit"), "/edit", title="Southfold")
    assert vendors(app, world.acme)["Northfold"] == "Concrete"
    assert vendors(app, world.borealis) == {"Southfold": "Earthwork"}


def test_a_company_that_was_begun_and_not_saved_is_no_vendor(
    app: Flask, alice: Visitor, world: World
) -> None:
    alice.post(directory(world.tower))
    assert vendors(app, world.acme) == {"Greyfold Glazing": "Glazing"}


# ---- insurance


@pytest.mark.parametrize(
    ("days", "mark"),
    [(-1, "expired"), (0, "expires soon"), (30, "expires soon"), (31, "")],
)
def test_insurance_that_runs_out_is_marked_on_the_page_and_in_the_list(
    alice: Visitor, world: World, days: int, mark: str
) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    page = insure(alice, here, "general", days, policy="GL-7", amount="2000000")
    assert "General liability" in page.text
    assert "$2,000,000.00" in page.text
    for shown in (page, alice.get(directory(world.tower))):
        for word in ("expired", "expires soon"):
            assert (f", {word}" in shown.text) is (word == mark), word


def test_a_renewal_counts_for_what_it_renews_only(alice: Visitor, world: World) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    insure(alice, here, "general", -10)
    insure(alice, here, "automobile", 200)
    assert ", expired" in alice.get(directory(world.tower)).text
    insure(alice, here, "general", 355)
    listed = alice.get(directory(world.tower)).text
    assert ", expired" not in listed
    # The old policy stays on the page, and stays marked.
    assert ", expired" in alice.get(here).text


def test_taking_an_insurance_away_is_noticed(alice: Visitor, world: World) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    page = insure(alice, here, "general", -10)
    edit = next(href for href in page.links().values() if "/rows/" in href and "/edit" in href)
    alice.post(f"{edit.removesuffix('/edit')}/remove")
    assert ", expired" not in alice.get(directory(world.tower)).text
    assert "removed Insurance: Harrow Mutual" in alice.get(here).text


# ---- statuses and who


def test_a_company_is_set_inactive_and_active_again_by_admins(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    signed_in("bob").post(f"{here}/move", {"move": "deactivate"}, expect=403)
    page = alice.post(f"{here}/move", {"move": "deactivate"})
    assert "Inactive" in page.text
    assert "Northfold" not in alice.get(f"{directory(world.tower)}?status=active").links()
    assert "Northfold" in alice.get(f"{directory(world.tower)}?status=inactive").links()
    assert "Mark as inactive" in alice.post(f"{here}/move", {"move": "activate"}).text


def test_the_list_finds_companies_by_trade_and_by_word(alice: Visitor, world: World) -> None:
    new_company(alice, world.tower, "Northfold", trades="Concrete, Masonry")
    new_company(alice, world.tower, "Hatchet", trades="Structural Steel")
    new_company(alice, world.tower, "Southfold", trades="Concrete Pumping")
    page = alice.get(directory(world.tower))
    found = ["Any", "Concrete", "Concrete Pumping", "Masonry", "Structural Steel"]
    assert options(page, "trades") == found
    for query, names in (
        ("trades=Concrete", {"Northfold"}),
        ("trades=masonry", {"Northfold"}),
        ("trades=Structural+Steel", {"Hatchet"}),
        ("trades=Concrete&q=south", set()),
        ("q=fold", {"Northfold", "Southfold"}),
        ("trades=Plumbing", set()),
    ):
        links = alice.get(f"{directory(world.tower)}?{query}").links()
        assert {"Northfold", "Hatchet", "Southfold"} & set(links) == names, query


def test_trades_are_kept_tidy_on_the_vendor_too(app: Flask, alice: Visitor, world: World) -> None:
    new_company(alice, world.tower, "Northfold", trades=" concrete ,Concrete,Masonry,")
    assert vendors(app, world.acme)["Northfold"] == "Concrete, Masonry"


def options(page: Page, name: str) -> list[str]:
    (select_,) = page.all("select", name=name)
    return [" ".join("".join(o.itertext()).split()) for o in select_.iter(f"{XHTML}option")]


def test_an_inactive_company_is_chosen_nowhere_anew_and_stays_where_it_stands(
    app: Flask, alice: Visitor, world: World, annex: int
) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    first = f"/projects/{world.tower}/rfis/{world.rfi}"
    second = f"/projects/{world.tower}/rfis/{world.private_rfi}"
    with app.app_context():
        northfold = db.session.scalar(select(Vendor.id).where(Vendor.name == "Northfold"))
        db.session.remove()
    alice.submit(alice.get(f"{first}/edit"), "/edit", vendor=str(northfold))
    alice.post(f"{here}/move", {"move": "deactivate"})
    # Where it stands it is shown, and saving the form keeps it.
    assert "Northfold" in alice.get(first).text
    edit = alice.get(f"{first}/edit")
    assert "Northfold (inactive)" in options(edit, "vendor")
    page = alice.submit(edit, "/edit", title="Saved again")
    assert "Responsible contractor Northfold" in page.text
    # Nowhere else is it offered or taken.
    edit = alice.get(f"{second}/edit")
    assert "Northfold" not in " ".join(options(edit, "vendor"))
    assert "Greyfold Glazing" in options(edit, "vendor")
    answer = alice.submit(edit, "/edit", vendor=str(northfold), expect=422)
    assert "Choose one of these." in answer.text
    invite = alice.get(f"{directory(world.tower)}/people/new")
    assert "Northfold" not in options(invite, "vendor")
    bids = alice.submit(alice.post(f"/projects/{world.tower}/bidding"), "/edit", title="Steel")
    row = alice.get(f"{address(bids)}/sections/bidders/add")
    assert "Northfold" not in " ".join(options(row, "vendor"))
    # Another project has its own directory, and lists still find what is its.
    other = alice.post(f"/projects/{annex}/rfis")
    assert "Northfold" in options(other, "vendor")
    alice.post(f"{here}/move", {"move": "activate"})
    assert "Northfold" in options(alice.get(f"{second}/edit"), "vendor")


def test_a_list_can_still_be_filtered_by_an_inactive_company(alice: Visitor, world: World) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    alice.post(f"{here}/move", {"move": "deactivate"})
    listed = [tool for tool in TOOLS if "vendor" in tool.filters]
    assert listed
    for tool in listed:
        page = alice.get(f"/projects/{world.tower}/{tool.slug}")
        assert "Northfold" in options(page, "vendor"), tool.key


def test_readers_read_and_only_admins_write(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    here = address(new_company(alice, world.tower, "Northfold"))
    for name in ("bob", "rita"):
        visitor = signed_in(name)
        page = visitor.get(here)
        assert "Add insurance" not in page.text
        assert "Attach File(s)" not in page.links()
        visitor.get(f"{here}/edit", expect=403)
        visitor.get(f"{here}/attach/?source=computer", expect=403)
        visitor.get(f"{here}/sections/insurance/add", expect=403)
        visitor.post(directory(world.tower), expect=404)
    signed_in("charlie").get(here, expect=404)


def test_the_tabs_lead_to_people_and_groups(alice: Visitor, world: World) -> None:
    links = alice.get(directory(world.tower)).links()
    assert alice.get(links["People"]).h1 == "Directory"
    assert alice.get(links["Groups"]).h1 == "Directory"

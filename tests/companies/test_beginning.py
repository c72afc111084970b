"""A company begins with its first administrator, then projects begin and people join."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.support.pages import HOST, Page, Visitor
from tests.support.world import World

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
SECRET = "words that nobody guesses"


@pytest.fixture
def imani(signed_in: SignIn) -> Visitor:
    """The Implementation Manager."""
    return signed_in("imani")


def begin(imani: Visitor, expect: int | None = 200, **values: str) -> Page:
    given = {
        "name": "Cardinal Works",
        "city": "Denver",
        "timezone": "America/Denver",
        "email": "petra@cardinal.example",
        "first": "Petra",
        "last": "Nowak",
        **values,
    }
    return imani.submit(imani.get("/companies/new"), "/companies/new", expect=expect, **given)


def link_on(page: Page) -> str:
    shown = next((i.get("value") or "" for i in page.all("input", readonly="")), "")
    return shown.removeprefix(f"http://{HOST}")


def accept(app: Flask, link: str, email: str) -> Visitor:
    """Set a password with a link, and sign in with it."""
    newcomer = Visitor(app)
    form = newcomer.get(link)
    newcomer.submit(form, link, new=SECRET, again=SECRET)
    return newcomer.sign_in(email, SECRET)


def test_from_an_empty_company_to_a_record_without_touching_the_database(
    app: Flask, imani: Visitor
) -> None:
    begun = begin(imani)
    assert begun.h1 == "Administrators of Cardinal Works"
    petra = accept(app, link_on(begun), "petra@cardinal.example")
    company = petra.get("/").links()["Company"]
    page = petra.get(company)
    assert "No project yet. Begin the first one." in page.text
    form = petra.get(page.links()["New project"])
    home = petra.submit(form, "/projects/new", number="26-01", name="Depot", starts_on="2026-03-01")
    assert home.h1 == "Depot"
    rfis = petra.get(home.links()["RFIs"])
    draft = petra.submit(rfis, "/rfis")
    assert draft.status == 200
    # Her company has the usual templates to give, and Box to ask for.
    assert "Superintendent" in petra.get(f"{company}/templates").text
    assert "Send request" in petra.get(f"{company}/settings/box").text


def test_the_link_is_gone_once_it_is_used_and_can_be_made_anew_before(
    app: Flask, imani: Visitor
) -> None:
    first = begin(imani)
    path = first.response.request.path
    again = imani.submit(first, "/send")
    assert link_on(again) != link_on(first)
    Visitor(app).get(link_on(first), expect=404)
    accept(app, link_on(again), "petra@cardinal.example")
    assert link_on(imani.get(path)) == ""


def test_somebody_known_already_administers_with_the_account_they_have(
    app: Flask, imani: Visitor, world: World, bob: Visitor
) -> None:
    begun = begin(imani, email=world.email("bob").upper())
    assert "Bob" not in begun.html.replace("bob@example.test", "")
    assert "Cardinal Works" not in bob.get("/").text
    company = bob.submit(bob.get("/invitations"), "/join")
    assert company.h1 == "Cardinal Works"
    assert "Send request" in bob.get(f"{company.response.request.path}/settings/box").text


def test_another_administrator_is_invited_when_the_first_says_no(
    app: Flask, imani: Visitor, world: World, bob: Visitor
) -> None:
    here = begin(imani, email=world.email("bob")).response.request.path
    imani.post(here, {"email": "x@cardinal.example", "last": "X"}, expect=409)
    bob.submit(bob.get("/invitations"), "/decline")
    assert "Petra Nowak declined your invitation" in imani.get("/notices").text
    page = imani.submit(imani.get(here), "/administrators", email="p@cardinal.example", last="N")
    petra = accept(app, link_on(page), "p@cardinal.example")
    assert "Cardinal Works" in petra.get("/").text
    imani.post(here, {"email": "x@cardinal.example", "last": "X"}, expect=409)


def test_an_address_is_invited_by_two_companies_with_a_link_each(
    app: Flask, alice: Visitor, imani: Visitor, world: World
) -> None:
    form = alice.get(f"/companies/{world.acme}/people/new")
    invited = alice.submit(form, "/people/new", email="petra@cardinal.example", last="Nowak")
    assert link_on(invited)
    begun = begin(imani)
    assert link_on(begun) not in ("", link_on(invited))


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("name", "", "Write the company's name."),
        ("name", "N" * 201, "Write at most 200 characters."),
        ("email", "petra", "Write an e-mail address"),
        ("timezone", "Mars/Olympus", "Choose one of these."),
        ("last", " ", "Write their last name."),
        ("email", "imani@acme.example", "cannot administer a company"),
    ],
)
def test_what_cannot_be_is_said_and_everything_typed_is_kept(
    app: Flask, imani: Visitor, world: World, field: str, value: str, why: str
) -> None:
    value = world.email("imani") if value.startswith("imani@") else value
    page = begin(imani, expect=422, **{field: value})
    assert why in page.text
    assert page.form("/companies/new").values["city"] == ["Denver"]
    assert "Cardinal Works" not in imani.get("/box-requests").text


@pytest.mark.parametrize("name", ["alice", "bob", "charlie"])
def test_only_the_implementation_manager_begins_companies(
    signed_in: SignIn, world: World, name: str
) -> None:
    somebody = signed_in(name)
    somebody.get("/companies/new", expect=404)
    somebody.post("/companies/new", {"name": "Mine"}, expect=404)
    somebody.get(f"/companies/{world.acme}/administrators", expect=404)
    for step in ("", "/1/send", "/1/withdraw"):
        somebody.post(f"/companies/{world.acme}/administrators{step}", expect=404)


def test_the_manager_has_no_hand_in_whom_the_company_itself_invites(
    alice: Visitor, imani: Visitor, world: World
) -> None:
    form = alice.get(f"/companies/{world.acme}/people/new")
    made = alice.submit(form, "/people/new", email="petra@cardinal.example", last="Nowak")
    invitation = made.response.request.path.rpartition("/")[2]
    here = f"/companies/{world.acme}/administrators"
    assert "Nowak" not in imani.get(here).text
    for step in ("send", "withdraw"):
        imani.post(f"{here}/{invitation}/{step}", expect=404)


def test_an_administrator_changes_the_company_and_the_history_says_so(
    alice: Visitor, world: World
) -> None:
    here = f"/companies/{world.acme}"
    form = alice.get(f"{here}/settings/details")
    page = alice.submit(form, "/settings/details", city="Oslo", timezone="Europe/Oslo")
    assert "Oslo" in page.text
    history = alice.get(f"{here}/settings/details").text
    assert "Time zone:" in history
    assert "→ Europe/Oslo" in history


def test_a_project_is_changed_and_keeps_its_number_its_own(alice: Visitor, world: World) -> None:
    here = f"/companies/{world.acme}"
    alice.submit(alice.get(f"{here}/projects/new"), "/projects/new", number="26-02", name="Annex")
    edit = f"/projects/{world.tower}/edit"
    form = alice.get(f"{here}{edit}")
    taken = alice.submit(form, edit, number="26-02", expect=409)
    assert "Another project of the company has this number." in taken.text
    assert taken.form(edit).values["number"] == ["26-02"]
    late = alice.submit(form, edit, starts_on="2026-05-01", ends_on="2026-04-01", expect=422)
    assert "This is before the start." in late.text
    done = alice.submit(form, edit, name="Tower North", stage="Closeout")
    assert "Tower North" in done.links()
    assert "Stage: empty → Closeout" in alice.get(f"{here}{edit}").text.replace("  ", " ")


def test_only_administrators_of_the_company_do_any_of_it(
    bob: Visitor, charlie: Visitor, imani: Visitor, world: World
) -> None:
    here = f"/companies/{world.acme}"
    for somebody in (bob, charlie, imani):
        for path in (
            "/settings/details",
            "/projects/new",
            f"/projects/{world.tower}/edit",
            "/people/new",
        ):
            somebody.get(f"{here}{path}", expect=404)
            somebody.post(f"{here}{path}", {"name": "Mine", "number": "1"}, expect=404)
    assert "New project" not in bob.get(here).links()


def test_another_companys_project_is_not_edited_through_ones_own(
    charlie: Visitor, world: World
) -> None:
    theirs = f"/companies/{world.borealis}/projects/{world.tower}/edit"
    charlie.get(theirs, expect=404)
    charlie.post(theirs, {"name": "Mine", "number": "1"}, expect=404)


def test_somebody_joins_the_company_without_a_project_and_is_added_to_one_later(
    app: Flask, alice: Visitor, world: World
) -> None:
    form = alice.get(f"/companies/{world.acme}/people/new")
    page = alice.submit(
        form, "/people/new", email="petra@cardinal.example", first="Petra", last="Nowak"
    )
    assert page.h1 == "Petra Nowak"
    assert "On no project of this company." in page.text
    petra = accept(app, link_on(page), "petra@cardinal.example")
    assert "You are on no project of this company yet." in petra.get("/").text
    petra.get(f"/projects/{world.tower}", expect=404)
    alice.get(page.response.request.path, expect=404)


def test_nobody_joins_twice(alice: Visitor, world: World) -> None:
    form = alice.get(f"/companies/{world.acme}/people/new")
    page = alice.submit(form, "/people/new", email=world.email("bob"), last="Bob", expect=422)
    assert "already" in page.text

"""People and what they may do: invited, given levels, removed, deactivated, by whom it is up to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.support.pages import HOST, PASSWORD, Page, Visitor
from tests.support.world import World, add_record
from webapp.accounts.models import Notice, Person
from webapp.companies import invitations, permissions
from webapp.companies.models import (
    CompanyMember,
    FormerMember,
    Invitation,
    Level,
    PermissionTemplate,
    ProjectMember,
    ToolLevel,
    Vendor,
)
from webapp.companies.permissions import Levels, levels_of_member
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.extensions import limiter

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
SECRET = "words that nobody guesses"


@pytest.fixture(autouse=True)
def templates(app: Flask, world: World) -> dict[str, int]:
    """Both companies' usual templates by name; Bob is Admin of Tower's Directory, else Standard."""
    with app.app_context():
        session = db.session()
        permissions.add_usual_templates(session, world.acme)
        permissions.add_usual_templates(session, world.borealis)
        session.add(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people["bob"],
                tool_key="directory",
                level=int(Level.ADMIN),
            )
        )
        session.commit()
        rows = session.execute(
            select(PermissionTemplate.company_id, PermissionTemplate.name, PermissionTemplate.id)
        ).all()
        db.session.remove()
    mine = {name: key for company, name, key in rows if company == world.acme}
    theirs = {f"their {name}": key for company, name, key in rows if company != world.acme}
    return mine | theirs


def people(world: World) -> str:
    return f"/projects/{world.tower}/directory/people"


def page_of(world: World, name: str) -> str:
    return f"{people(world)}/{world.people[name]}"


def company(world: World, name: str = "") -> str:
    here = f"/companies/{world.acme}/people"
    return f"{here}/{world.people[name]}" if name else here


def chosen(**values: str) -> dict[str, Any]:
    """Return what a form of levels sends; the tools' own controls are called level-<tool>."""
    return {key if key in ("name", "usual") else f"level-{key}": v for key, v in values.items()}


def invite(visitor: Visitor, world: World, template_id: int, **values: Any) -> Page:
    expect = values.pop("expect", 200)
    given = {
        "first": "Petra",
        "last": "Quill",
        "email": "petra@example.test",
        "title": "Estimator",
        "template": str(template_id),
        **values,
    }
    form = visitor.get(f"{people(world)}/new")
    return visitor.submit(form, "/people/new", expect=expect, **given)


def link_on(page: Page) -> str:
    """Return the path of the invitation link that a page shows, "" when it shows none."""
    fields = page.all("input", class_="in mono")
    field = next((f for f in fields if (f.get("id") or "").startswith("invitation-link-")), None)
    shown = field.get("value") or "" if field is not None else ""
    return shown.removeprefix(f"http://{HOST}")


def person_id(app: Flask, email: str) -> int:
    with app.app_context():
        found = db.session.scalar(select(Person.id).where(Person.email == email))
        db.session.remove()
    assert found is not None
    return found


def levels(app: Flask, world: World, name: str) -> Levels:
    with app.app_context():
        session = db.session()
        member = session.get_one(ProjectMember, (world.tower, world.people[name]))
        found = levels_of_member(session, member)
        db.session.remove()
    return found


def count(app: Flask, model: Any, *conditions: Any) -> int:
    with app.app_context():
        found = db.session.scalar(select(func.count()).select_from(model).where(*conditions))
        db.session.remove()
    return found or 0


# ---- inviting somebody new


def test_somebody_new_is_invited_sets_a_password_and_works(
    app: Flask, alice: Visitor, visitor: Visitor, world: World, templates: dict[str, int]
) -> None:
    page = invite(alice, world, templates["Subcontractor"])
    assert page.h1 == "Petra Quill"
    for words in ("Estimator", "petra@example.test", "Subcontractor", "Nothing was sent."):
        assert words in page.text, words
    assert "No mail server is set up, so Plumbline shows you this link." in page.text
    assert "Send it only to petra@example.test." in page.text
    # Until she accepts she is one of nobody's people.
    assert count(app, Person, Person.email == "petra@example.test") == 0
    assert "Petra Quill" not in alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit").text
    assert alice.get(people(world)).links()["Petra Quill"] == address(page)
    link = link_on(page)
    assert link.startswith("/invitations/")
    shown = visitor.get(link)
    assert "Alice Test invited you to Acme Builders." in shown.text
    assert "You will sign in as petra@example.test." in shown.text
    answer = visitor.submit(shown, link, name="Petra Q. Quill", new=SECRET, again=SECRET)
    assert answer.response.request.path == "/sign-in"
    visitor.sign_in("petra@example.test", SECRET)
    assert "Subject" in visitor.get(f"/projects/{world.tower}/rfis").text
    visitor.get(f"/projects/{world.tower}/directory", expect=404)
    alice.get(address(page), expect=404)
    here = alice.get(people(world))
    assert here.links()["Petra Q. Quill"] == page_of_new(app, world)
    assert "Petra Q. Quill accepted the invitation" in here.text
    assert "Petra Q. Quill accepted your invitation to Acme Builders." in alice.get("/notices").text


def page_of_new(app: Flask, world: World) -> str:
    return f"{people(world)}/{person_id(app, 'petra@example.test')}"


def address(page: Page) -> str:
    return str(page.response.request.path)


def test_no_table_holds_a_link(
    app: Flask, bob: Visitor, world: World, templates: dict[str, int]
) -> None:
    page = invite(bob, world, templates["Subcontractor"])
    token = link_on(page).rpartition("/")[2]
    with app.app_context():
        row = db.session.execute(select(Invitation.__table__)).one()
        notes = db.session.scalars(select(Notice.facts)).all()
        db.session.remove()
    assert len(token) >= 43
    assert token not in str(tuple(row))
    assert token not in str(notes)


@pytest.mark.parametrize(
    ("new", "again", "complaint"),
    [
        ("short", "short", "Write at least 12 characters."),
        (SECRET, SECRET + "!", "The two are not the same."),
        ("", "", "This field is required."),
        ("x" * 201, "x" * 201, "Write at most 200 characters."),
    ],
)
def test_a_password_that_is_none_leaves_the_link_good(
    alice: Visitor,
    visitor: Visitor,
    world: World,
    templates: dict[str, int],
    new: str,
    again: str,
    complaint: str,
) -> None:
    link = link_on(invite(alice, world, templates["Subcontractor"]))
    page = visitor.submit(visitor.get(link), link, new=new, again=again, expect=422)
    assert complaint in page.text
    visitor.submit(page, link, new=SECRET, again=SECRET)


def test_a_link_is_good_once(
    alice: Visitor, visitor: Visitor, app: Flask, world: World, templates: dict[str, int]
) -> None:
    link = link_on(invite(alice, world, templates["Subcontractor"]))
    visitor.submit(visitor.get(link), link, new=SECRET, again=SECRET)
    other = "another long password"
    assert "not good any more" in visitor.get(link, expect=404).text
    visitor.post(link, {"new": other, "again": other}, expect=404)
    stranger = Visitor(app)
    page = stranger.get("/sign-in")
    stranger.submit(page, "/sign-in", email="petra@example.test", password=other, expect=422)
    Visitor(app).sign_in("petra@example.test", SECRET)


def test_a_link_is_good_for_seven_days_and_can_be_made_anew(
    app: Flask, alice: Visitor, visitor: Visitor, world: World, templates: dict[str, int]
) -> None:
    page = invite(alice, world, templates["Subcontractor"])
    old = link_on(page)
    with app.app_context():
        left = db.session.execute(select(Invitation.expires_at)).scalar_one() - utcnow()
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
        db.session.execute(update(Invitation).values(expires_at=utcnow() - timedelta(seconds=1)))
        db.session.commit()
        db.session.remove()
    visitor.get(old, expect=404)
    visitor.post(old, {"new": SECRET, "again": SECRET}, expect=404)
    page = alice.get(address(page))
    assert "The invitation has expired." in page.text
    assert link_on(page) == ""
    fresh = link_on(alice.submit(page, "/send"))
    assert fresh not in ("", old)
    visitor.submit(visitor.get(fresh), fresh, new=SECRET, again=SECRET)


def test_a_new_link_ends_the_one_before(
    alice: Visitor, visitor: Visitor, world: World, templates: dict[str, int]
) -> None:
    page = invite(alice, world, templates["Subcontractor"])
    old = link_on(page)
    alice.submit(page, "/send")
    visitor.get(old, expect=404)


def test_a_forged_link_looks_like_any_other_that_is_over(
    alice: Visitor, visitor: Visitor, world: World, templates: dict[str, int]
) -> None:
    link = link_on(invite(alice, world, templates["Subcontractor"]))
    used = link
    visitor.submit(visitor.get(link), link, new=SECRET, again=SECRET)
    forged = f"/invitations/{'A' * 43}"
    assert visitor.get(forged, expect=404).text == visitor.get(used, expect=404).text
    visitor.post(forged, {"new": SECRET, "again": SECRET}, expect=404)
    visitor.get("/invitations/short", expect=404)


def test_guessing_links_is_held_back(visitor: Visitor) -> None:
    limiter.enabled = True
    try:
        limiter.reset()
        answers = [visitor.get(f"/invitations/{n:043d}", expect=None).status for n in range(25)]
    finally:
        limiter.enabled = False
        limiter.reset()
    assert answers == [404] * 20 + [429] * 5


def test_nobody_signs_in_before_a_password_is_set(
    alice: Visitor, app: Flask, world: World, templates: dict[str, int]
) -> None:
    invite(alice, world, templates["Subcontractor"])
    for password in ("", " ", PASSWORD):
        stranger = Visitor(app)
        answer = stranger.submit(
            stranger.get("/sign-in"),
            "/sign-in",
            email="petra@example.test",
            password=password,
            expect=422,
        )
        assert "do not match" in answer.text


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("email", "", "Write their e-mail address."),
        ("email", "petra", "like name@company.example"),
        ("email", "petra@", "like name@company.example"),
        ("email", "petra@localhost", "like name@company.example"),
        ("email", "a@b@example.test", "like name@company.example"),
        ("email", "pe tra@example.test", "like name@company.example"),
        ("email", "petra@example.test,eve@example.test", "like name@company.example"),
        ("email", "x" * 250 + "@example.test", "at most 254 characters"),
        ("last", "", "Write a name."),
        ("last", "  ", "Write a name."),
        ("last", "x" * 91, "at most 90 characters"),
        ("title", "x" * 201, "at most 200 characters"),
        ("template", "", "Choose what they may do."),
        ("template", "999999", "Choose one of these."),
        ("vendor", "999999", "Choose one of these."),
    ],
)
def test_an_invitation_that_cannot_be_is_explained_and_invites_nobody(
    app: Flask,
    alice: Visitor,
    world: World,
    templates: dict[str, int],
    field: str,
    value: str,
    complaint: str,
) -> None:
    before = count(app, Person)
    page = invite(alice, world, templates["Subcontractor"], **{field: value}, expect=422)
    assert complaint.lower() in page.text.lower()
    assert count(app, Person) == before


def test_the_address_is_the_key_however_it_is_written(
    app: Flask, alice: Visitor, world: World, templates: dict[str, int]
) -> None:
    invite(alice, world, templates["Subcontractor"], email="  Petra@Example.TEST ")
    assert count(app, Invitation, Invitation.email == "petra@example.test") == 1
    answer = invite(
        alice, world, templates["Subcontractor"], email="PETRA@example.test", expect=422
    )
    assert "Petra Quill is invited to this project already." in answer.text


# ---- somebody who has an account


def test_somebody_with_an_account_joins_by_their_own_yes_and_keeps_their_name(
    app: Flask, alice: Visitor, charlie: Visitor, world: World, templates: dict[str, int]
) -> None:
    with app.app_context():
        vendor = db.session.scalar(select(Vendor.id))
        db.session.remove()
    page = invite(
        alice,
        world,
        templates["Read only"],
        email="charlie@example.test",
        first="Evil",
        last="Name",
        title="Nobody",
        vendor=str(vendor),
    )
    assert "Charlie" not in page.html.replace("charlie@example.test", "")
    charlie.get(f"/projects/{world.tower}/rfis", expect=404)
    waiting = charlie.get(charlie.get("/notices").links()["You have 1 invitation to a company."])
    assert "Alice Test invited you to Acme Builders." in waiting.text
    charlie.submit(waiting, "/join")
    here = alice.get(f"{people(world)}/{world.people['charlie']}")
    assert here.h1 == "Charlie Test"
    assert "Job title Tester" in here.text
    assert "Works for Greyfold Glazing" in here.text
    charlie.get(f"/projects/{world.tower}/rfis")
    charlie.post(f"/projects/{world.tower}/rfis", expect=404)
    # What they are at home is none of Acme's business.
    charlie.get(f"/companies/{world.borealis}/people")
    charlie.get(f"/companies/{world.acme}/people", expect=404)


def test_nobody_is_added_twice(
    alice: Visitor, world: World, templates: dict[str, int], app: Flask
) -> None:
    before = count(app, ProjectMember)
    for name in ("rita", "alice"):
        answer = invite(alice, world, templates["Read only"], email=world.email(name), expect=422)
        assert "is on this project already." in answer.text
    assert count(app, ProjectMember) == before


def test_plumblines_own_staff_join_no_company(
    alice: Visitor, signed_in: SignIn, world: World, templates: dict[str, int]
) -> None:
    invite(alice, world, templates["Read only"], email="imani@example.test")
    imani = signed_in("imani")
    answer = imani.submit(imani.get("/invitations"), "/join", expect=422)
    assert "joins no company" in answer.text


def test_two_companies_invite_one_address_and_neither_gets_the_others_person(
    app: Flask,
    alice: Visitor,
    charlie: Visitor,
    visitor: Visitor,
    world: World,
    templates: dict[str, int],
) -> None:
    """Whoever set the password with one company's link is let into that company alone."""
    theirs = link_on(invite(alice, world, templates["Subcontractor"]))
    bridge = replace(world, tower=world.bridge)
    page = invite(charlie, bridge, templates["their Read only"])
    own = link_on(page)
    assert own not in ("", theirs)
    visitor.submit(visitor.get(own), own, new=SECRET, again=SECRET)
    visitor.sign_in("petra@example.test", SECRET)
    visitor.get(f"/projects/{world.bridge}/rfis")
    # Nobody has shown that the address is theirs, so the other invitation is not theirs to see.
    assert "Acme" not in visitor.get("/invitations").text
    visitor.get(f"/projects/{world.tower}/rfis", expect=404)
    with app.app_context():
        other = db.session.scalar(select(Invitation.id))
        db.session.remove()
    visitor.post(f"/invitations/{other}/join", expect=404)
    visitor.post(f"/invitations/{other}/decline", expect=404)
    # Acme may go on and hand its link to whom it trusts; no password can be set with it any more.
    stranger = Visitor(app)
    shown = stranger.get(theirs)
    assert "Sign in as petra@example.test to join or decline." in shown.text
    stranger.post(theirs, {"name": "X", "new": PASSWORD, "again": PASSWORD})
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Invitation)) == 1
        db.session.remove()
    stranger.sign_in("petra@example.test", SECRET)
    stranger.submit(stranger.get("/invitations"), "/join")
    stranger.get(f"/projects/{world.tower}/rfis")


def test_only_the_inviter_and_the_companys_admins_see_a_link(
    app: Flask,
    alice: Visitor,
    bob: Visitor,
    signed_in: SignIn,
    world: World,
    templates: dict[str, int],
) -> None:
    here = address(invite(alice, world, templates["Subcontractor"]))
    assert link_on(bob.get(here)) == ""
    for step in ("send", "withdraw"):
        bob.post(f"{here}/{step}", expect=403)
    for name in ("rita", "dora"):
        visitor = signed_in(name)
        visitor.get(here, expect=403)
        assert "Petra" not in visitor.get(people(world)).text
    theirs = address(invite(bob, world, templates["Subcontractor"], email="quinn@example.test"))
    assert link_on(alice.get(theirs)) == link_on(bob.get(theirs)) != ""


# ---- levels


def test_a_template_writes_the_levels_and_they_hold_at_once(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World, templates: dict[str, int]
) -> None:
    rita, rfis = signed_in("rita"), f"/projects/{world.tower}/rfis"
    rita.get(rfis)
    rita.post(rfis, expect=404)
    page = alice.submit(
        alice.get(page_of(world, "rita")), "/template", template=str(templates["Design team"])
    )
    assert "Permissions Design team" in page.text
    assert "Alice Test gave Rita Test the template Design team" in page.text
    assert "RFIs: Read Only → Standard" in page.text
    rita.post(rfis)
    alice.submit(page, "/template", template=str(templates["Subcontractor"]))
    rita.get(f"/projects/{world.tower}/directory", expect=404)
    assert levels(app, world, "rita").of("drawings") == Level.READ


def test_levels_of_ones_own_take_a_person_off_the_template(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World, templates: dict[str, int]
) -> None:
    alice.post(f"{page_of(world, 'rita')}/template", {"template": templates["Design team"]})
    page = alice.submit(alice.get(page_of(world, "rita")), "/levels", **chosen(usual="1", rfis="0"))
    assert "Permissions Levels of their own" in page.text
    assert "RFIs: Standard → None" in page.text
    # What the page does not offer stays as the template said.
    assert levels(app, world, "rita").of("submittals") == Level.STANDARD
    signed_in("rita").get(f"/projects/{world.tower}/rfis", expect=404)


@pytest.mark.parametrize(
    "sent", [{"usual": "4"}, {"usual": ""}, {"usual": "1", "level-rfis": "-1"}]
)
def test_a_level_that_is_none_changes_nothing(
    app: Flask, alice: Visitor, world: World, sent: dict[str, str]
) -> None:
    before = levels(app, world, "rita")
    answer = alice.post(f"{page_of(world, 'rita')}/levels", sent, expect=422)
    assert "Choose one of the levels." in answer.text
    assert levels(app, world, "rita") == before


def test_nobody_changes_their_own_levels(
    app: Flask, bob: Visitor, world: World, templates: dict[str, int]
) -> None:
    before = levels(app, world, "bob")
    here = page_of(world, "bob")
    assert "Nobody changes their own levels." in bob.get(here).text
    bob.post(f"{here}/levels", {"usual": "3"}, expect=403)
    bob.post(f"{here}/template", {"template": templates["Project manager"]}, expect=403)
    bob.post(f"{here}/remove", expect=403)
    assert levels(app, world, "bob") == before


def test_nobody_gives_more_than_they_have(
    app: Flask, bob: Visitor, world: World, templates: dict[str, int]
) -> None:
    """Bob is Standard but for the Directory and the punch list, whoever it is that he invites."""
    for template in (templates["Project manager"], templates["Superintendent"]):
        bob.post(f"{page_of(world, 'rita')}/template", {"template": template}, expect=403)
    answer = bob.post(
        f"{people(world)}/new",
        {"last": "Sock", "email": "sock@example.test", "template": templates["Project manager"]},
        expect=422,
    )
    assert "Choose one of these." in answer.text
    assert count(app, Person, Person.email == "sock@example.test") == 0
    here = f"{page_of(world, 'rita')}/levels"
    bob.post(here, {"usual": "3"}, expect=403)
    bob.post(here, {"usual": "1", "level-rfis": "3"}, expect=403)
    assert levels(app, world, "rita") == Levels(Level.READ)
    bob.post(here, {"usual": "2", "level-punch_list": "3"})
    assert levels(app, world, "rita").of("punch_list") == Level.ADMIN
    assert levels(app, world, "rita").of("rfis") == Level.STANDARD


def test_what_somebody_has_already_may_stay_though_it_is_more_than_ones_own(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"{page_of(world, 'rita')}/levels"
    alice.post(here, {"usual": "1", "level-rfis": "3"})
    bob.post(here, {"usual": "2", "level-rfis": "3"})
    assert levels(app, world, "rita").of("rfis") == Level.ADMIN
    bob.post(here, {"usual": "2"})
    bob.post(here, {"usual": "2", "level-rfis": "3"}, expect=403)
    assert levels(app, world, "rita").of("rfis") == Level.STANDARD


def test_a_companys_admin_is_admin_whatever_a_project_says(
    app: Flask, bob: Visitor, alice: Visitor, world: World, templates: dict[str, int]
) -> None:
    here = page_of(world, "alice")
    assert "admins in every tool of every project" in bob.get(here).text
    bob.post(f"{here}/template", {"template": templates["Read only"]}, expect=403)
    bob.post(f"{here}/levels", {"usual": "0"}, expect=403)
    bob.get(f"{here}/remove", expect=403)
    bob.post(f"{here}/remove", expect=403)
    alice.post(f"/projects/{world.tower}/rfis")


@pytest.mark.parametrize("name", ["rita", "dora"])
def test_readers_see_who_is_there_and_change_nobody(
    app: Flask, signed_in: SignIn, world: World, templates: dict[str, int], name: str
) -> None:
    visitor = signed_in(name)
    page = visitor.get(people(world))
    assert "Bob Test" in page.links()
    assert "Invite a person" not in page.links()
    assert "Change history" not in page.text
    page = visitor.get(page_of(world, "bob"))
    assert "Levels in the tools" not in page.text
    assert "Levels in the tools" in visitor.get(page_of(world, name)).text
    before = levels(app, world, "bob")
    for verb, path, data in (
        ("get", "/new", {}),
        ("post", "/new", {"last": "X", "email": "x@example.test", "template": 1}),
        ("get", f"/{world.people['bob']}/remove", {}),
        ("post", f"/{world.people['bob']}/remove", {}),
        ("post", f"/{world.people['bob']}/levels", {"usual": "0"}),
        ("post", f"/{world.people[name]}/levels", {"usual": "3"}),
        ("post", f"/{world.people['bob']}/template", {"template": templates["Read only"]}),
    ):
        if verb == "get":
            visitor.get(f"{people(world)}{path}", expect=403)
        else:
            visitor.post(f"{people(world)}{path}", data, expect=403)
    assert levels(app, world, "bob") == before


def test_without_the_directory_its_people_do_not_exist(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World
) -> None:
    alice.post(f"{page_of(world, 'rita')}/levels", {"usual": "1", "level-directory": "0"})
    rita = signed_in("rita")
    for path in (people(world), f"{people(world)}/new", page_of(world, "rita")):
        rita.get(path, expect=404)
    rita.get(f"/projects/{world.tower}/directory/groups", expect=404)


def test_the_list_finds_people_by_word_company_and_template(
    app: Flask, alice: Visitor, world: World, templates: dict[str, int]
) -> None:
    with app.app_context():
        vendor = db.session.scalar(select(Vendor.id))
        db.session.remove()
    invite(alice, world, templates["Subcontractor"], vendor=str(vendor))
    here = people(world)
    for query in ("q=quill", "q=ESTIM", f"vendor={vendor}", "template=Subcontractor"):
        links = alice.get(f"{here}?{query}").links()
        assert "Petra Quill" in links, query
        assert "Rita Test" not in links, query
    assert "Nobody matches" in alice.get(f"{here}?q=zzz").text
    assert "Rita Test" in alice.get(f"{here}?vendor=99999999999").links()


# ---- removing and deactivating


def test_somebody_removed_from_the_project_is_out_at_once_and_stays_in_the_company(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    bob.get(f"/projects/{world.tower}/rfis")
    with app.app_context():
        add_record(db.session(), world, "rfis", "In his court", status="open", assignees=("bob",))
        db.session.commit()
        db.session.remove()
    page = alice.get(f"{page_of(world, 'bob')}/remove")
    assert "open records are in their court" in page.text
    page = alice.submit(page, "/remove")
    assert "Bob Test" not in page.links()
    assert "Alice Test removed Bob Test from the project" in page.text
    bob.get(f"/projects/{world.tower}/rfis", expect=404)
    bob.get(f"/companies/{world.acme}")
    form = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit")
    assert "Bob Test" not in form.text
    assert count(app, ToolLevel, ToolLevel.person_id == world.people["bob"]) == 0
    alice.get(page_of(world, "bob"), expect=404)


def test_a_companys_admin_deactivates_somebody_and_activates_them_again(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World, templates: dict[str, int]
) -> None:
    dora = signed_in("dora")
    dora.get(f"/projects/{world.tower}/rfis")
    page = alice.submit(alice.get(f"{company(world, 'dora')}/deactivate"), "/deactivate")
    assert "Deactivated" in page.text
    dora.get(f"/projects/{world.tower}/rfis", expect=404)
    dora.get(f"/companies/{world.acme}", expect=404)
    # The other company is none of Acme's business.
    dora.get(f"/projects/{world.bridge}/rfis")
    assert "Dora Test" not in alice.get(people(world)).links()
    assert "Dora Test" not in alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit").text
    # A project cannot bring back whom the company has shut out.
    answer = invite(alice, world, templates["Read only"], email="dora@example.test", expect=422)
    assert "Dora Test has been deactivated in Acme Builders." in answer.text
    alice.post(f"{company(world, 'dora')}/activate")
    dora.post(f"/projects/{world.tower}/rfis")
    assert count(app, FormerMember) == 0
    history = alice.get(company(world, "dora")).text
    assert history.index("activated Dora Test") < history.index("deactivated Dora Test")


# ---- the company's administrators


def test_an_administrator_makes_another_and_is_made_an_ordinary_member_by_them(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    bob.get(company(world), expect=404)
    page = alice.post(f"{company(world, 'bob')}/make-admin")
    assert "Alice Test made Bob Test an administrator of the company" in page.text
    assert "You are an administrator of Acme Builders now." in bob.get("/notices").text
    bob.post(f"/projects/{world.tower}/rfis")
    bob.submit(bob.get(f"{company(world, 'alice')}/take-admin"), "/take-admin")
    alice.get(company(world), expect=404)


def test_the_last_administrator_stays(app: Flask, alice: Visitor, world: World) -> None:
    for step in ("take-admin", "deactivate"):
        answer = alice.post(f"{company(world, 'alice')}/{step}", {"sure": "yes"}, expect=409)
        assert "A company needs an administrator." in answer.text
    # Somebody whose account is closed administers nothing.
    alice.post(f"{company(world, 'bob')}/make-admin")
    with app.app_context():
        db.session.execute(
            update(Person).where(Person.id == world.people["bob"]).values(is_active=False)
        )
        db.session.commit()
        db.session.remove()
    alice.post(f"{company(world, 'alice')}/take-admin", {"sure": "yes"}, expect=409)
    alice.get(company(world))


@pytest.mark.parametrize("step", ["take-admin", "deactivate"])
def test_nobody_shuts_themselves_out_by_accident(alice: Visitor, world: World, step: str) -> None:
    alice.post(f"{company(world, 'bob')}/make-admin")
    here = f"{company(world, 'alice')}/{step}"
    page = alice.submit(alice.get(here), f"/{step}", expect=422)
    assert "This is you. Tick the box if you mean it." in page.text
    alice.get(company(world))
    assert alice.submit(page, f"/{step}", sure="yes").h1 == "Your projects"
    alice.get(company(world), expect=404)


def test_a_directorys_admin_reaches_nothing_of_the_company(
    app: Flask, bob: Visitor, world: World, templates: dict[str, int]
) -> None:
    here = company(world, "bob")
    for path in ("/make-admin", "/take-admin", "/deactivate", "/activate", "/vendor"):
        bob.post(f"{here}{path}", {"sure": "yes"}, expect=404)
    for path in (company(world), here, f"{here}/take-admin", f"{here}/deactivate"):
        bob.get(path, expect=404)
    base = f"/companies/{world.acme}/templates"
    template = f"{base}/{templates['Read only']}"
    for path in (base, f"{base}/new", f"{template}/edit"):
        bob.get(path, expect=404)
    for path in (f"{base}/new", f"{base}/usual", f"{template}/edit", f"{template}/remove"):
        bob.post(path, {"name": "X", "usual": "3", "version": "1"}, expect=404)
    assert count(app, CompanyMember, CompanyMember.is_admin.is_(True)) == 2


def test_no_one_reaches_people_and_templates_of_another_company(
    app: Flask, alice: Visitor, charlie: Visitor, world: World, templates: dict[str, int]
) -> None:
    # Charlie's people under Acme's addresses, and Acme's templates on Bridge.
    for path in ("", "/make-admin", "/activate", "/deactivate"):
        address_ = f"/companies/{world.acme}/people/{world.people['charlie']}{path}"
        if path:
            alice.post(address_, expect=404)
        else:
            alice.get(address_, expect=404)
    theirs = templates["their Read only"]
    alice.get(f"/companies/{world.acme}/templates/{theirs}/edit", expect=404)
    alice.post(f"/companies/{world.acme}/templates/{theirs}/remove", expect=404)
    alice.post(f"{page_of(world, 'rita')}/template", {"template": theirs}, expect=422)
    alice.get(f"{people(world)}/{world.people['charlie']}", expect=404)
    alice.post(f"{people(world)}/{world.people['charlie']}/levels", {"usual": "3"}, expect=404)
    dora = f"/projects/{world.bridge}/directory/people/{world.people['dora']}"
    charlie.post(f"{dora}/template", {"template": templates["Read only"]}, expect=422)
    with app.app_context():
        vendor = db.session.scalar(select(Vendor.id).where(Vendor.company_id == world.acme))
        db.session.remove()
    here = f"/companies/{world.borealis}/people/{world.people['dora']}"
    charlie.post(f"{here}/vendor", {"vendor": vendor}, expect=422)


def test_whom_somebody_works_for_is_said_by_the_companys_admins(
    app: Flask, alice: Visitor, world: World
) -> None:
    with app.app_context():
        vendor = db.session.scalar(select(Vendor.id))
        db.session.remove()
    page = alice.submit(alice.get(company(world, "rita")), "/vendor", vendor=str(vendor))
    assert "Company: empty → Greyfold Glazing" in page.text
    assert "Works for Greyfold Glazing" in alice.get(page_of(world, "rita")).text


# ---- permission templates


def test_a_companys_admin_makes_changes_and_removes_templates(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World
) -> None:
    base = f"/companies/{world.acme}/templates"
    page = alice.submit(
        alice.get(f"{base}/new"), "/new", **chosen(name="Inspector", usual="1", rfis="2")
    )
    edit = page.links()["Inspector"]
    template_id = edit.split("/")[-2]
    alice.post(f"{page_of(world, 'rita')}/template", {"template": template_id})
    rita, rfis = signed_in("rita"), f"/projects/{world.tower}/rfis"
    rita.post(rfis)
    page = alice.get(edit)
    assert "1 person has this template." in page.text
    alice.submit(page, "/edit", **chosen(rfis="0"))
    rita.get(rfis, expect=404)
    assert "RFIs: Standard → None" in alice.get(page_of(world, "rita")).text
    stale = alice.submit(page, "/edit", **chosen(rfis="3"), expect=409)
    assert "This template was changed" in stale.text
    alice.post(f"{edit.removesuffix('/edit')}/remove")
    assert "Inspector" not in alice.get(base).links()
    assert "Levels of their own" in alice.get(page_of(world, "rita")).text
    rita.get(rfis, expect=404)


def test_two_templates_of_a_company_have_two_names(
    alice: Visitor, world: World, templates: dict[str, int]
) -> None:
    base = f"/companies/{world.acme}/templates"
    given = chosen(name="Read only", usual="0")
    answer = alice.submit(alice.get(f"{base}/new"), "/new", **given, expect=422)
    assert "There is a template of that name already." in answer.text
    other = alice.get(f"{base}/{templates['Owner']}/edit")
    assert "already" in alice.submit(other, "/edit", name="Read only", expect=422).text
    alice.submit(alice.get(f"{base}/new"), "/new", name="", usual="0", expect=422)


def test_a_company_without_templates_is_helped_to_the_usual_ones(
    app: Flask, charlie: Visitor, world: World
) -> None:
    with app.app_context():
        for template in db.session.scalars(select(PermissionTemplate)):
            db.session.delete(template)
        db.session.commit()
        db.session.remove()
    bridge = replace(world, tower=world.bridge)
    page = charlie.get(f"{people(bridge)}/new")
    page = charlie.get(page.links()["Make one first"])
    page = charlie.submit(page, "/templates/usual")
    assert set(permissions.usual_templates()) <= set(page.links())


# ---- groups


def test_groups_hold_people_of_the_project_and_forget_whoever_leaves(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World
) -> None:
    base = f"/projects/{world.tower}/directory/groups"
    ids = [str(world.people[name]) for name in ("bob", "rita")]
    page = alice.submit(alice.get(f"{base}/new"), "/new", name="OAC", members=ids)
    assert "2 people Bob Test, Rita Test" in page.text
    edit = page.links()["OAC"]
    assert "made the group OAC: Bob Test, Rita Test" in alice.get(people(world)).text
    answer = alice.submit(alice.get(f"{base}/new"), "/new", name="OAC", expect=422)
    assert "There is a group of that name already." in answer.text
    stranger = str(world.people["charlie"])
    alice.submit(alice.get(edit), "/edit", members=[stranger], expect=422)
    rita = signed_in("rita")
    assert "OAC" in rita.get(base).text
    rita.get(edit, expect=403)
    rita.post(f"{base}/new", {"name": "Mine"}, expect=403)
    alice.post(f"{page_of(world, 'bob')}/remove")
    assert "1 person Rita Test" in alice.get(base).text
    alice.post(f"{edit.removesuffix('/edit')}/remove")
    assert "No groups yet" in alice.get(base).text


def test_another_projects_group_is_no_address_here(
    app: Flask, alice: Visitor, charlie: Visitor, world: World
) -> None:
    theirs = f"/projects/{world.bridge}/directory/groups"
    page = charlie.submit(charlie.get(f"{theirs}/new"), "/new", name="Survey")
    group = page.links()["Survey"].split("/")[-2]
    mine = f"/projects/{world.tower}/directory/groups/{group}"
    alice.get(f"{mine}/edit", expect=404)
    alice.post(f"{mine}/edit", {"name": "Taken"}, expect=404)
    alice.post(f"{mine}/remove", expect=404)
    assert "Survey" in charlie.get(theirs).links()


# ---- levels as a value


@pytest.mark.parametrize(
    ("given", "most", "known", "exceeds"),
    [
        (Levels(Level.READ), Levels(Level.READ), None, False),
        (Levels(Level.ADMIN), Levels(Level.READ, {"rfis": Level.ADMIN}), None, True),
        (Levels(Level.READ), Levels(Level.READ, {"rfis": Level.NONE}), None, True),
        (Levels(Level.READ, {"rfis": Level.ADMIN}), Levels(Level.STANDARD), None, True),
        (
            Levels(Level.READ, {"rfis": Level.ADMIN}),
            Levels(Level.STANDARD),
            Levels(Level.NONE, {"rfis": Level.ADMIN}),
            False,
        ),
        (
            # What was Admin as usual is Admin still where the usual level goes down beside it.
            Levels(Level.READ, {"rfis": Level.ADMIN}),
            Levels(Level.STANDARD),
            Levels(Level.ADMIN),
            False,
        ),
    ],
)
def test_whether_levels_give_more_than_others(
    given: Levels, most: Levels, known: Levels | None, exceeds: bool
) -> None:
    assert given.exceeds(most, known=known) is exceeds


def test_a_link_is_told_only_while_the_secret_is_the_same(app: Flask) -> None:
    with app.app_context():
        row = Invitation(nonce="n", token_hash="0" * 64)
        assert invitations.token_of(row) == ""

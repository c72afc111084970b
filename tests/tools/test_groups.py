"""Distribution groups in fields of people: chosen like somebody, written down as their members."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.copying import run_worker
from tests.support.mailing import begin, ids, mails, record_at, write
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.companies.models import Group, GroupMember
from webapp.core.audit import AuditEntry
from webapp.core.database import db
from webapp.tools.parts import people_of
from webapp.tools.registry import TOOLS

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
MakeGroup = Callable[..., str]


@pytest.fixture
def group(app: Flask, world: World) -> MakeGroup:
    """Return a maker of groups; it returns what a form sends for one."""

    def make(name: str, *people: str, project: int = world.tower) -> str:
        with app.app_context():
            found = Group(project_id=project, name=name)
            db.session.add(found)
            db.session.flush()
            for person in people:
                db.session.add(GroupMember(group_id=found.id, person_id=world.people[person]))
            db.session.commit()
            sent = f"group:{found.id}"
            db.session.remove()
        return sent

    return make


def rfi(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}"


def on(app: Flask, here: str, role: str) -> list[str]:
    """Return who holds a role on a record, by name."""
    with app.app_context():
        found = people_of(db.session(), int(here.rpartition("/")[2])).get(role, [])
        names = [person.name.split()[0].lower() for person in found]
        db.session.remove()
    return names


def deactivate(alice: Visitor, world: World, name: str) -> None:
    there = f"/companies/{world.acme}/people/{world.people[name]}/deactivate"
    alice.submit(alice.get(there), "/deactivate")


def labels(page: Page) -> str:
    return " ".join(" ".join("".join(label.itertext()).split()) for label in page.all("label"))


# ---- in the records of any tool


def test_a_group_in_a_distribution_brings_its_members_who_can_be_taken_off_again(
    app: Flask, alice: Visitor, world: World, group: MakeGroup
) -> None:
    steel = group("Structural team", "bob", "dora", "rita")
    edit = alice.get(f"{rfi(world)}/edit")
    assert "Group: Structural team (3)" in labels(edit)
    page = alice.submit(edit, "/edit", distribution=[*ids(world, "rita", "nell"), steel])
    assert on(app, rfi(world), "distribution") == ["rita", "nell", "bob", "dora"]
    assert "Rita Test, Nell Test; via group Structural team: Bob Test, Dora Test" in page.text
    assert "Distribution: empty → Rita Test, Nell Test, Bob Test, Dora Test" in page.text
    edit = alice.get(f"{rfi(world)}/edit")
    assert set(edit.form("/edit").values["distribution"]) == set(
        ids(world, "rita", "nell", "bob", "dora")
    )
    page = alice.submit(edit, "/edit", distribution=ids(world, "rita", "dora"))
    assert on(app, rfi(world), "distribution") == ["rita", "dora"]
    assert "Rita Test; via group Structural team: Dora Test" in page.text
    page = alice.submit(alice.get(f"{rfi(world)}/edit"), "/edit", distribution=ids(world, "rita"))
    assert "via group" not in page.text


def test_who_comes_through_a_group_sees_a_private_record_like_anybody_on_it(
    alice: Visitor, world: World, group: MakeGroup, signed_in: SignIn
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.private_rfi}"
    signed_in("dora").get(here, expect=404)
    alice.submit(alice.get(f"{here}/edit"), "/edit", distribution=[group("Steel", "dora")])
    signed_in("dora").get(here)


def test_only_fields_that_say_so_offer_groups(
    alice: Visitor, world: World, group: MakeGroup
) -> None:
    steel = group("Steel", "dora")
    page = alice.submit(alice.get(f"{rfi(world)}/edit"), "/edit", assignees=[steel], expect=422)
    assert "Choose from these only." in page.text
    assert labels(alice.get(f"{rfi(world)}/edit")).count("Group: Steel (1)") == 1


@pytest.mark.parametrize("key", ["rfis", "submittals", "punch_list", "bidding", "commitments"])
def test_tools_that_distribute_or_list_people_offer_groups(
    alice: Visitor, world: World, group: MakeGroup, key: str
) -> None:
    group("Steel", "dora")
    tool = TOOLS.get(key)
    assert tool is not None
    page = alice.post(f"/projects/{world.tower}/{tool.slug}")
    assert "Group: Steel (1)" in labels(page)


def test_a_group_of_another_project_is_refused_beside_the_field_and_nothing_is_saved(
    app: Flask, alice: Visitor, world: World, group: MakeGroup
) -> None:
    theirs = group("Survey", "charlie", "dora", project=world.bridge)
    edit = alice.get(f"{rfi(world)}/edit")
    assert "Survey" not in edit.text
    for forged in (theirs, "group:999999", "group:x", "group:", "people"):
        page = alice.submit(
            edit,
            "/edit",
            title="Changed",
            distribution=[*ids(world, "rita"), forged],
            expect=422,
        )
        (field,) = [f for f in page.all("fieldset") if "Choose from these" in _words(f)]
        assert _words(field).startswith("Distribution")
        assert on(app, rfi(world), "distribution") == []
    assert alice.get(rfi(world)).h1 == "Stair 2 slab edge"


def _words(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_a_group_without_anybody_is_not_offered(
    alice: Visitor, world: World, group: MakeGroup
) -> None:
    group("Nobody yet")
    group("Left", "dora")
    deactivate(alice, world, "dora")
    found = labels(alice.get(f"{rfi(world)}/edit"))
    assert "Nobody yet" not in found
    assert "Left" not in found


def test_deactivated_members_are_left_out_and_that_is_said(
    app: Flask, alice: Visitor, world: World, group: MakeGroup
) -> None:
    steel = group("Steel", "bob", "dora")
    deactivate(alice, world, "dora")
    edit = alice.get(f"{rfi(world)}/edit")
    assert "Group: Steel (1)" in labels(edit)
    page = alice.submit(edit, "/edit", distribution=[steel])
    assert on(app, rfi(world), "distribution") == ["bob"]
    assert "via group Steel: Bob Test; not to Dora Test of group Steel" in page.text


def test_a_chosen_group_is_kept_while_files_are_chosen(
    alice: Visitor, world: World, group: MakeGroup
) -> None:
    steel = group("Steel", "bob")
    values = alice.get(f"{rfi(world)}/edit").form("/edit").values
    alice.post(f"{rfi(world)}/keep", {**values, "distribution": [steel]})
    assert steel in alice.get(f"{rfi(world)}/edit").form("/edit").values["distribution"]


# ---- in e-mail


def test_a_message_goes_to_the_members_of_its_groups_and_to_nobody_twice(
    app: Flask, alice: Visitor, bob: Visitor, world: World, group: MakeGroup
) -> None:
    steel = group("Structural team", "bob", "rita", "nell", "dora")
    site = group("Site", "nell", "dora", "alice")
    here = begin(alice, world)
    page = alice.get(f"{here}/edit")
    assert labels(page).count("Group: Structural team (4)") == 3
    write(
        alice,
        here,
        to=[*ids(world, "bob"), steel],
        cc=[*ids(world, "rita", "bob"), site],
        bcc=[*ids(world, "nell"), site],
        outside="RITA@example.test, dora@example.test, ed@b.example",
    )
    run_worker(app)
    assert record_at(app, here).status == "sent"
    assert on(app, here, "to") == ["bob", "dora"]
    assert on(app, here, "cc") == ["rita", "alice"]
    assert on(app, here, "bcc") == ["nell"]
    (mail,) = mails(app)
    assert mail.delivered == 6
    assert mail.kept is not None
    assert mail.kept["to"] == [
        "Bob Test <bob@example.test>",
        "Dora Test <dora@example.test>",
        "ed@b.example",
    ]
    text = bob.get(here).text
    assert "To Bob Test; via group Structural team: Dora Test" in text
    assert "Cc Rita Test; via group Site: Alice Test" in text
    assert "Nell" not in text


def test_a_group_among_hidden_copies_stays_hidden(
    app: Flask, alice: Visitor, bob: Visitor, world: World, group: MakeGroup
) -> None:
    secret = group("Claims", "nell", "rita")
    here = begin(alice, world)
    write(alice, here, to=ids(world, "bob"), bcc=[secret])
    run_worker(app)
    assert mails(app)[0].delivered == 3
    assert "Bcc via group Claims: Nell Test, Rita Test" in alice.get(here).text
    text = bob.get(here).text
    assert "Claims" not in text
    assert "Nell" not in text
    with app.app_context():
        told = [str(entry.facts) for entry in db.session.scalars(select(AuditEntry))]
        db.session.remove()
    assert not any("Nell" in facts for facts in told)


def test_a_message_to_a_group_of_another_project_is_neither_sent_nor_saved(
    app: Flask, alice: Visitor, world: World, group: MakeGroup
) -> None:
    theirs = group("Survey", "charlie", "dora", project=world.bridge)
    here = begin(alice, world)
    page = alice.submit(
        alice.get(f"{here}/edit"), "/edit", title="x", to=[theirs], move="send", expect=422
    )
    assert "Choose from these only." in page.text
    assert mails(app) == []
    assert record_at(app, here).saved_at is None


def test_a_group_that_changes_later_does_not_change_what_was_sent(
    app: Flask, alice: Visitor, world: World, group: MakeGroup
) -> None:
    steel = group("Steel", "bob", "rita")
    here = begin(alice, world)
    write(alice, here, to=[steel])
    run_worker(app)
    there = f"/projects/{world.tower}/directory/groups/{steel.removeprefix('group:')}"
    alice.submit(alice.get(f"{there}/edit"), "/edit", name="Frame", members=ids(world, "nell"))
    assert "via group Steel: Bob Test, Rita Test" in alice.get(here).text
    alice.post(f"{there}/remove")
    assert "via group Steel: Bob Test, Rita Test" in alice.get(here).text


def test_who_was_deactivated_before_a_message_left_is_skipped_and_its_sender_told(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    write(alice, here, to=ids(world, "bob", "dora"))
    deactivate(alice, world, "dora")
    run_worker(app)
    assert record_at(app, here).status == "sent"
    (mail,) = mails(app)
    assert mail.delivered == 1
    assert "dora@example.test: Not on the project any more." in alice.get(here).text


def test_a_message_whose_people_have_all_gone_does_not_go_out(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    write(alice, here, to=ids(world, "dora"))
    deactivate(alice, world, "dora")
    run_worker(app)
    assert record_at(app, here).status == "failed"
    assert "None of its recipients can be written to any more." in alice.get(here).text

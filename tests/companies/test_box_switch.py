"""A company's Box: asked, granted, declined, withdrawn, switched, each by whom it belongs to."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from tests.support.pages import Visitor
from tests.support.world import World
from webapp.companies.models import BoxRequest, Company, Grant
from webapp.core.database import db

SignIn = Callable[[str], Visitor]


@pytest.fixture
def imani(signed_in: SignIn) -> Visitor:
    return signed_in("imani")


def page_of(world: World) -> str:
    return f"/companies/{world.borealis}/settings/box"


def test_a_request_is_asked_granted_and_seen_in_the_history(
    charlie: Visitor, imani: Visitor, world: World
) -> None:
    page = charlie.get(page_of(world))
    assert "Not enabled" in page.text
    page = charlie.post(page_of(world), {"action": "ask", "note": "Survey files are in Box."})
    assert "Asked for" in page.text
    page = imani.get("/box-requests")
    assert "Survey files are in Box." in page.text
    page = imani.post(f"/box-requests/{world.borealis}", {"action": "grant"})
    assert "Nobody is waiting" in page.text
    page = charlie.get(page_of(world))
    assert "Granted, on" in page.text
    assert page.text.index("Asked for Charlie Test") < page.text.index("Granted, and switched on")
    assert "Box was granted to Borealis Civil" in charlie.get("/notices").text


def test_declining_needs_a_reason_which_the_admin_reads(
    charlie: Visitor, imani: Visitor, world: World
) -> None:
    charlie.post(page_of(world), {"action": "ask"})
    page = imani.post(
        f"/box-requests/{world.borealis}", {"action": "decline", "reason": "  "}, expect=422
    )
    assert "Write a reason" in page.text
    imani.post(
        f"/box-requests/{world.borealis}", {"action": "decline", "reason": "Confirm your plan."}
    )
    page = charlie.get(page_of(world))
    assert "Declined" in page.text
    assert "Confirm your plan." in page.text
    assert "Asked for" in charlie.post(page_of(world), {"action": "ask"}).text


def test_a_request_can_be_taken_back(charlie: Visitor, imani: Visitor, world: World) -> None:
    charlie.post(page_of(world), {"action": "ask"})
    page = charlie.post(page_of(world), {"action": "take_back"})
    assert "Not enabled" in page.text
    imani.post(f"/box-requests/{world.borealis}", {"action": "decline", "reason": "x"}, expect=409)


def test_asking_twice_is_a_conflict_not_a_second_request(charlie: Visitor, world: World) -> None:
    charlie.post(page_of(world), {"action": "ask"})
    charlie.post(page_of(world), {"action": "ask"}, expect=409)


def test_the_admin_turns_box_off_and_on(alice: Visitor, world: World) -> None:
    here = f"/companies/{world.acme}/settings/box"
    page = alice.post(here, {"action": "off"})
    assert "Granted, off" in page.text
    alice.post(here, {"action": "off"}, expect=409)
    page = alice.post(here, {"action": "on"})
    assert "Granted, on" in page.text
    assert page.text.index("Switched off") < page.text.index("Switched on")


def test_a_company_that_never_asked_can_switch_box_off(charlie: Visitor, world: World) -> None:
    page = charlie.post(page_of(world), {"action": "off"})
    assert "Box is off for this company" in page.text


def test_withdrawing_takes_the_grant_and_says_why(
    alice: Visitor, imani: Visitor, world: World
) -> None:
    imani.post(
        f"/box-requests/{world.acme}", {"action": "withdraw", "reason": "Contract has ended."}
    )
    page = alice.get(f"/companies/{world.acme}/settings/box")
    assert "Withdrawn" in page.text
    assert "Contract has ended." in page.text


@pytest.mark.parametrize("name", ["bob", "rita"])
def test_members_see_the_state_and_whom_to_ask_but_change_nothing(
    signed_in: SignIn, world: World, name: str
) -> None:
    visitor = signed_in(name)
    page = visitor.get(f"/companies/{world.acme}/settings/box")
    assert "Alice Test administer this company" in page.text
    assert list(page.all("button", name="action")) == []
    visitor.post(f"/companies/{world.acme}/settings/box", {"action": "off"}, expect=404)


def test_only_the_implementation_manager_decides(
    alice: Visitor, imani: Visitor, world: World
) -> None:
    alice.get("/box-requests", expect=404)
    alice.post(f"/box-requests/{world.acme}", {"action": "grant"}, expect=404)
    imani.get(f"/companies/{world.acme}", expect=404)
    imani.get(f"/projects/{world.tower}", expect=404)
    page = imani.get("/")
    assert page.h1 == "Box requests"


def test_the_database_itself_refuses_that_one_person_asks_and_decides(
    charlie: Visitor, world: World
) -> None:
    charlie.post(page_of(world), {"action": "ask"})
    with charlie.app.app_context():
        with pytest.raises(IntegrityError):
            db.session.execute(
                update(BoxRequest).values(outcome="granted", decided_by_id=world.people["charlie"])
            )
        db.session.rollback()
        grant = db.session.get_one(Company, world.borealis).box_grant
    assert grant == Grant.REQUESTED


@pytest.mark.parametrize("action", ["", "grant", "nonsense"])
def test_an_unknown_action_changes_nothing(charlie: Visitor, world: World, action: str) -> None:
    charlie.post(page_of(world), {"action": action}, expect=404)
    assert "Nothing has happened yet." in charlie.get(page_of(world)).text


def test_a_note_has_its_limit_and_is_kept_when_it_is_too_long(
    charlie: Visitor, world: World
) -> None:
    page = charlie.post(page_of(world), {"action": "ask", "note": "x" * 501}, expect=422)
    assert "Write at most 500 characters." in page.text
    assert "x" * 501 in page.html

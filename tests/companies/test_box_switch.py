"""A company's Box: asked, granted, declined, withdrawn, switched, each by whom it belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from tests.support.pages import Visitor
from tests.support.world import World
from webapp.accounts.identity import SignedIn
from webapp.companies import box_switch
from webapp.companies.box_access import Refusal, Standing, refusal_to_attach
from webapp.companies.models import BoxRequest, Company, CompanyMember, Grant
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.problems import Conflict

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
    assert page.text.index("Asked for Charlie Test") < page.text.index("Granted Imani Test")
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


# ---- every way through it


STEPS = ("ask", "take_back", "grant", "decline", "withdraw", "on", "off")


@dataclass(frozen=True)
class Oracle:
    """What a company's Box is, told in another way than the code does it."""

    is_open: bool = False
    is_granted: bool = False
    is_withdrawn: bool = False
    is_declined: bool = False
    is_off: bool = False

    def after(self, step: str) -> "Oracle | None":
        """Return what a step makes of it, None where it is refused."""
        refused = {
            "ask": self.is_open or self.is_granted,
            "take_back": not self.is_open,
            "grant": not self.is_open,
            "decline": not self.is_open,
            "withdraw": not self.is_granted,
            "on": not self.is_off,
            "off": self.is_off,
        }
        if refused[step]:
            return None
        became: dict[str, dict[str, bool]] = {
            "ask": {"is_open": True, "is_declined": False},
            "take_back": {"is_open": False},
            "grant": {"is_open": False, "is_granted": True, "is_withdrawn": False},
            "decline": {"is_open": False, "is_declined": not self.is_withdrawn},
            "withdraw": {"is_granted": False, "is_withdrawn": True},
            "on": {"is_off": False},
            "off": {"is_off": True},
        }
        return replace(self, **became[step])

    @property
    def grant(self) -> Grant:
        states = (
            (self.is_granted, Grant.GRANTED),
            (self.is_open, Grant.REQUESTED),
            (self.is_withdrawn, Grant.WITHDRAWN),
            (self.is_declined, Grant.DECLINED),
        )
        return next((state for is_so, state in states if is_so), Grant.NONE)

    @property
    def refusal(self) -> Refusal | None:
        """Why somebody whose link another company allows may not attach here."""
        if self.is_off:
            return Refusal.SWITCHED_OFF
        return Refusal.WITHDRAWN if self.is_withdrawn else None


def test_every_sequence_of_steps_leads_where_two_people_meant(app: Flask, world: World) -> None:
    """All sequences up to five steps, by walking the states that they reach."""
    elsewhere = Standing(0, Grant.GRANTED, is_switched_off=False)
    with app.app_context():
        admin, manager = signed_in_as(world, "charlie"), signed_in_as(world, "imani")
        reached: dict[Oracle, tuple[str, ...]] = {Oracle(): ()}
        frontier = [Oracle()]
        for _length in range(5):
            arrived = []
            for state in frontier:
                for step in STEPS:
                    begin_at(world, state)
                    company = db.session.get_one(Company, world.borealis, populate_existing=True)
                    expected = state.after(step)
                    try:
                        take(step, company, admin, manager)
                    except Conflict:
                        assert expected is None, (reached[state], step)
                    else:
                        assert expected is not None, (reached[state], step)
                    now = expected or state
                    here = Standing.of(
                        db.session.get_one(Company, world.borealis, populate_existing=True)
                    )
                    assert here.grant is now.grant, (reached[state], step)
                    assert here.is_switched_off is now.is_off, (reached[state], step)
                    refusal = refusal_to_attach(
                        link_state="active", mine=[elsewhere], here=here, only_granted=False
                    )
                    assert refusal is now.refusal, (reached[state], step)
                    if now not in reached:
                        reached[now] = (*reached[state], step)
                        arrived.append(now)
            frontier = arrived
        assert len(reached) == 12
        db.session.remove()


def begin_at(world: World, state: Oracle) -> None:
    """Put Borealis where a state says, with an open request where there is one."""
    db.session.rollback()
    db.session.execute(delete(BoxRequest))
    db.session.execute(
        update(Company)
        .where(Company.id == world.borealis)
        .values(
            box_grant=state.grant, box_withdrawn=state.is_withdrawn, box_switched_off=state.is_off
        )
    )
    if state.is_open:
        asker = world.people["charlie"]
        db.session.add(BoxRequest(company_id=world.borealis, asked_by_id=asker))
    db.session.commit()


def take(step: str, company: Company, admin: SignedIn, manager: SignedIn) -> None:
    if step == "ask":
        box_switch.ask(company, admin, "")
    elif step == "take_back":
        box_switch.take_back(company, admin)
    elif step == "grant":
        box_switch.grant(company, manager)
    elif step == "decline":
        box_switch.decline(company, manager, "No.")
    elif step == "withdraw":
        box_switch.withdraw(company, manager, "Over.")
    else:
        box_switch.turn(company, admin, on=step == "on")


def signed_in_as(world: World, name: str) -> SignedIn:
    return SignedIn(world.people[name], name, world.email(name), name == "imani", "", utcnow())


def test_nobody_grants_what_was_not_asked_for(
    charlie: Visitor, imani: Visitor, world: World
) -> None:
    assert not list(imani.get("/box-requests").all("button", value="grant"))
    imani.post(f"/box-requests/{world.borealis}", {"action": "grant"}, expect=409)
    assert "Not enabled" in charlie.get(page_of(world)).text


def test_a_grant_leaves_off_what_the_admin_switched_off_and_says_so(
    charlie: Visitor, imani: Visitor, world: World
) -> None:
    charlie.post(page_of(world), {"action": "off"})
    charlie.post(page_of(world), {"action": "ask"})
    imani.post(f"/box-requests/{world.borealis}", {"action": "grant"})
    assert "Granted, off" in charlie.get(page_of(world)).text
    assert "It is switched off there until" in charlie.get("/notices").text
    assert "Granted, on" in charlie.post(page_of(world), {"action": "on"}).text


def test_a_manager_who_asked_as_the_companys_admin_decides_nothing(
    app: Flask, charlie: Visitor, imani: Visitor, world: World
) -> None:
    """Such accounts are not made any more, but one may be there."""
    with app.app_context():
        db.session.add(
            CompanyMember(company_id=world.borealis, person_id=world.people["imani"], is_admin=True)
        )
        db.session.commit()
        db.session.remove()
    imani.post(page_of(world), {"action": "ask"})
    for action in ("grant", "decline"):
        answer = imani.post(
            f"/box-requests/{world.borealis}", {"action": action, "reason": "x"}, expect=403
        )
        assert "This request is your own." in answer.text
    assert "Asked for" in charlie.get(page_of(world)).text


@pytest.mark.parametrize("way_out", ["ask", "take_back", "decline"])
def test_a_company_cannot_undo_a_withdrawal(
    alice: Visitor, imani: Visitor, world: World, way_out: str
) -> None:
    here = f"/companies/{world.acme}/settings/box"
    imani.post(f"/box-requests/{world.acme}", {"action": "withdraw", "reason": "Over."})
    alice.post(here, {"action": "ask"})
    if way_out == "take_back":
        alice.post(here, {"action": "take_back"})
    elif way_out == "decline":
        imani.post(f"/box-requests/{world.acme}", {"action": "decline", "reason": "No."})
    page = alice.get(here)
    assert "Nobody can attach from Box in its projects until it is granted again." in page.text
    assert ("Asked for" if way_out == "ask" else "Withdrawn") in page.text
    record = f"/projects/{world.tower}/rfis/{world.rfi}/attach/"
    assert "withdrawn" in alice.get(f"{record}box/").text.lower()

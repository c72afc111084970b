"""An RFI's life: drafted, sent, opened with a number, answered, closed; each step by its people."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.lifecycle import working_days_after

SignIn = Callable[[str], Visitor]


def rfis(world: World) -> str:
    return f"/projects/{world.tower}/rfis"


def new_rfi(visitor: Visitor, world: World, move: str = "", **values: Any) -> Page:
    page = visitor.post(rfis(world))
    given: dict[str, Any] = {"title": "Edge of slab", "question": "Which governs?", **values}
    if move:
        given["move"] = move
    return visitor.submit(page, "/edit", **given)


def address(page: Page) -> str:
    return str(page.response.request.path)


def test_a_standard_person_drafts_and_an_admin_opens_it_with_the_next_number(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    page = new_rfi(bob, world, manager=str(world.people["alice"]), move="send")
    assert "Draft" in page.text
    assert "Ball in court Alice Test" in page.text
    assert list(page.all("button", value="open")) == []
    edit = alice.get(f"{address(page)}/edit")
    page = alice.submit(edit, "/edit", assignees=str(world.people["bob"]), move="open")
    assert page.h1 == "Edge of slab"
    assert "RFI-003" in page.text
    assert "Ball in court Bob Test" in page.text
    assert "Edge of slab" in bob.get(f"{rfis(world)}?ball=me").links()


def test_opening_sets_a_due_date_in_working_days(alice: Visitor, world: World) -> None:
    everyone = str(world.people["bob"])
    page = new_rfi(
        alice, world, manager=str(world.people["alice"]), assignees=everyone, move="open"
    )
    with alice.app.app_context():
        record = db.session.scalars(select(Record).where(Record.title == "Edge of slab")).one()
    assert record.opened_at is not None
    assert record.due_on == working_days_after(record.opened_at.date(), 7)
    assert "RFI-003" in page.text


def test_working_days_skip_the_weekend() -> None:
    friday = date(2026, 11, 20)
    assert working_days_after(friday, 1) == date(2026, 11, 23)
    assert working_days_after(friday, 7) == date(2026, 12, 1)


def test_what_is_missing_for_a_step_is_named_and_nothing_is_lost(
    alice: Visitor, world: World
) -> None:
    page = alice.post(rfis(world))
    answer = alice.submit(
        page, "/edit", title="Half a question", question="Why?", move="open", expect=422
    )
    assert "First fill in: RFI manager, Assignees." in answer.text
    assert "Half a question" in answer.html
    assert "Draft" in alice.get(rfis(world)).text


def test_a_draft_is_seen_by_its_creator_its_manager_and_admins_only(
    bob: Visitor, signed_in: SignIn, world: World
) -> None:
    here = address(new_rfi(bob, world))
    signed_in("dora").get(here, expect=404)
    signed_in("alice").get(here)
    assert "Edge of slab" not in signed_in("rita").get(rfis(world)).links()


def test_an_unsaved_draft_is_its_creators_alone(
    bob: Visitor, signed_in: SignIn, world: World
) -> None:
    edit = address(bob.post(rfis(world)))
    bob.get(edit)
    signed_in("alice").get(edit, expect=404)
    assert "Untitled" not in signed_in("alice").get(rfis(world)).links()


def test_a_numbered_rfi_cannot_be_discarded_but_a_draft_can(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    page = new_rfi(bob, world)
    assert "Discard draft" in page.text
    bob.post(f"{address(page)}/discard")
    bob.get(address(page), expect=404)
    alice.post(f"{rfis(world)}/{world.rfi}/discard", expect=403)


def test_an_assignee_answers_and_hands_back_to_the_manager(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"{rfis(world)}/{world.rfi}"
    page = bob.get(here)
    page = bob.submit(page, "/sections/responses", text="A-102 governs.", move="return")
    assert "A-102 governs." in page.text
    assert "Ball in court Alice Test" in page.text
    page = alice.post(f"{here}/rows/1/official", {"official": "yes"})
    assert "Official" in page.text
    page = alice.post(f"{here}/move", {"move": "close"})
    assert "Closed" in page.text
    bob.post(f"{here}/sections/responses", {"text": "One more thing"}, expect=403)
    page = alice.post(f"{here}/move", {"move": "reopen"})
    assert "Open" in page.text


def test_an_empty_response_is_not_sent(bob: Visitor, world: World) -> None:
    here = f"{rfis(world)}/{world.rfi}"
    answer = bob.post(f"{here}/sections/responses", {"text": "  "}, expect=422)
    assert "Write a response, or attach a file that is one." in answer.text


@pytest.mark.parametrize(
    ("name", "status"), [("rita", 403), ("dora", 403), ("nell", 404), ("charlie", 404)]
)
def test_who_has_no_part_in_it_cannot_answer(
    signed_in: SignIn, world: World, name: str, status: int
) -> None:
    here = f"{rfis(world)}/{world.rfi}"
    signed_in(name).post(f"{here}/sections/responses", {"text": "Me too"}, expect=status)


@pytest.mark.parametrize("step", ["close", "pass_on", "open", "nonsense", ""])
@pytest.mark.parametrize("name", ["bob", "rita", "dora"])
def test_steps_are_taken_by_their_people_only(
    signed_in: SignIn, world: World, name: str, step: str
) -> None:
    here = f"{rfis(world)}/{world.rfi}"
    answer = signed_in(name).post(f"{here}/move", {"move": step}, expect=None)
    assert answer.status in {403, 409, 422}
    page = signed_in("alice").get(here)
    assert "Ball in court Bob Test" in page.text


def test_a_private_rfi_exists_for_its_people_and_the_admins_only(
    signed_in: SignIn, world: World
) -> None:
    here = f"{rfis(world)}/{world.private_rfi}"
    for name in ("alice", "bob"):
        assert "Private" in signed_in(name).get(here).text
    for name in ("rita", "dora", "nell"):
        signed_in(name).get(here, expect=404)
    assert "A private matter" not in signed_in("rita").get(rfis(world)).links()
    assert "A private matter" not in signed_in("rita").get(f"/projects/{world.tower}").text


def test_two_people_editing_at_once_lose_nothing(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    edit = f"{rfis(world)}/{world.rfi}/edit"
    second = signed_in("alice")
    first_form, second_form = alice.get(edit), second.get(edit)
    alice.submit(first_form, "/edit", title="The first words", drawing="S-201")
    conflict = second.submit(second_form, "/edit", title="The second words", expect=409)
    assert "This changed meanwhile" in conflict.text
    assert "The second words" in conflict.html
    assert "Now: The first words" in conflict.text
    assert "Drawing number now: S-201" in conflict.text
    page = second.submit(conflict, "/edit", title="The second words", drawing="S-201")
    assert page.h1 == "The second words"


def test_fields_that_are_not_ones_own_cannot_be_set(
    bob: Visitor, alice: Visitor, world: World
) -> None:
    page = bob.post(rfis(world))
    names = {field.get("name") for field in page.all("input")}
    assert "assignees" not in names
    assert "due_on" not in names
    values: dict[str, Any] = {
        "title": "Mine",
        "assignees": str(world.people["bob"]),
        "due_on": "2030-01-01",
    }
    extra: dict[str, Any] = {
        "project_id": "2",
        "company_id": "2",
        "status": "closed",
        "created_by_id": "1",
    }
    bob.submit(page, "/edit", **values, **extra)
    with bob.app.app_context():
        record = db.session.scalars(select(Record).where(Record.title == "Mine")).one()
    assert record.due_on is None
    assert record.status == "draft"
    assert record.project_id == world.tower
    assert record.created_by_id == world.people["bob"]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("title", "", "Write a few words."),
        ("title", "x" * 301, "at most 300 characters"),
        ("question", "x" * 50_001, "at most 50,000 characters"),
        ("due_on", "yesterday", "Not a valid date value."),
        ("due_on", "0000-00-00", "Not a valid date value."),
        ("due_on", "1066-10-14", "Choose a date between 1900 and 2200."),
        ("cost_amount", "-5", "Write an amount from 0."),
        ("cost_amount", "a lot", "Write a number like 1,234.56."),
        ("cost_amount", "NaN", "Write a number like 1,234.56."),
        ("schedule_days", "3.5", "Write a whole number like 12."),
        ("manager", "999999", "Choose one of these."),
        ("manager", "0 OR 1=1", "Choose one of these."),
        ("assignees", "999999", "Choose from these only."),
        ("location", "Nowhere", "Choose one of these."),
        ("cost_impact", "maybe", "Choose one of these."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_everything_typed_is_kept(
    alice: Visitor, world: World, field: str, value: str, complaint: str
) -> None:
    edit = alice.get(f"{rfis(world)}/{world.rfi}/edit")
    values = {"reference_to_keep": "", "drawing": "S-777", field: value}
    answer = alice.submit(edit, "/edit", **values, expect=422)
    assert complaint in answer.text
    assert "S-777" in answer.html
    assert alice.get(f"{rfis(world)}/{world.rfi}").h1 == "Stair 2 slab edge"


def test_characters_nobody_types_are_dropped(alice: Visitor, world: World) -> None:
    edit = alice.get(f"{rfis(world)}/{world.rfi}/edit")
    assert alice.submit(edit, "/edit", title="nul\x00 and bell\x07").h1 == "nul and bell"


def test_the_manager_is_one_of_the_tools_admins(alice: Visitor, world: World) -> None:
    edit = alice.get(f"{rfis(world)}/{world.rfi}/edit")
    manager = next(edit.all("select", name="manager"))
    offered = {o.get("value") for o in manager}
    assert offered == {"", str(world.people["alice"])}


def test_numbers_are_unique_and_changed_by_admins_only(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"{rfis(world)}/{world.rfi}"
    answer = alice.post(f"{here}/number", {"number": "2"}, expect=422)
    assert "That number is taken." in answer.text
    assert "RFI-042" in alice.post(f"{here}/number", {"number": "42"}).text
    bob.post(f"{here}/number", {"number": "7"}, expect=403)
    for nonsense in ("0", "-1", "x", "1e9", "9999999", "0000000012345678901", ""):
        alice.post(f"{here}/number", {"number": nonsense}, expect=422)


def test_the_change_history_says_who_changed_what_from_and_to(alice: Visitor, world: World) -> None:
    edit = alice.get(f"{rfis(world)}/{world.rfi}/edit")
    page = alice.submit(edit, "/edit", title="New words", location="Building>Level 1")
    assert "Alice Test changed this" in page.text
    assert "Subject: Stair 2 slab edge → New words" in page.text
    assert "Location: empty → Building / Level 1" in page.text


def test_what_was_typed_is_there_again_after_choosing_files(bob: Visitor, world: World) -> None:
    page = bob.post(rfis(world))
    edit = address(page)
    typed = {"title": "Not finished", "question": "Half a sent", "cost_amount": "twelve"}
    form = page.form("/edit")
    dialog = bob.post(edit.replace("/edit", "/keep"), {**form.values, **typed})
    assert "Attach files to RFI draft" in dialog.text
    again = bob.get(edit)
    assert "Not finished" in again.html
    assert "Half a sent" in again.html

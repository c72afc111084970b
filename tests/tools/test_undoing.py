"""What was voided or terminated comes back for thirty days, to exactly the status it had."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from tests.support.pages import Page, Visitor
from tests.support.world import World
from tests.tools.contracts import SLUGS, Job, id_in, steps
from tests.tools.test_change_orders import amounts, change, go
from webapp.core.clock import utcnow
from webapp.core.text import step_text
from webapp.tools.registry import TOOLS, Tool

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
ENDED = {"void", "terminated", "withdrawn"}
MONEY = [tool for tool in TOOLS if tool.key in SLUGS]


def offers_undo(page: Page) -> bool:
    return any((form.get("action") or "").endswith("/undo") for form in page.all("form"))


@pytest.fixture
def contract(alice: Visitor, job: Job) -> str:
    here = job.make(alice, "prime_contract", "Tower GMP")
    job.line(alice, here, "1000")
    alice.post(f"{here}/move", {"move": "approve"})
    return here


def way_to(tool: Tool, status: str) -> list[str]:
    """Return the shortest way of steps from the first status to another."""
    ways: dict[str, list[str]] = {tool.first_status: []}
    waiting = [tool.first_status]
    while status not in ways:
        now = waiting.pop(0)
        for step in (s for s in tool.transitions if now in s.before and s.after not in ways):
            ways[step.after] = [*ways[now], step.key]
            waiting.append(step.after)
    return ways[status]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_every_step_that_ends_something_for_good_can_be_undone(tool: Tool) -> None:
    undoable = {step.key for step in tool.transitions if step.undo}
    assert undoable == {step.key for step in tool.transitions if step.after in ENDED}


@pytest.mark.parametrize("tool", MONEY, ids=lambda tool: tool.key)
def test_it_comes_back_to_exactly_the_status_it_had(
    alice: Visitor, job: Job, contract: str, tool: Tool
) -> None:
    cases = [(step, before) for step in tool.transitions if step.undo for before in step.before]
    for step, before in cases:
        here = begun(alice, job, contract, tool, before)
        counted_in = contract if tool.key == "change_orders" else here
        was, held, sums = job.record(here), steps(alice.get(here)), amounts(job, counted_in)
        page = alice.post(f"{here}/move", {"move": step.key})
        assert job.record(here).status == step.after
        page = alice.submit(page, f"{here}/undo")
        now = job.record(here)
        assert (now.status, now.is_open, now.amount) == (before, was.is_open, was.amount)
        assert now.restricted == was.restricted
        assert now.details.get("committed_amount") == was.details.get("committed_amount")
        assert steps(page) == held
        assert amounts(job, counted_in) == sums
        labels = (tool.status(step.after).label, tool.status(before).label)
        assert f"{step_text(step.label)} undone: {labels[0]} → {labels[1]}" in page.text
        # It is undone once: a second press, or a page that was left open, changes nothing.
        assert not offers_undo(page)
        alice.post(f"{here}/undo", expect=409)
        assert job.record(here).status == before


def begun(visitor: Visitor, job: Job, contract: str, tool: Tool, status: str) -> str:
    """Return the address of a record with a line that has been brought to a status."""
    given = {"parent": str(id_in(contract))} if tool.key == "change_orders" else {}
    if tool.key == "commitments":
        kinds = tool.status(status).only_for or ("subcontract",)
        given = {"vendor": str(job.vendor()), "type": kinds[0]}
    here = job.make(visitor, tool.key, "Doomed", **given)
    job.line(visitor, here, "60")
    go(visitor, here, *way_to(tool, status))
    assert job.record(here).status == status
    assert not offers_undo(visitor.get(here))
    return here


@pytest.mark.parametrize(("name", "before"), [("bob", "pending"), ("alice", "approved")])
def test_a_withdrawn_note_is_put_back_by_whoever_withdrew_it(
    signed_in: SignIn, job: Job, world: World, name: str, before: str
) -> None:
    visitor = signed_in(name)
    begun = visitor.post(f"/projects/{world.tower}/daily-log")
    here = begun.form("/edit").action.removesuffix("/edit")
    visitor.submit(begun, "/edit", comments="Rain")
    assert job.record(here).status == before
    visitor.post(f"{here}/move", {"move": "withdraw" if before == "pending" else "strike"})
    visitor.submit(visitor.get(here), f"{here}/undo")
    assert job.record(here).status == before
    assert "Withdraw undone" in visitor.get(here).text


def test_the_question_names_the_button_and_its_last_day_and_then_it_is_gone(
    alice: Visitor, signed_in: SignIn, job: Job, contract: str
) -> None:
    here = change(job, alice, contract, "60")
    go(alice, here, "submit", "approved")
    asked = alice.get(f"{here}/ask?move=void")
    assert "“Undo void” brings it back to Approved until" in asked.text
    go(alice, here, "void")
    for days, is_there in ((29, True), (31, False)):
        with time_machine.travel(utcnow() + timedelta(days=days)):
            later = signed_in("alice")
            assert offers_undo(later.get(here)) is is_there
            if not is_there:
                later.post(f"{here}/undo", expect=409)
    assert job.record(here).status == "void"


def test_who_may_not_void_undoes_nothing(
    alice: Visitor, bob: Visitor, signed_in: SignIn, job: Job, contract: str
) -> None:
    here = change(job, bob, contract, title="Bob's own")
    job.line(alice, here, "60")
    go(alice, here, "submit", "void")
    for visitor in (bob, signed_in("rita")):
        assert not offers_undo(visitor.get(here))
        visitor.post(f"{here}/undo", expect=403)
    assert job.record(here).status == "void"


def test_another_step_meanwhile_takes_the_way_back_away(
    alice: Visitor, job: Job, contract: str
) -> None:
    here = change(job, alice, contract, "60")
    go(alice, here, "submit", "approved", "void", "reopen")
    alice.post(f"{here}/undo", expect=409)
    go(alice, here, "void")
    alice.post(f"{here}/undo")
    assert job.record(here).status == "pending_in_review"


def test_the_reviewer_has_it_again(alice: Visitor, job: Job, contract: str, world: World) -> None:
    here = change(job, alice, contract, "60", reviewer=str(world.people["bob"]))
    go(alice, here, "submit", "pricing", "void")
    assert "Ball in court Nobody" in alice.get(here).text
    page = alice.post(f"{here}/undo")
    assert "Ball in court Bob Test" in page.text


@pytest.fixture
def voided(alice: Visitor, job: Job, contract: str) -> tuple[str, str]:
    """An approved change order that was voided, with the part that went along."""
    part = change(job, alice, contract, "60")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit", "approved", "void")
    assert amounts(job, contract) == ["0.00", "0.00", "0.00", "1000.00"]
    return whole, part


def test_its_parts_come_back_with_it_and_count_once(
    alice: Visitor, job: Job, contract: str, voided: tuple[str, str]
) -> None:
    whole, part = voided
    assert not offers_undo(alice.get(part))
    alice.post(f"{part}/undo", expect=409)
    alice.post(f"{whole}/undo")
    assert [job.record(here).status for here in voided] == ["approved"] * 2
    assert amounts(job, contract) == ["60.00", "0.00", "0.00", "1060.00"]
    assert "Void undone: Void → Approved" in alice.get(part).text


def test_not_when_a_part_belongs_to_another_change_order_now(
    alice: Visitor, job: Job, contract: str, voided: tuple[str, str]
) -> None:
    whole, part = voided
    go(alice, part, "reopen")
    other = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, other, "submit", "approved")
    answer = alice.post(f"{whole}/undo", expect=422)
    assert "PCO-001 is part of CO-002 already." in answer.text
    assert [job.record(here).status for here in (whole, part)] == ["void", "approved"]
    assert amounts(job, contract) == ["60.00", "0.00", "0.00", "1060.00"]


def test_not_when_a_part_has_gone_its_own_way(
    alice: Visitor, job: Job, contract: str, voided: tuple[str, str]
) -> None:
    whole, part = voided
    go(alice, part, "reopen", "approved")
    answer = alice.post(f"{whole}/undo", expect=422)
    assert "PCO-001 has gone its own way since: Approved." in answer.text
    # Voided again by itself, it is still not what went along then.
    go(alice, part, "void")
    alice.post(f"{whole}/undo", expect=422)
    assert amounts(job, contract) == ["0.00", "0.00", "0.00", "1000.00"]


def test_not_when_what_was_agreed_has_been_changed_since(
    alice: Visitor, job: Job, contract: str, voided: tuple[str, str]
) -> None:
    whole, _part = voided
    alice.submit(alice.get(f"{whole}/edit"), "/edit", schedule_days="9", includes=[])
    answer = alice.post(f"{whole}/undo", expect=422)
    assert "CO-001 was changed since: Schedule, Includes potential change orders." in answer.text
    assert job.record(whole).status == "void"


def test_voiding_what_does_not_lead_leaves_its_parts_alone(
    alice: Visitor, job: Job, contract: str
) -> None:
    """A draft's parts count by themselves, and a rejected change order has let its parts go."""
    part = change(job, alice, contract, "60")
    first = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, first, "submit", "rejected")
    go(alice, part, "reopen")
    second = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, second, "submit", "approved")
    assert "goes along" not in alice.get(f"{first}/ask?move=void").text
    go(alice, first, "void")
    assert amounts(job, contract) == ["60.00", "0.00", "0.00", "1060.00"]
    alice.post(f"{first}/undo")
    assert [job.record(here).status for here in (first, part)] == ["rejected", "approved"]
    alone = change(job, alice, contract, "7")
    draft = change(job, alice, contract, tier="change_order", includes=str(id_in(alone)))
    go(alice, alone, "submit", "approved")
    go(alice, draft, "void")
    assert amounts(job, contract) == ["67.00", "0.00", "0.00", "1067.00"]


def test_voiding_a_change_order_foretells_what_goes_with_its_parts(
    alice: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "60")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit", "approved")
    asked = alice.get(f"{whole}/ask?move=void")
    assert "becomes $1,000.00; it is $1,060.00 now." in asked.text

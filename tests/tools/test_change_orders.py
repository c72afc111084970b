"""Changes to contracts: who makes and decides them, how they are numbered, what they add up to."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask

from tests.imports.conftest import CARDS
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from tests.tools.contracts import Job, address, figures, id_in, steps
from webapp.companies.models import Level
from webapp.core.clock import utcnow
from webapp.tools.catalog.change_orders import PENDING, TOOL

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

STILL_PENDING = {
    "review": "pending_in_review",
    "revised": "pending_revised",
    "pricing": "pending_pricing",
    "not_pricing": "pending_not_pricing",
    "proceeding": "pending_proceeding",
    "not_proceeding": "pending_not_proceeding",
}
DECISIONS = ("approved", "rejected", "no_charge")
WAYS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "pending_in_review": ("submit",),
    **{after: ("submit", step) for step, after in STILL_PENDING.items() if step != "review"},
    **{step: ("submit", step) for step in DECISIONS},
    "void": ("submit", "void"),
}


def offered_in(status: str) -> set[str]:
    """Return the steps of a status that its admin has."""
    if status == "draft":
        return {"submit", "void"}
    if status in PENDING:
        return {key for key, after in STILL_PENDING.items() if after != status} | {
            *DECISIONS,
            "void",
        }
    return {"reopen"} | (set() if status == "void" else {"void"})


@pytest.fixture
def contract(alice: Visitor, job: Job) -> str:
    """A prime contract of a thousand dollars that everybody on Tower sees."""
    here = job.make(alice, "prime_contract", "Tower GMP")
    job.line(alice, here, "1000")
    alice.post(f"{here}/move", {"move": "approve"})
    return here


@pytest.fixture
def subcontract(alice: Visitor, job: Job) -> str:
    """A private subcontract: its amount is nobody's business."""
    here = job.make(alice, "commitments", "Secret concrete", vendor=str(job.vendor()))
    job.line(alice, here, "2388000")
    alice.post(f"{here}/move", {"move": "approve"})
    return here


def change(job: Job, who: Visitor, contract: str, amount: str = "", **values: Any) -> str:
    given = {"title": "Soils", **values}
    here = job.make(who, "change_orders", given.pop("title"), parent=str(id_in(contract)), **given)
    if amount:
        job.line(who, here, amount)
    return here


def go(visitor: Visitor, here: str, *path: str) -> None:
    for step in path:
        visitor.post(f"{here}/move", {"move": step})


def amounts(job: Job, contract: str) -> list[str]:
    """Return approved, pending, draft and revised as a contract keeps them."""
    return [f"{amount:.2f}" for amount in job.sums(contract)]


# ---- statuses, steps, whose turn it is


@pytest.mark.parametrize("status", WAYS)
def test_the_steps_of_a_status_are_offered_to_admins(
    alice: Visitor, job: Job, contract: str, status: str
) -> None:
    here = change(job, alice, contract, "10")
    go(alice, here, *WAYS[status])
    record = job.record(here)
    assert record.status == status
    assert record.is_open is (status == "draft" or status in PENDING)
    assert steps(alice.get(here)) == offered_in(status)
    for step in {s.key for s in TOOL.transitions} - offered_in(status):
        alice.post(f"{here}/move", {"move": step}, expect=409)
    assert {s.key for s in TOOL.statuses} == set(WAYS)


def test_the_reviewer_holds_the_ball_while_it_is_pending_and_decides(
    alice: Visitor, bob: Visitor, signed_in: SignIn, job: Job, contract: str, world: World
) -> None:
    here = change(job, alice, contract, "10", reviewer=str(world.people["bob"]))
    assert "Ball in court Alice Test" in alice.get(here).text
    go(alice, here, "submit")
    page = bob.get(here)
    assert "Ball in court Bob Test" in page.text
    assert steps(page) == {"approved", "rejected"}
    bob.post(f"{here}/move", {"move": "void"}, expect=403)
    bob.get(f"{here}/edit", expect=403)
    for name in ("dora", "rita"):
        assert steps(signed_in(name).get(here)) == set()
        signed_in(name).post(f"{here}/move", {"move": "approved"}, expect=403)
    page = bob.post(f"{here}/move", {"move": "approved"})
    assert "Ball in court Nobody" in page.text
    assert amounts(job, contract) == ["10.00", "0.00", "0.00", "1010.00"]


def test_whoever_sends_it_for_review_while_its_file_is_copied_gets_the_file(
    app: Flask, bob: Visitor, sandbox: SandboxProcess, job: Job, contract: str
) -> None:
    link(bob, sandbox)
    here = change(job, bob, contract, "10")
    copying.attach(bob, sandbox, f"{here}/attach/", CARDS)
    go(bob, here, "submit")
    bob.get(f"{here}/attach/", expect=403)
    copying.run_worker(app)
    assert "Contact cards.vcf" in bob.get(here).text
    copying.check_invariant(app, sandbox)


def test_another_reviewer_takes_the_ball_at_once(
    alice: Visitor, job: Job, contract: str, world: World
) -> None:
    here = change(job, alice, contract, reviewer=str(world.people["bob"]))
    go(alice, here, "submit")
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", reviewer=str(world.people["dora"]))
    assert "Ball in court Dora Test" in page.text


def test_a_reviewer_must_be_able_to_review(
    alice: Visitor, job: Job, contract: str, world: World
) -> None:
    here = change(job, alice, contract, reviewer=str(world.people["rita"]))
    answer = alice.post(f"{here}/move", {"move": "submit"}, expect=422)
    assert "Rita Test may not answer here." in answer.text
    edit = alice.get(f"{here}/edit")
    alice.submit(edit, "/edit", reviewer=str(world.people["bob"]), is_private="y")
    answer = alice.post(f"{here}/move", {"move": "submit"}, expect=422)
    assert "Bob Test does not see private change orders." in answer.text
    assert job.record(here).status == "draft"
    edit = alice.get(f"{here}/edit")
    alice.submit(edit, "/edit", reviewer=str(world.people["alice"]))
    go(alice, here, "submit")


def test_a_revised_one_counts_its_revision(alice: Visitor, job: Job, contract: str) -> None:
    here = change(job, alice, contract)
    go(alice, here, "submit")
    assert job.record(here).revision == 0
    go(alice, here, "revised", "review", "revised")
    record = job.record(here)
    assert (record.number, record.revision) == ("PCO-001", 2)


def test_overdue_and_pending_and_reason_and_contract_can_be_filtered(
    alice: Visitor, job: Job, contract: str, subcontract: str
) -> None:
    late = str(utcnow().date() - timedelta(days=3))
    first = change(
        job, alice, contract, title="Late soils", due_on=late, reason="existing_condition"
    )
    change(job, alice, subcontract, title="Draft rough-in", reason="allowance")
    go(alice, first, "submit", "pricing")
    here = job.at("change_orders")

    def titles(query: str) -> set[str]:
        return set(alice.get(f"{here}?{query}").links()) & {"Late soils", "Draft rough-in"}

    assert titles("") == {"Late soils", "Draft rough-in"}
    for query in (
        "status=overdue",
        "status=pending",
        "status=pending_pricing",
        "reason=existing_condition",
        f"parent={id_in(contract)}",
    ):
        assert titles(query) == {"Late soils"}, query
    page = alice.get(here)
    assert "3 days late" in page.text
    # Grouped by contract, each under the contract's name.
    headings = [" ".join("".join(h.itertext()).split()) for h in page.all("th", scope="rowgroup")]
    assert headings == ["PC-001 Tower GMP", "SC-T-1-001 Secret concrete"]


# ---- what a Standard person may


def test_standard_people_make_their_own_drafts_and_send_them(
    alice: Visitor, bob: Visitor, signed_in: SignIn, job: Job, contract: str
) -> None:
    here = change(job, bob, contract, "10")
    assert job.record(here).details["tier"] == "potential"
    for name in ("dora", "rita"):
        signed_in(name).get(here, expect=404)
    bob.get(f"{here}/attach/?source=computer")
    row = next(h for words, h in bob.get(here).links().items() if words.startswith("Edit 03-300"))
    bob.submit(bob.get(row), "/edit", amount="12")
    assert steps(bob.get(here)) == {"submit"}
    go(bob, here, "submit")
    assert job.record(here).number == "PCO-001"
    for path in ("/edit", "/attach/?source=computer", "/sections/lines/add"):
        bob.get(here + path, expect=403)
    bob.post(f"{row}", {"amount": "99999", "cost_code": "03-300", "version": "2"}, expect=403)
    assert job.record(here).amount == Decimal("12.00")
    alice.get(f"{here}/edit")
    alice.get(f"{here}/sections/lines/add")


def test_only_admins_choose_the_tier_and_what_is_included(
    alice: Visitor, bob: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "5")
    go(alice, part, "submit")
    here = change(job, bob, contract)
    form = bob.get(f"{here}/edit").form("/edit")
    assert not {"tier", "includes", "amount", "series"} & set(form.values)
    edit = bob.get(f"{here}/edit")
    bob.submit(edit, "/edit", tier="change_order", includes=str(id_in(part)), amount="9")
    record = job.record(here)
    assert record.details["tier"] == "potential"
    assert not record.details.get("includes")
    assert record.amount != 9


def test_read_only_people_begin_nothing_and_see_no_drafts(
    alice: Visitor, signed_in: SignIn, job: Job, contract: str
) -> None:
    here = change(job, alice, contract, title="Only a draft")
    rita = signed_in("rita")
    rita.get(here, expect=404)
    assert "Only a draft" not in rita.get(job.at("change_orders")).text
    assert "Only a draft" not in rita.get(contract).text
    rita.post(job.at("change_orders"), expect=404)
    go(alice, here, "submit")
    assert "Only a draft" in rita.get(here).text
    rita.get(f"{here}/edit", expect=403)


def test_a_private_one_is_for_admins_only(
    alice: Visitor, bob: Visitor, job: Job, contract: str, world: World
) -> None:
    here = change(job, bob, contract, "10", title="Hush money", is_private="y")
    bob.get(here)
    # Nobody who sees it would hold the ball.
    answer = bob.post(f"{here}/move", {"move": "submit"}, expect=422)
    assert "Bob Test does not see private change orders." in answer.text
    bob.submit(bob.get(f"{here}/edit"), "/edit", reviewer=str(world.people["alice"]))
    page = bob.post(f"{here}/move", {"move": "submit"})
    assert page.h1 == "Change Orders"
    bob.get(here, expect=404)
    for path in (job.at("change_orders"), contract):
        assert "Hush money" not in bob.get(path).text
    assert "Hush money" in alice.get(contract).text


def test_it_needs_a_contract_before_it_is_sent(alice: Visitor, job: Job) -> None:
    here = job.make(alice, "change_orders", "Soils")
    answer = alice.post(f"{here}/move", {"move": "submit"}, expect=422)
    assert "First fill in: Contract." in answer.text


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("parent", "999999", "Choose one of these."),
        ("parent", "rfi", "Choose one of these."),
        ("tier", "", "This is needed."),
        ("tier", "package", "Choose one of these."),
        ("reason", "whim", "Choose one of these."),
        ("schedule_days", "-1", "Write a number from 0."),
        ("due_on", "0000-01-01", "Not a valid date value."),
        ("includes", "999999", "Choose from these only."),
        ("title", "x" * 301, "at most 300 characters"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_changes(
    alice: Visitor, job: Job, contract: str, world: World, field: str, value: str, complaint: str
) -> None:
    here = change(job, alice, contract)
    before = job.record(here)
    value = str(world.rfi) if value == "rfi" else value
    answer = alice.submit(alice.get(f"{here}/edit"), "/edit", **{field: value}, expect=422)
    assert complaint in answer.text
    after = job.record(here)
    assert (after.parent_id, after.details, after.version) == (
        before.parent_id,
        before.details,
        before.version,
    )


# ---- numbers


def test_numbers_follow_the_tier_and_what_is_changed(
    alice: Visitor, job: Job, contract: str, subcontract: str
) -> None:
    made = [
        change(job, alice, contract),
        change(job, alice, contract, tier="change_order"),
        change(job, alice, subcontract, tier="change_order"),
        change(job, alice, subcontract),
    ]
    for here in made:
        assert job.record(here).number is None
        go(alice, here, "submit")
    numbers = [job.record(here).number for here in made]
    assert numbers == ["PCO-001", "CO-001", "CCO-001", "PCO-002"]


def test_a_draft_without_a_number_can_be_discarded_by_its_creator(
    alice: Visitor, bob: Visitor, job: Job, contract: str
) -> None:
    here = change(job, bob, contract, "10")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(here)))
    other = change(job, bob, contract, "10")
    assert job.record(whole).amount == 10
    assert amounts(job, contract)[2] == "20.00"
    for draft in (here, other):
        bob.post(f"{draft}/discard")
        bob.get(draft, expect=404)
    assert job.record(whole).amount == 0
    assert amounts(job, contract)[2] == "0.00"
    job.line(alice, whole, "3")
    assert amounts(job, contract)[2] == "3.00"


def test_another_contract_means_another_number_and_both_contracts_count_anew(
    alice: Visitor, job: Job, contract: str, subcontract: str
) -> None:
    here = change(job, alice, contract, "10", tier="change_order")
    go(alice, here, "submit")
    assert amounts(job, contract) == ["0.00", "10.00", "0.00", "1000.00"]
    edit = alice.get(f"{here}/edit")
    page = alice.submit(edit, "/edit", parent=str(id_in(subcontract)))
    assert job.record(here).number == "CCO-001"
    assert "changed the number from CO-001 to CCO-001" in page.text
    assert amounts(job, contract) == ["0.00", "0.00", "0.00", "1000.00"]
    assert amounts(job, subcontract) == ["0.00", "10.00", "0.00", "2388000.00"]


# ---- money


def test_lines_may_be_credits_and_their_sum_is_the_amount(
    alice: Visitor, job: Job, contract: str
) -> None:
    here = change(job, alice, contract, "64200.10")
    page = job.line(alice, here, "-200.25")
    assert figures(page)["Amount"] == "$63,999.85"
    assert "−$200.25" in page.text
    job.line(alice, here, "-64000")
    assert job.record(here).amount == Decimal("-0.15")
    go(alice, here, "submit", "approved")
    assert amounts(job, contract) == ["-0.15", "0.00", "0.00", "999.85"]


@pytest.mark.parametrize("status", WAYS)
def test_it_counts_in_its_contract_by_its_status(
    alice: Visitor, job: Job, contract: str, status: str
) -> None:
    here = change(job, alice, contract, "51.90")
    go(alice, here, *WAYS[status])
    approved = "51.90" if status == "approved" else "0.00"
    pending = "51.90" if status in PENDING else "0.00"
    draft = "51.90" if status == "draft" else "0.00"
    revised = "1051.90" if status == "approved" else "1000.00"
    assert amounts(job, contract) == [approved, pending, draft, revised]
    told = figures(alice.get(contract))
    assert told["Approved changes"] == f"${approved}"
    assert told["Pending changes"] == f"${pending}"
    assert told["Draft changes"] == f"${draft}"
    assert told["Revised amount"] == f"${Decimal(revised):,.2f}"
    assert f"${Decimal(revised):,.2f}" in alice.get(job.at("prime_contract")).text


def test_the_commitment_and_its_committed_cost_follow(
    alice: Visitor, job: Job, subcontract: str
) -> None:
    here = change(job, alice, subcontract, "51900", tier="change_order")
    go(alice, here, "submit", "approved")
    told = figures(alice.get(subcontract))
    assert told["Revised amount"] == "$2,439,900.00"
    assert told["Committed cost"] == "$2,439,900.00"
    go(alice, here, "reopen")
    assert figures(alice.get(subcontract))["Committed cost"] == "$2,388,000.00"


def test_the_lines_rest_once_it_is_decided(alice: Visitor, job: Job, contract: str) -> None:
    here = change(job, alice, contract, "10")
    go(alice, here, "submit", "approved")
    alice.get(f"{here}/sections/lines/add", expect=403)
    go(alice, here, "reopen")
    job.line(alice, here, "1")
    assert amounts(job, contract)[1] == "11.00"


def test_one_that_was_never_saved_does_not_count(alice: Visitor, job: Job, contract: str) -> None:
    page = alice.post(f"{contract}/act", {"action": "change_order"})
    here = address(page).removesuffix("/edit")
    job.line(alice, here, "10")
    assert amounts(job, contract)[2] == "0.00"
    alice.submit(alice.get(f"{here}/edit"), "/edit", title="Now it is")
    assert amounts(job, contract)[2] == "10.00"


# ---- what a change order includes


def test_what_is_included_follows_and_counts_once(alice: Visitor, job: Job, contract: str) -> None:
    parts = [change(job, alice, contract, "60"), change(job, alice, contract, "4")]
    go(alice, parts[0], "submit", "pricing")
    ids = [str(id_in(part)) for part in parts]
    whole = change(job, alice, contract, tier="change_order", includes=ids)
    # Still a draft, it leaves its parts where they are, and where they count.
    assert job.record(parts[0]).status == "pending_pricing"
    assert job.record(whole).amount == 64
    assert amounts(job, contract) == ["0.00", "60.00", "4.00", "1000.00"]
    assert "its parts count by themselves until it is sent" in alice.get(contract).text
    go(alice, whole, "submit")
    assert amounts(job, contract) == ["0.00", "64.00", "0.00", "1000.00"]
    assert alice.get(contract).text.count("counts as CO-001") == 2
    assert [job.record(part).status for part in parts] == ["pending_in_review"] * 2
    assert [job.record(part).number for part in parts] == ["PCO-001", "PCO-002"]
    go(alice, whole, "approved")
    for part in parts:
        record = job.record(part)
        assert (record.status, record.is_open) == ("approved", False)
        page = alice.get(part)
        assert "Ball in court Nobody" in page.text
        assert "Part of CO-001" in page.text
        assert "moved this along with CO-001: Pending - In Review → Approved" in page.text
        answer = alice.post(f"{part}/move", {"move": "reopen"}, expect=422)
        assert "It is part of CO-001 and follows its status." in answer.text
    assert amounts(job, contract) == ["64.00", "0.00", "0.00", "1064.00"]
    go(alice, whole, "void")
    assert [job.record(part).status for part in parts] == ["void"] * 2
    # A void one lets its parts go.
    go(alice, parts[0], "reopen")
    alice.submit(alice.get(f"{whole}/edit"), "/edit", title="Void, renamed")
    assert job.record(parts[0]).status == "pending_in_review"
    assert amounts(job, contract) == ["0.00", "60.00", "0.00", "1000.00"]


def test_only_potential_ones_of_the_same_contract_can_be_included_once(
    alice: Visitor, job: Job, contract: str, subcontract: str
) -> None:
    mine = change(job, alice, contract)
    elsewhere = change(job, alice, subcontract)
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(mine)))
    other = change(job, alice, contract, tier="change_order")
    for here, included, words in (
        (whole, elsewhere, "of the same contract only"),
        (whole, other, "Choose from these only."),
        (whole, whole, "Choose from these only."),
        (other, mine, "is part of"),
        (mine, elsewhere, "Only a change order includes"),
    ):
        edit = alice.get(f"{here}/edit")
        answer = alice.submit(edit, "/edit", includes=str(id_in(included)), expect=422)
        assert words in answer.text
    edit = alice.get(f"{mine}/edit")
    answer = alice.submit(edit, "/edit", parent=str(id_in(subcontract)), expect=422)
    assert "Take it out there first." in answer.text
    assert job.record(mine).parent_id == id_in(contract)


def test_a_change_order_takes_over_the_lines_of_what_it_includes(
    alice: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "60")
    job.line(alice, part, "-4.50", description="Credit for forms")
    go(alice, part, "submit")
    whole = change(job, alice, contract, tier="change_order")
    edit = alice.get(f"{whole}/edit")
    assert "PCO-001 Soils, $55.50" in edit.text
    page = alice.submit(edit, "/edit", includes=str(id_in(part)))
    assert figures(page)["Amount"] == "$55.50"
    assert "PCO-001 Credit for forms" in page.text
    assert "took over the lines of PCO-001: $55.50" in page.text
    assert "Take over the lines" not in page.text
    assert "Amount: $55.50, the sum of its lines." in alice.get(f"{whole}/edit").text
    alice.post(f"{whole}/act", {"action": "take_lines"}, expect=422)
    # They change where they come from.
    assert not [words for words in page.links() if words.startswith("Edit 03-300")]
    row = next(tr.get("id", "").removeprefix("row-") for tr in page.all("tr") if tr.get("id"))
    alice.get(f"{whole}/rows/{row}/edit", expect=403)
    answer = alice.post(f"{whole}/rows/{row}/remove", expect=403)
    assert "This line comes from a potential change order. Change it there." in answer.text
    page = job.line(alice, part, "10")
    assert job.record(whole).amount == Decimal("65.50")
    assert "$55.50 → $65.50" in alice.get(whole).text
    alice.submit(alice.get(f"{whole}/edit"), "/edit", includes=[])
    assert job.record(whole).amount == 0
    assert amounts(job, contract) == ["0.00", "65.50", "0.00", "1000.00"]


def test_an_approved_change_order_counts_what_it_includes_without_lines_of_its_own(
    alice: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "11850")
    go(alice, part, "submit", "pricing")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit")
    assert amounts(job, contract) == ["0.00", "11850.00", "0.00", "1000.00"]
    page = alice.post(f"{whole}/move", {"move": "approved"})
    assert figures(page)["Amount"] == "$11,850.00"
    assert amounts(job, contract) == ["11850.00", "0.00", "0.00", "12850.00"]


def test_it_is_neither_sent_nor_approved_while_its_lines_are_not_what_it_includes(
    alice: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "60")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    job.line(alice, whole, "60")
    wanted = (
        "Its lines come to $120.00, the potential change orders it includes to $60.00. "
        "Change or remove lines until both are the same."
    )
    assert wanted in alice.get(whole).text
    assert wanted in alice.post(f"{whole}/move", {"move": "submit"}, expect=422).text
    job.line(alice, whole, "-60")
    go(alice, whole, "submit")
    page = job.line(alice, whole, "0.01")
    assert "$60.01" in page.text
    answer = alice.post(f"{whole}/move", {"move": "approved"}, expect=422)
    assert "come to $60.01" in answer.text
    assert job.record(whole).status == "pending_in_review"


def test_what_is_approved_keeps_its_contract_its_tier_and_its_parts(
    alice: Visitor, job: Job, contract: str, subcontract: str
) -> None:
    part = change(job, alice, contract, "60")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit", "approved")
    for here in (part, whole):
        alice.get(f"{here}/edit", expect=403)
        given = {"parent": str(id_in(subcontract)), "tier": "potential", "schedule_days": "9"}
        sent = alice.post(f"{here}/edit", {"title": "Moved", "version": "9", **given}, expect=None)
        assert sent.status in {403, 422}
    alice.post(f"{whole}/edit", {"title": "Without", "version": "9", "includes": []}, expect=None)
    assert job.record(whole).details["includes"] == [id_in(part)]
    assert job.record(part).parent_id == id_in(contract)
    assert amounts(job, contract) == ["60.00", "0.00", "0.00", "1060.00"]


def test_a_part_decided_by_itself_is_in_no_change_order_that_is_sent(
    alice: Visitor, job: Job, contract: str
) -> None:
    part, late = change(job, alice, contract, "60"), change(job, alice, contract, "7")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, part, "submit", "approved")
    assert amounts(job, contract) == ["60.00", "0.00", "7.00", "1060.00"]
    answer = alice.post(f"{whole}/move", {"move": "submit"}, expect=422)
    assert "PCO-001 has been decided by itself: Approved. Take it out" in answer.text
    other = change(job, alice, contract, tier="change_order")
    edit = alice.get(f"{other}/edit")
    assert "PCO-001" not in edit.text
    alice.submit(edit, "/edit", includes=str(id_in(part)), expect=422)
    alice.submit(alice.get(f"{whole}/edit"), "/edit", includes=str(id_in(late)))
    go(alice, whole, "submit", "approved")
    assert amounts(job, contract) == ["67.00", "0.00", "0.00", "1067.00"]


def test_a_rejected_one_is_opened_again_only_with_parts_that_are_still_free(
    alice: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "60")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit", "rejected")
    go(alice, part, "reopen")
    second = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    answer = alice.post(f"{whole}/move", {"move": "reopen"}, expect=422)
    assert "PCO-001 is part of" in answer.text
    go(alice, second, "submit", "approved")
    alice.post(f"{whole}/move", {"move": "reopen"}, expect=422)
    assert amounts(job, contract) == ["60.00", "0.00", "0.00", "1060.00"]
    alice.submit(alice.get(f"{whole}/edit"), "/edit", includes=[])
    go(alice, whole, "reopen")
    assert amounts(job, contract) == ["60.00", "0.00", "0.00", "1060.00"]


def test_a_signed_contract_and_a_signed_change_order_rest(
    alice: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "60")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit")
    page = alice.submit(alice.get(f"{whole}/edit"), "/edit", executed="y")
    assert "Signed by everybody: the lines no longer change." in page.text
    alice.get(f"{whole}/sections/lines/add", expect=403)
    form = alice.get(f"{part}/sections/lines/add").form("/add")
    given = {**form.values, "cost_code": "03-300", "amount": "1"}
    answer = alice.post(form.action, given, expect=422)
    assert "It is part of CO-001, which is signed." in answer.text
    assert job.record(part).amount == 60
    here = job.make(alice, "prime_contract", "Suite 210", executed="y")
    job.line(alice, here, "5")
    alice.post(f"{here}/move", {"move": "bid"})
    alice.get(f"{here}/sections/sov/add", expect=403)


def test_the_lines_of_a_private_part_are_told_by_number_only(
    alice: Visitor, bob: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, is_private="y")
    job.line(alice, part, "60", description="Hush money")
    go(alice, part, "submit")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit")
    page = bob.get(whole)
    assert "Hush money" not in page.html
    assert figures(page)["Amount"] == "$60.00"
    alice.submit(alice.get(f"{part}/edit"), "/edit", is_private=[])
    assert "PCO-001 Hush money" in bob.get(whole).text


# ---- who may know what


def test_who_does_not_see_the_contract_learns_neither_its_amounts_nor_its_title(
    alice: Visitor, signed_in: SignIn, job: Job, subcontract: str
) -> None:
    here = change(job, alice, subcontract, "51900", title="Over-excavation")
    go(alice, here, "submit")
    alice.submit(alice.get(f"{here}/edit"), "/edit", parent="")
    alice.submit(alice.get(f"{here}/edit"), "/edit", parent=str(id_in(subcontract)))
    assert "Secret concrete" in alice.get(here).text
    for name in ("bob", "rita"):
        visitor = signed_in(name)
        for path in (here, job.at("change_orders"), f"{job.at('change_orders')}?sort=amount"):
            page = visitor.get(path)
            assert "$51,900.00" in page.text
            assert "SC-T-1-001" in page.text
            for words in ("Secret concrete", "2,388,000", "2,439,900", "Original amount"):
                assert words not in page.html, (name, path, words)
            assert f"commitments/{id_in(subcontract)}" not in page.html


def test_a_contract_its_editor_does_not_see_is_kept_and_not_named(
    alice: Visitor, bob: Visitor, job: Job, subcontract: str
) -> None:
    here = job.make(bob, "change_orders", "Rough-in")
    alice.submit(alice.get(f"{here}/edit"), "/edit", parent=str(id_in(subcontract)))
    edit = bob.get(f"{here}/edit")
    assert "Secret concrete" not in edit.html
    bob.submit(edit, "/edit", title="Rough-in, again")
    record = job.record(here)
    assert (record.title, record.parent_id) == ("Rough-in, again", id_in(subcontract))
    # Where it is not there already, it cannot be chosen.
    other = job.make(bob, "change_orders", "Another")
    edit = bob.get(f"{other}/edit")
    bob.submit(edit, "/edit", parent=str(id_in(subcontract)), expect=422)


def test_a_private_part_is_named_by_number_only(
    alice: Visitor, bob: Visitor, job: Job, contract: str
) -> None:
    part = change(job, alice, contract, "60", title="Hush money", is_private="y")
    go(alice, part, "submit")
    whole = change(job, alice, contract, tier="change_order", includes=str(id_in(part)))
    go(alice, whole, "submit")
    page = bob.get(whole)
    assert "Hush money" not in page.html
    assert "Hush money" in alice.get(whole).text


def test_a_refusal_names_no_draft_that_its_reader_does_not_see(
    alice: Visitor, bob: Visitor, job: Job, contract: str
) -> None:
    elsewhere = job.make(alice, "prime_contract", "Annex")
    go(alice, elsewhere, "approve")
    part = change(job, bob, contract, title="Rough-in")
    change(job, alice, contract, tier="change_order", title="Hush", includes=str(id_in(part)))
    for visitor, said in ((alice, "Hush"), (bob, "another change order")):
        edit = visitor.get(f"{part}/edit")
        answer = visitor.submit(edit, "/edit", parent=str(id_in(elsewhere)), expect=422)
        assert f"It is part of {said}. Take it out there first." in answer.text
    assert "Hush" not in answer.html


def test_a_question_tells_no_amount_of_a_contract_its_reader_does_not_see(
    alice: Visitor, bob: Visitor, job: Job, subcontract: str, world: World
) -> None:
    reviewer = str(world.people["bob"])
    here = change(job, alice, subcontract, "10", reviewer=reviewer)
    go(alice, here, "submit")
    assert "becomes $2,388,010.00" in alice.get(f"{here}/ask?move=approved").text
    asked = bob.get(f"{here}/ask?move=approved")
    assert asked.h1 == "Approve?"
    for words in ("2,388,0", "Secret concrete", "revised sum"):
        assert words not in asked.html
    assert "Only others can take it back, by the step “Open again”." in asked.text


def test_without_any_level_in_the_tool_there_is_nothing(
    alice: Visitor, signed_in: SignIn, charlie: Visitor, job: Job, contract: str
) -> None:
    job.set_level("nell", "change_orders", Level.NONE)
    here = change(job, alice, contract, "10", title="Soils")
    go(alice, here, "submit")
    for visitor in (signed_in("nell"), charlie):
        for path in (here, f"{here}/edit", job.at("change_orders"), f"{here}/files"):
            visitor.get(path, expect=404)
        visitor.post(f"{here}/move", {"move": "approved"}, expect=404)
    nell = signed_in("nell").get(contract)
    assert "New change order" not in nell.text
    assert "Soils" not in nell.text


def test_the_history_tells_what_changed(
    app: Flask, alice: Visitor, job: Job, contract: str
) -> None:
    here = change(job, alice, contract, "10")
    go(alice, here, "submit", "pricing")
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", reason="allowance")
    for words in (
        "added Line: Concrete",
        "Send for review: Draft → Pending - In Review",
        "Pricing: Pending - In Review → Pending - Pricing",
        "Change reason: empty → Allowance",
    ):
        assert words in page.text


def test_change_orders_approved_at_the_same_time_all_count(
    app: Flask, alice: Visitor, signed_in: SignIn, job: Job, contract: str
) -> None:
    drafts = [change(job, alice, contract, str(amount)) for amount in (1, 20, 300)]
    for here in drafts:
        go(alice, here, "submit")
    hands = [(signed_in("alice"), here) for here in drafts]
    tokens = [visitor.token() for visitor, _here in hands]
    start = Barrier(len(hands))

    def approve(visitor: Visitor, here: str, token: str) -> None:
        start.wait(10)
        given = {"move": "approved", "csrf_token": token}
        page = visitor.post(f"{here}/move", given, csrf=False, expect=None)
        while page.status == 409:
            # Another one was approved meanwhile, so the contract's sum is asked about again.
            page = visitor.submit(page, "/move", expect=None)

    threads = [
        Thread(target=approve, args=(*hand, token))
        for hand, token in zip(hands, tokens, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [job.record(here).status for here in drafts] == ["approved"] * 3
    assert amounts(job, contract) == ["321.00", "0.00", "0.00", "1321.00"]

"""Subcontracts and purchase orders: each with its own numbers and statuses, private at first."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.support.pages import Visitor
from tests.support.world import World
from tests.tools.contracts import Job, address, figures, steps
from webapp.tools.catalog.commitments import TOOL

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

# For each type: from a status, the steps and where they lead.
SUBCONTRACT: dict[str, dict[str, str]] = {
    "draft": {
        "bid": "out_for_bid",
        "sign": "out_for_signature",
        "approve": "approved",
        "void": "void",
    },
    "out_for_bid": {
        "sign": "out_for_signature",
        "approve": "approved",
        "terminate": "terminated",
        "void": "void",
        "redraft": "draft",
    },
    "out_for_signature": {
        "approve": "approved",
        "terminate": "terminated",
        "void": "void",
        "redraft": "draft",
    },
    "approved": {
        "complete": "complete",
        "terminate": "terminated",
        "void": "void",
        "redraft": "draft",
    },
    "complete": {"reopen": "approved"},
    "terminated": {"reopen": "approved"},
    "void": {"redraft": "draft"},
}
PURCHASE_ORDER: dict[str, dict[str, str]] = {
    "draft": {
        "process": "processing",
        "submit": "submitted",
        "approve": "approved",
        "void": "void",
    },
    "processing": {
        "submit": "submitted",
        "approve": "approved",
        "void": "void",
        "redraft": "draft",
    },
    "submitted": {"approve": "approved", "void": "void", "redraft": "draft"},
    "approved": {
        "receive_part": "partially_received",
        "receive": "received",
        "close": "closed",
        "void": "void",
        "redraft": "draft",
    },
    "partially_received": {"receive": "received"},
    "received": {"close": "closed", "reopen": "approved"},
    "closed": {"reopen": "approved"},
    "void": {"redraft": "draft"},
}
TYPES = {"subcontract": SUBCONTRACT, "purchase_order": PURCHASE_ORDER}
ALL_STEPS = {step.key for step in TOOL.transitions}


def ways(tree: dict[str, dict[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the shortest way of steps from the draft to each status."""
    found: dict[str, tuple[str, ...]] = {"draft": ()}
    waiting = ["draft"]
    while waiting:
        status = waiting.pop(0)
        for step, after in tree[status].items():
            if after not in found:
                found[after] = (*found[status], step)
                waiting.append(after)
    return found


CASES = [(kind, status) for kind, tree in TYPES.items() for status in tree]


def make(job: Job, visitor: Visitor, kind: str, title: str = "Concrete", **values: Any) -> str:
    given = {"type": kind, "vendor": str(job.vendor()), **values}
    return job.make(visitor, "commitments", title, **given)


def go(visitor: Visitor, here: str, *path: str) -> None:
    for step in path:
        visitor.post(f"{here}/move", {"move": step})


@pytest.mark.parametrize(("kind", "status"), CASES)
def test_each_type_keeps_to_its_own_statuses(
    alice: Visitor, job: Job, kind: str, status: str
) -> None:
    tree = TYPES[kind]
    here = make(job, alice, kind)
    go(alice, here, *ways(tree)[status])
    assert job.record(here).status == status
    assert steps(alice.get(here)) == set(tree[status])
    for step in ALL_STEPS - set(tree[status]):
        answer = alice.post(f"{here}/move", {"move": step}, expect=None)
        assert answer.status in {409, 422}, step
        assert job.record(here).status == status
    step, after = next(iter(tree[status].items()))
    alice.post(f"{here}/move", {"move": step})
    assert job.record(here).status == after


def test_every_status_is_some_types_own() -> None:
    for kind, tree in TYPES.items():
        theirs = {s.key for s in TOOL.statuses if not s.only_for or kind in s.only_for}
        assert theirs == set(tree)


def test_a_type_cannot_be_changed_to_one_without_the_status(alice: Visitor, job: Job) -> None:
    here = make(job, alice, "subcontract")
    go(alice, here, "bid")
    answer = alice.submit(
        alice.get(f"{here}/edit"), "/edit", type="purchase_order", title="Changed", expect=422
    )
    assert "Type cannot be changed to that while the status is Out for Bid." in answer.text
    record = job.record(here)
    assert (record.details["type"], record.title) == ("subcontract", "Concrete")
    go(alice, here, "redraft")
    alice.submit(alice.get(f"{here}/edit"), "/edit", type="purchase_order")
    assert job.record(here).number == "PO-T-1-001"


@pytest.mark.parametrize("tool_key", ["commitments", "prime_contract"])
def test_what_was_agreed_changes_only_after_a_step_back(
    alice: Visitor, job: Job, tool_key: str
) -> None:
    vendor = str(job.vendor())
    here = job.make(alice, tool_key, "Concrete", vendor=vendor, retainage="10")
    job.line(alice, here, "5")
    go(alice, here, "approve")
    before = job.record(here)
    page = alice.get(f"{here}/edit")
    assert "Fixed while the status is Approved: " in page.text
    assert not {"vendor", "type", "retainage"} & set(page.form("/edit").values)
    given: dict[str, Any] = {"vendor": "", "type": "purchase_order", "retainage": "5"}
    alice.submit(page, "/edit", title="Concrete, all", **given)
    now = job.record(here)
    assert now.title == "Concrete, all"
    assert (now.vendor_id, now.number) == (before.vendor_id, before.number)
    assert now.details["retainage"] == before.details["retainage"]
    assert now.details.get("type") == before.details.get("type")
    go(alice, here, "redraft")
    alice.submit(alice.get(f"{here}/edit"), "/edit", retainage="5")
    assert job.record(here).details["retainage"] != before.details["retainage"]


def test_a_signed_contract_keeps_its_company_until_the_signature_is_taken_back(
    alice: Visitor, job: Job
) -> None:
    here = make(job, alice, "subcontract", executed="y")
    alice.submit(alice.get(f"{here}/edit"), "/edit", retainage="10")
    go(alice, here, "sign")
    page = alice.get(f"{here}/edit")
    assert "Fixed while Executed is ticked: Type, Contract company, Default retainage." in page.text
    alice.submit(page, "/edit", vendor="", executed=[])
    assert job.record(here).vendor_id == job.vendor()
    alice.submit(alice.get(f"{here}/edit"), "/edit", vendor="")
    assert job.record(here).vendor_id is None


def test_numbers_count_by_type_within_the_project(alice: Visitor, job: Job) -> None:
    found = [
        job.record(make(job, alice, kind)).number
        for kind in ("subcontract", "purchase_order", "subcontract")
    ]
    assert found == ["SC-T-1-001", "PO-T-1-001", "SC-T-1-002"]


def test_another_type_before_approval_is_another_number(alice: Visitor, job: Job) -> None:
    make(job, alice, "purchase_order")
    here = make(job, alice, "subcontract")
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", type="purchase_order")
    assert job.record(here).number == "PO-T-1-002"
    assert "changed the number from SC-T-1-001 to PO-T-1-002" in page.text
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", title="Still the same number")
    assert job.record(here).number == "PO-T-1-002"


def test_it_begins_as_a_private_subcontract(alice: Visitor, signed_in: SignIn, job: Job) -> None:
    form = alice.post(job.at("commitments")).form("/edit")
    assert form.values["is_private"] == ["y"]
    assert form.values["type"] == ["subcontract"]
    here = job.make(alice, "commitments", "Concrete")
    record = job.record(here)
    assert record.is_private
    assert record.restricted
    alice.submit(alice.get(f"{here}/edit"), "/edit", vendor=str(job.vendor()))
    go(alice, here, "approve")
    for name in ("bob", "rita"):
        signed_in(name).get(here, expect=404)


def test_a_listed_person_sees_it_without_its_lines(
    alice: Visitor, signed_in: SignIn, job: Job, world: World
) -> None:
    here = make(job, alice, "subcontract", visible_to=str(world.people["bob"]))
    job.line(alice, here, "1187000", description="Distribution")
    page = signed_in("bob").get(here)
    assert figures(page)["Original amount"] == "$1,187,000.00"
    assert "Distribution" not in page.text
    signed_in("bob").get(f"{here}/edit", expect=403)
    signed_in("rita").get(here, expect=404)


def test_approval_needs_the_contract_company(alice: Visitor, job: Job) -> None:
    here = job.make(alice, "commitments", "Concrete")
    answer = alice.post(f"{here}/move", {"move": "approve"}, expect=422)
    assert "First fill in: Contract company." in answer.text
    assert job.record(here).status == "draft"


@pytest.mark.parametrize(
    ("kind", "status"), [case for case in CASES if case[1] not in {"draft", "void"}]
)
def test_only_what_is_approved_or_partly_received_is_committed_cost(
    alice: Visitor, job: Job, kind: str, status: str
) -> None:
    here = make(job, alice, kind)
    job.line(alice, here, "87450.25")
    go(alice, here, *ways(TYPES[kind])[status])
    counts = status in {"approved", "partially_received"}
    committed = "$87,450.25" if counts else "$0.00"
    assert figures(alice.get(here))["Committed cost"] == committed
    assert Decimal(job.record(here).details["committed_amount"]) == Decimal(
        "87450.25" if counts else 0
    )
    listed = alice.get(f"{job.at('commitments')}?status=committed")
    assert ("Concrete" in listed.links()) is counts


def test_invoice_contacts_work_for_the_contract_company(
    alice: Visitor, job: Job, world: World
) -> None:
    here = make(job, alice, "subcontract")
    bob, rita = str(world.people["bob"]), str(world.people["rita"])
    edit = alice.get(f"{here}/edit")
    answer = alice.submit(edit, "/edit", invoice_contacts=[bob], expect=422)
    assert "choose people who work for what stands under Contract company" in answer.text
    job.employ("bob", job.vendor())
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", invoice_contacts=[bob])
    assert figures(page)["Invoice contacts"] == "Bob Test"
    edit = alice.get(f"{here}/edit")
    alice.submit(edit, "/edit", invoice_contacts=[bob, rita], expect=422)
    alice.submit(alice.get(f"{here}/edit"), "/edit", vendor="", expect=422)


def test_only_admins_begin_edit_and_attach(
    alice: Visitor, signed_in: SignIn, job: Job, world: World
) -> None:
    here = make(
        job, alice, "purchase_order", visible_to=[str(world.people[n]) for n in ("bob", "rita")]
    )
    go(alice, here, "submit")
    for name in ("bob", "rita"):
        visitor = signed_in(name)
        assert steps(visitor.get(here)) == set()
        visitor.post(job.at("commitments"), expect=404)
        visitor.get(f"{here}/attach/?source=computer", expect=403)
        visitor.post(f"{here}/move", {"move": "approve"}, expect=403)
        visitor.get(f"{here}/sections/sov/add", expect=404)
    alice.get(f"{here}/attach/?source=computer")


def test_fields_of_a_purchase_order_are_kept_and_shown(alice: Visitor, job: Job) -> None:
    here = make(
        job,
        alice,
        "purchase_order",
        delivery_on="2031-11-14",
        ship_to="1180 Juniper Flat Road",
        ship_via="Truck",
        terms="Net 30",
        retainage="10",
        executed="y",
    )
    told = figures(alice.get(here))
    for label, value in {
        "Type": "Purchase order",
        "Contract company": "Greyfold Glazing",
        "Executed": "Yes",
        "Default retainage": "10 %",
        "Delivery date": "Nov 14, 2031",
        "Ship to": "1180 Juniper Flat Road",
        "Ship via": "Truck",
        "Payment terms": "Net 30",
    }.items():
        assert told[label] == value
    listed = alice.get(job.at("commitments")).text
    assert "Purchase order PO-T-1-001 Greyfold Glazing Concrete" in listed


def test_nobody_of_another_company_finds_it(alice: Visitor, charlie: Visitor, job: Job) -> None:
    here = make(job, alice, "subcontract")
    for path in (here, f"{here}/edit", f"{here}/sections/sov/table", job.at("commitments")):
        charlie.get(path, expect=404)


def test_a_renamed_step_is_no_step(alice: Visitor, job: Job) -> None:
    page = alice.get(make(job, alice, "subcontract"))
    answer = alice.post(f"{address(page)}/move", {"move": "process"}, expect=422)
    assert "There is no such step." in answer.text

"""The contract with the owner: made by admins, seen by whom it names, its amounts to the cent."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Visitor
from tests.support.world import World
from tests.tools.contracts import Job, address, figures, steps
from webapp.accounts.models import Person
from webapp.companies.models import Level
from webapp.core.database import db
from webapp.records.models import RecordRow
from webapp.tools.catalog.prime_contract import TOOL
from webapp.tools.registry import TOOLS

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

STEPS: dict[str, dict[str, str]] = {
    "draft": {"bid": "out_for_bid", "sign": "out_for_signature", "approve": "approved"},
    "out_for_bid": {
        "sign": "out_for_signature",
        "approve": "approved",
        "terminate": "terminated",
        "redraft": "draft",
    },
    "out_for_signature": {"approve": "approved", "terminate": "terminated", "redraft": "draft"},
    "approved": {"complete": "complete", "terminate": "terminated", "redraft": "draft"},
    "complete": {"reopen": "approved"},
    "terminated": {"reopen": "approved"},
}
# A way from the first status to each, by steps of the tool itself.
WAYS = {
    "draft": (),
    "out_for_bid": ("bid",),
    "out_for_signature": ("sign",),
    "approved": ("approve",),
    "complete": ("approve", "complete"),
    "terminated": ("bid", "terminate"),
}


def go(visitor: Visitor, here: str, *ways: str) -> None:
    for step in ways:
        visitor.post(f"{here}/move", {"move": step})


def test_the_declaration_has_these_statuses_and_steps_and_no_others() -> None:
    declared = {(b, s.key): s.after for s in TOOL.transitions for b in s.before}
    wanted = {(b, key): after for b, found in STEPS.items() for key, after in found.items()}
    assert declared == wanted
    assert [status.key for status in TOOL.statuses] == list(STEPS)


@pytest.mark.parametrize("status", STEPS)
def test_admins_take_the_steps_of_a_status_and_nobody_else_any(
    alice: Visitor, signed_in: SignIn, job: Job, status: str
) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    go(alice, here, *WAYS[status])
    assert job.record(here).status == status
    assert steps(alice.get(here)) == set(STEPS[status])
    for name in ("bob", "rita"):
        visitor = signed_in(name)
        if status == "draft":
            visitor.get(here, expect=404)
            continue
        assert steps(visitor.get(here)) == set()
        visitor.post(f"{here}/move", {"move": next(iter(STEPS[status]))}, expect=403)
    for step, after in STEPS[status].items():
        alice.post(f"{here}/move", {"move": step})
        assert job.record(here).status == after
        break


def test_only_admins_begin_edit_and_attach(
    alice: Visitor, bob: Visitor, signed_in: SignIn, job: Job
) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    go(alice, here, "approve")
    for visitor in (bob, signed_in("rita")):
        listed = visitor.get(job.at("prime_contract"))
        assert "Tower GMP" in listed.links()
        assert "New Prime contract" not in listed.text
        visitor.post(job.at("prime_contract"), expect=404)
        visitor.get(f"{here}/edit", expect=403)
        visitor.get(f"{here}/attach/?source=computer", expect=403)
    alice.get(f"{here}/attach/?source=computer")
    alice.get(f"{here}/edit")


def test_contracts_are_numbered_when_first_saved(alice: Visitor, job: Job) -> None:
    first = job.make(alice, "prime_contract", "Preconstruction")
    second = job.make(alice, "prime_contract", "Tower GMP")
    assert [job.record(here).number for here in (first, second)] == ["PC-001", "PC-002"]


def test_the_lines_make_the_original_amount_to_the_cent(alice: Visitor, job: Job) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    for amount in ("18450000.07", "0.20", "0.10"):
        page = job.line(alice, here, amount)
    assert job.record(here).amount == Decimal("18450000.37")
    told = figures(page)
    assert told["Original amount"] == "$18,450,000.37"
    assert told["Revised amount"] == "$18,450,000.37"
    last = next(page.links()[words] for words in page.links() if words.startswith("Edit "))
    page = alice.submit(alice.get(last), "/edit", amount="0.30")
    assert job.record(here).amount == Decimal("18450000.57")
    page = alice.submit(alice.get(last), "/remove")
    assert figures(page)["Revised amount"] == "$18,450,000.27"


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("cost_code", "", "This is needed."),
        ("cost_code", "99-999", "Choose one of these."),
        ("amount", "", "This is needed."),
        ("amount", "-1", "Write an amount from 0."),
        ("amount", "1.001", "at most two decimal places"),
        ("amount", "lots", "Write a number like 1,234.56."),
        ("amount", "9" * 14, "Write an amount from 0."),
        ("description", "x" * 201, "at most 200 characters"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_of_a_line(
    alice: Visitor, job: Job, field: str, value: str, complaint: str
) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    page = alice.get(f"{here}/sections/sov/add")
    given = {"cost_code": "03-300", "amount": "1", field: value}
    answer = alice.submit(page, "/add", expect=422, **given)
    assert complaint in answer.text
    assert job.record(here).amount == 0


@pytest.mark.parametrize("language", ["en", "es"])
def test_amounts_are_taken_as_people_write_them_and_never_break_the_page(
    alice: Visitor, job: Job, world: World, language: str
) -> None:
    with job.app.app_context():
        db.session.get_one(Person, world.people["alice"]).language = language
        db.session.commit()
        db.session.remove()
    here = job.make(alice, "prime_contract", "Tower GMP", retainage="7.5 %")
    section = f"{here}/sections/sov/add"
    given = alice.get(section).form("/add").values | {"cost_code": "03-300"}
    for hostile in (
        "1e30",
        "Infinity",
        "sNaN",
        "1e999999999",
        "9" * 5000,
        "9" * 39,
        "\u0661",
        "-1",
    ):
        answer = alice.post(section, {**given, "amount": hostile}, expect=422)
        assert next(answer.all("p", class_="err"), None) is not None, hostile
    assert job.record(here).amount == 0
    pasted = ("$1,234.56", "1.234,56", "1\u00a0234.56", "USD 1,000", "1e0x", "999,999,999,999.99")
    for text in pasted:
        alice.post(section, {**given, "amount": text}, expect=422 if "x" in text else 303)
    # What the page prints, and what the field says, is read again as the same.
    page = alice.get(here)
    rows = [tr for tr in page.all("tr") if (tr.get("id") or "").startswith("row-")]
    printed = [cell for tr in rows for td in tr for cell in ["".join(td.itertext())] if "$" in cell]
    assert len(printed) == 5
    before = job.record(here).amount
    for row, amount in zip(rows, printed, strict=True):
        edit = alice.get(f"{here}/rows/{(row.get('id') or '').removeprefix('row-')}/edit")
        assert edit.form("/edit").values["amount"] == [amount.removeprefix("$")]
        alice.submit(edit, "/edit")
        edit = alice.get(f"{here}/rows/{(row.get('id') or '').removeprefix('row-')}/edit")
        alice.submit(edit, "/edit", amount=amount)
    assert job.record(here).amount == before == Decimal("1000000004703.67")
    told = alice.get(f"{here}/edit").form("/edit").values["retainage"]
    alice.submit(alice.get(f"{here}/edit"), "/edit", retainage=f"{told[0]} %")
    assert job.record(here).details["retainage"] == "7.50"


def test_lines_that_come_to_more_than_can_be_kept_are_refused(alice: Visitor, job: Job) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    job.line(alice, here, "1000000000000")
    with job.app.app_context():
        line = db.session.scalars(select(RecordRow)).one()
        line.amount = Decimal(10**15)
        db.session.commit()
        db.session.remove()
    given = alice.get(f"{here}/sections/sov/add").form("/add").values
    more = {**given, "cost_code": "03-300", "amount": "0.01"}
    answer = alice.post(f"{here}/sections/sov/add", more, expect=422)
    assert "Its lines come to more than $1,000,000,000,000,000.00." in answer.text


def test_a_version_that_is_no_number_is_another_version(alice: Visitor, job: Job) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    for version in ("9" * 5000, "9" * 25, "1e30", "\u0661", ""):
        form = alice.get(f"{here}/edit").form("/edit").values
        alice.post(f"{here}/edit", {**form, "version": version}, expect=409)
    for record in ("9" * 25, "9" * 18, "x"):
        alice.post("/imports/retry", {"record": record})
    for page in ("9" * 25, "-1", "\u0661"):
        alice.get(f"{job.at('prime_contract')}?page={page}")


def test_the_lines_rest_once_the_contract_is_approved(alice: Visitor, job: Job) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    job.line(alice, here, "100")
    go(alice, here, "approve")
    assert "Add a line" not in alice.get(here).links()
    alice.get(f"{here}/sections/sov/add", expect=403)
    go(alice, here, "redraft")
    assert "Add a line" in alice.get(here).links()


def test_a_private_contract_is_seen_by_whom_it_lists_and_admins(
    alice: Visitor, signed_in: SignIn, job: Job, world: World
) -> None:
    rita = str(world.people["rita"])
    here = job.make(alice, "prime_contract", "Suite 210", is_private="y", visible_to=rita)
    for status in ("draft", "approved"):
        if status == "approved":
            go(alice, here, "approve")
        assert "Suite 210" in signed_in("rita").get(job.at("prime_contract")).links()
        signed_in("rita").get(here)
        for name in ("bob", "dora"):
            signed_in(name).get(here, expect=404)
            assert "Suite 210" not in signed_in(name).get(job.at("prime_contract")).text
    alice.submit(alice.get(f"{here}/edit"), "/edit", visible_to=[])
    signed_in("rita").get(here, expect=404)


def test_the_list_helps_nobody_whose_level_is_none(
    alice: Visitor, signed_in: SignIn, job: Job, world: World
) -> None:
    job.set_level("nell", "prime_contract", Level.NONE)
    nell = str(world.people["nell"])
    here = job.make(alice, "prime_contract", "Suite 210", is_private="y", visible_to=nell)
    signed_in("nell").get(here, expect=404)


def test_the_schedule_of_values_is_for_admins_unless_the_contract_says_otherwise(
    alice: Visitor, signed_in: SignIn, job: Job, world: World
) -> None:
    here = job.make(
        alice,
        "prime_contract",
        "Suite 210",
        is_private="y",
        visible_to=str(world.people["bob"]),
    )
    page = job.line(alice, here, "455000", description="Interior build-out")
    row = next(page.links()[words] for words in page.links() if words.startswith("Edit "))
    alice.submit(alice.get(row), "/edit", amount="456000")
    bob = signed_in("bob")
    page = bob.get(here)
    assert figures(page)["Original amount"] == "$456,000.00"
    # Neither the table, nor its own page, nor what the history says about its lines.
    for words in ("Schedule of values", "Interior build-out", "455,000"):
        assert words not in page.text
    bob.get(f"{here}/sections/sov/table", expect=404)
    bob.get(row, expect=404)
    assert "Interior build-out" in alice.get(here).text
    alice.submit(alice.get(f"{here}/edit"), "/edit", shows_sov="y")
    page = bob.get(here)
    assert "Interior build-out" in page.text
    assert "$455,000.00 → $456,000.00" in page.text
    assert "Add a line" not in page.links()


def test_every_field_is_kept_and_shown(alice: Visitor, job: Job) -> None:
    here = job.make(
        alice,
        "prime_contract",
        "Tower GMP",
        vendor=str(job.vendor()),
        executed="y",
        retainage="7.5",
        dated_on="2031-05-06",
        starts_on="2031-06-01",
        completion_on="2032-06-01",
        substantial_on="2032-05-01",
        signed_on="2031-05-07",
        description="All of it.",
        inclusions="Cranes",
        exclusions="Permits",
    )
    told = figures(alice.get(here))
    for label, value in {
        "Owner / client": "Greyfold Glazing",
        "Executed": "Yes",
        "Default retainage": "7.5 %",
        "Contract date": "May 6, 2031",
        "Start date": "Jun 1, 2031",
        "Estimated completion": "Jun 1, 2032",
        "Substantial completion": "May 1, 2032",
        "Signed contract received": "May 7, 2031",
        "Inclusions": "Cranes",
        "Exclusions": "Permits",
    }.items():
        assert told[label] == value
    answer = alice.submit(alice.get(f"{here}/edit"), "/edit", retainage="101", expect=422)
    assert "Write a percentage up to 100." in answer.text


def test_the_list_shows_the_sums_and_sorts_by_the_original(alice: Visitor, job: Job) -> None:
    small = job.make(alice, "prime_contract", "Small")
    large = job.make(alice, "prime_contract", "Large", vendor=str(job.vendor()), executed="y")
    job.line(alice, small, "5")
    job.line(alice, large, "1000")
    go(alice, large, "approve")
    here = job.at("prime_contract")
    page = alice.get(f"{here}?sort=amount")
    subjects = [words for words in page.links() if words in {"Small", "Large"}]
    assert subjects == ["Small", "Large"]
    page = alice.get(f"{here}?sort=amount&dir=desc")
    assert [words for words in page.links() if words in {"Small", "Large"}] == ["Large", "Small"]
    row = next(tr for tr in page.all("tr") if "Large" in "".join(tr.itertext()))
    cells = [" ".join("".join(cell.itertext()).split()) for cell in row]
    assert cells == [
        "PC-002",
        "Greyfold Glazing",
        "Large",
        "Approved",
        "Yes",
        "$1,000.00",
        "$0.00",
        "$1,000.00",
        "$0.00",
    ]


def test_nobody_of_another_company_finds_it(alice: Visitor, charlie: Visitor, job: Job) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    go(alice, here, "approve")
    for path in (here, f"{here}/edit", f"{here}/sections/sov/table", job.at("prime_contract")):
        charlie.get(path, expect=404)
    charlie.post(f"{here}/act", {"action": "change_order"}, expect=404)


def test_a_change_order_is_begun_from_its_contract(
    alice: Visitor, signed_in: SignIn, job: Job
) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    go(alice, here, "approve")
    bob = signed_in("bob")
    page = bob.post(f"{here}/act", {"action": "change_order"})
    assert page.h1 == "New Change order"
    page = bob.submit(page, "/edit", title="Unsuitable soils")
    assert figures(page)["Contract"] == "PC-001 Tower GMP"
    # Read Only is not asked, and not served either.
    rita = signed_in("rita")
    assert "New change order" not in rita.get(here).text
    rita.post(f"{here}/act", {"action": "change_order"}, expect=422)


def test_two_people_editing_lose_nothing_when_a_change_order_counts_meanwhile(
    app: Flask, alice: Visitor, job: Job
) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    edit = alice.get(f"{here}/edit")
    change = job.make(alice, "change_orders", "Soils", parent=here.rpartition("/")[2])
    job.line(alice, change, "64200")
    page = alice.submit(edit, "/edit", title="Tower GMP, revised")
    assert address(page) == here
    assert job.sums(here)[2] == Decimal("64200.00")
    assert TOOLS.get("prime_contract") is TOOL

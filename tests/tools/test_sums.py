"""Every amount counts once: contracts and their changes at random, added up in plain Python.

The oracle knows nothing of what includes what: it adds up the lines that were typed, by the
status of the record they were typed into. Whatever is made of parts, the sums must be these.
"""

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.world import World
from webapp.core.database import db, writing
from webapp.core.problems import Problem
from webapp.records.models import Record, RecordRow
from webapp.tools import discarding, lifecycle, rows
from webapp.tools.catalog import change_orders, prime_contract
from webapp.tools.page import open_record
from webapp.tools.parts import Standing
from webapp.tools.registry import Tool

pytestmark = pytest.mark.wide

CHANGES, CONTRACTS = change_orders.TOOL, prime_contract.TOOL
STEPS = [transition.key for transition in CHANGES.transitions]
EDITS: list[dict[str, Any]] = [
    {},
    {"tier": "potential"},
    {"tier": "change_order"},
    {"is_private": True},
    {"is_private": False},
]
SPENT = ("rejected", "void")
ORIGINAL = Decimal("1000.00")
AMOUNTS = st.integers(-9_999, 99_999).map(lambda cents: Decimal(cents).scaleb(-2))
# Mostly the first three: a change order and its parts, where something can go wrong.
WHICH = st.one_of(st.integers(0, 2), st.integers(0, 2), st.integers(0, 7))

Deed = Callable[[Session, Standing], Any]


class Books(RuleBasedStateMachine):
    """Two contracts, potential change orders and change orders, and somebody busy with them."""

    def __init__(self, app: Flask, world: World) -> None:
        super().__init__()
        self.project, self.person = world.tower, world.people["alice"]
        self.context = app.app_context()
        self.context.push()
        self.contracts: list[int] = []
        self.changes: list[int] = []
        # What was typed into each change, by the ids of its lines.
        self.typed: dict[int, dict[int, Decimal]] = {}
        self.approved: list[Decimal] = []
        # What each change and its parts were before the last step that was taken with it.
        self.left: dict[int, dict[int, str]] = {}
        self.last = ""

    def teardown(self) -> None:
        db.session.remove()
        self.context.pop()

    # ---- what somebody does

    @initialize(amounts=st.lists(AMOUNTS, min_size=3, max_size=3))
    def begin(self, amounts: list[Decimal]) -> None:
        self.contracts = [self.make(CONTRACTS, {"title": "GMP"}) for _number in range(2)]
        for contract in self.contracts:
            assert self.do(CONTRACTS, contract, lambda session, found: self.line(found, ORIGINAL))
        for amount in amounts[:2]:
            self.new(potential=True, where=0, amount=amount)
        self.new(potential=False, where=0, amount=None)
        self.include(which=2, parts={0, 1})
        self.new(potential=True, where=0, amount=amounts[2])
        self.new(potential=False, where=0, amount=None)

    @precondition(lambda self: len(self.changes) < 8)
    @rule(potential=st.booleans(), where=st.integers(0, 1), amount=st.none() | AMOUNTS)
    def new(self, *, potential: bool, where: int, amount: Decimal | None) -> None:
        self.last = "new"
        tier = "potential" if potential else "change_order"
        values = {"title": "Soils", "parent": self.contracts[where], "tier": tier}
        change = self.make(CHANGES, values)
        self.changes.append(change)
        self.typed[change] = {}
        if amount is not None:
            self.add(which=len(self.changes) - 1, amount=amount)

    @rule(which=WHICH, amount=AMOUNTS)
    def add(self, *, which: int, amount: Decimal) -> None:
        self.last = "line"
        change = self.chosen(which)
        made: list[int] = []
        if self.do(
            CHANGES, change, lambda session, found: made.append(self.line(found, amount).id)
        ):
            self.typed[change][made[0]] = amount

    @rule(which=WHICH, line=st.integers(0, 3))
    def remove(self, *, which: int, line: int) -> None:
        self.last = "line"
        change = self.chosen(which)
        lines = self.lines(change)
        if lines:
            row = lines[line % len(lines)]
            if self.do(CHANGES, change, lambda s, found: rows.remove(s, found, s.merge(row))):
                del self.typed[change][row.id]

    @rule(which=WHICH, parts=st.sets(WHICH, max_size=3))
    def include(self, *, which: int, parts: set[int]) -> None:
        included = sorted({self.chosen(part) for part in parts})
        self.save(which, includes=included)

    @rule(which=WHICH, values=st.sampled_from(EDITS), where=st.integers(0, 1))
    def edit(self, *, which: int, values: dict[str, Any], where: int) -> None:
        self.save(which, **(values or {"parent": self.contracts[where]}))

    @rule(which=WHICH)
    def send(self, *, which: int) -> None:
        self.step(which=which, step="submit")

    @rule(which=WHICH)
    def approve(self, *, which: int) -> None:
        self.step(which=which, step="approved")

    @rule(which=WHICH)
    def void(self, *, which: int) -> None:
        self.step(which=which, step="void")

    @rule(which=WHICH)
    def undo(self, *, which: int) -> None:
        """Bring a voided change back: it and all that went along with it are as they were."""
        self.last = "step"
        change = self.chosen(which)
        before = self.statuses(change)
        if self.do(CHANGES, change, lifecycle.undo):
            assert self.statuses(change) == self.left.pop(change)
        else:
            assert self.statuses(change) == before

    @rule(which=WHICH, step=st.sampled_from(STEPS))
    def step(self, *, which: int, step: str) -> None:
        self.last = "step"
        transition = CHANGES.transition(step)
        assert transition is not None
        change = self.chosen(which)
        before = self.statuses(change)
        if self.do(CHANGES, change, lambda s, found: lifecycle.move(s, found, transition)):
            self.left[change] = before

    @rule(which=WHICH)
    def discard(self, *, which: int) -> None:
        self.last = "discard"
        change = self.chosen(which)
        if len(self.changes) > 4 and self.do(CHANGES, change, discarding.discard):
            self.changes.remove(change)
            del self.typed[change]

    # ---- what must hold

    @invariant()
    def every_amount_counts_once(self) -> None:
        changes = [self.record(change) for change in self.changes]
        for contract_id in self.contracts:
            here = [change for change in changes if change.parent_id == contract_id]
            approved = self.total(here, "approved")
            wanted = {
                "approved_amount": approved,
                "pending_amount": self.total(here, *change_orders.PENDING),
                "draft_amount": self.total(here, "draft"),
                "revised_amount": ORIGINAL + approved,
            }
            kept = self.record(contract_id).details
            assert {key: Decimal(kept[key]) for key in wanted} == wanted

    @invariant()
    def a_change_order_comes_to_what_it_says(self) -> None:
        for change in map(self.record, self.changes):
            parts = change.details.get("includes") or ()
            if change.status not in SPENT:
                wanted = self.own(change.id) + sum((self.own(part) for part in parts), Decimal(0))
                assert (change.amount or 0) == wanted
            if change.status not in (*SPENT, "draft"):
                assert {self.record(part).status for part in parts} <= {change.status}
            if change.status == "approved" and parts:
                assert self.own(change.id) == 0

    @invariant()
    def only_a_step_changes_what_is_approved(self) -> None:
        now = [Decimal(self.record(c).details["approved_amount"]) for c in self.contracts]
        assert self.last in {"", "step"} or not self.approved or now == self.approved
        self.approved = now

    # ---- hands

    def make(self, tool: Tool, values: dict[str, Any]) -> int:
        with writing() as session:
            made = lifecycle.create(session, tool, self.project, self.person).id
        assert self.do(tool, made, lambda session, found: self.saved(session, found, values))
        return made

    def save(self, which: int, **values: Any) -> None:
        self.last = "save"
        self.do(CHANGES, self.chosen(which), lambda s, found: self.saved(s, found, values))

    def saved(self, session: Session, found: Standing, values: dict[str, Any]) -> None:
        version = found.record.version
        lifecycle.save(session, found, values, version=version, fields=found.tool.fields)

    def line(self, found: Standing, amount: Decimal) -> RecordRow:
        section = found.tool.sections[0]
        values = {"cost_code": None, "description": "Concrete", "amount": amount}
        return rows.add(db.session(), found, section, values)

    def do(self, tool: Tool, record_id: int, deed: Deed) -> bool:
        """Do something in a transaction of its own; False when the product refuses it."""
        try:
            with writing() as session:
                deed(session, open_record(tool, self.project, record_id, self.person))
        except Problem:
            return False
        return True

    def chosen(self, which: int) -> int:
        return self.changes[which % len(self.changes)]

    def record(self, record_id: int) -> Record:
        return db.session.get_one(Record, record_id)

    def statuses(self, change: int) -> dict[int, str]:
        """Return where a change order stands, and its parts, unless they go their own way."""
        record = self.record(change)
        parts = record.details.get("includes") or () if self.leads(record) else ()
        return {found.id: found.status for found in map(self.record, (change, *parts))}

    def leads(self, record: Record) -> bool:
        return record.status not in ("draft", *SPENT)

    def lines(self, change: int) -> list[RecordRow]:
        query = select(RecordRow).where(RecordRow.record_id == change)
        return list(db.session.scalars(query.order_by(RecordRow.id)))

    def own(self, change: int) -> Decimal:
        return sum(self.typed[change].values(), Decimal(0))

    def total(self, changes: list[Record], *statuses: str) -> Decimal:
        return sum((self.own(c.id) for c in changes if c.status in statuses), Decimal(0))


def test_every_amount_counts_once_whatever_is_done(app: Flask, world: World) -> None:
    run_state_machine_as_test(
        functools.partial(Books, app, world),  # type: ignore[arg-type]  # a factory will do
        settings=settings(
            max_examples=8,
            stateful_step_count=35,
            derandomize=True,
            # What fails is told as it was found: to shorten it would take minutes.
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

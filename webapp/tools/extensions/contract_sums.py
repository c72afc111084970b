"""What change orders make of a contract: its approved, pending, draft and revised amounts.

The sums are worked out from the change orders themselves whenever one of them or the contract
changes, and kept in the contract's own fields, where lists read them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.records.models import Record
from webapp.tools.registry import TOOLS, Tool

CHANGE_ORDERS = "change_orders"
NOTHING = Decimal(0)
# What a change order of one of these was to change stays as it was, and its parts are free again.
SPENT = ("rejected", "void")
# What a change order has taken over from each potential one that it includes, by its id.
TAKEN = "taken"


@dataclass(frozen=True)
class Sums:
    """A contract's money, exactly."""

    original: Decimal
    approved: Decimal
    pending: Decimal
    draft: Decimal

    @property
    def revised(self) -> Decimal:
        return self.original + self.approved

    @property
    def with_pending(self) -> Decimal:
        return self.revised + self.pending

    def as_details(self) -> dict[str, str]:
        """Return the sums as the fields of a contract keep them."""
        return {
            "approved_amount": str(self.approved),
            "pending_amount": str(self.pending),
            "draft_amount": str(self.draft),
            "revised_amount": str(self.revised),
        }


def change_orders() -> Tool:
    """Return the tool whose records change contracts."""
    tool = TOOLS.get(CHANGE_ORDERS)
    assert tool is not None
    return tool


def changes_of(session: Session, contract_ids: Iterable[int | None]) -> list[Record]:
    """Return the saved change orders of contracts, as they are now."""
    return list(
        session.scalars(
            select(Record)
            .where(
                Record.parent_id.in_([id_ for id_ in contract_ids if id_ is not None]),
                Record.tool_key == CHANGE_ORDERS,
                Record.saved_at.is_not(None),
            )
            .order_by(Record.scope, Record.number_sort, Record.id)
            .execution_options(populate_existing=True)
        )
    )


def included_in(change: Record) -> list[int]:
    """Return the ids of the potential change orders that a change order is made of."""
    return list(change.details.get("includes") or ())


def taken_over(change: Record) -> dict[int, Decimal]:
    """Return how much of a change order's amount comes from each of its parts, by their ids."""
    taken: dict[str, str] = change.details.get(TAKEN) or {}
    return {int(part_id): Decimal(amount) for part_id, amount in taken.items()}


def wholes_of(changes: Iterable[Record]) -> dict[int, Record]:
    """Return for each part the change order that it counts as: one that was sent and still lives.

    A draft is nobody's business but its maker's, so what it includes counts by itself until then.
    """
    living = [c for c in changes if c.status not in (*SPENT, "draft")]
    return {part_id: whole for whole in living for part_id in included_in(whole)}


def sums_of(original: Decimal | None, changes: Iterable[Record]) -> Sums:
    """Return a contract's sums: every change counts once, by itself or as what includes it."""
    changes = list(changes)
    within = wholes_of(changes)
    counted = [c for c in changes if c.id not in within]
    pending = change_orders().statuses_in("pending")

    def total(*statuses: str) -> Decimal:
        return sum((_counting(c) for c in counted if c.status in statuses), NOTHING)

    return Sums(original or NOTHING, total("approved"), total(*pending), total("draft"))


def _counting(change: Record) -> Decimal:
    """Return what a change order itself adds: in a draft not what its parts still count for."""
    own = change.amount or NOTHING
    return own - sum(taken_over(change).values(), NOTHING) if change.status == "draft" else own


def hold_contract(session: Session, contract_id: int | None) -> Record | None:
    """Return a contract and keep it from others, who work out its change orders in turn."""
    return session.scalars(
        select(Record)
        .where(Record.id == contract_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def roll_up(session: Session, contract_id: int | None) -> None:
    """Bring a contract's kept sums up to date."""
    # Held first: of two change orders saved at once, the second must count the first.
    contract = hold_contract(session, contract_id) if contract_id is not None else None
    if contract is None:
        return
    sums = sums_of(contract.amount, changes_of(session, [contract.id]))
    kept: dict[str, Any] = {**contract.details, **sums.as_details()}
    tool = TOOLS.get(contract.tool_key)
    if tool is not None and tool.has_field("committed_amount"):
        is_committed = contract.status in tool.statuses_in("committed")
        kept["committed_amount"] = str(sums.revised if is_committed else NOTHING)
    contract.details = kept
    session.flush()

"""What prime contracts and commitments have in common: their sums, and their change orders."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.formats import money
from webapp.core.text import N_, _, ngettext
from webapp.records.models import Record
from webapp.records.visibility import may_see
from webapp.tools import lifecycle
from webapp.tools.blueprint import address
from webapp.tools.extensions.contract_sums import (
    CHANGE_ORDERS,
    change_orders,
    changes_of,
    roll_up,
    sums_of,
    wholes_of,
)
from webapp.tools.parts import Standing
from webapp.tools.registry import Action, Extension, Foretold, Panel, Transition
from webapp.tools.values import Values, write_values
from webapp.tools.way_back import WayBack

NEW_CHANGE = "change_order"


class Contract(Extension):
    """A contract whose amount changes with its change orders."""

    begins_with: Values = {}

    def created(self, session: Session, standing: Standing) -> None:
        write_values(session, standing.tool, standing.record, self.begins_with)
        standing.record.amount = Decimal(0)
        roll_up(session, standing.record.id)

    def saved(self, session: Session, standing: Standing) -> None:
        roll_up(session, standing.record.id)

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        roll_up(session, standing.record.id)

    def undone(self, session: Session, standing: Standing, way: WayBack) -> None:
        roll_up(session, standing.record.id)

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        record = standing.record
        changes = changes_of(session, [record.id])
        seen = session.scalars(
            select(Record.id).where(
                Record.id.in_([c.id for c in changes]), may_see(standing.person_id)
            )
        ).all()
        context: dict[str, Any] = {
            "sums": sums_of(record.amount, changes),
            "committed": self.committed(standing),
            "changes": [change for change in changes if change.id in seen],
            "wholes": wholes_of(changes),
            "change_orders": change_orders(),
        }
        return [Panel("tools/_contract.html", context, "tools/pdf/_contract.html")]

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        """Say what the contract comes to, what counts as committed, and what is still pending."""
        record = standing.record
        changes = changes_of(session, [record.id])
        sums = sums_of(record.amount, changes)
        lines = [_("It comes to %(sum)s.", sum=money(sums.revised))]
        committed = self.committed(standing)
        if committed is not None:
            counts = transition.after in standing.tool.statuses_in("committed")
            then = sums.revised if counts else Decimal(0)
            if then != committed:
                lines.append(
                    _(
                        "Its committed cost becomes %(sum)s; it is %(now)s now.",
                        sum=money(then),
                        now=money(committed),
                    )
                )
        pending = change_orders().statuses_in("pending")
        if count := sum(change.status in pending for change in changes):
            lines.append(
                ngettext(
                    "%(num)s change order of it is still pending.",
                    "%(num)s change orders of it are still pending.",
                    count,
                )
            )
        return Foretold(lines=tuple(lines))

    def committed(self, standing: Standing) -> Decimal | None:
        """Return what counts as committed cost; None where nothing is bought."""
        if not standing.tool.has_field("committed_amount"):
            return None
        return Decimal(standing.record.details.get("committed_amount") or 0)

    def actions(self, session: Session, standing: Standing) -> list[Action]:
        record = standing.record
        level = access.level_in(record.project_id, standing.person_id, CHANGE_ORDERS)
        return [Action(NEW_CHANGE, N_("New change order"))] if level >= Level.STANDARD else []

    def act(self, session: Session, standing: Standing, key: str) -> str:
        """Begin a change order of this contract, and go on to its form."""
        tool, record = change_orders(), standing.record
        change = lifecycle.create(session, tool, record.project_id, standing.person_id)
        write_values(session, tool, change, {"parent": record.id})
        return address("edit", tool, record.project_id, change.id)

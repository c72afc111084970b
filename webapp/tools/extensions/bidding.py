"""Bidding beyond the mechanism: late and blind bids, the leveling table, and the award."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from webapp.accounts.notices import add_texts
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.formats import named_moment
from webapp.core.problems import Conflict, Forbidden, Invalid
from webapp.core.text import N_, _
from webapp.records.models import Record, RecordRow
from webapp.tools import lifecycle, rows
from webapp.tools.parts import Standing
from webapp.tools.registry import TOOLS, Action, Extension, Panel, Part, Section, Transition
from webapp.tools.telling import tell, tell_again
from webapp.tools.values import read_row, write_row, write_values

add_texts(
    {
        "bid_invited": N_("You are invited to bid on %(record)s: %(title)s"),
        "bid_invited_until": N_(
            "You are invited to bid on %(record)s: %(title)s. Bids close %(closes)s."
        ),
        "bid_answered": N_("%(by)s answered the invitation to bid on %(record)s: %(title)s"),
        "bid_awarded": N_("Your bid on %(record)s was awarded: %(title)s"),
        "bid_not_awarded": N_("%(record)s was awarded to somebody else: %(title)s"),
    }
)

AWARD = "award-"
COMMITMENTS = "commitments"


@dataclass(frozen=True)
class Bid:
    """One bid beside the others; `above` is how much it is over the lowest."""

    row_id: int
    company: str
    amount: Decimal
    above: Decimal
    comments: str
    is_awarded: bool
    may_award: bool = False


class Bidding(Extension):
    """Levels the bids of a closed package and turns the chosen one into a commitment."""

    events = {"bid.awarded": N_("awarded the bid of %(name)s")}

    def created(self, session: Session, standing: Standing) -> None:
        standing.record.details = {**standing.record.details, "accounting": "amount"}

    def row_changing(
        self,
        session: Session,
        standing: Standing,
        row: RecordRow | None,
        values: Mapping[str, Any],
    ) -> None:
        """Refuse a bid that comes too late, or says that it is one without an amount."""
        record = standing.record
        if row is None and _is_awarded(record):
            raise Invalid(_("The package is awarded; its bids stay as they are."))
        is_bidder = Part.ADMIN not in standing.parts
        is_late = are_closed(record)
        if is_bidder and is_late and not record.details.get("takes_late"):
            raise Invalid(_("Bidding has closed, and late bids are not accepted."))
        needs_amount = record.details.get("accounting") != "unit"
        if values.get("is_submitted") and needs_amount and values.get("amount") is None:
            raise Invalid(_("Write the lump sum before you submit the bid."))

    def row_rests(self, standing: Standing, row: RecordRow) -> str:
        """What was compared when one bid was chosen stays as it was."""
        if not _is_awarded(standing.record):
            return ""
        return _("The package is awarded; its bids stay as they are.")

    def refusal(self, session: Session, standing: Standing, transition: Transition) -> str:
        if transition.key == "reopen" and _is_awarded(standing.record):
            return _("The package is awarded; its bids stay as they are.")
        return ""

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        """Have the bidders told that they are invited, or invited again."""
        if transition.after == "open":
            tell_again(session, standing.record, standing.tool.sections[0].key)

    def told(self, record: Record, kind: str) -> tuple[str, dict[str, Any]] | None:
        closes = closes_at(record)
        if kind == "in_workflow" and closes is not None:
            return "bid_invited_until", {"closes": named_moment(closes, record.project.zone)}
        return {"in_workflow": "bid_invited", "answered": "bid_answered"}.get(kind, kind), {}

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        bids = self._bids(session, standing)
        if not bids:
            return []
        offered = {action.key for action in self.actions(session, standing)}
        return [
            Panel(
                "tools/bidding/_leveling.html",
                {
                    "bids": [replace(b, may_award=f"{AWARD}{b.row_id}" in offered) for b in bids],
                    "commitment": self._commitment(session, standing),
                },
                "tools/pdf/_leveling.html",
            )
        ]

    def actions(self, session: Session, standing: Standing) -> list[Action]:
        """Offer the award of each submitted bid once bidding is closed, until one is awarded.

        The awarded one again where its commitment was discarded: else its amount is nowhere.
        """
        record = standing.record
        if record.status != "closed" or Part.ADMIN not in standing.parts:
            return []
        bids = self._bids(session, standing)
        if any(bid.is_awarded for bid in bids):
            bids = [b for b in bids if b.is_awarded and not self._commitment(session, standing)]
        return [Action(f"{AWARD}{b.row_id}", N_("Award"), is_in_panel=True) for b in bids]

    def act(self, session: Session, standing: Standing, key: str) -> str:
        """Award a bid: mark it, and begin a commitment with its company and amount."""
        record, section = standing.record, standing.tool.sections[0]
        row_id = int(key.removeprefix(AWARD))
        lifecycle.hold(session, record)
        if _is_awarded(record) and self._commitment(session, standing) is not None:
            raise Conflict(_("It has been awarded since this page was opened."))
        row = next(r for r in rows.rows_of(session, record.id, section) if r.id == row_id)
        commitment = self._begin_commitment(session, standing, section, row)
        row.status = "awarded"
        record.details = {**record.details, "commitment": commitment.id}
        lifecycle.after_change(session, standing)
        self._tell_of_award(session, standing, section, row)
        audit.note(
            session,
            "bid.awarded",
            person_id=standing.person_id,
            project_id=record.project_id,
            record_id=record.id,
            row=row.id,
            section=section.key,
            name=rows.title_of(section, row),
        )
        return url_for(
            "tools.edit",
            project_id=record.project_id,
            tool=TOOLS.get(COMMITMENTS),
            record_id=commitment.id,
        )

    def _tell_of_award(
        self, session: Session, standing: Standing, section: Section, chosen: RecordRow
    ) -> None:
        """Tell the bidder who was chosen, and those whose bids were not."""
        bids = rows.rows_of(session, standing.record.id, section)
        submitted = [bid for bid in bids if read_row(section, bid)["is_submitted"]]
        others = [bid for bid in submitted if bid is not chosen]
        for kind, told in (("bid_awarded", [chosen]), ("bid_not_awarded", others)):
            tell(session, standing, [bid.person_id for bid in told if bid.person_id], kind)

    def _begin_commitment(
        self, session: Session, standing: Standing, section: Section, row: RecordRow
    ) -> Record:
        """Add a draft commitment for the awarded company, with one line over the whole amount.

        It is saved at once and has its number: an amount that was awarded stands in the list.
        """
        record, tool = standing.record, TOOLS.get(COMMITMENTS)
        if tool is None:
            raise Invalid(_("There is no tool for commitments here to award into."))
        level = access.level_in(record.project_id, standing.person_id, COMMITMENTS)
        if level < Level.ADMIN:
            raise Forbidden(_("Awarding makes a commitment, which needs Admin in Commitments."))
        commitment = lifecycle.create(session, tool, record.project_id, standing.person_id)
        write_values(
            session,
            tool,
            commitment,
            {"title": record.title, "type": "subcontract", "vendor": row.vendor_id},
        )
        lines = next((s for s in tool.sections if s.sums), None)
        if lines is not None and row.amount is not None:
            values = {"description": record.title, "amount": row.amount}
            line = rows.insert(session, commitment, lines, {}, author_id=standing.person_id)
            write_row(lines, line, values)
            rows.settle(session, commitment, lines)
        commitment.saved_at = utcnow()
        lifecycle.number(session, tool, commitment)
        maker = Standing(tool, commitment, standing.person_id, frozenset({Part.ADMIN}))
        tool.extension.saved(session, maker)
        lifecycle.restrict(session, tool, commitment)
        return commitment

    def _bids(self, session: Session, standing: Standing) -> list[Bid]:
        """Return the submitted bids, the lowest first, for those who level them."""
        section = standing.tool.sections[0]
        if not _levels(standing):
            return []
        found = [
            (seen.row, read_row(section, seen.row))
            for seen in rows.seen_rows(session, standing, section)
            if seen.row.amount is not None and not seen.sealed
        ]
        submitted = [(row, held) for row, held in found if held["is_submitted"]]
        submitted.sort(key=lambda pair: pair[1]["amount"])
        lowest = submitted[0][1]["amount"] if submitted else Decimal(0)
        return [
            Bid(
                row.id,
                row.vendor.name if row.vendor else "",
                held["amount"],
                held["amount"] - lowest,
                held["comments"] or "",
                row.status == "awarded",
            )
            for row, held in submitted
        ]

    def _commitment(self, session: Session, standing: Standing) -> Record | None:
        """Return the commitment that the award began, while there is one."""
        commitment_id = standing.record.details.get("commitment")
        return session.get(Record, commitment_id) if commitment_id else None


def _is_awarded(record: Record) -> bool:
    return bool(record.details.get("commitment"))


def closes_at(record: Record) -> datetime | None:
    """Return the moment from which no bid is in time, None while that is to be determined.

    It is a moment of the project's clock; without a time of day it is the end of the day.
    """
    if record.due_on is None or record.details.get("is_due_tbd"):
        return None
    at = record.details.get("due_at")
    if at:
        return datetime.combine(record.due_on, time.fromisoformat(at), record.project.zone)
    return datetime.combine(record.due_on + timedelta(days=1), time.min, record.project.zone)


def are_closed(record: Record) -> bool:
    """Return whether the moment has come, whoever has clicked what."""
    closes = closes_at(record)
    return closes is not None and utcnow() >= closes


def _levels(standing: Standing) -> bool:
    return Part.ADMIN in standing.parts

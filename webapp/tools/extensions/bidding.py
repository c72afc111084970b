"""Bidding beyond the mechanism: invitations, late and sealed bids, leveling, and the award."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.accounts.notices import add_texts
from webapp.attachments.models import Attachment
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.formats import money, named_moment
from webapp.core.problems import Conflict, Forbidden, Invalid
from webapp.core.text import N_, _, format_number, ngettext
from webapp.imports.models import UNFINISHED, ImportItem
from webapp.records.models import Record, RecordRow
from webapp.tools import lifecycle, rows
from webapp.tools.parts import Standing
from webapp.tools.registry import (
    TOOLS,
    Action,
    Extension,
    Field,
    Foretold,
    Panel,
    Part,
    Section,
    Transition,
)
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
        "bid_due_changed": N_("The due date for bids on %(record)s has changed: %(title)s"),
        "bids_opened_early": N_(
            "The bids on %(record)s were opened early, and its change history says why: %(title)s"
        ),
    }
)

AWARD = "award-"
COMMITMENTS = "commitments"
OPEN_EARLY = "open_early"
PROMISED = "promised"


@dataclass(frozen=True)
class Bid:
    """One bid beside the others; `above` is how much it is over the lowest.

    A bid on unit prices has neither: what it comes to depends on the quantities.
    """

    row_id: int
    company: str
    amount: Decimal | None
    above: Decimal | None
    comments: str
    is_awarded: bool
    may_award: bool = False


class Bidding(Extension):
    """Invites bidders, levels the bids of a closed package, turns one into a commitment."""

    events = {"bid.awarded": N_("awarded the bid of %(name)s")}

    def created(self, session: Session, standing: Standing) -> None:
        standing.record.details = {**standing.record.details, "accounting": "amount"}

    def is_too_late(self, record: Record) -> bool:
        """Bids come until they are due; later only where the package says so."""
        return are_closed(record) and not record.details.get("takes_late")

    def row_changing(
        self,
        session: Session,
        standing: Standing,
        row: RecordRow | None,
        values: Mapping[str, Any],
    ) -> None:
        """Refuse a bid that comes too late or has no amount, and a bidder who could not bid."""
        record = standing.record
        if row is None and _is_awarded(record):
            raise Invalid(_("The package is awarded; its bids stay as they are."))
        is_bidder = row is not None and row.person_id == standing.person_id
        if is_bidder and self.is_too_late(record):
            raise Invalid(_("Bidding has closed, and late bids are not accepted."))
        needs_amount = record.details.get("accounting") != "unit"
        if values.get("is_submitted") and needs_amount and values.get("amount") is None:
            raise Invalid(_("Write the lump sum before you submit the bid."))
        if "person" in values:
            _require_bidder(session, standing, row, values)

    def row_removing(self, session: Session, standing: Standing, row: RecordRow) -> None:
        if _holds_bid(session, standing.tool.sections[0], row):
            raise Conflict(_("This bid has been started and cannot be removed."))

    def record_changing(
        self, session: Session, standing: Standing, values: Mapping[str, Any]
    ) -> None:
        """Keep what the bidders were promised of when bids are opened, and tell them of changes."""
        record = standing.record
        before, after = closes_at(record), closes_at(record, values)
        if record.status != "open" or before == after:
            return
        if record.details.get("is_blind"):
            _keep_promise(record, after)
        tell(session, standing, _bidders(session, standing), "bid_due_changed")

    def row_rests(self, standing: Standing, row: RecordRow) -> str:
        """What was compared when one bid was chosen stays as it was."""
        if not _is_awarded(standing.record):
            return ""
        return _("The package is awarded; its bids stay as they are.")

    def refusal(self, session: Session, standing: Standing, transition: Transition) -> str:
        record = standing.record
        is_blind = bool(record.details.get("is_blind"))
        if transition.key == "reopen" and _is_awarded(record):
            return _("The package is awarded; its bids stay as they are.")
        if transition.key == "reopen" and is_blind and _any_bid(session, standing):
            return _("The bids have been opened. Start a new package to ask for bids again.")
        if transition.key == "open":
            return _cannot_bid(session, standing)
        due = _promised(record)
        if transition.key == "close" and is_blind and due is not None and due > utcnow():
            return _(
                "The bids are sealed until %(moment)s. To see them sooner, open the bids early "
                "and say why. All bidders are told.",
                moment=named_moment(due, record.project.zone),
            )
        return ""

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        """Have the bidders told that they are invited, again too, and of bids opened early."""
        if transition.after == "open":
            _promise(standing.record, closes_at(standing.record))
            tell_again(session, standing.record, standing.tool.sections[0].key)
        elif transition.key == OPEN_EARLY:
            tell(session, standing, _bidders(session, standing), "bids_opened_early")

    def has_come(self, record: Record, field: Field) -> bool:
        """Bidding is over at its moment, unless bids that are late are taken, too."""
        sealed_until = _promised(record) if record.details.get("is_blind") else None
        if sealed_until is not None and sealed_until > utcnow():
            return False
        return are_closed(record) and not record.details.get("takes_late")

    def still_counts(self, record: Record, row: RecordRow | None, field: Field) -> bool:
        """A package that is closed still waits for its award."""
        is_draft = record.status == "draft"
        if field.key == "award_on":
            return not is_draft and not _is_awarded(record)
        return record.is_open and not is_draft

    def told(self, record: Record, kind: str) -> tuple[str, dict[str, Any]] | None:
        closes = closes_at(record)
        if kind == "in_workflow" and closes is not None:
            return "bid_invited_until", {"closes": named_moment(closes, record.project.zone)}
        return {"in_workflow": "bid_invited", "answered": "bid_answered"}.get(kind, kind), {}

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        outcome = self._outcome(session, standing)
        found = [Panel("tools/bidding/_outcome.html", {"outcome": outcome})] if outcome else []
        bids = self._bids(session, standing)
        if not bids:
            return found
        offered = {action.key for action in self.actions(session, standing)}
        return [
            *found,
            Panel(
                "tools/bidding/_leveling.html",
                {
                    "bids": [replace(b, may_award=f"{AWARD}{b.row_id}" in offered) for b in bids],
                    "commitment": self._commitment(session, standing),
                },
                "tools/pdf/_leveling.html",
            ),
        ]

    def _outcome(self, session: Session, standing: Standing) -> str:
        """Return what a bidder is told of a package that is closed, "" for everybody else."""
        record, section = standing.record, standing.tool.sections[0]
        seen = rows.seen_rows(session, standing, section)
        mine = [one.row for one in seen if one.row.person_id == standing.person_id]
        if record.status != "closed" or not mine:
            return ""
        if any(row.status == "awarded" for row in mine):
            return _("Your bid was chosen.")
        if _is_awarded(record):
            return _("Another bid was chosen.")
        return _("Bidding is closed. No bid has been chosen yet.")

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
        return [
            Action(f"{AWARD}{b.row_id}", N_("Award"), is_in_panel=True, asks=True) for b in bids
        ]

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        """Say how many companies are invited, or have sent their bid."""
        invited = rows.rows_of(session, standing.record.id, standing.tool.sections[0])
        if transition.after == "open":
            people = {row.person_id for row in invited if row.person_id} - {standing.person_id}
            told = ngettext("%(num)s person is told.", "%(num)s people are told.", len(people))
            return Foretold(lines=(told,))
        sent = sum(bool(row.details.get("is_submitted")) for row in invited)
        return Foretold(
            lines=(
                _(
                    "%(sent)s of %(num)s companies have submitted a bid.",
                    sent=format_number(sent),
                    num=format_number(len(invited)),
                ),
            )
        )

    def foretold_action(self, session: Session, standing: Standing, key: str) -> Foretold:
        bids = self._bids(session, standing)
        bid = next(b for b in bids if f"{AWARD}{b.row_id}" == key)
        title = _("Award to %(name)s on unit prices?", name=bid.company)
        begun = _("A commitment without an amount is begun. Add its lines before you approve it.")
        if bid.amount is not None:
            title = _("Award to %(name)s for %(sum)s?", name=bid.company, sum=money(bid.amount))
            begun = _("A commitment for %(sum)s is begun.", sum=money(bid.amount))
        others = len(bids) - 1
        lines = [
            begun,
            ngettext(
                "%(num)s other bid is not taken.", "%(num)s other bids are not taken.", others
            ),
            _("The bids of the package stay as they are from then on."),
        ]
        return Foretold(title, tuple(lines))

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

        Of a bid on unit prices there is no amount yet, and no line. It is saved at once and has
        its number: an amount that was awarded stands in the list.
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
        """Return the submitted bids to those who level them: lowest first, unit prices last."""
        section = standing.tool.sections[0]
        if not _levels(standing):
            return []
        found = [
            (seen.row, read_row(section, seen.row))
            for seen in rows.seen_rows(session, standing, section)
            if not seen.sealed
        ]
        submitted = [(row, held) for row, held in found if held["is_submitted"]]
        submitted.sort(key=lambda pair: (pair[1]["amount"] is None, pair[1]["amount"] or 0))
        lowest = submitted[0][1]["amount"] if submitted else None
        return [
            Bid(
                row.id,
                row.vendor.name if row.vendor else "",
                held["amount"],
                held["amount"] - lowest if held["amount"] is not None else None,
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


def closes_at(record: Record, values: Mapping[str, Any] | None = None) -> datetime | None:
    """Return the moment from which no bid is in time, None while that is to be determined.

    It is a moment of the project's clock; without a time of day it is the end of the day. `values`
    are those that the record is about to get.
    """
    given, details = values or {}, record.details
    day: date | None = given.get("due_on", record.due_on)
    if day is None or given.get("is_due_tbd", details.get("is_due_tbd")):
        return None
    kept = details.get("due_at")
    at: time | None = given.get("due_at", time.fromisoformat(kept) if kept else None)
    if at is not None:
        return datetime.combine(day, at, record.project.zone)
    return datetime.combine(day + timedelta(days=1), time.min, record.project.zone)


def are_closed(record: Record) -> bool:
    """Return whether the moment has come, whoever has clicked what."""
    closes = closes_at(record)
    return closes is not None and utcnow() >= closes


def _levels(standing: Standing) -> bool:
    return Part.ADMIN in standing.parts


def _bidders(session: Session, standing: Standing) -> set[int]:
    found = rows.rows_of(session, standing.record.id, standing.tool.sections[0])
    return {row.person_id for row in found if row.person_id is not None}


def _require_bidder(
    session: Session, standing: Standing, row: RecordRow | None, values: Mapping[str, Any]
) -> None:
    """Raise Invalid for a contact who could not bid, and when a bid would become another's."""
    person_id, vendor_id = values["person"], values.get("vendor")
    is_others = row is not None and (person_id, vendor_id) != (row.person_id, row.vendor_id)
    if row is not None and is_others and _holds_bid(session, standing.tool.sections[0], row):
        raise Invalid(
            _(
                "This bid has been started, so its company and its contact stay. Invite somebody "
                "else in a separate row."
            )
        )
    is_new = row is None or row.person_id != person_id
    if person_id is not None and is_new and (words := _no_access(session, standing, [person_id])):
        raise Invalid(words)


def _cannot_bid(session: Session, standing: Standing) -> str:
    """Return which of the contacts could not bid if they were invited now, "" for none."""
    return _no_access(session, standing, sorted(_bidders(session, standing)))


def _no_access(session: Session, standing: Standing, ids: list[int]) -> str:
    able = access.people_at(standing.record.project_id, standing.tool.key, Level.STANDARD)
    missing = [id_ for id_ in ids if id_ not in able]
    names = session.scalars(
        select(Person.name).where(Person.id.in_(missing)).order_by(Person.name)
    ).all()
    if not names:
        return ""
    return _(
        "%(names)s cannot bid yet. Give them Standard in Bidding first, under Directory, People.",
        names=", ".join(names),
    )


def _holds_bid(session: Session, section: Section, row: RecordRow) -> bool:
    """Is there anything of a bid on a row: words, an amount, a file, even one on its way?"""
    held = read_row(section, row)
    if held["is_submitted"] or held["comments"] or row.amount is not None:
        return True
    file = select(Attachment.id).where(Attachment.row_id == row.id)
    copy = select(ImportItem.id).where(
        ImportItem.row_id == row.id, ImportItem.state.in_(UNFINISHED)
    )
    return session.scalar(file.limit(1)) is not None or session.scalar(copy.limit(1)) is not None


def _any_bid(session: Session, standing: Standing) -> bool:
    section = standing.tool.sections[0]
    found = rows.rows_of(session, standing.record.id, section)
    return any(_holds_bid(session, section, row) for row in found)


def _promised(record: Record) -> datetime | None:
    """Return the latest moment until which the bidders were told that their bids are sealed.

    It is kept as a moment: no other time zone of the company and no other due date shortens it.
    """
    kept = record.details.get(PROMISED)
    told = [closes_at(record), datetime.fromisoformat(kept) if kept else None]
    return max((one for one in told if one is not None), default=None)


def _promise(record: Record, latest: datetime | None) -> None:
    if latest is not None:
        record.details = {**record.details, PROMISED: latest.astimezone(UTC).isoformat()}


def _keep_promise(record: Record, after: datetime | None) -> None:
    """Raise Invalid when sealed bids would be due earlier than the bidders were ever told."""
    latest = _promised(record)
    if after is not None and latest is not None and after < latest:
        raise Invalid(
            _(
                "The bidders were told that their bids stay sealed until %(moment)s. The due date "
                "can move later, not earlier. To see the bids sooner, open them early.",
                moment=named_moment(latest, record.project.zone),
            )
        )
    if after is not None and after <= utcnow():
        raise Invalid(_("Choose a time in the future: the bids stay sealed until then."))
    _promise(record, after or latest)

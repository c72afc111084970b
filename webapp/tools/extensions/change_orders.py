"""Change orders: numbered by what they change, moving their parts along, counted in contracts."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.formats import money, sentence
from webapp.core.problems import Invalid
from webapp.core.text import N_, _, ngettext
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import may_see
from webapp.tools import lifecycle
from webapp.tools.extensions import change_order_parts as parts_of
from webapp.tools.extensions.contract_sums import (
    CHANGE_ORDERS,
    SPENT,
    changes_of,
    hold_contract,
    included_in,
    roll_up,
    sums_of,
    taken_over,
)
from webapp.tools.parts import Standing, people_of
from webapp.tools.registry import TOOLS, Action, Ball, Extension, Foretold, Panel, Tool, Transition
from webapp.tools.values import write_values
from webapp.tools.way_back import WayBack, way_back_of

POTENTIAL = "potential"
TAKE_LINES = "take_lines"
# The steps with which parts go along, and those for which a change order must be what it includes.
LEADING = ("submit", "reopen")
COUNTING = ("submit", "approved")
# Which contract a change order was counted in when it was last saved.
COUNTED_IN = "counted_in"


class ChangeOrder(Extension):
    """A potential change order, or the change order that it becomes part of."""

    events = parts_of.EVENTS

    def created(self, session: Session, standing: Standing) -> None:
        write_values(session, standing.tool, standing.record, {"tier": POTENTIAL})

    def holding(self, session: Session, record: Record) -> None:
        """Keep the contract first: a change order and its parts then never wait for each other."""
        hold_contract(session, record.parent_id)

    def row_rests(self, standing: Standing, row: RecordRow) -> str:
        part_id = row.details.get(parts_of.PART)
        if not part_id or part_id not in included_in(standing.record):
            return ""
        return _("This line comes from a potential change order. Change it there.")

    def saved(self, session: Session, standing: Standing) -> None:
        """Check what it includes, then number, pass on and count it by what it has become."""
        record = standing.record
        before = record.details.get(COUNTED_IN)
        for contract_id in sorted(id_ for id_ in {record.parent_id, before} if id_):
            hold_contract(session, contract_id)
        changes = changes_of(session, {record.parent_id, before})
        _require_sound(session, standing, changes)
        write_values(session, standing.tool, record, {"series": _series(session, record)})
        record.details = {**record.details, COUNTED_IN: record.parent_id}
        if record.status in standing.tool.statuses_in("pending"):
            lifecycle.pass_ball(session, standing.tool, record, Ball.REVIEWER)
        if record.status not in SPENT:
            _lead(session, standing, changes)
        _keep_in_step(session, standing, changes)
        for contract_id in {before, record.parent_id}:
            roll_up(session, contract_id)

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        record = standing.record
        if transition.key == "revised":
            record.revision += 1
        session.flush()
        changes = changes_of(session, [record.parent_id])
        way = way_back_of(record)
        if way is None or _is_led(way.before):
            _lead(session, standing, changes)
        _keep_in_step(session, standing, changes)
        roll_up(session, record.parent_id)

    def undone(self, session: Session, standing: Standing, way: WayBack) -> None:
        """Bring its parts back with it, count it again, and hand it to its reviewer again."""
        record = standing.record
        session.flush()
        changes = changes_of(session, [record.parent_id])
        leader = _leader(record, changes)
        if leader is not None and leader.status != "draft":
            raise Invalid(_part_of_another(session, standing, record, leader))
        if _is_led(way.before):
            _bring_parts_back(session, standing, way, changes)
            session.flush()
        _require_sound(session, standing, changes)
        if record.status in standing.tool.statuses_in("pending"):
            lifecycle.pass_ball(session, standing.tool, record, Ball.REVIEWER)
        _keep_in_step(session, standing, changes)
        roll_up(session, record.parent_id)

    def discarded(self, session: Session, standing: Standing) -> None:
        gone = standing.record
        changes = changes_of(session, [gone.parent_id])
        for change in changes:
            if gone.id in included_in(change):
                left = [id_ for id_ in included_in(change) if id_ != gone.id]
                change.details = {**change.details, "includes": left}
                parts_of.keep_in_step(session, change, changes, standing.person_id)
        session.flush()
        roll_up(session, gone.parent_id)

    def offers(self, session: Session, standing: Standing, field: str) -> set[int] | None:
        """Only potential change orders that are undecided can be included, none by itself."""
        if field != "includes":
            return None
        record = standing.record
        potential = session.scalars(
            select(Record.id).where(
                Record.project_id == record.project_id,
                Record.tool_key == CHANGE_ORDERS,
                Record.details["tier"].as_string() == POTENTIAL,
                Record.status.in_(_undecided(standing.tool)),
                Record.id != record.id,
            )
        )
        return set(potential)

    def refusal(self, session: Session, standing: Standing, transition: Transition) -> str:
        """A part goes where its whole goes, the sums agree, and a reviewer can review."""
        record = standing.record
        changes = changes_of(session, [record.parent_id])
        leader = _leader(record, changes)
        if leader is not None and leader.status != "draft":
            called = _called(session, standing, leader)
            return _("It is part of %(number)s and follows its status.", number=called)
        if transition.key in LEADING and (words := _gone_astray(session, standing, changes)):
            return words
        if transition.key in COUNTING and (words := parts_of.difference(record, changes)):
            return words
        if transition.after in standing.tool.statuses_in("pending"):
            return _no_reviewer(session, record)
        return ""

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        """Say what the contract's sums will be, and how many parts go along."""
        record = standing.record
        lines = _sums_foretold(session, standing, transition)
        if count := len(_going_along(record, transition)):
            lines.append(
                ngettext(
                    "%(num)s potential change order goes along with it.",
                    "%(num)s potential change orders go along with it.",
                    count,
                )
            )
        return Foretold(lines=tuple(lines))

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        record = standing.record
        changes = changes_of(session, [record.parent_id])
        leader = _leader(record, changes)
        related = [leader] if leader is not None else []
        related += [change for change in changes if change.id in included_in(record)]
        contract = _seen(session, standing, [record.parent_id])
        if not contract and not related:
            return []
        seen = {change.id for change in _seen(session, standing, [c.id for c in related])}
        context: dict[str, Any] = {
            "contract": contract[0] if contract else None,
            "contract_tool": TOOLS.get(contract[0].tool_key) if contract else None,
            "sums": sums_of(contract[0].amount, changes) if contract else None,
            "leader": leader if leader is not None and leader.id in seen else None,
            "parts": [c for c in related if c is not leader and c.id in seen],
            "tool": standing.tool,
            "difference": parts_of.difference(record, changes),
        }
        return [Panel("tools/change_orders/_contract.html", context, "tools/pdf/_changed.html")]

    def actions(self, session: Session, standing: Standing) -> list[Action]:
        section = standing.tool.section("lines")
        if section is None or not standing.may_write_in(section):
            return []
        if not parts_of.not_taken_over(standing.record):
            return []
        return [Action(TAKE_LINES, N_("Take over the lines of its PCOs"))]

    def act(self, session: Session, standing: Standing, key: str) -> str:
        """Add the lines of what the change order includes to its own."""
        record = standing.record
        lifecycle.hold(session, record)
        changes = changes_of(session, [record.parent_id])
        parts_of.keep_in_step(session, record, changes, standing.person_id)
        lifecycle.after_change(session, standing)
        roll_up(session, record.parent_id)
        return ""


def _sums_foretold(session: Session, standing: Standing, transition: Transition) -> list[str]:
    """Return what a contract comes to after a step, to somebody who sees the contract."""
    record = standing.record
    contract = next(iter(_seen(session, standing, [record.parent_id])), None)
    if contract is None:
        return []
    changes = changes_of(session, [contract.id])
    now = sums_of(contract.amount, changes)
    moving = {record.id, *_going_along(record, transition)}
    before = {change: change.status for change in changes if change.id in moving}
    with session.no_autoflush:
        for change in before:
            change.status = transition.after
        then = sums_of(contract.amount, changes)
        for change, status in before.items():
            change.status = status
    called = contract.number or contract.title
    lines = []
    if then.revised != now.revised:
        lines.append(
            _(
                "The revised sum of %(contract)s becomes %(sum)s; it is %(now)s now.",
                contract=called,
                sum=money(then.revised),
                now=money(now.revised),
            )
        )
    if then.pending != now.pending:
        lines.append(
            _(
                "What is pending on %(contract)s becomes %(sum)s; it is %(now)s now.",
                contract=called,
                sum=money(then.pending),
                now=money(now.pending),
            )
        )
    return lines


def _series(session: Session, record: Record) -> str:
    """Return what the number is counted in: PCO, CO, or CCO for what changes a commitment."""
    if record.details.get("tier") == POTENTIAL:
        return POTENTIAL
    contract = session.get(Record, record.parent_id) if record.parent_id else None
    is_bought = contract is not None and contract.tool_key == "commitments"
    return "commitment" if is_bought else "contract"


def _leader(record: Record, changes: list[Record]) -> Record | None:
    """Return the change order that this one is part of now."""
    whole = (c for c in changes if c.status not in SPENT and record.id in included_in(c))
    return next((c for c in whole if c.id != record.id), None)


def _other_whole(part: Record, record: Record, changes: list[Record]) -> Record | None:
    """Return another change order than `record` that a part belongs to now."""
    return _leader(part, [change for change in changes if change.id != record.id])


def _undecided(tool: Tool) -> tuple[str, ...]:
    return ("draft", *tool.statuses_in("pending"))


def _keep_in_step(session: Session, standing: Standing, changes: list[Record]) -> None:
    """Bring its lines up to date with its parts, and what it is part of with its lines."""
    session.flush()
    record, by = standing.record, standing.person_id
    parts_of.keep_in_step(session, record, changes, by)
    parts_of.part_changed(session, record, changes, by)
    for part in changes:
        # Sent along with it, a part may have got its number, which stands in these lines too.
        if part.id in included_in(record):
            parts_of.part_changed(session, part, [c for c in changes if c.id != record.id], by)
    session.flush()


def _gone_astray(session: Session, standing: Standing, changes: list[Record]) -> str:
    """Return which part was decided by itself, or is another's by now; "" when none was."""
    record, tool = standing.record, standing.tool
    for part in changes:
        if part.id not in included_in(record):
            continue
        leader = _other_whole(part, record, changes)
        if leader is not None:
            return _part_of_another(session, standing, part, leader)
        if part.status not in (record.status, *_undecided(tool)):
            return _(
                "%(part)s has been decided by itself: %(status)s. "
                "Take it out of this change order first.",
                part=sentence(_called(session, standing, part)),
                status=_(tool.status(part.status).label),
            )
    return ""


def _part_of_another(session: Session, standing: Standing, part: Record, leader: Record) -> str:
    return _(
        "%(part)s is part of %(number)s already.",
        part=sentence(_called(session, standing, part)),
        number=_called(session, standing, leader),
    )


def _called(session: Session, standing: Standing, change: Record) -> str:
    """Return what a change order is called: by its title only to somebody who sees it."""
    if change.number or change.id == standing.record.id:
        return change.number or change.title
    return change.title if _seen(session, standing, [change.id]) else _("another change order")


def _require_sound(session: Session, standing: Standing, changes: list[Record]) -> None:
    """Raise Invalid when a change order and what it is made of do not belong together."""
    record, tool = standing.record, standing.tool
    is_potential = record.details.get("tier") == POTENTIAL
    leader = _leader(record, changes)
    if leader is not None and not (is_potential and leader.parent_id == record.parent_id):
        called = _called(session, standing, leader)
        raise Invalid(_("It is part of %(number)s. Take it out there first.", number=called))
    if is_potential and included_in(record):
        raise Invalid(_("Only a change order includes potential change orders."))
    known = {change.id: change for change in changes if change.parent_id == record.parent_id}
    for part_id in included_in(record):
        part = known.get(part_id)
        if part is None or part.details.get("tier") != POTENTIAL:
            raise Invalid(_("Include potential change orders of the same contract only."))
        leader = _other_whole(part, record, changes)
        if leader is not None and record.status not in SPENT:
            raise Invalid(_part_of_another(session, standing, part, leader))
        is_new = part_id not in taken_over(record) and record.status in _undecided(tool)
        if is_new and part.status not in _undecided(tool):
            raise Invalid(
                _(
                    "%(part)s has been decided by itself: %(status)s. Open it again first.",
                    part=sentence(_called(session, standing, part)),
                    status=_(tool.status(part.status).label),
                )
            )


def _lead(session: Session, standing: Standing, changes: list[Record]) -> None:
    """Bring what a change order includes to its status, once it is no draft any more."""
    record = standing.record
    if record.status == "draft":
        return
    for change in changes:
        if change.id in included_in(record):
            part = Standing(standing.tool, change, standing.person_id, frozenset())
            lifecycle.follow(session, part, record)


def _going_along(record: Record, transition: Transition) -> list[int]:
    """Return the ids of the parts that a step takes along."""
    ends = transition.after in SPENT
    return included_in(record) if not ends or _is_led(record.status) else []


def _is_led(status: str) -> bool:
    """Do the parts of a change order in this status go where it goes?

    Those of a draft count by themselves, and one that is rejected or void has let them go.
    """
    return status not in ("draft", *SPENT)


def _bring_parts_back(
    session: Session, standing: Standing, way: WayBack, changes: list[Record]
) -> None:
    """Bring back what went along with a step; Invalid when a part has gone elsewhere since."""
    record, known = standing.record, {change.id: change for change in changes}
    for part_id in included_in(record):
        part = known.get(part_id)
        if part is None:
            raise Invalid(_("Include potential change orders of the same contract only."))
        leader = _other_whole(part, record, changes)
        if leader is not None:
            raise Invalid(_part_of_another(session, standing, part, leader))
        its_way = way_back_of(part)
        if its_way is None or not way.leads(record, its_way):
            raise Invalid(
                _(
                    "%(part)s has gone its own way since: %(status)s. "
                    "Open this change order again instead.",
                    part=sentence(_called(session, standing, part)),
                    status=_(standing.tool.status(part.status).label),
                )
            )
        theirs = Standing(standing.tool, part, standing.person_id, frozenset())
        lifecycle.bring_back(session, theirs, its_way)
        lifecycle.after_change(session, theirs)


def _no_reviewer(session: Session, record: Record) -> str:
    """Return why who is to review it cannot; without a reviewer that is whoever created it."""
    reviewers = people_of(session, record.id).get("reviewer", ())
    if not reviewers and not record.is_private:
        return ""
    person = reviewers[0] if reviewers else record.created_by
    least = Level.ADMIN if record.is_private else Level.STANDARD
    if person.id in access.people_at(record.project_id, CHANGE_ORDERS, least):
        return ""
    if record.is_private:
        return _(
            "%(name)s does not see private change orders. "
            "Choose an admin as reviewer, or make it public.",
            name=person.name,
        )
    return _("%(name)s may not answer here. Choose a reviewer who is Standard.", name=person.name)


def _seen(session: Session, standing: Standing, ids: list[int] | list[int | None]) -> list[Record]:
    """Return those of some records that this person sees."""
    return list(
        session.scalars(
            select(Record)
            .where(Record.id.in_([id_ for id_ in ids if id_]), may_see(standing.person_id))
            .order_by(Record.number_sort, Record.id)
        )
    )

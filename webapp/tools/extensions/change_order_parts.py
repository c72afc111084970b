"""The parts of a change order: the potential change orders it includes, whose lines it takes over.

The lines come along the moment a part is included, follow it while either can still change, and go
when it is taken out. They are changed where they come from; so a change order comes to what it
includes, unless somebody adds a line of their own, and then it is neither sent nor approved.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.formats import money
from webapp.core.languages import SOURCE
from webapp.core.problems import Invalid
from webapp.core.text import N_, _, in_language
from webapp.records.models import Record, RecordRow
from webapp.tools import rows
from webapp.tools.extensions.contract_sums import (
    NOTHING,
    TAKEN,
    change_orders,
    included_in,
    taken_over,
)
from webapp.tools.registry import Section
from webapp.tools.values import Values, read_row

# In the details of a line: the id of the potential change order it comes from.
PART = "part"
DESCRIPTION_MAX_LENGTH = 200

EVENTS = {
    "part.taken_over": N_("took over the lines of %(number)s: %(after)s"),
    "part.changed": N_("brought the lines of %(number)s up to date: %(before)s → %(after)s"),
    "part.let_go": N_("took out the lines of %(number)s: %(before)s"),
    "part.caught_up": N_("The upgrade took over the lines of %(number)s: %(after)s"),
}


def keep_in_step(session: Session, whole: Record, changes: Iterable[Record], by: int) -> bool:
    """Make a change order's lines those of its parts, and tell whether any amount has changed.

    One that is decided stays as it is.
    """
    section = _lines()
    if whole.status not in section.statuses:
        return False
    known = {change.id: change for change in changes}
    parts = [known[id_] for id_ in included_in(whole) if id_ in known]
    held = _held(session, whole, section)
    for part in parts:
        _take_over(session, whole, part, held.pop(part.id, []), by)
    for lines in held.values():
        for line in lines:
            session.delete(line)
    session.flush()
    rows.settle(session, whole, section)
    return _remember(session, whole, known, parts, by)


def part_changed(session: Session, part: Record, changes: list[Record], by: int) -> None:
    """Bring the change orders that include a part up to date with it.

    Raises Invalid when one of them has been signed for another amount.
    """
    for whole in changes:
        if part.id not in included_in(whole):
            continue
        taken = taken_over(whole).get(part.id, part.amount or NOTHING)
        if _is_signed(whole) and taken != (part.amount or NOTHING):
            raise Invalid(
                _(
                    "It is part of %(number)s, which is signed. Untick Executed there first.",
                    number=whole.number,
                )
            )
        if keep_in_step(session, whole, changes, by):
            whole.version += 1
            whole.updated_at = utcnow()


def _is_signed(whole: Record) -> bool:
    is_open = whole.status in _lines().statuses and whole.status != "draft"
    return is_open and bool(whole.details.get("executed"))


def not_taken_over(whole: Record) -> bool:
    """Tell whether a change order includes something whose lines were not taken over."""
    taken = taken_over(whole)
    return any(part_id not in taken for part_id in included_in(whole))


def difference(whole: Record, changes: Iterable[Record]) -> str:
    """Return how a change order's lines differ from what it includes, "" when they do not."""
    included = set(included_in(whole))
    parts = sum((c.amount or NOTHING for c in changes if c.id in included), NOTHING)
    own = whole.amount or NOTHING
    if not included or own == parts:
        return ""
    return _(
        "Its lines come to %(own)s, the potential change orders it includes to %(parts)s. "
        "Change or remove lines until both are the same.",
        own=money(own),
        parts=money(parts),
    )


def _lines() -> Section:
    section = change_orders().section("lines")
    assert section is not None
    return section


def _held(session: Session, whole: Record, section: Section) -> dict[int, list[RecordRow]]:
    """Return the lines that a change order has from others, by where they come from."""
    found: dict[int, list[RecordRow]] = {}
    for line in rows.rows_of(session, whole.id, section):
        if part_id := line.details.get(PART):
            found.setdefault(part_id, []).append(line)
    return found


def _take_over(
    session: Session, whole: Record, part: Record, held: list[RecordRow], by: int
) -> None:
    section = _lines()
    wanted = _wanted(session, section, whole, part)
    if [read_row(section, line) for line in held] == wanted:
        return
    for line in held:
        session.delete(line)
    for values in wanted:
        line = rows.insert(session, whole, section, values, author_id=by)
        line.details = {**line.details, PART: part.id}


def _wanted(session: Session, section: Section, whole: Record, part: Record) -> list[Values]:
    """Return a part's lines as they stand in the whole.

    Whoever sees the whole learns what it costs, but not what a part is for that they do not see:
    then one line has the part's number and amount.
    """
    number = part.number or ""
    lines = [read_row(section, line) for line in rows.rows_of(session, part.id, section)]
    is_draft = change_orders().status(part.status).is_draft
    if lines and (part.is_private or is_draft) and not whole.is_private:
        return [{"cost_code": None, "description": number or None, "amount": part.amount}]
    return [{**values, "description": _described(number, values)} for values in lines]


def _described(number: str, values: Values) -> str | None:
    words = f"{number} {values['description'] or ''}".strip()
    return words[:DESCRIPTION_MAX_LENGTH] or None


def _remember(
    session: Session, whole: Record, known: dict[int, Record], parts: list[Record], by: int
) -> bool:
    """Keep what was taken over of each part, and write down in the history what is new of it."""
    before = taken_over(whole)
    after = {part.id: part.amount or NOTHING for part in parts}
    whole.details = {
        **whole.details,
        TAKEN: {str(part_id): str(amount) for part_id, amount in after.items()},
    }
    for part_id in dict.fromkeys((*before, *after)):
        if before.get(part_id) != after.get(part_id):
            part = known.get(part_id)
            number = part.number if part is not None else None
            facts = _facts(number or "PCO", before.get(part_id), after.get(part_id))
            audit.note(
                session, person_id=by, project_id=whole.project_id, record_id=whole.id, **facts
            )
    session.flush()
    return before != after


def _facts(number: str, before: Decimal | None, after: Decimal | None) -> dict[str, Any]:
    """Return how the history tells what became of a part's lines."""
    event = "part.changed"
    if before is None or after is None:
        event = "part.taken_over" if before is None else "part.let_go"
    with in_language(SOURCE):
        return {"event": event, "number": number, "before": money(before), "after": money(after)}

"""The revisions of one drawing: in which order they were issued, and which of them is current.

A record's `revision` is its place in that order, counted from 0; what people call it is its mark.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.text import N_
from webapp.records.models import Record
from webapp.tools.extensions.revision_order import Issue, Order, order
from webapp.tools.registry import Tool

SHEET = ("unpublished", "published", "superseded", "obsolete")
# What a reader of the tool has been shown: of these the newest is current, the others superseded.
SHOWN = ("published", "superseded", "obsolete")
# The mark and date by which a revision was last put into the order.
PLACED_BY = "placed_by"
NEWEST_CHANGED = N_("Newest revision changed")


def same_number(record: Record) -> list[ColumnElement[bool]]:
    """Return SQL for all revisions of a drawing."""
    return [
        Record.project_id == record.project_id,
        Record.tool_key == record.tool_key,
        Record.scope == record.scope,
        Record.status.in_(SHEET),
    ]


def issue_of(record: Record) -> Issue:
    """Return what a revision says of when it was issued."""
    return Issue(str(record.details.get("rev") or ""), record.dated_on)


def placed_by(record: Record) -> dict[str, str]:
    """Return what a revision's details keep of the mark and date it was put into the order by."""
    issue = issue_of(record)
    return {PLACED_BY: f"{issue.mark} {issue.dated_on or ''}".strip()}


def place_of(new: Issue, others: Sequence[Record], *, unclear: Order = Order.UNCLEAR) -> int | None:
    """Return where a revision stands among others, which are in the order of their issue.

    None when it is not clear whether it comes after the last of them; `unclear` is then a person's
    answer.
    """
    if not others:
        return 0
    found = [order(new, issue_of(one)) for one in others]
    last = unclear if unclear is not Order.UNCLEAR else found[-1]
    if last is Order.LATER:
        return len(others)
    if last is not Order.EARLIER:
        return None
    earlier = next((place for place, one in enumerate(found) if one is Order.EARLIER), len(found))
    return min(earlier, len(others) - 1)


def make_room(session: Session, others: Sequence[Record], place: int) -> int:
    """Return the number for a revision at this place, after moving the later ones on by one."""
    if place == len(others):
        return others[-1].revision + 1 if others else 0
    number = others[place].revision
    for one in reversed(others[place:]):
        one.revision += 1
        # One after the other: no two of a drawing may have the same number at any moment.
        session.flush()
    return number


def settle_order(session: Session, record: Record) -> None:
    """Move a revision to where a new mark or date clearly puts it; else it stays where it is.

    What somebody decided when it was published holds for as long as these are the same.
    """
    before, now = record.details.get(PLACED_BY), placed_by(record)
    record.details = {**record.details, **now}
    session.flush()
    if before in {None, now[PLACED_BY]}:
        return
    others = session.scalars(
        select(Record).where(*same_number(record), Record.id != record.id).order_by(Record.revision)
    ).all()
    here = issue_of(record)
    is_wrong = any(
        order(here, issue_of(one))
        is (Order.LATER if one.revision > record.revision else Order.EARLIER)
        for one in others
    )
    if not is_wrong:
        return
    is_last = all(one.revision < record.revision for one in others)
    place = place_of(here, others)
    if place is None:
        place = place_of(here, others, unclear=Order.LATER if is_last else Order.EARLIER)
    assert place is not None
    record.revision = others[-1].revision + 2
    session.flush()
    record.revision = make_room(session, others, place)
    session.flush()


def settle_current(session: Session, tool: Tool, record: Record, *, person_id: int) -> None:
    """Make the published revision issued last the current one of a drawing, and no other."""
    session.flush()
    revisions = session.scalars(
        select(Record)
        .where(*same_number(record), Record.status.in_(SHOWN))
        .order_by(Record.revision.desc())
    ).all()
    for place, one in enumerate(revisions):
        if place == 0 and one.status == "superseded":
            _turn(session, tool, one, "published", person_id)
        elif place > 0 and one.status != "superseded":
            _turn(session, tool, one, "superseded", person_id)


def _turn(session: Session, tool: Tool, record: Record, status: str, person_id: int) -> None:
    before = tool.status(record.status).label
    record.status = status
    record.is_open = tool.status(status).is_open
    record.closed_at = None if record.is_open else utcnow()
    record.version += 1
    record.updated_at = utcnow()
    audit.note(
        session,
        "record.moved",
        person_id=person_id,
        project_id=record.project_id,
        record_id=record.id,
        step=NEWEST_CHANGED,
        before=before,
        after=tool.status(status).label,
    )

"""What a person's own copies are doing, whichever record they are for: the part of every page."""

from functools import cache

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from webapp.imports.models import UNFINISHED, ImportItem
from webapp.imports.showing import RESTING_SHOWN
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly

ITEMS_MAX = 200
LINES = 20


def _is_shown(person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL for copies of this person that are under way or stopped by themselves."""
    return and_(
        ImportItem.person_id == person_id,
        or_(
            ImportItem.state.in_(UNFINISHED),
            and_(ImportItem.state.in_(RESTING_SHOWN), ImportItem.reason != "cancelled"),
        ),
    )


def are_there(session: Session, person_id: int) -> bool:
    """True when some copy is worth a request of the page for its part."""
    query = select(ImportItem.id).where(_is_shown(person_id)).limit(1)
    return session.execute(query).first() is not None


def shown(session: Session, person_id: int) -> list[ImportItem]:
    """Return the copies to show, oldest first, with their records at hand.

    What became of one on a record that this person does not see any more was told in a notice.
    """
    rows = session.execute(_query(), {"person_id": person_id})
    return [item for item, _record in rows]


@cache
def _query() -> Select[ImportItem, Record]:
    """Return the query of `shown`, made once: it is asked every two seconds while copies move."""
    person = bindparam("person_id", type_=Integer)
    return (
        select(ImportItem, Record)
        .join(Record, Record.id == ImportItem.record_id)
        .where(_is_shown(person), hangs_visibly(person, ImportItem.row_id))
        .order_by(ImportItem.id)
        .limit(ITEMS_MAX)
    )

"""What is said aloud of copies: that they start and how they end, never how far they are.

A part that fetches itself says in its address since when it knows what it knows, so that every page
hears of each start and each end once, however long it was hidden.
"""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.core.clock import utcnow
from webapp.core.text import _, ngettext
from webapp.imports.models import UNFINISHED, ImportItem, ItemState
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly

SAID_MAX = 100


def mark() -> str:
    """Return this moment as it rides in an address."""
    return str(round(utcnow().timestamp() * 1000))


def since(session: Session, person_id: int, which: ColumnElement[bool], text: str | None) -> str:
    """Return what has begun or ended since then among those copies that this person sees.

    Nothing for a part that does not say since when: its page has just been loaded.
    """
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 14:
        return ""
    moment = datetime.fromtimestamp(int(text) / 1000, UTC)
    items = [
        item
        for state in (*UNFINISHED, ItemState.ATTACHED, ItemState.FAILED)
        for item in _latest(session, person_id, which, state)
        if ((item.created_at if state in UNFINISHED else item.finished_at) or moment) > moment
    ]
    return _said(items)


def _latest(
    session: Session, person_id: int, which: ColumnElement[bool], state: ItemState
) -> list[ImportItem]:
    return list(
        session.scalars(
            select(ImportItem)
            .join(Record, Record.id == ImportItem.record_id)
            .where(which, ImportItem.state == state, hangs_visibly(person_id, ImportItem.row_id))
            .order_by(ImportItem.id.desc())
            .limit(SAID_MAX)
        )
    )


def _said(items: list[ImportItem]) -> str:
    began = [item for item in items if item.state in UNFINISHED]
    arrived = [item for item in items if item.state == ItemState.ATTACHED]
    failed = [item for item in items if item.state == ItemState.FAILED]
    said = []
    if began:
        said.append(
            ngettext("%(num)s file is being copied", "%(num)s files are being copied", len(began))
        )
    if len(arrived) == 1:
        said.append(_("%(name)s is attached", name=arrived[0].name))
    elif arrived:
        count = len(arrived)
        said.append(ngettext("%(num)s file is attached", "%(num)s files are attached", count))
    if failed:
        said.append(ngettext("%(num)s file failed", "%(num)s files failed", len(failed)))
    return ". ".join(said)

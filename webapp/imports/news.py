"""What is said aloud of copies: that they start and how they end, never how far they are.

A part that fetches itself says in its address since when it knows what it knows, so that every page
hears of each start and each end once, however long it was hidden.
"""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.core.clock import utcnow
from webapp.core.text import _, ngettext
from webapp.imports.models import UNFINISHED, ImportItem, ItemState

SAID_MAX = 100

_MARK = re.compile(r"[0-9]{1,14}(?:\.[0-9]{1,12}){0,100}", re.ASCII)


def mark(shown: Iterable[ImportItem] = ()) -> str:
    """Return what is known now as it rides in an address: this moment, and what is under way.

    The moment alone would lose what ends just then: it is noted before others can read it.
    """
    ids = [item.id for item in shown if item.state in UNFINISHED]
    moment = round(utcnow().timestamp() * 1000)
    return ".".join(map(str, (moment, *ids[:SAID_MAX])))


def since(
    session: Session, which: ColumnElement[bool], shown: Iterable[ImportItem], text: str | None
) -> str:
    """Return what has begun or ended since then among the copies that fit.

    `shown` are those under way and those that failed; the asker sees the record of all of them.
    Nothing for a part that does not say since when: its page has just been loaded.
    """
    if not text or not _MARK.fullmatch(text):
        return ""
    number, *ids = map(int, text.split("."))
    moment, known = datetime.fromtimestamp(number / 1000, UTC), frozenset(ids)
    items = list(shown)
    began = sum(
        item.state in UNFINISHED and item.id not in known and item.created_at > moment
        for item in items
    )
    failed = sum(
        item.state == ItemState.FAILED
        and (item.id in known or (item.finished_at or moment) > moment)
        for item in items
    )
    return _said(began, _arrived(session, which, moment, known), failed)


def _arrived(
    session: Session, which: ColumnElement[bool], moment: datetime, known: Collection[int]
) -> list[str]:
    """Return the names of the files that were attached since then, of the latest ones."""
    latest = session.execute(
        select(ImportItem.id, ImportItem.name, ImportItem.finished_at)
        .where(which, ImportItem.state == ItemState.ATTACHED)
        .order_by(ImportItem.id.desc())
        .limit(SAID_MAX)
    )
    return [
        name
        for id_, name, finished_at in latest
        if id_ in known or (finished_at and finished_at > moment)
    ]


def _said(began: int, arrived: list[str], failed: int) -> str:
    said = []
    if began:
        text = ngettext("%(num)s file is being copied", "%(num)s files are being copied", began)
        said.append(text)
    if len(arrived) == 1:
        said.append(_("%(name)s is attached", name=arrived[0]))
    elif arrived:
        count = len(arrived)
        said.append(ngettext("%(num)s file is attached", "%(num)s files are attached", count))
    if failed:
        said.append(ngettext("%(num)s file failed", "%(num)s files failed", failed))
    return ". ".join(said)

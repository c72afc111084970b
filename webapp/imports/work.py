"""Work sessions: in whose name accepted copies go on after their person has signed out.

A work session is a row like a browser's, which no cookie opens. It carries the access token of the
person who chose, and ends when the last copy has come to rest, after a day at the latest.
"""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.core.clock import utcnow
from webapp.core.sessions import SessionRow
from webapp.imports.models import ImportBatch, ImportItem

LIVES = timedelta(hours=24)


def open_session(session: Session, person_id: int) -> str:
    """Add a work session for a person and return its hash."""
    now = utcnow()
    row = SessionRow(
        id_hash=secrets.token_hex(32),
        kind="work",
        person_id=person_id,
        created_at=now,
        seen_at=now,
        expires_at=now + LIVES,
    )
    session.add(row)
    session.flush()
    return row.id_hash


def renew_sessions(session: Session, which: ColumnElement[bool]) -> None:
    """Give the batches of these items a live work session before they are tried again."""
    batches = session.scalars(
        select(ImportBatch).where(ImportBatch.id.in_(select(ImportItem.batch_id).where(which)))
    )
    for batch in batches.all():
        batch.session_hash = renewed(session, batch.session_hash, batch.person_id)


def renewed(session: Session, session_hash: str, person_id: int) -> str:
    """Return a work session that lives: this one, if it has not ended meanwhile."""
    now = utcnow()
    row = session.get(SessionRow, session_hash)
    if row is None or row.expires_at <= now:
        return open_session(session, person_id)
    row.expires_at = now + LIVES
    return session_hash

"""The state machine of a copy; every step is one conditional statement.

At least once by lease, exactly once by fence: a worker that dies lets its lease run out, a worker
that was merely slow finds that its fence is old and its writes change nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, write_connection
from webapp.imports import work
from webapp.imports.models import (
    UNFINISHED,
    ImportBatch,
    ImportItem,
    ItemState,
    new_blob_key,
)
from webapp.records.visibility import Target

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 1.0
PER_PERSON = 12


@dataclass(frozen=True)
class Job:
    """An item in the hands of one worker."""

    item_id: int
    batch_id: int
    fence: int
    person_id: int
    session_hash: str
    target: Target
    name: str
    original_name: str
    size_bytes: int | None
    sha1: str | None
    box_file_id: str
    box_version_id: str
    box_version_number: str | None
    box_path: str
    box_owner: str
    reason_given: str
    box_login: str
    blob_key: str
    failures: int
    mismatches: int
    created_at: datetime
    supersedes_id: int | None


class LeaseLost(Exception):
    """Somebody else has this item now, or it was cancelled: stop, and change nothing."""


def claim(worker: str) -> Job | None:
    """Take the next item that may be copied, fairly between people; None when there is none."""
    if not any_due():
        # An idle sweep must not take SQLite's write lock.
        return None
    with write_connection() as connection:
        item_id = connection.execute(
            _due(utcnow()).limit(1).with_for_update(skip_locked=True, of=ImportItem)
        ).scalar()
        if item_id is None:
            return None
        return _taken(connection, item_id, worker)


def any_due() -> bool:
    """True when some item may be copied now."""
    with db.engine.connect() as connection:
        return connection.execute(_due(utcnow()).limit(1)).first() is not None


def count_due(at_most: int) -> int:
    """Return how many items may be copied now, up to `at_most`."""
    with db.engine.connect() as connection:
        return len(connection.execute(_due(utcnow()).limit(at_most)).all())


def _is_due(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(
            ImportItem.state == ItemState.QUEUED,
            or_(ImportItem.run_after.is_(None), ImportItem.run_after <= now),
        ),
        and_(ImportItem.state == ItemState.COPYING, ImportItem.leased_until <= now),
    )


def _due(now: datetime) -> Any:
    """Return the query for what may be copied, those first whose person has fewest under way."""
    running = aliased(ImportItem)
    under_way = (
        select(func.count(running.id))
        .where(
            running.person_id == ImportItem.person_id,
            running.state == ItemState.COPYING,
            running.leased_until > now,
        )
        .correlate(ImportItem)
        .scalar_subquery()
    )
    return (
        select(ImportItem.id)
        .where(_is_due(now), under_way < PER_PERSON)
        .order_by(under_way, ImportItem.id)
    )


def _taken(connection: Connection, item_id: int, worker: str) -> Job | None:
    now = utcnow()
    row = connection.execute(
        update(ImportItem)
        .where(ImportItem.id == item_id, _is_due(now))
        .values(
            state=ItemState.COPYING,
            leased_by=worker,
            leased_until=now + LEASE,
            fence=ImportItem.fence + 1,
            reason=None,
            facts={},
            run_after=None,
            bytes_done=0,
            bytes_per_s=0,
            started_at=now,
        )
        .returning(ImportItem)
    ).first()
    if row is None:
        return None
    session_hash = connection.execute(
        select(ImportBatch.session_hash).where(ImportBatch.id == row.batch_id)
    ).scalar_one()
    return Job(
        item_id=row.id,
        batch_id=row.batch_id,
        fence=row.fence,
        person_id=row.person_id,
        session_hash=session_hash,
        target=Target(row.project_id, row.tool_key, row.record_id, row.row_id),
        name=row.name,
        original_name=row.original_name or row.name,
        size_bytes=row.size_bytes,
        sha1=row.sha1,
        box_file_id=row.box_file_id,
        box_version_id=row.box_version_id,
        box_version_number=row.box_version_number,
        box_path=row.box_path,
        box_owner=row.box_owner,
        reason_given=row.reason_given,
        box_login=row.box_login,
        blob_key=row.blob_key,
        failures=row.failures,
        mismatches=row.mismatches,
        created_at=row.created_at,
        supersedes_id=row.supersedes_id,
    )


def _held(job: Job) -> ColumnElement[bool]:
    return and_(
        ImportItem.id == job.item_id,
        ImportItem.fence == job.fence,
        ImportItem.state == ItemState.COPYING,
    )


def is_held(job: Job) -> bool:
    """True while the item is this worker's and nobody has cancelled it."""
    with db.engine.connect() as connection:
        held = select(ImportItem.id).where(_held(job), ImportItem.cancel_asked.is_(False))
        return connection.execute(held).first() is not None


def beat(job: Job, bytes_done: int, bytes_per_s: int = 0) -> None:
    """Report progress and lengthen the lease; raises LeaseLost when there is nothing to hold."""
    with write_connection() as connection:
        done = connection.execute(
            update(ImportItem)
            .where(_held(job), ImportItem.cancel_asked.is_(False))
            .values(
                bytes_done=bytes_done,
                bytes_per_s=bytes_per_s,
                leased_until=utcnow() + LEASE,
            )
        )
        if rows_changed(done) != 1:
            raise LeaseLost


def attached(session: Session, job: Job, size_bytes: int) -> None:
    """Finish in the caller's transaction; raises LeaseLost when the item is no longer ours."""
    done = session.execute(
        update(ImportItem)
        .where(_held(job), ImportItem.cancel_asked.is_(False))
        .values(
            state=ItemState.ATTACHED,
            bytes_done=size_bytes,
            size_bytes=size_bytes,
            finished_at=utcnow(),
            leased_by=None,
            leased_until=None,
        )
    )
    if rows_changed(done) != 1:
        raise LeaseLost


def is_last(job: Job) -> bool:
    """True when every item of this one's batch has come to rest."""
    with db.engine.connect() as connection:
        moving = select(ImportItem.id).where(
            ImportItem.batch_id == job.batch_id, ImportItem.state.in_(UNFINISHED)
        )
        return connection.execute(moving.limit(1)).first() is None


def wait(
    job: Job,
    seconds: float,
    reason: str,
    *,
    is_failure: bool,
    is_mismatch: bool = False,
    **facts: Any,
) -> None:
    """Put the item back until later; other people's copies go on meanwhile."""
    _give_back(
        job,
        state=ItemState.QUEUED,
        run_after=utcnow() + timedelta(seconds=seconds),
        reason=reason,
        facts=facts,
        failures=job.failures + (1 if is_failure else 0),
        mismatches=job.mismatches + (1 if is_mismatch else 0),
    )


def wait_for_link(job: Job) -> None:
    """Put the item aside until its person has reconnected Box."""
    _give_back(job, state=ItemState.WAITING_RELINK, reason="relink_needed", facts={})


def hand_back(job: Job) -> None:
    """Put the item back at once, as if it had not been claimed: this worker is stopping."""
    _give_back(job, state=ItemState.QUEUED, run_after=None)


def fail(job: Job, reason: str, **facts: Any) -> bool:
    """End the item with a reason the person can read; False when it is no longer ours."""
    return _give_back(
        job,
        state=ItemState.FAILED,
        reason=reason,
        facts=facts,
        finished_at=utcnow(),
        failures=job.failures + 1,
    )


def _give_back(job: Job, **values: Any) -> bool:
    with write_connection() as connection:
        done = connection.execute(
            update(ImportItem).where(_held(job)).values(leased_by=None, leased_until=None, **values)
        )
        return rows_changed(done) == 1


def dismiss(session: Session, which: ColumnElement[bool]) -> int:
    """Put what did not arrive out of sight."""
    done = session.execute(
        update(ImportItem)
        .where(which, ImportItem.state.in_((ItemState.FAILED, ItemState.CANCELLED)))
        .values(state=ItemState.CANCELLED, reason="cancelled")
    )
    return rows_changed(done)


def cancel(session: Session, which: ColumnElement[bool], *, reason: str, **facts: str) -> int:
    """Cancel every unfinished item that fits; their workers find out at the next heartbeat."""
    done = session.execute(
        update(ImportItem)
        .where(which, ImportItem.state.in_(UNFINISHED))
        .values(
            state=ItemState.CANCELLED,
            cancel_asked=True,
            reason=reason,
            facts=facts,
            finished_at=utcnow(),
            leased_by=None,
            leased_until=None,
        )
    )
    return rows_changed(done)


def try_again(session: Session, which: ColumnElement[bool]) -> int:
    """Queue failed or cancelled items once more, with all their tries before them.

    Each gets a key of its own again: a worker that has not noticed a cancellation may still write
    under the old one, and the sweep may just be deleting what lies there.
    """
    work.renew_sessions(session, which)
    over = ImportItem.state.in_((ItemState.FAILED, ItemState.CANCELLED))
    count = 0
    for item_id in session.scalars(select(ImportItem.id).where(which, over)).all():
        done = session.execute(
            update(ImportItem)
            .where(ImportItem.id == item_id, over)
            .values(
                state=ItemState.QUEUED,
                blob_key=new_blob_key(),
                cancel_asked=False,
                reason=None,
                facts={},
                failures=0,
                mismatches=0,
                bytes_done=0,
                run_after=None,
                finished_at=None,
                created_at=utcnow(),
            )
        )
        count += rows_changed(done)
    return count


def hurry(session: Session, which: ColumnElement[bool]) -> int:
    """Have what waits to be tried again tried now, but for what Box itself has told to wait."""
    done = session.execute(
        update(ImportItem)
        .where(
            which,
            ImportItem.state == ItemState.QUEUED,
            ImportItem.run_after.is_not(None),
            ImportItem.reason.not_in(("box_busy", "box_preparing")),
        )
        .values(run_after=None)
    )
    return rows_changed(done)


def link_is_back(session: Session, person_id: int) -> int:
    """Queue what waited for this person's link."""
    which = and_(ImportItem.person_id == person_id, ImportItem.state == ItemState.WAITING_RELINK)
    work.renew_sessions(session, which)
    done = session.execute(
        update(ImportItem).where(which).values(state=ItemState.QUEUED, reason=None, run_after=None)
    )
    return rows_changed(done)

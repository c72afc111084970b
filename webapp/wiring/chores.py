"""What is done again and again in the background, and what follows from what happens elsewhere."""

import contextlib
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, exists, select
from sqlalchemy.orm import Session

from webapp.accounts import credentials
from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.models import Attachment
from webapp.box.errors import BoxUnavailable
from webapp.box_link import idle, linking
from webapp.box_link.clients import box_access
from webapp.box_link.models import BoxLink
from webapp.box_link.store import link_made, link_removed
from webapp.companies.box_switch import box_shut
from webapp.companies.models import Company, Project
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, writing
from webapp.core.sessions import SessionRow, end_expired
from webapp.imports import claims, trays, uploads, walks
from webapp.imports.models import UNFINISHED, ImportBatch, ImportItem, Tray, TrayItem
from webapp.imports.tasks import Chore, queue
from webapp.imports.walk_models import FolderWalk
from webapp.records.models import Record
from webapp.tools import moments, notice_letters
from webapp.tools.discarding import overdue
from webapp.tools.registry import TOOLS
from webapp.wiring import own_letters

log = logging.getLogger(__name__)

ORPHAN_LIVES = timedelta(hours=24)
TRAY_LIVES = timedelta(days=7)
HALF_WRITTEN_LIVES = 2 * claims.LEASE


def chores() -> tuple[Chore, ...]:
    """Return everything the workers do besides copying."""
    return (
        Chore("notices", 60, notice_letters.send_due),
        Chore("closings", 60, moments.close_due),
        Chore("moments", 300, moments.sweep),
        Chore("revoke", 10, revoke_due),
        Chore("box", 10, ask_box_again),
        Chore("attempts", 60, drop_overdue_attempts),
        Chore("idle-links", 3600, warn_of_idle_links),
        Chore("sessions", 300, end_sessions),
        Chore("half-written", 60, sweep_half_written),
        Chore("drafts", 3600, sweep_drafts),
        Chore("overdue", 3600, delete_overdue),
        Chore("storage", 3600, sweep_storage),
        Chore("parts", 3600, uploads.sweep),
        Chore("letters", 3600, own_letters.sweep),
    )


def revoke_due() -> None:
    linking.revoke_due(box_access().linker, utcnow())


def ask_box_again() -> None:
    """Find out whether Box knows us again; no person's page has to ask for it."""
    with contextlib.suppress(BoxUnavailable):
        box_access().linker.circuit.probe()


def drop_overdue_attempts() -> None:
    linking.drop_overdue_attempts(box_access().linker, utcnow())


def warn_of_idle_links() -> None:
    idle.warn_idle(utcnow())


def end_sessions() -> None:
    """End sessions that are over, and work sessions whose last copy or count has come to rest."""
    now = utcnow()
    end_expired(now)
    with writing() as session:
        credentials.end_sessions_of_disabled(session)
        credentials.forget_resets(session)
    busy = (
        select(ImportItem.id)
        .join(ImportBatch, ImportBatch.id == ImportItem.batch_id)
        .where(ImportBatch.session_hash == SessionRow.id_hash, ImportItem.state.in_(UNFINISHED))
    )
    with writing() as session:
        session.execute(
            delete(SessionRow).where(
                SessionRow.kind == "work",
                SessionRow.created_at < now - timedelta(minutes=5),
                ~exists(busy),
                ~walks.busy_session(),
            )
        )


def sweep_drafts() -> None:
    """Forget what was begun and never saved, what was discarded long ago, and old trays."""
    now = utcnow()
    with writing() as session:
        for statement in overdue(now):
            session.execute(statement)
        session.execute(delete(Tray).where(Tray.created_at < now - TRAY_LIVES))


def delete_overdue() -> int:
    """Delete records whose status keeps them for so many days only: the recycle bin."""
    now, deleted = utcnow(), 0
    with writing() as session:
        for tool in TOOLS:
            for status in (s for s in tool.statuses if s.lives_days):
                over = now - timedelta(days=status.lives_days)
                gone = session.execute(
                    delete(Record).where(
                        Record.tool_key == tool.key,
                        Record.status == status.key,
                        Record.closed_at < over,
                    )
                )
                deleted += rows_changed(gone)
    return deleted


def sweep_storage() -> int:
    """Delete removed attachments after their thirty days, and objects no row speaks of."""
    now = utcnow()
    with writing() as session:
        session.execute(delete(Attachment).where(Attachment.removed_at < now - REMOVED_LIVES))
    swept = 0
    for stored in blobs().stored("files/"):
        if stored.stored_at < now - ORPHAN_LIVES and not _is_spoken_of(stored.key):
            blobs().delete(stored.key)
            swept += 1
    if swept:
        log.info("storage.swept", extra={"objects": swept})
    return swept


def _is_spoken_of(key: str) -> bool:
    used = (
        select(Attachment.id).where(Attachment.blob_key == key),
        select(TrayItem.id).where(TrayItem.blob_key == key),
        select(ImportItem.id).where(ImportItem.blob_key == key, ImportItem.state.in_(UNFINISHED)),
    )
    found = any(db.session.execute(query.limit(1)).first() for query in used)
    db.session.rollback()
    return found


def sweep_half_written() -> int:
    """Remove what a killed worker left half-written on the local disk; no key ever pointed there.

    The local store writes beside the final name, with "#" and a number behind it.
    """
    oldest = (utcnow() - HALF_WRITTEN_LIVES).timestamp()
    roots = [root for root in map(blobs().path, ("files", "parts")) if root and root.is_dir()]
    left = [path for root in roots for path in root.rglob("*#*") if _age_mark(path) < oldest]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _age_mark(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def connect_signals() -> None:
    """Let the import rows follow links and companies' switches; called once, at start."""
    link_made.connect(_link_made)
    link_removed.connect(_link_removed)
    box_shut.connect(_box_shut)


def _link_made(_sender: Any, *, person_id: int) -> None:
    """Copies that waited for the link go on; those chosen in another account do not."""
    with writing() as session:
        login = session.scalar(select(BoxLink.box_login).where(BoxLink.person_id == person_id))
        mine = ImportItem.person_id == person_id
        elsewhere = select(ImportItem.box_login).where(mine, ImportItem.box_login != login)
        for other in session.scalars(elsewhere.distinct()).all():
            which = and_(mine, ImportItem.box_login == other)
            claims.cancel(session, which, reason="other_account", login=other)
        trays.forget_folders(session, person_id, but_of=login or "")
        count = claims.link_is_back(session, person_id)
        count += walks.link_is_back(session, person_id, login or "")
    if count:
        queue().wake(count)


def _link_removed(_sender: Any, *, person_id: int, session: Session) -> None:
    claims.cancel(session, ImportItem.person_id == person_id, reason="unlinked")
    walks.stop_all(session, FolderWalk.person_id == person_id, reason="unlinked")
    trays.forget_folders(session, person_id)


def _box_shut(company: Company, *, reason: str, session: Session) -> None:
    """Copies and counts for this company's projects stop; those of its people elsewhere go on."""
    projects = select(Project.id).where(Project.company_id == company.id)
    into_it = ImportItem.project_id.in_(projects)
    claims.cancel(session, into_it, reason=reason, company=company.name)
    walks.stop_all(session, walks.in_projects(projects), reason=reason)

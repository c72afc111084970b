"""Renaming, describing, removing and restoring a file: each one conditional and in the history.

Where a file was taken from, and what it was called there, never changes.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.converters import ID_MAX
from webapp.core.database import rows_changed
from webapp.core.names import clean_name, extension_of
from webapp.core.numbers import as_whole
from webapp.core.problems import Conflict, Invalid
from webapp.core.text import N_, _

REMOVED_LIVES = timedelta(days=30)
DESCRIPTION_MAX_LENGTH = 500


def new_name(found: Attachment, typed: str) -> str:
    """Return what somebody typed as a name with the file's extension; Invalid when it is none."""
    extension = found.name.rpartition(".")[2] if extension_of(found.name) else ""
    name = clean_name(typed, fallback="")
    if extension and name.lower().endswith(f".{extension.lower()}"):
        name = name[: -len(extension) - 1]
    if not name.strip(". "):
        raise Invalid(_("Write a name."))
    if not extension:
        if re.search("[a-z]", extension_of(name)):
            raise Invalid(_("This file has no extension, and a name cannot give it one."))
        return name
    return clean_name(f"{name}.{extension}", fallback=found.name)


def change(
    session: Session, found: Attachment, *, name: str, description: str, person_id: int
) -> None:
    """Give a file another name or description; Conflict when somebody else just did."""
    before = (found.name, found.description)
    if before == (name, description):
        return
    done = session.execute(
        update(Attachment)
        .where(
            Attachment.id == found.id,
            Attachment.removed_at.is_(None),
            Attachment.name == found.name,
            Attachment.description == found.description,
        )
        .values(name=name, description=description)
        .execution_options(synchronize_session=False)
    )
    if rows_changed(done) != 1:
        raise Conflict(_("This file was changed while you were at it. Look again."))
    if before[0] != name:
        _note(session, "file.renamed", found, person_id, old=before[0], new=name)
    if before[1] != description:
        changes = [{"label": N_("Description"), "before": before[1], "after": description}]
        _note(session, "file.described", found, person_id, name=name, changes=changes)


def remove(session: Session, found: Attachment, *, person_id: int) -> None:
    """Take a file off its record; it is kept for REMOVED_LIVES. Removing it twice is no error."""
    done = session.execute(
        update(Attachment)
        .where(Attachment.id == found.id, Attachment.removed_at.is_(None))
        .values(removed_at=utcnow(), removed_by_id=person_id)
    )
    if rows_changed(done) == 1:
        _note(session, "file.removed", found, person_id, name=found.name)


def restore(session: Session, found: Attachment, *, person_id: int) -> None:
    """Hang a removed file back where it was; Conflict when its time is over or it hangs there."""
    removed_at = found.removed_at
    done = session.execute(
        update(Attachment)
        .where(Attachment.id == found.id, Attachment.removed_at > utcnow() - REMOVED_LIVES)
        .values(removed_at=None, removed_by_id=None)
    )
    if rows_changed(done) != 1:
        raise Conflict(_("It hangs there again already, or it was removed more than 30 days ago."))
    if found.superseded_by_id is None and removed_at is not None:
        _file_behind(session, found, removed_at)
    _note(session, "file.restored", found, person_id, name=found.name)


def _file_behind(session: Session, found: Attachment, removed_at: datetime) -> None:
    """File a restored file behind the newer version of it that came while it was away."""
    came = session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id == found.record_id,
            Attachment.row_id.is_not_distinct_from(found.row_id),
            Attachment.box_file_id == found.box_file_id,
            Attachment.attached_at >= removed_at,
            Attachment.id != found.id,
        )
        .order_by(Attachment.id)
    )
    if newer := next((one for one in came if _is_before(found, one)), None):
        found.superseded_by_id = newer.id


def supersede(session: Session, older_id: int, newer: Attachment) -> None:
    """Let a newer version take the place of a file on the same target; the file itself is kept.

    Who asked for the newer version decided it. The versions of a file make one line, in the order
    of Box's numbers: one that arrives after an even newer one is filed behind that. One that was
    removed meanwhile stays removed.
    """
    versions = _versions_from(session, older_id, newer.record_id)
    if not versions or (len(versions) == 1 and versions[0].removed_at is not None):
        return
    later = [one for one in versions[1:] if _is_before(newer, one)]
    last = versions[-len(later) - 1]
    newer.superseded_by_id = later[0].id if later else None
    last.superseded_by_id, last.newer_in_box = newer.id, False
    if later:
        _tell_versions(session, "file.filed_behind", newer, (newer, later[-1]))
    elif shown := [one for one in versions if one.removed_at is None]:
        _tell_versions(session, "file.superseded", newer, (shown[-1], newer))


def _versions_from(session: Session, older_id: int, record_id: int) -> list[Attachment]:
    """Return a file and every version that has taken its place, each held until this is over."""
    found: list[Attachment] = []
    next_id: int | None = older_id
    while next_id is not None:
        one = session.scalar(
            select(Attachment)
            .where(Attachment.id == next_id, Attachment.record_id == record_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        if one is None:
            break
        found.append(one)
        next_id = one.superseded_by_id
    return found


def _is_before(one: Attachment, other: Attachment) -> bool:
    """Tell whether a version is older than another; what Box does not count came as it arrived."""
    first, second = (as_whole(a.box_version_number, ID_MAX) for a in (one, other))
    return first is not None and second is not None and first < second


def _tell_versions(
    session: Session, event: str, newer: Attachment, versions: tuple[Attachment, Attachment]
) -> None:
    before, after = versions
    _note(
        session,
        event,
        before,
        newer.attached_by_id,
        name=before.name,
        before=version_text(before),
        after=version_text(after),
    )


def version_text(found: Attachment) -> str:
    """Return which version of its file a copy is; the id of it where Box counts none."""
    return found.box_version_number or found.box_version_id or ""


def _note(session: Session, event: str, found: Attachment, person_id: int, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=person_id,
        project_id=found.project_id,
        record_id=found.record_id,
        row=found.row_id,
        **facts,
    )

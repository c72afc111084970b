"""Renaming, describing, removing and restoring a file: each one conditional and in the history.

Where a file was taken from, and what it was called there, never changes.
"""

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import rows_changed
from webapp.core.names import clean_name, extension_of
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
        raise Conflict(_("Somebody else changed this file while you were at it. Look again."))
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
    done = session.execute(
        update(Attachment)
        .where(Attachment.id == found.id, Attachment.removed_at > utcnow() - REMOVED_LIVES)
        .values(removed_at=None, removed_by_id=None)
    )
    if rows_changed(done) != 1:
        raise Conflict(_("It hangs there again already, or it was removed more than 30 days ago."))
    _note(session, "file.restored", found, person_id, name=found.name)


def supersede(session: Session, older_id: int, newer: Attachment) -> None:
    """Let a newer version take the place of a file on the same target; the file itself is kept.

    Who asked for the newer version decided it. One that was removed meanwhile stays removed.
    """
    older = session.scalar(
        select(Attachment).where(
            Attachment.id == older_id,
            Attachment.record_id == newer.record_id,
            Attachment.removed_at.is_(None),
        )
    )
    if older is None:
        return
    older.superseded_by_id, older.newer_in_box = newer.id, False
    _note(
        session,
        "file.superseded",
        older,
        newer.attached_by_id,
        name=older.name,
        before=version_text(older),
        after=version_text(newer),
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

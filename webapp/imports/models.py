"""What a person has chosen, and the copies that follow from it.

A tray holds choices until they are sent. Sending makes a batch and its items in one transaction;
the item's row is the truth about its copy (lease, fence, tries), the queue only wakes workers.
"""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import Person
from webapp.core.clock import utcnow
from webapp.core.database import Base


class ItemState(StrEnum):
    QUEUED = "queued"
    COPYING = "copying"
    WAITING_RELINK = "waiting_relink"
    ATTACHED = "attached"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (ItemState.QUEUED, ItemState.COPYING, ItemState.WAITING_RELINK)


def new_blob_key() -> str:
    """Return a fresh storage key; two letters of fan-out keep local directories small."""
    token = secrets.token_hex(16)
    return f"files/{token[:2]}/{token}"


class Tray(Base):
    """What one person has chosen for one target and not sent yet; `key` makes sending idempotent.

    `row_key` is the row's id, or 0 for the record itself, so that the constraint below can hold.
    """

    __tablename__ = "trays"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(16)
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    project_id: Mapped[int]
    tool_key: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int]
    row_key: Mapped[int] = mapped_column(default=0)
    is_open: Mapped[bool | None] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    reason_given: Mapped[str] = mapped_column(String(500), default="", server_default="")

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        # NULLs are distinct: one open tray per person and target, any number of sent ones.
        UniqueConstraint("person_id", "record_id", "row_key", "is_open"),
    )


class TrayItem(Base):
    """One chosen file: somewhere in Box, or stored already, from the computer or by a tool.

    What a tool keeps has the tool's key as its source, and in the `box_…` columns which version of
    which of its files it is.
    """

    __tablename__ = "tray_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    tray_id: Mapped[int] = mapped_column(ForeignKey("trays.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(1000))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha1: Mapped[str | None] = mapped_column(String(40))
    sha256: Mapped[str | None] = mapped_column(String(64))
    blob_key: Mapped[str | None] = mapped_column(String(200))
    box_file_id: Mapped[str | None] = mapped_column(String(20))
    box_version_id: Mapped[str | None] = mapped_column(String(20))
    box_version_number: Mapped[str | None] = mapped_column(String(12))
    box_path: Mapped[str] = mapped_column(Text, default="")
    box_owner: Mapped[str] = mapped_column(String(254), default="")
    # NULL when it is the person's own, as in `webapp.box.items.Origin`.
    box_owner_login: Mapped[str | None] = mapped_column(String(254))
    box_classification: Mapped[str] = mapped_column(String(200), default="", server_default="")
    # The account it was chosen in, "" for what is not of Box.
    box_login: Mapped[str] = mapped_column(String(254), default="", server_default="")
    # The way to its folder in Box: pairs of id and name, from the root.
    box_trail: Mapped[list[list[str]]] = mapped_column(JSON, default=list, server_default="[]")

    __table_args__ = (UniqueConstraint("tray_id", "box_file_id"),)


class PartialUpload(Base):
    """A large file from the computer that comes in parts, each an object of its own in the store.

    `offset_bytes` is how far it has come. Whoever adds a part names the offset it follows, and of
    two at once one finds that it has moved on. When the last byte is there, the file goes to the
    tray and the row stays until it expires, so that a repeated request learns that it is done.
    """

    __tablename__ = "partial_uploads"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(
        String(32), unique=True, default=lambda: secrets.token_hex(16)
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    project_id: Mapped[int]
    record_id: Mapped[int]
    row_key: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(String(1000))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    offset_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    parts: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_done: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
    )


class LastFolder(Base):
    """The folder of Box from which somebody last attached in one tool of one project.

    `trail` is the way to it as their Box showed it, pairs of id and name: nobody else's business.
    """

    __tablename__ = "last_folders"

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    tool_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    box_login: Mapped[str] = mapped_column(String(254))
    folder_id: Mapped[str] = mapped_column(String(20))
    trail: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    used_at: Mapped[datetime] = mapped_column(default=utcnow)

    person: Mapped[Person] = relationship()

    __table_args__ = (Index("ix_last_folders_project", "project_id", "tool_key", "used_at"),)


class ImportBatch(Base):
    """What one person sent in one go; `session_hash` is the work session that outlives theirs."""

    __tablename__ = "import_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    project_id: Mapped[int]
    tool_key: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int]
    row_id: Mapped[int | None]
    session_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    person: Mapped[Person] = relationship()

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("person_id", "key"),
        Index("ix_import_batches_record", "record_id"),
    )


class ImportItem(Base):
    """One file on its way from Box to a record.

    `name` is what it will be called there, `original_name` what Box calls it if that differs.
    `fence` grows with every claim; whoever holds an older one can change nothing any more.
    `failures` counts tries that ended in an error, not those that Box asked to wait.
    `supersedes_id` names the attachment that this newer version of its file takes the place of.
    """

    __tablename__ = "import_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batches.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    project_id: Mapped[int]
    tool_key: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int]
    row_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(1000))
    original_name: Mapped[str | None] = mapped_column(String(1000))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha1: Mapped[str | None] = mapped_column(String(40))
    box_file_id: Mapped[str] = mapped_column(String(20))
    box_version_id: Mapped[str] = mapped_column(String(20))
    box_version_number: Mapped[str | None] = mapped_column(String(12))
    box_path: Mapped[str] = mapped_column(Text, default="")
    box_owner: Mapped[str] = mapped_column(String(254), default="")
    box_owner_login: Mapped[str | None] = mapped_column(String(254))
    box_classification: Mapped[str] = mapped_column(String(200), default="", server_default="")
    reason_given: Mapped[str] = mapped_column(String(500), default="", server_default="")
    box_login: Mapped[str] = mapped_column(String(254), default="")
    blob_key: Mapped[str] = mapped_column(String(200), default=new_blob_key)
    state: Mapped[str] = mapped_column(String(16), default=ItemState.QUEUED)
    reason: Mapped[str | None] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    run_after: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    leased_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    mismatches: Mapped[int] = mapped_column(default=0)
    bytes_done: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes_per_s: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    supersedes_id: Mapped[int | None]

    batch: Mapped[ImportBatch] = relationship()
    person: Mapped[Person] = relationship()

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("batch_id", "box_file_id", "box_version_id"),
        Index("ix_import_items_claim", "state", "run_after", "id"),
        Index("ix_import_items_record", "record_id", "row_id", "state"),
        Index("ix_import_items_person", "person_id", "state", "id"),
    )

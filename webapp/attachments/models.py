"""A file that hangs on a record or on one of its rows, and where it came from."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote, selectinload

from webapp.accounts.models import Person
from webapp.core.clock import utcnow
from webapp.core.database import Base


class Source(StrEnum):
    BOX = "box"
    COMPUTER = "computer"
    EMAIL = "email"
    DOCUMENTS = "documents"


def new_public_id() -> str:
    return secrets.token_urlsafe(16)


def with_successors() -> Any:
    """Return the option that reads files with every version that has taken their place."""
    return selectinload(Attachment.successor, recursion_depth=-1)


class Attachment(Base):
    """A verified copy. `name` is what people see and may change, `original_name` what the source
    called it.

    A removed one is kept for 30 days. Several can share one object: a forwarded message carries
    the files of the original, a version of Documents hangs on an RFI as well, and the object goes
    with the last of them. The `box_…` columns tell where the copy was taken from, at the time it
    was taken; they never change with Box. A file taken from a tool of the project (its source is
    the tool's key) tells there which record and version it was, its path, and who put it there.

    One whose place a newer version has taken is kept, and knows that version. Should that one and
    all that came after it be removed, this is the current one again.
    """

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(64), unique=True, default=new_public_id)
    project_id: Mapped[int]
    tool_key: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int]
    row_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(255))
    original_name: Mapped[str] = mapped_column(String(1000))
    description: Mapped[str] = mapped_column(String(500), default="", server_default="")
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha1: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    is_verified: Mapped[bool] = mapped_column(default=True)
    blob_key: Mapped[str] = mapped_column(String(200), index=True)
    source: Mapped[str] = mapped_column(String(12))
    import_item_id: Mapped[int | None] = mapped_column(unique=True)
    attached_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    attached_at: Mapped[datetime] = mapped_column(default=utcnow)
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    removed_at: Mapped[datetime | None]
    box_file_id: Mapped[str | None] = mapped_column(String(20))
    box_version_id: Mapped[str | None] = mapped_column(String(20))
    box_version_number: Mapped[str | None] = mapped_column(String(12))
    box_path: Mapped[str] = mapped_column(Text, default="")
    box_owner: Mapped[str] = mapped_column(String(254), default="")
    box_login: Mapped[str] = mapped_column(String(254), default="")
    reason_given: Mapped[str] = mapped_column(String(500), default="", server_default="")
    newer_in_box: Mapped[bool] = mapped_column(default=False)
    superseded_by_id: Mapped[int | None]

    attached_by: Mapped[Person] = relationship(foreign_keys=attached_by_id)
    removed_by: Mapped[Person | None] = relationship(foreign_keys=removed_by_id)
    successor: Mapped["Attachment | None"] = relationship(
        primaryjoin=lambda: foreign(Attachment.superseded_by_id) == remote(Attachment.id),
        viewonly=True,
    )

    @property
    def superseded_by(self) -> "Attachment | None":
        """Return the newer version that hangs there instead, None for a file that is current."""
        newer = self.successor if self.superseded_by_id is not None else None
        while newer is not None and newer.removed_at is not None:
            newer = newer.successor
        return newer

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["row_id", "record_id"],
            ["record_rows.id", "record_rows.record_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("id", "project_id"),
        Index("ix_attachments_record", "record_id", "row_id", "removed_at"),
        Index("ix_attachments_project", "project_id", "attached_at"),
        Index("ix_attachments_person", "attached_by_id", "source"),
    )

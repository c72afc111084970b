"""A whole folder of Box in a tray, and what the walk through it has found so far.

The walk's row is the truth about it (lease, fence, tries), as an item's is about its copy.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.clock import utcnow
from webapp.core.database import Base
from webapp.imports.models import Tray


class WalkState(StrEnum):
    WALKING = "walking"
    WAITING_RELINK = "waiting_relink"
    DONE = "done"
    STOPPED = "stopped"


UNDER_WAY = (WalkState.WALKING, WalkState.WAITING_RELINK)


class FolderWalk(Base):
    """A chosen folder; `trail` is the way to where it lies, `counts` what was found so far.

    `before` are the counts before the folder that is being read: if Box's list of it changes
    under us, its reading begins anew from there.
    """

    __tablename__ = "folder_walks"

    id: Mapped[int] = mapped_column(primary_key=True)
    tray_id: Mapped[int] = mapped_column(ForeignKey("trays.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    folder_id: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(1000))
    trail: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    box_login: Mapped[str] = mapped_column(String(254))
    session_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default=WalkState.WALKING)
    reason: Mapped[str | None] = mapped_column(String(40))
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    pages: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    run_after: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    leased_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)

    tray: Mapped[Tray] = relationship()

    __table_args__ = (
        UniqueConstraint("tray_id", "folder_id"),
        Index("ix_folder_walks_claim", "state", "run_after", "id"),
        Index("ix_folder_walks_person", "person_id", "state"),
    )


class WalkStep(Base):
    """A folder on the walk: they are read in the order of their ids, which is breadth first.

    `way` are the names from the chosen folder down to this one, `marker` where to read on.
    """

    __tablename__ = "folder_walk_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    walk_id: Mapped[int] = mapped_column(ForeignKey("folder_walks.id", ondelete="CASCADE"))
    folder_id: Mapped[str] = mapped_column(String(20))
    way: Mapped[list[str]] = mapped_column(JSON, default=list)
    marker: Mapped[str | None] = mapped_column(Text)
    is_read: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        UniqueConstraint("walk_id", "folder_id"),
        Index("ix_folder_walk_steps_next", "walk_id", "is_read", "id"),
    )


class WalkFile(Base):
    """A file the walk found that can be attached; of a large folder as many as may go at once."""

    __tablename__ = "folder_walk_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    walk_id: Mapped[int] = mapped_column(ForeignKey("folder_walks.id", ondelete="CASCADE"))
    step_id: Mapped[int] = mapped_column(
        ForeignKey("folder_walk_steps.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(1000))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha1: Mapped[str | None] = mapped_column(String(40))
    box_file_id: Mapped[str] = mapped_column(String(20))
    box_version_id: Mapped[str] = mapped_column(String(20))
    box_version_number: Mapped[str | None] = mapped_column(String(12))
    box_owner: Mapped[str] = mapped_column(String(254), default="")
    box_owner_login: Mapped[str | None] = mapped_column(String(254))
    box_classification: Mapped[str] = mapped_column(String(200), default="")

    step: Mapped[WalkStep] = relationship()

    __table_args__ = (UniqueConstraint("walk_id", "box_file_id"),)

"""What e-mail needs beside the record: message ids, and the letters on their way out."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.clock import utcnow
from webapp.core.database import Base


class MailState(StrEnum):
    WAITING = "waiting"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


UNFINISHED_MAIL = (MailState.WAITING, MailState.QUEUED, MailState.SENDING)


class MailId(Base):
    """The Message-ID of a record: a project takes a message in once, and replies find theirs.

    `answers` is the id that the message says it replies to, `chain` its References.
    """

    __tablename__ = "mail_ids"

    record_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    message_id: Mapped[str] = mapped_column(String(255))
    answers: Mapped[str] = mapped_column(String(255), default="")
    chain: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("project_id", "message_id"),
        Index("ix_mail_ids_answers", "project_id", "answers"),
    )


class OutgoingMail(Base):
    """One message to some of its recipients; the row is the truth about its way out.

    `recipients` are those who have not got it yet, `refused` those who never will, with what their
    server said. `is_linked` means that the files are too large to go along; those who `may_open`
    them get their addresses instead. `kept` is what the outbox shows of it. Leases and fences are
    as those of copies: whoever holds an older fence can change nothing any more.
    """

    __tablename__ = "outgoing_mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    record_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default=MailState.WAITING)
    recipients: Mapped[list[str]] = mapped_column(JSON, default=list)
    refused: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    delivered: Mapped[int] = mapped_column(default=0)
    attachment_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    is_linked: Mapped[bool] = mapped_column(default=False)
    may_open: Mapped[bool] = mapped_column(default=False)
    kept: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    tries: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    leased_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(40))
    said: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        Index("ix_outgoing_mails_claim", "state", "run_after", "id"),
        Index("ix_outgoing_mails_record", "record_id"),
        Index("ix_outgoing_mails_project", "project_id", "finished_at"),
    )


class OutgoingWait(Base):
    """A copy that a message waits for: it was chosen before Send was pressed."""

    __tablename__ = "outgoing_waits"

    mail_id: Mapped[int] = mapped_column(
        ForeignKey("outgoing_mails.id", ondelete="CASCADE"), primary_key=True
    )
    item_id: Mapped[int] = mapped_column(
        ForeignKey("import_items.id", ondelete="CASCADE"), primary_key=True
    )

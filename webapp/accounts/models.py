"""People who can sign in, and the notices they find under the bell."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, false, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.core.clock import utcnow
from webapp.core.database import Base
from webapp.core.languages import AUTOMATIC


class Person(Base):
    """One human being; the e-mail address is the key across all companies.

    `proved_at` is when somebody used a link that only the address's owner reads; None where a link
    was handed out in another way. Without a password the account is nobody's yet.
    """

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(8), default=AUTOMATIC, server_default=AUTOMATIC)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_implementation_manager: Mapped[bool] = mapped_column(default=False)
    proved_at: Mapped[datetime | None]
    mails_notices: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Way(StrEnum):
    """How somebody is told of what happens in a tool."""

    MAIL = "mail"
    BELL = "bell"
    NONE = "none"


class NoticeChoice(Base):
    """The way somebody chose for a tool; without a row it is the tool's usual one."""

    __tablename__ = "notice_choices"

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    tool_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    way: Mapped[str] = mapped_column(String(8))


class Notice(Base):
    """Something a person should know although they did not ask just now.

    What `is_mailed` goes by e-mail too, with others of its quarter of an hour; `mailed_at` says
    that it has been looked at for that, once. The record is named by its ids alone: this room
    knows no records, and a notice outlives the one it is about.
    """

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    kind: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    path: Mapped[str] = mapped_column(String(500), default="")
    read_at: Mapped[datetime | None]
    tool_key: Mapped[str] = mapped_column(String(40), default="", server_default="")
    project_id: Mapped[int | None]
    record_id: Mapped[int | None]
    is_mailed: Mapped[bool] = mapped_column(default=False, server_default=false())
    mailed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_notices_person", "person_id", "read_at"),
        Index("ix_notices_mail", "is_mailed", "mailed_at", "person_id"),
    )


def language_of(session: Session, person_id: int) -> str:
    """Return the language that somebody chose."""
    return session.scalar(select(Person.language).where(Person.id == person_id)) or AUTOMATIC


def notify(session: Session, person_id: int, kind: str, *, path: str = "", **facts: Any) -> None:
    """Leave a notice for someone in the transaction under way."""
    session.add(Notice(person_id=person_id, kind=kind, path=path, facts=facts))

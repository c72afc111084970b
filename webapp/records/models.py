"""A record of any tool, its rows, the people on it, and who may see what is not for everyone.

One table for all tools: typed, indexed columns for what lists filter and sort by, validated JSON
for the rest. Everything below the tools (attachments, imports) hangs on these tables and needs to
know no tool.
"""

import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from webapp.accounts.models import Person
from webapp.companies.models import Project, Vendor
from webapp.core.clock import utcnow
from webapp.core.database import Base

# What a list needs to know of a record to place it and to hide it, without reading its row.
_ORDER_AND_SIGHT = ("id", "saved_at", "created_by_id", "restricted")


def folded(title: str | None, number: str | None = None) -> str:
    """Return what a record is found and sorted by: title and number without case, in any script.

    The databases disagree on which letters have a case; Python folds them as Unicode says
    (The Unicode Standard, 3.13 "Default Case Algorithms").
    """
    words = f"{title or ''} {number or ''}".strip()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", words).casefold())


def _folded_at_insert(context: DefaultExecutionContext) -> str:
    given = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return folded(given.get("title"), given.get("number"))


class Record(Base):
    """An RFI, a punch item, and whatever else a tool declares.

    `saved_at` is NULL while the record is a draft nobody but its creator has seen, and again once
    it is discarded, which `discarded_at` says: it comes back for thirty days. `restricted`
    means that only `record_viewers` and the tool's admins see it: private, or still a draft.
    `version` grows with every edit, so that two people editing at once notice each other.
    `scope` is what its number is counted within, `grouping` the heading it stands under in lists (a
    message has none: there it is the record the message is about),
    `dated_on` the day it is about, `amount` its money, `parent` the record it belongs to.
    """

    __tablename__ = "records"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    tool_key: Mapped[str] = mapped_column(String(40))
    number: Mapped[str | None] = mapped_column(String(60))
    number_sort: Mapped[int | None]
    scope: Mapped[str] = mapped_column(String(120), default="", server_default="")
    revision: Mapped[int] = mapped_column(default=0)
    title: Mapped[str] = mapped_column(String(300), default="")
    words: Mapped[str] = mapped_column(Text, default=_folded_at_insert, server_default="")
    status: Mapped[str] = mapped_column(String(40))
    is_open: Mapped[bool] = mapped_column(default=True)
    is_private: Mapped[bool] = mapped_column(default=False)
    restricted: Mapped[bool] = mapped_column(default=True)
    due_on: Mapped[date | None]
    # Open before closed, what has no due date last: said so that one index gives that order.
    is_over: Mapped[int] = mapped_column(
        SmallInteger, Computed("CASE WHEN is_open THEN 0 ELSE 1 END", persisted=True)
    )
    due_sort: Mapped[date] = mapped_column(
        Computed("coalesce(due_on, '9999-12-31')", persisted=True)
    )
    dated_on: Mapped[date | None]
    amount: Mapped[Decimal | None]
    grouping: Mapped[str | None] = mapped_column(String(200))
    location: Mapped[str | None] = mapped_column(String(200))
    cost_code: Mapped[str | None] = mapped_column(String(200))
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("records.id", ondelete="SET NULL"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    saved_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    project: Mapped[Project] = relationship()
    created_by: Mapped[Person] = relationship(foreign_keys=created_by_id)
    manager: Mapped[Person | None] = relationship(foreign_keys=manager_id)
    vendor: Mapped[Vendor | None] = relationship()

    @validates("title", "number")
    def _fold(self, key: str, value: str | None) -> str | None:
        told = {"title": self.title, "number": self.number, key: value}
        self.words = folded(told["title"], told["number"])
        return value

    __table_args__ = (
        # What hangs on a record carries its project too; these keys make a wrong copy impossible.
        UniqueConstraint("id", "project_id"),
        UniqueConstraint("project_id", "tool_key", "number", "revision"),
        # In the order in which lists show them, so that a page costs the same in a large project;
        # the three a whole list is read by hold all that it takes to count and to turn pages.
        Index(
            "ix_records_list",
            *("project_id", "tool_key", "scope", "number_sort", "revision"),
            *_ORDER_AND_SIGHT,
        ),
        Index(
            "ix_records_due",
            *("project_id", "tool_key", "is_over", "due_sort"),
            *_ORDER_AND_SIGHT,
        ),
        Index(
            "ix_records_words",
            *("project_id", "tool_key", "words"),
            *_ORDER_AND_SIGHT,
        ),
        Index("ix_records_updated", "project_id", "tool_key", "updated_at"),
        Index("ix_records_location", "project_id", "tool_key", "location"),
        Index("ix_records_cost_code", "project_id", "tool_key", "cost_code"),
        Index("ix_records_private", "project_id", "tool_key", "is_private"),
        Index("ix_records_status", "project_id", "tool_key", "status"),
        Index("ix_records_grouping", "project_id", "tool_key", "grouping"),
        Index("ix_records_dated", "project_id", "tool_key", "dated_on"),
        Index("ix_records_amount", "project_id", "tool_key", "amount"),
        Index("ix_records_vendor", "project_id", "tool_key", "vendor_id"),
        Index("ix_records_manager", "project_id", "tool_key", "manager_id"),
        Index("ix_records_parent", "parent_id"),
    )


class RecordPerson(Base):
    """Somebody's part in a record: assignee, approver, distribution, who holds the ball.

    `told` once they have been told of it, or needed not to be; it goes with the part.
    """

    __tablename__ = "record_people"

    record_id: Mapped[int] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)
    told: Mapped[bool] = mapped_column(default=False, server_default=false())

    person: Mapped[Person] = relationship()

    __table_args__ = (Index("ix_record_people_person", "person_id", "role", "record_id"),)


class ActedMoment(Base):
    """A date of a record, or of one of its rows, whose moment has come and been acted on, once.

    `row_id` is 0 for a field of the record itself. Another date in the field acts anew.
    """

    __tablename__ = "acted_moments"

    record_id: Mapped[int] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    row_id: Mapped[int] = mapped_column(primary_key=True, default=0)
    field: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    acted_at: Mapped[datetime] = mapped_column(default=utcnow)


class Reminder(Base):
    """That somebody was reminded of a record on a day: once a day is enough."""

    __tablename__ = "reminders"

    record_id: Mapped[int] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)


class RecordViewer(Base):
    """Who sees a restricted record besides the tool's admins; worked out at every save."""

    __tablename__ = "record_viewers"

    record_id: Mapped[int] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )

    __table_args__ = (Index("ix_record_viewers_person", "person_id"),)


class RecordIssue(Base):
    """What went out with one distribution of a record: to whom, and in which words and files.

    `facts` hold the record in words as it was sent; nothing that happens to it afterwards reaches
    them. `number` counts the distributions of a record.
    """

    __tablename__ = "record_issues"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int]
    project_id: Mapped[int]
    number: Mapped[int]
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    issued_at: Mapped[datetime] = mapped_column(default=utcnow)
    told: Mapped[list[str]] = mapped_column(JSON, default=list)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    issued_by: Mapped[Person] = relationship()

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("record_id", "number"),
    )


class RecordRow(Base):
    """A row that belongs to a record: a response, a line of money, an agenda item, a step.

    `sent_at` is NULL while its author is still writing it. `position` orders the rows of a table.
    `is_own` shows it to nobody but the person it names and the tool's admins: a bid. A removed row
    has left its section (`rows.REMOVED`), so that nothing lists or adds it up; it can be put back
    for thirty days.
    """

    __tablename__ = "record_rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int]
    project_id: Mapped[int]
    tool_key: Mapped[str] = mapped_column(String(40))
    section: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text, default="")
    author_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    sent_at: Mapped[datetime | None]
    is_own: Mapped[bool] = mapped_column(default=False, server_default=false())
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    cost_code: Mapped[str | None] = mapped_column(String(200))
    amount: Mapped[Decimal | None]
    due_on: Mapped[date | None]
    removed_at: Mapped[datetime | None]
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    status: Mapped[str | None] = mapped_column(String(40))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    author: Mapped[Person] = relationship(foreign_keys=author_id)
    person: Mapped[Person | None] = relationship(foreign_keys=person_id)
    vendor: Mapped[Vendor | None] = relationship()
    removed_by: Mapped[Person | None] = relationship(foreign_keys=removed_by_id)

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "project_id"],
            ["records.id", "records.project_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("id", "record_id"),
        Index("ix_record_rows_record", "record_id", "section", "sent_at"),
        Index("ix_record_rows_person", "person_id"),
    )

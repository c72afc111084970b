"""Tenants, their projects, and who may do what there.

`Company` is the tenant. A company that merely appears in a project's directory is a `Vendor`.
"""

import secrets
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.mailing import OwnLetter
from webapp.accounts.models import Person
from webapp.core.clock import day_in, utcnow
from webapp.core.database import Base

MAIL_TOKEN_LENGTH = 10
# Without letters and digits that look alike: people read these addresses to each other.
MAIL_TOKEN_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105  # no secret, an alphabet


class Level(IntEnum):
    """What a person may do in one tool of one project; each includes the ones below."""

    NONE = 0
    READ = 1
    STANDARD = 2
    ADMIN = 3


class Grant(StrEnum):
    """Whether Plumbline lets a company's people link Box."""

    NONE = "none"
    REQUESTED = "requested"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Company(Base):
    __tablename__ = "companies"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    city: Mapped[str] = mapped_column(String(200), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="UTC")
    box_grant: Mapped[str] = mapped_column(String(12), default=Grant.NONE)
    # The administrators' own switch; no grant and no withdrawal moves it.
    box_switched_off: Mapped[bool] = mapped_column(default=False)
    # Whether a grant was withdrawn and none given since, whatever the company asked meanwhile.
    box_withdrawn: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What `file_rules.FileRules` keeps; empty allows everything.
    box_rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class BoxRequest(Base):
    """A company admin's request for Box and what became of it."""

    __tablename__ = "box_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    note: Mapped[str] = mapped_column(Text, default="")
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    outcome: Mapped[str | None] = mapped_column(String(12))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")

    asked_by: Mapped[Person] = relationship(foreign_keys=asked_by_id)
    company: Mapped[Company] = relationship()

    __table_args__ = (
        # Two people: nobody grants their own request, whatever the code above forgets. Taking a
        # request back is the asker's own act and is no decision.
        CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> asked_by_id OR outcome = 'taken back'",
            name="two_people",
        ),
        Index("ix_box_requests_company", "company_id", "id"),
    )


class CompanyMember(Base):
    __tablename__ = "company_members"

    company_id: Mapped[int] = mapped_column(
        ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    is_admin: Mapped[bool] = mapped_column(default=False)
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))

    person: Mapped[Person] = relationship()

    __table_args__ = (Index("ix_company_members_person", "person_id"),)


class FormerMember(Base):
    """Somebody a company has deactivated.

    They have no row in `company_members`, which is what lets people in, so nothing needs to ask
    here. Their projects and levels wait for the day they are activated again.
    """

    __tablename__ = "former_members"

    company_id: Mapped[int] = mapped_column(
        ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    left_at: Mapped[datetime] = mapped_column(default=utcnow)

    person: Mapped[Person] = relationship()


class PermissionTemplate(Base):
    """A named set of levels: the usual one, and those of the tools that differ, by their keys."""

    __tablename__ = "permission_templates"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    level: Mapped[int] = mapped_column(SmallInteger, default=Level.NONE)
    levels: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (UniqueConstraint("company_id", "name"),)


class Invitation(Base):
    """An address that was asked into a company; it is nobody's account until its owner says yes.

    `name` and `title` are what the inviter typed. The row lasts until it is accepted, declined or
    withdrawn, and gives no access to anything. `nonce` and the application's secret make the link
    again; the table holds its hash only, so reading the table opens nothing. `is_by_letter` says
    that the link went by e-mail and nobody here has seen it.
    """

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200), default="")
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id", ondelete="SET NULL"))
    # The company itself invited them, so that they stay invited without any project.
    is_to_company: Mapped[bool] = mapped_column(default=False)
    is_admin: Mapped[bool] = mapped_column(default=False)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    nonce: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    is_by_letter: Mapped[bool] = mapped_column(default=False)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("own_letters.id", ondelete="SET NULL"))
    sent_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]

    invited_by: Mapped[Person] = relationship()
    company: Mapped[Company] = relationship()
    letter: Mapped[OwnLetter | None] = relationship()
    places: Mapped[list["InvitedPlace"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )

    __table_args__ = (
        UniqueConstraint("company_id", "email"),
        Index("ix_invitations_email", "email"),
    )


class InvitedPlace(Base):
    """A project that an invitation leads to, and the levels that wait there."""

    __tablename__ = "invited_places"

    invitation_id: Mapped[int] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    template_id: Mapped[int | None] = mapped_column(
        ForeignKey("permission_templates.id", ondelete="SET NULL")
    )
    level: Mapped[int] = mapped_column(SmallInteger, default=Level.NONE)
    levels: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)

    project: Mapped["Project"] = relationship()
    template: Mapped["PermissionTemplate | None"] = relationship()

    __table_args__ = (Index("ix_invited_places_project", "project_id"),)


class Vendor(Base):
    """A company in the directory: the owner, the architect, a subcontractor, ourselves."""

    __tablename__ = "vendors"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    trade: Mapped[str] = mapped_column(String(200), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (Index("ix_vendors_company", "company_id", "name"),)


def new_mail_token() -> str:
    """Return what makes a project's inbound address its own and hard to guess."""
    return "".join(secrets.choice(MAIL_TOKEN_LETTERS) for _ in range(MAIL_TOKEN_LENGTH))


class Project(Base):
    """A job with its own directory, records and inbound e-mail address."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    stage: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    # Its own time zone, "" where that is the company's.
    timezone: Mapped[str] = mapped_column(String(60), default="", server_default="")
    mail_token: Mapped[str] = mapped_column(String(20), default=new_mail_token, unique=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    company: Mapped[Company] = relationship()

    __table_args__ = (UniqueConstraint("company_id", "number"),)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the project's days begin and end, wherever its reader is."""
        return ZoneInfo(self.timezone or self.company.timezone)

    def today(self) -> date:
        """Return today's date where the project is."""
        return day_in(self.zone)


class ProjectMember(Base):
    """A person on a project, with the level that holds in every tool not named below.

    `template_id` is the permission template their levels come from, NULL once they were set alone.
    """

    __tablename__ = "project_members"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    level: Mapped[int] = mapped_column(SmallInteger, default=Level.NONE)
    template_id: Mapped[int | None] = mapped_column(
        ForeignKey("permission_templates.id", ondelete="SET NULL")
    )

    person: Mapped[Person] = relationship()
    template: Mapped["PermissionTemplate | None"] = relationship()

    __table_args__ = (Index("ix_project_members_person", "person_id"),)


class ToolLevel(Base):
    """A person's level in one tool of one project where it differs from their usual one."""

    __tablename__ = "tool_levels"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    tool_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger)


class Group(Base):
    """A distribution group of a project: a name for several people who are written to together."""

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))

    __table_args__ = (UniqueConstraint("project_id", "name"),)


class GroupMember(Base):
    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )

    __table_args__ = (Index("ix_group_members_person", "person_id"),)


class ProjectCode(Base):
    """One value of a project's lists: a location, a cost code, a spec section."""

    __tablename__ = "project_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(200))
    label: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column(default=0)

    __table_args__ = (UniqueConstraint("project_id", "kind", "code"),)

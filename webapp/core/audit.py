"""The append-only log of who did what: a record's change history and a company's Box history."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.core.clock import utcnow
from webapp.core.database import Base


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    record_id: Mapped[int | None] = mapped_column(ForeignKey("records.id", ondelete="SET NULL"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        Index("ix_audit_entries_record", "record_id", "id"),
        Index("ix_audit_entries_company", "company_id", "id"),
    )


def note(
    session: Session,
    event: str,
    *,
    person_id: int | None,
    company_id: int | None = None,
    project_id: int | None = None,
    record_id: int | None = None,
    at: datetime | None = None,
    **facts: Any,
) -> AuditEntry:
    """Add an entry to the transaction under way; what it tells stands or falls with it."""
    entry = AuditEntry(
        at=at or utcnow(),
        event=event,
        person_id=person_id,
        company_id=company_id,
        project_id=project_id,
        record_id=record_id,
        facts=facts,
    )
    session.add(entry)
    return entry

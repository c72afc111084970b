"""What was distributed of a record: kept as it went, and shown beside what the record says now."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.records.models import RecordIssue
from webapp.tools.parts import Standing


def issues_of(session: Session, standing: Standing) -> tuple[RecordIssue, ...]:
    """Return the distributions of a record, the newest first."""
    if not standing.tool.distributes:
        return ()
    return tuple(
        session.scalars(
            select(RecordIssue)
            .where(RecordIssue.record_id == standing.record.id)
            .options(joinedload(RecordIssue.issued_by))
            .order_by(RecordIssue.number.desc())
        )
    )


def issued_files(session: Session, standing: Standing) -> frozenset[int]:
    """Return the ids of the files that went out with a distribution; they are kept for good."""
    issues = issues_of(session, standing)
    return frozenset(file["id"] for issue in issues for file in issue.facts["files"])

"""What the directory does beyond the mechanism: each of its records stands for a company's vendor.

Vendors belong to the whole company, the records to its projects. So every project's record of one
vendor bears the same name, and the vendor fields of all tools offer it.
"""

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.notices import add_texts
from webapp.companies.models import Project, Vendor
from webapp.companies.people import DIRECTORY
from webapp.core import audit
from webapp.core.text import N_
from webapp.records.models import Record, RecordRow
from webapp.tools.parts import Standing
from webapp.tools.registry import Extension

add_texts(
    {
        "insurance_expires": N_("The insurance of %(title)s runs out after %(day)s."),
        "insurance_expired": N_("The insurance of %(title)s ran out on %(day)s."),
    }
)

INSURANCE = "insurance"
INACTIVE = "inactive"


class Directory(Extension):
    """Keeps vendors in step with their records, and knows until when a company is insured."""

    def saved(self, session: Any, standing: Any) -> None:
        record = standing.record
        record.dated_on = insured_until(session, record)
        if not record.title:
            return
        vendor = _vendor_of(session, record)
        _follow(session, standing, vendor)
        vendor.name = record.title[:200]
        vendor.trade = str(record.details.get("trades") or "")
        session.flush()

    def told(self, record: Record, kind: str) -> tuple[str, dict[str, Any]] | None:
        kinds = {"expires": "insurance_expires", "expired": "insurance_expired"}
        return kinds.get(kind, kind), {}

    def retired_vendors(self, session: Any, project_id: int) -> set[int]:
        inactive = select(Record.vendor_id).where(
            Record.project_id == project_id,
            Record.tool_key == DIRECTORY,
            Record.status == INACTIVE,
            Record.vendor_id.is_not(None),
        )
        return set(session.scalars(inactive))


def insured_until(session: Session, record: Record) -> date | None:
    """Return when the first kind of insurance runs out; a renewal counts for what it renews."""
    rows = session.execute(
        select(RecordRow.details["type"].as_string(), RecordRow.due_on).where(
            RecordRow.record_id == record.id,
            RecordRow.section == INSURANCE,
            RecordRow.due_on.is_not(None),
        )
    )
    latest: dict[str, date] = {}
    for kind, expires in rows:
        if expires is not None:
            latest[kind] = max(expires, latest.get(kind, expires))
    return min(latest.values(), default=None)


def _vendor_of(session: Session, record: Record) -> Vendor:
    """Return the vendor a record stands for: its own, one of the same name, or a new one."""
    if record.vendor_id is not None:
        return session.get_one(Vendor, record.vendor_id)
    company_id = session.scalar(select(Project.company_id).where(Project.id == record.project_id))
    assert company_id is not None
    taken = select(Record.vendor_id).where(
        Record.project_id == record.project_id,
        Record.tool_key == record.tool_key,
        Record.vendor_id.is_not(None),
    )
    vendor = session.scalar(
        select(Vendor)
        .where(
            Vendor.company_id == company_id,
            func.lower(Vendor.name) == record.title.lower(),
            Vendor.id.not_in(taken),
        )
        .order_by(Vendor.id)
        .limit(1)
    )
    if vendor is None:
        vendor = Vendor(company_id=company_id, name=record.title[:200])
        session.add(vendor)
        session.flush()
    record.vendor_id = vendor.id
    return vendor


def _follow(session: Session, standing: Standing, vendor: Vendor) -> None:
    """Give the company's other projects the same name for the same vendor, and say who did."""
    record = standing.record
    others = session.scalars(
        select(Record).where(
            Record.vendor_id == vendor.id,
            Record.tool_key == record.tool_key,
            Record.id != record.id,
            Record.title != record.title,
        )
    )
    for other in others:
        change = {"label": standing.tool.title_label, "before": other.title, "after": record.title}
        other.title = record.title
        other.version += 1
        audit.note(
            session,
            "record.changed",
            person_id=standing.person_id,
            project_id=other.project_id,
            record_id=other.id,
            changes=[change],
        )

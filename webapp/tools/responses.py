"""Responses: written as a draft row, so that files have a target, then sent in one go."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Forbidden, Invalid
from webapp.core.text import _, format_number
from webapp.imports.models import UNFINISHED, ImportItem
from webapp.records.models import RecordRow
from webapp.tools.forms import LONG_TEXT_MAX_LENGTH
from webapp.tools.parts import Standing
from webapp.tools.registry import Section
from webapp.tools.telling import tell_of_answer


def draft(session: Session, standing: Standing, section: Section) -> RecordRow | None:
    """Return the response this person is writing on the record, if any."""
    return session.scalar(
        select(RecordRow).where(
            RecordRow.record_id == standing.record.id,
            RecordRow.section == section.key,
            RecordRow.author_id == standing.person_id,
            RecordRow.sent_at.is_(None),
        )
    )


def keep(session: Session, standing: Standing, section: Section, text: str) -> RecordRow:
    """Keep what has been written so far; one draft per person and record."""
    if not standing.may_write_in(section):
        raise Forbidden(_("You may not respond here, or not any more."))
    if len(text) > LONG_TEXT_MAX_LENGTH:
        raise Invalid(
            _("Write at most %(num)s characters.", num=format_number(LONG_TEXT_MAX_LENGTH))
        )
    row = draft(session, standing, section)
    if row is None:
        row = RecordRow(
            record_id=standing.record.id,
            project_id=standing.record.project_id,
            tool_key=standing.record.tool_key,
            section=section.key,
            author_id=standing.person_id,
        )
        session.add(row)
    row.text = text
    session.flush()
    return row


def send(session: Session, standing: Standing, section: Section, text: str) -> RecordRow:
    """Send the response; Invalid when it says nothing and carries nothing."""
    row = keep(session, standing, section, text)
    if not text.strip() and not _carries_files(session, row):
        raise Invalid(_("Write a response, or attach a file that is one."))
    row.sent_at = utcnow()
    standing.record.updated_at = utcnow()
    audit.note(
        session,
        "response.sent",
        person_id=standing.person_id,
        project_id=row.project_id,
        record_id=row.record_id,
        row=row.id,
    )
    return row


def mark_official(session: Session, standing: Standing, row: RecordRow, *, official: bool) -> None:
    """Mark a response as the official answer, or take the mark away."""
    section = standing.tool.section(row.section)
    if section is None or not standing.parts & set(section.official_by) or row.sent_at is None:
        raise Forbidden(_("Only those who lead this record mark its official answer."))
    if standing.is_frozen:
        raise Forbidden(_("It is closed, and its official answer stays. Open it again first."))
    row.details = {**row.details, "official": official}
    if official:
        tell_of_answer(session, standing, row, "official")
    audit.note(
        session,
        "response.official" if official else "response.not_official",
        person_id=standing.person_id,
        project_id=row.project_id,
        record_id=row.record_id,
        row=row.id,
    )


def _carries_files(session: Session, row: RecordRow) -> bool:
    attached = session.scalar(
        select(func.count(Attachment.id)).where(
            Attachment.row_id == row.id, Attachment.removed_at.is_(None)
        )
    )
    coming = session.scalar(
        select(func.count(ImportItem.id)).where(
            ImportItem.row_id == row.id, ImportItem.state.in_(UNFINISHED)
        )
    )
    return bool(attached or coming)

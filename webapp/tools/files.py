"""The files of a record and its rows as a page shows them: attached, on their way, or failed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import Session, joinedload

from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.kinds import shown_as
from webapp.attachments.models import Attachment, Source
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.clock import utcnow
from webapp.core.names import extension_of
from webapp.core.text import _, tidy
from webapp.imports.models import UNFINISHED, ImportItem, ItemState
from webapp.imports.reasons import reason_text
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import Target
from webapp.tools.parts import Standing
from webapp.tools.registry import TOOLS, Original, Section, Tool

# What somebody cancelled or dismissed is out of sight; what stopped by itself stays until then.
RESTING_SHOWN = (ItemState.FAILED, ItemState.CANCELLED)


@dataclass(frozen=True)
class ShownFile:
    """A file with what this person may do to it, and sees of the record it was taken from."""

    attachment: Attachment
    may_remove: bool
    original: Original | None = None

    @property
    def kind(self) -> str:
        return kind_of(self.attachment.name)

    @property
    def may_open(self) -> bool:
        """True for what the browser shows, should its contents be what the name says."""
        return shown_as(self.attachment.name) is not None

    @property
    def called_before(self) -> str:
        """Return what the source called the file where that is another name, "" otherwise."""
        name = tidy(self.attachment.original_name)
        return name if name != self.attachment.name else ""

    @property
    def is_from_box(self) -> bool:
        return self.attachment.source == Source.BOX

    @property
    def taken_from(self) -> Tool | None:
        """Return the tool of the project that the file was chosen in, None for any other source."""
        return TOOLS.get(self.attachment.source)


@dataclass(frozen=True)
class RemovedFile:
    """A file that somebody who may restore it can still bring back."""

    attachment: Attachment

    @property
    def kind(self) -> str:
        return kind_of(self.attachment.name)

    @property
    def kept_until(self) -> datetime:
        removed_at = self.attachment.removed_at
        assert removed_at is not None
        return removed_at + REMOVED_LIVES


@dataclass(frozen=True)
class ShownCopy:
    """A copy on its way, or one that did not arrive."""

    item: ImportItem
    may_cancel: bool
    may_retry: bool
    may_dismiss: bool

    @property
    def kind(self) -> str:
        return kind_of(self.item.name)

    @property
    def reason(self) -> str:
        return reason_text(self.item.reason, self.item.facts)

    @property
    def is_waiting(self) -> bool:
        """Not copying now and not over: in the queue for a moment, or told to wait."""
        return self.item.state in {ItemState.QUEUED, ItemState.WAITING_RELINK}

    @property
    def waits_until(self) -> datetime | None:
        run_after = self.item.run_after
        return run_after if run_after and run_after > utcnow() else None

    @property
    def pace(self) -> str:
        """Return the rate and the time left, once there is enough to tell them from."""
        started, size = self.item.started_at, self.item.size_bytes
        seconds = (utcnow() - started).total_seconds() if started else 0
        if (
            self.item.state != ItemState.COPYING
            or seconds < 2
            or not self.item.bytes_done
            or not size
        ):
            return ""
        rate = self.item.bytes_done / seconds
        left = round((size - self.item.bytes_done) / rate)
        rate_text = f"{rate / 1e6:.1f} MB/s"
        if left < 90:
            return _("%(rate)s, about %(num)s seconds left", rate=rate_text, num=max(1, left))
        return _("%(rate)s, about %(num)s minutes left", rate=rate_text, num=round(left / 60))


@dataclass(frozen=True)
class FileList:
    """Everything that hangs on one target.

    The record's own list knows, too, how many files there are with those of its rows, and which
    removed ones this person may restore.
    """

    target: Target
    files: tuple[ShownFile, ...]
    copies: tuple[ShownCopy, ...]
    in_all: int = 0
    removed: tuple[RemovedFile, ...] = ()

    @property
    def is_moving(self) -> bool:
        """True while something may change by itself, so that the page keeps asking."""
        return any(copy.item.state in UNFINISHED for copy in self.copies)

    @property
    def under_way(self) -> int:
        return sum(copy.item.state in UNFINISHED for copy in self.copies)

    @property
    def failed(self) -> int:
        return sum(copy.item.state == ItemState.FAILED for copy in self.copies)

    @property
    def may_retry_all(self) -> bool:
        return sum(copy.may_retry for copy in self.copies) > 1


def file_lists(session: Session, standing: Standing) -> dict[int | None, FileList]:
    """Return the files of a record by row; those of the record itself under None."""
    record = standing.record
    attachments = attached_to(session, standing)
    items = session.scalars(
        select(ImportItem)
        .where(
            ImportItem.record_id == record.id,
            or_(
                ImportItem.state.in_(UNFINISHED),
                and_(ImportItem.state.in_(RESTING_SHOWN), ImportItem.reason != "cancelled"),
            ),
        )
        .options(joinedload(ImportItem.person))
        .order_by(ImportItem.id)
    ).all()
    originals = _originals(session, standing, attachments)
    rows = {a.row_id for a in attachments} | {i.row_id for i in items} | {None}
    return {
        row_id: FileList(
            Target(record.project_id, record.tool_key, record.id, row_id),
            tuple(
                ShownFile(
                    a,
                    standing.may_remove(attached_by_id=a.attached_by_id),
                    originals.get(a.id),
                )
                for a in attachments
                if a.row_id == row_id
            ),
            tuple(_shown_copy(i, standing) for i in items if i.row_id == row_id),
            in_all=len(attachments) if row_id is None else 0,
            removed=_removed(session, standing) if row_id is None else (),
        )
        for row_id in rows
    }


def _originals(
    session: Session, standing: Standing, attachments: list[Attachment]
) -> dict[int, Original]:
    found: dict[int, Original] = {}
    for tool in TOOLS:
        taken = [attachment for attachment in attachments if attachment.source == tool.key]
        if taken:
            project_id = standing.record.project_id
            found |= tool.extension.originals(session, standing.person_id, project_id, taken)
    return found


def attached_to(session: Session, standing: Standing) -> list[Attachment]:
    """Return the files of a record and of those of its rows that this person sees."""
    record = standing.record
    found = session.scalars(
        select(Attachment)
        .where(Attachment.record_id == record.id, Attachment.removed_at.is_(None))
        .options(joinedload(Attachment.attached_by))
        .order_by(Attachment.attached_at.desc(), Attachment.id.desc())
    ).all()
    hidden = _hidden_rows(session, standing) if any(a.row_id for a in found) else set()
    return [attachment for attachment in found if attachment.row_id not in hidden]


def _hidden_rows(session: Session, standing: Standing) -> set[int]:
    """Return the rows of a record that this person does not see: being written, or for admins."""
    rows = session.execute(
        select(RecordRow.id, RecordRow.section, RecordRow.sent_at, RecordRow.author_id).where(
            RecordRow.record_id == standing.record.id
        )
    )
    tool = standing.tool
    shown = {s.key for s in tool.sections if standing.may_see_rows(s)}
    return {
        row_id
        for row_id, section, sent_at, author_id in rows
        if section not in shown or (sent_at is None and author_id != standing.person_id)
    }


def _removed(session: Session, standing: Standing) -> tuple[RemovedFile, ...]:
    found = session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id == standing.record.id,
            Attachment.removed_at > utcnow() - REMOVED_LIVES,
        )
        .options(joinedload(Attachment.removed_by))
        .order_by(Attachment.removed_at.desc(), Attachment.id.desc())
    ).all()
    mine = [a for a in found if standing.may_remove(attached_by_id=a.attached_by_id)]
    hidden = _hidden_rows(session, standing) if any(a.row_id for a in mine) else set()
    return tuple(RemovedFile(a) for a in mine if a.row_id not in hidden)


def in_shown_rows(project_id: int, person_id: int) -> ColumnElement[bool]:
    """Return SQL that is false for files of tables which only admins see on that record.

    For lists over many records, beside `hangs_visibly`: which tables those are, only tools know.
    """
    conditions = [
        not_(_in_hidden_table(tool.key, section))
        for tool in TOOLS
        for section in tool.sections
        if section.shown_if and access.level_in(project_id, person_id, tool.key) < Level.ADMIN
    ]
    return and_(true(), *conditions)


def _in_hidden_table(tool_key: str, section: Section) -> ColumnElement[bool]:
    is_its_row = (
        select(RecordRow.id)
        .where(RecordRow.id == Attachment.row_id, RecordRow.section == section.key)
        .exists()
    )
    is_shown = func.coalesce(Record.details[section.shown_if].as_boolean(), false())
    return and_(
        Record.tool_key == tool_key, Attachment.row_id.is_not(None), not_(is_shown), is_its_row
    )


def _shown_copy(item: ImportItem, standing: Standing) -> ShownCopy:
    is_mine = item.person_id == standing.person_id
    is_admin = "admin" in standing.parts
    return ShownCopy(
        item,
        may_cancel=item.state in UNFINISHED and (is_mine or is_admin),
        may_retry=item.state in RESTING_SHOWN and is_mine,
        may_dismiss=item.state in RESTING_SHOWN and (is_mine or is_admin),
    )


_KINDS = {
    "img": {"jpg", "jpeg", "png", "gif", "heic", "tif", "tiff", "svg", "webp", "bmp"},
    "xls": {"xls", "xlsx", "xlsm", "csv"},
    "cad": {"dwg", "dxf", "rvt", "nwd", "ifc", "stp", "las"},
    "mov": {"mp4", "mov", "m4a", "avi", "mkv", "mp3", "wav"},
    "pdf": {"pdf"},
}


def kind_of(name: str) -> str:
    """Return the family of a file for the colour of its paper, "" when it is none of them."""
    extension = extension_of(name)
    return next((kind for kind, members in _KINDS.items() if extension in members), "")

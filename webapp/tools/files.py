"""The files of a record and its rows as a page shows them: attached, on their way, or failed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.attachments.models import Attachment, Source
from webapp.core.clock import utcnow
from webapp.core.names import extension_of
from webapp.core.text import _
from webapp.imports.models import UNFINISHED, ImportItem, ItemState
from webapp.imports.reasons import reason_text
from webapp.records.visibility import Target
from webapp.tools.parts import Standing

# What somebody cancelled or dismissed is out of sight; what stopped by itself stays until then.
RESTING_SHOWN = (ItemState.FAILED, ItemState.CANCELLED)


@dataclass(frozen=True)
class ShownFile:
    attachment: Attachment
    may_remove: bool

    @property
    def kind(self) -> str:
        return kind_of(self.attachment.name)

    @property
    def is_from_box(self) -> bool:
        return self.attachment.source == Source.BOX


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
    """Everything that hangs on one target."""

    target: Target
    files: tuple[ShownFile, ...]
    copies: tuple[ShownCopy, ...]

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
    attachments = session.scalars(
        select(Attachment)
        .where(Attachment.record_id == record.id, Attachment.removed_at.is_(None))
        .options(joinedload(Attachment.attached_by))
        .order_by(Attachment.attached_at.desc(), Attachment.id.desc())
    ).all()
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
    rows = {a.row_id for a in attachments} | {i.row_id for i in items} | {None}
    return {
        row_id: FileList(
            Target(record.project_id, record.tool_key, record.id, row_id),
            tuple(
                ShownFile(a, standing.may_remove(attached_by_id=a.attached_by_id))
                for a in attachments
                if a.row_id == row_id
            ),
            tuple(_shown_copy(i, standing) for i in items if i.row_id == row_id),
        )
        for row_id in rows
    }


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

"""The files of a record and its rows as a page shows them: attached, on their way, or failed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.kinds import kind_of, shown_as
from webapp.attachments.models import Attachment, Source, with_successors
from webapp.box_link.models import BoxLink
from webapp.core.clock import utcnow
from webapp.core.failpoints import failpoint
from webapp.core.text import tidy
from webapp.imports import news
from webapp.imports.models import UNFINISHED, ImportItem
from webapp.imports.showing import RESTING_SHOWN, ShownCopy, shown_copy
from webapp.records.models import RecordRow
from webapp.records.visibility import Target, hangs_on_seen, may_see_in_row
from webapp.tools.issues import issued_files
from webapp.tools.parts import Standing
from webapp.tools.registry import TOOLS, Original, Tool


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
class FileList:
    """Everything that hangs on one target.

    The record's own list knows, too, how many files there are with those of its rows, how many
    copies this person may stop, there and in its rows, which removed ones they may restore, and
    whether their Box can tell of newer versions. `seen` changes with every file and copy that this
    person sees anywhere on the record, `seen_in_rows` with those of its rows.
    """

    target: Target
    files: tuple[ShownFile, ...]
    copies: tuple[ShownCopy, ...]
    in_all: int = 0
    removed: tuple[RemovedFile, ...] = ()
    asks_box: bool = False
    seen: str = ""
    seen_in_rows: str = ""
    cancellable: int = 0
    cancellable_in_rows: int = 0

    @property
    def is_moving(self) -> bool:
        """True while something may change by itself, so that the page keeps asking."""
        return any(copy.is_moving for copy in self.copies)

    @property
    def mark(self) -> str:
        """What this tells, for the page to ask what has happened since."""
        return news.mark(copy.item for copy in self.copies if not copy.is_mine)

    @property
    def current(self) -> tuple[ShownFile, ...]:
        return tuple(f for f in self.files if f.attachment.superseded_by is None)

    @property
    def superseded(self) -> tuple[ShownFile, ...]:
        """The files whose place a newer version has taken; they are kept."""
        return tuple(f for f in self.files if f.attachment.superseded_by is not None)

    @property
    def retryable(self) -> tuple[ShownCopy, ...]:
        """The failed copies this person may try again, all of them at once too."""
        return tuple(copy for copy in self.copies if copy.may_retry)


def file_lists(session: Session, standing: Standing) -> dict[int | None, FileList]:
    """Return the files of a record by row; those of the record itself under None."""
    record = standing.record
    attachments = attached_to(session, standing)
    failpoint("files.between_reads")
    items = session.scalars(
        select(ImportItem)
        .where(
            ImportItem.record_id == record.id,
            hangs_on_seen(standing.person_id, ImportItem.row_id),
            or_(
                ImportItem.state.in_(UNFINISHED),
                and_(ImportItem.state.in_(RESTING_SHOWN), ImportItem.reason != "cancelled"),
            ),
        )
        .options(joinedload(ImportItem.person))
        .order_by(ImportItem.id)
    ).all()
    originals = _originals(session, standing, attachments)
    by_id = _rows(session, standing)
    issued = issued_files(session, standing)
    copies = [shown_copy(i, standing.person_id, is_admin="admin" in standing.parts) for i in items]
    rows = {a.row_id for a in attachments} | {i.row_id for i in items} | {None}
    lists = {
        row_id: FileList(
            Target(record.project_id, record.tool_key, record.id, row_id),
            tuple(
                ShownFile(
                    a,
                    _may_remove(standing, by_id, a, issued),
                    originals.get(a.id),
                )
                for a in attachments
                if a.row_id == row_id
            ),
            tuple(copy for copy in copies if copy.item.row_id == row_id),
        )
        for row_id in rows
    }
    in_rows = [copy for copy in copies if copy.item.row_id is not None]
    lists[None] = replace(
        lists[None],
        in_all=len(attachments),
        removed=_removed(session, standing, by_id),
        asks_box=_can_ask_box(session, standing, attachments),
        seen=_seen(attachments, items),
        seen_in_rows=_seen(
            [a for a in attachments if a.row_id is not None], [copy.item for copy in in_rows]
        ),
        cancellable=sum(copy.may_cancel for copy in copies),
        cancellable_in_rows=sum(copy.may_cancel for copy in in_rows),
    )
    return lists


def _seen(attachments: Sequence[Attachment], items: Sequence[ImportItem]) -> str:
    """Return a short text that is another one as soon as any of these has changed."""
    files = [(a.id, a.name, a.superseded_by is not None) for a in attachments]
    text = repr((files, [(item.id, item.state, item.reason) for item in items]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _can_ask_box(session: Session, standing: Standing, attachments: list[Attachment]) -> bool:
    """True where something came from Box and this person has a Box to ask about it."""
    if not any(a.source == Source.BOX and a.superseded_by is None for a in attachments):
        return False
    query = select(BoxLink.id).where(BoxLink.person_id == standing.person_id, BoxLink.is_alive)
    return standing.tool.attaches_from_box and session.scalar(query) is not None


def news_of_others(session: Session, standing: Standing, files: FileList, since: str | None) -> str:
    """Return what is to be said of others' copies to the record; one's own are said everywhere."""
    which = and_(
        ImportItem.record_id == standing.record.id,
        ImportItem.row_id.is_(None),
        ImportItem.person_id != standing.person_id,
    )
    others = [copy.item for copy in files.copies if not copy.is_mine]
    return news.since(session, which, others, since)


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
    return list(
        session.scalars(
            select(Attachment)
            .where(
                Attachment.record_id == record.id,
                Attachment.removed_at.is_(None),
                hangs_on_seen(standing.person_id, Attachment.row_id),
            )
            .options(joinedload(Attachment.attached_by), with_successors())
            .order_by(Attachment.attached_at.desc(), Attachment.id.desc())
        )
    )


def _rows(session: Session, standing: Standing) -> dict[int, RecordRow]:
    """Return the rows of a record that hold something for this person, by their ids."""
    rows = session.scalars(
        select(RecordRow).where(
            RecordRow.record_id == standing.record.id, may_see_in_row(standing.person_id)
        )
    )
    return {row.id: row for row in rows}


def _may_remove(
    standing: Standing, rows: dict[int, RecordRow], found: Attachment, issued: frozenset[int]
) -> bool:
    row = rows[found.row_id] if found.row_id is not None else None
    return found.id not in issued and standing.may_remove(
        attached_by_id=found.attached_by_id, row=row
    )


def _removed(
    session: Session, standing: Standing, rows: dict[int, RecordRow]
) -> tuple[RemovedFile, ...]:
    found = session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id == standing.record.id,
            Attachment.removed_at > utcnow() - REMOVED_LIVES,
            hangs_on_seen(standing.person_id, Attachment.row_id),
        )
        .options(joinedload(Attachment.removed_by))
        .order_by(Attachment.removed_at.desc(), Attachment.id.desc())
    ).all()
    issued = issued_files(session, standing) if found else frozenset()
    return tuple(RemovedFile(a) for a in found if _may_remove(standing, rows, a, issued))

"""Folders and files of Documents: what lies where, under which name, in which version.

A folder and a file are records of the tool; `parent_id` is the folder they lie in, none for those
at the top. A file's versions are its rows, each with one attachment.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from webapp.attachments.models import Attachment
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.problems import Forbidden, Invalid
from webapp.core.text import N_, _
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import may_see_at, may_see_in_row
from webapp.tools import lifecycle, rows
from webapp.tools.parts import Standing
from webapp.tools.registry import TOOLS, Tool
from webapp.tools.values import write_row

KEY = "documents"
FOLDER, FILE = "folder", "file"
DEPTH_MAX = 30
NAME_MAX_LENGTH = 255


@dataclass(frozen=True)
class Entry:
    """One line of a folder: a folder, or a file with its newest version."""

    record: Record
    is_folder: bool
    newest: Attachment | None
    versions: int


@dataclass(frozen=True)
class FolderPage:
    """Where a document lies, and what is in it when it is a folder."""

    is_folder: bool
    way: tuple[Record, ...]
    entries: tuple[Entry, ...]
    may_add: bool


def tool_of() -> Tool:
    found = TOOLS.get(KEY)
    assert found is not None
    return found


def kind_of(record: Record) -> str:
    """Return whether a record is a folder or a file."""
    return FILE if record.details.get("kind") == FILE else FOLDER


def add_child(session: Session, folder: Record, kind: str, name: str, person_id: int) -> Record:
    """Add a folder or a file to a folder; Invalid when the name is taken there."""
    if sum(1 for _step in ancestors(session, folder)) >= DEPTH_MAX:
        raise Invalid(_("Folders lie at most %(num)s deep.", num=DEPTH_MAX))
    made = _new(folder.project_id, kind, name, person_id)
    made.parent_id = folder.id
    return _added(session, made)


def add_at_top(session: Session, project_id: int, name: str, person_id: int) -> Record:
    """Add a folder beside the project's topmost ones; Invalid when the name is taken there."""
    return _added(session, _new(project_id, FOLDER, name, person_id))


def _new(project_id: int, kind: str, name: str, person_id: int) -> Record:
    name = name.strip()[:NAME_MAX_LENGTH]
    if not name:
        raise Invalid(_("Write a name."))
    return Record(
        project_id=project_id,
        tool_key=KEY,
        title=name,
        status="active",
        created_by_id=person_id,
        saved_at=utcnow(),
        restricted=False,
        details={"kind": kind},
    )


def _added(session: Session, record: Record) -> Record:
    session.add(record)
    session.flush()
    require_free(session, record)
    lifecycle.restrict(session, tool_of(), record)
    audit.note(
        session,
        "document.folder" if kind_of(record) == FOLDER else "record.created",
        person_id=record.created_by_id,
        project_id=record.project_id,
        record_id=record.id,
    )
    return record


def add_version(session: Session, record: Record, attachment: Attachment) -> RecordRow:
    """Hang a stored file on a document as its newest version; its bytes stay where they are."""
    section = tool_of().sections[0]
    last = session.scalar(
        select(func.max(RecordRow.position)).where(
            RecordRow.record_id == record.id, RecordRow.section == section.key
        )
    )
    number = (last or 0) + 1
    row = rows.insert(session, record, section, {}, author_id=attachment.attached_by_id)
    write_row(section, row, {"number": number})
    attachment.record_id, attachment.row_id = record.id, row.id
    record.updated_at = utcnow()
    record.version += 1
    session.flush()
    audit.note(
        session,
        "document.version",
        person_id=attachment.attached_by_id,
        project_id=record.project_id,
        record_id=record.id,
        number=number,
        name=attachment.name,
        row=row.id,
    )
    return row


def move_to(session: Session, standing: Standing, folder: Record | None) -> None:
    """Put a folder or file into another folder, or to the top; never into itself or below."""
    record = standing.record
    if not standing.may_edit:
        raise Forbidden(_("You may not move this."))
    if folder is None and kind_of(record) == FILE:
        raise Invalid(_("Files lie in folders. Choose one."))
    if folder is not None:
        if kind_of(folder) != FOLDER or folder.status != "active":
            raise Invalid(_("Choose a folder that is in use."))
        if record.id in {folder.id, *(step.id for step in ancestors(session, folder))}:
            raise Invalid(_("A folder cannot be moved into itself."))
    record.parent_id = folder.id if folder else None
    session.flush()
    require_free(session, record)
    lifecycle.after_change(session, standing)
    for below in descendants(session, record):
        lifecycle.restrict(session, standing.tool, below)
    audit.note(
        session,
        "document.moved",
        person_id=standing.person_id,
        project_id=record.project_id,
        record_id=record.id,
        folder=folder.title if folder else N_("the top"),
    )


def child_named(session: Session, standing: Standing, name: str) -> Record | None:
    """Return what this person sees in a folder under a name, in whichever letter case."""
    folder = standing.record
    level = access.level_in(folder.project_id, standing.person_id, KEY)
    return session.scalar(
        select(Record)
        .where(
            Record.parent_id == folder.id,
            Record.tool_key == KEY,
            Record.status == "active",
            func.lower(Record.title) == name.lower(),
            may_see_at(standing.person_id, level),
        )
        # Where a private one has the same name, the version goes to the one that all see.
        .order_by(Record.restricted, Record.id)
        .limit(1)
    )


def require_free(session: Session, record: Record) -> None:
    """Raise Invalid when something else in the folder has the record's name for the same people.

    What others see is left alone: to refuse its name would say that it is there. Whoever adds or
    changes a record sees everything that the same people see, so nobody is told of what is hidden.
    """
    twins = session.scalars(
        select(Record).where(
            Record.project_id == record.project_id,
            Record.tool_key == KEY,
            Record.parent_id == record.parent_id,
            Record.id != record.id,
            Record.status == "active",
            func.lower(Record.title) == record.title.lower(),
        )
    ).all()
    extension = tool_of().extension
    if not twins:
        return
    seen_by = extension.audience(session, record)
    if any(extension.audience(session, twin) == seen_by for twin in twins):
        raise Invalid(_("%(name)s exists in this folder already.", name=record.title))


def ancestors(session: Session, record: Record) -> Iterator[Record]:
    """Yield the folders around a record, the innermost first."""
    at: Record | None = record
    for _step in range(DEPTH_MAX + 2):
        at = session.get(Record, at.parent_id) if at is not None and at.parent_id else None
        if at is None:
            return
        yield at


def descendants(session: Session, record: Record) -> list[Record]:
    """Return everything within a folder, level by level."""
    found: list[Record] = []
    level = [record.id]
    while level:
        below = session.scalars(select(Record).where(Record.parent_id.in_(level))).all()
        found += below
        level = [child.id for child in below]
    return found


def folder_page(session: Session, found: Standing) -> FolderPage:
    """Return what a folder's page shows besides what every record's page does."""
    record = found.record
    level = access.level_in(record.project_id, found.person_id, found.tool.key)
    is_folder = kind_of(record) == FOLDER
    within = Record.parent_id == record.id
    return FolderPage(
        is_folder=is_folder,
        way=tuple(reversed([*ancestors(session, record)])),
        entries=entries_in(session, found.person_id, level, within) if is_folder else (),
        may_add=is_folder and found.may_attach,
    )


def entries_in(
    session: Session, person_id: int, level: Level, where: ColumnElement[bool]
) -> tuple[Entry, ...]:
    """Return what this person sees in a folder: folders first, then files, by name."""
    children = session.scalars(
        select(Record)
        .where(
            where,
            Record.tool_key == tool_of().key,
            Record.status == "active",
            may_see_at(person_id, level),
        )
        .order_by(func.lower(Record.title), Record.id)
    ).all()
    newest = _newest(session, [child.id for child in children], person_id)
    entries = [
        Entry(child, kind_of(child) == FOLDER, *newest.get(child.id, (None, 0)))
        for child in children
    ]
    return tuple(sorted(entries, key=lambda entry: not entry.is_folder))


def _newest(session: Session, ids: list[int], person_id: int) -> dict[int, tuple[Attachment, int]]:
    """Return each file's newest version and how many there are."""
    rows = session.execute(
        select(Attachment, RecordRow.position)
        .join(RecordRow, RecordRow.id == Attachment.row_id)
        .where(
            Attachment.record_id.in_(ids),
            Attachment.removed_at.is_(None),
            may_see_in_row(person_id),
        )
        .options(joinedload(Attachment.attached_by))
        .order_by(RecordRow.position)
    )
    return {attachment.record_id: (attachment, number) for attachment, number in rows}

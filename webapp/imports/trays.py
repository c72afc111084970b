"""The tray: what a person has chosen for a target, kept on the server until they send it.

It survives folder changes, closing the dialog, reconnecting Box and signing in again. Sending it is
idempotent by its key: a double click, a second tab or a repeated request finds the batch that the
first one made.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import and_, delete, func, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment, Source
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, writing
from webapp.core.names import clean_name, name_with_way
from webapp.core.problems import Conflict, Invalid
from webapp.core.text import _, ngettext
from webapp.imports import claims, walks, work
from webapp.imports.models import (
    UNFINISHED,
    ImportBatch,
    ImportItem,
    ItemState,
    LastFolder,
    Tray,
    TrayItem,
)
from webapp.imports.walk_models import FolderWalk, WalkFile, WalkState
from webapp.imports.walks import Judge, Part
from webapp.picker.host import Choice, FolderChoice
from webapp.picker.seals import Crumb, path_text
from webapp.records.models import Record
from webapp.records.visibility import Target

REASON_MAX_LENGTH = 500

# A source, the id of one of its files, and that of a version of it.
Version = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Upload:
    """A file from the computer, stored and digested already."""

    name: str
    size_bytes: int
    sha1: str
    sha256: str
    blob_key: str


@dataclass(frozen=True)
class Stored:
    """A version of a file that one of the project's tools keeps: nothing of it is copied.

    `source` is the tool's key. `file_id` is no id of Box's, so that a tray can hold both.
    """

    source: str
    file_id: str
    version_id: str
    version_number: str
    name: str
    size_bytes: int
    sha1: str
    sha256: str
    blob_key: str
    path: str
    owner: str


@dataclass(frozen=True)
class TrayContents:
    """A tray as pages show it; `key` names it and what it holds now."""

    key: str
    items: tuple[TrayItem, ...] = ()
    box_file_ids: frozenset[str] = field(default_factory=frozenset)
    reason_given: str = ""
    tray_id: int = 0


@dataclass(frozen=True)
class Twice:
    """A chosen file of which the target has, or is getting, this very version from somebody."""

    name: str
    by: str
    at: datetime
    is_coming: bool


@dataclass(frozen=True)
class Sent:
    """What sending a tray led to: copies that begin now, and files that are attached by now.

    `twice` were there already when it was their turn, and were left out.
    """

    copies: int = 0
    attached: tuple[Attachment, ...] = ()
    twice: tuple[Twice, ...] = ()


def contents(person_id: int, target: Target) -> TrayContents:
    """Return the open tray of a person for a target; an empty one when there is none yet."""
    tray = _open_tray(db.session(), person_id, target)
    if tray is None:
        return TrayContents(key="")
    items = tuple(
        db.session.scalars(
            select(TrayItem).where(TrayItem.tray_id == tray.id).order_by(TrayItem.id)
        )
    )
    ids = frozenset(item.box_file_id for item in items if item.box_file_id)
    key = f"{tray.key}.{_mark(db.session(), tray.id, items)}"
    return TrayContents(key, items, ids, tray.reason_given, tray.id)


def _mark(session: Session, tray_id: int, items: Sequence[TrayItem]) -> str:
    """Return a short text that changes with every file and folder in a tray."""
    folders = session.execute(
        select(FolderWalk.id, FolderWalk.counts)
        .where(FolderWalk.tray_id == tray_id)
        .order_by(FolderWalk.id)
    ).all()
    held = [[item.id for item in items], [[walk_id, counts] for walk_id, counts in folders]]
    text = json.dumps(held, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def attached_versions(
    session: Session, target: Target, source: Source
) -> dict[str, dict[str, str]]:
    """Return which versions from a source hang on a target now: numbers by their ids, by file."""
    rows = session.execute(
        select(
            Attachment.box_file_id, Attachment.box_version_id, Attachment.box_version_number
        ).where(
            Attachment.record_id == target.record_id,
            Attachment.row_id.is_(None)
            if target.row_id is None
            else Attachment.row_id == target.row_id,
            Attachment.removed_at.is_(None),
            Attachment.source == source,
        )
    )
    found: dict[str, dict[str, str]] = {}
    for file_id, version_id, number in rows:
        found.setdefault(file_id or "", {})[version_id or ""] = number or ""
    return found


def coming_versions(session: Session, target: Target) -> frozenset[tuple[str, str]]:
    """Return which files, in which versions, are on their way there now."""
    rows = session.execute(
        select(ImportItem.box_file_id, ImportItem.box_version_id).where(
            ImportItem.record_id == target.record_id,
            ImportItem.row_id.is_(None)
            if target.row_id is None
            else ImportItem.row_id == target.row_id,
            ImportItem.state.in_(UNFINISHED),
        )
    )
    return frozenset((file_id, version_id) for file_id, version_id in rows)


def lock_files(session: Session, target: Target) -> None:
    """Have whoever else attaches to this record at this moment wait until we are done.

    What points to the record may be written meanwhile (SQLite's writer is alone anyway).
    """
    session.execute(
        select(Record.id).where(Record.id == target.record_id).with_for_update(key_share=True)
    )


def _there(session: Session, target: Target) -> dict[Version, Twice]:
    """Return which versions hang on a target or are on their way to it, and by whom."""
    on_row = target.row_id
    attached = session.execute(
        select(
            Attachment.source,
            Attachment.box_file_id,
            Attachment.box_version_id,
            Attachment.name,
            Person.name,
            Attachment.attached_at,
        )
        .join(Person, Person.id == Attachment.attached_by_id)
        .where(
            Attachment.record_id == target.record_id,
            Attachment.row_id.is_not_distinct_from(on_row),
            Attachment.removed_at.is_(None),
            Attachment.box_file_id.is_not(None),
        )
    )
    coming = session.execute(
        select(
            literal(Source.BOX),
            ImportItem.box_file_id,
            ImportItem.box_version_id,
            ImportItem.name,
            Person.name,
            ImportItem.created_at,
        )
        .join(Person, Person.id == ImportItem.person_id)
        .where(
            ImportItem.record_id == target.record_id,
            ImportItem.row_id.is_not_distinct_from(on_row),
            ImportItem.state.in_(UNFINISHED),
        )
    )
    found: dict[Version, Twice] = {}
    for rows, is_coming in ((coming, True), (attached, False)):
        for source, file_id, version_id, name, by, at in rows:
            found[str(source), file_id, version_id] = Twice(name, by, at, is_coming)
    return found


def attached_by(session: Session, target: Target, file_id: str, version_id: str) -> str | None:
    """Return who attached this version of a file of Box there, None where nobody has."""
    return session.scalar(
        select(Person.name)
        .join(Attachment, Attachment.attached_by_id == Person.id)
        .where(
            Attachment.record_id == target.record_id,
            Attachment.row_id.is_not_distinct_from(target.row_id),
            Attachment.removed_at.is_(None),
            Attachment.source == Source.BOX,
            Attachment.box_file_id == file_id,
            Attachment.box_version_id == version_id,
        )
        .limit(1)
    )


def _version(item: TrayItem | WalkFile) -> Version:
    source = item.source if isinstance(item, TrayItem) else Source.BOX
    return str(source), item.box_file_id, item.box_version_id


def _open_tray(
    session: Session, person_id: int, target: Target, *, is_locked: bool = False
) -> Tray | None:
    query = select(Tray).where(
        Tray.person_id == person_id,
        Tray.record_id == target.record_id,
        Tray.row_key == (target.row_id or 0),
        Tray.is_open.is_(True),
    )
    return session.scalar(query.with_for_update() if is_locked else query)


def _opened(session: Session, person_id: int, target: Target) -> Tray:
    """Return the open tray, making one if need be; two first clicks at once make one tray.

    It stays open until the transaction ends: another tab that sends it now waits, and one that
    has just sent it leaves us a new tray, so that no choice falls between the two.
    """
    tray = _open_tray(session, person_id, target, is_locked=True)
    if tray is not None:
        # Whoever comes back to a tray keeps it: its age counts from the last change.
        tray.created_at = utcnow()
        return tray
    tray = Tray(
        person_id=person_id,
        project_id=target.project_id,
        tool_key=target.tool_key,
        record_id=target.record_id,
        row_key=target.row_id or 0,
    )
    try:
        with session.begin_nested():
            session.add(tray)
    except IntegrityError:
        tray = _open_tray(session, person_id, target, is_locked=True)
        assert tray is not None
    return tray


def change(
    person_id: int,
    target: Target,
    *,
    add: Sequence[Choice | Stored] = (),
    remove: Sequence[str] = (),
    folders: Sequence[FolderChoice] = (),
    box_login: str = "",
    files_max: int,
) -> None:
    """Put chosen files and folders into the tray and take others out, by what their rows are named.

    A file is in it once, in one version. Raises Invalid when more than `files_max` would be in it.
    """
    with writing() as session:
        tray = _opened(session, person_id, target)
        gone = [*remove, *(choice.file_id for choice in add)]
        session.execute(
            delete(TrayItem).where(TrayItem.tray_id == tray.id, TrayItem.box_file_id.in_(gone))
        )
        walks.take_out(session, tray, FolderWalk.folder_id.in_(folder_ids(remove)))
        walks.begin(session, tray, folders, box_login=box_login)
        # The last word on a file counts: the same one twice in a request is one choice.
        for choice in {choice.file_id: choice for choice in add}.values():
            item = _item(tray.id, choice)
            item.box_login = box_login if item.source == Source.BOX else ""
            session.add(item)
        session.flush()
        if add:
            _check_count(session, tray, files_max)


def folder_ids(named: Sequence[str]) -> list[str]:
    """Return the ids of the folders among what rows are named."""
    return [name[1:] for name in named if name.startswith("f")]


def _item(tray_id: int, choice: Choice | Stored) -> TrayItem:
    item = TrayItem(
        tray_id=tray_id,
        source=Source.BOX,
        name=choice.name,
        size_bytes=choice.size_bytes,
        sha1=choice.sha1,
        box_file_id=choice.file_id,
        box_version_id=choice.version_id,
        box_version_number=choice.version_number,
        box_owner=choice.owner,
        box_path=choice.path,
    )
    if isinstance(choice, Stored):
        item.source, item.sha256, item.blob_key = choice.source, choice.sha256, choice.blob_key
    else:
        item.box_trail = [[crumb.folder_id, crumb.name] for crumb in choice.trail]
        item.box_owner_login = choice.owner_login
        item.box_classification = choice.classification
    return item


def add_upload(
    person_id: int,
    target: Target,
    upload: Upload,
    *,
    files_max: int,
    together_with: Callable[[Session], None] | None = None,
) -> None:
    """Put a stored upload into the tray; raises Invalid when the tray is full.

    `together_with` writes in the same transaction, first, and what it raises ends it.
    """
    with writing() as session:
        if together_with is not None:
            together_with(session)
        tray = _opened(session, person_id, target)
        session.add(
            TrayItem(
                tray_id=tray.id,
                source=Source.COMPUTER,
                name=upload.name,
                size_bytes=upload.size_bytes,
                sha1=upload.sha1,
                sha256=upload.sha256,
                blob_key=upload.blob_key,
            )
        )
        session.flush()
        _check_count(session, tray, files_max)


def require_room(person_id: int, target: Target, *, files_max: int) -> None:
    """Raise Invalid when the tray is full already."""
    tray = _open_tray(db.session(), person_id, target)
    if tray is not None:
        _check_count(db.session(), tray, files_max, more=1)


def _check_count(session: Session, tray: Tray, files_max: int, *, more: int = 0) -> None:
    """Raise Invalid when there are too many; what chosen folders hold counts as well."""
    by_itself = session.scalar(select(func.count(TrayItem.id)).where(TrayItem.tray_id == tray.id))
    alone = select(TrayItem.box_file_id).where(
        TrayItem.tray_id == tray.id, TrayItem.box_file_id.is_not(None)
    )
    in_folders = session.scalar(
        select(func.count(WalkFile.box_file_id.distinct()))
        .join(FolderWalk, FolderWalk.id == WalkFile.walk_id)
        .where(FolderWalk.tray_id == tray.id, WalkFile.box_file_id.not_in(alone))
    )
    if (by_itself or 0) + (in_folders or 0) + more > files_max:
        raise Invalid(
            ngettext(
                "At most %(num)s file can be attached at once.",
                "At most %(num)s files can be attached at once.",
                files_max,
            )
        )


def take_out(person_id: int, target: Target, item_id: int) -> None:
    """Take one item out, wherever it came from."""
    with writing() as session:
        tray = _opened(session, person_id, target)
        session.execute(delete(TrayItem).where(TrayItem.tray_id == tray.id, TrayItem.id == item_id))


def take_out_folder(person_id: int, target: Target, walk_id: int) -> None:
    """Take a folder out; its walk ends before the next page."""
    with writing() as session:
        walks.take_out(session, _opened(session, person_id, target), FolderWalk.id == walk_id)


def count_again(person_id: int, target: Target, walk_id: int, *, box_login: str) -> None:
    """Begin the walk through a folder anew, if it had stopped."""
    with writing() as session:
        tray = _opened(session, person_id, target)
        walks.again(session, tray, walk_id, box_login=box_login)


def clear(person_id: int, target: Target) -> None:
    """Empty the tray; uploads nobody points at any more are swept later."""
    with writing() as session:
        tray = _opened(session, person_id, target)
        session.execute(delete(TrayItem).where(TrayItem.tray_id == tray.id))
        session.execute(delete(FolderWalk).where(FolderWalk.tray_id == tray.id))


def explain(person_id: int, target: Target, reason: str) -> None:
    """Keep why the chosen files are attached; raises Invalid when it is too long.

    Makes no tray: what comes after it was sent would wait there for other files.
    """
    with writing() as session:
        tray = _open_tray(session, person_id, target, is_locked=True)
        if tray is not None:
            tray.reason_given = _limited(reason)


def _limited(reason: str) -> str:
    if len(reason) > REASON_MAX_LENGTH:
        raise Invalid(_("Write at most %(num)s characters.", num=REASON_MAX_LENGTH))
    return reason


def send(
    session: Session,
    person_id: int,
    target: Target,
    key: str,
    *,
    box_login: str,
    reason: str,
    check: Callable[[TrayItem | WalkFile, str], str],
    files_max: int,
    judge: Judge,
) -> Sent | None:
    """Turn the tray named by `key` into a batch, in the caller's writing transaction.

    What the page that sends it has not shown is not attached: Conflict when another one has changed
    the tray meanwhile.

    `check` gets each file of Box and the reason given for the lot, returns the reason to keep with
    the file, and raises when it may not be attached.

    Returns what was sent now, nothing when this key was sent before, None when this person has no
    such tray for this target. What somebody has attached there since it was chosen, in the same
    version, is left out. Raises Conflict while a chosen folder is not counted to its end.
    """
    if not key.isprintable():
        # PostgreSQL refuses NUL; no key of ours holds anything like it.
        return None
    name, _dot, shown = key.partition(".")
    lock_files(session, target)
    tray = session.scalar(
        select(Tray)
        .where(
            Tray.key == name,
            Tray.person_id == person_id,
            Tray.record_id == target.record_id,
            Tray.row_key == (target.row_id or 0),
        )
        .with_for_update()
    )
    if tray is None:
        return None
    closed = session.execute(
        update(Tray).where(Tray.id == tray.id, Tray.is_open.is_(True)).values(is_open=None)
    )
    if rows_changed(closed) != 1:
        return Sent()
    items = session.scalars(
        select(TrayItem).where(TrayItem.tray_id == tray.id).order_by(TrayItem.id)
    ).all()
    if shown != _mark(session, tray.id, items):
        raise Conflict(
            _("The chosen files have changed since this page showed them. Look, then attach."),
            title=_("Chosen files changed"),
        )
    folders = walks.parts(session, tray.id, items, files_max=files_max, judge=judge)
    _require_counted(folders)
    _require_account(items, folders, box_login)
    there = _there(session, target)
    twice = tuple(replace(there[v], name=i.name) for i in items if (v := _version(i)) in there)
    fresh = [item for item in items if _version(item) not in there]
    chosen = [item for item in fresh if item.source == Source.BOX]
    stored = [item for item in fresh if item.source != Source.BOX]
    copies = [*map(_as_chosen, chosen), *_copies_of(folders, there)]
    if copies:
        given = _limited(reason) or tray.reason_given
        batch = _batch(session, person_id, target, tray.key)
        session.add_all(
            _copy(batch, copy, box_login, reason_given=check(copy.item, given)) for copy in copies
        )
        trails = [item.box_trail for item in chosen] + [part.walk.trail for part in folders]
        _remember(session, tray, trails[-1], box_login)
    attached = tuple(_attach_stored(session, person_id, target, item) for item in stored)
    session.flush()
    return Sent(len(copies), attached, twice)


def send_newer(
    session: Session,
    person_id: int,
    target: Target,
    choice: Choice,
    *,
    box_login: str,
    supersedes_id: int,
) -> int:
    """Make a batch of the newer version of an attached file, in the caller's writing transaction.

    Returns how many copies begin: none where that version is there or on its way already, whoever
    took it. What of it did not arrive before is tried again.
    """
    lock_files(session, target)
    if (Source.BOX, choice.file_id, choice.version_id) in _there(session, target):
        return 0
    # Whoever else presses at this moment waits here.
    older = session.scalars(
        select(Attachment).where(Attachment.id == supersedes_id).with_for_update()
    ).one()
    same = and_(
        ImportItem.supersedes_id == supersedes_id,
        ImportItem.person_id == person_id,
        ImportItem.box_version_id == choice.version_id,
    )
    states = set(session.scalars(select(ImportItem.state).where(same)))
    if states & set(UNFINISHED):
        return 0
    if states & {ItemState.FAILED, ItemState.CANCELLED}:
        return claims.try_again(session, same)
    batch = _batch(session, person_id, target, secrets.token_urlsafe(16))
    # Why the file hangs there has been said, and holds for its next version.
    session.add(
        _copy(
            batch,
            _Copy(_item(0, choice), _next_name(older, choice), choice.path),
            box_login,
            reason_given=older.reason_given,
            supersedes_id=supersedes_id,
        )
    )
    return 1


def _next_name(older: Attachment, choice: Choice) -> str:
    """Return what the next version is called: as the one before, unless Box calls it otherwise."""
    return older.name if older.original_name == choice.name else choice.name


def _require_account(items: Sequence[TrayItem], folders: Sequence[Part], login: str) -> None:
    """Raise Conflict for what was chosen in another account of Box than the one linked now."""
    chosen = [(item.name, item.box_login) for item in items]
    chosen += [(part.walk.name, part.walk.box_login) for part in folders]
    for name, chosen_in in chosen:
        if is_elsewhere(chosen_in, login):
            raise Conflict(
                _(
                    "%(name)s was chosen in the Box account %(login)s, which is not linked now. "
                    "Take it out, or link that account again.",
                    name=name,
                    login=chosen_in,
                )
            )


def is_elsewhere(chosen_in: str, login: str) -> bool:
    """True when something was chosen in another account of Box than this one."""
    return bool(chosen_in) and chosen_in != login


def _require_counted(folders: Sequence[Part]) -> None:
    for part in folders:
        if part.walk.state == WalkState.STOPPED:
            raise Conflict(
                _(
                    "%(name)s is not counted to its end. Count it again or take it out, then "
                    "attach.",
                    name=part.walk.name,
                )
            )
        if part.walk.state != WalkState.DONE:
            raise Conflict(
                _(
                    "%(name)s is still being counted. Attach when that is done.",
                    name=part.walk.name,
                )
            )


@dataclass(frozen=True)
class _Copy:
    """A file of Box to be copied, and what it will be called."""

    item: TrayItem | WalkFile
    name: str
    path: str


def _as_chosen(item: TrayItem) -> _Copy:
    return _Copy(item, item.name, item.box_path)


def _copies_of(folders: Sequence[Part], there: Container[Version]) -> list[_Copy]:
    """Return what folders bring, but for what was attached there since they were counted."""
    copies = []
    for part in folders:
        way_there = [Crumb(id_, name) for id_, name in part.walk.trail]
        for file in part.files:
            if _version(file) in there:
                continue
            way = [Crumb("", name) for name in file.step.way]
            name = name_with_way(file.step.way, file.name)
            copies.append(_Copy(file, name, path_text((*way_there, *way))))
    return copies


def _batch(session: Session, person_id: int, target: Target, key: str) -> ImportBatch:
    batch = ImportBatch(
        key=key,
        person_id=person_id,
        project_id=target.project_id,
        tool_key=target.tool_key,
        record_id=target.record_id,
        row_id=target.row_id,
        session_hash=work.open_session(session, person_id),
    )
    session.add(batch)
    session.flush()
    return batch


def _copy(
    batch: ImportBatch,
    copy: _Copy,
    box_login: str,
    *,
    reason_given: str = "",
    supersedes_id: int | None = None,
) -> ImportItem:
    chosen = copy.item
    return ImportItem(
        batch_id=batch.id,
        person_id=batch.person_id,
        project_id=batch.project_id,
        tool_key=batch.tool_key,
        record_id=batch.record_id,
        row_id=batch.row_id,
        name=copy.name,
        original_name=chosen.name if copy.name != chosen.name else None,
        size_bytes=chosen.size_bytes,
        sha1=chosen.sha1,
        box_file_id=chosen.box_file_id,
        box_version_id=chosen.box_version_id,
        box_version_number=chosen.box_version_number,
        box_path=copy.path,
        box_owner=chosen.box_owner,
        box_owner_login=chosen.box_owner_login,
        box_classification=chosen.box_classification,
        reason_given=reason_given,
        box_login=box_login,
        supersedes_id=supersedes_id,
    )


def _remember(session: Session, tray: Tray, trail: list[list[str]], box_login: str) -> None:
    """Keep where in Box this person attached from, for the next time in this tool."""
    if not trail:
        return
    key = (tray.person_id, tray.project_id, tray.tool_key)
    kept = session.get(LastFolder, key, with_for_update=True)
    if kept is None:
        kept = LastFolder(person_id=key[0], project_id=key[1], tool_key=key[2])
        kept.folder_id, kept.trail, kept.box_login = trail[-1][0], trail, box_login
        try:
            with session.begin_nested():
                session.add(kept)
        except IntegrityError:
            # Another tab was first; the next time is early enough.
            return
    kept.folder_id, kept.trail, kept.box_login = trail[-1][0], trail, box_login
    kept.used_at = utcnow()


def forget_folders(session: Session, person_id: int, *, but_of: str = "") -> None:
    """Forget where a person attached from, but for one account of Box."""
    session.execute(
        delete(LastFolder).where(LastFolder.person_id == person_id, LastFolder.box_login != but_of)
    )


def last_folder(session: Session, person_id: int, target: Target) -> LastFolder | None:
    """Return where this person last attached from in this tool; else where a colleague did."""
    return session.scalar(
        select(LastFolder)
        .join(Person, Person.id == LastFolder.person_id)
        .where(
            LastFolder.project_id == target.project_id,
            LastFolder.tool_key == target.tool_key,
            Person.is_active.is_(True),
        )
        .options(contains_eager(LastFolder.person))
        .order_by((LastFolder.person_id != person_id), LastFolder.used_at.desc())
        .limit(1)
    )


def _attach_stored(session: Session, person_id: int, target: Target, item: TrayItem) -> Attachment:
    assert item.blob_key is not None
    name = clean_name(item.name, fallback=_("unnamed"))
    attachment = Attachment(
        project_id=target.project_id,
        tool_key=target.tool_key,
        record_id=target.record_id,
        row_id=target.row_id,
        name=name,
        original_name=item.name,
        size_bytes=item.size_bytes,
        sha1=item.sha1,
        sha256=item.sha256,
        blob_key=item.blob_key,
        source=item.source,
        attached_by_id=person_id,
        box_file_id=item.box_file_id,
        box_version_id=item.box_version_id,
        box_version_number=item.box_version_number,
        box_path=item.box_path,
        box_owner=item.box_owner,
    )
    session.add(attachment)
    audit.note(
        session,
        "file.attached",
        person_id=person_id,
        project_id=target.project_id,
        record_id=target.record_id,
        name=name,
        source=item.source,
        row=target.row_id,
    )
    return attachment

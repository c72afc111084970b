"""Documents as a place to choose files from: what the other tools' Attach File(s) shows of it.

A version that is chosen is pinned: the record gets an attachment of its own that shares the
version's stored object, and nothing that happens in Documents afterwards changes it. What a choice
may be is asked when it goes into the tray, and again in the transaction that attaches it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Person
from webapp.attachments.kinds import kind_of as paper_of
from webapp.attachments.models import Attachment, Source
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.converters import as_id
from webapp.core.formats import ext, filesize, moment_day, sentence
from webapp.core.problems import Conflict, Invalid
from webapp.core.text import N_, _
from webapp.imports import trays
from webapp.imports.trays import Stored
from webapp.picker.host import Source as PickerSource
from webapp.records.models import Record, RecordRow, folded
from webapp.records.visibility import Target, may_see, may_see_at, may_see_in_row
from webapp.tools.extensions.folders import FILE, FOLDER, KEY, ancestors, kind_of, tool_of
from webapp.tools.registry import TOOLS, Original

PAGE = 100
PAGES_MAX = 1000
QUERY_MAX_LENGTH = 200
GONE = N_(
    "One of these files is not in Documents any more, or you may not see it. Open its folder again."
)


@dataclass(frozen=True)
class Version:
    """One version of a file as it can be chosen; `token` names it in forms."""

    token: str
    number: int
    label: str
    is_chosen: bool = False
    is_attached: bool = False


@dataclass(frozen=True)
class Line:
    """One line of the list, in words. A folder has an `href`; what cannot be chosen says why."""

    name: str
    id: str = ""
    href: str = ""
    kind: str = ""
    label: str = ""
    size: str = ""
    when: str = ""
    token: str = ""
    is_chosen: bool = False
    why: str = ""
    note: str = ""
    tag: str = ""
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True)
class Crumb:
    name: str
    href: str


@dataclass(frozen=True)
class Listing:
    """One page of a folder, or of what a search found: `folder` is its id, "top" above them all."""

    folder: str
    trail: tuple[Crumb, ...]
    lines: tuple[Line, ...]
    query: str = ""
    more: str = ""
    is_first: bool = True
    documents_url: str = ""


@dataclass(frozen=True)
class _Kept:
    """A version with its number; `file` is the document it is of."""

    attachment: Attachment
    number: int
    file: Record

    @property
    def token(self) -> str:
        return f"{self.file.id}-{self.attachment.id}"


@dataclass(frozen=True)
class Place:
    """For which person and target Documents is open, and at which address the list stands."""

    person_id: int
    target: Target
    url: str

    @property
    def level(self) -> Level:
        return access.level_in(self.target.project_id, self.person_id, KEY)


def tab(person_id: int, target: Target) -> PickerSource | None:
    """Return Documents as a source for a target; None for somebody who sees no Documents."""
    if access.level_in(target.project_id, person_id, KEY) < Level.READ:
        return None
    where: dict[str, Any] = {
        "project_id": target.project_id,
        "tool": TOOLS.get(target.tool_key),
        "record_id": target.record_id,
    }
    if target.row_id is None:
        url = url_for("documents_picker.browse", **where)
    else:
        url = url_for("row_documents_picker.browse", row_id=target.row_id, **where)
    tool = tool_of()
    return PickerSource(KEY, _(tool.label), tool.icon, url)


# ---- what there is


def folder_listing(session: Session, place: Place, folder: Record | None, page: int) -> Listing:
    """Return a page of what this person sees in a folder, None for the top: folders first."""
    where = Record.parent_id == folder.id if folder else Record.parent_id.is_(None)
    named = str(folder.id) if folder else "top"
    return _listing(session, place, where, folder=folder, page=page, args=f"folder={named}")


def search_listing(
    session: Session, place: Place, folder: Record | None, query: str, page: int
) -> Listing:
    """Return a page of what this person sees under a name, in whichever folder it lies."""
    where = Record.words.contains(folded(query), autoescape=True)
    named = str(folder.id) if folder else "top"
    args = urlencode({"q": query, "folder": named})
    return _listing(session, place, where, folder=folder, page=page, args=args, query=query)


def _listing(
    session: Session,
    place: Place,
    where: ColumnElement[bool],
    *,
    folder: Record | None,
    page: int,
    args: str,
    query: str = "",
) -> Listing:
    found = session.scalars(
        select(Record)
        .where(
            where,
            Record.project_id == place.target.project_id,
            Record.tool_key == KEY,
            Record.status == "active",
            may_see_at(place.person_id, place.level),
        )
        .order_by(
            case((Record.details["kind"].as_string() == FILE, 1), else_=0),
            Record.words,
            Record.id,
        )
        .offset((page - 1) * PAGE)
        .limit(PAGE + 1)
    ).all()
    shown = found[:PAGE]
    return Listing(
        folder=str(folder.id) if folder else "top",
        trail=_trail(session, place, folder),
        lines=tuple(_lines(session, place, shown, with_paths=bool(query))),
        query=query,
        more=f"{place.url}?{args}&p={page + 1}" if len(found) > PAGE and page < PAGES_MAX else "",
        is_first=page == 1,
        documents_url=url_for("tools.documents", project_id=place.target.project_id),
    )


def _trail(session: Session, place: Place, folder: Record | None) -> tuple[Crumb, ...]:
    top = Crumb(_(tool_of().label), f"{place.url}?folder=top")
    if folder is None:
        return (top,)
    way = [*reversed([*ancestors(session, folder)]), folder]
    return (top, *(Crumb(step.title, f"{place.url}?folder={step.id}") for step in way))


def _lines(
    session: Session, place: Place, records: Sequence[Record], *, with_paths: bool
) -> Iterable[Line]:
    files = [record for record in records if kind_of(record) == FILE]
    versions = _versions_of(session, files, place.person_id)
    pinned = _in_tray(place)
    attached = _attached(session, place.target)
    for record in records:
        path = _way(session, record) if with_paths else ""
        if kind_of(record) == FOLDER:
            href, when = f"{place.url}?folder={record.id}", moment_day(record.updated_at)
            yield Line(record.title, href=href, when=sentence(when), note=path)
        else:
            kept = versions.get(record.id, [])
            yield _file(record, kept, pinned.get(record.id), attached, path)


def _file(
    record: Record,
    kept: list[_Kept],
    pinned: int | None,
    attached: dict[int, dict[int, str]],
    path: str,
) -> Line:
    """Return a file's line; it stands there with the version it has now, or the one chosen."""
    if not kept:
        return Line(record.title, note=path, why=_("No version of it is there any more"))
    here = attached.get(record.id, {})
    now = kept[0]
    shown = next((one for one in kept if one.attachment.id == pinned), now)
    file = shown.attachment
    tag, remark = "", "" if file.name == record.title else _("Named %(name)s", name=file.name)
    is_attached = now.attachment.id in here and shown is now
    if here and not is_attached:
        tag = _("Newer")
        remark = _(
            "Version %(new)s. The record has version %(old)s.",
            new=now.number,
            old=max(here.values(), key=int),
        )
    return Line(
        record.title,
        id=file_id(record.id),
        kind=paper_of(file.name),
        label=ext(file.name),
        size=filesize(file.size_bytes),
        when=f"{file.attached_by.name}, {moment_day(file.attached_at)}",
        token="" if is_attached else shown.token,
        is_chosen=pinned is not None,
        why=_("Already attached") if is_attached else "",
        note=", ".join(part for part in (path, remark) if part),
        tag=tag,
        versions=tuple(_version(one, kept, shown, here) for one in kept),
    )


def _version(one: _Kept, kept: list[_Kept], shown: _Kept, here: dict[int, str]) -> Version:
    file = one.attachment
    facts = {
        "number": one.number,
        "day": moment_day(file.attached_at),
        "name": file.attached_by.name,
    }
    if one is kept[0]:
        label = _("%(number)s, the newest", **facts)
    else:
        label = _("%(number)s, %(day)s, %(name)s", **facts)
    return Version(one.token, one.number, label, one is shown, file.id in here)


def _versions_of(
    session: Session, files: Sequence[Record], person_id: int
) -> dict[int, list[_Kept]]:
    """Return what can still be read of each file, the newest version first."""
    known = {file.id: file for file in files}
    rows = session.execute(
        select(Attachment, RecordRow.position)
        .join(RecordRow, RecordRow.id == Attachment.row_id)
        .where(
            Attachment.record_id.in_(known),
            Attachment.removed_at.is_(None),
            may_see_in_row(person_id),
        )
        .options(joinedload(Attachment.attached_by))
        .order_by(RecordRow.position.desc(), Attachment.id.desc())
    )
    found: dict[int, list[_Kept]] = {}
    for attachment, number in rows:
        kept = _Kept(attachment, number, known[attachment.record_id])
        found.setdefault(attachment.record_id, []).append(kept)
    return found


def _in_tray(place: Place) -> dict[int, int]:
    """Return which version of which file is in the tray."""
    items = trays.contents(place.person_id, place.target).items
    return {
        document_of(item.box_file_id or ""): int(item.box_version_id or 0)
        for item in items
        if item.source == Source.DOCUMENTS
    }


def _attached(session: Session, target: Target) -> dict[int, dict[int, str]]:
    """Return which versions hang on the target now, with their numbers, by file."""
    found = trays.attached_versions(session, target, Source.DOCUMENTS)
    return {
        document_of(file_id): {int(id_ or 0): number or "0" for id_, number in versions.items()}
        for file_id, versions in found.items()
    }


def _way(session: Session, record: Record) -> str:
    return " / ".join(step.title for step in reversed([*ancestors(session, record)]))


# ---- choosing


def choose(
    session: Session, place: Place, *, add: Sequence[str], remove: Sequence[str], files_max: int
) -> None:
    """Put versions into the tray and take files out, by their tokens; Invalid for one that is
    not there for this person, and then nothing has changed.
    """
    wanted = [_named(token) for token in add]
    kept = _readable(session, place.person_id, place.target.project_id, [v for _d, v in wanted])
    chosen = [kept.get(version_id) for _document, version_id in wanted]
    stored = []
    for found, (document_id, _version_id) in zip(chosen, wanted, strict=True):
        if found is None or found.file.id != document_id:
            raise Invalid(_(GONE))
        stored.append(_stored(session, found))
    attached = _attached(session, place.target)
    for one in stored:
        if int(one.version_id) in attached.get(document_of(one.file_id), {}):
            raise Conflict(_("%(name)s is attached already, or on its way.", name=one.name))
    gone = [file_id(document_id) for document_id, _version_id in map(_named, remove)]
    trays.change(place.person_id, place.target, add=stored, remove=gone, files_max=files_max)


def require_there(
    session: Session, person_id: int, project_id: int, files: Sequence[Attachment]
) -> None:
    """Raise Conflict when one of these copies is of a version this person can no longer have."""
    ids = {file.id: int(file.box_version_id or 0) for file in files}
    kept = _readable(session, person_id, project_id, ids.values())
    for file in files:
        found = kept.get(ids[file.id])
        if found is None or found.attachment.blob_key != file.blob_key:
            raise Conflict(
                _(
                    "%(name)s is not in Documents any more, or you may no longer see it. Take it "
                    "out of the chosen files, then attach the others.",
                    name=file.name,
                )
            )


def _readable(
    session: Session, person_id: int, project_id: int, version_ids: Iterable[int]
) -> dict[int, _Kept]:
    """Return those of these versions that are there for this person in this project's Documents."""
    rows = session.execute(
        select(Attachment, RecordRow.position, Record)
        .join(RecordRow, RecordRow.id == Attachment.row_id)
        .join(Record, Record.id == Attachment.record_id)
        .where(
            Attachment.id.in_(list(version_ids)),
            Attachment.removed_at.is_(None),
            Record.project_id == project_id,
            Record.tool_key == KEY,
            Record.status == "active",
            may_see(person_id),
            may_see_in_row(person_id),
        )
        .options(joinedload(Attachment.attached_by))
    )
    return {attachment.id: _Kept(attachment, number, record) for attachment, number, record in rows}


def _stored(session: Session, found: _Kept) -> Stored:
    version: Attachment = found.attachment
    owner: Person = version.attached_by
    return Stored(
        source=Source.DOCUMENTS,
        file_id=file_id(found.file.id),
        version_id=str(version.id),
        version_number=str(found.number),
        name=version.name,
        size_bytes=version.size_bytes,
        sha1=version.sha1,
        sha256=version.sha256,
        blob_key=version.blob_key,
        path=" / ".join(part for part in (_way(session, found.file), found.file.title) if part),
        owner=owner.name[:254],
    )


def file_id(document_id: int) -> str:
    """Return what a document is called among the files of a tray; Box's ids are numbers alone."""
    return f"d{document_id}"


def document_of(named: str) -> int:
    """Return the document that is called so in a tray, 0 when it is none."""
    return as_id(named.removeprefix("d")) or 0


def _named(token: str) -> tuple[int, int]:
    """Return the document and the version that a form names; Invalid when it names none."""
    document, _dash, version = token.partition("-")
    document_id, version_id = as_id(document), as_id(version)
    if document_id is None or version_id is None:
        raise Invalid(_(GONE))
    return document_id, version_id


# ---- afterwards


def originals(
    session: Session, person_id: int, project_id: int, files: Sequence[Attachment]
) -> dict[int, Original]:
    """Return what this person sees in Documents now of where files were taken from."""
    ids = {document_of(file.box_file_id or "") for file in files}
    newest: dict[int, int] = {}
    for document_id, number in session.execute(
        select(Record.id, func.max(RecordRow.position))
        .join(RecordRow, RecordRow.record_id == Record.id)
        .join(Attachment, Attachment.row_id == RecordRow.id)
        .where(
            Record.id.in_(ids),
            Record.project_id == project_id,
            Record.tool_key == KEY,
            Record.status == "active",
            Attachment.removed_at.is_(None),
            may_see(person_id),
            may_see_in_row(person_id),
        )
        .group_by(Record.id)
    ):
        newest[document_id] = number
    tool, found = tool_of(), {}
    for file in files:
        document_id = document_of(file.box_file_id or "")
        if document_id not in newest:
            continue
        url = url_for("tools.record", project_id=project_id, tool=tool, record_id=document_id)
        number = newest[document_id]
        is_newer = number > int(file.box_version_number or 0)
        found[file.id] = Original(url, str(number) if is_newer else "")
    return found

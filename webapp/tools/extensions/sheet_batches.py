"""A batch of files becomes drawings: proposed by their names, corrected by a person, published.

The files are moved, not copied: the attachment's row goes from the batch to the drawing with all it
tells of where the file came from, in the transaction that makes the drawing. Copies that are still
on their way from Box stay with the batch, which stays in review until they have come.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment, with_successors
from webapp.companies.models import Project
from webapp.core import audit
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import release, rows_changed
from webapp.core.names import extension_of
from webapp.core.problems import Conflict, Forbidden, Invalid
from webapp.core.text import _, ngettext, tidy
from webapp.imports.models import UNFINISHED, ImportItem, ItemState
from webapp.records.models import Record
from webapp.tools import lifecycle
from webapp.tools.extensions import sheet_names
from webapp.tools.extensions.drawing_revisions import (
    issue_of,
    make_room,
    place_of,
    placed_by,
    settle_current,
)
from webapp.tools.extensions.revision_order import Issue, Order, is_same_mark, order
from webapp.tools.forms import EARLIEST, LATEST
from webapp.tools.naming import name_of
from webapp.tools.parts import Standing
from webapp.tools.registry import Part, Tool
from webapp.tools.values import write_values

KEY = "drawings"
COLUMNS = ("number", "title", "discipline", "rev", "set", "dated_on", "place")
# What a person says of a revision that comes late, or of which it is not clear.
PLACES = {"behind": Order.EARLIER, "current": Order.LATER}
MOST = {"number": sheet_names.NUMBER_MAX_LENGTH, "title": 300, "rev": 10, "set": 80}
PDF_HEAD, PDF_LOOK_BYTES = b"%PDF-", 1024

Typed = Mapping[int, Mapping[str, str]]


@dataclass
class Sheet:
    """One file of a batch with what it is proposed to be; `errors` stand beside their fields.

    `known` are the revisions there are, in the order of their issue; `standing` says how this one
    stands to the last of them.
    """

    attachment: Attachment
    values: dict[str, str]
    known: tuple[Record, ...] = ()
    standing: Order = Order.LATER
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def replaces(self) -> Record | None:
        """The revision that was issued last before this batch."""
        return self.known[-1] if self.known else None

    @property
    def is_asked(self) -> bool:
        """Must, or may, somebody say whether it is filed behind the one there is?"""
        return self.standing in {Order.EARLIER, Order.UNCLEAR}

    @property
    def is_behind(self) -> bool:
        return PLACES.get(self.values["place"], self.standing) is Order.EARLIER


@dataclass(frozen=True)
class Review:
    """A batch's table, and what has not arrived yet."""

    batch: Record
    sheets: tuple[Sheet, ...]
    disciplines: tuple[tuple[str, str], ...]
    sets: tuple[str, ...]
    under_way: int
    failed: int

    @property
    def errors(self) -> int:
        return sum(len(sheet.errors) for sheet in self.sheets)


@dataclass(frozen=True)
class Made:
    """What came of a batch that was published."""

    drawings: int
    left: int


# ---- what there is


def files_of(session: Session, batch: Record) -> list[Attachment]:
    """Return the files of a batch that have arrived, in the order of their names.

    Without those whose place a newer version has taken: nobody is to publish them by accident.
    """
    found = session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id == batch.id,
            Attachment.row_id.is_(None),
            Attachment.removed_at.is_(None),
        )
        .options(with_successors())
    ).all()
    current = [one for one in found if one.superseded_by is None]
    return sorted(current, key=lambda one: (sheet_names.sorting_key(one.name), one.id))


def made_of(session: Session, batch: Record) -> list[Record]:
    """Return the drawings that a batch became; whoever sees the batch sees them all."""
    return list(
        session.scalars(
            select(Record)
            .where(Record.parent_id == batch.id, Record.tool_key == KEY)
            .order_by(Record.scope, Record.revision)
        )
    )


def under_way(session: Session, batch: Record) -> tuple[int, int]:
    """Return how many copies for a batch are still coming, and how many have failed."""
    row = session.execute(
        select(
            func.count(ImportItem.id).filter(ImportItem.state.in_(UNFINISHED)),
            func.count(ImportItem.id).filter(ImportItem.state == ItemState.FAILED),
        ).where(ImportItem.record_id == batch.id)
    ).one()
    return row[0], row[1]


def unfinished(session: Session, batch: Record) -> str:
    """Return why a batch cannot be finished yet, "" when nothing is left in it."""
    files, (coming, _failed) = len(files_of(session, batch)), under_way(session, batch)
    if files:
        return ngettext(
            "%(num)s file of this batch is neither published nor removed.",
            "%(num)s files of this batch are neither published nor removed.",
            files,
        )
    if coming:
        return ngettext(
            "%(num)s file is still on its way from Box.",
            "%(num)s files are still on their way from Box.",
            coming,
        )
    return ""


def review(session: Session, standing: Standing, typed: Typed | None = None) -> Review:
    """Return a batch's table: what was typed just now, was kept before, or the names propose.

    With `typed` only the files are in it that the form was about.
    """
    batch, tool = standing.record, standing.tool
    files = files_of(session, batch)
    if typed is not None:
        files = [file for file in files if file.id in typed]
    kept = batch.details.get("sheets", {})
    sheets = [
        Sheet(file, dict(typed[file.id]))
        if typed is not None
        # A file's own row is kept once somebody has saved it.
        else Sheet(
            file, dict(kept[str(file.id)]) if str(file.id) in kept else _proposed(file, batch)
        )
        for file in files
    ]
    known = _known(session, batch, (sheet.values["number"] for sheet in sheets))
    for sheet in sheets:
        sheet.values.setdefault("place", "")
        sheet.known = tuple(known.get(sheet_names.sorting_key(sheet.values["number"]), ()))
        if typed is None and str(sheet.attachment.id) not in kept:
            _fill_from(sheet, sheet.replaces)
        if sheet.replaces is not None and sheet.values["rev"]:
            sheet.standing = order(_issue(sheet.values), issue_of(sheet.replaces))
    coming, failed = under_way(session, batch)
    return Review(
        batch,
        tuple(sheets),
        tuple((key, _(label)) for key, label in tool.field("discipline").choices),
        _sets(session, batch),
        coming,
        failed,
    )


def _proposed(file: Attachment, batch: Record) -> dict[str, str]:
    """Return what a file's name says, completed by what the batch says of all its sheets."""
    said = sheet_names.read_sheet_name(file.original_name)
    dated_on = said.dated_on or batch.dated_on
    return {
        "number": said.number,
        "title": said.title[: MOST["title"]],
        "discipline": said.discipline,
        "rev": said.revision,
        "set": said.sheet_set or str(batch.details.get("set") or ""),
        "dated_on": dated_on.isoformat() if dated_on else "",
    }


def _issue(values: Mapping[str, str]) -> Issue:
    return Issue(values["rev"], _day(values["dated_on"]))


def _fill_from(sheet: Sheet, newest: Record | None) -> None:
    """Complete a proposal by the revision before it; a first revision is 0."""
    values = sheet.values
    if newest is None:
        values["rev"] = values["rev"] or ("0" if values["number"] else "")
        return
    values["number"] = newest.number or values["number"]
    if not values["title"] or values["title"].lower() == newest.title.lower():
        values["title"] = newest.title
    values["discipline"] = str(newest.details.get("discipline") or values["discipline"])
    values["rev"] = values["rev"] or sheet_names.next_revision(str(newest.details.get("rev") or ""))


def _known(session: Session, batch: Record, numbers: Iterable[str]) -> dict[str, list[Record]]:
    """Return the revisions there are of these numbers, in the order of their issue."""
    keys = {sheet_names.sorting_key(number) for number in numbers if number}
    found: dict[str, list[Record]] = {}
    for record in session.scalars(
        select(Record)
        .where(
            Record.project_id == batch.project_id,
            Record.tool_key == KEY,
            Record.scope.in_(keys),
            Record.number.is_not(None),
        )
        .order_by(Record.revision)
    ):
        found.setdefault(record.scope, []).append(record)
    return found


def _sets(session: Session, batch: Record) -> tuple[str, ...]:
    said = Record.details["set"].as_string()
    rows = session.scalars(
        select(said).where(Record.project_id == batch.project_id, Record.tool_key == KEY).distinct()
    )
    return tuple(sorted({text for text in rows if text}))


# ---- what was typed


def typed_of(form: Mapping[str, str], ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return what a form says of each file it is about."""
    typed = {}
    for attachment_id in ids:
        values = {key: tidy(form.get(f"sheet-{attachment_id}-{key}")) for key in COLUMNS}
        values["number"] = sheet_names.tidy_number(values["number"])
        typed[attachment_id] = {key: value[:500] for key, value in values.items()}
    return typed


def not_pdfs(session: Session, batch: Record, typed: Typed) -> frozenset[int]:
    """Return which files of a form are no PDF, whatever they are called.

    Reads the beginning of each, so it is asked before the writing transaction and not within it,
    and gives the connection back first.
    """
    files = [file for file in files_of(session, batch) if file.id in typed]
    release()
    return frozenset(file.id for file in files if not _is_pdf(file))


def _is_pdf(file: Attachment) -> bool:
    if not _is_called_pdf(file):
        return False
    end = min(file.size_bytes, PDF_LOOK_BYTES)
    # Readers accept a header anywhere in the first kilobyte (PDF 1.7, appendix H.3.4.1).
    return end > 0 and PDF_HEAD in b"".join(blobs().read(file.blob_key, 0, end))


def _is_called_pdf(file: Attachment) -> bool:
    return extension_of(file.name) == "pdf"


def checked(session: Session, standing: Standing, typed: Typed, wrong: frozenset[int]) -> Review:
    """Return a batch's table with what stands in the way of publishing beside each field.

    `wrong` are the files that are no PDF.
    """
    found = review(session, standing, typed)
    known = _known(session, found.batch, (sheet.values["number"] for sheet in found.sheets))
    _check(found, known, wrong)
    return found


def _check(found: Review, known: dict[str, list[Record]], wrong: frozenset[int]) -> None:
    seen: dict[str, int] = {}
    for sheet in found.sheets:
        key = sheet_names.sorting_key(sheet.values["number"])
        seen[key] = seen.get(key, 0) + 1
    for sheet in found.sheets:
        values, errors = sheet.values, sheet.errors
        if sheet.attachment.id in wrong or not _is_called_pdf(sheet.attachment):
            errors["file"] = _("This is not a PDF. Drawings are PDFs, one sheet each.")
        _check_filled(values, errors)
        key = sheet_names.sorting_key(values["number"])
        if values["number"] and seen[key] > 1:
            errors["number"] = _("%(number)s is in this batch twice.", number=values["number"])
        if values["rev"] and _has_revision(known.get(key, ()), values["rev"]):
            errors["rev"] = _("There is a revision %(rev)s already.", rev=values["rev"])
        elif sheet.standing is Order.UNCLEAR and values["place"] not in PLACES:
            errors["place"] = _("Say which of the two is current.")
        if values["discipline"] not in {key for key, _label in found.disciplines}:
            errors["discipline"] = _("Choose a discipline.")
        if values["dated_on"] and _day(values["dated_on"]) is None:
            errors["dated_on"] = _("Choose a date between 1900 and 2200.")


def _check_filled(values: Mapping[str, str], errors: dict[str, str]) -> None:
    missing = {
        "number": _("Write the sheet's number, A-101 for example."),
        "title": _("Write the sheet's title."),
        "rev": _("Write the revision, 0 for the first."),
        "set": _("Say which set it belongs to."),
    }
    for key, advice in missing.items():
        if not values[key]:
            errors[key] = advice
        elif len(values[key]) > MOST[key]:
            most = MOST[key]
            errors[key] = _("Write at most %(num)s characters.", num=most)


def _has_revision(records: Iterable[Record], rev: str) -> bool:
    return any(is_same_mark(str(one.details.get("rev") or ""), rev) for one in records)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EARLIEST <= found <= LATEST else None


# ---- what becomes of it


def keep(session: Session, standing: Standing, typed: Typed, *, version: int) -> None:
    """Keep what was corrected; nothing is checked and nothing published."""
    batch = _open_batch(standing, version)
    _require_there(session, batch, typed)
    _remember(batch, typed)
    lifecycle.after_change(session, standing)
    _note(session, standing, batch, "record.changed", changes=[])


def publish(
    session: Session,
    standing: Standing,
    typed: Typed,
    *,
    version: int,
    status: str,
    wrong: frozenset[int],
) -> Made:
    """Make a drawing of each file of the form, in `status`; all of them, or Invalid and none."""
    batch = _open_batch(standing, version)
    # Whoever holds the project's row gives revisions alone (SQLite's writer is alone anyway).
    session.execute(select(Project.id).where(Project.id == batch.project_id).with_for_update())
    _require_there(session, batch, typed)
    found = checked(session, standing, typed, wrong)
    if not found.sheets:
        raise Invalid(_("No file of this batch has arrived yet."))
    if found.errors:
        raise Invalid(_("Nothing was published. Look at the marked fields, then publish again."))
    for sheet in found.sheets:
        _make(session, standing, sheet, status)
    _forget(batch, typed)
    left = len(files_of(session, batch))
    coming, failed = under_way(session, batch)
    if not left and not coming and not failed:
        finish = standing.tool.transition("finish")
        assert finish is not None
        lifecycle.move(session, standing, finish)
    else:
        lifecycle.after_change(session, standing)
    return Made(len(found.sheets), left)


def _open_batch(standing: Standing, version: int) -> Record:
    batch = standing.record
    if Part.ADMIN not in standing.parts:
        raise Forbidden(_("Only the tool's admins publish drawings."))
    if batch.status != "in_review":
        raise Conflict(_("This batch has been finished since the page was opened."))
    if batch.version != version:
        raise Conflict(_("This batch was changed while you were looking through it."))
    return batch


def _require_there(session: Session, batch: Record, typed: Typed) -> None:
    there = {file.id for file in files_of(session, batch)}
    if set(typed) - there:
        raise Conflict(
            _("A file of this batch was removed or published since the page was opened.")
        )


def _remember(batch: Record, typed: Typed) -> None:
    kept = {**batch.details.get("sheets", {})}
    kept |= {str(attachment_id): dict(values) for attachment_id, values in typed.items()}
    batch.details = {**batch.details, "sheets": kept}


def _forget(batch: Record, typed: Typed) -> None:
    gone = {str(attachment_id) for attachment_id in typed}
    kept = batch.details.get("sheets", {})
    batch.details = {
        **batch.details,
        "sheets": {key: values for key, values in kept.items() if key not in gone},
    }


def _make(session: Session, standing: Standing, sheet: Sheet, status: str) -> Record:
    """Add the revision that a sheet is, and hang its file there."""
    batch, tool, values, before = standing.record, standing.tool, sheet.values, sheet.replaces
    answer = PLACES.get(values["place"], Order.UNCLEAR) if sheet.is_asked else Order.UNCLEAR
    place = place_of(_issue(values), sheet.known, unclear=answer)
    assert place is not None
    record = Record(
        project_id=batch.project_id,
        tool_key=tool.key,
        # The same drawing is written in one way, A-101 and never A101 beside it.
        number=before.number if before else values["number"],
        scope=sheet_names.sorting_key(values["number"]),
        revision=make_room(session, sheet.known, place),
        status=status,
        is_open=True,
        parent_id=batch.id,
        created_by_id=standing.person_id,
        saved_at=utcnow(),
        opened_at=utcnow(),
        details={},
    )
    session.add(record)
    session.flush()
    write_values(session, tool, record, _written(batch, values))
    record.details = {**record.details, **placed_by(record)}
    lifecycle.restrict(session, tool, record)
    _note(session, standing, record, "record.created", changes=[])
    _move_file(session, standing, sheet.attachment, record, tool)
    if status == "published":
        settle_current(session, tool, record, person_id=standing.person_id)
    return record


def _written(batch: Record, values: Mapping[str, str]) -> dict[str, Any]:
    received_on = batch.details.get("received_on")
    return {
        "title": values["title"],
        "discipline": values["discipline"],
        "rev": values["rev"],
        "set": values["set"],
        "area": batch.details.get("area"),
        "dated_on": _day(values["dated_on"]),
        "received_on": date.fromisoformat(received_on) if received_on else None,
    }


def _move_file(
    session: Session, standing: Standing, file: Attachment, record: Record, tool: Tool
) -> None:
    batch = standing.record
    moved = session.execute(
        update(Attachment)
        .where(
            Attachment.id == file.id,
            Attachment.record_id == batch.id,
            Attachment.removed_at.is_(None),
        )
        .values(record_id=record.id)
    )
    if rows_changed(moved) != 1:
        raise Conflict(
            _("A file of this batch was removed or published since the page was opened.")
        )
    facts = {"name": file.name, "sha1": file.sha1, "attachment": file.public_id}
    there = name_of(tool, record)
    _note(session, standing, batch, "file.moved_on", there=there, to_record=record.id, **facts)
    where = name_of(tool, batch)
    _note(session, standing, record, "file.taken_over", where=where, from_record=batch.id, **facts)


def _note(session: Session, standing: Standing, record: Record, event: str, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=standing.person_id,
        project_id=record.project_id,
        record_id=record.id,
        **facts,
    )

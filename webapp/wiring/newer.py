"""Newer in Box: which files of a record have a newer version there, and taking it with one click.

It is a hint, so it costs nobody anything: it is asked for after the page has come, of the viewer's
own Box alone, a few files and seconds at most, and what Box does not answer is left out. What it
has answered is remembered for some minutes.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.attachments.models import Attachment, Source
from webapp.box.client import BoxClient
from webapp.box.errors import BoxError, BoxLinkBroken, BoxMisconfigured, BoxUnavailable
from webapp.box.items import BoxItem
from webapp.box_link.clients import box_access
from webapp.box_link.models import BoxLink
from webapp.companies import access
from webapp.core import htmx
from webapp.core.clock import utcnow
from webapp.core.converters import ID_MAX
from webapp.core.database import db, release
from webapp.core.numbers import as_whole
from webapp.core.problems import Conflict, NotFound
from webapp.core.text import _, local_date
from webapp.imports.models import UNFINISHED, ImportItem
from webapp.imports.tasks import queue
from webapp.picker.host import Action, Choice, Door, Tray
from webapp.picker.host import Target as PickerTarget
from webapp.picker.rows import RowMaker, open_choice
from webapp.picker.seals import Seals
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import hangs_on_seen, hangs_visibly, may_see_in_row
from webapp.tools.file_pages import row_names
from webapp.tools.files import attached_to
from webapp.tools.page import open_record
from webapp.tools.parts import Standing
from webapp.tools.registry import Tool
from webapp.wiring.picker_host import PlumblineHost
from webapp.wiring.targets import box_refusal, record_url, send_newer

FILES_MAX = 20
CALL_SECONDS, LOOK_SECONDS = 2.0, 3.0
KNOWN_FOR_SECONDS = 300.0
KNOWN_MAX = 10_000
# So many threads at most wait for Box for a hint; the others are for those who wait themselves.
LOOKS_AT_ONCE = 4

Version = tuple[int | None, str, str]


@dataclass(frozen=True)
class Newer:
    """A file of a record of which the viewer's Box holds another version now."""

    attachment: Attachment
    number: str
    row: str
    may_take: bool


@dataclass
class _Known:
    """What Box has said lately, by session and file; None for a file it did not show."""

    items: dict[tuple[str, str], tuple[float, BoxItem | None]] = field(default_factory=dict)

    def get(self, key: tuple[str, str]) -> tuple[bool, BoxItem | None]:
        until, item = self.items.get(key, (0.0, None))
        return until > time.monotonic(), item

    def put(self, key: tuple[str, str], item: BoxItem | None) -> None:
        if len(self.items) >= KNOWN_MAX:
            self.items.clear()
        self.items[key] = (time.monotonic() + KNOWN_FOR_SECONDS, item)


def create_blueprint(host: PlumblineHost) -> Blueprint:
    """Return the two views of a record; they hang under its address."""
    bp = Blueprint("newer", __name__)
    known = _Known()
    places = threading.BoundedSemaphore(LOOKS_AT_ONCE)

    @bp.get("/")
    def show(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
        """What of this record is newer in the viewer's Box; nothing where there is no telling."""
        entry = access.entry(project_id, me().id)
        found = open_record(tool, project_id, record_id, me().id)
        if not htmx.wants_partial():
            return redirect(record_url(tool, found.record), 303)
        link = db.session.scalar(select(BoxLink).where(BoxLink.person_id == me().id))
        is_shut = box_refusal(me().id, entry.company, link_state=link.state if link else None)
        look = None if is_shut else _Look.at(db.session(), found)
        newer = look.newer(known, places) if look else []
        return make_response(
            render_template("imports/_newest.html", newer=newer, here=request.path)
        )

    @bp.post("/")
    def take(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
        """Copy the newest version of a file; once it is verified it takes the file's place."""
        host.admit(Action.SEND)
        older = _file(record_id, request.form.get("file", ""))
        target = host.open_target(
            project_id=project_id, tool=tool, record_id=record_id, row_id=older.row_id
        )
        choice = _newest(host.box(target), target, older)
        if choice is not None:
            queue().wake(send_newer(me().id, target.handle.target, choice, supersedes_id=older.id))
        if htmx.wants_partial():
            return htmx.announce(Response(status=204), "files-changed")
        return redirect(target.back_url, 303)

    return bp


def _file(record_id: int, public_id: str) -> Attachment:
    found = db.session.scalar(
        select(Attachment)
        .join(Record, Record.id == Attachment.record_id)
        .where(
            Attachment.public_id == public_id,
            Attachment.record_id == record_id,
            Attachment.removed_at.is_(None),
            Attachment.source == Source.BOX,
            hangs_visibly(me().id, Attachment.row_id),
        )
    )
    if found is None:
        raise NotFound
    return found


def _newest(door: Door, target: PickerTarget, older: Attachment) -> Choice | None:
    """Return the newest version as the dialog offers it; Conflict with why it does not.

    None for one that is on its way already: whoever clicks twice has what they want.
    """
    if door.client is None:
        raise Conflict(door.advice, title=_("Box cannot be used here now"))
    try:
        item = door.client.file(older.box_file_id or "")
    except BoxError as error:
        raise Conflict(_(error.advice), title=_("The newer version was not taken")) from None
    if (item.id, item.version_id) in target.coming:
        return None
    seals = Seals(str(current_app.secret_key), target.person_key)
    maker = RowMaker(
        seals,
        target,
        Tray(""),
        folder_prefix="",
        my_box_id=door.box_user_id,
        today=local_date(utcnow()),
    )
    (row,) = maker.rows([item], with_paths=True)
    if not row.token:
        raise Conflict(f"{row.why}.", title=_("The newer version was not taken"))
    return open_choice(seals, row.token, ())


@dataclass(frozen=True)
class _Look:
    """The files of a record that came from Box, and what is there or on its way already."""

    files: tuple[Attachment, ...]
    there: frozenset[Version]
    rows: dict[int, str]
    may_take: dict[int | None, bool]
    client: BoxClient

    @classmethod
    def at(cls, session: Session, found: Standing) -> "_Look":
        person = me()
        copies = [a for a in attached_to(session, found) if a.source == Source.BOX]
        latest: dict[tuple[int | None, str | None], Attachment] = {}
        for copy in copies:
            if copy.superseded_by is None:
                latest.setdefault((copy.row_id, copy.box_file_id), copy)
        files = tuple(latest.values())
        look = cls(
            files[:FILES_MAX],
            frozenset((c.row_id, c.box_file_id or "", c.box_version_id or "") for c in copies)
            | frozenset(_coming(session, found)),
            row_names(session, found) if any(file.row_id for file in files) else {},
            _takers(session, found, {file.row_id for file in files}),
            box_access().client(person_id=person.id, session_hash=person.session_hash),
        )
        # The connection goes back to the pool before anybody waits for Box.
        release()
        return look

    def newer(self, known: _Known, places: threading.BoundedSemaphore) -> list[Newer]:
        items = self._asked(known, places)
        found = []
        for file in self.files:
            item = items.get(file.box_file_id or "")
            version_id = item.version_id if item else None
            if item is None or version_id is None or not item.may_download:
                continue
            if (file.row_id, item.id, version_id) in self.there or _is_older(item, file):
                continue
            found.append(
                Newer(
                    file,
                    _number(item),
                    self.rows.get(file.row_id, "") if file.row_id else "",
                    self.may_take[file.row_id],
                )
            )
        return found

    def _asked(self, known: _Known, places: threading.BoundedSemaphore) -> dict[str, BoxItem]:
        session_hash = me().session_hash
        found: dict[str, BoxItem] = {}
        unknown = []
        for file_id in dict.fromkeys(file.box_file_id or "" for file in self.files):
            is_known, item = known.get((session_hash, file_id))
            if not is_known:
                unknown.append(file_id)
            elif item is not None:
                found[file_id] = item
        if unknown and places.acquire(blocking=False):
            try:
                for file_id, item in self._ask(unknown):
                    known.put((session_hash, file_id), item)
                    if item is not None:
                        found[file_id] = item
            finally:
                places.release()
        return found

    def _ask(self, file_ids: list[str]) -> Iterable[tuple[str, BoxItem | None]]:
        """Yield what Box says of each file, for as long as a hint may take."""
        ends = time.monotonic() + LOOK_SECONDS
        for file_id in file_ids:
            if time.monotonic() > ends:
                return
            try:
                yield file_id, self.client.file(file_id, seconds=CALL_SECONDS)
            except (BoxUnavailable, BoxLinkBroken, BoxMisconfigured):
                return
            except BoxError:
                yield file_id, None


def _number(item: BoxItem) -> str:
    """Return which version of its file this is, "" where Box does not count in a few digits."""
    text = str(item.version_number or "")
    return text if as_whole(text, ID_MAX) is not None else ""


def _is_older(item: BoxItem, file: Attachment) -> bool:
    """True where what was remembered of Box is behind what is attached by now."""
    ours, theirs = (as_whole(n, ID_MAX) for n in (file.box_version_number, _number(item)))
    return ours is not None and theirs is not None and theirs < ours


def _coming(session: Session, found: Standing) -> Iterable[Version]:
    rows = session.execute(
        select(ImportItem.row_id, ImportItem.box_file_id, ImportItem.box_version_id).where(
            ImportItem.record_id == found.record.id,
            ImportItem.state.in_(UNFINISHED),
            hangs_on_seen(found.person_id, ImportItem.row_id),
        )
    )
    return [(row_id, file_id, version_id) for row_id, file_id, version_id in rows]


def _takers(session: Session, found: Standing, row_ids: set[int | None]) -> dict[int | None, bool]:
    """Return on which of these rows, None for the record itself, this person may hang files."""
    may: dict[int | None, bool] = {None: found.may_attach}
    ids = [row_id for row_id in row_ids if row_id is not None]
    if ids:
        seen = may_see_in_row(found.person_id)
        for row in session.scalars(select(RecordRow).where(RecordRow.id.in_(ids), seen)):
            may[row.id] = found.may_attach_to_row(row)
    return may

"""The picker in Plumbline: targets are records and their rows, choices live in trays."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from flask import Response, url_for
from flask_limiter.errors import RateLimitExceeded
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from webapp.accounts.identity import me
from webapp.attachments.models import Source
from webapp.box.items import Origin
from webapp.box_link.clients import box_access
from webapp.box_link.models import BoxLink
from webapp.companies import access
from webapp.companies.box_access import may_link, standings_of
from webapp.companies.models import Company
from webapp.core import htmx
from webapp.core.blobs import blobs
from webapp.core.database import db, release
from webapp.core.digests import Digesting
from webapp.core.extensions import limiter
from webapp.core.formats import filesize, moment
from webapp.core.names import BLOCKED_EXTENSIONS, clean_name, extension_of
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound
from webapp.core.settings import settings
from webapp.core.text import _, ngettext
from webapp.imports import trays, uploads, walks
from webapp.imports.models import PartialUpload as UploadRow
from webapp.imports.models import TrayItem, new_blob_key
from webapp.imports.tasks import queue
from webapp.imports.trays import Sent, Twice
from webapp.picker.host import (
    Action,
    Choice,
    Chosen,
    Door,
    FolderChoice,
    LastFolder,
    PartialUpload,
    PickerHost,
    Shut,
    TooSoon,
    Tray,
    Verdict,
)
from webapp.picker.host import Source as PickerSource
from webapp.picker.host import Target as PickerTarget
from webapp.picker.seals import Crumb
from webapp.picker.views import tray_saying
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import Target, row_for
from webapp.tools.naming import name_of
from webapp.tools.page import open_record
from webapp.tools.parts import Standing
from webapp.tools.registry import TOOLS, Tool
from webapp.wiring.chosen_folders import as_chosen
from webapp.wiring.confirming import Meetings, judge, who_sees
from webapp.wiring.targets import (
    box_refusal,
    record_url,
    refusal_text,
    send_tray,
)

UPLOAD_BLOCK_BYTES = 1 << 20
SEARCH_WAIT_S = 60.0
TWICE_NAMED = 5


def _mine() -> str:
    return f"picker-{me().id}"


# Half of what Box allows one account, so that a person never uses up what their copies need.
@limiter.shared_limit("30/minute;6/second", scope="box-search", key_func=_mine)
def _count_search() -> None:
    """Refuse more searches than Box would answer."""


@limiter.shared_limit("300/minute", scope="box-list", key_func=_mine)
def _count_listing() -> None:
    """Refuse to open folders faster than a person can look at them."""


# One folder's worth of pictures and a few more, well below what Box answers one account.
@limiter.shared_limit("400/minute", scope="box-look", key_func=_mine)
def _count_look() -> None:
    """Refuse more pictures than a person can look at."""


@limiter.shared_limit("60/minute", scope="attach", key_func=_mine)
def _count_sending() -> None:
    """Refuse to attach more often than a person can choose."""


COUNTS = {
    Action.LIST: _count_listing,
    Action.SEARCH: _count_search,
    Action.SEND: _count_sending,
    Action.LOOK: _count_look,
}


@dataclass(frozen=True)
class _Handle:
    """What the host keeps with the picker's target."""

    standing: Standing
    target: Target
    company: Company


class PlumblineHost:
    """Implements `PickerHost`; everything it returns is for the person who is signed in."""

    def open_target(
        self, *, project_id: int, tool: Tool, record_id: int, row_id: int | None = None
    ) -> PickerTarget:
        """Return the record or row for which this person may choose files."""
        person = me()
        entry = access.entry(project_id, person.id)
        found = open_record(tool, project_id, record_id, person.id)
        if not _may_attach(found, row_id):
            raise Forbidden(_("You may not attach files here, or not any more."))
        config = settings()
        record = found.record
        target = Target(project_id, tool.key, record_id, row_id)
        return PickerTarget(
            person_key=str(person.id),
            title=name_of(tool, record),
            subtitle=record.title,
            back_url=record_url(tool, record),
            offers_box=tool.attaches_from_box,
            file_max_bytes=config.file_max_bytes,
            files_max=config.files_per_action,
            blocked_extensions=BLOCKED_EXTENSIONS,
            company=entry.company.name,
            who_sees=partial(_who_sees, tool, target),
            handle=_Handle(found, target, entry.company),
            already=trays.attached_versions(db.session(), target, Source.BOX),
            coming=trays.coming_versions(db.session(), target),
            sources=_sources(person.id, tool, target),
            judge=judge(entry.company),
        )

    def admit(self, action: Action) -> None:
        try:
            COUNTS[action]()
        except RateLimitExceeded:
            if action != Action.SEARCH:
                raise
            reached = limiter.current_limit
            wait_s = reached.reset_at - time.time() if reached else SEARCH_WAIT_S
            raise TooSoon(
                _("That was many searches in a short time."), wait_s=max(1.0, wait_s)
            ) from None

    def box(self, target: PickerTarget) -> Door:
        """Return this person's Box, or why it is shut here; never anybody else's."""
        person = me()
        company: Company = target.handle.company
        link = db.session.scalar(select(BoxLink).where(BoxLink.person_id == person.id))
        refusal = box_refusal(person.id, company, link_state=link.state if link else None)
        login = link.box_login if link else ""
        if refusal is not None:
            linkable = may_link(standings_of(person.id))
            return Door(
                None,
                login=login,
                ended=moment(link.ended_at) if link and link.ended_at else "",
                shut=Shut(refusal.value),
                advice=refusal_text(refusal, company),
                link_url=url_for("box_link.link") if linkable else "",
                help_url=url_for("box_link.help_page"),
            )
        assert link is not None
        box_user_id, box_name, box_company = link.box_user_id, link.box_name, link.box_company
        # The connection goes back to the pool before anybody waits for Box.
        release()
        client = box_access().client(person_id=person.id, session_hash=person.session_hash)
        return Door(
            client,
            login=login,
            name=box_name,
            company=box_company,
            box_user_id=box_user_id,
            settings_url=url_for("box_link.settings_page"),
            help_url=url_for("box_link.help_page"),
        )

    def last_folder(self, target: PickerTarget) -> LastFolder | None:
        """Return where this person, else a colleague, last attached from; never a colleague's way
        there: what Box calls it is asked of this person's own Box."""
        found = trays.last_folder(db.session(), me().id, target.handle.target)
        if found is None:
            return None
        if found.person_id != me().id:
            return LastFolder(found.folder_id, by=found.person.name)
        return LastFolder(found.folder_id, tuple(Crumb(id_, name) for id_, name in found.trail))

    def tray(self, target: PickerTarget) -> Tray:
        found = trays.contents(me().id, target.handle.target)
        meetings = Meetings(db.session(), target.handle.target, found.items)
        query = select(BoxLink.box_login).where(BoxLink.person_id == me().id)
        login = db.session.scalar(query) or ""
        chosen = tuple(_chosen(target, item, meetings, login) for item in found.items)
        parts = walks.parts(
            db.session(), found.tray_id, found.items, files_max=target.files_max, judge=target.judge
        )
        folders = tuple(as_chosen(part, target) for part in parts)
        release()
        return Tray(found.key, chosen, found.box_file_ids, found.reason_given, folders)

    def choose(
        self,
        target: PickerTarget,
        *,
        add: Sequence[Choice],
        folders: Sequence[FolderChoice],
        remove: Iterable[str],
    ) -> None:
        login = _login(target) if add or folders else ""
        _refuse_taken(target, add)
        _refuse_unwelcome(target, add)
        trays.change(
            me().id,
            target.handle.target,
            add=add,
            folders=folders,
            remove=list(remove),
            box_login=login,
            files_max=target.files_max,
        )
        if folders:
            queue().wake(len(folders))

    def take_out(self, target: PickerTarget, item_id: int | None) -> None:
        if item_id is None:
            trays.clear(me().id, target.handle.target)
        else:
            trays.take_out(me().id, target.handle.target, item_id)

    def take_out_folder(self, target: PickerTarget, item_id: int) -> None:
        trays.take_out_folder(me().id, target.handle.target, item_id)

    def count_again(self, target: PickerTarget, item_id: int) -> None:
        login = _login(target)
        trays.count_again(me().id, target.handle.target, item_id, box_login=login)
        queue().wake(1)

    def upload(self, target: PickerTarget, file: FileStorage) -> None:
        """Store an uploaded file; it hangs on nothing until the tray is sent."""
        name = _accepted_name(target, file.filename or "")
        blocks = iter(lambda: file.stream.read(UPLOAD_BLOCK_BYTES), b"")
        _take_in(target, name, blocks, size_bytes=file.content_length or None)

    def begin_upload(self, target: PickerTarget, name: str, size_bytes: int) -> PartialUpload:
        name = _accepted_name(target, name)
        place = target.handle.target
        trays.require_room(me().id, place, files_max=target.files_max)
        begun = uploads.begin(me().id, place, name, size_bytes)
        if size_bytes == 0:
            _finish(target, begun, ())
        return _shown(begun)

    def partial_upload(self, target: PickerTarget, upload_id: str) -> PartialUpload:
        return _shown(_my_upload(target, upload_id))

    def unfinished_uploads(self, target: PickerTarget) -> Sequence[PartialUpload]:
        return [_shown(upload) for upload in uploads.unfinished(me().id, target.handle.target)]

    def add_part(
        self, target: PickerTarget, upload_id: str, offset: int, blocks: Iterator[bytes]
    ) -> PartialUpload:
        found = _my_upload(target, upload_id)
        if offset != found.offset_bytes:
            raise uploads.moved_on()
        # Nobody holds a connection of the database while a slow network brings the bytes.
        release()
        first = next(blocks, b"")
        if not first:
            return _shown(found)
        key = uploads.new_part_key(found.token)
        blobs().put(key, chain((first,), blocks))
        try:
            if offset + (blobs().size(key) or 0) == found.size_bytes:
                _finish(target, found, (*found.parts, key))
            else:
                uploads.keep(found, key, blobs().size(key) or 0)
        except BaseException:
            blobs().delete(key)
            raise
        return self.partial_upload(target, upload_id)

    def abandon_upload(self, target: PickerTarget, upload_id: str) -> None:
        uploads.forget(_my_upload(target, upload_id))

    def explain(self, target: PickerTarget, reason: str) -> None:
        trays.explain(me().id, target.handle.target, reason)

    def attach(self, target: PickerTarget, key: str, *, reason: str) -> Response:
        """Send the tray: uploads are attached at once, copies from Box begin."""
        sent = send_tray(me().id, target.handle.target, key, reason=reason)
        if sent.copies:
            queue().wake(sent.copies)
        if sent.twice:
            return tray_saying(_left_out(sent), "files-changed", "tray-changed")
        if not htmx.wants_partial():
            return htmx.go_to(target.back_url)
        return htmx.announce(Response(status=204), "close-dialog", "files-changed")


_checked: type[PickerHost] = PlumblineHost


def _left_out(sent: Sent) -> str:
    """Return what was there already, by whom and since when, and what became of the rest."""
    said = [_twice_text(one) for one in sent.twice[:TWICE_NAMED]]
    more = len(sent.twice) - len(said)
    if more:
        text = ngettext(
            "%(num)s more file was there already.", "%(num)s more files were there already.", more
        )
        said.append(text)
    if sent.copies or sent.attached:
        said.append(_("Everything else was accepted."))
    return " ".join(said)


def _twice_text(one: Twice) -> str:
    facts = {"name": one.name, "by": one.by, "when": moment(one.at)}
    if one.is_coming:
        return _("%(name)s is on its way here already; %(by)s chose it %(when)s.", **facts)
    return _("%(name)s was attached here already by %(by)s, %(when)s.", **facts)


def _login(target: PickerTarget) -> str:
    """Return the Box account that is linked; raises Conflict when Box cannot be used here."""
    link = db.session.scalar(select(BoxLink).where(BoxLink.person_id == me().id))
    company: Company = target.handle.company
    refusal = box_refusal(me().id, company, link_state=link.state if link else None)
    if refusal is not None:
        raise Conflict(refusal_text(refusal, company))
    assert link is not None
    return link.box_login


def _accepted_name(target: PickerTarget, name: str) -> str:
    """Return what an upload will be called here; raises Invalid for a kind that is blocked."""
    # As it will be called here: "setup.exe." is "setup.exe".
    name = clean_name(name, fallback=_("unnamed"))
    if extension_of(name) in target.blocked_extensions:
        raise Invalid(
            _(
                "%(company)s does not accept .%(extension)s files.",
                company=target.company,
                extension=extension_of(name),
            )
        )
    return name


def _take_in(
    target: PickerTarget,
    name: str,
    blocks: Iterator[bytes],
    *,
    size_bytes: int | None,
    together_with: Callable[[Session], None] | None = None,
) -> None:
    """Store a file and put it into the tray: the one door for whatever a computer sends."""
    key = new_blob_key()
    with Digesting(size_bytes) as digesting:
        limited = _limited(digesting.through(blocks), digesting, target.file_max_bytes)
        blobs().put(key, limited)
        digests = digesting.digests()
    stored = trays.Upload(name, digests.size_bytes, digests.sha1, digests.sha256, key)
    try:
        trays.add_upload(
            me().id,
            target.handle.target,
            stored,
            files_max=target.files_max,
            together_with=together_with,
        )
    except (Invalid, Conflict):
        blobs().delete(key)
        raise


def _finish(target: PickerTarget, upload: UploadRow, parts: Sequence[str]) -> None:
    """Put the parts together and into the tray; of two who try at once, one does."""
    _take_in(
        target,
        upload.name,
        blobs().read_together(parts),
        size_bytes=upload.size_bytes,
        together_with=partial(uploads.finish, upload),
    )
    for key in parts:
        blobs().delete(key)


def _my_upload(target: PickerTarget, upload_id: str) -> UploadRow:
    found = uploads.find(me().id, target.handle.target, upload_id)
    if found is None:
        raise NotFound
    return found


def _shown(upload: UploadRow) -> PartialUpload:
    return PartialUpload(
        upload.token, upload.name, upload.size_bytes, upload.offset_bytes, upload.expires_at
    )


def _limited(blocks: Iterator[bytes], digesting: Digesting, most: int) -> Iterator[bytes]:
    """Stop a stream that grows over the limit; the store then keeps nothing of it."""
    for block in blocks:
        if digesting.size_bytes > most:
            raise Invalid(_("Over the %(limit)s limit for one file.", limit=filesize(most)))
        yield block


def _may_attach(found: Standing, row_id: int | None) -> bool:
    if row_id is None:
        return found.may_attach
    return found.may_attach_to_row(row_for(found.person_id, found.record, row_id))


def _sources(person_id: int, tool: Tool, target: Target) -> tuple[PickerSource, ...]:
    """Return what the other tools offer this person to choose from."""
    others = (other.extension.source(person_id, target) for other in TOOLS if other is not tool)
    return tuple(source for source in others if source is not None)


def _chosen(target: PickerTarget, item: TrayItem, meetings: Meetings, login: str) -> Chosen:
    """Return a file of the tray with what is to be known before it is attached.

    `login` is the account of Box that is linked now, "" when there is none.
    """
    verdict = Verdict()
    if item.source == Source.BOX:
        origin = Origin(item.box_owner, item.box_owner_login, item.box_classification)
        verdict = target.judge(origin)
    why_not = verdict.why_not
    if trays.is_elsewhere(item.box_login, login):
        why_not = _(
            "Chosen in the Box account %(login)s, which is not linked now", login=item.box_login
        )
    return Chosen(
        item.id,
        item.name,
        item.size_bytes,
        _place(item),
        item.source == Source.BOX,
        marks=(*meetings.words(item), *([verdict.mark] if verdict.mark else [])),
        needs_reason=verdict.needs_reason,
        why_not=why_not,
    )


def _who_sees(tool: Tool, target: Target) -> str:
    record = db.session.get_one(Record, target.record_id)
    row = db.session.get_one(RecordRow, target.row_id) if target.row_id else None
    company = record.project.company
    return who_sees(tool, record, row, company)


def _place(item: TrayItem) -> str:
    """Return the folder of a chosen file; "" for one from the computer."""
    tool = TOOLS.get(item.source)
    if tool is None:
        return item.box_path
    folder, _slash, _name = item.box_path.rpartition(" / ")
    return _(
        "%(tool)s / %(folder)s, version %(number)s",
        tool=_(tool.label),
        folder=folder,
        number=item.box_version_number,
    )


def _refuse_taken(target: PickerTarget, add: Sequence[Choice]) -> None:
    """Refuse what another tab has attached since this one showed it as free."""
    for choice in add:
        is_there = choice.version_id in target.already.get(choice.file_id, ())
        if is_there or (choice.file_id, choice.version_id) in target.coming:
            raise Conflict(_("%(name)s is attached already, or on its way.", name=choice.name))


def _refuse_unwelcome(target: PickerTarget, add: Sequence[Choice]) -> None:
    """Refuse what the company does not take, whatever the page has shown."""
    for choice in add:
        why = target.judge(choice.origin).why_not
        if why:
            raise Conflict(_("%(name)s was not chosen: %(why)s.", name=choice.name, why=why))

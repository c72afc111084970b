"""A person's copies on every page, a batch's on its own, and what people can do to them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, request, url_for
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.companies.models import Project
from webapp.core import htmx
from webapp.core.converters import as_id
from webapp.core.database import db, writing
from webapp.core.problems import Forbidden, NotFound
from webapp.core.text import _
from webapp.imports import claims, mine, news
from webapp.imports.models import UNFINISHED, ImportBatch, ImportItem
from webapp.imports.showing import RESTING_SHOWN, ShownCopy, count_text, shown_copy
from webapp.imports.tasks import queue
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly


@dataclass(frozen=True)
class Host:
    """What only the tools above know: who may cancel a copy, where its record is, and its name.

    `place_of` is the address for which this person may choose files instead of a copy's, or "".
    """

    may_cancel: Callable[[int, ImportItem], bool]
    page_of: Callable[[ImportItem], str]
    name_of: Callable[[ImportItem], str]
    place_of: Callable[[int, ImportItem], str]

    def again(self, copies: Iterable[ShownCopy]) -> str:
        """Return where to choose again for copies to one target, where one of them asks for it."""
        asking = (copy.item for copy in copies if copy.asks_choosing)
        item = next(asking, None)
        return self.place_of(me().id, item) if item else ""


def create_blueprint(host: Host) -> Blueprint:
    """Return the views of copies."""
    bp = Blueprint("imports", __name__, url_prefix="/imports")
    _add_looking(bp, host)
    _add_changing(bp, host)
    return bp


def _add_looking(bp: Blueprint, host: Host) -> None:
    @bp.get("/")
    def copies() -> BaseResponse:
        """My copies under way, waiting and failed: a part of every page, or one without script."""
        person_id = me().id
        items = mine.shown(db.session(), person_id)
        shown = [shown_copy(item, person_id, is_admin=False) for item in items]
        lines = sorted(shown, key=lambda copy: (copy.is_moving, copy.is_waiting))
        is_part = htmx.wants_partial()
        return htmx.render(
            "imports/_copies.html",
            within="imports/copies.html",
            copies=[
                (copy, host.page_of(copy.item), host.name_of(copy.item), host.again([copy]))
                for copy in (lines[: mine.LINES] if is_part else lines)
            ],
            count=len(shown),
            counted=count_text(shown),
            is_moving=any(copy.is_moving for copy in shown),
            may_retry_all=sum(copy.is_over for copy in shown) > 1,
            since=news.mark(items),
            said=news.since(
                db.session(),
                ImportItem.person_id == person_id,
                items,
                request.args.get("since"),
            ),
        )

    @bp.get("/items/<id:item_id>/ask")
    def ask(item_id: int) -> BaseResponse:
        """Go to where the administrators stand who can let this copy through."""
        # nosemgrep: views-ask-whose-it-is  # `_item` has asked
        project = db.session.get_one(Project, _item(db.session(), item_id).project_id)
        return redirect(url_for("companies.box", company_id=project.company_id), 303)

    @bp.get("/<id:batch_id>")
    def batch(batch_id: int) -> BaseResponse:
        """One batch: a page of its own for a bookmark, a mail, or a browser without script."""
        found = _batch(batch_id)
        items = _items(db.session(), ImportItem.batch_id == batch_id)
        # A batch is one person's, for one record: what holds for one copy holds for all.
        is_admin = host.may_cancel(me().id, items[0])
        shown = [shown_copy(item, me().id, is_admin=is_admin) for item in items]
        return htmx.render(
            "imports/_progress.html",
            within="imports/page.html",
            batch=found,
            items=shown,
            is_moving=any(copy.is_moving for copy in shown),
            may_cancel_rest=sum(copy.may_cancel for copy in shown) > 1,
            may_retry_all=sum(copy.may_retry and copy.has_failed for copy in shown) > 1,
            page_url=host.page_of(items[0]),
            place=host.again(shown),
        )


def _add_changing(bp: Blueprint, host: Host) -> None:
    @bp.post("/items/<id:item_id>/cancel")
    def cancel(item_id: int) -> BaseResponse:
        """Stop a copy, or put one that did not arrive out of sight; `rest` stops its batch."""
        with writing() as session:
            item = _item(session, item_id)
            if not host.may_cancel(me().id, item):
                raise Forbidden(_("Only whoever chose the file, or an admin, can stop its copy."))
            if "rest" in request.form:
                claims.cancel(session, ImportItem.batch_id == item.batch_id, reason="cancelled")
            elif not claims.cancel(session, ImportItem.id == item_id, reason="cancelled"):
                claims.dismiss(session, ImportItem.id == item_id)
            page_url = host.page_of(item)
        return _changed(page_url)

    @bp.post("/cancel")
    def cancel_all() -> BaseResponse:
        """Stop all copies to a record and its rows that this person sees and may stop."""
        record_id = as_id(request.form.get("record", ""))
        which = and_(
            ImportItem.record_id == record_id,
            ImportItem.state.in_(UNFINISHED),
        )
        with writing() as session:
            items = _items(session, which)
            ids = [item.id for item in items if host.may_cancel(me().id, item)]
            claims.cancel(session, ImportItem.id.in_(ids), reason="cancelled")
            page_url = host.page_of(items[0]) if items else url_for("imports.copies")
        return _changed(page_url)

    @bp.post("/items/<id:item_id>/retry")
    def retry(item_id: int) -> BaseResponse:
        """Try one copy again, or now; only its chooser can, because it is their Box."""
        with writing() as session:
            item = _item(session, item_id)
            if item.person_id != me().id:
                raise Forbidden(_("Only whoever chose the file can copy it from their Box."))
            which = ImportItem.id == item_id
            count = claims.try_again(session, which) or claims.hurry(session, which)
            page_url = host.page_of(item)
        queue().wake(count)
        return _changed(page_url)

    @bp.post("/<id:batch_id>/retry")
    def retry_all(batch_id: int) -> BaseResponse:
        """Try everything of a batch again that did not arrive."""
        with writing() as session:
            found = _batch(batch_id)
            if found.person_id != me().id:
                raise Forbidden(_("Only whoever chose the files can copy them from their Box."))
            count = claims.try_again(session, _failed(ImportItem.batch_id == batch_id))
        queue().wake(count)
        return _changed(f"/imports/{batch_id}")

    @bp.post("/retry")
    def retry_mine() -> BaseResponse:
        """Try all of my copies again that failed, on one record when one is named."""
        which = ImportItem.person_id == me().id
        if "record" in request.form:
            which = and_(which, ImportItem.record_id == (as_id(request.form["record"]) or 0))
        with writing() as session:
            ids = [item.id for item in _items(session, which) if item.state in RESTING_SHOWN]
            count = claims.try_again(session, _failed(ImportItem.id.in_(ids)))
        queue().wake(count)
        return _changed(url_for("imports.copies"))


def _failed(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return SQL for what stopped by itself; what somebody cancelled is left in peace."""
    return and_(
        which, ImportItem.state.in_(RESTING_SHOWN), ImportItem.reason.is_distinct_from("cancelled")
    )


def _changed(page_url: str) -> BaseResponse:
    if htmx.wants_partial():
        return htmx.announce(make_response("", 204), "files-changed")
    return redirect(page_url, 303)


def _batch(batch_id: int) -> ImportBatch:
    found = db.session.scalar(
        select(ImportBatch)
        .join(Record, Record.id == ImportBatch.record_id)
        .where(ImportBatch.id == batch_id, hangs_visibly(me().id, ImportBatch.row_id))
    )
    if found is None:
        raise NotFound
    return found


def _item(session: Session, item_id: int) -> ImportItem:
    """Return an item on a record this person sees."""
    found = _items(session, ImportItem.id == item_id)
    if not found:
        raise NotFound
    return found[0]


def _items(session: Session, which: ColumnElement[bool]) -> list[ImportItem]:
    return list(
        session.scalars(
            select(ImportItem)
            .join(Record, Record.id == ImportItem.record_id)
            .where(which, hangs_visibly(me().id, ImportItem.row_id))
            .order_by(ImportItem.id)
        )
    )

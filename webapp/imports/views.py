"""A batch of copies: its page, and what people can do to the copies in it."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, request
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core import htmx
from webapp.core.database import db, writing
from webapp.core.problems import Forbidden, NotFound
from webapp.core.text import _
from webapp.imports import claims
from webapp.imports.models import UNFINISHED, ImportBatch, ImportItem, ItemState
from webapp.imports.reasons import reason_text
from webapp.imports.tasks import queue
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly

OVER = (ItemState.FAILED, ItemState.CANCELLED)


@dataclass(frozen=True)
class ShownItem:
    item: ImportItem
    reason: str
    may_retry: bool
    may_cancel: bool


def create_blueprint(
    may_cancel: Callable[[int, ImportItem], bool], page_of: Callable[[ImportItem], str]
) -> Blueprint:
    """Return the views; the tools above know who may cancel and where a copy's record is."""
    bp = Blueprint("imports", __name__, url_prefix="/imports")

    @bp.get("/<id:batch_id>")
    def batch(batch_id: int) -> BaseResponse:
        """One batch: a page of its own for a bookmark, a mail, or a browser without script."""
        found = _batch(batch_id)
        items = _items(db.session(), ImportItem.batch_id == batch_id)
        # A batch is one person's, for one record: what holds for one copy holds for all.
        is_mine, is_cancellable = found.person_id == me().id, may_cancel(me().id, items[0])
        shown = tuple(
            ShownItem(
                item,
                reason_text(item.reason, item.facts),
                may_retry=is_mine and item.state in OVER,
                may_cancel=is_cancellable and item.state in UNFINISHED,
            )
            for item in items
        )
        return htmx.render(
            "imports/_progress.html",
            within="imports/page.html",
            batch=found,
            items=shown,
            is_moving=any(i.item.state in UNFINISHED for i in shown),
            may_cancel_rest=sum(s.may_cancel for s in shown) > 1,
            may_retry_all=is_mine and sum(i.state == ItemState.FAILED for i in items) > 1,
            page_url=page_of(items[0]),
        )

    @bp.post("/items/<id:item_id>/cancel")
    def cancel(item_id: int) -> BaseResponse:
        """Stop a copy, or put one that did not arrive out of sight; `rest` stops its batch."""
        with writing() as session:
            item = _item(session, item_id)
            if not may_cancel(me().id, item):
                raise Forbidden(_("Only whoever chose the file, or an admin, can stop its copy."))
            if "rest" in request.form:
                claims.cancel(session, ImportItem.batch_id == item.batch_id, reason="cancelled")
            elif not claims.cancel(session, ImportItem.id == item_id, reason="cancelled"):
                claims.dismiss(session, ImportItem.id == item_id)
            page_url = page_of(item)
        return _changed(page_url)

    @bp.post("/items/<id:item_id>/retry")
    def retry(item_id: int) -> BaseResponse:
        """Try one copy again; only its chooser can, because it is their Box."""
        with writing() as session:
            item = _item(session, item_id)
            if item.person_id != me().id:
                raise Forbidden(_("Only whoever chose the file can copy it from their Box."))
            count = claims.try_again(session, ImportItem.id == item_id)
            page_url = page_of(item)
        queue().wake(count)
        return _changed(page_url)

    @bp.post("/<id:batch_id>/retry")
    def retry_all(batch_id: int) -> BaseResponse:
        """Try everything of a batch again that did not arrive."""
        with writing() as session:
            found = _batch(batch_id)
            if found.person_id != me().id:
                raise Forbidden(_("Only whoever chose the files can copy them from their Box."))
            which = and_(
                ImportItem.batch_id == batch_id,
                ImportItem.state == ItemState.FAILED,
            )
            count = claims.try_again(session, which)
        queue().wake(count)
        return redirect(f"/imports/{batch_id}", 303)

    return bp


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

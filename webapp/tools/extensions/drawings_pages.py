"""The drawings' own addresses: the table of a batch, and what has arrived for it since."""

from dataclasses import replace

from flask import Response, g, make_response, redirect, render_template, request
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core import htmx
from webapp.core.converters import as_id
from webapp.core.database import db, writing
from webapp.core.numbers import as_whole
from webapp.core.problems import Conflict, Invalid, NotFound, Problem
from webapp.tools import lists
from webapp.tools.blueprint import address, bp
from webapp.tools.catalog.drawings import TOOL
from webapp.tools.extensions import sheet_batches
from webapp.tools.extensions.sheet_batches import Typed
from webapp.tools.page import open_record, record_page
from webapp.tools.parts import Standing
from webapp.tools.registry import Panel
from webapp.tools.views import pages_of

SHEETS_MAX = 1000
STATUSES = {"publish": "published", "unpublished": "unpublished"}


@bp.post("/drawings/<id:record_id>/sheets")
def drawings_sheets(project_id: int, record_id: int) -> BaseResponse:
    """Keep what was corrected in a batch's table, or make drawings of it."""
    found = _open_batch(project_id, record_id)
    ids = {as_id(text) or 0 for text in request.form.getlist("sheet")[:SHEETS_MAX]}
    typed: Typed = sheet_batches.typed_of(request.form, ids)
    status = STATUSES.get(request.form.get("do", ""))
    wrong = (
        sheet_batches.not_pdfs(db.session(), found.record, typed) if status else frozenset[int]()
    )
    version = as_id(request.form.get("version", "")) or 0
    try:
        with writing() as session:
            found = open_record(TOOL, project_id, record_id, me().id)
            if status is None:
                sheet_batches.keep(session, found, typed, version=version)
            else:
                sheet_batches.publish(
                    session, found, typed, version=version, status=status, wrong=wrong
                )
    except (Invalid, Conflict) as problem:
        return _again(project_id, record_id, typed, wrong, problem)
    return redirect(address("record", TOOL, project_id, record_id), 303)


@bp.get("/drawings/<id:record_id>/arrivals")
def drawings_arrivals(project_id: int, record_id: int) -> BaseResponse:
    """What has come for a batch since its table was made; the page asks while copies are coming."""
    found = _open_batch(project_id, record_id)
    if not htmx.wants_partial():
        return redirect(address("record", TOOL, project_id, record_id), 303)
    text = render_template(
        "tools/drawings/_arrivals.html",
        review=sheet_batches.review(db.session(), found),
        shown=as_whole(request.args.get("shown"), SHEETS_MAX) or 0,
        here=address("record", TOOL, project_id, record_id),
    )
    return Response(text)


def _open_batch(project_id: int, record_id: int) -> Standing:
    found = open_record(TOOL, project_id, record_id, me().id)
    if found.record.status not in {"in_review", "reviewed"}:
        raise NotFound
    return found


def _again(
    project_id: int, record_id: int, typed: Typed, wrong: frozenset[int], problem: Problem
) -> BaseResponse:
    """Show a batch's table as it was typed, with what is wrong beside each field."""
    found = open_record(TOOL, project_id, record_id, me().id)
    page = record_page(db.session(), found)
    if found.record.status == "in_review":
        review = sheet_batches.checked(db.session(), found, typed, wrong)
        table = Panel("tools/drawings/_sheets.html", {"review": review, "problem": problem})
        page = replace(page, panels=(table, *page.panels[1:]))
    text = render_template(
        pages_of(TOOL, "record.html"),
        page=page,
        project=g.entry.project,
        problem=problem,
        today=lists.today(),
    )
    return make_response(text, problem.status)

"""The pages of Documents: a folder with what is in it, the recycle bin, new folders, moving."""

from flask import Response, g, make_response, redirect, render_template, request
from sqlalchemy import and_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.converters import as_id
from webapp.core.database import db, writing
from webapp.core.names import clean_name
from webapp.core.problems import Forbidden, Invalid, Problem
from webapp.core.text import _, tidy
from webapp.records.models import Record
from webapp.records.visibility import may_see_at
from webapp.tools.blueprint import address, bp
from webapp.tools.extensions.documents import BIN_DAYS
from webapp.tools.extensions.folders import (
    FOLDER,
    add_at_top,
    add_child,
    ancestors,
    entries_in,
    kind_of,
    move_to,
    tool_of,
)
from webapp.tools.page import open_record
from webapp.tools.parts import Standing
from webapp.tools.views import records

TOP = "top"


@bp.get("/documents")
def documents(project_id: int) -> Response:
    """The project's topmost folders; the list of everything when something is looked for."""
    tool = tool_of()
    if request.args:
        return records(project_id, tool)
    level = access.require_level(project_id, me().id, tool.key, Level.READ)
    g.tool_key = tool.key
    at_top = and_(Record.project_id == project_id, Record.parent_id.is_(None))
    text = render_template(
        "tools/documents/top.html",
        tool=tool,
        project=g.entry.project,
        entries=entries_in(db.session(), me().id, level, at_top),
        may_add=level >= Level.STANDARD,
    )
    return make_response(text)


@bp.post("/documents")
def add_top_folder(project_id: int) -> BaseResponse:
    """Make a folder at the top."""
    tool = tool_of()
    with writing() as session:
        access.require_level(project_id, me().id, tool.key, Level.STANDARD)
        made = add_at_top(session, project_id, _sent_name(), me().id)
        made_id = made.id
    return redirect(address("record", tool, project_id, made_id), 303)


def _sent_name() -> str:
    return clean_name(tidy(request.form.get("name")), fallback="")


@bp.get("/documents/bin")
def documents_bin(project_id: int) -> str:
    """What was removed in the last thirty days, as far as this person sees it."""
    tool = tool_of()
    level = access.require_level(project_id, me().id, tool.key, Level.READ)
    g.tool_key = tool.key
    found = db.session.scalars(
        select(Record)
        .where(
            Record.project_id == project_id,
            Record.tool_key == tool.key,
            Record.status == "binned",
            may_see_at(me().id, level),
        )
        .order_by(Record.closed_at.desc())
    ).all()
    gone = [record for record in found if not record.details.get("binned_with")]
    return render_template(
        "tools/documents/bin.html", tool=tool, project=g.entry.project, records=gone, days=BIN_DAYS
    )


@bp.post("/documents/<id:record_id>/folders")
def add_folder(project_id: int, record_id: int) -> BaseResponse:
    """Make a folder in a folder."""
    tool = tool_of()
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        if not found.may_attach or kind_of(found.record) != FOLDER:
            raise Forbidden(_("You may not add anything here."))
        made = add_child(session, found.record, FOLDER, _sent_name(), me().id)
        made_id = made.id
    return redirect(address("record", tool, project_id, made_id), 303)


@bp.get("/documents/<id:record_id>/move-to")
def ask_folder(project_id: int, record_id: int) -> BaseResponse:
    """Ask where to put a document: every folder that this person sees."""
    return _ask(_movable(project_id, record_id))


def _ask(found: Standing, problem: Problem | None = None) -> BaseResponse:
    text = render_template(
        "tools/documents/move.html",
        tool=found.tool,
        record=found.record,
        is_folder=kind_of(found.record) == FOLDER,
        project=g.entry.project,
        folders=_folders(db.session(), found),
        problem=problem,
    )
    return make_response(text, problem.status if problem else 200)


@bp.post("/documents/<id:record_id>/move-to")
def move_document(project_id: int, record_id: int) -> BaseResponse:
    try:
        with writing() as session:
            found = _movable(project_id, record_id)
            move_to(session, found, _wanted(found))
    except Invalid as problem:
        return _ask(_movable(project_id, record_id), problem)
    return redirect(address("record", found.tool, project_id, record_id), 303)


def _wanted(found: Standing) -> Record | None:
    """Return the folder that was chosen, None for the top."""
    named = request.form.get("folder", "")
    if named == TOP:
        return None
    wanted = as_id(named)
    if wanted is None:
        raise Invalid(_("Choose a folder."))
    folder = open_record(found.tool, found.record.project_id, wanted, found.person_id)
    if not folder.may_attach:
        raise Forbidden(_("You may not add anything there."))
    return folder.record


def _movable(project_id: int, record_id: int) -> Standing:
    found = open_record(tool_of(), project_id, record_id, me().id)
    if not found.may_edit:
        raise Forbidden(_("You may not move this."))
    return found


def _folders(session: Session, found: Standing) -> list[tuple[int, str]]:
    """Return the folders a document can be put into, with the way to each."""
    level = access.level_in(found.record.project_id, found.person_id, found.tool.key)
    records = session.scalars(
        select(Record).where(
            Record.project_id == found.record.project_id,
            Record.tool_key == found.tool.key,
            Record.status == "active",
            may_see_at(found.person_id, level),
        )
    ).all()
    folders = []
    for record in records:
        way = [*ancestors(session, record)]
        is_within = found.record.id in {record.id, *(step.id for step in way)}
        if kind_of(record) == FOLDER and not is_within:
            names = [step.title for step in reversed(way)] + [record.title]
            folders.append((record.id, " / ".join(names)))
    return sorted(folders, key=lambda pair: pair[1].lower())

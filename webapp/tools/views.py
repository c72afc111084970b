"""The pages of every tool: project home, list, record. No tool has pages of its own."""

from flask import Response, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core import htmx
from webapp.core.converters import as_id
from webapp.core.database import db, writing
from webapp.core.numbers import as_whole
from webapp.core.problems import Invalid, Problem
from webapp.core.text import _, tidy
from webapp.records.models import Record
from webapp.tools import asking, discarding, lifecycle, lists, reminding
from webapp.tools.asking import Question
from webapp.tools.asking_pages import ask_first, unanswered
from webapp.tools.blueprint import address, bp, take_step
from webapp.tools.discarding import Left
from webapp.tools.files import file_lists, news_of_others
from webapp.tools.page import choices, files_under, is_still_seen, open_record, record_page
from webapp.tools.parts import Standing
from webapp.tools.registry import TOOLS, Listing, Part, Tool

NUMBER_MAX = 999_999


@bp.get("")
def project_home(project_id: int) -> str:
    person_id, session = me().id, db.session()
    return render_template(
        "tools/project_home.html",
        project=g.entry.project,
        today=lists.today(),
        mine=lists.in_court_of(session, project_id, person_id),
        others=lists.overdue_with_others(session, project_id, person_id),
        lately=lists.attached_lately(session, project_id, person_id),
        to_remind=reminding.count_of_people(session, g.entry.project, person_id),
        reminded=min(as_id(request.args.get("reminded", "")) or 0, reminding.AT_ONCE),
        tools={tool.key: tool for tool in TOOLS},
    )


@bp.post("/reminders")
def remind(project_id: int) -> BaseResponse:
    """Remind those in whose court something is overdue."""
    with writing() as session:
        project = access.entry(project_id, me().id).project
        count = reminding.remind(session, project, me().id)
    home = url_for("tools.project_home", project_id=project_id, reminded=count or None)
    return redirect(home, 303)


def pages_of(tool: Tool, name: str) -> htmx.Names:
    """Return the template of a page: the tool's own where it has one, else the one of all tools."""
    return [f"tools/{tool.key}/{name}", f"tools/{name}"]


def needed_to_create(tool: Tool) -> Level:
    """Return the least level at which somebody begins records of a tool."""
    return Level.STANDARD if Part.STANDARD in tool.creators else Level.ADMIN


@bp.get("/<tool:tool>")
def records(project_id: int, tool: Tool) -> Response:
    """A tool's list; htmx gets its lines alone when a filter changes."""
    level = access.require_level(project_id, me().id, tool.key, Level.READ)
    own = tool.extension.listing(
        db.session(),
        project_id=project_id,
        person_id=me().id,
        level=level,
        asked=request.args.to_dict(),
    )
    return list_page(project_id, tool, own=own, within=pages_of(tool, "list.html"))


def list_page(project_id: int, tool: Tool, *, own: Listing, within: str | htmx.Names) -> Response:
    """Return the list of a tool's records at the address that was asked for."""
    level = access.require_level(project_id, me().id, tool.key, Level.READ)
    g.tool_key = tool.key
    filter_ = lists.Filter.from_args(tool, request.args.to_dict())
    offered = choices(db.session(), tool, project_id, g.entry.company.id, me().id)
    return htmx.render(
        own.partial,
        within=within,
        here=request.path,
        own=own.context,
        tool=tool,
        project=g.entry.project,
        page=lists.page_of(db.session(), project_id, me().id, level, filter_),
        filter=filter_,
        columns=lists.columns_of(tool),
        controls=lists.controls_of(filter_, offered),
        may_create=level >= needed_to_create(tool),
        panels=tool.extension.above_list(db.session(), g.entry.project, level),
        left=() if htmx.wants_partial() else left_by(tool, project_id, level),
        today=lists.today(),
    )


def left_by(tool: Tool, project_id: int, level: Level) -> list[Left]:
    """Return what this person left behind here: begun and never saved, or discarded."""
    if level < needed_to_create(tool):
        return []
    return discarding.left_by(db.session(), tool, project_id, me().id)


@bp.post("/<tool:tool>")
def create(project_id: int, tool: Tool) -> BaseResponse:
    """Begin a record: a draft that only its creator sees, so that files have a target at once."""
    with writing() as session:
        record = begin(session, project_id, tool)
    return redirect(address("edit", tool, project_id, record.id), 303)


def begin(session: Session, project_id: int, tool: Tool) -> Record:
    """Return a new draft of this person's, with what its tool begins with."""
    access.require_level(project_id, me().id, tool.key, needed_to_create(tool))
    return lifecycle.create(session, tool, project_id, me().id)


@bp.get("/<tool:tool>/<id:record_id>")
def record(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    found = open_record(tool, project_id, record_id, me().id)
    if found.record.saved_at is None:
        return redirect(address("edit", tool, project_id, record_id), 303)
    return _record_response(found)


def _record_response(found: Standing, problem: Problem | None = None) -> BaseResponse:
    page = record_page(db.session(), found)
    text = render_template(
        pages_of(found.tool, "record.html"),
        page=page,
        project=g.entry.project,
        problem=problem,
        today=lists.today(),
    )
    return make_response(text, problem.status if problem else 200)


@bp.get("/<tool:tool>/<id:record_id>/files")
def files(project_id: int, tool: Tool, record_id: int) -> Response:
    """The files of a record; the page asks again while copies are on their way.

    A page that asks so hears of what has begun or ended in the record's rows, too.
    """
    found = open_record(tool, project_id, record_id, me().id)
    shown = files_under(file_lists(db.session(), found), found.record, None)
    since = request.args.get("since") if htmx.wants_partial() else None
    response = htmx.render(
        "tools/_files.html",
        within="tools/files.html",
        tool=tool,
        record=found.record,
        files=shown,
        may_attach=found.may_attach,
        news=news_of_others(db.session(), found, shown, since),
    )
    knows = request.args.get("rows", shown.seen_in_rows)
    return response if knows == shown.seen_in_rows else htmx.announce(response, "files-changed")


@bp.get("/<tool:tool>/<id:record_id>/files/changed")
def files_changed(project_id: int, tool: Tool, record_id: int) -> Response:
    """Tell a page that waits for nothing whether its files are still what it shows."""
    found = open_record(tool, project_id, record_id, me().id)
    now = files_under(file_lists(db.session(), found), found.record, None).seen
    nothing = make_response("", 204)
    return nothing if now == request.args.get("seen") else htmx.announce(nothing, "files-changed")


@bp.post("/<tool:tool>/<id:record_id>/move")
def move(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Take a step; one with consequences once its question has been answered."""
    step = request.form.get("move", "")
    try:
        with writing() as session:
            found = open_record(tool, project_id, record_id, me().id)
            reason = tidy(request.form.get("reason"))
            if question := _unanswered(session, found, step):
                return ask_first(found, question)
            take_step(session, found, step, reason)
    except Invalid as problem:
        return _record_response(open_record(tool, project_id, record_id, me().id), problem)
    if not is_still_seen(tool, project_id, record_id, me().id):
        return redirect(address("records", tool, project_id), 303)
    return redirect(address("record", tool, project_id, record_id), 303)


def _unanswered(session: Session, found: Standing, step: str) -> Question | None:
    """Return the question that a form has not said yes to yet, None when there is none."""
    transition = found.tool.transition(step)
    if transition is None or not found.tool.asks_before(transition):
        return None
    lifecycle.hold(session, found.record)
    question = asking.before_step(session, found, transition)
    return None if question.is_answered(request.form) else question


@bp.post("/<tool:tool>/<id:record_id>/undo")
def undo(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Undo the last step, where its tool lets it be undone and thirty days have not passed."""
    try:
        with writing() as session:
            lifecycle.undo(session, open_record(tool, project_id, record_id, me().id))
    except Invalid as problem:
        return _record_response(open_record(tool, project_id, record_id, me().id), problem)
    if not is_still_seen(tool, project_id, record_id, me().id):
        return redirect(address("records", tool, project_id), 303)
    return redirect(address("record", tool, project_id, record_id), 303)


@bp.post("/<tool:tool>/<id:record_id>/act")
def act(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Do what a button of the tool's own says."""
    wanted = request.form.get("action", "")
    try:
        with writing() as session:
            found = open_record(tool, project_id, record_id, me().id)
            actions = tool.extension.actions(session, found)
            action = next((action for action in actions if action.key == wanted), None)
            if action is None:
                raise Invalid(_("There is no such step."))
            question = asking.before_action(session, found, action) if action.asks else None
            if question and not question.is_answered(request.form):
                return ask_first(found, question)
            there = tool.extension.act(session, found, wanted)
    except Invalid as problem:
        return _record_response(open_record(tool, project_id, record_id, me().id), problem)
    return redirect(there or address("record", tool, project_id, record_id), 303)


@bp.post("/<tool:tool>/<id:record_id>/discard")
def discard(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Discard a draft, once the question with all that goes with it has been answered."""
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        question = asking.before_discard(session, found)
        if unanswered(question):
            return ask_first(found, question)
        discarding.discard(session, found)
    return redirect(address("records", tool, project_id), 303)


@bp.post("/<tool:tool>/<id:record_id>/bring-back")
def bring_back(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Bring a discarded draft back, within its thirty days."""
    access.require_level(project_id, me().id, tool.key, needed_to_create(tool))
    with writing() as session:
        discarding.restore(session, tool, project_id, record_id, me().id)
    return redirect(address("record", tool, project_id, record_id), 303)


@bp.post("/<tool:tool>/<id:record_id>/number")
def renumber(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Give the record another number; the tool's admins only."""
    wanted = request.form.get("number", "").strip()
    try:
        number = as_whole(wanted, NUMBER_MAX)
        if not number:
            raise Invalid(_("Write a number from 1 to 999999."))
        with writing() as session:
            found = open_record(tool, project_id, record_id, me().id)
            lifecycle.renumber(session, found, number)
    except Invalid as problem:
        return _record_response(open_record(tool, project_id, record_id, me().id), problem)
    return redirect(address("record", tool, project_id, record_id), 303)

"""Responding on a record: kept while it is written, sent in one go, marked as official."""

from flask import redirect, request
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core import htmx
from webapp.core.database import db, writing
from webapp.core.problems import Invalid, NotFound, Problem
from webapp.core.text import tidy
from webapp.records.visibility import row_for
from webapp.tools import responses
from webapp.tools.asking_pages import step_or_question, to_question
from webapp.tools.blueprint import address, bp, to_dialog
from webapp.tools.page import ShownSection, open_record, shown_thread
from webapp.tools.parts import BALL_ROLE, Standing, people_of
from webapp.tools.registry import Section, Tool
from webapp.tools.telling import tell_of_answer


@bp.get("/<tool:tool>/<id:record_id>/sections/<section>")
def reply(project_id: int, tool: Tool, record_id: int, section: str) -> BaseResponse:
    """The form for the next row, with the files it already has."""
    found = open_record(tool, project_id, record_id, me().id)
    shown = _shown_section(found, section)
    return htmx.render(
        "tools/_reply.html",
        within="tools/reply.html",
        tool=tool,
        record=found.record,
        shown=shown,
        problem=None,
        typed=shown.draft.text if shown.draft else "",
    )


@bp.get("/<tool:tool>/<id:record_id>/sections/<section>/thread")
def thread(project_id: int, tool: Tool, record_id: int, section: str) -> BaseResponse:
    """The responses; the record's page asks for them again when files of theirs have changed."""
    found = open_record(tool, project_id, record_id, me().id)
    return htmx.render(
        "tools/_thread.html",
        within="tools/thread.html",
        tool=tool,
        record=found.record,
        shown=_shown_section(found, section),
        holders=people_of(db.session(), record_id).get(BALL_ROLE, ()),
        may_attach=found.may_attach,
    )


@bp.post("/<tool:tool>/<id:record_id>/sections/<section>")
def respond(project_id: int, tool: Tool, record_id: int, section: str) -> BaseResponse:
    """Send a response, with a step if one was chosen; or keep it and go and choose files."""
    declared = _section(tool, section)
    text = tidy(request.form.get("text"))
    if "attach" in request.form:
        with writing() as session:
            found = open_record(tool, project_id, record_id, me().id)
            row = responses.keep(session, found, declared, text)
        return to_dialog(tool, project_id, record_id, row.id)
    try:
        with writing() as session:
            found = open_record(tool, project_id, record_id, me().id)
            row = responses.send(session, found, declared, text)
            step = request.form.get("move", "")
            asks_first = bool(step) and step_or_question(session, found, step)
            tell_of_answer(session, found, row)
    except Invalid as problem:
        found = open_record(tool, project_id, record_id, me().id)
        return _reply_again(found, section, text, problem)
    if asks_first:
        return to_question(found, {"move": step})
    return redirect(address("record", tool, project_id, record_id) + f"#{section}", 303)


def _reply_again(found: Standing, section: str, text: str, problem: Problem) -> BaseResponse:
    return htmx.render(
        "tools/_reply.html",
        within="tools/reply.html",
        status=422,
        tool=found.tool,
        record=found.record,
        shown=_shown_section(found, section),
        problem=problem,
        typed=text,
    )


@bp.post("/<tool:tool>/<id:record_id>/rows/<id:row_id>/official")
def official(project_id: int, tool: Tool, record_id: int, row_id: int) -> BaseResponse:
    """Mark a response as the official answer, or take the mark away."""
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        row = row_for(me().id, found.record, row_id)
        wanted = request.form.get("official") == "yes"
        responses.mark_official(session, found, row, official=wanted)
    return redirect(address("record", tool, project_id, record_id) + f"#row-{row_id}", 303)


def _shown_section(found: Standing, key: str) -> ShownSection:
    section = _section(found.tool, key)
    if not found.may_see_rows(section):
        raise NotFound
    return shown_thread(db.session(), found, section)


def _section(tool: Tool, key: str) -> Section:
    section = tool.section(key)
    if section is None or section.is_table:
        raise NotFound
    return section

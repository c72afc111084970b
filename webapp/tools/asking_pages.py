"""The question before a step with consequences: a dialog for htmx, a page for everybody else."""

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core import htmx
from webapp.core.converters import as_id
from webapp.core.database import db, release
from webapp.core.problems import NotFound
from webapp.records.visibility import row_for
from webapp.tools import asking, lifecycle
from webapp.tools.asking import Question
from webapp.tools.blueprint import bp, take_step
from webapp.tools.page import open_record
from webapp.tools.parts import Standing
from webapp.tools.registry import Tool


@bp.get("/<tool:tool>/<id:record_id>/ask")
def ask(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """What one step, button or removal will bring about, and the button that does it."""
    found = open_record(tool, project_id, record_id, me().id)
    return respond(found, _question(db.session(), found))


def _question(session: Session, found: Standing) -> Question:
    args = request.args
    transition = found.tool.transition(args.get("move", ""))
    if transition is not None:
        return asking.before_step(session, found, transition)
    if "discard" in args:
        return asking.before_discard(session, found)
    if row_id := as_id(args.get("row", "")):
        return asking.before_row_removal(session, found, row_for(me().id, found.record, row_id))
    actions = found.tool.extension.actions(session, found)
    action = next((a for a in actions if a.asks and a.key == args.get("action")), None)
    if action is None:
        raise NotFound
    return asking.before_action(session, found, action)


def respond(found: Standing, question: Question, *, has_changed: bool = False) -> BaseResponse:
    """Show a question; `has_changed` says that it is not the one that was answered."""
    partial = "tools/_ask.html" if htmx.wants_partial() else "tools/ask.html"
    text = render_template(
        partial,
        tool=found.tool,
        record=found.record,
        question=question,
        has_changed=has_changed,
    )
    release()
    response = make_response(text, 409 if has_changed else 200)
    response.vary.update(("HX-Request", "HX-History-Restore-Request"))
    return response


def unanswered(question: Question) -> bool:
    """Did the form that was sent not say yes to this question?"""
    return not question.is_answered(request.form)


def ask_first(found: Standing, question: Question) -> BaseResponse:
    """Go and ask before doing what a form without an answer asked for."""
    if asking.SEEN in request.form:
        return respond(found, question, has_changed=True)
    return to_question(found, dict(question.fields))


def step_or_question(session: Session, found: Standing, step: str) -> bool:
    """Take the step that a form was sent with; True when it is to be asked about first instead."""
    transition = found.tool.transition(step)
    if transition is not None and found.tool.asks_before(transition):
        lifecycle.require_step(session, found, transition)
        return True
    take_step(session, found, step)
    return False


def to_question(found: Standing, args: dict[str, Any]) -> BaseResponse:
    """Go to the page of a question."""
    where = url_for(
        "tools.ask",
        project_id=found.record.project_id,
        tool=found.tool,
        record_id=found.record.id,
        **args,
    )
    return redirect(where, 303)

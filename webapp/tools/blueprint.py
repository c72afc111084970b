"""The tools' blueprint: the gate in front of every page of a project, and the addresses within."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask import session as browser_session
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.companies import access
from webapp.core.problems import Invalid
from webapp.core.text import _
from webapp.tools import lifecycle
from webapp.tools.parts import Standing
from webapp.tools.registry import Tool

bp = Blueprint("tools", __name__, url_prefix="/projects/<id:project_id>")


@bp.before_request
def enter_project() -> None:
    """Nobody gets past here who may not enter the project."""
    project_id = (request.view_args or {})["project_id"]
    found = access.entry(project_id, me().id)
    if browser_session.get("project_id") != project_id:
        browser_session["project_id"] = project_id
        browser_session["company_id"] = found.company.id


def address(endpoint: str, tool: Tool, project_id: int, record_id: int | None = None) -> str:
    """Return the address of one of the tools' pages."""
    where: dict[str, Any] = {"project_id": project_id, "tool": tool}
    if record_id is not None:
        where["record_id"] = record_id
    return url_for(f"tools.{endpoint}", **where)


def to_dialog(
    tool: Tool, project_id: int, record_id: int, row_id: int | None = None
) -> BaseResponse:
    """Go to the Attach File(s) dialog of a record or of one of its rows."""
    where: dict[str, Any] = {"project_id": project_id, "tool": tool, "record_id": record_id}
    if row_id is None:
        return redirect(url_for("attach.dialog", **where), 303)
    return redirect(url_for("row_attach.dialog", row_id=row_id, **where), 303)


def take_step(session: Session, found: Standing, step: str, reason: str = "") -> None:
    """Take the step a button named; Invalid when there is none of that name."""
    transition = found.tool.transition(step)
    if transition is None:
        raise Invalid(_("There is no such step."))
    lifecycle.move(session, found, transition, reason if transition.needs_reason else "")

"""The daily log's own addresses: its notes over many days, and a new note for one day."""

from flask import Response, redirect, request
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.core.clock import utcnow
from webapp.core.database import writing
from webapp.core.text import local_date
from webapp.tools.blueprint import address, bp
from webapp.tools.catalog.daily_log import TOOL
from webapp.tools.extensions.daily_log import day_asked
from webapp.tools.registry import Listing
from webapp.tools.views import begin, list_page


@bp.get("/daily-log/notes")
def daily_log_notes(project_id: int) -> Response:
    """Every note of the project, to be filtered."""
    return list_page(project_id, TOOL, own=Listing(), within="tools/daily_log/notes.html")


@bp.post("/daily-log/notes")
def daily_log_begin(project_id: int) -> BaseResponse:
    """Begin a note about the day whose page was open."""
    day = day_asked(request.form.get("day", ""), local_date(utcnow()))
    with writing() as session:
        record = begin(session, project_id, TOOL)
        record.dated_on = day
    return redirect(address("edit", TOOL, project_id, record.id), 303)

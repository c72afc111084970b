"""The pages of Emails alone: how far a message has got, and the outbox where none is sent."""

from flask import Response, g, redirect, render_template, request
from sqlalchemy import select
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core import htmx
from webapp.core.database import db, writing
from webapp.core.problems import NotFound
from webapp.core.settings import settings
from webapp.mail.models import OutgoingMail
from webapp.tools.blueprint import address, bp
from webapp.tools.extensions.emails import drafting, messages
from webapp.tools.extensions.emails.extension import progress_of
from webapp.tools.page import open_record
from webapp.tools.registry import Tool

OUTBOX_SHOWN = 100


@bp.get("/emails/<id:record_id>/state")
def email_state(project_id: int, record_id: int) -> Response:
    """How far a message has got; its page asks again while it is on its way."""
    tool = messages.email_tool()
    found = open_record(tool, project_id, record_id, me().id)
    progress = progress_of(db.session(), found)
    response = htmx.render(
        "tools/emails/_state.html",
        within="tools/emails/state.html",
        tool=tool,
        record=found.record,
        panel_context={"progress": progress},
    )
    seen = f"{found.record.status}-{len(progress.missing)}"
    if htmx.wants_partial() and request.args.get("seen", seen) != seen:
        # The rest of the page, its buttons above all, tells another story by now.
        response.headers["HX-Refresh"] = "true"
    return response


@bp.post("/<tool:tool>/<id:record_id>/email")
def email_about(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Begin a message about a record, which its page then lists."""
    with writing() as session:
        access.require_level(project_id, me().id, messages.KEY, Level.STANDARD)
        found = open_record(tool, project_id, record_id, me().id)
        if not drafting.may_be_written_about(found):
            raise NotFound
        draft = drafting.about(session, found)
    return redirect(address("edit", messages.email_tool(), project_id, draft.id), 303)


@bp.get("/emails/outbox")
def email_outbox(project_id: int) -> str:
    """What would have gone out: for the tool's admins, where no mail server is set."""
    access.require_level(project_id, me().id, messages.KEY, Level.ADMIN)
    if not settings().mail_url.startswith("outbox"):
        raise NotFound
    g.tool_key = messages.KEY
    mails = db.session.scalars(
        select(OutgoingMail)
        .where(OutgoingMail.project_id == project_id, OutgoingMail.kept.is_not(None))
        .order_by(OutgoingMail.finished_at.desc(), OutgoingMail.id.desc())
        .limit(OUTBOX_SHOWN)
    ).all()
    return render_template(
        "tools/emails/outbox.html",
        tool=messages.email_tool(),
        project=g.entry.project,
        mails=mails,
    )

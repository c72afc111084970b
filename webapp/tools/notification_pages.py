"""My Settings → Notifications: how somebody is told of what happens in each tool."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response

from webapp.accounts import mailing
from webapp.accounts.identity import me
from webapp.accounts.models import NoticeChoice, Person, Way
from webapp.core.database import db, writing
from webapp.core.text import N_, _
from webapp.tools.registry import TOOLS

bp = Blueprint("notifications", __name__)

WAYS = (
    (Way.MAIL, N_("Bell and e-mail")),
    (Way.BELL, N_("Bell only")),
    (Way.NONE, N_("Nothing")),
)


@dataclass(frozen=True)
class ToolChoice:
    """One tool with the way that holds for it; `usual` is the one without a choice."""

    key: str
    label: str
    way: str
    usual: str


@bp.get("/settings/notifications")
def page() -> str:
    person = db.session.get_one(Person, me().id)
    return render_template(
        "accounts/notifications.html",
        choices=_choices(db.session(), person.id),
        ways=[(way.value, _(text)) for way, text in WAYS],
        person=person,
        are_delivered=mailing.are_delivered(),
        is_saved=request.args.get("saved") == "yes",
    )


@bp.post("/settings/notifications")
def change() -> Response:
    """Keep what was chosen; what is a tool's usual way is no choice."""
    usual = {tool.key: _usual(tool.mails_notices) for tool in TOOLS}
    with writing() as session:
        session.execute(
            update(Person).where(Person.id == me().id).values(mails_notices="mails" in request.form)
        )
        session.execute(delete(NoticeChoice).where(NoticeChoice.person_id == me().id))
        for key, way in usual.items():
            wanted = request.form.get(f"way-{key}", way)
            if wanted in set(Way) and wanted != way:
                session.add(NoticeChoice(person_id=me().id, tool_key=key, way=wanted))
    return redirect(url_for("notifications.page", saved="yes"), 303)


def _choices(session: Session, person_id: int) -> list[ToolChoice]:
    kept = select(NoticeChoice.tool_key, NoticeChoice.way).where(
        NoticeChoice.person_id == person_id
    )
    chosen = dict(session.execute(kept).all())
    return [
        ToolChoice(tool.key, _(tool.label), chosen.get(tool.key, usual), usual)
        for tool in TOOLS
        for usual in [_usual(tool.mails_notices)]
    ]


def _usual(mails_notices: bool) -> str:
    return (Way.MAIL if mails_notices else Way.BELL).value

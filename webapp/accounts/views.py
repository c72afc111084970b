"""Signing in and out, My Settings (profile, security), and the notices under the bell."""

import logging

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from flask import session as browser_session
from flask_login import login_user
from sqlalchemy import delete, select, update
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts import mailing, passwords
from webapp.accounts.forms import PasswordForm, ProfileForm, SignInForm, labelled
from webapp.accounts.identity import OPENED, SignedIn, me
from webapp.accounts.models import Notice, Person
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.core.security import is_local_path
from webapp.core.sessions import ServerSession, SessionRow
from webapp.core.text import _, tidy

log = logging.getLogger(__name__)
bp = Blueprint("accounts", __name__)

NOTICES_SHOWN = 100
PER_ADDRESS = "5/minute;20/hour"
PER_HOST = "20/minute"
FOR_ALL = "200/minute"


def _address() -> str:
    return tidy(request.form.get("email")).lower()[:254]


def _was_refused(response: Response) -> bool:
    return response.status_code == 422


@bp.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(PER_ADDRESS, methods=["POST"], key_func=_address, deduct_when=_was_refused)
@limiter.limit(PER_HOST, methods=["POST"], deduct_when=_was_refused)
@limiter.limit(FOR_ALL, methods=["POST"], key_func=lambda: "all", deduct_when=_was_refused)
def sign_in() -> BaseResponse:
    """Show the form; with the right password begin a new session and go where they were going."""
    form = labelled(SignInForm())
    if request.method == "GET":
        return make_response(_sign_in_page(form, is_wrong=False))
    person = _recognised(form) if form.validate() else None
    if person is None:
        return make_response(_sign_in_page(form, is_wrong=True), 422)
    target = _begin_session(person)
    return redirect(target, 303)


def _sign_in_page(form: SignInForm, *, is_wrong: bool) -> str:
    goes_on = _session().get("next", "/") != "/"
    return render_template("accounts/sign_in.html", form=form, is_wrong=is_wrong, goes_on=goes_on)


def _recognised(form: SignInForm) -> Person | None:
    person = db.session.scalar(
        select(Person).where(Person.email == _address(), Person.is_active.is_(True))
    )
    is_right = passwords.is_right(
        form.password.data or "", person.password_hash if person else None
    )
    return person if is_right else None


def _begin_session(person: Person) -> str:
    session = _session()
    target, invitation = session.pop("next", "/"), session.get(OPENED)
    session.clear()
    if invitation is not None:
        session[OPENED] = invitation
    session.begin_for(person.id)
    session["signed_in_at"] = utcnow().isoformat()
    session["_user_agent"] = request.user_agent.string
    login_user(
        SignedIn(
            id=person.id,
            name=person.name,
            email=person.email,
            is_implementation_manager=person.is_implementation_manager,
            session_hash="",
            signed_in_at=utcnow(),
        )
    )
    log.info("person.signed_in", extra={"person": person.id})
    return target if is_local_path(target) else "/"


@bp.post("/sign-out")
def sign_out() -> BaseResponse:
    """End the session here and in the browser."""
    _session().end()
    g.pop("signed_in", None)
    response = redirect("/sign-in", 303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@bp.route("/settings", methods=["GET", "POST"])
def profile() -> BaseResponse:
    person = db.session.get_one(Person, me().id)
    form = labelled(ProfileForm(obj=person))
    if request.method == "POST" and form.validate():
        with writing() as session:
            session.execute(
                update(Person)
                .where(Person.id == me().id)
                .values(
                    name=form.name.data.strip(),
                    title=form.title.data.strip(),
                    language=form.language.data,
                )
            )
        return redirect("/settings", 303)
    page = render_template("accounts/profile.html", form=form, person=person)
    return make_response(page, 422 if form.errors else 200)


@bp.route("/settings/security", methods=["GET", "POST"])
@limiter.limit("10/hour", methods=["POST"], key_func=lambda: f"password-{me().id}")
def security() -> BaseResponse:
    """Show where this person is signed in; a new password ends all those but this one."""
    form = labelled(PasswordForm())
    if request.method == "POST" and form.validate() and _change_password(form):
        return redirect("/settings/security", 303)
    page = render_template(
        "accounts/security.html", form=form, sessions=_sessions(), mine=me().session_hash
    )
    return make_response(page, 422 if form.errors else 200)


def _change_password(form: PasswordForm) -> bool:
    person = db.session.get_one(Person, me().id)
    if not passwords.is_right(form.current.data or "", person.password_hash):
        form.current.errors = [_("That is not your current password.")]
        return False
    fresh = passwords.hash_password(form.new.data or "")
    with writing() as session:
        session.execute(update(Person).where(Person.id == me().id).values(password_hash=fresh))
        session.execute(
            delete(SessionRow).where(
                SessionRow.person_id == me().id,
                SessionRow.kind == "browser",
                SessionRow.id_hash != me().session_hash,
            )
        )
        mailing.enqueue(
            session,
            to=person.email,
            person_id=person.id,
            kind="password_changed",
            facts={},
            path="/settings/security",
            language=person.language,
        )
    log.info("person.password_changed", extra={"person": me().id})
    return True


@bp.post("/settings/security/end")
def end_session() -> BaseResponse:
    """End one of this person's sessions somewhere else, or all of them but this one."""
    chosen = request.form.get("session", "")
    condition = (
        SessionRow.id_hash != me().session_hash
        if chosen == "others"
        else SessionRow.id_hash == chosen
    )
    with writing() as session:
        session.execute(
            delete(SessionRow).where(
                SessionRow.person_id == me().id, SessionRow.kind == "browser", condition
            )
        )
    return redirect("/settings/security", 303)


def _sessions() -> list[SessionRow]:
    return list(
        db.session.scalars(
            select(SessionRow)
            .where(
                SessionRow.person_id == me().id,
                SessionRow.kind == "browser",
                SessionRow.expires_at > utcnow(),
            )
            .order_by(SessionRow.seen_at.desc())
        )
    )


@bp.get("/notices")
def notices() -> str:
    found = db.session.scalars(
        select(Notice)
        .where(Notice.person_id == me().id)
        .order_by(Notice.id.desc())
        .limit(NOTICES_SHOWN)
    ).all()
    return render_template("accounts/notices.html", notices=found)


@bp.post("/notices/read")
def read_notices() -> BaseResponse:
    """Mark everything under the bell as read."""
    with writing() as session:
        session.execute(
            update(Notice)
            .where(Notice.person_id == me().id, Notice.read_at.is_(None))
            .values(read_at=utcnow())
        )
    return redirect("/notices", 303)


def _session() -> ServerSession:
    session = browser_session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(session, ServerSession)
    return session

"""Signing in and out, My Settings (profile, security), and the notices under the bell."""

import logging

from flask import Blueprint, g, make_response, redirect, render_template, request
from flask import session as browser_session
from flask_login import login_user
from sqlalchemy import delete, select, update
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts import attempts, credentials, mailing, passwords
from webapp.accounts.attempts import TooManyAttempts
from webapp.accounts.forms import (
    ForgottenForm,
    NewPasswordForm,
    PasswordForm,
    ProfileForm,
    SignInForm,
    labelled,
)
from webapp.accounts.identity import OPENED, SignedIn, me
from webapp.accounts.models import Notice, Person
from webapp.core import unsent
from webapp.core.addresses import is_local_path
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.extensions import limiter, login_manager
from webapp.core.problems import NotFound, Problem
from webapp.core.sessions import ServerSession, SessionRow
from webapp.core.text import _, tidy_line

log = logging.getLogger(__name__)
bp = Blueprint("accounts", __name__)

NOTICES_SHOWN = 100


def _address() -> str:
    return tidy_line(request.form.get("email")).lower()[:254]


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> BaseResponse:
    """Show the form; with the right password begin a new session and go where they were going."""
    form = labelled(SignInForm())
    if request.method == "GET":
        return make_response(_sign_in_page(form))
    try:
        attempt = attempts.begin(_address())
    except TooManyAttempts as problem:
        return make_response(_sign_in_page(form, problem=problem), problem.status)
    person = _recognised(form) if form.validate() else None
    if person is None:
        return make_response(_sign_in_page(form, is_wrong=True), 422)
    attempts.succeeded(attempt)
    attempts.remember_device(person.email)
    target = _begin_session(person)
    return redirect(target, 303)


def _sign_in_page(
    form: SignInForm, *, is_wrong: bool = False, problem: Problem | None = None
) -> str:
    goes_on = _session().get("next", "/") != "/"
    return render_template(
        "accounts/sign_in.html",
        form=form,
        is_wrong=is_wrong,
        goes_on=goes_on,
        is_kept=unsent.KEY in _session(),
        problem=problem,
    )


def _recognised(form: SignInForm) -> Person | None:
    person = db.session.scalar(
        select(Person).where(Person.email == _address(), Person.is_active.is_(True))
    )
    is_right = passwords.is_right(
        form.password.data or "", person.password_hash if person else None
    )
    return person if is_right else None


@bp.route("/forgot-password", methods=["GET", "POST"])
def forgot_password() -> BaseResponse:
    """Take an address, and answer the same whether anybody has it; the letter goes to its owner."""
    form = labelled(ForgottenForm())
    problem = None
    is_sent = False
    if request.method == "POST" and mailing.are_delivered() and form.validate():
        try:
            attempts.begin_reset()
            if attempts.may_write_to(_address()):
                with writing() as session:
                    credentials.ask_for_reset(session, _address())
            is_sent = True
        except TooManyAttempts as too_many:
            problem = too_many
    page = render_template(
        "accounts/forgot_password.html",
        form=form,
        is_sent=is_sent,
        problem=problem,
        are_delivered=mailing.are_delivered(),
    )
    return make_response(page, problem.status if problem else 422 if form.errors else 200)


@bp.route("/reset-password/<token:reset>", methods=["GET", "POST"])
@limiter.limit("20/minute")
@limiter.limit("200/minute", key_func=lambda: "all")
def reset_password(reset: str) -> BaseResponse:
    """Let the reader of a letter set a new password; then they sign in with it."""
    form = labelled(NewPasswordForm())
    try:
        email = credentials.reset_email(db.session(), reset)
        if request.method == "POST" and form.validate():
            secret = passwords.hash_password(form.new.data or "")
            with writing() as session:
                credentials.reset_password(session, reset, secret)
            return redirect("/sign-in", 303)
    except NotFound:
        return make_response(render_template("accounts/reset_over.html"), 404)
    page = render_template(
        "accounts/reset_password.html", form=form, email=email, action=request.path
    )
    return make_response(page, 422 if form.errors else 200)


def _begin_session(person: Person) -> str:
    session = _session()
    target, invitation = session.pop("next", "/"), session.get(OPENED)
    kept = unsent.hand_over(person.id)
    session.clear()
    session.update(kept)
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


@login_manager.unauthorized_handler  # type: ignore[untyped-decorator]
def ask_who() -> BaseResponse:
    """Answer a form that came when nobody was signed in any more: it is kept for its author."""
    return make_response(_sign_in_page(labelled(SignInForm(formdata=None))), 401)


@bp.post("/unsent/discard")
def discard_unsent() -> BaseResponse:
    """Forget what was kept of a form that was not sent."""
    return redirect(unsent.discard(), 303)


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
def security() -> BaseResponse:
    """Show where this person is signed in; a new password ends all those but this one."""
    form = labelled(PasswordForm())
    is_refused = False
    if request.method == "POST" and form.validate():
        try:
            if _change_password(form):
                return redirect("/settings/security", 303)
        except TooManyAttempts as problem:
            is_refused = True
            form.current.errors = [problem.advice]
    page = render_template(
        "accounts/security.html", form=form, sessions=_sessions(), mine=me().session_hash
    )
    return make_response(page, 429 if is_refused else 422 if form.errors else 200)


def _change_password(form: PasswordForm) -> bool:
    attempt = attempts.begin(me().email)
    person = db.session.get_one(Person, me().id)
    if not passwords.is_right(form.current.data or "", person.password_hash):
        form.current.errors = [_("That is not your current password.")]
        return False
    attempts.succeeded(attempt)
    fresh = passwords.hash_password(form.new.data or "")
    with writing() as session:
        person = session.get_one(Person, me().id)
        credentials.change_password(session, person, fresh, but_session=me().session_hash)
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

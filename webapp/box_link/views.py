"""My Settings → Box Integration: the card, the way to Box and back, disconnecting, and the help.

The way back ends on a page of its own in the tab that Box was opened in; the page or dialog that
asked polls `status` and goes on by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts import recency
from webapp.accounts.attempts import TooManyAttempts
from webapp.accounts.forms import ConfirmForm, labelled
from webapp.accounts.identity import me
from webapp.box.oauth import CODE_MAX_LENGTH
from webapp.box_link import linking
from webapp.box_link.card import Card, LinkUse, card_for
from webapp.box_link.clients import CALLBACK_PATH, box_access
from webapp.box_link.models import AttemptStatus, BoxLink, LinkAttempt
from webapp.companies import access
from webapp.companies.box_access import may_link, standings_of
from webapp.core import htmx
from webapp.core.database import db, release
from webapp.core.extensions import limiter
from webapp.core.problems import Forbidden, Invalid, NotFound
from webapp.core.settings import settings
from webapp.core.text import _

STATE_MAX_LENGTH = 200


@dataclass(frozen=True)
class HelpFacts:
    """What the help page tells about this installation."""

    tools: tuple[str, ...]
    without: tuple[str, ...]
    only_granted: bool


def create_blueprint(
    use_of: Callable[[int], LinkUse], help_facts: Callable[[], HelpFacts]
) -> Blueprint:
    """Return the room's views; `use_of` tells what a person's link has done, for the questions."""
    bp = Blueprint("box_link", __name__)

    @bp.get("/settings/box")
    def settings_page() -> str:
        return render_template("box_link/settings.html", card=_card(use_of), **_ours())

    @bp.get("/settings/box/status")
    def status() -> Response:
        """The card alone; a page that waits for Box asks for it again and again."""
        return htmx.render(
            "box_link/_status.html", within="box_link/settings.html", card=_card(use_of), **_ours()
        )

    @bp.get("/settings/box/disconnect")
    def ask_disconnect() -> str:
        card = _card(use_of)
        if card.link is None:
            raise NotFound(_("You have no Box account linked."))
        return render_template("box_link/disconnect.html", card=card)

    @bp.get("/help/box")
    def help_page() -> str:
        return render_template("box_link/help.html", facts=help_facts())

    bp.add_url_rule("/settings/box/link", view_func=link, methods=["POST"])
    bp.add_url_rule("/box/leave/<id:attempt_id>", view_func=leave, methods=["GET"])
    bp.add_url_rule(CALLBACK_PATH, view_func=callback, methods=["GET"])
    bp.add_url_rule("/box/linked/<id:attempt_id>", view_func=outcome, methods=["GET"])
    bp.add_url_rule("/box/linked/<id:attempt_id>", view_func=decide, methods=["POST"])
    bp.add_url_rule("/settings/box/disconnect", view_func=disconnect, methods=["POST"])
    return bp


def _ours() -> dict[str, Any]:
    """Return what a Box administrator looks Plumbline up by."""
    return {"client_id": settings().box_client_id}


def _card(use_of: Callable[[int], LinkUse]) -> Card:
    return card_for(me(), use_of)


@limiter.limit("30/hour", key_func=lambda: f"link-{me().id}")
def link() -> BaseResponse:
    """Begin the way to Box, after the person's password when the sign-in is not fresh."""
    person = me()
    if not may_link(standings_of(person.id)):
        raise Forbidden(
            _(
                "Box is on in none of your companies. Their administrators can switch it on or "
                "ask for it."
            ),
            title=_("Box is not enabled"),
        )
    asked = _ask_password(_("Your sign-in is a while ago. Linking Box asks for your password."))
    if asked is not None:
        return asked
    attempt_id = linking.begin(box_access().linker, person)
    return redirect(url_for("box_link.leave", attempt_id=attempt_id), 303)


def leave(attempt_id: int) -> BaseResponse:
    """Go on to Box by GET, in a navigation of its own.

    A browser holds every redirect that follows a form to the form's policy, and Box may lead on to
    any host: a company's sign-in, a Box of its own.
    """
    address = linking.address_of(box_access().linker, attempt_id, me())
    if address is None:
        return redirect(url_for("box_link.settings_page"), 303)
    page = make_response(render_template("box_link/leave.html", address=address))
    page.headers["Refresh"] = f"0; url={address}"
    return page


def _ask_password(why: str) -> BaseResponse | None:
    """Return the page that asks for the password, or None when it is not needed (any more)."""
    person = me()
    if recency.is_recent(person):
        return None
    form = labelled(ConfirmForm())
    status = 200
    if form.password.data:
        try:
            if recency.confirm(person, form.password.data):
                return None
            form.password.errors, status = [_("That is not your password.")], 422
        except TooManyAttempts as problem:
            form.password.errors, status = [problem.advice], problem.status
    page = render_template("accounts/confirm.html", form=form, action=request.path, why=why)
    return make_response(page, status)


def callback() -> BaseResponse:
    """Take the person back from Box; every ending has a page of its own.

    Public, because the browser may come back without a session: that must not send a code and a
    state through the sign-in page. Nothing Box says in `error_description` is ever shown.
    """
    state, code = request.args.get("state", ""), request.args.get("code", "")
    if not current_user.is_authenticated:
        return _dead_end(
            _("You are not signed in here"),
            _(
                "Box sent you back to a browser in which nobody is signed in to Plumbline. "
                "Sign in and start again."
            ),
        )
    attempt = linking.take(state, me()) if 0 < len(state) <= STATE_MAX_LENGTH else None
    if attempt is None:
        return _dead_end(
            _("This way back from Box is closed"),
            _(
                "It was used already, it is older than ten minutes, or it was begun by someone "
                "else or in another browser. Nothing was linked."
            ),
        )
    release()
    if "error" in request.args:
        # Whatever else Box may call it, it was not the person who said no (RFC 6749, 4.1.2.1).
        is_denied = request.args["error"] == "access_denied"
        linking.conclude(attempt, AttemptStatus.DENIED if is_denied else AttemptStatus.FAILED)
    elif not (0 < len(code) <= CODE_MAX_LENGTH and code.isprintable() and code.isascii()):
        linking.conclude(attempt, AttemptStatus.FAILED)
    else:
        allowed = may_link(standings_of(me().id))
        release()
        linking.finish(box_access().linker, attempt, code, may_link=allowed)
    # A clean address: neither code nor state stays in the history.
    return redirect(url_for("box_link.outcome", attempt_id=attempt.id), 303)


def _dead_end(title: str, text: str) -> Response:
    page = render_template("box_link/dead_end.html", title=title, text=text)
    return make_response(page, 400)


def outcome(attempt_id: int) -> BaseResponse:
    """Tell how a trip to Box ended."""
    attempt = _own_attempt(attempt_id)
    linked = db.session.scalar(select(BoxLink).where(BoxLink.person_id == me().id))
    others = linking.others_with(db.session(), linked) if linked else 0
    page = render_template(
        "box_link/outcome.html",
        attempt=attempt,
        linked=linked,
        others=others,
        admins=_admins_to_ask(),
        box_account_url=settings().box_account_url,
        **_ours(),
    )
    return make_response(page, 200)


def decide(attempt_id: int) -> BaseResponse:
    """Replace the linked account by the one just granted, or keep it."""
    choice = request.form.get("choice", "")
    if choice not in {"replace", "keep"}:
        raise Invalid(_("Choose one of the two accounts."))
    _own_attempt(attempt_id)
    act = linking.replace if choice == "replace" else linking.keep
    if not act(box_access().linker, attempt_id, me()):
        raise NotFound(
            _("This choice has run out. Nothing was changed; start again from My Settings.")
        )
    return redirect(url_for("box_link.outcome", attempt_id=attempt_id), 303)


def disconnect() -> BaseResponse:
    """Remove the link at once; Box is told in the background until it has understood."""
    asked = _ask_password(
        _("Your sign-in is a while ago. Disconnecting Box asks for your password.")
    )
    if asked is not None:
        return asked
    linking.disconnect(box_access().linker, me())
    return redirect(url_for("box_link.settings_page"), 303)


def _own_attempt(attempt_id: int) -> LinkAttempt:
    attempt = db.session.scalar(
        select(LinkAttempt).where(
            LinkAttempt.id == attempt_id,
            LinkAttempt.person_id == me().id,
            LinkAttempt.session_hash == me().session_hash,
        )
    )
    if attempt is None:
        raise NotFound
    return attempt


def _admins_to_ask() -> list[str]:
    return sorted(
        {
            admin.name
            for company in access.companies_of(me().id)
            for admin in access.admins_of(company.id)
        }
    )

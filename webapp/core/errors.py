"""How every failure becomes a page or a sentence.

Nothing here shows a traceback, a value that came from outside, or a name the person may not know.
"""

import logging
import secrets
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from flask_limiter.errors import RateLimitExceeded
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from webapp.core import unsent
from webapp.core.database import DATABASE_AWAY, db
from webapp.core.htmx import wants_partial
from webapp.core.problems import Problem
from webapp.core.text import N_, _

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """One failure as the templates need it."""

    status: int
    title: str
    advice: str
    reference: str


def reference() -> str:
    """Return this request's short id: what a person quotes and what the log lines carry."""
    if "reference" not in g:
        g.reference = secrets.token_hex(4).upper()
    return str(g.reference)


def show(status: int, title: str, advice: str) -> Response:
    """Answer with a failure: a partial for htmx, a page for everyone else."""
    db.session.rollback()
    shown = Shown(status, title, advice, reference())
    return make_response(render_template(_template_for(status), problem=shown), status)


def _template_for(status: int) -> str:
    """Return the page for a failure: one that reads nothing where reading may be what failed."""
    if wants_partial():
        return "errors/_problem.html"
    if status >= 500 or not current_user.is_authenticated:
        return "errors/failsafe.html"
    return "errors/page.html"


def init_errors(app: Flask) -> None:
    """Register the handlers; the 500 page is one of the two places that catch everything."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(RateLimitExceeded, _too_often)
    for away in DATABASE_AWAY:
        app.register_error_handler(away, _database_busy)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def _problem(problem: Problem) -> Response:
    return show(problem.status, problem.title, problem.advice)


def _csrf(_error: CSRFError) -> Response:
    """Show a form of an older session of theirs again, with a token of this one."""
    if unsent.is_stale():
        if wants_partial():
            return make_response("", 401)
        sent = unsent.keep()
        if sent is not None:
            return make_response(redirect(sent.page, 303))
    return show(
        400,
        _("This page is too old to be sent"),
        _("You signed in or out since it was opened. Load it again and repeat."),
    )


def _too_often(error: RateLimitExceeded) -> Response:
    return show(
        429,
        _("That was too often"),
        _("Wait a little and try again. The limit is %(limit)s.", limit=str(error.limit.limit)),
    )


def _database_busy(error: Exception) -> Response:
    log.warning("database.unavailable", extra={"kind": type(error).__name__, "ref": reference()})
    response = show(
        503,
        _("Plumbline is busy"),
        _("Nothing was changed. Try again in a moment."),
    )
    response.headers["Retry-After"] = "5"
    return response


_HTTP_TEXTS = {
    400: (N_("Plumbline could not read that"), N_("Go back, load the page again and repeat.")),
    404: (
        N_("There is nothing at this address"),
        N_("Check the address, or start from your projects."),
    ),
    405: (
        N_("That cannot be done at this address"),
        N_("Go back and use the buttons of the page."),
    ),
    413: (N_("That is too much at once"), N_("Send fewer or smaller files.")),
}


def _http(error: HTTPException) -> Response:
    original = getattr(error, "original_exception", None)
    if isinstance(original, DATABASE_AWAY):
        # Raised after the view, when the session was to be saved.
        return _database_busy(original)
    if isinstance(error, MethodNotAllowed) and not _is_any_allowed(error):
        error = NotFound()
    status = error.code or 500
    if status < 400 and error.response is not None:
        return make_response(error.get_response())
    title, advice = _HTTP_TEXTS.get(status, _HTTP_TEXTS[400])
    response = show(status, _(title), _(advice))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _is_any_allowed(error: MethodNotAllowed) -> bool:
    """True when at least one of the methods in a 405 leads somewhere.

    Werkzeug names an address's methods before its converters have looked at the address, so a tool
    that is none, or has no Box, would be found out by its 405.
    """
    adapter = current_app.create_url_adapter(request)
    methods = error.valid_methods or ()
    return adapter is None or any(adapter.test(method=method) for method in methods)


def _unforeseen(error: Exception) -> Response:
    log.error(
        "request.failed",
        exc_info=error,
        extra={"endpoint": request.endpoint, "method": request.method, "ref": reference()},
    )
    return show(
        500,
        _("Plumbline made a mistake"),
        _("It has been noted. Nothing you typed was sent anywhere else. Try once more."),
    )

"""What holds for every request: who may knock at all, from where, and what the browser may do.

Default deny: an endpoint answers strangers only if it is in PUBLIC_ENDPOINTS, so a new view cannot
forget its guard.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    request,
    session,
    url_for,
)
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers.response import Response as BaseResponse

from config import LOOPBACK_NAMES, Config
from webapp.core import unsent
from webapp.core.addresses import is_local_path
from webapp.core.extensions import csrf, login_manager
from webapp.core.htmx import wants_partial
from webapp.core.sessions import check_session
from webapp.core.settings import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PUBLIC_ENDPOINTS = frozenset(
    {
        "static",
        "accounts.sign_in",
        "accounts.forgot_password",
        "accounts.reset_password",
        "operations.health",
        "box_link.callback",
        "companies.invitation",
        "companies.accept_invitation",
    }
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# No form leads to another host, not even through redirects: the way to Box goes on by GET.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)


def init_security(app: Flask, config: Config) -> None:
    hosts = {urlsplit(config.public_url).hostname or ""}
    if config.is_local:
        hosts |= LOOPBACK_NAMES
    app.config["TRUSTED_HOSTS"] = sorted(hosts)
    if config.proxy_hops:
        hops = config.proxy_hops
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.wsgi_app = _HealthUnderAnyName(  # type: ignore[method-assign]
        app.wsgi_app, config.public_host
    )
    login_manager.init_app(app)
    app.before_request(check_session)
    app.before_request(_one_name)
    app.before_request(_same_site)
    app.before_request(_without_slash)
    app.before_request(_require_sign_in)
    # Only then whether they meant it: whose session is over is asked to sign in, not sent away.
    csrf.init_app(app)
    app.after_request(_headers)


class _HealthUnderAnyName:
    """Lets a load balancer ask for health by address, which is no name that people may use."""

    def __init__(self, app: "WSGIApplication", public_host: str) -> None:
        self._app = app
        self._public_host = public_host

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/healthz":
            environ["HTTP_HOST"] = self._public_host
        return self._app(environ, start_response)


def _one_name() -> BaseResponse | None:
    """On a developer's machine, keep to one of the loopback's names, as cookies do."""
    config = settings()
    if not config.is_local or request.host == config.public_host:
        return None
    name = urlsplit(f"//{request.host}").hostname
    if name in LOOPBACK_NAMES and request.method in SAFE_METHODS:
        return redirect(config.public_url + request.full_path.rstrip("?"), 302)
    return None


def _same_site() -> None:
    """Refuse a change that another site's page asked for, before the CSRF token is looked at."""
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)


def _without_slash() -> BaseResponse | None:
    """Lead from "/projects/1/rfis/" to the page without the slash, if there is one."""
    path = request.path.rstrip("/")
    if request.endpoint is not None or path == request.path or request.method != "GET":
        return None
    if not is_local_path(path) or not _is_page(path):
        return None
    query = request.query_string.decode("ascii", "replace")
    return redirect(f"{path}?{query}" if query else path, 301)


def _is_page(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    try:
        return adapter is not None and bool(adapter.match(path, method="GET"))
    except HTTPException:  # an address that leads back to the one with the slash is none, too
        return False


def _require_sign_in() -> BaseResponse | None:
    if request.endpoint is None or request.endpoint in PUBLIC_ENDPOINTS:
        return None
    if current_user.is_authenticated:
        return None
    if request.method == "GET" and not wants_partial():
        path = request.full_path.rstrip("?")
        if is_local_path(path):
            session["next"] = path
        return redirect(url_for("accounts.sign_in"), 303)
    if request.method == "POST" and not wants_partial():
        sent = unsent.keep()
        if sent is not None:
            session["next"] = sent.page
        unknown: BaseResponse = login_manager.unauthorized()
        return unknown
    answer = make_response("", 401)
    answer.headers["HX-Redirect"] = url_for("accounts.sign_in")
    return answer


def _headers(response: Response) -> Response:
    config = settings()
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if config.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint == "static":
        # What is no page needs no more; twenty of them come with a first visit.
        headers["Content-Security-Policy"] = "default-src 'none'"
        return response
    headers.setdefault("Content-Security-Policy", POLICY)
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=()"
    headers.setdefault("Cache-Control", "no-store")
    response.vary.add("Cookie")
    return response

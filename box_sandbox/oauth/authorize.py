"""The pages on which a person signs in to Box and grants an app access.

Source: Box API reference "Authorize user"; guides "OAuth 2.0 without SDKs" and "OAuth 2.0 app
setup". Trouble with the redirect address is shown here and never redirected. `box_login` fills in
the e-mail, as Box's own Android SDK asks for it; `code_challenge` is ignored, as at Box.
"""

import secrets
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from box_sandbox.box import Box
from box_sandbox.messages import Headers, Reply, Request
from box_sandbox.oauth import html, scopes
from box_sandbox.oauth.clients import Client
from box_sandbox.oauth.sessions import COOKIE, Session
from box_sandbox.world import PASSWORD, Account

PATH = "/api/oauth2/authorize"
DENIED = "The user denied access to your application"


@dataclass(frozen=True)
class Question:
    """What an app asks for, checked as far as it can be before anybody signs in."""

    client: Client
    redirect_uri: str | None
    state: str
    scopes: frozenset[str]
    box_login: str


class Refused(Exception):
    """The question cannot be asked; the text is the page's."""

    def __init__(self, title: str, explanation: str, code: str) -> None:
        super().__init__(code)
        self.title = title
        self.explanation = explanation
        self.code = code


def show(box: Box, request: Request) -> Reply:
    """Answer GET: the sign-in page, or the consent page for who is signed in already."""
    try:
        question = _question(box, request)
    except Refused as refusal:
        return _refused(refusal)
    session = _session(box, request)
    if session is None:
        session = box.sessions.begin()
    account = box.tree.account(session.account_id) if session.account_id else None
    if account is None or question.box_login.lower() not in {"", account.login}:
        return _page(html.sign_in(_action(request), session.request_token, question), session)
    return _consent(box, request, question, session, account)


def submit(box: Box, request: Request) -> Reply:
    """Answer POST: signing in, granting, denying, or wanting another account."""
    try:
        question = _question(box, request)
        session = _session(box, request)
        given = request.form.get("request_token", "")
        if session is None or not secrets.compare_digest(
            given.encode(), session.request_token.encode()
        ):
            raise Refused(
                "Please start again",
                "This page was open for too long, or cookies are switched off.",
                "invalid_request",
            )
        if session.account_id is None or "password" in request.form:
            return _sign_in(box, request, question, session)
        return _answer(box, request, question, session)
    except Refused as refusal:
        return _refused(refusal)


def _sign_in(box: Box, request: Request, question: Question, session: Session) -> Reply:
    login = request.form.get("login", "").strip().lower()
    account = box.account(login) if "@" in login else None
    if account is None or request.form.get("password") != PASSWORD:
        page = html.sign_in(_action(request), session.request_token, question, failed_login=login)
        return _page(page, session)
    box.sessions.end(session)
    signed_in = box.sessions.begin(account.id)
    # Without box_login, or somebody who signed in as another would be asked for ever.
    return _redirect(_action(request, without="box_login"), (_cookie(signed_in),))


def _answer(box: Box, request: Request, question: Question, session: Session) -> Reply:
    assert session.account_id is not None
    decision = request.form.get("decision")
    if decision == "another":
        box.sessions.end(session)
        return _redirect(_action(request, without="box_login"))
    if decision == "deny":
        return _back(question, {"error": "access_denied", "error_description": DENIED})
    if decision != "grant":
        raise Refused("Please start again", "Nothing was chosen.", "invalid_request")
    if box.settings.disabled_by_admin:
        return _disabled(question)
    if question.redirect_uri is None:
        raise Refused(
            "No redirect address",
            "The app has registered several redirect addresses and named none of them.",
            "redirect_uri_missing",
        )
    code = box.grants.issue_code(
        session.account_id,
        question.client.client_id,
        question.scopes,
        until=box.clock.now() + box.settings.code_seconds,
    )
    return _back(question, {"code": code})


def _question(box: Box, request: Request) -> Question:
    """Return what is asked; raises Refused for an unknown app or a wrong redirect address."""
    args = request.args
    client = box.clients.get(args.get("client_id", ""))
    if client is None:
        raise Refused("Unknown app", "No app is registered under this client id.", "invalid_client")
    if args.get("response_type") != "code":
        raise Refused(
            "Unknown response type",
            "Box answers this kind of request with a code only.",
            "unsupported_response_type",
        )
    redirect_uri = args.get("redirect_uri") or None
    if redirect_uri is None and len(client.redirect_uris) == 1:
        redirect_uri = client.redirect_uris[0]
    elif redirect_uri is not None and not client.allows(redirect_uri):
        raise Refused(
            "Wrong redirect address",
            "The redirect address of this request is not among those the app has registered.",
            "redirect_uri_mismatch",
        )
    wanted = frozenset(args.get("scope", "").split())
    if wanted - scopes.implied(scopes.APP_SCOPES):
        raise Refused("Unknown scope", "The app may not ask for this scope.", "invalid_scope")
    return Question(
        client,
        redirect_uri,
        args.get("state", ""),
        wanted or scopes.APP_SCOPES,
        args.get("box_login", "").strip(),
    )


# ---- replies


def _consent(
    box: Box, request: Request, question: Question, session: Session, account: Account
) -> Reply:
    if box.settings.disabled_by_admin:
        return _disabled(question)
    page = html.consent(_action(request), session.request_token, question, account)
    return _page(page, session)


def _disabled(question: Question) -> Reply:
    return Reply(200, html.HEADERS, html.disabled(question.client.name))


def _refused(refusal: Refused) -> Reply:
    return Reply(400, html.HEADERS, html.refusal(refusal.title, refusal.explanation, refusal.code))


def _page(page: bytes, session: Session) -> Reply:
    return Reply(200, (*html.HEADERS, _cookie(session)), page)


def _redirect(location: str, headers: Headers = ()) -> Reply:
    return Reply(303, (("Location", location), ("Cache-Control", "no-store"), *headers))


def _back(question: Question, answer: dict[str, str]) -> Reply:
    """Send the person back to the app, with the answer added to its own address."""
    assert question.redirect_uri is not None
    parts = urlsplit(question.redirect_uri)
    pairs = parse_qsl(parts.query, keep_blank_values=True) + list(answer.items())
    if question.state:
        pairs.append(("state", question.state))
    location = urlunsplit(parts._replace(query=urlencode(pairs)))
    return Reply(302, (("Location", location), ("Cache-Control", "no-store")))


def _action(request: Request, *, without: str | None = None) -> str:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    return f"{PATH}?{urlencode([pair for pair in pairs if pair[0] != without])}"


def _session(box: Box, request: Request) -> Session | None:
    return box.sessions.find(request.cookies.get(COOKIE, ""))


def _cookie(session: Session) -> tuple[str, str]:
    # Its own path: cookies know no ports, and the app may run on the same host.
    cookie: SimpleCookie = SimpleCookie({COOKIE: session.id})
    morsel = cookie[COOKIE]
    morsel["path"], morsel["httponly"], morsel["samesite"] = "/api/oauth2", True, "Lax"
    return "Set-Cookie", morsel.OutputString()

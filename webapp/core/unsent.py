"""What somebody sent when their session was over: kept until they are back, then in its form again.

A form's CSRF token says whose session it was made in, signed by us, so that it tells who wrote this
after the session is gone. What was written stays in the browser's session, never passwords, never
files, and is shown to that person alone: in its form, on its page, with nothing sent yet.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import Flask, Response, current_app, g, render_template, request, session
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from webapp.core.addresses import is_local_path
from webapp.core.filling import fill
from webapp.core.htmx import wants_partial
from webapp.core.incoming import SECRETS
from webapp.core.problems import Problem

KEY = "unsent"
MAX_LENGTH = 200_000


@dataclass(frozen=True)
class Unsent:
    """A form that was not sent: whose, to which address, and on which page it stands."""

    person_id: int | None
    address: str
    page: str
    fields: dict[str, list[str]]
    files: list[str]


def init_unsent(app: Flask) -> None:
    app.after_request(_show)
    app.after_request(_forget_what_was_sent)


def keep() -> Unsent | None:
    """Keep the form of this request for whoever its page was made for; None when nobody knows."""
    # Whoever is not known yet sends no more than a form's text.
    request.max_content_length = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        person_id = author()
        if person_id is None and request.view_args:
            return None  # the address itself is a secret: an invitation, a new password
        form, files = request.form, request.files
    except (HTTPException, Problem, BadData):
        return None
    found = Unsent(
        person_id=person_id,
        address=request.path,
        page=_page(),
        fields={
            name: [str(text) for text in texts]
            for name, texts in form.lists()
            if name not in SECRETS | {"csrf_token"}
        },
        files=[file.filename for file in files.values() if file.filename],
    )
    if sum(len(text) for texts in found.fields.values() for text in texts) > MAX_LENGTH:
        return None
    session[KEY] = asdict(found)
    g.unsent_is_new = True
    return found


def author() -> int | None:
    """Return who a form was made for, None for somebody not signed in; BadData if not by us."""
    sent = request.form.get("csrf_token") or request.headers.get("X-CSRFToken", "")
    made = URLSafeTimedSerializer(current_app.secret_key or "", salt="wtf-csrf-token").loads(sent)
    person, dot, _rest = str(made).partition(".")
    return int(person) if dot else None


def is_stale() -> bool:
    """True for a form of this very person, made in a session that was theirs before this one."""
    try:
        return author() == _reader()
    except (HTTPException, Problem, BadData):
        return False


def kept() -> Unsent | None:
    """Return what this browser holds for whoever uses it now."""
    raw: dict[str, Any] | None = session.get(KEY)
    found = Unsent(**raw) if raw else None
    return found if found and found.person_id == _reader() else None


def hand_over(person_id: int) -> dict[str, Any]:
    """Return what a new session of this person takes along from the one before."""
    raw: dict[str, Any] = session.get(KEY) or {}
    return {KEY: raw} if raw.get("person_id") == person_id else {}


def discard() -> str:
    """Forget what is kept; returns the page it stood on."""
    raw: dict[str, Any] = session.pop(KEY, None) or {}
    return str(raw.get("page", "/"))


def _reader() -> int | None:
    return int(current_user.id) if current_user.is_authenticated else None


def _page() -> str:
    """Return the page that the form stands on: where it leads back to, or the next one above."""
    parts = request.path.rstrip("/").split("/")
    above = ["/".join(parts[:count]) for count in range(len(parts), 1, -1)]
    pages = (_as_page(address) for address in (request.form.get("back", ""), *above))
    return next((page for page in pages if page), "/")


def _as_page(address: str) -> str:
    """Return the address of a page, with the slash that it may end in; "" when it is none."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None or not is_local_path(address):
        return ""
    try:
        adapter.match(address.partition("?")[0], method="GET")
    except RequestRedirect:
        return f"{address}/"
    except HTTPException:
        return ""
    return address


def _show(response: Response) -> Response:
    """Put what is kept into its form on the page that was asked for."""
    if request.method != "GET" or KEY not in session or wants_partial():
        return response
    found, here = kept(), request.full_path.rstrip("?")
    if found is None or found.page not in (here, request.path):
        return response
    if response.status_code in {302, 303}:
        session[KEY] = asdict(replace(found, page=response.location))
    elif response.status_code == 200 and response.mimetype == "text/html":
        _fill(response, found)
    return response


def _fill(response: Response, found: Unsent) -> None:
    page, left = fill(response.get_data(as_text=True), found.address, request.path, found.fields)
    note = render_template("errors/_unsent.html", unsent=found, left=left)
    start = page.find(">", page.find("<main")) + 1
    response.set_data(page[:start] + note + page[start:])


def _forget_what_was_sent(response: Response) -> Response:
    raw = session.get(KEY)
    is_sent = raw and request.method == "POST" and raw["address"] == request.path
    if is_sent and response.status_code < 500 and "unsent_is_new" not in g:
        session.pop(KEY)
    return response

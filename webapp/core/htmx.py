"""Partials for htmx, whole pages for everybody else: the same view, the same data."""

from flask import Response, make_response, redirect, render_template, request
from jinja2 import Template

Names = list[str | Template]


def wants_partial() -> bool:
    """True when htmx asked for a fragment; a restored history entry wants the page."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers


def render(
    partial: str, /, *, within: str | Names, status: int = 200, **context: object
) -> Response:
    """Render `partial` for htmx; for everyone else render `within`, which includes it.

    Of several names the first that exists is taken.
    """
    template: str | Names = partial if wants_partial() else within
    response = make_response(render_template(template, partial=partial, **context), status)
    response.vary.update(("HX-Request", "HX-History-Restore-Request"))
    return response


def go_to(url: str) -> Response:
    """Send the browser to `url`, whichever way it asked (303, or htmx's redirect header)."""
    if wants_partial():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return make_response(redirect(url, 303))


def announce(response: Response, *events: str) -> Response:
    """Have htmx fire `events` on the page, so that other partials refresh themselves."""
    response.headers["HX-Trigger"] = ", ".join(events)
    return response

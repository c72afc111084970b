"""The Attach File(s) dialog: its frame, its tray, the computer's side, and what leads to Box's.

Two blueprints over one host. The frame hangs under every target; Box's side only under those whose
address lets it (the application's converter decides), so that a tool without Box has no Box address
at all. A host with more places to choose from brings a blueprint of `create_source` for each, with
views of its own. Everything works as plain pages; htmx gets the same partials alone.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, g, redirect, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.core import htmx
from webapp.core.addresses import is_local_path, path_of
from webapp.core.converters import as_id
from webapp.core.problems import Conflict, Invalid, Problem
from webapp.core.problems import NotFound as UploadGone
from webapp.core.text import _, tidy
from webapp.picker import browsing, previews, tus
from webapp.picker.frame import (
    DIALOG,
    box_url,
    frame,
    here,
    open_here,
    opened_host,
    opened_target,
    prefix,
    seals,
)
from webapp.picker.host import Action, PickerHost
from webapp.picker.rows import open_choice, open_folder_choice

KEY_MAX_LENGTH = 64
TRAY_ACTIONS = frozenset({"item", "folder", "again"})
# What an address names below the target; everything else in it is the host's.
OWN_VARIABLES = frozenset({"folder_id", "file_id", "upload_id"})
# Searches are counted where they are made, and what came too often waits there.
COUNTED = {
    **dict.fromkeys(("panel", "folder", "last", "recents", "favorites", "shared"), Action.LIST),
    **dict.fromkeys(("thumbnail", "picture"), Action.LOOK),
    "send": Action.SEND,
}


def create_blueprints(host: PickerHost) -> tuple[Blueprint, Blueprint]:
    """Return the dialog's blueprint and Box's, both talking to `host`."""
    dialog = _make_blueprint("attach", host)
    dialog.add_url_rule("/", "dialog", show_dialog)
    dialog.add_url_rule("/tray", "tray", show_tray)
    dialog.add_url_rule("/tray", "change_tray", change_tray, methods=["POST"])
    dialog.add_url_rule("/computer", "upload", upload, methods=["POST"])
    dialog.add_url_rule("/computer/discard", "discard", discard, methods=["POST"])
    dialog.add_url_rule("/send", "send", send, methods=["POST"])
    tus.add_routes(dialog)
    box = _make_blueprint("box_picker", host)
    box.add_url_rule("/", "panel", browsing.show_panel)
    box.add_url_rule("/folders/<folder_id>", "folder", browsing.show_folder)
    box.add_url_rule("/last", "last", browsing.show_last)
    box.add_url_rule("/recents", "recents", browsing.show_recents)
    box.add_url_rule("/favorites", "favorites", browsing.show_favorites)
    box.add_url_rule("/shared", "shared", browsing.show_shared)
    box.add_url_rule("/search", "search", browsing.show_search)
    box.add_url_rule("/files/<file_id>/thumbnail", "thumbnail", previews.show_thumbnail)
    box.add_url_rule("/files/<file_id>/picture", "picture", previews.show_picture)
    box.add_url_rule("/choose", "choose", choose, methods=["POST"])
    return dialog, box


def create_source(key: str, host: PickerHost) -> Blueprint:
    """Return a blueprint for a source of the host's own; it answers only where that is offered.

    The host adds the views and registers it beside the dialog, with the same prefix to its name.
    """
    bp = _make_blueprint(f"{key}_picker", host)

    @bp.before_request
    def require_offered() -> None:
        if all(source.key != key for source in opened_target().sources):
            raise NotFound

    return bp


def _make_blueprint(name: str, host: PickerHost) -> Blueprint:
    bp = Blueprint(name, __name__)

    @bp.url_value_preprocessor
    def take_prefix(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        # Only takes: opening must wait for before_request, because Flask runs preprocessors
        # before any sign-in guard.
        values = values if values is not None else {}
        g.prefix = {key: values.pop(key) for key in list(values) if key not in OWN_VARIABLES}

    @bp.url_defaults
    def put_prefix(_endpoint: str, values: dict[str, Any]) -> None:
        for key, value in g.get("prefix", {}).items():
            values.setdefault(key, value)

    @bp.before_request
    def open_target() -> None:
        open_here(host)
        action = COUNTED.get((request.endpoint or "").rpartition(".")[2])
        if action is not None:
            host.admit(action)

    return bp


def show_source(key: str, partial: str, *, panel: str, **context: Any) -> BaseResponse:
    """Answer for a source of the host's: `partial` for htmx, else the page with `panel` in it."""
    shown = frame(source=key, panel=panel, here=here(), **context)
    return htmx.render(partial, within="picker/page.html", **shown)


def show_dialog() -> BaseResponse:
    """The frame: Box's side if there is one and it was not refused, else the computer's."""
    target = opened_target()
    source = request.args.get("source", "box" if target.offers_box else "computer")
    if source not in ("box", "computer") or (source == "box" and not target.offers_box):
        raise NotFound
    if source == "box" and not htmx.wants_partial():
        return redirect(box_url("panel"), 303)
    return htmx.render(DIALOG, within="picker/page.html", **frame(source=source))


def show_tray() -> BaseResponse:
    return htmx.render("picker/_tray.html", within="picker/page.html", **frame(source="computer"))


def change_tray() -> BaseResponse:
    """Take one file or folder out of the tray, or all; or count a folder again.

    A reason in the form is kept: it is why the files are attached.
    """
    host, target = opened_host(), opened_target()
    if "reason" in request.form:
        host.explain(target, tidy(request.form["reason"]))
        return Response(status=204)
    actions = ((name, value) for name, value in request.form.items() if name in TRAY_ACTIONS)
    what, named = next(actions, ("", ""))
    item_id = as_id(named)
    if what == "item" and named == "all":
        host.take_out(target, None)
    elif item_id is None:
        raise BadRequest
    elif what == "item":
        host.take_out(target, item_id)
    elif what == "folder":
        host.take_out_folder(target, item_id)
    else:
        host.count_again(target, item_id)
    return _tray_again()


def upload() -> BaseResponse:
    """Put files from the computer into the tray."""
    sent = [file for file in request.files.getlist("file") if file.filename]
    if not sent:
        raise Invalid(_("No file came. Choose one and send it again."))
    for file in sent:
        opened_host().upload(opened_target(), file)
    return _tray_again()


def discard() -> BaseResponse:
    """Forget an upload that was not finished, with what has arrived of it."""
    # Finished, discarded or expired meanwhile: the list shows what there is.
    with suppress(UploadGone):
        opened_host().abandon_upload(opened_target(), request.form.get("upload", ""))
    if not htmx.wants_partial():
        return redirect(f"{prefix()}?source=computer", 303)
    return htmx.render(
        "picker/_computer.html", within="picker/page.html", **frame(source="computer")
    )


def _tray_again() -> BaseResponse:
    if htmx.wants_partial():
        response = htmx.render(
            "picker/_tray.html", within="picker/page.html", **frame(source="computer")
        )
        return htmx.announce(response, "tray-changed")
    back = request.form.get("back", "")
    is_here = back.startswith(prefix()) and is_local_path(back)
    return redirect(back if is_here else prefix(), 303)


def send() -> BaseResponse:
    """Attach what is in the tray."""
    key = request.form.get("key", "")
    if len(key) > KEY_MAX_LENGTH or tidy(key) != key:
        raise BadRequest
    reason = tidy(request.form.get("reason"))
    try:
        response = opened_host().attach(opened_target(), key, reason=reason)
    except (Conflict, Invalid) as problem:
        return _tray_with(problem)
    if htmx.wants_partial() and _is_on_own_page():
        # There is no dialog to close here, and nothing behind it.
        return htmx.go_to(opened_target().back_url)
    return response


def _is_on_own_page() -> bool:
    """True when the dialog is the page that is asking, not something before another one."""
    return path_of(request.headers.get("HX-Current-URL", "")).startswith(prefix())


def choose() -> BaseResponse:
    """Put rows into the tray or take them out, by the sealed tokens the rows carry."""
    mine = seals()
    sealed = request.form.get("in", "")
    folder = mine.open_trail(sealed) if sealed else ()
    added = [open_choice(mine, token, folder) for token in request.form.getlist("choice")]
    removed = [open_choice(mine, token, ()).file_id for token in request.form.getlist("remove")]
    folders = [open_folder_choice(mine, it, folder) for it in request.form.getlist("folder")]
    removed += [open_folder_choice(mine, it, ()).row_id for it in request.form.getlist("close")]
    return changed_tray(
        lambda: opened_host().choose(opened_target(), add=added, folders=folders, remove=removed)
    )


def changed_tray(change: Callable[[], None]) -> BaseResponse:
    """Do what changes the tray and answer with the tray; with what was wrong, when it was."""
    try:
        change()
    except Problem as problem:
        return _tray_with(problem)
    return _tray_again()


def tray_saying(text: str, *events: str) -> Response:
    """Answer with the tray as it is now and something that has to be read, for the host."""
    response = htmx.render(
        "picker/_tray.html", within="picker/page.html", **frame(source="computer", refused=text)
    )
    return htmx.announce(response, *events)


def _tray_with(problem: Problem) -> BaseResponse:
    """Answer with the tray as it is now and what was wrong; without a script it is a page."""
    if not htmx.wants_partial():
        raise problem
    shown = frame(refused=problem.advice)
    return htmx.render(
        "picker/_tray.html", within="picker/page.html", status=problem.status, **shown
    )

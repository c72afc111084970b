"""The Attach File(s) dialog: its frame and the computer's side, and Box's side.

Two blueprints over one host. The frame hangs under every target; Box's side only under those whose
address lets it (the application's converter decides), so that a tool without Box has no Box address
at all. A host with more places to choose from brings a blueprint of `create_source` for each, with
views of its own. Everything works as plain pages; htmx gets the same partials alone.
"""

import re
import time
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, request, url_for
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.box.client import SEARCH_PAGE, BoxClient
from webapp.box.errors import (
    BoxBadRequest,
    BoxBlocked,
    BoxBusy,
    BoxDenied,
    BoxError,
    BoxItemGone,
    BoxLinkBroken,
    BoxUnavailable,
)
from webapp.box.items import ROOT_ID, ROOT_NAME, BoxItem, is_item_id
from webapp.core import htmx
from webapp.core.clock import utcnow
from webapp.core.converters import as_id
from webapp.core.problems import Problem
from webapp.core.text import _, local_date, tidy
from webapp.picker.host import Action, Door, LastFolder, PickerHost, Target, Tray
from webapp.picker.rows import Row, RowMaker, open_choice, plain, trail_of
from webapp.picker.seals import ELLIPSIS, BadSeal, Crumb, Seals

SORTS = frozenset({"name", "date", "size"})
DIRECTIONS = {"asc": "ASC", "desc": "DESC"}
QUERY_MAX_LENGTH = 200
SEARCH_OFFSET_MAX = 10_000
KEY_MAX_LENGTH = 64
# How long a listing may have taken for its folder's name to be asked for as well: a page waits for
# one slow call, never for two.
PATIENCE_SECONDS = 1.5
# How often a page asks Box again by itself when Box is busy, and how long it waits for that.
AUTOMATIC_TRIES, AUTOMATIC_WAIT_S = 3, 30
# What an address here may carry; all of it, and what of it outlives a list that has changed.
OWN_ARGS = frozenset({"in", "n", "s", "m", "sort", "dir", "q", "scope", "folder", "o"})
LASTING_ARGS = frozenset({"in", "sort", "dir"})
REFUSED = 424
PANEL = "picker/_panel.html"
COUNTED = {
    "panel": Action.LIST,
    "folder": Action.LIST,
    "search": Action.SEARCH,
    "send": Action.SEND,
}


def create_blueprints(host: PickerHost) -> tuple[Blueprint, Blueprint]:
    """Return the dialog's blueprint and Box's, both talking to `host`."""
    dialog = _make_blueprint("attach", host)
    dialog.add_url_rule("/", "dialog", show_dialog)
    dialog.add_url_rule("/tray", "tray", show_tray)
    dialog.add_url_rule("/tray", "change_tray", change_tray, methods=["POST"])
    dialog.add_url_rule("/computer", "upload", upload, methods=["POST"])
    dialog.add_url_rule("/send", "send", send, methods=["POST"])
    box = _make_blueprint("box_picker", host)
    box.add_url_rule("/", "panel", show_panel)
    box.add_url_rule("/folders/<folder_id>", "folder", show_folder)
    box.add_url_rule("/search", "search", show_search)
    box.add_url_rule("/choose", "choose", choose, methods=["POST"])
    return dialog, box


def create_source(key: str, host: PickerHost) -> Blueprint:
    """Return a blueprint for a source of the host's own; it answers only where that is offered.

    The host adds the views and registers it beside the dialog, with the same prefix to its name.
    """
    bp = _make_blueprint(f"{key}_picker", host)

    @bp.before_request
    def require_offered() -> None:
        if all(source.key != key for source in _target().sources):
            raise NotFound

    return bp


def _make_blueprint(name: str, host: PickerHost) -> Blueprint:
    bp = Blueprint(name, __name__)

    @bp.url_value_preprocessor
    def take_prefix(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        # Only takes: opening must wait for before_request, because Flask runs preprocessors
        # before any sign-in guard.
        values = values if values is not None else {}
        g.prefix = {key: values.pop(key) for key in list(values) if key not in {"folder_id"}}

    @bp.url_defaults
    def put_prefix(_endpoint: str, values: dict[str, Any]) -> None:
        for key, value in g.get("prefix", {}).items():
            values.setdefault(key, value)

    @bp.before_request
    def open_target() -> None:
        g.picker_host = host
        g.picker_target = host.open_target(**g.prefix)
        action = COUNTED.get((request.endpoint or "").rpartition(".")[2])
        if action is not None:
            host.admit(action)

    return bp


def _host() -> PickerHost:
    host: PickerHost = g.picker_host
    return host


def _target() -> Target:
    target: Target = g.picker_target
    return target


def _tray() -> Tray:
    if "picker_tray" not in g:
        g.picker_tray = _host().tray(_target())
    tray: Tray = g.picker_tray
    return tray


def _seals() -> Seals:
    return Seals(str(current_app.secret_key), _target().person_key)


def _frame(**context: Any) -> dict[str, Any]:
    """Return what the frame of the dialog needs, whichever part is asked for alone."""
    target = _target()
    return {
        "target": target,
        "tray": _tray(),
        "prefix": _prefix(),
        "source": "box",
        "door": None,
        "listing": None,
        "problem": None,
        "panel": "",
        **context,
    }


def show_source(key: str, partial: str, *, panel: str, **context: Any) -> BaseResponse:
    """Answer for a source of the host's: `partial` for htmx, else the page with `panel` in it."""
    frame = _frame(source=key, panel=panel, here=_here(), **context)
    return htmx.render(partial, within="picker/page.html", **frame)


def opened_target() -> Target:
    """Return what the request that is being answered chooses files for."""
    return _target()


def opened_address() -> dict[str, Any]:
    """Return the address's variables, as the host's `open_target` got them."""
    return dict(g.prefix)


def _prefix() -> str:
    """Return the address of the dialog; every other address here begins with it."""
    return url_for(f"{_dialog_name()}.dialog")


def _dialog_name() -> str:
    """Return the dialog's registered name beside whichever blueprint is answering."""
    return re.sub(r"[a-z]+_picker$", "attach", request.blueprint or "")


def _box_name() -> str:
    return _dialog_name().replace("attach", "box_picker")


def show_dialog() -> BaseResponse:
    """The frame: Box's side if there is one and it was not refused, else the computer's."""
    target = _target()
    source = request.args.get("source", "box" if target.offers_box else "computer")
    if source not in ("box", "computer") or (source == "box" and not target.offers_box):
        raise NotFound
    if source == "box" and not htmx.wants_partial():
        return redirect(url_for(f"{_box_name()}.panel"), 303)
    return htmx.render("picker/_dialog.html", within="picker/page.html", **_frame(source=source))


def show_tray() -> BaseResponse:
    return htmx.render("picker/_tray.html", within="picker/page.html", **_frame(source="computer"))


def change_tray() -> BaseResponse:
    """Take one file out of the tray, or all of them."""
    named = request.form.get("item", "")
    item_id = as_id(named)
    if item_id is None and named != "all":
        raise BadRequest
    _host().take_out(_target(), item_id)
    return _tray_again()


def upload() -> BaseResponse:
    """Put files from the computer into the tray."""
    for file in request.files.getlist("file"):
        if file.filename:
            _host().upload(_target(), file)
    return _tray_again()


def _tray_again() -> BaseResponse:
    if htmx.wants_partial():
        response = htmx.render(
            "picker/_tray.html", within="picker/page.html", **_frame(source="computer")
        )
        return htmx.announce(response, "tray-changed")
    back = request.form.get("back", "")
    return redirect(back if back.startswith(_prefix()) else _prefix(), 303)


def send() -> BaseResponse:
    """Attach what is in the tray."""
    key = request.form.get("key", "")
    if len(key) > KEY_MAX_LENGTH or tidy(key) != key:
        raise BadRequest
    response = _host().attach(_target(), key)
    if htmx.wants_partial() and _is_on_own_page():
        # There is no dialog to close here, and nothing behind it.
        return htmx.go_to(_target().back_url)
    return response


def _is_on_own_page() -> bool:
    """True when the dialog is the page that is asking, not something before another one."""
    return urlsplit(request.headers.get("HX-Current-URL", "")).path.startswith(_prefix())


def _door_or_page() -> Door | BaseResponse:
    """Return an open door, or the page that says why Box is shut and what to do."""
    door = _host().box(_target())
    if door.client is not None:
        return door
    # 200, not 424: nothing failed, and the page keeps asking until the link is there.
    response = htmx.render("picker/_shut.html", within="picker/page.html", **_frame(door=door))
    if htmx.wants_partial():
        # Whatever was asked for, all of Box's side is shut.
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = (
            "#picker-panel",
            "outerHTML",
        )
    return response


def show_panel() -> BaseResponse:
    """Box's side of the dialog: where it was last used, else the root; or why Box is shut here."""
    last = _host().last_folder(_target())
    return _show_listing(ROOT_ID, partial=PANEL, last=last)


def show_folder(folder_id: str) -> BaseResponse:
    """A folder's first page, or with a marker the rows that follow."""
    if not is_item_id(folder_id):
        raise BadRequest
    if "m" in request.args and htmx.wants_partial():
        return _more_rows(folder_id)
    return _show_listing(folder_id, partial="picker/_folder.html")


def _show_listing(folder_id: str, *, partial: str, last: LastFolder | None = None) -> BaseResponse:
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    assert door.client is not None
    try:
        listing = _last_listing(door.client, door, last) if last else None
        listing = listing or _listing(door.client, door, folder_id)
    except BoxError as error:
        if partial != PANEL:
            return _refused(door, error, folder_id=folder_id)
        # The panel's failure is a panel too: it is the place in which the dialog goes on.
        return _refused(door, error, folder_id=ROOT_ID, partial=partial)
    frame = _frame(door=door, listing=listing)
    return htmx.render(partial, within="picker/page.html", **frame)


def _last_listing(client: BoxClient, door: Door, last: LastFolder) -> dict[str, Any] | None:
    """Return the folder that was last used here, None when this account does not see it."""
    try:
        listing = _listing(client, door, last.folder_id, trail=last.trail or None)
    except (BoxItemGone, BoxDenied, BoxBlocked):
        return None
    return {**listing, "last": last}


def _more_rows(folder_id: str) -> BaseResponse:
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    assert door.client is not None
    try:
        listing = _listing(door.client, door, folder_id)
    except BoxError as error:
        return _refused(door, error, folder_id=folder_id, partial="picker/_more_problem.html")
    return htmx.render(
        "picker/_rows.html", within="picker/page.html", **_frame(door=door, listing=listing)
    )


def _refused(
    door: Door, error: BoxError, *, folder_id: str, partial: str = "picker/_problem.html"
) -> BaseResponse:
    """Answer that Box could not or would not: one sentence and what can be done."""
    problem = _shown(error)
    again = _again(folder_id, is_panel=partial == PANEL, from_the_top=problem["is_stale"])
    frame = _frame(door=door, problem=problem, again=again)
    return htmx.render(partial, within="picker/page.html", status=REFUSED, **frame)


def _shown(error: BoxError) -> dict[str, Any]:
    if isinstance(error, BoxItemGone | BoxDenied | BoxBlocked):
        advice = _("This folder is no longer in your Box, or you no longer have access to it.")
    else:
        advice = _(error.advice)
    wait = round(error.retry_after_s) if isinstance(error, BoxBusy) else 0
    return {
        "advice": advice,
        "needs_link": isinstance(error, BoxLinkBroken),
        "is_stale": isinstance(error, BoxBadRequest),
        "wait_s": wait,
        "tries_by_itself": wait and wait <= AUTOMATIC_WAIT_S and _tries() < AUTOMATIC_TRIES,
    }


def _tries() -> int:
    """Return how often this address was tried before; only ever used to stop trying."""
    text = request.args.get("t", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _again(folder_id: str, *, is_panel: bool, from_the_top: bool) -> str:
    """Return the address to try once more: the same one, or the folder's beginning."""
    endpoint, names = str(request.endpoint), OWN_ARGS
    variables = dict(request.view_args or {})
    if is_panel or from_the_top:
        endpoint, variables = f"{_box_name()}.folder", {"folder_id": folder_id}
        names = LASTING_ARGS
    kept = {name: request.args[name] for name in names if name in request.args}
    values: dict[str, Any] = {**variables, **kept, "t": _tries() + 1}
    return url_for(endpoint, **values)


def _here() -> str:
    """Return the address of this very list, to come back to after choosing without a script."""
    return request.full_path.rstrip("?")


def _listing(
    client: BoxClient, door: Door, folder_id: str, *, trail: tuple[Crumb, ...] | None = None
) -> dict[str, Any]:
    """Return one page of a folder as the template wants it; one upstream call, as a rule."""
    seals = _seals()
    sort, direction = _order(folder_id)
    marker = _marker(seals, folder_id, sort, direction)
    trail = trail or _known_trail(folder_id, seals)
    began = time.monotonic()
    page = client.list_folder(folder_id, marker=marker, sort=sort, direction=DIRECTIONS[direction])
    if trail is None:
        trail = _asked_trail(client, folder_id, since=began)
    following = ""
    if page.next_marker is not None:
        value = [folder_id, sort, direction, page.next_marker]
        following = seals.seal("marker", value)
    return {
        "mode": "folder",
        "here": _here(),
        "folder_id": folder_id,
        "trail": trail,
        "sealed_trail": seals.seal_trail(trail),
        "rows": _rows(page.items, door, seals),
        "more": following,
        "more_args": {"m": following, "sort": sort, "dir": direction},
        "sort": sort,
        "dir": direction,
        "may_sort": folder_id != ROOT_ID,
        "last": None,
    }


def _rows(items: tuple[BoxItem, ...], door: Door, seals: Seals, **options: bool) -> list[Row]:
    maker = RowMaker(
        seals,
        _target(),
        _tray(),
        folder_prefix=url_for(f"{_box_name()}.folder", folder_id="_")[:-1],
        my_box_id=door.box_user_id,
        today=_today(),
    )
    return maker.rows(items, **options)


def _today() -> date:
    return local_date(utcnow())


def _order(folder_id: str) -> tuple[str, str]:
    """Return sort and direction from the address; the root folder has Box's own order only."""
    sort, direction = request.args.get("sort", "name"), request.args.get("dir", "asc")
    if sort not in SORTS or direction not in DIRECTIONS:
        raise BadRequest
    return ("name", "asc") if folder_id == ROOT_ID else (sort, direction)


def _marker(seals: Seals, folder_id: str, sort: str, direction: str) -> str | None:
    """Return Box's marker from the address, if it is one of this very list."""
    sealed = request.args.get("m")
    if not sealed:
        return None
    value = seals.open("marker", sealed)
    if value[:3] != [folder_id, sort, direction]:
        raise BadSeal
    return str(value[3])


def _known_trail(folder_id: str, seals: Seals) -> tuple[Crumb, ...] | None:
    """Return the way to a folder as the address knows it, None when only Box can tell.

    Box's listing gives neither the name nor the path of the folder that is listed.
    """
    if folder_id == ROOT_ID:
        return (Crumb(ROOT_ID, ROOT_NAME),)
    sealed = request.args.get("in")
    before = seals.open_trail(sealed) if sealed else ()
    known = [crumb.folder_id for crumb in before]
    if folder_id in known:
        return before[: known.index(folder_id) + 1]
    name = request.args.get("n")
    if not before or name is None:
        return None
    if not seals.holds("folder", f"{folder_id}|{name}", request.args.get("s", "")):
        raise BadSeal
    return (*before, Crumb(folder_id, name))


def _asked_trail(client: BoxClient, folder_id: str, *, since: float) -> tuple[Crumb, ...]:
    """Return the way to a folder by a call of its own; while Box is slow, one without names."""
    root = Crumb(ROOT_ID, ROOT_NAME)
    unnamed = (root, Crumb(folder_id, ELLIPSIS))
    if time.monotonic() - since > PATIENCE_SECONDS:
        return unnamed
    try:
        found = client.folder(folder_id)
    except BoxUnavailable:
        return unnamed
    middle = (crumb for crumb in trail_of(found) if crumb.folder_id != ROOT_ID)
    return (root, *middle, Crumb(folder_id, plain(found.name)))


def show_search() -> BaseResponse:
    """Files and folders by name, here and below or in all of Box, by Box's own search."""
    query = " ".join(request.args.get("q", "").split())
    folder_id = request.args.get("folder", ROOT_ID)
    scope = request.args.get("scope", "folder")
    if not is_item_id(folder_id) or scope not in ("folder", "all"):
        raise BadRequest
    if not query:
        return _show_listing(folder_id, partial="picker/_folder.html")
    if len(query) > QUERY_MAX_LENGTH or tidy(query) != query:
        raise BadRequest
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    assert door.client is not None
    offset = _offset()
    try:
        listing = _hits(door, query, folder_id, scope, offset)
    except BoxError as error:
        if offset and htmx.wants_partial():
            return _refused(door, error, folder_id=folder_id, partial="picker/_more_problem.html")
        return _refused(door, error, folder_id=folder_id)
    partial = "picker/_rows.html" if offset else "picker/_folder.html"
    return htmx.render(partial, within="picker/page.html", **_frame(door=door, listing=listing))


def _offset() -> int:
    text = request.args.get("o", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise BadRequest
    if int(text) % SEARCH_PAGE or int(text) > SEARCH_OFFSET_MAX:
        raise BadRequest
    return int(text)


def _hits(door: Door, query: str, folder_id: str, scope: str, offset: int) -> dict[str, Any]:
    assert door.client is not None
    seals = _seals()
    trail = _known_trail(folder_id, seals)
    within = folder_id if scope == "folder" else None
    began = time.monotonic()
    page = door.client.search(query, within=within, offset=offset)
    if trail is None:
        trail = _asked_trail(door.client, folder_id, since=began)
    following = ""
    if page.next_offset is not None and page.next_offset <= SEARCH_OFFSET_MAX:
        following = str(page.next_offset)
    return {
        "mode": "search",
        "here": _here(),
        "query": query,
        "scope": scope,
        "folder_id": folder_id,
        "trail": trail,
        "sealed_trail": seals.seal_trail(trail),
        "rows": _rows(page.items, door, seals, with_paths=True),
        "total": page.total,
        "more": following,
        "more_args": {"q": query, "scope": scope, "folder": folder_id, "o": following},
        "sort": "name",
        "dir": "asc",
        "may_sort": False,
        "last": None,
    }


def choose() -> BaseResponse:
    """Put rows into the tray or take them out, by the sealed tokens the rows carry."""
    seals = _seals()
    sealed = request.form.get("in", "")
    folder = seals.open_trail(sealed) if sealed else ()
    added = [open_choice(seals, token, folder) for token in request.form.getlist("choice")]
    removed = [open_choice(seals, token, ()).file_id for token in request.form.getlist("remove")]
    return changed_tray(lambda: _host().choose(_target(), add=added, remove=removed))


def changed_tray(change: Callable[[], None]) -> BaseResponse:
    """Do what changes the tray and answer with the tray; with what was wrong, when it was."""
    try:
        change()
    except Problem as problem:
        if not htmx.wants_partial():
            raise
        frame = _frame(problem={"advice": problem.advice})
        return htmx.render(
            "picker/_tray.html", within="picker/page.html", status=problem.status, **frame
        )
    return _tray_again()

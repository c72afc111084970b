"""The Attach File(s) dialog: its frame and the computer's side, and Box's side.

Two blueprints over one host. The frame hangs under every target; Box's side only under those whose
address lets it (the application's converter decides), so that a tool without Box has no Box address
at all. Everything works as plain pages; htmx gets the same partials alone.
"""

from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.box.client import SEARCH_PAGE, BoxClient
from webapp.box.errors import BoxBusy, BoxError, BoxItemGone, BoxLinkBroken
from webapp.box.items import ROOT_ID, ROOT_NAME, BoxItem, is_item_id
from webapp.core import htmx
from webapp.core.clock import utcnow
from webapp.core.converters import as_id
from webapp.core.problems import Problem
from webapp.core.text import N_, _, local_date
from webapp.picker.host import Door, PickerHost, Target, Tray
from webapp.picker.rows import Row, RowMaker, open_choice
from webapp.picker.seals import BadSeal, Crumb, Seals, path_text

SORTS = {"name": N_("Name"), "date": N_("Modified"), "size": N_("Size")}
DIRECTIONS = {"asc": "ASC", "desc": "DESC"}
QUERY_MAX_LENGTH = 200
SEARCH_OFFSET_MAX = 10_000
REFUSED = 424
PANEL = "picker/_panel.html"


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

    bp.register_error_handler(BadSeal, _bad_seal)
    return bp


def _bad_seal(_error: BadSeal) -> Response:
    raise BadRequest


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
        **context,
    }


def _prefix() -> str:
    """Return the address of the dialog; every other address here begins with it."""
    return url_for(f"{_dialog_name()}.dialog")


def _dialog_name() -> str:
    """Return the dialog's registered name beside whichever blueprint is answering."""
    return (request.blueprint or "").replace("box_picker", "attach")


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
    return _host().attach(_target(), request.form.get("key", ""))


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
    """Box's side of the dialog: the root folder, or why Box is shut here."""
    return _show_listing(ROOT_ID, partial=PANEL)


def show_folder(folder_id: str) -> BaseResponse:
    """A folder's first page, or with a marker the rows that follow."""
    if not is_item_id(folder_id):
        raise BadRequest
    if "m" in request.args and htmx.wants_partial():
        return _more_rows(folder_id)
    return _show_listing(folder_id, partial="picker/_folder.html")


def _show_listing(folder_id: str, *, partial: str) -> BaseResponse:
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    assert door.client is not None
    try:
        listing = _listing(door.client, door, folder_id)
    except BoxError as error:
        if partial != PANEL:
            return _refused(door, error, again=request.full_path.rstrip("?"))
        # The panel's failure is a panel too: it is the place in which the dialog goes on.
        root = url_for(f"{_box_name()}.folder", folder_id=ROOT_ID)
        return _refused(door, error, again=root, partial=partial)
    frame = _frame(door=door, listing=listing)
    return htmx.render(partial, within="picker/page.html", **frame)


def _more_rows(folder_id: str) -> BaseResponse:
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    assert door.client is not None
    try:
        listing = _listing(door.client, door, folder_id)
    except BoxError as error:
        again = request.full_path.rstrip("?")
        return htmx.render(
            "picker/_more_problem.html",
            within="picker/page.html",
            status=REFUSED,
            **_frame(door=door, problem=_shown(error), again=again),
        )
    return htmx.render(
        "picker/_rows.html", within="picker/page.html", **_frame(door=door, listing=listing)
    )


def _refused(
    door: Door, error: BoxError, *, again: str, partial: str = "picker/_problem.html"
) -> BaseResponse:
    """Answer that Box could not or would not: one sentence and what can be done."""
    frame = _frame(door=door, problem=_shown(error), again=again)
    return htmx.render(partial, within="picker/page.html", status=REFUSED, **frame)


def _shown(error: BoxError) -> dict[str, Any]:
    if isinstance(error, BoxItemGone):
        advice = _("This folder is no longer in your Box, or you no longer have access to it.")
    else:
        advice = _(error.advice)
    wait = round(error.retry_after_s) if isinstance(error, BoxBusy) else 0
    return {"advice": advice, "needs_link": isinstance(error, BoxLinkBroken), "wait_s": wait}


def _listing(client: BoxClient, door: Door, folder_id: str) -> dict[str, Any]:
    """Return one page of a folder as the template wants it; one upstream call, as a rule."""
    seals = _seals()
    sort, direction = _order(folder_id)
    trail = _trail(client, folder_id, seals)
    page = client.list_folder(
        folder_id,
        marker=_marker(seals, folder_id, sort, direction),
        sort=sort,
        direction=DIRECTIONS[direction],
    )
    following = ""
    if page.next_marker is not None:
        value = [folder_id, sort, direction, page.next_marker]
        following = seals.seal("marker", value)
    return {
        "mode": "folder",
        "folder_id": folder_id,
        "trail": trail,
        "sealed_trail": seals.seal_trail(trail),
        "rows": _rows(page.items, door, seals),
        "more": following,
        "more_args": {"m": following, "sort": sort, "dir": direction},
        "sort": sort,
        "dir": direction,
        "may_sort": folder_id != ROOT_ID,
        "count_so_far": _count_so_far(),
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


def _count_so_far() -> int:
    """Return how many rows the page above holds already; only ever shown, never believed."""
    text = request.args.get("c", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


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


def _trail(client: BoxClient, folder_id: str, seals: Seals) -> tuple[Crumb, ...]:
    """Return the way to a folder: from the sealed trail, or for a deep link by a call of its own.

    Box's listing gives neither the name nor the path of the folder that is listed.
    """
    root = (Crumb(ROOT_ID, ROOT_NAME),)
    if folder_id == ROOT_ID:
        return root
    sealed = request.args.get("in")
    before = seals.open_trail(sealed) if sealed else ()
    known = [crumb.folder_id for crumb in before]
    if folder_id in known:
        return before[: known.index(folder_id) + 1]
    name = request.args.get("n")
    if before and name is not None:
        if not seals.holds("folder", f"{folder_id}|{name}", request.args.get("s", "")):
            raise BadSeal
        return (*before, Crumb(folder_id, name))
    found = client.folder(folder_id)
    above = found.path_collection.entries if found.path_collection else ()
    middle = tuple(Crumb(a.id, a.name or "") for a in above if a.id != ROOT_ID)
    return (*root, *middle, Crumb(folder_id, found.name))


def show_search() -> BaseResponse:
    """Files and folders by name, here and below or in all of Box, by Box's own search."""
    query = " ".join(request.args.get("q", "").split())
    folder_id = request.args.get("folder", ROOT_ID)
    scope = request.args.get("scope", "folder")
    if not is_item_id(folder_id) or scope not in ("folder", "all"):
        raise BadRequest
    if not query:
        return _show_listing(folder_id, partial="picker/_folder.html")
    if len(query) > QUERY_MAX_LENGTH or not query.isprintable():
        raise BadRequest
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    assert door.client is not None
    try:
        listing = _hits(door, query, folder_id, scope)
    except BoxError as error:
        return _refused(door, error, again=request.full_path.rstrip("?"))
    partial = "picker/_rows.html" if listing["offset"] else "picker/_folder.html"
    return htmx.render(partial, within="picker/page.html", **_frame(door=door, listing=listing))


def _hits(door: Door, query: str, folder_id: str, scope: str) -> dict[str, Any]:
    assert door.client is not None
    seals = _seals()
    trail = _trail_of_search(folder_id, seals)
    text = request.args.get("o", "0")
    is_offset = text.isascii() and text.isdigit() and int(text[:6]) % SEARCH_PAGE == 0
    if not is_offset or int(text[:6]) >= SEARCH_OFFSET_MAX:
        raise BadRequest
    within = folder_id if scope == "folder" else None
    page = door.client.search(query, within=within, offset=int(text))
    following = str(page.next_offset) if page.next_offset is not None else ""
    return {
        "mode": "search",
        "query": query,
        "scope": scope,
        "folder_id": folder_id,
        "trail": trail,
        "sealed_trail": seals.seal_trail(trail),
        "rows": _rows(page.items, door, seals, with_paths=True),
        "offset": int(text),
        "total": page.total,
        "more": following,
        "more_args": {"q": query, "scope": scope, "folder": folder_id, "o": following},
        "sort": "name",
        "dir": "asc",
        "may_sort": False,
        "count_so_far": _count_so_far(),
    }


def _trail_of_search(folder_id: str, seals: Seals) -> tuple[Crumb, ...]:
    sealed = request.args.get("in")
    trail = seals.open_trail(sealed) if sealed else (Crumb(ROOT_ID, ROOT_NAME),)
    known = [crumb.folder_id for crumb in trail]
    return trail[: known.index(folder_id) + 1] if folder_id in known else trail


def choose() -> BaseResponse:
    """Put rows into the tray or take them out, by the sealed tokens the rows carry."""
    seals = _seals()
    sealed = request.form.get("in", "")
    folder_path = path_text(seals.open_trail(sealed)) if sealed else ""
    added = [open_choice(seals, token, folder_path) for token in request.form.getlist("choice")]
    removed = [open_choice(seals, token, "").file_id for token in request.form.getlist("remove")]
    try:
        _host().choose(_target(), add=added, remove=removed)
    except Problem as problem:
        if not htmx.wants_partial():
            raise
        frame = _frame(problem={"advice": problem.advice})
        return htmx.render(
            "picker/_tray.html", within="picker/page.html", status=problem.status, **frame
        )
    return _tray_again()

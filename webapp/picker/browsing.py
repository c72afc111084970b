"""Box's side of the dialog: folders, the views beside them, and what a search finds.

Whatever is shown comes from one call to Box of at most a hundred items, as a rule. Rows that follow
are asked for when one gets there; only Box's saying so ends a list, never a short or empty page.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.box.client import PAGE, SEARCH_PAGE, BoxClient
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
from webapp.box.items import ROOT_ID, BoxItem, is_item_id
from webapp.core import htmx
from webapp.core.clock import utcnow
from webapp.core.text import _, local_date, tidy
from webapp.picker.frame import box_url, frame, here, opened_host, opened_target, opened_tray, seals
from webapp.picker.host import Action, Door, TooSoon
from webapp.picker.listing import ROOT, WAYS, Listing, Search, View
from webapp.picker.rows import Row, RowMaker, plain, trail_of
from webapp.picker.seals import ELLIPSIS, BadSeal, Crumb, Seals

SORTS = frozenset({"name", "date", "size"})
DIRECTIONS = {"asc": "ASC", "desc": "DESC"}
QUERY_MAX_LENGTH = 200
OFFSET_MAX = 10_000
# What can be searched for besides words: by type, as Box's own extensions, and by age in days.
KINDS = {
    "": (),
    "pdf": ("pdf",),
    "drawings": ("dwg", "dxf", "dgn", "dwf", "dwfx", "rvt", "nwd", "nwc", "ifc", "skp"),
    "pictures": ("jpg", "jpeg", "png", "gif", "heic", "tif", "tiff", "webp", "svg", "bmp"),
    "documents": ("doc", "docx", "odt", "rtf", "txt", "md", "boxnote", "gdoc", "ppt", "pptx"),
    "sheets": ("xls", "xlsx", "xlsm", "csv", "ods", "gsheet", "mpp"),
    "folders": (),
}
AGES = frozenset({"", "7", "30", "365"})
# How long a listing may have taken for its folder's name to be asked for as well: a page waits for
# one slow call, never for two.
PATIENCE_SECONDS = 1.5
# How often a page asks Box again by itself when Box is busy, and how long it waits for that.
AUTOMATIC_TRIES, AUTOMATIC_WAIT_S = 3, 60
# What an address here may carry; all of it, and what of it outlives a list that has changed.
OWN_ARGS = frozenset(
    {"in", "n", "s", "m", "sort", "dir", "q", "scope", "kind", "since", "folder", "o"}
)
LASTING_ARGS = frozenset({"in", "sort", "dir"})
FOLLOWING = frozenset({"m", "o"})
REFUSED = 424
PANEL, FOLDER, ROWS = "picker/_panel.html", "picker/_folder.html", "picker/_rows.html"
PROBLEM, MORE_PROBLEM = "picker/_problem.html", "picker/_more_problem.html"


# ---- what is shown


def show_panel() -> BaseResponse:
    """Box's side of the dialog: where it was last used, else the root; or why Box is shut here."""
    return _answer(_last_or_root, whole=PANEL)


def show_folder(folder_id: str) -> BaseResponse:
    """A folder's first page, or with a marker the rows that follow."""
    if not is_item_id(folder_id):
        raise BadRequest
    return _answer(lambda door: _folder(door, folder_id), folder_id=folder_id)


def show_last() -> BaseResponse:
    """The folder that was last attached from here; the root when this account sees it no more."""
    return _answer(_last_or_root)


def show_recents() -> BaseResponse:
    """What this person has used lately in Box."""
    return _answer(_recents)


def show_favorites() -> BaseResponse:
    """What this person has marked with a star in Box."""
    return _answer(_favorites)


def show_shared() -> BaseResponse:
    """What others own and have invited this person to."""
    return _answer(_shared)


def show_search() -> BaseResponse:
    """Files and folders by name, here and below or in all of Box, by Box's own search."""
    search, folder_id = _asked_search(), request.args.get("folder", ROOT_ID)
    if not is_item_id(folder_id):
        raise BadRequest
    if not search.query:
        return _answer(lambda door: _folder(door, folder_id), folder_id=folder_id)
    return _answer(lambda door: _hits(door, search, folder_id), folder_id=folder_id)


def _answer(
    make: Callable[[Door], Listing],
    *,
    folder_id: str = ROOT_ID,
    whole: str = FOLDER,
) -> BaseResponse:
    """Answer with what `make` gets of Box: whole, or its rows alone when they follow others."""
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    is_again = "again" in request.args
    follows = htmx.wants_partial() and (is_again or not request.args.keys().isdisjoint(FOLLOWING))
    try:
        listing = make(door)
    except TooSoon as refusal:
        return _refused(door, BoxBusy(retry_after_s=refusal.wait_s), folder_id, advice=str(refusal))
    except BoxError as error:
        # The panel's failure is a panel too: it is the place in which the dialog goes on.
        partial = MORE_PROBLEM if follows else PANEL if whole == PANEL else PROBLEM
        return _refused(door, error, folder_id, partial=partial)
    if is_again:
        listing = replace(listing, more="")
    partial = ROWS if follows else whole
    shown = frame(door=door, listing=listing, **_choices(partial))
    return htmx.render(partial, within="picker/page.html", **shown)


def _choices(partial: str) -> dict[str, Any]:
    """Return what the frame around a list offers: the views, and what narrows a search."""
    if htmx.wants_partial() and partial != PANEL:
        return {}
    has_last = opened_host().last_folder(opened_target()) is not None
    return {
        "ways": WAYS,
        "urls": _urls,
        "has_last": has_last,
        "kinds": _kinds(),
        "ages": _ages(),
    }


def _urls(view: View) -> str:
    return box_url("folder", folder_id=ROOT_ID) if view == View.FILES else box_url(view.value)


def _kinds() -> list[tuple[str, str]]:
    return [
        ("", _("Any type")),
        ("pdf", _("PDF")),
        ("drawings", _("Drawings and models")),
        ("pictures", _("Pictures")),
        ("documents", _("Documents")),
        ("sheets", _("Spreadsheets")),
        ("folders", _("Folders")),
    ]


def _ages() -> list[tuple[str, str]]:
    return [
        ("", _("Any time")),
        ("7", _("Last 7 days")),
        ("30", _("Last 30 days")),
        ("365", _("Last 12 months")),
    ]


# ---- what Box refused


def _door_or_page() -> Door | BaseResponse:
    """Return an open door, or the page that says why Box is shut and what to do."""
    door = opened_host().box(opened_target())
    if door.client is not None:
        return door
    # 200, not 424: nothing failed, and the page keeps asking until the link is there.
    response = htmx.render("picker/_shut.html", within="picker/page.html", **frame(door=door))
    if htmx.wants_partial():
        # Whatever was asked for, all of Box's side is shut.
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = (
            "#picker-panel",
            "outerHTML",
        )
    return response


def _refused(
    door: Door, error: BoxError, folder_id: str, *, partial: str = PROBLEM, advice: str = ""
) -> BaseResponse:
    """Answer that Box could not or would not: one sentence and what can be done."""
    problem = _shown(error, advice)
    again = _again(folder_id, is_panel=partial == PANEL, from_the_top=problem["is_stale"])
    shown = frame(door=door, problem=problem, again=again, **_choices(partial))
    return htmx.render(partial, within="picker/page.html", status=REFUSED, **shown)


def _shown(error: BoxError, advice: str) -> dict[str, Any]:
    if isinstance(error, BoxItemGone | BoxDenied | BoxBlocked):
        advice = _("This folder is no longer in your Box, or you no longer have access to it.")
    wait = round(error.retry_after_s) if isinstance(error, BoxBusy) else 0
    return {
        "advice": advice or _(error.advice),
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
    kept: dict[str, Any] = {name: request.args[name] for name in names if name in request.args}
    if is_panel or (from_the_top and "folder_id" in variables):
        kept = {name: value for name, value in kept.items() if name in LASTING_ARGS}
        return box_url("folder", folder_id=folder_id, **kept, t=_tries() + 1)
    if from_the_top:
        kept = {name: value for name, value in kept.items() if name not in FOLLOWING}
    return url_for(endpoint, **variables, **kept, t=_tries() + 1)


# ---- folders


def _client(door: Door) -> BoxClient:
    assert door.client is not None
    return door.client


def _last_or_root(door: Door) -> Listing:
    """Return the folder that was last used here; the root when this account does not see it."""
    last = opened_host().last_folder(opened_target())
    if last is None:
        return _folder(door, ROOT_ID)
    try:
        listing = _folder(door, last.folder_id, trail=last.trail or None)
    except (BoxItemGone, BoxDenied, BoxBlocked):
        return _folder(door, ROOT_ID)
    return replace(listing, view=View.LAST, by=last.by)


def _folder(door: Door, folder_id: str, *, trail: tuple[Crumb, ...] | None = None) -> Listing:
    """Return one page of a folder; one upstream call, as a rule."""
    mine = seals()
    sort, direction = _order(folder_id)
    marker = _marker(mine, [folder_id, sort, direction])
    trail = trail or _known_trail(folder_id, mine)
    began = time.monotonic()
    page = _client(door).list_folder(
        folder_id, marker=marker, sort=sort, direction=DIRECTIONS[direction]
    )
    trail = trail or _asked_trail(_client(door), folder_id, since=began)
    more = ""
    if page.next_marker is not None:
        following = mine.seal("marker", [folder_id, sort, direction, page.next_marker])
        more = box_url("folder", folder_id=folder_id, m=following, sort=sort, dir=direction)
    return Listing(
        View.FILES,
        here(),
        _at("folder", folder_id=folder_id, sort=sort, dir=direction),
        _rows(page.items, door, mine),
        trail,
        mine.seal_trail(trail),
        more,
        sort=sort,
        dir=direction,
        may_sort=folder_id != ROOT_ID,
    )


def _at(endpoint: str, **values: Any) -> str:
    """Return the address that gives this very page's rows again, and nothing after them."""
    of = {name: request.args[name] for name in ("m", "o") if name in request.args}
    return box_url(endpoint, **values, **of, again=1)


def _rows(items: Iterable[BoxItem], door: Door, mine: Seals, **options: bool) -> list[Row]:
    maker = RowMaker(
        mine,
        opened_target(),
        opened_tray(),
        folder_prefix=box_url("folder", folder_id="_")[:-1],
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


def _marker(mine: Seals, of: list[str]) -> str | None:
    """Return Box's marker from the address, if it is one `of` this very list."""
    sealed = request.args.get("m")
    if not sealed:
        return None
    value = mine.open("marker", sealed)
    if value[:-1] != of:
        raise BadSeal
    return str(value[-1])


def _known_trail(folder_id: str, mine: Seals) -> tuple[Crumb, ...] | None:
    """Return the way to a folder as the address knows it, None when only Box can tell.

    Box's listing gives neither the name nor the path of the folder that is listed.
    """
    if folder_id == ROOT_ID:
        return (ROOT,)
    sealed = request.args.get("in")
    before = mine.open_trail(sealed) if sealed else ()
    known = [crumb.folder_id for crumb in before]
    if folder_id in known:
        return before[: known.index(folder_id) + 1]
    name = request.args.get("n")
    if not before or name is None:
        return None
    if not mine.holds("folder", f"{folder_id}|{name}", request.args.get("s", "")):
        raise BadSeal
    return (*before, Crumb(folder_id, name))


def _asked_trail(client: BoxClient, folder_id: str, *, since: float) -> tuple[Crumb, ...]:
    """Return the way to a folder by a call of its own; while Box is slow, one without names."""
    unnamed = (ROOT, Crumb(folder_id, ELLIPSIS))
    if time.monotonic() - since > PATIENCE_SECONDS:
        return unnamed
    try:
        found = client.folder(folder_id)
    except BoxUnavailable:
        return unnamed
    middle = (crumb for crumb in trail_of(found) if crumb.folder_id != ROOT_ID)
    return (ROOT, *middle, Crumb(folder_id, plain(found.name)))


# ---- the views beside the folders


def _recents(door: Door) -> Listing:
    mine = seals()
    page = _client(door).recent_items(marker=_marker(mine, ["recents"]))
    more = ""
    if page.next_marker is not None:
        more = box_url("recents", m=mine.seal("marker", ["recents", page.next_marker]))
    return _beside(View.RECENTS, _rows(page.items, door, mine, with_paths=True), more)


def _favorites(door: Door) -> Listing:
    """Return one page of the favorites; whose collection they are is asked on the first page."""
    mine, offset = seals(), _offset(PAGE)
    sealed = request.args.get("m")
    client = _client(door)
    found = str(mine.open("favorites", sealed)) if sealed else client.favorites_id()
    if not found:
        return _beside(View.FAVORITES, [], "")
    page = client.collection(found, offset=offset)
    more = ""
    if page.next_offset is not None and page.next_offset <= OFFSET_MAX:
        more = box_url("favorites", o=page.next_offset, m=mine.seal("favorites", found))
    return _beside(View.FAVORITES, _rows(page.items, door, mine, with_paths=True), more)


def _shared(door: Door) -> Listing:
    """Return what others own of one page of the root; a page with nothing of theirs is no end."""
    mine = seals()
    page = _client(door).list_folder(ROOT_ID, marker=_marker(mine, ["shared"]))
    theirs = [item for item in page.items if item.owner_id not in ("", door.box_user_id)]
    more = ""
    if page.next_marker is not None:
        more = box_url("shared", m=mine.seal("marker", ["shared", page.next_marker]))
    return _beside(View.SHARED, _rows(theirs, door, mine), more)


def _beside(view: View, rows: list[Row], more: str) -> Listing:
    mine, way = seals(), next(way for way in WAYS if way.view == view)
    at = _at(view.value)
    return Listing(view, here(), at, rows, (ROOT,), mine.seal_trail((ROOT,)), more, way=way)


# ---- search


def _asked_search() -> Search:
    """Return what the address asks to search for; BadRequest for what no form here sends."""
    args = request.args
    query = " ".join(args.get("q", "").split())
    search = Search(query, args.get("scope", "folder"), args.get("kind", ""), args.get("since", ""))
    is_known = search.kind in KINDS and search.since in AGES and search.scope in ("folder", "all")
    if not is_known or len(query) > QUERY_MAX_LENGTH or tidy(query) != query:
        raise BadRequest
    return search


def _offset(page: int) -> int:
    text = request.args.get("o", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise BadRequest
    if int(text) % page or int(text) > OFFSET_MAX:
        raise BadRequest
    return int(text)


def _hits(door: Door, search: Search, folder_id: str) -> Listing:
    mine, client, offset = seals(), _client(door), _offset(SEARCH_PAGE)
    trail = _known_trail(folder_id, mine)
    opened_host().admit(Action.SEARCH)
    began = time.monotonic()
    page = client.search(
        search.query,
        within=folder_id if search.scope == "folder" else None,
        folders_only=search.kind == "folders",
        extensions=KINDS[search.kind],
        since=_since(search),
        offset=offset,
    )
    trail = trail or _asked_trail(client, folder_id, since=began)
    args, more = {**search.args, "folder": folder_id}, ""
    if page.next_offset is not None and page.next_offset <= OFFSET_MAX:
        more = box_url("search", **args, o=page.next_offset)
    return Listing(
        View.SEARCH,
        here(),
        _at("search", **args),
        _rows(page.items, door, mine, with_paths=True),
        trail,
        mine.seal_trail(trail),
        more,
        search=replace(search, total=page.total),
    )


def _since(search: Search) -> date | None:
    return _today() - timedelta(days=int(search.since)) if search.since else None

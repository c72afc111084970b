"""Box as lists: a folder, a view beside the folders, what a search finds, what a link leads to.

Each takes one call to Box of at most a hundred items, as a rule. What the address says is checked
before anything is asked.
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from webapp.box import links
from webapp.box.client import PAGE, SEARCH_PAGE, BoxClient
from webapp.box.errors import BoxBlocked, BoxDenied, BoxItemGone, BoxUnavailable
from webapp.box.items import ROOT_ID, BoxItem
from webapp.box.links import Kind
from webapp.core.clock import utcnow
from webapp.core.numbers import as_whole
from webapp.core.text import _, local_date, tidy
from webapp.picker.frame import (
    box_url,
    here,
    opened_host,
    opened_last_folder,
    opened_target,
    opened_tray,
    seals,
)
from webapp.picker.host import Action, Door
from webapp.picker.listing import ROOT, WAYS, Listing, Search, View
from webapp.picker.rows import Row, RowMaker, owner_of, trail_of
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
FOLLOWING = frozenset({"m", "o"})
LOCKED_LINK = "incorrect_shared_item_password"


class LinkRefused(Exception):
    """A pasted link leads nowhere; the text says why, in words for the person."""


# ---- folders


def _client(door: Door) -> BoxClient:
    assert door.client is not None
    return door.client


def last_or_root(door: Door) -> Listing:
    """Return the folder that was last used here; the root when this account does not see it."""
    last = opened_last_folder()
    if last is None:
        return folder(door, ROOT_ID)
    try:
        listing = folder(door, last.folder_id, trail=last.trail or None)
    except (BoxItemGone, BoxDenied, BoxBlocked):
        return folder(door, ROOT_ID)
    return replace(listing, view=View.LAST, by=last.by)


def folder(door: Door, folder_id: str, *, trail: tuple[Crumb, ...] | None = None) -> Listing:
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
        _rows(page.items, door, mine, trail=trail),
        trail,
        mine.seal_trail(trail),
        more,
        sort=sort,
        dir=direction,
        may_sort=folder_id != ROOT_ID,
    )


def _at(endpoint: str, **values: Any) -> str:
    """Return the address that gives this very page's rows again, and nothing after them."""
    of = {name: request.args[name] for name in FOLLOWING if name in request.args}
    return box_url(endpoint, **values, **of, again=1)


def _rows(
    items: Iterable[BoxItem],
    door: Door,
    mine: Seals,
    *,
    trail: tuple[Crumb, ...] = (),
    with_paths: bool = False,
) -> list[Row]:
    maker = RowMaker(
        mine,
        opened_target(),
        opened_tray(),
        folder_prefix=box_url("folder", folder_id="_")[:-1],
        my_box_id=door.box_user_id,
        today=_today(),
        trail=trail,
    )
    return maker.rows(items, with_paths=with_paths)


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
    return (ROOT, *middle, Crumb(folder_id, found.name))


# ---- the views beside the folders


def recents(door: Door) -> Listing:
    mine = seals()
    page = _client(door).recent_items(marker=_marker(mine, ["recents"]))
    more = ""
    if page.next_marker is not None:
        more = box_url("recents", m=mine.seal("marker", ["recents", page.next_marker]))
    return _beside(View.RECENTS, _rows(page.items, door, mine, with_paths=True), more)


def favorites(door: Door) -> Listing:
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


def shared(door: Door) -> Listing:
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


def asked_search() -> Search:
    """Return what the address asks to search for; BadRequest for what no form here sends."""
    args = request.args
    query = " ".join(args.get("q", "").split())
    search = Search(query, args.get("scope", "folder"), args.get("kind", ""), args.get("since", ""))
    is_known = search.kind in KINDS and search.since in AGES and search.scope in ("folder", "all")
    if not is_known or len(query) > QUERY_MAX_LENGTH or tidy(query) != query:
        raise BadRequest
    return search


def _offset(page: int) -> int:
    offset = as_whole(request.args.get("o", "0"), OFFSET_MAX)
    if offset is None or offset % page:
        raise BadRequest
    return offset


def hits(door: Door, search: Search, folder_id: str) -> Listing:
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


# ---- pasted links


def pasted(door: Door, pasted: str) -> Listing:
    """Return what a pasted link stands for: the folder, or the file by itself.

    Raises LinkRefused with the reason when this account cannot be led there.
    """
    link = links.parse(pasted)
    if link is None:
        raise LinkRefused(
            _(
                "That is no link to a file or folder in Box. They look like "
                "https://app.box.com/file/123 or https://app.box.com/s/abc."
            )
        )
    if link.kind == Kind.SHARED:
        return _by_shared_link(door, link.value, pasted)
    try:
        if link.kind == Kind.FOLDER:
            return folder(door, link.value)
        return _one_file(door, _client(door).file(link.value), pasted)
    except (BoxItemGone, BoxDenied) as error:
        raise LinkRefused(
            _(
                "Your Box account %(login)s does not see what this link leads to. It is gone, or "
                "it belongs to another account that has not shared it with this one.",
                login=door.login,
            )
        ) from error
    except BoxBlocked as error:
        raise LinkRefused(_("An administrator of Box does not let this be opened.")) from error


def _by_shared_link(door: Door, address: str, pasted: str) -> Listing:
    found = _shared_item(door, address)
    try:
        if found.is_folder:
            return folder(door, found.id)
        return _one_file(door, _client(door).file(found.id), pasted)
    except BoxItemGone as error:
        # The link alone lets this account look, and a copy needs more than that.
        raise LinkRefused(
            _(
                "“%(name)s” is open to you by its link only. Ask %(owner)s to invite %(login)s, "
                "then it can be attached.",
                name=found.name,
                owner=owner_of(found) or _("its owner"),
                login=door.login,
            )
        ) from error


def _shared_item(door: Door, address: str) -> BoxItem:
    try:
        return _client(door).shared_item(address)
    except BoxItemGone as error:
        raise LinkRefused(
            _(
                "This shared link has ended, or it does not let your Box account %(login)s in.",
                login=door.login,
            )
        ) from error
    except BoxDenied as error:
        if str(error) == LOCKED_LINK:
            raise LinkRefused(
                _(
                    "This shared link asks for a password. Ask its owner to invite %(login)s.",
                    login=door.login,
                )
            ) from error
        raise LinkRefused(_("This shared link does not let your Box account in.")) from error
    except BoxBlocked as error:
        raise LinkRefused(_("An administrator of Box does not let this be opened.")) from error


def _one_file(door: Door, item: BoxItem, pasted: str) -> Listing:
    """Return the file a link names, with the reason beside it when it cannot be attached."""
    mine, trail = seals(), trail_of(item) or (ROOT,)
    rows = _rows([item], door, mine, with_paths=True)
    sealed = mine.seal_trail(trail)
    return Listing(View.LINK, here(), here(), rows, trail, sealed, pasted=pasted)

"""Folders and what is in them, by offset and by marker.

Source: Box API reference "Get folder information", "List items in folder"; guides "Offset-based
pagination" and "Marker-based pagination".
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, cast

from box_sandbox.api import errors
from box_sandbox.api.represent import MINI, View, standard, with_fields
from box_sandbox.api.request import ApiCall
from box_sandbox.messages import Reply, to_json
from box_sandbox.oauth import scopes
from box_sandbox.tree import Direction, Sort, SortKey
from box_sandbox.world import Item

LIMIT_DEFAULT = 100
SORTS = ("id", "name", "date", "size")
DIRECTIONS = ("ASC", "DESC")
BEFORE_ALL = (-1, (0, "", ""))


def get_folder(call: ApiCall, folder_id: str) -> Reply:
    """Answer GET /2.0/folders/:id."""
    call.require(scopes.LOOK)
    folder = call.find("folder", folder_id, by_link=True)
    unchanged = call.not_modified(folder)
    if unchanged:
        return unchanged
    view = call.view(folder, call.opened)
    names = call.fields
    shown = standard(view) if names is None else with_fields(view, names)
    if names is None or "item_collection" in names:
        call.box.listed(folder.id)
        shown["item_collection"] = _offset_page(call, folder, _order(call), fields=None)
    return call.json(shown)


def list_items(call: ApiCall, folder_id: str) -> Reply:
    """Answer GET /2.0/folders/:id/items; a rendered page is kept until the world changes."""
    call.require(scopes.LIST)
    folder = call.find("folder", folder_id, by_link=True)
    call.box.listed(folder.id)
    tree = call.box.tree
    revision = tree.revision
    link = call.opened.link.name if call.opened else ""
    max_offset = str(call.box.settings.max_offset)
    key = (folder.id, call.account_id, link, call.request.query, max_offset)
    page = call.box.pages.find(key, revision)
    if page is None:
        page = call.box.pages.keep(key, revision, to_json(_listing(call, folder)))
    packed = page.packed() if call.request.takes_gzip else None
    return call.json_bytes(page.plain, packed)


def _listing(call: ApiCall, folder: Item) -> dict[str, Any]:
    args = call.request.args
    # A marker counts even when usemarker=false (Box support thread 14604147455251).
    uses_marker = args.get("usemarker", "").lower() == "true" or bool(args.get("marker"))
    order = _order(call)
    if not uses_marker:
        return _offset_page(call, folder, order, fields=call.fields)
    if folder.is_root and "sort" in args:
        raise errors.invalid_parameter("sort", "Sorting is not supported with markers on the root")
    return _marker_page(call, folder, order)


@dataclass(frozen=True)
class Order:
    sort: Sort
    direction: Direction

    def echo(self) -> list[dict[str, str]]:
        return [
            {"by": "type", "direction": "ASC"},
            {"by": self.sort, "direction": self.direction},
        ]


def _order(call: ApiCall) -> Order:
    args = call.request.args
    sort = args.get("sort") or "name"
    direction = args.get("direction") or "ASC"
    if sort not in SORTS:
        raise errors.invalid_parameter("sort", f"Invalid value '{sort}'.")
    if direction.upper() not in DIRECTIONS:
        raise errors.invalid_parameter("direction", f"Invalid value '{direction}'.")
    return Order(cast("Sort", sort), cast("Direction", direction.upper()))


def _entries(
    call: ApiCall, folder: Item, ids: list[str], fields: tuple[str, ...] | None
) -> list[dict[str, Any]]:
    tree = call.box.tree
    # Whoever sees a folder has the same role on everything in it; only the root mixes roles.
    opened, now = call.opened, call.box.clock.now()
    role = None if folder.is_root else call.view(folder, opened).role
    items = (item for item_id in ids if (item := tree.item(item_id)))
    views = [View(tree, call.account_id, item, role, opened, now) for item in items]
    if fields is not None:
        return [with_fields(view, fields) for view in views]
    return [with_fields(view, MINI[view.item.kind]) for view in views]


# ---- by offset


def _offset_page(
    call: ApiCall, folder: Item, order: Order, *, fields: tuple[str, ...] | None
) -> dict[str, Any]:
    limit = call.limit(LIMIT_DEFAULT)
    offset = call.offset(call.box.settings.max_offset)
    ids = call.box.tree.listing(folder, order.sort, order.direction)
    if folder.short_pages:
        page, total = _short_offset_page(ids, offset, limit)
    else:
        page, total = ids[offset : offset + limit], len(ids)
    return {
        "total_count": total,
        "entries": _entries(call, folder, page, fields),
        "offset": offset,
        "limit": limit,
        "order": order.echo(),
    }


def _short_offset_page(ids: list[str], offset: int, limit: int) -> tuple[list[str], int]:
    """Return a page and a total that counts places the caller cannot see.

    Of every three pages the first is full, the second empty and the third half full. A client that
    goes on by `limit` until `total_count` sees everything once.
    """
    half = max(1, limit // 2)
    if limit == 0:
        return [], len(ids)
    cycles, rest = divmod(len(ids), limit + half)
    # A last cycle of at most `limit` items fits on its first page.
    places = cycles * 3 * limit
    if rest:
        places += rest if rest <= limit else 2 * limit + rest - limit
    number, within = divmod(offset // limit, 3)
    start = number * (limit + half)
    if within == 0:
        return ids[start : start + limit], places
    if within == 1:
        return [], places
    return ids[start + limit : start + limit + half], places


# ---- by marker


@dataclass(frozen=True)
class Marker:
    """The place after which a page begins: the last entry's rank and sort key."""

    place: tuple[int, SortKey]
    page: int


def _marker_page(call: ApiCall, folder: Item, order: Order) -> dict[str, Any]:
    limit = call.limit(LIMIT_DEFAULT)
    tree = call.box.tree
    ids = tree.listing(folder, order.sort, order.direction)
    marker = _read_marker(call, folder, order)
    start = _first_after(call, ids, order, marker) if marker else 0
    number = marker.page if marker else 0
    ids_here = ids[start : start + _page_length(folder, number, limit)]
    end = start + len(ids_here)
    following = None
    if end < len(ids):
        last = tree.item(ids[end - 1]) if end else None
        place = tree.place(last, order.sort) if last else BEFORE_ALL
        following = _write_marker(folder, order, Marker(place, number + 1))
    return {
        "entries": _entries(call, folder, ids_here, call.fields),
        "limit": limit,
        "next_marker": following,
        "order": order.echo(),
    }


def _page_length(folder: Item, number: int, limit: int) -> int:
    """Return how many entries a page gets: of three, one full, one empty, one half full."""
    if not folder.short_pages:
        return limit
    return (limit, 0, max(1, limit // 2))[number % 3]


def _first_after(call: ApiCall, ids: list[str], order: Order, marker: Marker) -> int:
    """Return the index of the first item after the marker's place, which may itself be gone."""
    tree = call.box.tree
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        item = tree.item(ids[middle])
        assert item is not None
        if tree.follows(item, marker.place, order.sort, order.direction):
            high = middle
        else:
            low = middle + 1
    return low


def _write_marker(folder: Item, order: Order, marker: Marker) -> str:
    """Return an opaque text; at Box, too, it is base64url of JSON today."""
    rank, key = marker.place
    facts = [folder.id, order.sort, order.direction, marker.page, rank, list(key)]
    return base64.urlsafe_b64encode(to_json(facts)).decode().rstrip("=")


def _read_marker(call: ApiCall, folder: Item, order: Order) -> Marker | None:
    """Return where the page begins, None for the first; raises 400 for a marker not of this list.

    Source: guide "Marker-based pagination": the first page is asked for without one, or with "0".
    """
    text = call.request.args.get("marker", "")
    if text in {"", "0"}:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        facts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        folder_id, sort, direction, page, rank, key = facts
        first, name, item_id = key
        marker = Marker((int(rank), (int(first), str(name), str(item_id))), int(page))
    except (binascii.Error, ValueError, TypeError):
        raise errors.invalid_parameter("marker", f"Invalid value '{text[:200]}'.") from None
    if (folder_id, sort, direction) != (folder.id, order.sort, order.direction):
        raise errors.invalid_parameter("marker", f"Invalid value '{text[:200]}'.")
    return marker

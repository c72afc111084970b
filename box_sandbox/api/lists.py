"""What a person used lately, and what they marked as a favorite.

Source: Box API reference "List recently accessed items", "List all collections", "List collection
items"; guide "Offset-based pagination".
"""

import base64
import binascii
import json
from typing import Any

from box_sandbox import sharing
from box_sandbox.api import errors
from box_sandbox.api.represent import View, collection, mini, standard, with_fields
from box_sandbox.api.request import ApiCall
from box_sandbox.messages import Reply, to_json
from box_sandbox.oauth import scopes
from box_sandbox.recents import place
from box_sandbox.sharing import Opened
from box_sandbox.times import rfc3339
from box_sandbox.tree import collation
from box_sandbox.world import Item, Recent

LIMIT_DEFAULT = 100
COLLECTIONS_OFFSET_MAX = 10_000

_KINDS = ("folder", "file", "web_link")


# ---- recents


def list_recents(call: ApiCall) -> Reply:
    """Answer GET /2.0/recent_items: by markers, the latest first."""
    call.require(scopes.LIST)
    limit = call.limit(LIMIT_DEFAULT)
    last = _read_marker(call)
    recents = call.box.tree.recents.of(call.account_id, now=call.box.clock.now())
    shown = [
        (r, view)
        for r in recents
        if (last is None or place(r) < last)
        if (view := _recent_view(call, r))
    ]
    page = shown[:limit]
    following = ""
    if len(shown) > limit:
        following = _write_marker(page[-1][0]) if page else call.request.args.get("marker", "0")
    return call.json(
        {
            "entries": [_recent(call, recent, view) for recent, view in page],
            "limit": limit,
            "next_marker": following,
            # An object here, a list everywhere else (Box Node SDK, recorded recent items).
            "order": {"by": "interacted_at", "direction": "DESC"},
        }
    )


def _recent_view(call: ApiCall, recent: Recent) -> View | None:
    """Return a used item as its user sees it, or None if it is out of sight by now."""
    tree = call.box.tree
    item = tree.item(recent.item_id)
    if item is None or not _is_here(call, item):
        return None
    if tree.role(call.account_id, item) is not None:
        return call.view(item)
    link = item.shared_link if recent.by_link else None
    now = call.box.clock.now()
    if link is None or not sharing.admits(tree, call.account_id, item, link, now=now):
        return None
    return call.view(item, Opened(item, link))


def _recent(call: ApiCall, recent: Recent, view: View) -> dict[str, Any]:
    link = view.item.shared_link if recent.by_link else None
    return {
        "type": "recent_item",
        "interaction_type": f"item_{recent.how}",
        "interacted_at": rfc3339(int(recent.at)),
        "item": standard(view) if call.fields is None else with_fields(view, call.fields),
        "interaction_shared_link": sharing.url(link) if link else None,
    }


def _write_marker(recent: Recent) -> str:
    return base64.urlsafe_b64encode(to_json(place(recent))).decode().rstrip("=")


def _read_marker(call: ApiCall) -> tuple[float, int] | None:
    """Return after what the page begins, None for the first; raises 400 for a bad marker."""
    text = call.request.args.get("marker", "")
    if text in {"", "0"}:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        at, item_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return float(at), int(item_id)
    except (binascii.Error, ValueError, TypeError):
        raise errors.invalid_parameter("marker", f"Invalid value '{text[:200]}'.") from None


# ---- favorites


def list_collections(call: ApiCall) -> Reply:
    """Answer GET /2.0/collections: everybody has one, their favorites."""
    call.require(scopes.LIST)
    limit = call.limit(LIMIT_DEFAULT)
    offset = call.offset(COLLECTIONS_OFFSET_MAX)
    mine = [collection(call.account_id)]
    entries = mine[offset : offset + limit]
    return call.json(
        {
            "total_count": len(mine),
            "limit": limit,
            "offset": offset,
            "entries": [_named(call, entry) for entry in entries],
        }
    )


def _named(call: ApiCall, entry: dict[str, str]) -> dict[str, str]:
    names = call.fields
    if names is None:
        return entry
    return {name: value for name, value in entry.items() if name in {"type", "id", *names}}


def list_collection_items(call: ApiCall, collection_id: str) -> Reply:
    """Answer GET /2.0/collections/:id/items: without an order; other people's are not found."""
    call.require(scopes.LIST)
    if collection_id != collection(call.account_id)["id"]:
        raise errors.no_such_collection(collection_id)
    limit = call.limit(LIMIT_DEFAULT)
    offset = call.offset(COLLECTIONS_OFFSET_MAX)
    favorites = _favorites(call)
    page = favorites[offset : offset + limit]
    for item in page:
        call.box.listed(item.parent_id)
    views = [call.view(item) for item in page]
    names = call.fields
    return call.json(
        {
            "total_count": len(favorites),
            "limit": limit,
            "offset": offset,
            "entries": [mini(v) if names is None else with_fields(v, names) for v in views],
        }
    )


def _favorites(call: ApiCall) -> list[Item]:
    tree = call.box.tree
    found = (tree.item(item_id) for item_id in tree.favorites(call.account_id))
    items = [i for i in found if i and tree.role(call.account_id, i) and _is_here(call, i)]
    return sorted(items, key=lambda i: (_KINDS.index(i.kind), collation(i.name), i.id))


def _is_here(call: ApiCall, item: Item) -> bool:
    """True for an item that is not trashed or deleted, and not outside of a downscoped token."""
    tree = call.box.tree
    resource = call.caller.resource
    if resource and not tree.is_within(call.account_id, item, resource[1]):
        return False
    return item.status == "active" and all(f.status == "active" for f in tree.ancestors(item))

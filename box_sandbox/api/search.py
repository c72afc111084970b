"""Search by name: what Box's query language finds, in Box's order, as late as Box finds it.

Source: Box API reference "Search for content"; guides "Indexing", "Query operators", "Pagination".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from box_sandbox.api import errors
from box_sandbox.api.represent import extension, standard, with_fields
from box_sandbox.api.request import ApiCall
from box_sandbox.messages import Reply
from box_sandbox.oauth import scopes
from box_sandbox.search_index import Query, parse
from box_sandbox.tree import collation
from box_sandbox.world import Item

LIMIT_DEFAULT, LIMIT_MAX = 30, 200
OFFSET_MAX = 10_000
TYPES = frozenset({"file", "folder", "web_link"})

Filter = Callable[[Item], bool]


def search(call: ApiCall) -> Reply:
    """Answer GET /2.0/search."""
    call.require(scopes.SEARCH)
    args = call.request.args
    # An empty query is a missing one; `*` is no wildcard and simply finds nothing.
    if not args.get("query", "").strip() and not args.get("mdfilters"):
        raise errors.missing_parameter("to_search")
    limit = call.limit(LIMIT_DEFAULT, LIMIT_MAX)
    offset = call.offset(OFFSET_MAX)
    hits = _sorted(call, _hits(call))
    page = hits[offset : offset + limit]
    for hit in page:
        call.box.listed(hit.item.parent_id)
    entries = [_entry(call, hit.item) for hit in page]
    kind = "search_results_items"
    if args.get("include_recent_shared_links", "").lower() == "true":
        kind = "search_results_with_shared_links"
        entries = [{"type": "search_result", "item": entry} for entry in entries]
    return call.json(
        {
            "total_count": len(hits),
            "entries": entries,
            "limit": limit,
            "offset": offset,
            "type": kind,
        }
    )


@dataclass(frozen=True)
class Hit:
    item: Item
    score: int


def _hits(call: ApiCall) -> list[Hit]:
    args = call.request.args
    filters = _filters(call)
    query = parse(args.get("query", ""))
    names = "name" in (args.get("content_types") or "name").split(",")
    # Nothing in this world carries metadata, and nothing is in anybody's trash by name alone.
    if args.get("mdfilters") or not names or args.get("trash_content") == "trashed_only":
        return []
    found = _matching(call, query)
    return [hit for hit in found if all(is_wanted(hit.item) for is_wanted in filters)]


def _matching(call: ApiCall, query: Query) -> Iterator[Hit]:
    """Yield what the index finds and the caller may see; what changed lately, in its old form."""
    tree = call.box.tree
    changed = tree.changed_items()
    changed_ids = {item.id for item in changed}
    oldest = call.box.clock.now() - call.box.settings.search_lag_s
    for item_id, score in call.box.index.find(query):
        item = tree.item(item_id)
        if item and item_id not in changed_ids and _is_visible(call, item):
            yield Hit(item, score)
    for item in changed:
        change = tree.changes[item.id]
        indexed = item if change.at <= oldest else change.before
        score = query.score(indexed.name) if indexed else 0
        if score and _is_visible(call, item):
            yield Hit(item, score)


def _is_visible(call: ApiCall, item: Item) -> bool:
    tree = call.box.tree
    if item.is_root or tree.role(call.account_id, item) is None:
        return False
    resource = call.caller.resource
    if resource and not tree.is_within(call.account_id, item, resource[1]):
        return False
    return item.status == "active" and all(f.status == "active" for f in tree.ancestors(item))


def _sorted(call: ApiCall, hits: list[Hit]) -> list[Hit]:
    args = call.request.args
    sort, direction = args.get("sort") or "relevance", args.get("direction") or "DESC"
    if sort not in {"relevance", "modified_at"}:
        raise errors.invalid_parameter("sort", f"Invalid value '{sort}'.")
    if direction not in {"ASC", "DESC"}:
        raise errors.invalid_parameter("direction", f"Invalid value '{direction}'.")
    hits.sort(key=lambda hit: (collation(hit.item.name), hit.item.id))
    is_descending = direction == "DESC"
    if sort == "modified_at":
        hits.sort(key=lambda hit: hit.item.modified_at, reverse=is_descending)
    else:
        hits.sort(key=lambda hit: hit.score, reverse=is_descending)
    return hits


def _entry(call: ApiCall, item: Item) -> dict[str, Any]:
    view = call.view(item)
    if call.fields is not None:
        return with_fields(view, call.fields)
    shown = standard(view)
    if item.kind == "file":
        # Live hits carry this folder's field, too.
        shown["folder_upload_email"] = None
    return shown


# ---- filters


def _filters(call: ApiCall) -> list[Filter]:
    """Return a test for each restriction in the query; raises 400, 403 or 404 for a bad one."""
    args = call.request.args
    scope = args.get("scope") or "user_content"
    if scope == "enterprise_content":
        raise errors.ApiError(403, "forbidden", "Forbidden")
    if scope != "user_content":
        raise errors.invalid_parameter("scope", f"Invalid value '{scope}'.")
    filters: list[Filter] = []
    if kind := args.get("type"):
        if kind not in TYPES:
            raise errors.invalid_parameter("type", f"Invalid value '{kind}'.")
        filters.append(lambda item: item.kind == kind)
    if endings := _listed(call, "file_extensions"):
        lowered = {ending.lower().lstrip(".") for ending in endings}
        filters.append(lambda item: extension(item.name).lower() in lowered)
    if folder_ids := _listed(call, "ancestor_folder_ids"):
        filters.append(_below(call, folder_ids))
    if owner_ids := _listed(call, "owner_user_ids"):
        filters.append(lambda item: item.owner_id in owner_ids)
    if updater_ids := _listed(call, "recent_updater_user_ids"):
        filters.append(lambda item: item.modified_by_id in updater_ids)
    tree = call.box.tree
    filters += _between(call, "created_at_range", _moment, lambda item: item.created_at)
    filters += _between(call, "updated_at_range", _moment, lambda item: item.modified_at)
    filters += _between(call, "size_range", int, tree.size)
    return filters


def _listed(call: ApiCall, name: str) -> frozenset[str]:
    text = call.request.args.get(name, "")
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _below(call: ApiCall, folder_ids: frozenset[str]) -> Filter:
    folders = [call.find("folder", folder_id) for folder_id in folder_ids]
    tree = call.box.tree
    return lambda item: any(
        item.id != folder.id and tree.is_within(call.account_id, item, folder.id)
        for folder in folders
    )


def _moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _between(
    call: ApiCall, name: str, read: Callable[[str], int], value: Callable[[Item], int]
) -> list[Filter]:
    """Return a test for a "from,to" range, either side of which may be empty."""
    text = call.request.args.get(name, "")
    if not text:
        return []
    try:
        first, last = text.split(",")
        low = read(first) if first else None
        high = read(last) if last else None
    except ValueError:
        raise errors.invalid_parameter(name, f"Invalid value '{text[:200]}'.") from None
    return [
        lambda item: (low is None or value(item) >= low) and (high is None or value(item) <= high)
    ]

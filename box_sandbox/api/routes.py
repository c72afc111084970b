"""Which call is answered where, and what is checked before any of them: token, rate, method."""

import re
from collections.abc import Callable
from typing import Any

from box_sandbox.api import (
    errors,
    files,
    folders,
    lists,
    representations,
    search,
    shared_items,
    users,
    zip_downloads,
)
from box_sandbox.api.request import ApiCall
from box_sandbox.box import Box
from box_sandbox.limits import CALLS, SEARCHES
from box_sandbox.messages import Reply, Request
from box_sandbox.oauth.grants import Caller

PREFIX = "/2.0/"
VERSIONS = frozenset({"2024.0", "2025.0", "2026.0"})

_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Reply]], ...] = (
    (re.compile(r"/2\.0/folders/([^/]+)/items"), folders.list_items),
    (re.compile(r"/2\.0/files/([^/]+)/content"), files.get_content),
    (re.compile(r"/2\.0/files/([^/]+)"), files.get_file),
    (re.compile(r"/2\.0/folders/([^/]+)"), folders.get_folder),
    (re.compile(r"/2\.0/search"), search.search),
    (re.compile(r"/2\.0/users/me"), users.get_me),
    (
        re.compile(r"/2\.0/files/([^/]+)/thumbnail\.(png|jpg)"),
        representations.get_thumbnail,
    ),
    (
        re.compile(r"/2\.0/internal_files/([^/]+)/versions/([^/]+)/representations/([^/]+)"),
        representations.get_info,
    ),
    (re.compile(r"/2\.0/zip_downloads/([^/]+)/status"), zip_downloads.get_status),
    (re.compile(r"/2\.0/recent_items"), lists.list_recents),
    (re.compile(r"/2\.0/collections"), lists.list_collections),
    (re.compile(r"/2\.0/collections/([^/]+)/items"), lists.list_collection_items),
    (re.compile(r"/2\.0/shared_items"), shared_items.get_shared_item),
    (re.compile(r"/2\.0/files/([^/]+)/versions"), files.list_versions),
)


def answer(box: Box, request: Request) -> Reply:
    """Return Box's answer to a call of /2.0."""
    # A token in the query is for browsers that follow a download, and for nothing else.
    token = request.bearer
    if not token and request.path.endswith("/content"):
        token = request.args.get("access_token", "")
    caller = box.grants.caller(token, now=box.clock.now())
    if caller is None:
        return errors.unauthorized()
    try:
        reply = _routed(ApiCall(box, request, caller))
    except errors.ApiError as refusal:
        return refusal.reply()
    box.grants.used(caller.token, keep_downscoped=box.settings.downscoped_survive_refresh)
    return reply


def _routed(call: ApiCall) -> Reply:
    request = call.request
    _check_rate(call.box, call.caller, is_search=request.path == "/2.0/search")
    version = request.headers.get("box-version")
    if version is not None and version not in VERSIONS:
        raise errors.ApiError(400, "invalid_api_version", "Invalid API version")
    is_zip = request.path == "/2.0/zip_downloads"
    if is_zip and request.method == "POST":
        return zip_downloads.create(call)
    if is_zip or request.method != "GET":
        raise errors.method_not_allowed()
    for pattern, endpoint in _ROUTES:
        found = pattern.fullmatch(request.path)
        if found:
            arguments: tuple[Any, ...] = found.groups()
            return endpoint(call, *arguments)
    raise errors.no_such_path()


def _check_rate(box: Box, caller: Caller, *, is_search: bool) -> None:
    if not box.settings.rate_limits:
        return
    limits = (*CALLS, *SEARCHES) if is_search else CALLS
    wait_s = box.limits.wait_s(caller.account_id, limits, now=box.clock.now())
    if wait_s is not None:
        raise errors.too_many_calls(wait_s)

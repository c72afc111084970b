"""Files: what is known about them, their past versions, and the way to their bytes.

Source: Box API reference "Get file information", "List all file versions", "Download file".
"""

from typing import Any

from box_sandbox.api import errors, representations
from box_sandbox.api.represent import standard, version_json, with_fields
from box_sandbox.api.request import ApiCall
from box_sandbox.links import Link
from box_sandbox.messages import Reply
from box_sandbox.oauth import scopes
from box_sandbox.world import Item, Version

VERSIONS_LIMIT_DEFAULT = 1000
VERSIONS_OFFSET_MAX = 10_000


def get_file(call: ApiCall, file_id: str) -> Reply:
    """Answer GET /2.0/files/:id."""
    call.require(scopes.LOOK)
    file = _file(call, file_id, by_link=True)
    unchanged = call.not_modified(file)
    if unchanged:
        return unchanged
    view = call.view(file, call.opened)
    names = call.fields
    shown = standard(view) if names is None else with_fields(view, names)
    if names and "representations" in names:
        shown["representations"] = representations.of_file(call, file)
    return call.json(shown)


def list_versions(call: ApiCall, file_id: str) -> Reply:
    """Answer GET /2.0/files/:id/versions: the past ones, newest first; the current is not there."""
    call.require(scopes.LOOK)
    file = _file(call, file_id)
    limit = call.limit(VERSIONS_LIMIT_DEFAULT)
    offset = call.offset(VERSIONS_OFFSET_MAX)
    past = file.versions[-2::-1]
    shown: list[dict[str, Any]] = [
        version_json(call.box.tree, file, version, call.fields)
        for version in past[offset : offset + limit]
    ]
    return call.json({"total_count": len(past), "entries": shown, "offset": offset, "limit": limit})


def get_content(call: ApiCall, file_id: str) -> Reply:
    """Answer GET /2.0/files/:id/content: 302 to a link that needs no token and lives 15 minutes."""
    file = _file(call, file_id, by_link=True)
    require_download(call)
    if not call.view(file, call.opened).may_download:
        raise errors.no_permission()
    if file.lock and file.lock.is_download_prevented and file.lock.by_id != call.account_id:
        raise errors.locked()
    if "blocked" in file.traits:
        raise errors.blocked_by_policy()
    version = _wanted_version(call, file)
    box = call.box
    now = box.clock.now()
    until = now + box.settings.download_link_seconds
    secret = box.links.issue(Link(file.id, version.id, call.account_id, until), now=now)
    location = f"{box.urls.download}/d/1/{secret}/download"
    return Reply(302, (*errors.LIVE_HEADERS, ("Location", location)))


def require_download(call: ApiCall) -> None:
    """Raise the refusal for a token that may not download."""
    if not scopes.permits(call.caller.scopes, scopes.DOWNLOAD):
        # `root_readonly` lets one look but not download, which Box calls a missing permission.
        if "root_readonly" in call.caller.scopes:
            raise errors.no_permission()
        raise errors.insufficient_scope()


def _file(call: ApiCall, file_id: str, *, by_link: bool = False) -> Item:
    """Return a file, in its newer version if one was announced and it has been listed before."""
    return call.box.arrived(call.find("file", file_id, by_link=by_link))


def _wanted_version(call: ApiCall, file: Item) -> Version:
    wanted = call.request.args.get("version")
    if not wanted:
        return file.current
    for version in file.versions:
        if version.id == wanted:
            return version
    raise errors.not_found("file_version", wanted)

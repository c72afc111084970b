"""Several files and folders as one archive.

Source: Box API reference "Create zip download", "Download zip archive", "Get zip download status".
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from box_sandbox.api import errors
from box_sandbox.api.files import require_download
from box_sandbox.api.represent import View
from box_sandbox.api.request import ApiCall
from box_sandbox.box import Box
from box_sandbox.content.recipes import body_of
from box_sandbox.content.stream import Member, zip_stream
from box_sandbox.messages import Reply, Request, Stream, disposition
from box_sandbox.times import denver, rfc3339
from box_sandbox.world import Item
from box_sandbox.zips import ENTERPRISE_MAX, USER_MAX, Entry, Zip

NAME_DEFAULT = "Box Download"

_CONTENT = re.compile(r"/2\.0/zip_downloads/([^/]+)/content")


def create(call: ApiCall) -> Reply:
    """Answer POST /2.0/zip_downloads with the addresses of the archive and of its status."""
    require_download(call)
    wanted, name = _asked(call)
    items = [_item(call, kind, item_id) for kind, item_id in wanted]
    conflicts = _conflicts(items)
    renamed = {entry["id"]: entry["download_name"] for pair in conflicts for entry in pair}
    files: list[Entry] = []
    folders: list[Entry] = []
    for item in items:
        _plan(call.box, item, renamed.get(item.id, item.name), files, folders)
    _check_limits(call.box, files)
    box = call.box
    now = box.clock.now()
    until = now + box.settings.zip_link_seconds
    enterprise = box.tree.account(call.account_id).enterprise
    made = Zip(name, call.account_id, enterprise, until, files, folders)
    secret = box.zips.add(made, now=now)
    return call.json(
        {
            "download_url": f"{box.urls.download}/2.0/zip_downloads/{secret}/content",
            "status_url": f"{box.urls.api}/2.0/zip_downloads/{secret}/status",
            "expires_at": rfc3339(int(until)),
            "name_conflicts": conflicts,
        },
        status=202,
    )


def _asked(call: ApiCall) -> tuple[list[tuple[str, str]], str]:
    """Return the kinds and ids of the wanted items, each once, and the archive's name."""
    try:
        given = call.request.json()
        name = given.get("download_file_name") or NAME_DEFAULT
        wanted = [(entry["type"], entry["id"]) for entry in given["items"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise errors.bad_request() from None
    is_text = all(isinstance(part, str) for entry in wanted for part in entry)
    if not wanted or not is_text or not isinstance(name, str):
        raise errors.bad_request()
    if any(kind not in {"file", "folder"} or item_id == "0" for kind, item_id in wanted):
        raise errors.bad_request()
    return list(dict.fromkeys(wanted)), name


def _item(call: ApiCall, kind: str, item_id: str) -> Item:
    """Return a wanted item; raises 400 for what is no id, 403 for what the caller cannot see."""
    try:
        return call.find(kind, item_id)
    except errors.ApiError as refusal:
        instead = {405: errors.bad_request(), 404: errors.no_permission()}
        raise instead.get(refusal.status, refusal) from None


def _conflicts(items: list[Item]) -> list[list[dict[str, str]]]:
    """Return the items of equal names, each with the other name it gets."""
    by_name: dict[str, list[Item]] = {}
    for item in items:
        by_name.setdefault(item.name, []).append(item)
    return [
        [
            {
                "id": item.id,
                "type": item.kind,
                "original_name": name,
                "download_name": _other_name(item),
            }
            for item in alike
        ]
        for name, alike in by_name.items()
        if len(alike) > 1
    ]


def _other_name(item: Item) -> str:
    stem = hashlib.sha256(item.id.encode()).hexdigest()[:6]
    return stem + (PurePosixPath(item.name).suffix if item.kind == "file" else "")


def _plan(box: Box, item: Item, path: str, files: list[Entry], folders: list[Entry]) -> None:
    """Note where an item and all below it go; web links are left out."""
    if item.kind == "file":
        files.append(Entry(path, item.id))
    elif item.kind == "folder":
        folders.append(Entry(path, item.id))
        for child_id in box.tree.listing(item):
            child = box.tree.item(child_id)
            if child:
                _plan(box, child, f"{path}/{child.name}", files, folders)


def _check_limits(box: Box, files: list[Entry]) -> None:
    if len(files) > box.settings.zip_max_files:
        raise errors.zip_too_long()
    found = (box.tree.item(entry.item_id) for entry in files)
    if sum(box.tree.size(item) for item in found if item) > box.settings.zip_max_bytes:
        raise errors.zip_too_large()


# ---- the archive, on the download origin


def owner(box: Box, request: Request) -> str | None:
    """Return whose download a request is, also when its address no longer works."""
    found = _CONTENT.fullmatch(request.path)
    made = box.zips.find(found.group(1)) if found else None
    return made.account_id if made else None


def download(box: Box, request: Request) -> Reply:
    """Answer GET on a download_url: without a token, once."""
    found = _CONTENT.fullmatch(request.path)
    made = box.zips.find(found.group(1)) if found else None
    if made is None:
        return errors.no_such_path().reply()
    if request.method != "GET":
        return errors.method_not_allowed().reply()
    if box.zips.running(account_id=made.account_id) >= USER_MAX:
        return errors.too_many_zips("user").reply()
    if box.zips.running(enterprise=made.enterprise) >= ENTERPRISE_MAX:
        return errors.too_many_zips("enterprise").reply()
    if not made.begin(now=box.clock.now()):
        return errors.no_such_path().reply()
    headers = (
        errors.LIVE_HEADERS[0],
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", disposition(f"{made.name}.zip")),
    )
    return Reply(200, headers, Stream(lambda: _pieces(box, made)))


def _pieces(box: Box, made: Zip) -> Iterator[memoryview]:
    made.is_running = True
    try:
        yield from zip_stream(_members(box, made))
        made.is_done = True
    finally:
        made.has_failed = not made.is_done
        made.is_running = False


def _members(box: Box, made: Zip) -> Iterator[Member]:
    """Yield what may still be read; the rest is counted and left out without a word."""
    for entry in made.folders:
        folder = _readable(box, made, entry)
        if folder is None:
            made.skipped_folders += 1
        else:
            yield Member(f"{entry.path}/", denver(folder.modified_at), None)
    for entry in made.files:
        file = _readable(box, made, entry)
        if file is None:
            made.skipped_files += 1
        else:
            content = body_of(file.current.recipe)
            yield Member(entry.path, denver(file.modified_at), content)
            made.downloaded += 1


def _readable(box: Box, made: Zip, entry: Entry) -> Item | None:
    item = box.tree.item(entry.item_id)
    if item is None or item.traits & {"gone", "blocked"}:
        return None
    is_here = item.status == "active" and all(
        folder.status == "active" for folder in box.tree.ancestors(item)
    )
    if not is_here or box.tree.role(made.account_id, item) is None:
        return None
    if item.kind == "folder":
        return item
    lock = item.lock
    is_locked = lock and lock.is_download_prevented and lock.by_id != made.account_id
    may_download = View(box.tree, made.account_id, item).may_download
    return item if may_download and not is_locked else None


# ---- its status


def get_status(call: ApiCall, secret: str) -> Reply:
    """Answer GET on a status_url: nothing before the download has begun."""
    require_download(call)
    made = call.box.zips.find(secret)
    if made is None or made.account_id != call.account_id:
        raise errors.no_such_path()
    if not made.is_known(call.box.clock.now()):
        raise errors.no_such_path()
    return call.json(
        {
            "total_file_count": len(made.files),
            "downloaded_file_count": made.downloaded,
            "skipped_file_count": made.skipped_files,
            "skipped_folder_count": made.skipped_folders,
            "state": made.state,
        }
    )

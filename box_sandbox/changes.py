"""Changes to files and folders, as other people and programs make them in Box while we look on.

Every change is one JSON object, so that a journal of them can be kept and played again.
"""

import base64
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from box_sandbox.content.recipes import Recipe
from box_sandbox.tree import Tree
from box_sandbox.world import (
    Access,
    Account,
    Item,
    Kind,
    Lock,
    Recent,
    Role,
    Share,
    SharedLink,
    Use,
    Version,
    link_name,
    make_id,
    next_recipe,
)

Change = dict[str, Any]
MARKS = frozenset({"gone", "blocked", "slow", "short", "forbidden"})


class BadChange(Exception):
    """A change that cannot be made; the text says why."""


class Changes:
    """Makes changes and remembers them in order."""

    def __init__(self, tree: Tree, changed: Callable[[], None] = lambda: None) -> None:
        self._tree = tree
        self._changed = changed
        self._lock = threading.RLock()
        self.journal: list[tuple[float, Change]] = []

    def reset(self) -> None:
        self.journal = []

    def apply(self, change: Change, *, at: float) -> Item:
        """Make one change and return the item it left; raises BadChange."""
        make = _OPERATIONS.get(str(change.get("op")))
        if make is None:
            raise BadChange(f"there is no operation {change.get('op')!r}")
        with self._lock:
            try:
                item = make(self, change, at)
            except KeyError as missing:
                raise BadChange(f"{change['op']} needs {missing}") from None
            self.journal.append((at, change))
            self._changed()
            return item

    def arrive(self, file_id: str, *, at: float) -> Item:
        """Put the announced newer version of a file in place, once."""
        with self._lock:
            file = self._tree.item(file_id)
            assert file is not None
            if file.next_size is None:
                return file
            change = {"op": "new_version", "id": file_id, "size": file.next_size}
            return self.apply(change, at=at)

    # ---- finding

    def _account(self, change: Change) -> Account:
        account = self._tree.base.account(str(change.get("login", "devon")))
        if account is None:
            raise BadChange(f"there is no account {change.get('login')!r}")
        return account

    def _target(self, change: Change) -> Item:
        """Return the item a change is about: by id, or by path as an account sees it."""
        if "id" in change:
            item = self._tree.item(str(change["id"]))
        else:
            account, path = self._account(change), str(change["path"])
            item = self._tree.at_path(account, path) or self._trashed(account, path)
        if item is None or item.status == "deleted":
            raise BadChange(f"there is nothing at {change.get('id') or change.get('path')!r}")
        return item

    def _trashed(self, account: Account, path: str) -> Item | None:
        above, _, name = path.rstrip("/").rpartition("/")
        folder = self._tree.at_path(account, above)
        lost = (i for i in self._tree.changed_items() if i.status == "trashed" and i.name == name)
        return next((item for item in lost if folder and item.parent_id == folder.id), None)

    def _file(self, change: Change) -> Item:
        item = self._target(change)
        if item.kind != "file":
            raise BadChange(f"{item.name!r} is no file")
        return item

    # ---- operations

    def _new_version(self, change: Change, at: float) -> Item:
        file = self._file(change)
        given = _content(change, file.current.recipe.name)
        recipe = given or next_recipe(file)
        if given is None and "size" in change:
            recipe = replace(recipe, size=int(change["size"]))
        if given:
            recipe = replace(recipe, edition=file.current.number + 1)
        number = file.current.number + 1
        version_id = make_id("file_version", file.id, str(number))
        version = Version(version_id, number, recipe, int(at), file.owner_id)
        if "login" in change:
            self._used(self._account(change), file, "modify", at)
        return self._tree.change(
            file, at=at, versions=(*file.versions, version), modified_at=int(at), next_size=None
        )

    def _rename(self, change: Change, at: float) -> Item:
        return self._tree.change(self._target(change), at=at, name=str(change["name"]))

    def _move(self, change: Change, at: float) -> Item:
        folder = self._tree.at_path(self._account(change), str(change["to"]))
        if folder is None or folder.kind != "folder":
            raise BadChange(f"there is no folder at {change['to']!r}")
        return self._tree.change(self._target(change), at=at, parent_id=folder.id)

    def _trash(self, change: Change, at: float) -> Item:
        return self._tree.change(self._target(change), at=at, status="trashed", trashed_at=int(at))

    def _restore(self, change: Change, at: float) -> Item:
        return self._tree.change(self._target(change), at=at, status="active", trashed_at=None)

    def _delete(self, change: Change, at: float) -> Item:
        return self._tree.change(self._target(change), at=at, status="deleted")

    def _set_lock(self, change: Change, at: float) -> Item:
        file = self._file(change)
        by = self._tree.base.account(str(change.get("by", "rosa")))
        if by is None:
            raise BadChange(f"there is no account {change.get('by')!r}")
        prevents = bool(change.get("prevent_download", False))
        lock = Lock(make_id("lock", file.id), by.id, int(at), prevents)
        return self._tree.change(file, at=at, lock=lock)

    def _unlock(self, change: Change, at: float) -> Item:
        return self._tree.change(self._file(change), at=at, lock=None)

    def _mark(self, change: Change, at: float) -> Item:
        mark = str(change["mark"])
        if mark not in MARKS:
            raise BadChange(f"there is no mark {mark!r}")
        item = self._target(change)
        return self._tree.change(item, at=at, traits=item.traits | {mark})

    def _unmark(self, change: Change, at: float) -> Item:
        item = self._target(change)
        return self._tree.change(item, at=at, traits=item.traits - {str(change["mark"])})

    def _classify(self, change: Change, at: float) -> Item:
        name = str(change.get("name", ""))
        if name and name not in self._tree.base.classifications:
            raise BadChange(f"there is no classification {name!r}")
        return self._tree.change(self._file(change), at=at, classification=name)

    def _share(self, change: Change, at: float) -> Item:
        folder, account = self._shared_with(change)
        if change["role"] not in get_args(Role):
            raise BadChange(f"there is no role {change['role']!r}")
        share = Share(folder.id, account.id, change["role"])
        self._tree.set_shares((*self._without(folder, account), share))
        return folder

    def _unshare(self, change: Change, at: float) -> Item:
        """End a collaboration: with one account, or without `with`, with all of them."""
        if "with" in change:
            folder, account = self._shared_with(change)
            self._tree.set_shares(self._without(folder, account))
            return folder
        folder = self._target(change)
        kept = tuple(share for share in self._tree.shares if share.folder_id != folder.id)
        self._tree.set_shares(kept)
        return folder

    def _shared_with(self, change: Change) -> tuple[Item, Account]:
        account = self._tree.base.account(str(change["with"]))
        if account is None:
            raise BadChange(f"there is no account {change['with']!r}")
        return self._target(change), account

    def _without(self, folder: Item, account: Account) -> tuple[Share, ...]:
        pair = (folder.id, account.id)
        shares = self._tree.shares
        return tuple(share for share in shares if (share.folder_id, share.account_id) != pair)

    def _set_link(self, change: Change, at: float) -> Item:
        """Put a shared link on a file or folder; another one each time."""
        item = self._target(change)
        access = change.get("access", "open")
        if access not in get_args(Access):
            raise BadChange(f"there is no access {access!r}")
        if item.kind == "web_link" or item.is_root:
            raise BadChange(f"{item.name!r} can have no shared link here")
        seconds = change.get("seconds")
        link = SharedLink(
            link_name(item.id, 1 + len(self.journal)),
            access,
            str(change.get("password", "")),
            None if seconds is None else int(at) + int(seconds),
            bool(change.get("preview_only", False)),
        )
        return self._tree.change(item, at=at, shared_link=link)

    def _remove_link(self, change: Change, at: float) -> Item:
        return self._tree.change(self._target(change), at=at, shared_link=None)

    def _use(self, change: Change, at: float) -> Item:
        """Let an account look at an item, or use it in another way; by link where `by_link`."""
        how = change.get("how", "preview")
        if how not in get_args(Use):
            raise BadChange(f"there is no use {how!r}")
        item = self._target(change)
        self._used(self._account(change), item, how, at, by_link=bool(change.get("by_link")))
        return item

    def _used(
        self, account: Account, item: Item, how: Use, at: float, *, by_link: bool = False
    ) -> None:
        self._tree.recents.note(Recent(account.id, item.id, at, how, by_link))

    def _favorite(self, change: Change, at: float) -> Item:
        account, item = self._account(change), self._target(change)
        others = (i for i in self._tree.favorites(account.id) if i != item.id)
        self._tree.set_favorites(account.id, (*others, item.id))
        return item

    def _unfavorite(self, change: Change, at: float) -> Item:
        account, item = self._account(change), self._target(change)
        kept = tuple(i for i in self._tree.favorites(account.id) if i != item.id)
        self._tree.set_favorites(account.id, kept)
        return item

    def _short_pages(self, change: Change, at: float) -> Item:
        return self._tree.change(
            self._target(change), at=at, short_pages=bool(change.get("on", True))
        )

    def _add_file(self, change: Change, at: float) -> Item:
        item, path = self._new("file", change, at)
        recipe = _content(change, item.name) or Recipe(item.name, int(change.get("size", 1000)))
        version_id = make_id("file_version", path, item.id, "1")
        version = Version(version_id, 1, recipe, int(at), item.owner_id)
        self._used(self._account(change), item, "upload", at)
        return self._added(replace(item, versions=(version,)), at)

    def _add_folder(self, change: Change, at: float) -> Item:
        return self._added(self._new("folder", change, at)[0], at)

    def _add_web_link(self, change: Change, at: float) -> Item:
        item, _ = self._new("web_link", change, at)
        return self._added(replace(item, url=str(change["url"])), at)

    def _new(self, kind: Kind, change: Change, at: float) -> tuple[Item, str]:
        account, path = self._account(change), str(change["path"])
        above, _, name = path.rpartition("/")
        folder = self._tree.at_path(account, above)
        if folder is None or folder.kind != "folder":
            raise BadChange(f"there is no folder at {above!r}")
        item = Item(
            kind=kind,
            id=make_id(kind, folder.owner_id, path, str(len(self.journal))),
            name=name,
            parent_id=folder.id,
            owner_id=folder.owner_id,
            created_at=int(at),
            modified_at=int(at),
            modified_by_id=account.id,
        )
        return item, path

    def _added(self, item: Item, at: float) -> Item:
        self._tree.put(item, at=at)
        return item


def _content(change: Change, name: str) -> Recipe | None:
    """Return the recipe for bytes that the change itself brings along, or None."""
    if "text" in change:
        literal = str(change["text"]).encode()
    elif "base64" in change:
        literal = base64.b64decode(change["base64"])
    else:
        return None
    return Recipe(name, len(literal), literal=literal)


def _fixed(operation: Callable[[Changes, Change, float], Item], mark: str) -> Any:
    return lambda changes, change, at: operation(changes, change | {"mark": mark}, at)


_OPERATIONS: dict[str, Callable[[Changes, Change, float], Item]] = {
    "new_version": Changes._new_version,
    "rename": Changes._rename,
    "move": Changes._move,
    "trash": Changes._trash,
    "restore": Changes._restore,
    "delete": Changes._delete,
    "lock": Changes._set_lock,
    "unlock": Changes._unlock,
    "mark": Changes._mark,
    "unmark": Changes._unmark,
    "block": _fixed(Changes._mark, "blocked"),
    "unblock": _fixed(Changes._unmark, "blocked"),
    "forbid_download": _fixed(Changes._mark, "forbidden"),
    "allow_download": _fixed(Changes._unmark, "forbidden"),
    "classify": Changes._classify,
    "share": Changes._share,
    "unshare": Changes._unshare,
    "short_pages": Changes._short_pages,
    "set_link": Changes._set_link,
    "remove_link": Changes._remove_link,
    "use": Changes._use,
    "favorite": Changes._favorite,
    "unfavorite": Changes._unfavorite,
    "add_file": Changes._add_file,
    "add_folder": Changes._add_folder,
    "add_web_link": Changes._add_web_link,
}

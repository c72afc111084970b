"""The world as it is now: the one it started as, and the changes made since, laid over it.

`reset` drops the changes; the base is shared and never touched.
"""

import threading
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from box_sandbox.recents import Recents
from box_sandbox.world import Account, Item, Role, Share, World

Sort = Literal["id", "name", "date", "size"]
Direction = Literal["ASC", "DESC"]
SortKey = tuple[int, str, str]

_KIND_RANK = {"folder": 0, "file": 1, "web_link": 2}
_ROLE_RANK: dict[Role, int] = {
    "owner": 7,
    "co-owner": 6,
    "editor": 5,
    "viewer uploader": 4,
    "viewer": 3,
    "previewer uploader": 2,
    "previewer": 1,
    "uploader": 0,
}
_ORDERS_KEPT = 500


def best_role(roles: Iterable[Role | None]) -> Role | None:
    """Return the role that allows most, or None if there is none."""
    return max((r for r in roles if r), key=_ROLE_RANK.__getitem__, default=None)


@dataclass(frozen=True)
class Change:
    """What an item was before it was last changed, for those who learn of it late."""

    at: float
    before: Item | None


class Tree:
    """Items by id, who sees them, and folders in order."""

    def __init__(self, base: World) -> None:
        self.base = base
        self.lock = threading.RLock()
        links = ((i.shared_link, i.id) for i in base.items.values() if i.shared_link)
        self._base_links = {link.name: item_id for link, item_id in links if link}
        # Grows with every change; what was rendered under an older one is stale.
        self.revision = 0
        self._orders: dict[tuple[str, Sort, Direction], list[str]] = {}
        self._touched: set[str] = set()
        self.recents = Recents(base.recents)
        self.reset()

    def reset(self) -> None:
        """Drop all changes; folders that never changed keep their order."""
        with self.lock:
            self._items: dict[str, Item] = {}
            self._children: dict[str, tuple[str, ...]] = {}
            self.shares = self.base.shares
            self._favorites = self.base.favorites
            self.recents.reset()
            self._links: dict[str, str] = self._base_links
            self.changes: dict[str, Change] = {}
            self._forget(*self._touched)
            self._touched = set()

    def item(self, item_id: str) -> Item | None:
        return self._items.get(item_id) or self.base.items.get(item_id)

    def account(self, account_id: str) -> Account:
        return self.base.accounts[account_id]

    def child_ids(self, folder_id: str) -> tuple[str, ...]:
        """Return what the folder itself holds, in no order; trashed and deleted items are out."""
        changed = self._children.get(folder_id)
        return self.base.children.get(folder_id, ()) if changed is None else changed

    def changed_items(self) -> list[Item]:
        return list(self._items.values())

    # ---- changes

    def put(self, item: Item, *, at: float) -> None:
        """Add an item or replace the one with its id."""
        with self.lock:
            before = self.item(item.id)
            self._items[item.id] = item
            self.changes[item.id] = Change(at, before)
            if before and before.status == "active":
                self._without(before.parent_id, item.id)
            if item.status == "active" and not item.is_root:
                self._children[item.parent_id] = (*self.child_ids(item.parent_id), item.id)
            if item.shared_link:
                self._links = self._links | {item.shared_link.name: item.id}
            self._forget(item.parent_id, before.parent_id if before else item.parent_id)

    def _without(self, folder_id: str, item_id: str) -> None:
        kept = tuple(child for child in self.child_ids(folder_id) if child != item_id)
        self._children[folder_id] = kept

    def set_shares(self, shares: tuple[Share, ...]) -> None:
        with self.lock:
            self.shares = shares
            self._forget()

    def favorites(self, account_id: str) -> tuple[str, ...]:
        """Return the ids of an account's favorites, the oldest first."""
        return self._favorites.get(account_id, ())

    def set_favorites(self, account_id: str, item_ids: tuple[str, ...]) -> None:
        with self.lock:
            self._favorites = self._favorites | {account_id: item_ids}
            self._forget()

    def forget_pages(self) -> None:
        """Let nothing that was rendered be shown again: time has passed, a link may have ended."""
        with self.lock:
            self.revision += 1

    def linked(self, name: str) -> Item | None:
        """Return the item a shared link belongs to, while it has that link."""
        item = self.item(self._links.get(name, ""))
        has_it = item is not None and item.shared_link and item.shared_link.name == name
        return item if has_it else None

    def _forget(self, *folder_ids: str) -> None:
        """Drop what was remembered about these folders, about sizes, and about everybody's root."""
        self._touched |= {*folder_ids}
        stale = {*folder_ids, *(account.root_id for account in self.base.accounts.values())}
        self._orders = {
            (folder_id, sort, direction): ids
            for (folder_id, sort, direction), ids in self._orders.items()
            if folder_id not in stale and sort != "size"
        }
        self._sizes: dict[str, int] = {}
        self.revision += 1

    # ---- who sees what

    def role(self, account_id: str, item: Item) -> Role | None:
        """Return the best role an account has on an item, or None if it may not see it."""
        if item.owner_id == account_id:
            return "owner"
        above = {item.id, *(folder.id for folder in self.ancestors(item))}
        roles = [s.role for s in self.shares if s.account_id == account_id and s.folder_id in above]
        return best_role(roles)

    def ancestors(self, item: Item) -> list[Item]:
        """Return the folders above an item, nearest first, the owner's root last."""
        found = []
        above = self.item(item.parent_id)
        while above:
            found.append(above)
            above = self.item(above.parent_id)
        return found

    def visible_path(self, account_id: str, item: Item) -> list[Item]:
        """Return the folders above an item as the account sees them, its own root first.

        A shared folder hangs under the root of those it is shared with; what is above it belongs
        to somebody else and does not show.
        """
        path: list[Item] = []
        for folder in self.ancestors(item):
            if folder.is_root or self.role(account_id, folder) is None:
                break
            path.insert(0, folder)
        root = self.item(self.account(account_id).root_id)
        assert root is not None
        return [root, *path]

    def path_below(self, top: Item, item: Item) -> list[Item]:
        """Return the folders from `top` down to an item; none for the top itself."""
        path: list[Item] = []
        for folder in self.ancestors(item) if item.id != top.id else ():
            path.insert(0, folder)
            if folder.id == top.id:
                break
        return path

    def is_mounted(self, account_id: str, item: Item) -> bool:
        """True for a folder of somebody else's that shows at the top of this account's Box."""
        if item.owner_id == account_id:
            return False
        parent = self.item(item.parent_id)
        return parent is None or self.role(account_id, parent) is None

    def is_within(self, account_id: str, item: Item, folder_id: str) -> bool:
        """True for a folder itself and all below it; the account's root holds all it may see."""
        if folder_id in {item.id, self.account(account_id).root_id}:
            return True
        return any(folder.id == folder_id for folder in self.ancestors(item))

    def find(self, account_id: str, kind: str, public_id: str) -> Item | None:
        """Return an item by the id Box shows; "0" is the account's own root."""
        is_root = (kind, public_id) == ("folder", "0")
        item = self.item(self.account(account_id).root_id if is_root else public_id)
        if item is None or item.kind != kind or item.is_root != is_root:
            return None
        return item if self.role(account_id, item) else None

    def mounted(self, account_id: str) -> list[Item]:
        shared = (self.item(s.folder_id) for s in self.shares if s.account_id == account_id)
        here = [item for item in shared if item and item.status == "active"]
        return [item for item in here if self.is_mounted(account_id, item)]

    # ---- order and size

    def listing(self, folder: Item, sort: Sort = "name", direction: Direction = "ASC") -> list[str]:
        """Return the ids of a folder's items: folders, then files, then web links, each sorted.

        Source: Box API reference, "List items in folder": type first, then the wanted key.
        """
        key = (folder.id, sort, direction)
        order = self._orders.get(key)
        if order is None:
            with self.lock:
                order = self._sorted(folder, sort, direction)
                if len(self._orders) >= _ORDERS_KEPT:
                    self._orders.clear()
                self._orders[key] = order
        return order

    def _sorted(self, folder: Item, sort: Sort, direction: Direction) -> list[str]:
        ids = {*self.child_ids(folder.id)}
        if folder.is_root:
            ids |= {item.id for item in self.mounted(folder.owner_id)}
        items = [item for item_id in ids if (item := self.item(item_id))]
        items.sort(key=self.sort_key(sort), reverse=direction == "DESC")
        items.sort(key=lambda item: _KIND_RANK[item.kind])
        return [item.id for item in items]

    def sort_key(self, sort: Sort) -> Callable[[Item], SortKey]:
        """Return what items of one kind are sorted by; names count in any case and composition."""

        def key(item: Item) -> SortKey:
            first = 0
            if sort == "date":
                first = item.modified_at
            elif sort == "size":
                first = self.size(item)
            elif sort == "id":
                first = int(item.id)
            return first, collation(item.name), item.id

        return key

    def follows(
        self, item: Item, last: tuple[int, SortKey], sort: Sort, direction: Direction
    ) -> bool:
        """True if an item comes after the place `last` (kind's rank and sort key) in a listing."""
        rank = _KIND_RANK[item.kind]
        if rank != last[0]:
            return rank > last[0]
        key = self.sort_key(sort)(item)
        return key < last[1] if direction == "DESC" else key > last[1]

    def place(self, item: Item, sort: Sort) -> tuple[int, SortKey]:
        return _KIND_RANK[item.kind], self.sort_key(sort)(item)

    def size(self, item: Item) -> int:
        """Return the bytes of a file, or of everything in a folder."""
        if item.kind == "file":
            return item.current.recipe.size
        if item.kind == "web_link":
            return 0
        known = self._sizes.get(item.id)
        if known is None:
            children = (self.item(child) for child in self.child_ids(item.id))
            known = sum(self.size(child) for child in children if child)
            self._sizes[item.id] = known
        return known

    def at_path(self, account: Account, path: str) -> Item | None:
        """Return the item at a path as the account sees it, or None."""
        here = self.item(account.root_id)
        for name in filter(None, path.split("/")):
            if here is None:
                return None
            below = (self.item(child) for child in self.listing(here))
            here = next((item for item in below if item and item.name == name), None)
        return here

    def change(self, item: Item, *, at: float, **facts: object) -> Item:
        """Replace an item by one with some facts changed; its etag grows. Returns the new one."""
        changed = replace(item, etag=item.etag + 1, **facts)  # type: ignore[arg-type]
        self.put(changed, at=at)
        return changed


@lru_cache(maxsize=200_000)
def collation(name: str) -> str:
    return unicodedata.normalize("NFKD", name).casefold()

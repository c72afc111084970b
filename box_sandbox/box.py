"""Everything one sandbox holds while it runs: one object that the endpoints are handed."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from box_sandbox.calls import Calls
from box_sandbox.changes import BadChange, Change, Changes
from box_sandbox.faults import Faults
from box_sandbox.limits import RateLimits
from box_sandbox.links import Links
from box_sandbox.oauth.clients import registered
from box_sandbox.oauth.grants import Grants, Lives
from box_sandbox.oauth.sessions import Sessions
from box_sandbox.pages import PageCache
from box_sandbox.previewing import Workshop
from box_sandbox.search_index import Index
from box_sandbox.settings import Settings
from box_sandbox.store import Store
from box_sandbox.times import Clock
from box_sandbox.tree import Tree
from box_sandbox.world import Account, Item, load
from box_sandbox.zips import Zips

log = logging.getLogger("box_sandbox")


@dataclass(frozen=True)
class Urls:
    """Under which addresses the sandbox is reached, without a slash at the end."""

    api: str
    account: str
    download: str


# Folders of so many items are put in order at the start, not while somebody waits.
BIG = 1000


class Box:
    """Accounts, items, tokens, and the settings they obey."""

    def __init__(
        self,
        *,
        today: date,
        big_folder: int = 0,
        settings: Settings | None = None,
        redirect_uris: Iterable[str] = (),
    ) -> None:
        self.urls = Urls("", "", "")
        self.today = today
        self.first_settings = settings or Settings()
        self.settings = self.first_settings
        self.clients = registered(redirect_uris)
        self.clock = Clock()
        self.tree = Tree(load(today=today, big_folder=big_folder))
        self.changes = Changes(self.tree, self._keep)
        self.index = Index(self.tree.base)
        self.grants = Grants(self._keep)
        self.sessions = Sessions()
        self.links = Links()
        self.zips = Zips()
        self.limits = RateLimits()
        self.faults = Faults()
        self.calls = Calls()
        self.pages = PageCache()
        self.workshop = Workshop()
        self.store: Store | None = None
        self._keeping = threading.Lock()
        self._listed: set[str] = set()
        for folder_id, children in self.tree.base.children.items():
            if len(children) >= BIG:
                self.tree.listing(self.tree.base.items[folder_id])

    def reset(self) -> None:
        """Make everything as it was when the sandbox started, whatever was kept before that."""
        self.faults.clear()
        self.settings = self.first_settings
        self.clock.offset_s = 0.0
        self.tree.reset()
        self.changes.reset()
        self._listed = set()
        self.grants.reset()
        self.sessions.reset()
        self.links.reset()
        self.zips.reset()
        self.limits.reset()
        self.workshop.reset()
        self.calls.reset()
        self._keep()

    # ---- newer versions that the world's file announces

    def listed(self, folder_id: str) -> None:
        """Note that a folder's items were shown to somebody."""
        self._listed.add(folder_id)

    def arrived(self, file: Item) -> Item:
        """Return a file, in its announced newer version if it has been listed before."""
        if file.next_size is None or file.parent_id not in self._listed:
            return file
        return self.changes.arrive(file.id, at=self.clock.now())

    # ---- surviving a restart

    def keep_in(self, store: Store) -> None:
        """Take up what the store holds, and put every later change there."""
        kept = store.load()
        if kept:
            self.clock.offset_s = kept["clock_offset_s"]
            self._make_again(kept["changes"])
            self.grants.restore(kept["grants"])
        self.store = store
        self._keep()

    def _make_again(self, changes: list[tuple[float, Change]]) -> None:
        """Repeat kept changes; the world's file may have lost what one of them was about."""
        for at, change in changes:
            try:
                self.changes.apply(change, at=at)
            except BadChange as problem:
                log.warning("change.dropped op=%s reason=%s", change.get("op"), problem)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.tree.forget_pages()
        self._keep()

    def _keep(self) -> None:
        """Put everything that survives a restart into the store; an older state never wins."""
        if self.store is None:
            return
        with self._keeping:
            self.store.save(
                {
                    "today": self.today.isoformat(),
                    "clock_offset_s": self.clock.offset_s,
                    "changes": [*self.changes.journal],
                    "grants": self.grants.to_json(),
                }
            )

    @property
    def lives(self) -> Lives:
        return Lives(self.settings.access_token_seconds, self.settings.refresh_token_seconds)

    def login(self, account_id: str | None) -> str | None:
        return self.tree.account(account_id).login if account_id else None

    def account(self, name: str) -> Account | None:
        return self.tree.base.account(name)

"""The world as it starts: people, their folders and files, and what they share. Never changes.

Read from `world.toml`; changes are laid over it by `tree.Tree`.
"""

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from box_sandbox import dates
from box_sandbox.content.recipes import Recipe
from box_sandbox.times import denver, moment

WORLD = Path(__file__).with_name("world.toml")
PASSWORD = "sandbox"  # noqa: S105  # everybody's, and meant to be known
BIG_FOLDER = "/Big folder"

Kind = Literal["folder", "file", "web_link"]
Role = Literal[
    "owner",
    "co-owner",
    "editor",
    "viewer uploader",
    "viewer",
    "previewer uploader",
    "previewer",
    "uploader",
]

Access = Literal["open", "company", "collaborators"]
Use = Literal["preview", "upload", "comment", "open", "modify"]

# The first of each kind's ids; a hash of owner and path is added, so ids hang on nothing else.
_ID_BASES = {
    "folder": (300_000_000_000, 100_000_000_000),
    "file": (1_900_000_000_000, 100_000_000_000),
    "file_version": (2_100_000_000_000, 100_000_000_000),
    "web_link": (6_000_000_000, 1_000_000_000),
    "account": (27_000_000_000, 1_000_000_000),
    "enterprise": (440_000, 100_000),
    "lock": (7_000_000_000, 1_000_000_000),
    "collection": (11_000_000, 1_000_000),
}
# A hash would collide among a hundred thousand; these are numbered instead.
_BIG_FILE_IDS, _BIG_VERSION_IDS = 1_800_000_000_000, 2_000_000_000_000


def make_id(kind: str, *parts: str) -> str:
    """Return a decimal id that depends on the parts alone."""
    base, span = _ID_BASES[kind]
    return str(base + dates.number_of(kind, *parts) % span)


def link_name(item_id: str, step: int = 0) -> str:
    """Return the 32 letters and digits that a shared link ends in."""
    digits = (dates.number_of("link", item_id, str(step), str(n)) % 36 for n in range(32))
    return "".join("0123456789abcdefghijklmnopqrstuvwxyz"[digit] for digit in digits)


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    key: str
    name: str
    login: str
    job_title: str
    enterprise: str

    @property
    def root_id(self) -> str:
        """The id of the account's root folder in here; Box calls everybody's "0"."""
        return f"0:{self.id}"


@dataclass(frozen=True, slots=True)
class Version:
    id: str
    number: int
    recipe: Recipe
    created_at: int
    author_id: str


@dataclass(frozen=True, slots=True)
class Lock:
    id: str
    by_id: str
    created_at: int
    is_download_prevented: bool = False


@dataclass(frozen=True, slots=True)
class SharedLink:
    """A link on a file or folder. `name` is the secret part of its address."""

    name: str
    access: Access = "open"
    password: str = ""
    until: int | None = None
    preview_only: bool = False

    def is_live(self, now: float) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Classification:
    name: str
    definition: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A folder, file or web link. `traits` are the words of the legend in `world.toml`."""

    kind: Kind
    id: str
    name: str
    parent_id: str
    owner_id: str
    created_at: int
    modified_at: int
    modified_by_id: str
    etag: int = 0
    status: Literal["active", "trashed", "deleted"] = "active"
    trashed_at: int | None = None
    versions: tuple[Version, ...] = ()
    url: str = ""
    traits: frozenset[str] = field(default=frozenset())
    lock: Lock | None = None
    shared_link: SharedLink | None = None
    next_size: int | None = None
    short_pages: bool = False
    classification: str = ""

    @property
    def current(self) -> Version:
        return self.versions[-1]

    @property
    def is_root(self) -> bool:
        return not self.parent_id


@dataclass(frozen=True, slots=True)
class Share:
    folder_id: str
    account_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Recent:
    """That a person used an item: when last, how, and whether a shared link led there."""

    account_id: str
    item_id: str
    at: float
    how: Use
    by_link: bool = False


@dataclass(frozen=True)
class World:
    accounts: dict[str, Account]
    items: dict[str, Item]
    children: dict[str, tuple[str, ...]]
    shares: tuple[Share, ...]
    favorites: dict[str, tuple[str, ...]]
    recents: tuple[Recent, ...]
    classifications: dict[str, Classification] = field(default_factory=dict)

    def account(self, name: str) -> Account | None:
        """Return an account by login (any case) or by its key in the world's file."""
        wanted = name.strip().lower()
        matching = (a for a in self.accounts.values() if wanted in {a.login, a.key})
        return next(matching, None)

    def next_recipes(self) -> set[Recipe]:
        """Return the contents that will appear when a file gets its announced newer version."""
        waiting = (item for item in self.items.values() if item.next_size is not None)
        return {next_recipe(item) for item in waiting}


def next_recipe(item: Item) -> Recipe:
    """Return the content of a file's next version, by default a little longer than this one."""
    recipe = item.current.recipe
    size = recipe.size + 1024 if item.next_size is None else item.next_size
    return Recipe(recipe.name, size, item.current.number + 1)


@functools.lru_cache(maxsize=2)
def load(*, today: date | None = None, big_folder: int = 0) -> World:
    """Return the world with every date moved by whole days, so that it is `today` there."""
    with WORLD.open("rb") as file:
        text = tomllib.load(file)
    return _Builder(text, today, big_folder).build()


class _Builder:
    def __init__(self, text: dict[str, Any], today: date | None, big_folder: int) -> None:
        self._text = text
        self._data_today = date.fromisoformat(text["today"])
        self._shift = (today or self._data_today) - self._data_today
        self._big_folder = big_folder
        self._items: dict[str, Item] = {}
        self._children: dict[str, list[str]] = {}
        self._accounts: dict[str, Account] = {}

    def build(self) -> World:
        for key, entry in self._text["accounts"].items():
            account = Account(make_id("account", entry["login"]), key=key, **entry)
            self._accounts[key] = account
            self._add(self._root(account))
        for owner, folders in self._text["tree"].items():
            for path, folder in folders.items():
                self._fill(self._accounts[owner], path, folder)
        if self._big_folder:
            self._fill_big_folder(self._accounts["devon"])
        self._date_folders()
        for path, link in self._text["links"].items():
            self._link(path, link)
        return World(
            accounts={account.id: account for account in self._accounts.values()},
            items=self._items,
            children={folder_id: tuple(ids) for folder_id, ids in self._children.items()},
            shares=tuple(self._shares()),
            favorites=dict(self._favorites()),
            recents=tuple(self._recents()),
            classifications={
                name: Classification(name, **entry)
                for name, entry in self._text["classifications"].items()
            },
        )

    def _shares(self) -> Iterator[Share]:
        for share in self._text["shares"]:
            folder_id = make_id("folder", share["owner"], share["path"])
            yield Share(folder_id, self._accounts[share["with"]].id, share["role"])

    def _favorites(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for key, paths in self._text["favorites"].items():
            yield self._accounts[key].id, tuple(self._named(path, key).id for path in paths)

    def _recents(self) -> Iterator[Recent]:
        for key, used in self._text["recents"].items():
            for path, facts in used.items():
                item_id = self._named(path, key).id
                at = self._at(datetime.fromisoformat(facts["at"]))
                by_link = facts.get("by_link", False)
                yield Recent(self._accounts[key].id, item_id, at, facts["how"], by_link)

    def _link(self, path: str, facts: dict[str, Any]) -> None:
        item = self._named(path)
        until = facts.get("until")
        link = SharedLink(
            link_name(item.id),
            facts["access"],
            facts.get("password", ""),
            self._at(datetime.fromisoformat(until)) if until else None,
            facts.get("preview_only", False),
        )
        self._items[item.id] = replace(item, shared_link=link)

    def _named(self, text: str, person: str = "") -> Item:
        """Return the item at "owner:/path", or at "/path" of a person's own."""
        owner, _, path = text.rpartition(":") if not text.startswith("/") else (person, "", text)
        ids = (make_id(kind, owner, path) for kind in ("folder", "file", "web_link"))
        return next(self._items[item_id] for item_id in ids if item_id in self._items)

    def _add(self, item: Item) -> None:
        if item.id in self._items:
            raise ValueError(f"two items would have the id {item.id}: {item.name!r}")
        self._items[item.id] = item
        if item.parent_id:
            self._children[item.parent_id].append(item.id)
        if item.kind == "folder":
            self._children[item.id] = []

    def _root(self, account: Account) -> Item:
        start = self._at(datetime.combine(dates.PROJECT_START, datetime.min.time()))
        return Item(
            kind="folder",
            id=account.root_id,
            name="All Files",
            parent_id="",
            owner_id=account.id,
            created_at=start,
            modified_at=start,
            modified_by_id=account.id,
        )

    def _fill(self, owner: Account, path: str, folder: dict[str, Any]) -> None:
        folder_id = self._folder(owner, path)
        for name, entry in folder.get("files", {}).items():
            facts = entry if isinstance(entry, dict) else {"size": entry}
            self._file(owner, folder_id, f"{path}/{name}", facts)
        for name, url in folder.get("links", {}).items():
            self._add(self._item("web_link", owner, folder_id, f"{path}/{name}", url=url))
        if rule := folder.get("generate"):
            self._generate(owner, folder_id, path, rule)

    def _folder(self, owner: Account, path: str) -> str:
        """Return the id of a folder, made with all its ancestors if it is not there yet."""
        if not path:
            return owner.root_id
        folder_id = make_id("folder", owner.key, path)
        if folder_id not in self._items:
            parent_id = self._folder(owner, path.rpartition("/")[0])
            self._add(self._item("folder", owner, parent_id, path))
        return folder_id

    def _item(self, kind: Kind, owner: Account, parent_id: str, path: str, **facts: Any) -> Item:
        changed = dates.modified(owner.key, path, self._data_today)
        return Item(
            kind=kind,
            id=make_id(kind, owner.key, path),
            name=path.rpartition("/")[2],
            parent_id=parent_id,
            owner_id=owner.id,
            created_at=self._at(dates.before(changed, owner.key, path, 0)),
            modified_at=self._at(changed),
            modified_by_id=owner.id,
            etag=dates.number_of("etag", owner.key, path) % 4 + len(facts.get("versions", ())),
            **facts,
        )

    def _file(self, owner: Account, folder_id: str, path: str, facts: dict[str, Any]) -> None:
        changed = dates.modified(owner.key, path, self._data_today)
        name = path.rpartition("/")[2]
        sizes = [*facts.get("earlier", ()), facts["size"]]
        uploaded = [changed]
        for step in range(1, len(sizes)):
            uploaded.insert(0, dates.before(uploaded[0], owner.key, path, step))
        versions = tuple(
            Version(
                make_id("file_version", owner.key, path, str(number)),
                number,
                Recipe(name, size, number),
                self._at(uploaded[number - 1]),
                owner.id,
            )
            for number, size in enumerate(sizes, start=1)
        )
        mark = facts.get("mark")
        item = self._item(
            "file",
            owner,
            folder_id,
            path,
            versions=versions,
            classification=facts.get("classification", ""),
        )
        if mark == "locked":
            by = self._accounts[facts["by"]].id
            lock = Lock(make_id("lock", item.id), by, item.modified_at)
            item = replace(item, lock=lock)
        elif mark == "new_version":
            item = replace(item, next_size=facts["next"])
        elif mark:
            item = replace(item, traits=frozenset({mark}))
        self._add(item)

    def _generate(self, owner: Account, folder_id: str, path: str, rule: dict[str, Any]) -> None:
        start = datetime.fromisoformat(rule["start"]).timestamp()
        span = rule["size_max"] - rule["size_min"] + 1
        for number in range(rule["first"], rule["first"] + rule["count"]):
            size = rule["size_min"] + dates.number_of(str(rule["seed"]), str(number)) % span
            name = rule["name"].format(n=number)
            taken = self._at(denver(int(start) + number * rule["every_seconds"]))
            version_id = make_id("file_version", owner.key, f"{path}/{name}", "1")
            self._add(
                Item(
                    kind="file",
                    id=make_id("file", owner.key, f"{path}/{name}"),
                    name=name,
                    parent_id=folder_id,
                    owner_id=owner.id,
                    created_at=taken,
                    modified_at=taken,
                    modified_by_id=owner.id,
                    versions=(Version(version_id, 1, Recipe(name, size), taken, owner.id),),
                )
            )

    def _fill_big_folder(self, owner: Account) -> None:
        folder_id = self._folder(owner, BIG_FOLDER)
        start = self._at(datetime.combine(dates.PROJECT_START, datetime.min.time()))
        for number in range(1, self._big_folder + 1):
            name = f"Item {number:06d}.txt"
            version_id = str(_BIG_VERSION_IDS + number)
            content = f"{name}\n".encode() * (1 + number % 9)
            recipe = Recipe(name, len(content), literal=content)
            at = start + number * 60
            self._add(
                Item(
                    kind="file",
                    id=str(_BIG_FILE_IDS + number),
                    name=name,
                    parent_id=folder_id,
                    owner_id=owner.id,
                    created_at=at,
                    modified_at=at,
                    modified_by_id=owner.id,
                    versions=(Version(version_id, 1, recipe, at, owner.id),),
                )
            )

    def _date_folders(self) -> None:
        """Let every folder with content be as new as the newest thing in it."""
        folders = [item for item in self._items.values() if item.kind == "folder"]
        for folder in reversed(folders):
            newest = [self._items[child].modified_at for child in self._children[folder.id]]
            if newest and not folder.is_root:
                created = min(folder.created_at, *newest)
                self._items[folder.id] = replace(
                    folder, created_at=created, modified_at=max(newest)
                )

    def _at(self, local: datetime) -> int:
        return moment(local + timedelta(days=self._shift.days))

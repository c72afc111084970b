"""One page of what is looked at in Box, as the templates show it."""

from dataclasses import dataclass
from enum import StrEnum

from webapp.box.items import ROOT_ID, ROOT_NAME
from webapp.core.text import N_
from webapp.picker.rows import Row
from webapp.picker.seals import Crumb

ROOT = Crumb(ROOT_ID, ROOT_NAME)


class View(StrEnum):
    """The ways into a Box."""

    FILES = "files"
    LAST = "last"
    RECENTS = "recents"
    FAVORITES = "favorites"
    SHARED = "shared"
    SEARCH = "search"
    LINK = "link"


@dataclass(frozen=True)
class Way:
    """A view that one can go to at any time: what it is called, its icon, what is in it."""

    view: View
    label: str
    icon: str
    order: str = ""
    empty: str = ""
    advice: str = ""

    @property
    def key(self) -> str:
        return self.view.value


WAYS = (
    Way(View.FILES, N_("All files"), "folder"),
    Way(
        View.RECENTS,
        N_("Recents"),
        "clock",
        order=N_("Last used first"),
        empty=N_("Nothing used lately"),
        advice=N_("What you open or change in Box in the coming 90 days shows here."),
    ),
    Way(
        View.FAVORITES,
        N_("Favorites"),
        "star",
        order=N_("In Box's order"),
        empty=N_("No favorites yet"),
        advice=N_("Mark files and folders with a star in Box, and they are one click away here."),
    ),
    Way(
        View.SHARED,
        N_("Shared with me"),
        "users",
        order=N_("Sorted by name"),
        empty=N_("Nothing is shared with you"),
        advice=N_("What others invite your Box account to shows here and in All files."),
    ),
)


@dataclass(frozen=True)
class Search:
    """What was searched for, and where."""

    query: str
    scope: str = "folder"
    kind: str = ""
    since: str = ""
    total: int = 0

    @property
    def args(self) -> dict[str, str]:
        """Return what an address needs to search for the same again."""
        values = {"q": self.query, "scope": self.scope, "kind": self.kind, "since": self.since}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class Listing:
    """A page of rows and what stands around it.

    `more` is the address of the rows that follow, "" on the last page; `at` is the address of this
    very page's rows alone, for when they were let go. `by` is who used this folder
    last, "" when it was the person themself; None when it was opened by hand. `pasted` is the link
    that led here.
    """

    view: View
    here: str
    at: str
    rows: list[Row]
    trail: tuple[Crumb, ...] = (ROOT,)
    sealed_trail: str = ""
    more: str = ""
    sort: str = "name"
    dir: str = "asc"
    may_sort: bool = False
    search: Search | None = None
    by: str | None = None
    way: Way | None = None
    pasted: str = ""

    @property
    def folder_id(self) -> str:
        return self.trail[-1].folder_id

    @property
    def query(self) -> str:
        """Return what the search field holds while this is shown."""
        return self.search.query if self.search else self.pasted

    @property
    def is_folder(self) -> bool:
        return self.view in (View.FILES, View.LAST)

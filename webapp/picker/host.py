"""What the picker asks of the application it lives in.

The picker knows Box and its own pages. Whose Box, what the files are for, what may be chosen and
where choices are kept is the host's business; the URL prefix is the target, and only the host can
read it.

To live in another application the picker takes `webapp/box`, `webapp/core` and its own templates
along, and needs of that application, besides a `PickerHost`:

- `app.html`, the layout of its pages, with the blocks `title`, `styles` and `main`;
- `_macros.html` with the macros `icon(name, class="i")` and `csrf()`;
- the template globals `_`, `ngettext` and `static_url(path)`, and the filter `filesize`
  (`webapp.core.formats.init_formats` brings it, Flask-Babel the first two);
- a guard that asks who is there before any of its views runs, and a check of the CSRF token;
- an error handler that shows a `webapp.core.problems.Problem`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from flask import Response
from werkzeug.datastructures import FileStorage

from webapp.box.client import BoxClient
from webapp.box.items import Origin
from webapp.core.formats import progress_of
from webapp.picker.seals import Crumb


class Action(StrEnum):
    """What a person does that costs somebody something, for a host that counts."""

    LIST = "list"
    SEARCH = "search"
    SEND = "send"
    LOOK = "look"


class TooSoon(Exception):
    """What a host raises for a search that has to wait; its text says so, `wait_s` how long."""

    def __init__(self, advice: str, *, wait_s: float) -> None:
        super().__init__(advice)
        self.wait_s = wait_s


class Shut(StrEnum):
    """Why Box is not open here; each has its own page in the dialog."""

    NOT_LINKED = "not linked"
    LINK_ENDED = "link ended"
    NOT_ENABLED = "not enabled"
    NOT_GRANTED = "not granted"
    SWITCHED_OFF = "switched off"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Source:
    """A further place to choose files from, the host's own: a tab of the dialog.

    `url` answers with the panel; its views hang in a blueprint of `views.create_source`.
    """

    key: str
    label: str
    icon: str
    url: str


@dataclass(frozen=True)
class Verdict:
    """What the host makes of a file before it is chosen, in words.

    `why_not` says why it cannot be chosen here, `mark` what is to be known of one that can.
    `needs_reason` tells that somebody has to say why they attach it.
    """

    why_not: str = ""
    mark: str = ""
    needs_reason: bool = False


def welcome(_origin: Origin) -> Verdict:
    """Return the verdict of a host that takes whatever there is."""
    return Verdict()


@dataclass(frozen=True)
class Target:
    """What files are being chosen for, and within which limits.

    `person_key` binds sealed values to the person; `handle` is the host's own and comes back
    untouched. `already` tells which versions of which Box files are attached there: the version's
    number by its id, by the file's id. `coming` names the files and versions on their way there.
    `sources` are the places of the host's own that this person may choose from. `judge` is asked
    about each file of Box; `who_sees` says who will see the copies, asked only where that is shown.
    """

    person_key: str
    title: str
    subtitle: str
    back_url: str
    offers_box: bool
    file_max_bytes: int
    files_max: int
    blocked_extensions: frozenset[str]
    company: str
    who_sees: Callable[[], str] = str
    handle: Any = None
    already: dict[str, dict[str, str]] = field(default_factory=dict)
    coming: frozenset[tuple[str, str]] = frozenset()
    sources: tuple[Source, ...] = ()
    judge: Callable[[Origin], Verdict] = welcome


@dataclass(frozen=True)
class Door:
    """Box for the person at a target: open with a client, or shut with the reason.

    `login`, `name` and `company` say which account it is and whose Box it belongs to; `ended` is
    when the link ended, in words.

    `link_url` is where a POST sends the person to Box, "" when they may not link. `settings_url`
    and `help_url` are the host's pages about the link; "" leaves them out.
    """

    client: BoxClient | None
    login: str = ""
    name: str = ""
    company: str = ""
    ended: str = ""
    box_user_id: str = ""
    shut: Shut | None = None
    advice: str = ""
    link_url: str = ""
    settings_url: str = ""
    help_url: str = ""


@dataclass(frozen=True)
class Chosen:
    """One file in the tray; what has neither a path nor Box to come from is the computer's.

    `marks` are what to know of it before confirming, `why_not` why it cannot be attached any more.
    """

    item_id: int
    name: str
    size_bytes: int | None
    path: str
    is_from_box: bool
    marks: tuple[str, ...] = ()
    needs_reason: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What of a chosen folder is not attached for one reason; `names` are the first of them."""

    why: str
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChosenFolder:
    """A whole folder in the tray: what was found in it so far, and what of that is attached.

    `is_counting` is true while more may be found, also when that has to wait; `is_stopped` when
    nothing more is found although there may be more. `trouble` says why, in either case.
    """

    item_id: int
    folder_id: str
    name: str
    path: str
    files: int = 0
    size_bytes: int = 0
    taken: int = 0
    taken_bytes: int = 0
    left_out: tuple[LeftOut, ...] = ()
    is_counting: bool = False
    is_stopped: bool = False
    trouble: str = ""
    marks: tuple[str, ...] = ()
    needs_reason: bool = False

    @property
    def count_left_out(self) -> int:
        return sum(left.count for left in self.left_out)


@dataclass(frozen=True)
class Tray:
    """What has been chosen so far; `key` makes sending it idempotent.

    `box_file_ids` are the ids of the rows that are ticked, those of the host's own sources too.
    """

    key: str
    chosen: tuple[Chosen, ...] = ()
    box_file_ids: frozenset[str] = frozenset()
    reason: str = ""
    folders: tuple[ChosenFolder, ...] = ()

    @property
    def asks_reason(self) -> bool:
        """True when somebody has to say why before it is sent; `reason` is what they said."""
        of_files = any(file.needs_reason for file in self.chosen)
        return of_files or any(folder.needs_reason for folder in self.folders)

    @property
    def count(self) -> int:
        """How many files are attached when it is sent."""
        return len(self.chosen) + sum(folder.taken for folder in self.folders)

    @property
    def size_bytes(self) -> int:
        alone = sum(file.size_bytes or 0 for file in self.chosen)
        return alone + sum(folder.taken_bytes for folder in self.folders)

    @property
    def is_counting(self) -> bool:
        return any(folder.is_counting for folder in self.folders)

    @property
    def is_stopped(self) -> bool:
        return any(folder.is_stopped for folder in self.folders)

    @property
    def ticked(self) -> frozenset[str]:
        """What the ticked rows are named: files by their id, folders with an "f" before it."""
        return self.box_file_ids | {f"f{folder.folder_id}" for folder in self.folders}

    def folder_around(self, trail: Iterable[Crumb]) -> ChosenFolder | None:
        """Return the chosen folder that a way leads through."""
        way = {crumb.folder_id for crumb in trail} if self.folders else set()
        return next((folder for folder in self.folders if folder.folder_id in way), None)


@dataclass(frozen=True)
class Choice:
    """A file in Box as a listing described it: all that the import may believe of it."""

    file_id: str
    version_id: str
    name: str
    size_bytes: int | None
    sha1: str | None
    version_number: str | None
    owner: str
    path: str
    trail: tuple[Crumb, ...] = ()
    owner_login: str | None = None
    classification: str = ""

    @property
    def origin(self) -> Origin:
        return Origin(self.owner, self.owner_login, self.classification)


@dataclass(frozen=True)
class FolderChoice:
    """A folder in Box with everything in it; `trail` is the way to where it lies."""

    folder_id: str
    name: str
    trail: tuple[Crumb, ...] = ()

    @property
    def row_id(self) -> str:
        """What its row is named, so that no file's id is mistaken for it."""
        return f"f{self.folder_id}"


@dataclass(frozen=True)
class LastFolder:
    """The folder that files were last attached from, where this dialog may begin.

    `trail` is the way to it, () when only Box can tell: then somebody else used it, called `by`.
    """

    folder_id: str
    trail: tuple[Crumb, ...] = ()
    by: str = ""


@dataclass(frozen=True)
class PartialUpload:
    """A file from the computer of which `offset_bytes` have arrived so far."""

    upload_id: str
    name: str
    size_bytes: int
    offset_bytes: int
    expires_at: datetime

    @property
    def progress(self) -> str:
        """Return how much of it is kept: "24.0 of 60.0 MB"."""
        return progress_of(self.offset_bytes, self.size_bytes)


class PickerHost(Protocol):
    """Implemented by the application, without inheriting."""

    @property
    def open_target(self) -> Callable[..., Target]:
        """Takes the address's variables, returns what it stands for or raises its own errors."""

    def admit(self, action: Action) -> None:
        """Count what is about to happen; raise the host's own error when it is too often.

        For a search that is `TooSoon`: the dialog waits and then goes on by itself.
        """

    def box(self, target: Target) -> Door:
        """Return Box for this person here."""

    def last_folder(self, target: Target) -> LastFolder | None:
        """Return where Box was last attached from for what is like this target, None if never."""

    def tray(self, target: Target) -> Tray:
        """Return what this person has chosen for the target."""

    def choose(
        self,
        target: Target,
        *,
        add: Sequence[Choice],
        folders: Sequence[FolderChoice],
        remove: Iterable[str],
    ) -> None:
        """Put files and whole folders of Box into the tray and take others out, by file id, or a
        folder's `row_id`. What is in a folder is found out in the background."""

    def take_out(self, target: Target, item_id: int | None) -> None:
        """Take one item out of the tray, or all of them and all folders."""

    def take_out_folder(self, target: Target, item_id: int) -> None:
        """Take a folder out of the tray; nobody looks into it any more."""

    def count_again(self, target: Target, item_id: int) -> None:
        """Begin anew to find out what is in a folder, if that has stopped."""

    def upload(self, target: Target, file: FileStorage) -> None:
        """Store a file from the computer and put it into the tray."""

    def begin_upload(self, target: Target, name: str, size_bytes: int) -> PartialUpload:
        """Make ready for a file that comes in parts; refuse one that `upload` would refuse."""

    def partial_upload(self, target: Target, upload_id: str) -> PartialUpload:
        """Return an upload of this person's; raise the host's own error when there is none."""

    def unfinished_uploads(self, target: Target) -> Sequence[PartialUpload]:
        """Return what this person has begun to send here and not finished."""

    def add_part(
        self, target: Target, upload_id: str, offset: int, blocks: Iterator[bytes]
    ) -> PartialUpload:
        """Keep what follows at `offset`; with the last byte the file is in the tray.

        Raises the host's own error when the upload is not, or no longer, at this offset.
        """

    def abandon_upload(self, target: Target, upload_id: str) -> None:
        """Forget an upload and what has arrived of it."""

    def explain(self, target: Target, reason: str) -> None:
        """Keep why the chosen files are attached until they are sent."""

    def attach(self, target: Target, key: str, *, reason: str) -> Response:
        """Send the tray with this key; return where the person goes then.

        `reason` is why, in their words; "" leaves what `explain` was told.
        """

"""Box's JSON as values: what a listing, a search and a folder's path tell us.

Decoding goes straight into the value objects. Leaves that have been seen in odd forms (float sizes,
absent keys, null dates) are read leniently and made sense of by a property, so that one strange
file never hides the other ninety-nine. Its texts pass the gate here, before anything sees them.
Source: Box API reference, resources File, Folder, Web Link, Items, Search.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

from webapp import gate
from webapp.box.errors import BoxOdd

# Named fields switch everything else off, so `name` is among them. `path_collection` would make a
# listing slow; only search and a deep link ask for it.
LISTING_FIELDS = (
    "name,size,modified_at,sha1,file_version,version_number,permissions,owned_by,lock,url,"
    "classification"
)
SEARCH_FIELDS = LISTING_FIELDS + ",path_collection"
FILE_FIELDS = SEARCH_FIELDS + ",item_status"
ROOT_ID = "0"
ROOT_NAME = "All files"

_SHA1 = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
T = TypeVar("T")

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
# What may be anything that the gate takes away: an escape, or one of these ranges in UTF-8.
_DOUBTFUL = re.compile(
    rb"\\[bfnrtu]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f\xad]|\xcd\x8f|\xd8\x9c|\xe1\xa0\x8e"
    rb"|\xe2[\x80\x81]|\xed[\xa0-\xbf]|\xef[\xb7\xbb\xbf]|\xf3\xa0"
    rb"|[\xf0-\xf4][\x80-\xbf]\xbf[\xbe\xbf]"
)


class Enterprise(msgspec.Struct, frozen=True):
    name: Any = ""


class BoxUser(msgspec.Struct, frozen=True):
    id: str = ""
    name: str = ""
    login: str = ""
    enterprise: Enterprise | None = None

    @property
    def company(self) -> str:
        """The company whose Box the account belongs to, "" for an account of nobody's."""
        name = self.enterprise.name if self.enterprise else ""
        return name if isinstance(name, str) else ""


class FileVersion(msgspec.Struct, frozen=True):
    id: str
    sha1: Any = None


class Permissions(msgspec.Struct, frozen=True):
    can_download: Any = True


class Lock(msgspec.Struct, frozen=True):
    created_by: BoxUser | None = None
    is_download_prevented: Any = False


class Classification(msgspec.Struct, frozen=True):
    name: Any = None


class Ancestor(msgspec.Struct, frozen=True):
    id: str
    name: str | None = None


class Path(msgspec.Struct, frozen=True):
    entries: tuple[Ancestor, ...] = ()


class BoxItem(msgspec.Struct, frozen=True, kw_only=True):
    """A file, folder or web link as a listing or a search shows it."""

    type: str
    id: str
    name: str = ""
    size: Any = None
    modified_at: Any = None
    sha1: Any = None
    file_version: FileVersion | None = None
    version_number: Any = None
    permissions: Permissions | None = None
    owned_by: BoxUser | None = None
    lock: Lock | None = None
    url: Any = None
    classification: Classification | None = None
    path_collection: Path | None = None
    item_status: Any = None
    # Ours: the account got to it by a shared link, which may be all that lets it in.
    by_link: bool = False

    @property
    def is_file(self) -> bool:
        return self.type == "file"

    @property
    def is_folder(self) -> bool:
        return self.type == "folder"

    @property
    def size_bytes(self) -> int | None:
        """Bytes; None when Box gives none or nonsense. Large numbers come as floats."""
        size = self.size
        if isinstance(size, bool) or not isinstance(size, int | float):
            return None
        return int(size) if 0 <= size < 2**53 else None

    @property
    def digest(self) -> str | None:
        """The SHA-1 of the content in lower-case hex, or None when Box gives no usable one."""
        sha1 = self.sha1
        return sha1.lower() if isinstance(sha1, str) and _SHA1.fullmatch(sha1) else None

    @property
    def owner_id(self) -> str:
        """The owner's id, "" when Box does not tell."""
        return self.owned_by.id if self.owned_by else ""

    @property
    def version_id(self) -> str | None:
        return self.file_version.id if self.file_version else None

    @property
    def classified_as(self) -> str:
        """The name of the file's classification in its owner's company, "" when it has none."""
        name = self.classification.name if self.classification else None
        return name if isinstance(name, str) else ""

    @property
    def may_download(self) -> bool:
        return self.permissions is None or self.permissions.can_download is not False


class Origin(msgspec.Struct, frozen=True):
    """What a company's rules look at: whose a file is, and how it is classified.

    `owner_login` is None for a file of the person who chooses it, "" when Box names no owner.
    """

    owner: str = ""
    owner_login: str | None = None
    classification: str = ""


def origin_of(file: "BoxItem", my_id: str) -> Origin:
    """Return where a file stands, in the eyes of the account that has this id."""
    owner = file.owned_by or BoxUser()
    is_mine = owner.id != "" and owner.id == my_id
    return Origin(owner.name, None if is_mine else owner.login, file.classified_as)


class FolderPage(msgspec.Struct, frozen=True):
    """One page of a folder. Only `next_marker` being None ends a folder, never a short page."""

    items: tuple[BoxItem, ...]
    next_marker: str | None


class SearchPage(msgspec.Struct, frozen=True):
    """One page of search hits; the next one begins at `next_offset`, None after the last."""

    items: tuple[BoxItem, ...]
    total: int
    next_offset: int | None


class _ItemsReply(msgspec.Struct):
    entries: tuple[BoxItem, ...] = ()
    next_marker: str | None = None


class _RecentItem(msgspec.Struct):
    item: BoxItem | None = None
    interaction_shared_link: str | None = None


class _RecentsReply(msgspec.Struct):
    entries: tuple[_RecentItem, ...] = ()
    next_marker: str | None = None


class _Collection(msgspec.Struct):
    id: str = ""
    collection_type: str = ""


class _CollectionsReply(msgspec.Struct):
    entries: tuple[_Collection, ...] = ()


class _SearchReply(msgspec.Struct):
    entries: tuple[BoxItem, ...] = ()
    total_count: int = 0
    offset: int = 0
    limit: int = 0


_items = msgspec.json.Decoder(_ItemsReply)
_recents = msgspec.json.Decoder(_RecentsReply)
_collections = msgspec.json.Decoder(_CollectionsReply)
_search = msgspec.json.Decoder(_SearchReply)
_item = msgspec.json.Decoder(BoxItem)
_user = msgspec.json.Decoder(BoxUser)


def folder_page(body: bytes) -> FolderPage:
    """Return a marker-paged reply; its last page has a null, empty or absent marker."""
    reply = _decoded(_items, body)
    return FolderPage(reply.entries, reply.next_marker or None)


def recents_page(body: bytes) -> FolderPage:
    """Return what was used, newest first; what is gone since then has no item any more."""
    reply = _decoded(_recents, body)
    items = tuple(
        msgspec.structs.replace(entry.item, by_link=bool(entry.interaction_shared_link))
        for entry in reply.entries
        if entry.item is not None
    )
    return FolderPage(items, reply.next_marker or None)


def favorites_id(body: bytes) -> str:
    """Return the id of the account's favorites among its collections, "" when it has none."""
    known = _decoded(_collections, body).entries
    return next((one.id for one in known if one.collection_type == "favorites"), "")


def search_page(body: bytes) -> SearchPage:
    """Return an offset-paged reply; pages may be short, so the offset grows by the limit.

    Favorites come in the same form as hits.
    """
    reply = _decoded(_search, body)
    following = reply.offset + reply.limit
    more = reply.limit > 0 and following < reply.total_count
    return SearchPage(reply.entries, reply.total_count, following if more else None)


def item(body: bytes) -> BoxItem:
    return _decoded(_item, body)


def user(body: bytes) -> BoxUser:
    """Return who a token speaks for; an account without id or login is no account."""
    found = _decoded(_user, body)
    if not found.id or not found.login:
        raise BoxOdd("users/me without id or login")
    return found


def is_item_id(text: str) -> bool:
    """True for what Box calls an id: up to twenty ASCII digits, no zeros in front."""
    return bool(_ID.fullmatch(text)) and (text == "0" or not text.startswith("0"))


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        if not _DOUBTFUL.search(body):
            return decoder.decode(body)
        # Python's reader also takes half a surrogate pair, which some system has left in a name.
        return msgspec.convert(gate.cleaned(json.loads(body)), decoder.type)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BoxOdd(f"unexpected JSON: {type(error).__name__}") from None

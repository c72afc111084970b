"""Items as Box shows them: mini, standard, or exactly the fields that were named.

Source: Box API reference, resources File, Folder, Web Link, File version, User; guide "Request
extra fields": naming fields gives `type`, `id`, `etag` and the named ones, nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from box_sandbox import sharing
from box_sandbox.hashes import sha1_of
from box_sandbox.sharing import Opened
from box_sandbox.times import rfc3339
from box_sandbox.tree import Tree, best_role
from box_sandbox.world import Account, Item, Role, Version, make_id

# Box writes large numbers as IEEE-754 text; where it begins to is not documented.
# Source: Box guide "Types and formats"; rclone issue 2261 shows a folder's size that way.
FLOAT_FROM = 2**31

TRASH_SECONDS = 30 * 24 * 3600
# A lock whose end has passed counts as none, so these end late.
LOCK_SECONDS = 2 * 365 * 24 * 3600

_ALL: frozenset[Role] = frozenset(
    {
        "owner",
        "co-owner",
        "editor",
        "viewer uploader",
        "viewer",
        "previewer uploader",
        "previewer",
        "uploader",
    }
)
_OWNERS: frozenset[Role] = frozenset({"owner", "co-owner"})
_EDITORS: frozenset[Role] = _OWNERS | {"editor"}
_DOWNLOADERS: frozenset[Role] = _EDITORS | {"viewer uploader", "viewer"}
_PREVIEWERS: frozenset[Role] = _DOWNLOADERS | {"previewer uploader", "previewer"}
_UPLOADERS: frozenset[Role] = _EDITORS | {"viewer uploader", "previewer uploader", "uploader"}

# Who may do what with an item. Source: Box guide "Collaborations", roles.
_ITEM_RIGHTS: dict[str, frozenset[Role]] = {
    "can_download": _DOWNLOADERS,
    "can_upload": _UPLOADERS,
    "can_rename": _EDITORS,
    "can_delete": _EDITORS,
    "can_share": _DOWNLOADERS,
    "can_invite_collaborator": _EDITORS,
    "can_set_share_access": _OWNERS,
    "can_apply_watermark": _OWNERS,
}
_FILE_RIGHTS = _ITEM_RIGHTS | {
    "can_upload": _EDITORS,
    "can_preview": _PREVIEWERS,
    "can_comment": _PREVIEWERS,
    "can_annotate": _PREVIEWERS,
    "can_view_annotations_all": _PREVIEWERS,
    "can_view_annotations_self": _PREVIEWERS,
}


def _rights(table: dict[str, frozenset[Role]]) -> dict[Role, dict[str, bool]]:
    return {role: {right: role in roles for right, roles in table.items()} for role in _ALL}


_FOLDER_PERMISSIONS = _rights(_ITEM_RIGHTS)
_FILE_PERMISSIONS = _rights(_FILE_RIGHTS)


@dataclass(frozen=True, slots=True)
class View:
    """An item as one account sees it, perhaps through a shared link.

    `role` is looked up unless the caller knows it; a link that has ended by `now` does not show.
    """

    tree: Tree
    account_id: str
    item: Item
    known_role: Role | None = None
    opened: Opened | None = None
    now: float = 0

    @property
    def role(self) -> Role:
        if self.known_role:
            return self.known_role
        roles = [self.tree.role(self.account_id, self.item)]
        if self.opened and self.opened.covers(self.tree, self.item):
            roles.append(self.opened.role)
        return best_role(roles) or "uploader"

    @property
    def link_top(self) -> Item | None:
        """The linked item, at or above this one, if nothing but the link leads here."""
        if self.opened is None or self.tree.role(self.account_id, self.item) is not None:
            return None
        return self.opened.top

    @property
    def owner(self) -> Account:
        return self.tree.account(self.item.owner_id)

    @property
    def may_preview(self) -> bool:
        return self.role in _PREVIEWERS

    @property
    def may_download(self) -> bool:
        return self.role in _DOWNLOADERS and "forbidden" not in self.item.traits


Field = Callable[[View], Any]


def user_mini(account: Account) -> dict[str, str]:
    return {"type": "user", "id": account.id, "name": account.name, "login": account.login}


def folder_mini(folder: Item) -> dict[str, Any]:
    """Return a folder for a path or a parent; the root has the id "0" and no counters."""
    counter = None if folder.is_root else str(folder.etag)
    return {
        "type": "folder",
        "id": public_id(folder),
        "sequence_id": counter,
        "etag": counter,
        "name": folder.name,
    }


def public_id(item: Item) -> str:
    return "0" if item.is_root else item.id


def _user(account_id: Callable[[View], str]) -> Field:
    return lambda view: user_mini(view.tree.account(account_id(view)))


def _created_by(view: View) -> dict[str, str]:
    if view.item.is_root:
        return {"type": "user", "id": "", "name": "", "login": ""}
    return user_mini(view.owner)


def _counter(view: View) -> str | None:
    return None if view.item.is_root else str(view.item.etag)


def _when(moment: Callable[[Item], int | None]) -> Field:
    def shown(view: View) -> str | None:
        at = None if view.item.is_root else moment(view.item)
        return None if at is None else rfc3339(at)

    return shown


def _purged_at(item: Item) -> int | None:
    return None if item.trashed_at is None else item.trashed_at + TRASH_SECONDS


def _path(view: View) -> dict[str, Any]:
    top = view.link_top
    if top:
        path = view.tree.path_below(top, view.item)
    else:
        path = [] if view.item.is_root else view.tree.visible_path(view.account_id, view.item)
    return {"total_count": len(path), "entries": [folder_mini(folder) for folder in path]}


def _parent(view: View) -> dict[str, Any] | None:
    top = view.link_top
    if top:
        is_top = top.id == view.item.id
    else:
        is_top = view.item.is_root or view.tree.is_mounted(view.account_id, view.item)
    if is_top:
        return None
    parent = view.tree.item(view.item.parent_id)
    return folder_mini(parent) if parent else None


def _folder_size(view: View) -> int | float:
    size = view.tree.size(view.item)
    return float(size) if size >= FLOAT_FROM else size


def version_mini(version: Version) -> dict[str, str]:
    return {"type": "file_version", "id": version.id, "sha1": sha1_of(version.recipe)}


def _file_permissions(view: View) -> dict[str, bool]:
    permissions = _FILE_PERMISSIONS[view.role]
    if "forbidden" in view.item.traits:
        return permissions | {"can_download": False}
    return permissions


def _lock(view: View) -> dict[str, Any] | None:
    lock = view.item.lock
    if lock is None:
        return None
    return {
        "type": "lock",
        "id": lock.id,
        "created_by": user_mini(view.tree.account(lock.by_id)),
        "created_at": rfc3339(lock.created_at),
        "expired_at": rfc3339(lock.created_at + LOCK_SECONDS),
        "is_download_prevented": lock.is_download_prevented,
        "app_type": None,
    }


def _classification(view: View) -> dict[str, str] | None:
    known = view.tree.base.classifications.get(view.item.classification)
    return asdict(known) if known else None


def _is_external(view: View) -> bool:
    return view.owner.enterprise != view.tree.account(view.account_id).enterprise


def _is_shared(view: View) -> bool:
    shared = {share.folder_id for share in view.tree.shares}
    above = (folder.id for folder in view.tree.ancestors(view.item))
    return view.item.id in shared or any(folder_id in shared for folder_id in above)


def _shared_link(view: View) -> dict[str, Any] | None:
    link = view.item.shared_link
    if link is None or not link.is_live(view.now):
        return None
    rights = {"can_preview": True, "can_download": not link.preview_only, "can_edit": False}
    ending = extension(view.item.name)
    static = f"{sharing.STATIC}{link.name}{ending and '.'}{ending}"
    return {
        "url": sharing.url(link),
        "download_url": static if view.item.kind == "file" else None,
        "vanity_url": None,
        "vanity_name": None,
        "effective_access": link.access,
        "effective_permission": "can_preview" if link.preview_only else "can_download",
        "is_password_enabled": bool(link.password),
        "unshared_at": None if link.until is None else rfc3339(link.until),
        "download_count": 0,
        "preview_count": 0,
        "access": link.access,
        "permissions": rights,
    }


def _is_linked(view: View) -> bool:
    items = (view.item, *view.tree.ancestors(view.item))
    return any(i.shared_link and i.shared_link.is_live(view.now) for i in items)


def collection(account_id: str) -> dict[str, str]:
    """Return an account's only collection."""
    return {
        "type": "collection",
        "id": make_id("collection", account_id),
        "name": "Favorites",
        "collection_type": "favorites",
    }


def _collections(view: View) -> list[dict[str, str]]:
    is_favorite = view.item.id in view.tree.favorites(view.account_id)
    return [collection(view.account_id)] if is_favorite else []


def _always(value: Any) -> Field:
    return lambda _view: value


_WATERMARK = {
    "is_watermarked": False,
    "is_watermark_inherited": False,
    "is_watermarked_by_access_policy": False,
}
_INVITEE_ROLES = [
    "editor",
    "viewer",
    "previewer",
    "uploader",
    "previewer uploader",
    "viewer uploader",
    "co-owner",
]

_COMMON: dict[str, Field] = {
    "sequence_id": _counter,
    "name": lambda view: view.item.name,
    "description": _always(""),
    "path_collection": _path,
    "created_at": _when(lambda item: item.created_at),
    "modified_at": _when(lambda item: item.modified_at),
    "trashed_at": _when(lambda item: item.trashed_at),
    "purged_at": _when(_purged_at),
    "created_by": _created_by,
    "modified_by": _user(lambda view: view.item.modified_by_id),
    "owned_by": _user(lambda view: view.item.owner_id),
    "shared_link": _shared_link,
    "parent": _parent,
    "item_status": lambda view: view.item.status,
    "tags": _always([]),
    "collections": _collections,
    "is_externally_owned": _is_external,
    "has_collaborations": _is_shared,
    "is_accessible_via_shared_link": _is_linked,
    "allowed_invitee_roles": _always(_INVITEE_ROLES),
    "watermark_info": _always(_WATERMARK),
    "classification": _classification,
    "is_associated_with_app_item": _always(False),
    "content_created_at": _when(lambda item: item.created_at),
    "content_modified_at": _when(lambda item: item.modified_at),
}

_FILE: dict[str, Field] = _COMMON | {
    "sha1": lambda view: sha1_of(view.item.current.recipe),
    "file_version": lambda view: version_mini(view.item.current),
    "size": lambda view: view.item.current.recipe.size,
    "version_number": lambda view: str(view.item.current.number),
    "permissions": _file_permissions,
    "lock": _lock,
    "extension": lambda view: extension(view.item.name),
    "is_package": _always(False),
    "comment_count": _always(0),
    "expires_at": _always(None),
    "disposition_at": _always(None),
    "uploader_display_name": lambda view: view.owner.name,
    "is_download_available": lambda view: view.may_download,
    "shared_link_permission_options": _always(["can_preview", "can_download", "can_edit"]),
}
_FOLDER: dict[str, Field] = _COMMON | {
    "size": _folder_size,
    "permissions": lambda view: _FOLDER_PERMISSIONS[view.role],
    "folder_upload_email": _always(None),
    "sync_state": _always("not_synced"),
    "can_non_owners_invite": _always(True),
    "is_collaboration_restricted_to_enterprise": _always(False),
    "allowed_shared_link_access_levels": _always(["open", "company", "collaborators"]),
    "can_non_owners_view_collaborators": _always(True),
}
MINI = {
    "file": ("sequence_id", "sha1", "name", "file_version"),
    "folder": ("sequence_id", "name"),
    "web_link": ("sequence_id", "url", "name"),
}
_STANDARD = tuple(
    """description path_collection created_at modified_at trashed_at purged_at created_by
    modified_by owned_by shared_link parent item_status""".split()
)
_CONTENT_DATES = ("content_created_at", "content_modified_at")
STANDARD = {
    "file": (*MINI["file"], "size", *_CONTENT_DATES, *_STANDARD),
    "folder": (*MINI["folder"], "size", "folder_upload_email", *_CONTENT_DATES, *_STANDARD),
    "web_link": (*MINI["web_link"], *_STANDARD),
}
_WEB_LINK: dict[str, Field] = {"url": lambda view: view.item.url} | {
    name: field for name, field in _COMMON.items() if name in STANDARD["web_link"]
}

FIELDS: dict[str, dict[str, Field]] = {"file": _FILE, "folder": _FOLDER, "web_link": _WEB_LINK}


def mini(view: View) -> dict[str, Any]:
    return with_fields(view, MINI[view.item.kind])


def standard(view: View) -> dict[str, Any]:
    return with_fields(view, STANDARD[view.item.kind])


def with_fields(view: View, names: Iterable[str]) -> dict[str, Any]:
    """Return type, id, etag and the named fields; names this kind of item lacks are left out."""
    item = view.item
    known = FIELDS[item.kind]
    shown = {"type": item.kind, "id": public_id(item), "etag": _counter(view)}
    for name in names:
        field = known.get(name)
        if field:
            shown[name] = field(view)
    return shown


def extension(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return ending if dot and stem else ""


# ---- versions

_VERSION: dict[str, Callable[[Tree, Item, Version], Any]] = {
    "sha1": lambda _tree, _item, version: sha1_of(version.recipe),
    "name": lambda _tree, item, _version: item.name,
    "size": lambda _tree, _item, version: version.recipe.size,
    "uploader_display_name": lambda tree, _item, version: tree.account(version.author_id).name,
    "created_at": lambda _tree, _item, version: rfc3339(version.created_at),
    "modified_at": lambda _tree, _item, version: rfc3339(version.created_at),
    "modified_by": lambda tree, _item, version: user_mini(tree.account(version.author_id)),
    "trashed_at": lambda _tree, _item, _version: None,
    "purged_at": lambda _tree, _item, _version: None,
    "version_number": lambda _tree, _item, version: str(version.number),
}
_VERSION_STANDARD = tuple(name for name in _VERSION if name != "version_number")


def version_json(
    tree: Tree, item: Item, version: Version, names: Iterable[str] | None
) -> dict[str, Any]:
    """Return a past version, standard or with the named fields."""
    shown: dict[str, Any] = {"type": "file_version", "id": version.id}
    for name in _VERSION_STANDARD if names is None else names:
        field = _VERSION.get(name)
        if field:
            shown[name] = field(tree, item, version)
    return shown

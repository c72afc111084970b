"""The rows of a listing: each item's words worked out once, so that the template stays lean.

A page of a hundred rows is the hottest thing Plumbline renders: no address is built, no date is
parsed and no filter is called per row in the template.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from webapp.box.items import BoxItem, Origin, is_item_id, origin_of
from webapp.core.formats import clock_text, day_names, filesize
from webapp.core.names import clean_name, extension_of
from webapp.core.numbers import as_whole
from webapp.core.text import _, reader_zone
from webapp.picker.host import Choice, FolderChoice, Target, Tray
from webapp.picker.reasons import Limits, Why, why_text
from webapp.picker.seals import BadSeal, Crumb, Seals, path_text

KINDS = {
    "pdf": "pdf",
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "heic", "tif", "tiff", "svg", "webp"), "img"),
    **dict.fromkeys(("xls", "xlsx", "xlsm", "csv"), "xls"),
    **dict.fromkeys(("dwg", "dxf", "rvt", "nwd", "ifc", "stp", "las"), "cad"),
    **dict.fromkeys(("mp4", "mov", "m4a", "avi", "mkv"), "mov"),
}
# Longer names stay out of addresses; the folder's own page then asks Box for them.
HREF_NAME_MAX_LENGTH = 600
OWNER_MAX_LENGTH = 254
WAY_MAX_LENGTH = 800
VERSION_NUMBER_MAX_LENGTH = 12
VERSION_MAX = 10**VERSION_NUMBER_MAX_LENGTH
CLASSIFICATION_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, in words. `token` is empty for what cannot be chosen.

    `label` is a file's type; a folder's says what choosing it means.
    """

    name: str
    kind: str
    label: str
    when: str
    size: str
    href: str = ""
    token: str = ""
    is_chosen: bool = False
    why: str = ""
    note: str = ""
    tag: str = ""
    id: str = ""
    classification: str = ""


class RowMaker:
    """Turns Box's items into rows for one request; `trail` is the way to the folder they lie in."""

    def __init__(
        self,
        seals: Seals,
        target: Target,
        tray: Tray,
        *,
        folder_prefix: str,
        my_box_id: str,
        today: date,
        trail: tuple[Crumb, ...] = (),
    ) -> None:
        self._seals = seals
        self._target = target
        self._tray = tray
        self._folder_prefix = folder_prefix
        self._around = tray.folder_around(trail)
        self._my_box_id = my_box_id
        self._limits = Limits(
            target.file_max_bytes,
            target.blocked_extensions,
            target.already,
            target.coming,
            my_box_id,
        )
        self._today = today
        self._zone = reader_zone()
        self._whole = _("Choose all of %(name)s")
        self._days = day_names()

    def rows(self, items: Iterable[BoxItem], *, with_paths: bool = False) -> list[Row]:
        return [self._row(item, with_paths) for item in items]

    def _row(self, item: BoxItem, with_path: bool) -> Row:
        if item.is_folder:
            return self._folder(item, with_path)
        if not item.is_file:
            why = self._text(Why("bookmark"))
            return Row(item.name, "", "URL", self._when(item), "", why=why)
        return self._file(item, with_path)

    def _folder(self, item: BoxItem, with_path: bool) -> Row:
        name, href = item.name, f"{self._folder_prefix}{item.id}"
        quoted, mac = quote(name, safe=""), self._seals.mac("folder", f"{item.id}|{name}")
        if len(quoted) <= HREF_NAME_MAX_LENGTH:
            href = f"{href}?n={quoted}&s={mac}"
        about = (_path_of(item) if with_path else "", self._owned_by(item))
        note, when = ", ".join(part for part in about if part), self._when(item)
        inside = self._inside(item, with_path)
        if inside or item.by_link or not is_item_id(item.id):
            return Row(name, "dir", "", when, "", href=href, note=note, why=inside)
        # What the link says already, so that a page of folders is hardly heavier for it.
        token = f"{item.id}|{mac}|{name}"
        if with_path:
            way = [_path_of(item), _way_of(item)]
            token = self._seals.seal("folder-choice", [item.id, name, *way])
        row_id = FolderChoice(item.id, name).row_id
        return Row(
            name,
            "dir",
            self._whole % {"name": name},
            when,
            "",
            href=href,
            token=token,
            is_chosen=row_id in self._tray.ticked,
            note=note,
            id=row_id,
        )

    def _inside(self, item: BoxItem, with_path: bool) -> str:
        """Return that an item comes with a chosen folder anyway, "" when it does not."""
        around = self._tray.folder_around(trail_of(item)) if with_path else self._around
        return self._text(Why("in_folder", {"name": around.name})) if around else ""

    def _file(self, item: BoxItem, with_path: bool) -> Row:
        # As it will be called here, so that nobody chooses one file and gets another.
        name = clean_name(item.name, fallback=f"unnamed-{item.id}")
        extension = extension_of(name)
        kind, label = KINDS.get(extension, ""), extension.upper()[:4]
        size = filesize(item.size_bytes)
        when = self._when(item)
        origin = clean_origin(item, self._my_box_id)
        verdict = self._target.judge(origin)
        classified = origin.classification
        why_not = refusal(item, extension, self._limits)
        why = self._text(why_not) if why_not else verdict.why_not
        is_chosen = item.id in self._tray.box_file_ids
        if not why and not is_chosen:
            why = self._inside(item, with_path)
        if why:
            note = _path_of(item) if with_path else ""
            return Row(name, kind, label, when, size, why=why, note=note, classification=classified)
        tag, note = self._remarks(item, verdict.mark)
        if with_path:
            note = ", ".join(part for part in (_path_of(item), note) if part)
        return Row(
            name,
            kind,
            label,
            when,
            size,
            token=self._token(item, origin, with_path),
            is_chosen=is_chosen,
            note=note,
            tag=tag,
            id=item.id,
            classification=classified,
        )

    def _text(self, why: Why) -> str:
        target = self._target
        return why_text(why, limit=filesize(target.file_max_bytes), company=target.company)

    def _remarks(self, item: BoxItem, mark: str) -> tuple[str, str]:
        is_newer = item.id in self._target.already
        remarks = [self._versions(item)] if is_newer else []
        if mark:
            remarks.append(mark)
        if item.lock:
            remarks.append(_("Locked by %(name)s, can still be attached", name=_locker(item)))
        if item.size_bytes == 0:
            remarks.append(_("Empty, 0 bytes"))
        owner = self._owned_by(item)
        if owner and not mark.startswith(owner):
            remarks.append(owner)
        return _("Newer") if is_newer else "", ", ".join(remarks)

    def _owned_by(self, item: BoxItem) -> str:
        """Return whose this is, "" when it is mine or Box does not tell."""
        if item.owned_by and item.owned_by.id not in ("", self._my_box_id):
            return _("Owned by %(name)s", name=owner_of(item))
        return ""

    def _versions(self, item: BoxItem) -> str:
        attached = max(self._target.already[item.id].values(), key=_as_number, default="")
        if version_number(item) and attached:
            return _(
                "Version %(new)s. The record has version %(old)s.",
                new=version_number(item),
                old=attached,
            )
        return _("Another version is attached already")

    def _token(self, item: BoxItem, origin: Origin, with_path: bool) -> str:
        value: list[Any] = [
            item.id,
            item.version_id,
            item.name,
            item.size_bytes,
            item.digest,
            version_number(item) or None,
            origin.owner,
            origin.owner_login,
            origin.classification,
        ]
        if with_path:
            value += [_path_of(item), _way_of(item)]
        return self._seals.seal("choice", value)

    def _when(self, item: BoxItem) -> str:
        """Return Box's moment by the page's clock: "Sep 12", or the time if it is today."""
        text = item.modified_at if isinstance(item.modified_at, str) else ""
        at = self._local(text)
        day = at.date() if at else _day_of(text)
        if day is None:
            return ""
        if day != self._today:
            is_other_year = day.year != self._today.year
            return self._days.text(str(day.year), day.month, day.day, with_year=is_other_year)
        if at is None:
            return _("Today")
        return _("Today, %(time)s", time=clock_text(at.hour, at.minute))

    def _local(self, text: str) -> datetime | None:
        """Return a moment of Box's, which comes with the offset of its own clock, by the page's."""
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at.astimezone(self._zone) if at.tzinfo else None


def _day_of(text: str) -> date | None:
    """Return the day a text begins with, of which no moment can be made."""
    try:
        return date.fromisoformat(text[:10]) if text[4:5] == "-" else None
    except ValueError:
        return None


def clean_origin(item: BoxItem, my_box_id: str) -> Origin:
    """Return whose a file is and how it is classified, as it may be shown and kept."""
    found = origin_of(item, my_box_id)
    login, classification = found.owner_login, found.classification
    return Origin(
        found.owner[:OWNER_MAX_LENGTH],
        login[:OWNER_MAX_LENGTH] if login else login,
        classification[:CLASSIFICATION_MAX_LENGTH] if classification else "",
    )


def refusal(item: BoxItem, extension: str, limits: Limits) -> Why | None:
    """Return why a file cannot be chosen, None when it can."""
    size, version_id = item.size_bytes, item.version_id
    if item.by_link:
        return Why("by_link")
    if size is not None and size > limits.file_max_bytes:
        return Why("too_big")
    if not item.may_download:
        return _preview_only(item, limits.my_box_id)
    if item.lock and item.lock.is_download_prevented is True:
        return Why("locked", {"name": _locker(item)})
    if extension in limits.blocked_extensions:
        return Why("blocked_type", {"extension": extension})
    if version_id is None or not (is_item_id(version_id) and is_item_id(item.id)):
        return Why("no_version")
    if version_id in limits.already.get(item.id, ()):
        return Why("attached")
    if (item.id, version_id) in limits.coming:
        return Why("coming")
    return None


def _preview_only(item: BoxItem, my_box_id: str) -> Why:
    owner = owner_of(item)
    if owner and item.owned_by and item.owned_by.id != my_box_id:
        return Why("preview_only_of", {"name": owner})
    return Why("preview_only")


def open_choice(seals: Seals, token: str, folder: tuple[Crumb, ...]) -> Choice:
    """Return the choice in a row's token; raises BadSeal when it is not one of this person's."""
    file_id, version_id, name, size, sha1, number, *rest = seals.open("choice", token)
    owner, login, classification, *own = rest
    # Only search hits carry a path and a way of their own.
    path, steps = own or (path_text(folder), [[c.folder_id, c.name] for c in folder])
    trail = tuple(Crumb(id_, step) for id_, step in steps)
    return Choice(
        file_id, version_id, name, size, sha1, number, owner, path, trail, login, classification
    )


def open_folder_choice(seals: Seals, token: str, folder: tuple[Crumb, ...]) -> FolderChoice:
    """Return the folder in a row's token; raises BadSeal when it is not one of this person's."""
    if "|" not in token:
        # Only search hits carry a way of their own.
        folder_id, name, _path, steps = seals.open("folder-choice", token)
        return FolderChoice(folder_id, name, tuple(Crumb(id_, step) for id_, step in steps))
    folder_id, mac, name = token.split("|", 2) if token.count("|") > 1 else ("", "", "")
    if not seals.holds("folder", f"{folder_id}|{name}", mac):
        raise BadSeal
    return FolderChoice(folder_id, name, folder)


def _as_number(text: str) -> int:
    return as_whole(text, VERSION_MAX) or 0


def version_number(item: BoxItem) -> str:
    """Return which version of the file this is, "" when Box does not say so in a few digits."""
    text = str(item.version_number or "")
    return text if text.isascii() and len(text) <= VERSION_NUMBER_MAX_LENGTH else ""


def owner_of(item: BoxItem) -> str:
    """Return what the owner is called, "" when Box does not tell."""
    return item.owned_by.name[:OWNER_MAX_LENGTH] if item.owned_by else ""


def _locker(item: BoxItem) -> str:
    holder = item.lock.created_by if item.lock else None
    return holder.name if holder and holder.name else _("someone in Box")


def _path_of(item: BoxItem) -> str:
    if item.path_collection is None:
        return ""
    return path_text(trail_of(item))


def _way_of(item: BoxItem) -> list[list[str]]:
    """Return the way to an item's folder, nothing when it is too long to ride in a form."""
    trail = trail_of(item)
    if sum(len(crumb.name) for crumb in trail) > WAY_MAX_LENGTH:
        return []
    return [[crumb.folder_id, crumb.name] for crumb in trail]


def trail_of(item: BoxItem) -> tuple[Crumb, ...]:
    """Return the way to an item that came with its path."""
    above = item.path_collection.entries if item.path_collection else ()
    return tuple(Crumb(a.id, a.name or "") for a in above)

"""The rows of a listing: each item's words worked out once, so that the template stays lean.

A page of a hundred rows is the hottest thing Plumbline renders: no address is built, no date is
parsed and no filter is called per row in the template.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from babel.dates import get_month_names
from flask_babel import get_locale

from webapp.box.items import BoxItem
from webapp.core.formats import filesize
from webapp.core.names import extension_of
from webapp.core.text import _
from webapp.picker.host import Choice, Target, Tray
from webapp.picker.seals import Crumb, Seals, path_text

KINDS = {
    "pdf": "pdf",
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "heic", "tif", "tiff", "svg", "webp"), "img"),
    **dict.fromkeys(("xls", "xlsx", "xlsm", "csv"), "xls"),
    **dict.fromkeys(("dwg", "dxf", "rvt", "nwd", "ifc", "stp", "las"), "cad"),
    **dict.fromkeys(("mp4", "mov", "m4a", "avi", "mkv"), "mov"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, in words. `token` is empty for what cannot be chosen."""

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


class RowMaker:
    """Turns Box's items into rows for one request."""

    def __init__(
        self,
        seals: Seals,
        target: Target,
        tray: Tray,
        *,
        folder_prefix: str,
        my_box_id: str,
        today: date,
    ) -> None:
        self._seals = seals
        self._target = target
        self._tray = tray
        self._folder_prefix = folder_prefix
        self._my_box_id = my_box_id
        self._today = today.isoformat()
        self._months = get_month_names("abbreviated", locale=get_locale())

    def rows(self, items: Iterable[BoxItem], *, with_paths: bool = False) -> list[Row]:
        return [self._row(item, with_paths) for item in items]

    def _row(self, item: BoxItem, with_path: bool) -> Row:
        if item.is_folder:
            return self._folder(item, with_path)
        if not item.is_file:
            why = _("A bookmark, there is no file to attach")
            return Row(item.name, "", "URL", self._when(item), "", why=why)
        return self._file(item, with_path)

    def _folder(self, item: BoxItem, with_path: bool) -> Row:
        mac = self._seals.mac("folder", f"{item.id}|{item.name}")
        href = f"{self._folder_prefix}{item.id}?n={quote(item.name, safe='')}&s={mac}"
        note = _path_of(item) if with_path else ""
        return Row(item.name, "dir", "", self._when(item), "", href=href, note=note)

    def _file(self, item: BoxItem, with_path: bool) -> Row:
        extension = extension_of(item.name)
        kind, label = KINDS.get(extension, ""), extension.upper()[:4]
        size = filesize(item.size_bytes)
        when = self._when(item)
        why = self._why_not(item, extension)
        if why:
            note = _path_of(item) if with_path else ""
            return Row(item.name, kind, label, when, size, why=why, note=note)
        tag, note = self._remarks(item)
        if with_path:
            note = ", ".join(part for part in (_path_of(item), note) if part)
        return Row(
            item.name,
            kind,
            label,
            when,
            size,
            token=self._token(item, with_path),
            is_chosen=item.id in self._tray.box_file_ids,
            note=note,
            tag=tag,
            id=item.id,
        )

    def _why_not(self, item: BoxItem, extension: str) -> str:
        """Return why a file cannot be chosen, in words; "" when it can."""
        target = self._target
        size = item.size_bytes
        if size is not None and size > target.file_max_bytes:
            limit = filesize(target.file_max_bytes)
            return _("Over the %(limit)s limit for one file", limit=limit)
        if not item.may_download:
            return self._preview_only(item)
        if item.lock and item.lock.is_download_prevented is True:
            return _("Locked by %(name)s, who prevents downloads", name=_locker(item))
        if extension in target.blocked_extensions:
            return _(
                "%(company)s does not accept .%(extension)s files",
                company=target.company,
                extension=extension,
            )
        if item.version_id is None:
            return _("Box gives no version of this file to copy")
        if item.version_id in target.already.get(item.id, ()):
            return _("Already attached")
        return ""

    def _preview_only(self, item: BoxItem) -> str:
        owner = item.owned_by.name if item.owned_by else ""
        if owner and item.owned_by and item.owned_by.id != self._my_box_id:
            return _("Preview only. Ask %(name)s for download rights.", name=owner)
        return _("Preview only. Your Box account may not download it.")

    def _remarks(self, item: BoxItem) -> tuple[str, str]:
        if item.id in self._target.already:
            return _("Newer"), self._versions(item)
        if item.lock:
            return "", _("Locked by %(name)s, can still be attached", name=_locker(item))
        if item.size_bytes == 0:
            return "", _("Empty, 0 bytes")
        if item.owned_by and item.owned_by.id not in ("", self._my_box_id):
            return "", _("Owned by %(name)s", name=item.owned_by.name)
        return "", ""

    def _versions(self, item: BoxItem) -> str:
        attached = max(self._target.already[item.id].values(), key=len, default="")
        if item.version_number and attached:
            return _(
                "Version %(new)s. The record has version %(old)s.",
                new=item.version_number,
                old=attached,
            )
        return _("Another version is attached already")

    def _token(self, item: BoxItem, with_path: bool) -> str:
        value = [
            item.id,
            item.version_id,
            item.name,
            item.size_bytes,
            item.digest,
            str(item.version_number) if item.version_number else None,
            item.owned_by.name if item.owned_by else "",
        ]
        return self._seals.seal("choice", [*value, _path_of(item)] if with_path else value)

    def _when(self, item: BoxItem) -> str:
        """Return Box's date as it came, in its own time zone: "Sep 12", or the time if today."""
        text = item.modified_at
        if not isinstance(text, str) or len(text) < 16:
            return ""
        if text.startswith(self._today):
            return _("Today, %(time)s", time=_clock(text[11:16]))
        try:
            month, day = self._months[int(text[5:7])], int(text[8:10])
        except (KeyError, ValueError):
            return ""
        return f"{month} {day}" if text[:4] == self._today[:4] else f"{month} {day}, {text[:4]}"


def open_choice(seals: Seals, token: str, folder_path: str) -> Choice:
    """Return the choice in a row's token; raises BadSeal when it is not one of this person's."""
    # Only search hits carry a path of their own.
    parts = [*seals.open("choice", token), folder_path][:8]
    return Choice(*parts)


def _clock(text: str) -> str:
    hour, minute = int(text[:2]), text[3:5]
    return f"{hour % 12 or 12}:{minute} {'AM' if hour < 12 else 'PM'}"


def _locker(item: BoxItem) -> str:
    holder = item.lock.created_by if item.lock else None
    return holder.name if holder and holder.name else _("someone in Box")


def _path_of(item: BoxItem) -> str:
    if item.path_collection is None:
        return ""
    return path_text(tuple(Crumb(a.id, a.name or "") for a in item.path_collection.entries))

"""All files of a record as one zip, made while it is sent: no temporary file, no large memory.

Nothing is compressed, because drawings and photos are already; that makes the length known before
the first byte, so that a browser shows progress and notices a broken download.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flask import Response
from zipstream import ZIP_STORED, ZipStream

from webapp.attachments.models import Attachment, Source
from webapp.attachments.sending import DOWNLOAD_POLICY, disposition, missing
from webapp.core.blobs import Blobs, blobs
from webapp.core.formats import filesize
from webapp.core.names import clean_name, cut_to_bytes, numbered
from webapp.core.problems import Invalid
from webapp.core.spreadsheets import Row, csv_blocks
from webapp.core.text import _, format_number, pgettext

FILES_MAX = 2000
BYTES_MAX = 25 * 10**9
LOOKS_AT_ONCE = 16
MANIFEST = "manifest.csv"
# What Windows refuses within a name, beside what `clean_name` takes away.
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')


@dataclass(frozen=True)
class Entry:
    """One file of the archive; `folder` is empty for the files of the record itself."""

    attachment: Attachment
    folder: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the way to it: nobody is to open what a newer version has replaced by accident."""
        own = (self.folder,) if self.folder else ()
        return (*own, pgettext("folder", "Superseded")) if self.attachment.superseded_by else own


def respond(title: str, entries: list[Entry]) -> Response:
    """Return the archive; Invalid when it would be too large, ContentsMissing before it begins."""
    _require_fitting(entries)
    store = blobs()
    _require_contents(store, entries)
    names = member_names(entries)
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    archive.add(_manifest(entries, names), MANIFEST)
    for entry, name in zip(entries, names, strict=True):
        found = entry.attachment
        archive.add(_contents(store, found.blob_key), name, size=found.size_bytes)
    response = Response(iter(archive), mimetype="application/zip")
    response.headers["Content-Length"] = str(len(archive))
    response.headers["Content-Disposition"] = disposition(
        clean_name(f"{title}.zip", fallback="files.zip")
    )
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _require_fitting(entries: list[Entry]) -> None:
    size = sum(entry.attachment.size_bytes for entry in entries)
    if not entries:
        raise Invalid(_("There is no file to download here."))
    if len(entries) > FILES_MAX or size > BYTES_MAX:
        raise Invalid(
            _(
                "These are %(num)s files with %(size)s; one download takes at most %(most)s files "
                "and %(limit)s. Download them one by one.",
                num=format_number(len(entries)),
                size=filesize(size),
                most=format_number(FILES_MAX),
                limit=filesize(BYTES_MAX),
            ),
            title=_("That is too much for one download"),
        )


def _require_contents(store: Blobs, entries: list[Entry]) -> None:
    """Look at every object before the first byte: half an archive helps nobody."""
    keys = [entry.attachment.blob_key for entry in entries]
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as threads:
        sizes = list(threads.map(store.size, keys))
    for entry, size in zip(entries, sizes, strict=True):
        if size != entry.attachment.size_bytes:
            raise missing(entry.attachment)


def _contents(store: Blobs, key: str) -> Iterator[bytes]:
    """Yield an object's bytes; it is opened when its turn comes."""
    yield from store.read(key)


def member_names(entries: list[Entry]) -> list[str]:
    """Return each file's name within the archive: safe on every system, and no name twice."""
    top = _Folder(MANIFEST)
    return [top.place(entry.folders, entry.attachment.name) for entry in entries]


class _Folder:
    """The names given within one folder; systems that ignore case must find no two alike."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}
        self._folders: dict[str, tuple[str, _Folder]] = {}

    def place(self, folders: Sequence[str], name: str) -> str:
        """Return the path of a file down this way, seen from here."""
        if not folders:
            return self._take(name)
        first, *rest = folders
        if first not in self._folders:
            self._folders[first] = (self._take(first), _Folder())
        called, inside = self._folders[first]
        return f"{called}/{inside.place(rest, name)}"

    def _take(self, wanted: str) -> str:
        name = safe_name(wanted)
        number, free = self._last.get(name, 1), name
        while free.casefold() in self._taken:
            number += 1
            free = numbered(name, number)
        self._last[name] = number
        self._taken.add(free.casefold())
        return free


def safe_name(name: str) -> str:
    """Return a name that every system can hold, also one that counts in bytes."""
    return cut_to_bytes(clean_name(_NOT_ON_WINDOWS.sub("_", name), fallback=_("unnamed")))


def _manifest(entries: list[Entry], names: list[str]) -> bytes:
    heads = (
        _("Name in this archive"),
        _("Original name"),
        _("Description"),
        _("Size in bytes"),
        "SHA-1",
        "SHA-256",
        _("Source"),
        _("Path"),
        _("Version"),
        _("Superseded by"),
        _("Attached by"),
        _("Attached at (UTC)"),
    )
    called = {entry.attachment.id: name for entry, name in zip(entries, names, strict=True)}
    lines = [_line(entry.attachment, called) for entry in entries]
    return b"".join(csv_blocks([[heads, *lines]]))


def _line(found: Attachment, called: dict[int, str]) -> Row:
    newer = found.superseded_by
    return (
        called[found.id],
        found.original_name,
        found.description,
        found.size_bytes,
        found.sha1,
        found.sha256,
        source_text(found.source),
        found.box_path,
        found.box_version_number or "",
        called.get(newer.id) or superseded_text(found) if newer else "",
        found.attached_by.name,
        found.attached_at,
    )


def superseded_text(found: Attachment) -> str:
    """Return which version has taken a file's place, "" for one that is current."""
    newer = found.superseded_by
    if newer is None:
        return ""
    if not newer.box_version_number:
        return _("a newer version")
    return _("version %(number)s", number=newer.box_version_number)


def source_text(source: str) -> str:
    """Return where a file came from, in a word or two."""
    texts = {
        Source.BOX.value: _("Box"),
        Source.COMPUTER.value: _("Computer"),
        Source.EMAIL.value: _("E-mail"),
        Source.DOCUMENTS.value: _("Documents"),
    }
    return texts.get(source, source)

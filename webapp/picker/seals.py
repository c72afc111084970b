"""Values that travel through the browser and come back: signed, and bound to one person.

A row's choice, a folder's name, the trail of crumbs and Box's markers go out with a page and come
back with a click. Nobody but the person they were made for can use them, and nothing in them can be
changed on the way. They hold nothing the person does not see anyway, so they are not encrypted.
"""

import base64
import binascii
import hashlib
import hmac
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec
from werkzeug.exceptions import BadRequest

from webapp.box.items import ROOT_ID
from webapp.core.text import _

MAC_BYTES = 15
VALUE_MAX_LENGTH = 8000
# A trail rides in addresses, and servers refuse long ones.
TRAIL_MAX_LENGTH = 1600
SHORT_NAME_LENGTH = 24
PATH_MAX_LENGTH = 400
ELLIPSIS = "…"


class BadSeal(BadRequest):
    """The value was not made here for this person and purpose."""


@dataclass(frozen=True)
class Crumb:
    """One step of the way to a folder."""

    folder_id: str
    name: str

    @property
    def label(self) -> str:
        """The folder's name; the root of everybody's Box has none of its own."""
        return _("All files") if self.folder_id == ROOT_ID else self.name


class Seals:
    """Signs and opens values for one person."""

    def __init__(self, secret: str, person_key: str) -> None:
        self._key = hashlib.sha256(f"picker|{person_key}|{secret}".encode()).digest()

    def mac(self, purpose: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{purpose}|{text}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:MAC_BYTES]).decode()

    def holds(self, purpose: str, text: str, mac: str) -> bool:
        return hmac.compare_digest(self.mac(purpose, text).encode(), mac.encode())

    def seal(self, purpose: str, value: Any) -> str:
        return self._sealed(purpose, msgspec.json.encode(value))

    def open(self, purpose: str, sealed: str) -> Any:
        """Return the value; raises BadSeal for anything that was not sealed for this purpose."""
        try:
            return msgspec.json.decode(self._opened(purpose, sealed))
        except (msgspec.MsgspecError, ValueError):
            raise BadSeal from None

    def _sealed(self, purpose: str, content: bytes) -> str:
        text = base64.urlsafe_b64encode(content).decode().rstrip("=")
        return f"{text}.{self.mac(purpose, text)}"

    def _opened(self, purpose: str, sealed: str) -> bytes:
        text, _, mac = sealed.rpartition(".")
        if len(sealed) > VALUE_MAX_LENGTH or not self.holds(purpose, text, mac):
            raise BadSeal
        try:
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            raise BadSeal from None

    def seal_trail(self, trail: tuple[Crumb, ...]) -> str:
        """Seal a trail; one too long for an address loses long names' ends, then its middle."""
        sealed = self._seal_crumbs(trail)
        if len(sealed) > TRAIL_MAX_LENGTH:
            trail = tuple(Crumb(c.folder_id, _short(c.name)) for c in trail)
            sealed = self._seal_crumbs(trail)
        while len(sealed) > TRAIL_MAX_LENGTH:
            trail = (trail[0], *trail[2:])
            sealed = self._seal_crumbs(trail)
        return sealed

    def _seal_crumbs(self, trail: tuple[Crumb, ...]) -> str:
        steps = [[crumb.folder_id, crumb.name] for crumb in trail]
        return self._sealed("trail", zlib.compress(msgspec.json.encode(steps), 9))

    def open_trail(self, sealed: str) -> tuple[Crumb, ...]:
        try:
            steps = msgspec.json.decode(zlib.decompress(self._opened("trail", sealed)))
        except (zlib.error, msgspec.MsgspecError, ValueError):
            raise BadSeal from None
        return tuple(Crumb(folder_id, name) for folder_id, name in steps)


def _short(name: str) -> str:
    if len(name) <= SHORT_NAME_LENGTH:
        return name
    return name[: SHORT_NAME_LENGTH - 1] + ELLIPSIS


def path_text(trail: tuple[Crumb, ...]) -> str:
    """Return a trail as a path; the root itself is not said, and of a long path the end."""
    text = " / ".join(crumb.name for crumb in trail if crumb.folder_id != ROOT_ID)
    return text if len(text) <= PATH_MAX_LENGTH else ELLIPSIS + text[1 - PATH_MAX_LENGTH :]

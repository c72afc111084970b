"""E-mail addresses as people type them and as servers take them."""

import re
from dataclasses import dataclass

LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABEL = re.compile(r"[^\W_]([\w-]*[^\W_])?")
LOCAL_MAX, ADDRESS_MAX = 64, 254
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Mailbox:
    """Somebody in a From, To or Cc: a name, which may be empty, and an address."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def split_addresses(text: str) -> list[str]:
    """Return what stands between commas, semicolons and spaces, each once."""
    found = {part.lower(): part for part in _SEPARATORS.split(text) if part}
    return list(found.values())


def is_address(text: str) -> bool:
    """True for an address that people elsewhere can have: its domain has a dot in it."""
    try:
        return "." in on_the_wire(text).rpartition("@")[2]
    except ValueError:
        return False


def on_the_wire(address: str) -> str:
    """Return an address in ASCII, its domain as IDNA writes it; ValueError when it is none.

    A local part beyond ASCII needs a server with SMTPUTF8 all the way (RFC 6531); few have it.
    """
    local, at, domain = address.rpartition("@")
    if not at or len(local) > LOCAL_MAX or not LOCAL.fullmatch(local):
        raise ValueError(address)
    labels = domain.split(".")
    if not domain.isascii() or not all(LABEL.fullmatch(label) for label in labels):
        # Only IDNA knows which letters of other scripts may stand there.
        labels = domain.encode("idna").decode("ascii").split(".")
    wire = f"{local}@{'.'.join(labels).lower()}"
    is_whole = all(0 < len(label) <= 63 and LABEL.fullmatch(label) for label in labels)
    if not is_whole or len(wire) > ADDRESS_MAX or not re.fullmatch(r"[!-~]+", wire):
        raise ValueError(address)
    return wire

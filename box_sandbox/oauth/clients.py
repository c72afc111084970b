"""The apps that are registered with the sandbox, and which redirect addresses each may use.

Source: Box guide "OAuth 2.0 app setup": addresses match exactly; for loopback the port is free.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Client:
    client_id: str
    secret: str = field(repr=False)
    name: str
    redirect_uris: tuple[str, ...]

    def allows(self, redirect_uri: str) -> bool:
        return any(_is_same(registered, redirect_uri) for registered in self.redirect_uris)


PLUMBLINE_ID = "plumbline-dev"
PLUMBLINE_SECRET = "plumbline-dev-secret"  # noqa: S105  # well known on purpose
OTHER_ID = "other-dev"
OTHER_SECRET = "other-dev-secret"  # noqa: S105  # well known on purpose


def registered(redirect_uris: Iterable[str]) -> dict[str, Client]:
    """Return the apps by client id: Plumbline, and another one with a single redirect address."""
    loopback = ("http://127.0.0.1/box/callback", "http://localhost/box/callback")
    plumbline = Client(PLUMBLINE_ID, PLUMBLINE_SECRET, "Plumbline", (*loopback, *redirect_uris))
    other = Client(
        OTHER_ID, OTHER_SECRET, "Site Camera Sync", ("http://127.0.0.1:9777/oauth/return",)
    )
    return {client.client_id: client for client in (plumbline, other)}


def _is_same(registered_uri: str, given: str) -> bool:
    known, asked = urlsplit(registered_uri), urlsplit(given)
    if known.hostname not in LOOPBACK_NAMES:
        return registered_uri == given
    try:
        asked_port = asked.port
    except ValueError:
        return False
    if asked.username or asked_port == 0:
        return False
    return (known.scheme, known.hostname, known.path, known.query, "") == (
        asked.scheme,
        asked.hostname,
        asked.path,
        asked.query,
        asked.fragment,
    )

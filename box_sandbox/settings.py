"""What tests may set while the sandbox runs, with what Box documents as the default."""

from dataclasses import dataclass, fields, replace
from typing import Any


class BadSetting(Exception):
    """A setting that does not exist or cannot have this value."""


@dataclass(frozen=True)
class Settings:
    # Every call waits this long before it is answered.
    latency_ms: float = 0
    # True: a spent refresh token is refused at once, instead of repeating the same new pair.
    strict_refresh: bool = False
    access_token_seconds: int = 3600
    refresh_token_seconds: int = 60 * 24 * 3600
    code_seconds: int = 30
    download_link_seconds: int = 15 * 60
    # None: the client's own; anything else is the only one accepted from then on.
    client_secret: str | None = None
    # Box does not say whether revoking one of two grants of one account ends the other.
    revoke_kills_other_grants: bool = False
    # Nor whether a downscoped token outlives the refresh of its parent.
    downscoped_survive_refresh: bool = True
    # "Disabled by Administrator": the app may not be used in the person's company.
    disabled_by_admin: bool = False
    # How long Box takes to make a thumbnail or another form of a file.
    representation_seconds: float = 2
    # How long an archive's address waits for its download, and what one may hold; Box's limit of
    # bytes is that of the account's uploads.
    zip_link_seconds: float = 10
    zip_max_files: int = 10_000
    zip_max_bytes: int = 50 * 1024**3
    rate_limits: bool = True
    # Folder listings refuse offsets above this; search and versions above 10,000.
    max_offset: int = 300_000
    # A change is unfindable for this long. Source: Box guide "Search", "Indexing": 10 minutes.
    search_lag_s: float = 600

    def changed(self, given: dict[str, Any]) -> "Settings":
        """Return settings with some changed; raises BadSetting for an unknown name or type."""
        known = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        for name, value in given.items():
            if name not in known:
                raise BadSetting(f"there is no setting {name!r}")
            if not _fits(known[name], value):
                raise BadSetting(f"{name} cannot be {value!r}")
        return replace(self, **given)


def _fits(now: Any, value: Any) -> bool:
    if now is None or isinstance(now, str):
        return value is None or isinstance(value, str)
    if isinstance(now, bool):
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)

"""ZIP downloads: what was asked for, who may fetch it until when, and how far it has come.

Source: Box API reference "Create zip download", "Download zip archive", "Get zip download status";
guide "Download ZIP archive". An address is good for a few seconds and for one download; its status
can be read once the download has begun, for twelve hours.
"""

import threading
from dataclasses import dataclass, field

from box_sandbox.oauth.grants import new_token

ID_LENGTH = 80
STATUS_SECONDS = 12 * 3600
USER_MAX, ENTERPRISE_MAX = 5, 10
SWEEP_AT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of an archive, by its place in there."""

    path: str
    item_id: str


@dataclass
class Zip:
    name: str
    account_id: str
    enterprise: str
    until: float
    files: list[Entry]
    folders: list[Entry]
    begun_at: float | None = None
    is_running: bool = False
    is_done: bool = False
    has_failed: bool = False
    downloaded: int = 0
    skipped_files: int = 0
    skipped_folders: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, *, now: float) -> bool:
        """Take the only turn there is; False if it is taken, or too late."""
        with self.lock:
            if self.begun_at is not None or now >= self.until:
                return False
            self.begun_at = now
            return True

    def is_known(self, now: float) -> bool:
        return self.begun_at is not None and now < self.begun_at + STATUS_SECONDS

    @property
    def state(self) -> str:
        if self.is_done:
            return "succeeded"
        return "failed" if self.has_failed else "in_progress"


class Zips:
    """The downloads made and not yet forgotten, by the secret part of their addresses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self._zips: dict[str, Zip] = {}

    def add(self, made: Zip, *, now: float) -> str:
        """Return the secret part of a new download's addresses."""
        secret = new_token(ID_LENGTH, "TKN_z1")
        with self._lock:
            if len(self._zips) >= SWEEP_AT:
                kept = {k: z for k, z in self._zips.items() if now < z.until or z.is_known(now)}
                self._zips = kept
            self._zips[secret] = made
        return secret

    def find(self, secret: str) -> Zip | None:
        return self._zips.get(secret)

    def running(self, *, account_id: str | None = None, enterprise: str | None = None) -> int:
        with self._lock:
            zips = [*self._zips.values()]
        return sum(
            z.is_running
            for z in zips
            if account_id in {None, z.account_id} and enterprise in {None, z.enterprise}
        )

    def known(self) -> list[str]:
        return list(self._zips)

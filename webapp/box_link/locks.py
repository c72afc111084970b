"""A lock per link that the operating system or the database lets go of when its holder dies.

A lease with a time-out would make everyone wait after a crash, and a row lock held over a call to
Box would stop every other writer. On SQLite the file lock is enough, because SQLite means one host.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore

from sqlalchemy import Engine, NullPool, create_engine, text

from webapp.box.errors import BoxLinkBusy
from webapp.core.database import CONNECT_SECONDS

WAIT_SECONDS = 6.0
POLL_SECONDS = 0.02
ADVISORY_CLASS = 77


class FileLocks:
    """flock on one file per link, on a local disk; the files are never removed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @contextmanager
    def exclusive(self, number: int) -> Iterator[None]:
        # Opened anew each time: flock belongs to the open file, so this excludes threads as well.
        handle = os.open(self._folder / f"link-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _patiently(lambda: _try_flock(handle))
            yield
        finally:
            os.close(handle)


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class AdvisoryLocks:
    """PostgreSQL's session advisory locks, on a few connections outside the pool."""

    def __init__(self, url: str, connections: int) -> None:
        self._engine: Engine = create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
        self._free = BoundedSemaphore(connections)

    @contextmanager
    def exclusive(self, number: int) -> Iterator[None]:
        # Closing the connection lets go of the lock, however this ends.
        with self._place(), self._engine.connect() as connection:
            take = text("SELECT pg_try_advisory_lock(:class, :number)")
            where = {"class": ADVISORY_CLASS, "number": number}
            _patiently(lambda: bool(connection.execute(take, where).scalar()))
            yield

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._free.acquire(timeout=WAIT_SECONDS):
            raise BoxLinkBusy("other links are being renewed", retry_after_s=2)
        try:
            yield
        finally:
            self._free.release()


def _patiently(attempt: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not attempt():
        if time.monotonic() > deadline:
            raise BoxLinkBusy("the link is being renewed", retry_after_s=2)
        time.sleep(POLL_SECONDS)


Locks = FileLocks | AdvisoryLocks


def make_locks(database_url: str, data_dir: Path, *, connections: int) -> Locks:
    """Return the locks that fit the database: one host, or many with so many connections each."""
    if database_url.startswith("sqlite"):
        return FileLocks(data_dir / "locks")
    return AdvisoryLocks(database_url, connections)

"""Where the limits are counted: in Redis for all processes, in memory for as long as it is away.

Each process then counts for itself, so that a limit is at most as many times larger as there are
processes. Nobody is refused, and nothing is unlimited, because Redis is away.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask
from limits.storage import MemoryStorage, RedisStorage, Storage
from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from webapp.core.absence import Absence
from webapp.core.extensions import limiter

CONNECT_SECONDS = 1.0
# Longer than the second for which a worker waits for a message.
READ_SECONDS = 2.0
SCHEME = "redis-or-memory"
_KEY = "plumbline.redis"

T = TypeVar("T")


def redis_pool(url: str) -> ConnectionPool:
    """Return connections to a Redis that may be away, or hang: no call waits longer than READ.

    One that Redis has closed meanwhile is opened again at once; nothing else is repeated.
    """
    return ConnectionPool.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=READ_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


class RedisOrMemory(Storage):
    """Counts in Redis; what cannot be counted there is counted here."""

    STORAGE_SCHEME = [SCHEME]  # read by the class's own metaclass

    def __init__(self, uri: str, *, url: str, absence: Absence, **options: bool) -> None:
        super().__init__(uri, **options)
        self._redis = RedisStorage(url, connection_pool=redis_pool(url))
        self._memory = MemoryStorage()
        self._absence = absence

    @property
    def base_exceptions(self) -> type[Exception]:
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._counted(lambda storage: storage.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        return self._counted(lambda storage: storage.get(key))

    def get_expiry(self, key: str) -> float:
        return self._counted(lambda storage: storage.get_expiry(key))

    def check(self) -> bool:
        """Return whether Redis is there; asks it unless it was found away just now."""
        self._counted(lambda storage: storage.get("is-redis-there"))
        return not self._absence.is_on

    def reset(self) -> int | None:
        return self._counted(lambda storage: storage.reset())

    def clear(self, key: str) -> None:
        return self._counted(lambda storage: storage.clear(key))

    def _counted(self, count: Callable[[Storage], T]) -> T:
        if self._absence.is_worth_trying():
            try:
                counted = count(self._redis)
            except (RedisError, OSError) as error:
                self._absence.begins(error)
            else:
                self._absence.ends()
                return counted
        return count(self._memory)


def init_limits(app: Flask, queue_url: str, *, is_embedded: bool) -> None:
    """Say where the limits are counted; one process alone counts in its memory."""
    absence = Absence("redis")
    app.extensions[_KEY] = absence
    if is_embedded:
        app.config["RATELIMIT_STORAGE_URI"] = "memory://"
        return
    app.config["RATELIMIT_STORAGE_URI"] = f"{SCHEME}://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"url": queue_url, "absence": absence}


def redis_absence(app: Flask) -> Absence:
    """Return what this application knows of its Redis, which also carries the wake-ups."""
    absence = app.extensions[_KEY]
    assert isinstance(absence, Absence)
    return absence


def is_redis_away() -> bool:
    """Return whether this installation has a Redis that does not answer."""
    storage = limiter.storage
    return isinstance(storage, RedisOrMemory) and not storage.check()

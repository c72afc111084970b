"""Size, SHA-1 and SHA-256 of a stream while it passes by.

Box names a file by its SHA-1, so that is what a copy is compared with; SHA-256 is what we keep to
tell our own objects apart. hashlib lets go of the interpreter lock, so for large files one of the
two runs beside the other.
"""

import hashlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

THREAD_FROM_BYTES = 8 << 20
WAITING_BLOCKS = 4


@dataclass(frozen=True)
class Digests:
    size_bytes: int
    sha1: str
    sha256: str


class _HashThread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._digest = hashlib.sha256()
        self._blocks: queue.Queue[bytes | None] = queue.Queue(WAITING_BLOCKS)
        self.start()

    def run(self) -> None:
        while (block := self._blocks.get()) is not None:
            self._digest.update(block)

    def update(self, block: bytes) -> None:
        self._blocks.put(block)

    def hexdigest(self) -> str:
        self._blocks.put(None)
        self.join()
        return self._digest.hexdigest()


class Digesting:
    """Passes blocks on and digests them; use as a context manager so that no thread stays."""

    def __init__(self, expected_bytes: int | None = None) -> None:
        is_large = expected_bytes is not None and expected_bytes >= THREAD_FROM_BYTES
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = _HashThread() if is_large else hashlib.sha256()
        self._result: str | None = None
        self.size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finish()

    def through(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._sha256.update(block)
            self._sha1.update(block)
            self.size_bytes += len(block)
            yield block

    @property
    def sha1(self) -> str:
        """The SHA-1 of what has passed so far, in hex."""
        return self._sha1.hexdigest()

    def digests(self) -> Digests:
        """Return the digests of everything; nothing may pass afterwards."""
        return Digests(self.size_bytes, self.sha1, self._finish())

    def _finish(self) -> str:
        if self._result is None:
            self._result = self._sha256.hexdigest()
        return self._result

"""Bytes that need not exist as a whole: a head, a block that repeats, and a tail."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

MIB = 1024 * 1024


@cache
def noise() -> bytes:
    """Return one MiB that looks random and never changes."""
    return hashlib.shake_256(b"Plumbline sandbox filler").digest(MIB)


class TooSmall(Exception):
    """The wanted size leaves no room for the format's own structure."""


@dataclass(frozen=True, slots=True)
class Body:
    """A file's content: `head`, then `block` `repeats` times, then `tail`."""

    head: bytes
    block: bytes = b""
    repeats: int = 0
    tail: bytes = b""

    @property
    def size(self) -> int:
        return len(self.head) + len(self.block) * self.repeats + len(self.tail)

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[memoryview]:
        """Yield the bytes from `start` up to `stop` as views; nothing is copied."""
        stop = self.size if stop is None else min(stop, self.size)
        head_end = len(self.head)
        tail_start = self.size - len(self.tail)
        if start < head_end:
            yield memoryview(self.head)[start:stop]
        at = max(start, head_end)
        block = memoryview(self.block)
        while at < min(stop, tail_start):
            within = (at - head_end) % len(block)
            piece = block[within : within + stop - at]
            yield piece
            at += len(piece)
        if stop > tail_start:
            yield memoryview(self.tail)[max(start - tail_start, 0) : stop - tail_start]

    def sha1(self) -> str:
        """Return the digest of the whole content, in lower-case hex."""
        digest = hashlib.sha1(usedforsecurity=False)
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


def padded(head: bytes, tail: bytes, size: int, block: bytes | None = None) -> Body:
    """Return a body of exactly `size` bytes with filler between `head` and `tail`.

    Raises TooSmall when the two do not fit.
    """
    block = noise() if block is None else block
    room = size - len(head) - len(tail)
    if room < 0:
        raise TooSmall
    repeats, rest = divmod(room, len(block))
    return Body(head, block, repeats, block[:rest] + tail)

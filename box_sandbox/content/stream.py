"""A ZIP archive made while it is sent, of any length. Source: PKWARE APPNOTE 6.3, section 4.3.5."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from box_sandbox.content.body import Body


@dataclass(frozen=True)
class Member:
    """A file, or a folder if it has no content."""

    path: str
    at: datetime
    content: Body | None


class _Sink:
    """What the archive is written to: a heap of pieces to be taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes | memoryview] = []

    def write(self, data: bytes | memoryview) -> int:
        self._pieces.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits in here."""

    def take(self) -> Iterator[memoryview]:
        pieces, self._pieces = self._pieces, []
        return (memoryview(piece) for piece in pieces)


def zip_stream(members: Iterable[Member]) -> Iterator[memoryview]:
    """Yield an archive of the members, stored without compression; nothing is kept."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:  # type: ignore[call-overload]  # it only writes
        for member in members:
            info = zipfile.ZipInfo(member.path, member.at.timetuple()[:6])
            if member.content is None:
                archive.writestr(info, b"")
            else:
                # The size beforehand: from 2 GiB on the entry needs another form.
                info.file_size = member.content.size
                with archive.open(info, "w") as file:
                    for piece in member.content.pieces():
                        file.write(piece)
                        yield from sink.take()
            yield from sink.take()
    yield from sink.take()

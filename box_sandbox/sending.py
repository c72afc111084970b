"""How a reply gets onto the wire: at once and fast, or as badly as a fault demands."""

import contextlib
import fcntl
import itertools
import os
import struct
import sys
import termios
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus

from box_sandbox.content.body import Body
from box_sandbox.faults import HOLD_MAX_SECONDS, Action, Gates
from box_sandbox.messages import Reply, Request, Stream, Stretch, gzipped
from box_sandbox.server import Connection

PIECES_AT_ONCE = 16
DRIPS_PER_SECOND = 10
DRAIN_SECONDS = 5.0

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_run = os.urandom(8).hex()
_count = itertools.count(1)


def request_id() -> str:
    return f"{_run}{next(_count):016x}"


def send(connection: Connection, request: Request, reply: Reply) -> bool:
    """Send a reply as it is; return whether the connection stays open."""
    if isinstance(reply.body, Stream):
        return _send_stream(connection, request, reply, reply.body)
    connection.body_bytes = 0 if isinstance(reply.body, Stretch) else reply.size
    is_chunked = reply.is_chunked and not request.is_http10
    head = _head(reply, is_chunked=is_chunked, keep_alive=request.keep_alive)
    if request.method == "HEAD":
        connection.sock.sendall(head)
    elif isinstance(reply.body, Stretch):
        connection.sock.sendall(head)
        _send_pieces(connection, _pieces(reply))
    elif is_chunked and reply.body:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body)
        connection.sock.sendall(head + body)
    else:
        connection.sock.sendall(head + reply.body)
    return request.keep_alive


def _send_stream(connection: Connection, request: Request, reply: Reply, stream: Stream) -> bool:
    """Send a content of unknown length in chunks; to an HTTP/1.0 client, until the end."""
    connection.body_bytes = 0
    is_chunked = not request.is_http10
    keep_alive = request.keep_alive and is_chunked
    connection.sock.sendall(
        _head(reply, is_chunked=is_chunked, keep_alive=keep_alive, has_length=False)
    )
    with contextlib.closing(_generated(stream)) as pieces:
        for piece in pieces:
            if is_chunked:
                connection.sock.sendall(b"%x\r\n" % len(piece))
            connection.sock.sendall(piece)
            connection.body_bytes += len(piece)
            if is_chunked:
                connection.sock.sendall(b"\r\n")
    if is_chunked:
        connection.sock.sendall(b"0\r\n\r\n")
    return keep_alive


def _generated(stream: Stream) -> Generator[memoryview]:
    """Yield a stream's pieces, without empty ones: an empty chunk would end it."""
    for piece in stream.pieces():
        if len(piece):
            yield piece


def _head(reply: Reply, *, is_chunked: bool, keep_alive: bool, has_length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines.append(f"Date: {formatdate(time.time(), usegmt=True)}")
    lines.append(f"BOX-REQUEST-ID: {request_id()}")
    if is_chunked and reply.body:
        lines.append("Transfer-Encoding: chunked")
    elif has_length and reply.status not in {204, 304}:
        lines.append(f"Content-Length: {reply.size}")
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _pieces(reply: Reply) -> Iterator[memoryview]:
    body = reply.body
    if isinstance(body, Stream):
        return body.pieces()
    if isinstance(body, Stretch):
        return body.content.pieces(body.start, body.stop)
    return Body(body).pieces()


def _send_pieces(connection: Connection, pieces: Iterator[memoryview]) -> None:
    """Send all pieces, many with one system call."""
    while batch := list(itertools.islice(pieces, PIECES_AT_ONCE)):
        while batch:
            sent = connection.sock.sendmsg(batch)
            connection.body_bytes += sent
            while batch and sent >= len(batch[0]):
                sent -= len(batch.pop(0))
            if sent:
                batch[0] = batch[0][sent:]


# ---- badly


@dataclass(frozen=True)
class Ending:
    """Where in the body the sending stops, and how."""

    after: int
    how: str


def send_badly(
    connection: Connection, request: Request, reply: Reply, action: Action, gates: Gates
) -> bool:
    """Send a reply as an action demands; return whether the connection stays open."""
    connection.body_bytes = 0
    if isinstance(reply.body, Stream):
        action = replace(action, no_length=True)
    if action.gzip_body:
        reply = _compressed(reply)
    keep_alive = request.keep_alive and not action.no_length
    head = _head(reply, is_chunked=False, keep_alive=keep_alive, has_length=not action.no_length)
    ending = _ending(action, sys.maxsize if isinstance(reply.body, Stream) else reply.size)
    connection.sock.sendall(head)
    if request.method == "HEAD":
        return keep_alive
    pieces = _upto(_flipped(_pieces(reply), action.flip_byte), ending.after)
    if action.stops_at == "body":
        pieces = _gated(pieces, action.after_bytes or 0, action.gate, gates)
    if action.drip:
        pieces = _dripping(pieces, action.drip, gates)
    for piece in pieces:
        connection.sock.sendall(piece)
        connection.body_bytes += len(piece)
    return _finish(connection, ending, gates) and keep_alive


def _ending(action: Action, size: int) -> Ending:
    """Return where the body ends; of several limits the nearest counts."""
    wanted = {
        "reset": action.reset_after,
        "cut": action.truncate_after,
        "silence": action.answer_then_hang,
    }
    endings = [Ending(after, how) for how, after in wanted.items() if after is not None]
    return min(endings, key=lambda ending: ending.after, default=Ending(size, "whole"))


def _finish(connection: Connection, ending: Ending, gates: Gates) -> bool:
    if ending.how == "reset":
        _drain(connection)
        connection.ends_with_reset = True
    elif ending.how == "silence":
        gates.pause(HOLD_MAX_SECONDS)
    return ending.how == "whole"


def _drain(connection: Connection) -> None:
    """Wait until the client's kernel has everything: a reset throws away what has not left."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        answer = fcntl.ioctl(connection.sock, termios.TIOCOUTQ, b"\0" * 4)
        if struct.unpack("i", answer)[0] == 0:
            return
        time.sleep(0.001)


def _compressed(reply: Reply) -> Reply:
    headers = tuple(h for h in reply.headers if h[0].lower() != "content-encoding")
    packed = gzipped(b"".join(_pieces(reply)))
    return replace(reply, headers=(*headers, ("Content-Encoding", "gzip")), body=packed)


def _upto(pieces: Iterable[memoryview], limit: int) -> Iterator[memoryview]:
    for piece in pieces:
        if limit <= 0:
            return
        yield piece[:limit]
        limit -= len(piece)


def _flipped(pieces: Iterable[memoryview], place: int | None) -> Iterator[memoryview]:
    """Yield the pieces with every bit of one byte turned over."""
    at = 0
    for piece in pieces:
        if place is not None and at <= place < at + len(piece):
            changed = bytearray(piece)
            changed[place - at] ^= 0xFF
            yield memoryview(bytes(changed))
        else:
            yield piece
        at += len(piece)


def _gated(
    pieces: Iterable[memoryview], place: int, gate: str, gates: Gates
) -> Iterator[memoryview]:
    """Yield the first `place` bytes, wait at the gate, then yield the rest."""
    is_open = False
    for piece in pieces:
        if is_open or place >= len(piece):
            place -= len(piece)
            yield piece
            continue
        yield piece[:place]
        _wait(gates, gate)
        is_open = True
        yield piece[place:]
    if not is_open:
        _wait(gates, gate)


def _wait(gates: Gates, gate: str) -> None:
    """Wait at a gate; raises OSError, which ends the connection, when the rules are dropped."""
    if not gates.wait(gate):
        raise ConnectionAbortedError


def _dripping(pieces: Iterable[memoryview], rate: int, gates: Gates) -> Iterator[memoryview]:
    """Yield the pieces at about `rate` bytes a second."""
    portion = max(1, rate // DRIPS_PER_SECOND)
    for piece in pieces:
        for at in range(0, len(piece), portion):
            part = piece[at : at + portion]
            yield part
            if not gates.pause(len(part) / rate):
                raise ConnectionAbortedError

"""A small HTTP/1.1 server on plain sockets: one thread for each connection, kept alive.

It exists because a stand-in must not be what a benchmark measures, and because faults (a reset, a
body cut short, silence) need the socket itself. Source: RFC 9112.
"""

import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable

from box_sandbox.messages import Request

log = logging.getLogger("box_sandbox")

HEAD_MAX_BYTES = 64 * 1024
BODY_MAX_BYTES = 16 * 1024 * 1024
READ_BYTES = 64 * 1024
IDLE_SECONDS = 600
SEND_SECONDS = 300
BACKLOG = 1024
STACK_BYTES = 512 * 1024

Handler = Callable[["Connection", Request], bool]


class BadRequest(Exception):
    """What came in is no HTTP/1.1 request; the connection is closed."""


class Connection:
    """One client's socket, blocking, with limits in seconds on both directions."""

    def __init__(self, sock: socket.socket, peer: str) -> None:
        self.sock = sock
        self.peer = peer
        # Of the reply that is being sent, or was sent last.
        self.body_bytes = 0
        self.ends_with_reset = False
        self._buffer = b""
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", IDLE_SECONDS, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))

    def read_request(self) -> Request | None:
        """Return the next request, or None when the client is done.

        Raises BadRequest, or OSError when the client is silent for too long.
        """
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_MAX_BYTES:
                raise BadRequest("head too long")
            received = self.sock.recv(READ_BYTES)
            if not received:
                return None
            self._buffer += received
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        request = self._parsed(head.decode("latin-1"))
        request.body = self._read_body(request.headers)
        return request

    def _parsed(self, head: str) -> Request:
        first, *lines = head.split("\r\n")
        try:
            method, target, version = first.split(" ")
        except ValueError:
            raise BadRequest("no request line") from None
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        path, _, query = target.partition("?")
        connection = headers.get("connection", "").lower()
        is_http10 = version == "HTTP/1.0"
        return Request(
            method,
            path,
            query,
            headers,
            peer=self.peer,
            keep_alive=connection == "keep-alive" if is_http10 else connection != "close",
            is_http10=is_http10,
        )

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise BadRequest("chunked requests are not understood")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_MAX_BYTES:
            raise BadRequest("no usable Content-Length")
        missing = int(length) - len(self._buffer)
        parts = [self._buffer]
        while missing > 0:
            received = self.sock.recv(min(missing, READ_BYTES))
            if not received:
                raise BadRequest("body cut short")
            parts.append(received)
            missing -= len(received)
        whole = b"".join(parts)
        self._buffer = whole[int(length) :]
        return whole[: int(length)]

    def close(self) -> None:
        """Close; with a reset if wanted, so that the client sees no end (RFC 9293, 3.5.2)."""
        with contextlib.suppress(OSError):
            if self.ends_with_reset:
                now = struct.pack("ii", 1, 0)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            else:
                self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Server:
    """Accepts connections on one port and has every request handled."""

    def __init__(self, host: str, port: int, handler: Handler) -> None:
        self._handler = handler
        self._socket = socket.create_server((host, port), backlog=BACKLOG, reuse_port=False)
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        threading.stack_size(STACK_BYTES)
        threading.Thread(target=self._accept, name=f"accept-{self.port}", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, address[0]), daemon=True).start()

    def _serve(self, sock: socket.socket, peer: str) -> None:
        connection = Connection(sock, peer)
        try:
            while request := connection.read_request():
                if not self._handler(connection, request):
                    break
        except BadRequest as problem:
            log.info("request.refused reason=%s", problem)
            with contextlib.suppress(OSError):
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            # The client went away, or was silent for too long; there is nobody left to tell.
            pass
        except Exception:
            # The outermost loop of a connection: one broken answer must not end the sandbox.
            log.exception("request.failed")
        finally:
            connection.close()

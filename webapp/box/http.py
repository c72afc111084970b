"""The one way out of the process towards Box: pooled, bounded in time and size, no surprises.

A `requests` session by itself reads proxies and .netrc from the environment, keeps cookies,
follows redirects, and lets a dripping body run for ever. None of that is wanted here, so calls go
to its adapters directly.
"""

import contextlib
import socket
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from webapp.box.errors import BoxOdd, BoxUnavailable

CONNECT_SECONDS = 3.05
READ_SECONDS = 8.0
CALL_SECONDS = 9.0
LAST_SECONDS = 0.5
BODY_MAX_BYTES = 5 * 1024 * 1024
RETRY_AFTER_MIN_S, RETRY_AFTER_MAX_S = 1.0, 900.0


class SharedAdapter(HTTPAdapter):
    """A connection pool that outlives the sessions which use it."""

    def close(self) -> None:
        """Keep the pool: closing one session must not empty it for the others."""


_adapter = SharedAdapter(pool_connections=8, pool_maxsize=160, max_retries=0)


def session() -> requests.Session:
    """Return a session over the shared pool."""
    made = requests.Session()
    made.mount("https://", _adapter)
    made.mount("http://", _adapter)
    return made


def call(
    http: requests.Session, request: requests.Request, *, read_seconds: float = READ_SECONDS
) -> requests.Response:
    """Send a request and return the answer with its body unread; see `send`.

    Raises BoxOdd for an address or a header that Box gave us and that cannot be sent.
    """
    try:
        prepared = request.prepare()
    except (requests.RequestException, UnicodeError) as error:
        raise BoxOdd(type(error).__name__) from None
    return send(http, prepared, read_seconds=read_seconds)


def send(
    http: requests.Session, prepared: requests.PreparedRequest, *, read_seconds: float
) -> requests.Response:
    """Send what is prepared and return the answer with its body unread; redirects stay unfollowed.

    Connecting and waiting for the answer take `read_seconds` at most, together; how long they took
    is the answer's `elapsed`. Raises BoxUnavailable on any failure to connect or on silence.
    """
    prepared.headers.setdefault("User-Agent", "Plumbline")
    prepared.headers.setdefault("Accept-Encoding", "gzip")
    began = time.monotonic()
    patience = Timeout(total=read_seconds, connect=CONNECT_SECONDS, read=read_seconds)
    try:
        # Not Session.send: even told not to follow, it reads a redirect's whole body and parses
        # its Location. The adapter does neither, and keeps no cookies.
        response = http.get_adapter(prepared.url or "").send(
            prepared,
            stream=True,
            timeout=patience,  # type: ignore[arg-type]  # documented by requests, not by its stubs
        )
    except requests.RequestException as error:
        # The library's text may hold the whole URL; only its kind is told.
        raise BoxUnavailable(type(error).__name__) from None
    response.elapsed = timedelta(seconds=time.monotonic() - began)
    return response


def body(
    response: requests.Response, *, limit: int = BODY_MAX_BYTES, seconds: float = CALL_SECONDS
) -> bytes:
    """Read a whole answer within `limit` bytes, then give the connection back.

    `seconds` are for the whole call, the wait for its first byte included. Raises BoxOdd when the
    answer is longer, BoxUnavailable when it takes longer or breaks off.
    """
    left = max(seconds - response.elapsed.total_seconds(), LAST_SECONDS)
    deadline = time.monotonic() + left
    chunks: list[bytes] = []
    size = 0
    try:
        _allow(response, left)
        while chunk := response.raw.read1(65536, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise BoxOdd(f"an answer of more than {limit} bytes")
            if time.monotonic() > deadline:
                raise BoxUnavailable("slow answer")
            chunks.append(chunk)
            _allow(response, deadline - time.monotonic())
    except (HTTPError, OSError) as error:
        response.close()
        raise BoxUnavailable(type(error).__name__) from None
    except BoxUnavailable:
        response.close()
        raise
    response.raw.release_conn()
    return b"".join(chunks)


def _allow(response: requests.Response, seconds: float) -> None:
    """Let the next read wait no longer than this; without it, silence lasts a whole timeout."""
    sock = getattr(response.raw.connection, "sock", None)
    if sock is not None:
        sock.settimeout(max(seconds, 0.01))


def cut(response: requests.Response) -> None:
    """Shut the connection an answer comes over, whoever is reading from it."""
    sock = getattr(response.raw.connection, "sock", None)
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def retry_after_s(response: requests.Response, *, default: float = 5.0) -> float:
    """Return how long Box asks to wait, in seconds from 1 to 900; number and date are understood.

    Source: RFC 9110 section 10.2.3.
    """
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            seconds = default
    return min(max(seconds, RETRY_AFTER_MIN_S), RETRY_AFTER_MAX_S)

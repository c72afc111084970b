"""Requests and replies as values, between the sockets and everything else."""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, quote

from box_sandbox.content.body import Body
from box_sandbox.faults import Action

Headers = tuple[tuple[str, str], ...]
JSON_TYPE = ("Content-Type", "application/json")


@dataclass
class Request:
    """One request; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    peer: str = ""
    keep_alive: bool = True
    is_http10: bool = False

    @cached_property
    def args(self) -> dict[str, str]:
        """The query's parameters; of several with one name, the first."""
        return _first_values(self.query)

    @cached_property
    def form(self) -> dict[str, str]:
        return _first_values(self.body.decode("utf-8", "replace"))

    @cached_property
    def cookies(self) -> dict[str, str]:
        pairs = (part.partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def bearer(self) -> str:
        """The access token of the Authorization header, or an empty text."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("accept-encoding", "")

    def json(self) -> Any:
        """Return the parsed body; raises ValueError for anything that is no JSON."""
        return json.loads(self.body) if self.body else {}


def _first_values(text: str) -> dict[str, str]:
    parsed = parse_qs(text, keep_blank_values=True, errors="replace")
    return {name: values[0] for name, values in parsed.items()}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a content that is sent without being put together first."""

    content: Body
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A content that is made while it is sent; its length is not known before."""

    pieces: Callable[[], Iterator[memoryview]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `is_chunked`: framed as Box frames JSON, without a Content-Length. `manner`: how a
    file with a mark of the legend is sent."""

    status: int
    headers: Headers = ()
    body: bytes | Stretch | Stream = field(default=b"", repr=False)
    is_chunked: bool = False
    manner: Action | None = None

    @property
    def size(self) -> int:
        body = self.body
        if isinstance(body, Stream):
            return 0
        return body.stop - body.start if isinstance(body, Stretch) else len(body)


def to_json(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def gzipped(content: bytes) -> bytes:
    """Return the content in gzip form, quickly rather than small."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()


def json_reply(status: int, payload: Any, headers: Headers = ()) -> Reply:
    return Reply(status, (JSON_TYPE, *headers), to_json(payload), is_chunked=True)


def disposition(name: str) -> str:
    """Return the header that names the file, in both forms (RFC 6266, RFC 8187)."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "_" for c in name)
    return f"attachment;filename=\"{plain}\";filename*=UTF-8''{quote(name, safe='')}"

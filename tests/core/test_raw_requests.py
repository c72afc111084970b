"""Requests that two servers could read in two ways: gunicorn takes none of them."""

import socket
from collections.abc import Iterator

import pytest

from config import Config
from tests.support.deployment import Deployment
from tests.support.pages import HOST
from tests.support.processes import Plumbline
from tests.support.world import World

pytestmark = [pytest.mark.processes, pytest.mark.slow]

BEHIND = f"GET /behind-it HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
FORMS = {
    "both lengths": ["Content-Length: 4", "Transfer-Encoding: chunked"],
    "two lengths": ["Content-Length: 4", f"Content-Length: {len(BEHIND) + 4}"],
    "a length with a sign": [f"Content-Length: +{len(BEHIND)}"],
    "a coding nobody has": ["Transfer-Encoding: xchunked", "Content-Length: 4"],
    "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "a blank before the colon": ["Transfer-Encoding : chunked", "Content-Length: 4"],
    "a header that is folded": ["Transfer-Encoding:", " chunked", "Content-Length: 4"],
}


@pytest.fixture(scope="module")
def port(deployed: Deployment, config: Config, template_world: World) -> Iterator[int]:
    deployed.prepare_database()
    deployed.prepare_storage()
    with Plumbline(config) as plumbline:
        yield plumbline.port


@pytest.mark.parametrize("form", FORMS)
def test_what_can_be_read_in_two_ways_is_refused_and_the_line_closed(port: int, form: str) -> None:
    head = "\r\n".join(["POST /sign-in HTTP/1.1", f"Host: 127.0.0.1:{port}", *FORMS[form]])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(f"{head}\r\n\r\n0\r\n\r\n{BEHIND}".encode("ascii"))
        said = b""
        while chunk := wire.recv(65536):
            said += chunk
    status = said.split(b"\r\n", 1)[0]
    assert status.split()[1] in {b"400", b"501"}, said[:300]
    assert said.count(b"HTTP/1.1 ") == 1, "what stood behind was taken for a request of its own"

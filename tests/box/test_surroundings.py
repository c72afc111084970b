"""Around a call to Box: the machine's proxies and netrc, cookies, whose name it is."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.box.held import Held, Listener
from webapp.box.client import BoxClient
from webapp.box.errors import BoxUnavailable

USER = {"type": "user", "id": "1", "name": "Devon", "login": "devon@boxmail.example"}


class Answering(BaseHTTPRequestHandler):
    """Answers every call as Box tells who one is, with a cookie, and keeps the headers it got."""

    heard: list[dict[str, str]]

    def do_GET(self) -> None:
        self.heard.append({name.lower(): value for name, value in self.headers.items()})
        body = json.dumps(USER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "box_visitor_id=1; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[dict[str, str]]]]:
    heard: list[dict[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Answering,), {"heard": heard}))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake is no news
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_neither_proxies_nor_netrc_of_the_machine_are_used(
    held: Held, foreign: Listener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, foreign.url)
        monkeypatch.setenv(name.lower(), foreign.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with answering() as (port, heard):
        BoxClient(held, api_url=f"http://127.0.0.1:{port}", download_origins=()).me()
    assert heard[0]["authorization"].startswith("Bearer ")
    assert foreign.visits == 0


def test_cookies_that_box_sets_are_not_sent_back(held: Held) -> None:
    with answering() as (port, heard):
        box = BoxClient(held, api_url=f"http://127.0.0.1:{port}", download_origins=())
        box.me()
        box.me()
    assert len(heard) == 2
    assert not any("cookie" in headers for headers in heard)


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """Return what a server shows that says it is `name` and that nobody has vouched for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_machine_of_the_own_network_that_answers_in_boxs_name_is_told_nothing(
    held: Held, tmp_path: Path
) -> None:
    """Where a name of Box's leads elsewhere, TLS fails before anything is said."""
    with answering(certificate(tmp_path, "localhost")) as (port, heard):
        box = BoxClient(held, api_url=f"https://localhost:{port}", download_origins=())
        with pytest.raises(BoxUnavailable):
            box.me()
    assert heard == []

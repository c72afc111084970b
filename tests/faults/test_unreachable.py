"""Box cannot be reached at all: no name, nobody there, a certificate nobody vouches for."""

import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from sqlalchemy import update

from config import Config
from tests.box_link.looking import browse, kept
from tests.imports.conftest import PERMIT, Bench, bench
from tests.support.copying import run_worker
from tests.support.deployment import free_port
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.factory import create_app
from webapp.imports.models import ImportItem, ItemState

__all__ = ["bench"]

PAGE_SECONDS = 10


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[str]:
    """A server whose certificate it has signed itself; it must never be shown a request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "self-signed.pem"
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)
    )
    return path


@pytest.fixture(params=["no name", "nobody there", "a certificate nobody vouches for"])
def astray(request: pytest.FixtureRequest, config: Config, impostor: str) -> Iterator[Flask]:
    """An application over the test's database whose way to Box leads nowhere."""
    nowhere = {
        "no name": "https://api.box.invalid",
        "nobody there": f"http://127.0.0.1:{free_port()}",
        "a certificate nobody vouches for": impostor,
    }
    made = create_app(replace(config, box_api_url=nowhere[request.param]))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_box_that_cannot_be_reached_is_told_and_copies_wait_for_it(
    bench: Bench, astray: Flask, world: World
) -> None:
    bench.attach(PERMIT)
    before = kept(bench.app, world.people["alice"])
    began = time.monotonic()
    page = browse(Visitor(astray).sign_in(world.email("alice")), world, expect=424)
    assert time.monotonic() - began < PAGE_SECONDS
    assert "Box is not answering right now" in page.text
    run_worker(astray)
    assert (bench.item().state, bench.item().reason) == (ItemState.QUEUED, "box_down")
    assert kept(bench.app, world.people["alice"]) == before
    hurry(bench)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def hurry(bench: Bench) -> None:
    """Let what waits be due now, as if the time had passed."""
    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(run_after=None))
        db.session.commit()

"""The program itself: how it starts, stops, survives a restart, and holds many connections."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.sandbox.people import App
from tests.sandbox.process import ROOT, SandboxProcess

pytestmark = pytest.mark.wide

FORM = "/Templates/RFI form.docx"


def test_it_says_on_one_line_where_it_is_and_stops_at_once() -> None:
    command = [sys.executable, "-m", "box_sandbox", "--port", "0", "--download-port", "0"]
    urls = ["--api-url", "https://api.box.test", "--account-url", "https://account.box.test"]
    with subprocess.Popen(
        [*command, *urls, "--download-url", "https://dl.box.test"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=5)
        assert time.monotonic() - started < 1
    assert process.returncode == 0
    assert rest == ""
    assert ready.pop("listens_at").startswith("http://127.0.0.1:")
    assert ready == {
        "ready": True,
        "api_url": "https://api.box.test",
        "account_url": "https://account.box.test",
        "download_url": "https://dl.box.test",
    }


def test_behind_a_proxy_links_lead_to_the_names_it_is_reached_under() -> None:
    with SandboxProcess("--download-url", "https://dl.boxcloud.test") as sandbox:
        app = App(sandbox).link()
        location = app.location(sandbox.world(FORM)["id"])
        app.http.close()
    assert location.startswith("https://dl.boxcloud.test/d/1/")


def test_tokens_changes_and_the_clock_survive_a_restart(tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path), "--today", "2026-02-03")
    with SandboxProcess(*options) as sandbox:
        first = App(sandbox).link()
        pending = first.token(grant_type="refresh_token", refresh_token=first.tokens.refresh).json()
        changed = sandbox.change("new_version", FORM, size=1234)
        sandbox.change("add_file", "/Templates/added.txt", text="kept")
        sandbox.advance(100)
        first.http.close()
    kept = tmp_path / "box-sandbox.json"
    assert kept.stat().st_mode & 0o077 == 0
    with SandboxProcess("--data-dir", str(tmp_path)) as sandbox:
        second = App(sandbox)
        second.tokens = first.tokens
        assert second.get("/users/me").status_code == 200
        again = second.token(grant_type="refresh_token", refresh_token=first.tokens.refresh).json()
        assert again["refresh_token"] == pending["refresh_token"]
        assert sandbox.world(FORM) == changed
        added = sandbox.world("/Templates/added.txt")
        assert second.download(added["id"]).content == b"kept"
        assert sandbox.state()["clock_offset_s"] == 100
        assert sandbox.state()["today"] == "2026-02-03"
        sandbox.reset()
        second.http.close()
    with SandboxProcess("--data-dir", str(tmp_path)) as sandbox:
        assert sandbox.state()["changed_items"] == 0


def test_without_a_directory_nothing_is_kept() -> None:
    with SandboxProcess() as sandbox:
        app = App(sandbox).link()
    with SandboxProcess() as sandbox:
        second = App(sandbox)
        assert second.get("/users/me", token=app.tokens.access).status_code == 401
        second.http.close()
    app.http.close()


def test_options_set_latency_refresh_and_a_big_folder() -> None:
    options = ("--latency-ms", "50", "--strict-refresh", "--big-folder", "3000")
    with SandboxProcess(*options) as sandbox:
        settings = sandbox.state()["settings"]
        assert (settings["latency_ms"], settings["strict_refresh"]) == (50, True)
        app = App(sandbox).link()
        started = time.monotonic()
        folder = sandbox.world("/Big folder")
        page = app.get(f"/folders/{folder['id']}/items", usemarker="true", limit=1000).json()
        assert time.monotonic() - started >= 0.05
        app.http.close()
    assert folder["count"] == 3000
    assert len(page["entries"]) == 1000
    assert page["next_marker"]


# ---- connections


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def answer_on(sock: socket.socket) -> bytes:
    """Return one answer without a body."""
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        received = sock.recv(4096)
        assert received, got
        got += received
    return got


REQUEST = b"GET /2.0/users/me HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_connection_is_kept_for_the_next_request(sandbox: SandboxProcess) -> None:
    with connect(sandbox.api_url) as sock:
        for _ in range(3):
            sock.sendall(REQUEST)
            assert answer_on(sock).startswith(b"HTTP/1.1 401 ")


def test_requests_may_come_in_pieces_and_several_at_once(sandbox: SandboxProcess) -> None:
    with connect(sandbox.api_url) as sock:
        for at in range(0, len(REQUEST), 7):
            sock.sendall(REQUEST[at : at + 7])
        assert answer_on(sock).startswith(b"HTTP/1.1 401 ")
        sock.sendall(REQUEST * 2)
        got = answer_on(sock)
        while got.count(b"HTTP/1.1 401 ") < 2:
            got += answer_on(sock)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /2.0/users/me HTTP/1.0\r\n\r\n",
        b"GET /2.0/users/me HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_connection_that_should_end_ends(sandbox: SandboxProcess, request_bytes: bytes) -> None:
    with connect(sandbox.api_url) as sock:
        sock.sendall(request_bytes)
        assert answer_on(sock).startswith(b"HTTP/1.1 4")
        assert sock.recv(1) == b""


def test_three_hundred_connections_and_slow_readers_leave_it_answering(
    sandbox: SandboxProcess, devon: App
) -> None:
    video = sandbox.world(
        "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Drone/2025-09-05 Point cloud.las"
    )["id"]
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            path = urlsplit(devon.location(video)).path
            reader = stack.enter_context(connect(sandbox.download_url))
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert reader.recv(100).startswith(b"HTTP/1.1 200 ")
        socks = [stack.enter_context(connect(sandbox.api_url)) for _ in range(300)]
        for sock in socks:
            sock.sendall(REQUEST)
        for sock in socks:
            assert answer_on(sock).startswith(b"HTTP/1.1 401 ")
        assert devon.get("/users/me").status_code == 200

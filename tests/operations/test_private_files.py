"""Nobody else on the machine reads what Plumbline keeps, and no header says where it runs."""

import os
import runpy
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config import Config
from webapp.core.private_files import keep_private

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mask() -> Iterator[None]:
    """The mask of an ordinary shell, and afterwards whatever it was."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def left_open(config: Config, tmp_path: Path, mask: None) -> Config:
    """An installation that an earlier start has left for everybody to read."""
    data, files = tmp_path / "var", tmp_path / "my files"
    for folder in (data, data / "locks", files):
        folder.mkdir(mode=0o755)
    for name in ("plumbline.sqlite", "plumbline.sqlite-wal", "queue.sqlite"):
        (data / name).write_bytes(b"secret")
    return replace(
        config,
        data_dir=data,
        database_url=f"sqlite:///{data / 'plumbline.sqlite'}",
        queue_url=f"sqlite:///{data / 'queue.sqlite'}",
        storage_url=files.as_uri(),
    )


def test_what_an_earlier_start_left_open_is_closed(left_open: Config, tmp_path: Path) -> None:
    keep_private(left_open)
    for folder in ("var", "var/locks", "my files"):
        assert mode(tmp_path / folder) == 0o700, folder
    for name in ("plumbline.sqlite", "plumbline.sqlite-wal", "queue.sqlite"):
        assert mode(tmp_path / "var" / name) == 0o600, name


def test_what_is_made_from_then_on_is_private(left_open: Config, tmp_path: Path) -> None:
    keep_private(left_open)
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "file").write_bytes(b"")
    assert (mode(tmp_path / "later"), mode(tmp_path / "later" / "file")) == (0o700, 0o600)


def test_a_first_start_finds_nothing_and_goes_on(
    config: Config, tmp_path: Path, mask: None
) -> None:
    keep_private(replace(config, data_dir=tmp_path / "none", storage_url="s3://bucket/prefix"))


def test_no_header_moves_the_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gunicorn would take SCRIPT_NAME and PATH_INFO from whoever connects from this machine."""
    monkeypatch.setenv("APP_ENV", "development")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BOX_CLIENT_ID", "id")
    monkeypatch.setenv("BOX_CLIENT_SECRET", "secret")
    server = runpy.run_path(str(ROOT / "webapp/operations/server.py"))
    from gunicorn.config import Config as Settings
    from gunicorn.http.message import Request
    from gunicorn.http.unreader import IterUnreader
    from gunicorn.http.wsgi import create

    settings = Settings()
    settings.set("forwarder_headers", server["forwarder_headers"])
    raw = b"GET /sign-in HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /evil\r\nPATH_INFO: /evil\r\n\r\n"
    here = ("127.0.0.1", 1)
    request = Request(settings, IterUnreader(iter([raw])), here)
    _response, environ = create(request, _Socket(), here, ("127.0.0.1", 8000), settings)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/sign-in")


class _Socket:
    """As much of a socket as gunicorn asks when it makes an environment."""

    family = None

"""Plumbline as it runs for others: https, strict cookies, one name, nothing made up by itself."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from config import Config
from tests.support.pages import PASSWORD
from tests.support.world import World
from webapp.core.database import db
from webapp.core.failpoints import failpoint
from webapp.factory import create_app

ROOT = Path(__file__).resolve().parents[2]
NAME = "plumbline.example"


@pytest.fixture
def production(app: Flask, config: Config) -> Iterator[Flask]:
    """The application with a public https address, over the test's own database."""
    assert app
    made = create_app(replace(config, environment="production", public_url=f"https://{NAME}"))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def test_the_session_cookie_is_for_this_host_over_https_alone(
    production: Flask, world: World
) -> None:
    client = production.test_client()
    page = client.get("/sign-in", base_url=f"https://{NAME}")
    token = page.get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post(
        "/sign-in",
        base_url=f"https://{NAME}",
        data={"csrf_token": token, "email": world.email("alice"), "password": PASSWORD},
        headers={"Referer": f"https://{NAME}/sign-in"},
    )
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert [c.partition("=")[0] for c in cookies if c.startswith("__Host-plumbline=")]
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_https_is_remembered_by_the_browser(production: Flask) -> None:
    answer = production.test_client().get("/sign-in", base_url=f"https://{NAME}")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def test_failpoints_are_dead_outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("APP_FAILPOINTS", "here=raise:OSError")
    failpoint("here")


def test_health_is_asked_by_address_and_everything_else_by_name(production: Flask) -> None:
    client = production.test_client()
    assert client.get("/healthz", base_url="http://10.1.2.3").status_code == 200
    assert client.get("/sign-in", base_url="http://10.1.2.3").status_code == 400


def test_a_missing_key_is_a_refusal_to_start() -> None:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    started = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env={**env, "PUBLIC_URL": f"https://{NAME}", "BOX_CLIENT_ID": "id"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert started.returncode != 0
    for name in ("SECRET_KEY", "TOKEN_KEYS", "BOX_CLIENT_SECRET"):
        assert name in started.stderr


def test_logs_are_json_lines_without_credentials(production: Flask) -> None:
    assert not production.debug
    (handler,) = (h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    logging.getLogger("webapp.test").warning(
        "odd.answer", extra={"detail": "Authorization: Bearer TKN_abc123 and code=xyz789"}
    )
    handler.setStream(before)
    line = json.loads(written.getvalue())
    assert line["event"] == "odd.answer"
    assert "TKN_abc123" not in line["detail"]
    assert "xyz789" not in line["detail"]

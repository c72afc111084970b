"""A process with the wrong keys refuses to start; one with an empty database starts."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import delete, func, select

from config import Config, TokenKey
from tests.sandbox.process import SandboxProcess
from tests.support.deployment import free_port
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.processes import Plumbline, environment
from webapp.box_link import clients
from webapp.box_link.canary import KeysLost, check_canary
from webapp.box_link.clients import box_access, make_box_access
from webapp.box_link.models import TokenCanary
from webapp.core.database import db

ROOT = Path(__file__).resolve().parents[2]
OTHER = TokenKey("t2", b"o" * 32)
SAME_NAME = TokenKey("t1", b"o" * 32)
ADVICE = "TOKEN_KEYS does not open the tokens in this database"


def ring(config: Config, *keys: TokenKey) -> Config:
    return replace(config, token_keys=keys)


@pytest.fixture
def checked(app: Flask) -> Iterator[Flask]:
    """An application in whose database a process with the right keys has started before."""
    with app.app_context():
        before = box_access()
        check_canary()
    yield app
    with app.app_context():
        clients.install(before)


def canaries(app: Flask) -> int:
    with app.app_context():
        count = db.session.scalar(select(func.count()).select_from(TokenCanary))
        db.session.remove()
    return count or 0


def test_the_first_start_leaves_one_canary_and_the_next_ones_none(checked: Flask) -> None:
    assert canaries(checked) == 1
    with checked.app_context():
        for _ in range(3):
            check_canary()
    assert canaries(checked) == 1


@pytest.mark.parametrize("key", [OTHER, SAME_NAME], ids=["another key", "the same name"])
def test_a_ring_without_the_old_key_is_refused(
    checked: Flask, config: Config, key: TokenKey
) -> None:
    with checked.app_context():
        clients.install(make_box_access(ring(config, key)))
        with pytest.raises(KeysLost, match=ADVICE):
            check_canary()


def test_a_new_key_in_front_of_the_old_one_is_fine(checked: Flask, config: Config) -> None:
    with checked.app_context():
        clients.install(make_box_access(ring(config, OTHER, *config.token_keys)))
        check_canary()


def test_a_database_without_tables_has_no_keys_to_lose(app: Flask) -> None:
    with app.app_context():
        TokenCanary.metadata.tables["token_canaries"].drop(db.engine)
        check_canary()
        db.session.remove()


def web(config: Config, tmp_path: Path, **changed: str) -> "subprocess.Popen[bytes]":
    """Start the web process alone, what it prints going to `tmp_path / "log"`."""
    env = environment(config, BIND=f"127.0.0.1:{free_port()}", **changed)
    program = Path(sys.executable).parent / "gunicorn"
    with (tmp_path / "log").open("wb") as log:
        return subprocess.Popen(
            [program, "-c", "python:webapp.operations.server", "wsgi:app"],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@pytest.mark.processes
def test_gunicorn_refuses_to_start_without_the_key(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, config: Config, tmp_path: Path
) -> None:
    link(alice, sandbox)
    with Plumbline(config):
        pass
    assert canaries(app) == 1
    lost = base64.b64encode(OTHER.secret).decode()
    # Where two processes end in the same moment, gunicorn may print a traceback of its own.
    process = web(config, tmp_path, TOKEN_KEYS=f"t2:{lost}", WEB_CONCURRENCY="1")
    try:
        code = process.wait(30)
    finally:
        process.kill()
        process.wait(10)
    said = (tmp_path / "log").read_text()
    assert code != 0
    assert ADVICE in said
    assert "Traceback" not in said
    assert lost not in said


@pytest.mark.processes
@pytest.mark.skipif(
    os.environ.get("TEST_DEPLOYMENT", "sqlite") != "sqlite", reason="needs a database of its own"
)
def test_gunicorn_starts_on_a_database_that_nobody_has_migrated_yet(
    config: Config, tmp_path: Path
) -> None:
    empty = replace(config, database_url=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with Plumbline(empty) as plumbline:
        answer = requests.get(f"{plumbline.url}/healthz", timeout=10)
    assert answer.status_code == 200


def test_the_canary_of_whoever_was_faster_counts(checked: Flask, config: Config) -> None:
    from webapp.box_link import canary

    with checked.app_context():
        sealer = make_box_access(ring(config, OTHER)).linker.sealer
        kept = canary._left(sealer)
        assert canaries(checked) == 1
        box_access().linker.sealer.open(kept, canary.PLACE)
        with db.engine.begin() as connection:
            connection.execute(delete(TokenCanary))

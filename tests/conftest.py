"""One application per test run, a fresh database and storage per test, real Box answers.

The database is copied from a migrated template, so a test starts in a few milliseconds on SQLite
and PostgreSQL alike. Box is the sandbox, a process of its own over real sockets.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade

from config import Config, TokenKey
from tests.sandbox.process import SandboxProcess
from tests.support import world as worlds
from tests.support.deployment import Deployment, deployment
from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.core.blobs import make_blobs
from webapp.core.database import db
from webapp.core.extensions import limiter
from webapp.factory import create_app

ROOT = Path(__file__).resolve().parent.parent
os.environ["APP_ENV"] = "test"


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployment]:
    with deployment() as found:
        yield found


@pytest.fixture(scope="session")
def box_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture(scope="session")
def config(deployed: Deployment, box_process: SandboxProcess) -> Config:
    return Config(
        environment="test",
        data_dir=deployed.folder / "var",
        secret_key="a secret for the tests only, long enough",
        token_keys=(TokenKey("t1", b"k" * 32),),
        database_url=deployed.database_url,
        storage_url=deployed.storage_url,
        queue_url=deployed.queue_url,
        public_url=f"http://{HOST}",
        box_client_id="plumbline-dev",
        box_client_secret="plumbline-dev-secret",
        box_account_url=box_process.account_url,
        box_api_url=box_process.api_url,
        box_download_hosts=(box_process.download_url,),
        copy_threads=4,
    )


@pytest.fixture(scope="session")
def template_world(config: Config, deployed: Deployment) -> World:
    """Migrate the template database and fill it once; every test gets a copy."""
    app = create_app(replace(config, database_url=deployed.template_url))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        found = worlds.build(db.session())
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return found


@pytest.fixture(scope="session")
def shared_app(config: Config, template_world: World) -> Flask:
    return create_app(config)


def empty_house(app: Flask, deployed: Deployment) -> None:
    """Give an application a database and a storage that nobody has used yet."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    deployed.prepare_database()
    deployed.prepare_storage()
    make_blobs(deployed.storage_url)


@pytest.fixture
def app(shared_app: Flask, deployed: Deployment) -> Iterator[Flask]:
    """The application over a database and a storage that nobody has used yet."""
    empty_house(shared_app, deployed)
    limiter.enabled = False
    yield shared_app
    with shared_app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def world(template_world: World) -> World:
    return template_world


@pytest.fixture
def sandbox(box_process: SandboxProcess) -> SandboxProcess:
    """Box as freshly started: no tokens, no faults, no changes."""
    box_process.reset()
    return box_process


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has not signed in."""
    return Visitor(app)


@pytest.fixture
def signed_in(app: Flask, world: World) -> Callable[[str], Visitor]:
    """Sign somebody in by first name, in a browser of their own."""
    return lambda name: Visitor(app).sign_in(world.email(name))


@pytest.fixture
def alice(signed_in: Callable[[str], Visitor]) -> Visitor:
    return signed_in("alice")


@pytest.fixture
def bob(signed_in: Callable[[str], Visitor]) -> Visitor:
    return signed_in("bob")


@pytest.fixture
def charlie(signed_in: Callable[[str], Visitor]) -> Visitor:
    return signed_in("charlie")

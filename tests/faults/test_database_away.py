"""A database that is away, full or busy is told as that, at once, and never as our mistake."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import create_engine, text

from config import Config, ConfigError
from tests.support.deployment import Deployment, free_port
from tests.support.pages import HOST, Visitor
from tests.support.processes import Person, Plumbline, environment
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.factory import create_app
from webapp.operations.connections import check_connections

THREADS, ROUNDS = 16, 3
PATHS = ("/", "/notices", "/settings", "/projects/1/rfis")


@pytest.fixture
def without_database(config: Config) -> Iterator[Flask]:
    """An application whose PostgreSQL is not there."""
    nobody = f"postgresql+psycopg://postgres@127.0.0.1:{free_port()}/nothing"
    made = create_app(replace(config, database_url=nobody))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize(
    ("path", "cookie"),
    [
        ("/", "plumbline=somebody"),
        ("/projects/1/rfis/1", "plumbline=somebody"),
        ("/sign-in", "plumbline=somebody"),
        ("/sign-in", ""),
        ("/healthz", ""),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "partial"])
def test_without_a_database_every_page_says_to_come_again(
    without_database: Flask, path: str, cookie: str, headers: dict[str, str]
) -> None:
    client = without_database.test_client(use_cookies=False)
    answer = client.get(path, headers={"Host": HOST, "Cookie": cookie, **headers})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Plumbline is busy" in answer.get_data(as_text=True)
    assert "psycopg" not in answer.get_data(as_text=True)


def test_a_session_that_cannot_be_saved_is_told_as_a_busy_database(
    app: Flask, alice: Visitor, deployed: Deployment
) -> None:
    """The table is there for readers and locked for writers, as in a long change of the schema."""
    is_sqlite = deployed.name == "sqlite"
    holder = create_engine(deployed.database_url)
    with holder.connect() as connection:
        lock = "BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE sessions IN EXCLUSIVE MODE"
        connection.exec_driver_sql(lock)
        stranger = Visitor(app).get("/sign-in", expect=503)
        assert stranger.response.headers["Retry-After"] == "5"
        with time_machine.travel(utcnow() + timedelta(minutes=5), tick=True):
            assert alice.get("/").status == 200, "only the moment of its last use is not written"
    holder.dispose()
    assert Visitor(app).get("/sign-in").status == 200


@pytest.fixture
def postgres(deployed: Deployment) -> Deployment:
    if deployed.name != "postgres":
        pytest.skip("SQLite has no limit of connections")
    return deployed


@pytest.mark.processes
@pytest.mark.slow
def test_many_people_at_once_find_a_page_and_never_more_connections_than_were_set(
    app: Flask, postgres: Deployment, config: Config, world: World
) -> None:
    sizes = {"WEB_CONCURRENCY": "2", "WORKER_PROCESSES": "1", "DATABASE_CONNECTIONS": "12"}
    assert app
    with Plumbline(config, **sizes) as plumbline:
        people = [plumbline.person(world.email(name)) for name in ("alice", "bob", "dora")]
        seen: Counter[int] = Counter()
        most: list[int] = []

        def browse(number: int) -> None:
            person = Person(plumbline.url)
            person.http.cookies.update(people[number % len(people)].http.cookies)
            for turn in range(ROUNDS):
                path = PATHS[(number + turn) % len(PATHS)]
                answer = person.get(path, headers={"Connection": "close"})
                seen[answer.status_code] += 1
                if answer.status_code == 503:
                    assert answer.headers["Retry-After"]

        threads = [threading.Thread(target=browse, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        engine = create_engine(postgres.database_url)
        count = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        while any(thread.is_alive() for thread in threads):
            with engine.connect() as connection:
                most.append((connection.scalar(count) or 0) - 1)
        for thread in threads:
            thread.join(60)
        engine.dispose()
        assert sum(seen.values()) == THREADS * ROUNDS
        assert set(seen) <= {200, 503}, seen
        assert seen[200] > THREADS, seen
        assert max(most) <= 12, max(most)
        assert "Traceback" not in plumbline.log


def test_more_connections_than_postgresql_lets_in_are_told_at_start(
    app: Flask, postgres: Deployment, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert postgres
    with app.app_context():
        assert check_connections()
    greedy = create_app(replace(config, database_connections=500))
    with greedy.app_context():
        assert not check_connections()
        db.session.remove()
        db.engine.dispose()
    assert "database.too_few_connections" in capsys.readouterr().err


def test_the_sizes_of_an_untouched_installation_fit_into_an_untouched_postgresql(
    config: Config,
) -> None:
    default = replace(config, queue_url="redis://127.0.0.1/0")
    processes = default.web_processes + default.worker_processes
    held = processes * (default.pool_connections + default.lock_connections)
    assert held <= default.database_connections <= 100 - 3


def test_too_few_connections_for_the_processes_are_a_refusal_to_start(
    config: Config,
) -> None:
    wrong = {"QUEUE_URL": "redis://127.0.0.1/0", "WEB_CONCURRENCY": "30"}
    with pytest.raises(ConfigError, match="WEB_CONCURRENCY"):
        Config.from_env(environment(config, **wrong))

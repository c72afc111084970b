"""The database breaks off and comes back, clocks differ, and the queue holds what nobody knows."""

import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import create_engine, text

from tests.box_link.looking import browse, state_of, token_calls
from tests.imports.conftest import CARDS, PERMIT, Bench, bench
from tests.support.deployment import Deployment
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ItemState
from webapp.imports.tasks import queue
from webapp.wiring import chores

__all__ = ["bench"]

BYTES = {"host": "download"}


def break_off(deployed: Deployment) -> None:
    """End every connection to the database, as a restart does; SQLite has none to lose."""
    if deployed.name == "sqlite":
        return
    engine = create_engine(deployed.template_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test'")
        )
    engine.dispose()


def test_a_database_that_restarts_costs_no_page_and_no_copy(
    bench: Bench, deployed: Deployment
) -> None:
    bench.attach(PERMIT, CARDS)
    bench.sandbox.faults({"match": BYTES, "action": {"gate": "half", "after_bytes": 1}})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("half")
    break_off(deployed)
    assert bench.page().status == 200
    bench.sandbox.release("half")
    worker.join(60)
    assert not worker.is_alive()
    break_off(deployed)
    with time_machine.travel(utcnow() + timedelta(minutes=5), tick=True):
        bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    bench.check()


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_ten_minutes_off_ends_no_link_and_doubles_no_file(
    bench: Bench, world: World, minutes: int
) -> None:
    browse(bench.person, world)
    bench.sandbox.forget_calls()
    bench.attach(PERMIT)
    with time_machine.travel(utcnow() + timedelta(minutes=minutes), tick=True):
        browse(bench.person, world)
        bench.work()
    bench.work()
    with time_machine.travel(utcnow() + timedelta(minutes=15), tick=True):
        bench.work()
    assert token_calls(bench.sandbox) == 0
    assert state_of(bench.app, world.people["alice"]) == "active"
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_what_was_committed_survives_a_power_cut(app: Flask, deployed: Deployment) -> None:
    settings: dict[str, dict[str, int | str]] = {
        "sqlite": {"PRAGMA synchronous": 2, "PRAGMA journal_mode": "wal"},
        "postgres": {"SHOW synchronous_commit": "on"},
    }
    with app.app_context(), db.engine.connect() as connection:
        for question, answer in settings[deployed.name].items():
            assert connection.exec_driver_sql(question).scalar() == answer


def test_a_message_of_another_release_wakes_and_stops_nobody(bench: Bench) -> None:
    with bench.app.app_context():
        engine = queue()
    engine.huey.storage.flush_queue()
    engine.huey.storage.enqueue(b"not even JSON")
    engine.huey.storage.enqueue(b'["1", "a task of the next release", [], {"since": 2}]')
    assert engine.take_message()
    assert engine.take_message()
    bench.attach(PERMIT)
    assert engine.take_message()
    bench.work()
    bench.check()


def test_two_schedulers_at_once_do_each_chore_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.attach(PERMIT)
    page = bench.person.get("/settings/box/disconnect")
    bench.person.submit(page, "/settings/box/disconnect")
    failed: list[BaseException] = []

    def do_all() -> None:
        for chore in chores.chores():
            try:
                with bench.app.app_context():
                    chore.run()
            except Exception as error:  # noqa: BLE001  # told by the assertion below
                failed.append(error)

    with time_machine.travel(utcnow() + timedelta(minutes=2), tick=True):
        threads = [threading.Thread(target=do_all) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not failed
    live = [token for token in bench.sandbox.tokens() if token["live"]]
    assert not live, "Box was told to forget the grant"
    assert "failed" not in caplog.text
    bench.check()

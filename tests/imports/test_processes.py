"""Copies through real processes: what a power cut leaves behind goes on by itself."""

from pathlib import Path

import pytest
import requests
from sqlalchemy import update

from config import Config
from tests.imports.conftest import CARDS, PERMIT, W9, Bench
from tests.support.processes import Person, Plumbline
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState

pytestmark = pytest.mark.processes


def all_attached(bench: Bench) -> bool:
    return {item.state for item in bench.items()} == {ItemState.ATTACHED}


def end_leases(bench: Bench) -> None:
    """Let the dead worker's lease be over, which takes half a minute by itself."""
    with bench.app.app_context():
        db.session.execute(
            update(ImportItem)
            .where(ImportItem.state == ItemState.COPYING)
            .values(leased_until=utcnow())
        )
        db.session.commit()


def downloads(bench: Bench) -> int:
    return sum(call["host"] == "download" for call in bench.sandbox.calls()["log"])


@pytest.mark.slow
def test_a_killed_workers_file_goes_on_within_a_minute(
    bench: Bench, config: Config, tmp_path: Path
) -> None:
    bench.attach(PERMIT)
    mark = tmp_path / "killed"
    with Plumbline(config, APP_FAILPOINTS=f"import.mid_stream=kill9-once:{mark}") as plumbline:
        plumbline.wait_until(mark.exists, "the worker is killed in the middle")
        plumbline.kill()
        plumbline.start()
        plumbline.wait_until(lambda: all_attached(bench), "the copy is done", seconds=60)
        log = plumbline.log
    assert len(bench.attachments()) == 1
    bench.check()
    assert "TKN_" not in log


@pytest.mark.parametrize(
    ("moment", "expected_downloads"),
    [
        ("import.before_download", 1),
        ("import.mid_stream", 2),
        ("import.after_put", 1),
        ("import.before_attach", 1),
        ("import.after_commit", 1),
    ],
)
def test_a_kill_at_any_moment_loses_and_doubles_nothing(
    bench: Bench, config: Config, tmp_path: Path, moment: str, expected_downloads: int
) -> None:
    bench.attach(PERMIT)
    mark = tmp_path / "killed"
    with Plumbline(config, APP_FAILPOINTS=f"{moment}=kill9-once:{mark}") as plumbline:
        plumbline.wait_until(mark.exists, "the worker is killed")
        plumbline.kill()
        end_leases(bench)
        plumbline.start()
        plumbline.wait_until(lambda: all_attached(bench), "the copy is done")
        log = plumbline.log
    assert len(bench.attachments()) == 1
    assert downloads(bench) == expected_downloads
    bench.check()
    assert "TKN_" not in log


def test_stopping_in_the_middle_hands_the_file_over_at_once(bench: Bench, config: Config) -> None:
    bench.attach(PERMIT)
    slow = {"match": {"host": "download"}, "action": {"drip": 200_000}}
    bench.sandbox.faults(slow)
    with Plumbline(config) as plumbline:
        plumbline.wait_until(lambda: bench.item().bytes_done > 0, "the copy is under way")
        plumbline.stop()
        assert bench.item().state == ItemState.QUEUED
        assert bench.item().leased_by is None
        plumbline.start()
        plumbline.wait_until(lambda: all_attached(bench), "the copy is done")
    assert len(bench.attachments()) == 1
    bench.check()


def test_many_files_arrive_each_once_with_all_threads_at_work(bench: Bench, config: Config) -> None:
    folder = "Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
    bench.sandbox.settings(rate_limits=False)
    page = bench.person.get(f"{bench.target}box/folders/{bench.sandbox.world(folder)['id']}")
    tokens = [box.get("value") for box in page.all("input", name="choice")][:40]
    form = page.form("box/choose")
    bench.person.post(f"{bench.target}box/choose", {**form.values, "choice": tokens}, csrf=False)
    bench.person.submit(bench.person.get(bench.target), "/send")
    with Plumbline(config) as plumbline:
        plumbline.wait_until(lambda: all_attached(bench), "all are copied", seconds=60)
    assert len(bench.attachments()) == 40
    assert downloads(bench) == 40
    bench.check()


def test_a_web_process_killed_while_it_takes_the_order_has_taken_it_once(
    bench: Bench, config: Config, world: World, tmp_path: Path
) -> None:
    bench.choose(CARDS, W9)
    mark = tmp_path / "killed"
    with Plumbline(config, APP_FAILPOINTS=f"submit.after_commit=kill9-once:{mark}") as plumbline:
        alice = Person(plumbline.url).sign_in(world.email("alice"))
        form = alice.form(bench.target, "/send")
        with pytest.raises(requests.ConnectionError):
            alice.post(form.action, form.values)
        assert mark.exists()
        plumbline.wait_until(lambda: alice.get("/healthz").ok, "gunicorn has a new web process")
        again = alice.post(form.action, form.values)
        assert again.status_code == 200
        plumbline.wait_until(lambda: all_attached(bench), "the copies are done", seconds=60)
    assert len(bench.items()) == 2
    assert len(bench.attachments()) == 2
    bench.check()

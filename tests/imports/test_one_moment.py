"""What one answer says comes from one moment, whatever is committed while it is put together."""

import os
import threading
import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from tests.imports.conftest import CARDS, Bench
from tests.support.pages import Page
from tests.support.world import World
from webapp.core.database import db, release, writing
from webapp.records.models import Record

pytestmark = pytest.mark.wide

REACHED_SECONDS = 20


def test_a_page_shows_a_file_as_coming_or_as_there_and_never_as_neither(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.attach(CARDS)
    fifo = tmp_path / "gate.fifo"
    os.mkfifo(fifo)
    monkeypatch.setenv("APP_FAILPOINTS", f"files.between_reads=pause:{fifo}")
    shown: list[Page] = []
    reader = threading.Thread(target=lambda: shown.append(bench.page()))
    reader.start()
    deadline = time.monotonic() + REACHED_SECONDS
    while not fifo.with_suffix(".reached").exists():
        assert time.monotonic() < deadline, "the page never read the files"
        time.sleep(0.01)
    bench.work()
    assert len(bench.attachments()) == 1
    monkeypatch.delenv("APP_FAILPOINTS")
    fifo.write_text("go on")
    reader.join(20)
    (page,) = shown
    assert "Waiting for its turn." in page.text
    assert "every 2s" in page.html
    after = bench.page()
    assert "every 2s" not in after.html
    assert "Contact cards.vcf" in after.text


def rename(world: World, title: str) -> None:
    with db.engine.begin() as other:
        other.execute(update(Record).where(Record.id == world.rfi).values(title=title))


def test_writing_and_waiting_begin_a_moment_of_their_own(app: Flask, world: World) -> None:
    title = select(Record.title).where(Record.id == world.rfi)
    with app.test_request_context():
        first = db.session.scalar(title)
        rename(world, "Second")
        assert db.session.scalar(title) == first
        release()
        assert db.session.scalar(title) == "Second"
        rename(world, "Third")
        with writing() as session:
            assert session.scalar(title) == "Third"
            session.execute(update(Record).where(Record.id == world.rfi).values(title="Fourth"))
        assert db.session.scalar(title) == "Fourth"
        db.session.remove()


@pytest.mark.skipif(
    os.environ.get("TEST_DEPLOYMENT") != "postgres", reason="SQLite tells writers by BEGIN alone"
)
def test_whoever_only_reads_cannot_write_by_mistake(app: Flask) -> None:
    with app.test_request_context():
        with pytest.raises(DBAPIError, match="read-only transaction"):
            db.session.execute(text("UPDATE records SET title = 'x'"))
        db.session.remove()

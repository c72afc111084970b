"""Whatever happens on the way, a file arrives whole or not at all, and once."""

from typing import Any

import pytest

from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from webapp.imports.models import ImportItem, ItemState

CONTENT = {"host": "api", "path": "/content$"}
BYTES = {"host": "download"}


def due_again(item: ImportItem) -> bool:
    return item.state == ItemState.QUEUED and item.run_after is not None


def fault(bench: Bench, action: dict[str, Any], *, match: dict[str, str], times: int = 1) -> None:
    bench.sandbox.faults({"match": match, "times": times, "action": action})


def hurry(bench: Bench) -> None:
    """Let what waits be due now, as if the time had passed."""
    from sqlalchemy import update

    from webapp.core.database import db

    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(run_after=None))
        db.session.commit()


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"reset_after": 40_000}, "cut_off"),
        ({"truncate_after": 40_000}, "cut_off"),
        ({"truncate_after": 40_000, "no_length": True}, "cut_off"),
        ({"flip_byte": 1000}, "corrupt_transfer"),
        ({"gzip_body": True}, "corrupt_transfer"),
        ({"zeros": 9_000_000, "status": 200}, "corrupt_transfer"),
        ({"status": 503}, "box_down"),
        ({"status": 500, "body": "<html>oops</html>"}, "box_down"),
    ],
    ids=["reset", "short", "short-no-length", "flipped", "gzip", "longer", "503", "html"],
)
def test_a_broken_transfer_leaves_nothing_and_is_tried_again(
    bench: Bench, action: dict[str, Any], reason: str
) -> None:
    bench.attach(PERMIT)
    fault(bench, action, match=BYTES)
    bench.work()
    item = bench.item()
    assert (item.reason, item.failures) == (reason, 1)
    assert due_again(item)
    assert bench.attachments() == []
    bench.check()
    hurry(bench)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    assert bench.attachments()[0].sha1 == bench.sandbox.world(PERMIT)["sha1"]
    bench.check()


def test_bytes_that_are_wrong_three_times_are_refused_and_told(bench: Bench) -> None:
    bench.attach(PERMIT)
    fault(bench, {"flip_byte": 5}, match=BYTES, times=5)
    for _try in range(4):
        bench.work()
        hurry(bench)
    item = bench.item()
    assert (item.state, item.reason, item.mismatches) == (
        ItemState.FAILED,
        "corrupt_transfer",
        2,
    )
    assert sum(call["host"] == "download" for call in bench.sandbox.calls()["log"]) == 3
    assert bench.attachments() == []
    page = bench.page()
    assert "What arrived from Box was not what Box had announced." in page.text
    assert "Building permit" in bench.person.get("/notices").text
    bench.check()


def test_a_file_that_box_still_prepares_waits_as_long_as_box_says(bench: Bench) -> None:
    bench.attach(CARDS)
    fault(bench, {"retry_202": "7"}, match=CONTENT)
    bench.work()
    item = bench.item()
    assert item.reason == "box_preparing"
    assert due_again(item)
    assert "still preparing" in bench.page().text
    hurry(bench)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_being_asked_to_wait_is_no_failure_and_stops_nobody_else(bench: Bench) -> None:
    bench.attach(CARDS, SMALL)
    fault(bench, {"status": 429, "headers": {"Retry-After": "600"}}, match=CONTENT)
    bench.work()
    first, second = bench.items()
    assert (first.reason, first.failures) == ("box_busy", 0)
    assert due_again(first)
    assert second.state == ItemState.ATTACHED
    bench.check()


def test_several_files_of_several_folders_arrive_each_once(bench: Bench) -> None:
    other = "Templates"
    folder = bench.sandbox.world(other)
    assert folder["type"] == "folder"
    bench.attach(PERMIT, CARDS, W9, SMALL)
    bench.work()
    bench.work()
    assert [item.state for item in bench.items()] == [ItemState.ATTACHED] * 4
    names = {a.name for a in bench.attachments()}
    assert names == {path.rpartition("/")[2] for path in (PERMIT, CARDS, W9, SMALL)}
    downloads = [c for c in bench.sandbox.calls()["log"] if c["host"] == "download"]
    assert len(downloads) == 4
    bench.check()


def test_an_object_that_was_stored_before_a_crash_is_used_and_not_fetched_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.attach(PERMIT)
    monkeypatch.setenv("APP_FAILPOINTS", "import.before_attach=raise:power cut")
    bench.work()
    assert bench.attachments() == []
    monkeypatch.delenv("APP_FAILPOINTS")
    hurry(bench)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    downloads = [c for c in bench.sandbox.calls()["log"] if c["host"] == "download"]
    assert len(downloads) == 1
    bench.check()


def test_a_full_store_waits_without_counting_as_a_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.core.blobs import Blobs

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    bench.attach(CARDS)
    monkeypatch.setattr(Blobs, "put", full)
    bench.work()
    item = bench.item()
    assert (item.reason, item.failures) == ("storage_full", 0)
    assert "storage is full" in bench.page().text
    monkeypatch.undo()
    hurry(bench)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()

"""Whatever happens on the way, a file arrives whole or not at all, and once."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import update

from tests.imports.conftest import ADMIN, CARDS, PERMIT, SMALL, W9, Bench
from tests.support.deployment import BUCKET, Deployment
from webapp.core.blobs import Blobs
from webapp.core.database import db
from webapp.imports import importer
from webapp.imports.models import ImportItem, ItemState
from webapp.imports.reasons import REASONS
from webapp.imports.tasks import queue

pytestmark = pytest.mark.wide

CONTENT = {"host": "api", "path": "/content$"}
BYTES = {"host": "download"}


def due_again(item: ImportItem) -> bool:
    return item.state == ItemState.QUEUED and item.run_after is not None


def fault(bench: Bench, action: dict[str, Any], *, match: dict[str, str], times: int = 1) -> None:
    bench.sandbox.faults({"match": match, "times": times, "action": action})


def hurry(bench: Bench) -> None:
    """Let what waits be due now, as if the time had passed."""
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


def test_a_store_that_fails_is_tried_again_and_nothing_is_lost(
    bench: Bench, deployed: Deployment
) -> None:
    bench.attach(CARDS)
    break_store(deployed)
    bench.work()
    item = bench.item()
    assert (item.reason, item.failures) == ("storage_down", 1)
    assert due_again(item)
    assert "storage did not take the file" in bench.page().text
    mend_store(deployed)
    hurry(bench)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def break_store(deployed: Deployment) -> None:
    """Take the storage away: a file where its directory should be, or no bucket."""
    parts = urlsplit(deployed.storage_url)
    if parts.scheme == "file":
        (deployed.folder / "files" / "files").write_text("in the way")
    else:
        endpoint = parse_qs(parts.query)["endpoint"][0]
        requests.delete(f"{endpoint}/{BUCKET}", timeout=10).raise_for_status()


def mend_store(deployed: Deployment) -> None:
    path = deployed.folder / "files" / "files"
    if path.is_file():
        path.unlink()
    deployed.prepare_storage()


def test_a_file_that_trickles_gives_its_place_to_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "PACE_SECONDS", 0.3)
    monkeypatch.setattr(importer, "PACE_MIN_BYTES_PER_S", 1_000_000)
    bench.attach(PERMIT, CARDS)
    fault(bench, {"drip": 100_000}, match=BYTES)
    bench.work()
    states = [(item.state, item.reason) for item in bench.items()]
    assert states.count((ItemState.QUEUED, "box_down")) == 1
    assert states.count((ItemState.ATTACHED, None)) == 1
    hurry(bench)
    bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    bench.check()


def test_an_empty_file_of_box_is_attached_like_any_other(bench: Bench) -> None:
    path = f"{ADMIN}/Nothing in it.txt"
    bench.sandbox.change("add_file", path, text="")
    bench.attach(path)
    bench.work()
    (attachment,) = bench.attachments()
    assert (attachment.size_bytes, attachment.is_verified) == (0, True)
    bench.check()


def test_what_box_converts_is_copied_and_said_to_be_unverifiable(bench: Bench) -> None:
    path = f"{ADMIN}/Meeting minutes.gdoc"
    bench.sandbox.change("add_file", path, text="a document of Google's")
    bench.attach(path)
    fault(bench, {"status": 200, "body": "the converted document, of another length"}, match=BYTES)
    bench.work()
    (attachment,) = bench.attachments()
    assert not attachment.is_verified
    assert attachment.size_bytes == len("the converted document, of another length")
    assert "not verifiable" in bench.page().text
    bench.check()


@pytest.mark.parametrize("when", ["before it began", "while it came"])
def test_a_file_over_the_limit_is_refused_and_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The limit may have been lowered since it was chosen, and what Box converts has any length."""
    path = CARDS
    if when == "while it came":
        path = f"{ADMIN}/Meeting minutes.gdoc"
        bench.sandbox.change("add_file", path, text="a document of Google's")
    bench.attach(path)
    if when == "while it came":
        fault(bench, {"status": 200, "zeros": 300_000}, match=BYTES)
    limit = 100 if when == "before it began" else 200_000
    with bench.app.app_context():
        engine = queue()
    monkeypatch.setattr(engine, "importer", replace(engine.importer, file_max_bytes=limit))
    bench.work()
    item = bench.item()
    assert (item.state, item.reason) == (ItemState.FAILED, "too_big")
    assert bench.attachments() == []
    assert REASONS["too_big"].said in bench.page().text
    downloads = sum(call["host"] == "download" for call in bench.sandbox.calls()["log"])
    assert downloads == (0 if when == "before it began" else 1)
    bench.check()


def test_after_twenty_failures_a_file_is_given_up_and_its_person_told(bench: Bench) -> None:
    bench.attach(CARDS)
    fault(bench, {"status": 500}, match=CONTENT, times=50)
    for _try in range(importer.TRIES + 2):
        bench.work()
        hurry(bench)
    item = bench.item()
    assert (item.state, item.reason, item.failures) == (
        ItemState.FAILED,
        "box_down",
        importer.TRIES,
    )
    assert "We tried 20 times" in bench.page().text
    assert "Contact cards.vcf" in bench.person.get("/notices").text
    bench.check()


def test_a_mistake_of_our_own_ends_the_copy_and_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_args: object) -> None:
        raise RuntimeError("a mistake")

    bench.attach(CARDS, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(importer, "_verify", stumble)
        bench.work()
    assert {(i.state, i.reason) for i in bench.items()} == {(ItemState.FAILED, "internal")}
    assert "Plumbline made a mistake" in bench.page().text
    assert "Contact cards.vcf" in bench.person.get("/notices").text
    bench.check()


def test_a_copy_tried_again_is_written_under_a_key_of_its_own(bench: Bench) -> None:
    bench.attach(CARDS)
    before = bench.item()
    bench.person.post(f"/imports/items/{before.id}/cancel")
    bench.person.post(f"/imports/items/{before.id}/retry")
    assert bench.item().blob_key != before.blob_key
    bench.work()
    assert bench.attachments()[0].blob_key == bench.item().blob_key
    bench.check()

"""Complaints about copies in other pickers, and why none fits here."""

import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from flask import Flask

from config import Config
from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from tests.picker.dialog import Line, address_of, chosen, line, lines, tick
from tests.support.pages import Page, Visitor
from tests.support.uploading import stored_keys
from tests.support.world import World
from webapp.core.database import db
from webapp.factory import create_app
from webapp.imports.models import ItemState

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
ADMIN = CARDS.rpartition("/")[0]
BYTES = {"host": "download"}
CONTENT = {"host": "api", "path": "/content$"}
# What somebody has to be patient for who has cancelled.
CANCEL_SECONDS = 2


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def batch_of(bench: Bench) -> str:
    return f"/imports/{bench.items()[0].batch_id}"


def row_of(bench: Bench, path: str) -> Line:
    page = bench.person.get(address_of(bench.sandbox, bench.target, path.rpartition("/")[0]))
    return line(page, name_of(path))


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def join(worker: Thread) -> None:
    worker.join(30)
    assert not worker.is_alive()


def buttons(page: Page, words: str) -> list[str]:
    """Return the actions of the forms that have such a button."""
    return [
        form.get("action", "")
        for form in page.all("form")
        if any(words in "".join(e.itertext()) for e in form.iter() if e.tag.endswith("}button"))
    ]


@pytest.fixture
def other_server(app: Flask, config: Config) -> Iterator[Flask]:
    """A second web server over the same database and storage."""
    other = create_app(config)
    yield other
    with other.app_context():
        db.session.remove()
        db.engine.dispose()


# ---- 19


def test_19_cancelling_stops_the_copy_and_leaves_no_piece_of_it(bench: Bench) -> None:
    """Cancel took the bar away, and the copy went on behind it."""
    bench.attach(PERMIT)
    bench.sandbox.faults({"match": BYTES, "action": {"drip": 300_000}})
    worker = bench.work_beside()
    wait_until(lambda: bench.item().bytes_done > 0, "the copy never began")
    bench.person.submit(bench.page(), f"/imports/items/{bench.item().id}/cancel")
    answered = time.monotonic()
    join(worker)
    # At this rate the rest of the file would have taken twenty seconds.
    assert time.monotonic() - answered < CANCEL_SECONDS
    assert bench.item().state == ItemState.CANCELLED
    assert "Cancelled." in bench.person.get(batch_of(bench)).text
    assert bench.item().bytes_done < bench.sandbox.world(PERMIT)["size"] / 2
    assert bench.attachments() == []
    assert stored_keys(bench.person) == set()
    bench.check()


# ---- 20


def test_20_what_failed_says_why_and_is_tried_again_alone_or_together(bench: Bench) -> None:
    """Retry did nothing, failed again at once without a reason, or copied everything twice."""
    bench.attach(PERMIT, CARDS, W9)
    denied = {"status": 403, "json": {"type": "error", "code": "access_denied", "message": "x"}}
    bench.sandbox.faults({"match": CONTENT, "skip": 1, "times": None, "action": denied})
    bench.work()
    bench.sandbox.clear_faults()
    states = [item.state for item in bench.items()]
    assert states == [ItemState.ATTACHED, ItemState.FAILED, ItemState.FAILED]
    page = bench.person.get(batch_of(bench))
    assert page.text.count("Your Box account may not download it any more.") == 2
    assert page.text.count("Code: no_permission_in_box") == 2
    first, second = (f"/imports/items/{item.id}/retry" for item in bench.items()[1:])
    assert buttons(page, "Try again") == [first, second]
    assert buttons(page, "Try all again that failed") == [f"{batch_of(bench)}/retry"]
    for _press in range(3):
        bench.person.post(first)
    bench.work()
    assert [item.state for item in bench.items()][1:] == [ItemState.ATTACHED, ItemState.FAILED]
    for _press in range(3):
        bench.person.post(f"{batch_of(bench)}/retry")
    bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    assert sorted(a.name for a in bench.attachments()) == sorted(
        name_of(path) for path in (PERMIT, CARDS, W9)
    )
    bench.check()


# ---- 21


def test_21_a_copy_needs_nobody_who_watches_it(bench: Bench) -> None:
    """A copy began only when the browser's socket connected, and was given up when it broke."""
    bench.attach(PERMIT, CARDS)
    assert {item.state for item in bench.items()} == {ItemState.QUEUED}
    bench.person.post("/sign-out")
    bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    bench.check()


def test_21_any_server_tells_how_far_a_copy_is(
    bench: Bench, other_server: Flask, world: World
) -> None:
    """With two servers behind one address progress was lost, and people had to be pinned to one."""
    bench.attach(PERMIT)
    bench.sandbox.faults({"match": BYTES, "action": {"gate": "mid", "after_bytes": 3_000_000}})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    elsewhere = Visitor(other_server).sign_in(world.email("alice"))
    page = elsewhere.get(batch_of(bench))
    (bar,) = page.all("progress")
    assert bar.get("max") == str(bench.item().size_bytes)
    assert buttons(page, "Cancel") == [f"/imports/items/{bench.item().id}/cancel"]
    elsewhere.post(f"/imports/items/{bench.item().id}/cancel")
    bench.sandbox.release("mid")
    join(worker)
    assert bench.item().state == ItemState.CANCELLED
    assert bench.attachments() == []
    bench.check()


# ---- 22


def test_22_a_failure_reaches_people_who_have_gone_on(bench: Bench) -> None:
    """Whoever closed the page never learned that a file had not arrived."""
    bench.attach(CARDS, W9)
    bench.sandbox.change("delete", CARDS)
    bench.person.post("/sign-out")
    bench.work()
    back = Visitor(bench.app).sign_in("alice@example.test")
    told = back.get("/notices").text
    assert "Contact cards.vcf could not be copied to" in told
    assert "deleted in Box" in told
    assert name_of(W9) not in told


# ---- 23


def test_23_the_same_file_is_known_by_what_it_is_and_not_by_its_name(bench: Bench) -> None:
    """A second file of the same name was refused or replaced the first; the same one came twice."""
    bench.attach(W9)
    bench.work()
    again = row_of(bench, W9)
    assert (again.token, again.why) == ("", "Already attached")
    bench.sandbox.change("rename", W9, name="Another name.pdf")
    renamed = row_of(bench, f"{ADMIN}/Another name.pdf")
    assert (renamed.token, renamed.why) == ("", "Already attached")
    bench.sandbox.change("add_file", W9, text="quite another file of that name")
    other = row_of(bench, W9)
    assert other.token
    assert chosen(tick(bench.person, bench.target, other.token)) == [name_of(W9)]
    bench.person.submit(bench.person.get(bench.target), "/send")
    bench.work()
    one, two = bench.attachments()
    assert one.name == two.name == name_of(W9)
    assert one.sha1 != two.sha1
    assert one.blob_key != two.blob_key
    bench.check()


def test_23_a_newer_version_is_offered_as_one(bench: Bench) -> None:
    """A newer version of what was attached could not be told from the same file again."""
    bench.attach(W9)
    bench.work()
    bench.sandbox.change("new_version", W9, size=5000)
    newer = row_of(bench, W9)
    number = bench.sandbox.world(W9)["version_number"]
    old = bench.attachments()[0].box_version_number
    assert newer.tag == "Newer"
    assert newer.note == f"Version {number}. The record has version {old}."
    tick(bench.person, bench.target, newer.token)
    bench.person.submit(bench.person.get(bench.target), "/send")
    bench.work()
    assert [a.box_version_number for a in bench.attachments()] == [old, number]
    bench.check()


def test_23_what_is_on_its_way_is_not_chosen_twice(bench: Bench) -> None:
    """Files that were still being copied were copied again."""
    bench.attach(SMALL)
    row = row_of(bench, SMALL)
    assert (row.token, row.why) == ("", "Being copied already")


# ---- 24


def test_24_a_copy_stays_readable_for_those_who_never_had_box(
    bench: Bench, signed_in: SignIn
) -> None:
    """The link led nowhere once the file was moved, and colleagues met a locked door."""
    before = bench.sandbox.world(W9)
    bench.choose(W9)
    asked = bench.person.get(bench.target)
    assert "Visible to 4 people, none of them from other companies." in asked.text
    bench.person.submit(asked, "/send")
    bench.sandbox.change("new_version", W9, size=10)
    bench.work()
    (attached,) = bench.attachments()
    assert attached.box_version_id == before["version_id"]
    bench.sandbox.change("delete", W9)
    bench.sandbox.revoke()
    bench.sandbox.forget_calls()
    rita = signed_in("rita")
    page = rita.get(bench.record)
    address = page.links()[name_of(W9)]
    with rita.get(address).response as answer:
        content = answer.get_data()
    assert len(content) == before["size"]
    assert attached.sha1 == before["sha1"]
    assert bench.sandbox.calls()["total"] == 0
    bench.check()


def test_24_a_private_record_says_so_before_its_files_are_attached(
    bench: Bench, world: World
) -> None:
    """Who would see a file was found out afterwards."""
    private = f"/projects/{world.tower}/rfis/{world.private_rfi}/attach/"
    page = bench.person.get(private)
    assert "This is private. Visible to 2 people, none of them from other companies." in page.text
    assert lines(page)

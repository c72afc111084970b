"""A message waits for what is still being copied from Box, and leaves with all of it."""

import hashlib
import threading
from collections.abc import Callable

import pytest
from flask import Flask

from tests.imports.conftest import CARDS, PERMIT, SMALL
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.copying import run_worker
from tests.support.linking import link
from tests.support.mailing import Server, begin, ids, later, record_at, write
from tests.support.pages import HTMX, Visitor
from tests.support.world import World

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


@pytest.fixture
def draft(alice: Visitor, sandbox: SandboxProcess, world: World) -> str:
    """The address of a draft of somebody whose Box is linked."""
    link(alice, sandbox)
    return begin(alice, world)


def test_it_goes_out_with_all_files_once_the_last_has_arrived(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", PERMIT, CARDS)
    gate = {"gate": "mid", "after_bytes": 100_000}
    sandbox.faults({"match": {"host": "download"}, "action": gate})
    page = write(alice, draft, to=ids(world, "bob"))
    assert "Waiting for files" in page.text
    assert "Waiting for 2 files." in page.text
    worker = threading.Thread(target=run_worker, args=[app])
    worker.start()
    sandbox.wait_for_gate("mid")
    assert "Waiting for" in alice.get(draft).text
    run_worker(app)
    assert server.deliveries == []
    assert "Waiting for 1 file." in alice.get(draft).text
    sandbox.release("mid")
    worker.join(30)
    run_worker(app)
    files = server.only().files
    attached = {a.name: a for a in copying.attachments(app)}
    assert set(files) == set(attached) == {p.rpartition("/")[2] for p in (PERMIT, CARDS)}
    for name, content in files.items():
        assert len(content) == attached[name].size_bytes
        assert sha1_of(content) == attached[name].sha1
    assert record_at(app, draft).status == "sent"
    copying.check_invariant(app, sandbox)


def sha1_of(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def test_nobody_else_sees_it_while_it_waits(
    alice: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", CARDS)
    write(alice, draft, to=ids(world, "bob"))
    bob.get(draft, expect=404)
    bob.get(f"{draft}/state", expect=404)


def test_a_file_that_does_not_arrive_holds_it_back_until_its_sender_decides(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", CARDS, SMALL)
    sandbox.change("delete", SMALL)
    write(alice, draft, to=ids(world, "bob"))
    run_worker(app)
    later(app)
    assert server.deliveries == []
    page = alice.get(draft)
    assert "1 file did not arrive, so this has not gone out." in page.text
    name = SMALL.rpartition("/")[2]
    assert name in page.text
    page = alice.post(f"{draft}/act", {"action": "without"})
    assert "sent this without the files that did not arrive" in page.text
    run_worker(app)
    assert list(server.only().files) == [CARDS.rpartition("/")[2]]
    assert record_at(app, draft).status == "sent"


def test_a_failure_that_is_dismissed_does_not_send_it_silently(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", SMALL)
    sandbox.change("delete", SMALL)
    write(alice, draft, to=ids(world, "bob"))
    run_worker(app)
    (item,) = copying.items(app)
    alice.post(f"/imports/{item.id}/cancel", expect=None)
    later(app)
    assert server.deliveries == []
    assert "Send without it" in alice.get(draft).text


def test_a_failure_before_sending_counts_too(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", SMALL)
    sandbox.change("delete", SMALL)
    run_worker(app)
    page = write(alice, draft, to=ids(world, "bob"))
    assert "did not arrive" in page.text
    run_worker(app)
    assert server.deliveries == []


def test_a_copy_that_is_tried_again_and_arrives_lets_it_go(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", SMALL)
    sandbox.faults({"match": {"host": "download"}, "action": {"status": 403}})
    write(alice, draft, to=ids(world, "bob"))
    run_worker(app)
    (item,) = copying.items(app)
    assert item.state == "failed", (item.state, item.reason)
    assert server.deliveries == []
    sandbox.clear_faults()
    alice.post(f"/imports/{item.id}/retry", expect=None)
    run_worker(app)
    assert list(server.only().files) == [SMALL.rpartition("/")[2]]


def test_there_is_nothing_to_leave_out_while_all_are_coming(
    alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", CARDS)
    page = write(alice, draft, to=ids(world, "bob"))
    assert "Send without" not in page.text
    alice.post(f"{draft}/act", {"action": "without"}, expect=422)


def test_a_waiting_message_can_be_taken_back_and_sent_later(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", CARDS)
    write(alice, draft, to=ids(world, "bob"))
    alice.post(f"{draft}/move", {"move": "take_back"})
    run_worker(app)
    later(app)
    assert server.deliveries == []
    assert record_at(app, draft).status == "draft"
    write(alice, draft, message="Better words.")
    run_worker(app)
    assert "Better words." in server.only().text
    assert len(server.only().files) == 1


def test_its_page_follows_what_happens(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, server: Server, draft: str
) -> None:
    copying.attach(alice, sandbox, f"{draft}/attach/", CARDS)
    page = write(alice, draft, to=ids(world, "bob"))
    (state,) = page.all("div", id="emails-state")
    ask = state.get("hx-get") or ""
    answer = alice.get(ask, htmx=True)
    assert "HX-Refresh" not in answer.response.headers
    run_worker(app)
    answer = alice.get(ask, headers=HTMX)
    assert answer.response.headers["HX-Refresh"] == "true"
    (state,) = alice.get(draft).all("div", id="emails-state")
    assert state.get("hx-get") is None

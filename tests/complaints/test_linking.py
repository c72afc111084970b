"""Complaints about linked accounts in other pickers, and why none fits here."""

import re
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from flask import Flask

from tests.box_link.looking import (
    browse,
    kept,
    notices,
    picker,
    session_tokens,
    state_of,
    token_calls,
)
from tests.imports.conftest import CARDS, PERMIT, W9, Bench
from tests.picker.dialog import SAFETY, address_of, chosen, lines, tick
from tests.sandbox.process import CLIENT_ID, DEVON, SandboxProcess
from tests.support.linking import answer_of_box, come_back, grant_page, leave_for_box, link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.imports.models import ItemState

pytestmark = pytest.mark.wide

ROSA = "rosa.imamura@boxmail.example"
COMPANY = "Quillmark Builders, Inc."
HOUR_AND_MORE = 4000
TOKEN = {"path": "^/oauth2/token$"}
LISTING = "Quillmark Projects"


@pytest.fixture
def me(world: World) -> int:
    return world.people["alice"]


# ---- 13


def test_13_an_access_that_ran_out_is_renewed_without_a_word(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """After an hour the list was empty, or showed a network error."""
    before = lines(linked.get(address_of(sandbox, here, SAFETY)))
    sandbox.advance(HOUR_AND_MORE)
    page = linked.get(address_of(sandbox, here, SAFETY))
    assert [row.name for row in lines(page)] == [row.name for row in before]
    assert list(page.all("p", role="alert")) == []


def test_13_a_link_that_has_ended_says_so_and_keeps_what_was_chosen(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """A link that had ended looked like an empty folder, and choosing began anew afterwards."""
    address = address_of(sandbox, here, SAFETY)
    first = lines(linked.get(address))[0]
    tick(linked, here, first.token)
    sandbox.revoke()
    linked.get(address, expect=424)
    page = linked.get(address)
    assert "Your Box link has ended" in page.text
    assert f"Box no longer accepts the link to {DEVON}" in page.text
    assert re.search(r"It ended: today, \d+:\d\d [AP]M\.", page.text)
    for lie in ("This folder is empty", "Box is not answering", "network"):
        assert lie not in page.text
    ways = [f for f in page.all("form") if (f.get("action") or "").endswith("/settings/box/link")]
    assert len(ways) == 1
    assert chosen(page) == [first.name]
    link(linked, sandbox)
    assert chosen(linked.get(address)) == [first.name]


# ---- 14


def test_14_a_batch_that_takes_longer_than_an_access_token_arrives_whole(bench: Bench) -> None:
    """Long batches failed from the file on at which the hour was over."""
    bench.attach(PERMIT, CARDS, W9)
    bench.sandbox.faults(
        {"match": {"host": "download"}, "action": {"gate": "first", "after_bytes": 1}}
    )
    bench.sandbox.forget_calls()
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("first")
    bench.sandbox.advance(HOUR_AND_MORE)
    bench.sandbox.release("first")
    worker.join(30)
    assert [(item.state, item.failures) for item in bench.items()] == [(ItemState.ATTACHED, 0)] * 3
    assert token_calls(bench.sandbox) == 1
    assert "link has ended" not in bench.person.get("/notices").text
    bench.check()


# ---- 15


@pytest.mark.parametrize("is_strict", [False, True], ids=["lenient", "strict"])
def test_15_pages_at_once_never_lose_the_refresh_token_that_works_once(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    me: int,
    is_strict: bool,
) -> None:
    """Two requests renewed at once, one of them lost, and with it the link."""
    sandbox.settings(strict_refresh=is_strict)
    link(alice, sandbox)
    for _hour in range(3):
        browse(alice, world)
        sandbox.advance(HOUR_AND_MORE)
        sandbox.forget_calls()
        sandbox.faults({"match": TOKEN, "action": {"gate": "renewal"}})
        with ThreadPoolExecutor(6) as pool:
            pages: list[Future[Page]] = [pool.submit(browse, alice, world) for _ in range(6)]
            sandbox.wait_for_gate("renewal")
            sandbox.release("renewal")
        assert [LISTING in page.result().text for page in pages] == [True] * 6
        assert token_calls(sandbox) == 1
    assert state_of(app, me) == "active"
    assert session_tokens(app) == 1


# ---- 16

HICCUPS: list[dict[str, Any]] = [
    {"status": 500, "json": {"error": "invalid_grant"}},
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"reset_after": 0},
    {"status": 200, "body": "<html>Sign in to the network</html>"},
]


@pytest.mark.parametrize("action", HICCUPS, ids=str)
def test_16_a_hiccup_of_box_unlinks_nobody(
    app: Flask,
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    me: int,
    action: dict[str, Any],
) -> None:
    """A time-out while renewing threw the link away, and everybody had to link again."""
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    sandbox.faults({"match": TOKEN, "times": None, "action": action})
    page = browse(linked, world, expect=424)
    assert "Reconnect" not in page.text
    assert "Try again" in page.text
    assert kept(app, me) == before
    assert notices(app, me, "link_ended") == 0
    sandbox.clear_faults()
    assert LISTING in browse(linked, world).text


def test_16_only_boxs_own_word_ends_a_link(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, world: World, me: int
) -> None:
    """Nobody could tell a link that had ended from a bad moment."""
    sandbox.revoke()
    assert "Your Box link has ended" in browse(linked, world, expect=424).text
    assert state_of(app, me) == "relink_needed"
    assert notices(app, me, "link_ended") == 1


# ---- 17


def test_17_which_account_is_linked_is_said_and_another_one_asks_first(
    alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    """People linked the wrong account, one the browser happened to be signed in to, unnoticed."""
    outcome = link(alice, sandbox)
    for words in ("Devon Achterberg", DEVON):
        assert words in outcome.text
        assert words in alice.get("/settings/box").text
    linked_as = f"Linked as {DEVON} , Devon Achterberg, {COMPANY}"
    assert linked_as in alice.get(f"{picker(world)}box/").text
    assert COMPANY in alice.get("/settings/box").text
    asked = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    assert asked.h1 == "Link another Box account?"
    assert f"You are linked to {DEVON}. You have just granted access to {ROSA}." in asked.text
    assert f"Linked as {DEVON}" in alice.get(f"{picker(world)}box/").text
    alice.submit(asked, asked.response.request.path, choice="replace")
    assert f"Linked as {ROSA}" in alice.get(f"{picker(world)}box/").text
    again = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    assert again.h1 == "Your Box account is linked"


# ---- 18


def test_18_where_boxs_admin_blocks_the_app_the_steps_that_help_are_there(
    alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    """Box said "Disabled by Administrator", and nobody knew who could change what and where."""
    sandbox.settings(disabled_by_admin=True)
    assert "Disabled by Administrator" in grant_page(sandbox, leave_for_box(alice), DEVON).text
    with time_machine.travel(utcnow() + timedelta(minutes=4), tick=True):
        waiting = alice.get("/settings/box/status", htmx=True)
    denied = come_back(alice, {"state": leave_for_box(alice)["state"], "error": "access_denied"})
    assert denied.h1 == "You did not grant access"
    admins = alice.get(f"/companies/{world.acme}/settings/box")
    for page in (waiting, denied, admins):
        steps = next(page.all("div", id="box_link-allow"))
        assert len([e for e in steps.iter() if e.tag.endswith("}li")]) == 3
        assert CLIENT_ID in "".join(steps.itertext())
        letter = page.links()["Write to your Box administrator"]
        assert letter.startswith("mailto:?")
        assert CLIENT_ID in parse_qs(letter.partition("?")[2])["body"][0]


def test_18_people_who_are_not_asked_to_are_not_shown_the_admins_steps(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    """Everybody was sent to pages only an administrator can use."""
    company = f"/companies/{world.acme}/settings/box"
    assert CLIENT_ID in alice.get(company).text
    assert CLIENT_ID not in bob.get(company).text
    assert CLIENT_ID not in bob.get("/settings/box").text

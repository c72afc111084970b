"""Renewing access tokens: once for everyone, safely over crashes, and never on a wrong answer."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, text

from config import Config
from tests.box.held import Listener, somebody_else
from tests.box_link.looking import (
    browse,
    caller,
    ended,
    kept,
    notices,
    picker,
    session_hash,
    session_tokens,
    state_of,
    token_calls,
)
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.copying import attach, check_no_tokens, items, run_worker
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.processes import Plumbline
from tests.support.world import World
from webapp.box_link.clients import box_access
from webapp.box_link.models import BoxLink
from webapp.box_link.store import LinkTokenStore
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.sessions import SessionRow
from webapp.imports.models import ItemState

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
TOKEN = {"path": "^/oauth2/token$"}
HOUR_AND_MORE = 4000
PERMIT = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"
MODELS = pytest.mark.parametrize("is_strict", [False, True], ids=["lenient", "strict"])
LISTING = "Quillmark Projects"


def fault(sandbox: SandboxProcess, times: int | None = 1, **action: Any) -> None:
    sandbox.faults({"match": TOKEN, "action": action, "times": times})


@pytest.fixture(autouse=True)
def no_token_is_left_anywhere(
    app: Flask, sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    yield
    sandbox.clear_faults()
    check_no_tokens(app, sandbox, [caplog.text])


@pytest.fixture
def me(world: World) -> int:
    return world.people["alice"]


@pytest.fixture
def linked(alice: Visitor, sandbox: SandboxProcess, world: World) -> Visitor:
    """Alice, linked and browsing."""
    link(alice, sandbox)
    browse(alice, world)
    sandbox.forget_calls()
    return alice


@pytest.fixture
def foreign() -> Iterator[Listener]:
    with somebody_else() as listener:
        yield listener


def together(visitors: list[Visitor], world: World) -> tuple[list[threading.Thread], list[Page]]:
    """Have everyone browse at once; return the threads and where their pages will be."""
    pages: list[Page] = []
    threads = [
        threading.Thread(target=lambda v=visitor: pages.append(browse(v, world, expect=None)))
        for visitor in visitors
    ]
    for thread in threads:
        thread.start()
    return threads, pages


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(40)
        assert not thread.is_alive()


# ---- one renewal for everyone


@MODELS
def test_eight_pages_with_an_expired_token_lead_to_one_renewal(
    linked: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World, is_strict: bool
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    sessions = [linked, *(signed_in("alice") for _ in range(3))]
    for visitor in sessions:
        browse(visitor, world)
    sandbox.advance(HOUR_AND_MORE)
    fault(sandbox, gate="renewal")
    threads, pages = together(sessions * 2, world)
    sandbox.wait_for_gate("renewal")
    sandbox.release("renewal")
    join(threads)
    assert [page.status for page in pages] == [200] * 8
    assert all(LISTING in page.text for page in pages)
    assert token_calls(sandbox) == 1


def test_a_new_session_takes_over_the_token_of_another_without_a_renewal(
    linked: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World, app: Flask
) -> None:
    assert session_tokens(app) == 1
    browse(signed_in("alice"), world)
    assert token_calls(sandbox) == 0
    assert session_tokens(app) == 2


def test_a_token_is_renewed_before_it_ends(
    linked: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    with time_machine.travel(utcnow() + timedelta(minutes=56), tick=True):
        browse(linked, world)
    assert token_calls(sandbox) == 1
    assert not any(call["status"] == 401 for call in sandbox.calls()["log"])


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "is_strict"), [(2, False), (8, True)], ids=["two, lenient", "eight, strict"]
)
def test_processes_at_once_renew_once(
    linked: Visitor,
    sandbox: SandboxProcess,
    config: Config,
    me: int,
    count: int,
    is_strict: bool,
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    sandbox.advance(HOUR_AND_MORE)
    barrier, hold = os.pipe()
    session = session_hash(linked)
    processes = [caller(config, me, session, barrier=barrier) for _ in range(count)]
    os.close(barrier)
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    os.close(hold)
    outcomes = [ended(process) for process in processes]
    assert [(each.code, each.word) for each in outcomes] == [(0, DEVON)] * count
    assert token_calls(sandbox) == 1


# ---- the link has ended


@MODELS
def test_a_revoked_link_is_found_out_with_one_call_and_never_asked_about_again(
    linked: Visitor,
    signed_in: SignIn,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    me: int,
    is_strict: bool,
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    attach(linked, sandbox, picker(world), PERMIT)
    second = signed_in("alice")
    browse(second, world)
    sandbox.revoke()
    sandbox.forget_calls()
    page = browse(linked, world, expect=424)
    assert "Reconnect Box" in page.text
    calls = sandbox.calls()["total"]
    for visitor in (linked, second) * 15:
        assert "Your Box link has ended" in browse(visitor, world).text
        visitor.get("/settings/box")
        visitor.get(f"/projects/{world.tower}/rfis/{world.rfi}")
    run_worker(app)
    assert token_calls(sandbox) == 1
    assert sandbox.calls()["total"] == calls
    assert state_of(app, me) == "relink_needed"
    assert session_tokens(app) == 0
    assert notices(app, me, "link_ended") == 1
    assert [item.state for item in items(app)] == [ItemState.WAITING_RELINK]
    assert "Link ended" in linked.get("/settings/box").text


def test_after_linking_again_what_waited_goes_on(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask, me: int
) -> None:
    attach(linked, sandbox, picker(world), PERMIT)
    sandbox.revoke()
    run_worker(app)
    assert state_of(app, me) == "relink_needed"
    link(linked, sandbox)
    run_worker(app)
    assert [item.state for item in items(app)] == [ItemState.ATTACHED]
    assert state_of(app, me) == "active"


def test_many_callers_of_a_revoked_link_make_one_call(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask, me: int
) -> None:
    sandbox.revoke()
    fault(sandbox, gate="refusal")
    threads, pages = together([linked] * 6, world)
    sandbox.wait_for_gate("refusal")
    sandbox.release("refusal")
    join(threads)
    assert {page.status for page in pages} <= {200, 424}
    assert token_calls(sandbox) == 1
    assert notices(app, me, "link_ended") == 1


def test_a_pair_that_somebody_else_renewed_first_is_adopted(
    linked: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World, app: Flask, me: int
) -> None:
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    fault(sandbox, gate="slow")
    threads, pages = together([linked], world)
    sandbox.wait_for_gate("slow")
    _renew_without_the_lock(app, me, session_hash(signed_in("alice")))
    sandbox.release("slow")
    join(threads)
    assert pages[0].status == 200
    assert LISTING in pages[0].text
    after = kept(app, me)
    assert after["state"] == "active"
    assert after["generation"] == before["generation"] + 1
    assert notices(app, me, "link_ended") == 0


def _renew_without_the_lock(app: Flask, me: int, session: str) -> None:
    """Do what a process would that does not see our lock: renew, commit, and use the new pair."""
    with app.app_context():
        linker = box_access().linker
        store = LinkTokenStore(
            person_id=me, session_hash=session, sealer=linker.sealer, locks=box_access().locks
        )
        grant = store.grant()
        pair = linker.oauth.refresh(grant.refresh_token)
        assert store.save(pair, after=grant.generation)
        assert linker.account_of(pair).login == DEVON


# ---- the outcome is unknown


@MODELS
def test_an_answer_lost_on_its_way_is_asked_for_again(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask, me: int, is_strict: bool
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    sandbox.advance(HOUR_AND_MORE)
    fault(sandbox, process_then_drop=True)
    page = browse(linked, world, expect=424 if is_strict else 200)
    if is_strict:
        assert "Reconnect Box" in page.text
        assert state_of(app, me) == "relink_needed"
    else:
        assert LISTING in page.text
        assert state_of(app, me) == "active"
    assert token_calls(sandbox) == 2


@pytest.mark.processes
@MODELS
def test_a_process_killed_between_boxs_answer_and_the_commit_costs_nothing(
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    config: Config,
    me: int,
    is_strict: bool,
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    point = "refresh.after_response=kill9"
    killed = ended(caller(config, me, session_hash(linked), APP_FAILPOINTS=point))
    assert killed.code == -signal.SIGKILL, killed.printed
    assert kept(app, me) == before
    page = browse(linked, world, expect=None)
    if is_strict:
        # Nothing can save this link when Box does not repeat its answer; the person is told.
        assert page.status == 424
        assert state_of(app, me) == "relink_needed"
    else:
        assert LISTING in page.text
        assert kept(app, me)["generation"] == before["generation"] + 1
    check_no_tokens(app, sandbox, [killed.printed])


@pytest.mark.processes
@MODELS
def test_a_process_killed_after_the_commit_leaves_a_pair_to_use(
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    config: Config,
    me: int,
    is_strict: bool,
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    point = "refresh.after_commit=kill9"
    killed = ended(caller(config, me, session_hash(linked), APP_FAILPOINTS=point))
    assert killed.code == -signal.SIGKILL, killed.printed
    assert kept(app, me)["generation"] == before["generation"] + 1
    sandbox.forget_calls()
    assert LISTING in browse(linked, world).text
    assert token_calls(sandbox) == 0


@pytest.mark.processes
def test_when_box_refuses_an_unused_pair_the_one_before_is_tried_until_box_has_answered(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask, config: Config, me: int
) -> None:
    sandbox.advance(HOUR_AND_MORE)
    point = "refresh.after_commit=kill9"
    killed = ended(caller(config, me, session_hash(linked), APP_FAILPOINTS=point))
    assert killed.code == -signal.SIGKILL, killed.printed
    sandbox.advance(HOUR_AND_MORE)
    fault(sandbox, status=400, json={"error": "invalid_grant"})
    fault(sandbox, status=503)
    fault(sandbox, status=400, json={"error": "invalid_grant"})
    browse(linked, world, expect=424)
    assert state_of(app, me) == "active"
    assert LISTING in browse(linked, world).text
    assert state_of(app, me) == "active"
    assert sandbox.fault_hits() == [1, 1, 1]


def test_signing_out_elsewhere_during_a_renewal_does_not_lose_the_pair(
    linked: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World, app: Flask, me: int
) -> None:
    sandbox.settings(strict_refresh=True)
    other = signed_in("alice")
    browse(other, world)
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    fault(sandbox, gate="answered", gate_at="reply")
    with app.app_context():
        threads, pages = together([linked], world)
        sandbox.wait_for_gate("answered")
        with db.engine.execution_options(write=True).connect() as connection:
            gone = delete(SessionRow).where(SessionRow.id_hash == session_hash(other))
            connection.execute(gone)
            sandbox.release("answered")
            if connection.dialect.name == "postgresql":
                waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                Plumbline.wait_until(
                    lambda: bool(connection.scalar(waits)), "the renewal waits for the sign-out"
                )
            connection.commit()
        join(threads)
    assert LISTING in pages[0].text
    assert kept(app, me)["generation"] == before["generation"] + 1
    assert session_tokens(app) == 1
    assert token_calls(sandbox) == 1


@MODELS
def test_a_database_that_takes_the_pair_late_loses_nothing(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask, me: int, is_strict: bool
) -> None:
    sandbox.settings(strict_refresh=is_strict)
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    fault(sandbox, gate="answered", gate_at="reply")
    with app.app_context():
        threads, pages = together([linked], world)
        sandbox.wait_for_gate("answered")
        with db.engine.connect() as connection:
            _hold_the_link(connection, me)
            sandbox.release("answered")
            # Not waited for by a clock: until this is undone, nobody can write the new pair.
            assert kept_elsewhere(app, me) == before
            connection.rollback()
        join(threads)
    assert LISTING in pages[0].text
    assert kept(app, me)["generation"] == before["generation"] + 1
    assert token_calls(sandbox) == 1


def _hold_the_link(connection: Any, me: int) -> None:
    """Keep everyone from writing the link until this connection lets go."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(select(BoxLink.id).where(BoxLink.person_id == me).with_for_update())


def kept_elsewhere(app: Flask, me: int) -> dict[str, Any]:
    with db.engine.connect() as connection:
        table = BoxLink.__table__
        row = connection.execute(select(table).where(table.c.person_id == me)).one()
        return {k: v for k, v in row._mapping.items() if not k.startswith("last_used")}


def test_a_database_that_refuses_for_a_while_is_asked_again_with_the_pair_in_hand(
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    me: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.settings(strict_refresh=True)
    sandbox.advance(HOUR_AND_MORE)
    fault(sandbox, gate="answered", gate_at="reply")
    monkeypatch.setenv("APP_FAILPOINTS", "refresh.commit=raise:disk full")
    threads, pages = together([linked], world)
    sandbox.wait_for_gate("answered")
    sandbox.release("answered")
    Plumbline.wait_until(lambda: caplog.text.count("link.commit_waits") > 1, "two tries fail")
    assert not pages
    monkeypatch.delenv("APP_FAILPOINTS")
    join(threads)
    assert LISTING in pages[0].text
    assert token_calls(sandbox) == 1
    assert state_of(app, me) == "active"


# ---- answers that are none

NOT_A_PAIR: list[dict[str, Any]] = [
    {"status": 429, "json": {"code": "rate_limit_exceeded"}, "headers": {"Retry-After": "7"}},
    {"status": 403, "json": {"code": "forbidden", "message": "none of OAuth's errors"}},
    {"status": 200, "body": "<html>Sign in to the network</html>"},
    {"status": 200, "json": {"access_token": "a", "token_type": "bearer", "expires_in": 3600}},
    {"status": 500, "json": {"error": "invalid_grant"}},
]


@pytest.mark.parametrize("action", NOT_A_PAIR, ids=str)
def test_a_wrong_answer_leaves_the_link_byte_for_byte_as_it_was(
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    me: int,
    action: dict[str, Any],
) -> None:
    sandbox.advance(HOUR_AND_MORE)
    before, tokens = kept(app, me), session_tokens(app)
    fault(sandbox, times=None, **action)
    page = browse(linked, world, expect=424)
    assert "Reconnect" not in page.text
    assert "Try again" in page.text
    assert kept(app, me) == before
    assert session_tokens(app) == tokens
    assert token_calls(sandbox) <= 3
    sandbox.clear_faults()
    assert LISTING in browse(linked, world).text


def test_a_redirect_of_the_token_endpoint_is_not_followed(
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    me: int,
    foreign: Listener,
) -> None:
    sandbox.advance(HOUR_AND_MORE)
    before = kept(app, me)
    fault(sandbox, times=None, redirect=foreign.url, status=307)
    browse(linked, world, expect=424)
    assert foreign.visits == 0
    assert kept(app, me) == before
    sandbox.clear_faults()
    assert LISTING in browse(linked, world).text


@pytest.mark.slow
@pytest.mark.parametrize("action", [{"hang_s": 60}, {"answer_then_hang": 10}], ids=str)
def test_a_hanging_token_endpoint_holds_a_page_for_ten_seconds_at_most(
    linked: Visitor,
    signed_in: SignIn,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    me: int,
    action: dict[str, Any],
) -> None:
    other = signed_in("alice")
    browse(other, world)
    sandbox.advance(HOUR_AND_MORE)
    fault(sandbox, times=None, **action)
    began = time.monotonic()
    threads, pages = together([linked, other], world)
    join(threads)
    assert time.monotonic() - began < 10
    assert [page.status for page in pages] == [424, 424]
    assert state_of(app, me) == "active"
    sandbox.clear_faults()
    assert LISTING in browse(linked, world).text


# ---- real processes


@pytest.mark.processes
@pytest.mark.slow
def test_web_processes_share_one_renewal_and_print_no_token(
    linked: Visitor, sandbox: SandboxProcess, world: World, config: Config, app: Flask, me: int
) -> None:
    with Plumbline(config) as plumbline:
        people = [plumbline.person(world.email("alice")) for _ in range(4)]
        address = f"{picker(world)}box/folders/0"
        for person in people:
            assert person.get(address).status_code == 200
        sandbox.advance(HOUR_AND_MORE)
        sandbox.forget_calls()
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda p=p: found.append(p.get(address).status_code))
            for p in people * 3
        ]
        for thread in threads:
            thread.start()
        join(threads)
        log = plumbline.log
    assert found == [200] * 12
    assert token_calls(sandbox) == 1
    check_no_tokens(app, sandbox, [log])
    assert all(json.loads(line) for line in log.splitlines() if line.startswith("{"))

"""A Box that does not know this installation, and one that shuts out a single account.

The circuit is one for all processes: a second application over the same database stands for another
process.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from config import Config
from tests.box_link.looking import browse, kept, notices, picker, state_of, token_calls
from tests.sandbox.people import PEOPLE
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attach, check_no_tokens, items, run_worker
from tests.support.linking import answer_of_box, come_back, leave_for_box, link
from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.box.circuit import PAUSE
from webapp.box_link.clients import box_access
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.factory import create_app
from webapp.imports.models import ItemState
from webapp.wiring import chores

HOUR_AND_MORE = 4000
PERMIT = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"
LISTING = "Quillmark Projects"
NOT_SET_UP = "Box is not set up correctly"
A_PAUSE = PAUSE + timedelta(seconds=1)


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
    link(alice, sandbox)
    browse(alice, world)
    sandbox.forget_calls()
    return alice


@pytest.fixture
def other_process(app: Flask, config: Config) -> Iterator[Flask]:
    """Another application over the same database, as another process is."""
    assert app
    made = create_app(config)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def health() -> Callable[[Flask], tuple[int, dict[str, Any]]]:
    def ask(app: Flask) -> tuple[int, dict[str, Any]]:
        answer = app.test_client().get("/healthz", headers={"Host": HOST})
        return answer.status_code, answer.get_json()

    return ask


def change_secret(sandbox: SandboxProcess) -> None:
    sandbox.settings(client_secret="changed in the console")
    sandbox.advance(HOUR_AND_MORE)


def do_chore(app: Flask) -> None:
    with app.app_context():
        chores.ask_box_again()


def test_a_wrong_client_secret_takes_no_process_out_of_service_and_heals_without_visitors(
    linked: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    other_process: Flask,
    me: int,
    health: Callable[[Flask], tuple[int, dict[str, Any]]],
) -> None:
    change_secret(sandbox)
    before = kept(app, me)
    elsewhere = Visitor(other_process).sign_in(world.email("alice"))
    for visitor in (linked, elsewhere) * 5:
        page = browse(visitor, world, expect=424)
        assert NOT_SET_UP in page.text
        assert "Reconnect" not in page.text
    assert token_calls(sandbox) == 2, "the refused one, and one that asked about our own secret"
    assert kept(app, me) == before
    for process in (app, other_process):
        status, said = health(process)
        assert (status, said["status"], said["box"]) == (200, "degraded", "misconfigured")
    with time_machine.travel(utcnow() + A_PAUSE, tick=True):
        for visitor in (linked, elsewhere) * 3:
            browse(visitor, world, expect=424)
        do_chore(other_process)
    assert token_calls(sandbox) == 4, "one try a pause, whoever makes it"
    assert notices(app, world.people["imani"], "box_misconfigured") == 1
    assert notices(app, me, "box_misconfigured") == 0

    sandbox.settings(client_secret=None)
    with time_machine.travel(utcnow() + 2 * A_PAUSE, tick=True):
        do_chore(app)
        for process in (app, other_process):
            status, said = health(process)
            assert (status, said["status"], said["box"]) == (200, "ok", "ok")
        for visitor in (linked, elsewhere):
            assert LISTING in browse(visitor, world).text


def test_a_page_finds_out_too_that_box_knows_us_again(
    linked: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    change_secret(sandbox)
    browse(linked, world, expect=424)
    sandbox.settings(client_secret=None)
    assert NOT_SET_UP in browse(linked, world, expect=424).text
    with time_machine.travel(utcnow() + A_PAUSE, tick=True):
        assert LISTING in browse(linked, world).text


def test_a_box_that_does_not_answer_changes_nothing_about_the_circuit(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask
) -> None:
    sandbox.faults({"match": {"path": "^/oauth2/token$"}, "action": {"status": 503}, "times": None})
    sandbox.advance(HOUR_AND_MORE)
    assert "not answering" in browse(linked, world, expect=424).text
    with app.app_context():
        assert not box_access().linker.circuit.is_open
    sandbox.clear_faults()
    sandbox.settings(client_secret="changed in the console")
    browse(linked, world, expect=424)
    sandbox.settings(client_secret=None)
    sandbox.faults({"match": {"path": "^/oauth2/token$"}, "action": {"status": 503}, "times": None})
    with time_machine.travel(utcnow() + A_PAUSE, tick=True):
        do_chore(app)
        assert NOT_SET_UP in browse(linked, world, expect=424).text


@pytest.mark.parametrize("status", [400, 401])
def test_what_box_refuses_to_one_grant_stops_nobody_else(
    linked: Visitor,
    bob: Visitor,
    sandbox: SandboxProcess,
    world: World,
    app: Flask,
    me: int,
    status: int,
) -> None:
    place = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    link(bob, sandbox, login=PEOPLE["rosa"])
    sandbox.advance(HOUR_AND_MORE)
    refusal = {
        "error": "unauthorized_client",
        "error_description": "This app is not authorized by the enterprise",
    }
    sandbox.faults(
        {"match": {"path": "^/oauth2/token$"}, "action": {"status": status, "json": refusal}}
    )
    refused = browse(linked, world, expect=424)
    assert NOT_SET_UP not in refused.text
    assert "Reconnect" not in refused.text
    assert "Your company's Box does not let Plumbline in." in refused.text
    assert browse(bob, world, where=place).status == 200
    with app.app_context():
        assert not box_access().linker.circuit.is_open
    assert state_of(app, me) == "active"
    assert notices(app, world.people["imani"], "box_misconfigured") == 0
    assert LISTING in browse(linked, world).text


def test_copies_of_a_shut_out_account_wait_and_arrive_when_it_is_let_in(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask
) -> None:
    attach(linked, sandbox, picker(world), PERMIT)
    sandbox.advance(HOUR_AND_MORE)
    refusal = {"error": "unauthorized_client"}
    sandbox.faults(
        {"match": {"path": "^/oauth2/token$"}, "action": {"status": 400, "json": refusal}}
    )
    run_worker(app)
    (item,) = items(app)
    assert (item.state, item.reason) == (ItemState.QUEUED, "box_shut_out")
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=True):
        run_worker(app)
    assert [item.state for item in items(app)] == [ItemState.ATTACHED]


def test_copies_wait_while_box_does_not_know_us(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask, me: int
) -> None:
    attach(linked, sandbox, picker(world), PERMIT)
    change_secret(sandbox)
    run_worker(app)
    assert [item.state for item in items(app)] == [ItemState.QUEUED]
    assert state_of(app, me) == "active"


def test_linking_tells_that_box_does_not_know_us_and_tells_the_managers_once(
    alice: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World, app: Flask
) -> None:
    sandbox.settings(client_secret="changed in the console")
    for visitor in (alice, bob):
        page = come_back(visitor, answer_of_box(sandbox, leave_for_box(visitor)))
        assert "Box does not recognise this installation" in page.text
    imani = Visitor(app).sign_in(world.email("imani"))
    assert "Box refuses Plumbline's client id or secret" in imani.get("/notices").text
    assert notices(app, world.people["imani"], "box_misconfigured") == 1

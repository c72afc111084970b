"""TOKEN_KEYS changes while processes with the old and the new ring run side by side.

Each application here has a ring of its own over the one database, as processes do in a restart
that goes through them one by one.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import delete, update

from config import Config, TokenKey
from tests.box_link.looking import browse, kept, notices, picker, row_of, state_of
from tests.imports.conftest import CARDS
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import answer_of_box, come_back, leave_for_box, link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.box_link.canary import check_canary
from webapp.box_link.models import BoxLink, BoxSessionToken, Revocation
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.factory import create_app
from webapp.imports.models import ItemState
from webapp.wiring.chores import revoke_due

pytestmark = pytest.mark.wide

NEW = TokenKey("t2", b"n" * 32)
UNREADABLE = "Plumbline cannot read the stored link to Box just now"

Process = Callable[..., Visitor]


@pytest.fixture
def process(app: Flask, config: Config, world: World) -> Iterator[Process]:
    """Return a maker of processes with a ring of their own, in which Alice is signed in."""
    made: list[Flask] = []

    def start(*ring: TokenKey) -> Visitor:
        other = create_app(replace(config, token_keys=ring))
        made.append(other)
        with other.app_context():
            check_canary()
        return Visitor(other).sign_in(world.email("alice"))

    yield start
    for other in made:
        with other.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def old(config: Config) -> TokenKey:
    return config.token_keys[0]


@pytest.fixture
def me(world: World) -> int:
    return world.people["alice"]


def forget_access(app: Flask) -> None:
    """Have the next call renew the link."""
    with app.app_context():
        db.session.execute(delete(BoxSessionToken))
        db.session.commit()
        db.session.remove()


def renews(visitor: Visitor, world: World) -> None:
    forget_access(visitor.app)
    assert UNREADABLE not in browse(visitor, world).text


def test_in_every_step_of_the_way_old_and_new_processes_open_and_renew_the_link(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    process: Process,
    old: TokenKey,
    me: int,
) -> None:
    with app.app_context():
        check_canary()
    link(alice, sandbox)
    steps = ((old,), (old, NEW), (NEW, old))
    for before, after in pairwise(steps):
        two = [process(*before), process(*after)]
        for visitor in (*two, *two):
            renews(visitor, world)
    last = process(NEW, old)
    done = last.app.test_cli_runner().invoke(args=["tokens", "rewrap"])
    assert done.exit_code == 0, done.output
    for visitor in (last, process(NEW), last):
        renews(visitor, world)
    assert (state_of(app, me), notices(app, me, "link_ended")) == ("active", 0)


def test_a_process_that_lacks_the_key_writes_nothing_and_says_so(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    process: Process,
    old: TokenKey,
    me: int,
) -> None:
    with app.app_context():
        check_canary()
    link(alice, sandbox)
    ahead = process(NEW, old)
    renews(ahead, world)
    before = kept(app, me)
    forget_access(app)
    shown = browse(alice, world, expect=424).text
    assert UNREADABLE in shown
    assert "Box did not open this" not in shown
    assert UNREADABLE in alice.get("/settings/box").text
    assert "60 days" not in alice.get("/settings/box").text
    assert kept(app, me) == before
    assert notices(app, me, "link_ended") == 0
    assert notices(app, world.people["imani"], "box_key_missing") == 1
    renews(ahead, world)
    again = process(old, NEW)
    renews(again, world)
    assert "Linked" in again.get("/settings/box").text


def test_a_copy_waits_for_the_key_and_goes_on_when_it_is_there(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    process: Process,
    old: TokenKey,
) -> None:
    with app.app_context():
        check_canary()
    link(alice, sandbox)
    copying.attach(alice, sandbox, picker(world), CARDS)
    ahead = process(NEW, old)
    renews(ahead, world)
    forget_access(app)
    copying.run_worker(app)
    (item,) = copying.items(app)
    assert (item.state, item.reason, item.failures) == (ItemState.QUEUED, "link_unreadable", 0)
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    assert UNREADABLE in alice.get(record).text
    ahead.post(f"/imports/items/{item.id}/retry")
    copying.run_worker(ahead.app)
    assert copying.items(app)[0].state == ItemState.ATTACHED


def test_a_link_that_an_older_release_marked_works_again(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, me: int
) -> None:
    link(alice, sandbox)
    with app.app_context():
        db.session.execute(update(BoxLink).values(state="key_lost", ended_at=utcnow()))
        db.session.commit()
        db.session.remove()
    assert "Linked" in alice.get("/settings/box").text
    renews(alice, world)
    row = row_of(app, me)
    assert row is not None
    assert (row["state"], row["ended_at"]) == ("active", None)


def test_what_box_shall_forget_waits_for_its_key(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    process: Process,
    old: TokenKey,
    me: int,
) -> None:
    with app.app_context():
        check_canary()
    ahead = process(NEW, old)
    link(ahead, sandbox)
    ahead.submit(ahead.get("/settings/box/disconnect"), "/settings/box/disconnect")
    with app.app_context():
        revoke_due()
        db.session.remove()
    assert notices(app, me, "box_not_told") == 0
    with ahead.app.app_context():
        assert db.session.query(Revocation).count() == 1
        db.session.execute(update(Revocation).values(run_after=utcnow()))
        db.session.commit()
        revoke_due()
        assert db.session.query(Revocation).count() == 0
        db.session.remove()
    assert {facts["live"] for facts in sandbox.tokens()} == {False}


def test_a_trip_to_box_that_comes_back_to_a_process_without_the_key_blames_nobody(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    process: Process,
    old: TokenKey,
    me: int,
) -> None:
    with app.app_context():
        check_canary()
    ahead = process(NEW, old)
    asked = leave_for_box(ahead)
    behind = Visitor(app)
    cookie = ahead.client.get_cookie("plumbline", domain="127.0.0.1")
    behind.client.set_cookie("plumbline", cookie.value, domain="127.0.0.1")
    page = come_back(behind, answer_of_box(sandbox, asked))
    assert "Nothing was linked" in page.text
    assert "Box did not answer" not in page.text

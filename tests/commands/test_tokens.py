"""`flask tokens rewrap`: what the old key sealed is opened and sealed with the new one."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, update

from config import Config, TokenKey
from tests.imports.conftest import CARDS
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attach, attachments, run_worker
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.box_link.canary import check_canary
from webapp.box_link.models import BoxLink, BoxSessionToken, LinkState, Revocation, TokenCanary
from webapp.core.database import db
from webapp.factory import create_app

pytestmark = pytest.mark.wide

NEW = TokenKey("t2", b"n" * 32)


def with_ring(config: Config, *ring: TokenKey) -> Flask:
    """Return an application of its own over the same database, with another key ring."""
    return create_app(replace(config, token_keys=ring))


def sealed(app: Flask) -> list[str]:
    """Return everything in the database that a key must open."""
    with app.app_context():
        found = [
            *db.session.scalars(select(BoxLink.refresh_sealed)),
            *db.session.scalars(select(BoxLink.previous_sealed)),
            *db.session.scalars(select(BoxSessionToken.access_sealed)),
            *db.session.scalars(select(Revocation.token_sealed)),
            *db.session.scalars(select(TokenCanary.sealed)),
        ]
        db.session.remove()
    return [value for value in found if value is not None]


def rewrap(app: Flask, *, expect: int = 0) -> str:
    done = app.test_cli_runner().invoke(args=["tokens", "rewrap"])
    assert done.exit_code == expect, done.output
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return done.output


def change(app: Flask, statement: object) -> None:
    with app.app_context():
        db.session.execute(statement)  # type: ignore[call-overload]
        db.session.commit()
        db.session.remove()


@pytest.fixture
def started(app: Flask) -> Flask:
    """An application whose canary a process with the old key has left."""
    with app.app_context():
        check_canary()
    return app


def test_after_rewrapping_the_old_key_can_go(
    started: Flask,
    config: Config,
    alice: Visitor,
    bob: Visitor,
    sandbox: SandboxProcess,
    world: World,
) -> None:
    link(alice, sandbox)
    link(bob, sandbox)
    bob.submit(bob.get("/settings/box/disconnect"), "/disconnect")
    assert {value.split(".")[1] for value in sealed(started)} == {"t1"}
    said = rewrap(with_ring(config, NEW, *config.token_keys))
    assert "1 of 1 links are sealed with the first key" in said
    assert {value.split(".")[1] for value in sealed(started)} == {"t2"}
    moved = with_ring(config, NEW)
    with moved.app_context():
        check_canary()
    one = Visitor(moved).sign_in(world.email("alice"))
    target = f"/projects/{world.tower}/rfis/{world.rfi}/attach/"
    attach(one, sandbox, target, CARDS)
    run_worker(moved)
    assert len(attachments(moved)) == 1
    with moved.app_context():
        db.session.remove()
        db.engine.dispose()


def test_rewrapping_twice_changes_nothing_more(
    started: Flask, config: Config, alice: Visitor, sandbox: SandboxProcess
) -> None:
    link(alice, sandbox)
    both = with_ring(config, NEW, *config.token_keys)
    rewrap(both)
    assert "1 of 1 links" in rewrap(both)
    assert {value.split(".")[1] for value in sealed(started)} == {"t2"}


def test_what_no_key_opens_is_named_and_the_command_fails(
    started: Flask, config: Config, alice: Visitor, bob: Visitor, sandbox: SandboxProcess
) -> None:
    link(alice, sandbox)
    link(bob, sandbox)
    bob.submit(bob.get("/settings/box/disconnect"), "/disconnect")
    broken = "v1.t0." + "A" * 60
    change(started, update(BoxLink).values(refresh_sealed=broken))
    change(started, update(Revocation).values(token_sealed=broken))
    said = rewrap(with_ring(config, NEW, *config.token_keys), expect=1)
    assert "no key opens it; its person has to link again" in said
    assert "no key opens it; Box is not told" in said
    assert "0 of 1 links" in said
    assert "AAAA" not in said


def test_a_link_that_has_ended_holds_up_nothing(
    started: Flask, config: Config, alice: Visitor, sandbox: SandboxProcess
) -> None:
    link(alice, sandbox)
    change(
        started,
        update(BoxLink).values(refresh_sealed="v1.t0." + "A" * 60, state=LinkState.RELINK_NEEDED),
    )
    assert "0 of 0 links" in rewrap(with_ring(config, NEW, *config.token_keys))

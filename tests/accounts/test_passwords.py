"""Guessing passwords and forgetting them: counted before it is looked at, answered alike, once."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from tests.support.copying import run_worker
from tests.support.mailing import Server, sending_through, smtp_server
from tests.support.pages import HOST, PASSWORD, Page, Visitor
from tests.support.world import World
from webapp.accounts import credentials
from webapp.accounts.mailing import OwnLetter
from webapp.accounts.models import Person
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.extensions import limiter
from webapp.core.sessions import SessionRow
from webapp.wiring import chores

SignIn = Callable[[str], Visitor]
NEW = "another long password"
ANYWHERE = "198.51.100.7"


@pytest.fixture
def limited(app: Flask) -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    with smtp_server() as found, sending_through(app, found.port):
        yield found


def try_to(visitor: Visitor, email: str, password: str, source: str = ANYWHERE) -> Page:
    given = {"email": email, "password": password}
    at: dict[str, Any] = {"environ_base": {"REMOTE_ADDR": source}}
    return visitor.post("/sign-in", given, expect=None, **at)


# ---- guessing


def test_of_thirty_tries_at_once_five_are_looked_at(
    app: Flask, world: World, limited: None
) -> None:
    visitors = [Visitor(app) for _ in range(30)]
    for visitor in visitors:
        visitor.token()
    answers: list[int] = []

    def guess(visitor: Visitor) -> None:
        answers.append(try_to(visitor, world.email("alice"), "a wrong guess").status)

    threads = [threading.Thread(target=guess, args=(visitor,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [422] * 5 + [429] * 25


def test_a_stranger_who_guesses_shuts_nobody_out_of_their_own_browser(
    app: Flask, world: World, limited: None
) -> None:
    own = Visitor(app).sign_in(world.email("alice"))
    own.post("/sign-out")
    stranger = Visitor(app)
    for number in range(90):
        answer = try_to(stranger, world.email("alice"), "a guess", f"198.51.100.{number % 30 + 1}")
    assert answer.status == 429
    assert int(answer.response.headers["Retry-After"]) > 60
    # From the stranger's own network, too; a browser that is new has to wait.
    assert try_to(own, world.email("alice"), PASSWORD, "198.51.100.1").status == 303
    assert try_to(Visitor(app), world.email("alice"), PASSWORD, "203.0.113.9").status == 429
    assert try_to(Visitor(app), world.email("bob"), PASSWORD, "203.0.113.9").status == 303


def test_a_known_browser_is_held_back_by_its_own_guesses(
    app: Flask, world: World, limited: None
) -> None:
    own = Visitor(app).sign_in(world.email("alice"))
    own.post("/sign-out")
    answers = [try_to(own, world.email("alice"), "a guess").status for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2
    # Somebody else's address is a stranger's there.
    assert [try_to(own, world.email("bob"), "a guess").status for _ in range(6)][-1] == 429


def test_a_forged_device_counts_for_nothing(app: Flask, world: World, limited: None) -> None:
    visitor = Visitor(app)
    visitor.client.set_cookie("plumbline-device", '{"x":"y"}.forged', domain="127.0.0.1")
    assert [try_to(visitor, world.email("alice"), "x").status for _ in range(6)][-1] == 429


def test_one_source_is_held_back_over_all_addresses(app: Flask, limited: None) -> None:
    visitor = Visitor(app)
    answers = [try_to(visitor, f"p{n}@example.test", "guess").status for n in range(22)]
    assert answers == [422] * 20 + [429] * 2


def test_a_network_of_ipv6_is_one_source(app: Flask, limited: None) -> None:
    visitor = Visitor(app)
    answers = [
        try_to(visitor, f"p{n}@example.test", "guess", f"2001:db8::{n + 1:x}").status
        for n in range(22)
    ]
    assert answers[-1] == 429


def test_every_place_that_asks_for_a_password_shares_the_count(
    app: Flask, world: World, limited: None
) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        visitor = Visitor(app).sign_in(world.email("alice"))
        clock.shift(timedelta(minutes=16))
        page = visitor.get("/settings/security")
        for _wrong in range(5):
            visitor.submit(
                page, "/settings/security", current="guess", new=NEW, again=NEW, expect=422
            )
        for _wrong in range(5):
            visitor.post("/settings/box/disconnect", {"password": "a guess"}, expect=422)
        answer = visitor.post("/settings/box/disconnect", {"password": PASSWORD}, expect=429)
        assert "and try again" in answer.text
        visitor.submit(page, "/settings/security", current=PASSWORD, new=NEW, again=NEW, expect=429)
        assert try_to(visitor, world.email("alice"), PASSWORD).status == 429


@pytest.mark.parametrize("password", ["a\x00b", "x" * 100_000, "", "\ud83d\ude00" * 50])
@pytest.mark.parametrize("email", ["alice@example.test", "nobody@example.test", "a\x00@b.example"])
def test_odd_passwords_are_wrong_and_nothing_else(app: Flask, password: str, email: str) -> None:
    password = password.encode("utf-16", "surrogatepass").decode("utf-16")
    assert try_to(Visitor(app), email, password).status == 422


# ---- forgetting


def reset_link(app: Flask, server: Server) -> str:
    run_worker(app)
    words = server.deliveries[-1].text.split()
    return next(w for w in words if "/reset-password/" in w).removeprefix(f"http://{HOST}")


def ask(app: Flask, email: str, expect: int = 200) -> Page:
    visitor = Visitor(app)
    form = visitor.get(visitor.get("/sign-in").links()["Forgot your password?"])
    return visitor.submit(form, "/forgot-password", email=email, expect=expect)


def test_a_forgotten_password_is_set_by_a_letters_link_once_and_all_sessions_end(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    ask(app, world.email("alice"))
    ask(app, world.email("alice"))
    link = reset_link(app, server)
    other = next(w for w in server.deliveries[0].text.split() if "/reset-password/" in w)
    visitor = Visitor(app)
    page = visitor.get(link)
    assert "You sign in as alice@example.test." in page.text
    alice.get("/settings")
    visitor.submit(page, link, new=NEW, again=NEW)
    alice.get("/settings", expect=303)
    for over in (link, other.removeprefix(f"http://{HOST}")):
        Visitor(app).get(over, expect=404)
        Visitor(app).post(over, {"new": PASSWORD, "again": PASSWORD}, expect=404)
    run_worker(app)
    assert server.deliveries[-1].message["Subject"] == "Your Plumbline password was changed"
    Visitor(app).sign_in(world.email("alice"), NEW).get("/settings")
    assert try_to(Visitor(app), world.email("alice"), PASSWORD).status == 422


def test_asking_says_the_same_whoever_has_the_address_and_writes_to_its_owner_alone(
    app: Flask, server: Server, world: World
) -> None:
    with app.app_context():
        db.session.execute(
            update(Person).where(Person.id == world.people["bob"]).values(is_active=False)
        )
        db.session.commit()
        db.session.remove()
    emails = [world.email("alice"), world.email("bob"), "nobody@example.test"]
    assert len({ask(app, email).text for email in emails}) == 1
    run_worker(app)
    assert [sent.recipients for sent in server.deliveries] == [[world.email("alice")]]


def test_a_link_ends_after_an_hour_and_when_the_password_changes(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    ask(app, world.email("alice"))
    link = reset_link(app, server)
    with time_machine.travel(utcnow() + timedelta(minutes=61), tick=False):
        Visitor(app).get(link, expect=404)
    page = alice.get("/settings/security")
    alice.submit(page, "/settings/security", current=PASSWORD, new=NEW, again=NEW)
    Visitor(app).get(link, expect=404)


def test_two_who_use_one_link_at_once_set_one_password(
    app: Flask, server: Server, world: World
) -> None:
    ask(app, world.email("alice"))
    link = reset_link(app, server)
    visitors = [Visitor(app) for _ in range(4)]
    pages = [visitor.get(link) for visitor in visitors]
    answers: list[int] = []

    def use(visitor: Visitor, page: Page) -> None:
        answers.append(visitor.submit(page, link, new=NEW, again=NEW, expect=None).status)

    pairs = zip(visitors, pages, strict=True)
    threads = [threading.Thread(target=use, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [303, 404, 404, 404]


def test_letters_about_a_forgotten_password_are_few(
    app: Flask, server: Server, world: World, limited: None
) -> None:
    said = {ask(app, world.email("alice")).text for _ in range(5)}
    assert len(said) == 1
    for _other in range(5):
        ask(app, world.email("bob"))
    ask(app, world.email("rita"), expect=429)
    with app.app_context():
        letters = db.session.scalar(select(func.count()).select_from(OwnLetter))
        db.session.remove()
    assert letters == 6


def test_no_table_holds_a_link_that_sets_a_password(
    app: Flask, server: Server, world: World
) -> None:
    ask(app, world.email("alice"))
    token = reset_link(app, server).rpartition("/")[2]
    with app.app_context():
        rows = [*db.session.execute(select(credentials.PasswordReset.__table__))]
        rows += [*db.session.execute(select(OwnLetter.__table__))]
        db.session.remove()
    assert token not in str(rows)


def test_without_a_mail_server_the_page_says_whom_to_ask(app: Flask, world: World) -> None:
    visitor = Visitor(app)
    page = visitor.get("/forgot-password")
    assert "Ask whoever runs Plumbline at your company" in page.text
    visitor.post("/forgot-password", {"email": world.email("alice")})
    with app.app_context():
        assert not db.session.scalar(select(func.count()).select_from(OwnLetter))


# ---- shutting an account


def test_sessions_of_a_disabled_account_are_dead_for_good(
    app: Flask, alice: Visitor, world: World
) -> None:
    with app.app_context():
        db.session.add(
            SessionRow(
                id_hash="w",
                kind="work",
                person_id=world.people["alice"],
                created_at=utcnow(),
                seen_at=utcnow(),
                expires_at=utcnow() + timedelta(hours=1),
            )
        )
        db.session.commit()
    runner = app.test_cli_runner()
    shut = runner.invoke(args=["people", "disable", world.email("alice")])
    assert "signed out everywhere" in shut.output
    with app.app_context():
        count = select(func.count()).where(SessionRow.person_id == world.people["alice"])
        assert db.session.scalar(count) == 0
        db.session.remove()
    assert try_to(Visitor(app), world.email("alice"), PASSWORD).status == 422
    runner.invoke(args=["people", "enable", "alice@example.test"])
    alice.get("/settings", expect=303)
    Visitor(app).sign_in(world.email("alice")).get("/settings")


@pytest.mark.parametrize("met_by", ["request", "chore"])
def test_sessions_end_as_well_where_the_account_was_shut_behind_our_back(
    app: Flask, alice: Visitor, world: World, met_by: str
) -> None:
    def set_active(value: bool) -> None:
        with app.app_context():
            db.session.execute(
                update(Person).where(Person.id == world.people["alice"]).values(is_active=value)
            )
            db.session.commit()
            db.session.remove()

    set_active(False)
    if met_by == "request":
        alice.get("/settings", expect=303)
    else:
        with app.app_context():
            chores.end_sessions()
            db.session.remove()
    set_active(True)
    alice.get("/settings", expect=303)

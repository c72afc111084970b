"""Signing in and out, and what a session may and may not survive."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask, Request, request
from sqlalchemy import delete, select, update

from tests.support.pages import HOST, PASSWORD, Visitor
from tests.support.world import World
from webapp.accounts.models import Person
from webapp.core import sessions
from webapp.core.addresses import is_local_path
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.core.sessions import SessionRow, hashed

SignIn = Callable[[str], Visitor]
COOKIE = "plumbline"


def cookie(visitor: Visitor) -> str:
    found = visitor.client.get_cookie(COOKIE, domain="127.0.0.1")
    return str(found.value) if found else ""


def with_cookie(app: Flask, value: str) -> Visitor:
    visitor = Visitor(app)
    visitor.client.set_cookie(COOKIE, value, domain="127.0.0.1")
    return visitor


def test_a_wrong_password_and_an_unknown_address_read_alike(visitor: Visitor, world: World) -> None:
    page = visitor.get("/sign-in")
    wrong = visitor.submit(
        page, "/sign-in", email=world.email("alice"), password="not it", expect=422
    )
    page = visitor.get("/sign-in")
    unknown = visitor.submit(
        page, "/sign-in", email="nobody@example.test", password="not it", expect=422
    )
    assert wrong.text == unknown.text
    assert "do not match" in wrong.text
    assert world.email("alice") in wrong.html


def test_the_id_changes_at_sign_in_and_the_old_one_is_dead(visitor: Visitor, world: World) -> None:
    visitor.get("/sign-in")
    before = cookie(visitor)
    visitor.sign_in(world.email("alice"))
    after = cookie(visitor)
    assert before
    assert before != after
    with_cookie(visitor.app, before).get("/settings", expect=303)
    with_cookie(visitor.app, after).get("/settings")


def test_only_a_hash_of_the_id_is_stored(alice: Visitor) -> None:
    with alice.app.app_context():
        rows = db.session.scalars(select(SessionRow.id_hash)).all()
    assert hashed(cookie(alice)) in rows
    assert cookie(alice) not in rows


def test_an_id_from_outside_is_never_adopted(app: Flask, world: World) -> None:
    attacker = with_cookie(app, "chosen-by-the-attacker")
    attacker.get("/sign-in")
    assert cookie(attacker) != "chosen-by-the-attacker"
    with app.app_context():
        assert db.session.get(SessionRow, hashed("chosen-by-the-attacker")) is None


def test_signing_out_ends_the_session_on_the_server(alice: Visitor) -> None:
    old = cookie(alice)
    alice.post("/sign-out")
    with_cookie(alice.app, old).get("/settings", expect=303)


def test_a_session_ended_elsewhere_is_not_brought_back_by_a_slow_request(
    app: Flask, alice: Visitor
) -> None:
    here = hashed(cookie(alice))
    with app.test_request_context(headers={"Host": HOST, "Cookie": f"{COOKIE}={cookie(alice)}"}):
        slow = app.session_interface.open_session(app, _request())
        assert slow is not None
        slow["late"] = "write"
        with writing() as session:
            session.execute(delete(SessionRow))
        response = app.make_response("")
        app.session_interface.save_session(app, slow, response)
        assert db.session.get(SessionRow, here) is None


def _request() -> Request:
    current: Request = request._get_current_object()  # type: ignore[attr-defined]
    return current


def test_a_session_ends_after_two_idle_hours_and_after_twelve_at_most(
    app: Flask, signed_in: SignIn
) -> None:
    now = utcnow()
    with time_machine.travel(now, tick=False) as clock:
        visitor = signed_in("alice")
        for _hour in range(11):
            clock.shift(timedelta(minutes=65))
            visitor.get("/settings", expect=200)
        clock.shift(timedelta(minutes=65))
        visitor.get("/settings", expect=303)
        visitor = signed_in("bob")
        clock.shift(sessions.IDLE + timedelta(seconds=1))
        visitor.get("/settings", expect=303)


def test_a_work_session_is_opened_by_no_cookie(app: Flask, alice: Visitor) -> None:
    with app.app_context():
        db.session.execute(update(SessionRow).values(kind="work"))
        db.session.commit()
    alice.get("/settings", expect=303)


def test_a_person_who_was_disabled_is_out_at_the_next_request(
    app: Flask, alice: Visitor, world: World
) -> None:
    with app.app_context():
        db.session.execute(
            update(Person).where(Person.id == world.people["alice"]).values(is_active=False)
        )
        db.session.commit()
    alice.get("/settings", expect=303)


def test_a_new_password_ends_the_sessions_elsewhere(signed_in: SignIn) -> None:
    here, elsewhere = signed_in("alice"), signed_in("alice")
    page = here.get("/settings/security")
    assert "Sign out everywhere else" in page.text
    new = "another long password"
    here.submit(page, "/settings/security", current=PASSWORD, new=new, again=new)
    here.get("/settings")
    elsewhere.get("/settings", expect=303)


@pytest.mark.parametrize(
    ("current", "new", "again", "complaint"),
    [
        ("wrong", "another long password", "another long password", "not your current password"),
        (PASSWORD, "short", "short", "Write at least 12 characters."),
        (PASSWORD, "e\u0301" * 6, "e\u0301" * 6, "Write at least 12 characters."),
        (PASSWORD, "a long\x00 password", "a long\x00 password", "cannot hold a tab"),
        (PASSWORD, "a long\tpassword", "a long\tpassword", "cannot hold a tab"),
        (PASSWORD, "a long\x85password", "a long\x85password", "cannot hold a tab"),
        (PASSWORD, "x" * 201, "x" * 201, "200"),
        (PASSWORD, "another long password", "a different password", "The two are not the same."),
    ],
)
def test_a_password_change_that_cannot_be_says_why(
    alice: Visitor, current: str, new: str, again: str, complaint: str
) -> None:
    page = alice.get("/settings/security")
    answer = alice.submit(
        page, "/settings/security", current=current, new=new, again=again, expect=422
    )
    assert complaint in answer.text


COMPOSED, APART = "contrase\u00f1a de \u00e9l", "contrasen\u0303a de e\u0301l"


@pytest.mark.parametrize(("chosen", "typed"), [(COMPOSED, APART), (APART, COMPOSED)])
def test_a_password_counts_however_a_keyboard_composes_its_accents(
    app: Flask, alice: Visitor, world: World, chosen: str, typed: str
) -> None:
    page = alice.get("/settings/security")
    alice.submit(page, "/settings/security", current=PASSWORD, new=chosen, again=chosen)
    for password in (typed, chosen):
        elsewhere = Visitor(app)
        page = elsewhere.get("/sign-in")
        elsewhere.submit(page, "/sign-in", email=world.email("alice"), password=password)
        elsewhere.get("/settings")


def test_a_password_kept_as_it_was_typed_still_opens(app: Flask, world: World) -> None:
    kept = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(APART)
    with app.app_context():
        about = Person.id == world.people["alice"]
        db.session.execute(update(Person).where(about).values(password_hash=kept))
        db.session.commit()
    visitor = Visitor(app)
    page = visitor.get("/sign-in")
    visitor.submit(page, "/sign-in", email=world.email("alice"), password=APART)
    visitor.get("/settings")


def test_one_session_can_be_ended_from_another(signed_in: SignIn) -> None:
    here, elsewhere = signed_in("alice"), signed_in("alice")
    here.post("/settings/security/end", {"session": hashed(cookie(elsewhere))})
    elsewhere.get("/settings", expect=303)


def test_nobody_ends_anothers_session(signed_in: SignIn) -> None:
    alice, bob = signed_in("alice"), signed_in("bob")
    bob.post("/settings/security/end", {"session": hashed(cookie(alice))})
    alice.get("/settings")


def test_guessing_is_limited_per_address_and_a_right_password_costs_nothing(
    app: Flask, world: World
) -> None:
    limiter.enabled = True
    limiter.reset()
    try:
        for _right in range(8):
            Visitor(app).sign_in(world.email("bob"))
        visitor = Visitor(app)
        page = visitor.get("/sign-in")
        for attempt in range(6):
            answer = visitor.submit(
                page, "/sign-in", email=world.email("alice"), password="guess", expect=None
            )
            assert answer.status == (422 if attempt < 5 else 429)
        assert "That was too often" in answer.text
        Visitor(app).sign_in(world.email("bob")).get("/settings")
    finally:
        limiter.enabled = False


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "///evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nX: y",
        "/.\\evil.example",
        "evil",
        "",
        "/" + "a" * 2001,
    ],
)
def test_no_target_after_sign_in_leads_elsewhere(target: str) -> None:
    assert not is_local_path(target)


def test_paths_of_ours_are_targets() -> None:
    assert is_local_path("/projects/1/rfis?status=open&q=a%20b")


def test_the_cookie_is_httponly_lax_and_host_bound_under_https(app: Flask) -> None:
    secure = sessions.ServerSessions(secure=True)
    assert secure.cookie_name == "__Host-plumbline"
    answer = Visitor(app).client.get("/sign-in", headers={"Host": HOST})
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "Path=/" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
            ),
            "Mobile Safari on iOS",
        ),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/150.0.0.0 Safari/537.36"
            ),
            "Chrome on Windows",
        ),
        ("<b>nobody's browser</b>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_where_one_is_signed_in_reads_as_people_say_it(
    app: Flask, world: World, user_agent: str, shown: str
) -> None:
    alice = Visitor(app)
    alice.client.environ_base["HTTP_USER_AGENT"] = user_agent
    alice.sign_in(world.email("alice"))
    assert shown in alice.get("/settings/security").text

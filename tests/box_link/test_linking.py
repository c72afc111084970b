"""Linking a Box account, the way My Settings tells it, and every way in which it can end."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from tests.box_link.looking import (
    browse,
    notices,
    punch_picker,
    row_of,
    session_hash,
    session_tokens,
    state_of,
)
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.copying import check_no_tokens
from tests.support.linking import (
    answer_of_box,
    come_back,
    grant_page,
    leave_for_box,
    link,
    location_of,
)
from tests.support.pages import PASSWORD, Page, Visitor
from tests.support.world import World
from webapp.box_link.models import BoxLink, LinkAttempt, Revocation
from webapp.companies.models import Company, Grant
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.wiring import chores

SignIn = Callable[[str], Visitor]
ROSA = "rosa.imamura@boxmail.example"
CLOSED = "This way back from Box is closed"


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


def live(sandbox: SandboxProcess, login: str = DEVON) -> list[str]:
    """Return what kinds of tokens of an account still open something."""
    return [t["kind"] for t in sandbox.tokens() if t["live"] and t["user"] == login]


def run_chores(app: Flask, *, later: timedelta = timedelta()) -> None:
    """Do what the workers do between copies, now or some time later."""
    with time_machine.travel(utcnow() + later, tick=True), app.app_context():
        chores.drop_overdue_attempts()
        chores.revoke_due()
        db.session.remove()


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context():
        found = db.session.scalar(select(func.count()).select_from(table))
        db.session.remove()
    return found or 0


def check_nothing_stored(app: Flask, sandbox: SandboxProcess, me: int) -> None:
    """No link, no token, and once the workers have been round, no grant at Box either."""
    assert row_of(app, me) is None
    assert session_tokens(app) == 0
    run_chores(app, later=timedelta(minutes=15))
    assert [kind for kind in live(sandbox) if kind != "code"] == []
    assert count(app, Revocation) == 0
    with app.app_context():
        pending = db.session.scalars(
            select(LinkAttempt).where(LinkAttempt.pending_sealed.is_not(None))
        ).all()
        db.session.remove()
    assert pending == []


# ---- the steps


def test_the_way_to_box_begins_under_my_settings(alice: Visitor, sandbox: SandboxProcess) -> None:
    settings = alice.get("/settings")
    page = alice.get(settings.links()["Box Integration"])
    assert "Not linked" in page.text
    form = next(f for f in page.all("form") if (f.get("action") or "").endswith("/box/link"))
    assert form.get("target") == "_blank"
    button = next(b for b in form.iter() if b.tag.endswith("button"))
    assert "".join(button.itertext()).strip().startswith("Box Integration")
    asked = leave_for_box(alice)
    assert set(asked) >= {"response_type", "client_id", "redirect_uri", "state"}
    assert "scope" not in asked
    consent = grant_page(sandbox, asked, DEVON)
    assert "Grant access to Box" in consent.text
    assert "Linking" in alice.get("/settings/box").text


def test_the_page_that_comes_back_names_the_account_and_may_be_closed(
    alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    left = leave_for_box(alice)
    answer = answer_of_box(sandbox, left)
    back = alice.get("/box/callback", query_string=answer, expect=303)
    clean = location_of(back.response)
    assert "code" not in clean
    assert "state" not in clean
    page = alice.get(clean)
    assert page.h1 == "Your Box account is linked"
    assert "Devon Achterberg" in page.text
    assert DEVON in page.text
    assert "You may close this window" in page.text
    card = alice.get("/settings/box").text
    for words in ("Linked", "Devon Achterberg", DEVON, "Linked since", "Last used not yet"):
        assert words in card
    assert "Quillmark Projects" in browse(alice, world).text


def test_the_card_goes_on_by_itself_until_the_link_is_there(
    alice: Visitor, sandbox: SandboxProcess
) -> None:
    left = leave_for_box(alice)
    waiting = alice.get("/settings/box/status", htmx=True)
    assert 'hx-trigger="every 3s"' in waiting.html
    come_back(alice, answer_of_box(sandbox, left))
    done = alice.get("/settings/box/status", htmx=True)
    assert DEVON in done.text
    assert "hx-trigger" not in done.html


# ---- other endings


def test_denying_links_nothing(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice), decision="deny")
    answer["error_description"] = "<b>Call this number</b>"
    page = come_back(alice, answer)
    assert page.h1 == "You did not grant access"
    assert "Call this number" not in page.html
    assert "Try again" in page.text
    check_nothing_stored(app, sandbox, me)


def test_closing_boxs_window_leaves_an_attempt_that_waits(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    grant_page(sandbox, leave_for_box(alice), DEVON)
    page = alice.get("/settings/box")
    assert "Box is open in another tab" in page.text
    assert "Open Box again" in page.text
    with time_machine.travel(utcnow() + timedelta(minutes=11), tick=True):
        assert "Not linked" in alice.get("/settings/box").text
    check_nothing_stored(app, sandbox, me)


def test_where_boxs_admin_blocks_the_app_the_waiting_page_says_what_to_do(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    sandbox.settings(disabled_by_admin=True)
    page = grant_page(sandbox, leave_for_box(alice), DEVON)
    assert "Disabled by Administrator" in page.text
    assert "Disabled by Administrator" not in alice.get("/settings/box").text
    with time_machine.travel(utcnow() + timedelta(minutes=4), tick=True):
        waiting = alice.get("/settings/box/status", htmx=True)
    assert "“Disabled by Administrator”, your company's Box administrator" in waiting.text
    check_nothing_stored(app, sandbox, me)


def test_a_code_older_than_half_a_minute_links_nothing(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    sandbox.advance(31)
    page = come_back(alice, answer)
    assert page.h1 == "Box did not complete the link"
    assert "Try again" in page.text
    check_nothing_stored(app, sandbox, me)


@pytest.mark.parametrize(
    "path", ["^/oauth2/token$", "^/2.0/users/me$"], ids=["at the exchange", "after the exchange"]
)
def test_a_box_that_fails_half_way_leaves_no_grant_behind(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, path: str
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    sandbox.faults({"match": {"path": path}, "action": {"status": 503}})
    page = come_back(alice, answer)
    assert page.h1 == "Box could not be linked"
    check_nothing_stored(app, sandbox, me)


@pytest.mark.parametrize("code", ["", "x" * 513, "a\x00b", "é"])
def test_what_is_no_code_is_not_brought_to_box(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, code: str
) -> None:
    asked = leave_for_box(alice)
    sandbox.forget_calls()
    page = come_back(alice, {"state": asked["state"], "code": code})
    assert page.h1 == "Box could not be linked"
    assert sandbox.calls()["total"] == 0
    check_nothing_stored(app, sandbox, me)


# ---- the state


def refused(visitor: Visitor, sandbox: SandboxProcess, answer: dict[str, str]) -> Page:
    """Come back with an answer that must not count, and must not be brought to Box."""
    before = sandbox.calls()["counts"].get("POST /oauth2/token", 0)
    page = visitor.get("/box/callback", query_string=answer, expect=400)
    assert sandbox.calls()["counts"].get("POST /oauth2/token", 0) == before
    return page


def test_a_state_counts_once(alice: Visitor, sandbox: SandboxProcess) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    come_back(alice, answer)
    assert refused(alice, sandbox, answer).h1 == CLOSED


@pytest.mark.parametrize("state", ["", "forged", "x" * 300, "a" * 43, "\x00", "ü"])
def test_a_forged_state_is_refused(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, state: str
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    assert refused(alice, sandbox, {**answer, "state": state}).h1 == CLOSED
    check_nothing_stored(app, sandbox, me)


def test_the_way_out_is_for_one_session_and_closes_behind_whoever_came_back(
    app: Flask, alice: Visitor, bob: Visitor, signed_in: SignIn, sandbox: SandboxProcess
) -> None:
    begun = alice.post("/settings/box/link", expect=303)
    path = location_of(begun.response)
    page = alice.get(path)
    address = page.links()["Continue to Box"]
    assert page.response.headers["Refresh"] == f"0; url={address}"
    assert "form-action 'self';" in page.response.headers["Content-Security-Policy"]
    state = parse_qs(urlsplit(address).query)["state"][0]
    assert state not in path
    assert alice.get(path).links()["Continue to Box"] == address, "loading it again changes nothing"
    for other in (bob, signed_in("alice")):
        assert location_of(other.get(path, expect=303).response) == "/settings/box"
    with time_machine.travel(utcnow() + timedelta(minutes=11), tick=True):
        alice.get(path, expect=303)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    come_back(alice, answer_of_box(sandbox, asked))
    assert location_of(alice.get(path, expect=303).response) == "/settings/box"
    with app.app_context():
        sealed = db.session.scalars(select(LinkAttempt.address_sealed)).all()
        db.session.remove()
    assert set(sealed) == {None}


def test_a_state_older_than_ten_minutes_is_refused(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    asked = leave_for_box(alice)
    answer = answer_of_box(sandbox, asked)
    with time_machine.travel(utcnow() + timedelta(minutes=10, seconds=5), tick=True):
        assert refused(alice, sandbox, answer).h1 == CLOSED
    check_nothing_stored(app, sandbox, me)


def test_another_browser_of_the_same_person_cannot_finish(
    app: Flask, alice: Visitor, signed_in: SignIn, sandbox: SandboxProcess, me: int
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    assert refused(signed_in("alice"), sandbox, answer).h1 == CLOSED
    check_nothing_stored(app, sandbox, me)


def test_a_code_slipped_to_somebody_else_links_nobody(
    app: Flask, alice: Visitor, bob: Visitor, sandbox: SandboxProcess, me: int, world: World
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(bob), login=ROSA)
    assert refused(alice, sandbox, answer).h1 == CLOSED
    assert row_of(app, world.people["bob"]) is None
    check_nothing_stored(app, sandbox, me)


def test_whoever_signed_in_meanwhile_is_not_linked(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, world: World
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    alice.post("/sign-out")
    alice.sign_in(world.email("bob"))
    assert refused(alice, sandbox, answer).h1 == CLOSED
    assert row_of(app, world.people["bob"]) is None
    check_nothing_stored(app, sandbox, me)


def test_without_a_session_the_way_back_says_to_sign_in(
    app: Flask, alice: Visitor, visitor: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    page = refused(visitor, sandbox, answer)
    assert page.h1 == "You are not signed in here"
    assert answer["code"] not in page.html
    assert answer["state"] not in page.html
    check_nothing_stored(app, sandbox, me)


def test_the_outcome_is_shown_to_nobody_else(
    alice: Visitor, bob: Visitor, signed_in: SignIn, sandbox: SandboxProcess
) -> None:
    path = link(alice, sandbox).response.request.path
    bob.get(path, expect=404)
    signed_in("alice").get(path, expect=404)


def test_starting_over_and_over_keeps_few_attempts_and_the_last_one_works(
    app: Flask, alice: Visitor, sandbox: SandboxProcess
) -> None:
    for _ in range(8):
        asked = leave_for_box(alice)
    assert count(app, LinkAttempt) <= 5
    assert come_back(alice, answer_of_box(sandbox, asked)).h1 == "Your Box account is linked"


def test_signing_out_while_the_code_is_exchanged_leaves_no_grant_behind(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(alice))
    tab = Visitor(app)
    cookie = alice.client.get_cookie("plumbline", domain="127.0.0.1")
    tab.client.set_cookie("plumbline", cookie.value, domain="127.0.0.1")
    sandbox.faults({"match": {"path": "/users/me$"}, "action": {"gate": "whose"}})
    pages: list[Page] = []
    thread = threading.Thread(
        target=lambda: pages.append(tab.get("/box/callback", query_string=answer, expect=None))
    )
    thread.start()
    sandbox.wait_for_gate("whose")
    alice.post("/sign-out")
    sandbox.release("whose")
    thread.join(20)
    assert [page.status for page in pages] == [303]
    check_nothing_stored(app, sandbox, me)


# ---- companies and passwords


def set_grant(app: Flask, company_id: int, grant: Grant) -> None:
    with app.app_context(), writing() as session:
        session.execute(
            update(Company).where(Company.id == company_id).values(box_grant=grant.value)
        )


def test_a_company_without_box_names_who_can_ask_for_it(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    set_grant(app, world.acme, Grant.NONE)
    page = bob.get("/settings/box")
    assert "Acme Builders does not have Box enabled. Alice Test can ask for it." in page.text
    assert page.links()["Write to Alice Test"] == f"mailto:{world.email('alice')}"
    assert "As its administrator you can ask Plumbline for it." in alice.get("/settings/box").text
    assert "Ask for Box" in alice.get("/settings/box").links()
    refusal = bob.post("/settings/box/link", expect=403)
    assert "Box is on in none of your companies" in refusal.text
    assert count(app, LinkAttempt) == 0


def test_box_switched_off_while_the_person_was_at_box_links_nothing(
    app: Flask, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    answer = answer_of_box(sandbox, leave_for_box(bob))
    set_grant(app, world.acme, Grant.WITHDRAWN)
    page = come_back(bob, answer)
    assert page.h1 == "Box is not enabled"
    assert "Ask Alice Test." in page.text
    check_nothing_stored(app, sandbox, world.people["bob"])


@pytest.mark.parametrize("path", ["/settings/box/link", "/settings/box/disconnect"])
def test_an_old_sign_in_is_asked_for_the_password(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, path: str
) -> None:
    link(alice, sandbox)
    with time_machine.travel(utcnow() + timedelta(minutes=16), tick=True):
        page = alice.post(path)
        assert "asks for your password" in page.text
        assert state_of(app, me) == "active"
        wrong = alice.submit(page, path, password="wrong", expect=422)
        assert "That is not your password." in wrong.text
        done = alice.submit(wrong, path, password=PASSWORD, expect=303)
    expected = "/box/leave/" if path.endswith("link") else "/settings/box"
    assert expected in location_of(done.response)
    assert (state_of(app, me) is None) == path.endswith("disconnect")


# ---- another account


def test_another_account_waits_for_a_word_that_names_both(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, world: World
) -> None:
    link(alice, sandbox)
    page = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    assert page.h1 == "Link another Box account?"
    assert f"You are linked to {DEVON}. You have just granted access to {ROSA}." in page.text
    row = row_of(app, me)
    assert row is not None
    assert row["box_login"] == DEVON
    assert "Quillmark Projects" in browse(alice, world).text


def test_replacing_links_the_new_account_and_ends_the_old_grant(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, world: World
) -> None:
    link(alice, sandbox)
    page = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    done = alice.submit(page, page.response.request.path, choice="replace")
    assert done.h1 == "Your Box account is linked"
    assert ROSA in done.text
    run_chores(app, later=timedelta(minutes=15))
    assert live(sandbox) == []
    assert set(live(sandbox, ROSA)) == {"access", "refresh"}
    assert ROSA in alice.get("/settings/box").text
    assert browse(alice, world).status == 200
    alice.submit(page, page.response.request.path, choice="keep", expect=404)
    row = row_of(app, me)
    assert row is not None
    assert row["box_login"] == ROSA


def test_keeping_ends_the_new_grant(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, world: World
) -> None:
    link(alice, sandbox)
    page = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    done = alice.submit(page, page.response.request.path, choice="keep")
    assert f"You are still linked to {DEVON}" in done.text
    run_chores(app)
    assert live(sandbox, ROSA) == []
    assert "Quillmark Projects" in browse(alice, world).text
    assert count(app, Revocation) == 0


@pytest.mark.parametrize("signs_out", [False, True], ids=["waits", "signs out"])
def test_a_grant_that_nobody_confirms_is_given_back(
    app: Flask,
    alice: Visitor,
    signed_in: SignIn,
    sandbox: SandboxProcess,
    world: World,
    signs_out: bool,
) -> None:
    link(alice, sandbox)
    page = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    run_chores(app)
    assert live(sandbox, ROSA), "it is kept while the person thinks"
    if signs_out:
        alice.post("/sign-out")
        alice = signed_in("alice")
    run_chores(app, later=timedelta(minutes=12))
    assert live(sandbox, ROSA) == []
    alice.submit(page, page.response.request.path, choice="replace", expect=None)
    assert "Quillmark Projects" in browse(alice, world).text
    assert DEVON in alice.get("/settings/box").text


def test_nobody_else_gives_the_word(
    app: Flask, alice: Visitor, bob: Visitor, signed_in: SignIn, sandbox: SandboxProcess, me: int
) -> None:
    link(alice, sandbox)
    page = come_back(alice, answer_of_box(sandbox, leave_for_box(alice), login=ROSA))
    path = page.response.request.path
    for visitor in (bob, signed_in("alice")):
        visitor.post(path, {"choice": "replace"}, expect=404)
    alice.post(path, {"choice": "both"}, expect=422)
    row = row_of(app, me)
    assert row is not None
    assert row["box_login"] == DEVON


def test_linking_the_same_account_again_renews_the_link_and_keeps_it_working(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, world: World
) -> None:
    link(alice, sandbox)
    before = row_of(app, me)
    sandbox.settings(revoke_kills_other_grants=True)
    assert link(alice, sandbox).h1 == "Your Box account is linked"
    run_chores(app, later=timedelta(minutes=15))
    after = row_of(app, me)
    assert before is not None
    assert after is not None
    assert after["generation"] > before["generation"]
    assert "Quillmark Projects" in browse(alice, world).text


def test_two_people_may_link_one_account_and_are_advised_against_it(
    alice: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    page = link(bob, sandbox)
    assert "Another person here has linked this Box account too." in page.text
    assert "links an account of your own" in page.text
    assert "Another person here" in alice.get("/settings/box").text
    for visitor in (alice, bob):
        listing = browse(visitor, world, where=punch_picker(world))
        assert "Quillmark Projects" in listing.text


# ---- disconnecting


def test_disconnecting_asks_first_and_says_what_will_happen(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    link(alice, sandbox)
    page = alice.get(alice.get("/settings/box").links()["Disconnect…"])
    assert f"Disconnect {DEVON}?" in page.text
    for words in ("No copies are under way.", "tells Box to forget it too", "link again"):
        assert words in page.text
    assert "Keep the link" in page.links()
    assert state_of(app, me) == "active"
    card = alice.submit(page, "/settings/box/disconnect")
    assert "Not linked" in card.text
    assert DEVON not in card.text
    check_nothing_stored(app, sandbox, me)


def test_without_a_link_there_is_nothing_to_disconnect(alice: Visitor) -> None:
    alice.get("/settings/box/disconnect", expect=404)
    assert "Not linked" in alice.post("/settings/box/disconnect").text


def test_after_disconnecting_no_open_page_reaches_box(
    alice: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    other = signed_in("alice")
    browse(other, world)
    alice.post("/settings/box/disconnect")
    sandbox.forget_calls()
    assert "Link your own Box account once" in browse(other, world).text
    assert sandbox.calls()["total"] == 0


def test_disconnecting_while_box_is_down_is_told_to_box_later(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int
) -> None:
    link(alice, sandbox)
    sandbox.faults({"match": {"path": "revoke"}, "action": {"status": 503}, "times": 2})
    alice.post("/settings/box/disconnect")
    assert row_of(app, me) is None
    run_chores(app)
    assert live(sandbox)
    run_chores(app, later=timedelta(minutes=2))
    assert live(sandbox)
    run_chores(app, later=timedelta(minutes=4))
    assert live(sandbox) == []
    assert count(app, Revocation) == 0
    assert notices(app, me, "box_not_told") == 0


@pytest.mark.parametrize("trouble", ["down", "another secret"])
def test_a_box_that_cannot_be_told_for_a_day_is_left_to_the_person(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, me: int, trouble: str
) -> None:
    link(alice, sandbox)
    if trouble == "down":
        sandbox.faults({"match": {"path": "revoke"}, "action": {"status": 503}, "times": None})
    else:
        sandbox.settings(client_secret="another")
    alice.post("/settings/box/disconnect")
    run_chores(app)
    assert count(app, Revocation) == 1
    assert notices(app, me, "box_not_told") == 0
    run_chores(app, later=timedelta(hours=25))
    assert count(app, Revocation) == 0
    assert notices(app, me, "box_not_told") == 1
    assert "Box could not be told to forget a link of yours." in alice.get("/notices").text


# ---- whose link it is


def test_a_link_is_its_persons_alone(
    alice: Visitor, bob: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    sandbox.forget_calls()
    listing = browse(bob, world, where=punch_picker(world))
    assert "Link your own Box account once" in listing.text
    imani = signed_in("imani")
    browse(imani, world, expect=404)
    for visitor in (bob, imani, signed_in("dora")):
        assert DEVON not in visitor.get("/settings/box").text
        visitor.get("/settings/box/disconnect", expect=404)
        visitor.post("/settings/box/disconnect")
    assert sandbox.calls()["total"] == 0
    assert DEVON in alice.get("/settings/box").text


def test_another_persons_session_never_gets_the_token(
    app: Flask, alice: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World, me: int
) -> None:
    from webapp.box_link.clients import box_access
    from webapp.box_link.store import LinkTokenStore

    link(alice, sandbox)
    with app.app_context():
        access = box_access()
        store = LinkTokenStore(
            person_id=world.people["bob"],
            session_hash=session_hash(alice),
            sealer=access.linker.sealer,
            locks=access.locks,
        )
        assert store.mine() is None
        assert store.adopt() is None
        stolen = LinkTokenStore(
            person_id=me,
            session_hash=session_hash(alice),
            sealer=access.linker.sealer,
            locks=access.locks,
        )
        assert stolen.mine() is not None
        with writing() as session:
            session.execute(update(BoxLink).values(person_id=world.people["bob"]))
        assert store.mine() is None, "a row moved to another person does not open"


def test_signing_out_takes_the_sessions_token_with_it(
    app: Flask, alice: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World, me: int
) -> None:
    link(alice, sandbox)
    other = signed_in("alice")
    browse(other, world)
    assert session_tokens(app) == 2
    alice.post("/sign-out")
    assert session_tokens(app) == 1
    other.post("/sign-out")
    assert session_tokens(app) == 0
    assert state_of(app, me) == "active"


def test_a_session_that_runs_out_takes_its_token_with_it(
    app: Flask, alice: Visitor, sandbox: SandboxProcess
) -> None:
    link(alice, sandbox)
    with time_machine.travel(utcnow() + timedelta(hours=3), tick=True), app.app_context():
        chores.end_sessions()
        db.session.remove()
    assert session_tokens(app) == 0


# ---- when it was last used


def used_at(app: Flask, me: int) -> Any:
    row = row_of(app, me)
    assert row is not None
    return row["last_used_at"]


def test_browsing_counts_as_use_and_is_written_once_in_a_while(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World, me: int
) -> None:
    link(alice, sandbox)
    assert used_at(app, me) is None
    browse(alice, world)
    first = used_at(app, me)
    assert first is not None
    assert "Last used not yet" not in alice.get("/settings/box").text
    for _ in range(3):
        browse(alice, world)
    with time_machine.travel(utcnow() + timedelta(minutes=4), tick=True):
        browse(alice, world)
    assert used_at(app, me) == first
    with time_machine.travel(utcnow() + timedelta(minutes=6), tick=True):
        browse(alice, world)
    assert used_at(app, me) > first


# ---- the help


def test_the_help_tells_the_seven_steps_in_boxs_own_words(alice: Visitor) -> None:
    page = alice.get("/help/box")
    steps = [" ".join("".join(li.itertext()).split()) for li in next(page.all("ol"))]
    assert len(steps) == 7
    words = (
        "click your name",
        "My Settings",
        "Box Integration",
        "Log in",
        "Authorize",
        "grant Plumbline access to your Box account's files",
        "Grant access to Box",
    )
    assert all(word in step for word, step in zip(words, steps, strict=True))


def test_the_help_names_the_twelve_tools_and_the_one_without(alice: Visitor) -> None:
    page = alice.get("/help/box")
    lists = [[("".join(li.itertext())).strip() for li in ul] for ul in page.all("ul")]
    tools = next(found for found in lists if "RFIs" in found)
    assert len(tools) == len(set(tools)) == 12
    assert "Documents" not in tools
    assert "Box does not appear in Documents" in page.text


def test_the_help_says_what_is_never_done_and_the_way_back(alice: Visitor) -> None:
    text = alice.get("/help/box").text
    for words in (
        "Nothing is written, moved, renamed, shared or deleted in your Box.",
        "Nobody else browses it or chooses from it",
        "Download the file from its record to your computer, then upload it in Box.",
        "each person links an account of their own",
    ):
        assert words in text

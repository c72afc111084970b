"""Box's token endpoint: which answers count, and that nothing else is ever believed or followed."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.box.held import Held, Listener
from tests.sandbox.people import REDIRECT_URI, Browser
from tests.sandbox.process import CLIENT_ID, CLIENT_SECRET, SandboxProcess
from webapp.box.errors import BoxMisconfigured, BoxUnavailable
from webapp.box.oauth import OAuth
from webapp.box.tokens import InvalidGrant, TokenPair

TOKEN = {"path": "^/oauth2/token$"}
PAIR: dict[str, Any] = {
    "access_token": "TKN_a",
    "refresh_token": "TKN_r",
    "expires_in": 3600,
    "token_type": "bearer",
}
BOUND_SECONDS = 10


@pytest.fixture
def oauth(sandbox: SandboxProcess) -> OAuth:
    return OAuth(
        CLIENT_ID, CLIENT_SECRET, sandbox.account_url, sandbox.api_url, redirect_uri=REDIRECT_URI
    )


def code_for(sandbox: SandboxProcess) -> str:
    browser = Browser(sandbox)
    code = browser.grant()
    browser.http.close()
    return code


def answer(sandbox: SandboxProcess, **action: Any) -> None:
    sandbox.faults({"match": TOKEN, "action": action, "times": None})


# ---- the way to Box


def test_the_authorize_address_asks_for_a_code_and_nothing_more(oauth: OAuth) -> None:
    trip = oauth.authorization()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(trip.url).query).items()}
    assert trip.url.startswith(f"{oauth.account_url}/api/oauth2/authorize?")
    assert asked.pop("state") == trip.state
    assert asked.pop("code_challenge")
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "code_challenge_method": "S256",
    }
    assert CLIENT_SECRET not in trip.url
    assert trip.code_verifier not in trip.url
    assert trip.code_verifier not in repr(trip)


def test_no_two_trips_share_their_state_or_verifier(oauth: OAuth) -> None:
    trips = [oauth.authorization() for _ in range(50)]
    assert len({trip.state for trip in trips}) == 50
    assert len({trip.code_verifier for trip in trips}) == 50
    assert all(len(trip.state) >= 43 and len(trip.code_verifier) >= 43 for trip in trips)


# ---- exchange, refresh, revoke as they should go


def test_a_code_is_exchanged_once(sandbox: SandboxProcess, oauth: OAuth) -> None:
    code = code_for(sandbox)
    pair = oauth.exchange(code, code_verifier="v" * 48)
    assert 3500 < pair.expires_in_s <= 3600
    assert "TKN_" not in repr(pair)
    with pytest.raises(InvalidGrant):
        oauth.exchange(code, code_verifier="v" * 48)


def test_a_code_that_took_half_a_minute_is_refused(sandbox: SandboxProcess, oauth: OAuth) -> None:
    code = code_for(sandbox)
    sandbox.advance(31)
    with pytest.raises(InvalidGrant):
        oauth.exchange(code, code_verifier="v" * 48)


def test_refreshing_again_gives_the_same_pair_until_it_is_used(held: Held, oauth: OAuth) -> None:
    first, again = (oauth.refresh(held.app.tokens.refresh) for _ in range(2))
    assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)
    assert held.app.get("/users/me", token=first.access_token).status_code == 200
    with pytest.raises(InvalidGrant):
        oauth.refresh(held.app.tokens.refresh)


def test_revoking_ends_the_grant_and_doing_so_twice_is_fine(
    sandbox: SandboxProcess, held: Held, oauth: OAuth
) -> None:
    oauth.revoke(held.app.tokens.refresh)
    assert not any(token["live"] for token in sandbox.tokens())
    oauth.revoke(held.app.tokens.refresh)
    oauth.revoke("nobody knows this one")
    with pytest.raises(InvalidGrant):
        oauth.refresh(held.app.tokens.refresh)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_revocation_that_box_did_not_take_is_not_done(
    sandbox: SandboxProcess, held: Held, oauth: OAuth, status: int
) -> None:
    sandbox.faults({"match": {"path": "/oauth2/revoke"}, "action": {"status": status}})
    with pytest.raises(BoxUnavailable):
        oauth.revoke(held.app.tokens.refresh)


def test_a_revocation_with_the_wrong_secret_is_not_done(
    sandbox: SandboxProcess, held: Held, oauth: OAuth
) -> None:
    sandbox.settings(client_secret="another")
    with pytest.raises(BoxMisconfigured):
        oauth.revoke(held.app.tokens.refresh)
    assert any(token["live"] for token in sandbox.tokens())


# ---- answers that do not count

BAD: list[dict[str, Any]] = [
    {"json": {k: v for k, v in PAIR.items() if k != missing}} for missing in PAIR
]
BAD += [
    {"json": PAIR | changed}
    for changed in (
        {"refresh_token": ""},
        {"refresh_token": None},
        {"access_token": ["TKN_a"]},
        {"access_token": "x" * 5000},
        {"access_token": "TKN_a\r\nX-Evil: 1"},
        {"access_token": "TKN a"},
        {"refresh_token": "TKN_ü"},
        {"token_type": "mac"},
        {"expires_in": 0},
        {"expires_in": -3600},
        {"expires_in": 59},
        {"expires_in": 86_401},
        {"expires_in": "3600"},
        {"expires_in": True},
        {"expires_in": 1e30},
        {"error": "invalid_grant"},
    )
]
BAD += [
    {"json": [PAIR]},
    {"body": ""},
    {"body": "access_token=TKN_a&refresh_token=TKN_r&token_type=bearer&expires_in=3600"},
    {"body": "<html>Sign in to the hotel's network</html>"},
    {"zeros": 200_000},
    {"status": 201, "json": PAIR},
    {"status": 403, "json": PAIR},
    {"status": 403, "json": {"code": "forbidden", "message": "no error key"}},
    {"status": 429, "json": {"code": "rate_limit_exceeded"}, "headers": {"Retry-After": "5"}},
    {"status": 403, "json": {"error": "invalid_grant"}},
    {"status": 500, "json": {"error": "invalid_grant"}},
    {"status": 503, "body": "<html>Down</html>"},
    {"status": 400, "body": "<html>Bad request</html>"},
    {"status": 400, "json": {"error": "temporarily_unavailable"}},
    {"status": 409, "json": {"code": "conflict"}},
    {"truncate_after": 20},
    {"process_then_drop": True},
]
Ask = Callable[[OAuth], TokenPair]
ASKS = {
    "refresh": lambda oauth: oauth.refresh("TKN_r"),
    "exchange": lambda oauth: oauth.exchange("TKN_c", code_verifier="v" * 48),
}
EITHER = pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)


@EITHER
@pytest.mark.parametrize("action", BAD, ids=str)
def test_only_a_full_valid_answer_is_a_pair(
    sandbox: SandboxProcess, oauth: OAuth, ask: Ask, action: dict[str, Any]
) -> None:
    answer(sandbox, **action)
    with pytest.raises(BoxUnavailable):
        ask(oauth)
    assert sandbox.fault_hits() == [1]


@EITHER
@pytest.mark.parametrize("kind", ["bearer", "Bearer", "BEARER"])
def test_the_type_may_be_written_in_any_case(
    sandbox: SandboxProcess, oauth: OAuth, ask: Ask, kind: str
) -> None:
    answer(sandbox, json=PAIR | {"token_type": kind, "restricted_to": []})
    assert ask(oauth) == TokenPair("TKN_a", "TKN_r", 3600)


@EITHER
@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_grant_and_a_refused_client_are_told_apart(
    sandbox: SandboxProcess, oauth: OAuth, ask: Ask, status: int
) -> None:
    answer(sandbox, status=status, json={"error": "invalid_grant", "error_description": "x"})
    with pytest.raises(InvalidGrant):
        ask(oauth)
    for error in ("invalid_client", "unauthorized_client"):
        sandbox.clear_faults()
        answer(sandbox, status=status, json={"error": error})
        with pytest.raises(BoxMisconfigured):
            ask(oauth)


@EITHER
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_token_endpoint_is_never_followed(
    sandbox: SandboxProcess, oauth: OAuth, ask: Ask, foreign: Listener, status: int
) -> None:
    answer(sandbox, redirect=foreign.url, status=status)
    with pytest.raises(BoxUnavailable):
        ask(oauth)
    assert foreign.visits == 0
    assert sandbox.fault_hits() == [1]


@pytest.mark.slow
def test_a_hanging_token_endpoint_is_given_up_in_time(
    sandbox: SandboxProcess, oauth: OAuth
) -> None:
    hangs: list[dict[str, Any]] = [
        {"hang_s": 60},
        {"answer_then_hang": 10},
        {"json": PAIR | {"padding": " " * 4000}, "drip": 20},
    ]
    waiting = [ask for ask in ASKS.values() for _ in hangs]
    sandbox.faults(*({"match": TOKEN, "action": action} for action in hangs * len(ASKS)))
    took: list[float] = []

    def wait(ask: Ask) -> None:
        began = time.monotonic()
        with contextlib.suppress(BoxUnavailable):
            ask(oauth)
            return
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=wait, args=(ask,)) for ask in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    sandbox.clear_faults()
    assert len(took) == len(waiting), "somebody got a pair, or still waits"
    assert max(took) < BOUND_SECONDS, took

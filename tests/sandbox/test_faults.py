"""Faults on schedule: each action does what it says, to the calls it is for and no others."""

import gzip
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from urllib3.exceptions import HTTPError

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess

README = "/Templates/Folder structure readme.txt"
PHOTO = "/99 Odds and Ends/Same names/Photo.jpg"


def fault(action: dict[str, Any], **rule: Any) -> dict[str, Any]:
    match = rule.pop("match", {"path": "^/2.0/users/me$"})
    return {"match": match, "action": action, **rule}


def on_download(action: dict[str, Any]) -> dict[str, Any]:
    return fault(action, match={"host": "download"})


def body_of(app: App, url: str) -> tuple[bytes, Exception | None]:
    """Return what arrives of a body, and what ended it if not its end."""
    got = b""
    try:
        with app.http.get(url, stream=True, timeout=10) as answer:
            while chunk := answer.raw.read1(65536):
                got += chunk
    except (HTTPError, OSError) as error:
        return got, error
    return got, None


def in_background(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start some work and return its thread and where its outcome will be."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except requests.RequestException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


# ---- which calls


def test_a_rule_lets_some_pass_then_hits_as_often_as_it_says(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.faults(fault({"status": 503}, skip=1, times=2))
    statuses = [devon.get("/users/me").status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    assert sandbox.fault_hits() == [2]


def test_a_rule_without_an_end_hits_until_it_is_dropped(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.faults(fault({"status": 503}, times=None))
    assert {devon.get("/users/me").status_code for _ in range(5)} == {503}
    sandbox.clear_faults()
    assert devon.get("/users/me").status_code == 200


def test_a_rule_can_be_for_one_person(sandbox: SandboxProcess, devon: App) -> None:
    rosa = App(sandbox).link("rosa.imamura@boxmail.example")
    only_rosa = {"path": "users/me", "user": "rosa.imamura@boxmail.example"}
    sandbox.faults(fault({"status": 503}, match=only_rosa, times=None))
    assert devon.get("/users/me").status_code == 200
    assert rosa.get("/users/me").status_code == 503
    rosa.http.close()


@pytest.mark.parametrize("host", ["api", "token", "account", "download"])
def test_a_rule_can_be_for_one_host(sandbox: SandboxProcess, devon: App, host: str) -> None:
    location = devon.location(sandbox.world(README)["id"])
    sandbox.faults(fault({"status": 503}, match={"host": host}, times=None))
    form = {"grant_type": "refresh_token", "refresh_token": devon.tokens.refresh}
    statuses = {
        "api": devon.get("/users/me").status_code,
        "token": devon.token(**form).status_code,
        "account": devon.http.get(
            f"{sandbox.account_url}/api/oauth2/authorize", timeout=10
        ).status_code,
        "download": devon.http.get(location, timeout=10).status_code,
    }
    assert [name for name, status in statuses.items() if status == 503] == [host]


def test_token_calls_and_downloads_belong_to_a_person_too(
    sandbox: SandboxProcess, devon: App
) -> None:
    location = devon.location(sandbox.world(README)["id"])
    mine = {"user": "devon.achterberg@boxmail.example"}
    sandbox.faults(
        fault({"status": 500}, match=mine | {"host": "token"}),
        fault({"status": 500}, match=mine | {"host": "download"}),
    )
    assert devon.token(refresh_token=devon.tokens.refresh).status_code == 500
    assert devon.http.get(location, timeout=10).status_code == 500


@pytest.mark.parametrize(
    "rule",
    [
        {"action": {"explode": 1}},
        {"match": {"colour": "red"}, "action": {}},
        {"match": {"path": "("}, "action": {}},
        {"when": 1, "action": {}},
        {"action": {"gate": "g", "gate_at": "nowhere"}},
    ],
)
def test_a_rule_that_means_nothing_is_refused(
    sandbox: SandboxProcess, rule: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match="400"):
        sandbox.faults(rule)


# ---- replies


def test_a_made_up_reply(sandbox: SandboxProcess, devon: App) -> None:
    action = {"status": 429, "headers": {"Retry-After": "abc"}, "json": {"code": "x"}}
    sandbox.faults(fault(action))
    answer = devon.get("/users/me")
    assert (answer.status_code, answer.json()) == (429, {"code": "x"})
    assert answer.headers["Retry-After"] == "abc"
    assert answer.headers["Content-Type"] == "application/json"


def test_a_made_up_text(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(
        fault({"status": 200, "body": "<html>", "headers": {"Content-Type": "text/html"}})
    )
    answer = devon.get("/users/me")
    assert (answer.text, answer.headers["Content-Type"]) == ("<html>", "text/html")


def test_headers_alone_are_added_to_the_real_reply(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"headers": {"X-Added": "1"}}))
    answer = devon.get("/users/me")
    assert (answer.status_code, answer.headers["X-Added"]) == (200, "1")
    assert answer.json()["name"] == "Devon Achterberg"


def test_a_redirect_elsewhere(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"redirect": "http://evil.example/x", "code": 307}))
    answer = devon.get("/users/me")
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://evil.example/x")


@pytest.mark.parametrize("wait", ["3", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_file_that_is_not_ready(sandbox: SandboxProcess, devon: App, wait: str) -> None:
    sandbox.faults(fault({"retry_202": wait}, match={"path": "/content$"}))
    file = sandbox.world(README)["id"]
    answer = devon.get(f"/files/{file}/content")
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["Retry-After"] == wait
    assert devon.get(f"/files/{file}/content").status_code == 302


def test_a_compressed_bomb(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"zeros": 20_000_000, "gzip_body": True}))
    with devon.http.get(
        f"{sandbox.api_url}/2.0/users/me",
        headers={"Authorization": f"Bearer {devon.tokens.access}"},
        stream=True,
        timeout=10,
    ) as answer:
        packed = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 200_000
    assert len(gzip.decompress(packed)) == 20_000_000


def test_a_compressed_file(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(README)
    location = devon.location(file["id"])
    sandbox.faults(on_download({"gzip_body": True}))
    answer = devon.http.get(location, timeout=10)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] != str(file["size"])
    assert hashlib.sha1(answer.content).hexdigest() == file["sha1"]


# ---- bodies


@pytest.fixture
def photo(sandbox: SandboxProcess, devon: App) -> tuple[dict[str, Any], str]:
    """A file of 1.9 MB and a link to its bytes."""
    facts = sandbox.world(PHOTO)
    return facts, devon.location(facts["id"])


Photo = tuple[dict[str, Any], str]


@pytest.mark.parametrize("place", [0, 40_000, 1_200_000])
def test_a_reset_after_some_bytes(
    sandbox: SandboxProcess, devon: App, photo: Photo, place: int
) -> None:
    sandbox.faults(on_download({"reset_after": place}))
    got, error = body_of(devon, photo[1])
    assert len(got) == place
    assert "reset" in repr(error).lower()


def test_a_body_that_ends_early(sandbox: SandboxProcess, devon: App, photo: Photo) -> None:
    sandbox.faults(on_download({"truncate_after": 40_000}))
    got, error = body_of(devon, photo[1])
    assert len(got) == 40_000
    assert "IncompleteRead" in repr(error)


def test_a_body_of_unknown_length(sandbox: SandboxProcess, devon: App, photo: Photo) -> None:
    facts, location = photo
    sandbox.faults(on_download({"no_length": True}))
    answer = devon.http.get(location, timeout=10)
    assert "Content-Length" not in answer.headers
    assert hashlib.sha1(answer.content).hexdigest() == facts["sha1"]


def test_a_body_of_unknown_length_that_ends_early_looks_whole(
    sandbox: SandboxProcess, devon: App, photo: Photo
) -> None:
    sandbox.faults(on_download({"no_length": True, "truncate_after": 1000}))
    got, error = body_of(devon, photo[1])
    assert (len(got), error) == (1000, None)


def test_one_wrong_byte(sandbox: SandboxProcess, devon: App, photo: Photo) -> None:
    facts, location = photo
    right = devon.http.get(location, timeout=10).content
    sandbox.faults(on_download({"flip_byte": 1_500_000}))
    wrong = devon.http.get(location, timeout=10).content
    assert len(wrong) == facts["size"]
    assert [n for n in range(len(right)) if right[n] != wrong[n]] == [1_500_000]


def test_a_slow_body(sandbox: SandboxProcess, devon: App) -> None:
    location = devon.location(sandbox.world(README)["id"])
    sandbox.faults(on_download({"drip": 4000}))
    started = time.monotonic()
    got, error = body_of(devon, location)
    assert (len(got), error) == (1392, None)
    assert 0.2 < time.monotonic() - started < 5


def test_a_late_reply(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"delay_ms": 300}))
    started = time.monotonic()
    assert devon.get("/users/me").status_code == 200
    assert 0.3 <= time.monotonic() - started < 5


def test_silence(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"hang_s": 20}))
    with pytest.raises(requests.exceptions.ReadTimeout):
        devon.http.get(
            f"{sandbox.api_url}/2.0/users/me",
            headers={"Authorization": f"Bearer {devon.tokens.access}"},
            timeout=0.3,
        )


def test_an_answer_that_stops_in_the_middle(
    sandbox: SandboxProcess, devon: App, photo: Photo
) -> None:
    sandbox.faults(on_download({"answer_then_hang": 5000}))
    with devon.http.get(photo[1], stream=True, timeout=0.5) as answer:
        assert answer.status_code == 200
        assert len(answer.raw.read(5000)) == 5000
        with pytest.raises(Exception, match="timed out"):
            answer.raw.read(1)


def test_a_refresh_that_happened_and_was_never_answered(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.faults(fault({"process_then_drop": True}, match={"path": "/oauth2/token"}))
    form = {"grant_type": "refresh_token", "refresh_token": devon.tokens.refresh}
    with pytest.raises(requests.exceptions.ConnectionError):
        devon.token(**form)
    issued = [token["token"] for token in sandbox.tokens() if token["kind"] == "refresh"]
    assert len(issued) == 2
    assert devon.token(**form).json()["refresh_token"] == issued[1]


def test_a_lost_answer_to_a_refresh_ends_the_link_at_a_strict_box(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.settings(strict_refresh=True)
    sandbox.faults(fault({"process_then_drop": True}, match={"path": "/oauth2/token"}))
    form = {"grant_type": "refresh_token", "refresh_token": devon.tokens.refresh}
    with pytest.raises(requests.exceptions.ConnectionError):
        devon.token(**form)
    assert devon.token(**form).json()["error"] == "invalid_grant"


# ---- gates


def test_a_gate_holds_a_call_before_anything_happens(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"gate": "before"}))
    thread, outcome = in_background(lambda: devon.get("/users/me").status_code)
    sandbox.wait_for_gate("before")
    assert outcome == []
    sandbox.release("before")
    thread.join(10)
    assert outcome == [200]


def test_a_gate_holds_a_reply_after_it_happened(sandbox: SandboxProcess, devon: App) -> None:
    action = {"gate": "after", "gate_at": "reply"}
    sandbox.faults(fault(action, match={"path": "/oauth2/token"}))
    form = {"grant_type": "refresh_token", "refresh_token": devon.tokens.refresh}
    thread, outcome = in_background(lambda: devon.token(**form).json())
    sandbox.wait_for_gate("after")
    issued = [token for token in sandbox.tokens() if token["kind"] == "refresh"]
    assert len(issued) == 2
    sandbox.release("after")
    thread.join(10)
    assert outcome[0]["refresh_token"] == issued[1]["token"]


def test_a_gate_holds_a_body_in_the_middle(
    sandbox: SandboxProcess, devon: App, photo: Photo
) -> None:
    facts, location = photo
    sandbox.faults(on_download({"gate": "middle", "after_bytes": 1_100_000}))
    with devon.http.get(location, stream=True, timeout=10) as answer:
        first = answer.raw.read(1_100_000)
        sandbox.wait_for_gate("middle")
        sandbox.change("new_version", PHOTO)
        sandbox.release("middle")
        rest = answer.raw.read()
    assert hashlib.sha1(first + rest).hexdigest() == facts["sha1"]


def test_dropping_the_rules_lets_go_of_those_who_wait(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.faults(fault({"gate": "held"}))
    thread, outcome = in_background(lambda: devon.get("/users/me"))
    sandbox.wait_for_gate("held")
    sandbox.clear_faults()
    thread.join(10)
    assert isinstance(outcome[0], requests.exceptions.ConnectionError)


def test_releasing_a_gate_where_nobody_waits_is_a_mistake(sandbox: SandboxProcess) -> None:
    with pytest.raises(AssertionError, match="nobody waits"):
        sandbox.release("empty")


def test_a_fault_leaves_the_next_call_on_the_connection_alone(
    sandbox: SandboxProcess, devon: App
) -> None:
    location = devon.location(sandbox.world(README)["id"])
    sandbox.faults(on_download({"truncate_after": 10}))
    assert isinstance(body_of(devon, location)[1], Exception)
    assert devon.http.get(location, timeout=10).status_code == 200

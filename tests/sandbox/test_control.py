"""The controls: what tests see of the sandbox, and what they change behind everybody's back."""

import hashlib
from typing import Any

import pytest
import requests

from tests.sandbox.people import App
from tests.sandbox.process import DEVON, SandboxProcess

TEMPLATES = "/Templates"
FORM = f"{TEMPLATES}/RFI form.docx"


def names(app: App, path: str) -> list[str]:
    folder = app.sandbox.world(path)["id"]
    answer = app.get(f"/folders/{folder}/items", limit=1000)
    return [entry["name"] for entry in answer.json()["entries"]]


# ---- everything at once


def test_a_reset_takes_everything_back(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("rename", FORM, name="Other.docx")
    sandbox.settings(latency_ms=1, strict_refresh=True)
    sandbox.faults({"match": {}, "action": {"status": 500}, "times": None})
    sandbox.advance(100)
    sandbox.reset()
    state = sandbox.state()
    assert (state["changed_items"], state["faults"], state["tokens_live"]) == (0, 0, 0)
    assert state["clock_offset_s"] == 0
    assert state["settings"]["strict_refresh"] is False
    assert devon.get("/users/me").status_code == 401
    assert sandbox.world(FORM)["name"] == "RFI form.docx"


def test_the_state_says_who_lives_here(sandbox: SandboxProcess) -> None:
    state = sandbox.state()
    assert len(state["accounts"]) == 10
    assert state["urls"]["api"] == sandbox.api_url


def test_the_controls_are_for_this_machine_only(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.control_url}/_control/state"
    assert requests.get(url, headers={"Host": "api.box.com"}, timeout=10).status_code == 403


def test_a_web_page_cannot_turn_a_control(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.control_url}/_control/settings"
    form = requests.post(
        url, data='{"latency_ms": 1}', headers={"Content-Type": "text/plain"}, timeout=10
    )
    assert form.status_code == 415
    assert sandbox.state()["settings"]["latency_ms"] == 0


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("POST", "settings", {"nonsense": 1}),
        ("POST", "settings", {"latency_ms": "fast"}),
        ("POST", "settings", {"rate_limits": 1}),
        ("POST", "files", {"op": "explode"}),
        ("POST", "files", {"op": "rename", "path": "/nowhere", "name": "x"}),
        ("POST", "files", {"op": "rename", "path": FORM}),
        ("POST", "revoke", {"login": "nobody"}),
        ("POST", "clock", {}),
        ("GET", "world?path=/nowhere", None),
    ],
)
def test_controls_that_cannot_be_turned_say_why(
    sandbox: SandboxProcess, method: str, name: str, body: dict[str, Any] | None
) -> None:
    with pytest.raises(AssertionError, match=r"400 .*error"):
        sandbox.control(method, name, body)


# ---- looking


def test_the_world_tells_all_about_a_file(sandbox: SandboxProcess) -> None:
    facts = sandbox.world("/99 Odds and Ends/changed since listing.pdf")
    assert (facts["type"], facts["size"], facts["version_number"]) == ("file", 1_002_003, "2")
    assert [version["size"] for version in facts["versions"]] == [955_110, 1_002_003]
    assert facts["versions"][-1]["sha1"] == facts["sha1"]
    by_id = sandbox.control("GET", "world", query={"id": facts["id"]})
    assert by_id == facts


def test_every_token_is_known_with_its_kind_and_life(sandbox: SandboxProcess, devon: App) -> None:
    devon.location(sandbox.world(FORM)["id"])
    devon.revoke(devon.tokens.access)
    tokens = sandbox.tokens()
    lives = {(token["kind"], token["live"]) for token in tokens}
    assert lives == {
        ("code", False),
        ("access", False),
        ("refresh", False),
        ("download_link", True),
    }
    assert {token["user"] for token in tokens} == {DEVON}
    assert all(token["token"].startswith("TKN_") for token in tokens)


def test_calls_are_counted_by_endpoint_and_logged_without_secrets(
    sandbox: SandboxProcess, devon: App
) -> None:
    file = sandbox.world(FORM)
    sandbox.forget_calls()
    devon.get("/folders/0/items", fields="name")
    devon.get(f"/files/{file['id']}", access_token="TKN_secret")
    location = devon.location(file["id"])
    devon.http.get(location, headers={"Range": "bytes=0-99"}, timeout=10)
    devon.refresh()
    calls = sandbox.calls()
    assert calls["counts"] == {
        "GET /2.0/files/:id": 1,
        "GET /2.0/files/:id/content": 1,
        "GET /2.0/folders/:id/items": 1,
        "GET /d/1/:link/download": 1,
        "POST /oauth2/token": 1,
    }
    assert calls["total"] == 5
    assert calls["writes"] == []
    assert "TKN_" not in str(calls)
    log = calls["log"]
    assert [(call["host"], call["status"]) for call in log] == [
        ("api", 200),
        ("api", 200),
        ("api", 302),
        ("download", 206),
        ("token", 200),
    ]
    assert {call["user"] for call in log} == {DEVON}
    assert log[0]["query"] == "fields=name"
    assert (log[3]["range"], log[3]["bytes_sent"]) == ("bytes=0-99", 100)
    assert log[0]["token_number"] == log[1]["token_number"] is not None


def test_the_log_says_how_much_of_a_body_was_really_sent(
    sandbox: SandboxProcess, devon: App
) -> None:
    location = devon.location(sandbox.world(FORM)["id"])
    sandbox.faults({"match": {"host": "download"}, "action": {"truncate_after": 1000}})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        devon.http.get(location, timeout=10)
    sandbox.faults({"match": {"host": "download"}, "action": {"process_then_drop": True}})
    with pytest.raises(requests.exceptions.ConnectionError):
        devon.http.get(location, timeout=10)
    log = sandbox.calls()["log"][-2:]
    assert [(call["status"], call["bytes_sent"]) for call in log] == [(200, 1000), (0, 0)]
    assert all(call["fault"] for call in log)


def test_a_call_that_would_write_is_kept_apart(sandbox: SandboxProcess, devon: App) -> None:
    devon.http.delete(f"{sandbox.api_url}/2.0/files/1", timeout=10)
    writes = sandbox.calls()["writes"]
    assert [(call["method"], call["path"], call["status"]) for call in writes] == [
        ("DELETE", "/2.0/files/1", 401)
    ]


# ---- changing


def test_a_new_version(sandbox: SandboxProcess, devon: App) -> None:
    before = sandbox.world(FORM)
    after = sandbox.change("new_version", FORM, size=200_000)
    assert after["version_number"] == "2"
    assert after["etag"] != before["etag"]
    answer = devon.download(after["id"])
    assert len(answer.content) == 200_000
    assert hashlib.sha1(answer.content).hexdigest() == after["sha1"] != before["sha1"]
    old = devon.download(after["id"], version=before["version_id"])
    assert hashlib.sha1(old.content).hexdigest() == before["sha1"]


def test_a_new_version_with_given_bytes(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("new_version", FORM, text="exactly this")
    assert devon.download(sandbox.world(FORM)["id"]).content == b"exactly this"
    sandbox.change("new_version", FORM, base64="AAEC/w==")
    assert devon.download(sandbox.world(FORM)["id"]).content == b"\x00\x01\x02\xff"


def test_renaming_keeps_id_version_and_bytes(sandbox: SandboxProcess, devon: App) -> None:
    before = sandbox.world(FORM)
    after = sandbox.change("rename", FORM, name="Question.docx")
    for fact in ("id", "version_id", "sha1"):
        assert after[fact] == before[fact]
    assert after["etag"] != before["etag"]
    assert "Question.docx" in names(devon, TEMPLATES)
    assert "RFI form.docx" not in names(devon, TEMPLATES)


def test_moving(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("move", FORM, to="/Field Notes (Devon)")
    assert "RFI form.docx" in names(devon, "/Field Notes (Devon)")
    assert "RFI form.docx" not in names(devon, TEMPLATES)


def test_deleting(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(FORM)["id"]
    location = devon.location(file)
    sandbox.change("delete", FORM)
    assert devon.get(f"/files/{file}").json()["code"] == "not_found"
    assert devon.http.get(location, timeout=10).status_code == 404


def test_the_trash_and_back(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(FORM)["id"]
    sandbox.change("trash", FORM)
    refused = devon.get(f"/files/{file}").json()
    assert (refused["status"], refused["code"]) == (404, "trashed")
    assert "RFI form.docx" not in names(devon, TEMPLATES)
    sandbox.change("restore", FORM)
    assert devon.get(f"/files/{file}").status_code == 200
    assert "RFI form.docx" in names(devon, TEMPLATES)


def test_everything_in_a_trashed_folder_is_in_the_trash(
    sandbox: SandboxProcess, devon: App
) -> None:
    file = sandbox.world(FORM)["id"]
    sandbox.change("trash", TEMPLATES)
    assert devon.get(f"/files/{file}").json()["code"] == "trashed"


@pytest.mark.parametrize(
    ("op", "undo", "code"),
    [
        ("block", "unblock", "forbidden_by_policy"),
        ("forbid_download", "allow_download", "access_denied_insufficient_permissions"),
    ],
)
def test_refusing_downloads_and_allowing_them_again(
    sandbox: SandboxProcess, devon: App, op: str, undo: str, code: str
) -> None:
    file = sandbox.world(FORM)["id"]
    sandbox.change(op, FORM)
    assert devon.get(f"/files/{file}/content").json()["code"] == code
    sandbox.change(undo, FORM)
    assert devon.get(f"/files/{file}/content").status_code == 302


def test_a_forbidden_download_shows_in_the_permissions(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("forbid_download", FORM)
    file = devon.get(f"/files/{sandbox.world(FORM)['id']}", fields="permissions").json()
    assert file["permissions"]["can_download"] is False
    assert file["permissions"]["can_preview"] is True


def test_adding(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("add_folder", f"{TEMPLATES}/New")
    file = sandbox.change("add_file", f"{TEMPLATES}/New/a.txt", text="hello")
    sandbox.change("add_web_link", f"{TEMPLATES}/New/link", url="https://new.example/")
    assert names(devon, f"{TEMPLATES}/New") == ["a.txt", "link"]
    assert devon.download(file["id"]).content == b"hello"
    made = sandbox.change("add_file", f"{TEMPLATES}/New/b.pdf", size=5000)
    assert devon.download(made["id"]).content.startswith(b"%PDF-1.4")


def test_several_changes_at_once(sandbox: SandboxProcess, devon: App) -> None:
    ops = [
        {"op": "add_file", "path": f"{TEMPLATES}/{n}.txt", "login": DEVON, "size": 300}
        for n in range(3)
    ]
    answer = sandbox.control("POST", "files", {"ops": ops})
    assert len({item["id"] for item in answer["items"]}) == 3
    assert {"0.txt", "1.txt", "2.txt"} <= {*names(devon, TEMPLATES)}


def test_marks_of_the_world_can_be_set_on_any_file(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("mark", FORM, mark="gone")
    assert "RFI form.docx" in names(devon, TEMPLATES)
    assert devon.get(f"/files/{sandbox.world(FORM)['id']}").status_code == 404
    sandbox.change("unmark", FORM, mark="gone")
    assert devon.get(f"/files/{sandbox.world(FORM)['id']}").status_code == 200

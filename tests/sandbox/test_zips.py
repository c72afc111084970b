"""Several files and folders as one archive: its address, its bytes, its status, its refusals."""

import io
import zipfile
from typing import Any

import pytest
import requests

from box_sandbox.content.body import Body
from box_sandbox.content.stream import Member, zip_stream
from box_sandbox.times import denver
from tests.sandbox.openapi import check
from tests.sandbox.people import PEOPLE, App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
STAIR = f"{MOB}/05 RFIs/RFI-002 Stair 2 slab edge"
ODDS = "/99 Odds and Ends"
README = "/Templates/Folder structure readme.txt"
SECONDS = 30
WHERE = {"path": "/zip_downloads/.*/content$", "host": "download"}

Facts = dict[str, Any]


def entry(app: App, path: str) -> dict[str, str]:
    facts = app.sandbox.world(path)
    return {"type": facts["type"], "id": facts["id"]}


def post(app: App, body: Any, token: str = "") -> requests.Response:
    bearer = {"Authorization": f"Bearer {token or app.tokens.access}"}
    url = f"{app.sandbox.api_url}/2.0/zip_downloads"
    return app.http.post(url, json=body, headers=bearer, timeout=SECONDS)


def made(app: App, *paths: str, name: str = "Stair 2") -> Facts:
    body = {"items": [entry(app, path) for path in paths], "download_file_name": name}
    answer = post(app, body)
    assert answer.status_code == 202, answer.text
    facts: Facts = answer.json()
    check(facts, "ZipDownload")
    return facts


def fetched(facts: Facts) -> requests.Response:
    """Follow the address the way a browser does, without a token."""
    return requests.get(facts["download_url"], timeout=SECONDS)


def opened(answer: requests.Response) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def status(app: App, facts: Facts) -> requests.Response:
    return app.get(facts["status_url"].partition("/2.0")[2])


def counts(app: App, facts: Facts) -> tuple[str, int, int, int, int]:
    body = status(app, facts).json()
    check(body, "ZipDownloadStatus")
    return (
        body["state"],
        body["total_file_count"],
        body["downloaded_file_count"],
        body["skipped_file_count"],
        body["skipped_folder_count"],
    )


def refusal(answer: requests.Response) -> tuple[int, str]:
    check(answer.json(), "ClientError")
    return answer.status_code, answer.json()["code"]


# ---- the archive


def test_files_and_folders_come_as_one_archive(sandbox: SandboxProcess, devon: App) -> None:
    facts = made(devon, STAIR, README)
    assert facts["name_conflicts"] == []
    answer = fetched(facts)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == (
        "attachment;filename=\"Stair 2.zip\";filename*=UTF-8''Stair%202.zip"
    )
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    archive = opened(answer)
    folder = "RFI-002 Stair 2 slab edge"
    assert archive.namelist() == [
        f"{folder}/",
        f"{folder}/RFI-002 A-102 vs S-201.png",
        f"{folder}/RFI-002 field dims.jpg",
        f"{folder}/RFI-002 overlay.pdf",
        "Folder structure readme.txt",
    ]
    assert (
        archive.read("Folder structure readme.txt")
        == devon.download(sandbox.world(README)["id"]).content
    )
    overlay = sandbox.world(f"{STAIR}/RFI-002 overlay.pdf")
    assert archive.getinfo(f"{folder}/RFI-002 overlay.pdf").file_size == overlay["size"]
    assert counts(devon, facts) == ("succeeded", 4, 4, 0, 0)


def test_folders_come_with_all_below_them_and_without_web_links(
    sandbox: SandboxProcess, devon: App
) -> None:
    for op, path, facts in (
        ("add_folder", "/Handover", {}),
        ("add_folder", "/Handover/Empty", {}),
        ("add_folder", "/Handover/Full", {}),
        ("add_file", "/Handover/Full/Keys.txt", {"text": "two"}),
        ("add_web_link", "/Handover/Portal", {"url": "https://portal.example/"}),
    ):
        sandbox.change(op, path, **facts)
    archive = opened(fetched(made(devon, "/Handover")))
    assert archive.namelist() == [
        "Handover/",
        "Handover/Empty/",
        "Handover/Full/",
        "Handover/Full/Keys.txt",
    ]
    assert archive.read("Handover/Full/Keys.txt") == b"two"


def test_any_name_survives(devon: App) -> None:
    paths = [
        f"{ODDS}/現場写真_2階_配管.jpg",
        f"{ODDS}/🏗️ Topping out 🎉.png",
        f"{ODDS}/<b>not bold<b>.html",
    ]
    facts = made(devon, *paths, name='Größe "1"')
    answer = fetched(facts)
    assert set(opened(answer).namelist()) == {path.rpartition("/")[2] for path in paths}
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22.zip" in answer.headers["Content-Disposition"]


def test_items_of_one_name_are_both_renamed(sandbox: SandboxProcess, devon: App) -> None:
    waiver = "Lien waiver 2025-08 conditional.pdf"
    paths = [
        f"{MOB}/02 Subcontracts/{who}/{waiver}"
        for who in ("Northfold Concrete", "Cobalt Ridge Electric")
    ]
    facts = made(devon, *paths, README)
    (pair,) = facts["name_conflicts"]
    assert [e["original_name"] for e in pair] == [waiver, waiver]
    assert [e["id"] for e in pair] == [sandbox.world(path)["id"] for path in paths]
    others = [e["download_name"] for e in pair]
    assert len(set(others)) == 2
    assert all(name.endswith(".pdf") for name in others)
    assert opened(fetched(facts)).namelist() == [*others, "Folder structure readme.txt"]


def test_an_item_named_twice_comes_once(devon: App) -> None:
    facts = made(devon, README, README)
    assert facts["name_conflicts"] == []
    assert opened(fetched(facts)).namelist() == ["Folder structure readme.txt"]


def test_large_files_get_the_larger_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 2**20)
    members = [
        Member(f"{name}.bin", denver(1_757_900_000), Body(b"", bytes(2**20), 2))
        for name in ("one", "two")
    ]
    whole = b"".join(zip_stream(members))
    assert b"PK\x06\x06" in whole[-500:]
    archive = zipfile.ZipFile(io.BytesIO(whole))
    assert archive.testzip() is None
    assert [info.file_size for info in archive.infolist()] == [2**21, 2**21]


# ---- once, and soon


def test_an_address_is_good_for_one_download(devon: App) -> None:
    facts = made(devon, README)
    assert fetched(facts).status_code == 200
    assert refusal(fetched(facts)) == (404, "not_found")
    assert counts(devon, facts)[0] == "succeeded"


def test_an_address_waits_only_for_seconds(sandbox: SandboxProcess, devon: App) -> None:
    facts = made(devon, README)
    sandbox.advance(11)
    assert refusal(fetched(facts)) == (404, "not_found")
    assert refusal(status(devon, facts)) == (404, "not_found")


def test_a_status_comes_after_the_start_for_twelve_hours(
    sandbox: SandboxProcess, devon: App, linked: Any
) -> None:
    facts = made(devon, README)
    assert refusal(status(devon, facts)) == (404, "not_found")
    fetched(facts)
    assert status(devon, facts).status_code == 200
    assert refusal(status(linked("rosa"), facts)) == (404, "not_found")
    sandbox.settings(access_token_seconds=100_000)
    devon.link()
    sandbox.advance(12 * 3600 - 60)
    assert status(devon, facts).status_code == 200
    sandbox.advance(120)
    assert refusal(status(devon, facts)) == (404, "not_found")


def test_an_unknown_archive_is_not_found(devon: App) -> None:
    assert refusal(devon.get("/zip_downloads/nonsense/status")) == (404, "not_found")
    url = f"{devon.sandbox.download_url}/2.0/zip_downloads/nonsense/content"
    assert refusal(requests.get(url, timeout=SECONDS)) == (404, "not_found")


def test_progress_shows(sandbox: SandboxProcess, devon: App) -> None:
    names = ("CON.txt", "trailing dash -.txt", ".hidden-notes.txt", "no_extension")
    facts = made(devon, *(f"{ODDS}/{name}" for name in names))
    sandbox.faults({"match": WHERE, "action": {"gate": "third", "after_bytes": 2000}})
    with requests.get(facts["download_url"], stream=True, timeout=SECONDS) as answer:
        sandbox.wait_for_gate("third")
        assert counts(devon, facts) == ("in_progress", 4, 2, 0, 0)
        sandbox.release("third")
        assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == [*names]
    assert counts(devon, facts) == ("succeeded", 4, 4, 0, 0)


def test_a_broken_download_fails(sandbox: SandboxProcess, devon: App) -> None:
    facts = made(devon, STAIR)
    sandbox.faults({"match": WHERE, "action": {"reset_after": 3_000_000}})
    with pytest.raises(requests.RequestException):
        fetched(facts)
    assert counts(devon, facts)[0] == "failed"


# ---- what cannot be read


def test_what_cannot_be_read_is_skipped_without_a_word(sandbox: SandboxProcess, devon: App) -> None:
    paths = ["flagged by scan.zip", "a.b.c.d.docx"]
    facts = made(devon, *(f"{ODDS}/{name}" for name in paths))
    assert opened(fetched(facts)).namelist() == ["a.b.c.d.docx"]
    assert counts(devon, facts) == ("succeeded", 2, 1, 1, 0)
    received = made(devon, "/Received from Studio Fennimore")
    assert opened(fetched(received)).namelist() == ["Received from Studio Fennimore/"]
    assert counts(devon, received) == ("succeeded", 3, 0, 3, 0)
    sandbox.change("mark", f"{STAIR}/RFI-002 overlay.pdf", mark="gone")
    assert len(opened(fetched(made(devon, STAIR))).namelist()) == 3


def test_what_goes_between_request_and_download_is_skipped(
    sandbox: SandboxProcess, devon: App, linked: Any
) -> None:
    facts = made(devon, STAIR, README)
    sandbox.change("trash", STAIR)
    assert opened(fetched(facts)).namelist() == ["Folder structure readme.txt"]
    assert counts(devon, facts) == ("succeeded", 4, 1, 3, 1)
    rosa = linked("rosa")
    log = f"{MOB}/05 RFIs/RFI log 2025-09-15.xlsx"
    hers = made(rosa, log)
    sandbox.change("unshare", f"{MOB}/05 RFIs", **{"with": PEOPLE["rosa"]})
    assert opened(fetched(hers)).namelist() == []
    assert counts(rosa, hers) == ("succeeded", 1, 0, 1, 0)


# ---- refusals


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"items": []},
        {"items": "all"},
        {"items": [{"type": "folder", "id": "0"}]},
        {"items": [{"type": "file"}]},
        {"items": [{"type": "file", "id": 12}]},
        {"items": [{"type": "file", "id": "nonsense"}]},
        {"items": [{"type": "web_link", "id": "12"}]},
        {"items": [{"type": "file", "id": "12"}], "download_file_name": 5},
    ],
)
def test_bad_requests_are_refused(devon: App, body: Any) -> None:
    assert refusal(post(devon, body)) == (400, "bad_request")


def test_text_that_is_no_json_is_refused(devon: App) -> None:
    url = f"{devon.sandbox.api_url}/2.0/zip_downloads"
    bearer = {"Authorization": f"Bearer {devon.tokens.access}"}
    answer = devon.http.post(url, data=b"{items", headers=bearer, timeout=SECONDS)
    assert refusal(answer) == (400, "bad_request")


def test_what_one_cannot_see_is_refused(sandbox: SandboxProcess, devon: App, linked: Any) -> None:
    denied = (403, "access_denied_insufficient_permissions")
    assert refusal(post(devon, {"items": [{"type": "file", "id": "4711"}]})) == denied
    assert refusal(post(linked("owen"), {"items": [entry(devon, README)]})) == denied
    body = {"items": [entry(devon, README)]}
    sandbox.change("trash", README)
    assert refusal(post(devon, body)) == denied


def test_too_many_files_and_too_many_bytes(sandbox: SandboxProcess, devon: App) -> None:
    photos = entry(devon, f"{MOB}/12 Photos/Progress 2025 (all)")
    assert post(devon, {"items": [photos]}).status_code == 202
    sandbox.settings(zip_max_files=4999)
    count = (400, "zip_download_file_count_exceeded_limit")
    assert refusal(post(devon, {"items": [photos]})) == count
    sandbox.settings(zip_max_files=5000, zip_max_bytes=1_000_000)
    size = (400, "zip_download_pre_compressed_bytes_exceeded_limit")
    assert refusal(post(devon, {"items": [photos]})) == size
    assert post(devon, {"items": [entry(devon, README)]}).status_code == 202


def test_five_archives_at_once_are_the_most(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(zip_link_seconds=600)
    rules = [{"match": WHERE, "action": {"gate": f"zip {n}", "after_bytes": 10}} for n in range(5)]
    sandbox.faults(*rules)
    answers = []
    for n in range(5):
        answers.append(
            requests.get(made(devon, README)["download_url"], stream=True, timeout=SECONDS)
        )
        sandbox.wait_for_gate(f"zip {n}")
    sixth = made(devon, README)
    assert refusal(fetched(sixth)) == (429, "user_too_many_concurrent_downloads")
    for n, answer in enumerate(answers):
        sandbox.release(f"zip {n}")
        opened(answer)
    assert fetched(sixth).status_code == 200


def test_scopes_hold_for_archives(sandbox: SandboxProcess, devon: App) -> None:
    body = {"items": [entry(devon, README)]}
    for scope in ("base_picker", "item_preview"):
        refused = post(devon, body, devon.narrowed(scope))
        assert refusal(refused) == (403, "insufficient_scope")
    allowed = post(devon, body, devon.narrowed("item_download"))
    assert allowed.status_code == 202
    elsewhere = devon.narrowed("item_download", f"folders/{sandbox.world(STAIR)['id']}")
    assert refusal(post(devon, body, elsewhere)) == (403, "insufficient_scope")
    assert post(devon, body, "TKN_none").status_code == 401
    assert devon.get("/zip_downloads").status_code == 405


def test_archives_are_recorded_and_their_addresses_stay_secret(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.forget_calls()
    facts = made(devon, README)
    secret = facts["download_url"].split("/")[-2]
    known = [token for token in sandbox.tokens() if token["token"] == secret]
    assert [(token["kind"], token["live"]) for token in known] == [("zip_link", True)]
    size = len(fetched(facts).content)
    status(devon, facts)
    calls = sandbox.calls()
    assert calls["counts"] == {
        "POST /2.0/zip_downloads": 1,
        "GET /2.0/zip_downloads/:zip/content": 1,
        "GET /2.0/zip_downloads/:zip/status": 1,
    }
    assert secret not in str(calls)
    assert {call["user"] for call in calls["log"]} == {"devon.achterberg@boxmail.example"}
    assert [c["bytes_sent"] for c in calls["log"] if c["host"] == "download"] == [size]


def test_archives_can_fail(sandbox: SandboxProcess, devon: App) -> None:
    body = {"items": [entry(devon, README)]}
    sandbox.faults(
        {"match": {"path": "/zip_downloads$", "method": "POST"}, "action": {"status": 503}}
    )
    assert post(devon, body).status_code == 503
    sandbox.faults({"match": WHERE, "action": {"status": 502}})
    facts = made(devon, README)
    assert fetched(facts).status_code == 502
    for action in ({"truncate_after": 100}, {"no_length": True}, {"gzip_body": True}):
        sandbox.faults({"match": WHERE, "action": action})
        answer = fetched(made(devon, README))
        assert len(answer.content) == 100 if "truncate_after" in action else opened(answer)

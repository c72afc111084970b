"""Files: what is told about them, their bytes, their versions, and the marks of the world."""

import hashlib
import time
from typing import Any

import pytest
import requests
from urllib3.exceptions import ProtocolError

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
ODDS = "/99 Odds and Ends"
README = "/Templates/Folder structure readme.txt"


def listed(
    app: App, path: str, name: str, fields: str = "sha1,size,file_version"
) -> dict[str, Any]:
    """Return a file as its folder's listing shows it."""
    folder = app.sandbox.world(path)["id"]
    answer = app.get(f"/folders/{folder}/items", fields=f"name,{fields}", limit=1000)
    found: dict[str, Any] = next(e for e in answer.json()["entries"] if e["name"] == name)
    return found


def sha1(answer: requests.Response) -> str:
    return hashlib.sha1(answer.content).hexdigest()


# ---- what is told


def test_a_file_without_named_fields_is_told_in_full_standard_form(
    sandbox: SandboxProcess, devon: App
) -> None:
    wanted = sandbox.world(f"{MOB}/09 Schedule/Three-week look-ahead 2025-09-15.pdf")
    file = devon.get(f"/files/{wanted['id']}").json()
    assert file["sha1"] == file["file_version"]["sha1"] == wanted["sha1"]
    assert file["size"] == wanted["size"] == 4498070
    assert file["description"] == ""
    assert file["item_status"] == "active"
    assert [folder["name"] for folder in file["path_collection"]["entries"]] == [
        "All Files",
        "Quillmark Projects",
        "2317 Larkspur MOB",
        "09 Schedule",
    ]
    assert file["path_collection"]["entries"][0] == {
        "type": "folder",
        "id": "0",
        "sequence_id": None,
        "etag": None,
        "name": "All Files",
    }
    assert "version_number" not in file
    assert "permissions" not in file


def test_the_version_number_counts_all_versions(sandbox: SandboxProcess, devon: App) -> None:
    wanted = sandbox.world(f"{MOB}/06 Submittals/Submittal register.xlsx")
    file = devon.get(f"/files/{wanted['id']}", fields="version_number").json()
    assert file.keys() == {"type", "id", "etag", "version_number"}
    assert file["version_number"] == "4"


def test_a_file_that_is_known_already_is_not_sent_again(
    sandbox: SandboxProcess, devon: App
) -> None:
    file = sandbox.world(README)
    answer = devon.get(f"/files/{file['id']}", headers={"if-none-match": file["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")
    sandbox.change("new_version", README)
    again = devon.get(f"/files/{file['id']}", headers={"if-none-match": file["etag"]})
    assert again.status_code == 200


def test_dates_are_near_the_day_the_sandbox_started(devon: App) -> None:
    file = listed(devon, f"{MOB}/05 RFIs", "RFI log 2025-09-15.xlsx", "modified_at")
    told = time.mktime(time.strptime(file["modified_at"][:10], "%Y-%m-%d"))
    assert 0 <= time.time() - told < 4 * 24 * 3600
    assert file["modified_at"][-6:] in {"-06:00", "-07:00"}


def test_folders_and_links_are_no_files(sandbox: SandboxProcess, devon: App) -> None:
    for path in ("/Templates", f"{ODDS}/Old project wiki"):
        item = sandbox.world(path)["id"]
        assert devon.get(f"/files/{item}").status_code == 404
        assert devon.get(f"/files/{item}/content").status_code == 404


# ---- bytes


def test_content_is_a_redirect_to_the_download_origin(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(README)
    answer = devon.get(f"/files/{file['id']}/content")
    assert (answer.status_code, answer.content) == (302, b"")
    location = answer.headers["Location"]
    assert location.startswith(f"{sandbox.download_url}/d/1/")
    assert location.endswith("/download")
    assert sandbox.download_url != sandbox.api_url


def test_the_link_needs_no_token_and_names_the_file(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(f"{ODDS}/Überarbeitete Ansicht – Fassade Nord (Größe 1:50).pdf")
    answer = requests.get(devon.location(file["id"]), timeout=10)
    assert sha1(answer) == file["sha1"]
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Length"] == str(file["size"])
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == (
        'attachment;filename="_berarbeitete Ansicht _ Fassade Nord (Gr__e 1:50).pdf";'
        "filename*=UTF-8''%C3%9Cberarbeitete%20Ansicht%20%E2%80%93%20Fassade%20Nord%20"
        "%28Gr%C3%B6%C3%9Fe%201%3A50%29.pdf"
    )
    assert "ETag" not in answer.headers
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_link_ends_after_fifteen_minutes(sandbox: SandboxProcess, devon: App) -> None:
    location = devon.location(sandbox.world(README)["id"])
    sandbox.advance(14 * 60)
    assert devon.http.get(location, timeout=10).status_code == 200
    sandbox.advance(61)
    assert devon.http.get(location, timeout=10).status_code == 404


def test_a_link_that_was_never_given_leads_nowhere(sandbox: SandboxProcess, devon: App) -> None:
    for path in ("/d/1/TKN_b1!guessed/download", "/d/1//download", "/2.0/users/me", "/"):
        assert devon.http.get(sandbox.download_url + path, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=1000-", 1000, 1392),
        ("bytes=1000-99999", 1000, 1392),
    ],
)
def test_ranges(sandbox: SandboxProcess, devon: App, wanted: str, start: int, stop: int) -> None:
    whole = devon.download(sandbox.world(README)["id"]).content
    location = devon.location(sandbox.world(README)["id"])
    answer = devon.http.get(location, headers={"Range": wanted}, timeout=10)
    assert (answer.status_code, answer.content) == (206, whole[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/1392"


@pytest.mark.parametrize("wanted", ["bytes=-100", "bytes=0-1,5-6", "bytes=9-3", "lines=1-2"])
def test_ranges_that_are_not_understood_give_everything(
    sandbox: SandboxProcess, devon: App, wanted: str
) -> None:
    location = devon.location(sandbox.world(README)["id"])
    answer = devon.http.get(location, headers={"Range": wanted}, timeout=10)
    assert (answer.status_code, len(answer.content)) == (200, 1392)


def test_a_range_beyond_the_end_is_not_satisfiable(sandbox: SandboxProcess, devon: App) -> None:
    location = devon.location(sandbox.world(README)["id"])
    answer = devon.http.get(location, headers={"Range": "bytes=1392-"}, timeout=10)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1392")


def test_a_range_deep_inside_two_gibibytes_costs_no_more_than_its_bytes(
    sandbox: SandboxProcess, devon: App
) -> None:
    file = sandbox.world(f"{MOB}/12 Photos/Drone/2025-09-05 Site flyover 4K.mp4")
    assert file["size"] == 2**31
    location = devon.location(file["id"])
    wanted = {"Range": f"bytes={2**31 - 1000}-"}
    assert len(devon.http.get(location, headers=wanted, timeout=10).content) == 1000


def test_a_file_without_bytes_is_a_plain_success(sandbox: SandboxProcess, devon: App) -> None:
    for name in ("empty placeholder.txt", "READ ME (0 bytes).docx"):
        file = sandbox.world(f"{ODDS}/{name}")
        answer = devon.download(file["id"])
        assert (answer.status_code, answer.headers["Content-Length"]) == (200, "0")
        assert file["sha1"] == sha1(answer) == "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def test_a_box_note_is_json(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world("/Field Notes (Devon)/Week 35 walk.boxnote")
    answer = devon.download(file["id"])
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["doc"]["content"][0]["content"][0]["text"] == "Week 35 walk"


def test_a_browser_may_bring_the_token_in_the_query(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(README)["id"]
    url = f"{sandbox.api_url}/2.0/files/{file}/content"
    answer = requests.get(
        url, params={"access_token": devon.tokens.access}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302


# ---- versions


def test_past_versions_are_newest_first_without_the_current(
    sandbox: SandboxProcess, devon: App
) -> None:
    wanted = sandbox.world(f"{MOB}/06 Submittals/Submittal register.xlsx")
    body = devon.get(f"/files/{wanted['id']}/versions").json()
    assert body["total_count"] == 3
    assert [entry["size"] for entry in body["entries"]] == [448802, 433019, 401228]
    dates = [entry["created_at"] for entry in body["entries"]]
    assert dates == sorted(dates, reverse=True)
    page = devon.get(f"/files/{wanted['id']}/versions", limit=1, offset=1).json()
    assert [entry["size"] for entry in page["entries"]] == [433019]


def test_every_version_can_be_had(sandbox: SandboxProcess, devon: App) -> None:
    wanted = sandbox.world(f"{MOB}/06 Submittals/Submittal register.xlsx")
    for version in wanted["versions"]:
        answer = devon.download(wanted["id"], version=version["id"])
        assert (len(answer.content), sha1(answer)) == (version["size"], version["sha1"])


def test_a_version_of_another_file_is_not_found(sandbox: SandboxProcess, devon: App) -> None:
    other = sandbox.world(f"{MOB}/06 Submittals/Submittal register.xlsx")["version_id"]
    file = sandbox.world(README)["id"]
    assert devon.get(f"/files/{file}/content", version=other).status_code == 404


# ---- marks


def test_a_locked_file_says_by_whom_and_can_be_read(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(f"{ODDS}/locked by Rosa - budget.xlsx")
    lock = devon.get(f"/files/{file['id']}", fields="lock").json()["lock"]
    assert lock["created_by"]["name"] == "Rosa Imamura"
    assert lock["is_download_prevented"] is False
    assert sha1(devon.download(file["id"])) == file["sha1"]


def test_a_lock_can_prevent_downloads_by_others(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("lock", README, prevent_download=True)
    answer = devon.get(f"/files/{sandbox.world(README)['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied_item_locked")
    sandbox.change("unlock", README)
    assert devon.location(sandbox.world(README)["id"])


def test_a_vanished_file_is_listed_but_not_there(devon: App) -> None:
    file = listed(devon, ODDS, "vanishes after listing.pdf")
    for path in ("", "/content", "/versions"):
        assert devon.get(f"/files/{file['id']}{path}").json()["code"] == "not_found"


def test_a_flagged_file_is_refused_by_policy(devon: App) -> None:
    file = listed(devon, ODDS, "flagged by scan.zip")
    answer = devon.get(f"/files/{file['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_by_policy")


def test_a_slow_file_comes_at_256_kibibytes_a_second(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(f"{ODDS}/slow download.zip")
    started = time.monotonic()
    with devon.http.get(devon.location(file["id"]), stream=True, timeout=10) as answer:
        read = answer.raw.read(128 * 1024)
    took = time.monotonic() - started
    assert len(read) == 128 * 1024
    assert 0.3 < took < 3


def test_a_short_file_breaks_off_halfway(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(f"{ODDS}/size mismatch.pdf")
    with devon.http.get(devon.location(file["id"]), stream=True, timeout=10) as answer:
        assert answer.headers["Content-Length"] == "500000"
        assert len(answer.raw.read(250_000)) == 250_000
        with pytest.raises(ProtocolError, match="250000 more expected"):
            answer.raw.read()


def test_a_newer_version_appears_between_listing_and_download(
    sandbox: SandboxProcess, devon: App
) -> None:
    seen = listed(devon, ODDS, "changed since listing.pdf")
    assert seen["size"] == 1_002_003
    now = devon.download(seen["id"])
    assert len(now.content) == 1_048_901
    assert sha1(now) != seen["sha1"]
    picked = devon.download(seen["id"], version=seen["file_version"]["id"])
    assert sha1(picked) == seen["sha1"]
    later = listed(devon, ODDS, "changed since listing.pdf")
    assert (later["size"], later["sha1"]) == (1_048_901, sha1(now))
    past = devon.get(f"/files/{seen['id']}/versions").json()["entries"]
    assert past[0]["id"] == seen["file_version"]["id"]


def test_web_links_have_an_address_and_no_bytes(sandbox: SandboxProcess, devon: App) -> None:
    link = listed(devon, ODDS, "Old project wiki", "url,size,sha1")
    assert link.keys() == {"type", "id", "etag", "name", "url"}
    assert link["url"] == "https://wiki.quillmark.example/2317"


# ---- what is not there at all


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(sandbox: SandboxProcess, devon: App, method: str) -> None:
    file = sandbox.world(README)["id"]
    for path in (f"/files/{file}", "/files/content", "/folders"):
        answer = devon.http.request(
            method,
            f"{sandbox.api_url}/2.0{path}",
            headers={"Authorization": f"Bearer {devon.tokens.access}"},
            timeout=10,
        )
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert len(sandbox.calls()["writes"]) == 3


def test_an_unknown_path_is_not_found(devon: App) -> None:
    for path in ("/events", "/collections/1", "/x", "/folders/0/nothing"):
        assert devon.get(path).json()["code"] == "not_found"


def test_an_unknown_version_of_the_api_is_refused(devon: App) -> None:
    answer = devon.get("/users/me", headers={"box-version": "1999.0"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_api_version")
    assert devon.get("/users/me", headers={"box-version": "2024.0"}).status_code == 200

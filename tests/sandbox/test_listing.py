"""Folders: order, paging, fields, refusals, and the peculiarities of the root."""

from typing import Any

import pytest

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
ODDS = "/99 Odds and Ends"
PHOTOS = f"{MOB}/12 Photos/Progress 2025 (all)"


def items(app: App, path: str, **params: Any) -> dict[str, Any]:
    folder = app.sandbox.world(path)["id"]
    answer = app.get(f"/folders/{folder}/items", **params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(body: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in body["entries"]]


def test_folders_come_first_then_files_then_links(devon: App) -> None:
    kinds = [entry["type"] for entry in items(devon, ODDS)["entries"]]
    assert kinds == sorted(kinds, key=["folder", "file", "web_link"].index)
    assert set(kinds) == {"folder", "file", "web_link"}


def test_names_sort_in_any_case(devon: App) -> None:
    files = [e["name"] for e in items(devon, ODDS)["entries"] if e["type"] == "file"]
    assert files.index("a.b.c.d.docx") < files.index("CON.txt") < files.index("double.ext.tar.gz")


def test_the_order_is_said_and_kept(devon: App) -> None:
    body = items(devon, f"{MOB}/08 Meetings/OAC", sort="size", direction="DESC", fields="size")
    assert body["order"] == [
        {"by": "type", "direction": "ASC"},
        {"by": "size", "direction": "DESC"},
    ]
    sizes = [entry["size"] for entry in body["entries"]]
    assert sizes == sorted(sizes, reverse=True)


def test_sorting_by_date_uses_the_change(devon: App) -> None:
    body = items(devon, f"{MOB}/10 Safety", sort="date", fields="modified_at")
    dates = [entry["modified_at"][:19] for entry in body["entries"]]
    assert dates == sorted(dates)


def test_offsets_lead_to_the_end_once(devon: App) -> None:
    first = items(devon, ODDS, limit=30)
    second = items(devon, ODDS, limit=30, offset=30)
    assert (first["total_count"], first["offset"], first["limit"]) == (42, 0, 30)
    assert len(set(names(first) + names(second))) == 42
    assert items(devon, ODDS, offset=42)["entries"] == []


def test_markers_lead_to_the_end_once(devon: App) -> None:
    first = items(devon, ODDS, usemarker="true", limit=30)
    assert "total_count" not in first
    assert "offset" not in first
    second = items(devon, ODDS, usemarker="true", limit=30, marker=first["next_marker"])
    assert second["next_marker"] is None
    assert len(set(names(first) + names(second))) == 42


def test_a_marker_counts_even_when_usemarker_is_false(devon: App) -> None:
    first = items(devon, ODDS, usemarker="true", limit=30)
    second = items(devon, ODDS, usemarker="false", limit=30, marker=first["next_marker"])
    assert "next_marker" in second


def test_a_marker_holds_its_place_while_the_folder_changes(
    sandbox: SandboxProcess, devon: App
) -> None:
    oac = f"{MOB}/08 Meetings/OAC"
    first = items(devon, oac, usemarker="true", limit=5)
    sandbox.change("delete", f"{oac}/OAC 02 minutes.pdf")
    sandbox.change("delete", f"{oac}/OAC 05 minutes.pdf")
    sandbox.change("add_file", f"{oac}/OAC 00 minutes.pdf", size=1000)
    rest = items(devon, oac, usemarker="true", limit=100, marker=first["next_marker"])
    assert names(first)[-1] == "OAC 05 minutes.pdf"
    assert names(rest)[0] == "OAC 06 minutes.pdf"


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("sort", ["id", "name", "date", "size"])
def test_markers_and_offsets_agree_in_every_order(devon: App, sort: str, direction: str) -> None:
    order = {"sort": sort, "direction": direction}
    whole = names(items(devon, ODDS, limit=1000, **order))
    found: list[str] = []
    marker = "0"
    while marker:
        page = items(devon, ODDS, usemarker="true", marker=marker, limit=9, **order)
        found += names(page)
        marker = page["next_marker"]
    assert found == whole


def test_the_limit_is_a_hundred_by_default_and_a_thousand_at_most(devon: App) -> None:
    assert len(items(devon, PHOTOS)["entries"]) == items(devon, PHOTOS)["limit"] == 100
    body = items(devon, PHOTOS, limit=1_000_000)
    assert len(body["entries"]) == body["limit"] == 1000


def test_short_pages_say_that_more_follows(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("short_pages", ODDS)
    by_offset = [len(items(devon, ODDS, limit=10, offset=n)["entries"]) for n in range(0, 90, 10)]
    assert by_offset == [10, 0, 5, 10, 0, 5, 10, 0, 2]
    assert items(devon, ODDS, limit=10)["total_count"] == 82
    second = items(
        devon,
        ODDS,
        usemarker="true",
        limit=10,
        marker=items(devon, ODDS, usemarker="true", limit=10)["next_marker"],
    )
    assert second["entries"] == []
    assert second["next_marker"]


def test_without_fields_entries_are_minis(devon: App) -> None:
    by_kind = {entry["type"]: entry for entry in items(devon, ODDS)["entries"]}
    common = {"type", "id", "etag", "sequence_id", "name"}
    assert by_kind["folder"].keys() == common
    assert by_kind["file"].keys() == common | {"sha1", "file_version"}
    assert by_kind["web_link"].keys() == common | {"url"}


def test_a_classification_comes_when_it_is_asked_for(devon: App) -> None:
    path = "/Received from Brindlewick"
    by_name = {e["name"]: e for e in items(devon, path, fields="name,classification")["entries"]}
    assert by_name["Utility as-builts 1998.tif"]["classification"] == {
        "name": "Confidential",
        "definition": "For the people who work on it. Ask its owner before it leaves the company.",
        "color": "#F5B000",
    }
    assert by_name["Joint trench exhibit.pdf"]["classification"] is None
    assert all("classification" not in entry for entry in items(devon, path)["entries"])


def test_files_are_classified_and_declassified(devon: App) -> None:
    path = f"{MOB}/10 Safety/Site safety plan rev 2.pdf"
    file = devon.sandbox.change("classify", path, name="Internal")["id"]
    shown = devon.get(f"/files/{file}", fields="classification").json()["classification"]
    assert shown["name"] == "Internal"
    devon.sandbox.change("classify", path)
    assert devon.get(f"/files/{file}", fields="classification").json()["classification"] is None
    with pytest.raises(AssertionError, match="there is no classification 'Nonsense'"):
        devon.sandbox.change("classify", path, name="Nonsense")


def test_named_fields_are_exactly_what_comes_beside_type_id_and_etag(devon: App) -> None:
    by_kind = {e["type"]: e for e in items(devon, ODDS, fields="size,nonsense")["entries"]}
    assert by_kind["folder"].keys() == {"type", "id", "etag", "size"}
    assert by_kind["file"].keys() == {"type", "id", "etag", "size"}
    assert by_kind["web_link"].keys() == {"type", "id", "etag"}


def test_unknown_parameters_are_ignored(devon: App) -> None:
    assert items(devon, ODDS, nonsense="1")["total_count"] == 42


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"limit": "-1"}, 400, "invalid_limit"),
        ({"limit": "abc"}, 400, "invalid_limit"),
        ({"offset": "-1"}, 400, "invalid_offset"),
        ({"offset": "300001"}, 400, "bad_request"),
        ({"sort": "modified_at"}, 400, "bad_request"),
        ({"direction": "INVALID"}, 400, "bad_request"),
        ({"usemarker": "true", "marker": "zzz"}, 400, "bad_request"),
        ({"usemarker": "true", "sort": "date"}, 400, "bad_request"),
    ],
)
def test_the_root_refuses_bad_parameters(
    devon: App, params: dict[str, Any], status: int, code: str
) -> None:
    answer = devon.get("/folders/0/items", **params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_highest_offset_can_be_set(sandbox: SandboxProcess, devon: App) -> None:
    assert items(devon, PHOTOS, offset=4000)["entries"]
    sandbox.settings(max_offset=3999)
    folder = sandbox.world(PHOTOS)["id"]
    answer = devon.get(f"/folders/{folder}/items", offset=4000)
    error = answer.json()["context_info"]["errors"][0]
    assert error == {
        "reason": "invalid_parameter",
        "name": "offset",
        "message": "Invalid value '4000'. The offset must not exceed the maximum offset of 3999",
    }


def test_a_marker_of_another_folder_is_refused(sandbox: SandboxProcess, devon: App) -> None:
    marker = items(devon, ODDS, usemarker="true", limit=5)["next_marker"]
    other = sandbox.world("/Templates")["id"]
    answer = devon.get(f"/folders/{other}/items", usemarker="true", marker=marker)
    assert answer.status_code == 400


@pytest.mark.parametrize("folder_id", ["abc", "-1", "1e3", "%20", "0x10", "1" * 21])
def test_what_is_no_id_is_not_allowed(devon: App, folder_id: str) -> None:
    answer = devon.get(f"/folders/{folder_id}/items")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_an_absent_folder_is_named_in_boxs_way(devon: App) -> None:
    error = devon.get("/folders/4711/items").json()
    assert error["status"] == 404
    assert error["code"] == "not_found"
    assert error["help_url"] == "http://developers.box.com/docs/#errors"
    assert error["context_info"]["errors"] == [
        {
            "reason": "invalid_parameter",
            "name": "item",
            "message": "Invalid value 'd_4711'. 'item' with value 'd_4711' not found",
        }
    ]
    assert error["request_id"]


def test_the_root_has_a_name_and_hardly_anything_else(devon: App) -> None:
    root = devon.get("/folders/0").json()
    assert root["name"] == "All Files"
    for empty in ("etag", "sequence_id", "created_at", "modified_at", "parent"):
        assert root[empty] is None
    assert root["created_by"] == {"type": "user", "id": "", "name": "", "login": ""}
    assert root["path_collection"] == {"total_count": 0, "entries": []}
    assert root["item_collection"]["total_count"] == 6


def test_large_folder_sizes_are_floats(sandbox: SandboxProcess, devon: App) -> None:
    photos, templates = sandbox.world(PHOTOS), sandbox.world("/Templates")
    large = devon.get(f"/folders/{photos['id']}", fields="size").json()["size"]
    small = devon.get(f"/folders/{templates['id']}", fields="size").json()["size"]
    assert isinstance(large, float)
    assert int(large) == photos["size"] > 20_000_000_000
    assert isinstance(small, int)


def test_a_folder_that_is_known_already_is_not_sent_again(
    sandbox: SandboxProcess, devon: App
) -> None:
    folder = sandbox.world("/Templates")
    known = {"if-none-match": folder["etag"]}
    answer = devon.get(f"/folders/{folder['id']}", headers=known)
    assert (answer.status_code, answer.content) == (304, b"")
    sandbox.change("rename", "/Templates", name="Forms")
    assert devon.get(f"/folders/{folder['id']}", headers=known).status_code == 200


def test_a_change_shows_in_the_next_listing(sandbox: SandboxProcess, devon: App) -> None:
    before = names(items(devon, "/Templates"))
    sandbox.change("add_file", "/Templates/New form.docx", size=4000)
    assert set(names(items(devon, "/Templates"))) == {*before, "New form.docx"}


def test_names_come_exactly_as_they_are(devon: App) -> None:
    found = names(items(devon, ODDS))
    assert "Re\u0301sume\u0301 du be\u0301ton.docx" in found
    assert "zero\u200bwidth name.txt" in found
    assert "..two dots first.txt" in found
    assert "🏗️ Topping out 🎉.png" in found
    assert max(len(name) for name in found) == 255


def test_replies_carry_the_headers_of_the_live_service(devon: App) -> None:
    answer = devon.get("/folders/0/items")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Cache-Control"] == "no-cache, no-store"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Age"] == "0"
    other = devon.get("/folders/0/items")
    assert answer.headers["BOX-REQUEST-ID"] != other.headers["BOX-REQUEST-ID"]


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_gzip_comes_only_when_asked_for(devon: App, accepted: str) -> None:
    answer = devon.get("/folders/0/items", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding", "identity") == accepted
    assert answer.json()["total_count"] == 6

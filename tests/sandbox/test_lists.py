"""Recents and favorites: what is in them, for whom, in which order, page by page."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.openapi import check
from tests.sandbox.people import PEOPLE, App
from tests.sandbox.process import DEVON, SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
FORM = "/Templates/RFI form.docx"
DAY = 24 * 3600


def recents(app: App, **params: Any) -> dict[str, Any]:
    answer = app.get("/recent_items", **params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    check(body, "RecentItems")
    return body


def used(app: App, **params: Any) -> list[str]:
    return [entry["item"]["name"] for entry in recents(app, **params)["entries"]]


# ---- recents


def test_recents_come_with_an_order_that_is_an_object(devon: App) -> None:
    body = recents(devon)
    assert body["order"] == {"by": "interacted_at", "direction": "DESC"}
    assert (body["limit"], body["next_marker"]) == (100, "")
    times = [entry["interacted_at"] for entry in body["entries"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == 16


def test_an_entry_says_how_and_when_and_shows_the_item_in_full(devon: App) -> None:
    entry = recents(devon)["entries"][0]
    assert entry["type"] == "recent_item"
    assert entry["interaction_type"] == "item_modify"
    assert entry["interaction_shared_link"] is None
    assert entry["item"]["name"] == "RFI-002 overlay.pdf"
    assert entry["item"]["path_collection"]["entries"][-1]["name"] == "RFI-002 Stair 2 slab edge"


def test_named_fields_are_about_the_item(devon: App) -> None:
    entry = recents(devon, fields="name,size")["entries"][0]
    assert entry["item"].keys() == {"type", "id", "etag", "name", "size"}
    assert entry["interaction_type"] == "item_modify"


def test_markers_lead_to_the_end_of_recents_once(devon: App) -> None:
    found: list[str] = []
    marker = "0"
    while marker:
        body = recents(devon, limit=5, marker=marker)
        assert len(body["entries"]) <= body["limit"] == 5
        found += [entry["item"]["id"] for entry in body["entries"]]
        marker = body["next_marker"]
    assert found == [entry["item"]["id"] for entry in recents(devon)["entries"]]


def test_a_marker_holds_its_place_when_something_is_used_meanwhile(
    sandbox: SandboxProcess, devon: App
) -> None:
    whole = used(devon)
    first = recents(devon, limit=3)
    sandbox.change("use", "/Templates/Punch list form.xlsx")
    assert used(devon, marker=first["next_marker"]) == whole[3:]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": -1}, "invalid_limit"),
        ({"limit": "many"}, "invalid_limit"),
        ({"marker": "nonsense"}, "bad_request"),
        ({"marker": "WzFd"}, "bad_request"),
    ],
)
def test_recents_refuse_bad_parameters(devon: App, params: dict[str, Any], code: str) -> None:
    answer = devon.get("/recent_items", **params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    check(answer.json(), "ClientError")


def test_the_limit_of_recents_is_a_thousand(devon: App) -> None:
    assert recents(devon, limit=5000)["limit"] == 1000


@pytest.mark.parametrize("how", ["preview", "upload", "comment", "open", "modify"])
def test_a_use_moves_an_item_to_the_top(sandbox: SandboxProcess, devon: App, how: str) -> None:
    before = used(devon)
    sandbox.change("use", FORM, how=how)
    top = recents(devon)["entries"][0]
    assert (top["item"]["name"], top["interaction_type"]) == ("RFI form.docx", f"item_{how}")
    assert sorted(used(devon)) == sorted(before)


def test_listing_reading_and_downloading_are_no_use(sandbox: SandboxProcess, devon: App) -> None:
    before = recents(devon)
    file = sandbox.world("/Templates/Lien waiver - final.docx")["id"]
    assert devon.get(f"/files/{file}").status_code == 200
    assert devon.download(file).status_code == 200
    assert recents(devon) == before


def test_adding_and_changing_a_file_is_a_use(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("add_file", "/Templates/Fresh.txt", text="new")
    sandbox.change("new_version", FORM)
    top = [(e["item"]["name"], e["interaction_type"]) for e in recents(devon)["entries"][:2]]
    assert set(top) == {("Fresh.txt", "item_upload"), ("RFI form.docx", "item_modify")}


def test_everybody_has_recents_of_their_own(linked: Callable[[str], App]) -> None:
    rosa = used(linked("rosa"))
    assert rosa[:2] == ["Cost to complete 2025-08.xlsx", "RFI log 2025-09-15.xlsx"]
    assert used(linked("owen")) == []


def test_recents_older_than_ninety_days_are_forgotten(sandbox: SandboxProcess, devon: App) -> None:
    assert "Notice to proceed.pdf" not in used(devon)
    sandbox.change("use", FORM)
    sandbox.advance(89 * DAY)
    devon.link()
    assert used(devon)[0] == "RFI form.docx"
    sandbox.advance(2 * DAY)
    devon.link()
    assert used(devon) == []


def test_only_the_last_thousand_items_are_kept(sandbox: SandboxProcess, devon: App) -> None:
    photos = sandbox.world(f"{MOB}/12 Photos/Progress 2025 (all)")["id"]
    entries = devon.get(f"/folders/{photos}/items", limit=1000).json()["entries"]
    sandbox.control(
        "POST", "files", {"ops": [{"op": "use", "id": e["id"], "login": DEVON} for e in entries]}
    )
    assert len(recents(devon, limit=1000, fields="name")["entries"]) == 1000
    assert recents(devon, limit=1000, fields="name")["next_marker"] == ""
    assert "RFI form.docx" not in used(devon, limit=1000, fields="name")


def test_what_is_gone_or_out_of_reach_is_no_longer_recent(
    sandbox: SandboxProcess, devon: App, linked: Callable[[str], App]
) -> None:
    rosa = linked("rosa")
    assert "RFI log 2025-09-15.xlsx" in used(rosa)
    sandbox.change("unshare", f"{MOB}/05 RFIs", **{"with": PEOPLE["rosa"]})
    assert "RFI log 2025-09-15.xlsx" not in used(rosa)
    assert "RFI log 2025-09-15.xlsx" in used(devon)
    sandbox.change("trash", f"{MOB}/05 RFIs")
    assert "RFI log 2025-09-15.xlsx" not in used(devon)


def test_what_a_link_led_to_is_recent_and_says_which(sandbox: SandboxProcess, devon: App) -> None:
    name = "Calculation book volume 1.pdf"
    kwame = PEOPLE["kwame"]
    path = f"/2317 Larkspur structural/{name}"
    link = sandbox.world(path, login=kwame)["shared_link"]
    entry = next(e for e in recents(devon)["entries"] if e["item"]["name"] == name)
    assert entry["interaction_shared_link"] == link
    assert entry["item"]["parent"] is None
    assert entry["item"]["path_collection"] == {"total_count": 0, "entries": []}
    sandbox.change("remove_link", path, login=kwame)
    assert name not in used(devon)


# ---- favorites


def favorites_id(app: App) -> str:
    answer = app.get("/collections")
    assert answer.status_code == 200, answer.text
    check(answer.json(), "Collections")
    (entry,) = answer.json()["entries"]
    assert (entry["name"], entry["collection_type"]) == ("Favorites", "favorites")
    found: str = entry["id"]
    return found


def favorites(app: App, **params: Any) -> dict[str, Any]:
    answer = app.get(f"/collections/{favorites_id(app)}/items", **params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    check(body, "ItemsOffsetPaginated")
    return body


def names(body: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in body["entries"]]


def test_favorites_are_the_only_collection(devon: App) -> None:
    body = devon.get("/collections").json()
    assert (body["total_count"], body["offset"], body["limit"]) == (1, 0, 100)
    assert devon.get("/collections", offset=1).json()["entries"] == []
    assert devon.get("/collections", fields="name").json()["entries"][0].keys() == {
        "type",
        "id",
        "name",
    }


def test_favorites_have_no_order_and_hold_files_and_folders(devon: App) -> None:
    body = favorites(devon)
    assert body.keys() == {"total_count", "limit", "offset", "entries"}
    assert names(body) == [
        "03 Drawings",
        "05 RFIs",
        "Received from Brindlewick",
        "RFI log 2025-09-15.xlsx",
        "Submittal register.xlsx",
        "Three-week look-ahead 2025-09-15.pdf",
    ]
    file = body["entries"][-1]
    assert file.keys() == {"type", "id", "etag", "sequence_id", "sha1", "name", "file_version"}


def test_offsets_lead_to_the_end_of_favorites_once(devon: App) -> None:
    found: list[str] = []
    for offset in range(0, 8, 4):
        body = favorites(devon, limit=4, offset=offset)
        assert (body["total_count"], body["limit"], body["offset"]) == (6, 4, offset)
        found += names(body)
    assert found == names(favorites(devon))


@pytest.mark.parametrize("path", ["/collections", "/collections/{own}/items"])
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"offset": 10_001}, "bad_request"),
        ({"offset": -1}, "invalid_offset"),
        ({"limit": -1}, "invalid_limit"),
    ],
)
def test_collections_refuse_bad_paging(
    devon: App, path: str, params: dict[str, Any], code: str
) -> None:
    answer = devon.get(path.format(own=favorites_id(devon)), **params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    check(answer.json(), "ClientError")


def test_the_highest_offset_of_favorites_is_allowed(devon: App) -> None:
    assert favorites(devon, offset=10_000, limit=5000)["entries"] == []
    assert favorites(devon, limit=5000)["limit"] == 1000


def test_other_peoples_favorites_are_not_found(devon: App, linked: Callable[[str], App]) -> None:
    rosa = linked("rosa")
    hers = favorites_id(rosa)
    assert hers != favorites_id(devon)
    for collection in (hers, "1", "nonsense"):
        answer = devon.get(f"/collections/{collection}/items")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        check(answer.json(), "ClientError")
    assert names(favorites(rosa)) == ["05 RFIs", "Cost to complete 2025-08.xlsx"]


def test_an_item_says_whether_it_is_my_favorite(
    sandbox: SandboxProcess, devon: App, linked: Callable[[str], App]
) -> None:
    folder = sandbox.world(f"{MOB}/03 Drawings")["id"]
    mine = devon.get(f"/folders/{folder}", fields="collections").json()["collections"]
    assert [entry["id"] for entry in mine] == [favorites_id(devon)]
    hers = linked("rosa").get(f"/folders/{folder}", fields="collections").json()["collections"]
    assert hers == []


def test_favorites_are_added_and_taken_away(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("favorite", FORM)
    sandbox.change("favorite", FORM)
    sandbox.change("unfavorite", f"{MOB}/05 RFIs")
    found = names(favorites(devon))
    assert found.count("RFI form.docx") == 1
    assert "05 RFIs" not in found
    sandbox.reset()
    devon.link()
    assert "05 RFIs" in names(favorites(devon))


def test_favorites_out_of_reach_are_left_out(
    sandbox: SandboxProcess, devon: App, linked: Callable[[str], App]
) -> None:
    sandbox.change("unshare", f"{MOB}/05 RFIs", **{"with": PEOPLE["rosa"]})
    body = favorites(linked("rosa"))
    assert (names(body), body["total_count"]) == (["Cost to complete 2025-08.xlsx"], 1)
    sandbox.change("trash", f"{MOB}/05 RFIs")
    assert "RFI log 2025-09-15.xlsx" not in names(favorites(devon))


# ---- tokens, limits, faults


@pytest.mark.parametrize("path", ["/recent_items", "/collections", "/collections/{own}/items"])
def test_a_picker_may_see_lists_and_a_previewer_may_not(devon: App, path: str) -> None:
    path = path.format(own=favorites_id(devon))
    assert devon.get(path, token=devon.narrowed("base_picker")).status_code == 200
    for scope in ("item_preview", "item_download", "base_upload"):
        refusal = devon.get(path, token=devon.narrowed(scope))
        assert (refusal.status_code, refusal.json()["code"]) == (403, "insufficient_scope")


def test_a_token_for_one_folder_lists_nothing_else(sandbox: SandboxProcess, devon: App) -> None:
    folder = sandbox.world(f"{MOB}/05 RFIs")["id"]
    token = devon.narrowed("base_picker", f"folders/{folder}")
    seen = devon.get("/recent_items", token=token).json()["entries"]
    assert {entry["item"]["name"] for entry in seen} == {
        "RFI-002 overlay.pdf",
        "RFI-002 field dims.jpg",
        "RFI log 2025-09-15.xlsx",
    }
    own = favorites_id(devon)
    assert names(devon.get(f"/collections/{own}/items", token=token).json()) == [
        "05 RFIs",
        "RFI log 2025-09-15.xlsx",
    ]


def test_lists_need_a_token_and_count_as_calls(sandbox: SandboxProcess, devon: App) -> None:
    assert devon.get("/recent_items", token="TKN_none").status_code == 401
    own = favorites_id(devon)
    sandbox.forget_calls()
    recents(devon)
    favorites(devon)
    assert sandbox.calls()["counts"] == {
        "GET /2.0/recent_items": 1,
        "GET /2.0/collections": 1,
        "GET /2.0/collections/:id/items": 1,
    }
    sandbox.faults({"match": {"path": "/recent_items$"}, "action": {"status": 503}})
    sandbox.faults({"match": {"path": f"/collections/{own}/items$"}, "action": {"status": 500}})
    assert devon.get("/recent_items").status_code == 503
    assert devon.get(f"/collections/{own}/items").status_code == 500
    assert used(devon)

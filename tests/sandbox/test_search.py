"""Search: its language, its filters, its paging, and how late it learns of a change."""

from typing import Any

import pytest

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"


def found(app: App, query: str, **params: Any) -> list[str]:
    asked: dict[str, Any] = {"query": query, "limit": 200} | params
    answer = app.get("/search", **asked)
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json()["entries"]]


def test_words_of_a_name_find_it(devon: App) -> None:
    assert "Voice memo grid 7.m4a" in found(devon, "memo")


def test_the_beginning_of_a_word_is_enough(devon: App) -> None:
    assert found(devon, "Orthomos") == ["2025-09-05 Orthomosaic.tif"]
    assert found(devon, "rthomosaic") == []


def test_case_and_accents_do_not_count(devon: App) -> None:
    names = found(devon, "RESUME beton")
    assert {"Résumé du béton (2).docx", "Re\u0301sume\u0301 du be\u0301ton.docx"} <= {*names[:2]}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("現場", "現場写真_2階_配管.jpg"),
        ("Планировка", "Планировка 1 этажа — правки.pdf"),
        ("مخطط", "مخطط الموقع - مراجعة ٢.pdf"),
        ("काम", "काम की सूची.docx"),
    ],
)
def test_every_script_is_found(devon: App, query: str, name: str) -> None:
    assert name in found(devon, query)


def test_several_words_mean_any_of_them_best_first(devon: App) -> None:
    names = found(devon, "first floor lighting")
    assert names[0] == "E-111 First Floor Lighting.pdf"
    assert "26 51 00 Interior Lighting.pdf" in names


def test_operators_count_in_capitals(devon: App) -> None:
    both = found(devon, "floor AND lighting")
    assert both == ["E-111 First Floor Lighting.pdf", "E-112 Second Floor Lighting.pdf"]
    assert found(devon, "lighting NOT floor") == ["26 51 00 Interior Lighting.pdf"]
    assert len(found(devon, "floor and lighting")) > len(both)


def test_quotes_keep_words_together(devon: App) -> None:
    assert found(devon, '"Wall Sections"') == ["A-311 Wall Sections.pdf"]
    assert found(devon, '"Sections Wall"') == []
    assert found(devon, '"Wall Sect"') == []


def test_a_star_is_no_wildcard(devon: App) -> None:
    assert found(devon, "*") == []


@pytest.mark.parametrize("params", [{}, {"query": ""}, {"query": "  "}])
def test_searching_for_nothing_is_refused(devon: App, params: dict[str, Any]) -> None:
    answer = devon.get("/search", **params)
    assert answer.status_code == 400
    assert answer.json()["context_info"]["errors"] == [
        {
            "reason": "missing_parameter",
            "name": "to_search",
            "message": "'to_search' is required",
        }
    ]


def test_a_folder_limits_the_search_to_what_is_below_it(
    sandbox: SandboxProcess, devon: App
) -> None:
    folder = sandbox.world("/Quillmark Projects/2322 Pell Street Parking")["id"]
    names = found(devon, "A-101", ancestor_folder_ids=folder)
    assert names == ["PS-A-101 Ground Level.pdf"]
    assert len(found(devon, "A-101", ancestor_folder_ids="0")) == 2
    assert devon.get("/search", query="a", ancestor_folder_ids="4711").status_code == 404


def test_kinds_endings_and_sizes_limit_the_search(devon: App) -> None:
    assert found(devon, "deck", type="folder") == ["2025-08 Deck pours"]
    assert found(devon, "deck", file_extensions="tif,mov", size_range="20000000,") == [
        "Deck 2B slump test.mov"
    ]
    assert found(devon, "site", type="web_link", content_types="name") == [
        "Site camera 1",
        "Site weather – 10 day",
    ]
    assert found(devon, "site", content_types="file_content") == []


def test_owners_limit_the_search(sandbox: SandboxProcess, devon: App) -> None:
    anneke = devon.get("/search", query="SF-2317").json()["entries"][0]["owned_by"]["id"]
    assert len(found(devon, "2317", owner_user_ids=anneke)) == 3


def test_dates_limit_and_order_the_search(devon: App) -> None:
    params: dict[str, Any] = {"sort": "modified_at", "fields": "name,modified_at"}
    entries = devon.get("/search", query="minutes", limit=200, **params).json()["entries"]
    dates = [entry["modified_at"] for entry in entries]
    assert dates == sorted(dates, reverse=True)
    since = found(devon, "minutes", updated_at_range=f"{dates[3]},", type="file")
    assert len(since) == 4


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"type": "files"}, 400),
        ({"sort": "name"}, 400),
        ({"direction": "UP"}, 400),
        ({"size_range": "many"}, 400),
        ({"created_at_range": "yesterday,"}, 400),
        ({"offset": "10001"}, 400),
        ({"limit": "-1"}, 400),
        ({"scope": "everything"}, 400),
        ({"scope": "enterprise_content"}, 403),
    ],
)
def test_bad_parameters_are_refused(devon: App, params: dict[str, Any], status: int) -> None:
    assert devon.get("/search", query="plan", **params).status_code == status


def test_pages_follow_by_offset(devon: App) -> None:
    first = devon.get("/search", query="IMG").json()
    assert (first["limit"], first["offset"], len(first["entries"])) == (30, 0, 30)
    assert first["total_count"] == 5002
    assert devon.get("/search", query="IMG", limit=1000).json()["limit"] == 200
    last = devon.get("/search", query="IMG", offset=5000, limit=200).json()
    assert len(last["entries"]) == 2


def test_hits_are_standard_unless_fields_are_named(devon: App) -> None:
    plain = devon.get("/search", query="A-311").json()
    assert plain["type"] == "search_results_items"
    hit = plain["entries"][0]
    assert hit["path_collection"]["total_count"] == 6
    assert hit["folder_upload_email"] is None
    named = devon.get("/search", query="A-311", fields="name").json()["entries"][0]
    assert named.keys() == {"type", "id", "etag", "name"}


def test_only_what_one_may_see_is_found(sandbox: SandboxProcess, devon: App) -> None:
    lucia = App(sandbox).link("lucia.penaranda@boxmail.example")
    mine, theirs = found(devon, "A-101"), found(lucia, "A-101")
    assert mine == ["A-101 First Floor Plan.pdf", "PS-A-101 Ground Level.pdf"]
    assert theirs == ["A-101 First Floor Plan.pdf"]
    lucia.http.close()


def test_a_new_file_cannot_be_found_for_ten_minutes(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("add_file", "/Templates/Brandnewform.docx")
    assert found(devon, "Brandnewform") == []
    sandbox.advance(601)
    assert found(devon, "Brandnewform") == ["Brandnewform.docx"]


def test_a_renamed_file_is_found_under_its_old_name_for_a_while(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.change("rename", "/Templates/RFI form.docx", name="Question form.docx")
    assert found(devon, "RFI AND form") == ["Question form.docx"]
    sandbox.settings(search_lag_s=0)
    assert found(devon, "RFI AND form") == []
    assert found(devon, "Question") == ["Question form.docx"]


def test_what_is_in_the_trash_is_not_found(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.change("trash", "/Templates")
    assert found(devon, "Transmittal AND form") == []

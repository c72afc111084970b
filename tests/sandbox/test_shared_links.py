"""Shared links: what they lead to, for whom, and how they are refused."""

from typing import Any

import pytest
import requests

from tests.sandbox.openapi import check
from tests.sandbox.people import PEOPLE, App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
BOOK = ("kwame", "/2317 Larkspur structural/Calculation book volume 1.pdf")
RENDERINGS = ("anneke", "/2317 Larkspur/Renderings")
BRIEF = ("anneke", "/2317 Larkspur/Project brief.pdf")
BYPASS = ("bryn", "/BC-104 Orrin Creek/Bypass plan.pdf")
SUBMITTAL = ("lucia", "/Cobalt Ridge - Larkspur/Lighting fixture submittal.pdf")
TRACKER = ("rosa", "/Larkspur MOB - PM/Billing/Lien waiver tracker.xlsx")
BOARD = ("owen", "/Owner - Larkspur/Board update 2025-09.pptx")
STAFFING = ("mara", "/Operations/Staffing plan 2025.xlsx")

Place = tuple[str, str]


def facts(sandbox: SandboxProcess, place: Place) -> dict[str, Any]:
    person, path = place
    return sandbox.world(path, login=PEOPLE[person])


def holding(link: str, password: str = "") -> dict[str, str]:
    """Return the header of a call that holds a link."""
    return {"BoxApi": f"shared_link={link}{password and '&shared_link_password='}{password}"}


def opened(app: App, place: Place, password: str = "", **params: Any) -> requests.Response:
    link = facts(app.sandbox, place)["shared_link"]
    return app.get("/shared_items", headers=holding(link, password), **params)


def refusal(answer: requests.Response) -> tuple[int, str]:
    check(answer.json(), "ClientError")
    return answer.status_code, answer.json()["code"]


# ---- where a link leads


def test_a_link_leads_to_its_file(sandbox: SandboxProcess, devon: App) -> None:
    file = facts(sandbox, BOOK)
    assert devon.get(f"/files/{file['id']}").status_code == 404
    answer = opened(devon, BOOK)
    assert answer.status_code == 200, answer.text
    check(answer.json(), "File--Full")
    told = answer.json()
    assert (told["id"], told["name"]) == (file["id"], "Calculation book volume 1.pdf")
    assert told["parent"] is None
    assert told["path_collection"] == {"total_count": 0, "entries": []}


def test_a_link_leads_to_its_folder_and_all_below_it(sandbox: SandboxProcess, devon: App) -> None:
    folder = facts(sandbox, RENDERINGS)
    found = opened(devon, RENDERINGS)
    check(found.json(), "Folder--Full")
    header = holding(folder["shared_link"])
    whole = devon.get(f"/folders/{folder['id']}", headers=header).json()
    check(whole, "Folder--Full")
    assert whole["item_collection"]["total_count"] == 3
    items = devon.get(f"/folders/{folder['id']}/items", headers=header)
    check(items.json(), "Items")
    names = [entry["name"] for entry in items.json()["entries"]]
    assert names == ["Entry dusk.jpg", "Lobby view 1.png", "Lobby view 2.png"]
    file = devon.get(f"/files/{items.json()['entries'][0]['id']}", headers=header).json()
    check(file, "File--Full")
    assert [entry["name"] for entry in file["path_collection"]["entries"]] == ["Renderings"]
    assert file["parent"]["id"] == folder["id"]


def test_the_header_counts_for_one_call_and_for_nothing_beside_the_link(
    sandbox: SandboxProcess, devon: App
) -> None:
    folder = facts(sandbox, RENDERINGS)
    header = holding(folder["shared_link"])
    assert devon.get(f"/folders/{folder['id']}/items", headers=header).status_code == 200
    assert refusal(devon.get(f"/folders/{folder['id']}/items")) == (404, "not_found")
    beside = facts(sandbox, BRIEF)["id"]
    above = facts(sandbox, ("anneke", "/2317 Larkspur"))["id"]
    assert refusal(devon.get(f"/files/{beside}", headers=header)) == (404, "not_found")
    assert refusal(devon.get(f"/folders/{above}", headers=header)) == (404, "not_found")


def test_a_linked_file_is_downloaded_with_the_header(sandbox: SandboxProcess, devon: App) -> None:
    book = facts(sandbox, BOOK)
    assert devon.get(f"/files/{book['id']}/content").status_code == 404
    answer = devon.get(f"/files/{book['id']}/content", headers=holding(book["shared_link"]))
    assert answer.status_code == 302
    content = requests.get(answer.headers["Location"], timeout=10).content
    assert len(content) == book["size"]


def test_one_may_look_at_a_preview_only_link_but_not_download(
    sandbox: SandboxProcess, devon: App
) -> None:
    plan = facts(sandbox, BYPASS)
    told = opened(devon, BYPASS, fields="permissions,shared_link").json()
    assert told["permissions"]["can_preview"] is True
    assert told["permissions"]["can_download"] is False
    assert told["shared_link"]["effective_permission"] == "can_preview"
    answer = devon.get(f"/files/{plan['id']}/content", headers=holding(plan["shared_link"]))
    assert refusal(answer) == (403, "access_denied_insufficient_permissions")


def test_a_link_takes_no_right_away(sandbox: SandboxProcess, linked: Any) -> None:
    bryn = linked("bryn")
    plan = facts(sandbox, BYPASS)
    told = opened(bryn, BYPASS, fields="permissions,path_collection").json()
    assert told["permissions"]["can_download"] is True
    assert told["path_collection"]["entries"][0]["name"] == "All Files"
    answer = bryn.get(f"/files/{plan['id']}/content", headers=holding(plan["shared_link"]))
    assert answer.status_code == 302


def test_a_link_adds_to_ones_own_rights_in_its_own_calls_only(
    sandbox: SandboxProcess, devon: App
) -> None:
    path = "/Received from Studio Fennimore"
    folder = sandbox.change("set_link", path, login=PEOPLE["anneke"])
    header = holding(folder["shared_link"])
    listing = f"/folders/{folder['id']}/items"
    for headers, may_download in (({}, False), (header, True), ({}, False)):
        body = devon.get(listing, headers=headers, fields="permissions").json()
        rights = {entry["permissions"]["can_download"] for entry in body["entries"]}
        assert rights == {may_download}
    file = sandbox.world(f"{path}/SF-2317 Door 112B function.pdf")["id"]
    assert devon.get(f"/files/{file}/content").status_code == 403
    assert devon.get(f"/files/{file}/content", headers=header).status_code == 302


@pytest.mark.parametrize("host", ["app.box.com", "studiofennimore.app.box.com", "www.box.com"])
def test_a_link_may_carry_a_companys_host(sandbox: SandboxProcess, devon: App, host: str) -> None:
    link = facts(sandbox, RENDERINGS)["shared_link"].replace("app.box.com", host)
    assert devon.get("/shared_items", headers=holding(link)).status_code == 200
    quoted = holding(link.replace(":", "%3A").replace("/", "%2F"))
    assert devon.get("/shared_items", headers=quoted).status_code == 200


def test_a_linked_item_that_is_known_is_not_sent_again(sandbox: SandboxProcess, devon: App) -> None:
    book = facts(sandbox, BOOK)
    header = holding(book["shared_link"]) | {"If-None-Match": book["etag"]}
    answer = devon.get("/shared_items", headers=header)
    assert (answer.status_code, answer.content) == (304, b"")


# ---- how a link is refused


def test_without_a_link_nothing_is_shared(devon: App) -> None:
    assert refusal(devon.get("/shared_items")) == (400, "bad_request")


@pytest.mark.parametrize(
    ("link", "status"),
    [
        ("1d4ic1yz3xxxxxxxxfnc1ob", 400),
        ("https://app.box.com/s/0123456789abcdefghijklmnopqrstuv", 404),
        ("https://app.box.com/folder/0", 404),
        ("https://plumbline.example/s/0123456789abcdefghijklmnopqrstuv", 404),
    ],
)
def test_wrong_links_are_refused(
    sandbox: SandboxProcess, devon: App, link: str, status: int
) -> None:
    file = sandbox.world("/Templates/RFI form.docx")["id"]
    for path in ("/shared_items", f"/files/{file}", "/folders/0/items"):
        answer = devon.get(path, headers=holding(link))
        assert refusal(answer)[0] == status
        assert answer.json()["context_info"]["errors"][0]["name"] == "shared_link"


def test_a_password_is_asked_for(sandbox: SandboxProcess, devon: App) -> None:
    wrong = (403, "incorrect_shared_item_password")
    assert refusal(opened(devon, BRIEF)) == wrong
    assert refusal(opened(devon, BRIEF, "fennimor")) == wrong
    told = opened(devon, BRIEF, "fennimore").json()
    assert told["shared_link"]["is_password_enabled"] is True
    assert "fennimore" not in str(told["shared_link"])
    brief = facts(sandbox, BRIEF)
    path = f"/files/{brief['id']}/content"
    right = holding(brief["shared_link"], "fennimore")
    assert devon.get(path, headers=right).status_code == 302
    assert refusal(devon.get(path, headers=holding(brief["shared_link"]))) == wrong


def test_a_password_with_special_letters(sandbox: SandboxProcess, devon: App) -> None:
    path = "/2317 Larkspur/Code summary.docx"
    sandbox.change("set_link", path, login=PEOPLE["anneke"], password="a&b %=+")
    place = ("anneke", path)
    assert opened(devon, place, "a&b %=+").status_code == 200
    assert opened(devon, place, "a%26b%20%25%3D%2B").status_code == 200


def test_an_ended_link_leads_nowhere(sandbox: SandboxProcess, devon: App, linked: Any) -> None:
    assert refusal(opened(devon, SUBMITTAL)) == (404, "not_found")
    lucia = linked("lucia")
    file = facts(sandbox, SUBMITTAL)["id"]
    assert lucia.get(f"/files/{file}").json()["shared_link"] is None


def test_a_link_ends_at_its_time(sandbox: SandboxProcess, devon: App, linked: Any) -> None:
    kwame = linked("kwame")
    path = "/References/Load tables.xlsx"
    sandbox.change("set_link", path, login=PEOPLE["kwame"], seconds=600)
    place = ("kwame", path)
    folder = facts(sandbox, ("kwame", "/References"))["id"]
    listing = f"/folders/{folder}/items"
    assert opened(devon, place).json()["shared_link"]["unshared_at"]
    assert kwame.get(listing, fields="shared_link").json()["entries"][0]["shared_link"]
    sandbox.advance(601)
    assert refusal(opened(devon, place)) == (404, "not_found")
    assert kwame.get(listing, fields="shared_link").json()["entries"][0]["shared_link"] is None


def test_a_company_link_is_for_the_company(devon: App, linked: Any) -> None:
    assert opened(devon, TRACKER).status_code == 200
    assert opened(linked("mara"), TRACKER).status_code == 200
    answer = opened(devon, BOARD)
    assert refusal(answer) == (404, "not_found")
    assert answer.json()["context_info"]["errors"][0]["name"] == "unavailable"
    assert refusal(opened(linked("anneke"), TRACKER)) == (404, "not_found")


def test_a_collaborators_link_lets_nobody_else_in(
    sandbox: SandboxProcess, devon: App, linked: Any
) -> None:
    assert refusal(opened(devon, STAFFING)) == (404, "not_found")
    assert opened(linked("mara"), STAFFING).status_code == 200
    sandbox.change("share", "/Operations", login=PEOPLE["mara"], **{"with": "devon"}, role="viewer")
    assert opened(devon, STAFFING).status_code == 200


def test_a_link_to_what_was_deleted_leads_nowhere(sandbox: SandboxProcess, devon: App) -> None:
    person, path = BOOK
    link = facts(sandbox, BOOK)["shared_link"]
    sandbox.change("trash", path, login=PEOPLE[person])
    assert devon.get("/shared_items", headers=holding(link)).status_code == 404


def test_a_removed_link_and_its_successor(sandbox: SandboxProcess, devon: App) -> None:
    person, path = BOOK
    old = facts(sandbox, BOOK)["shared_link"]
    sandbox.change("set_link", path, login=PEOPLE[person])
    assert facts(sandbox, BOOK)["shared_link"] != old
    assert devon.get("/shared_items", headers=holding(old)).status_code == 404
    assert opened(devon, BOOK).status_code == 200
    sandbox.reset()
    devon.link()
    assert devon.get("/shared_items", headers=holding(old)).status_code == 200


# ---- what items say about links


def test_an_item_tells_of_its_link(sandbox: SandboxProcess, devon: App) -> None:
    plan = sandbox.world(f"{MOB}/10 Safety/Site safety plan rev 2.pdf")
    told = devon.get(f"/files/{plan['id']}", fields="shared_link,is_accessible_via_shared_link")
    check(told.json(), "File--Full")
    link = told.json()["shared_link"]
    assert link["url"] == plan["shared_link"]
    assert link["download_url"].startswith("https://app.box.com/shared/static/")
    assert link["download_url"].endswith(".pdf")
    assert (link["access"], link["effective_permission"]) == ("open", "can_download")
    assert told.json()["is_accessible_via_shared_link"] is True


def test_a_linked_folder_makes_its_files_reachable(sandbox: SandboxProcess, devon: App) -> None:
    drone = sandbox.world(f"{MOB}/12 Photos/Drone")
    fields = "shared_link,is_accessible_via_shared_link"
    folder = devon.get(f"/folders/{drone['id']}", fields=fields).json()
    check(folder, "Folder--Full")
    assert folder["shared_link"]["download_url"] is None
    items = devon.get(f"/folders/{drone['id']}/items", fields=fields).json()["entries"]
    assert {entry["is_accessible_via_shared_link"] for entry in items} == {True}
    assert {entry["shared_link"] for entry in items} == {None}


# ---- tokens, limits, faults


def test_scopes_hold_for_links_too(sandbox: SandboxProcess, devon: App) -> None:
    book = facts(sandbox, BOOK)
    header = holding(book["shared_link"])
    content = f"/files/{book['id']}/content"
    looks, downloads = devon.narrowed("item_preview"), devon.narrowed("item_download")
    assert devon.get("/shared_items", headers=header, token=looks).status_code == 200
    assert devon.get(content, headers=header, token=downloads).status_code == 302
    for token in (looks, devon.narrowed("base_picker")):
        assert refusal(devon.get(content, headers=header, token=token)) == (
            403,
            "insufficient_scope",
        )
    here = devon.narrowed("base_picker", f"folders/{sandbox.world('/Templates')['id']}")
    assert devon.get("/shared_items", headers=header, token=here).status_code == 403


def test_calls_with_links_are_recorded_without_them(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.forget_calls()
    opened(devon, BRIEF, "fennimore")
    calls = sandbox.calls()
    assert calls["counts"] == {"GET /2.0/shared_items": 1}
    assert "fennimore" not in str(calls)
    sandbox.faults({"match": {"path": "/shared_items$"}, "action": {"status": 503}})
    assert opened(devon, BRIEF, "fennimore").status_code == 503
    assert opened(devon, BRIEF, "fennimore").status_code == 200


def test_controls_of_links_say_what_is_wrong(sandbox: SandboxProcess) -> None:
    for op, change in (
        ("set_link", {"access": "everybody"}),
        ("use", {"how": "admire"}),
    ):
        with pytest.raises(AssertionError, match="400"):
            sandbox.change(op, "/Templates", **change)
    with pytest.raises(AssertionError, match="400"):
        sandbox.change("set_link", "/")

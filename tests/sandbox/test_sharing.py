"""Shared folders: one item, seen by several people from their own places, with their own rights."""

from typing import Any

import pytest

from tests.sandbox.people import PEOPLE, App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
PLAN = "01 IFC Set 2025-02-14/A Architectural/A-101 First Floor Plan.pdf"


def root_names(app: App) -> list[str]:
    return [entry["name"] for entry in app.get("/folders/0/items").json()["entries"]]


def test_a_shared_folder_hangs_in_the_root_of_those_it_is_shared_with(
    sandbox: SandboxProcess, devon: App, linked: Any
) -> None:
    assert "03 Drawings" in root_names(linked("rosa"))
    assert "03 Drawings" not in root_names(linked("owen"))
    assert "03 Drawings" not in root_names(devon)
    assert (
        sandbox.world("/03 Drawings", login=PEOPLE["rosa"])["id"]
        == (sandbox.world(f"{MOB}/03 Drawings")["id"])
    )


def test_it_has_no_parent_there_and_a_short_path(
    sandbox: SandboxProcess, devon: App, linked: Any
) -> None:
    rosa = linked("rosa")
    folder = sandbox.world(f"{MOB}/03 Drawings")["id"]
    mine, hers = devon.get(f"/folders/{folder}").json(), rosa.get(f"/folders/{folder}").json()
    assert mine["parent"]["name"] == "2317 Larkspur MOB"
    assert hers["parent"] is None
    assert [entry["name"] for entry in hers["path_collection"]["entries"]] == ["All Files"]
    assert hers["owned_by"]["name"] == "Devon Achterberg"


def test_what_is_above_a_shared_folder_does_not_show(sandbox: SandboxProcess, linked: Any) -> None:
    rosa = linked("rosa")
    file = sandbox.world(f"{MOB}/03 Drawings/{PLAN}")["id"]
    path = rosa.get(f"/files/{file}", fields="path_collection").json()["path_collection"]
    assert [entry["name"] for entry in path["entries"]] == [
        "All Files",
        "03 Drawings",
        "01 IFC Set 2025-02-14",
        "A Architectural",
    ]
    above = sandbox.world(MOB)["id"]
    assert rosa.get(f"/folders/{above}").status_code == 404


@pytest.mark.parametrize(
    ("name", "download", "rename"),
    [("rosa", True, True), ("teo", True, False), ("lucia", False, False)],
)
def test_rights_follow_the_role(
    sandbox: SandboxProcess, linked: Any, name: str, download: bool, rename: bool
) -> None:
    app = linked(name)
    file = sandbox.world(f"{MOB}/03 Drawings/{PLAN}")["id"]
    rights = app.get(f"/files/{file}", fields="permissions").json()["permissions"]
    assert (rights["can_download"], rights["can_rename"]) == (download, rename)
    assert rights["can_preview"] is True
    answer = app.get(f"/files/{file}/content")
    if download:
        assert answer.status_code == 302
    else:
        assert answer.json()["code"] == "access_denied_insufficient_permissions"


def test_a_listing_shows_everybody_their_own_rights(sandbox: SandboxProcess, linked: Any) -> None:
    folder = sandbox.world(f"{MOB}/03 Drawings/02 ASI and Bulletins")["id"]
    for name, download in (("rosa", True), ("lucia", False)):
        entries = linked(name).get(f"/folders/{folder}/items", fields="permissions").json()
        rights = {entry["permissions"]["can_download"] for entry in entries["entries"]}
        assert rights == {download}


def test_devon_may_preview_what_the_architect_shared_but_not_download(
    sandbox: SandboxProcess, devon: App, linked: Any
) -> None:
    file = sandbox.world("/Received from Studio Fennimore/SF-2317 RCP coordination.pdf")
    fields = "permissions,is_externally_owned,has_collaborations,owned_by"
    told = devon.get(f"/files/{file['id']}", fields=fields).json()
    assert told["permissions"]["can_preview"] is True
    assert told["permissions"]["can_download"] is False
    assert told["is_externally_owned"] is True
    assert told["has_collaborations"] is True
    assert told["owned_by"]["login"] == PEOPLE["anneke"]
    assert devon.get(f"/files/{file['id']}/content").status_code == 403
    assert linked("anneke").get(f"/files/{file['id']}/content").status_code == 302


def test_devon_edits_what_brindlewick_shared(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world("/Received from Brindlewick/Joint trench exhibit.pdf")
    rights = devon.get(f"/files/{file['id']}", fields="permissions").json()["permissions"]
    assert rights["can_download"]
    assert rights["can_upload"]
    assert not rights["can_set_share_access"]


def test_ending_a_collaboration_hides_everything_in_it(
    sandbox: SandboxProcess, linked: Any
) -> None:
    rosa = linked("rosa")
    file = sandbox.world(f"{MOB}/03 Drawings/{PLAN}")["id"]
    assert rosa.get(f"/files/{file}").status_code == 200
    sandbox.change("unshare", f"{MOB}/03 Drawings", **{"with": PEOPLE["rosa"]})
    assert rosa.get(f"/files/{file}").json()["code"] == "not_found"
    assert "03 Drawings" not in root_names(rosa)


def test_a_new_collaboration_shows_at_once(sandbox: SandboxProcess, linked: Any) -> None:
    owen = linked("owen")
    sandbox.change("share", "/Templates", **{"with": PEOPLE["owen"]}, role="viewer")
    assert "Templates" in root_names(owen)

"""Every kind of answer is what Box's own description says, or a deviation that is known."""

from typing import Any

import pytest
import requests

from tests.sandbox.openapi import DEVIATIONS, check, extract
from tests.sandbox.people import PEOPLE, App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
ODDS = "/99 Odds and Ends"

FULL_FIELDS = ",".join(
    """name size sha1 file_version version_number permissions lock extension is_package tags
    comment_count expires_at disposition_at uploader_display_name watermark_info classification
    is_accessible_via_shared_link allowed_invitee_roles is_externally_owned has_collaborations
    shared_link_permission_options is_associated_with_app_item collections is_download_available
    path_collection parent owned_by created_by modified_by created_at modified_at trashed_at
    purged_at content_created_at content_modified_at description shared_link item_status url
    sequence_id sync_state can_non_owners_invite is_collaboration_restricted_to_enterprise
    allowed_shared_link_access_levels can_non_owners_view_collaborators""".split()
)


def body(answer: requests.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_extract_names_its_source_and_licence() -> None:
    facts = extract()
    assert facts["x-extract"]["source"] == "https://github.com/box/box-openapi"
    assert facts["x-extract"]["commit"]
    assert facts["info"]["license"]["name"] == "Apache-2.0"


def test_every_deviation_is_known_from_outside() -> None:
    assert all(deviation.known_from for deviation in DEVIATIONS)
    names = {deviation.schema for deviation in DEVIATIONS}
    assert names <= extract()["components"]["schemas"].keys()


def test_the_current_user(devon: App) -> None:
    check(body(devon.get("/users/me")), "User--Full")
    fields = "role,enterprise,hostname,my_tags,is_sync_enabled,can_see_managed_users"
    check(body(devon.get("/users/me", fields=fields)), "User--Full")


@pytest.mark.parametrize("fields", [None, FULL_FIELDS], ids=["minis", "every field"])
@pytest.mark.parametrize("paging", [{}, {"usemarker": "true"}], ids=["offset", "marker"])
@pytest.mark.parametrize("path", ["/", ODDS, f"{MOB}/00 Project Admin", f"{MOB}/03 Drawings"])
def test_listings(
    sandbox: SandboxProcess, devon: App, path: str, paging: dict[str, Any], fields: str | None
) -> None:
    folder = sandbox.world(path)["id"]
    named: dict[str, Any] = {"fields": fields} if fields else {}
    check(body(devon.get(f"/folders/{folder}/items", **paging, **named)), "Items")


@pytest.mark.parametrize("fields", [None, FULL_FIELDS], ids=["standard", "every field"])
@pytest.mark.parametrize("path", ["/", MOB, f"{ODDS}/Empty folder", "/Received from Brindlewick"])
def test_folders(sandbox: SandboxProcess, devon: App, path: str, fields: str | None) -> None:
    folder = sandbox.world(path)["id"]
    named: dict[str, Any] = {"fields": fields} if fields else {}
    check(body(devon.get(f"/folders/{folder}", **named)), "Folder--Full")


@pytest.mark.parametrize("fields", [None, FULL_FIELDS], ids=["standard", "every field"])
@pytest.mark.parametrize(
    "path",
    [
        f"{ODDS}/locked by Rosa - budget.xlsx",
        f"{ODDS}/empty placeholder.txt",
        f"{MOB}/12 Photos/Drone/2025-09-05 Site flyover 4K.mp4",
        "/Received from Studio Fennimore/SF-2317 Door 112B function.pdf",
        "/Received from Brindlewick/Utility as-builts 1998.tif",
    ],
)
def test_files(sandbox: SandboxProcess, devon: App, path: str, fields: str | None) -> None:
    file = sandbox.world(path)["id"]
    named: dict[str, Any] = {"fields": fields} if fields else {}
    check(body(devon.get(f"/files/{file}", **named)), "File--Full")


@pytest.mark.parametrize("fields", [None, "version_number,size,name,modified_by"])
def test_past_versions(sandbox: SandboxProcess, devon: App, fields: str | None) -> None:
    file = sandbox.world(f"{MOB}/06 Submittals/Submittal register.xlsx")["id"]
    named: dict[str, Any] = {"fields": fields} if fields else {}
    check(body(devon.get(f"/files/{file}/versions", **named)), "FileVersions")


@pytest.mark.parametrize("fields", [None, FULL_FIELDS], ids=["standard", "every field"])
def test_searches(devon: App, fields: str | None) -> None:
    named: dict[str, Any] = {"fields": fields} if fields else {}
    found = body(devon.get("/search", query="drawings plan site wiki", limit=200, **named))
    assert {entry["type"] for entry in found["entries"]} == {"file", "folder", "web_link"}
    check(found, "SearchResultsResponse")
    linked = devon.get("/search", query="drawings", include_recent_shared_links="true", **named)
    check(body(linked), "SearchResultsResponse")


@pytest.mark.parametrize("fields", [None, FULL_FIELDS], ids=["standard", "every field"])
def test_recents_and_favorites(devon: App, fields: str | None) -> None:
    named: dict[str, Any] = {"fields": fields} if fields else {}
    check(body(devon.get("/recent_items", **named)), "RecentItems")
    favorites = body(devon.get("/collections"))
    check(favorites, "Collections")
    items = devon.get(f"/collections/{favorites['entries'][0]['id']}/items", **named)
    check(body(items), "ItemsOffsetPaginated")


@pytest.mark.parametrize("fields", [None, FULL_FIELDS], ids=["standard", "every field"])
def test_shared_items(sandbox: SandboxProcess, devon: App, fields: str | None) -> None:
    named: dict[str, Any] = {"fields": fields} if fields else {}
    for path, schema in (("/Renderings", "Folder--Full"), ("/Renderings/x.txt", "File--Full")):
        place = {"path": f"/2317 Larkspur{path}", "login": PEOPLE["anneke"]}
        if schema == "File--Full":
            sandbox.change("add_file", **place)
        link = sandbox.change("set_link", **place)["shared_link"]
        header = {"BoxApi": f"shared_link={link}"}
        check(body(devon.get("/shared_items", headers=header, **named)), schema)


def test_tokens_of_every_kind(sandbox: SandboxProcess, devon: App) -> None:
    refreshed = devon.token(grant_type="refresh_token", refresh_token=devon.tokens.refresh)
    check(body(refreshed), "AccessToken")
    folder = sandbox.world(MOB)["id"]
    downscoped = devon.token(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=devon.tokens.access,
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        scope="item_download base_explorer",
        resource=f"https://api.box.com/2.0/folders/{folder}",
    )
    check(body(downscoped), "AccessToken")


def test_refusals_of_the_token_endpoint(devon: App) -> None:
    for form in ({"grant_type": "refresh_token", "refresh_token": "x"}, {"client_secret": "x"}):
        check(body(devon.token(**form), 400), "OAuth2Error")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/folders/1/items", 404),
        ("/folders/1", 404),
        ("/files/1", 404),
        ("/files/1/versions", 404),
        ("/files/1/content", 404),
        ("/recent_items?marker=broken", 400),
        ("/collections/1/items", 404),
        ("/collections?offset=10001", 400),
        ("/shared_items", 400),
        ("/zip_downloads", 405),
        ("/zip_downloads/1/status", 404),
        ("/files/1/thumbnail.png", 404),
        ("/folders/nonsense", 405),
        ("/files/nonsense", 405),
        ("/nothing/here", 404),
        ("/search", 400),
        ("/search?query=a&ancestor_folder_ids=1", 404),
        ("/search?query=a&scope=enterprise_content", 403),
        ("/folders/0/items?limit=-1", 400),
        ("/folders/0/items?offset=999999", 400),
        ("/folders/0/items?sort=modified_at", 400),
        ("/folders/0/items?direction=INVALID", 400),
        ("/folders/0/items?usemarker=true&marker=broken", 400),
    ],
)
def test_refusals_of_the_api(devon: App, path: str, status: int) -> None:
    check(body(devon.get(path), status), "ClientError")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ODDS}/flagged by scan.zip", 403),
        ("/Received from Studio Fennimore/SF-2317 Finish options.pptx", 403),
        (f"{ODDS}/vanishes after listing.pdf", 404),
    ],
)
def test_refusals_of_a_download(
    sandbox: SandboxProcess, devon: App, path: str, status: int
) -> None:
    file = sandbox.world(path)["id"]
    check(body(devon.get(f"/files/{file}/content"), status), "ClientError")

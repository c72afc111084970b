"""Box's official Python client works against the sandbox as it does against Box."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from box_sdk_gen import BoxAPIError, BoxClient, BoxOAuth, GetAuthorizeUrlOptions, OAuthConfig
from box_sdk_gen.managers.files import GetFileThumbnailByIdExtension, GetFileThumbnailUrlExtension
from box_sdk_gen.managers.search import SearchForContentContentTypes
from box_sdk_gen.managers.zip_downloads import (
    CreateZipDownloadItems,
    CreateZipDownloadItemsTypeField,
)
from box_sdk_gen.networking.base_urls import BaseUrls
from box_sdk_gen.networking.box_network_client import BoxNetworkClient
from box_sdk_gen.networking.network import NetworkSession

from tests.sandbox.people import PEOPLE, REDIRECT_URI, Browser, callback
from tests.sandbox.process import CLIENT_ID, CLIENT_SECRET, DEVON, SandboxProcess

pytestmark = pytest.mark.wide

MOB = "/Quillmark Projects/2317 Larkspur MOB"
PHOTOS = f"{MOB}/12 Photos/Progress 2025 (all)"


class Sdk:
    """The official client of one person, linked through the sandbox's pages."""

    def __init__(self, sandbox: SandboxProcess, network: NetworkSession, login: str) -> None:
        self.network = network
        self.auth = BoxOAuth(OAuthConfig(client_id=CLIENT_ID, client_secret=CLIENT_SECRET))
        options = GetAuthorizeUrlOptions(redirect_uri=REDIRECT_URI, state="sdk")
        # The client has Box's own host written into this address, whatever its base addresses say.
        own = "https://account.box.com/api/oauth2"
        url = self.auth.get_authorize_url(options=options).replace(
            own, network.base_urls.oauth_2_url
        )
        browser = Browser(sandbox)
        page = browser.http.get(url, allow_redirects=False, timeout=10)
        answer = callback(browser.submit(browser.sign_in(page, login), decision="grant"))
        browser.http.close()
        assert answer["state"] == "sdk"
        self.auth.get_tokens_authorization_code_grant(answer["code"], network_session=network)
        self.client = BoxClient(auth=self.auth, network_session=network)

    @property
    def access_token(self) -> str:
        token = self.auth.token_storage.get()
        assert token is not None
        assert token.access_token is not None
        return token.access_token


@pytest.fixture
def network(sandbox: SandboxProcess) -> Iterator[NetworkSession]:
    urls = BaseUrls(
        base_url=sandbox.api_url,
        upload_url=f"{sandbox.api_url}/upload",
        oauth_2_url=f"{sandbox.account_url}/api/oauth2",
    )
    client = BoxNetworkClient()
    client.requests_session.trust_env = False
    yield NetworkSession(base_urls=urls, network_client=client)
    client.requests_session.close()


@pytest.fixture
def link(sandbox: SandboxProcess, network: NetworkSession) -> Callable[[str], Sdk]:
    return lambda login: Sdk(sandbox, network, login)


@pytest.fixture
def devon(link: Callable[[str], Sdk]) -> Sdk:
    return link(DEVON)


def everything_by_offset(client: BoxClient, folder_id: str, limit: int) -> list[Any]:
    found: list[Any] = []
    offset = 0
    while True:
        page: Any = client.folders.get_folder_items(folder_id, offset=offset, limit=limit)
        found += page.entries
        offset += page.limit
        if offset >= page.total_count:
            return found


def everything_by_marker(client: BoxClient, folder_id: str, limit: int) -> list[Any]:
    found: list[Any] = []
    marker = None
    while True:
        page: Any = client.folders.get_folder_items(
            folder_id, usemarker=True, marker=marker, limit=limit
        )
        found += page.entries
        marker = page.next_marker
        if not marker:
            return found


READERS = pytest.mark.parametrize("read", [everything_by_offset, everything_by_marker])
Reader = Callable[[BoxClient, str, int], list[Any]]


def test_it_signs_in_and_knows_who_it_is(devon: Sdk) -> None:
    me = devon.client.users.get_user_me()
    assert (me.name, me.login) == ("Devon Achterberg", DEVON)


@READERS
def test_it_reads_five_thousand_photos_to_the_end(
    sandbox: SandboxProcess, devon: Sdk, read: Reader
) -> None:
    photos = read(devon.client, sandbox.world(PHOTOS)["id"], 1000)
    assert [photo.name for photo in photos] == [f"IMG_{n:05d}.JPG" for n in range(1, 5001)]


@READERS
@pytest.mark.parametrize("limit", [7, 16, 100])
def test_it_reads_short_and_empty_pages_to_the_end(
    sandbox: SandboxProcess, devon: Sdk, read: Reader, limit: int
) -> None:
    path = f"{MOB}/00 Project Admin"
    folder = sandbox.world(path)["id"]
    before = [item.id for item in read(devon.client, folder, limit)]
    sandbox.change("short_pages", path)
    assert [item.id for item in read(devon.client, folder, limit)] == before
    assert len(before) == 18


def test_it_takes_every_kind_of_item_in_the_root(devon: Sdk) -> None:
    root = devon.client.folders.get_folder_by_id("0")
    assert root.name == "All Files"
    assert root.etag is None
    assert root.item_collection is not None
    assert {item.type.value for item in root.item_collection.entries or []} == {"folder"}


def test_it_finds_a_drawing(devon: Sdk) -> None:
    names_only = [SearchForContentContentTypes.NAME]
    found: Any = devon.client.search.search_for_content(query="A-101", content_types=names_only)
    assert [item.name for item in found.entries] == [
        "A-101 First Floor Plan.pdf",
        "PS-A-101 Ground Level.pdf",
    ]


def test_it_reads_what_was_used_lately(devon: Sdk) -> None:
    first = devon.client.recent_items.get_recent_items(limit=10)
    rest = devon.client.recent_items.get_recent_items(limit=10, marker=first.next_marker)
    entries = [*(first.entries or []), *(rest.entries or [])]
    assert len(entries) == 16
    assert not rest.next_marker
    times = [entry.interacted_at for entry in entries if entry.interacted_at]
    assert times == sorted(times, reverse=True)
    assert entries[0].item is not None
    assert entries[0].item.name == "RFI-002 overlay.pdf"


def test_it_reads_the_favorites(devon: Sdk) -> None:
    collections = devon.client.collections.get_collections().entries or []
    assert [entry.collection_type for entry in collections] == ["favorites"]
    favorites = collections[0].id
    assert favorites is not None
    page: Any = devon.client.collections.get_collection_items(favorites, limit=4)
    rest: Any = devon.client.collections.get_collection_items(favorites, offset=4)
    names = [item.name for item in (*page.entries, *rest.entries)]
    assert (names[0], len(names), page.total_count) == ("03 Drawings", 6, 6)


def test_it_follows_shared_links(sandbox: SandboxProcess, devon: Sdk) -> None:
    anneke = PEOPLE["anneke"]
    brief = sandbox.world("/2317 Larkspur/Project brief.pdf", login=anneke)
    link = f"shared_link={brief['shared_link']}"
    with pytest.raises(BoxAPIError) as refusal:
        devon.client.shared_links_files.find_file_for_shared_link(boxapi=link)
    assert refusal.value.response_info.code == "incorrect_shared_item_password"
    link += "&shared_link_password=fennimore"
    found = devon.client.shared_links_files.find_file_for_shared_link(boxapi=link)
    assert found.id == brief["id"]
    assert found.shared_link is not None
    assert found.shared_link.is_password_enabled is True
    stream = devon.client.downloads.download_file(found.id, boxapi=link)
    assert stream is not None
    assert len(stream.read()) == brief["size"]
    renderings = sandbox.world("/2317 Larkspur/Renderings", login=anneke)
    link = f"shared_link={renderings['shared_link']}"
    folder = devon.client.shared_links_folders.find_folder_for_shared_link(boxapi=link)
    items: Any = devon.client.folders.get_folder_items(folder.id, boxapi=link)
    assert [item.name for item in items.entries] == [
        "Entry dusk.jpg",
        "Lobby view 1.png",
        "Lobby view 2.png",
    ]


def test_it_reads_thumbnails(sandbox: SandboxProcess, devon: Sdk) -> None:
    photo = sandbox.world(f"{PHOTOS}/IMG_00001.JPG")["id"]
    stream = devon.client.files.get_file_thumbnail_by_id(
        photo, GetFileThumbnailByIdExtension.PNG, min_height=128, min_width=128
    )
    assert stream is not None
    assert stream.read().startswith(b"\x89PNG")
    binder = sandbox.world(f"{MOB}/10 Safety/SDS binder.zip")["id"]
    url = devon.client.files.get_file_thumbnail_url(binder, GetFileThumbnailUrlExtension.JPG)
    assert url.startswith(sandbox.download_url)


def test_it_chooses_representations(sandbox: SandboxProcess, devon: Sdk) -> None:
    photo = sandbox.world(f"{PHOTOS}/IMG_00001.JPG")["id"]
    hints = "[pdf][jpg?dimensions=320x320]"
    file = devon.client.files.get_file_by_id(photo, fields=["representations"], x_rep_hints=hints)
    assert file.representations is not None
    (form,) = file.representations.entries or []
    assert form.representation == "jpg"
    assert form.status is not None
    assert form.status.state == "success"


def test_it_downloads_what_the_digest_says(sandbox: SandboxProcess, devon: Sdk) -> None:
    wanted = sandbox.world(f"{MOB}/05 RFIs/RFI-002 Stair 2 slab edge/RFI-002 A-102 vs S-201.png")
    stream = devon.client.downloads.download_file(wanted["id"])
    assert stream is not None
    content = stream.read()
    assert len(content) == wanted["size"] == 914764
    assert hashlib.sha1(content).hexdigest() == wanted["sha1"]


def test_it_downloads_a_range(sandbox: SandboxProcess, devon: Sdk) -> None:
    wanted = sandbox.world("/Templates/Folder structure readme.txt")
    whole = devon.client.downloads.download_file(wanted["id"])
    part = devon.client.downloads.download_file(wanted["id"], range="bytes=100-199")
    assert whole is not None
    assert part is not None
    assert part.read() == whole.read()[100:200]


def test_it_downloads_a_past_version(sandbox: SandboxProcess, devon: Sdk) -> None:
    wanted = sandbox.world(f"{MOB}/06 Submittals/Submittal register.xlsx")
    versions = devon.client.file_versions.get_file_versions(wanted["id"])
    newest_first = [version["id"] for version in wanted["versions"][-2::-1]]
    assert [version.id for version in versions.entries or []] == newest_first
    stream = devon.client.downloads.download_file(wanted["id"], version=newest_first[-1])
    assert stream is not None
    assert hashlib.sha1(stream.read()).hexdigest() == wanted["versions"][0]["sha1"]


def test_it_downloads_archives(sandbox: SandboxProcess, devon: Sdk) -> None:
    readme = sandbox.world("/Templates/Folder structure readme.txt")
    folder = sandbox.world("/99 Odds and Ends/Empty folder")
    kind = CreateZipDownloadItemsTypeField
    created = devon.client.zip_downloads.create_zip_download(
        [
            CreateZipDownloadItems(type=kind.FILE, id=readme["id"]),
            CreateZipDownloadItems(type=kind.FOLDER, id=folder["id"]),
        ],
        download_file_name="Both",
    )
    assert created.download_url is not None
    assert created.status_url is not None
    stream = devon.client.zip_downloads.get_zip_download_content(created.download_url)
    assert stream is not None
    names = zipfile.ZipFile(io.BytesIO(stream.read())).namelist()
    assert names == ["Empty folder/", "Folder structure readme.txt"]
    told = devon.client.zip_downloads.get_zip_download_status(created.status_url)
    assert (told.total_file_count, told.downloaded_file_count) == (1, 1)
    assert told.state == "succeeded"


def test_it_waits_for_a_file_that_is_not_ready(sandbox: SandboxProcess, devon: Sdk) -> None:
    wanted = sandbox.world("/Templates/Folder structure readme.txt")
    sandbox.faults({"match": {"path": "/content$"}, "action": {"retry_202": "0"}})
    stream = devon.client.downloads.download_file(wanted["id"])
    assert stream is not None
    assert len(stream.read()) == wanted["size"]
    assert sandbox.fault_hits() == [1]


def test_it_narrows_a_token_to_one_folder_and_stays_inside(
    sandbox: SandboxProcess, devon: Sdk
) -> None:
    safety = sandbox.world(f"{MOB}/10 Safety")
    inside = sandbox.world(f"{MOB}/10 Safety/Hot work permit log.xlsx")
    outside = sandbox.world("/Templates/RFI form.docx")
    token = devon.auth.downscope_token(
        ["item_download", "base_explorer"],
        resource=f"https://api.box.com/2.0/folders/{safety['id']}",
        network_session=devon.network,
    )
    assert token.access_token is not None
    assert token.access_token.startswith("TKN_1!")
    assert token.refresh_token is None
    assert {row.object.id for row in token.restricted_to or [] if row.object} == {safety["id"]}
    devon.auth.token_storage.store(token)
    assert devon.client.files.get_file_by_id(inside["id"]).name == "Hot work permit log.xlsx"
    with pytest.raises(BoxAPIError) as refusal:
        devon.client.files.get_file_by_id(outside["id"])
    assert refusal.value.response_info.status_code == 403
    with pytest.raises(BoxAPIError):
        devon.client.folders.get_folder_items("0")


def test_it_refreshes_by_itself_when_a_token_has_expired(
    sandbox: SandboxProcess, devon: Sdk
) -> None:
    before = devon.access_token
    sandbox.advance(3601)
    assert devon.client.users.get_user_me().login == DEVON
    assert devon.access_token != before


def test_a_repeated_refresh_gives_the_same_pair(sandbox: SandboxProcess, devon: Sdk) -> None:
    storage = devon.auth.token_storage
    first = storage.get()
    assert first is not None
    once = devon.auth.refresh_token(network_session=devon.network)
    storage.store(first)
    again = devon.auth.refresh_token(network_session=devon.network)
    assert (again.access_token, again.refresh_token) == (once.access_token, once.refresh_token)


def test_a_strict_box_refuses_the_second_refresh(sandbox: SandboxProcess, devon: Sdk) -> None:
    sandbox.settings(strict_refresh=True)
    storage = devon.auth.token_storage
    first = storage.get()
    assert first is not None
    devon.auth.refresh_token(network_session=devon.network)
    storage.store(first)
    with pytest.raises(BoxAPIError) as refusal:
        devon.auth.refresh_token(network_session=devon.network)
    assert refusal.value.response_info.status_code == 400


def test_it_revokes_what_it_was_granted(sandbox: SandboxProcess, devon: Sdk) -> None:
    devon.auth.revoke_token(network_session=devon.network)
    assert not [token for token in sandbox.tokens() if token["live"]]


def test_two_people_see_the_same_item_with_different_rights(
    sandbox: SandboxProcess, link: Callable[[str], Sdk]
) -> None:
    plan = sandbox.world(
        f"{MOB}/03 Drawings/01 IFC Set 2025-02-14/A Architectural/A-101 First Floor Plan.pdf"
    )
    rights = {}
    for login in (DEVON, "rosa.imamura@boxmail.example", "lucia.penaranda@boxmail.example"):
        file = link(login).client.files.get_file_by_id(plan["id"], fields=["permissions"])
        assert file.permissions is not None
        rights[login.split(".")[0]] = (file.permissions.can_download, file.permissions.can_rename)
    assert rights == {"devon": (True, True), "rosa": (True, True), "lucia": (False, False)}

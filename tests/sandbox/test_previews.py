"""Thumbnails and representations: which there are, when they are ready, who may have them."""

import io
from typing import Any

import pytest
import requests
from PIL import Image

from tests.sandbox.openapi import check
from tests.sandbox.people import PEOPLE, App
from tests.sandbox.process import SandboxProcess

MOB = "/Quillmark Projects/2317 Larkspur MOB"
PHOTO = f"{MOB}/12 Photos/Drone/2025-08-01 Overview north.jpg"
SHEET = f"{MOB}/03 Drawings/01 IFC Set 2025-02-14/A Architectural/A-101 First Floor Plan.pdf"
FILM = f"{MOB}/12 Photos/2025-08 Deck pours/Deck 2B timelapse.mp4"
HAUL = f"{MOB}/07 Change Orders/PCO-001 Unsuitable soils/Haul tickets.zip"
EMPTY = "/99 Odds and Ends/READ ME (0 bytes).docx"
FORM = "/Templates/RFI form.docx"
THUMB = "[jpg?dimensions=160x160]"

Facts = dict[str, Any]


def opened(content: bytes) -> Image.Image:
    """Return a picture, read to its last byte."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def thumbnail(app: App, path: str, ending: str = "png", **params: Any) -> requests.Response:
    file = app.sandbox.world(path)["id"]
    return app.get(f"/files/{file}/thumbnail.{ending}", **params)


def forms(app: App, path: str, hints: str | None = None) -> list[Facts]:
    file = app.sandbox.world(path)["id"]
    headers = {} if hints is None else {"X-Rep-Hints": hints}
    answer = app.get(f"/files/{file}", fields="representations", headers=headers)
    assert answer.status_code == 200, answer.text
    check(answer.json(), "File--Full")
    assert answer.json().keys() == {"type", "id", "etag", "representations"}
    entries: list[Facts] = answer.json()["representations"]["entries"]
    return entries


def content(app: App, form: Facts, asset: str = "", token: str = "") -> requests.Response:
    url = form["content"]["url_template"].replace("{+asset_path}", asset)
    bearer = {"Authorization": f"Bearer {token or app.tokens.access}"}
    return app.http.get(url, headers=bearer, timeout=10, allow_redirects=False)


def refusal(answer: requests.Response) -> tuple[int, str]:
    check(answer.json(), "ClientError")
    return answer.status_code, answer.json()["code"]


# ---- thumbnails


@pytest.mark.parametrize(
    ("ending", "limits", "width"),
    [
        ("png", {}, 256),
        ("jpg", {}, 320),
        ("png", {"min_height": 32, "min_width": 32}, 32),
        ("png", {"min_height": 65, "min_width": 33}, 128),
        ("png", {"max_height": 100, "max_width": 320}, 64),
        ("jpg", {"max_width": 300}, 160),
        ("jpg", {"min_width": 320, "max_width": 320}, 320),
        ("jpg", {"min_height": 33, "max_height": 319}, 160),
    ],
)
def test_a_thumbnail_is_a_picture_within_the_limits(
    devon: App, ending: str, limits: dict[str, int], width: int
) -> None:
    answer = thumbnail(devon, PHOTO, ending, **limits)
    assert answer.status_code == 200, answer.text
    kind = {"png": "PNG", "jpg": "JPEG"}[ending]
    image = opened(answer.content)
    assert (image.format, image.size) == (kind, (width, width * 3 // 4))
    assert answer.headers["Content-Type"] == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    ("ending", "limits"),
    [
        ("png", {"min_height": 31}),
        ("png", {"max_width": 321}),
        ("png", {"min_height": 144, "max_height": 144}),
        ("png", {"min_width": 257}),
        ("jpg", {"max_height": 32, "min_width": 160}),
        ("jpg", {"min_height": 200, "max_height": 100}),
    ],
)
def test_a_size_that_there_is_not_is_refused(
    devon: App, ending: str, limits: dict[str, int]
) -> None:
    answer = thumbnail(devon, PHOTO, ending, **limits)
    assert refusal(answer) == (400, "requested_preview_unavailable")


def test_a_size_must_be_a_number(devon: App) -> None:
    assert refusal(thumbnail(devon, PHOTO, min_width="wide")) == (400, "bad_request")


def test_pngs_and_jpegs_show_the_same_picture(devon: App) -> None:
    png = opened(thumbnail(devon, PHOTO, "png", max_width=256).content).convert("RGB")
    jpg = opened(thumbnail(devon, PHOTO, "jpg", max_width=320).content).convert("RGB")
    for x, y in ((0.02, 0.02), (0.98, 0.4), (0.5, 0.98), (0.99, 0.99)):
        one = png.getpixel((int(x * png.width), int(y * png.height)))
        other = jpg.getpixel((int(x * jpg.width), int(y * jpg.height)))
        assert isinstance(one, tuple)
        assert isinstance(other, tuple)
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 16


def test_a_document_has_a_thumbnail_and_an_icon(devon: App) -> None:
    sheet = thumbnail(devon, SHEET, max_width=256)
    assert opened(sheet.content).size == (256, 192)
    other = f"{MOB}/03 Drawings/01 IFC Set 2025-02-14/A Architectural/A-103 Roof Plan.pdf"
    icons = [thumbnail(devon, path, max_width=32).content for path in (SHEET, other)]
    assert icons[0] == icons[1]
    assert sheet.content != thumbnail(devon, other, max_width=256).content


@pytest.mark.parametrize("path", [HAUL, "/99 Odds and Ends/no_extension"])
def test_what_cannot_be_shown_leads_to_a_placeholder(devon: App, path: str) -> None:
    answer = thumbnail(devon, path)
    assert (answer.status_code, answer.content) == (302, b"")
    placeholder = answer.headers["Location"]
    assert placeholder.startswith(devon.sandbox.download_url)
    assert opened(requests.get(placeholder, timeout=10).content).size == (32, 24)


def test_an_empty_file_has_no_thumbnail(devon: App) -> None:
    assert refusal(thumbnail(devon, EMPTY)) == (404, "preview_cannot_be_generated")


@pytest.mark.parametrize("op", ["add_file", "new_version"])
def test_a_fresh_file_waits_for_its_thumbnail(sandbox: SandboxProcess, devon: App, op: str) -> None:
    sandbox.settings(representation_seconds=300)
    path = "/Templates/Fresh.jpg" if op == "add_file" else PHOTO
    sandbox.change(op, path, size=90_000)
    answer = thumbnail(devon, path)
    assert (answer.status_code, answer.content) == (202, b"")
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    assert opened(requests.get(answer.headers["Location"], timeout=10).content)
    sandbox.advance(301)
    assert thumbnail(devon, path).status_code == 200


def test_thumbnails_of_nothing(sandbox: SandboxProcess, devon: App) -> None:
    assert refusal(devon.get("/files/4711/thumbnail.png")) == (404, "not_found")
    assert refusal(devon.get("/files/nonsense/thumbnail.png")) == (405, "method_not_allowed")
    file = sandbox.world(PHOTO)["id"]
    assert refusal(devon.get(f"/files/{file}/thumbnail.gif")) == (404, "not_found")
    sandbox.change("trash", PHOTO)
    assert refusal(devon.get(f"/files/{file}/thumbnail.png")) == (404, "trashed")


# ---- representations


def test_without_hints_all_forms_are_listed_without_their_state(devon: App) -> None:
    listed = forms(devon, SHEET)
    assert all(entry.keys() == {"representation", "properties", "info"} for entry in listed)
    names = [entry["info"]["url"].rpartition("/")[2] for entry in listed]
    assert names == [
        "jpg_thumb_32x32",
        "jpg_thumb_94x94",
        "jpg_thumb_160x160",
        "jpg_thumb_320x320",
        "jpg_1024x1024",
        "jpg_2048x2048",
        "png_paged_1024x1024",
        "png_paged_2048x2048",
        "pdf",
        "extracted_text",
    ]
    assert listed[2]["properties"] == {"dimensions": "160x160", "paged": "false", "thumb": "true"}
    assert listed[6]["properties"] == {"dimensions": "1024x1024", "paged": "true", "thumb": "false"}
    assert listed[8]["properties"] == {}


@pytest.mark.parametrize(
    ("path", "kinds"),
    [(PHOTO, {"jpg", "png"}), (FILM, {"jpg"}), (HAUL, set()), (EMPTY, set())],
)
def test_forms_depend_on_the_type(devon: App, path: str, kinds: set[str]) -> None:
    assert {entry["representation"] for entry in forms(devon, path)} == kinds


@pytest.mark.parametrize(
    ("hints", "found"),
    [
        ("[pdf]", ["pdf"]),
        (f"[pdf]{THUMB}", ["pdf", "jpg 160x160"]),
        (
            "[jpg?dimensions=320x320][jpg?dimensions=94x94&paged=false]",
            ["jpg 320x320", "jpg 94x94"],
        ),
        ("[mp3,jpg?dimensions=2048x2048,pdf]", ["jpg 2048x2048"]),
        ("[jpg?dimensions=100x100][3d][text][pdf?dimensions=1x1]", []),
        ("[pdf][pdf]", ["pdf"]),
        ("nonsense", []),
    ],
)
def test_hints_choose_the_forms(devon: App, hints: str, found: list[str]) -> None:
    told = [
        f"{entry['representation']} {entry['properties'].get('dimensions', '')}".strip()
        for entry in forms(devon, SHEET, hints)
    ]
    assert told == found


def test_a_small_picture_is_ready_and_comes_with_the_bearer(devon: App) -> None:
    (form,) = forms(devon, PHOTO, THUMB)
    assert form["status"] == {"state": "success"}
    url = form["content"]["url_template"]
    assert url.startswith(f"{devon.sandbox.download_url}/api/2.0/internal_files/")
    assert url.endswith("/content/{+asset_path}")
    answer = content(devon, form)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert "Content-Disposition" not in answer.headers
    assert opened(answer.content).size == (160, 120)
    bare = url.replace("{+asset_path}", "")
    assert requests.get(bare, timeout=10).status_code == 401
    named = content(devon, form, "?set_content_disposition_type=inline")
    assert named.headers["Content-Disposition"] == "inline"


def test_the_rest_is_made_when_asked_for(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(representation_seconds=60)
    (form,) = forms(devon, FORM, "[pdf]")
    assert form["status"] == {"state": "none"}
    info = devon.get(form["info"]["url"].partition("/2.0")[2])
    assert info.status_code == 200
    assert info.json() == form | {"status": {"state": "pending"}}
    waiting = content(devon, form)
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, "60")
    sandbox.advance(61)
    (ready,) = forms(devon, FORM, "[pdf]")
    assert ready["status"] == {"state": "success"}
    assert content(devon, ready).content.startswith(b"%PDF-")


def test_asking_for_the_content_has_it_made_too(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(representation_seconds=60)
    (form,) = forms(devon, SHEET, "[extracted_text]")
    assert content(devon, form).status_code == 202
    sandbox.advance(61)
    assert content(devon, form).text == "A-101 First Floor Plan.pdf\n"


def test_a_paged_form_names_its_page(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(representation_seconds=0)
    (form,) = forms(devon, SHEET, "[png?dimensions=1024x1024]")
    assert content(devon, form).status_code == 404
    assert opened(content(devon, form, "1.png").content).size == (1024, 768)
    assert content(devon, form, "2.png").status_code == 404


def test_the_pdf_of_a_pdf_is_the_file_itself(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(representation_seconds=0)
    (form,) = forms(devon, SHEET, "[pdf]")
    assert len(content(devon, form).content) == sandbox.world(SHEET)["size"]


def test_a_new_version_has_forms_of_its_own(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(representation_seconds=300)
    (old,) = forms(devon, PHOTO, THUMB)
    sandbox.change("new_version", PHOTO)
    (new,) = forms(devon, PHOTO, THUMB)
    assert new["status"] == {"state": "pending"}
    assert content(devon, old).status_code == 404
    sandbox.advance(301)
    assert content(devon, new).status_code == 200


# ---- who may look


def test_a_previewer_may_look_and_an_uploader_may_not(sandbox: SandboxProcess, linked: Any) -> None:
    lucia = linked("lucia")
    file = sandbox.world(SHEET)["id"]
    assert lucia.get(f"/files/{file}/content").status_code == 403
    assert lucia.get(f"/files/{file}/thumbnail.png").status_code == 200
    sandbox.change("share", f"{MOB}/03 Drawings", **{"with": PEOPLE["lucia"]}, role="uploader")
    assert refusal(lucia.get(f"/files/{file}/thumbnail.png")) == (
        403,
        "access_denied_insufficient_permissions",
    )
    shown = lucia.get(f"/files/{file}", fields="representations").json()
    assert shown["representations"] == {"entries": []}


def test_a_token_needs_the_scope_to_look(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(PHOTO)["id"]
    (form,) = forms(devon, PHOTO, THUMB)
    info = form["info"]["url"].partition("/2.0")[2]
    looks = devon.narrowed("item_preview")
    assert devon.get(f"/files/{file}/thumbnail.png", token=looks).status_code == 200
    assert content(devon, form, token=looks).status_code == 200
    for scope in ("base_picker", "item_download"):
        token = devon.narrowed(scope)
        for answer in (
            devon.get(f"/files/{file}/thumbnail.png", token=token),
            devon.get(info, token=token),
            content(devon, form, token=token),
        ):
            assert refusal(answer) == (403, "insufficient_scope")
    elsewhere = devon.narrowed("item_preview", f"folders/{sandbox.world('/Templates')['id']}")
    assert content(devon, form, token=elsewhere).status_code == 403


def test_a_shared_link_shows_forms(sandbox: SandboxProcess, devon: App) -> None:
    place = "/2317 Larkspur/Renderings"
    link = sandbox.world(place, login=PEOPLE["anneke"])["shared_link"]
    file = sandbox.world(f"{place}/Entry dusk.jpg", login=PEOPLE["anneke"])["id"]
    held = {"BoxApi": f"shared_link={link}", "X-Rep-Hints": THUMB}
    shown = devon.get(f"/files/{file}", fields="representations", headers=held).json()
    (form,) = shown["representations"]["entries"]
    assert content(devon, form).status_code == 404
    url = form["content"]["url_template"].replace("{+asset_path}", "")
    bearer = {"Authorization": f"Bearer {devon.tokens.access}"}
    assert requests.get(url, headers=bearer | held, timeout=10).status_code == 200


def test_previews_are_recorded_and_can_fail(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(PHOTO)["id"]
    (form,) = forms(devon, PHOTO, THUMB)
    sandbox.forget_calls()
    devon.get(f"/files/{file}/thumbnail.png")
    content(devon, form)
    calls = sandbox.calls()
    place = "/api/2.0/internal_files/:id/versions/:id/representations/jpg_thumb_160x160/content/"
    assert calls["counts"] == {"GET /2.0/files/:id/thumbnail.png": 1, f"GET {place}": 1}
    assert {(call["host"], call["user"] is not None) for call in calls["log"]} == {
        ("api", True),
        ("download", True),
    }
    sandbox.faults({"match": {"path": "/thumbnail"}, "action": {"retry_202": "7"}})
    sandbox.faults(
        {"match": {"path": "/representations/", "host": "download"}, "action": {"status": 500}}
    )
    assert devon.get(f"/files/{file}/thumbnail.png").headers["Retry-After"] == "7"
    assert content(devon, form).status_code == 500
    assert content(devon, form).status_code == 200

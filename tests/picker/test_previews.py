"""Pictures of files, small and large: through us, on request, and never in the list's way."""

import pytest
from flask import Flask
from limits import parse
from werkzeug.test import TestResponse

from tests.picker.dialog import PHOTOS, address_of, asked, id_of, lines
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.core.extensions import limiter

pytestmark = pytest.mark.wide

PLAN = (
    "/Quillmark Projects/2317 Larkspur MOB/03 Drawings/01 IFC Set 2025-02-14/A Architectural"
    "/A-101 First Floor Plan.pdf"
)
README = "/Templates/Folder structure readme.txt"
JPEG = b"\xff\xd8\xff"


def fetch(visitor: Visitor, address: str) -> TestResponse:
    answer: TestResponse = visitor.client.get(address, headers={"Host": HOST})
    return answer


def picture_of(here: str, file_id: str, what: str) -> str:
    return f"{here}box/files/{file_id}/{what}"


@pytest.mark.parametrize("what", ["thumbnail", "picture"])
def test_a_file_has_a_small_and_a_large_picture(
    linked: Visitor, sandbox: SandboxProcess, here: str, what: str
) -> None:
    sandbox.settings(representation_seconds=0)
    address = picture_of(here, id_of(sandbox, PLAN), what)
    answer = fetch(linked, address)
    if answer.status_code == 204:  # asking has begun it
        answer = fetch(linked, address)
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.data.startswith(JPEG)
    assert answer.cache_control.private
    assert answer.cache_control.max_age == 300
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_box_is_still_drawing_is_no_picture_yet_and_comes_later(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.settings(representation_seconds=1000)
    address = picture_of(here, id_of(sandbox, PLAN), "picture")
    for _ in range(2):
        answer = fetch(linked, address)
        assert answer.status_code == 204
        assert answer.cache_control.no_store
    sandbox.settings(representation_seconds=0)
    assert fetch(linked, address).status_code == 200


@pytest.mark.parametrize("what", ["thumbnail", "picture"])
def test_what_box_cannot_draw_or_refuses_leaves_the_row_without_a_picture(
    linked: Visitor, sandbox: SandboxProcess, here: str, what: str
) -> None:
    assert fetch(linked, picture_of(here, "99999999999", what)).status_code == 204
    sandbox.faults({"match": {"path": "/2.0/files/"}, "action": {"status": 503}, "times": None})
    assert fetch(linked, picture_of(here, id_of(sandbox, PLAN), what)).status_code == 204


def test_what_comes_as_a_picture_and_is_none_is_not_passed_on(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.faults(
        {
            "match": {"path": "thumbnail"},
            "action": {
                "status": 200,
                "headers": {"Content-Type": "image/svg+xml"},
                "body": "<svg xmlns='http://www.w3.org/2000/svg'/>",
            },
        }
    )
    answer = fetch(linked, picture_of(here, id_of(sandbox, PLAN), "thumbnail"))
    assert (answer.status_code, answer.data) == (204, b"")


def test_a_picture_from_a_host_that_is_none_of_boxs_is_not_fetched(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    file_id = id_of(sandbox, PLAN)
    entry = {
        "representation": "jpg",
        "status": {"state": "success"},
        "content": {"url_template": f"{sandbox.control_url}/steal/{{+asset_path}}"},
    }
    sandbox.faults(
        {
            "match": {"path": f"/2.0/files/{file_id}$"},
            "action": {"status": 200, "json": {"representations": {"entries": [entry]}}},
        }
    )
    assert fetch(linked, picture_of(here, file_id, "picture")).status_code == 204


def test_a_list_asks_for_no_picture(linked: Visitor, sandbox: SandboxProcess, here: str) -> None:
    sandbox.forget_calls()
    page = linked.get(address_of(sandbox, here, PHOTOS), htmx=True)
    assert len(lines(page)) == 100
    assert "representations" not in str(asked(sandbox))
    assert not list(page.all("img"))


def test_pictures_are_counted(
    app: Flask, linked: Visitor, here: str, limits: None, world: World
) -> None:
    with app.app_context():
        limiter.reset()
        minute = parse("400/minute")
        limiter.limiter.hit(minute, f"picker-{world.people['alice']}", "box-look", cost=399)
    assert fetch(linked, picture_of(here, "1", "thumbnail")).status_code == 204
    assert fetch(linked, picture_of(here, "1", "thumbnail")).status_code == 429


def test_nobody_sees_pictures_through_somebody_elses_link(
    bob: Visitor, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.forget_calls()
    file_id = id_of(sandbox, PLAN, login=DEVON)
    answer = fetch(bob, picture_of(here, file_id, "thumbnail"))
    assert answer.data == b"" or answer.mimetype == "text/html"
    assert asked(sandbox) == []
    assert fetch(linked, picture_of(here, file_id, "thumbnail")).status_code == 200

"""What browsers are sent of ours: compressed, without comments, and kept for good."""

import gzip
import re
from pathlib import Path

import pytest

from tests.support.pages import HOST, HTMX, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World

STATIC = Path(__file__).resolve().parents[2] / "static"


def address(visitor: Visitor, name: str) -> str:
    page = visitor.get("/sign-in").html
    version = re.search(r"/static/([0-9a-f]{12})/", page)
    assert version
    return f"/static/{version[1]}/{name}"


@pytest.mark.parametrize("name", ["js/picker.js", "css/base.css", "icons.svg"])
def test_a_file_is_sent_compressed_to_whoever_takes_it(visitor: Visitor, name: str) -> None:
    where = address(visitor, name)
    plain = visitor.client.get(where, headers={"Host": HOST})
    small = visitor.client.get(where, headers={"Host": HOST, "Accept-Encoding": "gzip, br"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(small.data) == plain.data
    assert "Accept-Encoding" in small.vary
    assert small.cache_control.immutable
    assert small.cache_control.max_age == 31_536_000


def test_our_scripts_and_styles_come_without_comments_and_others_as_they_are(
    visitor: Visitor,
) -> None:
    script = visitor.client.get(address(visitor, "js/picker.js"), headers={"Host": HOST}).text
    assert "/**" not in script
    assert len(script) < len((STATIC / "js/picker.js").read_text())
    style = visitor.client.get(address(visitor, "css/picker.css"), headers={"Host": HOST}).text
    assert "/*" not in style
    vendored = visitor.client.get(address(visitor, "vendor/htmx.min.js"), headers={"Host": HOST})
    assert vendored.data == (STATIC / "vendor/htmx.min.js").read_bytes()


def test_what_has_not_changed_is_not_sent_again(visitor: Visitor) -> None:
    where = address(visitor, "css/base.css")
    etag = visitor.client.get(where, headers={"Host": HOST}).headers["ETag"]
    again = visitor.client.get(where, headers={"Host": HOST, "If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_an_old_version_is_served_and_not_kept(visitor: Visitor) -> None:
    answer = visitor.client.get("/static/000000000000/css/base.css", headers={"Host": HOST})
    assert answer.status_code == 200
    assert answer.cache_control.max_age == 0
    visitor.client.get("/static/000000000000/../config.py", headers={"Host": HOST})
    missing = visitor.client.get("/static/000000000000/none.css", headers={"Host": HOST})
    assert missing.status_code == 404


def test_a_page_is_sent_compressed(alice: Visitor) -> None:
    for headers in ({}, HTMX):
        page = alice.client.get(
            "/", headers={"Host": HOST, "Accept-Encoding": "gzip, br", **headers}
        )
        assert page.headers["Content-Encoding"] == "gzip"
        assert b"<h1" in gzip.decompress(page.data)


def test_a_download_is_sent_as_it_was_stored(alice: Visitor, world: World) -> None:
    here, content = f"/projects/{world.tower}/rfis/{world.rfi}", b"<p>plain</p>" * 500
    [attached] = attach_upload(alice, f"{here}/attach/", ("notes.html", content))
    where = f"/attachments/{attached.public_id}"
    headers = {"Host": HOST, "Accept-Encoding": "gzip"}
    answer = alice.client.get(where, headers=headers, buffered=True)
    assert "Content-Encoding" not in answer.headers
    assert answer.data == content

"""Opening a file in the browser: a PDF and a picture are shown, whatever else is only saved."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs

SignIn = Callable[[str], Visitor]
PDF = b"%PDF-1.7 0123456789"
REAL = {
    "plan.pdf": (PDF, "application/pdf"),
    "UPPER.PDF": (PDF, "application/pdf"),
    "photo.png": (b"\x89PNG\r\n\x1a\n0000", "image/png"),
    "photo.jpg": (b"\xff\xd8\xff\xe0 JFIF", "image/jpeg"),
    "photo.jpeg": (b"\xff\xd8\xff\xe1 Exif", "image/jpeg"),
    "moving.gif": (b"GIF89a 0000", "image/gif"),
    "photo.webp": (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
}
SCRIPT = b"<!doctype html><script>alert(1)</script>"
UNSAFE = {
    "page.html": SCRIPT,
    "page.pdf": SCRIPT,
    "late.pdf": b"\n" + SCRIPT + PDF,
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "picture.png": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "sound.webp": b"RIFF\x10\x00\x00\x00WAVEfmt ",
    "empty.pdf": b"",
    "short.webp": b"RIFF",
    "plan.xhtml": PDF,
    "plan": PDF,
    "plan.pdf.html": PDF,
    "notes.txt": b"only text",
    "drawing.dwg": b"AC1032",
}


def attached(visitor: Visitor, world: World, name: str, content: bytes) -> Attachment:
    target = f"/projects/{world.tower}/rfis/{world.rfi}/attach/"
    (found,) = attach_upload(visitor, target, (name, content))
    return found


def opened(visitor: Visitor, attachment: Attachment, **headers: str) -> TestResponse:
    answer: TestResponse = visitor.client.get(
        f"/attachments/{attachment.public_id}/view",
        headers={"Host": HOST, **{key.replace("_", "-"): text for key, text in headers.items()}},
        buffered=True,
    )
    return answer


@pytest.mark.parametrize("name", REAL)
def test_a_pdf_and_a_picture_open_in_a_sandbox(alice: Visitor, world: World, name: str) -> None:
    content, kind = REAL[name]
    answer = opened(alice, attached(alice, world, name, content))
    assert (answer.status_code, answer.get_data()) == (200, content)
    headers = answer.headers
    assert headers["Content-Type"] == kind
    assert headers["Content-Disposition"] == f"inline; filename={name}"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-store"
    policy = headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["sandbox", "default-src 'none'"]
    assert "frame-ancestors 'none'" in policy
    assert not any(part.startswith(("script-src", "object-src", "connect-src")) for part in policy)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_is_not_what_it_says_is_only_saved(alice: Visitor, world: World, name: str) -> None:
    answer = opened(alice, attached(alice, world, name, UNSAFE[name]))
    assert (answer.status_code, answer.get_data()) == (200, UNSAFE[name])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_viewer_fetches_parts(alice: Visitor, world: World) -> None:
    found = attached(alice, world, "plan.pdf", PDF)
    answer = opened(alice, found, Range="bytes=5-7")
    assert (answer.status_code, answer.get_data()) == (206, b"1.7")
    assert answer.headers["Content-Range"] == f"bytes 5-7/{len(PDF)}"
    assert answer.headers["Content-Type"] == "application/pdf"
    etag = opened(alice, found).headers["ETag"]
    assert opened(alice, found, Range="bytes=5-7", If_Range=etag).status_code == 206
    assert opened(alice, found, Range="bytes=5-7", If_Range='"other"').get_data() == PDF
    assert opened(alice, found, Range="bytes=900-").status_code == 416


def test_open_stands_beside_what_can_be_opened(alice: Visitor, world: World) -> None:
    plan = attached(alice, world, "plan.pdf", PDF)
    attached(alice, world, "drawing.dwg", b"AC1032")
    links = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}").links()
    assert links["Open plan.pdf"] == f"/attachments/{plan.public_id}/view"
    assert "Open drawing.dwg" not in links


def test_the_files_of_a_response_can_be_opened_as_well(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    dialog = bob.submit(bob.get(here), "/sections/responses", text="See it.", attach="yes")
    target = dialog.response.request.path.partition("/attach/")[0] + "/attach/"
    (reply,) = attach_upload(bob, target, ("Reply.pdf", PDF))
    assert opened(alice, reply).status_code == 404
    assert "Open Reply.pdf" in bob.get(here).links()
    bob.submit(bob.get(here), "/sections/responses", text="See it.", move="return")
    assert alice.get(here).links()["Open Reply.pdf"] == f"/attachments/{reply.public_id}/view"
    assert opened(alice, reply).get_data() == PDF


def test_who_may_look_is_asked_each_time(alice: Visitor, signed_in: SignIn, world: World) -> None:
    found = attached(alice, world, "plan.pdf", PDF)
    rita = signed_in("rita")
    assert opened(rita, found).status_code == 200
    for name in ("charlie", "nell", "imani"):
        assert opened(signed_in(name), found).status_code == 404
    edit = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit")
    alice.submit(edit, "/edit", is_private="y")
    assert opened(rita, found).status_code == 404
    alice.post(f"/attachments/{found.public_id}/remove")
    assert opened(alice, found).status_code == 404


def test_a_file_whose_contents_are_lost_is_told(alice: Visitor, world: World) -> None:
    found = attached(alice, world, "plan.pdf", PDF)
    with alice.app.app_context():
        blobs().delete(found.blob_key)
    answer = opened(alice, found)
    assert answer.status_code == 500
    assert "contents are missing" in answer.get_data(as_text=True)

"""A stored file comes back whole, under its own name, to those who see it and to nobody else."""

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload, upload
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.database import db

SignIn = Callable[[str], Visitor]
BODY = b"%PDF-1.7 0123456789"


def target_of(world: World, record: int | None = None) -> str:
    return f"/projects/{world.tower}/rfis/{record or world.rfi}/attach/"


@pytest.fixture
def found(alice: Visitor, world: World) -> Attachment:
    (attachment,) = attach_upload(alice, target_of(world), ("Stair detail.pdf", BODY))
    return attachment


def ask(
    visitor: Visitor, attachment: Attachment, verb: str = "GET", **headers: str
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: TestResponse = visitor.client.open(
        f"/attachments/{attachment.public_id}",
        method=verb,
        headers={"Host": HOST, **named},
        buffered=True,
    )
    return answer


def test_a_file_comes_back_whole_and_is_never_shown_inline(
    alice: Visitor, found: Attachment
) -> None:
    answer = ask(alice, found)
    assert answer.status_code == 200
    assert answer.get_data() == BODY
    headers = answer.headers
    assert headers["Content-Disposition"] == 'attachment; filename="Stair detail.pdf"'
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Content-Length"] == str(len(BODY))


def test_a_page_of_script_is_sent_as_mere_bytes(alice: Visitor, world: World) -> None:
    script = b"<script>alert(1)</script>"
    (attachment,) = attach_upload(alice, target_of(world), ("page.html", script))
    answer = ask(alice, attachment)
    assert answer.get_data() == script
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "name",
    [
        "Lageplan Übersicht Straße.pdf",
        "図面 – 階段2.dwg",
        "مخطط الدرج.pdf",
        "План этажа №2.pdf",
        "Treppe 🏗️.png",
        "100% done; really.pdf",
        "a, b & c = d.pdf",
        "plain.pdf",
    ],
)
def test_a_name_in_any_script_is_the_name_of_the_download(
    alice: Visitor, world: World, name: str
) -> None:
    (attachment,) = attach_upload(alice, target_of(world), (name, BODY))
    header = ask(alice, attachment).headers["Content-Disposition"]
    assert attachment.name == name
    assert header.isascii()
    assert saved_name(header) == name


def saved_name(header: str) -> str:
    """Return the name a browser takes: the encoded one first (RFC 6266, section 4.3)."""
    if "filename*=UTF-8''" in header:
        return unquote(header.rpartition("filename*=UTF-8''")[2])
    kind, options = parse_options_header(header)
    assert kind == "attachment"
    return options["filename"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("two\r\nlines: x.pdf", "two lines: x.pdf"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("evil\u202efdp.exe.pdf", "evilfdp.exe.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ('it\'s a "quote".pdf', 'it\'s a "quote".pdf'),
        ("<b>&amp;\"'.pdf", "<b>&amp;\"'.pdf"),
        ("tab\tand bell\x07.pdf", "tab and bell.pdf"),
    ],
)
def test_a_hostile_name_arrives_as_one_that_harms_nobody(
    app: Flask, alice: Visitor, world: World, found: Attachment, given: str, kept: str
) -> None:
    from webapp.core.names import clean_name

    # A browser escapes such names before they come; Box's listings do not.
    with app.app_context():
        name = clean_name(given, fallback="unnamed")
        values = {"name": name, "original_name": given}
        db.session.execute(update(Attachment).where(Attachment.id == found.id).values(**values))
        db.session.commit()
    answer = ask(alice, found)
    assert saved_name(answer.headers["Content-Disposition"]) == kept
    assert kept in alice.get(f"/projects/{world.tower}/rfis/{world.rfi}").links()


def test_a_name_of_255_letters_keeps_its_extension(alice: Visitor, world: World) -> None:
    (attachment,) = attach_upload(alice, target_of(world), ("ü" * 251 + ".pdf", BODY))
    name = saved_name(ask(alice, attachment).headers["Content-Disposition"])
    assert name == "ü" * 251 + ".pdf"


def test_an_empty_file_is_a_file_too(alice: Visitor, world: World) -> None:
    (attachment,) = attach_upload(alice, target_of(world), ("empty.txt", b""))
    answer = ask(alice, attachment)
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert "0 bytes" in alice.get(f"/projects/{world.tower}/rfis/{world.rfi}").text


def test_asking_for_the_headers_alone_sends_no_bytes(alice: Visitor, found: Attachment) -> None:
    answer = ask(alice, found, "HEAD")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(BODY))
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "content", "place"),
    [
        ("bytes=0-3", BODY[:4], f"bytes 0-3/{len(BODY)}"),
        ("bytes=9-", BODY[9:], f"bytes 9-{len(BODY) - 1}/{len(BODY)}"),
        ("bytes=-4", BODY[-4:], f"bytes {len(BODY) - 4}-{len(BODY) - 1}/{len(BODY)}"),
        ("bytes=2-9999", BODY[2:], f"bytes 2-{len(BODY) - 1}/{len(BODY)}"),
    ],
)
def test_a_part_can_be_fetched_alone(
    alice: Visitor, found: Attachment, asked: str, content: bytes, place: str
) -> None:
    answer = ask(alice, found, Range=asked)
    assert (answer.status_code, answer.get_data()) == (206, content)
    assert answer.headers["Content-Range"] == place
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Stair detail.pdf"'


@pytest.mark.parametrize("asked", ["bytes=500-", "bytes=0-1,4-5"])
def test_a_part_that_is_not_there_is_refused(alice: Visitor, found: Attachment, asked: str) -> None:
    assert ask(alice, found, Range=asked).status_code == 416


def test_an_interrupted_download_goes_on_only_with_the_same_file(
    alice: Visitor, found: Attachment
) -> None:
    etag = ask(alice, found).headers["ETag"]
    same = ask(alice, found, Range="bytes=4-", If_Range=etag)
    assert (same.status_code, same.get_data()) == (206, BODY[4:])
    other = ask(alice, found, Range="bytes=4-", If_Range='"another"')
    assert (other.status_code, other.get_data()) == (200, BODY)
    assert ask(alice, found, If_None_Match=etag).status_code == 304


@pytest.mark.parametrize("name", ["charlie", "nell", "imani"])
def test_who_does_not_see_the_record_gets_what_nobody_has(
    signed_in: SignIn, found: Attachment, name: str
) -> None:
    visitor = signed_in(name)
    page = visitor.get(f"/attachments/{found.public_id}", expect=404)
    absent = visitor.get("/attachments/" + "A" * 22, expect=404)
    assert page.text.partition("reference")[0] == absent.text.partition("reference")[0]
    assert "Stair detail" not in page.text
    visitor.get(f"/attachments/{found.public_id}/remove", expect=404)
    visitor.post(f"/attachments/{found.public_id}/remove", expect=404)


def test_a_stranger_has_to_sign_in_first(app: Flask, found: Attachment) -> None:
    answer = ask(Visitor(app), found)
    assert answer.status_code in {302, 303}
    assert "/sign-in" in (answer.location or "")
    assert BODY not in answer.get_data()


def test_a_private_records_files_are_for_its_people_alone(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    (attachment,) = attach_upload(alice, target_of(world, world.private_rfi), ("s.pdf", BODY))
    statuses = {n: ask(signed_in(n), attachment).status_code for n in ("alice", "bob", "rita")}
    assert statuses == {"alice": 200, "bob": 200, "rita": 404}


def test_a_record_made_private_closes_its_files_at_once(
    alice: Visitor, signed_in: SignIn, world: World, found: Attachment
) -> None:
    rita = signed_in("rita")
    assert ask(rita, found).status_code == 200
    edit = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit")
    alice.submit(edit, "/edit", is_private="y")
    assert ask(rita, found).status_code == 404


def test_the_files_of_a_response_that_is_being_written_are_its_authors(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    page = bob.get(f"/projects/{world.tower}/rfis/{world.rfi}")
    dialog = bob.submit(page, "/sections/responses", text="See the file.", attach="yes")
    target = dialog.response.request.path.partition("/attach/")[0] + "/attach/"
    (attachment,) = attach_upload(bob, target, ("Reply.pdf", BODY))
    assert attachment.row_id is not None
    assert ask(bob, attachment).status_code == 200
    assert ask(alice, attachment).status_code == 404
    page = bob.get(f"/projects/{world.tower}/rfis/{world.rfi}")
    bob.submit(page, "/sections/responses", text="See the file.", move="return")
    assert ask(alice, attachment).status_code == 200


def test_a_file_whose_contents_are_lost_is_told_and_not_half_sent(
    app: Flask, alice: Visitor, found: Attachment
) -> None:
    with app.app_context():
        blobs().delete(found.blob_key)
    answer = ask(alice, found)
    assert answer.status_code == 500
    assert "contents are missing" in answer.get_data(as_text=True)
    assert "Content-Disposition" not in answer.headers


def test_two_files_of_one_name_hang_side_by_side(alice: Visitor, world: World) -> None:
    upload(alice, target_of(world), ("same.pdf", b"one"), ("same.pdf", b"two"))
    alice.submit(alice.get(f"{target_of(world)}?source=computer"), "/send")
    page = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}")
    addresses = [a.get("href", "") for a in page.all("a") if "".join(a.itertext()) == "same.pdf"]
    answers = [alice.client.get(a, headers={"Host": HOST}, buffered=True) for a in addresses]
    contents = {answer.get_data() for answer in answers}
    assert contents == {b"one", b"two"}

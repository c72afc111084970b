"""Download all: one zip of a record and its rows, whole, safely named, for those who see it."""

import csv
import hashlib
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.attachments import archive
from webapp.attachments.models import Attachment
from webapp.core.blobs import Blobs, blobs
from webapp.core.database import db

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
PERMIT = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"


def record_of(world: World, record: int | None = None) -> str:
    return f"/projects/{world.tower}/rfis/{record or world.rfi}"


def attach(visitor: Visitor, here: str, *files: tuple[str, bytes]) -> list[Attachment]:
    return attach_upload(visitor, f"{here}/attach/", *files)


def ask(visitor: Visitor, here: str, verb: str = "GET") -> TestResponse:
    answer: TestResponse = visitor.client.open(
        f"{here}/files/zip", method=verb, headers={"Host": HOST}, buffered=True
    )
    return answer


def unzipped(answer: TestResponse) -> dict[str, bytes]:
    """Return what is in a zip by name; the zip is sound and no name comes twice."""
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    body = answer.get_data()
    assert answer.headers["Content-Length"] == str(len(body))
    with zipfile.ZipFile(BytesIO(body)) as found:
        assert found.testzip() is None
        names = found.namelist()
        assert len(set(map(str.casefold, names))) == len(names)
        assert {info.compress_type for info in found.infolist()} == {zipfile.ZIP_STORED}
        return {name: found.read(name) for name in names}


def manifest_of(files: dict[str, bytes]) -> dict[str, dict[str, str]]:
    text = files["manifest.csv"].decode("utf-8-sig")
    lines = csv.DictReader(StringIO(text, newline=""))
    return {line["Name in this archive"]: line for line in lines}


def renamed_to(app: Flask, found: Attachment, name: str, original: str = "") -> None:
    with app.app_context():
        change = update(Attachment).where(Attachment.id == found.id)
        db.session.execute(change.values(name=name, original_name=original or name))
        db.session.commit()


def respond_with(
    visitor: Visitor, world: World, *files: tuple[str, bytes], send: bool = True
) -> None:
    here = record_of(world)
    dialog = visitor.submit(visitor.get(here), "/sections/responses", text="See.", attach="yes")
    target = dialog.response.request.path.partition("/attach/")[0]
    attach(visitor, target, *files)
    if send:
        visitor.submit(visitor.get(here), "/sections/responses", text="See.")


def test_all_files_come_whole_with_a_list_of_them(alice: Visitor, world: World) -> None:
    here = record_of(world)
    big = bytes(range(256)) * 900
    attached = attach(alice, here, ("Plan.pdf", b"%PDF-1.7"), ("Photo.jpg", big), ("e.txt", b""))
    answer = ask(alice, here)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="RFI-001 files.zip"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    files = unzipped(answer)
    assert set(files) == {"manifest.csv", "Plan.pdf", "Photo.jpg", "e.txt"}
    lines = manifest_of(files)
    for found in attached:
        content = files[found.name]
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        assert digest == found.sha1 == lines[found.name]["SHA-1"]
        assert lines[found.name]["SHA-256"] == hashlib.sha256(content).hexdigest()
        assert lines[found.name]["Size in bytes"] == str(len(content))
        assert lines[found.name]["Source"] == "Computer"
        assert lines[found.name]["Attached by"] == "Alice Test"
    assert ask(alice, here, "HEAD").headers["Content-Length"] == answer.headers["Content-Length"]


def test_the_button_is_there_from_two_files_on(alice: Visitor, bob: Visitor, world: World) -> None:
    here = record_of(world)
    attach(alice, here, ("one.pdf", b"1"))
    assert not any(text.startswith("Download all") for text in alice.get(here).links())
    respond_with(bob, world, ("two.pdf", b"2"))
    assert alice.get(here).links()["Download all 2 files"] == f"{here}/files/zip"


def test_the_files_of_a_response_lie_in_its_folder(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = record_of(world)
    attach(alice, here, ("Plan.pdf", b"question"))
    respond_with(bob, world, ("Plan.pdf", b"answer"), ("Sketch.pdf", b"sketch"))
    respond_with(alice, world, ("Plan.pdf", b"second"))
    files = unzipped(ask(alice, here))
    assert files.keys() - {"manifest.csv"} == {
        "Plan.pdf",
        "Response 1 – Bob Test/Plan.pdf",
        "Response 1 – Bob Test/Sketch.pdf",
        "Response 2 – Alice Test/Plan.pdf",
    }
    assert files["Response 2 – Alice Test/Plan.pdf"] == b"second"
    assert manifest_of(files).keys() == files.keys() - {"manifest.csv"}


def test_a_response_that_is_being_written_is_its_authors(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = record_of(world)
    attach(alice, here, ("Plan.pdf", b"question"))
    respond_with(bob, world, ("Draft.pdf", b"draft"), send=False)
    assert "Response being written – Bob Test/Draft.pdf" in unzipped(ask(bob, here))
    assert unzipped(ask(alice, here)).keys() == {"manifest.csv", "Plan.pdf"}
    assert "Download all" not in alice.get(here).text


def test_one_name_twice_is_numbered(alice: Visitor, world: World) -> None:
    here = record_of(world)
    same = [("name.pdf", b"1"), ("name.pdf", b"2"), ("NAME.PDF", b"3"), ("name (2).pdf", b"4")]
    attach(alice, here, *same, ("manifest.csv", b"5"), ("Manifest.csv", b"6"))
    files = unzipped(ask(alice, here))
    assert sorted(files.values())[:6] == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert {"name.pdf", "name (2).pdf", "manifest (2).csv"} <= files.keys()
    lines = manifest_of(files)
    by_content = {content: lines[name] for name, content in files.items() if name in lines}
    assert by_content[b"3"]["Original name"] == "NAME.PDF"
    assert by_content[b"5"]["Original name"] == "manifest.csv"


@pytest.mark.parametrize(
    ("stored", "within"),
    [
        ("図面 – 階段2.dwg", "図面 – 階段2.dwg"),
        ("مخطط الدرج.pdf", "مخطط الدرج.pdf"),
        ("Treppe 🏗️.png", "Treppe 🏗️.png"),
        ("/etc/passwd", "_etc_passwd"),
        ("../../up.pdf", ".._.._up.pdf"),
        ("..\\up.pdf", ".._up.pdf"),
        ("..", "unnamed"),
        ("C:\\Windows\\x.dll", "C__Windows_x.dll"),
        ("C:evil.pdf", "C_evil.pdf"),
        ('a<b>|c?*"d".pdf', "a_b__c___d_.pdf"),
        ("CON", "_CON"),
        ("com¹.txt", "_com¹.txt"),
        ("aux .pdf", "_aux .pdf"),
        ("LPT9.pdf", "_LPT9.pdf"),
        ("dots. . .", "dots"),
        ("bell\x07 and\ttab.pdf", "bell and tab.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("ü" * 140 + ".pdf", "ü" * 121 + ".pdf"),
    ],
)
def test_a_name_in_the_archive_harms_no_system(
    app: Flask, alice: Visitor, world: World, stored: str, within: str
) -> None:
    here = record_of(world)
    (found,) = attach(alice, here, ("x.pdf", b"content"))
    # What is attached is cleaned long before; the archive does not rely on it.
    renamed_to(app, found, stored)
    files = unzipped(ask(alice, here))
    assert files.keys() == {"manifest.csv", within}
    assert files[within] == b"content"
    assert len(within.encode()) <= 255


def test_a_numbered_name_keeps_to_the_limit(app: Flask, alice: Visitor, world: World) -> None:
    here = record_of(world)
    for found in attach(alice, here, ("a.pdf", b"1"), ("b.pdf", b"2")):
        renamed_to(app, found, "名" * 90 + ".pdf")
    names = unzipped(ask(alice, here)).keys() - {"manifest.csv"}
    assert names == {"名" * 81 + ".pdf", "名" * 81 + " (2).pdf"}


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@x", '=HYPERLINK("http://x").csv', "  =1", "＝1", "\t=1"]
)
def test_no_name_is_a_formula_in_the_list(
    app: Flask, alice: Visitor, world: World, name: str
) -> None:
    here = record_of(world)
    (found,) = attach(alice, here, ("x.pdf", b"content"))
    renamed_to(app, found, "safe.pdf", original=name)
    (line,) = manifest_of(unzipped(ask(alice, here))).values()
    assert line["Original name"] == f"'{name}"


def test_the_list_says_where_in_box_a_file_was(
    app: Flask, alice: Visitor, world: World, sandbox: SandboxProcess
) -> None:
    here = record_of(world)
    link(alice, sandbox)
    copying.attach(alice, sandbox, f"{here}/attach/", PERMIT)
    copying.run_worker(app)
    files = unzipped(ask(alice, here))
    (line,) = manifest_of(files).values()
    (found,) = copying.attachments(app)
    content = files["Building permit BP-25-0417.pdf"]
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == found.sha1
    assert (line["Source"], line["SHA-1"]) == ("Box", found.sha1)
    assert line["Path"].endswith("00 Project Admin")
    assert line["Version"] == found.box_version_number


def test_removed_files_are_left_out(alice: Visitor, world: World) -> None:
    here = record_of(world)
    gone, _kept = attach(alice, here, ("gone.pdf", b"1"), ("kept.pdf", b"2"))
    alice.post(f"/attachments/{gone.public_id}/remove")
    assert unzipped(ask(alice, here)).keys() == {"manifest.csv", "kept.pdf"}


def test_who_does_not_see_the_record_gets_nothing(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    attach(alice, record_of(world), ("a.pdf", b"1"), ("b.pdf", b"2"))
    private = record_of(world, world.private_rfi)
    attach(alice, private, ("a.pdf", b"1"), ("b.pdf", b"2"))
    statuses = {
        name: (
            ask(signed_in(name), record_of(world)).status_code,
            ask(signed_in(name), private).status_code,
        )
        for name in ("bob", "rita", "nell", "charlie")
    }
    assert statuses == {
        "bob": (200, 200),
        "rita": (200, 404),
        "nell": (404, 404),
        "charlie": (404, 404),
    }


def test_too_much_is_refused_before_the_first_byte(
    alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = record_of(world)
    attach(alice, here, ("a.pdf", b"12345"), ("b.pdf", b"12345"), ("c.pdf", b"12345"))
    monkeypatch.setattr(archive, "FILES_MAX", 2)
    answer = alice.get(f"{here}/files/zip", expect=422)
    assert "3 files with 15 bytes; one download takes at most 2 files" in answer.text
    monkeypatch.setattr(archive, "FILES_MAX", 3)
    monkeypatch.setattr(archive, "BYTES_MAX", 14)
    alice.get(f"{here}/files/zip", expect=422)
    monkeypatch.setattr(archive, "BYTES_MAX", 15)
    assert len(unzipped(ask(alice, here))) == 4


def test_nothing_to_download_is_said(alice: Visitor, world: World) -> None:
    page = alice.get(f"{record_of(world)}/files/zip", expect=422)
    assert "no file to download" in page.text


def test_half_an_archive_is_never_sent(app: Flask, alice: Visitor, world: World) -> None:
    here = record_of(world)
    lost, _kept = attach(alice, here, ("lost.pdf", b"1"), ("kept.pdf", b"2"))
    with app.app_context():
        blobs().delete(lost.blob_key)
    answer = ask(alice, here)
    assert answer.status_code == 500
    assert "contents are missing" in answer.get_data(as_text=True)


def test_the_archive_is_made_while_it_is_sent(
    app: Flask, alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = record_of(world)
    attach(alice, here, *[(f"{number}.bin", b"x" * 90_000) for number in range(4)])
    opened: list[str] = []
    read = Blobs.read

    def noted(store: Blobs, key: str) -> Iterator[bytes]:
        opened.append(key)
        return read(store, key)

    monkeypatch.setattr(Blobs, "read", noted)
    answer = alice.client.get(f"{here}/files/zip", headers={"Host": HOST})
    blocks = answer.iter_encoded()
    while not opened:
        next(blocks)
    assert len(opened) == 1
    answer.close()
    assert len(opened) == 1

"""Large files from the computer in parts, as the tus 1.0 protocol has it: all of its statuses."""

import base64
import hashlib
import threading
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, RawIOBase
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from config import DEFAULT_FILE_MAX_BYTES
from tests.picker.dialog import chosen, punch_picker
from tests.support.pages import HOST, Visitor
from tests.support.uploading import stored_keys
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.formats import filesize
from webapp.imports import uploads
from webapp.imports.models import PartialUpload, TrayItem, new_blob_key
from webapp.wiring import chores

NAME = "model «süd» 図.ifc"
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(50_000))
PART = "application/offset+octet-stream"


class Sender:
    """Somebody's program that speaks the protocol."""

    def __init__(self, visitor: Visitor, target: str) -> None:
        self.visitor = visitor
        self.target = target

    def ask(self, method: str, path: str = "", data: Any = b"", **headers: str) -> TestResponse:
        sent = {
            "Host": HOST,
            "Tus-Resumable": "1.0.0",
            "X-CSRFToken": self.visitor.token(),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = {name: value for name, value in sent.items() if value}
        body: dict[str, Any] = {"data": data}
        if isinstance(data, RawIOBase):
            length = sent.pop("Content-Length")
            body = {"environ_overrides": {"wsgi.input": data, "CONTENT_LENGTH": length}}
        address = path or f"{self.target}computer/parts"
        answer: TestResponse = self.visitor.client.open(
            address, method=method, headers=sent, **body
        )
        return answer

    def create(self, size: int | str, name: str = NAME, **headers: str) -> TestResponse:
        encoded = base64.b64encode(name.encode()).decode()
        metadata = f"filename {encoded},filetype aWZj"
        return self.ask(
            "POST", **{"Upload-Length": str(size), "Upload-Metadata": metadata, **headers}
        )

    def begin(self, size: int = len(CONTENT), name: str = NAME) -> str:
        answer = self.create(size, name)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.headers["Location"]

    def add(self, path: str, offset: int | str, data: Any, **headers: str) -> TestResponse:
        values = {"Content_Type": PART, "Upload_Offset": str(offset), **headers}
        return self.ask("PATCH", path, data, **values)

    def offset(self, path: str) -> int:
        answer = self.ask("HEAD", path)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    def tray(self) -> list[str]:
        return chosen(self.visitor.get(f"{self.target}tray"))


@pytest.fixture
def sender(alice: Visitor, here: str) -> Sender:
    return Sender(alice, here)


def parts(app: Flask) -> list[str]:
    """Return the keys of all parts in the store."""
    with app.app_context():
        return [found.key for found in blobs().stored("parts/")]


def items(app: Flask) -> list[TrayItem]:
    with app.app_context():
        found = list(db.session.scalars(select(TrayItem).order_by(TrayItem.id)))
        db.session.expunge_all()
        db.session.remove()
    return found


def said(answer: TestResponse) -> str:
    return " ".join(answer.get_data(as_text=True).split())


# ---- the way it goes


def test_a_file_in_three_parts_arrives_in_the_tray_and_on_the_record_as_it_was(
    app: Flask, sender: Sender, here: str
) -> None:
    path = sender.begin()
    assert path.startswith(f"{here}computer/parts/")
    assert sender.tray() == []
    for start, stop in ((0, 70_000), (70_000, 70_001), (70_001, len(CONTENT))):
        assert sender.offset(path) == start
        assert sender.tray() == []
        answer = sender.add(path, start, CONTENT[start:stop])
        assert (answer.status_code, answer.get_data()) == (204, b"")
        assert answer.headers["Upload-Offset"] == str(stop)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert sender.tray() == [NAME]
    (item,) = items(app)
    assert (item.source, item.size_bytes) == ("computer", len(CONTENT))
    assert item.sha1 == hashlib.sha1(CONTENT).hexdigest()
    assert item.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert parts(app) == []
    sender.visitor.submit(sender.visitor.get(f"{here}?source=computer"), "/send")
    with app.app_context():
        attachment = db.session.scalars(select(Attachment)).one()
        assert b"".join(blobs().read(attachment.blob_key)) == CONTENT
        db.session.remove()


def test_an_upload_that_is_done_says_so_however_often_one_asks(app: Flask, sender: Sender) -> None:
    path = sender.begin()
    sender.add(path, 0, CONTENT)
    assert sender.offset(path) == len(CONTENT)
    again = sender.add(path, len(CONTENT), b"")
    assert (again.status_code, again.headers["Upload-Offset"]) == (204, str(len(CONTENT)))
    assert sender.add(path, 0, CONTENT).status_code == 409
    assert len(items(app)) == 1


def test_an_empty_file_is_there_as_soon_as_it_is_announced(app: Flask, sender: Sender) -> None:
    path = sender.begin(0, "empty.txt")
    assert sender.offset(path) == 0
    assert sender.tray() == ["empty.txt"]
    assert items(app)[0].size_bytes == 0


def test_what_has_come_before_the_connection_broke_is_kept(app: Flask, sender: Sender) -> None:
    path = sender.begin()
    announced = {"Content_Length": str(len(CONTENT))}
    sender.add(path, 0, Cut(CONTENT[:80_000]), **announced)
    assert sender.offset(path) == 80_000
    sender.add(path, 80_000, Cut(b""), Content_Length=str(len(CONTENT) - 80_000))
    assert sender.offset(path) == 80_000
    assert sender.add(path, 80_000, CONTENT[80_000:]).status_code == 204
    assert items(app)[0].sha1 == hashlib.sha1(CONTENT).hexdigest()


class Cut(RawIOBase):
    """A body whose connection breaks after these bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


def test_a_row_of_a_record_takes_parts_too(sender: Sender, world: World) -> None:
    visitor, record = sender.visitor, f"/projects/{world.tower}/rfis/{world.rfi}"
    visitor.submit(visitor.get(record), "/responses", text="Mine", attach="yes")
    rows = Sender(visitor, f"{record}/rows/1/attach/")
    path = rows.begin()
    assert path.startswith(f"{record}/rows/1/attach/computer/parts/")
    assert rows.add(path, 0, CONTENT).status_code == 204
    assert (rows.tray(), sender.tray()) == ([NAME], [])
    # The same upload is none of the record's.
    elsewhere = path.replace("/rows/1", "")
    assert sender.ask("HEAD", elsewhere).status_code == 404


# ---- what the protocol asks of a server


def test_the_server_says_what_it_can(sender: Sender) -> None:
    for path in ("", sender.begin()):
        answer = sender.ask("OPTIONS", path, Tus_Resumable="")
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Max-Size"] == str(DEFAULT_FILE_MAX_BYTES)
        assert answer.headers["Tus-Extension"] == "creation,expiration,termination,checksum"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


@pytest.mark.parametrize("version", ["", "0.2.2", "2.0.0"])
def test_another_version_of_the_protocol_is_refused(sender: Sender, version: str) -> None:
    path = sender.begin()
    for answer in (
        sender.create(10, Tus_Resumable=version),
        sender.ask("HEAD", path, Tus_Resumable=version),
        sender.add(path, 0, CONTENT, Tus_Resumable=version),
        sender.ask("DELETE", path, Tus_Resumable=version),
    ):
        assert answer.status_code == 412
        assert answer.headers["Tus-Version"] == "1.0.0"
    assert sender.offset(path) == 0


def test_where_an_upload_stands_is_never_kept_by_a_cache(sender: Sender) -> None:
    path = sender.begin()
    answer = sender.ask("HEAD", path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Upload-Length"] == str(len(CONTENT))
    assert "Upload-Expires" in answer.headers


def test_a_method_may_be_named_in_a_header_of_a_post_only(app: Flask, sender: Sender) -> None:
    path = sender.begin()
    named = {"X_HTTP_Method_Override": "PATCH", "Content_Type": PART, "Upload_Offset": "0"}
    answer = sender.ask("POST", path, CONTENT[:10], **named)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "10")
    # A HEAD carries no token, so it may not become a DELETE.
    assert sender.ask("HEAD", path, X_HTTP_Method_Override="DELETE").status_code == 200
    assert sender.ask("POST", path, X_HTTP_Method_Override="DELETE").status_code == 204
    assert sender.ask("HEAD", path).status_code == 404
    assert sender.ask("POST", path, X_HTTP_Method_Override="BREW").status_code == 405
    assert sender.ask("GET", path).status_code == 405
    assert parts(app) == []


@pytest.mark.parametrize("length", ["", "-1", "1.5", "ten", "1" * 16, "٣"])
def test_a_length_that_is_none_is_refused(sender: Sender, length: str) -> None:
    try:
        answer = sender.create(length)
    except UnicodeEncodeError:
        return
    assert answer.status_code == 400


def test_a_name_that_cannot_be_read_is_refused(app: Flask, sender: Sender) -> None:
    answer = sender.ask("POST", Upload_Length="5", Upload_Metadata="filename %%%")
    assert answer.status_code == 400
    answer = sender.ask("POST", Upload_Length="5")
    assert answer.status_code == 201
    sender.add(answer.headers["Location"], 0, b"plain")
    assert [item.name for item in items(app)] == ["unnamed"]


@pytest.mark.parametrize("offset", ["", "-1", "x", "1" * 16])
def test_an_offset_that_is_none_is_refused(sender: Sender, offset: str) -> None:
    path = sender.begin()
    assert sender.add(path, offset, CONTENT).status_code == 400
    assert sender.offset(path) == 0


def test_a_part_for_another_place_is_refused_and_changes_nothing(
    app: Flask, sender: Sender
) -> None:
    path = sender.begin()
    sender.add(path, 0, CONTENT[:100])
    for offset in (0, 99, 101):
        answer = sender.add(path, offset, CONTENT[offset : offset + 50])
        assert answer.status_code == 409
        assert "has come to another place meanwhile" in said(answer)
    assert sender.offset(path) == 100
    assert len(parts(app)) == 1


def test_a_part_of_another_content_type_is_refused(sender: Sender) -> None:
    path = sender.begin()
    for kind in ("", "application/octet-stream", "text/plain"):
        assert sender.add(path, 0, CONTENT, Content_Type=kind).status_code == 415
    assert sender.offset(path) == 0


def test_more_bytes_than_were_announced_are_refused(app: Flask, sender: Sender) -> None:
    path = sender.begin(100)
    answer = sender.add(path, 0, CONTENT)
    assert answer.status_code == 413
    assert "More was sent than this file is long." in said(answer)
    sender.add(path, 0, CONTENT[:60])
    assert sender.add(path, 60, CONTENT[60:101]).status_code == 413
    assert sender.offset(path) == 60
    assert items(app) == []


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_part_is_compared_with_its_checksum(app: Flask, sender: Sender, name: str) -> None:
    path = sender.begin()

    def checksum(content: bytes) -> str:
        digest = hashlib.new(name, content).digest()
        return f"{name} {base64.b64encode(digest).decode()}"

    wrong = sender.add(path, 0, CONTENT[:1000], Upload_Checksum=checksum(b"something else"))
    assert wrong.status_code == 460
    assert "arrived damaged" in said(wrong)
    assert sender.offset(path) == 0
    # Of a part that breaks off nothing is known, so nothing of it is kept.
    cut = {"Upload_Checksum": checksum(CONTENT), "Content_Length": str(len(CONTENT))}
    assert sender.add(path, 0, Cut(CONTENT[:50]), **cut).status_code == 460
    assert parts(app) == []
    for bad in ("md5 abc", f"{name} %%%", name):
        assert sender.add(path, 0, CONTENT, Upload_Checksum=bad).status_code in {400, 460}
    right = sender.add(path, 0, CONTENT, Upload_Checksum=checksum(CONTENT))
    assert right.status_code == 204
    assert items(app)[0].sha1 == hashlib.sha1(CONTENT).hexdigest()


def test_an_upload_that_is_given_up_leaves_nothing(app: Flask, sender: Sender) -> None:
    path = sender.begin()
    sender.add(path, 0, CONTENT[:1000])
    assert len(parts(app)) == 1
    assert sender.ask("DELETE", path).status_code == 204
    assert parts(app) == []
    for answer in (
        sender.ask("HEAD", path),
        sender.add(path, 1000, CONTENT[1000:]),
        sender.ask("DELETE", path),
    ):
        assert answer.status_code == 404
    assert items(app) == []
    assert stored_keys(sender.visitor) == set()


def test_an_upload_nobody_continues_is_gone_after_a_day_and_one_that_goes_on_is_not(
    app: Flask, sender: Sender
) -> None:
    left, goes_on = sender.begin(), sender.begin()
    for path in (left, goes_on):
        sender.add(path, 0, CONTENT[:1000])
    _set_expiry(app, left, timedelta(0))
    _set_expiry(app, goes_on, timedelta(hours=1))
    sender.add(goes_on, 1000, CONTENT[1000:2000])
    with app.app_context():
        kept = db.session.scalars(select(PartialUpload).order_by(PartialUpload.id)).all()[1]
        assert kept.expires_at > utcnow() + uploads.PARTS_LIVE - timedelta(minutes=5)
        db.session.remove()
    for answer in (
        sender.ask("HEAD", left),
        sender.add(left, 1000, CONTENT[1000:]),
        sender.ask("DELETE", left),
    ):
        assert answer.status_code == 404
    # What is young may be a part that is being written right now.
    assert (_sweep(app, later=timedelta(0)), len(parts(app))) == (0, 3)
    _set_expiry(app, goes_on, timedelta(days=2))
    assert (_sweep(app, later=timedelta(hours=25)), len(parts(app))) == (1, 2)
    assert sender.add(goes_on, 2000, CONTENT[2000:]).status_code == 204
    assert items(app)[0].sha1 == hashlib.sha1(CONTENT).hexdigest()
    assert _sweep(app, later=timedelta(days=3)) == 0
    assert sender.ask("HEAD", goes_on).status_code == 404
    assert sender.tray() == [NAME]


def _set_expiry(app: Flask, path: str, ahead: timedelta) -> None:
    with app.app_context():
        token = path.rpartition("/")[2]
        row = db.session.scalars(select(PartialUpload).where(PartialUpload.token == token)).one()
        row.expires_at = utcnow() + ahead
        db.session.commit()
        db.session.remove()


def _sweep(app: Flask, *, later: timedelta) -> int:
    with app.app_context(), time_machine.travel(utcnow() + later, tick=True):
        chores.sweep_storage()
        chores.sweep_half_written()
        swept = uploads.sweep()
        db.session.remove()
    return swept


def test_the_sweep_is_one_of_the_chores() -> None:
    assert uploads.sweep in {chore.run for chore in chores.chores()}


# ---- two at once


class Meanwhile(RawIOBase):
    """A body that arrives only after something else has happened in another thread."""

    def __init__(self, content: bytes, act: Callable[[], None]) -> None:
        self._content, self._act = BytesIO(content), act
        self._is_done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Half of it comes first, so that the request is well under way.
        if self._content.tell() and not self._is_done:
            self._is_done = True
            thread = threading.Thread(target=self._act)
            thread.start()
            thread.join()
        return self._content.readinto(memoryview(buffer)[: 1 + len(buffer) // 2])


@pytest.mark.parametrize("stop", [100_000, len(CONTENT)], ids=["in the middle", "the last part"])
def test_of_two_parts_for_one_place_one_counts(app: Flask, sender: Sender, stop: int) -> None:
    path = sender.begin()
    other, answers = Sender(sender.visitor, sender.target), []
    sender.visitor.token()

    def overtake() -> None:
        answers.append(other.add(path, 0, CONTENT[:stop]).status_code)

    slow = sender.add(path, 0, Meanwhile(b"\0" * stop, overtake), Content_Length=str(stop))
    assert answers == [204]
    assert slow.status_code == 409
    assert sender.offset(path) == stop
    if stop < len(CONTENT):
        assert len(parts(app)) == 1
        sender.add(path, stop, CONTENT[stop:])
    (item,) = items(app)
    assert item.sha1 == hashlib.sha1(CONTENT).hexdigest()
    assert parts(app) == []
    assert stored_keys(sender.visitor) == {item.blob_key}


def test_an_upload_given_up_while_a_part_arrives_stays_given_up(app: Flask, sender: Sender) -> None:
    path = sender.begin()
    sender.visitor.token()

    def give_up() -> None:
        Sender(sender.visitor, sender.target).ask("DELETE", path)

    late = sender.add(path, 0, Meanwhile(CONTENT, give_up), Content_Length=str(len(CONTENT)))
    assert late.status_code == 409
    assert (items(app), parts(app), stored_keys(sender.visitor)) == ([], [], set())


# ---- limits, in the same words as elsewhere


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(app: Flask, sender: Sender) -> None:
    answer = sender.create(DEFAULT_FILE_MAX_BYTES + 1)
    assert answer.status_code == 413
    assert f"Over the {filesize(DEFAULT_FILE_MAX_BYTES)} limit for one file." in said(answer)
    assert sender.create(DEFAULT_FILE_MAX_BYTES).status_code == 201


def test_a_blocked_kind_of_file_is_refused_before_it_is_sent(app: Flask, sender: Sender) -> None:
    for name in ("setup.exe", "SETUP.EXE", "setup.exe. ", "folder/setup.exe"):
        answer = sender.create(100, name)
        assert answer.status_code == 422
        assert "Acme Builders does not accept .exe files." in said(answer)


def test_a_full_tray_is_told_before_a_file_is_sent_and_after(
    app: Flask, world: World, sender: Sender
) -> None:
    path = sender.begin()
    sender.add(path, 0, CONTENT[:1000])
    small = {"file": [(BytesIO(b"x"), f"{number}.txt") for number in range(100)]}
    sender.visitor.post(f"{sender.target}computer", small)
    answer = sender.create(100)
    assert answer.status_code == 422
    assert "At most 100 files can be attached at once." in said(answer)
    # One that was begun while there was room waits for room before its last part counts.
    answer = sender.add(path, 1000, CONTENT[1000:])
    assert answer.status_code == 422
    assert "At most 100 files can be attached at once." in said(answer)
    assert sender.offset(path) == 1000
    sender.visitor.post(f"{sender.target}tray", {"item": "all"})
    assert sender.add(path, 1000, CONTENT[1000:]).status_code == 204
    assert sender.tray() == [NAME]


def test_a_path_in_a_name_becomes_part_of_the_name(sender: Sender) -> None:
    path = sender.begin(5, "Level 1/../Rev B/plan.pdf")
    sender.add(path, 0, b"%PDF-")
    assert sender.tray() == ["Level 1_.._Rev B_plan.pdf"]


# ---- what was not finished


def unfinished(visitor: Visitor, target: str, *, htmx: bool = False) -> list[str]:
    page = visitor.get(f"{target}?source=computer", htmx=htmx)
    lines = ["".join(bold.itertext()) for bold in page.all("b")]
    return [line for line in lines if line.startswith("Not finished")]


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "partial"])
def test_the_dialog_names_what_was_not_finished_until_it_is(
    sender: Sender, here: str, htmx: bool
) -> None:
    path = sender.begin(60_000_000, "plan.pdf")
    sender.add(path, 0, CONTENT)
    sender.begin(5, "note.txt")
    names = [
        "Not finished: plan.pdf, 0.2 of 60.0 MB.",
        "Not finished: note.txt, 0 bytes of 5 bytes.",
    ]
    assert unfinished(sender.visitor, here, htmx=htmx) == names
    second = sender.begin(5, "short.txt")
    sender.add(second, 0, b"hello")
    assert unfinished(sender.visitor, here, htmx=htmx) == names


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "partial"])
def test_what_was_not_finished_is_discarded_at_once(
    app: Flask, sender: Sender, here: str, htmx: bool
) -> None:
    path = sender.begin(60_000_000, "plan.pdf")
    sender.add(path, 0, CONTENT)
    sender.begin(5, "note.txt")
    form = sender.visitor.get(f"{here}?source=computer").form("computer/discard")
    token = path.rpartition("/")[2]
    for _again in range(2):
        page = sender.visitor.post(form.action, {**form.values, "upload": token}, htmx=htmx)
        assert "note.txt" in page.text
        assert "plan.pdf" not in page.text
    assert sender.ask("HEAD", path).status_code == 404
    assert parts(app) == []


def test_what_was_not_finished_is_named_to_its_sender_at_its_place_for_a_day(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    both = punch_picker(world)
    path = Sender(alice, both).begin(100, "plan.pdf")
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    alice.submit(alice.get(record), "/responses", text="Mine", attach="yes")
    row = f"{record}/rows/1/attach/"
    Sender(alice, f"{record}/attach/").begin(100, "other.pdf")
    assert unfinished(alice, both) == ["Not finished: plan.pdf, 0 bytes of 100 bytes."]
    assert unfinished(alice, row) == []
    assert unfinished(bob, both) == []
    token = path.rpartition("/")[2]
    bob.post(f"{both}computer/discard", {"upload": token})
    alice.post(f"{row}computer/discard", {"upload": token})
    assert unfinished(alice, both) == ["Not finished: plan.pdf, 0 bytes of 100 bytes."]
    with time_machine.travel(utcnow() + uploads.PARTS_LIVE + timedelta(seconds=1)):
        assert unfinished(alice, both) == []


# ---- other people


def test_nobody_else_sees_or_continues_an_upload(
    app: Flask, alice: Visitor, bob: Visitor, charlie: Visitor, world: World
) -> None:
    both = punch_picker(world)
    sender = Sender(alice, both)
    path = sender.begin()
    sender.add(path, 0, CONTENT[:1000])
    for stranger in (Sender(bob, both), Sender(charlie, both)):
        for answer in (
            stranger.ask("HEAD", path),
            stranger.add(path, 1000, CONTENT[1000:]),
            stranger.ask("DELETE", path),
        ):
            assert answer.status_code == 404
    assert Sender(charlie, both).create(100).status_code == 404
    assert sender.offset(path) == 1000
    assert sender.add(path, 1000, CONTENT[1000:]).status_code == 204


def test_who_may_not_attach_may_not_begin(
    signed_in: Callable[[str], Visitor], visitor: Visitor, here: str
) -> None:
    assert Sender(signed_in("rita"), here).create(100).status_code == 403
    assert Sender(signed_in("nell"), here).create(100).status_code == 404
    assert Sender(visitor, here).create(100).status_code == 401


def test_what_carries_no_token_of_the_session_changes_nothing(
    app: Flask, sender: Sender, bob: Visitor
) -> None:
    path = sender.begin()
    for token in ("", "made up", bob.token()):
        for answer in (
            sender.create(100, X_CSRFToken=token),
            sender.add(path, 0, CONTENT, X_CSRFToken=token),
            sender.ask("DELETE", path, X_CSRFToken=token),
        ):
            assert answer.status_code == 400
    assert sender.offset(path) == 0
    with app.app_context():
        assert db.session.query(PartialUpload).count() == 1
        db.session.remove()


def test_addresses_of_no_upload_are_none(sender: Sender) -> None:
    for name in ("x", "0" * 32, "%00", "..%2f" * 3, "x" * 2000):
        assert sender.ask("HEAD", f"{sender.target}computer/parts/{name}").status_code == 404


def test_parts_are_no_files_to_the_sweep_of_files(app: Flask, sender: Sender) -> None:
    with app.app_context():
        assert not new_blob_key().startswith(uploads.PREFIX)
        assert not uploads.new_part_key("ab" * 16).startswith("files/")

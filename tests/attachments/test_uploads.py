"""Files from the computer: through the tray onto the record, and what is turned away."""

import socket
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from flask import Flask

from config import Config
from tests.support.pages import HOST, Visitor
from tests.support.processes import Plumbline
from tests.support.uploading import attach_upload, stored_keys, upload
from tests.support.world import World
from webapp.attachments.models import Source


@pytest.fixture
def target(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}/attach/"


@pytest.fixture
def small_limits(app: Flask, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that takes three files of a hundred thousand bytes."""
    small = replace(config, file_max_bytes=100_000, files_per_action=3)
    monkeypatch.setitem(app.extensions, "plumbline.config", small)


def test_an_uploaded_file_waits_in_the_tray_until_attach_is_pressed(
    alice: Visitor, world: World, target: str
) -> None:
    record = target.removesuffix("/attach/")
    page = upload(alice, target, ("Sketch.pdf", b"a sketch"))
    assert "Sketch.pdf" in page.text
    assert "Sketch.pdf" not in alice.get(record).links()
    answer = alice.submit(page, "/send")
    assert "Sketch.pdf" in answer.links()
    assert "From the computer" in answer.text
    assert "attached Sketch.pdf" in answer.text


def test_what_is_attached_is_digested_and_stored_once(alice: Visitor, target: str) -> None:
    (attachment,) = attach_upload(alice, target, ("abc.txt", b"abc"))
    assert attachment.source == Source.COMPUTER
    assert attachment.sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert attachment.sha256.startswith("ba7816bf8f01cfea")
    assert stored_keys(alice) == {attachment.blob_key}


def test_several_files_come_in_one_go(alice: Visitor, target: str) -> None:
    found = attach_upload(alice, target, ("a.pdf", b"1"), ("b.pdf", b"2"), ("c.pdf", b"3"))
    assert {a.name for a in found} == {"a.pdf", "b.pdf", "c.pdf"}


def test_a_form_without_a_file_changes_nothing(alice: Visitor, target: str) -> None:
    for file in ((), (("", b"bytes of no file"),)):
        assert "No file came." in upload(alice, target, *file, expect=422).text
    assert stored_keys(alice) == set()


@pytest.mark.parametrize("name", ["setup.exe", "RUN.BAT", "macro.vbs", "setup.exe. "])
def test_programs_are_turned_away(alice: Visitor, target: str, name: str) -> None:
    page = upload(alice, target, (name, b"MZ"), expect=422)
    assert "does not accept" in page.text
    assert stored_keys(alice) == set()


@pytest.mark.usefixtures("small_limits")
def test_a_file_over_the_limit_leaves_nothing(alice: Visitor, target: str) -> None:
    upload(alice, target, ("just.bin", b"x" * 100_000))
    kept = stored_keys(alice)
    page = upload(alice, target, ("over.bin", b"x" * 100_001), expect=422)
    assert "Over the 100 kB limit" in page.text
    assert stored_keys(alice) == kept
    assert "over.bin" not in alice.get(f"{target}?source=computer").text


@pytest.mark.usefixtures("small_limits")
def test_more_files_than_allowed_at_once_are_refused(alice: Visitor, target: str) -> None:
    files = [(f"{n}.txt", b"x") for n in range(4)]
    page = upload(alice, target, *files, expect=422)
    assert "At most 3 files" in page.text
    assert len(stored_keys(alice)) == 3


@pytest.mark.usefixtures("small_limits")
def test_a_request_far_over_the_limit_is_not_even_read(alice: Visitor, target: str) -> None:
    kind = "multipart/form-data; boundary=edge"
    answer = alice.client.post(
        f"{target}computer",
        data=b"--edge\r\n" + b"x" * 5_000_000,
        content_type=kind,
        headers={"Host": HOST},
    )
    assert answer.status_code == 413
    assert "That is too much at once" in answer.get_data(as_text=True)
    assert stored_keys(alice) == set()


def test_who_may_not_attach_may_not_upload_either(app: Flask, world: World, target: str) -> None:
    for name, status in (("rita", 403), ("charlie", 404), ("nell", 404)):
        visitor = Visitor(app).sign_in(world.email(name))
        upload(visitor, target, ("a.pdf", b"1"), expect=status)
        assert stored_keys(visitor) == set()


def test_an_upload_taken_out_again_is_not_attached(alice: Visitor, target: str) -> None:
    page = upload(alice, target, ("out.pdf", b"1"), ("in.pdf", b"2"))
    buttons = {b.get("aria-label"): b.get("value") for b in page.all("button", name="item")}
    page = alice.post(f"{target}tray", {"item": buttons["Remove out.pdf"]})
    assert "out.pdf" not in page.text
    answer = alice.submit(alice.get(f"{target}?source=computer"), "/send")
    assert "in.pdf" in answer.links()
    assert "out.pdf" not in answer.links()


def test_a_double_click_attaches_uploads_once(alice: Visitor, target: str) -> None:
    page = upload(alice, target, ("once.pdf", b"1"))
    form = page.form("/send")
    for _click in range(3):
        answer = alice.post(form.action, form.values, csrf=False)
    names = ["".join(a.itertext()) for a in answer.all("a")]
    assert names.count("once.pdf") == 1


@pytest.mark.processes
def test_an_upload_that_breaks_off_leaves_nothing(
    alice: Visitor, config: Config, world: World, target: str
) -> None:
    boundary = "edge"
    start = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    with Plumbline(config) as plumbline:
        person = plumbline.person(world.email("alice"))
        token = person.form(f"{target}?source=computer", "/computer").values["csrf_token"][0]
        cookies = "; ".join(f"{c.name}={c.value}" for c in person.http.cookies)
        parts = urlsplit(plumbline.url)
        head = (
            f"POST {target}computer HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookies}\r\n"
            f"X-CSRFToken: {token}\r\nContent-Length: 9000000\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n"
        ).encode()
        with socket.create_connection((parts.hostname, int(parts.port or 0)), 5) as wire:
            wire.sendall(head + start + b"x" * 300_000)
        # The next request is answered after the broken one was let go of, or beside it.
        assert person.get(f"{target}?source=computer").ok
        log = plumbline.log
    assert stored_keys(alice) == set()
    assert "Traceback" not in log
    assert "half.bin" not in alice.get(f"{target}?source=computer").text

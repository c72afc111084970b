"""A record as PDF: what its page says to this reader and no more, with every file in a list."""

import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import cffi
import html5lib
import pytest
import weasyprint
from flask import Flask
from pypdf import PdfReader
from pypdf.generic import NameObject
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.mailing import compose, ids
from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World, add_record
from tests.tools.contracts import Job, id_in
from webapp.attachments.models import Attachment
from webapp.commands.demo import Loader, read_data
from webapp.companies.models import Company, Level, Project, ToolLevel, Vendor
from webapp.core import paper
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.records.models import Record
from webapp.tools import printing
from webapp.tools.lifecycle import restrict
from webapp.tools.page import Cell
from webapp.tools.printing import lines_of
from webapp.tools.registry import TOOLS
from webapp.tools.rows import insert, settle

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
PERMIT = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"


def rfi(world: World, record: int | None = None) -> str:
    return f"/projects/{world.tower}/rfis/{record or world.rfi}"


def ask(visitor: Visitor, here: str) -> TestResponse:
    answer: TestResponse = visitor.client.get(f"{here}.pdf", headers={"Host": HOST})
    return answer


def read(answer: TestResponse) -> PdfReader:
    """Return the PDF that somebody got; it is whole."""
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    assert answer.headers["Content-Type"] == "application/pdf"
    content = answer.get_data()
    assert answer.headers["Content-Length"] == str(len(content))
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    return PdfReader(BytesIO(content), strict=True)


def words(answer: TestResponse) -> str:
    """Return the words of a PDF with spaces folded."""
    found = []
    for page in read(answer).pages:
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
            # What WeasyPrint embeds where a glyph is missing, pypdf cannot read; the text is there.
            font.get_object()[NameObject("/Encoding")] = NameObject("/Identity-H")
        found.append(page.extract_text())
    return " ".join(" ".join(found).split())


def told(visitor: Visitor, here: str) -> str:
    return words(ask(visitor, here))


def change(app: Flask, kind: type[Any], id_: int, **values: Any) -> None:
    with app.app_context():
        db.session.execute(update(kind).where(kind.id == id_).values(**values))
        db.session.commit()
        db.session.remove()


def respond(visitor: Visitor, here: str, text: str, *files: str, send: bool = True) -> None:
    dialog = visitor.submit(visitor.get(here), "/sections/responses", text=text, attach="yes")
    target = dialog.response.request.path.partition("/attach/")[0]
    if files:
        attach_upload(visitor, f"{target}/attach/", *((name, b"x") for name in files))
    if send:
        visitor.submit(visitor.get(here), "/sections/responses", text=text)


def lines_on(record: str) -> str:
    return record.partition("Attachments")[2]


@pytest.mark.parametrize("key", [tool.key for tool in TOOLS])
def test_every_tools_records_come_as_pdf(
    app: Flask, alice: Visitor, world: World, key: str
) -> None:
    tool = TOOLS.get(key)
    assert tool is not None
    with app.app_context():
        session = db.session()
        record_id = add_record(
            session, world, key, "Made for paper", status=tool.statuses[-1].key, is_private=True
        )
        record = session.get_one(Record, record_id)
        for section in tool.sections:
            if section.is_table:
                insert(session, record, section, {}, author_id=world.people["alice"])
        session.commit()
        db.session.remove()
    here = f"/projects/{world.tower}/{tool.slug}/{record_id}"
    assert alice.get(here).links()["PDF"] == f"{here}.pdf"
    text = told(alice, here)
    for wanted in (
        "Acme Builders",
        "T-1 Tower",
        tool.label,
        "Made for paper",
        tool.statuses[-1].label.upper(),
        "PRIVATE" if tool.has_field("is_private") else "",
        "Created by Alice Test",
        "Attachments",
        "Page 1 of 1",
    ):
        assert wanted in text, wanted
    for section in tool.sections:
        assert section.label in text


@pytest.fixture
def demo(app: Flask) -> list[Record]:
    """The records of the demo's largest project."""
    with app.app_context():
        with writing() as session:
            Loader(session, read_data()).load()
        project = db.session.scalars(select(Project).where(Project.number == "2317")).one()
        found = db.session.scalars(
            select(Record).where(Record.project_id == project.id).order_by(Record.id)
        ).all()
        db.session.expunge_all()
        db.session.remove()
    return list(found)


def path(record: Record) -> str:
    return f"/projects/{record.project_id}/{record.tool_key.replace('_', '-')}/{record.id}"


def test_the_demos_records_come_as_pdf(app: Flask, demo: list[Record]) -> None:
    rosa = Visitor(app).sign_in("rosa@quillmark.example", read_data()["password"])
    last = {record.tool_key: record for record in demo}
    assert len(last) == 13
    for key, record in last.items():
        assert record.title in told(rosa, path(record)), key


def test_each_of_the_demos_records_can_be_set_with_its_panels(
    app: Flask, demo: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def noted(html: str, style: str) -> bytes:
        made.append(html)
        return b"%PDF-"

    monkeypatch.setattr(printing, "pdf_of", noted)
    rosa = Visitor(app).sign_in("rosa@quillmark.example", read_data()["password"])
    for record in demo:
        page, answer = rosa.get(path(record), expect=None), ask(rosa, path(record))
        assert answer.status_code == page.status
    assert len(made) > 80
    panels = ("pdf-contract", "pdf-changed", "pdf-leveling", "pdf-letter")
    for panel in panels:
        assert any(f'id="{panel}"' in html for html in made), panel
    for html in made:
        html5lib.HTMLParser(strict=True).parse(html)
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(ids) == len(set(ids))


def test_what_came_by_e_mail_says_that_nobody_checked_its_sender(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = compose(alice, world, subject="Mock-up", to=ids(world, "bob"))
    notice = "who wrote it is what the message says, not something Plumbline has checked"
    assert notice not in told(alice, here)
    change(app, Record, id_in(here), details={"direction": "in", "not_kept": ["x.exe: a program"]})
    text = told(alice, here)
    assert notice in text
    assert "Not kept: x.exe: a program" in text


def test_a_record_stands_there_with_its_fields_and_responses(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = rfi(world)
    respond(bob, here, "The slab edge\nfollows A-102.", "Sketch.pdf")
    due = utcnow().date() - timedelta(days=3)
    change(app, Record, world.rfi, due_on=due, location="Building>Level 1>Lobby")
    text = told(alice, here)
    assert "RFI-001 OPEN Stair 2 slab edge" in text
    assert f"Due date {due:%b} {due.day}, {due.year}, 3 days late" in text
    assert "Ball in court Bob Test" in text
    assert "Location Building / Level 1 / Lobby" in text
    assert "Question About: Stair 2 slab edge." in text
    assert "Responses 1 Bob Test" in text
    assert "The slab edge follows A-102. Files in the list of attachments: 1" in text
    assert f"Made by Alice Test, {utcnow():%b} {utcnow().day}, {utcnow().year}, " in text
    # A printed "today" would be wrong tomorrow.
    assert "today" not in text.lower()


def test_its_name_is_the_records_number_and_title(app: Flask, alice: Visitor, world: World) -> None:
    here = rfi(world)
    answer = ask(alice, here)
    name = "RFI-001 Stair 2 slab edge.pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    said = read(answer).metadata
    assert said is not None
    assert (said.title, said.author) == ("RFI-001 Stair 2 slab edge", "Alice Test")
    change(app, Record, world.rfi, title='../"階段": <b>\r\nX')
    header = ask(alice, here).headers["Content-Disposition"]
    assert header == (
        'attachment; filename="RFI-001 ..______ _b_ X.pdf"; '
        "filename*=UTF-8''RFI-001%20..__%E9%9A%8E%E6%AE%B5__%20_b_%20X.pdf"
    )


def test_the_list_says_of_a_file_from_box_where_it_was(
    app: Flask, alice: Visitor, world: World, sandbox: SandboxProcess
) -> None:
    here = rfi(world)
    change(app, Company, world.acme, timezone="Asia/Tokyo")
    link(alice, sandbox)
    copying.attach(alice, sandbox, f"{here}/attach/", PERMIT)
    waiting = lines_on(told(alice, here))
    assert waiting.startswith(" 0 No files yet On their way, or not arrived 1")
    assert "Building permit BP-25-0417.pdf Waiting for its turn." in waiting
    copying.run_worker(app)
    (found,) = copying.attachments(app)
    at = found.attached_at + timedelta(hours=9)
    text = lines_on(told(alice, here))
    assert "On their way" not in text
    assert "1 Building permit BP-25-0417.pdf From Box: " in text
    assert f"{found.box_path}, version {found.box_version_number}" in text
    assert f"SHA-1 {found.sha1}" in text
    assert f"Alice Test {at:%b} {at.day}, {at.year}, {at:%I:%M %p}".replace(", 0", ", ") in text
    assert "All times are those of Asia/Tokyo." in text


def test_a_copy_that_failed_is_listed_with_its_reason(
    app: Flask, alice: Visitor, world: World, sandbox: SandboxProcess
) -> None:
    link(alice, sandbox)
    copying.choose(alice, sandbox, f"{rfi(world)}/attach/", PERMIT)
    sandbox.faults({"match": {"host": "download"}, "times": None, "action": {"status": 403}})
    copying.send(alice, f"{rfi(world)}/attach/")
    copying.run_worker(app)
    text = lines_on(told(alice, rfi(world)))
    assert "Building permit BP-25-0417.pdf Did not arrive. " in text
    assert "Your Box account may not download it any more." in text


def test_files_stand_in_the_order_they_came_and_say_their_row(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = rfi(world)
    first, gone = attach_upload(alice, f"{here}/attach/", ("One.pdf", b"1"), ("Gone.pdf", b"22"))
    attach_upload(alice, f"{here}/attach/", ("Two.pdf", b"333"))
    alice.post(f"/attachments/{gone.public_id}/remove")
    respond(bob, here, "See.", "Three.pdf", "Four.pdf")
    text = told(alice, here)
    assert "See. Files in the list of attachments: 3 to 4" in text
    files = lines_on(text.replace("list of attachments", ""))
    assert files.startswith(" 4 No. File Size Attached 1 One.pdf From the computer SHA-1 ")
    assert f"SHA-1 {first.sha1} 1 byte Alice Test" in files
    assert "2 Two.pdf" in files
    assert "3 Three.pdf On Response 1 – Bob Test From the computer" in files
    assert "4 Four.pdf" in files
    assert "Gone.pdf" not in files


def test_names_of_any_script_and_any_length_are_whole(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = rfi(world)
    names = ("図面 – 階段2.dwg", "مخطط.pdf", "План.pdf", "W" * 251 + ".pdf")
    stored = ("a.pdf", b"1"), ("b.pdf", b"2"), ("c.pdf", b"3"), ("d.pdf", b"4")
    attached = attach_upload(alice, f"{here}/attach/", *stored)
    for found, name in zip(attached, names, strict=True):
        change(app, Attachment, found.id, name=name)
    answer = ask(alice, here)
    text = "".join(words(answer).split())
    assert "図面–階段2.dwg" in text
    assert "План.pdf" in text
    assert "W" * 251 + ".pdf" in text
    # The reader puts what runs from right to left in the order in which it stands.
    assert "مخطط" in text


def test_a_response_that_is_being_written_is_left_out(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    respond(bob, rfi(world), "Not sent yet.", "Draft.pdf", send=False)
    assert "Draft.pdf" in bob.get(rfi(world)).text
    for visitor in (alice, bob):
        text = told(visitor, rfi(world))
        assert "Not sent yet." not in text
        assert "Draft.pdf" not in text


def test_who_does_not_see_the_record_gets_nothing(signed_in: SignIn, world: World) -> None:
    statuses = {
        name: [
            ask(signed_in(name), rfi(world, record)).status_code
            for record in (world.rfi, world.private_rfi, world.draft_rfi)
        ]
        for name in ("alice", "bob", "rita", "nell", "charlie")
    }
    assert statuses == {
        "alice": [200, 200, 200],
        "bob": [200, 200, 404],
        "rita": [200, 404, 404],
        "nell": [404, 404, 404],
        "charlie": [404, 404, 404],
    }
    assert ask(signed_in("alice"), rfi(world, world.bridge_rfi)).status_code == 404


def test_a_bidder_reads_their_own_bid_alone(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    with app.app_context():
        session = db.session()
        record_id = add_record(session, world, "bidding", "Glazing", status="open")
        record, tool = session.get_one(Record, record_id), TOOLS.get("bidding")
        assert tool is not None
        for name, company in (("dora", "Hatchet"), ("bob", "Northfold")):
            vendor = Vendor(company_id=world.acme, name=company, trade="")
            level = ToolLevel(
                project_id=world.tower,
                person_id=world.people[name],
                tool_key="bidding",
                level=int(Level.STANDARD),
            )
            session.add_all([vendor, level])
            session.flush()
            bid = {"vendor": vendor.id, "person": world.people[name], "comments": f"Of {company}"}
            insert(session, record, tool.sections[0], bid, author_id=world.people["alice"])
        settle(session, record, tool.sections[0])
        restrict(session, tool, record)
        session.commit()
        db.session.remove()
    here = f"/projects/{world.tower}/bidding/{record_id}"
    theirs, all_bids = told(bob, here), told(alice, here)
    assert "Bidders 1" in theirs
    assert "Of Northfold" in theirs
    assert "Hatchet" not in theirs
    assert "Bidders 2" in all_bids
    assert "Of Hatchet" in all_bids


def test_blind_copies_are_for_their_sender(alice: Visitor, bob: Visitor, world: World) -> None:
    to, bcc = ids(world, "bob"), ids(world, "dora")
    here = compose(alice, world, subject="Mock-up", to=to, bcc=bcc)
    assert "Dora Test" in told(alice, here)
    assert "Dora Test" not in told(bob, here)


def test_a_contracts_lines_and_sums_are_there_for_those_who_see_them(
    alice: Visitor, bob: Visitor, job: Job
) -> None:
    here = job.make(alice, "prime_contract", "Tower GMP")
    job.line(alice, here, "18450000.07", description="Concrete and formwork")
    job.line(alice, here, "0.30")
    alice.post(f"{here}/move", {"move": "approve"})
    change_order = job.make(alice, "change_orders", "Soils", parent=str(id_in(here)))
    job.line(alice, change_order, "-1250.00")
    text = told(alice, here)
    assert "Concrete and formwork $18,450,000.07" in text
    assert "Total $18,450,000.37" in text
    assert "Original amount $18,450,000.37" in text
    assert "Soils" in text
    assert "−$1,250.00" in text
    theirs = told(bob, here)
    assert "Original amount" in theirs
    assert "Concrete and formwork" not in theirs
    assert "Schedule of values" not in theirs
    assert "Includes" not in told(alice, change_order)
    assert "What it changes PC-001 Tower GMP" in told(alice, change_order)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this machine, and what was asked of it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _address = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(1)
                    asked.append(connection.recv(200))

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], asked
        over.set()
        thread.join()


def test_what_people_write_is_text_and_nothing_is_fetched(
    app: Flask, alice: Visitor, world: World, listener: tuple[int, list[bytes]]
) -> None:
    port, asked = listener
    url = f"http://127.0.0.1:{port}/x.png"
    hostile = f"<img src={url}> <script>x</script> </p></style> {{{{ 7*7 }}}} &amp; <!--"
    details = {"question": hostile, "drawing_number": hostile[:60]}
    change(app, Record, world.rfi, title=hostile[:290], details=details)
    (found,) = attach_upload(alice, f"{rfi(world)}/attach/", ("a.pdf", b"1"))
    change(app, Attachment, found.id, name=hostile[:200], description=hostile, box_path=hostile)
    text = "".join(told(alice, rfi(world)).split())
    # Title, question, the file's name and its description; the page's footer has none of it.
    assert text.count("".join(hostile.split())) == 4
    assert asked == []


def test_whatever_leads_outside_is_refused(
    app: Flask, listener: tuple[int, list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    port, asked = listener
    url = f"http://127.0.0.1:{port}/x"
    html = (
        f'<html lang="en"><head><link rel="stylesheet" href="{url}"><title>x</title>'
        f'<base href="{url}"></head><body><img src="{url}.png"><img src="file:///etc/hostname">'
        f'<img src="data:image/png;base64,AAAA"><object data="{url}.svg"></object>'
        f'<link rel="attachment" href="file:///etc/hostname"></body></html>'
    )
    style = (
        f'@import url("{url}.css"); @font-face {{ font-family: x; src: url("{url}.ttf") }} '
        f'body {{ background: url("{url}.jpg"); font-family: x }} img {{ content: url("{url}") }}'
    )
    with app.test_request_context():
        content = paper.pdf_of(html, style)
    assert PdfReader(BytesIO(content)).attachments == {}
    assert asked == []
    assert "a PDF loads nothing from anywhere" in caplog.text


def test_without_pango_the_page_says_what_to_install(
    alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = cffi.FFI.dlopen

    def without_pango(ffi: cffi.FFI, name: Any, flags: int = 0) -> Any:
        if "pango" in str(name):
            raise OSError(f"cannot load library {name!r}")
        return opened(ffi, name, flags)

    loaded = [name for name in sys.modules if name.partition(".")[0] == weasyprint.__name__]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(cffi.FFI, "dlopen", without_pango)
    page = alice.get(f"{rfi(world)}.pdf", expect=503)
    assert page.h1 == "This server cannot make PDFs yet"
    assert "PDFs need the system library Pango on the server" in page.text
    assert "libpango-1.0-0 libpangoft2-1.0-0" in page.text
    alice.get(rfi(world))


def test_one_pdf_is_made_at_a_time_and_nobody_waits_for_ever(
    alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "TURN_SECONDS", 0.05)
    with paper._turn:
        page = alice.get(f"{rfi(world)}.pdf", expect=503)
    assert "Others are having PDFs made. Try again in a moment." in page.text
    assert ask(alice, rfi(world)).status_code == 200


def test_no_connection_is_held_while_a_pdf_is_made(
    app: Flask, alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []

    def noted(html: str, style: str) -> bytes:
        held.append(db.session().in_transaction())
        return b"%PDF-"

    monkeypatch.setattr(printing, "pdf_of", noted)
    assert ask(alice, rfi(world)).status_code == 200
    assert held == [False]


def test_a_person_has_so_many_a_minute(
    alice: Visitor, bob: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "pdf_of", lambda html, style: b"%PDF-")
    limiter.enabled = True
    try:
        limiter.reset()
        answers = [ask(alice, rfi(world)).status_code for _ in range(21)]
        assert answers == [200] * 20 + [429]
        assert ask(bob, rfi(world)).status_code == 200
    finally:
        limiter.enabled = False


def test_long_lists_are_cut_and_say_so(
    alice: Visitor, bob: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = rfi(world)
    attach_upload(alice, f"{here}/attach/", *((f"{n}.pdf", b"x") for n in range(4)))
    respond(bob, here, "First.", "answer.pdf")
    respond(bob, here, "Second.", "more.pdf")
    monkeypatch.setattr(printing, "FILES_MAX", 3)
    monkeypatch.setattr(printing, "ROWS_MAX", 1)
    text = told(alice, here)
    assert "2.pdf" in text
    assert "3.pdf" not in text
    assert "3 more files are on the record's page." in text
    assert "Second." not in text
    assert "1 more is on the record's page." in text


@pytest.mark.parametrize("question", ["x" * 100_000, "\n" * 1000])
def test_what_would_take_for_ever_is_refused(
    app: Flask,
    alice: Visitor,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
) -> None:
    monkeypatch.setattr(paper, "WEIGHT_MAX", 90_000)
    assert ask(alice, rfi(world)).status_code == 200
    change(app, Record, world.rfi, details={"question": f"a{question}b"})
    page = alice.get(f"{rfi(world)}.pdf", expect=422)
    assert page.h1 == "That is too much for one PDF"


def test_a_long_record_has_many_pages_and_each_says_which(
    app: Flask, alice: Visitor, world: World
) -> None:
    change(app, Record, world.rfi, details={"question": "All of it.\n" * 300})
    answer = ask(alice, rfi(world))
    pages = read(answer).pages
    assert len(pages) > 3
    text = words(answer)
    for number in range(1, len(pages) + 1):
        assert f"Page {number} of {len(pages)}" in text
    assert text.count("RFI-001, T-1 Tower") == len(pages)
    assert text.count("All of it.") == 300


def test_cells_keep_their_order_and_fill_their_lines() -> None:
    short, wide, long = Cell("a", "1"), Cell("b", "2", is_wide=True), Cell("c", "x" * 100)
    lines = [
        [(placed.cell.label, placed.span) for placed in line]
        for line in lines_of([short, wide, wide, long, short, Cell("d", "1\n2")])
    ]
    assert lines == [
        [("a", 1), ("b", 3)],
        [("b", 4)],
        [("c", 4)],
        [("a", 4)],
        [("d", 4)],
    ]
    assert lines_of([]) == ()

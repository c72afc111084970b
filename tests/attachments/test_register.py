"""The files of a whole project: what a person sees there, finds there and takes along."""

import csv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import insert, update
from werkzeug.test import TestResponse

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import HOST, Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record, RecordRow
from webapp.tools import register
from webapp.tools.catalog.rfis import TOOL as RFIS
from webapp.tools.registry import TOOLS, Field, Kind, Part, Section

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
PERMIT = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def files_of(world: World, suffix: str = "") -> str:
    return f"/projects/{world.tower}/files{suffix}"


def attach(visitor: Visitor, world: World, record: int, *names: str, tool: str = "rfis") -> None:
    target = f"/projects/{world.tower}/{tool}/{record}/attach/"
    attach_upload(visitor, target, *[(name, b"bytes") for name in names])


def names_on(page: Page) -> list[str]:
    """Return the names of the files, from top to bottom."""
    return ["".join(a.itertext()) for a in page.all("a", class_="subject")]


def listed(visitor: Visitor, world: World, query: str = "") -> list[str]:
    return names_on(visitor.get(files_of(world, query)))


def exported(visitor: Visitor, world: World, kind: str, query: str = "") -> TestResponse:
    answer: TestResponse = visitor.client.get(
        files_of(world, f".{kind}{query}"), headers={"Host": HOST}, buffered=True
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="T-1 Files 2')
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer


def csv_rows(answer: TestResponse) -> list[list[str]]:
    body = answer.get_data()
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(body.decode("utf-8-sig"), newline="")))


def xlsx_rows(answer: TestResponse) -> list[list[str]]:
    """Read the first sheet; nothing on it is a formula or a link."""
    body = answer.get_data()
    assert answer.headers["Content-Length"] == str(len(body))
    with zipfile.ZipFile(BytesIO(body)) as book:
        assert book.testzip() is None
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{SHEET}f"))
    assert not list(sheet.iter(f"{SHEET}hyperlink"))
    return [["".join(cell.itertext()) for cell in row] for row in sheet.iter(f"{SHEET}row")]


@pytest.fixture
def some(alice: Visitor, bob: Visitor, world: World) -> World:
    """Files on an RFI, on a private one, and on a punch item."""
    attach(alice, world, world.rfi, "Stair detail.pdf")
    attach(alice, world, world.private_rfi, "Secret offer.pdf")
    attach(bob, world, world.punch, "Door.jpg", tool="punch-list")
    return world


def test_the_newest_file_comes_first_with_all_that_is_known(alice: Visitor, some: World) -> None:
    page = alice.get(files_of(some))
    assert names_on(page) == ["Door.jpg", "Secret offer.pdf", "Stair detail.pdf"]
    assert page.h1 == "Files"
    links = page.links()
    assert links["RFI-001"] == f"/projects/{some.tower}/rfis/{some.rfi}"
    assert links["Punch item 1"] == f"/projects/{some.tower}/punch-list/{some.punch}"
    assert "Open Stair detail.pdf" in links
    for words in ("5 bytes", "RFIs", "Bob Test", "Computer", "1 to 3 of 3"):
        assert words in page.text


def test_the_register_is_a_click_away(alice: Visitor, world: World) -> None:
    links = alice.get(f"/projects/{world.tower}").links()
    assert links["All files"] == files_of(world)
    assert links["Files"] == files_of(world)
    page = alice.get(files_of(world))
    current = [a for a in page.all("a", aria_current="page") if a.get("href") == files_of(world)]
    assert current
    assert "No files yet" in page.text


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("alice", ["Door.jpg", "Secret offer.pdf", "Stair detail.pdf"]),
        ("bob", ["Door.jpg", "Secret offer.pdf", "Stair detail.pdf"]),
        ("rita", ["Door.jpg", "Stair detail.pdf"]),
        ("nell", ["Door.jpg"]),
    ],
)
def test_each_sees_the_files_of_the_records_they_see(
    signed_in: SignIn, some: World, name: str, seen: list[str]
) -> None:
    visitor = signed_in(name)
    page = visitor.get(files_of(some))
    assert names_on(page) == seen
    assert f"of {len(seen)}" in page.text
    assert [row[0] for row in csv_rows(exported(visitor, some, "csv"))[1:]] == seen
    assert [row[0] for row in xlsx_rows(exported(visitor, some, "xlsx"))[1:]] == seen


@pytest.mark.parametrize("name", ["charlie", "imani"])
def test_another_company_finds_nothing(signed_in: SignIn, some: World, name: str) -> None:
    for suffix in ("", ".csv", ".xlsx", "?q=Stair"):
        page = signed_in(name).get(files_of(some, suffix), expect=404)
        assert "Stair detail" not in page.text


def test_a_file_of_another_project_is_not_in_it(
    alice: Visitor, signed_in: SignIn, some: World
) -> None:
    charlie = signed_in("charlie")
    target = f"/projects/{some.bridge}/rfis/{some.bridge_rfi}/attach/"
    attach_upload(charlie, target, ("Bridge.pdf", b"bytes"))
    assert "Bridge.pdf" not in listed(alice, some)
    assert names_on(charlie.get(f"/projects/{some.bridge}/files")) == ["Bridge.pdf"]
    dora = signed_in("dora")
    assert "Bridge.pdf" not in listed(dora, some)


def test_what_is_being_written_is_its_authors(alice: Visitor, bob: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    dialog = bob.submit(bob.get(here), "/sections/responses", text="See.", attach="yes")
    target = dialog.response.request.path.partition("/attach/")[0] + "/attach/"
    attach_upload(bob, target, ("Reply.pdf", b"bytes"))
    assert listed(bob, world) == ["Reply.pdf"]
    assert listed(alice, world) == []
    bob.submit(bob.get(here), "/sections/responses", text="See.")
    page = alice.get(files_of(world))
    assert names_on(page) == ["Reply.pdf"]
    assert page.links()["RFI-001"].startswith(f"{here}#row-")


@pytest.fixture
def hidden_rows(app: Flask, world: World, alice: Visitor) -> Iterator[World]:
    """An RFI with a table that only admins see until it is opened to all, and a file in it."""
    table = Section(
        "offers",
        "Offers",
        "Offer",
        "Add offer",
        who=(Part.ADMIN,),
        statuses=("open",),
        fields=(Field("text", "Text", Kind.TEXT),),
        shown_if="offers_shown",
    )
    shown = Field("offers_shown", "Offers are shown", Kind.YES_NO)
    changed = replace(RFIS, sections=(*RFIS.sections, table), fields=(*RFIS.fields, shown))
    TOOLS._tools["rfis"] = changed
    with app.app_context():
        row = RecordRow(
            record_id=world.rfi,
            project_id=world.tower,
            tool_key="rfis",
            section="offers",
            author_id=world.people["alice"],
            sent_at=utcnow(),
            details={"text": "Greyfold"},
        )
        db.session.add(row)
        db.session.commit()
        row_id = row.id
        db.session.remove()
    target = f"/projects/{world.tower}/rfis/{world.rfi}/rows/{row_id}/attach/"
    attach_upload(alice, target, ("Offer.pdf", b"bytes"))
    yield world
    TOOLS._tools["rfis"] = RFIS


def test_the_files_of_a_table_for_admins_are_for_admins(
    app: Flask, alice: Visitor, signed_in: SignIn, hidden_rows: World
) -> None:
    world, rita = hidden_rows, signed_in("rita")
    home, zipped = f"/projects/{world.tower}", f"/projects/{world.tower}/rfis/{world.rfi}/files/zip"
    assert listed(alice, world) == ["Offer.pdf"]
    assert "Offer.pdf" in alice.get(home).text
    assert alice.client.get(zipped, headers={"Host": HOST}, buffered=True).status_code == 200
    assert listed(rita, world) == []
    assert "Offer.pdf" not in rita.get(home).text
    assert len(csv_rows(exported(rita, world, "csv"))) == 1
    rita.get(zipped, expect=422)
    with app.app_context():
        opened = update(Record).where(Record.id == world.rfi)
        db.session.execute(opened.values(details={"offers_shown": True}))
        db.session.commit()
    assert listed(rita, world) == ["Offer.pdf"]


def test_removed_files_are_not_in_it(app: Flask, alice: Visitor, some: World) -> None:
    found = next(a for a in copying.attachments(app) if a.name == "Door.jpg")
    alice.post(f"/attachments/{found.public_id}/remove")
    assert listed(alice, some) == ["Secret offer.pdf", "Stair detail.pdf"]
    assert len(csv_rows(exported(alice, some, "csv"))) == 3
    alice.post(f"/attachments/{found.public_id}/restore")
    assert "Door.jpg" in listed(alice, some)


def test_files_are_found_by_a_part_of_their_name(alice: Visitor, world: World) -> None:
    attach(alice, world, world.rfi, "Stair 2 DETAIL.pdf", "100%_done.pdf", "Übersicht.pdf", "a.pdf")
    assert listed(alice, world, "?q=detail") == ["Stair 2 DETAIL.pdf"]
    assert listed(alice, world, "?q=%25_") == ["100%_done.pdf"]
    assert listed(alice, world, "?q=Über") == ["Übersicht.pdf"]
    assert listed(alice, world, "?q=U%CC%88ber") == ["Übersicht.pdf"]
    page = alice.get(files_of(world, "?q=nothing-like-it"))
    assert "Nothing matches" in page.text
    assert page.links()["Clear filters"] == files_of(world)
    assert [row[0] for row in csv_rows(exported(alice, world, "csv", "?q=detail"))[1:]] == [
        "Stair 2 DETAIL.pdf"
    ]


def test_files_are_found_by_their_new_names(app: Flask, alice: Visitor, world: World) -> None:
    attach(alice, world, world.rfi, "IMG_1.jpg")
    (found,) = copying.attachments(app)
    edit = alice.get(f"/attachments/{found.public_id}/edit")
    alice.submit(edit, "/edit", name="North wall", description="Before the pour")
    assert listed(alice, world, "?q=north") == ["North wall.jpg"]
    assert listed(alice, world, "?q=IMG") == []
    (row,) = csv_rows(exported(alice, world, "csv"))[1:]
    assert row[:2] == ["North wall.jpg", "Before the pour"]
    assert "IMG_1.jpg" in row


def test_filters_narrow_the_register(
    app: Flask, alice: Visitor, some: World, sandbox: SandboxProcess
) -> None:
    link(alice, sandbox)
    copying.attach(alice, sandbox, f"/projects/{some.tower}/rfis/{some.rfi}/attach/", PERMIT)
    copying.run_worker(app)
    permit, bob = "Building permit BP-25-0417.pdf", some.people["bob"]
    assert listed(alice, some, "?tool=punch_list") == ["Door.jpg"]
    assert listed(alice, some, "?source=box") == [permit]
    assert len(listed(alice, some, "?source=computer")) == 3
    assert listed(alice, some, f"?person={bob}") == ["Door.jpg"]
    assert listed(alice, some, f"?tool=rfis&person={bob}") == []
    assert listed(alice, some, "?tool=rfis&q=stair") == ["Stair detail.pdf"]
    (row,) = csv_rows(exported(alice, some, "csv", "?source=box"))[1:]
    assert {permit, "Box", "RFI-001"} <= set(row)
    options = [o.get("value") for o in alice.get(files_of(some)).all("option")]
    assert {"rfis", "punch_list", "box", "computer", str(bob)} <= set(options)


def test_who_has_no_rfis_is_not_offered_them(signed_in: SignIn, some: World) -> None:
    options = [o.get("value") for o in signed_in("nell").get(files_of(some)).all("option")]
    assert "punch_list" in options
    assert "rfis" not in options
    assert listed(signed_in("nell"), some, "?tool=rfis") == []


@pytest.mark.parametrize(
    "query",
    ["?page=0", "?page=-1", "?page=x", "?page=99999", "?tool=nothing", "?source='", "?person=1e9"],
)
def test_an_address_that_makes_no_sense_shows_the_register(
    alice: Visitor, some: World, query: str
) -> None:
    assert len(listed(alice, some, query)) == 3


def test_a_hostile_address_harms_nothing(alice: Visitor, some: World) -> None:
    for query in ("?q=%00", "?q=%27%3B--", "?q=%25", "?q=" + "x" * 3000, "?person=%00&tool=%00"):
        alice.get(files_of(some, query))


def test_htmx_gets_the_lines_alone(alice: Visitor, some: World) -> None:
    page = alice.get(files_of(some, "?q=Door"), htmx=True)
    assert names_on(page) == ["Door.jpg"]


@pytest.fixture
def many(app: Flask, alice: Visitor, world: World) -> int:
    """More files than fit on a page or into one step of an export; several at one moment."""
    attach(alice, world, world.rfi, "first.pdf")
    (first,) = copying.attachments(app)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    kept = {c.key: getattr(first, c.key) for c in Attachment.__table__.columns if c.key != "id"}
    rows = [
        {
            **kept,
            "public_id": f"file-{number:020d}",
            "blob_key": f"files/none/{number}",
            "name": f"File {number:04d}.pdf",
            "attached_at": start + timedelta(minutes=number // 3),
        }
        for number in range(2345)
    ]
    with app.app_context():
        db.session.execute(insert(Attachment), rows)
        db.session.commit()
        db.session.remove()
    return len(rows) + 1


def test_long_registers_are_paged(alice: Visitor, world: World, many: int) -> None:
    page = alice.get(files_of(world))
    assert f"1 to 50 of {many}" in page.text
    assert len(names_on(page)) == 50
    second = alice.get(page.links()["Later"])
    assert f"51 to 100 of {many}" in second.text
    assert not set(names_on(page)) & set(names_on(second))
    last = alice.get(files_of(world, "?page=99999"))
    assert names_on(last)[-1] == "File 0000.pdf"
    narrow = alice.get(files_of(world, "?q=File+1&page=2"))
    assert "51 to 100 of 1000" in narrow.text
    assert "q=File+1" in narrow.links()["Earlier"] or "q=File%201" in narrow.links()["Earlier"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_holds_every_file_once(
    alice: Visitor, world: World, many: int, kind: str
) -> None:
    read = csv_rows if kind == "csv" else xlsx_rows
    heads, *rows = read(exported(alice, world, kind))
    assert heads[:3] == ["Name", "Description", "Size in bytes"]
    names = [row[0] for row in rows]
    assert len(names) == len(set(names)) == many
    assert names[0] == "first.pdf"
    assert names[-1] == "File 0000.pdf"


def test_more_than_an_export_takes_is_refused(
    alice: Visitor, world: World, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "EXPORT_MAX", many - 1)
    for kind in ("csv", "xlsx"):
        page = alice.get(files_of(world, f".{kind}"), expect=422)
        assert "one export takes no more" in page.text
    monkeypatch.setattr(register, "EXPORT_MAX", many)
    assert len(csv_rows(exported(alice, world, "csv"))) == many + 1


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", '=cmd|"/c calc"!A1', "  =1+1", "＝1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_of_an_export_is_a_formula(
    app: Flask, alice: Visitor, world: World, text: str
) -> None:
    attach(alice, world, world.rfi, "x.pdf")
    with app.app_context():
        change = {"name": text, "original_name": text, "box_path": text, "description": text}
        db.session.execute(update(Attachment).values(**change))
        db.session.execute(update(Record).where(Record.id == world.rfi).values(title=text))
        db.session.commit()
    (row,) = csv_rows(exported(alice, world, "csv"))[1:]
    assert row.count(f"'{text}") == 5
    assert text not in row
    answer = exported(alice, world, "xlsx")
    (line,) = xlsx_rows(answer)[1:]
    assert line.count(text) == 5
    with zipfile.ZipFile(BytesIO(answer.get_data())) as book:
        assert b'quotePrefix="1"' in book.read("xl/styles.xml")


@pytest.mark.parametrize("text", ["http://example.com/x", "{=1+1}", "a\tb", "<b>&\"'", "図面 №2"])
def test_a_text_stays_the_text_it_is(app: Flask, alice: Visitor, world: World, text: str) -> None:
    attach(alice, world, world.rfi, "x.pdf")
    with app.app_context():
        db.session.execute(update(Attachment).values(description=text))
        db.session.commit()
    (row,) = csv_rows(exported(alice, world, "csv"))[1:]
    assert row[1] == text
    (line,) = xlsx_rows(exported(alice, world, "xlsx"))[1:]
    assert line[1] == text


def test_lists_are_narrowed_to_records_with_files(alice: Visitor, some: World) -> None:
    rfis = f"/projects/{some.tower}/rfis"
    assert "Not yet asked" in alice.get(rfis).links()
    assert "Not yet asked" not in alice.get(f"{rfis}?files=yes").links()
    assert "Stair 2 slab edge" in alice.get(f"{rfis}?files=yes").links()
    assert "Stair 2 slab edge" not in alice.get(f"{rfis}?files=no").links()
    punch = f"/projects/{some.tower}/punch-list"
    assert "Door out of adjustment" in alice.get(f"{punch}?files=yes").links()

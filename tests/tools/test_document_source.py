"""Documents as a tab of the other tools' Attach File(s): what it shows, what may be taken, and
that a version that was chosen stays what it is.
"""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import delete, select, update

from tests.picker.dialog import chosen, crumbs, line, lines, more
from tests.picker.dialog import upload as choose_from_computer
from tests.support.pages import HOST, Page, Visitor
from tests.support.uploading import attach_upload, stored_keys
from tests.support.world import World, add_record
from webapp.attachments.models import Attachment
from webapp.companies.models import Level, ToolLevel
from webapp.core.audit import AuditEntry
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.settings import settings
from webapp.imports.models import ImportItem, TrayItem
from webapp.records.models import Record, RecordRow
from webapp.tools.registry import TOOLS
from webapp.wiring.chores import ORPHAN_LIVES, delete_overdue, sweep_storage

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
GONE = "not in Documents any more"


@pytest.fixture
def documents(world: World) -> str:
    """Documents of Tower: Alice is its admin, Bob may write, Rita may read."""
    return f"/projects/{world.tower}/documents"


@pytest.fixture
def rfi(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}"


@pytest.fixture
def punch(world: World) -> str:
    """A record to which Bob may attach as well as Alice."""
    return f"/projects/{world.tower}/punch-list/{world.punch}"


def folder(visitor: Visitor, where: str, name: str) -> str:
    action = where if where.endswith("/documents") else f"{where}/folders"
    return str(visitor.post(action, {"name": name}).response.request.path)


def put(visitor: Visitor, where: str, name: str, *contents: bytes) -> str:
    """Upload a file into a folder, a further version for each content; return its address."""
    for content in contents or (b"%PDF-1.7 it",):
        attach_upload(visitor, f"{where}/attach/", (name, content))
    return visitor.get(where).links()[name]


def number(address: str) -> int:
    return int(address.rsplit("/", 1)[1])


def browse(visitor: Visitor, record: str, where: str = "", **kwargs: Any) -> Page:
    """Open the Documents tab of a record's dialog, at a folder if one is named."""
    query = f"?folder={number(where)}" if where else ""
    return visitor.get(f"{record}/attach/documents/{query}", **kwargs)


def tick(visitor: Visitor, record: str, *tokens: str, expect: int = 200, **more: Any) -> Page:
    """Report ticks as the script does; return the tray that comes back."""
    data = {"choice": list(tokens), **more}
    return visitor.post(f"{record}/attach/documents/choose", data, htmx=True, expect=expect)


def send(visitor: Visitor, record: str, *, expect: int = 200) -> Page:
    dialog = visitor.get(f"{record}/attach/?source=computer")
    return visitor.submit(dialog, "/send", expect=expect)


def token(visitor: Visitor, record: str, where: str, name: str) -> str:
    return line(browse(visitor, record, where), name).token


def versions(page: Page, name: str) -> dict[str, str]:
    """Return the tokens of a file's versions by what the list says of them."""
    (found,) = page.all("select", aria_label=f"Version of {name}")
    options = [option for option in found if option.get("disabled") is None]
    return {option.text or "": option.get("value", "") for option in options}


def take(visitor: Visitor, record: str, where: str, name: str) -> Page:
    """Choose the newest version of a file and attach it."""
    tick(visitor, record, token(visitor, record, where, name))
    return send(visitor, record)


def attached(app: Flask, record: str) -> list[Attachment]:
    """Return what hangs on a record or its rows."""
    with app.app_context():
        found = list(
            db.session.scalars(
                select(Attachment)
                .where(Attachment.record_id == number(record), Attachment.removed_at.is_(None))
                .order_by(Attachment.id)
            )
        )
        db.session.expunge_all()
        db.session.remove()
    return found


def versions_of(app: Flask, file: str) -> list[Attachment]:
    return attached(app, file)


def content(visitor: Visitor, found: Attachment) -> bytes:
    answer = visitor.client.get(
        f"/attachments/{found.public_id}", headers={"Host": HOST}, buffered=True
    )
    assert answer.status_code == 200
    return bytes(answer.data)


def set_level(app: Flask, world: World, name: str, level: Level, tool: str = "documents") -> None:
    with app.app_context():
        db.session.merge(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people[name],
                tool_key=tool,
                level=int(level),
            )
        )
        db.session.commit()
        db.session.remove()


def count(app: Flask, model: type[Any]) -> int:
    with app.app_context():
        found = len(db.session.scalars(select(model.id)).all())
        db.session.remove()
    return found


# ---- where the tab is


@pytest.mark.parametrize("key", [tool.key for tool in TOOLS if tool.key != "documents"])
def test_the_tab_is_there_in_every_other_tool(
    app: Flask, alice: Visitor, world: World, documents: str, key: str
) -> None:
    tool = TOOLS.get(key)
    assert tool is not None
    with app.app_context():
        record_id = add_record(db.session(), world, key, "Takes files", status=tool.first_status)
        db.session.commit()
        db.session.remove()
    record = f"/projects/{world.tower}/{tool.slug}/{record_id}"
    permits = folder(alice, documents, "Permits")
    put(alice, permits, "A-101 Floor plan.pdf")
    dialog = alice.get(f"{record}/attach/?source=computer")
    assert dialog.links()["Documents"] == f"{record}/attach/documents/"
    take(alice, record, permits, "A-101 Floor plan.pdf")
    assert [one.name for one in attached(app, record)] == ["A-101 Floor plan.pdf"]
    assert "A-101 Floor plan.pdf" in alice.get(record).text


def test_documents_itself_has_no_such_tab(alice: Visitor, documents: str) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    for record in (permits, file):
        # The way back to Documents, and the list of tools: no tab.
        dialog = alice.get(f"{record}/attach/?source=computer")
        assert f"{record}/attach/documents/" not in dialog.links().values()
        browse(alice, record, expect=404)
        tick(alice, record, "1-1", expect=404)


def test_who_sees_no_documents_gets_none(
    app: Flask, bob: Visitor, alice: Visitor, world: World, documents: str, punch: str
) -> None:
    permits = folder(alice, documents, "Permits")
    put(alice, permits, "Permit.pdf")
    known = token(bob, punch, permits, "Permit.pdf")
    set_level(app, world, "bob", Level.NONE)
    dialog = bob.get(f"{punch}/attach/?source=computer")
    assert f"{punch}/attach/documents/" not in dialog.links().values()
    browse(bob, punch, expect=404)
    tick(bob, punch, known, expect=404)
    set_level(app, world, "bob", Level.READ)
    assert browse(bob, punch, permits).status == 200


def test_it_needs_no_box(charlie: Visitor, world: World) -> None:
    """Charlie's company has no Box at all."""
    bridge = f"/projects/{world.bridge}"
    permits = folder(charlie, f"{bridge}/documents", "Permits")
    put(charlie, permits, "Permit.pdf")
    record = f"{bridge}/rfis/{world.bridge_rfi}"
    page = take(charlie, record, permits, "Permit.pdf")
    assert "Permit.pdf" in page.text


def test_who_may_not_attach_there_sees_nothing_of_it(
    signed_in: SignIn, charlie: Visitor, documents: str, rfi: str
) -> None:
    assert documents
    for who, status in (("rita", 403), ("nell", 404)):
        browse(signed_in(who), rfi, expect=status)
        tick(signed_in(who), rfi, "1-1", expect=status)
    browse(charlie, rfi, expect=404)
    tick(charlie, rfi, "1-1", expect=404)


# ---- what it shows


def test_folders_come_first_with_everything_there_is_to_know(
    alice: Visitor, bob: Visitor, documents: str, punch: str
) -> None:
    reports = folder(alice, documents, "Reports")
    put(alice, reports, "Air.pdf", b"1" * 1200)
    soil = folder(alice, reports, "Soil")
    put(bob, soil, "Boring.pdf", b"one", b"1" * 400_000)
    top = browse(alice, punch)
    assert top.h1.startswith("Attach files to")
    assert [row.name for row in lines(top)] == ["Reports"]
    page = alice.get(line(top, "Reports").href, htmx=True)
    assert crumbs(page) == "Documents / Reports"
    assert [row.name for row in lines(page)] == ["Soil", "Air.pdf"]
    air = line(page, "Air.pdf")
    assert (air.label, air.size, air.when) == ("PDF", "1 kB", "Alice Test, today")
    page = alice.get(line(page, "Soil").href)
    assert crumbs(page) == "Documents / Reports / Soil"
    assert line(page, "Boring.pdf").size == "400 kB"
    assert list(versions(page, "Boring.pdf")) == ["2, the newest", "1, today, Bob Test"]


def test_private_and_removed_documents_are_not_there(
    alice: Visitor, bob: Visitor, documents: str, punch: str
) -> None:
    secret = folder(alice, documents, "Secret")
    put(alice, secret, "Secret.pdf")
    alice.submit(alice.get(f"{secret}/edit"), "/edit", is_private="yes")
    removed = folder(alice, documents, "Removed")
    put(alice, removed, "Removed.pdf")
    alice.submit(alice.get(removed), "/move", move="bin")
    assert [row.name for row in lines(browse(alice, punch))] == ["Secret"]
    assert lines(browse(bob, punch)) == []
    assert lines(bob.get(f"{punch}/attach/documents/?q=e")) == []
    browse(bob, punch, secret, expect=404)
    browse(alice, punch, removed, expect=404)


def test_a_file_is_found_by_name_in_every_folder(alice: Visitor, documents: str, rfi: str) -> None:
    soil = folder(alice, folder(alice, documents, "Reports"), "Soil")
    put(alice, soil, "Geotechnical report.pdf")
    page = alice.get(f"{rfi}/attach/documents/?q=GEOtech")
    assert line(page, "Geotechnical report.pdf").note == "Reports / Soil"
    assert "Nothing in Documents matches" in alice.get(f"{rfi}/attach/documents/?q=100%25").text
    again = alice.get(f"{rfi}/attach/documents/?q=nix&folder={number(soil)}", htmx=True)
    assert again.links()["Clear search"] == f"{rfi}/attach/documents/?folder={number(soil)}"


def test_nothing_there_says_what_to_do(alice: Visitor, documents: str, rfi: str) -> None:
    page = browse(alice, rfi)
    assert "No folders in Documents yet" in page.text
    assert page.links()["Open Documents"] == documents
    empty = folder(alice, documents, "Empty")
    assert "This folder is empty" in browse(alice, rfi, empty).text


def test_a_large_folder_comes_page_by_page(
    app: Flask, alice: Visitor, world: World, documents: str, rfi: str
) -> None:
    large = folder(alice, documents, "Large")
    put(alice, large, "At the end.pdf")
    with app.app_context():
        for i in range(100):
            record = Record(
                project_id=world.tower,
                tool_key="documents",
                title=f"Folder {i:03}",
                status="active",
                created_by_id=world.people["alice"],
                saved_at=utcnow(),
                restricted=False,
                details={"kind": "folder"},
                parent_id=number(large),
            )
            db.session.add(record)
        db.session.commit()
        db.session.remove()
    first = browse(alice, rfi, large)
    assert [row.name for row in lines(first)] == [f"Folder {i:03}" for i in range(100)]
    rest = alice.get(more(first), htmx=True)
    assert [row.name for row in lines(rest)] == ["At the end.pdf"]
    assert more(rest) == ""
    assert [row.name for row in lines(alice.get(more(first)))] == ["At the end.pdf"]


@pytest.mark.parametrize(
    "query", ["?folder=x", "?folder=0", "?p=0", "?p=x", "?p=99999", "?q=" + "x" * 201]
)
def test_an_address_nobody_was_given_is_refused(alice: Visitor, rfi: str, query: str) -> None:
    alice.get(f"{rfi}/attach/documents/{query}", expect=400)


def test_a_file_is_no_folder(alice: Visitor, documents: str, rfi: str) -> None:
    file = put(alice, folder(alice, documents, "Permits"), "Permit.pdf")
    browse(alice, rfi, file, expect=404)
    browse(alice, rfi, rfi, expect=404)


# ---- attaching


def test_the_newest_version_is_attached_at_once(
    app: Flask, alice: Visitor, bob: Visitor, documents: str, punch: str
) -> None:
    city = folder(alice, folder(alice, documents, "Permits"), "City")
    file = put(alice, city, "Permit.pdf", b"%PDF-1.7 first", b"%PDF-1.7 second")
    tray = tick(bob, punch, token(bob, punch, city, "Permit.pdf"))
    assert chosen(tray) == ["Permit.pdf"]
    assert "Documents / Permits / City, version 2" in tray.text
    assert line(browse(bob, punch, city), "Permit.pdf").is_chosen
    keys = stored_keys(bob)
    page = send(bob, punch)
    assert page.response.request.path == punch
    (found,) = attached(app, punch)
    (_first, second) = versions_of(app, file)
    same = ("name", "size_bytes", "sha1", "sha256", "blob_key", "is_verified")
    assert {key: getattr(found, key) for key in same} == {key: getattr(second, key) for key in same}
    assert found.id != second.id
    assert found.source == "documents"
    assert content(bob, found) == b"%PDF-1.7 second"
    assert stored_keys(bob) == keys
    assert count(app, ImportItem) == 0
    assert "Documents / Permits / City / Permit.pdf, version 2, by Alice Test" in page.text
    assert page.links()["Open it in Documents"] == file
    assert "attached Permit.pdf from Documents" in page.text
    with app.app_context():
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.event == "file.attached").order_by(AuditEntry.id)
        ).all()[-1]
        assert (entry.record_id, entry.facts["source"]) == (number(punch), "documents")
        db.session.remove()
    register = bob.get(f"{documents.rpartition('/')[0]}/files?source=documents")
    assert "Permit.pdf" in register.links()
    assert line(browse(bob, punch, city), "Permit.pdf").why == "Already attached"
    tick(bob, punch, f"{number(file)}-{second.id}", expect=409)


def test_an_older_version_is_pinned(app: Flask, alice: Visitor, documents: str, rfi: str) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf", b"one", b"two")
    page = browse(alice, rfi, permits)
    older = versions(page, "Permit.pdf")["1, today, Alice Test"]
    tick(alice, rfi, line(page, "Permit.pdf").token)
    tray = tick(alice, rfi, older)
    assert chosen(tray) == ["Permit.pdf"]
    assert "version 1" in tray.text
    assert line(browse(alice, rfi, permits), "Permit.pdf").token == older
    page = send(alice, rfi)
    (found,) = attached(app, rfi)
    assert content(alice, found) == b"one"
    assert "Documents has version 2 by now" in page.text
    attach_upload(alice, f"{file}/attach/", ("Permit of May.pdf", b"three"))
    assert "Documents has version 3 by now" in alice.get(rfi).text
    (still,) = attached(app, rfi)
    assert content(alice, still) == b"one"
    row = line(browse(alice, rfi, permits), "Permit.pdf")
    assert (row.tag, row.note) == ("Newer", "Version 3. The record has version 1.")


def test_a_version_by_another_name_says_so(
    app: Flask, alice: Visitor, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    attach_upload(alice, f"{file}/attach/", ("Permit of May.pdf", b"two"))
    row = line(browse(alice, rfi, permits), "Permit.pdf")
    assert row.note == "Named Permit of May.pdf"
    tick(alice, rfi, row.token)
    send(alice, rfi)
    assert [one.name for one in attached(app, rfi)] == ["Permit of May.pdf"]


def test_several_files_of_several_folders_and_one_of_the_computer(
    app: Flask, alice: Visitor, documents: str, rfi: str
) -> None:
    permits, reports = (folder(alice, documents, name) for name in ("Permits", "Reports"))
    put(alice, permits, "Permit.pdf")
    put(alice, reports, "Soil.pdf", b"one", b"two")
    put(alice, reports, "Air.pdf")
    choose_from_computer(alice, f"{rfi}/attach/", "note.txt")
    tick(alice, rfi, token(alice, rfi, permits, "Permit.pdf"))
    page = browse(alice, rfi, reports)
    tray = tick(alice, rfi, line(page, "Soil.pdf").token, line(page, "Air.pdf").token)
    assert chosen(tray) == ["note.txt", "Permit.pdf", "Soil.pdf", "Air.pdf"]
    tray = tick(alice, rfi, remove=line(page, "Soil.pdf").token)
    assert chosen(tray) == ["note.txt", "Permit.pdf", "Air.pdf"]
    send(alice, rfi)
    assert {one.name for one in attached(app, rfi)} == {"note.txt", "Permit.pdf", "Air.pdf"}


def test_without_a_script_the_list_beside_the_row_says_which_version(
    app: Flask, alice: Visitor, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf", b"one", b"two")
    page = browse(alice, rfi, permits)
    older = versions(page, "Permit.pdf")["1, today, Alice Test"]
    newest = line(page, "Permit.pdf").token
    sent: dict[str, Any] = {"choice": newest, f"version-{number(file)}": older}
    page = alice.submit(page, "documents/choose", **sent)
    assert crumbs(page) == "Documents / Permits"
    assert chosen(page) == ["Permit.pdf"]
    page = alice.submit(page, "/send")
    assert page.response.request.path == rfi
    (found,) = attached(app, rfi)
    assert content(alice, found) == b"one"


def test_sent_twice_is_attached_once(app: Flask, alice: Visitor, documents: str, rfi: str) -> None:
    permits = folder(alice, documents, "Permits")
    put(alice, permits, "Permit.pdf")
    tick(alice, rfi, token(alice, rfi, permits, "Permit.pdf"))
    dialog = alice.get(f"{rfi}/attach/?source=computer")
    for _time in range(2):
        alice.submit(dialog, "/send")
    assert len(attached(app, rfi)) == 1


def test_no_more_files_at_once_than_from_anywhere_else(
    app: Flask, alice: Visitor, world: World, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    with app.app_context():
        most = settings().files_per_action
    names = [f"{i:03}.txt" for i in range(most + 1)]
    attach_upload(alice, f"{permits}/attach/", *((name, b"x") for name in names[:most]))
    attach_upload(alice, f"{permits}/attach/", (names[most], b"x"))
    first = browse(alice, rfi, permits)
    rows = lines(first) + (lines(alice.get(more(first), htmx=True)) if more(first) else [])
    tokens = [row.token for row in rows]
    assert len(tokens) == most + 1
    assert len(chosen(tick(alice, rfi, *tokens[:most]))) == most
    refused = tick(alice, rfi, tokens[most], expect=422)
    assert f"At most {most} files can be attached at once." in refused.text
    assert len(chosen(refused)) == most


def test_a_response_gets_files_that_only_its_author_sees_until_it_is_sent(
    app: Flask, alice: Visitor, bob: Visitor, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    put(alice, permits, "Permit.pdf")
    dialog = bob.submit(bob.get(rfi), "/responses", attach="yes")
    row = dialog.response.request.path.partition("/attach/")[0]
    assert "/rows/" in row
    assert f"{row}/attach/documents/" in dialog.links().values()
    take(bob, row, permits, "Permit.pdf")
    (found,) = attached(app, rfi)
    assert found.row_id == number(row)
    assert content(bob, found) == b"%PDF-1.7 it"
    alice.get(f"/attachments/{found.public_id}", expect=404)
    browse(alice, row, expect=404)
    tick(alice, row, "1-1", expect=404)
    bob.submit(bob.get(rfi), "/responses", text="See the permit.")
    assert content(alice, found) == b"%PDF-1.7 it"
    browse(bob, row, expect=403)


def test_what_hangs_on_a_record_is_seen_by_whoever_sees_the_record(
    app: Flask, alice: Visitor, bob: Visitor, documents: str, punch: str
) -> None:
    secret = folder(alice, documents, "Secret")
    file = put(alice, secret, "Secret.pdf", b"one")
    alice.submit(alice.get(f"{secret}/edit"), "/edit", is_private="yes")
    take(alice, punch, secret, "Secret.pdf")
    (found,) = attached(app, punch)
    assert content(bob, found) == b"one"
    attach_upload(alice, f"{file}/attach/", ("Secret.pdf", b"two"))
    page = bob.get(punch)
    assert file not in page.links().values()
    assert "version 2" not in page.text
    assert "Documents has version 2 by now" in alice.get(punch).text


# ---- what must not happen


@pytest.fixture
def secret(alice: Visitor, documents: str) -> str:
    """A file that Bob does not see."""
    folder_ = folder(alice, documents, "Secret")
    file = put(alice, folder_, "Secret.pdf")
    alice.submit(alice.get(f"{folder_}/edit"), "/edit", is_private="yes")
    return file


def test_forged_choices_change_nothing(
    app: Flask,
    alice: Visitor,
    bob: Visitor,
    charlie: Visitor,
    world: World,
    documents: str,
    punch: str,
    secret: str,
) -> None:
    permits = folder(alice, documents, "Permits")
    mine = put(alice, permits, "Permit.pdf")
    binned = put(alice, permits, "Binned.pdf")
    alice.submit(alice.get(binned), "/move", move="bin")
    lost = put(alice, permits, "Lost.pdf", b"one", b"two")
    theirs = put(
        charlie, folder(charlie, f"/projects/{world.bridge}/documents", "Theirs"), "Theirs.pdf"
    )
    (on_record,) = attach_upload(alice, f"{punch}/attach/", ("On the record.pdf", b"x"))
    (first, _second) = versions_of(app, lost)
    lose(app, first)

    def named(file: str, which: int = -1) -> str:
        return f"{number(file)}-{versions_of(app, file)[which].id}"

    good, kept = named(mine), count(app, TrayItem)
    forged = {
        "private": named(secret),
        "another company's": named(theirs),
        "in the bin": named(binned),
        "a version that was removed": f"{number(lost)}-{first.id}",
        "another tool's file": f"{number(punch)}-{on_record.id}",
        "another tool's file under a document": f"{number(mine)}-{on_record.id}",
        "another document's version": f"{number(mine)}-{versions_of(app, lost)[0].id}",
        "no version": f"{number(mine)}-2000000000",
        "nothing": "x",
        "a number": "1",
        "too large": "9" * 30 + "-1",
    }
    for what, forgery in forged.items():
        for sent in ((forgery,), (good, forgery)):
            page = tick(bob, punch, *sent, expect=422)
            assert GONE in page.text, what
            assert chosen(page) == [], what
    tick(bob, punch, remove="x", expect=422)
    assert count(app, TrayItem) == kept
    assert len(attached(app, punch)) == 1
    assert chosen(tick(bob, punch, good)) == ["Permit.pdf"]


def test_documents_of_another_project_are_none_even_for_who_is_on_both(
    app: Flask, signed_in: SignIn, world: World, documents: str
) -> None:
    dora, bridge = signed_in("dora"), f"/projects/{world.bridge}/documents"
    theirs = folder(dora, bridge, "Theirs")
    file = put(dora, theirs, "Theirs.pdf")
    with app.app_context():
        made = add_record(
            db.session(), world, "punch_list", "Dora's", status="work_required", by="dora"
        )
        db.session.commit()
        db.session.remove()
    record = f"{documents.rpartition('/')[0]}/punch-list/{made}"
    assert lines(browse(dora, record)) == []
    assert lines(dora.get(f"{record}/attach/documents/?q=theirs")) == []
    browse(dora, record, theirs, expect=404)
    (version,) = versions_of(app, file)
    page = tick(dora, record, f"{number(file)}-{version.id}", expect=422)
    assert GONE in page.text
    assert chosen(page) == []


@pytest.mark.parametrize("what", ["private", "binned", "level", "version"])
def test_what_is_lost_before_it_is_sent_is_not_attached(
    app: Flask, alice: Visitor, bob: Visitor, world: World, documents: str, punch: str, what: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf")
    choose_from_computer(bob, f"{punch}/attach/", "note.txt")
    tick(bob, punch, token(bob, punch, permits, "Permit.pdf"))
    if what == "private":
        alice.submit(alice.get(f"{permits}/edit"), "/edit", is_private="yes")
    elif what == "binned":
        alice.submit(alice.get(permits), "/move", move="bin")
    elif what == "level":
        set_level(app, world, "bob", Level.NONE)
    else:
        (only,) = versions_of(app, file)
        lose(app, only)
    page = send(bob, punch, expect=409)
    assert "Permit.pdf is not in Documents any more" in page.text
    assert attached(app, punch) == []
    dialog = bob.get(f"{punch}/attach/?source=computer")
    assert chosen(dialog) == ["note.txt", "Permit.pdf"]
    bob.submit(dialog, "/tray", item=_item_of(app, "Permit.pdf"))
    send(bob, punch)
    assert [one.name for one in attached(app, punch)] == ["note.txt"]


def lose(app: Flask, version: Attachment) -> None:
    """Take a version's file away, which nobody can any more: some were removed before that."""
    with app.app_context():
        gone = update(Attachment).where(Attachment.id == version.id).values(removed_at=utcnow())
        db.session.execute(gone)
        db.session.commit()
        db.session.remove()


def _item_of(app: Flask, name: str) -> str:
    with app.app_context():
        found = db.session.scalar(
            select(TrayItem.id).where(TrayItem.name == name, TrayItem.source == "documents")
        )
        db.session.remove()
    return str(found)


def test_a_record_that_closed_meanwhile_takes_none(
    app: Flask, bob: Visitor, alice: Visitor, world: World, documents: str, punch: str
) -> None:
    permits = folder(alice, documents, "Permits")
    put(alice, permits, "Permit.pdf")
    tick(bob, punch, token(bob, punch, permits, "Permit.pdf"))
    dialog = bob.get(f"{punch}/attach/?source=computer")
    set_level(app, world, "bob", Level.READ, "punch_list")
    bob.submit(dialog, "/send", expect=403)
    browse(bob, punch, permits, expect=403)
    assert attached(app, punch) == []


# ---- one object, two attachments


def _age_everything(app: Flask) -> None:
    """Let the bin's thirty days and the storage's day pass, and the chores do their work."""
    with app.app_context():
        long_ago = utcnow() - timedelta(days=31)
        db.session.execute(
            update(Record).where(Record.status == "binned").values(closed_at=long_ago)
        )
        db.session.execute(
            update(Attachment).where(Attachment.removed_at.is_not(None)).values(removed_at=long_ago)
        )
        db.session.execute(delete(TrayItem))
        db.session.commit()
        delete_overdue()
        _forget_young_objects()
        sweep_storage()
        db.session.remove()


def _forget_young_objects() -> None:
    """Make every stored object as old as an orphan has to be."""
    import os

    for stored in blobs().stored("files/"):
        path = blobs().path(stored.key)
        if path is not None:
            old = (utcnow() - 2 * ORPHAN_LIVES).timestamp()
            os.utime(path, (old, old))


def test_emptying_the_bin_leaves_the_record_its_file(
    app: Flask, alice: Visitor, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf", b"one", b"two")
    take(alice, rfi, permits, "Permit.pdf")
    alice.submit(alice.get(permits), "/move", move="bin")
    page = alice.get(rfi)
    assert file not in page.links().values()
    _age_everything(app)
    alice.get(file, expect=404)
    (found,) = attached(app, rfi)
    assert content(alice, found) == b"two"
    page = alice.get(rfi)
    assert "Documents / Permits / Permit.pdf, version 2, by Alice Test" in page.text
    if _ages(app):
        assert stored_keys(alice) == {found.blob_key}


def test_removing_the_file_leaves_the_document_its_version(
    app: Flask, alice: Visitor, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    file = put(alice, permits, "Permit.pdf", b"one", b"two")
    take(alice, rfi, permits, "Permit.pdf")
    (found,) = attached(app, rfi)
    alice.submit(alice.get(f"/attachments/{found.public_id}/remove"), "/remove")
    _age_everything(app)
    assert attached(app, rfi) == []
    assert count(app, Attachment) == 2
    assert [content(alice, one) for one in versions_of(app, file)] == [b"one", b"two"]
    assert line(browse(alice, rfi, permits), "Permit.pdf").token


def _ages(app: Flask) -> bool:
    """Objects can be made old on a local disk only."""
    with app.app_context():
        return blobs().path("files") is not None


def test_a_removed_file_comes_back_after_its_document_is_gone(
    app: Flask, alice: Visitor, documents: str, rfi: str
) -> None:
    permits = folder(alice, documents, "Permits")
    put(alice, permits, "Permit.pdf", b"one")
    take(alice, rfi, permits, "Permit.pdf")
    (found,) = attached(app, rfi)
    alice.submit(alice.get(f"/attachments/{found.public_id}/remove"), "/remove")
    alice.submit(alice.get(permits), "/move", move="bin")
    with app.app_context():
        db.session.execute(
            update(Record)
            .where(Record.status == "binned")
            .values(closed_at=utcnow() - timedelta(days=31))
        )
        db.session.commit()
        delete_overdue()
        _forget_young_objects()
        sweep_storage()
        assert db.session.scalar(select(RecordRow.id).limit(1)) is None
        db.session.remove()
    alice.submit(alice.get(rfi), "/restore")
    (again,) = attached(app, rfi)
    assert content(alice, again) == b"one"


def test_the_records_pdf_says_which_version_of_which_document_it_has(
    alice: Visitor, documents: str, rfi: str
) -> None:
    where = folder(alice, documents, "Permits")
    put(alice, where, "Permit.pdf", b"%PDF-1", b"%PDF-2")
    take(alice, rfi, where, "Permit.pdf")
    answer = alice.client.get(f"{rfi}.pdf", headers={"Host": HOST})
    said = " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.get_data())).pages)
    assert "Documents: Permits / Permit.pdf, version 2, by Alice Test" in " ".join(said.split())

"""Drawings: a batch of files is looked through, published, and superseded by a later one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.core.audit import AuditEntry
from webapp.core.database import db
from webapp.records.models import Record

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

SETS = "Quillmark Projects/2317 Larkspur MOB/03 Drawings"
IFC_A101 = f"{SETS}/01 IFC Set 2025-02-14/A Architectural/A-101 First Floor Plan.pdf"
IFC_A102 = f"{SETS}/01 IFC Set 2025-02-14/A Architectural/A-102 Second Floor Plan.pdf"
ASI_A102 = f"{SETS}/02 ASI and Bulletins/A-102 Second Floor Plan (ASI-02).pdf"
PDF = b"%PDF-1.4\n1 0 obj\nendobj\n"
FLOOR = ("A-101 First Floor Plan Rev 2.pdf", PDF)
FRAMING = ("S-201 Second Floor Framing (ASI-02).pdf", PDF)
DUCTS = ("M101_R0_First Floor Duct Plan.pdf", PDF)


def drawings(world: World) -> str:
    return f"/projects/{world.tower}/drawings"


def batch(visitor: Visitor, world: World, *files: tuple[str, bytes], **values: Any) -> str:
    """Begin a batch of files from the computer, and return its address."""
    page = visitor.submit(visitor.get(drawings(world)), "/drawings")
    given = {"title": "Sheets of today", "set": "IFC Set", **values}
    here = str(visitor.submit(page, "/edit", **given).response.request.path)
    if files:
        attach_upload(visitor, f"{here}/attach/", *files)
    return here


def table(page: Page) -> dict[str, dict[str, str]]:
    """Return what stands in a batch's table, by the name of the file."""
    values = page.form("/sheets").values
    names = {}
    for label in page.all("label"):
        words = " ".join("".join(label.itertext()).split())
        if words.startswith("Number, "):
            names[(label.get("for") or "").split("-")[1]] = words.removeprefix("Number, ")
    keys = ("number", "title", "rev", "discipline", "set", "dated_on")
    return {
        names[file_id]: {key: values[f"sheet-{file_id}-{key}"][0] for key in keys}
        for file_id in values.get("sheet", [])
    }


def ids(page: Page) -> dict[str, str]:
    """Return the ids of the files in a batch's table, by name."""
    return dict(zip(table(page), page.form("/sheets").values["sheet"], strict=True))


def press(
    visitor: Visitor,
    here: str,
    do: str,
    corrections: dict[str, dict[str, str]] | None = None,
    expect: int | None = 200,
) -> Page:
    """Correct a batch's table and press one of its buttons."""
    page = visitor.get(here)
    known = ids(page)
    values: dict[str, Any] = {
        f"sheet-{known[name]}-{key}": value
        for name, fields in (corrections or {}).items()
        for key, value in fields.items()
    }
    return visitor.submit(page, "/sheets", expect=expect, do=do, **values)


def publish(visitor: Visitor, world: World, *files: tuple[str, bytes], **values: Any) -> str:
    here = batch(visitor, world, *files, **values)
    press(visitor, here, "publish")
    return here


def records(app: Flask, **where: Any) -> list[Record]:
    with app.app_context():
        query = select(Record).filter_by(tool_key="drawings", **where)
        found = list(db.session.scalars(query.order_by(Record.scope, Record.revision)))
        db.session.expunge_all()
        db.session.remove()
    return found


def sheets(app: Flask) -> list[tuple[str | None, str, str]]:
    """Return number, revision and status of everything that has become a drawing."""
    return [
        (one.number, one.details["rev"], one.status)
        for one in records(app)
        if one.number is not None
    ]


def history(app: Flask, record_id: int) -> list[AuditEntry]:
    with app.app_context():
        query = select(AuditEntry).where(AuditEntry.record_id == record_id).order_by(AuditEntry.id)
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        db.session.remove()
    return found


def titles(page: Page) -> list[str]:
    return ["".join(a.itertext()) for a in page.all("a", class_="subject")]


def downloaded(visitor: Visitor, path: str) -> bytes:
    response = visitor.get(path).response
    data = response.get_data()
    response.close()
    return data


def address(world: World, record: Record) -> str:
    return f"{drawings(world)}/{record.id}"


# ---- a batch from the computer


def test_a_batch_proposes_what_the_file_names_say(alice: Visitor, world: World) -> None:
    here = batch(alice, world, DUCTS, FLOOR, FRAMING, dated_on="2025-02-14")
    assert table(alice.get(here)) == {
        FLOOR[0]: {
            "number": "A-101",
            "title": "First Floor Plan",
            "rev": "2",
            "discipline": "architectural",
            "set": "IFC Set",
            "dated_on": "2025-02-14",
        },
        DUCTS[0]: {
            "number": "M-101",
            "title": "First Floor Duct Plan",
            "rev": "0",
            "discipline": "mechanical",
            "set": "IFC Set",
            "dated_on": "2025-02-14",
        },
        FRAMING[0]: {
            "number": "S-201",
            "title": "Second Floor Framing",
            "rev": "0",
            "discipline": "structural",
            "set": "ASI-02",
            "dated_on": "2025-02-14",
        },
    }


def test_publishing_makes_drawings_and_moves_the_files_there(
    app: Flask, alice: Visitor, world: World, signed_in: SignIn
) -> None:
    here = batch(alice, world, FLOOR, FRAMING, dated_on="2025-02-14", received_on="2025-02-17")
    before = {file.id: file for file in copying.attachments(app)}
    page = press(alice, here, "publish")
    assert sheets(app) == [("A-101", "2", "published"), ("S-201", "0", "published")]
    assert "Made from this batch 2" in page.text
    assert "Reviewed" in page.text
    floor, framing = records(app, status="published")
    assert (floor.title, floor.grouping, str(floor.dated_on)) == (
        "First Floor Plan",
        "architectural",
        "2025-02-14",
    )
    assert (floor.details["set"], floor.details["received_on"]) == ("IFC Set", "2025-02-17")
    assert framing.details["set"] == "ASI-02"
    after = copying.attachments(app)
    assert {file.id: file.record_id for file in after} == {
        file_id: (floor if file.name == FLOOR[0] else framing).id
        for file_id, file in before.items()
    }
    for file in after:
        for column in ("blob_key", "sha1", "name", "attached_by_id", "attached_at", "public_id"):
            assert getattr(file, column) == getattr(before[file.id], column)
    rita = signed_in("rita")
    shown = rita.get(address(world, floor))
    assert shown.h1 == "First Floor Plan"
    assert "A-101" in shown.text
    file_path = f"/attachments/{next(f for f in after if f.name == FLOOR[0]).public_id}"
    assert downloaded(rita, file_path) == PDF


def test_the_change_histories_tell_where_a_file_went_and_came_from(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = publish(alice, world, FLOOR)
    (floor,) = records(app, status="published")
    moved = next(
        e for e in history(app, int(here.rpartition("/")[2])) if e.event == "file.moved_on"
    )
    came = next(e for e in history(app, floor.id) if e.event == "file.taken_over")
    assert moved.facts["to_record"] == floor.id
    assert came.facts["sha1"] == moved.facts["sha1"] == copying.attachments(app)[0].sha1
    assert f"moved {FLOOR[0]} on to A-101, revision 2" in alice.get(here).text
    text = alice.get(address(world, floor)).text
    assert f"took over {FLOOR[0]} from Batch: Sheets of today" in text


def test_corrections_count_and_are_kept(app: Flask, alice: Visitor, world: World) -> None:
    here = batch(alice, world, ("Scan 7.pdf", PDF), FLOOR)
    corrected = {
        "number": "e201",
        "title": "One-Line Diagram",
        "rev": "1",
        "discipline": "electrical",
        "set": "ASI-03",
        "dated_on": "2025-03-01",
    }
    press(alice, here, "save", {"Scan 7.pdf": corrected})
    assert sheets(app) == []
    assert table(alice.get(here))["Scan 7.pdf"] == {**corrected, "number": "E-201"}
    press(alice, here, "publish")
    assert sheets(app) == [("A-101", "2", "published"), ("E-201", "1", "published")]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("number", "", "Write the sheet's number"),
        ("number", "A" * 25, "Write at most 24 characters."),
        ("title", "", "Write the sheet's title."),
        ("title", "x" * 301, "Write at most 300 characters."),
        ("rev", "", "Write the revision"),
        ("set", "", "Say which set it belongs to."),
        ("discipline", "", "Choose a discipline."),
        ("discipline", "alchemy", "Choose a discipline."),
        ("dated_on", "soon", "Choose a date between 1900 and 2200."),
        ("dated_on", "1066-10-14", "Choose a date between 1900 and 2200."),
        ("number", "s-201", "S-201 is in this batch twice."),
        ("number", "S201", "S-201 is in this batch twice."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_published(
    app: Flask, alice: Visitor, world: World, field: str, value: str, complaint: str
) -> None:
    here = batch(alice, world, FLOOR, FRAMING)
    answer = press(alice, here, "publish", {FLOOR[0]: {field: value}}, expect=422)
    assert sheets(app) == []
    assert "Nothing was published." in answer.text
    told = {e.get("id"): " ".join("".join(e.itertext()).split()) for e in answer.all("p")}
    file_id = ids(answer)[FLOOR[0]]
    assert complaint in told[f"sheet-{file_id}-{field}-err"]
    if field != "discipline":
        control = next(answer.all("input", id=f"sheet-{file_id}-{field}"))
        assert control.get("aria-describedby") == f"sheet-{file_id}-{field}-err"
        assert control.get("value", "").lower().replace("-", "") == value.lower().replace("-", "")


@pytest.mark.parametrize(
    "file", [("Drawing log.xlsx", PDF), ("A-103 Roof Plan.pdf", b"PK not one"), ("A-103.pdf", b"")]
)
def test_what_is_no_pdf_is_said_and_can_be_removed(
    app: Flask, alice: Visitor, world: World, file: tuple[str, bytes]
) -> None:
    here = batch(alice, world, FLOOR, file)
    fill = {
        file[0]: {"number": "A-103", "title": "Roof", "discipline": "architectural", "rev": "0"}
    }
    answer = press(alice, here, "publish", fill, expect=422)
    assert "This is not a PDF." in answer.text
    assert sheets(app) == []
    wrong = next(one for one in copying.attachments(app) if one.name == file[0])
    assert f"/attachments/{wrong.public_id}/remove" in answer.links().values()
    alice.post(f"/attachments/{wrong.public_id}/remove")
    press(alice, here, "publish")
    assert sheets(app) == [("A-101", "2", "published")]


def test_a_batch_without_files_publishes_nothing_and_says_so(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world)
    page = alice.get(here)
    assert "No sheets yet" in page.text
    answer = alice.post(f"{here}/sheets", {"do": "publish", "version": "2"}, expect=422)
    assert "No file of this batch has arrived yet." in answer.text


# ---- a later revision


def test_a_new_revision_supersedes_the_old_one_which_stays_to_be_had(
    app: Flask, alice: Visitor, world: World, signed_in: SignIn
) -> None:
    publish(alice, world, FLOOR, dated_on="2024-02-14", received_on="2024-02-17")
    here = batch(alice, world, ("A101 - FIRST FLOOR PLAN.pdf", PDF), set="ASI-02")
    proposed = table(alice.get(here))["A101 - FIRST FLOOR PLAN.pdf"]
    # The sheet keeps its spelling, and what the name leaves open follows from the one before.
    assert (proposed["number"], proposed["title"], proposed["rev"]) == (
        "A-101",
        "First Floor Plan",
        "3",
    )
    assert "After revision 2 of A-101" in alice.get(here).text
    press(alice, here, "publish")
    assert sheets(app) == [("A-101", "2", "superseded"), ("A-101", "3", "published")]
    old, new = (one for one in records(app) if one.number)
    rita = signed_in("rita")
    page = rita.get(address(world, old))
    assert "This revision is superseded." in page.text
    assert page.links()["Go to revision 3 of A-101"] == address(world, new)
    for file in copying.attachments(app):
        assert downloaded(rita, f"/attachments/{file.public_id}") == PDF
    rows = [
        " ".join("".join(row.itertext()).split())
        for row in rita.get(address(world, new)).all("tr", role="row")
    ][1:]
    assert rows[0].startswith("3 Current ASI-02")
    assert rows[1].startswith("2 First Floor Plan Superseded IFC Set Feb 14, 2024 Feb 17, 2024")
    assert rows[1].endswith(FLOOR[0])
    assert titles(rita.get(drawings(world))) == ["First Floor Plan"]
    assert titles(rita.get(f"{drawings(world)}?status=superseded")) == ["First Floor Plan"]
    moved = [e for e in history(app, old.id) if e.event == "record.moved"]
    assert [(e.facts["before"], e.facts["after"]) for e in moved] == [("Published", "Superseded")]


def test_an_earlier_revision_that_comes_late_is_filed_behind(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World
) -> None:
    name = "S-777 Roof Framing Rev 2.pdf"
    publish(alice, world, (name, PDF), dated_on="2025-10-01")
    late = "S-777 Roof Framing Rev 1.pdf"
    here = batch(alice, world, (late, PDF), dated_on="2025-08-01")
    page = alice.get(here)
    assert "This sheet has revision 2 of Oct 1, 2025." in page.text
    assert page.form("/sheets").values[f"sheet-{ids(page)[late]}-place"] == ["behind"]
    press(alice, here, "publish")
    assert sheets(app) == [("S-777", "1", "superseded"), ("S-777", "2", "published")]
    current = records(app)[-1]
    rita = signed_in("rita")
    assert "superseded" not in rita.get(address(world, current)).text.split("Revisions")[0].lower()
    assert titles(rita.get(drawings(world))) == ["Roof Framing"]
    # The next one comes after the newest, not after the last to arrive.
    publish(alice, world, ("S-777 Roof Framing.pdf", PDF))
    assert sheets(app)[-1] == ("S-777", "3", "published")
    assert [one.details["rev"] for one in records(app, number="S-777")] == ["1", "2", "3"]


def test_where_marks_and_dates_do_not_tell_which_is_later_a_person_is_asked(
    app: Flask, alice: Visitor, world: World
) -> None:
    publish(alice, world, ("S-777 Roof Framing Rev 2.pdf", PDF), dated_on="2025-10-01")
    name = "S-777 Roof Framing Rev C.pdf"
    here = batch(alice, world, (name, PDF), dated_on="2025-11-01")
    page = press(alice, here, "publish", expect=422)
    assert "Say which of the two is current." in page.text
    assert sheets(app) == [("S-777", "2", "published")]
    press(alice, here, "publish", {name: {"place": "behind"}})
    assert sheets(app) == [("S-777", "C", "superseded"), ("S-777", "2", "published")]
    # The higher mark with the earlier date; and somebody who knows better than both.
    again = "S-777 Roof Framing Rev 3.pdf"
    here = batch(alice, world, (again, PDF), dated_on="2025-09-01")
    press(alice, here, "publish", expect=422)
    press(alice, here, "publish", {again: {"place": "current"}})
    old = "S-777 Roof Framing Rev 1.pdf"
    here = batch(alice, world, (old, PDF), dated_on="2025-08-01")
    press(alice, here, "publish", {old: {"place": "current"}})
    in_order = [one.details["rev"] for one in records(app, number="S-777")]
    assert in_order == ["C", "2", "3", "1"]
    assert sheets(app)[-1] == ("S-777", "1", "published")
    # What was decided holds when something else of the sheet is edited.
    alice.submit(alice.get(f"{address(world, records(app)[-1])}/edit"), "/edit", title="Roof")
    assert sheets(app)[-1] == ("S-777", "1", "published")


def test_a_revision_is_called_by_its_mark_everywhere(
    app: Flask, alice: Visitor, world: World
) -> None:
    publish(alice, world, ("S-777 Roof Framing Rev B.pdf", PDF))
    publish(alice, world, ("S-777 Roof Framing Rev D.pdf", PDF))
    project = f"/projects/{world.tower}"
    for path in (project, f"{project}/files"):
        page = alice.get(path)
        assert [page.text.count(f"S-777, revision {mark}") for mark in "BD1"] == [1, 1, 0], path
    here = address(world, records(app, number="S-777")[-1])
    assert "S-777, revision D" in "".join(next(alice.get(here).all("title")).itertext())
    name = alice.get(f"{here}.pdf").response.headers["Content-Disposition"]
    assert "S-777%2C%20revision%20D" in name or "S-777, revision D" in name
    zipped = alice.get(f"{here}/files/zip").response.headers["Content-Disposition"]
    assert "revision" in zipped
    assert "revision 1" not in zipped.replace("%20", " ")
    message = alice.post(f"{here}/email")
    assert message.form("/edit").values["title"] == ["S-777, revision D: Roof Framing"]


def test_a_mark_or_date_that_is_corrected_puts_the_revision_where_it_belongs(
    app: Flask, alice: Visitor, world: World
) -> None:
    for rev in ("1", "2"):
        publish(alice, world, (f"S-777 Roof Framing Rev {rev}.pdf", PDF))
    wrong = records(app, number="S-777")[-1]
    alice.submit(alice.get(f"{address(world, wrong)}/edit"), "/edit", rev="0")
    assert sheets(app) == [("S-777", "0", "superseded"), ("S-777", "1", "published")]
    alice.submit(alice.get(f"{address(world, wrong)}/edit"), "/edit", rev="3")
    assert sheets(app) == [("S-777", "1", "superseded"), ("S-777", "3", "published")]


def test_batches_published_out_of_order_end_in_the_order_of_issue(
    app: Flask, alice: Visitor, world: World
) -> None:
    for rev in ("B", "D", "A", "C"):
        publish(alice, world, (f"S-777 Roof Framing Rev {rev}.pdf", PDF))
    assert sheets(app) == [("S-777", rev, "superseded") for rev in "ABC"] + [
        ("S-777", "D", "published")
    ]
    here = batch(alice, world, ("S-777 Roof Framing Rev d.pdf", PDF))
    assert "There is a revision D already." in press(alice, here, "publish", expect=422).text


def test_the_same_revision_twice_is_refused(app: Flask, alice: Visitor, world: World) -> None:
    publish(alice, world, FLOOR)
    here = batch(alice, world, FLOOR)
    answer = press(alice, here, "publish", expect=422)
    assert "There is a revision 2 already." in answer.text
    assert sheets(app) == [("A-101", "2", "published")]


def test_an_edit_cannot_make_two_revisions_of_one_name(
    app: Flask, alice: Visitor, world: World
) -> None:
    publish(alice, world, FLOOR)
    publish(alice, world, ("A-101 First Floor Plan Rev 3.pdf", PDF))
    (new,) = records(app, status="published")
    page = alice.get(f"{address(world, new)}/edit")
    answer = alice.submit(page, "/edit", rev="2", expect=422)
    assert "There is a revision 2 already." in answer.text
    assert sheets(app) == [("A-101", "2", "superseded"), ("A-101", "3", "published")]


def test_a_sheet_without_its_file_is_not_published(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR)
    press(alice, here, "unpublished")
    (file,) = copying.attachments(app)
    alice.post(f"/attachments/{file.public_id}/remove")
    (floor,) = records(app, status="unpublished")
    answer = alice.post(f"{address(world, floor)}/move", {"move": "publish"}, expect=422)
    assert "It has no file." in answer.text
    assert sheets(app) == [("A-101", "2", "unpublished")]


def test_two_numbers_that_look_alike_are_two_drawings(
    app: Flask, alice: Visitor, world: World
) -> None:
    publish(alice, world, ("A1.01 Plan.pdf", PDF), ("A1.1 Plan.pdf", PDF), ("A-101 Plan.pdf", PDF))
    assert {number for number, _rev, _status in sheets(app)} == {"A1.01", "A1.1", "A-101"}
    assert {status for _number, _rev, status in sheets(app)} == {"published"}


def test_taking_the_newest_back_makes_the_one_before_current_again(
    app: Flask, alice: Visitor, world: World
) -> None:
    publish(alice, world, FLOOR)
    publish(alice, world, ("A-101 First Floor Plan Rev 3.pdf", PDF))
    new = records(app, status="published")[0]
    alice.post(f"{address(world, new)}/move", {"move": "unpublish"})
    assert sheets(app) == [("A-101", "2", "published"), ("A-101", "3", "unpublished")]
    alice.post(f"{address(world, new)}/move", {"move": "publish"})
    assert sheets(app) == [("A-101", "2", "superseded"), ("A-101", "3", "published")]


def test_an_obsolete_drawing_says_so_until_a_newer_revision_comes(
    app: Flask, alice: Visitor, world: World, signed_in: SignIn
) -> None:
    publish(alice, world, FLOOR)
    (floor,) = records(app, status="published")
    alice.post(f"{address(world, floor)}/move", {"move": "obsolete"})
    rita = signed_in("rita")
    assert "Obsolete" in rita.get(address(world, floor)).text
    assert titles(rita.get(f"{drawings(world)}?status=obsolete")) == ["First Floor Plan"]
    publish(alice, world, ("A-101 First Floor Plan Rev 3.pdf", PDF))
    assert sheets(app) == [("A-101", "2", "superseded"), ("A-101", "3", "published")]
    assert titles(rita.get(f"{drawings(world)}?status=obsolete")) == []


# ---- who sees what


def test_batches_and_unpublished_sheets_are_the_admins_alone(
    app: Flask, alice: Visitor, bob: Visitor, world: World, signed_in: SignIn
) -> None:
    here = batch(alice, world, FLOOR, FRAMING)
    others = [bob, signed_in("rita"), signed_in("charlie")]
    files = [f"/attachments/{file.public_id}" for file in copying.attachments(app)]
    for visitor in others:
        for path in (here, f"{here}/arrivals", f"{here}/attach/", *files):
            visitor.get(path, expect=404)
        visitor.post(f"{here}/sheets", {"do": "publish", "version": "2"}, expect=404)
    for visitor in others[:2]:
        assert titles(visitor.get(drawings(world))) == []
    assert titles(alice.get(drawings(world))) == ["Sheets of today"]
    press(alice, here, "unpublished")
    assert {status for _number, _rev, status in sheets(app)} == {"unpublished"}
    floor, _framing = records(app, status="unpublished")
    for visitor in others:
        for path in (address(world, floor), here, *files):
            visitor.get(path, expect=404)
    for visitor in others[:2]:
        assert titles(visitor.get(drawings(world))) == []
        assert "ASI-02" not in visitor.get(drawings(world)).text
    assert titles(alice.get(drawings(world))) == ["First Floor Plan", "Second Floor Framing"]
    alice.post(f"{address(world, floor)}/move", {"move": "publish"})
    assert titles(bob.get(drawings(world))) == ["First Floor Plan"]
    mine = next(file for file in copying.attachments(app) if file.record_id == floor.id)
    assert downloaded(bob, f"/attachments/{mine.public_id}") == PDF


def test_an_unpublished_revision_leaves_the_published_one_current(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    publish(alice, world, FLOOR)
    here = batch(alice, world, ("A-101 First Floor Plan Rev 3.pdf", PDF))
    press(alice, here, "unpublished")
    assert sheets(app) == [("A-101", "2", "published"), ("A-101", "3", "unpublished")]
    old, new = (one for one in records(app) if one.number)
    assert "Unpublished" not in bob.get(address(world, old)).text
    assert "Unpublished" in alice.get(address(world, old)).text
    bob.get(address(world, new), expect=404)


def test_standard_people_read_and_change_nothing(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    publish(alice, world, FLOOR)
    (floor,) = records(app, status="published")
    page = bob.get(address(world, floor))
    for word in ("Attach File(s)", "Mark as obsolete", "Take back", "Edit"):
        assert word not in page.text
    assert "Upload drawings" not in bob.get(drawings(world)).text
    bob.post(drawings(world), expect=404)
    here = address(world, floor)
    bob.get(f"{here}/edit", expect=403)
    bob.get(f"{here}/attach/?source=computer", expect=403)
    for step in ("unpublish", "obsolete"):
        bob.post(f"{here}/move", {"move": step}, expect=403)
    bob.post(f"{here}/sheets", {"do": "publish"}, expect=404)
    assert sheets(app) == [("A-101", "2", "published")]


def test_another_projects_batch_is_no_batch_here(
    app: Flask, alice: Visitor, charlie: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR)
    batch_id = here.rpartition("/")[2]
    theirs = f"/projects/{world.bridge}/drawings/{batch_id}"
    charlie.get(theirs, expect=404)
    charlie.post(f"{theirs}/sheets", {"do": "publish", "version": "2"}, expect=404)
    # A record of another tool is none either, whoever asks.
    alice.post(f"{drawings(world)}/{world.rfi}/sheets", {"do": "publish"}, expect=404)
    assert sheets(app) == []


def test_files_of_another_batch_are_not_published_with_this_one(
    app: Flask, alice: Visitor, world: World
) -> None:
    mine, other = batch(alice, world, FLOOR), batch(alice, world, FRAMING)
    stray = ids(alice.get(other))[FRAMING[0]]
    page = alice.get(mine)
    form = page.form("/sheets")
    values = {**form.values, "sheet": [*form.values["sheet"], stray], "do": "publish"}
    answer = alice.post(form.action, values, csrf=False, expect=409)
    assert "removed or published since the page was opened" in answer.text
    assert sheets(app) == []


# ---- two people, and what happens meanwhile


def test_two_admins_over_one_batch_notice_each_other(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR)
    page = alice.get(here)
    press(alice, here, "save", {FLOOR[0]: {"title": "By the other"}})
    file_id = ids(page)[FLOOR[0]]
    typed = {f"sheet-{file_id}-title": "Mine", "do": "publish"}
    answer = alice.submit(page, "/sheets", expect=409, **typed)
    assert "This batch was changed" in answer.text
    assert sheets(app) == []
    assert table(answer)[FLOOR[0]]["title"] == "Mine"
    alice.submit(answer, "/sheets", do="publish")
    assert records(app, status="published")[0].title == "Mine"


def test_pressing_publish_twice_makes_one_drawing(app: Flask, alice: Visitor, world: World) -> None:
    here = batch(alice, world, FLOOR)
    page = alice.get(here)
    alice.submit(page, "/sheets", do="publish")
    answer = alice.submit(page, "/sheets", do="publish", expect=409)
    assert "This batch has been finished" in answer.text
    assert sheets(app) == [("A-101", "2", "published")]


def test_a_file_that_comes_after_the_page_was_made_waits_for_a_look(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR)
    page = alice.get(here)
    attach_upload(alice, f"{here}/attach/", FRAMING)
    line = alice.get(f"{here}/arrivals?shown=1", htmx=True)
    assert "1 more file has arrived." in line.text
    answer = alice.submit(page, "/sheets", do="publish")
    assert sheets(app) == [("A-101", "2", "published")]
    assert "In review" in answer.text
    assert list(table(answer)) == [FRAMING[0]]


def test_a_batch_is_finished_only_when_nothing_is_left_in_it(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR)
    answer = alice.post(f"{here}/move", {"move": "finish"}, expect=422)
    assert "1 file of this batch is neither published nor removed." in answer.text
    (file,) = copying.attachments(app)
    alice.post(f"/attachments/{file.public_id}/remove")
    alice.post(f"{here}/move", {"move": "finish"})
    assert records(app)[0].status == "reviewed"


def test_what_a_newer_version_has_replaced_is_not_published(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR, FRAMING)
    older, newer = copying.attachments(app)
    with app.app_context():
        one = update(Attachment).where(Attachment.id == older.id)
        db.session.execute(one.values(superseded_by_id=newer.id))
        db.session.commit()
        db.session.remove()
    assert list(table(alice.get(here))) == [FRAMING[0]]
    press(alice, here, "publish")
    assert [number for number, _rev, _status in sheets(app)] == ["S-201"]
    assert records(app, number=None)[0].status == "reviewed"
    kept = next(file for file in copying.attachments(app) if file.id == older.id)
    assert (kept.record_id, kept.removed_at) == (older.record_id, None)


# ---- from Box


def test_a_batch_from_box_keeps_where_every_file_came_from(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    here = batch(alice, world, dated_on="2025-02-14")
    copying.attach(alice, sandbox, f"{here}/attach/", IFC_A101, IFC_A102)
    copying.run_worker(app)
    press(alice, here, "publish")
    later = batch(alice, world, dated_on="2025-05-21")
    copying.attach(alice, sandbox, f"{later}/attach/", ASI_A102)
    copying.run_worker(app)
    proposed = table(alice.get(later))["A-102 Second Floor Plan (ASI-02).pdf"]
    assert (proposed["rev"], proposed["set"]) == ("1", "ASI-02")
    press(alice, later, "publish")
    assert sheets(app) == [
        ("A-101", "0", "published"),
        ("A-102", "0", "superseded"),
        ("A-102", "1", "published"),
    ]
    by_record = {one.id: one for one in records(app)}
    for file in copying.attachments(app):
        path = {"0": IFC_A102, "1": ASI_A102}[by_record[file.record_id].details["rev"]]
        path = IFC_A101 if by_record[file.record_id].number == "A-101" else path
        in_box = sandbox.world(path)
        assert (file.box_file_id, file.sha1, file.original_name) == (
            in_box["id"],
            in_box["sha1"],
            path.rpartition("/")[2],
        )
        assert file.box_path == path.rpartition("/")[0].replace("/", " / ")
        assert file.import_item_id is not None
    current = next(one for one in records(app, status="published") if one.number == "A-102")
    page = alice.get(address(world, current))
    assert "From Box / 02 ASI and Bulletins, verified" in page.text
    copying.check_invariant(app, sandbox)


def test_copies_still_on_their_way_wait_and_say_so(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    here = batch(alice, world, FRAMING)
    copying.attach(alice, sandbox, f"{here}/attach/", IFC_A101)
    page = alice.get(here)
    assert "1 file is still on its way from Box." in page.text
    assert list(table(page)) == [FRAMING[0]]
    page = press(alice, here, "publish")
    assert sheets(app) == [("S-201", "0", "published")]
    assert "In review" in page.text
    assert "1 file is still on its way from Box." in page.text
    answer = alice.post(f"{here}/move", {"move": "finish"}, expect=422)
    assert "1 file is still on its way from Box." in answer.text
    copying.run_worker(app)
    line = alice.get(f"{here}/arrivals?shown=0", htmx=True)
    assert "1 more file has arrived." in line.text
    assert "every 2s" not in line.html
    assert "Reviewed" in press(alice, here, "publish").text
    assert sheets(app) == [("A-101", "0", "published"), ("S-201", "0", "published")]
    copying.check_invariant(app, sandbox)


def test_a_copy_that_failed_keeps_its_batch_in_review(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    here = batch(alice, world, FRAMING)
    copying.attach(alice, sandbox, f"{here}/attach/", IFC_A101)
    sandbox.change("delete", IFC_A101)
    copying.run_worker(app)
    page = press(alice, here, "publish")
    assert "1 file did not arrive." in page.text
    assert [one.title for one in records(app, status="in_review")] == ["Sheets of today"]
    (item,) = copying.items(app)
    alice.post(f"/imports/items/{item.id}/cancel")
    assert "Reviewed" in alice.post(f"{here}/move", {"move": "finish"}).text


# ---- the list


def test_the_list_is_grouped_by_discipline_and_sorted_as_people_count(
    alice: Visitor, world: World, signed_in: SignIn
) -> None:
    publish(
        alice,
        world,
        ("A-1000 Stair Details.pdf", PDF),
        FLOOR,
        FRAMING,
        ("A-2 Site.pdf", PDF),
        area="East wing",
    )
    page = signed_in("rita").get(drawings(world))
    assert titles(page) == ["Site", "First Floor Plan", "Stair Details", "Second Floor Framing"]
    groups = ["".join(th.itertext()) for th in page.all("th", scope="rowgroup")]
    assert groups == ["Architectural", "Structural"]
    heads = [" ".join("".join(th.itertext()).split()) for th in page.all("th", scope="col")]
    assert heads == [
        "Number",
        "Title",
        "Revision",
        "Drawing date",
        "Received",
        "Set",
        "Status",
        "Files",
    ]
    for query, expected in (
        ("discipline=structural", ["Second Floor Framing"]),
        ("set=ASI-02", ["Second Floor Framing"]),
        ("area=East+wing&q=stair", ["Stair Details"]),
        ("area=West", []),
        ("q=a-101", ["First Floor Plan"]),
        ("status=obsolete", []),
    ):
        assert titles(signed_in("rita").get(f"{drawings(world)}?{query}")) == expected, query


def test_a_sheets_form_asks_for_its_fields_and_a_batchs_for_its_own(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR)
    assert "discipline" not in alice.get(f"{here}/edit").form("/edit").values
    press(alice, here, "publish")
    (floor,) = records(app, status="published")
    page = alice.get(f"{address(world, floor)}/edit")
    assert {"discipline", "rev", "set", "area"} <= set(page.form("/edit").values)
    suggested = {option.get("value") for option in page.all("option")}
    assert "IFC Set" in suggested
    alice.submit(page, "/edit", title="Ground Floor Plan", discipline="general")
    (floor,) = records(app, status="published")
    assert (floor.title, floor.grouping, floor.number) == ("Ground Floor Plan", "general", "A-101")
    answer = alice.post(f"{address(world, floor)}/number", {"number": "7"}, expect=422)
    assert "written by hand" in answer.text


def test_no_file_is_lost_whatever_becomes_of_its_batch(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = batch(alice, world, FLOOR, FRAMING)
    page = alice.get(here)
    framing = ids(page)[FRAMING[0]]
    form = page.form("/sheets")
    only = {**form.values, "do": "publish"}
    only["sheet"] = [one for one in form.values["sheet"] if one != framing]
    alice.post(form.action, only, csrf=False)
    alice.post(f"{here}/discard")
    assert sheets(app) == [("A-101", "2", "published")]
    with app.app_context():
        names = set(db.session.scalars(select(Attachment.name)))
        db.session.remove()
    # What was not published went with the batch, which comes back for thirty days.
    assert names == {FLOOR[0], FRAMING[0]}

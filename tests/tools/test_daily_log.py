"""The daily log: a page per day, notes that an admin approves, and the month that marks them."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.imports.conftest import CARDS
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.values import first_words

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
PNG = ("Site.png", b"\x89PNG not much of a picture")


def log(world: World) -> str:
    return f"/projects/{world.tower}/daily-log"


def today() -> date:
    return utcnow().date()


def note(
    visitor: Visitor, world: World, comments: str, day: date | None = None, **more: Any
) -> str:
    """Write a note on a day's page, and return its address."""
    page = visitor.get(f"{log(world)}?day={(day or today()).isoformat()}")
    page = visitor.submit(page, "/daily-log/notes")
    page = visitor.submit(page, "/edit", comments=comments, **more)
    return str(page.response.request.path)


def found(app: Flask, here: str) -> Record:
    with app.app_context():
        record = db.session.get_one(Record, int(here.rpartition("/")[2]))
        db.session.expunge_all()
        db.session.remove()
    return record


def on(visitor: Visitor, world: World, day: date) -> Page:
    return visitor.get(f"{log(world)}?day={day.isoformat()}")


def titles(page: Page) -> list[str]:
    return ["".join(a.itertext()) for a in page.all("a", class_="subject")]


def steps(page: Page) -> set[str]:
    return {b.get("value", "") for b in page.all("button", name="move")}


# ---- who writes what, and who approves


def test_an_admins_note_is_approved_at_once(app: Flask, alice: Visitor, world: World) -> None:
    record = found(app, note(alice, world, "Paving crew mobilized"))
    assert (record.status, record.is_open, record.number) == ("approved", False, None)


def test_a_standard_persons_note_waits_until_an_admin_approves_it(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = note(bob, world, "Waiting on RFI-004")
    assert found(app, here).status == "pending"
    assert "Pending" in on(bob, world, today()).text
    assert steps(bob.get(here)) == {"withdraw"}
    bob.post(f"{here}/move", {"move": "approve"}, expect=403)
    page = on(alice, world, today())
    alice.submit(page, f"{here}/move", move="approve")
    record = found(app, here)
    assert (record.status, record.is_open) == ("approved", False)
    assert "Approve: Pending → Approved" in alice.get(here).text


def test_an_admins_edit_does_not_approve(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = note(bob, world, "Nine workers")
    alice.submit(alice.get(f"{here}/edit"), "/edit", comments="Ten workers")
    record = found(app, here)
    assert (record.status, record.title) == ("pending", "Ten workers")


def test_authors_edit_and_attach_until_approved_and_nobody_else_of_their_level(
    alice: Visitor, bob: Visitor, signed_in: SignIn, world: World
) -> None:
    here = note(bob, world, "Light rain")
    paths = (f"{here}/edit", f"{here}/attach/?source=computer")
    for path in paths:
        bob.get(path)
        alice.get(path)
        signed_in("nell").get(path, expect=403)
        signed_in("rita").get(path, expect=403)
        signed_in("charlie").get(path, expect=404)
    alice.post(f"{here}/move", {"move": "approve"})
    for path in paths:
        bob.get(path, expect=403)
    alice.get(f"{here}/edit", expect=403)
    (photo,) = attach_upload(alice, f"{here}/attach/", ("Rain.jpg", b"\xff\xd8\xff"))
    alice.post(f"/attachments/{photo.public_id}/remove", expect=403)
    alice.post(f"{here}/move", {"move": "reopen"})
    for path in paths:
        bob.get(path)
    alice.post(f"{here}/move", {"move": "approve"})
    assert "Attach File(s)" not in on(bob, world, today()).text


def test_read_only_reads_the_day_and_writes_nothing(
    app: Flask, bob: Visitor, signed_in: SignIn, world: World
) -> None:
    here = note(bob, world, "Crane on site")
    rita = signed_in("rita")
    page = on(rita, world, today())
    assert titles(page) == ["Crane on site"]
    for word in ("New note", "Edit", "Approve", "Attach File(s)"):
        assert word not in page.text
    rita.post(f"{log(world)}/notes", {"day": today().isoformat()}, expect=404)
    rita.post(f"{here}/move", {"move": "withdraw"}, expect=403)
    assert found(app, here).status == "pending"


def test_another_company_sees_nothing(charlie: Visitor, bob: Visitor, world: World) -> None:
    here = note(bob, world, "Ours alone")
    for path in (log(world), f"{log(world)}/notes", here, f"{here}/files"):
        charlie.get(path, expect=404)
    bridge = f"/projects/{world.bridge}/daily-log"
    assert "Ours alone" not in charlie.get(bridge).text
    charlie.get(f"{bridge}/{here.rpartition('/')[2]}", expect=404)


def test_a_withdrawn_note_leaves_the_log_and_an_admin_can_put_it_back(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = note(bob, world, "Wrong project")
    bob.post(f"{here}/move", {"move": "withdraw"})
    assert titles(on(alice, world, today())) == []
    assert titles(alice.get(f"{log(world)}/notes")) == []
    assert titles(alice.get(f"{log(world)}/notes?status=withdrawn")) == ["Wrong project"]
    bob.post(f"{here}/move", {"move": "restore"}, expect=403)
    alice.post(f"{here}/move", {"move": "restore"})
    assert titles(on(alice, world, today())) == ["Wrong project"]
    bob.post(f"{here}/move", {"move": "strike"}, expect=403)


# ---- the day


def test_a_new_note_is_about_the_open_day_and_about_now(
    app: Flask, bob: Visitor, world: World
) -> None:
    day = today() - timedelta(days=3)
    page = bob.submit(on(bob, world, day), "/daily-log/notes")
    form = page.form("/edit").values
    assert form["dated_on"] == [day.isoformat()]
    assert form["time"][0]
    assert "title" not in form
    begun = page.response.request.path.removesuffix("/edit")
    # Begun and not saved: it stands on no day.
    assert "Not saved yet" not in on(bob, world, day).text
    bob.submit(page, "/edit", comments="Deck pour 2B")
    record = found(app, begun)
    assert (record.dated_on, record.title) == (day, "Deck pour 2B")


def test_a_note_nobody_has_saved_is_its_authors_alone(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    bob.post(f"{log(world)}/notes", {"day": today().isoformat()})
    assert "Not saved yet" not in on(alice, world, today()).text
    assert "1 note" not in on(alice, world, today()).text


def test_the_notes_of_a_day_stand_in_the_order_of_their_times(bob: Visitor, world: World) -> None:
    note(bob, world, "Afternoon", time="15:30")
    note(bob, world, "Morning", time="07:05")
    note(bob, world, "Yesterday", day=today() - timedelta(days=1), time="06:00")
    page = on(bob, world, today())
    assert titles(page) == ["Morning", "Afternoon"]
    assert "7:05 AM" in page.text
    assert "3:30 PM" in page.text


def test_the_day_before_and_the_day_after_are_a_link_away(bob: Visitor, world: World) -> None:
    page = on(bob, world, date(2024, 3, 1))
    hrefs = {a.get("aria-label", ""): a.get("href") for a in page.all("a")}
    assert hrefs["The day before, Feb 29, 2024"] == f"{log(world)}?day=2024-02-29"
    assert hrefs["The day after, Mar 2, 2024"] == f"{log(world)}?day=2024-03-02"
    assert hrefs["February 2024"] == f"{log(world)}?day=2024-02-29"
    assert hrefs["April 2024"] == f"{log(world)}?day=2024-04-01"
    assert page.form("/daily-log").values["day"] == ["2024-03-01"]


def test_the_month_marks_days_with_notes_and_days_with_issues(bob: Visitor, world: World) -> None:
    note(bob, world, "Quiet", day=date(2024, 2, 5))
    note(bob, world, "Fence hit", day=date(2024, 2, 12), is_issue="y")
    note(bob, world, "Fence reset", day=date(2024, 2, 12))
    note(bob, world, "Another month", day=date(2024, 5, 5), is_issue="y")
    page = on(bob, world, date(2024, 2, 1))
    days = {
        a.get("href", "").rpartition("=")[2]: " ".join("".join(a.itertext()).split())
        for table in page.all("table")
        for a in table.iter("{http://www.w3.org/1999/xhtml}a")
    }
    assert days["2024-02-05"] == "5, 1 note"
    assert days["2024-02-12"] == "12, 2 notes, 1 issue"
    assert days["2024-02-13"] == "13"
    assert next(iter(days)) == "2024-01-28"
    assert list(days)[-1] == "2024-03-02"
    assert "Issue" in on(bob, world, date(2024, 2, 12)).text


@pytest.mark.parametrize("day", ["", "soon", "2025-02-30", "0001-01-01", "9999-12-31", "%00"])
def test_what_is_no_day_is_today(bob: Visitor, world: World, day: str) -> None:
    page = bob.get(f"{log(world)}?day={day}")
    assert page.form("/daily-log").values["day"] == [today().isoformat()]


# ---- what a note says


def test_a_note_needs_its_day_and_words(app: Flask, bob: Visitor, world: World) -> None:
    page = bob.submit(on(bob, world, today()), "/daily-log/notes")
    here = page.response.request.path.removesuffix("/edit")
    answer = bob.submit(page, "/edit", comments="", expect=422)
    assert "This is needed." in answer.text
    bob.submit(page, "/edit", comments="Said", dated_on="", expect=422)
    bob.submit(page, "/edit", comments="Said", time="25:00", expect=422)
    assert found(app, here).saved_at is None


def test_everything_a_note_says_is_on_its_page_and_its_day(
    app: Flask, bob: Visitor, world: World
) -> None:
    here = note(
        bob,
        world,
        "Mullion scratched.\nPhotos follow.",
        is_issue="y",
        location="Building>Level 1>Lobby",
        vendor="1",
        time="13:40",
    )
    for page in (bob.get(here), on(bob, world, today())):
        for words in ("Mullion scratched.", "Photos follow.", "Issue", "Greyfold Glazing", "Lobby"):
            assert words in page.text, words
        assert "1:40 PM" in page.text
    assert found(app, here).title == "Mullion scratched."
    page = bob.submit(bob.get(f"{here}/edit"), "/edit", comments="Mullion replaced.")
    assert "Comments: Mullion scratched. Photos follow. → Mullion replaced." in page.text
    assert page.h1 == "Mullion replaced."


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", ""),
        ("\n\n  Rain \nall day", "Rain"),
        ("word " * 60, "word " * 22 + "word…"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_a_title_is_the_first_words(text: str, title: str) -> None:
    assert first_words(text) == title


# ---- all notes


def test_all_notes_can_be_filtered(bob: Visitor, alice: Visitor, world: World) -> None:
    note(bob, world, "First", day=date(2024, 2, 5), location="Building>Level 1")
    note(bob, world, "Second", day=date(2024, 2, 12), is_issue="y")
    note(alice, world, "Third", day=date(2024, 3, 1))
    every = f"{log(world)}/notes"
    assert titles(bob.get(every)) == ["Third", "Second", "First"]
    for query, expected in (
        ("dated_on_from=2024-02-12", ["Third", "Second"]),
        ("dated_on_until=2024-02-12", ["Second", "First"]),
        ("dated_on_from=2024-02-06&dated_on_until=2024-02-28", ["Second"]),
        ("dated_on_from=nonsense", ["Third", "Second", "First"]),
        (f"created_by={world.people['alice']}", ["Third"]),
        ("created_by=x", ["Third", "Second", "First"]),
        ("location=Building", ["First"]),
        ("status=pending", ["Second", "First"]),
        ("status=approved", ["Third"]),
        ("is_issue=yes", ["Second"]),
        ("is_issue=no", ["Third", "First"]),
        ("q=sec", ["Second"]),
    ):
        assert titles(bob.get(f"{every}?{query}")) == expected, query
    page = bob.get(f"{every}?dated_on_from=2024-02-12")
    assert page.form("/daily-log/notes").values["dated_on_from"] == ["2024-02-12"]
    assert page.links()["By day"] == log(world)
    assert "All notes" in on(bob, world, today()).links()
    assert titles(bob.get(f"{every}?sort=title&dir=asc", htmx=True)) == ["First", "Second", "Third"]
    assert bob.get(f"{every}?is_issue=yes&q=zzz").links()["Clear filters"] == every


# ---- files


def test_files_from_the_computer_hang_on_the_note_and_show_on_its_day(
    bob: Visitor, world: World
) -> None:
    here = note(bob, world, "See photo")
    (attached,) = attach_upload(bob, f"{here}/attach/", PNG)
    assert attached.tool_key == "daily_log"
    partial = bob.get(f"{log(world)}?day={today().isoformat()}", htmx=True)
    assert f"/attachments/{attached.public_id}" in partial.html
    assert "Attach File(s) to See photo" in partial.text


def test_files_come_from_box_while_the_note_is_pending(
    app: Flask, bob: Visitor, alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(bob, sandbox)
    here = note(bob, world, "Card on file")
    copying.attach(bob, sandbox, f"{here}/attach/", CARDS)
    day = on(bob, world, today())
    assert "every 2s" in day.html
    assert "Waiting for its turn." in day.text
    copying.run_worker(app)
    day = on(bob, world, today())
    assert "every 2s" not in day.html
    assert "Contact cards.vcf" in day.text
    copying.check_invariant(app, sandbox)


def test_a_copy_arrives_on_a_note_approved_meanwhile(
    app: Flask, bob: Visitor, alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(bob, sandbox)
    here = note(bob, world, "In time")
    copying.attach(bob, sandbox, f"{here}/attach/", CARDS)
    alice.post(f"{here}/move", {"move": "approve"})
    copying.run_worker(app)
    (item,) = copying.items(app)
    assert item.state == "attached"
    assert "Contact cards.vcf" in bob.get(here).text

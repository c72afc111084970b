"""Meetings: series and their numbers, agenda and minutes, items carried on, who is told."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.accounts.models import Notice
from webapp.core.database import db
from webapp.imports.models import ItemState
from webapp.records.models import Record, RecordRow

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

OAC, SAFETY = "Owner Architect Contractor", "Safety Stand-Down"
SIGN_IN_SHEET = "Quillmark Projects/2317 Larkspur MOB/08 Meetings/OAC/OAC 14 sign-in sheet.pdf"
OTHER_FILE = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Contact cards.vcf"


def tool(world: World) -> str:
    return f"/projects/{world.tower}/meetings"


def address(page: Page) -> str:
    return str(page.response.request.path)


def begin(visitor: Visitor, world: World, **values: Any) -> str:
    """Save a draft meeting and return its address."""
    page = visitor.post(tool(world))
    given = {"title": OAC, "dated_on": "2031-09-02", **values}
    return address(visitor.submit(page, "/edit", **given))


def attend(visitor: Visitor, here: str, person_id: int, expect: int = 200, **values: Any) -> Page:
    page = visitor.get(f"{here}/sections/attendees/add")
    return visitor.submit(page, "/add", person=str(person_id), expect=expect, **values)


def add_item(visitor: Visitor, here: str, title: str, expect: int = 200, **values: Any) -> Page:
    page = visitor.get(f"{here}/sections/items/add")
    return visitor.submit(page, "/add", title=title, expect=expect, **values)


def move(visitor: Visitor, here: str, step: str, expect: int = 200) -> Page:
    return visitor.post(f"{here}/move", {"move": step}, expect=expect)


def act(visitor: Visitor, here: str, action: str, expect: int = 200) -> Page:
    return visitor.post(f"{here}/act", {"action": action}, expect=expect)


def following(alice: Visitor, here: str) -> str:
    return address(act(alice, here, "next")).removesuffix("/edit")


def record(app: Flask, here: str) -> Record:
    with app.app_context():
        found = db.session.get_one(Record, int(here.rpartition("/")[2]))
        db.session.expunge_all()
        db.session.remove()
    return found


def rows(app: Flask, here: str, section: str) -> list[RecordRow]:
    with app.app_context():
        found = list(
            db.session.scalars(
                select(RecordRow)
                .where(
                    RecordRow.record_id == int(here.rpartition("/")[2]),
                    RecordRow.section == section,
                )
                .order_by(RecordRow.position, RecordRow.id)
            )
        )
        db.session.expunge_all()
        db.session.remove()
    return found


def numbers(app: Flask, here: str) -> list[str]:
    return [row.details["number"] for row in rows(app, here, "items")]


# ---- series and numbers


def test_meetings_are_counted_within_their_series_without_leading_zeros(
    app: Flask, alice: Visitor, world: World
) -> None:
    made = [begin(alice, world, title=title) for title in (OAC, OAC, SAFETY, OAC)]
    assert [record(app, here).number_sort for here in made] == [1, 2, 1, 3]
    page = alice.get(made[3])
    assert [dd.text for dd in page.all("dd", class_="no")] == ["3"]
    assert page.h1 == OAC
    assert "Owner Architect Contractor 3" in alice.get(f"{made[3]}/attach/?source=computer").text


def test_the_list_is_grouped_by_series_with_the_latest_first(alice: Visitor, world: World) -> None:
    begin(alice, world, title=SAFETY, dated_on="2031-08-14", starts_at="06:30", place="Parking")
    begin(alice, world, dated_on="2031-09-02")
    latest = begin(alice, world, dated_on="2031-09-16")
    page = alice.get(tool(world))
    groups = ["".join(th.itertext()) for th in page.all("th", scope="rowgroup")]
    assert groups == [OAC, SAFETY]
    first = next(a for a in page.all("a", class_="subject"))
    assert first.get("href") == latest
    for words in ("6:30 AM", "Parking", "Sep 16, 2031"):
        assert words in page.text, words
    found = alice.get(f"{tool(world)}?q=contractor 2").links()
    assert latest in found.values()
    assert SAFETY not in found


def test_a_meeting_put_into_another_series_is_counted_there(
    app: Flask, alice: Visitor, world: World
) -> None:
    begin(alice, world, title=SAFETY)
    here = begin(alice, world)
    alice.submit(alice.get(f"{here}/edit"), "/edit", title=SAFETY)
    assert record(app, here).number == f"{SAFETY} 2"
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", title="x" * 51, expect=422)
    assert "at most 50 characters" in page.text


def test_two_projects_and_two_companies_count_apart(
    app: Flask, alice: Visitor, charlie: Visitor, world: World
) -> None:
    here = begin(alice, world)
    page = charlie.post(f"/projects/{world.bridge}/meetings")
    there = address(charlie.submit(page, "/edit", title=OAC, dated_on="2031-01-01"))
    assert record(app, there).number_sort == 1
    for path in ("", "/edit", "/sections/items/add", "/attach/"):
        charlie.get(f"{here}{path}", expect=404)
    act(charlie, here, "next", expect=404)


def test_every_field_is_kept_and_shown(alice: Visitor, world: World) -> None:
    here = begin(
        alice,
        world,
        overview="Weekly.",
        conclusion="Back on schedule.",
        starts_at="10:00",
        ends_at="11:15",
        place="Site trailer",
        video_link="https://video.example/oac",
    )
    page = alice.get(here)
    for words in (
        "Weekly.",
        "Conclusion Back on schedule.",
        "Date Sep 2, 2031",
        "Start 10:00 AM",
        "End 11:15 AM",
        "Location Site trailer",
        "Time zone UTC",
    ):
        assert words in page.text, words
    assert page.links()["Join by video"] == "https://video.example/oac"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"dated_on": ""}, "This is needed."),
        ({"title": ""}, "Write a few words."),
        ({"starts_at": "11:00", "ends_at": "10:00"}, "The meeting ends before it starts."),
        ({"starts_at": "noon"}, "Not a valid time value."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_kept(
    app: Flask, alice: Visitor, world: World, values: dict[str, str], complaint: str
) -> None:
    here = begin(alice, world)
    before = record(app, here)
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", **values, expect=422)
    assert complaint in page.text
    after = record(app, here)
    assert (after.details, after.version) == (before.details, before.version)


def test_a_link_that_is_no_web_address_is_not_one_to_click(alice: Visitor, world: World) -> None:
    here = begin(alice, world, video_link="javascript:alert(1)")
    assert "Join by video" not in alice.get(here).text


# ---- from the draft to the minutes


def test_an_agenda_becomes_minutes_and_never_an_agenda_again(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    move(alice, here, "convert", expect=409)
    assert "Agenda" in move(alice, here, "publish").text
    page = move(alice, here, "convert")
    assert "Convert to minutes: Agenda → Minutes" in page.text
    assert record(app, here).status == "minutes"
    for step in ("publish", "convert"):
        move(alice, here, step, expect=409)
    assert record(app, here).status == "minutes"
    assert not list(page.all("button", name="move"))


def test_only_admins_make_change_and_attach_others_comment(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World
) -> None:
    here = begin(alice, world)
    move(alice, here, "publish")
    for name, attaches in (("bob", 403), ("rita", 403)):
        visitor = signed_in(name)
        assert OAC in visitor.get(tool(world)).links()
        assert "New Meeting" not in visitor.get(tool(world)).text
        visitor.post(tool(world), expect=404)
        for path in ("/edit", "/sections/items/add", "/sections/attendees/add"):
            visitor.get(f"{here}{path}", expect=403)
        visitor.get(f"{here}/attach/?source=computer", expect=attaches)
        move(visitor, here, "convert", expect=403)
        act(visitor, here, "distribute", expect=422)
    bob = signed_in("bob")
    page = bob.submit(bob.get(here), "/sections/comments", text="I will be late.")
    assert "I will be late." in page.text
    assert "Attach File(s)" not in page.text
    signed_in("rita").post(f"{here}/sections/comments", {"text": "Me too."}, expect=403)
    assert record(app, here).status == "agenda"


def test_private_and_draft_meetings_are_seen_by_attendees_and_admins_only(
    alice: Visitor, signed_in: SignIn, world: World
) -> None:
    draft = begin(alice, world, title="Buyout Review")
    private = begin(alice, world, is_private="y")
    move(alice, private, "publish")
    for here in (draft, private):
        attend(alice, here, world.people["rita"])
        for name, status in (("rita", 200), ("alice", 200), ("bob", 404), ("dora", 404)):
            signed_in(name).get(here, expect=status)
    assert OAC not in signed_in("bob").get(tool(world)).links()
    assert OAC in signed_in("rita").get(tool(world)).links()


def test_taking_an_attendee_away_hides_a_private_meeting_from_them(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world, is_private="y")
    move(alice, here, "publish")
    attend(alice, here, world.people["bob"])
    bob.get(here)
    (row,) = rows(app, here, "attendees")
    alice.post(f"{here}/rows/{row.id}/remove")
    bob.get(here, expect=404)


def test_nobody_attends_twice(app: Flask, alice: Visitor, world: World) -> None:
    here = begin(alice, world)
    attend(alice, here, world.people["bob"], attendance="present")
    attend(alice, here, world.people["dora"], attendance="distribution")
    page = attend(alice, here, world.people["bob"], expect=422)
    assert "Bob Test is among the attendees already." in page.text
    assert len(rows(app, here, "attendees")) == 2
    page = alice.get(here)
    assert "Present" in page.text
    assert "For Distribution Only" in page.text
    second = rows(app, here, "attendees")[1]
    edit = alice.get(f"{here}/rows/{second.id}/edit")
    alice.submit(edit, "/edit", person=str(world.people["bob"]), expect=422)


# ---- items


def test_items_are_numbered_by_the_system_and_a_number_is_not_given_twice(
    app: Flask, alice: Visitor, world: World
) -> None:
    begin(alice, world)
    here = begin(alice, world)
    for title in ("Deck pour", "Casework", "Shutdown"):
        add_item(alice, here, title, number="99.9", business="old")
    assert numbers(app, here) == ["2.1", "2.2", "2.3"]
    assert {row.details["business"] for row in rows(app, here, "items")} == {"new"}
    last = rows(app, here, "items")[2]
    alice.post(f"{here}/rows/{last.id}/remove")
    page = add_item(alice, here, "Hoist")
    assert numbers(app, here) == ["2.1", "2.2", "2.4"]
    assert "added Item: 2.4" in page.text


def test_an_items_fields_are_kept_and_shown(alice: Visitor, world: World) -> None:
    here = begin(alice, world)
    page = add_item(
        alice,
        here,
        "Casework",
        category="Design",
        description="Room 212.",
        assignees=str(world.people["bob"]),
        due_on="2031-09-09",
        priority="high",
        status="on_hold",
        minutes="Owner to confirm.",
    )
    for words in (
        "Casework",
        "Design",
        "Room 212.",
        "Bob Test",
        "Sep 9, 2031",
        "High",
        "On Hold",
        "Owner to confirm.",
    ):
        assert words in page.text, words
    bad = add_item(alice, here, "", expect=422, status="maybe")
    assert "This is needed." in bad.text
    assert "Choose one of these." in bad.text


def test_an_open_item_past_its_day_is_marked_overdue_and_a_closed_one_is_not(
    alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    add_item(alice, here, "Hoist", due_on="2024-01-02")
    add_item(alice, here, "Slab", due_on="2024-01-03", status="closed")
    move(alice, here, "publish")
    words = alice.get(here).text
    assert "Jan 2, 2024, overdue" in words
    assert "Jan 3, 2024, overdue" not in words


def test_the_ball_is_with_whom_open_items_name(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    add_item(alice, here, "Casework", assignees=str(world.people["bob"]))
    add_item(alice, here, "Shutdown", assignees=str(world.people["dora"]), status="on_hold")
    assert "Ball in court Alice Test" in alice.get(here).text
    assert "Ball in court Bob Test" in move(alice, here, "publish").text
    assert OAC in bob.get(f"{tool(world)}?ball=me").links()
    assert OAC in alice.get(f"{tool(world)}?assignees={world.people['dora']}").links()
    assert OAC not in alice.get(f"{tool(world)}?assignees={world.people['nell']}").links()
    item = rows(app, here, "items")[0]
    page = alice.submit(alice.get(f"{here}/rows/{item.id}/edit"), "/edit", status="closed")
    assert "Ball in court Nobody" in page.text


def test_an_item_of_several_is_up_to_each_of_them_and_goes_on_with_all(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    both = [str(world.people[name]) for name in ("dora", "bob")]
    page = add_item(alice, here, "Casework", assignees=both)
    assert "Dora Test, Bob Test" in page.text
    add_item(alice, here, "Shutdown", assignees=both[1:])
    assert "Ball in court Dora Test, Bob Test" in move(alice, here, "publish").text
    for name in ("bob", "dora"):
        assert OAC in alice.get(f"{tool(world)}?assignees={world.people[name]}").links()
    there = following(alice, here)
    assert "Ball in court Dora Test, Bob Test" in move(alice, there, "publish").text
    item = rows(app, there, "items")[0]
    edit = alice.get(f"{there}/rows/{item.id}/edit")
    assert sorted(edit.form("/edit").values["assignees"]) == sorted(both)
    page = alice.submit(edit, "/edit", assignees=both[1:])
    assert "Assignees: Dora Test, Bob Test → Bob Test" in page.text
    assert "Ball in court Bob Test" in page.text
    item = rows(app, there, "items")[0]
    nobody = alice.get(f"{there}/rows/{item.id}/edit")
    page = alice.submit(nobody, "/edit", assignees=[])
    assert "Assignees: Bob Test → empty" in page.text
    stranger = str(world.people["charlie"])
    edit = alice.get(f"{there}/rows/{item.id}/edit")
    answer = alice.submit(edit, "/edit", assignees=[stranger], expect=422)
    assert "Choose from these only." in answer.text


def test_an_item_from_when_it_had_one_assignee_keeps_them(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    add_item(alice, here, "Casework", assignees=str(world.people["bob"]))
    (item,) = rows(app, here, "items")
    old = {key: value for key, value in item.details.items() if key != "assignees"}
    with app.app_context():
        db.session.execute(update(RecordRow).where(RecordRow.id == item.id).values(details=old))
        db.session.commit()
        db.session.remove()
    edit = alice.get(f"{here}/rows/{item.id}/edit")
    assert edit.form("/edit").values["assignees"] == [str(world.people["bob"])]
    page = alice.submit(edit, "/edit", minutes="Asked.")
    assert "Assignees: " not in page.text
    assert "Ball in court Bob Test" in move(alice, here, "publish").text


# ---- the next meeting


def test_the_next_meeting_carries_on_what_is_not_closed(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(
        alice, world, starts_at="10:00", place="Trailer", overview="Weekly.", conclusion="Done."
    )
    attend(alice, here, world.people["bob"], attendance="present")
    attend(alice, here, world.people["dora"], attendance="absent")
    bob = str(world.people["bob"])
    add_item(alice, here, "Deck pour", status="closed")
    add_item(
        alice,
        here,
        "Casework",
        assignees=bob,
        due_on="2031-09-09",
        minutes="Asked.",
        priority="low",
    )
    add_item(alice, here, "Shutdown", status="on_hold", category="Schedule")
    move(alice, here, "publish")
    there = following(alice, here)
    new = record(app, there)
    assert (new.number, new.status) == (f"{OAC} 2", "draft")
    assert new.dated_on == date(2031, 9, 9)
    assert new.details["place"] == "Trailer"
    assert not new.details.get("overview")
    assert not new.details.get("conclusion")
    carried = rows(app, there, "items")
    assert [(row.details["number"], row.details["title"]) for row in carried] == [
        ("1.2", "Casework"),
        ("1.3", "Shutdown"),
    ]
    assert {row.details["business"] for row in carried} == {"old"}
    assert [row.status for row in carried] == ["open", "on_hold"]
    assert (carried[0].person_id, carried[0].due_on) == (world.people["bob"], date(2031, 9, 9))
    assert carried[0].details["priority"] == "low"
    assert not carried[0].details["minutes"]
    invited = rows(app, there, "attendees")
    assert [row.person_id for row in invited] == [world.people["bob"], world.people["dora"]]
    assert not any(row.details.get("attendance") for row in invited)
    # What was said then stays where it was said.
    old = rows(app, here, "items")
    assert [row.details["business"] for row in old] == ["new"] * 3
    assert old[1].details["minutes"] == "Asked."
    add_item(alice, there, "Hoist")
    assert numbers(app, there) == ["1.2", "1.3", "2.1"]


def test_an_item_keeps_its_number_through_the_whole_series(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    add_item(alice, here, "Casework")
    for _meeting in range(3):
        move(alice, here, "publish")
        here = following(alice, here)
    assert record(app, here).number_sort == 4
    assert numbers(app, here) == ["1.1"]
    assert record(app, here).dated_on == date(2031, 9, 23)


def test_the_ball_goes_on_with_the_items_once_the_next_agenda_is_out(
    alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    add_item(alice, here, "Casework", assignees=str(world.people["bob"]))
    move(alice, here, "publish")
    there = following(alice, here)
    assert "Ball in court Bob Test" in alice.get(here).text
    assert "Ball in court Bob Test" in move(alice, there, "publish").text
    assert "Ball in court Nobody" in alice.get(here).text


def test_meetings_of_a_series_lead_to_each_other_and_only_the_last_is_followed(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    act(alice, here, "next", expect=422)
    move(alice, here, "publish")
    there = following(alice, here)
    assert alice.get(here).links()["After: meeting 2"] == there
    assert alice.get(there).links()["Before: meeting 1"] == here
    assert "After: meeting 2" not in bob.get(here).links()
    page = act(alice, here, "next", expect=422)
    assert "There is no such step." in page.text
    assert "Next meeting" in alice.get(here).text  # the history says who made it


# ---- telling the attendees


def test_distributing_tells_the_attendees_and_says_who_did_it(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    for name in ("alice", "bob", "rita"):
        attend(alice, here, world.people[name])
    act(alice, here, "distribute", expect=422)
    move(alice, here, "publish")
    page = act(alice, here, "distribute")
    assert "Distributed by Alice Test" in page.text
    assert "Distributed today" in page.text
    assert "Alice Test Distribute" in page.text
    with app.app_context():
        told = set(
            db.session.scalars(select(Notice.person_id).where(Notice.kind == "meeting_distributed"))
        )
        db.session.remove()
    assert told == {world.people["bob"], world.people["rita"]}
    notice = bob.get("/notices").links()
    assert notice[f"{OAC} 1 was distributed."] == here
    assert "Distributed" in bob.get(tool(world)).text


# ---- files


def test_files_from_box_hang_on_the_meeting_and_on_its_items(
    app: Flask, sandbox: SandboxProcess, alice: Visitor, bob: Visitor, world: World
) -> None:
    link(alice, sandbox)
    here = begin(alice, world)
    attend(alice, here, world.people["bob"])
    page = add_item(alice, here, "Casework", assignees=str(world.people["bob"]))
    (item,) = rows(app, here, "items")
    (attendee,) = rows(app, here, "attendees")
    assert f"{here}/rows/{item.id}/attach/" in page.links().values()
    # Where the rows' own places for dropped files are.
    places = [tr.get("id") for tr in page.all("tr") if tr.get("data-drops") is not None]
    assert places == [f"row-{item.id}"]
    move(alice, here, "publish")
    copying.attach(alice, sandbox, f"{here}/attach/", SIGN_IN_SHEET)
    copying.attach(alice, sandbox, f"{here}/rows/{item.id}/attach/", OTHER_FILE)
    copying.run_worker(app)
    assert {one.state for one in copying.items(app)} == {ItemState.ATTACHED}
    hangs = {a.name: a.row_id for a in copying.attachments(app)}
    assert hangs == {"OAC 14 sign-in sheet.pdf": None, "Contact cards.vcf": item.id}
    copying.check_invariant(app, sandbox)
    text = bob.get(here).text
    assert "OAC 14 sign-in sheet.pdf" in text
    assert "Contact cards.vcf" in text
    bob.get(f"{here}/rows/{item.id}/attach/", expect=403)
    alice.get(f"{here}/rows/{attendee.id}/attach/", expect=403)
    # The files stay with the meeting they were shown in.
    there = following(alice, here)
    assert "Contact cards.vcf" not in alice.get(there).text

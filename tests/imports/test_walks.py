"""A walk through a chosen folder: whatever Box or people do meanwhile, its count is right."""

import tomllib
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from config import Config
from tests.imports.conftest import Bench
from tests.imports.test_people import disconnect, switch_box_off
from tests.picker.dialog import asked, line, trail
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.processes import Plumbline
from tests.support.world import World
from webapp.box.errors import (
    BoxBadRequest,
    BoxLinkBroken,
    BoxMisconfigured,
    BoxUnavailable,
)
from webapp.companies.models import CompanyMember, ProjectMember
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.sessions import SessionRow
from webapp.imports import importer, walker, walks
from webapp.imports.models import Tray
from webapp.imports.walk_models import FolderWalk, WalkFile, WalkState
from webapp.wiring import chores

PROJECT = "Quillmark Projects/2317 Larkspur MOB"
RFIS = f"{PROJECT}/05 RFIs"
WORLD = Path(__file__).resolve().parents[2] / "box_sandbox" / "world.toml"
ITEMS = {"host": "api", "path": "/items$"}

pytestmark = pytest.mark.wide


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "PACE_SECONDS", 0.0)


def choose(bench: Bench, path: str = RFIS, *, person: Visitor | None = None) -> Page:
    """Tick a folder and return the tray."""
    visitor = person or bench.person
    above, _, name = path.rpartition("/")
    folder = bench.sandbox.world(above or "/")
    page = visitor.get(f"{bench.target}box/folders/{folder['id']}")
    data = {"folder": line(page, name).whole, "in": trail(page)}
    return visitor.post(f"{bench.target}box/choose", data, htmx=True)


def fault(bench: Bench, action: dict[str, Any], *, skip: int = 0, times: int | None = 1) -> None:
    bench.sandbox.faults({"match": ITEMS, "skip": skip, "times": times, "action": action})


def walk(app: Flask) -> FolderWalk:
    with app.app_context():
        found = db.session.scalars(select(FolderWalk)).one()
        db.session.expunge_all()
        db.session.remove()
    return found


def found(app: Flask) -> list[str]:
    with app.app_context():
        names = list(db.session.scalars(select(WalkFile.name).order_by(WalkFile.id)))
        db.session.remove()
    return names


def hurry(bench: Bench) -> None:
    """Let what waits be due now, as if the time had passed."""
    with bench.app.app_context():
        db.session.execute(update(FolderWalk).values(run_after=None, leased_until=None))
        db.session.commit()


def text(bench: Bench) -> str:
    page = bench.person.get(f"{bench.target}tray", htmx=True)
    return page.text


def in_the_world() -> list[int]:
    """Return the sizes of the files in the folder and below it, as the sandbox has them."""
    folders: dict[str, Any] = tomllib.loads(WORLD.read_text(encoding="utf-8"))["tree"]["devon"]
    files = [
        file
        for path, folder in folders.items()
        if f"{path}/".startswith(f"/{RFIS}/")
        for file in folder.get("files", {}).values()
    ]
    return [file["size"] if isinstance(file, dict) else file for file in files]


def expect_whole(bench: Bench) -> None:
    """The folder is counted, and what was found is what is there, once."""
    one, sizes = walk(bench.app), in_the_world()
    assert (one.state, one.reason) == (WalkState.DONE, None)
    assert len(found(bench.app)) == len(sizes) > 10
    counts = walks.counts_of(one.counts)
    assert (counts.files, counts.fitting, counts.left) == (len(sizes), len(sizes), [])
    assert counts.size_bytes == sum(sizes)


@pytest.mark.parametrize(
    ("action", "reason", "sentence", "failures", "skip"),
    [
        (
            {"status": 429, "headers": {"Retry-After": "600"}},
            "box_busy",
            "Box asks us to wait",
            0,
            0,
        ),
        ({"status": 503, "headers": {"Retry-After": "9"}}, "box_busy", "Box asks us to wait", 0, 3),
        ({"status": 503}, "box_down", "Box is not answering", 1, 0),
        ({"status": 503}, "box_down", "Box is not answering", 1, 3),
        ({"status": 500, "body": "<html>oops</html>"}, "box_down", "Box is not answering", 1, 3),
        ({"status": 200, "body": "{"}, "box_down", "Box is not answering", 1, 3),
    ],
)
def test_a_page_that_box_does_not_give_is_asked_for_again(
    bench: Bench, action: dict[str, Any], reason: str, sentence: str, failures: int, skip: int
) -> None:
    choose(bench)
    fault(bench, action, skip=skip)
    bench.work()
    one = walk(bench.app)
    assert (one.state, one.reason, one.failures) == (WalkState.WALKING, reason, failures)
    assert one.run_after is not None
    assert one.run_after > utcnow()
    assert sentence in text(bench)
    assert "Counting:" in text(bench)
    hurry(bench)
    bench.work()
    expect_whole(bench)
    assert sentence not in text(bench)


def test_being_asked_to_wait_is_obeyed(bench: Bench) -> None:
    choose(bench)
    fault(bench, {"status": 429, "headers": {"Retry-After": "600"}})
    bench.work()
    bench.sandbox.forget_calls()
    bench.work()
    assert asked(bench.sandbox) == []
    waits = walk(bench.app).run_after
    assert waits is not None
    assert (waits - utcnow()).total_seconds() > 500


def test_after_twenty_failures_it_stops_and_can_be_counted_again(bench: Bench) -> None:
    choose(bench)
    fault(bench, {"status": 503}, times=importer.TRIES)
    for _try in range(importer.TRIES):
        assert walk(bench.app).state == WalkState.WALKING
        bench.work()
        hurry(bench)
    assert (walk(bench.app).state, walk(bench.app).reason) == (WalkState.STOPPED, "gave_up")
    page = bench.person.get(f"{bench.target}tray", htmx=True)
    assert "Counting stopped, because Box did not answer." in page.text
    form = page.form("/send")
    refused = bench.person.post(form.action, form.values, htmx=True, csrf=False, expect=409)
    assert "05 RFIs is not counted to its end." in refused.text
    (button,) = page.all("button", name="again")
    again = bench.person.post(f"{bench.target}tray", {"again": button.get("value")}, htmx=True)
    assert "Counting:" in again.text
    bench.work()
    expect_whole(bench)


def test_a_folder_that_box_does_not_open_is_left_out_and_the_rest_is_counted(bench: Bench) -> None:
    choose(bench)
    fault(bench, {"status": 404}, skip=2)
    bench.work()
    counts = walks.counts_of(walk(bench.app).counts)
    assert walk(bench.app).state == WalkState.DONE
    assert 0 < counts.fitting < len(in_the_world())
    (left,) = counts.left
    assert (left.code, left.count) == ("unopened", 1)
    assert left.names[0].startswith("05 RFIs / RFI-")
    assert "A folder that Box does not open for your account" in text(bench)


def test_a_list_that_changes_while_it_is_read_is_read_anew_and_counted_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(bench)
    monkeypatch.setattr(walker, "PAGE", 3)
    # A later page of a folder: Box does not know its marker any more.
    fault(bench, {"status": 400}, skip=1)
    bench.work()
    one = walk(bench.app)
    assert (one.reason, one.failures) == ("box_refused", 1)
    hurry(bench)
    bench.work()
    expect_whole(bench)


def test_pages_that_are_short_or_empty_end_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sandbox.change("short_pages", RFIS)
    choose(bench)
    monkeypatch.setattr(walker, "PAGE", 4)
    bench.work()
    expect_whole(bench)


def test_a_walk_longer_than_a_turn_lets_others_have_theirs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(bench)
    monkeypatch.setattr(walker, "PAGES_AT_ONCE", 1)
    bench.work()
    expect_whole(bench)
    assert walk(bench.app).fence > 5


# ---- links, switches, people


def test_a_link_that_has_ended_waits_and_goes_on_when_it_is_there_again(bench: Bench) -> None:
    choose(bench)
    bench.sandbox.revoke()
    bench.sandbox.advance(4000)
    expire_tokens(bench)
    bench.work()
    assert walk(bench.app).state == WalkState.WAITING_RELINK
    assert "Your Box link has ended. Counting goes on when you reconnect." in text(bench)
    assert found(bench.app) == []
    link(bench.person, bench.sandbox)
    bench.work()
    expect_whole(bench)


def expire_tokens(bench: Bench) -> None:
    """Let the access tokens be over, so that the next call needs another."""
    from webapp.box_link.models import BoxSessionToken

    with bench.app.app_context():
        db.session.execute(update(BoxSessionToken).values(expires_at=utcnow()))
        db.session.commit()


def test_a_token_that_runs_out_on_the_way_is_renewed(bench: Bench) -> None:
    choose(bench)
    gate = {"match": ITEMS, "skip": 2, "action": {"gate": "mid", "gate_at": "reply"}}
    bench.sandbox.faults(gate)
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    expire_tokens(bench)
    bench.sandbox.advance(4000)
    bench.sandbox.release("mid")
    worker.join(20)
    expect_whole(bench)


def test_signing_out_does_not_stop_it(bench: Bench) -> None:
    choose(bench)
    bench.person.submit(bench.page(), "/sign-out")
    bench.work()
    expect_whole(bench)


def in_the_middle(bench: Bench) -> Thread:
    """Have a worker wait for its third page."""
    bench.sandbox.faults({"match": ITEMS, "skip": 2, "action": {"gate": "mid"}})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    return worker


def let_go(bench: Bench, worker: Thread) -> int:
    """Let the worker go on; return how many calls it still made."""
    bench.sandbox.forget_calls()
    bench.sandbox.release("mid")
    worker.join(20)
    assert not worker.is_alive()
    return sum(call["path"].endswith("/items") for call in asked(bench.sandbox))


def test_taking_the_folder_out_stops_the_walk_at_the_call_under_way(bench: Bench) -> None:
    choose(bench)
    worker = in_the_middle(bench)
    walk_id = walk(bench.app).id
    bench.person.post(f"{bench.target}tray", {"folder": str(walk_id)}, htmx=True)
    assert let_go(bench, worker) <= 1
    assert found(bench.app) == []
    assert "05 RFIs" not in text(bench)


def test_clearing_the_tray_stops_it_as_well(bench: Bench) -> None:
    choose(bench)
    worker = in_the_middle(bench)
    bench.person.post(f"{bench.target}tray", {"item": "all"}, htmx=True)
    assert let_go(bench, worker) <= 1
    assert found(bench.app) == []


def test_choosing_it_again_meanwhile_counts_it_once(bench: Bench) -> None:
    choose(bench)
    worker = in_the_middle(bench)
    choose(bench)
    bench.sandbox.release("mid")
    worker.join(20)
    bench.work()
    expect_whole(bench)


def test_unlinking_stops_it_and_the_tray_says_so(bench: Bench) -> None:
    choose(bench)
    worker = in_the_middle(bench)
    disconnect(bench.person)
    assert let_go(bench, worker) <= 1
    assert (walk(bench.app).state, walk(bench.app).reason) == (WalkState.STOPPED, "unlinked")
    assert "Counting stopped, because Box was disconnected." in text(bench)
    # Nothing goes on by itself when another account may have been linked.
    link(bench.person, bench.sandbox)
    bench.work()
    assert walk(bench.app).state == WalkState.STOPPED


def test_what_was_chosen_in_another_account_is_not_looked_for_in_this_one(bench: Bench) -> None:
    choose(bench)
    bench.sandbox.revoke()
    bench.sandbox.advance(4000)
    expire_tokens(bench)
    bench.work()
    assert walk(bench.app).state == WalkState.WAITING_RELINK
    with bench.app.app_context():
        # As if another account had been linked since.
        db.session.execute(update(FolderWalk).values(box_login="somebody.else@boxmail.example"))
        db.session.commit()
    link(bench.person, bench.sandbox)
    bench.sandbox.forget_calls()
    bench.work()
    assert (walk(bench.app).state, walk(bench.app).reason) == (WalkState.STOPPED, "other_account")
    assert asked(bench.sandbox) == []


def test_a_company_that_switches_box_off_stops_it(bench: Bench, world: World) -> None:
    choose(bench)
    worker = in_the_middle(bench)
    switch_box_off(bench, world)
    assert let_go(bench, worker) <= 1
    assert (walk(bench.app).state, walk(bench.app).reason) == (WalkState.STOPPED, "switched_off")
    assert "because Box was switched off for this company" in text(bench)
    page = bench.person.get(f"{bench.target}tray", htmx=True)
    (button,) = page.all("button", name="again")
    bench.person.post(f"{bench.target}tray", {"again": button.get("value")}, htmx=True, expect=409)


def test_somebody_taken_off_the_project_counts_no_further(bench: Bench, world: World) -> None:
    bob = Visitor(bench.app).sign_in(world.email("bob"))
    link(bob, bench.sandbox)
    bench.record = f"/projects/{world.tower}/punch-list/{world.punch}"
    choose(bench, person=bob)
    with bench.app.app_context():
        bob_id = world.people["bob"]
        db.session.execute(delete(ProjectMember).where(ProjectMember.person_id == bob_id))
        db.session.execute(delete(CompanyMember).where(CompanyMember.person_id == bob_id))
        db.session.commit()
    bench.sandbox.forget_calls()
    bench.work()
    assert (walk(bench.app).state, walk(bench.app).reason) == (WalkState.STOPPED, "person_left")
    assert asked(bench.sandbox) == []


def test_a_mistake_of_our_own_ends_it_at_last(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_FAILPOINTS", "walk.before_commit=raise:a mistake")
    choose(bench)
    for _try in range(importer.TRIES + 1):
        bench.work()
        hurry(bench)
    assert (walk(bench.app).state, walk(bench.app).reason) == (WalkState.STOPPED, "internal")
    assert "Plumbline made a mistake" in text(bench)


def test_its_work_session_lives_as_long_as_the_walk(bench: Bench) -> None:
    choose(bench)
    with bench.app.app_context():
        db.session.execute(
            update(SessionRow)
            .where(SessionRow.kind == "work")
            .values(created_at=utcnow() - chores.TRAY_LIVES / 100)
        )
        db.session.commit()

    def work_sessions() -> int:
        with bench.app.app_context():
            chores.end_sessions()
            rows = db.session.scalars(select(SessionRow).where(SessionRow.kind == "work")).all()
            db.session.remove()
        return len(rows)

    assert work_sessions() == 1
    bench.work()
    assert walk(bench.app).state == WalkState.DONE
    assert work_sessions() == 0


def test_people_take_turns_and_nobody_walks_twice_at_once(bench: Bench) -> None:
    choose(bench)
    choose(bench, f"{PROJECT}/06 Submittals")
    with bench.app.app_context():
        first = walks.claim("one")
        assert first is not None
        assert walks.claim("two") is None
        assert walks.count_due(5) == 0
        walks.hand_back(first)
        second = walks.claim("two")
        assert second is not None
        assert second.walk_id != first.walk_id
        walks.hand_back(second)


def test_whatever_keeps_a_walk_waiting_has_a_sentence() -> None:
    waits = [BoxLinkBroken, BoxMisconfigured, BoxUnavailable, BoxBadRequest]
    for kind in waits:
        waits += kind.__subclasses__()
        assert kind.code in walks.TEXTS, kind


def test_a_lost_worker_changes_nothing_any_more(bench: Bench) -> None:
    choose(bench)
    with bench.app.app_context():
        slow = walks.claim("slow")
        assert slow is not None
        db.session.execute(update(FolderWalk).values(leased_until=utcnow()))
        db.session.commit()
        quick = walks.claim("quick")
        assert quick is not None
        for change in (walks.end, walks.hand_back, walks.wait_for_link):
            change(slow)
        walks.stop(slow, "internal")
        walks.wait(slow, 5, "box_down", is_failure=True)
        with pytest.raises(walks.LeaseLost):
            walks.next_step(db.session(), slow)
        db.session.rollback()
    one = walk(bench.app)
    assert (one.state, one.reason, one.leased_by) == (WalkState.WALKING, None, "quick")


def test_forgotten_trays_take_their_walks_along(bench: Bench) -> None:
    choose(bench)
    bench.work()
    with bench.app.app_context():
        db.session.execute(update(Tray).values(created_at=utcnow() - 2 * chores.TRAY_LIVES))
        db.session.commit()
        chores.sweep_drafts()
        db.session.remove()
    assert found(bench.app) == []


# ---- processes


@pytest.mark.processes
@pytest.mark.parametrize("moment", ["walk.before_commit", "walk.after_commit"])
def test_a_process_killed_on_the_way_costs_a_delay_and_nothing_else(
    bench: Bench, config: Config, tmp_path: Any, moment: str
) -> None:
    choose(bench)
    mark = tmp_path / "killed"
    with Plumbline(config, APP_FAILPOINTS=f"{moment}=kill9-once:{mark}") as plumbline:
        plumbline.wait_until(mark.exists, "the worker is killed")
        plumbline.kill()
        hurry(bench)
        plumbline.start()
        plumbline.wait_until(
            lambda: walk(bench.app).state == WalkState.DONE, "the folder is counted", seconds=60
        )
        log = plumbline.log
    expect_whole(bench)
    assert "TKN_" not in log

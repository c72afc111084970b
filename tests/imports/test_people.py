"""People sign out, unlink, lose their place or lose Box while copies are on their way."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import delete, update

from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from tests.support.copying import attach, run_worker
from tests.support.linking import answer_of_box, come_back, leave_for_box, link
from tests.support.pages import Visitor
from tests.support.world import World, add_record
from webapp.accounts.models import Person
from webapp.companies.models import Company, CompanyMember, Grant, ProjectMember
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.sessions import SessionRow
from webapp.imports import claims
from webapp.imports.models import ImportItem, ItemState
from webapp.records.models import Record

pytestmark = pytest.mark.wide


def stop_in_the_middle(bench: Bench) -> None:
    """Have the download of the next file wait at a gate, after a part of it."""
    gate = {"gate": "mid", "after_bytes": 3_000_000}
    bench.sandbox.faults({"match": {"host": "download"}, "action": gate})


def test_accepted_copies_finish_after_signing_out(bench: Bench) -> None:
    bench.attach(PERMIT)
    bench.person.submit(bench.page(), "/sign-out")
    bench.person.get(bench.record, expect=303)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_signing_out_in_the_middle_of_a_copy_does_not_stop_it(bench: Bench) -> None:
    bench.attach(PERMIT)
    stop_in_the_middle(bench)
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    bench.person.submit(bench.page(), "/sign-out")
    bench.sandbox.release("mid")
    worker.join(20)
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def disconnect(person: Visitor) -> None:
    person.submit(person.get("/settings/box/disconnect"), "/settings/box/disconnect")


def test_unlinking_cancels_what_waits_and_says_so(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    disconnect(bench.person)
    bench.work()
    assert [(i.state, i.reason) for i in bench.items()] == [(ItemState.CANCELLED, "unlinked")] * 2
    assert bench.attachments() == []
    assert "because Box was disconnected" in bench.page().text
    bench.check()


def test_nothing_is_attached_after_unlinking_was_answered(bench: Bench) -> None:
    bench.attach(PERMIT)
    stop_in_the_middle(bench)
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    disconnect(bench.person)
    bench.sandbox.release("mid")
    worker.join(20)
    assert (bench.item().state, bench.item().reason) == (ItemState.CANCELLED, "unlinked")
    assert bench.attachments() == []
    bench.check()


def test_cancelling_in_the_middle_stops_the_copy(bench: Bench) -> None:
    bench.attach(PERMIT)
    stop_in_the_middle(bench)
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    item = bench.item()
    bench.person.submit(bench.page(), f"/imports/items/{item.id}/cancel")
    bench.sandbox.release("mid")
    worker.join(20)
    assert (bench.item().state, bench.item().reason) == (ItemState.CANCELLED, "cancelled")
    assert bench.attachments() == []
    bench.check()


def switch_box_off(bench: Bench, world: World) -> None:
    address = f"/companies/{world.acme}/settings/box"
    form = bench.person.get(address).form(address)
    bench.person.post(address, {**form.values, "action": "off"}, csrf=False)


def test_a_company_that_switches_box_off_stops_its_copies(bench: Bench, world: World) -> None:
    bench.attach(PERMIT, CARDS)
    switch_box_off(bench, world)
    bench.work()
    assert {(i.state, i.reason) for i in bench.items()} == {(ItemState.CANCELLED, "switched_off")}
    assert bench.attachments() == []
    assert "because Box was switched off for Acme Builders" in bench.page().text
    bench.check()


def test_box_switched_off_between_the_last_byte_and_the_record_attaches_nothing(
    bench: Bench, world: World
) -> None:
    bench.attach(PERMIT)
    stop_in_the_middle(bench)
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    # Past the switch's own cancelling, as if it had happened a moment after the last look.
    with bench.app.app_context():
        db.session.execute(
            update(Company).where(Company.id == world.acme).values(box_switched_off=True)
        )
        db.session.commit()
    bench.sandbox.release("mid")
    worker.join(20)
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "switched_off")
    assert bench.attachments() == []
    bench.check()


@pytest.mark.parametrize("moment", ["before", "during"])
def test_somebody_taken_off_the_project_attaches_nothing_more(
    bench: Bench, world: World, moment: str
) -> None:
    bob = Visitor(bench.app).sign_in(world.email("bob"))
    link(bob, bench.sandbox)
    attach(bob, bench.sandbox, f"/projects/{world.tower}/punch-list/{world.punch}/attach/", PERMIT)
    if moment == "during":
        stop_in_the_middle(bench)
        worker = bench.work_beside()
        bench.sandbox.wait_for_gate("mid")
    with bench.app.app_context():
        db.session.execute(
            delete(ProjectMember).where(ProjectMember.person_id == world.people["bob"])
        )
        db.session.commit()
    if moment == "during":
        bench.sandbox.release("mid")
        worker.join(20)
    else:
        bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "person_left")
    assert bench.attachments() == []
    bench.check()


def test_a_record_that_is_gone_leaves_nothing_behind(bench: Bench, world: World) -> None:
    bench.attach(PERMIT)
    with bench.app.app_context():
        db.session.execute(delete(Record).where(Record.id == world.rfi))
        db.session.commit()
    bench.work()
    assert bench.items() == []
    assert bench.attachments() == []
    bench.check()


def test_copies_wait_for_an_ended_link_and_go_on_when_it_is_back(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    bench.sandbox.revoke()
    bench.work()
    assert {i.state for i in bench.items()} == {ItemState.WAITING_RELINK}
    page = bench.page()
    assert "Your Box link has ended" in page.text
    notices = bench.person.get("/notices").text
    assert notices.count("Your Box link has ended. Reconnect Box") == 1
    bench.check()
    link(bench.person, bench.sandbox)
    bench.work()
    assert {i.state for i in bench.items()} == {ItemState.ATTACHED}
    bench.check()


def test_one_persons_waiting_files_do_not_hold_up_anothers(bench: Bench, world: World) -> None:
    bob = Visitor(bench.app).sign_in(world.email("bob"))
    link(bob, bench.sandbox, login="rosa.imamura@boxmail.example")
    bench.attach(PERMIT, CARDS)
    target = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    hers = "Larkspur MOB - PM/Contingency log.xlsx"
    attach(bob, bench.sandbox, target, hers, login="rosa.imamura@boxmail.example")
    bench.sandbox.revoke()
    run_worker(bench.app)
    states = {item.person_id: item.state for item in bench.items()}
    assert states[world.people["alice"]] == ItemState.WAITING_RELINK
    assert states[world.people["bob"]] == ItemState.ATTACHED
    bench.check()


def test_only_the_chooser_retries_and_only_the_chooser_or_an_admin_cancels(
    bench: Bench, world: World
) -> None:
    bench.attach(PERMIT)
    item = bench.item()
    for name, cancel, retry in (("bob", 403, 403), ("rita", 403, 403), ("charlie", 404, 404)):
        visitor = Visitor(bench.app).sign_in(world.email(name))
        visitor.post(f"/imports/items/{item.id}/cancel", expect=cancel)
        visitor.post(f"/imports/items/{item.id}/retry", expect=retry)
        visitor.post(f"/imports/{item.batch_id}/retry", expect=retry)
    assert bench.item().state == ItemState.QUEUED
    stranger = Visitor(bench.app)
    stranger.post(f"/imports/items/{item.id}/cancel", expect=401)
    assert bench.item().state == ItemState.QUEUED


def test_a_cancelled_copy_can_be_tried_again_and_a_failed_one_put_away(bench: Bench) -> None:
    bench.attach(CARDS)
    item = bench.item()
    bench.person.submit(bench.page(), f"/imports/items/{item.id}/cancel")
    bench.work()
    assert bench.attachments() == []
    bench.person.post(f"/imports/items/{item.id}/retry")
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


ROSA = "rosa.imamura@boxmail.example"


@contextmanager
def held_before_attaching(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> Iterator[None]:
    """Copy up to the moment before the record is written, and go on afterwards."""
    fifo = folder / "gate.fifo"
    os.mkfifo(fifo)
    monkeypatch.setenv("APP_FAILPOINTS", f"import.before_attach=pause:{fifo}")
    worker = bench.work_beside()
    deadline = time.monotonic() + 10
    while not fifo.with_suffix(".reached").exists():
        assert time.monotonic() < deadline, "the copy never came to being attached"
        time.sleep(0.01)
    yield
    monkeypatch.delenv("APP_FAILPOINTS")
    fifo.write_text("go on")
    join(worker)


def join(worker: Thread) -> None:
    worker.join(20)
    assert not worker.is_alive()


def change(bench: Bench, statement: object) -> None:
    """Change rows past the application, as another process would a moment later."""
    with bench.app.app_context():
        db.session.execute(statement)  # type: ignore[call-overload]
        db.session.commit()


def switched_off(world: World) -> object:
    return update(Company).where(Company.id == world.acme).values(box_switched_off=True)


def withdrawn(world: World) -> object:
    gone = {"box_grant": Grant.WITHDRAWN, "box_withdrawn": True}
    return update(Company).where(Company.id == world.acme).values(gone)


def never_enabled(world: World) -> object:
    return update(Company).where(Company.id == world.acme).values(box_grant=Grant.NONE)


def out_of_the_company(world: World) -> object:
    return delete(CompanyMember).where(CompanyMember.person_id == world.people["alice"])


def deactivated(world: World) -> object:
    return update(Person).where(Person.id == world.people["alice"]).values(is_active=False)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (switched_off, "switched_off"),
        (withdrawn, "withdrawn"),
        (never_enabled, "not_enabled"),
        (out_of_the_company, "person_left"),
        (deactivated, "person_left"),
    ],
)
def test_what_changes_in_the_last_moment_before_attaching_still_counts(
    bench: Bench,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    happens: Callable[[World], object],
    reason: str,
) -> None:
    bench.attach(CARDS)
    with held_before_attaching(bench, monkeypatch, tmp_path):
        change(bench, happens(world))
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, reason)
    assert bench.attachments() == []
    bench.check()


def test_unlinking_in_the_last_moment_before_attaching_still_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.attach(CARDS)
    with held_before_attaching(bench, monkeypatch, tmp_path):
        disconnect(bench.person)
    assert (bench.item().state, bench.item().reason) == (ItemState.CANCELLED, "unlinked")
    assert bench.attachments() == []
    bench.check()


def test_a_record_deleted_in_the_last_moment_before_attaching_takes_the_copy_along(
    bench: Bench, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.attach(CARDS)
    with held_before_attaching(bench, monkeypatch, tmp_path):
        change(bench, delete(Record).where(Record.id == world.rfi))
    assert bench.items() == []
    assert bench.attachments() == []
    bench.check()


def test_a_record_that_is_closed_meanwhile_takes_what_was_accepted_before(
    bench: Bench, world: World
) -> None:
    with bench.app.app_context():
        record = add_record(db.session(), world, "rfis", "Bob asks", status="open", by="bob")
        db.session.commit()
    bob = Visitor(bench.app).sign_in(world.email("bob"))
    link(bob, bench.sandbox)
    target = f"/projects/{world.tower}/rfis/{record}/attach/"
    attach(bob, bench.sandbox, target, CARDS)
    bench.record = f"/projects/{world.tower}/rfis/{record}"
    bench.attach(SMALL)
    closed = update(Record).where(Record.id == record)
    change(bench, closed.values(status="closed", is_open=False))
    bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    bench.check()
    bob.get(f"{target}?source=computer", expect=403)


def test_a_cancelled_copy_stops_within_two_seconds(bench: Bench) -> None:
    bench.attach(PERMIT)
    slow = {"match": {"host": "download"}, "action": {"drip": 300_000}}
    bench.sandbox.faults(slow)
    worker = bench.work_beside()
    deadline = time.monotonic() + 10
    while not bench.item().bytes_done:
        assert time.monotonic() < deadline, "the copy never began"
        time.sleep(0.02)
    disconnect(bench.person)
    answered = time.monotonic()
    join(worker)
    assert time.monotonic() - answered < 2
    assert bench.attachments() == []
    bench.check()


def test_a_session_that_has_run_out_stops_no_accepted_copy(bench: Bench) -> None:
    bench.attach(CARDS)
    change(bench, delete(SessionRow).where(SessionRow.kind == "browser"))
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_a_copy_that_waited_longer_than_a_day_goes_on(bench: Bench) -> None:
    bench.attach(CARDS)
    change(bench, delete(SessionRow))
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_coming_back_with_another_account_ends_what_was_chosen_in_the_first(
    bench: Bench, world: World
) -> None:
    bench.attach(CARDS)
    bench.sandbox.revoke()
    bench.work()
    assert bench.item().state == ItemState.WAITING_RELINK
    answer = answer_of_box(bench.sandbox, leave_for_box(bench.person), login=ROSA)
    page = come_back(bench.person, answer)
    bench.person.post(page.response.request.path, {"choice": "replace"})
    bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.CANCELLED, "other_account")
    assert bench.attachments() == []
    bench.check()


def test_what_is_tried_again_through_another_account_names_that_account(bench: Bench) -> None:
    shared = "Quillmark Projects/2317 Larkspur MOB"
    bench.attach(CARDS)
    disconnect(bench.person)
    link(bench.person, bench.sandbox, login=ROSA)
    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(box_login="somebody.before@example.test"))
        db.session.commit()
    bench.sandbox.change("share", shared, **{"with": ROSA}, role="viewer")
    bench.person.post(f"/imports/items/{bench.item().id}/retry")
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    assert bench.attachments()[0].box_login == ROSA
    bench.check()


def test_whoever_has_least_under_way_goes_first(bench: Bench, world: World) -> None:
    bob = Visitor(bench.app).sign_in(world.email("bob"))
    link(bob, bench.sandbox)
    bench.attach(PERMIT, CARDS, W9, SMALL)
    target = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    attach(bob, bench.sandbox, target, SMALL)
    with bench.app.app_context():
        taken = [claims.claim("a worker") for _turn in range(5)]
    people = [job.person_id for job in taken if job is not None]
    alice, bobs = world.people["alice"], world.people["bob"]
    assert people == [alice, bobs, alice, alice, alice]


def test_nobody_has_more_than_a_dozen_copies_under_way(bench: Bench) -> None:
    folder = "Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
    page = bench.person.get(f"{bench.target}box/folders/{bench.sandbox.world(folder)['id']}")
    tokens = [box.get("value") for box in page.all("input", name="choice")][:15]
    form = page.form("box/choose")
    bench.person.post(f"{bench.target}box/choose", {**form.values, "choice": tokens}, csrf=False)
    bench.person.submit(bench.person.get(bench.target), "/send")
    with bench.app.app_context():
        taken = [claims.claim("a worker") for _turn in range(15)]
        assert sum(job is not None for job in taken) == claims.PER_PERSON
        first = taken[0]
        assert first is not None
        claims.hand_back(first)
        assert claims.claim("a worker") is not None
        assert claims.claim("a worker") is None


def test_a_slow_workers_writes_change_nothing_after_another_has_taken_over(bench: Bench) -> None:
    bench.attach(CARDS)
    with bench.app.app_context():
        slow = claims.claim("a slow worker")
        assert slow is not None
        over = utcnow() - claims.LEASE
        db.session.execute(update(ImportItem).values(leased_until=over))
        db.session.commit()
        fast = claims.claim("a fast worker")
        assert fast is not None
        assert fast.fence == slow.fence + 1
        assert not claims.fail(slow, "internal")
        claims.wait(slow, 5, "box_down", is_failure=True)
        claims.hand_back(slow)
        with pytest.raises(claims.LeaseLost):
            claims.beat(slow, 1)
    item = bench.item()
    assert (item.state, item.leased_by, item.failures) == (ItemState.COPYING, "a fast worker", 0)

"""People sign out, unlink, lose their place or lose Box while copies are on their way."""

import pytest
from sqlalchemy import delete, update

from tests.imports.conftest import CARDS, PERMIT, Bench
from tests.support.copying import attach, run_worker
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.companies.models import Company, ProjectMember
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState
from webapp.records.models import Record


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
    assert {(i.state, i.reason) for i in bench.items()} == {(ItemState.CANCELLED, "feature_off")}
    assert bench.attachments() == []
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
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "feature_off")
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
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "no_access")
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
    assert isinstance(bench.item(), ImportItem)
    bench.check()

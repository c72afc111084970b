"""The page of a batch: progress while something moves, and what can be done about each copy."""

from collections.abc import Callable

import pytest

from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.imports.models import ItemState

SignIn = Callable[[str], Visitor]


def batch_page(bench: Bench) -> str:
    return f"/imports/{bench.items()[0].batch_id}"


def polls(page: Page) -> bool:
    (section,) = page.all("section", id="imports-progress")
    return "every" in section.get("hx-trigger", "")


def fail_all(bench: Bench) -> None:
    denied = {"status": 403, "json": {"type": "error", "code": "access_denied", "message": "x"}}
    match = {"host": "api", "path": "/content$"}
    bench.sandbox.faults({"match": match, "times": None, "action": denied})
    bench.work()
    bench.sandbox.clear_faults()


def test_the_page_asks_again_only_while_something_moves(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    here = batch_page(bench)
    page = bench.person.get(here)
    assert page.h1 == "Copies from Box"
    assert page.text.count("Waiting for its turn.") == 2
    assert polls(page)
    assert polls(bench.person.get(here, htmx=True))
    bench.work()
    page = bench.person.get(here, htmx=True)
    assert not polls(page)
    assert page.text.count("Attached") == 2
    assert not polls(bench.person.get(here))


def test_progress_shows_how_much_has_come(bench: Bench) -> None:
    bench.attach(PERMIT)
    gate = {"gate": "mid", "after_bytes": 3_000_000}
    bench.sandbox.faults({"match": {"host": "download"}, "action": gate})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    page = bench.person.get(batch_page(bench))
    (bar,) = page.all("progress")
    assert bar.get("max") == str(bench.item().size_bytes)
    assert "from Box" in page.text
    bench.sandbox.release("mid")
    worker.join(20)
    assert "Attached" in bench.person.get(batch_page(bench)).text


def test_everything_works_without_script(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS, SMALL)
    page = bench.person.get(batch_page(bench))
    assert page.links()["Go to the record"] == bench.record
    first = bench.items()[0]
    back = bench.person.submit(page, f"/imports/items/{first.id}/cancel")
    assert back.response.request.path == bench.record
    page = bench.person.get(batch_page(bench))
    assert "Cancelled." in page.text
    bench.person.submit(page, f"/imports/items/{first.id}/retry")
    bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    page = bench.person.get(batch_page(bench))
    assert [f.get("action") for f in page.all("form") if "/imports" in f.get("action", "")] == []
    bench.check()


def test_the_rest_of_a_batch_can_be_cancelled_at_once(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    bench.work()
    bench.attach(SMALL, W9)
    other = bench.items()[2]
    page = bench.person.get(f"/imports/{other.batch_id}")
    rest = next(f for f in page.all("form") if "Cancel the rest" in "".join(f.itertext()))
    bench.person.post(rest.get("action", ""), {"rest": "1"})
    states = [item.state for item in bench.items()]
    assert states == [ItemState.ATTACHED] * 2 + [ItemState.CANCELLED] * 2
    bench.work()
    assert len(bench.attachments()) == 2
    bench.check()


def test_cancelling_the_rest_leaves_other_batches_alone(bench: Bench) -> None:
    bench.attach(PERMIT)
    bench.attach(CARDS, SMALL)
    _first, second, _third = bench.items()
    bench.person.post(f"/imports/items/{second.id}/cancel", {"rest": "1"})
    bench.work()
    assert [item.state for item in bench.items()] == [
        ItemState.ATTACHED,
        ItemState.CANCELLED,
        ItemState.CANCELLED,
    ]
    bench.check()


def test_all_that_failed_can_be_tried_again_at_once(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS, SMALL)
    cancelled = bench.items()[2]
    bench.person.post(f"/imports/items/{cancelled.id}/cancel")
    fail_all(bench)
    page = bench.person.get(batch_page(bench))
    assert page.text.count("may not download it any more") == 2
    after = bench.person.submit(page, f"{batch_page(bench)}/retry")
    assert after.h1 == "Copies from Box"
    bench.work()
    assert [item.state for item in bench.items()] == [
        ItemState.ATTACHED,
        ItemState.ATTACHED,
        ItemState.CANCELLED,
    ]
    bench.check()


def test_one_copy_can_be_tried_again_alone(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    fail_all(bench)
    second = bench.items()[1]
    answer = bench.person.post(f"/imports/items/{second.id}/retry", htmx=True, expect=204)
    assert "files-changed" in answer.response.headers["HX-Trigger"]
    bench.work()
    assert [item.state for item in bench.items()] == [ItemState.FAILED, ItemState.ATTACHED]
    bench.check()


def test_what_has_arrived_is_neither_cancelled_nor_copied_again(bench: Bench) -> None:
    bench.attach(CARDS)
    bench.work()
    item = bench.item()
    bench.person.post(f"/imports/items/{item.id}/cancel")
    bench.person.post(f"/imports/items/{item.id}/retry")
    bench.person.post(f"/imports/{item.batch_id}/retry")
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    assert len(bench.attachments()) == 1
    bench.check()


@pytest.mark.parametrize(("name", "status"), [("rita", 200), ("charlie", 404), ("nell", 404)])
def test_the_page_is_for_those_who_see_the_record(
    bench: Bench, signed_in: SignIn, name: str, status: int
) -> None:
    bench.attach(CARDS)
    page = signed_in(name).get(batch_page(bench), expect=status)
    assert ("Contact cards.vcf" in page.text) is (status == 200)
    if status == 200:
        forms = [form.get("action", "") for form in page.all("form")]
        assert not [action for action in forms if action.startswith("/imports")]


def test_an_admin_stops_anothers_copies_but_does_not_start_them(
    bench: Bench, bob: Visitor, world: World
) -> None:
    from tests.support.copying import attach
    from tests.support.linking import link

    link(bob, bench.sandbox)
    target = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    attach(bob, bench.sandbox, target, CARDS, SMALL)
    page = bench.person.get(batch_page(bench))
    first = bench.items()[0]
    bench.person.submit(page, f"/imports/items/{first.id}/cancel")
    assert bench.items()[0].state == ItemState.CANCELLED
    page = bench.person.get(batch_page(bench))
    assert "Try again" not in page.text
    bench.person.post(f"/imports/items/{first.id}/retry", expect=403)
    bench.person.post(f"/imports/{first.batch_id}/retry", expect=403)


@pytest.mark.parametrize("address", ["/imports/999999", "/imports/items/999999/cancel"])
def test_a_batch_that_never_was_is_not_found(bench: Bench, address: str) -> None:
    if address.endswith("cancel"):
        bench.person.post(address, expect=404)
    else:
        bench.person.get(address, expect=404)

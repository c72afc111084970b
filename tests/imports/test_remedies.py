"""Whatever stops a copy, its person reads what happened, what was tried, and presses one button."""

from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from sqlalchemy import update

from tests.imports.conftest import CARDS, SMALL, Bench
from tests.support.pages import XHTML, Page, Visitor
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.formats import clock_time
from webapp.imports.models import ImportItem, ItemState
from webapp.imports.reasons import PATIENT, REASONS, Remedy
from webapp.records.models import Record

FACTS = {
    "done": "1.2 MB",
    "size": "8.1 MB",
    "company": "Acme Builders",
    "name": "Studio Fennimore",
    "login": "rosa@boxmail.example",
    "now": "devon@boxmail.example",
}
WORDS = {
    Remedy.RETRY: "Try again",
    Remedy.RECONNECT: "Reconnect Box",
    Remedy.CHOOSE: "Choose again",
    Remedy.ASK: "See whom to ask",
    Remedy.HELP: "Help with Box",
    Remedy.DISMISS: "Dismiss",
}
LEADS_TO = {
    Remedy.RECONNECT: "Box Integration",
    Remedy.CHOOSE: "Attach files to RFI-001",
    Remedy.ASK: "Box for Acme Builders",
    Remedy.HELP: "Link your Box in seven steps",
}


def put(bench: Bench, **values: Any) -> None:
    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(**values))
        db.session.commit()


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def line(page: Page) -> Element:
    (found,) = [li for li in page.all("li") if "file" in (li.get("class") or "").split()]
    return found


def buttons(shown: Element) -> dict[str, Element]:
    """Return what can be pressed in words, with the form or the link it is; icons are not words."""
    found = {}
    for form in shown.iter(f"{XHTML}form"):
        button = next(form.iter(f"{XHTML}button"))
        if button.get("aria-label") is None:
            found[words(button)] = form
    for link in shown.iter(f"{XHTML}a"):
        if "btn" in (link.get("class") or ""):
            found[words(link)] = link
    return found


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_copy_that_ended_says_why_and_has_the_one_button_that_helps(
    bench: Bench, code: str
) -> None:
    bench.attach(CARDS)
    state = ItemState.CANCELLED if code in {"unlinked", "switched_off"} else ItemState.FAILED
    put(bench, state=state, reason=code, facts=FACTS, failures=3, finished_at=utcnow())
    if code == "cancelled":
        assert "Contact cards" not in bench.page().text
        return
    shown = line(bench.page())
    reason = REASONS[code]
    assert reason.said % FACTS in words(shown)
    assert reason.advice in words(shown)
    assert "We tried 3 times, last at" in words(shown)
    (said,) = buttons(shown)
    assert said.startswith(WORDS[reason.remedy])
    press(bench, buttons(shown)[said], reason.remedy)


@pytest.mark.parametrize(
    "code", sorted(code for code in REASONS if REASONS[code].remedy is Remedy.CHOOSE)
)
def test_where_nothing_may_be_chosen_any_more_a_copy_says_what_is_left_to_do(
    bench: Bench, code: str
) -> None:
    bench.attach(CARDS)
    put(bench, state=ItemState.FAILED, reason=code, facts=FACTS, finished_at=utcnow())
    with bench.app.app_context():
        record_id = bench.item().record_id
        values = {"status": "closed", "is_open": False}
        db.session.execute(update(Record).where(Record.id == record_id).values(**values))
        db.session.commit()
    bench.person.get(f"{bench.record}/attach/", expect=403)
    shown = line(bench.page())
    reason = REASONS[code]
    assert reason.closed.startswith("You can no longer choose files here")
    assert reason.closed in words(shown)
    assert reason.advice not in words(shown)
    said = [text.split(" Contact")[0] for text in buttons(shown)]
    assert said == (["Try again"] if "try again" in reason.closed.lower() else [])


def press(bench: Bench, button: Element, remedy: Remedy) -> None:
    if remedy in LEADS_TO:
        assert LEADS_TO[remedy] in bench.person.get(button.get("href", "")).text
        return
    bench.person.post(button.get("action", ""))
    wanted = ItemState.QUEUED if remedy is Remedy.RETRY else ItemState.CANCELLED
    assert bench.item().state == wanted
    if remedy is Remedy.DISMISS:
        assert "Contact cards" not in bench.page().text


@pytest.mark.parametrize("code", sorted(code for code in REASONS if REASONS[code].waits))
def test_a_copy_that_waits_says_what_for_and_until_when(bench: Bench, code: str) -> None:
    bench.attach(CARDS)
    until = utcnow() + timedelta(minutes=7)
    is_relink = code == "relink_needed"
    state = ItemState.WAITING_RELINK if is_relink else ItemState.QUEUED
    put(bench, state=state, reason=code, facts=FACTS, run_after=None if is_relink else until)
    shown = line(bench.page())
    with bench.app.test_request_context():
        when = clock_time(until)
    said = words(shown)
    assert REASONS[code].waits in said
    assert REASONS[code].advice not in said
    if code == "box_busy":
        assert f"Box asks us to wait until {when.split()[0][:-2]}" in said
    elif not is_relink:
        assert "Not before" in said
    pressable = {text.split(" Contact")[0] for text in buttons(shown)}
    assert "Cancel copying" in pressable
    assert any("Reconnect Box" in said for said in pressable) is is_relink
    assert ("Try now" in pressable) is (code not in PATIENT and not is_relink)


def test_what_waits_can_be_tried_now_but_not_against_boxs_word(bench: Bench) -> None:
    bench.attach(CARDS)
    later = utcnow() + timedelta(minutes=7)
    item = bench.item()
    put(bench, reason="box_busy", run_after=later)
    bench.person.post(f"/imports/items/{item.id}/retry")
    bench.work()
    assert bench.item().state == ItemState.QUEUED
    put(bench, reason="storage_full", run_after=later)
    bench.person.post(f"/imports/items/{item.id}/retry")
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_somebody_else_reads_what_happened_and_is_offered_nothing(
    bench: Bench, signed_in: Any
) -> None:
    bench.attach(CARDS)
    put(bench, state=ItemState.FAILED, reason="no_permission_in_box", finished_at=utcnow())
    shown = line(signed_in("rita").get(bench.record))
    assert "may not download it any more" in words(shown)
    assert REASONS["no_permission_in_box"].advice not in words(shown)
    assert buttons(shown) == {}


def test_all_that_failed_on_a_record_is_tried_again_at_once(bench: Bench, bob: Visitor) -> None:
    bench.attach(CARDS, SMALL)
    page = bench.page()
    assert "Try all again that failed" not in page.text
    put(bench, state=ItemState.FAILED, reason="box_down", finished_at=utcnow())
    assert "Try all again that failed" not in bob.get(bench.record).text
    bob.post("/imports/retry", {"record": bench.record.rpartition("/")[2]})
    assert {item.state for item in bench.items()} == {ItemState.FAILED}
    bench.person.post("/imports/retry", {"record": "999999"})
    assert {item.state for item in bench.items()} == {ItemState.FAILED}
    bench.person.submit(bench.page(), "/imports/retry")
    bench.work()
    assert {item.state for item in bench.items()} == {ItemState.ATTACHED}
    bench.check()

"""The company's rules once more when a file is copied: Box may say something else of it by now."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import update

from tests.imports.conftest import CARDS, PERMIT, Bench
from tests.picker.dialog import AS_BUILTS, TRENCH
from tests.support.pages import Page, Visitor
from tests.support.ruling import set_rules
from tests.support.world import World
from tests.tools.test_printing import told
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState

OURS = "boxmail.example"


def looked_at(bench: Bench, path: str) -> int:
    """Return how often the importer asked Box about a file before its content."""
    file = f"/2.0/files/{bench.sandbox.world(path)['id']}"
    return sum(call["path"] == file for call in bench.sandbox.calls()["log"])


def send(bench: Bench, reason: str) -> Page:
    return bench.person.submit(bench.person.get(f"{bench.target}tray"), "/send", reason=reason)


@pytest.mark.parametrize(
    ("rules", "code", "sentence"),
    [
        ({"classified": "block"}, "classified", "does not take files classified as Internal."),
        (
            {"named": {"Internal": "reason"}},
            "classified_reason",
            "asks for a reason for files classified as Internal.",
        ),
    ],
)
def test_a_file_that_is_classified_before_it_is_copied_is_refused_in_words(
    bench: Bench, world: World, rules: dict[str, object], code: str, sentence: str
) -> None:
    set_rules(bench.person, world, **rules)  # type: ignore[arg-type]
    bench.attach(CARDS, PERMIT)
    bench.sandbox.change("classify", CARDS, name="Internal")
    bench.work()
    cards, permit = bench.items()
    assert (cards.state, cards.reason) == (ItemState.FAILED, code)
    assert permit.state == ItemState.ATTACHED
    assert f"Acme Builders {sentence}" in bench.page().text
    assert f"Acme Builders {sentence}" in bench.person.get("/notices").text
    bench.check()


def test_a_rule_made_after_the_file_was_sent_holds_for_it(bench: Bench, world: World) -> None:
    bench.attach(TRENCH)
    set_rules(bench.person, world, outside="block")
    bench.work()
    assert bench.item().reason == "owned_outside"
    assert "does not take files owned by Bryn Castellane." in bench.page().text
    set_rules(bench.person, world, outside="block", ours=OURS)
    bench.person.post(f"/imports/items/{bench.item().id}/retry")
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_a_classification_during_the_transfer_is_too_late(bench: Bench, world: World) -> None:
    """What Box said when the copy began counts; the copy is of that moment."""
    set_rules(bench.person, world, classified="block")
    bench.attach(PERMIT)
    gate = {"gate": "mid", "after_bytes": 100_000}
    bench.sandbox.faults({"match": {"host": "download"}, "action": gate})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    bench.sandbox.change("classify", PERMIT, name="Internal")
    bench.sandbox.release("mid")
    worker.join(20)
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_a_rule_made_during_the_transfer_holds_for_it(bench: Bench, world: World) -> None:
    set_rules(bench.person, world, outside="warn")
    bench.attach(TRENCH)
    gate = {"gate": "mid", "after_bytes": 100_000}
    bench.sandbox.faults({"match": {"host": "download"}, "action": gate})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    set_rules(bench.person, world, outside="block")
    bench.sandbox.release("mid")
    worker.join(20)
    assert bench.item().reason == "owned_outside"
    assert bench.attachments() == []
    bench.check()


@contextmanager
def halfway(bench: Bench) -> Iterator[None]:
    """Hold the copy in the middle of its bytes meanwhile, then let it come to its end."""
    gate = {"gate": "mid", "after_bytes": 100_000}
    bench.sandbox.faults({"match": {"host": "download"}, "action": gate})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    yield
    bench.sandbox.release("mid")
    worker.join(20)
    assert not worker.is_alive()


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"outside": "block"}, "owned_outside"),
        ({"outside": "reason"}, "owned_outside_reason"),
        ({"classified": "block"}, "classified"),
        ({"outside": "warn"}, None),
        ({"outside": "block", "ours": OURS}, None),
    ],
)
def test_the_first_rule_a_company_makes_holds_for_copies_under_way(
    bench: Bench, world: World, rules: dict[str, str], code: str | None
) -> None:
    """There was nothing to ask Box when the copy began."""
    bench.sandbox.change("classify", TRENCH, name="Internal")
    bench.attach(TRENCH)
    bench.sandbox.forget_calls()
    with halfway(bench):
        unasked = looked_at(bench, TRENCH)
        set_rules(bench.person, world, **rules)  # type: ignore[arg-type]
    assert bench.item().reason == code
    assert [a.name for a in bench.attachments()] == ([] if code else [bench.item().name])
    # Once, and for what has arrived once more after the last copy: whether there is a newer one.
    assert looked_at(bench, TRENCH) == unasked + (1 if code else 2)
    bench.check()


def test_rules_taken_back_while_a_copy_runs_hold_it_up_no_more(bench: Bench, world: World) -> None:
    bench.attach(TRENCH)
    with halfway(bench):
        set_rules(bench.person, world, outside="block")
        set_rules(bench.person, world)
    assert bench.item().state == ItemState.ATTACHED
    bench.check()


def test_where_box_cannot_be_asked_about_a_first_rule_the_bytes_wait_for_it(
    bench: Bench, world: World
) -> None:
    bench.attach(TRENCH)
    file = f"/files/{bench.sandbox.world(TRENCH)['id']}$"
    with halfway(bench):
        set_rules(bench.person, world, outside="warn")
        down = {"match": {"host": "api", "path": file}, "times": 1, "action": {"status": 503}}
        bench.sandbox.faults(down)
    assert (bench.item().state, bench.item().reason) == (ItemState.QUEUED, "box_down")
    assert bench.attachments() == []
    bench.sandbox.forget_calls()
    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(run_after=None))
        db.session.commit()
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    assert not [call for call in bench.sandbox.calls()["log"] if call["host"] == "download"]
    bench.check()


def test_without_rules_box_is_not_asked_about_the_file(bench: Bench, world: World) -> None:
    bench.attach(CARDS)
    bench.sandbox.forget_calls()
    bench.work()
    unasked = looked_at(bench, CARDS)
    set_rules(bench.person, world, outside="warn")
    bench.attach(PERMIT)
    bench.sandbox.forget_calls()
    bench.work()
    assert looked_at(bench, PERMIT) == unasked + 1


def test_the_reason_stays_with_the_file_in_its_history_and_on_paper(
    bench: Bench, world: World
) -> None:
    set_rules(bench.person, world, named={"Confidential": "reason"})
    bench.choose(AS_BUILTS, CARDS)
    send(bench, "The city asked for it")
    bench.work()
    kept = {a.name: a.reason_given for a in bench.attachments()}
    assert kept == {"Utility as-builts 1998.tif": "The city asked for it", "Contact cards.vcf": ""}
    page = bench.page()
    assert "Reason given The city asked for it" in page.text
    history = "attached Utility as-builts 1998.tif from Box. Reason given: The city asked for it"
    assert history in page.text
    assert page.text.count("Reason given: ") == 1
    assert "Reason given: The city asked for it" in told(bench.person, bench.record)
    bench.check()


def test_the_reason_for_a_file_holds_for_its_next_version(bench: Bench, world: World) -> None:
    set_rules(bench.person, world, named={"Confidential": "reason"})
    bench.choose(AS_BUILTS)
    send(bench, "The city asked for it")
    bench.work()
    bench.sandbox.change("new_version", AS_BUILTS, size=123_456)
    newer = bench.person.get(f"{bench.record}/newer/", htmx=True)
    bench.person.submit(newer, "/newer/")
    bench.work()
    first, second = bench.attachments()
    assert first.superseded_by_id == second.id
    assert second.reason_given == "The city asked for it"
    bench.check()


def test_a_person_of_another_company_is_asked_by_the_projects_own(
    bench: Bench, charlie: Visitor, world: World
) -> None:
    """Rules belong to the company of the project, not to whoever attaches."""
    typed = {"outside": "block", "ours": "borealis.example", "classified": "block"}
    charlie.post(f"/companies/{world.borealis}/settings/box/rules", typed)
    bench.attach(AS_BUILTS)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED

"""The company's rules in the dialog: what cannot be chosen, what is said or asked of the rest."""

import pytest
from flask import Flask

from tests.picker.dialog import (
    RECEIVED,
    SAFETY,
    Line,
    address_of,
    chosen,
    line,
    lines,
    marks,
    tick,
)
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attachments, items
from tests.support.pages import Page, Visitor
from tests.support.ruling import set_rules
from tests.support.world import World
from webapp.imports.models import ItemState

OURS = "boxmail.example"


@pytest.fixture
def received(linked: Visitor, sandbox: SandboxProcess, here: str) -> list[Line]:
    """The rows of a folder of another company's, as they were before there were any rules."""
    return lines(linked.get(address_of(sandbox, here, RECEIVED)))


def rows(visitor: Visitor, sandbox: SandboxProcess, here: str) -> tuple[Line, Line]:
    """Return the rows of a file of another company's, and of one that is classified as well."""
    page = visitor.get(address_of(sandbox, here, RECEIVED))
    return line(page, "Joint trench exhibit.pdf"), line(page, "Utility as-builts 1998.tif")


def reason_field(page: Page) -> list[str]:
    return [field.get("id", "") for field in page.all("textarea")]


def test_without_rules_everything_is_taken_and_a_classification_is_shown(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    trench, as_builts = rows(linked, sandbox, here)
    assert (trench.classified, as_builts.classified) == ("", "Confidential")
    tray = tick(linked, here, trench.token, as_builts.token)
    assert marks(tray) == {trench.name: [], as_builts.name: []}
    assert reason_field(tray) == []


def test_blocked_files_stay_in_the_list_and_say_why(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, outside="block")
    trench, as_builts = rows(linked, sandbox, here)
    assert trench.token == as_builts.token == ""
    assert trench.why == "Acme Builders does not take files owned by Bryn Castellane"
    mine = lines(linked.get(address_of(sandbox, here, SAFETY)))
    assert all(row.token for row in mine if not row.why)
    set_rules(linked, world, outside="block", ours=OURS, named={"confidential": "block"})
    trench, as_builts = rows(linked, sandbox, here)
    assert trench.token
    assert as_builts.why == "Acme Builders does not take files classified as Confidential"
    assert as_builts.classified == "Confidential"


def test_what_a_search_finds_is_judged_alike(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, outside="block")
    hits = linked.get(f"{here}box/search?q=trench&scope=all")
    assert "does not take files owned by" in line(hits, "Joint trench exhibit.pdf").why


def test_a_row_from_before_the_rule_is_refused_when_it_is_ticked(
    received: list[Line], linked: Visitor, here: str, world: World
) -> None:
    set_rules(linked, world, outside="block")
    page = tick(linked, here, received[0].token, expect=409)
    assert "Joint trench exhibit.pdf was not chosen: Acme Builders does not take" in page.text
    assert chosen(page) == []


def test_a_file_that_is_blocked_after_it_was_chosen_stops_the_sending(
    app: Flask, received: list[Line], linked: Visitor, here: str, world: World
) -> None:
    tick(linked, here, received[0].token)
    set_rules(linked, world, outside="block")
    page = linked.get(f"{here}tray")
    assert marks(page)[received[0].name] == [
        "Acme Builders does not take files owned by Bryn Castellane"
    ]
    refused = linked.submit(page, "/send", expect=409)
    assert "Take it out of the chosen files." in refused.text
    assert items(app) == []
    assert chosen(linked.get(f"{here}tray")) == [received[0].name]


def test_a_warning_is_a_word_in_the_tray_and_nothing_more(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, outside="warn", classified="warn")
    trench, as_builts = rows(linked, sandbox, here)
    assert trench.note == "Owned by Bryn Castellane, outside Acme Builders"
    tray = tick(linked, here, trench.token, as_builts.token)
    assert marks(tray) == {
        trench.name: ["Owned by Bryn Castellane, outside Acme Builders"],
        as_builts.name: [
            "Owned by Bryn Castellane, outside Acme Builders. Classified as Confidential"
        ],
    }
    assert reason_field(tray) == []
    linked.submit(linked.get(f"{here}tray"), "/send")
    assert [item.reason_given for item in items(app)] == ["", ""]


def test_a_reason_is_asked_for_once_and_kept_with_the_files_that_need_it(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, classified="reason")
    trench, as_builts = rows(linked, sandbox, here)
    tray = tick(linked, here, trench.token)
    assert reason_field(tray) == []
    tray = tick(linked, here, as_builts.token)
    assert reason_field(tray) == ["picker-reason"]
    assert marks(tray)[as_builts.name] == ["Classified as Confidential: needs a reason"]
    page = linked.get(f"{here}tray")
    refused = linked.submit(page, "/send", reason=" \t", expect=422)
    assert "Say why these files are attached" in refused.text
    refused = linked.submit(page, "/send", reason="x" * 501, expect=422)
    assert "at most 500 characters" in refused.text
    assert items(app) == []
    linked.submit(page, "/send", reason=" The city asked for it. ")
    kept = {item.name: item.reason_given for item in items(app)}
    assert kept == {trench.name: "", as_builts.name: "The city asked for it."}


def test_a_reason_half_written_is_kept_with_the_tray(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, classified="reason")
    trench, as_builts = rows(linked, sandbox, here)
    tick(linked, here, as_builts.token)
    linked.post(f"{here}tray", {"reason": "For the city"}, htmx=True, expect=204)
    linked.post(f"{here}tray", {"reason": "x" * 501}, htmx=True, expect=422)
    page = linked.get(f"{here}tray")
    assert page.form("/send").values["reason"] == ["For the city"]
    tick(linked, here, trench.token)
    page = linked.get(f"{here}tray")
    linked.post(f"{here}send", {"key": page.form("/send").values["key"][0]})
    assert chosen(linked.get(f"{here}tray")) == []


def test_a_reason_that_comes_after_the_sending_waits_for_no_other_files(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, classified="reason")
    trench, as_builts = rows(linked, sandbox, here)
    tick(linked, here, trench.token)
    linked.submit(linked.get(f"{here}tray"), "/send")
    linked.post(f"{here}tray", {"reason": "Too late"}, htmx=True, expect=204)
    tick(linked, here, as_builts.token)
    assert linked.get(f"{here}tray").form("/send").values["reason"] == [""]


def test_the_person_who_chooses_is_never_from_outside(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, outside="block")
    first = next(row for row in lines(linked.get(address_of(sandbox, here, SAFETY))) if row.token)
    tick(linked, here, first.token)
    linked.submit(linked.get(f"{here}tray"), "/send")
    assert [item.state for item in items(app)] == [ItemState.QUEUED]
    assert attachments(app) == []


def test_a_listing_still_costs_one_call(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    set_rules(linked, world, outside="reason", classified="block")
    folder = address_of(sandbox, here, RECEIVED)
    linked.get(folder)
    sandbox.forget_calls()
    linked.get(folder)
    calls = [call["path"] for call in sandbox.calls()["log"]]
    assert [path for path in calls if path.endswith("/items")] != []
    assert not any(path.startswith("/2.0/files/") for path in calls)

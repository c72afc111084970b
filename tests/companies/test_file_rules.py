"""A company's rules for files of Box: who sets them, what they say, and who can read it."""

import pytest
from flask import Flask

from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.ruling import set_rules
from tests.support.world import World
from webapp.box.items import Origin
from webapp.companies.file_rules import FileRules, Rule

BRYN = Origin("Bryn", "bryn@brindlewick.example")


def settings(world: World) -> str:
    return f"/companies/{world.acme}/settings/box"


def test_an_administrator_sets_the_rules_and_the_history_tells_it(
    alice: Visitor, world: World
) -> None:
    page = set_rules(
        alice,
        world,
        outside="warn",
        ours="Acme.example, @acme-box.example  Guest@Mail.example",
        classified="reason",
        named={"Confidential": "block", "": "block"},
    )
    form = page.form("/settings/box/rules")
    assert form.values["ours"] == ["acme.example acme-box.example guest@mail.example"]
    assert form.values["outside"] == ["warn"]
    assert form.values["name"] == ["Confidential", "", ""]
    assert form.values["rule"] == ["block", "block", "block"]
    assert "Rules for files changed Alice Test" in page.text
    assert "Files owned outside the company: Allow → Warn" in page.text
    assert "Classified files: Allow → Ask for a reason" in page.text
    assert "Classified as Confidential: empty → Block" in page.text


def test_saving_the_same_again_is_no_change(alice: Visitor, world: World) -> None:
    set_rules(alice, world, classified="warn")
    page = set_rules(alice, world, classified="warn")
    assert page.text.count("Rules for files changed") == 1


def test_others_of_the_company_read_the_rules_and_cannot_set_them(
    alice: Visitor, bob: Visitor, charlie: Visitor, world: World
) -> None:
    set_rules(alice, world, classified="block")
    page = bob.get(settings(world))
    assert "Classified files Block" in page.text
    assert "Save rules" not in page.text
    typed = {"outside": "allow", "ours": "", "classified": "allow"}
    for stranger in (bob, charlie):
        stranger.post(f"{settings(world)}/rules", typed, expect=404)
    assert "Classified files Block" in bob.get(settings(world)).text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"outside": "block", "ours": ""}, "Say which addresses are the company's own"),
        ({"ours": "acme"}, "acme is neither a domain"),
        ({"ours": "a@b@c.example"}, "is neither a domain"),
        ({"outside": "sometimes"}, "Choose one of the four rules."),
        ({"classified": ""}, "Choose one of the four rules."),
        ({"named": {"Secret": "block", "secret": "warn"}}, "stands in the list twice"),
        ({"named": {"x" * 201: "block"}}, "at most 200 characters"),
        ({"ours": " ".join(f"a{n}.example" for n in range(51))}, "at most 50 domains"),
    ],
)
def test_what_cannot_be_kept_is_said_and_stays_typed(
    alice: Visitor, world: World, typed: dict[str, str], told: str
) -> None:
    page = set_rules(alice, world, **typed, expect=422)  # type: ignore[arg-type]
    assert told in page.text
    form = page.form("/settings/box/rules")
    for name in typed.keys() & {"ours"}:
        assert form.values[name] == [typed[name]]
    assert "Rules for files changed" not in alice.get(settings(world)).text


def test_half_a_form_is_refused(alice: Visitor, world: World) -> None:
    alice.post(f"{settings(world)}/rules", {"ours": "acme.example"}, expect=400)


def test_the_page_names_the_domains_of_linked_accounts(
    alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    assert "have linked Box accounts at" not in alice.get(settings(world)).text
    link(alice, sandbox)
    page = alice.get(settings(world))
    assert "have linked Box accounts at: boxmail.example." in page.text


@pytest.mark.parametrize(
    ("origin", "is_outside"),
    [
        (Origin("Me", None), False),
        (BRYN, True),
        (Origin("Rosa", "rosa@acme.example"), False),
        (Origin("Rosa", "Rosa@ACME.example"), False),
        (Origin("Rosa", "rosa@sub.acme.example"), True),
        (Origin("Rosa", "rosa@notacme.example"), True),
        (Origin("A guest", "guest@mail.example"), False),
        (Origin("Another", "another@mail.example"), True),
        (Origin("", ""), True),
    ],
)
def test_who_is_from_outside(origin: Origin, is_outside: bool) -> None:
    rules = FileRules(outside=Rule.BLOCK, ours=("acme.example", "guest@mail.example"))
    assert bool(rules.findings(origin)) is is_outside


def test_the_strictest_rule_counts_and_a_named_classification_has_its_own(app: Flask) -> None:
    rules = FileRules(
        outside=Rule.WARN,
        ours=("acme.example",),
        classified=Rule.REASON,
        named=(("Public", Rule.ALLOW), ("Secret", Rule.BLOCK)),
    )
    secret = Origin(BRYN.owner, BRYN.owner_login, "SECRET")
    found = rules.findings(secret)
    assert [finding.rule for finding in found] == [Rule.BLOCK, Rule.WARN]
    assert rules.findings(Origin("Me", None, "Public")) == []
    assert rules.findings(Origin("Me", None, "Other"))[0].rule is Rule.REASON
    assert rules.findings(Origin("Me", None, "")) == []
    with app.test_request_context():
        assert found[0].refusal("Acme") == "Acme does not take files classified as SECRET"
        assert found[1].mark("Acme") == "Owned by Bryn, outside Acme"

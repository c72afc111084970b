"""What goes out with a page and comes back with a click: no hand may change it on the way."""

import random
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.picker.dialog import (
    PHOTOS,
    PROJECT,
    SAFETY,
    address_of,
    asked,
    chosen,
    click,
    line,
    lines,
    more,
    punch_picker,
    tick,
    trail,
)
from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.imports.models import Tray, TrayItem
from webapp.picker.seals import (
    PATH_MAX_LENGTH,
    TRAIL_MAX_LENGTH,
    VALUE_MAX_LENGTH,
    BadSeal,
    Crumb,
    Seals,
    path_text,
)

SECRET = "a secret for the tests only, long enough"
MUTATIONS = 60


def broken(value: str, *, count: int = MUTATIONS) -> Iterator[str]:
    """Yield a sealed value in ways it was not sealed: changed, cut, glued, turned, oversized."""
    yield from (wrong for wrong in _variants(value, count) if wrong != value)


def _variants(value: str, count: int) -> Iterator[str]:
    chance = random.Random(2317)
    text, _, mac = value.rpartition(".")
    yield from (text, mac, f".{mac}", f"{text}.", f"{value}.", f".{value}", value[::-1])
    yield from (value[:-1], value[1:], value + "A", f"{value}{value}", f"{value} x", " ")
    yield from ("x", ".", "é.é", "\ud7ff.x", "=" * 100, f"{text}.{mac[:-1]}=", value.swapcase())
    yield from ("A" * (VALUE_MAX_LENGTH + 1), f"{'A' * VALUE_MAX_LENGTH}.{mac}")
    for _number in range(count):
        at = chance.randrange(len(value))
        yield value[:at] + chance.choice("ABCxyz019-_.") + value[at + 1 :]


def trays(app: Flask) -> tuple[int, int]:
    """Return how many trays and files in trays there are."""
    with app.app_context():
        found = (
            db.session.scalar(select(func.count(Tray.id))) or 0,
            db.session.scalar(select(func.count(TrayItem.id))) or 0,
        )
        db.session.remove()
    return found


# ---- the seal itself


def test_a_seal_holds_for_one_person_one_purpose_and_one_value() -> None:
    mine, yours = Seals(SECRET, "1"), Seals(SECRET, "2")
    sealed = mine.seal("choice", ["1", "2", "name"])
    assert mine.open("choice", sealed) == ["1", "2", "name"]
    with pytest.raises(BadSeal):
        yours.open("choice", sealed)
    with pytest.raises(BadSeal):
        mine.open("marker", sealed)
    with pytest.raises(BadSeal):
        Seals("another secret", "1").open("choice", sealed)
    for wrong in broken(sealed, count=500):
        with pytest.raises(BadSeal):
            mine.open("choice", wrong)


@pytest.mark.parametrize("depth", [1, 5, 40, 400])
@pytest.mark.parametrize("name", ["short", "長" * 250, "🏗" * 120, "x" * 255])
def test_a_trail_of_any_length_fits_an_address_and_keeps_its_ends(depth: int, name: str) -> None:
    seals = Seals(SECRET, "1")
    steps = tuple(Crumb(str(10**11 + number), f"{number} {name}") for number in range(depth))
    sealed = seals.seal_trail((Crumb("0", "All files"), *steps))
    assert len(sealed) <= TRAIL_MAX_LENGTH
    opened = seals.open_trail(sealed)
    assert opened[0].folder_id == "0"
    assert opened[-1].folder_id == steps[-1].folder_id
    assert opened[-1].name.startswith(f"{depth - 1} ")
    assert len(path_text((Crumb("0", "All files"), *steps))) <= PATH_MAX_LENGTH


def test_a_short_trail_is_sealed_as_it_is() -> None:
    seals = Seals(SECRET, "1")
    steps = (Crumb("0", "All files"), Crumb("5", "A name of more than two dozen letters"))
    assert seals.open_trail(seals.seal_trail(steps)) == steps


# ---- through the pages


def test_a_forged_choice_is_refused_and_changes_nothing(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, SAFETY))
    token = lines(page)[0].token
    tick(linked, here, token)
    before = trays(app)
    for wrong in broken(token):
        for field in ("choice", "remove"):
            linked.post(f"{here}box/choose", {field: wrong}, expect=400)
    # One good token beside a bad one does not get in either.
    good = lines(page)[1].token
    linked.post(f"{here}box/choose", {"choice": [good, token[:-1]]}, expect=400)
    linked.post(f"{here}box/choose", {"choice": good, "remove": token[:-1]}, expect=400)
    linked.post(f"{here}box/choose", {"choice": good, "in": "x"}, expect=400)
    assert trays(app) == before
    assert chosen(linked.get(f"{here}tray")) == [lines(page)[0].name]


def test_a_forged_value_is_refused_for_htmx_with_a_sentence(linked: Visitor, here: str) -> None:
    answer = linked.post(f"{here}box/choose", {"choice": "x.y"}, htmx=True, expect=400)
    assert "Plumbline could not read that" in answer.text
    assert list(answer.all("div", id="errors-problem"))


def test_a_forged_marker_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = address_of(sandbox, here, PHOTOS)
    page = linked.get(address)
    marker = parse_qs(urlsplit(more(page)).query)["m"][0]
    sandbox.forget_calls()
    for wrong in broken(marker):
        linked.get(f"{address}?m={quote(wrong)}", expect=400)
        linked.get(f"{address}?m={quote(wrong)}", htmx=True, expect=400)
    assert asked(sandbox) == []


def test_a_marker_belongs_to_its_folder_and_its_order(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = address_of(sandbox, here, PHOTOS)
    marker = parse_qs(urlsplit(more(linked.get(address))).query)["m"][0]
    sandbox.forget_calls()
    linked.get(f"{address_of(sandbox, here, SAFETY)}?m={marker}", expect=400)
    linked.get(f"{here}box/folders/0?m={marker}", expect=400)
    linked.get(f"{address}?m={marker}&sort=size", expect=400)
    linked.get(f"{address}?m={marker}&dir=desc", expect=400)
    assert asked(sandbox) == []
    assert len(lines(linked.get(f"{address}?m={marker}"))) == 100


def test_a_forged_trail_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = address_of(sandbox, here, SAFETY)
    sealed = trail(linked.get(address))
    sandbox.forget_calls()
    for wrong in broken(sealed):
        linked.get(f"{address}?in={quote(wrong)}", expect=400)
    linked.get(f"{here}box/search?q=x&folder=5&in={quote(sealed[:-1])}", expect=400)
    assert asked(sandbox) == []


def test_a_folder_cannot_be_given_another_name(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, PROJECT), htmx=True)
    safety, rfis = line(page, "10 Safety").href, line(page, "05 RFIs").href
    sealed = parse_qs(urlsplit(safety).query)
    sandbox.forget_calls()
    other = urlsplit(rfis).path
    click(linked, page, f"{other}?n=10%20Safety&s={sealed['s'][0]}", expect=400)
    path = urlsplit(safety).path
    click(linked, page, f"{path}?n=10%20Safety", expect=400)
    click(linked, page, f"{path}?n=Official&s={sealed['s'][0]}", expect=400)
    for wrong in broken(sealed["s"][0]):
        click(linked, page, f"{path}?n=10%20Safety&s={quote(wrong)}", expect=400)
    assert asked(sandbox) == []
    click(linked, page, safety)


Sealed = Callable[[Page, Page], str]
PURPOSES: dict[str, Sealed] = {
    "choice": lambda folder, photos: lines(folder)[-1].token,
    "marker": lambda folder, photos: parse_qs(urlsplit(more(photos)).query)["m"][0],
    "trail": lambda folder, photos: trail(folder),
}


def test_a_value_sealed_for_one_purpose_serves_no_other(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    folder = linked.get(address_of(sandbox, here, SAFETY))
    photos_at = address_of(sandbox, here, PHOTOS)
    photos = linked.get(photos_at)
    sandbox.forget_calls()
    for purpose, sealed in PURPOSES.items():
        value = sealed(folder, photos)
        if purpose != "choice":
            linked.post(f"{here}box/choose", {"choice": value}, expect=400)
            linked.post(f"{here}box/choose", {"remove": value}, expect=400)
        if purpose != "marker":
            linked.get(f"{photos_at}?m={quote(value)}", expect=400)
        if purpose != "trail":
            linked.get(f"{photos_at}?in={quote(value)}", expect=400)
            linked.post(f"{here}box/choose", {"in": value}, expect=400)
    assert asked(sandbox) == []
    assert trays(app) == (0, 0)


def test_what_was_sealed_for_alice_is_worth_nothing_to_bob(
    app: Flask, linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(bob, sandbox)
    both = punch_picker(world)
    folder_at, photos_at = address_of(sandbox, both, SAFETY), address_of(sandbox, both, PHOTOS)
    folder, photos = linked.get(folder_at), linked.get(photos_at)
    up = linked.get(address_of(sandbox, both, PROJECT), htmx=True)
    bobs = bob.get(address_of(sandbox, both, PROJECT), htmx=True)
    sandbox.forget_calls()
    token = PURPOSES["choice"](folder, photos)
    bob.post(f"{both}box/choose", {"choice": token}, expect=400)
    bob.post(f"{both}box/choose", {"remove": token}, expect=400)
    bob.get(f"{photos_at}?m={quote(PURPOSES['marker'](folder, photos))}", expect=400)
    bob.get(f"{folder_at}?in={quote(trail(folder))}", expect=400)
    click(bob, bobs, line(up, "10 Safety").href, expect=400)
    assert asked(sandbox) == []
    assert trays(app) == (0, 0)


@pytest.mark.parametrize("key", ["x" * 65, "x" * 5000])
def test_a_key_that_cannot_be_one_is_refused(linked: Visitor, here: str, key: str) -> None:
    linked.post(f"{here}send", {"key": key}, expect=400)


def test_the_key_of_somebody_elses_tray_sends_nothing(
    app: Flask, linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    both = punch_picker(world)
    tray = tick(linked, both, lines(linked.get(address_of(sandbox, both, SAFETY)))[0].token)
    key = tray.form("/send").values["key"][0]
    answer = bob.post(f"{both}send", {"key": key}, expect=422)
    assert "Nothing is chosen yet." in answer.text
    remove = next(b for b in tray.all("button") if (b.get("aria-label") or "").startswith("Remove"))
    bob.post(f"{both}tray", {"item": remove.get("value")}, htmx=True)
    bob.post(f"{both}tray", {"item": "all"}, htmx=True)
    assert len(chosen(linked.get(f"{both}tray"))) == 1

"""What no keyboard types changes nothing for the worse, in every form that takes text."""

import pytest
from flask import Flask

from tests.support.pages import Visitor
from tests.support.world import World

HOSTILE = "Al\x00i\x1bce\x7f"


def test_ones_name_loses_what_nobody_types(alice: Visitor) -> None:
    page = alice.submit(alice.get("/settings"), "/settings", name=HOSTILE, title="\x00")
    assert "Alice" in page.text


def test_a_name_of_nothing_else_is_refused(alice: Visitor) -> None:
    alice.submit(alice.get("/settings"), "/settings", name="\x00\x01", expect=422)


@pytest.mark.parametrize("email", ["\x00", "alice\x00@example.test", "\ud800", "a" * 5000])
def test_signing_in_with_nonsense_is_just_refused(app: Flask, email: str) -> None:
    visitor = Visitor(app)
    text = email.encode("utf-8", "surrogatepass").decode("latin-1")
    page = visitor.get("/sign-in")
    visitor.submit(page, "/sign-in", email=text, password="wrong\x00", expect=422)


def test_a_response_and_a_note_lose_what_nobody_types(
    alice: Visitor, charlie: Visitor, world: World
) -> None:
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    page = alice.submit(alice.get(record), "/sections/responses", text=HOSTILE)
    assert "Alice" in page.text
    box = f"/companies/{world.borealis}/settings/box"
    form = charlie.get(box).form(box).values
    page = charlie.post(box, {**form, "action": "ask", "note": HOSTILE}, csrf=False)
    assert "Alice" in page.text

"""The question before a step, in Chromium: a dialog whose focus begins on what does nothing."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Actor
from tests.support.chromium import PHONE, Surfer


def test_a_question_is_answered_with_the_keyboard_alone(surfer: Surfer, alice_here: Actor) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Slab edge"))
    close = tab.get_by_role("button", name="Close", exact=True)
    close.focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("alertdialog", name="Close?")
    expect(dialog).to_contain_text("Its text stays as it is from then on.")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(close).to_be_focused()
    tab.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator(".stamp").first).to_have_text("Closed")


def test_a_question_fits_a_phone_in_the_dark(
    surfers: Callable[..., Surfer], alice_here: Actor
) -> None:
    surfer = surfers(**PHONE, color_scheme="dark")
    surfer.take_cookies(alice_here.person.http)
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("A subject that is long enough to need more than one line here"))
    tab.get_by_role("button", name="Close", exact=True).click()
    dialog = tab.get_by_role("alertdialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["viewport"]["width"]
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_have_count(0)

"""The dialog in Spanish: what the server writes, what scripts write, and that it fits a phone."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import open_folders, settled
from tests.browser.test_keyboard import WIDE, pages
from tests.support.chromium import PHONE, Surfer
from tests.support.world import World

PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"


@pytest.fixture
def spanish(linked: Actor) -> Iterator[Actor]:
    """Alice, who has chosen Spanish for as long as the test lasts."""
    linked.person.submit("/settings", "/settings", language="es")
    yield linked
    linked.person.submit("/settings", "/settings", language="auto")


def open_dialog(tab: Page) -> Locator:
    tab.get_by_role("main").get_by_role("link", name="Adjuntar archivos").filter(
        visible=True
    ).first.click()
    dialog = tab.get_by_role("dialog", name="Adjuntar archivos a")
    expect(dialog.locator("#picker-folder")).to_be_visible()
    return dialog


def test_the_dialog_and_its_scripts_speak_spanish(spanish: Actor, surfer: Surfer) -> None:
    surfer.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    tab = surfer.tab
    tab.goto(spanish.new_rfi("Losa"))
    assert tab.locator("html").get_attribute("lang") == "es-US"
    dialog = open_dialog(tab)
    count = dialog.locator("[data-count]")
    expect(count).to_have_text(re.compile(r"^\d+ elementos$"))
    expect(dialog.locator(".path [aria-current]")).to_have_text("Todos los archivos")
    dialog.get_by_role("button", name="Teclas").click()
    keys = tab.get_by_role("dialog", name="Teclas")
    expect(keys).to_contain_text("ir a la primera o la última fila visible")
    expect(keys.locator("kbd").filter(has_text="Inicio")).to_have_count(1)
    tab.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    open_folders(dialog, PHOTOS)
    # The first number is the page's, those after it a script's.
    expect(count).to_have_text(re.compile(r"^Se muestran \d+, hay más$"))
    first = count.inner_text()
    settled(tab)
    dialog.locator("tbody tr").last.scroll_into_view_if_needed()
    expect(count).not_to_have_text(first)
    expect(count).to_have_text(re.compile(r"^Se muestran \d+, hay más$"))


@pytest.mark.parametrize("width", [320])
def test_nothing_spanish_is_wider_than_a_narrow_screen(
    width: int, spanish: Actor, surfers: Callable[..., Surfer], world: World
) -> None:
    surfer = surfers(**{**PHONE, "viewport": {"width": width, "height": 780}})
    surfer.take_cookies(spanish.person.http)
    surfer.watch.expects("404")
    tab = surfer.tab
    record = spanish.new_rfi("Un asunto tan largo que necesita más de una línea de la pantalla")
    wide = {}
    for address in [*pages(world, record), "dialog"]:
        if address == "dialog":
            tab.goto(record)
            open_folders(open_dialog(tab), "/99 Odds and Ends")
        else:
            tab.goto(address)
        scroll_width, elements = tab.evaluate(WIDE)
        if scroll_width > width:
            wide[address] = [scroll_width, *elements[:6]]
    assert not wide

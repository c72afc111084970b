"""A long list under headings: what one is not looking for is folded away, and stays so."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import settled
from tests.support.chromium import Surfer


def new_meeting(tab: Page, meetings: str, series: str) -> None:
    tab.goto(meetings)
    tab.get_by_role("button", name="New Meeting").click()
    form = tab.locator("#edit-form")
    form.locator('[name="title"]').fill(series)
    form.get_by_role("button", name=re.compile("^Save( draft)?$")).click()
    expect(tab).not_to_have_url(re.compile(r"/edit$"))


def test_a_heading_folds_what_is_under_it(alice_here: Actor, surfer: Surfer) -> None:
    tab, meetings = surfer.tab, f"/projects/{alice_here.project}/meetings"
    for series in ("Safety", "Owners", "Owners"):
        new_meeting(tab, meetings, series)
    tab.goto(meetings)
    main = tab.get_by_role("main")
    heading = main.get_by_role("button", name="Owners")
    expect(heading).to_have_attribute("aria-expanded", "true")
    owners = main.get_by_role("link", name="Owners")
    expect(owners).to_have_count(2)
    heading.click()
    expect(heading).to_have_attribute("aria-expanded", "false")
    expect(owners).to_have_count(0)
    expect(main.get_by_role("link", name="Safety")).to_have_count(1)
    surfer.watch.look(tab)
    tab.reload()
    expect(owners).to_have_count(0)
    main.get_by_label("Search").fill("owners")
    expect(main.get_by_role("link", name="Safety")).to_have_count(0)
    expect(owners, "still folded after a search").to_have_count(0)
    heading.focus()
    with tab.expect_response(re.compile("q=owners")):
        main.get_by_label("Status").dispatch_event("change")
    expect(heading).to_be_focused()
    tab.keyboard.press("Enter")
    expect(owners).to_have_count(2)


def test_a_hit_opens_however_long_the_button_is_held(alice_here: Actor, surfer: Surfer) -> None:
    """Leaving the field must not redraw the list under the pointer, or the click is lost."""
    tab, record = surfer.tab, alice_here.new_rfi("Held")
    tab.goto(record.rpartition("/")[0])
    with tab.expect_response(re.compile("q=Held")):
        tab.get_by_label("Search").fill("Held")
    hit = tab.get_by_role("main").locator(f'a[href="{record}"]')
    settled(tab)
    hit.hover()
    tab.mouse.down()
    tab.wait_for_timeout(500)
    tab.mouse.up()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Held")

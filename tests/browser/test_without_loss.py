"""What ends under an open dialog takes nothing along: not the tray, no half-written response."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.boxing import grant
from tests.browser.conftest import Actor
from tests.browser.picking import expect_chosen, name_of, open_dialog, row, tick
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import Surfer
from tests.support.pages import PASSWORD
from tests.support.world import World

README = "/Templates/Folder structure readme.txt"
FORM = "/Templates/RFI form.docx"
ITEMS = {"host": "api", "path": "/items$"}
REFUSED = (r"status of 424", r"^answered 424", r"Status Error Code 424")
HALF = "The slab edge at grid 7 is"


def response(tab: Page) -> Locator:
    return tab.get_by_label("Your response")


def begin(tab: Page, record: str, path: str = README) -> Locator:
    """Write half a response, open the dialog and choose a file."""
    tab.goto(record)
    response(tab).fill(HALF)
    dialog = open_dialog(tab)
    tick(dialog, path)
    return dialog


def actions(shown: Locator) -> list[str]:
    """Return what is offered, the one that is put forward first and marked as such."""
    found = shown.locator(".acts :is(a, button)")
    return [
        f"> {control.inner_text().strip()}"
        if "go" in (control.get_attribute("class") or "").split()
        else control.inner_text().strip()
        for control in found.all()
    ]


def finish(tab: Page, dialog: Locator, *names: str) -> None:
    """Attach what was chosen before, finish the sentence and send it."""
    expect_chosen(dialog, *names)
    dialog.get_by_role("button", name=re.compile(r"Attach \d")).click()
    expect(dialog).to_have_count(0)
    for name in names:
        expect(
            tab.locator("#tools-files").get_by_role("link", name=name, exact=True)
        ).to_be_visible()
    expect(response(tab)).to_have_value(HALF)
    response(tab).press("End")
    response(tab).press_sequentially(" right.")
    tab.locator("#tools-reply .btn.go").click()
    expect(tab.locator(".thread li").filter(has_text=f"{HALF} right.")).to_be_visible()


def up(dialog: Locator) -> None:
    dialog.locator(".path").get_by_role("link", name="All files", exact=True).click()


def test_a_link_that_ends(linked: Actor, surfer: Surfer, sandbox: SandboxProcess) -> None:
    tab = surfer.tab
    dialog = begin(tab, linked.new_rfi("Link ended"))
    sandbox.revoke()
    surfer.watch.expects(*REFUSED)
    up(dialog)
    alert = dialog.get_by_role("alert").filter(has_text="Your Box link has ended")
    expect(alert).to_contain_text("What you have chosen so far is kept.")
    assert actions(alert) == ["> Reconnect Box", "Use my computer"]
    expect_chosen(dialog, name_of(README))
    alert.get_by_role("link", name="Reconnect Box").click()
    with surfer.context.expect_page() as opened:
        dialog.get_by_role("button", name="Reconnect Box").click()
    grant(opened.value)
    row(dialog, "Templates").get_by_role("link").click()
    expect(row(dialog, name_of(README)).get_by_role("checkbox")).to_be_checked()
    finish(tab, dialog, name_of(README))


def test_a_box_that_is_down(linked: Actor, surfer: Surfer, sandbox: SandboxProcess) -> None:
    tab = surfer.tab
    dialog = begin(tab, linked.new_rfi("Box down"))
    sandbox.faults({"match": ITEMS, "action": {"status": 503}, "times": None})
    surfer.watch.expects(*REFUSED)
    up(dialog)
    alert = dialog.get_by_role("alert").filter(has_text="Box is not answering right now")
    expect(alert).to_contain_text("What you have chosen so far is kept.")
    assert actions(alert)[0] == "> Try again"
    assert sum(words.startswith(">") for words in actions(alert)) == 1
    expect_chosen(dialog, name_of(README))
    sandbox.clear_faults()
    alert.get_by_role("link", name="Try again").click()
    tick(dialog, FORM)
    finish(tab, dialog, name_of(README), name_of(FORM))


@pytest.fixture
def switch(surfers: Callable[..., Surfer], world: World, linked: Actor) -> Iterator[Page]:
    """The administrator's own browser at the company's page of Box; Box is on again afterwards."""
    admin = surfers()
    admin.take_cookies(linked.person.http)
    tab = admin.tab
    here = f"/companies/{world.acme}/settings/box"
    tab.goto(here)
    yield tab
    tab.goto(here)
    on = tab.get_by_role("button", name="Turn Box on")
    if on.count():
        on.click()


def test_a_company_that_is_switched_off(
    bob_here: Actor,
    switch: Page,
    surfers: Callable[..., Surfer],
    world: World,
) -> None:
    record = f"/projects/{world.tower}/punch-list/{world.punch}"
    surfer = surfers()
    surfer.take_cookies(bob_here.person.http)
    tab = surfer.tab
    dialog = begin(tab, record, "/Personal/Certificates.pdf")
    switch.get_by_role("button", name="Turn Box off").click()
    expect(switch.get_by_role("heading", name="Box is off for this company")).to_be_visible()
    up(dialog)
    shut = dialog.get_by_role("status").filter(has_text="Box is off here")
    expect(shut).to_contain_text(
        "Acme Builders has switched Box off. Its administrators can switch it on again."
    )
    assert actions(shut) == ["Use my computer"]
    expect_chosen(dialog, "Certificates.pdf")
    # Whoever attaches all the same is told, and loses nothing by it.
    surfer.watch.expects(r"status of 4\d\d", r"^answered 4\d\d", r"Status Error Code 4\d\d")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog.get_by_role("alert").filter(has_text="has switched Box off")).to_be_visible()
    expect_chosen(dialog, "Certificates.pdf")
    switch.get_by_role("button", name="Turn Box on").click()
    expect(switch.get_by_role("heading", name="Box is on for this company")).to_be_visible()
    dialog.get_by_role("link", name="Box", exact=True).click()
    row(dialog, "Personal").get_by_role("link").click()
    finish(tab, dialog, "Certificates.pdf")


def test_a_tick_at_the_end_of_a_session_is_there_after_signing_in(
    linked: Actor, surfer: Surfer, world: World
) -> None:
    """The tick that was answered with "who are you" stands in the same folder, and in the tray."""
    tab = surfer.tab
    dialog = begin(tab, linked.new_rfi("Ticked too late"))
    surfer.context.clear_cookies()
    surfer.watch.expects(r"status of 401", r"^answered 401")
    row(dialog, name_of(FORM)).get_by_role("checkbox").click()
    expect(tab).to_have_url(re.compile("/sign-in$"))
    tab.get_by_label("E-mail").fill(world.email("alice"))
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(row(dialog, name_of(FORM)).get_by_role("checkbox")).to_be_checked()
    finish(tab, dialog, name_of(README), name_of(FORM))


def test_a_session_that_ends(linked: Actor, surfer: Surfer, world: World) -> None:
    """Signing in leads back to the dialog, in front of the response as it was, with its files."""
    tab = surfer.tab
    record = linked.new_rfi("Session ended")
    tab.goto(record)
    response(tab).fill(HALF)
    reply = tab.locator("#tools-reply")
    reply.get_by_role("button", name="Attach File(s)").click()
    dialog = tab.get_by_role("dialog")
    tick(dialog, README)
    surfer.context.clear_cookies()
    surfer.watch.expects(r"status of 401", r"^answered 401")
    up(dialog)
    expect(tab).to_have_url(re.compile("/sign-in$"))
    expect(tab.get_by_role("main")).to_contain_text(
        "You are signed out. Sign in to go on where you were."
    )
    expect(tab.get_by_role("main").get_by_role("button")).to_have_text(["Sign in"])
    tab.get_by_label("E-mail").fill(world.email("alice"))
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab).to_have_url(re.compile(f"{record}$"))
    expect(response(tab)).to_have_value(HALF)
    expect_chosen(dialog, name_of(README))
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)
    expect(reply.locator(".mini").get_by_role("link").first).to_contain_text(name_of(README))
    expect(response(tab)).to_have_value(HALF)


def questions(tab: Page, answer: Callable[[Dialog], None]) -> list[str]:
    """Answer what the browser itself asks, and return the kinds of questions as they come."""
    asked: list[str] = []

    def decide(dialog: Dialog) -> None:
        asked.append(dialog.type)
        answer(dialog)

    tab.on("dialog", decide)
    return asked


@pytest.mark.parametrize("answer", ["stay", "leave"])
def test_leaving_a_page_with_something_typed_and_not_sent_asks_first(
    linked: Actor, surfer: Surfer, answer: str
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Typed and left"))
    response(tab).press_sequentially(HALF)
    asked = questions(tab, Dialog.dismiss if answer == "stay" else Dialog.accept)
    tab.get_by_role("navigation", name="Project tools").get_by_role(
        "link", name="Submittals"
    ).click(no_wait_after=True)
    if answer == "leave":
        expect(tab.get_by_role("heading", level=1)).to_have_text("Submittals")
    else:
        tab.wait_for_timeout(300)
        expect(response(tab)).to_have_value(HALF)
    assert asked == ["beforeunload"]


def test_what_was_sent_or_only_searched_for_does_not_ask(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    asked = questions(tab, Dialog.accept)
    record = linked.new_rfi("Typed and sent")
    tab.goto(record.rpartition("/")[0])
    tab.get_by_label("Search").press_sequentially("Typed")
    expect(tab).to_have_url(re.compile(r"q=Typed"))
    tab.get_by_role("main").locator(f'a[href="{record}"]').click()
    response(tab).press_sequentially(HALF)
    tab.locator("#tools-reply .btn.go").click()
    expect(tab.locator(".thread li").filter(has_text=HALF)).to_be_visible()
    tab.get_by_role("main").get_by_role("link", name="Edit", exact=True).click()
    tab.get_by_label("Subject").fill("Typed and sent again")
    tab.locator("#edit-form").get_by_role("link", name="Cancel").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Typed and sent")
    tab.get_by_role("main").get_by_role("link", name="Edit", exact=True).click()
    tab.get_by_label("Subject").fill("Typed and sent again")
    tab.locator("#edit-form .btn.go").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Typed and sent again")
    assert asked == []


def test_a_form_that_was_refused_asks_before_it_is_left(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    asked = questions(tab, Dialog.accept)
    surfer.watch.expects("status of 422", "^answered 422")
    tab.goto(f"{linked.new_rfi('Refused')}/edit")
    tab.get_by_label("Subject").fill("")
    tab.locator("#edit-form .btn.go").click()
    expect(tab.get_by_role("alert").filter(has_text="Not saved yet")).to_be_visible()
    tab.get_by_label("Subject").click()
    tab.get_by_role("navigation", name="Project tools").get_by_role(
        "link", name="Submittals"
    ).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Submittals")
    assert asked == ["beforeunload"]

"""What a person does in the Attach File(s) dialog, by what they see."""

from urllib.parse import urlsplit

from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.support.chromium import Surfer


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def open_dialog(tab: Page) -> Locator:
    """Press Attach File(s) on a record and return the dialog."""
    tab.get_by_role("main").get_by_role("link", name="Attach File(s)").filter(
        visible=True
    ).first.click()
    return tab.get_by_role("dialog")


def open_folders(dialog: Locator, folder: str) -> None:
    """From the folder that is shown down this way, one click each."""
    for name in filter(None, folder.split("/")):
        dialog.get_by_role("row").get_by_role("link", name=name, exact=True).click()
        expect(dialog.locator(".path [aria-current]")).to_have_text(name)


def to_root(dialog: Locator) -> None:
    """Up to All files by the way the path shows."""
    here = dialog.locator(".path [aria-current]")
    while here.inner_text() != "All files":
        before = here.inner_text()
        ways = dialog.locator(".path a").filter(visible=True)
        whole = ways.get_by_text("All files", exact=True)
        (whole if whole.count() else ways).first.click()
        expect(here).not_to_have_text(before)


def row(dialog: Locator, name: str) -> Locator:
    return dialog.get_by_role("row").filter(has=dialog.page.get_by_text(name, exact=True))


def tick(dialog: Locator, path: str) -> None:
    """Open the way to a file from the root and choose it; returns when the tray holds it."""
    folder, _, name = path.rpartition("/")
    open_folders(dialog, folder)
    row(dialog, name).get_by_role("checkbox").check()
    expect_chosen(dialog, name)


def expect_chosen(dialog: Locator, *names: str) -> None:
    """Wait until the tray holds these, whether the tray is unfolded or not."""
    for name in names:
        item = dialog.locator("#picker-tray li").filter(has_text=name)
        expect(item).to_have_count(1)


def attach_from_computer(tab: Page, record: str, name: str, content: bytes) -> None:
    """Attach a file from the computer; returns when the record shows it."""
    tab.goto(record)
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name="My computer").click()
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    dialog.locator("#picker-file").set_input_files(file)
    expect_chosen(dialog, name)
    dialog.get_by_role("button", name="Attach 1 file").click()
    files = tab.locator("#tools-files")
    expect(files.get_by_role("link", name=name, exact=True)).to_have_count(1)


def loads_of(surfer: Surfer, path: str) -> int:
    """How often the page at this path was fetched as a page."""
    return sum(urlsplit(address).path == path for address in surfer.watch.documents)


def hold_first(tab: Page, address: str) -> list[Route]:
    """Keep the first request to an address; the list then holds it. The others go on."""
    held: list[Route] = []

    def handle(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    tab.route(address, handle)
    return held


def settled(tab: Page) -> None:
    """Wait until nothing on the page is being fetched or replaced."""
    # By a locator: the pages' policy forbids what `wait_for_function` does to look a second time.
    moving = tab.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")
    expect(moving).to_have_count(0)

"""The main path as a short film: from Attach File(s) to verified copies, at both widths.

`make gallery` makes it with the photographs: one animated WebP per width, a frame per step.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page

STEP_MS, LAST_MS = 1200, 3000
QUALITY = 60
FILM_WIDTH = 900


@dataclass
class Film:
    """Frames of one page, each shown for a while."""

    page: Page
    frames: list[Image.Image] = field(default_factory=list)
    shown_ms: list[int] = field(default_factory=list)

    def shoot(self, shown_ms: int = STEP_MS) -> None:
        image = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        image.thumbnail((FILM_WIDTH, 2 * FILM_WIDTH))
        self.frames.append(image)
        self.shown_ms.append(shown_ms)

    def save(self, file: Path) -> None:
        first, *rest = self.frames
        first.save(
            file,
            save_all=True,
            append_images=rest,
            duration=self.shown_ms,
            loop=0,
            quality=QUALITY,
            method=6,
        )


def film_attaching(page: Page, file: Path) -> None:
    """Film somebody attaching two sheets to the record that `page` shows."""
    film = Film(page)
    film.shoot()
    attach = page.get_by_role("main").get_by_role("link", name="Attach File(s)")
    attach.filter(visible=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("tbody tr").first.wait_for()
    _clear(dialog)
    film.shoot()
    dialog.get_by_role("link", name="All files", exact=True).first.click()
    for name in ("Quillmark Projects", "2317 Larkspur MOB", "05 RFIs"):
        dialog.get_by_role("row").get_by_role("link", name=name, exact=True).click()
        dialog.locator(".path [aria-current]").get_by_text(name).wait_for()
        film.shoot()
    dialog.get_by_role("link", name="Recents", exact=True).click()
    dialog.locator(".path").get_by_text("Recents").wait_for()
    film.shoot()
    boxes = dialog.locator("tbody").get_by_role("checkbox", disabled=False, checked=False)
    for number in (1, 2):
        boxes.first.check()
        _count(dialog, number).wait_for()
        film.shoot()
    _count(dialog, 2).click()
    files = page.locator("#tools-files")
    dialog.wait_for(state="detached")
    film.shoot()
    files.get_by_text("verified").nth(1).wait_for()
    files.scroll_into_view_if_needed()
    film.shoot(LAST_MS)
    film.save(file)


def _clear(dialog: Locator) -> None:
    """Take out what the photographs have left in the tray."""
    clear = dialog.get_by_role("button", name="Clear", exact=True)
    if clear.count():
        # On a phone it is folded away with the tray.
        clear.evaluate("button => button.click()")
        clear.wait_for(state="detached")


def _count(dialog: Locator, number: int) -> Locator:
    files = "1 file" if number == 1 else f"{number} files"
    return dialog.get_by_role("button", name=f"Attach {files}")

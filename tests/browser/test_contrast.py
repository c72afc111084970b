"""More contrast, forced colours, reduced motion: nothing is told apart by what they take away."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Actor
from tests.browser.picking import open_dialog, open_folders, tick, to_root
from tests.browser.test_accessibility import inspecting
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import Surfer

NOTES = "/Field Notes (Devon)"
PERMIT = "/Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"
ITEMS = {"host": "api", "path": "/items$"}
BYTES = {"host": "download"}
MODES = {
    "more": {"contrast": "more"},
    "more-dark": {"contrast": "more", "color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "forced-dark": {"forced_colors": "active", "color_scheme": "dark"},
}
# What WCAG asks of parts of controls.
RATIO_MIN = 3
LOOK = """e => {
  const style = getComputedStyle(e);
  const width = (what) =>
    style[`${what}Style`] === "none" ? 0 : parseFloat(style[`${what}Width`]);
  return {
    border: Math.min(...["Top", "Right", "Bottom", "Left"].map((side) => width(`border${side}`))),
    outline: width("outline"),
    ring: style.outlineColor,
    colour: style.color,
    ground: style.backgroundColor,
    mark: style.boxShadow,
  };
}"""
MOVING = "() => document.getAnimations().filter((a) => a.playState === 'running').length"


def look(part: Locator) -> dict[str, Any]:
    found: dict[str, Any] = part.evaluate(LOOK)
    return found


def ratio(one: str, other: str) -> float:
    """Return the contrast of two opaque colours, as WCAG counts it."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", MODES)
def test_chosen_refused_focused_and_moving_are_told_apart(
    mode: str, linked: Actor, surfers: Callable[..., Surfer], sandbox: SandboxProcess
) -> None:
    is_forced = mode.startswith("forced")
    sandbox.change("add_file", f"{NOTES}/setup.exe", size=10)
    surfer = surfers(**MODES[mode])
    # axe reads the colours that the page wishes for, not those that are forced on it.
    with nullcontext() if is_forced else inspecting(surfer, linked.person) as inspection:
        surfer.take_cookies(linked.person.http)
        tab = surfer.tab
        tab.goto(linked.new_rfi("Contrast"))
        dialog = open_dialog(tab)
        open_folders(dialog, NOTES)
        disabled = look(dialog.get_by_role("button", name="Attach", exact=True))
        boxes = dialog.locator("[data-rows] input[name=choice]")
        boxes.first.check()
        expect(dialog.locator("#picker-tray li")).to_have_count(1)
        tab.keyboard.press("ArrowDown")
        expect(boxes.nth(1)).to_be_focused()
        if inspection:
            inspection.look(mode)
        _chosen_and_focused(dialog, boxes, is_forced=is_forced)
        _refused(dialog, is_forced=is_forced)
        attach = look(dialog.get_by_role("button", name="Attach 1 file"))
        assert attach["border"] >= 1
        assert attach["ground"] != disabled["ground"]
        assert ratio(attach["ground"], attach["colour"]) >= RATIO_MIN
        current, other = (
            look(dialog.locator(f".views {part}").first)
            for part in ("[aria-current]", "a:not([aria-current])")
        )
        assert not is_forced or (current["outline"], other["outline"]) == (2, 0)

        sandbox.faults({"match": BYTES, "times": None, "action": {"drip": 900_000}})
        to_root(dialog)
        tick(dialog, PERMIT)
        dialog.get_by_role("button", name="Attach 2 files").click()
        bar = tab.locator("#tools-files").get_by_role("progressbar", name="Building permit")
        expect(bar).to_be_visible()
        shown = look(bar)
        assert shown["border"] >= 1
        assert ratio(shown["ground"], shown["colour"]) >= RATIO_MIN
        if inspection:
            inspection.look(f"{mode}: a copy under way")
    if is_forced:
        buttons = tab.locator("#tools-files .btn:visible").all()
        assert buttons
        assert all(look(button)["border"] >= 1 for button in buttons)


def _chosen_and_focused(dialog: Locator, boxes: Locator, *, is_forced: bool) -> None:
    on, plain = dialog.locator("tr.on"), dialog.locator("tbody tr:not(.on, .off)").first
    expect(on).to_have_count(1)
    if is_forced:
        assert (look(on)["outline"], look(plain)["outline"]) == (2, 0)
    else:
        first = look(on.locator("td").first), look(plain.locator("td").first)
        assert "inset" in first[0]["mark"]
        assert first[1]["mark"] == "none"
    # The tick itself is the browser's own, which no colour of ours hides.
    assert boxes.first.evaluate("e => getComputedStyle(e).appearance") == "auto"
    ring = look(boxes.nth(1))
    assert ring["outline"] >= 2
    assert look(boxes.nth(2))["outline"] == 0
    ground = look(dialog)["ground"]
    assert ratio(ring["ring"], ground) >= RATIO_MIN


def _refused(dialog: Locator, *, is_forced: bool) -> None:
    off = dialog.locator("tr.off")
    expect(off.get_by_role("checkbox")).to_be_disabled()
    expect(off.get_by_text("does not accept .exe files")).to_be_visible()
    name, plain = look(off.locator(".nm")), look(dialog.locator("tbody tr:not(.off) .nm b").first)
    ground = look(dialog)["ground"]
    assert ratio(name["colour"], ground) >= RATIO_MIN
    assert not is_forced or name["colour"] != plain["colour"]


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_under_reduced_motion_nothing_moves(
    motion: str, linked: Actor, surfers: Callable[..., Surfer], sandbox: SandboxProcess
) -> None:
    surfer = surfers(reduced_motion=motion)
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Still"))
    sandbox.faults({"match": ITEMS, "action": {"gate": "opening"}})
    dialog = open_dialog(tab)
    sandbox.wait_for_gate("opening")
    expect(dialog.get_by_text("Opening your Box")).to_be_visible()
    moving = tab.evaluate(MOVING)
    sandbox.release("opening")
    folder = dialog.get_by_role("link", name="Templates", exact=True)
    expect(folder).to_be_visible()
    sandbox.faults({"match": ITEMS, "action": {"gate": "slow"}})
    folder.click()
    sign = dialog.get_by_role("progressbar", name="Opening")
    expect(sign).to_be_visible()
    # What a progress bar is drawn with tells nobody of its animations, so it is looked at twice.
    before = sign.screenshot(animations="allow")
    tab.wait_for_timeout(300)
    is_still = before == sign.screenshot(animations="allow")
    sandbox.wait_for_gate("slow")
    sandbox.release("slow")
    expect(dialog.locator(".path [aria-current]")).to_have_text("Templates")
    if motion == "reduce":
        assert (moving, is_still) == (0, True)
    else:
        assert moving, "there is something to be stilled"
        assert not is_still

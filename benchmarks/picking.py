"""What a person waits for in the picker: on a slow link, and in a folder of 100,000 files.

    python -m benchmarks.picking [ROUNDS]

On a link of 400 kB/s with 300 ms of latency, from the click on Attach File(s) to the first rows,
with everything cached but the rows and with nothing cached at all; beside the same without that
link. For a first visit also from the record's address to the rows, with the click once the page is
there. Then how long a folder of 100,000 files takes to open beside one of a hundred, and what the
browser's heap and the server's memory are after 100, 1,100 and 5,000 of its rows: more than a
thousand are never kept. ROUNDS is 7.
"""

import statistics
import sys
import time

from playwright.sync_api import CDPSession, Locator, Page, expect

from benchmarks.stage import Stage, memory_mib, stage
from tests.browser.picking import open_dialog
from tests.support import chromium
from tests.support.chromium import Surfer

BIG = 100_000
SLOW = {"latency": 300, "downloadThroughput": 400_000, "uploadThroughput": 400_000}
FAST = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
FEW, FULL, MANY = 100, 1_100, 5_000
SMALL_FOLDER = "Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
BIG_FOLDER = "Big folder"
ELSEWHERE = "/help/box"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with stage("--big-folder", str(BIG)) as on, chromium.started() as browser:
        surfer = Surfer(browser, on.plumbline.url, **chromium.PHONE)
        surfer.take_cookies(on.person.http)
        wire = surfer.context.new_cdp_session(surfer.tab)
        wire.send("Network.enable")
        _first_rows(on, surfer.tab, wire, rounds)
        _long_folder(on, surfer.tab, wire, rounds)


def _first_rows(on: Stage, tab: Page, wire: CDPSession, rounds: int) -> None:
    took: dict[str, float] = {}
    for name, link in (("fast link", FAST), ("slow link", SLOW)):
        for kept in (True, False):
            _set_link(wire, link, is_kept=kept)
            times = [_until_rows(on, tab) for _ in range(rounds)]
            label = f"{name}, {'scripts kept' if kept else 'nothing kept'}"
            took[label] = statistics.median(times)
            print(f"first rows, {label:24} {took[label] * 1000:6.0f} ms")
        visits = [_until_rows(on, tab, whole_visit=True) for _ in range(rounds)]
        print(f"address to rows, {name:19} {statistics.median(visits) * 1000:6.0f} ms")
    ratio = took["slow link, scripts kept"] / took["fast link, scripts kept"]
    print(f"slow / fast, scripts kept           {ratio:.1f}")
    _set_link(wire, FAST, is_kept=True)


def _set_link(wire: CDPSession, link: dict[str, int], *, is_kept: bool) -> None:
    wire.send("Network.emulateNetworkConditions", {"offline": False, **link})
    wire.send("Network.setCacheDisabled", {"cacheDisabled": not is_kept})


def _until_rows(on: Stage, tab: Page, *, whole_visit: bool = False) -> float:
    # Another page first: to load the record's again would open its dialog by itself.
    tab.goto(ELSEWHERE)
    began = time.perf_counter()
    tab.goto(on.target.removesuffix("/attach/"))
    if not whole_visit:
        began = time.perf_counter()
    dialog = open_dialog(tab)
    _rows(dialog).first.wait_for()
    return time.perf_counter() - began


def _rows(dialog: Locator) -> Locator:
    return dialog.locator("tbody[data-at] tr")


def _long_folder(on: Stage, tab: Page, wire: CDPSession, rounds: int) -> None:
    opened = {}
    for name in (SMALL_FOLDER, BIG_FOLDER):
        folder_id = on.sandbox.world(name)["id"]
        address = f"{on.target}box/folders/{folder_id}"
        on.person.get(address)
        times = []
        for _ in range(rounds * 5):
            began = time.perf_counter()
            on.person.get(address, headers={"HX-Request": "true"})
            times.append(time.perf_counter() - began)
        opened[name] = statistics.median(times)
    print(f"a page of 100,000 / of 5,000 files  {opened[BIG_FOLDER] / opened[SMALL_FOLDER]:.2f}")
    tab.goto(ELSEWHERE)
    tab.goto(on.target.removesuffix("/attach/"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name=BIG_FOLDER, exact=True).click()
    rows, count = dialog.locator("[data-rows]"), dialog.locator("[data-count]")
    expect(count).to_have_text(f"Showing {FEW}, more available")
    _measure(on, wire, FEW)
    for shown in range(2 * FEW, MANY + 1, FEW):
        rows.evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
        expect(count).to_have_text(f"Showing {shown}, more available", timeout=60_000)
        if shown == FULL:
            before = _measure(on, wire, FULL)
    after = _measure(on, wire, MANY)
    print(f"heap of the browser, {MANY} / {FULL}   {after / before:.1f}")
    print(f"rows in the document               {_rows(dialog).count()}")


def _measure(on: Stage, wire: CDPSession, shown: int) -> float:
    wire.send("HeapProfiler.collectGarbage")
    heap = float(wire.send("Runtime.getHeapUsage")["usedSize"])
    nodes = int(wire.send("Memory.getDOMCounters")["nodes"])
    server = memory_mib(on.web_pid)
    memory = f"heap {heap / 2**20:5.1f} MiB, {nodes} nodes, server {server:.0f} MiB"
    print(f"{shown:5} rows shown: {memory}")
    return heap


if __name__ == "__main__":
    main()

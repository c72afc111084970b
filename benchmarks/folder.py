"""What a folder of 100 rows costs the server, beside the bare upstream call in the same run.

    python -m benchmarks.folder [ROUNDS]

Prints the server's CPU per partial, its wall time as a ratio to the bare call, and how much of the
CPU an empty signed-in page costs already. ROUNDS is 200, and no more than 240: the server lets one
person open 300 folders a minute, and the benchmark measures it as it is.
"""

import statistics
import sys
import time
from collections.abc import Callable

import html5lib
import requests

from benchmarks.stage import Stage, cpu_seconds, memory_mib, stage
from tests.support.pages import XHTML
from webapp.box.items import LISTING_FIELDS

ABOVE = "Quillmark Projects/2317 Larkspur MOB/12 Photos"
PHOTOS = "Progress 2025 (all)"
WARM_UP = 50
MOST_ROUNDS = 240


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    if rounds > MOST_ROUNDS:
        raise SystemExit(f"at most {MOST_ROUNDS} rounds, a person opens 300 folders a minute")
    with stage() as on:
        folder = str(on.sandbox.world(f"{ABOVE}/{PHOTOS}")["id"])
        partial = _requester(on, _link_to_photos(on), htmx=True)
        small = _requester(on, "/help/box", htmx=True)
        bare = _bare(on, folder)
        for call in (partial, small, bare):
            for _ in range(WARM_UP):
                call()
        rows = partial().text.count("<tr")
        print(f"rows in the partial          {rows}")
        walls = {}
        for name, call in (("partial", partial), ("page without Box", small), ("bare call", bare)):
            before = cpu_seconds(on.web_pid)
            walls[name] = _walls(call, rounds)
            spent = (cpu_seconds(on.web_pid) - before) / rounds * 1000
            print(f"{name:17} CPU {spent:6.2f} ms   median {_median(walls[name]):6.2f} ms")
        added = _median(walls["partial"]) - _median(walls["bare call"])
        print(f"added to the bare call       {added:.2f} ms")
        ratio = _median(walls["partial"]) / _median(walls["bare call"])
        print(f"partial / bare call          {ratio:.1f}")
        print(f"memory of the web process    {memory_mib(on.web_pid):.0f} MiB")


def _link_to_photos(on: Stage) -> str:
    """Return the address a click in the folder above leads to: it carries the way and the name."""
    above = on.sandbox.world(ABOVE)["id"]
    page = html5lib.parse(on.person.get(f"{on.target}box/folders/{above}").text)
    trail = next(i for i in page.iter(f"{XHTML}input") if i.get("name") == "in")
    link = next(a for a in page.iter(f"{XHTML}a") if (a.text or "").strip() == PHOTOS)
    return f"{link.get('href')}&in={trail.get('value')}"


def _requester(on: Stage, path: str, *, htmx: bool) -> Callable[[], requests.Response]:
    headers = {"HX-Request": "true"} if htmx else {}

    def call() -> requests.Response:
        answer = on.person.get(path, headers=headers)
        assert answer.status_code == 200, answer.status_code
        return answer

    return call


def _bare(on: Stage, folder: str) -> Callable[[], requests.Response]:
    token = next(t["token"] for t in on.sandbox.tokens() if t["kind"] == "access" and t["live"])
    http = requests.Session()
    http.trust_env = False
    url = f"{on.sandbox.api_url}/2.0/folders/{folder}/items"
    params = {"usemarker": "true", "limit": "100", "fields": LISTING_FIELDS, "sort": "name"}
    headers = {"Authorization": f"Bearer {token}"}
    return lambda: http.get(url, params=params, headers=headers, timeout=10)


def _walls(call: Callable[[], object], rounds: int) -> list[float]:
    walls = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        walls.append((time.perf_counter() - start) * 1000)
    return walls


def _median(walls: list[float]) -> float:
    return statistics.median(walls)


if __name__ == "__main__":
    main()

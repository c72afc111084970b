"""What 200 people cost who watch one record while a file is copied to it, in the same run.

    python -m benchmarks.watching [WATCHERS] [SECONDS]

A download is held half-way. Every watcher asks for the record's files every two seconds, as a page
does; whoever attached the file asks for their own copies as well. Prints how long an answer takes
to one watcher alone and to all of them, and what of a core the web process uses, beside as many who
ask as often for the cheapest answer there is.
"""

import statistics
import sys
import threading
import time
from dataclasses import dataclass, field

import requests

from benchmarks.stage import Stage, cpu_seconds, stage
from tests.support.pages import XHTML

FOLDER = "Field Notes (Devon)"
EVERY_SECONDS = 2.0
HTMX = {"HX-Request": "true"}


@dataclass
class Seen:
    """What the watchers of one round saw."""

    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0
    cpu: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def slowest_but_few(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20)[-1]


def main() -> None:
    watchers = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    with stage() as on:
        _begin_copy(on)
        record = on.target.removesuffix("/attach/")
        since = round(time.time() * 1000)
        files, own = f"{record}/files?since={since}", f"/imports/?since={since}"
        _watch(on, [files, own], watchers, 4.0)  # connections and caches are there for all rounds
        alone = _watch(on, [files, own], 1, seconds)
        cheap = _watch(on, ["/healthz"], watchers, seconds)
        many = _watch(on, [files], watchers, seconds)
        _tell("one watcher", alone, seconds)
        _tell(f"{watchers} asking /healthz", cheap, seconds)
        _tell(f"{watchers} watchers", many, seconds)
        print(f"an answer, many / one             {many.median / alone.median:.2f}")
        print(f"an answer, many / cheapest        {many.median / cheap.median:.2f}")
        print(f"the process's time / cheapest     {many.cpu / cheap.cpu:.2f}")
        on.sandbox.release("half")


def _tell(name: str, seen: Seen, seconds: float) -> None:
    print(
        f"{name:24} median {seen.median:6.1f} ms, 95 of 100 within {seen.slowest_but_few:6.1f} ms, "
        f"{100 * seen.cpu / seconds:5.1f}% of a core, {seen.refused} refused"
    )


def _begin_copy(on: Stage) -> None:
    """Attach a file whose download stops half-way."""
    file = on.sandbox.change("add_file", f"{FOLDER}/watched.bin", size=50_000_000)
    gate = {"gate": "half", "after_bytes": 20_000_000}
    on.sandbox.faults({"match": {"host": "download"}, "action": gate})
    folder = on.sandbox.world(FOLDER)["id"]
    form = on.person.form(f"{on.target}box/folders/{folder}", "box/choose")
    page = on.person.tree(f"{on.target}box/folders/{folder}")
    box = next(i for i in page.iter(f"{XHTML}input") if i.get("data-id") == file["id"])
    on.person.post(f"{on.target}box/choose", {**form.values, "choice": box.get("value")})
    send = on.person.form(on.target, "/send")
    on.person.post(f"{on.target}send", send.values, allow_redirects=False)
    on.sandbox.wait_for_gate("half")


def _watch(on: Stage, parts: list[str], watchers: int, seconds: float) -> Seen:
    """Have so many watch for so long; what they see comes back together."""
    seen = Seen()
    ends = time.monotonic() + seconds
    before = cpu_seconds(on.web_pid)
    threads = [
        threading.Thread(
            target=_sit, args=(on, parts, seen, ends, EVERY_SECONDS * number / watchers)
        )
        for number in range(watchers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.cpu = cpu_seconds(on.web_pid) - before
    return seen


def _sit(on: Stage, parts: list[str], seen: Seen, ends: float, first: float) -> None:
    time.sleep(first)
    with requests.Session() as http:
        http.cookies.update(on.person.http.cookies)
        while time.monotonic() < ends:
            began = time.monotonic()
            for part in parts:
                _ask(http, on.plumbline.url + part, seen)
            time.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))


def _ask(http: requests.Session, address: str, seen: Seen) -> None:
    start = time.perf_counter()
    try:
        is_answered = http.get(address, headers=HTMX, timeout=30).ok
    except requests.RequestException:
        is_answered = False
    seen.milliseconds.append((time.perf_counter() - start) * 1000)
    seen.refused += not is_answered


if __name__ == "__main__":
    main()

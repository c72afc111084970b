"""How fast one 512 MiB file is imported, beside a plain downloader in the same run.

    python -m benchmarks.copying [MEBIBYTES] [ROUNDS]

The plain downloader does the least that is honest: requests, blocks of a mebibyte, SHA-1, a
file. Plumbline verifies size and SHA-1, records a SHA-256 as well, and commits. Prints MB/s of
both, their ratio, and the peak memory of the web process, which holds the copying threads here.
"""

import hashlib
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks.stage import Stage, cpu_seconds, forget_highest_memory, memory_mib, stage
from tests.support.pages import XHTML
from tests.support.processes import Plumbline
from webapp.core.formats import grouped_hex

MIB = 1 << 20
FOLDER = "Field Notes (Devon)"


def main() -> None:
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else 512) * MIB
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with stage() as on:
        files = [_new_file(on, f"bench {n}.bin", size) for n in range(rounds + 1)]
        _import(on, files.pop())  # connections, caches and threads are there for both
        forget_highest_memory(on.web_pid)
        before = memory_mib(on.web_pid)
        plain, ours, cpu = [], [], []
        for file in files:
            plain.append(size / _plain(on, file) / 1e6)
            spent = cpu_seconds(on.web_pid)
            ours.append(size / _import(on, file) / 1e6)
            cpu.append(cpu_seconds(on.web_pid) - spent)
        _tell("plain downloader", plain)
        _tell("import", ours)
        ratio = statistics.median(o / p for o, p in zip(ours, plain, strict=True))
        print(f"import / plain, median of pairs   {ratio:.2f}")
        print(f"CPU for one import                {statistics.median(cpu):.2f} s")
        peak = memory_mib(on.web_pid, "VmHWM")
        print(f"memory: {before:.0f} MiB before, {peak:.0f} MiB at its highest")


def _tell(name: str, speeds: list[float]) -> None:
    shown = " ".join(f"{speed:.0f}" for speed in speeds)
    print(f"{name:18} {statistics.median(speeds):6.0f} MB/s   ({shown})")


def _new_file(on: Stage, name: str, size: int) -> dict[str, Any]:
    return on.sandbox.change("add_file", f"{FOLDER}/{name}", size=size)


def _plain(on: Stage, file: dict[str, Any]) -> float:
    """Download a file the simple way and return the seconds it took."""
    token = next(t["token"] for t in on.sandbox.tokens() if t["kind"] == "access" and t["live"])
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with requests.get(
            f"{on.sandbox.api_url}/2.0/files/{file['id']}/content",
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            stream=True,
            timeout=30,
        ) as answer:
            digest = hashlib.sha1(usedforsecurity=False)
            with (Path(folder) / "file").open("wb") as out:
                while block := answer.raw.read(MIB):
                    digest.update(block)
                    out.write(block)
        seconds = time.perf_counter() - start
    assert digest.hexdigest() == file["sha1"]
    return seconds


def _import(on: Stage, file: dict[str, Any]) -> float:
    """Choose a file and press Attach; return the seconds from there until it is attached."""
    folder = on.sandbox.world(FOLDER)["id"]
    form = on.person.form(f"{on.target}box/folders/{folder}", "box/choose")
    page = on.person.tree(f"{on.target}box/folders/{folder}")
    box = next(i for i in page.iter(f"{XHTML}input") if i.get("data-id") == file["id"])
    on.person.post(f"{on.target}box/choose", {**form.values, "choice": box.get("value")})
    send = on.person.form(on.target, "/send")
    start = time.perf_counter()
    on.person.post(f"{on.target}send", send.values, allow_redirects=False)
    Plumbline.wait_until(lambda: _is_done(on, file), "the copy is done", seconds=300)
    return time.perf_counter() - start


def _is_done(on: Stage, file: dict[str, Any]) -> bool:
    """True when the record shows the file as attached; asks the cheapest partial there is."""
    record = on.target.removesuffix("attach/")
    answer = on.person.get(f"{record}files", headers={"HX-Request": "true"})
    return grouped_hex(file["sha1"]) in answer.text


if __name__ == "__main__":
    main()

"""How fast the Box sandbox answers, so that no other benchmark measures it by mistake.

    python -m benchmarks.sandbox [SECONDS]

Prints listings of 100 items a second with two clients of their own processes, and MB/s of one
content over a plain connection.
"""

import http.client
import multiprocessing
import sys
import time
from urllib.parse import urlencode, urlsplit

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess
from webapp.box.items import LISTING_FIELDS

PHOTOS = "Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
CLIENTS = 2
CONTENT_BYTES = 1 << 30
READ_BYTES = 1 << 20


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with SandboxProcess() as sandbox:
        sandbox.settings(rate_limits=False)
        token = App(sandbox).link().tokens.access
        folder = sandbox.world(PHOTOS)["id"]
        question = {"usemarker": "true", "limit": "100", "fields": LISTING_FIELDS}
        path = f"/2.0/folders/{folder}/items?{urlencode(question)}"
        netloc = urlsplit(sandbox.api_url).netloc
        with multiprocessing.Pool(CLIENTS) as pool:
            counts = pool.starmap(_list_for, [(netloc, path, token, seconds)] * CLIENTS)
        print(f"listings of 100 items    {sum(counts) / seconds:8.0f} a second")
        file = sandbox.change("add_file", "Templates/bench.bin", size=CONTENT_BYTES)
        location = _location(netloc, f"/2.0/files/{file['id']}/content", token)
        print(f"content                  {_read(location) / 1e6:8.0f} MB/s")


def _list_for(netloc: str, path: str, token: str, seconds: float) -> int:
    """Ask again and again over one connection; return how many whole answers came."""
    connection = http.client.HTTPConnection(netloc, timeout=10)
    deadline, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < deadline:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        count += 1
    connection.close()
    return count


def _location(netloc: str, path: str, token: str) -> str:
    connection = http.client.HTTPConnection(netloc, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.headers["Location"]


def _read(location: str) -> float:
    """Read one content to its end and return bytes a second."""
    parts = urlsplit(location)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    start, done = time.perf_counter(), 0
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    buffer = memoryview(bytearray(READ_BYTES))
    while count := answer.readinto(buffer):
        done += count
    connection.close()
    assert done == CONTENT_BYTES
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    main()

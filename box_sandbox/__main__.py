"""`python -m box_sandbox`: start the stand-in and say on one line where it is reached."""

import argparse
import gc
import json
import logging
import os
import signal
import sys
import threading
from datetime import date
from pathlib import Path

from box_sandbox.app import App
from box_sandbox.box import Box, Urls
from box_sandbox.server import Server
from box_sandbox.settings import Settings
from box_sandbox.store import Store
from box_sandbox.times import denver_today


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m box_sandbox", description="A stand-in for Box on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free one")
    parser.add_argument("--download-port", type=int, help="default: the port after --port")
    parser.add_argument("--api-url", help="address the API is reached at, behind a proxy")
    parser.add_argument("--account-url", help="address the sign-in pages are reached at")
    parser.add_argument("--download-url", help="address the download port is reached at")
    parser.add_argument("--redirect-uri", action="append", default=[], help="one more for the app")
    parser.add_argument("--data-dir", type=Path, help="keep tokens and changes there")
    parser.add_argument("--latency-ms", type=float, default=0, help="wait before every answer")
    parser.add_argument("--strict-refresh", action="store_true", help="no repeat window")
    parser.add_argument("--big-folder", type=int, default=0, help="size of a very big folder")
    parser.add_argument("--today", type=date.fromisoformat, help="the day the dates refer to")
    return parser.parse_args()


def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    options = arguments()
    store = Store(options.data_dir) if options.data_dir else None
    box = Box(
        today=options.today or _kept_today(store) or denver_today(),
        big_folder=options.big_folder,
        settings=Settings(latency_ms=options.latency_ms, strict_refresh=options.strict_refresh),
        redirect_uris=options.redirect_uri,
    )
    if store:
        box.keep_in(store)
    app = App(box)
    server = Server(options.host, options.port, app.main)
    download_port = options.download_port
    if download_port is None:
        download_port = server.port + 1 if options.port else 0
    downloads = Server(options.host, download_port, app.download)
    name = "127.0.0.1" if options.host == "0.0.0.0" else options.host  # noqa: S104  # compared only
    base = f"http://{name}:{server.port}"
    box.urls = Urls(
        api=options.api_url or base,
        account=options.account_url or base,
        download=options.download_url or f"http://{name}:{downloads.port}",
    )
    # The world never goes away; without it the collector has little to look at.
    gc.freeze()
    server.start()
    downloads.start()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    ready = {
        "ready": True,
        "api_url": box.urls.api,
        "account_url": box.urls.account,
        "download_url": box.urls.download,
        "listens_at": base,
    }
    print(json.dumps(ready), flush=True)
    stopped.wait()
    # Connections may hang for minutes on purpose; nothing of theirs is worth waiting for.
    os._exit(0)


def _kept_today(store: Store | None) -> date | None:
    kept = store.load() if store else None
    return date.fromisoformat(kept["today"]) if kept else None


if __name__ == "__main__":
    main()

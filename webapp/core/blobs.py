"""Where file contents live: a local directory or an S3-compatible bucket, chosen by URL alone.

An object appears whole or not at all: an error inside the stream leaves nothing behind. Keys are
ours, never from a request. On a local disk the file and its directory are flushed before the caller
commits a row that speaks of them, so that a power cut cannot leave a row without its file.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from flask import Flask, current_app
from obstore.store import LocalStore, S3Store

CONCURRENT_PARTS = 4
PART_BYTES = 8 << 20
READ_BYTES = 1 << 20
LIST_BATCH = 1000
_KEY = "plumbline.blobs"


@dataclass(frozen=True)
class StoredBlob:
    key: str
    size_bytes: int
    stored_at: datetime


class Blobs:
    """The objects under one directory or bucket prefix."""

    def __init__(self, store: LocalStore | S3Store, root: Path | None) -> None:
        self._store = store
        self._root = root

    def put(self, key: str, blocks: Iterator[bytes]) -> None:
        """Store a stream under `key`; whatever `blocks` raises comes through, nothing is left."""
        obstore.put(
            self._store,
            key,
            blocks,
            use_multipart=True,
            chunk_size=PART_BYTES,
            max_concurrency=CONCURRENT_PARTS,
        )
        if self._root is not None:
            _flush(self._root / key)

    def size(self, key: str) -> int | None:
        """Return an object's size in bytes, None when there is none."""
        try:
            return int(obstore.head(self._store, key)["size"])
        except FileNotFoundError:
            return None

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield an object's bytes from `start` up to and without `end`."""
        size = self.size(key)
        if size is None:
            raise FileNotFoundError(key)
        stop = size if end is None else min(end, size)
        if start >= stop:
            return
        options: obstore.GetOptions = {"range": (start, stop)}
        for block in obstore.get(self._store, key, options=options).stream(
            min_chunk_size=READ_BYTES
        ):
            yield bytes(block)

    def read_together(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of several objects, one after the other, also for `put` to store.

        Read in a thread of its own: while the store writes, its thread may not call the store.
        """
        blocks = chain.from_iterable(map(self.read, keys))
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(next, blocks, b"")
            while block := coming.result():
                coming = reader.submit(next, blocks, b"")
                yield block

    def path(self, key: str) -> Path | None:
        """Return the file behind a key where there is one, for the server's fast way out."""
        return self._root / key if self._root is not None else None

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is as good as removed."""
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def stored(self, prefix: str) -> Iterator[StoredBlob]:
        """Yield every object under a prefix."""
        for batch in obstore.list(self._store, prefix, chunk_size=LIST_BATCH):
            for entry in batch:
                yield StoredBlob(entry["path"], int(entry["size"]), entry["last_modified"])


def _flush(path: Path) -> None:
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_blobs(storage_url: str) -> Blobs:
    """Return the store behind `file:///…` or `s3://bucket/prefix?endpoint=…&region=…`.

    Credentials for S3 come from the usual AWS_… variables, never from the address.
    """
    parts = urlsplit(storage_url)
    if parts.scheme == "file":
        root = Path(unquote(parts.path))
        root.mkdir(parents=True, exist_ok=True)
        return Blobs(LocalStore(root), root)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    endpoint = query.get("endpoint")
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        region=query.get("region", "us-east-1"),
        endpoint=endpoint,
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
    )
    return Blobs(store, None)


def install(app: Flask, blobs: Blobs) -> None:
    app.extensions[_KEY] = blobs


def blobs() -> Blobs:
    """Return the store of the application in whose context we are."""
    found = current_app.extensions[_KEY]
    assert isinstance(found, Blobs)
    return found

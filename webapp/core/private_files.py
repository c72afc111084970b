"""What this installation keeps on a local disk is its own account's to read, and nobody else's."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config import Config

log = logging.getLogger(__name__)

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private(config: Config) -> None:
    """Make new files private from here on, and those that an earlier start left open.

    What belongs to another account is left as it is, and named in the log.
    """
    os.umask(OTHERS)
    for path in _ours(config):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & OTHERS:
                path.chmod(mode & ~OTHERS)
        except FileNotFoundError:
            continue
        except PermissionError:
            log.warning("files.not_private", extra={"path": str(path)})


def _ours(config: Config) -> Iterator[Path]:
    yield config.data_dir
    yield config.data_dir / "locks"
    for url in (config.database_url, config.queue_url):
        if url.startswith("sqlite:///"):
            name = url.removeprefix("sqlite:///")
            yield from (Path(f"{name}{ending}") for ending in ("", "-wal", "-shm"))
    if config.storage_url.startswith("file:"):
        yield Path(unquote(urlsplit(config.storage_url).path))

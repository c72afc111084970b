"""Static files under a path that carries a hash of them all, so that browsers may keep them.

The hash is in the path, not in a query: modules import each other by relative names and stay
within the same version.
"""

import hashlib
from pathlib import Path

from flask import Flask, Response, send_from_directory

YEAR_SECONDS = 31_536_000


def init_statics(app: Flask, folder: Path) -> None:
    version = _version(folder)

    @app.get("/static/<version>/<path:filename>", endpoint="static")
    def static(version: str, filename: str) -> Response:
        response = send_from_directory(folder, filename, conditional=True)
        response.cache_control.public = True
        response.cache_control.no_cache = None
        response.cache_control.max_age = YEAR_SECONDS if version == current else 0
        response.cache_control.immutable = version == current
        return response

    current = version

    def static_url(filename: str) -> str:
        # By hand: the page for an unknown host name has no address builder either.
        return f"/static/{current}/{filename}"

    app.add_template_global(static_url)


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

"""Static files under a path that carries a hash of them all, so that browsers may keep them.

The hash is in the path, not in a query: modules import each other by relative names and stay
within the same version. What browsers get has neither comments nor long names and is compressed;
both are done once, when the application starts, and kept in memory: it is some hundred kilobytes.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import minify
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

YEAR_SECONDS = 31_536_000
VENDORED = "vendor"


@dataclass(frozen=True)
class Asset:
    """A static file as it is sent."""

    content: bytes
    gzipped: bytes
    mimetype: str
    etag: str


def init_statics(app: Flask, folder: Path) -> None:
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    current = _version(files)
    assets = {name.as_posix(): _asset(name, path) for name, path in files.items()}

    @app.get("/static/<version>/<path:filename>", endpoint="static")
    def static(version: str, filename: str) -> Response:
        asset = assets.get(filename)
        if asset is None:
            raise NotFound
        return _sent(asset, is_current=version == current)

    def static_url(filename: str) -> str:
        # By hand: the page for an unknown host name has no address builder either.
        return f"/static/{current}/{filename}"

    app.add_template_global(static_url)


def _version(files: dict[Path, Path]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.as_posix().encode())
        digest.update(files[name].read_bytes())
    return digest.hexdigest()[:12]


def _asset(name: Path, path: Path) -> Asset:
    content = path.read_bytes()
    if name.parts[0] != VENDORED:
        # What others wrote stays as it came; its hash is in vendor.json.
        content = _small(name.suffix, content)
    mimetype = mimetypes.guess_type(name.name)[0] or "application/octet-stream"
    etag = hashlib.sha256(content).hexdigest()[:16]
    return Asset(content, gzip.compress(content, 9, mtime=0), mimetype, etag)


def _small(suffix: str, content: bytes) -> bytes:
    """Return a script or style sheet without what only people read."""
    kind = {".js": "application/javascript", ".css": "text/css"}.get(suffix)
    return str(minify.string(kind, content.decode())).encode() if kind else content


def _sent(asset: Asset, *, is_current: bool) -> Response:
    is_gzipped = request.accept_encodings["gzip"] > 0
    response = Response(asset.gzipped if is_gzipped else asset.content, mimetype=asset.mimetype)
    if is_gzipped:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(asset.etag, weak=True)
    response.cache_control.public = True
    response.cache_control.max_age = YEAR_SECONDS if is_current else 0
    response.cache_control.immutable = is_current
    response.make_conditional(request)
    return response

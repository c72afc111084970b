"""Fetch and check the files we ship that others wrote.

    python scripts/vendor.py fetch    get them from the npm registry as vendor.json says
    python scripts/vendor.py check    compare what is in the tree with vendor.json; needs no network

`fetch` asks npm for the exact version, compares the package with its integrity value and each file
with its SHA-256 before anything is written. The icon sprite is put together from Lucide's single
files and one drawing of ours.
"""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "vendor.json"


def main() -> int:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command == "check":
        return _check(manifest)
    if command == "fetch":
        _fetch(manifest)
        return _check(manifest)
    print(__doc__)
    return 2


def _check(manifest: dict[str, Any]) -> int:
    wrong = [
        target
        for package in manifest["packages"]
        for target, expected in package["sha256"].items()
        if not (ROOT / target).is_file() or _sha256((ROOT / target).read_bytes()) != expected
    ]
    for target in wrong:
        print(f"{target} is not what vendor.json says", file=sys.stderr)
    return 1 if wrong else 0


def _fetch(manifest: dict[str, Any]) -> None:
    for package in manifest["packages"]:
        archive = _package(package["name"], package["version"], package["integrity"])
        for source, target in package.get("files", {}).items():
            _write(target, archive.read(source))
        if "sprite" in package:
            _write(package["sprite"]["to"], _sprite(archive, package["sprite"]))


class _Archive:
    """An npm package in memory; every path in it begins with package/."""

    def __init__(self, content: bytes) -> None:
        self._tar = tarfile.open(fileobj=io.BytesIO(content), mode="r:gz")  # noqa: SIM115

    def read(self, path: str) -> bytes:
        member = self._tar.extractfile(f"package/{path}")
        if member is None:
            raise SystemExit(f"no {path} in the package")
        return member.read()


def _package(name: str, version: str, integrity: str) -> _Archive:
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", folder],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        content = (Path(folder) / packed.stdout.strip().splitlines()[-1]).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        raise SystemExit(f"{name}@{version} is not the package vendor.json names")
    return _Archive(content)


def _sprite(archive: _Archive, sprite: dict[str, Any]) -> bytes:
    """Return one SVG with a symbol per icon; the names on the left are ours."""
    symbols = [
        f'<symbol id="i-{ours}" viewBox="0 0 24 24">{_inside(archive, theirs)}</symbol>'
        for ours, theirs in sorted(sprite["icons"].items())
    ]
    note = "<!-- Lucide, ISC licence, https://lucide.dev/license; i-bob was drawn for Plumbline -->"
    own = [
        f'<symbol id="i-{name}" viewBox="{drawn["viewBox"]}">{drawn["path"]}</symbol>'
        for name, drawn in sorted(sprite["own"].items())
    ]
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', note, *symbols, *own, "</svg>", ""]
    return "\n".join(lines).encode()


def _inside(archive: _Archive, name: str) -> str:
    text = archive.read(f"icons/{name}.svg").decode()
    found = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"no drawing in {name}")
    return re.sub(r"\s*\n\s*", "", found.group(1).strip())


def _write(target: str, content: bytes) -> None:
    path = ROOT / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{target}  {_sha256(content)}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

"""Write the part of Box's OpenAPI description that the sandbox serves, for its tests.

    python scripts/sandbox_openapi_extract.py openapi.json COMMIT

`openapi.json` is the file of that name in github.com/box/box-openapi, COMMIT the commit it is from.
Kept are the operations in SERVED and every schema they lead to; texts for people are left out.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "tests/sandbox/box-openapi-extract.json"
SOURCE = "https://github.com/box/box-openapi"

SERVED = {
    "/authorize": "get",
    "/oauth2/token": "post",
    "/oauth2/token#refresh": "post",
    "/oauth2/revoke": "post",
    "/users/me": "get",
    "/folders/{folder_id}": "get",
    "/folders/{folder_id}/items": "get",
    "/files/{file_id}": "get",
    "/files/{file_id}/content": "get",
    "/files/{file_id}/versions": "get",
    "/files/{file_id}/thumbnail.{extension}": "get",
    "/search": "get",
    "/zip_downloads": "post",
    "/zip_downloads/{zip_download_id}/status": "get",
    "/recent_items": "get",
    "/collections": "get",
    "/collections/{collection_id}/items": "get",
    "/shared_items": "get",
    "/shared_items#folders": "get",
}
_REFERENCE = "#/components/schemas/"
_LEFT_OUT = frozenset({"description", "example", "externalDocs", "tags", "summary", "security"})


def main() -> None:
    path, commit = sys.argv[1:]
    whole = json.loads(Path(path).read_text(encoding="utf-8"))
    paths = {
        path: {method: _pruned(whole["paths"][path][method])} for path, method in SERVED.items()
    }
    extract = {
        "openapi": whole["openapi"],
        "x-extract": {
            "source": SOURCE,
            "commit": commit,
            "notice": "Copyright Box, Inc. Licensed under the Apache License, Version 2.0. "
            "This is a changed, much smaller form: only the operations the Box sandbox serves, "
            "without the texts for people.",
        },
        "info": _pruned(whole["info"]) | {"title": whole["info"]["title"]},
        "paths": paths,
        "components": {"schemas": _schemas(whole["components"]["schemas"], paths)},
    }
    TARGET.write_text(json.dumps(extract, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _pruned(node: Any) -> Any:
    """Return a node without texts for people; a property that has such a name stays."""
    if isinstance(node, list):
        return [_pruned(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: _pruned(schema) for name, schema in value.items()}
        elif key not in _LEFT_OUT and (not key.startswith("x-box-") or key.endswith("hash")):
            kept[key] = _pruned(value)
    return kept


def _schemas(all_schemas: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Return every schema that the paths refer to, directly or through another one."""
    found: dict[str, Any] = {}
    waiting = set(_references(paths))
    while waiting:
        name = waiting.pop()
        found[name] = _pruned(all_schemas[name])
        waiting |= set(_references(found[name])) - found.keys()
    return dict(sorted(found.items()))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for entry in node:
            yield from _references(entry)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.removeprefix(_REFERENCE)
            else:
                yield from _references(value)


if __name__ == "__main__":
    main()

"""Box's OpenAPI description as strict JSON Schemas: unknown properties are errors.

`DEVIATIONS` lists where the live service, by evidence from outside of this project, answers
otherwise than its description says; the sandbox follows the live service there.
"""

import copy
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

EXTRACT = Path(__file__).with_name("box-openapi-extract.json")

Schema = dict[str, Any]

_NULL_COUNTER = {"type": "string", "nullable": True}
_TIME_OR_NULL = {"type": "string", "format": "date-time", "nullable": True}
_LINK_URL = {"type": "string", "format": "url"}
_LINK_ACCESS = {"type": "string", "enum": ["open", "company", "collaborators"]}
_LINK_RIGHTS = ("can_download", "can_preview", "can_edit")
_SHARED_LINK = {
    "type": "object",
    "nullable": True,
    "required": """url access effective_access effective_permission is_password_enabled
        download_count preview_count""".split(),
    "properties": {
        "url": _LINK_URL,
        "download_url": _LINK_URL | {"nullable": True},
        "vanity_url": _LINK_URL | {"nullable": True},
        "vanity_name": {"type": "string", "nullable": True},
        "access": _LINK_ACCESS,
        "effective_access": _LINK_ACCESS,
        "effective_permission": {"enum": ["can_edit", "can_download", "can_preview", "no_access"]},
        "unshared_at": _TIME_OR_NULL,
        "is_password_enabled": {"type": "boolean"},
        "permissions": {
            "type": "object",
            "required": [*_LINK_RIGHTS],
            "properties": {right: {"type": "boolean"} for right in _LINK_RIGHTS},
        },
        "download_count": {"type": "integer"},
        "preview_count": {"type": "integer"},
    },
}
_LINK_SOURCE = "the description demands a property 'accessed', which it does not define: 'access'"
_ORDER = {
    "type": "object",
    "required": ["by", "direction"],
    "properties": {"by": {"type": "string"}, "direction": {"enum": ["ASC", "DESC"]}},
}


@dataclass(frozen=True)
class Deviation:
    """One property of one schema as it really is, and how that is known."""

    schema: str
    property: str
    really: Schema
    known_from: str


DEVIATIONS = [
    Deviation("File", "shared_link", _SHARED_LINK, _LINK_SOURCE),
    Deviation("Folder", "shared_link", _SHARED_LINK, _LINK_SOURCE),
    Deviation(
        "RecentItems",
        "order",
        _ORDER,
        "recorded recent items (Box Node SDK fixture): an order, and an object",
    ),
    Deviation(
        "RecentItem",
        "interaction_shared_link",
        {"type": "string", "format": "url", "nullable": True},
        "its own text says null without a link; so do recorded recent items (Box Node SDK)",
    ),
    Deviation(
        "Folder--Mini",
        "sequence_id",
        _NULL_COUNTER,
        "recorded root folders (Box Node and Java SDK fixtures): counters and dates are null",
    ),
    Deviation(
        "User",
        "notification_email",
        {"type": "array", "maxItems": 0},
        "Box support thread 1500000777922: an empty list instead of null",
    ),
    Deviation(
        "ClientError",
        "code",
        {"type": "string"},
        "Box guide 'Common errors' lists many codes that the description's list lacks",
    ),
    Deviation(
        "File",
        "folder_upload_email",
        {"type": "string", "nullable": True, "maxLength": 0},
        "live search hits carry the folder's field on files, null (compared in 2026)",
    ),
    Deviation(
        "File--Full",
        "collections",
        {"type": "array"},
        "recorded file with named fields (Box Node SDK fixture): works though undocumented",
    ),
    Deviation(
        "Folder--Full",
        "collections",
        {"type": "array"},
        "recorded file with named fields (Box Node SDK fixture): works though undocumented",
    ),
    Deviation(
        "File--Full",
        "is_download_available",
        {"type": "boolean"},
        "Box UI Elements name this field and read the answer",
    ),
    Deviation(
        "File--Full",
        "tags",
        {"type": "array", "items": {"type": "string"}},
        "the description's minimum of one is for writing; items without tags have an empty list",
    ),
    Deviation(
        "Folder--Full",
        "tags",
        {"type": "array", "items": {"type": "string"}},
        "the description's minimum of one is for writing; items without tags have an empty list",
    ),
]

# A listing's folders are described as minis, yet named fields come with them, too (Box guide
# "Request extra fields"); so its items are checked against the full forms.
_WIDER = {"Item": ["File--Full", "Folder--Full", "WebLink"]}


def _checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    patterns = {
        # Whole seconds, and a numeric offset, never "Z".
        "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
        "email": r"[^@\s]*@[^@\s]*|",
        "url": r"https?://\S+",
        "digest": r"[0-9a-f]{40}",
        "token": r"TKN_\S{28,}",
    }
    for name, pattern in patterns.items():
        compiled = re.compile(pattern)

        def matches(value: object, compiled: re.Pattern[str] = compiled) -> bool:
            return not isinstance(value, str) or compiled.fullmatch(value) is not None

        checker.checks(name)(matches)
    return checker


_FORMATS = _checker()


@lru_cache(maxsize=1)
def extract() -> Schema:
    loaded: Schema = json.loads(EXTRACT.read_text(encoding="utf-8"))
    return loaded


def check(answer: Any, schema: str) -> None:
    """Fail if an answer is not what the description, as deviated from, says."""
    problem = best_match(_validator(schema).iter_errors(answer))
    assert problem is None, f"{problem.json_path}: {problem.message[:500]}"


@lru_cache(maxsize=64)
def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/$defs/{name}", "$defs": _definitions()}
    return Draft202012Validator(schema, format_checker=_FORMATS)


@lru_cache(maxsize=1)
def _definitions() -> Schema:
    return {name: _strict(_named(name)) for name in extract()["components"]["schemas"]}


def _named(name: str) -> Schema:
    """Return a component with its deviations, as a copy."""
    if name in _WIDER:
        return {"oneOf": [{"$ref": f"#/components/schemas/{variant}"} for variant in _WIDER[name]]}
    component: Schema = copy.deepcopy(extract()["components"]["schemas"][name])
    really = {d.property: d.really for d in DEVIATIONS if d.schema == name}
    if really:
        return {"allOf": [component, {"properties": really}]}
    return component


def _flat(node: Schema) -> Schema:
    """Return a schema without references and allOf; of facts said twice the later one counts."""
    if "$ref" in node:
        return _flat(_named(node["$ref"].rpartition("/")[2]))
    if "allOf" not in node:
        return node
    merged: Schema = {}
    for part in [*node["allOf"], {key: value for key, value in node.items() if key != "allOf"}]:
        flat = _flat(part)
        properties = merged.get("properties", {}) | flat.get("properties", {})
        required = [*merged.get("required", ()), *flat.get("required", ())]
        merged |= flat
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = required
    return merged


def _strict(node: Schema) -> Schema:
    """Return a JSON Schema that refuses every property the description does not know."""
    if node.keys() == {"$ref"}:
        return {"$ref": node["$ref"].replace("#/components/schemas/", "#/$defs/")}
    flat = _flat(node)
    strict: Schema = {
        key: flat[key]
        for key in ("type", "format", "enum", "required", "minItems", "maxItems", "maxLength")
        if key in flat
    }
    if "oneOf" in flat:
        strict = {"oneOf": [_strict(variant) for variant in flat["oneOf"]]}
    if "properties" in flat:
        strict["properties"] = {name: _strict(value) for name, value in flat["properties"].items()}
        strict["additionalProperties"] = False
    if "items" in flat:
        strict["items"] = _strict(flat["items"])
    if flat.get("nullable"):
        return {"anyOf": [{"type": "null"}, strict]}
    return strict

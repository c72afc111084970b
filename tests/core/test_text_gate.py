"""Every text that comes in passes one gate: what it takes away reaches no table and no page."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask, request
from html5lib import parse
from sqlalchemy import JSON, String, Text, select

from tests.structure.test_routes import address, rules, verbs
from tests.support.pages import HOST, Form, Visitor
from tests.support.world import World, add_record
from webapp.core.database import Base, db
from webapp.tools.registry import TOOLS

POISON = "poison\x00\ud800\u200b\x07\u2028\u202e\ufeff\xad\U0001ffff"
# Written out here, not taken from the code: this is what must be nowhere.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064"
    "\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff\U0001fffe\U0001ffff]"
)
PAGES_MAX = 200
# What would end the walk, or only leads away from the product.
LEFT_OUT = {"accounts.sign_out", "accounts.security"}
FORM = "application/x-www-form-urlencoded"


def hostile(values: dict[str, list[str]]) -> bytes:
    """Encode a form as no browser would: half a surrogate pair has a place in it."""
    pairs = [(name, text) for name, texts in values.items() for text in texts]
    return urlencode(pairs, errors="surrogatepass").encode("ascii")


@dataclass
class Walker:
    """Somebody who opens every page there is a link to, and sees every form on it."""

    visitor: Visitor
    seen: set[str] = field(default_factory=set)
    forms: dict[tuple[str, str], Form] = field(default_factory=dict)

    def walk(self, *starts: str) -> None:
        waiting = list(starts)
        while waiting and len(self.seen) < PAGES_MAX:
            path = waiting.pop(0)
            kind = re.sub(r"\d+", "#", path)
            most = 0 if path.endswith(".pdf") else 1
            if path in self.seen or sum(re.sub(r"\d+", "#", it) == kind for it in self.seen) > most:
                continue
            self.seen.add(path)
            waiting += self.look(path)

    def look(self, path: str) -> list[str]:
        answer = self.visitor.client.get(path, headers={"Host": HOST}, follow_redirects=True)
        assert answer.status_code < 500, path
        if answer.mimetype != "text/html":
            answer.get_data()
            return []
        text = answer.get_data(as_text=True)
        assert not FORBIDDEN.search(text), path
        tree = parse(text, namespaceHTMLElements=False)
        for element in tree.iter("form"):
            if (element.get("method") or "").lower() == "post":
                self._note(answer.request.path, element)
        links = (link.get("href", "") for link in tree.iter("a"))
        return [link for link in links if link.startswith("/") and "/zip" not in link]

    def _note(self, page: str, element: Any) -> None:
        form = Form.of(element)
        buttons = [it for it in element.iter("button") if it.get("name")]
        for button in buttons:
            form.values.setdefault(button.get("name"), []).append(button.get("value", ""))
        actions = {it.get("formaction") for it in element.iter("button")} - {None}
        for action in {form.action or page, *actions}:
            known = (re.sub(r"\d+", "#", action), ",".join(sorted(form.values)))
            self.forms.setdefault(known, Form(action, form.values))


def texts_in(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield every text of every table, with where it stands; those within JSON one by one."""
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            columns = [c for c in table.columns if isinstance(c.type, String | Text | JSON)]
            if not columns:
                continue
            for row in db.session.execute(select(*columns)):
                for column, value in zip(columns, row, strict=True):
                    yield from _texts(f"{table.name}.{column.name}", value)
        db.session.rollback()


def _texts(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield where, str(key)
            yield from _texts(f"{where}.{key}", one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(where, one)


def assert_clean(app: Flask) -> set[str]:
    """Check every table; returns where the poison's harmless part has arrived."""
    found = list(texts_in(app))
    dirty = [(where, ascii(text)[:80]) for where, text in found if FORBIDDEN.search(text)]
    assert not dirty, dirty[:10]
    return {where for where, text in found if "poison" in text}


@pytest.fixture
def everything(app: Flask, world: World) -> list[str]:
    """A record of each tool, as a draft and as what comes next; returns where to begin."""
    starts = ["/", "/settings", "/notices", "/new", "/imports/", f"/companies/{world.acme}"]
    with app.app_context():
        for tool in TOOLS:
            starts.append(f"/projects/{world.tower}/{tool.slug}")
            if tool.key == "documents":  # its folders come from the form on its own page
                continue
            statuses = [tool.statuses[0].key, tool.statuses[min(1, len(tool.statuses) - 1)].key]
            for status in dict.fromkeys(statuses):
                record_id = add_record(
                    db.session(), world, tool.key, f"A {tool.key}", status=status
                )
                here = f"/projects/{world.tower}/{tool.slug}/{record_id}"
                starts += [here, f"{here}/edit"]
        db.session.commit()
        db.session.remove()
    return starts


def test_no_field_of_any_form_lets_it_through(
    app: Flask, everything: list[str], alice: Visitor
) -> None:
    walker = Walker(alice)
    walker.walk(*everything)
    token = alice.token()
    done: set[tuple[str, str | None]] = set()
    for form in list(walker.forms.values()):
        values = {**form.values, "csrf_token": [token]}
        endpoint = app.url_map.bind(HOST).match(urlsplit(form.action).path, method="POST")[0]
        if endpoint in LEFT_OUT:
            continue
        names = [name for name in values if name != "csrf_token"]
        for name in [None, *names]:
            if (endpoint, name) in done and name is not None:
                continue
            done.add((endpoint, name))
            poisoned = names if name is None else [name]
            sent = {**values, **{one: [POISON] for one in poisoned}}
            answer = alice.client.post(
                form.action, data=hostile(sent), content_type=FORM, headers={"Host": HOST}
            )
            assert answer.status_code < 500, (form.action, name)
    assert len(walker.forms) > 60, sorted(walker.forms)
    assert len(done) > 150, sorted(map(str, done))
    assert len(assert_clean(app)) > 10
    again = Walker(alice)
    for path in [it for it in walker.seen if it in everything or it.endswith((".csv", ".pdf"))]:
        again.look(path)


def test_no_address_lets_it_through(app: Flask, world: World, alice: Visitor) -> None:
    """Every page with every parameter that any page reads, each of them poisoned."""
    names = "q s m n in o p t sort dir scope kind since folder again source rest shown seen page"
    names += " status tool person from to vendor template view group number code state error"
    for rule in rules(app):
        if "GET" not in verbs(rule):
            continue
        path = address(app, rule, world)
        query = hostile({name: [POISON] for name in names.split()}).decode()
        for asked in (f"{path}?{query}", f"{path}?q=%00%ED%A0%80%FF", f"{path}%00?q=a"):
            answer = alice.client.get(asked, headers={"Host": HOST})
            assert answer.status_code < 500, asked
            answer.close()
    assert_clean(app)


HEADERS = {
    "HX-Request": "true",
    "HX-Target": "picker-panel\x07\xe2\x80\x8b",
    "HX-Current-URL": "http://[",
    "User-Agent": "poison\x07\xc2\xad\xe2\x80\xae\xff",
    "Accept-Language": "\x0b\xe2\x80\xa8;q=x",
    "X-Forwarded-For": "\x07",
    "X-Forwarded-Host": "evil.example\x07",
    "If-Match": "\x07",
    "If-None-Match": '"\x07',
    "If-Range": "\x07",
    "If-Modified-Since": "\x07",
    "Range": "bytes=\x07-",
    "Referer": "http://[\x07",
    "Upload-Metadata": "filename cG9pc29uAAfigIsu/3BkZg==",
    "Upload-Length": "3",
    "Upload-Offset": "\x07",
    "Upload-Checksum": "sha1 \x07",
    "Tus-Resumable": "1.0.0",
}


def test_no_header_lets_it_through(app: Flask, world: World) -> None:
    visitor = Visitor(app)
    page = visitor.get("/sign-in", headers={"User-Agent": HEADERS["User-Agent"]})
    form = {**page.form("/sign-in").values, "email": world.email("alice")}
    agent = {"Host": HOST, "User-Agent": HEADERS["User-Agent"]}
    form["password"] = ["a long enough password"]
    visitor.client.post("/sign-in", data=form, headers=agent)
    token = visitor.token()
    for rule in rules(app):
        for verb in verbs(rule):
            if rule.endpoint == "accounts.sign_out":
                continue
            data = {"csrf_token": token} if verb == "POST" else None
            answer = visitor.client.open(
                address(app, rule, world),
                method=verb,
                headers={"Host": HOST, "X-CSRFToken": token, **HEADERS},
                data=data,
            )
            assert answer.status_code < 500, f"{verb} {rule}"
            answer.close()
    assert "sessions.user_agent" in assert_clean(app)


def test_json_passes_the_gate_too(app: Flask) -> None:
    body = json.dumps({"a\x00": [POISON, {"b": POISON}], "n": 1})
    with app.test_request_context(method="POST", data=body, content_type="application/json"):
        assert request.get_json() == {"a": ["poison ", {"b": "poison "}], "n": 1}

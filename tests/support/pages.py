"""Browsing without a browser: every page that any test fetches is parsed and checked.

A person signs in through the form, follows the links that are there and submits the forms that are
there, with the CSRF token of the page. What is wrong with a page fails the test that fetched it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
import lxml.html
from flask import Flask
from werkzeug.test import TestResponse

HOST = "127.0.0.1:8000"
PASSWORD = "a long enough password"
HTMX = {"HX-Request": "true"}
COOKIES = ("plumbline", "__Host-plumbline")
XHTML = "{http://www.w3.org/1999/xhtml}"


@dataclass
class Page:
    """An answer as a person or htmx sees it."""

    response: TestResponse
    parse: Callable[[], Element]

    @cached_property
    def tree(self) -> Element:
        return self.parse()

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def text(self) -> str:
        """The words of the page, with spaces folded."""
        return " ".join(" ".join(self.tree.itertext()).split())

    @property
    def html(self) -> str:
        return self.response.get_data(as_text=True)

    @property
    def h1(self) -> str:
        return " ".join("".join(next(self.all("h1")).itertext()).split())

    def all(self, tag: str, **attributes: str) -> Iterator[Element]:
        for element in self.tree.iter(f"{XHTML}{tag}"):
            if all(element.get(_dashed(key)) == value for key, value in attributes.items()):
                yield element

    def links(self) -> dict[str, str]:
        """Return the addresses of the links by their words."""
        return {_words(a): a.get("href", "") for a in self.all("a")}

    def form(self, action: str) -> "Form":
        """Return the form whose action ends like this."""
        for form in self.all("form"):
            if (form.get("action") or "").endswith(action):
                return Form.of(form)
        raise AssertionError(f"no form with action {action!r} on {self.response.request.path}")


def _dashed(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


@dataclass
class Form:
    """A form's address and what it would send as it stands."""

    action: str
    values: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, form: Element) -> "Form":
        found = cls(form.get("action") or "")
        for control in form.iter():
            name, tag = control.get("name"), str(control.tag).removeprefix(XHTML)
            if name is None or control.get("disabled") is not None or tag == "button":
                continue
            values = found.values.setdefault(name, [])
            if tag == "select":
                options = list(control.iter(f"{XHTML}option"))
                chosen = [o for o in options if o.get("selected") is not None] or options[:1]
                values.extend(o.get("value", _words(o)) for o in chosen)
            elif tag == "textarea":
                values.append((control.text or "").removeprefix("\n"))
            elif control.get("type") in {"checkbox", "radio"}:
                if control.get("checked") is not None:
                    values.append(control.get("value", "on"))
            else:
                values.append(control.get("value", ""))
        return found


@dataclass
class Visitor:
    """Somebody with a browser of their own, who says yes when a step asks first.

    With `says_yes` off the question is what comes back.
    """

    app: Flask
    client: Any = None
    says_yes: bool = True
    tokens: dict[str, str] = field(default_factory=dict)
    refusals: ClassVar[set[tuple[int, bool]]] = set()

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(
        self, path: str, *, htmx: bool = False, expect: int | None = 200, **kwargs: Any
    ) -> Page:
        """Fetch a page, follow redirects within the site, and check what came."""
        response = self.client.get(path, headers=self._headers(htmx, kwargs), **kwargs)
        while response.status_code in {302, 303} and _is_ours(response.location) and expect == 200:
            response = self.client.get(response.location, headers=self._headers(htmx, {}))
        return self._checked(response, htmx, expect)

    def post(
        self,
        path: str,
        data: Any = None,
        *,
        htmx: bool = False,
        expect: int | None = 200,
        csrf: bool = True,
        **kwargs: Any,
    ) -> Page:
        """Send a form; the token is the session's own unless `csrf` is off."""
        data = dict(data or {})
        if csrf:
            data["csrf_token"] = self.token()
        response = self.client.post(path, data=data, headers=self._headers(htmx, kwargs), **kwargs)
        if self.says_yes and response.status_code == 303 and "/ask?" in response.location:
            asked = self._checked(
                self.client.get(response.location, headers=self._headers(False, {})), False, 200
            )
            form = next(Form.of(f) for f in asked.all("form") if f.get("data-asks") is not None)
            response = self.client.post(
                form.action, data=form.values, headers=self._headers(htmx, {})
            )
        while response.status_code in {302, 303} and _is_ours(response.location) and expect == 200:
            response = self.client.get(response.location, headers=self._headers(htmx, {}))
        return self._checked(response, htmx, expect)

    def submit(self, page: Page, action: str, *, expect: int | None = 200, **values: Any) -> Page:
        """Fill in a form of a page and send it."""
        form = page.form(action)
        return self.post(
            form.action or page.response.request.path,
            {**form.values, **values},
            expect=expect,
            csrf=False,
        )

    def token(self) -> str:
        """Return a CSRF token of this session, from the page that is always there."""
        known = self.tokens.get(self._session())
        if known:
            return known
        answer = self.client.get("/help/box", headers={"Host": HOST})
        if answer.status_code != 200:
            answer = self.client.get("/sign-in", headers={"Host": HOST})
        tree = html5lib.parse(answer.get_data(as_text=True))
        fields = (i for i in tree.iter(f"{XHTML}input") if i.get("name") == "csrf_token")
        found = next(fields).get("value", "")
        self.tokens[self._session()] = found
        return found

    def _session(self) -> str:
        cookies = (self.client.get_cookie(name, domain="127.0.0.1") for name in COOKIES)
        return next((cookie.value for cookie in cookies if cookie), "")

    def sign_in(self, email: str, password: str = PASSWORD) -> "Visitor":
        page = self.get("/sign-in")
        self.submit(page, "/sign-in", email=email, password=password)
        return self

    def _headers(self, htmx: bool, kwargs: dict[str, Any]) -> dict[str, str]:
        given: dict[str, str] = kwargs.pop("headers", {})
        return {"Host": HOST, **(HTMX if htmx else {}), **given}

    def _checked(self, response: TestResponse, htmx: bool, expect: int | None) -> Page:
        where = f"{response.request.method} {response.request.path}"
        if expect is not None:
            assert response.status_code == expect, (
                f"{where} answered {response.status_code}: {_said(response)}"
            )
        is_redirect = 300 <= response.status_code < 400
        if is_redirect or response.mimetype != "text/html" or not response.get_data():
            return Page(response, lambda: html5lib.parseFragment(""))
        is_whole = "<!doctype html>" in response.get_data(as_text=True)[:200].lower()
        check = check_whole if is_whole else check_partial
        page = Page(response, lambda: check(response, where))
        if htmx and response.status_code < 300:
            assert not is_whole, f"{where}: htmx got a whole page"
        # "Not here" is one template, fetched by the thousand: after the first of each kind it is
        # parsed when a test looks at it.
        kind = (response.status_code, is_whole)
        if kind not in self.refusals:
            assert page.tree is not None
        if response.status_code in {403, 404}:
            self.refusals.add(kind)
        return page


def _is_ours(location: str) -> bool:
    host = urlsplit(location).netloc
    return host in {"", HOST}


def _said(response: TestResponse) -> str:
    tree = html5lib.parse(response.get_data(as_text=True))
    return " ".join(" ".join(tree.itertext()).split())[:600]


def check_whole(response: TestResponse, where: str) -> Element:
    """Parse a page and check what every page must keep."""
    text = response.get_data(as_text=True)
    _check_markup(text)
    tree = _parsed(text)
    titles = ["".join(t.itertext()).strip() for t in tree.iter(f"{XHTML}title")]
    assert titles, f"{where}: no title"
    assert titles[0].split(" · ")[0], f"{where}: an empty title"
    headings = list(tree.iter(f"{XHTML}h1"))
    assert len(headings) == 1, f"{where}: {len(headings)} first headings"
    assert list(tree.iter(f"{XHTML}main")), f"{where}: no main"
    _check_common(tree, where)
    return tree


# Attributes that are there or not; libxml2 gives them their own names for a value.
SWITCHES = frozenset(
    "checked disabled selected readonly required multiple hidden open novalidate".split()
)
_PARSER = lxml.html.HTMLParser(remove_comments=True)
_seen: set[int] = set()
_WORDS, _VALUES = re.compile(r">[^<]+"), re.compile(r'"[^"]*"')


def _check_markup(text: str) -> None:
    """Parse strictly what has another markup than all pages before, words and values aside.

    The strict parser is written in Python and would take a fifth of the time of all tests.
    """
    shape = hash(_WORDS.sub(">", _VALUES.sub("", text)))
    if shape not in _seen:
        html5lib.HTMLParser(strict=True).parse(text)
        _seen.add(shape)


def _parsed(text: str) -> Element:
    """Return the tree of a page whose markup is right, with names as html5lib gives them."""
    root: Element = lxml.html.document_fromstring(text, parser=_PARSER)
    for element in root.iter():
        element.tag = f"{XHTML}{element.tag}"
        for name in SWITCHES.intersection(element.keys()):
            element.set(name, "")
    return root


def check_partial(response: TestResponse, where: str) -> Element:
    """Parse a fragment and check that it has one root with an id of its own."""
    text = response.get_data(as_text=True).strip()
    container = {"<tr": "tbody", "<tb": "table"}.get(text[:3], "div")
    tree: Element = html5lib.parseFragment(text, container=container)
    _check_common(tree, where)
    return tree


def _check_common(tree: Element, where: str) -> None:
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    doubled = {i for i in ids if ids.count(i) > 1}
    assert not doubled, f"{where}: ids twice: {doubled}"
    for element in tree.iter():
        if not str(element.tag).startswith(XHTML):  # a comment's tag is a function
            continue
        inline = [n for n in map(str, element.attrib) if n == "style" or n[:2] == "on"]
        inline += [n for n in map(str, element.attrib) if n.startswith("hx-on")]
        assert not inline, f"{where}: inline {inline} on {element.tag}"
        _check_element(tree, element, where)


def _check_element(tree: Element, element: Element, where: str) -> None:
    tag = element.tag.removeprefix(XHTML)
    if tag == "script":
        assert element.get("src"), f"{where}: an inline script"
    if tag == "style":
        raise AssertionError(f"{where}: an inline style sheet")
    if tag == "form" and (element.get("method") or "").lower() == "post":
        fields = {i.get("name") for i in element.iter(f"{XHTML}input")}
        assert "csrf_token" in fields, (
            f"{where}: a form without CSRF token to {element.get('action')}"
        )
    if tag in {"input", "select", "textarea"} and element.get("type") not in {"hidden", "submit"}:
        assert _is_labelled(tree, element), f"{where}: no label for {element.attrib}"
    if tag == "img":
        assert element.get("alt") is not None, f"{where}: an image without alt"


def _is_labelled(tree: Element, control: Element) -> bool:
    if control.get("aria-label") or control.get("aria-labelledby"):
        return True
    for label in tree.iter(f"{XHTML}label"):
        if control.get("id") and label.get("for") == control.get("id"):
            return True
        if control in list(label.iter()):
            return True
    return False

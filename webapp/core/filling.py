"""A form on a finished page, filled in again with what somebody had typed and chosen in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin

# Written by hand into none of these; `version` tells which state of a record somebody looked at.
NOT_TYPED = frozenset({"hidden", "password", "file", "submit", "button", "image", "reset"})
ALSO_KEPT = frozenset({"version"})
TICKS = frozenset({"checkbox", "radio"})

Attributes = dict[str, str | None]


@dataclass
class _Control:
    tag: str
    attributes: Attributes
    start: int
    end: int
    # Of a text area: where its text ends. Of a list: what it belongs to.
    text_end: int = 0
    select: Attributes | None = None

    @property
    def name(self) -> str:
        return (self.select or self.attributes).get("name") or ""

    @property
    def kind(self) -> str:
        return (self.attributes.get("type") or "text").lower()


@dataclass
class _Form:
    actions: set[str]
    controls: list[_Control] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {control.name for control in self.controls}


class _Forms(HTMLParser):
    """Collects the forms of a page, and where in its text their controls stand."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Form] = []
        self._address = address
        self._open: _Form | None = None
        self._select: Attributes | None = None
        self._starts = [0]
        for line in page.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.feed(page)

    def _at(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._open = _Form({urljoin(self._address, found.get("action") or "")})
            self.forms.append(self._open)
        if self._open is None:
            return
        if tag == "select":
            self._select = found
        if tag in {"input", "textarea", "option", "button"}:
            end = self._at() + len(self.get_starttag_text() or "")
            select = self._select if tag == "option" else None
            self._open.controls.append(_Control(tag, found, self._at(), end, end, select))
        if found.get("formaction"):
            self._open.actions.add(urljoin(self._address, found["formaction"] or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._open:
            self._open.controls[-1].text_end = self._at()


def fill(
    page: str, action: str, address: str, fields: Mapping[str, list[str]]
) -> tuple[str, list[str]]:
    """Return a page with the form to `action` filled in, and the texts no field was found for."""
    forms = [form for form in _Forms(page, address).forms if action in form.actions]
    form = max(forms, key=lambda it: len(it.names & fields.keys()), default=_Form(set()))
    typed = {name: list(texts) for name, texts in fields.items()}
    for control in reversed([it for it in form.controls if it.name in fields]):
        page = page[: control.start] + _filled(control, page, typed) + page[_end(control) :]
    left = [texts for name, texts in fields.items() if name not in form.names]
    return page, [text for texts in left for text in texts if text.strip()]


def _end(control: _Control) -> int:
    return control.text_end if control.tag == "textarea" else control.end


def _filled(control: _Control, page: str, typed: dict[str, list[str]]) -> str:
    """Return a control's own markup with what was typed; of several alike the last takes first."""
    attributes, texts = dict(control.attributes), typed[control.name]
    as_it_was = page[control.start : _end(control)]
    if control.tag == "button":
        return as_it_was
    if control.tag == "option" or control.kind in TICKS:
        mark = "selected" if control.tag == "option" else "checked"
        attributes.pop(mark, None)
        if attributes.get("value", "on") in texts:
            attributes[mark] = ""
        return _tag(control.tag, attributes)
    if control.kind in NOT_TYPED and control.name not in ALSO_KEPT:
        return as_it_was
    text = texts.pop() if texts else ""
    if control.tag == "textarea":
        return f"{page[control.start : control.end]}\n{escape(text, quote=False)}"
    return _tag("input", {**attributes, "value": text})


def _tag(name: str, attributes: Attributes) -> str:
    words = [f'{key}="{escape(value or "")}"' for key, value in attributes.items()]
    return f"<{' '.join([name, *words])}>"

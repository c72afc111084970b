"""Check templates, scripts and styles against the rules that the browser's policy and we rely on.

- Every template parses, and every template that is named exists.
- No inline script, style or event handler; no `hx-on`, no `js:` value, no trigger filter.
- A partial (a name that starts with "_") never extends, and its root element's id is
  `<folder>-<stem>`; a page never starts with "_".
- An `hx-get` on a link has an `href` as well, so that it works without script.
- `|safe` is used nowhere: what is markup is a template, what is text is escaped.
- Every endpoint that a template names is one of the application's.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, TemplateSyntaxError, meta

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
# Lists of siblings and pieces inside a line have no root element of their own.
ROOTLESS = {
    "_macros.html",
    "attachments/_facts.html",
    "imports/_lines.html",
    "picker/_rows.html",
    "picker/_find.html",
    "picker/_panel.html",
    "picker/_shut.html",
    "picker/_computer.html",
    "picker/_problem.html",
    # The picker's panel, folder and rows as Documents fills them, under the picker's own ids.
    "tools/documents/_source.html",
    "tools/documents/_source_folder.html",
    "tools/documents/_source_rows.html",
    "box_link/_link_form.html",
    "tools/_due.html",
    "tools/_fields.html",
    "tools/_marked.html",
    "tools/_row_files.html",
    "tools/_table.html",
    "tools/_thread.html",
    "tools/pdf/_rows.html",
    "errors/_problem_region.html",
    "errors/_problem.html",
}
FORBIDDEN = {
    r"<style\b": "an inline style sheet",
    r"\sstyle\s*=": "an inline style",
    r"\son[a-z]+\s*=\s*[\"']": "an inline event handler",
    r"\bhx-on\b": "hx-on",
    r"[\"']js:": "a js: value",
    r"hx-trigger=\"[^\"]*\[": "a trigger filter",
    r"<script(?![^>]*\bsrc=)": "an inline script",
    r"\|\s*safe\b": "|safe",
    r"https?://(?!www\.w3\.org)": "an address outside",
}


def main() -> int:
    problems = [*_templates(), *_scripts(), *_styles()]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _templates() -> Iterator[str]:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    names = set(environment.list_templates())
    for name in sorted(names):
        source = (TEMPLATES / name).read_text(encoding="utf-8")
        try:
            tree = environment.parse(source)
        except TemplateSyntaxError as error:
            yield f"templates/{name}:{error.lineno}: {error.message}"
            continue
        for used in meta.find_referenced_templates(tree):
            if used is not None and used not in names:
                yield f"templates/{name}: names {used}, which is not there"
        yield from _rules(name, source)


def _rules(name: str, source: str) -> Iterator[str]:
    markup = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    for pattern, what in FORBIDDEN.items():
        found = re.search(pattern, markup)
        if found:
            line = markup[: found.start()].count("\n") + 1
            yield f"templates/{name}:{line}: {what}"
    if Path(name).name.startswith("_") and name not in ROOTLESS:
        yield from _partial_rules(name, markup)
    for link in re.findall(r"<a\b[^>]*\bhx-get=[^>]*>", markup):
        if "href=" not in link:
            yield f"templates/{name}: an hx-get without href: {link[:80]}"


def _partial_rules(name: str, markup: str) -> Iterator[str]:
    if "{% extends" in markup:
        yield f"templates/{name}: a partial that extends"
    path = Path(name)
    expected = f'id="{path.parent.name}-{path.stem.removeprefix("_")}"'
    if expected not in markup:
        yield f"templates/{name}: its root has not {expected}"


def _scripts() -> Iterator[str]:
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        source = path.read_text(encoding="utf-8")
        for pattern in (r"\beval\(", r"\bnew Function\(", r"\.innerHTML\b", r"console\.log"):
            if re.search(pattern, source):
                yield f"static/js/{path.name}: {pattern}"
        if not source.startswith("/**"):
            yield f"static/js/{path.name}: does not begin by saying what it does"


def _styles() -> Iterator[str]:
    for path in sorted((ROOT / "static" / "css").glob("*.css")):
        source = path.read_text(encoding="utf-8")
        if source.count("{") != source.count("}"):
            yield f"static/css/{path.name}: braces do not match"
        if re.search(r"url\(\s*[\"']?(https?:|//)", source):
            yield f"static/css/{path.name}: loads something from outside"
        if path.name != "base.css":
            colours = re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"/\*.*?\*/", "", source))
            if colours and path.name not in {"print.css", "pdf.css"}:
                yield f"static/css/{path.name}: a colour that is no token: {colours[0]}"


if __name__ == "__main__":
    sys.exit(main())

"""Our own rules find what they are for: one planted violation each, and one harmless line."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "scripts" / "scanning" / "rules.yml"
TOOLS = ROOT / ".venv-tools" / "bin"
SECONDS = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TOOLS.exists(), reason="make check installs the scanners"),
]

HEAD = """\
import datetime
import logging
import urllib.request

import flask
import markupsafe
import requests
import sqlalchemy
from datetime import date
from flask import request, send_file
from markupsafe import Markup
from sqlalchemy import text

log = logging.getLogger(__name__)
"""

# What must be found, and what looks like it and must not be: rule, file, violation, harmless line.
CASES = [
    ("certificates-are-checked", "calls.py", "ask(url, verify=False)", "ask(url, verify=True)"),
    ("certificates-are-checked", "calls.py", "http.verify = False", "http.verify = bundle"),
    ("calls-end-in-time", "calls.py", "requests.get(url)", "requests.get(url, timeout=3)"),
    ("calls-end-in-time", "calls.py", "requests.post(url, data={})", "box.post(url, data={})"),
    (
        "calls-end-in-time",
        "calls.py",
        "urllib.request.urlopen(url)",
        "urllib.request.urlopen(url, timeout=3)",
    ),
    (
        "templates-are-files",
        "pages.py",
        "flask.render_template_string(typed)",
        "flask.render_template('a.html')",
    ),
    ("templates-are-files", "pages.py", "env.from_string(typed)", "env.get_template('a.html')"),
    ("values-are-escaped", "pages.py", "Markup(typed)", "Markup('<hr>')"),
    ("values-are-escaped", "pages.py", "Markup(f'<b>{typed}</b>')", "markupsafe.escape(typed)"),
    ("templates-escape", "one.html", "<p>{{ typed|safe }}</p>", "<p>{{ typed|safely }}</p>"),
    ("templates-escape", "one.html", "{% autoescape false %}", "{% autoescape true %}"),
    (
        "sql-is-not-put-together",
        "rows.py",
        "text(f'SELECT {typed}')",
        "text('SELECT :typed')",
    ),
    (
        "sql-is-not-put-together",
        "rows.py",
        "connection.execute('SELECT %s' % typed)",
        "connection.execute('SELECT %s', [typed])",
    ),
    (
        "sql-is-not-put-together",
        "rows.py",
        "session.scalars('SELECT ' + typed)",
        "session.scalars(select(Record.id + 1))",
    ),
    (
        "views-ask-whose-it-is",
        "views.py",
        "session.get(Record, record_id)",
        "session.get(Person, me().id)",
    ),
    (
        "views-ask-whose-it-is",
        "daily_log_pages.py",
        "query.filter_by(id=typed)",
        "query.filter_by(person_id=me().id)",
    ),
    ("files-leave-by-one-door", "files.py", "send_file(path)", "sending.send(path)"),
    (
        "forms-name-their-fields",
        "forms.py",
        "Record(**request.form)",
        "Record(title=request.form['title'])",
    ),
    ("forms-name-their-fields", "forms.py", "form.populate_obj(record)", "form.validate()"),
    ("one-clock", "moments.py", "datetime.datetime.now()", "clock.utcnow()"),
    ("one-clock", "moments.py", "date.today()", "date(2026, 1, 1)"),
    ("nothing-is-printed", "talk.py", "print(typed)", "click.echo(typed)"),
    (
        "secrets-are-not-logged",
        "talk.py",
        "log.info('linked %s', refresh_token)",
        "log.info('linked %s', link_id)",
    ),
    (
        "secrets-are-not-logged",
        "talk.py",
        "log.info('linked', extra={'t': pair.access_token})",
        "log.info('linked', extra={'t': pair.generation})",
    ),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, int]]:
    """Scan everything that was planted, once: rule, file, line."""
    folder = tmp_path_factory.mktemp("planted")
    for name in {case[1] for case in CASES}:
        (folder / name).write_text(_text(name), encoding="utf-8")
    options = ["--metrics=off", "--disable-version-check", "--quiet", "--json", "--no-git-ignore"]
    ran = subprocess.run(
        [TOOLS / "semgrep", "scan", "--config", RULES, *options, folder],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    results = json.loads(ran.stdout)["results"]
    return {
        (r["check_id"].rpartition(".")[2], Path(r["path"]).name, r["start"]["line"])
        for r in results
    }


def _text(name: str) -> str:
    head = HEAD if name.endswith(".py") else ""
    return head + "".join(f"{case[2]}\n{case[3]}\n" for case in CASES if case[1] == name)


def _line(name: str, planted: str) -> int:
    return _text(name).splitlines().index(planted) + 1


@pytest.mark.parametrize(("rule", "name", "planted", "harmless"), CASES)
def test_a_planted_violation_is_found_and_its_harmless_neighbour_is_not(
    found: set[tuple[str, str, int]], rule: str, name: str, planted: str, harmless: str
) -> None:
    assert (rule, name, _line(name, planted)) in found
    assert (rule, name, _line(name, harmless)) not in found


def test_every_rule_has_been_seen_to_work() -> None:
    rules = re.findall(r"^  - id: (\S+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rules) == {case[0] for case in CASES}

"""A soak: 20 people work for an hour while Box stumbles and processes are killed again and again.

    python -m benchmarks.soak [MINUTES]        make soak MINUTES=60

Each person signs in, links a Box, opens folders, attaches files to records, reads lists and takes
files down again. One call to Box in twenty goes wrong, in five ways. Every twenty seconds a process
is ended as a power cut would: a web process, the worker, or all of them. At the end the faults stop
and what is left is judged: each accepted file is attached once and whole, or says why it is not; no
token is anywhere; no temporary file stays; memory and open files have not grown. What was found is
printed, and written to docs/soak.md with `--write`.

Everything random comes from one seed (SEED in the environment, 1 by default).
"""

import contextlib
import hashlib
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import requests
from flask import Flask
from sqlalchemy import select

from benchmarks.stage import configured, filled, link_person, memory_mib
from config import Config
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.deployment import deployment
from tests.support.pages import XHTML
from tests.support.processes import Person, Plumbline
from tests.support.world import World, add_record
from webapp.accounts.models import Person as PersonRow
from webapp.companies.models import CompanyMember, ProjectMember
from webapp.core.database import db
from webapp.factory import create_app
from webapp.imports.models import ImportItem, ItemState

PEOPLE = 20
ACCOUNTS = ("devon.achterberg", "rosa.imamura", "mara.lindqvist", "kwame.ellery")
KILL_EVERY_S = 20.0
FAULTY_SHARE = 0.05
FAULTS = (
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"reset_after": 2000},
    {"truncate_after": 2000},
    {"flip_byte": 10},
)
SETTLE_SECONDS = 300
LARGEST_MB = 5
# The sandbox has a folder of files that never come as they were announced.
BROKEN = "Odds"
REPORT = Path(__file__).resolve().parent.parent / "docs" / "soak.md"


@dataclass
class Seen:
    """What the people of one soak met."""

    answers: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    cut_off: int = 0
    sign_ins: int = 0
    lists_ms: list[float] = field(default_factory=list)
    folders_ms: list[float] = field(default_factory=list)
    downloads: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    oddities: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, answer: requests.Response) -> None:
        with self.lock:
            self.answers[f"{answer.status_code // 100}xx"] += 1
            if answer.status_code >= 500:
                self.oddities.append(f"{answer.status_code} {kind}")
            elif answer.status_code >= 400:
                self.refused[f"{answer.status_code} to {kind}"] += 1
            elif kind == "list":
                self.lists_ms.append(answer.elapsed.total_seconds() * 1000)
            elif kind == "folder":
                self.folders_ms.append(answer.elapsed.total_seconds() * 1000)


@dataclass
class Soak:
    """Everything that runs, and the one source of chance."""

    app: Flask
    world: World
    sandbox: SandboxProcess
    plumbline: Plumbline
    records: list[str]
    seen: Seen = field(default_factory=Seen)
    ends: threading.Event = field(default_factory=threading.Event)
    up: threading.Event = field(default_factory=threading.Event)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def measure(self) -> None:
        """Note what the processes hold together, once they have been up for a while."""
        pids = [pid for parent in self.plumbline.pids for pid in (parent, *_children(parent))]
        with contextlib.suppress(OSError, LookupError):
            self.memory.append(sum(memory_mib(pid) for pid in pids))
            self.files.append(sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids))


def main() -> int:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    minutes = float(given[0]) if given else 60.0
    seed = int(os.environ.get("SEED", "1"))
    os.environ["APP_ENV"] = "test"
    os.environ.setdefault("TEST_DEPLOYMENT", "postgres")
    with deployment() as deployed, SandboxProcess() as sandbox:
        config = configured(deployed, sandbox)
        world, records = _house(replace(config, database_url=deployed.template_url))
        deployed.prepare_database()
        deployed.prepare_storage()
        sandbox.settings(rate_limits=False)
        with Plumbline(config) as plumbline:
            soak = Soak(create_app(config), world, sandbox, plumbline, records)
            began = time.monotonic()
            _run(soak, minutes * 60, seed)
            problems = _judge(soak, deployed.folder)
            log = plumbline.log
        if problems:
            kept = Path(tempfile.gettempdir()) / "soak.log"
            kept.write_text(log, encoding="utf-8")
            print(f"What the processes said is in {kept}.", file=sys.stderr)
        if re.search(r"TKN_\w", log):
            problems.append("a token's beginning stands in the log")
        text = _report(soak, deployed.name, began, problems)
    print(text)
    if "--write" in sys.argv:
        REPORT.write_text(text, encoding="utf-8")
    return 1 if problems else 0


def _house(config: Config) -> tuple[World, list[str]]:
    """Fill the template: the tests' world, 20 people on its project, and a record for each."""
    world = filled(config)
    app = create_app(config)
    records = []
    with app.app_context():
        session = db.session()
        secret = session.scalars(select(PersonRow.password_hash)).first() or ""
        for number in range(PEOPLE):
            person = PersonRow(
                email=_email(number), name=f"Person {number}", title="", password_hash=secret
            )
            session.add(person)
            session.flush()
            session.add(CompanyMember(company_id=world.acme, person_id=person.id, is_admin=False))
            session.add(ProjectMember(project_id=world.tower, person_id=person.id, level=3))
            world.people[f"person{number}"] = person.id
        for number in range(PEOPLE):
            record = add_record(session, world, "rfis", f"Question {number}", status="open")
            records.append(f"/projects/{world.tower}/rfis/{record}")
        session.commit()
        db.session.remove()
        db.engine.dispose()
    return world, records


def _email(number: int) -> str:
    return f"person{number}@example.test"


def _run(soak: Soak, seconds: float, seed: int) -> None:
    soak.up.set()
    workers = [
        threading.Thread(target=_person, args=(soak, number, random.Random(seed * 1000 + number)))
        for number in range(PEOPLE)
    ]
    workers.append(threading.Thread(target=_trouble, args=(soak, random.Random(seed))))
    for worker in workers:
        worker.start()
    rng, deadline, next_kill = random.Random(seed + 1), time.monotonic() + seconds, KILL_EVERY_S
    began = time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(1.0)
        if time.monotonic() - began >= next_kill:
            soak.measure()
            _kill_something(soak, rng)
            next_kill = time.monotonic() - began + KILL_EVERY_S
    soak.ends.set()
    for worker in workers:
        worker.join(60)
        if worker.is_alive():
            soak.seen.oddities.append(f"a person still waits: {worker.name}")


def _kill_something(soak: Soak, rng: random.Random) -> None:
    """End one process, or all, with no chance to clean up, and start what does not start itself."""
    parents = soak.plumbline.pids
    what = rng.choice(["a web process", "a web process", "the worker", "everything"])
    if what == "a web process" and (children := _children(parents[0])):
        os.kill(rng.choice(children), signal.SIGKILL)
    elif what == "the worker" and len(parents) > 1:
        soak.plumbline.kill_worker()
    else:
        what = "everything"
        soak.up.clear()
        soak.plumbline.kill()
        soak.plumbline.start()
        soak.up.set()
    soak.seen.kills[what] += 1


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        path = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in path.read_text(encoding="ascii").split()]
    return []


def _trouble(soak: Soak, rng: random.Random) -> None:
    """Let one call to Box in twenty go wrong."""
    before = 0
    while not soak.ends.wait(2.0):
        total = int(soak.sandbox.calls()["total"])
        for _ in range(round((total - before) * FAULTY_SHARE)):
            host = rng.choice(("api", "download"))
            rule = {
                "match": {"host": host},
                "skip": rng.randrange(10),
                "action": rng.choice(FAULTS),
            }
            soak.sandbox.faults(rule)
        before = total
    soak.sandbox.clear_faults()


# ---- what one person does


def _person(soak: Soak, number: int, rng: random.Random) -> None:
    person: Person | None = None
    login = f"{ACCOUNTS[number % len(ACCOUNTS)]}@boxmail.example"
    while not soak.ends.is_set():
        soak.up.wait(60)
        try:
            if person is None:
                person = Person(soak.plumbline.url).sign_in(_email(number))
                with soak.seen.lock:
                    soak.seen.sign_ins += 1
                link_person(person, soak.sandbox, login)
            _do_something(soak, person, rng)
        except (requests.RequestException, OSError):
            # A process was killed under this request: people load the page again.
            with soak.seen.lock:
                soak.seen.cut_off += 1
            time.sleep(0.5)
        except AssertionError:
            # Signed out, or a page came without its form: sign in anew.
            person = None
            time.sleep(1.0)
        time.sleep(rng.uniform(0.5, 2.5))


def _do_something(soak: Soak, person: Person, rng: random.Random) -> None:
    record = rng.choice(soak.records)
    act = rng.choice(("attach", "attach", "list", "record", "download"))
    if act == "list":
        tool = rng.choice(("rfis", "punch-list", "drawings", "emails"))
        soak.seen.note("list", person.get(f"/projects/{soak.world.tower}/{tool}"))
    elif act == "record":
        soak.seen.note("record", person.get(record))
    elif act == "download":
        _download(soak, person, record, rng)
    else:
        _attach(soak, person, record, rng)


def _attach(soak: Soak, person: Person, record: str, rng: random.Random) -> None:
    """Go two folders deep, tick what is there and small enough, and press Attach."""
    target = f"{record}/attach/"
    page = person.get(f"{target}box/folders/0")
    soak.seen.note("folder", page)
    for _ in range(3):
        folders = re.findall(rf'href="({re.escape(target)}box/folders/\d+[^"]*)"', page.text)
        folders = [folder for folder in folders if BROKEN not in folder]
        choices = _small(page.text)
        if choices and rng.random() < 0.7:
            break
        if not folders:
            return
        page = person.get(rng.choice(folders).replace("&amp;", "&"))
        soak.seen.note("folder", page)
    if not choices:
        return
    form = person.form(page.url.removeprefix(soak.plumbline.url), "box/choose")
    picked = rng.sample(choices, min(len(choices), rng.randint(1, 3)))
    soak.seen.note("choose", person.post(form.action, {**form.values, "choice": picked}))
    form = person.form(target, "/send")
    soak.seen.note("send", person.post(form.action, form.values))


def _small(listing: str) -> list[str]:
    """Return the rows that can be chosen and whose file is small enough for many of them."""
    found = []
    for row in re.findall(r"<tr role=\"row\".*?</tr>", listing, re.DOTALL):
        token = re.search(r'name="choice" value="([^"]+)"', row)
        size = re.search(r">\s*([\d.]+)\s(bytes?|[kK]B|MB)\s*<", row)
        if token and size and (size[2] != "MB" or float(size[1]) <= LARGEST_MB):
            found.append(token[1])
    return found


def _download(soak: Soak, person: Person, record: str, rng: random.Random) -> None:
    """Take an attached file and compare it with the SHA-1 its page tells."""
    tree = person.tree(record)
    links = [a.get("href") or "" for a in tree.iter(f"{XHTML}a") if a.get("download") is not None]
    links = [link for link in links if link.startswith("/attachments/")]
    if not links:
        return
    link = rng.choice(links)
    answer = person.get(link)
    soak.seen.note("download", answer)
    about = person.get(f"{link}/about").text
    told = re.search(r"SHA-1</dt><dd><span[^>]*>([0-9a-f ]+)<", about)
    if answer.status_code == 200 and told:
        digest = hashlib.sha1(answer.content, usedforsecurity=False).hexdigest()
        with soak.seen.lock:
            soak.seen.downloads += 1
            if digest != told[1].replace(" ", ""):
                soak.seen.oddities.append("a downloaded file has another SHA-1 than its page tells")


# ---- the end


def _judge(soak: Soak, folder: Path) -> list[str]:
    """Wait until nothing moves any more and return what is wrong; nothing, as a rule."""
    problems = list(dict.fromkeys(soak.seen.oddities))
    moving = (ItemState.QUEUED, ItemState.COPYING)
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(item.state in moving for item in copying.items(soak.app)):
        if time.monotonic() > deadline:
            problems.append("copies still move five minutes after the last fault")
            break
        time.sleep(1.0)
    try:
        copying.check_invariant(soak.app, soak.sandbox)
    except AssertionError as error:
        problems.append(str(error))
    left = [path.name for path in folder.rglob("*.tmp")]
    if left:
        problems.append(f"temporary files stay: {len(left)}")
    return problems


def _report(soak: Soak, deployed: str, began: float, problems: list[str]) -> str:
    seen, minutes = soak.seen, (time.monotonic() - began) / 60
    with soak.app.app_context():
        ends = Counter(
            f"{item.state}: {item.reason}" if item.reason else item.state
            for item in db.session.scalars(select(ImportItem))
        )
        db.session.remove()
    lines = [
        "# The last soak",
        "",
        f"Made by `make soak` on {datetime.now(UTC):%Y-%m-%d}: {minutes:.0f} minutes,",
        f"{PEOPLE} people, {os.cpu_count()} cores, {deployed}.",
        f"One call to Box in {1 / FAULTY_SHARE:.0f} went wrong, in five ways.",
        f"Every {KILL_EVERY_S:.0f} seconds a process was killed.",
        "",
        "| | |",
        "|---|---|",
        f"| killed | {_counted(seen.kills)} |",
        f"| answers | {_counted(seen.answers)}, cut off by a kill: {seen.cut_off} |",
        f"| refused | {_counted(seen.refused)} |",
        f"| sign-ins | {seen.sign_ins} |",
        f"| copies | {_counted(ends)} |",
        f"| files taken down and compared | {seen.downloads} |",
        f"| a list, median and 95 % | {_spread(seen.lists_ms)} |",
        f"| a folder, median and 95 % | {_spread(seen.folders_ms)} |",
        f"| memory of all processes, first and last quarter | {_grown(soak.memory, 'MiB')} |",
        f"| open files, first and last quarter | {_grown(soak.files, '')} |",
        "",
        "What was wrong: " + ("; ".join(problems) if problems else "nothing."),
        "",
    ]
    return "\n".join(lines)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} × {what}" for what, count in sorted(counts.items())) or "none"


def _spread(times: list[float]) -> str:
    if len(times) < 20:
        return "too few"
    return f"{statistics.median(times):.0f} ms, {statistics.quantiles(times, n=20)[-1]:.0f} ms"


def _grown(values: list[float] | list[int], unit: str) -> str:
    quarter = max(1, len(values) // 4)
    if not values:
        return "not measured"
    first, last = statistics.mean(values[:quarter]), statistics.mean(values[-quarter:])
    return f"{first:.0f} {unit}, {last:.0f} {unit}".replace(" ,", ",")


if __name__ == "__main__":
    sys.exit(main())

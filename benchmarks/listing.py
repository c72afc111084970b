"""How a project with 10,000 RFIs lists beside one with 100, in the same run.

    python -m benchmarks.listing [MANY] [ROUNDS]

Asks for the first page, a filtered page, a sorted page and the last page of both projects, over
HTTP, and prints the median of each and the ratio. `TEST_DEPLOYMENT=postgres` runs on PostgreSQL.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, text

from benchmarks.stage import ROOT
from config import Config, TokenKey
from tests.support import world as worlds
from tests.support.deployment import Deployment, deployment
from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.companies.models import Project
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.extensions import limiter
from webapp.factory import create_app
from webapp.records.models import Record, RecordPerson

FEW = 100
QUERIES = {
    "first page": "",
    "all open": "?status=all_open",
    "in my court": "?ball=me",
    "words": "?q=not+meet",
    "one number": "?q=rfi-00042",
    "by title": "?sort=title",
    "by number": "?sort=number",
}


@dataclass(frozen=True)
class Bench:
    app: Flask
    visitor: Visitor
    few: str
    many: str


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    os.environ["APP_ENV"] = "test"
    with deployment() as deployed:
        bench = _prepare(deployed, many)
        print(f"{'':14}{FEW:>10}{many:>10}   ratio")
        last = {"last page": (f"?page={FEW // 50}", f"?page={many // 50}")}
        for name, (small, large) in {**{k: (q, q) for k, q in QUERIES.items()}, **last}.items():
            one = _median(bench, bench.few + small, rounds)
            other = _median(bench, bench.many + large, rounds)
            print(f"{name:14}{one:8.1f} ms{other:8.1f} ms   {other / one:5.2f}")


def _prepare(deployed: Deployment, many: int) -> Bench:
    """Migrate, fill two projects with RFIs, and sign Alice in."""
    app = create_app(_config(deployed))
    limiter.enabled = False
    with app.app_context():
        _empty(app)
        world = worlds.build(db.session())
        db.session.commit()
        few, big = (_project(world, number) for number in ("F", "M"))
        _fill(world, few, FEW)
        _fill(world, big, many)
        db.session.commit()
        # What a database in use does by itself after a large import.
        tidy = "VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE"
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(tidy))
        db.session.remove()
    visitor = Visitor(app).sign_in(world.email("alice"))
    return Bench(app, visitor, f"/projects/{few}/rfis", f"/projects/{big}/rfis")


def _empty(app: Flask) -> None:

    upgrade(directory=str(ROOT / "migrations"))
    assert app.name


def _config(deployed: Deployment) -> Config:
    url = deployed.template_url
    return Config(
        environment="test",
        data_dir=deployed.folder / "var",
        secret_key="a secret for the benchmarks only, long enough",
        token_keys=(TokenKey("b1", b"k" * 32),),
        database_url=url,
        storage_url=(deployed.folder / "files").as_uri(),
        queue_url=f"sqlite:///{deployed.folder / 'queue.sqlite'}",
        public_url=f"http://{HOST}",
        box_client_id="none",
        box_client_secret="none",
        box_account_url="http://127.0.0.1:9",
        box_api_url="http://127.0.0.1:9",
        box_download_hosts=("http://127.0.0.1:9",),
    )


def _project(world: World, number: str) -> int:
    project = Project(company_id=world.acme, number=number, name=f"Project {number}", details={})
    db.session.add(project)
    db.session.flush()
    return project.id


def _fill(world: World, project_id: int, count: int) -> None:
    """Add RFIs of every kind: open and closed, late and not, some private, all with a holder."""
    alice, bob = world.people["alice"], world.people["bob"]
    words = ("Stair", "Slab", "Door", "Duct", "Anchor", "Panel", "Drain")
    now = utcnow()
    rows = [
        {
            "project_id": project_id,
            "tool_key": "rfis",
            "number": f"RFI-{n:05d}",
            "number_sort": n,
            "title": f"{words[n % 7]} {n % 97} does not meet {words[n % 5]} {n % 89}",
            "status": "closed" if n % 2 else "open",
            "is_open": n % 2 == 0,
            "restricted": n % 50 == 0,
            "is_private": n % 50 == 0,
            "due_on": date(2026, 1, 1) + timedelta(days=n % 400),
            "location": f"Building>Level {n % 9}",
            "manager_id": alice,
            "created_by_id": bob,
            "created_at": now,
            "updated_at": now - timedelta(minutes=n),
            "saved_at": now,
            "details": {"question": "Which one governs? " * 20},
        }
        for n in range(1, count + 1)
    ]
    ids = db.session.scalars(insert(Record).returning(Record.id), rows).all()
    balls = [
        {"record_id": i, "role": "ball", "person_id": alice if n % 10 else bob, "position": 0}
        for n, i in enumerate(ids)
    ]
    db.session.execute(insert(RecordPerson), balls)


def _median(bench: Bench, address: str, rounds: int) -> float:
    walls = []
    for _ in range(rounds + 3):
        start = time.perf_counter()
        answer = bench.visitor.client.get(address, headers={"Host": HOST, "HX-Request": "true"})
        walls.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, answer.status_code
    return statistics.median(walls[3:])


if __name__ == "__main__":
    main()

"""Looks into the database for a person's link, and has their pages ask Box."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from config import Config
from tests.sandbox.process import SandboxProcess
from tests.support.pages import Page, Visitor
from tests.support.processes import environment
from tests.support.world import World
from webapp.accounts.models import Notice
from webapp.box_link.models import BoxLink, BoxSessionToken
from webapp.core.database import db
from webapp.core.sessions import hashed

ROOT = Path(__file__).resolve().parents[2]
PROCESS_SECONDS = 60


def picker(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}/attach/"


def punch_picker(world: World) -> str:
    """Return a picker that Bob may open as well as Alice."""
    return f"/projects/{world.tower}/punch-list/{world.punch}/attach/"


def browse(visitor: Visitor, world: World, *, where: str = "", expect: int | None = 200) -> Page:
    """Open Box's root folder in a picker: one call to Box when all is well."""
    return visitor.get(f"{where or picker(world)}box/folders/0", expect=expect)


def row_of(app: Flask, person_id: int) -> dict[str, Any] | None:
    """Return everything that is stored about a person's link."""
    table = BoxLink.__table__
    with app.app_context():
        row = db.session.execute(select(table).where(table.c.person_id == person_id)).first()
        db.session.remove()
    return dict(row._mapping) if row is not None else None


def kept(app: Flask, person_id: int) -> dict[str, Any]:
    """Return what a bad answer of Box must leave byte for byte as it was."""
    row = row_of(app, person_id)
    assert row is not None, "there is no link"
    return {name: value for name, value in row.items() if not name.startswith("last_used")}


def state_of(app: Flask, person_id: int) -> str | None:
    row = row_of(app, person_id)
    return row["state"] if row is not None else None


def session_tokens(app: Flask) -> int:
    with app.app_context():
        count = db.session.scalar(select(func.count()).select_from(BoxSessionToken))
        db.session.remove()
    return count or 0


def notices(app: Flask, person_id: int, kind: str) -> int:
    with app.app_context():
        count = db.session.scalar(
            select(func.count(Notice.id)).where(Notice.person_id == person_id, Notice.kind == kind)
        )
        db.session.remove()
    return count or 0


def token_calls(sandbox: SandboxProcess) -> int:
    return int(sandbox.calls()["counts"].get("POST /oauth2/token", 0))


def session_hash(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("plumbline", domain="127.0.0.1")
    assert cookie is not None
    return hashed(str(cookie.value))


def caller(
    config: Config,
    person_id: int,
    session: str,
    *,
    barrier: int = subprocess.DEVNULL,
    **changed: str,
) -> "subprocess.Popen[str]":
    """Start a process that calls Box in the name of a session once `barrier` has ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.box_link.caller", str(person_id), session],
        cwd=ROOT,
        env=environment(config, **changed),
        stdin=barrier,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Ended:
    """How a process ended, its last word, and everything it printed."""

    code: int
    word: str
    printed: str


def ended(process: "subprocess.Popen[str]") -> Ended:
    out, err = process.communicate(timeout=PROCESS_SECONDS)
    return Ended(process.returncode, (out.split() or [""])[-1], out + err)

"""Migrating a database in use: nothing in it is lost, and then it is what the code wants."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, select, text

from config import Config
from tests.support.deployment import Deployment
from webapp.companies.models import Invitation
from webapp.core.database import Base, db
from webapp.factory import create_app

pytestmark = pytest.mark.wide

ROOT = Path(__file__).resolve().parents[2]
FOLDER = str(ROOT / "migrations")
# What the first tables hold once somebody has answered an RFI with a file.
IN_USE = """
INSERT INTO people (id, email, name, title, password_hash, is_active, is_implementation_manager,
    created_at) VALUES (1, 'a@x.example', 'A', '', '', true, false, NOW);
INSERT INTO companies (id, name, city, timezone, box_grant, box_switched_off, created_at)
    VALUES (1, 'Acme', '', 'UTC', 'none', false, NOW);
INSERT INTO projects (id, company_id, number, name, stage, address, details)
    VALUES (1, 1, '1', 'Tower', '', '', '{}');
INSERT INTO records (id, project_id, tool_key, number, number_sort, revision, title, status,
    is_open, is_private, restricted, created_by_id, created_at, updated_at, saved_at, version,
    details) VALUES (1, 1, 'rfis', 'RFI-001', 1, 0, 'Asked', 'open', true, false, false, 1, NOW,
    NOW, NOW, 1, '{}');
INSERT INTO record_rows (id, record_id, project_id, tool_key, section, text, author_id, created_at,
    sent_at, details) VALUES (1, 1, 1, 'rfis', 'responses', 'Answered', 1, NOW, NOW, '{}');
INSERT INTO attachments (id, public_id, project_id, tool_key, record_id, row_id, name,
    original_name, size_bytes, sha1, sha256, is_verified, blob_key, source, attached_by_id,
    attached_at, box_path, box_owner, box_login, newer_in_box) VALUES (1, 'p', 1, 'rfis', 1, 1,
    'f', 'f', 1, '', '', true, 'k', 'computer', 1, NOW, '', '', '', false)
""".replace("NOW", "'2026-01-02 03:04:05+00:00'")


@pytest.fixture
def empty(config: Config, deployed: Deployment, tmp_path: Path) -> Iterator[Flask]:
    """An application over a database without tables."""
    url = f"sqlite:///{tmp_path / 'migrated.sqlite'}"
    if deployed.name == "postgres":
        deployed.prepare_database()
        url = config.database_url
    app = create_app(replace(config, database_url=url))
    with app.app_context():
        if deployed.name == "postgres":
            with db.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
        yield app
        db.session.remove()
        db.engine.dispose()


def counted(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("records", "record_rows", "attachments")
        }


def test_what_is_there_survives_every_migration_up_and_down(empty: Flask) -> None:
    upgrade(directory=FOLDER, revision="0001")
    with db.engine.begin() as connection:
        for statement in IN_USE.split(";"):
            connection.execute(text(statement))
    for step in (
        upgrade,
        lambda directory: downgrade(directory=directory, revision="0001"),
        upgrade,
    ):
        step(directory=FOLDER)
        db.engine.dispose()
        assert counted(db.engine) == {"records": 1, "record_rows": 1, "attachments": 1}


NEVER_CAME = """
INSERT INTO people (id, email, name, title, password_hash, is_active, is_implementation_manager,
    created_at) VALUES (7, 'n@x.example', 'Nora New', 'Estimator', '', true, false, NOW),
    (8, 'o@x.example', 'Ola', '', 'hash', true, false, NOW);
INSERT INTO company_members (company_id, person_id, is_admin) VALUES (1, 7, true), (1, 8, false);
INSERT INTO project_members (project_id, person_id, level) VALUES (1, 7, 2), (1, 8, 1);
INSERT INTO tool_levels (project_id, person_id, tool_key, level) VALUES (1, 7, 'rfis', 3);
INSERT INTO invitations (id, person_id, company_id, invited_by_id, nonce, token_hash, created_at,
    expires_at) VALUES (1, 7, 1, 8, 'nonce', 'hash', NOW, '2026-01-09 03:04:05+00:00')
""".replace("NOW", "'2026-01-02 03:04:05+00:00'")


def test_whoever_never_set_a_password_becomes_an_invitation(empty: Flask) -> None:
    upgrade(directory=FOLDER, revision="0013")
    statements = IN_USE.replace(" server_default", "").split(";") + NEVER_CAME.split(";")
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(_with_later_columns(statement)))
    upgrade(directory=FOLDER)
    with db.engine.connect() as connection:
        members = connection.execute(text("SELECT person_id FROM company_members")).scalars().all()
        on_project = connection.execute(text("SELECT person_id FROM project_members")).scalars()
        assert (members, on_project.all()) == ([8], [8])
        assert connection.execute(text("SELECT count(*) FROM tool_levels")).scalar() == 0
    session = db.session()
    (made,) = session.scalars(select(Invitation)).all()
    assert (made.email, made.name, made.is_admin) == ("n@x.example", "Nora New", True)
    assert (made.nonce, made.token_hash, made.is_by_letter) == ("nonce", "hash", False)
    assert made.expires_at == datetime(2026, 1, 9, 3, 4, 5, tzinfo=UTC)
    (place,) = made.places
    assert (place.level, place.levels) == (2, {"rfis": 3})


def _with_later_columns(statement: str) -> str:
    """Give an INSERT for the first tables what projects got before the revision at hand."""
    return statement.replace("address, details)", "address, mail_token, details)").replace(
        "'', '', '{}')", "'', '', 'token', '{}')"
    )


def test_the_migrations_make_just_what_the_code_wants(empty: Flask) -> None:
    upgrade(directory=FOLDER)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_foreign_keys_are_watched_again_after_a_migration(empty: Flask) -> None:
    upgrade(directory=FOLDER)
    if db.engine.dialect.name != "sqlite":
        return
    with db.engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1

"""Migrating a database in use: nothing in it is lost, and then it is what the code wants."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
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
from webapp.core.audit import AuditEntry
from webapp.core.database import Base, db, writing
from webapp.core.text import in_language
from webapp.factory import create_app
from webapp.records.models import Record, RecordRow
from webapp.tools.extensions.contract_sums import roll_up
from webapp.tools.page import event_text

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


# Two change orders that include potential ones: CO-001 was approved, CO-002 is still pending, and
# neither ever had a line of its own. CO-003 had, and counts as it is.
WITHOUT_LINES = """
INSERT INTO records (id, project_id, tool_key, number, number_sort, revision, title, status,
    is_open, is_private, restricted, created_by_id, created_at, updated_at, saved_at, version,
    scope, parent_id, amount, details) VALUES
    (20, 1, 'commitments', 'SC-1-001', 1, 0, 'Concrete', 'approved', true, false, false, 1, NOW,
        NOW, NOW, 1, 'subcontract', NULL, 100000, '{"type": "subcontract",
        "approved_amount": "5.00", "pending_amount": "0", "draft_amount": "0",
        "revised_amount": "1005.00", "committed_amount": "1005.00"}'),
    (21, 1, 'change_orders', 'PCO-001', 1, 0, 'Soils', 'approved', false, false, false, 1, NOW,
        NOW, NOW, 1, 'potential', 20, 6000, '{"tier": "potential"}'),
    (22, 1, 'change_orders', 'PCO-002', 2, 0, 'Secret', 'approved', false, true, true, 1, NOW,
        NOW, NOW, 1, 'potential', 20, -150, '{"tier": "potential"}'),
    (23, 1, 'change_orders', 'PCO-003', 3, 0, 'Steel', 'pending_pricing', true, false, false, 1,
        NOW, NOW, NOW, 1, 'potential', 20, 700, '{"tier": "potential"}'),
    (24, 1, 'change_orders', 'PCO-004', 4, 0, 'Paint', 'approved', false, false, false, 1, NOW,
        NOW, NOW, 1, 'potential', 20, 500, '{"tier": "potential"}'),
    (31, 1, 'change_orders', 'CCO-001', 1, 0, 'All', 'approved', false, false, false, 1, NOW,
        NOW, NOW, 1, 'commitment', 20, NULL, '{"tier": "change_order", "includes": [21, 22]}'),
    (32, 1, 'change_orders', 'CCO-002', 2, 0, 'More', 'pending_pricing', true, false, false, 1,
        NOW, NOW, NOW, 1, 'commitment', 20, 0, '{"tier": "change_order", "includes": [23]}'),
    (33, 1, 'change_orders', 'CCO-003', 3, 0, 'Own', 'approved', false, false, false, 1, NOW,
        NOW, NOW, 1, 'commitment', 20, 500, '{"tier": "change_order", "includes": [24]}');
INSERT INTO record_rows (id, record_id, project_id, tool_key, section, text, author_id, created_at,
    sent_at, position, cost_code, amount, details) VALUES
    (41, 21, 1, 'change_orders', 'lines', '', 1, NOW, NOW, 1, '03-300', 2000,
        '{"description": "Dig"}'),
    (42, 21, 1, 'change_orders', 'lines', '', 1, NOW, NOW, 2, '05-120', 4000, '{}'),
    (43, 22, 1, 'change_orders', 'lines', '', 1, NOW, NOW, 1, '03-300', -150,
        '{"description": "Hush money"}'),
    (44, 23, 1, 'change_orders', 'lines', '', 1, NOW, NOW, 1, '05-120', 700, '{}'),
    (45, 24, 1, 'change_orders', 'lines', '', 1, NOW, NOW, 1, '05-120', 500, '{}'),
    (46, 33, 1, 'change_orders', 'lines', '', 1, NOW, NOW, 1, '05-120', 500, '{}')
""".replace("NOW", "'2026-01-02 03:04:05+00:00'")
SUMS = ("approved_amount", "pending_amount", "draft_amount", "revised_amount", "committed_amount")


def test_change_orders_sent_without_lines_get_those_of_what_they_include(empty: Flask) -> None:
    upgrade(directory=FOLDER, revision="0013")
    with db.engine.begin() as connection:
        for statement in IN_USE.split(";") + WITHOUT_LINES.split(";"):
            connection.execute(text(_with_later_columns(statement)))
        if connection.dialect.name == "postgresql":
            # Ids that were given do not move the sequence on, which those in use have done.
            connection.execute(text("SELECT setval('record_rows_id_seq', 100)"))
    for step in (
        upgrade,
        lambda directory: downgrade(directory=directory, revision="0023"),
        upgrade,
    ):
        step(directory=FOLDER)
        db.engine.dispose()
        session = db.session()
        kept = session.get_one(Record, 20).details
        assert [Decimal(kept[key]) for key in SUMS] == [
            Decimal(amount) for amount in ("63.50", "7.00", "0", "1063.50", "1063.50")
        ]
        approved, pending = session.get_one(Record, 31), session.get_one(Record, 32)
        assert (approved.amount, pending.amount) == (Decimal("58.50"), Decimal("7.00"))
        lines = session.scalars(
            select(RecordRow).where(RecordRow.record_id == 31).order_by(RecordRow.position)
        ).all()
        told = [(line.cost_code, line.details["description"], line.amount) for line in lines]
        assert told == [
            ("03-300", "PCO-001 Dig", Decimal("20.00")),
            ("05-120", "PCO-001", Decimal("40.00")),
            # Whoever sees the whole may not see what is private: its number and amount say enough.
            (None, "PCO-002", Decimal("-1.50")),
        ]
        history = session.scalars(select(AuditEntry).where(AuditEntry.record_id == 31)).all()
        with in_language("en"):
            assert [event_text(entry) for entry in history] == [
                "The upgrade took over the lines of PCO-001: $60.00",
                "The upgrade took over the lines of PCO-002: −$1.50",
            ]
        # The running product adds up to the same.
        with writing() as changing:
            roll_up(changing, 20)
        assert session.get_one(Record, 20).details == kept
        db.session.remove()


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

"""The database session every room shares, and the two ways of using it: reading and `writing()`.

SQLite's own driver begins transactions late and can lose updates between a read and a write
(sqlite.org, "Isolation"). So the driver's automatic transactions are off, a reader says BEGIN and a
writer BEGIN IMMEDIATE, which waits for its turn up to BUSY_MS instead of failing half-way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Flask, has_request_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    MetaData,
    Result,
    event,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

BUSY_MS = 5000
# What any call may raise while the database is away, restarts, or has no connection left.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
WAIT_SECONDS = 5
CONNECT_SECONDS = 3


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and always UTC, whichever database keeps it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Cents(TypeDecorator[Decimal]):
    """An exact amount of money: cents in a whole number, which both databases add up exactly.

    SQLite has no decimal type and would keep a binary float.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        cents = value.scaleb(2)
        if cents != cents.to_integral_value():
            raise ValueError("an amount has no more than two decimal places")
        return int(cents)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-2)


class Base(DeclarativeBase):
    """Every mapped class; the naming convention lets migrations name what they change."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), Decimal: Cents()}


db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


def init_database(app: Flask, database_url: str, *, connections: int) -> None:
    """Bind the session to `database_url` with at most so many connections.

    On SQLite, where connections cost nothing, set what makes it keep its promises instead.
    """
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    is_sqlite = database_url.startswith("sqlite")
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _SQLITE if is_sqlite else _postgres(connections)
    db.init_app(app)
    with app.app_context():
        tame = _tame_sqlite if is_sqlite else _tame_postgres
        tame(db.engine)


_SQLITE = {"pool_size": 20, "max_overflow": 40, "pool_timeout": 10}


def _postgres(connections: int) -> dict[str, Any]:
    """Return options under which a process keeps half of its connections and opens no more.

    A thread holds one only while it reads or writes, never while it waits for Box, so that there
    may be more threads; whoever finds none within WAIT_SECONDS is told to come again.
    """
    kept = (connections + 1) // 2
    return {
        "pool_size": kept,
        "max_overflow": connections - kept,
        "pool_timeout": WAIT_SECONDS,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": CONNECT_SECONDS},
    }


def _tame_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # SQLite's own lower() knows the letters of ASCII only (sqlite.org, "lower(X)").
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            f"PRAGMA busy_timeout={BUSY_MS}",
            "PRAGMA foreign_keys=ON",
        ):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _tame_postgres(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # As long as on SQLite; by itself PostgreSQL waits for a lock for ever. Not among the
        # connection's options, which poolers refuse.
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [str(BUSY_MS)])
        connection.commit()


@event.listens_for(db.session, "after_begin")
def _see_one_moment(_session: Session, _transaction: Any, connection: Connection) -> None:
    """Have everything that a request reads come from one moment, until it writes or releases.

    SQLite's readers see a snapshot by themselves; PostgreSQL would show each statement a newer
    world, and a page could say that nothing is under way and that nothing has arrived. Whoever only
    reads never meets a serialization failure (PostgreSQL, "Repeatable Read Isolation Level").
    """
    if connection.dialect.name != "postgresql" or not has_request_context():
        return
    if not connection.get_execution_options().get("write"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@contextmanager
def writing() -> Iterator[Session]:
    """Give a session that may write; commit at the end, roll back if anything is raised.

    What was read before is read again inside: SQLAlchemy would ignore `write` on a transaction that
    has begun, so the reading one is ended first. Never call Box in here.
    """
    session: Session = db.session()
    session.rollback()
    session.connection(execution_options={"write": True})
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def is_writing() -> bool:
    """Tell whether the session is in a transaction of `writing()`."""
    session: Session = db.session()
    if not session.in_transaction():
        return False
    return bool(session.connection().get_execution_options().get("write"))


def rows_changed(result: Result[Any]) -> int:
    """Return how many rows an UPDATE or DELETE touched: the answer of a conditional change."""
    assert isinstance(result, CursorResult)
    return result.rowcount


def end_reading() -> None:
    """Give a reading session's connection back, so that the next one is no second.

    What was read stays loaded. A session that holds changes is left alone.
    """
    session: Session = db.session()
    if session.in_transaction() and not (session.new or session.dirty or session.deleted):
        session.commit()


def release() -> None:
    """Give the connection back before waiting for something slow; what was read stays usable."""
    session: Session = db.session()
    session.expunge_all()
    session.rollback()


@contextmanager
def write_connection() -> Iterator[Connection]:
    """Give a connection in a writing transaction of its own, beside the session's.

    For the few state machines that must commit on their own terms: sessions, tokens, claims.
    """
    with db.engine.execution_options(write=True).connect() as connection, connection.begin():
        yield connection

"""What the tests run on, chosen by one variable: SQLite and a directory, or PostgreSQL and S3.

`TEST_DEPLOYMENT=postgres` starts a PostgreSQL, a Redis and a moto S3 server of the tests' own, on
sockets and ports of their own, and stops them at the end. Nothing outside is touched.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from redis import Redis

START_SECONDS = 30
BUCKET = "plumbline-tests"
MEMORY_BYTES = 4 << 30


@dataclass(frozen=True)
class Deployment:
    """The addresses an application under test is given."""

    name: str
    folder: Path
    database_url: str
    template_url: str
    storage_url: str
    queue_url: str
    prepare_database: Callable[[], None]
    prepare_storage: Callable[[], None]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_pair() -> int:
    """Return a free port whose neighbour is free as well, where nobody is given one by chance."""
    begin = 20_000 + os.getpid() * 10 % 10_000
    for port in range(begin, begin + 2_000, 2):
        try:
            with socket.socket() as first, socket.socket() as second:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
        except OSError:
            continue
        return port
    raise RuntimeError("no two neighbouring ports are free")


@contextlib.contextmanager
def deployment() -> Iterator[Deployment]:
    """Give the deployment that TEST_DEPLOYMENT names."""
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-test-", dir=_in_memory()) as name,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        if os.environ.get("TEST_DEPLOYMENT", "sqlite") == "sqlite":
            yield _embedded(folder)
        else:
            yield _distributed(folder, stack)


def _in_memory() -> str | None:
    """Return a file system in memory with room for the tests' data, None where there is none.

    Every test gets a database of its own: a copy of a thousand small files on PostgreSQL.
    """
    place = Path("/dev/shm")
    with contextlib.suppress(OSError):
        if os.access(place, os.W_OK) and shutil.disk_usage(place).free >= MEMORY_BYTES:
            return str(place)
    return None


def _embedded(folder: Path) -> Deployment:
    database, template, files = folder / "test.sqlite", folder / "template.sqlite", folder / "files"

    def prepare_database() -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(template, database)

    def prepare_storage() -> None:
        for kind in ("files", "parts"):
            shutil.rmtree(files / kind, ignore_errors=True)
        files.mkdir(exist_ok=True)

    return Deployment(
        name="sqlite",
        folder=folder,
        database_url=f"sqlite:///{database}",
        template_url=f"sqlite:///{template}",
        storage_url=files.as_uri(),
        queue_url=f"sqlite:///{folder / 'queue.sqlite'}",
        prepare_database=prepare_database,
        prepare_storage=prepare_storage,
    )


def _distributed(folder: Path, stack: contextlib.ExitStack) -> Deployment:
    psql = stack.enter_context(_postgres(folder))
    redis_port = stack.enter_context(_redis(folder))
    redis = Redis(port=redis_port)
    s3_url = stack.enter_context(_s3(folder))
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    fresh = _Fresh(psql)

    def prepare_database() -> None:
        # Counted limits and wake-ups of the test before would meet a database that knows neither.
        redis.flushdb()
        fresh.make()

    def prepare_storage() -> None:
        requests.post(f"{s3_url}/moto-api/reset", timeout=10).raise_for_status()
        requests.put(f"{s3_url}/{BUCKET}", timeout=10).raise_for_status()

    psql("CREATE DATABASE template")
    return Deployment(
        name="postgres",
        folder=folder,
        database_url=f"{psql.url}/test",
        template_url=f"{psql.url}/template",
        storage_url=f"s3://{BUCKET}/tests?endpoint={s3_url}&region=us-east-1",
        queue_url=f"redis://127.0.0.1:{redis_port}/0",
        prepare_database=prepare_database,
        prepare_storage=prepare_storage,
    )


class _Psql:
    """Runs statements against the tests' own PostgreSQL."""

    def __init__(self, port: int) -> None:
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}"
        self._plain = f"postgresql://postgres@127.0.0.1:{port}"

    def __call__(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(f"{self._plain}/{database}", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, question: str) -> list[Any]:
        """Return the first column of what the database `test` answers."""
        with psycopg.connect(f"{self._plain}/test", autocommit=True) as connection:
            return [row[0] for row in connection.execute(question.encode())]


class _Fresh:
    """A database `test` with what the template holds.

    Copying the whole template takes a quarter of a second. So its rows are kept in a schema of
    their own and put back into the tables, as long as these are still what they were.
    """

    SHAPE = """
        SELECT md5(string_agg(
            concat_ws(' ', c.relname, c.relkind, a.attname, a.attnum, a.atttypid, a.attnotnull), ','
            ORDER BY c.relname, a.attnum))
        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'public'::regnamespace"""
    TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    COLUMNS = """
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = 'public.{name}'::regclass
            AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""
    SEQUENCES = """
        SELECT format('SELECT setval(%L, %s, %L);',
            quote_ident(sequencename), coalesce(last_value, 1), last_value IS NOT NULL)
        FROM pg_sequences WHERE schemaname = 'public'"""
    OTHERS = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = 'test' AND pid <> pg_backend_pid()"""

    def __init__(self, psql: _Psql) -> None:
        self._psql = psql
        self._shape: list[Any] = []
        self._again = ""

    def make(self) -> None:
        """Give the database anew; whoever is still connected to it is not any more."""
        try:
            if self._shape and self._psql.ask(self.SHAPE) == self._shape:
                self._psql(self._again, database="test")
                return
        except psycopg.Error:
            # A test may have done anything to it.
            self._shape = []
        self._copy()

    def _copy(self) -> None:
        self._psql(
            "DROP DATABASE IF EXISTS test WITH (FORCE)", "CREATE DATABASE test TEMPLATE template"
        )
        tables = self._psql.ask(self.TABLES)
        filled = [name for name in tables if self._psql.ask(f"SELECT 1 FROM {name} LIMIT 1")]
        own = {name: self._psql.ask(self.COLUMNS.format(name=name))[0] for name in filled}
        keep = (f"CREATE TABLE kept.{name} AS SELECT {own[name]} FROM {name}" for name in filled)
        self._psql("CREATE SCHEMA kept", *keep, database="test")
        self._again = "\n".join(
            (
                f"{self.OTHERS};",
                "SET session_replication_role = replica;",
                *(f"DELETE FROM {name};" for name in tables),
                *(f"INSERT INTO {n} ({own[n]}) SELECT * FROM kept.{n};" for n in filled),
                *self._psql.ask(self.SEQUENCES),
            )
        )
        self._shape = self._psql.ask(self.SHAPE)


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[_Psql]:
    programs = _postgres_programs()
    data, port = folder / "postgres", free_port()
    as_user: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses root; Debian's package brings this user.
        as_user = ["runuser", "-u", "postgres", "--"]
        folder.chmod(0o755)
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
    subprocess.run([*as_user, *map(str, initdb)], check=True, capture_output=True, timeout=60)
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={data}"
    )
    control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    start = [*control, "-o", options, "-l", str(data / "log"), "start"]
    subprocess.run(start, check=True, capture_output=True, timeout=60)
    try:
        yield _Psql(port)
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, capture_output=True, timeout=60)


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1]


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[int]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with _process([*command, "--dir", str(folder)]):
        _wait_for_port(port)
        yield port


@contextlib.contextmanager
def _s3(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _process(command):
        _wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")

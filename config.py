"""Every setting of Plumbline, read and checked at once.

`Config.from_env()` is a pure function of the environment but for one thing: in development it
makes the two keys on first start and keeps them in `DATA_DIR`, so that a fresh clone runs.
Everywhere else a missing key is a refusal to start.
"""

import base64
import binascii
import contextlib
import os
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ENVIRONMENTS = ("development", "test", "production")
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
KEY_BYTES = 32
DEFAULT_FILE_MAX_BYTES = 5 * 10**9
# PostgreSQL lets 100 in by default, keeps 3 for its administrators, and backups want some.
DEFAULT_DATABASE_CONNECTIONS = 80
CONNECTIONS_MIN = 4

BOX_ACCOUNT_URL = "https://account.box.com"
# Box API reference, "Allowing domain access": the hosts that content redirects may point to.
BOX_DOWNLOAD_HOSTS = " ".join(
    [f"https://{name}.boxcloud.com" for name in ("dl", "public", *(f"dl{n}" for n in range(2, 21)))]
)


class ConfigError(Exception):
    """The environment describes no Plumbline that can start; says everything that is wrong."""


@dataclass(frozen=True)
class TokenKey:
    """One key of the ring that seals Box tokens."""

    key_id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Config:
    environment: str
    data_dir: Path
    secret_key: str = field(repr=False)
    token_keys: tuple[TokenKey, ...] = field(repr=False)
    database_url: str = field(repr=False)
    storage_url: str = field(repr=False)
    queue_url: str = field(repr=False)
    public_url: str
    box_client_id: str
    box_client_secret: str = field(repr=False)
    box_account_url: str
    box_api_url: str
    box_download_hosts: tuple[str, ...]
    box_attach_in: str = "any"
    proxy_hops: int = 0
    copy_threads: int = 8
    file_max_bytes: int = DEFAULT_FILE_MAX_BYTES
    files_per_action: int = 100
    database_connections: int = DEFAULT_DATABASE_CONNECTIONS
    web_processes: int = 4
    worker_processes: int = 2
    mail_url: str = field(default="outbox:", repr=False)
    mail_domain: str = "localhost"

    @property
    def is_local(self) -> bool:
        """True in development and test, where loopback stands in for the outside world."""
        return self.environment != "production"

    @property
    def public_host(self) -> str:
        """The name, with its port if it has one, under which people reach this installation."""
        return urlsplit(self.public_url).netloc

    @property
    def box_web_url(self) -> str:
        """Where people open their files in Box; another Box than Box's own has one address."""
        is_boxs_own = self.box_account_url == BOX_ACCOUNT_URL
        return "https://app.box.com" if is_boxs_own else self.box_account_url

    @property
    def is_https(self) -> bool:
        return urlsplit(self.public_url).scheme == "https"

    @property
    def queue_is_embedded(self) -> bool:
        """True where the web process copies files itself and no separate worker is needed."""
        return self.queue_url.startswith("sqlite:")

    @property
    def connections_per_process(self) -> int:
        """How many database connections each process may hold, with all of them at once."""
        is_alone = self.queue_is_embedded
        processes = 1 if is_alone else self.web_processes + self.worker_processes
        return self.database_connections // processes

    @property
    def lock_connections(self) -> int:
        """How many of a process's connections may hold a link's lock while Box is asked."""
        return max(1, self.connections_per_process // 5)

    @property
    def pool_connections(self) -> int:
        """How many of a process's connections are for everything else."""
        return self.connections_per_process - self.lock_connections

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Config":
        """Return the checked settings; raises ConfigError naming every problem at once."""
        reader = _Reader(os.environ if env is None else env)
        environment = reader.choice("APP_ENV", ENVIRONMENTS, default="production")
        data_dir = Path(reader.text("DATA_DIR", default="var")).absolute()
        is_local = environment != "production"
        keys = _development_keys(data_dir) if environment == "development" else {}
        config = cls(
            environment=environment,
            data_dir=data_dir,
            secret_key=reader.secret("SECRET_KEY", at_least=KEY_BYTES, default=keys.get("secret")),
            token_keys=reader.token_keys("TOKEN_KEYS", default=keys.get("token")),
            database_url=_sqlalchemy_url(
                reader.text("DATABASE_URL", default=f"sqlite:///{data_dir / 'plumbline.sqlite'}")
            ),
            storage_url=reader.url(
                "STORAGE_URL", ("file", "s3"), default=(data_dir / "files").as_uri()
            ),
            queue_url=reader.url(
                "QUEUE_URL",
                ("sqlite", "redis", "rediss", "unix"),
                default=f"sqlite:///{data_dir / 'queue.sqlite'}",
                aliases={"embedded": f"sqlite:///{data_dir / 'queue.sqlite'}"},
            ),
            public_url=reader.web_url(
                "PUBLIC_URL", default="http://127.0.0.1:8000" if is_local else None
            ),
            box_client_id=reader.text("BOX_CLIENT_ID"),
            box_client_secret=reader.secret("BOX_CLIENT_SECRET"),
            box_account_url=reader.web_url("BOX_ACCOUNT_URL", default=BOX_ACCOUNT_URL),
            box_api_url=reader.web_url("BOX_API_URL", default="https://api.box.com"),
            box_download_hosts=reader.origins(
                "BOX_DOWNLOAD_HOSTS", default=BOX_DOWNLOAD_HOSTS, loopback=is_local
            ),
            box_attach_in=reader.choice("BOX_ATTACH_IN", ("any", "granted"), default="any"),
            proxy_hops=reader.whole_number("PROXY_HOPS", default=0),
            copy_threads=reader.whole_number("COPY_THREADS", default=8, least=1),
            file_max_bytes=reader.whole_number(
                "FILE_MAX_BYTES", default=DEFAULT_FILE_MAX_BYTES, least=1
            ),
            files_per_action=reader.whole_number("FILES_PER_ACTION", default=100, least=1),
            database_connections=reader.whole_number(
                "DATABASE_CONNECTIONS", default=DEFAULT_DATABASE_CONNECTIONS, least=CONNECTIONS_MIN
            ),
            web_processes=reader.whole_number("WEB_CONCURRENCY", default=4, least=1),
            worker_processes=reader.whole_number("WORKER_PROCESSES", default=2, least=1),
            mail_url=reader.mail_url("MAIL_URL", default="outbox:"),
            mail_domain=reader.host_name("MAIL_DOMAIN", default="localhost"),
        )
        if not is_local and not config.is_https and not reader.problems:
            reader.problems.append("PUBLIC_URL must be https in production")
        if config.connections_per_process < CONNECTIONS_MIN:
            reader.problems.append(
                f"DATABASE_CONNECTIONS={config.database_connections} leaves less than "
                f"{CONNECTIONS_MIN} to each of {config.web_processes} web processes "
                f"(WEB_CONCURRENCY) and {config.worker_processes} workers (WORKER_PROCESSES)"
            )
        if reader.problems:
            raise ConfigError("; ".join(reader.problems))
        return config


class _Reader:
    """Reads named settings and collects what is wrong instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self._env.get(name, "").strip() or default
        if value is None:
            self.problems.append(f"{name} is not set")
            return ""
        return value

    def secret(self, name: str, *, at_least: int = 1, default: str | None = None) -> str:
        value = self._from_file(name) or self._env.get(name, "").strip() or default
        if value is None:
            self.problems.append(f"{name} is not set")
            return ""
        if len(value) < at_least:
            self.problems.append(f"{name} is shorter than {at_least} characters")
        return value

    def _from_file(self, name: str) -> str | None:
        path = self._env.get(f"{name}_FILE", "").strip()
        if not path:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            self.problems.append(f"{name}_FILE={path}: {error.strerror}")
            return ""

    def choice(self, name: str, choices: tuple[str, ...], *, default: str) -> str:
        value = self.text(name, default=default)
        if value not in choices:
            self.problems.append(f"{name}={value!r} is none of {', '.join(choices)}")
        return value

    def whole_number(self, name: str, *, default: int, least: int = 0) -> int:
        value = self.text(name, default=str(default))
        if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) < least:
            self.problems.append(f"{name}={value!r} is not a whole number from {least} up")
            return default
        return int(value)

    def url(
        self,
        name: str,
        schemes: tuple[str, ...],
        *,
        default: str,
        aliases: Mapping[str, str] | None = None,
    ) -> str:
        value = self.text(name, default=default)
        value = (aliases or {}).get(value, value)
        if urlsplit(value).scheme not in schemes:
            self.problems.append(f"{name} does not start with {' or '.join(schemes)}")
        return value

    def web_url(self, name: str, *, default: str | None) -> str:
        value = self.text(name, default=default).rstrip("/")
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            self.problems.append(f"{name}={value!r} is not a web address")
        return value

    def origins(self, name: str, *, default: str, loopback: bool) -> tuple[str, ...]:
        values = tuple(self.text(name, default=default).replace(",", " ").split())
        for value in values:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
                self.problems.append(f"{name}: {value!r} is not scheme://host[:port]")
            elif parts.hostname in LOOPBACK_NAMES and not loopback:
                self.problems.append(f"{name}: {value!r} is this machine, for tests only")
            elif parts.scheme == "http" and parts.hostname not in LOOPBACK_NAMES:
                self.problems.append(f"{name}: {value!r} is not https")
        return values

    def mail_url(self, name: str, *, default: str) -> str:
        """Return where mail leaves; a problem never repeats the value, which holds a password."""
        value = self.secret(name, default=default)
        try:
            parts = urlsplit(value)
            query = parse_qs(parts.query, keep_blank_values=True)
            is_server = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname)
            is_server = is_server and parts.port != 0 and parts.path in {"", "/"}
        except ValueError:
            self.problems.append(f"{name} is not an address of a mail server")
            return default
        if not is_server and value not in {"outbox:", "outbox"}:
            self.problems.append(f"{name} is neither outbox: nor smtp://host nor smtps://host")
        elif set(query) - {"from"}:
            self.problems.append(f"{name} takes no other option than from")
        elif "from" in query and not re.fullmatch(r"[!-?A-~]+@[\w.-]+", query["from"][0]):
            self.problems.append(f"{name}: from is no e-mail address")
        return value

    def host_name(self, name: str, *, default: str) -> str:
        value = self.text(name, default=default).lower()
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", value):
            self.problems.append(f"{name}={value!r} is not the name of a host")
        return value

    def token_keys(self, name: str, *, default: str | None) -> tuple[TokenKey, ...]:
        ring = self.secret(name, default=default)
        parts = [part.strip() for part in ring.split(",")] if ring else []
        if not all(parts):
            self.problems.append(f"{name}: a key is missing beside a comma")
        keys = tuple(self._token_key(name, part) for part in parts if part)
        for key_id, count in Counter(key.key_id for key in keys).items():
            # Of two keys with one id only the last would ever open anything.
            if count > 1:
                self.problems.append(f"{name}: two keys have the id {key_id}")
        return keys

    def _token_key(self, name: str, part: str) -> TokenKey:
        key_id, _, encoded = part.partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", key_id) or len(secret) != KEY_BYTES:
            self.problems.append(f"{name}: a key is not id:base64 of {KEY_BYTES} bytes")
        return TokenKey(key_id, secret)


def _sqlalchemy_url(url: str) -> str:
    """Name the driver we ship, whichever of PostgreSQL's two common spellings was given."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


def _development_keys(data_dir: Path) -> dict[str, str]:
    ring = "dev:" + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return {
        "secret": _kept(data_dir / "secret.key", secrets.token_urlsafe(48)),
        "token": _kept(data_dir / "token.key", ring),
    }


def _kept(path: Path, fresh: str) -> str:
    """Return what the file holds, writing `fresh` there first if there is no file yet.

    Web and worker may start at the same moment: the link below lets exactly one of them win, and
    nobody can read a half-written key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()

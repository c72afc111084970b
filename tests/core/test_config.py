"""Settings are read and checked at once."""

import base64
from pathlib import Path

import pytest

from config import Config, ConfigError

KEY = base64.b64encode(b"k" * 32).decode()


def good(tmp_path: Path, **changes: str) -> dict[str, str]:
    return {
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "s" * 40,
        "TOKEN_KEYS": f"k1:{KEY}",
        "PUBLIC_URL": "https://plumbline.example",
        "BOX_CLIENT_ID": "id",
        "BOX_CLIENT_SECRET": "secret",
        **changes,
    }


def test_production_is_the_default_and_needs_its_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        Config.from_env({"DATA_DIR": str(tmp_path)})
    for name in ("SECRET_KEY", "TOKEN_KEYS", "PUBLIC_URL", "BOX_CLIENT_ID", "BOX_CLIENT_SECRET"):
        assert f"{name} is not set" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_development_makes_its_keys_once_and_keeps_them(tmp_path: Path) -> None:
    env = {
        "APP_ENV": "development",
        "DATA_DIR": str(tmp_path),
        "BOX_CLIENT_ID": "id",
        "BOX_CLIENT_SECRET": "secret",
    }
    first, second = Config.from_env(env), Config.from_env(env)
    assert first.secret_key == second.secret_key
    assert first.token_keys == second.token_keys
    assert (tmp_path / "token.key").stat().st_mode & 0o077 == 0


def test_every_problem_is_named_in_one_message(tmp_path: Path) -> None:
    env = good(
        tmp_path, APP_ENV="staging", COPY_THREADS="many", QUEUE_URL="amqp://x", TOKEN_KEYS="k1:abc"
    )
    with pytest.raises(ConfigError) as error:
        Config.from_env(env)
    for part in ("APP_ENV='staging'", "COPY_THREADS='many'", "QUEUE_URL", "TOKEN_KEYS"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("ring", "problem"),
    [
        (",", "TOKEN_KEYS: a key is missing beside a comma"),
        (f"k1:{KEY},", "TOKEN_KEYS: a key is missing beside a comma"),
        (f"k1:{KEY}, ,k2:{KEY}", "TOKEN_KEYS: a key is missing beside a comma"),
        (f"k1:{KEY},k1:{KEY}", "TOKEN_KEYS: two keys have the id k1"),
        (f"k1:{KEY},k2", "TOKEN_KEYS: a key is not id:base64 of 32 bytes"),
    ],
)
def test_a_ring_with_something_wrong_in_it_is_refused(
    tmp_path: Path, ring: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as error:
        Config.from_env(good(tmp_path, TOKEN_KEYS=ring))
    assert problem in str(error.value)
    assert KEY not in str(error.value)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("from a file\n")
    env = good(tmp_path, BOX_CLIENT_SECRET="", BOX_CLIENT_SECRET_FILE=str(tmp_path / "box"))
    assert Config.from_env(env).box_client_secret == "from a file"


def test_a_secret_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    env = good(tmp_path, BOX_CLIENT_SECRET_FILE="/nowhere/box")
    with pytest.raises(ConfigError, match="BOX_CLIENT_SECRET_FILE=/nowhere/box: No such file"):
        Config.from_env(env)


def test_production_follows_no_redirect_to_this_machine(tmp_path: Path) -> None:
    env = good(tmp_path, BOX_DOWNLOAD_HOSTS="http://127.0.0.1:8002")
    with pytest.raises(ConfigError, match="for tests only"):
        Config.from_env(env)
    local = {**env, "APP_ENV": "test"}
    assert Config.from_env(local).box_download_hosts == ("http://127.0.0.1:8002",)


def test_production_is_served_over_https(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PUBLIC_URL must be https"):
        Config.from_env(good(tmp_path, PUBLIC_URL="http://plumbline.example"))


def test_secrets_do_not_show_themselves(tmp_path: Path) -> None:
    shown = repr(Config.from_env(good(tmp_path)))
    assert "ssss" not in shown
    assert "secret'" not in shown
    assert KEY not in shown


def test_postgresql_is_reached_with_the_driver_we_ship(tmp_path: Path) -> None:
    for given in ("postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"):
        found = Config.from_env(good(tmp_path, DATABASE_URL=given)).database_url
        assert found == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    "url",
    [
        "outbox:",
        "smtp://mail.example",
        "smtp://user:p%40ss@mail.example:587?from=plumbline@mail.example",
        "smtps://mail.example:465",
        "smtp://[::1]:25",
    ],
)
def test_where_mail_leaves_is_read(tmp_path: Path, url: str) -> None:
    assert Config.from_env(good(tmp_path, MAIL_URL=url)).mail_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "mail.example:25",
        "smtp://",
        "smtp://:secret@",
        "smtp://u:secret@mail.example:port",
        "smtp://u:secret@mail.example:99999",
        "smtp://u:secret@mail.example/path",
        "smtp://u:secret@mail.example?tls=no",
        "smtp://u:secret@mail.example?from=nobody",
        "smtp://u:secret@[::1",
        "outbox:///x",
    ],
)
def test_where_mail_cannot_leave_is_told_without_the_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="MAIL_URL") as error:
        Config.from_env(good(tmp_path, MAIL_URL=url))
    assert "secret" not in str(error.value)


def test_the_mail_server_may_come_from_a_file_and_hides_its_password(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("smtp://u:hunter2@mail.example\n")
    config = Config.from_env(good(tmp_path, MAIL_URL_FILE=str(tmp_path / "mail")))
    assert config.mail_url == "smtp://u:hunter2@mail.example"
    assert "hunter2" not in repr(config)


def test_mail_comes_in_for_a_host_name(tmp_path: Path) -> None:
    assert Config.from_env(good(tmp_path)).mail_domain == "localhost"
    found = Config.from_env(good(tmp_path, MAIL_DOMAIN="In.Plumbline.example")).mail_domain
    assert found == "in.plumbline.example"
    with pytest.raises(ConfigError, match="MAIL_DOMAIN"):
        Config.from_env(good(tmp_path, MAIL_DOMAIN="a@b"))

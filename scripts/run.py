"""`make run`: the Box sandbox, the database, the demo and the web app, in one terminal.

Everything it starts ends with it. With BOX_CLIENT_ID and BOX_CLIENT_SECRET set it starts no
sandbox and talks to Box. Environment: PORT, SANDBOX_PORT, HOST, DATA_DIR.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 12
SANDBOX_CLIENT = ("plumbline-dev", "plumbline-dev-secret")

children: list[subprocess.Popen[str]] = []


def main() -> int:
    # Said anew: what a shell has put into the background begins with Ctrl-C ignored.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    os.chdir(ROOT)
    env = {**os.environ, "APP_ENV": os.environ.get("APP_ENV", "development")}
    host, port = env.get("HOST", "127.0.0.1"), env.get("PORT", "8000")
    env.setdefault("DATA_DIR", str(ROOT / "var"))
    env.setdefault("PUBLIC_URL", f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}")
    env |= {"FLASK_APP": "wsgi.py", "BIND": f"{host}:{port}"}
    try:
        is_real = bool(env.get("BOX_CLIENT_ID") and env.get("BOX_CLIENT_SECRET"))
        if not is_real:
            env |= _start_sandbox(env)
        _run(env, "flask", "db", "upgrade")
        _start(env, "gunicorn", "-c", "python:webapp.operations.server", "wsgi:app")
        _wait_until_up(env)
        _run(env, "flask", "demo", "load")
        _tell(env, is_real)
        return _wait_for_any_end()
    except KeyboardInterrupt:
        return 0
    except (subprocess.CalledProcessError, RuntimeError) as error:
        print(f"Plumbline could not start: {error}", file=sys.stderr)
        return 1
    finally:
        _stop_all()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _run(env: dict[str, str], name: str, *arguments: str) -> None:
    subprocess.run([_program(name), *arguments], env=env, check=True)


def _start(env: dict[str, str], name: str, *arguments: str) -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C reaches us alone, and we end the others in order.
    child = subprocess.Popen(
        [_program(name), *arguments], env=env, text=True, start_new_session=True
    )
    children.append(child)
    return child


def _start_sandbox(env: dict[str, str]) -> dict[str, str]:
    """Start the Box sandbox and return the settings that lead to it."""
    port = env.get("SANDBOX_PORT", "8001")
    child = subprocess.Popen(
        [
            _program("python"),
            *("-m", "box_sandbox", "--port", port, "--data-dir", f"{env['DATA_DIR']}/sandbox"),
        ],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    children.append(child)
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"the Box sandbox did not start; is port {port} in use?")
    ready = json.loads(line)
    client_id, client_secret = SANDBOX_CLIENT
    return {
        "BOX_CLIENT_ID": client_id,
        "BOX_CLIENT_SECRET": client_secret,
        "BOX_API_URL": ready["api_url"],
        "BOX_ACCOUNT_URL": ready["account_url"],
        "BOX_DOWNLOAD_HOSTS": ready["download_url"],
    }


def _wait_until_up(env: dict[str, str]) -> None:
    address = f"http://{env['BIND']}/healthz"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if children[-1].poll() is not None:
            raise RuntimeError(f"the web app ended; is {env['BIND']} in use?")
        try:
            with urllib.request.urlopen(address, timeout=2):  # our own address
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web app does not answer")


def _tell(env: dict[str, str], is_real: bool) -> None:
    from webapp.commands.demo import sign_ins  # noqa: PLC0415  # after the lock is installed

    box = "Box itself" if is_real else f"the Box sandbox at {env['BOX_API_URL']}"
    print(f"\nPlumbline is at {env['PUBLIC_URL']} and talks to {box}.")
    print("Sign in as one of these, all with the password plumbline:\n")
    for name, email, title in sign_ins():
        print(f"  {email:32} {name}, {title}")
    if not is_real:
        print("\nTheir Box accounts are firstname.lastname@boxmail.example, password sandbox.")
    print("Ctrl-C ends everything; the data stays in", env["DATA_DIR"], "\n", flush=True)


def _wait_for_any_end() -> int:
    while True:
        for child in children:
            if child.poll() is not None:
                print("A part of Plumbline ended by itself; stopping the rest.", file=sys.stderr)
                return 1
        time.sleep(0.5)


def _stop_all() -> None:
    for child in reversed(children):
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in reversed(children):
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()


if __name__ == "__main__":
    sys.exit(main())

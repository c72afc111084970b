"""A process that asks Box who it is, in the name of one session; the tests start and kill it.

    python -m tests.box_link.caller PERSON_ID SESSION_HASH

Says "ready" when everything but the call is done and waits for the end of its input, so that
several processes that share one begin at the same moment. Says the login, or the code of what went
wrong.
"""

import sys

from config import Config
from webapp.box.errors import BoxError
from webapp.box_link.clients import box_access
from webapp.factory import create_app


def main(person_id: str, session_hash: str) -> None:
    app = create_app(Config.from_env())
    with app.app_context():
        client = box_access().client(person_id=int(person_id), session_hash=session_hash)
        say("ready")
        sys.stdin.read()
        try:
            say(client.me().login)
        except BoxError as error:
            say(error.code)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

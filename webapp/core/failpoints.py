"""Named places where a test may stop, delay or kill the process; silent everywhere else.

`APP_FAILPOINTS="import.mid_stream=kill9,refresh.after_response=pause:/path/to/fifo"` counts only
when `APP_ENV=test`. `kill9` ends the process as a power cut would, `die` the worker alone, which
settles nothing any more; `pause` waits until somebody opens the FIFO for writing, which orders two
processes exactly, without sleeping.
"""

import os
import signal
from pathlib import Path


class Died(BaseException):
    """The end of a worker as a test's own process survives it: nothing catches it on the way."""


def failpoint(name: str) -> None:
    """Do what the environment asks for at this place, which is nothing outside of tests."""
    if os.environ.get("APP_ENV") != "test":
        return
    for rule in os.environ.get("APP_FAILPOINTS", "").split(","):
        place, _, action = rule.partition("=")
        if place == name:
            _act(action)


def _act(action: str) -> None:
    kind, _, argument = action.partition(":")
    if kind == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "die":
        raise Died
    elif kind == "raise":
        raise OSError(f"failpoint: {argument}")
    elif kind == "pause":
        Path(argument).with_suffix(".reached").touch()
        with open(argument, encoding="ascii") as fifo:  # noqa: PTH123  # a FIFO blocks on open
            fifo.read()
    elif kind == "kill9-once":
        mark = Path(argument)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

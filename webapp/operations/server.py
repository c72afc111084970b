"""gunicorn's settings: `gunicorn -c python:webapp.operations.server wsgi:app`.

One process that also copies files by default; several, with workers of their own, as soon as
`QUEUE_URL` names a queue outside. In the first case huey's threads live in the web process, so its
signals stay gunicorn's and the copies are handed back before the requests are drained.
"""

import os
import signal
import sys
from typing import Any

from gunicorn.arbiter import Arbiter
from sqlalchemy.exc import OperationalError

from config import Config

plumbline = Config.from_env()

bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = 1 if plumbline.queue_is_embedded else plumbline.web_processes
threads = 32
# Just above the threads: one process must not hoard connections that another could serve.
worker_connections = 96 if plumbline.queue_is_embedded else 40
keepalive = 2
graceful_timeout = 10
timeout = 60
control_socket_disable = True
# No header names the path under which we run: PUBLIC_URL says where we are.
forwarder_headers = ""
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """Start copying inside the one web process; runs in its main thread, after the app is there."""
    from webapp.imports.tasks import EmbeddedConsumer, queue  # noqa: PLC0415  # app must exist
    from webapp.operations.connections import check_connections  # noqa: PLC0415  # likewise

    with worker.wsgi.app_context():
        _require_keys(worker)
        check_connections()
        engine = queue()
    if not engine.is_embedded:
        return
    consumer = EmbeddedConsumer(engine)
    worker.consumer = consumer
    consumer.start()

    def on_term(number: int, frame: Any) -> None:
        consumer.ask_to_stop()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, on_term)
    signal.siginterrupt(signal.SIGTERM, False)


def _require_keys(worker: Any) -> None:
    """End this process, and gunicorn with it, when TOKEN_KEYS has lost the key of the tokens.

    A database that does not answer is no reason to stay down: the pages tell that themselves.
    """
    from webapp.box_link.canary import KeysLost, check_canary  # noqa: PLC0415  # app must exist

    try:
        check_canary()
    except KeysLost as lost:
        worker.log.critical("%s", lost)
        sys.exit(Arbiter.WORKER_BOOT_ERROR)
    except OperationalError as error:
        worker.log.warning("TOKEN_KEYS not checked: %s", type(error).__name__)


def worker_exit(_server: Any, worker: Any) -> None:
    consumer = getattr(worker, "consumer", None)
    if consumer is not None:
        consumer.stop(graceful=True)

"""Log lines: an event name, then facts; JSON in production, readable lines elsewhere.

Tokens must not reach a log. Nothing logs them on purpose; the processor below is the second wall,
for what a library puts into an exception's text.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from config import Config

_SECRET = re.compile(
    r"(?i)(bearer\s+|(?:access_token|refresh_token|client_secret|code|state|sig)=)[^\s&\"']+"
    r"|TKN_[A-Za-z0-9!_\-.]+"
)


def redact(text: str) -> str:
    """Return `text` without anything that looks like a credential."""
    return _SECRET.sub(lambda found: f"{found.group(1) or ''}[redacted]", text)


def _redacted(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def init_logs(config: Config) -> None:
    """Send every logger through one handler on standard error."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redacted,
    ]
    render: Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if config.is_local
        else structlog.processors.JSONRenderer()
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # authlib logs the PKCE verifier at DEBUG, urllib3 whole URLs with their queries.
    for name in ("authlib", "urllib3", "huey"):
        logging.getLogger(name).setLevel(logging.WARNING)

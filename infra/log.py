"""Logs: structlog events with keys, JSON or console, correlation id by context, secrets taken out.

`log.info("price_book_read", book="2026-q1", lines=312)`, never a formatted sentence. Lines of
libraries come through the same pipe as the event `library`.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"
MAX_DEPTH = 6
_SECRET_KEY = re.compile(
    r"authorization|cookie|secret|passw|token|dsn|signature|credential|private_?key|api_?key|service_?key"
    r"|link_?key|webhook_?keys",
    re.IGNORECASE,
)
# Secrets by their look, wherever they stand: webhook secrets, service keys, tokens, passwords in
# addresses.
_SECRET_TEXT = re.compile(
    r"whsec_[A-Za-z0-9+/=]+|qwk_[A-Za-z0-9_-]+|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=password=)\S+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)


def configure(level: str, form: Literal["json", "console"], stream: TextIO = sys.stderr) -> None:
    """Set up logging for this process, libraries included.

    `level` is debug, info, warning or error. Console colours only on a terminal.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            # The pretty formatter shows local variables, and with them secrets.
            colors=stream.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    foreign: list[Processor] = [_library_event, *shared]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[remove, render], foreign_pre_chain=foreign)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Their routine lines repeat what our own request and delivery lines say.
    for name in (
        "uvicorn.access",
        "httpx",
        "httpcore",
        "kafka",
        "psycopg",
        "fontTools",
        "weasyprint",
    ):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out: by the name of the key, and by their look in any text."""
    return {key: _clean(key, value, 0) for key, value in event.items()}


def masked(text: str) -> str:
    """Return the text without anything that looks like a secret."""
    return _SECRET_TEXT.sub(HIDDEN, text)


def _clean(key: str, value: Any, depth: int) -> Any:
    if _SECRET_KEY.search(key) and value is not None:
        return HIDDEN
    if isinstance(value, str):
        return masked(value)
    if value is None or isinstance(value, bool | int | float) or key.startswith("_"):
        return value
    if depth >= MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(name): _clean(str(name), each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, each, depth + 1) for each in value]
    return masked(str(value))


def _library_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return cast("EventDict", {**event, "event": "library", "message": event.get("event")})

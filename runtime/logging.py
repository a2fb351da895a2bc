"""Structured logs of every process: JSON lines, or a console form for people, without prompts, keys and tokens."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from runtime.settings import Settings

_HIDDEN: Final = "[hidden]"
_SECRET_KEYS: Final = frozenset({"prompt", "api_key", "apikey", "authorization", "token", "password", "cookie"})
_SECRET_TEXT: Final = re.compile(r"\bsk-[\w-]{6,}|(?<=bearer )\S+|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)", re.IGNORECASE)

_QUIET: Final = (
    "uvicorn",
    "openai",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "aiosqlite",
    "asyncio",
    "alembic",
    "PIL",
)
"""Loggers kept at warnings: at finer levels they tell requests with their prompts, or what nobody asked."""


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Route structlog and the standard library's logging to one stream (standard error when left out).

    Context bound with `structlog.contextvars` (session_id, item, attempt) goes into every line.
    """
    target = stream or sys.stderr
    is_console = settings.log_format == "console" or (settings.log_format is None and target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if is_console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the values of keys that hold secrets or prompts, and whatever looks like a key in any text."""
    return {key: event[key] if key.startswith("_") else _without_secrets(key, event[key]) for key in event}


def _without_secrets(key: str, value: object) -> object:
    if key.lower().replace("-", "_") in _SECRET_KEYS:
        return _HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXT.sub(_HIDDEN, value)
    if isinstance(value, Mapping):
        entries = cast(Mapping[object, object], value)
        return {str(inner): _without_secrets(str(inner), entry) for inner, entry in entries.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets("", entry) for entry in value]
    return value

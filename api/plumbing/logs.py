"""Logging: structlog over the standard library, JSON lines or console, without keys."""

from __future__ import annotations

import logging.config
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import current_app, has_request_context, request

from config import Settings

SECRET_HEADERS = ("X-API-Key", "X-Admin-Key", "X-Health-Key")


def make_harmless(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor: no key, and no line or terminal command, that a client sends reaches the log.

    What is cut out is what the request in hand sent as a key and is one, so that nobody can have a word of
    his choice cut out.
    """
    secrets = _secrets() if has_request_context() else []
    return {name: _harmless(name, value, secrets) for name, value in event.items()}


def _secrets() -> list[str]:
    app = current_app.extensions.get("services")
    presented = [value for name in SECRET_HEADERS if (value := request.headers.get(name))]
    return [value for value in presented if app is not None and app.auth.is_a_key(value)]


def _harmless(name: str, value: Any, secrets: list[str]) -> Any:
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, "[redacted]")
    if value.isprintable() or name == "exception":
        return value
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in value)


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(settings: Settings) -> dict[str, Any]:
    """Configuration for `logging.config.dictConfig`, also for Gunicorn's own loggers."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handlers: dict[str, Any] = {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}}
    if settings.log_file is not None:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        handlers["file"] = {
            "class": "logging.FileHandler",  # several workers append; rotate with logrotate's copytruncate
            "filename": str(settings.log_file),
            "formatter": "structured",
        }
    names = list(handlers)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    make_harmless,
                    renderer,
                ],
            }
        },
        "handlers": handlers,
        "root": {"level": settings.log_level, "handlers": names},
        "loggers": {
            "gunicorn.error": {"level": settings.log_level, "handlers": names, "propagate": False},
            "tifffile": {"level": "CRITICAL"},  # its remarks on bad files are answered as 4xx
            "gunicorn.access": {"level": "WARNING", "handlers": names, "propagate": False},
        },
    }


def configure_logging(settings: Settings) -> None:
    """Make `settings` the process's logging."""
    logging.config.dictConfig(logging_config(settings))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )

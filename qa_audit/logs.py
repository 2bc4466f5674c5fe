"""Structured logs: ids, never transcript words, never names.

A field may hold an id, a number or a fixed word; free text from outside must not be logged at all.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Send log lines to stderr, as JSON unless stderr is a terminal; each door calls it once at its start."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get(name: str) -> Any:
    """Return a logger; `name` is the module's."""
    return structlog.get_logger(module=name)


def bind(**ids: str | int) -> Any:
    """Bind ids (request_id, job_id, call_id) to every line of the block: `with bind(call_id=…):`."""
    return structlog.contextvars.bound_contextvars(**ids)

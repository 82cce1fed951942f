"""Structured log lines on stderr or in a file, free of keys and people.

What is logged is chosen at the call: providers, call ids, counts, times and reasons that we worded
ourselves. As a last guard, whatever leaves the process as a log line or a traceback, ours or a
library's, goes through :func:`masked`: values that look like an address, and the keys in use.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from enrico.settings import Settings

_ADDRESS = re.compile(r"[^\s\"'<>,;:]+@[^\s\"'<>,;:]+")
_HANDLER = "enrico"
_secrets: set[str] = set()


def without_addresses(text: str) -> str:
    """*text* with whatever looks like an e-mail address masked."""
    return _ADDRESS.sub("***@***", text) if "@" in text else text


def masked(text: str) -> str:
    """*text* without addresses and without any key that this process has used."""
    # The longest first, so that no part of a key outlives another one that is its beginning.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return without_addresses(text)


def masked_traceback(error: BaseException) -> str:
    """The traceback of *error*, masked."""
    return masked("".join(traceback.format_exception(error)))


class _Masking(logging.Formatter):
    """For the log lines of libraries: message, arguments and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def hide(settings: Settings) -> None:
    """From now on the secrets in *settings* are masked."""
    _secrets.update(settings.secrets())


def set_up_logs(settings: Settings) -> None:
    """Send log lines from the level that the settings name."""
    hide(settings)

    def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: _mask_value(value) for name, value in event.items()}

    file = settings.log_file.open("ab") if settings.log_file else sys.stderr.buffer
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, settings.log_level.upper())
        ),
        logger_factory=structlog.BytesLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )
    _mask_libraries()


def _mask_value(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {name: _mask_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_value(inner) for inner in value]
    return value if isinstance(value, int | float | None) else masked(str(value))


def _mask_libraries() -> None:
    """What libraries log as a last resort, such as a task's error that nobody awaited, is masked.

    Where a program has set up logging of its own, its handlers stay the only ones; but a driver
    that logs every row it writes is never asked for that.
    """
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Masking("%(message)s"))

"""Structured log lines on stderr or in a file, free of keys and people.

What is logged is chosen at the call: providers, call ids, counts, times and reasons that we worded
ourselves. As a last guard, values that look like an address, and the keys in use, are masked.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from enrico.settings import Settings

_ADDRESS = re.compile(r"[^\s\"'<>,;:]+@[^\s\"'<>,;:]+")


def without_addresses(text: str) -> str:
    """*text* with whatever looks like an e-mail address masked."""
    return _ADDRESS.sub("***@***", text) if "@" in text else text


def set_up_logs(settings: Settings) -> None:
    """Send log lines from the level that the settings name."""
    secrets = settings.secrets()

    def mask(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for secret in secrets:
            value = value.replace(secret, "***")
        return without_addresses(value)

    def masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: mask(value) for name, value in event.items()}

    file = settings.log_file.open("ab") if settings.log_file else sys.stderr.buffer
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            masked,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, settings.log_level.upper())
        ),
        logger_factory=structlog.BytesLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )

"""What passes between the web server and the three vendors: a call, a reply, a charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from enrico.sandbox.faults import Fault

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in; ``endpoint`` is the path below the vendor's prefix."""

    method: str
    endpoint: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Charge:
    """What a vendor bills for one answer."""

    amount: float
    """Credits, or dollars for the LLM."""
    keys: list[str] = field(default_factory=list)
    """Whom or what was bought, once per unit of the bill: to find what is bought twice."""
    tokens: Mapping[str, int] | None = None


@dataclass(slots=True)
class Reply:
    """An answer before it is sent: the faults of the transport come after."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    seconds: float = 0.0
    """How long the vendor takes."""
    items: int = 0
    """People, queries or accounts that were asked about."""
    about: tuple[str, ...] = ()
    """Names of the companies that a search or a classification was about."""
    charge: Charge | None = None
    blank_lines: bool = False
    chunks: list[bytes] | None = None
    """Server-sent events instead of a body."""


class Vendor(Protocol):
    """One emulated service. All methods are instant; the server does the waiting."""

    faulty: frozenset[str]
    """Endpoints that faults apply to, and that they are counted by."""

    def refuse(self, call: Call) -> Reply | None:
        """The reply to a call without a valid key, else None."""

    def throttle(self, call: Call, at_once: int) -> Reply | None:
        """Count the call against its limits; the reply when it is too many, else None."""

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        """The reply to a call that may be served."""

    def error(self, status: int, call: Call, fault: Fault | None) -> Reply:
        """A failure in this vendor's form."""

    def reset(self) -> None:
        """Forget all counts and spending."""


def json_reply(status: int, value: Any, headers: dict[str, str] | None = None) -> Reply:
    """A reply with ``value`` as JSON."""
    return Reply(status, orjson.dumps(value), headers or {})


def parse(body: bytes) -> Any:
    """The body as JSON, or None when there is none or it is not JSON."""
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None

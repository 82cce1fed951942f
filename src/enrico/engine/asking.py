"""What a provider is to the call path, and what is asked of it: values and pure functions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import orjson

from enrico.engine.http import Reply, Request
from enrico.engine.money import Cost
from enrico.engine.stats import ProviderName
from enrico.engine.windows import Window
from enrico.errors import ProviderError, Skippable
from enrico.store.journal import plain_request

T = TypeVar("T")


class BadAnswer(Exception):
    """A whole answer with status 200 that is not what was asked for. Says why, without its data."""


class Provider(Protocol):
    """What the call path must know of a provider. Pure: no I/O, no clock."""

    name: ProviderName
    dear: bool
    """Whether a call may be sent again only when it was provably not charged."""
    timeout_seconds: float
    repeats_unreadable: bool
    """Whether an answer that makes no sense is worth the same question again; a model wants
    another one."""

    def headers(self, key: str) -> Mapping[str, str]:
        """What goes with every request of this key."""
        ...

    def refusal(self, reply: Reply) -> ProviderError | None:
        """What a reply that is no answer means; None for an answer."""
        ...

    def step_down(self, error: Skippable, call: Call) -> bool:
        """Whether *call* is worth another try, made anew without the switch that was refused."""
        ...

    def cost(self, reply: Reply, reserved: Cost, sent_at: float) -> Cost:
        """What the provider charged for this answer, read from raw bytes that may be rubbish."""
        ...

    def windows(self, headers: Mapping[str, str]) -> Sequence[Window]:
        """The limits that the provider names in its headers; empty when it names none."""
        ...

    def used(self, headers: Mapping[str, str]) -> Mapping[float, int]:
        """How many calls the provider says it has counted, by the period's seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One logical call: what to send, for which items, and the most that it may cost."""

    endpoint: str
    request: Request
    items: Sequence[Any]
    """Keys of what is asked about, in the order of the request. JSON, kept with the call."""
    reserve: Cost
    private: tuple[str, ...] = ()
    """Names and addresses in the request: a refusal that repeats them is told without them."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A recorded answer and what was read from it."""

    call_id: str
    ended_at: str
    cost: Cost
    seconds: float
    value: T


def without_private(reply: Reply, private: Sequence[str]) -> Reply:
    """A refusal without what it must not repeat; an answer as it is.

    Only whole words go: what the refusal means must still be read from it.
    """
    if reply.status < 400 or not private:
        return reply
    words = sorted({word for word in private if len(word) > 1}, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)
    body = reply.body
    with suppress(orjson.JSONDecodeError):  # an escaped letter would hide a name
        body = orjson.dumps(orjson.loads(body))
    text = pattern.sub("***", body.decode("utf-8", "replace"))
    return Reply(reply.status, reply.headers, text.encode())


def call_key(run_id: str, provider: str, call: Call) -> str:
    """The identity of a logical call within a run: equal bytes about the same items are one call.

    Bytes alone will not do: two accounts of one name are searched for with the same words.
    """
    digest = hashlib.sha256(f"{run_id}\n{provider}\n{call.endpoint}\n".encode())
    digest.update(orjson.dumps(list(call.items)))
    digest.update(plain_request(call.request))
    return digest.hexdigest()[:24]

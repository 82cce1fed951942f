"""Bugs as they are met in the wild, planted for a moment: a harness must prove that it can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from enrico.engine import call
from enrico.engine.budget import Budget
from enrico.engine.http import Reply
from enrico.engine.windows import Ledger
from enrico.errors import RateLimited, Unavailable
from enrico.pipeline import apply, people, reconcile, signals
from enrico.providers.apollo import Apollo, Matches, PersonToFind, _person, read_bulk
from enrico.providers.common import json_object
from enrico.providers.serper import Serper, read_results
from tests.chaos import answers, callpath
from tests.chaos.injections import EVIL

Asked = Sequence[PersonToFind]


@contextmanager
def patched(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """All *changes* (owner, name, what it is meanwhile) while inside."""
    with ExitStack() as stack:
        for owner, name, value in changes:
            stack.enter_context(patch.object(owner, name, value))
        yield


def _reader(read: Callable[[Reply, Asked], Matches]) -> Any:
    """The reader of bulk answers, wherever it is used."""
    return patched(*((module, "read_bulk", read) for module in (apply, people, answers)))


def _joined_by(field: str) -> Callable[[Reply, Asked], Matches]:
    def read(reply: Reply, asked: Asked) -> Matches:
        right = read_bulk(reply, asked)  # what is no answer is seen
        matches = (json_object(reply.body) or {})["matches"]
        by = {getattr(p, field).lower(): p for m in matches if (p := _person(m)) is not None}
        keys = {person.key: (person.name if field == "name" else person.key) for person in asked}
        found = {key: by[value.lower()] for key, value in keys.items() if value.lower() in by}
        return Matches(found, tuple(key for key in keys if key not in found), right.unclear[:0])

    return read


def _any_length(reply: Reply, asked: Asked) -> Matches:
    read_bulk(reply, asked)
    matches = (json_object(reply.body) or {})["matches"]
    both = [(a.key, _person(m)) for a, m in zip(asked, matches, strict=False)]
    found = {key: person for key, person in both if person is not None}
    return Matches(found, tuple(a.key for a in asked if a.key not in found), ())


def _refusing_none(kind: type[Exception], vendor: type) -> tuple[type, str, Any]:
    refusal = vendor.refusal

    def never(self: Any, reply: Reply) -> Any:
        error = refusal(self, reply)
        return None if isinstance(error, kind) else error

    return vendor, "refusal", never


def _errors_are_misses(reply: Reply, asked: Asked) -> Matches:
    if "matches" not in (json_object(reply.body) or {}):
        return Matches({}, tuple(person.key for person in asked), ())
    return read_bulk(reply, asked)


def _failures_are_empty(reply: Reply) -> Any:
    return () if reply.status != 200 else read_results(reply)


async def _always_free(*_: Any) -> reconcile.Verdict:
    return reconcile.Verdict(True, "nobody looked")


def _bucket(self: Ledger, now: float, spread: float, **_: float) -> float:
    """A token bucket as large as the limit."""
    step = self.seconds / self.limit
    leaves = 0.0  # when the bucket would be full again
    for sent in self.calls:
        leaves = max(leaves, sent.at if sent.at is not None else now) + step
    return max(now, leaves - self.seconds + step) if leaves > now else now


def _settle_only(self: Budget, provider: str, reserved: Any, actual: Any) -> None:
    self.spent[provider] += actual
    self._freed.set()


def _copied(self: Any, *arguments: Any) -> Any:
    return tuple(replace(signal, url=EVIL) for signal in _SIGNALS(self, *arguments))


_SIGNALS = apply.Applier._signals
_KEY = call.call_key

IN_HISTORIES: dict[str, Any] = {
    "joined by the e-mail that came back": lambda: _reader(_joined_by("email")),
    "an answer of the wrong length is taken": lambda: _reader(_any_length),
    "a bucket as large as the limit": lambda: patched((Ledger, "free_at", _bucket)),
    "a 429 is kept as a miss": lambda: patched(
        _refusing_none(RateLimited, Apollo),
        *((module, "read_bulk", _errors_are_misses) for module in (apply, people)),
    ),
    "a failed search is kept as no signals": lambda: patched(
        _refusing_none(Unavailable, Serper),
        *((module, "read_results", _failures_are_empty) for module in (apply, signals, callpath)),
    ),
    "a dear call of unknown outcome is simply sent again": lambda: patched(
        (reconcile, "_judge", _always_free)
    ),
    "the cap is looked at, and then spent": lambda: patched(
        (Budget, "reserve", lambda self, provider, cost: None), (Budget, "settle", _settle_only)
    ),
    "equal words are one call": lambda: patched(
        (call, "call_key", lambda run, name, one: _KEY(run, name, replace(one, items=[])))
    ),
}
"""Found by the simulated histories."""

IN_ANSWERS: dict[str, Any] = {
    "joined by name": lambda: _reader(_joined_by("name")),
    "joined by the e-mail that came back": lambda: _reader(_joined_by("email")),
    "an answer of the wrong length is taken": lambda: _reader(_any_length),
}
"""Found by spoilt answers."""

IN_ADVERSARY: dict[str, Any] = {
    "the model's address is copied": lambda: patched((apply.Applier, "_signals", _copied)),
}
"""Found by the lying model."""

"""The court of record: a sandbox in a process of its own that notes every call it decides on."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from enrico.sandbox import SandboxConfig, start
from enrico.sandbox import app as sandbox_app
from enrico.sandbox.profiles import Limits, Profile
from enrico.sandbox.wire import JSON, Reply

PAID = ("people/bulk_match", "people/match", "search", "news", "chat/completions")
BRISK = Profile(
    name="brisk",
    # No limit is ever met; with one, Apollo's counters show how many calls arrived.
    apollo_bulk=Limits(day=10**6),
    apollo_match=Limits(day=10**6),
    apollo_seconds=(0.002, 0.012),
    serper_seconds=(0.001, 0.006),
    llm_seconds=(0.002, 0.010),
)
"""Delays that keep several calls in flight, and no more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call to a paid endpoint, as its provider saw it."""

    provider: str
    items: tuple[str, ...]
    """Whom or what it asks about; see :func:`items_of`."""
    body: bytes
    status: int
    charged: float
    """Credits, or dollars for the model."""
    keys: tuple[str, ...]
    """Who was charged for."""


def items_of(provider: str, body: bytes) -> tuple[str, ...]:
    """Whom or what a request asks about: addresses, a query, results of an account."""
    asked = orjson.loads(body)
    if provider == "apollo":
        return tuple(one["email"] for one in asked.get("details", [asked]))
    if provider == "serper":
        return (asked["q"],)
    document = orjson.loads(asked["messages"][-1]["content"])
    return tuple(
        {
            f"{account['name']} / {result['title']} / {result['snippet']}": None
            for account in document["accounts"]
            for result in account["results"]
        }
    )


class Court:
    """A running sandbox and its ledger. Made before anything else starts a thread."""

    def __init__(self, noon: Any, profile: Profile = BRISK) -> None:
        ready, tell = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ready)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            asyncio.run(_serve(noon, profile, tell, parent))
            os._exit(0)
        os.close(tell)
        with os.fdopen(ready) as lines:
            self.url = lines.readline().strip()
        self._line = http.client.HTTPConnection(self.url.removeprefix("http://"))

    def reset(self, faults: Sequence[Mapping[str, Any]] = ()) -> None:
        """Empty books; these faults from now on."""
        self._ask("POST", "/_faults", orjson.dumps(list(faults)))
        self._ask("POST", "/_reset")

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """These faults from now on; the books stay."""
        self._ask("POST", "/_faults", orjson.dumps(list(faults)))

    def ledger(self) -> list[Entry]:
        """Every call so far, once all that is on its way has been decided on."""
        quiet = 0
        while quiet < 2:  # what was sent before the first look is decided on before the second
            books = self._ask("GET", "/_stats")
            at_work = sum(books[name]["at_once"] for name in ("apollo", "serper", "llm"))
            quiet = 0 if at_work else quiet + 1
            if at_work:
                time.sleep(0.002)
        return [
            Entry(provider, tuple(items), bytes.fromhex(digest), status, charged, tuple(keys))
            for provider, items, digest, status, charged, keys in self._ask("GET", "/_ledger")
        ]

    def calls(self) -> int:
        """How many calls there were so far, to paid endpoints or others."""
        books = self._ask("GET", "/_stats")
        return sum(books[name]["calls"] for name in ("apollo", "serper", "llm"))

    def close(self) -> None:
        """End the process."""
        self._line.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        self._line.request(method, path, body)
        return orjson.loads(self._line.getresponse().read())


async def _serve(noon: Any, profile: Profile, tell: int, parent: int) -> None:
    rows: list[Any] = []
    decide, steering = sandbox_app.Sandbox._decide, sandbox_app.Sandbox.__init__

    def noting(self: Any, name: str, call: Any, endpoint: str, account: Any) -> Any:
        before = account.spent
        reply, fault = decide(self, name, call, endpoint, account)
        if endpoint in PAID:
            charged = account.spent - before
            keys = list(reply.charge.keys) if reply.charge and charged else []
            items = items_of(name, call.body)
            rows.append((name, items, digest(call.body).hex(), reply.status, charged, keys))
        return reply, fault

    def steered(self: Any, config: SandboxConfig) -> None:
        steering(self, config)
        forget = self._steering["POST", "/_reset"]

        def reset(body: bytes) -> Reply:
            rows.clear()
            return forget(body)

        self._steering["POST", "/_reset"] = reset
        self._steering["GET", "/_ledger"] = lambda body: Reply(
            200, orjson.dumps(rows), content_type=JSON
        )

    sandbox_app.Sandbox._decide = noting  # type: ignore[method-assign]
    sandbox_app.Sandbox.__init__ = steered  # type: ignore[method-assign]
    async with await start(SandboxConfig(profile=profile, now=noon)) as running:
        os.write(tell, running.base_url.encode() + b"\n")
        os.close(tell)
        while os.getppid() == parent:  # nobody is left to end us when the parent was killed
            await asyncio.sleep(1)


def digest(body: bytes) -> bytes:
    """What tells one request's body from another's."""
    from hashlib import sha256

    return sha256(body).digest()[:12]

"""What the sandbox saw, served and billed in one run: no variant is asked about itself."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from enrico.sandbox import RunningSandbox
from enrico.sandbox.meter import Drawn

PAID_ENDPOINTS = {
    "serper": ("search", "news"),
    "llm": ("chat/completions",),
    "apollo": ("people/bulk_match", "people/match"),
}
CREDIT_USD = {"apollo": 0.025, "serper": 0.001}
"""Dollars for a credit, August 2026; the model bills in dollars."""
_BROKEN_200 = ("cut", "malformed", "html_200", "blank", "truncate")
"""Faults that leave the status 200 and no usable answer."""


@dataclass(frozen=True, slots=True)
class Court:
    """The sandbox's books after one run."""

    searches: int
    classifications: int
    bulk_calls: int
    single_calls: int
    free_calls: int
    """Usage and account pages."""
    people_asked: int
    people_bought: int
    """Distinct people whom the provider has."""
    people_paid_again: int
    """Charges for people who had been charged for before."""
    searches_paid_again: int
    search_credits: float
    people_credits: float
    llm_usd: float
    output_tokens: int
    rate_limited: int
    """429s."""
    failed: int
    """Calls that brought no usable answer, 429s apart."""

    @property
    def paid_calls(self) -> int:
        """Calls to endpoints that cost something."""
        return self.searches + self.classifications + self.bulk_calls + self.single_calls

    @property
    def usd(self) -> float:
        """The whole bill."""
        people = self.people_credits * CREDIT_USD["apollo"]
        return people + self.search_credits * CREDIT_USD["serper"] + self.llm_usd

    @property
    def error_rate(self) -> float:
        """Failed calls among all calls; 429s apart."""
        return self.failed / max(1, self.paid_calls + self.free_calls)


def read_court(stats: Mapping[str, Any]) -> Court:
    """The sandbox's ``/_stats`` after a run."""
    books = {name: stats[name] for name in PAID_ENDPOINTS}

    def calls(provider: str, *endpoints: str) -> int:
        return sum(books[provider]["by_endpoint"].get(endpoint, 0) for endpoint in endpoints)

    paid = sum(calls(provider, *endpoints) for provider, endpoints in PAID_ENDPOINTS.items())
    return Court(
        searches=calls("serper", *PAID_ENDPOINTS["serper"]),
        classifications=calls("llm", *PAID_ENDPOINTS["llm"]),
        bulk_calls=calls("apollo", "people/bulk_match"),
        single_calls=calls("apollo", "people/match"),
        free_calls=sum(book["calls"] for book in books.values()) - paid,
        people_asked=books["apollo"]["items"],
        people_bought=books["apollo"]["distinct_people_paid"],
        people_paid_again=books["apollo"]["paid_again"],
        searches_paid_again=books["serper"]["paid_again"],
        search_credits=books["serper"]["credits"],
        people_credits=books["apollo"]["credits"],
        llm_usd=books["llm"]["cost_usd"],
        output_tokens=books["llm"]["completion_tokens"],
        rate_limited=sum(book["rate_limited"] for book in books.values()),
        failed=sum(_failed(book) for book in books.values()),
    )


def _failed(book: Mapping[str, Any]) -> int:
    good = sum(n for status, n in book["by_status"].items() if status in ("200", "429"))
    # A cut body has the status 200; a status of a fault's own is counted by status already.
    return int(book["calls"] - good + sum(book["faults"].get(kind, 0) for kind in _BROKEN_200))


class Books(Protocol):
    """A sandbox, to be read and steered."""

    def stats(self) -> dict[str, Any]:
        """All counts."""

    def drawn(self) -> dict[str, list[Drawn]]:
        """Delays of the calls that were answered, in order of arrival, by provider."""

    def reset(self) -> None:
        """Forget all calls."""

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """These faults and no others."""


class InProcess:
    """Books of a sandbox in this event loop."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.stats = sandbox.stats
        self.drawn = sandbox.drawn
        self.reset = sandbox.reset
        self.set_faults = sandbox.set_faults


class Remote:
    """Books of a sandbox in another process."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        # On loopback no proxy is asked.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def stats(self) -> dict[str, Any]:
        """All counts."""
        found: dict[str, Any] = self._ask("_stats")
        return found

    def drawn(self) -> dict[str, list[Drawn]]:
        """Delays of the calls that were answered."""
        found: dict[str, list[Drawn]] = self._ask("_drawn")
        return found

    def reset(self) -> None:
        """Forget all calls."""
        self._ask("_reset", b"{}")

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """These faults and no others."""
        self._ask("_faults", orjson.dumps(faults))

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        with self._opener.open(f"{self._url}/{path}", data=body, timeout=30) as page:
            return orjson.loads(page.read())

"""The court of record: what each vendor saw, served and billed, counted on the vendor's side."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from enrico.sandbox.wire import Charge

RATE_WINDOWS: tuple[tuple[str, float], ...] = (
    ("1s", 1.0),
    ("60s", 60.0),
    ("3600s", 3600.0),
    ("86400s", 86400.0),
)
_SHOWN_KEYS = 5
_PRUNE_AT = 1_000_000
_DRAWN_KEPT = 10_000

Drawn = tuple[float, tuple[str, ...]]
"""The seconds that an answer was made to take, and the companies that it is about."""


class SlidingRate:
    """The most calls ever seen within any stretch of each length: no window's edge hides any."""

    def __init__(self) -> None:
        self._times = array("d")
        self._tails = [0] * len(RATE_WINDOWS)
        self.highest = [0] * len(RATE_WINDOWS)

    def add(self, now: float) -> None:
        """Count a call at ``now``; times must not go backwards."""
        times = self._times
        times.append(now)
        count = len(times)
        for index, (_, length) in enumerate(RATE_WINDOWS):
            tail = self._tails[index]
            oldest = now - length
            while times[tail] <= oldest:
                tail += 1
            self._tails[index] = tail
            if count - tail > self.highest[index]:
                self.highest[index] = count - tail
        done = min(self._tails)
        if done >= _PRUNE_AT:
            del times[:done]
            self._tails = [tail - done for tail in self._tails]

    def as_dict(self) -> dict[str, int]:
        return {name: most for (name, _), most in zip(RATE_WINDOWS, self.highest, strict=True)}


class Account:
    """One vendor's books."""

    def __init__(self, balance: float) -> None:
        self.balance = balance
        self.spent = 0.0
        self.calls = 0
        self.by_status: Counter[str] = Counter()
        self.by_endpoint: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.paid_calls = 0
        self.items = 0
        self.paid = 0
        self.rate_limited = 0
        self.charged_then_lost = 0
        self.lost_amount = 0.0
        self.at_once = 0
        self.max_at_once = 0
        self.tokens: Counter[str] = Counter()
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.rates: dict[str, SlidingRate] = {}
        self.served: dict[str, SlidingRate] = {}
        self.drawn: list[Drawn] = []
        # Hashes, not texts: a million people must fit beside the server.
        self._bought: set[int] = set()
        self._bought_again: Counter[str] = Counter()

    def arrive(self, endpoint: str, time: float, now: datetime) -> None:
        self.calls += 1
        self.by_endpoint[endpoint] += 1
        self.first_at = self.first_at or now
        self.last_at = now
        self.at_once += 1
        self.max_at_once = max(self.max_at_once, self.at_once)
        _rate(self.rates, endpoint).add(time)

    def serve(self, endpoint: str, time: float) -> None:
        """Count a call that was not refused."""
        _rate(self.served, endpoint).add(time)

    def draw(self, seconds: float, about: tuple[str, ...]) -> None:
        """Keep the delay of a call whose answer goes out whole, and which companies it is about."""
        if len(self.drawn) < _DRAWN_KEPT:
            self.drawn.append((seconds, about))

    def charge(self, charge: Charge) -> None:
        self.balance -= charge.amount
        self.spent += charge.amount
        self.paid_calls += 1
        self.paid += len(charge.keys)
        if charge.tokens:
            self.tokens.update(charge.tokens)
        for key in charge.keys:
            digest = hash(key)
            if digest in self._bought:
                self._bought_again[key] += 1
            else:
                self._bought.add(digest)

    def lose(self, charge: Charge) -> None:
        """Note a charge whose answer the client never got whole."""
        self.charged_then_lost += 1
        self.lost_amount += charge.amount

    def leave(self, status: str, items: int) -> None:
        self.at_once -= 1
        self.by_status[status] += 1
        self.items += items
        if status == "429":
            self.rate_limited += 1

    @property
    def distinct(self) -> int:
        return len(self._bought)

    @property
    def again(self) -> tuple[int, int, list[str]]:
        """(things bought more than once, purchases too many, a few of their keys)."""
        several = self._bought_again
        return (
            len(several),
            sum(several.values()),
            [key for key, _ in several.most_common(_SHOWN_KEYS)],
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "by_status": dict(sorted(self.by_status.items())),
            "by_endpoint": dict(sorted(self.by_endpoint.items())),
            "faults": dict(sorted(self.faults.items())),
            "paid_calls": self.paid_calls,
            "items": self.items,
            "rate_limited": self.rate_limited,
            "charged_then_lost": self.charged_then_lost,
            "at_once": self.at_once,
            "max_concurrent": self.max_at_once,
            "highest_rate": {name: rate.as_dict() for name, rate in self.rates.items()},
            "highest_rate_served": {name: rate.as_dict() for name, rate in self.served.items()},
            "first_call_at": _iso(self.first_at),
            "last_call_at": _iso(self.last_at),
        }


class Meter:
    """The books of all three vendors."""

    def __init__(self, balances: dict[str, float], time: Callable[[], float]) -> None:
        self._balances = balances
        self.time = time
        self.reset()

    def reset(self) -> None:
        self.apollo = Account(self._balances["apollo"])
        self.serper = Account(self._balances["serper"])
        self.llm = Account(self._balances["llm"])
        self.accounts = {"apollo": self.apollo, "serper": self.serper, "llm": self.llm}

    def drawn(self) -> dict[str, list[Drawn]]:
        """The first calls to paid endpoints that were answered whole, in order of arrival."""
        return {name: account.drawn for name, account in self.accounts.items()}

    def as_dict(self) -> dict[str, Any]:
        """The figures under ``apollo``, ``serper`` and ``llm``, each in its own coin."""
        books = {name: account.as_dict() for name, account in self.accounts.items()}
        for name, what in (("apollo", "people"), ("serper", "queries")):
            account = self.accounts[name]
            count, extra, keys = account.again
            books[name] |= {
                "credits": round(account.spent, 6),
                "credits_lost": round(account.lost_amount, 6),
                "credits_left": round(account.balance, 6),
                f"{what}_paid": account.paid,
                f"distinct_{what}_paid": account.distinct,
                f"{what}_paid_more_than_once": count,
                "paid_again": extra,
                "paid_again_keys": keys,
            }
        tokens = self.llm.tokens
        books["llm"] |= {
            "prompt_tokens": tokens["prompt"],
            "prompt_cache_hit_tokens": tokens["cached"],
            "completion_tokens": tokens["completion"],
            "reasoning_tokens": tokens["reasoning"],
            "cost_usd": round(self.llm.spent, 8),
            "usd_lost": round(self.llm.lost_amount, 8),
            "usd_left": round(self.llm.balance, 8),
        }
        return books


def _rate(rates: dict[str, SlidingRate], endpoint: str) -> SlidingRate:
    rate = rates.get(endpoint)
    if rate is None:
        rate = rates[endpoint] = SlidingRate()
    return rate


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()

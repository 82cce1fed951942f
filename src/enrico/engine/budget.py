"""Reserve, then spend: a cap is never passed, not by one unit, at any concurrency.

The worst case of a call is reserved before its intent is committed, and the true cost replaces it
when the answer is in. A call whose outcome is unknown keeps its reservation. All of it happens
between two awaits of one event loop. Workers that spend side by side have a lease of the caps each
(:mod:`enrico.pipeline.leases`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from enrico.engine.money import NOTHING, Cost, credits_number, usd_number
from enrico.errors import EnricoError


class BudgetReached(EnricoError):
    """The next call does not fit under a cap, whatever comes back from those under way."""

    code = "run.budget_reached"
    exit_code = 4


class Overcharged(BudgetReached):
    """A provider charged more for a call than was set aside, so that no cap can be promised."""

    code = "run.overcharged"


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that a run may spend: micro-credits in all and by provider, nano-dollars."""

    credits: int | None = None
    usd: int | None = None
    provider_credits: Mapping[str, int] = field(default_factory=dict)


class Budget:
    """What one run has spent and reserved, beside its caps."""

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.lease = caps
        """What may be spent without asking anybody: all of it."""
        self.spent: dict[str, Cost] = defaultdict(Cost)
        self.reserved: dict[str, Cost] = defaultdict(Cost)
        self.elsewhere: Mapping[str, Cost] = {}
        """What others had spent under the same caps when this part of the run began."""
        self.overcharged: Overcharged | None = None
        """Why nothing more may be sent under these caps, whoever asks."""
        self._freed = asyncio.Event()

    def _room(self, provider: str, *, with_reserved: bool) -> tuple[float, float]:
        """(micro-credits, nano-dollars) still free for *provider*; infinity without a cap."""
        caps, credits, usd = self.lease, float("inf"), float("inf")
        ledgers = (self.spent, self.reserved) if with_reserved else (self.spent,)
        if caps.credits is not None:
            credits = caps.credits - sum(c.credits for taken in ledgers for c in taken.values())
        if (own := caps.provider_credits.get(provider)) is not None:
            credits = min(credits, own - sum(taken[provider].credits for taken in ledgers))
        if caps.usd is not None:
            usd = caps.usd - sum(c.usd for taken in ledgers for c in taken.values())
        return credits, usd

    def _times(self, provider: str, unit: Cost, most: int, *, with_reserved: bool) -> int:
        credits, usd = self._room(provider, with_reserved=with_reserved)
        fits = float(most)
        if unit.credits:
            fits = min(fits, credits // unit.credits)
        if unit.usd:
            fits = min(fits, usd // unit.usd)
        return max(0, int(fits))

    async def room_for(self, provider: str, unit: Cost, most: int) -> int:
        """How many of *most* units fit now; waits while calls under way may free room for one.

        Reserve before the next await. Raises BudgetReached when not even one can ever fit.
        """
        self.check()
        while (now := self._times(provider, unit, most, with_reserved=True)) < 1:
            if self._times(provider, unit, most, with_reserved=False) < 1:
                raise reached()
            self._freed.clear()
            await self._freed.wait()
            self.check()
        return now

    def check(self) -> None:
        """Raises Overcharged once a provider has charged more than was set aside."""
        if self.overcharged is not None:
            raise self.overcharged

    def charged(self, provider: str, reserved: Cost, actual: Cost) -> bool:
        """A call cost *actual*; whether that is more than was set aside for it.

        What is set aside is no bound then, so where there is a cap on it nothing more is spent.
        """
        more_credits, more_usd = actual.credits > reserved.credits, actual.usd > reserved.usd
        caps = self.caps
        capped = caps.credits is not None or provider in caps.provider_credits
        if (more_credits and capped) or (more_usd and caps.usd is not None):
            self.overcharged = self.overcharged or Overcharged(
                f"{provider} charged {_told(actual)} for a call for which {_told(reserved)} was "
                "set aside as the most that it may cost. No cap can be kept so, and nothing more "
                f"is sent. Set what {provider} charges in the settings, then run the same command "
                "again."
            )
            self._freed.set()
        return more_credits or more_usd

    def used(self, provider: str = "", also: Cost = NOTHING) -> float | None:
        """The largest share of a cap that is spent, 0 to 1; None when there is no cap.

        *also* was just charged by *provider* and is not settled yet.
        """
        spent = {
            name: self.spent.get(name, NOTHING) + self.elsewhere.get(name, NOTHING)
            for name in {*self.spent, *self.elsewhere, provider}
        }
        spent[provider] += also
        shares = [
            _share(spent.get(name, NOTHING).credits, cap)
            for name, cap in self.caps.provider_credits.items()
        ]
        if self.caps.credits is not None:
            shares.append(_share(sum(cost.credits for cost in spent.values()), self.caps.credits))
        if self.caps.usd is not None:
            shares.append(_share(sum(cost.usd for cost in spent.values()), self.caps.usd))
        return max(shares, default=None)

    def reserve(self, provider: str, cost: Cost) -> None:
        """Set *cost* aside; call it right after :meth:`room_for` said that it fits."""
        self.reserved[provider] += cost

    def give_back(self, provider: str, cost: Cost) -> None:
        """What was counted as charged turned out to be free."""
        self.spent[provider] -= cost
        self._freed.set()

    def settle(self, provider: str, reserved: Cost, actual: Cost) -> None:
        """Replace a reservation by what was charged."""
        self.reserved[provider] -= reserved
        self.spent[provider] += actual
        self._freed.set()


def reached() -> BudgetReached:
    """Nothing more fits."""
    return BudgetReached(
        "The budget of this run is reached: the next call does not fit under the cap. "
        "What was bought is kept; raise --max-credits or --max-usd to go on."
    )


def _told(cost: Cost) -> str:
    credits = f"{credits_number(cost.credits):g} credits, " if cost.credits else ""
    return f"{credits}${usd_number(cost.usd):.6f}"


def _share(spent: int, cap: int) -> float:
    """Of a cap of nothing, all is spent."""
    return spent / cap if cap else 1.0

"""Credits and dollars, exact: integers of a millionth of a credit and a billionth of a dollar.

A cached DeepSeek token costs three billionths of a dollar, and Apollo's credits may be
fractional; floats would drift, and a cap is kept to the last unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

MICRO = 1_000_000
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """``credits`` in millionths of a credit, ``usd`` in billionths of a dollar."""

    credits: int = 0
    usd: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.credits + other.credits, self.usd + other.usd)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.credits - other.credits, self.usd - other.usd)


NOTHING = Cost()


@lru_cache(maxsize=1_000)
def micro_credits(amount: Decimal | int | float | str) -> int:
    """Credits to millionths, rounded up: ``micro_credits("0.5") == 500_000``."""
    return int((Decimal(str(amount)) * MICRO).to_integral_value(ROUND_CEILING))


def nano_usd(amount: Decimal | int | float | str) -> int:
    """Dollars to billionths, rounded up."""
    return int((Decimal(str(amount)) * NANO).to_integral_value(ROUND_CEILING))


@lru_cache(maxsize=1_000)
def cost_of_credits(credits: int, credit_usd: Decimal) -> Cost:
    """The cost of so many micro-credits at a price for each credit."""
    usd = (Decimal(credits) * credit_usd * (NANO // MICRO)).to_integral_value(ROUND_CEILING)
    return Cost(credits, int(usd))


def credits_number(micro: int) -> int | float:
    """Micro-credits as people read them: an int when whole, else a float."""
    whole, rest = divmod(micro, MICRO)
    return whole if rest == 0 else micro / MICRO


def usd_number(nano: int) -> float:
    """Nano-dollars as dollars, rounded to a millionth of a dollar."""
    return round(nano / NANO, 6)

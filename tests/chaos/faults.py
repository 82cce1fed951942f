"""What goes wrong in a history, drawn from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

_NETWORK = ("refused_connection", "reset_before", "reset_after", "cut_short", "slow", "500", "html")
_TEXT = ("cut_body", "html200", "error200", "blank_lines")
KINDS = {
    "apollo": (*_NETWORK, *_TEXT, "500_charged", "short", "shuffled", "extra", "stub", "422",
               "refused", "out_of_credits", "lying_headers", "empty_headers"),
    "serper": (*_NETWORK, *_TEXT, "refused", "out_of_credits"),
    "deepseek": (*_NETWORK, *_TEXT, "drop", "double", "swap", "invent", "truncate", "blank",
                 "content_filter", "insufficient_system_resource", "tool_calls", "fenced",
                 "array", "out_of_credits"),
}  # fmt: skip
"""What each provider may do instead of a plain answer."""
RARE = frozenset({"refused", "out_of_credits"})
"""They end a branch, so that little else would be met."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call; the empty kind is none."""

    kind: str = ""
    seconds: float = 0.0
    """How long a slow answer takes."""
    charge: Literal["in time", "late", "never"] = "in time"
    wall: bool = False
    """A 429, for the limit's sake or not."""
    retry_after: float | None = None
    pick: int = 0
    """A number to vary the fault by."""

    def as_wall(self) -> Fault:
        """The same call, refused by a limit."""
        return replace(self, kind="429", charge="never")


class Weather:
    """Faults, delays and storms of one history. Calm weather has none."""

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        self._draw = draw = random.Random(seed)
        self.calm = calm
        self.rate = draw.choice((0.0, 0.05, 0.2, 0.45))
        self.kinds = {
            name: draw.sample(kinds, draw.randint(1, len(kinds))) for name, kinds in KINDS.items()
        }
        self._counters = draw.choice((0.0, 0.0, 0.3))
        self.storms = [
            (name, start, start + draw.choice((0.5, 4.0, 60.0)), draw.choice((None, 1.0, 7.0)))
            for name in KINDS
            if draw.random() < 0.25
            for start in [1_000.0 + draw.uniform(0, 8)]
        ]

    @property
    def storms_ever(self) -> bool:
        """Whether a 429 may come that no limit explains."""
        return bool(self.storms) and not self.calm

    def chance(self, share: float) -> bool:
        """True in *share* of the cases."""
        return self._draw.random() < share

    def delay(self) -> float:
        """Seconds one way; they vary less than the limiter's spread."""
        return self._draw.uniform(0.01, 0.04)

    def service(self, provider: str) -> float:
        """Seconds that an answer takes at the provider."""
        return self._draw.uniform(0.1, 1.2 if provider == "deepseek" else 0.6)

    def counter_fails(self) -> bool:
        """Whether the usage counters cannot be read just now."""
        return not self.calm and self.chance(self._counters)

    def draw(self, provider: str, now: float) -> Fault:
        """What happens to the next call."""
        if self.calm:
            return Fault()
        for name, start, end, retry_after in self.storms:
            if name == provider and start <= now < end:
                return Fault("storm", wall=True, retry_after=retry_after)
        if not self.chance(self.rate):
            return Fault()
        kind = self._draw.choice(self.kinds[provider])
        if kind in RARE and self.chance(0.8):
            return Fault()
        charge: Literal["in time", "late", "never"] = "in time"
        if kind == "slow":
            charge = self._draw.choice(("in time", "late", "never"))
        seconds = self._draw.uniform(1.0, 60.0)
        return Fault(kind, seconds, charge, pick=self._draw.getrandbits(16))

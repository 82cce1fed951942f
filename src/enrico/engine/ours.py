"""Our own calls on a shared key, and what the others must still be told of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from enrico.engine.board import Entry
from enrico.engine.limits import TooLate
from enrico.engine.windows import Sent

LEASE = 1.0
"""Seconds within which a call must leave; renewed at half time while its worker lives."""
REPORT = 0.15
"""Within so many seconds the others hear of a call that left: before a window of a second turns."""


@dataclass(eq=False, slots=True)
class Grant:
    """Leave that one of our calls has; times are the loop's."""

    n: int
    call: Sent
    by: float
    """It leaves by then, or not at all."""
    void: bool = False


class Ours:
    """The calls of *worker* that have leave, or of which the board does not know all yet."""

    def __init__(self, worker: str) -> None:
        self.tell_by = math.inf
        """When the others must have been told what they do not know."""
        self._worker = worker
        self._given = 0
        self._grants: dict[Sent, Grant] = {}
        self._unsent: dict[Sent, Grant] = {}  # in the order in which their leave ends
        self._untold: dict[Sent, Grant] = {}

    @property
    def due(self) -> float:
        """When the board must be told something."""
        if not self._unsent:
            return self.tell_by
        return min(self.tell_by, next(iter(self._unsent.values())).by - LEASE / 2)

    def grant(self, call: Sent, at: float) -> Grant:
        """*call* may leave from *at* on."""
        self._given += 1
        grant = self._grants[call] = self._unsent[call] = Grant(self._given, call, at + LEASE)
        return grant

    def remember(self, call: Sent, at: float) -> None:
        """A call of another process that no board knows of: it left at *at*."""
        self._given += 1
        self._untold[call] = Grant(self._given, call, at)

    def leaves(self, call: Sent) -> None:
        """*call* is about to leave. Raises TooLate."""
        if (grant := self._grants.get(call)) is not None:
            if asyncio.get_running_loop().time() >= grant.by:
                raise TooLate("its leave had run out")
            self._unsent.pop(call, None)
            self._tell(grant)

    def ended(self, call: Sent) -> None:
        """*call* is over, or will not leave."""
        if (grant := self._grants.pop(call, None)) is not None:
            grant.void = call.at is None
            self._unsent.pop(call, None)
            self._tell(grant)

    def take_back(self, grant: Grant) -> None:
        """It was never written down."""
        self._unsent.pop(grant.call, None)
        del self._grants[grant.call]

    def take_untold(self) -> list[Grant]:
        """What is to be told now."""
        untold, self._untold, self.tell_by = self._untold, {}, math.inf
        return list(untold.values())

    def put_back(self, untold: Iterable[Grant]) -> None:
        """It could not be told: try again soon."""
        self._untold = {grant.call: grant for grant in untold} | self._untold
        self.tell_by = -math.inf

    def expiring(self, now: float) -> list[Grant]:
        """Those whose leave ends soon, and can still be renewed."""
        return [grant for grant in self._unsent.values() if now < grant.by < now + LEASE / 2]

    def renew(self, grants: Sequence[Grant], by: float) -> None:
        """Their leave ends at *by*, and the others know."""
        for grant in grants:
            grant.by = by
            if self._unsent.pop(grant.call, None) is not None:
                self._unsent[grant.call] = grant

    def entry(self, grant: Grant, clock: float, by: float | None = None) -> Entry:
        """What the board is told of it; *clock*: the board's time less the loop's."""
        call = grant.call
        return Entry(
            self._worker,
            grant.n,
            (grant.by if by is None else by) + clock,
            None if call.at is None else call.at + clock,
            None if call.over is None else call.over + clock,
            call.refused,
            grant.void,
        )

    def _tell(self, grant: Grant) -> None:
        self._untold[grant.call] = grant
        self.tell_by = min(self.tell_by, asyncio.get_running_loop().time() + REPORT)

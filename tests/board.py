"""A board in memory, for limiters that share one event loop; workers on it may die."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from enrico.engine.board import Away, Common, Entry, Said, Seen

CLOCK = 1.7e9
"""The board's time less the loop's."""


@dataclass
class Wood:
    """What stands on the board."""

    delay: float = 0.002
    """A turn takes up to twice so many seconds each way."""
    entries: dict[tuple[str, int], tuple[int, Entry]] = field(default_factory=dict)
    common: Common | None = None
    shares: dict[str, int] = field(default_factory=dict)
    most_shared: int = 0
    stamp: int = 0
    turns: int = 0
    away: bool = False
    breaks: int = 0
    """So many turns that tell of calls break at their end."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    def gone(self, worker: str) -> None:
        """Somebody has seen that *worker* is dead."""
        self.shares.pop(worker, None)


@dataclass
class MemoryBoard:
    """The board as one worker sees it."""

    wood: Wood
    worker: str
    is_dead: bool = False

    @asynccontextmanager
    async def turn(self, since: int) -> AsyncIterator[MemoryTurn]:
        async with self.wood.lock:
            await self._travel()
            wood = self.wood
            wood.turns += 1
            new = [
                (stamp, entry)
                for stamp, entry in wood.entries.values()
                if stamp > since and entry.worker != self.worker
            ]
            shares = {name: most for name, most in wood.shares.items() if name != self.worker}
            entries = [entry for _, entry in sorted(new, key=lambda pair: (pair[0], pair[1].n))]
            turn = MemoryTurn(Seen(CLOCK, wood.stamp, entries, wood.common, shares))
            yield turn
            await self._travel()
            if wood.breaks and turn.said.entries:
                wood.breaks -= 1
                raise Away("the connection broke")
            self._write(turn.said)
            wood.most_shared = max(wood.most_shared, sum(wood.shares.values()))

    async def close(self) -> None:
        pass

    async def _travel(self) -> None:
        await asyncio.sleep(self.wood.chance.uniform(0, 2 * self.wood.delay))
        if self.wood.away or self.is_dead:
            raise Away("the board is away")

    def _write(self, said: Said) -> None:
        wood = self.wood
        wood.stamp += 1
        for entry in said.entries:
            wood.entries[entry.worker, entry.n] = (wood.stamp, entry)
        wood.common = said.common or wood.common
        if said.share is not None:
            if said.share < 0:
                wood.shares.pop(self.worker, None)
            else:
                wood.shares[self.worker] = said.share


@dataclass
class MemoryTurn:
    """See :class:`enrico.engine.board.Turn`."""

    seen: Seen
    said: Said = field(default_factory=Said)

    async def write(self, said: Said) -> None:
        assert len({entry.n for entry in said.entries}) == len(said.entries)
        self.said = said

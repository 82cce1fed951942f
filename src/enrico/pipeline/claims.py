"""Who asks for what just now: two runs of one process never buy the same item."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

Kind = Literal["account", "person"]


class Claims:
    """Items that a run is asking for. A batch leaves a guest's items alone, a guest waits."""

    def __init__(self) -> None:
        self._held: dict[tuple[Kind, str], asyncio.Event] = {}
        self._hurry: dict[tuple[Kind, str], Callable[[], None]] = {}
        self._settled: set[tuple[Kind, str]] = set()
        self._guests = 0

    def guest(self, comes: int) -> None:
        """A guest comes (1) or goes (-1). While one is here, what was settled is remembered, for
        it was selected earlier."""
        self._guests += comes

    def take(self, kind: Kind, key: str) -> bool:
        """Claim an item; False when the other run has it or has settled it."""
        place = (kind, key)
        if place in self._held or place in self._settled:
            return False
        self._held[place] = asyncio.Event()
        return True

    def can_hurry(self, kind: Kind, keys: Iterable[str], hurry: Callable[[], None]) -> None:
        """How to bring the call for these items forward, when somebody comes to wait for one."""
        self._hurry.update({(kind, key): hurry for key in keys})

    async def take_in_turn(self, kind: Kind, key: str) -> bool:
        """As :meth:`take`, but waits until the other run has done with the item.

        For guests only: who holds claims of its own while it waits may wait for ever.
        """
        while (held := self._held.get((kind, key))) is not None:
            if (hurry := self._hurry.get((kind, key))) is not None:
                hurry()
            await held.wait()
        return self.take(kind, key)

    def release(self, kind: Kind, key: str, *, settled: bool) -> None:
        """Done with an item; *settled*: there is an answer, or a reason why there is none."""
        held = self._held.pop((kind, key), None)
        self._hurry.pop((kind, key), None)
        if held is not None:
            held.set()
        if settled and self._guests:
            self._settled.add((kind, key))

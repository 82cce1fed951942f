"""What limiters in several processes must tell each other, and the place where they do.

Whoever wants to send takes a turn at the board, alone: reads what the others have written since,
decides, and writes down who leaves. All times are the board's, in seconds, unless it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from enrico.engine.rules import Taught
from enrico.errors import StoreError


class Away(StoreError):
    """The board cannot be reached at present, so nobody can be given leave."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call as its worker tells of it."""

    worker: str
    n: int
    """Its number among the worker's calls."""
    by: float
    """It leaves by then, or not at all."""
    sent: float | None = None
    over: float | None = None
    refused: bool = False
    void: bool = False
    """It never left."""


@dataclass(frozen=True, slots=True)
class Common:
    """What holds for all workers alike."""

    concurrency: int
    """The most calls in flight, all workers' together."""
    taught: Taught = field(default_factory=Taught)
    parked_until: float = 0.0
    parks: int = 0
    """How often in a row the key was parked."""
    wall: tuple[float, float] | None = None
    """The 429s since a call was last served: when the first of those calls left, and until when
    they are known to have come."""
    prober: str = ""
    """The worker that looks whether the wall still stands."""
    probe_until: float = 0.0
    """The others leave it to him until then."""

    def met_by(self, other: Common) -> Common:
        """This wall and another worker's, which is one and the same."""
        if self.wall is None or other.wall is None:
            return self if other.wall is None else other
        return replace(
            self,
            parked_until=max(self.parked_until, other.parked_until),
            parks=max(self.parks, other.parks),
            wall=(min(self.wall[0], other.wall[0]), max(self.wall[1], other.wall[1])),
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What the others have written."""

    clock: float
    """The board's time less the event loop's."""
    stamp: int
    """The last that was written; ask next time for what came after it."""
    entries: Sequence[Entry]
    """New and changed ones, oldest first."""
    common: Common | None
    shares: Mapping[str, int]
    """How many calls each of the others may have in flight; who is silent or gone is left out."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one worker writes in its turn."""

    entries: Sequence[Entry] = ()
    common: Common | None = None
    """None: as it was."""
    share: int | None = None
    """None: as it was; negative: not one of those that share any more."""
    forget_before: float = 0.0
    """Entries of calls that left earlier count nowhere; 0: look for none."""

    def __bool__(self) -> bool:
        return bool(
            self.entries or self.common is not None or self.share is not None or self.forget_before
        )


class Turn(Protocol):
    """One worker's turn."""

    seen: Seen

    async def write(self, said: Said) -> None:
        """Tell the others; they know once the turn is over. Raises Away."""
        ...


class Board(Protocol):
    """The board of one line, seen from one worker."""

    worker: str
    """Our name on it."""

    def turn(self, since: int) -> AbstractAsyncContextManager[Turn]:
        """Wait for our turn; *since* is the last stamp that was seen.

        Raises Away, and StoreError when the board refuses for good.
        """
        ...

    async def close(self) -> None:
        """Leave the board; what stands on it stays."""
        ...

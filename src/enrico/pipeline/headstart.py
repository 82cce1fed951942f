"""A head start for the first call to a model, so that what it is refused for is learnt once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SECONDS = 0.3
"""An endpoint that does not take a switch says so within about that, for it has nothing to think
about; one that answers is not waited for any longer."""


class HeadStart:
    """The first who takes a turn goes alone for a moment; *needed*: unless all is known."""

    def __init__(self, *, needed: bool) -> None:
        self._begun = not needed
        self._over = asyncio.Event()
        if not needed:
            self._over.set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the first is done, or has had its moment."""
        if self._begun:
            await self._over.wait()
            yield
            return
        self._begun = True
        timer = asyncio.get_running_loop().call_later(SECONDS, self._over.set)
        try:
            yield
        finally:
            timer.cancel()
            self._over.set()

"""Fixed windows that open at the first call, the way Apollo and Serper count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from enrico.sandbox.profiles import Limits

WINDOWS: tuple[tuple[str, float], ...] = (
    ("second", 1.0),
    ("minute", 60.0),
    ("hour", 3600.0),
    ("day", 86400.0),
)


@dataclass(slots=True)
class Window:
    """One counter: how many calls since it opened, and how many it allows (None: any number)."""

    name: str
    seconds: float
    limit: int | None
    opened: float = float("-inf")
    used: int = 0

    def roll(self, now: float) -> None:
        """Open afresh when the old window has ended."""
        if now - self.opened >= self.seconds:
            self.opened = now
            self.used = 0

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


class FixedWindows:
    """All windows of one endpoint at once. Unlimited windows are counted too: usage calls tell.

    A call that is refused is not counted; that is how a client may know that it was not served.
    """

    def __init__(self, limits: Limits, time: Callable[[], float]) -> None:
        self._time = time
        self.windows = [Window(name, length, getattr(limits, name)) for name, length in WINDOWS]

    def take(self) -> Window | None:
        """Count one call; or give the exhausted window that refuses it."""
        now = self._time()
        for window in self.windows:
            # A window opens with a call that is served, not with a look at it.
            used = 0 if now - window.opened >= window.seconds else window.used
            if window.limit is not None and used >= window.limit:
                return window
        for window in self.windows:
            window.roll(now)
            window.used += 1
        return None

    def seconds_left(self, window: Window) -> int:
        """Whole seconds until the window ends, at least one: what ``retry-after`` says."""
        opened = max(window.opened, self._time() - window.seconds)
        return max(1, ceil(opened + window.seconds - self._time()))

    def usage(self, name: str) -> tuple[int | None, int]:
        """(limit, calls counted) of the window that is open now."""
        for window in self.windows:
            if window.name == name:
                over = self._time() - window.opened >= window.seconds
                return window.limit, 0 if over else window.used
        raise KeyError(name)

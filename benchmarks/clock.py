"""Clocks that do not wait: one that skips idle time, one that is virtual throughout."""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

GRACE_SECONDS = 0.001
"""How long an idle loop waits before it looks whether a thread (the database's) is at work."""
THREADS = Path("/proc/self/task")
AT_WORK = ("R", "D")
"""Running or ready to; waiting for the disk."""


class SkippingClock:
    """Real time, and on top of it all the time that was skipped because nothing was to be done.

    Processor and disk count in full; waiting for a limit or for an answer costs nothing. Needs
    both sides of every wait, client and sandbox, in one event loop.
    """

    def __init__(self, real: Callable[[], int] = time.monotonic_ns) -> None:
        self._real = real
        self._skipped = 0

    def now_ns(self) -> int:
        """Nanoseconds, as ``time.monotonic_ns``."""
        return self._real() + self._skipped

    def now(self) -> float:
        """Seconds, as ``time.monotonic``."""
        return self.now_ns() / 1e9

    def skip_to(self, then: float) -> None:
        """Make it *then* unless it is later already."""
        self._skipped += max(0, round((then - self.now()) * 1e9))

    def install(self) -> None:
        """Take the place of the process's clocks. Before anything else imports them by name."""
        time.monotonic = time.perf_counter = self.now
        time.monotonic_ns = time.perf_counter_ns = self.now_ns


def threads_at_work() -> bool:
    """Whether another thread of this process computes or waits for the disk. Linux only."""
    if threading.active_count() == 1:
        return False
    own = threading.get_native_id()
    for thread in THREADS.iterdir():
        with suppress(OSError):  # it has ended meanwhile
            state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
            if state in AT_WORK and int(thread.name) != own:
                return True
    return False


class _Skipping(selectors.DefaultSelector):
    """Skips to the next timer when neither a socket nor a thread has anything to do."""

    def __init__(self, clock: SkippingClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= GRACE_SECONDS:
            return super().select(timeout)
        due = self._clock.now() + timeout
        while True:
            ready = super().select(GRACE_SECONDS)
            if ready or self._clock.now() >= due:
                return ready
            if not threads_at_work():
                # Its last word may have come between the two looks.
                ready = super().select(0)
                if not ready:
                    self._clock.skip_to(due)
                return ready


class _Jumping(selectors.DefaultSelector):
    """Moves a loop's own clock to the next timer whenever nothing is ready."""

    now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_skipping(main: Coroutine[Any, Any, T], clock: SkippingClock) -> T:
    """Run to the end on an installed *clock*."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Skipping(clock))) as runner:
        return runner.run(main)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time, which only timers move: no threads, no sockets."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main)

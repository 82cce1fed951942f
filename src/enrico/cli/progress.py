"""Progress of a run on stderr: a line for each provider, drawn anew on a terminal."""

from __future__ import annotations

import asyncio
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from enrico.engine.money import credits_number, usd_number
from enrico.engine.stats import PROVIDERS, ProviderStats
from enrico.pipeline.run import Run

LABELS = {"serper": "search", "deepseek": "classify", "apollo": "people"}
DRAWN_EVERY = 0.25
PRINTED_EVERY = 5.0


class Progress:
    """Shows a run while it goes. Start it with the run; it stops by itself at the end."""

    def __init__(self, run: Run, *, quiet: bool) -> None:
        self._run = run
        self._quiet = quiet
        self._task: asyncio.Task[None] | None = None
        self._live: Live | None = None
        if sys.stderr.isatty():
            console = Console(stderr=True)
            self._live = Live(console=console, refresh_per_second=4)

    def __enter__(self) -> Progress:
        if not self._quiet:
            self._task = asyncio.create_task(self._show())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            self._last()

    async def _show(self) -> None:
        if self._live is None:
            while True:
                await asyncio.sleep(PRINTED_EVERY)
                self._print()
        self._live.start()
        while True:
            await asyncio.sleep(DRAWN_EVERY)
            self._live.update(self._table())

    def _last(self) -> None:
        """The final state stays on the screen."""
        if self._live is None:
            self._print()
        elif self._live.is_started:
            self._live.update(self._table())
            self._live.stop()

    def _print(self) -> None:
        for name in PROVIDERS:
            if self._run.stats.providers[name].total:
                print("  ".join(filter(None, self._cells(name))), file=sys.stderr)

    def _table(self) -> Table:
        drawn = Table.grid(padding=(0, 2))
        for _ in range(7):
            drawn.add_column()
        for name in PROVIDERS:
            drawn.add_row(*self._cells(name))
        return drawn

    def _cells(self, name: str) -> tuple[str, ...]:
        item = self._run.stats.providers[name]  # type: ignore[index]
        path = self._run.paths.get(name)
        waits = f"429s {item.rate_limited}"
        if path is not None and (parked := path.limiter.parked_for()) > 0:
            waits += f", waiting {parked:.0f} s"
        elif path is not None and path.limiter.waiting:
            waits += ", at the limit"
        spent = f"${usd_number(item.cost.usd):.4f}"
        if item.cost.credits:
            spent = f"{credits_number(item.cost.credits):g} credits  {spent}"
        return (
            f"{LABELS[name]:<9}",
            _bar(item),
            f"{item.done}/{item.total}",
            f"{item.cached} cached",
            spent,
            waits,
            _time_left(item, time.monotonic() - self._run.stats.began),
        )


def _bar(item: ProviderStats, width: int = 20) -> str:
    if not item.total:
        return "·" * width
    filled = min(width, round(width * item.done / item.total))
    return "█" * filled + "·" * (width - filled)


def _time_left(item: ProviderStats, elapsed: float) -> str:
    left = item.total - item.done
    if left <= 0:
        return ""
    if not item.done:
        return "starting"
    seconds = elapsed / item.done * left
    return f"{seconds:.0f} s left" if seconds < 120 else f"{seconds / 60:.0f} min left"

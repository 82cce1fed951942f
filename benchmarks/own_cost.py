"""What our own code costs: a run on a sandbox without limits or delays, beside a bare loop.

``python -m benchmarks.own_cost --people 20000``. The bare loop sends the very requests that ours
recorded, over the same client with as many connections, and parses the answers; it keeps nothing
and decides nothing. Ours commits intent and answer of every call, makes facts and roles of them,
and exports. Each runs in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from benchmarks.layers import Sampler
from enrico.cli import collect_rarely
from enrico.cli.demo import sandbox_process, settings_for
from enrico.client import Enrico
from enrico.engine.http import Request
from enrico.sandbox import write_sample_crm
from enrico.settings import Settings, load_settings
from enrico.store.journal import unpack_request

T = TypeVar("T")
PROFILE = "instant"
PEOPLE_PER_DEAL = 225 / 50
PROVIDERS = ("serper", "deepseek", "apollo")
MOST_TIMES_BARE = 2.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one part: CPU is user and system time of its process, all threads."""

    cpu: float
    wall: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu + other.cpu, self.wall + other.wall)


@dataclass(frozen=True, slots=True)
class OwnCost:
    """One measurement. Ratios are of run and export together to the bare loop."""

    people: int
    calls: Mapping[str, int]
    """How many calls each provider was sent; the bare loop sent as many."""
    load: Spent
    run: Spent
    export: Spent
    bare: Spent
    peak_mb: float
    """The largest that our process was, in megabytes."""
    layers: Mapping[str, float]
    """Shares of the CPU time of run and export, the largest first; empty when not asked for."""

    @property
    def cpu_ratio(self) -> float:
        """How many times the bare loop's CPU ours takes."""
        return (self.run.cpu + self.export.cpu) / self.bare.cpu

    @property
    def wall_ratio(self) -> float:
        """How many times as long as the bare loop ours takes."""
        return (self.run.wall + self.export.wall) / self.bare.wall


class _Watch:
    """CPU and wall since the last look."""

    def __init__(self) -> None:
        self._last = self._now()

    def lap(self) -> Spent:
        now, last = self._now(), self._last
        self._last = now
        return Spent(now.cpu - last.cpu, now.wall - last.wall)

    @staticmethod
    def _now() -> Spent:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Spent(used.ru_utime + used.ru_stime, time.perf_counter())


def measure(people: int, *, layers: bool = False) -> OwnCost:
    """Run both over a made-up CRM of about so many people; *layers*: look where ours goes."""
    with tempfile.TemporaryDirectory(prefix="enrico-own-cost-") as name:
        folder = Path(name)
        write_sample_crm(folder / "crm", deals=max(1, round(people / PEOPLE_PER_DEAL)))
        with sandbox_process(PROFILE) as sandbox:
            ours = _apart(_ours, folder, sandbox, layers)
            bare, calls = _apart(_bare, folder, sandbox)
    return OwnCost(calls=calls, bare=bare, **ours)


def _apart(work: Callable[..., T], *arguments: Any) -> T:
    """The result of *work* in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _settings(folder: Path, sandbox: dict[str, Any]) -> Settings:
    database = f"sqlite:///{folder / 'enrico.db'}"
    return load_settings(PROFILE, database_url=database, **settings_for(sandbox))


# -- ours ---------------------------------------------------------------------------------


def _ours(folder: Path, sandbox: dict[str, Any], layers: bool) -> dict[str, Any]:
    """Load, run and export as the command line does; returns our side of :class:`OwnCost`."""
    collect_rarely()
    sampler = Sampler()

    async def work() -> dict[str, Any]:
        async with Enrico(_settings(folder, sandbox)) as client:
            watch = _Watch()
            await client.load(folder / "crm")
            load = watch.lap()
            if layers:
                sampler.start()
            summary = await client.run()
            run = watch.lap()
            await client.export(folder / "results")
            export = watch.lap()
        if summary["status"] != "done":
            raise RuntimeError(f"the run ended as {summary['status']}: {summary['messages']}")
        return {
            "people": summary["unique_people"],
            "load": load,
            "run": run,
            "export": export,
            "peak_mb": _peak_mb(),
            "layers": sampler.stop() if layers else {},
        }

    return asyncio.run(work())


def _peak_mb() -> float:
    """The largest that this process was; getrusage counts what its parent was when it began."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


# -- bare ---------------------------------------------------------------------------------


def _bare(folder: Path, sandbox: dict[str, Any]) -> tuple[Spent, dict[str, int]]:
    """Send again what the journal holds and parse the answers: what it took, calls by provider."""
    settings = _settings(folder, sandbox)
    requests: dict[str, list[Request]] = {name: [] for name in PROVIDERS}
    with closing(sqlite3.connect(folder / "enrico.db")) as journal:
        for provider, packed in journal.execute(
            "SELECT provider, request FROM calls ORDER BY sent_at, id"
        ):
            requests[provider].append(unpack_request(packed))
    asyncio.run(_send_all(settings, {name: requests[name][:1] for name in PROVIDERS}))  # warm up
    watch = _Watch()
    asyncio.run(_send_all(settings, requests))
    return watch.lap(), {name: len(sent) for name, sent in requests.items()}


async def _send_all(settings: Settings, requests: Mapping[str, Sequence[Request]]) -> None:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for name, section in (
            ("serper", settings.serper),
            ("deepseek", settings.llm),
            ("apollo", settings.apollo),
        ):
            key = getattr(settings, f"{name}_api_key").get_secret_value()
            headers = {
                "serper": {"X-API-KEY": key},
                "deepseek": {"Authorization": f"Bearer {key}"},
                "apollo": {"x-api-key": key},
            }[name]
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    headers=headers,
                    connector=aiohttp.TCPConnector(limit=section.concurrency),
                    cookie_jar=aiohttp.DummyCookieJar(),
                )
            )
            left = iter(requests[name])
            for _ in range(section.concurrency):
                group.create_task(_send(session, section.base_url, left))


async def _send(session: aiohttp.ClientSession, base_url: str, left: Any) -> None:
    for request in left:
        async with session.request(
            request.method,
            base_url + request.path,
            params=request.query,
            data=request.body,
            headers={"Content-Type": "application/json"},
        ) as response:
            orjson.loads(await response.read())


# -- words --------------------------------------------------------------------------------


def table(cost: OwnCost) -> str:
    """The measurement in lines."""
    calls = sum(cost.calls.values())
    by_provider = ", ".join(f"{name} {count}" for name, count in cost.calls.items())
    lines = [
        f"{cost.people} people, {calls} calls ({by_provider}), profile {PROFILE}",
        f"{'':22}{'CPU s':>8}{'wall s':>8}{'CPU ms a call':>15}",
    ]
    for name, spent in (
        ("ours: load (not compared)", cost.load),
        ("ours: run", cost.run),
        ("ours: export", cost.export),
        ("ours: run and export", cost.run + cost.export),
        ("bare loop", cost.bare),
    ):
        each = 1000 * spent.cpu / calls
        lines.append(f"{name:26}{spent.cpu:>8.2f}{spent.wall:>8.2f}{each:>11.2f}")
    lines += [
        f"ours is {cost.cpu_ratio:.2f} times bare in CPU, {cost.wall_ratio:.2f} times in wall",
        f"our peak memory: {cost.peak_mb:.0f} MB",
        *(f"{share:6.1%} {name}" for name, share in cost.layers.items()),
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when ours is within the bound, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own_cost", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--layers", action="store_true", help="show where our CPU time goes")
    options = parser.parse_args(argv)
    cost = measure(options.people, layers=options.layers)
    print(table(cost))
    return int(max(cost.cpu_ratio, cost.wall_ratio) > MOST_TIMES_BARE)


if __name__ == "__main__":
    sys.exit(main())

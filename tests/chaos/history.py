"""One history: a small CRM enriched through faults, crashes and clock jumps, and judged."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from enrico.engine.budget import Caps
from enrico.engine.http import Request
from enrico.errors import EnricoError
from enrico.holding import settle_held
from enrico.pipeline.context import RunOptions
from enrico.pipeline.run import Run
from enrico.settings import Settings, load_settings
from enrico.store.crm import save_records
from enrico.store.database import Database, open_database
from enrico.store.journal import Journal
from tests.chaos.books import FACTS, Audit, Outside, audit, difference, paid_twice
from tests.chaos.emulator import Emulator, Exchange
from tests.chaos.faults import Weather
from tests.chaos.small_world import make_world
from tests.chaos.virtual import CLOCK, Hung, run_virtually, virtual_world

WORLDS = 60
PROCESSES = 4
"""How many processes of the client meet faults before the weather clears."""
CALM_RUNS = 8
ENDLESS = 30 * 86_400.0


@dataclass
class Told:
    """What a history came to."""

    seed: int
    broken: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    faults: set[tuple[str, str]] = field(default_factory=set)


@lru_cache(maxsize=8)
def settings_for(policy: str, batch: int, known: bool, rate: int) -> Settings:
    """Few workers, so that queues form; limits as the emulator's, *rate* a second, or unknown."""
    limits = {"limits": f"{rate}/s, 60/min"} if known else {}
    return load_settings(
        apollo_api_key="a",
        serper_api_key="s",
        deepseek_api_key="d",
        apollo_base_url="http://apollo",
        serper_base_url="http://serper",
        deepseek_base_url="http://deepseek",
        log_level="error",
        apollo={
            "concurrency": 3, "batch_size": batch, "unknown_outcome": policy,
            "timeout_seconds": 20, **limits,
        },
        serper={"concurrency": 3, **({"limits": f"{rate}/s"} if known else {})},
        llm={"concurrency": 4, "timeout_seconds": 40},
        max_wait_seconds=90,
    )  # fmt: skip


def nothing() -> None:
    """There is nothing to stop."""


class Stage:
    """The folder of the databases, with a loaded one and the right facts for every world."""

    _right: ClassVar[dict[int, dict[str, Any]]] = {}  # the same in any folder

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def loaded(self, number: int) -> Path:
        """A database with the CRM of that world; nothing is bought."""
        path = self.folder / f"world{number}.db"
        if not path.exists():
            with virtual_world(object, random.Random()):
                run_virtually(self._load(path, number))
        return path

    async def _load(self, path: Path, number: int) -> None:
        world = make_world(number)
        db = await open_database(f"sqlite:///{path}")
        await save_records(
            db,
            "l1",
            account_records=world.accounts,
            contact_records=world.contacts,
            deal_records=world.deals,
            seat_records=world.seats,
        )
        await db.close()

    def right(self, number: int) -> dict[str, Any]:
        """What an undisturbed run makes of that world."""
        if number not in self._right:
            calm = History(self, number, calm=True)
            told = calm.play()
            assert not told.broken, told.broken
            self._right[number] = calm.facts
        return self._right[number]


class History:
    """Plays one seed."""

    tables = (*FACTS, "scores")
    """What is compared with an undisturbed run."""
    store: Any = Database
    processes = PROCESSES

    def __init__(self, stage: Stage, seed: int, *, calm: bool = False) -> None:
        self.stage = stage
        self.world_number = seed % WORLDS
        self.draw = draw = random.Random(f"history {seed}")
        self.told = Told(seed)
        self.calm = calm
        self.weather = Weather(draw.getrandbits(32), calm=calm)
        self.policy = draw.choice(("reconcile", "reconcile", "hold", "retry"))
        self.known = calm or draw.random() < 0.7
        rate = draw.choice((2, 5))
        self.settings = settings_for(self.policy, draw.choice((2, 3, 10)), self.known, rate)
        self.world = make_world(self.world_number)
        self.emulator = Emulator(self.world, self.weather, self._intent, self._watch)
        for name, windows in (("apollo", ((rate, 1.0), (60, 60.0))), ("serper", ((rate, 1.0),))):
            self.emulator.vendors[name].windows = windows
        self.path = stage.folder / "now.db"
        self.facts: dict[str, Any] = {}
        self.jumped = False
        self._ticks = 0
        self._accidents: dict[int, str] = {}
        self._crash: asyncio.Future[None] | None = None
        self.stop_now = nothing
        self._caps: dict[str, Caps] = {}
        self._intended: dict[int, str] = {}
        self._charged: dict[str, Counter[str]] = {}

    def play(self) -> Told:
        """From the loaded CRM to the verdict."""
        CLOCK.reset()
        template = self.stage.loaded(self.world_number)
        right = {} if self.calm else self.stage.right(self.world_number)
        CLOCK.reset()
        CLOCK.until = CLOCK.now + ENDLESS
        self._clear()
        shutil.copyfile(template, self.path)
        self.outside = Outside(self.path)
        with ExitStack() as stack:
            stack.enter_context(virtual_world(self.emulator.http(), self.draw))
            stack.enter_context(patch.object(self.store, "write", self._watched_write()))
            stack.enter_context(patch.object(Journal, "intend", self._watched_intend()))
            try:
                self._live()
            except Hung as error:
                self._broken(f"it hangs: {error}")
        if not self.calm and not self.told.broken:
            ours = {table: self.facts[table] for table in self.tables if table in self.facts}
            for line in difference(ours, right):
                self._broken(f"other facts than undisturbed: {line}")
        self.outside.close()
        return self.told

    def _live(self) -> None:
        """Foul weather with crashes, then calm until all is settled."""
        if not self.calm:
            for _ in range(self.draw.randint(1, self.processes)):
                self._plan_accidents()
                self._process(self._some_caps())
                CLOCK.now += self.draw.choice((0.0, 0.3, 4.0, 200.0))
        self._accidents.clear()
        self.weather.calm = True
        status = ""
        for _ in range(CALM_RUNS):
            status = self._process(Caps())
            if status in ("done", "held"):
                break
            CLOCK.now += 100.0
        else:
            self._broken(f"no end without faults: {status}")
        self.emulator.advance()
        self._judge()
        if status == "held":
            self._note("the user has held calls sent again")
            run_virtually(self._settle())
            if (status := self._process(Caps())) != "done":
                self._broken(f"{status} after held calls were settled")
        scores = not self.jumped and self.outside.days_of_search() <= {"2026-11-20"}
        self.facts = self.outside.facts(scores=self.calm or scores)

    # -- processes of the client ----------------------------------------------------------

    def _process(self, caps: Caps) -> str:
        """One process, until it ends or crashes. Returns how it ended."""
        self._note(f"a process begins, caps {caps}")
        self.emulator.restart()
        status = run_virtually(self._run(caps))
        self._note(f"it ends: {status}")
        return status

    async def _run(self, caps: Caps) -> str:
        self._crash = asyncio.get_running_loop().create_future()
        db = await self._open()
        try:
            run = Run(db, self.settings, RunOptions(caps=caps))
            self._caps[run.run_id] = caps
            work = asyncio.ensure_future(self._work(run, db))
            await asyncio.wait({work, self._crash}, return_when=asyncio.FIRST_COMPLETED)
            if self._crash.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return "crashed"
            try:
                return work.result()
            except EnricoError as error:
                return f"{type(error).__name__}: {error}"
        finally:
            self.stop_now = nothing
            await db.close()
            if self._crash.done():
                self._boot_again()

    async def _work(self, run: Run, db: Database) -> str:
        """What the process does; returns how it ended."""
        self.stop_now = run.stop
        return str((await run.execute())["status"])

    async def _open(self) -> Database:
        return await open_database(f"sqlite:///{self.path}")

    async def _settle(self) -> None:
        db = await self._open()
        await settle_held(db, "retry", [], everything=True)
        await db.close()

    # -- what happens to them -------------------------------------------------------------

    def _plan_accidents(self) -> None:
        draw, kinds = self.draw, ("crash", "crash", "jump", "jump", "stop")
        self._ticks = 0
        self._accidents = {
            draw.choice((draw.randint(1, 12), draw.randint(1, 80))): draw.choice(kinds)
            for _ in range(draw.choice((0, 1, 1, 2)))
        }

    def _some_caps(self) -> Caps:
        draw = self.draw
        if draw.random() < 0.7:
            return Caps()
        return Caps(
            credits=draw.choice((None, draw.randint(0, 12) * 10**6)),
            usd=draw.choice((None, draw.randint(0, 300) * 10**6)),
            provider_credits=draw.choice(({}, {"apollo": draw.randint(1, 8) * 10**6})),
        )

    def _tick(self, what: str) -> None:
        """An instant at which an accident may happen."""
        self._note(what)
        self._ticks += 1
        accident = self._accidents.pop(self._ticks, "")
        if accident == "crash" and self._crash is not None and not self._crash.done():
            self._note("CRASH")
            self._keep_disk()
            self.emulator.crash()
            self._crash.set_result(None)
        elif accident == "jump":
            CLOCK.shift += self.draw.choice((-86_400.0, -3_600.0, 3_600.0, 86_400.0))
            self.jumped = True
            self._note(f"the clock jumps to {CLOCK.wall()}")
        elif accident == "stop":
            self._note("the user stops it")
            self.stop_now()

    def _keep_disk(self) -> None:
        """The files as they are at this instant: what is committed, and no more."""
        for ending in ("", "-wal"):
            source = self.path.with_name(self.path.name + ending)
            kept = source.with_name(f"kept{ending}")
            kept.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, kept)

    def _boot_again(self) -> None:
        self.outside.close()
        self._clear()
        for ending in ("", "-wal"):
            kept = self.path.with_name(f"kept{ending}")
            if kept.exists():
                kept.rename(self.path.with_name(self.path.name + ending))
        self.outside = Outside(self.path)

    def _clear(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def _watched_intend(self) -> Any:
        intend, history = Journal.intend, self

        async def watched(journal: Journal, call_id: str, **row: Any) -> None:
            # Two calls may be equal but for the account that they are about.
            history._intended[id(row["request"])] = call_id
            await intend(journal, call_id, **row)

        return watched

    def _watched_write(self) -> Any:
        write, history = self.store.write, self

        async def watched(db: Any, *operations: Any) -> None:
            await write(db, *operations)
            if not history.emulator.dead:
                history._tick("a commit")

        return watched

    # -- watching -------------------------------------------------------------------------

    def _intent(self, provider: str, request: Request) -> tuple[str, str]:
        """The call that is about to leave, as the journal on disk has it."""
        call_id = self._intended.get(id(request), "")
        found = self.outside.intent(call_id, request)
        if found is None:
            self._broken(f"{provider}: a call leaves without a committed intent")
            return call_id, ""
        run_id, items = found
        if known := self.outside.known(provider, items):
            self._broken(f"{provider}: asks for {len(known)} that are known or held")
        return call_id, run_id

    def _watch(self, what: str, exchange: Exchange | None) -> None:
        assert exchange is not None
        self.told.faults.add((exchange.provider, exchange.fault.kind))
        if what == "charges":
            self._count_against_caps(exchange)
        if not self.emulator.dead:
            about = f"{exchange.provider} {len(exchange.asked)} {exchange.fault.kind}"
            self._tick(f"{what} {about} {exchange.call_id}")

    def _count_against_caps(self, exchange: Exchange) -> None:
        spent = self._charged.setdefault(exchange.run_id, Counter())
        if exchange.provider == "deepseek":
            spent["usd"] += exchange.paid
        else:
            spent["credits"] += exchange.paid
            spent[exchange.provider] += exchange.paid
            spent["usd"] += exchange.paid * {"apollo": 25, "serper": 1}[exchange.provider]
        caps = self._caps.get(exchange.run_id, Caps())
        most = {"credits": caps.credits, "usd": caps.usd, **caps.provider_credits}
        for what, cap in most.items():
            if cap is not None and spent[what] > cap:
                self._broken(f"over the cap: {spent[what]} of {cap} {what}")

    def _judge(self) -> None:
        exchanges = self.emulator.exchanges
        found: Audit = audit(self.outside, exchanges, policy=self.policy)
        for line in found.wrong:
            self._broken(line)
        if self.policy != "retry":
            for line in paid_twice(exchanges):
                self._broken(line)
        walls = sum(vendor.walls for vendor in self.emulator.vendors.values())
        if walls and self.known and not self.jumped and not self.weather.storms_ever:
            self._broken(f"{walls} walls of limits that were known")
        self.told.counts = {
            "calls": len(exchanges),
            "micro_credits": found.credits,
            "micro_credits_in_doubt": found.in_doubt,
            "walls": walls,
        }

    def _note(self, line: str) -> None:
        if len(self.told.trace) < 5_000:
            self.told.trace.append(f"{CLOCK.now - 1_000:9.3f}  {line}")

    def _broken(self, line: str) -> None:
        self._note(f"BROKEN {line}")
        self.told.broken.append(line)

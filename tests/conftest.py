"""Shared by all tests that run the whole job: a sandbox, a sample CRM, results to compare.

The sandbox lives in the test's own event loop, so its books can be read at any moment. The clocks
of the sandbox and of our journal start at noon, so that "21 hours ago" means one and the same day
however often and whenever the tests are run.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

import enrico.store.journal as journal_module
from enrico import Enrico
from enrico.sandbox import DEFAULT_KEYS, RunningSandbox, SandboxConfig, start, write_sample_crm
from enrico.settings import Settings, load_settings
from tests.postgres import Server, ask, named
from tests.stores import MemoryStores, PostgresStores, SqliteStores, Stores

Tables = dict[str, list[dict[str, Any]]]
RESULT_TABLES = ("deal_contacts", "accounts", "signals", "deals")
STARTED = datetime.now(UTC)
NOON = STARTED.replace(hour=12, minute=0, second=0, microsecond=0)

GIVEN_SERVER = os.environ.get("ENRICO_TEST_DATABASE_URL")
HUNG_SECONDS = 30.0
"""A run that takes longer hangs."""

# When and by which call something came is not what came. How an account's classification shares
# its call's price depends on who was asked about together.
VARYING = {
    "deal_contacts": {"fetched_at"},
    "accounts": {"searched_at", "cost_usd"},
    "signals": {"fetched_at", "search_call", "classification_call"},
    "deals": {"cost_usd"},
}


# A day's beginning, a quarter of an hour, a change of clocks: each process tests in a zone of its
# own, and tests go to processes by chance. As rules, for a machine may know no zones by name.
ZONES = ("UTC0", "LINT-14", "NPT-5:45", "NST3:30NDT,M3.2.0,M11.1.0")


def pytest_configure(config: pytest.Config) -> None:
    """Set the time zone of this process and of all that it starts."""
    if "TZ" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
        number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        os.environ["TZ"] = ZONES[number % len(ZONES)]
    time.tzset()


def pytest_report_header() -> str:
    """A single process takes the zone that TZ says."""
    return f"time zone: {os.environ['TZ']}; several processes: {', '.join(ZONES)}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a minute or more are spread, so that each of four processes begins with one."""
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    for place, item in enumerate(long):
        rest.insert(place * len(rest) // max(4, len(long)), item)
    items[:] = rest


class NoonClock(datetime):
    """The time as the journal sees it: it runs on from noon of the day the tests began."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return NOON + (datetime.now(tz) - STARTED)


def comparable(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Tables:
    """The result tables without times of fetching, call ids and shared prices."""
    return {
        name: [
            {column: value for column, value in row.items() if column not in VARYING[name]}
            for row in tables[name]
        ]
        for name in RESULT_TABLES
    }


async def result_tables(client: Enrico) -> Tables:
    """The four result tables of everything in the database, ready to be compared."""
    return comparable({name: await client.rows(name) for name in RESULT_TABLES})


@dataclass(frozen=True)
class Outcome:
    """What a run said and what is in the database after it."""

    summary: dict[str, Any]
    tables: Tables

    def provider(self, name: str) -> dict[str, Any]:
        """One provider's part of the summary."""
        part: dict[str, Any] = self.summary["providers"][name]
        return part


class Bench:
    """Makes sandboxes and clients for one test, and runs the job."""

    offset = NOON - STARTED
    """How far the tests' noon is from the real time."""

    def __init__(
        self,
        folder: Path,
        crm: Callable[[int], Path],
        stores: Stores,
        stack: AsyncExitStack,
    ) -> None:
        self.folder = folder
        self.crm = crm
        self.stores = stores
        self._stack = stack

    async def sandbox(self, *faults: dict[str, Any], **switches: Any) -> RunningSandbox:
        """A sandbox with these faults; it stops with the test."""
        config = SandboxConfig(faults=faults, **{"now": NOON, **switches})
        return await self._stack.enter_async_context(await start(config))

    def database(self, name: str = "enrico") -> str:
        """The URL of the database of that name."""
        return self.stores.url(name)

    def settings(
        self, sandbox: RunningSandbox, database: str = "enrico", **overrides: Any
    ) -> Settings:
        """Settings that point at *sandbox*, with limits so wide that none is ever met."""
        given: dict[str, Any] = {
            "database_url": self.database(database),
            "apollo_base_url": sandbox.apollo_url,
            "log_level": "error",
            "serper_base_url": sandbox.serper_url,
            "deepseek_base_url": sandbox.llm_url,
            **{f"{name}_api_key": key for name, key in DEFAULT_KEYS.items()},
            **overrides,
        }
        given["apollo"] = {"limits": "1000/s", "settle_seconds": 0, **given.get("apollo", {})}
        given["serper"] = {"limits": "1000/s", **given.get("serper", {})}
        return load_settings(**given)

    def open(self, sandbox: RunningSandbox, database: str = "enrico", **overrides: Any) -> Enrico:
        """A client; use it as ``async with``."""
        return Enrico(self.settings(sandbox, database, **overrides))

    async def run(
        self,
        sandbox: RunningSandbox,
        database: str = "enrico",
        *,
        deals: int = 50,
        paths: Sequence[Path] = (),
        options: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> Outcome:
        """Load the sample export (or *paths*), run once, and read the results."""
        self.load(database, deals=0 if paths else deals)
        async with (
            asyncio.timeout(HUNG_SECONDS),
            self.open(sandbox, database, **overrides) as client,
        ):
            if paths:
                await client.load(*paths)
            summary = await client.run(**(options or {}))
            return Outcome(summary, await result_tables(client))

    async def results(self, sandbox: RunningSandbox, database: str = "enrico") -> Tables:
        """The result tables of a database that some process has filled."""
        async with self.open(sandbox, database) as client:
            return await result_tables(client)

    def load(self, database: str = "enrico", *, deals: int = 50) -> None:
        """Put the sample export into a new database; one that is there stays as it is."""
        if deals:
            self.stores.load(database, deals)

    def query(self, sql: str, *values: Any, database: str = "enrico") -> list[tuple[Any, ...]]:
        """Rows of the database, read from outside."""
        return self.stores.query(database, sql, *values)

    def change(self, sql: str, *values: Any, database: str = "enrico") -> None:
        """Change the database from outside."""
        self.stores.execute(database, sql, *values)


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of the machine: no enrico.toml, no keys in the environment.

    And no log that an earlier test set up: the stderr that it was given is closed.
    """
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("ENRICO_", "APOLLO_", "SERPER_", "DEEPSEEK_", "OTEL_")):
            monkeypatch.delenv(name)
    yield
    structlog.reset_defaults()


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our journal's clock starts at noon."""
    monkeypatch.setattr(journal_module, "datetime", NoonClock)


@pytest.fixture(scope="session")
def sample_crm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The folder of a made-up export with that many deals; each made once a session."""
    made: dict[int, Path] = {}

    def folder(deals: int = 50) -> Path:
        if deals not in made:
            made[deals] = tmp_path_factory.mktemp(f"crm{deals}")
            write_sample_crm(made[deals], deals=deals)
        return made[deals]

    return folder


@pytest.fixture(scope="session")
def loaded_crm(
    tmp_path_factory: pytest.TempPathFactory, sample_crm: Callable[[int], Path]
) -> Callable[[int], Path]:
    """A database with the sample export of that many deals, to be copied; nothing is bought yet."""
    made: dict[int, Path] = {}

    async def load(path: Path, deals: int) -> None:
        async with Enrico(database_url=f"sqlite:///{path}") as client:
            await client.load(sample_crm(deals))

    def database(deals: int) -> Path:
        if deals not in made:
            path = tmp_path_factory.mktemp(f"loaded{deals}") / "enrico.db"
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, load(path, deals)).result()
            made[deals] = path
        return made[deals]

    return database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL server: one that is named, or one of our own."""
    if GIVEN_SERVER:
        yield GIVEN_SERVER
        return
    server = Server()
    yield server.url
    server.remove()


@pytest.fixture(scope="session")
def loaded_on_postgres(
    postgres: str, sample_crm: Callable[[int], Path]
) -> Iterator[Callable[[int], str]]:
    """The name of a database with the sample export of that many deals, to be copied."""
    made: dict[int, str] = {}

    async def load(name: str, deals: int) -> None:
        await ask(postgres, f'CREATE DATABASE "{name}" TEMPLATE template0')
        async with Enrico(database_url=named(postgres, name)) as client:
            await client.load(sample_crm(deals))

    def database(deals: int) -> str:
        if deals not in made:
            name = f"enrico_{os.getpid()}_loaded{deals}"
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, load(name, deals)).result()
            made[deals] = name
        return made[deals]

    yield database
    for name in made.values():
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, ask(postgres, f'DROP DATABASE "{name}"')).result()


EVERY = pytest.mark.parametrize("backend", ["sqlite", "postgresql", "memory"], indirect=True)
"""For tests that hold on any store, and look at it from inside only."""
BOTH = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
"""For tests and modules of tests that hold on either database."""


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; see BOTH."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def postgres_stores(
    postgres: str, loaded_on_postgres: Callable[[int], str]
) -> Iterator[PostgresStores]:
    """Databases of one test on a real PostgreSQL."""
    test = f"enrico_{os.getpid()}_{secrets.token_hex(4)}"
    found = PostgresStores(postgres, test, loaded_on_postgres)
    yield found
    found.drop()


@pytest.fixture
def stores(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Stores:
    """The databases of one test."""
    if backend == "memory":
        return MemoryStores()
    if backend == "sqlite":
        return SqliteStores(tmp_path, request.getfixturevalue("loaded_crm"))
    found: Stores = request.getfixturevalue("postgres_stores")
    return found


@pytest.fixture
async def bench(
    tmp_path: Path,
    sample_crm: Callable[[int], Path],
    stores: Stores,
    noon: None,
) -> AsyncIterator[Bench]:
    """Sandboxes and clients of one test."""
    async with AsyncExitStack() as stack:
        yield Bench(tmp_path, sample_crm, stores, stack)


@pytest.fixture(scope="session")
def run_undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
    sample_crm: Callable[[int], Path],
    loaded_crm: Callable[[int], Path],
) -> Callable[[int], Outcome]:
    """Runs so many deals with providers in the best of health."""

    async def work(deals: int) -> Outcome:
        async with AsyncExitStack() as stack:
            folder = tmp_path_factory.mktemp("undisturbed")
            bench = Bench(folder, sample_crm, SqliteStores(folder, loaded_crm), stack)
            return await bench.run(await bench.sandbox(), deals=deals)

    def run(deals: int) -> Outcome:
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
            patch.setattr(journal_module, "datetime", NoonClock)
            return thread.submit(asyncio.run, work(deals)).result()

    return run


@pytest.fixture(scope="session")
def undisturbed(run_undisturbed: Callable[[int], Outcome]) -> Outcome:
    """What every disturbed run of the 50 deals must come to."""
    outcome = run_undisturbed(50)
    assert {name: len(rows) for name, rows in outcome.tables.items()} == {
        "deal_contacts": 503, "accounts": 32, "signals": 68, "deals": 50,
    }  # fmt: skip
    return outcome


@pytest.fixture(scope="session")
def small(run_undisturbed: Callable[[int], Outcome]) -> Outcome:
    """What every disturbed run of the 10 deals must come to: 6 searches, 5 bulk calls."""
    outcome = run_undisturbed(10)
    assert outcome.provider("serper")["calls"] == 6
    assert outcome.provider("apollo")["calls"] == 5
    return outcome

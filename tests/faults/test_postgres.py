"""The server goes away, comes back, or cuts connections off: nothing is lost or written twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from sqlalchemy import func, insert, select

from enrico.errors import StoreError
from enrico.store import postgres
from enrico.store import session_lock as store
from enrico.store.database import open_database
from enrico.store.sql import compiled
from enrico.store.tables import run_events, work
from tests.conftest import Bench
from tests.postgres import Server, ask
from tests.stores import PostgresStores

SLOW = {"provider": "*", "kind": "slow", "seconds": 0.03}
END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name LIKE 'enrico%' AND datname = current_database()"
)
EVENT = insert(run_events)


@pytest.fixture
def backend() -> str:
    return "postgresql"


@asynccontextmanager
async def meanwhile(work):
    """Does *work* again and again in the background."""

    async def go() -> None:
        while True:
            await work()

    task = asyncio.create_task(go())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def charged_once(sandbox, outcome) -> None:
    """The provider's books say what ours say, and that nobody was paid twice."""
    books = sandbox.stats()["apollo"]
    assert books["credits"] == outcome.provider("apollo")["credits"]
    assert outcome.provider("apollo")["held"] == 0


@pytest.fixture
def restartable() -> Iterator[Server]:
    server = Server()
    yield server
    server.remove()


async def test_a_server_that_crashes_and_comes_back_costs_nothing(
    tmp_path, sample_crm, small, noon, restartable, bench
):
    sandbox = await bench.sandbox(SLOW)
    stores = PostgresStores(restartable.url, "restarts", lambda _: "template0")
    theirs = Bench(tmp_path, sample_crm, stores, bench._stack)
    async with theirs.open(sandbox) as client:
        await client.load(sample_crm(10))
    crashes = 0

    async def crash() -> None:
        nonlocal crashes
        await asyncio.sleep(0.1)
        await asyncio.to_thread(restartable.stop, at_once=True)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(restartable.start)
        crashes += 1
        if crashes == 3:
            await asyncio.Event().wait()

    async with meanwhile(crash):
        outcome = await theirs.run(sandbox, deals=0)

    assert crashes == 3
    assert outcome.tables == small.tables
    charged_once(sandbox, outcome)


@pytest.mark.parametrize("seed", range(3))
async def test_connections_that_are_cut_off_at_random_cost_nothing(bench, small, seed):
    sandbox = await bench.sandbox(SLOW)
    bench.load(deals=10)
    chance = random.Random(seed)
    ended = 0
    started = asyncio.Event()

    async def end_all() -> None:
        nonlocal ended
        await started.wait()
        await asyncio.sleep(chance.uniform(0.01, 0.1))
        if ended < 60:  # every question fails that takes longer than the time between two
            ended += len(await ask(bench.database(), END_ALL))

    async with meanwhile(end_all):
        options = {"on_start": lambda _: started.set()}
        outcome = await bench.run(sandbox, deals=10, options=options)

    assert ended >= 5
    assert outcome.tables == small.tables
    charged_once(sandbox, outcome)


@pytest.mark.parametrize("before", [True, False])
async def test_a_commit_whose_end_nobody_heard_takes_place_once(stores, monkeypatch, before):
    commit = asyncpg.transaction.Transaction._Transaction__commit
    db = await open_database(stores.url("enrico"))
    cut = []

    async def cut_off(self) -> None:
        if cut:
            await commit(self)
            return
        cut.append(self)
        if not before:
            await commit(self)
        self._connection.terminate()
        raise ConnectionResetError("cut off")

    monkeypatch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", cut_off)
    row = {"run_id": "r1", "n": 1, "at": "", "provider": "", "kind": "", "seconds": 0, "detail": ""}
    await db.write((EVENT, [row]))  # the same key twice would be refused

    assert cut
    assert (await db.rows(select(func.count()).select_from(run_events)))[0][0] == 1
    await db.close()


async def test_a_commit_lost_in_a_crash_is_not_taken_for_somebody_elses(
    restartable, tmp_path, monkeypatch
):
    stores = PostgresStores(restartable.url, "reused", lambda _: "template0")
    db = await open_database(stores.url("enrico"))
    commit = asyncpg.transaction.Transaction._Transaction__commit
    crashed = []

    async def crash(self) -> None:
        if not crashed:
            crashed.append(self)
            await asyncio.to_thread(restartable.stop, at_once=True)
            await asyncio.to_thread(restartable.start)
            for n in range(20):  # the server gives out the lost transaction's number again
                await ask(stores.url("enrico"), f"CREATE TABLE others_{n} (x int)")
            raise ConnectionResetError("the server crashed")
        await commit(self)

    monkeypatch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", crash)
    row = {"run_id": "r1", "n": 1, "at": "", "provider": "", "kind": "", "seconds": 0, "detail": ""}
    await db.write((EVENT, [row]))

    assert (await db.rows(select(func.count()).select_from(run_events)))[0][0] == 1
    await db.close()


async def test_a_process_that_stands_still_in_a_commit_is_cut_off(stores, monkeypatch):
    ours, theirs = await open_database(stores.url("a")), await open_database(stores.url("a"))
    first, second = ours.lock(), theirs.lock()
    assert await first.try_to_acquire()
    commit = asyncpg.transaction.Transaction._Transaction__commit
    stands, goes_on = asyncio.Event(), asyncio.Event()

    async def stand_still(self) -> None:
        if self._connection is ours.backend._connection and not goes_on.is_set():
            stands.set()
            await goes_on.wait()
        await commit(self)

    monkeypatch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", stand_still)
    monkeypatch.setattr(store, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(store, "STUCK_SECONDS", 0.5)
    first._keeper.cancel()  # not a sign of life any more
    row = {"run_id": "r1", "n": 1, "at": "", "provider": "", "kind": "", "seconds": 0, "detail": ""}
    late = asyncio.create_task(ours.write((EVENT, [row])))
    await stands.wait()

    async with asyncio.timeout(10):
        while not await second.try_to_acquire():
            await asyncio.sleep(0.1)
    goes_on.set()
    with pytest.raises(StoreError, match="taken over"):
        await late

    assert (await theirs.rows(select(func.count()).select_from(run_events)))[0][0] == 0
    await second.release()
    await theirs.close()
    await ours.close()


async def test_who_lost_its_connection_keeps_the_lock_and_the_other_one_waits(stores):
    ours, theirs = await open_database(stores.url("a")), await open_database(stores.url("a"))
    first, second = ours.lock(), theirs.lock()
    assert await first.try_to_acquire()

    for _ in range(20):
        await ask(stores.url("a"), END_ALL)
        assert not await second.try_to_acquire()
    await ours.write((insert(work), [{"run_id": "r", "kind": "search", "n": 1, "key": "k"}]))

    assert not await second.try_to_acquire()
    await first.release()
    assert await second.try_to_acquire()
    await second.release()
    await ours.close()
    await theirs.close()


@pytest.mark.parametrize("done", [False, True], ids=["at work", "done already"])
async def test_who_was_silent_too_long_is_taken_over_and_writes_nothing_more(
    stores, monkeypatch, done
):
    monkeypatch.setattr(store, "SILENCE_SECONDS", 0.2)
    ours, theirs = await open_database(stores.url("a")), await open_database(stores.url("a"))
    first, second = ours.lock(), theirs.lock()
    assert await first.try_to_acquire()
    connect = ours.backend.connect
    online = asyncio.Event()

    async def offline():
        await online.wait()
        return await connect()

    monkeypatch.setattr(ours.backend, "connect", offline)
    first._connection.terminate()
    while not await second.try_to_acquire():
        await asyncio.sleep(0.05)
    if done:
        await second.release()
    online.set()

    with pytest.raises(StoreError, match="taken over"):
        await ours.write((insert(work), [{"run_id": "r", "kind": "search", "n": 1, "key": "k"}]))
    assert await theirs.rows(select(work)) == []
    await first.release()
    again = ours.lock()
    assert await again.try_to_acquire() == done
    for lock in (second, again):
        await lock.release()
    await ours.close()
    await theirs.close()


@asynccontextmanager
async def spending(stores):
    """(database, slot) of a worker that has begun a piece of work."""
    db = await open_database(stores.url("a"))
    slot, _ = await store.take_slot(db.backend)
    assert await slot.begin(asyncio.Event())
    yield db, slot
    await slot.release()
    await db.close()


async def test_a_worker_that_ends_a_piece_while_it_begins_the_next_spends_on(stores):
    async with spending(stores) as (db, slot):
        begins = asyncio.create_task(slot.begin(asyncio.Event()))
        await asyncio.sleep(0)  # it is the first to wait for the connection
        await asyncio.gather(begins, slot.end())

        await db.write((insert(work), [{"run_id": "r", "kind": "search", "n": 1, "key": "k"}]))

        assert ("run:worker 1",) in stores.query("a", "SELECT work FROM holders")
        await slot.end()
        assert ("run:worker 1",) not in stores.query("a", "SELECT work FROM holders")


async def test_a_worker_that_ends_a_piece_in_the_middle_of_a_commit_is_not_taken_for_dead(stores):
    async with spending(stores) as (db, slot):
        asked = 0

        class Ends:
            """A connection on which a worker asks whether it is still there."""

            async def fetchval(self, query, name):
                nonlocal asked
                asked += 1
                if asked == 2:
                    await slot.end()
                async with store.asking(db.backend) as connection:
                    return await connection.fetchval(query, name)

        await slot.fence(Ends())

        assert asked == 2


async def test_who_holds_the_lock_and_is_stuck_is_cut_off_and_comes_too_late(stores, monkeypatch):
    monkeypatch.setattr(store, "STUCK_SECONDS", 0.5)
    ours, theirs = await open_database(stores.url("a")), await open_database(stores.url("a"))
    first, second = ours.lock(), theirs.lock()
    assert await first.try_to_acquire()
    first._keeper.cancel()  # as in a process that was stopped, which keeps its connections

    async with asyncio.timeout(20):
        while not await second.try_to_acquire():
            await asyncio.sleep(0.05)

    with pytest.raises(StoreError, match="taken over"):
        await ours.write((insert(work), [{"run_id": "r", "kind": "search", "n": 1, "key": "k"}]))
    assert await theirs.rows(select(work)) == []
    await first.release()
    assert not await ours.lock().try_to_acquire()
    await second.release()
    await ours.close()
    await theirs.close()


async def test_what_postgresql_cannot_keep_of_a_text_is_left_out_and_the_rest_kept(stores):
    db = await open_database(stores.url("enrico"))
    await db.write((insert(work), [{"run_id": "r", "kind": "search", "n": 1, "key": "a\x00b"}]))

    assert [row.key for row in await db.rows(select(work))] == ["ab"]
    await db.close()


async def test_no_password_is_told(postgres):
    url = "postgresql://enrico:canary-word@127.0.0.1:1/crm?sslmode=prefer&channel_binding=prefer"
    with pytest.raises(StoreError) as caught:
        await open_database(url)

    assert "cannot be reached" in str(caught.value)
    assert "The database crm at 127.0.0.1" in str(caught.value)
    assert "canary" not in repr(caught.value) + str(caught.value)


def test_the_statements_values_have_places():
    made = compiled(EVENT, postgres._DIALECT, ("run_id", "n"))

    assert made.places == ("run_id", "n")


async def test_a_table_that_grows_is_counted_before_the_server_would(stores):
    db = await open_database(stores.url("enrico"))
    for first in range(0, 3_000, 500):
        rows = [
            {"run_id": "r", "kind": "search", "n": n, "key": "k"} for n in range(first, first + 500)
        ]
        await db.write((insert(work), rows))
    await db.close()

    counted = stores.query("enrico", "SELECT reltuples FROM pg_class WHERE relname = 'work'")
    assert counted[0][0] >= 1_500

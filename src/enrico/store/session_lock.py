"""Who may do what over a PostgreSQL database: locks that live as long as their process is heard of.

A lock is an advisory lock, which the server frees when the process dies, and a row that says who
holds it and when he was last heard of. The row also fences: each commit of a holder looks at it,
so that who was taken over, because he stood still or was cut off, never writes after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from enrico.errors import StoreError

if TYPE_CHECKING:
    from enrico.store.postgres import Postgres

log = structlog.get_logger("enrico.lock")

PATIENCE_SECONDS = 60.0
"""How long a server may be away before a run gives up."""
RETRY_SECONDS = 0.25
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 3.0
"""Whose lock is free and who was not heard of for so long is dead."""
STUCK_SECONDS = 20.0
"""Who holds a lock, or stands in a commit, and was not heard of for so long is cut off."""
LOCKS = 0x656E7263  # the advisory locks of Enrico, among those of others
SCHEMA, GATE, TURNS, FIRST_SLOT = 3, 4, 5, 100
_WORKS = {"run": 1, "load": 2}
WANTED = "run wanted"
"""The row of whoever waits to spend alone."""
CUT_OFF = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server stops, starts, or an operator ended us
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,  # "connection is closed"
    asyncpg.InternalClientError,  # a connection that was cut off while somebody let it go
    OSError,
    TimeoutError,
)
HOLDERS = """
    CREATE TABLE IF NOT EXISTS holders (
        work text PRIMARY KEY, holder text NOT NULL, at timestamptz NOT NULL)"""
_GATE = f"SELECT pg_advisory_xact_lock({LOCKS}, {GATE})"
_TRY_FOR_NOW = "SELECT pg_try_advisory_xact_lock($1, $2)"
_HOLDS = """
    INSERT INTO holders VALUES ($1, $2, clock_timestamp()) ON CONFLICT (work)
    DO UPDATE SET holder = excluded.holder, at = excluded.at RETURNING true"""
_STILL_HOLDS = """
    UPDATE holders SET at = clock_timestamp() WHERE work = $1 AND holder = $2 RETURNING true"""
_LIVES = "UPDATE holders SET at = clock_timestamp() WHERE holder = $1"
_LETS_GO = "DELETE FROM holders WHERE work = $1 AND holder = $2"
# While the server was away nobody could be heard of, so that silence does not count.
_LAST = "greatest(at, pg_postmaster_start_time())"
_HEARD_OF = f"""
    SELECT count(*) FROM holders WHERE work LIKE $1 AND holder <> $2
    AND {_LAST} > clock_timestamp() - make_interval(secs => $3)"""
_HOLDER = "SELECT holder FROM holders WHERE work = $1"
_OTHERS_AT_WORK = f"""
    SELECT work, {_LAST} > clock_timestamp() - make_interval(secs => $2) AS heard_of
    FROM holders WHERE work LIKE 'run:%' AND holder <> $1"""
_CUT_STUCK_OFF = f"""
    SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
    JOIN holders h ON a.application_name = 'enrico ' || h.holder
    WHERE h.work LIKE $1 AND h.holder <> $2
    AND {_LAST} < clock_timestamp() - make_interval(secs => $3)"""


class SessionLock:
    """An advisory lock on a connection of its own, with a sign of life each second.

    When only the connection dies, the holder takes the lock again before anybody else believes it
    dead; until then nothing is written.
    """

    def __init__(self, backend: Postgres, work: str) -> None:
        self.work = work
        self._backend = backend
        self._number = _WORKS[work] if work in _WORKS else FIRST_SLOT + int(work.split()[-1])
        self._connection: asyncpg.Connection[Any] | None = None
        self._in_use = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._sure = asyncio.Event()
        self._sure_since = 0.0
        self._taken: StoreError | None = None

    async def try_to_acquire(self, *, waits: bool = False) -> bool:
        """Take the lock unless another process has it; workers make room for whoever *waits*."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                got = await self._take(waits=waits)
                break
            except Exception as error:
                await self._let_go()
                patient = asyncio.get_running_loop().time() < deadline
                if not (patient and self._backend.is_cut_off(error)):
                    raise StoreError(self._backend.why(error)) from error
            await asyncio.sleep(RETRY_SECONDS)
        if got:
            self._be_sure()
            self._backend.held.append(self)
            self._keeper = asyncio.create_task(self._keep(), name=f"{self.work} lock")
        return got

    async def release(self) -> None:
        """Let the next one in."""
        if self._keeper is not None:
            self._backend.held.remove(self)
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
            if self._connection is not None:
                with suppress(*CUT_OFF):
                    for work in self._works:
                        await self._connection.execute(
                            _LETS_GO, work, self._backend.name, timeout=SILENCE_SECONDS
                        )
        await self._let_go()

    def _be_sure(self) -> None:
        self._sure_since = time.monotonic()
        self._sure.set()

    @property
    def has_listened(self) -> bool:
        """Whether it was there for so long that it would have heard of whoever lives."""
        return self._sure.is_set() and time.monotonic() - self._sure_since > SILENCE_SECONDS

    async def sure(self) -> None:
        """Return once the lock is ours for certain. Raises StoreError when it is no more."""
        await self._sure.wait()
        if self._taken is not None:
            raise self._taken

    async def fence(self, connection: asyncpg.Connection[Any]) -> None:
        """Whoever takes over waits until this transaction is over; or else it came too late.

        The signs of life go on meanwhile: they change no key. Raises StoreError.
        """
        for work in self._works:
            holder = await connection.fetchval(_HOLDER + " FOR KEY SHARE", work)
            # Unless it was let go meanwhile.
            if holder != self._backend.name and work in self._works:
                raise self._too_late()

    @property
    def _works(self) -> Sequence[str]:
        """Each row that must be ours."""
        return (self.work,)

    def _too_late(self) -> StoreError:
        return StoreError(
            f"{self._backend.where} was taken over by another process while this one could not be "
            "heard. Nothing more was sent; what was bought is kept."
        )

    async def _take(self, *, again: bool = False, waits: bool = False) -> bool:
        """Whether the lock could be had: nobody has it, nor was heard of lately.

        *again*: nor has had it since we did. *waits*: workers are told to make room.
        """
        self._connection = connection = await self._backend.connect()
        name = self._backend.name
        await connection.execute(_CUT_STUCK_OFF, self.work, name, STUCK_SECONDS)
        if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCKS, self._number):
            silent = not await connection.fetchval(_HEARD_OF, self.work, name, SILENCE_SECONDS)
            if silent and await self._sign(connection, again, waits):
                return True
        await self._let_go()
        return False

    async def _sign(
        self, connection: asyncpg.Connection[Any], again: bool, waits: bool = False
    ) -> bool:
        """Whether our name is in the book now; waits for whoever still writes under his."""
        name = self._backend.name
        async with connection.transaction():
            if self.work == "run" and not again:
                await connection.execute(_GATE)
                await connection.execute(_CUT_STUCK_OFF, "run:%", name, STUCK_SECONDS)
                if await self._workers_spend(connection):
                    if waits:
                        await connection.execute(_HOLDS, WANTED, name)
                    return False
                await connection.execute("DELETE FROM holders WHERE work LIKE 'run:%'")
                await connection.execute(_LETS_GO, WANTED, name)
            await connection.execute("SELECT FROM holders WHERE work = $1 FOR UPDATE", self.work)
            how = _STILL_HOLDS if again else _HOLDS
            for work in self._works:
                if not await connection.fetchval(how, work, name):
                    return False
            return True

    async def _workers_spend(self, connection: asyncpg.Connection[Any]) -> bool:
        """Whether a worker spends, or may do so again: it lives until its slot is free too."""
        for worker, heard_of in await connection.fetch(
            _OTHERS_AT_WORK, self._backend.name, SILENCE_SECONDS
        ):
            slot = FIRST_SLOT + int(worker.split()[-1])
            if heard_of or not await connection.fetchval(_TRY_FOR_NOW, LOCKS, slot):
                return True
        return False

    async def _let_go(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(*CUT_OFF):
                await connection.close(timeout=CONNECT_SECONDS)

    async def _keep(self) -> None:
        """Say each second that we live; take the lock again when its connection is lost."""
        while True:
            try:
                await self._say_so()
            except CUT_OFF:
                self._sure.clear()
                if self._connection is not None:
                    self._connection.terminate()
                if not await self._take_again():
                    self._taken = self._too_late()
                self._be_sure()
                if self._taken is not None:
                    return

    async def _say_so(self) -> None:
        """Until the connection is lost."""
        assert self._connection is not None
        connection = self._connection
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        while not connection.is_closed():
            async with self._in_use:
                await connection.execute(_LIVES, self._backend.name, timeout=SILENCE_SECONDS / 2)
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), 1.0)
        raise ConnectionError("the connection that held the lock is closed")

    async def _take_again(self) -> bool:
        """Whether the lock is ours again; waits for a server that is away.

        Nobody may have had it in between, not even somebody who is done.
        """
        while True:
            with suppress(*CUT_OFF):
                if await self._take(again=True):
                    return True
                other = await self._backend.connect()
                try:
                    holder = await other.fetchval(_HOLDER, self.work)
                finally:
                    await other.close(timeout=CONNECT_SECONDS)
                if holder != self._backend.name:
                    return False
            await asyncio.sleep(RETRY_SECONDS)


class Slot(SessionLock):
    """A worker's place among the workers: a number that is free again when its worker dies.

    Workers spend side by side. Nobody spends alone meanwhile; when somebody wants to, none of them
    begins a piece of work, and :meth:`is_wanted` tells them to interrupt those under way.
    """

    def __init__(self, backend: Postgres, number: int) -> None:
        super().__init__(backend, f"worker {number}")
        self.number = number
        self._at_work = 0
        self._told = False

    @property
    def _works(self) -> Sequence[str]:
        return (self.work, f"run:{self.work}") if self._at_work else (self.work,)

    async def begin(self, stopping: asyncio.Event) -> bool:
        """Whether workers may spend now, and nobody else does until :meth:`end`.

        Waits until they may; False when *stopping* came first.
        """
        self._told = False
        while not stopping.is_set():
            if await self._may_begin():
                return True
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), RETRY_SECONDS)
        return False

    async def end(self) -> None:
        """A piece of work is done."""
        self._at_work -= 1
        with suppress(*CUT_OFF):  # it is taken for dead work in a while
            async with self._in_use:
                # The next piece may have begun while we waited for our turn.
                if self._connection is not None and not self._at_work:
                    await self._connection.execute(_LETS_GO, f"run:{self.work}", self._backend.name)

    async def is_wanted(self) -> bool:
        """Whether somebody waits until no worker spends."""
        with suppress(*CUT_OFF):
            async with self._in_use:
                if self._connection is not None:
                    return await self._is_alone(self._connection, WANTED)
        return False

    async def _is_alone(self, connection: asyncpg.Connection[Any], *who: str) -> bool:
        """Whether one of these was heard of lately."""
        for alone in who:
            if await connection.fetchval(_HEARD_OF, alone, self._backend.name, SILENCE_SECONDS):
                return True
        return False

    async def _may_begin(self) -> bool:
        await self.sure()
        with suppress(*CUT_OFF):
            async with self._in_use:
                connection = self._connection
                if connection is None:  # it is cut off, and being taken again
                    return False
                name = self._backend.name
                async with connection.transaction():
                    await connection.execute(_GATE)
                    if await self._is_alone(connection, "run", WANTED):
                        if not self._told:
                            log.warning("waiting: another process spends alone", worker=self.work)
                        self._told = True
                        return False
                    await connection.execute(_HOLDS, f"run:{self.work}", name)
            self._at_work += 1
            return True
        return False


@asynccontextmanager
async def asking(backend: Postgres) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection for a question or two. Raises StoreError."""
    try:
        connection = await backend.connect()
        try:
            yield connection
        finally:
            with suppress(*CUT_OFF):
                await connection.close(timeout=CONNECT_SECONDS)
    except (asyncpg.PostgresError, *CUT_OFF) as error:
        raise StoreError(backend.why(error)) from error


async def live_slots(backend: Postgres) -> list[str]:
    """The slots whose workers were heard of lately, in order."""
    return await _slots(backend, f"{_LAST} > clock_timestamp() - make_interval(secs => $1)")


async def silent_slots(backend: Postgres) -> list[str]:
    """The slots whose workers were not heard of for a while, and did not take their leave."""
    return await _slots(backend, f"{_LAST} <= clock_timestamp() - make_interval(secs => $1)")


async def _slots(backend: Postgres, condition: str) -> list[str]:
    async with asking(backend) as connection:
        rows = await connection.fetch(
            f"SELECT work FROM holders WHERE work LIKE 'worker %' AND {condition} ORDER BY work",
            SILENCE_SECONDS,
        )
    return [row[0] for row in rows]


async def take_slot(backend: Postgres, number: int = 0) -> tuple[Slot, str] | None:
    """The place of that number, or the first free one, and who died in it; None if it is not free.

    Nobody died where the name is empty.
    """
    place = number or 1
    while True:
        slot = Slot(backend, place)
        before = await _holder(backend, slot.work)
        if await slot.try_to_acquire():
            return slot, before
        if number:
            return None
        place += 1


async def _holder(backend: Postgres, work: str) -> str:
    async with asking(backend) as connection:
        return str(await connection.fetchval(_HOLDER, work) or "")

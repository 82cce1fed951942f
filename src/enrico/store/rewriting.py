"""PostgreSQL's tables written anew, so that no byte of deleted rows stays, and the proof of it.

``VACUUM FULL`` copies what anybody may still see: while a transaction is open that began before the
rows were deleted, they are copied, too. The server counts them in what it says of each table, so
that nothing is called erased that is not. ``ANALYZE`` keeps samples of columns in ``pg_statistic``;
they are taken anew, and that table is written anew as well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any

import asyncpg
import structlog

from enrico.errors import StoreError

log = structlog.get_logger("enrico.postgres")

LOCK_SECONDS = 30
"""How long to wait for somebody who reads a table."""
PATIENCE_SECONDS = 10.0
"""How long to wait for the end of transactions that may see what was deleted."""
RETRY_SECONDS = 0.25
CLEARS_SAMPLES = 18
"""From this version on the server can forget samples when asked."""
_SAMPLED = "SELECT attname FROM pg_stats WHERE schemaname = current_schema AND tablename = $1"
_CLEAR = "SELECT pg_clear_attribute_stats(current_schema, $1, $2, false)"
_OWNS_IT = """
    SELECT pg_has_role(datdba, 'USAGE')
        OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    FROM pg_database WHERE datname = current_database()"""
# All that keeps deleted rows alive. Other databases of the server do not.
_WHO_LOOKS_BACK = """
    SELECT 'process ' || pid || coalesce(' (' || nullif(application_name, '') || ')', '')
        || coalesce(', in a transaction since ' || date_trunc('second', xact_start), '')
        || ': end it, or SELECT pg_terminate_backend(' || pid || ')' AS who
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL OR pid IN (
            SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
            WHERE l.granted AND l.database = pg_stat_activity.datid AND c.relkind = 'r'))
    UNION ALL SELECT 'the prepared transaction ' || gid || ': commit or roll it back'
    FROM pg_prepared_xacts WHERE database = current_database()
    UNION ALL SELECT 'the replication slot ' || slot_name || ': let its reader catch up, or drop it'
    FROM pg_replication_slots WHERE xmin IS NOT NULL
    UNION ALL SELECT 'the replica ' || coalesce(nullif(application_name, ''), client_addr::text)
        || ', whose questions hold them (hot_standby_feedback)'
    FROM pg_stat_replication WHERE backend_xmin IS NOT NULL
    LIMIT 5"""


async def write_anew(
    connection: asyncpg.Connection[Any], tables: Iterable[str], where: str
) -> None:
    """Write *tables* anew. Raises StoreError when deleted rows demonstrably stay in one of them."""
    said: list[Any] = []
    connection.add_log_listener(lambda _, message: said.append(message))
    await connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    try:
        for table in tables:
            await _new_samples(connection, table)
            while left := await _left_in(connection, f'"{table}"', said):
                if asyncio.get_running_loop().time() > deadline:
                    raise _not_erased(where, left, await _who(connection))
                await asyncio.sleep(RETRY_SECONDS)
        await _samples(connection, said, where)
    except asyncpg.LockNotAvailableError:
        raise _not_erased(where, "an unknown number of", await _who(connection)) from None


async def _new_samples(connection: asyncpg.Connection[Any], table: str) -> None:
    """ANALYZE leaves the samples of a table that is empty now as they were."""
    await connection.execute(f'ANALYZE "{table}"')
    if await connection.fetchval(f'SELECT EXISTS (SELECT FROM "{table}")'):
        return
    old = await connection.fetch(_SAMPLED, table)
    if old and connection.get_server_version().major < CLEARS_SAMPLES:
        log.warning(
            "samples of an empty table stay on the server until the table is filled again",
            table=table,
            mend=f"as superuser: DELETE FROM pg_statistic WHERE starelid = '{table}'::regclass",
        )
        return
    for row in old:
        await connection.execute(_CLEAR, table, row["attname"])


async def _samples(connection: asyncpg.Connection[Any], said: list[Any], where: str) -> None:
    if not await connection.fetchval(_OWNS_IT):
        log.warning(
            "old samples of columns may stay on the server until it needs their place: only the "
            "database's owner may write them anew",
            mend="VACUUM FULL pg_statistic",
        )
        return
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while left := await _left_in(connection, "pg_catalog.pg_statistic", said):
        if asyncio.get_running_loop().time() > deadline:
            raise _not_erased(where, left, await _who(connection))
        await asyncio.sleep(RETRY_SECONDS)


async def _left_in(connection: asyncpg.Connection[Any], table: str, said: list[Any]) -> int | str:
    """How many deleted rows were copied, as the server counts them; 0 when none was."""
    said.clear()
    await connection.execute(f"VACUUM (FULL, VERBOSE) {table}")
    await asyncio.sleep(0)  # what the server says is handed on by the loop
    # In any language the detail begins with the number of rows that cannot be removed yet.
    counts = [re.search(r"\d+", message.detail) for message in said if message.detail]
    if not counts:
        return "an unknown number of"
    return max(int(found[0]) for found in counts if found)


async def _who(connection: asyncpg.Connection[Any]) -> list[str]:
    return [str(row["who"]) for row in await connection.fetch(_WHO_LOOKS_BACK)]


def _not_erased(where: str, number: int | str, who: list[str]) -> StoreError:
    holders = "; ".join(who) or "somebody who has gone meanwhile"
    return StoreError(
        f"What was to be erased is deleted, but {number} old rows stay in the files of {where}, "
        f"because somebody may still look at them: {holders}. Then run the same command again."
    )

"""``python -m benchmarks.footprint postgresql://…``: what a run costs PostgreSQL.

A made-up CRM is loaded and run in the empty database that the URL names. Printed are the bytes of
each table with its indexes, and what the run alone took: commits, rows written, write-ahead log,
and the server's CPU where that runs on this machine. Nothing else may write there meanwhile; how
much log there is depends on the server's settings too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from enrico.cli import collect_rarely
from enrico.cli.demo import sandbox_process, settings_for
from enrico.client import Enrico
from enrico.sandbox import write_sample_crm
from enrico.settings import load_settings

_TICK = os.sysconf("SC_CLK_TCK")
_COUNTS = """
    SELECT xact_commit AS commits, tup_inserted AS inserted, tup_updated AS updated,
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS log_bytes,
           (SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'calls') AS calls_updated
    FROM pg_stat_database WHERE datname = current_database()"""
_WHILE_OTHERS = """
    SELECT pg_sleep(0.05) FROM pg_stat_activity WHERE datname = current_database()
    AND backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1"""
_TABLES = """
    SELECT relname AS name, n_live_tup AS rows, n_dead_tup AS dead,
           pg_table_size(relid) AS bytes, pg_indexes_size(relid) AS index_bytes
    FROM pg_stat_user_tables WHERE n_live_tup >= 100 ORDER BY pg_total_relation_size(relid) DESC"""
_CALLS = """
    SELECT provider, count(*) AS calls, avg(pg_column_size(calls.*))::int AS bytes,
           avg(length(body))::int AS answer, avg(length(request))::int AS request
    FROM calls GROUP BY provider ORDER BY provider"""


async def measure(url: str, deals: int, profile: str) -> list[str]:
    """Load and run; the findings, a line each."""
    with tempfile.TemporaryDirectory(prefix="enrico-footprint-") as name:
        crm = Path(name) / "crm"
        write_sample_crm(crm, deals=deals)
        connection = await asyncpg.connect(url)
        with sandbox_process(profile) as sandbox:
            settings = load_settings(profile, database_url=url, **settings_for(sandbox))
            empty = await _counts(connection)
            async with Enrico(settings) as client:
                await client.load(crm)
            loaded = await _counts(connection)
            async with Enrico(settings) as client:
                summary = await client.run()
            after = await _counts(connection)
        run = {name: after[name] - loaded[name] for name in after}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        lines = [
            *_of_run(summary, run),
            f"CPU of the load: {loaded['own_cpu'] - empty['own_cpu']:.2f} s here, "
            f"{loaded['server_cpu'] - empty['server_cpu']:.2f} s of the server",
            f"most memory: {peak:.0f} MB",
            *await _of_database(connection),
        ]
        await connection.close()
    return lines


async def _counts(connection: asyncpg.Connection[Any]) -> dict[str, float]:
    """What the server has counted, and seconds of CPU.

    A session books what it did seconds later, but at its end at once: so wait for that.
    """
    while await connection.fetch(_WHILE_OTHERS):
        pass
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    return {
        **await connection.fetchrow(_COUNTS),
        "own_cpu": time.process_time(),
        "server_cpu": _server_cpu(backend),
    }


def _server_cpu(backend: int) -> float:
    """Seconds of the server that *backend* belongs to, its ended and its living processes; 0 when
    it is on another machine."""
    processes: dict[int, tuple[str, int, list[int]]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        fields = rest.split()
        spent = [int(field) for field in fields[11:15]]  # own user and system; ended children's
        processes[int(stat.parent.name)] = (name, int(fields[1]), spent)
    name, server, _ = processes.get(backend, ("", 0, []))
    if "postgres" not in name:
        return 0.0
    living = (sum(spent[:2]) for _, parent, spent in processes.values() if parent == server)
    return (sum(processes[server][2]) + sum(living)) / _TICK


def _of_run(summary: Mapping[str, Any], run: Mapping[str, float]) -> list[str]:
    providers = summary["providers"]
    calls = sum(one["calls"] for one in providers.values())
    counted = ("commits", "inserted", "updated", "calls_updated", "log_bytes")
    return [
        f"{summary['deals']} deals, {summary['accounts']} accounts, "
        f"{summary['unique_people']} people: {summary['status']} in "
        f"{summary['duration_ms'] / 1000:.1f} s with {calls} calls",
        *(
            f"{name}: {one['found']} of {one['items']} found, {one['credits']} credits, "
            f"${one['cost_usd']}, answers in {one['p50_ms']} ms"
            for name, one in providers.items()
        ),
        *(f"{name}: {run[name]:.0f}, {run[name] / calls:.2f} a call" for name in counted),
        *(
            f"CPU {where}: {run[name]:.2f} s, {1000 * run[name] / calls:.2f} ms a call"
            for where, name in (("of the run", "own_cpu"), ("of the server", "server_cpu"))
        ),
    ]


async def _of_database(connection: asyncpg.Connection[Any]) -> list[str]:
    await connection.execute("ANALYZE")
    whole = await connection.fetchval("SELECT pg_database_size(current_database())")
    return [
        *(
            f"{row['provider']}: {row['calls']} rows of {row['bytes']} bytes, "
            f"answer {row['answer']}, request {row['request']}"
            for row in await connection.fetch(_CALLS)
        ),
        *(
            f"{row['name']}: {row['rows']} rows, {row['dead']} dead, {row['bytes']} bytes, "
            f"indexes {row['index_bytes']}"
            for row in await connection.fetch(_TABLES)
        ),
        f"the database: {whole} bytes",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the findings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footprint", description=__doc__)
    parser.add_argument("url", help="an empty PostgreSQL database")
    parser.add_argument("--deals", type=int, default=1000)
    parser.add_argument("--profile", default="modern", choices=("modern", "instant"))
    options = parser.parse_args(argv)
    collect_rarely()
    print("\n".join(asyncio.run(measure(options.url, options.deals, options.profile))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

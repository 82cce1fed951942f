"""No byte of what was deleted stays behind in the database's files.

The one place that knows how a database keeps what it has deleted: another one needs its own way
here (PostgreSQL: VACUUM FULL of the tables named, and its own WAL and backups are the operator's).
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from enrico.errors import StoreError
from enrico.store.database import Database, disk_free


async def scrub(db: Database) -> None:
    """Write the database anew without free pages, and empty its write-ahead log.

    Raises StoreError when the disk has no room for that, or another program is reading; what was
    deleted is deleted all the same, and scrubbing can be done again.
    """
    needed = db.path.stat().st_size
    if disk_free(db.path) < 2 * needed:
        raise StoreError(
            f"What was to be erased is deleted, but old pages of {db.path} may still hold it: "
            f"writing the file anew needs {2 * needed // 2**20 + 1} MiB free. Free some space and "
            "run the same command again."
        )
    # A connection of its own: VACUUM runs in no transaction.
    engine = create_async_engine(db.engine.url, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("PRAGMA busy_timeout=30000"))
            await connection.execute(text("VACUUM"))
            busy = (await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))).one()[0]
    finally:
        await engine.dispose()
    if busy:
        raise StoreError(
            f"What was to be erased is deleted, but another program is reading {db.path}, so its "
            "log may still hold it. Close that program and run the same command again."
        )

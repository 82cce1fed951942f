"""A process that sends searches on a shared key: what it did is one line of JSON on stdout.

python tests/sending.py DATABASE_URL|alone SERPER_URL KEY LIMIT CALLS [SPREAD]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from enrico.engine.http import Http, Request
from enrico.engine.limits import Limiter, TooLate
from enrico.engine.sharing import SharedLimiter
from enrico.engine.windows import parse_windows
from enrico.store.board import PostgresBoard
from enrico.store.postgres import Postgres


async def send_all(limiter: Limiter, http: Http, calls: int) -> dict[str, float]:
    """Send until so many searches are answered."""
    loop = asyncio.get_running_loop()
    counts = {"answered": 0, "refused": 0, "late": 0}

    async def one(n: int) -> None:
        body = json.dumps({"q": f"company {n}"}).encode()
        while True:
            slot = await limiter.slot()
            try:
                reply = await http.send(Request("POST", "/search", body), 30.0, slot.sent)
                if reply.status == 200:
                    limiter.succeeded(slot)
                    counts["answered"] += 1
                    return
                counts["refused"] += 1
                limiter.rate_limited(slot, float(reply.headers.get("retry-after", 1)))
            except TooLate:
                counts["late"] += 1
            finally:
                slot.release()

    began, cpu = loop.time(), time.process_time()
    await asyncio.gather(*(one(n) for n in range(calls)))
    return {**counts, "seconds": loop.time() - began, "cpu": time.process_time() - cpu}


async def main(
    database: str, serper: str, key: str, limit: str, calls: str, spread: str = "0.1"
) -> None:
    headers = {"X-API-KEY": key, "Content-Type": "application/json"}
    options: dict[str, Any] = {"concurrency": 64, "spread": float(spread)}
    windows = parse_windows([limit])
    async with Http(serper, headers, connections=64) as http:
        await http.warm(8)
        print("ready", flush=True)
        if database == "alone":
            done = await send_all(Limiter(windows, **options), http, int(calls))
        else:
            backend = Postgres(database)
            board = PostgresBoard(backend, f"serper {limit}", backend.name)
            async with SharedLimiter(board, windows, **options) as limiter:
                done = await send_all(limiter, http, int(calls))
    print(json.dumps(done), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Small runs of other processes, taken in by the run that has the database (rule L3).

One process at a time spends over a database, because budgets, limits and claims live in its memory.
Whoever comes meanwhile with a few deals leaves a request in the database; the run under way does it
on its own connections, ahead of its batch. When that run ends or dies first, its lock is free and
the other process does its work itself: a request is a wish, and losing one loses nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import bindparam, delete, insert, select, update

from enrico.engine.budget import Caps
from enrico.engine.stats import PROVIDERS
from enrico.errors import EnricoError
from enrico.pipeline.context import RunOptions
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import moment, timestamp
from enrico.store.tables import requests, runs

log = structlog.get_logger("enrico.guests")

POLL_SECONDS = 0.2
ALIVE_SECONDS = 10.0
"""A request that was not renewed for so long is nobody's any more."""
_ASK = insert(requests)
_MARK = update(requests).where(requests.c.id == bindparam("request"))
_RENEW = update(requests).where(requests.c.id == bindparam("request"))
_DEAD = delete(requests).where(requests.c.at < bindparam("since"))
_FORGET = delete(requests).where(requests.c.id == bindparam("request"))


def settings_digest(settings: Settings) -> str:
    """Equal for settings that ask the same providers with the same keys for the same things."""
    parts = settings.model_dump(
        mode="json", exclude={"database_url", "log_level", "log_file", "alerts", "telemetry"}
    )
    keys = [settings.key(name) for name in PROVIDERS]
    return hashlib.sha256(orjson.dumps([parts, keys], option=orjson.OPT_SORT_KEYS)).hexdigest()


class Request:
    """What this process wants done by the one that has the database."""

    def __init__(self, db: Database, settings: Settings, options: RunOptions) -> None:
        self._db = db
        self._settings = settings
        self._options = options
        self._id = f"q-{secrets.token_hex(8)}"
        self._renewed = 0.0

    async def leave(self) -> None:
        """Write it down, for the run under way to find."""
        row = {
            "id": self._id,
            "at": timestamp(),
            "options": orjson.dumps(asdict(self._options)).decode(),
            "settings": settings_digest(self._settings),
            "state": "waiting",
            "run_id": "",
        }
        await self._db.write((_ASK, [row]))

    async def summary(self) -> dict[str, Any] | None:
        """The summary of the run that was made of it; None while there is none."""
        if time.monotonic() - self._renewed > ALIVE_SECONDS / 4:
            self._renewed = time.monotonic()
            await self._db.write((_RENEW, [{"request": self._id, "at": timestamp()}]))
        rows = await self._db.rows(
            select(runs.c.summary)
            .join(requests, requests.c.run_id == runs.c.id)
            .where(requests.c.id == self._id, requests.c.state == "done")
        )
        return orjson.loads(rows[0].summary) if rows and rows[0].summary else None

    async def withdraw(self) -> None:
        """Nobody needs it any more."""
        await self._db.write((_FORGET, [{"request": self._id}]))


def options_from(text: str) -> RunOptions:
    """The options of a request or a run, read back; a run leaves out what is not said."""
    found = orjson.loads(text)
    scope = found["scope"]
    caps = found["caps"]
    return RunOptions(
        Scope(
            **{
                **scope,
                "deal_ids": tuple(scope.get("deal_ids", ())),
                "stages": tuple(scope.get("stages", ())),
                "today": date.fromisoformat(scope.get("today") or timestamp()[:10]),
            }
        ),
        tuple(found["only"]),
        found["refresh"],
        Caps(caps["credits"], caps["usd"], caps["provider_credits"]),
        found.get("refreshed_since", ""),
    )


def _alive_since() -> str:
    return timestamp(moment(timestamp()) - timedelta(seconds=ALIVE_SECONDS))


async def take_in_guests(
    db: Database,
    settings: Settings,
    run: Callable[[RunOptions, Callable[[str], Awaitable[None]]], Awaitable[None]],
) -> None:
    """Do what other processes ask for, one after the other, until cancelled.

    *run* does one and tells its run's id before it begins.
    """
    waiting = (
        select(requests.c.id, requests.c.options)
        .where(
            requests.c.state == "waiting",
            requests.c.settings == settings_digest(settings),
            requests.c.at > bindparam("alive"),
        )
        .order_by(requests.c.at, requests.c.id)
        .limit(1)
    )
    await db.write((_DEAD, [{"since": _alive_since()}]))
    while True:
        for row in await db.rows(waiting, alive=_alive_since()):
            request = row.id

            async def taken(run_id: str, request: str = request) -> None:
                await db.write((_MARK, [{"request": request, "state": "taken", "run_id": run_id}]))

            # Once begun it ends, though the batch may end before it.
            work = asyncio.ensure_future(run(options_from(row.options), taken))
            state = "done"
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                await asyncio.gather(work, return_exceptions=True)
                await db.write((_MARK, [{"request": request, "state": "done"}]))
                raise
            except EnricoError as error:  # the other process does it itself, and is told
                log.warning("a request was not done", request=request, why=str(error))
                state = "failed"
            await db.write((_MARK, [{"request": request, "state": state}]))
        await asyncio.sleep(POLL_SECONDS)

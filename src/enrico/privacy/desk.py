"""What somebody may ask for: to be forgotten, to be told all, to be let in again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, select

from enrico.errors import InputError
from enrico.pipeline.roles import resolve_roles_in
from enrico.privacy.disclosure import tell_all
from enrico.privacy.files import remember, rewrite_all, write_private
from enrico.privacy.forget import ERASED, Erased, erase, what_would_go
from enrico.privacy.retention import Retired, retain
from enrico.privacy.rewriting import Rewriter
from enrico.privacy.subjects import read_target
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.suppressions import empty, lift, load_suppressions
from enrico.store.tables import suppressions


class Desk:
    """Answers requests about people over one database."""

    def __init__(
        self, db: Database, settings: Settings, on_wait: Callable[[], None] = lambda: None
    ) -> None:
        """*on_wait* is called when another process runs or loads: erasing waits for its end."""
        self._db = db
        self._settings = settings
        self._on_wait = on_wait

    async def preview(self, targets: Sequence[str]) -> Erased:
        """What :meth:`forget` would erase; changes nothing."""
        return await what_would_go(self._db, [read_target(text) for text in targets])

    async def forget(self, targets: Sequence[str]) -> Erased:
        """Erase everybody with these addresses, or with one at these domains, and keep them out.

        Raises InputError for what is neither, StoreError when old pages could not be overwritten.
        """
        wanted = [read_target(text) for text in targets]
        async with self._db.alone("run", "load", on_wait=self._on_wait):
            done = await erase(self._db, self._settings, wanted)
            # Who is gone may have been somebody's only rival for a role.
            await resolve_roles_in(self._db, Scope(), self._settings.role_threshold)
            rewriter = Rewriter(self._db, self._settings)
            done.files = {
                str(fate): paths
                for fate, paths in (await rewrite_all(self._db, ERASED, rewriter)).items()
            }
            await self._db.scrub()
        return done

    async def tell(self, address: str, out: Path | None = None) -> dict[str, Any]:
        """All that is held of a person, with its sources; written to *out*, which only you may
        read."""
        kind, key = read_target(address)
        if kind != "address":
            raise InputError(
                f"{address!r} is no e-mail address; everything is told person by person."
            )
        told = await tell_all(self._db, self._settings, key)
        if out is not None:
            await remember(self._db, "answer", [out], {}, written=False)
            write_private(out, orjson.dumps(told, option=orjson.OPT_INDENT_2))
            await remember(self._db, "answer", [out], {})
        return told

    async def let_in(self, target: str) -> int:
        """Lift a suppression: load and buy them again. Returns how many hashes went."""
        kind, value = read_target(target)
        found = await load_suppressions(self._db, self._settings)
        return await lift(self._db, found, kind, value)

    async def let_all_in(self) -> int:
        """Empty the list of who is to stay forgotten, when its key is lost; returns its size."""
        async with self._db.alone("run", "load", on_wait=self._on_wait):
            return await empty(self._db)

    async def suppressed(self) -> list[dict[str, Any]]:
        """How many are to stay forgotten, by kind; who they are cannot be told."""
        query = (
            select(suppressions.c.kind, func.count().label("n"), func.max(suppressions.c.at))
            .group_by(suppressions.c.kind)
            .order_by(suppressions.c.kind)
        )
        rows = await self._db.rows(query)
        return [{"kind": row[0], "hashes": row[1], "newest": row[2]} for row in rows]

    async def retain(self) -> Retired:
        """Let go all that is older than the settings allow, and overwrite it."""
        async with self._db.alone("run", on_wait=self._on_wait):
            done = await retain(self._db, self._settings.retention, again=True)
            if done.told():
                await self._db.scrub()
        return done

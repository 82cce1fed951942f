"""Results and reports that were written once, written again from what is held now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from enrico.export.tables import filled_tables, pages_of
from enrico.export.writers import format_of, paths_of, write_tables
from enrico.privacy.files import Kind, Recipe, remember
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database


async def export_files(
    db: Database, out: Path, scope: Scope, wanted: str = ""
) -> dict[str, tuple[Path, int]]:
    """Write the result tables and remember where; for each its file and its number of rows."""
    columns = await filled_tables(db, scope)
    chosen = format_of(out, wanted)
    paths = list(paths_of(out, list(columns), chosen).values())
    recipe = {"out": str(out.resolve()), "format": chosen, "scope": _plain(scope)}
    await remember(db, "export", paths, recipe, written=False)
    done = await write_tables(out, columns, pages_of(db, scope, columns), wanted=wanted)
    await remember(db, "export", [path for path, _ in done.values()], recipe)
    return done


class Rewriter:
    """Writes files of ours again; see ``files.rewrite_all``."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings

    async def __call__(
        self, kind: Kind, recipe: Recipe, folder: Path, paths: Sequence[Path]
    ) -> Mapping[Path, Path]:
        """Write what *recipe* says into *folder*, under the same names."""
        if kind == "report":
            await self._report(recipe, folder / paths[0].name)
        else:
            await self._export(recipe, folder, paths)
        new = {path: folder / path.name for path in paths}
        return {path: made for path, made in new.items() if made.exists()}

    async def _report(self, recipe: Recipe, path: Path) -> None:
        from enrico.report.page import render_page
        from enrico.report.run import read_run

        record = await read_run(self._db, recipe["run"])
        path.write_bytes(render_page(record, self._settings).encode())

    async def _export(self, recipe: Recipe, folder: Path, paths: Sequence[Path]) -> None:
        scope = _scope(recipe["scope"])
        columns = await filled_tables(self._db, scope)
        out = Path(recipe["out"])
        in_folder = out == paths[0].parent
        await write_tables(
            folder if in_folder else folder / out.name,
            columns,
            pages_of(self._db, scope, columns),
            wanted=recipe["format"],
        )


def _plain(scope: Scope) -> dict[str, Any]:
    return {**asdict(scope), "today": scope.today.isoformat()}


def _scope(plain: Mapping[str, Any]) -> Scope:
    return Scope(
        **{
            **plain,
            "deal_ids": tuple(plain["deal_ids"]),
            "stages": tuple(plain["stages"]),
            "today": date.fromisoformat(plain["today"]),
        }
    )

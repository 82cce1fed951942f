"""Files that we wrote and that may name people: remembered, written anew, deleted.

A file counts as ours while its size and time of change are those that we left it with. One that
somebody has changed, copied or moved since is theirs: it is named, never touched. One that was
written on another machine is named with that machine, unless the two share it.
"""

from __future__ import annotations

import os
import platform
import secrets
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import bindparam, delete, insert, select

from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.tables import upkeep, written_files

Kind = Literal["export", "report", "answer"]
"""Results; the page of a run; what is held of one person, told to them."""
State = Literal["ours", "changed", "gone", "elsewhere"]
Fate = Literal["rewritten", "deleted", "changed", "gone", "elsewhere"]
Recipe = Mapping[str, Any]
Write = Callable[[Kind, Recipe, Path, list[Path]], Awaitable[Mapping[Path, Path]]]
"""Writes what a recipe says into a folder; returns for each earlier file its new one."""

_FORGET = delete(written_files).where(
    written_files.c.path == bindparam("gone"), written_files.c.host == bindparam("there")
)
_KEEP = insert(written_files)


async def remember(
    db: Database, kind: Kind, paths: Iterable[Path], recipe: Recipe, *, written: bool = True
) -> None:
    """Remember files that were written, or are about to be, so that a crash leaves none unknown.

    *recipe*: JSON data to write them again with.
    """
    made, at = secrets.token_hex(8), timestamp()
    host = this_host()
    rows = [
        {
            "path": str(path.resolve()), "made": made, "kind": kind, "at": at, "host": host,
            "recipe": orjson.dumps(recipe).decode(), "stamp": stamp_of(path) if written else "",
        }
        for path in sorted(set(paths))
    ]  # fmt: skip
    before = [
        {"gone": row["path"], "there": there} for row in rows for there in dict.fromkeys((host, ""))
    ]
    await db.write((_FORGET, before), (_KEEP, rows))


def this_host() -> str:
    """The machine's name, as other machines know its files by."""
    return platform.node()


def stamp_of(path: Path) -> str:
    """What changes when somebody writes to a file; empty when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size}:{found.st_mtime_ns}"


async def rewrite_all(db: Database, erased: str, write: Write) -> dict[Fate, list[str]]:
    """See to all files written before somebody was erased last (in ``upkeep``, by that name).

    Results and reports are written anew; an answer to one person is deleted, for it is all about
    somebody. Files on other machines stay on record, to be seen to there. Can be done again after
    an interruption.
    """
    since = select(upkeep.c.at).where(upkeep.c.name == erased).scalar_subquery()
    query = select(written_files).where(written_files.c.at <= since).order_by(written_files.c.path)
    groups: dict[str, list[Any]] = {}
    fates: dict[Fate, list[str]] = {}
    over: list[Any] = []
    for row in await db.rows(query):
        state = _state(row)
        if state == "elsewhere":
            fates.setdefault(state, []).append(f"{row.host}:{row.path}")
            continue
        _remove_leftovers(Path(row.path))
        if state == "ours":
            groups.setdefault(row.made, []).append(row)
        else:
            fates.setdefault(state, []).append(row.path)
        # What somebody has made of an answer is theirs, and its name may say whom it is about.
        if state == "gone" or (state == "changed" and row.kind == "answer"):
            over.append(row)
    for rows in groups.values():
        paths = [Path(row.path) for row in rows]
        if rows[0].kind == "answer":
            fate: Fate = "deleted"
            for path in paths:
                path.unlink(missing_ok=True)
            over += rows
        else:
            fate = await _write_anew(db, rows, paths, write)
        fates.setdefault(fate, []).extend(map(str, paths))
    await _drop(db, over)
    return fates


async def _write_anew(db: Database, rows: list[Any], paths: list[Path], write: Write) -> Fate:
    folder = paths[0].parent / f".enrico-{secrets.token_hex(4)}.tmp"
    folder.mkdir(mode=0o700)
    try:
        new = await write(rows[0].kind, orjson.loads(rows[0].recipe), folder, paths)
        for path in paths:
            if path in new:
                new[path].replace(path)
            else:  # there is nothing to say in it any more
                path.unlink(missing_ok=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    await remember(db, rows[0].kind, paths, orjson.loads(rows[0].recipe))
    await _drop(db, [row for row in rows if row.host not in ("", this_host())])
    return "rewritten"


async def delete_older(db: Database, before: str) -> int:
    """Delete files of ours that were written before a time; forget those that are gone.

    Those on other machines are left to these.
    """
    rows = await db.rows(select(written_files).where(written_files.c.at < before))
    deleted, over = 0, []
    for row in rows:
        state = _state(row)
        if state == "ours":
            Path(row.path).unlink(missing_ok=True)
            deleted += 1
        if state in ("ours", "gone"):
            over.append(row)
    await _drop(db, over)
    return deleted


async def files_known(db: Database) -> list[dict[str, str]]:
    """Every file that is remembered, and whether it is still as we wrote it."""
    rows = await db.rows(select(written_files).order_by(written_files.c.path, written_files.c.host))
    return [
        {
            "path": row.path, "host": row.host, "kind": row.kind, "at": row.at,
            "state": _state(row),
        }
        for row in rows
    ]  # fmt: skip


def _state(row: Any) -> State:
    stamp = stamp_of(Path(row.path))
    if stamp and stamp == row.stamp:
        return "ours"  # on a folder that machines share, or a machine under a new name, too
    if row.host not in ("", this_host()):
        return "elsewhere"
    return "changed" if stamp else "gone"


async def _drop(db: Database, rows: list[Any]) -> None:
    if rows:
        await db.write((_FORGET, [{"gone": row.path, "there": row.host} for row in rows]))


def _remove_leftovers(path: Path) -> None:
    """What a killed export, or a killed erasure, left beside its target."""
    for leftover in path.parent.glob(f".{_literal(path.name)}.tmp*"):
        leftover.unlink(missing_ok=True)
    for folder in path.parent.glob(".enrico-*.tmp"):  # nobody else erases meanwhile
        shutil.rmtree(folder, ignore_errors=True)


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read; an older one is replaced."""
    staging = path.with_name(f".{path.name}.tmp")
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    staging.replace(path)

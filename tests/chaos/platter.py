"""A disk that can hold, for a moment, any part of what was not synced."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.disk import Step


class Platter:
    """The database's files as they are on the disk for sure, and what is not sure.

    A file that was deleted is an empty one here: to SQLite they mean the same.
    """

    def __init__(self, folder: Path) -> None:
        self.database = folder / "enrico.db"
        self.pending: list[Step] = []
        self.syncs = 0
        self._files: dict[str, int] = {}

    def take(self, step: Step) -> None:
        """The next step of the run."""
        if step.kind not in ("sync", "delete"):
            self.pending.append(step)
            return
        self.syncs += 1
        here = [earlier for earlier in self.pending if earlier.path == step.path]
        self.pending = [earlier for earlier in self.pending if earlier.path != step.path]
        if step.kind == "delete":
            os.ftruncate(self._file(step), 0)
        else:
            for earlier in here:
                _do(self._file(earlier), earlier)

    @contextmanager
    def holding(self, kept: Sequence[Step]) -> Iterator[None]:
        """Meanwhile these unsynced steps have reached the disk too."""
        sizes = {file: os.fstat(file).st_size for file in self._files.values()}
        undo = []
        for step in kept:
            file = self._file(step)
            sizes.setdefault(file, 0)
            undo.append((file, step.offset, _do(file, step)))
        try:
            yield
        finally:
            for file, offset, before in reversed(undo):
                os.pwrite(file, before, offset)
            for file, size in sizes.items():
                os.ftruncate(file, size)
            with suppress(FileNotFoundError):
                Path(f"{self.database}-shm").unlink()

    def close(self) -> None:
        """No more images."""
        for file in self._files.values():
            os.close(file)

    def _file(self, step: Step) -> int:
        if step.path not in self._files:
            place = self.database.with_name(Path(step.path).name)
            self._files[step.path] = os.open(place, os.O_RDWR | os.O_CREAT)
        return self._files[step.path]


def _do(file: int, step: Step) -> bytes:
    """Do a step to a file; returns the bytes that were there before."""
    if step.kind == "truncate":
        before = os.pread(file, os.fstat(file).st_size, step.offset)
        os.ftruncate(file, step.offset)
    else:
        before = os.pread(file, len(step.data), step.offset)
        os.pwrite(file, step.data, step.offset)
    return before

"""Where a process meets the world: its database's files, its other files, the network.

At each such point, in the order in which one process comes by them, something can be done to it.
Nothing of the product is touched: SQLite's file functions, Python's audit events and asyncio's
socket transports are.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from asyncio import selector_events
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from tests.chaos import disk
from tests.chaos.disk import IOERR_FSYNC, IOERR_WRITE, OK, Step

FRAME_HEAD = 24
At = Callable[[str], int]
"""Called with a point's name; what it returns matters only for the database's files."""


def install(folder: Path, at: At) -> None:
    """Call *at* at every boundary from now on. Files outside *folder* do not count."""

    def ask(step: Step) -> int:
        # A page of the log is written as a head of 24 bytes and a body, one right after the other.
        is_head = step.kind == "write" and len(step.data) == FRAME_HEAD
        return OK if is_head else at(f"{disk.short(step.path)} {step.kind}")

    disk.intercept(ask)
    _files(str(folder), at)
    _network(at)


def _files(folder: str, at: At) -> None:
    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event not in ("open", "os.rename", "os.remove", "os.mkdir"):
            return
        if not isinstance(args[0], str | os.PathLike):
            return
        path = os.fspath(args[0])
        if not isinstance(path, str) or (path.startswith("/") and not path.startswith(folder)):
            return
        if event != "open" or args[2] & (os.O_WRONLY | os.O_RDWR):
            at(f"file {event.removeprefix('os.')}")

    sys.addaudithook(audit)


def _network(at: At) -> None:
    transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]

    def around(name: str, words: str) -> None:
        original = getattr(transport, name)

        def method(self: Any, *args: Any) -> Any:
            at(f"before {words}")
            result = original(self, *args)
            at(f"after {words}")
            return result

        setattr(transport, name, method)

    around("write", "send")
    around("writelines", "send")
    around("_read_ready", "receive")


def is_disk(point: str) -> bool:
    """Whether *point* is a change of the database's files, which the disk may refuse."""
    which, _, kind = point.partition(" ")
    return which in ("db", "wal", "journal") and kind != "delete"


class Killer:
    """Ends the process, without a word, at the *place*-th point, or the *place*-th *kind* of it."""

    def __init__(self, place: int, kind: str = "") -> None:
        self._place = place
        self._kind = kind
        self._numbers = count(1)

    def __call__(self, point: str) -> int:
        if self._kind in ("", point) and next(self._numbers) == self._place:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # another thread must not go on before the signal is delivered
        return OK


class Lister:
    """Notes all points."""

    def __init__(self) -> None:
        self.points: list[str] = []

    def __call__(self, point: str) -> int:
        self.points.append(point)
        return OK


class Refuser:
    """From the *place*-th step of the database's files on, or only there, the disk refuses."""

    def __init__(self, place: int, error: str, *, once: bool) -> None:
        self._place = place
        self._full = error == "full"
        self._once = once
        self._numbers = count(1)

    def __call__(self, point: str) -> int:
        if not is_disk(point):
            return OK
        kind = point.partition(" ")[2]
        number = next(self._numbers)
        if number < self._place or (self._once and number > self._place):
            return OK
        if self._full:
            return disk.FULL if kind == "write" else OK
        return IOERR_FSYNC if kind == "sync" else IOERR_WRITE

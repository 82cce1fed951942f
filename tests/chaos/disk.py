"""Every write, sync, truncation and deletion of SQLite passes here before it is done.

Python's own SQLite library is reached through ctypes: its way to the file system is a table of
functions, and four of them are replaced by ours, which ask first and then call the original. So
the product's writer, statements and settings are the real ones, and so is the file system.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any, NamedTuple

OK, FULL, IOERR_WRITE, IOERR_FSYNC = 0, 13, 10 | 3 << 8, 10 | 4 << 8
_DURABLE = 0x00000100 | 0x00000800 | 0x00080000  # database, rollback journal, write-ahead log


class Step(NamedTuple):
    """What SQLite is about to do to a file."""

    kind: str
    """write, sync, truncate or delete."""
    path: str
    offset: int = 0
    """Of the write; or the length to truncate to."""
    data: bytes = b""


Ask = Callable[[Step], int]
"""Says what becomes of a step: OK, or the error that SQLite is to see instead."""

# SQLite keeps the address of the name, so it is passed on as one and not as a copy of the text.
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_Close = CFUNCTYPE(c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", c_int), ("file_size", c_int), ("longest_path", c_int), ("next", c_void_p),
        ("name", c_char_p), ("data", c_void_p), ("open", c_void_p), ("delete", c_void_p),
    ]  # fmt: skip


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", c_int), ("close", c_void_p), ("read", c_void_p), ("write", c_void_p),
        ("truncate", c_void_p), ("sync", c_void_p), ("rest", c_void_p * 13),
    ]  # fmt: skip


class _File(ctypes.Structure):
    _fields_ = [("methods", POINTER(_Methods))]


def intercept(ask: Ask) -> None:
    """From now on, and as long as this process lives, *ask* is asked before each step."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None).contents
    _Interception(vfs, ask)


_alive: list[Any] = []
"""SQLite keeps bare addresses of what is in here."""


class _Interception:
    def __init__(self, vfs: _Vfs, ask: Ask) -> None:
        self._ask = ask
        self._paths: dict[int, str] = {}
        self._changed: dict[int, _Methods] = {}
        self._open, self._delete = _Open(vfs.open), _Delete(vfs.delete)
        vfs.open = self._keep(_Open(self.open))
        vfs.delete = self._keep(_Delete(self.delete))
        _alive.append(self)

    def _keep(self, function: Any) -> Any:
        _alive.append(function)
        return ctypes.cast(function, c_void_p)

    def open(self, vfs: int, name: int, file: int, flags: int, out: Any) -> int:
        code = self._open(vfs, name, file, flags, out)
        if code == OK and flags & _DURABLE and name:
            opened = _File.from_address(file)
            original = opened.methods.contents
            address = ctypes.addressof(original)
            if address not in self._changed:
                self._changed[address] = self._ours(original)
            opened.methods = ctypes.pointer(self._changed[address])
            self._paths[file] = os.fsdecode(ctypes.string_at(name))
        return code

    def delete(self, vfs: int, name: bytes, sync: int) -> int:
        return self._ask(Step("delete", os.fsdecode(name))) or self._delete(vfs, name, sync)

    def _ours(self, original: _Methods) -> _Methods:
        close, write = _Close(original.close), _Write(original.write)
        truncate, sync = _Truncate(original.truncate), _Sync(original.sync)
        paths, ask = self._paths, self._ask

        def closing(file: int) -> int:
            paths.pop(file, None)
            return close(file)

        def writing(file: int, data: int, size: int, offset: int) -> int:
            step = Step("write", paths[file], offset, ctypes.string_at(data, size))
            return ask(step) or write(file, data, size, offset)

        def truncating(file: int, size: int) -> int:
            return ask(Step("truncate", paths[file], size)) or truncate(file, size)

        def syncing(file: int, flags: int) -> int:
            return ask(Step("sync", paths[file])) or sync(file, flags)

        ours = _Methods.from_buffer_copy(original)
        ours.close = self._keep(_Close(closing))
        ours.write = self._keep(_Write(writing))
        ours.truncate = self._keep(_Truncate(truncating))
        ours.sync = self._keep(_Sync(syncing))
        return ours


def short(path: str) -> str:
    """db or wal: which of the database's files it is."""
    return Path(path).name.rpartition("-")[2] if "-" in Path(path).name else "db"

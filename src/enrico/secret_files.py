"""Secrets in files: read only where nobody else may."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from enrico.errors import ConfigError

LARGEST = 4096


def read_secret(path: Path, name: str) -> str:
    """The secret in a file, without white space around it; *name* is the setting that names it.

    Raises ConfigError when the file cannot be read, is empty, or others may read it.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())  # of the open file: it cannot be exchanged meanwhile
            _check(found, path, name)
            text = file.read(LARGEST).decode("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name} names {path}, which cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name} names {path}, which is no text. Write the key there.") from None
    if not text:
        raise ConfigError(f"{name} names {path}, which is empty. Write the key there.")
    return text


def _check(found: os.stat_result, path: Path, name: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{name} names {path}, which is no file.")
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(
            f"{name} names {path}, which belongs to another user. Make it yours: "
            f"chown {os.geteuid()} {path}"
        )
    if found.st_mode & 0o077:
        raise ConfigError(
            f"{name} names {path}, which others may read or change (mode "
            f"{stat.S_IMODE(found.st_mode):04o}). Close it with: chmod 600 {path}"
        )

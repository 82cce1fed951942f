"""Bugs to plant, so that each harness can show that it would see one."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def planted() -> Sequence[Callable[[], None]]:
    return ()

"""Chance that repeats: every draw follows from a seed and a key, never from what came before."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_ENOUGH = 1 << 128


class Draw:
    """A stream of choices for one key: ``Draw(7, "person", "ada@acme.com").pick(titles)``.

    Two sandboxes with one seed agree without sharing anything, and a person looks the same in
    whichever order and company the questions come.
    """

    __slots__ = ("_bits", "_digest")

    def __init__(self, seed: int, *key: str) -> None:
        text = "\x1f".join((str(seed), *key))
        self._digest = blake2b(text.encode("utf-8", "replace")).digest()
        self._bits = int.from_bytes(self._digest, "big")

    def below(self, limit: int) -> int:
        """A whole number from 0 to ``limit`` - 1."""
        if self._bits < _ENOUGH:
            self._digest = blake2b(self._digest).digest()
            self._bits = int.from_bytes(self._digest, "big")
        self._bits, drawn = divmod(self._bits, limit)
        return drawn

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, share: float) -> bool:
        """True in this share of all keys."""
        return self.below(10_000) < share * 10_000

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely."""
        return options[self.below(len(options))]

    def shuffle(self, items: list[T]) -> None:
        """Put the list in another order, in place."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


def hex_id(seed: int, *key: str) -> str:
    """24 hexadecimal digits, the form of Apollo's ids."""
    return blake2b(
        "\x1f".join((str(seed), *key)).encode("utf-8", "replace"), digest_size=12
    ).hexdigest()

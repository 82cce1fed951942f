"""How fast the model is, measured as it answers, and what that means for the size of a call.

A call takes a base time and a time for each token that the model writes. While slots are free, an
account's results may be divided over several calls, which ends sooner and repeats the instructions;
while more waits than there are slots, a call takes several accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

from enrico.settings import LlmSettings, Speed

FORGET = 0.98
"""Weight of what was measured before, at each new answer."""
FRAME_TOKENS = 12
"""What an answer without any signal takes."""
PARTS_MOST = 5
SMALLEST_PART = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a speed means."""

    accounts: int
    """Most accounts in a call."""
    wait: float
    """Seconds that a call waits for more accounts to join it."""
    worth: float
    """Seconds that one more call for the same account must save."""
    measured: bool = True
    """Whether a backlog fills a call only as far as the model's measured speed makes it worth."""


_SPEEDS: dict[Speed, Sizes] = {
    "fast": Sizes(accounts=10, wait=0.0, worth=0.03),
    "balanced": Sizes(accounts=10, wait=0.0, worth=0.15),
    "cheap": Sizes(accounts=10, wait=2.0, worth=float("inf")),
}


def sizes_of(settings: LlmSettings) -> Sizes:
    """What the speed means, where nothing else is said."""
    meant = _SPEEDS[settings.speed]
    accounts, wait = settings.batch_accounts, settings.batch_wait_seconds
    return Sizes(
        meant.accounts if accounts is None else accounts,
        meant.wait if wait is None else wait,
        meant.worth,
        measured=accounts is None and not wait,
    )


class Pace:
    """A straight line through (tokens written, seconds taken), newer answers weighing more."""

    def __init__(self) -> None:
        # What DeepSeek takes where nothing is measured yet: 0.6 s and 100 tokens a second.
        self._n = self._x = self._y = self._xx = self._xy = 0.0
        for tokens in (10, 60):
            self._add(tokens, 0.6 + tokens / 100)
        self._tokens_per_result = 5.0

    def note(self, tokens: int, seconds: float, results: int) -> None:
        """One answer came: *tokens* written about *results* in *seconds*."""
        if tokens <= 0 or results <= 0:
            return
        self._add(tokens, seconds)
        per_result = max(0, tokens - FRAME_TOKENS) / results
        self._tokens_per_result += (per_result - self._tokens_per_result) / 16

    def _add(self, tokens: float, seconds: float) -> None:
        for name, value in (
            ("_n", 1.0), ("_x", tokens), ("_y", seconds), ("_xx", tokens * tokens),
            ("_xy", tokens * seconds),
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) * FORGET + value)

    @property
    def line(self) -> tuple[float, float]:
        """(base seconds of a call, seconds for each token written)."""
        spread = self._n * self._xx - self._x * self._x
        slope = (self._n * self._xy - self._x * self._y) / spread if spread > 1e-9 else 0.0
        slope = max(0.0, slope)
        return max(0.05, (self._y - slope * self._x) / self._n), slope

    def parts(self, results: int, worth: float, slack: float = 0.0) -> int:
        """Over how many calls to divide an account: each must save *worth* seconds or more.

        *slack*: seconds of writing that nobody waits for, because others end no sooner.
        """
        writing = self.line[1] * self._tokens_per_result * results
        parts = 1
        most = min(PARTS_MOST, results // SMALLEST_PART)
        while (
            parts < most
            and writing / parts > slack
            and writing / parts - writing / (parts + 1) >= worth
        ):
            parts += 1
        return parts

    def accounts(self, results: int, most: int) -> int:
        """How many accounts to put in a call when more waits than there are slots.

        As many as make writing take about as long as the base: beyond that, a larger call brings
        little more through.
        """
        base, slope = self.line
        writing = slope * self._tokens_per_result * max(1, results)
        return max(1, min(most, round(base / writing))) if writing else most


def ranges(first: int, count: int, parts: int) -> list[tuple[int, int]]:
    """(first, count) of each part: ``ranges(0, 10, 3) == [(0, 4), (4, 3), (7, 3)]``."""
    size, larger = divmod(count, parts)
    found = []
    for n in range(parts):
        length = size + (n < larger)
        found.append((first, length))
        first += length
    return [part for part in found if part[1]]

"""What a sandbox is told at its start: profile, seed, keys, balances, faults, switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Literal

from enrico.sandbox.profiles import PROFILES, Profile

Provider = Literal["apollo", "serper", "llm"]

DEFAULT_KEYS: dict[str, str] = {
    "apollo": "sandbox-apollo-key",
    "serper": "sandbox-serper-key",
    "deepseek": "sandbox-deepseek-key",
}


@dataclass(slots=True)
class SandboxConfig:
    """Everything that a test may turn. The defaults make an obliging, well-funded vendor."""

    profile: str | Profile = "instant"
    """A name of ``PROFILES`` or a profile of one's own."""
    seed: int = 7
    """The same seed gives the same people, news, delays and seeded faults."""
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    """Accepted keys for ``apollo``, ``serper`` and ``deepseek``; several with commas between."""
    faults: Sequence[Mapping[str, Any]] = ()
    """See ``faults.Fault``; they come before the profile's own."""
    apollo_credits: float = 10_000_000
    serper_credits: float = 10_000_000
    llm_usd: float = 10_000.0
    now: datetime | None = None
    """Where the sandbox's clock starts (it runs on from there); None is the real time."""

    found_rate: float = 0.85
    """Share of known-looking people that Apollo has."""
    moved_rate: float = 0.06
    """Share of found people who now work, and get mail, elsewhere."""
    credit_per_person: float = 1.0
    """May be a fraction, as Apollo's may."""
    bad_key_form: Literal["json", "text"] = "json"
    """Form of Apollo's 401."""
    usage_scope: bool = True
    """False: the key may not ask for usage figures (403)."""
    retry_after: bool = True
    """False: Apollo's 429 comes without ``retry-after``."""
    match_miss: Literal["stub", "null"] = "stub"
    """What /people/match sends for an unknown person."""
    bulk_miss: Literal["null", "stub"] = "null"
    """What /people/bulk_match sends for an unknown person; ``stub`` is feared, not recorded."""
    out_of_credits_status: int = 422
    serper_credits_field: bool = True
    """False: answers carry no ``credits``, as in older recordings."""
    serper_batch_factor: float = 3.0
    """Price of a query inside an array, in single queries."""
    json_object: bool = True
    """False: ``response_format: json_object`` is refused, as by LM Studio."""
    json_schema: bool = False
    """True: ``response_format: json_schema`` is accepted, as by most but DeepSeek."""
    thinking: bool = True
    """Whether a call that does not say thinks first, as DeepSeek's models do."""
    blank_lines: bool = False
    """True: every LLM answer is preceded by empty lines, as when it had to queue."""
    blank_lines_after_seconds: float = 5.0
    """An LLM answer that takes longer sends empty lines while the client waits."""
    octet_stream_errors: bool = True
    """LLM errors carry ``application/octet-stream``, as recorded."""

    def chosen_profile(self) -> Profile:
        """The profile itself; ValueError names the known ones when there is no such name."""
        if isinstance(self.profile, Profile):
            return self.profile
        if self.profile not in PROFILES:
            known = ", ".join(PROFILES)
            raise ValueError(f"no sandbox profile named {self.profile!r}; known are: {known}")
        return PROFILES[self.profile]

    def accepts(self, name: str, key: str) -> bool:
        """Whether ``key`` is one of those that open this service."""
        return bool(key) and key in self.keys.get(name, "").split(",")


class Clock:
    """Wall time that starts where a test wants it, and runs as fast as the real one."""

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            start = start.replace(tzinfo=UTC)
        self._wanted = start
        self.restart()

    def restart(self) -> None:
        self.start = self._wanted or datetime.now(UTC)
        self._started = monotonic()

    def elapsed(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._started

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed())

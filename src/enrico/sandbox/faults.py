"""What goes wrong, and when: schedules that repeat exactly, so that a found bug stays found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from enrico.sandbox.draw import Draw

PROVIDERS = ("apollo", "serper", "llm")

TRANSPORT_KINDS = frozenset(
    {
        "429",  # refused, with the vendor's own retry-after
        "429_no_header",
        "503_html",
        "reset_before",  # connection reset, nothing charged
        "reset_after",  # connection reset, charged
        "cut",  # the body ends early
        "malformed",  # the body is whole, but not JSON
        "html_200",
        "error_200",
        "slow",
    }
)
APOLLO_KINDS = frozenset(
    {"short", "shuffled", "stub", "lying_headers", "empty_headers", "out_of_credits"}
)
SERPER_KINDS = frozenset({"short", "shuffled", "empty", "out_of_credits"})
LLM_KINDS = frozenset(
    {
        "drop",  # one account is missing
        "swap",  # two accounts have each other's signals
        "double",  # one account comes twice, differently
        "invent",  # ids, types, results and addresses that nobody gave
        "obey",  # does what a text among the results asks for
        "truncate",
        "blank",
        "empty",
        "fenced",
        "array",
        "content_filter",
        "insufficient_system_resource",
        "wrong_finish_reason",
        "blank_lines",
        "out_of_credits",
    }
)
KINDS = {
    "apollo": TRANSPORT_KINDS | APOLLO_KINDS,
    "serper": TRANSPORT_KINDS | SERPER_KINDS,
    "llm": TRANSPORT_KINDS | LLM_KINDS,
}
KINDS["*"] = KINDS["apollo"] & KINDS["serper"] & KINDS["llm"]

_UNCHARGED = frozenset({"reset_before", "error_200"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Conditions given together must all hold; none means always.

    Calls are numbered from 1 for each fault: those with a valid key, to this provider's paid
    endpoints, or to ``endpoint`` alone. ``kind`` may also be any status from 400 to 599.
    """

    provider: str
    kind: str
    endpoint: str | None = None
    """For example ``people/bulk_match``; also one that is free, e.g. a usage endpoint."""
    at: tuple[int, ...] | None = None
    every: int | None = None
    burst: int = 1
    """With ``every``: so many calls in a row, the last of each round."""
    rate: float | None = None
    """Share of calls, drawn by seed and number."""
    from_call: int | None = None
    to_call: int | None = None
    from_s: float | None = None
    to_s: float | None = None
    """Seconds since the sandbox began or was reset."""
    seconds: float | None = None
    """Extra delay, with any kind."""
    retry_after: float | None = None
    charge: bool | str | None = None
    """True or False overrules what the kind does; ``late`` charges after the delay."""

    @property
    def status(self) -> int | None:
        """The HTTP status that this fault answers with, if it is that sort of fault."""
        head = self.kind[:3]
        return int(head) if head.isdigit() else None

    @property
    def charges(self) -> bool:
        """Whether the vendor bills a call that this happens to."""
        if self.charge is not None:
            return bool(self.charge)
        return self.status is None and self.kind not in _UNCHARGED

    @property
    def loses_answer(self) -> bool:
        """Whether the client cannot read the answer, paid or not."""
        lost = {"reset_before", "reset_after", "cut", "malformed", "html_200", "error_200"}
        return self.kind in lost or self.status is not None

    def hits(self, number: int, elapsed: float, seed: int) -> bool:
        """Whether call ``number``, ``elapsed`` seconds after the start, goes wrong."""
        checks = (
            self.at is None or number in self.at,
            self.every is None or (number - 1) % self.every >= self.every - self.burst,
            self.from_call is None or number >= self.from_call,
            self.to_call is None or number <= self.to_call,
            self.from_s is None or elapsed >= self.from_s,
            self.to_s is None or elapsed < self.to_s,
            self.rate is None
            or Draw(seed, "fault", self.provider, self.kind, str(number)).chance(self.rate),
        )
        return all(checks)


def read_fault(value: Mapping[str, Any]) -> Fault:
    """A fault from its JSON form; ValueError says what is wrong with it."""
    if not isinstance(value, Mapping):
        raise ValueError(f"a fault is an object with provider and kind, not {value!r}")
    unknown = set(value) - {field.name for field in fields(Fault)}
    if unknown:
        raise ValueError(f"a fault has no field {', '.join(sorted(unknown))}: {dict(value)}")
    provider, kind = value.get("provider", "*"), str(value.get("kind", ""))
    if provider not in KINDS:
        raise ValueError(f"no provider {provider!r} in a fault; known are: {', '.join(KINDS)}")
    is_status = kind.isdigit() and 400 <= int(kind) <= 599
    if kind not in KINDS[provider] and not is_status:
        known = ", ".join(sorted(KINDS[provider]))
        raise ValueError(f"{provider} has no fault {kind!r}; known are: any status, {known}")
    at = value.get("at")
    numbers = None if at is None else tuple(at) if isinstance(at, list | tuple) else (int(at),)
    return Fault(**{**value, "provider": provider, "kind": kind, "at": numbers})


class FaultPlan:
    """All faults of a running sandbox, and how often each has been asked about."""

    def __init__(self, seed: int, faults: Iterable[Mapping[str, Any]]) -> None:
        self._seed = seed
        self._numbers: Counter[int] = Counter()
        self.replace(faults)

    def replace(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Take these faults in place of the old ones, and count calls from 1 again."""
        self._faults = [read_fault(fault) for fault in faults]
        self.restart()

    def restart(self) -> None:
        self._numbers.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The faults in their JSON form, without what is left open."""
        names = [field.name for field in fields(Fault)]
        rows = ({name: getattr(fault, name) for name in names} for fault in self._faults)
        return [{name: v for name, v in row.items() if v is not None} for row in rows]

    def next(self, provider: str, endpoint: str, usual: bool, elapsed: float) -> Fault | None:
        """The fault of this call, the first that hits in the order given; None: all goes well.

        ``usual`` says that faults which name no endpoint apply here.
        """
        chosen = None
        for index, fault in enumerate(self._faults):
            if fault.provider not in (provider, "*"):
                continue
            if not (usual if fault.endpoint is None else fault.endpoint == endpoint):
                continue
            number_of = index * len(PROVIDERS) + PROVIDERS.index(provider)
            self._numbers[number_of] += 1
            number = self._numbers[number_of]
            if chosen is None and fault.hits(number, elapsed, self._seed + number_of):
                chosen = fault
        return chosen

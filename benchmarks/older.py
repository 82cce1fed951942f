"""The older design in three states: deal by deal, in phases, and as it was hoped to become.

A client of its own that shares no code with Enrico, as kind to the older design as its description
allows: it keeps its limits, sends a call again after a 429, asks the model for labels and not for
prose, gets results by position, and dedupes people by address where it says so. It has no journal.
A call that fails otherwise is stored as "not found" or "no signals", as the older design did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from benchmarks.salesforce import Crm, address, batches, llm_request, read_crm, search_request
from benchmarks.variants import Ready, Result

SEARCHES_AT_ONCE = 5
SEARCH_SPACING_SECONDS = 0.21
"""Five a second would be 0.2; a little more, so that jitter does not make it six."""
ACCOUNTS_A_CALL = 10
PEOPLE_A_CALL = 10
PAUSE_SECONDS = 0.5
"""Between two bulk calls of ``phased``."""
BULK_CALLS_AT_ONCE = 3
"""Of ``projected``."""
ATTEMPTS = 4
WAIT_AFTER_429_SECONDS = 1.0

# The older design's way to guess; it takes no time and stands here for completeness.
TITLE_ROLES = (
    (("chief", "ceo", "cto", "cfo", "coo", "cio", "president", "founder"), "executive_sponsor"),
    (("vp", "head", "director"), "decision_maker"),
    (("procurement", "legal", "counsel"), "legal_procurement"),
    (("engineer", "architect", "developer"), "technical_evaluator"),
    (("manager", "lead"), "influencer"),
)

Results = dict[str, list[Any]]
Person = Mapping[str, str]


@dataclass(slots=True)
class Memory:
    """What is known, from this run and from earlier ones."""

    searches: Results = field(default_factory=dict)
    signals: dict[str, list[Any]] = field(default_factory=dict)
    people: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Memory:
        """What an earlier run left; nothing when there was none."""
        return cls(**orjson.loads(path.read_bytes())) if path.exists() else cls()

    def write(self, path: Path) -> None:
        """For the next run."""
        known = {"searches": self.searches, "signals": self.signals, "people": self.people}
        path.write_bytes(orjson.dumps(known))


@dataclass(slots=True)
class Phases:
    """First start to last end of each phase, in seconds."""

    began: float = field(default_factory=time.perf_counter)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count what happens inside to the phase."""
        began = time.perf_counter()
        yield
        first, _ = self.spans.get(name, (began, began))
        self.spans[name] = first, time.perf_counter()

    def seconds(self) -> dict[str, float]:
        """By phase."""
        return {name: ended - began for name, (began, ended) in self.spans.items()}


class Api:
    """The three providers. A call that brings nothing after all gives None."""

    def __init__(self, session: aiohttp.ClientSession, ready: Ready) -> None:
        self._session = session
        self._sandbox = ready.sandbox
        keys = ready.sandbox["keys"]
        self._headers = {
            "serper": {"X-API-KEY": keys["serper"]},
            "llm": {"Authorization": f"Bearer {keys['deepseek']}"},
            "apollo": {"x-api-key": keys["apollo"]},
        }
        self._pace = asyncio.Lock()

    async def search(self, name: str) -> list[Any]:
        """Results for an account; none when the call failed."""
        async with self._pace:
            request = self._post("serper", "search", search_request(name))
            answer = asyncio.ensure_future(request)
            await asyncio.sleep(SEARCH_SPACING_SECONDS)
        found = (await answer or {}).get("organic", [])
        return found if isinstance(found, list) else []

    async def classify(self, crm: Crm, found: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Signals by account; none for those that the answer lacks."""
        answer = await self._post("llm", "chat/completions", llm_request(crm, found))
        try:
            content = orjson.loads(answer["choices"][0]["message"]["content"])
            named = {entry["id"]: entry["signals"] for entry in content["accounts"]}
        except (TypeError, KeyError, ValueError):
            named = {}
        return {key: named.get(key, []) for key in found}

    async def bulk(self, people: Sequence[Person]) -> dict[str, Any]:
        """Matches by address; None for those who are unknown, and for all when the call failed."""
        answer = await self._post("apollo", "people/bulk_match", {"details": people})
        # By position: the older design joined by the address that came back, and lost the moved.
        matches = (answer or {}).get("matches") or [None] * len(people)
        return {address(person["email"]): m for person, m in zip(people, matches, strict=True)}

    async def match(self, person: Person) -> Any:
        """One person; None when unknown and when the call failed."""
        found = (await self._post("apollo", "people/match", person) or {}).get("person")
        return found if found and found.get("name") else None

    async def _post(self, provider: str, path: str, body: Any) -> Any:
        url = f"{self._sandbox[provider]}/{path}"
        for _ in range(ATTEMPTS):
            try:
                async with self._session.post(
                    url, data=orjson.dumps(body), headers=self._headers[provider]
                ) as response:
                    if response.status == 200:
                        return orjson.loads(await response.read())
                    if response.status != 429:
                        return None
                    wait = float(response.headers.get("retry-after", WAIT_AFTER_429_SECONDS))
            except (aiohttp.ClientError, ValueError):
                return None
            await asyncio.sleep(wait)
        return None


async def sequential(crm: Path, ready: Ready) -> Result:
    """Deal by deal: its account is searched and classified, then its contacts one by one."""
    phases = Phases()
    records, memory = read_crm(crm), Memory()
    async with _api(ready) as api:
        for deal in records.deals:
            account = deal["AccountId"]
            with phases.of("search"):
                memory.searches[account] = await api.search(records.accounts[account]["Name"])
            if memory.searches[account]:
                with phases.of("classify"):
                    found = {account: memory.searches[account]}
                    memory.signals |= await api.classify(records, found)
            with phases.of("people"):
                for person in records.on_deal(deal["Id"]):
                    memory.people[address(person["email"])] = await api.match(person)
    return _result(phases, records, memory)


async def phased(crm: Path, ready: Ready) -> Result:
    """Search, then classification, then roles, then people."""
    phases = Phases()
    records, memory = read_crm(crm), Memory.read(ready.state / "known.json")
    async with _api(ready) as api:
        with phases.of("search"):
            await _search_all(api, records, memory)
        with phases.of("classify"):
            for batch in batches(_unread(memory), ACCOUNTS_A_CALL):
                found = {key: memory.searches[key] for key in batch}
                memory.signals |= await api.classify(records, found)
        with phases.of("people"):
            for number, people in enumerate(batches(_unknown(records, memory), PEOPLE_A_CALL)):
                if number:
                    await asyncio.sleep(PAUSE_SECONDS)
                memory.people |= await api.bulk(people)
    memory.write(ready.state / "known.json")
    return _result(phases, records, memory)


async def projected(crm: Path, ready: Ready) -> Result:
    """Search and people at once; classification as soon as ten accounts wait for it."""
    phases = Phases()
    records, memory = read_crm(crm), Memory.read(ready.state / "known.json")
    searched: asyncio.Queue[str | None] = asyncio.Queue()

    async def search(api: Api) -> None:
        with phases.of("search"):
            await _search_all(api, records, memory, searched)
        searched.put_nowait(None)

    async def classify(api: Api) -> None:
        batch = _unread(memory)
        over = False
        while not over:
            key = await searched.get()
            over = key is None
            if key is not None and memory.searches[key]:
                batch.append(key)
            while len(batch) >= ACCOUNTS_A_CALL or (over and batch):
                asked, batch = batch[:ACCOUNTS_A_CALL], batch[ACCOUNTS_A_CALL:]
                with phases.of("classify"):
                    found = {key: memory.searches[key] for key in asked}
                    memory.signals |= await api.classify(records, found)

    async def buy(api: Api) -> None:
        at_once = asyncio.Semaphore(BULK_CALLS_AT_ONCE)

        async def one(people: Sequence[Person]) -> None:
            async with at_once:
                memory.people |= await api.bulk(people)

        with phases.of("people"):
            wanted = _unknown(records, memory)
            await asyncio.gather(*(one(people) for people in batches(wanted, PEOPLE_A_CALL)))

    async with _api(ready) as api, asyncio.TaskGroup() as group:
        group.create_task(search(api))
        group.create_task(classify(api))
        group.create_task(buy(api))
    memory.write(ready.state / "known.json")
    return _result(phases, records, memory)


@asynccontextmanager
async def _api(ready: Ready) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(session, ready)


async def _search_all(
    api: Api, crm: Crm, memory: Memory, searched: asyncio.Queue[str | None] | None = None
) -> None:
    """Results of accounts that were never searched: five searches at once, five a second."""
    at_once = asyncio.Semaphore(SEARCHES_AT_ONCE)

    async def search(key: str) -> None:
        async with at_once:
            memory.searches[key] = await api.search(crm.accounts[key]["Name"])
        if searched is not None:
            searched.put_nowait(key)

    wanted = [key for key in crm.accounts if key not in memory.searches]
    await asyncio.gather(*(search(key) for key in wanted))


def _unread(memory: Memory) -> list[str]:
    return [key for key, found in memory.searches.items() if found and key not in memory.signals]


def _unknown(crm: Crm, memory: Memory) -> list[Person]:
    return [person for key, person in crm.people().items() if key not in memory.people]


def _result(phases: Phases, crm: Crm, memory: Memory) -> Result:
    roles = sum(bool(role or role_of(person["Title"])) for person, role in crm.seats())
    found = {key for key, match in memory.people.items() if match}
    return Result(
        seconds=time.perf_counter() - phases.began,
        phases=phases.seconds(),
        searched=frozenset(memory.searches),
        classified=frozenset(memory.signals),
        found=frozenset(found),
        missed=frozenset(memory.people.keys() - found),
        roles=roles,
    )


def role_of(title: str) -> str:
    """The role that a title's words suggest; empty for none."""
    words = title.lower().split()
    return next((role for known, role in TITLE_ROLES if any(w in words for w in known)), "")

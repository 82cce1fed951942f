"""The older design: search, then classification, then roles, then people, one after the other.

A client of its own that shares no code with Enrico, as kind to the older design as its description
allows: it keeps its limits, sends a call again after a 429, asks the model for labels and not for
prose, and dedupes people by e-mail. It has no journal and no cache, so a crash pays again.
"""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from benchmarks.variants import Ready, Result

T = TypeVar("T")

SEARCHES_AT_ONCE = 5
SEARCH_SPACING_SECONDS = 0.21
"""Five a second would be 0.2; a little more, so that jitter does not make it six."""
ACCOUNTS_A_CALL = 10
PEOPLE_A_CALL = 10
PAUSE_SECONDS = 0.5
"""Between two bulk calls."""
ATTEMPTS = 4
WAIT_AFTER_429_SECONDS = 1.0

QUERY = '"{}" (funding OR acquisition OR partnership OR launch OR hiring OR layoffs OR CEO)'
PROMPT = """\
You classify search results about companies. The user message is a JSON document with accounts and \
their results. Types: funding, hiring, expansion, leadership_change, partnership, product_launch, \
acquisition, layoff, regulatory, award, negative_press. Answer with one JSON object: \
{"accounts":[{"id":"a1","signals":[{"result":0,"type":"funding","relevance":0.9}]}]}
"""
# The older design's way to guess; it takes no time and stands here for completeness.
TITLE_ROLES = (
    (("chief", "ceo", "cto", "cfo", "coo", "cio", "president", "founder"), "executive_sponsor"),
    (("vp", "head", "director"), "decision_maker"),
    (("procurement", "legal", "counsel"), "legal_procurement"),
    (("engineer", "architect", "developer"), "technical_evaluator"),
    (("manager", "lead"), "influencer"),
)


@dataclass(slots=True)
class Crm:
    """What is needed of a Salesforce export."""

    accounts: dict[str, dict[str, str]]
    """Those that have a deal, by their id."""
    seats: list[tuple[dict[str, str], str]]
    """Contact and CRM role for each contact on each deal."""

    def people(self) -> list[dict[str, str]]:
        """Each address once."""
        return list(
            {contact["Email"].strip().lower(): contact for contact, _ in self.seats}.values()
        )


@dataclass(slots=True)
class Clock:
    """What was measured."""

    phases: dict[str, float] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(
        default_factory=lambda: {"serper": [], "llm": [], "apollo": []}
    )

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one phase."""
        began = time.perf_counter()
        yield
        self.phases[name] = time.perf_counter() - began


class Api:
    """The three providers."""

    def __init__(self, session: aiohttp.ClientSession, ready: Ready, clock: Clock) -> None:
        self._session = session
        self._sandbox = ready.sandbox
        self._clock = clock
        keys = ready.sandbox["keys"]
        self._headers = {
            "serper": {"X-API-KEY": keys["serper"]},
            "llm": {"Authorization": f"Bearer {keys['deepseek']}"},
            "apollo": {"x-api-key": keys["apollo"]},
        }

    async def post(self, provider: str, path: str, body: Mapping[str, Any]) -> Any:
        """The answer as JSON. Raises RuntimeError when there is none after some attempts."""
        url = f"{self._sandbox[provider]}/{path}"
        status = 0
        for _ in range(ATTEMPTS):
            began = time.perf_counter()
            async with self._session.post(
                url, data=orjson.dumps(body), headers=self._headers[provider]
            ) as response:
                status, text = response.status, await response.read()
            if status == 200:
                self._clock.latencies[provider].append(time.perf_counter() - began)
                return orjson.loads(text)
            if status != 429:
                break
            await asyncio.sleep(float(response.headers.get("retry-after", WAIT_AFTER_429_SECONDS)))
        raise RuntimeError(f"{provider} answered HTTP {status}; the older design has failed")


async def run(crm: Path, ready: Ready) -> Result:
    """All four phases over a Salesforce export."""
    began = time.perf_counter()
    clock = Clock()
    with clock.phase("prepare"):
        records = read_crm(crm)
    async with open_api(ready, clock) as api:
        with clock.phase("search"):
            found = await search_all(api, records.accounts)
        with clock.phase("classify"):
            signals = await classify_all(api, records.accounts, found)
        with clock.phase("roles"):
            roles = [role or role_of(contact["Title"]) for contact, role in records.seats]
        with clock.phase("people"):
            people = await buy_all(api, records.people())
    return Result(
        seconds=time.perf_counter() - began,
        phases=clock.phases,
        latencies=clock.latencies,
        searched=len(found),
        classified=len(signals),
        people=len(people),
        roles=sum(bool(role) for role in roles),
    )


@asynccontextmanager
async def open_api(ready: Ready, clock: Clock) -> AsyncIterator[Api]:
    """A session that lasts as long as the run."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, ready, clock)


def read_crm(folder: Path) -> Crm:
    """The sample CRM in Salesforce's form."""

    def table(name: str) -> list[dict[str, str]]:
        with (folder / f"{name}.csv").open(encoding="iso-8859-1", newline="") as lines:
            return list(csv.DictReader(lines))

    contacts = {row["Id"]: row for row in table("Contact")}
    used = {row["AccountId"] for row in table("Opportunity")}
    return Crm(
        {row["Id"]: row for row in table("Account") if row["Id"] in used},
        [(contacts[row["ContactId"]], row["Role"]) for row in table("OpportunityContactRole")],
    )


async def search_all(api: Api, accounts: Mapping[str, Mapping[str, str]]) -> dict[str, list[Any]]:
    """Results by account id: five searches at once, five a second."""
    at_once = asyncio.Semaphore(SEARCHES_AT_ONCE)
    pace = asyncio.Lock()
    found: dict[str, list[Any]] = {}

    async def search(key: str, name: str) -> None:
        async with at_once:
            async with pace:
                sent = api.post(
                    "serper",
                    "search",
                    {"q": QUERY.format(name), "num": 10, "gl": "us", "hl": "en", "tbs": "qdr:y"},
                )
                answer = asyncio.ensure_future(sent)
                await asyncio.sleep(SEARCH_SPACING_SECONDS)
            found[key] = (await answer).get("organic", [])

    async with asyncio.TaskGroup() as group:
        for key, account in accounts.items():
            group.create_task(search(key, account["Name"]))
    return found


async def classify_all(
    api: Api, accounts: Mapping[str, Mapping[str, str]], found: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """Signals by account id: ten accounts a call, one call at a time."""
    signals: dict[str, Any] = {}
    for batch in batches([key for key, results in found.items() if results], ACCOUNTS_A_CALL):
        documents = [
            {
                "id": key,
                "name": accounts[key]["Name"],
                "domain": accounts[key]["Website"],
                "results": [
                    {
                        "id": number,
                        **{name: r.get(name, "") for name in ("title", "snippet", "date")},
                    }
                    for number, r in enumerate(found[key])
                ],
            }
            for key in batch
        ]
        answer = await api.post(
            "llm",
            "chat/completions",
            {
                "model": "deepseek-flash",
                "messages": [
                    {"role": "system", "content": PROMPT},
                    {"role": "user", "content": orjson.dumps({"accounts": documents}).decode()},
                ],
                "response_format": {"type": "json_object"},
                "thinking": {"type": "disabled"},
                "temperature": 0,
            },
        )
        content = orjson.loads(answer["choices"][0]["message"]["content"])
        signals.update({entry["id"]: entry["signals"] for entry in content["accounts"]})
    return signals


async def buy_all(api: Api, people: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Matches by address: ten people a call, one call at a time, with a pause between."""
    matches: dict[str, Any] = {}
    for number, batch in enumerate(batches(people, PEOPLE_A_CALL)):
        if number:
            await asyncio.sleep(PAUSE_SECONDS)
        details = [
            {"email": p["Email"].strip(), "first_name": p["FirstName"], "last_name": p["LastName"]}
            for p in batch
        ]
        answer = await api.post("apollo", "people/bulk_match", {"details": details})
        # By position: the older design joined by the address that came back, and lost the moved.
        for person, match in zip(details, answer["matches"], strict=True):
            matches[person["email"].lower()] = match
    return matches


def role_of(title: str) -> str:
    """The role that a title's words suggest; empty for none."""
    words = title.lower().split()
    return next((role for known, role in TITLE_ROLES if any(w in words for w in known)), "")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Slices of *size*; the last may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

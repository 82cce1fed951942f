"""A careful asyncio script, as a good engineer writes it in an afternoon with known libraries.

pyrate-limiter holds every window of the profile at once (measured the best of its kind: it keeps
to fixed windows, where a token bucket lets twice the limit through), stamina repeats what failed,
semaphores bound what is open. Each account is classified as soon as it is searched, people go in
bulk calls of ten at once, nobody is asked for twice, and what is known is kept in a JSON file.

What it does not have is what an afternoon does not buy: a ledger of what was sent. A bulk call
whose connection breaks is sent again, whether it was charged or not, and a crash loses the run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import stamina
from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate, SingleBucketFactory

from benchmarks.older import Memory, Phases, role_of
from benchmarks.salesforce import Crm, address, batches, llm_request, read_crm, search_request
from benchmarks.variants import Ready, Result

ATTEMPTS = 8
PEOPLE_A_CALL = 10
TIMEOUT = aiohttp.ClientTimeout(total=30)
_MINUTE, _HOUR, _DAY = Duration.MINUTE, Duration.HOUR, Duration.DAY
# What the vendor's plan page says, as calls per period; none for "as fast as you like".
LIMITS: Mapping[str, Mapping[str, Sequence[tuple[int, Duration]]]] = {
    "classic": {"serper": [(5, Duration.SECOND)], "apollo": [(5, Duration.SECOND)]},
    "modern": {"serper": [(50, Duration.SECOND)], "apollo": [(1000, _MINUTE)]},
    "storm": {"serper": [(50, Duration.SECOND)], "apollo": [(1000, _MINUTE)]},
    "free": {
        "serper": [(5, Duration.SECOND)], "apollo": [(20, _MINUTE), (100, _HOUR), (600, _DAY)],
    },
    "instant": {},
}  # fmt: skip
AT_ONCE = {"serper": 128, "llm": 128, "apollo": 64}


class Again(Exception):
    """Worth another attempt, after so many seconds where the provider says."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Api:
    """The three providers, limited and repeated."""

    def __init__(self, session: aiohttp.ClientSession, ready: Ready) -> None:
        self._session = session
        self._sandbox = ready.sandbox
        keys = ready.sandbox["keys"]
        self._headers = {
            "serper": {"X-API-KEY": keys["serper"]},
            "llm": {"Authorization": f"Bearer {keys['deepseek']}"},
            "apollo": {"x-api-key": keys["apollo"]},
        }
        self._limiters = {
            name: _limiter(rates) for name, rates in LIMITS[ready.profile].items() if rates
        }
        self._open = {name: asyncio.Semaphore(most) for name, most in AT_ONCE.items()}

    async def post(self, provider: str, path: str, body: Any) -> Any:
        """The answer as JSON. Raises Again for all that may pass."""
        async with self._open[provider]:
            if provider in self._limiters:
                await self._limiters[provider].try_acquire_async(provider)
            url = f"{self._sandbox[provider]}/{path}"
            try:
                async with self._session.post(
                    url, data=orjson.dumps(body), headers=self._headers[provider]
                ) as response:
                    if response.status == 429 or response.status >= 500:
                        wait = response.headers.get("retry-after")
                        raise Again(f"HTTP {response.status}", float(wait) if wait else None)
                    response.raise_for_status()
                    return orjson.loads(await response.read())
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
                raise Again(str(error)) from error
            except (TimeoutError, orjson.JSONDecodeError) as error:
                raise Again(type(error).__name__) from error


def _limiter(rates: Sequence[tuple[int, Duration]]) -> Limiter:
    """All windows at once. Emptied by its own puts: no thread is needed for so few calls."""
    bucket = InMemoryBucket([Rate(limit, period) for limit, period in rates])
    return Limiter(SingleBucketFactory(bucket, schedule_leak=False))


def _wait(error: Exception) -> bool | float:
    if not isinstance(error, Again):
        return False
    return True if error.after is None else error.after


stamina.instrumentation.set_on_retry_hooks([])  # a line for each retry is of no use here
_repeat = stamina.retry(on=_wait, attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=5.0)


@_repeat
async def search(api: Api, name: str) -> list[Any]:
    """Results for an account."""
    answer = await api.post("serper", "search", search_request(name))
    if "searchParameters" not in answer:
        raise Again("no search answer")
    found: list[Any] = answer.get("organic", [])
    return found


@_repeat
async def classify(api: Api, crm: Crm, key: str, results: list[Any]) -> list[Any]:
    """Signals of one account."""
    answer = await api.post("llm", "chat/completions", llm_request(crm, {key: results}))
    choice = answer["choices"][0]
    try:
        content = orjson.loads(choice["message"]["content"])
        named = {entry["id"]: entry["signals"] for entry in content["accounts"]}
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise Again("not the JSON that was asked for") from error
    if choice["finish_reason"] != "stop" or key not in named:
        raise Again("the answer is not whole")
    signals: list[Any] = named[key]
    return signals


@_repeat
async def match(api: Api, people: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Matches by address, in the order of the request; None for those who are unknown."""
    answer = await api.post("apollo", "people/bulk_match", {"details": people})
    matches = answer.get("matches", [])
    if len(matches) != len(people):
        raise Again("the answer is not whole")
    return {address(person["email"]): m for person, m in zip(people, matches, strict=True)}


async def run(crm: Path, ready: Ready) -> Result:
    """Everything at once over a Salesforce export; what fails in the end is left for next time."""
    phases = Phases()
    records = read_crm(crm)
    path = ready.state / "known.json"
    known = Memory.read(path)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0)
    async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
        api = Api(session, ready)

        async def account(key: str) -> None:
            if key not in known.searches:
                with phases.of("search"):
                    known.searches[key] = await search(api, records.accounts[key]["Name"])
            if known.searches[key] and key not in known.signals:
                with phases.of("classify"):
                    found = await classify(api, records, key, known.searches[key])
                    known.signals[key] = found

        async def buy(people: Sequence[Mapping[str, str]]) -> None:
            with phases.of("people"):
                known.people |= await match(api, people)

        wanted = [person for key, person in records.people().items() if key not in known.people]
        done = await asyncio.gather(
            *(account(key) for key in records.accounts),
            *(buy(people) for people in batches(wanted, PEOPLE_A_CALL)),
            return_exceptions=True,
        )
    known.write(path)
    for error in done:
        if isinstance(error, BaseException) and not isinstance(error, Again):
            raise error
    found = {key for key, person in known.people.items() if person}
    return Result(
        seconds=time.perf_counter() - phases.began,
        phases=phases.seconds(),
        searched=frozenset(known.searches),
        classified=frozenset(known.signals),
        found=frozenset(found),
        missed=frozenset(known.people.keys() - found),
        roles=sum(bool(role or role_of(person["Title"])) for person, role in records.seats()),
    )

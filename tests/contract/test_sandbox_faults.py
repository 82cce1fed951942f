"""Faults come when they are told to, on every provider, and the books tell what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import aiohttp
import orjson
import pytest

from enrico.sandbox import DEFAULT_KEYS, PROFILES, RunningSandbox, SandboxConfig, start
from enrico.sandbox.profiles import Limits, Profile

PEOPLE = {"details": [{"email": f"p{n}@osprey-media.com"} for n in range(4)]}
SIX = {"details": [{"email": f"p{n}@osprey-media.com"} for n in range(6)]}


class Client:
    def __init__(self, sandbox: RunningSandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def call(self, provider: str, body: Any = None) -> tuple[int, bytes, Any]:
        """A good call to a provider's main endpoint."""
        sandbox = self.sandbox
        chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        url, key, usual = {
            "apollo": (f"{sandbox.apollo_url}/people/bulk_match", "x-api-key", PEOPLE),
            "serper": (f"{sandbox.serper_url}/search", "X-API-KEY", {"q": "a"}),
            "llm": (f"{sandbox.llm_url}/chat/completions", "Authorization", chat),
        }[provider]
        secret = DEFAULT_KEYS["deepseek" if provider == "llm" else provider]
        headers = {key: f"Bearer {secret}" if provider == "llm" else secret}
        async with self.http.post(url, json=body or usual, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def quiet(self, provider: str) -> None:
        """Return when the sandbox has no call in hand."""
        for _ in range(500):
            if not self.sandbox.stats()[provider]["at_once"]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{provider} still has a call in hand")

    async def outcomes(self, provider: str, calls: int) -> list[str]:
        """The status of each call, or the error that it ended with."""
        found = []
        for _ in range(calls):
            try:
                status, body, _ = await self.call(provider)
                found.append(str(status) if body[:1] in b"{[" else f"{status} not JSON")
            except aiohttp.ClientPayloadError:
                found.append("cut")
            except aiohttp.ClientConnectionError:
                found.append("reset")
        return found


Open = Callable[..., Awaitable[Client]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_client(*faults: dict[str, Any], **settings: Any) -> Client:
            config = SandboxConfig(found_rate=1.0, faults=faults, **settings)
            sandbox = await stack.enter_async_context(await start(config))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(sandbox, http)

        yield open_client


@pytest.mark.parametrize("provider", ["apollo", "serper", "llm"])
@pytest.mark.parametrize(
    ("kind", "outcome", "paid", "lost"),
    [
        ("429", "429", 2, 0),
        ("500", "500", 2, 0),
        ("404", "404", 2, 0),
        ("503_html", "503 not JSON", 2, 0),
        ("reset_before", "reset", 2, 0),
        ("reset_after", "reset", 3, 1),
        ("cut", "cut", 3, 1),
        ("html_200", "200 not JSON", 3, 1),
        ("error_200", "200", 2, 0),
        ("malformed", "200", 3, 1),
    ],
)
async def test_the_second_call_goes_wrong_and_the_books_say_so(
    opened: Open, provider: str, kind: str, outcome: str, paid: int, lost: int
) -> None:
    client = await opened({"provider": provider, "kind": kind, "at": [2]})

    outcomes = await client.outcomes(provider, 3)

    assert outcomes == ["200", outcome, "200"]
    books = client.sandbox.stats()[provider]
    assert books["paid_calls"] == paid
    assert books["charged_then_lost"] == lost
    assert books["faults"] == {kind: 1}
    assert books["calls"] == 3
    assert books["at_once"] == 0


async def test_a_malformed_body_is_no_json(opened: Open) -> None:
    client = await opened({"provider": "*", "kind": "malformed"})

    for provider in ("apollo", "serper", "llm"):
        _, body, headers = await client.call(provider)
        assert int(headers["content-length"]) == len(body)
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(body)


async def test_reset_after_charges_so_that_a_blind_retry_pays_twice(opened: Open) -> None:
    client = await opened({"provider": "apollo", "kind": "reset_after", "at": 1})

    await client.outcomes("apollo", 2)

    books = client.sandbox.stats()["apollo"]
    assert (books["credits"], books["credits_lost"]) == (8, 4)
    assert books["people_paid_more_than_once"] == 4
    assert books["by_status"] == {"200": 1, "reset": 1}


async def test_a_client_that_gives_up_waiting_has_paid(opened: Open) -> None:
    client = await opened({"provider": "apollo", "kind": "slow", "seconds": 0.3})

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.call("apollo")
    at_once = client.sandbox.stats()["apollo"]["credits"]
    await client.quiet("apollo")

    assert at_once == 4
    assert client.sandbox.stats()["apollo"]["charged_then_lost"] == 1


async def test_a_late_charge_comes_after_the_client_has_gone(opened: Open) -> None:
    fault = {"provider": "apollo", "kind": "slow", "seconds": 0.2, "charge": "late"}
    client = await opened(fault)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.call("apollo")
    at_once = client.sandbox.stats()["apollo"]["credits"]
    await client.quiet("apollo")

    assert (at_once, client.sandbox.stats()["apollo"]["credits"]) == (0, 4)


async def test_429s_say_when_to_come_back_unless_told_not_to(opened: Open) -> None:
    client = await opened(
        {"provider": "apollo", "kind": "429", "at": 1, "retry_after": 7},
        {"provider": "apollo", "kind": "429_no_header", "at": 2},
    )

    first, second = [await client.call("apollo") for _ in range(2)]

    assert (first[0], first[2]["retry-after"]) == (429, "7")
    assert (second[0], "retry-after" in second[2]) == (429, False)
    assert client.sandbox.stats()["apollo"]["rate_limited"] == 2


async def test_matches_can_be_short_shuffled_or_stubs(opened: Open) -> None:
    client = await opened(
        {"provider": "apollo", "kind": "short", "at": 1},
        {"provider": "apollo", "kind": "shuffled", "at": 2},
        {"provider": "apollo", "kind": "stub", "at": 3},
    )
    good = orjson.loads((await (await opened()).call("apollo", SIX))[1])["matches"]

    short, shuffled = [
        orjson.loads((await client.call("apollo", SIX))[1])["matches"] for _ in range(2)
    ]
    missing = {"details": [{"email": "info@acme.com"}]}
    stub = orjson.loads((await client.call("apollo", missing))[1])["matches"]

    assert short == good[:-1]
    assert shuffled != good
    assert sorted(p["id"] for p in shuffled) == sorted(p["id"] for p in good)
    assert stub[0]["name"] == ""


async def test_headers_can_lie_or_be_empty(opened: Open) -> None:
    client = await opened(profile=Profile("limited", apollo_bulk=Limits(minute=20)))
    client.sandbox.set_faults(
        [
            {"provider": "apollo", "kind": "lying_headers", "at": 1},
            {"provider": "apollo", "kind": "empty_headers", "at": 2},
        ]
    )

    lying, empty = [(await client.call("apollo"))[2] for _ in range(2)]

    assert lying["x-rate-limit-minute"] == "100000"
    assert empty["x-rate-limit-minute"] == empty["x-minute-requests-left"] == ""


async def test_credits_can_seem_to_be_out(opened: Open) -> None:
    client = await opened({"provider": "*", "kind": "out_of_credits"})

    statuses = [(await client.call(name))[0] for name in ("apollo", "serper", "llm")]

    assert statuses == [422, 400, 402]


async def test_schedules_count_calls(opened: Open) -> None:
    client = await opened(
        {"provider": "serper", "kind": "500", "every": 4, "burst": 2},
        {"provider": "serper", "kind": "502", "from_call": 9, "to_call": 10},
    )

    outcomes = await client.outcomes("serper", 10)

    assert outcomes == [*["200", "200", "500", "500"] * 2, "502", "502"]


async def test_rates_and_seeds_repeat_exactly(opened: Open) -> None:
    fault = {"provider": "serper", "kind": "500", "rate": 0.3}
    first, again, other = [await opened(fault, seed=seed) for seed in (3, 3, 4)]

    outcomes = [await client.outcomes("serper", 60) for client in (first, again, other)]

    assert outcomes[0] == outcomes[1] != outcomes[2]
    assert 8 <= outcomes[0].count("500") <= 28


async def test_a_fault_of_an_endpoint_leaves_the_others_alone(opened: Open) -> None:
    endpoint = "usage_stats/credit_usage_stats"
    client = await opened({"provider": "apollo", "kind": "500", "endpoint": endpoint})
    url = f"{client.sandbox.apollo_url}/{endpoint}"

    async with client.http.post(url, headers={"x-api-key": DEFAULT_KEYS["apollo"]}) as answer:
        status = answer.status

    assert status == 500
    assert await client.outcomes("apollo", 1) == ["200"]


async def test_a_running_sandbox_is_steered_without_keys(opened: Open) -> None:
    client = await opened()
    base = client.sandbox.base_url
    await client.call("serper")

    async with client.http.post(f"{base}/_faults", json=[{"provider": "*", "kind": "500"}]):
        broken = await client.outcomes("serper", 1)
    async with client.http.post(f"{base}/_faults", json=[{"provider": "*", "kind": "odd"}]) as bad:
        refused = (bad.status, (await bad.json())["message"])
    async with client.http.get(f"{base}/_stats") as page:
        before = await page.json()
    async with client.http.post(f"{base}/_faults", json=[]):
        pass
    async with client.http.post(f"{base}/_reset"):
        after = client.sandbox.stats()

    assert broken == ["500"]
    assert refused[0] == 400
    assert "no fault 'odd'" in refused[1]
    assert before["serper"]["calls"] == 2
    assert after["serper"]["calls"] == after["serper"]["credits"] == 0
    assert await client.outcomes("serper", 1) == ["200"]


async def test_a_storm_has_every_kind_of_weather(opened: Open) -> None:
    # The faults of a storm without its delays and limits.
    client = await opened(profile=Profile("squall", faults=PROFILES["storm"].faults))

    outcomes = [await client.outcomes("serper", 400), await client.outcomes("apollo", 400)]

    for found in outcomes:
        assert {"200", "429", "reset", "cut", "500", "503 not JSON"} <= set(found)
        assert found.count("200") > 280


async def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        await start(SandboxConfig(), host="0.0.0.0")


async def test_the_delays_of_whole_answers_are_kept_with_what_they_are_about(opened: Open) -> None:
    profile = Profile("slow", serper_seconds=(0.01, 0.02))
    client = await opened({"provider": "serper", "kind": "cut", "at": [2]}, profile=profile)

    for name in ("Acme Corp", "Lost Inc", "Bolt Ltd"):
        with suppress(aiohttp.ClientPayloadError):
            await client.call("serper", {"q": f'"{name}" (funding)'})

    drawn = client.sandbox.drawn()
    assert [about for _, about in drawn["serper"]] == [("Acme Corp",), ("Bolt Ltd",)]
    assert all(0.01 <= seconds <= 0.02 for seconds, _ in drawn["serper"])
    client.sandbox.reset()
    assert client.sandbox.drawn()["serper"] == []

"""The sandbox's Serper keeps to what is known of the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from enrico.sandbox import DEFAULT_KEYS, RunningSandbox, SandboxConfig, start
from enrico.sandbox.names import firm

KEY = {"X-API-KEY": DEFAULT_KEYS["serper"]}


class Client:
    def __init__(self, sandbox: RunningSandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def post(self, path: str, body: Any, headers: Any = KEY) -> tuple[int, Any, Any]:
        url = f"{self.sandbox.serper_url}/{path}"
        async with self.http.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers

    async def search(self, query: str, **more: Any) -> Any:
        return (await self.post("search", {"q": query, **more}))[1]


Open = Callable[..., Awaitable[Client]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_client(**settings: Any) -> Client:
            sandbox = await stack.enter_async_context(await start(SandboxConfig(**settings)))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(sandbox, http)

        yield open_client


async def test_a_search_echoes_its_query_and_costs_a_credit(opened: Open) -> None:
    client = await opened(serper_credits=10)

    status, answer, _ = await client.post("search", {"q": '"Acme Corp"', "autocorrect": False})
    async with client.http.get(f"{client.sandbox.serper_url}/account", headers=KEY) as page:
        account = await page.json()

    assert status == 200
    assert answer["searchParameters"] == {
        "q": '"Acme Corp"',
        "autocorrect": False,
        "type": "search",
        "engine": "google",
    }
    assert answer["credits"] == 1
    assert account == {"balance": 9, "rateLimit": 300}


async def test_the_same_company_has_the_same_news_however_it_is_asked_for(opened: Open) -> None:
    client = await opened()

    first = await client.search('"Larkspur Optics" (funding OR layoffs)')
    second = await client.search("Larkspur Optics news 2026")

    assert first.get("organic") == second.get("organic")


async def test_pages_have_every_sort_of_result_and_gap(opened: Open) -> None:
    client = await opened()
    pages = [await client.search(f'"{firm(7, n).name}"') for n in range(300)]

    results = [result for page in pages for result in page.get("organic", [])]
    dates = {str(result.get("date")) for result in results}

    assert max(len(page.get("organic", [])) for page in pages) <= 10
    assert any("organic" not in page for page in pages)
    assert any(page.get("organic") == [] for page in pages)
    assert any("topStories" in page for page in pages)
    assert any("knowledgeGraph" in page for page in pages)
    assert any("snippet" not in result for result in results)
    assert "None" in dates
    assert any(date.endswith("hours ago") for date in dates)
    assert any(date.endswith("weeks ago") for date in dates)
    assert any(date.startswith("2026-") for date in dates)
    assert any(", 2026" in date for date in dates)
    assert "Yesterday" in dates
    texts = [result.get("snippet", "") for result in results]
    assert any("revious instructions" in text or "AI assistant" in text for text in texts)
    assert all(result["position"] >= 1 and result["link"] for result in results)


async def test_news_has_sources_and_dates(opened: Open) -> None:
    client = await opened()
    pages = [(await client.post("news", {"q": firm(7, n).name}))[1] for n in range(40)]

    items = [item for page in pages for item in page.get("news", [])]

    assert items
    assert all(item["source"] and item["date"] for item in items)
    assert pages[0]["searchParameters"]["type"] == "news"


async def test_a_time_filter_leaves_older_results_out(opened: Open) -> None:
    client = await opened()
    whole = [await client.search(f'"{firm(7, n).name}"') for n in range(60)]
    recent = [await client.search(f'"{firm(7, n).name}"', tbs="qdr:w") for n in range(60)]

    shown = {r.get("date") for page in recent for r in page.get("organic", [])}

    assert sum(len(p.get("organic", [])) for p in recent) < sum(
        len(p.get("organic", [])) for p in whole
    )
    assert not any(date and "month" in date for date in shown)


async def test_an_array_is_answered_in_order_and_costs_three_times_as_much(opened: Open) -> None:
    client = await opened()
    queries = [{"q": firm(7, number).name} for number in range(4)]

    _, answers, _ = await client.post("search", queries)

    assert [answer["searchParameters"]["q"] for answer in answers] == [q["q"] for q in queries]
    assert [answer["credits"] for answer in answers] == [3, 3, 3, 3]
    books = client.sandbox.stats()["serper"]
    assert (books["credits"], books["items"], books["calls"]) == (12, 4, 1)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Missing query parameter"),
        ({"q": " "}, "Missing query parameter"),
        ([], "Missing query parameter"),
        ([{"q": "a"}, {}], "Missing query parameter"),
        ([{"q": "a"}] * 101, "Maximum of 100 queries allowed"),
    ],
)
async def test_a_wrong_body_is_refused(opened: Open, body: Any, text: str) -> None:
    client = await opened()

    status, answer, _ = await client.post("search", body)

    assert (status, answer) == (400, {"message": text, "statusCode": 400})


async def test_without_the_right_key_it_is_403(opened: Open) -> None:
    client = await opened()

    wrong = await client.post("search", {"q": "a"}, headers={"X-API-KEY": "wrong"})
    none = await client.post("search", {"q": "a"}, headers={})

    assert wrong[:2] == (403, {"message": "Unauthorized.", "statusCode": 403})
    assert none[1]["message"] == "Unauthorized. Sign up for a free account."


async def test_a_spent_balance_is_400_and_falls_on_success_only(opened: Open) -> None:
    client = await opened(serper_credits=1)

    await client.post("search", {})
    good = await client.post("search", {"q": "a"})
    spent = await client.post("search", {"q": "b"})

    assert good[0] == 200
    assert spent[:2] == (400, {"message": "Not enough credits", "statusCode": 400})


async def test_above_the_limit_it_is_429_without_any_header(opened: Open) -> None:
    client = await opened(profile="classic", serper_credits_field=False)

    answers = await asyncio.gather(*(client.post("search", {"q": "a"}) for _ in range(7)))

    statuses = sorted(status for status, _, _ in answers)
    refused = next(answer for answer in answers if answer[0] == 429)
    assert statuses == [200] * 5 + [429] * 2
    assert refused[1]["statusCode"] == 429
    assert not [name for name in refused[2] if "limit" in name.lower() or "retry" in name.lower()]
    assert "credits" not in next(answer for answer in answers if answer[0] == 200)[1]
    assert client.sandbox.stats()["serper"]["rate_limited"] == 2

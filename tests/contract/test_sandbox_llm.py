"""The sandbox's model keeps to DeepSeek's wire format, and reads what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import pytest

from enrico.sandbox import DEFAULT_KEYS, RunningSandbox, SandboxConfig, start
from enrico.sandbox.profiles import Profile

KEY = {"Authorization": f"Bearer {DEFAULT_KEYS['deepseek']}"}
SYSTEM = "You classify news about companies. Answer with one JSON document. " * 20
ACCOUNTS = [
    {
        "id": "a1",
        "name": "Acme Optics",
        "results": [
            {"id": 0, "title": "Acme Optics raises $30 million in Series B", "snippet": ""},
            {"id": 1, "title": "Zenith Corp lays off 300", "snippet": "A Texas firm."},
        ],
    },
    {
        "id": "b7",
        "name": "Kestrel Foods",
        "results": [{"id": 5, "title": "Kestrel Foods cuts jobs in Leeds", "snippet": ""}],
    },
    {"id": 3, "name": "Silent Corp", "results": []},
]


class Client:
    def __init__(self, sandbox: RunningSandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def raw(self, body: Any, headers: Any = KEY) -> tuple[int, bytes, Any]:
        url = f"{self.sandbox.llm_url}/chat/completions"
        async with self.http.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def chat(self, accounts: Any = ACCOUNTS, **more: Any) -> Any:
        status, body, _ = await self.raw(question(accounts, **more))
        assert status == 200
        return orjson.loads(body)

    async def classify(self, accounts: Any = ACCOUNTS) -> Any:
        return orjson.loads((await self.chat(accounts))["choices"][0]["message"]["content"])

    async def get(self, path: str) -> Any:
        async with self.http.get(f"{self.sandbox.llm_url}/{path}", headers=KEY) as answer:
            return await answer.json(content_type=None)


def question(accounts: Any = ACCOUNTS, **more: Any) -> dict[str, Any]:
    document = orjson.dumps({"accounts": accounts}).decode()
    return {
        "model": "deepseek-flash",
        "thinking": {"type": "disabled"},
        "response_format": {"type": "json_object"},
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": f"Here they are:\n{document}"},
        ],
        **more,
    }


Open = Callable[..., Awaitable[Client]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_client(**settings: Any) -> Client:
            sandbox = await stack.enter_async_context(await start(SandboxConfig(**settings)))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(sandbox, http)

        yield open_client


async def test_it_answers_by_the_ids_given_and_skips_other_firms(opened: Open) -> None:
    client = await opened()

    answer = await client.classify()

    assert answer == {
        "accounts": [
            {"id": "a1", "signals": [{"result": 0, "type": "funding", "relevance": 0.95}]},
            {"id": "b7", "signals": [{"result": 5, "type": "layoff", "relevance": 0.95}]},
            {"id": 3, "signals": []},
        ]
    }


async def test_an_account_is_classified_alike_alone_and_in_company(opened: Open) -> None:
    client = await opened()

    together = (await client.classify())["accounts"]
    alone = [(await client.classify([account]))["accounts"][0] for account in ACCOUNTS]

    assert together == alone


async def test_usage_adds_up_and_the_prefix_is_cached_from_the_third_call_on(
    opened: Open,
) -> None:
    client = await opened()

    usages = [(await client.chat())["usage"] for _ in range(3)]

    hits = [usage["prompt_cache_hit_tokens"] for usage in usages]
    assert hits[:2] == [0, 0]
    assert hits[2] > 0
    assert hits[2] % 128 == 0
    for usage in usages:
        missed = usage["prompt_cache_miss_tokens"]
        assert usage["prompt_tokens"] == usage["prompt_cache_hit_tokens"] + missed
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    books = client.sandbox.stats()["llm"]
    assert books["prompt_cache_hit_tokens"] == hits[2]
    assert books["items"] == 9


async def test_thinking_is_on_unless_refused_and_costs_tokens(opened: Open) -> None:
    client = await opened()

    thinking = await client.chat(thinking=None)
    plain = await client.chat()

    assert thinking["choices"][0]["message"]["reasoning_content"]
    assert "reasoning_content" not in plain["choices"][0]["message"]
    reasoning = thinking["usage"]["completion_tokens_details"]["reasoning_tokens"]
    spoken = plain["usage"]["completion_tokens"]
    assert thinking["usage"]["completion_tokens"] == spoken + reasoning
    assert "completion_tokens_details" not in plain["usage"]


async def test_json_mode_needs_the_word_and_refuses_schemas(opened: Open) -> None:
    client = await opened()
    lenient = await opened(json_schema=True)
    wordless = question(messages=[{"role": "user", "content": "hello"}])
    schema = question(response_format={"type": "json_schema", "json_schema": {"name": "any"}})

    no_word = await client.raw(wordless)
    refused = await client.raw(schema)
    accepted = await lenient.raw(schema)

    assert no_word[0] == 400
    assert "Prompt must contain the word 'json'" in orjson.loads(no_word[1])["error"]["message"]
    assert refused[0] == 400
    text = orjson.loads(refused[1])["error"]["message"]
    assert text == "This response_format type is unavailable now"
    assert refused[2]["content-type"] == "application/octet-stream"
    assert accepted[0] == 200


async def test_another_prompt_gets_some_json_object(opened: Open) -> None:
    client = await opened()
    messages = [{"role": "user", "content": "Say something in json."}]

    answer = await client.chat(messages=messages)

    assert isinstance(orjson.loads(answer["choices"][0]["message"]["content"]), dict)


async def test_a_bad_key_is_401_with_its_tail_echoed(opened: Open) -> None:
    client = await opened()

    status, body, _ = await client.raw(question(), headers={"Authorization": "Bearer sk-12345"})

    error = orjson.loads(body)["error"]
    assert (status, error["type"]) == (401, "authentication_error")
    assert "****2345" in error["message"]


async def test_a_spent_balance_is_402_and_shows(opened: Open) -> None:
    client = await opened(llm_usd=0.00001)

    before = await client.get("user/balance")
    await client.chat()
    status, body, _ = await client.raw(question())
    after = await client.get("user/balance")

    assert before["is_available"] is True
    assert (status, orjson.loads(body)["error"]["message"]) == (402, "Insufficient Balance")
    assert after["is_available"] is False
    assert after["balance_infos"][0]["total_balance"].startswith("-")


async def test_tokens_cost_double_at_peak_hours(opened: Open) -> None:
    peak = await opened(now=datetime(2026, 11, 16, 2, tzinfo=UTC))
    cheap = await opened(now=datetime(2026, 11, 15, 2, tzinfo=UTC))

    await peak.chat()
    await cheap.chat()

    dear, usual = (client.sandbox.stats()["llm"]["cost_usd"] for client in (peak, cheap))
    assert dear == pytest.approx(2 * usual)


async def test_models_are_listed(opened: Open) -> None:
    client = await opened()

    models = await client.get("models")

    assert {model["id"] for model in models["data"]} >= {"deepseek-flash", "deepseek-v4-pro"}


async def test_max_tokens_cuts_the_answer(opened: Open) -> None:
    client = await opened()

    answer = await client.chat(max_tokens=8)

    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 8
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(answer["choices"][0]["message"]["content"])


async def test_blank_lines_come_before_the_body_when_asked_for(opened: Open) -> None:
    client = await opened(blank_lines=True)

    status, body, _ = await client.raw(question())

    assert status == 200
    assert body.startswith(b"\n")
    assert orjson.loads(body)["object"] == "chat.completion"


async def test_a_stream_has_keep_alive_chunks_usage_and_an_end(opened: Open) -> None:
    client = await opened()

    _, body, headers = await client.raw(question(stream=True))

    events = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    chunks = [orjson.loads(event) for event in events[:-1]]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert headers["content-type"] == "text/event-stream"
    assert body.startswith(b": keep-alive")
    assert events[-1] == "[DONE]"
    assert orjson.loads(text) == await client.classify()
    assert chunks[-1]["usage"]["completion_tokens"] > 0


async def test_more_calls_at_once_than_allowed_are_429(opened: Open) -> None:
    narrow = Profile("narrow", llm_seconds=(0.2, 0.2), llm_concurrency=3)
    client = await opened(profile=narrow)

    answers = await asyncio.gather(*(client.raw(question()) for _ in range(5)))

    assert sorted(status for status, _, _ in answers) == [200, 200, 200, 429, 429]
    assert client.sandbox.stats()["llm"]["max_concurrent"] > 3


async def test_tokens_take_time(opened: Open) -> None:
    client = await opened(profile=Profile("slow", llm_tokens_per_second=500.0))
    loop = asyncio.get_running_loop()

    began = loop.time()
    answer = await client.chat()

    assert loop.time() - began >= answer["usage"]["completion_tokens"] / 500.0 - 0.01


@pytest.mark.parametrize(
    ("kind", "finish"),
    [
        ("truncate", "length"),
        ("blank", "stop"),
        ("empty", "stop"),
        ("content_filter", "content_filter"),
        ("insufficient_system_resource", "insufficient_system_resource"),
        ("fenced", "stop"),
    ],
)
async def test_content_that_is_no_json(opened: Open, kind: str, finish: str) -> None:
    client = await opened(faults=[{"provider": "llm", "kind": kind, "at": 1}])

    choice = (await client.chat())["choices"][0]

    assert choice["finish_reason"] == finish
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(choice["message"]["content"])
    assert client.sandbox.stats()["llm"]["cost_usd"] > 0
    assert (await client.classify())["accounts"]


async def test_an_odd_finish_reason_with_good_content(opened: Open) -> None:
    client = await opened(faults=[{"provider": "llm", "kind": "wrong_finish_reason"}])

    choice = (await client.chat())["choices"][0]

    assert choice["finish_reason"] == "tool_calls"
    assert orjson.loads(choice["message"]["content"])["accounts"]


async def test_answers_that_are_json_and_wrong(opened: Open) -> None:
    kinds = ("drop", "swap", "double", "invent", "obey", "array")
    faults = [{"provider": "llm", "kind": k, "at": n} for n, k in enumerate(kinds, 1)]
    client = await opened(faults=faults)
    right = (await (await opened()).classify())["accounts"]

    wrong = {kind: await client.classify() for kind in kinds}

    assert wrong["drop"]["accounts"] == right[1:]
    assert [account["id"] for account in wrong["swap"]["accounts"]] == ["a1", "b7", 3]
    assert wrong["swap"]["accounts"][0]["signals"] == right[1]["signals"]
    assert [account["id"] for account in wrong["double"]["accounts"]] == ["a1", "b7", 3, "a1"]
    invented = wrong["invent"]["accounts"]
    assert invented[-1]["id"] == "nobody"
    assert {signal["type"] for signal in invented[0]["signals"]} >= {"best_company"}
    assert wrong["obey"]["accounts"][2]["signals"][0]["type"] == "acquisition"
    assert isinstance(wrong["array"], list)

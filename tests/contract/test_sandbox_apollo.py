"""The sandbox's Apollo keeps to what is known of the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
import pytest

from enrico.sandbox import DEFAULT_KEYS, RunningSandbox, SandboxConfig, start
from enrico.sandbox.profiles import Limits, Profile

KEY = {"x-api-key": DEFAULT_KEYS["apollo"]}
KNOWN = [{"email": f"person.{number}@tidewright-optics.com"} for number in range(10)]


class Client:
    """A sandbox and a plain HTTP client for it."""

    def __init__(self, sandbox: RunningSandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any, Any]:
        options.setdefault("headers", KEY)
        url = f"{self.sandbox.apollo_url}/{path}"
        async with self.http.post(url, json=body, **options) as answer:
            return answer.status, _read(await answer.read()), answer.headers

    async def get(self, path: str, **options: Any) -> tuple[int, Any, Any]:
        options.setdefault("headers", KEY)
        async with self.http.get(f"{self.sandbox.apollo_url}/{path}", **options) as answer:
            return answer.status, _read(await answer.read()), answer.headers

    async def bulk(self, details: Any, **options: Any) -> tuple[int, Any, Any]:
        return await self.post("people/bulk_match", {"details": details}, **options)


Open = Callable[..., Awaitable[Client]]


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode()


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_client(**settings: Any) -> Client:
            sandbox = await stack.enter_async_context(await start(SandboxConfig(**settings)))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(sandbox, http)

        yield open_client


async def test_matches_stand_at_the_place_of_their_question(opened: Open) -> None:
    client = await opened()
    asked = [*KNOWN[:4], {"email": "info@tidewright-optics.com"}, *KNOWN[4:9]]

    status, answer, _ = await client.bulk(asked)

    assert status == 200
    assert answer["status"] == "success"
    assert answer["total_requested_enrichments"] == len(answer["matches"]) == 10
    assert answer["matches"][4] is None
    found = [match for match in answer["matches"] if match]
    assert answer["missing_records"] == 10 - len(found)
    assert answer["credits_consumed"] == answer["unique_enriched_records"] == len(found)
    assert -(2**63) <= answer["request_id"] < 0


async def test_one_person_asked_twice_in_a_call_is_billed_once(opened: Open) -> None:
    client = await opened(found_rate=1.0, moved_rate=0.0)

    _, answer, _ = await client.bulk(
        [
            {"email": "Ada.Byrne@acme-optics.com"},
            {"email": " ada.byrne@acme-optics.com "},
            {"first_name": "Ada", "last_name": "Byrne", "domain": "acme-optics.com"},
        ]
    )

    assert all(answer["matches"])
    assert answer["unique_enriched_records"] == answer["credits_consumed"] == 1
    assert client.sandbox.stats()["apollo"]["credits"] == 1


async def test_a_person_bought_again_in_a_later_call_is_on_record(opened: Open) -> None:
    client = await opened(found_rate=1.0)

    for _ in range(3):
        await client.bulk(KNOWN[:2])

    books = client.sandbox.stats()["apollo"]
    assert books["people_paid"] == 6
    assert books["distinct_people_paid"] == 2
    assert books["people_paid_more_than_once"] == 2
    assert books["paid_again"] == 4
    assert KNOWN[0]["email"] in books["paid_again_keys"]


async def test_people_get_the_name_asked_for_and_the_domain_as_employer(opened: Open) -> None:
    client = await opened(found_rate=1.0, moved_rate=0.0)
    asked = [
        {"email": f"jm{n}@larkspur-foods.fr", "first_name": "Zoé", "last_name": f"Roux{n}"}
        for n in range(10)
    ]

    _, answer, _ = await client.bulk(asked)

    for question, match in zip(asked, answer["matches"], strict=True):
        assert match["name"] == f"Zoé {question['last_name']}"
        if match.get("organization"):
            assert match["organization"]["primary_domain"] == "larkspur-foods.fr"


async def test_a_moved_person_comes_back_with_another_address_and_employer(opened: Open) -> None:
    client = await opened(found_rate=1.0, moved_rate=1.0)

    _, answer, _ = await client.bulk(KNOWN)

    for question, match in zip(KNOWN, answer["matches"], strict=True):
        assert match["email"] != question["email"]
        if match.get("organization"):
            assert match["organization"]["primary_domain"] != "tidewright-optics.com"


async def test_the_world_has_all_the_gaps_that_parsers_trip_over(opened: Open) -> None:
    client = await opened()
    people: list[Any] = []
    for page in range(120):
        details = [{"email": f"someone.{page}x{n}@kestrel-media.com"} for n in range(10)]
        people += (await client.bulk(details))[1]["matches"]

    found = [person for person in people if person]

    assert 0.80 < len(found) / len(people) < 0.90
    assert any(person["seniority"] is None for person in found)
    assert any("organization" not in person for person in found)
    assert any(person.get("organization", 0) is None for person in found)
    assert any("employment_history" not in person for person in found)
    assert any(person.get("employment_history") == [] for person in found)
    assert any(person["email"] is None for person in found)
    statuses = {person["email_status"] for person in found}
    assert {"verified", "extrapolated", "unverified", "unavailable", None} <= statuses
    current = [
        job for person in found for job in person.get("employment_history", []) if job["current"]
    ]
    assert all(job["start_date"] and job["end_date"] is None for job in current)


async def test_the_same_seed_gives_the_same_people_and_another_seed_others(opened: Open) -> None:
    settings = {"now": None, "seed": 11}
    first = (await (await opened(**settings)).bulk(KNOWN))[1]["matches"]
    second = (await (await opened(**settings)).bulk(KNOWN[::-1]))[1]["matches"]
    other = (await (await opened(seed=12)).bulk(KNOWN))[1]["matches"]

    assert first == second[::-1]
    assert first != other


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "INVALID_REQUEST"),
        ({"details": []}, 400, "INVALID_REQUEST"),
        ({"details": KNOWN + KNOWN[:1]}, 400, "RECORD_LIMIT_EXCEEDED"),
        ({"details": {"email": "a@b.com"}}, 422, "UNKNOWN_ERROR"),
        ({"details": ["a@b.com"]}, 422, "UNKNOWN_ERROR"),
    ],
)
async def test_wrong_details_are_refused_whole(
    opened: Open, body: Any, status: int, code: str
) -> None:
    client = await opened()

    got, answer, _ = await client.post("people/bulk_match", body)

    assert (got, answer["error_code"]) == (status, code)
    assert client.sandbox.stats()["apollo"]["credits"] == 0


async def test_a_bad_key_is_refused_in_either_form_and_without_limit_headers(opened: Open) -> None:
    as_json, as_text = await opened(), await opened(bad_key_form="text")
    wrong = {"x-api-key": "wrong"}

    status, answer, headers = await as_json.bulk(KNOWN, headers=wrong)
    text_status, text, _ = await as_text.bulk(KNOWN, headers=wrong)

    assert status == text_status == 401
    assert answer["error_details"]["code"] == "AUTH.AUTHENTICATION.API_KEY_INVALID"
    assert text.startswith("Invalid API key.")
    assert "x-rate-limit-minute" not in headers


async def test_a_key_in_the_query_is_refused(opened: Open) -> None:
    client = await opened()

    status, _, _ = await client.bulk(KNOWN, params={"api_key": DEFAULT_KEYS["apollo"]})

    assert status == 422


async def test_health_is_200_for_any_key_and_says_whether_it_fits(opened: Open) -> None:
    client = await opened()

    good = await client.get("auth/health")
    bad = await client.get("auth/health", headers={"x-api-key": "wrong"})

    assert (good[0], good[1]) == (200, {"healthy": True, "is_logged_in": True})
    assert (bad[0], bad[1]["is_logged_in"]) == (200, False)


async def test_one_match_takes_query_or_body_and_an_unknown_one_is_a_stub(opened: Open) -> None:
    client = await opened(found_rate=1.0)

    by_query = await client.post("people/match", params=KNOWN[0])
    by_body = await client.post("people/match", KNOWN[0])
    client.sandbox.reset()
    unknown = await client.post("people/match", {"email": "info@acme.com"})
    nobody = await client.post("people/match", {"name": "Prince"})

    assert by_query[1]["person"] == by_body[1]["person"]
    assert "credits_consumed" not in by_query[1]
    stub = unknown[1]["person"]
    assert (stub["name"], stub["title"], stub["email"]) == ("", None, "info@acme.com")
    assert stub["employment_history"] == []
    assert nobody[1]["person"] is None
    assert client.sandbox.stats()["apollo"]["credits"] == 0


async def test_all_nine_headers_follow_the_windows(opened: Open) -> None:
    client = await opened(profile=_tight(minute=20, hour=100, day=600))

    _, _, headers = await client.bulk(KNOWN[:1])

    assert headers["x-rate-limit-minute"] == "20"
    assert headers["x-minute-usage"] == "1"
    assert headers["x-minute-requests-left"] == "19"
    assert headers["x-rate-limit-hourly"] == "100"
    assert headers["x-hourly-requests-left"] == "99"
    assert headers["x-rate-limit-24-hour"] == "600"
    assert headers["x-24-hour-usage"] == "1"


def _tight(**limits: int) -> Profile:
    return Profile("tight", apollo_bulk=Limits(**limits), apollo_usage=Limits(minute=200))


async def test_an_unlimited_window_has_an_empty_limit_and_no_usage(opened: Open) -> None:
    client = await opened(profile=_tight(minute=1000))

    _, _, headers = await client.bulk(KNOWN[:1])

    assert headers["x-rate-limit-minute"] == "1000"
    assert headers["x-rate-limit-hourly"] == headers["x-rate-limit-24-hour"] == ""
    assert "x-hourly-usage" not in headers


async def test_a_full_window_refuses_with_message_and_retry_after(opened: Open) -> None:
    client = await opened(profile=_tight(minute=2))
    quiet = await opened(profile=_tight(second=0), retry_after=False)

    answers = [await client.bulk(KNOWN[:1]) for _ in range(3)]
    status, _, headers = await quiet.bulk(KNOWN[:1])

    assert [status for status, _, _ in answers] == [200, 200, 429]
    _, refused, refused_headers = answers[2]
    assert "people/bulk_match is 2 times per minute" in refused["message"]
    assert "error" not in refused
    assert 55 <= int(refused_headers["retry-after"]) <= 60
    assert refused_headers["x-minute-requests-left"] == "0"
    assert (status, "retry-after" in headers) == (429, False)
    books = client.sandbox.stats()["apollo"]
    assert books["rate_limited"] == 1
    assert books["highest_rate"]["people/bulk_match"]["60s"] == 3
    assert books["highest_rate_served"]["people/bulk_match"]["60s"] == 2


async def test_usage_has_limits_of_its_own_and_tells_what_was_counted(opened: Open) -> None:
    client = await opened(profile=_tight(minute=1), found_rate=1.0, apollo_credits=100)
    await client.bulk(KNOWN[:3])
    await client.bulk(KNOWN[:3])

    status, usage, _ = await client.post("usage_stats/api_usage_stats")
    _, credit, _ = await client.post("usage_stats/credit_usage_stats")
    _, profile, _ = await client.get("users/api_profile", params={"include_credit_usage": "true"})

    assert status == 200
    bulk = usage['["api/v1/people", "bulk_match"]']
    assert bulk["minute"] == {"limit": 1, "consumed": 1, "left_over": 0}
    assert bulk["day"]["limit"] is None
    assert bulk["day"]["consumed"] == 1
    lead = credit["credit_usage_stats"]["lead_credit"]
    assert lead == {"limit": 100, "consumed": 3, "left_over": 97}
    assert set(credit["current_credit_cycle"]) == {"start_date", "end_date"}
    assert profile["effective_num_lead_credits"] - profile["total_unified_credits_used"] == 97


async def test_a_key_without_the_scope_may_not_ask_for_usage(opened: Open) -> None:
    client = await opened(usage_scope=False)

    status, answer, _ = await client.post("usage_stats/credit_usage_stats")

    assert (status, answer["error_code"]) == (403, "API_INACCESSIBLE")
    assert (await client.bulk(KNOWN[:1]))[0] == 200


async def test_spent_credits_refuse_the_whole_call_with_a_text_about_credits(opened: Open) -> None:
    client = await opened(found_rate=1.0, apollo_credits=12)

    first = await client.bulk(KNOWN)
    second = await client.bulk(KNOWN)

    assert first[0] == 200
    assert second[0] == 422
    assert "credits" in second[1]["error"]
    assert client.sandbox.stats()["apollo"]["credits_left"] == 2


async def test_a_person_may_cost_a_fraction_of_a_credit(opened: Open) -> None:
    client = await opened(found_rate=1.0, credit_per_person=0.5)

    _, answer, _ = await client.bulk(KNOWN[:3])

    assert answer["credits_consumed"] == 1.5


async def test_waterfall_answers_leave_the_counts_out(opened: Open) -> None:
    client = await opened()
    flags = {"run_waterfall_email": "true", "webhook_url": "https://hook.test/x"}

    _, answer, _ = await client.bulk(KNOWN, params=flags)
    status, _, _ = await client.bulk(KNOWN, params={"reveal_phone_number": "true"})

    assert answer["waterfall"]["status"] == "accepted"
    assert "credits_consumed" not in answer
    assert status == 422

"""Apollo, Serper and DeepSeek by their contracts: what they answer, and what they charge for it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from enrico.engine.http import Reply, Request
from tests.chaos.faults import Fault, Weather
from tests.chaos.small_world import World, kind_of

HTML = b"<html><head><title>520</title></head><body>Web server error</body></html>"
LIES = ("", "-5", "0", "abc", "100000", "9" * 30, "1e3", " ")


@dataclass(frozen=True, slots=True)
class Bill:
    """An answer and its price: micro-credits, or nano-dollars of the model."""

    reply: Reply
    paid: int = 0
    bought: tuple[str, ...] = ()


class Vendor:
    """What the three have in common."""

    windows: Sequence[tuple[int, float]] = ()
    """(limit, seconds) of fixed windows that open at the first request."""
    concurrency = 10_000

    def __init__(self, world: World) -> None:
        self.world = world
        self.spent = 0
        self.at_once = 0
        self.walls = 0
        """429s that a limit explains."""
        self._open: dict[float, tuple[float, int]] = {}

    def throttle(self, at: float, fault: Fault) -> Reply | None:
        """A 429 where the request is too many, or in a storm; else it is counted."""
        if fault.wall:
            return self._too_many(fault.retry_after)
        wait = 0.0
        for limit, seconds in self.windows:
            began, count = self._open.get(seconds, (at, 0))
            if at >= began + seconds:
                self._open[seconds] = (at, 0)
            elif count >= limit:
                wait = max(wait, began + seconds - at)
        if wait or self.at_once > self.concurrency:
            self.walls += 1
            return self._too_many(wait)
        for _, seconds in self.windows:
            began, count = self._open.get(seconds, (at, 0))
            self._open[seconds] = (began, count + 1)
        return None

    def _too_many(self, retry_after: float | None) -> Reply:
        headers = {} if retry_after is None else {"retry-after": f"{retry_after + 1:.0f}"}
        return Reply(429, headers, b'{"message":"too many"}')

    def answer(self, request: Request, fault: Fault) -> Bill:
        """The answer to a request that was let through."""
        if fault.kind == "500":
            return Bill(Reply(502, {}, b'{"error":"Something went wrong on our side."}'))
        if fault.kind == "html":
            return Bill(Reply(520, {}, HTML))
        if fault.kind == "html200":
            return Bill(Reply(200, {}, HTML))
        if fault.kind == "error200":
            return Bill(Reply(200, {}, b'{"status":"failed","error":"try again","message":"no"}'))
        bill = self.good(request, fault)
        body = bill.reply.body
        if fault.kind == "cut_body":
            body = body[: 1 + fault.pick % (len(body) - 1)]
        elif fault.kind == "blank_lines":
            body = b"\n\n\n" + body
        reply = Reply(bill.reply.status, bill.reply.headers, body)
        return Bill(reply, bill.paid, bill.bought)

    def asked(self, request: Request) -> tuple[str, ...]:
        """Whom or what a request asks about."""
        raise NotImplementedError

    def good(self, request: Request, fault: Fault) -> Bill:
        """What it says when nothing cuts or hides it."""
        raise NotImplementedError

    def counters(self, path: str, now: float) -> Reply:
        """Limits and use."""
        return Reply(404)


class ApolloVendor(Vendor):
    """People. A person costs a credit for each call, once in a call."""

    windows = ((5, 1.0), (60, 60.0))
    scope = "both"
    """Which of its counters the key may read: both, credits, requests or none."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.bulk_calls = 0

    def asked(self, request: Request) -> tuple[str, ...]:
        body = orjson.loads(request.body)
        return tuple(one["email"] for one in body.get("details", [body]))

    def answer(self, request: Request, fault: Fault) -> Bill:
        self.bulk_calls += request.path.endswith("bulk_match")
        if fault.kind == "422" and request.path.endswith("bulk_match"):
            return Bill(Reply(422, {}, b'{"error":"no implicit conversion"}'))
        if fault.kind == "refused":
            return Bill(Reply(401, {}, b"Invalid API key. See the documentation."))
        if fault.kind == "out_of_credits":
            return Bill(Reply(422, {}, b'{"error":"You have insufficient credits."}'))
        bill = super().answer(request, fault)
        if fault.kind == "500_charged":
            return Bill(Reply(503, {}, HTML), bill.paid, bill.bought)
        return bill

    def good(self, request: Request, fault: Fault) -> Bill:
        asked = self.asked(request)
        found = [self.world.people[address] for address in asked]
        bought = tuple(a for a, person in zip(asked, found, strict=True) if person)
        draw = random.Random(fault.pick)
        matches: list[Any] = [
            person or (_stub(address) if fault.kind == "stub" else None)
            for address, person in zip(asked, found, strict=True)
        ]
        if request.path.endswith("/match"):
            body: dict[str, Any] = {"person": matches[0], "request_id": -1}
        else:
            if fault.kind == "short":
                matches.pop(draw.randrange(len(matches)))
            elif fault.kind == "extra":
                matches.insert(draw.randrange(len(matches) + 1), _stranger())
            elif fault.kind == "shuffled":
                draw.shuffle(matches)
            body = {
                "status": "success", "error_code": None, "error_message": None,
                "total_requested_enrichments": len(asked), "missing_records": found.count(None),
                "unique_enriched_records": len(bought), "credits_consumed": len(bought),
                "matches": matches,
            }  # fmt: skip
        headers = self._headers(fault, draw)
        return Bill(Reply(200, headers, orjson.dumps(body)), len(bought) * 10**6, bought)

    def _headers(self, fault: Fault, draw: random.Random) -> Mapping[str, str]:
        names = ("x-rate-limit-minute", "x-minute-usage", "x-minute-requests-left")
        if fault.kind == "lying_headers":
            return {name: draw.choice(LIES) for name in names}
        if fault.kind == "empty_headers":
            return dict.fromkeys(names, "")
        limit, seconds = self.windows[-1]
        used = self._open.get(seconds, (0.0, 0))[1]
        return dict(zip(names, map(str, (limit, used, max(0, limit - used))), strict=True))

    def counters(self, path: str, now: float) -> Reply:
        kind = "credits" if "credit" in path else "requests"
        if self.scope not in ("both", kind):
            return Reply(403, {}, b'{"error_code":"API_INACCESSIBLE"}')
        if kind == "credits":
            lead = {"limit": 10**6, "consumed": self.spent // 10**6, "left_over": 10**6}
            body: dict[str, Any] = {
                "credit_usage_stats": {"lead_credit": lead},
                "current_credit_cycle": {"start_date": "2026-11-01", "end_date": "2026-12-01"},
            }
        else:
            day = {"limit": 10**6, "consumed": self.bulk_calls, "left_over": 10**6}
            body = {'["api/v1/people", "bulk_match"]': {"day": day}}
        return Reply(200, {}, orjson.dumps(body))


class SerperVendor(Vendor):
    """Search. Only answers cost."""

    windows = ((5, 1.0),)

    def asked(self, request: Request) -> tuple[str, ...]:
        return (orjson.loads(request.body)["q"].split('"')[1],)

    def good(self, request: Request, fault: Fault) -> Bill:
        if fault.kind == "refused":
            return Bill(Reply(403, {}, b'{"message":"Unauthorized.","statusCode":403}'))
        if fault.kind == "out_of_credits":
            return Bill(Reply(400, {}, b'{"message":"Not enough credits","statusCode":400}'))
        (name,) = self.asked(request)
        body = {"searchParameters": {"q": name}, "organic": self.world.results[name], "credits": 1}
        return Bill(Reply(200, {}, orjson.dumps(body)), 10**6, (name,))

    def counters(self, path: str, now: float) -> Reply:
        return Reply(200, {}, b'{"balance":1000,"rateLimit":5}')


class DeepSeekVendor(Vendor):
    """A model that knows the stories. Prices in billionths of a dollar a token, off-peak."""

    concurrency = 4

    def asked(self, request: Request) -> tuple[str, ...]:
        return tuple(account["id"] for account in self._document(request))

    def _document(self, request: Request) -> list[dict[str, Any]]:
        question = orjson.loads(request.body)["messages"][-1]["content"]
        found: list[dict[str, Any]] = orjson.loads(question)["accounts"]
        return found

    def good(self, request: Request, fault: Fault) -> Bill:
        if fault.kind == "out_of_credits":
            return Bill(Reply(402, {}, b'{"error":{"message":"Insufficient Balance"}}'))
        answers = [
            {
                "id": account["id"],
                "signals": [
                    {"result": result["id"], "type": kind, "relevance": 0.9}
                    for result in account["results"]
                    if (kind := kind_of(result["title"]))
                ],
            }
            for account in self._document(request)
        ]
        content, finish = _spoilt(fault, answers)
        asked, written = len(request.body) // 4, max(1, len(content) // 4)
        usage = {
            "prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written,
            "prompt_cache_hit_tokens": asked // 2, "prompt_cache_miss_tokens": asked - asked // 2,
        }  # fmt: skip
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "finish_reason": finish, "message": message}
        price = asked // 2 * 3 + (asked - asked // 2) * 150 + written * 600
        body = orjson.dumps({"choices": [choice], "usage": usage})
        return Bill(Reply(200, {}, body), price, self.asked(request))


def make_vendors(world: World, weather: Weather) -> dict[str, Vendor]:
    """The three, by the names that the journal has for them."""
    apollo = ApolloVendor(world)
    apollo.scope = "both" if weather.chance(0.6) else ("credits", "requests", "none")[
        int(weather.chance(0.5)) + int(weather.chance(0.3))
    ]  # fmt: skip
    return {"apollo": apollo, "serper": SerperVendor(world), "deepseek": DeepSeekVendor(world)}


def _spoilt(fault: Fault, answers: list[dict[str, Any]]) -> tuple[str, str]:
    """(content, finish_reason) of a model's answer after the fault."""
    if fault.kind == "drop":
        answers = answers[1:]
    elif fault.kind == "double":
        answers = [*answers, {"id": answers[0]["id"], "signals": []}]
    elif fault.kind == "swap" and all(answer["signals"] for answer in answers):
        ids = [answer["id"] for answer in answers]
        answers = [{**a, "id": i} for a, i in zip(answers, reversed(ids), strict=True)]
    elif fault.kind == "invent":
        stray = {"result": 9_999, "type": "funding", "relevance": 0.9, "url": "http://evil.test/"}
        answers = [
            {**answers[0], "signals": [stray]},
            *answers[1:],
            {"id": "x", "signals": [stray]},
        ]
    content = orjson.dumps({"accounts": answers}).decode()
    if fault.kind == "truncate":
        return content[: len(content) * 2 // 3], "length"
    if fault.kind == "blank":
        return " " * 20, "stop"
    if fault.kind == "fenced":
        return f"```json\n{content}\n```", "stop"
    if fault.kind == "array":
        return f"[{content}]", "stop"
    if fault.kind in ("content_filter", "insufficient_system_resource", "tool_calls"):
        return content, fault.kind
    return content, "stop"


def _stub(address: str) -> dict[str, Any]:
    return {"id": "f" * 24, "name": "", "title": None, "email": address, "employment_history": []}


def _stranger() -> dict[str, Any]:
    return {"id": "e" * 24, "name": "Some Stranger", "title": "CEO", "email": "s@stranger.com"}

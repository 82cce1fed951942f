"""Apollo's people enrichment and usage endpoints, as its clients find them on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from enrico.sandbox.config import Clock, SandboxConfig
from enrico.sandbox.draw import Draw, hex_id
from enrico.sandbox.faults import Fault
from enrico.sandbox.meter import Account
from enrico.sandbox.people import Asked, People, read_question
from enrico.sandbox.profiles import Profile
from enrico.sandbox.windows import FixedWindows
from enrico.sandbox.wire import TEXT, Call, Charge, Reply, json_reply, parse

BULK = "people/bulk_match"
MATCH = "people/match"
USAGE = "usage_stats/api_usage_stats"
CREDITS = "usage_stats/credit_usage_stats"
PROFILE = "users/api_profile"
HEALTH = "auth/health"

_METHODS = {BULK: "POST", MATCH: "POST", USAGE: "POST", CREDITS: "POST", PROFILE: "GET"}
_HEADERS = (
    ("minute", "x-rate-limit-minute", "x-minute-usage", "x-minute-requests-left"),
    ("hour", "x-rate-limit-hourly", "x-hourly-usage", "x-hourly-requests-left"),
    ("day", "x-rate-limit-24-hour", "x-24-hour-usage", "x-24-hour-requests-left"),
)
_MOST = 10
_KEY_REFUSED = "Invalid API key. Create or check your key in the settings of your account."


class Apollo:
    """One team's Apollo account."""

    faulty = frozenset({BULK, MATCH})

    def __init__(
        self,
        config: SandboxConfig,
        profile: Profile,
        account: Callable[[], Account],
        clock: Clock,
        time: Callable[[], float],
        delay: Callable[[tuple[float, float]], float],
    ) -> None:
        self._config = config
        self._profile = profile
        self._account = account
        self._clock = clock
        self._time = time
        self._delay = delay
        self._people = People(
            config.seed, config.found_rate, config.moved_rate, lambda: clock.now().date()
        )
        self.reset()

    def reset(self) -> None:
        profile = self._profile
        limits = {BULK: profile.apollo_bulk, MATCH: profile.apollo_match}
        self._windows = {
            name: FixedWindows(limits.get(name, profile.apollo_usage), self._time)
            for name in _METHODS
        }
        self._number = 0

    def refuse(self, call: Call) -> Reply | None:
        if call.endpoint == HEALTH:
            return None
        if "api_key" in call.query or "x-api-key" in call.query:
            return json_reply(422, {"error": "API key must be passed in the X-Api-Key header."})
        if self._key_fits(call):
            return self._forbid(call)
        if self._config.bad_key_form == "text":
            return Reply(401, _KEY_REFUSED.encode(), content_type=TEXT)
        details = {
            "code": "AUTH.AUTHENTICATION.API_KEY_INVALID",
            "message": _KEY_REFUSED,
            "suggestions": [{"label": "Send the key in this header", "header": "X-Api-Key"}],
            "context": {},
        }
        return json_reply(401, {"error": _KEY_REFUSED, "error_details": details})

    def throttle(self, call: Call, at_once: int) -> Reply | None:
        windows = self._windows.get(call.endpoint)
        full = windows.take() if windows else None
        if windows is None or full is None:
            return None
        return self._too_many(call, windows.seconds_left(full), full.limit, full.name)

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        if call.endpoint == HEALTH:
            return json_reply(200, {"healthy": True, "is_logged_in": self._key_fits(call)})
        method = _METHODS.get(call.endpoint)
        if method is None:
            return json_reply(404, {"error": f"No route matches /api/v1/{call.endpoint}"})
        if call.method != method:
            return json_reply(404, {"error": f"No route matches {call.method} {call.endpoint}"})
        if call.endpoint == BULK:
            reply = self._bulk(call, fault)
        elif call.endpoint == MATCH:
            reply = self._match(call, fault)
        elif call.endpoint == USAGE:
            reply = self._usage()
        elif call.endpoint == CREDITS:
            reply = self._credits()
        else:
            reply = self._identity(call)
        reply.headers.update(self._limit_headers(call.endpoint, fault))
        return reply

    def error(self, status: int, call: Call, fault: Fault | None) -> Reply:
        if status == 429:
            wait = fault.retry_after if fault and fault.retry_after is not None else 60
            headerless = fault is not None and fault.kind == "429_no_header"
            return self._too_many(call, wait, 1000, "minute", headerless)
        if status == 401:
            return json_reply(401, {"error": _KEY_REFUSED})
        if status == 403:
            return self._no_scope(call)
        return json_reply(
            status, {"error": "Something went wrong on our side.", "error_code": "UNKNOWN_ERROR"}
        )

    # The paid endpoints.

    def _bulk(self, call: Call, fault: Fault | None) -> Reply:
        body = parse(call.body)
        details = body.get("details") if isinstance(body, dict) else None
        if details is None or details == []:
            return _failed(400, "INVALID_REQUEST", "invalid request, missing details")
        if not isinstance(details, list) or not all(isinstance(one, dict) for one in details):
            text = "no implicit conversion of Symbol into Integer"
            return _failed(422, "UNKNOWN_ERROR", text)
        if len(details) > _MOST:
            text = f"cannot enrich more than {_MOST} in a single request"
            return _failed(400, "RECORD_LIMIT_EXCEEDED", text)
        flags = _flags(call, body)
        if wrong := _missing_webhook(flags):
            return wrong
        asked = [read_question(one) for one in details]
        stub_misses = self._config.bulk_miss == "stub" or (fault and fault.kind == "stub")
        found = [self._people.find(one) if one else None for one in asked]
        matches = [
            person or (orjson.dumps(self._people.stub(one)) if stub_misses else b"null")
            for person, one in zip(found, details, strict=True)
        ]
        paid = _bought(asked, found)
        if refusal := self._out_of_credits(len(paid), fault):
            return refusal
        charge = self._price(paid)
        if fault and fault.kind == "short":
            matches = matches[:-1]
        elif fault and fault.kind == "shuffled":
            Draw(self._config.seed, "shuffled", str(self._number)).shuffle(matches)
        head: dict[str, Any] = {
            "status": "success",
            "error_code": None,
            "error_message": None,
            "total_requested_enrichments": len(details),
        }
        if not flags["waterfall"]:
            head |= {
                "unique_enriched_records": len(paid),
                "missing_records": found.count(None),
                "credits_consumed": charge.amount,
            }
        head["request_id"] = self._request_id()
        head |= _later(flags, head["request_id"], bool(paid))
        answer = orjson.dumps(head)[:-1] + b',"matches":[' + b",".join(matches) + b"]}"
        return self._paid_reply(answer, len(details), charge)

    def _match(self, call: Call, fault: Fault | None) -> Reply:
        body = parse(call.body)
        details: dict[str, Any] = {**call.query, **(body if isinstance(body, dict) else {})}
        flags = _flags(call, body)
        if wrong := _missing_webhook(flags):
            return wrong
        asked = read_question(details)
        person = self._people.find(asked) if asked else None
        paid = [asked.key] if asked and person else []
        if refusal := self._out_of_credits(len(paid), fault):
            return refusal
        if person is None:
            stub = self._config.match_miss == "stub" and details.get("email")
            person = orjson.dumps(self._people.stub(details)) if stub else b"null"
        tail = {"request_id": self._request_id()}
        answer = b'{"person":' + person + b"," + orjson.dumps(tail)[1:]
        return self._paid_reply(answer, 1, self._price(paid))

    def _paid_reply(self, text: bytes, items: int, charge: Charge) -> Reply:
        seconds = self._delay(self._profile.apollo_seconds)
        headers = {"x-runtime": f"{seconds:.6f}"}
        return Reply(
            200, text, headers, seconds=seconds, items=items, charge=charge if charge.keys else None
        )

    def _price(self, paid: list[str]) -> Charge:
        amount = len(paid) * self._config.credit_per_person
        return Charge(int(amount) if amount == int(amount) else round(amount, 6), paid)

    def _out_of_credits(self, people: int, fault: Fault | None) -> Reply | None:
        price = people * self._config.credit_per_person
        forced = fault is not None and fault.kind == "out_of_credits"
        if not forced and (not price or price <= self._account().balance):
            return None
        text = "You have insufficient credits to enrich these records. Please upgrade your plan."
        return json_reply(self._config.out_of_credits_status, {"error": text})

    # What is free.

    def _usage(self) -> Reply:
        figures = {}
        for endpoint in _METHODS:
            group, _, action = endpoint.partition("/")
            name = orjson.dumps([f"api/v1/{group}", action]).decode().replace(",", ", ")
            figures[name] = {
                window: self._window_figures(endpoint, window)
                for window in ("minute", "hour", "day")
            }
        return json_reply(200, figures)

    def _window_figures(self, endpoint: str, name: str) -> dict[str, int | None]:
        limit, used = self._windows[endpoint].usage(name)
        left = None if limit is None else max(0, limit - used)
        return {"limit": limit, "consumed": used, "left_over": left}

    def _credits(self) -> Reply:
        account = self._account()
        lead = {
            "limit": _whole(account.balance + account.spent),
            "consumed": _whole(account.spent),
            "left_over": _whole(account.balance),
        }
        empty = {"limit": 0, "consumed": 0, "left_over": 0}
        figures = {
            "lead_credit": lead,
            "direct_dial_credit": empty,
            "export_credit": empty,
            "ai_credit": empty,
            "web_search_record_credit": empty,
        }
        cycle = {
            "start_date": _month(self._clock.now()),
            "end_date": _next_month(self._clock.now()),
        }
        return json_reply(200, {"credit_usage_stats": figures, "current_credit_cycle": cycle})

    def _identity(self, call: Call) -> Reply:
        account = self._account()
        profile: dict[str, Any] = {
            "id": hex_id(self._config.seed, "user"),
            "first_name": "Sandbox",
            "last_name": "User",
            "email": "user@sandbox.test",
            "team_id": hex_id(self._config.seed, "team"),
        }
        if call.query.get("include_credit_usage") == "true":
            profile |= {
                # Stuck at 0 on unified plans, while calls succeed.
                "num_credits_remaining": 0,
                "effective_num_lead_credits": _whole(account.balance + account.spent),
                "total_unified_credits_used": _whole(account.spent),
            }
        return json_reply(200, profile)

    # Keys, limits, numbers.

    def _key_fits(self, call: Call) -> bool:
        bearer = call.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._config.accepts("apollo", call.headers.get("x-api-key", "") or bearer)

    def _forbid(self, call: Call) -> Reply | None:
        guarded = call.endpoint in (USAGE, CREDITS)
        return self._no_scope(call) if guarded and not self._config.usage_scope else None

    def _no_scope(self, call: Call) -> Reply:
        text = f"This API key is not authorized to access api/v1/{call.endpoint}."
        return json_reply(403, {"error": text, "error_code": "API_INACCESSIBLE"})

    def _too_many(
        self, call: Call, wait: float, limit: int | None, window: str, headerless: bool = False
    ) -> Reply:
        text = (
            f"The maximum number of api calls allowed for api/v1/{call.endpoint} is {limit} times "
            f"per {window}. Please upgrade your plan to raise it."
        )
        headers = self._limit_headers(call.endpoint, None)
        if self._config.retry_after and not headerless:
            headers["retry-after"] = f"{wait:g}"
        return json_reply(429, {"message": text}, headers)

    def _limit_headers(self, endpoint: str, fault: Fault | None) -> dict[str, str]:
        windows = self._windows.get(endpoint)
        if windows is None:
            return {}
        if fault and fault.kind == "empty_headers":
            return {name: "" for _, *names in _HEADERS for name in names}
        if fault and fault.kind == "lying_headers":
            lies = ("100000", "0", "100000")
            return {
                name: lie for _, *names in _HEADERS for name, lie in zip(names, lies, strict=True)
            }
        headers = {}
        for name, limit_name, used_name, left_name in _HEADERS:
            limit, used = windows.usage(name)
            headers[limit_name] = "" if limit is None else str(limit)
            if limit is not None:
                headers[used_name] = str(used)
                headers[left_name] = str(max(0, limit - used))
        return headers

    def _request_id(self) -> int:
        self._number += 1
        draw = Draw(self._config.seed, "request", str(self._number))
        return -draw.between(1 << 60, (1 << 63) - 1)


def _bought(asked: list[Asked | None], found: list[bytes | None]) -> list[str]:
    """Keys of the people found, each once: the same person twice in a call is billed once."""
    pairs = zip(asked, found, strict=True)
    return list(dict.fromkeys(one.key for one, person in pairs if one and person))


def _flags(call: Call, body: object) -> dict[str, Any]:
    """The flags of a call: documented in the query, accepted in the body too."""
    given: Mapping[str, Any] = {**(body if isinstance(body, dict) else {}), **call.query}
    on = {name for name, value in given.items() if value is True or value == "true"}
    return {
        "phone": "reveal_phone_number" in on,
        "waterfall": bool(on & {"run_waterfall_email", "run_waterfall_phone"}),
        "webhook": given.get("webhook_url"),
    }


def _missing_webhook(flags: dict[str, Any]) -> Reply | None:
    if (flags["phone"] or flags["waterfall"]) and not flags["webhook"]:
        return json_reply(422, {"error": "Please add a valid 'webhook_url' parameter."})
    return None


def _later(flags: dict[str, Any], request_id: int, any_found: bool) -> dict[str, Any]:
    """The notes on what would come by webhook (the sandbox sends none)."""
    if flags["waterfall"]:
        return {"waterfall": {"status": "accepted", "message": "Results follow by webhook."}}
    if flags["phone"] and any_found:
        note = {"status": "pending", "request_id": str(request_id), "message": "Follows."}
        return {"phone_enrichment": note}
    return {}


def _failed(status: int, code: str, text: str) -> Reply:
    return json_reply(status, {"status": "failed", "error_code": code, "error_message": text})


def _whole(amount: float) -> float:
    """Credits as Apollo writes them: whole where they are."""
    return int(amount) if amount == int(amount) else round(amount, 6)


def _month(now: datetime) -> str:
    return now.date().replace(day=1).isoformat()


def _next_month(now: datetime) -> str:
    first = now.date().replace(day=1)
    year, month = divmod(first.year * 12 + first.month, 12)
    return first.replace(year=year, month=month + 1).isoformat()

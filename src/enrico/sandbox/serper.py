"""Serper's search and news endpoints, and its undocumented account page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from enrico.sandbox.config import Clock, SandboxConfig
from enrico.sandbox.draw import Draw
from enrico.sandbox.faults import Fault
from enrico.sandbox.meter import Account
from enrico.sandbox.names import plain
from enrico.sandbox.news import Press, Story, company_in
from enrico.sandbox.profiles import Profile
from enrico.sandbox.windows import FixedWindows
from enrico.sandbox.wire import Call, Charge, Reply, json_reply, parse

SEARCH = "search"
NEWS = "news"
ACCOUNT = "account"

_ECHOED = ("q", "gl", "hl", "num", "page", "autocorrect", "tbs", "location")
_MOST_QUERIES = 100
_WITHIN = re.compile(r"qdr:([hdwmy])(\d*)")
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 31.0, "y": 366.0}
_TAIL_SECONDS = (2.0, 4.0)


class Serper:
    """One Serper account."""

    faulty = frozenset({SEARCH, NEWS})

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
        self._time = time
        self._delay = delay
        self._press = Press(config.seed, lambda: clock.start.date())
        self.reset()

    def reset(self) -> None:
        self._windows = FixedWindows(self._profile.serper, self._time)
        self._number = 0

    def refuse(self, call: Call) -> Reply | None:
        key = call.headers.get("X-API-KEY", "")
        if self._config.accepts("serper", key):
            return None
        return _message(403, "Unauthorized." + ("" if key else " Sign up for a free account."))

    def throttle(self, call: Call, at_once: int) -> Reply | None:
        if call.endpoint not in self.faulty or self._windows.take() is None:
            return None
        return self.error(429, call, None)

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        if call.endpoint == ACCOUNT and call.method == "GET":
            balance = int(self._account().balance)
            return json_reply(
                200, {"balance": balance, "rateLimit": self._profile.serper.second or 300}
            )
        if call.endpoint not in self.faulty or call.method != "POST":
            return _message(404, f"Cannot {call.method} /{call.endpoint}")
        body = parse(call.body)
        queries = body if isinstance(body, list) else [body]
        if not queries or not all(_asks(query) for query in queries):
            return _message(400, "Missing query parameter")
        if len(queries) > _MOST_QUERIES:
            return _message(400, f"Maximum of {_MOST_QUERIES} queries allowed")
        batched = isinstance(body, list)
        prices = [self._price(query, batched) for query in queries]
        forced = fault is not None and fault.kind == "out_of_credits"
        if forced or sum(prices) > self._account().balance:
            return _message(400, "Not enough credits")
        kind = fault.kind if fault else ""
        answers = [
            self._result(call.endpoint, query, price, kind)
            for query, price in zip(queries, prices, strict=True)
        ]
        keys = [f"{call.endpoint}|{query['q']}|{query.get('page', 1)}" for query in queries]
        if batched and kind == "short":
            answers = answers[:-1]
        elif batched and kind == "shuffled":
            Draw(self._config.seed, "shuffled", str(len(answers))).shuffle(answers)
        return Reply(
            200,
            orjson.dumps(answers if batched else answers[0]),
            seconds=self._wait(),
            items=len(queries),
            about=tuple(company_in(query["q"]) for query in queries),
            charge=Charge(_whole(sum(prices)), keys),
        )

    def error(self, status: int, call: Call, fault: Fault | None) -> Reply:
        texts = {429: "Too many requests", 401: "Unauthorized.", 403: "Unauthorized."}
        reply = _message(status, texts.get(status, "Internal server error"))
        if fault and fault.retry_after is not None:
            reply.headers["retry-after"] = f"{fault.retry_after:g}"
        return reply

    def _wait(self) -> float:
        self._number += 1
        draw = Draw(self._config.seed, "tail", str(self._number))
        slow = draw.chance(self._profile.serper_tail)
        return self._delay(_TAIL_SECONDS if slow else self._profile.serper_seconds)

    def _price(self, query: dict[str, Any], batched: bool) -> float:
        number = query.get("num")
        single = 2 if isinstance(number, int) and number > 10 else 1
        return single * (self._config.serper_batch_factor if batched else 1)

    def _result(
        self, endpoint: str, query: dict[str, Any], price: float, kind: str
    ) -> dict[str, Any]:
        echoed = {name: query[name] for name in _ECHOED if name in query}
        answer: dict[str, Any] = {
            "searchParameters": {**echoed, "type": endpoint, "engine": "google"}
        }
        company = company_in(query["q"])
        stories = [] if kind == "empty" else self._press.stories(company)
        if query.get("page", 1) not in (0, 1, "1"):
            stories = []
        stories = _recent(stories, query.get("tbs"))
        draw = Draw(self._config.seed, "page", plain(company))
        if kind == "short":
            stories = stories[:1]
        if endpoint == NEWS:
            self._add_news(answer, stories, draw)
        else:
            self._add_organic(answer, stories, draw, company)
        if self._config.serper_credits_field:
            answer["credits"] = _whole(price)
        return answer

    def _add_news(self, answer: dict[str, Any], stories: list[Story], draw: Draw) -> None:
        # Google's news pages show a date for everything; web pages are not among them.
        dated = [story for story in stories if story.date]
        items = [
            {**_item(story), "source": story.source, "position": place}
            for place, story in enumerate(dated, 1)
        ]
        if items or draw.chance(0.5):
            answer["news"] = items

    def _add_organic(
        self, answer: dict[str, Any], stories: list[Story], draw: Draw, company: str
    ) -> None:
        if draw.chance(0.3) and stories:
            answer["knowledgeGraph"] = {
                "title": company,
                "type": "Company",
                "website": f"https://www.{plain(company)}.test",
                "description": f"{company} is a company.",
                "attributes": {"Headquarters": "Austin, Texas", "Founded": "1998"},
            }
        items = []
        for place, story in enumerate(stories, 1):
            item = {**_item(story), "position": place}
            if draw.chance(0.04):
                del item["snippet"]
            items.append(item)
        if items or draw.chance(0.5):
            answer["organic"] = items
        top = [story for story in stories if story.kind and story.date][:3]
        if top and draw.chance(0.25):
            answer["topStories"] = [
                {"title": s.title, "link": s.link, "source": s.source, "date": s.date} for s in top
            ]
        if stories and draw.chance(0.4):
            answer["peopleAlsoAsk"] = [
                {"question": f"Who owns {company}?", "snippet": "", "title": "", "link": ""}
            ]
        answer["relatedSearches"] = [{"query": f"{company} careers"}]


def _item(story: Story) -> dict[str, Any]:
    item: dict[str, Any] = {"title": story.title, "link": story.link, "snippet": story.snippet}
    if story.date:
        item["date"] = story.date
    return item


def _asks(query: object) -> bool:
    return isinstance(query, dict) and isinstance(query.get("q"), str) and bool(query["q"].strip())


def _recent(stories: list[Story], tbs: object) -> list[Story]:
    """The stories within Google's time filter, as in ``qdr:m6`` for half a year."""
    within = _WITHIN.search(tbs) if isinstance(tbs, str) else None
    if not within:
        return stories
    days = _DAYS[within.group(1)] * int(within.group(2) or 1)
    return [story for story in stories if story.age_days <= days]


def _message(status: int, text: str) -> Reply:
    return json_reply(status, {"message": text, "statusCode": status})


def _whole(amount: float) -> float:
    return int(amount) if amount == int(amount) else amount

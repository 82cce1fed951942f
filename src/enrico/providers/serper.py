"""Serper: Google's results for an account. Contract: one credit for each successful answer.

An empty balance is a 400 here, and there are no rate-limit headers. "No result" is a fact only
when the answer has the shape of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from enrico.domain.identity import registrable_domain, short_account_name
from enrico.engine.asking import BadAnswer, Call
from enrico.engine.http import Reply, Request
from enrico.engine.money import Cost, cost_of_credits, micro_credits
from enrico.engine.stats import ProviderName
from enrico.engine.windows import Window
from enrico.errors import Fatal, ProviderError, Skippable
from enrico.providers.common import (
    believable,
    error_text,
    json_object,
    no_service,
    ordinary_refusal,
)
from enrico.settings import SerperSettings

RESULTS_KEPT = 10
_CREDITS = re.compile(rb'"credits"\s*:\s*([0-9]+(?:\.[0-9]+)?)')


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One search result, as found. ``date`` is raw text, relative to the moment of the call."""

    title: str
    url: str
    snippet: str = ""
    date: str = ""
    source: str = ""


class Serper:
    """Requests to and replies from Serper."""

    name: ProviderName = "serper"
    dear = False
    repeats_unreadable = True

    def __init__(self, settings: SerperSettings) -> None:
        self.settings = settings
        self.timeout_seconds = settings.timeout_seconds

    def headers(self, key: str) -> dict[str, str]:
        """The key goes into a header; in a query it would land in logs."""
        return {"X-API-KEY": key}

    def search(self, key: str, name: str, domain: str) -> Call:
        """The one search for the account with this match key."""
        options = self.settings
        # A quote inside a name would end the quoted phrase.
        name = short_account_name(" ".join(name.replace('"', " ").split()))
        words = options.query.format(name=name, domain=domain)
        body: dict[str, object] = {
            "q": words,
            "gl": options.country,
            "hl": options.language,
            "num": RESULTS_KEPT,
            "autocorrect": False,  # Google rewrites rare company names
        }
        if options.past:
            body["tbs"] = options.past
        return Call(
            endpoint=options.kind,
            request=Request("POST", f"/{options.kind}", orjson.dumps(body)),
            items=(key,),
            reserve=self.price(),
        )

    def price(self) -> Cost:
        """What one search costs."""
        return cost_of_credits(micro_credits(1), self.settings.credit_usd)

    def account(self) -> Request:
        """The balance and the rate limit, for nothing."""
        return Request("GET", "/account")

    def refusal(self, reply: Reply) -> ProviderError | None:
        """What a reply that is no answer means."""
        words = error_text(reply) if 400 <= reply.status < 500 else ""
        if reply.status in (401, 403):
            return Fatal(
                f"Serper refused the key in SERPER_API_KEY (HTTP {reply.status}). "
                "Replace it, then check it with: enrico doctor",
                provider=self.name,
                status=reply.status,
            )
        if reply.status in (400, 402) and "credit" in words.lower():
            return Fatal(
                f"Serper's balance is spent (HTTP {reply.status}: {words}). Buy credits, then run "
                "the same command again; it goes on from there.",
                provider=self.name,
                status=reply.status,
            )
        if refused := no_service("Serper", reply, "SERPER_BASE_URL", "https://google.serper.dev"):
            return refused
        return ordinary_refusal(self.name, reply)

    def step_down(self, error: Skippable, call: Call) -> bool:
        """There is no switch to leave out."""
        return False

    def cost(self, reply: Reply, reserved: Cost, sent_at: float) -> Cost:
        """The ``credits`` of the answer where given, else the price of one search."""
        found = _CREDITS.findall(reply.body[-200:]) or _CREDITS.findall(reply.body)
        if not found:
            return reserved
        credits = micro_credits(found[-1].decode())
        return believable(cost_of_credits(credits, self.settings.credit_usd), reserved)

    def windows(self, headers: Mapping[str, str]) -> Sequence[Window]:
        """Serper sends no limits."""
        return ()

    def used(self, headers: Mapping[str, str]) -> Mapping[float, int]:
        """Nothing is said of it."""
        return {}


def read_results(reply: Reply) -> tuple[SearchResult, ...]:
    """The first results of an answer; empty when Google found nothing.

    Raises BadAnswer when the answer does not have the shape of one: a failure is no "nothing".
    """
    found = json_object(reply.body)
    if found is None:
        raise BadAnswer("it is not JSON")
    given = (found.get(name) for name in ("news", "organic", "topStories"))
    lists = [entries for entries in given if entries is not None]
    if any(not isinstance(entries, list) for entries in lists):
        raise BadAnswer("its results are not a list")
    if not lists and {"error", "message"} & found.keys():
        raise BadAnswer("status 200 carries an error")
    if not lists and "searchParameters" not in found and not {"organic", "news"} & found.keys():
        raise BadAnswer("it has neither results nor searchParameters")
    results: dict[str, SearchResult] = {}
    for entries in lists:
        for entry in entries:
            if not isinstance(entry, dict):
                continue
            title, url = entry.get("title"), entry.get("link")
            if not isinstance(title, str) or not isinstance(url, str) or not url:
                continue
            if not url.startswith(("http://", "https://")) or url in results:
                continue
            results[url] = SearchResult(
                title, url, *(_text(entry.get(name)) for name in ("snippet", "date", "source"))
            )
    if any(lists) and not results:
        raise BadAnswer("none of its results can be read")
    return tuple(results.values())[:RESULTS_KEPT]


def host_of(url: str) -> str:
    """``https://www.reuters.com/a`` → ``reuters.com``; the bare host when it has no suffix."""
    host = url.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0].rpartition("@")[2]
    host = host.partition(":")[0].lower().removeprefix("www.")
    return registrable_domain(host) or host


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

"""The emulator's books held against the journal's, from outside the client."""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from enrico.store.journal import pack_request
from tests.chaos.emulator import Exchange

UNCLEAR = frozenset({"short", "shuffled", "extra"})
"""Answers that are paid for and prove nothing of some people, who are bought again singly."""
FACTS = {
    "people": "key, state, provider, provider_id, name, title, seniority, departments, functions, "
    "employer, employer_domain, employer_since, email, email_status, linkedin_url, city, country",
    "searches": "key, state, results",
    "classifications": "key, state, signals, top_signals",
    "signals": "key, n, type, headline, url, host, published, date_precision, relevance, snippet, "
    "result_index, seen_on",
    "deal_contacts": "deal_id, contact_id, role, role_source, role_confidence, role_reason, "
    "runner_up, runner_up_source, runner_up_confidence",
}
SCORES = "key, score, score_parts, summary"


class Outside:
    """A second pair of eyes on the database: it sees what is committed, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def close(self) -> None:
        self._raw.close()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._raw.execute(sql, values).fetchall()

    def intent(self, call_id: str, request: Any) -> tuple[str, list[Any]] | None:
        """(run, items) of a call that is committed as about to be sent, with these very bytes."""
        found = self.rows(
            "select run_id, items from calls where id = ? and state = 'sent' and request = ?",
            call_id,
            pack_request(request),
        )
        return (found[0][0], orjson.loads(found[0][1])) if found else None

    def known(self, provider: str, items: list[Any]) -> list[str]:
        """What of *items* is a fact, or held, and so need not be asked for."""
        if provider == "deepseek":
            return [
                key
                for key, search, *_ in items
                if self.rows(
                    "select 1 from classifications where key = ? and search_call_id = ?"
                    " and state = 'done'",
                    key,
                    search,
                )
            ]
        table, states = {
            "apollo": ("people", "'found', 'not_found', 'held'"),
            "serper": ("searches", "'found', 'empty'"),
        }[provider]
        marks = ", ".join("?" * len(items))
        query = f"select key from {table} where key in ({marks}) and state in ({states})"
        return [key for (key,) in self.rows(query, *items)]

    def facts(self, *, scores: bool) -> dict[str, list[tuple[Any, ...]]]:
        """All that is known, without when and by which call it came."""
        found = {
            table: self.rows(f"select {columns} from {table} order by 1, 2")
            for table, columns in FACTS.items()
        }
        if scores:
            found["scores"] = self.rows(f"select {SCORES} from classifications order by 1")
        return found

    def days_of_search(self) -> set[str]:
        """On which days searches were answered; scores depend on it."""
        return {day for (day,) in self.rows("select substr(fetched_at, 1, 10) from searches")}


@dataclass
class Audit:
    """What an audit of a history's books came to."""

    wrong: list[str] = field(default_factory=list)
    calls: int = 0
    credits: int = 0
    """Micro-credits charged by Apollo and Serper."""
    in_doubt: int = 0
    """Of these, for calls that brought no answer."""


def audit(outside: Outside, exchanges: Iterable[Exchange], *, policy: str) -> Audit:
    """Hold every call in the journal against what reached the provider, in both directions."""
    result = Audit()
    by_call: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        by_call[exchange.call_id].append(exchange)
    rows = outside.rows("select id, provider, state, credits, usd, body, error from calls")
    for call_id, provider, state, credits, usd, body, error in rows:
        result.calls += 1
        found = by_call.pop(call_id, [])
        ours = usd if provider == "deepseek" else credits
        paid = sum(exchange.paid for exchange in found)
        if provider != "deepseek":
            result.credits += paid
            result.in_doubt += paid * (state != "answered")
        about = f"{provider} call {call_id} ({state}, {error!r})"
        if state in ("sent", "unknown"):
            result.wrong.append(f"{about} was left open")
        elif state in ("refused", "not_sent") and paid:
            result.wrong.append(f"{about} is booked as free, and {paid} were charged")
        elif state == "answered":
            last = found[-1] if found else None
            if last is None or not last.delivered or last.reply is None:
                result.wrong.append(f"{about}: the provider never answered it")
            elif zlib.decompress(body) != last.reply.body:
                result.wrong.append(f"{about}: another answer than was sent")
            elif paid != ours:
                result.wrong.append(f"{about} is booked as {ours}, and {paid} were charged")
        elif paid > ours:
            result.wrong.append(f"{about} keeps {ours} in doubt, and {paid} were charged")
        if state == "failed" and provider == "apollo" and policy != "retry":
            result.wrong.append(f"{about}: a dear call was given up without being settled")
    for call_id, found in by_call.items():
        result.wrong.append(f"{len(found)} calls left for {call_id}, which is not in the journal")
    return result


def paid_twice(exchanges: Iterable[Exchange]) -> list[str]:
    """People who were paid for again, though the first time was not for nothing."""
    by_person: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.provider == "apollo" and exchange.paid:
            for address in exchange.bought:
                by_person[address].append(exchange)
    return [
        f"a person was paid for {len(found)} times, after {found[0].fault.kind or 'a good answer'}"
        for found in by_person.values()
        if any(exchange.fault.kind not in UNCLEAR for exchange in found[:-1])
    ]


def difference(ours: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """What differs between two sets of facts, by table, without naming anybody."""
    wrong = []
    for table, rows in ours.items():
        if rows != right[table]:
            more, less = (
                Counter(rows) - Counter(right[table]),
                Counter(right[table]) - Counter(rows),
            )
            wrong.append(f"{table}: {list(more)[:2]} instead of {list(less)[:2]}")
    return wrong

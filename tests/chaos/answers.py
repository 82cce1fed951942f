"""Spoilt answers of all three providers: only declared errors, nothing on anybody else, no miss."""

from __future__ import annotations

import copy
import json
import random
import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from enrico.engine.asking import BadAnswer
from enrico.engine.http import Reply
from enrico.engine.money import Cost
from enrico.errors import ProviderError
from enrico.providers.apollo import Apollo, Person, PersonToFind, read_bulk, read_single
from enrico.providers.llm import Llm, account_ids, read_picks
from enrico.providers.serper import Serper, read_results
from enrico.settings import ApolloSettings, LlmSettings, SerperSettings
from tests.chaos.mutations import mutate
from tests.chaos.record import Plan, Record

FULL, QUICK = 100_000, 3_000
LONGEST_SECONDS = 3.0  # on a machine that does much else; what is not linear takes minutes
LARGEST_FACTOR = 60
"""Bytes of memory for each byte of an answer, beside 20 MB."""
LARGEST_COST = 10**15
_CANARY = re.compile(r"§(\d+)§")
# The last two are namesakes.
_FIRST = ("Ada", "Bruno", "Chloe", "Dilek", "Emil", "Farah", "Goran", "Hana", "Ivo", "Ivo")
_LAST = (
    "Byrne",
    "Costa",
    "Dvorak",
    "Eriksen",
    "Fuchs",
    "Greco",
    "Haas",
    "Iwata",
    "Jansen",
    "Jansen",
)
MOVED = 5
"""Who comes back with another address."""
Wrong = list[str]


@dataclass(frozen=True)
class Case:
    """A good answer, and who may say what of it after it was spoilt."""

    name: str
    body: bytes
    check: Callable[[str, bytes], Wrong]
    """(what was done, the spoilt body) → what is wrong with how it was read."""


def _person(n: int) -> dict[str, Any]:
    """Every text says whose it is."""
    return {
        "id": f"§{n}§", "first_name": _FIRST[n], "last_name": _LAST[n],
        "name": f"{_FIRST[n]} {_LAST[n]}", "title": f"Head §{n}§", "seniority": "head",
        "email": f"{_FIRST[n]}@{'moved' if n == MOVED else 'acme'}{n}.com".lower(),
        "email_status": "verified",
        "linkedin_url": f"http://www.linkedin.com/in/§{n}§", "city": f"City §{n}§",
        "country": f"Land §{n}§", "departments": [f"§{n}§"], "functions": [f"§{n}§"],
        "organization": {"name": f"Firm §{n}§", "primary_domain": f"acme{n}.com"},
        "employment_history": [
            {"current": True, "organization_name": f"Firm §{n}§", "start_date": "2021-04-01"}
        ],
    }  # fmt: skip


ASKED = [PersonToFind(f"{_FIRST[n]}@acme{n}.com".lower(), _FIRST[n], _LAST[n]) for n in range(10)]
UNKNOWN = (3, 7)
"""Positions of those whom the provider does not know."""


def apollo_bulk() -> Case:
    matches = [None if n in UNKNOWN else _person(n) for n in range(10)]
    document = {
        "status": "success", "error_code": None, "error_message": None, "request_id": -5,
        "total_requested_enrichments": 10, "unique_enriched_records": 8, "missing_records": 2,
        "credits_consumed": 8, "matches": matches,
    }  # fmt: skip

    def check(done: str, body: bytes) -> Wrong:
        found = read_bulk(Reply(200, {}, body), ASKED)
        wrong = [line for n in range(10) for line in _on_others(n, found.found.get(ASKED[n].key))]
        missed = set(found.not_found) - {ASKED[n].key for n in UNKNOWN}
        if missed:
            wrong.append(f"{len(missed)} are missed whom the provider knows")
        if found.not_found and len(json.loads(body)["matches"]) != len(ASKED):
            wrong.append("an answer of another length says that somebody is not known")
        answered = [*found.found, *found.not_found, *found.unclear]
        if sorted(answered) != sorted(person.key for person in ASKED):
            wrong.append("somebody is left out, or there twice")
        return wrong

    return Case("apollo bulk", orjson.dumps(document), check)


def apollo_single() -> Case:
    document = {"person": _person(2), "request_id": -5, "status": "success"}

    def check(done: str, body: bytes) -> Wrong:
        found = read_single(Reply(200, {}, body), ASKED[2])
        wrong = _on_others(2, found.found.get(ASKED[2].key))
        # To leave the person out, or to send null, is how an unknown one is told of.
        if found.not_found and json.loads(body).get("person") is not None:
            wrong.append("missed whom the provider knows")
        return wrong

    return Case("apollo single", orjson.dumps(document), check)


def serper() -> Case:
    document = {
        "searchParameters": {"q": "acme", "type": "search"},
        "organic": [
            {"title": f"T §{n}§", "link": f"https://x.test/§{n}§", "snippet": f"S §{n}§",
             "date": f"D §{n}§", "source": f"P §{n}§"}
            for n in range(8)
        ],
        "credits": 1,
    }  # fmt: skip

    def check(done: str, body: bytes) -> Wrong:
        found = read_results(Reply(200, {}, body))
        wrong = []
        for result in found:
            whose = {n for text in _texts(result) for n in _CANARY.findall(text)}
            if len(whose) > 1:
                wrong.append(f"a result is made of {len(whose)}")
        organic = json.loads(body).get("organic")
        if not found and organic:
            wrong.append("results that cannot be read pass for none")
        return wrong + _unstorable([text for result in found for text in _texts(result)])

    return Case("serper", orjson.dumps(document), check)


LLM_ITEMS = [["acme.com", "c1", 0, 3, 0], ["beta.io", "c2", 3, 4, 0], ["gamma.de", "c3", 7, 2, 2]]
_IDS = account_ids([str(item[0]) for item in LLM_ITEMS])
_KINDS = {0: "funding", 2: "hiring", 4: "award", 6: "layoff", 7: "expansion"}


def llm() -> Case:
    accounts = [
        {
            "id": _IDS[str(key)],
            "signals": [
                {"result": n, "type": kind, "relevance": 0.9}
                for n, kind in _KINDS.items()
                if first <= n < first + count
            ],
        }
        for key, _, first, count, _ in LLM_ITEMS
    ]
    content = orjson.dumps({"accounts": accounts})

    def check(done: str, body: bytes) -> Wrong:
        whole = {"choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": body.decode("utf-8", "replace")}}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 9}}  # fmt: skip
        return _wrong_picks(Reply(200, {}, orjson.dumps(whole)), done)

    return Case("model's text", content, check)


def llm_envelope() -> Case:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": llm().body.decode()}}
    usage = {"prompt_tokens": 50, "completion_tokens": 9, "prompt_cache_hit_tokens": 8}
    body = orjson.dumps({"id": "x", "choices": [choice], "usage": usage})
    return Case("model's envelope", body, lambda done, b: _wrong_picks(Reply(200, {}, b), done))


def _wrong_picks(reply: Reply, done: str) -> Wrong:
    picks = read_picks(reply, LLM_ITEMS)
    wrong = []
    for key, _, first, count, begins in LLM_ITEMS:
        own = picks.by_account.get(str(key))
        for pick in own or ():
            number = pick.result - begins + first
            if not first <= number < first + count:
                wrong.append("a pick of a result that the account does not have")
            elif _KINDS.get(number) != pick.type and done not in ("other_type", "odd_item"):
                wrong.append("a pick that nobody made")
        # Whether the model left a signal out cannot be told; whether all are rubbish can.
        if own == () and done in ("rename_key", "drop_key"):
            wrong.append("signals that cannot be read pass for none")
    if set(picks.by_account) & set(picks.missing):
        wrong.append("an account is both answered and missing")
    return wrong


def _on_others(n: int, person: Person | None) -> Wrong:
    """Whether a person was made of somebody else's values."""
    if person is None:
        return []
    texts = _texts(person)
    others = {m for text in texts for m in _CANARY.findall(text)} - {str(n)}
    strange = person.name and person.name.split()[0] in _FIRST and not any(
        part in person.name for part in (_FIRST[n], _LAST[n])
    )  # fmt: skip
    wrong = ["somebody has another one's values"] if others or strange else []
    return wrong + _unstorable(texts)


def _unstorable(texts: list[str]) -> Wrong:
    bad = any("\x00" in text or (not text.isprintable() and _surrogate(text)) for text in texts)
    return ["a text that PostgreSQL refuses"] if bad else []


def _surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _texts(value: Any) -> list[str]:
    found = [getattr(value, name) for name in type(value).__slots__]
    return [t for v in found for t in (v if isinstance(v, tuple) else (v,)) if isinstance(t, str)]


PROVIDERS = (Apollo(ApolloSettings()), Serper(SerperSettings()), Llm(LlmSettings()))
RESERVED = Cost(10 * 10**6, 250 * 10**6)
STATUSES = (200, 200, 200, 201, 302, 400, 401, 402, 403, 404, 408, 422, 429, 500, 503, 520, 599)
HEADERS = ("x-rate-limit-minute", "x-minute-requests-left", "x-rate-limit-24-hour",
           "x-24-hour-requests-left", "retry-after")  # fmt: skip
VALUES = ("", " ", "-1", "0", "1", "nan", "inf", "1e9", "9" * 30, "9" * 5_000, "٣", "0x1", "1,000",
          "Fri, 20 Nov 2026 12:00:00 GMT", "\x00")  # fmt: skip


def _around(draw: random.Random, body: bytes) -> Wrong:
    """What is read of an answer before its meaning: what it is, what it cost, which limits."""
    headers = {name: draw.choice(VALUES) for name in HEADERS if draw.random() < 0.5}
    reply = Reply(draw.choice(STATUSES), headers, body)
    wrong = []
    provider = draw.choice(PROVIDERS)
    refusal = provider.refusal(reply)
    if refusal is not None and not isinstance(refusal, ProviderError):
        wrong.append("a refusal of no known kind")
    if refusal is None and reply.status != 200:
        wrong.append(f"HTTP {reply.status} passes for an answer")
    if refusal is not None and "\x00" in str(refusal):
        wrong.append("a reason that PostgreSQL refuses")
    cost = provider.cost(reply, RESERVED, 0.0)
    if not (0 <= cost.credits <= LARGEST_COST and 0 <= cost.usd <= LARGEST_COST):
        wrong.append(f"{provider.name} cost {str(cost)[:60]}")
    if any(window.limit < 0 for window in provider.windows(headers)):
        wrong.append("a limit below nothing")
    if any(used < 0 for used in provider.used(headers).values()):
        wrong.append("fewer than no calls counted")
    return wrong


CASES = (apollo_bulk(), apollo_single(), serper(), llm(), llm_envelope())
"""The good answers."""


def try_one(case: Case, draw: random.Random, done: str, body: bytes) -> tuple[str, Wrong]:
    """(how it was taken, what is wrong) of one spoilt answer."""
    began = time.thread_time()
    try:
        wrong = _around(draw, body)
        try:
            wrong += case.check(done, body)
            taken = "read"
        except BadAnswer:
            taken = "not understood"
    except Exception as error:
        return "failed", [f"{type(error).__name__}: {str(error)[:80]}"]
    if (took := time.thread_time() - began) > LONGEST_SECONDS:
        wrong.append(f"took {took:.1f} s")
    return taken, wrong


def mutated(seed: int, n: int) -> tuple[Case, random.Random, str, bytes]:
    """The *n*-th spoilt answer of a seed, as :func:`try_one` takes it."""
    draw = random.Random(f"answers {seed} {n}")
    case = draw.choice(CASES)
    return case, draw, *mutate(draw, case.body)


def huge() -> list[tuple[Case, str, bytes]]:
    """Answers as large as may come in, or nearly."""
    found = []
    for case in CASES:
        document = json.loads(case.body)
        name = next(
            n for n in ("matches", "person", "organic", "accounts", "choices") if n in document
        )
        items = document[name] if isinstance(document[name], list) else [document[name]]
        many = {**copy.deepcopy(document), name: items * (100_000 // len(items) // 8)}
        found.append((case, "huge list", orjson.dumps(many)))
        found.append((case, "nulls", orjson.dumps({**document, name: [None] * 100_000})))
        first = copy.deepcopy(document)
        target = first[name][0] if isinstance(first[name], list) else first[name]
        for key in list(target):
            if isinstance(target[key], str):
                target[key] = "Ω" * 5_000_000
                break
        found.append((case, "huge text", orjson.dumps(first)))
        found.append((case, "spaces", b" " * 10_000_000 + case.body))
    return found


def answers(plan: Plan) -> Record:
    """The harness."""
    taken: Counter[str] = Counter()
    failures: list[str] = []

    def judge(case: Case, draw: random.Random, done: str, body: bytes, how: str) -> None:
        how_taken, wrong = try_one(case, draw, done, body)
        taken[how_taken] += 1
        failures.extend(f"{case.name}, {done} ({how}): {line}" for line in wrong)

    for case in CASES:
        for length in range(0, len(case.body), 1 if plan.full else 7):
            judge(case, random.Random(0), "cut", case.body[:length], f"at byte {length}")
    for case, done, body in huge():
        judge(case, random.Random(0), done, body, f"{len(body)} bytes")
        tracemalloc.start()  # apart, for it takes much time
        with suppress(BadAnswer):
            case.check(done, body)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if peak > 20 * 2**20 + LARGEST_FACTOR * len(body):
            failures.append(f"{case.name}, {done}: {peak >> 20} MB for {len(body) >> 20} MB")
    for n in range(max(0, (FULL if plan.full else QUICK) - sum(taken.values()))):
        judge(*mutated(plan.seed, n), f"seed {plan.seed}, number {n}")
    of = sum(taken.values())
    return Record(
        "answers",
        {f"spoilt answers {how}": number for how, number in sorted(taken.items())},
        {"wrong attributions, misses out of failures, undeclared errors": (len(failures), of)},
        failures,
    )

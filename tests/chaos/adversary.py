"""A model that lies, rambles and obeys strangers: nothing outside the lists that we gave it.

A model that lies of an account's own results cannot be told from one that reads them; what is
tested is that it reaches nothing else.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import orjson

from enrico.domain.signals import SignalType
from enrico.engine.asking import BadAnswer
from enrico.engine.http import Reply
from enrico.engine.money import Cost
from enrico.engine.stats import Stats
from enrico.pipeline.apply import Applier
from enrico.providers.llm import Llm, Picks, ToClassify, read_picks
from enrico.providers.serper import SearchResult
from enrico.report.page import render_page
from enrico.report.run import RunRecord
from enrico.settings import LlmSettings
from enrico.store.journal import Journal
from enrico.store.tables import classifications, signals
from tests.chaos.histories import recorded_run
from tests.chaos.injections import EVIL, MARKUP, Injection, injections
from tests.chaos.record import Plan, Record

FULL, QUICK = 50_000, 3_000
NAMES = ("Kestrel Robotics", "Lumen Foods", "Marlow Freight")
NEWS = ("raises $20 million in Series B", "appoints a new chief executive", "lays off 120 people")
AT = "2026-11-20T12:00:00.000Z"


def accounts(injected: str = "") -> list[ToClassify]:
    """Three accounts with three results each; *injected* is in the first one's."""
    found = []
    for n, name in enumerate(NAMES):
        host = f"{name.split()[0].lower()}.com"
        results = tuple(
            SearchResult(f"{name} {news}", f"https://news{m}.test/{host}", f"{name} {news}.", "")
            for m, news in enumerate(NEWS)
        )
        if injected and n == 0:
            first = results[0]
            spoilt = SearchResult(f"{first.title} {injected}", first.url, injected)
            results = (spoilt, *results[1:])
        found.append(ToClassify(host, name, host, f"s{n}", AT, results))
    return found


class Paper:
    """Stands where the database stands, and keeps what is written."""

    def __init__(self) -> None:
        self.written: dict[str, list[Any]] = {}

    async def write(self, *operations: Any) -> None:
        for statement, rows in operations:
            if hasattr(statement, "table") and not statement.is_delete:
                self.written.setdefault(statement.table.name, []).extend(rows)

    async def rows(self, *_: Any, **__: Any) -> list[Any]:
        return []


def take(content: str, sent: list[ToClassify]) -> tuple[Picks | None, list[str]]:
    """(what is read of a model's text about *sent*, what is wrong with it)."""
    call = Llm(LlmSettings()).classify(sent)
    message = {"role": "assistant", "content": content}
    body = orjson.dumps({"choices": [{"finish_reason": "stop", "message": message}]})
    try:
        picks = read_picks(Reply(200, {}, body), call.items)
    except BadAnswer:
        return None, []
    except Exception as error:
        return None, [f"{type(error).__name__}: {str(error)[:80]}"]
    wrong = []
    known = {account.key: len(account.asked) for account in sent}
    for key, chosen in picks.by_account.items():
        for pick in chosen:
            if key not in known or not 0 <= pick.result < known[key]:
                wrong.append("a pick outside of what was sent")
            if pick.type not in SignalType or type(pick.relevance) is not float:
                wrong.append("a pick outside of the lists")
            if not 0 <= pick.relevance <= 1:
                wrong.append("a relevance out of range")
    if sorted([*picks.by_account, *picks.missing]) != sorted(known):
        wrong.append("an account is left out, or both answered and missing")
    return picks, wrong


def stored(picks: Picks, sent: list[ToClassify]) -> list[str]:
    """What is wrong with the rows that are made of picks."""
    paper = Paper()
    applier = Applier(paper, Journal(paper), Stats(), "en")  # type: ignore[arg-type]
    by_key = {account.key: account for account in sent}
    asyncio.run(applier.classification("c1", AT, Cost(), picks, by_key))
    wrong = []
    for row in paper.written.get(signals.name, []):
        own = {(r.url, r.title, r.snippet) for r in by_key[row["key"]].results}
        if (row["url"], row["headline"], row["snippet"]) not in own:
            wrong.append("a signal rests on nothing that was sent for its account")
        if row["type"] not in SignalType._value2member_map_:
            wrong.append("a type outside of the list")
    for row in paper.written.get(classifications.name, []):
        others = [name for name in NAMES if name != by_key[row["key"]].name]
        if any(name in row["summary"] for name in others):
            wrong.append("a summary says what is another one's")
    return wrong


def obeyed(injection: Injection) -> list[str]:
    """What is wrong when a model does what a text in a search result says."""
    sent = accounts(injection.text)
    question = orjson.loads(Llm(LlmSettings()).classify(sent).request.body)
    picks, wrong = take(injection.obey(orjson.loads(question["messages"][-1]["content"])), sent)
    return wrong if picks is None else wrong + stored(picks, sent)


# -- arbitrary outputs ------------------------------------------------------------------------

_ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 8, 9, 1.0, 1.5, 1e308, 10**18, "0", "1", "²", "٣", "9" * 5_000, "",
    "NaN", [], {}, [0], {"id": 0}, "funding", "FUNDING", "award", "best", "\x00", "\ud7ff", EVIL,
)  # fmt: skip
_PIECES = ('{"accounts":[', '{"id":"', '","signals":[', '{"result":', ',"type":"', '"funding"',
           "]}", "NaN", "Infinity", "-0", "1e999", "null", "\\u0000", "\\ud800", "```json\n",
           "\n```", "<think>", "</think>", "[" * 2_000, "}", "]", '"', ":", ",",
           " ", "Ω", "a1")  # fmt: skip


def arbitrary(draw: random.Random, ids: list[str]) -> str:
    """Something that a model may write."""
    if draw.random() < 0.25:
        return "".join(draw.choice(_PIECES) for _ in range(draw.randint(0, 30)))

    def odd(usual: Any) -> Any:
        return usual if draw.random() < 0.7 else draw.choice(_ODD)

    def signal() -> Any:
        types = [str(kind) for kind in SignalType]
        made = {"result": odd(draw.randint(0, 8)), "type": odd(draw.choice(types)),
                "relevance": odd(draw.random())}  # fmt: skip
        if draw.random() < 0.2:
            made[draw.choice(("url", "title", "id", "result"))] = draw.choice(_ODD)
        if draw.random() < 0.1:
            made.pop(draw.choice(list(made)))
        return odd(made)

    def account() -> Any:
        count = draw.choice((0, 1, 3, 12))
        return odd({"id": odd(draw.choice(ids)), "signals": odd([signal() for _ in range(count)])})

    answer: Any = odd({"accounts": odd([account() for _ in range(draw.randint(0, 5))])})
    text = orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS).decode()
    if draw.random() < 0.1:
        text = f"```json\n{text}\n```"
    return text[: draw.randrange(len(text) + 1)] if draw.random() < 0.1 else text


# -- the report -------------------------------------------------------------------------------


class Structure(HTMLParser):
    """What of a page is not text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple[str, ...]] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        links = (value or "" for name, value in attrs if name in ("href", "src", "action"))
        self.found[tag, *sorted(name for name, _ in attrs), *links] += 1

    def handle_comment(self, data: str) -> None:
        self.found["comment", data] += 1


def structure(page: str) -> Counter[tuple[str, ...]]:
    """Elements, their attributes and links."""
    parser = Structure()
    parser.feed(page)
    return parser.found


def with_text(record: RunRecord, text: str) -> RunRecord:
    """The record with *text* wherever a provider's or the CRM's own words may stand."""
    data = copy.deepcopy(record.data)
    for failure in data["failures"]:
        failure["reason"] = text
    for wall in data["walls"]:
        wall["detail"] = text
    data["messages"] = [text]
    data["role_notes"] = [{"kind": "unknown_label", "field": text, "value": text, "count": 2}]
    return RunRecord(data, record.tally, record.seconds)


def unescaped(record: RunRecord, settings: Any, texts: list[str]) -> list[str]:
    """Texts that become more than text on a run's page."""
    plain = structure(render_page(with_text(record, "words"), settings))
    return [
        f"markup in the report: {text[:60]!r}"
        for text in texts
        if structure(render_page(with_text(record, text), settings)) != plain
    ]


def adversary(plan: Plan) -> Record:
    """The harness."""
    failures: list[str] = []
    read = 0
    sent = accounts()
    asked = orjson.loads(Llm(LlmSettings()).classify(sent).request.body)["messages"][-1]["content"]
    ids = [account["id"] for account in orjson.loads(asked)["accounts"]]
    outputs = FULL if plan.full else QUICK
    for n in range(outputs):
        draw = random.Random(f"adversary {plan.seed} {n}")
        picks, wrong = take(arbitrary(draw, ids), sent)
        read += picks is not None
        if picks is not None and n % 20 == 0:
            wrong += stored(picks, sent)
        failures += [f"output {n} of seed {plan.seed}: {line}" for line in wrong]
    texts = injections()
    for number, injection in enumerate(texts):
        failures += [f"injection {number}: {line}" for line in obeyed(injection)]
    record, settings = recorded_run()
    shown = [*MARKUP, *(injection.text for injection in texts[:: 1 if plan.full else 20])]
    failures += unescaped(record, settings, shown)
    of = outputs + len(texts) + len(shown)
    return Record(
        "adversary",
        {"arbitrary outputs": outputs, "of these read": read, "injected texts": len(texts),
         "pages of a report": len(shown)},
        {"values outside the lists, on others, or run as markup": (len(failures), of)},
        failures,
    )  # fmt: skip

"""From recorded answers to facts: what is accepted, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, insert, select

from enrico.domain.signals import SignalType
from enrico.engine.money import Cost
from enrico.engine.stats import Stats
from enrico.pipeline.apply import Applier, Parts, trouble_row
from enrico.providers.apollo import Matches, Person
from enrico.providers.llm import Pick, Picks, ToClassify
from enrico.providers.serper import SearchResult
from enrico.store import facts
from enrico.store.database import Database, open_database
from enrico.store.journal import Journal
from enrico.store.tables import accounts, classifications, people, signals

AT = "2026-11-20T10:00:00.000Z"
ADA = Person(
    "64b0", "Ada Byrne", "CFO", "c_suite", ("master_finance",), ("finance",), "Acme", "acme.com",
    "2021-03-01", "ada@acme.com", "verified", "", "", "",
)  # fmt: skip


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'enrico.db'}")
    yield database
    await database.close()


@pytest.fixture
def stats() -> Stats:
    return Stats()


@pytest.fixture
def applier(db: Database, stats: Stats) -> Applier:
    return Applier(db, Journal(db), stats, "en")


async def person(db: Database) -> dict[str, object]:
    rows = await db.rows(select(people))
    return rows[0]._asdict() if rows else {}


async def test_a_miss_does_not_wipe_out_somebody_who_is_known(
    db: Database, applier: Applier
) -> None:
    await applier.people("c1", AT, Cost(5, 6), Matches({"ada@acme.com": ADA}, (), ()))
    later = "2027-03-01T10:00:00.000Z"
    await applier.people("c2", later, Cost(), Matches({}, ("ada@acme.com",), ()))

    row = await person(db)
    assert (row["state"], row["title"], row["call_id"]) == ("found", "CFO", "c1")
    assert (row["fetched_at"], row["checked_at"]) == (AT, later)


async def test_a_failure_is_no_fact_and_replaces_none(db: Database, applier: Applier) -> None:
    await applier.people("c1", AT, Cost(), Matches({}, ("ada@acme.com",), ()))
    await db.write(facts.people_failed([trouble_row("ada@acme.com", "failed", "HTTP 503")]))

    assert (await person(db))["state"] == "not_found"


async def test_a_held_call_leaves_known_values_and_waits(db: Database, applier: Applier) -> None:
    await db.write(facts.people_held([trouble_row("ada@acme.com", "held", "cut off", "c9")]))
    assert (await person(db))["state"] == "held"

    await applier.people("c1", AT, Cost(), Matches({"ada@acme.com": ADA}, (), ()))
    await db.write(facts.people_held([trouble_row("ada@acme.com", "held", "cut off", "c9")]))

    row = await person(db)
    assert (row["state"], row["title"]) == ("found", "CFO")
    assert str(row["checked_at"]) > AT  # not asked for again before somebody decides


async def test_the_parts_of_a_shared_price_add_up(db: Database, applier: Applier) -> None:
    found = {f"p{n}@acme.com": ADA for n in range(7)}
    await applier.people("c1", AT, Cost(10_000_001, 250_000_003), Matches(found, (), ()))

    rows = await db.rows(select(people.c.credits, people.c.usd))
    assert sum(row.credits for row in rows) == 10_000_001
    assert sum(row.usd for row in rows) == 250_000_003


async def test_what_one_account_publishes_is_no_news_of_its_namesake(
    db: Database, applier: Applier, stats: Stats
) -> None:
    columns = dict.fromkeys((column.name for column in accounts.columns), "")
    await db.write(
        (
            insert(accounts),
            [
                {**columns, "id": "1", "key": "atlas-shipping.com", "name": "Atlas",
                 "domain": "atlas-shipping.com"},
                {**columns, "id": "2", "key": "atlascopper.com", "name": "Atlas",
                 "domain": "atlascopper.com"},
            ],
        )
    )  # fmt: skip
    result = SearchResult(
        "Atlas raises $10M to expand", "https://www.atlas-shipping.com/news/1",
        "Atlas has raised ten million dollars in a Series A round.", "Nov 3, 2026",
    )  # fmt: skip
    picks = Picks(
        {
            "atlas-shipping.com": (Pick(0, SignalType.FUNDING, 0.9),),
            "atlascopper.com": (Pick(0, SignalType.FUNDING, 0.9),),
        },
        (),
        {},
    )
    sent = {
        key: ToClassify(key, "Atlas", key, "s1", AT, (result,))
        for key in ("atlas-shipping.com", "atlascopper.com")
    }

    for call in ("c1", "c2"):  # whether the site is looked up or known from before
        stats.dropped.clear()
        await applier.classification(call, AT, Cost(), picks, sent)

        rows = await db.rows(select(signals.c.key, signals.c.url, signals.c.published))
        assert [tuple(row) for row in rows] == [("atlas-shipping.com", result.url, "2026-11-03")]
        assert stats.dropped == {"on a namesake's own site": 1}


async def test_news_on_the_site_of_an_account_of_another_name_is_news(
    db: Database, applier: Applier, stats: Stats
) -> None:
    columns = dict.fromkeys((column.name for column in accounts.columns), "")
    nasdaq = {**columns, "id": "1", "key": "nasdaq.com", "name": "Nasdaq", "domain": "nasdaq.com"}
    await db.write((insert(accounts), [nasdaq]))
    result = SearchResult(
        "Acme raises $10M to expand", "https://www.nasdaq.com/articles/1",
        "Acme has raised ten million dollars in a Series A round.", "Nov 3, 2026",
    )  # fmt: skip
    picks = Picks({"acme.com": (Pick(0, SignalType.FUNDING, 0.9),)}, (), {})
    sent = {"acme.com": ToClassify("acme.com", "Acme", "acme.com", "s1", AT, (result,))}

    await applier.classification("c1", AT, Cost(), picks, sent)

    assert [tuple(row) for row in await db.rows(select(signals.c.key))] == [("acme.com",)]
    assert stats.dropped == {}


async def test_a_site_that_carries_many_stories_is_looked_up_once(
    db: Database, applier: Applier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    rows = db.rows

    async def counted(statement: Executable, **values: Any) -> list[Any]:
        asked.append(values)
        return await rows(statement, **values)

    monkeypatch.setattr(db, "rows", counted)
    for n in range(1, 6):
        account = ToClassify(f"acme{n}.com", f"Acme{n}", f"acme{n}.com", "s1", AT, (story(n),))
        picks = Picks({account.key: (Pick(0, SignalType.FUNDING, 0.9),)}, (), {})
        await applier.classification(f"c{n}", AT, Cost(), picks, {account.key: account})

    assert asked == [{"hosts": ["news.example"]}]


def story(number: int) -> SearchResult:
    return SearchResult(
        f"Acme raises ${number}0M in round {number}", f"https://news.example/{number}",
        f"Acme has raised {number}0 million dollars.", f"Nov {number}, 2026",
    )  # fmt: skip


async def test_an_account_asked_about_in_parts_is_written_once_and_whole(
    db: Database, stats: Stats
) -> None:
    results = tuple(story(number) for number in range(1, 6))
    account = ToClassify("acme.com", "Acme", "acme.com", "s1", AT, results)
    parts = {
        "c2": (replace(account, first=2, count=3), Pick(4, SignalType.FUNDING, 0.8)),
        "c1": (replace(account, first=0, count=2), Pick(1, SignalType.FUNDING, 0.9)),
    }
    applier = Applier(db, Journal(db), stats, "en")

    done = []
    for call_id, (part, pick) in parts.items():
        picks = Picks({"acme.com": (pick,)}, (), {})
        done.append(
            await applier.classification(call_id, AT, Cost(0, 5), picks, {"acme.com": part})
        )
        if call_id == "c2":
            assert applier.begun(account)
            assert applier.missing(account) == [(0, 2)]
            assert await db.rows(select(classifications)) == []

    assert done == [[], ["acme.com"]]
    assert not applier.begun(account)
    (row,) = await db.rows(select(classifications))
    assert (row.state, row.usd, row.signals, row.call_id) == ("done", 10, 2, "c1")
    rows = await db.rows(select(signals.c.headline, signals.c.call_id, signals.c.result_index))
    assert {tuple(row) for row in rows} == {
        (results[1].title, "c1", 1), (results[4].title, "c2", 4),
    }  # fmt: skip


def test_what_is_missing_of_an_account_is_told_by_its_gaps() -> None:
    results = tuple(story(number) for number in range(1, 9))
    parts = Parts(ToClassify("acme.com", "Acme", "acme.com", "s1", AT, results))
    assert parts.missing() == [(0, 8)]
    parts.add(2, 2, (), "c1", AT, Cost())
    parts.add(6, 1, (), "c2", AT, Cost())
    assert parts.missing() == [(0, 2), (4, 2), (7, 1)]
    parts.add(0, 8, (Pick(0, SignalType.FUNDING, 0.9),), "c3", AT, Cost())
    assert parts.missing() == []
    assert [pick.result for pick in parts.picks()] == [0]

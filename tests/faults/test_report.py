"""The page about a run: whole, alone, small, harmless, and true for runs of every fate."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import pytest

import enrico.store.journal as journal_module
from enrico import Caps
from enrico.errors import InputError
from enrico.looking import Looker
from enrico.report.page import render_page
from enrico.report.run import read_run
from enrico.sandbox import DEFAULT_KEYS

MICRO = 1_000_000
VOID = {"meta", "br"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """A page taken apart: its elements, its words, and whether all that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID and tag != "path":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["script"]):
            self.words += re.sub(r"\s+", " ", data)

    def bars(self, *kinds: str) -> list[str]:
        """What the bars of these kinds on the time line say."""
        return [
            attrs["title"]
            for tag, attrs in self.elements
            if tag == "i" and attrs["class"] in kinds and "title" in attrs
        ]


async def page_of(client: Any, run: str = "last") -> Page:
    return Page(render_page(await read_run(client.db, run), client.settings))


def edit(bench: Any, sql: str, *values: Any) -> None:
    bench.change(sql, *values)


async def test_a_finished_run_is_told_in_one_sentence_with_a_bar_for_every_call(bench):
    sandbox = await bench.sandbox()
    outcome = await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    found = outcome.provider("apollo")["found"]
    assert "10 deals in" in page.words
    assert f"{found} people found for {found} credits" in page.words
    calls = sum(outcome.provider(name)["calls"] for name in ("serper", "deepseek", "apollo"))
    assert len(page.bars("answered")) == calls
    assert sum("people/bulk_match" in tip for tip in page.bars("answered")) == 5
    assert {"search", "classify", "roles", "people"} <= {
        tip.partition(":")[0] for tip in page.bars("phase")
    }


async def test_the_page_needs_nothing_from_outside(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    assert not re.search(r"https?:|//[a-z]", page.text)
    assert not {tag for tag, _ in page.elements} & {"link", "img", "iframe", "object", "base"}
    assert not any({"src", "href"} & attrs.keys() for _, attrs in page.elements)
    assert len(page.text) < 100_000


async def test_only_the_pages_own_script_may_run(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    [script] = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [a["content"] for tag, a in page.elements if a.get("http-equiv")]
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)


async def test_hostile_text_from_outside_stays_text(bench):
    sandbox = await bench.sandbox({"provider": "serper", "kind": "400", "at": 2})
    await bench.run(sandbox, deals=10)
    edit(bench, "update calls set error = ?, state = 'held', id = ? where provider = 'apollo'"
         " and rowid = (select min(rowid) from calls where provider = 'apollo')",
         HOSTILE, HOSTILE)  # fmt: skip
    edit(bench, "insert into run_events select id, 0, ended_at, 'serper', 'limit', 0, ? from runs",
         HOSTILE)  # fmt: skip
    for place in ("$.failures[0].reason", "$.messages[0]", "$.alerts[0]", "$.limits.serper[0]",
                  "$.bound_by"):  # fmt: skip
        edit(bench, "update runs set summary = json_set(summary, ?, ?)", place, HOSTILE)
    edit(bench, "update runs set options = json_set(options, '$.scope.stages[0]', ?), "
         "plan = json_set(plan, '$.notes[0]', ?, '$.bound_by', ?)", *[HOSTILE] * 3)  # fmt: skip

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    assert page.words.count("alert(1)") >= 8
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "img" not in {tag for tag, _ in page.elements}


async def test_nobody_and_no_key_is_named_on_the_page(bench):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 2})
    await bench.run(sandbox, deals=10)
    edit(bench, "update calls set error = error || ' jane.doe@acme.com' where state = 'held'")
    edit(bench, "update runs set summary = json_set(summary, '$.messages[0]', 'x@acme.com is odd')")

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    assert "held" in page.words
    assert not re.search(r"\w@\w", page.text)
    people = bench.query(
        "select first_name, last_name, email from contacts where length(last_name) > 3"
    )
    for first, last, email in people:
        assert f"{first} {last}" not in page.text
        assert email not in page.text
    for (account,) in bench.query("select name from accounts"):
        assert account not in page.text
    assert not any(key in page.text for key in DEFAULT_KEYS.values())


async def test_faults_have_their_own_bars_and_each_cause_its_mend(bench):
    sandbox = await bench.sandbox(
        {"provider": "apollo", "kind": "reset_after", "at": 2},
        {"provider": "serper", "kind": "reset_before", "at": 1},
        {"provider": "serper", "kind": "400", "at": 3},
    )
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        page = await page_of(client)
        run = await Looker(client.db).run("last")

    assert [len(page.bars(kind)) for kind in ("failed", "refused", "open")] == [1, 1, 1]
    [held] = run["held_calls"]
    assert f"enrico held retry {held['call'][:8]}" in page.words
    assert f"enrico held drop {held['call'][:8]}" in page.words
    assert {trouble["state"] for trouble in run["troubles"]} == {"failed", "refused", "held"}
    assert all(trouble["mend"] in page.words for trouble in run["troubles"])


async def test_a_wall_of_a_429_stands_on_the_time_line(bench, monkeypatch):
    monkeypatch.setattr(journal_module, "datetime", datetime)  # walls are noted by the real clock
    fault = {"provider": "serper", "kind": "429", "at": 2, "retry_after": 0.3}
    sandbox = await bench.sandbox(fault, now=None)
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        page = await page_of(client)
        run = await Looker(client.db).run("last")

    assert len(page.bars("wall")) == 1
    assert "nothing is sent for 300 ms" in page.bars("wall")[0]
    assert run["walled_ms"]["serper"] == 300
    assert run["ledger"]["serper"]["outcomes"]["refused"] == 1
    assert run["ledger"]["serper"]["calls"] == run["providers"]["serper"]["calls"]


async def test_a_run_without_a_paid_call_says_so(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    assert "without a single paid call" in page.words
    assert "Nothing was bought." in page.words
    assert page.bars("answered") == []


async def test_a_cap_is_shown_beside_what_was_spent(bench):
    sandbox = await bench.sandbox()
    caps = Caps(credits=30 * MICRO, provider_credits={"apollo": 20 * MICRO})
    await bench.run(sandbox, deals=10, options={"caps": caps})

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    assert "then the cap was reached" in page.words
    assert "the cap is 30" in page.words
    assert any(attrs.get("class") == "capline" for _, attrs in page.elements)
    assert "cap on Apollo" in page.words


async def test_a_refused_key_is_told_with_its_mend(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10, apollo_api_key="wrong")

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    assert "refused the key" in page.words
    assert "Replace the key in APOLLO_API_KEY" in page.words


async def test_of_a_killed_run_the_journal_tells_what_it_knows(bench):
    sandbox = await bench.sandbox()
    outcome = await bench.run(sandbox, deals=10)
    run_id = outcome.summary["run_id"]
    edit(bench, "update runs set summary = '', ended_at = '', status = 'interrupted'")
    last = "rowid = (select max(rowid) from calls where provider = 'apollo')"
    edit(
        bench,
        "update calls set state = 'sent', ended_at = '', duration_ms = 0, credits = 0, usd = 0 "
        f"where {last}",
    )
    await bench.run(sandbox)

    async with bench.open(sandbox) as client:
        page = await page_of(client, run_id)
        after = await page_of(client)

    assert "was cut short" in page.words
    assert "the process ended here" in page.words
    assert len(page.bars("open")) == 1
    assert {tip.partition(":")[0] for tip in page.bars("phase")} == {"search", "classify", "people"}
    assert "It was gone on with by" in page.words
    assert f"It went on from {run_id}" in after.words


async def test_a_run_of_many_calls_is_drawn_by_intervals(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)
    edit(bench, "with recursive n(i) as (select 1 union all select i + 1 from n where i < 600) "
         "insert into calls select id || '-' || i, run_id, provider, endpoint, state, attempt, "
         "rate_limited, items, request, reserved_credits, reserved_usd, credits, usd, sent_at, "
         "ended_at, duration_ms, status, headers, body, applied, error, waited_ms, waited_for "
         "from calls, n")  # fmt: skip
    [(number,)] = bench.query("select count(*) from calls")

    async with bench.open(sandbox) as client:
        page = await page_of(client)

    columns = [a["title"] for tag, a in page.elements if tag == "b" and "title" in a]
    sent = [int(n) for tip in columns for n in re.findall(r": (\d+) answered", tip)]
    assert number > 3_000
    assert sum(sent) == number
    assert page.bars("answered") == []
    assert len(page.text) < 300_000


async def test_an_unknown_run_is_an_error_that_says_where_to_look(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        with pytest.raises(InputError, match="No run is called 'r-0'"):
            await page_of(client, "r-0")

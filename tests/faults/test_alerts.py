"""Somebody is told, once, through real notifications; and no notification harms a run."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from enrico import Caps
from enrico.alerts.notices import Notice, drop_notice, read_notices, take_notice
from enrico.alerts.rules import Finding
from enrico.alerts.sending import NEEDS_EXTRA
from enrico.alerts.watch import LEAST_CALLS, AlertWatch
from enrico.engine.money import NOTHING
from enrico.engine.watching import CallSeen
from enrico.errors import ConfigError
from enrico.store.database import open_database
from receiver import Receiver, closed_port

HELD = {"provider": "apollo", "kind": "reset_after", "at": 3}
# What is said of time and cache has no place in these tests.
CALM = {"slow_seconds_per_50_deals": 1000, "failing_pct": 100, "cold_cache_pct": 0}


def address(receiver: Receiver) -> str:
    """Where Apprise sends JSON to."""
    return f"json://somebody:s3cret@127.0.0.1:{receiver.port}/hook"


def alerts(*receivers: Receiver | str, **more: Any) -> dict[str, Any]:
    """The settings that tell *receivers*."""
    told = [address(r) if isinstance(r, Receiver) else r for r in receivers]
    return {"alerts": {**CALM, "notify": told, **more}}


def messages(receiver: Receiver) -> list[dict[str, str]]:
    """What was received, in order."""
    return [orjson.loads(request.body) for request in receiver.requests]


def titles(receiver: Receiver) -> list[str]:
    """What they were about, without the workspace."""
    return [message["title"].partition(": ")[2] for message in messages(receiver)]


def seen(state: str = "answered", status: int = 200, used: float | None = None) -> CallSeen:
    """An attempt of a call."""
    return CallSeen(
        run_id="r1", call_id="c1", provider="apollo", endpoint="people/bulk_match", state=state,
        status=status, began=0.0, took=0.1, waited=0.0, waited_for="", items=10, cost=NOTHING,
        budget_used=used,
    )  # fmt: skip


async def test_held_calls_are_told_with_what_to_do_and_where_to_read_on(bench):
    sandbox = await bench.sandbox(HELD)

    with Receiver() as receiver:
        outcome = await bench.run(sandbox, deals=10, **alerts(receiver), workspace="west")
        [message] = messages(receiver)

    assert message["title"] == "Enrico, west: held calls"
    assert message["type"] == "warning"
    assert "10 people at apollo" in message["message"]
    assert "Settle them with enrico held." in message["message"]
    assert "docs/how-to/alerts.md#held_calls" in message["message"]
    assert outcome.summary["run_id"] in message["message"]
    assert all(key not in message["message"] for (key,) in bench.query("select key from people"))
    assert bench.query("select rule, subject from notices") == [("held_calls", "apollo")]


async def test_the_same_alert_is_not_told_by_the_next_run_until_it_was_resolved(bench):
    faults = [{"provider": "serper", "kind": "500", "rate": 1.0}]
    bad, good = await bench.sandbox(*faults), await bench.sandbox()
    options = {"only": ("search",)}

    with Receiver() as receiver:
        settings = alerts(receiver, failing_pct=10)
        await bench.run(bad, deals=10, options=options, **settings)
        after_first = titles(receiver)
        await bench.run(bad, deals=10, options=options, **settings)
        after_second = titles(receiver)
        await bench.run(good, deals=10, options=options, **settings)
        kept = bench.query("select rule from notices")
        await bench.run(bad, deals=10, options={**options, "refresh": True}, **settings)

        assert after_first == ["failing"]
        assert after_second == ["failing"]
        assert kept == []
        assert titles(receiver) == ["failing", "failing"]


async def test_a_run_without_calls_resolves_nothing(bench):
    bad = await bench.sandbox({"provider": "serper", "kind": "500", "rate": 1.0})

    with Receiver() as receiver:
        settings = alerts(receiver, failing_pct=10)
        await bench.run(bad, deals=10, options={"only": ("search",)}, **settings)
        await bench.run(bad, deals=10, options={"only": ("roles",)}, **settings)

    assert bench.query("select rule from notices") == [("failing",)]


@pytest.mark.parametrize(("hours_ago", "told"), [(1, 0), (25, 1)])
async def test_after_the_quiet_hours_what_still_holds_is_told_again(bench, hours_ago, told):
    sandbox = await bench.sandbox(HELD)
    bench.load(deals=10)
    db = await open_database(bench.database())
    then = datetime.now(UTC) - timedelta(hours=hours_ago)
    await take_notice(db, Finding("held_calls", "apollo", "10 people"), then, then)
    await db.close()

    with Receiver() as receiver:
        await bench.run(sandbox, deals=10, **alerts(receiver, quiet_hours=24))

        assert len(receiver.requests) == told


@pytest.mark.parametrize(
    ("calls", "title"),
    [
        ([seen("refused", 401)], "key refused"),
        ([seen("refused", 403)] * 3, "key refused"),
        ([seen(used=0.49), seen(used=0.5)], "budget"),
        ([seen(used=1.0)], "budget"),
        ([seen("failed", 500)] * LEAST_CALLS, "failing"),
    ],
)
async def test_what_is_known_during_a_run_is_told_during_it(bench, calls, title):
    sandbox = await bench.sandbox()

    with Receiver() as receiver:
        settings = bench.settings(sandbox, **alerts(receiver, failing_pct=10))
        db = await open_database(settings.database_url)
        async with AlertWatch(db, settings) as watch:
            watch.began("r1", {}, 0.0)
            for call in calls:
                watch.call(call)
            await asyncio.to_thread(receiver.wait, 1)  # the run has not ended
        await db.close()

        assert titles(receiver) == [title]


async def test_too_few_calls_and_429s_are_no_failing_run(bench):
    sandbox = await bench.sandbox()

    with Receiver() as receiver:
        settings = bench.settings(sandbox, **alerts(receiver, failing_pct=10))
        db = await open_database(settings.database_url)
        async with AlertWatch(db, settings) as watch:
            for call in [seen("failed", 500)] * (LEAST_CALLS - 1) + [seen("refused", 429)] * 50:
                watch.call(call)
        await db.close()

    assert receiver.requests == []


async def test_each_share_of_the_budget_is_told_once_and_the_highest_only(bench):
    sandbox = await bench.sandbox()

    with Receiver() as receiver:
        settings = bench.settings(sandbox, **alerts(receiver))
        db = await open_database(settings.database_url)
        async with AlertWatch(db, settings) as watch:
            for used in (0.1, 0.5, 0.6, 0.85, 0.85, 1.0):
                watch.call(seen(used=used))
        await db.close()
        said = sorted(m["message"].partition("\n")[0] for m in messages(receiver))

    assert said == [f"budget: {n} % of the run's cap is spent" for n in (100, 50, 80)]


async def test_a_run_that_reaches_its_cap_tells_so(bench):
    sandbox = await bench.sandbox(found_rate=1.0)

    with Receiver() as receiver:
        caps = Caps(provider_credits={"apollo": 20 * 10**6})
        outcome = await bench.run(sandbox, deals=10, options={"caps": caps}, **alerts(receiver))

        assert outcome.summary["budget_used"] == 1.0
        assert "budget: 100 % of the run's cap is spent" in outcome.summary["alerts"]
        assert any("100 %" in message["message"] for message in messages(receiver))


@pytest.mark.parametrize("trouble", ["refuses", "hangs", "fails"])
async def test_an_address_that_is_down_harms_neither_the_run_nor_the_others(bench, capfd, trouble):
    sandbox = await bench.sandbox(HELD)
    bench.load(deals=10)

    with Receiver(hangs=trouble == "hangs", status=500) as down, Receiver() as well:
        port = closed_port() if trouble == "refuses" else down.port
        bad = f"json://somebody:s3cret@127.0.0.1:{port}?rto=600&cto=600"
        settings = alerts(bad, well, timeout_seconds=0.5)
        async with bench.open(sandbox, **settings, log_level="debug") as client:
            summary = await client.run()
            began = time.monotonic()
        closing = time.monotonic() - began
        said = capfd.readouterr().err

    assert summary["status"] == "held"
    assert titles(well) == ["held calls"]
    assert closing < 5
    assert '"target":"1 (json)"' in said
    assert "s3cret" not in said
    assert str(port) not in said
    assert bench.query("select count(*) from notices") == [(1,)]


async def test_what_reached_nobody_is_told_by_the_next_run(bench):
    sandbox = await bench.sandbox(HELD)
    await bench.run(sandbox, deals=10, **alerts(f"json://127.0.0.1:{closed_port()}"))

    assert bench.query("select count(*) from notices") == [(0,)]


async def test_an_address_that_is_not_understood_is_told_by_its_place_before_anything_is_spent(
    bench,
):
    sandbox = await bench.sandbox()

    with Receiver() as receiver, pytest.raises(ConfigError) as caught:
        await bench.run(sandbox, deals=10, **alerts(receiver, "nonsense://s3cret"))

    assert "address 2 of alerts.notify" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert sandbox.stats()["apollo"]["calls"] == sandbox.stats()["serper"]["calls"] == 0


async def test_without_the_extra_the_setting_says_what_to_install(bench, monkeypatch):
    sandbox = await bench.sandbox()
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(ConfigError) as caught:
        await bench.run(sandbox, deals=10, **alerts("json://127.0.0.1:1"))

    assert str(caught.value) == NEEDS_EXTRA


async def test_addresses_are_masked_wherever_settings_are_shown(bench, monkeypatch):
    sandbox = await bench.sandbox()
    monkeypatch.setenv("ENRICO_ALERTS__NOTIFY", '["json://somebody:s3cret@127.0.0.1"]')
    monkeypatch.setenv("ENRICO_TELEMETRY__OTLP_ENDPOINT", "http://somebody:s3cret@127.0.0.1")

    settings = bench.settings(sandbox)

    assert [secret for secret in settings.secrets() if "s3cret" in secret] == [
        "http://somebody:s3cret@127.0.0.1", "json://somebody:s3cret@127.0.0.1",
    ]  # fmt: skip
    assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()


async def test_notices_are_read_back_newest_first(bench):
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    db = await open_database(bench.database())
    two, one = noon - timedelta(hours=2), noon - timedelta(hours=1)
    assert await take_notice(db, Finding("slow", "", "old"), two, two)
    assert await take_notice(db, Finding("budget", "50 %", "half"), one, one)
    assert await take_notice(db, Finding("slow", "", "new"), noon, one)
    assert not await take_notice(db, Finding("slow", "", "newer"), noon, one)  # told since then
    await drop_notice(db, Finding("budget", "50 %", "half"), noon)  # that is another one

    assert await read_notices(db) == [
        Notice("slow", "", noon, "new"),
        Notice("budget", "50 %", noon - timedelta(hours=1), "half"),
    ]
    await db.close()

"""A model that leaves out, mixes up, invents or obeys: no signal where it does not belong."""

from __future__ import annotations

import zlib
from dataclasses import replace

import orjson
import pytest

import enrico.pipeline.signals as signals_module
from enrico.domain.signals import SignalType
from enrico.pipeline.estimate import retries

# One worker, so that batches of five really occur.
BATCHES = {"llm": {"batch_accounts": 5, "concurrency": 1}}
SPOILT_ACCOUNTS = ("drop", "swap", "double", "invent", "obey")
SPOILT_TEXTS = (
    "truncate", "blank", "empty", "fenced", "array", "content_filter",
    "insufficient_system_resource", "wrong_finish_reason", "blank_lines",
)  # fmt: skip


def sizes_of_batches(bench) -> list[int]:
    return [
        len(orjson.loads(items))
        for (items,) in bench.query("select items from calls where provider = 'deepseek'")
    ]


def assert_signals_rest_on_what_was_sent(bench) -> None:
    """Each signal's title, address and snippet are those of its own account's search."""
    rows = bench.query(
        "select s.key, s.type, s.url, s.headline, s.snippet, s.result_index, c.items, c.body"
        " from signals s join calls c on c.id = s.search_call_id"
    )
    for key, kind, url, headline, snippet, index, items, body in rows:
        answer = orjson.loads(zlib.decompress(body))
        results = [r for name in ("news", "organic") for r in answer.get(name) or []]
        assert orjson.loads(items) == [key]
        assert kind in SignalType._value2member_map_
        found = [r for r in results if r["link"] == url]
        assert found, "a signal's address was not among the results that were sent"
        assert headline == found[0]["title"]
        assert snippet == found[0].get("snippet", "")
        assert 0 <= index < 10


@pytest.mark.parametrize("kind", SPOILT_ACCOUNTS)
async def test_spoilt_accounts_are_not_believed_and_asked_about_again(bench, undisturbed, kind):
    sandbox = await bench.sandbox({"provider": "llm", "kind": kind, "at": [1, 3]})

    outcome = await bench.run(sandbox, **BATCHES)

    assert max(sizes_of_batches(bench)) == 5
    assert sandbox.stats()["llm"]["faults"] == {kind: 2}
    assert outcome.summary["status"] == "done"
    assert outcome.provider("deepseek")["failed"] == 0
    assert_signals_rest_on_what_was_sent(bench)
    if kind != "obey":  # what is claimed of an own result cannot be told from a verdict
        assert outcome.tables == undisturbed.tables


@pytest.mark.parametrize("kind", SPOILT_TEXTS)
async def test_an_answer_that_cannot_be_read_is_asked_for_again(bench, small, kind):
    sandbox = await bench.sandbox({"provider": "llm", "kind": kind, "at": 1})

    outcome = await bench.run(sandbox, deals=10, **BATCHES)

    assert sandbox.stats()["llm"]["faults"] == {kind: 1}
    assert outcome.summary["status"] == "done"
    assert outcome.provider("deepseek")["failed"] == 0
    assert outcome.tables == small.tables


@pytest.mark.parametrize("kind", [*SPOILT_ACCOUNTS, *SPOILT_TEXTS])
async def test_a_model_that_is_always_wrong_puts_no_signal_on_another_account(bench, kind):
    sandbox = await bench.sandbox({"provider": "llm", "kind": kind})

    outcome = await bench.run(sandbox, deals=10, **BATCHES)

    assert_signals_rest_on_what_was_sent(bench)
    states = {row["status"] for row in outcome.tables["accounts"]}
    assert states <= {"enriched", "failed", "not_found", "skipped"}
    if outcome.summary["status"] == "done":
        assert "failed" not in states


async def test_signals_swapped_between_accounts_are_refused_by_their_numbers(bench, undisturbed):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "swap", "to_call": 3})

    outcome = await bench.run(sandbox, **BATCHES)

    assert outcome.summary["dropped"]["account missing or not its own results"] >= 2
    assert outcome.tables == undisturbed.tables


async def test_an_account_that_comes_twice_is_asked_about_again(bench, undisturbed):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "double", "to_call": 2})

    outcome = await bench.run(sandbox, **BATCHES)

    assert outcome.summary["dropped"]["account twice"] >= 1
    assert outcome.tables == undisturbed.tables


async def test_what_a_model_invents_is_dropped_and_counted(bench, undisturbed):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "invent", "at": 1})

    outcome = await bench.run(sandbox, **BATCHES)

    assert outcome.summary["dropped"]["unknown account"] == 1
    addresses = {row["url"] for row in outcome.tables["signals"]}
    assert not any("attacker" in url for url in addresses)
    assert outcome.tables == undisturbed.tables


async def test_a_model_that_obeys_a_text_in_a_result_harms_its_own_account_only(bench, undisturbed):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "obey", "at": 1})

    outcome = await bench.run(sandbox, **BATCHES)

    (first,) = bench.query(
        "select items from calls where provider = 'deepseek' order by sent_at, id limit 1"
    )
    in_the_call = {item[0] for item in orjson.loads(first[0])}
    domain = {row["account_id"]: row["domain"] for row in outcome.tables["accounts"]}

    def untouched(rows):
        return [row for row in rows if domain[row["account_id"]] not in in_the_call]

    assert untouched(outcome.tables["signals"]) == untouched(undisturbed.tables["signals"])


async def test_an_account_that_a_model_always_leaves_out_is_failed_and_asked_again_next_run(
    bench, undisturbed
):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "drop"})
    broken = await bench.run(sandbox, **BATCHES)
    assert broken.summary["status"] == "partial"
    assert broken.provider("deepseek")["failed"] > 0
    assert bench.query("select count(*) from classifications where state = 'failed'") != [(0,)]

    sandbox.set_faults([])
    mended = await bench.run(sandbox, **BATCHES)

    assert mended.summary["status"] == "done"
    assert mended.tables == undisturbed.tables


async def test_a_cut_answer_is_not_mended_even_where_it_is_whole_json(bench):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "wrong_finish_reason"})

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.tables["signals"] == []
    assert outcome.provider("deepseek")["found"] == 0


async def test_an_endpoint_that_keeps_us_waiting_with_blank_lines_gives_the_same(
    bench, undisturbed
):
    sandbox = await bench.sandbox(blank_lines=True)

    outcome = await bench.run(sandbox)

    assert outcome.tables == undisturbed.tables


async def test_parts_that_were_answered_are_not_bought_again_when_a_run_ends_between_them(
    bench, undisturbed
):
    # All searches are under way before the first is answered: every account is one of the last.
    slow = [{"provider": name, "kind": "slow", "seconds": 0.2} for name in ("serper", "llm")]
    sandbox = await bench.sandbox({"provider": "llm", "kind": "out_of_credits", "at": 8}, *slow)
    fast = {"llm": {"speed": "fast"}}

    outcome = await bench.run(sandbox, **fast)

    assert outcome.summary["status"] == "refused"
    waiting = "select count(*) from calls where provider = 'deepseek' and state = 'answered'"
    assert bench.query(f"{waiting} and applied = 0")[0][0] > 0
    sandbox.set_faults([])
    outcome = await bench.run(sandbox, **fast)

    assert outcome.summary["status"] == "done"
    assert outcome.tables == undisturbed.tables
    assert bench.query(f"{waiting} and applied = 0")[0][0] == 0
    asked = [
        (key, search_call, place)
        for (items,) in bench.query(
            "select items from calls where provider = 'deepseek' and state = 'answered'"
        )
        for key, search_call, _, count, first in orjson.loads(items)
        for place in range(first, first + count)
    ]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("kind", ["blank", "drop", "double", "truncate"])
@pytest.mark.parametrize("batch", [1, 5])
async def test_useless_answers_without_end_are_failures_within_the_retry_budget(bench, kind, batch):
    sandbox = await bench.sandbox({"provider": "llm", "kind": kind})
    bench.load()
    llm = {"llm": {"batch_accounts": batch, "concurrency": 2}}

    async with bench.open(sandbox, **llm) as client:
        plan = (await client.plan()).providers["deepseek"]
        summary = await client.run()

    part = summary["providers"]["deepseek"]
    assert (
        part["failed"] + part["found"] == plan.items - summary["providers"]["serper"]["not_found"]
    )
    assert part["failed"] > 0
    assert part["cost_usd"] <= plan.usd_high
    first = plan.items / batch + 1 if kind == "blank" else plan.items
    assert part["calls"] <= first + retries(plan.items, 99)
    reasons = " ".join(failure["reason"] for failure in summary["failures"])
    assert "retry budget is spent" in reasons or (kind, batch) in (("drop", 5), ("double", 5))


@pytest.mark.parametrize(
    ("takes", "refused"),
    [({"json_object": False, "json_schema": True}, 1), ({"json_object": False}, 2)],
    ids=["schema only", "plain text only"],
)
async def test_an_endpoint_that_takes_no_response_format_is_asked_without_it_from_the_first_call_on(
    bench, undisturbed, takes, refused
):
    sandbox = await bench.sandbox(**takes)

    outcome = await bench.run(sandbox)

    states = "select state, count(*) from calls where provider = 'deepseek' group by 1 order by 1"
    assert dict(bench.query(states))["refused"] == refused
    assert outcome.summary["status"] == "done"
    assert outcome.tables == undisturbed.tables


async def test_a_model_that_is_slow_to_answer_keeps_nobody_waiting(bench, undisturbed):
    sandbox = await bench.sandbox({"provider": "llm", "kind": "slow", "seconds": 1.0})

    outcome = await bench.run(sandbox, options={"only": ("search", "classify")})

    # One after the other they would take half a minute, and two rows of calls two seconds.
    began = [s for (s,) in bench.query("select sent_at from calls where provider = 'deepseek'")]
    assert len(began) > 20
    assert outcome.summary["phases"]["classify"]["duration_ms"] < 10_000


@pytest.mark.parametrize("spelling", [str.title, str.upper, lambda kind: kind.replace("_", "-")])
async def test_types_in_another_spelling_come_to_the_same(bench, small, monkeypatch, spelling):
    read = signals_module.read_picks

    def respelt(reply, items):
        answer = orjson.loads(reply.body)
        message = answer["choices"][0]["message"]
        content = orjson.loads(message["content"])
        for account in content["accounts"]:
            for signal in account["signals"]:
                signal["type"] = f" {spelling(signal['type'])} "
        message["content"] = orjson.dumps(content).decode()
        return read(replace(reply, body=orjson.dumps(answer)), items)

    monkeypatch.setattr(signals_module, "read_picks", respelt)
    outcome = await bench.run(await bench.sandbox(), deals=10)

    assert outcome.tables == small.tables

"""Metrics, traces and alerts by the command line; and a plain run that knows nothing of them."""

from __future__ import annotations

import asyncio
import sys

import orjson
import pytest

from receiver import Receiver, closed_port

OPTIONAL = ("opentelemetry", "prometheus_client", "apprise", "requests", "yaml")
LOADED = (
    "import sys; from enrico.cli import run_command; code = run_command(sys.argv[1:]); "
    f"print([m for m in sys.modules if m.partition('.')[0] in {OPTIONAL!r}], file=sys.stderr); "
    "sys.exit(code)"
)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--json"], ["alerts", "--json"]])
async def test_without_settings_for_them_no_extra_is_imported(bench, cli, arguments):
    cli.use(await bench.sandbox())
    bench.load(deals=10)

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOADED, *arguments, cwd=cli.folder, env=cli.env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    cli.running.append(process)
    done = await cli.end(process)

    assert done.code == 0
    assert done.err.splitlines()[-1] == "[]"


async def test_a_collector_that_hangs_does_not_hold_the_process(bench, cli):
    cli.use(await bench.sandbox())
    bench.load(deals=10)

    with Receiver(hangs=True) as receiver:
        done = await cli(
            "run", "--json",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.port}",
            OTEL_EXPORTER_OTLP_TIMEOUT="600",
            ENRICO_TELEMETRY__FLUSH_SECONDS="0.5",
            ENRICO_ALERTS__NOTIFY=f'["json://127.0.0.1:{receiver.port}?rto=600&cto=600"]',
            ENRICO_ALERTS__TIMEOUT_SECONDS="0.5",
            ENRICO_ALERTS__SLOW_SECONDS_PER_50_DEALS="0.001",
        )  # fmt: skip
        paths = {request.path for request in receiver.requests}

    assert done.code == 0
    assert done.json["status"] == "done"
    assert paths == {"/", "/v1/traces", "/v1/metrics"}


async def test_a_test_message_reaches_its_address_and_a_bad_one_ends_with_1(cli, command):
    with Receiver() as receiver:
        good = f"json://somebody:s3cret@127.0.0.1:{receiver.port}"
        bad = f"json://somebody:s3cret@127.0.0.1:{closed_port()}"
        both = orjson.dumps([good, bad]).decode()
        done = await command("alerts", "--test", ENRICO_ALERTS__NOTIFY=both)
        [message] = receiver.requests

    assert done.code == 1
    assert done.out == "address 1 (json): sent\naddress 2 (json): FAILED\n"
    assert orjson.loads(message.body)["title"] == "Enrico, enrico: test"
    assert "s3cret" not in done.out + done.err


async def test_a_test_message_to_nobody_says_what_to_set(cli, command):
    done = await command("alerts", "--test")

    assert done.code == 2
    assert "alerts.notify is empty" in done.err


async def test_what_was_told_is_listed_with_the_rules(bench, cli, command):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 3})
    with Receiver() as receiver:
        address = f"json://127.0.0.1:{receiver.port}"
        await bench.run(sandbox, deals=10, alerts={"notify": [address], "cold_cache_pct": 0})

    told = await command("alerts", "--json")
    shown = await command("alerts")

    assert [notice["rule"] for notice in told.json["told"]] == ["held_calls"]
    assert len(told.json["rules"]) == 7
    assert "held_calls\tapollo\t10 people at apollo" in shown.out
    assert "Nobody is told" in shown.err

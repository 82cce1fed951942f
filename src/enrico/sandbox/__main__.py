"""``python -m enrico.sandbox``: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from enrico.sandbox.app import start
from enrico.sandbox.config import SandboxConfig
from enrico.sandbox.crmfiles import write_sample_crm
from enrico.sandbox.profiles import PROFILES

_PARENT_CHECK_SECONDS = 0.5
_SWITCHES = tuple(
    field.name
    for field in fields(SandboxConfig)
    if field.name not in ("profile", "seed", "keys", "faults", "now")
)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 then, 1 when the port is taken, 2 for wrong arguments.

    One JSON line on stdout, with addresses and keys, says that the sandbox is ready.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        if options.write_crm is not None:
            for path in write_sample_crm(
                options.write_crm, options.deals, options.seed, options.form
            ):
                print(path)
            return 0
        config = _config(options)
        return asyncio.run(_serve(config, options.port, options.die_with_parent))
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        print(f"the sandbox cannot listen on port {options.port}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="enrico sandbox",
        description="Apollo, Serper and DeepSeek on this machine: invented data, no keys, no bill.",
    )
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free one (default 8900)")
    parser.add_argument("--profile", default="classic", choices=sorted(PROFILES))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=Path, metavar="FILE.json", help="a JSON list of faults")
    parser.add_argument("--now", metavar="ISO", help="start of the sandbox's clock")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"a switch or a balance: {', '.join(_SWITCHES)}",
    )
    parser.add_argument(
        "--write-crm", type=Path, metavar="FOLDER", help="write a made-up CRM export there, and end"
    )
    parser.add_argument("--deals", type=int, default=50, help="deals of that CRM (default 50)")
    parser.add_argument("--form", default="salesforce", choices=("salesforce", "hubspot", "plain"))
    parser.add_argument("--die-with-parent", action="store_true", help="end when the parent ends")
    return parser


def _config(options: argparse.Namespace) -> SandboxConfig:
    settings: dict[str, Any] = {}
    for pair in options.set:
        name, _, text = pair.partition("=")
        if name not in _SWITCHES:
            raise ValueError(f"no switch named {name!r}; known are: {', '.join(_SWITCHES)}")
        try:
            settings[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            settings[name] = text
    faults: Any = orjson.loads(options.faults.read_bytes()) if options.faults else []
    if not isinstance(faults, list):
        raise ValueError(f"{options.faults} must hold a JSON list of faults")
    now = datetime.fromisoformat(options.now) if options.now else None
    return SandboxConfig(
        profile=options.profile, seed=options.seed, faults=faults, now=now, **settings
    )


async def _serve(config: SandboxConfig, port: int, die_with_parent: bool) -> int:
    parent = os.getppid()
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    async with await start(config, port=port) as sandbox:
        ready = {
            "base_url": sandbox.base_url,
            "apollo": sandbox.apollo_url,
            "serper": sandbox.serper_url,
            "llm": sandbox.llm_url,
            "keys": dict(config.keys),
        }
        print(orjson.dumps(ready).decode(), flush=True)
        while not over.is_set() and not (die_with_parent and os.getppid() != parent):
            try:
                async with asyncio.timeout(_PARENT_CHECK_SECONDS):
                    await over.wait()
            except TimeoutError:
                continue
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""doctor, providers: is everything in place, and what does the plan allow."""

from __future__ import annotations

import asyncio
from typing import Any

from enrico.checking import Check, check_everything, describe_providers, with_keys_of_database
from enrico.cli.common import DEFAULT, Common, print_json, say, table
from enrico.client import Enrico

SIGNS = {"ok": "ok  ", "warn": "warn", "bad": "BAD "}


def doctor(*, common: Common = DEFAULT) -> int:
    """Check everything that can be checked for nothing."""

    async def work() -> list[Check]:
        client = common.client()
        return await check_everything(client.settings)

    found = asyncio.run(work())
    if common.json:
        print_json([{"name": c.name, "state": c.state, "detail": c.detail} for c in found])
    else:
        for check in found:
            print(f"{SIGNS[check.state]} {check.name}: {check.detail}")
    bad = [check for check in found if check.state == "bad"]
    if not bad:
        return 0
    if not common.json:
        say(f"{len(bad)} of {len(found)} checks failed.")
    return 5 if any(check.refused for check in bad) else 1


def providers(*, common: Common = DEFAULT) -> int:
    """List the providers."""
    client: Enrico = common.client()
    settings = asyncio.run(with_keys_of_database(client.settings))
    found: list[dict[str, Any]] = describe_providers(settings)
    if common.json:
        print_json(found)
    else:
        columns = ["provider", "purpose", "base_url", "limits", "at_once", "price", "key"]
        table("Providers", columns, [[entry[name] for name in columns] for entry in found])
    return 0

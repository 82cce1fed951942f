"""held, replay, copy: what needs a decision, is made again for nothing, or moves."""

from __future__ import annotations

from typing import Literal

from enrico.cli.common import DEFAULT, Common, print_json, say, table, usage, with_client
from enrico.client import Enrico
from enrico.holding import held_calls, sent_again, settle_held


def held(
    action: Literal["list", "retry", "drop"] = "list",
    *ids: str,
    all: bool = False,
    common: Common = DEFAULT,
) -> int:
    """List or settle held calls.

    Parameters
    ----------
    action
        list, retry or drop.
    ids
        Calls by id, or by the beginning of it.
    all
        All held calls.
    """
    if action != "list" and not ids and not all:
        usage(f"Say which calls to {action}: their ids, or --all. List them with: enrico held")

    async def work(client: Enrico) -> int:
        if action != "list":
            settled = await settle_held(client.db, action, ids, everything=all)
            if common.json:
                print_json(settled)
            else:
                people = sum(call["people"] for call in settled)
                say(f"Settled: {len(settled)} held, {people} people in them.")
                if action == "retry":
                    say("Ask for them again with: enrico run --only people,roles")
            return 0
        found, again = await held_calls(client.db), await sent_again(client.db)
        if common.json:
            print_json([*found, *again])
            return 0
        columns = ["call", "sent", "people", "credits", "usd", "why"]
        for title, some in (("Held calls", found), ("Sent again, perhaps paid twice", again)):
            if some:
                table(title, columns, [[call[name] for name in columns] for call in some])
        if not found:
            say("No call is held.")
        return 0

    return with_client(common, work)


def replay(*, common: Common = DEFAULT) -> int:
    """Make all facts anew from the recorded answers."""

    async def work(client: Enrico) -> int:
        done = await client.replay()
        if common.json:
            print_json(done)
        else:
            say(
                f"{done['answers']} recorded answers read again, {done['roles']} roles changed, "
                "nothing spent."
            )
            if done["gone"]:
                say(f"{done['gone']} answers were let go after their time; their facts stay.")
        return 0

    return with_client(common, work)


def copy(to: str, *, common: Common = DEFAULT) -> int:
    """Carry all that is known into another database.

    Parameters
    ----------
    to
        URL of an empty database.
    """

    async def work(client: Enrico) -> int:
        copied = await client.copy(to)
        if common.json:
            print_json(copied)
        else:
            calls, people = copied["calls"], copied["people"]
            say(
                f"{sum(copied.values())} rows copied: {copied['deals']} deals, {people} people, "
                f"{calls} recorded calls. Set ENRICO_DATABASE_URL to go on there."
            )
        return 0

    return with_client(common, work)

"""keys: providers' keys, kept in the database under a master key."""

from __future__ import annotations

import getpass
import sys
from typing import Any, Literal, get_args

from enrico.cli.common import DEFAULT, Common, print_json, say, table, usage, with_client
from enrico.client import Enrico
from enrico.engine.stats import PROVIDERS, ProviderName
from enrico.settings import load_settings
from enrico.store.keyring import Keyring, fingerprint, last_four

LONGEST = 4096


def keys(
    action: Literal["list", "set", "remove", "rotate"] = "list",
    provider: ProviderName | None = None,
    /,
    *,
    common: Common = DEFAULT,
) -> int:
    """Keys of providers.

    Parameters
    ----------
    action
        list, set, remove or rotate.
    provider
        serper, deepseek or apollo.
    """
    if (action in ("set", "remove")) != (provider is not None):
        known = ", ".join(get_args(ProviderName))
        usage(
            f"Say whose key to {action}: {known}."
            if provider is None
            else f"enrico keys {action} takes no provider."
        )

    async def work(client: Enrico) -> int:
        keyring = Keyring(client.db, client.settings)
        if action == "list":
            return await _list(keyring, common)
        if action == "set":
            assert provider is not None
            key = _read_key(provider)
            await keyring.put(provider, key)
            _tell(common, {"provider": provider, "fingerprint": fingerprint(key)},
                  f"The key of {provider} is kept, fingerprint {fingerprint(key)}.")  # fmt: skip
        elif action == "remove":
            assert provider is not None
            gone = await keyring.remove(provider)
            words = f"The key of {provider} is gone." if gone else f"No key of {provider} is kept."
            _tell(common, {"provider": provider, "removed": gone}, words)
        else:
            number = await keyring.rotate()
            _tell(common, {"sealed": number}, f"{number} keys are sealed anew.")
        return 0

    return with_client(common, work, stored_keys=False)


def _tell(common: Common, data: dict[str, Any], words: str) -> None:
    if common.json:
        print_json(data)
    else:
        say(words)


def _read_key(provider: str) -> str:
    """From a terminal without showing it, or from stdin; never from the command line, which other
    users of the machine can read."""
    if sys.stdin.isatty():
        key = getpass.getpass(f"Key of {provider} (not shown): ")
    else:
        key = sys.stdin.read(LONGEST)
    key = key.strip()
    if not key or any(character.isspace() for character in key):
        usage("There is no key on stdin, or more than one. Write it there in one line.")
    return key


async def _list(keyring: Keyring, common: Common) -> int:
    """Where each key in use comes from, and enough of it to tell it from another."""
    stored = {key.provider: key for key in await keyring.stored()}
    plain = load_settings()  # without what the database has
    rows = []
    for name in PROVIDERS:
        key = plain.key(name)
        if key:
            rows.append([name, plain.source_of(name), last_four(key), fingerprint(key), ""])
        if kept := stored.get(name):
            source = "database" + (", not used" if key else "")
            rows.append([name, source, kept.last_four, kept.fingerprint, kept.at])
    columns = ["provider", "from", "last_four", "fingerprint", "at"]
    if common.json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table("Keys", columns, rows)
        if not rows:
            say("No key is set. Give it in the environment, or keep it: enrico keys set apollo")
    return 0

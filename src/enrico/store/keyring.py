"""Keys in the database. Providers' keys are sealed with a data key, that with the master key.

The master key never lies in the database: whoever has the file alone has no key.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from enrico.errors import ConfigError
from enrico.sealing import WrongKey, new_key, read_key, seal, unseal
from enrico.settings import Settings
from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.tables import data_keys, provider_keys

PROVIDER_KEYS, SUPPRESSIONS = "provider_keys", "suppressions"
_WHAT = {
    PROVIDER_KEYS: "keys of providers",
    SUPPRESSIONS: "the list of people who are to stay forgotten",
}
_BEGIN_ANEW = {
    PROVIDER_KEYS: "take each out with enrico keys remove, then set it anew",
    SUPPRESSIONS: "enrico privacy reset --yes empties the list, then forget these people again",
}
_IN_CLEAR, _FOR_ITS_PURPOSE = 0, 2
"""In ``data_keys.wrapped``; 1 was wrapped by version 0.1, bound to its id only."""
_OPENS = data_keys.c.id == provider_keys.c.data_key
HINT_LETTERS = 4
"""So many letters of a key are shown, of a key that is at least four times as long."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What may be shown of a key."""

    provider: str
    last_four: str
    fingerprint: str
    at: str


def fingerprint(key: str) -> str:
    """Tells two keys apart, and says nothing else of them."""
    return hashlib.sha256(b"enrico key\0" + key.encode()).hexdigest()[:12]


def last_four(key: str) -> str:
    """The end of a key; nothing of a short one, of which it would be too much."""
    return key[-HINT_LETTERS:] if len(key) >= 4 * HINT_LETTERS else ""


class Keyring:
    """The keys of one database."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._masters = [
            read_key(secret.get_secret_value(), name)
            for name, secret in (
                ("ENRICO_MASTER_KEY", settings.master_key),
                ("ENRICO_OLD_MASTER_KEY", settings.old_master_key),
            )
            if secret.get_secret_value()
        ]

    @property
    def has_master(self) -> bool:
        """Whether there is a master key to wrap with."""
        return bool(self._masters)

    # -- providers' keys ------------------------------------------------------------------

    async def stored(self) -> list[StoredKey]:
        """What may be shown of the keys that are kept, by provider."""
        columns = [provider_keys.c[name] for name in StoredKey.__slots__]
        query = select(*columns).order_by(provider_keys.c.provider)
        return [StoredKey(*row) for row in await self._db.rows(query)]

    async def keys(self) -> dict[str, str]:
        """The keys themselves, by provider. Raises ConfigError when they cannot be opened."""
        # One statement: a rotation in another process is seen as a whole or not at all.
        query = select(provider_keys, data_keys).join(data_keys, _OPENS)
        return {row.provider: self._open(row) for row in await self._db.rows(query)}

    def _open(self, row: Any) -> str:
        data_key = self._unwrapped(row)
        place = ("provider_keys", row.provider, "sealed", row.version)
        try:
            return unseal(data_key, row.sealed, *place).decode()
        except WrongKey:
            raise ConfigError(
                f"The key of {row.provider} in the database was changed or moved from elsewhere. "
                f"Set it again with: enrico keys set {row.provider}"
            ) from None

    async def put(self, provider: str, key: str) -> None:
        """Keep a provider's key, sealed; it replaces an older one."""
        self._need_master()
        async with self._db.change_in_turn() as connection:
            data_key_id, data_key = await self._found_or_made(connection, PROVIDER_KEYS)
            query = select(provider_keys.c.version).where(provider_keys.c.provider == provider)
            version = (await connection.scalar(query) or 0) + 1
            await connection.execute(
                delete(provider_keys).where(provider_keys.c.provider == provider)
            )
            row = _sealed_row(provider, key, version, data_key_id, data_key)
            await connection.execute(insert(provider_keys), row)

    async def remove(self, provider: str) -> bool:
        """Forget a provider's key; returns whether there was one.

        With the last one goes their data key, so that who lost the master key can begin anew.
        """
        async with self._db.change_in_turn() as connection:
            gone = await connection.execute(
                delete(provider_keys).where(provider_keys.c.provider == provider)
            )
            if not await connection.scalar(select(func.count()).select_from(provider_keys)):
                await connection.execute(
                    delete(data_keys).where(data_keys.c.purpose == PROVIDER_KEYS)
                )
        return bool(gone.rowcount)

    async def rotate(self) -> int:
        """Seal everything anew under new data keys and the present master key, in one transaction.

        The key of the suppressions stays, for all hashes are made with it; it is only wrapped
        anew. Returns how many providers' keys were sealed. Raises ConfigError, and changes
        nothing, when one of them cannot be opened.
        """
        self._need_master()
        async with self._db.change_in_turn() as connection:
            kept = (
                await connection.execute(select(provider_keys, data_keys).join(data_keys, _OPENS))
            ).all()
            keys = {row.provider: self._open(row) for row in kept}
            versions = {row.provider: row.version for row in kept}
            query = select(data_keys).where(data_keys.c.purpose == SUPPRESSIONS)
            old = (await connection.execute(query)).all()
            data_key = new_key()
            row = self._data_row(PROVIDER_KEYS, data_key)
            rows = [row, *(self._data_row(SUPPRESSIONS, self._unwrapped(one)) for one in old)]
            await connection.execute(delete(provider_keys))
            await connection.execute(delete(data_keys))
            await connection.execute(insert(data_keys), rows)
            sealed = [
                _sealed_row(name, key, versions[name] + 1, row["id"], data_key)
                for name, key in keys.items()
            ]
            if sealed:
                await connection.execute(insert(provider_keys), sealed)
        return len(sealed)

    # -- data keys ------------------------------------------------------------------------

    async def data_key(self, purpose: str) -> tuple[str, bytes]:
        """(id, the key) for a purpose; made when it is wanted first.

        Without a master key it is kept in clear: whoever has the database then has it too.
        """
        if found := await self.find_data_key(purpose):
            return found
        async with self._db.change_in_turn() as connection:
            return await self._found_or_made(connection, purpose)

    async def find_data_key(self, purpose: str) -> tuple[str, bytes] | None:
        """As :meth:`data_key`, but None where there is none yet."""
        rows = await self._db.rows(_oldest(purpose))
        return (rows[0].id, self._unwrapped(rows[0])) if rows else None

    async def _found_or_made(self, connection: AsyncConnection, purpose: str) -> tuple[str, bytes]:
        """In a transaction that no other makes a key beside: two would hash with two keys."""
        if row := (await connection.execute(_oldest(purpose))).first():
            return row.id, self._unwrapped(row)
        key = new_key()
        made = self._data_row(purpose, key)
        await connection.execute(insert(data_keys), made)
        return made["id"], key

    def _data_row(self, purpose: str, key: bytes) -> dict[str, Any]:
        key_id = secrets.token_hex(8)
        wrapped = _FOR_ITS_PURPOSE if self._masters else _IN_CLEAR
        data = seal(self._masters[0], key, *_place(wrapped, key_id, purpose)) if wrapped else key
        return {
            "id": key_id, "purpose": purpose, "wrapped": wrapped, "data": data, "at": timestamp(),
        }  # fmt: skip

    def _unwrapped(self, row: Any) -> bytes:
        if row.wrapped == _IN_CLEAR:
            if row.purpose == PROVIDER_KEYS:  # such a key is never kept in clear by us
                raise ConfigError(
                    "The key that seals providers' keys in the database was replaced by somebody: "
                    f"it lies there in clear. {_BEGIN_ANEW[PROVIDER_KEYS]}."
                )
            return bytes(row.data)
        for master in self._masters:
            try:
                return unseal(master, row.data, *_place(row.wrapped, row.id, row.purpose))
            except WrongKey:
                continue
        problem = "is another one" if self._masters else "is not set"
        raise ConfigError(
            f"This database holds {_WHAT[row.purpose]} under a master key, and ENRICO_MASTER_KEY "
            f"{problem}. Set it to the one that was used; after a change of it, give the former "
            "one as ENRICO_OLD_MASTER_KEY and run: enrico keys rotate. If it is lost for good: "
            f"{_BEGIN_ANEW[row.purpose]}."
        )

    def _need_master(self) -> None:
        if not self._masters:
            raise ConfigError(
                "ENRICO_MASTER_KEY is not set, and keys are kept in the database only under a "
                "master key. Make one with: openssl rand -base64 32; give it in ENRICO_MASTER_KEY, "
                "or in a file of mode 600 that ENRICO_MASTER_KEY_FILE names."
            )


def _oldest(purpose: str) -> Select[Any]:
    return select(data_keys).where(data_keys.c.purpose == purpose).order_by(data_keys.c.at).limit(1)


def _place(wrapped: int, key_id: str, purpose: str) -> tuple[str | int, ...]:
    """What a wrapped data key is bound to, so that no row passes for another."""
    if wrapped < _FOR_ITS_PURPOSE:
        return "data_keys", key_id, "data", wrapped
    return "data_keys", key_id, purpose, "data", wrapped


def _sealed_row(
    provider: str, key: str, version: int, data_key_id: str, data_key: bytes
) -> dict[str, Any]:
    return {
        "provider": provider,
        "version": version,
        "data_key": data_key_id,
        "sealed": seal(data_key, key.encode(), "provider_keys", provider, "sealed", version),
        "last_four": last_four(key),
        "fingerprint": fingerprint(key),
        "at": timestamp(),
    }


async def with_stored_keys(db: Database, settings: Settings) -> Settings:
    """*settings* with the keys that only the database has.

    Without a master key the stored ones are left alone: what is missing is told where it is needed.
    """
    from pydantic import SecretStr

    from enrico.engine.stats import PROVIDERS

    missing = [name for name in PROVIDERS if not settings.key(name)]
    keyring = Keyring(db, settings)
    if not missing or not keyring.has_master or not await keyring.stored():
        return settings
    found = await keyring.keys()
    update = {f"{name}_api_key": SecretStr(found[name]) for name in missing if name in found}
    return settings.model_copy(update=update)

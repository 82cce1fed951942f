"""Keys in the database. Providers' keys are sealed with a data key, that with the master key.

The master key never lies in the database: whoever has the file alone has no key.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from enrico.errors import ConfigError
from enrico.sealing import WrongKey, new_key, read_key, seal, unseal
from enrico.settings import Settings
from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.tables import data_keys, provider_keys

PROVIDER_KEYS, SUPPRESSIONS = "provider_keys", "suppressions"
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
        query = select(provider_keys, data_keys).join(
            data_keys, data_keys.c.id == provider_keys.c.data_key
        )
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
        data_key_id, data_key = await self.data_key(PROVIDER_KEYS)
        async with self._db.change() as connection:
            query = select(provider_keys.c.version).where(provider_keys.c.provider == provider)
            version = (await connection.scalar(query) or 0) + 1
            await connection.execute(
                delete(provider_keys).where(provider_keys.c.provider == provider)
            )
            row = _sealed_row(provider, key, version, data_key_id, data_key)
            await connection.execute(insert(provider_keys), row)

    async def remove(self, provider: str) -> bool:
        """Forget a provider's key; returns whether there was one."""
        async with self._db.change() as connection:
            gone = await connection.execute(
                delete(provider_keys).where(provider_keys.c.provider == provider)
            )
        return bool(gone.rowcount)

    async def rotate(self) -> int:
        """Seal everything anew under new data keys and the present master key.

        The key of the suppressions stays, for all hashes are made with it; it is only wrapped
        anew. Returns how many providers' keys were sealed.
        """
        self._need_master()
        keys = await self.keys()
        old = await self._db.rows(select(data_keys).where(data_keys.c.purpose == SUPPRESSIONS))
        data_key = new_key()
        row = self._data_row(PROVIDER_KEYS, data_key)
        kept = [self._data_row(SUPPRESSIONS, self._unwrapped(found)) for found in old]
        async with self._db.change() as connection:
            query = select(provider_keys.c.provider, provider_keys.c.version)
            versions = {found.provider: found.version for found in await connection.execute(query)}
            await connection.execute(delete(provider_keys))
            await connection.execute(delete(data_keys))
            await connection.execute(insert(data_keys), [row, *kept])
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
        row = self._data_row(purpose, new_key())
        async with self._db.change() as connection:
            await connection.execute(insert(data_keys), row)
        return row["id"], self._unwrapped(_Row(row))

    async def find_data_key(self, purpose: str) -> tuple[str, bytes] | None:
        """As :meth:`data_key`, but None where there is none yet."""
        rows = await self._db.rows(
            select(data_keys)
            .where(data_keys.c.purpose == purpose)
            .order_by(data_keys.c.at)
            .limit(1)
        )
        return (rows[0].id, self._unwrapped(rows[0])) if rows else None

    def _data_row(self, purpose: str, key: bytes) -> dict[str, Any]:
        key_id = secrets.token_hex(8)
        data = seal(self._masters[0], key, "data_keys", key_id, "data", 1) if self._masters else key
        return {
            "id": key_id, "purpose": purpose, "wrapped": int(bool(self._masters)), "data": data,
            "at": timestamp(),
        }  # fmt: skip

    def _unwrapped(self, row: Any) -> bytes:
        if not row.wrapped:
            return bytes(row.data)
        for master in self._masters:
            try:
                return unseal(master, row.data, "data_keys", row.id, "data", 1)
            except WrongKey:
                continue
        what = (
            "the list of people who are to stay forgotten"
            if row.purpose == SUPPRESSIONS
            else "keys of providers"
        )
        problem = "is another one" if self._masters else "is not set"
        raise ConfigError(
            f"This database holds {what} under a master key, and ENRICO_MASTER_KEY {problem}. "
            "Set it to the one that was used; after a change of it, give the former one as "
            "ENRICO_OLD_MASTER_KEY and run: enrico keys rotate"
        )

    def _need_master(self) -> None:
        if not self._masters:
            raise ConfigError(
                "ENRICO_MASTER_KEY is not set, and keys are kept in the database only under a "
                "master key. Make one with: openssl rand -base64 32; give it in ENRICO_MASTER_KEY, "
                "or in a file of mode 600 that ENRICO_MASTER_KEY_FILE names."
            )


class _Row:
    """A row that was just made, read like one from the database."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


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

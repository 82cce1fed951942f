"""Who is to stay forgotten: known only by keyed hashes, asked before anything is bought or loaded.

A hash is HMAC-SHA256 with a key of this database. Under a master key nobody who has the file alone
can try addresses against it; without one he can, for the key lies beside the hashes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from enrico.domain.identity import addresses_in, linkedin_key
from enrico.domain.records import Contact
from enrico.errors import InputError, StoreError
from enrico.settings import Settings
from enrico.store.crm import pages
from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.keyring import SUPPRESSIONS, Keyring
from enrico.store.tables import contacts, data_keys, suppressions

SUPPRESSED = "suppressed"
"""Why nobody is bought for such a contact; see ``contacts.unusable``."""
TOMBSTONE = "forgotten:"
"""What the key of somebody forgotten is replaced by, with the beginning of the hash behind it."""

_MARK = (
    update(contacts)
    .where(contacts.c.person_key == bindparam("person"))
    .values(person_key="", unusable=SUPPRESSED)
)


class Suppressions:
    """Everybody who is to stay forgotten. False when there is nobody."""

    def __init__(self, key: bytes = b"", found: Mapping[str, str] | None = None) -> None:
        """*found*: hash → when."""
        self._key = key
        self._found = dict(found or {})

    def __bool__(self) -> bool:
        return bool(self._found)

    def hash(self, kind: str, value: str) -> str:
        """The keyed hash of an identity."""
        return hmac.digest(self._key, f"{kind}\0{value}".encode(), "sha256").hex()

    def tombstone(self, key: str) -> str:
        """What takes the place of an address in the journal."""
        return TOMBSTONE + self.hash("address", key)[:16]

    def has(self, kind: str, value: str) -> bool:
        """Whether exactly this identity is suppressed."""
        return bool(self._found) and self.hash(kind, value) in self._found

    def covers(self, key: str) -> bool:
        """Whether this address, in its matching form, or its domain is suppressed."""
        return self.since(key) != ""

    def since(self, key: str) -> str:
        """When this address or its domain was suppressed; empty when it is not."""
        if not self._found or not key:
            return ""
        named = (("address", key), *(("domain", domain) for domain in _domains(key)))
        return next((at for it in named if (at := self._found.get(self.hash(*it)))), "")

    def covers_contact(self, contact: Contact) -> bool:
        """Whether a record of a CRM is about somebody suppressed: by address, profile or id."""
        if not self._found:
            return False
        profile = linkedin_key(contact.linkedin_url)
        return (
            self.has("contact", contact.id)
            or any(self.covers(check.key) for check in addresses_in(contact.email))
            or bool(profile and self.has("linkedin", profile))
        )


def _domains(key: str) -> Iterator[str]:
    """``mail.eu.acme.com`` → itself, ``eu.acme.com``, ``acme.com``."""
    host = key.rpartition("@")[2]
    while "." in host:
        yield host
        host = host.partition(".")[2]


async def load_suppressions(
    db: Database, settings: Settings, *, to_add: bool = False
) -> Suppressions:
    """Everybody suppressed; *to_add*: with a key to hash by, though there is nobody yet.

    Raises ConfigError when their hashes cannot be compared: then nothing may be bought or loaded.
    """
    rows = await db.rows(select(suppressions.c.hash, suppressions.c.at))
    if not rows and not to_add:
        return Suppressions()
    keyring = Keyring(db, settings)
    found = await keyring.find_data_key(SUPPRESSIONS)
    if found is None and rows:
        raise StoreError(
            "The key of the list of people who are to stay forgotten is gone from the database. "
            "Restore the table data_keys from a backup."
        )
    _, key = found or await keyring.data_key(SUPPRESSIONS)
    return Suppressions(key, {row.hash: row.at for row in rows})


async def keep_out(db: Database, found: Suppressions) -> int:
    """Mark contacts who are suppressed and in the store all the same, as after a restored backup.

    They are skipped with a reason from then on. Returns how many addresses were met.
    """
    if not found:
        return 0
    query = select(contacts.c.person_key).where(contacts.c.person_key != "").distinct()
    met: list[dict[str, Any]] = []
    async for page in pages(db, query):
        met += [{"person": row.person_key} for row in page if found.covers(row.person_key)]
    if met:
        await db.write((_MARK, met))
    return len(met)


def rows_for(
    found: Suppressions, subject: tuple[str, str], identities: Iterable[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Rows that suppress some identities (kind, value), all because of *subject*."""
    whose, at = found.hash(*subject), timestamp()
    return [
        {"hash": found.hash(kind, value), "kind": kind, "subject": whose, "at": at}
        for kind, value in sorted(set(identities))
    ]


async def lift(db: Database, found: Suppressions, kind: str, value: str) -> int:
    """Let somebody in again, with all that was suppressed because of them; returns how much.

    Raises InputError for an address that is suppressed with its whole domain.
    """
    for domain in _domains(value):
        if kind == "address" and found.has("domain", domain):
            raise InputError(
                f"{domain} is to stay forgotten as a whole. Let all of it in again with: "
                f"enrico privacy allow {domain}"
            )
    subjects = select(suppressions.c.subject).where(suppressions.c.hash == found.hash(kind, value))
    async with db.change() as connection:
        whose = [row.subject for row in await connection.execute(subjects)]
        gone = await connection.execute(
            delete(suppressions).where(suppressions.c.subject.in_(whose))
        )
    return int(gone.rowcount)


async def empty(db: Database) -> int:
    """Let everybody in again, whose list nobody can read any more; returns how many hashes went."""
    async with db.change_in_turn() as connection:
        gone = await connection.execute(delete(suppressions))
        await connection.execute(delete(data_keys).where(data_keys.c.purpose == SUPPRESSIONS))
    return int(gone.rowcount)


async def suppress(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> int:
    """Write rows of :func:`rows_for`; those who are there stay as they are. Returns how many."""
    known = {row.hash for row in await connection.execute(select(suppressions.c.hash))}
    if new := [row for row in rows if row["hash"] not in known]:
        await connection.execute(insert(suppressions), new)
    return len(new)

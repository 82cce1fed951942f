"""Keys in files and in the database: closed to others, bound to their place, rotated."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from enrico import Enrico
from enrico.errors import ConfigError
from enrico.sealing import WrongKey, new_key, read_key, seal, unseal
from enrico.settings import Settings, load_settings
from enrico.store.database import Database, open_database
from enrico.store.keyring import PROVIDER_KEYS, Keyring, last_four, with_stored_keys
from enrico.store.suppressions import empty, load_suppressions, rows_for, suppress
from enrico.store.tables import data_keys, provider_keys
from tests.conftest import BOTH

KEY = "apollo-key-of-more-than-sixteen-letters"
places = st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=3), st.integers(0, 3))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'enrico.db'}")
    yield database
    await database.close()


def settings(master: bytes | None = None, old: bytes | None = None) -> Settings:
    return load_settings(
        master_key=master.hex() if master else "", old_master_key=old.hex() if old else ""
    )


@given(secret=st.binary(max_size=80), place=places, other=places)
def test_a_sealed_secret_opens_with_its_key_in_its_place_only(secret, place, other):
    key = new_key()
    sealed = seal(key, secret, *place)

    assert unseal(key, sealed, *place) == secret
    assert secret not in sealed or len(secret) < 4
    with pytest.raises(WrongKey):
        unseal(new_key(), sealed, *place)
    if place != other:
        with pytest.raises(WrongKey):
            unseal(key, sealed, *other)


@given(secret=st.binary(max_size=40), where=st.integers(0, 60), bit=st.integers(0, 7))
def test_a_sealed_secret_that_was_changed_does_not_open(secret, where, bit):
    key = new_key()
    sealed = bytearray(seal(key, secret, "t", 1))
    sealed[where % len(sealed)] ^= 1 << bit

    with pytest.raises(WrongKey):
        unseal(key, bytes(sealed), "t", 1)


def test_two_seals_of_one_secret_differ():
    key = new_key()
    assert seal(key, b"x", "t") != seal(key, b"x", "t")


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "QUJD", "A" * 44 + "="])
def test_what_is_no_master_key_is_refused_without_being_repeated(text):
    with pytest.raises(ConfigError, match="ENRICO_MASTER_KEY is no key of 32 bytes") as caught:
        read_key(text, "ENRICO_MASTER_KEY")

    assert not text or text not in str(caught.value)


async def test_a_key_is_kept_sealed_and_used_where_none_is_given(db, tmp_path):
    mine = settings(new_key())
    await Keyring(db, mine).put("apollo", KEY)

    found = await with_stored_keys(db, mine)

    assert found.key("apollo") == KEY
    assert found.key("serper") == ""
    given = load_settings(master_key=mine.master_key.get_secret_value(), apollo_api_key="mine")
    assert (await with_stored_keys(db, given)).key("apollo") == "mine"
    assert (await with_stored_keys(db, settings())).key("apollo") == ""
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert KEY.encode() not in on_disk
    assert mine.master_key.get_secret_value().encode() not in on_disk
    assert bytes.fromhex(mine.master_key.get_secret_value()) not in on_disk


async def test_a_sealed_key_that_was_moved_to_another_provider_does_not_open(db, tmp_path):
    mine = settings(new_key())
    keyring = Keyring(db, mine)
    await keyring.put("apollo", KEY)
    await keyring.put("serper", "another-key")
    with closing(sqlite3.connect(tmp_path / "enrico.db")) as raw, raw:
        raw.execute(
            "update provider_keys set sealed = (select sealed from provider_keys "
            "where provider = 'apollo') where provider = 'serper'"
        )

    with pytest.raises(ConfigError, match="changed or moved"):
        await keyring.keys()


async def test_an_older_sealed_key_that_was_put_back_does_not_open(db, tmp_path):
    keyring = Keyring(db, settings(new_key()))
    await keyring.put("apollo", "the-key-before")
    with closing(sqlite3.connect(tmp_path / "enrico.db")) as raw, raw:
        [(old,)] = raw.execute("select sealed from provider_keys").fetchall()
        await keyring.put("apollo", KEY)
        raw.execute("update provider_keys set sealed = ?", (old,))

    with pytest.raises(ConfigError, match="changed or moved"):
        await keyring.keys()


async def test_with_another_master_key_nothing_opens_and_it_says_what_to_do(db):
    await Keyring(db, settings(new_key())).put("apollo", KEY)

    with pytest.raises(ConfigError, match="ENRICO_OLD_MASTER_KEY") as caught:
        await with_stored_keys(db, settings(new_key()))

    assert "keys rotate" in str(caught.value)


async def test_without_a_master_key_no_key_is_kept(db):
    with pytest.raises(ConfigError, match="openssl rand -base64 32"):
        await Keyring(db, settings()).put("apollo", KEY)


async def test_keys_are_rotated_to_a_new_master_key_while_others_read_them(db):
    old, new = new_key(), new_key()
    await Keyring(db, settings(old)).put("apollo", KEY)
    both = settings(new, old)
    read: list[str] = []

    async def reads() -> None:
        for _ in range(40):
            read.append((await Keyring(db, both).keys())["apollo"])

    reading = [asyncio.create_task(reads()) for _ in range(4)]
    for _ in range(10):
        assert await Keyring(db, both).rotate() == 1
    await asyncio.gather(*reading)

    assert read == [KEY] * 160
    assert (await Keyring(db, settings(new)).keys()) == {"apollo": KEY}
    with pytest.raises(ConfigError):
        await Keyring(db, settings(old)).keys()


@BOTH
async def test_rotations_and_new_keys_at_once_lose_nothing(stores):
    """Each opens the database for itself, as processes do."""
    master = new_key()
    opened = [await open_database(stores.url("enrico")) for _ in range(4)]
    await Keyring(opened[0], settings(master)).put("apollo", "before")

    async def rotates(one: Database) -> None:
        for _ in range(8):
            await Keyring(one, settings(master)).rotate()

    async def sets(one: Database) -> None:
        for n in range(8):
            await Keyring(one, settings(master)).put("apollo", f"key-{n}")
            await Keyring(one, settings(master)).put("serper", f"key-{n}")

    async with asyncio.timeout(60):
        await asyncio.gather(
            rotates(opened[0]), sets(opened[1]),
            keep(opened[2], settings(master), "jane@acme.com"),
            keep(opened[3], settings(master), "joe@acme.com"),
        )  # fmt: skip

    keys = await Keyring(opened[0], settings(master)).keys()
    assert keys == {"apollo": "key-7", "serper": "key-7"}
    found = await load_suppressions(opened[0], settings(master))
    assert found.covers("jane@acme.com")
    assert found.covers("joe@acme.com")
    for one in opened:
        await one.close()


async def test_a_rotation_that_cannot_open_something_changes_nothing(db):
    old, new = new_key(), new_key()
    await Keyring(db, settings(old)).put("apollo", KEY)
    await keep(db, settings(old), "jane@acme.com")

    with pytest.raises(ConfigError, match="ENRICO_OLD_MASTER_KEY"):
        await Keyring(db, settings(new)).rotate()

    assert await Keyring(db, settings(old)).keys() == {"apollo": KEY}
    assert (await load_suppressions(db, settings(old))).covers("jane@acme.com")


@pytest.mark.parametrize(
    "change",
    [
        "update data_keys set data = (select data from data_keys where purpose = 'suppressions')",
        # What is wrapped passes for no other purpose, even where it lies.
        "update data_keys set purpose = case purpose when 'suppressions' then 'provider_keys' "
        "else 'suppressions' end",
        "update data_keys set wrapped = 0, data = zeroblob(32) where purpose = 'provider_keys'",
    ],
)
async def test_a_data_key_that_was_moved_or_replaced_does_not_open(db, tmp_path, change):
    mine = settings(new_key())
    await Keyring(db, mine).put("apollo", KEY)
    await keep(db, mine, "jane@acme.com")
    with closing(sqlite3.connect(tmp_path / "enrico.db")) as raw, raw:
        raw.execute(change)

    with pytest.raises(ConfigError):
        await Keyring(db, mine).put("apollo", "another key")
    with pytest.raises(ConfigError):
        await with_stored_keys(db, mine)
    if "purpose = case" in change:
        with pytest.raises(ConfigError):
            await load_suppressions(db, mine)


async def test_a_data_key_that_the_first_version_wrapped_opens_and_is_bound_at_a_rotation(db):
    master, key = new_key(), new_key()
    row = {
        "id": "k1", "purpose": PROVIDER_KEYS, "wrapped": 1, "at": "2026-01-01",
        "data": seal(master, key, "data_keys", "k1", "data", 1),
    }  # fmt: skip
    kept = {
        "provider": "apollo", "version": 1, "data_key": "k1", "last_four": "", "fingerprint": "",
        "at": "", "sealed": seal(key, KEY.encode(), "provider_keys", "apollo", "sealed", 1),
    }  # fmt: skip
    await db.write((insert(data_keys), [row]), (insert(provider_keys), [kept]))

    assert await Keyring(db, settings(master)).keys() == {"apollo": KEY}
    await Keyring(db, settings(master)).rotate()

    assert [row.wrapped for row in await db.rows(select(data_keys.c.wrapped))] == [2]
    assert await Keyring(db, settings(master)).keys() == {"apollo": KEY}


async def test_who_lost_the_master_key_begins_anew(db):
    lost, new = settings(new_key()), settings(new_key())
    await Keyring(db, lost).put("apollo", KEY)
    await keep(db, lost, "jane@acme.com")
    with pytest.raises(ConfigError, match="lost for good: take each out with enrico keys remove"):
        await Keyring(db, new).put("apollo", "another key")
    with pytest.raises(ConfigError, match="lost for good: enrico privacy reset --yes"):
        await load_suppressions(db, new)

    await Keyring(db, new).remove("apollo")
    await Keyring(db, new).put("apollo", "another key")
    assert await empty(db) == 1
    await keep(db, new, "joe@acme.com")

    assert await Keyring(db, new).keys() == {"apollo": "another key"}
    found = await load_suppressions(db, new)
    assert (found.covers("joe@acme.com"), found.covers("jane@acme.com")) == (True, False)


async def test_without_the_extra_it_says_what_to_install(db, monkeypatch):
    mine = settings(new_key())
    await Keyring(db, mine).put("apollo", KEY)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    for use in (
        Keyring(db, mine).keys(), Keyring(db, mine).put("serper", KEY), Keyring(db, mine).rotate(),
        with_stored_keys(db, mine), keep(db, mine, "jane@acme.com"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=r"pip install 'enrico\[keys\]'"):
            await use


async def test_the_forgotten_stay_known_through_a_rotation(db):
    plain, master = settings(), new_key()
    await keep(db, plain, "jane@acme.com")

    await Keyring(db, settings(master)).rotate()

    assert (await load_suppressions(db, settings(master))).covers("jane@acme.com")
    with pytest.raises(ConfigError, match="stay forgotten"):
        await load_suppressions(db, plain)


async def keep(db: Database, with_settings: Settings, address: str) -> None:
    found = await load_suppressions(db, with_settings, to_add=True)
    async with db.change() as connection:
        await suppress(connection, rows_for(found, ("address", address), [("address", address)]))


async def test_without_their_key_nobody_is_loaded_or_bought(tmp_path, sample_crm):
    url = f"sqlite:///{tmp_path / 'enrico.db'}"
    async with Enrico(settings(new_key()).model_copy(update={"database_url": url})) as client:
        await keep(client.db, client.settings, "jane@acme.com")

    async with Enrico(database_url=url) as client:
        with pytest.raises(ConfigError, match="ENRICO_MASTER_KEY is not set"):
            await client.load(sample_crm(10))
        with pytest.raises(ConfigError, match="ENRICO_MASTER_KEY is not set"):
            await client.plan()


async def test_hashes_cannot_be_tried_without_the_key(db):
    await keep(db, settings(new_key()), "jane@acme.com")
    async with db.read() as connection:
        raw = await connection.exec_driver_sql("select hash from suppressions")
        hashes = {row[0] for row in raw}

    from enrico.store.suppressions import Suppressions

    assert Suppressions(b"", dict.fromkeys(hashes, "x")).covers("jane@acme.com") is False


def test_of_a_short_key_nothing_is_shown():
    assert last_four("0123456789abcdef") == "cdef"
    assert last_four("0123456789") == ""


# -- files --------------------------------------------------------------------------------


def key_file(folder: Path, mode: int, text: str = f"{KEY}\n") -> Path:
    path = folder / "apollo.key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_comes_from_a_file_that_is_mine_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("APOLLO_API_KEY_FILE", str(key_file(tmp_path, 0o600)))

    found = load_settings()

    assert found.key("apollo") == KEY
    assert KEY in found.secrets()
    assert found.source_of("apollo") == "APOLLO_API_KEY_FILE"
    assert load_settings(apollo_api_key="mine").key("apollo") == "mine"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o610])
def test_a_key_file_that_others_may_touch_is_refused_with_the_mend(tmp_path, monkeypatch, mode):
    path = key_file(tmp_path, mode)
    monkeypatch.setenv("APOLLO_API_KEY_FILE", str(path))

    with pytest.raises(ConfigError, match=f"chmod 600 {path}") as caught:
        load_settings()

    assert "APOLLO_API_KEY_FILE" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_key_file_is_told_so(tmp_path, monkeypatch, text):
    monkeypatch.setenv("ENRICO_MASTER_KEY_FILE", str(key_file(tmp_path, 0o600, text)))

    with pytest.raises(ConfigError, match="which is empty"):
        load_settings()


def test_a_key_file_that_is_not_there_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("SERPER_API_KEY_FILE", str(tmp_path / "nowhere"))

    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_settings()

"""What libpq understands in a URL works, or is refused in a sentence that tells no password."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from sqlalchemy import text

from enrico.errors import ConfigError, StoreError
from enrico.store.database import open_database
from enrico.store.postgres_url import read_url
from enrico.store.session_lock import CONNECT_SECONDS
from tests.postgres import Server
from tests.stores import PostgresStores

PASSWORD = "p@s:s/w#o?r%d&=+ ü[1]"
OURS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE 'enrico%'"
)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server that asks a role for her password."""
    server = Server()

    async def make() -> None:
        connection = await asyncpg.connect(server.url)
        await connection.execute(f"CREATE ROLE ada LOGIN PASSWORD '{PASSWORD}'")
        await connection.execute("CREATE DATABASE hers OWNER ada")
        await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()
    server.stop()
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text("local all ada scram-sha-256\n" + rules.read_text())
    server.start()
    yield server
    server.remove()


def folder_of(url: str) -> str:
    return urlsplit(url).query.partition("=")[2]


async def settings(url: str, *names: str) -> list[str]:
    db = await open_database(url)
    try:
        async with db.read() as connection:
            return [str(await connection.scalar(text(f"SHOW {name}"))) for name in names]
    finally:
        await db.close()


async def test_what_libpq_understands_is_understood(postgres_stores: PostgresStores) -> None:
    url = (
        f"{postgres_stores.url('a')}&sslmode=disable&connect_timeout=7&application_name=crm"
        "&options=-c%20statement_timeout%3D45s%20-c%20work_mem=5MB&target_session_attrs=read-write"
        "&channel_binding=prefer&gssencmode=disable&fallback_application_name=x"
    )

    found = await settings(url, "statement_timeout", "work_mem", "application_name")

    assert found[:2] == ["45s", "5MB"]
    assert found[2].startswith("enrico ")
    assert read_url(url).timeout == 7
    assert read_url(postgres_stores.url("a") + "&connect_timeout=0").timeout == CONNECT_SECONDS


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
async def test_of_several_hosts_the_one_that_answers_is_taken(
    postgres_stores: PostgresStores, scheme: str
) -> None:
    parts = urlsplit(postgres_stores.url("a"))
    nowhere, folder = "/nowhere", folder_of(postgres_stores.url("a"))
    coded = quote(folder, safe="")
    for url in (
        f"{scheme}://postgres@{parts.path}?host={nowhere},{folder}",
        f"{scheme}://postgres@{parts.path}?host={nowhere}&host={folder}",
        f"{scheme}://postgres@{coded}{parts.path}",
        f"{scheme}://postgres@{quote(nowhere, safe='')}:1,{coded}:5432{parts.path}",
    ):
        assert (await settings(url, "synchronous_commit")) == ["on"]


def test_several_hosts_have_their_ports_for_both_drivers() -> None:
    target = read_url("postgresql://ada:secret@h1:6432,[::1],h3/crm?sslmode=require")

    assert target.where == "The database crm at h1,::1,h3"
    assert dict(target.url.query) == {
        "sslmode": "require", "host": "h1,::1,h3", "port": "6432,5432,5432",
    }  # fmt: skip
    assert target.url.password == "secret"
    assert "host=h1%2C%3A%3A1%2Ch3&port=6432%2C5432%2C5432" in target.dsn


@pytest.mark.parametrize("several", [False, True])
async def test_a_password_of_any_letters_works_and_is_never_shown(
    guarded: Server, several: bool
) -> None:
    hosts = f"/nowhere,{guarded.folder}" if several else str(guarded.folder)
    url = f"postgresql://ada:{quote(PASSWORD, safe='')}@/hers?host={hosts}"

    assert (await settings(url, "synchronous_commit")) == ["on"]
    with pytest.raises(StoreError, match="refused the user or password") as caught:
        await open_database(url.replace("p%40s", "canary"))
    assert "canary" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:canary@h/db?keepalives=1", "parameter 'keepalives'"),
        ("postgresql://u:canary@h/db?channel_binding=require", "requires channel_binding"),
        ("postgresql://u:canary@h/db?gssencmode=require", "requires gssencmode"),
        ("postgresql://u:canary@h/db?connect_timeout=soon", "whole number of seconds"),
        ("postgresql://u:canary@h/db?sslmode=maybe", "sslmode"),
        ("postgresql://u:canary@h/db?target_session_attrs=best", "target_session_attrs"),
        ("postgresql://u:canary@h/db?sslmode=verify-full&sslrootcert=/no/ca.pem", "ca.pem"),
        ("postgresql://u:canary@h:port/db", "not a database URL"),
        ("postgresql://u:canary@h1:5432,h2:port/db", "not a database URL"),
        ("postgresql://u:canary@[::1/db", "not a database URL"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_sentence(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        await open_database(url)

    assert "canary" not in repr(caught.value) + str(caught.value)


async def test_no_connection_is_left_whatever_becomes_of_opening(
    postgres_stores: PostgresStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_stores.url("a")
    await (await open_database(url)).close()

    async def broken(self: object, *_: object, **__: object) -> None:
        raise asyncpg.InternalServerError("made up")

    for number in range(50):
        if number % 3 == 0:
            db = await open_database(url)
            with pytest.raises(StoreError):
                await db.rows(text("SELECT nonsense"))
            async with db.change() as connection:
                await connection.execute(text("SELECT 1"))
            await db.close()
        elif number % 3 == 1:
            opening = asyncio.create_task(open_database(url))
            await asyncio.sleep(0.002 * (number % 10))
            opening.cancel()
            for done in await asyncio.gather(opening, return_exceptions=True):
                if not isinstance(done, BaseException):
                    await done.close()
        else:
            with monkeypatch.context() as patch:
                patch.setattr(asyncpg.Connection, "set_type_codec", broken)
                with pytest.raises(StoreError):
                    await open_database(url)

    async with asyncio.timeout(20):  # the server takes a moment to see that somebody has gone
        while postgres_stores.query("a", OURS) != [(0,)]:
            await asyncio.sleep(0.05)

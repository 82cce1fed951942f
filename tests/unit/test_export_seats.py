"""Deal contacts as they go out: whose answer is put on whom, and who bears what it cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Float, Integer, Table, insert

from enrico.engine.money import MICRO, NANO
from enrico.export.tables import rows_of
from enrico.store.crm import Scope
from enrico.store.database import Database, Operation, open_database
from enrico.store.tables import contacts, deal_contacts, deals, people


def rows(table: Table, *given: dict[str, Any]) -> Operation:
    blank = {
        c.name: 0
        if isinstance(c.type, Integer | Float)
        else "[]"
        if c.name == "role_fields"
        else ""
        for c in table.columns
    }
    return insert(table), [{**blank, **row} for row in given]


def contact(id: str, first: str, last: str, key: str) -> dict[str, Any]:
    return {"id": id, "first_name": first, "last_name": last, "person_key": key, "email": key}


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'enrico.db'}")
    await database.write(rows(deals, {"id": "d1"}, {"id": "d2"}, {"id": "d3"}))
    await database.write(
        rows(
            contacts,
            contact("c1", "Ada", "Byrne", "ada@acme.com"),
            contact("c2", " ADA", "byrne ", "ada@acme.com"),
            contact("c3", "", "", "ada@acme.com"),
            contact("c4", "Bo", "Lund", "team@acme.com"),
            contact("c5", "Cy", "Roe", "team@acme.com"),
            contact("c6", "Di", "Moe", ""),
        ),
        rows(
            deal_contacts,
            {"deal_id": "d1", "contact_id": "c1"}, {"deal_id": "d1", "contact_id": "c4"},
            {"deal_id": "d1", "contact_id": "c6"}, {"deal_id": "d2", "contact_id": "c1"},
            {"deal_id": "d2", "contact_id": "c5"}, {"deal_id": "d3", "contact_id": "c2"},
            {"deal_id": "d3", "contact_id": "c3"},
        ),
        rows(
            people,
            *(
                {"key": key, "state": "found", "name": name, "employer": "Acme",
                 "provider": "apollo", "credits": MICRO, "usd": NANO}
                for key, name in (("ada@acme.com", "Ada Byrne"), ("team@acme.com", "Bo Lund"))
            ),
        ),
    )  # fmt: skip
    yield database
    await database.close()


async def seats(db: Database, *deal_ids: str) -> dict[tuple[str, str], dict[str, Any]]:
    found = [row async for row in rows_of(db, "deal_contacts", Scope(deal_ids=deal_ids))]
    return {(row["deal_id"], row["contact_id"]): row for row in found}


async def test_a_person_is_paid_for_by_all_seats_that_use_the_address(db: Database) -> None:
    here = await seats(db, "d1")

    assert here["d1", "c1"]["credits"] == 0.25  # two contacts more sit on other deals
    assert here["d1", "c4"]["credits"] == 0.5
    assert here["d1", "c6"]["credits"] is None
    everyone = (await seats(db, "d1", "d2", "d3")).values()
    assert sum(row["cost_usd"] for row in everyone) == 2.0


async def test_only_another_name_makes_an_address_shared(db: Database) -> None:
    found = await seats(db, "d1", "d2", "d3")

    status = {place: row["status"] for place, row in found.items()}
    assert status["d1", "c1"] == status["d3", "c2"] == status["d3", "c3"] == "enriched"
    assert status["d1", "c4"] == "enriched"  # by that name the provider knows the address
    assert status["d2", "c5"] == "skipped"
    assert "shared" in found["d2", "c5"]["status_reason"]

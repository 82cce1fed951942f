"""Roles resolved only where in doubt are the roles resolved from scratch, whatever happened."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from enrico.domain.records import Account, Contact, Deal, DealContact
from enrico.engine.money import Cost
from enrico.pipeline.apply import person_row, trouble_row
from enrico.pipeline.roles import resolve_roles_in
from enrico.providers.apollo import Person
from enrico.store import facts
from enrico.store.crm import Scope, save_records
from enrico.store.database import Database, open_database
from enrico.store.tables import contacts, deal_contacts, deals, people, role_notes, unresolved

AT = "2026-11-20T10:00:00.000Z"
ALL = Scope()
ACCOUNTS = ["a1", "a2", "a3", ""]
DEALS = [f"d{n}" for n in range(8)]
CONTACTS = [f"c{n}" for n in range(10)]
ADDRESSES = ["ada@acme.com", "bob@acme.com", "cy@acme.com", "dee@other.com", ""]
NAMES = [("Ada", "Byrne"), ("Bob", "Stone"), ("Cy", "Hall"), ("", "")]
TITLES = ["", "CEO", "CFO", "VP Sales", "Engineer", "Buyer"]
LABELS = ["", "Champion", "Economic Buyer", "Kingmaker", "Blocker"]
FIELDS: list[dict[str, str]] = [{}, {"Champion__c": "Ada Byrne"}, {"Champion__c": "Nobody Known"}]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'enrico.db'}")
    yield database
    await database.close()


class World:
    """Things that happen to a database, drawn from a seed."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db = db
        self.draw = random.Random(seed)
        self.loads = 0

    async def load(self) -> None:
        self.loads += 1
        some, one = self.draw.sample, self.draw.choice
        chosen = some(DEALS, self.draw.randint(0, 4))
        await save_records(
            self.db,
            f"l{self.loads}",
            account_records=[
                Account(id=id_, name=one(["Acme", "Other", ""]), domain=one(["acme.com", ""]))
                for id_ in some(ACCOUNTS[:3], self.draw.randint(0, 3))
            ],
            contact_records=[
                Contact(
                    id=id_,
                    first_name=name[0],
                    last_name=name[1],
                    email=one(ADDRESSES),
                    title=one(TITLES),
                    role_label=one(LABELS) if self.draw.random() < 0.2 else "",
                )
                for id_ in some(CONTACTS, self.draw.randint(0, 6))
                for name in [one(NAMES)]
            ],
            deal_records=[
                Deal(
                    id=id_,
                    name=id_,
                    account_id=one(ACCOUNTS),
                    role_fields=tuple(one(FIELDS).items()),
                )
                for id_ in chosen
            ],
            seat_records=[
                DealContact(deal_id, contact_id, one(LABELS) if self.draw.random() < 0.3 else "")
                for deal_id in chosen
                for contact_id in some(CONTACTS, self.draw.randint(0, 5))
            ],
        )

    async def find(self) -> None:
        name = " ".join(self.draw.choice(NAMES))
        person = Person(
            "p", name, self.draw.choice(TITLES), self.draw.choice(["c_suite", "owner", "vp", ""]),
            ("master_finance",), (), self.draw.choice(["Acme", "Elsewhere"]),
            self.draw.choice(["acme.com", "elsewhere.com"]), "", "", "", "", "", "",
        )  # fmt: skip
        key = self.draw.choice(ADDRESSES[:4])
        await self.db.write(facts.people_found([person_row(key, person, "c", AT, Cost())]))

    async def miss(self) -> None:
        row = trouble_row(self.draw.choice(ADDRESSES[:4]), "not_found", "unknown")
        await self.db.write(facts.people_missed([row]))

    async def fail(self) -> None:
        row = trouble_row(self.draw.choice(ADDRESSES[:4]), "failed", "cut off")
        await self.db.write(facts.people_failed([row]))

    async def hold(self) -> None:
        row = trouble_row(self.draw.choice(ADDRESSES[:4]), "held", "unknown outcome")
        await self.db.write(facts.people_held([row]))

    async def release(self) -> None:
        await self.db.write(*facts.people_released([self.draw.choice(ADDRESSES[:4])]))

    async def forget(self) -> None:
        key = self.draw.choice(ADDRESSES[:4])
        seats = delete(deal_contacts).where(
            deal_contacts.c.contact_id.in_(
                select(contacts.c.id).where(contacts.c.person_key == key)
            )
        )
        steps: list[Any] = [
            delete(people).where(people.c.key == key),
            delete(contacts).where(contacts.c.person_key == key),
        ]
        await self.db.write(*((step, [{}]) for step in [seats, *steps][self.draw.randint(0, 2) :]))

    async def drop_a_deal(self) -> None:
        gone = delete(deals).where(deals.c.id == self.draw.choice(DEALS))
        await self.db.write((gone, [{}]))

    async def resolve(self, scope: Scope | None = None, threshold: float | None = None) -> None:
        chosen = scope or Scope(deal_ids=tuple(self.draw.sample(DEALS, self.draw.randint(1, 4))))
        await resolve_roles_in(self.db, chosen, threshold or self.draw.choice([0.3, 0.45]))


async def outcome(db: Database) -> dict[str, list[Any]]:
    """All roles and notes; a seat whose contact is gone shows nowhere."""
    known = deal_contacts.c.contact_id.in_(select(contacts.c.id))
    order = (deal_contacts.c.deal_id, deal_contacts.c.contact_id)
    roles = select(deal_contacts).where(known).order_by(*order)
    return {"roles": await db.rows(roles), "notes": await db.rows(select(role_notes))}


async def from_scratch(db: Database, threshold: float) -> dict[str, list[Any]]:
    """The same when nothing had been resolved before."""
    empty = update(deal_contacts).values(
        role="?", role_source="", role_confidence=0.0, role_reason="", runner_up="",
        runner_up_source="", runner_up_confidence=0.0,
    )  # fmt: skip
    await db.write((empty, [{}]), (delete(role_notes), [{}]))
    await resolve_roles_in(db, ALL, threshold, afresh=True)
    return await outcome(db)


@pytest.mark.parametrize("seed", range(25))
async def test_resolving_what_is_in_doubt_comes_to_the_same_as_resolving_all(
    db: Database, seed: int
) -> None:
    world = World(db, seed)
    happenings = [
        world.load, world.load, world.find, world.find, world.miss, world.fail, world.hold,
        world.release, world.forget, world.drop_a_deal, world.resolve,
    ]  # fmt: skip
    await world.load()
    for _ in range(12):
        await world.draw.choice(happenings)()
        if world.draw.random() < 0.5:
            await world.resolve(ALL, 0.3)

    await world.resolve(ALL, 0.3)

    in_doubt = await db.rows(select(func.count()).select_from(unresolved))
    assert in_doubt[0][0] == 0
    assert await outcome(db) == await from_scratch(db, 0.3)

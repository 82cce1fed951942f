"""Whose roles are in doubt: one change each, marked by the database itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from enrico.domain.records import Account, Contact, Deal, DealContact
from enrico.engine.money import Cost
from enrico.pipeline import roles
from enrico.pipeline.apply import person_row, trouble_row
from enrico.pipeline.roles import resolve_roles_in
from enrico.providers.apollo import Person
from enrico.store import facts
from enrico.store.committees import notes_in, resolved, take_marks
from enrico.store.crm import Scope, save_records
from enrico.store.database import Database, open_database
from enrico.store.tables import deal_contacts, unresolved

AT = "2026-11-20T10:00:00.000Z"
LATER = "2027-03-01T10:00:00.000Z"
ADA = Person(
    "p1", "Ada Byrne", "CFO", "c_suite", (), (), "Acme", "acme.com", "", "", "", "", "", ""
)  # fmt: skip
A1, A2, D3 = ("a1", ""), ("a2", ""), ("", "d3")


async def load(db: Database) -> None:
    """Two accounts with a deal each, and a deal without an account."""
    await save_records(
        db,
        "l1",
        account_records=[Account("a1", "Acme", "acme.com"), Account("a2", "Other", "other.com")],
        contact_records=[
            Contact("c1", first_name="Ada", last_name="Byrne", email="ada@acme.com"),
            Contact("c2", first_name="Bob", last_name="Stone", email="bob@other.com"),
            Contact("c3", first_name="Cy", last_name="Hall", email="cy@third.com"),
            Contact("c4", first_name="Dee", last_name="Moss", email="dee@fourth.com"),
        ],
        deal_records=[Deal("d1", account_id="a1"), Deal("d2", account_id="a2"), Deal("d3")],
        seat_records=[
            DealContact("d1", "c1", "Kingmaker"),
            DealContact("d2", "c2"),
            DealContact("d3", "c3"),
        ],
    )


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'enrico.db'}")
    await load(database)
    await resolve_roles_in(database, Scope(), 0.3)
    yield database
    await database.close()


async def in_doubt(db: Database) -> set[tuple[str, str]]:
    rows = await db.rows(select(unresolved.c.account_id, unresolved.c.deal_id))
    return {(row.account_id, row.deal_id) for row in rows}


def new_contact(name: str, address: str) -> str:
    first, last = name.split()
    return (
        "INSERT INTO contacts VALUES "
        f"('c9', '', '{address}', '', '{first}', '{last}', '', '', '', '', '', '')"
    )


SEAT = "INSERT INTO deal_contacts (deal_id, contact_id, role_label, is_primary, {0}) VALUES ({1})"
RESULTS = (
    "role, role_source, role_confidence, role_reason, runner_up, runner_up_source, "
    "runner_up_confidence"
)


@pytest.mark.parametrize(
    ("change", "marked"),
    [
        ("UPDATE accounts SET name = 'Acme Holding' WHERE id = 'a1'", {A1}),
        ("UPDATE accounts SET industry = 'Steel'", set()),
        ("DELETE FROM accounts WHERE id = 'a1'", {A1}),
        ("INSERT INTO accounts VALUES ('a9', '', 'Nobody''s', '', '', '')", set()),
        ("UPDATE deals SET account_id = 'a2' WHERE id = 'd1'", {A1, A2}),
        ("UPDATE deals SET account_id = 'a1' WHERE id = 'd3'", {A1, D3}),
        ("UPDATE deals SET account_id = '' WHERE id = 'd1'", {A1, ("", "d1")}),
        ("""UPDATE deals SET role_fields = '[["Coach","Ada"]]' WHERE id = 'd3'""", {D3}),
        ("UPDATE deals SET stage = 'Won'", set()),
        ("DELETE FROM deals WHERE id = 'd2'", {A2}),
        (SEAT.format(RESULTS, "'d3', 'c1', '', 0, '', '', 0, '', '', '', 0"), {D3}),
        ("UPDATE deal_contacts SET role_label = 'Coach' WHERE deal_id = 'd2'", {A2}),
        ("UPDATE deal_contacts SET is_primary = 1, role = 'coach'", set()),
        ("DELETE FROM deal_contacts WHERE deal_id = 'd2'", {A2}),
        ("UPDATE contacts SET title = 'CEO' WHERE id = 'c1'", {A1}),
        ("UPDATE contacts SET title = 'CEO' WHERE id = 'c4'", set()),
        ("UPDATE contacts SET phone = '1'", set()),
        ("UPDATE contacts SET person_key = 'ada@acme.com' WHERE id = 'c2'", {A1, A2}),
        (new_contact("Someone Else", "ada@acme.com"), {A1}),
        (new_contact("Someone Else", "new@acme.com"), set()),
        ("DELETE FROM contacts WHERE id = 'c3'", {D3}),
    ],
)
async def test_a_change_marks_whose_roles_rest_on_it_and_nobody_else(
    db: Database, change: str, marked: set[tuple[str, str]]
) -> None:
    assert await in_doubt(db) == set()

    await db.write((text(change.replace(":", "\\:")), [{}]))

    assert await in_doubt(db) == marked


async def test_an_address_that_becomes_or_is_no_longer_shared_marks_all_its_users(
    db: Database,
) -> None:
    await db.write((text("UPDATE contacts SET person_key = 'ada@acme.com' WHERE id = 'c3'"), [{}]))
    await resolve_roles_in(db, Scope(), 0.3)

    await db.write((text("DELETE FROM contacts WHERE id = 'c3'"), [{}]))

    assert await in_doubt(db) == {A1, D3}


async def test_one_user_more_of_an_address_long_shared_marks_nobody(db: Database) -> None:
    await db.write((text("UPDATE contacts SET person_key = 'ada@acme.com' WHERE id = 'c2'"), [{}]))
    await resolve_roles_in(db, Scope(), 0.3)

    await db.write((text(new_contact("Third User", "ada@acme.com")), [{}]))

    assert await in_doubt(db) == set()


async def test_an_account_record_that_comes_after_its_deals_marks_them(db: Database) -> None:
    await db.write((text("UPDATE deals SET account_id = 'a9' WHERE id = 'd3'"), [{}]))
    await resolve_roles_in(db, Scope(), 0.3)

    await db.write((text("INSERT INTO accounts VALUES ('a9', '', 'Ninth', '', '', '')"), [{}]))

    assert await in_doubt(db) == {("a9", "")}


async def test_people_mark_their_accounts_only_when_what_is_known_of_them_changes(
    db: Database,
) -> None:
    key = "ada@acme.com"
    await db.write(facts.people_missed([trouble_row("bob@other.com", "not_found", "unknown")]))
    await db.write(facts.people_failed([trouble_row(key, "failed", "cut off")]))
    assert await in_doubt(db) == set()

    await db.write(facts.people_found([person_row(key, ADA, "k1", AT, Cost())]))
    assert await in_doubt(db) == {A1}
    await resolve_roles_in(db, Scope(), 0.3)

    await db.write(facts.people_found([person_row(key, ADA, "k2", LATER, Cost(1, 1))]))
    await db.write(facts.people_missed([trouble_row(key, "not_found", "unknown")]))
    assert await in_doubt(db) == set()

    await db.write((text("DELETE FROM people WHERE key = 'ada@acme.com'"), [{}]))
    assert await in_doubt(db) == {A1}


async def test_the_same_export_again_puts_nothing_in_doubt(db: Database) -> None:
    await load(db)

    assert await in_doubt(db) == set()


async def test_a_second_resolution_looks_at_no_account(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(roles, "resolve_committees", lambda *a, **k: seen.append(a))

    changed = await resolve_roles_in(db, Scope(), 0.3)

    assert (changed, seen) == (0, [])


@pytest.mark.parametrize("again", [{"threshold": 0.96}, {"threshold": 0.3, "rules": "next"}])
async def test_another_threshold_or_other_rules_put_everything_in_doubt(
    db: Database, monkeypatch: pytest.MonkeyPatch, again: dict[str, object]
) -> None:
    monkeypatch.setattr(roles, "RULES", again.get("rules", roles.RULES))
    only_one = Scope(deal_ids=("d1",))

    await resolve_roles_in(db, only_one, float(str(again["threshold"])))

    assert await in_doubt(db) == {A2, D3}


async def test_a_doubt_that_comes_while_roles_are_resolved_stays(db: Database) -> None:
    await db.write((text("UPDATE contacts SET title = 'CEO' WHERE id IN ('c1', 'c2')"), [{}]))
    async for marks in take_marks(db, Scope(), 1):
        await db.write((text("UPDATE contacts SET title = 'CFO' WHERE id = 'c1'"), [{}]))
        await db.write(*resolved(1, marks, [], []))

    assert await in_doubt(db) == {A1}


@pytest.mark.parametrize("other_ends_first", [True, False])
async def test_who_was_overtaken_writes_no_roles(db: Database, other_ends_first: bool) -> None:
    """Two runs of workers may resolve the same account; the one that read later is right."""
    await db.write((text("UPDATE contacts SET title = 'CEO' WHERE id = 'c1'"), [{}]))
    old = {
        "deal": "d1", "contact": "c1", "role": "old", "role_source": "", "role_reason": "",
        "role_confidence": 0.0, "runner_up": "", "runner_up_source": "",
        "runner_up_confidence": 0.0,
    }  # fmt: skip
    async for marks in take_marks(db, Scope(), 1):
        await db.write((text("UPDATE contacts SET title = 'CFO' WHERE id = 'c1'"), [{}]))
        if other_ends_first:
            await resolve_roles_in(db, Scope(), 0.3)
        else:
            async for _ in take_marks(db, Scope(), 2):
                pass
        await db.write(*resolved(1, marks, [(marks[0], old)], []))
        await resolve_roles_in(db, Scope(), 0.3)

    assert await in_doubt(db) == set()
    role = select(deal_contacts.c.role).where(deal_contacts.c.contact_id == "c1")
    assert (await db.rows(role))[0].role not in ("old", "")


async def test_marks_that_somebody_took_and_died_with_are_taken_again(db: Database) -> None:
    await db.write((text("UPDATE contacts SET title = 'CEO' WHERE id = 'c1'"), [{}]))
    async for _ in take_marks(db, Scope(), 1):
        pass

    await resolve_roles_in(db, Scope(), 0.3)

    assert await in_doubt(db) == set()
    role = select(deal_contacts.c.role).where(deal_contacts.c.contact_id == "c1")
    assert (await db.rows(role))[0].role == "decision_maker"


async def test_notes_are_told_of_the_scope_though_nothing_is_resolved_anew(db: Database) -> None:
    found = await notes_in(db, Scope(deal_ids=("d1",)), 20)

    assert [(tuple(note), count) for note, count in found] == [
        (("unknown_label", "role", "Kingmaker"), 1)
    ]
    assert await notes_in(db, Scope(deal_ids=("d2", "d3")), 20) == []

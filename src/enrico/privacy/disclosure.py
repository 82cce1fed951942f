"""Everything that is held of one person, with its sources: what an access request asks for."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import select

from enrico.engine.money import credits_number, usd_number
from enrico.privacy.files import files_known
from enrico.privacy.finder import Finder
from enrico.privacy.subjects import Subjects, find_subjects
from enrico.providers.common import load_json
from enrico.settings import Settings
from enrico.store.crm import stream
from enrico.store.database import Database
from enrico.store.journal import timestamp, unpack_request
from enrico.store.suppressions import load_suppressions
from enrico.store.tables import (
    accounts,
    calls,
    deal_contacts,
    deals,
    load_deals,
    loads,
    signals,
)


async def tell_all(db: Database, settings: Settings, key: str) -> dict[str, Any]:
    """What is held of the person with this address, in its matching form; JSON data."""
    found = await find_subjects(db, [("address", key)])
    finder = found.finder()
    suppressed = (await load_suppressions(db, settings)).since(key)
    return {
        "address": key,
        "at": timestamp(),
        "known_addresses": sorted(found.keys),
        "held": bool(found.contacts or found.people),
        "suppressed_since": suppressed or None,
        "crm_records": await _records(db, found),
        "facts": [_fact(row) for _, row in sorted(found.people.items())],
        "deals": await _seats(db, found),
        "deal_fields": await _deal_fields(db, found, finder),
        "calls": await _calls(db, found, finder),
        "news": await _news(db, found, finder),
        "files": [
            {**file, "note": "may name them: it was written from this database"}
            for file in await files_known(db)
            if found.contacts or found.people
        ],
    }


async def _records(db: Database, found: Subjects) -> list[dict[str, Any]]:
    """Records of the CRM, each with the loads that may have brought it."""
    names = {
        row.id: row.name async for row in stream(db, select(accounts.c.id, accounts.c.name))
    } if found.contacts else {}  # fmt: skip
    return [
        {
            **_filled(row),
            "account": names.get(row.account_id, ""),
            "source": "an export of the CRM",
            "loads": await _loads_of(db, row.id),
        }
        for _, row in sorted(found.contacts.items())
    ]


async def _loads_of(db: Database, contact_id: str) -> list[dict[str, Any]]:
    """The loads whose deals the contact is on."""
    query = (
        select(loads.c.id, loads.c.at, loads.c.report)
        .join(load_deals, load_deals.c.load_id == loads.c.id)
        .join(deal_contacts, deal_contacts.c.deal_id == load_deals.c.deal_id)
        .where(deal_contacts.c.contact_id == contact_id)
        .distinct()
        .order_by(loads.c.at)
    )
    return [
        {
            "load": row.id,
            "at": row.at,
            "files": [file["path"] for file in orjson.loads(row.report)["files"]],
        }
        for row in await db.rows(query)
    ]


def _filled(row: Any) -> dict[str, Any]:
    # Some column names are a string of SQLAlchemy's own kind.
    return {str(name): value for name, value in row._mapping.items() if value != ""}


def _fact(row: Any) -> dict[str, Any]:
    return {
        **_filled(row),
        "credits": credits_number(row.credits),
        "usd": usd_number(row.usd),
        "source": f"{row.provider}, asked for {row.key}",
    }


async def _seats(db: Database, found: Subjects) -> list[dict[str, Any]]:
    query = (
        select(deals.c.id, deals.c.name, deal_contacts)
        .join(deals, deals.c.id == deal_contacts.c.deal_id)
        .order_by(deals.c.id)
    )
    return [
        {
            "deal_id": row.id,
            "deal": row.name,
            "contact_id": row.contact_id,
            "role_in_crm": row.role_label,
            "role": row.role,
            "source": row.role_source,
            "confidence": row.role_confidence,
            "reason": row.role_reason,
            "runner_up": row.runner_up,
        }
        async for row in stream(db, query)
        if row.contact_id in found.contacts
    ]


async def _deal_fields(db: Database, found: Subjects, finder: Finder) -> list[dict[str, Any]]:
    """Fields of deals that name the person."""
    fields = []
    async for row in stream(db, select(deals.c.id, deals.c.role_fields)):
        here = finder if row.id in found.deals else finder.unnamed()
        fields += [
            {"deal_id": row.id, "field": name, "value": value, "source": "an export of the CRM"}
            for name, value in orjson.loads(row.role_fields)
            if here.names_one(value)
        ]
    return fields


async def _calls(db: Database, found: Subjects, finder: Finder) -> list[dict[str, Any]]:
    """Recorded calls that asked for the person: what was sent, and what came back of them."""
    told = []
    query = select(calls).where(calls.c.provider == "apollo").order_by(calls.c.sent_at)
    async for row in stream(db, query):
        items = orjson.loads(row.items)
        for place in (place for place, key in enumerate(items) if key in found.keys):
            told.append(
                {
                    "call": row.id, "run": row.run_id, "provider": row.provider,
                    "endpoint": row.endpoint, "sent_at": row.sent_at, "state": row.state,
                    "people_in_call": len(items), "credits": credits_number(row.credits),
                    "usd": usd_number(row.usd),
                    "sent": _part(unpack_request(row.request).body, "details", place, items),
                    "answer": _part(
                        zlib.decompress(row.body) if row.body else b"", "matches", place, items
                    ),
                }
            )  # fmt: skip
    return told


def _part(body: bytes, name: str, place: int, items: Sequence[Any]) -> Any:
    """What a request or an answer says of one of those in it; never of the others."""
    try:
        document = load_json(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(document, dict) and name in document:
        people = document[name]
        return people[place] if isinstance(people, list) and len(people) == len(items) else None
    return document if len(items) == 1 else None


async def _news(db: Database, found: Subjects, finder: Finder) -> list[dict[str, Any]]:
    """News about their accounts that names them."""
    return [
        {
            name: getattr(row, name)
            for name in ("headline", "snippet", "url", "published", "call_id")
        }
        async for row in stream(db, select(signals))
        if row.key in found.account_keys and finder.names_one(f"{row.headline} {row.snippet}")
    ]

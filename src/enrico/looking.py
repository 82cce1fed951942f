"""Reads for people: one deal, account, person or run, and where each value comes from."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import func, or_, select

from enrico.domain.identity import account_name_key, email_key, record_id, registrable_domain
from enrico.engine.money import credits_number, usd_number
from enrico.errors import InputError
from enrico.export.tables import rows_of
from enrico.report.run import read_run, run_dict
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import Journal, of_run
from enrico.store.suppressions import load_suppressions
from enrico.store.tables import accounts, calls, contacts, deal_contacts, deals, people, runs

PERSON_FIELDS = {
    "name": "name", "title": "title", "seniority": "seniority", "departments": "departments",
    "employer": "employer", "employer_domain": "employer_domain", "since": "employer_since",
    "email": "email", "email_status": "email_status", "linkedin": "linkedin_url",
}  # fmt: skip
SUGGESTIONS = 5


class Looker:
    """Answers questions about what the database holds. Spends nothing."""

    def __init__(self, db: Database, settings: Settings | None = None) -> None:
        """*settings*: to tell of somebody unknown whether they are to stay forgotten."""
        self._db = db
        self._settings = settings

    async def runs(self, last: int) -> list[dict[str, Any]]:
        """The newest runs with their summaries."""
        rows = await self._db.rows(select(runs).order_by(runs.c.started_at.desc()).limit(last))
        found = [run_dict(row) for row in rows]
        for run in found:
            if "cost_usd" not in run:  # it was killed: the ledger knows what it spent
                spent = await self._db.rows(
                    select(func.count(), func.coalesce(func.sum(calls.c.usd), 0)).where(
                        of_run(calls.c.run_id, run["run_id"])
                    )
                )
                run |= {"calls": spent[0][0], "cost_usd": usd_number(spent[0][1])}
        return found

    async def run(self, run_id: str) -> dict[str, Any]:
        """One run: summary, plan beside actual, waits, walls, troubles. ``last`` will do."""
        return (await read_run(self._db, run_id)).data

    async def deal(self, wanted: str) -> dict[str, Any]:
        """A deal with its buying committee. *wanted*: its id, or its name when only one has it."""
        deal_id = await self._deal_id(wanted)
        scope = Scope(deal_ids=(deal_id,))
        found: dict[str, Any] = await anext(aiter(rows_of(self._db, "deals", scope)))
        found["buying_committee"] = [row async for row in rows_of(self._db, "deal_contacts", scope)]
        return found

    async def account(self, wanted: str) -> dict[str, Any]:
        """An account with its signals. *wanted*: its id, domain or name."""
        account_id = await self._account_id(wanted)
        ids = await self._db.rows(select(deals.c.id).where(deals.c.account_id == account_id))
        scope = Scope(deal_ids=tuple(row.id for row in ids) or ("",))
        found: dict[str, Any] = await anext(aiter(rows_of(self._db, "accounts", scope)), {})
        if not found:
            raise InputError(f"The account {wanted!r} has no deal, so nothing was asked about it.")
        found["score_parts"] = orjson.loads(found["score_parts"])
        found["found_signals"] = [
            {k: row[k] for k in ("type", "headline", "published", "relevance", "seen_on", "url")}
            async for row in rows_of(self._db, "signals", scope)
            if row["account_id"] == account_id
        ]
        return found

    async def person(self, wanted: str) -> dict[str, Any]:
        """A person by address: the verified facts, and the deals that they are on."""
        key = email_key(wanted)
        rows = await self._db.rows(select(people).where(people.c.key == key)) if key else []
        seats = await self._db.rows(
            select(
                deals.c.id, deals.c.name, deal_contacts.c.role, deal_contacts.c.role_source,
                deal_contacts.c.role_confidence, contacts.c.id.label("contact_id"),
            )
            .join(deal_contacts, deal_contacts.c.deal_id == deals.c.id)
            .join(contacts, contacts.c.id == deal_contacts.c.contact_id)
            .where(contacts.c.person_key == key)
            .order_by(deals.c.id)
        ) if key else []  # fmt: skip
        if not rows and not seats:
            raise InputError(
                f"Nobody with the address {wanted!r} is known. Give the address as the CRM has it."
            )
        found: dict[str, Any] = {"address": key, "status": "not asked for yet"}
        if rows:
            row = rows[0]
            found |= {"status": row.state, "status_reason": row.reason}
            found |= {name: getattr(row, column) for name, column in PERSON_FIELDS.items()}
            found |= {
                "provider": row.provider,
                "fetched_at": row.fetched_at,
                "call": row.call_id,
                "credits": credits_number(row.credits),
                "cost_usd": usd_number(row.usd),
            }
        found["deals"] = [
            {
                "deal_id": seat.id,
                "deal": seat.name,
                "contact_id": seat.contact_id,
                "role": seat.role,
                "role_source": seat.role_source,
                "confidence": seat.role_confidence or None,
            }
            for seat in seats
        ]
        return found

    async def explain(self, what: str) -> list[dict[str, Any]]:
        """Every stored value of a thing with provider, call, time, confidence and reason (T4)."""
        for target, name in _targets(what):
            if "@" in target:
                facts = await self._explain_person(target)
            elif await self._db.rows(select(deals.c.id).where(deals.c.id == record_id(target))):
                facts = await self._explain_deal(record_id(target))
            else:
                facts = await self._explain_account(target)
            if name:
                facts = [fact for fact in facts if fact["field"].split(" ")[0] == name]
            if facts:
                return facts
        raise InputError(
            f"Nothing is known of {what!r}. Name a person's address, an account's domain or a "
            "deal's id, with or without .FIELD behind it."
        )

    async def _explain_person(self, address: str) -> list[dict[str, Any]]:
        key = email_key(address)
        rows = await self._db.rows(select(people).where(people.c.key == key))
        if not rows:
            return await self._explain_forgotten(address)
        row = rows[0]
        call = await Journal(self._db).get(row.call_id)
        origin = {
            "provider": row.provider,
            "call": row.call_id,
            "at": row.fetched_at or row.checked_at,
            "source": f"{call.endpoint} in run {call.run_id}" if call else "",
        }
        facts = [
            {"of": key, "field": name, "value": getattr(row, column), **origin}
            for name, column in PERSON_FIELDS.items()
            if getattr(row, column)
        ]
        status = {"of": key, "field": "status", "value": row.state, "reason": row.reason}
        return [{**status, **origin}, *facts]

    async def _explain_forgotten(self, address: str) -> list[dict[str, Any]]:
        if self._settings is None:
            return []
        found = await load_suppressions(self._db, self._settings)
        since = found.since(email_key(address))
        status = {"of": address, "field": "status", "value": "suppressed", "at": since}
        reason = "asked to be forgotten: neither loaded nor bought, and nothing is held"
        return [{**status, "reason": reason}] if since else []

    async def _explain_deal(self, deal_id: str) -> list[dict[str, Any]]:
        facts = []
        async for row in rows_of(self._db, "deal_contacts", Scope(deal_ids=(deal_id,))):
            who = row["person"] or row["email"] or row["contact_id"]
            facts.append(
                {
                    "of": deal_id,
                    "field": f"role of {who}",
                    "value": row["role"],
                    "source": row["role_source"],
                    "confidence": row["confidence"],
                    "reason": row["reason"]
                    + (
                        f"; runner-up: {row['runner_up']} by {row['runner_up_source']}"
                        if row["runner_up"]
                        else ""
                    ),
                    "provider": row["provider"] if "verified" in row["role_source"] else "",
                    "at": row["fetched_at"] if "verified" in row["role_source"] else "",
                }
            )
        return facts

    async def _explain_account(self, wanted: str) -> list[dict[str, Any]]:
        try:
            account_id = await self._account_id(wanted)
        except InputError:
            return []
        ids = await self._db.rows(select(deals.c.id).where(deals.c.account_id == account_id))
        scope = Scope(deal_ids=tuple(row.id for row in ids) or ("",))
        facts: list[dict[str, Any]] = []
        async for row in rows_of(self._db, "accounts", scope):
            if row["account_id"] == account_id:
                facts.append(
                    {
                        "of": wanted,
                        "field": "score",
                        "value": row["score"],
                        "reason": f"sum of the parts: {row['score_parts']}",
                        "at": row["searched_at"],
                    }
                )
        async for row in rows_of(self._db, "signals", scope):
            if row["account_id"] == account_id:
                facts.append(
                    {
                        "of": wanted,
                        "field": f"signal {row['type']}",
                        "value": row["headline"],
                        "source": f"result {row['result']} of search {row['search_call']}",
                        "confidence": row["relevance"],
                        "provider": "serper, classified by the model",
                        "call": row["classification_call"],
                        "at": row["fetched_at"],
                        "url": row["url"],
                    }
                )
        return facts

    async def _deal_id(self, given: str) -> str:
        wanted = record_id(given)
        rows = await self._db.rows(
            select(deals.c.id, deals.c.name)
            .where(or_(deals.c.id == wanted, deals.c.name == wanted))
            .order_by(deals.c.id)
        )
        ids: list[str] = [row.id for row in rows]
        if wanted in ids:
            return wanted
        if len(ids) == 1:
            return ids[0]
        if rows:
            some_ids = ", ".join(ids[:SUGGESTIONS])
            raise InputError(f"{len(ids)} deals are called {wanted!r}. Say which by id: {some_ids}")
        some = await self._db.rows(select(deals.c.id).order_by(deals.c.id).limit(SUGGESTIONS))
        hint = f" Ids look like: {', '.join(row.id for row in some)}" if some else ""
        raise InputError(f"No deal has the id or name {wanted!r}.{hint}")

    async def _account_id(self, wanted: str) -> str:
        domain = registrable_domain(wanted)
        key = account_name_key(wanted)
        rows = await self._db.rows(
            select(accounts.c.id)
            .where(
                or_(
                    accounts.c.id == record_id(wanted),
                    accounts.c.key == (domain or wanted),
                    accounts.c.key == f"name:{key}",
                    accounts.c.name == wanted,
                )
            )
            .order_by(accounts.c.id)
        )
        if not rows:
            raise InputError(f"No account has the id, domain or name {wanted!r}.")
        account_id: str = rows[0].id
        return account_id


def _targets(what: str) -> list[tuple[str, str]]:
    """(thing, field) readings of ``acme.com.score``: the whole as a thing first."""
    head, dot, tail = what.rpartition(".")
    return [(what, "")] + ([(head, tail)] if dot and head else [])

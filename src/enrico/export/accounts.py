"""Accounts and their signals as rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from sqlalchemy import Select, func, select

from enrico.engine.money import NANO
from enrico.export.seats import Cells
from enrico.store.crm import Scope, pages
from enrico.store.database import Database
from enrico.store.tables import accounts, classifications, deals, searches, signals

ACCOUNTS = (
    "account_id", "account", "domain", "status", "status_reason", "score", "score_parts",
    "signals", "top_signals", "summary", "searched_at", "results", "cost_usd",
)  # fmt: skip
SIGNALS = (
    "account_id", "account", "domain", "type", "headline", "url", "source", "published",
    "date_precision", "relevance", "seen_on", "snippet", "fetched_at", "search_call",
    "result", "classification_call",
)  # fmt: skip


def accounts_in(scope: Scope) -> Select[Any]:
    """The accounts that have a deal in scope, in order, with what was found about them."""
    sharing = select(accounts.c.key, func.count().label("n")).group_by(accounts.c.key).subquery()
    return (
        select(
            accounts,
            searches.c.state.label("s_state"),
            searches.c.reason.label("s_reason"),
            searches.c.fetched_at.label("s_at"),
            searches.c.results,
            searches.c.usd.label("s_usd"),
            classifications.c.state.label("c_state"),
            classifications.c.reason.label("c_reason"),
            classifications.c.score,
            classifications.c.score_parts,
            classifications.c.signals,
            classifications.c.top_signals,
            classifications.c.summary,
            classifications.c.usd.label("c_usd"),
            sharing.c.n.label("sharing"),
        )
        .select_from(
            accounts.outerjoin(searches, searches.c.key == accounts.c.key)
            .outerjoin(classifications, classifications.c.key == accounts.c.key)
            .outerjoin(sharing, sharing.c.key == accounts.c.key)
        )
        .where(accounts.c.id.in_(_in_scope(scope)))
        .order_by(accounts.c.id)
    )


async def account_pages(
    db: Database, scope: Scope, unasked: Mapping[str, str]
) -> AsyncGenerator[list[Cells], None]:
    """One row for each account with a deal in scope. *unasked*: see :func:`_account_status`."""
    async for page in pages(db, accounts_in(scope)):
        yield [_account_cells(account, unasked) for account in page]


def _account_cells(account: Any, unasked: Mapping[str, str]) -> Cells:
    status, reason = _account_status(account, unasked)
    cost = ((account.s_usd or 0) + (account.c_usd or 0)) / (account.sharing or 1)
    summary = account.summary or ""
    if not summary and account.s_state == "empty":
        summary = f"No news found about {(account.name or account.domain).removesuffix('.')}."
    return (

        account.id, account.name, account.domain, status, reason,
        account.score if account.c_state == "done" else None, account.score_parts or "[]",
        account.signals or 0, account.top_signals or "", summary, account.s_at or "",
        account.results, round(cost / NANO, 6),
    )  # fmt: skip


def _account_status(account: Any, unasked: Mapping[str, str]) -> tuple[str, str]:
    """enriched; not_found (a whole, empty answer); failed; skipped, and why.

    *unasked*: for each provider why the last run left something unasked.
    """
    if not account.key:
        return "skipped", "the account has neither a name nor a domain"
    if account.s_state is None:
        return "skipped", unasked.get("serper") or "not searched yet"
    if account.s_state == "failed":
        return "failed", account.s_reason
    if account.s_state == "empty":
        if account.c_state == "done" and account.signals:  # absence never overwrites presence
            return "enriched", "the latest search brought nothing; what is told is older"
        return "not_found", account.s_reason
    if account.c_state is None:
        return "skipped", unasked.get("deepseek") or "searched, not classified yet"
    return ("enriched", "") if account.c_state == "done" else ("failed", account.c_reason)


async def signal_pages(db: Database, scope: Scope) -> AsyncGenerator[list[Cells], None]:
    """One row for each signal of each account in scope."""
    query = (
        select(
            accounts.c.id, accounts.c.name, accounts.c.domain, signals.c.type, signals.c.headline,
            signals.c.url, signals.c.host, signals.c.published, signals.c.date_precision,
            signals.c.relevance, signals.c.seen_on, signals.c.snippet, signals.c.fetched_at,
            signals.c.search_call_id, signals.c.result_index, signals.c.call_id,
        )
        .join(signals, signals.c.key == accounts.c.key)
        .where(accounts.c.id.in_(_in_scope(scope)))
        .order_by(accounts.c.id, signals.c.n)
    )  # fmt: skip
    async for page in pages(db, query):
        yield [tuple(row) for row in page]


def _in_scope(scope: Scope) -> Select[tuple[str]]:
    return select(deals.c.account_id).where(scope.holds())

"""What ``enrico doctor`` checks, through endpoints that cost nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from enrico.engine.http import Http, Lost, NotSent, Reply
from enrico.engine.money import credits_number
from enrico.errors import EnricoError
from enrico.logs import hide
from enrico.pipeline.plan import windows_of
from enrico.providers.apollo import Apollo
from enrico.providers.common import json_object
from enrico.providers.llm import Llm
from enrico.providers.serper import Serper
from enrico.settings import Settings
from enrico.store.database import open_database
from enrico.store.keyring import with_stored_keys

CLOCK_ALLOWANCE_SECONDS = 120
LEAST_FREE = 200 * 1024 * 1024
CHECK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing checked. ``refused``: a provider refused the key or the balance is spent."""

    name: str
    state: Literal["ok", "warn", "bad"]
    detail: str
    refused: bool = False


async def check_everything(settings: Settings) -> list[Check]:
    """All checks; one that fails does not stop the others."""
    checks = [await _database(settings)]
    if checks[0].state != "bad":
        try:
            settings = await with_keys_of_database(settings)
        except EnricoError as error:
            checks.append(Check("keys", "bad", str(error)))
    plan: tuple[tuple[str, Callable[[Settings], Awaitable[list[Check]]]], ...] = (
        ("serper", _serper),
        ("deepseek", _llm),
        ("apollo", _apollo),
    )
    for name, check in plan:
        try:
            checks += await check(settings)
        except (NotSent, Lost) as error:
            detail = f"no answer: {error}. Check the network and the base URL."
            checks.append(Check(name, "bad", detail))
    return checks


async def _database(settings: Settings) -> Check:
    try:
        db = await open_database(settings.database_url)
    except EnricoError as error:
        return Check("database", "bad", str(error))
    free, where = db.backend.room(), db.backend.where
    await db.close()
    if free is None:
        return Check("database", "ok", f"{where} opens")
    if free < LEAST_FREE:
        detail = f"{where} has only {free // 2**20} MiB left on its disk. Free some space."
        return Check("database", "bad" if free < 2**20 else "warn", detail)
    return Check("database", "ok", f"{where} opens; {free // 2**20} MiB free")


async def with_keys_of_database(settings: Settings) -> Settings:
    """*settings* with the keys that the database keeps under the master key."""
    if not settings.master_key.get_secret_value():
        return settings
    db = await open_database(settings.database_url)
    try:
        found = await with_stored_keys(db, settings)
        hide(found)
        return found
    finally:
        await db.close()


def _clock(name: str, reply: Reply) -> list[Check]:
    """The provider's clock beside ours: cache ages and signatures depend on it."""
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
    except (TypeError, ValueError):
        return []
    if theirs.tzinfo is None:
        return []
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart <= CLOCK_ALLOWANCE_SECONDS:
        return []
    detail = f"this machine's clock is {apart:.0f} s away from {name}'s. Set the clock."
    return [Check(f"{name} clock", "warn", detail)]


async def _serper(settings: Settings) -> list[Check]:
    serper = Serper(settings.serper)
    key = settings.key("serper")
    if not key:
        return [Check("serper", "bad", "SERPER_API_KEY is not set, so accounts are not searched.")]
    async with Http(settings.serper.base_url, serper.headers(key), connections=1) as http:
        reply = await http.send(serper.account(), CHECK_SECONDS)
    if reply.status == 404:
        return [Check("serper", "ok", "the endpoint answers; it tells no balance")]
    if error := serper.refusal(reply):
        return [Check("serper", "bad", str(error), refused=error.exit_code == 5)]
    found = json_object(reply.body) or {}
    balance = found.get("balance", found.get("credits"))
    detail = f"the key is good; balance {balance} credits, {found.get('rateLimit', '?')} queries/s"
    if isinstance(balance, int | float) and balance <= 0:
        return [Check("serper", "bad", f"the balance is spent ({balance}). Buy credits.", True)]
    return [Check("serper", "ok", detail), *_clock("serper", reply)]


async def _llm(settings: Settings) -> list[Check]:
    llm = Llm(settings.llm)
    key = settings.key("deepseek")
    if not key and settings.llm.base_url == Llm.DEFAULT_BASE_URL:
        detail = "DEEPSEEK_API_KEY is not set, so results are not classified."
        return [Check("deepseek", "bad", detail)]
    async with Http(settings.llm.base_url, llm.headers(key), connections=1) as http:
        reply = await http.send(llm.models(), CHECK_SECONDS)
        if reply.status in (401, 402, 403):
            error = llm.refusal(reply)
            return [Check("deepseek", "bad", str(error), refused=True)]
        balance = await http.send(llm.balance(), CHECK_SECONDS)
    checks = []
    served = (json_object(reply.body) or {}).get("data")
    names = [m.get("id") for m in served if isinstance(m, dict)] if isinstance(served, list) else []
    if names and not {settings.llm.model, settings.llm.served_as} & set(names):
        detail = (
            f"{settings.llm.model} is not among the models served: {', '.join(map(str, names))}"
        )
        checks.append(Check("deepseek model", "warn", detail))
    if balance.status in (401, 402, 403):
        return [*checks, Check("deepseek", "bad", str(llm.refusal(balance)), refused=True)]
    money = json_object(balance.body) if balance.status == 200 else None
    if money is None and reply.status != 200:
        detail = (
            "something answers that neither lists models nor tells a balance. Check "
            "DEEPSEEK_BASE_URL."
        )
        checks.append(Check("deepseek", "warn", detail))
    elif money is None:
        checks.append(Check("deepseek", "ok", "the endpoint answers; it tells no balance"))
    elif money.get("is_available") is False:
        detail = "the balance is spent. Top it up."
        checks.append(Check("deepseek", "bad", detail, refused=True))
    else:
        infos = money.get("balance_infos") or []
        words = ", ".join(
            f"{i.get('total_balance')} {i.get('currency')}" for i in infos if isinstance(i, dict)
        )
        checks.append(Check("deepseek", "ok", f"the key is good; balance {words or 'not told'}"))
    return [*checks, *_clock("deepseek", balance)]


async def _apollo(settings: Settings) -> list[Check]:
    apollo = Apollo(settings.apollo)
    key = settings.key("apollo")
    if not key:
        return [Check("apollo", "bad", "APOLLO_API_KEY is not set, so people are not verified.")]
    async with Http(settings.apollo.base_url, apollo.headers(key), connections=1) as http:
        reply = await http.send(apollo.health(), CHECK_SECONDS)
        health = json_object(reply.body) or {}
        # A bad key is told by the field, with status 200.
        if reply.status in (401, 403) or health.get("is_logged_in") is False:
            detail = "Apollo refused the key in APOLLO_API_KEY. Replace it."
            return [Check("apollo", "bad", detail, refused=True)]
        if error := apollo.refusal(reply):
            return [Check("apollo", "bad", str(error), refused=error.exit_code == 5)]
        credits = await http.send(apollo.credits(), CHECK_SECONDS)
        usage = await http.send(apollo.usage(), CHECK_SECONDS)
    if health.get("is_logged_in") is True:
        checks = [Check("apollo", "ok", "the key is good")]
    else:
        detail = "something answers that does not say whether the key is good. Check the base URL."
        checks = [Check("apollo", "warn", detail)]
    if credits.status == 403 or usage.status == 403:
        detail = (
            "the key may not read Apollo's counters, so a call that was cut off is held for you "
            "instead of being cleared. A master key, or the usage_stats scope, mends that."
        )
        checks.append(Check("apollo counters", "warn", detail))
    found = (json_object(credits.body) or {}).get("credit_usage_stats")
    lead = found.get("lead_credit") if isinstance(found, dict) else None
    if isinstance(lead, dict):
        left = lead.get("left_over")
        spent = isinstance(left, int | float) and left <= 0
        detail = f"{left} credits left of {lead.get('limit')}"
        state: Literal["ok", "bad"] = "bad" if spent else "ok"
        checks.append(Check("apollo credits", state, detail, refused=spent))
    for name, stats in (json_object(usage.body) or {}).items():
        if "people" in name and "bulk_match" in name and isinstance(stats, dict):
            words = [
                f"{entry.get('consumed')} of {entry.get('limit')} this {period}"
                for period, entry in stats.items()
                if isinstance(entry, dict) and entry.get("limit")
            ]
            if words:
                checks.append(Check("apollo limits", "ok", f"bulk calls: {', '.join(words)}"))
    return [*checks, *_clock("apollo", reply)]


def describe_providers(settings: Settings) -> list[dict[str, Any]]:
    """Each provider with its limits, price and whether a key is set; never the key."""
    apollo, serper = Apollo(settings.apollo), Serper(settings.serper)
    llm = settings.llm
    rows = (
        (
            "serper", "search accounts", settings.serper.base_url, settings.serper.concurrency,
            f"{credits_number(serper.price().credits)} credit (${settings.serper.credit_usd}) "
            "a search",
        ),
        (
            "deepseek", "classify results", llm.base_url, llm.concurrency,
            f"${llm.input_usd} in, ${llm.cached_usd} cached, ${llm.output_usd} out per million "
            f"tokens; × {llm.peak_factor} at peak",
        ),
        (
            "apollo", "verify people", settings.apollo.base_url, settings.apollo.concurrency,
            f"{credits_number(apollo.price().credits)} credit (${settings.apollo.credit_usd}) "
            "a person found",
        ),
    )  # fmt: skip
    return [
        {
            "provider": name,
            "purpose": purpose,
            "base_url": base_url,
            "limits": ", ".join(map(str, windows_of(settings, name))) or "none",  # type: ignore[arg-type]
            "at_once": at_once,
            "price": price,
            "key": "set" if settings.key(name) else "not set",
        }
        for name, purpose, base_url, at_once, price in rows
    ]

"""From recorded answers to facts: pure readings of the journal, written with the mark "applied".

The run, the recovery after a crash and ``enrico replay`` all go through here, so what they make of
the same answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import orjson
from sqlalchemy import bindparam, select

from enrico.domain.aboutness import about_account
from enrico.domain.dates import day_first_for, resolve_date
from enrico.domain.identity import account_name_key
from enrico.domain.signals import Signal, checked_relevance, compose_summary, score_account
from enrico.domain.stories import one_story_once
from enrico.engine.asking import BadAnswer
from enrico.engine.money import NOTHING, Cost
from enrico.engine.stats import Stats
from enrico.providers.apollo import BULK, Matches, Person, PersonToFind, read_bulk, read_single
from enrico.providers.llm import Pick, Picks, ToClassify, read_picks
from enrico.providers.serper import SearchResult, host_of, read_results
from enrico.store import facts
from enrico.store.database import Database, Operation
from enrico.store.journal import CallRow, Journal, moment, timestamp
from enrico.store.suppressions import TOMBSTONE
from enrico.store.tables import accounts

DOUBTFUL_FACTOR = 0.5
"""What is left of the relevance when the words leave doubt that the account is meant."""
SURE = {"mention": 0.7, "no_mention": 0.7, "other_firm": 0.5}
"""How sure a verdict must be to keep a signal out; the model has already judged it once."""


UNCLEAR = "the answer leaves somebody unclear; held: they may be in what was charged for it"
TOP_SIGNALS = 3
SITES_KEPT = 10_000
"""Hosts that are looked up once: a few news sites carry most of what is found."""
_SITES = select(accounts.c.domain, accounts.c.key, accounts.c.name).where(
    accounts.c.domain.in_(bindparam("hosts", expanding=True))
)
Site = tuple[str, frozenset[str]]
"""Whose own site a host is: the account's key, and the names that the CRM has for it."""
NOBODYS: Site = ("", frozenset())


class AnswerGone(BadAnswer):
    """What this answer rests on was let go, for it was kept long enough."""


Sent = Mapping[str, ToClassify]
"""What was asked about each account, by its key."""


class Parts:
    """What the model has said of one account so far, where its results went out in parts."""

    def __init__(self, account: ToClassify) -> None:
        self.account = account
        self.calls: dict[str, str] = {}
        """Each call and when it was answered."""
        self.cost = NOTHING
        self._said: dict[int, tuple[int, tuple[Pick, ...], str]] = {}  # first → count, picks, call

    def add(
        self, first: int, count: int, picks: tuple[Pick, ...], call_id: str, at: str, cost: Cost
    ) -> None:
        """One part was answered; it replaces parts inside of it."""
        for inside in [f for f in self._said if first <= f < first + count]:
            del self._said[inside]
        self._said[first] = (count, picks, call_id)
        self.calls[call_id] = at
        self.cost += cost

    def missing(self) -> list[tuple[int, int]]:
        """(first, count) of the results that no answer covers."""
        gaps, place = [], 0
        for first, (count, _, _) in sorted(self._said.items()):
            if first > place:
                gaps.append((place, first - place))
            place = max(place, first + count)
        if place < len(self.account.results):
            gaps.append((place, len(self.account.results) - place))
        return gaps

    def picks(self) -> list[Pick]:
        """All picks, in the order of the results."""
        return [pick for _, (_, picks, _) in sorted(self._said.items()) for pick in picks]

    def call_of(self, result: int) -> str:
        """The call that said something of this result."""
        return max((first, call) for first, (_, _, call) in self._said.items() if first <= result)[
            1
        ]


class Applier:
    """Writes what recorded answers say."""

    def __init__(
        self,
        db: Database,
        journal: Journal,
        stats: Stats,
        language: str,
        is_suppressed: Callable[[str], bool] = lambda key: False,
    ) -> None:
        """*is_suppressed*: whether nothing may be kept of the person with this address."""
        self.is_suppressed = is_suppressed
        self._db = db
        self._journal = journal
        self.stats = stats
        self._day_first = day_first_for(language)
        self._parts: dict[tuple[str, str], Parts] = {}  # by account and search call
        self._sites: dict[str, Site] = {}

    # -- people ---------------------------------------------------------------------------

    async def people(
        self,
        call_id: str,
        ended_at: str,
        cost: Cost,
        matches: Matches,
        unclear: Literal["hold", "leave"] = "leave",
    ) -> None:
        """Found and missed people of one answer.

        *unclear*: hold those whom the answer is not clear about, or leave them to the caller.
        """
        share = _shares(cost, sorted(matches.found))
        found = [
            person_row(key, person, call_id, ended_at, share[key])
            for key, person in sorted(matches.found.items())
            if self._may_keep(key)
        ]
        missed = [
            {
                **facts.NO_PERSON,
                "key": key,
                "state": "not_found",
                "reason": "the provider does not know this address",
                "fetched_at": ended_at,
                "checked_at": ended_at,
                "call_id": call_id,
                "provider": "apollo",
            }
            for key in matches.not_found
            if self._may_keep(key)
        ]
        held = [
            trouble_row(key, "held", UNCLEAR, call_id)
            for key in (matches.unclear if unclear == "hold" else ())
            if self._may_keep(key)
        ]
        await self._db.write(
            facts.people_found(found),
            facts.people_missed(missed),
            facts.people_held(held),
            self._journal.marked(call_id, "answered", UNCLEAR, applied=True)
            if held
            else self._journal.applied(call_id),
        )

    def _may_keep(self, key: str) -> bool:
        return not (key.startswith(TOMBSTONE) or self.is_suppressed(key))

    # -- search ---------------------------------------------------------------------------

    async def search(
        self, call_id: str, ended_at: str, cost: Cost, key: str, results: Sequence[SearchResult]
    ) -> None:
        """An answered search; an empty one is a fact of short life."""
        operations: list[Operation] = [
            facts.searched(
                {
                    "key": key,
                    "state": "found" if results else "empty",
                    "reason": "" if results else "the search brought no result",
                    "fetched_at": ended_at,
                    "call_id": call_id,
                    "results": len(results),
                    "credits": cost.credits,
                    "usd": cost.usd,
                }
            )
        ]
        await self._db.write(*operations, self._journal.applied(call_id))

    # -- classification -------------------------------------------------------------------

    async def classification(
        self, call_id: str, ended_at: str, cost: Cost, picks: Picks, sent: Sent
    ) -> list[str]:
        """Signals of the accounts that the answer covers; returns those that are now complete.

        A part of an account waits here, and unapplied in the journal, for the account's other
        parts.
        """
        for reason, count in picks.dropped.items():
            self.stats.drop(reason, count)
        share = _shares(cost, sorted(picks.by_account))
        complete: dict[str, Parts] = {}
        for key, chosen in sorted(picks.by_account.items()):
            account = sent[key]
            place = (key, account.search_call_id)
            parts = self._parts.setdefault(place, Parts(account))
            parts.add(account.first, len(account.asked), chosen, call_id, ended_at, share[key])
            if not parts.missing():
                complete[key] = self._parts.pop(place)
        sites = await self._sites_of_accounts(complete.values())
        operations: list[Operation] = []
        for key, parts in complete.items():
            operations += self._classified(key, parts, sites)
            operations += [self._journal.applied(call) for call in parts.calls if call != call_id]
        if len(complete) == len(picks.by_account):
            operations.append(self._journal.applied(call_id))
        await self._db.write(*operations)
        return list(complete)

    def missing(self, account: ToClassify) -> list[tuple[int, int]]:
        """(first, count) of the results that no recorded answer covers yet."""
        parts = self._parts.get((account.key, account.search_call_id))
        return Parts(account).missing() if parts is None else parts.missing()

    def begun(self, account: ToClassify) -> bool:
        """Whether recorded answers cover a part of the account."""
        return (account.key, account.search_call_id) in self._parts

    def _classified(self, key: str, parts: Parts, sites: Mapping[str, Site]) -> list[Operation]:
        account, chosen = parts.account, parts.picks()
        results = account.results
        own = [
            pick
            for pick in chosen
            if not _is_of_namesake(account, sites.get(host_of(results[pick.result].url)))
        ]
        self.stats.drop("on a namesake's own site", len(chosen) - len(own))
        signals = self._signals(account.name, account.domain, results, own, account.found_at)
        as_of = moment(account.found_at).date()
        score = score_account(signals, as_of)
        row = {
            **facts.NO_CLASSIFICATION,
            "key": key,
            "state": "done",
            "search_call_id": account.search_call_id,
            "call_id": parts.call_of(0),
            "at": max(parts.calls.values()),
            "usd": parts.cost.usd,
            "score": score.value,
            "score_parts": orjson.dumps(score.parts).decode(),
            "signals": len(signals),
            "top_signals": " | ".join(f"{s.type}: {s.headline}" for s in _top(signals)),
            "summary": compose_summary(account.name or account.domain, signals, score, as_of),
        }
        rows = [
            {
                "key": key,
                "n": n,
                "type": str(signal.type),
                "headline": signal.headline,
                "url": signal.url,
                "host": signal.source_host,
                "published": signal.published.isoformat() if signal.published else "",
                "date_precision": signal.precision,
                "relevance": signal.relevance,
                "snippet": signal.snippet,
                "result_index": signal.result_index,
                "seen_on": signal.seen_on,
                "fetched_at": account.found_at,
                "search_call_id": account.search_call_id,
                "call_id": parts.call_of(signal.result_index),
            }
            for n, signal in enumerate(signals, 1)
        ]
        return facts.classified(row, rows)

    async def _sites_of_accounts(self, accounts_done: Iterable[Parts]) -> dict[str, Site]:
        """Which of the picked results' hosts are accounts' own sites."""
        hosts = {
            host_of(parts.account.results[pick.result].url)
            for parts in accounts_done
            for pick in parts.picks()
        }
        sites = {host: self._sites[host] for host in hosts if host in self._sites}
        if new := sorted(hosts - sites.keys()):
            found: dict[str, Site] = dict.fromkeys(new, NOBODYS)
            for row in await self._db.rows(_SITES, hosts=new):
                found[row.domain] = (row.key, found[row.domain][1] | {account_name_key(row.name)})
            sites |= found
            if len(self._sites) >= SITES_KEPT:
                self._sites.clear()
            self._sites |= found
        return sites

    def _signals(
        self,
        name: str,
        domain: str,
        results: Sequence[SearchResult],
        picks: Sequence[Pick],
        fetched_at: str,
    ) -> tuple[Signal, ...]:
        """Picks as signals: looked up, about this account, dated, each story once."""
        fetched = moment(fetched_at)
        signals = []
        for pick in picks:
            result = results[pick.result]
            about = about_account(name, domain, result.title, result.snippet, result.url)
            relevance = pick.relevance
            if about.verdict != "about" and about.confidence < SURE[about.verdict]:
                relevance *= DOUBTFUL_FACTOR
            elif about.verdict != "about":
                self.stats.drop(f"not about the account ({about.verdict})")
                continue
            published = resolve_date(result.date, fetched, day_first=self._day_first)
            signals.append(
                Signal(
                    type=pick.type,
                    headline=result.title,
                    url=result.url,
                    source_host=host_of(result.url),
                    published=published.value,
                    precision=published.precision,
                    relevance=checked_relevance(relevance, pick.type, result.title, result.snippet),
                    snippet=result.snippet,
                    result_index=pick.result,
                    fetched_at=fetched,
                )
            )
        return one_story_once(signals)

    # -- from the journal -----------------------------------------------------------------

    async def recorded(self, call: CallRow) -> None:
        """Apply an answer that the journal holds. Raises BadAnswer as the live reading would."""
        if call.provider == "apollo":
            asked = asked_people(call)
            if not known_keys(call):  # all were forgotten; what is left names nobody
                return
            read = read_bulk(call.reply, asked) if call.endpoint == BULK else read_single(
                call.reply, asked[0]
            )  # fmt: skip
            # Who was held at the time has been decided on since, or still is.
            hold = not (call.applied or read.unclear_are_free)
            await self.people(
                call.id, call.ended_at, call.cost, read, unclear="hold" if hold else "leave"
            )
        elif call.provider == "serper":
            results = read_results(call.reply)
            await self.search(call.id, call.ended_at, call.cost, call.items[0], results)
        else:
            picks = read_picks(call.reply, call.items)
            sent = await self._what_was_sent(call.items)
            await self.classification(call.id, call.ended_at, call.cost, picks, sent)

    async def _what_was_sent(self, items: Sequence[Any]) -> dict[str, ToClassify]:
        keys = [item[0] for item in items]
        names: dict[str, tuple[str, str]] = {}
        query = select(accounts).where(accounts.c.key.in_(keys)).order_by(accounts.c.id)
        for row in await self._db.rows(query):
            names.setdefault(row.key, (row.name, row.domain))
        answers = await self._journal.get_many([item[1] for item in items])
        sent: dict[str, ToClassify] = {}
        for key, search_call, _, count, *part in items:
            call = answers.get(search_call)
            if call is None:
                raise BadAnswer("the search that it rests on is gone")
            if call.is_gone:
                raise AnswerGone("the search that it rests on was let go")
            name, domain = names.get(key, ("", ""))
            results = read_results(call.reply)
            first = part[0] if part else 0
            sent[key] = ToClassify(
                key, name or domain, domain, search_call, call.ended_at, results, first, count
            )
        return sent


def _is_of_namesake(account: ToClassify, site: Site | None) -> bool:
    """Whether a site is that of another account of the same name, longer or shorter.

    What one of them publishes is no news of the other. What others write there may well be.
    """
    key, names = site or NOBODYS
    if key in ("", account.key):
        return False
    ours = account_name_key(account.name)
    return any(
        f"{theirs} ".startswith(f"{ours} ") or f"{ours} ".startswith(f"{theirs} ")
        for theirs in names - {""}
    )


def known_keys(call: CallRow) -> list[str]:
    """Whom a recorded call of a people provider asked for, without those who were forgotten."""
    return [str(key) for key in call.items if not str(key).startswith(TOMBSTONE)]


def asked_people(call: CallRow) -> list[PersonToFind]:
    """Who a recorded Apollo call asked for, in the order of its request."""
    body = orjson.loads(call.request.body)
    details = body["details"] if call.endpoint == BULK else [body]
    return [
        PersonToFind(
            key,
            detail.get("first_name", ""),
            detail.get("last_name", ""),
            detail.get("domain", ""),
            detail.get("linkedin_url", ""),
        )
        for key, detail in zip(call.items, details, strict=True)
    ]


def person_row(key: str, person: Person, call_id: str, at: str, cost: Cost) -> dict[str, Any]:
    """A verified person as a row."""
    return {
        "key": key,
        "state": "found",
        "reason": "",
        "fetched_at": at,
        "checked_at": at,
        "call_id": call_id,
        "provider": "apollo",
        "provider_id": person.provider_id,
        "credits": cost.credits,
        "usd": cost.usd,
        "name": person.name,
        "title": person.title,
        "seniority": person.seniority,
        "departments": ";".join(person.departments),
        "functions": ";".join(person.functions),
        "employer": person.employer,
        "employer_domain": person.employer_domain,
        "employer_since": person.employer_since,
        "email": person.email,
        "email_status": person.email_status,
        "linkedin_url": person.linkedin_url,
        "city": person.city,
        "country": person.country,
    }


def trouble_row(key: str, state: str, reason: str, call_id: str = "") -> dict[str, Any]:
    """A person without an answer, as a row."""
    return {
        **facts.NO_PERSON,
        "key": key,
        "state": state,
        "reason": reason,
        "checked_at": timestamp(),
        "call_id": call_id,
        "provider": "apollo",
    }


def _top(signals: Sequence[Signal]) -> list[Signal]:
    ranked = sorted(signals, key=lambda s: (-s.relevance, s.type, s.headline, s.url))
    return ranked[:TOP_SIGNALS]


def _shares(cost: Cost, keys: Sequence[str]) -> dict[str, Cost]:
    """A call's cost split over those it brought something for; the parts add up exactly."""
    if not keys:
        return {}
    credits, more_credits = divmod(cost.credits, len(keys))
    usd, more_usd = divmod(cost.usd, len(keys))
    return {
        key: Cost(credits + (n < more_credits), usd + (n < more_usd)) for n, key in enumerate(keys)
    }

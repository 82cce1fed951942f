"""Apollo: verified people, ten to a bulk call, joined by their position in the request.

A moved person comes back with another address, so the address that came back decides nothing by
itself. It is used only against the order: when it is the address of another position, or the names
fit another position, the answer is not in our order and only proven matches are taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from enrico.domain.identity import email_key, registrable_domain
from enrico.domain.names import same_person_name
from enrico.engine.asking import BadAnswer, Call
from enrico.engine.http import Reply, Request
from enrico.engine.money import Cost, cost_of_credits, micro_credits
from enrico.engine.stats import ProviderName
from enrico.engine.windows import Window
from enrico.errors import Fatal, ProviderError, Skippable
from enrico.providers.common import (
    believable,
    error_text,
    json_object,
    no_service,
    ordinary_refusal,
    whole_number,
)
from enrico.settings import ApolloSettings

BULK = "people/bulk_match"
SINGLE = "people/match"
_CREDITS = re.compile(rb'"credits_consumed"\s*:\s*([0-9]+(?:\.[0-9]+)?)')
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# The older documentation says "daily" where the wire says "24-hour".
_WINDOW_HEADERS = (
    ("x-rate-limit-minute", 60.0),
    ("x-rate-limit-hourly", 3600.0),
    ("x-rate-limit-24-hour", 86400.0),
    ("x-rate-limit-daily", 86400.0),
)
_NOTHING_MORE = (("reveal_personal_emails", "false"), ("reveal_phone_number", "false"))
"""Private addresses and phone numbers cost extra, and no result shows them."""
_OF_A_PERSON = (
    "name", "first_name", "last_name", "title", "headline", "organization", "organization_id",
    "employment_history",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PersonToFind:
    """Who is asked for. ``key`` is the normalised address, one person once."""

    key: str
    first_name: str = ""
    last_name: str = ""
    domain: str = ""
    linkedin_url: str = ""

    @property
    def name(self) -> str:
        """First and last name with one space between."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Person:
    """A person as Apollo knows them. Text is empty when unknown."""

    provider_id: str
    name: str
    title: str
    seniority: str
    departments: tuple[str, ...]
    functions: tuple[str, ...]
    employer: str
    employer_domain: str
    employer_since: str
    """First day of the present job, ``YYYY-MM-DD``; empty when unknown."""
    email: str
    email_status: str
    linkedin_url: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class Matches:
    """What a call brought. ``unclear`` keys were in it, but nothing proves who is who."""

    found: Mapping[str, Person]
    not_found: tuple[str, ...]
    unclear: tuple[str, ...]
    unclear_are_free: bool = False
    """Whether the answer's own counts prove that nothing was charged for the unclear ones."""


class Apollo:
    """Requests to and replies from Apollo."""

    name: ProviderName = "apollo"
    dear = True
    repeats_unreadable = True

    def __init__(self, settings: ApolloSettings) -> None:
        self.settings = settings
        self.timeout_seconds = settings.timeout_seconds

    def headers(self, key: str) -> dict[str, str]:
        """A key in the query is refused by Apollo."""
        return {"x-api-key": key, "Cache-Control": "no-cache", "Accept": "application/json"}

    def price(self) -> Cost:
        """The most that one person may cost."""
        return cost_of_credits(
            micro_credits(self.settings.credits_per_person), self.settings.credit_usd
        )

    def bulk(self, people: Sequence[PersonToFind]) -> Call:
        """One call for up to ten people. The flags go into the query, as documented."""
        price = self.price()
        return Call(
            endpoint=BULK,
            request=Request(
                "POST",
                f"/{BULK}",
                orjson.dumps({"details": [_details(person) for person in people]}),
                _NOTHING_MORE,
            ),
            items=[person.key for person in people],
            reserve=Cost(price.credits * len(people), price.usd * len(people)),
            private=_private(people),
        )

    def single(self, person: PersonToFind) -> Call:
        """The fallback for one person, where a bulk call brought nothing clear."""
        return Call(
            endpoint=SINGLE,
            request=Request(
                "POST",
                f"/{SINGLE}",
                orjson.dumps(_details(person)),
                _NOTHING_MORE,
            ),
            items=[person.key],
            reserve=self.price(),
            private=_private([person]),
        )

    def health(self) -> Request:
        """Is the key good? A bad one is told by a field, with status 200."""
        return Request("GET", "/auth/health")

    def usage(self) -> Request:
        """Limits and use by endpoint. POST with an empty body."""
        return Request("POST", "/usage_stats/api_usage_stats")

    def credits(self) -> Request:
        """The team's credit balances. POST with an empty body."""
        return Request("POST", "/usage_stats/credit_usage_stats")

    def refusal(self, reply: Reply) -> ProviderError | None:
        """What a reply that is no answer means."""
        words = error_text(reply) if 400 <= reply.status < 500 else ""
        if reply.status == 401:
            return Fatal(
                "Apollo refused the key in APOLLO_API_KEY (HTTP 401). Replace it, then check it "
                "with: enrico doctor",
                provider=self.name,
                status=401,
            )
        if 400 <= reply.status < 500 and reply.status != 429 and "credit" in words.lower():
            return Fatal(
                f"Apollo's credits are used up (HTTP {reply.status}: {words}). Buy credits, then "
                "run the same command again; it goes on from there.",
                provider=self.name,
                status=reply.status,
            )
        if refused := no_service(
            "Apollo", reply, "APOLLO_BASE_URL", "https://api.apollo.io/api/v1"
        ):
            return refused
        if reply.status == 403:
            return Fatal(
                f"The key in APOLLO_API_KEY may not use {BULK} (HTTP 403: {words}). Give it that "
                "scope, or use a master key; then check it with: enrico doctor",
                provider=self.name,
                status=403,
            )
        return ordinary_refusal(self.name, reply)

    def step_down(self, error: Skippable, call: Call) -> bool:
        """There is no switch to leave out."""
        return False

    def cost(self, reply: Reply, reserved: Cost, sent_at: float) -> Cost:
        """``credits_consumed``, may be fractional; a single match does not say: one person."""
        if found := _CREDITS.search(reply.body):
            credits = micro_credits(found[1].decode())
            return believable(cost_of_credits(credits, self.settings.credit_usd), reserved)
        body = json_object(reply.body)
        if body is not None and _tells_of_one(body) and _is_miss(body.get("person")):
            return Cost()
        return reserved

    def windows(self, headers: Mapping[str, str]) -> Sequence[Window]:
        """The windows named in the headers; an empty value means unlimited (limit 0)."""
        windows = {}
        for name, period in _WINDOW_HEADERS:
            value = headers.get(name)
            limit = whole_number(value)
            if limit is not None and limit > 0:
                windows[period] = Window(limit, period)
            elif value is not None and not value.strip():
                windows.setdefault(period, Window(0, period))
        return tuple(windows.values())

    def used(self, headers: Mapping[str, str]) -> Mapping[float, int]:
        """Calls of the whole team that Apollo has counted in each open window."""
        used = {}
        for limit_name, period in _WINDOW_HEADERS:
            name = limit_name.removeprefix("x-rate-limit-")
            limit = whole_number(headers.get(limit_name))
            left = whole_number(headers.get(f"x-{name}-requests-left"))
            # A count that makes no sense beside the limit is no count.
            if limit is not None and left is not None and 0 <= left <= limit:
                used[period] = limit - left
        return used


def _private(people: Sequence[PersonToFind]) -> tuple[str, ...]:
    return tuple(
        word
        for person in people
        for word in (person.key, person.linkedin_url, person.first_name, person.last_name)
        if word
    )


def _details(person: PersonToFind) -> dict[str, str]:
    details = {
        "email": person.key,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "domain": person.domain,
        "linkedin_url": person.linkedin_url,
    }
    return {name: value for name, value in details.items() if value}


def read_bulk(reply: Reply, asked: Sequence[PersonToFind]) -> Matches:
    """Who was found, by position. Raises BadAnswer when the answer has no list of matches.

    Its own counts are held against it: where more people were charged than are there, nobody is
    taken to be unknown.
    """
    body = json_object(reply.body)
    if body is None:
        raise BadAnswer("it is not a JSON object")
    matches = body.get("matches")
    if not isinstance(matches, list):
        raise BadAnswer("it has no list of matches")
    if body.get("status", "success") != "success":
        raise BadAnswer("its status is not success")
    people = [_person(match) for match in matches]
    found: Mapping[str, Person]
    missed: tuple[str, ...] = ()
    if len(people) == len(asked) and _in_order(people, asked):
        found = {a.key: p for a, p in zip(asked, people, strict=True) if p is not None}
        missed = tuple(a.key for a, m in zip(asked, matches, strict=True) if _is_miss(m))
    else:
        found = _proven([person for person in people if person is not None], asked)
    charged = _charged(body)
    paid_for = len({_identity(person) or key for key, person in found.items()})
    if charged > paid_for:
        missed = ()  # somebody was paid for who is not there: the misses are not believed
    unclear = tuple(a.key for a in asked if a.key not in found and a.key not in missed)
    # Who was not matched costs nothing: so when all others were, these are free.
    free = _count(body, "credits_consumed") == 0 or (
        charged <= paid_for and _count(body, "missing_records") == len(asked) - len(found)
    )
    return Matches(found, missed, unclear, free)


def _charged(body: Mapping[str, Any]) -> float:
    """Of how many people the answer says, at the least, that they cost something."""
    records, credits = _count(body, "unique_enriched_records"), _count(body, "credits_consumed")
    return max(records or 0, 1 if credits else 0)


def _count(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_single(reply: Reply, asked: PersonToFind) -> Matches:
    """The one person, or a miss: null, nothing, or a stub that only echoes the address."""
    body = json_object(reply.body)
    if body is None or not (_tells_of_one(body) or "matches" in body):
        raise BadAnswer("it has no person")
    if body.get("error") or body.get("status", "success") != "success":
        raise BadAnswer("status 200 carries an error")
    person = _person(body.get("person"))
    if person is None and not _is_miss(body.get("person")):
        raise BadAnswer("its person is none")
    return Matches({asked.key: person} if person else {}, () if person else (asked.key,), ())


def _tells_of_one(body: Mapping[str, Any]) -> bool:
    """Whether it can be the answer to a single match; that of a miss may name no person at all."""
    return "matches" not in body and (not body or "person" in body or "request_id" in body)


def _in_order(people: Sequence[Person | None], asked: Sequence[PersonToFind]) -> bool:
    """Whether nothing speaks against ``people[i]`` being ``asked[i]``."""
    positions = {person.key: index for index, person in enumerate(asked)}
    for index, person in enumerate(people):
        # Most come back with the very address that was sent, which is normalised.
        if person is None or person.email == asked[index].key:
            continue
        address = email_key(person.email)
        other = people[positions.get(address, index)]
        # Two addresses of one person bring that person twice, with one of the two.
        if other is not person and not _are_one(person, other):
            return False
        if address == asked[index].key:
            continue
        if same_person_name(person.name, asked[index].name) is False and any(
            same_person_name(person.name, other.name) is True
            for position, other in enumerate(asked)
            if position != index
        ):
            return False
    return True


def _identity(person: Person) -> tuple[str, str] | None:
    """What is equal where two addresses of one person bring that person twice."""
    return (person.provider_id, person.name) if person.provider_id else None


def _are_one(person: Person, other: Person | None) -> bool:
    return (
        other is not None
        and _identity(person) is not None
        and (_identity(person) == _identity(other))
    )


def _proven(people: Sequence[Person], asked: Sequence[PersonToFind]) -> dict[str, Person]:
    """Matches that hold without any order: the same address, of one person only."""
    keys = {person.key for person in asked}
    by_address: dict[str, list[Person]] = {}
    for person in people:
        address = email_key(person.email)
        if address in keys:
            by_address.setdefault(address, []).append(person)
    return {
        key: first
        for key, (first, *more) in by_address.items()
        if all(_are_one(first, other) for other in more)
    }


def _is_miss(match: Any) -> bool:
    """Whether this says that the provider does not know somebody: null, or a stub of a person.

    A stub has no name, title or organisation, and {} is the barest one.
    Anything else that is no person is no answer.
    """
    if not isinstance(match, dict):
        return match is None
    is_stub = not match or bool(match.get("id") or match.get("email"))
    return is_stub and not any(map(match.get, _OF_A_PERSON))


def _person(match: Any) -> Person | None:
    """A person object with at least a name, a title or an organisation; else None."""
    if not isinstance(match, dict):
        return None
    organization = match.get("organization")
    organization = organization if isinstance(organization, dict) else {}
    job = _present_job(
        match.get("employment_history"),
        _text(match.get("organization_id")) or _text(organization.get("id")),
        _text(organization.get("name")),
    )
    name = _text(match.get("name")) or " ".join(
        part for part in (_text(match.get("first_name")), _text(match.get("last_name"))) if part
    )
    title = _text(match.get("title"))
    employer = _text(organization.get("name")) or _text(job.get("organization_name"))
    if not (name or title or employer):
        return None
    domain = _text(organization.get("primary_domain")) or _text(organization.get("website_url"))
    email = _text(match.get("email"))
    return Person(
        provider_id=_text(match.get("id")),
        name=name,
        title=title or _text(job.get("title")),
        # The older design read seniority_level, which Apollo does not send.
        seniority=_text(match.get("seniority")).lower(),
        departments=_texts(match.get("departments")),
        functions=_texts(match.get("functions")),
        employer=employer,
        employer_domain=registrable_domain(domain) if domain else "",
        employer_since=_day(job.get("start_date")),
        email="" if email.startswith("email_not_unlocked@") else email,
        email_status=_text(match.get("email_status")).lower(),
        linkedin_url=_text(match.get("linkedin_url")),
        city=_text(match.get("city")),
        country=_text(match.get("country")),
    )


def _present_job(history: Any, organization_id: str, organization: str) -> dict[str, Any]:
    """The present job at the person's organisation; the newest where no organisation is known."""
    if not isinstance(history, list):
        return {}
    current = [job for job in history if isinstance(job, dict) and job.get("current") is True]
    if organization_id or organization:
        current = [job for job in current if _is_at(job, organization_id, organization)]

    def order(job: dict[str, Any]) -> tuple[str, str]:
        return _day(job.get("start_date")), _text(job.get("title"))

    return max(current, key=order, default={})


def _is_at(job: Mapping[str, Any], organization_id: str, organization: str) -> bool:
    """Whether nothing says that a job is elsewhere: the ids, else the names."""
    its_id, its_name = _text(job.get("organization_id")), _text(job.get("organization_name"))
    if its_id and organization_id:
        return its_id == organization_id
    return not (its_name and organization) or its_name.casefold() == organization.casefold()


def _day(value: Any) -> str:
    text = _text(value)
    return text[:10] if _DATE.match(text) else ""


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()

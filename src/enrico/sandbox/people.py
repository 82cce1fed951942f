"""Who Apollo knows: a function from what is asked to a person, for any export ever seen.

Nothing is stored but a small cache. The same address gives the same person for one seed, so a
sandbox answers for a CRM of fifty deals and for one of a million people alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from enrico.sandbox.draw import Draw, hex_id
from enrico.sandbox.names import INDUSTRIES, culture_of, draw_name, firm, home_of, plain
from enrico.sandbox.titles import Job, draw_job, earlier_title

_EMAIL = re.compile(r"[^@\s,;<>]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)
_ROLE_ACCOUNTS = frozenset(
    {
        *("info", "sales", "support", "admin", "contact", "hello", "office", "billing", "hr"),
        *("accounts", "marketing", "jobs", "careers", "press", "team", "help", "service"),
        *("noreply", "no-reply", "webmaster", "postmaster", "enquiries"),
    }
)
_FREE_MAIL = frozenset(
    {
        *("gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com"),
        *("aol.com", "gmx.de", "web.de", "proton.me", "protonmail.com", "live.com", "msn.com"),
    }
)
# Other employers are any of the first firms, some of which are accounts themselves.
_EMPLOYERS = 1_800
_CACHE = 20_000
_CAREERS = 512
_LOOKS = 4_096
_STATUSES = (
    *("verified",) * 80,
    *("extrapolated",) * 8,
    *("unverified",) * 5,
    *("unavailable",) * 3,
    *("guessed",) * 2,
    "likely to engage",
    None,
)
_PLACES = (
    ("Austin", "Texas", "United States"),
    ("Denver", "Colorado", "United States"),
    ("Boston", "Massachusetts", "United States"),
    ("London", "England", "United Kingdom"),
    ("Munich", "Bavaria", "Germany"),
    ("Lyon", "Auvergne-Rhône-Alpes", "France"),
    ("Madrid", "Community of Madrid", "Spain"),
    ("Bengaluru", "Karnataka", "India"),
    ("Singapore", None, "Singapore"),
    ("São Paulo", "State of São Paulo", "Brazil"),
)


class Asked(NamedTuple):
    """One question after normalisation; ``key`` is the same for all ways to ask for one person."""

    key: str
    email: str
    domain: str
    first: str
    last: str
    organization: str


def read_question(details: Mapping[str, Any]) -> Asked | None:
    """What a ``details`` entry asks for, or None when nobody could be found by it."""
    first, last = _text(details, "first_name"), _text(details, "last_name")
    if not (first or last):
        first, _, last = _text(details, "name").partition(" ")
    organization = _text(details, "organization_name")
    domain = _text(details, "domain").lower().removeprefix("www.")
    email = _text(details, "email").lower()
    if email:
        local, _, at = email.rpartition("@")
        if not _EMAIL.fullmatch(email) or local in _ROLE_ACCOUNTS:
            return None
        return Asked(email, email, at, first, last, organization)
    if first and last and (domain or organization):
        domain = domain or f"{plain(organization)}.com"
        email = f"{plain(first)}.{plain(last)}@{domain}"
        return Asked(email, email, domain, first, last, organization)
    for name in ("id", "linkedin_url", "hashed_email"):
        value = _text(details, name)
        if value:
            return Asked(f"{name}:{value.rstrip('/')}", "", "", first, last, organization)
    return None


@dataclass(frozen=True, slots=True)
class Employer:
    """A company inside a person, its document ready to send."""

    id: str
    name: str
    document: orjson.Fragment


@lru_cache(maxsize=16_384)
def employer(seed: int, domain: str, name: str) -> Employer:
    """The company behind a domain; its name is the one given, else made from the domain."""
    draw = Draw(seed, "organization", domain)
    label = domain.split(".", 1)[0]
    number = draw.between(12, 9_000)
    revenue = number * draw.between(90_000, 260_000)
    place = draw.pick(_PLACES)
    industry = draw.pick(INDUSTRIES)
    identity = hex_id(seed, "organization", domain)
    name = name or label.replace("-", " ").title()
    document: dict[str, Any] = {
        "id": identity,
        "name": name,
        "website_url": f"http://www.{domain}",
        "linkedin_url": f"http://www.linkedin.com/company/{label}",
        "primary_phone": {},
        "languages": ["English"],
        "phone": None,
        "founded_year": draw.between(1952, 2023),
        "publicly_traded_symbol": None,
        "primary_domain": domain,
        "industry": industry,
        "industries": [industry],
        "keywords": [],
        "estimated_num_employees": number,
        "organization_revenue": float(revenue),
        "organization_revenue_printed": f"{revenue / 1e6:.1f}M",
        "city": place[0],
        "state": place[1],
        "country": place[2],
        "organization_headcount_twelve_month_growth": None,
    }
    return Employer(identity, name, orjson.Fragment(orjson.dumps(document)))


class People:
    """Apollo's knowledge of people for one seed."""

    def __init__(
        self, seed: int, found_rate: float, moved_rate: float, today: Callable[[], date]
    ) -> None:
        self._seed = seed
        self._found_rate = found_rate
        self._moved_rate = moved_rate
        self._today = today
        self._cache: dict[Asked, bytes | None] = {}

    def find(self, asked: Asked) -> bytes | None:
        """The person's JSON, or None when Apollo does not know them."""
        if asked in self._cache:
            return self._cache[asked]
        found = self._write(asked)
        if len(self._cache) >= _CACHE:
            self._cache.pop(next(iter(self._cache)))
        self._cache[asked] = found
        return found

    def _write(self, asked: Asked) -> bytes | None:
        draw = Draw(self._seed, "found", asked.key)
        rate = self._found_rate * (0.6 if asked.domain in _FREE_MAIL else 1.0)
        if not draw.chance(rate):
            return None
        moved, no_firm = draw.chance(self._moved_rate), draw.chance(0.03)
        no_email, history = draw.chance(0.03), draw.below(40)
        status = draw.pick(_STATUSES)
        look = _look(self._seed, home_of(asked.domain), look_of(self._seed, asked.key))
        first, last = self._name(asked)
        domain, company = asked.domain, asked.organization
        email: str | None = asked.email
        if moved or not domain or domain in _FREE_MAIL:
            number = draw.below(_EMPLOYERS)
            new = firm(self._seed, number)
            if new.domain == asked.domain:
                new = firm(self._seed, number + 1)
            domain, company = new.domain, new.name
            local = asked.email.partition("@")[0] or f"{plain(first)}.{plain(last)}"
            email = f"{local}@{domain}" if moved or not asked.email else asked.email
        organization = None if no_firm else employer(self._seed, domain, company)
        title = look.job.title
        profile = f"{plain(first)}-{plain(last)}-{draw.below(9999):04d}"
        person: dict[str, Any] = {
            "id": f"{draw.below(1 << 96):024x}",
            "first_name": first,
            "last_name": last,
            "name": f"{first} {last}".strip(),
            "linkedin_url": f"http://www.linkedin.com/in/{profile}",
            "title": title,
            "headline": f"{title} at {organization.name}" if organization else title,
            "email": None if no_email else email,
            "email_status": "unavailable" if no_email else status,
            "extrapolated_email_confidence": 0.7 if status == "extrapolated" else None,
            "organization_id": organization.id if organization else None,
        }
        if organization:
            person["organization"] = organization.document
        elif history % 2:
            person["organization"] = None
        if history >= 2:
            person["employment_history"] = self._employment(draw, look.job, organization, moved)
        elif history == 1:
            person["employment_history"] = []
        return orjson.dumps(person)[:-1] + b"," + look.rest

    def stub(self, details: Mapping[str, Any]) -> dict[str, Any]:
        """The empty person that stands for an unknown one: an id, and what was asked."""
        email = _text(details, "email")
        empty: dict[str, Any] = dict.fromkeys(
            ("first_name", "last_name", "linkedin_url", "title", "email_status", "photo_url")
        )
        empty |= dict.fromkeys(("organization_id", "headline", "seniority", "city", "state"))
        return {
            "id": hex_id(self._seed, "stub", email),
            **empty,
            "name": "",
            "email": email or None,
            "employment_history": [],
            "departments": [],
            "subdepartments": [],
            "functions": [],
        }

    def _name(self, asked: Asked) -> tuple[str, str]:
        if asked.first or asked.last:
            return asked.first, asked.last
        parts = re.split(r"[._-]+", re.sub(r"\d+|\+.*", "", asked.email.partition("@")[0]))
        if len(parts) > 1 and len(parts[0]) > 1 and len(parts[-1]) > 1:
            return parts[0].title(), parts[-1].title()
        own = Draw(self._seed, "name", asked.key)
        return draw_name(own, culture_of(own, asked.domain))

    def _employment(
        self, draw: Draw, job: Job, organization: Employer | None, moved: bool
    ) -> list[Any]:
        """Jobs, newest first; the first one is current."""
        start, earlier = _career(
            self._seed, self._today(), job.field.function, draw.below(_CAREERS), moved
        )
        key = f"{draw.below(1 << 96):024x}"
        current = {
            "_id": key,
            "id": key,
            "key": key,
            "organization_id": organization.id if organization else None,
            "organization_name": organization.name if organization else "Self-employed",
            "title": job.title,
            "start_date": start,
            "end_date": None,
            "current": True,
        }
        return [current, *earlier]


@lru_cache(maxsize=16_384)
def _career(
    seed: int, today: date, function: str, number: int, moved: bool
) -> tuple[str, tuple[orjson.Fragment, ...]]:
    """(start of the present job, the jobs before it). Who has moved did so within half a year.

    People share some hundreds of careers, for a server that makes thousands of people a second.
    """
    draw = Draw(seed, "career", function, str(number), str(moved))
    start = today - timedelta(days=draw.between(20, 170) if moved else draw.between(60, 4_200))
    first = end = start.replace(day=1)
    earlier = []
    for _ in range(draw.between(0, 3)):
        begin = (end - timedelta(days=draw.between(300, 1_900))).replace(day=1)
        key = f"{draw.below(1 << 96):024x}"
        entry = {
            "_id": key,
            "id": key,
            "key": key,
            "organization_id": None,
            "organization_name": firm(seed, draw.below(_EMPLOYERS)).name,
            "title": earlier_title(draw, function),
            "start_date": begin.isoformat(),
            "end_date": end.isoformat(),
            "current": False,
        }
        earlier.append(orjson.Fragment(orjson.dumps(entry)))
        end = begin
    return first.isoformat(), tuple(earlier)


@dataclass(frozen=True, slots=True)
class Look:
    """What thousands of people may share: a job, and all fields that follow from chance alone."""

    job: Job
    rest: bytes
    """The fields as the end of a JSON object."""


@lru_cache(maxsize=32_768)
def _look(seed: int, home: str | None, number: int) -> Look:
    draw = Draw(seed, "look", home or "", str(number))
    job = draw_job(draw, home)
    city, state, country = draw.pick(_PLACES)
    rest = {
        "photo_url": None,
        "twitter_url": None,
        "github_url": None,
        "facebook_url": None,
        "email_domain_catchall": draw.chance(0.1),
        "city": city,
        "state": state,
        "country": country,
        "seniority": None if draw.chance(0.07) else job.seniority,
        "departments": _departments(job),
        "subdepartments": ["executive"] if job.seniority == "c_suite" else [],
        "functions": [job.field.function],
        "is_likely_to_engage": draw.chance(0.3),
        "intent_strength": None,
        "show_intent": False,
        "revealed_for_current_team": True,
    }
    return Look(job, orjson.dumps(rest)[1:])


def look_of(seed: int, key: str) -> int:
    """The number of the look of whoever has this key."""
    return crc32(f"{seed}|{key}".encode("utf-8", "replace")) % _LOOKS


def person_job(seed: int, key: str, domain: str) -> Job:
    """The job of whoever has this key; the sample CRM agrees with Apollo by it."""
    return _look(seed, home_of(domain), look_of(seed, key)).job


def _departments(job: Job) -> list[str]:
    return (
        ["c_suite"] if job.seniority in ("c_suite", "founder", "owner") else [job.field.department]
    )


def _text(details: Mapping[str, Any], name: str) -> str:
    value = details.get(name)
    return value.strip() if isinstance(value, str) else ""

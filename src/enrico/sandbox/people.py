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
from hashlib import blake2b
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
_CACHE = 8_192
_LOOKS = 2_048
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
    """A company inside a person, in pieces ready to send."""

    id: str | None
    name: str
    document: bytes
    job: bytes
    """How a job there begins: ``"organization_id":…,"organization_name":…,``."""


def _employer(identity: str | None, name: str, document: object) -> Employer:
    job = orjson.dumps({"organization_id": identity, "organization_name": name})
    return Employer(identity, name, orjson.dumps(document), job[1:-1] + b",")


_NO_EMPLOYER = _employer(None, "Self-employed", None)


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
    return _employer(identity, name, document)


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
            self._cache.clear()
        self._cache[asked] = found
        return found

    def _write(self, asked: Asked) -> bytes | None:
        # Thousands of people a second: one hash for all chances, and ready-made pieces of JSON.
        key = f"{self._seed}|{asked.key}".encode("utf-8", "replace")
        digest = blake2b(key, digest_size=24).digest()
        chances = int.from_bytes(digest[:8], "big")
        rate = self._found_rate * (0.6 if asked.domain in _FREE_MAIL else 1.0)
        if chances % 10_000 >= rate * 10_000:
            return None
        moved = (chances >> 16) % 10_000 < self._moved_rate * 10_000
        number = look_of(self._seed, asked.key)
        look = _look(self._seed, self._today(), home_of(asked.domain), number, moved)
        first, last = self._name(asked)
        domain, company = asked.domain, asked.organization
        email: str | None = asked.email
        if moved or not domain or domain in _FREE_MAIL:
            choice = (chances >> 32) % _EMPLOYERS
            new = firm(self._seed, choice)
            if new.domain == asked.domain:
                new = firm(self._seed, choice + 1)
            domain, company = new.domain, new.name
            local = asked.email.partition("@")[0] or f"{plain(first)}.{plain(last)}"
            email = f"{local}@{domain}" if moved or not asked.email else asked.email
        works = _NO_EMPLOYER if look.no_employer else employer(self._seed, domain, company)
        identity = digest.hex()[24:]
        title = look.job.title
        head = {
            "id": identity,
            "first_name": first,
            "last_name": last,
            "name": f"{first} {last}".strip(),
            "linkedin_url": f"http://www.linkedin.com/in/{plain(first)}-{plain(last)}-{number:04d}",
            "headline": f"{title} at {works.name}" if works.id else title,
            "email": None if look.no_email else email,
            "organization_id": works.id,
        }
        parts = [orjson.dumps(head)[:-1], look.rest]
        if works.id or look.null_employer:
            parts += (b',"organization":', works.document)
        if look.career:
            job = f'{{"_id":"{identity}","id":"{identity}","key":"{identity}",'.encode()
            parts += (b',"employment_history":[', job, works.job, look.career)
        elif look.empty_career:
            parts.append(b',"employment_history":[]')
        parts.append(b"}")
        return b"".join(parts)

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


@dataclass(frozen=True, slots=True)
class Look:
    """What thousands of people may share: a job, and all fields that follow from chance alone."""

    job: Job
    rest: bytes
    """Fields of the person: ``,"title":…,"city":…``."""
    career: bytes
    """The jobs, from the title of the present one on; empty when there are none to tell."""
    empty_career: bool
    no_email: bool
    no_employer: bool
    null_employer: bool
    """Whether an employer that is not known is null; else it is not there at all."""


@lru_cache(maxsize=32_768)
def _look(seed: int, today: date, home: str | None, number: int, moved: bool) -> Look:
    job = _job(seed, home, number)
    draw = Draw(seed, "look", home or "", str(number))
    city, state, country = draw.pick(_PLACES)
    no_email, history = draw.chance(0.03), draw.below(40)
    status = "unavailable" if no_email else draw.pick(_STATUSES)
    rest = {
        "title": job.title,
        "email_status": status,
        "extrapolated_email_confidence": 0.7 if status == "extrapolated" else None,
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
    return Look(
        job=job,
        rest=b"," + orjson.dumps(rest)[1:-1],
        career=_career(draw, seed, today, job, moved) if history >= 2 else b"",
        empty_career=history == 1,
        no_email=no_email,
        no_employer=draw.chance(0.03),
        null_employer=draw.chance(0.5),
    )


def _career(draw: Draw, seed: int, today: date, job: Job, moved: bool) -> bytes:
    """Jobs, newest first. Who has moved did so within half a year."""
    start = today - timedelta(days=draw.between(20, 170) if moved else draw.between(60, 4_200))
    end = start.replace(day=1)
    present = {"title": job.title, "start_date": end.isoformat(), "end_date": None, "current": True}
    jobs = [orjson.dumps(present)[1:]]
    for _ in range(draw.between(0, 3)):
        begin = (end - timedelta(days=draw.between(300, 1_900))).replace(day=1)
        key = f"{draw.below(1 << 96):024x}"
        earlier = {
            "_id": key,
            "id": key,
            "key": key,
            "organization_id": None,
            "organization_name": firm(seed, draw.below(_EMPLOYERS)).name,
            "title": earlier_title(draw, job.field.function),
            "start_date": begin.isoformat(),
            "end_date": end.isoformat(),
            "current": False,
        }
        jobs.append(orjson.dumps(earlier))
        end = begin
    return b",".join(jobs) + b"]"


@lru_cache(maxsize=32_768)
def _job(seed: int, home: str | None, number: int) -> Job:
    return draw_job(Draw(seed, "job", home or "", str(number)), home)


def look_of(seed: int, key: str) -> int:
    """The number of the look of whoever has this key."""
    return crc32(f"{seed}|{key}".encode("utf-8", "replace")) % _LOOKS


def person_job(seed: int, key: str, domain: str) -> Job:
    """The job of whoever has this key; the sample CRM agrees with Apollo by it."""
    return _job(seed, home_of(domain), look_of(seed, key))


def _departments(job: Job) -> list[str]:
    return (
        ["c_suite"] if job.seniority in ("c_suite", "founder", "owner") else [job.field.department]
    )


def _text(details: Mapping[str, Any], name: str) -> str:
    value = details.get(name)
    return value.strip() if isinstance(value, str) else ""

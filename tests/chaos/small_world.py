"""Small made-up worlds: a CRM of one to six deals, and the truth that the providers would tell."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from enrico.domain.identity import short_account_name
from enrico.domain.records import Account, Contact, Deal, DealContact

FIRST = ("Ada", "Bruno", "Chloe", "Dilek", "Emil", "Farah", "Goran", "Hana")
LAST = ("Byrne", "Costa", "Dvorak", "Eriksen", "Fuchs", "Greco", "Haas", "Iwata")
FIRMS = ("Kestrel Robotics", "Lumen Foods", "Marlow Freight", "Northwind Optics", "Orbit Paper")
TITLES = (
    ("Chief Financial Officer", "c_suite"), ("VP of Sales", "vp"), ("Head of IT", "head"),
    ("Procurement Manager", "manager"), ("Software Engineer", "entry"), ("", None),
)  # fmt: skip
STORIES = (
    ("raises $20 million in Series B", "funding"),
    ("appoints a new chief executive", "leadership_change"),
    ("opens a new plant in Porto", "expansion"),
    ("lays off 120 employees", "layoff"),
    ("wins best workplace award", "award"),
    ("partners with Contoso on logistics", "partnership"),
    ("publishes its opening hours", ""),
)


@dataclass
class World:
    """A CRM and what is true of it."""

    accounts: list[Account] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    seats: list[DealContact] = field(default_factory=list)
    people: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """Whom Apollo knows by this address, as it sends them; None: nobody."""
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What Google finds, by the name as it is searched for."""


def make_world(seed: int) -> World:
    """The same world for the same seed."""
    draw = random.Random(seed)
    world = World()
    names = draw.sample(FIRMS, draw.randint(1, 3))
    if draw.random() < 0.3:
        names.append(names[0])  # two firms of one name
    for n, name in enumerate(names):
        domain = f"{name.split()[0].lower()}{n}.com" if draw.random() < 0.9 or n else ""
        world.accounts.append(Account(f"a{n}", name, domain))
        world.results.setdefault(short_account_name(name), _results(draw, name))
    count = draw.randint(1, 12)
    names_of = draw.sample([(first, last) for first in FIRST for last in LAST], count)
    namesakes = [False, *(draw.random() < 0.12 for _ in range(count))]
    for n in range(count):
        account = draw.choice(world.accounts)
        if namesakes[n]:
            names_of[n] = names_of[n - 1]
        first, last = names_of[n]
        host = account.domain or "elsewhere.com"
        address = f"{first}.{last}{n}@{host}".lower()
        kind = draw.random()
        if kind < 0.06:
            address = f"info@{host}"
        elif kind < 0.12 and world.contacts:
            address = draw.choice(world.contacts).email  # one person, two records
        world.contacts.append(Contact(f"c{n}", account.id, first, last, address))
        if address not in world.people and not address.startswith("info@"):
            # Nothing could tell two namesakes apart who both come back with another address.
            moved = draw.random() < 0.15 and not (namesakes[n] or namesakes[n + 1])
            person = _person(draw, n, world.contacts[-1], account, moved=moved)
            world.people[address] = person if draw.random() < 0.75 else None
    for n in range(draw.randint(1, 6)):
        account = draw.choice(world.accounts)
        world.deals.append(Deal(f"d{n}", f"Deal {n}", account.id))
        there = [c for c in world.contacts if c.account_id == account.id] or world.contacts
        chosen = draw.sample(there, draw.randint(1, len(there)))
        world.seats += [DealContact(f"d{n}", contact.id) for contact in chosen]
    return world


def _person(
    draw: random.Random, n: int, contact: Contact, account: Account, *, moved: bool
) -> dict[str, Any]:
    """What Apollo sends; the city is nobody else's."""
    first, last = contact.first_name, contact.last_name
    title, seniority = draw.choice(TITLES)
    employer = "Contoso Group" if moved else account.name
    domain = "contoso.com" if moved else account.domain or "elsewhere.com"
    return {
        "id": f"{n:024x}",
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "title": title or None,
        "seniority": seniority,
        # A moved person comes back with another address.
        "email": f"{first}.{last}{n}@contoso.com".lower() if moved else contact.email,
        "email_status": draw.choice(("verified", "unverified", None)),
        "city": f"City {n}",
        "departments": draw.choice((["master_finance"], [])),
        "functions": ["finance"],
        "organization": {"name": employer, "primary_domain": domain},
        "employment_history": [
            {"current": True, "organization_name": employer, "start_date": "2021-04-01"}
        ],
    }


def _results(draw: random.Random, name: str) -> list[dict[str, Any]]:
    host = name.split()[0].lower()
    return [
        {
            "title": f"{name} {words}",
            "link": f"https://news{n}.example/{host}/{n}",
            "snippet": f"{name} {words}, as was reported.",
            "date": f"Nov {draw.randint(1, 19)}, 2026",
        }
        for n, (words, _) in enumerate(draw.sample(STORIES, draw.randint(0, 4)))
    ]


def kind_of(title: str) -> str:
    """The signal that a story tells of; empty for none."""
    return next((kind for words, kind in STORIES if title.endswith(words)), "")

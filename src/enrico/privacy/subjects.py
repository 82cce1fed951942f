"""Who is meant by an address or a domain: all records that are about the same people.

A person has several addresses: in one cell of the CRM, in another record with the same profile, or
in what the provider told. All of them are followed until nothing new comes up. Shared mailboxes
(info@) are not followed, for they would lead to colleagues.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select

from enrico.domain.identity import addresses_in, check_email, linkedin_key, registrable_domain
from enrico.errors import InputError
from enrico.privacy.finder import Finder, digits_of
from enrico.store.crm import stream
from enrico.store.database import Database
from enrico.store.tables import accounts, contacts, deal_contacts, deals, people

Identity = tuple[Literal["address", "linkedin", "contact", "domain"], str]
"""Kind and matching form of something that a person is known by."""


def read_target(text: str) -> Identity:
    """What somebody typed: an address or a domain. Raises InputError when it is neither."""
    if "@" in text.strip().lstrip("@"):
        if key := check_email(text).key:
            return "address", key
    elif (domain := text.strip().lstrip("@").lower().rstrip(".")) and registrable_domain(domain):
        return "domain", domain
    raise InputError(f"{text!r} is neither an e-mail address nor a domain such as acme.com.")


@dataclass(slots=True)
class Subjects:
    """The people who were asked about, and all records that are about them."""

    targets: list[Identity]
    owner: dict[Identity, Identity] = field(default_factory=dict)
    """Each identity that was found → the target that led to it."""
    contacts: dict[str, Any] = field(default_factory=dict)
    """Rows of ``contacts`` by id."""
    people: dict[str, Any] = field(default_factory=dict)
    """Rows of ``people`` by key."""
    deals: dict[str, set[str]] = field(default_factory=dict)
    """Deals on which they sit, or of an account that they are contacts of → their names there."""
    account_keys: set[str] = field(default_factory=set)
    """Match keys of the accounts that they are contacts of."""

    @property
    def keys(self) -> set[str]:
        """All their addresses, in matching form."""
        return {value for kind, value in self.owner if kind == "address"}

    def finder(self) -> Finder:
        """Finds them in texts."""
        found = Finder(self.keys, {value for kind, value in self.owner if kind == "linkedin"})
        for contact in self.contacts.values():
            found.add_name(contact.first_name, contact.last_name)
            found.phones.add(digits_of(contact.phone))
        for person in self.people.values():
            first, _, rest = person.name.partition(" ")
            found.add_name(first, rest)
        found.phones.discard("")
        return found

    def unknown(self) -> list[str]:
        """Targets about whom nothing is held."""
        led = {self.owner[identity] for identity in self._held()}
        return [value for kind, value in self.targets if (kind, value) not in led]

    def _held(self) -> Iterator[Identity]:
        yield from (("contact", contact_id) for contact_id in self.contacts)
        yield from (("address", key) for key in self.people)


async def find_subjects(db: Database, targets: Iterable[Identity]) -> Subjects:
    """Everybody behind *targets*. Reads all contacts and people at least twice."""
    found = Subjects(sorted(set(targets)))
    for target in found.targets:
        found.owner[target] = target
    while await _look_around(db, found):
        pass
    await _note_surroundings(db, found)
    return found


async def _look_around(db: Database, found: Subjects) -> bool:
    """One pass over all records; returns whether anything new was found."""
    known = len(found.owner), len(found.people)
    domains = {value for kind, value in found.targets if kind == "domain"}
    async for contact in stream(db, select(contacts)):
        checks = addresses_in(contact.email)
        named: list[Identity] = [("contact", contact.id)]
        named += [("address", check.key) for check in checks]
        if profile := linkedin_key(contact.linkedin_url):
            named.append(("linkedin", profile))
        if target := _led_by(found, named, domains):
            found.contacts[contact.id] = contact
            shared = {check.key for check in checks if not check.usable}
            _own(found, (it for it in named if it[1] not in shared), target)
    async for person in stream(db, select(people)):
        named = [("address", person.key)]
        named += [("address", check.key) for check in addresses_in(person.email)]
        if profile := linkedin_key(person.linkedin_url):
            named.append(("linkedin", profile))
        if target := _led_by(found, named, domains):
            found.people[person.key] = person
            _own(found, named, target)
    return known != (len(found.owner), len(found.people))


def _led_by(found: Subjects, named: list[Identity], domains: set[str]) -> Identity | None:
    for identity in named:
        if identity in found.owner:
            return found.owner[identity]
        if domains and identity[0] == "address":
            host = identity[1].rpartition("@")[2]
            for domain in domains:
                if host == domain or host.endswith(f".{domain}"):
                    return "domain", domain
    return None


def _own(found: Subjects, named: Iterable[Identity], target: Identity) -> None:
    for identity in named:
        found.owner.setdefault(identity, target)


async def _note_surroundings(db: Database, found: Subjects) -> None:
    """The deals and accounts in whose texts their names may stand."""
    at_account: dict[str, set[str]] = {}

    def name_of(contact_id: str) -> str:
        contact = found.contacts[contact_id]
        return f"{contact.first_name} {contact.last_name}".strip()

    for contact_id, contact in found.contacts.items():
        at_account.setdefault(contact.account_id, set()).add(name_of(contact_id))
    seats = select(deal_contacts.c.deal_id, deal_contacts.c.contact_id, deals.c.account_id).join(
        deals, deals.c.id == deal_contacts.c.deal_id
    )
    async for seat in stream(db, seats):
        if seat.contact_id in found.contacts:
            found.deals.setdefault(seat.deal_id, set()).add(name_of(seat.contact_id))
            at_account.setdefault(seat.account_id, set()).add(name_of(seat.contact_id))
    at_account.pop("", None)
    async for deal in stream(db, select(deals.c.id, deals.c.account_id)):
        if deal.account_id in at_account:
            found.deals.setdefault(deal.id, set()).update(at_account[deal.account_id])
    async for account in stream(db, select(accounts.c.id, accounts.c.key)):
        if account.id in at_account and account.key:
            found.account_keys.add(account.key)

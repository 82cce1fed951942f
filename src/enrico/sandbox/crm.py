"""The sample CRM: closed deals, their accounts and contacts, as much of it as is wanted.

Everything is made in blocks of fifty deals, which are written and forgotten, so that a hundred
thousand deals take no more memory than fifty. Fifty deals are the workload that speed is judged
on: 32 accounts, 503 deal contacts, 225 people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from enrico.sandbox.draw import Draw
from enrico.sandbox.names import Firm, culture_of, draw_name, firm, plain
from enrico.sandbox.people import person_job

BLOCK = 50
_ACCOUNTS_PER_BLOCK = 32
_CONTACTS_PER_BLOCK = 503
_PEOPLE_PER_BLOCK = 225
_LAST_CLOSE = date(2026, 11, 13)

# Salesforce's own picklist of contact roles.
ROLES = (
    "Decision Maker",
    "Economic Buyer",
    "Economic Decision Maker",
    "Executive Sponsor",
    "Evaluator",
    "Technical Buyer",
    "Influencer",
    "Business User",
    "Other",
)
_ROLES_BY_LEVEL = {
    **dict.fromkeys(("owner", "founder", "c_suite", "partner"), ROLES[:4]),
    **dict.fromkeys(("vp", "head"), ROLES[:5]),
    **dict.fromkeys(("director", "manager"), ROLES[4:7]),
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the sample CRM."""

    number: int
    firm: Firm
    employees: int


@dataclass(frozen=True, slots=True)
class Person:
    """A human being, however many contact records there are of them."""

    account: Account
    first: str
    last: str
    email: str
    """Normalised: no two people share it."""
    title: str
    seniority: str
    department: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact record; ``email`` is as somebody typed it."""

    number: int
    person: Person
    email: str
    title: str


@dataclass(slots=True)
class Deal:
    """A closed deal and who is on it, each contact with a role or ``""``."""

    number: int
    account: Account
    name: str
    won: bool
    amount: int
    closed: date
    created: date
    contacts: list[tuple[Contact, str]] = field(default_factory=list)
    champion: str = ""
    economic_buyer: str = ""


@dataclass(slots=True)
class Block:
    """Some deals, with all accounts and contacts that they alone refer to."""

    accounts: list[Account]
    contacts: list[Contact]
    deals: list[Deal]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each a CRM holds. Left out, the figures keep the proportions of fifty deals."""

    deals: int
    accounts: int
    contacts: int
    """Pairs of deal and contact."""
    people: int


def size_of(
    deals: int, accounts: int | None = None, contacts: int | None = None, people: int | None = None
) -> Size:
    """A size for so many deals; ValueError when the figures cannot all be true."""
    if deals < 1:
        raise ValueError(f"a sample CRM needs at least one deal, not {deals}")
    accounts = _share(deals, _ACCOUNTS_PER_BLOCK) if accounts is None else accounts
    people = max(accounts, _share(deals, _PEOPLE_PER_BLOCK)) if people is None else people
    contacts = max(people, _share(deals, _CONTACTS_PER_BLOCK)) if contacts is None else contacts
    if not 1 <= accounts <= deals:
        raise ValueError(f"{deals} deals can be with 1 to {deals} accounts, not with {accounts}")
    if not accounts <= people <= contacts:
        raise ValueError(
            f"{people} people must be at least one for each of {accounts} accounts, and at most "
            f"one for each of {contacts} deal contacts"
        )
    return Size(deals, accounts, contacts, people)


def blocks(size: Size, seed: int) -> Iterator[Block]:
    """The sample CRM in blocks; the same size and seed give the same CRM."""
    count = -(-size.deals // BLOCK)
    firsts = [0, 0, 0]
    for number in range(count):
        part = Size(*(_part(total, number, count) for total in _figures(size)))
        block = _block(part, seed, number, firsts)
        firsts[0] += len(block.accounts)
        firsts[1] += len(block.contacts)
        firsts[2] += len(block.deals)
        yield block


def _share(deals: int, of_block: int) -> int:
    return max(1, round(deals * of_block / BLOCK))


def _figures(size: Size) -> tuple[int, int, int, int]:
    return size.deals, size.accounts, size.contacts, size.people


def _part(total: int, number: int, count: int) -> int:
    """What block ``number`` has of a total, so that the parts add up to it."""
    return total * (number + 1) // count - total * number // count


def _block(size: Size, seed: int, number: int, firsts: list[int]) -> Block:
    draw = Draw(seed, "crm", str(number))
    accounts = [_account(seed, firsts[0] + place) for place in range(size.accounts)]
    owners = _spread_deals(draw, accounts, size.deals)
    deals = [_deal(draw, firsts[2] + place, owner) for place, owner in enumerate(owners)]
    by_account: dict[int, list[Deal]] = {}
    for deal in deals:
        by_account.setdefault(deal.account.number, []).append(deal)
    people = _staff(draw, accounts, by_account, size, seed)
    contacts = _put_on_deals(draw, people, by_account, size.contacts, firsts[1])
    for deal in deals:
        _name_champions(draw, deal)
    return Block(accounts, contacts, deals)


def _account(seed: int, number: int) -> Account:
    draw = Draw(seed, "account", str(number))
    return Account(number, firm(seed, number), draw.between(12, 9_000))


def _spread_deals(draw: Draw, accounts: list[Account], deals: int) -> list[Account]:
    """One deal for each account, and the rest for every fifth: as in life, few buy often."""
    owners = list(accounts)
    regulars = accounts[: max(1, len(accounts) // 5)]
    for extra in range(deals - len(accounts)):
        owners.append(regulars[extra % len(regulars)])
    draw.shuffle(owners)
    return owners


def _deal(draw: Draw, number: int, account: Account) -> Deal:
    closed = _LAST_CLOSE - timedelta(days=draw.below(300))
    what = draw.pick(("New Business", "Renewal", "Expansion", "Platform", "Pilot", "Add-on"))
    return Deal(
        number=number,
        account=account,
        name=f"{account.firm.name} - {what} {closed.year} #{number + 1}",
        won=draw.chance(0.6),
        amount=draw.between(8, 400) * 1_000,
        closed=closed,
        created=closed - timedelta(days=draw.between(20, 260)),
    )


def _staff(
    draw: Draw, accounts: list[Account], by_account: dict[int, list[Deal]], size: Size, seed: int
) -> list[Person]:
    """People for each account: the more deals, the more people."""
    weights = [len(by_account[account.number]) for account in accounts]
    # Who buys once has a few contacts; the others share the rest by their number of deals.
    heads = [1] * len(accounts)
    left = size.people - len(accounts)
    for _ in range(min(2 * len(accounts), left)):
        heads[draw.below(len(accounts))] += 1
    left = size.people - sum(heads)
    regulars = [place for place, weight in enumerate(weights) if weight > 1] or list(
        range(len(accounts))
    )
    for extra in range(left):
        heads[regulars[extra % len(regulars)]] += 1
    people = []
    for account, count in zip(accounts, heads, strict=True):
        taken: set[str] = set()
        people += [_person(account, place, seed, taken) for place in range(count)]
    return people


def _person(account: Account, place: int, seed: int, taken: set[str]) -> Person:
    """Someone at the account whose address nobody else has."""
    domain = account.firm.domain
    attempt = 0
    while True:
        draw = Draw(seed, "contact", domain, str(place), str(attempt))
        first, last = draw_name(draw, culture_of(draw, domain))
        form = draw.below(20)
        given, family = plain(first), plain(last)
        local = f"{given}.{family}" if form < 14 else f"{given[0]}{family}" if form < 18 else given
        email = f"{local}@{domain}"
        if email not in taken:
            break
        attempt += 1
    taken.add(email)
    # The job that the people provider will tell, so that the two agree but for what has changed.
    job = person_job(seed, email, domain)
    return Person(account, first, last, email, job.title, job.seniority, job.field.label)


def _put_on_deals(
    draw: Draw,
    people: list[Person],
    by_account: dict[int, list[Deal]],
    pairs: int,
    first_number: int,
) -> list[Contact]:
    """Everybody on one deal, then more deals by lot until there are enough pairs."""
    places: list[tuple[int, Deal]] = []
    more: list[tuple[int, Deal]] = []
    for index, person in enumerate(people):
        deals = by_account[person.account.number]
        first = draw.below(len(deals))
        places.append((index, deals[first]))
        more += [(index, deal) for place, deal in enumerate(deals) if place != first]
    draw.shuffle(more)
    places += more[: max(0, pairs - len(places))]
    records: dict[int, list[Contact]] = {}
    contacts: list[Contact] = []
    for index, deal in places:
        known = records.setdefault(index, [])
        # One in twelve people was typed in again for a later deal.
        if not known or (len(known) == 1 and draw.chance(0.06)):
            number = first_number + len(contacts)
            contacts.append(_contact(draw, number, people[index], again=bool(known)))
            known.append(contacts[-1])
        contact = known[-1]
        deal.contacts.append((contact, _role(draw, contact.person)))
    return contacts


def _contact(draw: Draw, number: int, person: Person, again: bool) -> Contact:
    email = person.email
    form = draw.below(12)
    if form == 0 or (again and form < 7):
        local, _, domain = email.partition("@")
        email = f"{'.'.join(part.title() for part in local.split('.'))}@{domain}"
    elif form == 1 or again:
        email = draw.pick((f"{email} ", f" {email}", email.upper()))
    title = "" if draw.chance(0.08) else person.title
    return Contact(number, person, email, title)


def _role(draw: Draw, person: Person) -> str:
    if not draw.chance(1 / 3):
        return ""
    return draw.pick(_ROLES_BY_LEVEL.get(person.seniority, ROLES[6:]))


def _name_champions(draw: Draw, deal: Deal) -> None:
    """One deal in eight says in fields of its own who stands for it, and who pays."""
    if not deal.contacts or not draw.chance(0.125):
        return
    champion = draw.pick(deal.contacts)[0].person
    deal.champion = f"{champion.first} {champion.last}"
    if draw.chance(0.5):
        payer = draw.pick(deal.contacts)[0].person
        deal.economic_buyer = f"{payer.last}, {payer.first}"

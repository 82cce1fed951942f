"""One table into parts: rows are streamed, equal cells are kept and parsed once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter

from enrico.intake.cells import Row
from enrico.intake.columns import Column, Plan, plan
from enrico.intake.formats import Formats, formats_of
from enrico.intake.layout import Table
from enrico.intake.parts import (
    AccountPart,
    Cells,
    ContactPart,
    DealPart,
    Reader,
)
from enrico.intake.values import is_true

_SAMPLE = 2000


@dataclass(slots=True)
class Group:
    """The columns of one record in a row, and the distinct cells found in them."""

    columns: list[Column]
    cells: dict[Cells, int] = field(default_factory=dict)
    weights: array[int] = field(default_factory=lambda: array("l"))
    per_row: array[int] = field(default_factory=lambda: array("l"))
    """For each row the number of its cells in ``cells``."""


@dataclass(slots=True)
class Ingested:
    """A table after reading: for each row the numbers of its parts."""

    table: Table
    plan: Plan
    file: str
    formats: Formats = field(default_factory=Formats)
    row_numbers: array[int] = field(default_factory=lambda: array("l"))
    deal_of: array[int] = field(default_factory=lambda: array("l"))
    account_of: array[int] = field(default_factory=lambda: array("l"))
    people_of: list[tuple[array[int], array[int]]] = field(default_factory=list)
    """For each person column group: numbers into ``contacts`` and into ``roles``."""
    deals: list[list[DealPart]] = field(default_factory=list)
    accounts: list[list[AccountPart]] = field(default_factory=list)
    contacts: list[list[ContactPart]] = field(default_factory=list)
    roles: list[tuple[str, bool]] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)


def ingest(table: Table, file: str) -> Ingested:
    """Read a table to its end."""
    rows = iter(table.rows)
    sample: list[Row] = list(islice(rows, _SAMPLE))
    decided = plan(table.headers, [row for _, row in sample], file, table.sheet)
    result = Ingested(table, decided, file)
    if decided.kind == "ignored":
        for _ in rows:
            pass
        return result
    deal = Group([c for c in decided.columns if c.target.startswith(("deal.", "rolefield."))])
    account = Group([c for c in decided.columns if c.target.startswith("account.")])
    slots = _people_groups(decided)
    groups = [deal, account, *(g for pair in slots for g in pair)]
    deleted = next((c.index for c in decided.columns if c.target == "row.deleted"), -1)
    _fill(result, groups, chain(sample, rows), max(len(decided.columns), 1), deleted)
    values = _values_of(groups)
    result.formats = formats_of(decided, values, table.delimiter)
    _parse(result, deal, account, slots)
    return result


def _people_groups(decided: Plan) -> list[tuple[Group, Group]]:
    contact = [c for c in decided.columns if c.target.startswith("contact.")]
    flags = [c for c in decided.columns if c.target.startswith("roleflag.")]
    slots = sorted({c.slot for c in contact}, key=lambda s: (s != "", len(s), s))
    # In a list of contacts a role belongs to the person; elsewhere to the person on that deal.
    role_targets = () if decided.kind == "contacts" else ("contact.role_label", "contact.primary")
    pairs = []
    for slot in slots:
        own = [c for c in contact if c.slot == slot and c.target not in role_targets]
        roles = [c for c in contact if c.slot == slot and c.target in role_targets]
        (own if decided.kind == "contacts" else roles).extend(c for c in flags if c.slot == slot)
        if own:
            pairs.append((Group(own), Group(roles)))
    return pairs


def _getter(columns: Sequence[Column]) -> Callable[[list[str]], Cells]:
    places = [c.index for c in columns]
    if not places:
        return lambda row: ()
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    get = itemgetter(*places)
    return lambda row: get(row)


def _fill(
    result: Ingested, groups: list[Group], rows: Iterable[Row], width: int, deleted: int
) -> None:
    """The hot loop: a few dictionary look-ups for each row."""
    getters = [(_getter(g.columns), g.cells, g.weights, g.per_row.append) for g in groups]
    add_number = result.row_numbers.append
    padding = [""] * width
    for number, row in rows:
        if len(row) < width:
            row = row + padding[len(row) :]
        if deleted >= 0 and is_true(row[deleted]):
            result.deleted.append(number)
            continue
        add_number(number)
        for get, cells, weights, add in getters:
            key = get(row)
            place = cells.get(key)
            if place is None:
                place = cells[key] = len(cells)
                weights.append(0)
            weights[place] += 1
            add(place)


def _values_of(groups: list[Group]) -> Callable[[Column], Iterator[str]]:
    where = {c.index: (g, i) for g in groups for i, c in enumerate(g.columns)}

    def values(column: Column) -> Iterator[str]:
        group, place = where[column.index]
        seen: set[str] = set()
        for cells in group.cells:
            value = cells[place]
            if value and value not in seen:
                seen.add(value)
                yield value

    return values


def _parse(result: Ingested, deal: Group, account: Group, slots: list[tuple[Group, Group]]) -> None:
    decided, formats = result.plan, result.formats
    reader = Reader(decided, deal.columns, formats)
    for cells, weight in zip(deal.cells, deal.weights, strict=True):
        deals = reader.deal(cells) if cells else []
        for part in deals:
            part.weight, part.home = weight, decided.kind in ("deals", "flat")
            part.row_is_deal = decided.kind == "deals"
        result.deals.append(deals)
    result.deal_of = deal.per_row
    reader = Reader(decided, account.columns, formats)
    for cells, weight in zip(account.cells, account.weights, strict=True):
        accounts = reader.account(cells) if cells else []
        for found in accounts:
            found.weight, found.home = weight, decided.kind == "accounts"
        result.accounts.append(accounts)
    result.account_of = account.per_row
    for own, roles in slots:
        _parse_people(result, own, roles)
    for group in (deal, account, *(g for pair in slots for g in pair)):
        group.cells.clear()


def _parse_people(result: Ingested, own: Group, roles: Group) -> None:
    reader = Reader(result.plan, own.columns, result.formats)
    contacts_from, roles_from = len(result.contacts), len(result.roles)
    slot = own.columns[0].slot
    named_role = slot.replace("_", " ").capitalize() if slot.isidentifier() else ""
    for cells, weight in zip(own.cells, own.weights, strict=True):
        contacts = reader.contacts(cells)
        for part in contacts:
            part.weight, part.home = weight, result.plan.kind == "contacts"
            if part.home:
                part.person_role = reader.role(cells)[0]
        result.contacts.append(contacts)
    reader = Reader(result.plan, roles.columns, result.formats)
    for cells in roles.cells:
        label, primary = reader.role(cells)
        result.roles.append((label or named_role, primary))
    people = array("l", (n + contacts_from for n in own.per_row))
    labels = array("l", (n + roles_from for n in roles.per_row))
    result.people_of.append((people, labels))

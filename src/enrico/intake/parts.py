"""What single rows say about deals, accounts and contacts, before they are matched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import orjson

from enrico.domain.identity import account_name_key, check_email, record_id, registrable_domain
from enrico.domain.records import Outcome
from enrico.domain.word_tables import word_set
from enrico.intake.cells import Cells, Native
from enrico.intake.columns import Column, Plan
from enrico.intake.dates import parse_date
from enrico.intake.evidence import SALESFORCE_ID
from enrico.intake.formats import Formats
from enrico.intake.people import Person, people_in, split_name
from enrico.intake.values import (
    cell_id,
    clean,
    currency_of,
    is_scientific,
    is_true,
    money,
    outcome_of_stage,
    says_open,
)
from enrico.intake.vocabulary import fold, words

_LISTED = re.compile(r"\([^)]*\)\s*[,;|\n].*\(|[;|\n]")
"""Surely more than one name: two with something in brackets, or marks that no name has."""
_EXPECTED = word_set(
    "expected forecast planned estimated target erwartet erwartetes voraussichtlich "
    "voraussichtliches geplant esperada esperado prevista previsto prevue prevu estimee verwachte"
)
"""Words of a column that says when a deal is to be closed."""


@dataclass(slots=True)
class AccountPart:
    """One spelling of an account."""

    id: str = ""
    name: str = ""
    domain: str = ""
    industry: str = ""
    country: str = ""
    bad_id: str = ""
    home: bool = False
    """Whether it stands in a table of accounts."""

    @property
    def is_empty(self) -> bool:
        """Nothing to know it by."""
        return not (self.id or self.name or self.domain)

    def columns(self) -> tuple[Any, ...]:
        """As ``account_part`` of the staging keeps it."""
        return (
            self.id, self.name, self.domain, self.industry, self.country, self.bad_id, self.home,
            account_name_key(self.name) if self.name else "",
        )  # fmt: skip


@dataclass(slots=True)
class ContactPart:
    """One spelling of a contact."""

    id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    title: str = ""
    department: str = ""
    phone: str = ""
    linkedin_url: str = ""
    role: str = ""
    """A role found beside the name in the same cell."""
    person_role: str = ""
    """A role that the CRM keeps on the person."""
    key: str = ""
    """The e-mail in its matching form."""
    name_key: str = ""
    """``Jane Doe``, ``DOE, Jane`` and ``doe  jane`` are one key."""
    usable: bool = False
    bad_id: str = ""
    home: bool = False

    @property
    def is_empty(self) -> bool:
        """Nobody: neither id nor name nor address."""
        return not (self.id or self.first_name or self.last_name or self.email or self.linkedin_url)

    def columns(self) -> tuple[Any, ...]:
        """As ``contact_part`` of the staging keeps it."""
        return (
            self.id, self.first_name, self.last_name, self.email, self.title, self.department,
            self.phone, self.linkedin_url, self.role, self.person_role, self.key, self.name_key,
            self.usable, self.bad_id, self.home,
        )  # fmt: skip


@dataclass(slots=True)
class DealPart:
    """One spelling of a deal."""

    id: str = ""
    name: str = ""
    stage: str = ""
    outcome: Outcome = ""
    amount: Decimal | None = None
    currency: str = ""
    close_date: date | None = None
    created_date: date | None = None
    owner: str = ""
    role_fields: tuple[tuple[str, str], ...] = ()
    bad_id: str = ""
    home: bool = False
    row_is_deal: bool = False

    @property
    def is_empty(self) -> bool:
        """Says nothing of a deal."""
        return not (
            self.id or self.name or self.stage or self.close_date or self.amount is not None
        )

    def columns(self) -> tuple[Any, ...]:
        """As ``deal_part`` of the staging keeps it."""
        return (
            self.id, self.name, self.stage, self.outcome,
            "" if self.amount is None else str(self.amount), self.currency,
            self.close_date.isoformat() if self.close_date else "",
            self.created_date.isoformat() if self.created_date else "",
            self.owner, orjson.dumps(self.role_fields).decode(), self.bad_id, self.home,
            self.row_is_deal, name_key(self.name), self.is_empty,
        )  # fmt: skip


_LONGEST_SCIENTIFIC = 6
"""``4E+011`` without its sign: what is longer, and all letters and digits, is one sound id."""


def name_key(name: str) -> str:
    """Case, accents and spaces do not tell deals apart."""
    return " ".join(fold(name).split())


class Reader:
    """Cells of one group of columns (the deal's, the account's, one person's) into parts."""

    def __init__(self, plan: Plan, columns: Sequence[Column], formats: Formats) -> None:
        self._place = {c.index: i for i, c in enumerate(columns)}
        self._by_target: dict[str, list[Column]] = {}
        for column in sorted(columns, key=lambda c: (c.rank, c.index)):
            self._by_target.setdefault(column.target, []).append(column)
        self._is_reference = self._by_target.keys() == {"contact.id"}
        self._plan = plan
        self._formats = formats

    def _text(self, cells: Cells, target: str) -> str:
        """The first column of the field that is not empty."""
        for column in self._by_target.get(target, ()):
            text = clean(cells[self._place[column.index]])
            if text:
                return text
        return ""

    def _raw(self, cells: Cells, target: str) -> str:
        for column in self._by_target.get(target, ()):
            raw = cells[self._place[column.index]]
            if clean(raw):
                return raw
        return ""

    def _ids(self, cells: Cells, target: str) -> tuple[list[str], str]:
        """The ids of a cell (``;`` divides several), and the text of one that is destroyed."""
        for column in self._by_target.get(target, ()):
            raw = cells[self._place[column.index]]
            if not clean(raw):
                continue
            if len(raw) > _LONGEST_SCIENTIFIC and raw.isalnum() and not isinstance(raw, Native):
                return [record_id(raw)], ""
            pieces = [raw] if isinstance(raw, Native) else raw.split(";")
            bad = next((str(p).strip() for p in pieces if is_scientific(p)), "")
            found = [cell_id(p) for p in pieces if not is_scientific(p)]
            ids = [i for i in dict.fromkeys(found) if i]
            if ids or bad:
                return ids, bad
        return [], ""

    def _date(self, cells: Cells, target: str) -> date | None:
        return self._date_in(cells, self._by_target.get(target, ()))

    def _date_in(self, cells: Cells, columns: Sequence[Column]) -> date | None:
        for column in columns:
            text = clean(cells[self._place[column.index]])
            if not text:
                continue
            found = parse_date(text, self._formats.dates[column.index].order)
            if found is not None:
                return found
            self._formats.note_unread(column.header, text)
        return None

    def account(self, cells: Cells) -> list[AccountPart]:
        """None or one account. A name in an id column counts as the name."""
        ids, bad = self._ids(cells, "account.id")
        name = self._text(cells, "account.name")
        if ids and self._plan.crm == "hubspot" and not ids[0].isdigit():
            named = ids[0]
            ids = [i for i in ids if i.isdigit()]
            name = name or named
        elif ids and " " in ids[0]:
            name = name or ids[0]
            ids = []
        if ids and name and self._plan.kind != "accounts":
            name = name.split(";")[0].strip()
        part = AccountPart(
            ids[0] if ids else "",
            name,
            registrable_domain(self._text(cells, "account.domain")),
            (self._text(cells, "account.industry")),
            (self._text(cells, "account.country")),
            bad,
        )
        return [] if part.is_empty and not bad else [part]

    def deal(self, cells: Cells) -> list[DealPart]:
        """The deals that the cells name: one, or a list of ids on a contact's row."""
        ids, bad = self._ids(cells, "deal.id")
        name = self._text(cells, "deal.name")
        if len(ids) > 1 or (self._plan.kind == "contacts" and (ids or name)):
            names = [clean(n) for n in name.split(";")] if name else []
            if len(names) != len(ids) and ids:
                names = []
            return [DealPart(i, n, bad_id=bad) for i, n in zip_longest(ids, names, fillvalue="")]
        part = DealPart(ids[0] if ids else "", name, bad_id=bad)
        status, stage = self._text(cells, "deal.status"), self._text(cells, "deal.stage")
        part.stage = stage or status
        part.amount, part.currency = self._money(cells)
        won, lost = self._date(cells, "deal.won_time"), self._date(cells, "deal.lost_time")
        part.outcome = self._outcome(cells, status, stage, won, lost)
        part.close_date = self._closed(cells, part.outcome, won, lost)
        part.created_date = self._date(cells, "deal.created_date")
        part.owner = self._text(cells, "deal.owner")
        part.role_fields = tuple(
            sorted(
                (target.partition(".")[2], self._role_value(cells, target))
                for target in self._by_target
                if target.startswith("rolefield.") and self._text(cells, target)
            )
        )
        return [] if part.is_empty and not bad else [part]

    def _closed(
        self, cells: Cells, outcome: Outcome, won: date | None, lost: date | None
    ) -> date | None:
        """When a deal was closed, or is to be; of one that is closed not when it was to be."""
        columns = self._by_target.get("deal.close_date", ())
        if outcome not in ("won", "lost"):
            return self._date_in(cells, columns)
        expected = [c for c in columns if _EXPECTED & {*words(c.header)}]
        said = self._date_in(cells, [c for c in columns if c not in expected])
        by_time = won if outcome == "won" else lost
        return said or by_time or self._date_in(cells, expected)

    def _role_value(self, cells: Cells, target: str) -> str:
        text = self._text(cells, target)
        return cell_id(text) if SALESFORCE_ID.fullmatch(text) else text

    def _money(self, cells: Cells) -> tuple[Decimal | None, str]:
        amount, currency = None, ""
        for column in self._by_target.get("deal.amount", ()):
            raw = cells[self._place[column.index]]
            if not clean(raw):
                continue
            amount, currency = money(
                raw if isinstance(raw, Native) else clean(raw), self._formats.decimal
            )
            if amount is not None:
                currency = currency or currency_of(column.note) or currency_of(column.header)
                break
            self._formats.note_unread(column.header, clean(raw))
        named = self._text(cells, "deal.currency")
        code = currency_of(named) if named else currency
        return amount, (code or (named.upper() if len(named) == 3 else "") or currency)

    def _outcome(
        self, cells: Cells, status: str, stage: str, won: date | None, lost: date | None
    ) -> Outcome:
        flags = {t: self._flag(cells, t) for t in ("deal.is_won", "deal.is_lost", "deal.is_closed")}
        if flags["deal.is_won"]:
            return "won"
        if flags["deal.is_lost"]:
            return "lost"
        said = outcome_of_stage(status) if status else ""
        by_stage = outcome_of_stage(stage)
        if flags["deal.is_closed"]:
            if flags["deal.is_won"] is False:
                return "lost"
            return (
                said if said in ("won", "lost") else by_stage if by_stage in ("won", "lost") else ""
            )
        neither = flags["deal.is_won"] is False and flags["deal.is_lost"] is False
        if flags["deal.is_closed"] is False or neither:
            return "open"
        if said in ("won", "lost"):
            return said
        if says_open(status):  # a stage may be called what you like: "Demo booked"
            return "open"
        if by_stage in ("won", "lost"):
            return by_stage
        if won and not lost:
            return "won"
        if lost and not won:
            return "lost"
        return said or by_stage

    def _flag(self, cells: Cells, target: str) -> bool | None:
        """Empty counts as no, but only in a column that says yes somewhere."""
        for column in self._by_target.get(target, ()):
            found = is_true(cells[self._place[column.index]])
            if found is not None and column.values:
                return found
        return None

    def contacts(self, cells: Cells) -> list[ContactPart]:
        """The people of one group of cells: none, one, or those listed in a cell."""
        ids, bad = self._ids(cells, "contact.id")
        if self._is_reference and len(ids) < 2:
            return [ContactPart("".join(ids), bad_id=bad)] if ids or bad else []
        listed = self._raw(cells, "contact.people")
        if listed and not ids:
            return self._people(cells, people_in(listed))
        if len(ids) > 1 or (ids and listed):
            names = [n for n in (listed or self._raw(cells, "contact.name")).split(";") if clean(n)]
            if len(names) != len(ids):
                names = []
            pairs = zip_longest(ids, names, fillvalue="")
            return [_keyed(ContactPart(i, *split_name(n), bad_id=bad)) for i, n in pairs]
        first, last = (
            self._text(cells, "contact.first_name"),
            self._text(cells, "contact.last_name"),
        )
        if not (first and last):
            full = self._text(cells, "contact.name") or (first if " " in first and not last else "")
            # The first rows, by which columns are judged, may have a single name each.
            is_listed = not ids and self._plan.kind != "contacts" and _LISTED.search(full)
            if is_listed and len(people := people_in(full)) > 1:
                return self._people(cells, people)
            if full:
                first, last = split_name(full)
        part = ContactPart(
            ids[0] if ids else "",
            first,
            last,
            self._email(cells, f"{first} {last}".strip()),
            (self._text(cells, "contact.title")),
            (self._text(cells, "contact.department")),
            self._text(cells, "contact.phone"),
            self._text(cells, "contact.linkedin_url"),
            bad_id=bad,
        )
        if "@" in last and not part.email and check_email(last).key:
            part.email, part.last_name, part.first_name = last, "", ""
        return [] if part.is_empty and not bad else [_keyed(part)]

    def _email(self, cells: Cells, name: str) -> str:
        """The first address worth a look-up among the columns, else the first."""
        texts = [
            clean(cells[self._place[c.index]]) for c in self._by_target.get("contact.email", ())
        ]
        texts = [t for t in texts if t]
        return next((t for t in texts if check_email(t, name).usable), texts[0] if texts else "")

    def _people(self, cells: Cells, people: Sequence[Person]) -> list[ContactPart]:
        emails = _pieces(self._raw(cells, "contact.email"))
        titles = _pieces(self._raw(cells, "contact.title"))
        found = []
        for place, person in enumerate(people):
            first, last = split_name(person.name)
            email = person.email or (emails[place] if len(emails) == len(people) else "")
            title = person.title or (titles[place] if len(titles) == len(people) else "")
            found.append(_keyed(ContactPart("", first, last, email, title, role=person.role)))
        return found

    def role(self, cells: Cells, crm_role: bool = True) -> tuple[str, bool]:
        """The role's label and whether this is the deal's primary contact."""
        labels = [self._text(cells, "contact.role_label")]
        labels += [
            target.partition(".")[2].replace("_", " ").capitalize()
            for target, columns in self._by_target.items()
            if target.startswith("roleflag.") and is_true(cells[self._place[columns[0].index]])
        ]
        return ";".join(sorted({x for x in labels if x})), bool(
            is_true(self._text(cells, "contact.primary"))
        )


def _pieces(text: str) -> list[str]:
    marks = ";" if ";" in text else "\n" if "\n" in text.strip() else ","
    return [clean(p) for p in text.split(marks) if clean(p)]


def _keyed(part: ContactPart) -> ContactPart:
    if part.first_name or part.last_name:
        whole = fold(f"{part.first_name} {part.last_name}").replace(".", " ")
        part.name_key = " ".join(sorted(whole.split()))
    if part.email:
        found = check_email(part.email, f"{part.first_name} {part.last_name}".strip())
        part.key, part.usable = found.key, found.usable
    return part

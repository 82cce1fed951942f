"""Which spellings are the same person: by id, then by e-mail, then by name and account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from enrico.intake.merge import OWN_TABLE, Said, made_id, text, votes_of
from enrico.intake.staging import Staging

# A person on a row, once for each account that they are said with. "seq" is the first row and slot,
# "via" the account's cells there where that is a list of contacts, "own" whether any of the rows
# names an account, "speaks" whether the part says more than an id of elsewhere.
_SCHEMA = """
CREATE TABLE known_contact(id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE contact_said(people INTEGER, whose TEXT, place INTEGER, part INTEGER, seq INTEGER,
    via INTEGER, own INTEGER, speaks INTEGER, contact TEXT,
    PRIMARY KEY (people, whose, place)) WITHOUT ROWID;
CREATE TABLE contact_email(key TEXT, contact TEXT, PRIMARY KEY (key, contact)) WITHOUT ROWID;
CREATE TABLE contact_name(name_key TEXT, contact TEXT,
    PRIMARY KEY (name_key, contact)) WITHOUT ROWID;
CREATE TABLE contact_vote(contact TEXT, account TEXT, votes INTEGER,
    PRIMARY KEY (contact, account)) WITHOUT ROWID;
CREATE TABLE member(contact TEXT, part INTEGER, PRIMARY KEY (contact, part)) WITHOUT ROWID;
CREATE TABLE contact(id TEXT PRIMARY KEY, account TEXT, first_name TEXT, last_name TEXT,
    email TEXT, title TEXT, department TEXT, phone TEXT, linkedin_url TEXT, role_label TEXT,
    key TEXT, usable INTEGER) WITHOUT ROWID;
"""

_KNOWN = """INSERT OR IGNORE INTO known_contact SELECT id FROM contact_part
    WHERE id <> '' AND (home OR email <> '' OR last_name <> '' OR first_name <> '') ORDER BY id"""

_SAID = """INSERT INTO contact_said
    SELECT m.people, p.whose, c.place, c.part, (m.n << 12) + m.slot,
        iif(p.kind = 'contacts' AND p.beside <> '', m.account, 0), p.beside <> '',
        c.home OR c.first_name || c.last_name || c.email || c.title || c.department || c.phone
            || c.linkedin_url <> '',
        iif(EXISTS (SELECT 1 FROM known_contact k WHERE k.id = c.id), c.id, '')
    FROM mention m
    CROSS JOIN pair p ON p.deal = m.deal AND p.account = m.account
    CROSS JOIN contact_part c ON c.cells = m.people
    ORDER BY m.n, m.slot
    ON CONFLICT DO UPDATE SET own = 1 WHERE excluded.own > own"""

_WITHOUT_ID = """SELECT s.people, s.whose, s.place, c.key, c.name_key, c.usable,
        coalesce(nullif(c.linkedin_url, ''), c.email), w.rows
    FROM contact_said s JOIN contact_part c ON c.part = s.part JOIN weight w ON w.cells = s.people
    WHERE s.contact = '' AND c.id = ''
        AND c.first_name || c.last_name || c.email || c.linkedin_url <> ''"""

_INDEX = (
    """INSERT OR IGNORE INTO contact_email SELECT c.key, s.contact
    FROM contact_said s JOIN contact_part c ON c.part = s.part
    WHERE s.contact <> '' AND c.key <> '' ORDER BY 1, 2""",
    """INSERT OR IGNORE INTO contact_name SELECT c.name_key, s.contact
    FROM contact_said s JOIN contact_part c ON c.part = s.part
    WHERE s.contact <> '' AND c.name_key <> '' ORDER BY 1, 2""",
)
_VOTES = f"""INSERT OR REPLACE INTO contact_vote
    SELECT s.contact, s.whose, sum(w.rows + iif(c.home, {OWN_TABLE}, 0))
    FROM contact_said s JOIN contact_part c ON c.part = s.part JOIN weight w ON w.cells = s.people
    WHERE s.contact <> '' AND s.whose <> '' GROUP BY s.contact, s.whose"""

_EMAIL = "SELECT min(contact), count(*) FROM contact_email x WHERE key = ?"
_EMAIL_AND_NAME = f"""{_EMAIL}
    AND contact IN (SELECT contact FROM contact_name WHERE name_key = ?)"""
_NAME = "SELECT min(contact), count(*) FROM contact_name x WHERE name_key = ?"
_AND_ACCOUNT = """ AND EXISTS
    (SELECT 1 FROM contact_vote v WHERE v.contact = x.contact AND v.account = ?)"""
_AND_NO_ACCOUNT = " AND NOT EXISTS (SELECT 1 FROM contact_vote v WHERE v.contact = x.contact)"

_MEMBERS = """INSERT OR IGNORE INTO member
    SELECT contact, part FROM contact_said WHERE contact <> '' AND speaks ORDER BY contact, part"""

_PARTS = """SELECT m.contact, coalesce((SELECT account FROM contact_vote v
        WHERE v.contact = m.contact ORDER BY votes DESC, account LIMIT 1), ''),
        c.home, w.rows, c.first_name, c.last_name, c.email, c.title, c.department, c.phone,
        c.linkedin_url, c.person_role, c.key, c.usable
    FROM member m CROSS JOIN contact_part c ON c.part = m.part
    CROSS JOIN weight w ON w.cells = c.cells ORDER BY m.contact"""

Found = tuple[str, str]
"""A contact's id, and what it was found by; empty when it is new."""


class Contacts:
    """All contacts of an intake: ``resolve`` puts them on their parts, ``fold`` makes records."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self.matched: Counter[str] = Counter()
        staging.create(_SCHEMA)

    def resolve(self) -> None:
        """Give every person on every row an id; ids alone only where the contact is there."""
        self._staging.run(_KNOWN)
        self._staging.run(_SAID)
        self._place("c.key <> ''", self._by_address)
        self._place("c.key = ''", self._by_own_name)
        self._staging.run(_VOTES)

    def _place(self, which: str, find: Callable[..., Found]) -> None:
        query = f"{_WITHOUT_ID} AND {which}"
        if self._staging.one(f"{query} LIMIT 1") is None:
            return
        for statement in (*_INDEX, _VOTES):
            self._staging.run(statement)
        change = """UPDATE contact_said SET contact = ?
            WHERE people = ? AND whose = ? AND place = ?"""
        for parts in self._staging.pages(query, "s.people", "s.whose", "s.place"):
            placed = []
            for people, account_id, place, *part, rows in parts:
                contact_id, how = find(account_id, *part)
                self.matched[how] += rows if how else 0
                placed.append((contact_id, people, account_id, place))
            self._staging.run_many(change, placed)

    def _by_address(self, account_id: str, key: str, name: str, usable: bool, _: str) -> Found:
        # In a shared mailbox the name tells who.
        query, values = (_EMAIL, [key]) if usable else (_EMAIL_AND_NAME, [key, name])
        found = self._one(query, values, account_id, key)
        new = f"e:{key}" if usable else f"e:{key}|{name}"
        return (found, "e-mail") if found else (made_id("c", new), "")

    def _by_own_name(
        self, account_id: str, key: str, name: str, usable: bool, address: str
    ) -> Found:
        if not name:
            return made_id("c", f"l:{address}"), ""
        if account_id:
            same = self._one(_NAME + _AND_ACCOUNT, [name, account_id], "", name)
            if same:
                return same, "name and account"
        free, count = self._staging.one(_NAME + (_AND_NO_ACCOUNT if account_id else ""), name)
        return (free, "name") if count == 1 else (made_id("c", f"n:{name}|{account_id}"), "")

    def _one(self, query: str, values: Sequence[str], account_id: str, what: str) -> str:
        """The contact found; of several one of the same account; of several such the first."""
        found, count = self._staging.one(query, *values)
        if count > 1 and account_id:
            here, many = self._staging.one(query + _AND_ACCOUNT, *values, account_id)
            found, count = (here, many) if here else (found, count)
        if count > 1:
            self._staging.doubt("contacts", what)
        return found or ""

    # -- records ----------------------------------------------------------------------------

    def fold(self) -> None:
        """Make the records; those without an account may find one by their e-mail later."""
        self._staging.run(_MEMBERS)
        rows = self._staging.rows(_PARTS)
        for (contact_id, account_id), said in groupby(rows, key=itemgetter(0, 1)):
            parts = [part[2:] for part in said]
            self._staging.add("contact", (contact_id, account_id, *_record(parts)))
        self._staging.flush()

    def duplicates(self) -> tuple[int, int]:
        """How many contacts share an e-mail with another, and how many people they are."""
        query = """SELECT coalesce(sum(records), 0), count(*) FROM (SELECT count(*) AS records
            FROM contact WHERE usable GROUP BY key HAVING count(*) > 1)"""
        records, people = self._staging.one(query)
        return int(records), int(people)


_EMAIL_PLACE, _KEY_PLACE, _USABLE_PLACE = 4, 10, 11


def _record(parts: list[Said]) -> tuple[Any, ...]:
    if len(parts) == 1:
        return tuple(parts[0][2:])
    usable = [part for part in parts if part[_USABLE_PLACE]] or parts
    email = text(usable, _EMAIL_PLACE)
    key, is_usable = next(
        (part[_KEY_PLACE], part[_USABLE_PLACE]) for part in usable if part[_EMAIL_PLACE] == email
    ) if email else ("", False)  # fmt: skip
    return *_name(parts), email, *(text(parts, place) for place in range(5, 10)), key, is_usable


def _name(parts: list[Said]) -> tuple[str, str]:
    """First and last name from one spelling, so that no two people are mixed."""
    votes: Counter[tuple[str, str]] = Counter()
    for part in parts:
        _, _, first, last, *_ = part
        if first or last:
            votes[first, last] += votes_of(part)
    if not votes:
        return "", ""
    whole = [pair for pair in votes if all(pair)] or list(votes)
    return min(whole, key=lambda pair: (-votes[pair], -len("".join(pair)), pair))

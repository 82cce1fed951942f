"""All tables joined: accounts, then deals, then contacts, then who is on which deal.

Each step is a few statements over the staging, so that memory does not grow with the tables.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any

from enrico.domain.identity import registrable_domain
from enrico.intake.ingest import FROM_LINKS, Ingested
from enrico.intake.link_accounts import Accounts
from enrico.intake.link_contacts import Contacts
from enrico.intake.link_deals import Deals
from enrico.intake.readings import name_of
from enrico.intake.records import Intake
from enrico.intake.result import Unusable
from enrico.intake.telling import Counts, reason_of, say

_SCHEMA = """
CREATE TABLE seat(deal TEXT, contact TEXT, label TEXT, is_primary INTEGER,
    PRIMARY KEY (deal, contact)) WITHOUT ROWID;
CREATE TABLE mail_domain(account TEXT, domain TEXT,
    PRIMARY KEY (account, domain)) WITHOUT ROWID;
"""

_SEATS = """INSERT INTO seat
    SELECT d.deal, c.contact, coalesce(nullif(x.role, ''), iif(p.kind = 'contacts', '', r.label)),
        r.is_primary
    FROM mention m
    CROSS JOIN pair p ON p.deal = m.deal AND p.account = m.account
    CROSS JOIN deal_said d ON d.cells = m.deal AND d.said = p.said
    CROSS JOIN contact_said c ON c.people = m.people AND c.whose = p.whose
    CROSS JOIN contact_part x ON x.part = c.part
    CROSS JOIN role r ON r.cells = m.role
    WHERE d.deal <> '' AND c.contact <> ''
    ORDER BY d.deal, c.contact, m.n, m.slot, c.place
    ON CONFLICT DO UPDATE SET label = merged(label, excluded.label),
        is_primary = max(is_primary, excluded.is_primary)"""

# Rows with what came of them: an account, a deal, a contact.
_OUTCOMES = """SELECT * FROM (
    SELECT m.n, m.number, m.deal AS deal_cells, m.account AS account_cells,
        p.beside <> '' AS account,
        EXISTS (SELECT 1 FROM deal_said d
            WHERE d.cells = m.deal AND d.said = p.said AND d.deal <> '') AS deal,
        max(EXISTS (SELECT 1 FROM contact_said c
            WHERE c.people = m.people AND c.whose = p.whose AND c.contact <> '')) AS contact
    FROM mention m CROSS JOIN pair p ON p.deal = m.deal AND p.account = m.account
    WHERE m.n BETWEEN ? AND ? GROUP BY m.n)"""

# What a table is for: a row that gave none of it is reported.
_GOOD = {
    "deals": "deal",
    "accounts": "account",
    "contacts": "contact",
    "deal_contacts": "deal AND contact",
    "flat": "(deal OR contact)",
}

_PLACED_DEALS = """SELECT how, count(*) FROM (SELECT d.deal, a.how, max(p.first)
    FROM pair p JOIN deal_said d ON d.cells = p.deal AND d.said = p.said
    JOIN account_part a ON a.cells = p.account
    WHERE p.beside <> '' AND p.kind IN ('deals', 'flat') AND d.deal <> '' GROUP BY d.deal)
    GROUP BY how"""
_PLACED_CONTACTS = """SELECT how, count(*) FROM (SELECT c.contact, a.how, max(c.seq)
    FROM contact_said c JOIN account_part a ON a.cells = c.via
    WHERE c.via > 0 AND c.contact <> '' GROUP BY c.contact) GROUP BY how"""

_MISSING = {
    "deal": """SELECT p.first FROM pair p JOIN deal_said d ON d.cells = p.deal AND d.said = p.said
        WHERE d.deal = ''""",
    "contact": "SELECT seq >> 12 FROM contact_said WHERE contact = ''",
}

_TAKEN = """SELECT count(*) FROM contact WHERE account <> ''
    AND id NOT IN (SELECT contact FROM contact_said WHERE own)"""

_ALONE = """FROM deal d JOIN contact c ON c.account = d.account
    WHERE d.account <> '' AND NOT EXISTS (SELECT 1 FROM seat s WHERE s.deal = d.id)"""

NO_LINKS = "No row says which contact is on which deal"


def link(tables: list[Ingested], result: Intake) -> None:
    """Make the records, say what was matched, and report what could not be joined."""
    _Linking(tables, result).run()


def share_by_account(intake: Intake) -> None:
    """Put all contacts of an account on those of its deals that have none of their own."""
    staging = intake.staging
    staging.run("CREATE INDEX IF NOT EXISTS contacts_of_account ON contact(account)")
    alone = staging.value(f"SELECT count(DISTINCT d.id) {_ALONE}")
    staging.run(f"INSERT INTO seat SELECT d.id, c.id, '', 0 {_ALONE}")
    if alone:
        intake.warnings[:] = [w for w in intake.warnings if not w.startswith(NO_LINKS)]
        intake.matches.append(
            f"{alone} deals without contacts of their own took all contacts of their account"
        )


class _Linking:
    def __init__(self, tables: list[Ingested], result: Intake) -> None:
        self._tables = tables
        self._result = result
        self._staging = result.staging
        self._staging.create(_SCHEMA)
        self._staging.function("merged", _merged)
        self._accounts = Accounts(self._staging)
        self._deals = Deals(self._staging)
        self._contacts = Contacts(self._staging)
        self._counts = Counts()

    def run(self) -> None:
        counts, staging = self._counts, self._staging
        self._accounts.resolve()
        self._deals.resolve(self._tables)
        self._contacts.resolve()
        links = staging.run(_SEATS)
        counts.repeated = links - len(self._result.deal_contacts)
        for one in self._tables:
            self._judge(one)
        self._accounts.fold()
        self._contacts.fold()
        self._deals.fold()
        counts.taken = staging.value(_TAKEN)
        counts.by_mail = self._accounts_from_emails()
        counts.of_contacts = self._deals_without_account()
        self._note_mail_domains()
        counts.with_domain, counts.shared_domains = self._accounts.take_domains()
        counts.matched = {
            "rows of deals": self._deals.matched,
            "mentions of contacts": self._contacts.matched,
        }
        counts.placed = {
            "contacts": dict(staging.rows(_PLACED_CONTACTS)),
            "deals": dict(staging.rows(_PLACED_DEALS)),
        }
        counts.duplicates = self._contacts.duplicates()
        counts.missing = self._missing()
        say(self._result, counts)

    def _judge(self, one: Ingested) -> None:
        """Did each row give what its table is for? If not, say why."""
        good = _GOOD[one.plan.kind]
        where = "" if one.has_bad_ids else f" WHERE NOT ({good})"
        query = f"SELECT *, {good} FROM ({_OUTCOMES}{where})"
        for n, number, deal_cells, account_cells, _, deal, _, is_good in self._staging.rows(
            query, *one.rows
        ):
            bad = self._bad_id(n, deal_cells, account_cells) if one.has_bad_ids else ""
            if is_good:
                if bad:
                    self._counts.note_bad_id(name_of(one), number)
                continue
            says_deal = self._staging.has("deal_part WHERE cells = ?", deal_cells)
            says_contact = self._staging.has(
                "mention m JOIN contact_part c ON c.cells = m.people WHERE m.n = ?", n
            )
            reason, mend = reason_of(one, bool(deal), says_deal, says_contact, bad)
            row = Unusable(one.table.path, one.table.sheet, number, reason, mend)
            self._result.unusable.add(row, FROM_LINKS)

    def _bad_id(self, n: int, deal_cells: int, account_cells: int) -> str:
        """The first id of a row that a spreadsheet destroyed."""
        query = """SELECT bad_id FROM (
            SELECT bad_id, 0 AS slot, place FROM deal_part WHERE cells = ?
            UNION ALL SELECT bad_id, 1, 0 FROM account_part WHERE cells = ?
            UNION ALL SELECT c.bad_id, 2 + m.slot, c.place
                FROM mention m JOIN contact_part c ON c.cells = m.people WHERE m.n = ?)
            WHERE bad_id <> '' ORDER BY slot, place"""
        found = self._staging.one(query, deal_cells, account_cells, n)
        return found[0] if found else ""

    def _missing(self) -> Counter[tuple[str, str]]:
        """For each table and kind of record: links to such that are not in the exports."""
        ends = [one.rows[1] for one in self._tables]
        missing: Counter[tuple[str, str]] = Counter()
        for kind, query in _MISSING.items():
            for (n,) in self._staging.rows(query):
                one = self._tables[bisect_left(ends, n)]
                if one.plan.kind != "deal_contacts":
                    missing[name_of(one), kind] += 1
        return missing

    def _accounts_from_emails(self) -> int:
        """Contacts without an account join, or make, that of their e-mail's domain."""
        taken = 0
        query = "SELECT id, key FROM contact WHERE account = '' AND usable"
        for contacts in self._staging.pages(query, "id"):
            domains = [(registrable_domain(key), id_) for id_, key in contacts]
            found = [(self._accounts.by_domain(domain), id_) for domain, id_ in domains if domain]
            self._staging.run_many("UPDATE contact SET account = ? WHERE id = ?", found)
            taken += len(found)
        return taken

    def _deals_without_account(self) -> int:
        """Deals without an account take that of their contacts, where these agree."""
        return self._staging.run(
            """UPDATE deal SET account = found.account FROM (
                SELECT d.id, min(c.account) AS account FROM deal d
                CROSS JOIN seat s ON s.deal = d.id CROSS JOIN contact c ON c.id = s.contact
                WHERE d.account = '' AND c.account <> ''
                GROUP BY d.id HAVING count(DISTINCT c.account) = 1) AS found
            WHERE found.id = deal.id"""
        )

    def _note_mail_domains(self) -> None:
        """For accounts without a website: the domains of their contacts' e-mails."""
        self._staging.run_many(
            "INSERT OR IGNORE INTO mail_domain VALUES (?, ?)", self._mail_domains()
        )

    def _mail_domains(self) -> Iterator[Any]:
        query = """SELECT c.account, c.key FROM contact c JOIN account a ON a.id = c.account
            WHERE c.usable AND a.domain = ''"""
        for account_id, key in self._staging.rows(query):
            domain = registrable_domain(key)
            if domain:
                yield account_id, domain


def _merged(before: str, label: str) -> str:
    """The roles of a contact that a deal lists twice: both, in a fixed order."""
    if label and label != before:
        label = ";".join(sorted({*filter(None, before.split(";")), *label.split(";")}))
    return label or before

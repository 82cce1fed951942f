"""Which rows are the same deal: by id, then by name and account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from enrico.intake.ingest import Ingested
from enrico.intake.merge import OWN_TABLE, Said, chosen, made_id, text
from enrico.intake.staging import Staging

# A pair: the cells of a deal and of an account on one row, first on row "first". "beside" is that
# account, "said" the one that the deal is looked for with, "whose" that of the row's people; they
# differ in a list of contacts, and where a row names no account but its deal does.
_SCHEMA = """
CREATE TABLE pair(deal INTEGER, account INTEGER, first INTEGER, kind TEXT, beside TEXT,
    said TEXT, whose TEXT, PRIMARY KEY (deal, account)) WITHOUT ROWID;
CREATE TABLE deal_said(cells INTEGER, said TEXT, place INTEGER, part INTEGER, pairs INTEGER,
    deal TEXT NOT NULL DEFAULT '', PRIMARY KEY (cells, said, place)) WITHOUT ROWID;
CREATE TABLE deal_name(name_key TEXT, deal TEXT, PRIMARY KEY (name_key, deal)) WITHOUT ROWID;
CREATE TABLE deal_beside(deal TEXT, account TEXT, PRIMARY KEY (deal, account)) WITHOUT ROWID;
CREATE TABLE deal_account(deal TEXT PRIMARY KEY, account TEXT) WITHOUT ROWID;
CREATE TABLE loose(name_key TEXT, account TEXT, cells INTEGER, place INTEGER, part INTEGER,
    PRIMARY KEY (name_key, account, cells, place)) WITHOUT ROWID;
CREATE TABLE deal(id TEXT PRIMARY KEY, account TEXT, name TEXT, stage TEXT, outcome TEXT,
    amount TEXT, currency TEXT, close_date TEXT, created_date TEXT, owner TEXT, role_fields TEXT
    ) WITHOUT ROWID;
"""

_PAIRS = """INSERT INTO pair(deal, account, first, kind, beside, said, whose)
    SELECT deal, account, first, ?1, beside, iif(?1 = 'contacts', '', beside), beside FROM (
        SELECT m.deal, m.account, m.first, coalesce(a.account, '') AS beside
        FROM (SELECT deal, account, min(n) AS first FROM mention
              WHERE slot = 0 AND n BETWEEN ?2 AND ?3 GROUP BY deal, account) m
        LEFT JOIN account_part a ON a.cells = m.account)"""

_SAID = """INSERT INTO deal_said(cells, said, place, part, pairs)
    SELECT p.cells, pair.said, p.place, p.part, count(*)
    FROM pair JOIN deal_part p ON p.cells = pair.deal GROUP BY p.part, pair.said"""

_BY_ID = """UPDATE deal_said SET deal = p.id FROM deal_part p
    WHERE p.part = deal_said.part AND p.id IN
        (SELECT id FROM deal_part WHERE id <> '' AND (home OR name <> ''))"""

_NAMES = """INSERT OR IGNORE INTO deal_name SELECT p.name_key, s.deal
    FROM deal_said s JOIN deal_part p ON p.part = s.part WHERE s.deal <> '' AND p.name <> ''"""

_BESIDE = "INSERT OR IGNORE INTO deal_beside SELECT deal, said FROM deal_said WHERE deal <> ''"

_WITH_ACCOUNT = """SELECT min(deal), count(*) FROM deal_name n WHERE name_key = ? AND EXISTS
    (SELECT 1 FROM deal_beside b WHERE b.deal = n.deal AND b.account = ?)"""
_WITHOUT_ACCOUNT = """SELECT min(deal), count(*) FROM deal_name n WHERE name_key = ? AND NOT EXISTS
    (SELECT 1 FROM deal_beside b WHERE b.deal = n.deal AND b.account <> '')"""
_ANY = "SELECT min(deal), count(*) FROM deal_name WHERE name_key = ?"

_LOOSE = """INSERT INTO loose SELECT p.name_key, s.said, s.cells, s.place, s.part
    FROM deal_said s JOIN deal_part p ON p.part = s.part
    WHERE s.deal = '' AND p.id = '' AND (p.name <> '' OR s.said <> '') AND NOT p.is_empty
    ORDER BY 1, 2"""

_ACCOUNTS = f"""INSERT INTO deal_account
    SELECT deal, account FROM (SELECT deal, account,
        row_number() OVER (PARTITION BY deal ORDER BY votes DESC, account) AS place
        FROM (SELECT s.deal, s.said AS account,
            sum(s.pairs + iif(p.home, {OWN_TABLE}, 0)) AS votes
            FROM deal_said s JOIN deal_part p ON p.part = s.part
            WHERE s.deal <> '' AND s.said <> '' GROUP BY s.deal, s.said))
    WHERE place = 1 ORDER BY deal"""

_WHOSE = """UPDATE pair SET whose = coalesce((SELECT d.account
    FROM deal_said s JOIN deal_account d ON d.deal = s.deal
    WHERE s.cells = pair.deal AND s.said = '' AND s.place = 0 AND s.deal <> ''), '')
    WHERE beside = '' AND kind <> 'contacts'"""

_OTHERS = (
    "SELECT count(DISTINCT account), min(account) FROM loose WHERE name_key = ? AND account <> ''"
)


Shape = tuple[str, str]


class Loose(NamedTuple):
    """A part without an id, and what tells deals of one name apart."""

    name_key: str
    account: str
    cells: int
    place: int
    close_date: str
    amount: str
    row_is_deal: bool
    rows: int

    @property
    def shape(self) -> Shape:
        """When it closes and what it is worth, in one form; empty where it does not say."""
        worth = f"{Decimal(self.amount).normalize():f}" if self.amount else ""
        return self.close_date, worth


class Deals:
    """All deals of an intake: ``resolve`` puts them on their parts, ``fold`` makes records."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self.matched: Counter[str] = Counter()
        staging.create(_SCHEMA)

    def resolve(self, tables: list[Ingested]) -> None:
        """Give every deal on every row its id; ids alone only where the deal itself is there."""
        run = self._staging.run
        for one in tables:
            run(_PAIRS, one.plan.kind, *one.rows)
        for statement in (_SAID, _BY_ID, _NAMES, _BESIDE, _LOOSE):
            run(statement)
        self._staging.run_many(
            "UPDATE deal_said SET deal = ? WHERE cells = ? AND said = ? AND place = ?",
            self._placed_by_name(),
        )
        run(_ACCOUNTS)
        run(_WHOSE)

    def _placed_by_name(self) -> Iterator[tuple[str, int, str, int]]:
        for name, spellings in groupby(self._loose(), key=itemgetter(0)):
            count, account = self._staging.one(_OTHERS, name)
            # The one account that has a deal of this name takes the rows that name no account.
            only = account if name and count == 1 else ""
            for account_id, parts in groupby(spellings, key=itemgetter(1)):
                for deal_id, part in self._place(name, account_id, only, list(parts)):
                    yield deal_id, part.cells, account_id, part.place

    def _loose(self, which: str = "", *values: str) -> Iterator[Loose]:
        query = f"""SELECT l.name_key, l.account, l.cells, l.place, p.close_date, p.amount,
            p.row_is_deal, w.rows FROM loose l JOIN deal_part p ON p.part = l.part
            JOIN weight w ON w.cells = l.cells {which} ORDER BY l.name_key, l.account"""
        return map(Loose._make, self._staging.rows(query, *values))

    def _place(
        self, name: str, account_id: str, only: str, parts: list[Loose]
    ) -> Iterator[tuple[str, Loose]]:
        found = self._find(name, account_id)
        if found:
            self.matched["name and account" if account_id else "name"] += sum(p.rows for p in parts)
            yield from ((found, part) for part in parts)
            return
        others: Iterator[Loose] = iter(())
        if only and account_id in (only, ""):
            other = "" if account_id else only
            others = self._loose("WHERE l.name_key = ? AND l.account = ?", name, other)
        deals = self._deals_of(name, account_id or only, [*parts, *others])
        yield from ((deals[part.shape], part) for part in parts)

    def _find(self, name: str, account_id: str) -> str:
        if not name:
            return ""
        if account_id:
            found, count = self._staging.one(_WITH_ACCOUNT, name, account_id)
            if not found:
                found, count = self._staging.one(_WITHOUT_ACCOUNT, name)
        else:
            found, count = self._staging.one(_ANY, name)
        if count > 1:
            self._staging.doubt("deals", name)
        return found or ""

    def _deals_of(self, name: str, account_id: str, parts: list[Loose]) -> dict[Shape, str]:
        """One deal, or several of the same name that differ in close date and amount."""
        strict = any(p.row_is_deal for p in parts) or not name
        shapes = {p.shape for p in parts}
        clusters: list[set[Shape]] = []
        for shape in sorted(shapes - {("", "")}):
            joined = [c for c in clusters if any(_same(shape, other, strict) for other in c)]
            clusters = [c for c in clusters if c not in joined]
            clusters.append({shape}.union(*joined))
        clusters.sort(key=min)
        base = f"{name}|{account_id}"
        if name and len(clusters) < 2:
            return dict.fromkeys(shapes, made_id("d", base))
        if name:
            self._staging.doubt("split", name)
        # Deals that have no name at all: what they are worth and when tells them apart.
        clusters = clusters or [{("", "")}]
        ids = [made_id("d", f"{base}|{min(cluster)}") for cluster in clusters]
        found = {
            shape: id_ for cluster, id_ in zip(clusters, ids, strict=True) for shape in cluster
        }
        return {("", ""): ids[0], **found}

    # -- records ----------------------------------------------------------------------------

    def fold(self) -> None:
        """Make the records; what they take from accounts and contacts is not in them yet."""
        query = """SELECT s.deal, coalesce(d.account, ''), p.home, w.rows, p.name, p.stage,
            p.outcome, p.amount, p.currency, p.close_date, p.created_date, p.owner, p.role_fields
            FROM deal_said s JOIN deal_part p ON p.part = s.part JOIN weight w ON w.cells = s.cells
            LEFT JOIN deal_account d ON d.deal = s.deal WHERE s.deal <> '' ORDER BY s.deal"""
        rows = map(_part, self._staging.rows(query))
        for (deal_id, account_id), said in groupby(rows, key=itemgetter(0, 1)):
            parts = [part[2:] for part in said]
            outcome = _outcome_of(parts)
            agreeing = [part for part in parts if part[4] == outcome]
            name = text(parts, 2)
            stage = text(agreeing, 3) or text(parts, 3)
            amount = chosen(agreeing, 5)
            amount = chosen(parts, 5) if amount is None else amount
            others = (text(agreeing, place) or text(parts, place) for place in range(6, 10))
            roles = orjson.dumps(chosen(parts, 10) or ()).decode()
            worth = "" if amount is None else str(amount)
            row = deal_id, account_id, name, stage, outcome, worth, *others, roles
            self._staging.add("deal", row)
        self._staging.flush()


def _outcome_of(parts: Sequence[Said]) -> str:
    """How a deal ended, though it is open elsewhere: in an export of an earlier day.

    What else is said of it is taken from rows that say the same, so that it fits.
    """
    return text([part for part in parts if part[4] in ("won", "lost")], 4) or text(parts, 4)


def _part(row: Any) -> tuple[Any, ...]:
    """Amounts are compared as numbers; roles by what stands in them."""
    *start, amount, currency, closed, created, owner, roles = row
    found = tuple((role, who) for role, who in orjson.loads(roles))
    worth = Decimal(amount) if amount else None
    return (*start, worth, currency, closed, created, owner, found)


def _same(one: Shape, other: Shape, strict: bool) -> bool:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a and b]
    if not pairs:
        return True
    return all(a == b for a, b in pairs) if strict else any(a == b for a, b in pairs)

"""Which spellings are the same account: by id, then by domain, then by name."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any

from enrico.intake.merge import made_id, text
from enrico.intake.staging import Staging

_SCHEMA = """
CREATE TABLE account_domain(domain TEXT, account TEXT,
    PRIMARY KEY (domain, account)) WITHOUT ROWID;
CREATE INDEX domains_of_account ON account_domain(account);
CREATE TABLE account_name(name_key TEXT, account TEXT,
    PRIMARY KEY (name_key, account)) WITHOUT ROWID;
CREATE TABLE account(id TEXT PRIMARY KEY, name TEXT, domain TEXT, industry TEXT, country TEXT,
    is_known INTEGER) WITHOUT ROWID;
"""
_DOMAIN = "SELECT min(account), count(*) FROM account_domain WHERE domain = ?"
_DOMAIN_AND_NAME = f"""{_DOMAIN}
    AND account IN (SELECT account FROM account_name WHERE name_key = ?)"""
_NAME = "SELECT min(account), count(*) FROM account_name WHERE name_key = ?"
_NAME_WITHOUT_DOMAIN = f"""{_NAME}
    AND NOT EXISTS (SELECT 1 FROM account_domain d WHERE d.account = account_name.account)"""


class Accounts:
    """All accounts of an intake: ``resolve`` puts them on their parts, ``fold`` makes records."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        staging.create(_SCHEMA)

    def resolve(self) -> None:
        """Give every part its account; the result does not depend on the order of parts."""
        self._staging.run("UPDATE account_part SET account = id, how = 'id' WHERE id <> ''")
        self._index()
        self._place("domain <> ''", self._by_domain_or_name)
        self._index()
        self._place("domain = '' AND name_key <> ''", self._by_name_only)
        self._index()

    def _index(self) -> None:
        """By what the placed parts are found; what was placed before stays."""
        self._staging.run(
            "INSERT OR IGNORE INTO account_domain SELECT domain, account FROM account_part "
            "WHERE account <> '' AND domain <> '' ORDER BY domain, account"
        )
        self._staging.run(
            "INSERT OR IGNORE INTO account_name SELECT name_key, account FROM account_part "
            "WHERE account <> '' AND name_key <> '' ORDER BY name_key, account"
        )

    def _place(self, which: str, find: Any) -> None:
        query = f"SELECT cells, name, domain, name_key FROM account_part WHERE id = '' AND {which}"
        for parts in self._staging.pages(query, "cells"):
            found = [(*find(*part), cells) for cells, *part in parts]
            change = "UPDATE account_part SET account = ?, how = ? WHERE cells = ?"
            self._staging.run_many(change, found)

    def _by_domain_or_name(self, name: str, domain: str, key: str) -> tuple[str, str]:
        found, count = self._staging.one(_DOMAIN, domain)
        if found:
            same_name, named_so = self._staging.one(_DOMAIN_AND_NAME, domain, key)
            found, count = (same_name, named_so) if same_name else (found, count)
            return self._one(found, count, name or domain), "domain"
        # The CRM's record without a website, named the same.
        found, count = self._staging.one(_NAME_WITHOUT_DOMAIN, key)
        if found:
            return self._one(found, count, name or domain), "name"
        return made_id("a", f"d:{domain}"), "domain"

    def _by_name_only(self, name: str, domain: str, key: str) -> tuple[str, str]:
        found, count = self._staging.one(_NAME, key)
        return (self._one(found, count, name) if found else made_id("a", f"n:{key}")), "name"

    def _one(self, found: str, count: int, what: str) -> str:
        if count > 1:
            self._staging.doubt("accounts", what)
        return found

    # -- records ----------------------------------------------------------------------------

    def fold(self) -> None:
        """Make the records, as yet without the domains that e-mails tell."""
        query = """SELECT p.account, p.home, w.rows, p.name, p.domain, p.industry, p.country
            FROM account_part p JOIN weight w ON w.cells = p.cells
            WHERE p.account <> '' ORDER BY p.account"""
        for account_id, said in groupby(self._staging.rows(query), key=itemgetter(0)):
            parts = [part[1:] for part in said]
            name, domain, industry, country = (text(parts, place) for place in range(2, 6))
            is_known = bool(name or domain) or any(home for home, *_ in parts)
            row = account_id, name, domain, industry, country, is_known
            self._staging.add("account", row)
        self._staging.flush()

    def by_domain(self, domain: str) -> str:
        """The one account with this domain; of several the first by id; none is made."""
        found = self._staging.one(_DOMAIN, domain)[0]
        if found:
            return str(found)
        account_id = made_id("a", f"d:{domain}")
        row = account_id, "", domain, "", "", True
        self._staging.run("INSERT INTO account_domain VALUES (?, ?)", domain, account_id)
        self._staging.run("INSERT OR IGNORE INTO account VALUES (?, ?, ?, ?, ?, ?)", *row)
        return account_id

    def take_domains(self) -> tuple[int, list[str]]:
        """Accounts without a website take the domain that all e-mails of their contacts share.

        How many did, and the domains that too many accounts would have had to share.
        """
        run = self._staging.run
        agreed = """FROM (SELECT account, min(domain) AS domain FROM mail_domain
            GROUP BY account HAVING count(*) = 1)"""
        query = f"SELECT domain {agreed} GROUP BY domain HAVING count(*) > 3 ORDER BY domain"
        many = [domain for (domain,) in self._staging.rows(query)]
        taken = run(
            f"UPDATE account SET domain = found.domain FROM (SELECT account, domain {agreed} "
            f"WHERE domain NOT IN (SELECT domain FROM ({query}))) AS found "
            "WHERE account.id = found.account"
        )
        return taken, many

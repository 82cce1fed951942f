"""Which spellings are the same account: by id, then by domain, then by name."""

from __future__ import annotations

from collections import defaultdict

from enrico.domain.identity import account_name_key
from enrico.domain.records import Account
from enrico.intake.merge import made_id, text
from enrico.intake.parts import AccountPart


class Accounts:
    """All accounts of an intake. Add every part, then ``resolve``, then ask for ids."""

    def __init__(self) -> None:
        self.ambiguous: set[str] = set()
        self._parts: list[AccountPart] = []
        self._members: dict[str, list[AccountPart]] = defaultdict(list)
        self._id_of: dict[int, str] = {}
        self._how: dict[int, str] = {}
        self._by_domain: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._domains: dict[str, set[str]] = defaultdict(set)

    def add(self, part: AccountPart) -> None:
        """Take note of one spelling."""
        self._parts.append(part)

    def id_of(self, part: AccountPart) -> str:
        """The id of the account that this spelling means; empty when it means none."""
        return self._id_of.get(id(part), "")

    def how(self, part: AccountPart) -> str:
        """What the spelling was matched by: ``id``, ``domain`` or ``name``."""
        return self._how.get(id(part), "")

    def is_known(self, account_id: str) -> bool:
        """Does any row say more of this account than its id?"""
        return bool(self._domains.get(account_id)) or any(
            p.name or p.home for p in self._members.get(account_id, ())
        )

    def by_domain(self, domain: str) -> str:
        """The one account with this domain; of several the first by id."""
        return min(self._by_domain.get(domain, ()), default="")

    def resolve(self) -> None:
        """Give every part its account; the result does not depend on the order of parts."""
        for part in self._parts:
            if part.id:
                self._put(part, part.id, "id")
        self._index()
        without = [p for p in self._parts if not p.id and not p.is_empty]
        fresh = [(p, *self._by_domain_or_name(p)) for p in without if p.domain]
        for part, account_id, how in fresh:
            self._put(part, account_id or made_id("a", f"d:{part.domain}"), how)
        self._index()
        names = [(p, *self._by_name_only(p)) for p in without if not p.domain]
        for part, account_id, how in names:
            key = account_name_key(part.name)
            if key or account_id:
                self._put(part, account_id or made_id("a", f"n:{key}"), how)
        self._index()

    def _put(self, part: AccountPart, account_id: str, how: str) -> None:
        self._members[account_id].append(part)
        self._how[id(part)] = how
        self._id_of[id(part)] = account_id

    def _index(self) -> None:
        self._by_domain.clear()
        self._by_name.clear()
        self._domains.clear()
        for account_id, parts in self._members.items():
            for part in parts:
                if part.domain:
                    self._by_domain[part.domain].add(account_id)
                    self._domains[account_id].add(part.domain)
                if part.name:
                    key = account_name_key(part.name)
                    if key:
                        self._by_name[key].add(account_id)

    def _by_domain_or_name(self, part: AccountPart) -> tuple[str, str]:
        key = account_name_key(part.name)
        same_name = self._by_name.get(key, set()) if key else set()
        found = self._by_domain.get(part.domain, set())
        if found:
            return self._one(found & same_name or found, part), "domain"
        # The CRM's record without a website, named the same.
        found = {a for a in same_name if not self._domains.get(a)}
        return (self._one(found, part), "name") if found else ("", "domain")

    def _by_name_only(self, part: AccountPart) -> tuple[str, str]:
        key = account_name_key(part.name)
        found = self._by_name.get(key, set()) if key else set()
        return (self._one(found, part) if found else ""), "name"

    def _one(self, found: set[str], part: AccountPart) -> str:
        if len(found) > 1:
            self.ambiguous.add(part.name or part.domain)
        return min(found)

    def records(self, domains: dict[str, str]) -> list[Account]:
        """The accounts, sorted by id; *domains* fills in for those without a website."""
        return [
            Account(
                account_id,
                text(parts, "name"),
                text(parts, "domain") or domains.get(account_id, ""),
                text(parts, "industry"),
                text(parts, "country"),
            )
            for account_id, parts in sorted(self._members.items())
        ]

    def without_domain(self) -> set[str]:
        """Ids of accounts for which no row names a website."""
        return {a for a in self._members if not self._domains.get(a)}

    def make(self, domain: str) -> str:
        """An account of which nothing is known but the domain of its people's e-mails."""
        account_id = made_id("a", f"d:{domain}")
        self._members[account_id].append(AccountPart(domain=domain, weight=1))
        self._by_domain[domain].add(account_id)
        self._domains[account_id].add(domain)
        return account_id

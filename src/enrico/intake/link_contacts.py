"""Which spellings are the same person: by id, then by e-mail, then by name and account."""

from __future__ import annotations

from collections import Counter, defaultdict

from enrico.domain.records import Contact
from enrico.intake.merge import made_id, text, votes_of
from enrico.intake.parts import ContactPart


class Contacts:
    """All contacts of an intake. Add every (part, account) pair, then ``resolve``."""

    def __init__(self) -> None:
        self.matched: Counter[str] = Counter()
        self.ambiguous: set[str] = set()
        self._said: dict[tuple[int, str], ContactPart] = {}
        self._members: dict[str, list[ContactPart]] = defaultdict(list)
        self._id_of: dict[tuple[int, str], str] = {}
        self._votes: dict[str, Counter[str]] = defaultdict(Counter)
        self._by_email: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)

    def add(self, part: ContactPart, account_id: str) -> None:
        """Take note of a person on a row."""
        self._said[id(part), account_id] = part

    def id_of(self, part: ContactPart, account_id: str) -> str:
        """The id of the contact meant; empty when the person is not in the exports."""
        return self._id_of.get((id(part), account_id), "")

    def resolve(self) -> None:
        """Give every pair its contact; references by id alone only to contacts that are there."""
        known = {
            p.id
            for p in self._said.values()
            if p.id and (p.home or p.email or p.last_name or p.first_name)
        }
        rest = []
        for (key, account_id), part in self._said.items():
            if part.id in known:
                self._put(key, account_id, part, part.id)
            elif not part.id and not part.is_empty:
                rest.append((key, account_id, part))
        self._index()
        mails = [r for r in rest if r[2].key]
        placed = [(*r, *self._by_address(r[2], r[1])) for r in mails]
        for key, account_id, part, contact_id, how in placed:
            self._put(key, account_id, part, contact_id)
            self.matched[how] += part.weight if how else 0
        self._index()
        others = [(*r, *self._by_own_name(r[2], r[1])) for r in rest if not r[2].key]
        for key, account_id, part, contact_id, how in others:
            self._put(key, account_id, part, contact_id)
            self.matched[how] += part.weight if how else 0

    def _put(self, key: int, account_id: str, part: ContactPart, contact_id: str) -> None:
        members = self._members[contact_id]
        if not any(part is member for member in members[-3:]):
            members.append(part)
        self._id_of[key, account_id] = contact_id
        if account_id:
            self._votes[contact_id][account_id] += votes_of(part)

    def _index(self) -> None:
        self._by_email.clear()
        self._by_name.clear()
        for contact_id, parts in self._members.items():
            for part in parts:
                if part.key:
                    self._by_email[part.key].add(contact_id)
                name = part.name_key
                if name:
                    self._by_name[name].add(contact_id)

    def _by_address(self, part: ContactPart, account_id: str) -> tuple[str, str]:
        name = part.name_key
        found = self._by_email.get(part.key, set())
        if not part.usable:  # a shared mailbox: the name tells who
            found = {c for c in found if name and c in self._by_name.get(name, ())}
            if not found:
                return made_id("c", f"e:{part.key}|{name}"), ""
        if not found:
            return made_id("c", f"e:{part.key}"), ""
        return self._one(found, account_id, part.key), "e-mail"

    def _by_own_name(self, part: ContactPart, account_id: str) -> tuple[str, str]:
        name = part.name_key
        if not name:
            return made_id("c", f"l:{part.linkedin_url or part.email}"), ""
        found = self._by_name.get(name, set())
        same = {c for c in found if account_id and account_id in self._votes.get(c, ())}
        free = {c for c in found if not account_id or not self._votes.get(c)}
        if same:
            return self._one(same, account_id, name), "name and account"
        if len(free) == 1:
            return next(iter(free)), "name"
        return made_id("c", f"n:{name}|{account_id}"), ""

    def _one(self, found: set[str], account_id: str, what: str) -> str:
        if len(found) > 1:
            here = {c for c in found if account_id and account_id in self._votes.get(c, ())}
            found = here or found
        if len(found) > 1:
            self.ambiguous.add(what)
        return min(found)

    def accounts(self) -> dict[str, str]:
        """Contact → the account that its own rows name most; empty when none does."""
        return {c: _most(self._votes[c]) if c in self._votes else "" for c in self._members}

    def best_emails(self) -> dict[str, ContactPart]:
        """Contact → the part with the e-mail that counts."""
        result = {}
        for contact_id, parts in self._members.items():
            email = text([p for p in parts if p.usable] or parts, "email")
            if email:
                result[contact_id] = next(p for p in parts if p.email == email)
        return result

    def duplicates(self) -> tuple[int, int]:
        """How many contacts share an e-mail with another, and how many people they are."""
        count: Counter[str] = Counter(p.key for p in self.best_emails().values() if p.usable)
        shared = [n for n in count.values() if n > 1]
        return sum(shared), len(shared)

    def records(self, accounts: dict[str, str]) -> list[Contact]:
        """The contacts, sorted by id."""
        result = []
        for contact_id, parts in sorted(self._members.items()):
            usable = [p for p in parts if p.usable] or parts
            result.append(
                Contact(
                    contact_id, accounts.get(contact_id, ""), *_name(parts), text(usable, "email"),
                    text(parts, "title"), text(parts, "department"), text(parts, "phone"),
                    text(parts, "linkedin_url"), text(parts, "person_role"),
                )
            )  # fmt: skip
        return result


def _name(parts: list[ContactPart]) -> tuple[str, str]:
    """First and last name from one spelling, so that no two people are mixed."""
    votes: Counter[tuple[str, str]] = Counter()
    for part in parts:
        if part.first_name or part.last_name:
            votes[part.first_name, part.last_name] += votes_of(part)
    if not votes:
        return "", ""
    whole = [pair for pair in votes if all(pair)] or list(votes)
    return min(whole, key=lambda pair: (-votes[pair], -len("".join(pair)), pair))


def _most(votes: Counter[str]) -> str:
    return min(votes, key=lambda account: (-votes[account], account))

"""Which rows are the same deal: by id, then by name and account."""

from __future__ import annotations

from collections import Counter, defaultdict

from enrico.domain.records import Deal
from enrico.intake.merge import chosen, made_id, own_table_votes, text
from enrico.intake.parts import DealPart
from enrico.intake.vocabulary import fold

Said = tuple[DealPart, str]
"""A spelling of a deal, and the account named beside it."""


def name_key(name: str) -> str:
    """Case, accents and spaces do not tell deals apart."""
    return " ".join(fold(name).split())


class Deals:
    """All deals of an intake. Add every (part, account) pair, then ``resolve``."""

    def __init__(self) -> None:
        self.matched: Counter[str] = Counter()
        self.ambiguous: set[str] = set()
        self.split: set[str] = set()
        self._said: dict[tuple[int, str], DealPart] = {}
        self._weights: Counter[tuple[int, str]] = Counter()
        self._members: dict[str, list[Said]] = defaultdict(list)
        self._id_of: dict[tuple[int, str], str] = {}
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._accounts: dict[str, set[str]] = defaultdict(set)

    def add(self, part: DealPart, account_id: str) -> None:
        """Take note of a deal on a row."""
        self._said[id(part), account_id] = part
        self._weights[id(part), account_id] += 1

    def id_of(self, part: DealPart, account_id: str) -> str:
        """The id of the deal meant; empty when it is not in the exports."""
        return self._id_of.get((id(part), account_id), "")

    def account_of(self, deal_id: str) -> str:
        """The account that most rows of the deal name."""
        return self.accounts.get(deal_id, "")

    def resolve(self) -> None:
        """Give every pair its deal; references by id alone only to deals that are there."""
        known = {p.id for p in self._said.values() if p.id and (p.home or p.name)}
        for (key, account_id), part in self._said.items():
            if part.id in known:
                self._put(key, account_id, part, part.id)
        for deal_id, said in self._members.items():
            for part, account_id in said:
                self._accounts[deal_id].add(account_id)
                if part.name:
                    self._by_name[name_key(part.name)].add(deal_id)
        groups: dict[tuple[str, str], list[tuple[int, DealPart]]] = defaultdict(list)
        for (key, account_id), part in self._said.items():
            if not part.id and (part.name or account_id) and not part.is_empty:
                groups[name_key(part.name), account_id].append((key, part))
        # Names without an account join the one deal of that name.
        for (name, account_id), parts in groups.items():
            found = self._find(name, account_id)
            if not found and not account_id and name:
                others = sorted({a for n, a in groups if n == name and a})
                account = others[0] if len(others) == 1 else ""
                groups_to = self._cluster(
                    name, account, [*groups[name, account], *parts] if account else parts
                )
            elif found:
                groups_to = [(found, parts)]
                self.matched["name and account" if account_id else "name"] += sum(
                    p.weight for _, p in parts
                )
            else:
                extra = self._loose(groups, name, account_id)
                groups_to = self._cluster(name, account_id, [*parts, *extra])
            for deal_id, members in groups_to:
                for key, part in members:
                    if (key, account_id) in self._said:
                        self._put(key, account_id, part, deal_id)
        self.accounts = {d: self._account(d) for d in self._members}

    @staticmethod
    def _loose(
        groups: dict[tuple[str, str], list[tuple[int, DealPart]]], name: str, account_id: str
    ) -> list[tuple[int, DealPart]]:
        """Rows of the same name that name no account, when only one account has such a deal."""
        if not account_id or not name or sum(1 for n, a in groups if n == name and a) != 1:
            return []
        return groups.get((name, ""), [])

    def _find(self, name: str, account_id: str) -> str:
        found = self._by_name.get(name, set()) if name else set()
        same = {d for d in found if account_id and account_id in self._accounts[d]}
        loose = {d for d in found if not account_id or not (self._accounts[d] - {""})}
        found = same or loose
        if len(found) > 1:
            self.ambiguous.add(name)
        return min(found, default="")

    def _put(self, key: int, account_id: str, part: DealPart, deal_id: str) -> None:
        if (key, account_id) not in self._id_of:
            self._members[deal_id].append((part, account_id))
            self._id_of[key, account_id] = deal_id

    def _cluster(
        self, name: str, account_id: str, parts: list[tuple[int, DealPart]]
    ) -> list[tuple[str, list[tuple[int, DealPart]]]]:
        """One deal, or several of the same name that differ in close date and amount."""
        strict = any(p.row_is_deal for _, p in parts) or not name
        clusters: list[set[tuple[str, str]]] = []
        for shape in sorted({_shape(p) for _, p in parts} - {("", "")}):
            joined = [c for c in clusters if any(_same(shape, other, strict) for other in c)]
            clusters = [c for c in clusters if c not in joined]
            clusters.append({shape}.union(*joined))
        clusters.sort(key=min)
        base = f"{name}|{account_id}"
        if (
            not name
        ):  # deals that have no name at all: what they are worth and when tells them apart
            clusters = clusters or [{("", "")}]
        elif len(clusters) < 2:
            return [(made_id("d", base), parts)]
        if len(clusters) > 1 and name:
            self.split.add(name)
        result = []
        for number, cluster in enumerate(clusters):
            deal_id = made_id("d", f"{base}|{min(cluster)}")
            members = [
                (k, p)
                for k, p in parts
                if _shape(p) in cluster or (_shape(p) == ("", "") and number == 0)
            ]
            result.append((deal_id, members))
        return result

    def _account(self, deal_id: str) -> str:
        votes: Counter[str] = Counter()
        for part, account_id in self._members[deal_id]:
            if account_id:
                votes[account_id] += own_table_votes(part) + self._weights[id(part), account_id]
        return min(votes, key=lambda a: (-votes[a], a)) if votes else ""

    def records(self, names: dict[str, str], contact_names: dict[str, str]) -> list[Deal]:
        """The deals, sorted by id; without a name they take their account's."""
        result = []
        for deal_id, members in sorted(self._members.items()):
            parts = [part for part, _ in members]
            account_id = self.accounts[deal_id]
            roles = chosen(parts, "role_fields") or ()
            result.append(
                Deal(
                    deal_id,
                    text(parts, "name") or names.get(account_id, ""),
                    account_id,
                    text(parts, "stage"),
                    text(parts, "outcome") or "",  # type: ignore[arg-type]
                    chosen(parts, "amount"),
                    text(parts, "currency"),
                    chosen(parts, "close_date"),
                    chosen(parts, "created_date"),
                    text(parts, "owner"),
                    tuple((role, contact_names.get(who, who)) for role, who in roles),
                )
            )
        return result


def _shape(part: DealPart) -> tuple[str, str]:
    return (
        part.close_date.isoformat() if part.close_date else "",
        f"{part.amount.normalize():f}" if part.amount is not None else "",
    )


def _same(one: tuple[str, str], other: tuple[str, str], strict: bool) -> bool:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a and b]
    if not pairs:
        return True
    return all(a == b for a, b in pairs) if strict else any(a == b for a, b in pairs)

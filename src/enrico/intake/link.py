"""All tables joined: accounts, then deals, then contacts, then who is on which deal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from enrico.domain.identity import registrable_domain
from enrico.domain.records import DealContact
from enrico.intake.ingest import Ingested
from enrico.intake.link_accounts import Accounts
from enrico.intake.link_contacts import Contacts
from enrico.intake.link_deals import Deals
from enrico.intake.parts import AccountPart, ContactPart, DealPart
from enrico.intake.readings import name_of, some
from enrico.intake.result import Intake, Unusable

_BAD_ID = (
    "Format the id column as text, or export again as CSV and do not save it from a spreadsheet."
)


def link(tables: list[Ingested], result: Intake) -> None:
    """Fill the result's records, matches, and what could not be joined."""
    _Linking(tables, result).run()


class _Linking:
    def __init__(self, tables: list[Ingested], result: Intake) -> None:
        self.tables = tables
        self.result = result
        self.accounts = Accounts()
        self.deals = Deals()
        self.contacts = Contacts()
        self.links: dict[tuple[str, str], tuple[str, bool]] = {}
        self.own_account: set[str] = set()
        self.missing: Counter[tuple[str, str]] = Counter()
        self.bad_ids: dict[str, list[int]] = defaultdict(list)
        self.repeated = 0
        self.placed: dict[str, dict[str, str]] = {"deals": {}, "contacts": {}}
        """For deals and contacts: id → what their account was matched by."""

    def run(self) -> None:
        for one in self.tables:
            for accounts in one.accounts:
                for account in accounts:
                    self.accounts.add(account)
        self.accounts.resolve()
        for one in self.tables:
            self._note_deals(one)
        self.deals.resolve()
        for one in self.tables:
            self._note_contacts(one)
        self.contacts.resolve()
        for one in self.tables:
            self._walk(one)
        self._finish()

    def _account(self, one: Ingested, number: int) -> str:
        found = one.accounts[number]
        return self.accounts.id_of(found[0]) if found else ""

    def _note_deals(self, one: Ingested) -> None:
        accounts = [self._account(one, n) for n in range(len(one.accounts))]
        for d, a in set(zip(one.deal_of, one.account_of, strict=True)):
            for part in one.deals[d]:
                self.deals.add(part, "" if one.plan.kind == "contacts" else accounts[a])

    def _row_accounts(self, one: Ingested) -> Iterator[str]:
        """For each row its account, or else that of its deal."""
        own = [self._account(one, n) for n in range(len(one.accounts))]
        known: dict[tuple[int, int], str] = {}
        for d, a in zip(one.deal_of, one.account_of, strict=True):
            account = known.get((d, a))
            if account is None:
                account = own[a]
                if not account and one.deals[d] and one.plan.kind != "contacts":
                    account = self.deals.account_of(self.deals.id_of(one.deals[d][0], ""))
                known[d, a] = account
            yield account

    def _note_contacts(self, one: Ingested) -> None:
        for people, _ in one.people_of:
            for c, account in set(zip(people, self._row_accounts(one), strict=True)):
                for part in one.contacts[c]:
                    self.contacts.add(part, account)

    def _walk(self, one: Ingested) -> None:
        """Row by row: links are made, and rows that gave nothing are reported."""
        own = [self._account(one, n) for n in range(len(one.accounts))]
        deal_cache: dict[tuple[int, int], list[str]] = {}
        people_cache: list[dict[tuple[int, str], list[str]]] = [{} for _ in one.people_of]
        is_contacts = one.plan.kind == "contacts"
        deal_is_home = one.plan.kind in ("deals", "flat")
        for row, (d, a, account) in enumerate(
            zip(one.deal_of, one.account_of, self._row_accounts(one), strict=True)
        ):
            deals = deal_cache.get((d, a))
            if deals is None:
                beside = "" if is_contacts else own[a]
                deals = [self.deals.id_of(p, beside) for p in one.deals[d]]
                self._count_missing(one, "deal", deals)
                if own[a] and not is_contacts:
                    how = self.accounts.how(one.accounts[a][0])
                    self.placed["deals"].update((x, how) for x in deals if x and deal_is_home)
                deals = deal_cache[d, a] = [x for x in deals if x]
            got_contact = False
            for slot, (people, labels) in enumerate(one.people_of):
                c = people[row]
                ids = people_cache[slot].get((c, account))
                if ids is None:
                    ids = [self.contacts.id_of(p, account) for p in one.contacts[c]]
                    self._count_missing(one, "contact", ids)
                    people_cache[slot][c, account] = ids
                    if own[a] and is_contacts:
                        how = self.accounts.how(one.accounts[a][0])
                        self.placed["contacts"].update((x, how) for x in ids if x)
                if not any(ids):
                    continue
                got_contact = True
                label, primary = one.roles[labels[row]] if one.roles else ("", False)
                for part, contact_id in zip(one.contacts[c], ids, strict=True):
                    if contact_id:
                        if own[a]:
                            self.own_account.add(contact_id)
                        for deal_id in deals:
                            self._join(
                                deal_id,
                                contact_id,
                                part.role or ("" if is_contacts else label),
                                primary,
                            )
            self._judge(one, row, d, a, bool(deals), got_contact)

    def _count_missing(self, one: Ingested, what: str, ids: list[str]) -> None:
        if one.plan.kind != "deal_contacts":
            self.missing[name_of(one), what] += sum(1 for x in ids if not x)

    def _join(self, deal_id: str, contact_id: str, label: str, primary: bool) -> None:
        before = self.links.get((deal_id, contact_id))
        if before is None:
            self.links[deal_id, contact_id] = (label, primary)
            return
        self.repeated += 1
        if label and label != before[0]:
            label = ";".join(sorted({*filter(None, before[0].split(";")), *label.split(";")}))
        self.links[deal_id, contact_id] = (label or before[0], primary or before[1])

    def _judge(self, one: Ingested, row: int, d: int, a: int, deal: bool, contact: bool) -> None:
        """Did the row give what its table is for? If not, say why."""
        kind = one.plan.kind
        number = one.row_numbers[row]
        account = bool(one.accounts[a]) and bool(self.accounts.id_of(one.accounts[a][0]))
        parts: list[DealPart | AccountPart | ContactPart] = [*one.deals[d], *one.accounts[a]]
        for people, _ in one.people_of:
            parts += one.contacts[people[row]]
        bad = next((p.bad_id for p in parts if p.bad_id), "")
        good = {
            "deals": deal,
            "accounts": account,
            "contacts": contact,
            "deal_contacts": deal and contact,
            "flat": deal or contact,
        }.get(kind, True)
        if good:
            if bad:
                self.bad_ids[name_of(one)].append(number)
            return
        reason, mend = self._reason(one, row, d, deal, bad)
        self.result.unusable.append(Unusable(one.table.path, one.table.sheet, number, reason, mend))

    def _reason(self, one: Ingested, row: int, d: int, deal: bool, bad: str) -> tuple[str, str]:
        if bad:
            return f"the id {bad} was destroyed by a spreadsheet (scientific notation)", _BAD_ID
        kind = one.plan.kind
        salesforce = one.plan.crm == "salesforce"
        if kind == "deal_contacts":
            if not deal and one.deals[d]:
                return "its deal is not in these exports", (
                    "Export Opportunity.csv too." if salesforce else "Export the deals too."
                )
            if not deal:
                return "it names no deal", "Fill in the deal's id or name."
            if any(one.contacts[people[row]] for people, _ in one.people_of):
                return "its contact is not in these exports", (
                    "Export Contact.csv too." if salesforce else "Export the contacts too."
                )
            return "it names no contact", "Fill in the contact's id, e-mail or name."
        mends = {
            "deals": ("it names no deal", "Fill in the deal's id or name."),
            "accounts": ("it names no account", "Fill in the account's name or website."),
            "contacts": ("it names no contact", "Fill in the contact's name or e-mail."),
            "flat": (
                "it names neither a deal nor a contact",
                "Fill in the deal's name, or a contact.",
            ),
        }
        return mends[kind]

    def _finish(self) -> None:
        result = self.result
        of_contact = self.contacts.accounts()
        emails = self.contacts.best_emails()
        by_mail = self._accounts_from_emails(of_contact, emails)
        self._deals_without_account(of_contact)
        domains = self._domains(of_contact, emails)
        result.accounts = self.accounts.records(domains)
        result.contacts = self.contacts.records(of_contact)
        names = {a.id: a.name for a in result.accounts}
        result.deals = self.deals.records(names, {c.id: c.name for c in result.contacts})
        result.deal_contacts = [
            DealContact(deal_id, contact_id, label, primary)
            for (deal_id, contact_id), (label, primary) in sorted(self.links.items())
        ]
        taken = sum(
            1 for c, a in of_contact.items() if a and c not in self.own_account and c not in by_mail
        )
        self._say(taken, domains, by_mail)

    def _accounts_from_emails(
        self, of_contact: dict[str, str], emails: dict[str, ContactPart]
    ) -> set[str]:
        """Contacts without an account join, or make, that of their e-mail's domain."""
        taken = set()
        for contact_id in sorted(of_contact):
            part = emails.get(contact_id)
            if of_contact[contact_id] or part is None or not part.usable:
                continue
            domain = registrable_domain(part.key)
            if domain:
                of_contact[contact_id] = self.accounts.by_domain(domain) or self.accounts.make(
                    domain
                )
                taken.add(contact_id)
        return taken

    def _deals_without_account(self, of_contact: dict[str, str]) -> None:
        found: dict[str, set[str]] = defaultdict(set)
        for deal_id, contact_id in self.links:
            if not self.deals.accounts.get(deal_id) and of_contact.get(contact_id):
                found[deal_id].add(of_contact[contact_id])
        agreed = {d: min(a) for d, a in found.items() if len(a) == 1}
        self.deals.accounts.update(agreed)
        if agreed:
            self.result.matches.append(
                f"{len(agreed)} deals without an account took that of their contacts"
            )

    def _domains(
        self, of_contact: dict[str, str], emails: dict[str, ContactPart]
    ) -> dict[str, str]:
        """Account → the domain that all usable e-mails of its contacts share."""
        without = self.accounts.without_domain()
        found: dict[str, set[str]] = defaultdict(set)
        for contact_id, account_id in of_contact.items():
            part = emails.get(contact_id)
            if account_id in without and part is not None and part.usable:
                domain = registrable_domain(part.key)
                if domain:
                    found[account_id].add(domain)
        agreed = {a: min(d) for a, d in found.items() if len(d) == 1}
        shared = Counter(agreed.values())
        many = sorted(d for d, n in shared.items() if n > 3)
        if many:
            self.result.warnings.append(
                f"{len(many)} e-mail domains occur at more than three accounts without a website "
                f"and were not taken as theirs: {', '.join(many[:3])}."
            )
        return {a: d for a, d in agreed.items() if shared[d] <= 3}

    def _say(self, taken: int, domains: dict[str, str], by_mail: set[str]) -> None:
        matches = self.result.matches
        for what, counter in (
            ("rows of deals", self.deals.matched),
            ("mentions of contacts", self.contacts.matched),
        ):
            matches += [
                f"{n} {what} matched by {how}" for how, n in sorted(counter.items()) if how and n
            ]
        for what in ("contacts", "deals"):
            for how, count in sorted(Counter(self.placed[what].values()).items()):
                matches.insert(0, f"{count} {what} matched to accounts by {how}")
        records, people = self.contacts.duplicates()
        if people:
            matches.append(
                f"contacts joined by e-mail: {records} duplicate records of {people} people"
            )
        if taken:
            matches.append(f"{taken} contacts without an account took that of their deal")
        if by_mail:
            matches.append(
                f"{len(by_mail)} contacts without an account were placed by their e-mail's domain"
            )
        if domains:
            matches.append(
                f"{len(domains)} accounts without a website took their contacts' e-mail domain"
            )
        if self.repeated:
            matches.append(f"{self.repeated} repeated links of a contact to a deal were merged")
        self._say_doubts()
        self._say_gaps()

    def _say_doubts(self) -> None:
        warnings = self.result.warnings
        for what, ambiguous in (
            ("accounts", self.accounts.ambiguous),
            ("deals", self.deals.ambiguous),
            ("contacts", self.contacts.ambiguous),
        ):
            if ambiguous:
                warnings.append(
                    f"{len(ambiguous)} names or addresses fit several {what}; the first by id "
                    "was taken. Export with ids to be sure."
                )
        if self.deals.split:
            warnings.append(
                f"{len(self.deals.split)} deal names occur several times at one account with "
                "other dates or amounts; they were kept apart. Export with ids to be sure."
            )
        for (where, kind), count in sorted(self.missing.items()):
            if count:
                plural = {"deal": "deals", "contact": "contacts"}[kind]
                warnings.append(
                    f"{where}: {count} links to {plural} that are not in these exports. "
                    f"Export the {plural} too."
                )
        for where, numbers in self.bad_ids.items():
            warnings.append(
                f"{where}: ids in scientific notation were refused in {len(numbers)} rows "
                f"(rows {some(numbers)}); "
                f"names were used instead. {_BAD_ID}"
            )

    def _say_gaps(self) -> None:
        result = self.result
        bare = sum(1 for a in result.accounts if not self.accounts.is_known(a.id))
        if bare:
            result.warnings.append(
                f"{bare} accounts are known by id only. Export the accounts too (Account.csv)."
            )
        if result.deals and result.contacts and not result.deal_contacts:
            result.warnings.append(
                "No row says which contact is on which deal. Export the contact roles too "
                "(OpportunityContactRole.csv), or the column Associated Contact IDs."
            )
        elif result.deals and not result.contacts:
            result.warnings.append("There are no contacts in these exports. Export them too.")
        elif not result.deals:
            result.warnings.append("There are no deals in these exports. Export them too.")

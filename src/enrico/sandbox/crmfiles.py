"""The sample CRM as files: Salesforce's Data Export, HubSpot's exports, a plain sheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from enrico.sandbox.crm import BLOCK, Block, Contact, Deal, blocks, size_of

Form = Literal["salesforce", "hubspot", "plain"]

_NO_LOOKUP = "000000000000000AAA"
_OWNER = "0055g000000001AAAQ"
_EXPORTED = "2026-11-20"
_HUBSPOT_ROLES = {
    "Economic Buyer": "Budget Holder",
    "Economic Decision Maker": "Budget Holder",
    "Evaluator": "Influencer",
    "Technical Buyer": "Influencer",
    "Business User": "End User",
}


def write_sample_crm(
    folder: str | Path,
    deals: int = BLOCK,
    seed: int = 7,
    form: Form = "salesforce",
    *,
    accounts: int | None = None,
    contacts: int | None = None,
    people: int | None = None,
) -> list[Path]:
    """Write a CRM export into a folder, which is made if need be, and return its files.

    Fifty deals have 32 accounts, 503 deal contacts and 225 people; other numbers keep these
    proportions unless ``accounts``, ``contacts`` (pairs of deal and contact) or ``people`` say
    otherwise. Pairs end where everybody is on every deal of their account. ValueError when the
    numbers contradict each other.
    """
    size = size_of(deals, accounts, contacts, people)
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        writer = _WRITERS[form](path, files)
        for block in blocks(size, seed):
            writer.write(block)
    return writer.paths


class _Writer(Protocol):
    paths: list[Path]

    def write(self, block: Block) -> None: ...


class _Table:
    """A CSV file that rows are added to."""

    def __init__(
        self, files: ExitStack, path: Path, header: Sequence[str], encoding: str, quoted: bool
    ) -> None:
        handle = files.enter_context(path.open("w", encoding=encoding, newline=""))
        self._rows = csv.writer(
            handle, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="\r\n"
        )
        self._header = header
        self._rows.writerow(header)

    def add(self, **values: Any) -> None:
        """Write a row; columns that are not named stay empty."""
        self._rows.writerow([values.get(name, "") for name in self._header])

    def add_row(self, values: dict[str, Any]) -> None:
        """The same for columns whose names are no identifiers."""
        self._rows.writerow([values.get(name, "") for name in self._header])


class _Salesforce:
    """The folder that the weekly Data Export Service sends: API names, all quoted, Latin-1."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        headers = {
            "Opportunity": (
                "Id IsDeleted AccountId IsPrivate Name Description StageName StageSortOrder Amount "
                "Probability ExpectedRevenue TotalOpportunityQuantity CloseDate Type NextStep "
                "LeadSource IsClosed IsWon ForecastCategory ForecastCategoryName CurrencyIsoCode "
                "CampaignId HasOpportunityLineItem Pricebook2Id OwnerId CreatedDate CreatedById "
                "LastModifiedDate LastModifiedById SystemModstamp LastActivityDate "
                "LastStageChangeDate FiscalYear FiscalQuarter ContactId Champion__c "
                "Economic_Buyer__c"
            ),
            "Account": (
                "Id IsDeleted MasterRecordId Name Type RecordTypeId ParentId BillingStreet "
                "BillingCity BillingState BillingPostalCode BillingCountry Phone Fax AccountNumber "
                "Website Sic Industry AnnualRevenue NumberOfEmployees OwnerId CreatedDate"
            ),
            "Contact": (
                "Id IsDeleted MasterRecordId AccountId Salutation FirstName LastName Phone Fax "
                "MobilePhone ReportsToId Email Title Department AssistantName LeadSource Birthdate "
                "Description OwnerId CreatedDate"
            ),
            "OpportunityContactRole": (
                "Id OpportunityId ContactId Role CreatedDate CreatedById LastModifiedDate "
                "LastModifiedById SystemModstamp IsDeleted CurrencyIsoCode"
            ),
        }
        self.paths = [folder / f"{name}.csv" for name in headers]
        self._tables = {
            name: _Table(files, folder / f"{name}.csv", header.split(), "iso-8859-1", True)
            for name, header in headers.items()
        }
        self._pairs = 0

    def write(self, block: Block) -> None:
        for account in block.accounts:
            self._tables["Account"].add(
                Id=_salesforce_id("001", account.number),
                IsDeleted=0,
                MasterRecordId=_NO_LOOKUP,
                Name=account.firm.name,
                Type="Customer",
                RecordTypeId=_NO_LOOKUP,
                ParentId=_NO_LOOKUP,
                Website=f"https://www.{account.firm.domain}",
                Industry=account.firm.industry,
                NumberOfEmployees=account.employees,
                OwnerId=_OWNER,
                CreatedDate="2024-02-12 09:30:00",
            )
        for contact in block.contacts:
            self._write_contact(contact)
        for deal in block.deals:
            self._write_deal(deal)

    def _write_contact(self, contact: Contact) -> None:
        person = contact.person
        self._tables["Contact"].add(
            Id=_salesforce_id("003", contact.number),
            IsDeleted=0,
            MasterRecordId=_NO_LOOKUP,
            AccountId=_salesforce_id("001", person.account.number),
            FirstName=person.first,
            LastName=person.last,
            ReportsToId=_NO_LOOKUP,
            Email=contact.email,
            Title=contact.title,
            Department=person.department,
            OwnerId=_OWNER,
            CreatedDate="2025-01-20 14:02:11",
        )

    def _write_deal(self, deal: Deal) -> None:
        deal_id = _salesforce_id("006", deal.number)
        created, closed = _at_night(deal.created), _at_night(deal.closed)
        self._tables["Opportunity"].add(
            Id=deal_id,
            IsDeleted=0,
            AccountId=_salesforce_id("001", deal.account.number),
            IsPrivate=0,
            Name=deal.name,
            StageName="Closed Won" if deal.won else "Closed Lost",
            Amount=f"{deal.amount}.0",
            Probability="100.0" if deal.won else "0.0",
            CloseDate=closed,
            Type="New Business",
            IsClosed=1,
            IsWon=int(deal.won),
            ForecastCategory="Closed" if deal.won else "Omitted",
            ForecastCategoryName="Closed" if deal.won else "Omitted",
            CurrencyIsoCode="USD",
            CampaignId=_NO_LOOKUP,
            HasOpportunityLineItem=0,
            Pricebook2Id=_NO_LOOKUP,
            OwnerId=_OWNER,
            CreatedDate=created,
            CreatedById=_OWNER,
            LastModifiedDate=closed,
            LastModifiedById=_OWNER,
            SystemModstamp=closed,
            FiscalYear=deal.closed.year,
            FiscalQuarter=(deal.closed.month + 2) // 3,
            ContactId=_NO_LOOKUP,
            Champion__c=deal.champion,
            Economic_Buyer__c=deal.economic_buyer,
        )
        for contact, role in deal.contacts:
            self._tables["OpportunityContactRole"].add(
                Id=_salesforce_id("00K", self._pairs),
                OpportunityId=deal_id,
                ContactId=_salesforce_id("003", contact.number),
                Role=role,
                CreatedDate=created,
                CreatedById=_OWNER,
                LastModifiedDate=created,
                LastModifiedById=_OWNER,
                SystemModstamp=created,
                IsDeleted=0,
                CurrencyIsoCode="USD",
            )
            self._pairs += 1


class _HubSpot:
    """Three exports from HubSpot's pages: labels, UTF-8, links as lists of ids.

    HubSpot keeps one contact for each address, so who has two records elsewhere has one here.
    """

    def __init__(self, folder: Path, files: ExitStack) -> None:
        deals = (
            "Record ID|Deal Name|Pipeline|Deal Stage|Amount|Close Date|Create Date|Deal owner|"
            "Currency|Is Closed Won|Is closed lost|Champion|Economic Buyer|"
            "Associated Company IDs|Associated Company|Associated Company IDs (Primary)|"
            "Associated Company (Primary)|Associated Contact IDs|Associated Contact"
        )
        contacts = (
            "Record ID|First Name|Last Name|Email|Phone Number|Contact owner|Lifecycle Stage|"
            "Job Title|Buying Role|Company Name|Create Date|Associated Company IDs|"
            "Associated Company|Associated Company IDs (Primary)"
        )
        companies = (
            "Record ID|Company name|Company Domain Name|Website URL|Company owner|Create Date|"
            "Phone Number|Industry|Number of Employees"
        )
        name = "hubspot-crm-exports-all-{}-" + _EXPORTED + ".csv"
        self.paths = [folder / name.format(what) for what in ("deals", "contacts", "companies")]
        self._deals, self._contacts, self._companies = (
            _Table(files, path, header.split("|"), "utf-8", True)
            for path, header in zip(self.paths, (deals, contacts, companies), strict=True)
        )

    def write(self, block: Block) -> None:
        for account in block.accounts:
            self._companies.add_row(
                {
                    "Record ID": _hubspot_id(1, account.number),
                    "Company name": account.firm.name,
                    "Company Domain Name": account.firm.domain,
                    "Website URL": f"https://www.{account.firm.domain}",
                    "Create Date": "2024-02-12 09:30",
                    "Industry": account.firm.industry,
                    "Number of Employees": account.employees,
                }
            )
        ids: dict[str, str] = {}
        for contact in block.contacts:
            ids.setdefault(contact.person.email, _hubspot_id(2, contact.number))
        roles: dict[str, list[str]] = {}
        for deal in block.deals:
            self._write_deal(deal, ids)
            for contact, role in deal.contacts:
                if role and role != "Other":
                    label = _HUBSPOT_ROLES.get(role, role)
                    roles.setdefault(contact.person.email, []).append(label)
        for contact in block.contacts:
            record = _hubspot_id(2, contact.number)
            if ids[contact.person.email] == record:
                self._write_contact(contact, record, roles.get(contact.person.email, []))

    def _write_contact(self, contact: Contact, record: str, roles: list[str]) -> None:
        account = contact.person.account
        self._contacts.add_row(
            {
                "Record ID": record,
                "First Name": contact.person.first,
                "Last Name": contact.person.last,
                "Email": contact.person.email,
                "Lifecycle Stage": "Customer",
                "Job Title": contact.title,
                "Buying Role": ";".join(dict.fromkeys(roles[:2])),
                "Company Name": account.firm.name,
                "Create Date": "2025-01-20 14:02",
                "Associated Company IDs": _hubspot_id(1, account.number),
                "Associated Company": account.firm.name,
                "Associated Company IDs (Primary)": _hubspot_id(1, account.number),
            }
        )

    def _write_deal(self, deal: Deal, ids: dict[str, str]) -> None:
        company = _hubspot_id(1, deal.account.number)
        people = [contact.person for contact, _ in deal.contacts]
        self._deals.add_row(
            {
                "Record ID": _hubspot_id(3, deal.number),
                "Deal Name": deal.name,
                "Pipeline": "Sales Pipeline",
                "Deal Stage": "Closed Won" if deal.won else "Closed Lost",
                "Amount": deal.amount,
                "Close Date": f"{deal.closed} 17:00",
                "Create Date": f"{deal.created} 09:00",
                "Currency": "USD",
                "Is Closed Won": str(deal.won).lower(),
                "Is closed lost": str(not deal.won).lower(),
                "Champion": deal.champion,
                "Economic Buyer": deal.economic_buyer,
                "Associated Company IDs": company,
                "Associated Company": deal.account.firm.name,
                "Associated Company IDs (Primary)": company,
                "Associated Company (Primary)": deal.account.firm.name,
                "Associated Contact IDs": ";".join(ids[person.email] for person in people),
                "Associated Contact": ";".join(
                    f"{person.first} {person.last} ({person.email})" for person in people
                ),
            }
        )


class _Plain:
    """What somebody keeps in a spreadsheet: one row for each person on each deal."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        header = (
            "Deal|Company|Website|Stage|Deal size|Close date|Contact|Position|E-mail|Role|Champion"
        )
        self.paths = [folder / "deals.csv"]
        self._table = _Table(files, self.paths[0], header.split("|"), "utf-8-sig", False)

    def write(self, block: Block) -> None:
        for deal in block.deals:
            for contact, role in deal.contacts:
                person = contact.person
                self._table.add_row(
                    {
                        "Deal": deal.name,
                        "Company": deal.account.firm.name,
                        "Website": deal.account.firm.domain,
                        "Stage": "Closed Won" if deal.won else "Closed Lost",
                        "Deal size": f"${deal.amount:,}",
                        "Close date": deal.closed.isoformat(),
                        "Contact": f"{person.first} {person.last}",
                        "Position": contact.title,
                        "E-mail": contact.email,
                        "Role": role,
                        "Champion": deal.champion,
                    }
                )


_WRITERS: dict[str, type[_Salesforce] | type[_HubSpot] | type[_Plain]] = {
    "salesforce": _Salesforce,
    "hubspot": _HubSpot,
    "plain": _Plain,
}


def _at_night(day: date) -> str:
    return f"{day.isoformat()} 00:00:00"


def _hubspot_id(kind: int, number: int) -> str:
    return str(kind * 10_000_000_000 + number * 7 + 13)


_SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def _salesforce_id(prefix: str, number: int) -> str:
    """An 18-character id; the last three say which of the others are capitals."""
    # Behind the prefix there are only digits, so only the first five can hold capitals.
    return f"{prefix}5g{number:010d}{_suffix(prefix)}"


@cache
def _suffix(prefix: str) -> str:
    capitals = sum(1 << place for place, letter in enumerate(prefix) if letter.isupper())
    return f"{_SUFFIX_LETTERS[capitals]}AA"

"""What a table is a table of: deals, accounts, contacts, links, or all on one row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from enrico.intake.result import Crm, Kind
from enrico.intake.vocabulary import words

if TYPE_CHECKING:
    from enrico.intake.columns import Column, Plan

_PERSON = ("first_name", "last_name", "email", "title", "linkedin_url")
_SALE = ("stage", "close_date", "is_closed", "is_won", "is_lost", "won_time")
_SALESFORCE_ID = re.compile(r"(?=.*[A-Za-z])[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_WORDS_OF_SALES = frozenset({"deal", "opportunity", "contract", "acv", "tcv"})
_BY_NAME: dict[str, Kind] = {"deal": "deals", "account": "accounts", "contact": "contacts"}


_BY_PREFIX: dict[str, Kind] = {"001": "accounts", "003": "contacts", "00K": "deal_contacts"}
_BY_COLUMNS = ("006", "00Q")
"""An opportunity may come with its people on one row, and a lead is a person."""
_STANDARD_OBJECT = re.compile(r"0[0-9A-Za-z]{2}|500|701|80[0-2]")


OTHER_OBJECT = "its records are another Salesforce object's; not needed"


def kind_of(plan: Plan, hint: str) -> Kind:
    """The kind of a table; *hint* is the record that its file or sheet is named after."""
    if plan.crm == "salesforce" and (known := _by_own_id(plan.columns)):
        plan.note = OTHER_OBJECT if known == "ignored" else ""
        return known
    return _Evidence(plan.columns, plan.crm, hint).kind()


def _by_own_id(columns: list[Column]) -> Kind | None:
    """What the ids of a Salesforce table are ids of; a weekly export has a file for each object.

    Its histories, products, cases and tasks have stages, dates and people too. Objects that an
    organisation made itself are known by their columns only.
    """
    own = [c for c in columns if c.header.strip().lower() == "id"]
    if len(own) != 1 or not all(map(_SALESFORCE_ID.fullmatch, own[0].values)):
        return None
    prefixes = {value[:3] for value in own[0].values}
    if len(prefixes) != 1 or prefixes & {*_BY_COLUMNS}:
        return None
    prefix = prefixes.pop()
    if not _STANDARD_OBJECT.fullmatch(prefix):
        return None
    return _BY_PREFIX.get(prefix, "ignored")


class _Evidence:
    """The fields of a table, without the lists of neighbours that HubSpot adds (*Associated …*)."""

    def __init__(self, columns: list[Column], crm: Crm, hint: str) -> None:
        own_id = any(c.target == "any.id" for c in columns)
        self.columns = [
            c for c in columns if not (own_id and c.header.lower().startswith("associated "))
        ]
        self.targets = {c.target for c in self.columns if c.target}
        self.own_id = own_id
        self.crm = crm
        self.hint = hint

    def has(self, *targets: str) -> bool:
        return not self.targets.isdisjoint(targets)

    def kind(self) -> Kind:
        deal_key = self.has("deal.id", "deal.name")
        person = self.has(*(f"contact.{f}" for f in _PERSON))
        sale = self.has(*(f"deal.{f}" for f in _SALE))
        links = self.has("deal.id") and self.has("contact.id")
        if links and not sale and not self.has("deal.amount"):
            return "deal_contacts"
        if self.hint == "contact" and person and not deal_key and not self._has_money():
            return "contacts"
        if self.crm == "hubspot" and self.own_id and not self.has("deal.name", "deal.stage"):
            # Contacts and companies have close dates and amounts of their deals as properties.
            if self.has("contact.first_name", "contact.last_name"):
                return "contacts"
            if self.has("account.name", "account.domain"):
                return "accounts"
        if sale or self._names_deals(deal_key):
            return "flat" if self._has_people(person) else "deals"
        if deal_key and (person or self.has("contact.name", "contact.id")):
            return "deal_contacts" if self._is_list_of_roles() else "flat"
        return self._without_sale(person)

    def _has_money(self) -> bool:
        return self.has("deal.amount", "deal.close_date")

    def _about_accounts(self) -> bool:
        return self.has("account.domain", "account.industry") or (
            self.has("account.name") and any("employees" in c.header.lower() for c in self.columns)
        )

    def _names_deals(self, deal_key: bool) -> bool:
        """Amounts count only beside a deal or an account; an account's revenue is no deal."""
        if any(
            c.target == "deal.amount" and _WORDS_OF_SALES.intersection(words(c.header))
            for c in self.columns
        ):
            return True
        if deal_key:
            return self.has("deal.status", "deal.amount", "deal.owner", "deal.currency")
        named = self.has("account.name", "any.name", "any.title")
        return self.has("deal.amount") and named and not self._about_accounts()

    def _has_people(self, person: bool) -> bool:
        # ContactId on Salesforce's Opportunity is where the deal came from, no role.
        link = self.crm != "salesforce" and self.has("contact.id")
        return person or link or self.has("contact.name")

    def _is_list_of_roles(self) -> bool:
        bare = not self.has("contact.title", "contact.phone", "contact.linkedin_url")
        return self.hint == "role" or (bare and self.has("contact.role_label", "any.role"))

    def _without_sale(self, person: bool) -> Kind:
        about_accounts = self._about_accounts()
        named = self.has("contact.name", "contact.last_name")
        if person and (self.hint != "account" or named):
            somebody = named or self.has("contact.first_name", "contact.title", "any.title")
            mail_of_company = about_accounts and not somebody and self.hint != "contact"
            return "accounts" if mail_of_company else "contacts"
        if self.has("contact.name", "contact.id") and self.hint != "account":
            return "contacts"
        if self.has("deal.name") or (self.has("deal.id") and not about_accounts):
            return "deals"
        if self.has("any.name", "any.title", "any.id") and self.hint in ("deal", "contact"):
            return _BY_NAME[self.hint]
        if self.has("account.name", "account.domain", "account.id", "account.industry"):
            return "accounts"
        if self.has("any.name", "any.title", "any.id") and self.hint == "account":
            return "accounts"
        return "ignored"

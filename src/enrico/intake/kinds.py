"""What a table is a table of: deals, accounts, contacts, links, or all on one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrico.intake.result import Kind
from enrico.intake.vocabulary import words

if TYPE_CHECKING:
    from enrico.intake.columns import Plan

_PERSON = frozenset(
    f"contact.{f}" for f in ["first_name", "last_name", "email", "title", "linkedin_url"]
)


def kind_of(plan: Plan, hint: str) -> Kind:
    """The kind of a table; *hint* is the record that its file or sheet is named after."""
    has = plan.has
    with_deal_word = any(
        c.target == "deal.amount"
        and set(words(c.header)) & {"deal", "opportunity", "contract", "acv", "tcv"}
        for c in plan.columns
    )
    about_accounts = has("account.domain", "account.industry") or (
        has("account.name")
        and any(w in h for h in map(str.lower, _headers(plan)) for w in ("employees",))
    )
    strong = has(
        "deal.stage",
        "deal.close_date",
        "deal.is_closed",
        "deal.is_won",
        "deal.is_lost",
        "deal.won_time",
    )
    deal_key = has("deal.id", "deal.name")
    person = any(c.target in _PERSON and c.values for c in plan.columns) or any(
        c.target in _PERSON for c in plan.columns if c.header
    )
    people = person or has("contact.name", "contact.id")
    deal = (
        strong
        or with_deal_word
        or (has("deal.status") and deal_key)
        or (
            has("deal.amount")
            and (deal_key or not about_accounts)
            and (deal_key or has("account.name") or has("any.name", "any.title"))
        )
        or (has("deal.owner", "deal.currency") and deal_key)
    )
    if hint == "contact" and person and not has("deal.amount", "deal.close_date") and not deal_key:
        return "contacts"
    if has("deal.id") and has("contact.id") and not strong and not has("deal.amount"):
        if not (has("contact.email", "contact.first_name") and plan.crm == "hubspot"):
            return "deal_contacts"
    if deal:
        only_refs = all(
            "ssociated" in c.header
            or c.target == "contact.primary"
            or (plan.crm == "salesforce" and c.target == "contact.id")
            for c in plan.columns
            if c.target.startswith("contact.")
        )
        return "flat" if people and not only_refs else "deals"
    if deal_key and people:
        own = has("any.id", "contact.id") or hint == "contact"
        if own and plan.crm == "hubspot":
            return "contacts"
        bare = not has("contact.title", "contact.phone", "contact.linkedin_url")
        return (
            "deal_contacts"
            if hint == "role" or (bare and has("contact.role_label", "any.role"))
            else "flat"
        )
    if person and (hint != "account" or has("contact.name", "contact.last_name")):
        only_mail = not has(
            "contact.name", "contact.first_name", "contact.last_name", "contact.title"
        )
        if only_mail and about_accounts and hint != "contact" and not has("any.title"):
            return "accounts"
        return "contacts"
    if has("contact.name", "contact.id") and hint != "account":
        return "contacts"
    if has("deal.name") or (has("deal.id") and not about_accounts):
        return "deals"
    if has("account.name", "account.domain", "account.id", "account.industry") and hint in (
        "account",
        "",
        "role",
    ):
        return "accounts"
    if has("any.name", "any.title", "any.id") and hint in ("deal", "account", "contact"):
        kinds: dict[str, Kind] = {"deal": "deals", "account": "accounts", "contact": "contacts"}
        return kinds[hint]
    if deal_key:
        return "deals"
    if has("account.name", "account.domain"):
        return "accounts"
    return "ignored"


def _headers(plan: Plan) -> list[str]:
    return [c.header for c in plan.columns]

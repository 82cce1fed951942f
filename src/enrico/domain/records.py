"""What a CRM holds, in our words: accounts, contacts, deals, and who is on which deal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Outcome = Literal["open", "won", "lost", ""]
"""How a deal stands; empty when the export does not say."""


@dataclass(frozen=True, slots=True)
class Account:
    """The organisation that buys. Text fields are empty when unknown, never None."""

    id: str
    """The CRM's id, or one that intake made from the domain or the name."""
    name: str = ""
    domain: str = ""
    """Registrable domain in lower case, e.g. ``acme.co.uk``."""
    industry: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at an account, as the CRM knows them."""

    id: str
    account_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    """As written in the CRM; ``identity.email_key`` gives the form that people are matched by."""
    title: str = ""
    department: str = ""
    phone: str = ""
    linkedin_url: str = ""
    role_label: str = ""
    """A buying role that the CRM keeps on the person (HubSpot's *Buying Role*), as written."""

    @property
    def name(self) -> str:
        """First and last name with one space between: ``Ada Byrne``."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Deal:
    """A sale, open or closed."""

    id: str
    name: str = ""
    account_id: str = ""
    stage: str = ""
    outcome: Outcome = ""
    amount: Decimal | None = None
    currency: str = ""
    close_date: date | None = None
    created_date: date | None = None
    owner: str = ""
    role_fields: tuple[tuple[str, str], ...] = ()
    """Fields of the deal that name a person in a role: ``(("champion", "Jane Doe"),)``."""


@dataclass(frozen=True, slots=True)
class DealContact:
    """One contact on one deal. A contact may be on many deals, with another role on each."""

    deal_id: str
    contact_id: str
    role_label: str = ""
    """The CRM's word for the buying role on this deal; empty when none is given."""
    is_primary: bool = False

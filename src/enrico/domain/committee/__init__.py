"""Who plays which part on a deal: a buying role for every contact on it, and why.

Evidence is asked in a fixed chain: the CRM's own role, a field of the deal that names the person
(``crm_roles``), the person's role on other deals of the account (``other_deals``), and only then
what a verified seniority or a job title makes likely (``likely_roles``). ``resolve`` is the chain.
Pure, and the same whatever the order of deals and contacts.
"""

from enrico.domain.committee.records import (
    RULES,
    SOURCE_CONFIDENCE,
    WANTED_ROLES,
    CommitteeResolution,
    CommitteeSummary,
    DealOnAccount,
    RoleAssignment,
    RoleGuess,
    RoleNote,
    RoleSource,
    Seat,
    VerifiedPerson,
)
from enrico.domain.committee.resolve import (
    DEFAULT_THRESHOLD,
    resolve_committees,
    resolve_roles,
    summarise_committee,
)

__all__ = [
    "DEFAULT_THRESHOLD",
    "RULES",
    "SOURCE_CONFIDENCE",
    "WANTED_ROLES",
    "CommitteeResolution",
    "CommitteeSummary",
    "DealOnAccount",
    "RoleAssignment",
    "RoleGuess",
    "RoleNote",
    "RoleSource",
    "Seat",
    "VerifiedPerson",
    "resolve_committees",
    "resolve_roles",
    "summarise_committee",
]

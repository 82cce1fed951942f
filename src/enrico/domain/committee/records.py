"""What goes into a committee and what comes out: seats, guesses, assignments, notes.

What there is one of for each seat is a named tuple: a frozen dataclass takes three times as long to
make (decision 0030).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from enrico.domain.roles import BuyingRole
from enrico.domain.titles import TITLE_CONFIDENCE

RoleSource = Literal[
    "crm_role", "deal_field", "other_deals", "verified_seniority", "title", "verified_title", ""
]

SOURCE_CONFIDENCE: Final[dict[RoleSource, float]] = {
    "crm_role": 0.95,
    "deal_field": 0.85,
    "other_deals": 0.70,
    "verified_seniority": 0.75,
    "verified_title": TITLE_CONFIDENCE,
    "title": TITLE_CONFIDENCE,
    "": 0.0,
}
"""The most that each source is worth. A verified seniority replaces a title's guess only, so
``other_deals`` goes before it in spite of the lower number."""

RULES: Final = "1"
"""Raise it with every change that may give somebody another role, reason or note: titles, names,
labels, the chain itself. All roles in a database are resolved again where it differs."""

WANTED_ROLES: Final = (
    BuyingRole.CHAMPION,
    BuyingRole.ECONOMIC_BUYER,
    BuyingRole.DECISION_MAKER,
    BuyingRole.TECHNICAL_EVALUATOR,
)
"""The roles without which a committee has a gap."""


class VerifiedPerson(NamedTuple):
    """What a people provider says about a contact."""

    title: str = ""
    seniority: str = ""
    """The provider's word: owner, founder, c_suite, partner, vp, head, director, manager …"""
    departments: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    provider: str = ""
    moved: bool = False
    """Works for another employer now, so that title and seniority say nothing about this deal."""


class Seat(NamedTuple):
    """One contact on one deal."""

    deal_id: str
    contact_id: str
    person_key: str = ""
    """The same for all contacts that are one person; empty when the person is not known."""
    name: str = ""
    title: str = ""
    deal_role_label: str = ""
    """The CRM's role on this deal."""
    person_role_label: str = ""
    """A role that the CRM keeps on the person, for whatever deal."""
    is_primary: bool = False
    verified: VerifiedPerson | None = None
    email: str = ""


@dataclass(frozen=True, slots=True)
class DealOnAccount:
    """A deal with its contacts."""

    deal_id: str
    role_fields: tuple[tuple[str, str], ...] = ()
    """Fields that name people in a role: ``("Champion__c", "Jane Doe; bob@acme.com")``."""
    seats: tuple[Seat, ...] = ()


class RoleGuess(NamedTuple):
    """A role that one source gives a contact on a deal."""

    role: BuyingRole
    source: RoleSource
    confidence: float
    reason: str


class RoleAssignment(NamedTuple):
    """The role of a contact on a deal."""

    deal_id: str
    contact_id: str
    role: BuyingRole | None = None
    """None when no source reaches the threshold."""
    source: RoleSource = ""
    confidence: float = 0.0
    reason: str = ""
    """Why this role, or why none, in words."""
    runner_up: RoleGuess | None = None
    """The best guess at another role; else the next source that says the same."""


@dataclass(frozen=True, slots=True)
class RoleNote:
    """Something in the CRM that we could not use, for the user to put right."""

    deal_id: str
    kind: Literal["unknown_label", "unknown_field", "nobody", "ambiguous"]
    field: str
    """The deal field's name; ``role`` for a label on a contact."""
    value: str
    """As written in the CRM; may be a person's name, so not for logs."""
    text: str
    """What is wrong, in words, without the value."""


@dataclass(frozen=True, slots=True)
class CommitteeResolution:
    """All roles of one account, ordered by deal and contact, and what could not be used."""

    assignments: tuple[RoleAssignment, ...]
    notes: tuple[RoleNote, ...]


@dataclass(frozen=True, slots=True)
class CommitteeSummary:
    """A buying committee in three facts."""

    size: int
    """Distinct people, with and without a role."""
    roles_filled: tuple[BuyingRole, ...]
    """In ``ROLE_ORDER``, each once."""
    gaps: tuple[BuyingRole, ...]
    """Those of ``WANTED_ROLES`` that nobody fills."""


SeatKey = tuple[str, str]
"""Deal id and contact id."""

Guesses = dict[SeatKey, list[RoleGuess]]
"""What each contact may be on each deal; each list in order of precedence."""


def precedence(guess: RoleGuess) -> tuple[int, float]:
    """To sort guesses by: explicit sources by confidence; then a verified seniority; then titles.

    Among equals the first in its list wins, for lists are built in order of precedence.
    """
    return _GROUPS.get(guess.source, 0), -guess.confidence


_GROUPS: Final = {"verified_seniority": 1, "verified_title": 2, "title": 2}

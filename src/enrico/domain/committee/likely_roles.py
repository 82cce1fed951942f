"""The role that a verified seniority or a job title makes likely."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from enrico.domain.committee.records import (
    SOURCE_CONFIDENCE,
    RoleGuess,
    RoleSource,
    VerifiedPerson,
)
from enrico.domain.roles import BuyingRole
from enrico.domain.titles import TitleReading, read_title

_CHIEF_SENIORITIES: Final = frozenset({"owner", "founder", "c_suite", "partner"})

_LESSER_SENIORITIES: Final[dict[str, tuple[BuyingRole, float, str]]] = {
    "vp": (BuyingRole.DECISION_MAKER, 0.40, "leads a department"),
    "head": (BuyingRole.DECISION_MAKER, 0.40, "leads a department"),
    "director": (BuyingRole.DECISION_MAKER, 0.35, "leads a department"),
    "manager": (BuyingRole.INFLUENCER, 0.30, "leads a team"),
}

_FINANCE: Final = frozenset({"master_finance", "finance", "accounting"})


@lru_cache(maxsize=4_096)  # the same people sit on several deals of an account
def likely_roles(title: str, verified: VerifiedPerson | None) -> tuple[tuple[RoleGuess, ...], str]:
    """Guesses from what the person is, and a remark on facts left aside."""
    if verified is None:
        return _from_title(title, "title"), ""
    by = verified.provider or "the people provider"
    if verified.moved:
        return _from_title(title, "title"), f"works for another employer now, says {by}"
    reading = read_title(verified.title) if verified.title else None
    guesses = _from_seniority(verified, reading or read_title(title), by)
    if reading is not None and (reading.role is not None or reading.seniority is not None):
        return guesses + _from_title(verified.title, "verified_title"), ""
    guesses += _from_title(title, "title")
    return guesses or _from_lesser_seniority(verified, by), ""


def _from_title(title: str, source: RoleSource) -> tuple[RoleGuess, ...]:
    reading = read_title(title)
    if reading.role is None:
        return ()
    confidence = min(reading.confidence, SOURCE_CONFIDENCE[source])
    prefix = "verified " if source == "verified_title" else ""
    return (RoleGuess(reading.role, source, confidence, prefix + reading.reason),)


def _from_seniority(
    verified: VerifiedPerson, reading: TitleReading, by: str
) -> tuple[RoleGuess, ...]:
    seniority = verified.seniority.strip().lower()
    if seniority not in _CHIEF_SENIORITIES or reading.is_aide:
        return ()  # providers file the assistant of a chief under the chiefs
    title_role = reading.role
    is_finance = (
        title_role is BuyingRole.ECONOMIC_BUYER
        or bool(_FINANCE.intersection(verified.departments))
        or bool(_FINANCE.intersection(verified.functions))
    )
    if seniority in {"owner", "founder", "partner"} or title_role is BuyingRole.DECISION_MAKER:
        role, why = BuyingRole.DECISION_MAKER, "has the last word"
    elif seniority == "c_suite" and is_finance:
        role, why = BuyingRole.ECONOMIC_BUYER, "a chief in finance holds the budget"
    else:
        role, why = BuyingRole.EXECUTIVE_SPONSOR, "sits at the top table"
    confidence = SOURCE_CONFIDENCE["verified_seniority"]
    reason = f"{by} verified the seniority {seniority}: {why}"
    return (RoleGuess(role, "verified_seniority", confidence, reason),)


def _from_lesser_seniority(verified: VerifiedPerson, by: str) -> tuple[RoleGuess, ...]:
    """A seniority below the top is worth a title's guess, when no title can be read."""
    seniority = verified.seniority.strip().lower()
    if seniority not in _LESSER_SENIORITIES:
        return ()
    role, confidence, why = _LESSER_SENIORITIES[seniority]
    reason = f"{by} verified the seniority {seniority}: {why}"
    return (RoleGuess(role, "verified_seniority", confidence, reason),)


def why_none(title: str, verified: VerifiedPerson | None) -> str:
    """Why nothing gives a contact a role, in words."""
    if verified is not None and verified.title and not verified.moved:
        return f"no role in the CRM, and {read_title(verified.title).reason}"
    if title:
        return f"no role in the CRM, and {read_title(title).reason}"
    return "no role in the CRM and no title"

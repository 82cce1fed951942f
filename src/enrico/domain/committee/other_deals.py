"""The role that a person has on other deals of the account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from enrico.domain.committee.records import (
    SOURCE_CONFIDENCE,
    Guesses,
    RoleGuess,
    Seat,
    SeatKey,
    precedence,
)
from enrico.domain.roles import ROLE_PLACE, BuyingRole


@dataclass(slots=True)
class _Ballot:
    """The roles that CRM or deal fields give one person, deal by deal."""

    on_deals: dict[str, tuple[BuyingRole, float]]
    counts: Counter[BuyingRole]
    told: dict[BuyingRole | None, list[RoleGuess]]
    """What it says on a deal, by the role that the person has there."""


Votes = dict[str, _Ballot]
"""Person key → that person's ballot."""


def votes_of(seats: Mapping[SeatKey, list[Seat]], explicit: Guesses) -> Votes:
    """Person → the role that CRM or deal field gives the person on each deal."""
    votes: Votes = {}
    for key, guesses in explicit.items():
        best = min(guesses, key=precedence)
        if best.confidence < SOURCE_CONFIDENCE["other_deals"]:
            continue  # a weak match of names is no ground to build on
        vote = (best.role, best.confidence)
        for person in {seat.person_key for seat in seats[key] if seat.person_key}:
            ballot = votes.setdefault(person, _Ballot({}, Counter(), {}))
            before = ballot.on_deals.get(key[0])
            if before is None or _vote_order(vote) < _vote_order(before):
                ballot.on_deals[key[0]] = vote
    for ballot in votes.values():
        ballot.counts = Counter(role for role, _ in ballot.on_deals.values())
    return votes


def _vote_order(vote: tuple[BuyingRole, float]) -> tuple[float, int]:
    return -vote[1], ROLE_PLACE[vote[0]]


def roles_on_other_deals(deal_id: str, same: list[Seat], votes: Votes) -> list[RoleGuess]:
    """The role the same person has on other deals of the account; the most frequent if several."""
    if not votes:
        return []
    ballot = next((found for seat in same if (found := votes.get(seat.person_key))), None)
    if ballot is None:
        return []
    vote = ballot.on_deals.get(deal_id)
    here = vote[0] if vote else None
    if here not in ballot.told:
        ballot.told[here] = _told(ballot.counts - Counter((here,)) if here else ballot.counts)
    return ballot.told[here]


def _told(counts: Mapping[BuyingRole, int]) -> list[RoleGuess]:
    if not counts:
        return []
    total = sum(counts.values())
    ordered = sorted(counts, key=lambda role: (-counts[role], ROLE_PLACE[role]))
    guesses: list[RoleGuess] = []
    for role in ordered:
        if len(counts) == 1:
            reason = f"has this role on {_deals(total)} of the account"
        else:
            reason = f"has this role on {counts[role]} of {total} other deals, which disagree"
            if len(ordered) > 1 and counts[role] == counts[ordered[1 if role == ordered[0] else 0]]:
                reason += "; as many say otherwise, so a fixed order of roles decides"
        confidence = SOURCE_CONFIDENCE["other_deals"]
        guesses.append(RoleGuess(role, "other_deals", confidence, reason))
    return guesses


def _deals(count: int) -> str:
    return "another deal" if count == 1 else f"{count} other deals"

"""The chain of evidence: each contact on each deal gets the role of its best source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from enrico.domain.committee.crm_roles import add_deal_fields, roles_by_label
from enrico.domain.committee.likely_roles import likely_roles, why_none
from enrico.domain.committee.other_deals import Votes, roles_on_other_deals, votes_of
from enrico.domain.committee.records import (
    WANTED_ROLES,
    CommitteeResolution,
    CommitteeSummary,
    DealOnAccount,
    RoleAssignment,
    RoleGuess,
    RoleNote,
    Seat,
    SeatKey,
    VerifiedPerson,
    precedence,
)
from enrico.domain.roles import ROLE_ORDER, BuyingRole

DEFAULT_THRESHOLD: Final = 0.30


def resolve_committees(
    deals: Sequence[DealOnAccount], *, threshold: float = DEFAULT_THRESHOLD
) -> CommitteeResolution:
    """Gives every contact on every deal of *one* account a role, and lists what was of no use.

    Contacts that stand on a deal twice, and deals that come twice, are taken together. Guesses
    under the threshold count for nothing. The result does not depend on the order of the input.
    """
    notes: set[RoleNote] = set()
    seats = _seats_by_key(deals)
    explicit = roles_by_label(seats, notes)
    add_deal_fields(deals, seats, explicit, notes)
    votes = votes_of(seats, explicit)
    assignments: list[RoleAssignment] = []
    for key in sorted(seats):
        assignments.append(_assign(key, seats[key], explicit.get(key, []), votes, threshold))
    ordered = sorted(notes, key=lambda n: (n.deal_id, n.field, n.value, n.kind, n.text))
    return CommitteeResolution(tuple(assignments), tuple(ordered))


def resolve_roles(
    deals: Sequence[DealOnAccount], *, threshold: float = DEFAULT_THRESHOLD
) -> list[RoleAssignment]:
    """The assignments of :func:`resolve_committees`, ordered by deal and contact."""
    return list(resolve_committees(deals, threshold=threshold).assignments)


def summarise_committee(
    assignments: Iterable[RoleAssignment], people: Mapping[str, str] | None = None
) -> CommitteeSummary:
    """Size, roles filled and gaps of the assignments given, usually those of one deal.

    ``people`` maps contact id → person key, so that two contacts of one person count once.
    """
    known = people or {}
    persons: set[tuple[str, str]] = set()
    filled: set[BuyingRole] = set()
    for assignment in assignments:
        person = known.get(assignment.contact_id, "")
        persons.add(("person", person) if person else ("contact", assignment.contact_id))
        if assignment.role is not None:
            filled.add(assignment.role)
    return CommitteeSummary(
        size=len(persons),
        roles_filled=tuple(role for role in ROLE_ORDER if role in filled),
        gaps=tuple(role for role in WANTED_ROLES if role not in filled),
    )


def _seats_by_key(deals: Sequence[DealOnAccount]) -> dict[SeatKey, list[Seat]]:
    found: dict[SeatKey, list[Seat]] = {}
    for deal in deals:
        for seat in deal.seats:
            found.setdefault((deal.deal_id, seat.contact_id), []).append(seat)
    for same in found.values():
        if len(same) > 1:
            same.sort(key=_seat_order)
    return found


def _seat_order(seat: Seat) -> tuple[object, ...]:
    verified = seat.verified or VerifiedPerson()
    return (
        not seat.is_primary,
        seat.verified is None,
        seat.person_key == "",
        seat.person_key,
        seat.title == "",
        seat.title,
        seat.name,
        seat.email,
        seat.deal_role_label,
        seat.person_role_label,
        verified.title,
        verified.seniority,
        verified.departments,
        verified.functions,
        verified.provider,
        verified.moved,
    )


def _assign(
    key: SeatKey,
    same: list[Seat],
    explicit: list[RoleGuess],
    votes: Votes,
    threshold: float,
) -> RoleAssignment:
    seat = same[0]
    likely, remark = likely_roles(seat.title, seat.verified)
    guesses = [*explicit, *roles_on_other_deals(key[0], same, votes), *likely]
    guesses = [guess for guess in guesses if guess.confidence >= threshold]
    if not guesses:
        return RoleAssignment(*key, reason=_with(remark, why_none(seat.title, seat.verified)))
    runner_up = None
    if len(guesses) > 1:
        guesses.sort(key=precedence)
        best, *others = guesses
        runner_up = next((g for g in others if g.role != best.role), None) or next(
            (g for g in others if g.source != best.source), None
        )
    best = guesses[0]
    return RoleAssignment(
        *key,
        role=best.role,
        source=best.source,
        confidence=best.confidence,
        reason=_with(remark, best.reason),
        runner_up=runner_up,
    )


def _with(remark: str, reason: str) -> str:
    return f"{reason}; {remark}" if remark and reason else remark or reason

"""Who plays which part on a deal: a buying role for every contact on it, and why.

Evidence is asked in a fixed chain: the CRM's own role, a field of the deal that names the person,
the person's role on other deals of the account, and only then what a verified seniority or a job
title makes likely. Pure, and the same whatever the order of deals and contacts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from enrico.domain.names import find_person
from enrico.domain.roles import (
    ROLE_ORDER,
    BuyingRole,
    is_no_role,
    read_role_field,
    read_role_label,
)
from enrico.domain.titles import TITLE_CONFIDENCE, TitleReading, read_title

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

WANTED_ROLES: Final = (
    BuyingRole.CHAMPION,
    BuyingRole.ECONOMIC_BUYER,
    BuyingRole.DECISION_MAKER,
    BuyingRole.TECHNICAL_EVALUATOR,
)
"""The roles without which a committee has a gap."""

DEFAULT_THRESHOLD: Final = 0.30


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """What a people provider says about a contact."""

    title: str = ""
    seniority: str = ""
    """The provider's word: owner, founder, c_suite, partner, vp, head, director, manager …"""
    departments: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    provider: str = ""
    moved: bool = False
    """Works for another employer now, so that title and seniority say nothing about this deal."""


@dataclass(frozen=True, slots=True)
class Seat:
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


@dataclass(frozen=True, slots=True)
class RoleGuess:
    """A role that one source gives a contact on a deal."""

    role: BuyingRole
    source: RoleSource
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class RoleAssignment:
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


_SeatKey = tuple[str, str]
_Guesses = dict[_SeatKey, list[RoleGuess]]
_ORDER: Final = {role: place for place, role in enumerate(ROLE_ORDER)}
_CHIEF_SENIORITIES: Final = frozenset({"owner", "founder", "c_suite", "partner"})
_LESSER_SENIORITIES: Final[dict[str, tuple[BuyingRole, float, str]]] = {
    "vp": (BuyingRole.DECISION_MAKER, 0.40, "leads a department"),
    "head": (BuyingRole.DECISION_MAKER, 0.40, "leads a department"),
    "director": (BuyingRole.DECISION_MAKER, 0.35, "leads a department"),
    "manager": (BuyingRole.INFLUENCER, 0.30, "leads a team"),
}
_FINANCE: Final = frozenset({"master_finance", "finance", "accounting"})


def resolve_committees(
    deals: Sequence[DealOnAccount], *, threshold: float = DEFAULT_THRESHOLD
) -> CommitteeResolution:
    """Gives every contact on every deal of *one* account a role, and lists what was of no use.

    Contacts that stand on a deal twice, and deals that come twice, are taken together. Guesses
    under the threshold count for nothing. The result does not depend on the order of the input.
    """
    notes: set[RoleNote] = set()
    seats = _seats_by_key(deals)
    explicit = _crm_roles(seats, notes)
    _add_deal_fields(deals, seats, explicit, notes)
    votes = _votes(seats, explicit)
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


def _seats_by_key(deals: Sequence[DealOnAccount]) -> dict[_SeatKey, list[Seat]]:
    found: dict[_SeatKey, list[Seat]] = {}
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


def _crm_roles(seats: Mapping[_SeatKey, list[Seat]], notes: set[RoleNote]) -> _Guesses:
    """What the CRM says: labels on the deal first, then labels on the person."""
    explicit: _Guesses = {}
    for key, same in seats.items():
        on_deal: set[tuple[BuyingRole, str]] = set()
        on_person: set[tuple[BuyingRole, str]] = set()
        for seat in same:
            for label, found in (
                (seat.deal_role_label, on_deal),
                (seat.person_role_label, on_person),
            ):
                if label:
                    roles = read_role_label(label)
                    found.update((role, label) for role in roles)
                    if not roles and not is_no_role(label):
                        notes.add(_unknown_label(key[0], label))
        guesses = [
            RoleGuess(role, "crm_role", 0.95, f'the CRM says "{_clip(label)}" on this deal')
            for role, label in sorted(on_deal, key=_role_then_label)
        ] + [
            RoleGuess(role, "crm_role", 0.95, f'the CRM says "{_clip(label)}" on the person')
            for role, label in sorted(on_person, key=_role_then_label)
        ]
        if guesses:
            explicit[key] = guesses
    return explicit


def _role_then_label(pair: tuple[BuyingRole, str]) -> tuple[int, str]:
    return _ORDER[pair[0]], pair[1]


def _unknown_label(deal_id: str, label: str) -> RoleNote:
    text = "the label is no buying role that we know; map it in the settings or rename it"
    return RoleNote(deal_id, "unknown_label", "role", label, text)


def _not_found(deal_id: str, field: str, name: str, people: _People) -> RoleNote:
    if people.is_ambiguous(name):
        text = "several contacts on the deal may be meant; write the full name or the e-mail"
        return RoleNote(deal_id, "ambiguous", field, name, text)
    text = "no contact on the deal has that name, e-mail or id; add the person to the deal"
    return RoleNote(deal_id, "nobody", field, name, text)


def _add_deal_fields(
    deals: Sequence[DealOnAccount],
    seats: Mapping[_SeatKey, list[Seat]],
    explicit: _Guesses,
    notes: set[RoleNote],
) -> None:
    """Reads the deals' role fields and adds a guess for each contact that one names."""
    fields: dict[str, set[tuple[str, str]]] = {}
    for deal in deals:
        if deal.role_fields:
            fields.setdefault(deal.deal_id, set()).update(deal.role_fields)
    if not fields:
        return
    on_deal: dict[str, list[tuple[str, list[Seat]]]] = {}
    for (deal_id, contact_id), same in seats.items():
        if deal_id in fields:
            on_deal.setdefault(deal_id, []).append((contact_id, same))
    for deal_id, pairs in fields.items():
        people = _People(sorted(on_deal.get(deal_id, ()), key=lambda pair: pair[0]))
        found: dict[_SeatKey, set[RoleGuess]] = {}
        for field, value in pairs:
            role = read_role_field(field)
            if role is None:
                text = "the field's name is no buying role that we know"
                notes.add(RoleNote(deal_id, "unknown_field", field, value, text))
                continue
            for name in people.split(value):
                match = people.find(name)
                if match is None:
                    notes.add(_not_found(deal_id, field, name, people))
                    continue
                contacts, score = match
                confidence = round(SOURCE_CONFIDENCE["deal_field"] * score, 2)
                reason = f'the deal\'s field "{_clip(field)}" names this person'
                for contact_id in contacts:
                    guess = RoleGuess(role, "deal_field", confidence, reason)
                    found.setdefault((deal_id, contact_id), set()).add(guess)
        for key, guesses in found.items():
            ordered = sorted(guesses, key=lambda g: (-g.confidence, _ORDER[g.role], g.reason))
            explicit.setdefault(key, []).extend(ordered)


class _People:
    """The contacts of one deal, to be found by name, e-mail or id."""

    __slots__ = ("_by_address", "_names", "_of_person")

    def __init__(self, contacts: Sequence[tuple[str, list[Seat]]]) -> None:
        self._by_address: dict[str, set[str]] = {}
        self._of_person: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        for contact_id, same in contacts:
            for seat in same:
                person = seat.person_key or f"contact {contact_id}"
                self._of_person.setdefault(person, set()).add(contact_id)
                for address in (contact_id, seat.email, seat.person_key):
                    if address:
                        self._by_address.setdefault(address.strip().lower(), set()).add(person)
                if seat.name and (
                    person not in self._names or len(seat.name) > len(self._names[person])
                ):
                    self._names[person] = seat.name

    def split(self, value: str) -> list[str]:
        """Names apart: by semicolons, else by commas unless a comma is part of one name."""
        names: list[str] = []
        for part in re.split(r"[;\n|]", value):
            pieces = [piece.strip() for piece in part.split(",")]
            has_address = any("@" in piece or piece.lower() in self._by_address for piece in pieces)
            is_one = len(pieces) == 1 or (not has_address and self.find(part) is not None)
            names.extend([part.strip()] if is_one else pieces)
        return [name for name in dict.fromkeys(names) if name]

    def is_ambiguous(self, text: str) -> bool:
        """Whether a text that finds nobody does so because it fits several."""
        wanted = text.strip().lower()
        if len(self._by_address.get(wanted, ())) > 1:
            return True
        return any(find_person(text, [name]) is not None for name in self._names.values())

    def find(self, text: str) -> tuple[list[str], float] | None:
        """The contacts of the one person meant, with a score of 0 to 1."""
        address = re.search(r"[^\s<>]+@[^\s<>]+", text)
        wanted = (address.group() if address else text).strip().lower()
        persons = self._by_address.get(wanted, set())
        if len(persons) == 1:
            return sorted(self._of_person[next(iter(persons))]), 1.0
        if persons:
            return None
        name = re.sub(r"<[^>]*>|\S+@\S+", " ", text).strip()
        match = find_person(name, self._names) if name else None
        return None if match is None else (sorted(self._of_person[match[0]]), match[1])


@dataclass(slots=True)
class _Ballot:
    """The roles that CRM or deal fields give one person, deal by deal."""

    on_deals: dict[str, tuple[BuyingRole, float]]
    counts: Counter[BuyingRole]


_Votes = dict[str, _Ballot]


def _votes(seats: Mapping[_SeatKey, list[Seat]], explicit: _Guesses) -> _Votes:
    """Person → the role that CRM or deal field gives the person on each deal."""
    votes: _Votes = {}
    for key, guesses in explicit.items():
        best = min(guesses, key=_rank)
        if best.confidence < SOURCE_CONFIDENCE["other_deals"]:
            continue  # a weak match of names is no ground to build on
        vote = (best.role, best.confidence)
        for person in {seat.person_key for seat in seats[key] if seat.person_key}:
            ballot = votes.setdefault(person, _Ballot({}, Counter()))
            before = ballot.on_deals.get(key[0])
            if before is None or _vote_order(vote) < _vote_order(before):
                ballot.on_deals[key[0]] = vote
    for ballot in votes.values():
        ballot.counts = Counter(role for role, _ in ballot.on_deals.values())
    return votes


def _vote_order(vote: tuple[BuyingRole, float]) -> tuple[float, int]:
    return -vote[1], _ORDER[vote[0]]


def _rank(guess: RoleGuess) -> tuple[int, float]:
    """Explicit sources by confidence; then a verified seniority; then titles.

    Among equals the first in its list wins, for lists are built in order of precedence.
    """
    group = {"verified_seniority": 1, "verified_title": 2, "title": 2}.get(guess.source, 0)
    return group, -guess.confidence


def _assign(
    key: _SeatKey,
    same: list[Seat],
    explicit: list[RoleGuess],
    votes: _Votes,
    threshold: float,
) -> RoleAssignment:
    seat = same[0]
    guesses = [*explicit, *_other_deals(key[0], same, votes)]
    likely, remark = _likely(seat)
    guesses += likely
    guesses = sorted((g for g in guesses if g.confidence >= threshold), key=_rank)
    if not guesses:
        return RoleAssignment(*key, reason=_with(remark, _why_none(seat)))
    best = guesses[0]
    others = guesses[1:]
    runner_up = next((g for g in others if g.role != best.role), None) or next(
        (g for g in others if g.source != best.source), None
    )
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


def _why_none(seat: Seat) -> str:
    verified = seat.verified
    if verified is not None and verified.title and not verified.moved:
        return f"no role in the CRM, and {read_title(verified.title).reason}"
    if seat.title:
        return f"no role in the CRM, and {read_title(seat.title).reason}"
    return "no role in the CRM and no title"


def _other_deals(deal_id: str, same: list[Seat], votes: _Votes) -> list[RoleGuess]:
    """The role the same person has on other deals of the account; the most frequent if several."""
    ballot = next((found for seat in same if (found := votes.get(seat.person_key))), None)
    if ballot is None:
        return []
    counts: Mapping[BuyingRole, int] = ballot.counts
    here = ballot.on_deals.get(deal_id)
    if here is not None:
        counts = ballot.counts - Counter((here[0],))
    if not counts:
        return []
    total = sum(counts.values())
    ordered = sorted(counts, key=lambda role: (-counts[role], _ORDER[role]))
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


def _likely(seat: Seat) -> tuple[list[RoleGuess], str]:
    """Guesses from what the person is, and a remark on facts left aside."""
    verified = seat.verified
    if verified is None:
        return _from_title(seat.title, "title"), ""
    by = verified.provider or "the people provider"
    if verified.moved:
        return _from_title(seat.title, "title"), f"works for another employer now, says {by}"
    reading = read_title(verified.title) if verified.title else None
    guesses = _from_seniority(verified, reading or read_title(seat.title), by)
    if reading is not None and (reading.role is not None or reading.seniority is not None):
        return guesses + _from_title(verified.title, "verified_title"), ""
    guesses += _from_title(seat.title, "title")
    if not guesses:
        guesses = _from_lesser_seniority(verified, by)
    return guesses, ""


def _from_title(title: str, source: RoleSource) -> list[RoleGuess]:
    reading = read_title(title)
    if reading.role is None:
        return []
    confidence = min(reading.confidence, SOURCE_CONFIDENCE[source])
    prefix = "verified " if source == "verified_title" else ""
    return [RoleGuess(reading.role, source, confidence, prefix + reading.reason)]


def _from_seniority(verified: VerifiedPerson, reading: TitleReading, by: str) -> list[RoleGuess]:
    seniority = verified.seniority.strip().lower()
    if seniority not in _CHIEF_SENIORITIES or reading.is_aide:
        return []  # providers file the assistant of a chief under the chiefs
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
    return [RoleGuess(role, "verified_seniority", confidence, reason)]


def _from_lesser_seniority(verified: VerifiedPerson, by: str) -> list[RoleGuess]:
    """A seniority below the top is worth a title's guess, when no title can be read."""
    found = _LESSER_SENIORITIES.get(verified.seniority.strip().lower())
    if found is None:
        return []
    role, confidence, why = found
    reason = f"{by} verified the seniority {verified.seniority.strip().lower()}: {why}"
    return [RoleGuess(role, "verified_seniority", confidence, reason)]


def _clip(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
